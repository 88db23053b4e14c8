//! The tail: records that are in the journal and not yet in the lake, in memory, in offset order.
//!
//! Small batches are merged as they come, so that a scan meets few of them however the requests were cut.
//! A flush freezes what is there; the frozen part stays visible until its segments are, and after a failed
//! flush it is frozen still, so that the next one writes the same files again.
//!
//! Who looks at every record in order can ask that what is flushed before its turn stays in memory a while, which is
//! far cheaper than reading it back. It is for that reader alone: to everybody else the records are in the lake.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use whodid_model::{Offset, Timestamp};

use crate::batch::offsets_of;
use crate::parquet_file::integers;
use crate::schema::{column, stored_schema};

/// So many small batches become one.
const MERGE_BATCHES: usize = 16;
/// Batches of at least so many rows are left alone.
const MERGED_ROWS: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Tail {
    frozen: Vec<Arc<TailBatch>>,
    fresh: Vec<Arc<TailBatch>>,
    rows: usize,
    bytes: usize,
    /// What is flushed and kept for who looks at records in order.
    kept: VecDeque<Arc<TailBatch>>,
    kept_bytes: usize,
    keeping: Option<Keeping>,
    all: AllBytes,
}

/// Bytes of all tails of a lake: asked for with every request, so never summed up anew.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllBytes {
    /// Of what waits for its flush.
    pub waiting: Arc<AtomicUsize>,
    /// Of what is flushed and kept.
    pub kept: Arc<AtomicUsize>,
}

/// What is to stay in memory after its flush.
#[derive(Debug, Clone, Copy)]
struct Keeping {
    /// From this record on.
    from: Offset,
    /// While all tables of the lake keep fewer bytes, and this one no more than two thirds of them: a reader that is
    /// stuck leaves something to the others.
    bytes_max: usize,
}

/// Records in memory, in offset order, with what searches ask of them again and again.
#[derive(Debug)]
pub struct TailBatch {
    batch: RecordBatch,
    event_time: (Timestamp, Timestamp),
    bytes: usize,
    by_time: OnceLock<Vec<u32>>,
}

impl TailBatch {
    fn new(batch: RecordBatch) -> Arc<Self> {
        let times = integers(&batch, column::EVENT_TIME).iter().copied();
        let (least, most) = times.fold((i64::MAX, i64::MIN), |(least, most), time| (least.min(time), most.max(time)));
        Arc::new(Self {
            bytes: batch_bytes(&batch),
            event_time: (Timestamp::from_micros(least), Timestamp::from_micros(most)),
            by_time: OnceLock::new(),
            batch,
        })
    }

    /// The records; the schema is [`stored_schema`].
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Least and greatest event time, both held.
    pub fn event_time(&self) -> (Timestamp, Timestamp) {
        self.event_time
    }

    /// The rows in the order of event time, then offset. Worked out once, when it is first asked for.
    pub fn by_time(&self) -> &[u32] {
        self.by_time.get_or_init(|| {
            let times = integers(&self.batch, column::EVENT_TIME);
            let mut rows: Vec<u32> = (0..times.len() as u32).collect();
            // Stable: rows stand in offset order already.
            rows.sort_by_key(|row| times[*row as usize]);
            rows
        })
    }
}

impl Deref for TailBatch {
    type Target = RecordBatch;

    fn deref(&self) -> &RecordBatch {
        &self.batch
    }
}

impl Tail {
    /// An empty tail that is counted in `all`.
    pub fn counted_in(all: AllBytes) -> Self {
        Self {
            frozen: Vec::new(),
            fresh: Vec::new(),
            rows: 0,
            bytes: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            keeping: None,
            all,
        }
    }

