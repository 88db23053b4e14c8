//! Correlations at work: matches are put into groups, groups are judged, firings feed other correlations.

use std::collections::{HashMap, HashSet};

use whodid_model::{Field, Timestamp};

use crate::address::{Address, Vocabulary};
use crate::agent::Device;
use crate::correlation::{COUNT_MAX, Condition, Correlation, Kind};
use crate::document::{Body, Document};
use crate::exception::Exception;
use crate::folding::Verdict;
use crate::habits::{Facts, HabitRule};
use crate::network;
use crate::problem::Problem;
use crate::room::{make_room_for_habits, make_room_for_windows};
use crate::ruleset::{Build, Hit, Rule, RuleSet, Tuning, is_guard};
use crate::state::{Due, GroupKey, LATENESS_MICROS, POOL_BYTES_MAX, SETTLE_MICROS, State, bounded, weight_of_key};
use crate::subject::{Place, Subject};
use crate::window::{ENTRIES_A_GROUP_MAX, EVIDENCE_CARRIED_MAX, Entry, Firing, Group, ItemId, Measured, Window};

/// Longest chain of correlations of correlations.
pub(crate) const CHAIN_MAX: usize = 8;

/// A compiled correlation.
#[derive(Debug)]
pub(crate) struct Detector {
    pub rule: usize,
    window: Window,
    pub habit: Option<HabitRule>,
    group_names: Vec<String>,
    /// Where its firings go.
    pub parents: Vec<Feed>,
    /// Fields of events that correlations of this one ask for.
    carried: Vec<String>,
    hash: u64,
}

/// One rule of a correlation: where its matches go, and where their group and value are found.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub detector: usize,
    slot: u16,
    group: Vec<Pick>,
    values: Vec<Pick>,
    carried: Vec<Pick>,
}

/// Where a value is found: in an event, or in the firing of another correlation.
#[derive(Debug, Clone)]
enum Pick {
    Field(Address),
    Group(usize),
    Carried(usize),
    Metric,
}

/// What came of compiling correlations.
pub(crate) struct Built {
    pub detectors: Vec<Detector>,
    pub feeds: HashMap<(usize, u32), Vec<Feed>>,
    /// Rules whose matches only feed correlations.
    pub fed_only: Vec<usize>,
}

/// A correlation with its references looked up.
struct Plan<'a> {
    rule: usize,
    correlation: &'a Correlation,
    references: Vec<usize>,
}

