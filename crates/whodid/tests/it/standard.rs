//! What `docs/reference/asvs.md` promises and no other test shows: OWASP ASVS 5.0, chapters 6 and 7.

use serde_json::{Value, json};

use crate::boundary::{Server, answer, refused};
use crate::person::{PASSWORD, Person, code_of, cookie_of};

async fn reader(server: &Server, name: &str) -> Person {
    server.join(name, json!([{"role": "reader"}])).await
}

impl Server {
    /// Lets time pass for every session: its last full sign-in and its last use were so many minutes earlier.
    async fn sessions_were_minutes_ago(&mut self, minutes: i64) {
        self.kill();
        let file = sqlx::sqlite::SqliteConnectOptions::new().filename(self.data().join("meta.sqlite"));
        let meta = sqlx::SqlitePool::connect_with(file).await.unwrap();
        let earlier = minutes * 60 * 1_000_000;
        let set = "UPDATE sessions SET fresh_at = fresh_at - $1, last_seen_at = last_seen_at - $1";
        assert!(sqlx::query(set).bind(earlier).execute(&meta).await.unwrap().rows_affected() > 0);
        meta.close().await;
        self.restart().await;
    }

    /// Sets up a second factor. Returns its secret, the recovery codes and the renewed cookie.
    async fn with_second_factor(&self, cookie: &str) -> (String, Vec<String>, String) {
        let (status, set_up) = answer(self.with(cookie, "POST", "/api/v1/me/totp").json(&json!({}))).await;
        assert_eq!(status, 201, "{set_up}");
        let secret = set_up["secret"].as_str().unwrap().to_owned();
        let code = json!({"code": code_of(&secret, 0)});
        let confirmed = self.with(cookie, "POST", "/api/v1/me/totp/confirm").json(&code).send().await.unwrap();
        assert_eq!(confirmed.status(), 200);
        let cookie = cookie_of(&confirmed);
        let codes: Value = confirmed.json().await.unwrap();
        let codes = codes["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        (secret, codes, cookie)
    }
}

/// Statuses of many tries at once, each with a name of its own choice.
async fn burst(server: &Server, tries: usize, name: impl Fn(usize) -> String) -> Vec<u16> {
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..tries {
        let body = json!({"user": name(number), "password": "not the one at all"});
        let request = server.request("POST", "/api/v1/sessions").json(&body);
        waiting.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    waiting.join_all().await
}

/// Seen to fail without one turn at a time: all forty were then compared before the first was counted.
#[tokio::test]
async fn a_burst_of_wrong_passwords_is_compared_ten_times_at_most() {
    let server = Server::start().await;
    reader(&server, "bob@example.com").await;
    let statuses = burst(&server, 40, |_| "bob@example.com".to_owned()).await;
    let compared = statuses.iter().filter(|status| **status == 401).count();
    assert!((1..=10).contains(&compared), "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 401 | 429 | 503)), "{statuses:?}");
}

#[tokio::test]
async fn a_burst_over_many_names_is_compared_twenty_times_at_most() {
    let server = Server::start().await;
    let statuses = burst(&server, 60, |number| format!("user{number}@example.com")).await;
    let compared = statuses.iter().filter(|status| **status == 401).count();
    assert!((1..=20).contains(&compared), "{statuses:?}");
}

#[tokio::test]
async fn a_reset_leaves_the_second_factor_in_place() {
    let server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    server.with_second_factor(&bob.cookie).await;
    let reset = format!("/api/v1/users/{}/password-reset", bob.id);
    let (status, made) = answer(server.admin("POST", &reset)).await;
    assert_eq!(status, 201, "{made}");
    let token = made["link"].as_str().unwrap().split("token=").nth(1).unwrap();
    let new = "amber lantern forty meadows";
    let commit = json!({"token": token, "password": new});
    assert_eq!(answer(server.request("POST", "/api/v1/password-resets/commit").json(&commit)).await.0, 204);
    let (status, challenge, _) = server.sign_in_as("bob@example.com", new).await;
    assert_eq!(status, 202, "{challenge}");
}

#[tokio::test]
async fn signing_in_again_ends_the_session_whose_cookie_came_along() {
    let server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    let body = json!({"user": "bob@example.com", "password": PASSWORD});
    let again = server.with(&bob.cookie, "POST", "/api/v1/sessions").json(&body).send().await.unwrap();
    assert_eq!(again.status(), 201);
    assert_eq!(refused(server.with(&bob.cookie, "GET", "/api/v1/me")).await, (401, "session_ended".to_owned()));
    assert_eq!(answer(server.with(&cookie_of(&again), "GET", "/api/v1/me")).await.0, 200);
}

#[tokio::test]
async fn setting_up_a_second_factor_ends_the_other_sessions() {
    let server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    let (_, _, other) = server.sign_in_as("bob@example.com", PASSWORD).await;
    let (_, _, renewed) = server.with_second_factor(&bob.cookie).await;
    assert_eq!(refused(server.with(&other, "GET", "/api/v1/me")).await, (401, "session_ended".to_owned()));
    assert_eq!(answer(server.with(&renewed, "GET", "/api/v1/me")).await.0, 200);
}

#[tokio::test]
async fn what_an_open_page_asks_by_itself_is_no_use_of_its_session() {
    let mut server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    server.sessions_were_minutes_ago(5).await;
    let idle_until = async |server: &Server, by_itself: bool| {
        let request = server.with(&bob.cookie, "GET", "/api/v1/me");
        let request = if by_itself { request.header("x-whodid-background", "1") } else { request };
        let (status, me) = answer(request).await;
        assert_eq!(status, 200, "{me}");
        me["session"]["idle_until"].as_str().unwrap().to_owned()
    };
    let before = idle_until(&server, true).await;
    assert_eq!(idle_until(&server, true).await, before, "looking at the page by itself keeps nobody signed in");
    assert!(idle_until(&server, false).await > before, "what a person asks does");
    // A change is always a person's, whatever it says of itself.
    server.sessions_were_minutes_ago(5).await;
    let before = idle_until(&server, true).await;
    let change = server.with(&bob.cookie, "POST", "/api/v1/me/reauthenticate").header("x-whodid-background", "1");
    assert_eq!(refused(change.json(&json!({}))).await.0, 400);
    assert!(idle_until(&server, true).await > before);
}

#[tokio::test]
async fn changes_that_matter_ask_for_the_password_after_ten_minutes() {
    let mut server = Server::start().await;
    let root = server.join("root@example.com", json!([{"role": "administrator"}])).await;
    server.sessions_were_minutes_ago(11).await;
    for (method, path, body) in [
        ("POST", "/api/v1/me/totp", json!({})),
        ("POST", "/api/v1/me/tokens", json!({"name": "more"})),
        ("POST", "/api/v1/invitations", json!({"name": "eve@example.com", "roles": [{"role": "reader"}]})),
        ("PATCH", "/api/v1/settings", json!({"mfa_required": true})),
        ("POST", "/api/v1/keys", json!({"kind": "service", "name": "more"})),
        ("POST", "/api/v1/groups", json!({"name": "more"})),
        ("PATCH", "/api/v1/groups/5k2m9qtx1c8d", json!({"add": [root.id]})),
        ("DELETE", "/api/v1/bindings/5k2m9qtx1c8d", json!({})),
        ("POST", "/api/v1/me/totp/confirm", json!({"code": "000000"})),
        ("DELETE", "/api/v1/me/sessions", json!({})),
        ("DELETE", "/api/v1/me/sessions/5k2m9qtx1c8d", json!({})),
    ] {
        let request = server.with(&root.cookie, method, path).json(&body);
        assert_eq!(refused(request).await, (403, "stale_session".to_owned()), "{method} {path}");
    }
    let again = server.with(&root.cookie, "POST", "/api/v1/me/reauthenticate").json(&json!({"password": PASSWORD}));
    let cookie = cookie_of(&again.send().await.unwrap());
    let request = server.with(&cookie, "POST", "/api/v1/me/tokens").json(&json!({"name": "more"}));
    assert_eq!(answer(request).await.0, 201);
}

/// Seen to fail without the look at the suspension before a code is compared: codes of fresh challenges went on being
/// looked at.
#[tokio::test]
async fn wrong_codes_over_many_challenges_suspend_the_name() {
    let server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    let (secret, ..) = server.with_second_factor(&bob.cookie).await;
    let mut challenges = Vec::new();
    for _ in 0..4 {
        let (status, challenge, _) = server.sign_in_as("bob@example.com", PASSWORD).await;
        assert_eq!(status, 202, "{challenge}");
        challenges.push(challenge["challenge"].as_str().unwrap().to_owned());
    }
    let answer_with = |challenge: &str, code: &str| {
        refused(server.request("POST", "/api/v1/sessions").json(&json!({"challenge": challenge, "code": code})))
    };
    let mut statuses = Vec::new();
    for challenge in &challenges[..3] {
        for _ in 0..4 {
            statuses.push(answer_with(challenge, "000000").await.0);
        }
    }
    assert_eq!(statuses, [&[401; 10][..], &[429; 2]].concat());
    // Even the right code, of a challenge that had no wrong one, waits now.
    assert_eq!(answer_with(&challenges[3], &code_of(&secret, 1)).await, (429, "too_many_tries".to_owned()));
    assert_eq!(answer(server.admin("POST", &format!("/api/v1/users/{}/unlock", bob.id))).await.0, 204);
    let right = json!({"challenge": challenges[3], "code": code_of(&secret, 1)});
    assert_eq!(answer(server.request("POST", "/api/v1/sessions").json(&right)).await.0, 201);
}

/// Of what needs no recent sign-in: it only takes away what others could do, or is a way out.
const ALWAYS: [&str; 3] =
    ["DELETE /api/v1/keys/{id}", "DELETE /api/v1/users/{id}/sessions", "DELETE /api/v1/sessions/{id}"];

#[tokio::test]
async fn every_route_that_manages_asks_for_a_recent_sign_in_but_those_that_only_stop_something() {
    let mut server = Server::start().await;
    let root = server.join("root@example.com", json!([{"role": "administrator"}])).await;
    server.sessions_were_minutes_ago(11).await;
    let list = std::fs::read_to_string("../../corpus/access/routes.tsv").unwrap();
    let mut asked = 0;
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split('\t').collect();
        let (method, path, rule, tell) = (parts[0], parts[1], parts[2], parts[3]);
        if !rule.ends_with(".manage") || !tell.starts_with("does ") || ALWAYS.contains(&&*format!("{method} {path}")) {
            continue;
        }
        let path = path.replace("{account}", "default").replace("{id}", &root.id).replace("{name}", "nothing");
        let request = server.with(&root.cookie, method, &path);
        let request = if method == "DELETE" { request } else { request.json(&json!({})) };
        assert_eq!(refused(request).await, (403, "stale_session".to_owned()), "{method} {path}");
        asked += 1;
    }
    assert!(asked >= 15, "{asked}");
}

/// Seen to fail without the look at the second factor: the password alone then made the session fresh, and the factor
/// could be removed.
#[tokio::test]
async fn a_new_password_does_not_stand_for_the_second_factor() {
    let mut server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    let (_, _, cookie) = server.with_second_factor(&bob.cookie).await;
    server.sessions_were_minutes_ago(11).await;
    let change = json!({"current": PASSWORD, "new": "amber lantern forty meadows"});
    let changed = server.with(&cookie, "POST", "/api/v1/me/password").json(&change).send().await.unwrap();
    assert_eq!(changed.status(), 204);
    let remove = server.with(&cookie_of(&changed), "DELETE", "/api/v1/me/totp");
    assert_eq!(refused(remove).await, (403, "stale_session".to_owned()));
}

#[tokio::test]
async fn a_token_that_was_limited_ends_nothing_of_its_users_but_itself() {
    let server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    let whole = server.token_of(&bob, Value::Null).await;
    let limited = server.token_of(&bob, json!({"permissions": ["space-events.read"]})).await;
    let with = |token: &str, method: &str, path: &str| server.request(method, path).bearer_auth(token);
    let (_, tokens) = answer(server.with(&bob.cookie, "GET", "/api/v1/me/tokens")).await;
    let id_of = |is_limited: bool| {
        let list = tokens["keys"].as_array().unwrap();
        let token = list.iter().find(|key| key["permissions"].is_array() == is_limited).unwrap();
        token["id"].as_str().unwrap().to_owned()
    };
    let other = format!("/api/v1/me/tokens/{}", id_of(false));
    let own = format!("/api/v1/me/tokens/{}", id_of(true));
    for method in ["GET", "DELETE"] {
        let refused = refused(with(&limited, method, "/api/v1/me/sessions")).await;
        assert_eq!(refused, (403, "forbidden".to_owned()), "{method}");
    }
    assert_eq!(refused(with(&limited, "DELETE", &other)).await, (404, "not_found".to_owned()));
    assert_eq!(answer(with(&whole, "GET", "/api/v1/me/sessions")).await.0, 200);
    assert_eq!(answer(with(&limited, "DELETE", &own)).await.0, 204);
    assert_eq!(refused(with(&limited, "GET", "/api/v1/me")).await, (401, "invalid_key".to_owned()));
}

/// Every Rust source below a folder, as one text.
fn sources(folder: &std::path::Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            all.push_str(&sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
    all
}

#[test]
fn every_test_that_the_table_of_the_standard_names_is_there() {
    let table = std::fs::read_to_string("../../docs/reference/asvs.md").unwrap();
    let all = sources(std::path::Path::new(".."));
    // Names of tests are sentences: four words and more.
    let is_test = |text: &&str| {
        text.matches('_').count() >= 3
            && text.chars().all(|character| character.is_ascii_lowercase() || character == '_')
    };
    let named: std::collections::BTreeSet<&str> = table.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() > 40, "{}", named.len());
    let missing: Vec<&str> = named.into_iter().filter(|name| !all.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
