//! Events as Arrow batches: built row by row, given their offsets, written to and read from bytes.
//!
//! The byte form is what the journal keeps. Byte 0 is its version; version 1 goes on with the plain length as
//! u32 little-endian and one zstd frame with a checksum. In it: the length of an Arrow IPC message as u32, a
//! byte for the schema (1 with offsets, 0 without), three zeros, the message, the body. The schema itself is
//! not written; version and byte name it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, Int64Array, RecordBatch, StringBuilder, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::ipc::writer::{DictionaryTracker, EncodedData, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use whodid_model::{Event, Field, Offset, Reject, TimeSource, Timestamp};

use crate::raw_template::{self, Cutter};
use crate::schema::{column, stored_schema, time_source_text, unsequenced_schema};

/// Largest plain form of one encoded batch.
pub const BATCH_BYTES_MAX: usize = 512 << 20;

/// Builds one batch of events; the columns are those of [`unsequenced_schema`].
#[derive(Debug)]
pub struct BatchBuilder {
    event_time: TimestampMicrosecondBuilder,
    time_source: StringBuilder,
    source: StringBuilder,
    space: StringBuilder,
    fields: Vec<StringBuilder>,
    raw_template: StringBuilder,
    raw_bytes: BinaryBuilder,
    cutter: Cutter,
    rows: usize,
    bytes: usize,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// A builder for a few events.
    pub fn new() -> Self {
        Self::with_capacity(8)
    }

