//! A silence: for some time, findings of a kind open and count but tell nobody.

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;
use whodid_model::time::MICROS_A_DAY;

use crate::{Fault, GroupValue, Severity};

/// Longest silence, in days: what is to be silent for good is a rule to be switched off.
pub const DAYS_MAX: i64 = 366;
/// Rules, and pairs, that one silence names.
pub const NAMED_MAX: usize = 100;
/// Longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 1000;

/// From a moment on until before another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Its name among silences.
    pub id: String,
    /// What is silent.
    pub matcher: Matcher,
    /// From when.
    pub from: Timestamp,
    /// Until before when.
    pub until: Timestamp,
    /// Who wanted it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What is silent: each member that names anything must fit. One that names nothing fits all; all three empty fit none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matcher {
    /// One of these rules.
    #[serde(default)]
    pub rule_ids: Vec<String>,
    /// One of these severities.
    #[serde(default)]
    pub severities: Vec<Severity>,
    /// Each of these pairs.
    #[serde(default)]
    pub group: Vec<GroupValue>,
}

impl Matcher {
    /// Whether a finding fits.
    pub fn matches(&self, rule_id: &str, severity: Severity, group: &[GroupValue]) -> bool {
        let names_anything = !(self.rule_ids.is_empty() && self.severities.is_empty() && self.group.is_empty());
        let is_rule = self.rule_ids.is_empty() || self.rule_ids.iter().any(|named| named == rule_id);
        let is_severity = self.severities.is_empty() || self.severities.contains(&severity);
        names_anything && is_rule && is_severity && self.group.iter().all(|pair| group.contains(pair))
    }
}

impl Silence {
    /// Whether a finding tells nobody at a moment.
    pub fn matches(&self, rule_id: &str, severity: Severity, group: &[GroupValue], at: Timestamp) -> bool {
        self.from <= at && at < self.until && self.matcher.matches(rule_id, severity, group)
    }

    /// Whether it is over, for good.
    pub fn is_over(&self, at: Timestamp) -> bool {
        at >= self.until
    }

    /// All that is wrong with it; nothing when it can be stored.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut add = |member: &str, text: String| faults.push(Fault { member: member.to_owned(), text });
        let Matcher { rule_ids, severities, group } = &self.matcher;
        if rule_ids.is_empty() && severities.is_empty() && group.is_empty() {
            add("matcher", "names nothing; name a rule, a severity or a pair of the group".to_owned());
        }
        if rule_ids.len() > NAMED_MAX || group.len() > NAMED_MAX {
            add("matcher", format!("names too much; at most {NAMED_MAX} rules and {NAMED_MAX} pairs"));
        }
        if self.until <= self.from {
            add("until", "is not after `from`; write a later time".to_owned());
        } else if self.until > self.from.plus_micros(DAYS_MAX * MICROS_A_DAY) {
            add("until", format!("is too late; a silence lasts at most {DAYS_MAX} days"));
        }
        let reason = self.reason.trim().chars().count();
        if !(1..=REASON_CHARS_MAX).contains(&reason) {
            add("reason", format!("must have 1 to {REASON_CHARS_MAX} characters; say why, for who comes after you"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use whodid_model::time::MICROS_A_SECOND;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * MICROS_A_SECOND)
    }

    fn pair(key: &str, value: &str) -> GroupValue {
        GroupValue { key: key.to_owned(), value: value.to_owned() }
    }

    fn silence(matcher: Matcher) -> Silence {
        let (by, reason) = ("alice".to_owned(), "maintenance".to_owned());
        Silence { id: "s1".to_owned(), matcher, from: at(100), until: at(200), by, reason }
    }

    fn check(matcher: &Matcher, rule: &str, severity: Severity, group: &[GroupValue], expected: bool) {
        assert_eq!(silence(matcher.clone()).matches(rule, severity, group, at(150)), expected, "{matcher:?} {rule}");
    }

    #[test]
    fn whatever_a_silence_names_must_fit() {
        let bob = pair("initiator.name", "bob");
        let rule = Matcher { rule_ids: vec!["lockout".to_owned(), "burst".to_owned()], ..Matcher::default() };
        check(&rule, "burst", Severity::High, &[], true);
        check(&rule, "other", Severity::High, &[], false);
        let low = Matcher { severities: vec![Severity::Low], ..Matcher::default() };
        check(&low, "any", Severity::Low, &[], true);
        check(&low, "any", Severity::Critical, &[], false);
        let both = Matcher { group: vec![bob.clone()], ..rule };
        check(&both, "burst", Severity::Low, &[pair("space", "s"), bob.clone()], true);
        check(&both, "burst", Severity::Low, &[pair("initiator.name", "bobby")], false);
        check(&both, "other", Severity::Low, &[bob], false);
        check(&Matcher::default(), "any", Severity::Low, &[], false);
    }

    #[test]
    fn what_cannot_be_stored_says_how_to_mend_it() {
        let fine = silence(Matcher { severities: vec![Severity::Low], ..Matcher::default() });
        assert_eq!(fine.faults(), []);
        let wrong = Silence { until: at(100), reason: " ".to_owned(), matcher: Matcher::default(), ..fine.clone() };
        let members: Vec<_> = wrong.faults().into_iter().map(|fault| fault.member).collect();
        assert_eq!(members, ["matcher", "until", "reason"]);
        assert_eq!(Silence { until: at(400 * 86_400), ..fine }.faults().len(), 1);
    }

    proptest! {

        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_silence_matches_from_its_first_moment_until_before_its_last(second in 0_i64..300) {
            let silence = silence(Matcher { severities: vec![Severity::Low], ..Matcher::default() });
            let matches = silence.matches("r", Severity::Low, &[], at(second));
            prop_assert_eq!(matches, (100..200).contains(&second));
            prop_assert!(!(matches && silence.is_over(at(second))));
        }
    }
}
