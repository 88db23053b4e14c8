//! Texts that come again and again, as small numbers.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

/// Bytes of a text that count; what is longer is cut.
const BYTES_MAX: usize = 200;

/// Number of a text in [`Names`].
pub type Name = u32;

/// Texts by number and numbers by text.
#[derive(Debug, Clone, Default)]
pub struct Names {
    texts: Vec<Box<str>>,
    by_text: HashTable<Name>,
    /// Of this process: who sends texts must not choose where they are kept. Nothing depends on the order of the table.
    keys: RandomState,
    bytes: usize,
}

impl Names {
    /// The number of a text; a new one, if it was not known.
    pub fn of(&mut self, text: &str) -> Name {
        let text = &text[..text.floor_char_boundary(BYTES_MAX)];
        let hash = self.keys.hash_one(text);
        if let Some(known) = self.by_text.find(hash, |name| &*self.texts[*name as usize] == text) {
            return *known;
        }
        let name = Name::try_from(self.texts.len()).unwrap_or(Name::MAX);
        self.bytes += text.len();
        self.texts.push(text.into());
        let Self { texts, keys, .. } = self;
        self.by_text.insert_unique(hash, name, |name| keys.hash_one(&*texts[*name as usize]));
        name
    }

    /// The text of a number that [`Names::of`] gave.
    pub fn text(&self, name: Name) -> &str {
        self.texts.get(name as usize).map_or("", |text| text)
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> usize {
        self.bytes + self.texts.capacity() * size_of::<Box<str>>() + self.by_text.capacity() * 5
    }

    /// Bytes of the texts alone: the same after a restart, as what hangs on it must be.
    pub fn text_bytes(&self) -> usize {
        self.bytes
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Keeps only texts that are in use, and tells where each went: by old number its new one.
    pub fn retain(&mut self, is_used: impl Fn(Name) -> bool) -> Vec<Option<Name>> {
        let old = std::mem::take(self);
        old.texts.iter().zip(0..).map(|(text, name)| is_used(name).then(|| self.of(text))).collect()
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl Serialize for Names {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.texts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut names = Self::default();
        for text in Vec::<Box<str>>::deserialize(deserializer)? {
            names.of(&text);
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_and_a_long_one_is_cut() {
        let mut names = Names::default();
        let (first, second) = (names.of("kms"), names.of("iam"));
        assert_eq!((names.of("kms"), names.text(second)), (first, "iam"));
        let long = "ä".repeat(300);
        let cut = names.of(&long);
        assert_eq!(names.text(cut).len(), 200);
        assert_eq!(names.of(&long), cut);
        let moved = names.retain(|name| name != first);
        assert_eq!(moved, [None, Some(0), Some(1)]);
        assert_eq!(names.text(0), "iam");
        let again: Names = serde_json::from_str(&serde_json::to_string(&names).unwrap()).unwrap();
        assert_eq!((names.text_bytes(), again.text_bytes()), (203, 203));
    }
}
