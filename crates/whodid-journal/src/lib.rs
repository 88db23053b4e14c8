//! The journal: what was acknowledged is on disk, and is read back once, in order, after any crash.
//!
//! A journal takes groups of frames. A group is written and synced as one, and only then does
//! [`Journal::append`] return: an acknowledged group survives the loss of power. A group is all or
//! nothing, in recovery too. Frames are numbered from 1 without gaps ([`Position`]) and a number is
//! never given to two acknowledged frames.
//!
//! [`FileJournal`] keeps segment files in a folder; the layout is in [`mod@format`], how damage is
//! told from a torn tail in [`FileJournal::open`]. [`MemoryJournal`] keeps everything in memory, for
//! tests and for trying things out. Both pass the suite in `contract`.
//!
//! The journal knows nothing of what frames hold, and does not remember what was released beyond the
//! removal of whole segments: a reader of [`Recovered`] skips what it already has elsewhere.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod disk;
mod file;
pub mod format;
mod memory;
mod recovered;
mod salvage;
mod scan;
mod spare;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use file::{FileJournal, OpenError, Options};
pub use memory::MemoryJournal;
pub use recovered::{ReadError, Recovered, RecoveryReport};
pub use salvage::{SalvageError, SalvageReport, salvage};
pub use scan::Damage;

/// The most bytes one frame may hold.
pub const FRAME_BYTES_MAX: usize = 32 << 20;

/// The most frames one group may hold.
pub const GROUP_FRAMES_MAX: usize = 1 << 16;

/// The number of a frame: from 1, without gaps, never given to two acknowledged frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// The position of the first frame of a new journal.
    pub const FIRST: Self = Self(1);

    /// The position with this number; `None` for 0.
    pub fn new(number: u64) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// Its number, from 1.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// An ordered, durable list of frames with one writer.
pub trait Journal: Send {
    /// Appends the frames as one group and syncs it. Returns the position of the last of them.
    ///
    /// On an error none of them is in the journal, but for [`AppendError::SyncFailed`], after which
    /// nobody can know, and the process has to end.
    fn append(&mut self, frames: &[&[u8]]) -> Result<Position, AppendError> {
        self.append_leaving(frames, 0)
    }

    /// As [`Journal::append`], and refused when it would leave less than `reserve_bytes` for appends that may use
    /// them: below the bound, and on the disk of what is already there for frames. A journal on a disk keeps no
    /// more than a quarter of a segment ready there.
    fn append_leaving(&mut self, frames: &[&[u8]], reserve_bytes: u64) -> Result<Position, AppendError>;

    /// Whether the next append that leaves `reserve_bytes` would find room. May prepare it; appends nothing.
    fn has_room(&mut self, reserve_bytes: u64) -> bool;

    /// Says that frames up to and including `up_to` are no longer needed. They may still be read
    /// back after a restart; those beyond `up_to` certainly are.
    fn release(&mut self, up_to: Position) -> Result<(), ReleaseError>;

    /// Bytes that frames not yet released take, counted in whole segments where there are segments.
    fn used_bytes(&self) -> u64;

    /// The most that [`Journal::used_bytes`] may become.
    fn bound_bytes(&self) -> u64;

    /// The position of the last appended frame; `None` before the first.
    fn last(&self) -> Option<Position>;
}

/// Why a group was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The journal is at its bound; nothing was written. Retry after a release.
    #[error("the journal holds {used_bytes} bytes, and {group_bytes} more would pass its bound of {bound_bytes}")]
    Bound {
        /// What it holds.
        used_bytes: u64,
        /// What was to be added.
        group_bytes: u64,
        /// The bound, without what was to be left.
        bound_bytes: u64,
    },
    /// The disk is full; nothing was written, and the journal stays whole. Retry after space was made.
    #[error("no space on the disk for the journal in {folder}")]
    Full {
        /// The journal's folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk refused a write; nothing of the group is kept, and the journal stays whole.
    #[error("cannot write journal segment {segment}")]
    Write {
        /// The segment file.
        segment: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A sync failed. What is on disk is unknown; every later append fails. End the process.
    #[error("cannot sync journal segment {segment}; what is on disk is unknown until the journal is opened again")]
    SyncFailed {
        /// The segment file or the folder.
        segment: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An earlier sync failed. End the process.
    #[error("an earlier sync of the journal failed; it takes nothing until it is opened again")]
    Poisoned,
    /// The caller's mistake: no frames, too many, or one too large. Nothing was written.
    #[error(
        "a group of {frames} frames, the largest of {largest_bytes} bytes, is outside 1 to {GROUP_FRAMES_MAX} frames of at most {FRAME_BYTES_MAX} bytes"
    )]
    Shape {
        /// How many frames were given.
        frames: usize,
        /// The size of the largest.
        largest_bytes: usize,
    },
}

/// Why released segments could not be removed. Nothing is lost; the next release tries again.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove released journal segment {segment}")]
pub struct ReleaseError {
    /// The segment file.
    pub segment: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

/// Checks what every journal demands of a group.
fn check_shape(frames: &[&[u8]]) -> Result<(), AppendError> {
    let largest_bytes = frames.iter().map(|frame| frame.len()).max().unwrap_or(0);
    if frames.is_empty() || frames.len() > GROUP_FRAMES_MAX || largest_bytes > FRAME_BYTES_MAX {
        return Err(AppendError::Shape { frames: frames.len(), largest_bytes });
    }
    Ok(())
}
