//! From an event to whom it is told: alerts over HTTP, channels, silences.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::boundary::{Server, answer, event};

const RULE: &str = "title: A key was deleted\nid: key-deleted\nlevel: high\nlogsource: {category: activity}\n\
    detection: {sel: {action: kms.secrets.delete}, condition: sel}\n\
    whodid: {policy: {dedup_key: [initiator.name], dedup_window: 0s}}\n";

/// Something that takes notices on this machine.
pub struct Receiver {
    pub port: u16,
    taken: Arc<Mutex<Vec<(axum::http::HeaderMap, Value)>>>,
}

impl Receiver {
    /// One that answers with a status.
    pub async fn answering(status: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&taken);
        let take = move |headers: axum::http::HeaderMap, body: String| {
            kept.lock().push((headers, serde_json::from_str(&body).unwrap_or(Value::String(body))));
            async move { axum::http::StatusCode::from_u16(status).unwrap() }
        };
        let router = axum::Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, taken }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// What it was told, once it is so much. What came again under the same id counts once, as a receiver is told to
    /// count: a server that ends between sending and noting so sends again.
    pub async fn told(&self, count: usize) -> Vec<Value> {
        loop {
            let mut ids = std::collections::HashSet::new();
            let is_first = |(headers, _): &&(axum::http::HeaderMap, Value)| {
                headers.get("x-whodid-delivery").is_none_or(|id| ids.insert(id.clone()))
            };
            let taken: Vec<Value> = self.taken.lock().iter().filter(is_first).map(|(_, body)| body.clone()).collect();
            if taken.len() >= count {
                return taken;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// A server whose channels may reach these receivers.
pub async fn server_for(receivers: &[&Receiver]) -> Server {
    let ports: Vec<String> = receivers.iter().map(|receiver| receiver.port.to_string()).collect();
    Server::start_with(&[
        ("WHODID_CHANNELS__ALLOW", "127.0.0.1"),
        ("WHODID_CHANNELS__ALLOW_PORTS", &ports.join(",")),
        ("WHODID_CHANNELS__ALLOW_HTTP", "true"),
    ])
    .await
}

pub async fn ask(server: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = server.admin(method, path);
    answer(if body.is_null() { request } else { request.json(&body) }).await
}

pub async fn done(server: &Server, method: &str, path: &str, body: Value) -> Value {
    let (status, answered) = ask(server, method, path, body).await;
    assert!(matches!(status, 200..=204), "{method} {path}: {status} {answered}");
    answered
}

pub fn webhook(name: &str, receiver: &Receiver) -> Value {
    json!({"name": name, "receiver": {"type": "webhook", "url": receiver.url()}})
}

/// Switches the rule on and has bob delete a key.
pub async fn raise(server: &Server) -> Value {
    done(server, "POST", "/api/v1/rules", json!({"text": RULE, "is_enabled": true})).await;
    server.send(event("e1", "bob", "kms.secrets.delete", "success", "2026-06-01T10:00:00+00:00")).await;
    first_alert(server).await
}

/// The alert of the rule, once it is there; a test that waits in vain is ended from outside.
async fn first_alert(server: &Server) -> Value {
    let page = until(server, OURS, |page| page["alerts"].as_array().is_some_and(|alerts| !alerts.is_empty())).await;
    page["alerts"][0].clone()
}

/// Alerts of the rule; whodid's own rules have alerts too.
const OURS: &str = "/api/v1/alerts?rule=key-deleted";

/// An answer, once it is so.
pub async fn until(server: &Server, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    loop {
        let answered = done(server, "GET", path, Value::Null).await;
        if is_so(&answered) {
            return answered;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn moments(told: &[Value]) -> Vec<&str> {
    told.iter().filter_map(|notice| notice["event"].as_str()).collect()
}

#[tokio::test]
async fn a_finding_becomes_an_alert_that_is_told_taken_on_and_ended() {
    let receiver = Receiver::answering(200).await;
    let server = server_for(&[&receiver]).await;
    let channel = done(&server, "POST", "/api/v1/channels", webhook("ops", &receiver)).await;
    let alert = raise(&server).await;
    assert_eq!((alert["status"].as_str(), alert["severity"].as_str()), (Some("open"), Some("high")), "{alert}");
    assert!(alert["sentence"].as_str().unwrap().contains("bob"), "{alert}");
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap());
    let act = format!("{path}/acts");
    let told = receiver.told(1).await;
    assert_eq!(told[0]["alert_id"], alert["id"], "{}", told[0]);
    assert_eq!(told[0]["evidence"][0]["record"], "activity:0");
    assert!(told[0]["link"].as_str().unwrap().ends_with(alert["id"].as_str().unwrap()));

    let stale = json!({"act": "acknowledge", "revision": 99});
    assert_eq!(ask(&server, "POST", &act, stale).await.0, 409);
    let taken = done(&server, "POST", &act, json!({"act": "acknowledge", "revision": alert["revision"]})).await;
    assert_eq!(taken["alert"]["status"], "acknowledged");
    assert_eq!(ask(&server, "POST", &act, json!({"act": "acknowledge"})).await.0, 409, "a second time");
    done(&server, "POST", &act, json!({"act": "assign", "to": "me"})).await;
    done(&server, "POST", &act, json!({"act": "note", "text": "asked bob"})).await;
    assert_eq!(ask(&server, "POST", &act, json!({"act": "note", "text": " "})).await.0, 400);
    let ended = done(&server, "POST", &act, json!({"act": "resolve", "reason": "was planned"})).await;
    assert_eq!(moments(&receiver.told(3).await), ["opened", "acknowledged", "resolved"]);
    let acts: Vec<_> =
        ended["history"].as_array().unwrap().iter().map(|entry| entry["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["opened", "acknowledged", "assigned", "noted", "resolved"]);

    let page = done(&server, "GET", "/api/v1/alerts?status=resolved&assignee=me&severity=high", Value::Null).await;
    assert_eq!((page["alerts"].as_array().unwrap().len(), page["counts"]["resolved"].as_u64()), (1, Some(1)));
    let none = done(&server, "GET", "/api/v1/alerts?severity=critical", Value::Null).await;
    assert_eq!(none["alerts"], json!([]));
    let id = channel["id"].as_str().unwrap();
    let log = done(&server, "GET", &format!("/api/v1/channels/{id}/deliveries"), Value::Null).await;
    let states: Vec<_> =
        log["deliveries"].as_array().unwrap().iter().map(|one| one["attempts"][0]["status"].as_u64()).collect();
    assert_eq!(states, [Some(200); 3], "{log}");
}

#[tokio::test]
async fn more_of_the_same_belongs_to_the_same_alert_and_after_its_end_reopens_it() {
    let server = Server::start().await;
    let alert = raise(&server).await;
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap());
    done(&server, "POST", &format!("{path}/acts"), json!({"act": "resolve"})).await;
    server.send(event("e2", "bob", "kms.secrets.delete", "success", "2026-06-01T10:00:05+00:00")).await;
    let again = until(&server, &path, |found| found["alert"]["status"] == "open").await;
    assert_eq!(again["history"].as_array().unwrap().last().unwrap()["act"], "reopened", "{again}");
    server.send(event("e3", "eve", "kms.secrets.delete", "success", "2026-06-01T10:00:06+00:00")).await;
    let page = until(&server, OURS, |page| page["alerts"].as_array().unwrap().len() > 1).await;
    assert_eq!(page["alerts"].as_array().unwrap().len(), 2, "eve's is another one: {page}");
}

#[tokio::test]
async fn a_channel_that_fails_delays_no_other_and_is_tried_again() {
    let (good, bad) = (Receiver::answering(200).await, Receiver::answering(503).await);
    let server = server_for(&[&good, &bad]).await;
    let failing = done(&server, "POST", "/api/v1/channels", webhook("bad", &bad)).await;
    done(&server, "POST", "/api/v1/channels", webhook("good", &good)).await;
    raise(&server).await;
    assert_eq!(moments(&good.told(1).await), ["opened"]);
    bad.told(1).await;
    let path = format!("/api/v1/channels/{}/deliveries", failing["id"].as_str().unwrap());
    let log = until(&server, &path, |log| log["deliveries"][0]["attempts"][0]["status"] == 503).await;
    let first = &log["deliveries"][0];
    assert_eq!((first["state"].as_str(), first["due_at"].is_string()), (Some("waiting"), true), "{first}");
}

#[tokio::test]
async fn a_channel_is_tried_by_a_button_and_shows_what_the_receiver_said() {
    let (good, bad) = (Receiver::answering(200).await, Receiver::answering(404).await);
    let server = server_for(&[&good, &bad]).await;
    for (receiver, state, status) in [(&good, "delivered", 200), (&bad, "failed", 404)] {
        let channel = done(&server, "POST", "/api/v1/channels", webhook(state, receiver)).await;
        let path = format!("/api/v1/channels/{}/test", channel["id"].as_str().unwrap());
        let tried = done(&server, "POST", &path, Value::Null).await;
        assert_eq!(
            (tried["state"].as_str(), tried["attempts"][0]["status"].as_u64()),
            (Some(state), Some(status)),
            "{tried}"
        );
    }
    assert_eq!(moments(&good.told(1).await), ["test"]);
}

#[tokio::test]
async fn secrets_of_a_channel_are_never_shown_and_kept_when_they_come_back_masked() {
    let receiver = Receiver::answering(200).await;
    let server = server_for(&[&receiver]).await;
    let mut asked = webhook("signed", &receiver);
    asked["receiver"]["headers"] = json!({"Authorization": "Bearer very-secret-token"});
    asked["receiver"]["signing"] = json!({"type": "hmac", "secret": "0123456789abcdef0123"});
    let made = done(&server, "POST", "/api/v1/channels", asked.clone()).await;
    assert!(!made.to_string().contains("very-secret-token") && !made.to_string().contains("0123456789abcdef0123"));
    let mut edited = asked.clone();
    edited["name"] = json!("renamed");
    edited["receiver"] = made["receiver"].clone();
    let path = format!("/api/v1/channels/{}", made["id"].as_str().unwrap());
    let kept = done(&server, "PATCH", &path, edited.clone()).await;
    assert_eq!(kept["name"], "renamed");
    done(&server, "POST", &format!("{path}/test"), Value::Null).await;
    let headers = receiver.taken.lock()[0].0.clone();
    assert_eq!(headers["authorization"], "Bearer very-secret-token");
    assert!(headers["x-whodid-signature"].to_str().unwrap().starts_with("t="));
    // Led elsewhere, be it on the same host, they must be entered again.
    for url in [format!("{}/elsewhere", receiver.url()), "https://elsewhere.example.com/".to_owned()] {
        edited["receiver"]["url"] = json!(url);
        let (status, refused) = ask(&server, "PATCH", &path, edited.clone()).await;
        assert_eq!(status, 400, "{url}");
        assert!(refused["detail"].as_str().unwrap().contains("is another one now"), "{refused}");
    }
    let audit = done(&server, "GET", "/api/v1/events?stream=audit&q=action:whodid.channel.*", Value::Null).await;
    assert!(!audit.to_string().contains("very-secret-token") && !audit.to_string().contains("0123456789abcdef0123"));
}

#[tokio::test]
async fn what_a_channel_may_not_reach_or_cannot_be_is_refused_before_it_is_stored() {
    let server = Server::start().await;
    let hook = |url: &str| json!({"name": "x", "receiver": {"type": "webhook", "url": url}});
    let refused = [
        (hook("http://127.0.0.1:80/"), "https"),
        (hook("https://169.254.169.254/latest"), "public"),
        (hook("https://[::ffff:10.0.0.1]/"), "public"),
        (hook("https://hooks.example.com:22/"), "port"),
        (json!({"name": "x", "receiver": {"type": "email", "to": ["a@example.com"]}}), "mail.host"),
        (
            json!({"name": "x", "receiver": {"type": "syslog", "host": "10.0.0.1", "port": 514, "transport": "tcp"}}),
            "public",
        ),
        (
            json!({"name": "x", "severities": [], "receiver": {"type": "slack", "url": "https://hooks.slack.com/a"}}),
            "severities",
        ),
        (
            json!({"name": "x", "time_zone": "Mars", "receiver": {"type": "slack", "url": "https://hooks.slack.com/a"}}),
            "time_zone",
        ),
    ];
    for (asked, why) in refused {
        let (status, answered) = ask(&server, "POST", "/api/v1/channels", asked.clone()).await;
        assert_eq!(status, 400, "{asked}: {answered}");
        let detail = answered["detail"].as_str().unwrap();
        assert!(detail.to_lowercase().contains(why), "{asked}: {detail}");
    }
    done(&server, "POST", "/api/v1/channels", hook("https://hooks.example.com/a")).await;
    assert_eq!(ask(&server, "POST", "/api/v1/channels", hook("https://hooks.example.com/b")).await.0, 409, "the name");
    let listed = done(&server, "GET", "/api/v1/channels", Value::Null).await;
    assert_eq!((listed["channels"].as_array().unwrap().len(), listed["has_mail"].as_bool()), (1, Some(false)));
}

#[tokio::test]
async fn a_silence_lets_alerts_come_and_tells_nobody() {
    let receiver = Receiver::answering(200).await;
    let server = server_for(&[&receiver]).await;
    done(&server, "POST", "/api/v1/channels", webhook("ops", &receiver)).await;
    let nothing = json!({"until": "8h", "reason": "x"});
    assert_eq!(ask(&server, "POST", "/api/v1/silences", nothing).await.0, 400, "one that names nothing");
    let asked = json!({"rule_ids": ["key-deleted"], "until": "8h", "reason": "keys are rolled"});
    // That somebody silences something is an alert of its own, which is told.
    let silence = done(&server, "POST", "/api/v1/silences", asked).await;
    let alert = raise(&server).await;
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap());
    assert_eq!(done(&server, "GET", &path, Value::Null).await["deliveries"], json!([]));
    done(&server, "DELETE", &format!("/api/v1/silences/{}", silence["id"].as_str().unwrap()), Value::Null).await;
    server.send(event("e2", "eve", "kms.secrets.delete", "success", "2026-06-01T10:00:05+00:00")).await;
    let told = receiver.told(2).await;
    let rules: Vec<_> = told.iter().map(|notice| notice["rule_id"].as_str().unwrap()).collect();
    assert_eq!(rules, ["whodid-self-alerts-silenced", "key-deleted"], "{told:?}");
    assert!(told[1]["sentence"].as_str().unwrap().contains("eve"), "{told:?}");
}

#[tokio::test]
async fn what_people_do_under_a_silence_is_seen_in_the_inbox_and_only_the_end_of_what_was_told_is_told() {
    let receiver = Receiver::answering(200).await;
    let server = server_for(&[&receiver]).await;
    done(&server, "POST", "/api/v1/channels", webhook("ops", &receiver)).await;
    let alert = raise(&server).await;
    receiver.told(1).await;
    let asked = json!({"severities": ["high"], "until": "8h", "reason": "keys are rolled"});
    let silence = done(&server, "POST", "/api/v1/silences", asked).await;
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap());
    for act in [json!({"act": "acknowledge"}), json!({"act": "resolve", "reason": "was planned"})] {
        done(&server, "POST", &format!("{path}/acts"), act).await;
    }
    let seen = done(&server, "GET", &path, Value::Null).await;
    assert_eq!((&seen["alert"]["status"], seen["deliveries"].as_array().unwrap().len()), (&json!("resolved"), 2));
    done(&server, "DELETE", &format!("/api/v1/silences/{}", silence["id"].as_str().unwrap()), Value::Null).await;
    done(&server, "POST", &format!("{path}/acts"), json!({"act": "reopen"})).await;
    let told = receiver.told(4).await;
    let ours: Vec<Value> = told.into_iter().filter(|notice| notice["alert_id"] == alert["id"]).collect();
    assert_eq!(moments(&ours), ["opened", "resolved", "reopened"]);
}

#[tokio::test]
async fn a_second_silence_is_told_like_the_first() {
    let receiver = Receiver::answering(200).await;
    let server = server_for(&[&receiver]).await;
    done(&server, "POST", "/api/v1/channels", webhook("ops", &receiver)).await;
    let drill = json!({"rule_ids": ["key-deleted"], "until": "1h", "reason": "drill"});
    let all = json!({"severities": ["medium", "high", "critical"], "until": "365d", "reason": "drill"});
    done(&server, "POST", "/api/v1/silences", drill).await;
    receiver.told(1).await;
    done(&server, "POST", "/api/v1/silences", all).await;
    let told = receiver.told(2).await;
    assert_eq!(moments(&told), ["opened", "again"], "{told:?}");
    assert!(told.iter().all(|notice| notice["rule_id"] == "whodid-self-alerts-silenced"), "{told:?}");
    assert_eq!(told[0]["alert_id"], told[1]["alert_id"]);
    // One narrowed so that it would hear of none of this is told as well, for as long as somebody else listens.
    let other = done(&server, "POST", "/api/v1/channels", webhook("other", &receiver)).await;
    let mut narrowed = webhook("other", &receiver);
    narrowed["severities"] = json!(["critical"]);
    done(&server, "PATCH", &format!("/api/v1/channels/{}", other["id"].as_str().unwrap()), narrowed).await;
    let rules = "/api/v1/alerts?rule=whodid-self-alerts-silenced";
    let page = until(&server, rules, |page| page["alerts"].as_array().unwrap().len() > 1).await;
    assert_eq!(page["alerts"].as_array().map(Vec::len), Some(2), "{page}");
    let told = receiver.told(3).await;
    assert_eq!((told.len(), &told[2]["event"]), (3, &json!("opened")), "{told:?}");
}

#[tokio::test]
async fn an_alert_comes_once_whatever_ends_the_server_in_between() {
    let receiver = Receiver::answering(200).await;
    let mut server = server_for(&[&receiver]).await;
    done(&server, "POST", "/api/v1/channels", webhook("ops", &receiver)).await;
    done(&server, "POST", "/api/v1/rules", json!({"text": RULE, "is_enabled": true})).await;
    server.send(event("e1", "bob", "kms.secrets.delete", "success", "2026-06-01T10:00:00+00:00")).await;
    server.restart().await;
    first_alert(&server).await;
    receiver.told(1).await;
    server.restart().await;
    server.send(event("e2", "eve", "kms.secrets.delete", "success", "2026-06-01T10:00:05+00:00")).await;
    let page = until(&server, OURS, |page| page["alerts"].as_array().unwrap().len() > 1).await;
    let alerts = page["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 2);
    assert!(alerts.iter().all(|alert| alert["findings"] == 1), "{page}");
}

#[tokio::test]
async fn signed_findings_can_be_verified_with_the_key_that_everybody_may_fetch() {
    let receiver = Receiver::answering(200).await;
    let mut server = server_for(&[&receiver]).await;
    let key: Value = reqwest::get(format!("{}/api/v1/notices/key", server.url)).await.unwrap().json().await.unwrap();
    let mut asked = webhook("signed", &receiver);
    asked["receiver"]["signing"] = json!({"type": "jwt"});
    let channel = done(&server, "POST", "/api/v1/channels", asked).await;
    server.restart().await;
    let path = format!("/api/v1/channels/{}/test", channel["id"].as_str().unwrap());
    let tried = done(&server, "POST", &path, Value::Null).await;
    assert_eq!(tried["state"], "delivered", "{tried}");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_required_spec_claims(&["exp"]);
    let part = |name: &str| key["jwk"][name].as_str().unwrap().to_owned();
    let decoding = jsonwebtoken::DecodingKey::from_rsa_components(&part("n"), &part("e")).unwrap();
    let claims = |body: &Value| {
        let token = body.as_str().unwrap_or_else(|| body["data"].as_str().unwrap());
        jsonwebtoken::decode::<Value>(token, &decoding, &validation).unwrap().claims
    };
    // Whodid's own rules may tell of the restart before.
    let told = receiver.told(1).await;
    let claims = told.iter().map(claims).find(|claims| claims["jti"] == tried["id"]).unwrap();
    assert!(claims["findings"].is_array(), "{claims}");
    assert_eq!(claims["account"], "default", "{claims}");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
}

#[tokio::test]
async fn a_notice_tells_what_happened_to_templates_and_hands_the_occurrence_on() {
    let (signed, lines) = (Receiver::answering(200).await, Receiver::answering(200).await);
    let server = server_for(&[&signed, &lines]).await;
    let mut asked = webhook("signed", &signed);
    asked["receiver"]["signing"] = json!({"type": "jwt"});
    done(&server, "POST", "/api/v1/channels", asked).await;
    let mut asked = webhook("lines", &lines);
    asked["receiver"]["body_template"] = json!(
        r#"{"line": "{{line}}", "lines": "{{lines}}", "first": {{first_line_object}}, "all": {{line_objects}}, "name": "{{name}}"}"#
    );
    done(&server, "POST", "/api/v1/channels", asked).await;
    done(
        &server,
        "POST",
        "/api/v1/channels",
        json!({"name": "plain", "receiver": {"type": "webhook", "url": lines.url()}}),
    )
    .await;
    raise(&server).await;

    let (mut filled, mut plain) = (None, None);
    for told in lines.told(2).await {
        let of_rule = told["name"] == "A key was deleted" || told["rule_id"] == "key-deleted";
        let place = if told["line"].is_string() { &mut filled } else { &mut plain };
        *place = Some(told).filter(|_| of_rule).or(place.take());
    }
    let (filled, plain) = (filled.unwrap(), plain.unwrap());
    assert_eq!(filled["first"]["id"], "e1", "{filled}");
    assert_eq!(filled["all"].as_array().map(Vec::len), Some(1));
    assert!(filled["line"].as_str().unwrap().starts_with("bob deleted"), "{filled}");
    assert_eq!(filled["lines"], filled["line"]);
    let evidence = &plain["evidence"][0];
    assert_eq!(
        (&evidence["sentence"], &evidence["at"]),
        (&filled["line"], &json!("2026-06-01T10:00:00.000Z")),
        "{plain}"
    );
    assert_eq!(evidence.get("event"), None, "only a template is given the event itself");

    let told = signed.told(1).await;
    let claims = |body: &Value| {
        let token = body.as_str().unwrap_or_else(|| body["data"].as_str().unwrap());
        let middle = token.split('.').nth(1).unwrap();
        serde_json::from_slice::<Value>(&data_encoding::BASE64URL_NOPAD.decode(middle.as_bytes()).unwrap()).unwrap()
    };
    let found =
        told.iter().map(claims).find(|claims| claims["findings"][0]["payload"]["author"]["id"] == "key-deleted");
    let found = found.unwrap()["findings"][0].clone();
    let payload = &found["payload"];
    assert_eq!((&payload["kind"], &payload["finding"]["severity"]), (&json!("FINDING"), &json!("HIGH")), "{found}");
    assert_eq!((&found["id"], &found["provider"]), (&payload["name"], &json!("whodid")), "{found}");
    let name = found["id"].as_str().unwrap();
    assert_eq!(&done(&server, "GET", &format!("/findings/v1/{name}"), Value::Null).await, payload);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_takes_an_alert_from_the_rule_to_its_end() {
    let receiver = Receiver::answering(200).await;
    let server = server_for(&[&receiver]).await;
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = server.run(&server.keys.admin_token, arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let json = |arguments: &[&str]| {
        let (code, text, errors) = run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(code, Some(0), "{arguments:?}: {errors}");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let channel = file("ops.json", webhook("ops", &receiver).to_string());
    json(&["channels", "create", "--file", &channel]);
    let (code, tried, _) = run(&["channels", "test", "ops"]);
    assert_eq!((code, tried.starts_with("delivered 200")), (Some(0), true), "{tried}");

    let rule = file("rule.yml", RULE.to_owned());
    server.send(event("e0", "eve", "kms.secrets.delete", "success", "2026-06-01T09:00:00+00:00")).await;
    let tested = json(&["rules", "backtest", &rule, "--from", "2026-06-01"]);
    assert_eq!((tested["matches"].as_u64(), tested["actors"][0]["name"].as_str()), (Some(1), Some("eve")), "{tested}");
    done(&server, "POST", "/api/v1/rules", json!({"text": RULE})).await;
    assert_eq!(json(&["rules", "enable", "key-deleted"])["is_enabled"], true);
    let enabled = json(&["rules", "list", "--enabled"]);
    assert!(enabled["rules"].as_array().unwrap().iter().any(|rule| rule["id"] == "key-deleted"));
    server.send(event("e1", "bob", "kms.secrets.delete", "success", "2026-06-01T10:00:00+00:00")).await;
    let alert = first_alert(&server).await;
    let id = alert["id"].as_str().unwrap();
    let listed = json(&["alerts", "list", "--rule", "key-deleted"]);
    assert_eq!(listed["alerts"][0]["id"], id);
    assert_eq!(json(&["alerts", "ack", id])["alert"]["status"], "acknowledged");
    json(&["alerts", "note", id, "asked bob"]);
    let (code, ended, _) = run(&["alerts", "resolve", id, "--reason", "was planned"]);
    assert_eq!(code, Some(0));
    assert!(ended.contains("resolved was planned") && ended.contains("wrote: asked bob"), "{ended}");
    let (code, _, errors) = run(&["alerts", "ack", id]);
    assert_eq!((code == Some(0), errors.contains("resolved")), (false, true), "{errors}");
    assert_eq!(
        json(&["findings", "--from", "2026-06-01", "--rule", "key-deleted"])["findings"].as_array().unwrap().len(),
        1
    );
    assert_eq!(json(&["rules", "disable", "key-deleted"])["is_enabled"], false);

    let archive = folder.path().join("mine.tar.gz");
    std::fs::write(&archive, crate::ruling::package("1.0.0").to_archive().unwrap()).unwrap();
    let archive = archive.to_str().unwrap();
    assert_eq!(json(&["packages", "install", archive, "--dry-run"])["dry_run"], true);
    assert_eq!(json(&["packages", "install", archive])["package"]["id"], "mine");
    let copy = folder.path().join("copy.tar.gz");
    assert_eq!(run(&["packages", "download", "mine", "--file", copy.to_str().unwrap()]).0, Some(0));
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(archive).unwrap(), "an archive is the same every time");
    json(&["packages", "remove", "mine"]);
    assert!(!json(&["packages", "list"]).to_string().contains("\"mine\""));
    let (code, _, errors) = run(&["channels", "test", "nothing"]);
    assert_eq!((code == Some(0), errors.contains("no channel")), (false, true), "{errors}");
}

/// A search for keys that were deleted, which is told as soon as there are two.
fn deletions(told: &Value) -> Value {
    let mut asked = json!({"name": "Deleted keys", "q": "action:kms.secrets.delete", "severity": "high"});
    told.as_object().unwrap().iter().for_each(|(name, value)| asked[name] = value.clone());
    asked
}

fn twice() -> Value {
    json!({"operator": "presence", "trigger_limit": 2, "trigger_interval": "24h", "immediate": true})
}

#[tokio::test]
async fn a_search_that_matches_often_enough_tells_its_own_channels_at_once() {
    let (meant, other) = (Receiver::answering(200).await, Receiver::answering(200).await);
    let server = server_for(&[&meant, &other]).await;
    let channel = done(&server, "POST", "/api/v1/channels", webhook("meant", &meant)).await;
    done(&server, "POST", "/api/v1/channels", webhook("other", &other)).await;
    let preset = json!({"name": "Twice a day", "channels": [{"channel": channel["id"], "trigger": twice()}]});
    let preset = done(&server, "POST", "/api/v1/presets", preset).await;
    let made = done(&server, "POST", "/api/v1/search-alerts", deletions(&json!({"preset": preset["id"]}))).await;
    assert_eq!(
        done(&server, "GET", "/api/v1/presets", Value::Null).await["presets"][0]["used_by"],
        json!(["Deleted keys"])
    );

    let path = format!("/api/v1/alerts?rule={}", made["rule_id"].as_str().unwrap());
    let now = chrono::Utc::now().to_rfc3339();
    server.send(event("e1", "bob", "kms.secrets.delete", "success", &now)).await;
    server.send(event("e2", "eve", "kms.secrets.read", "success", &now)).await;
    until(&server, "/api/v1/search-alerts", |list| list["search_alerts"][0]["last_match_at"].is_string()).await;
    assert_eq!(done(&server, "GET", &path, Value::Null).await["alerts"], json!([]), "one is not enough");
    server.send(event("e3", "eve", "kms.secrets.delete", "success", &now)).await;

    let told = meant.told(1).await;
    assert_eq!(
        (told[0]["event"].as_str(), told[0]["severity"].as_str()),
        (Some("opened"), Some("high")),
        "{}",
        told[0]
    );
    assert!(told[0]["sentence"].as_str().unwrap().starts_with("Deleted keys: 2 events matched since"), "{}", told[0]);
    assert_eq!(told[0]["query"], "action:kms.secrets.delete");
    assert_eq!(told[0]["evidence"][0]["record"], "activity:2");
    assert!(told[0]["evidence"][0]["sentence"].as_str().unwrap().contains("eve"), "{}", told[0]);
    let page = until(&server, &path, |page| page["alerts"].as_array().is_some_and(|alerts| !alerts.is_empty())).await;
    assert_eq!(page["alerts"][0]["rule_title"], "Deleted keys");
    let list = done(&server, "GET", "/api/v1/search-alerts", Value::Null).await;
    assert!(list["search_alerts"][0]["last_fired_at"].is_string(), "{list}");
    let ours = |notice: &Value| notice["alert_id"] == page["alerts"][0]["id"];
    assert!(!other.taken.lock().iter().any(|(_, body)| ours(body)), "it was not meant");

    let refused =
        ask(&server, "DELETE", &format!("/api/v1/channels/{}", channel["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(
        (refused.0, refused.1["detail"].as_str().unwrap().contains("Twice a day")),
        (409, true),
        "{}",
        refused.1
    );
    done(&server, "DELETE", &format!("/api/v1/presets/{}", preset["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(
        done(&server, "GET", "/api/v1/search-alerts", Value::Null).await["search_alerts"],
        json!([]),
        "built on it"
    );
}

#[tokio::test]
async fn a_search_counts_on_and_is_told_once_whatever_ends_the_server_in_between() {
    let receiver = Receiver::answering(200).await;
    let mut server = server_for(&[&receiver]).await;
    let channel = done(&server, "POST", "/api/v1/channels", webhook("ops", &receiver)).await;
    let mut thrice = twice();
    thrice["trigger_limit"] = json!(3);
    let told = json!({"channels": [{"channel": channel["id"], "trigger": thrice}]});
    let made = done(&server, "POST", "/api/v1/search-alerts", deletions(&told)).await;
    let now = chrono::Utc::now().to_rfc3339();
    for id in ["e1", "e2", "e3"] {
        server.send(event(id, "bob", "kms.secrets.delete", "success", &now)).await;
        server.restart().await;
    }
    let path = format!("/api/v1/alerts?rule={}", made["rule_id"].as_str().unwrap());
    until(&server, &path, |page| page["alerts"].as_array().is_some_and(|alerts| !alerts.is_empty())).await;
    receiver.told(1).await;
    server.restart().await;
    // What comes after tells that nothing of before is told again.
    let other = json!({"name": "Reads", "q": "action:kms.secrets.read", "severity": "high",
        "channels": [{"channel": channel["id"], "trigger": {"operator": "presence", "trigger_limit": 1, "immediate": true}}]});
    done(&server, "POST", "/api/v1/search-alerts", other).await;
    server.send(event("e4", "eve", "kms.secrets.read", "success", &now)).await;
    let told = receiver.told(2).await;
    let sentences: Vec<&str> = told.iter().filter_map(|notice| notice["sentence"].as_str()).collect();
    assert!(sentences[0].starts_with("Deleted keys: 3 events matched"), "{sentences:?}");
    assert!(sentences[1].starts_with("Reads: 1 event matched"), "{sentences:?}");
    let page = done(&server, "GET", &path, Value::Null).await;
    assert_eq!(page["alerts"].as_array().map(Vec::len), Some(1), "{page}");
    assert_eq!(page["alerts"][0]["findings"], 1, "{page}");
}

#[tokio::test]
async fn a_search_in_the_inbox_only_can_be_changed_and_switched_off() {
    let server = Server::start().await;
    let made = done(&server, "POST", "/api/v1/search-alerts", deletions(&json!({"trigger": twice()}))).await;
    let path = format!("/api/v1/search-alerts/{}", made["id"].as_str().unwrap());
    let off = deletions(&json!({"trigger": twice(), "is_enabled": false, "name": "Off"}));
    let changed = done(&server, "PATCH", &path, off).await;
    assert_eq!((changed["search_alert"]["name"].as_str(), changed["revision"].as_i64()), (Some("Off"), Some(2)));
    done(&server, "DELETE", &path, Value::Null).await;
    assert_eq!(ask(&server, "DELETE", &path, Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_search_that_cannot_be_watched_is_refused_with_what_is_wrong() {
    let server = Server::start().await;
    let absence = json!({"operator": "absence", "immediate": true});
    for (body, why) in [
        (deletions(&json!({})), "exactly one of"),
        (deletions(&json!({"trigger": twice(), "preset": "p"})), "exactly one of"),
        (deletions(&json!({"preset": "nothing"})), "preset"),
        (deletions(&json!({"channels": [{"channel": "nothing", "trigger": twice()}]})), "channel"),
        (deletions(&json!({"channels": []})), "channels"),
        (deletions(&json!({"trigger": absence})), "trigger.immediate"),
        (deletions(&json!({"trigger": {"operator": "presence"}})), "trigger.immediate"),
        (deletions(&json!({"trigger": twice(), "q": "action:("})), ""),
        (deletions(&json!({"trigger": twice(), "q": "eventTime:>now-1h"})), "relative"),
        (deletions(&json!({"trigger": twice(), "stream": "findings"})), "stream"),
        (deletions(&json!({"trigger": twice(), "name": " "})), "name"),
    ] {
        let (status, refused) = ask(&server, "POST", "/api/v1/search-alerts", body.clone()).await;
        assert_eq!(status, 400, "{body}: {refused}");
        assert!(refused["detail"].as_str().unwrap().contains(why), "{body}: {refused}");
    }
    done(&server, "POST", "/api/v1/search-alerts", deletions(&json!({"trigger": twice()}))).await;
    assert_eq!(ask(&server, "POST", "/api/v1/search-alerts", deletions(&json!({"trigger": twice()}))).await.0, 409);
    assert_eq!(ask(&server, "POST", "/api/v1/presets", json!({"name": "p", "channels": []})).await.0, 400);
}

#[tokio::test]
async fn the_command_line_handles_searches_and_presets_by_name() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("search.json");
    std::fs::write(&file, deletions(&json!({"trigger": twice()})).to_string()).unwrap();
    let path = file.to_str().unwrap();
    let run = |arguments: &[&str]| {
        let output = server.run(&server.keys.admin_token, &[arguments, &["--output", "json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let made = run(&["search-alerts", "create", "--file", path]);
    assert_eq!(made["search_alert"]["name"], "Deleted keys");
    run(&["search-alerts", "disable", "Deleted keys"]);
    assert_eq!(run(&["search-alerts", "list"])["search_alerts"][0]["search_alert"]["is_enabled"], false);
    assert_eq!(run(&["search-alerts", "enable", made["id"].as_str().unwrap()])["search_alert"]["is_enabled"], true);
    run(&["search-alerts", "delete", "Deleted keys"]);
    assert_eq!(run(&["presets", "list"])["presets"], json!([]));
}

#[tokio::test]
async fn an_alert_is_given_to_a_member_who_is_kept_by_id_and_shown_by_name() {
    let server = Server::start().await;
    let mara = server.join("mara@example.com", json!([{"role": "analyst"}])).await;
    let alert = raise(&server).await;
    let act = format!("/api/v1/alerts/{}/acts", alert["id"].as_str().unwrap());
    let label = format!("user:{}", mara.id);
    for to in ["MARA@example.com", mara.id.as_str(), label.as_str()] {
        let given = done(&server, "POST", &act, json!({"act": "assign", "to": to})).await;
        let shown = (&given["alert"]["assignee"], &given["alert"]["assignee_name"]);
        assert_eq!(shown, (&json!(label), &json!("mara@example.com")), "{to}");
        let me = done(&server, "GET", "/api/v1/me", Value::Null).await;
        let last = given["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["by"], &last["detail"]), (&me["user"]["name"], &json!("mara@example.com")), "{last}");
        let nobody = done(&server, "POST", &act, json!({"act": "assign"})).await;
        assert_eq!(nobody["alert"]["assignee_name"], Value::Null);
    }
    for to in ["nobody-there", "user:nobody", ""] {
        let (status, refused) = ask(&server, "POST", &act, json!({"act": "assign", "to": to})).await;
        assert_eq!(status, 400, "{to}: {refused}");
        assert!(refused["detail"].as_str().unwrap().contains("GET /api/v1/users"), "{refused}");
    }

    done(&server, "POST", &act, json!({"act": "assign", "to": "mara@example.com"})).await;
    let hers = async |whose: &str| {
        let request = server.with(&mara.cookie, "GET", &format!("/api/v1/alerts?assignee={whose}"));
        let (status, page) = answer(request).await;
        (status, page["alerts"].as_array().map(Vec::len))
    };
    for whose in ["me", "mara@example.com", mara.id.as_str(), label.as_str()] {
        assert_eq!(hers(whose).await, (200, Some(1)), "{whose}");
    }
    // Of somebody who has left there may be none; of a name that nobody has nobody knows.
    assert_eq!(hers("user:nobody").await, (200, Some(0)));
    assert_eq!(hers("nobody-there").await, (400, None));
}

#[tokio::test]
async fn alerts_of_a_time_are_those_that_opened_in_it() {
    let server = Server::start().await;
    let alert = raise(&server).await;
    for (range, count) in [
        ("from=1h", 1),
        ("from=2026-01-01&to=2200-01-01", 1),
        ("to=2020-01-01", 0),
        ("from=2200-01-01", 0),
        ("from=2019-01-01%20to%202019-04-01", 0),
    ] {
        let page = done(&server, "GET", &format!("{OURS}&{range}"), Value::Null).await;
        assert_eq!(page["alerts"].as_array().unwrap().len(), count, "{range}: {alert}");
    }
    for (range, why) in [("from=someday", "`from`"), ("to=someday", "`to`"), ("from=now&to=now-1h", "must lie before")]
    {
        let (status, refused) = ask(&server, "GET", &format!("{OURS}&{range}"), Value::Null).await;
        assert_eq!((status, refused["code"].as_str()), (400, Some("bad_time")), "{range}: {refused}");
        assert!(refused["detail"].as_str().unwrap().contains(why), "{range}: {refused}");
    }
}

#[tokio::test]
async fn an_act_on_an_alert_is_told_with_how_the_alert_was_and_is() {
    let server = Server::start().await;
    let alert = raise(&server).await;
    let act = format!("/api/v1/alerts/{}/acts", alert["id"].as_str().unwrap());
    let told = async |action: &str| loop {
        let told = server.told(&format!("action:===whodid.alert.{action} outcome:success")).await;
        if let Some(event) = told.first() {
            break event["requestData"].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    let replaced = |path: &str, old: &Value, new: &Value| {
        vec![json!({"op": "test", "path": path, "value": old}), json!({"op": "replace", "path": path, "value": new})]
    };
    let silence = json!({"act": "silence", "until": "89d", "reason": "keys are rolled"});
    let end = done(&server, "POST", &act, silence).await["alert"]["silenced_until"].clone();
    let paused = told("pause").await;
    assert!(end.as_str().unwrap().ends_with('Z'), "{end}");
    assert_eq!(paused["delta"], json!(replaced("/silencedUntil", &Value::Null, &end)), "{paused}");
    assert_eq!(paused["reason"], "keys are rolled");

    done(&server, "POST", &act, json!({"act": "note", "text": "asked bob"})).await;
    let noted = told("write").await;
    assert_eq!(noted["delta"], json!(replaced("/notes", &json!(0), &json!(1))), "{noted}");
    assert_eq!(noted["note"], "asked bob");

    done(&server, "POST", &act, json!({"act": "resolve", "reason": "was planned"})).await;
    let ended = told("end").await;
    let steps = ended["delta"].as_array().unwrap();
    for step in [
        replaced("/status", &json!("open"), &json!("resolved")),
        replaced("/resolution", &Value::Null, &json!("was planned")),
        // With its end a silence is over too.
        replaced("/silencedUntil", &end, &Value::Null),
    ]
    .concat()
    {
        assert!(steps.contains(&step), "{step} in {ended}");
    }
    assert_eq!(steps.len(), 6, "and nothing else: {ended}");
}

#[tokio::test]
async fn an_alert_that_tells_of_a_silence_is_itself_not_silenced_and_ended_with_a_reason_only() {
    let server = Server::start().await;
    let drill = json!({"rule_ids": ["key-deleted"], "until": "8h", "reason": "drill"});
    let silence = done(&server, "POST", "/api/v1/silences", drill).await;
    let me = done(&server, "GET", "/api/v1/me", Value::Null).await;
    assert_eq!(silence["by"], me["user"]["name"]);
    let listed = done(&server, "GET", "/api/v1/silences", Value::Null).await;
    assert_eq!(listed["silences"][0], silence, "what was answered first is what is listed");

    let path = "/api/v1/alerts?rule=whodid-self-alerts-silenced";
    let page = until(&server, path, |page| page["alerts"].as_array().is_some_and(|alerts| !alerts.is_empty())).await;
    let alert = &page["alerts"][0];
    assert_eq!(alert["is_guard"], true);
    let act = format!("/api/v1/alerts/{}/acts", alert["id"].as_str().unwrap());
    let (status, refused) =
        ask(&server, "POST", &act, json!({"act": "silence", "until": "89d", "reason": "noise"})).await;
    assert_eq!((status, refused["code"].as_str()), (409, Some("conflict")), "{refused}");
    for asked in [json!({"act": "resolve"}), json!({"act": "resolve", "reason": " "})] {
        let (status, refused) = ask(&server, "POST", &act, asked).await;
        assert_eq!(status, 400, "{refused}");
        assert!(refused["detail"].as_str().unwrap().starts_with("`reason`"), "{refused}");
    }
    let ended = done(&server, "POST", &act, json!({"act": "resolve", "reason": "the drill of June"})).await;
    assert_eq!(ended["alert"]["status"], "resolved");

    let other = raise(&server).await;
    assert_eq!(other["is_guard"], false);
    let act = format!("/api/v1/alerts/{}/acts", other["id"].as_str().unwrap());
    done(&server, "POST", &act, json!({"act": "resolve"})).await;
}

#[tokio::test]
async fn the_command_line_reviews_exceptions_and_ends_what_keeps_channels_quiet() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = server.run(&server.keys.admin_token, arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), errors)
    };
    let json = |arguments: &[&str]| {
        let (code, text, errors) = run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(code, Some(0), "{arguments:?}: {errors}");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let file = folder.path().join("asked.json");
    let file = file.to_str().unwrap();
    done(&server, "POST", "/api/v1/rules", json!({"text": RULE, "is_enabled": true})).await;
    let shown = json(&["rules", "show", "key-deleted"]);
    assert_eq!((shown["text"].as_str(), shown["version"].is_string()), (Some(RULE), true), "{shown}");
    let (_, text, _) = run(&["rules", "show", "key-deleted"]);
    assert!(text.contains("detection: {sel: {action: kms.secrets.delete}, condition: sel}"), "{text}");

    let except = |who: &str, more: Value| {
        let mut asked = json!({"rules": ["key-deleted"], "events": {"initiator.name": [who]}, "reason": who});
        more.as_object().unwrap().iter().for_each(|(name, value)| asked[name] = value.clone());
        std::fs::write(file, asked.to_string()).unwrap();
        json(&["exceptions", "create", "--file", file])
    };
    let me = done(&server, "GET", "/api/v1/me", Value::Null).await["user"].clone();
    let soon = except("soon", json!({"expires": "7d", "owner": "team-payments"}));
    assert_eq!((&soon["owner"], &soon["owner_is_member"]), (&json!("team-payments"), &json!(false)), "{soon}");
    let late = except("late", json!({"expires": "90d", "owner": me["id"]}));
    assert_eq!((&late["owner"], &late["owner_is_member"]), (&me["name"], &json!(true)), "{late}");
    let endless = except("load-test", json!({}));
    assert_eq!((&endless["owner"], &endless["created_by"]), (&me["name"], &me["name"]), "{endless}");

    let listed = json(&["exceptions", "list"])["exceptions"].as_array().unwrap().clone();
    assert!([&soon, &late, &endless].into_iter().all(|made| listed.contains(made)), "{listed:?}");
    let due = json(&["exceptions", "list", "--due", "30d"])["exceptions"].as_array().unwrap().clone();
    let mut reasons: Vec<_> = due.iter().map(|exception| exception["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["load-test", "soon"]);
    assert_eq!(run(&["exceptions", "list", "--due", "soon"]).0, Some(2));
    let (_, csv, _) = run(&["exceptions", "list", "--output", "csv"]);
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert_eq!(json(&["exceptions", "show", soon["id"].as_str().unwrap()]), soon);

    server.send(event("e1", "load-test", "kms.secrets.delete", "success", "2026-06-01T10:00:00+00:00")).await;
    let findings = "/api/v1/events?stream=findings&q=requestData.ruleId:===key-deleted";
    until(&server, findings, |page| page["events"].as_array().is_some_and(|events| !events.is_empty())).await;
    let (_, table, _) = run(&["findings", "--from", "2026-06-01", "--rule", "key-deleted"]);
    let endless = endless["id"].as_str().unwrap();
    assert!(table.contains("SILENCED") && table.contains(endless), "{table}");
    assert_eq!(json(&["exceptions", "end", endless])["ended"], true);
    let (code, _, errors) = run(&["exceptions", "show", endless]);
    assert_eq!((code, errors.contains("no exception")), (Some(1), true), "{errors}");

    std::fs::write(file, json!({"rule_ids": ["key-deleted"], "until": "8h", "reason": "drill"}).to_string()).unwrap();
    let silence = json(&["silences", "create", "--file", file]);
    assert_eq!(json(&["silences", "list"])["silences"], json!([silence]));
    json(&["silences", "end", silence["id"].as_str().unwrap()]);
    assert_eq!(json(&["silences", "list"])["silences"], json!([]));

    server.send(event("e2", "bob", "kms.secrets.delete", "success", "2026-06-01T10:00:00+00:00")).await;
    first_alert(&server).await;
    let quarter = |more: &[&str]| {
        let arguments = [&["alerts", "list", "--status", "all", "--rule", "key-deleted"][..], more].concat();
        json(&arguments)["alerts"].as_array().unwrap().len()
    };
    assert_eq!(quarter(&["--from", "2026-01-01", "--to", "2200-01-01"]), 1);
    assert_eq!(quarter(&["--to", "2020-01-01"]), 0);
}
