//! How a segment is written: one Parquet file, its columns encoded for few bytes and cheap single rows.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use whodid_model::{Field, Offset, Timestamp};

use crate::schema::{SCHEMA_VERSION, SCHEMA_VERSION_KEY, column, stored_schema, time_type};

/// Rows of a row group: enough for good compression, few enough that one group is a small unit of pruning.
pub(crate) const ROW_GROUP_ROWS: usize = 128 << 10;
/// Rows handed to the writer at a time.
pub(crate) const WRITE_ROWS: usize = 8192;

const ZSTD_LEVEL: i32 = 3;
/// A page is the least that reading one row decodes.
const PAGE_BYTES: usize = 64 << 10;
const PAGE_ROWS: usize = 4096;
/// Above this a dictionary stops paying for being read whole.
const DICTIONARY_BYTES: usize = 256 << 10;
/// Most days whose records get a file of their own in one flush. Each file costs a few syncs or a request, and
/// every later reading of the log; events of invented times must not buy thousands of them.
pub(crate) const DAYS_A_FLUSH_MAX: usize = 64;
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// Why a segment could not be encoded.
#[derive(Debug, thiserror::Error)]
#[error("cannot encode the segment")]
pub struct SegmentWriteError(#[from] ParquetError);

/// What the Delta log and the segment list say of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub rows: u64,
    pub offsets: (Offset, Offset),
    pub event_time: (Timestamp, Timestamp),
    pub recorded_at: (Timestamp, Timestamp),
}

/// Writes rows that come in the segment's order into memory.
pub(crate) struct SegmentWriter {
    writer: ArrowWriter<Vec<u8>>,
    rows: u64,
    offsets: (i64, i64),
    recorded_at: (i64, i64),
    event_time: (i64, i64),
}

impl SegmentWriter {
    /// A writer for about `rows` rows.
    pub fn new(rows: usize) -> Result<Self, SegmentWriteError> {
        let none = (i64::MAX, i64::MIN);
        let writer = ArrowWriter::try_new(Vec::new(), stored_schema(), Some(properties(rows)))?;
        Ok(Self { writer, rows: 0, offsets: none, recorded_at: none, event_time: none })
    }

    /// Adds rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SegmentWriteError> {
        widen(&mut self.offsets, batch, column::OFFSET);
        widen(&mut self.recorded_at, batch, column::RECORDED_AT);
        widen(&mut self.event_time, batch, column::EVENT_TIME);
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch)?;
        Ok(())
    }

    /// Takes the bytes that are finished so far, so that a large file need not be held whole.
    pub fn take_finished(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }

    /// How many rows were added.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The remaining bytes of the file, and what is in it. At least one row must have been written, and none more
    /// can be.
    pub fn end(&mut self) -> Result<(Vec<u8>, Facts), SegmentWriteError> {
        let pair = |(least, most): (i64, i64)| (Timestamp::from_micros(least), Timestamp::from_micros(most));
        let facts = Facts {
            rows: self.rows,
            offsets: (Offset(self.offsets.0 as u64), Offset(self.offsets.1 as u64)),
            event_time: pair(self.event_time),
            recorded_at: pair(self.recorded_at),
        };
        self.writer.finish()?;
        Ok((self.take_finished(), facts))
    }
}

fn widen(bounds: &mut (i64, i64), batch: &RecordBatch, place: usize) {
    for value in integers(batch, place) {
        bounds.0 = bounds.0.min(*value);
        bounds.1 = bounds.1.max(*value);
    }
}

/// The numbers of a never-null integer or time column.
pub(crate) fn integers(batch: &RecordBatch, place: usize) -> &[i64] {
    let array = batch.column(place);
    if *array.data_type() == time_type() {
        array.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().values()
    } else {
        array.as_primitive::<Int64Type>().values()
    }
}

