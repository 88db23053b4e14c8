//! Exceptions and tuning: kept apart from rules, visible, with an end.

use std::collections::BTreeMap;

use crate::world::{at, compiled, documents, hits, received, sign_in, told};
use whodid_rules::{Build, Exception, ExceptionScope, Level, Policy, RuleSet, Tuning, Verdict};

const RULE: &str = "title: T\nid: t\nlogsource: {category: activity}\ndetection: {sel: {outcome: failure}, condition: sel}\n---\n\
    title: Three\nid: three\ncorrelation: {type: event_count, rules: [t], generate: true, group-by: [initiator.name], timespan: 1h, condition: {gte: 3}}\n";

fn exception(scope: ExceptionScope, expires_at: Option<&str>) -> Exception {
    Exception {
        id: "e1".to_owned(),
        scope,
        events: BTreeMap::from([
            ("initiator.name".to_owned(), vec!["bob".into()]),
            ("initiator.host.address|cidr".to_owned(), vec!["192.0.2.0/24".into()]),
        ]),
        owner: "mara".to_owned(),
        reason: "tests of the new service".to_owned(),
        expires_at: expires_at.map(at),
    }
}

fn events() -> String {
    let line = |time: &str, who: &str, address: &str| sign_in(time, who, "failure", address, "x") + "\n";
    line("10:00:00", "bob", "192.0.2.1")
        + &line("10:00:01", "bob", "203.0.113.1")
        + &line("10:00:02", "eve", "192.0.2.1")
}

#[test]
fn a_silenced_match_stays_visible_and_is_no_finding() {
    let documents = documents(RULE);
    let only = ExceptionScope::Rules(vec!["t".to_owned()]);
    let build =
        Build { documents: documents.iter().collect(), exceptions: vec![exception(only, None)], ..Build::default() };
    let rules = compiled(&build);
    let found = hits(&rules, &events());
    let silenced: Vec<Option<&str>> = found.iter().map(|hit| hit.silenced_by.as_deref()).collect();
    assert_eq!(silenced, [Some("e1"), None, None]);
    assert_eq!(found[0].verdict, Verdict::Finding, "it is told, as silenced");
    assert_eq!(found[1].verdict, Verdict::Finding, "a silenced match does not fold others");
}

#[test]
fn an_exception_ends_at_its_time() {
    let documents = documents(RULE);
    let ended = exception(ExceptionScope::All, Some("2029-12-31T00:00:00Z"));
    assert!(!ended.holds_at(received()));
    let build = Build { documents: documents.iter().collect(), exceptions: vec![ended], ..Build::default() };
    let rules = compiled(&build);
    assert!(hits(&rules, &events()).iter().all(|hit| hit.silenced_by.is_none()));
}

#[test]
fn a_correlation_is_silenced_by_the_event_that_completes_it() {
    let documents = documents(RULE);
    let only = ExceptionScope::Rules(vec!["three".to_owned()]);
    let build =
        Build { documents: documents.iter().collect(), exceptions: vec![exception(only, None)], ..Build::default() };
    let rules = compiled(&build);
    let bob = |time: &str, address: &str| sign_in(time, "bob", "failure", address, "x") + "\n";
    let three = |last: &str| {
        let found =
            hits(&rules, &(bob("10:00:00", "203.0.113.1") + &bob("10:00:01", "203.0.113.1") + &bob("10:00:02", last)));
        found.into_iter().find(|hit| hit.metric.is_some()).unwrap().silenced_by
    };
    assert_eq!(three("192.0.2.1").as_deref(), Some("e1"));
    assert_eq!(three("203.0.113.1"), None);
}

#[test]
fn tuning_changes_level_threshold_and_policy_and_not_the_rule() {
    let documents = documents(RULE);
    let tuning = BTreeMap::from([
        (
            "t".to_owned(),
            Tuning {
                level: Some(Level::Low),
                policy: Some(Policy { dedup_window_micros: 0, ..Policy::default() }),
                ..Tuning::default()
            },
        ),
        ("three".to_owned(), Tuning { threshold: Some(2.0), ..Tuning::default() }),
    ]);
    let build = Build { documents: documents.iter().collect(), tuning, ..Build::default() };
    let rules = compiled(&build);
    let found = hits(&rules, &events());
    assert_eq!(told(&rules, &found), ["t  10:00:00", "t  10:00:01", "t  10:00:02", "three bob 10:00:01"]);
    assert!(found.iter().all(|hit| hit.verdict == Verdict::Finding));
    assert_eq!(rules.rules()[0].meta.level, Level::Low);
}

