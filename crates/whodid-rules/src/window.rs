//! Sliding windows over one group of matches, by event time.
//!
//! A window ends at the time of a match and reaches back over the span, both ends included; matches of one time are
//! judged together, so the answer does not depend on the order they came in. A late match is put where it belongs and
//! the windows that it falls into are judged again. These are the meanings of pySigma's SQLite backend, against which
//! a differential test holds this file.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::Hash;

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;

use crate::correlation::{Alternative, Comparator, Condition, Kind};
use crate::subject::Place;

/// Most matches that one group keeps; beyond it those farthest from the newest go, and are counted.
pub const ENTRIES_A_GROUP_MAX: usize = 10_000;
/// Most places that a firing lists as evidence; the newest.
pub const EVIDENCE_MAX: usize = 100;
/// Most places that a firing takes along into correlations of it; the newest.
pub const EVIDENCE_CARRIED_MAX: usize = 20;
/// Matches that are looked at to judge windows again for one late match.
const LATE_WORK_MAX: usize = 1_000_000;
/// Windows that are judged again for one late match, whatever that takes.
const LATE_WINDOWS_MIN: usize = 16;

/// What makes a match one and the same: an event, or the firing of another correlation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum ItemId {
    Event(Place),
    /// The correlation by the hash of its fingerprint, so that it is known again in another rule set.
    Firing {
        of: u64,
        number: u64,
    },
}

/// A value of the field that a correlation measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Measured {
    Number(f64),
    Text(String),
}

/// A match of one of the rules that a correlation refers to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub time: Timestamp,
    pub id: ItemId,
    /// Which of the correlation's rules.
    pub slot: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Measured>,
    /// The events behind it.
    pub evidence: Vec<Place>,
    /// Fields that correlations of this correlation ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<Option<String>>,
    /// The exceptions that held for the event, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excepted: Vec<String>,
}

impl Entry {
    /// Of an event count: how often the event happened.
    fn times(&self) -> f64 {
        match self.value {
            Some(Measured::Number(times)) if times >= 1.0 => times,
            _ => 1.0,
        }
    }

    /// Bytes it takes, about.
    pub fn weight(&self) -> usize {
        let value = match &self.value {
            Some(Measured::Text(text)) => text.len(),
            _ => 0,
        };
        let carried: usize = self.carried.iter().flatten().map(|text| text.len() + 24).sum();
        let excepted: usize = self.excepted.iter().map(|id| id.len() + 24).sum();
        size_of::<Self>() + value + carried + excepted + self.evidence.len() * (size_of::<Place>() + 16)
    }
}

/// What one group of one correlation remembers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Sorted by time, then by what they are.
    pub entries: VecDeque<Entry>,
    /// Ends of windows that have fired.
    pub fired: BTreeSet<Timestamp>,
    /// Beginnings of windows that reach forward and have fired.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub fired_forward: BTreeSet<Timestamp>,
    /// Ends of windows that wait to be judged.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pending: BTreeSet<Timestamp>,
    /// The newest arrival's number, for eviction.
    pub touched: u64,
    /// Matches that say they happened several times.
    #[serde(default)]
    pub repeats: u64,
    /// Counts of values in the window of the newest match; made again when it cannot be carried on.
    #[serde(skip)]
    tally: Option<Tally>,
    /// Bytes that the entries take, about; not stored: [`Group::weigh_entries`].
    #[serde(skip)]
    entries_weight: usize,
}

#[derive(Debug, Clone, Default)]
struct Tally {
    /// Where the window that is counted begins.
    start: Timestamp,
    counts: HashMap<String, u32>,
}

/// A window that meets the condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Firing {
    pub start: Timestamp,
    pub end: Timestamp,
    pub metric: f64,
    /// Of an alternative of a condition: the rules whose matches are the evidence. All when empty.
    pub slots: Vec<usize>,
    /// Of an ordered sequence: the matches that make it.
    pub chain: Vec<(usize, Timestamp)>,
}

/// How a correlation measures its windows.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub kind: Kind,
    pub span: i64,
    pub condition: Condition,
    pub percentile: f64,
    /// How often each of the rules must match to count as there.
    pub min_counts: Vec<u32>,
    /// Whether to fire at once although more events could make it false, as Security Advisor does.
    pub is_eager: bool,
}

