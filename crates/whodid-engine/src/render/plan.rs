//! Rendering many events: what rows of one kind have in common is worked out once.
//!
//! Rows whose raw texts have one template and whose fields are there or missing alike differ in the
//! texts of their fields only. The first such rows are rendered as every single event is; from the next
//! one a plan is made: texts that are the same for all of them, and the places of fields between.
//! A row that a plan does not fit for certain is rendered without one, so that no answer depends on
//! whether there is a plan.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use whodid_decode::json::{self, Value};
use whodid_lake::raw_template::{Piece, TimeText, VERBATIM, pieces};
use whodid_model::{AccountName, Field, StreamName};

use super::{Json, Origin, end_with_record, event_json, text_of, with_members, write_data, write_escaped};
use crate::row::Row;

/// Kinds of rows that are told apart; further ones are rendered one by one.
const KINDS_MAX: usize = 512;
/// Digits that a 64-bit integer always takes.
const SHORT_DIGITS: usize = 18;
/// Rows of a kind before a plan is worth its making.
const ROWS_BEFORE_PLAN: u32 = 2;

/// Writes events as [`event_json`] does, and quicker when many are alike.
pub(crate) struct Renderer {
    account: AccountName,
    stream: StreamName,
    kinds: HashTable<Kind>,
    hasher: RandomState,
    time: TimeText,
}

struct Kind {
    template: String,
    present: u64,
    source: String,
    rows: u32,
    plan: Option<Plan>,
}

/// How rows of one kind are written.
struct Plan {
    parts: Vec<Part>,
    /// What must be true of the fields' texts.
    conditions: Vec<(Field, Context)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// The same for all rows.
    Text(String),
    /// A field's text as it is.
    Plain(Field),
    /// A field's text inside of a JSON string.
    Escaped(Field),
    /// A field's text as JSON, or as a JSON string where it is none.
    Data(Field),
    EventTime,
    /// The event's time in a form of the template.
    Time(u8),
}

/// What a field's text is in the received JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    /// The inside of a string without escapes.
    String,
    /// A whole value of a kind.
    Value(std::mem::Discriminant<Value<'static>>),
}

impl Renderer {
    pub(crate) fn new(account: AccountName, stream: StreamName) -> Self {
        Self { account, stream, kinds: HashTable::new(), hasher: RandomState::new(), time: TimeText::default() }
    }

    /// Writes the event of a row as one line of JSON.
    pub(crate) fn event(&mut self, row: Row<'_>, out: &mut String) {
        if !self.by_plan(row, out) {
            event_json(row, &self.account, &self.stream, out);
        }
    }

    /// False when nothing was written.
    fn by_plan(&mut self, row: Row<'_>, out: &mut String) -> bool {
        let Some(template) = row.raw_template().filter(|template| !template.starts_with(VERBATIM)) else {
            return false;
        };
        let (source, present) = (row.source(), present_fields(row));
        let hash = self.hasher.hash_one((template, source, present));
        let is_same = |kind: &Kind| kind.present == present && kind.template == template && kind.source == source;
        let Some(kind) = self.kinds.find_mut(hash, is_same) else {
            if self.kinds.len() < KINDS_MAX {
                let kind = Kind { template: template.into(), present, source: source.into(), rows: 1, plan: None };
                let hasher = &self.hasher;
                let again = |kind: &Kind| hasher.hash_one((kind.template.as_str(), kind.source.as_str(), kind.present));
                self.kinds.insert_unique(hash, kind, again);
            }
            return false;
        };
        kind.rows = kind.rows.saturating_add(1);
        if kind.rows == ROWS_BEFORE_PLAN {
            kind.plan = Plan::of(row, template);
        }
        let Some(plan) = kind.plan.as_ref().filter(|plan| plan.fits(row)) else { return false };
        plan.write(row, &mut self.time, out);
        end_with_record(row, &self.account, &self.stream, out);
        true
    }
}

