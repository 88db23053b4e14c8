//! Times and ranges of time as people write them: `now-24h`, `yesterday 10am`, `May 20 7:00pm`, `last 24 hours`.
//!
//! Everything is UTC. Weeks begin on Monday. What names a day without a year, or a time without a day, means
//! the latest one that is not in the future. The present is an argument; nothing here reads a clock.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Weekday};
use whodid_model::Timestamp;
use whodid_model::time::MICROS_A_SECOND;

/// Longest time text, in bytes.
pub const TIME_TEXT_BYTES_MAX: usize = 128;

/// Why a text is no time or no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeTextError {
    /// Nothing was written.
    #[error("the time is empty; write it like {EXAMPLES}")]
    Empty,
    /// Not a time.
    #[error("“{0}” is no time; write it like {EXAMPLES}")]
    NoTime(String),
    /// Not a range.
    #[error("“{0}” is no range of time; write it like {RANGE_EXAMPLES}")]
    NoRange(String),
    /// The end is not after the start.
    #[error("the range ends ({end}) before it begins ({start})")]
    Backwards {
        /// Where it begins.
        start: Timestamp,
        /// Where it ends.
        end: Timestamp,
    },
}

const EXAMPLES: &str = "2026-01-31T12:00:00Z, 2026-01-31, now-24h, 7d, 2 days ago, yesterday 10am or May 20 7:00pm";
const RANGE_EXAMPLES: &str = "last 24 hours, yesterday, yesterday 10am to yesterday 11am or 2026-01-01 to 2026-01-31";

/// The point in time that `text` means at `now`. A day means its first moment.
///
/// Reads what [`Timestamp::parse`] reads, then `now` with steps (`now-24h`, `now/d`, `now-1d/d+10h`), durations as that
/// long ago (`24h`, `1d12h`, `90 minutes`, `2 days ago`, `PT24H`, `last 24 hours`), and words (`today`, `yesterday 10am`,
/// `monday`, `last friday 17:30`, `May 20 7:00pm`, `20 May 2026`, `10:30`).
pub fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, TimeTextError> {
    let trimmed = bounded(text)?;
    read_moment(trimmed, now, None).map(|moment| moment.start).ok_or_else(|| TimeTextError::NoTime(shown(trimmed)))
}

/// The range `[start, end)` that `text` means at `now`.
///
/// `A to B` (also `from A to B`, `between A and B`, `A - B`, `A..B`, `A/B`): from A to B; a day as B is included
/// whole; a time alone as B is on A's day. `last 24 hours`, `24h`, `2 days ago`, `since A`, or any other point: from there
/// to now. A day (`today`, `yesterday`, `May 20`, `2026-01-31`), `this week` and `previous month`: the whole of it.
pub fn parse_range(text: &str, now: Timestamp) -> Result<(Timestamp, Timestamp), TimeTextError> {
    let trimmed = bounded(text)?;
    let (start, end) = read_range(trimmed, now).ok_or_else(|| TimeTextError::NoRange(shown(trimmed)))?;
    if start >= end {
        return Err(TimeTextError::Backwards { start, end });
    }
    Ok((start, end))
}

/// Whether `text` is a bare duration (`24h`, `PT24H`, `2 days`), which only means a time by being that long ago.
pub(crate) fn is_duration(text: &str) -> bool {
    read_duration(text.trim()).is_some() || read_iso_duration(text.trim()).is_some()
}

fn bounded(text: &str) -> Result<&str, TimeTextError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(TimeTextError::Empty);
    }
    if trimmed.len() > TIME_TEXT_BYTES_MAX {
        return Err(TimeTextError::NoTime(shown(trimmed)));
    }
    Ok(trimmed)
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A point, and how much of time its words cover.
#[derive(Debug, Clone, Copy)]
struct Moment {
    start: Timestamp,
    /// After its last moment, when the words name a whole day; else nothing.
    day_end: Option<Timestamp>,
}

