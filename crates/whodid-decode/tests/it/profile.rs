//! The two profiles: what is written is valid, and going there and back changes nothing.

use proptest::prelude::*;
use serde_json::{Value, json};
use whodid_decode::profile::{to_cadf, to_ibm_at, validate_cadf};
use whodid_decode::{Format, decode};
use whodid_model::Timestamp;

fn now() -> Timestamp {
    Timestamp::from_micros(1_767_571_200_000_000)
}

fn cadf_text(format: Format, raw: &str) -> String {
    let items = decode(format, raw.as_bytes(), now());
    let event = items[0].event.as_ref().unwrap();
    to_cadf(items[0].format, raw, event, now()).to_string()
}

fn ibm_at_text(format: Format, raw: &str) -> String {
    let items = decode(format, raw.as_bytes(), now());
    let event = items[0].event.as_ref().unwrap();
    to_ibm_at(items[0].format, raw, event).to_string()
}

fn cadf_of(format: Format, raw: &str) -> Value {
    serde_json::from_str(&cadf_text(format, raw)).unwrap()
}

fn ibm_at_of(format: Format, raw: &str) -> Value {
    serde_json::from_str(&ibm_at_text(format, raw)).unwrap()
}

#[track_caller]
fn check_valid(event: &Value) {
    let problems: Vec<String> = validate_cadf(event).iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new(), "{event:#}");
}

#[test]
fn a_line_of_text_is_kept_as_text() {
    let line = "Jan  5 09:00:00 gate1 sshd[7]: Failed password for mara from 192.0.2.61 port 4 ssh2";
    let cadf = cadf_of(Format::LinuxAuth, line);
    check_valid(&cadf);
    let kept = json!([{ "typeURI": "text/plain", "name": "whodid:original:linux-auth", "content": line }]);
    assert_eq!(cadf["attachments"], kept);
    assert_eq!(ibm_at_of(Format::LinuxAuth, line)["original"], json!({ "format": "linux-auth", "content": line }));
}

fn ibm_at_event() -> Value {
    json!({
        "id": "3a2c098e-20c9-4f37-bc55-000000000001",
        "eventTime": "2026-01-05T09:00:41.35+0000",
        "action": "kms.secrets.rotate",
        "outcome": "failure",
        "message": "Key Protect: rotate secret k17 -failure",
        "severity": "critical",
        "dataEvent": false,
        "initiator": {
            "id": "IBMid-0000000001",
            "typeURI": "service/security/account/user",
            "name": "bob@example.com",
            "authnName": "carol@example.com",
            "host": { "address": "192.0.2.7", "addressType": "IPv4", "agent": "curl/8" },
            "credential": { "type": "token" }
        },
        "target": { "id": "crn:v1:example:public:kms:eu-de:a/1:2:key:k17", "typeURI": "kms/secrets", "name": "k17", "resourceGroupId": "crn:g" },
        "observer": { "name": "ActivityTracker" },
        "reason": { "reasonCode": 403, "reasonType": "Forbidden", "reasonForFailure": "not yours" },
        "requestData": "{\"keyType\":\"root_key\"}",
        "responseData": { "total": 18446744073709551615_u64 },
        "correlationId": "c-1",
        "logSourceCRN": "crn:v1:example:public:kms:eu-de:a/1:2::",
        "saveServiceCopy": true
    })
}

fn cadf_event() -> Value {
    json!({
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
        "eventType": "activity",
        "id": "59ea0075-0000-5674-9f8d-000000000001",
        "eventTime": "2026-01-05T08:58:41.145198+0000",
        "action": "created.role_assignment",
        "outcome": "success",
        "observer": { "id": "3c62e49c-0000-5344-bddd-000000000001", "typeURI": "service/security" },
        "initiator": { "id": "u1", "typeURI": "service/security/account/user", "username": "alice", "credential": { "token": "***", "identity_status": "Confirmed" } },
        "target": { "id": "b220b415-0000-500c-a765-000000000001", "typeURI": "service/security/account/user", "addresses": [{ "url": "http://192.0.2.1/v1", "name": "public" }] },
        "role": "r1",
        "inherited_to_projects": false,
        "requestPath": "/v3/roles",
        "tags": ["correlation_id?value=c-2"],
        "reporterchain": [{ "role": "modifier", "reporterTime": "2026-01-05T08:58:42.145198+0000", "reporter": { "id": "target" } }],
        "reason": { "reasonType": "HTTP", "reasonCode": "204" }
    })
}

