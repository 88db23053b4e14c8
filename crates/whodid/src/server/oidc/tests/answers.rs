//! What comes back from a provider, from a browser, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::super::{Begun, Callback, Kept, OidcConfig, OidcError, OidcValues, Provider, TokenFault};
use super::fake::{Fake, Key};
use super::{SECRET, config, finish, parameter};

const DISCOVERY: &str = "/.well-known/openid-configuration";

async fn begun(provider: &Provider) -> Result<Begun, OidcError> {
    provider.begin(SystemTime::now()).await
}

/// A provider whose token endpoint gives a good token, and a sign-in that has begun there.
async fn ready() -> (Fake, Provider, Begun) {
    let (fake, key) = (Fake::start().await, Key::new("k1", Algorithm::ES256));
    fake.publish(&[&key]);
    let provider = fake.provider();
    let begun = begun(&provider).await.unwrap();
    fake.give_token(&key.sign(&fake.claims(&begun)));
    (fake, provider, begun)
}

async fn answer(provider: &Provider, begun: &Begun, callback: Callback<'_>) -> Result<String, OidcError> {
    provider.finish(&begun.kept, &callback, SystemTime::now()).await.map(|person| person.name)
}

#[tokio::test]
async fn the_browser_is_sent_with_a_challenge_and_nothing_that_answers_it() {
    let (fake, _, begun) = ready().await;
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(begun.kept.verifier.expose()));
    for (name, value) in [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", "whodid"),
        ("redirect_uri", "http://127.0.0.1:7700/sign-in/oidc/callback"),
        ("scope", "openid profile email"),
        ("state", begun.kept.state.expose()),
        ("nonce", begun.kept.nonce.expose()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(parameter(&begun, name), value, "{name}");
    }
    assert!(begun.url.expose().starts_with(&fake.issuer));
    assert!(!begun.url.expose().contains(begun.kept.verifier.expose()));
    let all = [&begun.kept.state, &begun.kept.nonce, &begun.kept.verifier];
    assert!(all.iter().all(|secret| secret.expose().len() == 43));
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    let shown = format!("{begun:?} {:?}", begun.kept.to_text());
    assert!(all.iter().all(|secret| !shown.contains(secret.expose())), "{shown}");
}

#[tokio::test]
async fn what_is_kept_survives_a_cookie_and_nothing_else_reads_as_it() {
    let (_, _, begun) = ready().await;
    let text = begun.kept.to_text();
    assert_eq!(Kept::parse(text.expose()), Some(begun.kept));
    let short = text.expose()[1..].to_owned();
    for wrong in ["", "..", "a.b.c", short.as_str(), &format!("{}.x", text.expose())] {
        assert_eq!(Kept::parse(wrong), None, "{wrong}");
    }
}

#[tokio::test]
async fn an_answer_that_this_browser_did_not_ask_for_is_refused_unseen() {
    let (fake, provider, begun) = ready().await;
    for state in [None, Some(""), Some("another")] {
        let callback = Callback { code: Some("code-1"), state, ..Callback::default() };
        assert!(matches!(answer(&provider, &begun, callback).await, Err(OidcError::Stray { .. })), "{state:?}");
    }
    assert_eq!(fake.asked("/token"), 0);
}

#[tokio::test]
async fn an_answer_says_whose_it_is_and_must_where_the_provider_always_does() {
    for (promised, iss, is_taken) in [
        (false, None, true),
        (false, Some("own"), true),
        (false, Some("https://other.example.com"), false),
        (true, None, false),
        (true, Some("own"), true),
    ] {
        let (fake, key) = (Fake::start().await, Key::new("k1", Algorithm::ES256));
        fake.publish(&[&key]);
        fake.discover("authorization_response_iss_parameter_supported", json!(promised));
        let provider = fake.provider();
        let begun = begun(&provider).await.unwrap();
        fake.give_token(&key.sign(&fake.claims(&begun)));
        let iss = iss.map(|iss| if iss == "own" { fake.issuer.as_str() } else { iss });
        let callback = Callback { code: Some("c"), state: Some(begun.kept.state.expose()), iss, error: None };
        let result = answer(&provider, &begun, callback).await;
        assert_eq!(result.is_ok(), is_taken, "{promised} {iss:?} {result:?}");
        assert_eq!(fake.asked("/token"), usize::from(is_taken), "the code stays here");
    }
}

