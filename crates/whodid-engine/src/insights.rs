//! Live insights: every record of an account's activity and audit log through its detector, in order, once.
//!
//! Beside detection by rules and like it: a cursor for each stream, records from the tail or read back from the lake,
//! what is told recorded in the stream `insights` before the cursor moves on, cursors and what was learned stored
//! together. Nothing here depends on when anybody looks: the clock is let pass only when no record waits, and what time
//! brings about happens at moments that the records alone determine. So stored records given anew come to the same
//! insights, byte for byte ([`Engine::replay_insights`]).
//!
//! Settings are part of what must be known for that: each change of them is recorded in the stream too, with the place
//! from which it counts ([`configured`]).

mod configured;
mod event;
mod evidence;
#[cfg(test)]
mod golden_tests;
mod replay;
mod series;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use tokio::sync::{Mutex, Notify};
use whodid_insights::{Act, Change, Detector, Learning, Places, Settings};
use whodid_lake::offsets_of;
use whodid_model::{AccountName, Field, Offset, Outcome, StreamName, chain};

use crate::account_tasks;
use crate::detect::Position;
use crate::engine::{Engine, Inner};
use crate::error::{Error, ErrorKind};
use crate::row::Row;
use configured::Configured;

pub use configured::SETTINGS_ACTION;
pub use event::INSIGHT_ACTIONS;
pub use replay::ReplayEnd;
pub use series::{InsightPoint, InsightSeries, SeriesQuery};

/// The streams that are looked at.
const STREAMS: [&str; 2] = ["activity", "audit"];
/// The source of what was done in whodid itself.
const OURSELVES: &str = "whodid";
/// How often time is let pass.
const TICK: Duration = Duration::from_secs(1);
/// How often what was learned is stored: so often, or so seldom that it takes no more than a fortieth of the time.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);
const SAVE_INTERVAL_MAX: Duration = Duration::from_secs(60);
const SAVE_SHARE: u32 = 40;
/// Pause after something could not be written or read.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Records of the past that are looked at when an account has none of it yet: the last so many.
const PAST_RECORDS_MAX: u64 = 20_000_000;
/// Insights recorded together.
const TOGETHER_MAX: usize = 100;

/// Insights of all accounts.
#[derive(Debug)]
pub(crate) struct Insighting {
    accounts: parking_lot::Mutex<BTreeMap<AccountName, Arc<Watched>>>,
    /// Told when there is an account more.
    changed: Notify,
    /// Where addresses are.
    places: parking_lot::Mutex<Arc<dyn Places>>,
}

impl Default for Insighting {
    fn default() -> Self {
        Self {
            accounts: parking_lot::Mutex::default(),
            changed: Notify::new(),
            places: parking_lot::Mutex::new(Arc::new(whodid_insights::NoPlaces)),
        }
    }
}

impl Insighting {
    /// The accounts whose insights are made.
    fn all(&self) -> Vec<(AccountName, Arc<Watched>)> {
        self.accounts.lock().iter().map(|(name, watched)| (name.clone(), Arc::clone(watched))).collect()
    }
}

/// Insights of one account.
#[derive(Debug)]
struct Watched {
    wanted: parking_lot::Mutex<Wanted>,
    shown: parking_lot::Mutex<InsightStatus>,
    /// The next offset of each stream, after each step.
    looked: tokio::sync::watch::Sender<HashMap<StreamName, Offset>>,
    work: Mutex<Work>,
}

/// Settings to go on with.
#[derive(Debug, Clone)]
struct Wanted {
    settings: Settings,
    /// The next offset of the audit log when they were set. They are taken up once all that was taken in before was
    /// looked at: nobody switches a kind off unseen after what it would tell.
    after: Offset,
}

/// Where insights of an account stand.
#[derive(Debug)]
struct Work {
    detector: Detector,
    position: Position,
    /// Up to when time has passed, and when the last record was taken in, in microseconds.
    passed: i64,
    recorded: i64,
    /// When it was begun with nothing learned, in microseconds: what lies long before was known then.
    begun: i64,
    /// Where it begins with nothing learned, which is recorded before anything is looked at.
    fresh: Option<Fresh>,
    is_dirty: bool,
    /// Whether what is here may be more or less than the cursors say: begun anew from what is stored.
    in_doubt: bool,
    saved: Instant,
    save_after: Duration,
}

