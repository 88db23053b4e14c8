//! The stored form of a record: one row of one Arrow schema, the same in tail, journal and segments.
//!
//! A stored form is never changed, only followed by a next version (`corpus/lake/` keeps each one).
//! The version stands in every Parquet file's key-value metadata. The partition column `event_date`
//! exists in the Delta table alone: its value is in the folder name, not in the files.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};
use deltalake_core::kernel::{DataType as DeltaType, StructField};
use whodid_model::{Field, TimeSource};

/// Key of the schema version in a Parquet file's metadata.
pub const SCHEMA_VERSION_KEY: &str = "whodid.schema";
/// The version that this code writes.
pub const SCHEMA_VERSION: &str = "1";
/// The column by which tables are partitioned: the UTC day of `event_time`; null for records that were flushed
/// with those of more than [`crate::parquet_file::DAYS_A_FLUSH_MAX`] days.
pub const PARTITION_COLUMN: &str = "event_date";
/// How Hive and Delta name the folder of a null partition.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// The folder of a partition, from the table's own. `date` is empty for the null partition.
pub(crate) fn partition_folder(date: &str) -> String {
    let value = if date.is_empty() { NULL_PARTITION } else { date };
    format!("{PARTITION_COLUMN}={value}")
}
/// Columns with a minimum and maximum in the Delta log; only what prunes, because each one is paid for by every commit.
pub const LOG_STATISTICS: [&str; 3] = ["offset", "recorded_at", "event_time"];

/// Place of a column in [`stored_schema`].
pub mod column {
    use whodid_model::Field;

    /// `offset`: Int64, never null.
    pub const OFFSET: usize = 0;
    /// `recorded_at`: microseconds UTC, never null.
    pub const RECORDED_AT: usize = 1;
    /// `event_time`: microseconds UTC, never null.
    pub const EVENT_TIME: usize = 2;
    /// `time_source`: `stated`, `zone_assumed` or `received`.
    pub const TIME_SOURCE: usize = 3;
    /// `source`: the format the event was read as.
    pub const SOURCE: usize = 4;
    /// `space`: null for events of the account itself.
    pub const SPACE: usize = 5;
    /// The first of the columns that [`Field::ALL`] names, in its order.
    pub const FIELDS: usize = 6;
    /// `raw_template`: see [`crate::raw_template`]; null where `raw_bytes` stands instead.
    pub const RAW_TEMPLATE: usize = FIELDS + Field::COUNT;
    /// `raw_bytes`: raw bytes that are not UTF-8.
    pub const RAW_BYTES: usize = RAW_TEMPLATE + 1;
    /// How many columns a sequenced batch has.
    pub const COUNT: usize = RAW_BYTES + 1;
    /// How many of them the writer adds when it sequences a batch; they stand first.
    pub const GIVEN_BY_SEQUENCE: usize = 2;

    /// Place of a field's column.
    pub fn of(field: Field) -> usize {
        FIELDS + field.index()
    }
}

/// The schema of sequenced batches and of segments.
pub fn stored_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new(Schema::new(stored_fields())));
    SCHEMA.clone()
}

/// The schema of batches that have no offsets yet: [`stored_schema`] without `offset` and `recorded_at`.
pub fn unsequenced_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> =
        LazyLock::new(|| Arc::new(Schema::new(stored_fields().split_off(column::GIVEN_BY_SEQUENCE))));
    SCHEMA.clone()
}

/// The type of both time columns.
pub fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The text that stands for a [`TimeSource`] in the `time_source` column.
pub fn time_source_text(source: TimeSource) -> &'static str {
    match source {
        TimeSource::Stated => "stated",
        TimeSource::ZoneAssumed => "zone_assumed",
        TimeSource::Received => "received",
    }
}

/// The [`TimeSource`] that a text of the `time_source` column stands for.
pub fn time_source_of(text: &str) -> TimeSource {
    match text {
        "stated" => TimeSource::Stated,
        "zone_assumed" => TimeSource::ZoneAssumed,
        _ => TimeSource::Received,
    }
}

/// The columns of the Delta table: the stored ones and the partition column.
pub(crate) fn delta_columns() -> Vec<StructField> {
    let mut columns = vec![StructField::new(PARTITION_COLUMN, DeltaType::DATE, true)];
    for field in stored_schema().fields() {
        let kind = match field.data_type() {
            DataType::Int64 => DeltaType::LONG,
            DataType::Timestamp(..) => DeltaType::TIMESTAMP,
            DataType::Binary => DeltaType::BINARY,
            _ => DeltaType::STRING,
        };
        // Nullable throughout: a NOT NULL column binds every later schema, and the writer keeps the promise anyway.
        columns.push(StructField::new(field.name(), kind, true));
    }
    columns
}

fn stored_fields() -> Vec<ArrowField> {
    let mut fields = vec![
        ArrowField::new("offset", DataType::Int64, false),
        ArrowField::new("recorded_at", time_type(), false),
        ArrowField::new("event_time", time_type(), false),
        ArrowField::new("time_source", DataType::Utf8, false),
        ArrowField::new("source", DataType::Utf8, false),
        ArrowField::new("space", DataType::Utf8, true),
    ];
    fields.extend(Field::ALL.into_iter().map(|field| ArrowField::new(field.column(), DataType::Utf8, true)));
    fields.push(ArrowField::new("raw_template", DataType::Utf8, true));
    fields.push(ArrowField::new("raw_bytes", DataType::Binary, true));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_stands_where_its_constant_says() {
        let schema = stored_schema();
        assert_eq!(schema.fields().len(), column::COUNT);
        for (place, name) in [
            (column::OFFSET, "offset"),
            (column::RECORDED_AT, "recorded_at"),
            (column::EVENT_TIME, "event_time"),
            (column::TIME_SOURCE, "time_source"),
            (column::SOURCE, "source"),
            (column::SPACE, "space"),
            (column::RAW_TEMPLATE, "raw_template"),
            (column::RAW_BYTES, "raw_bytes"),
        ] {
            assert_eq!(schema.field(place).name(), name);
        }
        for field in Field::ALL {
            assert_eq!(schema.field(column::of(field)).name(), field.column());
        }
    }

    /// A changed line here is a new version: keep the old file and add the next.
    #[test]
    fn version_1_is_as_the_golden_file_says() {
        let mut text = String::new();
        for field in stored_schema().fields() {
            let null = if field.is_nullable() { "null" } else { "not null" };
            text.push_str(&format!("{} {} {null}\n", field.name(), field.data_type()));
        }
        let golden = include_str!("../../../corpus/lake/schema-1.txt");
        assert_eq!(text, golden);
    }
}
