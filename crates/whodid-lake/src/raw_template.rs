//! The raw text of an event without what its columns already hold: the template.
//!
//! A template is the raw JSON text in which the text of each field that stands there verbatim is
//! replaced by the field's mark ([`Field::mark`]), a control character that valid JSON cannot hold.
//! The event's time is replaced by [`TIME_MARK`] and one character that tells its form:
//!
//! | form | text of `event_time` |
//! | --- | --- |
//! | `0`..`6` | `2026-01-31T12:00:00` and that many fraction digits |
//! | `a`..`g` | the same with a blank for the `T` |
//! | `s` `m` `u` | seconds, milliseconds, microseconds since 1970 |
//!
//! A template that begins with [`TIME_MARK`] and `v` is the raw text itself. That is the way out for
//! everything unusual: text with control characters of its own, or a template that does not rebuild.
//! Invariant: what [`Cutter::cut`] returns rebuilds byte for byte; it is checked for every event.
//! Why templates: `docs/adr/0004-raw-templates.md`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use whodid_model::{Event, Field, TimeSource, Timestamp};

/// Begins a cut-out time, or a verbatim template.
pub const TIME_MARK: u8 = 0x1e;
/// How a template begins that is the raw text itself.
pub const VERBATIM: &str = "\x1ev";

/// Cuts events into templates; keeps its scratch space from event to event.
#[derive(Debug, Default)]
pub struct Cutter {
    spans: Vec<Span>,
    template: String,
    time: TimeText,
}

/// A part of the raw text that a column holds.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    mark: Mark,
}

#[derive(Debug, Clone, Copy)]
enum Mark {
    Field(u8),
    Time(u8),
}

impl Cutter {
    /// The template of `raw`, from which `event` was decoded. A field is cut out where its text is a
    /// slice of `raw` and a whole JSON value there, so that a search of the template finds values whole.
    pub fn cut(&mut self, raw: &str, event: &Event<'_>) -> &str {
        self.template.clear();
        // A line of text has no whole JSON values: a quoted part of it would be taken for one.
        if raw.starts_with('{') && !holds_control_characters(raw.as_bytes()) {
            self.collect_spans(raw, event);
            self.write_template(raw);
            if self.rebuilds(raw, event) {
                return &self.template;
            }
            self.template.clear();
        }
        self.verbatim(raw)
    }

    /// The template of `raw` with nothing cut out.
    pub fn verbatim(&mut self, raw: &str) -> &str {
        self.template.clear();
        self.template.push_str(VERBATIM);
        self.template.push_str(raw);
        &self.template
    }

    fn collect_spans(&mut self, raw: &str, event: &Event<'_>) {
        self.spans.clear();
        for (field, text) in event.fields.iter() {
            let (Some(mark), Cow::Borrowed(text)) = (field.mark(), text) else { continue };
            let Some(start) = place_in(raw, text) else { continue };
            let end = start + text.len();
            if is_whole_value(raw.as_bytes(), start, end) {
                self.spans.push(Span { start, end, mark: Mark::Field(mark) });
            }
        }
        if event.time_source != TimeSource::Received
            && let Some(span) = self.time.find(raw, event.event_time)
        {
            self.spans.push(span);
        }
        // Outer before inner, so that of two overlapping spans the outer or first one is kept.
        self.spans.sort_unstable_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
    }

    fn write_template(&mut self, raw: &str) {
        let mut written = 0;
        for span in &self.spans {
            if span.start < written {
                continue;
            }
            self.template.push_str(&raw[written..span.start]);
            match span.mark {
                Mark::Field(mark) => self.template.push(char::from(mark)),
                Mark::Time(form) => {
                    self.template.push(char::from(TIME_MARK));
                    self.template.push(char::from(form));
                }
            }
            written = span.end;
        }
        self.template.push_str(&raw[written..]);
    }

    fn rebuilds(&mut self, raw: &str, event: &Event<'_>) -> bool {
        let mut rest = raw.as_bytes();
        let mut same = true;
        let template = std::mem::take(&mut self.template);
        for piece in pieces(&template) {
            let text = match piece {
                Piece::Text(text) => text,
                Piece::Field(field) => event.fields.get(field).unwrap_or_default(),
                Piece::Time(form) => self.time.in_form(event.event_time, form),
            };
            match rest.strip_prefix(text.as_bytes()) {
                Some(after) => rest = after,
                None => {
                    same = false;
                    break;
                }
            }
        }
        self.template = template;
        same && rest.is_empty()
    }
}

