//! One made-up account through the detector: what was found of what was injected, how soon, and what was told besides.

use std::sync::Arc;

use whodid_insights::{Act, Change, Detector, Kind, NoPlaces, Sensitivity, Settings, Stage};

use crate::world::{self, Calls, Class, Injection, Plan, Trouble, World};

const MINUTE: i64 = 60_000_000;
/// Midnight of a Monday, in microseconds since 1970.
pub const BEGIN: i64 = 1_767_571_200_000_000;
/// Minutes after the end of an injection in which it may still be noticed, and in which starts of its series are its own.
const NOTICE_MINUTES: i64 = 15;
const AFTER_MINUTES: i64 = 120;

/// What came of one account.
#[derive(Debug, Default)]
pub struct Outcome {
    pub injected: Vec<Injected>,
    pub false_starts: Vec<FalseStart>,
    pub weeks: u32,
}

#[derive(Debug)]
pub struct Injected {
    pub trouble: Trouble,
    pub class: Class,
    /// Minutes from the onset to the event by which it was noticed.
    pub delay: Option<f64>,
    words: String,
}

#[derive(Debug)]
pub struct FalseStart {
    pub class: Class,
    words: String,
}

impl Outcome {
    /// A line for each that was missed, late or false.
    pub fn why(&self) -> Vec<String> {
        let late =
            |injected: &&Injected| injected.delay.is_none_or(|delay| delay > 10.0 && injected.trouble != Trouble::Ramp);
        let missed = self.injected.iter().filter(late).map(|injected| {
            let how = injected.delay.map_or("missed".to_owned(), |delay| format!("late {delay:.1}"));
            format!("{how} {}", injected.words)
        });
        missed.chain(self.false_starts.iter().map(|start| format!("false {}", start.words))).collect()
    }
}

/// Runs an account of a seed. Starts are counted false in the weeks with injections, once a day of events has passed.
pub fn run(seed: u64, plan: Plan, sensitivity: Sensitivity) -> Outcome {
    let mut world = World::new(seed, plan);
    let mut told: Vec<Change> = Vec::new();
    let settings = Settings { sensitivity, ..Settings::default() };
    let mut detector = Detector::new("eval", settings, Arc::new(NoPlaces));
    let names: Vec<Named> = world.series.iter().map(Named::of).collect();
    let mut offset = 0;
    world.run(|minute, calls| {
        for (index, call) in calls.iter().enumerate() {
            let at = time_of(minute, index, calls.len());
            for (times, is_error) in [(call.count - call.errors, false), (call.errors, true)] {
                if times > 0 {
                    offset += u64::from(times);
                    detector.take(&act(&names, call, at, offset, times, is_error), &mut told);
                }
            }
        }
    });
    let starts: Vec<&Change> = told.iter().filter(|change| change.stage == Stage::Start).collect();
    let injected = world.injections.iter().map(|injection| found(seed, injection, &starts, &world)).collect();
    let false_starts = starts.iter().filter_map(|start| false_start(seed, start, &world, plan)).collect();
    Outcome { injected, false_starts, weeks: plan.weeks }
}

/// The texts that records of a series hold.
pub struct Named {
    action: String,
    region: &'static str,
    is_write: bool,
}

impl Named {
    pub fn of(series: &world::Series) -> Self {
        Self { action: series.name.clone(), region: series.region, is_write: series.is_write }
    }
}

/// When the calls at an index of a minute's happen: one after the other through the minute.
pub fn time_of(minute: u32, index: usize, of: usize) -> i64 {
    BEGIN + i64::from(minute) * MINUTE + index as i64 * MINUTE / of.max(1) as i64
}

/// Calls of one series as a record.
pub fn act<'a>(names: &'a [Named], call: &Calls, at: i64, offset: u64, times: u32, is_error: bool) -> Act<'a> {
    let named = &names[call.series];
    Act {
        offset,
        event_time: at,
        recorded_at: at,
        times,
        source: "cadf",
        region: Some(named.region),
        service: Some("service"),
        action: &named.action,
        is_write: named.is_write,
        error: is_error.then_some("AccessDenied"),
        is_denied: is_error,
        principal: None,
        address: None,
        agent: None,
        credential: None,
    }
}

fn minute_of(micros: i64) -> i64 {
    (micros - BEGIN).div_euclid(MINUTE)
}

fn found(seed: u64, injection: &Injection, starts: &[&Change], world: &World) -> Injected {
    let series = &world.series[injection.series];
    let kind = match injection.trouble {
        Trouble::ErrorBurst => Kind::ApiErrorRateInsight,
        Trouble::Burst | Trouble::Ramp => Kind::ApiCallRateInsight,
    };
    let times = i64::from(injection.start)..=i64::from(injection.end) + NOTICE_MINUTES;
    let fits = |change: &&&Change| {
        change.kind == kind && change.object.action == series.name && times.contains(&minute_of(change.noticed))
    };
    let start = starts.iter().find(fits);
    let minutes = injection.end - injection.start;
    Injected {
        trouble: injection.trouble,
        class: series.class(),
        delay: start.map(|start| (start.noticed - BEGIN) as f64 / MINUTE as f64 - f64::from(injection.start)),
        words: format!(
            "{:?} x{:.1} seed {seed} at {} for {minutes} min: {}",
            injection.trouble,
            injection.factor,
            injection.start,
            series.words()
        ),
    }
}

/// A start that nothing was behind; what an injection does besides, such as its errors in calls, is not one.
fn false_start(seed: u64, start: &Change, world: &World, plan: Plan) -> Option<FalseStart> {
    let at = minute_of(start.noticed);
    if at < i64::from(plan.quiet_weeks * world::MINUTES_A_WEEK) {
        return None;
    }
    let is_of_injection = world.injections.iter().any(|injection| {
        start.object.action == world.series[injection.series].name
            && at >= i64::from(injection.start)
            && at <= i64::from(injection.end) + AFTER_MINUTES
    });
    if is_of_injection {
        return None;
    }
    let series = world.series.iter().find(|series| series.name == start.object.action)?;
    let test = &start.test;
    let words = format!(
        "{} {}min {:.0} of {:?} against {:.1}, s {:.1}, seed {seed} at {at} [{}]: {}",
        start.kind.words(),
        test.window_minutes,
        test.count,
        test.of,
        test.expected,
        test.score,
        series.reasons(usize::try_from(at / 5).unwrap_or(0), &world.deploys, &world.holidays),
        series.words()
    );
    Some(FalseStart { class: series.class(), words })
}
