//! What rules that learn know of the time before they ran: what was stored then.

use std::collections::BTreeSet;

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
    detectors: BTreeSet<usize>,
}

impl RuleSet {
    /// What is to be read of the past for rules that tell first seen values, and have not seen what was stored before
    /// they ran; `None` where there are none. Those that judge what follows each other in minutes need no past.
    pub fn unlearned(&self, state: &mut State) -> Option<Past> {
        let direct: BTreeSet<usize> = self.feeds.values().flatten().map(|feed| feed.detector).collect();
        let through = self.detectors.iter().flat_map(|detector| detector.parents.iter().map(|feed| feed.detector));
        let fed: BTreeSet<usize> = direct.into_iter().chain(through).collect();
        let (mut detectors, mut span) = (BTreeSet::new(), 0);
        for (index, detector) in self.detectors.iter().enumerate() {
            let learns = |kind| matches!(kind, Kind::NewTerms | Kind::NewDevice | Kind::UnusualLocation);
            let Some(habit) = detector.habit.as_ref().filter(|habit| learns(habit.kind)) else { continue };
            let memory = &mut state.memories[index];
            // What is switched off misses what comes meanwhile.
            memory.has_learned &= fed.contains(&index);
            if fed.contains(&index) && !memory.has_learned {
                detectors.insert(index);
                span = span.max(habit.span);
            }
        }
        if detectors.is_empty() {
            return None;
        }
        let feeding = self.feeds.iter().filter(|(_, feeds)| feeds.iter().any(|feed| self.reaches(feed, &detectors)));
        let rules: BTreeSet<usize> = feeding.map(|((rule, _), _)| *rule).collect();
        let required = require::any(rules.into_iter().map(|rule| self.required_of(rule)));
        Some(Past { required, span, detectors })
    }

    /// Whether what is fed here comes to one of these, by itself or through others.
    fn reaches(&self, feed: &Feed, detectors: &BTreeSet<usize>) -> bool {
        let parents = &self.detectors[feed.detector].parents;
        detectors.contains(&feed.detector) || parents.iter().any(|parent| self.reaches(parent, detectors))
    }

    /// Takes in what was learned of the past: a state of its own that was led through the stored events, in any order.
    pub fn learn(&self, state: &mut State, past: &Past, learned: State) {
        let before = learned.arrivals;
        // All that is in the state was heard of later.
        for memory in &mut state.memories {
            memory.groups.values_mut().for_each(|group| group.touched += before);
            memory.habits.values_mut().for_each(|habits| habits.touched += before);
        }
        state.arrivals += before;
        for (index, from) in learned.memories.into_iter().enumerate() {
            if !past.detectors.contains(&index) {
                continue;
            }
            let memory = &mut state.memories[index];
            for (key, habits) in from.habits {
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
            memory.has_learned = true;
        }
        state.weigh();
        if state.habits > POOL_BYTES_MAX {
            make_room_for_habits(state);
        }
    }
}