    /// Adds a sequenced batch.
    pub fn append(&mut self, batch: RecordBatch) {
        let added = TailBatch::new(batch);
        self.count_in(&added);
        self.fresh.push(added);
        let mut small = MERGE_BATCHES;
        while small <= MERGED_ROWS {
            let run = self.fresh.iter().rev().take_while(|part| part.batch.num_rows() < small).count();
            if run >= MERGE_BATCHES {
                let parts = self.fresh.split_off(self.fresh.len() - run);
                let merged = concat_batches(&stored_schema(), parts.iter().map(|part| &part.batch));
                let merged = TailBatch::new(merged.expect("batches of one schema, together far below 2 GiB"));
                parts.iter().for_each(|part| self.count_out(part));
                self.count_in(&merged);
                self.fresh.push(merged);
            }
            small *= MERGE_BATCHES;
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn last(&self) -> Option<Offset> {
        last_of(if self.fresh.is_empty() { &self.frozen } else { &self.fresh })
    }

    /// The last offset that a flush has frozen.
    pub fn frozen_last(&self) -> Option<Offset> {
        last_of(&self.frozen)
    }

    /// What a flush has frozen.
    pub fn frozen(&self) -> Vec<RecordBatch> {
        self.frozen.iter().map(|part| part.batch.clone()).collect()
    }

    /// All batches, in offset order.
    pub fn batches(&self) -> Vec<Arc<TailBatch>> {
        self.parts().cloned().collect()
    }

    /// The records after `offset`, in batches in offset order.
    pub fn after(&self, offset: Option<Offset>) -> Vec<RecordBatch> {
        let next = offset.map_or(0, |offset| offset.0 + 1);
        self.parts().filter_map(|part| from_offset(&part.batch, next)).collect()
    }

    /// The records from an offset on, those that are kept among them: the first batches that have `rows` together, or
    /// all.
    pub fn first_from(&self, next: Offset, rows: usize) -> Vec<RecordBatch> {
        let (mut taken, mut counted) = (Vec::new(), 0);
        for batch in self.kept.iter().chain(self.parts()).filter_map(|part| from_offset(&part.batch, next.0)) {
            counted += batch.num_rows();
            taken.push(batch);
            if counted >= rows {
                break;
            }
        }
        taken
    }

    /// The part to flush: what an earlier flush froze and did not finish, otherwise everything.
    pub fn freeze(&mut self) -> Vec<RecordBatch> {
        if self.frozen.is_empty() {
            self.frozen = std::mem::take(&mut self.fresh);
        }
        self.frozen()
    }

    /// Lets go of the frozen part up to `last`, which is in the lake now, but for what is to be kept.
    pub fn release_frozen(&mut self, last: Offset) {
        for part in std::mem::take(&mut self.frozen) {
            self.count_out(&part);
            match from_offset(&part.batch, last.0 + 1) {
                None => self.keep(part),
                Some(rest) => {
                    let rest = TailBatch::new(rest);
                    self.count_in(&rest);
                    self.frozen.push(rest);
                }
            }
        }
    }

    /// Keeps what is flushed from now on of the records from `from` on, and lets go of what was kept before it.
    pub fn keep_from(&mut self, from: Offset, bytes_max: usize) {
        self.keeping = Some(Keeping { from, bytes_max });
        let is_before = |part: &Arc<TailBatch>| offsets_of(&part.batch).is_none_or(|(_, last)| last < from);
        while self.kept.front().is_some_and(is_before) {
            self.drop_first_kept();
        }
    }

    /// Keeps nothing any more.
    pub fn keep_nothing(&mut self) {
        self.keeping = None;
        self.drop_kept();
    }

    /// Lets go of what is kept; what is flushed later is kept as before.
    pub fn drop_kept(&mut self) {
        while !self.kept.is_empty() {
            self.drop_first_kept();
        }
    }

    fn keep(&mut self, part: Arc<TailBatch>) {
        let Some(keeping) = self.keeping else { return };
        let is_wanted = offsets_of(&part.batch).is_some_and(|(_, last)| last >= keeping.from);
        let fits = self.kept_bytes + part.bytes <= keeping.bytes_max / 3 * 2
            && self.all.kept.load(Ordering::Relaxed) + part.bytes <= keeping.bytes_max;
        if is_wanted && fits {
            self.kept_bytes += part.bytes;
            self.all.kept.fetch_add(part.bytes, Ordering::Relaxed);
            self.kept.push_back(part);
        }
    }

    fn drop_first_kept(&mut self) {
        if let Some(part) = self.kept.pop_front() {
            self.kept_bytes -= part.bytes;
            self.all.kept.fetch_sub(part.bytes, Ordering::Relaxed);
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Arc<TailBatch>> {
        self.frozen.iter().chain(&self.fresh)
    }

    fn count_in(&mut self, part: &TailBatch) {
        self.rows += part.batch.num_rows();
        self.bytes += part.bytes;
        self.all.waiting.fetch_add(part.bytes, Ordering::Relaxed);
    }

    fn count_out(&mut self, part: &TailBatch) {
        self.rows -= part.batch.num_rows();
        self.bytes -= part.bytes;
        self.all.waiting.fetch_sub(part.bytes, Ordering::Relaxed);
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.all.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
        self.drop_kept();
    }
}

fn last_of(parts: &[Arc<TailBatch>]) -> Option<Offset> {
    parts.last().and_then(|part| offsets_of(&part.batch)).map(|(_, last)| last)
}

/// The rows of a batch from offset `next` on; `None` when there are none.
fn from_offset(batch: &RecordBatch, next: u64) -> Option<RecordBatch> {
    let (first, last) = offsets_of(batch)?;
    let skipped = next.saturating_sub(first.0) as usize;
    (last.0 >= next).then(|| batch.slice(skipped, batch.num_rows() - skipped))
}

/// Bytes of the rows of a batch, without spare capacity.
fn batch_bytes(batch: &RecordBatch) -> usize {
    let column_bytes = |column: &arrow::array::ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
    batch.columns().iter().map(column_bytes).sum()
}
