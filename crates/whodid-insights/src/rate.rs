//! How often something is usually counted, and whether it is more now.
//!
//! A series of counts in bins. The mean of a bin is a level that follows within days, times the shape of the week, and
//! not under what was counted at this hour in the weeks before. What is counted in one, two, four, twelve and about
//! seventy bins is held against it, each with a dispersion of its own that is learned from what the series did: so what
//! comes in waves is not taken for unusual, and a slow ramp shows in the long windows. Jobs on the clock are expected in
//! their bins ([`Clock`]).
//!
//! Everything is learned with weights that make outliers count little (Noufaily et al. 2013). A bin that is part of an
//! insight teaches neither level nor dispersion; the shape of the week learns on.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::grid::{Bin, Grid, hour_of_week};
use crate::habit::Habits;
use crate::season::{Season, pack, unpack};
use crate::tail::{lower_surprise, quantile_95, residual, upper_surprise};

/// Windows whose sum is judged, in bins. The last is six blocks of twelve, the sixth as far as it has come.
pub const WINDOWS: [i32; 5] = [1, 2, 4, 12, 72];
/// By how much a window must exceed what is expected, whatever the statistics say.
const RATIO_MIN: [f32; 5] = [4.0, 3.8, 3.4, 2.8, 2.2];
/// By how much less surprise longer windows need: those that overlap are not so many tests.
const FEWER: [f32; 5] = [0.0, 0.0, 0.0, 0.0, 0.9];
/// From this window on a band is not widened by what came within a day: a slow ramp would hide in what it did itself.
const SLOW: usize = 3;
/// Not of series younger than this: they have their noise still to show.
const SETTLED_DAYS: i64 = 8;
/// What the spread of such a window is more, at most and after one week, then falling with the square of the weeks: of
/// the week's shape little is known.
const YOUNG: (f32, f32) = (0.3, 0.3);
/// Least count of an unusual window, and least excess.
pub const COUNT_MIN: f32 = 10.0;
/// Bins that are kept: twelve that are over, and those still open.
const RING: usize = 16;
/// Bins that may be open at once.
pub const OPEN_BINS: i32 = 4;
const BLOCK: i32 = 12;
const BLOCKS: usize = 6;
/// What is less than this share of what is expected teaches so much only: after a holiday work goes on as before.
const LOW_SHARE: f32 = 0.45;
const LOW_WEIGHT: f32 = 0.25;
/// An hour's shape learns with at least this weight, also from bins that are part of an insight: what comes every week
/// becomes usual in its hour. At once it learns no more than so many times what was expected.
const SEASON_WEIGHT_MIN: f32 = 0.1;
const SEASON_RISE_MAX: f32 = 3.0;
/// A bin counts for the level with no more than so many times what was expected, and a few.
const LEVEL_RISE_MAX: f32 = 3.0;
/// So much of what was counted at this hour in the weeks before is expected again, however low the level is by now.
const FLOOR: f32 = 0.7;
/// Silence beyond this is gone over at once.
const SILENCE_HOURS: i64 = 4 * 168;
/// Counts after which a series has a season of its own.
const SEASON_CALLS: f32 = 60.0;
/// Residuals beyond this count less (Noufaily et al. 2013).
const ROBUST: f64 = 2.58;
/// Up to the first share of bins outliers are taken for what they are; from the second on they are how the series is,
/// and teach in full. Bins over which the share is taken.
const OUTLIERS: (f32, f32) = (0.008, 0.05);
const OUTLIERS_BINS: f32 = 2_016.0;
/// Bins over which a dispersion is learned.
const DISPERSION_BINS: f32 = 4_032.0;
/// How much a count is taken to vary around its mean before anything is known: the square of the coefficient of
/// variation, and how many bins that is worth.
const SPREAD_PRIOR: (f32, f32) = (0.15, 12.0);
/// A mean that tells half as much of how counts vary around it as a large one: beside it chance is as large.
const SPREAD_MEAN: f32 = 8.0;
/// The variance is at least so many times the mean.
const DISPERSION_MIN: f64 = 1.2;
/// Bins that the mean is worth that a series is taken to have before anything is known of it, and that mean.
const LEVEL_PRIOR: (f32, f32) = (12.0, 0.02);
/// Of the largest ratio so far half of the logarithm is left after so many days, and in the first week already after
/// the second.
const RECORD_HALF_LIFE_DAYS: (i64, i64) = (7, 2);
/// Above a series' own record by so much is unusual.
const RECORD_RATIO: f32 = 1.2;
/// Counts that are added on both sides of a ratio, so that few calls make no high one.
const RATIO_OFFSET: f32 = 5.0;
/// Least expected count of an hour that tells how a series does.
const RATIO_EXPECTED_MIN: f32 = 4.0;
/// So many times more than expected a series may have done before, and short windows are held against that.
const RISEN_MAX: f32 = 1.7;
/// Standard deviations by which that is certain, of six hours and of the last hour.
const RISEN_DEVIATIONS: (f32, f32) = (0.5, 0.7);
/// Windows up to so many bins are held against what neighbours do just now.
const SUDDEN_BINS: i32 = 4;
/// Least expected count that tells how a series does just now, and how much more than that is clearly more: times the
/// mean, and standard deviations on top.
const SUDDEN_EXPECTED_MIN: f32 = 5.0;
const SUDDEN_RATIO_MIN: f32 = 1.3;
const SUDDEN_DEVIATIONS: f32 = 1.3;
const NOTABLE_HEIGHT: f32 = 0.9;
/// How high a bin is that may be a job on the clock.
const PEAK_HEIGHT: f32 = 0.6;

