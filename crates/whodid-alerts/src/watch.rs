//! An alert on a saved search: how many records match within a window, and what is sent when.
//!
//! Windows are aligned to midnight UTC, so that no restart, no late tick and no other watch moves them. Pure: whoever
//! follows the stream hands in counts and ticks; the state is stored between. *Invariants*: a window fires at most once
//! of each kind; how often ticks come changes nothing but when the caller learns.

#[cfg(test)]
mod windows;

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;
use whodid_model::time::{MICROS_A_DAY, MICROS_A_SECOND};

use crate::Fault;
use crate::schedule::Blackout;

/// Highest count that can be waited for.
pub const TRIGGER_LIMIT_MAX: u64 = 1_000_000_000;
/// Without a match for so long before a window, its absence is no news, in microseconds.
const MUTED_AFTER_MICROS: i64 = MICROS_A_DAY;

/// What is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// So many matches, or more.
    Presence,
    /// Fewer.
    Absence,
}

/// How long a window is. Each divides a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Interval {
    #[serde(rename = "30s")]
    Seconds30,
    #[serde(rename = "1m")]
    Minute1,
    #[serde(rename = "5m")]
    Minutes5,
    #[serde(rename = "15m")]
    Minutes15,
    #[serde(rename = "30m")]
    Minutes30,
    #[serde(rename = "1h")]
    Hour1,
    #[serde(rename = "6h")]
    Hours6,
    #[serde(rename = "12h")]
    Hours12,
    #[serde(rename = "24h")]
    Hours24,
}

impl Interval {
    /// All, shortest first.
    pub const ALL: [Self; 9] = [
        Self::Seconds30,
        Self::Minute1,
        Self::Minutes5,
        Self::Minutes15,
        Self::Minutes30,
        Self::Hour1,
        Self::Hours6,
        Self::Hours12,
        Self::Hours24,
    ];

    /// Its length in seconds.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Seconds30 => 30,
            Self::Minute1 => 60,
            Self::Minutes5 => 300,
            Self::Minutes15 => 900,
            Self::Minutes30 => 1800,
            Self::Hour1 => 3600,
            Self::Hours6 => 6 * 3600,
            Self::Hours12 => 12 * 3600,
            Self::Hours24 => 24 * 3600,
        }
    }

    fn micros(self) -> i64 {
        self.seconds() * MICROS_A_SECOND
    }

    /// The number of the window that holds a moment, counted from 1970.
    fn window_of(self, at: Timestamp) -> i64 {
        at.micros().div_euclid(self.micros())
    }

    fn start_of(self, window: i64) -> Timestamp {
        Timestamp::from_micros(window.saturating_mul(self.micros()))
    }
}

/// `{"operator": "presence", "trigger_limit": 5, "trigger_interval": "5m", "immediate": true}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// What is news.
    pub operator: Operator,
    /// How many matches.
    #[serde(default = "one")]
    pub trigger_limit: u64,
    /// Within how long; 30 seconds for presence, 15 minutes for absence unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_interval: Option<Interval>,
    /// Sends as soon as the count is reached.
    #[serde(default)]
    pub immediate: bool,
    /// Sends at the end of the window.
    #[serde(default)]
    pub terminal: bool,
    /// When nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blackout: Option<Blackout>,
}

fn one() -> u64 {
    1
}

impl Trigger {
    /// The length of its windows.
    pub fn interval(&self) -> Interval {
        self.trigger_interval.unwrap_or(match self.operator {
            Operator::Presence => Interval::Seconds30,
            Operator::Absence => Interval::Minutes15,
        })
    }

    /// All that is wrong with it; nothing when it can be stored.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = self.blackout.as_ref().map(Blackout::faults).unwrap_or_default();
        let mut add = |member: &str, text: String| faults.push(Fault { member: member.to_owned(), text });
        if !(1..=TRIGGER_LIMIT_MAX).contains(&self.trigger_limit) {
            add("trigger_limit", format!("is {}; write 1 to {TRIGGER_LIMIT_MAX}", self.trigger_limit));
        }
        match self.operator {
            Operator::Presence if !self.immediate && !self.terminal => {
                add("immediate", "is false, as is terminal, so that nothing would be sent; set one of them".to_owned());
            }
            Operator::Absence if self.immediate => {
                add("immediate", "is true, but absence shows only at the end of a window; set it to false".to_owned());
            }
            _ => {}
        }
        if self.operator == Operator::Absence && !self.terminal {
            add("terminal", "is false, but absence shows only at the end of a window; set it to true".to_owned());
        }
        faults
    }

    fn is_dark(&self, at: Timestamp) -> bool {
        self.blackout.as_ref().is_some_and(|blackout| blackout.holds(at))
    }
}

