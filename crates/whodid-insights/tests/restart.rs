//! A restart changes nothing: cut at any event, what comes after it is told in the same words.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use whodid_insights::{Act, Change, Detector, NoPlaces, Settings};

const MINUTE: i64 = 60_000_000;
const BEGIN: i64 = 1_767_571_200_000_000;

#[derive(Debug, Clone)]
struct Owned {
    happened: i64,
    recorded: i64,
    action: String,
    error: Option<&'static str>,
    times: u32,
}

/// Nine days of three busy actions in two sources, with a burst, an hour of failures, and some events that are late.
fn history() -> Vec<Owned> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut all = Vec::new();
    for minute in 0..9 * 1_440_i64 {
        for action in 0..3 {
            let is_burst = action == 0 && (11_000..11_060).contains(&minute);
            let is_failing = action == 1 && (12_000..12_060).contains(&minute);
            if !is_burst && !is_failing && !random.random_bool(0.1) {
                continue;
            }
            let late = if random.random_bool(0.01) { random.random_range(1..200) } else { 0 };
            let recorded = BEGIN + minute * MINUTE + random.random_range(0..MINUTE);
            all.push(Owned {
                happened: recorded - late * MINUTE,
                recorded,
                action: format!("thing.{action}.update"),
                error: is_failing.then_some("AccessDenied"),
                times: if is_burst || is_failing { 20 } else { 1 },
            });
        }
    }
    all.sort_by_key(|act| act.recorded);
    all
}

fn take(detector: &mut Detector, offset: usize, of: &Owned, told: &mut Vec<Change>) {
    let source = if of.action.contains('2') { "cloudtrail" } else { "cadf" };
    let act = Act {
        offset: offset as u64,
        event_time: of.happened,
        recorded_at: of.recorded,
        times: of.times,
        source,
        region: Some("eu-de"),
        service: Some("thing"),
        action: &of.action,
        is_write: true,
        error: of.error,
        is_denied: of.error.is_some(),
        principal: Some("alice"),
        address: Some("198.51.100.7"),
        agent: Some("curl"),
        credential: None,
    };
    detector.take(&act, told);
}

fn new() -> Detector {
    Detector::new("a", Settings::default(), Arc::new(NoPlaces))
}

#[test]
fn cut_at_any_event_the_rest_is_told_in_the_same_words() {
    let history = history();
    let mut whole = new();
    let mut told = Vec::new();
    let mut cuts = Vec::new();
    for (offset, act) in history.iter().enumerate() {
        // Everywhere where something happens, and now and then.
        if offset % 397 == 0 || (offset % 7 == 0 && act.times > 1) {
            cuts.push((offset, told.len(), whole.snapshot()));
        }
        take(&mut whole, offset, act, &mut told);
    }
    assert!(told.len() >= 4, "{told:?}");
    for (from, told_before, snapshot) in cuts.into_iter().step_by(3) {
        let mut rest = Detector::restore(&snapshot, Settings::default(), Arc::new(NoPlaces)).unwrap();
        assert_eq!(rest.snapshot(), snapshot, "restored at {from}");
        let mut rest_told = Vec::new();
        for (offset, act) in history.iter().enumerate().skip(from) {
            take(&mut rest, offset, act, &mut rest_told);
        }
        let bytes = |changes: &[Change]| serde_json::to_vec(changes).unwrap();
        assert_eq!(bytes(&rest_told), bytes(&told[told_before..]), "cut at {from}");
        assert_eq!(rest.snapshot(), whole.snapshot(), "cut at {from}");
    }
}
