//! Live detection: every record of an account's streams through its rules, in order, once.
//!
//! A cursor for each stream tells how far an account has been looked at. Records are read from the tail as they are
//! published. What is flushed before detection comes to it stays in memory a while, and what does not find room there
//! is read back from the lake, so a slow rule delays findings and never ingest. What is found is recorded in the stream
//! `findings` before the cursor moves on; the cursor and what correlations remember are stored together every few
//! seconds. After a crash the records since then are looked at again, come to the same findings, and those are known by
//! their ids.
//!
//! Each account has a task of its own, so that what holds one up holds up no other. Streams are looked at in the order
//! in which their records were taken in, and the clock is let pass only when none waits: what did not happen is told
//! only when everything that did was seen.

mod evidence;
mod finding;
mod learning;
mod reading;
mod recording;
mod snapshot;
pub(crate) mod subject;
#[cfg(test)]
mod tests;
pub(crate) mod workers;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use tokio::sync::{Mutex, Notify};
use whodid_lake::offsets_of;
use whodid_model::{AccountName, Offset, StreamName, Timestamp, chain};
use whodid_rules::{Drops, Hit, RuleSet, State, Verdict};

use crate::account_tasks;
use crate::engine::{Engine, Inner};
use crate::error::Error;

pub use evidence::Evident;
pub use finding::FINDING_ACTION;
use finding::Repeats;
pub(crate) use finding::sentence;
pub(crate) use reading::{Position, Read};
use workers::{BrokenOff, Workers};

/// The streams whose records are looked at.
pub const DETECT_STREAMS: [&str; 3] = ["activity", "audit", "insights"];
/// Bytes of records of all accounts that stay in memory although they are flushed, because they were not looked at yet:
/// several seconds of what two cores take in. To read one back costs several times as much as to look at it.
const KEPT_BYTES: usize = 192 << 20;
/// How often time is let pass for what waits for it.
const TICK: Duration = Duration::from_secs(1);
/// How often what is remembered is stored, while there is something new: so often, or so seldom that it takes no more
/// than a fortieth of the time.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);
const SAVE_INTERVAL_MAX: Duration = Duration::from_secs(60);
const SAVE_SHARE: u32 = 40;
/// Sets of rules that wait to be taken up; of more the last takes the place of the one before it.
const WANTED_MAX: usize = 64;

/// Detection of all accounts.
#[derive(Debug)]
pub(crate) struct Detection {
    accounts: parking_lot::Mutex<BTreeMap<AccountName, Arc<Watched>>>,
    /// Told when there is an account more.
    changed: Notify,
    pub(crate) workers: Workers,
    /// Turns at reading what is stored for rules that learn.
    learners: tokio::sync::Semaphore,
}

impl Detection {
    /// Detection of no account yet.
    ///
    /// # Errors
    /// The system gives no thread for it.
    pub fn start() -> std::io::Result<Self> {
        let workers = Workers::start()?;
        let learners = tokio::sync::Semaphore::new(learning::AT_ONCE_MAX);
        Ok(Self { accounts: parking_lot::Mutex::default(), changed: Notify::new(), workers, learners })
    }

    /// The accounts that have rules now.
    fn all(&self) -> Vec<(AccountName, Arc<Watched>)> {
        self.accounts.lock().iter().map(|(name, watched)| (name.clone(), Arc::clone(watched))).collect()
    }

    /// Whether an account's detection is still this one, and not ended or begun anew.
    fn is_watched(&self, account: &AccountName, watched: &Watched) -> bool {
        self.accounts.lock().get(account).is_some_and(|known| std::ptr::eq(Arc::as_ptr(known), watched))
    }
}

/// Detection of one account.
#[derive(Debug)]
struct Watched {
    /// The rules to go on with, one set after another.
    wanted: parking_lot::Mutex<VecDeque<Wanted>>,
    /// Told when there are other rules.
    changed: Notify,
    /// What people may ask for while a step runs.
    shown: parking_lot::Mutex<DetectStatus>,
    /// The next offset of each stream, after each step.
    looked: tokio::sync::watch::Sender<HashMap<StreamName, Offset>>,
    work: Mutex<Work>,
}

impl Watched {
    /// The last of the wanted rules that may be taken up when the audit log was looked at up to an offset.
    fn due(&self, looked: Option<Offset>) -> Option<Arc<RuleSet>> {
        let mut wanted = self.wanted.lock();
        let mut last = None;
        while let Some(next) = wanted.pop_front_if(|wanted| looked.is_none_or(|looked| looked >= wanted.after)) {
            last = Some(next.rules);
        }
        last
    }
}

