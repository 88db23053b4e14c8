//! One point in time, and every spelling of it that real sources use.

use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z. Years 0001 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Microseconds in a second.
pub const MICROS_A_SECOND: i64 = 1_000_000;
/// Microseconds in a day.
pub const MICROS_A_DAY: i64 = 86_400 * MICROS_A_SECOND;

/// Numbers below are no seconds since 1970 that a log writes today (March 1973): durations, counters.
const EPOCH_SECONDS_MIN: f64 = 1e8;
/// Numbers from here on are no seconds since 1970 either (2100-01-01).
const EPOCH_SECONDS_END: f64 = 4_102_444_800.0;

const MICROS_MIN: i64 = -62_135_596_800 * MICROS_A_SECOND;
const MICROS_MAX: i64 = 253_402_300_799 * MICROS_A_SECOND + 999_999;

/// Why a text is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no time; write it like 2026-01-31T12:00:00Z, with +00:00 or +0000 for a zone, or as seconds since 1970"
)]
pub struct TimeError {
    text: String,
}

/// A parsed time, and whether its text named the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// The point in time.
    pub at: Timestamp,
    /// False when UTC was assumed.
    pub zone_stated: bool,
}

impl Timestamp {
    /// The time `micros` microseconds after 1970, held within the years 0001 to 9999.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(MICROS_MIN, MICROS_MAX))
    }

    /// The time `millis` milliseconds after 1970.
    pub fn from_millis(millis: i64) -> Self {
        Self::from_micros(millis.saturating_mul(1000))
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Adds microseconds (negative ones too), held within bounds.
    pub fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// The UTC day as `2026-01-31`.
    pub fn date(self) -> String {
        let date = self.utc().date_naive();
        format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
    }

    /// True at the first moment of a day in UTC: what a date alone means.
    pub fn is_midnight(self) -> bool {
        self.0.rem_euclid(MICROS_A_DAY) == 0
    }

    /// Days since 1970-01-01 in UTC.
    pub fn day_number(self) -> i64 {
        self.0.div_euclid(MICROS_A_DAY)
    }

    /// Reads a number as time since 1970, in seconds, milliseconds, microseconds or nanoseconds,
    /// told apart by size: each unit is taken for the years 1973 to 2099. Any other number is a
    /// duration, a counter, a version; it is no time.
    pub fn from_number(number: f64) -> Option<Self> {
        for (a_second, to_micros) in [(1.0, 1e6), (1e3, 1e3), (1e6, 1.0), (1e9, 1e-3)] {
            if (EPOCH_SECONDS_MIN * a_second..EPOCH_SECONDS_END * a_second).contains(&number) {
                return Some(Self((number * to_micros).round() as i64));
            }
        }
        None
    }

    /// Reads any of the spellings that sources use:
    /// `2026-01-31T12:00:00.123Z`, with `+00:00`, `+0000`, `+00` or ` UTC`, a blank instead of `T`,
    /// slashes instead of dashes, no zone at all (UTC is assumed), no seconds, a date alone;
    /// `20260131T120000Z` and the same without `T`; `1/31/2026 1:02:03 PM`; `31/Jan/2026:12:00:00 +0000`;
    /// RFC 2822's `Sat, 31 Jan 2026 12:00:00 +0000`; and numbers as [`Timestamp::from_number`] takes them.
    pub fn parse(text: &str) -> Result<Parsed, TimeError> {
        let trimmed = text.trim();
        parse_calendar(trimmed)
            .or_else(|| parse_month_first(trimmed))
            .or_else(|| parse_compact(trimmed))
            .or_else(|| parse_epoch(trimmed))
            .or_else(|| parse_web_log(trimmed))
            .or_else(|| parse_mail(trimmed))
            .ok_or_else(|| TimeError { text: text.chars().take(64).collect() })
    }

    fn utc(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

/// RFC 3339 in UTC with `Z`; three fraction digits, or six when the microseconds need them.
impl std::fmt::Display for Timestamp {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let utc = self.utc();
        let fraction = self.0.rem_euclid(MICROS_A_SECOND);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let length = if fraction % 1000 == 0 {
            put_digits(&mut text[20..23], fraction / 1000);
            text[23] = b'Z';
            24
        } else {
            put_digits(&mut text[20..26], fraction);
            27
        };
        let year = i64::from(utc.year());
        if !(0..=9999).contains(&year) {
            // Beyond RFC 3339; such a time is never read, but may be asked for.
            return write!(out, "{}", utc.to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
        }
        put_digits(&mut text[0..4], year);
        put_digits(&mut text[5..7], i64::from(utc.month()));
        put_digits(&mut text[8..10], i64::from(utc.day()));
        put_digits(&mut text[11..13], i64::from(utc.hour()));
        put_digits(&mut text[14..16], i64::from(utc.minute()));
        put_digits(&mut text[17..19], i64::from(utc.second()));
        out.write_str(std::str::from_utf8(&text[..length]).unwrap_or_default())
    }
}

/// Fills a place with the last decimal digits of a number that is not negative.
fn put_digits(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map(|parsed| parsed.at).map_err(serde::de::Error::custom)
    }
}

/// Reads digits from the front of a text, byte by byte.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if count < least {
            return None;
        }
        let (head, rest) = self.rest.split_at(count);
        self.rest = rest;
        Some(head.iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0')))
    }

    /// `.123456789` as microseconds; further digits are dropped.
    fn fraction(&mut self) -> Option<i64> {
        if !self.take(b'.') && !self.take(b',') {
            return Some(0);
        }
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        let micros =
            (0..6).fold(0, |value, place| value * 10 + i64::from(digits.get(place).map_or(0, |byte| byte - b'0')));
        Some(micros)
    }

    /// Seconds east of UTC; `None` inside when no zone is stated, `None` outside when it is malformed.
    fn zone(&mut self) -> Option<Option<i64>> {
        while self.take(b' ') {}
        if self.rest.is_empty() {
            return Some(None);
        }
        if self.rest.eq_ignore_ascii_case(b"Z")
            || self.rest.eq_ignore_ascii_case(b"UTC")
            || self.rest.eq_ignore_ascii_case(b"GMT")
        {
            self.rest = &[];
            return Some(Some(0));
        }
        let sign = if self.take(b'+') {
            1
        } else if self.take(b'-') {
            -1
        } else {
            return None;
        };
        let hours = self.digits(2, 2)?;
        let colon = self.take(b':');
        let minutes = if self.rest.is_empty() && !colon { 0 } else { self.digits(2, 2)? };
        let valid = self.rest.is_empty() && hours <= 23 && minutes <= 59;
        valid.then_some(Some(sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60)))
    }
}

