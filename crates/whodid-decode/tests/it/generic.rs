//! What is read of any JSON object, by the names that products commonly use.

use whodid_decode::{Format, decode};
use whodid_model::{Field, TimeSource, Timestamp};

/// One event's time and where it is from, or the code of its reject.
#[track_caller]
fn check_time(body: &str, expected: &str) {
    let items = decode(Format::Json, body.as_bytes(), Timestamp::from_micros(0));
    let found = match &items[0].event {
        Ok(event) if event.time_source == TimeSource::Received => "received".to_owned(),
        Ok(event) => event.event_time.to_string(),
        Err(reject) => reject.code.as_str().to_owned(),
    };
    assert_eq!((items.len(), found.as_str()), (1, expected), "{body}");
}

/// Some fields of one event.
#[track_caller]
fn check(body: &str, expected: &[(Field, &str)]) {
    let items = decode(Format::Auto, body.as_bytes(), Timestamp::from_micros(0));
    let event = items[0].event.as_ref().unwrap();
    for (field, text) in expected {
        assert_eq!(event.fields.get(*field).unwrap_or("—"), *text, "{field:?} of {body}");
    }
}

use Field::{
    Action, Agent, CadfAction, InitiatorId, InitiatorName, InitiatorType, Outcome, Service, TargetId, TargetName,
    TargetType,
};

#[test]
fn padding_hides_nothing() {
    let keys: Vec<String> = (0..10_000).map(|key| format!("\"k{key}\":{{\"user\":\"x\"}}")).collect();
    let keys = keys.join(",");
    let rest = "\"action\":\"user.delete\",\"user\":\"mallory\",\"success\":false";
    let expected = [(Action, "user.delete"), (InitiatorName, "mallory"), (Outcome, "failure")];
    check(&format!("{{\"changes\":{{{keys}}},{rest}}}"), &expected);
    check(&format!("{{\"actor\":{{{keys}}},{rest}}}"), &expected);
    check(&format!("{{{keys},\"event\":{{{keys},{rest}}}}}"), &expected);
}

