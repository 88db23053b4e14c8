//! A compiled set of rules, and the one function that live detection, tests and backtests share: [`RuleSet::step`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};
use whodid_decode::json;
use whodid_model::{Field, StreamName, Timestamp};
use whodid_query::Expr;

use crate::address::{Address, Vocabulary};
use crate::correlate::{CHAIN_MAX, Detector, Feed};
use crate::document::{Body, Document};
use crate::exception::Exception;
use crate::folding::{Folding, Verdict};
use crate::hours::{Hours, HoursError};
use crate::learning::Past;
use crate::meta::{Level, Meta};
use crate::network::{Locate, Nowhere};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::require;
use crate::screen::Screen;
use crate::sigma::{self, Matcher, Owned, SigmaDetection, SigmaFilter};
use crate::state::{Snapshot, SnapshotView, State, bounded};
use crate::subject::{Place, Subject, Unread};
use crate::variables::{Scope, Values};

/// What a rule is, once compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// It matches single events.
    Match,
    /// It correlates matches.
    Correlation,
}

/// A compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// What it says about itself, tuning applied.
    pub meta: Meta,
    /// What it is.
    pub kind: RuleKind,
    /// The file it stands in.
    pub file: String,
    /// Whether its matches are findings; rules that only feed a correlation are not.
    pub is_reported: bool,
    /// Whether it is switched off in its package until somebody fills it in.
    pub is_dormant: bool,
    /// Which text it is; see [`Document::version`].
    pub fingerprint: String,
    /// Who is said to find it.
    pub provider: String,
    /// Whether it sees what whodid tells of itself.
    pub sees_audit: bool,
    /// The hours at which it holds, variables filled in.
    pub(crate) hours: Option<Hours>,
    dedup: Vec<Address>,
}

/// Something that a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The rule's place in [`RuleSet::rules`].
    pub rule: usize,
    /// When: the time of the event, or the end of the window.
    pub time: Timestamp,
    /// Where the window begins.
    pub start: Option<Timestamp>,
    /// The event that completed it; `None` when time did, and whatever event came next has nothing to do with it.
    pub by: Option<Place>,
    /// The group, with the fields that it is made by.
    pub group: Vec<(String, String)>,
    /// What was measured.
    pub metric: Option<f64>,
    /// Why it is unusual, where the kind of rule can say.
    pub why: Option<String>,
    /// The events behind it, the newest.
    pub evidence: Vec<Place>,
    /// How many there are.
    pub evidence_total: u64,
    /// The values by which hits are folded.
    pub key: String,
    /// The exception that silences it.
    pub silenced_by: Option<String>,
    /// What the rule's policy makes of it.
    pub verdict: Verdict,
}

/// Changes to a rule that are kept apart from it.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tuning {
    /// Another level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Another threshold of a correlation: what its first comparison is made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Another policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Whether it is switched off, whatever it says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dormant: Option<bool>,
}

/// What a rule set is made of.
#[derive(Debug, Default)]
pub struct Build<'a> {
    /// The documents.
    pub documents: Vec<&'a Document>,
    /// Values of variables, of each package its own.
    pub variables: Values,
    /// Tuning by rule id.
    pub tuning: BTreeMap<String, Tuning>,
    /// Exceptions.
    pub exceptions: Vec<Exception>,
    /// Whether rules marked dormant run too, as when they are tested.
    pub with_dormant: bool,
    /// Ids of rules that are there for correlations alone, and report nothing themselves.
    pub silent: BTreeSet<String>,
    /// Ids of rules that see nothing of what whodid tells of itself: whoever wrote them may not.
    pub without_audit: BTreeSet<String>,
    /// Whether an event's source rules out rules that are for others.
    pub routes: bool,
}

/// Rules of whodid's own that tell when somebody makes it blind, or that it is. No exception and no silence covers them.
const GUARDS: [&str; 8] = [
    "whodid-self-alerts-silenced",
    "whodid-self-channel-not-told",
    "whodid-self-events-erased",
    "whodid-self-exclusion",
    "whodid-self-reads-not-told",
    "whodid-self-rule-unusable",
    "whodid-self-rules-off",
    "whodid-self-rules-weakened",
];

/// Whether a rule is one of those that no exception and no silence covers.
pub fn is_guard(id: &str) -> bool {
    GUARDS.contains(&id)
}