fn assemble(date: NaiveDate, hour: u32, minute: u32, second: u32, micros: i64, zone: Option<i64>) -> Option<Parsed> {
    // A leap second (60) is read as the last second of its minute.
    let time = date.and_hms_opt(hour, minute, second.min(59))?;
    let seconds = time.and_utc().timestamp() - zone.unwrap_or(0);
    let micros = seconds.checked_mul(MICROS_A_SECOND)?.checked_add(micros)?;
    let in_range = (MICROS_MIN..=MICROS_MAX).contains(&micros);
    in_range.then_some(Parsed { at: Timestamp(micros), zone_stated: zone.is_some() })
}

fn parse_calendar(text: &str) -> Option<Parsed> {
    let mut cursor = Cursor { rest: text.as_bytes() };
    let year = cursor.digits(4, 4)?;
    let between = cursor.peek().filter(|byte| matches!(byte, b'-' | b'/'))?;
    cursor.take(between);
    let month = cursor.digits(2, 2)?;
    if !cursor.take(between) {
        return None;
    }
    let day = cursor.digits(2, 2)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    if cursor.rest.is_empty() {
        return assemble(date, 0, 0, 0, 0, None);
    }
    if !cursor.take(b'T') && !cursor.take(b't') && !cursor.take(b' ') {
        return None;
    }
    let hour = cursor.digits(2, 2)?;
    if !cursor.take(b':') {
        return None;
    }
    let minute = cursor.digits(2, 2)?;
    let second = if cursor.take(b':') { cursor.digits(2, 2)? } else { 0 };
    if second > 60 {
        return None;
    }
    let micros = cursor.fraction()?;
    let zone = cursor.zone()?;
    assemble(date, hour, minute, second, micros, zone)
}