fn properties(rows: usize) -> WriterProperties {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).expect("zstd has level 3"));
    let sorting = |place: usize| SortingColumn { column_idx: place as i32, descending: false, nulls_first: false };
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("whodid {}", env!("CARGO_PKG_VERSION")))
        .set_compression(zstd)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(vec![sorting(column::EVENT_TIME), sorting(column::OFFSET)]))
        .set_key_value_metadata(Some(vec![KeyValue::new(SCHEMA_VERSION_KEY.to_owned(), SCHEMA_VERSION.to_owned())]));
    for name in ["offset", "recorded_at", "event_time"] {
        builder = builder
            .set_column_dictionary_enabled(path(name), false)
            .set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED);
    }
    // Texts that hardly repeat: a dictionary would be built, found too large and thrown away.
    for field in [Field::Id, Field::RequestData, Field::ResponseData] {
        builder = builder.set_column_dictionary_enabled(path(field.column()), false);
    }
    // Bounds of long or random texts prune nothing.
    // For these only the chunk tells something, above all the size of its texts when they are decoded.
    let long = [Field::Message, Field::RequestData, Field::ResponseData, Field::ReasonText].map(Field::column);
    for name in long.into_iter().chain(["raw_template", "raw_bytes"]) {
        builder = builder.set_column_statistics_enabled(path(name), EnabledStatistics::Chunk);
    }
    for field in [Field::Id, Field::CorrelationId] {
        builder = with_bloom_filter(builder, field, rows);
    }
    builder.build()
}

fn with_bloom_filter(builder: WriterPropertiesBuilder, field: Field, rows: usize) -> WriterPropertiesBuilder {
    builder
        .set_column_bloom_filter_enabled(path(field.column()), true)
        .set_column_bloom_filter_fpp(path(field.column()), BLOOM_FALSE_POSITIVES)
        .set_column_bloom_filter_max_ndv(path(field.column()), rows.clamp(1, ROW_GROUP_ROWS) as u64)
}

fn path(name: &str) -> ColumnPath {
    ColumnPath::from(name)
}

/// One row of several batches, in the order of a segment: by event time, then by offset, which is the
/// order of batches and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SortedRow {
    pub event_time: i64,
    pub batch: u32,
    pub row: u32,
}

/// The rows of batches that stand in offset order, sorted, a group for each UTC day. Of more than
/// [`DAYS_A_FLUSH_MAX`] days those with the fewest rows are one group together, whose date is empty.
pub(crate) fn sorted_by_day(batches: &[RecordBatch]) -> Vec<(String, Vec<SortedRow>)> {
    let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for (number, batch) in batches.iter().enumerate() {
        for (row, event_time) in integers(batch, column::EVENT_TIME).iter().enumerate() {
            rows.push(SortedRow { event_time: *event_time, batch: number as u32, row: row as u32 });
        }
    }
    rows.sort_unstable();
    let day = |row: &SortedRow| Timestamp::from_micros(row.event_time).day_number();
    let days: Vec<&[SortedRow]> = rows.chunk_by(|a, b| day(a) == day(b)).collect();
    // The days with most rows; of equal ones the later, which are asked for more.
    let mut order: Vec<usize> = (0..days.len()).collect();
    order.sort_unstable_by_key(|place| std::cmp::Reverse((days[*place].len(), *place)));
    let own_file: HashSet<usize> = order.into_iter().take(DAYS_A_FLUSH_MAX).collect();
    let mut groups = Vec::new();
    let mut strays = Vec::new();
    for (place, rows) in days.into_iter().enumerate() {
        if own_file.contains(&place) {
            groups.push((Timestamp::from_micros(rows[0].event_time).date(), rows.to_vec()));
        } else {
            strays.extend_from_slice(rows);
        }
    }
    if !strays.is_empty() {
        groups.push((String::new(), strays));
    }
    groups
}

/// Encodes one segment of chosen rows.
pub(crate) fn encode(batches: &[RecordBatch], rows: &[SortedRow]) -> Result<(Vec<u8>, Facts), SegmentWriteError> {
    let mut writer = SegmentWriter::new(rows.len())?;
    let sources: Vec<&RecordBatch> = batches.iter().collect();
    for rows in rows.chunks(WRITE_ROWS) {
        let places: Vec<(usize, usize)> = rows.iter().map(|row| (row.batch as usize, row.row as usize)).collect();
        writer.write(&gather(&sources, &places)?)?;
    }
    writer.end()
}