/// Rules, ready to be asked.
pub struct RuleSet {
    rules: Vec<Rule>,
    matcher: Matcher,
    screen: Screen,
    /// Rules of Security Advisor, by the action that they need; those that need none under "".
    advisor: HashMap<String, Vec<AdvisorPart>>,
    pub(crate) detectors: Vec<Detector>,
    /// Which correlations a rule feeds, by rule and part.
    pub(crate) feeds: HashMap<(usize, u32), Vec<Feed>>,
    exceptions: Vec<Exception>,
    fingerprints: Vec<String>,
    locate: Box<dyn Locate + Send>,
    routes: bool,
    required: Expr,
    /// The same of each rule that looks at single events.
    required_of: HashMap<usize, Expr>,
    /// What besides the text of a rule says what it matches: values of variables, and filters. As a fingerprint.
    pub(crate) setting: String,
}

#[derive(Debug, Clone)]
struct AdvisorPart {
    rule: usize,
    part: u32,
    condition: crate::advisor::Cond,
    /// Whether a match of it is a match of the rule.
    is_match: bool,
}

/// Numbers from here on stand for exceptions in the matcher.
const EXCEPTIONS_FROM: usize = 1 << 32;

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("RuleSet").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

impl RuleSet {
    /// Compiles rules. Those that cannot be used are left out and told.
    pub fn compile(build: &Build<'_>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut detections: HashMap<usize, SigmaDetection> = HashMap::new();
        let mut filters: Vec<Owned<'_, SigmaFilter>> = Vec::new();
        let mut filter_documents: Vec<&Document> = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        let mut documents: Vec<&Document> = Vec::new();
        let mut known: HashMap<String, &str> = HashMap::new();
        let mut broken: Vec<usize> = Vec::new();
        for document in &build.documents {
            if let Body::Filter(filter) = &document.body {
                let (package, mut item) = (document.package.as_deref(), filter.as_ref().clone());
                // One that cannot be used narrows nothing: it must not take the rules out that it is laid over.
                let missing = item.fill_in(build.variables.of(package));
                if missing.is_empty() {
                    filters.push(Owned { package, item });
                    filter_documents.push(document);
                }
                problems.extend(missing.into_iter().map(|problem| located(problem, document)));
                continue;
            }
            let meta = document.meta();
            if let Some(file) = known.insert(meta.id.clone(), &document.file) {
                let message = format!("another rule has the id '{}' (in {file}); ids must differ", meta.id);
                problems.push(located(Problem::error("duplicate", message), document));
                continue;
            }
            let index = rules.len();
            let mut rule = Rule::of(document);
            rule.tune(build.tuning.get(&meta.id));
            rule.sees_audit = !build.without_audit.contains(&meta.id);
            if rule.runs(build) {
                if let Err(problem) = rule.fill_hours(build.variables.of(document.package.as_deref())) {
                    problems.push(located(problem, document));
                    broken.push(index);
                } else if let Body::Detection(detection) = &document.body {
                    detections.insert(index, detection.as_ref().clone());
                }
            }
            rules.push(rule);
            documents.push(document);
        }
        let mut by_number: Vec<(&usize, &mut SigmaDetection)> = detections.iter_mut().collect();
        by_number.sort_by_key(|(number, _)| **number);
        let package_of = |number: usize| documents[number].package.as_deref();
        let mut laid: Vec<Owned<'_, &mut SigmaDetection>> =
            by_number.into_iter().map(|(number, item)| Owned { package: package_of(*number), item }).collect();
        let unused = sigma::lay_filters(&mut laid, &filters).into_iter();
        problems.extend(unused.map(|(number, problem)| located(problem, filter_documents[number])));
        let mut matcher = Matcher::default();
        let scope_of = |number: usize| build.variables.of(documents[number].package.as_deref());
        let mut wanted: Vec<(usize, &SigmaDetection, Scope<'_>)> =
            detections.iter().map(|(number, detection)| (*number, detection, scope_of(*number))).collect();
        wanted.sort_by_key(|(number, ..)| *number);
        let exceptions: Vec<(usize, SigmaDetection)> = build
            .exceptions
            .iter()
            .enumerate()
            .filter_map(|(index, exception)| match exception.detection() {
                Ok(detection) => Some((EXCEPTIONS_FROM + index, detection)),
                Err(problem) => {
                    problems.push(problem);
                    None
                }
            })
            .collect();
        wanted.extend(exceptions.iter().map(|(number, detection)| (*number, detection, build.variables.of(None))));
        for (number, problem) in matcher.add(&wanted) {
            match documents.get(number) {
                Some(document) => problems.push(located(problem, document)),
                None => problems.push(problem),
            }
            broken.push(number);
        }
        let of_detection = |(number, detection): (&usize, &SigmaDetection)| {
            (*number, require::of_detection(detection, scope_of(*number), build.routes))
        };
        let required_of: HashMap<usize, Expr> = detections.iter().map(of_detection).collect();
        let mut required: Vec<(&usize, &Expr)> = required_of.iter().collect();
        required.sort_unstable_by_key(|(number, _)| **number);
        let required = require::any(required.into_iter().map(|(_, required)| required.clone()));
        let filters: Vec<(&str, &str)> =
            filter_documents.iter().map(|filter| (filter.meta().id.as_str(), filter.version.as_str())).collect();
        let setting = fingerprint(&format!("{:?} {filters:?}", build.variables));
        let mut set = Self {
            rules,
            screen: Screen::default(),
            matcher,
            advisor: HashMap::new(),
            detectors: Vec::new(),
            feeds: HashMap::new(),
            exceptions: build.exceptions.clone(),
            fingerprints: Vec::new(),
            locate: Box::new(Nowhere),
            routes: build.routes,
            required: Expr::All,
            required_of,
            setting,
        };
        for (index, document) in documents.iter().enumerate() {
            if let Body::Advisor(rule) = &document.body
                && set.rules[index].runs(build)
            {
                set.add_advisor(index, rule);
            }
        }
        let actions: Vec<&str> = set.advisor.keys().map(String::as_str).filter(|action| !action.is_empty()).collect();
        set.screen = set.matcher.screen(&actions);
        set.add_correlations(&documents, build, &broken, &mut problems);
        set.rules
            .iter_mut()
            .filter(|rule| build.silent.contains(&rule.meta.id))
            .for_each(|rule| rule.is_reported = false);
        set.required = require::any([required, require::of_actions(set.advisor.keys())].into_iter());
        set.fingerprints = set.detectors.iter().map(|detector| memory_name(detector.rule, &documents, 0)).collect();
        (set, problems)
    }

    /// Has correlations that are parts of others report too: a part may have tests of its own.
    pub(crate) fn report_correlations(&mut self) {
        let correlations = self.rules.iter_mut().filter(|rule| rule.kind == RuleKind::Correlation);
        correlations.for_each(|rule| rule.is_reported = true);
    }

    /// Gives the database that tells where addresses are.
    #[must_use]
    pub fn with_locations(mut self, locate: Box<dyn Locate + Send>) -> Self {
        self.locate = locate;
        self
    }

    /// All rules, in the order of their documents.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What every event satisfies that any of the rules matches, as a condition of the search language. Says nothing of
    /// rules that hear of silence: those must see what is not there, too.
    pub fn required(&self) -> &Expr {
        &self.required
    }

    /// What every event satisfies that a rule matches by itself; everything, where that cannot be said.
    pub(crate) fn required_of(&self, rule: usize) -> Expr {
        self.required_of.get(&rule).cloned().unwrap_or(Expr::All)
    }

    /// A state that remembers nothing.
    pub fn new_state(&self) -> State {
        State { memories: vec![Default::default(); self.detectors.len()], ..State::default() }
    }

    /// The stored form of a state, to be written.
    pub fn snapshot<'a>(&'a self, state: &'a State) -> SnapshotView<'a> {
        state.view(&self.fingerprints)
    }

    /// A stored state taken up again: rules that are still the same go on, others begin anew.
    pub fn restore(&self, snapshot: Snapshot) -> State {
        State::restore(snapshot, &self.fingerprints)
    }

    /// The state carried over to another rule set.
    pub fn carry(&self, state: &State, into: &Self) -> State {
        into.restore(state.snapshot(&self.fingerprints))
    }

    /// The rules that an event matches by itself, hidden ones included, ascending.
    pub fn matches(&self, event: &Unread<'_>) -> Vec<usize> {
        let mut found = Vec::new();
        self.read(event, |subject, places| {
            self.matcher.matches(subject, places, &mut found);
            found.retain(|number| *number < EXCEPTIONS_FROM);
            self.for_advisor(subject, &mut |part| {
                if part.is_match {
                    found.push(part.rule);
                }
            });
        });
        found.sort_unstable();
        found.dedup();
        found.retain(|rule| self.is_asked(*rule, event.place));
        found
    }

    /// How many rules the columns of an event leave over.
    #[cfg(test)]
    pub(crate) fn remaining_by_columns(&self, event: &Unread<'_>) -> usize {
        self.screen.by_columns(event, self.routes, &self.matcher.fields).len()
    }

    /// The same, told by asking every rule: what the screen is tested against.
    #[cfg(test)]
    pub(crate) fn matches_unscreened(&self, event: &Unread<'_>) -> Vec<usize> {
        let raw = event.raw.text();
        let tree = json::parse(&raw).ok();
        let Unread { place, source, texts, .. } = *event;
        let subject = Subject { place, source, texts, raw: &raw, tree: tree.as_ref() };
        let mut found = Vec::new();
        let places: Vec<u32> = self.screen.routed(&subject, self.routes).collect();
        self.matcher.matches(&subject, &places, &mut found);
        found.retain(|number| *number < EXCEPTIONS_FROM);
        self.for_advisor(&subject, &mut |part| {
            if part.is_match {
                found.push(part.rule);
            }
        });
        found.sort_unstable();
        found.dedup();
        found.retain(|rule| self.is_asked(*rule, event.place));
        found
    }

    /// Takes one event in: what it matches, and what correlations make of it. Live detection, tests and backtests
    /// call this and nothing else.
    pub fn step(&self, state: &mut State, event: &Unread<'_>, hits: &mut Vec<Hit>) {
        let time = event.place.event_time;
        state.horizon = state.horizon.max(time.min(event.place.recorded_at));
        self.tick(state, event.place.recorded_at, hits);
        self.read(event, |subject, places| {
            // Exceptions are asked only of what matches.
            let first_exception = places.partition_point(|place| self.matcher.number(*place) < EXCEPTIONS_FROM);
            let mut numbers = Vec::new();
            self.matcher.matches(subject, &places[..first_exception], &mut numbers);
            let mut matched: Vec<(usize, u32, bool)> = numbers.into_iter().map(|rule| (rule, 0, true)).collect();
            self.for_advisor(subject, &mut |part| matched.push((part.rule, part.part, part.is_match)));
            matched.retain(|(rule, ..)| self.is_asked(*rule, subject.place));
            if matched.is_empty() {
                return;
            }
            let mut excepted = Vec::new();
            self.matcher.matches(subject, &places[first_exception..], &mut excepted);
            let silencing: Vec<&Exception> = excepted
                .iter()
                .map(|number| &self.exceptions[number - EXCEPTIONS_FROM])
                .filter(|exception| exception.holds_at(subject.place.recorded_at))
                .collect();
            for (rule, part, is_match) in matched {
                if is_match && self.rules[rule].is_reported && self.rules[rule].kind == RuleKind::Match {
                    hits.push(self.hit_of_event(state, rule, subject, &silencing));
                }
                for feed in self.feeds.get(&(rule, part)).into_iter().flatten() {
                    self.offer_event(state, feed, subject, &silencing, hits);
                }
            }
        });
    }

    /// Shows an event of the past to those that are to learn from it, in a state of their own: see
    /// [`RuleSet::unlearned`].
    pub fn show(&self, state: &mut State, past: &Past, event: &Unread<'_>) {
        self.read(event, |subject, places| {
            let mut numbers = Vec::new();
            let first_exception = places.partition_point(|place| self.matcher.number(*place) < EXCEPTIONS_FROM);
            self.matcher.matches(subject, &places[..first_exception], &mut numbers);
            numbers.retain(|rule| self.is_asked(*rule, subject.place));
            let mut hits = Vec::new();
            for feed in numbers.into_iter().filter_map(|rule| self.feeds.get(&(rule, 0))).flatten() {
                if past.is_for(feed.detector) {
                    self.offer_event(state, feed, subject, &[], &mut hits);
                }
            }
        });
    }

    /// Reads an event in full, unless no rule can match it, and acts with the places of the rules that can.
    fn read(&self, event: &Unread<'_>, act: impl FnOnce(&Subject<'_>, &[u32])) {
        let concerns =
            |places: &[u32]| places.first().is_some_and(|first| self.matcher.number(*first) < EXCEPTIONS_FROM);
        let by_columns = self.screen.by_columns(event, self.routes, &self.matcher.fields);
        let action = event.texts.text(Field::Action).unwrap_or_default();
        let has_advisor = self.advisor.contains_key("") || self.advisor.contains_key(action);
        if !concerns(&by_columns) && self.advisor.is_empty() {
            return;
        }
        let raw = event.raw.text();
        let remaining = self.screen.by_text(&by_columns, event, &raw);
        if !concerns(&remaining.rules) && !has_advisor && !remaining.has_action {
            return;
        }
        let tree = json::parse(&raw).ok();
        let Unread { place, source, texts, .. } = *event;
        act(&Subject { place, source, texts, raw: &raw, tree: tree.as_ref() }, &remaining.rules);
    }

