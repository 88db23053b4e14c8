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

mod finding;
mod snapshot;
pub(crate) mod subject;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use futures::StreamExt;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::task::JoinSet;
use whodid_lake::offsets_of;
use whodid_model::{AccountName, Offset, StreamName, Timestamp, chain};
use whodid_query::{Comparison, Expr, Operand, Query, RecordField, Target, Test};
use whodid_rules::{Drops, Hit, RuleSet, State, Verdict};
use whodid_search::{Filter, Order, Visible};

use crate::engine::{Engine, Inner};
use crate::error::{Error, ErrorKind};

pub use finding::FINDING_ACTION;
use finding::Repeats;
pub(crate) use finding::sentence;

/// The streams whose records are looked at.
pub const DETECT_STREAMS: [&str; 2] = ["activity", "audit"];
/// Records that are looked at in one step, before others get their turn.
const STEP_ROWS: usize = 4096;
/// Records that are taken from the tail together, or the batch that exceeds them.
const TAKEN_ROWS: usize = 16_384;
/// Bytes of records of all accounts that stay in memory although they are flushed, because they were not looked at yet:
/// several seconds of what two cores take in. To read one back costs several times as much as to look at it.
const KEPT_BYTES: usize = 192 << 20;
/// How often time is let pass for what waits for it.
const TICK: Duration = Duration::from_secs(1);
/// Records that are read back from the lake together.
const READ_BACK_ROWS: u64 = 32_768;
/// How often what is remembered is stored, while there is something new: so often, or so seldom that it takes no more
/// than a fortieth of the time.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);
const SAVE_INTERVAL_MAX: Duration = Duration::from_secs(60);
const SAVE_SHARE: u32 = 40;
/// Pause after findings could not be recorded.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Findings recorded together, and their bytes.
const FINDINGS_TOGETHER: usize = 500;
const FINDINGS_BYTES: usize = 4 << 20;

/// Detection of all accounts.
#[derive(Debug)]
pub(crate) struct Detection {
    accounts: parking_lot::Mutex<BTreeMap<AccountName, Arc<Watched>>>,
    /// Told when there is an account more.
    changed: Notify,
    /// Batches that are looked at side by side: as many as there are cores.
    turns: Semaphore,
}

impl Default for Detection {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { accounts: parking_lot::Mutex::default(), changed: Notify::new(), turns: Semaphore::new(cores) }
    }
}

/// Detection of one account.
#[derive(Debug)]
struct Watched {
    /// The rules to go on with; taken up at the next step.
    wanted: parking_lot::Mutex<Arc<RuleSet>>,
    /// Told when there are other rules.
    changed: Notify,
    /// What people may ask for while a step runs.
    shown: parking_lot::Mutex<DetectStatus>,
    /// The next offset of each stream, after each step.
    looked: tokio::sync::watch::Sender<HashMap<StreamName, Offset>>,
    work: Mutex<Work>,
}

