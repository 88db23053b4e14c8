//! Which ID tokens are believed.

use std::time::{Duration, SystemTime};

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use super::super::{OidcError, Person, TokenFault};
use super::fake::{Fake, Key, seconds};
use super::finish;

fn fault(result: Result<Person, OidcError>) -> Option<TokenFault> {
    match result {
        Ok(_) => None,
        Err(OidcError::Token { fault, .. }) => Some(fault),
        Err(other) => panic!("{other}"),
    }
}

/// Signs in with claims of which `member` is `value` (`null`: left out), and says which check that did not pass.
async fn check(member: &str, value: Value, expected: Option<TokenFault>) {
    let fake = Fake::start().await;
    let result = fake.sign_in(|claims| match &value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(member)),
        value => claims[member] = value.clone(),
    });
    assert_eq!(fault(result.await), expected, "{member}: {value}");
}

/// Signs in with the token that `forge` makes of good claims and the provider's key.
async fn check_forged(forge: impl FnOnce(&Key, &Value) -> String) -> Option<TokenFault> {
    let (fake, key) = (Fake::start().await, Key::new("k1", Algorithm::ES256));
    fake.publish(&[&key]);
    let provider = fake.provider();
    let begun = provider.begin(SystemTime::now()).await.unwrap();
    fake.give_token(&forge(&key, &fake.claims(&begun)));
    fault(finish(&provider, &begun, "code-1").await)
}

fn part(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

fn left_half(hash: &[u8]) -> String {
    BASE64URL_NOPAD.encode(&hash[..hash.len() / 2])
}

#[tokio::test]
async fn a_good_token_tells_who_the_person_is() {
    let fake = Fake::start().await;
    let person = fake.sign_in(|_| {}).await.unwrap();
    let expected = Person {
        issuer: fake.issuer.clone(),
        subject: "s-1".into(),
        name: "alice".into(),
        display_name: "Alice Arden".into(),
        email: None,
        groups: vec!["staff".into()],
    };
    assert_eq!(person, expected);
    assert_eq!(fake.asked("/userinfo"), 0, "the token said everything");
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused() {
    check("iss", json!("https://other.example.com"), Some(TokenFault::Issuer)).await;
    check("iss", Value::Null, Some(TokenFault::Issuer)).await;
}

#[tokio::test]
async fn a_token_for_another_client_is_refused() {
    check("aud", json!("other"), Some(TokenFault::Audience)).await;
    check("aud", json!(["other"]), Some(TokenFault::Audience)).await;
    check("aud", Value::Null, Some(TokenFault::Audience)).await;
    check("aud", json!(["whodid"]), None).await;
}

#[tokio::test]
async fn a_token_for_several_must_have_been_issued_to_us() {
    check("aud", json!(["other", "whodid"]), Some(TokenFault::AuthorizedParty)).await;
    check("azp", json!("other"), Some(TokenFault::AuthorizedParty)).await;
    check("azp", json!("whodid"), None).await;
    let fake = Fake::start().await;
    let ours = fake.sign_in(|claims| {
        claims["aud"] = json!(["account", "whodid"]);
        claims["azp"] = json!("whodid");
    });
    assert_eq!(fault(ours.await), None);
}

#[tokio::test]
async fn a_token_counts_until_a_minute_after_its_end() {
    check("exp", json!(seconds() - 61), Some(TokenFault::Expired)).await;
    check("exp", json!(seconds() - 50), None).await;
    check("exp", Value::Null, Some(TokenFault::Form)).await;
    check("exp", json!("soon"), Some(TokenFault::Form)).await;
}

#[tokio::test]
async fn a_token_from_the_future_is_refused() {
    check("iat", json!(seconds() + 90), Some(TokenFault::Future)).await;
    check("iat", json!(seconds() + 30), None).await;
    check("iat", Value::Null, Some(TokenFault::Form)).await;
    check("nbf", json!(seconds() + 90), Some(TokenFault::Future)).await;
    check("nbf", json!("later"), Some(TokenFault::Form)).await;
}

#[tokio::test]
async fn a_token_of_another_sign_in_is_refused() {
    check("nonce", json!("another"), Some(TokenFault::Nonce)).await;
    check("nonce", Value::Null, Some(TokenFault::Nonce)).await;
}

#[tokio::test]
async fn an_access_token_that_was_swapped_is_refused() {
    check("at_hash", json!(left_half(&Sha256::digest("at-2"))), Some(TokenFault::AccessToken)).await;
    check("at_hash", json!(7), Some(TokenFault::AccessToken)).await;
    check("at_hash", json!(left_half(&Sha256::digest("at-1"))), None).await;
}

#[tokio::test]
async fn a_token_without_a_proper_subject_is_refused() {
    check("sub", Value::Null, Some(TokenFault::Form)).await;
    check("sub", json!(""), Some(TokenFault::Form)).await;
    check("sub", json!("s\n"), Some(TokenFault::Form)).await;
    check("sub", json!("s".repeat(256)), Some(TokenFault::Form)).await;
    check("sub", json!("s".repeat(255)), None).await;
}

#[tokio::test]
async fn a_token_that_was_changed_after_signing_is_refused() {
    let forged = check_forged(|key, claims| {
        let token = key.sign(claims);
        let mut claims = claims.clone();
        claims["groups"] = json!(["admins"]);
        let parts: Vec<&str> = token.split('.').collect();
        format!("{}.{}.{}", parts[0], part(&claims), parts[2])
    });
    assert_eq!(forged.await, Some(TokenFault::Signature));
    let of_another_key = check_forged(|_, claims| Key::new("k1", Algorithm::ES256).sign(claims));
    assert_eq!(of_another_key.await, Some(TokenFault::Signature));
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    for name in ["none", "None", "NONE", ""] {
        let forged = check_forged(|_, claims| format!("{}.{}.", part(&json!({"alg": name})), part(claims)));
        assert_eq!(forged.await, Some(TokenFault::Algorithm), "{name}");
    }
}

#[tokio::test]
async fn a_token_signed_with_a_shared_secret_is_refused() {
    let with = |secret: Vec<u8>, kid: Option<&str>| {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::HS256) };
        move |claims: &Value| jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(&secret)).unwrap()
    };
    let of_the_client = check_forged(|_, claims| with(super::SECRET.into(), Some("k1"))(claims));
    assert_eq!(of_the_client.await, Some(TokenFault::Algorithm));
    // The oldest trick: the public key, which everybody has, as the secret.
    let public = check_forged(|key, claims| with(key.public().to_string().into(), Some("k1"))(claims));
    assert_eq!(public.await, Some(TokenFault::Algorithm));

    // A provider that publishes a secret among its keys.
    let fake = Fake::start().await;
    fake.answer("/keys", 200, json!({"keys": [{"kty": "oct", "kid": "k1", "k": "c2VjcmV0"}]}));
    let provider = fake.provider();
    let begun = provider.begin(SystemTime::now()).await.unwrap();
    fake.give_token(&with("secret".into(), Some("k1"))(&fake.claims(&begun)));
    assert_eq!(fault(finish(&provider, &begun, "code-1").await), Some(TokenFault::Algorithm));
}