    /// A builder with room for about `rows` events.
    pub fn with_capacity(rows: usize) -> Self {
        let text = |bytes_a_row: usize| StringBuilder::with_capacity(rows, rows * bytes_a_row);
        Self {
            event_time: TimestampMicrosecondBuilder::with_capacity(rows),
            time_source: text(8),
            source: text(8),
            space: text(0),
            fields: Field::ALL.iter().map(|_| text(16)).collect(),
            raw_template: text(384),
            raw_bytes: BinaryBuilder::with_capacity(rows, 0),
            cutter: Cutter::default(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Adds an event that was decoded from `raw`, which was read as the format `source`.
    pub fn append(&mut self, source: &str, raw: &[u8], event: &Event<'_>) {
        self.rows += 1;
        self.event_time.append_value(event.event_time.micros());
        self.time_source.append_value(time_source_text(event.time_source));
        self.source.append_value(source);
        // No name is no space, also for who may see what.
        self.space.append_option(event.space.as_deref().filter(|space| !space.is_empty()));
        for (builder, field) in self.fields.iter_mut().zip(Field::ALL) {
            let text = event.fields.get(field);
            self.bytes += text.map_or(0, str::len);
            builder.append_option(text);
        }
        match std::str::from_utf8(raw) {
            Ok(text) => {
                let template = self.cutter.cut(text, event);
                self.bytes += template.len();
                self.raw_template.append_value(template);
                self.raw_bytes.append_null();
            }
            Err(_) => self.append_raw_bytes(raw),
        }
        self.bytes += FIXED_BYTES_A_ROW + source.len() + event.space.as_deref().map_or(0, str::len);
    }

    /// Adds what could not be read, taken in at `received`. Its code stands in `reason_code`, its
    /// sentence in `reason_text`, the outcome is `failure`; the raw bytes are kept whole.
    pub fn append_reject(&mut self, source: &str, raw: &[u8], reject: &Reject, received: Timestamp) {
        self.rows += 1;
        self.event_time.append_value(received.micros());
        self.time_source.append_value(time_source_text(TimeSource::Received));
        self.source.append_value(source);
        self.space.append_null();
        for (builder, field) in self.fields.iter_mut().zip(Field::ALL) {
            let text = match field {
                Field::Outcome => Some("failure"),
                Field::ReasonCode => Some(reject.code.as_str()),
                Field::ReasonText => Some(reject.detail.as_str()),
                _ => None,
            };
            self.bytes += text.map_or(0, str::len);
            builder.append_option(text);
        }
        match std::str::from_utf8(raw) {
            Ok(text) => {
                let template = self.cutter.verbatim(text);
                self.bytes += template.len();
                self.raw_template.append_value(template);
                self.raw_bytes.append_null();
            }
            Err(_) => self.append_raw_bytes(raw),
        }
        self.bytes += FIXED_BYTES_A_ROW + source.len();
    }

    fn append_raw_bytes(&mut self, raw: &[u8]) {
        self.raw_template.append_null();
        self.raw_bytes.append_value(raw);
        self.bytes += raw.len();
    }

    /// How many rows were added.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes the batch takes in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The batch; all columns but `offset` and `recorded_at`.
    pub fn finish(self) -> RecordBatch {
        let Self {
            mut event_time,
            mut time_source,
            mut source,
            mut space,
            fields,
            mut raw_template,
            mut raw_bytes,
            ..
        } = self;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(column::COUNT - column::GIVEN_BY_SEQUENCE);
        columns.push(Arc::new(event_time.finish().with_timezone("UTC")));
        columns.push(Arc::new(time_source.finish()));
        columns.push(Arc::new(source.finish()));
        columns.push(Arc::new(space.finish()));
        columns.extend(fields.into_iter().map(|mut field| Arc::new(field.finish()) as ArrayRef));
        columns.push(Arc::new(raw_template.finish()));
        columns.push(Arc::new(raw_bytes.finish()));
        RecordBatch::try_new(unsequenced_schema(), columns).expect("the builders follow the schema")
    }
}

/// Offsets, validity bits and the numbers of one row: 31 text columns of 4 bytes and four numbers.
const FIXED_BYTES_A_ROW: usize = 160;

/// Gives a batch its place: offsets from `first` on, and one `recorded_at`.
///
/// # Panics
/// When the batch has not the columns of [`unsequenced_schema`]; batches come from [`BatchBuilder`] or [`decode_batch`].
pub fn sequence(batch: &RecordBatch, first: Offset, recorded_at: Timestamp) -> RecordBatch {
    let rows = batch.num_rows();
    let first = i64::try_from(first.0).expect("2^63 records fit no disk");
    let offsets = Int64Array::from_iter_values((0..rows as i64).map(|row| first + row));
    let recorded = TimestampMicrosecondArray::from_value(recorded_at.micros(), rows).with_timezone("UTC");
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(column::COUNT);
    columns.push(Arc::new(offsets));
    columns.push(Arc::new(recorded));
    columns.extend_from_slice(batch.columns());
    RecordBatch::try_new(stored_schema(), columns).expect("an unsequenced batch has the remaining columns")
}

/// First and last offset of a sequenced batch; `None` when it is empty.
pub fn offsets_of(batch: &RecordBatch) -> Option<(Offset, Offset)> {
    let offsets = batch.column(column::OFFSET).as_primitive::<arrow::datatypes::Int64Type>().values();
    let (first, last) = (offsets.first()?, offsets.last()?);
    Some((Offset(*first as u64), Offset(*last as u64)))
}

/// The raw bytes of one row, exactly as received. For many rows make one [`RawReader`].
pub fn raw_of_row(batch: &RecordBatch, row: usize) -> Cow<'_, [u8]> {
    RawReader::new(batch).raw(row)
}

/// The columns that rebuilding the raw text takes.
pub fn raw_columns() -> Vec<&'static str> {
    let mut columns = vec!["event_time", "raw_template", "raw_bytes"];
    columns.extend(Field::ALL.into_iter().filter(|field| field.mark().is_some()).map(Field::column));
    columns
}

/// Reads raw texts out of a batch, whatever its column order and whichever text type (`Utf8`, `LargeUtf8`, `Utf8View`) a query made.
#[derive(Debug)]
pub struct RawReader<'a> {
    event_time: Option<&'a TimestampMicrosecondArray>,
    fields: Vec<Option<TextColumn<'a>>>,
    raw_template: Option<TextColumn<'a>>,
    raw_bytes: Option<&'a ArrayRef>,
}