/// One bit for each field that the row has.
fn present_fields(row: Row<'_>) -> u64 {
    const { assert!(Field::COUNT <= 64, "a field has a bit") };
    Field::ALL.into_iter().filter(|field| row.field(*field).is_some()).fold(0, |bits, field| bits | 1 << field.index())
}

/// A piece of a row's raw text, and where it stands there.
struct Placed<'a> {
    piece: Piece<'a>,
    start: usize,
    end: usize,
}

impl Plan {
    /// `None` where rows of the kind may differ in more than the texts of their fields.
    fn of(row: Row<'_>, template: &str) -> Option<Self> {
        let raw_bytes = row.raw();
        let raw = text_of(&raw_bytes);
        let placed = placed(row, template);
        if placed.last().is_none_or(|last| last.end != raw.len()) {
            return None;
        }
        let event_time = row.event_time().to_string();
        with_members(row, &raw, &event_time, |members, origin| {
            let mut plan = Self { parts: Vec::new(), conditions: Vec::new() };
            match origin {
                Origin::Model => {}
                Origin::Received => plan.conditions = conditions(&raw, &placed)?,
                Origin::ModelInstead | Origin::Unpacked => return None,
            }
            plan.members(members, &placed)?;
            plan.text(",\"raw\":\"");
            for place in &placed {
                match place.piece {
                    Piece::Text(text) => {
                        let mut escaped = String::new();
                        write_escaped(text, &mut escaped);
                        plan.text(&escaped);
                    }
                    Piece::Field(field) => plan.parts.push(Part::Escaped(field)),
                    Piece::Time(form) => plan.parts.push(Part::Time(form)),
                }
            }
            plan.text("\"");
            Some(plan)
        })
    }

    fn text(&mut self, more: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push_str(more),
            _ => self.parts.push(Part::Text(more.to_owned())),
        }
    }

    fn quoted(&mut self, part: Part) {
        self.text("\"");
        self.parts.push(part);
        self.text("\"");
    }

    /// An object but for its end.
    fn members(&mut self, members: &[(&str, Json<'_>)], placed: &[Placed<'_>]) -> Option<()> {
        for (place, (name, json)) in members.iter().enumerate() {
            let mut text = String::from(if place == 0 { "{" } else { "," });
            super::write_text(name, &mut text);
            text.push(':');
            self.text(&text);
            match json {
                Json::Field(field, _) => self.quoted(Part::Escaped(*field)),
                Json::Data(field, _) => self.parts.push(Part::Data(*field)),
                Json::EventTime(_) => self.quoted(Part::EventTime),
                // In another row the two may read otherwise, or alike.
                Json::Instead(_) => return None,
                Json::Received(text, start, field) => {
                    let (start, end) = (*start, start + text.len());
                    let is_that = |place: &Placed<'_>| {
                        let quotes = usize::from(text.starts_with('"'));
                        field.is_none_or(|field| place.piece == Piece::Field(field))
                            && (place.start, place.end) == (start + quotes, end - quotes)
                    };
                    if field.is_some() && !placed.iter().any(is_that) {
                        return None;
                    }
                    self.received(start, end, placed)?;
                }
                Json::Object(members) => {
                    self.members(members, placed)?;
                    self.text("}");
                }
                Json::Text(_) => {
                    let mut text = String::new();
                    super::write(json, &mut text);
                    self.text(&text);
                }
            }
        }
        (!members.is_empty()).then_some(())
    }

    /// The bytes `start..end` of the received text.
    fn received(&mut self, start: usize, end: usize, placed: &[Placed<'_>]) -> Option<()> {
        for place in placed.iter().filter(|place| place.start < end && start < place.end) {
            let is_whole = start <= place.start && place.end <= end;
            match place.piece {
                Piece::Text(text) => {
                    let from = start.max(place.start) - place.start;
                    let to = end.min(place.end) - place.start;
                    self.text(text.get(from..to)?);
                }
                Piece::Field(field) if is_whole => self.parts.push(Part::Plain(field)),
                Piece::Time(form) if is_whole => self.parts.push(Part::Time(form)),
                Piece::Field(_) | Piece::Time(_) => return None,
            }
        }
        Some(())
    }

    fn fits(&self, row: Row<'_>) -> bool {
        self.conditions.iter().all(|(field, context)| {
            let text = row.field(*field).unwrap_or_default();
            match context {
                // U+FFFD may stand for what strict readers refuse.
                Context::String => memchr::memchr3(b'"', b'\\', 0xef, text.as_bytes()).is_none(),
                Context::Value(kind) => {
                    let is_one_line = memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none();
                    is_one_line && value_kind(text) == Some(*kind)
                }
            }
        })
    }

    fn write(&self, row: Row<'_>, time: &mut TimeText, out: &mut String) {
        let text = |field| row.field(field).unwrap_or_default();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Plain(field) => out.push_str(text(*field)),
                Part::Escaped(field) => write_escaped(text(*field), out),
                Part::Data(field) => write_data(text(*field), out),
                Part::EventTime => {
                    use std::fmt::Write as _;
                    let _ = write!(out, "{}", row.event_time());
                }
                Part::Time(form) => out.push_str(time.in_form(row.event_time(), *form)),
            }
        }
    }
}