#[tokio::test]
async fn a_refusal_at_the_provider_says_whose_matter_it_is() {
    let (_, provider, begun) = ready().await;
    let refused = async |error: &str| {
        let state = Some(begun.kept.state.expose());
        let callback = Callback { state, error: Some(error), code: Some("code-1"), iss: None };
        answer(&provider, &begun, callback).await.unwrap_err()
    };
    assert!(matches!(refused("access_denied").await, OidcError::Denied { .. }));
    assert!(matches!(refused("invalid_scope").await, OidcError::Client { .. }));
    assert!(matches!(refused("temporarily_unavailable").await, OidcError::Away { .. }));
    let shown = refused("<b>\u{7}\nfake log line").await.to_string();
    assert!(!shown.contains(['<', '\n', '\u{7}']), "{shown}");
    let callback = Callback { state: Some(begun.kept.state.expose()), ..Callback::default() };
    assert!(matches!(answer(&provider, &begun, callback).await, Err(OidcError::Code { .. })));
}

#[tokio::test]
async fn the_secret_goes_where_the_provider_takes_it() {
    let (fake, provider, begun) = ready().await;
    answer_ok(&provider, &begun).await;
    let (authorization, form) = fake.last("/token");
    let basic = BASE64.encode(b"whodid:a-secret-of-no-worth-%2B%26%3D%25");
    assert_eq!(authorization, format!("Basic {basic}"));
    let form: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let pairs: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", "code-1"),
        ("redirect_uri", "http://127.0.0.1:7700/sign-in/oidc/callback"),
        ("code_verifier", begun.kept.verifier.expose()),
    ];
    assert_eq!(pairs, expected);

    let key = Key::new("k1", Algorithm::ES256);
    let fake = Fake::start().await;
    fake.publish(&[&key]);
    fake.discover("token_endpoint_auth_methods_supported", json!(["private_key_jwt", "client_secret_post"]));
    let public = OidcConfig { client_secret: None, ..config(&fake.issuer) };
    for (provider, secret) in [(fake.provider(), Some(SECRET)), (Provider::new(public).unwrap(), None)] {
        let begun = self::begun(&provider).await.unwrap();
        fake.give_token(&key.sign(&fake.claims(&begun)));
        answer_ok(&provider, &begun).await;
        let (authorization, form) = fake.last("/token");
        let form: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let value = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!((authorization.as_str(), value("client_id")), ("", Some("whodid")));
        assert_eq!(value("client_secret"), secret);
    }
}

async fn answer_ok(provider: &Provider, begun: &Begun) {
    finish(provider, begun, "code-1").await.unwrap();
}

#[tokio::test]
async fn a_code_or_a_client_that_the_provider_refuses_is_told_apart() {
    let (fake, provider, begun) = ready().await;
    let refused = async |status, body: Value| {
        fake.answer("/token", status, body);
        finish(&provider, &begun, "code-canary").await.unwrap_err()
    };
    assert!(matches!(refused(400, json!({"error": "invalid_grant"})).await, OidcError::Code { .. }));
    let client = refused(401, json!({"error": "invalid_client", "error_description": "x"})).await;
    assert!(matches!(client, OidcError::Client { .. }) && client.to_string().contains("`oidc.client_secret`"));
    assert!(matches!(refused(404, json!("gone")).await, OidcError::Nonsense { .. }));
    assert!(matches!(refused(503, json!({})).await, OidcError::Away { .. }));
    // The answer is a text where an object belongs, and the text a token.
    let text = refused(200, json!("id-token-canary")).await;
    assert!(matches!(text, OidcError::Nonsense { .. }) && !format!("{text:?} {text}").contains("canary"), "{text}");
}

#[tokio::test]
async fn what_the_token_lacks_is_asked_of_userinfo_about_the_same_person() {
    let fake = Fake::start().await;
    let userinfo = json!({"sub": "s-1", "groups": ["admins"], "name": "Other", "email": "a@x", "email_verified": true});
    fake.answer("/userinfo", 200, userinfo);
    let without_groups = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove("groups"));
    let person = fake.sign_in(without_groups).await.unwrap();
    assert_eq!((person.groups, person.email), (vec!["admins".to_owned()], Some("a@x".to_owned())));
    assert_eq!(person.display_name, "Alice Arden", "the token comes first");
    assert_eq!(fake.last("/userinfo").0, "Bearer at-1");

    for other in [json!({"sub": "s-2", "groups": ["admins"]}), json!({"groups": ["admins"]})] {
        fake.answer("/userinfo", 200, other);
        let refused = fake.sign_in(without_groups).await.unwrap_err();
        assert!(matches!(refused, OidcError::Token { fault: TokenFault::Subject, .. }), "{refused}");
    }
    fake.answer("/userinfo", 500, json!({}));
    assert!(fake.sign_in(without_groups).await.unwrap_err().is_outage(), "not signed in with fewer groups");
}