impl Window {
    /// Whether a window that fires does so whatever else still comes in.
    pub fn is_settled_at_once(&self) -> bool {
        if self.is_eager {
            return true;
        }
        match &self.condition {
            Condition::Threshold(comparisons) => {
                let grows = comparisons.iter().all(|(comparator, _)| comparator.grows());
                grows
                    && !matches!(self.kind, Kind::ValueSum | Kind::ValueAvg | Kind::ValuePercentile | Kind::ValueMedian)
            }
            Condition::Alternatives(_) => true,
        }
    }

    /// Whether windows reach forward from a match, because something must not follow.
    pub fn reaches_forward(&self) -> bool {
        matches!(&self.condition, Condition::Alternatives(alternatives) if alternatives.iter().any(|one| !one.none.is_empty()))
    }

    /// The ends of windows that a match, just put into `group`, may have made meet the condition, and how many were
    /// left out because judging them would take too long.
    pub fn ends(&self, group: &Group, at: Timestamp, slot: u16, value: Option<&Measured>) -> (Vec<Timestamp>, u64) {
        let mut ends = group.times(at, at.plus_micros(self.span));
        if ends.len() <= 1 {
            return (ends, 0);
        }
        if self.slides() {
            // A window that has another match of the kind is as rich as it was.
            let is_alike = |entry: &&Entry| match self.kind {
                Kind::ValueCount => entry.value.as_ref().map(folded) == value.map(folded),
                _ => entry.slot == slot,
            };
            let later = group.range(at.plus_micros(1), at.plus_micros(self.span));
            if let Some(alike) = later.map(|index| &group.entries[index]).find(is_alike) {
                ends.retain(|end| *end < alike.time);
            }
            return (ends, 0);
        }
        if self.kind == Kind::EventCount && group.repeats == 0 {
            return (ends, 0);
        }
        let a_window = group.range(at.plus_micros(-self.span), at.plus_micros(self.span)).len().max(1);
        let most = (LATE_WORK_MAX / a_window).max(LATE_WINDOWS_MIN);
        let left_out = ends.len().saturating_sub(most) as u64;
        ends.truncate(most);
        (ends, left_out)
    }

    /// Whether what is counted can be carried on from one window to the next.
    fn slides(&self) -> bool {
        let counts_slots = self.kind == Kind::Temporal && self.min_counts.iter().all(|count| *count <= 1);
        matches!(self.condition, Condition::Threshold(_)) && (counts_slots || self.kind == Kind::ValueCount)
    }

    /// The windows that end at `ends`, ascending, have not fired, and meet the condition.
    pub fn judge_all(&self, group: &mut Group, mut ends: Vec<Timestamp>) -> Vec<Firing> {
        ends.retain(|end| !group.fired.contains(end));
        if ends.len() <= 1 || !self.slides() {
            return ends.into_iter().filter_map(|end| self.judge(group, end)).collect();
        }
        let Condition::Threshold(comparisons) = &self.condition else { return Vec::new() };
        let counts = match self.kind {
            Kind::ValueCount => group.distinct_at(&ends, self.span, |entry| entry.value.as_ref().map(folded)),
            _ => group.distinct_at(&ends, self.span, |entry| Some(entry.slot)),
        };
        let firing = |(end, count): (Timestamp, usize)| {
            let metric = count as f64;
            let holds = comparisons.iter().all(|(comparator, bound)| comparator.admits(metric, *bound));
            let start = end.plus_micros(-self.span);
            holds.then(|| Firing { start, end, metric, slots: Vec::new(), chain: Vec::new() })
        };
        ends.into_iter().zip(counts).filter_map(firing).collect()
    }

    /// The window that ends at `end`, if it meets the condition.
    pub fn judge(&self, group: &mut Group, end: Timestamp) -> Option<Firing> {
        match &self.condition {
            Condition::Threshold(comparisons) if self.kind == Kind::TemporalOrdered => {
                self.judge_order(group, end, comparisons)
            }
            Condition::Threshold(comparisons) => {
                let metric = self.measure(group, end)?;
                let holds = comparisons.iter().all(|(comparator, bound)| comparator.admits(metric, *bound));
                holds.then(|| Firing {
                    start: end.plus_micros(-self.span),
                    end,
                    metric,
                    slots: Vec::new(),
                    chain: Vec::new(),
                })
            }
            Condition::Alternatives(alternatives) => self.judge_alternatives(group, end, alternatives, false),
        }
    }

