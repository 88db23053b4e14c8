//! The stored form of what detection remembers: a file of each version is read for ever.
//!
//! `WHODID_WRITE=1` writes the file of the newest version anew; only together with a new version.

use std::path::PathBuf;

use serde_json::Value;
use whodid_rules::{Hit, RuleSet, SNAPSHOT_VERSION, Snapshot, State};

use crate::order::step;
use crate::world::{at, rules, sign_in, told};

const RULES: &str = "title: Login\nid: login\nlogsource: {category: activity}\ndetection: {sel: {outcome: success}, condition: sel}\n---\n\
    title: Failed\nid: failed\nlogsource: {category: activity}\ndetection: {sel: {outcome: failure}, condition: sel}\n---\n\
    title: T\nid: count\ncorrelation: {type: event_count, rules: [failed], generate: true, group-by: [initiator.name], timespan: 1h, condition: {gte: 3}}\n---\n\
    title: T\nid: chain\ncorrelation: {type: temporal, rules: [count, login], generate: true, group-by: [initiator.name], timespan: 1h}\n---\n\
    title: T\nid: users\ncorrelation: {type: value_count, rules: [failed], generate: true, group-by: [initiator.host.address], timespan: 1h, condition: {field: initiator.name, gte: 2}}\n---\n\
    title: T\nid: without\ncorrelation: {type: absence, rules: [failed, login], generate: true, group-by: [initiator.name], timespan: 1h}\n---\n\
    title: T\nid: silent\ncorrelation: {type: silence, rules: [login], generate: true, group-by: [initiator.name], timespan: 2h}\n---\n\
    title: T\nid: term\ncorrelation: {type: new_terms, rules: [login], generate: true, group-by: [initiator.name], field: [initiator.host.address], timespan: 30d, min_history: 1}\n---\n\
    title: T\nid: device\ncorrelation: {type: new_device, rules: [login], generate: true, group-by: [initiator.name], timespan: 30d, min_history: 1}\n---\n\
    title: T\nid: place\ncorrelation: {type: unusual_location, rules: [login], generate: true, group-by: [initiator.name], timespan: 30d, min_history: 1}\n---\n\
    title: T\nid: twice\ncorrelation: {type: concurrent_sessions, rules: [login], generate: true, group-by: [initiator.name], timespan: 1h}\n";

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// Some acts, taken in as they happen.
fn act(rules: &RuleSet, state: &mut State, acts: &[(&str, &str, &str, &str, &str)], from: u64) -> Vec<Hit> {
    let mut found = Vec::new();
    for (number, (time, who, outcome, address, agent)) in (from..).zip(acts) {
        let line = sign_in(time, who, outcome, address, agent);
        step(rules, state, &line, number, at(&format!("2026-06-01T{time}Z")), &mut found);
    }
    found
}

fn before(rules: &RuleSet) -> State {
    let mut state = rules.new_state();
    let acts = [
        ("10:00:00", "bob", "success", "192.0.2.1", FIREFOX),
        ("10:01:00", "bob", "failure", "192.0.2.1", FIREFOX),
        ("10:02:00", "bob", "failure", "192.0.2.1", FIREFOX),
        ("10:02:30", "eve", "failure", "192.0.2.2", FIREFOX),
    ];
    act(rules, &mut state, &acts, 0);
    state
}

/// What is found by whoever goes on from a state.
fn after(rules: &RuleSet, state: &mut State) -> Vec<String> {
    let acts = [
        ("10:03:00", "bob", "failure", "192.0.2.2", FIREFOX),
        ("10:04:00", "bob", "success", "198.51.100.9", "curl/8.5.0"),
    ];
    let mut found = act(rules, state, &acts, 4);
    rules.tick(state, at("2026-06-01T14:00:00Z"), &mut found);
    told(rules, &found)
}

#[test]
fn what_every_kind_of_rule_remembers_is_read_from_the_file_of_each_version() {
    let rules = rules(RULES);
    let mut state = before(&rules);
    let written = serde_json::to_value(rules.snapshot(&state)).unwrap();
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/snapshot-v1.json");
    if std::env::var_os("WHODID_WRITE").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&written).unwrap() + "\n").unwrap();
    }
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(SNAPSHOT_VERSION, 1);
    assert_eq!(written, golden, "another form needs another version");
    let stored: Snapshot = serde_json::from_value(golden).unwrap();
    let mut restored = rules.restore(stored);
    let expected = after(&rules, &mut state);
    assert_eq!(after(&rules, &mut restored), expected);
    for kind in [
        "chain bob",
        "count bob",
        "device bob",
        "place bob",
        "silent bob",
        "term bob",
        "twice bob",
        "users",
        "without eve",
    ] {
        assert!(expected.iter().any(|line| line.starts_with(kind)), "{kind}: {expected:?}");
    }
}
