//! Slack, Teams, PagerDuty and webhooks: what arrives, and what becomes of each answer.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use whodid_alerts::deliver::Settings;
use whodid_alerts::sign::hmac_header;
use whodid_alerts::{Moment, Notice, Outcome, Secret, Sender, SigningKey};

use crate::http_receiver::{Answer, HttpReceiver, says};
use crate::names::{open, sender, settings};
use crate::{channel, first, notice};

#[tokio::test]
async fn slack_gets_a_message() {
    let mut receiver = HttpReceiver::start(says("200 OK", "", "ok")).await;
    let slack = channel(json!({"type": "slack", "url": receiver.url("/services/T0/B0/secret")}));
    let delivery = sender(receiver.port).deliver(&slack, &notice(), &first()).await;
    assert_eq!((delivery.outcome, delivery.status, delivery.answer.as_str()), (Outcome::Delivered, Some(200), "ok"));
    assert_eq!((delivery.retry, delivery.channel.as_str(), delivery.id.as_str()), (None, "on call", "d1"));
    let request = receiver.request();
    assert_eq!(request.line, "POST /services/T0/B0/secret HTTP/1.1");
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.json()["attachments"][0]["color"], "#c2410c");
}

#[tokio::test]
async fn teams_gets_a_card() {
    let mut receiver = HttpReceiver::start(says("202 Accepted", "", "")).await;
    let teams = channel(json!({"type": "teams", "url": receiver.url("/workflows/1")}));
    let delivery = sender(receiver.port).deliver(&teams, &notice(), &first()).await;
    assert_eq!((delivery.outcome, delivery.status), (Outcome::Delivered, Some(202)));
    assert_eq!(receiver.request().json()["attachments"][0]["content"]["type"], "AdaptiveCard");
}