/// How far insights had come that were begun before, as far as it is known: no further than this.
#[derive(Debug)]
struct Fresh {
    before: HashMap<StreamName, Offset>,
    passed: Option<i64>,
}

impl Work {
    /// With nothing learned, from these offsets on.
    fn new(account: &AccountName, cursors: HashMap<StreamName, Offset>, places: Arc<dyn Places>) -> Self {
        Self {
            detector: Detector::new(account.as_str(), Settings::default(), places),
            position: Position::at(cursors),
            passed: i64::MIN,
            recorded: i64::MIN,
            begun: i64::MIN,
            fresh: None,
            is_dirty: true,
            in_doubt: false,
            saved: Instant::now(),
            save_after: SAVE_INTERVAL,
        }
    }

    /// Lends the detector; another stands in its place until it is given back.
    fn lend(&mut self) -> Detector {
        self.in_doubt = true;
        let nobody = Detector::new("", Settings::default(), Arc::new(whodid_insights::NoPlaces));
        std::mem::replace(&mut self.detector, nobody)
    }
}

/// How insights of an account stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InsightStatus {
    /// How far learning is.
    pub learning: Learning,
    /// Records that wait to be looked at.
    pub behind: u64,
    /// Bytes that are remembered, about.
    pub state_bytes: usize,
}

impl Engine {
    /// Sets where addresses are, for accounts whose insights begin from now on.
    pub fn set_places(&self, places: Arc<dyn Places>) {
        *self.inner.insights.places.lock() = places;
    }

    /// Sets how insights of an account are made, and begins them where they do not run. What is stored of an account
    /// that had none is looked at first.
    ///
    /// # Errors
    /// There is no thread to read what an earlier run stored. What cannot be read of it is learned anew.
    pub async fn set_insights(&self, account: &AccountName, settings: Settings) -> Result<(), Error> {
        let insights = &self.inner.insights;
        let wanted = Wanted { settings, after: self.next_offset(account, &StreamName::audit()) };
        let known = insights.accounts.lock().get(account).cloned();
        if let Some(watched) = known {
            *watched.wanted.lock() = wanted;
            return Ok(());
        }
        let work = self.begin_insights(account).await?;
        let watched = Arc::new(Watched {
            wanted: parking_lot::Mutex::new(wanted),
            shown: parking_lot::Mutex::default(),
            looked: tokio::sync::watch::Sender::new(work.position.cursors.clone()),
            work: Mutex::new(work),
        });
        insights.accounts.lock().entry(account.clone()).or_insert(watched);
        insights.changed.notify_one();
        Ok(())
    }

    /// How insights of an account stand; `None` where they do not run.
    pub fn insight_status(&self, account: &AccountName) -> Option<InsightStatus> {
        let watched = self.inner.insights.accounts.lock().get(account).cloned()?;
        let mut status = watched.shown.lock().clone();
        status.behind = self.insights_behind(account, &watched.looked.borrow());
        Some(status)
    }

    /// Returns when every record that is there now has been looked at for insights; for tests and for whoever must know.
    pub async fn insights_up_to_now(&self) {
        for (account, watched) in self.inner.insights.all() {
            let mut work = watched.work.lock().await;
            while self.insight_step(&account, &watched, &mut work).await {}
        }
    }