impl Detector {
    pub fn build_all(
        documents: &[&Document],
        rules: &[Rule],
        build: &Build<'_>,
        broken: &[usize],
        problems: &mut Vec<Problem>,
    ) -> Built {
        let mut plans = look_up(documents, broken, problems);
        drop_cycles(&mut plans, documents, problems);
        let detector_of: HashMap<usize, usize> =
            plans.iter().enumerate().map(|(detector, plan)| (plan.rule, detector)).collect();
        let mut detectors: Vec<Detector> = plans
            .iter()
            .map(|plan| Detector::of(plan, &rules[plan.rule], build.tuning.get(&rules[plan.rule].meta.id)))
            .collect();
        let mut feeds: HashMap<(usize, u32), Vec<Feed>> = HashMap::new();
        let mut fed_only = HashSet::new();
        // Those that nobody refers to come first, so that what a correlation must carry is known before its rules are asked.
        for detector in parents_first(&plans, &detector_of) {
            let plan = &plans[detector];
            let correlation = plan.correlation;
            // One that is switched off takes nothing in; what it is made of goes on being a part.
            let is_fed = rules[plan.rule].runs(build);
            for (slot, reference) in plan.references.iter().enumerate() {
                let document = documents[*reference];
                let mapped = |name: &String| mapped(correlation, &correlation.rules[slot], document, name);
                let names = |list: &[String]| list.iter().map(mapped).collect::<Vec<String>>();
                let group = names(&correlation.group_by);
                let values = names(&correlation.fields);
                let carried = names(&detectors[detector].carried.clone());
                let child = detector_of.get(reference).copied();
                let feed = match child {
                    Some(child) => {
                        let mut pick = |list: Vec<String>| {
                            list.into_iter().map(|name| detectors[child].pick(name)).collect::<Vec<Pick>>()
                        };
                        Feed {
                            detector,
                            slot: slot as u16,
                            group: pick(group),
                            values: pick(values),
                            carried: pick(carried),
                        }
                    }
                    None => {
                        let vocabulary = match &document.body {
                            Body::Detection(detection) => detection.vocabulary(),
                            _ => Vocabulary::Source,
                        };
                        let pick = |list: Vec<String>| {
                            list.iter().map(|name| Pick::Field(Address::new(name, vocabulary))).collect::<Vec<Pick>>()
                        };
                        Feed {
                            detector,
                            slot: slot as u16,
                            group: pick(group),
                            values: pick(values),
                            carried: pick(carried),
                        }
                    }
                };
                match child {
                    _ if !is_fed => {}
                    Some(child) => detectors[child].parents.push(feed),
                    None => feeds.entry((*reference, 0)).or_default().push(feed),
                }
                // In its own file a rule that is correlated is a part; a rule of another file goes on being one.
                if !correlation.generate && document.file == documents[plan.rule].file {
                    fed_only.insert(*reference);
                }
            }
        }
        for (index, document) in documents.iter().enumerate() {
            if let Body::Advisor(rule) = &document.body
                && let Some(window) = &rule.window
                && rules[index].runs(build)
            {
                let detector = detectors.len();
                let tuned = build.tuning.get(&rule.meta.id).and_then(|tuning| tuning.threshold);
                let bound = tuned.unwrap_or(window.bound).min(COUNT_MAX);
                let pick =
                    || rule.group_by.iter().map(|name| Pick::Field(Address::new(name, Vocabulary::Source))).collect();
                for slot in 0..rule.parts.len() {
                    let feed =
                        Feed { detector, slot: slot as u16, group: pick(), values: Vec::new(), carried: Vec::new() };
                    feeds.entry((index, slot as u32)).or_default().push(feed);
                }
                detectors.push(Detector {
                    rule: index,
                    window: Window {
                        kind: window.kind,
                        span: window.span,
                        condition: Condition::Threshold(vec![(window.comparator, bound)]),
                        percentile: 50.0,
                        min_counts: rule.parts.iter().map(|part| part.occurrences).collect(),
                        is_eager: true,
                    },
                    habit: None,
                    group_names: rule.group_by.clone(),
                    parents: Vec::new(),
                    carried: Vec::new(),
                    hash: hash(&rules[index].fingerprint),
                });
            }
        }
        let mut fed_only: Vec<usize> = fed_only.into_iter().collect();
        fed_only.sort_unstable();
        Built { detectors, feeds, fed_only }
    }

    fn of(plan: &Plan<'_>, rule: &Rule, tuning: Option<&Tuning>) -> Self {
        let correlation = plan.correlation;
        let mut condition = correlation.condition.clone();
        if let (Condition::Threshold(comparisons), Some(bound)) =
            (&mut condition, tuning.and_then(|tuning| tuning.threshold))
            && let Some(first) = comparisons.first_mut()
        {
            let is_counted = matches!(correlation.kind, Kind::EventCount | Kind::ValueCount);
            first.1 = if is_counted { bound.min(COUNT_MAX) } else { bound };
        }
        let kind = if correlation.kind == Kind::Absence { Kind::TemporalOrdered } else { correlation.kind };
        let is_habit = !matches!(correlation.kind, Kind::Absence | Kind::Silence) && !correlation.kind.is_sigma();
        Self {
            rule: plan.rule,
            window: Window {
                kind,
                span: correlation.span_micros,
                condition,
                percentile: correlation.percentile,
                min_counts: vec![1; correlation.rules.len()],
                is_eager: false,
            },
            habit: is_habit.then_some(HabitRule {
                kind: correlation.kind,
                span: correlation.span_micros,
                min_history: correlation.min_history,
                trusts_networks: correlation.trusts_networks,
                trusts_devices: correlation.trusts_devices,
            }),
            group_names: correlation.group_by.clone(),
            parents: Vec::new(),
            carried: Vec::new(),
            hash: hash(&rule.fingerprint),
        }
    }