#[test]
fn strict_cadf_is_written_from_every_kind_of_event() {
    for (format, event) in [
        (Format::IbmAt, ibm_at_event()),
        (Format::Cadf, cadf_event()),
        (Format::Json, json!({"action": "x y z", "user": "alice"})),
        (
            Format::Json,
            json!({"time": "2026-01-05T08:58:41Z", "resource": {"type": "a b::c/ /d", "id": "target"}, "user": {"id": "initiator"}}),
        ),
        (
            Format::Kubernetes,
            json!({"apiVersion": "audit.k8s.io/v1", "verb": "list", "user": {"username": "alice"}, "objectRef": {"resource": "pods"}, "responseStatus": {"code": 403}}),
        ),
        (
            Format::CloudTrail,
            json!({"eventName": "DeleteTrail", "eventSource": "cloudtrail.amazonaws.com", "errorCode": "AccessDenied", "userIdentity": {"type": "Root"}}),
        ),
        (Format::Cadf, json!({"action": "read", "eventType": "monitor", "outcome": "ok"})),
        (
            Format::Cadf,
            json!({"action": "deny", "eventType": "control", "tags": 7, "measurements": "none", "initiator": "bob", "target": [], "reporterchain": [1], "attachments": {}}),
        ),
    ] {
        let written = cadf_of(format, &event.to_string());
        check_valid(&written);
        let last = written["reporterchain"].as_array().unwrap().last().unwrap();
        assert_eq!(last["reporter"]["id"], "whodid");
    }
}

#[test]
fn an_event_that_is_strict_already_is_left_alone() {
    let mut event = cadf_event();
    event["action"] = json!("create/role_assignment");
    event["eventTime"] = json!("2026-01-05T08:58:41.145198+00:00");
    event["reporterchain"][0]["reporterTime"] = json!("2026-01-05T08:58:42+00:00");
    check_valid(&event);
    assert_eq!(cadf_of(Format::Cadf, &event.to_string()), event);
    assert_eq!(ibm_at_of(Format::IbmAt, &ibm_at_event().to_string()), ibm_at_event());
}

#[test]
fn what_the_derivation_changed_is_told() {
    let written = cadf_of(Format::IbmAt, &ibm_at_event().to_string());
    assert_eq!(written["action"], "update");
    assert_eq!(written["name"], "kms.secrets.rotate");
    assert_eq!(written["eventTime"], "2026-01-05T09:00:41.350+00:00");
    assert_eq!(
        written["reason"],
        json!({"reasonType": "Forbidden", "reasonCode": "403", "reasonForFailure": "not yours"})
    );
    assert_eq!(written["target"]["typeURI"], "service/kms/secrets");
    assert_eq!(written["attachments"][0]["name"], "whodid:original:ibm-at");
    let written = ibm_at_of(Format::Cadf, &cadf_event().to_string());
    assert_eq!(written["eventTime"], "2026-01-05T08:58:41.145198+0000");
    assert_eq!(written["reason"]["reasonCode"], 204);
    assert_eq!(written["action"], "security.user.create");
    assert_eq!(written["observer"], json!({"name": "ActivityTracker"}));
}

#[test]
fn whether_it_was_about_data_is_told_only_where_it_is_known() {
    let cloud = |category: &str| json!({"eventName": "GetObject", "eventSource": "s3.amazonaws.com", "eventCategory": category});
    for (format, event, expected) in [
        (Format::CloudTrail, cloud("Data"), json!(true)),
        (Format::CloudTrail, cloud("Management"), json!(false)),
        (Format::CloudTrail, cloud("Insight"), Value::Null),
        (Format::Json, json!({"action": "x"}), Value::Null),
    ] {
        assert_eq!(ibm_at_of(format, &event.to_string())["dataEvent"], expected, "{event}");
    }
}

