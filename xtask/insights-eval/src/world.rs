//! A made-up account: what its people and machines do in every minute of some weeks, and what goes wrong.
//!
//! Habits of the hour of the week, counts that vary more than chance would have it, jobs on the clock, deploys that
//! touch many actions at once, holidays, levels that shift for good, actions that are new. On top of that what is to be
//! found: bursts, ramps and bursts of errors. All of it is drawn from one seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp, Gamma, Normal, Poisson};

pub const MINUTES_A_WEEK: u32 = 7 * 24 * 60;
/// Bins of five minutes.
pub const BINS_A_WEEK: usize = 2016;

/// How an account is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub series: usize,
    /// Weeks in which nothing is injected.
    pub quiet_weeks: u32,
    /// Weeks with injections.
    pub weeks: u32,
    pub bursts_a_week: u32,
    pub ramps_a_week: u32,
    pub error_bursts_a_week: u32,
}

/// What is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Burst,
    Ramp,
    ErrorBurst,
}

#[derive(Debug, Clone)]
pub struct Injection {
    pub trouble: Trouble,
    pub series: usize,
    /// Minutes from the beginning.
    pub start: u32,
    pub end: u32,
    /// Times the usual rate; of error bursts the share of calls that fail.
    pub factor: f64,
}

/// How hard a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Counts vary little more than chance would have it, by a quarter of the mean at most.
    Quiet,
    /// By a quarter to a half of the mean.
    Noisy,
    /// With calls on the clock, quiet or noisy.
    Clock,
}

#[derive(Debug)]
pub struct Series {
    pub name: String,
    pub region: &'static str,
    pub is_write: bool,
    /// Mean calls of a bin.
    mean: f64,
    hours: Vec<f64>,
    /// Bins that its clock is ahead.
    zone: usize,
    /// Coefficient of variation from bin to bin, and of waves of hours.
    noise: f64,
    waves: f64,
    /// Calls on the clock: period and minute, and how many.
    job: Option<(u32, u32, f64)>,
    takes_deploys: bool,
    shifts: Vec<(usize, f64)>,
    /// The first bin.
    since: usize,
    errors: f64,
}

#[derive(Debug)]
pub struct World {
    pub series: Vec<Series>,
    pub injections: Vec<Injection>,
    pub deploys: Vec<(usize, usize, f64)>,
    pub holidays: Vec<usize>,
    bins: usize,
    rng: ChaCha8Rng,
    /// The wave of each series.
    wave: Vec<f64>,
}

/// Calls of one series in one minute.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    pub series: usize,
    pub count: u32,
    pub errors: u32,
}

/// Calls that a burst has in ten minutes at least, on average.
pub const BURST_CALLS_MIN: f64 = 40.0;
/// Calls that a series with a ramp usually has in five minutes at least, throughout the ramp.
pub const RAMP_CALLS_MIN: f64 = 3.0;
/// Calls that a series with a burst of errors usually has in five minutes at least, and errors in ten.
pub const ERROR_CALLS_MIN: f64 = 1.0;
pub const ERRORS_MIN: f64 = 10.0;

/// Coefficient of variation from bin to bin, beyond chance, from which on a series is noisy.
const NOISY: f64 = 0.25;

const REGIONS: [&str; 4] = ["eu-de", "us-south", "eu-gb", "jp-tok"];
/// Hours that their people are ahead, counted from the first of them.
const ZONES: [usize; 4] = [1, 18, 0, 9];

