//! Texts that open doors: shown by one call, compared in constant time, never in logs.

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq as _;

/// Random bytes of a state, a nonce and a verifier: 256 bits.
const RANDOM_BYTES: usize = 32;

/// A text that opens a door.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text that is a secret from now on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// 256 random bits as 43 characters of `A-Z`, `a-z`, `0-9`, `-` and `_`.
    ///
    /// Fails when the operating system gives no random bytes. Source: RFC 7636, section 4.1, recommends this very
    /// form for the verifier.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut random = [0_u8; RANDOM_BYTES];
        getrandom::fill(&mut random)?;
        Ok(Self(BASE64URL_NOPAD.encode(&random)))
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `other` is the same text; how long that takes tells only whether the lengths differ.
    pub(super) fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret(…)")
    }
}