/// The pieces of a row's raw text with their places in it.
fn placed<'t>(row: Row<'_>, template: &'t str) -> Vec<Placed<'t>> {
    let mut time = TimeText::default();
    let mut start = 0;
    let place = |piece| {
        let length = match piece {
            Piece::Text(text) => text.len(),
            Piece::Field(field) => row.field(field).map_or(0, str::len),
            Piece::Time(form) => time.in_form(row.event_time(), form).len(),
        };
        let placed = Placed { piece, start, end: start + length };
        start += length;
        placed
    };
    pieces(template).map(place).collect()
}

/// What must be true of the fields in a received JSON text for it to be read as this one is; `None` where that
/// cannot be said, as of a text of several lines.
fn conditions(raw: &str, placed: &[Placed<'_>]) -> Option<Vec<(Field, Context)>> {
    let mut conditions = Vec::new();
    for place in placed {
        match place.piece {
            Piece::Text(text) => {
                if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_some() {
                    return None;
                }
            }
            // Digits in a string or a number; in a name they are those of a value that the template keeps.
            Piece::Time(_) => {}
            Piece::Field(field) => {
                let before = place.start.checked_sub(1).and_then(|at| raw.as_bytes().get(at));
                let context = if before == Some(&b'"') {
                    is_no_name(raw, place.end).then_some(Context::String)?
                } else {
                    Context::Value(value_kind(&raw[place.start..place.end])?)
                };
                conditions.push((field, context));
            }
        }
    }
    Some(conditions)
}

/// True when the string that goes on at `at`, if there is one, is no member's name; false also where that is not plain.
fn is_no_name(raw: &str, at: usize) -> bool {
    let rest = &raw[at..];
    let Some(special) = memchr::memchr2(b'"', b'\\', rest.as_bytes()) else { return true };
    let mut after = rest[special..].bytes();
    after.next() == Some(b'"') && after.find(|byte| !byte.is_ascii_whitespace()) != Some(b':')
}

/// What a JSON text is, when strict readers take it too.
fn value_kind(text: &str) -> Option<std::mem::Discriminant<Value<'static>>> {
    let is_count = (1..=SHORT_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_count && (!text.starts_with('0') || text.len() == 1) {
        return Some(std::mem::discriminant(&Value::Int(0)));
    }
    let node = json::parse(text).ok().filter(|node| node.is_plain_in(text))?;
    Some(std::mem::discriminant(&match node.value {
        Value::Null => Value::Null,
        Value::Bool(_) => Value::Bool(true),
        Value::Int(_) | Value::Float(_) => Value::Int(0),
        Value::Text(_) => Value::Text(Cow::Borrowed("")),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Vec::new()),
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use whodid_decode::{Format, decode};
    use whodid_lake::{BatchBuilder, sequence};
    use whodid_model::{Offset, Timestamp};

    use super::*;

    const EVENTS: [(Format, &str); 6] = [
        (
            Format::IbmAt,
            r#"{"eventTime":"2026-03-01T08:15:30.25+0000","id":"e-1","action":"kms.secrets.delete","outcome":"failure","severity":"critical","message":"KMS: delete secret k17","initiator":{"id":"usr-1","name":"bob","typeURI":"service/security/account/user","credential":{"type":"token"},"host":{"address":"192.0.2.7","agent":"curl/8"}},"target":{"id":"crn:v1:kms:k17","typeURI":"kms/secrets","name":"k17"},"reason":{"reasonCode":403,"reasonType":"Forbidden"},"requestData":{"why":["spring","clean"],"n":1},"responseData":{},"correlationId":"c-1","extra":{"eventTime":"other","list":[1,{"a":null}]}}"#,
        ),
        (
            Format::Cadf,
            r#"{"typeURI":"http://schemas.dmtf.org/cloud/audit/1.0/event","eventType":"activity","id":"e-2","eventTime":"2026-03-01T08:15:30.250001+0000","action":"created.user","outcome":"success","initiator":{"id":"u1","username":"amy","host":{"address":"192.0.2.8"}},"target":{"id":"t","typeURI":"data/security/account/user"},"observer":{"id":"o","typeURI":"service/security"},"raw":"of the sender","record":7}"#,
        ),
        (
            Format::Cadf,
            r#"{"event_type":"identity.created.user","priority":"INFO","payload":{"id":"e-3","eventTime":"2026-03-01T08:15:30+0000","action":"created.user","outcome":"success","initiator":{"id":"u1","name":"amy"},"target":{"id":"t"},"requestData":"{\"a\":1}"},"message_id":"m"}"#,
        ),
        (
            Format::Cadf,
            r#"{"oslo.version":"2.0","oslo.message":"{\"event_type\":\"x\",\"payload\":{\"id\":\"e-4\",\"eventTime\":\"2026-03-01T08:15:30+0000\",\"action\":\"delete\",\"outcome\":\"success\",\"initiator\":{\"id\":\"u1\"},\"target\":{\"id\":\"t\"}}}"}"#,
        ),
        // The model takes the target from the path.
        (
            Format::Cadf,
            r#"{"typeURI":"http://schemas.dmtf.org/cloud/audit/1.0/event","id":"e-6","eventTime":"2026-03-01T08:15:30+0000","action":"read","outcome":"success","initiator":{"id":"u1","name":"amy"},"target":{"id":"barbican","typeURI":"service/security/keymanager"},"observer":{"id":"target"},"requestPath":"/v1/secrets/0b4374c4-5e88-465a-ac13-4ebc1e7e30eb/payload"}"#,
        ),
        (
            Format::CloudTrail,
            r#"{"eventVersion":"1.08","eventTime":"2026-03-01T08:15:30Z","eventID":"e-5","eventName":"DeleteTrail","eventSource":"cloudtrail.amazonaws.com","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.9","userAgent":"aws-cli","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/eve","userName":"eve"},"requestParameters":{"name":"t"},"responseElements":null}"#,
        ),
    ];

    /// Texts that take the place of one value: what may make an event be read otherwise.
    const ODD_VALUES: [&str; 22] = [
        r#""other""#,
        r#""""#,
        r#""say \"no\"""#,
        r#""back\\slash \u00e4""#,
        r#""half \ud800""#,
        "\"\u{fffd}\"",
        "\"ä…\u{2028}\u{7f}\"",
        r#""a\nb""#,
        r#""2026-03-01T08:15:31.25""#,
        "7",
        "-0.50",
        "1e999",
        "null",
        "true",
        "[]",
        "{}",
        "[1,\n 2]",
        r#"{"twice":1,"twice":2}"#,
        r#"{"outcome":"x","name":"y"}"#,
        r#"{"oslo.message":"{}"}"#,
        r#"[{"deep":[{"er":"\u0000"}]}]"#,
        r#""oslo.message""#,
    ];

    /// Every event that has one value of `text` replaced by each of the odd ones, between some that are as they were.
    fn variants(text: &str) -> Vec<String> {
        let root = json::parse(text).unwrap();
        let mut places = Vec::new();
        collect(&root, &mut places);
        let mut texts = vec![text.to_owned(); 3];
        for (start, end) in places {
            for odd in ODD_VALUES {
                let variant = format!("{}{odd}{}", &text[..start], &text[end..]);
                texts.extend([variant.clone(), variant.clone(), variant, text.to_owned()]);
            }
        }
        texts
    }

    fn collect(node: &json::Node<'_>, places: &mut Vec<(usize, usize)>) {
        places.push((node.start, node.end));
        match &node.value {
            Value::Object(members) => members.iter().for_each(|(_, node)| collect(node, places)),
            Value::Array(items) => items.iter().for_each(|node| collect(node, places)),
            _ => {}
        }
    }

    #[test]
    fn an_event_is_written_alike_with_a_plan_and_without() {
        let received = Timestamp::from_micros(1_772_352_930_250_000);
        let (account, stream) = (AccountName::parse("default").unwrap(), StreamName::activity());
        let (mut planned, mut instead, mut kinds) = (0, 0, BTreeSet::new());
        for (format, text) in EVENTS {
            let mut builder = BatchBuilder::default();
            for variant in variants(text) {
                for item in decode(format, variant.as_bytes(), received) {
                    if let Ok(event) = item.event {
                        builder.append(item.format.as_str(), item.raw, &event);
                    }
                }
            }
            let batch = sequence(&builder.finish(), Offset(0), received);
            let mut renderer = Renderer::new(account.clone(), stream.clone());
            for row in Row::all(&batch) {
                let (mut expected, mut by_renderer, mut by_plan) = (String::new(), String::new(), String::new());
                event_json(row, &account, &stream, &mut expected);
                renderer.event(row, &mut by_renderer);
                assert_eq!(by_renderer, expected);
                // What is shown is what a search finds.
                let shown: serde_json::Value = serde_json::from_str(&expected).unwrap();
                if let (Some(id), Some(stored)) = (shown["target"]["id"].as_str(), row.field(Field::TargetId)) {
                    assert_eq!(id, stored);
                    instead += usize::from(id.starts_with("0b4374c4"));
                }
                if renderer.by_plan(row, &mut by_plan) {
                    assert_eq!(by_plan, expected);
                    planned += 1;
                    kinds.insert(format.as_str());
                }
            }
        }
        assert!(planned > 2000, "only {planned} rows were written by a plan");
        assert!(instead > 0, "some event says otherwise than the model");
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["cadf", "cloudtrail", "ibm-at"]);
    }

    #[test]
    fn more_kinds_than_are_told_apart_are_written_one_by_one() {
        let received = Timestamp::from_micros(1_772_352_930_250_000);
        let (account, stream) = (AccountName::parse("default").unwrap(), StreamName::activity());
        let mut builder = BatchBuilder::default();
        for number in 0..2 * (KINDS_MAX + 10) {
            let text = format!(r#"{{"action":"read","field {}":1,"outcome":"success"}}"#, number / 2);
            for item in decode(Format::Cadf, text.as_bytes(), received) {
                builder.append(item.format.as_str(), text.as_bytes(), &item.event.unwrap());
            }
        }
        let batch = sequence(&builder.finish(), Offset(0), received);
        let mut renderer = Renderer::new(account.clone(), stream.clone());
        for row in Row::all(&batch) {
            let (mut expected, mut text) = (String::new(), String::new());
            event_json(row, &account, &stream, &mut expected);
            renderer.event(row, &mut text);
            assert_eq!(text, expected);
        }
        assert_eq!(renderer.kinds.len(), KINDS_MAX);
    }
}