impl World {
    pub fn new(seed: u64, plan: Plan) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let weeks = plan.quiet_weeks + plan.weeks;
        let bins = weeks as usize * BINS_A_WEEK;
        let mut series: Vec<Series> = (0..plan.series).map(|index| draw_series(index, bins, &mut rng)).collect();
        // Actions that are new: two a week.
        for week in 0..weeks {
            for _ in 0..2 {
                let mut new = draw_series(series.len(), bins, &mut rng);
                new.mean = new.mean.min(2.0);
                new.job = None;
                new.since = week as usize * BINS_A_WEEK + rng.random_range(0..BINS_A_WEEK);
                series.push(new);
            }
        }
        let mut holidays = Vec::new();
        for week in 0..weeks as usize {
            if rng.random_bool(0.35) {
                holidays.push(week * 7 + rng.random_range(0..5));
            }
        }
        let mut deploys = Vec::new();
        for day in 0..weeks as usize * 7 {
            if day % 7 < 5 && rng.random_bool(0.6) {
                let start = day * 288 + rng.random_range(8 * 12..18 * 12);
                deploys.push((start, start + rng.random_range(1..=4), rng.random_range(1.3..2.5)));
            }
        }
        let wave = vec![0.0; series.len()];
        let mut world = Self { series, injections: Vec::new(), deploys, holidays, bins, rng, wave };
        world.inject(plan);
        world
    }

    fn inject(&mut self, plan: Plan) {
        let mut used = std::collections::BTreeSet::new();
        for week in plan.quiet_weeks..plan.quiet_weeks + plan.weeks {
            let troubles = [
                (Trouble::Burst, plan.bursts_a_week),
                (Trouble::Ramp, plan.ramps_a_week),
                (Trouble::ErrorBurst, plan.error_bursts_a_week),
            ];
            for (trouble, count) in troubles {
                for _ in 0..count {
                    self.inject_one(week, trouble, &mut used);
                }
            }
        }
        self.injections.sort_by_key(|injection| injection.start);
    }

    fn inject_one(&mut self, week: u32, trouble: Trouble, used: &mut std::collections::BTreeSet<usize>) {
        // One that fits: the trouble must be large enough for anybody to call it one.
        for _ in 0..10_000 {
            let index = self.rng.random_range(0..self.series.len());
            let start = week * MINUTES_A_WEEK + self.rng.random_range(0..MINUTES_A_WEEK - 9 * 60);
            let (duration, factor) = match trouble {
                Trouble::Burst => (self.rng.random_range(10..=60), log_uniform(5.0, 20.0, &mut self.rng)),
                Trouble::Ramp => (8 * 60, 4.0),
                Trouble::ErrorBurst => (self.rng.random_range(10..=60), self.rng.random_range(0.3..1.0)),
            };
            let series = &self.series[index];
            let bin = (start / 5) as usize;
            // What is usual at this hour of the week: on a holiday a burst is as large as on other days.
            let usual = series.usual(bin, &[]);
            let is_old = series.since + 3 * 288 < bin;
            let fits = match trouble {
                Trouble::Burst => series.is_write && usual * 2.0 * factor >= BURST_CALLS_MIN,
                // At every hour of it: four times what people do at night is nothing that anybody would call a ramp.
                Trouble::Ramp => {
                    series.is_write && (0..8).all(|hour| series.usual(bin + hour * 12, &[]) >= RAMP_CALLS_MIN)
                }
                Trouble::ErrorBurst => usual >= ERROR_CALLS_MIN && usual * 2.0 * factor >= ERRORS_MIN,
            };
            if !fits || !is_old || !used.insert(index) {
                continue;
            }
            self.injections.push(Injection { trouble, series: index, start, end: start + duration, factor });
            return;
        }
    }

    /// All bins in order, each with the calls of its five minutes.
    pub fn run(&mut self, mut each: impl FnMut(u32, &[Calls])) {
        let mut counts: Vec<Calls> = Vec::new();
        let mut by_minute: [Vec<Calls>; 5] = Default::default();
        let injections = self.injections.clone();
        for bin in 0..self.bins {
            by_minute.iter_mut().for_each(Vec::clear);
            let deploy =
                self.deploys.iter().find(|(from, until, _)| (*from..*until).contains(&bin)).map(|deploy| deploy.2);
            let (from, until) = (bin as u32 * 5, (bin as u32 + 1) * 5);
            let injected: Vec<&Injection> =
                injections.iter().filter(|injection| injection.start < until && injection.end > from).collect();
            for index in 0..self.series.len() {
                let series = &self.series[index];
                if bin < series.since {
                    continue;
                }
                let mut mean = series.usual(bin, &self.holidays);
                // A wave that keeps nine tenths of itself from bin to bin.
                let step: f64 = Normal::new(0.0, 0.44).expect("finite").sample(&mut self.rng);
                self.wave[index] = 0.9 * self.wave[index] + step;
                mean *= exp(series.waves * self.wave[index] - series.waves * series.waves / 2.0);
                if series.noise > 0.05 {
                    let shape = 1.0 / (series.noise * series.noise);
                    mean *= Gamma::new(shape, 1.0 / shape).expect("positive").sample(&mut self.rng);
                }
                if let Some(factor) = deploy
                    && series.takes_deploys
                {
                    mean *= factor;
                }
                let mut on_clock = 0.0;
                if let Some((period, at, count)) = series.job
                    && (bin as u32) % period == at
                {
                    on_clock = count;
                }
                let mine: Vec<&Injection> =
                    injected.iter().copied().filter(|injection| injection.series == index).collect();
                if mine.is_empty() && mean + on_clock < 1e-4 {
                    continue;
                }
                if mine.is_empty() {
                    // The same in distribution as minute by minute, and several times as fast.
                    let count = poisson(mean + on_clock, &mut self.rng);
                    for at in 0..count.min(5) {
                        let share = count / count.min(5) + u32::from(at < count % count.min(5));
                        let minute = if count >= 5 { at as usize } else { self.rng.random_range(0..5) };
                        let errors = binomial(share, self.series[index].errors, &mut self.rng);
                        by_minute[minute].push(Calls { series: index, count: share, errors });
                    }
                    continue;
                }
                for (minute, calls) in by_minute.iter_mut().enumerate() {
                    let at = bin as u32 * 5 + minute as u32;
                    let mut rate = (mean + on_clock) / 5.0;
                    let lifted = if self.holidays.is_empty() {
                        1.0
                    } else {
                        self.series[index].usual(bin, &[]) / self.series[index].usual(bin, &self.holidays)
                    };
                    let mut errors = self.series[index].errors;
                    for injection in mine.iter().filter(|injection| (injection.start..injection.end).contains(&at)) {
                        match injection.trouble {
                            Trouble::Burst => rate *= injection.factor * lifted,
                            Trouble::Ramp => {
                                let into = f64::from(at - injection.start) / 360.0;
                                rate *= (1.0 + (injection.factor - 1.0) * into.min(1.0))
                                    * (1.0 + (lifted - 1.0) * into.min(1.0));
                            }
                            Trouble::ErrorBurst => errors = errors.max(injection.factor),
                        }
                    }
                    let count = poisson(rate, &mut self.rng);
                    if count > 0 {
                        let errors = binomial(count, errors, &mut self.rng);
                        calls.push(Calls { series: index, count, errors });
                    }
                }
            }
            for (minute, calls) in by_minute.iter().enumerate() {
                counts.clear();
                counts.extend_from_slice(calls);
                each(bin as u32 * 5 + minute as u32, &counts);
            }
        }
    }
}

