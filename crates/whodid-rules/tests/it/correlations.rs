//! Correlations where the differential test does not reach: chains, hidden rules, bounds, restarts.

use crate::world::{hits, received, rules, sign_in, told};
use whodid_decode::Format;
use whodid_rules::Verdict;

const FAILED: &str = "title: Failed\nid: failed\nname: failed\nlogsource: {category: activity}\ndetection: {sel: {cadf.action: authenticate/login, outcome: failure}, condition: sel}\n";

fn five(group: &str) -> String {
    format!(
        "{FAILED}---\ntitle: Five\nid: five\ncorrelation: {{type: event_count, rules: [failed], {group}timespan: 15m, condition: {{gte: 5}}}}\n"
    )
}

fn failures(times: &[&str], who: &str) -> String {
    times.iter().map(|time| sign_in(time, who, "failure", "192.0.2.1", "curl/8") + "\n").collect()
}

#[test]
fn five_failures_in_fifteen_minutes_fire_at_the_fifth_and_are_one_finding() {
    let rules = rules(&five("group-by: [initiator.name], "));
    let events = failures(&["10:00:00", "10:05:00", "10:10:00", "10:14:00", "10:15:00"], "bob");
    let hits = hits(&rules, &events);
    assert_eq!(told(&rules, &hits), ["five bob 10:15:00"], "the window is closed at both ends, and slides");
    assert_eq!(hits[0].evidence_total, 5);
    assert_eq!(hits[0].verdict, Verdict::Finding);
}

#[test]
fn firings_that_follow_are_folded_into_the_first() {
    let rules = rules(&five("group-by: [initiator.name], "));
    let events = failures(&["10:00:00", "10:00:01", "10:00:02", "10:00:03", "10:00:04", "10:00:05", "10:00:06"], "bob");
    let verdicts: Vec<Verdict> = hits(&rules, &events).iter().map(|hit| hit.verdict).collect();
    assert_eq!(verdicts, [Verdict::Finding, Verdict::Folded, Verdict::Folded]);
}

#[test]
fn a_rule_that_feeds_a_correlation_of_its_file_is_no_finding_unless_it_says_so() {
    let events = failures(&["10:00:00"], "bob");
    let hidden = rules(&five(""));
    assert!(hits(&hidden, &events).is_empty());
    let both = rules(&five("").replace("type: event_count", "generate: true, type: event_count"));
    assert_eq!(told(&both, &hits(&both, &events)), ["failed  10:00:00"]);
}

#[test]
fn a_match_without_a_value_for_its_group_is_counted_as_left_out() {
    let rules = rules(&five("group-by: [requestData.tenant], "));
    let mut run = whodid_rules::Run::new(&rules);
    run.step(Format::Auto, failures(&["10:00:00"], "bob").as_bytes(), received(), &mut Vec::new());
    assert_eq!(run.drops().without_group, 1);
}

#[test]
fn one_event_that_happened_several_times_counts_so_often() {
    let text = five("group-by: [initiator.name], field: requestData.repeated, ");
    let rules = rules(&text);
    let repeated = sign_in("10:00:00", "bob", "failure", "192.0.2.1", "x")
        .replace("\"observer\"", "\"requestData\":{\"repeated\":4},\"observer\"");
    let events = format!("{repeated}\n{}", failures(&["10:01:00"], "bob"));
    assert_eq!(told(&rules, &hits(&rules, &events)), ["five bob 10:01:00"]);
}

#[test]
fn a_state_taken_up_again_goes_on_as_if_nothing_had_been() {
    let rules = rules(&five("group-by: [initiator.name], "));
    let times = [
        "10:00:00", "10:00:01", "10:00:02", "10:00:03", "10:00:04", "10:20:00", "10:20:01", "10:20:02", "10:20:03",
        "10:20:04",
    ];
    let lines: Vec<String> = times.iter().map(|time| sign_in(time, "bob", "failure", "192.0.2.1", "x")).collect();
    let whole = hits(&rules, &lines.join("\n"));
    for stop in 0..lines.len() {
        let mut found = Vec::new();
        let mut state = rules.new_state();
        for (number, line) in lines.iter().enumerate() {
            if number == stop {
                let stored = serde_json::to_string(&rules.snapshot(&state)).unwrap();
                state = rules.restore(serde_json::from_str(&stored).unwrap());
            }
            crate::order::step(&rules, &mut state, line, number as u64, received(), &mut found);
        }
        assert_eq!(found, whole, "stopped before event {stop}");
    }
}

#[test]
fn a_changed_rule_begins_anew_and_the_others_go_on() {
    let other = "---\ntitle: Three\nid: three\ncorrelation: {type: event_count, rules: [failed], timespan: 15m, condition: {gte: 3}}\n";
    let before = rules(&format!("{}{other}", five("")));
    let after = rules(&format!("{}{other}", five("").replace("gte: 5", "gte: 4")));
    let mut state = before.new_state();
    let line = |second: u32| sign_in(&format!("10:00:0{second}"), "bob", "failure", "192.0.2.1", "x");
    let mut found = Vec::new();
    for second in 0..2 {
        crate::order::step(&before, &mut state, &line(second), u64::from(second), received(), &mut found);
    }
    let mut state = before.carry(&state, &after);
    for second in 2..4 {
        crate::order::step(&after, &mut state, &line(second), u64::from(second), received(), &mut found);
    }
    assert_eq!(told(&after, &found), ["three  10:00:02", "three  10:00:03"]);
}