    /// Lets time pass: what is due by `now` is judged.
    pub fn tick(&self, state: &mut State, now: Timestamp, hits: &mut Vec<Hit>) {
        if now < state.clock {
            return;
        }
        state.clock = now;
        self.judge_due(state, Some(now), hits);
    }

    /// Judges what waits, as far as the events reach: the end of a test, a backtest, a file.
    pub fn finish(&self, state: &mut State, hits: &mut Vec<Hit>) {
        self.judge_due(state, None, hits);
    }

    /// Whether a rule that matches an event is meant: it is the hour for it, and it may see the stream.
    fn is_asked(&self, rule: usize, place: &Place) -> bool {
        let rule = &self.rules[rule];
        rule.may_see(place) && rule.hours.as_ref().is_none_or(|hours| hours.holds(place.event_time))
    }

    fn for_advisor(&self, subject: &Subject<'_>, act: &mut dyn FnMut(&AdvisorPart)) {
        if self.advisor.is_empty() {
            return;
        }
        let action = subject.texts.text(Field::Action).unwrap_or_default();
        let raw_action =
            subject.tree.and_then(|tree| tree.get("action")).and_then(|node| node.text()).unwrap_or_default();
        let mut names = vec![""];
        names.extend([action, raw_action].into_iter().filter(|name| !name.is_empty()));
        names.dedup();
        for name in names {
            self.advisor
                .get(name)
                .into_iter()
                .flatten()
                .filter(|part| part.condition.holds(subject))
                .for_each(&mut *act);
        }
    }

