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
use crate::front::{Front, Given, HELD_MAX};
use crate::grid::{Bin, Grid};
use crate::keys::Keys;
use crate::kind::{Kind, Sensitivity, Stage};
use crate::names::{Name, Names};
use crate::place::family_of;
use crate::rate::{COUNT_MIN, Excess, Needed, OPEN_BINS, Rate, Teaching};
use crate::region::Commons;
use crate::scene::{Scene, Starts, day_of, insight_id};
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
/// After a silence of so many bins a source begins anew, and what lies so far before its beginning is no history.
const GAP_BINS: Bin = 28 * 288;
/// A late event is judged in windows of so many bins: those whose counts are kept.
const LATE_WINDOW: Bin = 12;
/// What is late by so many bins is still looked at by itself.
const LATE_BINS: Bin = 288;
/// Series that were there for less than a day count as quiet for so much longer.
const BRIEF_BINS: Bin = 30 * 288;
/// Series without anything for so long are forgotten.
const FORGET_BINS: Bin = 90 * 288;
/// Least count in five minutes of an action that nobody did before.
const FIRST_DAY_MIN: f32 = 15.0;
/// An action that is new must exceed the second highest first day of others by this.
const FIRST_DAY_RATIO: f32 = 1.3;
/// First days of other actions that are remembered.
const FIRST_DAYS_MAX: usize = 64;
/// Names that are kept before any is forgotten.
const NAMES_MIN: usize = 50_000;
/// When names are gone over and their texts have more bytes than this, users and keys are forgotten, longest gone first; a third of
/// them at most at a time, as others may hold the names.
const NAMES_BYTES_MAX: usize = 48 << 20;
const FORGET_ROUNDS_MAX: usize = 8;
/// Insights of each kind that are told of an account in a day; what comes beyond is counted.
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
    /// The latest bin that is over, of any source.
    latest: Bin,
    /// Series that are live, and the bin at which they are counted anew.
    live: u32,
    sweep: Bin,
    /// When actions were new, and the most that was done of each in five minutes of its first day.
    first_days: VecDeque<(Bin, f32)>,
    starts: Starts,
    /// The moment up to which time has passed.
    passed: i64,
    common: Commons,
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
    /// The bin of the first event, and of the latest.
    first: Option<Bin>,
    last: Bin,
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

