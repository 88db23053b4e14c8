//! `cargo xtask insights-eval`: how good insights are, on made-up accounts.

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use whodid_insights::{Act, Change, Detector, Kind, NoPlaces, Settings, Stage};
use world::{Injection, Plan, Trouble, World};

const MINUTE: i64 = 60_000_000;
/// A Monday.
const BEGIN: i64 = 1_767_571_200_000_000;

#[derive(Debug, Default, Clone)]
struct Outcome {
    /// By trouble: found within ten minutes, found, injected.
    found: [[u32; 3]; 3],
    delays: [Vec<f64>; 3],
    false_starts: Vec<String>,
    weeks: u32,
    missed: Vec<String>,
}

fn one(seed: u64, plan: Plan) -> Outcome {
    let mut world = World::new(seed, plan);
    let mut detector = Detector::new("eval", Settings::default(), Arc::new(NoPlaces));
    let mut told: Vec<Change> = Vec::new();
    let mut offset = 0;
    let names: Vec<(String, &'static str, bool)> =
        world.series.iter().map(|series| (series.name.clone(), series.region, series.is_write)).collect();
    let injections = world.injections.clone();
    world.run(|minute, calls| {
        let at = BEGIN + i64::from(minute) * MINUTE;
        for (index, call) in calls.iter().enumerate() {
            let (name, region, is_write) = &names[call.series];
            let at = at + index as i64 * MINUTE / calls.len() as i64;
            for (times, error) in [(call.count - call.errors, None), (call.errors, Some("AccessDenied"))] {
                if times == 0 {
                    continue;
                }
                offset += u64::from(times);
                let act = Act {
                    offset,
                    event_time: at,
                    recorded_at: at,
                    times,
                    source: "cadf",
                    region: Some(region),
                    service: Some("service"),
                    action: name,
                    is_write: *is_write,
                    error,
                    is_denied: error.is_some(),
                    principal: None,
                    address: None,
                    agent: None,
                    credential: None,
                };
                detector.take(&act, &mut told);
            }
        }
    });
    if let Ok(name) = std::env::var("EVAL_SERIES") {
        told.iter().filter(|change| change.object.action == name).take(12).for_each(|change| {
            println!(
                "seed {seed} {:?} {:?} start {} noticed {} until {} {:?}",
                change.stage,
                change.kind,
                (change.start - BEGIN) / MINUTE,
                (change.noticed - BEGIN) / MINUTE,
                (change.until - BEGIN) / MINUTE,
                change.test
            )
        });
    }
    let mut outcome = Outcome { weeks: plan.weeks, ..Outcome::default() };
    let starts: Vec<&Change> = told.iter().filter(|change| change.stage == Stage::Start).collect();
    let minute_of = |micros: i64| (micros - BEGIN) / MINUTE;
    let fits = |change: &Change, injection: &Injection| {
        let kind = match injection.trouble {
            Trouble::ErrorBurst => Kind::ApiErrorRateInsight,
            _ => Kind::ApiCallRateInsight,
        };
        let at = minute_of(change.noticed);
        change.kind == kind
            && change.object.action == names[injection.series].0
            && at >= i64::from(injection.start) - 5
            && at <= i64::from(injection.end) + 15
    };
    for injection in &injections {
        let of = &mut outcome.found[injection.trouble as usize];
        of[2] += 1;
        if let Some(start) = starts.iter().find(|change| fits(change, injection)) {
            of[1] += 1;
            let delay = (start.noticed - BEGIN) as f64 / MINUTE as f64 - f64::from(injection.start);
            if delay <= 10.0 {
                of[0] += 1;
            } else if injection.trouble != Trouble::Ramp {
                outcome.missed.push(format!("late {delay:.1} by {}min {:.0}/{:.1} {:?} x{:.1} seed {seed} bin {} + {} for {}: {}", start.test.window_minutes, start.test.count, start.test.expected,  injection.trouble,
                injection.factor, injection.start/5, injection.start%5,
                injection.end - injection.start,
                world.series[injection.series].words()));
            }
            outcome.delays[injection.trouble as usize].push(delay);
        } else {
            outcome.missed.push(format!(
                "{:?} x{:.1} seed {seed} at {} for {}: {}",
                injection.trouble,
                injection.factor,
                injection.start,
                injection.end - injection.start,
                world.series[injection.series].words()
            ));
        }
    }
    for start in starts {
        let at = minute_of(start.noticed);
        let in_weeks = at >= i64::from(plan.quiet_weeks * world::MINUTES_A_WEEK);
        // What an injection does besides: its end, its errors in calls.
        let is_by_injection = injections.iter().any(|injection| {
            start.object.action == names[injection.series].0
                && at >= i64::from(injection.start) - 5
                && at <= i64::from(injection.end) + 120
        });
        if in_weeks && !is_by_injection {
            let index = names.iter().position(|(name, _, _)| *name == start.object.action).unwrap_or(0);
            let test = &start.test;
            outcome.false_starts.push(format!(
                "{} {}min {:.0} of {:?} against {:.1}, s {:.1}, at {at} [{}]: {}",
                start.kind.words(),
                test.window_minutes,
                test.count,
                test.of,
                test.expected,
                test.score,
                world.series[index].reasons(at as usize / 5, &world.deploys, &world.holidays),
                world.series[index].words()
            ));
        }
    }
    outcome
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: u64| {
        arguments
            .iter()
            .position(|argument| argument == name)
            .and_then(|at| arguments.get(at + 1)?.parse().ok())
            .unwrap_or(default)
    };
    let (seeds, quiet) = (number("--seeds", 10), number("--quiet-weeks", 2) as u32);
    let first = number("--first", 0);
    let plan =
        Plan { series: 500, quiet_weeks: quiet, weeks: 2, bursts_a_week: 8, ramps_a_week: 3, error_bursts_a_week: 4 };
    let next = AtomicU64::new(first);
    let all: Vec<Outcome> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + seeds {
                            return mine;
                        }
                        mine.push(one(seed, plan));
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    let weeks: u32 = all.iter().map(|outcome| outcome.weeks).sum();
    for (trouble, name) in ["bursts", "ramps", "error bursts"].iter().enumerate() {
        let sum = |at: usize| all.iter().map(|outcome| outcome.found[trouble][at]).sum::<u32>();
        let mut delays: Vec<f64> = all.iter().flat_map(|outcome| outcome.delays[trouble].clone()).collect();
        delays.sort_by(f64::total_cmp);
        let quantile = |share: f64| delays.get((delays.len() as f64 * share) as usize).copied().unwrap_or(0.0);
        println!(
            "{name}: recall {:.3} ({} of {}), of all within 10 min {:.3}, delay median {:.1} p95 {:.1}",
            f64::from(sum(1)) / f64::from(sum(2)),
            sum(1),
            sum(2),
            f64::from(sum(0)) / f64::from(sum(2)),
            quantile(0.5),
            quantile(0.95)
        );
    }
    let starts: usize = all.iter().map(|outcome| outcome.false_starts.len()).sum();
    println!("false starts: {starts} in {weeks} account-weeks, {:.2} a week", starts as f64 / f64::from(weeks));
    if arguments.iter().any(|argument| argument == "--why") {
        println!("by seed: {:?}", all.iter().map(|outcome| outcome.false_starts.len()).collect::<Vec<_>>());
        for outcome in &all {
            outcome.missed.iter().for_each(|missed| println!("missed {missed}"));
            outcome.false_starts.iter().for_each(|start| println!("false {start}"));
        }
    }
}