/// Rules to go on with.
#[derive(Debug)]
struct Wanted {
    rules: Arc<RuleSet>,
    /// The next offset of the audit log when they were set. They are taken up once detection has come so far: what was
    /// told of the change is looked at by the rules as they were, so nobody switches off unseen what would tell of it.
    after: Offset,
}

/// Where detection of an account stands.
#[derive(Debug)]
struct Work {
    rules: Arc<RuleSet>,
    state: State,
    position: Position,
    repeats: Repeats,
    /// Whether something differs from what is stored.
    is_dirty: bool,
    /// Whether what is here may be more or less than the cursors say, because something was broken off. It is not stored
    /// then, and begun anew from what is.
    in_doubt: bool,
    saved: Instant,
    /// How long after that it is stored again.
    save_after: Duration,
    /// When rules that learn are to be shown what was stored before they ran, where some may not know it.
    learn_at: Option<Instant>,
    /// How long after the next failure it is tried again.
    learn_pause: Duration,
}

/// How detection of an account stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DetectStatus {
    /// Rules that run.
    pub rules: usize,
    /// Records that wait to be looked at.
    pub behind: u64,
    /// What had to be let go or left out.
    pub drops: Drops,
    /// Bytes that correlations remember, about.
    pub state_bytes: usize,
}

impl Engine {
    /// Sets the rules of an account; an empty set ends its detection. They are taken up once the rules as they were have
    /// looked at what the audit log tells by now. Correlations whose rules are unchanged go on
    /// with what they remember. Of an account that had none, records are looked at from now on, or from where an
    /// earlier run stopped.
    ///
    /// # Errors
    /// What an earlier run stored cannot be read; it is then begun anew by whoever removes the file that the text names.
    pub async fn set_rules(&self, account: &AccountName, rules: Arc<RuleSet>) -> Result<(), Error> {
        let detection = &self.inner.detection;
        if rules.rules().is_empty() {
            let known = detection.accounts.lock().get(account).cloned();
            if let Some(watched) = known {
                let audit = StreamName::audit();
                let until = self.next_offset(account, &audit);
                let is_done = watched.looked.borrow().get(&audit).is_none_or(|next| *next >= until);
                if is_done { self.end(account) } else { self.want(account, &watched, rules) }
            }
            return Ok(());
        }
        let known = detection.accounts.lock().get(account).cloned();
        match known {
            Some(watched) => {
                self.want(account, &watched, rules);
            }
            None => {
                let work = self.begin(account, Arc::clone(&rules)).await?;
                let watched = Arc::new(Watched {
                    wanted: parking_lot::Mutex::default(),
                    changed: Notify::new(),
                    shown: parking_lot::Mutex::default(),
                    looked: tokio::sync::watch::Sender::new(work.position.cursors.clone()),
                    work: Mutex::new(work),
                });
                detection.accounts.lock().entry(account.clone()).or_insert(watched);
                detection.changed.notify_one();
            }
        }
        Ok(())
    }

    /// Has rules taken up once detection has come to what the audit log tells now.
    fn want(&self, account: &AccountName, watched: &Watched, rules: Arc<RuleSet>) {
        let after = self.next_offset(account, &StreamName::audit());
        let mut wanted = watched.wanted.lock();
        if wanted.len() >= WANTED_MAX {
            wanted.pop_back();
        }
        wanted.push_back(Wanted { rules, after });
        watched.changed.notify_one();
    }

    /// Ends detection of an account, which has no rules any more.
    fn end(&self, account: &AccountName) {
        if self.inner.detection.accounts.lock().remove(account).is_some() {
            self.keep_nothing(account);
            snapshot::remove(&self.inner.options.data, account);
        }
    }

    /// How detection of an account stands; `None` when it has no rules.
    pub fn detect_status(&self, account: &AccountName) -> Option<DetectStatus> {
        let watched = self.inner.detection.accounts.lock().get(account).cloned()?;
        let status = watched.shown.lock().clone();
        Some(status)
    }

    /// How detection of all accounts stands together. What waits is counted now: a step that hangs must not hide it.
    pub fn detect_totals(&self) -> DetectStatus {
        let mut totals = DetectStatus::default();
        for (account, watched) in self.inner.detection.all() {
            let cursors = watched.looked.borrow().clone();
            let shown = watched.shown.lock().clone();
            totals.rules += shown.rules;
            totals.behind += self.behind(&account, &cursors);
            totals.drops.groups += shown.drops.groups;
            totals.drops.matches += shown.drops.matches;
            totals.drops.without_group += shown.drops.without_group;
            totals.drops.windows += shown.drops.windows;
            totals.drops.values += shown.drops.values;
            totals.state_bytes += shown.state_bytes;
        }
        totals
    }

