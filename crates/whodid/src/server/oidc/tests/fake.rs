//! A provider with its own keys, whose every answer a test can change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::super::{Begun, OidcError, Person, Provider};
use super::{config, finish, parameter};

/// What the provider answers, by path; and what it was asked.
#[derive(Default)]
struct Script {
    answers: BTreeMap<String, (u16, String)>,
    asked: Vec<(String, String, String)>,
}

/// A provider on a port of its own. Ends with the test's runtime.
#[derive(Clone)]
pub struct Fake {
    pub issuer: String,
    script: Arc<Mutex<Script>>,
}

/// A key of the provider.
pub struct Key {
    pub encoding: EncodingKey,
    pub algorithm: Algorithm,
    pub id: &'static str,
}

impl Key {
    pub fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let ec = |kind| EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let encoding = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_der(ec(&ECDSA_P256_SHA256_FIXED_SIGNING).as_ref()),
            Algorithm::ES384 => EncodingKey::from_ec_der(ec(&ECDSA_P384_SHA384_FIXED_SIGNING).as_ref()),
            Algorithm::EdDSA => EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref()),
            _ => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
                EncodingKey::from_rsa_der(pkcs1(pair.as_der().unwrap().as_ref()))
            }
        };
        Self { encoding, algorithm, id }
    }

    pub fn public(&self) -> Value {
        if self.algorithm == Algorithm::EdDSA {
            // The library makes no JWK of the form of key that aws-lc-rs writes.
            let pair = Ed25519KeyPair::from_pkcs8(self.encoding.as_bytes()).unwrap();
            let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
            return json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.id, "alg": "EdDSA"});
        }
        let mut key = Jwk::from_encoding_key(&self.encoding, self.algorithm).unwrap();
        key.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(key).unwrap()
    }

    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }
}

/// The PKCS #1 key inside a PKCS #8 one: the library takes only the former, and a test need not read ASN.1 to find it.
fn pkcs1(pkcs8: &[u8]) -> &[u8] {
    let start = pkcs8.windows(4).skip(4).position(|bytes| bytes[0] == 0x30 && bytes[1] == 0x82).unwrap() + 4;
    &pkcs8[start..]
}

impl Fake {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self { issuer, script: Arc::default() };
        fake.answer("/.well-known/openid-configuration", 200, fake.discovery());
        let router = Router::new().fallback(serve).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub fn discovery(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/keys"),
        })
    }

    pub fn answer(&self, path: &str, status: u16, body: Value) {
        self.answer_text(path, status, body.to_string());
    }

    pub fn answer_text(&self, path: &str, status: u16, body: String) {
        self.script.lock().answers.insert(path.to_owned(), (status, body));
    }

    /// Changes one member of the discovery document.
    pub fn discover(&self, member: &str, value: Value) {
        let mut document = self.discovery();
        document[member] = value;
        self.answer("/.well-known/openid-configuration", 200, document);
    }

    pub fn publish(&self, keys: &[&Key]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        self.answer("/keys", 200, json!({ "keys": keys }));
    }

    pub fn give_token(&self, token: &str) {
        self.answer("/token", 200, json!({"access_token": "at-1", "token_type": "Bearer", "id_token": token}));
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.script.lock().asked.iter().filter(|(asked, ..)| asked == path).count()
    }

    /// `Authorization` and body of the last question for a path.
    pub fn last(&self, path: &str) -> (String, String) {
        let script = self.script.lock();
        let (_, authorization, body) = script.asked.iter().rfind(|(asked, ..)| asked == path).unwrap();
        (authorization.clone(), body.clone())
    }

    pub fn provider(&self) -> Provider {
        Provider::with_patience(config(&self.issuer), Duration::from_secs(5)).unwrap()
    }

    /// What a good token says.
    pub fn claims(&self, begun: &Begun) -> Value {
        let now_s = seconds();
        json!({
            "iss": self.issuer, "aud": "whodid", "sub": "s-1", "iat": now_s, "exp": now_s + 300,
            "nonce": parameter(begun, "nonce"), "name": "Alice Arden", "preferred_username": "alice",
            "groups": ["staff"],
        })
    }

    /// A whole sign-in with one key, and claims that `change` makes of good ones.
    pub async fn sign_in(&self, change: impl FnOnce(&mut Value)) -> Result<Person, OidcError> {
        let key = Key::new("k1", Algorithm::ES256);
        self.publish(&[&key]);
        let provider = self.provider();
        let begun = provider.begin(SystemTime::now()).await?;
        let mut claims = self.claims(&begun);
        change(&mut claims);
        self.give_token(&key.sign(&claims));
        finish(&provider, &begun, "code-1").await
    }
}

pub fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

async fn serve(State(fake): State<Fake>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let mut script = fake.script.lock();
    script.asked.push((uri.path().to_owned(), authorization.unwrap_or_default(), body));
    let (status, body) = script.answers.get(uri.path()).cloned().unwrap_or((404, String::new()));
    let status = StatusCode::from_u16(status).unwrap();
    if status.is_redirection() {
        return (status, [(header::LOCATION, body)]).into_response();
    }
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