/// What one series of counts is usually like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The bin of the first count.
    pub first: Bin,
    /// The first bin that is still open.
    pub next: Bin,
    /// Of the level: a discounted sum of counts, and of what one unit of level would have given.
    a: f32,
    b: f32,
    /// All that was ever counted.
    pub total: f32,
    /// The largest count of a bin on the first day.
    pub first_day_peak: f32,
    hour_sum: f32,
    hour_weight: f32,
    ring: [f32; RING],
    /// What was expected in bins that are over, when they were: [`pack`]ed.
    means: [u16; BLOCK as usize],
    blocks: [f32; BLOCKS],
    expected: [f32; BLOCKS],
    /// Of each window: discounted sums of squared errors beyond chance, and of squared means.
    spread: [(f32, f32); 5],
    /// What the spread of each window was at the last two turns of half a day: what comes slowly must not widen its own
    /// band.
    settled: [[u16; 5]; 2],
    /// The share of bins that are outliers.
    outliers: f32,
    /// The highest ratio of each window, as logarithm.
    record: [u16; 5],
    /// The same of this half of a day and of the one before: what comes slowly must not raise its own bar.
    recent: [[u16; 5]; 2],
    season: Option<Season>,
    clock: Clock,
    habits: Habits,
    /// Made of the season for the hour of `next`, and made anew where it is missing.
    #[serde(skip)]
    shape: Shape,
}

/// The week's shape around one hour: of the hour before, of it, of the hour after.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Shape {
    hour: i32,
    /// [`pack`]ed; 0 while there is no shape.
    factor: [u16; 3],
    floor: [u16; 3],
}

impl Shape {
    fn is_made(self) -> bool {
        self.factor[1] > 0
    }
}

/// What a window counts for whose last bin goes the other way.
const ECHO: f64 = 0.3;

/// Whether a bin that is over teaches what is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Teaching {
    /// As it is, outliers less.
    Usual,
    /// Not at all: it is part of an insight.
    Nothing,
    /// The level is followed fast: it stayed what it became.
    NewLevel,
}

/// A window that is more than it should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Excess {
    /// Length of the window, in bins.
    pub bins: i32,
    /// What was counted in it.
    pub count: f64,
    /// What was expected.
    pub expected: f64,
    /// The variance of that.
    pub variance: f64,
    /// `-log10` of the mid-p value, and what it had to be at least.
    pub surprise: f64,
    pub needed: f64,
}

/// What makes an excess unusual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needed {
    /// The surprise that is needed ([`Excess::surprise`]), and that of a single bin.
    pub surprise: f64,
    pub alone: f64,
    /// How many times more than expected the neighbours do: so much is expected of this one too. At least 1. In the
    /// last hour, and just now.
    pub common: f32,
    pub sudden: f32,
    /// The share of the bin that is over by now.
    pub elapsed: f32,
}

/// How a window stands against what is expected of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Index into [`WINDOWS`].
    window: usize,
    count: f32,
    mean: f32,
}

