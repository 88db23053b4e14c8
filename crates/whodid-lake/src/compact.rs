//! Several small segments become one, the rows unchanged.
//!
//! Only neighbours of one day are merged, so that the offset ranges of a day's segments never overlap.
//! Sizes fall into tiers, each [`TIER_FACTOR`] times the one before; a run of so many segments of a tier or
//! below becomes one of the next. So a record is rewritten once a tier, not once a flush. A day into which
//! nothing came for a while is merged whole.
//!
//! Rows stream through a merge of sorted files; appends, flushes and snapshots go on. What was replaced is
//! deleted by [`Table::vacuum`] when nobody reads it any more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use whodid_model::Timestamp;

use crate::commit::{LogError, LoggedFile};
use crate::parquet_file::{WRITE_ROWS, gather, integers};
use crate::rewrite::{Input, RewriteError, SegmentUpload, rows_a_batch};
use crate::schema::{column, partition_folder};
use crate::segment::Segment;
use crate::table::{InFlight, Table};

/// What merges aim at: a run stops growing here, and a segment of half this size is merged no more.
pub const SEGMENT_BYTES_TARGET: u64 = 128 << 20;
/// Segments below this form the lowest tier.
const TIER_BYTES: u64 = 256 << 10;
/// So many segments of a tier make one of the next.
const TIER_FACTOR: usize = 8;
/// In a quiet day so many small segments are merged, whatever their tiers.
const QUIET_SEGMENTS: usize = 4;
/// A past day is quiet when nothing was recorded in it for this long.
const QUIET_MICROS: i64 = 3600 * whodid_model::time::MICROS_A_SECOND;
/// Most segments of one merge: each is an open file and a decoded batch.
const MERGE_SEGMENTS_MAX: usize = 16;
/// How long segments are left alone whose merge has failed.
const UNMERGEABLE_MICROS: i64 = 3600 * whodid_model::time::MICROS_A_SECOND;

/// What a compaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactReport {
    /// The day whose segments were merged.
    pub date: String,
    /// How many became one.
    pub merged: usize,
    /// Rows of each side.
    pub rows: u64,
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
}

/// Why a compaction did not end. The table is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// A segment could not be read, or its successor not be written.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Another program replaced one of the segments meanwhile. The list was read anew; try again later.
    #[error("table {table} was changed by another during a compaction")]
    Changed {
        /// `account/stream`.
        table: String,
    },
    /// The merged rows are not the rows there were. A defect; nothing was committed.
    #[error("a merge of table {table} read {read} rows of {expected}")]
    Rows {
        /// `account/stream`.
        table: String,
        /// Rows the log tells of.
        expected: u64,
        /// Rows that came.
        read: u64,
    },
}

impl Table {
    /// Merges one run of small segments, if there is one that pays. Call again while it returns `Some`.
    ///
    /// Dropping the future at any point is as safe as a crash there.
    pub async fn compact(&self, now: Timestamp) -> Result<Option<CompactReport>, CompactError> {
        let _one = self.compacting.lock().await;
        let Some(run) = self.next_run(now) else { return Ok(None) };

        let first = run.iter().map(|segment| segment.offsets.0).min().expect("a run has segments");
        let last = run.iter().map(|segment| segment.offsets.1).max().expect("a run has segments");
        let date = run[0].date.clone();
        // No other file has this name: a run has two neighbours at least, so its range is new.
        let in_table = format!("{}/{:020}-{:020}-merged.parquet", partition_folder(&date), first.0, last.0);
        let mut in_flight = InFlight::new(self);
        in_flight.add(self.path(&in_table));
        let merged = match self.merge(&run, in_table, date).await {
            Ok(merged) => merged,
            Err(error) => {
                // The others of the table shall not wait for what may never be readable.
                let until = now.plus_micros(UNMERGEABLE_MICROS);
                self.state.lock().unmergeable.extend(run.iter().map(|segment| (segment.path.clone(), until)));
                return Err(error);
            }
        };
        self.commit_merge(&run, &merged, now).await?;
        Ok(Some(CompactReport {
            date: merged.date,
            merged: run.len(),
            rows: merged.facts.rows,
            bytes_before: run.iter().map(|segment| segment.bytes).sum(),
            bytes_after: merged.bytes,
        }))
    }

    fn next_run(&self, now: Timestamp) -> Option<Vec<Arc<Segment>>> {
        let mut state = self.state.lock();
        state.unmergeable.retain(|_, until| *until > now);
        choose_run(&state.segments, now, &|segment| !state.unmergeable.contains_key(&segment.path))
    }

