//! Working hours in a time zone: whether a time lies inside or outside.
//!
//! A rule states them ([`StatedHours`]) and may leave parts to variables of its package; compiled with their values
//! they are [`Hours`].

use std::collections::BTreeSet;

use chrono::{Datelike, TimeZone, Timelike, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;
use yaml_serde::Value;

use crate::variables::{NoValue, Scope, Values};
use crate::yaml;

/// Minutes in a day.
const DAY: u16 = 24 * 60;

/// The hours at which a rule holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Whether the rule holds inside the window or outside.
    pub is_outside: bool,
    /// First minute of the window, of the day.
    pub from: u16,
    /// First minute after it; a window whose end is not after its start wraps midnight.
    pub to: u16,
    /// The days of the window, Monday is 0; all days when empty. A window that wraps midnight belongs to the day on
    /// which it begins.
    pub days: BTreeSet<u8>,
    /// The IANA time zone.
    pub time_zone: String,
}

impl Hours {
    /// A window of every day.
    pub fn daily(from: u16, to: u16, is_outside: bool, time_zone: Tz) -> Self {
        Self { is_outside, from, to, days: BTreeSet::new(), time_zone: time_zone.name().to_owned() }
    }

    /// Whether a rule with these hours holds at a time.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.is_inside(at) != self.is_outside
    }

    fn is_inside(&self, at: Timestamp) -> bool {
        // The name was checked when the rule was read.
        let zone: Tz = self.time_zone.parse().unwrap_or(Tz::UTC);
        let Some(local) = chrono::DateTime::from_timestamp_micros(at.micros()) else { return false };
        let local = zone.from_utc_datetime(&local.naive_utc());
        let minute = (local.hour() * 60 + local.minute()) as u16;
        let today = local.weekday().num_days_from_monday() as u8;
        let is_day = |day: u8| self.days.is_empty() || self.days.contains(&day);
        if self.from < self.to {
            return is_day(today) && (self.from..self.to).contains(&minute);
        }
        let yesterday = (today + 6) % 7;
        (minute >= self.from && is_day(today)) || (minute < self.to && is_day(yesterday))
    }
}

/// Hours as a rule states them; in the place of a text may stand a variable: `time_zone: "%time_zone%"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedHours {
    /// Whether the rule holds inside the window or outside.
    pub is_outside: bool,
    /// `08:00-17:00`.
    pub window: String,
    /// `mon`, `mon-fri`; all days when empty.
    pub days: Vec<String>,
    /// The IANA time zone.
    pub time_zone: String,
}

/// Why stated hours are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// A variable that has no value.
    #[error(transparent)]
    NoValue(#[from] NoValue),
    /// A text, as the rule or the value of a variable gives it, that is not what it should be.
    #[error("{0}")]
    Wrong(String),
}

impl StatedHours {
    /// Reads `{outside|inside: "08:00-17:00", days: [mon, …], time_zone: Europe/Berlin}`.
    ///
    /// # Errors
    /// Which member is wrong and what it should be.
    pub fn read(value: &Value) -> Result<Self, String> {
        let mapping =
            value.as_mapping().ok_or("'hours' must be a mapping such as {outside: \"08:00-17:00\", time_zone: UTC}")?;
        for name in mapping.keys().filter_map(Value::as_str) {
            if !["outside", "inside", "days", "time_zone"].contains(&name) {
                return Err(format!("'hours.{name}' is not one of outside, inside, days, time_zone"));
            }
        }
        let (is_outside, window) = match (yaml::text(mapping, "outside"), yaml::text(mapping, "inside")) {
            (Some(window), None) => (true, window),
            (None, Some(window)) => (false, window),
            _ => return Err("'hours' needs either 'outside' or 'inside', such as outside: \"08:00-17:00\"".to_owned()),
        };
        let time_zone = yaml::text(mapping, "time_zone").unwrap_or_else(|| "UTC".to_owned());
        let stated = Self { is_outside, window, days: yaml::texts(mapping, "days"), time_zone };
        match stated.filled(Values::default().of(None)) {
            // What a variable will hold is judged when it is filled in.
            Ok(_) | Err(HoursError::NoValue(_)) => Ok(stated),
            Err(HoursError::Wrong(message)) => Err(message),
        }
    }

    /// The hours, with the values of variables in their places.
    ///
    /// # Errors
    /// A variable without value, or a text that is no window, day or time zone.
    pub fn filled(&self, variables: Scope<'_>) -> Result<Hours, HoursError> {
        let mut missing = None;
        let mut read = |text: &str| match filled_in(text, variables) {
            Ok(values) => Some(values),
            Err(error) => {
                missing.get_or_insert(error);
                None
            }
        };
        // All parts are looked at before a missing value is told, so that a wrong one beside it is told first.
        let window = read(&self.window).map(|values| single(values, &self.window)).transpose()?;
        let window = window.as_deref().map(minutes_of_window).transpose()?;
        let zone = read(&self.time_zone).map(|values| single(values, &self.time_zone)).transpose()?;
        let zone = zone.as_deref().map(zone_named).transpose()?;
        let mut days = BTreeSet::new();
        for day in self.days.iter().filter_map(|text| read(text)).flatten() {
            let wrong = || HoursError::Wrong(format!("'{day}' is no day such as mon or mon-fri"));
            days.extend(days_named(&day).ok_or_else(wrong)?);
        }
        match (missing, window, zone) {
            (None, Some((from, to)), Some(zone)) => Ok(Hours { days, ..Hours::daily(from, to, self.is_outside, zone) }),
            (missing, ..) => Err(missing.unwrap_or_else(|| NoValue::Missing(String::new())).into()),
        }
    }
}

