//! What is usual at each hour of the week, in a byte an hour.

use serde::{Deserialize, Serialize};

/// Hours of a week.
pub const HOURS: usize = 168;
/// Weeks after which a habit is followed no slower.
const WEEKS_REMEMBERED: f32 = 4.0;
/// Days whose mean at an hour of the day weighs as much as knowing nothing.
const DAYS_PRIOR: f32 = 0.3;
/// Weeks whose mean at an hour of the week weighs as much as the hour of the day.
const WEEKS_PRIOR: f32 = 1.5;
/// Hours of a weekday whose mean weighs as much as knowing nothing.
const HOURS_PRIOR: f32 = 6.0;
/// What is so much more than was remembered is learned at once by this share.
const RETURN_RATIO: f32 = 1.6;
const RETURN_SHARE: f32 = 0.8;
/// Steps of the logarithm of a mean: three and a half per cent.
const STEP: f32 = 0.035;
/// A cell: the largest of all hours, the smallest that is told from zero, zero, and one that was not seen.
const TOP: u8 = 254;
const ZERO: u8 = 0;
const UNSEEN_HOUR: u8 = 255;

/// The mean of a value at each hour of the week, as an average that forgets.
///
/// In steps of 3.5 %, from a seven thousandth of the largest up; what is rounded is rounded up or down by turns, so
/// that small changes are not lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Season(Box<Cells>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cells {
    /// What [`TOP`] stands for.
    scale: f32,
    #[serde(with = "serde_cells")]
    hours: [u8; HOURS],
}

impl Default for Season {
    fn default() -> Self {
        Self(Box::new(Cells { scale: 0.0, hours: [UNSEEN_HOUR; HOURS] }))
    }
}

/// Arrays of this length are none of serde's own.
mod serde_cells {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(hours: &[u8; super::HOURS], serializer: S) -> Result<S::Ok, S::Error> {
        hours.as_slice().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; super::HOURS], D::Error> {
        let hours = Vec::<u8>::deserialize(deserializer)?;
        hours.try_into().map_err(|_| D::Error::custom("a season has one cell an hour of the week"))
    }
}

impl Season {
    /// Takes in the mean of one hour, with a weight up to 1. `weeks` of this were seen before.
    pub fn learn(&mut self, hour: usize, mean: f32, weeks: f32, weight: f32) {
        let known = self.at(hour);
        let mut share = weight / (weeks.floor() + 1.0).clamp(1.0, WEEKS_REMEMBERED);
        if known.is_some_and(|known| mean > known * RETURN_RATIO) {
            // Probably a holiday before.
            share = share.max(weight * RETURN_SHARE);
        }
        self.set(hour % HOURS, known.map_or(mean, |known| known + share * (mean - known)));
    }

    /// Bytes that it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        size_of::<Cells>()
    }

    fn set(&mut self, hour: usize, mean: f32) {
        let Cells { scale, hours } = &mut *self.0;
        if mean > *scale {
            let old = *scale;
            // Whole steps, so that the other cells lose nothing.
            let steps = if old > 0.0 { libm::ceilf(libm::logf(mean / old) / STEP) } else { 0.0 };
            *scale = if old > 0.0 { old * libm::expf(steps * STEP) } else { mean };
            for cell in hours.iter_mut().filter(|cell| !matches!(**cell, ZERO | UNSEEN_HOUR)) {
                *cell = u8::try_from(i32::from(*cell) - steps.min(254.0) as i32).unwrap_or(ZERO);
            }
        }
        let exact = f32::from(TOP) + libm::logf(mean.max(1e-9) / scale.max(1e-9)) / STEP;
        // Low digits of the mean are as good as chance, and the same on every machine.
        let chance = (mean.to_bits().wrapping_mul(0x9e37_79b1) >> 8) as f32 / (1 << 24) as f32;
        hours[hour] =
            if mean > 0.0 { libm::floorf(exact + chance).clamp(f32::from(ZERO), f32::from(TOP)) as u8 } else { ZERO };
    }

    /// The mean at an hour of the week, if it was seen.
    pub fn at(&self, hour: usize) -> Option<f32> {
        self.unpack(self.0.hours[hour % HOURS])
    }

    fn unpack(&self, cell: u8) -> Option<f32> {
        match cell {
            UNSEEN_HOUR => None,
            ZERO => Some(0.0),
            steps => Some(self.0.scale * libm::expf((f32::from(steps) - f32::from(TOP)) * STEP)),
        }
    }

    /// The mean over the hours that were seen.
    pub fn mean(&self) -> Option<f32> {
        let (mut sum, mut count) = (0.0, 0.0);
        for mean in self.0.hours.iter().filter_map(|cell| self.unpack(*cell)) {
            sum += mean;
            count += 1.0;
        }
        (count > 0.0).then(|| sum / count)
    }

    /// How much of the overall mean an hour has: 1 where nothing is known.
    ///
    /// The hour of the week, drawn towards the product of the hour of the day and the day of the week; each of these is
    /// drawn towards 1: the fewer were seen the more.
    pub fn shape(&self, hour: usize, mean: f32, weeks: f32) -> f32 {
        if mean <= 0.0 {
            return 1.0;
        }
        let mean_of = |hours: &mut dyn Iterator<Item = usize>, prior: f32| {
            let (mut sum, mut count) = (prior, prior);
            for value in hours.filter_map(|hour| self.at(hour)) {
                sum += value / mean;
                count += 1.0;
            }
            sum / count
        };
        let of_day = mean_of(&mut (0..7).map(|day| hour + day * 24), DAYS_PRIOR);
        let first = hour % HOURS / 24 * 24;
        let of_weekday = mean_of(&mut (first..first + 24), HOURS_PRIOR);
        let usual = of_day * of_weekday;
        match self.at(hour) {
            None => usual,
            Some(value) => {
                let seen = weeks.floor().clamp(1.0, WEEKS_REMEMBERED);
                (seen * (value / mean) + WEEKS_PRIOR * usual) / (seen + WEEKS_PRIOR)
            }
        }
    }
}

