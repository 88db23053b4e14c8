//! What must hold whatever is sent: bounds of memory and work, claims about time, chains, stops.

use std::collections::BTreeMap;

use whodid_rules::{
    Build, Exception, ExceptionScope, Hit, LATENESS_MICROS, RuleSet, SETTLE_MICROS, STATE_BYTES_MAX, State, Values,
    run_all_tests,
};

use crate::order::step;
use crate::world::{at, compiled, documents, hits, rules, sign_in, told};

const LOGIN: &str = "title: Login\nid: login\nname: login\nlogsource: {category: activity}\ndetection: {sel: {cadf.action: authenticate/login, outcome: success}, condition: sel}\n";
const FAILED: &str =
    "title: F\nid: f\nlogsource: {category: activity}\ndetection: {sel: {outcome: failure}, condition: sel}\n";

/// Takes an event in when its sender says it happened, or later.
fn take(rules: &RuleSet, state: &mut State, line: &str, number: u64, recorded: &str, found: &mut Vec<Hit>) {
    step(rules, state, line, number, at(&format!("2026-06-01T{recorded}Z")), found);
}

#[test]
fn a_correlation_of_a_learning_rule_fires() {
    let rules = rules(&format!(
        "{LOGIN}---\n{FAILED}---\ntitle: D\nid: d\ncorrelation: {{type: new_device, rules: [login], group-by: [initiator.name], timespan: 30d, min_history: 1}}\n---\n\
         title: Both\nid: both\ncorrelation: {{type: temporal, rules: [d, f], group-by: [initiator.name], timespan: 10m}}\n"
    ));
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    let curl = "curl/8.5.0";
    let acts = [
        sign_in("10:00:00", "bob", "success", "192.0.2.1", firefox),
        sign_in("10:05:00", "bob", "success", "198.51.100.7", curl),
        sign_in("10:06:00", "bob", "failure", "198.51.100.7", curl),
    ];
    let found = hits(&rules, &acts.join("\n"));
    assert_eq!(told(&rules, &found), ["both bob 10:06:00"], "its parts report nothing");
    assert_eq!(found[0].evidence.len(), 2);
}

fn exception(rule: &str) -> Exception {
    Exception {
        id: format!("for {rule}"),
        scope: ExceptionScope::Rules(vec![rule.to_owned()]),
        events: BTreeMap::from([("initiator.name".to_owned(), vec!["bob".into()])]),
        owner: "mara".to_owned(),
        reason: "a test".to_owned(),
        expires_at: None,
    }
}

#[test]
fn an_exception_in_a_chain_is_for_the_rule_that_it_names() {
    let documents = documents(&format!(
        "{FAILED}---\ntitle: Two\nid: two\ncorrelation: {{type: event_count, rules: [f], generate: true, group-by: [initiator.name], timespan: 1h, condition: {{gte: 2}}}}\n---\n\
         title: Top\nid: top\ncorrelation: {{type: event_count, rules: [two], generate: true, group-by: [initiator.name], timespan: 1h, condition: {{gte: 1}}}}\n"
    ));
    let silenced = |rule: &str| {
        let build =
            Build { documents: documents.iter().collect(), exceptions: vec![exception(rule)], ..Build::default() };
        let rules = compiled(&build);
        let acts = ["10:00:00", "10:00:01"].map(|time| sign_in(time, "bob", "failure", "192.0.2.1", "x"));
        let found = hits(&rules, &acts.join("\n"));
        let of = |id: &str| {
            let hit = found.iter().find(|hit| rules.rules()[hit.rule].meta.id == id).unwrap();
            hit.silenced_by.is_some()
        };
        (of("two"), of("top"))
    };
    assert_eq!(silenced("two"), (true, false));
    assert_eq!(silenced("top"), (false, true));
}

const SILENT: &str =
    "title: S\nid: s\ncorrelation: {type: silence, rules: [login], group-by: [initiator.name], timespan: 30m}\n";