#[test]
fn the_calendar_is_preferred_and_durations_are_no_times() {
    check_time(r#"{"timestamp":"2024-05-01T10:00:00Z","time":0.034}"#, "2024-05-01T10:00:00.000Z");
    check_time(r#"{"timestamp":"2024-05-01T10:00:00Z","time":1600000000}"#, "2024-05-01T10:00:00.000Z");
    check_time(r#"{"time":1714571993,"created_at":"2020-01-01T00:00:00Z"}"#, "2024-05-01T13:59:53.000Z");
    check_time(r#"{"time":0.034}"#, "received");
    check_time(r#"{"time":"34","created":"2024-05-01T10:00:00Z"}"#, "2024-05-01T10:00:00.000Z");
}

#[test]
fn a_date_and_a_clock_are_joined() {
    check_time(r#"{"date":"2024-05-01","time":"13:59:53"}"#, "2024-05-01T13:59:53.000Z");
    check_time(r#"{"date":"20240501","time":"13:59:53.25+02:00"}"#, "2024-05-01T11:59:53.250Z");
    check_time(r#"{"date":"2024-05-01"}"#, "2024-05-01T00:00:00.000Z");
    check_time(r#"{"time":"13:59:53"}"#, "bad_field");
}

#[test]
fn digits_of_a_calendar_and_times_of_stores_are_read() {
    check_time(r#"{"time":"20240501135953"}"#, "2024-05-01T13:59:53.000Z");
    check_time(r#"{"time":20240501135953}"#, "2024-05-01T13:59:53.000Z");
    check_time(r#"{"time":"20240501"}"#, "2024-05-01T00:00:00.000Z");
    check_time(r#"{"time":{"seconds":1714571993,"nanos":250000000}}"#, "2024-05-01T13:59:53.250Z");
    check_time(r#"{"createdAt":{"_seconds":1714571993,"_nanoseconds":0}}"#, "2024-05-01T13:59:53.000Z");
    check_time(r#"{"time":{"$date":"2024-05-01T13:59:53Z"}}"#, "2024-05-01T13:59:53.000Z");
    check_time(r#"{"time":{"$date":{"$numberLong":"1714571993000"}}}"#, "2024-05-01T13:59:53.000Z");
    check_time(r#"{"date":"Wed, 01 May 2024 13:59:53 +0000"}"#, "2024-05-01T13:59:53.000Z");
    check_time(r#"{"time":"01/May/2024:13:59:53 +0000"}"#, "2024-05-01T13:59:53.000Z");
}

#[test]
fn a_member_that_need_not_be_the_time_refuses_no_event() {
    check_time(r#"{"when":"on push","action":"a"}"#, "received");
    check_time(r#"{"created":"by import","action":"a"}"#, "received");
    check_time(r#"{"created":"by import","timestamp":"2024-05-01T10:00:00Z"}"#, "2024-05-01T10:00:00.000Z");
    check_time(r#"{"eventTime":"soon","action":"a"}"#, "bad_field");
}

#[test]
fn a_client_is_the_initiator_only_where_nobody_else_is_named() {
    check(
        r#"{"action":"a","client_id":"c1","user":"alice"}"#,
        &[(InitiatorName, "alice"), (InitiatorId, "—"), (InitiatorType, "—")],
    );
    check(
        r#"{"action":"a","client_id":"c1","client_name":"deployer"}"#,
        &[(InitiatorName, "deployer"), (InitiatorId, "c1"), (InitiatorType, "application")],
    );
}

#[test]
fn auth0_failed_if_either_its_code_or_its_status_says_so() {
    let event = |code: &str, status: i64| {
        format!(
            "{{\"log_id\":\"1\",\"data\":{{\"type\":\"{code}\",\"details\":{{\"response\":{{\"statusCode\":{status}}}}}}}}}"
        )
    };
    check(&event("sapi", 200), &[(Outcome, "success"), (Service, "auth0")]);
    check(&event("sapi", 400), &[(Outcome, "failure")]);
    check(&event("fapi", 200), &[(Outcome, "failure")]);
    for code in ["pwd_leak", "signup_pwd_leak", "limit_wc", "limit_sul"] {
        check(&format!("{{\"log_id\":\"1\",\"data\":{{\"type\":\"{code}\"}}}}"), &[(Outcome, "failure")]);
    }
}

#[test]
fn shapes_of_many_products_are_read() {
    check(
        r#"{"action":{"result":false,"type":"login"},"actor":{"email":"alice@example.com","ip":"203.0.113.9"},"id":"1","interface":"UI","owner":{"id":"o"},"resource":{"id":"r","type":"account"},"when":"2024-05-01T10:00:00Z"}"#,
        &[(Service, "cloudflare"), (Action, "login"), (Outcome, "failure"), (InitiatorName, "alice@example.com")],
    );
    check(
        r#"{"id":1,"author_id":7,"entity_id":6,"entity_type":"Group","details":{"add":"user_access","as":"Owner","author_name":"alice","target_id":9,"target_type":"User","target_details":"bob","ip_address":"203.0.113.9"},"created_at":"2024-05-01T10:00:00Z"}"#,
        &[
            (Service, "gitlab"),
            (Action, "add user_access"),
            (CadfAction, "create"),
            (InitiatorName, "alice"),
            (InitiatorId, "7"),
            (TargetName, "bob"),
            (TargetId, "9"),
            (TargetType, "User"),
        ],
    );
    check(
        r#"{"id":{"applicationName":"admin"},"actor":{"email":"alice@example.com"},"events":[{"name":"DELETE_USER","parameters":[{"name":"USER_EMAIL","value":"bob@example.com"}]}]}"#,
        &[(Action, "DELETE_USER"), (TargetName, "bob@example.com"), (Service, "admin")],
    );
    check(
        r#"{"Operation":"UserLoggedIn","Workload":"AzureActiveDirectory","UserId":"alice","ExtendedProperties":[{"Name":"UserAgent","Value":"curl/8"}]}"#,
        &[(Agent, "curl/8")],
    );
    check(
        r#"{"event_type_id":17,"actor_user_name":"Alice","user_name":"Bob"}"#,
        &[(Service, "onelogin"), (CadfAction, "delete"), (Outcome, "success"), (TargetName, "Bob")],
    );
    check(r#"{"event":"login","status":"Accepted"}"#, &[(Outcome, "success")]);
    check(r#"{"action":"file.list","status":"locked"}"#, &[(Outcome, "unknown")]);
}

#[test]
fn verbs_are_found_among_the_words_of_an_action() {
    for (action, expected) in [
        ("PREVIEW", "read"),
        ("FileAccessed", "read"),
        ("session.command", "start"),
        ("file_undelete", "restore"),
        ("delete shared link", "delete"),
        ("shared_link.create", "create"),
        ("user.enroll", "create"),
        ("member.ban", "deny"),
        ("app_scopes_expanded", "update"),
    ] {
        check(&format!("{{\"action\":\"{action}\",\"user\":\"alice\"}}"), &[(CadfAction, expected)]);
    }
}
