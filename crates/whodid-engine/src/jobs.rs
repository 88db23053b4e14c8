//! The jobs of an engine: flush what waits in memory, release the journal, merge small segments.
//!
//! Flushing and merging are tasks of their own, so that a long merge never holds up a flush, and a table
//! that fails holds up no other. A job that panics is told and started again.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::sync::oneshot;
use whodid_lake::{FlushError, OwnerError, Table};
use whodid_model::{Offset, chain};

use crate::detect::detect_loop;
use crate::engine::Inner;
use crate::error::{Error, ErrorKind};
use crate::insights::insight_loop;
use crate::places::Troubles;
use crate::unreadable;
use crate::writer::{Command, RELEASE_WAIT, StreamKey};

/// How often the tails are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How often small segments are looked for.
const MERGE_INTERVAL: Duration = Duration::from_secs(20);
/// How often a table's folder is listed for leftovers, when something was flushed meanwhile.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3600);
/// Most tables listed in one round of merging: a listing costs a request for every thousand files.
const SWEEPS_A_ROUND: usize = 8;
/// A tail of fewer rows may wait this many flush intervals, so that a trickle does not
/// make a file a minute; the journal holds it durably meanwhile.
const TRICKLE_ROWS: usize = 1000;
const TRICKLE_INTERVALS: u32 = 10;
/// When the journal is used by more than this share of its bound, what holds its oldest frames is flushed.
pub(crate) const JOURNAL_PRESSURE: u64 = 4;
/// When tails take more than this share of their bound, the largest are flushed.
const TAIL_PRESSURE: usize = 2;
/// Most tables flushed in one round only because of such pressure.
const PRESSED_A_ROUND: usize = 8;
/// Flushes at once; each holds the encoded files of one day at a time.
const FLUSHES_AT_ONCE: usize = 2;
/// First and longest pause of a table whose flush failed, so that a dead store is not hammered.
pub(crate) const RETRY_PAUSE: Duration = Duration::from_secs(2);
pub(crate) const RETRY_PAUSE_MAX: Duration = Duration::from_secs(60);
/// The job that looks at records, and how long it may take to end.
const DETECT: &str = "detect";
const INSIGHTS: &str = "insights";
const DETECT_GRACE: Duration = Duration::from_secs(15);
/// Pause after a job that panicked.
const RESTART_PAUSE: Duration = Duration::from_secs(5);
/// How often a journal that refuses is asked whether it has room again.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// Starts the jobs; they end with the engine's shutdown.
pub(crate) fn start(inner: &Arc<Inner>) {
    inner.jobs.spawn(supervise(Arc::clone(inner), "flush", flush_loop));
    inner.jobs.spawn(supervise(Arc::clone(inner), "merge", merge_loop));
    inner.jobs.spawn(supervise(Arc::clone(inner), "take up", take_up_loop));
    inner.jobs.spawn(supervise(Arc::clone(inner), DETECT, detect_loop));
    inner.jobs.spawn(supervise(Arc::clone(inner), INSIGHTS, insight_loop));
}

async fn supervise<F>(inner: Arc<Inner>, name: &'static str, work: fn(Arc<Inner>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let mut task = tokio::spawn(work(Arc::clone(&inner)));
        tokio::select! {
            () = inner.shutdown.cancelled() => {
                // Detection ends by itself, between two batches. Stopping a flush or a merge anywhere is as safe as a
                // crash there.
                if [DETECT, INSIGHTS].contains(&name) && tokio::time::timeout(DETECT_GRACE, &mut task).await.is_ok() {
                    return;
                }
                task.abort();
                let _ = task.await;
                return;
            }
            ended = &mut task => if let Err(panic) = ended {
                metrics::counter!("whodid_job_panics_total", "job" => name).increment(1);
                tracing::error!(job = name, error = %panic, "a background job broke off and is started again: {panic}");
            },
        }
        tokio::select! {
            () = inner.shutdown.cancelled() => return,
            () = tokio::time::sleep(RESTART_PAUSE) => {}
        }
    }
}