    async fn begin_insights(&self, account: &AccountName) -> Result<Work, Error> {
        let places = Arc::clone(&self.inner.insights.places.lock());
        let (data, name, of) = (self.inner.options.data.clone(), account.clone(), Arc::clone(&places));
        // What was learned may be large.
        let read = move || {
            let mut stored = snapshot::read(&data, &name)?;
            let restored = stored
                .as_mut()
                .map(|stored| Detector::restore(&std::mem::take(&mut stored.detector), stored.settings.clone(), of));
            Ok::<_, std::io::Error>(stored.zip(restored))
        };
        let stored = tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| Error::internal("reading what insights learned", error))?;
        let (known, why) = match stored {
            Ok(None) => (None, None),
            Ok(Some((stored, Ok(detector)))) => {
                let mut work = Work::new(account, stored.cursors, places);
                (work.detector, work.passed) = (detector, stored.passed);
                (work.recorded, work.begun) = (stored.recorded, stored.begun);
                return Ok(work);
            }
            Ok(Some((stored, Err(error)))) => (Some(stored), Some(chain(&error).to_string())),
            Err(error) => (None, Some(chain(&error).to_string())),
        };
        if let Some(error) = why {
            tracing::warn!(account = %account, %error, "insights learn anew from what is stored: what they had learned cannot be read");
        }
        let ends: HashMap<_, _> =
            streams().map(|stream| (stream.clone(), self.next_offset(account, &stream))).collect();
        let past = ends.iter().map(|(stream, end)| (stream.clone(), Offset(end.0.saturating_sub(PAST_RECORDS_MAX))));
        let mut work = Work::new(account, past.collect(), places);
        let passed = known.as_ref().map(|known| known.passed);
        work.fresh = Some(Fresh { before: known.map_or(ends, |known| known.cursors), passed });
        Ok(work)
    }

    /// Looks at some of the records that wait. Whether there may be more.
    async fn insight_step(&self, account: &AccountName, watched: &Watched, work: &mut Work) -> bool {
        if work.in_doubt {
            match self.begin_insights(account).await {
                Ok(begun) => *work = begun,
                Err(error) => {
                    tracing::error!(account = %account, error = %chain(&error), "insights broke off and cannot go on from what they stored");
                    return false;
                }
            }
        }
        let Wanted { settings, after } = watched.wanted.lock().clone();
        let is_due = work.position.cursors.get(&StreamName::audit()).is_none_or(|looked| *looked >= after);
        let is_other = is_due && settings != *work.detector.settings();
        if (work.fresh.is_some() || is_other) && !self.take_up_settings(account, watched, work, settings).await {
            return false;
        }
        let advanced = match self.next_or_now(account, work).await {
            Ok(Next::Records(stream, batches)) => self.look_for_insights(account, &stream, work, batches).await,
            Ok(Next::Nothing(now)) => self.let_insight_time_pass(account, work, now).await,
            Err(error) => {
                tracing::error!(account = %account, error = %chain(&error), "insights cannot read records back, and try again");
                false
            }
        };
        if !work.in_doubt {
            watched.shown.lock().learning = work.detector.learning();
        }
        watched.looked.send_replace(work.position.cursors.clone());
        if work.is_dirty && !work.in_doubt && work.saved.elapsed() >= work.save_after {
            self.save_insights(account, watched, work).await;
        }
        advanced
    }

    /// The records that come next, or up to when it is known that there are none.
    async fn next_or_now(&self, account: &AccountName, work: &mut Work) -> Result<Next, Error> {
        let now = (self.inner.options.clock)().micros();
        if let Some((stream, batches)) = self.next(account, &mut work.position).await? {
            return Ok(Next::Records(stream, batches));
        }
        // What the writer is at may have been given a time before now.
        self.inner.groups_settled().await;
        let next = self.next(account, &mut work.position).await?;
        Ok(next.map_or(Next::Nothing(now), |(stream, batches)| Next::Records(stream, batches)))
    }

    /// Changes how insights are made, and records from where on that counts. Whether it could.
    async fn take_up_settings(
        &self,
        account: &AccountName,
        watched: &Watched,
        work: &mut Work,
        wanted: Settings,
    ) -> bool {
        let now = (self.inner.options.clock)().micros();
        let from = work.position.cursors.clone().into_iter().collect();
        let configured = match &work.fresh {
            Some(Fresh { before, passed }) => Configured {
                settings: wanted,
                from,
                passed: passed.unwrap_or(now),
                begins: true,
                begun: now,
                before: before.clone().into_iter().collect(),
            },
            None => Configured { settings: wanted, from, passed: work.passed.max(0), ..Configured::default() },
        };
        if !self.record_insights(account, vec![configured.event(account)]).await {
            return false;
        }
        if configured.begins {
            work.begun = now;
        }
        work.detector.set(configured.settings);
        (work.fresh, work.is_dirty) = (None, true);
        // At once: begun anew from before, it would be recorded once more, from another place on.
        self.save_insights(account, watched, work).await;
        true
    }

    async fn look_for_insights(
        &self,
        account: &AccountName,
        stream: &StreamName,
        work: &mut Work,
        batches: Vec<RecordBatch>,
    ) -> bool {
        let next = batches.last().and_then(offsets_of).map_or(Offset(0), |(_, last)| last.next());
        let Some(told) = self.look_at(account, stream, work, batches).await else { return false };
        if !self.tell_insights(account, work, told).await {
            return false;
        }
        work.passed = work.passed.max(work.recorded);
        work.position.cursors.insert(stream.clone(), next);
        (work.is_dirty, work.in_doubt) = (true, false);
        true
    }

    /// What is due by the clock. Whether something was told.
    async fn let_insight_time_pass(&self, account: &AccountName, work: &mut Work, now: i64) -> bool {
        let Some(told) = self.pass(account, work, now).await else { return false };
        work.passed = work.passed.max(now);
        let is_telling = !told.is_empty();
        if !self.tell_insights(account, work, told).await {
            return false;
        }
        (work.is_dirty, work.in_doubt) = (work.is_dirty || is_telling, false);
        is_telling
    }

    /// Gives records to the detector. What it told, which is in doubt until it is recorded; `None` where it was not done.
    async fn look_at(
        &self,
        account: &AccountName,
        stream: &StreamName,
        work: &mut Work,
        batches: Vec<RecordBatch>,
    ) -> Option<Vec<Told>> {
        let activity = match stream == &StreamName::activity() {
            true => None,
            false => work.position.cursors.get(&StreamName::activity()).copied(),
        };
        let (of, mut recorded) = (account.clone(), work.recorded);
        let looked = self.on_worker(account, work, move |detector| {
            let mut told = Vec::new();
            batches.iter().for_each(|batch| look(&of, detector, batch, activity, &mut recorded, &mut told));
            (told, recorded)
        });
        let (told, recorded) = looked.await?;
        work.recorded = recorded;
        Some(told)
    }

    /// Lets time pass; as [`Engine::look_at`].
    async fn pass(&self, account: &AccountName, work: &mut Work, now: i64) -> Option<Vec<Told>> {
        let before = work.position.cursors.get(&StreamName::activity()).copied().unwrap_or(Offset(0));
        let (of, recorded) = (account.clone(), work.recorded);
        let passed = self.on_worker(account, work, move |detector| {
            let mut changes = Vec::new();
            guarded(&of, before, || detector.pass(now, &mut changes));
            Told::all(&mut changes, detector, before, recorded).collect()
        });
        passed.await
    }

    /// Has a thread of detection do something with the detector.
    async fn on_worker<T: Send + 'static>(
        &self,
        account: &AccountName,
        work: &mut Work,
        doing: impl FnOnce(&mut Detector) -> T + Send + 'static,
    ) -> Option<T> {
        let mut detector = work.lend();
        let done = self.inner.detection.workers.run(move || {
            let done = doing(&mut detector);
            (detector, done)
        });
        match done.await {
            Ok((detector, done)) => {
                work.detector = detector;
                Some(done)
            }
            Err(error) => {
                // In doubt as it is, it goes on from what was stored.
                tracing::error!(account = %account, %error, "records were not looked at for insights, and are again");
                None
            }
        }
    }

    /// Records what is told, with what shows it. `false` when the engine ends before.
    async fn tell_insights(&self, account: &AccountName, work: &Work, told: Vec<Told>) -> bool {
        let mut events = Vec::new();
        for told in told {
            let shown = self.insight_evidence(account, &told).await;
            events.push(event::of(account, &told, &shown, work.detector.settings(), work.begun));
            if events.len() == TOGETHER_MAX && !self.record_insights(account, std::mem::take(&mut events)).await {
                return false;
            }
        }
        self.record_insights(account, events).await
    }

    /// Records events of the stream, however long it takes. `false` when the engine ends before.
    async fn record_insights(&self, account: &AccountName, events: Vec<String>) -> bool {
        let mut waiting = VecDeque::from([events]);
        while let Some(mut events) = waiting.pop_front() {
            let count = events.len() as u64;
            match self.record(account, &StreamName::insights(), events.clone()).await {
                Ok(()) => metrics::counter!("whodid_insights_total").increment(count),
                // Trying again would end the same way. One of them must not take the others with it.
                Err(error) if error.kind == ErrorKind::Internal && count > 1 => {
                    tracing::error!(account = %account, error = %chain(&error), "insights cannot be recorded together, and are one by one");
                    events.into_iter().rev().for_each(|event| waiting.push_front(vec![event]));
                }
                Err(error) if error.kind == ErrorKind::Internal => {
                    let less = events.pop().and_then(|event| event::without_attributions(&event));
                    if let Some(less) = less {
                        waiting.push_front(vec![less]);
                        continue;
                    }
                    metrics::counter!("whodid_insights_lost_total").increment(1);
                    tracing::error!(account = %account, error = %chain(&error), "an insight cannot be recorded and is lost: please report it");
                }
                Err(error) => {
                    tracing::error!(account = %account, error = %chain(&error), "insights cannot be recorded yet, and those of this account wait");
                    waiting.push_front(events);
                    if !self.pause().await {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Waits a moment; `false` when the engine ends.
    async fn pause(&self) -> bool {
        tokio::select! {
            () = tokio::time::sleep(RETRY_PAUSE) => true,
            () = self.inner.shutdown.cancelled() => false,
        }
    }

    fn insights_behind(&self, account: &AccountName, cursors: &HashMap<StreamName, Offset>) -> u64 {
        cursors.iter().map(|(stream, next)| self.next_offset(account, stream).0.saturating_sub(next.0)).sum()
    }

    async fn save_insights(&self, account: &AccountName, watched: &Watched, work: &mut Work) {
        let begun = Instant::now();
        let mut stored = snapshot::Stored {
            version: snapshot::VERSION,
            cursors: work.position.cursors.clone(),
            passed: work.passed,
            recorded: work.recorded,
            begun: work.begun,
            settings: work.detector.settings().clone(),
            detector: Vec::new(),
        };
        let (data, name) = (self.inner.options.data.clone(), account.clone());
        let was_in_doubt = work.in_doubt;
        let detector = work.lend();
        // Every series is looked at for it.
        let written = tokio::task::spawn_blocking(move || {
            stored.detector = detector.snapshot();
            let bytes = detector.bytes();
            (detector, bytes, snapshot::write(&data, &name, &stored))
        });
        let (detector, bytes, written) = match written.await {
            Ok(written) => written,
            Err(error) => {
                tracing::error!(account = %account, %error, "what insights learned was not stored");
                return;
            }
        };
        (work.detector, work.in_doubt) = (detector, was_in_doubt);
        watched.shown.lock().state_bytes = bytes;
        work.saved = Instant::now();
        work.save_after = (begun.elapsed() * SAVE_SHARE).clamp(SAVE_INTERVAL, SAVE_INTERVAL_MAX);
        match written {
            Ok(()) => work.is_dirty = false,
            Err(error) => {
                tracing::error!(account = %account, error = %chain(&error), "what insights learned cannot be stored; after a crash more records are looked at again");
            }
        }
    }
}

/// What comes next.
enum Next {
    Records(StreamName, Vec<RecordBatch>),
    /// Nothing that was taken in before this moment.
    Nothing(i64),
}

/// What a detector told, and when.
#[derive(Debug)]
struct Told {
    change: Change,
    /// All records of the activity before this offset were seen.
    before: Offset,
    /// When the last record before was taken in, in microseconds.
    recorded: i64,
    /// When the first event of all happened that was known then.
    since: Option<i64>,
}

impl Told {
    fn all(
        changes: &mut Vec<Change>,
        detector: &Detector,
        before: Offset,
        recorded: i64,
    ) -> impl Iterator<Item = Self> {
        let since = if changes.is_empty() { None } else { detector.learning().since };
        changes.drain(..).map(move |change| Self { change, before, recorded, since })
    }
}

/// Gives the rows of a batch to a detector. `activity`: the next offset of the stream `activity`, where the batch is of
/// another. `recorded`: when the last record was taken in.
fn look(
    account: &AccountName,
    detector: &mut Detector,
    batch: &RecordBatch,
    activity: Option<Offset>,
    recorded: &mut i64,
    told: &mut Vec<Told>,
) {
    let mut changes = Vec::new();
    for row in Row::all(batch) {
        let offset = row.offset();
        // What only time brought about was so before this record.
        guarded(account, offset, || detector.pass(row.recorded_at().micros(), &mut changes));
        told.extend(Told::all(&mut changes, detector, activity.unwrap_or(offset), *recorded));
        guarded(account, offset, || {
            if let Some(act) = act_of(row, activity.is_some()) {
                *recorded = act.recorded_at;
                detector.take(&act, &mut changes);
            }
        });
        told.extend(Told::all(&mut changes, detector, activity.unwrap_or(offset.next()), *recorded));
    }
}

/// Does something that may break off by a defect of ours: the next record must not suffer for it.
fn guarded(account: &AccountName, offset: Offset, doing: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(doing)).is_err() {
        metrics::counter!("whodid_insight_panics_total").increment(1);
        tracing::error!(account = %account, %offset, "insights broke off at this record: please report it");
    }
}

/// What a row tells of; `None` for what is not looked at: what was only asked for, whose outcome comes as an event of its
/// own, and of what was done in whodid all that hides nothing. The rest of it is for who may read the audit log.
fn act_of(row: Row<'_>, is_ours: bool) -> Option<Act<'_>> {
    let result = row.result();
    let action = row.field(Field::Action).unwrap_or("unknown");
    if result == Outcome::Pending.as_str() || (is_ours && !whodid_insights::conceals(action)) {
        return None;
    }
    Some(Act {
        offset: row.offset().0,
        event_time: row.event_time().micros(),
        recorded_at: row.recorded_at().micros(),
        times: 1,
        source: if is_ours { OURSELVES } else { row.source() },
        region: row.field(Field::Region),
        service: row.field(Field::Service),
        action,
        is_write: row.field(Field::Access) == Some("write"),
        error: error_of(row, result),
        is_denied: result == "denied",
        principal: row.field(Field::InitiatorName).or_else(|| row.field(Field::InitiatorId)),
        address: row.field(Field::Address),
        agent: row.field(Field::Agent),
        credential: row.field(Field::CredentialId),
    })
}

/// The code of a failure: the type of its reason, or its code, or how it ended.
fn error_of<'a>(row: Row<'a>, result: &'static str) -> Option<&'a str> {
    let has_failed = result == "failure" || result == "denied";
    let given = || row.field(Field::ReasonType).or_else(|| row.field(Field::ReasonCode));
    has_failed.then(|| given().unwrap_or(result))
}

fn streams() -> impl Iterator<Item = StreamName> {
    STREAMS.iter().filter_map(|name| StreamName::parse(name).ok())
}

/// The job: a task for each account.
pub(crate) async fn insight_loop(inner: Arc<Inner>) {
    let task = |name, watched| account_loop(Arc::clone(&inner), name, watched);
    account_tasks::run("insights", &inner.shutdown, &inner.insights.changed, || inner.insights.all(), task).await;
}

async fn account_loop(inner: Arc<Inner>, account: AccountName, watched: Arc<Watched>) {
    let engine = Engine { inner: Arc::clone(&inner) };
    let mut news = inner.published.clone();
    while !inner.shutdown.is_cancelled() {
        news.borrow_and_update();
        let has_more = {
            let mut work = watched.work.lock().await;
            engine.insight_step(&account, &watched, &mut work).await
        };
        if has_more {
            continue;
        }
        tokio::select! {
            changed = news.changed() => if changed.is_err() { break },
            () = inner.shutdown.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Stores what was learned, at the end.
pub(crate) async fn save_all(inner: &Arc<Inner>) {
    let engine = Engine { inner: Arc::clone(inner) };
    for (account, watched) in inner.insights.all() {
        let mut work = watched.work.lock().await;
        if work.is_dirty && !work.in_doubt {
            engine.save_insights(&account, &watched, &mut work).await;
        }
    }
}
