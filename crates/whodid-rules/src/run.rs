//! Rules over bodies of events: for tests beside rules, and for files without a server.

use serde::Serialize;
use whodid_decode::Format;
use whodid_model::{Offset, StreamName, Timestamp};

use crate::document::Document;
use crate::ruleset::{Build, Hit, RuleSet};
use crate::state::State;
use crate::subject::{NoTexts, Place, Unread};
use crate::testing::{Expect, RuleTest};
use crate::variables::Values;

/// Events that are run one after the other through a rule set.
#[derive(Debug)]
pub struct Run<'r> {
    rules: &'r RuleSet,
    state: State,
    next: u64,
}

impl<'r> Run<'r> {
    /// A run that remembers nothing yet.
    pub fn new(rules: &'r RuleSet) -> Self {
        Self { rules, state: rules.new_state(), next: 0 }
    }

    /// Takes the events of a body in. `act` gets the number of each, counted over the whole run from 0, and the event.
    pub fn each(
        &mut self,
        format: Format,
        body: &[u8],
        received: Timestamp,
        act: &mut dyn FnMut(u64, &Unread<'_>, &RuleSet, &mut State),
    ) {
        for item in whodid_decode::decode(format, body, received) {
            let raw = std::str::from_utf8(item.raw).unwrap_or_default();
            let event_time = item.event.as_ref().map_or(received, |event| event.event_time);
            let place =
                Place { event_time, offset: Offset(self.next), stream: StreamName::activity(), recorded_at: received };
            let texts: &dyn crate::Texts = match &item.event {
                Ok(event) => event,
                Err(_) => &NoTexts,
            };
            act(
                self.next,
                &Unread { place: &place, source: item.format.as_str(), texts, raw: &raw },
                self.rules,
                &mut self.state,
            );
            self.next += 1;
        }
    }

    /// Takes a body in and tells what is hit.
    pub fn step(&mut self, format: Format, body: &[u8], received: Timestamp, hits: &mut Vec<Hit>) {
        self.each(format, body, received, &mut |_, event, rules, state| rules.step(state, event, hits));
    }

    /// Judges what waits for the end.
    pub fn finish(&mut self, hits: &mut Vec<Hit>) {
        self.rules.finish(&mut self.state, hits);
    }

    /// What had to be left out so far.
    pub fn drops(&self) -> crate::Drops {
        self.state.drops()
    }
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The rule.
    pub rule_id: String,
    /// The test.
    pub name: String,
    /// What was expected.
    pub expect: Expect,
    /// How many matches there were.
    pub matches: u64,
    /// Whether it is as expected.
    pub passed: bool,
    /// What is wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Runs the tests that stand beside `document`, among `documents`, which hold the rules that it refers to.
pub fn run_tests(document: &Document, documents: &[&Document], variables: &Values, now: Timestamp) -> Vec<Outcome> {
    run_all_tests(&[document], documents, variables, now)
}

/// Runs the tests that stand beside each of `tested`, among `documents`, which are compiled once. Documents of packages
/// have the values that their packages bring: tests are written for these, and not for what an account gave.
pub fn run_all_tests(
    tested: &[&Document],
    documents: &[&Document],
    variables: &Values,
    now: Timestamp,
) -> Vec<Outcome> {
    if tested.iter().all(|document| document.tests.is_empty()) {
        return Vec::new();
    }
    // As live: a rule whose logsource keeps it from its own events must not pass.
    let build = Build {
        documents: documents.to_vec(),
        variables: variables.in_tests(),
        with_dormant: true,
        routes: true,
        ..Build::default()
    };
    let (mut rules, problems) = RuleSet::compile(&build);
    rules.report_correlations();
    tested.iter().flat_map(|document| outcomes(document, &rules, &problems, now)).collect()
}

fn outcomes(document: &Document, rules: &RuleSet, problems: &[crate::Problem], now: Timestamp) -> Vec<Outcome> {
    let id = &document.meta().id;
    let index = rules.rules().iter().position(|rule| rule.meta.id == *id);
    let broken =
        problems.iter().find(|problem| problem.rule.as_ref() == Some(id) && problem.gravity == crate::Gravity::Error);
    document
        .tests
        .iter()
        .map(|test| {
            let failed = |detail: String| Outcome {
                rule_id: id.clone(),
                name: test.name.clone(),
                expect: test.expect,
                matches: 0,
                passed: false,
                detail: Some(detail),
            };
            match (broken, index) {
                (Some(problem), _) => failed(problem.message.clone()),
                (None, None) => failed("the rule was not compiled".to_owned()),
                (None, Some(index)) => run_test(rules, index, id, test, now),
            }
        })
        .collect()
}

fn run_test(rules: &RuleSet, index: usize, id: &str, test: &RuleTest, now: Timestamp) -> Outcome {
    let format = Format::parse(&test.format).unwrap_or(Format::Auto);
    let start = test.at.as_deref().and_then(|text| Timestamp::parse(text).ok()).map(|parsed| parsed.at);
    let mut state = rules.new_state();
    let mut hits = Vec::new();
    let mut first = None;
    let mut unread = None;
    for (number, (text, after)) in test.events.iter().zip(&test.after_micros).enumerate() {
        let items = whodid_decode::decode(format, text.as_bytes(), start.unwrap_or(now));
        let Some(item) = items.first() else { continue };
        let raw = std::str::from_utf8(item.raw).unwrap_or_default();
        let own = item.event.as_ref().map_or(start.unwrap_or(now), |event| event.event_time);
        let begin = *first.get_or_insert(start.unwrap_or(own));
        let event_time = match (after, start) {
            (Some(after), _) => begin.plus_micros(*after),
            (None, Some(start)) if number == 0 => start,
            (None, _) => own,
        };
        if let Err(reject) = &item.event {
            // A rule's author may write only the few fields that the rule looks at.
            unread = Some(format!("event {} is no complete event: {}", number + 1, reject.detail));
        }
        let place =
            Place { event_time, offset: Offset(number as u64), stream: stream_of(raw), recorded_at: event_time };
        let texts: &dyn crate::Texts = match &item.event {
            Ok(event) => event,
            Err(_) => &NoTexts,
        };
        let event = Unread { place: &place, source: item.format.as_str(), texts, raw: &raw };
        if rules.rules()[index].is_reported || rules.rules()[index].kind == crate::RuleKind::Correlation {
            rules.step(&mut state, &event, &mut hits);
        } else if rules.matches(&event).contains(&index) {
            hits.push(Hit {
                rule: index,
                time: event_time,
                start: None,
                by: Some(place.clone()),
                group: Vec::new(),
                metric: None,
                why: None,
                evidence: vec![place.clone()],
                evidence_total: 1,
                key: String::new(),
                silenced_by: None,
                verdict: crate::Verdict::Finding,
            });
        }
    }
    rules.finish(&mut state, &mut hits);
    let matches = hits.iter().filter(|hit| hit.rule == index).count() as u64;
    let passed = match test.expect {
        Expect::Match => matches > 0,
        Expect::NoMatch => matches == 0,
        Expect::Count(count) => matches == count,
    };
    let detail = (!passed).then(|| {
        let found = format!("{matches} match{} instead", if matches == 1 { "" } else { "es" });
        unread.map_or(found.clone(), |unread| format!("{found} ({unread})"))
    });
    Outcome { rule_id: id.to_owned(), name: test.name.clone(), expect: test.expect, matches, passed, detail }
}

/// What whodid tells of itself is known by its actions; in the store it stands in a stream of its own.
fn stream_of(raw: &str) -> StreamName {
    if raw.contains("\"whodid.insight.") && raw.contains("\"insightType\"") {
        return StreamName::insights();
    }
    if raw.contains("\"whodid.") && raw.contains("\"observer\"") { StreamName::audit() } else { StreamName::activity() }
}
