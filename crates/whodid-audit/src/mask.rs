//! Secrets that somebody pasted where none belong: into a query, a name, an id. What is told must not hand them on.
//!
//! What is masked cannot be read by who looks after others' deeds, so nothing may be done with such a text: requests
//! refuse it ([`holds_secret`]), and only refusals are told masked.

use std::borrow::Cow;

use serde_json::Value;

/// How keys begin (ingestion, service, personal).
const BEGINNINGS: [&str; 3] = ["wik_", "wsk_", "wat_"];
/// Fewer characters behind that are no secret: a beginning as lists show it.
const SECRET_CHARS_MIN: usize = 32;
/// What keys and tokens consist of: Crockford's digits in lower case.
const ALPHABET: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a one-time token, which has no beginning to know it by.
const TOKEN_CHARS: usize = 52;

/// Whether a text holds what looks like a key or a one-time token.
pub fn holds_secret(text: &str) -> bool {
    text.split(is_between).any(|word| secret_at(word).is_some())
}

/// A text without such secrets: keys keep their beginning, one-time tokens nothing.
pub fn masked(text: &str) -> Cow<'_, str> {
    if !holds_secret(text) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_between) {
        let (word, end) = piece.split_at(piece.rfind(is_between).unwrap_or(piece.len()));
        match secret_at(word) {
            Some(kept) => out.extend([&word[..kept], "…"]),
            None => out.push_str(word),
        }
        out.push_str(end);
    }
    out.into()
}

/// The same for every text of a value.
pub fn mask(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = masked(text) {
                *text = masked;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mask),
        Value::Object(members) => members.values_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_between(character: char) -> bool {
    !character.is_ascii_alphanumeric() && character != '_'
}

/// Where in a word a secret begins.
fn secret_at(word: &str) -> Option<usize> {
    let after = BEGINNINGS.iter().filter_map(|beginning| word.find(beginning)).min().map(|at| at + BEGINNINGS[0].len());
    let of_secret = |byte: &u8| ALPHABET.contains(byte);
    let is_secret = |rest: &str| rest.bytes().take_while(of_secret).count() >= SECRET_CHARS_MIN;
    if let Some(after) = after.filter(|after| is_secret(&word[*after..])) {
        return Some(after);
    }
    let (digits, letters) = (word.bytes().any(|byte| byte.is_ascii_digit()), word.bytes().any(|byte| byte > b'9'));
    (word.len() == TOKEN_CHARS && digits && letters && word.bytes().all(|byte| of_secret(&byte))).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_one_time_tokens_are_masked_wherever_they_stand() {
        let secret = "0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk";
        for (text, expected) in [
            (
                format!("initiator.name:\"wsk_{secret}\" outcome:failure"),
                "initiator.name:\"wsk_…\" outcome:failure".to_owned(),
            ),
            (format!("https://x/invitation?token={secret}&y"), "https://x/invitation?token=…&y".to_owned()),
            (format!("wat_{secret}"), "wat_…".to_owned()),
            (format!("é{secret}é"), "é…é".to_owned()),
            (format!("SELECT 'wik_{secret}wsk_'"), "SELECT 'wik_…'".to_owned()),
        ] {
            assert_eq!(masked(&text), expected);
        }
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let words = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
        for text in ["", "wsk_3f9a…", "wsk_short", "the wat_ of it", hash, words, "kms.secrets.read é"] {
            assert!(matches!(masked(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
