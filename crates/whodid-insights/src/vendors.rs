//! An insight in the forms of ActionTrail and of CloudTrail.
//!
//! Made from the `requestData` of the events that whodid keeps, which hold a superset of both. Sources: "Insights event
//! structure" of ActionTrail, "CloudTrail record contents for Insights events" of AWS.

use serde_json::{Value, json};

/// ActionTrail's form of an event of the stream `insights`. `event`: as the interface gives it, or as it is kept.
///
/// Of an update there is no such form: it is told as a start that lasted longer. `None` for events that are no insights.
pub fn action_trail(event: &Value, account: &str) -> Option<Value> {
    let data = event.get("requestData")?;
    let kind = data.get("insightType")?;
    let statistics = &data["statistics"];
    Some(json!({
        "eventVersion": "1",
        "eventType": "ActionTrailInsight",
        "eventCategory": "Insight",
        "eventId": event["id"],
        "eventTime": seconds(&event["eventTime"]),
        "acsRegion": data["region"],
        "recipientAccountId": account,
        "sharedEventId": data["insightId"],
        "insightDetails": {
            "state": state(data),
            "insightType": kind,
            "insightObject": data["insightObject"],
            "insightContext": {
                "attributions": with_services(data, attributions(data, |name| match name {
                    "sourceIpAddress" => None,
                    name => Some(name),
                })),
                "statistics": {
                    "insight": statistics["insight"]["average"],
                    "insightDuration": statistics["insightDuration"],
                    "baseline": statistics["baseline"]["average"],
                    "baselineDuration": statistics["baselineDuration"],
                    "insightCount": statistics["insightCount"],
                },
            },
        },
    }))
}

/// CloudTrail's form. `None` for kinds that CloudTrail does not have.
pub fn cloud_trail(event: &Value, account: &str) -> Option<Value> {
    let data = event.get("requestData")?;
    let kind = data.get("insightType")?;
    if !matches!(kind.as_str(), Some("ApiCallRateInsight" | "ApiErrorRateInsight")) {
        return None;
    }
    let statistics = &data["statistics"];
    let is_errors = kind == "ApiErrorRateInsight";
    let mut details = json!({
        "state": state(data),
        "eventSource": data["eventSource"],
        "eventName": data["eventName"],
        "insightType": kind,
        "insightContext": {
            "statistics": {
                "baseline": {"average": statistics["baseline"]["average"]},
                "insight": {"average": statistics["insight"]["average"]},
                "insightDuration": statistics["insightDuration"],
                "baselineDuration": statistics["baselineDuration"],
            },
            "attributions": attributions(data, |name| match name {
                "principalId" => Some("userIdentityArn"),
                "userAgent" => Some("userAgent"),
                "errorCode" if !is_errors => Some("errorCode"),
                _ => None,
            }),
        },
    });
    if is_errors {
        details["errorCode"] = data["errorCode"].clone();
    }
    Some(json!({
        "eventVersion": "1.07",
        "eventTime": seconds(&event["eventTime"]),
        "awsRegion": data["region"],
        "eventID": event["id"],
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": account,
        "sharedEventID": data["insightId"],
        "insightDetails": details,
        "eventCategory": "Insight",
    }))
}

/// The vendors know starts and ends.
fn state(data: &Value) -> &'static str {
    if data["state"] == "End" { "End" } else { "Start" }
}

fn attributions(data: &Value, named: impl Fn(&str) -> Option<&str>) -> Vec<Value> {
    let list = data["attributions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let values = |of: &Value| -> Vec<Value> {
        let values = of.as_array().map(Vec::as_slice).unwrap_or_default();
        values.iter().map(|value| json!({"value": value["value"], "average": value["average"]})).collect()
    };
    list.iter()
        .filter_map(|attribution| {
            let name = named(attribution["attribute"].as_str()?)?;
            let (insight, baseline) = (values(&attribution["insight"]), values(&attribution["baseline"]));
            Some(json!({"attribute": name, "insight": insight, "baseline": baseline}))
        })
        .collect()
}

/// ActionTrail writes of `apiRelated` the service before the action. Where neither the insight nor the action names one,
/// the format of the events stands for it.
fn with_services(data: &Value, mut attributions: Vec<Value>) -> Vec<Value> {
    let known = data["eventSource"].as_str().filter(|service| !service.is_empty());
    let source = data["source"].as_str().unwrap_or("unknown");
    for attribution in attributions.iter_mut().filter(|attribution| attribution["attribute"] == "apiRelated") {
        for side in ["insight", "baseline"] {
            for entry in attribution[side].as_array_mut().into_iter().flatten() {
                let action = entry["value"].as_str().unwrap_or_default();
                let named = action.split_once('.').map(|(service, _)| service).filter(|service| !service.is_empty());
                entry["value"] = json!(format!("{}/{action}", known.or(named).unwrap_or(source)));
            }
        }
    }
    attributions
}