/// `1/31/2026 1:02:03 PM`, as .NET services print it.
fn parse_month_first(text: &str) -> Option<Parsed> {
    let mut cursor = Cursor { rest: text.as_bytes() };
    let month = cursor.digits(1, 2)?;
    if !cursor.take(b'/') {
        return None;
    }
    let day = cursor.digits(1, 2)?;
    if !cursor.take(b'/') {
        return None;
    }
    let year = cursor.digits(4, 4)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    if !cursor.take(b' ') {
        return None;
    }
    let mut hour = cursor.digits(1, 2)?;
    if !cursor.take(b':') {
        return None;
    }
    let minute = cursor.digits(2, 2)?;
    let second = if cursor.take(b':') { cursor.digits(2, 2)? } else { 0 };
    let micros = cursor.fraction()?;
    cursor.take(b' ');
    let half = cursor.rest.get(..2).map(<[u8]>::to_ascii_uppercase);
    match half.as_deref() {
        Some(b"AM") => hour %= 12,
        Some(b"PM") => hour = hour % 12 + 12,
        _ => return if cursor.rest.is_empty() { assemble(date, hour, minute, second, micros, None) } else { None },
    }
    cursor.rest = &cursor.rest[2..];
    let zone = cursor.zone()?;
    assemble(date, hour, minute, second, micros, zone)
}

/// `20260131T120000Z`, `20260131120000`, `20260131`: digits of a calendar, no count of seconds.
fn parse_compact(text: &str) -> Option<Parsed> {
    let mut cursor = Cursor { rest: text.as_bytes() };
    // 1973 to 2099, as for numbers: other digits of this length are identifiers.
    let year = cursor.digits(4, 4).filter(|year| (1973..2100).contains(year))?;
    let (month, day) = (cursor.digits(2, 2)?, cursor.digits(2, 2)?);
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    if cursor.rest.is_empty() {
        return assemble(date, 0, 0, 0, 0, None);
    }
    let lettered = cursor.take(b'T') || cursor.take(b't') || cursor.take(b' ');
    let (hour, minute) = (cursor.digits(2, 2)?, cursor.digits(2, 2)?);
    let second =
        if lettered && !cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) { 0 } else { cursor.digits(2, 2)? };
    if second > 60 {
        return None;
    }
    let micros = cursor.fraction()?;
    let zone = cursor.zone()?;
    assemble(date, hour, minute, second, micros, zone)
}

const MONTHS: [&[u8]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// `31/Jan/2026:12:00:00 +0000`, as web servers log it.
fn parse_web_log(text: &str) -> Option<Parsed> {
    let mut cursor = Cursor { rest: text.as_bytes() };
    let day = cursor.digits(1, 2)?;
    if !cursor.take(b'/') {
        return None;
    }
    let (name, rest) = cursor.rest.split_at_checked(3)?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    cursor.rest = rest;
    if !cursor.take(b'/') {
        return None;
    }
    let year = cursor.digits(4, 4)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, u32::try_from(month).ok()? + 1, day)?;
    let mut clock = [0; 3];
    for part in &mut clock {
        if !cursor.take(b':') {
            return None;
        }
        *part = cursor.digits(2, 2)?;
    }
    let [hour, minute, second] = clock;
    let zone = if second > 60 { None } else { cursor.zone() }?;
    assemble(date, hour, minute, second, 0, zone)
}

/// `Sat, 31 Jan 2026 12:00:00 +0000` (RFC 2822).
fn parse_mail(text: &str) -> Option<Parsed> {
    let at = DateTime::parse_from_rfc2822(text).ok()?.timestamp_micros();
    (MICROS_MIN..=MICROS_MAX).contains(&at).then_some(Parsed { at: Timestamp(at), zone_stated: true })
}

