//! What one event costs the detector.

use std::sync::Arc;
use std::time::{Duration, Instant};

use whodid_insights::{Detector, NoPlaces, Settings};

use crate::account::{Named, act, time_of};
use crate::world::{Calls, MINUTES_A_WEEK, Plan, World};

/// Nanoseconds of [`Detector::take`] for one event, each call an event of its own, over the second week of an account.
///
/// With all that comes of it: bins that close, tests, looks at neighbours.
pub fn nanos_per_event(plan: Plan) -> f64 {
    let plan = Plan { quiet_weeks: 1, weeks: 1, ..plan };
    let mut world = World::new(0, plan);
    let names: Vec<Named> = world.series.iter().map(Named::of).collect();
    let mut detector = Detector::new("eval", Settings::default(), Arc::new(NoPlaces));
    let (mut told, mut offset) = (Vec::new(), 0_u64);
    let (mut spent, mut events) = (Duration::ZERO, 0_u64);
    world.run(|minute, calls| {
        let total: u32 = calls.iter().map(|call| call.count).sum();
        let mut index = 0;
        let begin = Instant::now();
        for call in calls {
            for nth in 0..call.count {
                let at = time_of(minute, index, total as usize);
                offset += 1;
                detector.take(&act(&names, &Calls { ..*call }, at, offset, 1, nth < call.errors), &mut told);
                index += 1;
            }
        }
        if minute >= MINUTES_A_WEEK {
            spent += begin.elapsed();
            events += u64::from(total);
        }
    });
    spent.as_nanos() as f64 / events.max(1) as f64
}
