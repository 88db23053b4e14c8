//! What could not be read, and why.

use serde::{Deserialize, Serialize};

/// Why an input is a reject. The text form is stable: it stands in API answers and in storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text is not JSON.
    NotJson,
    /// JSON, but not of a kind that can be an event (a number, a string, an empty line's value).
    NotAnObject,
    /// An object names the same key twice. No longer given: the last one counts. Stands in what earlier
    /// versions stored.
    DuplicateKey,
    /// Nested deeper than the bound.
    TooDeep,
    /// One event is larger than the bound.
    TooLarge,
    /// The object lacks what its format cannot do without.
    MissingField,
    /// A member has a form that the format does not know (a time that is none).
    BadField,
    /// `auto` could not tell the format.
    UnknownFormat,
    /// The event was read, and its sender's key is not for such events.
    OutsideScope,
    /// The decoder failed; the defect is ours and the raw bytes are kept for the mend.
    DecoderFailed,
}

impl RejectCode {
    /// All codes, in the order in which they are checked.
    pub const ALL: [Self; 11] = [
        Self::TooLarge,
        Self::NotUtf8,
        Self::NotJson,
        Self::TooDeep,
        Self::DuplicateKey,
        Self::NotAnObject,
        Self::UnknownFormat,
        Self::MissingField,
        Self::BadField,
        Self::OutsideScope,
        Self::DecoderFailed,
    ];

    /// The stable text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::DuplicateKey => "duplicate_key",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::MissingField => "missing_field",
            Self::BadField => "bad_field",
            Self::UnknownFormat => "unknown_format",
            Self::OutsideScope => "outside_scope",
            Self::DecoderFailed => "decoder_failed",
        }
    }
}

/// One refused input: its code and a sentence that names what, where and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Why, for programs.
    pub code: RejectCode,
    /// Why, for people; never holds the payload itself.
    pub detail: String,
}

impl Reject {
    /// Makes a reject.
    pub fn new(code: RejectCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
