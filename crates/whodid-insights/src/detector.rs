//! All that is usual in one account, and the insights that are open.
//! [`Detector::take`] is given every record in the order of taking in, [`Detector::pass`] lets time go by. What comes
//! out depends on records and settings alone: the same again after a restart, and when stored records are given anew.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::act::{Act, Places};
use crate::address::Addresses;
use crate::changes::Changes;
use crate::concealment::Concealment;
use crate::episode::{Change, EndReason, Episode, Method, Next, Object, Test, start_of};
use crate::front::{Front, Given};
use crate::grid::{Bin, Grid};
use crate::keys::Keys;
use crate::kind::{Kind, Sensitivity, Stage};
use crate::names::{Name, Names};
use crate::place::family_of;
use crate::rate::{COUNT_MIN, Excess, Needed, OPEN_BINS, Rate, Teaching};
use crate::scene::{Scene, insight_id};
use crate::seen::Seen;
use crate::series::{AllSeries, Key, SERIES_MAX, Series};
use crate::settings::Settings;
use crate::snapshot::{self, RestoreError};
use crate::tail::quantile_95;

/// Sources whose time is kept apart; further ones share the last.
const SOURCES_MAX: usize = 64;
/// Nothing is told before so many bins of history: a day.
pub const LEARNING_BINS: Bin = 288;
const BINS_A_WEEK: f64 = 2_016.0;
/// A single bin needs so much more surprise than a longer window.
const ALONE_MORE: f64 = 1.0;
/// What is needed beyond what chance asks for: no model of counts is exact in its tail. Chosen with
/// `cargo xtask insights-eval`.
const TAIL_MORE: f64 = 0.3;
/// Errors need so much less: their share varies less than the calls do.
const ERRORS_LESS: f64 = 1.0;
/// Series that had nothing for so many bins do not count as live.
const LIVE_BINS: Bin = 7 * 288;
/// Bins between two looks at which series are live.
const SWEEP_BINS: Bin = 288;
/// Series without anything for so long are forgotten.
const FORGET_BINS: Bin = 90 * 288;
/// Least count in five minutes of an action that nobody did before.
const FIRST_DAY_MIN: f32 = 15.0;
/// An action that is new must exceed the second highest first day of others by this.
const FIRST_DAY_RATIO: f32 = 1.3;
/// First days of other actions that are remembered.
const FIRST_DAYS_MAX: usize = 64;
/// Series of a region that tell how much more is done at all: at least, and of all at most.
const COMMON_SERIES_MIN: usize = 12;
const COMMON_SERIES_MAX: usize = 4_000;
/// The quantile of their ratios, and what it must exceed to count.
const COMMON_QUANTILE: f32 = 0.7;
const COMMON_MIN: f32 = 1.3;
/// Names that are kept before any is forgotten.
const NAMES_MIN: usize = 50_000;
/// Of series that do clearly more than expected at once, as when something is rolled out: how many there are by chance,
/// and standard deviations of that number that they must exceed it by. The quantile of their ratios.
const SUDDEN_SHARE: f32 = 0.06;
const SUDDEN_DEVIATIONS: f32 = 3.0;
const SUDDEN_QUANTILE: f32 = 0.4;
/// Times within a bin at which that is looked up anew.
const LOOKS_A_BIN: i64 = 5;
/// Insights that are told of an account in a day; what comes beyond is counted.
pub const STARTS_A_DAY_MAX: u32 = 200;

/// What is remembered of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    account: String,
    names: Names,
    sources: Vec<Source>,
    series: AllSeries,
    /// By the number of the series.
    episodes: BTreeMap<u32, Episode>,
    /// The bin of the first event of all.
    first: Option<Bin>,
    /// The latest bin that is over, of any source.
    latest: Bin,
    /// Series that are live, and the bin at which they are counted anew.
    live: u32,
    sweep: Bin,
    /// When actions were new, and the most that was done of each in five minutes of its first day.
    first_days: VecDeque<(Bin, f32)>,
    /// The day whose starts are counted, and how many there were.
    starts: (i64, u32),
    /// The moment up to which time has passed.
    passed: i64,
    /// Looked up lately. Kept, so that a restart within a bin does not look anew.
    common: Vec<Common>,
    addresses: Addresses,
    keys: Keys,
    changes: Changes,
    concealment: Concealment,
    /// From so many names on those that nobody uses are forgotten.
    names_max: usize,
    drops: Drops,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Source {
    name: String,
    front: Front<Seen>,
}

