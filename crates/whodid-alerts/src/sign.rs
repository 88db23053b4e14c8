//! The key under which webhooks are signed: RSA of 2048 bits, RS256 (RFC 7518, 3.3).
//!
//! Receivers verify with the public key, as PEM or as a JWK. The private key leaves only as PKCS#8 and only when it is
//! made, for the caller to seal.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use serde::Serialize;

use crate::Secret;

/// Bytes of the modulus; keys of another size are refused.
const MODULUS_BYTES: usize = 256;
/// Characters of a line of PEM.
const PEM_LINE_CHARS: usize = 64;

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The system gave no randomness, or the library refused.
    #[error("making a signing key failed")]
    Generate,
    /// The bytes are no PKCS#8 of an RSA key.
    #[error("the signing key is no RSA key in PKCS#8")]
    Unreadable,
    /// Another size.
    #[error("the signing key has {bits} bits; it must have 2048")]
    Size {
        /// Its size.
        bits: usize,
    },
    /// The library refused to sign.
    #[error("signing failed")]
    Sign,
}

/// A private key, with its public half ready to be shown.
pub struct SigningKey {
    pair: RsaKeyPair,
    public: PublicKey,
}

/// The public half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicKey {
    /// SubjectPublicKeyInfo as PEM.
    pub pem: String,
    /// The same as a JWK (RFC 7517).
    pub jwk: Jwk,
}

/// An RSA key as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwk {
    /// `RSA`
    pub kty: &'static str,
    /// `sig`
    #[serde(rename = "use")]
    pub usage: &'static str,
    /// `RS256`
    pub alg: &'static str,
    /// The thumbprint (RFC 7638), which stands in each signature's header.
    pub kid: String,
    /// Modulus, base64url.
    pub n: String,
    /// Exponent, base64url.
    pub e: String,
}

impl SigningKey {
    /// Makes a key; takes some tenths of a second. The bytes are its PKCS#8, to be sealed and kept.
    pub fn generate() -> Result<(Self, Vec<u8>), KeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generate)?;
        let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| KeyError::Generate)?;
        let bytes = pkcs8.as_ref().to_vec();
        Ok((Self::from_pair(pair)?, bytes))
    }

    /// Loads what [`SigningKey::generate`] gave.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::from_pair(RsaKeyPair::from_pkcs8(bytes).map_err(|_| KeyError::Unreadable)?)
    }

    fn from_pair(pair: RsaKeyPair) -> Result<Self, KeyError> {
        if pair.public_modulus_len() != MODULUS_BYTES {
            return Err(KeyError::Size { bits: pair.public_modulus_len() * 8 });
        }
        let key = pair.public_key();
        let (modulus, exponent) = numbers(key.as_ref()).ok_or(KeyError::Unreadable)?;
        let (n, e) = (BASE64URL_NOPAD.encode(modulus), BASE64URL_NOPAD.encode(exponent));
        // RFC 7638: these members, in this order, without blanks.
        let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        let kid = BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(key).map_err(|_| KeyError::Unreadable)?;
        let jwk = Jwk { kty: "RSA", usage: "sig", alg: "RS256", kid, n, e };
        Ok(Self { public: PublicKey { pem: pem(der.as_ref()), jwk }, pair })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Claims as a compact JWT.
    pub fn jwt(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let header = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{}"}}"#, self.public.jwk.kid);
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Sign)?;
        let signed = format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(&claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| KeyError::Sign)?;
        Ok(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SigningKey").field("kid", &self.public.jwk.kid).finish_non_exhaustive()
    }
}

/// The header `X-Whodid-Signature` of a body: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`.
pub fn hmac_header(secret: &Secret, unix_seconds: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(unix_seconds.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    format!("t={unix_seconds},v1={}", HEXLOWER.encode(context.sign().as_ref()))
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, A.1.1), without leading zeros.
fn numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, []) = element(der, 0x30)? else { return None };
    let (modulus, rest) = element(sequence, 0x02)?;
    let (exponent, []) = element(rest, 0x02)? else { return None };
    Some((without_zeros(modulus), without_zeros(exponent)))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(PEM_LINE_CHARS));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    use serde_json::{Value, json};

    #[test]
    fn a_signature_is_verified_by_another_library_under_the_public_key() {
        let (key, pkcs8) = SigningKey::generate().unwrap();
        let again = SigningKey::from_pkcs8(&pkcs8).unwrap();
        assert_eq!(again.public(), key.public());
        let claims = json!({"findings": [{"severity": "LOW"}]});
        let jwt = again.jwt(&claims).unwrap();
        let Jwk { n, e, kid, .. } = &key.public().jwk;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let read = decode::<Value>(&jwt, &DecodingKey::from_rsa_components(n, e).unwrap(), &validation).unwrap();
        assert_eq!(read.claims, claims);
        assert_eq!(read.header.kid.as_ref(), Some(kid));

        let (other, _) = SigningKey::generate().unwrap();
        let Jwk { n, e, .. } = &other.public().jwk;
        assert!(decode::<Value>(&jwt, &DecodingKey::from_rsa_components(n, e).unwrap(), &validation).is_err());
    }

    #[test]
    fn the_public_key_is_pem_and_debug_shows_no_private_one() {
        let (key, pkcs8) = SigningKey::generate().unwrap();
        let pem = &key.public().pem;
        assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"), "{pem}");
        assert!(pem.lines().all(|line| line.len() <= 64));
        assert!(format!("{key:?}").len() < 80);
        assert!(SigningKey::from_pkcs8(&pkcs8[..100]).is_err());
    }

    #[test]
    fn an_hmac_header_is_what_receivers_compute() {
        // python3: hmac.new(b"0123456789abcdef", b"1795000000.{}", "sha256").hexdigest()
        let header = hmac_header(&Secret::new("0123456789abcdef"), 1_795_000_000, b"{}");
        let expected = "t=1795000000,v1=0e41ae18dec0c98f9ccccdfc9da1d6b897e12bde7815a6055d8739af8b38df59";
        assert_eq!(header, expected);
    }
}
