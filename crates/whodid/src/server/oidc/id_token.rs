//! What an ID token must be before anything in it is believed. Pure: keys and the time come in.
//!
//! Source: OpenID Connect Core 1.0, sections 2, 3.1.3.7 and 3.1.3.8; RFC 8725 (what goes wrong with such tokens).

use std::time::SystemTime;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::error::TokenFault;
use super::key_set::KeySet;
use super::secret::Secret;

/// Claims by name.
pub type Claims = Map<String, Value>;

/// How far the provider's clock may be from ours, in seconds.
const CLOCK_SKEW_S: f64 = 60.0;
/// Longest subject, in bytes. Source: Core 1.0, section 2.
const SUBJECT_BYTES_MAX: usize = 255;

/// Signatures that only the provider can make. With a shared secret (HS256 and the like) whoever knows the client's
/// secret could, and where a public key is taken for that secret, anybody.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// What the token must say.
#[derive(Debug)]
pub struct Expected<'a> {
    /// Who made it.
    pub issuer: &'a str,
    /// Whom it is for.
    pub client_id: &'a str,
    /// The sign-in it belongs to.
    pub nonce: &'a Secret,
    /// The access token that came with it.
    pub access_token: Option<&'a Secret>,
    /// The time.
    pub now: SystemTime,
}

/// Checks a token and returns its claims. [`TokenFault::UnknownKey`] may pass with newer keys.
pub fn check(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<Claims, TokenFault> {
    let (claims, algorithm) = signed_claims(token, keys)?;
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(TokenFault::Issuer);
    }
    check_audience(&claims, expected.client_id)?;
    check_times(&claims, expected.now)?;
    if !claims.get("nonce").and_then(Value::as_str).is_some_and(|nonce| expected.nonce.matches(nonce)) {
        return Err(TokenFault::Nonce);
    }
    check_access_token(&claims, algorithm, expected.access_token)?;
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX || subject.chars().any(char::is_control) {
        return Err(TokenFault::Form);
    }
    Ok(claims)
}

fn signed_claims(token: &str, keys: &KeySet) -> Result<(Claims, Algorithm), TokenFault> {
    let algorithm = algorithm(token)?;
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Form)?;
    // RFC 7515, section 4.1.11: what says that it must be understood is not.
    if header.crit.is_some() {
        return Err(TokenFault::Form);
    }
    let mut validation = Validation::new(algorithm);
    // The claims are checked here, where the time comes in and each fault has a name.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let candidates = keys.fitting(header.kid.as_deref(), algorithm);
    if candidates.is_empty() {
        return Err(TokenFault::UnknownKey);
    }
    for key in &candidates {
        if let Ok(verified) = jsonwebtoken::decode::<Claims>(token, key, &validation) {
            return Ok((verified.claims, algorithm));
        }
    }
    Err(TokenFault::Signature)
}

/// The algorithm that the header names. Read by hand, because the library cannot say `none` from garbage.
fn algorithm(token: &str) -> Result<Algorithm, TokenFault> {
    #[derive(serde::Deserialize)]
    struct Header {
        alg: String,
    }
    let encoded = token.split('.').next().unwrap_or_default();
    let decoded = BASE64URL_NOPAD.decode(encoded.as_bytes()).map_err(|_| TokenFault::Form)?;
    let header: Header = serde_json::from_slice(&decoded).map_err(|_| TokenFault::Form)?;
    let known: Algorithm = header.alg.parse().map_err(|_| TokenFault::Algorithm)?;
    if ALGORITHMS.contains(&known) { Ok(known) } else { Err(TokenFault::Algorithm) }
}

/// The token is for us; and when it is for others too, it was issued to us. Steps 3 to 5.
fn check_audience(claims: &Claims, client_id: &str) -> Result<(), TokenFault> {
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().map(|one| one.as_str().unwrap_or_default()).collect(),
        _ => Vec::new(),
    };
    if !audiences.contains(&client_id) {
        return Err(TokenFault::Audience);
    }
    match claims.get("azp") {
        None if audiences.len() == 1 => Ok(()),
        Some(Value::String(party)) if party == client_id => Ok(()),
        _ => Err(TokenFault::AuthorizedParty),
    }
}

/// `exp` and `iat` must be there, `nbf` may be. Steps 9 and 10.
fn check_times(claims: &Claims, now: SystemTime) -> Result<(), TokenFault> {
    let now_s = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let time = |name: &str| claims.get(name).and_then(Value::as_f64);
    let (Some(expires_s), Some(issued_s)) = (time("exp"), time("iat")) else { return Err(TokenFault::Form) };
    if now_s >= expires_s + CLOCK_SKEW_S {
        return Err(TokenFault::Expired);
    }
    let valid_from_s = match claims.get("nbf") {
        Some(_) => time("nbf").ok_or(TokenFault::Form)?,
        None => issued_s,
    };
    if issued_s.max(valid_from_s) > now_s + CLOCK_SKEW_S {
        return Err(TokenFault::Future);
    }
    Ok(())
}

/// `at_hash`, when it is there, is the left half of the access token's hash. Section 3.1.3.8.
fn check_access_token(claims: &Claims, algorithm: Algorithm, access_token: Option<&Secret>) -> Result<(), TokenFault> {
    let (Some(claimed), Some(access_token)) = (claims.get("at_hash"), access_token) else { return Ok(()) };
    let bytes = access_token.expose().as_bytes();
    let hash = match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 => Sha256::digest(bytes).to_vec(),
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => Sha384::digest(bytes).to_vec(),
        _ => Sha512::digest(bytes).to_vec(),
    };
    let own = BASE64URL_NOPAD.encode(&hash[..hash.len() / 2]);
    if claimed.as_str() == Some(own.as_str()) { Ok(()) } else { Err(TokenFault::AccessToken) }
}
