//! A stored row in the API's form: CADF members at the top, the raw text, the record.
//!
//! For events that came as CADF or in the Activity Tracker profile every member of the received
//! event appears as received; the model only adds what is missing (`initiator.name` of a Keystone
//! `username`) and writes times and outcomes in one way. For other sources the CADF members are
//! built from the fields.

mod plan;

use std::borrow::Cow;
use std::fmt::Write as _;

use whodid_decode::json::{Node, Value};
use whodid_model::{AccountName, Field, StreamName};

pub(crate) use plan::Renderer;

use crate::row::Row;

/// CADF 1.0's version marker of an event (DSP0262 1.0.0).
const EVENT_TYPE_URI: &str = "http://schemas.dmtf.org/cloud/audit/1.0/event";

/// Members that an event and a part of one seldom exceed.
const MEMBERS_OF_AN_EVENT: usize = 24;
const MEMBERS_OF_A_PART: usize = 6;

/// A piece of JSON to be written.
enum Json<'a> {
    Text(&'a str),
    /// The text of a field.
    Field(Field, &'a str),
    /// A field that holds JSON text, as it is; a text where it holds none.
    Data(Field, &'a str),
    EventTime(&'a str),
    /// The text of a field, where what was received in its place reads otherwise: the model takes it from elsewhere.
    Instead(&'a str),
    /// JSON text as received, but on one line; it begins at that byte of the document. The field says the same, if
    /// there is one.
    Received(&'a str, usize, Option<Field>),
    Object(Vec<(&'a str, Json<'a>)>),
}

/// Writes the event of a row as one line of JSON. Who writes many uses a [`Renderer`].
pub(crate) fn event_json(row: Row<'_>, account: &AccountName, stream: &StreamName, out: &mut String) {
    let raw_bytes = row.raw();
    let raw = text_of(&raw_bytes);
    let event_time = row.event_time().to_string();
    with_members(row, &raw, &event_time, |members, _| write_members(members, out));
    out.push_str(",\"raw\":");
    write_text(&raw, out);
    end_with_record(row, account, stream, out);
}

/// Where the members of an event are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The fields alone, as for every source that is not CADF.
    Model,
    /// The fields, because the received text holds what strict readers refuse.
    ModelInstead,
    /// The fields, and the received text over them.
    Received,
    /// The fields, and over them an event that was packed into the received text as a string.
    Unpacked,
}

/// Gives on the members of an event but for `raw` and `record`.
fn with_members<R>(
    row: Row<'_>,
    raw: &str,
    event_time: &str,
    then: impl FnOnce(&[(&str, Json<'_>)], Origin) -> R,
) -> R {
    let mut members = model_members(row, event_time);
    if !matches!(row.source(), "cadf" | "ibm-at") {
        return then(&members, Origin::Model);
    }
    let document = received_text(raw);
    let parsed = whodid_decode::json::parse(&document).ok();
    // What strict readers refuse stays in the raw text, or one odd event would spoil the answer for them.
    let Some(root) = parsed.filter(|root| root.is_plain_in(&document)) else {
        return then(&members, Origin::ModelInstead);
    };
    overlay(&mut members, received_event(&root), &document, true);
    members.retain(|(name, _)| !matches!(*name, "raw" | "record"));
    let origin = if matches!(document, Cow::Borrowed(_)) { Origin::Received } else { Origin::Unpacked };
    then(&members, origin)
}

/// Writes the record of a row, which ends its event.
fn end_with_record(row: Row<'_>, account: &AccountName, stream: &StreamName, out: &mut String) {
    let (offset, recorded_at) = (row.offset().0, row.recorded_at());
    // A String takes whatever is written. A stream's name holds nothing that JSON escapes.
    let _ =
        write!(out, ",\"record\":{{\"id\":\"{stream}:{offset}\",\"offset\":{offset},\"recorded_at\":\"{recorded_at}\"");
    let summary = whodid_model::sentence::summary(&row.fields());
    let texts = [
        ("account", Some(account.as_str())),
        ("space", row.space()),
        ("region", row.field(Field::Region)),
        ("stream", Some(stream.as_str())),
        ("source", Some(row.source())),
        ("access", row.field(Field::Access)),
        ("result", Some(row.result())),
        ("service", row.field(Field::Service)),
        ("app", row.field(Field::App)),
        ("time_source", Some(row.time_source())),
        ("summary", Some(summary.as_str())),
    ];
    for (name, text) in texts {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        match text {
            Some(text) => write_text(text, out),
            None => out.push_str("null"),
        }
    }
    out.push_str("}}");
}

/// As [`String::from_utf8_lossy`], which reads piece by piece what nearly always is right as a whole.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// What a list of related events tells of a row, each as the model reads it, whatever the event itself has there:
/// `eventTime`, `action`, `outcome` and `record`.
pub(crate) fn related_json(row: Row<'_>, account: &AccountName, stream: &StreamName, out: &mut String) {
    let event_time = row.event_time().to_string();
    let text = |field| Json::Text(row.field(field).unwrap_or_default());
    let members =
        [("eventTime", Json::Text(&event_time)), ("action", text(Field::Action)), ("outcome", text(Field::Outcome))];
    write_members(&members, out);
    end_with_record(row, account, stream, out);
}

/// Builds an object of the members that are there; nothing when none is.
fn object<'a>(members: impl IntoIterator<Item = (&'a str, Option<Json<'a>>)>) -> Option<Json<'a>> {
    let mut present = Vec::new();
    for (name, json) in members {
        if let Some(json) = json {
            if present.is_empty() {
                present.reserve_exact(MEMBERS_OF_A_PART);
            }
            present.push((name, json));
        }
    }
    (!present.is_empty()).then_some(Json::Object(present))
}

fn model_members<'a>(row: Row<'a>, event_time: &'a str) -> Vec<(&'a str, Json<'a>)> {
    let text = |field| row.field(field).map(|text| Json::Field(field, text));
    let data = |field| row.field(field).map(|text| Json::Data(field, text));
    let members = [
        ("id", text(Field::Id)),
        ("typeURI", Some(Json::Text(EVENT_TYPE_URI))),
        ("eventType", Some(Json::Text("activity"))),
        ("eventTime", Some(Json::EventTime(event_time))),
        ("action", text(Field::Action)),
        ("outcome", text(Field::Outcome)),
        ("severity", text(Field::Severity)),
        ("message", text(Field::Message)),
        (
            "initiator",
            object([
                ("id", text(Field::InitiatorId)),
                ("name", text(Field::InitiatorName)),
                ("typeURI", text(Field::InitiatorType)),
                ("credential", object([("type", text(Field::CredentialType)), ("id", text(Field::CredentialId))])),
                ("host", object([("address", text(Field::Address)), ("agent", text(Field::Agent))])),
            ]),
        ),
        (
            "target",
            object([
                ("id", text(Field::TargetId)),
                ("name", text(Field::TargetName)),
                ("typeURI", text(Field::TargetType)),
            ]),
        ),
        ("observer", object([("name", text(Field::Observer))])),
        (
            "reason",
            object([
                ("reasonCode", text(Field::ReasonCode)),
                ("reasonType", text(Field::ReasonType)),
                ("reasonForFailure", text(Field::ReasonText)),
            ]),
        ),
        ("requestData", data(Field::RequestData)),
        ("responseData", data(Field::ResponseData)),
        ("correlationId", text(Field::CorrelationId)),
        ("cadf", object([("action", text(Field::CadfAction))])),
    ];
    let mut present = Vec::with_capacity(MEMBERS_OF_AN_EVENT);
    present.extend(members.into_iter().filter_map(|(name, json)| Some((name, json?))));
    present
}

/// The text that holds the event: an oslo.messaging 2.0 envelope carries it as a string.
fn received_text(raw: &str) -> Cow<'_, str> {
    if !raw.contains("\"oslo.message\"") {
        return Cow::Borrowed(raw);
    }
    let inner = whodid_decode::json::parse(raw).ok().and_then(|root| match &root.get("oslo.message")?.value {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    });
    inner.map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// Finds the event in an oslo.messaging envelope; a bare event is the document itself.
fn received_event<'n, 'a>(root: &'n Node<'a>) -> &'n Node<'a> {
    root.get("payload").filter(|payload| payload.is_object() && root.get("action").is_none()).unwrap_or(root)
}

/// Members that are always written from the model: one spelling for all sources.
const NORMALISED: [&str; 3] = ["eventTime", "outcome", "severity"];

/// Puts the received members over the model's: as received where both have one that reads alike, and every further one.
/// What reads otherwise stays the model's, so that a search for what is shown finds it.
fn overlay<'a>(members: &mut Vec<(&'a str, Json<'a>)>, received: &'a Node<'_>, raw: &'a str, is_top: bool) {
    let Value::Object(received) = &received.value else { return };
    for (name, node) in received {
        let name: &'a str = name;
        if is_top && NORMALISED.contains(&name) || matches!(node.value, Value::Null) {
            continue;
        }
        let encoded_data =
            is_top && matches!(name, "requestData" | "responseData") && matches!(node.value, Value::Text(_));
        let verbatim = |field| Json::Received(raw.get(node.start..node.end).unwrap_or("null"), node.start, field);
        match members.iter_mut().find(|(known, _)| *known == name) {
            Some((_, Json::Object(inner))) if matches!(node.value, Value::Object(_)) => {
                overlay(inner, node, raw, false)
            }
            // A JSON-encoded string is shown as the JSON it holds; the raw text has it as received.
            Some(_) if encoded_data => {}
            Some((_, json)) => {
                *json = match *json {
                    Json::Field(field, text) if scalar_text(node, raw) == Some(text) => verbatim(Some(field)),
                    Json::Field(_, text) if scalar_text(node, raw).is_some() => Json::Instead(text),
                    _ => verbatim(None),
                }
            }
            None => members.push((name, verbatim(None))),
        }
    }
}

/// What a value that is neither object nor list reads as.
fn scalar_text<'n>(node: &'n Node<'_>, raw: &'n str) -> Option<&'n str> {
    match &node.value {
        Value::Text(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => raw.get(node.start..node.end),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn write(json: &Json<'_>, out: &mut String) {
    match json {
        Json::Text(text) | Json::Field(_, text) | Json::Instead(text) | Json::EventTime(text) => write_text(text, out),
        Json::Data(_, text) => write_data(text, out),
        Json::Received(text, ..) => write_on_one_line(text, out),
        Json::Object(members) => {
            write_members(members, out);
            out.push('}');
        }
    }
}

/// Writes an object but for its end.
fn write_members(members: &[(&str, Json<'_>)], out: &mut String) {
    out.push('{');
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write(value, out);
    }
}

/// Writes what is JSON text as it is, and what is none as a text.
fn write_data(text: &str, out: &mut String) {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        write_on_one_line(text, out);
    } else {
        write_text(text, out);
    }
}

/// Writes JSON text as it is; text of several lines without the white space between its parts, because an
/// event is one line of an export and of the live tail.
pub(crate) fn write_on_one_line(text: &str, out: &mut String) {
    if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none() {
        out.push_str(text);
        return;
    }
    let (mut start, mut is_string, mut is_escaped) = (0, false, false);
    for (position, byte) in text.bytes().enumerate() {
        if is_string {
            is_string = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
        } else if byte == b'"' {
            is_string = true;
        } else if byte.is_ascii_whitespace() {
            out.push_str(&text[start..position]);
            start = position + 1;
        }
    }
    out.push_str(&text[start..]);
}

/// Writes a JSON string. Runs without a special character are copied whole.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    write_escaped(text, out);
    out.push('"');
}

/// Writes the inside of a JSON string.
fn write_escaped(text: &str, out: &mut String) {
    // No early end: the compiler makes wide compares of it.
    let has_control = text.bytes().fold(false, |found, byte| found | is_control(byte));
    if has_control {
        return write_with_controls(text, out);
    }
    let mut start = 0;
    for position in memchr::memchr2_iter(b'"', b'\\', text.as_bytes()) {
        out.push_str(&text[start..position]);
        out.push('\\');
        start = position;
    }
    out.push_str(&text[start..]);
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

fn write_with_controls(text: &str, out: &mut String) {
    let mut start = 0;
    for (position, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            byte if is_control(byte) => "",
            _ => continue,
        };
        out.push_str(&text[start..position]);
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
        start = position + 1;
    }
    out.push_str(&text[start..]);
}

#[cfg(test)]
mod tests {
    use super::{write_on_one_line, write_text};

    #[test]
    fn texts_are_written_as_serde_writes_them_but_for_delete_which_is_escaped_too() {
        for text in ["", "plain", "\"", "\\", "say \"no\" \\ ä…\"", "a\tb\r\n\u{1}\u{1f}\"x\\", "\u{fffd}\u{2028}"] {
            let mut out = String::new();
            write_text(text, &mut out);
            assert_eq!(serde_json::from_str::<String>(&out).expect("JSON"), text, "{out}");
            let expected = serde_json::to_string(text).expect("text");
            assert_eq!(out, expected);
        }
        let mut out = String::new();
        write_text("\u{7f}", &mut out);
        assert_eq!(out, "\"\\u007f\"");
    }

    #[test]
    fn pretty_printed_members_are_written_on_one_line_and_strings_stay_as_they_are() {
        for (text, expected) in [
            ("{\"a\": 1.50}", "{\"a\": 1.50}"),
            ("{\r\n\t\"a b\" : [ 1,\n 2.50 ]\n}", "{\"a b\":[1,2.50]}"),
            ("[\n\"ä \\\" { \\\\\", \" x\"\n]", "[\"ä \\\" { \\\\\",\" x\"]"),
        ] {
            let mut out = String::new();
            write_on_one_line(text, &mut out);
            assert_eq!(out, expected);
        }
    }
}
