//! How often a channel is used: a limit an hour that loses nothing.
//!
//! What is over the limit waits and is merged, so that a flood becomes a few notices that say how many they stand for.
//! Half of the limit may come at once, the rest evenly: whatever the flood, people hear again soon, and no hour holds
//! more than the limit. Pure; the state is kept by the caller.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;
use whodid_model::time::MICROS_A_SECOND;

use crate::{Notice, Receiver};

const MICROS_AN_HOUR: i64 = 3600 * MICROS_A_SECOND;
/// Alerts that wait for one channel. Beyond it the limit yields: rather too often than lost.
pub const HELD_MAX: usize = 1000;

/// What of the held notices becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merging {
    /// All: for people, who read a digest.
    All,
    /// Those of one alert: for receivers that keep its state and must learn its end.
    OfOneAlert,
}

impl Merging {
    /// What suits a receiver.
    pub fn of(receiver: &Receiver) -> Self {
        match receiver {
            Receiver::Pagerduty(_) => Self::OfOneAlert,
            _ => Self::All,
        }
    }
}

/// The meter of one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    limit: u32,
    merging: Merging,
    /// When the pace of what was sent is caught up with.
    paced_at: Timestamp,
    held: VecDeque<Notice>,
}

impl Meter {
    /// A meter that has sent nothing. `limit`: notices an hour, at least 1.
    pub fn new(limit: u32, merging: Merging) -> Self {
        Self { limit: limit.max(1), merging, paced_at: Timestamp::from_micros(i64::MIN), held: VecDeque::new() }
    }

    /// Takes another limit from now on.
    pub fn set_limit(&mut self, limit: u32) {
        self.limit = limit.max(1);
    }

    /// Offers a notice. What comes back is to be sent now: the notice, merged with what waited, or nothing yet.
    pub fn offer(&mut self, notice: Notice, now: Timestamp) -> Option<Notice> {
        if self.held.len() >= HELD_MAX && !self.merges_with_held(&notice) {
            return Some(notice);
        }
        self.hold(notice);
        self.due(now)
    }

    /// What waited and may be sent now; to be asked again until it gives nothing.
    pub fn due(&mut self, now: Timestamp) -> Option<Notice> {
        if self.held.is_empty() || self.due_at()? > now {
            return None;
        }
        self.paced_at = Timestamp::from_micros(self.paced_at.micros().max(now.micros()) + self.interval());
        self.held.pop_front()
    }

    /// When to ask again; `None` while nothing waits.
    pub fn due_at(&self) -> Option<Timestamp> {
        if self.held.is_empty() {
            return None;
        }
        Some(self.paced_at.plus_micros(-(self.burst() - 1) * self.interval()))
    }

    /// Notices that wait, each counted.
    pub fn held_count(&self) -> u64 {
        self.held.iter().map(|notice| notice.more + 1).sum()
    }

    fn burst(&self) -> i64 {
        i64::from(self.limit / 2).max(1)
    }

    /// Microseconds from one notice to the next once the burst is over.
    fn interval(&self) -> i64 {
        let paced = i64::from(self.limit) - self.burst() + 1;
        (MICROS_AN_HOUR + paced - 1) / paced
    }

    fn merges_with_held(&self, notice: &Notice) -> bool {
        match self.merging {
            Merging::All => !self.held.is_empty(),
            Merging::OfOneAlert => self.held.iter().any(|held| held.alert_id == notice.alert_id),
        }
    }

    fn hold(&mut self, notice: Notice) {
        let same = match self.merging {
            Merging::All => self.held.front_mut(),
            Merging::OfOneAlert => self.held.iter_mut().find(|held| held.alert_id == notice.alert_id),
        };
        let Some(held) = same else { return self.held.push_back(notice) };
        let more = held.more + notice.more + 1;
        // Of several alerts the worst is told in full; of one alert its newest state.
        if self.merging == Merging::OfOneAlert || notice.severity >= held.severity {
            *held = notice;
        }
        held.more = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::lockout;
    use crate::{Moment, Severity};
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_795_000_000 + seconds) * MICROS_A_SECOND)
    }

    fn of(alert: &str, severity: Severity) -> Notice {
        Notice { alert_id: alert.to_owned(), severity, ..lockout() }
    }

    #[test]
    fn a_flood_becomes_one_notice_that_says_how_many_it_stands_for() {
        let mut meter = Meter::new(4, Merging::All);
        let sent = |notice: Option<Notice>| notice.map(|notice| (notice.alert_id, notice.more));
        assert_eq!(sent(meter.offer(of("a", Severity::Low), at(0))), Some(("a".to_owned(), 0)));
        assert_eq!(sent(meter.offer(of("b", Severity::Low), at(0))), Some(("b".to_owned(), 0)));
        assert_eq!(sent(meter.offer(of("worst", Severity::Critical), at(1))), None);
        for _ in 0..37 {
            assert_eq!(sent(meter.offer(of("c", Severity::Low), at(2))), None);
        }
        assert_eq!(meter.held_count(), 38);
        assert_eq!(meter.due_at(), Some(at(1200)));
        assert_eq!(sent(meter.due(at(1199))), None);
        let digest = meter.due(at(1200)).unwrap();
        assert_eq!((digest.alert_id.as_str(), digest.more_text().as_deref()), ("worst", Some("and 37 more")));
        assert_eq!(meter.due_at(), None);
    }

    #[test]
    fn a_receiver_that_keeps_state_learns_the_end_of_each_alert() {
        let mut meter = Meter::new(1, Merging::OfOneAlert);
        assert!(meter.offer(of("a", Severity::High), at(0)).is_some());
        assert_eq!(meter.offer(of("b", Severity::High), at(1)), None);
        assert_eq!(meter.offer(of("c", Severity::High), at(2)), None);
        assert_eq!(meter.offer(Notice { event: Moment::Resolved, ..of("b", Severity::Low) }, at(3)), None);
        let first = meter.due(at(3600)).unwrap();
        assert_eq!((first.alert_id.as_str(), first.event, first.more), ("b", Moment::Resolved, 1));
        assert_eq!(meter.due(at(3600)), None);
        assert_eq!(meter.due(at(7200)).map(|notice| notice.alert_id).as_deref(), Some("c"));
    }

    proptest! {

        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_hour_holds_more_than_the_limit_and_nothing_is_lost(
            limit in 1_u32..30,
            per_alert in any::<bool>(),
            offers in prop::collection::vec((0_i64..600, 0_u8..5), 1..200),
        ) {
            let merging = if per_alert { Merging::OfOneAlert } else { Merging::All };
            let mut meter = Meter::new(limit, merging);
            let (mut sent, mut told, mut now) = (Vec::new(), 0, 0);
            for (wait, alert) in &offers {
                now += wait;
                let mut next = meter.offer(of(&alert.to_string(), Severity::Low), at(now));
                while let Some(notice) = next {
                    sent.push(now);
                    told += notice.more + 1;
                    next = meter.due(at(now));
                }
                // What is stored comes back as it was.
                let stored = serde_json::to_string(&meter).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Meter>(&stored).unwrap(), &meter);
            }
            prop_assert_eq!(told + meter.held_count(), offers.len() as u64);
            for from in &sent {
                let within = sent.iter().filter(|second| (*from..from + 3600).contains(*second)).count();
                prop_assert!(within <= limit as usize, "{} in an hour", within);
            }
            while let Some(due) = meter.due_at() {
                told += meter.due(due).map_or(0, |notice| notice.more + 1);
            }
            prop_assert_eq!(told, offers.len() as u64);
        }
    }
}