    /// The window that begins at `start`, if one of the alternatives with a `not` holds in it.
    pub fn judge_forward(&self, group: &Group, start: Timestamp) -> Option<Firing> {
        match &self.condition {
            Condition::Threshold(_) => None,
            Condition::Alternatives(alternatives) => self.judge_alternatives(group, start, alternatives, true),
        }
    }

    /// Alternatives of one window are one firing, with the evidence of all.
    fn judge_alternatives(
        &self,
        group: &Group,
        at: Timestamp,
        alternatives: &[Alternative],
        is_forward: bool,
    ) -> Option<Firing> {
        let meant = alternatives.iter().filter(|alternative| alternative.none.is_empty() != is_forward);
        let firings = meant.filter_map(|alternative| self.judge_alternative(group, at, alternative));
        firings.reduce(|mut one, other| {
            one.slots.extend(other.slots);
            one.chain.extend(other.chain);
            one
        })
    }

    fn judge_alternative(&self, group: &Group, at: Timestamp, alternative: &Alternative) -> Option<Firing> {
        let is_forward = !alternative.none.is_empty();
        let (start, end) = if is_forward { (at, at.plus_micros(self.span)) } else { (at.plus_micros(-self.span), at) };
        let window = group.range(start, end);
        let has = |slot: usize| window.clone().any(|index| usize::from(group.entries[index].slot) == slot);
        if is_forward && !alternative.all.is_empty() {
            // The window begins with a match of one of the rules that must be there.
            let begins = group
                .range(start, start)
                .any(|index| alternative.all.contains(&usize::from(group.entries[index].slot)));
            if !begins {
                return None;
            }
        }
        if !alternative.all.iter().all(|slot| has(*slot)) || alternative.none.iter().any(|slot| has(*slot)) {
            return None;
        }
        let chain = if self.kind == Kind::TemporalOrdered {
            let mut slots = alternative.all.clone();
            slots.sort_unstable();
            group.chain(start, end, &slots)?
        } else {
            Vec::new()
        };
        let metric = group.distinct_slots(start, end) as f64;
        Some(Firing { start, end, metric, slots: alternative.all.clone(), chain })
    }

    /// A sequence: enough of the rules, each later than the one before.
    fn judge_order(&self, group: &Group, end: Timestamp, comparisons: &[(Comparator, f64)]) -> Option<Firing> {
        let start = end.plus_micros(-self.span);
        let metric = group.distinct_slots(start, end) as f64;
        if !comparisons.iter().all(|(comparator, bound)| comparator.admits(metric, *bound)) {
            return None;
        }
        let is_there =
            |slot: &usize| group.range(start, end).any(|index| usize::from(group.entries[index].slot) == *slot);
        let present: Vec<usize> = (0..self.min_counts.len()).filter(is_there).collect();
        let firing = |chain: Vec<(usize, Timestamp)>| Firing { start, end, metric, slots: Vec::new(), chain };
        if comparisons.iter().all(|(comparator, _)| comparator.grows()) {
            // Enough of them in order; one that is out of order does not spoil it.
            let wanted = comparisons.iter().map(|(comparator, bound)| required(*comparator, *bound)).max().unwrap_or(0);
            return group.longest_chain(start, end, &present).filter(|chain| chain.len() >= wanted).map(firing);
        }
        group.chain(start, end, &present).map(firing)
    }

