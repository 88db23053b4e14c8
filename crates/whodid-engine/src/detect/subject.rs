//! Rows of a batch as rules see events.

use std::borrow::Cow;

use arrow::array::{RecordBatch, UInt32Array};
use whodid_lake::RawReader;
use whodid_model::{Field, StreamName, Timestamp};
use whodid_rules::{Place, Raw, Texts, Unread};

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

impl Raw for Row<'_> {
    fn text(&self) -> Cow<'_, str> {
        match self.raw() {
            Cow::Borrowed(bytes) => crate::render::text_of(bytes),
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }
}

/// Calls `look` with each row of a batch, in its order. Raw texts are rebuilt where a rule asks for them.
pub(crate) fn each(batch: &RecordBatch, stream: &StreamName, look: &mut dyn FnMut(Row<'_>, &Unread<'_>)) {
    let raws = RawReader::new(batch);
    for row in Row::all_with(batch, &raws) {
        let place = Place {
            event_time: row.event_time(),
            offset: row.offset(),
            stream: stream.clone(),
            recorded_at: row.recorded_at(),
        };
        look(row, &Unread { place: &place, source: row.source(), texts: &row, raw: &row });
    }
}

/// When a row was taken in.
pub(super) fn recorded_at(batch: &RecordBatch, row: usize) -> Timestamp {
    Row::all(batch).nth(row).map_or(Timestamp::default(), Row::recorded_at)
}

/// When the event of a row happened.
pub(crate) fn event_time(batch: &RecordBatch, row: usize) -> Timestamp {
    Row::all(batch).nth(row).map_or(Timestamp::default(), Row::event_time)
}

/// How many rows at the front happened no later than a time.
pub(crate) fn rows_happened_until(batch: &RecordBatch, until: Timestamp) -> usize {
    Row::all(batch).take_while(|row| row.event_time() <= until).count()
}

/// How many rows at the front were taken in no later than a time.
pub(super) fn rows_until(batch: &RecordBatch, until: Timestamp) -> usize {
    Row::all(batch).take_while(|row| row.recorded_at() <= until).count()
}

/// The same rows in the order they were taken in.
pub(super) fn in_offset_order(batch: &RecordBatch) -> Result<RecordBatch, Error> {
    let mut rows: Vec<(u64, u32)> = Row::all(batch).zip(0..).map(|(row, at)| (row.offset().0, at)).collect();
    rows.sort_unstable();
    let order = UInt32Array::from_iter_values(rows.into_iter().map(|(_, at)| at));
    arrow::compute::take_record_batch(batch, &order).map_err(|error| Error::internal("ordering records", error))
}
