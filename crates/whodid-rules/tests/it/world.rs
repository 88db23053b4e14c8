//! Rule texts and event texts become hits.

use whodid_decode::Format;
use whodid_model::Timestamp;
use whodid_rules::{Build, Document, Hit, Loaded, Problem, RuleSet, Run};

/// A time at which every event of a test has been taken in.
pub fn received() -> Timestamp {
    at("2030-01-01T00:00:00Z")
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap().at
}

/// The documents of a text, which must all be good.
pub fn documents(text: &str) -> Vec<Document> {
    let Loaded { documents, problems } = whodid_rules::load("rules.yml", text);
    assert!(problems.is_empty(), "{problems:?}");
    documents
}

/// What is wrong with a text, reading and compiling it.
pub fn problems(text: &str) -> Vec<Problem> {
    let Loaded { documents, mut problems } = whodid_rules::load("rules.yml", text);
    let build = Build { documents: documents.iter().collect(), with_dormant: true, ..Build::default() };
    problems.extend(RuleSet::compile(&build).1);
    problems
}

/// The rule set of a text, which must be good.
pub fn rules(text: &str) -> RuleSet {
    let documents = documents(text);
    compiled(&Build { documents: documents.iter().collect(), with_dormant: true, ..Build::default() })
}

pub fn compiled(build: &Build<'_>) -> RuleSet {
    let (rules, problems) = RuleSet::compile(build);
    assert!(problems.is_empty(), "{problems:?}");
    rules
}

/// The numbers of the events that each rule matches, as `rule: 0 2`.
pub fn matches(rules: &RuleSet, events: &str) -> Vec<String> {
    let mut found: Vec<Vec<u64>> = vec![Vec::new(); rules.rules().len()];
    Run::new(rules).each(Format::Auto, events.as_bytes(), received(), &mut |number, subject, rules, _| {
        rules.matches(subject).into_iter().for_each(|rule| found[rule].push(number));
    });
    let named = rules.rules().iter().zip(found);
    named
        .filter(|(_, numbers)| !numbers.is_empty())
        .map(|(rule, numbers)| {
            let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
            format!("{}: {}", rule.meta.id, numbers.join(" "))
        })
        .collect()
}

/// All hits of events, the end included.
pub fn hits(rules: &RuleSet, events: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut run = Run::new(rules);
    run.step(Format::Auto, events.as_bytes(), received(), &mut hits);
    run.finish(&mut hits);
    hits
}

/// The hits as `rule group time`, sorted.
pub fn told(rules: &RuleSet, hits: &[Hit]) -> Vec<String> {
    let mut told: Vec<String> = hits
        .iter()
        .map(|hit| {
            let group: Vec<&str> = hit.group.iter().map(|(_, value)| value.as_str()).collect();
            format!("{} {} {}", rules.rules()[hit.rule].meta.id, group.join(","), &hit.time.to_string()[11..19])
        })
        .collect();
    told.sort();
    told
}

/// A CADF event of a sign-in.
pub fn sign_in(time: &str, who: &str, outcome: &str, address: &str, agent: &str) -> String {
    serde_json::json!({
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event", "eventType": "activity",
        "id": format!("{time}-{who}-{outcome}"), "eventTime": format!("2026-06-01T{time}Z"),
        "action": "authenticate/login", "outcome": outcome,
        "initiator": {"id": who, "name": who, "typeURI": "service/security/account/user", "host": {"address": address, "agent": agent}},
        "target": {"id": "console", "typeURI": "service/security"}, "observer": {"id": "target"},
    })
    .to_string()
}