impl Series {
    pub fn class(&self) -> Class {
        if self.job.is_some() {
            Class::Clock
        } else if self.noise > NOISY {
            Class::Noisy
        } else {
            Class::Quiet
        }
    }

    /// In one line, for whoever asks why.
    pub fn words(&self) -> String {
        let peak = self.hours.iter().copied().fold(0.0, f64::max);
        format!(
            "{} mean {:.2} peak hour x{peak:.1} noise {:.2} waves {:.2} job {:?} deploys {} shifts {:?} since {} errors {:.3}",
            self.name,
            self.mean,
            self.noise,
            self.waves,
            self.job,
            self.takes_deploys,
            self.shifts,
            self.since,
            self.errors
        )
    }

    /// What may have been behind a start in a bin that nothing was injected into.
    pub fn reasons(&self, bin: usize, deploys: &[(usize, usize, f64)], holidays: &[usize]) -> String {
        let mut reasons = Vec::new();
        let before = bin.saturating_sub(4 * 288);
        let level =
            |bin: usize| self.shifts.iter().rev().find(|(from, _)| *from <= bin).map_or(1.0, |(_, factor)| *factor);
        let shift = level(bin) / level(before);
        if shift > 1.15 {
            reasons.push(format!("shift x{shift:.1}"));
        }
        if let Some((period, at, _)) = self.job
            && (bin as u32 + 2 * period - at + 1) % period <= 2
        {
            reasons.push("job".to_owned());
        }
        if self.takes_deploys && deploys.iter().any(|(from, until, _)| *from <= bin && bin < until + 4) {
            reasons.push("deploy".to_owned());
        }
        let day = (bin + self.zone) / 288;
        if holidays.iter().any(|holiday| (day.saturating_sub(2)..=day).contains(holiday) || holiday + 7 == day) {
            reasons.push("holiday".to_owned());
        }
        if self.since > 0 && bin - self.since < 288 {
            reasons.push("first day".to_owned());
        } else if self.since > 0 && bin - self.since < 2016 {
            reasons.push("new".to_owned());
        }
        if self.noise > NOISY {
            reasons.push("noisy".to_owned());
        }
        reasons.join(", ")
    }

