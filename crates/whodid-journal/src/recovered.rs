//! What was in the journal when it was opened, read a segment at a time.

use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Position;
use crate::format::{HEADER_BYTES, Header};
use crate::scan::FrameReader;

/// What opening the journal found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecoveryReport {
    /// Frames that [`Recovered`] gives.
    pub frames: u64,
    /// The first of them. A caller that knows what it has elsewhere can see here whether any are missing.
    pub first: Option<Position>,
    /// The last frame the journal ever took, even when it was released since.
    pub last: Option<Position>,
    /// Bytes of a group that was being written when the process ended, and was never acknowledged.
    pub bytes_cut: u64,
    /// Segment files that hold frames.
    pub segments: usize,
    /// The number of this opening.
    pub epoch: u64,
}

/// The frames that were in the journal when it was opened, in order.
///
/// May hold frames that were released, where their segment also holds others. Memory: one frame and a
/// read buffer. It keeps its files open, so appends and releases may go on while it is read.
#[derive(Debug)]
pub struct Recovered {
    report: RecoveryReport,
    segments: VecDeque<Part>,
    reading: Option<(PathBuf, FrameReader, u64)>,
    next: u64,
    /// While it lives, no segment is recycled under it.
    _reader: Arc<()>,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) header: Header,
    pub(crate) end: u64,
}

/// A frame that was whole at opening can no longer be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read frame {position} of journal segment {segment} a second time")]
pub struct ReadError {
    /// The segment file.
    pub segment: PathBuf,
    /// The frame.
    pub position: u64,
    /// What the system said; none when the bytes have changed.
    pub source: Option<std::io::Error>,
}

impl Recovered {
    pub(crate) fn new(report: RecoveryReport, segments: VecDeque<Part>, reader: Arc<()>) -> Self {
        Self { report, segments, reading: None, next: 0, _reader: reader }
    }

    /// What opening the journal found.
    pub fn report(&self) -> RecoveryReport {
        self.report
    }

    fn step(&mut self) -> Result<Option<(Position, Vec<u8>)>, ReadError> {
        loop {
            if self.reading.is_none() {
                let Some(part) = self.segments.pop_front() else { return Ok(None) };
                self.next = part.header.first_position;
                let reader =
                    FrameReader::new(&part.file, part.header.seal(), HEADER_BYTES, part.end).map_err(|source| {
                        ReadError { segment: part.path.clone(), position: self.next, source: Some(source) }
                    })?;
                self.reading = Some((part.path, reader, part.end));
            }
            let Some((segment, reader, end)) = &mut self.reading else { continue };
            if reader.at() == *end {
                self.reading = None;
                continue;
            }
            let position = self.next;
            let failed = |source| ReadError { segment: segment.clone(), position, source };
            let head = reader.next().map_err(|source| failed(Some(source)))?;
            let Some(head) = head.filter(|head| head.position == position) else { return Err(failed(None)) };
            self.next += 1;
            let position = Position::new(head.position).expect("heads of position 0 are not valid");
            return Ok(Some((position, reader.payload().to_vec())));
        }
    }
}

impl Iterator for Recovered {
    type Item = Result<(Position, Vec<u8>), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.segments.clear();
            self.reading = None;
        }
        step.transpose()
    }
}
