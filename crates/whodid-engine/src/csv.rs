//! CSV rows: RFC 4180 quoting, and no cell that a spreadsheet would run.

use arrow::array::RecordBatch;
use bytes::Bytes;
use whodid_model::StreamName;
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
        for row in Row::all(batch) {
            if self.needs_raw {
                rowview::with_event(row, stream, |event| self.row(row, Some(event), &mut text));
            } else {
                self.row(row, None, &mut text);
            }
            text.push_str("\r\n");
        }
        Bytes::from(text)
    }

    fn row(&self, row: Row<'_>, event: Option<&EventText<'_>>, text: &mut String) {
        for (place, target) in self.targets.iter().enumerate() {
            match (target, event) {
                (None, _) => cell(&String::from_utf8_lossy(&row.raw()), place, text),
                (Some(Target::Field(field)), _) => cell(row.field(*field).unwrap_or_default(), place, text),
                (Some(Target::Record(RecordField::EventTime)), _) => cell(&row.event_time().to_string(), place, text),
                (Some(target), Some(event)) => cell(&rowview::text_of(event, target), place, text),
                (Some(_), None) => cell("", place, text),
            }
        }
    }
}

/// Whether a column's text is only found by parsing the raw event.
fn needs_raw(target: Option<&Target>) -> bool {
    !matches!(target, None | Some(Target::Field(_) | Target::Record(RecordField::EventTime)))
}

/// Writes a cell, with the comma before it. A cell that begins like a formula (`= + - @`, tab,
/// carriage return) gets a leading quote mark, as OWASP advises against CSV injection.
fn cell(value: &str, place: usize, out: &mut String) {
    if place > 0 {
        out.push(',');
    }
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
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
        check("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"");
    }
}
