//! Who may do what: every route with every kind of key, and keys through their life.

use serde_json::{Value, json};

use crate::boundary::{Server, answer, refused, run};

#[tokio::test]
async fn every_kind_of_key_has_exactly_its_routes() {
    let server = Server::start().await;
    let routes = [
        ("POST", "/api/v1/events", [true, false, true]),
        ("GET", "/api/v1/events", [false, true, true]),
        ("GET", "/api/v1/events/count", [false, true, true]),
        ("GET", "/api/v1/events/histogram", [false, true, true]),
        ("GET", "/api/v1/events/top?field=action", [false, true, true]),
        ("GET", "/api/v1/events/facets?field=action", [false, true, true]),
        ("GET", "/api/v1/events/fields", [false, true, true]),
        ("GET", "/api/v1/events/tail", [false, true, true]),
        ("GET", "/api/v1/events/nothing", [false, true, true]),
        ("GET", "/api/v1/events/nothing/around", [false, true, true]),
        ("GET", "/api/v1/rejects", [false, true, true]),
        ("GET", "/api/v1/rejects/summary", [false, true, true]),
        ("GET", "/api/v1/export", [false, true, true]),
        ("POST", "/api/v1/sql", [false, true, true]),
        ("GET", "/api/v1/query/check?q=a", [false, true, true]),
        ("GET", "/api/v1/keys", [false, false, true]),
        ("POST", "/api/v1/keys", [false, false, true]),
        ("DELETE", "/api/v1/keys/nothing", [false, false, true]),
        ("GET", "/api/v1/me", [false, false, true]),
        ("GET", "/api/v1/status", [false, true, true]),
    ];
    let keys = [&server.keys.ingestion_key, &server.keys.service_key, &server.keys.admin_token];
    for (method, path, allowed) in routes {
        for (key, is_allowed) in keys.into_iter().zip(allowed) {
            let request = server.request(method, path).bearer_auth(key);
            let request =
                if method == "POST" { request.body("{}").header("content-type", "application/json") } else { request };
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            assert_eq!(status != 403, is_allowed, "{method} {path} with {}: {status}", &key[..4]);
            assert_ne!(status, 401, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn another_account_looks_like_one_that_does_not_exist() {
    let server = Server::start().await;
    for key in [&server.keys.service_key, &server.keys.admin_token] {
        for account in ["other", "../etc", "Default"] {
            let path = format!("/api/v1/events?account={account}");
            assert_eq!(refused(server.get(&path).bearer_auth(key)).await, (404, "not_found".to_owned()), "{account}");
        }
        assert_eq!(answer(server.get("/api/v1/events?account=default").bearer_auth(key)).await.0, 200);
    }
}

#[tokio::test]
async fn wrong_keys_are_refused_and_many_of_them_must_wait() {
    let server = Server::start().await;
    let path = "/api/v1/events";
    let response = server.get(path).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["www-authenticate"].to_str().unwrap()),
        (401, "Bearer realm=\"whodid\"")
    );
    let mut wrong = server.keys.service_key.clone();
    let last = if wrong.ends_with('0') { '1' } else { '0' };
    wrong.pop();
    wrong.push(last);
    for tried in 0..9 {
        let key = if tried % 2 == 0 { wrong.as_str() } else { "nonsense" };
        assert_eq!(refused(server.get(path).bearer_auth(key)).await, (401, "invalid_key".to_owned()));
    }
    let waiting = server.get(path).bearer_auth(&wrong).send().await.unwrap();
    assert_eq!(waiting.status(), 429);
    assert!(waiting.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 800);
    // The right key works all the same: nobody can lock its holder out.
    assert_eq!(answer(server.get(path).bearer_auth(&server.keys.service_key)).await.0, 200);
    assert_eq!(refused(server.get(path).header("authorization", "Basic eDp5")).await.0, 401);
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_stops_when_revoked() {
    let server = Server::start().await;
    let admin = |method: &str, path: &str| server.request(method, path).bearer_auth(&server.keys.admin_token);
    let (status, made) =
        answer(admin("POST", "/api/v1/keys").json(&json!({"kind": "service", "name": "reports"}))).await;
    assert_eq!(status, 201);
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("wsk_"));
    assert_eq!(answer(server.get("/api/v1/events").bearer_auth(key)).await.0, 200);
    let (_, listed) = answer(admin("GET", "/api/v1/keys")).await;
    assert!(!listed.to_string().contains(&key[16..]), "{listed}");
    let one = listed["keys"].as_array().unwrap().iter().find(|one| one["id"] == made["id"]).unwrap();
    assert_eq!((&one["name"], &one["revoked_at"]), (&"reports".into(), &Value::Null));
    assert!(one["last_used_at"].is_string());
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    assert_eq!(answer(admin("DELETE", &path)).await.0, 204);
    assert_eq!(refused(server.get("/api/v1/events").bearer_auth(key)).await, (401, "invalid_key".to_owned()));
    assert_eq!(refused(admin("DELETE", "/api/v1/keys/nothing")).await.0, 404);
    for wrong in [
        json!({"kind": "service", "name": ""}),
        json!({"kind": "root", "name": "x"}),
        json!({"kind": "service"}),
        json!({"kind": "service", "name": "x", "more": 1}),
        json!({"kind": "administrator", "name": "x"}),
    ] {
        assert_eq!(refused(admin("POST", "/api/v1/keys").json(&wrong)).await, (400, "bad_json".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn a_key_revoked_on_the_folder_stops_within_a_second() {
    let server = Server::start().await;
    let key = &server.keys.service_key;
    assert_eq!(answer(server.get("/api/v1/events").bearer_auth(key)).await.0, 200);
    let tail = server.get("/api/v1/events/tail").bearer_auth(key).send().await.unwrap();
    let id = &key[4..16];
    let done = run(&["keys", "revoke", id, "--data", server.data().to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(refused(server.get("/api/v1/events").bearer_auth(key)).await.0, 401);
    // A stream that was open ends too.
    let rest = tokio::time::timeout(std::time::Duration::from_secs(20), tail.bytes()).await.unwrap();
    assert!(rest.unwrap().is_empty());
}

#[tokio::test]
async fn operators_make_operators_and_one_always_stays() {
    let server = Server::start().await;
    let eve = server.join("eve@example.com", json!([{"role": "administrator"}])).await;
    let of_eve = format!("/api/v1/users/{}", eve.id);
    let by_eve = server.with(&eve.cookie, "PATCH", &of_eve).json(&json!({"is_operator": true}));
    assert_eq!(refused(by_eve).await.0, 403, "an administrator is no operator");
    assert_eq!(answer(server.admin("PATCH", &of_eve).json(&json!({"is_operator": true}))).await.0, 200);
    let made = server.with(&eve.cookie, "POST", "/api/v1/accounts").json(&json!({"name": "second"}));
    assert_eq!(answer(made).await.0, 201);
    let output = server.run(&server.keys.admin_token, &["users", "update", "eve@example.com", "--operator", "false"]);
    assert!(output.status.success(), "{output:?}");
    let (_, me) = answer(server.admin("GET", "/api/v1/me")).await;
    let own = format!("/api/v1/users/{}", me["user"]["id"].as_str().unwrap());
    assert_eq!(answer(server.admin("PATCH", &own).json(&json!({"is_operator": false}))).await.0, 409);
    let told = server.told("action:===whodid.user.update outcome:success").await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[1]["requestData"]["delta"][1]["path"], "/is_operator");
}

#[tokio::test]
async fn who_uses_a_link_is_told_as_the_one_it_was_made_for_and_their_giver_with_it() {
    let server = Server::start().await;
    let eve = server.join("eve@example.com", json!([{"role": "reader"}])).await;
    for action in ["invitation.accept", "user.create", "role-binding.create"] {
        let told = server.told(&format!("action:===whodid.{action} initiator.id:==={}", eve.id)).await;
        assert_eq!(told.len(), 1, "{action}");
        assert_eq!(told[0]["initiator"]["credential"]["type"], "link", "{action}");
    }
    let accepted = server.told("action:===whodid.invitation.accept").await;
    assert!(accepted[0]["requestData"]["invitedBy"].is_string());
}

#[tokio::test]
async fn what_somebody_gave_on_paper_ends_with_them() {
    let server = Server::start().await;
    let bad = server.join("bad@example.com", json!([{"role": "administrator"}])).await;
    let invite = json!({"name": "alt@example.com", "roles": [{"role": "administrator"}]});
    let (status, made) = answer(server.with(&bad.cookie, "POST", "/api/v1/invitations").json(&invite)).await;
    assert_eq!(status, 201, "{made}");
    let off = server.admin("PATCH", &format!("/api/v1/users/{}", bad.id)).json(&json!({"disabled": true}));
    assert_eq!(answer(off).await.0, 200);
    let token = made["link"].as_str().unwrap().split("token=").nth(1).unwrap();
    let accept = json!({"token": token, "password": crate::person::PASSWORD});
    assert_eq!(refused(server.request("POST", "/api/v1/invitations/accept").json(&accept)).await.0, 401);
    // Their own tries are told as theirs, and answered as a stranger's.
    let (status, problem, _) = server.sign_in_as("bad@example.com", crate::person::PASSWORD).await;
    assert_eq!((status, &problem["code"]), (401, &json!("sign_in_failed")));
    let told = server.told("action:===whodid.user.authenticate outcome:failure").await;
    assert_eq!((&told[0]["target"]["id"], &told[0]["reason"]["policyId"]), (&json!(bad.id), &json!("disabled")));
}

#[tokio::test]
async fn when_somebody_last_looked_is_told_of_the_account_that_they_looked_at() {
    let server = Server::start().await;
    assert_eq!(answer(server.admin("POST", "/api/v1/accounts").json(&json!({"name": "second"}))).await.0, 201);
    let last_read = async |account: &str| {
        let (_, review) = answer(server.admin("GET", &format!("/api/v1/access-review?account={account}"))).await;
        review["users"][0]["last_read_at"].clone()
    };
    assert_eq!((last_read("default").await, last_read("second").await), (Value::Null, Value::Null));
    answer(server.admin("GET", "/api/v1/me/activity")).await;
    assert_eq!(last_read("default").await, Value::Null, "one's own activity is nobody's events");
    let off = json!({"audit_reads": false});
    assert_eq!(answer(server.admin("PATCH", "/api/v1/settings").json(&off)).await.0, 200);
    answer(server.admin("GET", "/api/v1/events/count")).await;
    assert!(last_read("default").await.is_string(), "also where reads are not told");
    assert_eq!(last_read("second").await, Value::Null);
}

/// Each is recorded as of source `cadf`, of no space and with an action of its own, whatever it is about; so limits on
/// events once let findings of hidden events through.
#[tokio::test]
async fn findings_are_seen_whole_or_not_at_all() {
    let server = Server::start().await;
    crate::alerting::raise(&server).await;
    let made = async |scope: Value| {
        let body = json!({"kind": "service", "name": "reports", "scope": scope});
        let (status, made) = answer(server.admin("POST", "/api/v1/keys").json(&body)).await;
        assert_eq!(status, 201, "{made}");
        made["key"].as_str().unwrap().to_owned()
    };
    let analyst = server.join("a@example.com", json!([{"role": "analyst", "query": "-action:kms*"}])).await;
    let administrator = server.join("b@example.com", json!([{"role": "administrator", "spaces": ["dev"]}])).await;
    let limited = [
        made(json!({"sources": ["cadf"]})).await,
        made(json!({"spaces": ["dev"]})).await,
        server.token_of(&analyst, Value::Null).await,
        server.token_of(&administrator, Value::Null).await,
    ];
    let paths = [
        "/api/v1/events?stream=findings",
        "/api/v1/events/count?stream=findings",
        "/api/v1/events/facets?field=action&stream=findings",
        "/api/v1/events/tail?stream=findings",
        "/api/v1/events/findings:0",
        "/api/v1/export?stream=findings",
        "/api/v1/alerts",
    ];
    for key in &limited {
        assert_eq!(answer(server.get("/api/v1/events").bearer_auth(key)).await.0, 200);
        for path in paths {
            let status = answer(server.get(path).bearer_auth(key)).await.0;
            assert!(matches!(status, 403 | 404), "{path}: {status}");
        }
    }
    for whole in [made(json!({})).await, made(json!({"streams": ["findings"]})).await] {
        let found = answer(server.get("/api/v1/events?stream=findings").bearer_auth(&whole)).await;
        assert!(found.1.to_string().contains("key-deleted"), "{found:?}");
    }
}

#[tokio::test]
async fn channels_are_seen_by_who_reads_alerts_or_rules_without_what_is_secret_of_them() {
    let receiver = crate::alerting::Receiver::answering(200).await;
    let server = crate::alerting::server_for(&[&receiver]).await;
    let secret = "T0/B0/very-secret-path";
    let mut hook = crate::alerting::webhook("hook", &receiver);
    hook["receiver"]["url"] = json!(format!("{}/{secret}", receiver.url()));
    hook["receiver"]["body_template"] = json!(r#"{"token": "very-secret-token"}"#);
    let slack = json!({"type": "slack", "url": format!("https://hooks.slack.com/services/{secret}")});
    let mut made = Vec::new();
    for mut channel in [hook, json!({"name": "slack", "receiver": slack})] {
        // Only tests are sent to them.
        channel["is_enabled"] = json!(false);
        let (status, answered) = answer(server.admin("POST", "/api/v1/channels").json(&channel)).await;
        assert_eq!(status, 201, "{answered}");
        made.push(answered["id"].as_str().unwrap().to_owned());
    }
    let log = format!("/api/v1/channels/{}/deliveries", made[0]);
    for _ in 0..3 {
        assert_eq!(answer(server.admin("POST", &format!("/api/v1/channels/{}/test", made[0]))).await.0, 200);
    }
    let reads_rules = json!({"name": "reads-rules", "permissions": ["rules.read"]});
    assert_eq!(answer(server.admin("POST", "/api/v1/roles").json(&reads_rules)).await.0, 201);
    for (role, sees_words) in [("auditor", true), ("analyst", true), ("reads-rules", false)] {
        let person = server.join(&format!("{role}@example.com"), json!([{"role": role}])).await;
        let get = async |path: &str| answer(server.with(&person.cookie, "GET", path)).await;
        let (status, list) = get("/api/v1/channels").await;
        assert_eq!((status, list["channels"].as_array().map(Vec::len)), (200, Some(2)), "{role}: {list}");
        let (status, deliveries) = get(&log).await;
        assert_eq!((status, deliveries["deliveries"].as_array().map(Vec::len)), (200, Some(3)), "{role}: {deliveries}");
        let has_words = deliveries["deliveries"][0]["summary"].as_str().is_some_and(|text| !text.is_empty());
        assert_eq!(has_words, sees_words, "{role}: {deliveries}");
        let all = format!("{list}{deliveries}");
        assert!(!all.contains("very-secret"), "{role}: {all}");
        let change = server.with(&person.cookie, "DELETE", &format!("/api/v1/channels/{}", made[0]));
        assert_eq!(refused(change).await, (403, "forbidden".to_owned()), "{role}");
    }
    let reader = server.join("reader@example.com", json!([{"role": "reader"}])).await;
    for path in ["/api/v1/channels", &log] {
        assert_eq!(refused(server.with(&reader.cookie, "GET", path)).await, (403, "forbidden".to_owned()), "{path}");
    }

    // Its log, page by page.
    let page = async |query: &str| answer(server.admin("GET", &format!("{log}?{query}"))).await;
    let (_, whole) = page("limit=3").await;
    assert_eq!(whole["next_cursor"], Value::Null, "{whole}");
    let (_, first) = page("limit=2").await;
    let (_, second) = page(&format!("limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!(second["next_cursor"], Value::Null, "{second}");
    let pages: Vec<&Value> =
        [&first, &second].into_iter().flat_map(|page| page["deliveries"].as_array().unwrap()).collect();
    assert_eq!(pages, whole["deliveries"].as_array().unwrap().iter().collect::<Vec<_>>());
    assert_eq!(refused(server.admin("GET", &format!("{log}?cursor=x"))).await, (400, "bad_cursor".to_owned()));
}