/// Tries the tables that are set aside again.
async fn take_up_loop(inner: Arc<Inner>) {
    loop {
        tokio::time::sleep(TICK).await;
        unreadable::take_up(&inner, false).await;
    }
}

/// What is known of a tail that waits.
struct Waiting {
    since: Instant,
    /// The pause after the last failure, and its end.
    failed: Option<(Duration, Instant)>,
}

async fn flush_loop(inner: Arc<Inner>) {
    let mut waiting: HashMap<StreamKey, Waiting> = HashMap::new();
    let mut probed_at = Instant::now();
    loop {
        tokio::time::sleep(TICK).await;
        let is_refusing = inner.gauges.is_refusing.load(Relaxed) || inner.gauges.is_refusing_own.load(Relaxed);
        if is_refusing && probed_at.elapsed() >= PROBE_INTERVAL {
            probed_at = Instant::now();
            // Without it, nobody sends to a server that is not ready, and it would never become so.
            let _ = inner.commands.send(Command::Probe).await;
        }
        let due = due(&inner, &mut waiting);
        if due.is_empty() {
            continue;
        }
        let flushes = due.into_iter().map(|(key, table)| async move { (flush_one(&table).await, key) });
        let ended: Vec<_> = futures::stream::iter(flushes).buffer_unordered(FLUSHES_AT_ONCE).collect().await;
        for (result, key) in ended {
            match result {
                Ok(()) => {
                    waiting.remove(&key);
                }
                Err(error) => {
                    inner.note_trouble(&key.0, LakeTrouble::of(&error));
                    tracing::error!(
                        account = %key.0, stream = %key.1, cause = %cause_of(&error),
                        "flushing failed, the records stay in journal and memory"
                    );
                    metrics::counter!("whodid_flush_failures_total").increment(1);
                    if let Some(waiting) = waiting.get_mut(&key) {
                        let pause = waiting.failed.map_or(RETRY_PAUSE, |(pause, _)| (pause * 2).min(RETRY_PAUSE_MAX));
                        waiting.failed = Some((pause, Instant::now() + pause));
                    }
                }
            }
        }
        let failing = |key: &StreamKey| waiting.get(key).is_some_and(|waiting| waiting.failed.is_some());
        let failing: Vec<&StreamKey> = waiting.keys().filter(|key| failing(key)).collect();
        inner.forget_troubles(&failing);
        release(&inner).await;
    }
}

/// What keeps records from going into the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LakeTrouble {
    /// Flushes fail. Records wait in journal and memory.
    Failing,
    /// Another server writes to the lake.
    Taken,
}

impl LakeTrouble {
    fn of(error: &Error) -> Self {
        let cause = error.source.as_ref().and_then(|source| source.downcast_ref::<FlushError>());
        match cause {
            Some(FlushError::Owner(OwnerError::Other { .. }) | FlushError::Foreign { .. }) => Self::Taken,
            _ => Self::Failing,
        }
    }
}

impl std::fmt::Display for LakeTrouble {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Failing => {
                "records do not go into the lake and wait in journal and memory; the log names the tables and the cause"
            }
            Self::Taken => "another server writes to this server's lake; one of the two must be ended",
        })
    }
}

/// The causes of an error in words; the error itself where it has none.
fn cause_of(error: &Error) -> String {
    error.source.as_deref().map_or_else(|| error.to_string(), |source| chain(source))
}

