//! From which score on something is told: a fixed floor, and more where an account's own scores go high.

use serde::{Deserialize, Serialize};

/// Scores are counted in cells of this width, from the first to beyond the last.
const CELL: f32 = 0.1;
const CELLS_FROM: f32 = -4.0;
const CELLS: usize = 130;
/// Half of the weight of a score is left after so many days.
const HALF_LIFE_DAYS: f32 = 28.0;
/// Nothing is learned from fewer scores.
const SCORES_MIN: f32 = 40.0;
/// The share of scores in the tail that is fitted, and how many at most: the fewer the less must be extrapolated.
const TAIL: f32 = 0.05;
const TAIL_MAX: f32 = 80.0;
/// One score counts for the slope of the tail with no more than this: attacks are among the scores too.
const EXCESS_MAX: f32 = 1.5;
/// The mean excess over the tail's beginning is at least this.
const SLOPE_MIN: f32 = 0.08;
/// The floor is raised by no more than this, however many high scores somebody makes.
const RAISED_MAX: f32 = 1.5;

/// Scores of the last weeks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cut {
    cells: Vec<f32>,
    /// Weeks that they come from, the older the less.
    weeks: f32,
    /// The day up to which they are aged, counted from 1970.
    day: Option<i32>,
}

impl Cut {
    /// Takes in a score of a day.
    pub fn note(&mut self, score: f32, day: i32) {
        self.age(day);
        if self.cells.is_empty() {
            self.cells = vec![0.0; CELLS];
        }
        let cell = ((score - CELLS_FROM) / CELL).clamp(0.0, (CELLS - 1) as f32) as usize;
        self.cells[cell] += 1.0;
    }

    /// The score that is needed, so that about `a_week` of what is usual pass it in a week; at least `floor`.
    ///
    /// The tail beyond the 95 % quantile is taken to fall off exponentially with the mean excess that it has: the peaks
    /// over threshold of SPOT (Siffer et al. 2017) with a shape of 0, which a few attacks move little.
    pub fn level(&self, floor: f32, a_week: f32) -> f32 {
        let total: f32 = self.cells.iter().sum();
        if total < SCORES_MIN {
            return floor;
        }
        let mut below = 0.0;
        let mut begin = 0;
        let body = total - (total * TAIL).min(TAIL_MAX);
        while begin < CELLS && below + self.cells[begin] < body {
            below += self.cells[begin];
            begin += 1;
        }
        let (mut count, mut excess) = (0.0, 0.0);
        for (steps, cell) in self.cells[begin..].iter().enumerate() {
            count += cell;
            excess += cell * (steps as f32 * CELL + CELL / 2.0).min(EXCESS_MAX);
        }
        let slope = (excess / f32::max(count, 1.0)).max(SLOPE_MIN);
        let a_week_found = count / self.weeks.max(1.0);
        let level = CELLS_FROM + begin as f32 * CELL + slope * libm::logf((a_week_found / a_week).max(1.0));
        level.clamp(floor, floor + RAISED_MAX)
    }

    pub fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<f32>()
    }

    fn age(&mut self, day: i32) {
        let passed = (day - self.day.unwrap_or(day)).max(0) as f32;
        self.day = Some(self.day.unwrap_or(day).max(day));
        if passed > 0.0 {
            let left = libm::exp2f(-passed / HALF_LIFE_DAYS);
            self.cells.iter_mut().for_each(|cell| *cell *= left);
            self.weeks = self.weeks * left + passed / 7.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Eight weeks of so many scores a week, which fall off by the factor e every `slope`.
    fn scores(a_week: u32, slope: f32) -> (Cut, Vec<f32>) {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut cut = Cut::default();
        let mut all = Vec::new();
        for day in 0..56 {
            for _ in 0..a_week / 7 {
                let score = -libm::logf(random.random::<f32>().max(1e-9)) * slope;
                cut.note(score, 20_000 + day);
                all.push(score);
            }
        }
        (cut, all)
    }

    #[test]
    fn with_few_scores_the_floor_counts() {
        assert_eq!(scores(4, 0.5).0.level(2.5, 0.5), 2.5);
        assert_eq!(Cut::default().level(2.5, 0.5), 2.5);
    }

    #[test]
    fn with_many_high_ones_it_is_raised_to_what_one_in_two_weeks_passes() {
        let (cut, all) = scores(700, 0.45);
        let level = cut.level(2.5, 0.5);
        let passing = all.iter().filter(|score| **score > level).count();
        assert!((1..=12).contains(&passing), "{level} is passed by {passing} in 8 weeks");
    }

    #[test]
    fn some_attacks_raise_it_little_and_many_not_without_bound() {
        let (mut cut, _) = scores(700, 0.3);
        let before = cut.level(1.0, 0.5);
        (0..8).for_each(|_| cut.note(7.0, 20_056));
        assert!(cut.level(1.0, 0.5) - before < 0.4, "{} after {before}", cut.level(1.0, 0.5));
        (0..10_000).for_each(|_| cut.note(7.0, 20_056));
        assert!(cut.level(1.0, 0.5) <= 1.0 + RAISED_MAX);
    }
}
