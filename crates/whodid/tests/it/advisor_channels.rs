//! Channels as clients of Security Advisor make them: its Notifications API, and the addresses of its manual.

use serde_json::{Value, json};

use crate::alerting::{Receiver, ask, done, raise, server_for};
use crate::boundary::{Server, answer};

/// Where the clients look.
const CLIENTS: &str = "/notifications/v1/default/notifications/channels";
/// Where the manual says.
const MANUALS: &str = "/alerts/v1/default/alerts/channels";

fn asked(name: &str, endpoint: &str) -> Value {
    json!({"name": name, "description": "to the desk", "type": "Webhook", "endpoint": endpoint, "enabled": true,
        "severity": ["high", "critical"], "alert_source": [{"provider_name": "ALL", "finding_types": ["ALL"]}]})
}

async fn made(server: &Server, body: Value) -> String {
    let done = done(server, "POST", CLIENTS, body).await;
    assert_eq!((&done["status_code"], &done["statusCode"]), (&json!(200), &json!(200)), "{done}");
    done["channel_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_makes_a_channel_that_tells_findings_as_signed_tokens() {
    let receiver = Receiver::answering(200).await;
    let server = server_for(&[&receiver]).await;
    let id = made(&server, asked("desk", &receiver.url())).await;

    let shown = done(&server, "GET", &format!("{CLIENTS}/{id}"), Value::Null).await;
    let sources = json!([{"provider_name": "ALL", "finding_types": ["ALL"]}]);
    let whole = json!({"channel_id": id, "name": "desk", "description": "to the desk", "type": "Webhook",
        "severity": {"critical": true, "high": true, "medium": false, "low": false}, "endpoint": receiver.url(),
        "enabled": true, "alert_source": sources, "alertSource": sources});
    assert_eq!(shown["channel"], whole);
    assert_eq!(done(&server, "GET", MANUALS, Value::Null).await, json!({ "channels": [whole] }));

    let tried = done(&server, "GET", &format!("{CLIENTS}/{id}/test"), Value::Null).await;
    assert_eq!(tried["test"], "success", "{tried}");
    raise(&server).await;
    let told = receiver.told(2).await;
    let key = done(&server, "GET", "/notifications/v1/default/notifications/public_key", Value::Null).await;
    assert_eq!(key, done(&server, "GET", "/alerts/v1/default/download_public_key", Value::Null).await);
    let same = done(&server, "GET", "/api/v1/notices/key", Value::Null).await;
    assert_eq!(key["public_key"], same["pem"]);
    let part = |name: &str| same["jwk"][name].as_str().unwrap().to_owned();
    let key = jsonwebtoken::DecodingKey::from_rsa_components(&part("n"), &part("e")).unwrap();
    let validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    let claims = jsonwebtoken::decode::<Value>(token(&told[1]), &key, &validation).unwrap().claims;
    let finding = &claims["findings"][0];
    assert_eq!((&finding["severity"], &finding["provider"]), (&json!("HIGH"), &json!("whodid")), "{claims}");
}

/// A delivery is the token alone, or `{"data": token}`.
fn token(told: &Value) -> &str {
    told.as_str().unwrap_or_else(|| told["data"].as_str().unwrap())
}

#[tokio::test]
async fn a_channel_is_off_and_wants_medium_and_graver_from_everybody_unless_it_says_otherwise() {
    let server = Server::start().await;
    let endpoint = "https://hooks.example.com/a";
    let id = made(&server, json!({"name": "plain", "type": "Webhook", "endpoint": endpoint})).await;
    let shown = done(&server, "GET", &format!("{MANUALS}/{id}"), Value::Null).await["channel"].clone();
    let severity = json!({"critical": true, "high": true, "medium": true, "low": false});
    assert_eq!((&shown["enabled"], &shown["severity"]), (&json!(false), &severity), "{shown}");
    assert_eq!(shown["alert_source"], json!([]));

    // The manual spells the member otherwise, and leaves the types out.
    let body = json!({"name": "plain", "type": "Webhook", "endpoint": endpoint, "alertSource": [
        {"provider_name": "ATA", "finding_types": ["iam", "kms"]}, {"provider_name": "acme"}]});
    done(&server, "PUT", &format!("{MANUALS}/{id}"), body).await;
    let listed = done(&server, "GET", "/api/v1/channels", Value::Null).await["channels"][0].clone();
    let sources =
        json!([{"provider": "ATA", "finding_types": ["iam", "kms"]}, {"provider": "acme", "finding_types": ["ALL"]}]);
    assert_eq!((&listed["sources"], &listed["receiver"]["signing"]), (&sources, &json!({"type": "jwt"})), "{listed}");
}

#[tokio::test]
async fn what_this_form_does_not_have_stays_and_secrets_do_not_follow_to_another_address() {
    let server = Server::start().await;
    let receiver =
        json!({"type": "webhook", "url": "https://hooks.example.com/a", "headers": {"x-token": "0123456789"}});
    let body = json!({"name": "ours", "rate_limit": 7, "severities": ["informational", "low"], "receiver": receiver});
    let ours = done(&server, "POST", "/api/v1/channels", body).await;
    let slack = json!({"name": "talk", "receiver": {"type": "slack", "url": "https://hooks.slack.com/services/a"}});
    let slack = done(&server, "POST", "/api/v1/channels", slack).await;
    let (id, other) = (ours["id"].as_str().unwrap(), slack["id"].as_str().unwrap());

    let listed = done(&server, "GET", CLIENTS, Value::Null).await;
    assert_eq!(listed["channels"].as_array().unwrap().len(), 1, "only webhooks have this form: {listed}");
    for (method, body) in
        [("GET", Value::Null), ("PUT", asked("talk", "https://a.example.com")), ("DELETE", Value::Null)]
    {
        assert_eq!(ask(&server, method, &format!("{CLIENTS}/{other}"), body).await.0, 404, "{method}");
    }

    done(&server, "PUT", &format!("{CLIENTS}/{id}"), asked("ours", "https://hooks.example.com/a")).await;
    let now = done(&server, "GET", "/api/v1/channels", Value::Null).await["channels"][0].clone();
    assert_eq!((&now["rate_limit"], &now["receiver"]["headers"]), (&json!(7), &ours["receiver"]["headers"]), "{now}");
    assert_eq!(now["severities"], json!(["informational", "high", "critical"]));

    let moved = ask(&server, "PUT", &format!("{CLIENTS}/{id}"), asked("ours", "https://elsewhere.example.com/a")).await;
    assert_eq!((moved.0, moved.1["code"].as_str()), (400, Some("unusable_channel")), "{}", moved.1);
}

#[tokio::test]
async fn channels_are_deleted_together_or_not_at_all() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(made(&server, asked(name, &format!("https://hooks.example.com/{name}"))).await);
    }
    let (status, refused) = ask(&server, "DELETE", CLIENTS, json!([ids[0], "none"])).await;
    assert_eq!(status, 404, "{refused}");
    let preset = json!({"name": "by b", "channels": [{"channel": ids[1], "trigger": {"operator": "presence", "immediate": true}}]});
    let preset = done(&server, "POST", "/api/v1/presets", preset).await;
    let (status, refused) = ask(&server, "DELETE", CLIENTS, json!([ids[0], ids[1]])).await;
    assert_eq!((status, refused["code"].as_str()), (409, Some("conflict")), "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("by b"), "{refused}");
    done(&server, "DELETE", &format!("/api/v1/presets/{}", preset["id"].as_str().unwrap()), Value::Null).await;
    let page = done(&server, "GET", &format!("{CLIENTS}?skip=1&limit=1"), Value::Null).await;
    assert_eq!(page["channels"][0]["name"], "b", "none is gone: {page}");
    done(&server, "DELETE", CLIENTS, json!([ids[0], ids[1], ids[0]])).await;
    let gone = done(&server, "DELETE", &format!("{MANUALS}/{}", ids[2]), Value::Null).await;
    assert_eq!(gone["channel_id"], json!(ids[2]));
    assert_eq!(done(&server, "GET", CLIENTS, Value::Null).await, json!({"channels": []}));
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_to_do() {
    let server = Server::start().await;
    let with = |member: &str, value: Value| {
        let mut body = asked("x", "https://hooks.example.com/a");
        body[member] = value;
        body
    };
    let refused = [
        (with("endpoint", json!("http://hooks.example.com/a")), "unusable_channel", "https"),
        (with("endpoint", json!("https://10.0.0.1/a")), "unusable_channel", "public"),
        (with("type", json!("Slack")), "bad_json", "Webhook"),
        (with("severity", json!(["grave"])), "bad_json", "critical"),
        (with("severity", json!([])), "unusable_channel", "severities"),
        (with("alert_source", json!([{"provider_name": "ALL"}, {"provider_name": "ATA"}])), "bad_json", "alone"),
        (
            with("alert_source", json!([{"provider_name": "ALL", "finding_types": ["iam"]}])),
            "bad_json",
            "leave them out",
        ),
    ];
    for (body, code, word) in refused {
        let (status, answered) = ask(&server, "POST", CLIENTS, body.clone()).await;
        assert_eq!((status, answered["code"].as_str()), (400, Some(code)), "{body}: {answered}");
        assert!(answered["detail"].as_str().unwrap().contains(word), "{body}: {answered}");
    }

    // A browser sends a cookie with whatever GET a page makes it send.
    let id = made(&server, asked("x", "https://hooks.example.com/a")).await;
    let cookie = server.sign_in().await;
    let by_page = server.get(&format!("/alerts/v1/default/test/notification/channel/{id}")).header("cookie", cookie);
    let (status, answered) = answer(by_page).await;
    assert_eq!((status, answered["code"].as_str()), (403, Some("cross_origin")), "{answered}");
    let audit = done(&server, "GET", "/api/v1/events?stream=audit&q=action:whodid.channel.send", Value::Null).await;
    assert_eq!(audit["events"][0]["target"]["id"], json!(id), "the record is about the channel: {audit}");

    // A client that was given another address than it wants is told so, and gets no page.
    let (status, answered) = ask(&server, "GET", "/v1/default/notifications/channels", Value::Null).await;
    assert_eq!((status, answered["code"].as_str()), (404, Some("no_such_route")), "{answered}");
}