    fn hit_of_event(&self, state: &mut State, rule: usize, subject: &Subject<'_>, silencing: &[&Exception]) -> Hit {
        let compiled = &self.rules[rule];
        let key = compiled.key(Some(subject), &[]);
        let silenced_by = self.silenced_by(rule, silencing);
        let time = subject.place.event_time;
        let verdict = compiled.verdict(&mut state.folding, &key, silenced_by.as_ref(), time, state.clock);
        Hit {
            rule,
            time,
            start: None,
            by: Some(subject.place.clone()),
            group: Vec::new(),
            metric: None,
            why: None,
            evidence: vec![subject.place.clone()],
            evidence_total: 1,
            key,
            silenced_by,
            verdict,
        }
    }

    pub(crate) fn silenced_by(&self, rule: usize, silencing: &[&Exception]) -> Option<String> {
        let meta = &self.rules[rule].meta;
        if is_guard(&meta.id) {
            return None;
        }
        silencing.iter().find(|exception| exception.is_for(meta)).map(|exception| exception.id.clone())
    }

    pub(crate) fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    pub(crate) fn locate(&self) -> &dyn Locate {
        self.locate.as_ref()
    }

    fn add_advisor(&mut self, index: usize, rule: &crate::advisor::AdvisorRule) {
        for (part, one) in rule.parts.iter().enumerate() {
            let part = AdvisorPart {
                rule: index,
                part: part as u32,
                condition: one.condition.clone(),
                is_match: rule.window.is_none(),
            };
            let actions = one.condition.required_actions().unwrap_or_else(|| vec![String::new()]);
            for action in actions {
                let parts = self.advisor.entry(action).or_default();
                if !parts.iter().any(|known| known.rule == part.rule && known.part == part.part) {
                    parts.push(part.clone());
                }
            }
        }
    }