    /// Bytes of records of all accounts that stay in memory although they are flushed, until rules have looked at them.
    pub fn detect_kept_bytes(&self) -> usize {
        self.inner.lake.kept_bytes()
    }

    /// Waits until the records of a stream that are there now were looked at, for as long as `wait`. Whether they were.
    pub async fn looked_at(&self, account: &AccountName, stream: &StreamName, wait: Duration) -> bool {
        let Some(watched) = self.inner.detection.accounts.lock().get(account).cloned() else { return true };
        let until = self.next_offset(account, stream);
        let mut looked = watched.looked.subscribe();
        let is_there = |cursors: &HashMap<StreamName, Offset>| cursors.get(stream).is_none_or(|next| *next >= until);
        tokio::time::timeout(wait, looked.wait_for(is_there)).await.is_ok_and(|reached| reached.is_ok())
    }

    /// Returns when every record that is there now has been looked at; for tests and for whoever must know.
    pub async fn detect_up_to_now(&self) {
        for (account, watched) in self.inner.detection.all() {
            let mut work = watched.work.lock().await;
            while self.step(&account, &watched, &mut work).await {}
        }
    }

    /// Findings of an account from an offset on, in the order they were recorded, in the API's form; at most `max`.
    /// For what whodid itself makes of them: nobody else's reading goes this way.
    ///
    /// # Errors
    /// They were flushed and cannot be read back.
    pub async fn findings_from(
        &self,
        account: &AccountName,
        from: Offset,
        max: usize,
    ) -> Result<Vec<(Offset, String)>, Error> {
        let stream = StreamName::findings();
        let Read::Rows(batches) = self.records_from(account, &stream, from).await? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for batch in &batches {
            let raws = whodid_lake::RawReader::new(batch);
            found.extend(crate::row::Row::all_with(batch, &raws).take(max - found.len()).map(|row| {
                let mut json = String::with_capacity(2048);
                crate::render::event_json(row, account, &stream, &mut json);
                (row.offset(), json)
            }));
        }
        Ok(found)
    }

    /// The offset that the next finding of an account will have.
    pub fn next_finding(&self, account: &AccountName) -> Offset {
        self.next_offset(account, &StreamName::findings())
    }

    /// Told whenever something was recorded; closed when the engine ends.
    pub fn news(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.published.clone()
    }

    async fn begin(&self, account: &AccountName, rules: Arc<RuleSet>) -> Result<Work, Error> {
        let stored = snapshot::read(&self.inner.options.data, account)
            .map_err(|error| Error::internal("reading what detection remembers", error))?;
        let mut cursors = HashMap::new();
        for stream in detect_streams() {
            let end = self.inner.known_table(account, &stream).map_or(Offset(0), |table| table.next_offset());
            cursors.insert(stream, end);
        }
        let (state, repeats) = match stored {
            None => (rules.new_state(), Repeats::default()),
            Some(stored) => {
                cursors.extend(stored.cursors);
                let mut state = rules.restore(stored.state);
                state.resume((self.inner.options.clock)());
                (state, stored.repeats)
            }
        };
        let mut work = Work {
            rules,
            state,
            position: Position::at(cursors),
            repeats,
            is_dirty: true,
            in_doubt: false,
            saved: Instant::now(),
            save_after: SAVE_INTERVAL,
            learn_at: Some(Instant::now()),
            learn_pause: learning::AGAIN,
        };
        // From the first record on: a crash before the first save would else leave out what came between.
        self.save(account, &mut work).await;
        Ok(work)
    }

    /// Looks at some of the records that wait. Whether there may be more.
    async fn step(&self, account: &AccountName, watched: &Watched, work: &mut Work) -> bool {
        if !self.prepare(account, watched, work).await {
            self.keep_nothing(account);
            return false;
        }
        // Before it is known that nothing waits: what comes after this moment is not older.
        let now = (self.inner.options.clock)();
        let advanced = match self.next(account, &mut work.position).await {
            Ok(Some((stream, batches))) => Some(self.look(account, &stream, work, batches).await),
            Ok(None) => Some(self.let_time_pass(account, work, now).await),
            Err(error) => {
                tracing::error!(account = %account, error = %chain(&error), "detection cannot read records back, and tries again");
                None
            }
        };
        for (stream, table) in self.detect_tables(account) {
            table.keep_from(work.position.cursors.get(&stream).copied().unwrap_or(Offset(0)), KEPT_BYTES);
        }
        // Looked at only now: whoever ended detection meanwhile let go of what was kept before this kept some.
        let is_ended = !self.inner.detection.is_watched(account, watched);
        if is_ended || advanced.is_none() {
            self.keep_nothing(account);
        }
        if is_ended {
            return false;
        }
        self.show(account, watched, work);
        // What was found and not recorded must not be stored as told.
        if work.is_dirty && !work.in_doubt && work.saved.elapsed() >= work.save_after {
            self.save(account, work).await;
        }
        advanced.unwrap_or(false)
    }

