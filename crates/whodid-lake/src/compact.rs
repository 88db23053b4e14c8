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
use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use whodid_model::{Timestamp, chain};

use crate::commit::{LogError, LoggedFile};
use crate::parquet_file::{SegmentWriteError, SegmentWriter, WRITE_ROWS, gather, integers, is_stored_schema};
use crate::schema::{column, partition_folder};
use crate::segment::{Segment, SegmentReader};
use crate::table::{InFlight, Retired, Table};

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
/// Decoded bytes of one batch of a merge, about: rows of a batch are as many as fit.
const MERGE_BATCH_BYTES: u64 = 8 << 20;
/// How long segments are left alone whose merge has failed.
const UNMERGEABLE_MICROS: i64 = 3600 * whodid_model::time::MICROS_A_SECOND;
/// Parts of an upload; S3 wants 5 MiB at least.
const UPLOAD_PART_BYTES: usize = 8 << 20;
const COMMIT_TRIES: usize = 3;

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
    /// A segment could not be read.
    #[error("cannot read the segment {path}")]
    Read {
        /// Which one.
        path: Path,
        /// What failed.
        source: ParquetError,
    },
    /// A segment has other columns than this release writes.
    #[error("the segment {path} has columns of another schema version")]
    Schema {
        /// Which one.
        path: Path,
    },
    /// The merged segment could not be encoded.
    #[error("cannot encode the segment {path}")]
    Encode {
        /// Which one.
        path: Path,
        /// What failed.
        source: SegmentWriteError,
    },
    /// The merged segment could not be stored.
    #[error("cannot write the segment {path}")]
    Write {
        /// Which one.
        path: Path,
        /// What the store said.
        source: object_store::Error,
    },
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
        let path = self.path(&in_table);
        let write = |source| CompactError::Write { path: path.clone(), source };
        let mut upload = self.store.put_multipart(&path).await.map_err(write)?;
        let written = self.merge_into(run, &path, upload.as_mut()).await;
        match written {
            Ok((bytes, facts)) => {
                upload.complete().await.map_err(write)?;
                Ok(LoggedFile { path: in_table, bytes, date, facts })
            }
            Err(error) => {
                if let Err(left) = upload.abort().await {
                    tracing::warn!(%path, error = %left, "cannot take back a part-written segment");
                }
                Err(error)
            }
        }
    }

    async fn merge_into(
        &self,
        run: &[Arc<Segment>],
        path: &Path,
        upload: &mut dyn MultipartUpload,
    ) -> Result<(u64, crate::parquet_file::Facts), CompactError> {
        let encode = |source| CompactError::Encode { path: path.clone(), source };
        let write = |source| CompactError::Write { path: path.clone(), source };
        let expected: u64 = run.iter().map(|segment| segment.rows).sum();
        let mut rows_a_batch = WRITE_ROWS;
        for segment in run {
            let footer = segment.footer(&self.store).await;
            let footer = footer.map_err(|source| CompactError::Read { path: segment.path.clone(), source })?;
            rows_a_batch = rows_a_batch.min(rows_within(&footer, MERGE_BATCH_BYTES));
        }
        let mut inputs = Vec::new();
        for segment in run {
            inputs.push(Input::open(self, segment, rows_a_batch).await?);
        }
        let mut merge = Merge::new(inputs, rows_a_batch).await?;
        let mut writer = SegmentWriter::new(expected as usize).map_err(encode)?;
        let mut unsent: Vec<u8> = Vec::new();
        let mut bytes = 0;
        while let Some(batch) = merge.next().await? {
            writer.write(&batch).map_err(encode)?;
            unsent.append(&mut writer.take_finished());
            while unsent.len() >= UPLOAD_PART_BYTES {
                let rest = unsent.split_off(UPLOAD_PART_BYTES);
                let part = Bytes::from(std::mem::replace(&mut unsent, rest));
                bytes += part.len() as u64;
                upload.put_part(PutPayload::from_bytes(part)).await.map_err(write)?;
            }
            // Encoding takes a while each time; others on this thread want their turn.
            tokio::task::yield_now().await;
        }
        let (mut rest, facts) = writer.finish().map_err(encode)?;
        if facts.rows != expected {
            return Err(CompactError::Rows { table: self.name(), expected, read: facts.rows });
        }
        unsent.append(&mut rest);
        bytes += unsent.len() as u64;
        upload.put_part(PutPayload::from(unsent)).await.map_err(write)?;
        Ok((bytes, facts))
    }

    async fn commit_merge(
        &self,
        run: &[Arc<Segment>],
        merged: &LoggedFile,
        now: Timestamp,
    ) -> Result<(), CompactError> {
        let _commit = self.committing.lock().await;
        let mut failure = None;
        for _ in 0..=COMMIT_TRIES {
            let Some(read) = self.log.read().await? else { break };
            let files = self.log.files(&read).await?;
            if files.iter().any(|file| file.path == merged.path) {
                // An earlier try has reached the log after all.
                self.take_over(read.flushed_to, &files, Some(now));
                return Ok(());
            }
            let replaced: Vec<&LoggedFile> =
                files.iter().filter(|file| run.iter().any(|segment| segment.path == self.path(&file.path))).collect();
            if replaced.len() != run.len() {
                self.take_over(read.flushed_to, &files, Some(now));
                return Err(CompactError::Changed { table: self.name() });
            }
            let removes = replaced.iter().map(|file| file.remove(now)).collect();
            match self.log.commit_merge(&read, removes, merged.add(false)).await {
                Ok(version) => {
                    self.swap(run, merged, now);
                    if let Err(error) = self.log.checkpoint_after(version).await {
                        tracing::warn!(table = %self.name(), error = %chain(&error), "cannot write a checkpoint of the table's log");
                    }
                    return Ok(());
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) => Err(error.into()),
            None => Err(CompactError::Changed { table: self.name() }),
        }
    }

    fn swap(&self, run: &[Arc<Segment>], merged: &LoggedFile, now: Timestamp) {
        let mut state = self.state.lock();
        state.segments.retain(|segment| !run.iter().any(|replaced| Arc::ptr_eq(replaced, segment)));
        state.insert([self.segment(merged)]);
        state.retired.extend(run.iter().map(|segment| Retired {
            path: segment.path.clone(),
            removed_at: now,
            segment: Some(segment.clone()),
        }));
    }
}

