//! Rows of a batch as rules see events.

use arrow::array::{RecordBatch, UInt32Array};
use whodid_decode::json;
use whodid_lake::RawReader;
use whodid_model::{Field, StreamName};
use whodid_rules::{Place, Subject, Texts};

use crate::error::Error;
use crate::row::Row;

impl Texts for Row<'_> {
    fn text(&self, field: Field) -> Option<&str> {
        self.field(field)
    }

    fn space(&self) -> Option<&str> {
        (*self).space()
    }
}

/// Calls `look` with each row of a batch, in its order.
pub(crate) fn each(batch: &RecordBatch, stream: &StreamName, look: &mut dyn FnMut(Row<'_>, &Subject<'_>)) {
    let raws = RawReader::new(batch);
    for row in Row::all_with(batch, &raws) {
        let raw = row.raw();
        let raw = crate::render::text_of(&raw);
        let tree = json::parse(&raw).ok();
        let place = Place {
            event_time: row.event_time(),
            offset: row.offset(),
            stream: stream.clone(),
            recorded_at: row.recorded_at(),
        };
        look(row, &Subject { place: &place, source: row.source(), texts: &row, raw: &raw, tree: tree.as_ref() });
    }
}

/// The same rows in the order they were taken in.
pub(super) fn in_offset_order(batch: &RecordBatch) -> Result<RecordBatch, Error> {
    let mut rows: Vec<(u64, u32)> = Row::all(batch).zip(0..).map(|(row, at)| (row.offset().0, at)).collect();
    rows.sort_unstable();
    let order = UInt32Array::from_iter_values(rows.into_iter().map(|(_, at)| at));
    arrow::compute::take_record_batch(batch, &order).map_err(|error| Error::internal("ordering records", error))
}