#[test]
fn rules_that_tell_when_whodid_is_made_blind_have_no_exceptions() {
    let loaded: Vec<whodid_rules::Document> = whodid_rules::builtin()
        .iter()
        .filter(|package| package.manifest.id == whodid_rules::SELF_PACKAGE)
        .flat_map(|package| package.documents().documents)
        .collect();
    let guards: Vec<&whodid_rules::Document> =
        loaded.iter().filter(|document| whodid_rules::is_guard(&document.meta().id)).collect();
    assert_eq!(guards.len(), 8);
    let all = Exception {
        events: BTreeMap::from([("outcome".to_owned(), vec!["success".into()])]),
        ..exception(ExceptionScope::All, None)
    };
    let build =
        Build { documents: loaded.iter().collect(), exceptions: vec![all], with_dormant: true, ..Build::default() };
    let rules = RuleSet::compile(&build).0;
    for guard in guards {
        let test = guard.tests.iter().find(|test| test.expect == whodid_rules::Expect::Match).unwrap();
        let found = hits(&rules, &test.events.join("\n"));
        let hit = found.iter().find(|hit| rules.rules()[hit.rule].meta.id == guard.meta().id).unwrap();
        assert_eq!(hit.silenced_by, None, "{}", guard.meta().id);
    }
}

#[test]
fn every_deed_that_makes_whodid_blind_is_a_finding_of_its_own() {
    let loaded = whodid_rules::builtin().iter().flat_map(|package| package.documents().documents);
    for guard in loaded.filter(|document| whodid_rules::is_guard(&document.meta().id)) {
        let build = Build { documents: vec![&guard], ..Build::default() };
        let rules = compiled(&build);
        let test = guard.tests.iter().find(|test| test.expect == whodid_rules::Expect::Match).unwrap();
        // The same once more within the second: the first may be a decoy, with which the other would be folded.
        let found = hits(&rules, &format!("{0}\n{0}\n{0}\n", test.events[0]));
        let verdicts: Vec<Verdict> = found.iter().map(|hit| hit.verdict).collect();
        assert_eq!(verdicts, [Verdict::Finding; 3], "{}", guard.meta().id);
        assert!(guard.meta().level >= Level::Medium, "{}: milder findings make no alert", guard.meta().id);
    }
}

#[test]
fn a_rule_sees_nothing_of_the_audit_log_that_its_author_may_not_see() {
    use whodid_model::{Offset, StreamName};
    let text = "title: T\nid: t\nlogsource: {category: activity}\ndetection: {sel: {outcome: failure}, condition: sel}\n---\n\
        title: N\nid: n\ncorrelation: {type: event_count, rules: [t], generate: true, timespan: 1h, condition: {gte: 1}}\n";
    let documents = documents(text);
    let found = |without: &[&str]| {
        let build = Build {
            documents: documents.iter().collect(),
            without_audit: without.iter().map(|id| (*id).to_owned()).collect(),
            ..Build::default()
        };
        let rules = compiled(&build);
        let line = sign_in("10:00:00", "bob", "failure", "192.0.2.1", "x");
        let items = whodid_decode::decode(whodid_decode::Format::Auto, line.as_bytes(), received());
        let event = items[0].event.as_ref().unwrap();
        let place = whodid_rules::Place {
            event_time: event.event_time,
            offset: Offset(0),
            stream: StreamName::audit(),
            recorded_at: received(),
        };
        let unread = whodid_rules::Unread { place: &place, source: "cadf", texts: event, raw: &line.as_str() };
        let mut hits = Vec::new();
        rules.step(&mut rules.new_state(), &unread, &mut hits);
        (hits.len(), rules.matches(&unread).len())
    };
    assert_eq!(found(&[]), (2, 1));
    assert_eq!(found(&["n"]), (1, 1));
    assert_eq!(found(&["t", "n"]), (0, 0));
}
