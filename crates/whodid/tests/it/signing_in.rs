//! Links, sessions, cookies, and requests from other sites.

use serde_json::json;

use crate::boundary::{Server, answer, event, refused};

#[tokio::test]
async fn a_link_signs_in_once_and_a_look_at_it_does_not_count() {
    let server = Server::start().await;
    let path = format!("/sign-in?token={}", server.keys.link_token());
    // A preview, a scanner of mail and a browser before its script ran get the page and use nothing up.
    for (method, name, value) in [
        ("HEAD", "accept", "*/*"),
        ("GET", "sec-purpose", "prefetch;prerender"),
        ("GET", "sec-fetch-dest", "document"),
        ("GET", "sec-fetch-dest", "image"),
        ("GET", "accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ("GET", "user-agent", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
    ] {
        let look = server.request(method, &path).header(name, value).send().await.unwrap();
        assert_eq!(look.status(), 200, "{name}: {value}");
        assert!(!look.headers().contains_key("set-cookie"), "{name}: {value}");
        assert!(look.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "{name}: {value}");
    }
    // A program that follows the printed link is signed in by it.
    let response = server.get(&path).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["location"].to_str().unwrap()), (303, "/"));
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    for attribute in ["whodid_session=", "; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=604"] {
        assert!(cookie.contains(attribute), "{attribute} is missing in {cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let (status, me) = answer(server.get("/api/v1/me").header("cookie", pair)).await;
    assert_eq!((status, &me["user"]["role"], &me["account"]), (200, &"administrator".into(), &"default".into()));
    let again = server.get(&path).send().await.unwrap();
    assert_eq!(again.headers()["location"], "/sign-in?error=used");
    let wrong = server.get("/sign-in?token=wrong").send().await.unwrap();
    assert_eq!(wrong.headers()["location"], "/sign-in?error=expired");
    assert!(!wrong.headers().contains_key("set-cookie"));
    assert_eq!(server.get("/sign-in?error=used&next=%2Fkeys").send().await.unwrap().status(), 200);
    assert_eq!(refused(server.get("/sign-in?tokn=x")).await, (400, "unknown_parameter".to_owned()));
}

#[tokio::test]
async fn signing_out_ends_the_session_everywhere() {
    let server = Server::start().await;
    let cookie = server.sign_in().await;
    let same = |method: &str, path: &str| {
        server.request(method, path).header("cookie", &cookie).header("sec-fetch-site", "same-origin")
    };
    assert_eq!(answer(same("GET", "/api/v1/events")).await.0, 200);
    let out = same("DELETE", "/api/v1/sessions/current").send().await.unwrap();
    assert_eq!(out.status(), 204);
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(refused(same("GET", "/api/v1/me")).await, (401, "session_ended".to_owned()));
    assert_eq!(refused(server.get("/api/v1/me").header("cookie", "whodid_session=guess")).await.0, 401);
}

#[tokio::test]
async fn a_session_outlives_the_server() {
    let mut server = Server::start().await;
    let cookie = server.sign_in().await;
    server.restart().await;
    assert_eq!(answer(server.get("/api/v1/me").header("cookie", &cookie)).await.0, 200);
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_the_host_and_the_channel() {
    let server = Server::start_with(&[("WHODID_PUBLIC_URL", "https://whodid.example.com")]).await;
    let body = json!({"token": server.keys.link_token()});
    let response = server.request("POST", "/api/v1/sessions").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-whodid_session=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(response.headers()["strict-transport-security"].to_str().unwrap().starts_with("max-age=63072000"));
}

#[tokio::test]
async fn other_sites_can_neither_write_nor_sign_in() {
    let server = Server::start().await;
    let cookie = server.sign_in().await;
    let post = || {
        let request = server.request("POST", "/api/v1/keys").header("cookie", &cookie);
        request.json(&json!({"kind": "service", "name": "theirs"}))
    };
    let own = server.url.clone();
    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "https://evil.example.net"),
        ("origin", "null"),
        ("x-nothing", "said"),
    ] {
        assert_eq!(refused(post().header(header, value)).await, (403, "cross_origin".to_owned()), "{header}: {value}");
    }
    assert_eq!(answer(post().header("origin", &own)).await.0, 201);
    assert_eq!(answer(post().header("sec-fetch-site", "same-origin")).await.0, 201);
    // What a plain form can send is refused even from our own pages.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let form = server.request("POST", "/api/v1/events").header("cookie", &cookie).header("origin", &own);
        let form = form.header("content-type", kind).body("{}");
        assert_eq!(refused(form).await, (415, "unsupported_media_type".to_owned()), "{kind}");
    }
    let send = server.request("POST", "/api/v1/events").header("cookie", &cookie).header("origin", &own);
    let send = send.header("content-type", "application/json");
    let one = event("e-1", "alice", "create", "success", "2026-11-20T08:00:00Z");
    assert_eq!(answer(send.body(one)).await.1["accepted"], 1);
    // A key in the header makes the cookie count for nothing.
    let mixed = post().header("origin", "https://evil.example.net").bearer_auth(&server.keys.service_key);
    assert_eq!(refused(mixed).await, (403, "forbidden".to_owned()));
    let theirs = server.request("POST", "/api/v1/sessions").json(&json!({"token": server.keys.link_token()}));
    assert_eq!(refused(theirs.header("origin", "https://evil.example.net")).await.0, 403);
}

#[tokio::test]
async fn failed_tries_of_strangers_keep_nobody_from_signing_in() {
    let server = Server::start().await;
    let post = |token: &str| server.request("POST", "/api/v1/sessions").json(&json!({"token": token}));
    for _ in 0..10 {
        assert_eq!(refused(post("guess")).await.0, 401);
    }
    assert_eq!(refused(post("guess")).await, (429, "too_many_tries".to_owned()));
    assert_eq!(answer(post(server.keys.link_token())).await.0, 201);
    assert_eq!(refused(post(server.keys.link_token())).await, (401, "link_used".to_owned()));
}

#[tokio::test]
async fn guessing_links_is_slowed_down_by_address() {
    let server = Server::start_with(&[("WHODID_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let guess = |address: &str| {
        let body = json!({"token": "guess"});
        refused(server.request("POST", "/api/v1/sessions").header("x-forwarded-for", address).json(&body))
    };
    for _ in 0..10 {
        assert_eq!(guess("198.51.100.1, 203.0.113.9").await, (401, "link_expired".to_owned()));
    }
    assert_eq!(guess("192.0.2.1, 203.0.113.9").await, (429, "too_many_tries".to_owned()));
    assert_eq!(guess("203.0.113.9, 198.51.100.1").await, (401, "link_expired".to_owned()));
}
