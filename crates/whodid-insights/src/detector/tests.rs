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