fn parse_epoch(text: &str) -> Option<Parsed> {
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'e' | b'E' | b'+'));
    // Four digits are a year, not a second of 1970; nobody means either.
    if !numeric || text.len() < 5 {
        return None;
    }
    let at = Timestamp::from_number(text.parse().ok()?)?;
    Some(Parsed { at, zone_stated: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let parsed = Timestamp::parse(text);
        assert_eq!(parsed.map(|parsed| parsed.at.to_string()).as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn every_spelling_of_real_sources_is_read() {
        check("2026-11-20T08:58:41.145198+0000", "2026-11-20T08:58:41.145198Z");
        check("2026-11-20T08:58:41.14+0000", "2026-11-20T08:58:41.140Z");
        check("2023-07-10T11:42:18Z", "2023-07-10T11:42:18.000Z");
        check("2022-02-08 09:19:07+11:00", "2022-02-07T22:19:07.000Z");
        check("2022-03-22 14:21:53.225", "2022-03-22T14:21:53.225Z");
        check("2023-07-27 13:59:53.691680300", "2023-07-27T13:59:53.691680Z");
        check("2023-07-27T13:59:53-0730", "2023-07-27T21:29:53.000Z");
        check("2023-07-27 13:59:53 UTC", "2023-07-27T13:59:53.000Z");
        check("2023-07-27 13:59:53 +0100", "2023-07-27T12:59:53.000Z");
        check("2023-07-27T13:59Z", "2023-07-27T13:59:00.000Z");
        check("2023-07-27", "2023-07-27T00:00:00.000Z");
        check("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z");
        check("7/27/2023 1:59:53 PM", "2023-07-27T13:59:53.000Z");
        check("1/1/2023 12:00:00 AM", "2023-01-01T00:00:00.000Z");
        check("2023/07/27 13:59:53", "2023-07-27T13:59:53.000Z");
        check("20230727T135953Z", "2023-07-27T13:59:53.000Z");
        check("20230727T1359Z", "2023-07-27T13:59:00.000Z");
        check("20230727135953", "2023-07-27T13:59:53.000Z");
        check("20230727", "2023-07-27T00:00:00.000Z");
        check("27/Jul/2023:13:59:53 +0100", "2023-07-27T12:59:53.000Z");
        check("Thu, 27 Jul 2023 13:59:53 +0000", "2023-07-27T13:59:53.000Z");
        check("27 Jul 2023 13:59:53 GMT", "2023-07-27T13:59:53.000Z");
        check("1689000000", "2023-07-10T14:40:00.000Z");
        check("1689000000.5", "2023-07-10T14:40:00.500Z");
        check("1689000000123", "2023-07-10T14:40:00.123Z");
        check("1689000000123456", "2023-07-10T14:40:00.123456Z");
        check("1689000000123456789", "2023-07-10T14:40:00.123457Z");
    }

    #[test]
    fn a_missing_zone_is_told() {
        assert_eq!(Timestamp::parse("2022-03-22 14:21:53").map(|parsed| parsed.zone_stated), Ok(false));
        assert_eq!(Timestamp::parse("2022-03-22T14:21:53Z").map(|parsed| parsed.zone_stated), Ok(true));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2023",
            "2023-13-01",
            "2023-02-30T00:00:00Z",
            "2023-07-27T25:00:00Z",
            "2023-07-27T13:59:53+",
            "2023-07-27T13:59:53.Z",
            "1e999",
            "NaN",
            "2023-07-27T13:59:53+99:00",
            "12/12",
            "2023-07/27",
            "20231327",
            "99991231",
            "10000000000000",
            "5000000000",
            "0.034",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text:?} was read");
        }
    }

    #[test]
    fn a_number_is_a_time_only_where_logs_are_written() {
        for number in
            [0.0, 0.034, 5.0, 99_999_999.0, -1_689_000_000.0, 4_102_444_800.0, 9e13, 1e25, f64::NAN, f64::INFINITY]
        {
            assert_eq!(Timestamp::from_number(number), None, "{number}");
        }
        let first = Timestamp::from_number(1e8).map(|at| at.to_string());
        assert_eq!(first.as_deref(), Some("1973-03-03T09:46:40.000Z"));
    }

    #[test]
    fn times_before_1970_keep_their_order_and_text() {
        check("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_micros(-1).day_number(), -1);
        assert_eq!(Timestamp::from_micros(-1).date(), "1969-12-31");
    }
}