/// The raw text of a record: `template` with the marks replaced by the columns' texts.
/// `field_text` gives the text of a field's column, `None` for null.
pub fn rebuild<'a>(
    template: &'a str,
    field_text: impl Fn(Field) -> Option<&'a str>,
    event_time: Timestamp,
) -> Cow<'a, str> {
    if let Some(raw) = template.strip_prefix(VERBATIM) {
        return Cow::Borrowed(raw);
    }
    let mut raw = String::with_capacity(template.len() * 4);
    let mut time = TimeText::default();
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) => raw.push_str(text),
            Piece::Field(field) => raw.push_str(field_text(field).unwrap_or_default()),
            Piece::Time(form) => raw.push_str(time.in_form(event_time, form)),
        }
    }
    Cow::Owned(raw)
}

/// A SQL expression that rebuilds the raw text from the stored columns, for DuckDB and its relatives.
///
/// Null where the raw bytes are not UTF-8; they are in `raw_bytes` then. Replacing one mark after the
/// other is safe because a column that was cut out is a slice of a raw text without control characters.
pub fn rebuild_sql() -> String {
    let mut sql = String::from("raw_template");
    for field in Field::ALL {
        let Some(mark) = field.mark() else { continue };
        sql = format!("replace({sql}, chr({mark}), coalesce({}, ''))", field.column());
    }
    let time = "event_time AT TIME ZONE 'UTC'";
    let mut replace_time = |form: char, text: String| {
        sql = format!("replace({sql}, chr({TIME_MARK}) || '{form}', {text})");
    };
    for (first, layout) in [('0', "%Y-%m-%dT%H:%M:%S"), ('a', "%Y-%m-%d %H:%M:%S")] {
        replace_time(first, format!("strftime({time}, '{layout}')"));
        for digits in 1..=6 {
            let form = char::from(first as u8 + digits);
            replace_time(form, format!("strftime({time}, '{layout}.') || substr(strftime({time}, '%f'), 1, {digits})"));
        }
    }
    replace_time('s', "(epoch_us(event_time) // 1000000)::VARCHAR".to_owned());
    replace_time('m', "(epoch_us(event_time) // 1000)::VARCHAR".to_owned());
    replace_time('u', "epoch_us(event_time)::VARCHAR".to_owned());
    format!("CASE WHEN starts_with(raw_template, chr({TIME_MARK}) || 'v') THEN substr(raw_template, 3) ELSE {sql} END")
}

/// What a template is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text as it stands in the raw event.
    Text(&'a str),
    /// The text of a field's column.
    Field(Field),
    /// The event's time in the form that the character names.
    Time(u8),
}

/// Where the marks of a template stand, in order; not for verbatim ones.
pub fn marks(template: &str) -> impl Iterator<Item = usize> {
    let bytes = template.as_bytes();
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + first_mark(bytes.get(from..)?);
        from = at + 1 + usize::from(bytes.get(at) == Some(&TIME_MARK));
        (at < bytes.len()).then_some(at)
    })
}

/// The pieces of a template, in order. A verbatim template is one text after its two-byte sign.
pub fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let (mut rest, mut verbatim) = match template.strip_prefix(VERBATIM) {
        Some(raw) => (raw, true),
        None => (template, false),
    };
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = if std::mem::take(&mut verbatim) { rest.len() } else { first_mark(rest.as_bytes()) };
        if at > 0 {
            let (text, after) = rest.split_at(at);
            rest = after;
            return Some(Piece::Text(text));
        }
        let bytes = rest.as_bytes();
        let piece = match (bytes[0], bytes.get(1)) {
            (TIME_MARK, Some(form)) if form.is_ascii() => {
                rest = &rest[2..];
                return Some(Piece::Time(*form));
            }
            (mark, _) => field_of_mark(mark).map_or(Piece::Text(&rest[..1]), Piece::Field),
        };
        rest = &rest[1..];
        Some(piece)
    })
}

fn field_of_mark(mark: u8) -> Option<Field> {
    static FIELDS: LazyLock<[Option<Field>; 32]> = LazyLock::new(|| {
        let mut fields = [None; 32];
        for field in Field::ALL {
            if let Some(mark) = field.mark() {
                fields[usize::from(mark)] = Some(field);
            }
        }
        fields
    });
    FIELDS.get(usize::from(mark)).copied().flatten()
}

