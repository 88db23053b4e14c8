//! Series of counts by what was done where: of calls, and of calls that failed with one code.

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::grid::Bin;
use crate::names::Name;
use crate::rate::{Excess, Rate};
use crate::tail::error_surprise;

/// Series of an account; beyond it those that are quiet longest go.
pub const SERIES_MAX: usize = 100_000;
/// Errors among calls are judged in windows of so many bins.
const ERROR_WINDOWS: [i32; 4] = [1, 2, 4, 12];
/// Least errors and calls of an unusual window, and by how much the share of errors must exceed the usual one.
const ERRORS_MIN: f32 = 5.0;
const CALLS_MIN: f32 = 10.0;
const SHARE_RATIO_MIN: f64 = 2.0;
const SHARE_EXCESS_MIN: f64 = 0.10;
/// Calls that the usual share of errors counts for at most: how much it varies from window to window.
const SHARE_STRENGTH_MAX: f64 = 100.0;
/// Errors and calls that are taken to have been before anything is known.
const SHARE_PRIOR: (f64, f64) = (0.5, 10.0);

/// What is counted: number of a source and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    pub source: u16,
    pub region: Name,
    pub service: Name,
    pub action: Name,
    /// The error code of those that failed; of all calls none.
    pub code: Option<Name>,
}

impl Key {
    /// Of five small numbers; the same in every run.
    fn hash(&self) -> u64 {
        let code = self.code.map_or(0, |code| u64::from(code) + 1);
        let fold = |hash: u64, part: u64| (hash.rotate_left(23) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let parts =
            [u64::from(self.source), u64::from(self.region), u64::from(self.service), u64::from(self.action), code];
        let hash = parts.into_iter().fold(0, fold);
        hash ^ (hash >> 32)
    }
}

/// Equal when the same series have the same numbers.
impl PartialEq for AllSeries {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

/// One series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub key: Key,
    /// The calls among which these errors are.
    pub calls: Option<u32>,
    pub is_write: bool,
    pub rate: Rate,
    /// The last bin that had anything.
    pub last: Bin,
    /// In this bin it was judged when there were so many, and is again when there are more.
    pub judged: (Bin, f32),
}

/// All series, each with its number.
#[derive(Debug, Clone, Default)]
pub struct AllSeries {
    list: Vec<Series>,
    /// Numbers only: the keys are in the list.
    by_key: HashTable<u32>,
}

impl AllSeries {
    /// The number of a series; `None` where there is none.
    pub fn find(&self, key: &Key) -> Option<u32> {
        self.by_key.find(key.hash(), |index| self.list[*index as usize].key == *key).copied()
    }

    /// Adds a series that is not there.
    pub fn add(&mut self, series: Series) -> u32 {
        let index = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        if self.list.len() == self.list.capacity() {
            // By an eighth and not by half: of many series each takes its room.
            let more = (self.list.len() / 8).max(64);
            self.list.reserve_exact(more.min(SERIES_MAX.saturating_sub(self.list.len()).max(1)));
        }
        let hash = series.key.hash();
        self.list.push(series);
        let list = &self.list;
        self.by_key.insert_unique(hash, index, |index| list[*index as usize].key.hash());
        index
    }

    pub fn get(&self, index: u32) -> &Series {
        &self.list[index as usize]
    }

