//! Invented events, and what the tests ask of a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use object_store::ObjectStore;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use whodid_decode::{Format, decode};
use whodid_lake::schema::column;
use whodid_lake::{BatchBuilder, Lake, SegmentReader, Snapshot, Table, raw_of_row, sequence};
use whodid_model::{AccountName, Offset, StreamName, Timestamp};

pub const HOUR: i64 = 3_600_000_000;
pub const DAY: i64 = 24 * HOUR;

/// A time on 31 January 2026, and so many microseconds later.
pub fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_769_817_600_000_000 + micros)
}

/// When the test events were taken in: two days after the last of them.
pub fn recorded() -> Timestamp {
    at(40 * DAY)
}

/// Event `number`, as its sender wrote it.
pub fn line(number: u64, event_time: Timestamp) -> String {
    let (user, key) = (number * 7919 % 97, number * 104_729 % 1009);
    let outcome = if number.is_multiple_of(5) { "failure" } else { "success" };
    let note = if number.is_multiple_of(11) { r#","note":"quoted \"text\" é""# } else { "" };
    format!(
        r#"{{"eventTime":"{event_time}","id":"e-{number:08}","action":"kms.secrets.read","outcome":"{outcome}","initiator":{{"id":"IAM-{user}","name":"user{user}@example.com","typeURI":"service/security/account/user","host":{{"address":"192.0.2.{user}","agent":"curl/8.4"}}}},"target":{{"id":"crn:v1:example:kms::k{key}","name":"k{key}","typeURI":"kms/secrets"}},"reason":{{"reasonCode":200}},"requestData":{{"page":{number}}}{note}}}"#
    )
}

/// Where the test events lie in time: mostly in order, a few late, a new day every 1,000.
pub fn event_time(number: u64) -> Timestamp {
    let late = if number.is_multiple_of(13) { -17_000_000 } else { 0 };
    at((number / 1000) as i64 * DAY + HOUR + (number % 1000) as i64 * 1_000_123 + late)
}

/// Events `numbers` as a batch with these offsets.
pub fn batch(numbers: std::ops::Range<u64>) -> RecordBatch {
    batch_recorded(numbers, recorded())
}

/// The same, taken in at another time.
pub fn batch_recorded(numbers: std::ops::Range<u64>, recorded_at: Timestamp) -> RecordBatch {
    let first = numbers.start;
    let mut builder = BatchBuilder::new();
    for number in numbers {
        append(&mut builder, &line(number, event_time(number)));
    }
    sequence(&builder.finish(), Offset(first), recorded_at)
}

pub fn append(builder: &mut BatchBuilder, line: &str) {
    for item in decode(Format::IbmAt, line.as_bytes(), recorded()) {
        match &item.event {
            Ok(event) => builder.append(item.format.as_str(), item.raw, event),
            Err(reject) => builder.append_reject(item.format.as_str(), item.raw, reject, recorded()),
        }
    }
}

pub fn account() -> AccountName {
    AccountName::parse("acme").unwrap()
}

pub async fn table(store: &Arc<dyn ObjectStore>) -> Arc<Table> {
    Lake::on(store.clone()).table(&account(), &StreamName::activity()).await.unwrap()
}

/// All batches of a snapshot; those of segments first.
pub async fn read(snapshot: &Snapshot) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    for segment in &snapshot.segments {
        let reader = SegmentReader::new(snapshot.store.clone(), segment.clone());
        let stream = ParquetRecordBatchStreamBuilder::new(reader).await.unwrap().build().unwrap();
        let read: Vec<RecordBatch> = stream.try_collect().await.unwrap();
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>() as u64, segment.rows, "{}", segment.path);
        for batch in &read {
            assert_eq!(batch.schema().fields(), snapshot.schema.fields());
        }
        check_sorted(&read);
        batches.extend(read);
    }
    batches.extend(snapshot.tail.iter().map(|batch| batch.batch().clone()));
    batches
}

fn check_sorted(batches: &[RecordBatch]) {
    let keys = batches.iter().flat_map(|batch| {
        let times = batch.column(column::EVENT_TIME).as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
        let offsets = batch.column(column::OFFSET).as_primitive::<Int64Type>();
        times.values().iter().copied().zip(offsets.values().iter().copied()).collect::<Vec<_>>()
    });
    assert!(keys.is_sorted(), "a segment is not in the order of event time and offset");
}

/// Asserts that a snapshot holds records 0 to `count`, each once and with its raw text.
pub async fn check_holds(snapshot: &Snapshot, count: u64) {
    let mut found: BTreeMap<i64, u32> = BTreeMap::new();
    for batch in read(snapshot).await {
        let offsets = batch.column(column::OFFSET).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let offset = offsets.value(row);
            *found.entry(offset).or_default() += 1;
            let expected = line(offset as u64, event_time(offset as u64));
            assert_eq!(String::from_utf8_lossy(&raw_of_row(&batch, row)), expected);
        }
    }
    let lost: Vec<i64> = (0..count as i64).filter(|offset| !found.contains_key(offset)).collect();
    let twice: Vec<i64> = found.iter().filter(|(_, times)| **times > 1).map(|(offset, _)| *offset).collect();
    assert_eq!((lost.as_slice(), twice.as_slice()), (&[][..], &[][..]), "lost and twice, of {count}");
    assert_eq!(found.len() as u64, count, "records that nobody sent");
}
