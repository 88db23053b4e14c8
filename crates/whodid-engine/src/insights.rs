//! Live insights: every record of an account's activity and audit log through its detector, in order, once.
//!
//! Beside detection by rules and like it: a cursor for each stream, records from the tail or read back from the lake,
//! what is told recorded in the stream `insights` before the cursor moves on, cursors and what was learned stored
//! together. Nothing here depends on when anybody looks: the clock is let pass only when no record waits, and what time
//! brings about happens at moments that the records alone determine. So stored records given anew come to the same
//! insights, byte for byte ([`Engine::replay_insights`]).
//!
//! Settings are part of what must be known for that: each change of them is recorded in the stream too, with the place
//! from which it counts.

mod event;
mod evidence;
mod replay;
mod series;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use tokio::sync::{Mutex, Notify};
use whodid_insights::{Act, Change, Detector, Learning, Places, Settings};
use whodid_lake::offsets_of;
use whodid_model::{AccountName, Field, Offset, StreamName, chain};

use crate::account_tasks;
use crate::detect::Position;
use crate::engine::{Engine, Inner};
use crate::error::{Error, ErrorKind};
use crate::row::Row;

pub use event::{INSIGHT_ACTIONS, SETTINGS_ACTION};
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
    wanted: parking_lot::Mutex<Settings>,
    shown: parking_lot::Mutex<InsightStatus>,
    /// The next offset of each stream, after each step.
    looked: tokio::sync::watch::Sender<HashMap<StreamName, Offset>>,
    work: Mutex<Work>,
}

