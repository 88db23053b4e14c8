//! A quick scan for a text that any value must hold to pass a test.
//!
//! The scan is conservative: a row it leaves out cannot pass. Case is folded in ASCII only, which
//! is exact for an ASCII needle because the search language never folds across the border of ASCII
//! (`whodid_query::text`).

use arrow::array::{Array, BooleanBufferBuilder, StringArray};
use arrow::buffer::BooleanBuffer;
use memchr::memmem;
use whodid_query::Test;

/// Finds one needle in many texts.
#[derive(Debug, Clone)]
pub(crate) struct Finder {
    memmem: memmem::Finder<'static>,
    length: usize,
    ignore_case: bool,
}

/// Bytes folded at a time: small enough to stay in the nearest caches.
const FOLD_BYTES: usize = 64 << 10;

impl Finder {
    /// For the text that every value passing `test` holds; `None` when there is none.
    pub(crate) fn of(test: &Test) -> Option<Self> {
        match test {
            Test::Prefix { text, case_sensitive } | Test::Exact { text, case_sensitive } => {
                Self::holding(text, !case_sensitive)
            }
            Test::Phrase { text } => Self::holding(text, true),
            Test::Wildcard { pieces, case_sensitive, .. } => {
                let longest = pieces.iter().max_by_key(|piece| piece.len())?;
                Self::holding(longest, !case_sensitive)
            }
            Test::Exists | Test::Compare(_) | Test::Cidr(_) => None,
        }
    }

    /// For exactly this text.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        Self::holding(text, false)
    }

    fn holding(text: &str, ignore_case: bool) -> Option<Self> {
        // What is not ASCII has other cases of other lengths; the longest ASCII part must stand there too.
        let needle = if ignore_case {
            text.split(|character: char| !character.is_ascii()).max_by_key(|part| part.len())?.to_ascii_lowercase()
        } else {
            text.to_owned()
        };
        if needle.is_empty() {
            return None;
        }
        let ignore_case = ignore_case && needle.bytes().any(|byte| byte.is_ascii_alphabetic());
        Some(Self { memmem: memmem::Finder::new(needle.as_bytes()).into_owned(), length: needle.len(), ignore_case })
    }

    /// The needle, in lower case when case is ignored.
    pub(crate) fn needle(&self) -> &[u8] {
        self.memmem.needle()
    }

    /// Whether `text` holds the needle.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.first_in(text).is_some()
    }

    /// Where the needle first stands in `text`, in bytes.
    pub(crate) fn first_in(&self, text: &str) -> Option<usize> {
        if self.ignore_case {
            self.memmem.find(text.to_ascii_lowercase().as_bytes())
        } else {
            self.memmem.find(text.as_bytes())
        }
    }

    /// One bit a row: whether its text holds the needle.
    pub(crate) fn rows(&self, array: &StringArray) -> BooleanBuffer {
        let mut hits = Hits::new(array, self.length);
        let bytes = hits.bytes();
        if !self.ignore_case {
            let mut from = 0;
            while let Some(at) = self.memmem.find(&bytes[from..]) {
                from = hits.note(from + at);
            }
            return hits.found.finish();
        }
        let mut folded = Vec::with_capacity(FOLD_BYTES + self.length);
        let mut from = 0;
        while from < bytes.len() {
            // Blocks overlap by what a needle needs that begins in the last byte of one.
            let end = bytes.len().min(from + FOLD_BYTES + self.length - 1);
            folded.clear();
            folded.extend_from_slice(&bytes[from..end]);
            folded.make_ascii_lowercase();
            let start = from;
            while let Some(at) = folded.get(from - start..).and_then(|rest| self.memmem.find(rest)) {
                from = hits.note(from + at);
            }
            from = from.max(start + FOLD_BYTES);
        }
        hits.found.finish()
    }
}

/// Finds a needle in JSON text, where an escape may stand for it.
#[derive(Debug, Clone)]
pub(crate) struct JsonFinder {
    needle: Finder,
    /// What stands in every text that hides the needle. An escape within an encoded text has more
    /// backslashes before it, but ends alike.
    escapes: Vec<Finder>,
}

