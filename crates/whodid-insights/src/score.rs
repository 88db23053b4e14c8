//! How unusual each point of any regular time series is: counts, gauges, shares.
//!
//! The same model as insights have of calls ([`Rate`]): a level, the week's shape, jobs on the clock, and how much
//! points vary around them. A gauge is brought to the scale of counts first, so that its noise is what counts of that
//! size have by chance. What a point scores rests on points before it only, and nothing is set for one file or another.

use crate::grid::{Bin, Grid};
use crate::rate::{Rate, Teaching};

/// Points after which the interval and the scale are taken for known.
const FIT_POINTS: usize = 40;
/// Points over which scores rise to what they are from then on: of what is hardly known little is unusual.
const PROBATION_POINTS: f64 = 160.0;
/// The surprise (`-log10` of a probability) that scores 0.5: about one point in a year of minutes by chance.
const NEEDED: f64 = 5.5;
/// Of surprises before, the quantile that is followed, how fast, and how many times it must be exceeded.
const PAST_QUANTILE: f64 = 0.995;
const PAST_STEP: f64 = 0.05;
const PAST_RATIO: f64 = 1.2;
/// Points in a row after which what stays unusual is taken for a new level, and over which its score halves from then.
const SHIFT_POINTS: u32 = 12;
const SHIFT_HALF_LIFE: f64 = 12.0;
/// How fast the mean and the spread of nearby points are followed, and the least spread.
const NEAR_SHARE: f64 = 0.15;
const NEAR_SQUARE_SHARE: f64 = 0.01;
const NEAR_DEVIATION_MIN: f64 = 0.02;
/// Counts that are added on both sides of a ratio.
const RATIO_OFFSET: f64 = 5.0;
/// What a surprise counts for that the week has and nearby points have not, or the other way round.
const ONE_SHARE: f64 = 0.15;
/// A gap of more bins than this is one after which nothing is known.
const GAP_BINS_MAX: Bin = 20_000;
/// Mean of a gauge in counts of what varies by a standard deviation of [`NOISE_COUNTS`] of them.
const NOISE_COUNTS: f64 = 1.2;
/// Standard deviations that the zero of a gauge's scale lies below the least that was seen.
const ZERO_DEVIATIONS: f64 = 40.0;
/// Least noise of a gauge, as share of how large its values are: what is constant may change a little.
const NOISE_MIN_SHARE: f64 = 0.01;
/// Bounds of what is counted for a point.
const COUNTS_MAX: f64 = 1e7;

/// Scores the points of one series, in the order of time.
#[derive(Debug, Clone, Default)]
pub struct Scorer {
    /// Points until there are enough to know the interval and the scale.
    first: Vec<(i64, f64)>,
    fitted: Option<Fitted>,
}

#[derive(Debug, Clone)]
struct Fitted {
    grid: Grid,
    scale: Scale,
    rate: Rate,
    points: u64,
    /// The surprise that so many of those before stayed under.
    past: f64,
    /// Unusual points in a row, with few between them.
    run: u32,
    calm: u32,
    same: Same,
    near: Near,
    last_score: f64,
}

/// How points lie around what the model expects, in the last hour or so: the logarithm of their ratio.
///
/// Of a series whose week is not known yet this is what is usual; and where it is known, what leaves it slowly.
#[derive(Debug, Clone, Default)]
struct Near {
    mean: f64,
    square: f64,
    points: f64,
}

/// From values to counts.
#[derive(Debug, Clone, Copy)]
struct Scale {
    zero: f64,
    factor: f64,
}

/// How often a value is the same as the one before.
#[derive(Debug, Clone)]
struct Same {
    last: f64,
    run: u32,
    /// Of all points before.
    share: f64,
    points: f64,
}

impl Scorer {
    /// Of a series of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// How unusual the next point is, from 0 to 1: from 0.5 on it would start an insight.
    ///
    /// `time_micros` since 1970. Points may be missing. Of several at the same time only the first teaches; one that is
    /// older than the last, or no number, scores 0 and teaches nothing.
    pub fn next(&mut self, time_micros: i64, value: f64) -> f64 {
        if !value.is_finite() {
            return 0.0;
        }
        if let Some(fitted) = &mut self.fitted {
            if fitted.is_after_gap(time_micros) {
                *self = Self::default();
                return self.next(time_micros, value);
            }
            return fitted.next(time_micros, value);
        }
        if self.first.last().is_some_and(|(last, _)| time_micros <= *last) {
            return 0.0;
        }
        self.first.push((time_micros, value));
        if self.first.len() < FIT_POINTS {
            return 0.0;
        }
        let first = std::mem::take(&mut self.first);
        let mut fitted = Fitted::of(&first);
        for (at, value) in first {
            fitted.next(at, value);
        }
        self.fitted = Some(fitted);
        0.0
    }
}

