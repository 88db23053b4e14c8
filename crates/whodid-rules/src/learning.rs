//! What rules that learn know of the time before they ran: what was stored then.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use whodid_query::Expr;

use crate::correlation::Kind;
use crate::habits::Habits;
use crate::require;
use crate::room::make_room_for_habits;
use crate::ruleset::RuleSet;
use crate::state::{GroupKey, POOL_BYTES_MAX, State};

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

impl Past {
    /// Whether a correlation is one of those that are to learn.
    pub(crate) fn is_for(&self, detector: usize) -> bool {
        self.detectors.contains_key(&detector)
    }
}

impl State {
    /// Whether more of the past can be taken in, and nothing that was is pushed out by it.
    pub fn has_room_for_past(&self) -> bool {
        self.habits < POOL_BYTES_MAX / 10 * 8
    }
}

impl RuleSet {
    /// What is to be read of the past for rules that tell first seen values, and have not seen what was stored before
    /// they ran, or now look at other events; `None` where there are none. Those that judge what follows each other in
    /// minutes need no past.
    pub fn unlearned(&self, state: &mut State) -> Option<Past> {
        let (mut detectors, mut span, mut required) = (BTreeMap::new(), 0, Vec::new());
        for (index, detector) in self.detectors.iter().enumerate() {
            let learns = |kind| matches!(kind, Kind::NewTerms | Kind::NewDevice | Kind::UnusualLocation);
            let Some(habit) = detector.habit.as_ref().filter(|habit| learns(habit.kind)) else { continue };
            let feeding = self.feeding(index);
            let memory = &mut state.memories[index];
            if feeding.is_empty() {
                // What is switched off misses what comes meanwhile.
                memory.learned_from.clear();
                continue;
            }
            let mut text = self.setting.clone();
            for rule in feeding.iter().chain([&detector.rule]).map(|rule| &self.rules()[*rule]) {
                // Writing to a text does not fail.
                let _ = write!(text, "\n{} {:?} {}", rule.fingerprint, rule.hours, rule.sees_audit);
            }
            let fingerprint = crate::ruleset::fingerprint(&text);
            if memory.learned_from != fingerprint {
                detectors.insert(index, fingerprint);
                span = span.max(habit.span);
                required.extend(feeding.into_iter().map(|rule| self.required_of(rule)));
            }
        }
        (!detectors.is_empty()).then(|| Past { required: require::any(required.into_iter()), span, detectors })
    }

    /// The rules whose matches come to a correlation by themselves.
    fn feeding(&self, detector: usize) -> Vec<usize> {
        let feeds = self.feeds.iter().filter(|(_, feeds)| feeds.iter().any(|feed| feed.detector == detector));
        let mut rules: Vec<usize> = feeds.map(|((rule, _), _)| *rule).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Takes in what was learned of the past: a state of its own that was [shown](RuleSet::show) the stored events, in
    /// any order. The same may be taken in again. `is_final`: whether all was read that will be; else it is asked for
    /// again.
    pub fn learn(&self, state: &mut State, past: &Past, learned: State, is_final: bool) {
        let mut all: Vec<(usize, GroupKey, Habits)> = Vec::new();
        for (index, from) in learned.memories.into_iter().enumerate() {
            let Some(fingerprint) = past.detectors.get(&index) else { continue };
            let memory = &mut state.memories[index];
            all.extend(from.habits.into_iter().map(|(key, habits)| (index, key, habits)));
            for (name, network) in from.networks {
                memory.networks.entry(name).or_insert_with(|| network.clone()).add_past(network);
            }
            for (key, spelling) in from.spellings {
                memory.spellings.entry(key).or_insert(spelling);
            }
            if is_final {
                memory.learned_from.clone_from(fingerprint);
            }
        }
        // All that is in the state was heard of later; of the past what happened last.
        all.sort_by_key(|(_, _, habits)| habits.last());
        let count = all.len() as u64;
        for memory in &mut state.memories {
            memory.groups.values_mut().for_each(|group| group.touched += count);
            memory.habits.values_mut().for_each(|habits| habits.touched += count);
        }
        state.arrivals += count;
        for ((index, key, mut habits), place) in all.into_iter().zip(1..) {
            habits.touched = place;
            let own = state.memories[index].habits.entry(key).or_default();
            own.add_past(habits);
            state.drops.values += std::mem::take(&mut own.forgotten);
        }
        state.weigh();
        if state.habits > POOL_BYTES_MAX {
            make_room_for_habits(state);
        }
    }
}
