//! The jobs of an engine: flush what waits in memory, release the journal, merge small segments.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use whodid_lake::Table;

use crate::engine::Inner;
use crate::error::{Error, ErrorKind};
use crate::writer::{Command, RELEASE_WAIT, StreamKey};

/// How often the tails are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How often small segments are looked for.
const COMPACT_INTERVAL: Duration = Duration::from_secs(20);
/// A tail of fewer rows may wait this many flush intervals, so that a trickle does not
/// make a file a minute; the journal holds it durably meanwhile.
const TRICKLE_ROWS: usize = 1000;
const TRICKLE_INTERVALS: u32 = 10;
/// Pause after a flush that failed, so that a dead store is not hammered.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Runs until shutdown.
pub(crate) async fn run(inner: Arc<Inner>, shutdown: CancellationToken) {
    let mut waiting_since: HashMap<StreamKey, Instant> = HashMap::new();
    let mut compacted_at = Instant::now();
    let mut pause_until = Instant::now();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
        if Instant::now() < pause_until {
            continue;
        }
        match flush_due(&inner, &mut waiting_since).await {
            Ok(()) => {}
            Err(error) => {
                tracing::error!(cause = ?error.source, "flushing failed, the records stay in journal and memory: {error}");
                metrics::counter!("whodid_flush_failures_total").increment(1);
                pause_until = Instant::now() + RETRY_PAUSE;
            }
        }
        if compacted_at.elapsed() >= COMPACT_INTERVAL {
            compacted_at = Instant::now();
            if let Err(error) = compact_all(&inner).await {
                tracing::error!(cause = ?error.source, "merging segments failed, the old ones stay: {error}");
            }
        }
    }
}

async fn flush_due(inner: &Inner, waiting_since: &mut HashMap<StreamKey, Instant>) -> Result<(), Error> {
    let mut flushed_any = false;
    for (key, table) in open_tables(inner) {
        if table.tail_rows() == 0 {
            waiting_since.remove(&key);
            continue;
        }
        let waited = waiting_since.entry(key.clone()).or_insert_with(Instant::now).elapsed();
        let interval = inner.options.flush_interval;
        let patience = if table.tail_rows() < TRICKLE_ROWS { interval * TRICKLE_INTERVALS } else { interval };
        if table.tail_bytes() >= inner.options.flush_bytes || waited >= patience {
            flush_one(&table).await?;
            waiting_since.remove(&key);
            flushed_any = true;
        }
    }
    if flushed_any {
        release(inner).await;
    }
    Ok(())
}

/// Flushes every table; with `and_release` the journal forgets what is now durable elsewhere.
pub(crate) async fn flush_all(inner: &Inner, and_release: bool) -> Result<(), Error> {
    for (_, table) in open_tables(inner) {
        if table.tail_rows() > 0 {
            flush_one(&table).await?;
        }
    }
    if and_release {
        release(inner).await;
    }
    Ok(())
}

/// Merges small segments of every table and removes files that nobody needs any more.
pub(crate) async fn compact_all(inner: &Inner) -> Result<(), Error> {
    for (_, table) in open_tables(inner) {
        let now = (inner.options.clock)();
        while table.compact(now).await.map_err(|error| Error::internal("merging segments", error))?.is_some() {}
        table.vacuum(now).await.map_err(|error| Error::internal("removing replaced files", error))?;
    }
    Ok(())
}

async fn flush_one(table: &Arc<Table>) -> Result<(), Error> {
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

async fn release(inner: &Inner) {
    let (done, released) = oneshot::channel();
    if inner.commands.send(Command::Release(done)).await.is_ok() {
        // The journal keeps a little more for a little longer when this does not come back in time.
        let _ = tokio::time::timeout(RELEASE_WAIT, released).await;
    }
}

fn open_tables(inner: &Inner) -> Vec<(StreamKey, Arc<Table>)> {
    inner.tables.lock().iter().map(|(key, table)| (key.clone(), Arc::clone(table))).collect()
}
