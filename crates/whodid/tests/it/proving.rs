//! Proving who one is: passwords, second factors, links, and what guesses get.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::boundary::{Server, answer, refused};
use crate::person::{PASSWORD, code_of, cookie_of};

async fn reader(server: &Server, name: &str) -> crate::person::Person {
    server.join(name, json!([{"role": "reader"}])).await
}

#[tokio::test]
async fn an_invitation_lets_somebody_in_once_with_a_password_of_their_own() {
    let server = Server::start().await;
    let token = server.invite("default", "eve@example.com", json!([{"role": "reader"}])).await;
    let look = server.request("POST", "/api/v1/links/look").json(&json!({"token": token}));
    let (status, info) = answer(look).await;
    assert_eq!((status, &info["kind"], &info["account"]), (200, &json!("invitation"), &json!("default")));
    assert_eq!((&info["user"], &info["has_identity"]), (&json!("eve@example.com"), &json!(false)));
    let accept = |password: &str| {
        server.request("POST", "/api/v1/invitations/accept").json(&json!({"token": token, "password": password}))
    };
    for (weak, why) in [
        ("short", "too short"),
        ("passwordpassword", "common"),
        ("eve@example.com", "the own name"),
        ("whodidwhodid", "the product's name"),
        ("aaaaaaaaaaaaaaaa", "one letter"),
    ] {
        assert_eq!(refused(accept(weak)).await, (400, "weak_password".to_owned()), "{why}");
    }
    assert_eq!(answer(accept(PASSWORD)).await.0, 201);
    assert_eq!(refused(accept(PASSWORD)).await, (401, "link_expired".to_owned()));
    assert_eq!(server.sign_in_as("Eve@Example.com", PASSWORD).await.0, 201);
    assert_eq!(server.sign_in_as("eve@example.com", "violet kettle seventeen").await.0, 401);
}

#[tokio::test]
async fn long_passwords_of_any_characters_are_taken_whole() {
    let server = Server::start().await;
    for (name, password) in [
        ("a@example.com", "ein ganz schön langes Паролче 密码 für 🦊 und mich".to_owned()),
        ("b@example.com", "tessellate ".repeat(40)),
    ] {
        let token = server.invite("default", name, json!([])).await;
        let accept = json!({"token": token, "password": password});
        assert_eq!(answer(server.request("POST", "/api/v1/invitations/accept").json(&accept)).await.0, 201, "{name}");
        assert_eq!(server.sign_in_as(name, &password).await.0, 201, "{name}");
        // Nothing is cut off.
        let cut: String = password.chars().take(password.chars().count() - 1).collect();
        assert_eq!(server.sign_in_as(name, &cut).await.0, 401, "{name}");
    }
}

/// Seen to fail without the lockout: the last try then answered 401 like all before it.
#[tokio::test]
async fn guessing_a_password_is_slowed_down_then_suspended_whether_or_not_there_is_such_a_user() {
    let server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    let mut answers = Vec::new();
    for name in ["bob@example.com", "nobody@example.com"] {
        let mut told = Vec::new();
        for _ in 0..4 {
            let body = json!({"user": name, "password": "not the one at all"});
            let response = server.request("POST", "/api/v1/sessions").json(&body).send().await.unwrap();
            let status = response.status().as_u16();
            let waits = response.headers().contains_key("retry-after");
            told.push((status, waits, response.text().await.unwrap()));
        }
        answers.push(told);
    }
    assert_eq!(answers[0], answers[1], "a name that exists must not be told from one that does not");
    assert_eq!(answers[0][3].0, 429);
    // The right password has to wait as well; a link and a running session do not.
    assert_eq!(server.sign_in_as("bob@example.com", PASSWORD).await.0, 429);
    assert_eq!(answer(server.with(&bob.cookie, "GET", "/api/v1/me")).await.0, 200);
    let unlock = server.admin("POST", &format!("/api/v1/users/{}/unlock", bob.id));
    assert_eq!(answer(unlock).await.0, 204);
    assert_eq!(server.sign_in_as("bob@example.com", PASSWORD).await.0, 201);
}