/// What had to be let go or came too late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drops {
    /// Events that came too late to be judged; they teach.
    pub late: u64,
    /// Series that were forgotten because there were too many.
    pub series: u64,
    /// Insights beyond the most that are told a day.
    pub starts: u64,
}

/// How far learning is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learning {
    /// When the first event of all happened, in microseconds since 1970.
    pub since: Option<i64>,
    /// From when on insights are told: a day later.
    pub until: Option<i64>,
    /// How much time events are known of.
    pub learned_micros: i64,
    /// Series that are known, and that had anything within a week.
    pub series: usize,
    pub live: u32,
    /// Events of a history that is being put in order.
    pub held: usize,
    pub drops: Drops,
}

/// Finds what is unusual in one account.
#[derive(Debug, Clone)]
pub struct Detector {
    state: State,
    settings: Settings,
    places: Arc<dyn Places>,
    grid: Grid,
}

/// What looks at events by themselves.
struct Parts<'a> {
    addresses: &'a mut Addresses,
    keys: &'a mut Keys,
    changes: &'a mut Changes,
    concealment: &'a mut Concealment,
}

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

impl Detector {
    /// Of an account of which nothing is known.
    pub fn new(account: &str, settings: Settings, places: Arc<dyn Places>) -> Self {
        let state = State {
            account: account.to_owned(),
            names: Names::default(),
            sources: Vec::new(),
            series: AllSeries::default(),
            episodes: BTreeMap::new(),
            first: None,
            latest: Bin::MIN,
            live: 0,
            sweep: Bin::MIN,
            first_days: VecDeque::new(),
            starts: (0, 0),
            passed: i64::MIN,
            common: Vec::new(),
            addresses: Addresses::default(),
            keys: Keys::default(),
            changes: Changes::default(),
            concealment: Concealment::default(),
            names_max: NAMES_MIN,
            drops: Drops::default(),
        };
        Self { state, settings, places, grid: Grid::five_minutes() }
    }

    /// All that is remembered, as bytes for [`Detector::restore`].
    ///
    /// The settings are not part of it: who keeps it keeps them too.
    pub fn snapshot(&self) -> Vec<u8> {
        snapshot::write(&self.state)
    }

    /// Goes on where a [`Detector::snapshot`] was made: the records after it give the same changes as without a restart.
    ///
    /// Fails for bytes of a version that is not known and for damaged ones; then all is learned anew.
    pub fn restore(bytes: &[u8], settings: Settings, places: Arc<dyn Places>) -> Result<Self, RestoreError> {
        let state = snapshot::read(bytes)?;
        Ok(Self { state, settings, places, grid: Grid::five_minutes() })
    }

    /// Goes on with other settings, for what comes from now on.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// The settings that count now.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How far learning is.
    pub fn learning(&self) -> Learning {
        let since = self.state.first.map(|first| self.grid.start(first));
        Learning {
            since,
            learned_micros: self
                .state
                .first
                .map_or(0, |first| i64::from((self.state.latest - first).max(0)) * self.grid.bin_micros),
            until: since.map(|since| since + i64::from(LEARNING_BINS) * self.grid.bin_micros),
            series: self.state.series.len(),
            live: self.state.live,
            held: self.state.sources.iter().map(|source| source.front.held()).sum(),
            drops: self.state.drops,
        }
    }

    /// Bytes that are remembered, about.
    pub fn bytes(&self) -> usize {
        self.state.series.bytes()
            + self.state.names.bytes()
            + self.state.addresses.bytes()
            + self.state.keys.bytes()
            + self.state.changes.bytes()
            + self.state.concealment.bytes()
            + self.state.sources.iter().map(|source| source.front.held() * size_of::<Seen>()).sum::<usize>()
    }

