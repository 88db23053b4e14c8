//! How answers are printed: as a table for people, or as JSON, NDJSON or CSV for programs.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use serde_json::Value;

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Columns for people
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Ndjson,
    /// RFC 4180 with a header
    Csv,
}

/// A column: its heading and the JSON pointer of its value in a row.
pub type Column = (&'static str, &'static str);

/// Prints rows. `document` is what `--output json` prints, the whole answer.
pub fn rows(output: Output, columns: &[Column], rows: &[Value], document: &Value) -> std::io::Result<()> {
    let columns: Vec<(String, String)> =
        columns.iter().map(|(heading, pointer)| ((*heading).to_owned(), (*pointer).to_owned())).collect();
    print_rows(output, &columns, rows, document)
}

/// Prints rows whose columns are known only now; the names are keys of each row.
pub fn named_rows(output: Output, names: &[String], rows: &[Value], document: &Value) -> std::io::Result<()> {
    let pointer = |name: &String| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let columns: Vec<(String, String)> = names.iter().map(|name| (name.clone(), pointer(name))).collect();
    print_rows(output, &columns, rows, document)
}

fn print_rows(output: Output, columns: &[(String, String)], rows: &[Value], document: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match output {
        Output::Json => pretty(&mut out, document)?,
        Output::Ndjson => {
            for row in rows {
                writeln!(out, "{row}")?;
            }
        }
        Output::Csv => {
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut out);
            // As in JSON and in exports, whatever people read above a table.
            let headings = columns.iter().map(|(_, pointer)| dotted(pointer));
            writer.write_record(headings).map_err(io_error)?;
            for row in rows {
                let cells = columns.iter().map(|(_, pointer)| row.pointer(pointer).map(defuse).unwrap_or_default());
                writer.write_record(cells).map_err(io_error)?;
            }
            writer.flush()?;
        }
        Output::Table => {
            let mut table = comfy_table::Table::new();
            table.load_preset(comfy_table::presets::NOTHING);
            let is_for_people = std::io::stdout().is_terminal();
            if is_for_people {
                table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_truncation_indicator("…");
            }
            table.set_header(columns.iter().map(|(heading, _)| heading.to_uppercase()));
            for row in rows {
                let cells = columns.iter().map(|(_, pointer)| printable(&cell(row, pointer)));
                let mut row = comfy_table::Row::from(cells);
                if is_for_people {
                    // A row is a line; what does not fit is cut, and whole in the other forms.
                    row.max_height(1);
                }
                table.add_row(row);
            }
            for (column, (heading, _)) in table.column_iter_mut().zip(columns) {
                column.set_padding((0, 2));
                // A time or an id that is cut is of no use.
                if matches!(heading.as_str(), "time" | "recorded" | "record" | "id") {
                    column.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
                }
            }
            for line in table.lines() {
                writeln!(out, "{}", line.trim_end())?;
            }
        }
    }
    out.flush()
}

/// Prints one object; as a table, one line a member.
pub fn object(output: Output, value: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match (output, value) {
        (Output::Json, _) => pretty(&mut out, value)?,
        (Output::Ndjson, _) => writeln!(out, "{value}")?,
        (Output::Csv, Value::Object(members)) => {
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut out);
            writer.write_record(members.keys()).map_err(io_error)?;
            writer.write_record(members.values().map(defuse)).map_err(io_error)?;
            writer.flush()?;
        }
        (Output::Table, Value::Object(members)) => {
            let members: Vec<(&str, String)> =
                members.iter().map(|(key, value)| (key.as_str(), plain(value))).collect();
            write_members(&mut out, &members)?;
        }
        (Output::Csv | Output::Table, other) => writeln!(out, "{}", plain(other))?,
    }
    out.flush()
}

/// Prints names and values for people, in the order given.
pub fn members(members: &[(&str, String)]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    write_members(&mut out, members)?;
    out.flush()
}

fn write_members(out: &mut impl Write, members: &[(&str, String)]) -> std::io::Result<()> {
    let width = members.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    for (name, value) in members {
        writeln!(out, "{name:width$}  {}", printable(value))?;
    }
    Ok(())
}

/// Prints a line of text on standard output.
pub fn line(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")
}

/// Prints a line for the person at the terminal, on standard error so that answers stay clean.
pub fn note(text: &str) {
    // Nobody reads a closed standard error.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The error beneath, whose kind tells a closed pipe from a full disk.
fn io_error(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

fn pretty(out: &mut impl Write, value: &Value) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

fn cell(row: &Value, pointer: &str) -> String {
    row.pointer(pointer).map(plain).unwrap_or_default()
}

/// `/initiator/name` as `initiator.name`.
fn dotted(pointer: &str) -> String {
    let names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    names.collect::<Vec<_>>().join(".")
}

/// A value as people read it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // Lists of words, and of things that have a name, are read as such; whole they are in JSON.
        Value::Array(values) => {
            let word = |value: &Value| {
                let named = value.get("name").or_else(|| value.get("role")).unwrap_or(value);
                named.as_str().map(str::to_owned)
            };
            match values.iter().map(word).collect::<Option<Vec<String>>>() {
                Some(words) => words.join(", "),
                None => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}

/// A value as a cell that no spreadsheet takes for a formula. A number is none, whatever its sign.
fn defuse(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        other => whodid_engine::defused(&plain(other)).into_owned(),
    }
}

/// Control characters of a value must not reach the terminal; the ends of its lines are blanks in a cell.
fn printable(text: &str) -> String {
    let of = |shown: char| match shown {
        '\n' | '\r' | '\t' => ' ',
        shown if shown.is_control() => '\u{fffd}',
        shown => shown,
    };
    text.chars().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_known_as_one_through_the_writer_of_csv() {
        let closed = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(io_error(csv::Error::from(closed)).kind(), std::io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_csv_heading_is_the_path_of_its_value() {
        assert_eq!(dotted("/initiator/name"), "initiator.name");
        assert_eq!(dotted("/a~1b~0c"), "a/b~c");
    }

    #[test]
    fn a_value_can_neither_steer_the_terminal_nor_a_spreadsheet() {
        assert_eq!(printable("a\u{1b}[31mb"), "a\u{fffd}[31mb");
        assert_eq!(printable("two\nlines\t\u{7}"), "two lines \u{fffd}");
        assert_eq!(defuse(&"=1+1".into()), "'=1+1");
        assert_eq!(defuse(&"plain".into()), "plain");
        assert_eq!(defuse(&(-1).into()), "-1");
    }
}