impl Moment {
    fn point(start: Timestamp) -> Self {
        Self { start, day_end: None }
    }

    fn day(date: NaiveDate) -> Option<Self> {
        Some(Self { start: midnight(date)?, day_end: Some(midnight(date.checked_add_days(Days::new(1))?)?) })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    /// `m` is minutes and `mo` (or the capital `M` of Elasticsearch's date arithmetic) months.
    fn parse(text: &str) -> Option<Self> {
        if text == "M" {
            return Some(Self::Month);
        }
        Some(match text.to_ascii_lowercase().as_str() {
            "s" | "sec" | "secs" | "second" | "seconds" => Self::Second,
            "m" | "min" | "mins" | "minute" | "minutes" => Self::Minute,
            "h" | "hr" | "hrs" | "hour" | "hours" => Self::Hour,
            "d" | "day" | "days" => Self::Day,
            "w" | "wk" | "week" | "weeks" => Self::Week,
            "mo" | "mon" | "month" | "months" => Self::Month,
            "y" | "yr" | "year" | "years" => Self::Year,
            _ => return None,
        })
    }

    /// The start of the unit that holds `at`.
    fn floor(self, at: Timestamp) -> Option<Timestamp> {
        let civil = civil(at)?;
        let date = civil.date();
        let start = match self {
            Self::Second => civil.with_nanosecond(0)?,
            Self::Minute => date.and_hms_opt(civil.hour(), civil.minute(), 0)?,
            Self::Hour => date.and_hms_opt(civil.hour(), 0, 0)?,
            Self::Day => date.and_time(NaiveTime::MIN),
            Self::Week => date
                .checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday())))?
                .and_time(NaiveTime::MIN),
            Self::Month => date.with_day(1)?.and_time(NaiveTime::MIN),
            Self::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1)?.and_time(NaiveTime::MIN),
        };
        stamp(start)
    }

    /// `at` moved by `count` of the unit; a day that the month does not have becomes its last.
    fn shift(self, at: Timestamp, count: i64) -> Option<Timestamp> {
        let seconds = match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => return shift_months(at, count),
            Self::Year => return shift_months(at, count.checked_mul(12)?),
        };
        Some(at.plus_micros(count.checked_mul(seconds)?.checked_mul(MICROS_A_SECOND)?))
    }
}

fn shift_months(at: Timestamp, count: i64) -> Option<Timestamp> {
    let months = Months::new(u32::try_from(count.unsigned_abs()).ok()?);
    let civil = civil(at)?;
    let moved = if count < 0 { civil.checked_sub_months(months) } else { civil.checked_add_months(months) };
    stamp(moved?)
}

/// An amount of time: months and seconds apart, since a month has no fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Span {
    months: i64,
    seconds: i64,
}

impl Span {
    fn add(&mut self, count: i64, unit: Unit) -> Option<()> {
        let (months, seconds) = match unit {
            Unit::Second => (0, 1),
            Unit::Minute => (0, 60),
            Unit::Hour => (0, 3600),
            Unit::Day => (0, 86_400),
            Unit::Week => (0, 7 * 86_400),
            Unit::Month => (1, 0),
            Unit::Year => (12, 0),
        };
        self.months = self.months.checked_add(count.checked_mul(months)?)?;
        self.seconds = self.seconds.checked_add(count.checked_mul(seconds)?)?;
        Some(())
    }

    fn before(self, at: Timestamp) -> Option<Timestamp> {
        let moved = shift_months(at, self.months.checked_neg()?)?;
        Some(moved.plus_micros(self.seconds.checked_neg()?.checked_mul(MICROS_A_SECOND)?))
    }
}

fn civil(at: Timestamp) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_micros(at.micros()).map(|utc| utc.naive_utc())
}

/// `None` outside the years 0001 to 9999.
fn stamp(civil: NaiveDateTime) -> Option<Timestamp> {
    let micros = civil.and_utc().timestamp_micros();
    let at = Timestamp::from_micros(micros);
    (at.micros() == micros).then_some(at)
}