impl JsonFinder {
    pub(crate) fn new(needle: Finder) -> Self {
        let holds = |is_so: fn(&u8) -> bool| needle.needle().iter().any(is_so);
        // `\uXXXX` can stand for any character, the short escapes for the few that JSON cannot hold bare and the slash.
        let escapes: &[&str] = if holds(|byte| matches!(byte, b'"' | b'\\' | ..0x20)) {
            &["\\"]
        } else if holds(|byte| *byte == b'/') {
            &["\\u", "\\/"]
        } else {
            &["\\u"]
        };
        Self { escapes: escapes.iter().filter_map(|escape| Finder::of_text(escape)).collect(), needle }
    }

    /// The needle, in lower case when case is ignored.
    pub(crate) fn needle(&self) -> &[u8] {
        self.needle.needle()
    }

    /// Where the needle first stands as it is; `None` when only an escape could stand for it, or nothing.
    pub(crate) fn first_in(&self, text: &str) -> Option<usize> {
        self.needle.first_in(text)
    }

    /// Whether the needle may be in the values of the JSON text `text`.
    pub(crate) fn may_be_in(&self, text: &str) -> bool {
        self.needle.is_in(text) || self.escapes.iter().any(|escape| escape.is_in(text))
    }

    /// One bit a row: whether the needle may be in the values of its JSON text.
    pub(crate) fn rows(&self, array: &StringArray) -> BooleanBuffer {
        self.escapes.iter().fold(self.needle.rows(array), |found, escape| &found | &escape.rows(array))
    }
}

/// Turns places in the joined text of a column into rows.
struct Hits<'a> {
    array: &'a StringArray,
    offsets: &'a [i32],
    length: usize,
    row: usize,
    found: BooleanBufferBuilder,
}

impl<'a> Hits<'a> {
    fn new(array: &'a StringArray, length: usize) -> Self {
        let mut found = BooleanBufferBuilder::new(array.len());
        found.append_n(array.len(), false);
        Self { array, offsets: array.value_offsets(), length, row: 0, found }
    }

    /// The texts of all rows, joined.
    fn bytes(&self) -> &'a [u8] {
        let (first, last) = (self.offsets[0] as usize, self.offsets[self.array.len()] as usize);
        &self.array.value_data()[first..last]
    }

    /// Takes a needle found at `at`; returns from where to look on. Places only ascend.
    fn note(&mut self, at: usize) -> usize {
        let first = self.offsets[0];
        let place = first + at as i32;
        self.row += self.offsets[self.row..].partition_point(|offset| *offset <= place) - 1;
        let end = self.offsets[self.row + 1];
        // A needle across the border of two rows is in neither.
        if place as usize + self.length > end as usize {
            return at + 1;
        }
        if self.array.is_valid(self.row) {
            self.found.set_bit(self.row, true);
        }
        (end - first) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(needle: &str, ignore_case: bool, rows: &[Option<&str>], expected: &[usize]) {
        let finder = Finder::holding(needle, ignore_case).expect("not empty");
        let array = StringArray::from(rows.to_vec());
        let found: Vec<usize> = finder.rows(&array).set_indices().collect();
        assert_eq!(found, expected, "{needle:?} in {rows:?}");
        for slice_at in 0..rows.len() {
            let found: Vec<usize> = finder.rows(&array.slice(slice_at, rows.len() - slice_at)).set_indices().collect();
            let expected: Vec<usize> = expected.iter().filter_map(|row| row.checked_sub(slice_at)).collect();
            assert_eq!(found, expected, "{needle:?} in {rows:?} from {slice_at}");
        }
    }

    #[test]
    fn a_needle_is_found_in_its_rows_and_never_across_two() {
        check("abc", false, &[Some("xabcx"), Some(""), None, Some("ab"), Some("cabc"), Some("ABC")], &[0, 4]);
        check("aa", false, &[Some("a"), Some("aa"), Some("a"), Some("aaa")], &[1, 3]);
        check("AbC", true, &[Some("xabc"), Some("aBcabc"), Some("ab"), Some("c")], &[0, 1]);
        check("é-x", true, &[Some("É-X"), Some("e-x"), Some("-y")], &[0, 1]);
        check("e", true, &[Some("eee"), Some("E"), Some("x")], &[0, 1]);
    }

    #[test]
    fn a_needle_is_found_across_the_blocks_of_the_scan() {
        let mut text = "x".repeat(FOLD_BYTES - 3);
        text.push_str("NEEDLE");
        check("needle", true, &[Some("needl"), Some(&text), Some("e"), Some("Needle")], &[1, 3]);
    }
}
