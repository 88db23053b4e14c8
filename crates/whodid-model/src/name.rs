//! Names that become parts of paths, checked once at the edge.
//!
//! A value of these types is safe to use as a folder name: it never holds a separator, a dot or
//! an upper-case letter, so no input can choose a path.

use serde::{Deserialize, Serialize};

/// Longest account, space or stream name, in bytes.
pub const NAME_BYTES_MAX: usize = 63;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("the {what} name is empty")]
    Empty {
        /// Which kind of name.
        what: &'static str,
    },
    /// Longer than [`NAME_BYTES_MAX`].
    #[error("the {what} name has {bytes} bytes; at most {NAME_BYTES_MAX} are allowed")]
    TooLong {
        /// Which kind of name.
        what: &'static str,
        /// How long it was.
        bytes: usize,
    },
    /// A character outside the allowed set.
    #[error("the {what} name holds {character:?}; only a-z, 0-9, '-' and '_' are allowed, first a letter or digit")]
    Character {
        /// Which kind of name.
        what: &'static str,
        /// The first character that does not fit.
        character: char,
    },
}

fn check(what: &'static str, text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { what });
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { what, bytes: text.len() });
    }
    for (position, character) in text.chars().enumerate() {
        let plain = character.is_ascii_lowercase() || character.is_ascii_digit();
        if !plain && (position == 0 || !matches!(character, '-' | '_')) {
            return Err(NameError::Character { what, character });
        }
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Checks and takes the name: 1 to [`NAME_BYTES_MAX`] of `[a-z0-9_-]`, first a letter or digit.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check($what, text)?;
                Ok(Self(text.to_owned()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                check($what, &text)?;
                Ok(Self(text))
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }
    };
}

name!(
    /// A tenant. Nothing is shared between two accounts.
    AccountName,
    "account"
);
name!(
    /// A part of an account; events of a space are read under their own right.
    SpaceName,
    "space"
);
name!(
    /// An account's named sequence of records with one retention class.
    StreamName,
    "stream"
);

impl AccountName {
    /// The account that `whodid init` makes.
    pub fn default_account() -> Self {
        Self("default".to_owned())
    }
}

impl StreamName {
    /// Events as received from services.
    pub fn activity() -> Self {
        Self("activity".to_owned())
    }

    /// What was done in whodid itself.
    pub fn audit() -> Self {
        Self("audit".to_owned())
    }

    /// What departs from what is usual: starts, updates and ends of insights.
    pub fn insights() -> Self {
        Self("insights".to_owned())
    }

    /// What whodid found in others.
    pub fn findings() -> Self {
        Self("findings".to_owned())
    }

    /// What could not be read, with its raw bytes and the reason.
    pub fn rejects() -> Self {
        Self("rejects".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_holds_what_could_leave_its_folder() {
        for bad in ["", "..", "a/b", "a.b", "A", "-a", "a\0", "é", "%2e"] {
            assert!(StreamName::parse(bad).is_err(), "{bad:?} was taken");
        }
        assert!(StreamName::parse(&"a".repeat(64)).is_err());
        assert_eq!(StreamName::parse("kms-prod_1").map(String::from), Ok("kms-prod_1".to_owned()));
    }
}