/// The rows at `places` (batch, row), in that order.
pub(crate) fn gather(sources: &[&RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch, SegmentWriteError> {
    let (first, last) = (places[0], places[places.len() - 1]);
    let is_slice = first.0 == last.0
        && last.1.wrapping_sub(first.1) == places.len() - 1
        && places.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1 + 1 == pair[1].1);
    if is_slice {
        return Ok(sources[first.0].slice(first.1, places.len()));
    }
    let gathered = arrow::compute::interleave_record_batch(sources, places).map_err(ParquetError::from)?;
    Ok(gathered)
}

/// The statistics of a file as the Delta log writes them.
pub(crate) fn log_statistics(facts: &Facts) -> String {
    let bounds = |side: fn(&Facts) -> (Offset, Timestamp, Timestamp)| {
        let (offset, recorded_at, event_time) = side(facts);
        serde_json::json!({ "offset": offset, "recorded_at": recorded_at, "event_time": event_time })
    };
    serde_json::json!({
        "numRecords": facts.rows,
        "minValues": bounds(|facts| (facts.offsets.0, facts.recorded_at.0, facts.event_time.0)),
        "maxValues": bounds(|facts| (facts.offsets.1, facts.recorded_at.1, facts.event_time.1)),
        "nullCount": { "offset": 0, "recorded_at": 0, "event_time": 0 },
    })
    .to_string()
}

/// Reads [`log_statistics`] back, from whichever engine wrote them.
pub(crate) fn facts_of(statistics: &str) -> Option<Facts> {
    let value: serde_json::Value = serde_json::from_str(statistics).ok()?;
    let offset = |side: &str| Some(Offset(value[side]["offset"].as_u64()?));
    let time = |side: &str, name: &str| Some(Timestamp::parse(value[side][name].as_str()?).ok()?.at);
    let times = |name: &str| Some((time("minValues", name)?, time("maxValues", name)?));
    Some(Facts {
        rows: value["numRecords"].as_u64()?,
        offsets: (offset("minValues")?, offset("maxValues")?),
        event_time: times("event_time")?,
        recorded_at: times("recorded_at")?,
    })
}

/// Schema of the rows that compaction reads back: what the file holds must be what was written.
pub(crate) fn is_stored_schema(schema: &arrow::datatypes::SchemaRef) -> bool {
    let stored = stored_schema();
    schema.fields().len() == stored.fields().len()
        && schema
            .fields()
            .iter()
            .zip(stored.fields())
            .all(|(a, b)| a.name() == b.name() && (Arc::ptr_eq(a, b) || a.data_type() == b.data_type()))
}

#[cfg(test)]
mod tests {
    use whodid_model::{Event, TimeSource};

    use super::*;
    use crate::batch::{BatchBuilder, sequence};

    /// A batch with so many rows of each day, the days counted from 2020-01-01.
    fn batch_of(days: &[usize]) -> RecordBatch {
        let start = Timestamp::parse("2020-01-01").expect("a date").at;
        let mut builder = BatchBuilder::new();
        for (day, rows) in days.iter().enumerate() {
            for _ in 0..*rows {
                let time = start.plus_micros(day as i64 * whodid_model::time::MICROS_A_DAY);
                builder.append("json", b"{}", &Event::at(time, TimeSource::Stated));
            }
        }
        sequence(&builder.finish(), Offset(0), start)
    }

    #[test]
    fn of_too_many_days_those_with_most_rows_have_files_and_of_equal_ones_the_later() {
        let mut days = vec![1; 200];
        days[150] = 9;
        days[199] = 50;
        days[3] = 2;
        let groups = sorted_by_day(&[batch_of(&days)]);
        let dates: Vec<&str> = groups.iter().map(|(date, _)| date.as_str()).collect();
        assert_eq!(dates.len(), DAYS_A_FLUSH_MAX + 1);
        assert_eq!(dates.last(), Some(&""), "the rest comes last");
        assert!(["2020-01-04", "2020-05-30", "2020-07-18"].iter().all(|date| dates.contains(date)), "{dates:?}");
        assert!(dates[1..DAYS_A_FLUSH_MAX].iter().all(|date| *date > "2020-05-01"), "{dates:?}");
        let rows: usize = groups.iter().map(|(_, rows)| rows.len()).sum();
        assert_eq!(rows, days.iter().sum::<usize>());
        assert_eq!(groups.last().map(|(_, rows)| rows.len()), Some(200 - DAYS_A_FLUSH_MAX));
    }

    #[test]
    fn as_many_days_as_there_may_be_have_a_file_each() {
        let groups = sorted_by_day(&[batch_of(&[1; DAYS_A_FLUSH_MAX])]);
        assert_eq!(groups.len(), DAYS_A_FLUSH_MAX);
        assert!(groups.iter().all(|(date, rows)| !date.is_empty() && rows.len() == 1));
    }
}
