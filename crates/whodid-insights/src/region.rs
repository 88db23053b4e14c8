//! How much more than expected a region does as a whole: when people work on a day on which they did not before, and when
//! something is rolled out that many actions are part of, one action more is no news.

use serde::{Deserialize, Serialize};

use crate::grid::{Bin, Grid};
use crate::names::Name;
use crate::series::{AllSeries, Key};

/// Series of a region that tell how much more is done at all: at least, and of all at most.
const COMMON_SERIES_MIN: usize = 12;
const COMMON_SERIES_MAX: usize = 4_000;
/// The quantile of their ratios, and what it must exceed to count.
const COMMON_QUANTILE: f32 = 0.7;
const COMMON_MIN: f32 = 1.3;
/// Of series that do clearly more than expected at once, as when something is rolled out: how many there are by chance,
/// and standard deviations of that number that they must exceed it by. The quantile of their ratios.
const SUDDEN_SHARE: f32 = 0.06;
const SUDDEN_DEVIATIONS: f32 = 3.0;
const SUDDEN_QUANTILE: f32 = 0.4;
/// Times within a bin at which that is looked up anew.
const LOOKS_A_BIN: i64 = 5;

/// How much more a region does in a bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Common {
    source: u16,
    region: Name,
    bin: Bin,
    /// Which part of the bin was over.
    look: i64,
    factor: f32,
    sudden: f32,
}

/// What was looked up lately. Kept, so that a restart within a bin does not look anew.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Commons(Vec<Common>);

/// Series that are clearly up at once.
#[derive(Debug, Default)]
struct Sudden {
    series: usize,
    ratios: Vec<f32>,
}

impl Sudden {
    fn take(&mut self, (ratio, is_up): (f32, bool)) {
        self.series += 1;
        if is_up {
            self.ratios.push(ratio);
        }
    }

    fn factor(mut self) -> f32 {
        let by_chance = self.series as f32 * SUDDEN_SHARE;
        let most = by_chance + SUDDEN_DEVIATIONS * libm::sqrtf(by_chance);
        if self.series < COMMON_SERIES_MIN || (self.ratios.len() as f32) < most.max(4.0) {
            return 1.0;
        }
        let at = (self.ratios.len() as f32 * SUDDEN_QUANTILE) as usize;
        let (_, ratio, _) = self.ratios.select_nth_unstable_by(at, f32::total_cmp);
        ratio.max(1.0)
    }
}

impl Commons {
    /// How many times more than expected the actions of a region do in the last hour, and just now; 1 where too few tell.
    ///
    /// The first is the quantile at which most are up, not only a few. The second is what those do that are clearly up,
    /// where they are more than chance would have.
    pub fn of(&mut self, all: &AllSeries, key: Key, bin: Bin, elapsed: f32, grid: Grid) -> (f32, f32) {
        let look = (elapsed * LOOKS_A_BIN as f32) as i64;
        let is_same = |known: &&Common| {
            (known.source, known.region, known.bin, known.look) == (key.source, key.region, bin, look)
        };
        if let Some(known) = self.0.iter().find(is_same) {
            return (known.factor, known.sudden);
        }
        let step = (all.len() / COMMON_SERIES_MAX).max(1);
        let of_source =
            all.iter().step_by(step).filter(|series| series.calls.is_none() && series.key.source == key.source);
        let (mut ratios, mut up_here, mut up) = (Vec::new(), Sudden::default(), Sudden::default());
        for series in of_source {
            let is_here = series.key.region == key.region;
            if is_here {
                ratios.extend(series.rate.hour_ratio(bin, grid));
            }
            if let Some(sudden) = series.rate.sudden_ratio(bin, elapsed, grid) {
                up.take(sudden);
                if is_here {
                    up_here.take(sudden);
                }
            }
        }
        let mut factor = 1.0;
        if ratios.len() >= COMMON_SERIES_MIN {
            let at = (ratios.len() as f32 * COMMON_QUANTILE) as usize;
            let (_, ratio, _) = ratios.select_nth_unstable_by(at, f32::total_cmp);
            factor = if *ratio > COMMON_MIN { *ratio } else { 1.0 };
        }
        let sudden = up_here.factor().max(up.factor());
        self.0.retain(|known| known.bin + 12 > bin && (known.source, known.region) != (key.source, key.region));
        self.0.push(Common { source: key.source, region: key.region, bin, look, factor, sudden });
        (factor, sudden)
    }

    /// Calls `visit` with each name that is remembered.
    pub fn names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        self.0.iter_mut().for_each(|common| visit(&mut common.region));
    }
}