fn midnight(date: NaiveDate) -> Option<Timestamp> {
    stamp(date.and_time(NaiveTime::MIN))
}

fn read_range(text: &str, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    if let Some(moment) = read_moment(text, now, None) {
        return Some((moment.start, moment.day_end.unwrap_or(now)));
    }
    let lower = text.to_ascii_lowercase();
    if let Some(since) = lower.strip_prefix("since ") {
        return Some((read_moment(since, now, None)?.start, now));
    }
    let mut words = lower.split_whitespace();
    if let (Some(which @ ("this" | "previous")), Some(unit), None) = (words.next(), words.next(), words.next()) {
        let unit = Unit::parse(unit)?;
        let this = unit.floor(now)?;
        let (start, end) = match which {
            "this" => (this, unit.shift(this, 1)?),
            _ => (unit.shift(this, -1)?, this),
        };
        return Some((start, end));
    }
    let inner = text
        .get(5..)
        .filter(|_| lower.starts_with("from "))
        .or_else(|| text.get(8..).filter(|_| lower.starts_with("between ")))
        .unwrap_or(text);
    // Every place a separator stands at is tried: `now/d/now` or `2026-01-01 - now` hold more than one.
    for separator in [" to ", " until ", " till ", " and ", "..", " – ", " - ", "–", "/"] {
        for (at, _) in inner.to_ascii_lowercase().match_indices(separator) {
            let (first, second) = (inner[..at].trim(), inner[at + separator.len()..].trim());
            let Some(start) = read_moment(first, now, None) else { continue };
            let Some(end) = read_moment(second, now, civil(start.start).map(|civil| civil.date())) else { continue };
            return Some((start.start, end.day_end.unwrap_or(end.start)));
        }
    }
    None
}

/// `day`: the day that a time alone is on, instead of the latest that is not in the future.
fn read_moment(text: &str, now: Timestamp, day: Option<NaiveDate>) -> Option<Moment> {
    if let Ok(parsed) = Timestamp::parse(text) {
        let is_date = text.len() == 10 && text.as_bytes()[4] == b'-';
        return if is_date { Moment::day(civil(parsed.at)?.date()) } else { Some(Moment::point(parsed.at)) };
    }
    if text.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("now")) {
        return read_arithmetic(&text[3..], now).map(Moment::point);
    }
    if let Some(span) = read_iso_duration(text).or_else(|| read_duration(text)) {
        return span.before(now).map(Moment::point);
    }
    read_words(text, now, day)
}

/// What follows `now`: `-24h`, `+1d`, `/d`, again and again.
fn read_arithmetic(text: &str, now: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    let mut rest = text.trim_start();
    while let Some(sign) = rest.chars().next() {
        rest = rest[sign.len_utf8()..].trim_start();
        match sign {
            '+' | '-' => {
                let (count, after) = split_number(rest)?;
                let (unit, after) = split_letters(after.trim_start());
                let count = if sign == '-' { count.checked_neg()? } else { count };
                at = Unit::parse(unit)?.shift(at, count)?;
                rest = after.trim_start();
            }
            '/' => {
                let (unit, after) = split_letters(rest);
                at = Unit::parse(unit)?.floor(at)?;
                rest = after.trim_start();
            }
            _ => return None,
        }
    }
    Some(at)
}

