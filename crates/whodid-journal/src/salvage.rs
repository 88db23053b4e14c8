//! Reading what can still be read of a damaged journal.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::format::{HEADER_BYTES, Header};
use crate::scan::{self, Damage, FrameReader, for_each_head};
use crate::{OpenError, Position, file};

/// What [`salvage`] read and what it could not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SalvageReport {
    /// Frames given.
    pub frames: u64,
    /// The last of them.
    pub last: Option<Position>,
    /// What cannot be read, in order. A torn tail, which was never acknowledged, is not in it.
    pub damage: Vec<Damage>,
}

/// Why nothing can be salvaged.
#[derive(Debug, thiserror::Error)]
pub enum SalvageError {
    /// The folder is in use or cannot be locked.
    #[error(transparent)]
    Open(OpenError),
    /// The system refused a read.
    #[error("cannot read the journal in {folder}")]
    Read {
        /// The journal's folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Gives every whole frame of the journal in `folder` to `each`, in order, and changes nothing.
///
/// Frames are whole, were written by this journal and come once each. Frames of the last group may be
/// given though they were never acknowledged, when part of that group is all that a crash left.
/// To go on afterwards: move the folder away, open a new journal with [`crate::Options::first_position`]
/// behind the last position ever used, and hand it what was read.
pub fn salvage(folder: &Path, each: &mut dyn FnMut(Position, &[u8])) -> Result<SalvageReport, SalvageError> {
    let _lock = file::lock(folder).map_err(SalvageError::Open)?;
    salvage_locked(folder, each).map_err(|source| SalvageError::Read { folder: folder.into(), source })
}

fn salvage_locked(folder: &Path, each: &mut dyn FnMut(Position, &[u8])) -> io::Result<SalvageReport> {
    let mut found = scan::find(folder)?;
    let mut report = SalvageReport::default();
    // The position that comes next if nothing is lost; 0 as long as that is not known.
    let mut next = 0;
    for place in 0..found.len() {
        let (end, successor_first) = match found.get(place + 1) {
            Some(after) => (after.header.as_ref().ok().map(|header| header.previous), Some(after.first_position)),
            None => (None, None),
        };
        let segment = &mut found[place];
        if next != 0 && segment.first_position != next {
            report.damage.push(Damage {
                segment: segment.path.clone(),
                bytes: 0..0,
                first_lost: next,
                last_lost: Some(segment.first_position - 1),
                what: "the segment before it is missing",
            });
        }
        next = segment.first_position;
        let Ok(header) = &segment.header else {
            report.damage.push(Damage {
                segment: segment.path.clone(),
                bytes: 0..segment.file_bytes,
                first_lost: next,
                last_lost: successor_first.map(|first| first - 1),
                what: "the header is damaged",
            });
            next = successor_first.unwrap_or(0);
            continue;
        };
        let limit = match end {
            Some(previous) if previous.number == header.number => previous.end.min(segment.file_bytes),
            _ => segment.file_bytes,
        };
        let part = Part { path: &segment.path, file: &segment.file, header, limit };
        next = salvage_segment(&part, next, each, &mut report)?;
        if let Some(first) = successor_first
            && next < first
        {
            report.damage.push(Damage {
                segment: segment.path.clone(),
                bytes: limit..limit,
                first_lost: next,
                last_lost: Some(first - 1),
                what: "the segment ends too early",
            });
            next = first;
        }
    }
    Ok(report)
}

struct Part<'a> {
    path: &'a Path,
    file: &'a File,
    header: &'a Header,
    limit: u64,
}

/// Gives the frames of one segment and returns the position that would come next.
fn salvage_segment(
    part: &Part<'_>,
    mut next: u64,
    each: &mut dyn FnMut(Position, &[u8]),
    report: &mut SalvageReport,
) -> io::Result<u64> {
    let seal = part.header.seal();
    let mut at = HEADER_BYTES;
    let mut bad_from = None;
    while at < part.limit {
        let mut reader = FrameReader::new(part.file, seal, at, part.limit)?;
        while let Some(head) = reader.next()? {
            if head.position < next {
                at = reader.at();
                continue;
            }
            if head.position > next {
                report.damage.push(Damage {
                    segment: part.path.into(),
                    bytes: bad_from.unwrap_or(at)..at,
                    first_lost: next,
                    last_lost: Some(head.position - 1),
                    what: "the checksums do not fit",
                });
            }
            bad_from = None;
            let position = Position::new(head.position).expect("heads of position 0 are not valid");
            each(position, reader.payload());
            report.frames += 1;
            report.last = Some(position);
            next = head.position + 1;
            at = reader.at();
        }
        // What is at `at` is no whole frame: go to the next place that has the head of one.
        bad_from = bad_from.or(Some(at));
        let mut found = None;
        for_each_head(part.file, seal, at + crate::format::ALIGNMENT, part.limit, |place, _| {
            found = Some(place);
            ControlFlow::Break(())
        })?;
        at = found.unwrap_or(part.limit);
    }
    Ok(next)
}