    fn add_correlations(
        &mut self,
        documents: &[&Document],
        build: &Build<'_>,
        broken: &[usize],
        problems: &mut Vec<Problem>,
    ) {
        let built = Detector::build_all(documents, &self.rules, build, broken, problems);
        for index in built.fed_only {
            self.rules[index].is_reported = false;
        }
        self.detectors = built.detectors;
        self.feeds = built.feeds;
    }
}

impl Rule {
    fn of(document: &Document) -> Self {
        let meta = document.meta().clone();
        let is_dormant = meta.extension.dormant;
        let (kind, is_dormant, vocabulary) = match &document.body {
            Body::Correlation(_) => (RuleKind::Correlation, is_dormant, Vocabulary::Ours),
            Body::Advisor(rule) => {
                let kind = if rule.window.is_some() { RuleKind::Correlation } else { RuleKind::Match };
                (kind, rule.is_dormant, Vocabulary::Source)
            }
            Body::Detection(detection) => (RuleKind::Match, is_dormant, detection.vocabulary()),
            Body::Filter(_) => (RuleKind::Match, false, Vocabulary::Source),
        };
        let names = &meta.extension.policy.dedup_key;
        Self {
            kind,
            file: document.file.clone(),
            is_reported: true,
            is_dormant,
            fingerprint: document.version.clone(),
            provider: document.provider().to_owned(),
            sees_audit: true,
            hours: None,
            dedup: names.iter().map(|name| Address::new(name, vocabulary)).collect(),
            meta,
        }
    }