impl Detector {
    /// Of an account of which nothing is known.
    pub fn new(account: &str, settings: Settings, places: Arc<dyn Places>) -> Self {
        let state = State {
            account: account.to_owned(),
            names: Names::default(),
            sources: Vec::new(),
            series: AllSeries::default(),
            episodes: BTreeMap::new(),
            latest: Bin::MIN,
            live: 0,
            sweep: Bin::MIN,
            first_days: VecDeque::new(),
            starts: Starts::default(),
            passed: i64::MIN,
            common: Commons::default(),
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
        let first = self.state.sources.iter().filter_map(|source| source.first).min();
        let since = first.map(|first| self.grid.start(first));
        Learning {
            since,
            learned_micros: first
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
        // Histories of all sources share the room, and each has some. This one's is not among the others just now.
        let others: usize = self.state.sources.iter().map(|source| source.front.held()).sum();
        let room = HELD_MAX.saturating_sub(others).max(HELD_MAX / 16);
        let grid = self.grid;
        let mut give = |given| self.given(source, given, told);
        front.take(seen.happened, act.recorded_at, seen, grid, room, &mut give);
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
        sources.push(Source { name: name.to_owned(), first: None, last: Bin::MIN, front: Front::default() });
        sources.len() - 1
    }

    fn given(&mut self, source: usize, given: Given<Seen>, told: &mut Vec<Change>) {
        match given {
            Given::Over(bin) => self.over(source, bin, told),
            Given::Seen(bin, seen) => {
                self.begin(source, bin);
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
                self.begin(source, bin);
                self.count_late(source, bin, &seen, told);
                // The order of what is late by a day at most matters little for who acts from where.
                if bin > self.state.sources[source].last - LATE_BINS {
                    self.take_event(source, bin, &seen, told);
                } else {
                    self.teach_event(source, bin, &seen, told);
                }
            }
        }
    }

    /// Notes when a source began: with its first event, and anew after a silence of weeks. One event of long ago, as a
    /// wrong clock sends it, is no history.
    fn begin(&mut self, source: usize, bin: Bin) {
        self.make_room();
        let source = &mut self.state.sources[source];
        let first = *source.first.get_or_insert(bin);
        if bin < first && first - bin <= GAP_BINS || bin > source.last.saturating_add(GAP_BINS) {
            source.first = Some(bin);
        }
        source.last = source.last.max(bin);
    }

    /// The first bin of a source.
    fn first_of(&self, source: usize) -> Option<Bin> {
        self.state.sources[source].first
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
        parts.concealment.take(seen, &mut scene);
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
            first: state.sources[source].first.unwrap_or(bin),
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
        let calls = code.map(|(_, calls)| calls);
        let since = match calls {
            // Known since its calls are.
            Some(calls) => self.state.series.get(calls).rate.first,
            None => self.first_of(usize::from(key.source)).unwrap_or(bin),
        };
        let rate = Rate::silent_since(bin, since, self.grid);
        self.state.live += 1;
        self.state.series.add(Series { key, calls, is_write: seen.is_write, rate, last: bin, judged: (bin, 0.0) })
    }

    /// Counts what came after its bin was over: in the bins of the last hour, so that windows up to now have it, and of
    /// older ones for the level only.
    fn count_late(&mut self, source: usize, bin: Bin, seen: &Seen, told: &mut Vec<Change>) {
        let calls = self.count_late_of(source, bin, seen, None);
        if let Some(code) = seen.code {
            let errors = self.count_late_of(source, bin, seen, Some((code, calls)));
            self.judge_late(errors, bin, seen, told);
        }
        self.judge_late(calls, bin, seen, told);
    }

    fn count_late_of(&mut self, source: usize, bin: Bin, seen: &Seen, code: Option<(Name, u32)>) -> u32 {
        let grid = self.grid;
        let key = self.key(source, seen, code);
        let index = match self.state.series.find(&key) {
            Some(index) => index,
            None => self.add(key, bin, seen, code),
        };
        let series = self.state.series.get_mut(index);
        if bin < series.rate.next {
            series.rate.teach_late(bin, seen.times as f32, grid);
            if let Some(episode) = self.state.episodes.get_mut(&index).filter(|episode| bin >= episode.start) {
                episode.count_late(bin, f64::from(seen.times));
            }
        } else if bin < series.rate.next + OPEN_BINS {
            series.rate.count(bin, seen.times as f32, grid);
            series.last = series.last.max(bin);
        }
        series.is_write |= seen.is_write;
        index
    }

    /// Looks at the windows up to the first open bin, of which a late event is part.
    fn judge_late(&mut self, index: u32, bin: Bin, seen: &Seen, told: &mut Vec<Change>) {
        let rate = &self.state.series.get(index).rate;
        let next = rate.next;
        if bin >= next - LATE_WINDOW && rate.at(bin) >= 2.0 && !self.state.episodes.contains_key(&index) {
            self.start_if_unusual(index, next, Some(seen), told);
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
            if count >= 2.0 && is_calls && !self.state.episodes.contains_key(&index) {
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
            let kind = kind_of(self.state.series.get(index));
            let next = if self.settings.is_on(kind) { next } else { Next::End(EndReason::Closed) };
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
        if count < 2.0 || (judged == bin && count < at) {
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
        let source = usize::from(self.state.series.get(index).key.source);
        if bin - self.first_of(source).unwrap_or(bin) < LEARNING_BINS {
            return;
        }
        let series = self.state.series.get(index);
        let kind = kind_of(series);
        if !self.settings.is_on(kind) || (kind == Kind::ApiCallRateInsight && !series.is_write) {
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
        if !self.state.starts.take(kind, day_of(grid.start(bin))) {
            self.state.drops.starts += 1;
            return;
        }
        let object = self.object(index);
        let mut episode =
            Episode::new(insight_id(&self.state.account, kind, &object, grid.start(start)), start, bin, test);
        episode.expected_by =
            self.settings.expected_by(kind, &object, grid.start(start)).map(|expected| expected.id.clone());
        let elapsed = self.elapsed(bin, seen);
        self.catch_up(index, &mut episode, bin, elapsed);
        let mut change = self.change(index, &episode, Stage::Start, bin + 1, seen, None);
        // Up to the event by which it was noticed, and not to the end of a bin that still goes on.
        change.until = seen.map_or(change.until, |seen| (seen.happened + 1).max(grid.start(bin)));
        told.push(change);
        (episode.told, episode.told_count) = (bin, episode.count);
        // What is not closed yet is counted when it closes.
        (episode.count, episode.expected) = self.closed_part(index, &episode);
        self.state.episodes.insert(index, episode);
    }

    /// Counts what an episode has by now, closed or not: of the bin by which it was noticed so much was over.
    fn catch_up(&mut self, index: u32, episode: &mut Episode, bin: Bin, elapsed: f32) {
        let grid = self.grid;
        let rate = &mut self.state.series.get_mut(index).rate;
        for at in episode.start..=bin {
            let (count, (expected, _)) = (f64::from(rate.at(at)), rate.band(at, grid));
            episode.count += count;
            episode.expected += if at == bin { expected * f64::from(elapsed) } else { expected };
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

    /// The share of a bin that is over when an event of it happens; all of it, when the bin closes.
    fn elapsed(&self, bin: Bin, seen: Option<&Seen>) -> f32 {
        let into = seen.map_or(self.grid.bin_micros, |seen| seen.happened - self.grid.start(bin));
        into.clamp(0, self.grid.bin_micros) as f32 / self.grid.bin_micros as f32
    }

    fn unusual_calls(&mut self, index: u32, bin: Bin, seen: Option<&Seen>, surprise: f64) -> Option<(Excess, Test)> {
        let grid = self.grid;
        let elapsed = self.elapsed(bin, seen);
        let mut needed = Needed { surprise, alone: surprise + ALONE_MORE, common: 1.0, sudden: 1.0, elapsed };
        // Asked only of what is unusual by itself: it takes a look at many series.
        self.state.series.get_mut(index).rate.excess(bin, needed, grid)?;
        let State { series, common, .. } = &mut self.state;
        (needed.common, needed.sudden) = common.of(series, series.get(index).key, bin, elapsed, grid);
        let excess = self.state.series.get_mut(index).rate.excess(bin, needed, grid)?;
        Some((excess, test_of(Method::NegativeBinomial, &excess, None)))
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
        let first = self.first_of(usize::from(series.key.source)).unwrap_or(series.rate.first);
        let is_new = series.rate.first - first >= LEARNING_BINS;
        // What was told must not raise what others are held against.
        let is_told = self.state.episodes.contains_key(&index) || series.rate.was_told();
        if series.calls.is_some() || !is_new || !series.is_write || is_told {
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
        let kind = kind_of(series);
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

    /// Forgets the twentieth of all series that is quiet longest, where there is no room for one and its errors. Those
    /// that were there for a day only go first: who makes up actions must not push out what is usual.
    fn make_room(&mut self) {
        if self.state.series.len() + 2 <= SERIES_MAX {
            return;
        }
        let worth = |series: &Series| {
            let is_brief = series.last - series.rate.first < LEARNING_BINS;
            if is_brief { series.last - BRIEF_BINS } else { series.last }
        };
        let mut lasts: Vec<Bin> = self.state.series.iter().map(worth).collect();
        let (_, cut, _) = lasts.select_nth_unstable(SERIES_MAX / 20);
        let cut = *cut;
        let mut left = SERIES_MAX / 20;
        let before = self.state.series.len();
        self.keep(|series| {
            let goes = worth(series) <= cut && left > 0;
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
        self.forget_unused_names();
        for _ in 0..FORGET_ROUNDS_MAX {
            if self.names.text_bytes() <= NAMES_BYTES_MAX || !(self.addresses.forget_some() | self.keys.forget_some()) {
                break;
            }
            self.forget_unused_names();
        }
        // Gone over again when there are twice as many, whatever is left: not at every event.
        self.names_max = (2 * self.names.len()).max(NAMES_MIN);
    }

    fn forget_unused_names(&mut self) {
        let mut used = vec![false; self.names.len()];
        self.visit_names(&mut |name| used[*name as usize] = true);
        let moved = self.names.retain(|name| used[name as usize]);
        // In the same order, so that nothing is told in another.
        self.visit_names(&mut |name| *name = moved[*name as usize].unwrap_or(*name));
    }

    fn visit_names(&mut self, visit: &mut impl FnMut(&mut Name)) {
        self.sources.iter_mut().flat_map(|source| source.front.held_mut()).for_each(|seen| seen.names(visit));
        for index in 0..u32::try_from(self.series.len()).unwrap_or(u32::MAX) {
            let Key { region, service, action, code, source: _ } = &mut self.series.get_mut(index).key;
            [region, service, action].into_iter().chain(code).for_each(&mut *visit);
        }
        // Finds them by their new keys.
        self.series.retain(|_| true);
        self.common.names(visit);
        self.addresses.names(visit);
        self.keys.names(visit);
        self.changes.names(visit);
        self.concealment.names(visit);
    }
}

fn kind_of(series: &Series) -> Kind {
    if series.calls.is_some() { Kind::ApiErrorRateInsight } else { Kind::ApiCallRateInsight }
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
