//! What a series of counts is taken for, told by what is noticed of it.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::grid::{Bin, Grid};
use crate::rate::{Needed, Rate, Teaching};

const DAY: Bin = 288;
const WEEK: Bin = 7 * DAY;
const NEEDED: Needed = Needed { surprise: 6.5, alone: 7.5, common: 1.0, sudden: 1.0, elapsed: 1.0 };

/// Bins at whose end something is noticed, when so many calls are counted. What is noticed is not learned from.
fn noticed(bins: Bin, mut count: impl FnMut(Bin) -> f32) -> Vec<Bin> {
    let grid = Grid::five_minutes();
    let mut rate = Rate::new(0);
    let mut noticed = Vec::new();
    for bin in 0..bins {
        rate.count(bin, count(bin), grid);
        let is_known = bin >= DAY;
        if is_known && rate.excess(bin, NEEDED, grid).is_some() {
            noticed.push(bin);
            rate.close(grid, Teaching::Nothing);
        } else {
            rate.close(grid, Teaching::Usual);
        }
    }
    noticed
}

/// Counts of people: many around noon of working days. Noise of normal size for such counts.
fn people(seed: u64, most: f32) -> impl FnMut(Bin) -> f32 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    move |bin| {
        let away = (bin % DAY - DAY / 2) as f32 / 40.0;
        let is_weekend = bin / DAY % 7 >= 5;
        let mean = (0.05 + (-away * away / 2.0).exp()) * most * if is_weekend { 0.2 } else { 1.0 };
        let normal: f32 = (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
        (mean + (1.3 * mean).sqrt() * normal).max(0.0).round()
    }
}

#[test]
fn nothing_is_noticed_of_people_who_work_as_they_always_do() {
    for seed in 0..4 {
        assert_eq!(noticed(4 * WEEK, people(seed, 30.0)), Vec::<Bin>::new());
    }
}

#[test]
fn six_times_as_much_at_noon_is_noticed_within_two_bins() {
    let at = 3 * WEEK + DAY + DAY / 2;
    let mut usual = people(5, 30.0);
    let bins = noticed(at + 2, |bin| usual(bin) * if bin >= at { 6.0 } else { 1.0 });
    assert!(bins.first().is_some_and(|bin| *bin - at <= 1), "{bins:?}");
}

#[test]
fn as_much_at_night_as_at_noon_is_noticed() {
    let at = 3 * WEEK + DAY + 20;
    let mut usual = people(6, 30.0);
    let bins = noticed(at + 2, |bin| if bin >= at { 30.0 } else { usual(bin) });
    assert!(bins.first().is_some_and(|bin| *bin - at <= 1), "{bins:?}");
}

#[test]
fn a_ramp_to_four_times_in_six_hours_is_noticed_while_it_lasts() {
    let at = 3 * WEEK + DAY;
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let bins = noticed(at + 96, |bin| {
        let times = 1.0 + 3.0 * (bin - at).clamp(0, 72) as f32 / 72.0;
        let mean = 10.0 * times;
        let normal: f32 = (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
        (mean + (1.3 * mean).sqrt() * normal).max(0.0).round()
    });
    assert!(bins.first().is_some_and(|bin| *bin > at), "{bins:?}");
}

#[test]
fn half_as_much_again_for_good_is_not_noticed_and_learned_within_some_days() {
    let at = 2 * WEEK;
    let mut usual = people(8, 30.0);
    let bins = noticed(4 * WEEK, |bin| (usual(bin) * if bin >= at { 1.5 } else { 1.0 }).round());
    assert_eq!(bins, Vec::<Bin>::new());
}

#[test]
fn a_job_on_the_clock_is_noticed_at_most_once_and_hides_no_burst() {
    for period in [12, DAY] {
        let at = 2 * WEEK + 7 * 12;
        let mut usual = people(9, 6.0);
        let bins = noticed(at + 3, |bin| {
            let job = if bin % period == 5 { 120.0 } else { 0.0 };
            usual(bin) + job + if bin >= at { 60.0 } else { 0.0 }
        });
        // Windows that hold the same job are one time.
        let before: Vec<Bin> = bins.iter().copied().filter(|bin| *bin < at).collect();
        let times = before.iter().zip(before.iter().skip(1)).filter(|(one, next)| **next - **one > 12).count();
        assert!(times == 0, "every {period}: {bins:?}");
        assert!(bins.iter().any(|bin| *bin >= at), "every {period}: the burst is hidden");
    }
}

#[test]
fn a_restart_in_the_middle_changes_nothing() {
    let grid = Grid::five_minutes();
    let (mut one, mut other) = (Rate::new(0), Rate::new(0));
    let mut usual = people(10, 30.0);
    for bin in 0..2 * WEEK {
        let count = usual(bin);
        for rate in [&mut one, &mut other] {
            rate.count(bin, count, grid);
            rate.close(grid, Teaching::Usual);
        }
        if bin % 100 == 0 {
            let kept = serde_json::to_string(&other).unwrap();
            other = serde_json::from_str(&kept).unwrap();
            assert_eq!(one.band(bin + 1, grid), other.band(bin + 1, grid));
        }
    }
}