    /// Goes on with the rules that are wanted now, after a break from what is stored. Whether it can.
    async fn prepare(&self, account: &AccountName, watched: &Watched, work: &mut Work) -> bool {
        if work.in_doubt {
            match self.begin(account, Arc::clone(&work.rules)).await {
                Ok(begun) => *work = begun,
                Err(error) => {
                    tracing::error!(account = %account, error = %chain(&error), "detection broke off and cannot go on from what it stored");
                    return false;
                }
            }
        }
        if let Some(rules) = watched.due(work.position.cursors.get(&StreamName::audit()).copied()) {
            if rules.rules().is_empty() {
                self.end(account);
                return false;
            }
            work.state = work.rules.carry(&work.state, &rules);
            work.rules = rules;
            work.is_dirty = true;
            work.learn_at = Some(Instant::now());
        }
        if work.learn_at.is_some_and(|at| at <= Instant::now()) {
            return self.learn(account, work).await;
        }
        true
    }

    /// Tells those who ask, or wait, where detection stands now.
    fn show(&self, account: &AccountName, watched: &Watched, work: &Work) {
        *watched.shown.lock() = DetectStatus {
            rules: work.rules.rules().len(),
            behind: self.behind(account, &work.position.cursors),
            drops: work.state.drops(),
            state_bytes: work.state.bytes(),
        };
        watched.looked.send_if_modified(|cursors| {
            let is_other = *cursors != work.position.cursors;
            if is_other {
                cursors.clone_from(&work.position.cursors);
            }
            is_other
        });
    }

    /// Lets go of the records that stay in memory for detection of an account: whoever comes to them reads them back.
    fn keep_nothing(&self, account: &AccountName) {
        self.detect_tables(account).for_each(|(_, table)| table.keep_nothing());
    }

    /// The tables that are there of the streams that are looked at.
    fn detect_tables(&self, account: &AccountName) -> impl Iterator<Item = (StreamName, Arc<whodid_lake::Table>)> {
        detect_streams().filter_map(|stream| Some((stream.clone(), self.inner.known_table(account, &stream)?)))
    }

    fn behind(&self, account: &AccountName, cursors: &HashMap<StreamName, Offset>) -> u64 {
        let of = |(stream, next): (&StreamName, &Offset)| {
            let end = self.inner.known_table(account, stream).map_or(*next, |table| table.next_offset());
            end.0.saturating_sub(next.0)
        };
        cursors.iter().map(of).sum()
    }

    /// Looks at records and records what is found; the cursor moves on only then. Whether it did.
    async fn look(
        &self,
        account: &AccountName,
        stream: &StreamName,
        work: &mut Work,
        batches: Vec<RecordBatch>,
    ) -> bool {
        let next = batches.last().and_then(offsets_of).map_or(Offset(0), |(_, last)| last.next());
        let (rules, stream_of, account_of) = (Arc::clone(&work.rules), stream.clone(), account.clone());
        work.in_doubt = true;
        let (mut state, mut repeats) = (std::mem::take(&mut work.state), std::mem::take(&mut work.repeats));
        let looked = self.inner.detection.workers.run(move || {
            let mut events = Vec::new();
            let mut hits: Vec<Hit> = Vec::new();
            let mut look = |row: crate::row::Row<'_>, event: &whodid_rules::Unread<'_>| {
                let stepped = catch_unwind(AssertUnwindSafe(|| rules.step(&mut state, event, &mut hits)));
                if stepped.is_err() {
                    // A defect of ours; the next record must not suffer for it.
                    metrics::counter!("whodid_detect_panics_total").increment(1);
                    tracing::error!(account = %account_of, stream = %stream_of, offset = %row.offset(), "a rule broke off at this record: please report it");
                }
                for hit in hits.drain(..) {
                    // What time completed has nothing to do with the record that came next.
                    let row = hit.by.as_ref().map(|_| (row, &stream_of));
                    events.extend(finding::of(&account_of, &rules, &hit, row, &mut repeats));
                }
            };
            batches.iter().for_each(|batch| subject::each(batch, &stream_of, &mut look));
            (state, repeats, events)
        })
        .await;
        match looked {
            Ok((state, repeats, events)) => {
                (work.state, work.repeats) = (state, repeats);
                if !self.record_findings(account, events).await {
                    return false;
                }
            }
            Err(BrokenOff::NotRun) => {
                // In doubt as it is, detection goes on from what was stored.
                tracing::error!(account = %account, stream = %stream, from = %next, "detection was not run, and tries again");
                return false;
            }
            Err(error) => {
                // The records are passed over: looking at them again would end the same way, and silence all rules.
                tracing::error!(account = %account, stream = %stream, until = %next, %error, "detection broke off, and these records were looked at by none: please report it");
                work.state = work.rules.new_state();
                work.learn_at = Some(Instant::now());
            }
        }
        work.position.cursors.insert(stream.clone(), next);
        (work.is_dirty, work.in_doubt) = (true, false);
        true
    }

