//! A text of a channel's configuration that must not be shown again: an address with a token in it, a key, a header.

use serde::{Deserialize, Serialize};

/// What stands for a secret that is shown. Sent back in an edit, it means: as it was.
const MASK: &str = "…";
/// Shorter secrets show nothing of themselves.
const SHOWN_FROM_CHARS: usize = 16;
/// Characters of the end that are shown: enough to tell two keys, useless for guessing.
const SHOWN_CHARS: usize = 2;

/// A secret. It serialises as it is, for the caller to seal; `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends or seals it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What may be shown: `…9f`, and for an address its host, `https://hooks.example.com/…9f`.
    pub fn masked(&self) -> Self {
        let host = url::Url::parse(&self.0).ok().filter(url::Url::has_host);
        let beginning = host.map(|url| format!("{}/", url.origin().ascii_serialization())).unwrap_or_default();
        let count = self.0.chars().count();
        let shown = if count >= SHOWN_FROM_CHARS { SHOWN_CHARS } else { 0 };
        let end: String = self.0.chars().skip(count - shown).collect();
        Self(format!("{beginning}{MASK}{end}"))
    }

    /// Whether this is the mask of another secret, as an edit sends it back.
    pub fn is_mask_of(&self, other: &Self) -> bool {
        *self == other.masked()
    }

    /// Whether this looks like a mask, of whatever secret.
    pub fn is_mask(&self) -> bool {
        self.0.contains(MASK)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secret: &str, masked: &str) {
        assert_eq!(Secret::new(secret).masked().expose(), masked);
        assert!(Secret::new(masked).is_mask_of(&Secret::new(secret)));
    }

    #[test]
    fn a_mask_tells_secrets_apart_and_gives_none_away() {
        check("https://hooks.slack.com/services/T0/B0/abcdef", "https://hooks.slack.com/…ef");
        check("https://user:password@hooks.example.com:8443/x/0123", "https://hooks.example.com:8443/…23");
        check("0123456789abcdef0123456789abcd9f", "…9f");
        check("short", "…");
        check("", "…");
    }

    #[test]
    fn debug_text_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("canary")), "Secret(…)");
    }
}
