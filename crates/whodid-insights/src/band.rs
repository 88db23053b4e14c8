//! What was expected at each time, for whoever wants to see it beside what was counted.

use crate::grid::Grid;
use crate::rate::{Rate, Teaching};

/// What is expected in a bin, and the count that one bin in twenty exceeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    pub expected: f64,
    pub upper: f64,
}

/// What the model of call rates expected in each of the bins of five minutes from `start` on (microseconds since 1970).
///
/// `counts`: one for each bin. `unusual`: of each whether it is part of an insight; those teach nothing. What comes
/// first has no history before it, so ask from some weeks before what is to be shown.
pub fn bands(start: i64, counts: &[f64], unusual: impl Fn(usize) -> bool) -> Vec<Band> {
    let grid = Grid::five_minutes();
    let first = grid.bin(start);
    let mut rate = Rate::new(first);
    let mut bands = Vec::with_capacity(counts.len());
    for (index, count) in counts.iter().enumerate() {
        let bin = rate.next;
        let (expected, upper) = rate.band(bin, grid);
        bands.push(Band { expected, upper });
        if *count > 0.0 {
            rate.count(bin, *count as f32, grid);
        }
        rate.close(grid, if unusual(index) { Teaching::Nothing } else { Teaching::Usual });
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_is_around_what_is_usual_and_does_not_follow_an_insight() {
        let mut counts: Vec<f64> = (0..2016).map(|bin| if bin % 3 == 0 { 12.0 } else { 9.0 }).collect();
        counts.extend([400.0; 12]);
        let bands = bands(1_767_571_200_000_000, &counts, |index| index >= 2016);
        let last = bands[2027];
        assert!((8.0..13.0).contains(&last.expected) && last.upper > last.expected, "{last:?}");
    }
}