    /// What the window that ends at `end` comes to; `None` when there is nothing to measure.
    fn measure(&self, group: &mut Group, end: Timestamp) -> Option<f64> {
        let start = end.plus_micros(-self.span);
        match self.kind {
            Kind::EventCount => Some(group.happened(start, end)),
            Kind::ValueCount => Some(group.distinct_values(start, end) as f64),
            Kind::Temporal if self.min_counts.iter().any(|count| *count > 1) => {
                let count = |slot: usize| {
                    group.range(start, end).filter(|index| usize::from(group.entries[*index].slot) == slot).count()
                };
                let enough =
                    self.min_counts.iter().enumerate().filter(|(slot, wanted)| count(*slot) >= **wanted as usize);
                Some(enough.count() as f64)
            }
            Kind::Temporal | Kind::TemporalOrdered => Some(group.distinct_slots(start, end) as f64),
            Kind::ValueSum | Kind::ValueAvg | Kind::ValuePercentile | Kind::ValueMedian => {
                let mut numbers = group.numbers(start, end);
                if numbers.is_empty() {
                    return None;
                }
                let sum: f64 = numbers.iter().sum();
                Some(match self.kind {
                    Kind::ValueSum => sum,
                    Kind::ValueAvg => sum / numbers.len() as f64,
                    _ => {
                        numbers.sort_unstable_by(f64::total_cmp);
                        let rank = if self.kind == Kind::ValueMedian { 50.0 } else { self.percentile };
                        percentile(&numbers, rank)
                    }
                })
            }
            _ => None,
        }
    }
}

/// How many rules a comparison asks for.
fn required(comparator: Comparator, bound: f64) -> usize {
    let number = if comparator == Comparator::Gt { bound.floor() + 1.0 } else { bound.ceil() };
    number.max(0.0) as usize
}

/// Linear between the two nearest ranks. `sorted` is not empty.
fn percentile(sorted: &[f64], rank: f64) -> f64 {
    let position = (sorted.len() - 1) as f64 * rank / 100.0;
    let below = position.floor() as usize;
    let part = position - below as f64;
    let upper = sorted.get(below + 1).copied().unwrap_or(sorted[below]);
    sorted[below] * (1.0 - part) + upper * part
}

impl Group {
    /// Puts a match where it belongs. Whether it is new: the same event counts once for one rule, and where only
    /// events are counted, once.
    pub fn insert(&mut self, entry: Entry, counts_events: bool) -> bool {
        let is_before = |other: &Entry| (other.time, &other.id, other.slot) < (entry.time, &entry.id, entry.slot);
        let at = match self.entries.back() {
            Some(last) if last.time >= entry.time => self.entries.partition_point(is_before),
            _ => self.entries.len(),
        };
        let is_same = |other: &Entry| {
            let is_one = other.time == entry.time && other.id == entry.id;
            is_one && (counts_events || other.slot == entry.slot && other.carried == entry.carried)
        };
        if self.entries.get(at).is_some_and(is_same) || at > 0 && is_same(&self.entries[at - 1]) {
            return false;
        }
        let is_last = at == self.entries.len();
        self.repeats += u64::from(counts_events && entry.times() > 1.0);
        match (&mut self.tally, is_last) {
            (Some(tally), true) => {
                if let Some(text) = entry.value.as_ref().map(folded) {
                    *tally.counts.entry(text).or_default() += 1;
                }
            }
            (tally, _) => *tally = None,
        }
        self.entries_weight += entry.weight();
        self.entries.insert(at, entry);
        true
    }

    /// Bytes it takes, about.
    pub fn weight(&self) -> usize {
        let times = self.fired.len() + self.fired_forward.len() + self.pending.len();
        size_of::<Self>() + times * 16 + self.entries_weight
    }

    /// Weighs the entries of a group that was stored.
    pub fn weigh_entries(&mut self) {
        self.entries_weight = self.entries.iter().map(Entry::weight).sum();
    }

    /// The places of the matches from `start` to `end`, both included.
    pub fn range(&self, start: Timestamp, end: Timestamp) -> std::ops::Range<usize> {
        let first = self.entries.partition_point(|entry| entry.time < start);
        let last = match self.entries.back() {
            Some(newest) if newest.time <= end => self.entries.len(),
            _ => self.entries.partition_point(|entry| entry.time <= end),
        };
        first..last.max(first)
    }

    /// The different times of matches after `after`, up to `until`.
    pub fn times(&self, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let mut times: Vec<Timestamp> = self.range(after, until).map(|index| self.entries[index].time).collect();
        times.dedup();
        times
    }