/// How many rows of a file take about `bytes` when they are decoded, 1 at least.
fn rows_within(footer: &ParquetMetaData, bytes: u64) -> usize {
    let (mut rows, mut decoded) = (0, 0);
    for group in footer.row_groups() {
        rows += group.num_rows() as u64;
        for chunk in group.columns() {
            // What dictionaries hold once is decoded a copy for each row; only this number tells of it.
            let texts = chunk.unencoded_byte_array_data_bytes().unwrap_or(0);
            decoded += texts.max(chunk.uncompressed_size()).max(0) as u64;
        }
    }
    usize::try_from(bytes * rows / decoded.max(1)).unwrap_or(usize::MAX).max(1)
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

/// One sorted file being read.
struct Input {
    path: Path,
    batches: BoxStream<'static, Result<RecordBatch, ParquetError>>,
}

impl Input {
    async fn open(table: &Table, segment: &Arc<Segment>, rows_a_batch: usize) -> Result<Self, CompactError> {
        let read = |source| CompactError::Read { path: segment.path.clone(), source };
        let reader = SegmentReader::new(table.store.clone(), segment.clone());
        let builder = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(read)?;
        if !is_stored_schema(builder.schema()) {
            return Err(CompactError::Schema { path: segment.path.clone() });
        }
        let stream = builder.with_batch_size(rows_a_batch).build().map_err(read)?;
        Ok(Self { path: segment.path.clone(), batches: Box::pin(stream) })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>, CompactError> {
        loop {
            let next = self.batches.try_next().await;
            match next.map_err(|source| CompactError::Read { path: self.path.clone(), source })? {
                Some(batch) if batch.num_rows() == 0 => {}
                other => return Ok(other),
            }
        }
    }
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
    async fn new(mut inputs: Vec<Input>, rows_a_batch: usize) -> Result<Self, CompactError> {
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
    async fn next(&mut self) -> Result<Option<RecordBatch>, CompactError> {
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

    fn gather(&self, places: &[(usize, usize)]) -> Result<RecordBatch, CompactError> {
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
        gather(&sources, &places).map_err(|source| CompactError::Encode { path: self.inputs[0].path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
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