    async fn merge(&self, run: &[Arc<Segment>], in_table: String, date: String) -> Result<LoggedFile, CompactError> {
        let expected: u64 = run.iter().map(|segment| segment.rows).sum();
        let mut rows = WRITE_ROWS;
        for segment in run {
            rows = rows.min(rows_a_batch(self, segment).await?);
        }
        let mut inputs = Vec::new();
        for segment in run {
            inputs.push(Input::open(self, segment, rows).await?);
        }
        let mut merge = Merge::new(inputs, rows).await?;
        let mut upload = SegmentUpload::begin(self, self.path(&in_table), expected as usize).await?;
        let written = async {
            while let Some(batch) = merge.next().await? {
                upload.write(&batch).await?;
            }
            match upload.rows() {
                read if read == expected => Ok(()),
                read => Err(CompactError::Rows { table: self.name(), expected, read }),
            }
        };
        if let Err(error) = written.await {
            upload.abort().await;
            return Err(error);
        }
        let (bytes, facts) = upload.finish().await?;
        Ok(LoggedFile { path: in_table, bytes, date, facts })
    }

    async fn commit_merge(
        &self,
        run: &[Arc<Segment>],
        merged: &LoggedFile,
        now: Timestamp,
    ) -> Result<(), CompactError> {
        let replaced = self.replace(run, std::slice::from_ref(merged), now, None).await?;
        if replaced { Ok(()) } else { Err(CompactError::Changed { table: self.name() }) }
    }
}

/// The first run of neighbours whose merge pays, smallest tier first. `segments` are in the order of date,
/// then offsets.
fn choose_run(
    segments: &[Arc<Segment>],
    now: Timestamp,
    may_merge: &dyn Fn(&Segment) -> bool,
) -> Option<Vec<Arc<Segment>>> {
    for day in segments.chunk_by(|a, b| a.date == b.date) {
        for tier_bytes in tiers() {
            if let Some(run) = find_run(day, tier_bytes, TIER_FACTOR, may_merge) {
                return Some(run);
            }
        }
    }
    for day in segments.chunk_by(|a, b| a.date == b.date) {
        let quiet_since = now.plus_micros(-QUIET_MICROS);
        let is_quiet = day[0].date < now.date() && day.iter().all(|segment| segment.recorded_at.1 < quiet_since);
        if is_quiet && let Some(run) = find_run(day, SEGMENT_BYTES_TARGET / 2, QUIET_SEGMENTS, may_merge) {
            return Some(run);
        }
    }
    None
}

/// The upper bounds of the tiers.
fn tiers() -> impl Iterator<Item = u64> {
    let next = |bytes: &u64| (*bytes < SEGMENT_BYTES_TARGET / 2).then(|| bytes.saturating_mul(TIER_FACTOR as u64));
    std::iter::successors(Some(TIER_BYTES), next).map(|bytes| bytes.min(SEGMENT_BYTES_TARGET / 2))
}

/// `count` or more neighbours, each smaller than `below`; fewer when they fill a segment of the target size.
fn find_run(
    day: &[Arc<Segment>],
    below: u64,
    count: usize,
    may_merge: &dyn Fn(&Segment) -> bool,
) -> Option<Vec<Arc<Segment>>> {
    day.split(|segment| segment.bytes >= below || !may_merge(segment)).find_map(|neighbours| {
        let mut run: Vec<Arc<Segment>> = Vec::new();
        let mut bytes = 0;
        for segment in neighbours.iter().take(MERGE_SEGMENTS_MAX) {
            if bytes >= SEGMENT_BYTES_TARGET {
                break;
            }
            bytes += segment.bytes;
            run.push(segment.clone());
        }
        let pays = run.len() >= count || (run.len() >= 2 && bytes >= SEGMENT_BYTES_TARGET);
        pays.then_some(run)
    })
}

/// Merges sorted inputs by (event time, offset), holding one batch of each.
struct Merge {
    inputs: Vec<Input>,
    current: Vec<Option<RecordBatch>>,
    /// The next row of each input that has one.
    heads: BinaryHeap<Reverse<Head>>,
    rows_a_batch: usize,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    event_time: i64,
    offset: i64,
    input: usize,
    row: usize,
}

impl Merge {
    async fn new(mut inputs: Vec<Input>, rows_a_batch: usize) -> Result<Self, RewriteError> {
        let mut current = Vec::new();
        for input in &mut inputs {
            current.push(input.next().await?);
        }
        let mut merge = Self { inputs, current, heads: BinaryHeap::new(), rows_a_batch };
        for input in 0..merge.inputs.len() {
            merge.push_head(input, 0);
        }
        Ok(merge)
    }

    fn push_head(&mut self, input: usize, row: usize) {
        if let Some(batch) = &self.current[input] {
            let event_time = integers(batch, column::EVENT_TIME)[row];
            let offset = integers(batch, column::OFFSET)[row];
            self.heads.push(Reverse(Head { event_time, offset, input, row }));
        }
    }