/// Where detection of an account stands.
#[derive(Debug)]
struct Work {
    rules: Arc<RuleSet>,
    state: State,
    /// The next offset of each stream.
    cursors: HashMap<StreamName, Offset>,
    repeats: Repeats,
    /// Records that were taken from the tail or read back from the lake, and wait: from the cursor on.
    ahead: HashMap<StreamName, VecDeque<RecordBatch>>,
    /// Whether something differs from what is stored.
    is_dirty: bool,
    /// Whether what is here may be more or less than the cursors say, because something was broken off. It is not stored
    /// then, and begun anew from what is.
    in_doubt: bool,
    saved: Instant,
    /// How long after that it is stored again.
    save_after: Duration,
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
    /// Sets the rules of an account; an empty set ends its detection. Correlations whose rules are unchanged go on
    /// with what they remember. Of an account that had none, records are looked at from now on, or from where an
    /// earlier run stopped.
    ///
    /// # Errors
    /// What an earlier run stored cannot be read; it is then begun anew by whoever removes the file that the text names.
    pub async fn set_rules(&self, account: &AccountName, rules: Arc<RuleSet>) -> Result<(), Error> {
        let detection = &self.inner.detection;
        if rules.rules().is_empty() {
            let ended = detection.accounts.lock().remove(account);
            if ended.is_some() {
                self.keep_nothing(account);
                snapshot::remove(&self.inner.options.data, account);
            }
            return Ok(());
        }
        let known = detection.accounts.lock().get(account).cloned();
        match known {
            Some(watched) => {
                *watched.wanted.lock() = rules;
                watched.changed.notify_one();
            }
            None => {
                let work = self.begin(account, Arc::clone(&rules)).await?;
                let watched = Arc::new(Watched {
                    wanted: parking_lot::Mutex::new(rules),
                    changed: Notify::new(),
                    shown: parking_lot::Mutex::default(),
                    looked: tokio::sync::watch::Sender::new(work.cursors.clone()),
                    work: Mutex::new(work),
                });
                detection.accounts.lock().entry(account.clone()).or_insert(watched);
                detection.changed.notify_one();
            }
        }
        Ok(())
    }

    /// How detection of an account stands; `None` when it has no rules.
    pub fn detect_status(&self, account: &AccountName) -> Option<DetectStatus> {
        let watched = self.inner.detection.accounts.lock().get(account).cloned()?;
        let status = watched.shown.lock().clone();
        Some(status)
    }