/// Steps of the logarithm: 1e9 comes to 62,000.
const STEPS: f32 = 2500.0;
const SCALE: f32 = 64.0;
const UNSEEN: u16 = u16::MAX;

/// A mean in two bytes; 0 to 1e9, to a twenty-fifth of a per cent.
pub(crate) fn pack(mean: f32) -> u16 {
    let steps = libm::log1pf(mean.max(0.0) * SCALE) * STEPS;
    // Within the type by the minimum.
    libm::roundf(steps).min(f32::from(UNSEEN - 1)) as u16
}

/// The mean that was packed; `None` of one that was not seen.
pub(crate) fn unpack(cell: u16) -> Option<f32> {
    (cell != UNSEEN).then(|| libm::expm1f(f32::from(cell) / STEPS) / SCALE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_kept_to_a_thousandth() {
        for mean in [0.0, 0.02, 1.0, 17.3, 4_000.0, 8e6, 9e8] {
            let kept = unpack(pack(mean)).unwrap();
            assert!((kept - mean).abs() <= mean * 1e-3 + 1e-4, "{mean} became {kept}");
        }
    }

    #[test]
    fn a_cell_keeps_its_mean_to_four_per_cent_whatever_the_others_are() {
        let mut season = Season::default();
        let means = [0.5, 3.0, 900.0, 12.0, 0.0, 40.0];
        for (hour, mean) in means.into_iter().enumerate() {
            season.learn(hour, mean, 0.0, 1.0);
        }
        for (hour, mean) in means.into_iter().enumerate() {
            let kept = season.at(hour).unwrap();
            assert!((kept - mean).abs() <= mean * 0.04, "{mean} became {kept}");
        }
        assert_eq!(season.at(100), None);
    }

    #[test]
    fn what_changes_by_less_than_a_step_is_followed_all_the_same() {
        let mut season = Season::default();
        season.learn(9, 100.0, 0.0, 1.0);
        for week in 1..60_u16 {
            season.learn(9, 90.0 + f32::from(week % 7) * 0.1, f32::from(week), 0.2);
        }
        let kept = season.at(9).unwrap();
        assert!((kept - 90.0).abs() < 4.0, "{kept}");
    }

    #[test]
    fn an_hour_of_the_week_is_first_taken_for_the_same_hour_of_other_days() {
        let mut season = Season::default();
        for hour in 0..24 {
            season.learn(hour, if hour == 9 { 50.0 } else { 2.0 }, 0.0, 1.0);
        }
        let mean = season.mean().unwrap();
        assert!((mean - 4.0).abs() < 0.01);
        let (nine, ten) = (season.shape(24 + 9, mean, 0.0), season.shape(24 + 10, mean, 0.0));
        assert!(nine > 5.0 && nine < 12.5 && ten < 1.0, "{nine} {ten}");
        assert_eq!(Season::default().shape(3, 0.0, 0.0), 1.0);
    }
}
