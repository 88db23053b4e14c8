//! The provider's public keys.

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use reqwest::Url;
use serde::Deserialize;

use super::error::OidcError;
use super::fetch::Http;

/// Keys by which signatures are checked. Source: RFC 7517.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// Asks the provider for them. Keys of kinds that are not known here are passed over (RFC 7517, section 5).
    pub async fn fetch(address: &Url, http: &Http) -> Result<Self, OidcError> {
        let document: Document = http.get(address, None, "reading its keys").await?;
        let keys = document.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        Ok(Self { keys })
    }

    /// The keys that may have made a signature of `algorithm`.
    ///
    /// Without `key_id` only a key that alone fits: trying one after the other would let any of them speak for all
    /// (Core 1.0, section 10.1).
    pub fn fitting(&self, key_id: Option<&str>, algorithm: Algorithm) -> Vec<DecodingKey> {
        let fits =
            |key: &&Jwk| key_id.is_none_or(|id| key.common.key_id.as_deref() == Some(id)) && can_sign(key, algorithm);
        let fitting: Vec<DecodingKey> =
            self.keys.iter().filter(fits).filter_map(|key| DecodingKey::from_jwk(key).ok()).collect();
        if key_id.is_none() && fitting.len() > 1 { Vec::new() } else { fitting }
    }
}

/// Whether a key is for signatures of this algorithm. A shared secret among public keys is for none.
fn can_sign(key: &Jwk, algorithm: Algorithm) -> bool {
    let family = match key.algorithm {
        AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa,
        AlgorithmParameters::EllipticCurve(_) => AlgorithmFamily::Ec,
        AlgorithmParameters::OctetKeyPair(_) => AlgorithmFamily::Ed,
        _ => return false,
    };
    let is_for_signatures = key.common.public_key_use.as_ref().is_none_or(|what| *what == PublicKeyUse::Signature);
    let is_for_algorithm = key.common.key_algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm));
    family == algorithm.family() && is_for_signatures && is_for_algorithm
}
