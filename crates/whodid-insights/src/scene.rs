//! What everything needs that tells an insight: names, settings, and how many were told today.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use whodid_model::time::MICROS_A_DAY;

use crate::act::Places;
use crate::detector::{Drops, LEARNING_BINS, STARTS_A_DAY_MAX};
use crate::episode::{Change, EndReason, Method, Object, Test};
use crate::grid::{Bin, Grid, HOUR_MICROS};
use crate::kind::{Kind, Stage};
use crate::names::Names;
use crate::settings::Settings;

/// An update comes after so long, or when there is twice as much and so little time has passed.
const UPDATE_MICROS: i64 = HOUR_MICROS;
const UPDATE_MICROS_MIN: i64 = HOUR_MICROS / 6;

/// The account at the moment at which something of one source is looked at.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub account: &'a str,
    pub settings: &'a Settings,
    pub places: &'a dyn Places,
    pub grid: Grid,
    pub names: &'a mut Names,
    /// Number and name of the source.
    pub source: u16,
    pub source_name: &'a str,
    /// The bin of the source's first event.
    pub first: Bin,
    pub starts: &'a mut Starts,
    pub drops: &'a mut Drops,
    pub told: &'a mut Vec<Change>,
}

/// The event, or the passing of time, by which something is noticed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notice {
    pub at: i64,
    pub offset: Option<u64>,
}

/// An insight of single events that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Open {
    insight: String,
    pub kind: Kind,
    pub object: Object,
    /// The source whose time it follows.
    pub source: u16,
    pub start: i64,
    /// The last event of it.
    pub last: i64,
    pub count: f64,
    told_at: i64,
    told_count: f64,
    test: Test,
    expected_by: Option<String>,
}

/// Insights that were told of each kind, by day: those of one kind must not use up what is left for another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Starts(BTreeMap<(i32, Kind), u32>);

impl Starts {
    /// Days that are remembered: sources, and histories, are not all on the same.
    const DAYS_MAX: usize = 16;

    /// Takes one of a day; `false` when there are none left. Facts are bounded by where they are found: nobody may
    /// drown that a trail was stopped.
    pub fn take(&mut self, kind: Kind, day: i32) -> bool {
        if kind == Kind::TrailConcealmentInsight {
            return true;
        }
        let told = self.0.entry((day, kind)).or_default();
        *told = told.saturating_add(1);
        let is_left = *told <= STARTS_A_DAY_MAX;
        while self.0.len() > Self::DAYS_MAX * Kind::ALL.len() {
            self.0.pop_first();
        }
        is_left
    }
}

impl Scene<'_> {
    /// Whether a day of history is there at this time.
    pub fn has_learned(&self, at: i64) -> bool {
        self.grid.bin(at) - self.first >= LEARNING_BINS
    }

    /// Takes one of a kind's starts of a day; `false` when there are none left.
    pub fn take_start(&mut self, kind: Kind, at: i64) -> bool {
        let is_left = self.starts.take(kind, day_of(at));
        self.drops.starts += u64::from(!is_left);
        is_left
    }

    /// Tells that something began; `None` where it is not to be told.
    pub fn start(
        &mut self,
        kind: Kind,
        object: Object,
        start: i64,
        notice: Notice,
        count: f64,
        test: Test,
    ) -> Option<Open> {
        if !self.settings.is_on(kind) || !self.take_start(kind, notice.at) {
            return None;
        }
        let open = Open {
            insight: insight_id(self.account, kind, &object, start),
            kind,
            source: self.source,
            start,
            last: notice.at.max(start),
            count,
            told_at: notice.at,
            told_count: count,
            test,
            expected_by: self.settings.expected_by(kind, &object, start).map(|expected| expected.id.clone()),
            object,
        };
        self.told.push(open.change(Stage::Start, notice, None));
        Some(open)
    }

    /// Counts further events of an insight, and tells it now and then.
    pub fn go_on(&mut self, open: &mut Open, notice: Notice, times: u32) {
        open.count += f64::from(times);
        open.last = open.last.max(notice.at);
        let since = notice.at - open.told_at;
        let has_doubled = open.count >= 2.0 * open.told_count && since >= UPDATE_MICROS_MIN;
        if since >= UPDATE_MICROS || has_doubled {
            (open.told_at, open.told_count) = (notice.at, open.count);
            self.told.push(open.change(Stage::Update, notice, None));
        }
    }

    /// Tells that an insight is over.
    pub fn end(&mut self, open: &Open, at: i64) {
        let reason = if self.settings.is_on(open.kind) { EndReason::Usual } else { EndReason::Closed };
        self.told.push(open.change(Stage::End, Notice { at, offset: None }, Some(reason)));
    }

    /// Tells that an insight is over by an event.
    pub fn end_by(&mut self, open: &Open, notice: Notice) {
        self.told.push(open.change(Stage::End, notice, Some(EndReason::Usual)));
    }
}

impl Open {
    fn change(&self, stage: Stage, notice: Notice, end_reason: Option<EndReason>) -> Change {
        Change {
            insight: self.insight.clone(),
            stage,
            kind: self.kind,
            object: self.object.clone(),
            start: self.start,
            // The last event lies within.
            until: self.last + 1,
            noticed: notice.at,
            offset: notice.offset,
            count: self.count,
            expected: 0.0,
            peak: self.count,
            peak_expected: 0.0,
            test: self.test.clone(),
            end_reason,
            expected_by: self.expected_by.clone(),
            actions: Vec::new(),
        }
    }
}

/// A test that is a plain fact.
pub(crate) fn fact(count: f64) -> Test {
    Test {
        method: Method::Fact,
        window_minutes: 0,
        count,
        of: None,
        expected: 0.0,
        score: 0.0,
        threshold: 0.0,
        upper: 0.0,
        terms: Vec::new(),
    }
}

/// The same for the same insight, whenever and wherever it is found out.
pub(crate) fn insight_id(account: &str, kind: Kind, object: &Object, start: i64) -> String {
    let Object { source, region, service, action, code, address, principal, credential } = object;
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let name = [
        account,
        kind.name(),
        source,
        region,
        service,
        action,
        &part(code),
        &part(address),
        &part(principal),
        &part(credential),
        &start.to_string(),
    ]
    .join("\u{1e}");
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

/// Days from 1970 to a time in microseconds since then.
pub(crate) fn day_of(at: i64) -> i32 {
    i32::try_from(at.div_euclid(MICROS_A_DAY)).unwrap_or(if at < 0 { i32::MIN / 2 } else { i32::MAX / 2 })
}
