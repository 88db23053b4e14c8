//! Terms, letter case, and finding one text in another.
//!
//! A term is a longest run of letters and digits (Unicode `Alphabetic` and `Numeric`); everything else, `_`
//! and `-` too, separates. So `org.add_member` has the terms `org`, `add` and `member`.
//!
//! Case is ignored by folding each character to its lower case where that is one character and does not
//! cross from outside ASCII into it. So an ASCII needle is found by an ASCII scan of the bytes, whatever
//! else a text holds: the Kelvin sign is no `k`.
//!
//! Finding allocates nothing.

/// The character that stands for `character` when case is ignored.
#[inline]
pub fn fold(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) if !single.is_ascii() => single,
        _ => character,
    }
}

/// `text` with every character folded.
pub fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

/// Whether `character` is part of a term.
#[inline]
pub fn is_term_character(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_alphanumeric() } else { character.is_alphanumeric() }
}

/// The terms of `text`, in order, as they are written.
pub fn terms(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character| !is_term_character(character)).filter(|term| !term.is_empty())
}

/// Something to find: the text, folded unless case counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needle<'a> {
    pub text: &'a str,
    pub case_sensitive: bool,
}

/// Where a needle may begin or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Border {
    Anywhere,
    /// Not inside a term.
    OfTerm,
}

impl Border {
    #[inline]
    fn admits(self, text: &str, at: usize) -> bool {
        self == Self::Anywhere || !is_inside_term(text, at)
    }
}

impl Needle<'_> {
    /// Bytes of `text` that the needle covers when `text` begins with it.
    #[inline]
    pub fn length_at_start(self, text: &str) -> Option<usize> {
        if self.case_sensitive {
            return text.starts_with(self.text).then_some(self.text.len());
        }
        let (bytes, wanted) = (text.as_bytes(), self.text.as_bytes());
        for (at, &want) in wanted.iter().enumerate() {
            let &found = bytes.get(at)?;
            if !want.is_ascii() || !found.is_ascii() {
                // Folding never crosses the border of ASCII, so a mixed pair differs. All before `at` is ASCII in both.
                return folded_length(&text[at..], &self.text[at..]).map(|length| at + length);
            }
            if found.to_ascii_lowercase() != want {
                return None;
            }
        }
        Some(wanted.len())
    }

    /// Where the needle begins in `text` when `text` ends with it.
    pub fn start_at_end(self, text: &str) -> Option<usize> {
        if self.case_sensitive {
            return text.ends_with(self.text).then(|| text.len() - self.text.len());
        }
        let mut found = text.char_indices().rev();
        let mut start = text.len();
        for want in self.text.chars().rev() {
            let (at, character) = found.next()?;
            if fold(character) != want {
                return None;
            }
            start = at;
        }
        Some(start)
    }

    /// The first place at or after `from` where the needle stands, its beginning and its end as wanted. Not for empty
    /// needles. The places are looked at before the text: within one long term no needle is compared in vain.
    #[inline]
    pub fn find(self, text: &str, from: usize, starts: Border, ends: Border) -> Option<(usize, usize)> {
        match self.rarest() {
            Some((offset, byte)) => self.find_by_byte(text, from, offset, byte, starts, ends),
            None => self.find_by_character(text, from, starts, ends),
        }
    }

    /// Jumps from one to the next appearance of a byte that stands `offset` after the needle's beginning.
    fn find_by_byte(
        self,
        text: &str,
        from: usize,
        offset: usize,
        byte: u8,
        starts: Border,
        ends: Border,
    ) -> Option<(usize, usize)> {
        let other_case = if self.case_sensitive { byte } else { byte.to_ascii_uppercase() };
        let mut at = from + offset;
        while let Some(rest) = text.as_bytes().get(at..) {
            let hit =
                if byte == other_case { memchr::memchr(byte, rest) } else { memchr::memchr2(byte, other_case, rest) };
            let start = at + hit? - offset;
            at = start + offset + 1;
            if text.is_char_boundary(start)
                && starts.admits(text, start)
                && let Some(length) = self.length_at_start(&text[start..])
                && ends.admits(text, start + length)
            {
                return Some((start, start + length));
            }
        }
        None
    }

    /// For needles that begin with a character outside ASCII whose cases may have different bytes.
    fn find_by_character(self, text: &str, from: usize, starts: Border, ends: Border) -> Option<(usize, usize)> {
        let first = self.text.chars().next()?;
        for (at, character) in text[from..].char_indices() {
            if !character.is_ascii()
                && fold(character) == first
                && let start = from + at
                && starts.admits(text, start)
                && let Some(length) = self.length_at_start(&text[start..])
                && ends.admits(text, start + length)
            {
                return Some((start, start + length));
            }
        }
        None
    }

    /// Among the first bytes of the needle the one that texts hold least, and its offset. Ignoring case, only the bytes
    /// before the first character outside ASCII have a fixed place; `None` when there are none.
    #[inline]
    fn rarest(self) -> Option<(usize, u8)> {
        const LOOKED_AT: usize = 12;
        let bytes = self.text.as_bytes().iter().copied().take(LOOKED_AT);
        bytes
            .take_while(|byte| self.case_sensitive || byte.is_ascii())
            .enumerate()
            .min_by_key(|&(_, byte)| COMMONNESS[usize::from(byte)])
    }
}