    /// Mean calls of a bin, without noise, deploys and jobs.
    fn usual(&self, bin: usize, holidays: &[usize]) -> f64 {
        let local = bin + self.zone;
        let day = local / 288;
        let hour = local / 12 % 168;
        // A holiday is like a Sunday.
        let hour = if holidays.contains(&day) { 6 * 24 + hour % 24 } else { hour };
        let shift = self.shifts.iter().rev().find(|(from, _)| *from <= bin).map_or(1.0, |(_, factor)| *factor);
        self.mean * self.hours[hour] * shift
    }
}

fn draw_series(index: usize, bins: usize, rng: &mut ChaCha8Rng) -> Series {
    let mean = log_uniform(0.02, 60.0, rng);
    let is_human = rng.random_bool(0.6);
    let mut hours = vec![1.0; 168];
    if is_human {
        let (noon, width) = (rng.random_range(11.0..14.0), rng.random_range(2.5..4.5));
        let night = rng.random_range(0.02..0.3);
        let weekend = rng.random_range(0.05..0.6);
        for (hour, share) in hours.iter_mut().enumerate() {
            let of_day = (hour % 24) as f64;
            let away: f64 = of_day - noon;
            let day = night + (1.0 - night) * exp(-away * away / (2.0 * width * width));
            *share = day * if hour / 24 >= 5 { weekend } else { 1.0 };
        }
        let sum: f64 = hours.iter().sum();
        hours.iter_mut().for_each(|share| *share *= 168.0 / sum);
    }
    let job = rng.random_bool(0.1).then(|| {
        let period = [12, 288, 288][rng.random_range(0..3)];
        (period, rng.random_range(0..period), log_uniform(20.0, 200.0, rng))
    });
    // Each shift multiplies what was there before it, by 1.8 at most: a rate that trebles for good is news to anybody and
    // would rightly be told.
    let mut shifts = Vec::new();
    let gap = Exp::new(0.1 / BINS_A_WEEK as f64).expect("positive");
    let (mut at, mut level) = (gap.sample(rng) as usize, 1.0);
    while at < bins {
        level = (level * log_uniform(0.5, 1.8, rng)).clamp(0.3, 3.0);
        shifts.push((at, level));
        at += gap.sample(rng) as usize;
    }
    let name_kind = ["create", "update", "delete", "read", "list"][index % 5];
    Series {
        name: format!("service{}.thing{}.{name_kind}", index % 23, index / 5),
        region: REGIONS[index % 4],
        // Most actions of a service that people care about write.
        is_write: index % 5 < 3,
        mean,
        hours,
        zone: if is_human { ZONES[index % 4] * 12 + rng.random_range(0..18) } else { 0 },
        noise: if rng.random_bool(0.8) { rng.random_range(0.0..NOISY) } else { rng.random_range(NOISY..0.5) },
        waves: rng.random_range(0.0..0.2),
        job,
        takes_deploys: rng.random_bool(0.15),
        shifts,
        since: 0,
        errors: if rng.random_bool(0.5) { log_uniform(0.002, 0.08, rng) } else { 0.0 },
    }
}

fn log_uniform(from: f64, to: f64, rng: &mut impl Rng) -> f64 {
    exp(rng.random_range(from.ln()..to.ln()))
}

fn exp(x: f64) -> f64 {
    x.exp()
}

fn poisson(mean: f64, rng: &mut impl Rng) -> u32 {
    if mean <= 1e-9 {
        return 0;
    }
    Poisson::new(mean).map_or(0, |poisson| poisson.sample(rng) as u32)
}

fn binomial(count: u32, share: f64, rng: &mut impl Rng) -> u32 {
    if share <= 0.0 {
        return 0;
    }
    (0..count).filter(|_| rng.random_bool(share.min(1.0))).count() as u32
}
