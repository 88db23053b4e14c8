//! From the order of arrival to the order in which things happened.
//!
//! Events of one source come about in order, some minutes late, or as a history: days of them in a minute, its parts in
//! any order. A front gives them on so that what is given on is in order to within [`LATE_MICROS`], and says how far the
//! time of the source has come. What comes later than that is *late*: it teaches, and is not judged.
//!
//! All depends on the records alone: when each happened and when it was taken in. How often anybody looks at the clock
//! makes no difference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::grid::{Bin, Grid, HOUR_MICROS};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// What happened so much before the newest of its source is still judged.
pub const LATE_MICROS: i64 = 10 * MINUTE;
/// What happened so long before it was taken in is history: it is held until its neighbours are there.
const HISTORY_MICROS: i64 = HOUR_MICROS;
/// History is held until none came for so long, and no longer than the second.
const QUIET_MICROS: i64 = 10 * SECOND;
const HELD_MICROS_MAX: i64 = 10 * MINUTE;
/// After so long without anything of the source, the clock tells how far its time has come.
const SILENT_MICROS: i64 = 15 * MINUTE;
/// Observations that an account holds; beyond it the oldest are given on.
pub const HELD_MAX: usize = 250_000;

/// One source's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Front<T> {
    /// The first bin that is not over; `None` before anything came.
    next: Option<Bin>,
    /// The latest that happened, of what was given on.
    latest: i64,
    held: BTreeMap<Bin, Vec<T>>,
    held_count: usize,
    /// When the first and last history that is held was taken in.
    held_since: i64,
    held_last: i64,
    /// When the last of any was taken in.
    recorded: i64,
}

impl<T> Default for Front<T> {
    fn default() -> Self {
        Self {
            next: None,
            latest: i64::MIN,
            held: BTreeMap::new(),
            held_count: 0,
            held_since: 0,
            held_last: 0,
            recorded: i64::MIN,
        }
    }
}

/// What a front gives on, in the order in which it is to be taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Given<T> {
    /// All bins before this one are over.
    Over(Bin),
    /// In a bin that is not over.
    Seen(Bin, T),
    /// In a bin that was over before it came.
    Late(Bin, T),
}

impl<T> Front<T> {
    /// Takes what happened at one time and was taken in at another, in microseconds since 1970.
    ///
    /// Calls must be in the order of taking in, each after all that was [due](Front::due) before. No more than `room` are
    /// held.
    pub fn take(
        &mut self,
        happened: i64,
        recorded: i64,
        what: T,
        grid: Grid,
        room: usize,
        give: &mut impl FnMut(Given<T>),
    ) {
        // What claims to come from the future happens now.
        let happened = happened.min(recorded);
        let bin = grid.bin(happened);
        self.recorded = recorded;
        if self.next.is_some_and(|next| bin < next) {
            give(Given::Late(bin, what));
            return;
        }
        let is_history = happened < recorded - HISTORY_MICROS;
        if !is_history && self.held.is_empty() {
            self.see(bin, happened, what, grid, give);
            return;
        }
        if is_history {
            if self.held.is_empty() {
                self.held_since = recorded;
            }
            self.held_last = recorded;
        }
        self.held.entry(bin).or_default().push(what);
        self.held_count += 1;
        if self.held_count > room {
            self.release(room * 9 / 10, grid, give);
        }
    }

    /// The next moment at which something is due, if nothing comes until then.
    pub fn due(&self, grid: Grid) -> Option<i64> {
        if !self.held.is_empty() {
            return Some((self.held_last + QUIET_MICROS).min(self.held_since + HELD_MICROS_MAX));
        }
        let over = grid.start(self.next?) + grid.bin_micros + LATE_MICROS;
        Some(over.max(self.recorded.saturating_add(SILENT_MICROS)))
    }

    /// Does what is [due](Front::due) at a moment.
    pub fn pass(&mut self, due: i64, grid: Grid, give: &mut impl FnMut(Given<T>)) {
        if self.held.is_empty() {
            self.over_until(grid.bin(due - LATE_MICROS), give);
        } else {
            self.release(0, grid, give);
        }
    }

    /// What is held now.
    pub fn held(&self) -> usize {
        self.held_count
    }

