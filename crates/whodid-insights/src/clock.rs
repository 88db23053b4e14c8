//! What is done on the clock: jobs that come every hour, or every day, in the same bin.
//!
//! A job is a part of what is expected in its bin and of no other. Without it, its calls would be taken for noise, and
//! a burst of the same size at another time would hide behind it.

use serde::{Deserialize, Serialize};

use crate::grid::{Bin, Grid};

/// Jobs of a series, and peaks that may be one, that are remembered.
const JOBS_MAX: usize = 5;
/// A peak is at least so many calls beyond what is expected.
const PEAK_MIN: f32 = 8.0;
/// Peaks of the same job differ by no more than this factor.
const SIZE_RATIO_MAX: f32 = 3.0;
/// A job came when there was this share of its size.
const CAME_SHARE: f32 = 0.35;
/// Standard deviations of what is counted anyway that a job must have to be seen: whether a smaller one came is not known.
const VISIBLE_DEVIATIONS: f32 = 3.0;
/// Times that a job must have come before it is expected: each hour, each day.
const HITS: [u8; 2] = [4, 2];
/// Times in a row that it may fail to come and still is expected: a weekend, or some hours.
const MISSES_MAX: u8 = 3;
/// How fast its size is learned, once known.
const SIZE_SHARE: f32 = 0.25;
/// Days after which a single peak is forgotten.
const PEAK_DAYS: Bin = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Period {
    /// A single peak so far.
    Once,
    Hour,
    Day,
}

/// What comes again, or might.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Job {
    /// The bin in which it came last.
    last: Bin,
    /// Calls.
    size: f32,
    period: Period,
    hits: u8,
    misses: u8,
}

/// The jobs of one series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Clock(Box<[Job]>);

impl Job {
    fn peak(bin: Bin, size: f32) -> Self {
        Self { last: bin, size, period: Period::Once, hits: 1, misses: 0 }
    }

    fn is_due(&self, bin: Bin, grid: Grid) -> bool {
        match self.period {
            Period::Once => false,
            Period::Hour => (bin - self.last).rem_euclid(grid.bins_in_hours(1)) == 0,
            Period::Day => (bin - self.last).rem_euclid(grid.bins_in_hours(24)) == 0,
        }
    }

    fn is_known(&self) -> bool {
        match self.period {
            Period::Once => false,
            Period::Hour => self.hits >= HITS[0],
            Period::Day => self.hits >= HITS[1],
        }
    }

    fn has_size(&self, size: f32) -> bool {
        size <= self.size * SIZE_RATIO_MAX && size * SIZE_RATIO_MAX >= self.size
    }
}

impl Clock {
    /// Calls that jobs are expected to make in a bin.
    pub fn expected(&self, bin: Bin, grid: Grid) -> f32 {
        self.0.iter().filter(|job| job.is_known() && job.is_due(bin, grid)).map(|job| job.size).sum()
    }

    /// Whether there is none, and nothing that may become one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Takes in a bin that is over, with what was counted in it beyond the usual, and the standard deviation of that;
    /// `is_peak`: it stands out, and the bin before did not. Returns whether a job came to be known.
    pub fn close(&mut self, bin: Bin, beyond: f32, noise: f32, is_peak: bool, grid: Grid) -> bool {
        // Finer grids than minutes have no jobs, and coarser ones than an hour none of every hour.
        if self.0.is_empty() && !is_peak {
            return false;
        }
        let mut is_new = false;
        let mut is_taken = false;
        for job in self.0.iter_mut().filter(|job| job.is_due(bin, grid)) {
            if job.is_known() && job.size < noise * VISIBLE_DEVIATIONS {
                continue;
            }
            if beyond < (job.size * CAME_SHARE).max(PEAK_MIN / 2.0) {
                job.misses = job.misses.saturating_add(1);
                continue;
            }
            let was_known = job.is_known();
            job.hits = job.hits.saturating_add(1);
            (job.misses, job.last) = (0, bin);
            let share = (1.0 / f32::from(job.hits)).max(SIZE_SHARE);
            // A burst at its time makes it no larger than it may be.
            job.size += share * (beyond.min(job.size * SIZE_RATIO_MAX) - job.size);
            is_new |= job.is_known() && !was_known;
            is_taken = true;
        }
        self.retain(|job| job.misses <= if job.is_known() { MISSES_MAX } else { 0 });
        if is_peak && !is_taken && beyond >= PEAK_MIN {
            is_new |= self.peak(bin, beyond, grid);
        }
        is_new
    }

    fn retain(&mut self, keep: impl Fn(&Job) -> bool) {
        if !self.0.iter().all(&keep) {
            self.0 = self.0.iter().copied().filter(keep).collect();
        }
    }

    fn peak(&mut self, bin: Bin, size: f32, grid: Grid) -> bool {
        let (day, hour) = (grid.bins_in_hours(24), grid.bins_in_hours(1));
        self.retain(|job| job.period != Period::Once || bin - job.last <= PEAK_DAYS * day);
        let single = self.0.iter_mut().filter(|job| job.period == Period::Once && job.has_size(size));
        for job in single {
            let age = bin - job.last;
            let period = if hour >= 4 && age == hour {
                Period::Hour
            } else if day >= 4 && age.rem_euclid(day) == 0 {
                Period::Day
            } else {
                continue;
            };
            *job = Job { last: bin, size: (job.size + size) / 2.0, period, hits: 2, misses: 0 };
            return job.is_known();
        }
        if self.0.len() == JOBS_MAX {
            // The largest peaks are kept: they matter most.
            let worth = |job: &Job| (job.period != Period::Once, job.size);
            let least = (0..JOBS_MAX).min_by(|a, b| {
                worth(&self.0[*a]).partial_cmp(&worth(&self.0[*b])).unwrap_or(std::cmp::Ordering::Equal)
            });
            let least = least.unwrap_or(0);
            if self.0[least].period != Period::Once || self.0[least].size > size {
                return false;
            }
            self.0[least] = Job::peak(bin, size);
            return false;
        }
        self.0 = self.0.iter().copied().chain([Job::peak(bin, size)]).collect();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bins of six days in which something is expected, of peaks of 50 calls; of the last day.
    fn check(is_peak: impl Fn(Bin) -> bool) -> Vec<Bin> {
        let grid = Grid::five_minutes();
        let mut clock = Clock::default();
        let mut expected = Vec::new();
        for bin in 0..288 * 6 {
            if bin >= 288 * 5 && clock.expected(bin, grid) > 0.0 {
                expected.push(bin - 288 * 5);
            }
            clock.close(bin, if is_peak(bin) { 50.0 } else { 0.0 }, 3.0, is_peak(bin), grid);
        }
        expected
    }

    #[test]
    fn a_job_of_every_day_is_expected_in_its_bin_alone() {
        assert_eq!(check(|bin| bin % 288 == 140), [140]);
    }

    #[test]
    fn a_job_of_every_hour_is_expected_in_each() {
        assert_eq!(check(|bin| bin % 12 == 7), (0..24).map(|hour| hour * 12 + 7).collect::<Vec<_>>());
    }

    #[test]
    fn a_job_that_does_not_come_at_the_weekend_stays_known_and_one_that_ended_does_not() {
        assert_eq!(check(|bin| bin % 288 == 9 && !(2..4).contains(&(bin / 288))), [9]);
        assert!(check(|bin| bin % 288 == 9 && bin / 288 < 1).is_empty());
    }

    #[test]
    fn peaks_at_no_time_in_particular_are_no_job() {
        assert!(check(|bin| bin % 101 == 5).is_empty());
    }
}