    /// How often it happened: once for each event, or as often as the event says.
    fn happened(&self, start: Timestamp, end: Timestamp) -> f64 {
        let range = self.range(start, end);
        if self.repeats == 0 {
            return range.len() as f64;
        }
        range.map(|index| self.entries[index].times()).sum()
    }

    fn distinct_slots(&self, start: Timestamp, end: Timestamp) -> usize {
        let mut seen = 0_u64;
        for index in self.range(start, end) {
            seen |= 1 << (self.entries[index].slot & 63);
        }
        seen.count_ones() as usize
    }

    fn distinct_values(&mut self, start: Timestamp, end: Timestamp) -> usize {
        let is_newest = self.entries.back().is_some_and(|newest| newest.time == end);
        if !is_newest {
            let values: HashSet<String> =
                self.range(start, end).filter_map(|index| self.entries[index].value.as_ref().map(folded)).collect();
            return values.len();
        }
        let mut tally = match self.tally.take() {
            Some(tally) if tally.start <= start => tally,
            _ => {
                let mut tally = Tally { start, counts: HashMap::new() };
                for index in self.range(start, end) {
                    if let Some(text) = self.entries[index].value.as_ref().map(folded) {
                        *tally.counts.entry(text).or_default() += 1;
                    }
                }
                tally
            }
        };
        // What has fallen out of the window since it was counted.
        for index in self.range(tally.start, start.plus_micros(-1)) {
            if let Some(text) = self.entries[index].value.as_ref().map(folded)
                && let Some(count) = tally.counts.get_mut(&text)
            {
                *count -= 1;
                if *count == 0 {
                    tally.counts.remove(&text);
                }
            }
        }
        tally.start = start;
        let distinct = tally.counts.len();
        self.tally = Some(tally);
        distinct
    }