    /// Takes the next record. What is to be told is added to `told`.
    pub fn take(&mut self, act: &Act<'_>, told: &mut Vec<Change>) {
        self.pass(act.recorded_at, told);
        let source = self.source(act.source);
        let names = &mut self.state.names;
        let seen = Seen {
            offset: act.offset,
            happened: act.event_time.min(act.recorded_at),
            region: names.of(act.region.unwrap_or("global")),
            service: names.of(act.service.unwrap_or("")),
            action: names.of(act.action),
            code: act.error.map(|code| names.of(code)),
            principal: act.principal.map(|principal| names.of(principal)),
            address: act.address.map(|address| names.of(address)),
            agent: act.agent.map(|agent| names.of(&family_of(agent))),
            credential: act.credential.map(|credential| names.of(credential)),
            is_write: act.is_write,
            is_denied: act.is_denied,
            times: act.times,
        };
        let mut front = std::mem::take(&mut self.state.sources[source].front);
        let grid = self.grid;
        let mut give = |given| self.given(source, given, told);
        front.take(seen.happened, act.recorded_at, seen, grid, &mut give);
        self.state.sources[source].front = front;
        if self.state.names.len() > self.state.names_max {
            self.state.forget_names();
        }
    }

    /// Lets time pass: all that was taken in before `now` was given to [`Detector::take`].
    pub fn pass(&mut self, now: i64, told: &mut Vec<Change>) {
        if now <= self.state.passed {
            return;
        }
        self.state.passed = now;
        let grid = self.grid;
        loop {
            let due = self
                .state
                .sources
                .iter()
                .enumerate()
                .filter_map(|(index, source)| Some((source.front.due(grid)?, index)));
            let Some((due, index)) = due.min().filter(|(due, _)| *due <= now) else { return };
            let mut front = std::mem::take(&mut self.state.sources[index].front);
            let mut give = |given| self.given(index, given, told);
            front.pass(due, grid, &mut give);
            self.state.sources[index].front = front;
        }
    }

    fn source(&mut self, name: &str) -> usize {
        let sources = &mut self.state.sources;
        if let Some(index) = sources.iter().position(|source| source.name == name) {
            return index;
        }
        if sources.len() == SOURCES_MAX {
            return SOURCES_MAX - 1;
        }
        sources.push(Source { name: name.to_owned(), front: Front::default() });
        sources.len() - 1
    }

    fn given(&mut self, source: usize, given: Given<Seen>, told: &mut Vec<Change>) {
        match given {
            Given::Over(bin) => self.over(source, bin, told),
            Given::Seen(bin, seen) => {
                let first = self.state.first.get_or_insert(bin);
                *first = (*first).min(bin);
                let index = self.count(source, bin, &seen, None, told);
                if let Some(code) = seen.code {
                    let errors = self.count(source, bin, &seen, Some((code, index)), told);
                    self.judge(errors, bin, Some(&seen), told);
                }
                self.judge(index, bin, Some(&seen), told);
                self.take_event(source, bin, &seen, told);
            }
            Given::Late(bin, seen) => {
                self.state.drops.late += 1;
                let first = self.state.first.get_or_insert(bin);
                *first = (*first).min(bin);
                self.teach_late(source, bin, &seen);
                self.teach_event(source, bin, &seen, told);
            }
        }
    }

    /// Looks at an event by itself: who acts from where, and what it changes or hides.
    fn take_event(&mut self, source: usize, bin: Bin, seen: &Seen, told: &mut Vec<Change>) {
        let (parts, mut scene) = self.parts(source, bin, told);
        let visit = parts.addresses.visit(seen, &mut scene);
        // Keys first: what a user's address is like is asked before this event teaches it.
        parts.keys.take(seen, visit.as_ref(), parts.addresses, &mut scene);
        if let Some(visit) = visit {
            parts.addresses.take(seen, &visit, &mut scene);
        }
        parts.changes.take(seen, bin, &mut scene);
        parts.concealment.take(seen, &mut scene);
    }

    fn teach_event(&mut self, source: usize, bin: Bin, seen: &Seen, told: &mut Vec<Change>) {
        let (parts, mut scene) = self.parts(source, bin, told);
        let visit = parts.addresses.visit(seen, &mut scene);
        parts.keys.teach(seen, visit.as_ref());
        if let Some(visit) = visit {
            parts.addresses.teach(seen, &visit);
        }
        parts.changes.teach(seen, bin, &mut scene);
        parts.concealment.teach(seen, &mut scene);
    }

