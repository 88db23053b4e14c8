//! Writes one JSON object, member by member, without building it first.

use chrono::{DateTime, Datelike, Timelike};
use whodid_model::Timestamp;

/// A JSON object being written.
#[derive(Debug, Clone)]
pub(crate) struct Json(String);

impl Json {
    pub(crate) fn new() -> Self {
        Self::with_capacity(256)
    }

    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        self.quoted(value);
        self
    }

    /// Leaves the member out when `value` is empty.
    pub(crate) fn text_if(&mut self, name: &str, value: &str) -> &mut Self {
        if value.is_empty() { self } else { self.text(name, value) }
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.name(name);
        self.digits(value, 1);
        self
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// A member whose value is JSON already.
    pub(crate) fn raw(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        self.0.push_str(value);
        self
    }

    pub(crate) fn texts<T: AsRef<str>>(&mut self, name: &str, values: &[T]) -> &mut Self {
        self.name(name);
        self.0.push('[');
        for value in values {
            self.comma();
            self.quoted(value.as_ref());
        }
        self.0.push(']');
        self
    }

    pub(crate) fn open(&mut self, name: &str) -> &mut Self {
        self.name(name);
        self.0.push('{');
        self
    }

    pub(crate) fn close(&mut self) -> &mut Self {
        self.0.push('}');
        self
    }

    /// Opens a list of one object; ended by [`Json::close_list`].
    pub(crate) fn open_list(&mut self, name: &str) -> &mut Self {
        self.name(name);
        self.0.push_str("[{");
        self
    }

    pub(crate) fn close_list(&mut self) -> &mut Self {
        self.0.push_str("}]");
        self
    }

    /// `2026-01-31T12:00:00` with so many digits of the second's fraction, and `zone`.
    pub(crate) fn time(&mut self, name: &str, at: Timestamp, fraction_digits: u32, zone: &str) -> &mut Self {
        self.name(name);
        self.0.push('"');
        let utc = DateTime::from_timestamp_micros(at.micros()).unwrap_or_default();
        self.digits(u64::from(utc.year().unsigned_abs()), 4);
        for (mark, value) in
            [('-', utc.month()), ('-', utc.day()), ('T', utc.hour()), (':', utc.minute()), (':', utc.second())]
        {
            self.0.push(mark);
            self.digits(u64::from(value), 2);
        }
        if fraction_digits > 0 {
            self.0.push('.');
            let micros = u64::from(utc.nanosecond() / 1000);
            self.digits(micros / 10u64.pow(6 - fraction_digits), fraction_digits as usize);
        }
        self.0.push_str(zone);
        self.0.push('"');
        self
    }

    fn name(&mut self, name: &str) {
        self.comma();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn comma(&mut self) {
        if !matches!(self.0.as_bytes().last(), Some(b'{' | b'[')) {
            self.0.push(',');
        }
    }

    fn quoted(&mut self, value: &str) {
        self.0.push('"');
        // Without a way out early, so that it is done many bytes at a time.
        let needs_escape = value.bytes().fold(false, |found, byte| found | (byte == b'"') | (byte == b'\\'));
        if needs_escape {
            for letter in value.chars() {
                if matches!(letter, '"' | '\\') {
                    self.0.push('\\');
                }
                self.0.push(letter);
            }
        } else {
            self.0.push_str(value);
        }
        self.0.push('"');
    }

    fn digits(&mut self, value: u64, least: usize) {
        let mut buffer = [b'0'; 20];
        let mut place = buffer.len();
        let mut rest = value;
        while rest > 0 || buffer.len() - place < least {
            place -= 1;
            buffer[place] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        for digit in &buffer[place..] {
            self.0.push(char::from(*digit));
        }
    }
}