impl<'a> RawReader<'a> {
    /// Finds the columns; those that the batch lacks read as null.
    pub fn new(batch: &'a RecordBatch) -> Self {
        let text = |name: &str| batch.column_by_name(name).and_then(TextColumn::of);
        Self {
            event_time: batch
                .column_by_name("event_time")
                .and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>()),
            fields: Field::ALL.into_iter().map(|field| text(field.column())).collect(),
            raw_template: text("raw_template"),
            raw_bytes: batch.column_by_name("raw_bytes"),
        }
    }

    /// The raw bytes of one row, exactly as received.
    pub fn raw(&self, row: usize) -> Cow<'a, [u8]> {
        if let Some(bytes) = self.raw_bytes.and_then(|array| binary_value(array, row)) {
            return Cow::Borrowed(bytes);
        }
        let Some(template) = self.raw_template.and_then(|column| column.get(row)) else { return Cow::Borrowed(&[]) };
        let event_time = Timestamp::from_micros(self.event_time.map_or(0, |times| times.value(row)));
        match raw_template::rebuild(template, |field| self.fields[field.index()]?.get(row), event_time) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }
    }

    /// The raw text of one row; `None` when it is not UTF-8.
    pub fn text(&self, row: usize) -> Option<Cow<'a, str>> {
        match self.raw(row) {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum TextColumn<'a> {
    Small(&'a arrow::array::StringArray),
    Large(&'a arrow::array::LargeStringArray),
    View(&'a arrow::array::StringViewArray),
}

impl<'a> TextColumn<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => Some(Self::Small(array.as_string())),
            DataType::LargeUtf8 => Some(Self::Large(array.as_string())),
            DataType::Utf8View => Some(Self::View(array.as_string_view())),
            _ => None,
        }
    }

    fn get(self, row: usize) -> Option<&'a str> {
        match self {
            Self::Small(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

fn binary_value(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Some(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => Some(array.as_binary_view().value(row)),
        _ => None,
    }
}

const ENCODING_VERSION: u8 = 1;
const FLAG_SEQUENCED: u8 = 1;
const HEADER_BYTES: usize = 5;
const ZSTD_LEVEL: i32 = 1;

/// Why bytes are no batch.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by a later release.
    #[error("the batch has the unknown form {version}; this release reads form {ENCODING_VERSION}")]
    Version {
        /// The first byte.
        version: u8,
    },
    /// Not what was written.
    #[error("the batch is damaged: {what}")]
    Damaged {
        /// What does not fit.
        what: &'static str,
    },
    /// The compressed part is not what was written.
    #[error("cannot decompress the batch")]
    Zstd(#[source] std::io::Error),
    /// The Arrow part is not what was written.
    #[error("cannot read the batch")]
    Arrow(#[from] arrow::error::ArrowError),
}

thread_local! {
    /// A zstd context costs more to make than a small batch to compress.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
}

/// The byte form of a batch, sequenced or not.
///
/// # Panics
/// When the batch has neither of the two schemas.
pub fn encode_batch(batch: &RecordBatch) -> Vec<u8> {
    let sequenced = batch.num_columns() == column::COUNT;
    assert!(
        sequenced || batch.num_columns() == column::COUNT - column::GIVEN_BY_SEQUENCE,
        "the batch has a stored schema"
    );
    let encoded = ipc_message(batch);
    let mut plain = Vec::with_capacity(8 + encoded.ipc_message.len() + encoded.arrow_data.len());
    plain.extend_from_slice(&(encoded.ipc_message.len() as u32).to_le_bytes());
    plain.extend_from_slice(&[if sequenced { FLAG_SEQUENCED } else { 0 }, 0, 0, 0]);
    plain.extend_from_slice(&encoded.ipc_message);
    plain.extend_from_slice(&encoded.arrow_data);

    let bound = zstd::zstd_safe::compress_bound(plain.len());
    let mut out = Vec::with_capacity(HEADER_BYTES + bound);
    out.push(ENCODING_VERSION);
    out.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    out.resize(HEADER_BYTES + bound, 0);
    let written = COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = kept.get_or_insert_with(compressor);
        compressor.compress_to_buffer(&plain, &mut out[HEADER_BYTES..]).expect("the bound holds any result")
    });
    out.truncate(HEADER_BYTES + written);
    out
}

fn compressor() -> zstd::bulk::Compressor<'static> {
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL).expect("level 1 exists");
    // Arrow's reader trusts its buffers and may panic over damaged ones.
    compressor.include_checksum(true).expect("zstd has checksums");
    compressor
}