    /// How detection of all accounts stands together. What waits is counted now: a step that hangs must not hide it.
    pub fn detect_totals(&self) -> DetectStatus {
        let accounts: Vec<(AccountName, Arc<Watched>)> = {
            let accounts = self.inner.detection.accounts.lock();
            accounts.iter().map(|(name, watched)| (name.clone(), Arc::clone(watched))).collect()
        };
        let mut totals = DetectStatus::default();
        for (account, watched) in accounts {
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
        let watched: Vec<(AccountName, Arc<Watched>)> = self
            .inner
            .detection
            .accounts
            .lock()
            .iter()
            .map(|(name, watched)| (name.clone(), Arc::clone(watched)))
            .collect();
        for (account, watched) in watched {
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
            cursors,
            repeats,
            ahead: HashMap::new(),
            is_dirty: true,
            in_doubt: false,
            saved: Instant::now(),
            save_after: SAVE_INTERVAL,
        };
        // From the first record on: a crash before the first save would else leave out what came between.
        self.save(account, &mut work).await;
        Ok(work)
    }

    /// Looks at some of the records that wait. Whether there may be more.
    async fn step(&self, account: &AccountName, watched: &Watched, work: &mut Work) -> bool {
        let wanted = Arc::clone(&watched.wanted.lock());
        if work.in_doubt {
            match self.begin(account, Arc::clone(&wanted)).await {
                Ok(begun) => *work = begun,
                Err(error) => {
                    tracing::error!(account = %account, error = %chain(&error), "detection broke off and cannot go on from what it stored");
                    self.keep_nothing(account);
                    return false;
                }
            }
        }
        if !Arc::ptr_eq(&wanted, &work.rules) {
            work.state = work.rules.carry(&work.state, &wanted);
            work.rules = wanted;
            work.is_dirty = true;
        }
        // Before it is known that nothing waits: what comes after this moment is not older.
        let now = (self.inner.options.clock)();
        let mut can_read = true;
        let has_more = match self.next(account, work).await {
            Ok(Some((stream, batches))) => self.look(account, &stream, work, batches).await,
            Ok(None) => self.let_time_pass(account, work, now).await,
            Err(error) => {
                tracing::error!(account = %account, error = %chain(&error), "detection cannot read records back, and tries again");
                can_read = false;
                false
            }
        };
        *watched.shown.lock() = DetectStatus {
            rules: work.rules.rules().len(),
            behind: self.behind(account, &work.cursors),
            drops: work.state.drops(),
            state_bytes: work.state.bytes(),
        };
        for (stream, table) in self.detect_tables(account) {
            table.keep_from(work.cursors.get(&stream).copied().unwrap_or(Offset(0)), KEPT_BYTES);
        }
        // Looked at only now: whoever ended detection meanwhile let go of what was kept before this kept some.
        let known = self.inner.detection.accounts.lock().get(account).cloned();
        let is_ended = known.is_none_or(|known| !std::ptr::eq(Arc::as_ptr(&known), watched));
        if is_ended || !can_read {
            self.keep_nothing(account);
        }
        if is_ended {
            return false;
        }
        watched.looked.send_if_modified(|cursors| {
            let is_other = *cursors != work.cursors;
            if is_other {
                cursors.clone_from(&work.cursors);
            }
            is_other
        });
        // What was found and not recorded must not be stored as told.
        if work.is_dirty && !work.in_doubt && work.saved.elapsed() >= work.save_after {
            self.save(account, work).await;
        }
        has_more
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

    /// The records that come next, at most [`STEP_ROWS`] of one stream: those that were taken in before what waits in
    /// the others. `None`: no stream has any.
    async fn next(
        &self,
        account: &AccountName,
        work: &mut Work,
    ) -> Result<Option<(StreamName, Vec<RecordBatch>)>, Error> {
        let mut heads: Vec<(Timestamp, StreamName)> = Vec::with_capacity(DETECT_STREAMS.len());
        for stream in detect_streams() {
            self.take_ahead(account, &stream, work).await?;
            let head = work.ahead.get(&stream).and_then(VecDeque::front);
            heads.extend(head.map(|batch| (subject::recorded_at(batch, 0), stream)));
        }
        // Of two of one moment the stream that is named first.
        heads.sort_by_key(|(at, _)| *at);
        let mut heads = heads.into_iter();
        let Some((_, stream)) = heads.next() else { return Ok(None) };
        let other = heads.next().map(|(at, _)| at);
        let ahead = work.ahead.entry(stream.clone()).or_default();
        let (mut taken, mut rows) = (Vec::new(), 0);
        while rows < STEP_ROWS
            && let Some(batch) = ahead.front_mut()
        {
            let mut count = batch.num_rows().min(STEP_ROWS - rows);
            if let Some(other) = other {
                count = subject::rows_until(&batch.slice(0, count), other).max(usize::from(rows == 0));
            }
            if count == 0 {
                break;
            }
            rows += count;
            taken.push(batch.slice(0, count));
            if count < batch.num_rows() {
                *batch = batch.slice(count, batch.num_rows() - count);
            } else {
                ahead.pop_front();
            }
        }
        Ok(Some((stream, taken)))
    }

    /// Has some records of a stream ready, if any wait.
    async fn take_ahead(&self, account: &AccountName, stream: &StreamName, work: &mut Work) -> Result<(), Error> {
        while work.ahead.get(stream).is_none_or(VecDeque::is_empty) {
            let next = work.cursors.get(stream).copied().unwrap_or(Offset(0));
            match self.records_from(account, stream, next).await? {
                Read::Nothing => return Ok(()),
                Read::Rows(batches) => {
                    work.ahead.insert(stream.clone(), batches.into());
                }
                Read::Gap(until) => {
                    // Erased, or given up with a damaged file: there is nothing to look at.
                    tracing::info!(account = %account, stream = %stream, from = %next, until = %until, "detection passes over records that are gone");
                    work.cursors.insert(stream.clone(), until);
                    work.is_dirty = true;
                }
            }
        }
        Ok(())
    }

    /// Records of a stream from an offset on: some of the tail, or some of what was flushed.
    pub(crate) async fn records_from(
        &self,
        account: &AccountName,
        stream: &StreamName,
        next: Offset,
    ) -> Result<Read, Error> {
        let Some(table) = self.inner.known_table(account, stream) else { return Ok(Read::Nothing) };
        let end = table.next_offset();
        if end <= next {
            return Ok(Read::Nothing);
        }
        let mut batches = table.first_in_memory(next, TAKEN_ROWS);
        let first = batches.first().and_then(offsets_of).map(|(first, _)| first);
        if first == Some(next) {
            // No further than where records are missing: those are asked for next.
            let mut expected = next;
            let follows = |batch: &&RecordBatch| {
                let Some((first, last)) = offsets_of(batch) else { return false };
                let follows = first == expected;
                expected = last.next();
                follows
            };
            batches.truncate(batches.iter().take_while(follows).count());
            return Ok(Read::Rows(batches));
        }
        // Flushed before whoever asks came to it.
        let before = first.unwrap_or(end);
        let mut from = next;
        while from < before {
            let until = Offset(from.0.saturating_add(READ_BACK_ROWS)).min(before);
            if let Some(batch) = self.flushed(&table, stream, from, until).await? {
                metrics::counter!("whodid_detect_read_back_total").increment(batch.num_rows() as u64);
                return Ok(Read::Rows(vec![batch]));
            }
            from = until;
        }
        Ok(Read::Gap(before))
    }

    /// The records that are there from an offset to before another.
    async fn flushed(
        &self,
        table: &whodid_lake::Table,
        stream: &StreamName,
        next: Offset,
        until: Offset,
    ) -> Result<Option<RecordBatch>, Error> {
        let from = i64::try_from(next.0).unwrap_or(i64::MAX);
        let newer = Test::Compare(vec![(Comparison::GreaterOrEqual, Operand::Int(from))]);
        let query = Query { expr: Expr::term(Target::Record(RecordField::Offset), newer) };
        let mut filter = Filter::of(query, Visible::all(stream.clone()));
        filter.before_offset = Some(until);
        let snapshot = table.snapshot();
        let export = self.inner.searcher.export(&snapshot, &filter, Order::OldestFirst, None);
        let mut batches = export.map_err(crate::read::search_error)?;
        let mut rows = Vec::new();
        while let Some(batch) = batches.next().await {
            rows.push(batch.map_err(crate::read::search_error)?);
        }
        let Some(first) = rows.first() else { return Ok(None) };
        let merged = arrow::compute::concat_batches(&first.schema(), &rows)
            .map_err(|error| Error::internal("reading records back", error))?;
        subject::in_offset_order(&merged).map(Some)
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
        let Ok(turn) = self.inner.detection.turns.acquire().await else { return false };
        let (mut state, mut repeats) = (std::mem::take(&mut work.state), std::mem::take(&mut work.repeats));
        let looked = tokio::task::spawn_blocking(move || {
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
        drop(turn);
        match looked {
            Ok((state, repeats, events)) => {
                (work.state, work.repeats) = (state, repeats);
                if !self.record_findings(account, events).await {
                    return false;
                }
            }
            Err(error) => {
                // The records are passed over: looking at them again would end the same way, and silence all rules.
                tracing::error!(account = %account, stream = %stream, until = %next, %error, "detection broke off, and these records were looked at by none: please report it");
                work.state = work.rules.new_state();
            }
        }
        work.cursors.insert(stream.clone(), next);
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

    /// Records findings, however long it takes: until then the cursor stays. `false` when the engine ends before.
    async fn record_findings(&self, account: &AccountName, events: Vec<String>) -> bool {
        let mut rest = events.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |event: &&String| {
                bytes += event.len();
                bytes <= FINDINGS_BYTES
            };
            let count = rest.iter().take(FINDINGS_TOGETHER).take_while(fits).count().max(1);
            let (together, later) = rest.split_at(count);
            if !self.record_some(account, together).await {
                return false;
            }
            rest = later;
        }
        true
    }

    async fn record_some(&self, account: &AccountName, events: &[String]) -> bool {
        while let Err(error) = self.record(account, &StreamName::findings(), events.to_vec()).await {
            if self.inner.shutdown.is_cancelled() {
                return false;
            }
            if error.kind == ErrorKind::Internal {
                // Trying again would end the same way. One of them must not take the others with it.
                if let [event] = events {
                    metrics::counter!("whodid_findings_lost_total").increment(1);
                    tracing::error!(account = %account, bytes = event.len(), error = %chain(&error), "a finding cannot be recorded and is lost: please report it");
                    return true;
                }
                for event in events {
                    if !Box::pin(self.record_some(account, std::slice::from_ref(event))).await {
                        return false;
                    }
                }
                return true;
            }
            tracing::error!(account = %account, error = %chain(&error), "findings cannot be recorded yet, and detection of this account waits");
            tokio::select! {
                () = tokio::time::sleep(RETRY_PAUSE) => {}
                () = self.inner.shutdown.cancelled() => return false,
            }
        }
        metrics::counter!("whodid_findings_total").increment(events.len() as u64);
        true
    }

    async fn save(&self, account: &AccountName, work: &mut Work) {
        let (rules, data, name) = (Arc::clone(&work.rules), self.inner.options.data.clone(), account.clone());
        let was_in_doubt = std::mem::replace(&mut work.in_doubt, true);
        let (state, repeats) = (std::mem::take(&mut work.state), std::mem::take(&mut work.repeats));
        let cursors = work.cursors.clone();
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

/// What [`Engine::records_from`] finds.
pub(crate) enum Read {
    /// Records, in the order they were taken in, the first of those asked for first; no batch is empty.
    Rows(Vec<RecordBatch>),
    /// None are there before this offset, and none will come.
    Gap(Offset),
    /// Nothing came yet.
    Nothing,
}

/// The job: a task for each account, which looks at what comes and lets time pass.
pub(crate) async fn detect_loop(inner: Arc<Inner>) {
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut running: HashMap<tokio::task::Id, Arc<Watched>> = HashMap::new();
    loop {
        let accounts: Vec<(AccountName, Arc<Watched>)> =
            inner.detection.accounts.lock().iter().map(|(name, watched)| (name.clone(), Arc::clone(watched))).collect();
        for (name, watched) in accounts {
            if !running.values().any(|other| Arc::ptr_eq(other, &watched)) {
                let task = tasks.spawn(detect_account(Arc::clone(&inner), name, Arc::clone(&watched)));
                running.insert(task.id(), watched);
            }
        }
        tokio::select! {
            () = inner.detection.changed.notified() => {}
            () = inner.shutdown.cancelled() => {
                while tasks.join_next().await.is_some() {}
                return;
            }
            Some(ended) = tasks.join_next_with_id() => {
                let task = match ended {
                    Ok((task, ())) => task,
                    Err(panic) => {
                        metrics::counter!("whodid_job_panics_total", "job" => "detect").increment(1);
                        tracing::error!(error = %panic, "detection of an account broke off and is started again: {panic}");
                        tokio::time::sleep(TICK).await;
                        panic.id()
                    }
                };
                running.remove(&task);
            }
        }
    }
}

async fn detect_account(inner: Arc<Inner>, account: AccountName, watched: Arc<Watched>) {
    let engine = Engine { inner: Arc::clone(&inner) };
    let mut news = inner.published.clone();
    let is_wanted = || inner.detection.accounts.lock().get(&account).is_some_and(|known| Arc::ptr_eq(known, &watched));
    while is_wanted() && !inner.shutdown.is_cancelled() {
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
    let accounts: Vec<(AccountName, Arc<Watched>)> =
        inner.detection.accounts.lock().iter().map(|(name, watched)| (name.clone(), Arc::clone(watched))).collect();
    for (account, watched) in accounts {
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