impl Rate {
    /// A series whose first count is in this bin.
    pub fn new(first: Bin) -> Self {
        Self {
            first,
            next: first,
            a: LEVEL_PRIOR.0 * LEVEL_PRIOR.1,
            b: LEVEL_PRIOR.0,
            total: 0.0,
            first_day_peak: 0.0,
            hour_sum: 0.0,
            hour_weight: 0.0,
            ring: [0.0; RING],
            means: [0; BLOCK as usize],
            blocks: [0.0; BLOCKS],
            expected: [0.0; BLOCKS],
            spread: [(SPREAD_PRIOR.0 * SPREAD_PRIOR.1, SPREAD_PRIOR.1); 5],
            settled: [[pack(SPREAD_PRIOR.0); 5]; 2],
            outliers: 0.0,
            record: [0; 5],
            recent: [[0; 5]; 2],
            season: None,
            clock: Clock::default(),
            habits: Habits::default(),
            shape: Shape::default(),
        }
    }

    /// A series that is known to have been silent for some bins before its first count.
    pub fn silent_since(first: Bin, since: Bin, grid: Grid) -> Self {
        let mut rate = Self::new(first);
        let bins = (first - since).clamp(0, grid.half_life_bins as Bin * 2);
        rate.b += bins as f32;
        rate
    }

    /// A series of which the level is known from elsewhere, as well as from a few bins.
    pub(crate) fn at_level(first: Bin, level: f32) -> Self {
        Self { a: LEVEL_PRIOR.0 * level, ..Self::new(first) }
    }

    /// Counts in an open bin: one from [`Rate::next`] on, at most [`OPEN_BINS`] of them.
    pub fn count(&mut self, bin: Bin, by: f32, grid: Grid) {
        debug_assert!(bin >= self.next && bin < self.next + OPEN_BINS, "{bin} is not open, {} is", self.next);
        self.ring[slot(bin)] += by;
        self.total += by;
        if self.season.is_none() && self.total >= SEASON_CALLS {
            self.season = Some(Season::default());
            self.shape = Shape::default();
        }
        if bin - self.first < grid.bins_in_hours(24) {
            self.first_day_peak = self.first_day_peak.max(self.ring[slot(bin)]);
        }
    }

    /// What was counted in a bin of the last hour, or an open one.
    pub fn at(&self, bin: Bin) -> f32 {
        if bin >= self.next + OPEN_BINS || bin < self.next - BLOCK { 0.0 } else { self.ring[slot(bin)] }
    }

    /// Takes in what came too late for its bin: for the level, as far as that bin still counts, and in the windows of
    /// the last hour. No more of those bins counts for the level than of others.
    pub fn teach_late(&mut self, bin: Bin, by: f32, grid: Grid) {
        let age = (self.next - bin).max(0) as f32;
        let left = libm::exp2f(-age / grid.half_life_bins);
        if bin < self.first {
            // It was there before: what lies between was silent, as far as is known.
            let reach = |age: f32| (1.0 - libm::exp2f(-age / grid.half_life_bins)) / (1.0 - grid.decay);
            self.b += (reach(age) - reach((self.next - self.first) as f32)).max(0.0);
            self.first = bin;
            self.shape = Shape::default();
        }
        let mut more = by;
        if bin >= self.first.max(self.next - BLOCK) {
            let before = self.at(bin);
            self.ring[slot(bin)] += by;
            self.blocks[block(bin)] += by;
            let most = unpack(self.means[into_block(bin)]).unwrap_or(0.0) * LEVEL_RISE_MAX + COUNT_MIN;
            more = (before + by).min(most) - before.min(most);
        }
        self.a += more * left;
        self.total += by;
    }

    /// Goes over a silence before `until` that is longer than anything is remembered of, all at once: an event of long ago
    /// must not cost a look at each bin since. Nothing happens where there is none, or an open bin has counts.
    pub fn pass_silence(&mut self, until: Bin, grid: Grid) {
        let to = until.saturating_sub(grid.bins_in_hours(SILENCE_HOURS));
        if to <= self.next + OPEN_BINS || (0..OPEN_BINS).any(|ahead| self.at(self.next + ahead) > 0.0) {
            return;
        }
        let left = libm::exp2f(-((to - self.next) as f32) / grid.half_life_bins);
        self.a *= left;
        self.b = self.b * left + (1.0 - left) / (1.0 - grid.decay);
        (self.hour_sum, self.hour_weight, self.outliers) = (0.0, 0.0, 0.0);
        (self.ring, self.means) = ([0.0; RING], [0; BLOCK as usize]);
        (self.blocks, self.expected) = ([0.0; BLOCKS], [0.0; BLOCKS]);
        (self.record, self.recent) = ([0; 5], [[0; 5]; 2]);
        self.clock = Clock::default();
        self.habits = Habits::default();
        self.shape = Shape::default();
        self.next = to;
    }