    /// Whether it may see a record.
    pub(crate) fn may_see(&self, place: &Place) -> bool {
        self.sees_audit || place.stream != StreamName::audit()
    }

    /// Whether it is not switched off, or such rules are to run too.
    pub(crate) fn runs(&self, build: &Build<'_>) -> bool {
        build.with_dormant || !self.is_dormant
    }

    fn fill_hours(&mut self, variables: Scope<'_>) -> Result<(), Problem> {
        let Some(stated) = &self.meta.extension.hours else { return Ok(()) };
        self.hours = Some(stated.filled(variables).map_err(|error| match error {
            HoursError::NoValue(error) => error.problem(),
            HoursError::Wrong(message) => Problem::error("hours", message),
        })?);
        Ok(())
    }

    fn tune(&mut self, tuning: Option<&Tuning>) {
        let Some(tuning) = tuning else { return };
        if let Some(level) = tuning.level {
            self.meta.level = level;
        }
        if let Some(dormant) = tuning.dormant {
            self.is_dormant = dormant;
        }
        if let Some(policy) = &tuning.policy {
            self.meta.extension.policy = policy.clone();
            self.dedup = policy.dedup_key.iter().map(|name| Address::new(name, Vocabulary::Ours)).collect();
        }
    }

    /// What the policy makes of a hit. Silenced ones are folded apart, so that silence can be seen and hides nothing else.
    pub(crate) fn verdict(
        &self,
        folding: &mut Folding,
        key: &str,
        silenced_by: Option<&String>,
        time: Timestamp,
        now: Timestamp,
    ) -> Verdict {
        let (id, policy) = (&self.meta.id, &self.meta.extension.policy);
        match silenced_by {
            Some(_) => folding.judge_silenced(id, key, policy, time),
            None => folding.judge(id, key, policy, time, now),
        }
    }

    /// The values by which hits are folded: those of the policy's fields, else the group, else who did it.
    pub(crate) fn key(&self, subject: Option<&Subject<'_>>, group: &[(String, String)]) -> String {
        match subject {
            Some(subject) if !self.dedup.is_empty() => {
                let value = |address: &Address| bounded(address.texts(subject).join(",").into());
                self.dedup.iter().map(value).collect::<Vec<String>>().join("\u{1f}")
            }
            Some(subject) if group.is_empty() && self.kind == RuleKind::Match => {
                let fields = [Field::InitiatorId, Field::InitiatorName, Field::Address];
                let who = fields.into_iter().find_map(|field| subject.texts.text(field));
                bounded(who.unwrap_or_default().into())
            }
            _ => group.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("\u{1f}"),
        }
    }
}