/// `24h`, `1d12h`, `1d 12h`, `2 days`, `an hour`; with or without `ago` after it, or `last` or `past` before it.
fn read_duration(text: &str) -> Option<Span> {
    let lower = text.to_ascii_lowercase();
    let stripped = lower.strip_prefix("last ").or_else(|| lower.strip_prefix("past "));
    let mut rest = stripped.map_or(text, |_| &text[5..]).trim();
    if stripped.is_some() && Unit::parse(rest).is_some() {
        let mut span = Span::default();
        span.add(1, Unit::parse(rest)?)?;
        return Some(span);
    }
    if let Some(before) = rest.len().checked_sub(4).filter(|&at| rest.is_char_boundary(at))
        && rest[before..].eq_ignore_ascii_case(" ago")
    {
        rest = rest[..before].trim_end();
    }
    let mut span = Span::default();
    let mut is_first = true;
    while !rest.is_empty() {
        let article = ["a ", "an ", "one "].into_iter().find(|article| {
            is_first && rest.get(..article.len()).is_some_and(|head| head.eq_ignore_ascii_case(article))
        });
        let (count, after) = match article {
            Some(article) => (1, &rest[article.len()..]),
            None => split_number(rest)?,
        };
        let (unit, after) = split_letters(after.trim_start());
        span.add(count, Unit::parse(unit)?)?;
        rest = after.trim_start();
        is_first = false;
    }
    (!is_first).then_some(span)
}

/// ISO 8601: `P7D`, `PT24H`, `P1DT12H`, `P1Y2M`, `P2W`; whole numbers only.
fn read_iso_duration(text: &str) -> Option<Span> {
    let mut rest = text.strip_prefix(['P', 'p'])?;
    let mut span = Span::default();
    let mut in_time = false;
    let mut is_empty = true;
    while let Some(first) = rest.chars().next() {
        if !in_time && matches!(first, 'T' | 't') {
            in_time = true;
            is_empty = true;
            rest = &rest[1..];
            continue;
        }
        let (count, after) = split_number(rest)?;
        let letter = after.chars().next()?;
        let unit = match (in_time, letter.to_ascii_uppercase()) {
            (false, 'Y') => Unit::Year,
            (false, 'M') => Unit::Month,
            (false, 'W') => Unit::Week,
            (false, 'D') => Unit::Day,
            (true, 'H') => Unit::Hour,
            (true, 'M') => Unit::Minute,
            (true, 'S') => Unit::Second,
            _ => return None,
        };
        span.add(count, unit)?;
        is_empty = false;
        rest = &after[letter.len_utf8()..];
    }
    (!is_empty).then_some(span)
}

/// Days and times of day in words.
fn read_words(text: &str, now: Timestamp, day: Option<NaiveDate>) -> Option<Moment> {
    let lower = text.to_ascii_lowercase().replace(',', " ");
    let mut words: Vec<&str> = lower.split_whitespace().collect();
    if let Some(&("utc" | "z" | "gmt")) = words.last() {
        words.pop();
    }
    let (date, used) = read_date(&words, now)?;
    let mut rest = &words[used..];
    if used > 0
        && let Some((&"at", after)) = rest.split_first()
    {
        rest = after;
    }
    if rest.is_empty() {
        return match date {
            Date::Day(date) => Moment::day(date),
            Date::Yearless { month, day } => Moment::day(latest_day(month, day, now, NaiveTime::MIN)?),
            Date::None => None,
        };
    }
    let time = read_time_of_day(&rest.concat())?;
    let date = match date {
        Date::Day(date) => date,
        Date::Yearless { month, day } => latest_day(month, day, now, time)?,
        Date::None => match day {
            Some(day) => day,
            None => {
                let today = civil(now)?.date();
                if stamp(today.and_time(time))? <= now { today } else { today.pred_opt()? }
            }
        },
    };
    stamp(date.and_time(time)).map(Moment::point)
}

/// The day that the front of the words names.
enum Date {
    Day(NaiveDate),
    Yearless { month: u32, day: u32 },
    None,
}

