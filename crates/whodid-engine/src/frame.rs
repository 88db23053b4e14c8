//! What one request becomes in the journal: a frame with a header and its batches.
//!
//! Layout, version 1: `u8 version | u32 header length (little endian) | header as JSON | parts`.
//! A part's bytes are what [`whodid_lake::encode_batch`] made of the rows *without* offset and recorded
//! time; the header gives both, so that a batch can be compressed before its place is known.

use serde::{Deserialize, Serialize};
use whodid_model::{AccountName, Offset, StreamName, Timestamp};

use crate::ingest::IngestReply;

/// Version written by this build.
pub const FRAME_VERSION: u8 = 1;

/// The head of a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameHeader {
    /// Whose records.
    pub account: AccountName,
    /// When they were taken in.
    pub recorded_at: Timestamp,
    /// The batches, in the order in which their bytes follow.
    pub parts: Vec<PartHeader>,
    /// What the request was answered, when it came with an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
}

/// One batch of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartHeader {
    /// The stream.
    pub stream: StreamName,
    /// Offset of the first row; the others follow without gap.
    pub first: Offset,
    /// Number of rows.
    pub rows: u64,
    /// Bytes of the encoded batch.
    pub batch_bytes: u64,
    /// Bytes of the duplicate keys that follow the batch ([`crate::duplicates::KEY_BYTES`] each).
    pub key_bytes: u64,
}

/// The answer kept for a repeated request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Hash of account and idempotency key, in hex.
    pub key: String,
    /// Hash of the body, in hex: the same key with another body is a mistake of the caller.
    pub body: String,
    /// The answer.
    pub reply: IngestReply,
}

/// One batch as it stands in a frame.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// Its head.
    pub header: PartHeader,
    /// The encoded rows.
    pub batch: &'a [u8],
    /// The duplicate keys of the rows that have one.
    pub keys: &'a [u8],
}

/// Why stored bytes are no frame of ours.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Written by a newer whodid.
    #[error(
        "the frame has format version {found}; this build reads up to {FRAME_VERSION}: start the newer whodid that wrote it"
    )]
    Version {
        /// What it says.
        found: u8,
    },
    /// The checksum held but the content does not add up.
    #[error("the frame is damaged: {0}")]
    Damaged(&'static str),
}

/// Writes a frame.
pub fn encode(header: &FrameHeader, parts: &[(&[u8], &[u8])]) -> Vec<u8> {
    let head = serde_json::to_vec(header).expect("a header has only string keys");
    let body: usize = parts.iter().map(|(batch, keys)| batch.len() + keys.len()).sum();
    let mut frame = Vec::with_capacity(5 + head.len() + body);
    frame.push(FRAME_VERSION);
    frame.extend_from_slice(&u32::try_from(head.len()).expect("a header is far below 4 GiB").to_le_bytes());
    frame.extend_from_slice(&head);
    for (batch, keys) in parts {
        frame.extend_from_slice(batch);
        frame.extend_from_slice(keys);
    }
    frame
}

/// Reads a frame.
pub fn decode(frame: &[u8]) -> Result<(FrameHeader, Vec<Part<'_>>), FrameError> {
    let (&version, rest) = frame.split_first().ok_or(FrameError::Damaged("it is empty"))?;
    if version != FRAME_VERSION {
        return Err(FrameError::Version { found: version });
    }
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(FrameError::Damaged("its header length is cut"))?;
    let length = u32::from_le_bytes(*length) as usize;
    let (head, mut rest) = rest.split_at_checked(length).ok_or(FrameError::Damaged("its header is cut"))?;
    let header: FrameHeader =
        serde_json::from_slice(head).map_err(|_| FrameError::Damaged("its header is not readable"))?;
    let mut parts = Vec::with_capacity(header.parts.len());
    for part in &header.parts {
        let (batch, after) = take(rest, part.batch_bytes)?;
        let (keys, after) = take(after, part.key_bytes)?;
        parts.push(Part { header: part.clone(), batch, keys });
        rest = after;
    }
    Ok((header, parts))
}

fn take(bytes: &[u8], count: u64) -> Result<(&[u8], &[u8]), FrameError> {
    usize::try_from(count)
        .ok()
        .and_then(|count| bytes.split_at_checked(count))
        .ok_or(FrameError::Damaged("a batch is cut"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn header() -> FrameHeader {
        FrameHeader {
            account: AccountName::default_account(),
            recorded_at: Timestamp::from_millis(1_767_571_200_123),
            parts: vec![PartHeader {
                stream: StreamName::activity(),
                first: Offset(7),
                rows: 2,
                batch_bytes: 3,
                key_bytes: 2,
            }],
            replay: None,
        }
    }

    #[test]
    fn a_frame_reads_back() {
        let frame = encode(&header(), &[(b"abc", b"xy")]);
        let (read, parts) = decode(&frame).unwrap();
        assert_eq!(read, header());
        assert_eq!((parts[0].batch, parts[0].keys), (&b"abc"[..], &b"xy"[..]));
    }

    #[test]
    fn a_cut_frame_is_told_and_never_panics() {
        let frame = encode(&header(), &[(b"abc", b"xy")]);
        for length in 0..frame.len() {
            assert!(decode(&frame[..length]).is_err(), "{length} bytes were taken for a frame");
        }
    }

    #[test]
    fn the_layout_of_version_1_stays_readable() {
        let golden = b"\x01\x8f\x00\x00\x00{\"account\":\"default\",\"recorded_at\":\"2026-01-05T00:00:00.123Z\",\"parts\":[{\"stream\":\"activity\",\"first\":7,\"rows\":2,\"batch_bytes\":3,\"key_bytes\":2}]}abcxy";
        assert_eq!(encode(&header(), &[(b"abc", b"xy")]), golden);
        let (read, _) = decode(golden).unwrap();
        assert_eq!(read, header());
    }
}
