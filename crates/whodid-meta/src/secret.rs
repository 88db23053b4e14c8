//! Random texts that open doors, and the hashes that are kept of them.

use data_encoding::{Encoding, Specification};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// Characters of an id that is not secret: 60 bits.
pub(crate) const ID_CHARS: usize = 12;
/// Bytes of a link token and of a session id.
pub(crate) const TOKEN_BYTES: usize = 32;
/// Their characters.
pub(crate) const TOKEN_CHARS: usize = 52;

/// Crockford's alphabet in lower case: no letter that reads like a digit.
static TEXT: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    specification.encoding().expect("32 distinct ASCII symbols")
});

/// A text that opens a door. Shown once, by [`Secret::expose`]; never in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A text that was given to be kept.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that shows or sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// `bytes` random bytes as text.
pub(crate) fn random_text(bytes: usize) -> Result<String, getrandom::Error> {
    let mut random = vec![0_u8; bytes];
    getrandom::fill(&mut random)?;
    Ok(TEXT.encode(&random))
}

/// A random id of [`ID_CHARS`] characters.
pub(crate) fn random_id() -> Result<String, getrandom::Error> {
    let mut text = random_text(8)?;
    text.truncate(ID_CHARS);
    Ok(text)
}

/// SHA-256 of a random text. A plain hash is enough: the text has at least 128 bits.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_never_shows_in_debug_text() {
        let secret = Secret::new("wik_canary".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn random_texts_have_the_bits_they_promise() {
        assert_eq!(random_text(TOKEN_BYTES).unwrap().len(), TOKEN_CHARS);
        assert_eq!(random_id().unwrap().len(), ID_CHARS);
        assert_ne!(random_text(TOKEN_BYTES).unwrap(), random_text(TOKEN_BYTES).unwrap());
    }
}