#[test]
fn a_time_in_the_future_does_not_hide_that_somebody_falls_silent() {
    let rules = rules(&format!("{LOGIN}---\n{SILENT}"));
    let (mut state, mut found) = (rules.new_state(), Vec::new());
    let far = sign_in("10:00:00", "bob", "success", "192.0.2.1", "x").replace("2026-06-01", "2099-01-01");
    take(&rules, &mut state, &far, 0, "10:00:00", &mut found);
    take(&rules, &mut state, &sign_in("10:20:00", "bob", "success", "192.0.2.1", "x"), 1, "10:20:00", &mut found);
    rules.tick(&mut state, at("2026-06-01T12:00:00Z"), &mut found);
    assert_eq!(told(&rules, &found), ["s bob 10:50:00"]);
    assert_eq!(found[0].by, None, "time completed it, and no event");
}

#[test]
fn after_a_stop_what_was_due_waits_for_what_senders_still_have_to_deliver() {
    let rules = rules(&format!("{LOGIN}---\n{SILENT}"));
    let (mut state, mut found) = (rules.new_state(), Vec::new());
    take(&rules, &mut state, &sign_in("10:00:00", "bob", "success", "192.0.2.1", "x"), 0, "10:00:00", &mut found);
    let back = at("2026-06-01T12:00:00Z");
    state.resume(back);
    rules.tick(&mut state, back, &mut found);
    assert_eq!(found, [], "nothing could be taken in meanwhile");
    take(&rules, &mut state, &sign_in("11:50:00", "bob", "success", "192.0.2.1", "x"), 1, "12:00:01", &mut found);
    rules.tick(&mut state, back.plus_micros(LATENESS_MICROS), &mut found);
    assert_eq!(found, []);
    // Half an hour after it was taken in, and the minute that everything waits.
    rules.tick(&mut state, at("2026-06-01T12:30:01Z").plus_micros(SETTLE_MICROS), &mut found);
    assert_eq!(told(&rules, &found), ["s bob 12:20:00"]);
}

#[test]
fn a_short_stop_changes_nothing() {
    let rules = rules(&format!("{LOGIN}---\n{SILENT}"));
    let (mut state, mut found) = (rules.new_state(), Vec::new());
    take(&rules, &mut state, &sign_in("10:00:00", "bob", "success", "192.0.2.1", "x"), 0, "10:00:00", &mut found);
    rules.tick(&mut state, at("2026-06-01T10:30:55Z"), &mut found);
    let due = at("2026-06-01T10:31:05Z");
    state.resume(due);
    rules.tick(&mut state, due, &mut found);
    assert_eq!(told(&rules, &found), ["s bob 10:30:00"]);
}

#[test]
fn events_in_reverse_order_find_what_they_find_in_order_and_are_no_burden() {
    let rules = rules(&format!(
        "{FAILED}---\ntitle: V\nid: v\ncorrelation: {{type: value_count, rules: [f], timespan: 1h, condition: {{field: initiator.name, gte: 3}}}}\n"
    ));
    let line = |second: usize| {
        let who = if second == 1_500 { "eve".to_owned() } else { format!("u{}", second % 2) };
        let time = format!("10:{:02}:{:02}", second / 60, second % 60);
        sign_in(&time, &who, "failure", "192.0.2.1", "x") + "\n"
    };
    let forward: String = (0..3_000).map(line).collect();
    let reverse: String = (0..3_000).rev().map(line).collect();
    let count = |events: &str| hits(&rules, events).len();
    assert_eq!(count(&forward), 1_500, "each window that ends from eve on");
    assert_eq!(count(&reverse), 1_500);
}

#[test]
fn what_is_remembered_stays_within_its_bounds_and_a_flood_costs_the_rule_it_floods() {
    let rules = rules(&format!(
        "{LOGIN}---\n{FAILED}---\ntitle: D\nid: d\ncorrelation: {{type: new_terms, rules: [login], group-by: [initiator.name], field: [initiator.host.address], timespan: 30d, min_history: 1}}\n---\n\
         title: N\nid: n\ncorrelation: {{type: event_count, rules: [f], group-by: [initiator.host.agent], timespan: 1h, condition: {{gte: 3}}}}\n"
    ));
    let (mut state, mut found) = (rules.new_state(), Vec::new());
    take(&rules, &mut state, &sign_in("10:00:00", "bob", "success", "192.0.2.1", "x"), 0, "10:00:00", &mut found);
    for number in 0..40_000_u64 {
        let agent = format!("{number}{}", "a".repeat(3_000));
        let line = sign_in("10:00:01", "eve", "failure", "192.0.2.1", &agent);
        take(&rules, &mut state, &line, number + 1, "10:00:01", &mut found);
    }
    assert!(state.bytes() < STATE_BYTES_MAX, "{}", state.bytes());
    assert!(state.drops().groups > 0, "{:?}", state.drops());
    take(
        &rules,
        &mut state,
        &sign_in("10:01:00", "bob", "success", "198.51.100.9", "x"),
        50_000,
        "10:01:00",
        &mut found,
    );
    assert_eq!(told(&rules, &found), ["d bob 10:01:00"], "what was learned is still known");
}