    /// Closes bins until this is the first open one.
    pub fn close_until(&mut self, next: Bin, grid: Grid, teaching: Teaching) {
        while self.next < next {
            self.close(grid, teaching);
        }
    }

    /// Closes one bin.
    pub fn close(&mut self, grid: Grid, teaching: Teaching) {
        let bin = self.next;
        self.shaped(grid);
        let (usual, factor) = self.mean_and_factor(bin, grid);
        let job = self.clock.expected(bin, grid);
        let mean = usual + job;
        let count = self.ring[slot(bin)];
        let mut weight = match teaching {
            Teaching::Usual => self.learn_dispersion(bin, grid),
            Teaching::Nothing => 0.0,
            Teaching::NewLevel => 1.0,
        };
        let is_peak = height(count, usual) >= PEAK_HEIGHT && count > 2.0 * self.at(bin - 1);
        let noise = libm::sqrt(self.variance(grid, 0, f64::from(usual))) as f32;
        if self.clock.close(bin, count - usual, noise, is_peak, grid) {
            // What was learned of its calls as if they were noise is forgotten.
            for (beyond, squares) in &mut self.spread {
                *beyond = beyond.min(SPREAD_PRIOR.0 * *squares);
            }
            for settled in self.settled.iter_mut().flatten() {
                *settled = (*settled).min(pack(SPREAD_PRIOR.0));
            }
            (self.record, self.recent, self.outliers) = ([0; 5], [[0; 5]; 2], 0.0);
        }
        // Its bins tell nothing of the rest.
        let season_weight_min = if job > 0.0 { 0.0 } else { SEASON_WEIGHT_MIN };
        if job > 0.0 && teaching == Teaching::Usual {
            weight = 0.0;
        }
        let block = block(bin);
        if bin.rem_euclid(BLOCK) == 0 {
            (self.blocks[block], self.expected[block]) = (0.0, 0.0);
        }
        self.blocks[block] += count;
        self.expected[block] += mean;
        self.means[into_block(bin)] = pack(mean);
        let decay = if teaching == Teaching::NewLevel { libm::exp2f(-12.0 / grid.half_life_bins) } else { grid.decay };
        let bounded = if teaching == Teaching::Usual { count.min(mean * LEVEL_RISE_MAX + COUNT_MIN) } else { count };
        self.a = self.a * decay + weight * bounded;
        self.b = self.b * decay + weight * factor;
        let weight_of_hour = weight.max(season_weight_min);
        self.hour_sum += weight_of_hour * count;
        self.hour_weight += weight_of_hour;

        let hour = grid.hour(bin);
        if grid.hour(bin + 1) != hour {
            if let Some(season) = &mut self.season
                && self.hour_weight > 0.0
            {
                let weeks = (hour - grid.hour(self.first)) as f32 / 168.0;
                let found = (self.hour_sum / self.hour_weight).min(mean.max(1.0) * SEASON_RISE_MAX);
                let weight = if found < mean * LOW_SHARE { LOW_WEIGHT } else { 1.0 };
                season.learn(hour_of_week(hour), found, weeks, weight);
            }
            (self.hour_sum, self.hour_weight) = (0.0, 0.0);
        }
        self.next += 1;
        self.ring[slot(bin + OPEN_BINS)] = 0.0;
    }