/// A control character other than the three kinds of blank that JSON allows between values.
fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}

fn holds_control_characters(bytes: &[u8]) -> bool {
    // Without an early exit the compiler checks many bytes at a time.
    bytes.iter().fold(false, |found, byte| found | is_control(*byte))
}

/// Where the first control character stands; the length when there is none.
fn first_mark(bytes: &[u8]) -> usize {
    // Eight at a time: a byte below 0x20 borrows into its top bit, and a byte of non-ASCII text is masked out.
    const LOW: u64 = u64::from_ne_bytes([0x20; 8]);
    const TOP: u64 = u64::from_ne_bytes([0x80; 8]);
    let mut at = 0;
    while let Some(word) = bytes.get(at..at + 8).and_then(|eight| <[u8; 8]>::try_from(eight).ok()) {
        let word = u64::from_le_bytes(word);
        // A borrow can mark the byte above a true one falsely, never hide one: the bytes are looked at again.
        if word.wrapping_sub(LOW) & !word & TOP != 0
            && let Some(place) = bytes[at..at + 8].iter().position(|byte| is_control(*byte))
        {
            return at + place;
        }
        at += 8;
    }
    at + bytes[at..].iter().position(|byte| is_control(*byte)).unwrap_or(bytes.len() - at)
}

/// Where `part` stands in `whole` if it is a slice of it (not merely equal to one).
fn place_in(whole: &str, part: &str) -> Option<usize> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let fits = start.checked_add(part.len())? <= whole.len();
    fits.then_some(start)
}

/// Whether a JSON value fills `start..end`: the inside of a string, or what stands between separators.
fn is_whole_value(raw: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| raw.get(at)).copied();
    let after = raw.get(end).copied();
    match (before, after) {
        (Some(b'"'), Some(b'"')) => true,
        (Some(before), Some(after)) => {
            matches!(before, b':' | b',' | b'[' | b' ' | b'\t' | b'\n' | b'\r')
                && matches!(after, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r')
        }
        _ => false,
    }
}

/// Writes a time in each known form, and finds it in a raw text; quicker for times of one day in a row.
#[derive(Debug, Default)]
pub struct TimeText {
    text: String,
    day_number: Option<i64>,
    /// `2026-01-31` of `day_number`: most neighbours share their day.
    date: String,
}

/// Longest text before the fraction: `2026-01-31T12:00:00`.
const SECONDS_CHARS: usize = 19;
const FRACTION_DIGITS_MAX: u8 = 6;

impl TimeText {
    fn find(&mut self, raw: &str, at: Timestamp) -> Option<Span> {
        for first_form in *b"0a" {
            let needle = self.in_form(at, first_form);
            let Some(start) = memchr::memmem::find(raw.as_bytes(), needle.as_bytes()) else { continue };
            let fraction = fraction_digits(&raw.as_bytes()[start + SECONDS_CHARS..], at);
            let end = start + SECONDS_CHARS + if fraction == 0 { 0 } else { 1 + usize::from(fraction) };
            return Some(Span { start, end, mark: Mark::Time(first_form + fraction) });
        }
        for form in *b"sum" {
            let needle = self.in_form(at, form);
            let Some(start) = memchr::memmem::find(raw.as_bytes(), needle.as_bytes()) else { continue };
            let end = start + needle.len();
            if is_whole_value(raw.as_bytes(), start, end) {
                return Some(Span { start, end, mark: Mark::Time(form) });
            }
        }
        None
    }

    /// The text of `at` in a form; nothing for a form that does not exist.
    pub fn in_form(&mut self, at: Timestamp, form: u8) -> &str {
        self.text.clear();
        match form {
            b'0'..=b'6' => self.write_calendar(at, 'T', form - b'0'),
            b'a'..=b'g' => self.write_calendar(at, ' ', form - b'a'),
            b's' => self.write_number(at.micros().div_euclid(1_000_000)),
            b'm' => self.write_number(at.micros().div_euclid(1_000)),
            b'u' => self.write_number(at.micros()),
            _ => {}
        }
        &self.text
    }

    fn write_number(&mut self, number: i64) {
        write!(self.text, "{number}").expect("a String takes whatever is written");
    }

