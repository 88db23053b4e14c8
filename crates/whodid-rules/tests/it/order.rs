//! Properties: the order in which events come in does not change what correlations find, and stopping does not either.

use proptest::prelude::*;
use whodid_decode::Format;
use whodid_model::{Offset, StreamName, Timestamp};
use whodid_rules::{Hit, Place, RuleSet, State, Unread};

use crate::world::{received, rules, told};

/// One event of one line, as it is taken in.
pub fn step(rules: &RuleSet, state: &mut State, line: &str, offset: u64, recorded_at: Timestamp, hits: &mut Vec<Hit>) {
    let items = whodid_decode::decode(Format::Auto, line.as_bytes(), recorded_at);
    let event = items[0].event.as_ref().unwrap();
    let place =
        Place { event_time: event.event_time, offset: Offset(offset), stream: StreamName::activity(), recorded_at };
    let event = Unread { place: &place, source: items[0].format.as_str(), texts: event, raw: &line };
    rules.step(state, &event, hits);
}

const RULES: &str = "title: A\nid: a\nname: a\nlogsource: {product: x}\ndetection: {sel: {act: a}, condition: sel}\n---\n\
    title: B\nid: b\nname: b\nlogsource: {product: x}\ndetection: {sel: {act: b}, condition: sel}\n---\n\
    title: C\nid: c\nname: c\nlogsource: {product: x}\ndetection: {sel: {act: c}, condition: sel}\n---\n\
    title: T\nid: count\ncorrelation: {type: event_count, rules: [a], group-by: [user], timespan: 1m, condition: {gte: 3}}\n---\n\
    title: T\nid: few\ncorrelation: {type: event_count, rules: [a, b], timespan: 1m, condition: {lt: 3}}\n---\n\
    title: T\nid: users\ncorrelation: {type: value_count, rules: [a, c], timespan: 2m, condition: {field: user, gte: 2}}\n---\n\
    title: T\nid: sum\ncorrelation: {type: value_sum, rules: [a, b], group-by: [user], timespan: 2m, condition: {field: size, gte: 7}}\n---\n\
    title: T\nid: all\ncorrelation: {type: temporal, rules: [a, b, c], group-by: [user], timespan: 1m}\n---\n\
    title: T\nid: order\ncorrelation: {type: temporal_ordered, rules: [a, b, c], group-by: [user], timespan: 2m}\n---\n\
    title: T\nid: without\ncorrelation: {type: temporal, rules: [a, b], group-by: [user], timespan: 1m, condition: a and not b}\n---\n\
    title: T\nid: absent\ncorrelation: {type: absence, rules: [b, c], group-by: [user], timespan: 1m}\n";

fn line(second: u32, act: u8, user: u8, size: u8, number: usize) -> String {
    format!(
        "{{\"id\":\"{number}\",\"time\":\"2026-06-01T10:{:02}:{:02}Z\",\"act\":\"{}\",\"user\":\"u{user}\",\"size\":{size}}}",
        second / 60,
        second % 60,
        ["a", "b", "c"][usize::from(act)]
    )
}

fn all(rules: &RuleSet, lines: &[(usize, String)], stop: Option<usize>) -> Vec<String> {
    let mut state = rules.new_state();
    let mut hits = Vec::new();
    for (at, (number, line)) in lines.iter().enumerate() {
        if stop == Some(at) {
            let stored = serde_json::to_vec(&rules.snapshot(&state)).unwrap();
            state = rules.restore(serde_json::from_slice(&stored).unwrap());
        }
        step(rules, &mut state, line, *number as u64, received(), &mut hits);
    }
    rules.finish(&mut state, &mut hits);
    told(rules, &hits)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// The same events in any order, with any stop on the way, come to the same firings.
    #[test]
    fn order_and_stops_change_nothing(
        acts in prop::collection::vec((0..400_u32, 0..3_u8, 0..2_u8, 0..4_u8), 1..40),
        seed in any::<u64>(),
        stop in any::<prop::sample::Index>(),
    ) {
        use rand::SeedableRng;
        use rand::seq::SliceRandom;
        let rules = rules(RULES);
        let mut lines: Vec<(usize, String)> = acts.iter().enumerate().map(|(number, (second, act, user, size))| (number, line(*second, *act, *user, *size, number))).collect();
        lines.sort_by_key(|(number, _)| acts[*number].0);
        let in_order = all(&rules, &lines, None);
        lines.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
        let stop = stop.index(lines.len());
        prop_assert_eq!(all(&rules, &lines, Some(stop)), in_order);
    }
}
