//! People of a test: invited, accepted, signed in.

use serde_json::{Value, json};

use crate::boundary::{Server, answer};

/// A password that nobody would guess.
pub const PASSWORD: &str = "violet kettle seventeen orbits";

/// Somebody who can sign in.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: String,
    /// As a browser sends it.
    pub cookie: String,
}

impl Server {
    /// A request of the first administrator.
    pub fn admin(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request(method, path).bearer_auth(&self.keys.admin_token)
    }

    /// A request of our own page with a session.
    pub fn with(&self, cookie: &str, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request(method, path).header("cookie", cookie).header("sec-fetch-site", "same-origin")
    }

    /// The link of a new invitation, as the token in it.
    pub async fn invite(&self, account: &str, name: &str, roles: Value) -> String {
        let body = json!({"name": name, "display_name": name, "roles": roles});
        let (status, made) =
            answer(self.admin("POST", &format!("/api/v1/invitations?account={account}")).json(&body)).await;
        assert_eq!(status, 201, "{made}");
        made["link"].as_str().unwrap().split("token=").nth(1).unwrap().to_owned()
    }

    /// Invites somebody, who accepts and is signed in.
    pub async fn join(&self, name: &str, roles: Value) -> Person {
        let token = self.invite("default", name, roles).await;
        let accept = json!({"token": token, "password": PASSWORD});
        let response = self.request("POST", "/api/v1/invitations/accept").json(&accept).send().await.unwrap();
        assert_eq!(response.status(), 201, "{}", response.text().await.unwrap());
        let cookie = cookie_of(&response);
        let signed_in: Value = response.json().await.unwrap();
        Person { id: signed_in["user"]["id"].as_str().unwrap().to_owned(), cookie }
    }

    /// Signs in by name and password; status, body and cookie.
    pub async fn sign_in_as(&self, name: &str, password: &str) -> (u16, Value, String) {
        let body = json!({"user": name, "password": password});
        let response = self.request("POST", "/api/v1/sessions").json(&body).send().await.unwrap();
        let status = response.status().as_u16();
        let cookie = if status == 201 { cookie_of(&response) } else { String::new() };
        (status, response.json().await.unwrap_or_default(), cookie)
    }

    /// A personal token of somebody.
    pub async fn token_of(&self, person: &Person, more: Value) -> String {
        let mut body = json!({"name": "a test"});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let (status, made) = answer(self.with(&person.cookie, "POST", "/api/v1/me/tokens").json(&body)).await;
        assert_eq!(status, 201, "{made}");
        made["key"].as_str().unwrap().to_owned()
    }

    /// What the audit log holds of an action, newest first.
    pub async fn told(&self, query: &str) -> Vec<Value> {
        let path = format!("/api/v1/events?stream=audit&limit=1000&q={}", encoded(query));
        let (status, page) = answer(self.admin("GET", &path)).await;
        assert_eq!(status, 200, "{page}");
        page["events"].as_array().unwrap().clone()
    }
}

/// The cookie of an answer, as a browser sends it.
pub fn cookie_of(response: &reqwest::Response) -> String {
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// A text as a part of a query string.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Six digits for a secret in base32, as an authenticator app shows them (RFC 6238).
pub fn code_of(secret: &str, step_offset: i64) -> String {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let secret = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let counter = (i64::try_from(now / 30).unwrap() + step_offset).to_be_bytes();
    // HMAC by hand: a test shall not use what it tests.
    let mut block = [0_u8; 64];
    block[..secret.len()].copy_from_slice(&secret);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let sha1 = |parts: &[&[u8]]| digest(&SHA1_FOR_LEGACY_USE_ONLY, &parts.concat()).as_ref().to_vec();
    let inner = sha1(&[&pad(0x36), &counter]);
    let mac = sha1(&[&pad(0x5c), &inner]);
    let at = usize::from(mac[19] & 15);
    let number = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}