    /// What is due by the clock, and findings that happened again. Whether something was found.
    async fn let_time_pass(&self, account: &AccountName, work: &mut Work, now: Timestamp) -> bool {
        let mut hits = Vec::new();
        work.rules.tick(&mut work.state, now, &mut hits);
        let mut events = Vec::new();
        for hit in hits {
            events.extend(finding::of(account, &work.rules, &hit, None, &mut work.repeats));
        }
        events.extend(work.repeats.due(account, now));
        if events.is_empty() {
            return false;
        }
        work.in_doubt = true;
        if !self.record_findings(account, events).await {
            return false;
        }
        (work.is_dirty, work.in_doubt) = (true, false);
        true
    }

    async fn save(&self, account: &AccountName, work: &mut Work) {
        let (rules, data, name) = (Arc::clone(&work.rules), self.inner.options.data.clone(), account.clone());
        let was_in_doubt = std::mem::replace(&mut work.in_doubt, true);
        let (state, repeats) = (std::mem::take(&mut work.state), std::mem::take(&mut work.repeats));
        let cursors = work.position.cursors.clone();
        let begun = Instant::now();
        let written = tokio::task::spawn_blocking(move || {
            let stored = snapshot::View {
                version: snapshot::VERSION,
                cursors: &cursors,
                state: rules.snapshot(&state),
                repeats: &repeats,
            };
            let written = snapshot::write(&data, &name, &stored);
            (state, repeats, written)
        })
        .await;
        let Ok((state, repeats, written)) = written else { return };
        (work.state, work.repeats, work.in_doubt) = (state, repeats, was_in_doubt);
        work.saved = Instant::now();
        work.save_after = (begun.elapsed() * SAVE_SHARE).clamp(SAVE_INTERVAL, SAVE_INTERVAL_MAX);
        match written {
            Ok(()) => work.is_dirty = false,
            Err(error) => {
                tracing::error!(account = %account, error = %chain(&error), "what detection remembers cannot be stored; after a crash more records are looked at again");
            }
        }
    }
}

fn detect_streams() -> impl Iterator<Item = StreamName> {
    DETECT_STREAMS.iter().filter_map(|name| StreamName::parse(name).ok())
}

/// The job: a task for each account, which looks at what comes and lets time pass.
pub(crate) async fn detect_loop(inner: Arc<Inner>) {
    let task = |name, watched| detect_account(Arc::clone(&inner), name, watched);
    account_tasks::run("detect", &inner.shutdown, &inner.detection.changed, || inner.detection.all(), task).await;
}

async fn detect_account(inner: Arc<Inner>, account: AccountName, watched: Arc<Watched>) {
    let engine = Engine { inner: Arc::clone(&inner) };
    let mut news = inner.published.clone();
    while inner.detection.is_watched(&account, &watched) && !inner.shutdown.is_cancelled() {
        news.borrow_and_update();
        let has_more = {
            let mut work = watched.work.lock().await;
            engine.step(&account, &watched, &mut work).await
        };
        if has_more {
            continue;
        }
        tokio::select! {
            changed = news.changed() => if changed.is_err() { break },
            () = watched.changed.notified() => {}
            () = inner.shutdown.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Stores what is remembered, at the end.
pub(crate) async fn save_all(inner: &Arc<Inner>) {
    let engine = Engine { inner: Arc::clone(inner) };
    for (account, watched) in inner.detection.all() {
        let mut work = watched.work.lock().await;
        if work.is_dirty && !work.in_doubt {
            engine.save(&account, &mut work).await;
        }
    }
}

/// Whether a hit is to be recorded as a finding of its own.
pub(crate) fn is_finding(hit: &Hit) -> bool {
    matches!(hit.verdict, Verdict::Finding | Verdict::CapReached)
}