/// The day, and how many words it took.
fn read_date(words: &[&str], now: Timestamp) -> Option<(Date, usize)> {
    let today = civil(now)?.date();
    let first = *words.first()?;
    let day = match first {
        "today" => Some(today),
        "yesterday" => Some(today.pred_opt()?),
        "tomorrow" => Some(today.succ_opt()?),
        _ => None,
    };
    if let Some(day) = day {
        return Some((Date::Day(day), 1));
    }
    if first.len() == 10
        && let Ok(parsed) = Timestamp::parse(first)
    {
        return Some((Date::Day(civil(parsed.at)?.date()), 1));
    }
    if let Some(weekday) = weekday(first) {
        return Some((Date::Day(latest_weekday(weekday, today)?), 1));
    }
    if let ("last" | "previous" | "on" | "this", Some(weekday)) = (first, words.get(1).and_then(|word| weekday(word))) {
        let until = if matches!(first, "last" | "previous") { today.pred_opt()? } else { today };
        return Some((Date::Day(latest_weekday(weekday, until)?), 2));
    }
    let second = words.get(1).copied().unwrap_or_default();
    let (month, day) = match (month(first), month(second)) {
        (Some(month), _) => (month, day_of_month(second)?),
        (None, Some(month)) => match day_of_month(first) {
            Some(day) => (month, day),
            None => return Some((Date::None, 0)),
        },
        (None, None) => return Some((Date::None, 0)),
    };
    let year = words.get(2).filter(|word| word.len() == 4).and_then(|word| word.parse::<i32>().ok());
    match year {
        Some(year) => Some((Date::Day(NaiveDate::from_ymd_opt(year, month, day)?), 3)),
        None => Some((Date::Yearless { month, day }, 2)),
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    // chrono also reads the short names.
    word.parse().ok()
}

fn latest_weekday(wanted: Weekday, until: NaiveDate) -> Option<NaiveDate> {
    let back = (7 + until.weekday().num_days_from_monday() - wanted.num_days_from_monday()) % 7;
    until.checked_sub_days(Days::new(u64::from(back)))
}

fn month(word: &str) -> Option<u32> {
    word.parse::<chrono::Month>().ok().map(|month| month.number_from_month())
}

fn day_of_month(word: &str) -> Option<u32> {
    let digits = ["st", "nd", "rd", "th", "."].into_iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word);
    let is_short = digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_short.then(|| digits.parse().ok()).flatten().filter(|day| (1..=31).contains(day))
}

/// The latest such day whose `time` is not in the future; 29 February goes back to a leap year.
fn latest_day(month: u32, day: u32, now: Timestamp, time: NaiveTime) -> Option<NaiveDate> {
    let year = civil(now)?.year();
    (0..=8)
        .filter_map(|back| NaiveDate::from_ymd_opt(year - back, month, day))
        .find(|date| stamp(date.and_time(time)).is_some_and(|at| at <= now))
}

/// `10am`, `7:00pm`, `19:30`, `19:30:15`, `noon`, `midnight`.
fn read_time_of_day(text: &str) -> Option<NaiveTime> {
    match text {
        "noon" => return NaiveTime::from_hms_opt(12, 0, 0),
        "midnight" => return Some(NaiveTime::MIN),
        _ => {}
    }
    let (clock, half) = match text.strip_suffix("am").or_else(|| text.strip_suffix("pm")) {
        Some(clock) => (clock, Some(text.ends_with("pm"))),
        None => (text, None),
    };
    let mut parts = [0_u32; 3];
    let mut count = 0;
    for part in clock.split(':') {
        let is_number = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if count == parts.len() || !is_number {
            return None;
        }
        parts[count] = part.parse().ok()?;
        count += 1;
    }
    let [hour, minute, second] = parts;
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(is_afternoon) => hour % 12 + if is_afternoon { 12 } else { 0 },
        None if count < 2 => return None,
        None => hour,
    };
    NaiveTime::from_hms_opt(hour, minute, second)
}

fn split_number(text: &str) -> Option<(i64, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text[..length].parse().ok()?;
    Some((number, &text[length..]))
}