#[tokio::test]
async fn a_wrong_name_costs_as_much_time_as_a_wrong_password() {
    let server = Server::start().await;
    reader(&server, "bob@example.com").await;
    // Two tries each, before any delay begins; the quicker one counts, which other work on the machine cannot shorten.
    let mut quickest = [Duration::MAX; 2];
    for (at, name) in ["bob@example.com", "nobody@example.com"].into_iter().enumerate() {
        for _ in 0..2 {
            let begun = Instant::now();
            assert_eq!(server.sign_in_as(name, "not the one at all").await.0, 401);
            quickest[at] = quickest[at].min(begun.elapsed());
        }
    }
    let (known, unknown) = (quickest[0].as_secs_f64(), quickest[1].as_secs_f64());
    // Without the hash of nobody's password the second would be many times quicker.
    assert!(unknown > known / 3.0 && known > unknown / 3.0, "{quickest:?}");
}

#[tokio::test]
async fn one_address_cannot_try_one_password_on_everybody() {
    let server = Server::start().await;
    let mut statuses = Vec::new();
    for number in 0..24 {
        statuses.push(server.sign_in_as(&format!("user{number}@example.com"), "Winter2026!winter").await.0);
    }
    assert_eq!(statuses[0], 401);
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_each_code_counts_once() {
    let server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    let (status, set_up) = answer(server.with(&bob.cookie, "POST", "/api/v1/me/totp").json(&json!({}))).await;
    assert_eq!(status, 201, "{set_up}");
    let secret = set_up["secret"].as_str().unwrap().to_owned();
    assert!(set_up["uri"].as_str().unwrap().starts_with("otpauth://totp/"), "{set_up}");
    let confirm =
        |code: String| server.with(&bob.cookie, "POST", "/api/v1/me/totp/confirm").json(&json!({"code": code}));
    assert_eq!(refused(confirm("000000".to_owned())).await, (401, "code_wrong".to_owned()));
    let used = code_of(&secret, 0);
    let confirmed = confirm(used.clone()).send().await.unwrap();
    assert_eq!(confirmed.status(), 200);
    // The session goes on under another cookie: one that was planted before is worth nothing.
    let renewed = cookie_of(&confirmed);
    let codes: Value = confirmed.json().await.unwrap();
    let recovery = codes["codes"][0].as_str().unwrap().to_owned();
    assert_eq!(codes["codes"].as_array().unwrap().len(), 10);
    assert_ne!(renewed, bob.cookie);
    assert_eq!(refused(server.with(&bob.cookie, "GET", "/api/v1/me")).await.0, 401);
    assert_eq!(answer(server.with(&renewed, "GET", "/api/v1/me")).await.0, 200);

    let challenge = async || {
        let (status, challenge, _) = server.sign_in_as("bob@example.com", PASSWORD).await;
        assert_eq!(status, 202, "{challenge}");
        challenge["challenge"].as_str().unwrap().to_owned()
    };
    let second = |challenge: &str, code: &str| {
        server.request("POST", "/api/v1/sessions").json(&json!({"challenge": challenge, "code": code}))
    };
    let token = challenge().await;
    assert_eq!(refused(second(&token, &used)).await, (401, "code_wrong".to_owned()), "a code counts once");
    assert_eq!(answer(second(&token, &code_of(&secret, 1))).await.0, 201);
    assert_eq!(refused(second(&token, &code_of(&secret, 1))).await.0, 401, "a challenge is answered once");
    // A recovery code in its place, once, however it is typed.
    let typed = recovery.to_uppercase().replace('-', " ");
    assert_eq!(answer(second(&challenge().await, &typed)).await.0, 201);
    assert_eq!(refused(second(&challenge().await, &recovery)).await.0, 401);
    let (_, me) = answer(server.with(&renewed, "GET", "/api/v1/me")).await;
    assert_eq!((&me["has_mfa"], &me["recovery_codes_left"]), (&json!(true), &json!(9)));
    // The one-time link of an administrator asks for it too.
}

#[tokio::test]
async fn an_account_can_ask_everybody_for_a_second_factor() {
    let server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    let set = server.admin("PATCH", "/api/v1/settings").json(&json!({"mfa_required": true}));
    assert_eq!(answer(set).await.0, 200);
    let (status, signed_in, cookie) = server.sign_in_as("bob@example.com", PASSWORD).await;
    assert_eq!((status, &signed_in["needs"]), (201, &json!(["set_up_mfa"])));
    for (method, path) in [("GET", "/api/v1/events"), ("GET", "/api/v1/me/activity"), ("POST", "/api/v1/me/tokens")] {
        let request = server.with(&cookie, method, path);
        let request = if method == "POST" { request.json(&json!({"name": "x"})) } else { request };
        assert_eq!(refused(request).await, (403, "sign_in_incomplete".to_owned()), "{path}");
    }
    let (_, set_up) = answer(server.with(&cookie, "POST", "/api/v1/me/totp").json(&json!({}))).await;
    let code = code_of(set_up["secret"].as_str().unwrap(), 0);
    let confirm = server.with(&cookie, "POST", "/api/v1/me/totp/confirm").json(&json!({"code": code}));
    let confirmed = confirm.send().await.unwrap();
    assert_eq!(confirmed.status(), 200);
    assert_eq!(answer(server.with(&cookie_of(&confirmed), "GET", "/api/v1/events")).await.0, 200);
    assert_eq!(refused(server.with(&cookie_of(&confirmed), "DELETE", "/api/v1/me/totp")).await.0, 409);
    drop(bob);
}

/// Seen to fail without the new cookie at each sign-in: the planted one then opened the session.
#[tokio::test]
async fn a_cookie_that_was_planted_before_signing_in_opens_nothing() {
    let server = Server::start().await;
    reader(&server, "bob@example.com").await;
    let planted = "whodid_session=planted0000000000000000000000000000000000000000planted";
    let body = json!({"user": "bob@example.com", "password": PASSWORD});
    let response =
        server.request("POST", "/api/v1/sessions").header("cookie", planted).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_ne!(cookie_of(&response), planted);
    assert_eq!(refused(server.with(planted, "GET", "/api/v1/me")).await.0, 401);
}

#[tokio::test]
async fn a_password_change_ends_every_other_session_and_needs_the_old_one() {
    let server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    let (_, _, other) = server.sign_in_as("bob@example.com", PASSWORD).await;
    let change = |body: Value| server.with(&bob.cookie, "POST", "/api/v1/me/password").json(&body);
    let new = "amber lantern forty meadows";
    assert_eq!(
        refused(change(json!({"current": "wrong wrong", "new": new}))).await,
        (401, "sign_in_failed".to_owned())
    );
    assert_eq!(refused(change(json!({"new": new}))).await.0, 400);
    assert_eq!(refused(change(json!({"current": PASSWORD, "new": "passwordpassword"}))).await.1, "weak_password");
    let changed = change(json!({"current": PASSWORD, "new": new})).send().await.unwrap();
    assert_eq!(changed.status(), 204);
    let renewed = cookie_of(&changed);
    assert_eq!(refused(server.with(&other, "GET", "/api/v1/me")).await.0, 401);
    assert_eq!(refused(server.with(&bob.cookie, "GET", "/api/v1/me")).await.0, 401);
    assert_eq!(answer(server.with(&renewed, "GET", "/api/v1/me")).await.0, 200);
    assert_eq!(server.sign_in_as("bob@example.com", PASSWORD).await.0, 401);
    assert_eq!(server.sign_in_as("bob@example.com", new).await.0, 201);
}

#[tokio::test]
async fn a_reset_link_sets_a_password_once_and_ends_every_session() {
    let server = Server::start().await;
    let bob = reader(&server, "bob@example.com").await;
    // Anybody may ask, and learns nothing; the administrators see it.
    for name in ["bob@example.com", "nobody@example.com"] {
        let ask = server.request("POST", "/api/v1/password-resets").json(&json!({"user": name}));
        assert_eq!(answer(ask).await, (202, Value::Null), "{name}");
    }
    let path = format!("/api/v1/users/{}", bob.id);
    assert!(answer(server.admin("GET", &path)).await.1["reset_requested_at"].is_string());
    let (status, made) = answer(server.admin("POST", &format!("{path}/password-reset"))).await;
    assert_eq!(status, 201, "{made}");
    let token = made["link"].as_str().unwrap().split("/reset?token=").nth(1).unwrap();
    let commit = |password: &str| {
        server.request("POST", "/api/v1/password-resets/commit").json(&json!({"token": token, "password": password}))
    };
    let new = "amber lantern forty meadows";
    assert_eq!(refused(commit("short")).await.1, "weak_password");
    assert_eq!(answer(commit(new)).await.0, 204);
    assert_eq!(refused(commit(new)).await, (401, "link_used".to_owned()));
    assert_eq!(refused(server.with(&bob.cookie, "GET", "/api/v1/me")).await.0, 401);
    assert_eq!(server.sign_in_as("bob@example.com", new).await.0, 201);
    assert!(answer(server.admin("GET", &path)).await.1["reset_requested_at"].is_null());
}

#[tokio::test]
async fn who_is_disabled_or_removed_is_out_at_once() {
    let server = Server::start().await;
    for (name, change) in [("bob@example.com", "disable"), ("eve@example.com", "remove")] {
        let person = reader(&server, name).await;
        let token = server.token_of(&person, Value::Null).await;
        assert_eq!(answer(server.get("/api/v1/me").bearer_auth(&token)).await.0, 200);
        let path = format!("/api/v1/users/{}", person.id);
        let request = match change {
            "disable" => server.admin("PATCH", &path).json(&json!({"disabled": true})),
            _ => server.admin("DELETE", &path),
        };
        assert!(matches!(answer(request).await.0, 200 | 204), "{change}");
        assert_eq!(refused(server.with(&person.cookie, "GET", "/api/v1/me")).await.0, 401, "{change}");
        assert_eq!(refused(server.get("/api/v1/me").bearer_auth(&token)).await.0, 401, "{change}");
    }
    assert_eq!(server.sign_in_as("bob@example.com", PASSWORD).await.0, 401);
}

#[tokio::test]
async fn changes_that_matter_need_a_recent_sign_in() {
    let server = Server::start().await;
    let admin = server.join("root@example.com", json!([{"role": "administrator"}])).await;
    let (_, me) = answer(server.with(&admin.cookie, "GET", "/api/v1/me")).await;
    assert!(me["session"]["fresh_until"].is_string(), "{me}");
    let again = |body: Value| server.with(&admin.cookie, "POST", "/api/v1/me/reauthenticate").json(&body);
    assert_eq!(refused(again(json!({"password": "wrong wrong wrong"}))).await, (401, "sign_in_failed".to_owned()));
    assert_eq!(refused(again(json!({}))).await.0, 400);
    let done = again(json!({"password": PASSWORD})).send().await.unwrap();
    assert_eq!(done.status(), 204);
    assert_eq!(answer(server.with(&cookie_of(&done), "GET", "/api/v1/me")).await.0, 200);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let server = Server::start().await;
    let (_, users) = answer(server.admin("GET", "/api/v1/users")).await;
    let id = users["users"][0]["id"].as_str().unwrap().to_owned();
    let binding = users["users"][0]["roles"][0]["binding"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/users/{id}");
    for request in [
        server.admin("PATCH", &path).json(&json!({"disabled": true})),
        server.admin("DELETE", &path),
        server.admin("DELETE", &format!("/api/v1/bindings/{binding}")),
    ] {
        assert_eq!(refused(request).await, (409, "last_administrator".to_owned()));
    }
}

#[tokio::test]
async fn nobody_gives_or_takes_over_what_they_do_not_have() {
    let server = Server::start().await;
    let helper =
        json!({"name": "helper", "permissions": ["users.read", "users.manage", "roles.manage", "own-activity.read"]});
    assert_eq!(answer(server.admin("POST", "/api/v1/roles").json(&helper)).await.0, 201);
    let person = server.join("helper@example.com", json!([{"role": "helper"}])).await;
    let with = |method: &str, path: &str| server.with(&person.cookie, method, path);
    let (_, users) = answer(server.admin("GET", "/api/v1/users")).await;
    let admin = users["users"].as_array().unwrap().iter().find(|user| user["is_operator"] == true).unwrap();
    let admin = admin["id"].as_str().unwrap();
    for (method, path, body) in [
        ("POST", "/api/v1/bindings".to_owned(), json!({"user": person.id, "role": "administrator"})),
        ("POST", "/api/v1/roles".to_owned(), json!({"name": "more", "permissions": ["keys.manage"]})),
        ("PATCH", "/api/v1/roles/helper".to_owned(), json!({"permissions": ["keys.manage"]})),
        ("POST", "/api/v1/invitations".to_owned(), json!({"name": "x@example.com", "roles": [{"role": "auditor"}]})),
        ("POST", format!("/api/v1/users/{admin}/password-reset"), Value::Null),
        ("DELETE", format!("/api/v1/users/{admin}/totp"), Value::Null),
        ("PATCH", format!("/api/v1/users/{admin}"), json!({"also_known_as": ["me"]})),
        // The name decides whose deeds its user sees, and the inviter has the link.
        ("POST", "/api/v1/invitations".to_owned(), json!({"name": "IBMid-550001234"})),
        ("DELETE", format!("/api/v1/users/{admin}"), Value::Null),
    ] {
        let request = with(method, &path);
        let request = if body.is_null() { request } else { request.json(&body) };
        assert_eq!(refused(request).await, (403, "forbidden".to_owned()), "{method} {path}");
    }
}
