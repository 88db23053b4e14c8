//! An insight from its start to its end, and what is told of it.

use serde::{Deserialize, Serialize};

use crate::grid::Bin;
use crate::kind::{Kind, Stage};
use crate::rate::{Excess, Teaching};

/// What is told of an insight: that it began, goes on, or is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// One of an account for each insight, the same for all that is told of it.
    pub insight: String,
    /// Start, update or end.
    pub stage: Stage,
    /// What kind of insight.
    pub kind: Kind,
    /// What it is about.
    pub object: Object,
    /// When it began, in microseconds since 1970: the beginning of the first unusual bin, or the first access.
    pub start: i64,
    /// When it was over; of one that is not, up to when this speaks.
    pub until: i64,
    /// The time of the events by which this was noticed.
    pub noticed: i64,
    /// Offset of the record by which this was noticed; `None`: by the time that passed.
    pub offset: Option<u64>,
    /// What was counted from start to `until`.
    pub count: f64,
    /// What was expected in that time.
    pub expected: f64,
    /// The most of one bin, and what was expected there.
    pub peak: f64,
    pub peak_expected: f64,
    /// The test that started it.
    pub test: Test,
    /// Why it is over.
    pub end_reason: Option<EndReason>,
    /// The exception that it falls under: it is kept and told to nobody.
    pub expected_by: Option<String>,
    /// The actions that it is made of, sorted, where its object names none: of changes of rights and passwords.
    pub actions: Vec<String>,
}

/// What an insight is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// The format of its events.
    pub source: String,
    /// Where.
    pub region: String,
    pub service: String,
    pub action: String,
    /// The error code, of error rates.
    pub code: Option<String>,
    pub address: Option<String>,
    pub principal: Option<String>,
    pub credential: Option<String>,
}

/// How an insight was found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// Which test.
    pub method: Method,
    /// Length of the window that it looked at, in minutes.
    pub window_minutes: u32,
    /// What was counted in the window.
    pub count: f64,
    /// Of how many calls, where errors are counted.
    pub of: Option<f64>,
    /// What was expected in it.
    pub expected: f64,
    /// `-log10` of the p-value, or the sum of the terms.
    pub score: f64,
    /// What was needed.
    pub threshold: f64,
    /// The count that 95 of 100 such windows stay under.
    pub upper: f64,
    /// What the score is the sum of, where it is one.
    pub terms: Vec<(String, f64)>,
}

/// Tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Negative binomial tail of a count in a window.
    NegativeBinomial,
    /// Of an action nobody did before: its first day against the first days of other actions.
    FirstDay,
    /// Beta-binomial tail of errors among calls.
    BetaBinomial,
    /// Likelihood ratio of an address.
    LikelihoodRatio,
    /// A plain fact, such as a trail that was stopped.
    Fact,
}

/// Why an insight is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// It is as usual again.
    Usual,
    /// It stayed what it became, and that is usual now.
    NewLevel,
    /// The kind was switched off, or the insight was called expected.
    Closed,
}

/// An insight that is not over yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Episode {
    pub insight: String,
    pub start: Bin,
    /// The bin in which it was noticed.
    pub noticed: Bin,
    pub test: Test,
    /// Counted and expected in closed bins from the start on.
    pub count: f64,
    pub expected: f64,
    pub peak: f64,
    pub peak_expected: f64,
    pub peak_bin: Bin,
    /// The last bin that was clearly unusual, with counts and expectation up to its end.
    pub last_hot: Bin,
    pub hot_count: f64,
    pub hot_expected: f64,
    /// The bin before it that was, if it is near.
    pub lone_hot: Option<Bin>,
    /// What was told last: bin and count.
    pub told: Bin,
    pub told_count: f64,
    pub expected_by: Option<String>,
}

/// What is told of an episode when one of its bins closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Nothing,
    Update,
    End(EndReason),
}

/// Bins after the last unusual one in which it may become unusual again.
const CALM_BINS: i32 = 6;
/// An update comes after so many bins, or when there is twice as much and so few have passed.
const UPDATE_BINS: i32 = 12;
const UPDATE_BINS_MIN: i32 = 2;
/// Bins after which what stays is learned as a new level, and after which it is over in any case.
const NEW_LEVEL_BINS: i32 = 288;
const BINS_MAX: i32 = 7 * 288;

impl Episode {
    pub fn new(insight: String, start: Bin, noticed: Bin, test: Test) -> Self {
        Self {
            insight,
            start,
            noticed,
            test,
            count: 0.0,
            expected: 0.0,
            peak: 0.0,
            peak_expected: 0.0,
            peak_bin: noticed,
            last_hot: noticed,
            hot_count: 0.0,
            hot_expected: 0.0,
            lone_hot: None,
            told: noticed,
            told_count: 0.0,
            expected_by: None,
        }
    }

    /// What a bin of it teaches.
    pub fn teaching(&self, bin: Bin) -> Teaching {
        if self.expected_by.is_some() {
            Teaching::Usual
        } else if bin - self.start >= NEW_LEVEL_BINS {
            Teaching::NewLevel
        } else {
            Teaching::Nothing
        }
    }

    /// Counts what came after its bin had closed.
    pub fn count_late(&mut self, bin: Bin, count: f64) {
        self.count += count;
        if bin <= self.last_hot {
            self.hot_count += count;
        }
    }

    /// Takes in a bin that closed, which is the next after the last one. What is to be told now.
    pub fn close(&mut self, bin: Bin, count: f64, expected: f64, is_hot: bool) -> Next {
        self.count += count;
        self.expected += expected;
        if count > self.peak {
            (self.peak, self.peak_expected, self.peak_bin) = (count, expected, bin);
        }
        // One bin in twenty is above its band by chance: alone it does not prolong.
        let has_company =
            bin <= self.noticed || bin - self.last_hot == 1 || self.lone_hot.is_some_and(|lone| bin - lone <= 2);
        if is_hot && has_company {
            (self.last_hot, self.lone_hot) = (bin, None);
            (self.hot_count, self.hot_expected) = (self.count, self.expected);
        } else if is_hot {
            self.lone_hot = Some(bin);
        }
        if bin <= self.noticed {
            (self.hot_count, self.hot_expected) = (self.count, self.expected);
        }
        let age = bin - self.start;
        if bin - self.last_hot >= CALM_BINS || age >= BINS_MAX {
            let is_new = self.last_hot - self.start >= NEW_LEVEL_BINS;
            return Next::End(if is_new { EndReason::NewLevel } else { EndReason::Usual });
        }
        let since = bin - self.told;
        let has_doubled = self.count >= 2.0 * self.told_count && since >= UPDATE_BINS_MIN;
        if is_hot && bin > self.noticed && (since >= UPDATE_BINS || has_doubled) {
            (self.told, self.told_count) = (bin, self.count);
            return Next::Update;
        }
        Next::Nothing
    }
}

/// Of a window: where its excess began. `is_hot` tells of a bin whether it is above what is expected.
pub(crate) fn start_of(end: Bin, excess: &Excess, mut is_hot: impl FnMut(Bin) -> bool) -> Bin {
    let first = end - excess.bins.min(12) + 1;
    (first..=end).find(|bin| is_hot(*bin)).unwrap_or(end)
}
