//! Insights at the boundary: told, asked for, called expected, in the vendors' forms, and computed anew.

use serde_json::{Value, json};

use crate::alerting::until;
use crate::boundary::{Server, answer};

const INSIGHTS: &str = "/api/v1/insights";

fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    whodid_model::Timestamp::from_millis(since.as_millis() as i64).to_string()
}

/// Somebody stops a trail: a fact, which needs nothing learned.
pub async fn stop_logging(server: &Server, region: &str) {
    let event = json!({
        "eventVersion": "1.08", "eventID": format!("stop-{region}"), "eventTime": now(),
        "eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging", "awsRegion": region,
        "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2", "eventType": "AwsApiCall", "readOnly": false,
        "userIdentity": {"type": "IAMUser", "userName": "mallory", "arn": "arn:aws:iam::123456789012:user/mallory"},
        "requestParameters": {"name": "main"}, "responseElements": null, "eventCategory": "Management",
    });
    let (status, told) = answer(server.admin("POST", "/api/v1/events?format=cloudtrail").json(&event)).await;
    assert_eq!((status, &told["accepted"]), (200, &json!(1)), "{told}");
}

async fn ask(server: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = server.admin(method, path);
    answer(if body.is_null() { request } else { request.json(&body) }).await
}

async fn done(server: &Server, method: &str, path: &str, body: Value) -> Value {
    let (status, told) = ask(server, method, path, body).await;
    assert!((200..300).contains(&status), "{method} {path}: {status} {told}");
    told
}

pub async fn first(server: &Server) -> Value {
    one(server, "").await
}

/// The latest insight that is asked for, as soon as there is one.
async fn one(server: &Server, query: &str) -> Value {
    let has_one = |page: &Value| page["insights"].as_array().is_some_and(|all| !all.is_empty());
    until(server, &format!("{INSIGHTS}?{query}"), has_one).await["insights"][0].clone()
}