impl Fitted {
    fn of(points: &[(i64, f64)]) -> Self {
        let mut gaps: Vec<i64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        gaps.sort_unstable();
        // Gaps make differences larger and never smaller, and a clock is not exact: the middle one.
        let grid = Grid::of(gaps.get(gaps.len() / 2).copied().unwrap_or(1));
        let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        let first = points.first().map_or(0, |(at, _)| grid.bin(*at));
        let scale = Scale::of(&values);
        let mean = values.iter().map(|value| scale.counts(*value)).sum::<f64>() / values.len().max(1) as f64;
        Self {
            grid,
            scale,
            rate: Rate::at_level(first, mean as f32),
            points: 0,
            past: 0.0,
            run: 0,
            calm: 0,
            near: Near::default(),
            same: Same { last: f64::NAN, run: 0, share: 0.5, points: 2.0 },
            last_score: 0.0,
        }
    }

    fn is_after_gap(&self, at: i64) -> bool {
        self.grid.bin(at) - self.rate.next > GAP_BINS_MAX
    }

    fn next(&mut self, at: i64, value: f64) -> f64 {
        let grid = self.grid;
        // A point may come a little before its time.
        let bin = grid.bin(at.saturating_add(grid.bin_micros / 4));
        if bin < self.rate.next {
            return if bin == self.rate.next - 1 { self.last_score } else { 0.0 };
        }
        while self.rate.next < bin {
            self.rate.skip(grid);
        }
        let count = self.scale.counts(value);
        self.rate.count(bin, count as f32, grid);
        let (of_week, expected) = self.rate.surprise(bin, grid);
        let nearby = self.near.take(libm::log((count + RATIO_OFFSET) / (expected + RATIO_OFFSET)));
        // What both call unusual is; of what only one does a part.
        let both = of_week.min(nearby) + ONE_SHARE * (of_week - nearby).abs();
        let surprise = both.max(self.same.take(value));
        self.points += 1;
        let needed = NEEDED.max(self.past * PAST_RATIO);
        let unusual = surprise / needed;
        self.follow(surprise, unusual);
        let is_new_level = self.run > SHIFT_POINTS;
        self.rate.close(grid, if is_new_level { Teaching::NewLevel } else { Teaching::Usual });
        let stale = f64::from(self.run.saturating_sub(SHIFT_POINTS)) / SHIFT_HALF_LIFE;
        let known = (self.points.saturating_sub(FIT_POINTS as u64) as f64 / PROBATION_POINTS).min(1.0);
        self.last_score = (1.0 - libm::exp2(-unusual * known * libm::exp2(-stale))).clamp(0.0, 1.0);
        self.last_score
    }

    /// Follows how surprising points are, and how long they have been unusual.
    fn follow(&mut self, surprise: f64, unusual: f64) {
        if unusual >= 1.0 {
            (self.run, self.calm) = (self.run.saturating_add(1), 0);
        } else if unusual < 0.5 {
            self.calm += 1;
            if self.calm > 2 {
                self.run = 0;
            }
        }
        // A quantile by steps up and down, in relative measure; what is beyond the quantile pulls by its number alone.
        let step = PAST_STEP * self.past.max(1.0);
        if surprise > self.past {
            self.past += step * PAST_QUANTILE;
        } else {
            self.past = (self.past - step * (1.0 - PAST_QUANTILE)).max(0.0);
        }
    }
}