    /// Where a correlation of this one finds a field: in its group, its measure, or in what it carries along.
    fn pick(&mut self, name: String) -> Pick {
        if let Some(index) = self.group_names.iter().position(|group| *group == name) {
            return Pick::Group(index);
        }
        if name == self.window.kind.as_str() || name == "sigma_metric" {
            return Pick::Metric;
        }
        let index = self.carried.iter().position(|carried| *carried == name).unwrap_or_else(|| {
            self.carried.push(name);
            self.carried.len() - 1
        });
        Pick::Carried(index)
    }
}

fn hash(fingerprint: &str) -> u64 {
    u64::from_str_radix(fingerprint.get(..16).unwrap_or_default(), 16).unwrap_or_default()
}

/// The field that a correlation's name means in one of its rules.
fn mapped(correlation: &Correlation, reference: &str, document: &Document, name: &str) -> String {
    let alias = correlation.aliases.iter().find(|alias| alias.name == name);
    let field =
        alias.and_then(|alias| alias.fields.iter().find(|(rule, _)| rule == reference || document.is_called(rule)));
    field.map_or_else(|| name.to_owned(), |(_, field)| field.clone())
}

fn look_up<'a>(documents: &[&'a Document], broken: &[usize], problems: &mut Vec<Problem>) -> Vec<Plan<'a>> {
    let mut plans = Vec::new();
    for (rule, document) in documents.iter().enumerate() {
        let Body::Correlation(correlation) = &document.body else { continue };
        let mut references = Vec::new();
        let mut missing = None;
        for name in &correlation.rules {
            // A rule of the same file is meant before one of another.
            let in_file = documents.iter().position(|other| other.file == document.file && other.is_called(name));
            match in_file.or_else(|| documents.iter().position(|other| other.is_called(name))) {
                Some(index) if broken.contains(&index) => {
                    missing = Some(format!("refers to '{name}', which cannot be used"))
                }
                Some(index) if is_windowed_advisor(documents[index]) => {
                    missing = Some(format!(
                        "refers to '{name}', which counts events already; refer to rules of single events"
                    ));
                }
                Some(index) => references.push(index),
                None => missing = Some(format!("refers to '{name}', which is no rule's id, name or title")),
            }
        }
        match missing {
            Some(message) => problems.push(told(document, "unknown_rule", message)),
            None => plans.push(Plan { rule, correlation, references }),
        }
    }
    // A correlation of one that is left out is left out too.
    loop {
        let usable: HashSet<usize> = plans.iter().map(|plan| plan.rule).collect();
        let is_lost = |reference: &usize| {
            matches!(documents[*reference].body, Body::Correlation(_)) && !usable.contains(reference)
        };
        let Some(at) = plans.iter().position(|plan| plan.references.iter().any(is_lost)) else { return plans };
        let plan = plans.remove(at);
        problems.push(told(
            documents[plan.rule],
            "unknown_rule",
            "refers to a correlation that cannot be used".to_owned(),
        ));
    }
}

fn is_windowed_advisor(document: &Document) -> bool {
    matches!(&document.body, Body::Advisor(rule) if rule.window.is_some())
}

fn told(document: &Document, code: &'static str, message: String) -> Problem {
    Problem {
        file: Some(document.file.clone()),
        document: document.number,
        line: Some(document.line).filter(|line| *line > 0),
        ..Problem::error(code, message).of(&document.meta().id)
    }
}

fn drop_cycles(plans: &mut Vec<Plan<'_>>, documents: &[&Document], problems: &mut Vec<Problem>) {
    loop {
        let by_rule: HashMap<usize, &Plan<'_>> = plans.iter().map(|plan| (plan.rule, plan)).collect();
        let too_deep = |plan: &Plan<'_>| depth(plan.rule, &by_rule, 0) > CHAIN_MAX;
        let Some(at) = plans.iter().position(too_deep) else { return };
        let plan = plans.remove(at);
        let message = format!("refers to itself, or through more than {CHAIN_MAX} correlations");
        problems.push(told(documents[plan.rule], "cycle", message));
    }
}

fn depth(rule: usize, plans: &HashMap<usize, &Plan<'_>>, above: usize) -> usize {
    if above > CHAIN_MAX {
        return above;
    }
    let Some(plan) = plans.get(&rule) else { return above };
    plan.references.iter().map(|reference| depth(*reference, plans, above + 1)).max().unwrap_or(above)
}