    /// All that is held, to be changed in place.
    pub fn held_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.held.values_mut().flatten()
    }

    fn see(&mut self, bin: Bin, happened: i64, what: T, grid: Grid, give: &mut impl FnMut(Given<T>)) {
        if happened > self.latest {
            self.latest = happened;
            self.over_until(grid.bin(happened - LATE_MICROS), give);
        }
        give(Given::Seen(bin, what));
    }

    fn over_until(&mut self, bin: Bin, give: &mut impl FnMut(Given<T>)) {
        if self.next.is_none_or(|next| next < bin) {
            self.next = Some(bin);
            give(Given::Over(bin));
        }
    }

    /// Gives on what is held, oldest first, until so many are left.
    fn release(&mut self, left: usize, grid: Grid, give: &mut impl FnMut(Given<T>)) {
        while self.held_count > left
            && let Some((bin, seen)) = self.held.pop_first()
        {
            self.held_count -= seen.len();
            for what in seen {
                self.see(bin, grid.start(bin) + grid.bin_micros - 1, what, grid, give);
            }
        }
        if self.held.is_empty() {
            self.held_count = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_800_000_000 * SECOND;

    fn minutes(count: i64) -> i64 {
        count * MINUTE
    }

    fn pass(front: &mut Front<i64>, now: i64, grid: Grid, give: &mut impl FnMut(Given<i64>)) {
        while let Some(due) = front.due(grid).filter(|due| *due <= now) {
            front.pass(due, grid, give);
        }
    }

    /// Takes (happened, recorded) pairs and tells what came of them, as minutes around noon.
    fn check(pairs: &[(i64, i64)], end: i64, expected: &str) {
        let grid = Grid::five_minutes();
        let mut told: Vec<String> = Vec::new();
        let mut front = Front::default();
        let noon = grid.bin(NOON);
        let mut give = |given: Given<i64>| {
            told.push(match given {
                Given::Over(bin) => format!("over {}", (bin - noon) * 5),
                Given::Seen(_, what) => format!("{what}"),
                Given::Late(_, what) => format!("late {what}"),
            });
        };
        for (happened, recorded) in pairs {
            let recorded = NOON + minutes(*recorded);
            pass(&mut front, recorded, grid, &mut give);
            front.take(NOON + minutes(*happened), recorded, *happened, grid, HELD_MAX, &mut give);
        }
        pass(&mut front, NOON + minutes(end), grid, &mut give);
        assert_eq!(told.join(", "), expected);
    }

    #[test]
    fn what_comes_in_order_is_given_on_at_once() {
        check(&[(0, 0), (1, 1), (7, 7), (5, 8)], 9, "over -10, 0, 1, over -5, 7, 5");
    }

    #[test]
    fn what_comes_more_than_ten_minutes_late_only_teaches() {
        check(&[(0, 0), (16, 16), (1, 17)], 17, "over -10, 0, over 5, 16, late 1");
    }

    #[test]
    fn history_is_put_in_order_and_given_on_when_no_more_comes() {
        let history = [(-200, 0), (-900, 0), (-905, 0), (-550, 0)];
        check(&history, 1, "over -915, -905, over -910, -900, over -560, -550, over -210, -200");
    }

    #[test]
    fn what_happens_now_waits_for_the_history_that_is_still_coming() {
        check(&[(-200, 0), (0, 0), (-100, 0)], 1, "over -210, -200, over -110, -100, over -10, 0");
    }

    #[test]
    fn a_source_that_fell_silent_is_told_to_be_over_by_the_clock() {
        check(&[(0, 0)], 14, "over -10, 0");
        check(&[(0, 0)], 20, "over -10, 0, over 5, over 10");
    }

    #[test]
    fn looking_at_the_clock_more_often_changes_nothing() {
        let grid = Grid::five_minutes();
        let run = |step: i64| {
            let mut told = Vec::new();
            let mut front: Front<i64> = Front::default();
            for minute in 0..600 {
                let recorded = NOON + minutes(minute);
                let mut give = |given| told.push(given);
                if minute % step == 0 {
                    pass(&mut front, recorded, grid, &mut give);
                }
                if [3, 4, 40, 41, 300, 599].contains(&minute) {
                    let happened = recorded - minutes(if minute == 41 { 900 } else { 0 });
                    pass(&mut front, recorded, grid, &mut give);
                    front.take(happened, recorded, minute, grid, HELD_MAX, &mut give);
                }
            }
            (told, front)
        };
        let (often, seldom) = (run(1), run(1000));
        assert!(often.0.len() > 60);
        assert_eq!(often, seldom);
    }
}