#[tokio::test]
async fn pagerduty_opens_and_closes_one_incident_unless_it_is_not_to_close() {
    let mut receiver = HttpReceiver::start(says("202 Accepted", "", r#"{"status":"success"}"#)).await;
    let key = "0123456789abcdef0123456789abcdef";
    let of = |auto_resolve: bool| {
        let url = receiver.url("/v2/enqueue");
        channel(json!({"type": "pagerduty", "routing_key": key, "url": url, "auto_resolve": auto_resolve}))
    };
    let (closes, stays) = (of(true), of(false));
    let resolved = Notice { event: Moment::Resolved, ..notice() };
    let sender = sender(receiver.port);
    for (channel, notice, action) in
        [(&closes, &notice(), Some("trigger")), (&closes, &resolved, Some("resolve")), (&stays, &resolved, None)]
    {
        let delivery = sender.deliver(channel, notice, &first()).await;
        assert_eq!(delivery.outcome, Outcome::Delivered, "{}", delivery.answer);
        let Some(action) = action else {
            assert!(receiver.got_nothing());
            continue;
        };
        let event = receiver.request().json();
        assert_eq!((&event["event_action"], &event["dedup_key"]), (&json!(action), &json!("a1")));
        assert_eq!(event["routing_key"], key);
    }
}

#[tokio::test]
async fn a_webhook_gets_the_notice_with_a_signature_that_its_key_explains() {
    let mut receiver = HttpReceiver::start(says("204 No Content", "", "")).await;
    let webhook = channel(json!({"type": "webhook", "url": receiver.url("/hook?a=1"), "method": "put",
        "headers": {"X-Api-Key": "k1", "content-type": "application/vnd.acme+json"},
        "signing": {"type": "hmac", "secret": "0123456789abcdef"}}));
    let delivery = sender(receiver.port).deliver(&webhook, &notice(), &first()).await;
    assert_eq!(delivery.outcome, Outcome::Delivered);
    let request = receiver.request();
    assert_eq!(request.line, "PUT /hook?a=1 HTTP/1.1");
    assert_eq!(request.headers["x-api-key"], "k1");
    assert_eq!(request.headers["content-type"], "application/vnd.acme+json");
    assert_eq!(request.headers["x-whodid-delivery"], "d1");
    let expected = hmac_header(&Secret::new("0123456789abcdef"), 1_795_166_041, &request.body);
    assert_eq!(request.headers["x-whodid-signature"], expected);
    assert_eq!(serde_json::from_slice::<Notice>(&request.body).unwrap(), notice());
}

#[tokio::test]
async fn a_webhook_gets_the_body_of_its_template() {
    let mut receiver = HttpReceiver::start(says("200 OK", "", "")).await;
    let template = r#"{"text": "{{ name }}: {{ matches }}", "first": {{ first_line_object }}}"#;
    let webhook = channel(json!({"type": "webhook", "url": receiver.url("/"), "body_template": template}));
    let mut notice = notice();
    notice.rule_title = "quote \" and \\".to_owned();
    notice.evidence[0].event = json!({"action": "login"});
    sender(receiver.port).deliver(&webhook, &notice, &first()).await;
    let request = receiver.request();
    assert_eq!(request.json(), json!({"text": "quote \" and \\: 5", "first": {"action": "login"}}));
    assert_eq!(request.headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_signed_webhook_gets_findings_that_the_public_key_verifies() {
    let mut receiver = HttpReceiver::start(says("200 OK", "", "")).await;
    let webhook = channel(json!({"type": "webhook", "url": receiver.url("/"), "signing": {"type": "jwt"}}));
    let (key, _) = SigningKey::generate().unwrap();
    let jwk = key.public().jwk.clone();
    let signs = Settings { allow: open(receiver.port), key: Some(Arc::new(key)), ..settings() };
    let delivery = Sender::new(signs).unwrap().deliver(&webhook, &notice(), &first()).await;
    assert_eq!(delivery.outcome, Outcome::Delivered);
    let request = receiver.request();
    assert_eq!(request.headers["content-type"], "application/jwt");
    let mut validation = Validation::new(Algorithm::RS256);
    // The tries of these tests have their own time.
    validation.validate_exp = false;
    let public = DecodingKey::from_rsa_components(&jwk.n, &jwk.e).unwrap();
    let claims = decode::<Value>(std::str::from_utf8(&request.body).unwrap(), &public, &validation).unwrap().claims;
    let finding = &claims["findings"][0];
    assert_eq!((&claims["account"], &claims["jti"]), (&json!("acme"), &json!("d1")));
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_795_166_041), &json!(1_795_169_641)));
    assert_eq!((&finding["severity"], &finding["payload-type"]), (&json!("HIGH"), &json!("findings")));
    assert_eq!(finding["payload"]["short_description"], "Too many failed sign-ins");

    let keyless = sender(receiver.port).deliver(&webhook, &notice(), &first()).await;
    assert_eq!((keyless.outcome, keyless.retry), (Outcome::Refused, None));
    assert!(receiver.got_nothing());
}

#[tokio::test]
async fn each_answer_says_whether_to_try_again() {
    for (status, headers, outcome, retry_seconds) in [
        ("200 OK", "", Outcome::Delivered, None),
        ("400 Bad Request", "", Outcome::Refused, None),
        ("401 Unauthorized", "", Outcome::Refused, None),
        ("404 Not Found", "", Outcome::Refused, None),
        ("410 Gone", "", Outcome::Refused, None),
        ("408 Request Timeout", "", Outcome::Failed, Some(1)),
        ("425 Too Early", "", Outcome::Failed, Some(1)),
        ("429 Too Many Requests", "retry-after: 120\r\n", Outcome::Failed, Some(120)),
        ("500 Internal Server Error", "", Outcome::Failed, Some(1)),
        ("503 Service Unavailable", "retry-after: Fri, 20 Nov 2026 09:15:01 GMT\r\n", Outcome::Failed, Some(60)),
    ] {
        let receiver = HttpReceiver::start(says(status, headers, "because")).await;
        let webhook = channel(json!({"type": "webhook", "url": receiver.url("/")}));
        let delivery = sender(receiver.port).deliver(&webhook, &notice(), &first()).await;
        assert_eq!(delivery.outcome, outcome, "{status}");
        assert_eq!(delivery.retry.map(|wait| wait.as_secs()), retry_seconds, "{status}");
        assert_eq!(delivery.status.map(|status| status.to_string()).as_deref(), status.split(' ').next());
        assert_eq!(delivery.answer, "because");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_is_left_after_its_time() {
    let receiver = HttpReceiver::start(Answer::Hangs).await;
    let webhook = channel(json!({"type": "webhook", "url": receiver.url("/")}));
    let begun = tokio::time::Instant::now();
    let delivery = sender(receiver.port).deliver(&webhook, &notice(), &first()).await;
    assert_eq!((delivery.outcome, delivery.answer.as_str()), (Outcome::Failed, "no answer within 5 s"));
    assert!(delivery.retry.is_some());
    assert!(begun.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn of_an_answer_without_end_only_the_beginning_is_read() {
    let receiver = HttpReceiver::start(Answer::Endless).await;
    let webhook = channel(json!({"type": "webhook", "url": receiver.url("/")}));
    let delivery = sender(receiver.port).deliver(&webhook, &notice(), &first()).await;
    assert_eq!(delivery.outcome, Outcome::Delivered);
    assert_eq!(delivery.answer.chars().count(), 256);
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_tried_again_and_no_secret_is_told() {
    let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = receiver.local_addr().unwrap().port();
    drop(receiver);
    let slack = channel(json!({"type": "slack", "url": format!("http://127.0.0.1:{port}/services/canary")}));
    let delivery = sender(port).deliver(&slack, &notice(), &first()).await;
    assert_eq!((delivery.outcome, delivery.answer.as_str()), (Outcome::Failed, "the connection failed"));
    assert!(delivery.retry.is_some());
    assert!(!format!("{delivery:?}").contains("canary"));
}