/// The values of `%name%`; any other text is its own value. Why a variable has no values is the error.
fn filled_in(text: &str, variables: Scope<'_>) -> Result<Vec<String>, NoValue> {
    let Some(name) = text.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')) else {
        return Ok(vec![text.to_owned()]);
    };
    variables.get(name).map(<[String]>::to_vec)
}

fn single(values: Vec<String>, stated: &str) -> Result<String, HoursError> {
    match <[String; 1]>::try_from(values) {
        Ok([value]) => Ok(value),
        Err(values) => Err(HoursError::Wrong(format!(
            "the variable {stated} of 'hours' takes one value, and has {}",
            values.len()
        ))),
    }
}

fn minutes_of_window(window: &str) -> Result<(u16, u16), HoursError> {
    let wrong = || HoursError::Wrong(format!("'{window}' is no window such as 08:00-17:00"));
    let (from, to) = window.split_once('-').ok_or_else(wrong)?;
    let minute = |text: &str| {
        minute_of_day(text.trim()).ok_or_else(|| HoursError::Wrong(format!("'{text}' is no time of day such as 08:00")))
    };
    Ok((minute(from)?, minute(to)?))
}

fn zone_named(name: &str) -> Result<Tz, HoursError> {
    name.parse().map_err(|_| HoursError::Wrong(format!("'{name}' is no IANA time zone such as Europe/Berlin")))
}

/// Reads `0800`, `08:00`, `8:00` and `24:00` as minutes of the day.
pub(crate) fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = match text.split_once(':') {
        Some(parts) => parts,
        None if text.len() == 4 && text.is_ascii() => text.split_at(2),
        None => return None,
    };
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minute = hours.checked_mul(60)?.checked_add(minutes)?;
    (hours <= 24 && minutes < 60 && minute <= DAY).then_some(minute)
}

fn days_named(text: &str) -> Option<Vec<u8>> {
    let day = |name: &str| name.trim().parse::<Weekday>().ok().map(|day| day.num_days_from_monday() as u8);
    match text.split_once('-') {
        None => day(text).map(|day| vec![day]),
        Some((first, last)) => {
            let (first, last) = (day(first)?, day(last)?);
            Some((0..7).map(|step| (first + step) % 7).take(usize::from((last + 7 - first) % 7) + 1).collect())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::sigma::Variables;

    fn stated(text: &str) -> StatedHours {
        StatedHours::read(&yaml_serde::from_str(text).unwrap()).unwrap()
    }

    fn hours(text: &str) -> Hours {
        stated(text).filled(Values::default().of(None)).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap().at
    }

    #[test]
    fn a_window_that_wraps_midnight_belongs_to_the_day_it_begins_on() {
        let night = hours("{inside: \"17:00-08:00\", days: [fri]}");
        assert!(night.holds(at("2026-11-27T23:00:00Z")), "Friday night");
        assert!(night.holds(at("2026-11-28T07:59:59Z")), "the morning after");
        assert!(!night.holds(at("2026-11-28T23:00:00Z")), "Saturday night");
        assert!(!night.holds(at("2026-11-27T07:00:00Z")), "Friday morning");
    }

    #[test]
    fn outside_working_hours_follows_the_zone_and_its_summer_time() {
        let work = hours("{outside: \"08:00-17:00\", days: [mon-fri], time_zone: Europe/Berlin}");
        assert!(work.holds(at("2026-07-01T05:30:00Z")), "07:30 in summer");
        assert!(!work.holds(at("2026-07-01T06:30:00Z")), "08:30 in summer");
        assert!(work.holds(at("2026-12-01T06:30:00Z")), "07:30 in winter");
        assert!(!work.holds(at("2026-12-01T15:59:00Z")));
        assert!(work.holds(at("2026-12-01T16:00:00Z")), "17:00 is after work");
        assert!(work.holds(at("2026-11-28T10:00:00Z")), "Saturday");
    }

    #[test]
    fn what_is_no_window_is_told() {
        for (text, part) in [
            ("{outside: \"8-17\"}", "time of day"),
            ("{outside: \"08:00-17:00\", inside: \"01:00-02:00\"}", "either"),
            ("{outside: \"08:00-17:00\", time_zone: Mars/Base}", "IANA"),
            ("{outside: \"08:00-17:00\", days: [someday]}", "no day"),
            ("{outside: \"08:00-17:00\", zone: UTC}", "hours.zone"),
        ] {
            let error = StatedHours::read(&yaml_serde::from_str(text).unwrap()).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn variables_stand_for_the_window_the_days_and_the_zone() {
        let stated = stated("{outside: \"%work_hours%\", days: [\"%work_days%\"], time_zone: \"%time_zone%\"}");
        let values = |zone: &str| {
            let of = |name: &str, values: &[&str]| {
                (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<String>>())
            };
            Values::from(Variables::from([
                of("work_hours", &["09:00-18:00"]),
                of("work_days", &["mon-thu", "fri"]),
                of("time_zone", &[zone]),
            ]))
        };
        let tokyo = stated.filled(values("Asia/Tokyo").of(None)).unwrap();
        assert!(tokyo.holds(at("2026-11-27T12:00:00Z")), "Friday, nine in the evening in Tokyo");
        assert!(!tokyo.holds(at("2026-11-27T01:00:00Z")), "ten in the morning");
        let error = |values: &Values| stated.filled(values.of(None)).unwrap_err().to_string();
        assert_eq!(error(&values("Mars/Base")), "'Mars/Base' is no IANA time zone such as Europe/Berlin");
        assert_eq!(error(&Values::default()), "the rule needs values for the variable 'work_hours'");
    }
}