#[tokio::test]
async fn an_access_token_that_fits_into_no_header_is_an_error_and_no_panic() {
    let (fake, key) = (Fake::start().await, Key::new("k1", Algorithm::ES256));
    fake.publish(&[&key]);
    let provider = fake.provider();
    let begun = begun(&provider).await.unwrap();
    let mut claims = fake.claims(&begun);
    claims.as_object_mut().unwrap().remove("groups");
    fake.answer("/token", 200, json!({"access_token": "a\r\nX: canary", "id_token": key.sign(&claims)}));
    let refused = finish(&provider, &begun, "code-1").await.unwrap_err();
    assert!(refused.is_outage() && !refused.to_string().contains("canary"), "{refused}");
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_is_refused() {
    for issuer in ["https://other.example.com".to_owned(), format!("{}/", Fake::start().await.issuer)] {
        let fake = Fake::start().await;
        fake.discover("issuer", json!(issuer));
        let refused = begun(&fake.provider()).await.unwrap_err();
        assert!(refused.is_outage() && refused.to_string().contains(&issuer), "{refused}");
    }
}

#[tokio::test]
async fn an_endpoint_that_others_could_read_along_is_refused() {
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        for address in ["http://login.example.com/x", "ftp://127.0.0.1/", "javascript:alert(1)", "/token", ""] {
            let fake = Fake::start().await;
            fake.discover(name, json!(address));
            let refused = begun(&fake.provider()).await.unwrap_err();
            assert!(refused.is_outage() && refused.to_string().contains(name), "{name} {address}: {refused}");
        }
    }
}

#[tokio::test]
async fn nonsense_is_an_error_that_names_the_provider_and_what_to_check() {
    let (page, deep) = ("<!doctype html><title>Login</title>".to_owned(), "[".repeat(100_000));
    let huge = format!("{{\"issuer\":\"{}\"}}", "x".repeat(1 << 20));
    for (status, body) in
        [(200, page), (200, deep), (200, huge), (200, String::new()), (200, "{}".into()), (404, "{}".into())]
    {
        let fake = Fake::start().await;
        fake.answer_text(DISCOVERY, status, body);
        let refused = begun(&fake.provider()).await.unwrap_err();
        assert!(matches!(refused, OidcError::Nonsense { .. }), "{refused:?}");
        let text = refused.to_string();
        assert!(text.contains(&fake.issuer) && text.contains("`oidc.issuer`") && text.len() < 500, "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let (fake, body) = (Fake::start().await, |bytes: usize| {
        let mut document = json!({"pad": ""});
        document["pad"] = json!("x".repeat(bytes));
        document
    });
    let padded = |bytes| {
        let mut document = fake.discovery();
        document["pad"] = body(bytes)["pad"].clone();
        fake.answer(DISCOVERY, 200, document);
    };
    padded(1 << 20);
    let refused = begun(&fake.provider()).await.unwrap_err();
    assert!(refused.to_string().contains("longer than 1048576 bytes"), "{refused}");
    padded((1 << 20) - 1000);
    assert!(begun(&fake.provider()).await.is_ok());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (fake, elsewhere) = (Fake::start().await, Fake::start().await);
    elsewhere.answer("/elsewhere", 200, fake.discovery());
    fake.answer_text(DISCOVERY, 302, format!("{}/elsewhere", elsewhere.issuer));
    let refused = begun(&fake.provider()).await.unwrap_err();
    assert!(matches!(refused, OidcError::Nonsense { .. }), "{refused}");
    assert_eq!(elsewhere.asked("/elsewhere"), 0);

    let (fake, provider, begun) = ready().await;
    fake.answer_text("/token", 307, format!("{}/elsewhere", elsewhere.issuer));
    assert!(finish(&provider, &begun, "code-1").await.unwrap_err().is_outage());
    assert_eq!(elsewhere.asked("/elsewhere"), 0, "code and secret go nowhere else");
}

