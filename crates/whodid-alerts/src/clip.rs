//! Texts cut to what a receiver takes.

/// What shows that something was cut.
const ELLIPSIS: char = '…';

/// The text, or as much of its beginning as has `chars_max` characters with the ellipsis.
pub(crate) fn clip_chars(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    clipped.push(ELLIPSIS);
    clipped
}

/// The same in bytes of UTF-8, for at least three of them.
pub(crate) fn clip_bytes(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes_max.saturating_sub(ELLIPSIS.len_utf8()));
    format!("{}{ELLIPSIS}", &text[..end])
}

/// One line without control characters, nor those that reorder or hide text: each run of them becomes a blank.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) {
            line.push(character);
        } else if !line.ends_with(' ') {
            line.push(' ');
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Whether a character shows itself and nothing but itself.
pub(crate) fn is_plain(character: char) -> bool {
    let hides = matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    !character.is_control() && !hides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis_within_the_bound() {
        assert_eq!(clip_chars("abc", 3), "abc");
        assert_eq!(clip_chars("äöüß", 3), "äö…");
        assert_eq!(clip_bytes("abcdef", 6), "abcdef");
        assert_eq!(clip_bytes("aäöü", 6), "aä…");
        assert_eq!(clip_bytes("äöü", 5), "ä…");
    }

    #[test]
    fn a_line_holds_nothing_that_breaks_or_turns_it() {
        assert_eq!(one_line("a\r\nBcc: b\u{202e}c\0\u{2028}d\n"), "a Bcc: b c d");
    }
}
