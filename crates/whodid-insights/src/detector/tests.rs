//! The detector as a whole, where its parts alone do not show it.

use super::*;
use crate::NoPlaces;

#[test]
fn a_job_every_night_is_told_of_at_most_once() {
    let mut detector = Detector::new("a", Settings::default(), Arc::new(NoPlaces));
    let mut told = Vec::new();
    for bin in 0..288 * 6_i64 {
        let times = if bin % 288 == 140 { 75 } else { u32::from(bin % 25 == 3) };
        if times == 0 {
            continue;
        }
        for part in 0..5 {
            let at = (bin * 5 + part) * 60_000_000;
            let act = Act {
                offset: 0,
                event_time: at,
                recorded_at: at,
                times: times / 5,
                source: "cadf",
                region: None,
                service: None,
                action: "x",
                is_write: true,
                error: None,
                is_denied: false,
                principal: None,
                address: None,
                agent: None,
                credential: None,
            };
            if times >= 5 || part == 0 {
                detector.take(&Act { times: (times / 5).max(1), ..act }, &mut told);
            }
        }
    }
    let starts = told.iter().filter(|change| change.stage == Stage::Start).count();
    assert!(starts <= 1, "{told:#?}");
}

#[test]
fn more_actions_than_are_remembered_mix_up_no_series_and_the_usual_ones_stay() {
    let mut detector = Detector::new("a", Settings::default(), Arc::new(NoPlaces));
    let mut told = Vec::new();
    let mut take = |detector: &mut Detector, action: &str, at: i64, error: Option<&'static str>| {
        let act = Act {
            offset: 0,
            event_time: at,
            recorded_at: at,
            times: 1,
            source: "cadf",
            region: None,
            service: None,
            action,
            is_write: true,
            error,
            is_denied: false,
            principal: None,
            address: None,
            agent: None,
            credential: None,
        };
        detector.take(&act, &mut told);
    };
    let day = 86_400_000_000;
    for at in 0..3 {
        take(&mut detector, "usual", at * day, None);
    }
    for number in 0..SERIES_MAX as i64 {
        take(&mut detector, &format!("made-up-{number}"), 3 * day + number, None);
    }
    // The last of them fails: its errors need room too.
    take(&mut detector, &format!("made-up-{}", SERIES_MAX - 1), 3 * day + 200_000, Some("403"));
    let names = &detector.state.names;
    let text = |index: u32| names.text(detector.state.series.get(index).key.action).to_owned();
    let errors = detector.state.series.iter().find(|series| series.calls.is_some()).unwrap();
    assert_eq!(text(errors.calls.unwrap()), names.text(errors.key.action));
    assert!(detector.state.series.iter().any(|series| names.text(series.key.action) == "usual"));
    assert!(detector.state.series.len() <= SERIES_MAX && detector.learning().drops.series > 0);
}

#[test]
fn an_event_of_long_ago_costs_no_look_at_every_bin_since() {
    let mut detector = Detector::new("a", Settings::default(), Arc::new(NoPlaces));
    let mut told = Vec::new();
    let now = 1_767_571_200_000_000;
    // Two thousand years before, and what the clock of nobody's machine says.
    for (number, at) in
        [-62_000_000_000_000_000, now, i64::MIN / 2, i64::MAX / 2, now + 300_000_000].into_iter().enumerate()
    {
        let act = Act {
            offset: number as u64,
            event_time: at,
            recorded_at: now + number as i64 * 300_000_000,
            times: 1,
            source: "cadf",
            region: None,
            service: None,
            action: "iam.user.update",
            is_write: true,
            error: Some("403"),
            is_denied: true,
            principal: Some("bob"),
            address: Some("192.0.2.1"),
            agent: None,
            credential: Some("k"),
        };
        detector.take(&act, &mut told);
    }
    detector.pass(now + 86_400_000_000, &mut told);
    assert!(told.is_empty(), "{told:?}");
    assert!(detector.learning().held == 0);
}