#[tokio::test]
async fn a_provider_that_is_away_is_an_error_that_names_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refused = begun(&Provider::new(config(&issuer)).unwrap()).await.unwrap_err();
    assert!(matches!(refused, OidcError::Away { .. }), "{refused:?}");
    assert!(refused.to_string().contains(&issuer) && refused.to_string().contains("`oidc.issuer`"), "{refused}");
}

/// A server that takes connections, says `head` and then a byte now and then, for ever. Counts the connections.
async fn hanging(head: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut is_open = socket.write_all(head.as_bytes()).await.is_ok();
                while is_open {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    is_open = head.is_empty() || socket.write_all(b" ").await.is_ok();
                }
            });
        }
    });
    (issuer, count)
}

#[tokio::test]
async fn a_provider_that_hangs_is_waited_for_once_and_not_for_each_person() {
    for head in ["", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900000\r\n\r\n"] {
        let (issuer, count) = hanging(head).await;
        let provider = Arc::new(Provider::with_patience(config(&issuer), Duration::from_millis(300)).unwrap());
        let sign_in = || {
            let provider = provider.clone();
            // Far beyond patience, for a busy machine; without any, it would be for ever.
            tokio::spawn(async move { tokio::time::timeout(Duration::from_secs(10), begun(&provider)).await })
        };
        let people: Vec<_> = (0..20).map(|_| sign_in()).collect();
        for person in people {
            assert!(matches!(person.await.unwrap(), Ok(Err(OidcError::Away { .. }))), "{head:?}");
        }
        // And whoever comes next hears at once.
        assert!(matches!(sign_in().await.unwrap(), Ok(Err(OidcError::Away { .. }))), "{head:?}");
        assert_eq!(count.load(Ordering::Relaxed), 1, "{head:?}");
    }
}

#[tokio::test]
async fn discovery_is_remembered_for_an_hour_and_a_failure_for_seconds() {
    let (fake, start) = (Fake::start().await, SystemTime::now());
    let provider = fake.provider();
    let ask = async |after_s: u64| {
        let is_begun = provider.begin(start + Duration::from_secs(after_s)).await.is_ok();
        (is_begun, fake.asked(DISCOVERY))
    };
    fake.answer(DISCOVERY, 503, json!({}));
    assert_eq!(ask(0).await, (false, 1));
    fake.answer(DISCOVERY, 200, fake.discovery());
    assert_eq!(ask(14).await, (false, 1), "not asked again so soon");
    assert_eq!(ask(16).await, (true, 2));
    assert_eq!(ask(3600).await, (true, 2));
    assert_eq!(ask(3617).await, (true, 3));
    assert_eq!(ask(3600).await, (true, 3), "a clock that steps back a little changes nothing");
    assert_eq!(ask(0).await, (true, 4), "one that was hours ahead does");
}

#[test]
fn people_are_told_what_to_do_and_nothing_of_what_is_inside() {
    let issuer = || "https://login.example.com".to_owned();
    let (doing, detail) = ("reading its keys", || "tcp connect error".to_owned());
    for error in [
        OidcError::Away { issuer: issuer(), doing, detail: detail() },
        OidcError::Nonsense { issuer: issuer(), doing, detail: detail() },
        OidcError::Client { issuer: issuer(), code: "invalid_client".into(), redirect_uri: "http://x".into() },
        OidcError::Denied { issuer: issuer(), code: "access_denied".into() },
        OidcError::Code { issuer: issuer() },
        OidcError::Stray { detail: "another state" },
        OidcError::Token { issuer: issuer(), fault: TokenFault::Nonce },
        OidcError::Internal { detail: detail() },
    ] {
        let words = error.for_people();
        for inner in ["example.com", "oidc", "token", "nonce", "state", "tcp", "client"] {
            assert!(!words.to_lowercase().contains(inner), "{words}");
        }
    }
}

#[test]
fn secrets_show_in_no_debug_text() {
    let values = OidcValues { issuer: "https://x", client_secret: "canary", ..OidcValues::default() };
    let callback = Callback { code: Some("canary"), state: Some("canary"), ..Callback::default() };
    let mut config = config("https://login.example.com");
    config.client_secret = Some(super::super::Secret::new("canary"));
    let shown = format!("{values:?} {callback:?} {config:?} {:?}", Provider::new(config.clone()).unwrap());
    assert!(!shown.contains("canary"), "{shown}");
}
