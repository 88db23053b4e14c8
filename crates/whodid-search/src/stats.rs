//! What a search cost, told with every answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a search touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Rows that the condition was tested on, in memory and in segments.
    pub rows_scanned: u64,
    /// Segments of the snapshot.
    pub segments: u64,
    /// Segments of which more than the footer was read.
    pub segments_read: u64,
    /// Rows of the snapshot that are in memory.
    pub tail_rows: u64,
    /// Time from the call to the answer, waiting included.
    pub took: Duration,
}

/// An answer and what it cost.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// What it cost.
    pub stats: Stats,
}

/// Counts up while a search runs on several threads.
#[derive(Debug)]
pub(crate) struct Meter {
    started: Instant,
    segments: u64,
    tail_rows: u64,
    rows_scanned: AtomicU64,
    segments_read: AtomicU64,
}

impl Meter {
    pub(crate) fn start(segments: usize, tail_rows: usize) -> Self {
        Self {
            started: Instant::now(),
            segments: segments as u64,
            tail_rows: tail_rows as u64,
            rows_scanned: AtomicU64::new(0),
            segments_read: AtomicU64::new(0),
        }
    }

    pub(crate) fn scanned(&self, rows: usize) {
        self.rows_scanned.fetch_add(rows as u64, Ordering::Relaxed);
    }

    pub(crate) fn read_segment(&self) {
        self.segments_read.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            rows_scanned: self.rows_scanned.load(Ordering::Relaxed),
            segments: self.segments,
            segments_read: self.segments_read.load(Ordering::Relaxed),
            tail_rows: self.tail_rows,
            took: self.started.elapsed(),
        }
    }
}
