//! CSV rows: RFC 4180 quoting, and no cell that a spreadsheet would run.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::datatypes::Schema;
use bytes::Bytes;
use whodid_lake::RawReader;
use whodid_lake::schema::{column, stored_schema};
use whodid_model::{Field, StreamName};
use whodid_query::{EventText, RecordField, Target};

use crate::error::Error;
use crate::read::target_of;
use crate::row::Row;
use crate::rowview;

/// The columns of a CSV export.
pub(crate) struct Columns {
    names: Vec<String>,
    /// `None` stands for the raw text.
    targets: Vec<Option<Target>>,
    needs_raw: bool,
}

impl Columns {
    /// Columns by field name or path; `raw` is the text as received.
    pub(crate) fn parse(names: &[String]) -> Result<Self, Error> {
        let targets = names
            .iter()
            .map(|name| if name == "raw" { Ok(None) } else { target_of(name).map(Some) })
            .collect::<Result<Vec<_>, _>>()?;
        let needs_raw = targets.iter().any(|target| needs_raw(target.as_ref()));
        Ok(Self { names: names.to_vec(), targets, needs_raw })
    }

    /// The stored columns that are needed; `None` when that is all of them.
    pub(crate) fn stored(&self) -> Option<Vec<String>> {
        let is_whole = |target: &Option<Target>| target.is_none() || needs_raw(target.as_ref());
        if self.targets.iter().any(is_whole) {
            return None;
        }
        let places = |target: &Target| match target {
            Target::Field(field) => vec![column::of(*field)],
            Target::Record(RecordField::Offset) => vec![column::OFFSET],
            Target::Record(RecordField::RecordedAt) => vec![column::RECORDED_AT],
            Target::Record(RecordField::Space) => vec![column::SPACE],
            Target::Record(RecordField::Source) => vec![column::SOURCE],
            Target::Record(RecordField::TimeSource) => vec![column::TIME_SOURCE],
            Target::Record(RecordField::Result) => {
                [Field::Outcome, Field::ReasonCode, Field::ReasonType, Field::ReasonText].map(column::of).to_vec()
            }
            Target::Record(RecordField::EventTime | RecordField::Stream)
            | Target::Any
            | Target::Json { .. }
            | Target::Raw(_) => Vec::new(),
        };
        let mut places: Vec<usize> = self.targets.iter().flatten().flat_map(places).collect();
        places.push(column::EVENT_TIME);
        places.sort_unstable();
        places.dedup();
        Some(places.into_iter().map(|place| stored_schema().field(place).name().clone()).collect())
    }

    /// The first line.
    pub(crate) fn header(&self) -> Bytes {
        let mut line = String::new();
        for (place, name) in self.names.iter().enumerate() {
            cell(name, place, &mut line);
        }
        line.push_str("\r\n");
        Bytes::from(line)
    }

    /// The lines of a batch. Several values of one path (an array) are joined by `; `.
    pub(crate) fn rows(&self, batch: &RecordBatch, stream: &StreamName) -> Bytes {
        let mut text = String::with_capacity(batch.num_rows() * 256);
        let batch = &widened(batch);
        let raws = RawReader::new(batch);
        for row in Row::all_with(batch, &raws) {
            if self.needs_raw {
                rowview::with_event(row, stream, |event| self.row(row, stream, Some(event), &mut text));
            } else {
                self.row(row, stream, None, &mut text);
            }
            text.push_str("\r\n");
        }
        Bytes::from(text)
    }

    fn row(&self, row: Row<'_>, stream: &StreamName, event: Option<&EventText<'_>>, text: &mut String) {
        for (place, target) in self.targets.iter().enumerate() {
            match (target, event) {
                (None, _) => cell(&String::from_utf8_lossy(&row.raw()), place, text),
                (Some(Target::Field(field)), _) => cell(row.field(*field).unwrap_or_default(), place, text),
                (Some(Target::Record(field)), _) => cell(&of_record(row, stream, *field), place, text),
                (Some(target), Some(event)) => cell(&rowview::text_of(event, target), place, text),
                (Some(_), None) => cell("", place, text),
            }
        }
    }
}

/// What a cell that a spreadsheet would run begins with.
const RUN_BY_SPREADSHEETS: [char; 12] =
    ['=', '+', '-', '@', '\0', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A text as a cell that no spreadsheet takes for a formula: what one would run gets a quote before it.
pub fn defused(text: &str) -> Cow<'_, str> {
    if text.starts_with(RUN_BY_SPREADSHEETS) { format!("'{text}").into() } else { text.into() }
}

/// Whether a column's text is only found by parsing the raw event.
fn needs_raw(target: Option<&Target>) -> bool {
    !matches!(target, None | Some(Target::Field(_) | Target::Record(_)))
}

fn of_record<'a>(row: Row<'a>, stream: &'a StreamName, field: RecordField) -> Cow<'a, str> {
    match field {
        RecordField::Offset => row.offset().to_string().into(),
        RecordField::RecordedAt => row.recorded_at().to_string().into(),
        RecordField::EventTime => row.event_time().to_string().into(),
        RecordField::Space => row.space().unwrap_or_default().into(),
        RecordField::Source => row.source().into(),
        RecordField::Stream => stream.as_str().into(),
        RecordField::TimeSource => row.time_source().into(),
        RecordField::Result => row.result().into(),
    }
}

/// The batch with every stored column, in the order of the stored schema: nulls where it has none.
fn widened(batch: &RecordBatch) -> RecordBatch {
    let stored = stored_schema();
    if batch.num_columns() == stored.fields().len() {
        return batch.clone();
    }
    let fields: Vec<_> = stored.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    let columns = fields.iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => column.clone(),
        None => new_null_array(field.data_type(), batch.num_rows()),
    });
    let columns = columns.collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("each column is of its field's type and length")
}

/// Writes a cell, with the comma before it. A cell that begins like a formula (`= + - @`, also in full width), or with
/// a sign that spreadsheets pass over (NUL, tab, line ends), gets a leading quote mark, as OWASP advises against CSV
/// injection.
fn cell(value: &str, place: usize, out: &mut String) {
    if place > 0 {
        out.push(',');
    }
    let is_formula = value.starts_with(RUN_BY_SPREADSHEETS);
    let needs_quotes = is_formula || value.contains([',', '"', '\n', '\r']);
    if !needs_quotes {
        out.push_str(value);
        return;
    }
    out.push('"');
    if is_formula {
        out.push('\'');
    }
    for character in value.chars() {
        if character == '"' {
            out.push('"');
        }
        out.push(character);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &str) {
        let mut out = String::new();
        cell(value, 0, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn cells_are_quoted_as_rfc_4180_asks() {
        check("plain", "plain");
        check("a,b", "\"a,b\"");
        check("say \"hi\"", "\"say \"\"hi\"\"\"");
        check("two\nlines", "\"two\nlines\"");
    }

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_made_text() {
        check("=1+1", "\"'=1+1\"");
        check("+49", "\"'+49\"");
        check("-1", "\"'-1\"");
        check("@SUM(A1)", "\"'@SUM(A1)\"");
        check("\tx", "\"'\tx\"");
        check("\0=1", "\"'\0=1\"");
        check("\n=1", "\"'\n=1\"");
        check("＝1+1", "\"'＝1+1\"");
        check("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"");
    }
}