impl Scale {
    /// Counts stay what they are. Of anything else a unit is chosen so that it varies from point to point by what counts
    /// of that size vary by chance.
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
        let (least, middle, high) = (at(0.0), at(0.5), at(0.95));
        let mut steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        steps.sort_by(f64::total_cmp);
        // Of normal noise, the median step is 0.954 standard deviations.
        let step = steps.get(steps.len() / 2).copied().unwrap_or(0.0) / 0.954;
        let size = middle.abs().max(least.abs()).max(high.abs());
        let noise = step.max((high - least) * 0.02).max(size * NOISE_MIN_SHARE).max(1e-9);
        let are_counts = values.iter().all(|value| *value >= 0.0 && value.fract() == 0.0);
        if are_counts && noise * noise >= 0.4 * middle && size < COUNTS_MAX / 1e3 {
            return Self { zero: 0.0, factor: 1.0 };
        }
        let below = least - ZERO_DEVIATIONS * noise;
        let zero = if least >= 0.0 { below.max(0.0) } else { below };
        let factor = NOISE_COUNTS * (middle - zero).max(noise) / (noise * noise);
        Self { zero, factor }
    }

    fn counts(self, value: f64) -> f64 {
        ((value - self.zero) * self.factor).clamp(0.0, COUNTS_MAX)
    }
}

impl Near {
    /// How surprising a point is among those near it, as `-log10` of the probability of normal noise.
    fn take(&mut self, ratio: f64) -> f64 {
        self.points += 1.0;
        let deviation = libm::sqrt(self.square).max(NEAR_DEVIATION_MIN);
        let error = ratio - self.mean;
        let z = (error.abs() / deviation).min(12.0);
        let surprise = if self.points < 12.0 { 0.0 } else { -libm::log10(libm::erfc(z / std::f64::consts::SQRT_2)) };
        // An outlier moves little; what stays is followed.
        let bounded = error.clamp(-3.0 * deviation, 3.0 * deviation) * 0.7 + error * 0.3;
        self.mean += bounded * (1.0 / self.points).max(NEAR_SHARE);
        let square = (error * error).min(9.0 * deviation * deviation);
        self.square += (square - self.square) * (1.0 / self.points).max(NEAR_SQUARE_SHARE);
        surprise
    }
}

impl Same {
    /// How surprising it is that a value stays the same for so long, in a series that is seldom the same twice.
    fn take(&mut self, value: f64) -> f64 {
        let is_same = value == self.last;
        self.last = value;
        let surprise = f64::from(self.run) * -libm::log10(self.share);
        self.run = if is_same { self.run + 1 } else { 0 };
        self.points += 1.0;
        self.share += (f64::from(u8::from(is_same)) - self.share) / self.points.min(2_000.0);
        self.share = self.share.clamp(1.0 / (self.points + 1.0), 1.0);
        if is_same && self.share < 0.5 { surprise.min(2.0 * NEEDED) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const FIVE_MINUTES: i64 = 300_000_000;
    const BEGIN: i64 = 1_767_571_200_000_000;

    /// Two weeks of five minutes of a load between 0 and 1 that is higher by day.
    fn load(seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..4032_u32).map(|at| 0.35 + 0.15 * day(at) + 0.02 * normal(&mut rng)).collect()
    }

    /// Requests in five minutes, many by day.
    fn requests(seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..4032_u32)
            .map(|at| {
                let mean: f64 = 200.0 + 150.0 * day(at);
                (mean + (2.0 * mean).sqrt() * normal(&mut rng)).max(0.0).round()
            })
            .collect()
    }

    fn day(at: u32) -> f64 {
        (f64::from(at % 288) / 288.0 * std::f64::consts::TAU).sin()
    }

