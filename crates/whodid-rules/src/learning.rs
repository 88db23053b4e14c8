//! What rules that learn know of the time before they ran: what was stored then.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use whodid_query::Expr;

use crate::correlate::Feed;
use crate::correlation::Kind;
use crate::require;
use crate::room::make_room_for_habits;
use crate::ruleset::RuleSet;
use crate::state::{POOL_BYTES_MAX, State};

/// What is to be read of the past before rules that learn know what is usual.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// What every event satisfies that they learn from, as a condition of the search language.
    pub required: Expr,
    /// How far it goes back: microseconds.
    pub span: i64,
    /// The correlations, each with the fingerprint of what it learns from.
    detectors: BTreeMap<usize, String>,
}

impl RuleSet {
    /// What is to be read of the past for rules that tell first seen values, and have not seen what was stored before
    /// they ran, or saw less of it than they may now; `None` where there are none. Those that judge what follows each
    /// other in minutes need no past.
    pub fn unlearned(&self, state: &mut State) -> Option<Past> {
        let (mut detectors, mut span, mut required) = (BTreeMap::new(), 0, Vec::new());
        for (index, detector) in self.detectors.iter().enumerate() {
            let learns = |kind| matches!(kind, Kind::NewTerms | Kind::NewDevice | Kind::UnusualLocation);
            let Some(habit) = detector.habit.as_ref().filter(|habit| learns(habit.kind)) else { continue };
            let from = self.required_by(index);
            let memory = &mut state.memories[index];
            if from.is_empty() {
                // What is switched off misses what comes meanwhile.
                memory.learned_from.clear();
                continue;
            }
            let mut text = String::new();
            for (rule, required) in &from {
                // Writing to a text does not fail.
                let _ = writeln!(text, "{required:?} {}", self.rules()[*rule].sees_audit);
            }
            let fingerprint = crate::ruleset::fingerprint(&text);
            if memory.learned_from != fingerprint {
                detectors.insert(index, fingerprint);
                span = span.max(habit.span);
                required.extend(from.into_iter().map(|(_, required)| required));
            }
        }
        (!detectors.is_empty()).then(|| Past { required: require::any(required.into_iter()), span, detectors })
    }

    /// The rules whose matches come to a correlation, by themselves or through others, with what each requires.
    fn required_by(&self, detector: usize) -> Vec<(usize, Expr)> {
        let feeds = self.feeds.iter().filter(|(_, feeds)| feeds.iter().any(|feed| self.reaches(feed, detector)));
        let mut rules: Vec<usize> = feeds.map(|((rule, _), _)| *rule).collect();
        rules.sort_unstable();
        rules.dedup();
        rules.into_iter().map(|rule| (rule, self.required_of(rule))).collect()
    }

    fn reaches(&self, feed: &Feed, detector: usize) -> bool {
        let parents = &self.detectors[feed.detector].parents;
        feed.detector == detector || parents.iter().any(|parent| self.reaches(parent, detector))
    }

    /// Takes in what was learned of the past: a state of its own that was led through the stored events, the newest
    /// first.
    pub fn learn(&self, state: &mut State, past: &Past, learned: State) {
        let before = learned.arrivals;
        // All that is in the state was heard of later.
        for memory in &mut state.memories {
            memory.groups.values_mut().for_each(|group| group.touched += before);
            memory.habits.values_mut().for_each(|habits| habits.touched += before);
        }
        state.arrivals += before;
        for (index, from) in learned.memories.into_iter().enumerate() {
            let Some(fingerprint) = past.detectors.get(&index) else { continue };
            let memory = &mut state.memories[index];
            for (key, mut habits) in from.habits {
                habits.touched = before.saturating_sub(habits.touched);
                let own = memory.habits.entry(key).or_default();
                own.add_past(habits);
                state.drops.values += std::mem::take(&mut own.forgotten);
            }
            for (name, network) in from.networks {
                memory.networks.entry(name).or_insert_with(|| network.clone()).add_past(network);
            }
            for (key, spelling) in from.spellings {
                memory.spellings.entry(key).or_insert(spelling);
            }
            memory.learned_from.clone_from(fingerprint);
        }
        state.weigh();
        if state.habits > POOL_BYTES_MAX {
            make_room_for_habits(state);
        }
    }
}