/// Where insights of an account stand.
#[derive(Debug)]
struct Work {
    detector: Detector,
    position: Position,
    /// Up to when time has passed, and when the last record was taken in, in microseconds.
    passed: i64,
    recorded: i64,
    /// Whether it begins with nothing, which is recorded before anything is looked at.
    is_new: bool,
    is_dirty: bool,
    /// Whether what is here may be more or less than the cursors say: begun anew from what is stored.
    in_doubt: bool,
    saved: Instant,
    save_after: Duration,
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
    /// What an earlier run stored cannot be read.
    pub async fn set_insights(&self, account: &AccountName, settings: Settings) -> Result<(), Error> {
        let insights = &self.inner.insights;
        let known = insights.accounts.lock().get(account).cloned();
        if let Some(watched) = known {
            *watched.wanted.lock() = settings;
            return Ok(());
        }
        let work = self.begin_insights(account).await?;
        let watched = Arc::new(Watched {
            wanted: parking_lot::Mutex::new(settings),
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
        let stored = snapshot::read(&self.inner.options.data, account)
            .map_err(|error| Error::internal("reading what insights learned", error))?;
        let places = Arc::clone(&self.inner.insights.places.lock());
        let mut cursors = HashMap::new();
        for stream in streams() {
            let end = self.next_offset(account, &stream);
            cursors.insert(stream, Offset(end.0.saturating_sub(PAST_RECORDS_MAX)));
        }
        let (mut passed, mut recorded, mut is_new) = (i64::MIN, i64::MIN, true);
        let mut detector = Detector::new(account.as_str(), Settings::default(), Arc::clone(&places));
        if let Some(stored) = stored {
            match Detector::restore(&stored.detector, stored.settings, places) {
                Ok(restored) => {
                    detector = restored;
                    cursors = stored.cursors;
                    (passed, recorded, is_new) = (stored.passed, stored.recorded, false);
                }
                Err(error) => {
                    tracing::warn!(account = %account, error = %chain(&error), "insights learn anew from what is stored");
                }
            }
        }
        Ok(Work {
            detector,
            position: Position::at(cursors),
            passed,
            recorded,
            is_new,
            is_dirty: true,
            in_doubt: false,
            saved: Instant::now(),
            save_after: SAVE_INTERVAL,
        })
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
        let wanted = watched.wanted.lock().clone();
        if (work.is_new || wanted != *work.detector.settings()) && !self.take_up_settings(account, work, wanted).await {
            return false;
        }
        // Before it is known that nothing waits: what comes after this moment is not older.
        let now = (self.inner.options.clock)().micros();
        let advanced = match self.next(account, &mut work.position).await {
            Ok(Some((stream, batches))) => self.look_for_insights(account, &stream, work, batches).await,
            Ok(None) => self.let_insight_time_pass(account, work, now).await,
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
            self.save_insights(account, work).await;
            // Every series is looked at for it: not at every step.
            watched.shown.lock().state_bytes = work.detector.bytes();
        }
        advanced
    }

    /// Changes how insights are made, and records from where on that counts. Whether it could.
    async fn take_up_settings(&self, account: &AccountName, work: &mut Work, wanted: Settings) -> bool {
        let event = event::settings(account, &wanted, &work.position.cursors, work.passed, work.is_new);
        if !self.record_insights(account, vec![event]).await {
            return false;
        }
        work.detector.set(wanted);
        (work.is_new, work.is_dirty) = (false, true);
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
        let activity = match stream == &StreamName::activity() {
            true => None,
            false => work.position.cursors.get(&StreamName::activity()).copied(),
        };
        work.in_doubt = true;
        let nobody = Detector::new("", Settings::default(), Arc::new(whodid_insights::NoPlaces));
        let mut detector = std::mem::replace(&mut work.detector, nobody);
        let mut recorded = work.recorded;
        let of = account.clone();
        let looked = self.inner.detection.workers.run(move || {
            let mut told = Vec::new();
            batches.iter().for_each(|batch| look(&of, &mut detector, batch, activity, &mut recorded, &mut told));
            (detector, told, recorded)
        });
        let looked = looked.await;
        match looked {
            Ok((detector, told, recorded)) => {
                work.detector = detector;
                if !self.tell_insights(account, told).await {
                    return false;
                }
                (work.recorded, work.passed) = (recorded, work.passed.max(recorded));
            }
            Err(error) => {
                // In doubt as it is, it goes on from what was stored.
                tracing::error!(account = %account, stream = %stream, until = %next, %error, "records were not looked at for insights, and are again");
                return false;
            }
        }
        work.position.cursors.insert(stream.clone(), next);
        (work.is_dirty, work.in_doubt) = (true, false);
        true
    }

    /// What is due by the clock. Whether something was told.
    async fn let_insight_time_pass(&self, account: &AccountName, work: &mut Work, now: i64) -> bool {
        let mut told = Vec::new();
        work.detector.pass(now, &mut told);
        work.passed = work.passed.max(now);
        if told.is_empty() {
            return false;
        }
        work.in_doubt = true;
        if !self.tell_insights(account, of_time(told, &work.position, work.recorded)).await {
            return false;
        }
        (work.is_dirty, work.in_doubt) = (true, false);
        true
    }

    /// Records what is told, with what shows it. `false` when the engine ends before.
    async fn tell_insights(&self, account: &AccountName, told: Vec<Told>) -> bool {
        let mut events = Vec::new();
        for told in told {
            let shown = loop {
                match self.insight_evidence(account, &told).await {
                    Ok(shown) => break shown,
                    Err(error) => {
                        tracing::error!(account = %account, error = %chain(&error), "what shows an insight cannot be read, and insights of this account wait");
                        if !self.pause().await {
                            return false;
                        }
                    }
                }
            };
            events.push(event::of(account, &told, &shown));
            if events.len() == TOGETHER_MAX && !self.record_insights(account, std::mem::take(&mut events)).await {
                return false;
            }
        }
        self.record_insights(account, events).await
    }

    /// Records events of the stream, however long it takes. `false` when the engine ends before.
    async fn record_insights(&self, account: &AccountName, events: Vec<String>) -> bool {
        while let Err(error) = self.record(account, &StreamName::insights(), events.clone()).await {
            if error.kind == ErrorKind::Internal {
                // Trying again would end the same way.
                metrics::counter!("whodid_insights_lost_total").increment(events.len() as u64);
                tracing::error!(account = %account, error = %chain(&error), "insights cannot be recorded and are lost: please report it");
                return true;
            }
            tracing::error!(account = %account, error = %chain(&error), "insights cannot be recorded yet, and those of this account wait");
            if !self.pause().await {
                return false;
            }
        }
        metrics::counter!("whodid_insights_total").increment(events.len() as u64);
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

    async fn save_insights(&self, account: &AccountName, work: &mut Work) {
        let begun = Instant::now();
        let stored = snapshot::Stored {
            version: snapshot::VERSION,
            cursors: work.position.cursors.clone(),
            passed: work.passed,
            recorded: work.recorded,
            settings: work.detector.settings().clone(),
            detector: work.detector.snapshot(),
        };
        let (data, name) = (self.inner.options.data.clone(), account.clone());
        let written = tokio::task::spawn_blocking(move || snapshot::write(&data, &name, &stored)).await;
        work.saved = Instant::now();
        work.save_after = (begun.elapsed() * SAVE_SHARE).clamp(SAVE_INTERVAL, SAVE_INTERVAL_MAX);
        match written {
            Ok(Ok(())) => work.is_dirty = false,
            Ok(Err(error)) => {
                tracing::error!(account = %account, error = %chain(&error), "what insights learned cannot be stored; after a crash more records are looked at again");
            }
            Err(error) => tracing::error!(account = %account, %error, "what insights learned was not stored"),
        }
    }
}

/// What a detector told, and when.
#[derive(Debug)]
struct Told {
    change: Change,
    /// All records of the activity before this offset were seen.
    before: Offset,
    /// When the last record before was taken in, in microseconds.
    recorded: i64,
}

/// What only time brought about, when all before the position was seen.
fn of_time(told: Vec<Change>, position: &Position, recorded: i64) -> Vec<Told> {
    let before = position.cursors.get(&StreamName::activity()).copied().unwrap_or(Offset(0));
    told.into_iter().map(|change| Told { change, before, recorded }).collect()
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
        let mut act = act_of(row);
        if activity.is_some() {
            // Of what was done in whodid only what hides something: the rest is for who may read the audit log.
            if !whodid_insights::conceals(act.action) {
                continue;
            }
            act.source = OURSELVES;
        }
        let taken = catch_unwind(AssertUnwindSafe(|| detector.take(&act, &mut changes)));
        if taken.is_err() {
            // A defect of ours; the next record must not suffer for it.
            metrics::counter!("whodid_insight_panics_total").increment(1);
            tracing::error!(account = %account, offset = %row.offset(), "insights broke off at this record: please report it");
        }
        for change in changes.drain(..) {
            // What only time brought about was so before this record.
            let (before, recorded) = match (activity, change.offset) {
                (Some(activity), of) => (activity, of.map_or(*recorded, |_| act.recorded_at)),
                (None, Some(_)) => (row.offset().next(), act.recorded_at),
                (None, None) => (row.offset(), *recorded),
            };
            told.push(Told { change, before, recorded });
        }
        *recorded = act.recorded_at;
    }
}

fn act_of(row: Row<'_>) -> Act<'_> {
    let result = row.result();
    Act {
        offset: row.offset().0,
        event_time: row.event_time().micros(),
        recorded_at: row.recorded_at().micros(),
        times: 1,
        source: row.source(),
        region: row.field(Field::Region),
        service: row.field(Field::Service),
        action: row.field(Field::Action).unwrap_or("unknown"),
        is_write: row.field(Field::Access) == Some("write"),
        error: error_of(row, result),
        is_denied: result == "denied",
        principal: row.field(Field::InitiatorName).or_else(|| row.field(Field::InitiatorId)),
        address: row.field(Field::Address),
        agent: row.field(Field::Agent),
        credential: row.field(Field::CredentialId),
    }
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
            engine.save_insights(&account, &mut work).await;
        }
    }
}