    fn write_calendar(&mut self, at: Timestamp, separator: char, fraction_digits: u8) {
        let day = at.day_number();
        if self.day_number != Some(day) {
            self.day_number = Some(day);
            self.date = at.date();
        }
        let micros = at.micros().rem_euclid(whodid_model::time::MICROS_A_DAY);
        let seconds = (micros / 1_000_000) as u32;
        self.text.push_str(&self.date);
        self.text.push(separator);
        self.push_two_digits(seconds / 3600);
        self.text.push(':');
        self.push_two_digits(seconds / 60 % 60);
        self.text.push(':');
        self.push_two_digits(seconds % 60);
        if fraction_digits > 0 {
            self.text.push('.');
            let digits = fraction_of(at);
            for digit in &digits[..usize::from(fraction_digits)] {
                self.text.push(char::from(*digit));
            }
        }
    }

    fn push_two_digits(&mut self, number: u32) {
        self.text.push(char::from(b'0' + (number / 10) as u8));
        self.text.push(char::from(b'0' + (number % 10) as u8));
    }
}

/// The six fraction digits of a time.
fn fraction_of(at: Timestamp) -> [u8; FRACTION_DIGITS_MAX as usize] {
    let mut micros = at.micros().rem_euclid(1_000_000);
    let mut digits = [b'0'; FRACTION_DIGITS_MAX as usize];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (micros % 10) as u8;
        micros /= 10;
    }
    digits
}