#[tokio::test]
async fn a_token_that_asks_for_what_is_not_understood_is_refused() {
    let forged = check_forged(|key, claims| {
        let crit = Some(vec!["exp".to_owned()]);
        let header = Header { kid: Some("k1".into()), crit, ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &key.encoding).unwrap()
    });
    assert_eq!(forged.await, Some(TokenFault::Form));
}

#[tokio::test]
async fn a_key_in_the_token_itself_counts_for_nothing() {
    let forged = check_forged(|_, claims| {
        let own = Key::new("k1", Algorithm::ES256);
        let jwk = Some(serde_json::from_value(own.public()).unwrap());
        let header = Header { kid: Some("k1".into()), jwk, ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &own.encoding).unwrap()
    });
    assert_eq!(forged.await, Some(TokenFault::Signature));
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    for text in ["", ".", "..", "a.b.c", "a.b.c.d", "e30.e30.", "eyJhbGciOiJFUzI1NiJ9.e30", "\u{1F511}.x.y"] {
        assert_eq!(check_forged(|_, _| text.to_owned()).await, Some(TokenFault::Form), "{text:?}");
    }
}

#[tokio::test]
async fn every_kind_of_key_is_understood() {
    for algorithm in [Algorithm::RS256, Algorithm::PS512, Algorithm::ES384, Algorithm::EdDSA] {
        let (fake, key) = (Fake::start().await, Key::new("k1", algorithm));
        fake.publish(&[&key]);
        let provider = fake.provider();
        let begun = provider.begin(SystemTime::now()).await.unwrap();
        let mut claims = fake.claims(&begun);
        if algorithm == Algorithm::EdDSA {
            claims["at_hash"] = json!(left_half(&Sha512::digest("at-1")));
        }
        fake.give_token(&key.sign(&claims));
        assert_eq!(fault(finish(&provider, &begun, "code-1").await), None, "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_key_for_encryption_or_another_algorithm_signs_nothing() {
    for (member, value) in [("use", "enc"), ("alg", "ES384"), ("alg", "RSA-OAEP")] {
        let (fake, key) = (Fake::start().await, Key::new("k1", Algorithm::ES256));
        let mut public = key.public();
        public[member] = json!(value);
        fake.answer("/keys", 200, json!({ "keys": [public] }));
        let provider = fake.provider();
        let begun = provider.begin(SystemTime::now()).await.unwrap();
        fake.give_token(&key.sign(&fake.claims(&begun)));
        assert_eq!(fault(finish(&provider, &begun, "code-1").await), Some(TokenFault::UnknownKey), "{member} {value}");
    }
}

#[tokio::test]
async fn a_token_that_names_no_key_needs_the_only_one() {
    let nameless =
        |key: &Key, claims: &Value| jsonwebtoken::encode(&Header::new(key.algorithm), claims, &key.encoding).unwrap();
    let (fake, key) = (Fake::start().await, Key::new("k1", Algorithm::ES256));
    let (other, rsa) = (Key::new("k2", Algorithm::ES256), Key::new("k3", Algorithm::RS256));
    for (keys, expected) in [(vec![&key, &rsa], None), (vec![&other, &key], Some(TokenFault::UnknownKey))] {
        fake.publish(&keys);
        let provider = fake.provider();
        let begun = provider.begin(SystemTime::now()).await.unwrap();
        fake.give_token(&nameless(&key, &fake.claims(&begun)));
        assert_eq!(fault(finish(&provider, &begun, "code-1").await), expected);
    }
}

#[tokio::test]
async fn keys_that_are_not_understood_do_not_hide_the_others() {
    let (fake, key) = (Fake::start().await, Key::new("k1", Algorithm::ES256));
    let strange = json!([7, {}, {"kty": "new", "kid": "k1"}, {"kty": "EC", "crv": "P-999", "kid": "k1"}, key.public()]);
    fake.answer("/keys", 200, json!({ "keys": strange }));
    let provider = fake.provider();
    let begun = provider.begin(SystemTime::now()).await.unwrap();
    fake.give_token(&key.sign(&fake.claims(&begun)));
    assert_eq!(fault(finish(&provider, &begun, "code-1").await), None);
}

#[tokio::test]
async fn new_keys_are_found_and_asked_for_once_a_minute() {
    let (fake, old, new) = (Fake::start().await, Key::new("k1", Algorithm::ES256), Key::new("k2", Algorithm::ES256));
    let (provider, start) = (fake.provider(), SystemTime::now());
    let sign_in = async |key: &Key, after_s: u64| {
        let now = start + Duration::from_secs(after_s);
        let begun = provider.begin(now).await.unwrap();
        fake.give_token(&key.sign(&fake.claims(&begun)));
        let state = Some(begun.kept.state.expose());
        let callback = super::Callback { code: Some("code-1"), state, ..super::Callback::default() };
        let result = fault(provider.finish(&begun.kept, &callback, now).await);
        (result, fake.asked("/keys"))
    };
    fake.publish(&[&old]);
    assert_eq!(sign_in(&old, 0).await, (None, 1));
    assert_eq!(sign_in(&old, 10).await, (None, 1), "remembered");
    assert_eq!(sign_in(&new, 20).await, (Some(TokenFault::UnknownKey), 1), "asked less than a minute ago");
    assert_eq!(sign_in(&new, 70).await, (Some(TokenFault::UnknownKey), 2), "not there yet");
    fake.publish(&[&new]);
    assert_eq!(sign_in(&new, 80).await, (Some(TokenFault::UnknownKey), 2), "asked ten seconds ago");
    assert_eq!(sign_in(&new, 131).await, (None, 3));
    // A refresh that fails takes nothing away.
    fake.answer("/keys", 503, json!(null));
    let (begun, now) = (provider.begin(start).await.unwrap(), start + Duration::from_secs(200));
    fake.give_token(&old.sign(&fake.claims(&begun)));
    let state = Some(begun.kept.state.expose());
    let callback = super::Callback { code: Some("code-1"), state, ..super::Callback::default() };
    assert!(provider.finish(&begun.kept, &callback, now).await.unwrap_err().is_outage());
    assert_eq!(sign_in(&new, 205).await, (None, 4));
}