    /// Learns how much windows that end with this bin vary. Returns how much the bin itself is to count.
    fn learn_dispersion(&mut self, bin: Bin, grid: Grid) -> f32 {
        let is_first_week = bin - self.first < grid.bins_in_hours(168);
        let days = if is_first_week { RECORD_HALF_LIFE_DAYS.1 } else { RECORD_HALF_LIFE_DAYS.0 };
        if bin.rem_euclid(BLOCK) == 0 {
            let fade = libm::exp2f(-BLOCK as f32 / grid.bins_in_hours(days * 24) as f32);
            self.record = self.record.map(|record| pack(fade * unpack(record).unwrap_or(0.0)));
        }
        // What was seen while little was known of the week soon counts less.
        let age = (bin - self.first) as f32;
        let keep = 1.0 - 1.0 / (age / 3.0 + 144.0).min(DISPERSION_BINS);
        let mut weight_of_bin = 1.0;
        let mut stood_out = None;
        let (mut is_low, mut is_outlier) = (false, false);
        let trust = ((self.outliers - OUTLIERS.0) / (OUTLIERS.1 - OUTLIERS.0)).clamp(0.0, 1.0);
        // Of short windows in which a job is due: by how much they exceed tells of the job only.
        let jobs: [f32; 4] =
            std::array::from_fn(
                |back| if self.clock.is_empty() { 0.0 } else { self.clock.expected(bin - back as Bin, grid) },
            );
        for Standing { window, count, mean } in self.standings(bin, grid) {
            let job: f32 = jobs.iter().take(WINDOWS[window] as usize).sum();
            if job > mean * 0.1 && window < 3 {
                if window == 0 {
                    weight_of_bin = 0.0;
                }
                continue;
            }
            let mut weight = 1.0;
            let variance = self.variance(grid, window, f64::from(mean));
            if count > mean {
                let recent = &mut self.recent[0][window];
                *recent = (*recent).max(pack(height(count, mean)));
                let dispersion = variance / f64::from(mean).max(1e-6);
                let r = residual(f64::from(count), f64::from(mean), dispersion) as f32;
                if r > ROBUST as f32 {
                    weight = ((ROBUST as f32 / r) * (ROBUST as f32 / r)).max(trust);
                    is_outlier |= window == 0;
                }
            }
            if window == 3 && count < mean * LOW_SHARE && mean > COUNT_MIN {
                is_low = true;
            }
            if window == 0 {
                weight_of_bin = weight;
                let height = height(count, mean);
                if height >= NOTABLE_HEIGHT && count >= COUNT_MIN {
                    stood_out = Some(height);
                }
            }
            let (beyond, squares) = &mut self.spread[window];
            // Huber's estimate of scale: one outlier widens it little, and many do.
            // What lies under the mean, as holidays do, tells nothing of how far above it counts go.
            let error = 2.0 * (count - mean).max(0.0).powi(2).min((ROBUST * ROBUST * variance) as f32);
            // Weighted as their own variance asks for, so that the hours in which most is done do not decide alone.
            let share = 1.0 / ((mean + SPREAD_MEAN) * (mean + SPREAD_MEAN));
            *beyond = *beyond * keep + (error - mean) * share;
            *squares = *squares * keep + mean * mean * share;
        }
        if bin.rem_euclid(grid.bins_in_hours(12)) == 0 {
            for (record, old) in self.record.iter_mut().zip(self.recent[1]) {
                *record = (*record).max(old);
            }
            self.recent = [[0; 5], self.recent[0]];
            self.settled = [self.spread.map(|(beyond, squares)| pack(beyond / squares.max(1e-6))), self.settled[0]];
        }
        if let Some(height) = stood_out {
            self.habits.note(bin, height, false, grid);
        }
        let share = 1.0 / (age + 100.0).min(OUTLIERS_BINS);
        self.outliers += share * (f32::from(u8::from(is_outlier)) - self.outliers);
        if is_low { LOW_WEIGHT } else { weight_of_bin }
    }

    /// The sums of all windows that end with a bin, against what is expected.
    fn standings(&self, bin: Bin, grid: Grid) -> impl Iterator<Item = Standing> + use<> {
        let (mut count, mut mean) = (0.0, 0.0);
        let mut found = [Standing { window: 0, count: 0.0, mean: 0.0 }; 5];
        let mut window = 0;
        for back in 0..BLOCK {
            count += self.at(bin - back);
            mean += self.expected_in(bin - back, grid);
            if back + 1 == WINDOWS[window] {
                found[window] = Standing { window, count, mean };
                window += 1;
            }
        }
        found[4] = self.block_standing(bin, grid);
        found.into_iter()
    }

    /// What is expected in an open bin, or was in one of the last hour.
    fn expected_in(&self, bin: Bin, grid: Grid) -> f32 {
        if bin < self.next && bin >= self.first.max(self.next - BLOCK) {
            return unpack(self.means[into_block(bin)]).unwrap_or(0.0);
        }
        self.mean(bin, grid)
    }