/// Both give whole seconds.
fn seconds(time: &Value) -> Value {
    let text = time.as_str().unwrap_or_default();
    let whole = text.split('.').next().unwrap_or_default().trim_end_matches('Z');
    json!(format!("{whole}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str) -> Value {
        json!({
            "id": "e1", "eventTime": "2026-11-20T10:05:00.000000Z",
            "requestData": {
                "insightId": "i1", "state": "Update", "insightType": kind, "insightObject": "DeleteKey",
                "region": "eu-de", "eventSource": "kms", "eventName": "DeleteKey", "errorCode": "Throttled",
                "statistics": {
                    "insight": {"average": 4.2}, "baseline": {"average": 0.3},
                    "insightDuration": 10, "baselineDuration": 10080, "insightCount": 42,
                },
                "attributions": [
                    {"attribute": "principalId",
                     "insight": [{"value": "bob", "average": 4.0, "share": 0.95}], "baseline": []},
                    {"attribute": "sourceIpAddress", "insight": [], "baseline": []},
                    {"attribute": "errorCode", "insight": [{"value": "null", "average": 4.2}], "baseline": []},
                ],
            },
        })
    }

    #[test]
    fn an_insight_has_the_members_of_cloud_trail() {
        let shown = cloud_trail(&event("ApiCallRateInsight"), "acme").unwrap();
        assert_eq!(shown["eventTime"], "2026-11-20T10:05:00Z");
        assert_eq!(shown["sharedEventID"], "i1");
        let details = &shown["insightDetails"];
        assert_eq!((&details["state"], &details["eventName"]), (&json!("Start"), &json!("DeleteKey")));
        assert!(details.get("errorCode").is_none());
        let names: Vec<&Value> =
            details["insightContext"]["attributions"].as_array().unwrap().iter().map(|one| &one["attribute"]).collect();
        assert_eq!(names, ["userIdentityArn", "errorCode"]);
        let errors = cloud_trail(&event("ApiErrorRateInsight"), "acme").unwrap();
        assert_eq!(errors["insightDetails"]["errorCode"], "Throttled");
        assert_eq!(errors["insightDetails"]["insightContext"]["attributions"].as_array().unwrap().len(), 1);
        assert_eq!(cloud_trail(&event("IpInsight"), "acme"), None);
        assert_eq!(cloud_trail(&json!({"id": "x"}), "acme"), None);
    }

    #[test]
    fn action_trail_names_the_service_of_an_action() {
        let related = |data: Value, action: &str| {
            let mut event = event("IpInsight");
            event["requestData"]["eventSource"] = Value::Null;
            event["requestData"]["source"] = json!("cloudtrail");
            for (name, value) in data.as_object().unwrap() {
                event["requestData"][name] = value.clone();
            }
            let values = json!([{"value": action, "average": 1.0}]);
            event["requestData"]["attributions"] =
                json!([{"attribute": "apiRelated", "insight": values, "baseline": values}]);
            let shown = action_trail(&event, "acme").unwrap();
            let first = &shown["insightDetails"]["insightContext"]["attributions"][0];
            assert_eq!(first["insight"][0]["value"], first["baseline"][0]["value"]);
            first["insight"][0]["value"].as_str().unwrap().to_owned()
        };
        assert_eq!(related(json!({"eventSource": "Ecs"}), "DeleteInstance"), "Ecs/DeleteInstance");
        assert_eq!(related(json!({}), "kms.secrets.delete"), "kms/kms.secrets.delete");
        assert_eq!(related(json!({}), "StopLogging"), "cloudtrail/StopLogging");
    }

    #[test]
    fn an_insight_has_the_members_of_action_trail() {
        let shown = action_trail(&event("IpInsight"), "acme").unwrap();
        assert_eq!(shown["eventType"], "ActionTrailInsight");
        assert_eq!(shown["insightDetails"]["insightContext"]["statistics"]["insightCount"], 42);
        let first = &shown["insightDetails"]["insightContext"]["attributions"][0];
        assert_eq!(
            first,
            &json!({
                "attribute": "principalId", "insight": [{"value": "bob", "average": 4.0}], "baseline": [],
            })
        );
    }
}