/// The tables to flush now.
fn due(inner: &Inner, waiting: &mut HashMap<StreamKey, Waiting>) -> Vec<(StreamKey, Arc<Table>)> {
    let now = Instant::now();
    let mut tables = open_tables(inner);
    tables.retain(|(_, table)| table.tail_rows() > 0);
    waiting.retain(|key, _| tables.iter().any(|(table_key, _)| table_key == key));
    for (key, _) in &tables {
        waiting.entry(key.clone()).or_insert(Waiting { since: now, failed: None });
    }
    tables.retain(|(key, _)| waiting[key].failed.is_none_or(|(_, until)| until <= now));
    let interval = inner.options.flush_interval;
    let is_due = |(key, table): &(StreamKey, Arc<Table>)| {
        let patience = if table.tail_rows() < TRICKLE_ROWS { interval * TRICKLE_INTERVALS } else { interval };
        table.tail_bytes() >= inner.options.flush_bytes || now.duration_since(waiting[key].since) >= patience
    };
    let (mut due, mut others): (Vec<_>, Vec<_>) = tables.into_iter().partition(is_due);
    let used = inner.gauges.used_bytes.load(Relaxed);
    if used.saturating_mul(JOURNAL_PRESSURE) > inner.gauges.bound_bytes.load(Relaxed) {
        // The journal lets go in order: one quiet stream would hold everything that came after it.
        others.sort_by_key(|(key, _)| waiting[key].since);
        due.extend(others.drain(..others.len().min(PRESSED_A_ROUND)));
    }
    if inner.lake.tail_bytes().saturating_mul(TAIL_PRESSURE) > inner.options.tail_bytes_max {
        others.sort_by_key(|(_, table)| std::cmp::Reverse(table.tail_bytes()));
        due.extend(others.drain(..others.len().min(PRESSED_A_ROUND)));
    }
    due
}

/// Flushes every table, then lets the journal forget what is now durable elsewhere. A table that fails
/// holds up no other; the first failure is told.
pub(crate) async fn flush_all(inner: &Inner) -> Result<(), Error> {
    let mut result = Ok(());
    for (key, table) in open_tables(inner) {
        if table.tail_rows() > 0 {
            let flushed = flush_one(&table).await;
            if let Err(error) = &flushed {
                inner.note_trouble(&key.0, LakeTrouble::of(error));
            }
            result = result.and(flushed);
        }
    }
    if result.is_ok() {
        *inner.trouble.lock() = Troubles::default();
    }
    release(inner).await;
    result
}

async fn merge_loop(inner: Arc<Inner>) {
    let mut swept: HashMap<StreamKey, (Instant, Option<Offset>)> = HashMap::new();
    loop {
        tokio::time::sleep(MERGE_INTERVAL).await;
        let mut sweeps = SWEEPS_A_ROUND;
        for (key, table) in open_tables(&inner) {
            let flushed_to = table.flushed_to();
            let is_due = swept.get(&key).is_none_or(|(at, seen)| at.elapsed() >= SWEEP_INTERVAL && *seen != flushed_to);
            let sweep = is_due && flushed_to.is_some() && sweeps > 0;
            if let Err(error) = tidy(&inner, &table, sweep).await {
                tracing::error!(
                    account = %key.0, stream = %key.1, cause = %cause_of(&error),
                    "merging segments failed, the old ones stay"
                );
            }
            if sweep {
                sweeps -= 1;
                swept.insert(key, (Instant::now(), flushed_to));
            }
        }
    }
}

/// Merges small segments of every table and removes files that nobody needs any more.
pub(crate) async fn merge_all(inner: &Inner) -> Result<(), Error> {
    let mut result = Ok(());
    for (_, table) in open_tables(inner) {
        result = result.and(tidy(inner, &table, true).await);
    }
    result
}

async fn tidy(inner: &Inner, table: &Table, sweep: bool) -> Result<(), Error> {
    let now = || (inner.options.clock)();
    // A long erasure of one table must not keep the others from being merged.
    if table.is_rewriting() {
        return Ok(());
    }
    while table.compact(now()).await.map_err(|error| Error::internal("merging segments", error))?.is_some() {}
    let removing = |error| Error::internal("removing replaced files", error);
    table.delete_replaced(now()).await.map_err(removing)?;
    if sweep {
        table.vacuum(now()).await.map_err(removing)?;
    }
    Ok(())
}