/// The alerts of a rule, as soon as there are so many.
async fn alerts(server: &Server, rule: &str, count: usize) -> Vec<Value> {
    let are_there = |page: &Value| page["alerts"].as_array().is_some_and(|all| all.len() == count);
    let page = until(server, &format!("/api/v1/alerts?rule={rule}"), are_there).await;
    page["alerts"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_stopped_trail_is_an_insight_with_its_events_and_an_alert() {
    let server = Server::start().await;
    stop_logging(&server, "eu-west-1").await;
    let insight = first(&server).await;
    assert_eq!(insight["insight_type"], "TrailConcealmentInsight");
    assert_eq!(insight["event_name"], "StopLogging");
    assert_eq!(insight["region"], "eu-west-1");
    let sentence = insight["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("StopLogging") && sentence.contains("mallory"), "{sentence}");
    assert_eq!(insight["evidence"]["records"], json!(["activity:0"]));
    let id = insight["id"].as_str().unwrap();
    assert_eq!(done(&server, "GET", &format!("{INSIGHTS}/{id}"), Value::Null).await["id"], id);
    let by_event = format!("{INSIGHTS}/{}", insight["event_ids"][0].as_str().unwrap());
    assert_eq!(done(&server, "GET", &by_event, Value::Null).await["id"], id);

    let alert = &alerts(&server, "whodid-insights-concealment", 1).await[0];
    assert_eq!(
        (&alert["severity"], &alert["sentence"], &alert["insight"]),
        (&json!("high"), &json!(sentence), &json!(id))
    );

    stop_logging(&server, "us-east-1").await;
    let both = alerts(&server, "whodid-insights-concealment", 2).await;
    assert_ne!(both[0]["insight"], both[1]["insight"], "each insight is an alert of its own, whoever is named in it");
}

#[tokio::test]
async fn an_alert_on_a_search_can_look_at_insights() {
    let server = Server::start().await;
    let search = json!({
        "name": "Stopped trails", "stream": "insights", "q": "action:whodid.insight.start requestData.eventName:StopLogging",
        "trigger": {"operator": "presence", "immediate": true},
    });
    let made = done(&server, "POST", "/api/v1/search-alerts", search).await;
    stop_logging(&server, "eu-west-1").await;
    let alert = &alerts(&server, made["rule_id"].as_str().unwrap(), 1).await[0];
    assert_eq!(alert["rule_title"], "Stopped trails", "{alert}");
}

#[tokio::test]
async fn whoever_switches_insights_off_or_excepts_some_is_told_of() {
    let server = Server::start().await;
    let exception = json!({"pattern": {"event_name": "StopLogging"}, "reason": "r"});
    done(&server, "POST", &format!("{INSIGHTS}/expected"), exception).await;
    assert_eq!(one(&server, "event_name=whodid.insight-exception.create").await["source"], "whodid");
    alerts(&server, "whodid-self-alerts-silenced", 1).await;
    let settings = |on: Vec<&str>, sensitivity: &str| json!({"on": on, "sensitivity": sensitivity});
    let path = format!("{INSIGHTS}/settings");
    done(&server, "PUT", &path, settings(vec!["IpInsight", "TrailConcealmentInsight"], "normal")).await;
    assert_eq!(one(&server, "event_name=whodid.insight.configure").await["source"], "whodid");
    alerts(&server, "whodid-self-rules-off", 1).await;
    done(&server, "PUT", &path, settings(vec!["IpInsight", "TrailConcealmentInsight", "AkInsight"], "low")).await;
    alerts(&server, "whodid-self-rules-weakened", 1).await;
    alerts(&server, "whodid-self-rules-off", 1).await;
}

#[tokio::test]
async fn insights_are_asked_for_by_the_vendors_keys_and_given_in_their_forms() {
    let server = Server::start().await;
    stop_logging(&server, "eu-west-1").await;
    first(&server).await;
    let count = async |query: &str| {
        done(&server, "GET", &format!("{INSIGHTS}?{query}"), Value::Null).await["insights"].as_array().unwrap().len()
    };
    for (query, expected) in [
        ("insight_type=TrailConcealmentInsight", 1),
        ("insight_type=IpInsight", 0),
        ("event_name=StopLogging&event_source=cloudtrail.amazonaws.com", 1),
        ("event_name=stoplogging", 0),
        ("principal_id=mallory&source_ip_address=203.0.113.9&region=eu-west-1", 1),
        ("region=us-east-1", 0),
        ("from=1h", 1),
        ("to=2020-01-01", 0),
        ("form=cloudtrail", 0),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let told = server.told("action:===whodid.insight.read requestData.principal_id:===mallory").await;
    let asked = &told[0]["requestData"];
    assert_eq!(
        (&asked["source_ip_address"], &asked["region"]),
        (&json!("203.0.113.9"), &json!("eu-west-1")),
        "{asked}"
    );
    let shown = done(&server, "GET", &format!("{INSIGHTS}?form=actiontrail"), Value::Null).await;
    let event = &shown["insights"][0];
    assert_eq!((&event["eventType"], &event["acsRegion"]), (&json!("ActionTrailInsight"), &json!("eu-west-1")));
    assert_eq!(event["insightDetails"]["insightType"], "TrailConcealmentInsight");
    for (query, code) in [
        ("insight_type=Nothing", "bad_parameter"),
        ("limit=0", "bad_parameter"),
        ("cursor=x", "bad_cursor"),
        ("from=sometime", "bad_time"),
        ("colour=red", "unknown_parameter"),
    ] {
        let (status, told) = ask(&server, "GET", &format!("{INSIGHTS}?{query}"), Value::Null).await;
        assert_eq!((status, &told["code"]), (400, &json!(code)), "{query}: {told}");
    }
    assert_eq!(ask(&server, "GET", &format!("{INSIGHTS}/nothing"), Value::Null).await.0, 404);
    let (status, told) = ask(&server, "GET", &format!("{INSIGHTS}/metric-data"), Value::Null).await;
    assert!(status == 400 && told["detail"].as_str().unwrap().contains("event_name"), "{told}");

    let series = format!("{INSIGHTS}/metric-data?event_name=StopLogging&event_source=cloudtrail.amazonaws.com");
    let shown = done(&server, "GET", &format!("{series}&form=cloudtrail"), Value::Null).await;
    assert_eq!((&shown["EventName"], &shown["InsightType"]), (&json!("StopLogging"), &json!("ApiCallRateInsight")));
    assert_eq!((&shown["Values"], shown.as_object().unwrap().len()), (&json!([1.0]), 5), "{shown}");
    let hour = shown["Timestamps"][0].as_i64().unwrap();
    assert_eq!(hour % 3600, 0, "{shown}");
    let filled =
        done(&server, "GET", &format!("{series}&form=cloudtrail&data_type=FillWithZeros&from=3h"), Value::Null).await;
    assert!(filled["Values"].as_array().unwrap().len() >= 3, "{filled}");
    let own = done(&server, "GET", &series, Value::Null).await;
    assert!(own["points"].as_array().unwrap().len() >= 288 && own["period"] == 300);
    let (status, told) =
        ask(&server, "GET", &format!("{INSIGHTS}/metric-data?event_name=x&form=cloudtrail"), Value::Null).await;
    assert!(status == 400 && told["detail"].as_str().unwrap().contains("event_source"), "{told}");
}

#[tokio::test]
async fn an_expected_insight_leaves_the_list_and_is_kept() {
    let server = Server::start().await;
    stop_logging(&server, "eu-west-1").await;
    let insight = first(&server).await;
    let path = format!("{INSIGHTS}/{}/feedback", insight["id"].as_str().unwrap());
    for said in [json!({"verdict": "expected"}), json!({"verdict": "expected", "reason": " "})] {
        let (status, told) = ask(&server, "PUT", &path, said).await;
        assert!(status == 400 && told["detail"].as_str().unwrap().contains("`reason`"), "{told}");
    }
    let said = json!({"verdict": "expected", "reason": "the trail moves"});
    let shown = done(&server, "PUT", &path, said).await;
    assert_eq!((&shown["verdict"], &shown["verdict_reason"]), (&json!("expected"), &json!("the trail moves")));
    let page = done(&server, "GET", INSIGHTS, Value::Null).await;
    assert_eq!((&page["insights"], &page["counts"]["expected"]), (&json!([]), &json!(1)));
    let all = done(&server, "GET", &format!("{INSIGHTS}?expected=true"), Value::Null).await;
    assert_eq!(all["insights"][0]["id"], insight["id"]);
    done(&server, "PUT", &path, json!({"verdict": null})).await;
    let page = done(&server, "GET", INSIGHTS, Value::Null).await;
    assert_eq!((&page["counts"]["all"], &page["is_cut"]), (&json!(1), &json!(false)));

    let mut told = json!({"verdict": "useful", "from_now_on": {"event_name": "StopLogging"}, "reason": "x"});
    assert_eq!(ask(&server, "PUT", &path, told.clone()).await.0, 400);
    told["verdict"] = json!("expected");
    done(&server, "PUT", &path, told).await;
    stop_logging(&server, "us-east-1").await;
    let both = |page: &Value| page["insights"].as_array().is_some_and(|all| all.len() == 2);
    let stopped = format!("{INSIGHTS}?event_name=StopLogging");
    let all = until(&server, &format!("{stopped}&expected=true"), both).await;
    assert!(all["insights"][0]["expected_by"].is_string(), "{all}");
    assert_eq!(done(&server, "GET", &stopped, Value::Null).await["counts"]["all"], 0);
    let listed = done(&server, "GET", &format!("{INSIGHTS}/expected"), Value::Null).await;
    assert_eq!((&listed["expected"][0]["silenced"], &listed["expected"][0]["reason"]), (&json!(1), &json!("x")));
}

#[tokio::test]
async fn what_is_expected_from_now_on_is_previewed_made_and_taken_back() {
    let server = Server::start().await;
    stop_logging(&server, "eu-west-1").await;
    first(&server).await;
    let path = format!("{INSIGHTS}/expected");
    let preview = async |pattern: Value| {
        let told = done(&server, "POST", &format!("{path}/preview"), pattern).await;
        (told["silenced"].as_u64().unwrap(), told["of"].as_u64().unwrap())
    };
    assert_eq!(preview(json!({"event_name": "stop*"})).await, (1, 1));
    assert_eq!(preview(json!({"region": "us-*"})).await, (0, 1));
    let told = server.told("action:===whodid.insight.read requestData.view:===preview").await;
    assert_eq!((told.len(), &told[0]["requestData"]["region"]), (2, &json!("us-*")));
    for (pattern, words) in [
        (json!({}), "covers everything"),
        (json!({"event_name": "*"}), "covers everything"),
        (json!({"event_name": ""}), "`event_name`"),
        (json!({"event_name": "x", "expires_at": "2020-01-01T00:00:00Z"}), "over already"),
    ] {
        let (status, told) = ask(&server, "POST", &path, json!({"pattern": pattern, "reason": "r"})).await;
        assert!(status == 400 && told["detail"].as_str().unwrap().contains(words), "{pattern}: {told}");
    }
    let (status, told) = ask(&server, "POST", &path, json!({"pattern": {"event_name": "x"}, "reason": " "})).await;
    assert!(status == 400 && told["detail"].as_str().unwrap().contains("say why"), "{told}");
    let made = done(&server, "POST", &path, json!({"pattern": {"event_name": "x"}, "reason": "r"})).await;
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(&server, "DELETE", &one, Value::Null).await.0, 204);
    assert_eq!(ask(&server, "DELETE", &one, Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_kind_that_is_off_is_not_told_and_a_replay_gives_what_is_recorded() {
    let server = Server::start().await;
    let status = done(&server, "GET", &format!("{INSIGHTS}/status"), Value::Null).await;
    assert_eq!((&status["is_ready"], status["kinds"].as_array().unwrap().len()), (&json!(false), 7));
    let settings = json!({"on": ["IpInsight"], "sensitivity": "low"});
    let set = done(&server, "PUT", &format!("{INSIGHTS}/settings"), settings.clone()).await;
    assert_eq!(set["settings"], settings);
    let stream = "/api/v1/events?stream=insights&order=asc";
    let is_set = |page: &Value| page["events"].to_string().contains("\"sensitivity\":\"low\"");
    until(&server, stream, is_set).await;
    stop_logging(&server, "eu-west-1").await;
    let on = json!({"on": ["TrailConcealmentInsight"], "sensitivity": "normal"});
    let caught_up = |status: &Value| status["behind"] == 0;
    until(&server, &format!("{INSIGHTS}/status"), caught_up).await;
    done(&server, "PUT", &format!("{INSIGHTS}/settings"), on).await;
    stop_logging(&server, "us-east-1").await;
    let insight = one(&server, "event_name=StopLogging").await;
    assert_eq!(insight["region"], "us-east-1");
    until(&server, &format!("{INSIGHTS}/status"), caught_up).await;

    let recorded = done(&server, "GET", stream, Value::Null).await;
    let recorded: Vec<&str> =
        recorded["events"].as_array().unwrap().iter().map(|event| event["raw"].as_str().unwrap()).collect();
    let replayed = server.admin("GET", &format!("{INSIGHTS}/replay")).send().await.unwrap().text().await.unwrap();
    assert_eq!(replayed.lines().collect::<Vec<_>>().len(), recorded.len());
    let bad = json!({"on": ["Nothing"]});
    assert_eq!(ask(&server, "PUT", &format!("{INSIGHTS}/settings"), bad).await.0, 400);
}
