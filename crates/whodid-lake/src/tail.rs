//! The tail: records that are in the journal and not yet in the lake, in memory, in offset order.
//!
//! Small batches are merged as they come, so that a scan meets few of them however the requests were cut.
//! A flush freezes what is there; the frozen part stays visible until its segments are, and after a failed
//! flush it is frozen still, so that the next one writes the same files again.

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use whodid_model::Offset;

use crate::batch::offsets_of;
use crate::schema::stored_schema;

/// So many small batches become one.
const MERGE_BATCHES: usize = 16;
/// Batches of at least so many rows are left alone.
const MERGED_ROWS: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Tail {
    frozen: Vec<Part>,
    fresh: Vec<Part>,
}

/// A batch and its size, which is worked out once.
#[derive(Debug)]
struct Part {
    batch: RecordBatch,
    bytes: usize,
}

impl Part {
    fn new(batch: RecordBatch) -> Self {
        Self { bytes: batch_bytes(&batch), batch }
    }
}

impl Tail {
    /// Adds a sequenced batch.
    pub fn append(&mut self, batch: RecordBatch) {
        self.fresh.push(Part::new(batch));
        let mut small = MERGE_BATCHES;
        while small <= MERGED_ROWS {
            let run = self.fresh.iter().rev().take_while(|part| part.batch.num_rows() < small).count();
            if run >= MERGE_BATCHES {
                let parts = self.fresh.split_off(self.fresh.len() - run);
                let merged = concat_batches(&stored_schema(), parts.iter().map(|part| &part.batch));
                self.fresh.push(Part::new(merged.expect("batches of one schema, together far below 2 GiB")));
            }
            small *= MERGE_BATCHES;
        }
    }

    pub fn rows(&self) -> usize {
        self.parts().map(|part| part.batch.num_rows()).sum()
    }

    pub fn bytes(&self) -> usize {
        self.parts().map(|part| part.bytes).sum()
    }

    pub fn last(&self) -> Option<Offset> {
        let last = self.fresh.last().or(self.frozen.last())?;
        offsets_of(&last.batch).map(|(_, last)| last)
    }

    /// All batches, in offset order.
    pub fn batches(&self) -> Vec<RecordBatch> {
        self.parts().map(|part| part.batch.clone()).collect()
    }

    /// The part to flush: what an earlier flush froze and did not finish, otherwise everything.
    pub fn freeze(&mut self) -> Vec<RecordBatch> {
        if self.frozen.is_empty() {
            self.frozen = std::mem::take(&mut self.fresh);
        }
        self.frozen.iter().map(|part| part.batch.clone()).collect()
    }

    /// Lets go of the frozen part, which is in the lake now.
    pub fn release_frozen(&mut self) {
        self.frozen.clear();
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.frozen.iter().chain(&self.fresh)
    }
}

/// Bytes of the rows of a batch, without spare capacity.
fn batch_bytes(batch: &RecordBatch) -> usize {
    let column_bytes = |column: &arrow::array::ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
    batch.columns().iter().map(column_bytes).sum()
}
