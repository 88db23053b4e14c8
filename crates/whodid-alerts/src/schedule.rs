//! Times in which an alert is silent, by the clock of a place.

use chrono::{DateTime, Datelike, Timelike, Weekday};
use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;

use crate::Fault;

/// Periods of one schedule.
pub const PERIODS_MAX: usize = 20;
const MINUTES_A_DAY: u16 = 24 * 60;

/// `{"enabled": true, "times": {"enabled": true, "periods": [["22:00", "06:00"]]}, "days": ["sat", "sun"],
/// "timezone": "Europe/Berlin"}`: while it holds, nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blackout {
    /// Whether it holds at all.
    pub enabled: bool,
    /// At which times of these days; all day without.
    #[serde(default)]
    pub times: Times,
    /// Days of the week; every day when empty. A period belongs to the day on which it begins.
    #[serde(default)]
    pub days: Vec<Day>,
    /// Whose clock (IANA).
    #[serde(default = "utc")]
    pub timezone: String,
}

/// Times of a day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// Whether they count; otherwise it is the whole day.
    pub enabled: bool,
    /// From a time until before another; past midnight where the second is not later.
    #[serde(default)]
    pub periods: Vec<(TimeOfDay, TimeOfDay)>,
}

/// Minutes after midnight, written `HH:MM`, up to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_number = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let digits = |part: &str| part.parse::<u8>().ok().filter(|_| is_number(part));
        let minutes = text.split_once(':').and_then(|(hours, minutes)| {
            let (hours, minutes) = (u16::from(digits(hours)?), u16::from(digits(minutes)?));
            let at = hours * 60 + minutes;
            (minutes < 60 && at <= MINUTES_A_DAY).then_some(at)
        });
        let complaint = || format!("{:?} is no time of day; write 00:00 to 24:00", crate::clip::clip_chars(&text, 16));
        minutes.map(Self).ok_or_else(complaint)
    }
}

impl From<TimeOfDay> for String {
    fn from(TimeOfDay(minutes): TimeOfDay) -> Self {
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl Day {
    fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Mon,
            Self::Tue => Weekday::Tue,
            Self::Wed => Weekday::Wed,
            Self::Thu => Weekday::Thu,
            Self::Fri => Weekday::Fri,
            Self::Sat => Weekday::Sat,
            Self::Sun => Weekday::Sun,
        }
    }
}

impl Blackout {
    /// Whether nothing is sent at a moment.
    pub fn holds(&self, at: Timestamp) -> bool {
        let utc = DateTime::from_timestamp_micros(at.micros()).unwrap_or_default();
        let zone: chrono_tz::Tz = self.timezone.parse().unwrap_or_default();
        let local = utc.with_timezone(&zone);
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or_default();
        let today = self.has(local.weekday());
        if !self.enabled || !self.times.enabled {
            return self.enabled && today;
        }
        self.times.periods.iter().any(|(TimeOfDay(from), TimeOfDay(to))| {
            if from < to {
                return today && (*from..*to).contains(&minute);
            }
            (today && minute >= *from) || (self.has(local.weekday().pred()) && minute < *to)
        })
    }

    /// All that is wrong with it, below `blackout`.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut add = |member: &str, text: String| faults.push(Fault { member: member.to_owned(), text });
        if self.timezone.parse::<chrono_tz::Tz>().is_err() {
            let text = "is no time zone; write an IANA name such as Europe/Berlin or UTC";
            add("blackout.timezone", text.to_owned());
        }
        if self.times.periods.len() > PERIODS_MAX {
            add("blackout.times.periods", format!("has {}; at most {PERIODS_MAX}", self.times.periods.len()));
        }
        if self.times.enabled && self.times.periods.is_empty() {
            add("blackout.times.periods", "is empty; name a period, or disable times for whole days".to_owned());
        }
        if self.enabled && !self.times.enabled && self.days.is_empty() {
            let text = "is empty, so that nothing would ever be sent; name days, or enable times";
            add("blackout.days", text.to_owned());
        }
        faults
    }

    fn has(&self, weekday: Weekday) -> bool {
        self.days.is_empty() || self.days.iter().any(|day| day.weekday() == weekday)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn blackout(days: &[&str], periods: &[[&str; 2]], zone: &str) -> Blackout {
        let times = json!({"enabled": !periods.is_empty(), "periods": periods});
        serde_json::from_value(json!({"enabled": true, "times": times, "days": days, "timezone": zone})).unwrap()
    }

    fn check(blackout: &Blackout, at: &str, holds: bool) {
        assert_eq!(blackout.holds(Timestamp::parse(at).unwrap().at), holds, "{at}");
    }

    #[test]
    fn a_period_belongs_to_the_day_on_which_it_begins_by_the_clock_of_the_place() {
        // 2026-11-20 is a Friday; Berlin is one hour east of UTC in winter, two in summer.
        let night = blackout(&["fri"], &[["22:00", "06:00"]], "Europe/Berlin");
        check(&night, "2026-11-20T20:59:00Z", false);
        check(&night, "2026-11-20T21:00:00Z", true);
        check(&night, "2026-11-21T04:59:59Z", true);
        check(&night, "2026-11-21T05:00:00Z", false);
        check(&night, "2026-11-20T03:00:00Z", false);
        check(&night, "2026-07-17T20:00:00Z", true);
    }

    #[test]
    fn whole_days_and_office_hours() {
        let weekend = blackout(&["sat", "sun"], &[], "UTC");
        check(&weekend, "2026-11-20T23:59:59Z", false);
        check(&weekend, "2026-11-21T00:00:00Z", true);
        check(&weekend, "2026-11-22T23:59:59Z", true);
        let lunch = blackout(&[], &[["12:00", "13:00"], ["23:00", "24:00"]], "UTC");
        check(&lunch, "2026-11-20T12:59:00Z", true);
        check(&lunch, "2026-11-20T13:00:00Z", false);
        check(&lunch, "2026-11-20T23:59:00Z", true);
        check(&lunch, "2026-11-21T00:00:00Z", false);
        check(&Blackout { enabled: false, ..weekend }, "2026-11-21T00:00:00Z", false);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for time in ["24:01", "9:00", "09:60", "noon", "", "+1:00"] {
            assert!(TimeOfDay::try_from(time.to_owned()).is_err(), "{time}");
        }
        let always = blackout(&[], &[], "Mars/Base");
        let members: Vec<_> = always.faults().into_iter().map(|fault| fault.member).collect();
        assert_eq!(members, ["blackout.timezone", "blackout.days"]);
        assert!(serde_json::from_value::<Blackout>(json!({"enabled": true, "dayz": []})).is_err());
    }
}