    /// What is expected in an open bin.
    fn mean(&self, bin: Bin, grid: Grid) -> f32 {
        self.mean_and_factor(bin, grid).0 + self.clock.expected(bin, grid)
    }

    /// The last window: of the first open bin, which is not in its block yet, or of none.
    fn block_standing(&self, bin: Bin, grid: Grid) -> Standing {
        if bin != self.next {
            return Standing { window: 4, count: 0.0, mean: 0.0 };
        }
        let (mut count, mut mean) = (self.at(bin), self.mean(bin, grid));
        for index in 0..BLOCKS {
            if index != block(bin) || bin.rem_euclid(BLOCK) != 0 {
                count += self.blocks[index];
                mean += self.expected[index];
            }
        }
        Standing { window: 4, count, mean }
    }

    /// The most unusual window that ends with this open bin; `None` where all is as expected. The longest window is
    /// judged with the first open bin only.
    pub fn excess(&mut self, bin: Bin, needed: Needed, grid: Grid) -> Option<Excess> {
        self.shaped(grid);
        let mut worst: Option<Excess> = None;
        // What may still come in this bin. Jobs are expected whole: much begins at the beginning of a bin.
        let ahead = self.mean_and_factor(bin, grid).0 * (1.0 - needed.elapsed);
        let risen = self.risen(grid);
        for Standing { window, count, mean } in self.standings(bin, grid) {
            let mut mean = if window == 0 { mean } else { mean - ahead };
            mean *= if WINDOWS[window] <= SUDDEN_BINS { needed.common.max(needed.sudden) } else { needed.common };
            if WINDOWS[window] <= SUDDEN_BINS {
                mean *= risen;
            }
            if count < COUNT_MIN || count - mean < COUNT_MIN {
                continue;
            }
            // A window whose last bin has just begun is hardly longer than the next shorter one, and varies as that does.
            let shorter = window.saturating_sub(1);
            let part = (WINDOWS[window] - WINDOWS[shorter]) as f32;
            let whole = if window == 0 { 1.0 } else { ((part - 1.0 + needed.elapsed) / part).clamp(0.0, 1.0) };
            let mix = |short: f32, long: f32| short + whole * (long - short);
            let record = |window: usize| unpack(self.record[window]).unwrap_or(0.0);
            let record = mix(record(shorter), record(window));
            let jobs = if window < 3 { 0.0 } else { self.jobs_in(bin, WINDOWS[window], grid) };
            if count - jobs < mix(RATIO_MIN[shorter], RATIO_MIN[window]) * (mean - jobs)
                || height(count, mean) < record + libm::logf(RECORD_RATIO)
                || self.habits.is_usual(bin, WINDOWS[window], height(count, mean), grid)
            {
                continue;
            }
            let (count, mean) = (f64::from(count), f64::from(mean));
            let (short, long) = (self.variance(grid, shorter, mean), self.variance(grid, window, mean));
            let variance = short + f64::from(whole) * (long - short);
            let surprise = upper_surprise(count, mean, variance);
            let alone = match window {
                0 => 1.0,
                1 => 1.0 - f64::from(whole),
                _ => 0.0,
            };
            let fewer = f64::from(mix(FEWER[shorter], FEWER[window]));
            let needed = needed.surprise + alone * (needed.alone - needed.surprise) - fewer;
            if surprise < needed {
                continue;
            }
            if worst.is_none_or(|worst| worst.surprise < surprise) {
                worst = Some(Excess { bins: WINDOWS[window], count, expected: mean, variance, surprise, needed });
            }
        }
        worst
    }

    /// What jobs are expected to do in the bins up to one.
    fn jobs_in(&self, bin: Bin, bins: i32, grid: Grid) -> f32 {
        if self.clock.is_empty() { 0.0 } else { (0..bins).map(|back| self.clock.expected(bin - back, grid)).sum() }
    }

    /// How many times more than expected it did in the hour that ends with a bin; `None` where too little is expected to
    /// tell. Also of a series whose bins are not closed up to there: it had nothing since.
    pub fn hour_ratio(&self, bin: Bin, grid: Grid) -> Option<f32> {
        let bins = grid.bins_in_hours(1).min(BLOCK);
        let expected = self.rough_mean(bin, grid) * bins as f32;
        if expected < RATIO_EXPECTED_MIN || bin - self.first < grid.bins_in_hours(24) {
            return None;
        }
        let count: f32 = (0..bins).map(|back| self.at(bin - back)).sum();
        Some(count / expected)
    }