fn ipc_message(batch: &RecordBatch) -> EncodedData {
    let options =
        IpcWriteOptions::try_new(8, false, arrow::ipc::MetadataVersion::V5).expect("8 is an alignment that Arrow has");
    let mut dictionaries = DictionaryTracker::new(false);
    let (_, encoded) = IpcDataGenerator::default()
        .encode(batch, &mut dictionaries, &options, &mut IpcWriteContext::default())
        .expect("plain columns always encode into memory");
    encoded
}

/// Reads what [`encode_batch`] wrote.
pub fn decode_batch(bytes: &[u8]) -> Result<RecordBatch, DecodeError> {
    let damaged = |what| DecodeError::Damaged { what };
    let (header, frame) = bytes.split_at_checked(HEADER_BYTES).ok_or(damaged("shorter than its header"))?;
    if header[0] != ENCODING_VERSION {
        return Err(DecodeError::Version { version: header[0] });
    }
    let plain_bytes = u32::from_le_bytes([header[1], header[2], header[3], header[4]]) as usize;
    if plain_bytes > BATCH_BYTES_MAX {
        return Err(damaged("larger than a batch can be"));
    }
    let plain = zstd::bulk::decompress(frame, plain_bytes).map_err(DecodeError::Zstd)?;
    if plain.len() != plain_bytes {
        return Err(damaged("its length is not the stated one"));
    }
    read_ipc(plain)
}

