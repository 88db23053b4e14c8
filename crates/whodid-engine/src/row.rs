//! One stored row, seen as the event it is.

use std::borrow::Cow;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use whodid_lake::RawReader;
use whodid_lake::schema::column;
use whodid_model::{Event, Field, Fields, Offset, Timestamp};

/// A row of a sequenced batch (the stored schema).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    batch: &'a RecordBatch,
    /// Of the batch; made anew for the row where there is none.
    raws: Option<&'a RawReader<'a>>,
    index: usize,
}

impl<'a> Row<'a> {
    /// The rows of a batch, in its order.
    pub(crate) fn all(batch: &'a RecordBatch) -> impl Iterator<Item = Row<'a>> {
        (0..batch.num_rows()).map(move |index| Row { batch, raws: None, index })
    }

    /// The rows of a batch, in its order, with the reader of its raw texts: for batches whose every row is read.
    pub(crate) fn all_with(batch: &'a RecordBatch, raws: &'a RawReader<'a>) -> impl Iterator<Item = Row<'a>> {
        Self::all(batch).map(move |row| Row { raws: Some(raws), ..row })
    }

    fn text(self, column: usize) -> Option<&'a str> {
        let values = self.batch.column(column).as_string::<i32>();
        values.is_valid(self.index).then(|| values.value(self.index))
    }

    pub(crate) fn offset(self) -> Offset {
        let value = self.batch.column(column::OFFSET).as_primitive::<Int64Type>().value(self.index);
        Offset(u64::try_from(value).unwrap_or_default())
    }

    fn time(self, column: usize) -> Timestamp {
        Timestamp::from_micros(self.batch.column(column).as_primitive::<TimestampMicrosecondType>().value(self.index))
    }

    pub(crate) fn event_time(self) -> Timestamp {
        self.time(column::EVENT_TIME)
    }

    pub(crate) fn recorded_at(self) -> Timestamp {
        self.time(column::RECORDED_AT)
    }

    pub(crate) fn time_source(self) -> &'a str {
        self.text(column::TIME_SOURCE).unwrap_or("received")
    }

    pub(crate) fn source(self) -> &'a str {
        self.text(column::SOURCE).unwrap_or("json")
    }

    pub(crate) fn space(self) -> Option<&'a str> {
        self.text(column::SPACE)
    }

    pub(crate) fn field(self, field: Field) -> Option<&'a str> {
        self.text(column::of(field))
    }

    /// How it ended, with refusals told apart.
    pub(crate) fn result(self) -> &'static str {
        let [outcome, code, kind, text] =
            [Field::Outcome, Field::ReasonCode, Field::ReasonType, Field::ReasonText].map(|field| self.field(field));
        whodid_model::result_of(outcome, code, kind, text)
    }

    pub(crate) fn fields(self) -> Fields<'a> {
        let mut fields = Fields::default();
        for field in Field::ALL {
            if let Some(text) = self.field(field) {
                fields.set(field, text);
            }
        }
        fields
    }

    /// The event as it was decoded.
    pub(crate) fn event(self) -> Event<'a> {
        let time_source = whodid_lake::schema::time_source_of(self.time_source());
        let space = self.space().map(Cow::Borrowed);
        Event { event_time: self.event_time(), time_source, space, fields: self.fields() }
    }

    /// The template of the raw text ([`whodid_lake::raw_template`]); `None` where the raw bytes are kept instead.
    pub(crate) fn raw_template(self) -> Option<&'a str> {
        let has_bytes = self.batch.column(column::RAW_BYTES).is_valid(self.index);
        if has_bytes { None } else { self.text(column::RAW_TEMPLATE) }
    }

    /// The bytes as received.
    pub(crate) fn raw(self) -> Cow<'a, [u8]> {
        match self.raws {
            Some(raws) => raws.raw(self.index),
            None => whodid_lake::raw_of_row(self.batch, self.index),
        }
    }
}
