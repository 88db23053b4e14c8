//! The series behind an insight: how much was counted when, and how much was expected.

use whodid_insights::{Kind, Object, bands};
use whodid_model::time::{MICROS_A_DAY, MICROS_A_SECOND};
use whodid_model::{AccessScope, Timestamp};
use whodid_search::Filter;

use super::evidence::query_of;
use crate::engine::Engine;
use crate::error::Error;
use crate::read::{ReadRequest, search_error};

const BIN_MICROS: i64 = 300 * MICROS_A_SECOND;
/// Days before what is shown from which the band is learned.
const LEARNED_DAYS: i64 = 28;
/// Points that are given at once.
pub const POINTS_MAX: i64 = 5_000;
/// Periods there are, in seconds: those of CloudTrail's `ListInsightsMetricData`.
pub const PERIODS: [i64; 3] = [60, 300, 3600];

/// What series is asked for.
#[derive(Debug, Clone)]
pub struct SeriesQuery {
    pub kind: Kind,
    pub object: Object,
    pub from: Timestamp,
    pub to: Timestamp,
    /// Seconds of a point, one of [`PERIODS`].
    pub period: i64,
    /// Times that are part of insights: they do not count for what is expected.
    pub unusual: Vec<(Timestamp, Timestamp)>,
}

/// One point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InsightPoint {
    /// When it begins.
    pub at: Timestamp,
    pub count: u64,
    pub expected: f64,
    /// What one period in twenty exceeds.
    pub upper: f64,
}

/// The series behind an insight.
#[derive(Debug, Clone, PartialEq)]
pub struct InsightSeries {
    pub period: i64,
    pub points: Vec<InsightPoint>,
    /// The search for its events.
    pub query: String,
}

impl Engine {
    /// The series of an object, of what a scope may see.
    ///
    /// # Errors
    /// A period or range that is not given, or what a search may meet.
    pub async fn insight_series(&self, scope: &AccessScope, asked: &SeriesQuery) -> Result<InsightSeries, Error> {
        if !PERIODS.contains(&asked.period) {
            let detail = format!("`period` is {}; it must be 60, 300 or 3600 seconds", asked.period);
            return Err(Error::invalid("bad_parameter", detail));
        }
        let period = asked.period * MICROS_A_SECOND;
        let first = asked.from.micros().div_euclid(period) * period;
        let points = (asked.to.micros() - first + period - 1).div_euclid(period);
        if points <= 0 || points > POINTS_MAX {
            let detail = format!("the range has {points} periods; ask for 1 to {POINTS_MAX}, or for a longer `period`");
            return Err(Error::invalid("bad_parameter", detail));
        }
        let query = query_of(asked.kind, &asked.object);
        let request = ReadRequest { q: query.clone(), ..ReadRequest::default() };
        let view = self.view(scope, &request).await?;
        let learned = (first - LEARNED_DAYS * MICROS_A_DAY).div_euclid(BIN_MICROS) * BIN_MICROS;
        let to = first + points * period;
        let bins = usize::try_from((to - learned).div_euclid(BIN_MICROS) + 1).unwrap_or(0);
        let mut counts = vec![0.0; bins];
        let bars = self.counts_of(&view, learned, to, BIN_MICROS).await?;
        for (at, count) in bars {
            if let Some(bin) =
                counts.get_mut(usize::try_from((at - learned).div_euclid(BIN_MICROS)).unwrap_or(usize::MAX))
            {
                *bin += count as f64;
            }
        }
        let is_unusual = |index: usize| {
            let start = learned + index as i64 * BIN_MICROS;
            asked.unusual.iter().any(|(from, to)| start + BIN_MICROS > from.micros() && start < to.micros())
        };
        // Not before the first of all: what was not there yet is no silence.
        let begun = counts.iter().position(|count| *count > 0.0).unwrap_or(0);
        let bands = bands(learned + begun as i64 * BIN_MICROS, &counts[begun..], |index| is_unusual(index + begun));
        let fine: Vec<(i64, u64)> = match asked.period {
            60 => self.counts_of(&view, first, to, period).await?,
            _ => Vec::new(),
        };
        let point = |number: i64| {
            let at = first + number * period;
            let index = |micros: i64| usize::try_from((micros - learned).div_euclid(BIN_MICROS)).unwrap_or(0);
            let band = |index: usize| index.checked_sub(begun).and_then(|index| bands.get(index));
            if asked.period == 60 {
                let count = fine.iter().find(|(start, _)| *start == at).map_or(0, |(_, count)| *count);
                let (expected, upper) =
                    band(index(at)).map_or((0.0, 0.0), |band| (band.expected / 5.0, band.upper / 5.0));
                return InsightPoint { at: Timestamp::from_micros(at), count, expected, upper };
            }
            let (mut count, mut expected, mut spread) = (0.0, 0.0, 0.0);
            for index in index(at)..index(at + period) {
                count += counts.get(index).copied().unwrap_or(0.0);
                if let Some(band) = band(index) {
                    expected += band.expected;
                    spread += band.upper - band.expected;
                }
            }
            InsightPoint { at: Timestamp::from_micros(at), count: count as u64, expected, upper: expected + spread }
        };
        Ok(InsightSeries { period: asked.period, points: (0..points).map(point).collect(), query })
    }

    /// Counts in steps of so many microseconds, where there are any.
    async fn counts_of(
        &self,
        view: &crate::read::View,
        from: i64,
        to: i64,
        width: i64,
    ) -> Result<Vec<(i64, u64)>, Error> {
        let filter = Filter {
            from: Some(Timestamp::from_micros(from)),
            to: Some(Timestamp::from_micros(to)),
            ..view.filter.clone()
        };
        let by = crate::read::target_of("outcome")?;
        let answer = self.inner.searcher.histogram(&view.snapshot, &filter, width, &by).await.map_err(search_error)?;
        let mut sums: Vec<(i64, u64)> = Vec::new();
        for (start, _, count) in answer.value {
            match sums.last_mut() {
                Some((at, sum)) if *at == start.micros() => *sum += count,
                _ => sums.push((start.micros(), count)),
            }
        }
        Ok(sums)
    }
}
