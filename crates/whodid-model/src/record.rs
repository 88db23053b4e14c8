//! A record: an event as kept, with its place and its recorded time.

use serde::{Deserialize, Serialize};

use crate::{AccountName, StreamName, Timestamp};

/// A record's place in its stream: gapless from 0, given at ingest, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Offset {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// What whodid itself knows of a record; everything else is the sender's claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Place in the stream.
    pub offset: Offset,
    /// When the batch that holds the record was taken in. Never decreases with the offset.
    pub recorded_at: Timestamp,
    /// Whose record it is.
    pub account: AccountName,
    /// The sequence it belongs to.
    pub stream: StreamName,
}

/// Names one record in an account for good: `activity:42`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordId {
    /// The stream.
    pub stream: StreamName,
    /// The place in it.
    pub offset: Offset,
}

impl RecordId {
    /// Reads `stream:offset`; `None` for anything else (it is then an event id).
    pub fn parse(text: &str) -> Option<Self> {
        let (stream, offset) = text.rsplit_once(':')?;
        let digits = !offset.is_empty() && offset.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            return None;
        }
        Some(Self { stream: StreamName::parse(stream).ok()?, offset: Offset(offset.parse().ok()?) })
    }
}

impl std::fmt::Display for RecordId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.stream, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_id_reads_back_and_an_event_id_is_not_one() {
        let id = RecordId { stream: StreamName::activity(), offset: Offset(42) };
        assert_eq!(id.to_string(), "activity:42");
        assert_eq!(RecordId::parse("activity:42"), Some(id));
        for other in ["59ea0075-5003-5674-9f8d-1d4fa59e9bec", "urn:uuid:7", "activity:", ":4", "activity:4x", "42"] {
            let parsed = RecordId::parse(other);
            assert_eq!(parsed, None, "{other}");
        }
    }
}