    /// How many times more than expected it did in the hours and the hour before the bins that are open, as far as that is
    /// certain: 1 to [`RISEN_MAX`]. A level that has just shifted, and a wave, are no start of anything in a short window.
    fn risen(&self, grid: Grid) -> f32 {
        let certain = |count: f32, mean: f32, window: usize, deviations: f32| {
            let deviation = libm::sqrt(self.variance(grid, window, f64::from(mean))) as f32;
            (count - deviations * deviation) / mean.max(1.0)
        };
        let hours = certain(self.blocks.iter().sum(), self.expected.iter().sum(), 4, RISEN_DEVIATIONS.0);
        let (mut count, mut mean) = (0.0, 0.0);
        for back in 1..=8 {
            let bin = self.next - back;
            if bin >= self.first {
                count += self.at(bin);
                mean += unpack(self.means[into_block(bin)]).unwrap_or(0.0);
            }
        }
        hours.max(certain(count, mean, 3, RISEN_DEVIATIONS.1)).clamp(1.0, RISEN_MAX)
    }

    /// How many times more than expected it does just now, when that is clearly more; `None` where too little is expected
    /// to tell. Over the bin before and what is over of this one.
    pub fn sudden_ratio(&self, bin: Bin, elapsed: f32, grid: Grid) -> Option<(f32, bool)> {
        let expected = self.rough_mean(bin, grid) * (1.0 + elapsed);
        if expected < SUDDEN_EXPECTED_MIN || bin - self.first < grid.bins_in_hours(24) {
            return None;
        }
        let count = self.at(bin) + self.at(bin - 1);
        let deviation = libm::sqrt(self.variance(grid, 1, f64::from(expected))) as f32;
        Some((count / expected, count > SUDDEN_RATIO_MIN * expected + SUDDEN_DEVIATIONS * deviation))
    }

    /// What is expected in a bin, without jobs; also of a series whose bins are not closed up to there.
    fn rough_mean(&self, bin: Bin, grid: Grid) -> f32 {
        let hour = grid.hour(bin);
        let factor = self.season.as_ref().map_or(1.0, |season| {
            let weeks = (hour - grid.hour(self.first)) as f32 / 168.0;
            season.shape(hour_of_week(hour), season.mean().unwrap_or(0.0), weeks)
        });
        self.a / self.b.max(1e-6) * factor
    }

    /// How surprising the first open bin and windows that end with it are, up or down, for [`Scorer`](crate::Scorer).
    ///
    /// `-log10` of the least mid-p value, of windows of one, two and four bins; a window only as far as its last bin goes
    /// the same way, so that a peak does not echo. With it what is expected in the bin.
    pub(crate) fn surprise(&mut self, bin: Bin, grid: Grid) -> (f64, f64) {
        self.shaped(grid);
        let (count, mean) = (f64::from(self.at(bin)), f64::from(self.mean(bin, grid)));
        let (mut up, mut down) = (0.0_f64, 0.0_f64);
        for Standing { window, count, mean } in self.standings(bin, grid).take(3) {
            if bin - self.first < WINDOWS[window] * 4 {
                continue;
            }
            let (count, mean) = (f64::from(count), f64::from(mean));
            let variance = self.variance(grid, window, mean);
            up = up.max(upper_surprise(count, mean, variance));
            down = down.max(lower_surprise(count, mean, variance));
        }
        (if count >= mean { up.max(down * ECHO) } else { down.max(up * ECHO) }, mean)
    }

    /// Closes a bin of which nothing is known.
    pub(crate) fn skip(&mut self, grid: Grid) {
        self.shaped(grid);
        let bin = self.next;
        self.ring[slot(bin)] = self.mean(bin, grid);
        self.close(grid, Teaching::Nothing);
    }

    fn variance(&self, grid: Grid, window: usize, mean: f64) -> f64 {
        let (beyond, squares) = self.spread[window];
        let now = beyond / squares.max(1e-6);
        let mut spread = now;
        if window >= SLOW {
            let hours = (self.next - self.first) as f32 / grid.bins_in_hours(1) as f32;
            if hours > (SETTLED_DAYS * 24) as f32 {
                spread = self.settled.iter().filter_map(|settled| unpack(settled[window])).fold(now, f32::min);
            }
            let weeks = hours / 168.0;
            spread += YOUNG.0.min(YOUNG.1 / (weeks * weeks).max(0.01));
        }
        let spread = f64::from(spread.clamp(0.0, 25.0));
        DISPERSION_MIN * mean + spread * mean * mean + mean * mean / f64::from(self.a).max(0.05)
    }