#[test]
fn kept_members_keep_their_digits_and_their_order() {
    let raw = r#"{"zz":{"b":1e3,"a":18446744073709551616},"typeURI":"http://schemas.dmtf.org/cloud/audit/1.0/event","eventType":"activity","id":"e1","eventTime":"2026-01-05T08:58:41+0000","action":"read","outcome":"success","initiator":{"y":-0.0,"id":"u1","x":1.10},"target":{"id":"t1"},"observer":{"id":"target"},"requestData":{"n":100000000000000000000.50}}"#;
    let written = cadf_text(Format::Cadf, raw);
    for kept in [
        r#"{"zz":{"b":1e3,"a":18446744073709551616},"#,
        r#"{"y":-0.0,"id":"u1","x":1.10,"#,
        r#""requestData":{"n":100000000000000000000.50}"#,
    ] {
        assert!(written.contains(kept), "{kept} in {written}");
    }
    assert!(ibm_at_text(Format::Cadf, raw).contains(r#""requestData":{"n":100000000000000000000.50}"#));
}

#[test]
fn each_rule_of_the_standard_is_checked() {
    for (path, value, problem) in [
        ("/eventTime", json!("2026-01-05T08:58:41Z"), "eventTime: is no time of the form"),
        ("/eventTime", json!("2026-01-05T08:58:41+0000"), "eventTime: is no time of the form"),
        ("/eventTime", json!("2026-02-30T08:58:41+00:00"), "eventTime: is no time of the form"),
        ("/action", json!("createfoo"), "action: is not of the action taxonomy"),
        ("/outcome", json!("failure/denied"), "outcome: is not of the outcome taxonomy"),
        ("/reason/reasonCode", json!(204), "reason.reasonCode: is no text"),
        ("/reason", json!({"reasonCode": "204"}), "reason: has no complete pair"),
        ("/initiator/id", json!("initiator"), "initiator.id: is a reserved word"),
        ("/target/typeURI", json!("kms/secrets"), "target.typeURI: is not of the resource taxonomy"),
        ("/target", json!({"id": "target"}), "target: points to itself"),
        ("/eventType", json!("monitor"), "measurements: are missing"),
        ("/initiator/credential", json!({"type": "token"}), "initiator.credential.token: is missing"),
        ("/reporterchain/0/role", json!("author"), "reporterchain.0.role: is none of"),
    ] {
        let mut event = cadf_event();
        event["action"] = json!("create");
        event["eventTime"] = json!("2026-01-05T08:58:41.145198+00:00");
        event["reporterchain"][0]["reporterTime"] = json!("2026-01-05T08:58:42+00:00");
        check_valid(&event);
        *event.pointer_mut(path).unwrap() = value;
        let problems = validate_cadf(&event);
        assert!(problems.iter().any(|found| found.to_string().starts_with(problem)), "{problem}: {problems:?}");
    }
    let mut both = cadf_event();
    both["targetId"] = json!("t1");
    assert!(validate_cadf(&both).iter().any(|problem| problem.path == "target"));
}

/// Takes away the members that `mask` names and writes `text` into those that hold one.
fn vary(event: Value, mask: u32, text: &str) -> Value {
    let Value::Object(members) = event else { return event };
    let mut kept = serde_json::Map::new();
    for (place, (name, mut value)) in members.into_iter().enumerate() {
        let essential = matches!(name.as_str(), "action" | "eventTime" | "typeURI" | "eventType" | "outcome");
        if !essential && mask & (1 << place) != 0 {
            continue;
        }
        if !essential && let Some(name) = value.get_mut("name") {
            *name = json!(text);
        }
        if name == "message" {
            value = json!(text);
        }
        kept.insert(name, value);
    }
    Value::Object(kept)
}

/// A number as somebody may write it.
fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?"
}

proptest! {
    #[test]
    fn every_digit_comes_back_from_either_profile(first in number(), second in number(), third in number()) {
        let rest = format!("\"z\":{{\"b\":{first},\"a\":{second}}},\"responseData\":[{third},{first}]");
        let tracked = format!("{{\"eventTime\":\"2026-01-05T08:58:41.00+0000\",\"logSourceCRN\":\"crn:v1\",\"action\":\"kms.secrets.read\",{rest}}}");
        prop_assert_eq!(&ibm_at_text(Format::Auto, &tracked), &tracked);
        prop_assert_eq!(ibm_at_text(Format::Auto, &cadf_text(Format::Auto, &tracked)), tracked);
        let cadf = format!("{{{rest},\"typeURI\":\"http://schemas.dmtf.org/cloud/audit/1.0/event\",\"action\":\"read\",\"outcome\":\"success\"}}");
        prop_assert_eq!(cadf_text(Format::IbmAt, &ibm_at_text(Format::Cadf, &cadf)), cadf);
    }

    #[test]
    fn activity_tracker_events_come_back_from_cadf_unchanged(mask: u32, text in "\\PC{0,24}") {
        let event = vary(ibm_at_event(), mask, &text);
        let there = cadf_of(Format::IbmAt, &event.to_string());
        check_valid(&there);
        prop_assert_eq!(ibm_at_of(Format::Cadf, &there.to_string()), event);
    }

    #[test]
    fn cadf_events_come_back_from_the_activity_tracker_unchanged(mask: u32, text in "\\PC{0,24}") {
        let event = vary(cadf_event(), mask, &text);
        let there = ibm_at_of(Format::Cadf, &event.to_string());
        prop_assert_eq!(cadf_of(Format::IbmAt, &there.to_string()), event);
    }
}
