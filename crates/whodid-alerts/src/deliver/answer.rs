//! What is kept of an answer: enough to see why a receiver refused, too little to read a page through it.

use crate::clip::{clip_chars, one_line};

/// Characters that are kept.
pub const ANSWER_CHARS_MAX: usize = 256;

/// One printable line of at most [`ANSWER_CHARS_MAX`] characters.
pub(super) fn printable(text: &str) -> String {
    clip_chars(one_line(text).trim(), ANSWER_CHARS_MAX)
}

/// The same of received bytes, which may end within a character.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_short_printable_line() {
        assert_eq!(of_bytes(b"\x1b[31mno\r\n\0 such\xff hook\n"), "[31mno  such\u{fffd} hook");
        assert_eq!(of_bytes(&[b'x'; 5000]).chars().count(), ANSWER_CHARS_MAX);
    }
}
