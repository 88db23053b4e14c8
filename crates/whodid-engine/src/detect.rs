//! Live detection: every record of an account's streams through its rules, in order, once.
//!
//! A cursor for each stream tells how far an account has been looked at. Records are read from the tail as they are
//! published, and from the lake when they were flushed before detection came to them, so a slow rule delays findings
//! and never ingest. What is found is recorded in the stream `findings` before the cursor moves on; the cursor and what
//! correlations remember are stored together every few seconds. After a crash the records since then are looked at
//! again, come to the same findings, and those are known by their ids.

mod finding;
mod snapshot;
pub(crate) mod subject;

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use futures::StreamExt;
use tokio::sync::{Mutex, Notify};
use whodid_lake::offsets_of;
use whodid_model::{AccountName, Offset, StreamName, chain};
use whodid_query::{Comparison, Expr, Operand, Query, RecordField, Target, Test};
use whodid_rules::{Drops, Hit, RuleSet, State, Verdict};
use whodid_search::{Filter, Order, Visible};

use crate::engine::{Engine, Inner};
use crate::error::Error;

pub use finding::FINDING_ACTION;
use finding::Repeats;
pub(crate) use finding::sentence;

/// The streams whose records are looked at.
pub const DETECT_STREAMS: [&str; 2] = ["activity", "audit"];
/// Records that are looked at in one step, before others get their turn.
const STEP_ROWS: usize = 4096;
/// How often time is let pass for what waits for it.
const TICK: Duration = Duration::from_secs(1);
/// How often what is remembered is stored, while there is something new.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);
/// Pause after findings could not be recorded.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Findings recorded together.
const FINDINGS_TOGETHER: usize = 500;

/// Detection of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Detection {
    accounts: parking_lot::Mutex<BTreeMap<AccountName, Arc<Watched>>>,
    changed: Notify,
}