/// How many fraction digits after the seconds are those of `at`: all that stand there, six at most, or none.
fn fraction_digits(after_seconds: &[u8], at: Timestamp) -> u8 {
    let Some(text) = after_seconds.strip_prefix(b".") else { return 0 };
    let digits = fraction_of(at);
    let count = text.iter().take(digits.len()).take_while(|byte| byte.is_ascii_digit()).count();
    if text[..count] == digits[..count] { count as u8 } else { 0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
    use proptest::prelude::*;

    use super::*;

    /// Marks as people read them: `<id>` for a field, `<time 3>` for a time.
    fn readable(template: &str) -> String {
        if let Some(raw) = template.strip_prefix(VERBATIM) {
            return format!("verbatim: {raw}");
        }
        pieces(template)
            .map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Field(field) => format!("<{}>", field.column()),
                Piece::Time(form) => format!("<time {}>", char::from(form)),
            })
            .collect()
    }

    /// An event of `raw` in which each field is the first place of its text there.
    fn event<'a>(raw: &'a str, time: &str, fields: &[(Field, &str)]) -> Event<'a> {
        let mut event = Event::at(Timestamp::parse(time).unwrap().at, TimeSource::Stated);
        for (field, text) in fields {
            let start = raw.find(text).unwrap();
            event.fields.set(*field, &raw[start..start + text.len()]);
        }
        event
    }

    fn check(raw: &str, time: &str, fields: &[(Field, &str)], expected: &str) {
        let event = event(raw, time, fields);
        let mut cutter = Cutter::default();
        let template = cutter.cut(raw, &event);
        assert_eq!(readable(template), expected);
        assert_eq!(rebuild(template, |field| event.fields.get(field), event.event_time), raw);
    }

    const NEVER: &str = "1999-01-01T00:00:00Z";

    #[test]
    fn fields_are_cut_out_between_their_quotes() {
        check(
            r#"{"id":"e1","who":{"name":"bob"}}"#,
            NEVER,
            &[(Field::Id, "e1"), (Field::InitiatorName, "bob")],
            r#"{"id":"<id>","who":{"name":"<initiator_name>"}}"#,
        );
    }

    #[test]
    fn json_and_numbers_are_cut_out_whole_and_parts_of_a_value_are_not() {
        check(
            r#"{"code": 403, "data":{"a":[1]}, "action":"kms.read"}"#,
            NEVER,
            &[(Field::ReasonCode, "403"), (Field::RequestData, r#"{"a":[1]}"#), (Field::Service, "kms")],
            r#"{"code": <reason_code>, "data":<request_data>, "action":"kms.read"}"#,
        );
    }

    #[test]
    fn the_outer_of_two_overlapping_fields_is_cut_out_and_one_place_once() {
        check(
            r#"{"data":{"name":"k17"},"id":"e1"}"#,
            NEVER,
            &[
                (Field::TargetName, "k17"),
                (Field::RequestData, r#"{"name":"k17"}"#),
                (Field::Id, "e1"),
                (Field::CorrelationId, "e1"),
            ],
            r#"{"data":<request_data>,"id":"<id>"}"#,
        );
    }

    #[test]
    fn a_field_that_is_no_slice_of_the_raw_text_stays_there() {
        let raw = r#"{"name":"b\u00f6b"}"#;
        let mut event = Event::at(Timestamp::parse(NEVER).unwrap().at, TimeSource::Stated);
        event.fields.set(Field::InitiatorName, "b\u{f6}b".to_owned());
        event.fields.set(Field::Outcome, "success");
        assert_eq!(readable(Cutter::default().cut(raw, &event)), raw);
    }

    #[test]
    fn times_are_cut_out_in_the_spellings_of_real_sources() {
        for (text, expected) in [
            ("2026-01-31T12:00:00Z", "<time 0>Z"),
            ("2026-01-31T12:00:00.120Z", "<time 3>Z"),
            ("2026-01-31T12:00:00.12+0000", "<time 2>+0000"),
            ("2026-01-31T12:00:00.123456+00:00", "<time 6>+00:00"),
            ("2026-01-31T12:00:00.123456789Z", "<time 6>789Z"),
            ("2026-01-31 12:00:00.120", "<time d>"),
            ("2026-01-31 12:00:00 UTC", "<time a> UTC"),
            ("2026-01-31T12:00:00+01:00", "2026-01-31T12:00:00+01:00"),
        ] {
            check(&format!(r#"{{"at":"{text}"}}"#), text, &[], &format!(r#"{{"at":"{expected}"}}"#));
        }
        for (text, expected) in
            [("1769860800", "<time s>"), ("1769860800123", "<time m>"), ("1769860800123456", "<time u>")]
        {
            check(&format!(r#"{{"at":{text}}}"#), text, &[], &format!(r#"{{"at":{expected}}}"#));
        }
        check(r#"{"at":17698608001}"#, "1769860800", &[], r#"{"at":17698608001}"#);
    }

    #[test]
    fn what_holds_control_characters_is_kept_as_it_is() {
        check(
            "{\"id\":\"e1\",\"x\":\"\u{1}\"}",
            NEVER,
            &[(Field::Id, "e1")],
            "verbatim: {\"id\":\"e1\",\"x\":\"\u{1}\"}",
        );
        check("{\n\t\"id\": \"e1\"\r\n}", NEVER, &[(Field::Id, "e1")], "{\n\t\"id\": \"<id>\"\r\n}");
    }

    #[test]
    fn a_verbatim_text_is_never_read_as_a_template() {
        let raw = "\u{1}\u{1e}3\u{1e}v";
        let mut cutter = Cutter::default();
        assert_eq!(rebuild(cutter.verbatim(raw), |_| Some("wrong"), Timestamp::from_micros(0)), raw);
    }

    proptest! {
        /// Any text, any slices of it as fields, any time: what is cut rebuilds.
        #[test]
        fn every_template_rebuilds(
            raw in r#"\{?([ -~\t\n\x00-\x1fé€"]|"[a-z]{0,5}"|2026-01-31T12:00:00(\.[0-9]{1,9})?Z?|1769860800[0-9]{0,6}){0,40}"#,
            slices in prop::collection::vec((0..Field::COUNT, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..40),
            micros in prop_oneof![Just(1_769_860_800_000_000_i64), 1_769_860_800_000_000..1_769_860_801_000_000_i64, any::<i64>()],
        ) {
            let places: Vec<usize> = (0..=raw.len()).filter(|at| raw.is_char_boundary(*at)).collect();
            let mut event = Event::at(Timestamp::from_micros(micros), TimeSource::Stated);
            for (field, a, b) in slices {
                let (a, b) = (*a.get(&places), *b.get(&places));
                event.fields.set(Field::ALL[field], &raw[a.min(b)..a.max(b)]);
            }
            let mut cutter = Cutter::default();
            let template = cutter.cut(&raw, &event);
            prop_assert_eq!(rebuild(template, |field| event.fields.get(field), event.event_time), raw.as_str());
        }

        /// A template from elsewhere may be anything; reading it must end.
        #[test]
        fn any_text_reads_as_a_template(template in ".{0,60}", micros in any::<i64>()) {
            rebuild(&template, |_| Some("x"), Timestamp::from_micros(micros));
        }
    }
}