#[test]
fn another_title_leaves_what_was_learned_and_another_meaning_does_not() {
    let text = |title: &str, action: &str| {
        format!(
            "title: {title}\nid: login\nlogsource: {{category: activity}}\ndetection: {{sel: {{{action}: authenticate/login}}, condition: sel}}\n---\n\
             title: {title}\nid: d\ncorrelation: {{type: new_terms, rules: [login], group-by: [initiator.name], field: [initiator.host.address], timespan: 30d, min_history: 1}}\n"
        )
    };
    let first = rules(&text("One", "cadf.action"));
    let (mut state, mut found) = (first.new_state(), Vec::new());
    take(&first, &mut state, &sign_in("10:00:00", "bob", "success", "192.0.2.1", "x"), 0, "10:00:00", &mut found);
    let after = |other: RuleSet| {
        let (mut carried, mut found) = (first.carry(&state, &other), Vec::new());
        let line = sign_in("10:01:00", "bob", "success", "198.51.100.9", "x");
        take(&other, &mut carried, &line, 1, "10:01:00", &mut found);
        found.len()
    };
    assert_eq!(after(rules(&text("Another", "cadf.action"))), 1);
    assert_eq!(after(rules(&text("One", "action"))), 0);
}

#[test]
fn a_part_may_have_tests_of_its_own() {
    let event = sign_in("10:00:00", "bob", "failure", "192.0.2.1", "x");
    let documents = documents(&format!(
        "{FAILED}---\ntitle: One\nid: one\ncorrelation: {{type: event_count, rules: [f], group-by: [initiator.name], timespan: 1h, condition: {{gte: 1}}}}\n\
         tests:\n  - {{name: a failure, event: {event}, expect: match}}\n---\n\
         title: Top\nid: top\ncorrelation: {{type: event_count, rules: [one], timespan: 1h, condition: {{gte: 1}}}}\n"
    ));
    let all: Vec<_> = documents.iter().collect();
    let outcomes = run_all_tests(&all, &all, &Values::default(), at("2026-06-01T10:00:00Z"));
    assert_eq!(outcomes.iter().map(|outcome| outcome.passed).collect::<Vec<_>>(), [true], "{outcomes:?}");
}

#[test]
fn long_lists_are_looked_through_to_their_end() {
    let rules = rules(
        "title: T\nid: t\nlogsource: {product: x}\ndetection: {sel: {containers.privileged: true}, condition: sel}\n",
    );
    let event = |last: bool| {
        let containers: Vec<String> =
            (0..2_000).map(|number| format!("{{\"privileged\":{}}}", last && number == 1_999)).collect();
        format!("{{\"containers\":[{}]}}", containers.join(","))
    };
    assert_eq!(hits(&rules, &event(true)).len(), 1);
    assert_eq!(hits(&rules, &event(false)).len(), 0);
}

/// A member that is not there is looked for in every case of its name, and each level once.
#[test]
fn a_deep_event_without_the_member_costs_no_more_than_its_size() {
    const DEPTH: usize = 50;
    let path = vec!["a"; DEPTH].join(".");
    let rules = rules(&format!(
        "title: T\nid: t\nlogsource: {{product: x}}\ndetection: {{sel: {{{path}.b: null, kind: c}}, condition: sel}}\n"
    ));
    let event = format!("{{\"kind\":\"c\",\"a\":{}1{}}}", "{\"a\":".repeat(DEPTH - 1), "}".repeat(DEPTH - 1));
    assert_eq!(hits(&rules, &event).len(), 1);
}
