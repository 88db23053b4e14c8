//! What stood out before, and is therefore no news when it comes again.

use serde::{Deserialize, Serialize};

use crate::grid::{Bin, Grid};

/// Bins of a series that are remembered because they stood out.
const NOTABLE_MAX: usize = 7;
/// What is left of the height of the time before, when it stood out again.
const LEFT: f32 = 0.98;
/// So much higher than what was told before is news again.
const HABIT_RATIO: f32 = 1.5;
/// What was told so often within two weeks is usual.
const OFTEN: i32 = 3;
/// What stood out at the same minute of so many hours is usual.
const HOURLY: i32 = 4;
/// What was told within so many hours is not told again.
const AGAIN_HOURS: i32 = 3;
/// Steps of a height: a logarithm of up to 8.
const STEPS: f32 = 4_096.0;
const IS_TOLD: u16 = 1;

/// A bin that stood out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Notable {
    bin: Bin,
    /// How many bins before it stood out at this time of an earlier day; 0: it did not.
    before: u16,
    /// How much it was beyond what was expected, in steps of two; odd: it was the highest of an insight.
    height: u16,
}

/// Bins of a series that stood out, told or not, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Habits(Box<[Notable]>);

impl Notable {
    fn new(bin: Bin, before: Option<Bin>, height: f32, is_told: bool) -> Self {
        // Within the type by the minimum.
        let steps = (height.max(0.0) * STEPS).min(f32::from(u16::MAX - IS_TOLD)) as u16;
        let before = before.and_then(|before| u16::try_from(bin - before).ok()).unwrap_or(0);
        Self { bin, before, height: steps & !IS_TOLD | u16::from(is_told) }
    }

    fn height(self) -> f32 {
        f32::from(self.height & !IS_TOLD) / STEPS
    }

    fn is_told(self) -> bool {
        self.height & IS_TOLD != 0
    }

    fn before(self) -> Option<Bin> {
        (self.before > 0).then(|| self.bin - Bin::from(self.before))
    }
}

impl Habits {
    /// Bytes that it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Whether any was told.
    pub fn was_told(&self) -> bool {
        self.0.iter().any(|notable| notable.is_told())
    }

    /// Remembers a bin that stood out by a height, in the place of one at the same time of the day.
    pub fn note(&mut self, bin: Bin, height: f32, is_told: bool, grid: Grid) {
        let mut all = std::mem::take(&mut self.0).into_vec();
        let same = |old: &Notable| old.is_told() == is_told && is_near(bin - old.bin, grid);
        let mut new = Notable::new(bin, None, height, is_told);
        if let Some(at) = all.iter().position(same) {
            let old = all.remove(at);
            let is_other_day = bin - old.bin > grid.bins_in_hours(12);
            let before = if is_other_day { Some(old.bin) } else { old.before() };
            new = Notable::new(bin, before, height.max(old.height() * LEFT), is_told);
        } else if all.len() == NOTABLE_MAX {
            // Those that are long past go first, then the lowest: what stands out most comes again most visibly.
            let day = grid.bins_in_hours(24);
            let worth = |old: &Notable| if bin - old.bin > 9 * day { 0.0 } else { old.height() };
            let lowest = (0..NOTABLE_MAX).min_by(|a, b| worth(&all[*a]).total_cmp(&worth(&all[*b]))).unwrap_or(0);
            if worth(&all[lowest]) > height {
                self.0 = all.into();
                return;
            }
            all.remove(lowest);
        }
        all.push(new);
        self.0 = all.into();
    }

    /// Whether an excess in a window that ends with a bin is one that is usual by now, or was just told: as high as what
    /// stood out before at this time of the day within eight days, or at this minute of several hours, or was told within
    /// some hours, or often.
    pub fn is_usual(&self, bin: Bin, bins: i32, height: f32, grid: Grid) -> bool {
        let (day, hour) = (grid.bins_in_hours(24), grid.bins_in_hours(1));
        let (mut often, mut hourly) = (0, 0);
        for notable in self.0.iter().filter(|notable| notable.height() + libm::logf(HABIT_RATIO) >= height) {
            let age = bin - notable.bin;
            // Of long windows nearly everything is near: there only what was told counts.
            let is_short = bins <= 4;
            let is_daily = |before: Bin| {
                let age = bin - before;
                age <= 8 * day && age > day / 2 && (age + hour / 4).rem_euclid(day) < hour / 2 + bins.min(hour)
            };
            if !is_short && !notable.is_told() {
                continue;
            }
            let is_again = notable.is_told() && age < AGAIN_HOURS * hour;
            if is_again || is_daily(notable.bin) || notable.before().is_some_and(is_daily) {
                return true;
            }
            hourly += i32::from(is_short && age <= 8 * day && age >= hour && age.rem_euclid(hour) < bins.min(4));
            often += i32::from(notable.is_told() && age <= 14 * day);
        }
        often >= OFTEN || hourly >= HOURLY
    }
}

/// Whether so many bins are some days, to a quarter of an hour.
fn is_near(age: Bin, grid: Grid) -> bool {
    let (day, near) = (grid.bins_in_hours(24), grid.bins_in_hours(1) / 4);
    (age + near).rem_euclid(day) <= 2 * near
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Bin = 288;

    fn told(at: &[Bin]) -> Habits {
        let mut habits = Habits::default();
        for bin in at {
            habits.note(*bin, 1.5, true, Grid::five_minutes());
        }
        habits
    }

    #[test]
    fn what_was_told_within_three_hours_is_news_only_where_it_is_higher_by_half() {
        let (habits, grid) = (told(&[1000]), Grid::five_minutes());
        assert!(habits.is_usual(1030, 1, 1.8, grid));
        assert!(!habits.is_usual(1030, 1, 2.0, grid));
        assert!(!habits.is_usual(1040, 1, 1.5, grid));
    }

    #[test]
    fn what_was_told_at_this_time_of_the_day_before_is_usual() {
        let (habits, grid) = (told(&[1000]), Grid::five_minutes());
        assert!(habits.is_usual(1000 + DAY, 1, 1.5, grid));
        assert!(!habits.is_usual(1000 + DAY + 60, 1, 1.5, grid));
        assert!(!habits.is_usual(1000 + 9 * DAY, 1, 1.5, grid));
    }

    #[test]
    fn what_was_told_three_times_in_two_weeks_is_usual_at_any_hour() {
        let grid = Grid::five_minutes();
        assert!(!told(&[100, 800]).is_usual(2000, 1, 1.5, grid));
        assert!(told(&[100, 800, 1300]).is_usual(2000, 1, 1.5, grid));
    }

    #[test]
    fn a_bin_takes_eight_bytes_and_keeps_its_height_to_a_thousandth() {
        assert_eq!(size_of::<Notable>(), 8);
        let notable = Notable::new(2000, Some(2000 - DAY), 1.2345, true);
        assert!((notable.height() - 1.2345).abs() < 1e-3 && notable.is_told());
        assert_eq!(notable.before(), Some(2000 - DAY));
        assert_eq!(Notable::new(0, None, 1e9, false).height().ceil(), 16.0);
    }
}
