//! Arrow cells as JSON values.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;
use whodid_model::Timestamp;

use crate::error::Error;

/// Largest whole number that JSON readers take without loss (2^53 - 1, RFC 7493).
const JSON_INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// The rows of the batches. Numbers and truth values stay what they are; whole numbers beyond
/// 2^53 - 1 and everything else become text, times as RFC 3339.
pub(crate) fn rows(batches: &[RecordBatch]) -> Result<Vec<Vec<Value>>, Error> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<Vec<Value>> = batch.columns().iter().map(column).collect::<Result<_, _>>()?;
        let mut cells: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        for _ in 0..batch.num_rows() {
            rows.push(cells.iter_mut().map(|column| column.next().unwrap_or(Value::Null)).collect());
        }
    }
    Ok(rows)
}

fn column(array: &ArrayRef) -> Result<Vec<Value>, Error> {
    let options = FormatOptions::default();
    let formatter =
        ArrayFormatter::try_new(array, &options).map_err(|error| Error::internal("formatting an SQL answer", error))?;
    let value = |row: usize| {
        if array.is_null(row) {
            return Value::Null;
        }
        let text = || formatter.value(row).to_string();
        match array.data_type() {
            DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
            DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
            DataType::Float32 => float(f64::from(array.as_primitive::<Float32Type>().value(row))),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                Value::String(Timestamp::from_micros(micros).to_string())
            }
            kind if kind.is_integer() => match text().parse::<i64>() {
                Ok(number) if number.abs() <= JSON_INTEGER_MAX => Value::from(number),
                _ => Value::String(text()),
            },
            _ => Value::String(text()),
        }
    };
    Ok((0..array.len()).map(value).collect())
}

fn float(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number)
}