fn read_ipc(plain: Vec<u8>) -> Result<RecordBatch, DecodeError> {
    let damaged = |what| DecodeError::Damaged { what };
    let plain = Buffer::from(plain);
    let length = plain.get(..8).ok_or(damaged("no message"))?;
    let schema = match length[4] {
        0 => unsequenced_schema(),
        FLAG_SEQUENCED => stored_schema(),
        _ => return Err(damaged("unknown schema")),
    };
    let message_bytes = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
    let message_end = message_bytes.checked_add(8).ok_or(damaged("message too long"))?;
    let message = plain.get(8..message_end).ok_or(damaged("message cut off"))?;
    let message = arrow::ipc::root_as_message(message).map_err(|_| damaged("no Arrow message"))?;
    let batch = message.header_as_record_batch().ok_or(damaged("not a record batch"))?;
    let body = plain.slice(message_end);
    let batch = arrow::ipc::reader::read_record_batch(&body, batch, schema, &HashMap::new(), None, &message.version())?;
    Ok(batch)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
    use whodid_model::{Reject, RejectCode};

    use super::*;

    const RAW: &str = r#"{"eventTime":"2026-01-31T12:00:00.123Z","id":"e1","action":"kms.secrets.delete","outcome":"failure","initiator":{"name":"bob@example.com","host":{"address":"192.0.2.7"}},"target":{"id":"k17","name":"payroll key"},"reason":{"reasonCode":403},"requestData":{"force":true}}"#;

    fn event(raw: &str) -> Event<'_> {
        let part = |text: &str| {
            let start = raw.find(text).unwrap();
            &raw[start..start + text.len()]
        };
        let mut event = Event::at(Timestamp::parse("2026-01-31T12:00:00.123Z").unwrap().at, TimeSource::Stated);
        event.space = Some("team-a".into());
        event.fields.set(Field::Id, part("e1"));
        event.fields.set(Field::Action, part("kms.secrets.delete"));
        event.fields.set(Field::Outcome, part("failure"));
        event.fields.set(Field::InitiatorName, part("bob@example.com"));
        event.fields.set(Field::Address, part("192.0.2.7"));
        event.fields.set(Field::TargetId, part("k17"));
        event.fields.set(Field::TargetName, part("payroll key"));
        event.fields.set(Field::ReasonCode, part("403"));
        event.fields.set(Field::RequestData, part(r#"{"force":true}"#));
        event.complete(None);
        event
    }

    fn three_rows() -> RecordBatch {
        let mut builder = BatchBuilder::new();
        builder.append("ibm-at", RAW.as_bytes(), &event(RAW));
        let reject = Reject::new(RejectCode::NotJson, "byte 3 is no JSON");
        builder.append_reject("auto", b"{x}", &reject, Timestamp::from_micros(5));
        builder.append_reject(
            "auto",
            b"\xff\x00{",
            &Reject::new(RejectCode::NotUtf8, "byte 0"),
            Timestamp::from_micros(6),
        );
        assert_eq!(builder.len(), 3);
        builder.finish()
    }

    #[test]
    fn raw_bytes_come_back_exactly_from_events_and_rejects() {
        let batch = three_rows();
        let sequenced = sequence(&batch, Offset(7), Timestamp::from_micros(9));
        for batch in [&batch, &sequenced] {
            assert_eq!(raw_of_row(batch, 0), RAW.as_bytes());
            assert_eq!(raw_of_row(batch, 1).as_ref(), b"{x}");
            assert_eq!(raw_of_row(batch, 2).as_ref(), b"\xff\x00{");
        }
        assert_eq!(offsets_of(&sequenced), Some((Offset(7), Offset(9))));
    }

    #[test]
    fn raw_bytes_come_back_through_every_text_type_that_queries_make() {
        let batch = three_rows();
        let columns: Vec<&str> = raw_columns();
        for view in [false, true] {
            let arrays = columns.iter().map(|name| {
                let array = batch.column_by_name(name).unwrap();
                let to = match array.data_type() {
                    DataType::Utf8 if view => DataType::Utf8View,
                    DataType::Utf8 => DataType::LargeUtf8,
                    DataType::Binary if view => DataType::BinaryView,
                    DataType::Binary => DataType::LargeBinary,
                    other => other.clone(),
                };
                (*name, arrow::compute::cast(array, &to).unwrap())
            });
            let projected = RecordBatch::try_from_iter(arrays).unwrap();
            assert_eq!(raw_of_row(&projected, 0), RAW.as_bytes());
            assert_eq!(raw_of_row(&projected, 2).as_ref(), b"\xff\x00{");
        }
    }

    #[test]
    fn a_reject_is_a_row_with_its_code_and_sentence() {
        let batch = three_rows();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().value(1).to_owned();
        assert_eq!((text("reason_code"), text("reason_text")), ("not_json".to_owned(), "byte 3 is no JSON".to_owned()));
        assert_eq!(
            (text("outcome"), text("source"), text("time_source")),
            ("failure".to_owned(), "auto".to_owned(), "received".to_owned())
        );
    }

    #[test]
    fn a_batch_is_the_same_after_encoding_with_and_without_offsets() {
        let batch = three_rows();
        let sequenced = sequence(&batch, Offset(1 << 40), Timestamp::from_micros(9));
        for batch in [batch.clone(), sequenced, batch.slice(1, 2), batch.slice(0, 0)] {
            assert_eq!(decode_batch(&encode_batch(&batch)).unwrap(), batch);
        }
    }

    #[test]
    fn one_event_encodes_into_little_more_than_itself() {
        let mut builder = BatchBuilder::new();
        builder.append("ibm-at", RAW.as_bytes(), &event(RAW));
        let encoded = encode_batch(&builder.finish());
        assert!(encoded.len() < RAW.len() + 600, "{} bytes for an event of {}", encoded.len(), RAW.len());
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_panic() {
        let encoded = encode_batch(&three_rows());
        for length in 0..encoded.len() {
            assert!(decode_batch(&encoded[..length]).is_err(), "cut at {length}");
        }
        for at in 0..encoded.len() {
            for bit in 0..8 {
                let mut flipped = encoded.clone();
                flipped[at] ^= 1 << bit;
                // A zstd header has a bit that means nothing; every other flip must be seen.
                let harmless = decode_batch(&flipped).is_ok_and(|batch| batch == three_rows());
                assert!(harmless || decode_batch(&flipped).is_err(), "bit {bit} of byte {at}");
            }
        }
        assert!(matches!(decode_batch(&[9, 0, 0, 0, 0, 0, 0]), Err(DecodeError::Version { version: 9 })));
    }

    /// Journals of earlier releases must be readable for ever. A new form is a new file, this one stays.
    #[test]
    fn the_golden_batch_of_form_1_is_read() {
        let golden = "../../corpus/lake/batch-1.bin";
        if std::env::var_os("WHODID_WRITE_GOLDEN").is_some() {
            std::fs::write(golden, encode_batch(&three_rows())).unwrap();
        }
        assert_eq!(decode_batch(&std::fs::read(golden).unwrap()).unwrap(), three_rows());
    }
}
