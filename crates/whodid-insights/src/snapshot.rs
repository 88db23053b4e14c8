//! What is remembered, as bytes that are kept over a restart.
//!
//! In front stand a mark, the version and a checksum, so that what another release wrote or a disk damaged is told
//! apart, and never read as something else. Behind them the state in postcard's format. A snapshot can always be made
//! again from stored records; therefore a version that is not known is refused and never converted.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What every snapshot begins with.
const MARK: [u8; 4] = *b"whdI";
/// Counted up whenever the form of anything that is remembered changes.
const VERSION: u16 = 3;
/// Mark, version and checksum.
const HEAD_BYTES: usize = MARK.len() + 2 + 4;
/// The most bytes of a snapshot that are read.
pub const SNAPSHOT_BYTES_MAX: usize = 1 << 30;

/// Why a snapshot cannot be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Another release wrote it. What it holds is learned anew from records.
    #[error("the snapshot has version {found}, and this release reads {VERSION}")]
    Version {
        /// The version it says it has.
        found: u16,
    },
    /// It is no snapshot, or not whole, or not as it was written.
    #[error("the snapshot is damaged")]
    Damaged,
    /// It is longer than any snapshot may be.
    #[error("the snapshot has {bytes} bytes, and {SNAPSHOT_BYTES_MAX} are read at most")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
}

pub(crate) fn write<T: Serialize>(state: &T) -> Vec<u8> {
    let body = postcard::to_stdvec(state).expect("all parts of the state have a known length");
    let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
    bytes.extend_from_slice(&MARK);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RestoreError> {
    if bytes.len() > SNAPSHOT_BYTES_MAX {
        return Err(RestoreError::TooLarge { bytes: bytes.len() });
    }
    let rest = bytes.strip_prefix(&MARK).ok_or(RestoreError::Damaged)?;
    let (version, rest) = rest.split_first_chunk().ok_or(RestoreError::Damaged)?;
    let found = u16::from_le_bytes(*version);
    if found != VERSION {
        return Err(RestoreError::Version { found });
    }
    let (sum, body) = rest.split_first_chunk().ok_or(RestoreError::Damaged)?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
        return Err(RestoreError::Damaged);
    }
    match postcard::take_from_bytes(body) {
        Ok((state, [])) => Ok(state),
        _ => Err(RestoreError::Damaged),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let state = (7_u32, vec!["a".to_owned()], Some(-1.5_f32));
        assert_eq!(read::<(u32, Vec<String>, Option<f32>)>(&write(&state)), Ok(state));
    }

    #[test]
    fn another_version_is_refused_by_its_number() {
        let mut bytes = write(&7_u32);
        bytes[4] = 9;
        assert_eq!(read::<u32>(&bytes), Err(RestoreError::Version { found: 9 }));
    }

    #[test]
    fn damage_anywhere_is_noticed() {
        let bytes = write(&vec![1_u32, 200, 70_000]);
        for at in (0..bytes.len()).filter(|at| !(4..6).contains(at)) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert_eq!(read::<Vec<u32>>(&damaged), Err(RestoreError::Damaged), "byte {at}");
        }
        for length in 0..bytes.len() {
            assert_eq!(read::<Vec<u32>>(&bytes[..length]), Err(RestoreError::Damaged), "{length} bytes");
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(read::<Vec<u32>>(&longer), Err(RestoreError::Damaged));
    }
}