fn parents_first(plans: &[Plan<'_>], detector_of: &HashMap<usize, usize>) -> Vec<usize> {
    let mut order = Vec::new();
    let mut done = vec![false; plans.len()];
    fn visit(
        detector: usize,
        plans: &[Plan<'_>],
        detector_of: &HashMap<usize, usize>,
        done: &mut [bool],
        order: &mut Vec<usize>,
    ) {
        if std::mem::replace(&mut done[detector], true) {
            return;
        }
        for child in plans[detector].references.iter().filter_map(|rule| detector_of.get(rule)) {
            visit(*child, plans, detector_of, done, order);
        }
        order.push(detector);
    }
    for detector in 0..plans.len() {
        visit(detector, plans, detector_of, &mut done, &mut order);
    }
    order.reverse();
    order
}

/// A match on its way into a group.
struct Offer {
    detector: usize,
    key: GroupKey,
    spelling: Vec<String>,
    entry: Entry,
    recorded_at: Timestamp,
}

impl RuleSet {
    /// A match of a rule goes to a correlation of it.
    pub(crate) fn offer_event(
        &self,
        state: &mut State,
        feed: &Feed,
        subject: &Subject<'_>,
        silencing: &[&Exception],
        hits: &mut Vec<Hit>,
    ) {
        let detector = &self.detectors[feed.detector];
        if !self.rules()[detector.rule].may_see(subject.place) {
            return;
        }
        let text = |pick: &Pick| match pick {
            Pick::Field(address) => address.text(subject).map(bounded).filter(|text| !text.is_empty()),
            Pick::Group(_) | Pick::Carried(_) | Pick::Metric => None,
        };
        let Some(spelling) = feed.group.iter().map(text).collect::<Option<Vec<String>>>() else {
            state.drops.without_group += 1;
            return;
        };
        let key: GroupKey = spelling.iter().map(|value| value.to_lowercase()).collect();
        if let Some(habit) = &detector.habit {
            let carried = feed.carried.iter().map(text).collect();
            self.see_habit(state, feed, habit, subject, silencing, Told { key, spelling, carried }, hits);
            return;
        }
        if detector.window.kind == Kind::Silence {
            hear(state, feed.detector, detector.window.span, subject, key, spelling);
            return;
        }
        let value = feed.values.first().and_then(|pick| match pick {
            Pick::Field(address) => measured(address, detector.window.kind, subject),
            Pick::Group(_) | Pick::Carried(_) | Pick::Metric => None,
        });
        let value = if feed.values.len() > 1 {
            let parts: Vec<String> = feed.values.iter().map(|pick| text(pick).unwrap_or_default()).collect();
            Some(Measured::Text(parts.join("\u{1f}")))
        } else {
            value
        };
        let entry = Entry {
            time: subject.place.event_time,
            id: ItemId::Event(subject.place.clone()),
            slot: feed.slot,
            value,
            evidence: vec![subject.place.clone()],
            carried: feed.carried.iter().map(text).collect(),
            excepted: silencing.iter().map(|exception| exception.id.clone()).collect(),
        };
        let offer = Offer { detector: feed.detector, key, spelling, entry, recorded_at: subject.place.recorded_at };
        self.offer(state, offer, Some(subject), hits);
    }

    fn offer(&self, state: &mut State, offer: Offer, subject: Option<&Subject<'_>>, hits: &mut Vec<Hit>) {
        let Offer { detector: index, key, spelling, entry, recorded_at } = offer;
        let detector = &self.detectors[index];
        let (time, span) = (entry.time, detector.window.span);
        state.arrivals += 1;
        let memory = &mut state.memories[index];
        if !memory.groups.contains_key(&key) {
            state.windows += weight_of_key(&key);
            memory.spellings.insert(key.clone(), spelling);
            memory.groups.insert(key.clone(), Group::default());
        }
        let Some(group) = memory.groups.get_mut(&key) else { return };
        group.touched = state.arrivals;
        let (weight, slot, value) = (entry.weight(), entry.slot, entry.value.clone());
        if group.insert(entry, detector.window.kind == Kind::EventCount) {
            state.windows += weight;
        }
        let mut firings: Vec<Firing> = Vec::new();
        let mut waiting = Vec::new();
        // A claimed time far in the future is not waited for.
        let until = |time: Timestamp| time.min(recorded_at.plus_micros(LATENESS_MICROS)).max(recorded_at);
        if detector.window.is_settled_at_once() {
            let (ends, left_out) = detector.window.ends(group, time, slot, value.as_ref());
            state.drops.windows += left_out;
            firings = detector.window.judge_all(group, ends);
            group.fired.extend(firings.iter().map(|firing| firing.end));
        } else {
            for end in group.times(time, time.plus_micros(span)) {
                // One that waits already is judged with this match.
                if group.pending.insert(end) {
                    waiting.push((until(end).plus_micros(SETTLE_MICROS), end));
                }
            }
        }
        if detector.window.reaches_forward() {
            waiting.push((until(time).plus_micros(span + SETTLE_MICROS), time));
        }
        let reach = if detector.window.reaches_forward() { 2 * span } else { span } + LATENESS_MICROS;
        let mut freed = group.prune(time, recorded_at, reach);
        while group.entries.len() > ENTRIES_A_GROUP_MAX {
            freed += group.drop_farthest(time);
            state.drops.matches += 1;
        }
        state.windows = state.windows.saturating_sub(freed);
        for (at, time) in waiting {
            state.wait(Due { at, detector: index, group: key.clone(), time });
        }
        for firing in firings {
            self.fire(state, index, &key, &firing, subject, hits);
        }
        if state.windows > POOL_BYTES_MAX {
            make_room_for_windows(state);
        }
    }

    /// A group's window meets the condition: a hit, and a match for the correlations of this one.
    fn fire(
        &self,
        state: &mut State,
        index: usize,
        key: &GroupKey,
        firing: &Firing,
        subject: Option<&Subject<'_>>,
        hits: &mut Vec<Hit>,
    ) {
        let detector = &self.detectors[index];
        let rule = &self.rules()[detector.rule];
        let memory = &mut state.memories[index];
        memory.firings += 1;
        let number = memory.firings;
        let spelling = memory.spellings.get(key).unwrap_or(key);
        let group: Vec<(String, String)> = detector.group_names.iter().cloned().zip(spelling.iter().cloned()).collect();
        let Some(entries) = memory.groups.get(key) else { return };
        let last = entries.range(firing.start, firing.end).next_back().map(|at| &entries.entries[at]);
        let excepted = last.map(|last| last.excepted.clone()).unwrap_or_default();
        let silenced_by = self.excepted(detector.rule, &excepted);
        let folding_key = rule.key(subject, &group);
        let verdict = match rule.is_reported {
            true => rule.verdict(&mut state.folding, &folding_key, silenced_by.as_ref(), firing.end, state.clock),
            false => Verdict::Folded,
        };
        let is_new = matches!(verdict, Verdict::Finding | Verdict::CapReached) || !detector.parents.is_empty();
        let (evidence, evidence_total) = if is_new {
            entries.evidence(firing)
        } else {
            let newest = last.map(|last| last.evidence.clone()).unwrap_or_default();
            (newest, entries.range(firing.start, firing.end).len() as u64)
        };
        let carried = if detector.parents.is_empty() { Vec::new() } else { entries.carried(firing) };
        let base = Base {
            time: firing.end,
            metric: firing.metric,
            number,
            key,
            spelling,
            evidence: &evidence,
            carried: &carried,
            excepted: &excepted,
        };
        let offers = self.offers_to_parents(detector, &base);
        if rule.is_reported {
            hits.push(Hit {
                rule: detector.rule,
                time: firing.end,
                start: Some(firing.start),
                by: subject.map(|subject| subject.place.clone()),
                group,
                metric: Some(firing.metric),
                why: None,
                evidence,
                evidence_total,
                key: folding_key,
                silenced_by,
                verdict,
            });
        }
        for offer in offers {
            self.offer(state, offer, subject, hits);
        }
    }

    /// The first of the exceptions that held for an event which is for a rule.
    fn excepted(&self, rule: usize, held: &[String]) -> Option<String> {
        let meta = &self.rules()[rule].meta;
        if is_guard(&meta.id) {
            return None;
        }
        let is_for = |id: &&String| self.exceptions().iter().any(|known| known.id == **id && known.is_for(meta));
        held.iter().find(is_for).cloned()
    }

    fn offers_to_parents(&self, detector: &Detector, base: &Base<'_>) -> Vec<Offer> {
        let Base { time, metric, number, key, spelling, evidence, carried, excepted } = *base;
        let newest = &evidence[evidence.len().saturating_sub(EVIDENCE_CARRIED_MAX)..];
        let mut offers = Vec::new();
        let sees_all = |feed: &&Feed| {
            let parent = &self.rules()[self.detectors[feed.detector].rule];
            let is_known = !evidence.is_empty() || !self.rules()[detector.rule].sees_audit;
            parent.sees_audit || is_known && evidence.iter().all(|place| parent.may_see(place))
        };
        for feed in detector.parents.iter().filter(sees_all) {
            for carried in carried {
                let text = |pick: &Pick, group: &[String]| match pick {
                    Pick::Group(index) => group.get(*index).cloned(),
                    Pick::Carried(index) => carried.get(*index).cloned().flatten(),
                    Pick::Metric => Some(metric.to_string()),
                    Pick::Field(_) => None,
                };
                let (Some(parent_key), Some(parent_spelling)) = (
                    feed.group
                        .iter()
                        .map(|pick| text(pick, key).map(|value| value.to_lowercase()))
                        .collect::<Option<GroupKey>>(),
                    feed.group.iter().map(|pick| text(pick, spelling)).collect::<Option<Vec<String>>>(),
                ) else {
                    continue;
                };
                let value =
                    feed.values.first().and_then(|pick| text(pick, spelling)).map(|value| match value.parse() {
                        Ok(number)
                            if f64::is_finite(number)
                                && self.detectors[feed.detector].window.kind != Kind::ValueCount =>
                        {
                            Measured::Number(number)
                        }
                        _ => Measured::Text(value),
                    });
                let entry = Entry {
                    time,
                    id: ItemId::Firing { of: detector.hash, number },
                    slot: feed.slot,
                    value,
                    evidence: newest.to_vec(),
                    carried: feed.carried.iter().map(|pick| text(pick, spelling)).collect(),
                    excepted: excepted.to_vec(),
                };
                let recorded_at = evidence.iter().map(|place| place.recorded_at).max().unwrap_or(time);
                offers.push(Offer {
                    detector: feed.detector,
                    key: parent_key,
                    spelling: parent_spelling,
                    entry,
                    recorded_at,
                });
            }
        }
        offers
    }

    /// Judges what is due by `now`; all of it, as far as events reach, without.
    pub(crate) fn judge_due(&self, state: &mut State, now: Option<Timestamp>, hits: &mut Vec<Hit>) {
        while let Some(due) = state.due.first().filter(|due| now.is_none_or(|now| due.at <= now)).cloned() {
            state.due.remove(&due);
            let detector = &self.detectors[due.detector];
            let span = detector.window.span;
            // At the end of a file what lies beyond its last event is not known.
            let is_known = |end: Timestamp| now.is_some() || end <= state.horizon;
            if detector.window.kind == Kind::Silence {
                let Some(heard) = state.memories[due.detector].heard.get(&due.group).cloned() else { continue };
                if heard.time > due.time {
                    // Heard of since: wait on from then. At the end of a file there is no later.
                    let at = heard.time.max(heard.recorded_at).plus_micros(span + SETTLE_MICROS);
                    if now.is_some() || is_known(heard.time.plus_micros(span)) {
                        state.wait(Due { at, time: heard.time, ..due });
                    }
                } else if !heard.is_told && is_known(heard.time.plus_micros(span)) {
                    self.fall_silent(state, &due, heard.time, hits);
                }
                continue;
            }
            let is_forward = detector.window.reaches_forward();
            let Some(group) = state.memories[due.detector].groups.get_mut(&due.group) else { continue };
            if !is_forward {
                group.pending.remove(&due.time);
            }
            let firing = if is_forward && !group.fired_forward.contains(&due.time) {
                detector.window.judge_forward(group, due.time).filter(|firing| is_known(firing.end))
            } else if !is_forward && !group.fired.contains(&due.time) {
                detector.window.judge(group, due.time)
            } else {
                None
            };
            let Some(firing) = firing else { continue };
            if is_forward {
                group.fired_forward.insert(due.time)
            } else {
                group.fired.insert(due.time)
            };
            self.fire(state, due.detector, &due.group, &firing, None, hits);
        }
    }

    fn fall_silent(&self, state: &mut State, due: &Due, last: Timestamp, hits: &mut Vec<Hit>) {
        let detector = &self.detectors[due.detector];
        let rule = &self.rules()[detector.rule];
        let memory = &mut state.memories[due.detector];
        if let Some(heard) = memory.heard.get_mut(&due.group) {
            heard.is_told = true;
        }
        let spelling = memory.spellings.get(&due.group).unwrap_or(&due.group);
        let group: Vec<(String, String)> = detector.group_names.iter().cloned().zip(spelling.iter().cloned()).collect();
        let end = last.plus_micros(detector.window.span);
        let key = rule.key(None, &group);
        memory.firings += 1;
        let base = Base {
            time: end,
            metric: 1.0,
            number: memory.firings,
            key: &due.group,
            spelling,
            evidence: &[],
            carried: &[vec![None; detector.carried.len()]],
            excepted: &[],
        };
        let offers = self.offers_to_parents(detector, &base);
        if rule.is_reported {
            let verdict = rule.verdict(&mut state.folding, &key, None, end, state.clock);
            hits.push(Hit {
                rule: detector.rule,
                time: end,
                start: Some(last),
                by: None,
                group,
                metric: None,
                why: Some(format!("nothing since {last}")),
                evidence: Vec::new(),
                evidence_total: 0,
                key,
                silenced_by: None,
                verdict,
            });
        }
        for offer in offers {
            self.offer(state, offer, None, hits);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one match, borrowed from different places")]
    fn see_habit(
        &self,
        state: &mut State,
        feed: &Feed,
        habit: &HabitRule,
        subject: &Subject<'_>,
        silencing: &[&Exception],
        told: Told,
        hits: &mut Vec<Hit>,
    ) {
        let Told { key, spelling, carried } = told;
        let detector = &self.detectors[feed.detector];
        let rule = &self.rules()[detector.rule];
        let values: Vec<String> = feed
            .values
            .iter()
            .filter_map(|pick| match pick {
                Pick::Field(address) => address.text(subject).map(bounded),
                Pick::Group(_) | Pick::Carried(_) | Pick::Metric => None,
            })
            .collect();
        if habit.kind == Kind::NewTerms && values.len() < feed.values.len() {
            return;
        }
        let address = subject.texts.text(Field::Address);
        let session = values.first().cloned().or_else(|| {
            [Field::CredentialId, Field::CorrelationId]
                .into_iter()
                .find_map(|field| subject.texts.text(field).map(|text| bounded(text.into())))
        });
        let facts = Facts {
            time: subject.place.event_time,
            terms: values,
            network: address.map(network::network),
            device: subject.texts.text(Field::Agent).and_then(Device::of),
            session,
            location: address.and_then(network::parse).and_then(|address| self.locate().locate(address)),
        };
        state.arrivals += 1;
        let arrivals = state.arrivals;
        let memory = &mut state.memories[feed.detector];
        if !memory.habits.contains_key(&key) {
            state.habits += weight_of_key(&key);
        }
        let networks_before = memory.networks.len();
        let habits = memory.habits.entry(key.clone()).or_default();
        let before = habits.weight();
        habits.touched = arrivals;
        let why = habits.see(habit, &key.join("\u{1f}"), facts, &mut memory.networks);
        state.habits = (state.habits + habits.weight()).saturating_sub(before);
        state.habits += (memory.networks.len() - networks_before) * NETWORK_BYTES;
        state.drops.values += std::mem::take(&mut habits.forgotten);
        if let Some(why) = why {
            let (time, place) = (subject.place.event_time, subject.place.clone());
            memory.firings += 1;
            let excepted: Vec<String> = silencing.iter().map(|exception| exception.id.clone()).collect();
            let base = Base {
                time,
                metric: 1.0,
                number: memory.firings,
                key: &key,
                spelling: &spelling,
                evidence: std::slice::from_ref(&place),
                carried: &[carried],
                excepted: &excepted,
            };
            let offers = self.offers_to_parents(detector, &base);
            if rule.is_reported {
                let group: Vec<(String, String)> = detector.group_names.iter().cloned().zip(spelling).collect();
                let folding_key = rule.key(Some(subject), &group);
                let silenced_by = self.silenced_by(detector.rule, silencing);
                let verdict = rule.verdict(&mut state.folding, &folding_key, silenced_by.as_ref(), time, state.clock);
                hits.push(Hit {
                    rule: detector.rule,
                    time,
                    start: None,
                    by: Some(place.clone()),
                    group,
                    metric: None,
                    why: Some(why),
                    evidence: vec![place],
                    evidence_total: 1,
                    key: folding_key,
                    silenced_by,
                    verdict,
                });
            }
            for offer in offers {
                self.offer(state, offer, Some(subject), hits);
            }
        }
        if state.habits > POOL_BYTES_MAX {
            make_room_for_habits(state);
        }
    }
}

/// What a match tells a rule that learns: its group, and what correlations of the rule ask for.
struct Told {
    key: GroupKey,
    spelling: Vec<String>,
    carried: Vec<Option<String>>,
}

/// A firing, as correlations of it take it in.
#[derive(Clone, Copy)]
struct Base<'a> {
    time: Timestamp,
    metric: f64,
    number: u64,
    key: &'a GroupKey,
    spelling: &'a [String],
    evidence: &'a [Place],
    carried: &'a [Vec<Option<String>>],
    excepted: &'a [String],
}

/// Bytes that a network is taken to need until it is weighed.
const NETWORK_BYTES: usize = 160;

/// A group is heard of: of silence. One thing waits for each group, however often it is heard of.
fn hear(state: &mut State, detector: usize, span: i64, subject: &Subject<'_>, key: GroupKey, spelling: Vec<String>) {
    let recorded_at = subject.place.recorded_at;
    // A claim to have been heard of in the future would hide all silence until then.
    let time = subject.place.event_time.min(recorded_at.plus_micros(LATENESS_MICROS));
    let memory = &mut state.memories[detector];
    if !memory.heard.contains_key(&key) {
        state.habits += weight_of_key(&key) + size_of::<crate::state::Heard>();
        memory.spellings.insert(key.clone(), spelling);
    }
    let known = memory.heard.get_mut(&key);
    let must_wait = known.as_ref().is_none_or(|heard| heard.is_told);
    match known {
        Some(heard) if heard.time >= time => return,
        Some(heard) => *heard = crate::state::Heard { time, recorded_at, is_told: false },
        None => {
            memory.heard.insert(key.clone(), crate::state::Heard { time, recorded_at, is_told: false });
        }
    }
    if must_wait {
        let at = time.max(recorded_at).plus_micros(span + SETTLE_MICROS);
        state.wait(Due { at, detector, group: key, time });
    }
    if state.habits > POOL_BYTES_MAX {
        make_room_for_habits(state);
    }
}

fn measured(address: &Address, kind: Kind, subject: &Subject<'_>) -> Option<Measured> {
    let text = address.text(subject)?;
    if kind == Kind::ValueCount {
        return Some(Measured::Text(bounded(text)));
    }
    text.trim().parse().ok().filter(|number: &f64| number.is_finite()).map(Measured::Number)
}

/// What the first comparison of a correlation is made with, as its text says; `None` where there is none.
pub fn threshold_of(document: &Document) -> Option<f64> {
    match &document.body {
        Body::Correlation(correlation) => match &correlation.condition {
            Condition::Threshold(comparisons) => comparisons.first().map(|(_, bound)| *bound),
            _ => None,
        },
        Body::Advisor(rule) => rule.window.as_ref().map(|window| window.bound),
        Body::Detection(_) | Body::Filter(_) => None,
    }
}

/// The kind of a rule for people: what it looks at.
pub fn kind_words(document: &Document) -> &'static str {
    match &document.body {
        Body::Detection(_) => "match",
        Body::Correlation(correlation) => correlation.kind.as_str(),
        Body::Filter(_) => "filter",
        Body::Advisor(rule) => rule.window.as_ref().map_or("match", |window| window.kind.as_str()),
    }
}