    pub fn get_mut(&mut self, index: u32) -> &mut Series {
        &mut self.list[index as usize]
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Series> {
        self.list.iter()
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> usize {
        self.list.capacity() * size_of::<Series>()
            + self.by_key.allocation_size()
            + self.list.iter().map(|series| series.rate.heap_bytes()).sum::<usize>()
    }

    /// Keeps the series for which it says so. Returns by old number the new one.
    pub fn retain(&mut self, mut keep: impl FnMut(&Series) -> bool) -> Vec<Option<u32>> {
        let old = std::mem::take(self);
        let mut moved = Vec::with_capacity(old.list.len());
        for mut series in old.list {
            // Errors come after the calls that they are among.
            let calls = series.calls.and_then(|calls| moved.get(calls as usize).copied().flatten());
            let stays = keep(&series) && (series.calls.is_none() || calls.is_some());
            series.calls = calls;
            moved.push(stays.then(|| self.add(series)));
        }
        moved
    }

    /// Whether errors in windows that end with an open bin are more than usual, among the calls there were.
    ///
    /// The share of errors is taken to be Beta-distributed around the usual share, as if known from
    /// [`SHARE_STRENGTH_MAX`] calls at most; the surprise is the beta-binomial's. Returns the excess and the calls.
    pub fn error_excess(&self, index: u32, bin: Bin, needed: f64) -> Option<(Excess, f64)> {
        let errors = self.get(index);
        let calls = self.get(errors.calls?);
        let known = f64::from(calls.rate.known()) + SHARE_PRIOR.1;
        let usual = ((f64::from(errors.rate.known()) + SHARE_PRIOR.0) / known).min(1.0);
        let strength = known.min(SHARE_STRENGTH_MAX);
        let (alpha, beta) = (usual * strength, ((1.0 - usual) * strength).max(1e-3));
        let mut worst: Option<(Excess, f64)> = None;
        for bins in ERROR_WINDOWS {
            let (mut x, mut n) = (0.0_f32, 0.0_f32);
            for back in 0..bins {
                x += errors.rate.at(bin - back);
                n += calls.rate.at(bin - back);
            }
            let n = n.max(x);
            if n < CALLS_MIN || x < ERRORS_MIN {
                continue;
            }
            let share = f64::from(x / n);
            if share < SHARE_RATIO_MIN * usual || share < usual + SHARE_EXCESS_MIN {
                continue;
            }
            // Fewer calls at the same errors are no news of errors.
            let mean = errors.rate.level() * f64::from(bins);
            if f64::from(x) < 2.0 * mean {
                continue;
            }
            let surprise = error_surprise(f64::from(x), f64::from(n), alpha, beta);
            if surprise < needed || worst.is_some_and(|(worst, _)| worst.surprise >= surprise) {
                continue;
            }
            let expected = usual * f64::from(n);
            let variance = expected * (1.0 - usual) * (1.0 + (f64::from(n) - 1.0) / (strength + 1.0));
            worst = Some((Excess { bins, count: f64::from(x), expected, variance, surprise, needed }, f64::from(n)));
        }
        worst
    }
}

impl Serialize for AllSeries {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AllSeries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut list = Vec::<Series>::deserialize(deserializer)?;
        list.shrink_to_fit();
        let mut by_key = HashTable::with_capacity(list.len());
        for (series, index) in list.iter().zip(0..) {
            by_key.insert_unique(series.key.hash(), index, |index: &u32| list[*index as usize].key.hash());
        }
        Ok(Self { list, by_key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Grid;
    use crate::rate::Teaching;

    const BYTES_MAX: usize = 640;

    fn key(action: u32, code: Option<u32>) -> Key {
        Key { source: 0, region: 1, service: 2, action, code }
    }

    fn series(key: Key, calls: Option<u32>, rate: Rate) -> Series {
        Series { key, calls, is_write: true, rate, last: 0, judged: (0, 0.0) }
    }

    #[test]
    fn a_hundred_thousand_series_take_no_more_than_64_megabytes() {
        // Each has the whole of what a series may keep: a week's shape, peaks and a job.
        let grid = Grid::five_minutes();
        let mut busy = Rate::new(0);
        for bin in 0..288 * 8 {
            let peak = if bin % 288 == 50 { 90.0 } else { 0.0 } + if bin % 97 == 0 { 60.0 } else { 0.0 };
            busy.count(bin, 3.0 + peak, grid);
            busy.close(grid, Teaching::Usual);
        }
        let mut all = AllSeries::default();
        for action in 0..SERIES_MAX as u32 {
            all.add(series(key(action, None), None, busy.clone()));
        }
        let bytes = all.bytes() / SERIES_MAX;
        assert!(bytes <= BYTES_MAX, "{bytes} bytes a series, {} of them in the list", size_of::<Series>());
    }

    #[test]
    fn series_that_go_take_their_errors_along_and_the_others_are_found_by_their_new_numbers() {
        let mut all = AllSeries::default();
        for action in 0..6 {
            let calls = all.add(series(key(action, None), None, Rate::new(0)));
            all.add(series(key(action, Some(7)), Some(calls), Rate::new(0)));
        }
        let moved = all.retain(|series| series.key.code.is_some() || series.key.action % 2 == 0);
        assert_eq!(all.len(), 6);
        assert_eq!((moved[0], moved[2], moved[4]), (Some(0), None, Some(2)));
        let errors = all.find(&key(4, Some(7))).unwrap();
        assert_eq!(all.get(errors).calls, all.find(&key(4, None)));
        assert_eq!(all.find(&key(1, Some(7))), None);
    }

    #[test]
    fn what_was_stored_is_found_again() {
        let mut all = AllSeries::default();
        for action in 0..100 {
            all.add(series(key(action, None), None, Rate::new(0)));
        }
        let stored = serde_json::to_string(&all).unwrap();
        let again: AllSeries = serde_json::from_str(&stored).unwrap();
        assert_eq!(again, all);
        assert_eq!(again.find(&key(77, None)), Some(77));
    }

    /// The surprise of so many errors among calls in the last bin, of a series in which two in a hundred fail.
    fn surprise(errors: f32, calls: f32) -> Option<f64> {
        let grid = Grid::five_minutes();
        let (mut of_calls, mut of_errors) = (Rate::new(0), Rate::new(0));
        for bin in 0..1000 {
            of_calls.count(bin, 50.0, grid);
            of_errors.count(bin, 1.0, grid);
            of_calls.close(grid, Teaching::Usual);
            of_errors.close(grid, Teaching::Usual);
        }
        of_calls.count(1000, calls, grid);
        of_errors.count(1000, errors, grid);
        let mut all = AllSeries::default();
        let index = all.add(series(key(0, None), None, of_calls));
        let index = all.add(series(key(0, Some(7)), Some(index), of_errors));
        all.error_excess(index, 1000, 3.0).map(|(excess, _)| excess.surprise)
    }

    #[test]
    fn errors_are_unusual_by_their_share_and_not_by_the_number_of_calls() {
        assert!(surprise(25.0, 50.0).is_some_and(|surprise| surprise > 6.0));
        assert_eq!(surprise(4.0, 200.0), None);
        assert_eq!(surprise(1.0, 2.0), None);
    }
}