/// Why something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The count was reached.
    Immediate,
    /// The window is over.
    Terminal,
}

/// What is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fire {
    /// Why.
    pub kind: Kind,
    /// The window's first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Matches so far, or in all when it is over.
    pub count: u64,
}

/// What one watch remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    interval: Interval,
    window: i64,
    count: u64,
    is_immediate_sent: bool,
    /// The watch began within this window, and cannot say what was absent before.
    is_partial: bool,
    last_match_at: Option<Timestamp>,
}

impl Watch {
    /// Begins to watch. `last_match_at`: the newest match before, as far as it is known; absence counts by it.
    pub fn new(trigger: &Trigger, at: Timestamp, last_match_at: Option<Timestamp>) -> Self {
        let interval = trigger.interval();
        let window = interval.window_of(at);
        let is_partial = interval.start_of(window) != at;
        Self { interval, window, count: 0, is_immediate_sent: false, is_partial, last_match_at }
    }

    /// Takes in `count` matches recorded at a moment. A moment before the current window counts in the current one.
    pub fn record(&mut self, trigger: &Trigger, at: Timestamp, count: u64) -> Vec<Fire> {
        let mut fires = self.tick(trigger, at);
        if count == 0 {
            return fires;
        }
        self.count = self.count.saturating_add(count);
        self.last_match_at = self.last_match_at.max(Some(at));
        let is_reached = trigger.operator == Operator::Presence && self.count >= trigger.trigger_limit;
        if is_reached && trigger.immediate && !self.is_immediate_sent && !trigger.is_dark(at) {
            self.is_immediate_sent = true;
            fires.push(self.fire(Kind::Immediate));
        }
        fires
    }

    /// Ends the windows that are over, oldest first.
    pub fn tick(&mut self, trigger: &Trigger, now: Timestamp) -> Vec<Fire> {
        if self.interval != trigger.interval() {
            *self = Self::new(trigger, now, self.last_match_at);
        }
        let mut fires = Vec::new();
        let current = self.interval.window_of(now);
        while self.window < current {
            if trigger.terminal && self.is_news(trigger) && !trigger.is_dark(self.interval.start_of(self.window + 1)) {
                fires.push(self.fire(Kind::Terminal));
            }
            self.count = 0;
            self.is_immediate_sent = false;
            self.is_partial = false;
            // Empty windows are news only to absence, and only while it is not muted: at most a day of them.
            let goes_on = trigger.operator == Operator::Absence && !self.is_muted(self.window + 1);
            self.window = if goes_on { self.window + 1 } else { current };
        }
        fires
    }

    /// Goes on after a time in which nobody looked: what was absent then cannot be told, and the window that is now
    /// cannot say either. Presence goes on with what was counted.
    pub fn pass_over_gap(&mut self, trigger: &Trigger, now: Timestamp) {
        if trigger.operator == Operator::Absence {
            *self = Self { is_partial: true, ..Self::new(trigger, now, self.last_match_at) };
        }
    }

    /// When to tick next.
    pub fn due_at(&self) -> Timestamp {
        self.interval.start_of(self.window.saturating_add(1))
    }

    fn is_news(&self, trigger: &Trigger) -> bool {
        match trigger.operator {
            Operator::Presence => self.count >= trigger.trigger_limit,
            Operator::Absence => !self.is_partial && self.count < trigger.trigger_limit && !self.is_muted(self.window),
        }
    }

    /// Whether nothing matched in the day before a window. Counted from its start: otherwise the absence of a whole
    /// day, the longest window, would never be news.
    fn is_muted(&self, window: i64) -> bool {
        let since = self.interval.start_of(window).plus_micros(-MUTED_AFTER_MICROS);
        self.last_match_at.is_none_or(|last| last < since)
    }

    fn fire(&self, kind: Kind) -> Fire {
        let (from, until) = (self.interval.start_of(self.window), self.interval.start_of(self.window + 1));
        Fire { kind, from, until, count: self.count }
    }
}