    fn normal(rng: &mut ChaCha8Rng) -> f64 {
        (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
    }

    fn scores(values: &[f64]) -> Vec<f64> {
        let mut scorer = Scorer::new();
        values.iter().zip(0..).map(|(value, at)| scorer.next(BEGIN + at * FIVE_MINUTES, *value)).collect()
    }

    /// The highest scores at these points, and the score that 99 in 100 of all others stay under.
    fn check(values: &[f64], unusual: std::ops::Range<usize>) -> (f64, f64) {
        let scores = scores(values);
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
        let high = scores[unusual.clone()].iter().copied().fold(0.0, f64::max);
        let after = unusual.end + 24;
        let mut others: Vec<f64> = scores[..unusual.start].iter().chain(&scores[after..]).copied().collect();
        others.sort_by(f64::total_cmp);
        (high, others[others.len() * 99 / 100])
    }

    fn assert_stands_out(values: &[f64], unusual: std::ops::Range<usize>) {
        let (high, others) = check(values, unusual);
        assert!(high >= 0.5 && others < 0.45, "{high:.2} against {others:.2}");
    }

    #[test]
    fn a_spike_and_a_dip_stand_out_of_a_load_between_0_and_1() {
        for (seed, level) in [(1, 0.95), (2, 0.02)] {
            let mut values = load(seed);
            values[3000..3003].fill(level);
            assert_stands_out(&values, 3000..3003);
        }
    }

    #[test]
    fn a_spike_and_a_dip_stand_out_of_requests() {
        for (seed, factor) in [(3, 3.0), (4, 0.1)] {
            let mut values = requests(seed);
            values[2500..2504].iter_mut().for_each(|value| *value = (*value * factor).round());
            assert_stands_out(&values, 2500..2504);
        }
    }

    #[test]
    fn a_small_spike_of_large_values_stands_out() {
        let mut values: Vec<f64> = load(5).iter().map(|value| 1e6 + 1e4 * value).collect();
        values[3000..3002].fill(1e6 + 5e4);
        let (high, others) = check(&values, 3000..3002);
        assert!(high > 0.5 && others < 0.45, "{high:.2} against {others:.2}");
    }

    #[test]
    fn a_level_that_shifts_is_unusual_at_first_and_usual_after_some_hours() {
        let mut values = load(6);
        values[2000..].iter_mut().for_each(|value| *value += 0.35);
        let scores = scores(&values);
        assert!(scores[2000..2006].iter().any(|score| *score >= 0.5));
        let late = scores[2300..].iter().filter(|score| **score >= 0.5).count();
        assert!(late <= 10, "{late} points were unusual long after");
    }

    #[test]
    fn a_line_that_is_flat_scores_nothing_and_what_leaves_it_does() {
        let mut values = vec![7.0; 1000];
        values[800] = 9.0;
        let scores = scores(&values);
        assert!(scores[..800].iter().all(|score| *score < 0.15));
        assert!(scores[800] >= 0.5, "{}", scores[800]);
    }

    #[test]
    fn a_sensor_that_stopped_moving_is_unusual() {
        let mut values = load(7);
        let stuck = values[3000];
        values[3000..3050].fill(stuck);
        assert_stands_out(&values, 3000..3050);
    }

    #[test]
    fn what_scores_is_the_same_whatever_comes_after() {
        let values = load(8);
        assert_eq!(scores(&values)[..2000], scores(&values[..2000]));
    }

    #[test]
    fn gaps_doubles_and_numbers_that_are_none_do_no_harm() {
        let mut scorer = Scorer::new();
        let mut unusual = 0;
        for (value, at) in load(9).into_iter().zip(0_i64..) {
            if at % 50 > 45 {
                continue;
            }
            let time = BEGIN + at * FIVE_MINUTES + at % 3 * 1_000_000;
            for value in [value, value, f64::NAN, f64::INFINITY] {
                let score = scorer.next(time, value);
                assert!((0.0..=1.0).contains(&score), "{score} of {value} at {at}");
                unusual += u32::from(score >= 0.5);
            }
        }
        assert!(unusual <= 4, "{unusual} of 4,000");
        assert!((0.0..=1.0).contains(&scorer.next(i64::MAX, f64::MAX)));
        assert!((0.0..=1.0).contains(&scorer.next(i64::MIN, f64::MIN)));
    }

    #[test]
    fn points_that_are_unusual_are_ranked_above_nearly_all_others() {
        let (mut above, mut pairs) = (0.0, 0.0);
        for seed in 10..20 {
            let mut values = if seed % 2 == 0 { load(seed) } else { requests(seed) };
            let deviation = if seed % 2 == 0 { 0.02 } else { 25.0 };
            let unusual: Vec<usize> = (0..8).map(|at| 900 + at * 371).collect();
            for at in &unusual {
                values[*at] += if at % 2 == 0 { 7.0 } else { -7.0 } * deviation;
            }
            let scores = scores(&values);
            for at in &unusual {
                for (other, score) in scores.iter().enumerate().skip(200) {
                    if !unusual.contains(&other) {
                        pairs += 1.0;
                        above += if scores[*at] > *score { 1.0 } else { 0.0 };
                    }
                }
            }
        }
        assert!(above / pairs > 0.98, "{}", above / pairs);
    }
}