    /// The next rows, at most `rows_a_batch`: until then, or until an input needs its next batch.
    async fn next(&mut self) -> Result<Option<RecordBatch>, RewriteError> {
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(self.rows_a_batch);
        let mut used_up = None;
        while places.len() < self.rows_a_batch {
            let Some(Reverse(head)) = self.heads.pop() else { break };
            places.push((head.input, head.row));
            let rows = self.current[head.input].as_ref().map_or(0, RecordBatch::num_rows);
            if head.row + 1 == rows {
                used_up = Some(head.input);
                break;
            }
            self.push_head(head.input, head.row + 1);
        }
        if places.is_empty() {
            return Ok(None);
        }
        let rows = self.gather(&places)?;
        if let Some(input) = used_up {
            self.current[input] = self.inputs[input].next().await?;
            self.push_head(input, 0);
        }
        Ok(Some(rows))
    }

    fn gather(&self, places: &[(usize, usize)]) -> Result<RecordBatch, RewriteError> {
        // Inputs that are at their end have no batch and no place here.
        let mut number = vec![usize::MAX; self.current.len()];
        let mut sources = Vec::new();
        for (input, batch) in self.current.iter().enumerate() {
            if let Some(batch) = batch {
                number[input] = sources.len();
                sources.push(batch);
            }
        }
        let places: Vec<(usize, usize)> = places.iter().map(|(input, row)| (number[*input], *row)).collect();
        gather(&sources, &places).map_err(|source| RewriteError::Encode { path: self.inputs[0].path().clone(), source })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
    use object_store::path::Path;
    use whodid_model::Offset;

    use super::*;
    use crate::segment::FooterCache;

    const MIB: u64 = 1 << 20;

    /// Segments of the given sizes in KiB, one after the other, `|` between days.
    fn segments(text: &str) -> Vec<Arc<Segment>> {
        let footers = FooterCache::new(0);
        let mut offset = 0;
        let mut made = Vec::new();
        for (day, sizes) in text.split('|').enumerate() {
            for size in sizes.split_whitespace() {
                let at = Timestamp::from_micros(day as i64 * whodid_model::time::MICROS_A_DAY);
                made.push(Arc::new(Segment {
                    path: Path::from(format!("{offset}")),
                    bytes: size.parse::<u64>().unwrap() << 10,
                    rows: 10,
                    offsets: (Offset(offset), Offset(offset + 9)),
                    event_time: (at, at),
                    recorded_at: (at, at),
                    date: at.date(),
                    footer: footers.slot(),
                }));
                offset += 10;
            }
        }
        made
    }

    fn check(text: &str, now_day: i64, expected: &[u64]) {
        let now = Timestamp::from_micros(now_day * whodid_model::time::MICROS_A_DAY + 2 * QUIET_MICROS);
        let run = choose_run(&segments(text), now, &|_| true).unwrap_or_default();
        let first_offsets: Vec<u64> = run.iter().map(|segment| segment.offsets.0.0).collect();
        assert_eq!(first_offsets, expected, "{text}");
    }

    #[test]
    fn eight_of_a_tier_are_merged_and_seven_are_not_while_their_day_goes_on() {
        check("1 1 1 1 1 1 1", 0, &[]);
        check("1 1 1 1 1 1 1 1", 0, &[0, 10, 20, 30, 40, 50, 60, 70]);
        check("900 1 1 1 1 1 1 1 1", 0, &[10, 20, 30, 40, 50, 60, 70, 80]);
    }

    #[test]
    fn a_larger_segment_waits_for_others_of_its_tier() {
        check("900 900 900 900 1 1 1", 0, &[]);
        check("900 900 900 900 900 1 1 1", 0, &[0, 10, 20, 30, 40, 50, 60, 70]);
    }

    #[test]
    fn four_are_enough_in_a_past_day_that_is_quiet() {
        check("900 1 1 1", 0, &[]);
        check("900 1 1 1", 1, &[0, 10, 20, 30]);
        check("900 1 1 | 1 1", 2, &[]);
    }

    #[test]
    fn days_are_never_merged_with_one_another_and_large_segments_never_again() {
        check("1 1 1 1 | 1 1 1 1", 1, &[0, 10, 20, 30]);
        let large = (SEGMENT_BYTES_TARGET / 2) >> 10;
        check(&format!("1 1 1 {large} 1 1 1"), 9, &[]);
    }

    #[test]
    fn a_segment_that_cannot_be_merged_holds_up_no_others() {
        let segments = segments("1 1 1 1 1 1 1 1 1 | 1 1 1 1 1 1 1 1");
        let run = choose_run(&segments, Timestamp::from_micros(0), &|segment| segment.offsets.0 != Offset(40)).unwrap();
        assert_eq!(run[0].offsets.0, Offset(90));
    }

    #[test]
    fn a_merge_has_a_bound() {
        let many = "60000 ".repeat(100);
        let run = choose_run(&segments(&many), Timestamp::from_micros(0), &|_| true).unwrap();
        let bytes: u64 = run.iter().map(|segment| segment.bytes).sum();
        assert!(run.len() == 3 && bytes <= 192 * MIB, "{} segments, {bytes} bytes", run.len());
    }
}
