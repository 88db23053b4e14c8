//! No secret comes out: not in the log, the audit log, an error, a metric, a file of the data folder.
//!
//! Every secret of this test is planted on purpose and remembered; at the end everything that the server wrote is
//! searched for each. Beside it, every server of every test is searched at its end for its own keys (`Server::drop`).

use std::path::Path;

use serde_json::{Value, json};

use crate::boundary::{Server, answer};
use crate::person::{PASSWORD, code_of, cookie_of};

/// What must come out nowhere.
#[derive(Default)]
struct Planted(Vec<(String, String)>);

impl Planted {
    fn plant(&mut self, what: &str, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= 6, "{what} is too short to be looked for");
        self.0.push((what.to_owned(), secret));
    }

    /// What of it stands in a text, whole or as its long second half.
    fn found_in(&self, text: &[u8]) -> Vec<String> {
        let is_in = |secret: &str| memchr::memmem::find(text, secret.as_bytes()).is_some();
        let half = |secret: &str| {
            if secret.len() > 30 && secret.is_ascii() {
                secret[secret.len() / 2..].to_owned()
            } else {
                secret.to_owned()
            }
        };
        self.0
            .iter()
            .filter(|(_, secret)| is_in(secret) || is_in(&half(secret)))
            .map(|(what, _)| what.clone())
            .collect()
    }
}

fn files_below(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files_below(&path, into) } else { into.push(path) }
    }
}

#[tokio::test]
async fn no_planted_secret_comes_out_anywhere() {
    let server = Server::start().await;
    let mut planted = Planted::default();
    let mut errors = String::new();
    planted.plant("administrator token", &server.keys.admin_token[16..]);
    planted.plant("ingestion key", &server.keys.ingestion_key[16..]);
    planted.plant("service key", &server.keys.service_key[16..]);
    planted.plant("sign-in link", server.keys.link_token());
    planted.plant("password", PASSWORD);

    let invitation = server.invite("default", "bob@example.com", json!([{"role": "administrator"}])).await;
    planted.plant("invitation", &invitation);
    let accept = json!({"token": invitation, "password": PASSWORD, "display_name": "Bob"});
    let joined = server.request("POST", "/api/v1/invitations/accept").json(&accept).send().await.unwrap();
    let cookie = cookie_of(&joined);
    planted.plant("cookie", cookie.split('=').nth(1).unwrap());
    let mut fail = async |request: reqwest::RequestBuilder| {
        let (status, body) = answer(request).await;
        assert!(status >= 400, "{status} {body}");
        errors.push_str(&body.to_string());
    };

    // Secrets where they do not belong: a password as a name, a key in a query, a token in a header and a body.
    planted.plant("password typed as a name", "my-Secret-typed-as-name-77");
    let typed = json!({"user": "my-Secret-typed-as-name-77", "password": "wrong-Password-canary-88"});
    planted.plant("wrong password", "wrong-Password-canary-88");
    fail(server.request("POST", "/api/v1/sessions").json(&typed)).await;
    planted.plant("unknown key", "wsk_canary000000canarycanarycanarycanary0000");
    fail(server.get("/api/v1/events").bearer_auth("wsk_canary000000canarycanarycanarycanary0000")).await;
    planted.plant("broken body", "body-Canary-that-is-not-json-99");
    fail(
        server
            .admin("POST", "/api/v1/keys")
            .header("content-type", "application/json")
            .body("{\"name\": body-Canary-that-is-not-json-99}"),
    )
    .await;
    fail(
        server
            .admin("POST", "/api/v1/keys")
            .json(&json!({"kind": "service", "name": ["body-Canary-that-is-not-json-99"]})),
    )
    .await;
    planted.plant("unknown link", "canary-link-token-0123456789abcdef");
    fail(server.request("POST", "/api/v1/links/look").json(&json!({"token": "canary-link-token-0123456789abcdef"})))
        .await;
    server.get("/sign-in?token=canary-link-token-0123456789abcdef").send().await.unwrap();

    let (_, made) = answer(server.with(&cookie, "POST", "/api/v1/me/tokens").json(&json!({"name": "x"}))).await;
    planted.plant("personal token", &made["key"].as_str().unwrap()[16..]);
    let (_, made) = answer(server.admin("POST", "/api/v1/keys").json(&json!({"kind": "service", "name": "x"}))).await;
    planted.plant("new key", &made["key"].as_str().unwrap()[16..]);
    let rotate = format!("/api/v1/keys/{}/rotate", made["id"].as_str().unwrap());
    let (_, made) = answer(server.admin("POST", &rotate).json(&json!({}))).await;
    planted.plant("rotated key", &made["key"].as_str().unwrap()[16..]);

    let (_, set_up) = answer(server.with(&cookie, "POST", "/api/v1/me/totp").json(&json!({}))).await;
    let secret = set_up["secret"].as_str().unwrap().to_owned();
    planted.plant("second factor", &secret);
    let confirm = server.with(&cookie, "POST", "/api/v1/me/totp/confirm").json(&json!({"code": code_of(&secret, 0)}));
    let confirmed = confirm.send().await.unwrap();
    let cookie = cookie_of(&confirmed);
    planted.plant("renewed cookie", cookie.split('=').nth(1).unwrap());
    let codes: Value = confirmed.json().await.unwrap();
    for code in codes["codes"].as_array().unwrap() {
        planted.plant("recovery code", code.as_str().unwrap());
    }
    let (status, challenge, _) = server.sign_in_as("bob@example.com", PASSWORD).await;
    assert_eq!(status, 202);
    let challenge = challenge["challenge"].as_str().unwrap().to_owned();
    planted.plant("challenge", &challenge);
    planted.plant("wrong recovery code", "canary-recov-erycod-e00000");
    let wrong = json!({"challenge": challenge, "code": "canary-recov-erycod-e00000"});
    fail(server.request("POST", "/api/v1/sessions").json(&wrong)).await;
    let (_, me) = answer(server.with(&cookie, "GET", "/api/v1/me")).await;
    let reset = format!("/api/v1/users/{}/password-reset", me["user"]["id"].as_str().unwrap());
    let (_, link) = answer(server.admin("POST", &reset)).await;
    let reset = link["link"].as_str().unwrap().split("token=").nth(1).unwrap().to_owned();
    planted.plant("reset link", &reset);
    planted.plant("weak password", "passwordpassword");
    fail(
        server
            .request("POST", "/api/v1/password-resets/commit")
            .json(&json!({"token": reset, "password": "passwordpassword"})),
    )
    .await;
    planted.plant("new password", "amber lantern forty meadows");
    let commit = json!({"token": reset, "password": "amber lantern forty meadows"});
    assert_eq!(answer(server.request("POST", "/api/v1/password-resets/commit").json(&commit)).await.0, 204);

    let mut wrong = Vec::new();
    let mut search = |place: &str, text: &[u8]| {
        wrong.extend(planted.found_in(text).into_iter().map(|what| format!("{what} stands in {place}")));
    };
    search("an error", errors.as_bytes());
    let told = server.told("").await;
    assert!(told.len() > 20, "{}", told.len());
    search("the audit log", json!(told).to_string().as_bytes());
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    search("the metrics", metrics.as_bytes());
    let (_, listed) = answer(server.admin("GET", "/api/v1/keys")).await;
    search("the list of keys", listed.to_string().as_bytes());
    search("the log", server.log.lock().unwrap().as_bytes());
    let mut files = Vec::new();
    files_below(&server.data(), &mut files);
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        search(&format!("the file {}", file.display()), &std::fs::read(&file).unwrap_or_default());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