    /// What is expected in a bin, and the count that one bin in twenty exceeds.
    pub fn band(&mut self, bin: Bin, grid: Grid) -> (f64, f64) {
        self.shaped(grid);
        let mean = f64::from(self.mean(bin, grid));
        (mean, quantile_95(mean, self.variance(grid, 0, mean)))
    }

    /// Whether a bin is clearly above what is expected.
    pub fn is_hot(&mut self, bin: Bin, grid: Grid) -> bool {
        let (mean, upper) = self.band(bin, grid);
        let count = f64::from(self.at(bin));
        count > upper && count > 1.6 * mean && count >= 2.0
    }

    /// The level: what a bin has on average.
    pub fn level(&self) -> f64 {
        f64::from(self.a / self.b.max(1e-6))
    }

    /// What is known of it: counts of the last days, the older the less.
    pub fn known(&self) -> f32 {
        self.a
    }

    /// Whether an insight of it was told that is remembered.
    pub fn was_told(&self) -> bool {
        self.habits.was_told()
    }

    /// Bytes that it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        self.season.as_ref().map_or(0, Season::heap_bytes) + self.clock.heap_bytes() + self.habits.heap_bytes()
    }

    /// An insight of this series is over: what it was made of is forgotten, and that it was is remembered.
    pub fn end_insight(&mut self, peak_bin: Bin, peak: f64, expected: f64, grid: Grid) {
        self.shaped(grid);
        for back in 1..=BLOCK {
            let bin = self.next - back;
            self.ring[slot(bin)] = self.mean(bin, grid);
        }
        self.blocks = self.expected;
        self.habits.note(peak_bin, height(peak as f32, expected as f32), true, grid);
    }

    fn mean_and_factor(&self, bin: Bin, grid: Grid) -> (f32, f32) {
        let level = self.a / self.b.max(1e-6);
        if !self.shape.is_made() {
            return (level, 1.0);
        }
        let Shape { hour, factor, floor } = self.shape;
        let (near, far, share) = match grid.hour(bin).cmp(&hour) {
            std::cmp::Ordering::Less => (0, 0, 0.0),
            std::cmp::Ordering::Greater => (2, 2, 0.0),
            std::cmp::Ordering::Equal => {
                let into = grid.into_hour(bin);
                if into < 0.5 { (1, 0, 0.5 - into) } else { (1, 2, into - 0.5) }
            }
        };
        let mix = |of: [u16; 3]| {
            let [near, far] = [of[near], of[far]].map(|packed| unpack(packed).unwrap_or(0.0));
            near + share * (far - near)
        };
        let factor = mix(factor).max(0.02);
        ((level * factor).max(mix(floor)), factor)
    }

    /// Has the shape ready of the hour of the first open bin: made of what is stored only, so a restart changes nothing.
    fn shaped(&mut self, grid: Grid) {
        let Some(season) = &self.season else { return };
        let hour = grid.hour(self.next);
        if self.shape.is_made() && self.shape.hour == hour {
            return;
        }
        let weeks = (hour - grid.hour(self.first)) as f32 / 168.0;
        let mean = season.mean().unwrap_or(0.0);
        let hours = [hour - 1, hour, hour + 1];
        let factor = hours.map(|hour| pack(season.shape(hour_of_week(hour), mean, weeks)).max(1));
        let floor = hours.map(|hour| {
            let known = season.at(hour_of_week(hour)).or_else(|| season.at(hour_of_week(hour - 24)));
            pack(FLOOR * known.unwrap_or(0.0))
        });
        self.shape = Shape { hour, factor, floor };
    }
}

/// Logarithm of how many times more than expected.
fn height(count: f32, mean: f32) -> f32 {
    libm::logf((count + RATIO_OFFSET) / (mean + RATIO_OFFSET)).max(0.0)
}

fn slot(bin: Bin) -> usize {
    bin.rem_euclid(RING as i32) as usize
}

fn into_block(bin: Bin) -> usize {
    bin.rem_euclid(BLOCK) as usize
}

fn block(bin: Bin) -> usize {
    bin.div_euclid(BLOCK).rem_euclid(BLOCKS as i32) as usize
}
