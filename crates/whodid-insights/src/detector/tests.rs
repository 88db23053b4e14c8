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
    told.iter().for_each(|change| eprintln!("{:?} {} {:?}", change.stage, change.start / 300_000_000, change.test));
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