fn split_letters(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_alphabetic).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thursday.
    const NOW: &str = "2026-05-21T15:30:45.500Z";

    fn now() -> Timestamp {
        Timestamp::parse(NOW).expect("a constant").at
    }

    fn check(text: &str, expected: &str) {
        let found = parse_time(text, now()).map(|at| at.to_string().replace(".000Z", "Z"));
        assert_eq!(found.as_deref(), Ok(expected), "{text}");
    }

    fn check_range(text: &str, expected: &str) {
        let found = parse_range(text, now());
        let found = found.map(|(start, end)| format!("{start} {end}").replace(".000Z", "Z").replace(NOW, "NOW"));
        assert_eq!(found.as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn absolute_times_are_read_as_sources_write_them() {
        check("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z");
        check(" 2026-01-31 12:00 ", "2026-01-31T12:00:00Z");
        check("2026-01-31", "2026-01-31T00:00:00Z");
        check("1689000000", "2023-07-10T14:40:00Z");
    }

    #[test]
    fn now_moves_by_steps_and_rounds_down() {
        check("now", NOW);
        check("NOW", NOW);
        check("now-24h", "2026-05-20T15:30:45.500Z");
        check("now - 7 days", "2026-05-14T15:30:45.500Z");
        check("now+15m", "2026-05-21T15:45:45.500Z");
        check("now/d", "2026-05-21T00:00:00Z");
        check("now/h", "2026-05-21T15:00:00Z");
        check("now/w", "2026-05-18T00:00:00Z");
        check("now/M", "2026-05-01T00:00:00Z");
        check("now/y", "2026-01-01T00:00:00Z");
        check("now-1d/d+10h", "2026-05-20T10:00:00Z");
        check("now-1mo", "2026-04-21T15:30:45.500Z");
        check("now-1y", "2025-05-21T15:30:45.500Z");
    }

    #[test]
    fn a_duration_is_that_long_ago() {
        check("24h", "2026-05-20T15:30:45.500Z");
        check("7d", "2026-05-14T15:30:45.500Z");
        check("15m", "2026-05-21T15:15:45.500Z");
        check("30s", "2026-05-21T15:30:15.500Z");
        check("2w", "2026-05-07T15:30:45.500Z");
        check("1mo", "2026-04-21T15:30:45.500Z");
        check("3M", "2026-02-21T15:30:45.500Z");
        check("1y", "2025-05-21T15:30:45.500Z");
        check("1d12h", "2026-05-20T03:30:45.500Z");
        check("2 days ago", "2026-05-19T15:30:45.500Z");
        check("an hour ago", "2026-05-21T14:30:45.500Z");
        check("90 minutes", "2026-05-21T14:00:45.500Z");
        check("last 24 hours", "2026-05-20T15:30:45.500Z");
        check("last hour", "2026-05-21T14:30:45.500Z");
        check("PT24H", "2026-05-20T15:30:45.500Z");
        check("P7D", "2026-05-14T15:30:45.500Z");
        check("P1DT12H", "2026-05-20T03:30:45.500Z");
        check("P1M", "2026-04-21T15:30:45.500Z");
        check("PT1M", "2026-05-21T15:29:45.500Z");
    }

    #[test]
    fn days_and_times_may_be_words() {
        check("today", "2026-05-21T00:00:00Z");
        check("yesterday", "2026-05-20T00:00:00Z");
        check("yesterday 10am", "2026-05-20T10:00:00Z");
        check("yesterday at 10:30 pm", "2026-05-20T22:30:00Z");
        check("today noon", "2026-05-21T12:00:00Z");
        check("12am", "2026-05-21T00:00:00Z");
        check("12pm", "2026-05-21T12:00:00Z");
        check("10:30", "2026-05-21T10:30:00Z");
        check("16:00", "2026-05-20T16:00:00Z");
        check("May 20 7:00pm", "2026-05-20T19:00:00Z");
        check("May 20th, 7pm UTC", "2026-05-20T19:00:00Z");
        check("20 May 2025 07:15", "2025-05-20T07:15:00Z");
        check("May 22", "2025-05-22T00:00:00Z");
        check("December 24, 2024", "2024-12-24T00:00:00Z");
        check("feb 29", "2024-02-29T00:00:00Z");
        check("thursday", "2026-05-21T00:00:00Z");
        check("last thursday", "2026-05-14T00:00:00Z");
        check("last monday", "2026-05-18T00:00:00Z");
        check("friday 5pm", "2026-05-15T17:00:00Z");
        check("2026-05-20 10am", "2026-05-20T10:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused_with_examples() {
        for text in [
            "",
            " ",
            "nowt",
            "now-",
            "now-5",
            "now-5x",
            "now/",
            "now/x",
            "now*2",
            "5",
            "24",
            "h",
            "P",
            "PT",
            "P1H",
            "1.5h",
            "soon",
            "May",
            "May 32",
            "32 May",
            "10",
            "25:00",
            "13pm",
            "0am",
            "yesterday yesterday",
            "feb 30",
            "ago",
            "last",
            "now-9999999y",
            "99999999999999999999h",
            "P99999999999999Y",
            "now–1h",
            "1️⃣h",
        ] {
            assert!(parse_time(text, now()).is_err(), "{text:?} was read");
        }
        let error = parse_time("soon", now()).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.starts_with("“soon” is no time; write it like 2026-01-31T12:00:00Z")));
    }

    #[test]
    fn a_point_as_a_range_lasts_until_now_and_a_day_is_whole() {
        check_range("24h", "2026-05-20T15:30:45.500Z NOW");
        check_range("last 24 hours", "2026-05-20T15:30:45.500Z NOW");
        check_range("2 days ago", "2026-05-19T15:30:45.500Z NOW");
        check_range("since May 20 7:00pm", "2026-05-20T19:00:00Z NOW");
        check_range("now/d", "2026-05-21T00:00:00Z NOW");
        check_range("today", "2026-05-21T00:00:00Z 2026-05-22T00:00:00Z");
        check_range("yesterday", "2026-05-20T00:00:00Z 2026-05-21T00:00:00Z");
        check_range("May 20", "2026-05-20T00:00:00Z 2026-05-21T00:00:00Z");
        check_range("2026-05-20", "2026-05-20T00:00:00Z 2026-05-21T00:00:00Z");
        check_range("this week", "2026-05-18T00:00:00Z 2026-05-25T00:00:00Z");
        check_range("previous month", "2026-04-01T00:00:00Z 2026-05-01T00:00:00Z");
    }

    #[test]
    fn two_points_make_a_range() {
        check_range("yesterday 10am to yesterday 11am", "2026-05-20T10:00:00Z 2026-05-20T11:00:00Z");
        check_range("yesterday 10am to 11am", "2026-05-20T10:00:00Z 2026-05-20T11:00:00Z");
        check_range("from now-2h TO now-1h", "2026-05-21T13:30:45.500Z 2026-05-21T14:30:45.500Z");
        check_range("between May 1 and May 3", "2026-05-01T00:00:00Z 2026-05-04T00:00:00Z");
        check_range("2026-05-01 to 2026-05-03", "2026-05-01T00:00:00Z 2026-05-04T00:00:00Z");
        check_range("2026-05-01T00:00:00Z/2026-05-03T00:00:00Z", "2026-05-01T00:00:00Z 2026-05-03T00:00:00Z");
        check_range("2026-05-01..2026-05-01", "2026-05-01T00:00:00Z 2026-05-02T00:00:00Z");
        check_range("2 days ago - 1 day ago", "2026-05-19T15:30:45.500Z 2026-05-20T15:30:45.500Z");
        check_range("now-1d/d to now/d", "2026-05-20T00:00:00Z 2026-05-21T00:00:00Z");
    }

    #[test]
    fn a_range_that_is_none_says_so() {
        for text in ["", "to", "yesterday to", "to today", "sometime to today", "this", "this thing"] {
            assert!(parse_range(text, now()).is_err(), "{text:?} was read");
        }
        let backwards = parse_range("today to yesterday", now());
        assert!(matches!(backwards, Err(TimeTextError::Backwards { .. })), "{backwards:?}");
        let future = parse_range("tomorrow 10am", now());
        assert!(matches!(future, Err(TimeTextError::Backwards { .. })), "{future:?}");
    }
}
