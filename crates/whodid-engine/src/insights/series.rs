//! The series behind an insight: how much was counted when, and how much was expected.

use whodid_insights::{Band, Kind, Object, bands};
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

/// Bins of an hour.
const HOUR_BINS: usize = 12;
/// A count so surprising (`-log10` of its mid-p value) is one in twenty; so many standard deviations above the mean.
const UPPER: (f64, f64) = (1.301, 1.645);
/// What the model takes the variance to be at least, times the mean.
const DISPERSION_MIN: f64 = 1.2;
/// Squared deviations beyond so many variances count no more: one outlier must not widen the band.
const OUTLIER: f64 = 6.65;

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
    /// What one period in twenty exceeds; never less than what is expected.
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
        self.insight_series_of(scope, query_of(asked.kind, &asked.object, &[]), asked).await
    }

    /// The series of the events that a search finds, such as that of an insight's evidence, of what a scope may see. Kind
    /// and object are not looked at.
    ///
    /// # Errors
    /// As [`Engine::insight_series`], or the search cannot be read.
    pub async fn insight_series_of(
        &self,
        scope: &AccessScope,
        query: String,
        asked: &SeriesQuery,
    ) -> Result<InsightSeries, Error> {
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
        let index = |micros: i64| usize::try_from((micros - learned).div_euclid(BIN_MICROS)).unwrap_or(0);
        let waves = waves(&counts[begun..], &bands, index(first).saturating_sub(begun), |at| is_unusual(at + begun));
        let fine: std::collections::HashMap<i64, u64> = fine.into_iter().collect();
        let point = |number: i64| {
            let at = first + number * period;
            let bins = index(at)..index(at + period).max(index(at) + 1);
            let within = bins.start.saturating_sub(begun)..bins.end.saturating_sub(begun);
            let (expected, upper) = expectation(bands.get(within).unwrap_or_default(), asked.period, waves);
            let count = match asked.period {
                60 => fine.get(&at).copied().unwrap_or(0),
                _ => counts.get(bins).unwrap_or_default().iter().sum::<f64>() as u64,
            };
            InsightPoint { at: Timestamp::from_micros(at), count, expected, upper }
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

/// What is expected in a period of so many seconds, and what one such period in twenty exceeds. `bands`: of the bins that
/// it lies in, or of the one that it is a part of. `waves`: see [`waves`].
fn expectation(bands: &[Band], period: i64, waves: f64) -> (f64, f64) {
    let mean: f64 = bands.iter().map(|band| band.expected).sum();
    let variance: f64 = bands.iter().map(variance).sum();
    match (period, bands) {
        (_, []) => (0.0, 0.0),
        // As if each minute were independent of the others: of calls in bursts no less is true.
        (60, _) => (mean / 5.0, upper(mean / 5.0, variance / 5.0)),
        (300, [band, ..]) => (mean, band.upper.max(mean)),
        _ => (mean, upper(mean, variance * waves)),
    }
}

/// The variance of a count of five minutes, which its band tells.
fn variance(band: &Band) -> f64 {
    let deviation = (band.upper - band.expected).max(0.0) / UPPER.1;
    (deviation * deviation).max(DISPERSION_MIN * band.expected)
}

/// The least count that one in twenty exceeds, and not less than the mean.
fn upper(mean: f64, variance: f64) -> f64 {
    let is_rare = |count: f64| whodid_insights::upper_surprise(count, mean, variance) >= UPPER.0;
    let (mut low, mut high) = (mean.ceil(), mean.ceil() + 1.0);
    while !is_rare(high) && high < 1e12 {
        (low, high) = (high, mean.ceil() + (high - mean.ceil()) * 2.0);
    }
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        (low, high) = if is_rare(middle) { (low, middle) } else { (middle, high) };
    }
    if is_rare(low) { low } else { high }
}

/// How many times more hours vary than they would if their bins of five minutes were independent: 1, up to the 12 of
/// what comes in waves of hours. Learned from the hours before `until`, those of insights aside.
fn waves(counts: &[f64], bands: &[Band], until: usize, is_unusual: impl Fn(usize) -> bool) -> f64 {
    let (mut squares, mut variances) = (0.0, 0.0);
    for start in (0..until.min(bands.len())).step_by(HOUR_BINS).skip(24) {
        let hour = start..start + HOUR_BINS;
        let (Some(counts), Some(bands)) = (counts.get(hour.clone()), bands.get(hour.clone())) else { break };
        if hour.clone().any(&is_unusual) {
            continue;
        }
        let variance: f64 = bands.iter().map(variance).sum();
        let error = counts.iter().sum::<f64>() - bands.iter().map(|band| band.expected).sum::<f64>();
        // Weighted so that the hours in which most is done do not decide alone.
        squares += (error * error / variance.max(1e-6)).min(OUTLIER * HOUR_BINS as f64);
        variances += 1.0;
    }
    if variances == 0.0 { 1.0 } else { (squares / variances).clamp(1.0, HOUR_BINS as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_767_571_200_000_000;

    /// Numbers from 0 to 1, the same each time.
    fn chances() -> impl FnMut() -> f64 {
        let mut state = 7_u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// Counts of minutes of four weeks, by chance around so many a minute at each minute.
    fn minutes(rate: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut chance = chances();
        let mut draw = |rate: f64| {
            let (mut count, mut left) = (0.0, chance().max(1e-12));
            let floor = (-rate).exp();
            while left > floor {
                left *= chance().max(1e-12);
                count += 1.0;
            }
            count
        };
        (0..28 * 1440).map(|minute| draw(rate(minute))).collect()
    }

    /// Which share of the periods of the last week is above the band, and the least distance of the band to the mean.
    fn above(minutes: &[f64], period: i64) -> (f64, f64) {
        let counts: Vec<f64> = minutes.chunks(5).map(|bin| bin.iter().sum()).collect();
        let bands = bands(START, &counts, |_| false);
        let week = 21 * 288;
        let waves = waves(&counts, &bands, week, |_| false);
        let (mut all, mut exceeding, mut least) = (0.0, 0.0, f64::MAX);
        let length = (period / 60) as usize;
        for (at, minutes) in minutes.chunks(length).enumerate().skip(week * 5 / length) {
            let bins = at * length / 5..(at * length / 5 + (length / 5).max(1));
            let (expected, upper) = expectation(&bands[bins], period, waves);
            all += 1.0;
            exceeding += f64::from(u8::from(minutes.iter().sum::<f64>() > upper));
            least = least.min(upper - expected);
        }
        (exceeding / all, least)
    }

    #[test]
    fn about_one_period_in_twenty_is_above_the_band_whatever_the_period() {
        let series: [(&str, Vec<f64>); 4] = [
            ("seldom", minutes(|_| 0.05)),
            ("now and then", minutes(|_| 0.7)),
            ("busy", minutes(|_| 12.0)),
            ("in waves of half a day", minutes(|minute| if (minute / 700).is_multiple_of(3) { 6.0 } else { 3.0 })),
        ];
        for (name, minutes) in &series {
            for period in PERIODS {
                let (share, least) = above(minutes, period);
                println!("{name} {period}: {share:.3} {least:.3}");
                assert!(share <= 0.12 && least >= 0.0, "{name}, {period} s: {share} are above, by {least} at least");
            }
        }
        let busy = above(&series[2].1, 3600).0;
        assert!(busy >= 0.005, "{busy}");
    }
}
