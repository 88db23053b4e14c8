//! A journal in memory: nothing survives the process.

use std::collections::VecDeque;

use crate::{AppendError, Journal, Position, ReleaseError, check_shape, format};

/// A [`Journal`] without a disk.
#[derive(Debug)]
pub struct MemoryJournal {
    frames: VecDeque<Vec<u8>>,
    last: u64,
    used_bytes: u64,
    bound_bytes: u64,
}

impl MemoryJournal {
    /// An empty journal that holds at most `bound_bytes`.
    pub fn new(bound_bytes: u64) -> Self {
        Self { frames: VecDeque::new(), last: 0, used_bytes: 0, bound_bytes }
    }

    /// The frames not released, in order.
    pub fn frames(&self) -> impl Iterator<Item = (Position, &[u8])> {
        let first = self.last - self.frames.len() as u64 + 1;
        let positions = (first..).map(|number| Position::new(number).expect("counted from 1"));
        positions.zip(self.frames.iter().map(Vec::as_slice))
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new(crate::Options::default().bound_bytes)
    }
}

impl Journal for MemoryJournal {
    fn append_leaving(&mut self, frames: &[&[u8]], reserve_bytes: u64) -> Result<Position, AppendError> {
        check_shape(frames)?;
        let group_bytes = frames.iter().map(|frame| format::frame_bytes(frame.len())).sum();
        let (used_bytes, bound_bytes) = (self.used_bytes, self.bound_bytes.saturating_sub(reserve_bytes));
        if used_bytes + group_bytes > bound_bytes {
            return Err(AppendError::Bound { used_bytes, group_bytes, bound_bytes });
        }
        self.frames.extend(frames.iter().map(|frame| frame.to_vec()));
        self.used_bytes += group_bytes;
        self.last += frames.len() as u64;
        Ok(Position::new(self.last).expect("at least one frame was appended"))
    }

    fn has_room(&mut self, reserve_bytes: u64) -> bool {
        self.used_bytes() + reserve_bytes < self.bound_bytes()
    }

    fn release(&mut self, up_to: Position) -> Result<(), ReleaseError> {
        while self.last - (self.frames.len() as u64) < up_to.get() {
            let Some(frame) = self.frames.pop_front() else { break };
            self.used_bytes -= format::frame_bytes(frame.len());
        }
        Ok(())
    }

    fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    fn bound_bytes(&self) -> u64 {
        self.bound_bytes
    }

    fn last(&self) -> Option<Position> {
        Position::new(self.last)
    }
}