    /// What looks at events by themselves, and what it needs.
    fn parts<'a>(&'a mut self, source: usize, bin: Bin, told: &'a mut Vec<Change>) -> (Parts<'a>, Scene<'a>) {
        let state = &mut self.state;
        let scene = Scene {
            account: &state.account,
            settings: &self.settings,
            places: &*self.places,
            grid: self.grid,
            names: &mut state.names,
            // Within the type by the bound.
            source: source as u16,
            source_name: &state.sources[source].name,
            first: state.first.unwrap_or(bin),
            starts: &mut state.starts,
            drops: &mut state.drops,
            told,
        };
        let State { addresses, keys, changes, concealment, .. } = state;
        (Parts { addresses, keys, changes, concealment }, scene)
    }

    /// A source's time has come to a bin: its open insights are looked at.
    fn over(&mut self, source: usize, bin: Bin, told: &mut Vec<Change>) {
        self.state.latest = self.state.latest.max(bin);
        let of_source = |series: &u32| usize::from(self.state.series.get(*series).key.source) == source;
        let open: Vec<u32> = self.state.episodes.keys().copied().filter(of_source).collect();
        for series in open {
            self.close_until(series, bin, told);
        }
        let (parts, mut scene) = self.parts(source, bin, told);
        parts.keys.over(bin, &mut scene);
        parts.addresses.over(bin, &mut scene);
        parts.changes.over(bin, &mut scene);
        parts.concealment.over(bin, &mut scene);
        if bin >= self.state.sweep {
            self.sweep(bin);
        }
    }

    /// Counts what was seen. The number of the series.
    fn count(
        &mut self,
        source: usize,
        bin: Bin,
        seen: &Seen,
        code: Option<(Name, u32)>,
        told: &mut Vec<Change>,
    ) -> u32 {
        let key = self.key(source, seen, code);
        let index = match self.state.series.find(&key) {
            Some(index) => index,
            None => self.add(key, bin, seen, code),
        };
        // So that the bin is open: the front lets nothing through that is further ahead.
        self.close_until(index, bin - OPEN_BINS + 1, told);
        let series = self.state.series.get_mut(index);
        if bin < series.rate.next {
            // Closed ahead of its source by what it belongs to.
            series.rate.teach_late(bin, seen.times as f32, self.grid);
            return index;
        }
        series.rate.count(bin, seen.times as f32, self.grid);
        series.last = series.last.max(bin);
        series.is_write |= seen.is_write;
        index
    }

    fn key(&self, source: usize, seen: &Seen, code: Option<(Name, u32)>) -> Key {
        Key {
            // Within the type by the bound.
            source: source as u16,
            region: seen.region,
            service: seen.service,
            action: seen.action,
            code: code.map(|(code, _)| code),
        }
    }

    fn add(&mut self, key: Key, bin: Bin, seen: &Seen, code: Option<(Name, u32)>) -> u32 {
        if self.state.series.len() >= SERIES_MAX {
            self.make_room();
        }
        let calls = code.map(|(_, calls)| calls);
        let since = match calls {
            // Known since its calls are.
            Some(calls) => self.state.series.get(calls).rate.first,
            None => self.state.first.unwrap_or(bin),
        };
        let rate = Rate::silent_since(bin, since, self.grid);
        self.state.live += 1;
        self.state.series.add(Series { key, calls, is_write: seen.is_write, rate, last: bin, judged: (bin, 0.0) })
    }

    fn teach_late(&mut self, source: usize, bin: Bin, seen: &Seen) {
        let grid = self.grid;
        let key = self.key(source, seen, None);
        let calls = match self.state.series.find(&key) {
            Some(index) => index,
            None => self.add(key, bin, seen, None),
        };
        let teach = |state: &mut State, index: u32| {
            let rate = &mut state.series.get_mut(index).rate;
            if bin < rate.next {
                rate.teach_late(bin, seen.times as f32, grid);
            } else if bin < rate.next + OPEN_BINS {
                rate.count(bin, seen.times as f32, grid);
            }
        };
        teach(&mut self.state, calls);
        if let Some(code) = seen.code {
            let code = Some((code, calls));
            let key = self.key(source, seen, code);
            let errors = match self.state.series.find(&key) {
                Some(index) => index,
                None => self.add(key, bin, seen, code),
            };
            teach(&mut self.state, errors);
        }
    }

    /// Closes bins of a series until this is its first open one.
    fn close_until(&mut self, index: u32, until: Bin, told: &mut Vec<Change>) {
        let grid = self.grid;
        loop {
            let series = self.state.series.get(index);
            let bin = series.rate.next;
            if bin >= until {
                return;
            }
            let count = series.rate.at(bin);
            // Of errors only what is counted now: the calls of older bins are not kept.
            let is_calls = series.calls.is_none();
            if count > 0.0 && is_calls && !self.state.episodes.contains_key(&index) {
                self.start_if_unusual(index, bin, None, told);
            }
            if bin - self.state.series.get(index).rate.first == LEARNING_BINS {
                self.note_first_day(index);
            }
            let Some(episode) = self.state.episodes.get_mut(&index) else {
                self.state.series.get_mut(index).rate.pass_silence(until, grid);
                self.state.series.get_mut(index).rate.close(grid, Teaching::Usual);
                continue;
            };
            let rate = &mut self.state.series.get_mut(index).rate;
            let is_hot = rate.is_hot(bin, grid);
            let (expected, _) = rate.band(bin, grid);
            let teaching = episode.teaching(bin);
            let next = if bin < episode.start {
                Next::Nothing
            } else {
                episode.close(bin, f64::from(count), expected, is_hot)
            };
            rate.close(grid, teaching);
            match next {
                Next::Nothing => {}
                Next::Update => {
                    let episode = episode.clone();
                    told.push(self.change(index, &episode, Stage::Update, bin + 1, None, None));
                }
                Next::End(reason) => self.end(index, reason, told),
            }
        }
    }

    fn end(&mut self, index: u32, reason: EndReason, told: &mut Vec<Change>) {
        let Some(episode) = self.state.episodes.remove(&index) else { return };
        let until = episode.last_hot + 1;
        let rate = &mut self.state.series.get_mut(index).rate;
        rate.end_insight(episode.peak_bin, episode.peak, episode.peak_expected, self.grid);
        told.push(self.change(index, &episode, Stage::End, until, None, Some(reason)));
    }

    /// Looks whether what was just counted is unusual, unless it was looked at when there was nearly as much.
    fn judge(&mut self, index: u32, bin: Bin, seen: Option<&Seen>, told: &mut Vec<Change>) {
        let series = self.state.series.get_mut(index);
        if bin < series.rate.next {
            return;
        }
        let count = series.rate.at(bin);
        let (judged, at) = series.judged;
        if judged == bin && count < at {
            return;
        }
        series.judged = (bin, (count * 1.2).max(count + 1.0));
        if !self.state.episodes.contains_key(&index) {
            self.start_if_unusual(index, bin, seen, told);
        }
    }

    /// See [`needed_surprise`].
    fn needed(&self) -> f64 {
        needed_surprise(f64::from(self.state.live), self.settings.sensitivity)
    }

    fn start_if_unusual(&mut self, index: u32, bin: Bin, seen: Option<&Seen>, told: &mut Vec<Change>) {
        let grid = self.grid;
        let first = self.state.first.unwrap_or(bin);
        if bin - first < LEARNING_BINS {
            return;
        }
        let series = self.state.series.get(index);
        let kind = if series.calls.is_some() { Kind::ApiErrorRateInsight } else { Kind::ApiCallRateInsight };
        if !self.settings.is_on(kind) || (kind == Kind::ApiCallRateInsight && !series.is_write) {
            return;
        }
        if series.rate.at(bin) < 2.0 {
            return;
        }
        let needed = self.needed();
        let found = match kind {
            Kind::ApiErrorRateInsight => self.unusual_errors(index, bin, needed - ERRORS_LESS),
            _ if bin - series.rate.first < LEARNING_BINS => self.unusual_first_day(index, bin),
            _ => self.unusual_calls(index, bin, seen, needed),
        };
        let Some((excess, test)) = found else { return };
        let rate = &mut self.state.series.get_mut(index).rate;
        let start = start_of(bin, &excess, |bin| rate.is_hot(bin, grid));
        let start = if excess.bins > 12 { start.min(bin - 11) } else { start };
        let day = grid.start(bin).div_euclid(whodid_model::time::MICROS_A_DAY);
        if self.state.starts.0 != day {
            self.state.starts = (day, 0);
        }
        self.state.starts.1 += 1;
        if self.state.starts.1 > STARTS_A_DAY_MAX {
            self.state.drops.starts += 1;
            return;
        }
        let object = self.object(index);
        let mut episode =
            Episode::new(insight_id(&self.state.account, kind, &object, grid.start(start)), start, bin, test);
        episode.expected_by =
            self.settings.expected_by(kind, &object, grid.start(start)).map(|expected| expected.id.clone());
        self.catch_up(index, &mut episode, bin);
        told.push(self.change(index, &episode, Stage::Start, bin + 1, seen, None));
        (episode.told, episode.told_count) = (bin, episode.count);
        // What is not closed yet is counted when it closes.
        (episode.count, episode.expected) = self.closed_part(index, &episode);
        self.state.episodes.insert(index, episode);
    }

    /// Counts what an episode has by now, closed or not.
    fn catch_up(&mut self, index: u32, episode: &mut Episode, bin: Bin) {
        let grid = self.grid;
        let rate = &mut self.state.series.get_mut(index).rate;
        for at in episode.start..=bin {
            let (count, (expected, _)) = (f64::from(rate.at(at)), rate.band(at, grid));
            episode.count += count;
            episode.expected += expected;
            if count > episode.peak {
                (episode.peak, episode.peak_expected, episode.peak_bin) = (count, expected, at);
            }
        }
        (episode.hot_count, episode.hot_expected) = (episode.count, episode.expected);
    }

    fn closed_part(&mut self, index: u32, episode: &Episode) -> (f64, f64) {
        let grid = self.grid;
        let rate = &mut self.state.series.get_mut(index).rate;
        let (mut count, mut expected) = (0.0, 0.0);
        for at in episode.start..rate.next {
            count += f64::from(rate.at(at));
            expected += rate.band(at, grid).0;
        }
        (count, expected)
    }

    fn unusual_calls(&mut self, index: u32, bin: Bin, seen: Option<&Seen>, surprise: f64) -> Option<(Excess, Test)> {
        let grid = self.grid;
        let into = seen.map_or(grid.bin_micros, |seen| seen.happened - grid.start(bin)).clamp(0, grid.bin_micros);
        let elapsed = into as f32 / grid.bin_micros as f32;
        let mut needed = Needed { surprise, alone: surprise + ALONE_MORE, common: 1.0, sudden: 1.0, elapsed };
        // Asked only of what is unusual by itself: it takes a look at many series.
        self.state.series.get_mut(index).rate.excess(bin, needed, grid)?;
        (needed.common, needed.sudden) = self.common(self.state.series.get(index).key, bin, elapsed);
        let excess = self.state.series.get_mut(index).rate.excess(bin, needed, grid)?;
        Some((excess, test_of(Method::NegativeBinomial, &excess, None)))
    }

    /// How many times more than expected the actions of a region do in the last hour, and just now: more than 1 when
    /// people work on a day on which they did not before, and when something is rolled out that many actions are part of.
    ///
    /// The first is the quantile at which most are up, not only a few. The second is what those do that are clearly up,
    /// where they are more than chance would have. 1 where too few series tell.
    fn common(&mut self, key: Key, bin: Bin, elapsed: f32) -> (f32, f32) {
        let look = (elapsed * LOOKS_A_BIN as f32) as i64;
        let is_same = |known: &&Common| {
            (known.source, known.region, known.bin, known.look) == (key.source, key.region, bin, look)
        };
        if let Some(known) = self.state.common.iter().find(is_same) {
            return (known.factor, known.sudden);
        }
        let step = (self.state.series.len() / COMMON_SERIES_MAX).max(1);
        let of_source = self
            .state
            .series
            .iter()
            .step_by(step)
            .filter(|series| series.calls.is_none() && series.key.source == key.source);
        let (mut ratios, mut up_here, mut up) = (Vec::new(), Sudden::default(), Sudden::default());
        for series in of_source {
            let is_here = series.key.region == key.region;
            if is_here {
                ratios.extend(series.rate.hour_ratio(bin, self.grid));
            }
            if let Some(sudden) = series.rate.sudden_ratio(bin, elapsed, self.grid) {
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
        self.state
            .common
            .retain(|known| known.bin + 12 > bin && (known.source, known.region) != (key.source, key.region));
        self.state.common.push(Common { source: key.source, region: key.region, bin, look, factor, sudden });
        (factor, sudden)
    }

    fn unusual_errors(&mut self, index: u32, bin: Bin, needed: f64) -> Option<(Excess, Test)> {
        let calls = self.state.series.get(index).calls?;
        // Both known up to the same bin.
        let until = self.state.series.get(calls).rate.next;
        let grid = self.grid;
        let errors = &mut self.state.series.get_mut(index).rate;
        if errors.next < until && bin >= until {
            errors.close_until(until, grid, Teaching::Usual);
        }
        let (excess, of) = self.state.series.error_excess(index, bin, needed)?;
        Some((excess, test_of(Method::BetaBinomial, &excess, Some(of))))
    }

    /// Of an action that is new: the most in five minutes, against the first days of other actions.
    fn unusual_first_day(&mut self, index: u32, bin: Bin) -> Option<(Excess, Test)> {
        let count = self.state.series.get(index).rate.at(bin);
        let mut peaks: Vec<f32> = self.state.first_days.iter().map(|(_, peak)| *peak).collect();
        peaks.sort_by(|a, b| b.total_cmp(a));
        let second = peaks.get(1).copied().unwrap_or(0.0);
        let needed = (second * FIRST_DAY_RATIO).max(FIRST_DAY_MIN).max(COUNT_MIN);
        if count < needed {
            return None;
        }
        // What is counted is the score: there is no mean that it could be held against.
        let excess = Excess {
            bins: 1,
            count: f64::from(count),
            expected: 0.0,
            variance: 0.0,
            surprise: f64::from(count),
            needed: f64::from(needed),
        };
        let mut test = test_of(Method::FirstDay, &excess, None);
        test.upper = f64::from(needed);
        Some((excess, test))
    }

    fn note_first_day(&mut self, index: u32) {
        let series = self.state.series.get(index);
        let first = self.state.first.unwrap_or(series.rate.first);
        let is_new = series.rate.first - first >= LEARNING_BINS;
        if series.calls.is_some() || !is_new || !series.is_write || self.state.episodes.contains_key(&index) {
            return;
        }
        let entry = (series.rate.first, series.rate.first_day_peak);
        if self.state.first_days.len() == FIRST_DAYS_MAX {
            self.state.first_days.pop_front();
        }
        self.state.first_days.push_back(entry);
    }

    fn object(&self, index: u32) -> Object {
        let key = self.state.series.get(index).key;
        let text = |name: Name| self.state.names.text(name).to_owned();
        Object {
            source: self.state.sources[usize::from(key.source)].name.clone(),
            region: text(key.region),
            service: text(key.service),
            action: text(key.action),
            code: key.code.map(text),
            ..Object::default()
        }
    }

    fn change(
        &self,
        index: u32,
        episode: &Episode,
        stage: Stage,
        until: Bin,
        seen: Option<&Seen>,
        end_reason: Option<EndReason>,
    ) -> Change {
        let series = self.state.series.get(index);
        let kind = if series.calls.is_some() { Kind::ApiErrorRateInsight } else { Kind::ApiCallRateInsight };
        let is_end = stage == Stage::End;
        Change {
            insight: episode.insight.clone(),
            stage,
            kind,
            object: self.object(index),
            start: self.grid.start(episode.start),
            until: self.grid.start(until),
            noticed: seen.map_or(self.grid.start(until), |seen| seen.happened),
            offset: seen.map(|seen| seen.offset),
            count: if is_end { episode.hot_count } else { episode.count },
            expected: if is_end { episode.hot_expected } else { episode.expected },
            peak: episode.peak,
            peak_expected: episode.peak_expected,
            test: episode.test.clone(),
            end_reason,
            expected_by: episode.expected_by.clone(),
            actions: Vec::new(),
        }
    }

    /// Counts the live series, and forgets those that are long gone.
    fn sweep(&mut self, bin: Bin) {
        self.state.sweep = bin + SWEEP_BINS;
        let since = bin - LIVE_BINS;
        let live = self.state.series.iter().filter(|series| series.last >= since).count();
        self.state.live = u32::try_from(live).unwrap_or(u32::MAX);
        let gone = bin - FORGET_BINS;
        if self.state.series.iter().any(|series| series.last < gone) {
            self.keep(|series| series.last >= gone);
        }
    }

    /// Forgets the twentieth of all series that is quiet longest.
    fn make_room(&mut self) {
        let mut lasts: Vec<Bin> = self.state.series.iter().map(|series| series.last).collect();
        let (_, cut, _) = lasts.select_nth_unstable(SERIES_MAX / 20);
        let cut = *cut;
        let mut left = SERIES_MAX / 20;
        let before = self.state.series.len();
        self.keep(|series| {
            let goes = series.last <= cut && left > 0;
            left -= usize::from(goes);
            !goes
        });
        self.state.drops.series += (before - self.state.series.len()) as u64;
    }

    fn keep(&mut self, mut keep: impl FnMut(&Series) -> bool) {
        let open: Vec<Key> = self.state.episodes.keys().map(|index| self.state.series.get(*index).key).collect();
        let calls: Vec<u32> =
            self.state.episodes.keys().filter_map(|index| self.state.series.get(*index).calls).collect();
        let mut at = 0;
        let moved = self.state.series.retain(|series| {
            let is_needed = open.contains(&series.key) || calls.contains(&at);
            at += 1;
            keep(series) || is_needed
        });
        let episodes = std::mem::take(&mut self.state.episodes);
        self.state.episodes =
            episodes.into_iter().filter_map(|(index, episode)| Some((moved[index as usize]?, episode))).collect();
    }
}

impl State {
    /// Forgets texts that nothing remembers any more: who sends a new address with each event must not fill the memory.
    fn forget_names(&mut self) {
        let mut used = vec![false; self.names.len()];
        self.visit_names(&mut |name| used[*name as usize] = true);
        let moved = self.names.retain(|name| used[name as usize]);
        // In the same order, so that nothing is told in another.
        self.visit_names(&mut |name| *name = moved[*name as usize].unwrap_or(*name));
        self.names_max = (2 * self.names.len()).max(NAMES_MIN);
    }

    fn visit_names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        self.sources.iter_mut().flat_map(|source| source.front.held_mut()).for_each(|seen| seen.names(visit));
        for index in 0..u32::try_from(self.series.len()).unwrap_or(u32::MAX) {
            let Key { region, service, action, code, source: _ } = &mut self.series.get_mut(index).key;
            [region, service, action].into_iter().chain(code).for_each(&mut *visit);
        }
        // Finds them by their new keys.
        self.series.retain(|_| true);
        self.common.iter_mut().for_each(|common| visit(&mut common.region));
        self.addresses.names(visit);
        self.keys.names(visit);
        self.changes.names(visit);
        self.concealment.names(visit);
    }
}

/// The surprise that is needed of so many series, so that no more than the accepted number of false starts comes of
/// chance.
pub(crate) fn needed_surprise(series: f64, sensitivity: Sensitivity) -> f64 {
    let tests = BINS_A_WEEK * series.max(20.0);
    libm::log10(tests / sensitivity.false_starts_a_week()) + TAIL_MORE
}

pub(crate) fn test_of(method: Method, excess: &Excess, of: Option<f64>) -> Test {
    Test {
        method,
        window_minutes: u32::try_from(excess.bins * 5).unwrap_or(u32::MAX),
        count: excess.count,
        of,
        expected: excess.expected,
        score: excess.surprise,
        threshold: excess.needed,
        upper: quantile_95(excess.expected, excess.variance),
        terms: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
