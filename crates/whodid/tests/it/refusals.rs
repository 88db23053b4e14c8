//! What is refused is refused whole, and the audit log tells what was asked for; what somebody may not know is in no
//! answer.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::boundary::{Server, answer, refused};
use crate::person::{PASSWORD, encoded};

#[tokio::test]
async fn a_refusal_for_want_of_a_right_tells_to_whom_and_what() {
    let server = Server::start().await;
    let dan = server.join("dan@example.com", json!([{"role": "member"}])).await;
    let carol = server.join("carol@example.com", json!([{"role": "reader"}])).await;
    let ask = async |method: &str, path: &str, body: Value| {
        let request = server.with(&carol.cookie, method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        assert_eq!(refused(request).await, (403, "forbidden".to_owned()), "{method} {path}");
    };
    let newest = async |action: &str| {
        let told = server.told(&format!("action:==={action} outcome:failure")).await;
        told.first().cloned().unwrap_or_else(|| panic!("{action} is not told"))
    };
    let user = format!("/api/v1/users/{}", dan.id);
    ask("DELETE", &user, Value::Null).await;
    assert_eq!(newest("whodid.user.delete").await["target"]["id"], json!(dan.id));
    ask("PATCH", &user, json!({"disabled": true})).await;
    let told = newest("whodid.user.disable").await;
    assert_eq!((&told["target"]["id"], &told["requestData"]["asked"]["disabled"]), (&json!(dan.id), &json!(true)));
    ask("POST", "/api/v1/bindings", json!({"user": carol.id, "role": "administrator"})).await;
    let told = newest("whodid.role-binding.create").await;
    let expected = json!({"user": carol.id, "role": "administrator"});
    assert_eq!(told["requestData"]["asked"], expected, "who tried to promote herself is seen");
    ask("PATCH", "/api/v1/settings", json!({"mfa_required": false})).await;
    assert_eq!(newest("whodid.account.update").await["requestData"]["asked"], json!({"mfa_required": false}));
    ask("POST", "/api/v1/keys", json!({"kind": "service", "name": "exfiltration"})).await;
    assert_eq!(newest("whodid.service-key.create").await["target"]["name"], "exfiltration");
    let member = server.with(&dan.cookie, "POST", "/api/v1/sql").json(&json!({"sql": "SELECT 1"}));
    assert_eq!(refused(member).await.0, 403);
    assert_eq!(newest("whodid.event.query").await["requestData"]["query"], "SELECT 1");
    // However much was sent, little of it is kept.
    let long = json!({"name": "x".repeat(90_000), "permissions": vec!["y".repeat(100); 1000]});
    ask("POST", "/api/v1/roles", long).await;
    let told = newest("whodid.role.create").await;
    assert_eq!(told["requestData"]["asked"]["shortened"], true);
    assert!(told["requestData"]["asked"].to_string().len() < 4200);
    // A password is in none, refused or not.
    let change = json!({"current": "wrong wrong wrong", "new": PASSWORD});
    refused(server.with(&carol.cookie, "POST", "/api/v1/me/password").json(&change)).await;
    let all = serde_json::to_string(&server.told("").await).unwrap();
    assert!(!all.contains(PASSWORD) && !all.contains("wrong wrong wrong"));
}

#[tokio::test]
async fn who_loses_their_rights_while_a_request_is_being_sent_does_nothing_with_it() {
    let server = Server::start().await;
    let boss = server.join("boss@example.com", json!([{"role": "administrator"}])).await;
    let body = json!({"name": "friend@example.com", "roles": [{"role": "administrator"}]}).to_string();
    let address = server.url.trim_start_matches("http://");
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/v1/invitations HTTP/1.1\r\nhost: {address}\r\ncookie: {}\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        boss.cookie,
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    // It is asked for only when its sender is known.
    let mut go_on = [0; 25];
    connection.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    let off = server.admin("PATCH", &format!("/api/v1/users/{}", boss.id)).json(&json!({"disabled": true}));
    assert_eq!(answer(off).await.0, 200);
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut said = String::new();
    connection.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 409 "), "{said}");
    let (_, open) = answer(server.admin("GET", "/api/v1/invitations")).await;
    assert_eq!(open["invitations"], json!([]));
}

#[tokio::test]
async fn an_empty_limit_is_no_limit_and_so_no_role() {
    let server = Server::start().await;
    let carol = server.join("carol@example.com", json!([{"role": "member"}])).await;
    for query in ["", "  "] {
        let bind = json!({"user": carol.id, "role": "reader", "query": query});
        assert_eq!(refused(server.admin("POST", "/api/v1/bindings").json(&bind)).await.0, 400);
        let invite = json!({"name": "q@example.com", "roles": [{"role": "reader", "query": query}]});
        assert_eq!(refused(server.admin("POST", "/api/v1/invitations").json(&invite)).await.0, 400);
    }
    let (_, bindings) = answer(server.admin("GET", "/api/v1/bindings")).await;
    assert!(bindings["bindings"].as_array().unwrap().iter().all(|one| one["role"] != "reader"), "{bindings}");
    let output = server.run(
        &server.keys.admin_token,
        &["roles", "give", "--role", "writer", "--user", "carol@example.com", "--only", ""],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`query` is empty"), "{output:?}");
}

#[tokio::test]
async fn a_text_with_a_nul_is_refused_wherever_it_stands() {
    let server = Server::start().await;
    for (method, path, body) in [
        ("POST", "/api/v1/sessions", r#"{"user":"a\u0000","password":"x"}"#),
        ("POST", "/api/v1/password-resets", r#"{"user":"a\u0000"}"#),
        ("POST", "/api/v1/roles", r#"{"name":"a\u0000","permissions":["keys.read"]}"#),
        ("GET", "/api/v1/users/a%00b", ""),
        ("GET", "/api/v1/events?q=a%00b", ""),
    ] {
        let request = server.admin(method, path);
        let request = match body {
            "" => request,
            body => request.header("content-type", "application/json").body(body),
        };
        assert_eq!(refused(request).await.0, 400, "{method} {path}");
    }
    // A backslash before the letters is another text.
    let role = r#"{"name":"fine","description":"a\\u0000","permissions":["keys.read"]}"#;
    let request = server.admin("POST", "/api/v1/roles").header("content-type", "application/json").body(role);
    assert_eq!(answer(request).await.0, 201);
}

#[tokio::test]
async fn a_new_password_is_another_one() {
    let server = Server::start().await;
    let carol = server.join("carol@example.com", json!([{"role": "member"}])).await;
    let change = json!({"current": PASSWORD, "new": PASSWORD});
    let request = server.with(&carol.cookie, "POST", "/api/v1/me/password").json(&change);
    assert_eq!(refused(request).await, (400, "weak_password".to_owned()));
}

#[tokio::test]
async fn people_are_called_by_the_role_they_have() {
    let server = Server::start().await;
    for role in ["administrator", "analyst", "auditor", "manager", "writer", "reader", "member"] {
        let person = server.join(&format!("{role}@example.com"), json!([{"role": role}])).await;
        let (_, me) = answer(server.with(&person.cookie, "GET", "/api/v1/me")).await;
        assert_eq!(me["user"]["role"], role);
    }
}

#[tokio::test]
async fn what_concerns_all_accounts_is_told_to_operators_only() {
    let server = Server::start().await;
    let storage = tempfile::tempdir().unwrap();
    let account = json!({"name": "research", "storage": storage.path()});
    assert_eq!(answer(server.admin("POST", "/api/v1/accounts").json(&account)).await.0, 201);
    let token = server.invite("research", "carol@example.com", json!([{"role": "reader"}])).await;
    let accept = json!({"token": token, "password": PASSWORD});
    let response = server.request("POST", "/api/v1/invitations/accept").json(&accept).send().await.unwrap();
    let cookie = crate::person::cookie_of(&response);
    let (_, accounts) = answer(server.with(&cookie, "GET", "/api/v1/accounts")).await;
    assert_eq!(
        (&accounts["accounts"][0]["name"], &accounts["accounts"][0]["storage"]),
        (&json!("research"), &Value::Null)
    );
    let (_, accounts) = answer(server.admin("GET", "/api/v1/accounts")).await;
    assert!(accounts["accounts"].as_array().unwrap().iter().any(|one| one["storage"].is_string()));
    let (_, status) = answer(server.with(&cookie, "GET", "/api/v1/status")).await;
    assert_eq!(status["journal_bytes"], Value::Null);
    assert_eq!(server.read("/api/v1/status").await["journal_bytes"], Value::Null);
    let (_, status) = answer(server.admin("GET", "/api/v1/status")).await;
    assert!(status["journal_bytes"].is_u64());
}

#[tokio::test]
async fn an_account_that_was_not_made_leaves_its_storage_to_others() {
    let server = Server::start().await;
    let storage = tempfile::tempdir().unwrap();
    let make = |title: String, storage: Option<&std::path::Path>| {
        let body = json!({"name": "research", "title": title, "storage": storage});
        answer(server.admin("POST", "/api/v1/accounts").json(&body))
    };
    let (status, problem) = make("x".repeat(500), Some(storage.path())).await;
    assert_eq!(status, 400, "{problem}");
    // Without storage of its own it lies in the lake that accounts share, now and after the next start.
    let (status, made) = make("Research".to_owned(), None).await;
    assert_eq!((status, &made["storage"]), (201, &Value::Null), "{made}");
    let again = json!({"name": "second", "storage": storage.path()});
    let (status, made) = answer(server.admin("POST", "/api/v1/accounts").json(&again)).await;
    assert_eq!(status, 201, "{made}");
}

#[tokio::test]
async fn a_key_that_was_pasted_into_a_search_is_not_handed_on_by_the_audit_log() {
    let server = Server::start().await;
    let key = server.keys.service_key.clone();
    for path in [
        format!("/api/v1/events?q={}", encoded(&format!("initiator.name:\"{key}\""))),
        format!("/api/v1/users/{key}"),
        format!("/api/v1/rejects?code={key}"),
    ] {
        answer(server.admin("GET", &path)).await;
    }
    // Nothing is done with words that the log does not show: they would hide who was looked for.
    for (path, body) in [
        ("/api/v1/sql", json!({"sql": format!("SELECT action FROM events WHERE id = '{key}'")})),
        ("/api/v1/keys", json!({"kind": "service", "name": key})),
        ("/api/v1/groups", json!({"name": "x", "description": format!("see {key}")})),
    ] {
        assert_eq!(refused(server.admin("POST", path).json(&body)).await.0, 400, "{path}");
    }
    for path in ["events", "events/count", "export", "me/activity"] {
        let path = format!("/api/v1/{path}?q={}", encoded(&format!("\"{key}\"")));
        assert_eq!(refused(server.admin("GET", &path)).await.0, 400, "{path}");
    }
    let all = serde_json::to_string(&server.told("").await).unwrap();
    assert!(!all.contains(&key), "the key stands in the audit log");
    assert!(all.contains("wsk_…"));
}

#[tokio::test]
async fn ones_own_activity_shows_what_others_tried_in_ones_name() {
    let server = Server::start().await;
    let carol = server.join("carol@example.com", json!([{"role": "member"}])).await;
    server.sign_in_as("carol@example.com", "wrong wrong wrong").await;
    server.sign_in_as("nobody@example.com", "wrong wrong wrong").await;
    let path = format!("/api/v1/me/activity?q={}", encoded("action:===whodid.user.authenticate outcome:failure"));
    let (_, own) = answer(server.with(&carol.cookie, "GET", &path)).await;
    let own = own["events"].as_array().unwrap().clone();
    assert_eq!(own.len(), 1, "{own:?}");
    assert_eq!(own[0]["target"]["id"], json!(carol.id));
}

#[tokio::test]
async fn the_access_review_says_what_each_key_may_in_effect_and_who_is_operator() {
    let server = Server::start().await;
    let dan = server.join("dan@example.com", json!([{"role": "reader"}])).await;
    server.token_of(&dan, json!({"name": "dan's", "permissions": ["audit.read", "space-events.read"]})).await;
    let (_, review) = answer(server.admin("GET", "/api/v1/access-review")).await;
    let key = |name: &str| review["keys"].as_array().unwrap().iter().find(|key| key["name"] == name).unwrap().clone();
    assert_eq!(key("dan's")["permissions"], json!(["space-events.read"]), "a token may what its user may");
    let service = review["keys"].as_array().unwrap().iter().find(|key| key["kind"] == "service").unwrap();
    assert!(service["permissions"].as_array().unwrap().contains(&json!("events.export")));
    let operators: Vec<&Value> =
        review["users"].as_array().unwrap().iter().filter(|user| user["is_operator"] == true).collect();
    assert_eq!(operators.len(), 1);
    let response = server.admin("GET", "/api/v1/access-review?format=csv").send().await.unwrap();
    let text = response.text().await.unwrap();
    assert!(text.lines().next().unwrap().ends_with("operator,sources,streams,expires_at,created_by"), "{text}");
    let output = server.run(&server.keys.admin_token, &["access-review"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("service key") && shown.contains("personal key of dan@example.com"), "{shown}");
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_refused_by_name() {
    let server = Server::start().await;
    assert_eq!(refused(server.admin("GET", "/api/v1/events?stream=audti")).await, (400, "bad_parameter".to_owned()));
    for (kind, streams, expected) in [
        ("service", json!(["activty"]), 400),
        ("service", json!(["audit"]), 400),
        ("ingestion", json!(["audit"]), 400),
        ("service", json!(["activity", "findings"]), 201),
        ("ingestion", json!(["activity"]), 201),
    ] {
        let body = json!({"kind": kind, "name": "x", "scope": {"streams": streams}});
        let (status, answered) = answer(server.admin("POST", "/api/v1/keys").json(&body)).await;
        assert_eq!(status, expected, "{kind} {streams}: {answered}");
    }
}
