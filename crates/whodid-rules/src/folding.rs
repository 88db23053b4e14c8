//! Which hits become findings: a rule's firing policy, carried out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;

use crate::policy::Policy;

/// Keys remembered; beyond it those not seen for longest go.
const KEYS_MAX: usize = 100_000;
/// Findings of one key that are remembered.
const FINDINGS_A_KEY_MAX: usize = 16;
/// Behind a rule's id: its silenced hits.
const SILENCED: &str = "\u{1e}silenced";
const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// What becomes of a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is a finding.
    Finding,
    /// It belongs to a finding that was made already.
    Folded,
    /// The threshold is not reached yet.
    BelowThreshold,
    /// The rule has had its findings for the day.
    Capped,
    /// The first that the day's cap holds back: to be told once.
    CapReached,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Key {
    /// When the findings were made that others are folded into; several, because hits may come late. The newest last.
    #[serde(default)]
    findings: Vec<Timestamp>,
    /// Times of hits that count towards the threshold, at most as many as it asks for.
    waiting: Vec<Timestamp>,
    last: Timestamp,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Day {
    day: i64,
    findings: u32,
}

/// What policies remember, by event time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Folding {
    /// By rule, then by the values of the dedup key.
    keys: BTreeMap<String, BTreeMap<String, Key>>,
    days: BTreeMap<String, Day>,
    count: usize,
}

impl Folding {
    /// What becomes of a silenced hit: it is folded as others are, apart from them, so that silence can be seen.
    pub fn judge_silenced(&mut self, rule: &str, key: &str, policy: &Policy, time: Timestamp) -> Verdict {
        let policy = Policy { threshold: 1, daily_cap: None, ..policy.clone() };
        self.judge(&format!("{rule}{SILENCED}"), key, &policy, time, time)
    }

    /// What becomes of a hit of `rule` with the values `key` at `time`. `now` is the clock: a claimed time beyond it counts
    /// towards the cap of today.
    pub fn judge(&mut self, rule: &str, key: &str, policy: &Policy, time: Timestamp, now: Timestamp) -> Verdict {
        if self.count >= KEYS_MAX {
            self.forget_oldest();
        }
        let keys = self.keys.entry(rule.to_owned()).or_default();
        let count = &mut self.count;
        let known = keys.entry(key.to_owned()).or_insert_with(|| {
            *count += 1;
            Key::default()
        });
        known.last = known.last.max(time);
        let is_near = |finding: &Timestamp| (time.micros() - finding.micros()).abs() < policy.dedup_window_micros;
        if known.findings.iter().any(is_near) {
            return Verdict::Folded;
        }
        if policy.threshold > 1 {
            known.waiting.push(time);
            known.waiting.retain(|waiting| (time.micros() - waiting.micros()).abs() <= policy.threshold_window_micros);
            if known.waiting.len() < policy.threshold as usize {
                return Verdict::BelowThreshold;
            }
            known.waiting.clear();
        }
        let at = known.findings.partition_point(|finding| *finding < time);
        known.findings.insert(at, time);
        if known.findings.len() > FINDINGS_A_KEY_MAX {
            known.findings.remove(0);
        }
        let Some(cap) = policy.daily_cap else { return Verdict::Finding };
        let day = self.days.entry(rule.to_owned()).or_default();
        let today = time.min(now).micros().div_euclid(DAY_MICROS);
        if today > day.day {
            *day = Day { day: today, findings: 0 };
        }
        day.findings = day.findings.saturating_add(1);
        match day.findings {
            number if number <= cap => Verdict::Finding,
            number if number == cap.saturating_add(1) => Verdict::CapReached,
            _ => Verdict::Capped,
        }
    }

    fn forget_oldest(&mut self) {
        let mut times: Vec<Timestamp> = self.keys.values().flat_map(|keys| keys.values().map(|key| key.last)).collect();
        let tenth = times.len() / 10;
        let (_, cut, _) = times.select_nth_unstable(tenth);
        let cut = *cut;
        self.keys.values_mut().for_each(|keys| keys.retain(|_, key| key.last > cut));
        self.keys.retain(|_, keys| !keys.is_empty());
        self.count = self.keys.values().map(BTreeMap::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn hits_of_one_key_are_one_finding_for_the_window() {
        let (mut folding, policy) = (Folding::default(), Policy::default());
        assert_eq!(folding.judge("r", "bob", &policy, at(0), at(0)), Verdict::Finding);
        assert_eq!(folding.judge("r", "bob", &policy, at(3_599), at(3_599)), Verdict::Folded);
        assert_eq!(folding.judge("r", "eve", &policy, at(10), at(10)), Verdict::Finding);
        assert_eq!(folding.judge("r", "bob", &policy, at(3_600), at(3_600)), Verdict::Finding);
    }

    #[test]
    fn a_threshold_waits_for_enough_within_its_window() {
        let policy = Policy { threshold: 3, threshold_window_micros: 60_000_000, ..Policy::default() };
        let mut folding = Folding::default();
        let verdicts = [0, 10, 100, 110, 120].map(|second| folding.judge("r", "bob", &policy, at(second), at(second)));
        let expected = [
            Verdict::BelowThreshold,
            Verdict::BelowThreshold,
            Verdict::BelowThreshold,
            Verdict::BelowThreshold,
            Verdict::Finding,
        ];
        assert_eq!(verdicts, expected);
    }

    #[test]
    fn the_cap_of_a_day_is_told_once() {
        let policy = Policy { dedup_window_micros: 0, daily_cap: Some(2), ..Policy::default() };
        let mut folding = Folding::default();
        let verdicts = [0, 1, 2, 3, 86_400].map(|second| folding.judge("r", "bob", &policy, at(second), at(second)));
        assert_eq!(
            verdicts,
            [Verdict::Finding, Verdict::Finding, Verdict::CapReached, Verdict::Capped, Verdict::Finding]
        );
    }

    #[test]
    fn hits_that_come_late_are_folded_into_the_findings_of_their_time() {
        let (mut folding, policy) = (Folding::default(), Policy::default());
        let mut judge = |second| folding.judge("r", "bob", &policy, at(second), at(20_000));
        assert_eq!(
            [judge(10_000), judge(0), judge(10_060), judge(60)].map(|verdict| verdict == Verdict::Finding),
            [true, true, false, false]
        );
    }

    #[test]
    fn a_time_in_the_future_does_not_use_the_cap_up_for_ever() {
        let policy = Policy { dedup_window_micros: 0, daily_cap: Some(1), ..Policy::default() };
        let mut folding = Folding::default();
        let far = at(4_000_000_000);
        assert_eq!(folding.judge("r", "bob", &policy, far, at(0)), Verdict::Finding);
        assert_eq!(folding.judge("r", "bob", &policy, at(86_400), at(86_400)), Verdict::Finding);
    }
}