pub(crate) async fn flush_one(table: &Arc<Table>) -> Result<(), Error> {
    let started = Instant::now();
    table.flush().await.map_err(|error| {
        Error::new(
            ErrorKind::Unavailable,
            "lake_unavailable",
            "writing to the lake failed; the records are safe in the journal",
        )
        .caused_by(error)
    })?;
    metrics::histogram!("whodid_flush_seconds").record(started.elapsed().as_secs_f64());
    Ok(())
}

pub(crate) async fn release(inner: &Inner) {
    let (done, released) = oneshot::channel();
    if inner.commands.send(Command::Release(done)).await.is_ok() {
        // The journal keeps a little more for a little longer when this does not come back in time.
        let _ = tokio::time::timeout(RELEASE_WAIT, released).await;
    }
}

fn open_tables(inner: &Inner) -> Vec<(StreamKey, Arc<Table>)> {
    inner.tables.lock().iter().map(|(key, table)| (key.clone(), Arc::clone(table))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use bytes::Bytes;
    use whodid_decode::Format;
    use whodid_model::access::{Act, BuiltInRole, Grant, Who, decide};
    use whodid_model::{AccountName, Principal, StreamName, Timestamp};

    use super::*;
    use crate::{Engine, IngestRequest, Options, ReadRequest};

    /// An engine whose jobs do not run, on a journal of a few frames.
    async fn engine(folder: &tempfile::TempDir) -> Engine {
        let clock = Arc::new(|| Timestamp::from_millis(1_767_571_200_000));
        let mut options = Options::for_folder(folder.path(), clock);
        options.journal_segment_bytes = 64 << 10;
        options.journal_bound_bytes = 1 << 20;
        let engine = Engine::open(options).await.unwrap();
        engine.inner.shutdown.cancel();
        engine
    }

    fn scope(act: Act<'_>) -> whodid_model::AccessScope {
        let account = AccountName::default_account();
        let who = Who::User { id: "u1".into(), name: "root".into(), is_name_given: true, also_known_as: Vec::new() };
        let grant = Grant::whole(BuiltInRole::Administrator.permissions());
        decide(&Principal::with_grant(who, account.clone(), grant), act, &account).unwrap()
    }

    async fn send(engine: &Engine, body: String) {
        let body = Bytes::from(body);
        let request = IngestRequest { format: Format::Json, body, idempotency_key: None, sender: String::new() };
        engine.ingest(&scope(Act::Write), request).await.unwrap();
    }

    fn due_streams(engine: &Engine) -> Vec<StreamName> {
        due(&engine.inner, &mut HashMap::new()).into_iter().map(|((_, stream), _)| stream).collect()
    }

    #[tokio::test]
    async fn a_quiet_stream_is_flushed_before_it_fills_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(&folder).await;
        send(&engine, "not json".into()).await;
        assert_eq!(due_streams(&engine), [], "one reject waits for more");
        let mut state = 7_u32;
        while engine.inner.gauges.used_bytes.load(Relaxed) <= (1 << 20) / JOURNAL_PRESSURE {
            let noise: String = (0..40_000)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    char::from(b'a' + (state >> 24) as u8 % 26)
                })
                .collect();
            send(&engine, format!("{{\"action\":\"a.b.read\",\"pad\":\"{noise}\"}}")).await;
        }
        let due = due_streams(&engine);
        assert!(due.contains(&StreamName::rejects()) && due.contains(&StreamName::activity()), "{due:?}");
    }

    #[tokio::test]
    async fn reading_makes_no_table() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(&folder).await;
        for number in 0..3 {
            let stream = StreamName::parse(&format!("invented{number}")).unwrap();
            let request = ReadRequest { stream: Some(stream.clone()), ..ReadRequest::default() };
            let count = engine.count(&scope(Act::Read(&stream)), &request).await.unwrap();
            assert_eq!(count.count, 0);
        }
        assert!(open_tables(&engine.inner).is_empty());
        assert!(engine.inner.lake.tables().await.unwrap().is_empty());
    }
}
