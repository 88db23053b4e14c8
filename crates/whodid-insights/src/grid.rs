//! Time in bins.

use serde::{Deserialize, Serialize};

/// Microseconds of an hour.
pub const HOUR_MICROS: i64 = 3_600_000_000;
/// Half-life of the level, in hours.
const LEVEL_HALF_LIFE_HOURS: f64 = 72.0;
/// Bounds of that half-life in bins: a level must rest on some bins, and a short file must be able to show a change.
const LEVEL_HALF_LIFE_BINS: (f64, f64) = (36.0, 4_032.0);

/// Number of a bin, counted from 1970.
pub type Bin = i32;

/// How time is cut into bins of one length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Length of a bin.
    pub bin_micros: i64,
    /// What is left of a bin's weight one bin later.
    pub decay: f32,
    /// Half-life of the level, in bins.
    pub half_life_bins: f32,
}

impl Grid {
    /// Bins of five minutes, as insights use them.
    pub fn five_minutes() -> Self {
        Self::of(300_000_000)
    }

    /// Bins of a length in microseconds, at least one.
    pub fn of(bin_micros: i64) -> Self {
        let bin_micros = bin_micros.max(1);
        let bins_an_hour = HOUR_MICROS as f64 / bin_micros as f64;
        let half_life = (LEVEL_HALF_LIFE_HOURS * bins_an_hour).clamp(LEVEL_HALF_LIFE_BINS.0, LEVEL_HALF_LIFE_BINS.1);
        Self { bin_micros, decay: libm::exp2(-1.0 / half_life) as f32, half_life_bins: half_life as f32 }
    }

    /// The bin of a time in microseconds since 1970; times that no bin has are drawn to the first or last.
    pub fn bin(self, micros: i64) -> Bin {
        let bin = micros.div_euclid(self.bin_micros);
        Bin::try_from(bin).unwrap_or(if bin < 0 { Bin::MIN / 2 } else { Bin::MAX / 2 })
    }

    /// When a bin begins, in microseconds since 1970.
    pub fn start(self, bin: Bin) -> i64 {
        i64::from(bin) * self.bin_micros
    }

    /// The hour that a bin begins in, counted from 1970.
    pub fn hour(self, bin: Bin) -> i32 {
        i32::try_from(self.start(bin).div_euclid(HOUR_MICROS)).unwrap_or(i32::MAX)
    }

    /// How far into its hour the middle of a bin is, 0 to 1; half of it for bins longer than an hour.
    pub fn into_hour(self, bin: Bin) -> f32 {
        if self.bin_micros >= HOUR_MICROS {
            return 0.5;
        }
        let middle = self.start(bin) + self.bin_micros / 2;
        middle.rem_euclid(HOUR_MICROS) as f32 / HOUR_MICROS as f32
    }

    /// Bins in so many hours, at least one.
    pub fn bins_in_hours(self, hours: i64) -> Bin {
        Bin::try_from((hours * HOUR_MICROS / self.bin_micros).max(1)).unwrap_or(Bin::MAX / 4)
    }
}

/// The hour of the week of an hour counted from 1970, which was a Thursday.
pub fn hour_of_week(hour: i32) -> usize {
    // Not negative by the remainder.
    (hour + 72).rem_euclid(168) as usize
}