/// How common a byte is in the values of audit events, roughly; both cases of a letter count together.
const COMMONNESS: [u8; 256] = {
    let mut table = [1; 256];
    let ordered = b"vwbyfkghm\"_=,[]pud{lcor tsnia-/e.:0123456789";
    let mut at = 0;
    while at < ordered.len() {
        table[ordered[at] as usize] = at as u8 + 2;
        table[ordered[at].to_ascii_uppercase() as usize] = at as u8 + 2;
        at += 1;
    }
    table
};

fn folded_length(text: &str, folded_needle: &str) -> Option<usize> {
    let mut found = text.chars();
    for want in folded_needle.chars() {
        if fold(found.next()?) != want {
            return None;
        }
    }
    Some(text.len() - found.as_str().len())
}

/// Whether the byte offset `at` of `text` lies inside a term: a term character on either side.
#[inline]
fn is_inside_term(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at..].chars().next();
    matches!((before, after), (Some(before), Some(after)) if is_term_character(before) && is_term_character(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_runs_of_letters_and_digits() {
        let check = |text: &str, expected: &[&str]| assert_eq!(terms(text).collect::<Vec<_>>(), expected, "{text}");
        check("kms.secrets-alias.delete", &["kms", "secrets", "alias", "delete"]);
        check("org.add_member", &["org", "add", "member"]);
        check("Zoë O’Brien 7½", &["Zoë", "O", "Brien", "7½"]);
        check("crn:v1::a/5f", &["crn", "v1", "a", "5f"]);
        check("東京 地域", &["東京", "地域"]);
        check("--", &[]);
        check("", &[]);
    }

    #[test]
    fn folding_is_settled_after_once_and_never_enters_ascii() {
        for character in '\0'..=char::MAX {
            let once = fold(character);
            assert_eq!(fold(once), once, "{character:?}");
            assert_eq!(once.is_ascii(), character.is_ascii(), "{character:?}");
        }
        assert_eq!(folded("ÄRGER Σ İ \u{212a}"), "ärger σ İ \u{212a}");
    }

    #[test]
    fn a_needle_is_found_whatever_the_width_of_its_other_case() {
        // Ⱥ has two bytes and its lower case ⱥ three.
        let needle = Needle { text: &folded("xȺ"), case_sensitive: false };
        let find = |text| needle.find(text, 0, Border::Anywhere, Border::Anywhere);
        assert_eq!(find("..XȺ!"), Some((2, 5)));
        assert_eq!(find("..xⱥ!"), Some((2, 6)));
        assert_eq!(needle.start_at_end("..XȺ"), Some(2));
        assert_eq!(find("..x"), None);
    }
}