/// The name under which what a correlation remembers is kept: of what it is made of, and the rules it refers to, so that a
/// rule that means something else begins anew, and one with another title or test does not.
fn memory_name(index: usize, documents: &[&Document], depth: usize) -> String {
    let document = documents[index];
    let mut text = format!("{}\n{}", document.meta().id, document.meaning());
    if let (Body::Correlation(correlation), true) = (&document.body, depth < CHAIN_MAX) {
        for name in &correlation.rules {
            let in_file = documents.iter().position(|other| other.file == document.file && other.is_called(name));
            if let Some(index) = in_file.or_else(|| documents.iter().position(|other| other.is_called(name))) {
                text.push('\n');
                text.push_str(&memory_name(index, documents, depth + 1));
            }
        }
    }
    fingerprint(&text)
}

fn located(problem: Problem, document: &Document) -> Problem {
    let rule = problem.rule.clone().or_else(|| Some(document.meta().id.clone()));
    let line = Some(document.line).filter(|line| *line > 0);
    Problem { file: Some(document.file.clone()), document: document.number, line, rule, ..problem }
}

/// The hash that tells one rule's text from another: all of it, to be compared with what the audit log holds.
pub(crate) fn version_of(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

/// The hash of a text, short enough to be shown.
pub(crate) fn fingerprint(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes())[..16])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::load;
    use crate::run::Run;

    const RULES: &str = "
title: Asleep
id: asleep
logsource: {category: activity}
detection: {selection: {action: open}, condition: selection}
whodid: {dormant: true}
---
title: Part
id: part
logsource: {category: activity}
detection: {selection: {action: open}, condition: selection}
---
title: Counted
id: counted
correlation: {type: event_count, rules: [part], timespan: 1m, condition: {gte: 1}}
whodid: {dormant: true}
---
title: After hours
id: late
logsource: {category: activity}
detection: {selection: {action: open}, condition: selection}
whodid: {hours: {outside: '%hours%'}}
";

    fn found(build: Build<'_>) -> (Vec<String>, Vec<String>) {
        let loaded = load("rules.yml", RULES);
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        let (rules, problems) = RuleSet::compile(&Build { documents: loaded.documents.iter().collect(), ..build });
        let event = br#"{"time": "2026-03-02T20:00:00Z", "action": "open", "actor": "alice"}"#;
        let at = Timestamp::parse("2026-03-02T20:00:00Z").unwrap().at;
        let mut hits = Vec::new();
        Run::new(&rules).step(whodid_decode::Format::Auto, event, at, &mut hits);
        let ids = hits.iter().map(|hit| rules.rules()[hit.rule].meta.id.clone()).collect();
        (ids, problems.iter().map(|problem| format!("{} {}", problem.code, problem.message)).collect())
    }

    fn hours(value: &str) -> Values {
        sigma::Variables::from([("hours".to_owned(), vec![value.to_owned()])]).into()
    }

    #[test]
    fn a_dormant_rule_finds_nothing_and_its_parts_stay_parts() {
        let (ids, problems) = found(Build { variables: hours("08:00-17:00"), ..Build::default() });
        assert_eq!((ids, problems), (vec!["late".to_owned()], Vec::new()));
    }

    #[test]
    fn dormant_rules_run_when_they_are_asked_for() {
        let variables = hours("08:00-17:00");
        let (ids, _) = found(Build { variables: variables.clone(), with_dormant: true, ..Build::default() });
        assert_eq!(ids, ["asleep", "counted", "late"]);
        let awake = Tuning { dormant: Some(false), ..Tuning::default() };
        let tuning = BTreeMap::from([("asleep".to_owned(), awake)]);
        let (ids, _) = found(Build { variables, tuning, ..Build::default() });
        assert_eq!(ids, ["asleep", "late"]);
    }

    #[test]
    fn hours_that_cannot_be_filled_in_leave_the_rule_out() {
        let (ids, problems) = found(Build::default());
        assert_eq!(ids, Vec::<String>::new());
        assert_eq!(problems, ["needs_configuration the rule needs values for the variable 'hours'"]);
        let (_, problems) = found(Build { variables: hours("nine to five"), ..Build::default() });
        assert_eq!(problems, ["hours 'nine to five' is no window such as 08:00-17:00"]);
    }
}