/// Detection of one account.
#[derive(Debug)]
struct Watched {
    /// The rules to go on with; taken up at the next step.
    wanted: parking_lot::Mutex<Arc<RuleSet>>,
    /// What people may ask for while a step runs.
    shown: parking_lot::Mutex<DetectStatus>,
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
    /// What differs from what is stored.
    is_dirty: bool,
    saved: Instant,
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
                snapshot::remove(&self.inner.options.data, account);
            }
            return Ok(());
        }
        let known = detection.accounts.lock().get(account).cloned();
        match known {
            Some(watched) => *watched.wanted.lock() = rules,
            None => {
                let work = self.begin(account, Arc::clone(&rules)).await?;
                let watched = Arc::new(Watched {
                    wanted: parking_lot::Mutex::new(rules),
                    shown: parking_lot::Mutex::default(),
                    work: Mutex::new(work),
                });
                detection.accounts.lock().entry(account.clone()).or_insert(watched);
            }
        }
        detection.changed.notify_one();
        Ok(())
    }

    /// How detection of an account stands; `None` when it has no rules.
    pub fn detect_status(&self, account: &AccountName) -> Option<DetectStatus> {
        let watched = self.inner.detection.accounts.lock().get(account).cloned()?;
        let status = watched.shown.lock().clone();
        Some(status)
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
        let Some(batch) = self.records_from(account, &stream, from).await? else { return Ok(Vec::new()) };
        let raws = whodid_lake::RawReader::new(&batch);
        let rows = crate::row::Row::all_with(&batch, &raws).take(max);
        Ok(rows
            .map(|row| {
                let mut json = String::with_capacity(2048);
                crate::render::event_json(row, account, &stream, &mut json);
                (row.offset(), json)
            })
            .collect())
    }

    /// The offset that the next finding of an account will have.
    pub fn next_finding(&self, account: &AccountName) -> Offset {
        self.inner.known_table(account, &StreamName::findings()).map_or(Offset(0), |table| table.next_offset())
    }

    /// Told whenever something was recorded; closed when the engine ends.
    pub fn news(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.published.clone()
    }

    async fn begin(&self, account: &AccountName, rules: Arc<RuleSet>) -> Result<Work, Error> {
        let stored = snapshot::read(&self.inner.options.data, account)
            .map_err(|error| Error::internal("reading what detection remembers", error))?;
        let mut cursors = HashMap::new();
        for name in DETECT_STREAMS {
            let stream = StreamName::parse(name).map_err(|error| Error::internal("naming a stream", error))?;
            let end = self.inner.known_table(account, &stream).map_or(Offset(0), |table| table.next_offset());
            cursors.insert(stream, end);
        }
        let (state, repeats) = match stored {
            None => (rules.new_state(), Repeats::default()),
            Some(stored) => {
                cursors.extend(stored.cursors);
                (rules.restore(stored.state), stored.repeats)
            }
        };
        let mut work = Work { rules, state, cursors, repeats, is_dirty: true, saved: Instant::now() };
        // From the first record on: a crash before the first save would else leave out what came between.
        self.save(account, &mut work);
        Ok(work)
    }

    /// Looks at some of the records that wait. Whether there may be more.
    async fn step(&self, account: &AccountName, watched: &Watched, work: &mut Work) -> bool {
        let wanted = Arc::clone(&watched.wanted.lock());
        if !Arc::ptr_eq(&wanted, &work.rules) {
            work.state = work.rules.carry(&work.state, &wanted);
            work.rules = wanted;
            work.is_dirty = true;
        }
        let mut has_more = false;
        for name in DETECT_STREAMS {
            let Ok(stream) = StreamName::parse(name) else { continue };
            let Some(batch) = self.next_batch(account, &stream, work).await else { continue };
            has_more |= self.look(account, &stream, work, batch).await;
        }
        has_more |= self.let_time_pass(account, work).await;
        *watched.shown.lock() = DetectStatus {
            rules: work.rules.rules().len(),
            behind: self.behind(account, work),
            drops: work.state.drops(),
            state_bytes: work.state.bytes(),
        };
        if work.is_dirty && work.saved.elapsed() >= SAVE_INTERVAL {
            self.save(account, work);
        }
        has_more
    }

    fn behind(&self, account: &AccountName, work: &Work) -> u64 {
        let of = |(stream, next): (&StreamName, &Offset)| {
            let end = self.inner.known_table(account, stream).map_or(*next, |table| table.next_offset());
            end.0.saturating_sub(next.0)
        };
        work.cursors.iter().map(of).sum()
    }

    /// The records that come next in a stream, at most [`STEP_ROWS`].
    async fn next_batch(&self, account: &AccountName, stream: &StreamName, work: &Work) -> Option<RecordBatch> {
        let next = work.cursors.get(stream).copied().unwrap_or(Offset(0));
        match self.records_from(account, stream, next).await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::error!(account = %account, stream = %stream, error = %chain(&error), "detection cannot read records back, and tries again");
                None
            }
        }
    }

    /// Records of a stream from an offset on, at most [`STEP_ROWS`].
    async fn records_from(
        &self,
        account: &AccountName,
        stream: &StreamName,
        next: Offset,
    ) -> Result<Option<RecordBatch>, Error> {
        let Some(table) = self.inner.known_table(account, stream) else { return Ok(None) };
        if table.next_offset() <= next {
            return Ok(None);
        }
        let rows = table.tail_after(next.0.checked_sub(1).map(Offset));
        let first = rows.first().and_then(offsets_of).map(|(first, _)| first);
        if first == Some(next) {
            return Ok(rows.first().map(|batch| batch.slice(0, batch.num_rows().min(STEP_ROWS))));
        }
        // Flushed before whoever asks came to it.
        self.flushed(&table, stream, next, first).await
    }

    async fn flushed(
        &self,
        table: &whodid_lake::Table,
        stream: &StreamName,
        next: Offset,
        before: Option<Offset>,
    ) -> Result<Option<RecordBatch>, Error> {
        let from = i64::try_from(next.0).unwrap_or(i64::MAX);
        let newer = Test::Compare(vec![(Comparison::GreaterOrEqual, Operand::Int(from))]);
        let query = Query { expr: Expr::term(Target::Record(RecordField::Offset), newer) };
        let until = Offset(next.0.saturating_add(STEP_ROWS as u64));
        let mut filter = Filter::of(query, Visible::all(stream.clone()));
        filter.before_offset = Some(before.map_or(until, |before| before.min(until)));
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

    /// Looks at a batch and records what is found; the cursor moves on only then. Whether it did.
    async fn look(&self, account: &AccountName, stream: &StreamName, work: &mut Work, batch: RecordBatch) -> bool {
        let next = offsets_of(&batch).map_or(Offset(0), |(_, last)| last.next());
        let (rules, mut state, stream_of) = (Arc::clone(&work.rules), std::mem::take(&mut work.state), stream.clone());
        let account_of = account.clone();
        let mut repeats = std::mem::take(&mut work.repeats);
        let looked = tokio::task::spawn_blocking(move || {
            let mut events = Vec::new();
            let mut hits: Vec<Hit> = Vec::new();
            subject::each(&batch, &stream_of, &mut |row, subject| {
                let stepped = catch_unwind(AssertUnwindSafe(|| rules.step(&mut state, subject, &mut hits)));
                if stepped.is_err() {
                    // A defect of ours; the next record must not suffer for it.
                    metrics::counter!("whodid_detect_panics_total").increment(1);
                    tracing::error!(account = %account_of, stream = %stream_of, offset = %row.offset(), "a rule broke off at this record: please report it");
                }
                for hit in hits.drain(..) {
                    events.extend(finding::of(&account_of, &rules, &hit, Some((row, &stream_of)), &mut repeats));
                }
            });
            (state, repeats, events)
        })
        .await;
        match looked {
            Ok((state, repeats, events)) => {
                self.record_findings(account, events).await;
                (work.state, work.repeats, work.is_dirty) = (state, repeats, true);
                work.cursors.insert(stream.clone(), next);
                true
            }
            Err(error) => {
                // The records are passed over: looking at them again would end the same way, and silence all rules.
                tracing::error!(account = %account, stream = %stream, until = %next, %error, "detection broke off, and these records were looked at by none: please report it");
                work.state = work.rules.new_state();
                work.cursors.insert(stream.clone(), next);
                true
            }
        }
    }

    /// What is due by the clock, and findings that happened again. Whether something was found.
    async fn let_time_pass(&self, account: &AccountName, work: &mut Work) -> bool {
        let now = (self.inner.options.clock)();
        let mut hits = Vec::new();
        work.rules.tick(&mut work.state, now, &mut hits);
        let mut events = Vec::new();
        for hit in hits {
            events.extend(finding::of(account, &work.rules, &hit, None, &mut work.repeats));
        }
        events.extend(work.repeats.due(account, now));
        let has_found = !events.is_empty();
        if has_found {
            self.record_findings(account, events).await;
            work.is_dirty = true;
        }
        has_found
    }

    /// Records findings, however long it takes: until then the cursor stays.
    async fn record_findings(&self, account: &AccountName, events: Vec<String>) {
        for together in events.chunks(FINDINGS_TOGETHER) {
            while let Err(error) = self.record(account, &StreamName::findings(), together.to_vec()).await {
                if self.inner.shutdown.is_cancelled() {
                    return;
                }
                tracing::error!(account = %account, error = %chain(&error), "findings cannot be recorded yet, and detection of this account waits");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            metrics::counter!("whodid_findings_total").increment(together.len() as u64);
        }
    }

    fn save(&self, account: &AccountName, work: &mut Work) {
        let stored = snapshot::Stored {
            version: snapshot::VERSION,
            cursors: work.cursors.clone(),
            state: work.rules.snapshot(&work.state),
            repeats: work.repeats.clone(),
        };
        match snapshot::write(&self.inner.options.data, account, &stored) {
            Ok(()) => (work.is_dirty, work.saved) = (false, Instant::now()),
            Err(error) => {
                tracing::error!(account = %account, error = %chain(&error), "what detection remembers cannot be stored; after a crash more records are looked at again");
                work.saved = Instant::now();
            }
        }
    }
}

/// The job: looks at what comes, account by account, and lets time pass.
pub(crate) async fn detect_loop(inner: Arc<Inner>) {
    let engine = Engine { inner: Arc::clone(&inner) };
    let mut news = inner.published.clone();
    loop {
        news.borrow_and_update();
        let accounts: Vec<(AccountName, Arc<Watched>)> =
            inner.detection.accounts.lock().iter().map(|(name, watched)| (name.clone(), Arc::clone(watched))).collect();
        let mut has_more = false;
        for (account, watched) in accounts {
            let mut work = watched.work.lock().await;
            has_more |= engine.step(&account, &watched, &mut work).await;
        }
        if has_more {
            continue;
        }
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            () = inner.detection.changed.notified() => {}
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
        if work.is_dirty {
            engine.save(&account, &mut work);
        }
    }
}

/// Whether a hit is to be recorded as a finding of its own.
pub(crate) fn is_finding(hit: &Hit) -> bool {
    matches!(hit.verdict, Verdict::Finding | Verdict::CapReached)
}