    /// How many different keys the matches of each window have. `ends` ascend.
    fn distinct_at<K: Eq + Hash>(
        &self,
        ends: &[Timestamp],
        span: i64,
        key: impl Fn(&Entry) -> Option<K>,
    ) -> Vec<usize> {
        let Some(first) = ends.first() else { return Vec::new() };
        let mut counts: HashMap<K, u32> = HashMap::new();
        let mut oldest = self.range(first.plus_micros(-span), *first).start;
        let mut next = oldest;
        let mut distinct = Vec::with_capacity(ends.len());
        for end in ends {
            while let Some(entry) = self.entries.get(next).filter(|entry| entry.time <= *end) {
                if let Some(key) = key(entry) {
                    *counts.entry(key).or_default() += 1;
                }
                next += 1;
            }
            let start = end.plus_micros(-span);
            while let Some(entry) = self.entries.get(oldest).filter(|entry| oldest < next && entry.time < start) {
                if let Some(key) = key(entry)
                    && let Some(count) = counts.get_mut(&key)
                {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(&key);
                    }
                }
                oldest += 1;
            }
            distinct.push(counts.len());
        }
        distinct
    }

    fn numbers(&self, start: Timestamp, end: Timestamp) -> Vec<f64> {
        let mut numbers = Vec::new();
        let mut last: Option<&Entry> = None;
        for index in self.range(start, end) {
            let entry = &self.entries[index];
            // An event that matches two of the rules with one value is measured once.
            let is_again =
                last.is_some_and(|last| last.time == entry.time && last.id == entry.id && last.value == entry.value);
            if let (false, Some(Measured::Number(number))) = (is_again, &entry.value) {
                numbers.push(*number);
            }
            last = Some(entry);
        }
        numbers
    }

    /// The earliest match of each of `slots` in turn, each later than the one before.
    fn chain(&self, start: Timestamp, end: Timestamp, slots: &[usize]) -> Option<Vec<(usize, Timestamp)>> {
        let mut chain = Vec::with_capacity(slots.len());
        let mut from = start;
        for slot in slots {
            let next = self
                .range(from, end)
                .map(|index| &self.entries[index])
                .find(|entry| usize::from(entry.slot) == *slot)?;
            chain.push((*slot, next.time));
            from = next.time.plus_micros(1);
        }
        Some(chain)
    }

    /// The most of `slots` that follow each other in their order. For each length the earliest end is kept, as for
    /// a longest rising sequence.
    fn longest_chain(&self, start: Timestamp, end: Timestamp, slots: &[usize]) -> Option<Vec<(usize, Timestamp)>> {
        let mut best: Vec<Vec<(usize, Timestamp)>> = vec![Vec::new()];
        for slot in slots {
            for length in (0..best.len()).rev() {
                let from = best[length].last().map_or(start, |(_, time)| time.plus_micros(1));
                let next = self
                    .range(from, end)
                    .map(|index| &self.entries[index])
                    .find(|entry| usize::from(entry.slot) == *slot);
                let Some(next) = next else { continue };
                let mut longer = best[length].clone();
                longer.push((*slot, next.time));
                match best.get(length + 1) {
                    Some(known) if known.last().map(|(_, time)| *time) <= Some(next.time) => {}
                    Some(_) => best[length + 1] = longer,
                    None => best.push(longer),
                }
            }
        }
        best.pop()
    }

    /// The events behind a firing, the newest [`EVIDENCE_MAX`], in order of time, and how many there are.
    pub fn evidence(&self, firing: &Firing) -> (Vec<Place>, u64) {
        let mut places = BTreeSet::new();
        for entry in self.behind(firing) {
            places.extend(entry.evidence.iter().cloned());
        }
        let total = places.len() as u64;
        let first = places.len().saturating_sub(EVIDENCE_MAX);
        (places.into_iter().skip(first).collect(), total)
    }

    /// The matches that a firing rests on.
    fn behind<'g>(&'g self, firing: &'g Firing) -> impl Iterator<Item = &'g Entry> {
        self.range(firing.start, firing.end).map(|index| &self.entries[index]).filter(|entry| {
            let slot = usize::from(entry.slot);
            if firing.chain.is_empty() {
                firing.slots.is_empty() || firing.slots.contains(&slot)
            } else {
                firing.chain.contains(&(slot, entry.time))
            }
        })
    }

    /// The different values that correlations of this correlation ask for.
    pub fn carried(&self, firing: &Firing) -> Vec<Vec<Option<String>>> {
        let mut carried = Vec::new();
        for entry in self.behind(firing) {
            if !carried.contains(&entry.carried) {
                carried.push(entry.carried.clone());
            }
        }
        carried
    }

    /// Lets go of what no later window can reach: matches farther than `reach` from the newest arrival, in both times.
    /// The bytes let go.
    pub fn prune(&mut self, newest: Timestamp, recorded: Timestamp, reach: i64) -> usize {
        let mut freed = 0;
        let is_far = |entry: &Entry| {
            let recorded_at = entry.evidence.last().map_or(entry.time, |place| place.recorded_at);
            (newest.micros() - entry.time.micros()).abs() > reach && recorded.micros() - recorded_at.micros() > reach
        };
        while let Some(first) = self.entries.front().filter(|first| is_far(first)) {
            freed += first.weight();
            if self.tally.as_ref().is_some_and(|tally| tally.start <= first.time) {
                self.tally = None;
            }
            self.entries.pop_front();
        }
        self.entries_weight -= freed;
        if let Some(first) = self.entries.front().map(|first| first.time) {
            // Only windows that end or begin with a match are ever judged.
            if self.fired.first().is_some_and(|end| *end < first) {
                self.fired = self.fired.split_off(&first);
            }
            if self.fired_forward.first().is_some_and(|start| *start < first) {
                self.fired_forward = self.fired_forward.split_off(&first);
            }
        }
        freed
    }

    /// Lets go of the match farthest from `newest`, because the group is full. The bytes let go.
    pub fn drop_farthest(&mut self, newest: Timestamp) -> usize {
        let distance = |entry: Option<&Entry>| entry.map_or(0, |entry| (entry.time.micros() - newest.micros()).abs());
        let dropped = if distance(self.entries.front()) >= distance(self.entries.back()) {
            self.entries.pop_front()
        } else {
            self.entries.pop_back()
        };
        self.tally = None;
        let freed = dropped.map_or(0, |entry| entry.weight());
        self.entries_weight -= freed;
        freed
    }
}

fn folded(value: &Measured) -> String {
    match value {
        Measured::Text(text) => text.to_lowercase(),
        Measured::Number(number) => number.to_string(),
    }
}
