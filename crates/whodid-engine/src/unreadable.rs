//! Tables whose log cannot be read: set aside, so that all others work, and taken up again once they are mended.
//!
//! Of such a table nothing is known, not even where its next record goes. So nothing of it is shown, nothing is
//! taken in for its account, and nothing is written to it. What the journal holds of it stays in the journal, and
//! in memory for the moment when the log can be read; then it goes the way of any replay. The journal lets go of
//! its frames only in their order; so that one table does not fill it, what is held is written to its end again
//! when it stands in the way of much else.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use whodid_journal::{AppendError, Position};
use whodid_lake::Table;
use whodid_model::{AccountName, Offset, StreamName, Timestamp, chain};

use crate::engine::Inner;
use crate::error::{Error, ErrorKind};
use crate::frame::{self, FrameHeader, PartHeader};
use crate::jobs::{JOURNAL_PRESSURE, RETRY_PAUSE, RETRY_PAUSE_MAX};
use crate::writer::{Command, GROUP_BYTES, LiveFrame, StreamKey, Writer};

/// A table that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UnreadableTable {
    /// Its stream.
    pub stream: StreamName,
    /// Since when it is known.
    pub since: Timestamp,
    /// What was met when it was read last.
    pub cause: String,
}

/// The tables that are set aside.
#[derive(Debug)]
pub(crate) struct SetAside {
    tables: parking_lot::Mutex<BTreeMap<StreamKey, Unreadable>>,
    /// Most bytes held in memory, all tables together.
    held_bytes_max: usize,
    /// One attempt at a time: two would give a table its records twice over.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Unreadable {
    since: Timestamp,
    cause: String,
    /// What the journal holds of it, in the order of offsets, without gaps of its own.
    held: Vec<Arc<Held>>,
    /// False when that was too much for memory: only a restart reads it from the journal then.
    is_whole: bool,
    pause: Duration,
    retry_at: Instant,
}

/// A batch of the journal that no table has taken yet.
#[derive(Debug)]
pub(crate) struct Held {
    pub first: Offset,
    pub rows: u64,
    pub recorded_at: Timestamp,
    pub encoded: Vec<u8>,
}

impl Held {
    /// The offset after its last.
    fn end(&self) -> Offset {
        Offset(self.first.0 + self.rows)
    }
}

impl SetAside {
    pub fn new(held_bytes_max: usize) -> Self {
        Self { tables: parking_lot::Mutex::default(), held_bytes_max, opening: tokio::sync::Mutex::default() }
    }

    /// Sets a table aside.
    pub fn add(&self, key: StreamKey, cause: String, now: Timestamp) {
        tracing::error!(
            account = %key.0, stream = %key.1, cause,
            "the table {}/{} cannot be read and is set aside: nothing of it is shown and nothing is taken in for its \
             account until it is mended: {cause}", key.0, key.1
        );
        let unreadable = Unreadable {
            since: now,
            cause,
            held: Vec::new(),
            is_whole: true,
            pause: RETRY_PAUSE,
            retry_at: Instant::now() + RETRY_PAUSE,
        };
        let mut tables = self.tables.lock();
        tables.entry(key).or_insert(unreadable);
        tell(tables.len());
    }

    pub fn contains(&self, key: &StreamKey) -> bool {
        self.tables.lock().contains_key(key)
    }

    pub fn count(&self) -> usize {
        self.tables.lock().len()
    }

    /// Keeps what the journal gives back of a table that is set aside.
    pub fn hold(&self, key: &StreamKey, held: Held) {
        let mut tables = self.tables.lock();
        let bytes: usize = tables.values().map(Unreadable::bytes).sum();
        let Some(table) = tables.get_mut(key) else { return };
        // The journal may hold a batch twice: where it was first, and where it was written again.
        if table.held.last().is_some_and(|last| held.end() <= last.end()) {
            return;
        }
        if bytes + held.encoded.len() > self.held_bytes_max {
            (table.is_whole, table.held) = (false, Vec::new());
        }
        if table.is_whole {
            table.held.push(Arc::new(held));
        }
    }

    /// Refuses what needs a table that is set aside.
    pub fn refuse(&self, account: &AccountName, stream: &StreamName) -> Result<(), Error> {
        if !self.contains(&(account.clone(), stream.clone())) {
            return Ok(());
        }
        let detail = format!(
            "the table {stream} of account {account} cannot be read; until it is mended nothing of it is shown and \
             nothing is stored for the account. It is tried again by itself: `/api/v1/status` and `whodid doctor` say \
             what is wrong, docs/guide/operations.md how to mend it"
        );
        Err(Error::new(ErrorKind::Unavailable, "table_unavailable", detail))
    }

    /// What is set aside of an account.
    pub fn of(&self, account: &AccountName) -> Vec<UnreadableTable> {
        let tables = self.tables.lock();
        let own = tables.iter().filter(|((owner, _), _)| owner == account);
        own.map(|((_, stream), table)| UnreadableTable {
            stream: stream.clone(),
            since: table.since,
            cause: table.cause.clone(),
        })
        .collect()
    }

    /// The tables whose turn it is to be tried again.
    fn due(&self, now: Instant) -> Vec<StreamKey> {
        let tables = self.tables.lock();
        tables.iter().filter(|(_, table)| table.retry_at <= now).map(|(key, _)| key.clone()).collect()
    }

    fn all(&self) -> Vec<StreamKey> {
        self.tables.lock().keys().cloned().collect()
    }

    fn postpone(&self, key: &StreamKey, cause: String) {
        if let Some(table) = self.tables.lock().get_mut(key) {
            table.pause = (table.pause * 2).min(RETRY_PAUSE_MAX);
            table.retry_at = Instant::now() + table.pause;
            if table.cause != cause {
                tracing::error!(account = %key.0, stream = %key.1, cause, "a table that is set aside cannot be taken up: {cause}");
                table.cause = cause;
            }
        }
    }

    fn remove(&self, key: &StreamKey) {
        let mut tables = self.tables.lock();
        tables.remove(key);
        tell(tables.len());
    }

    /// What is held of a table; `None` when not all of it is in memory.
    fn held(&self, key: &StreamKey) -> Option<Vec<Arc<Held>>> {
        let tables = self.tables.lock();
        tables.get(key).filter(|table| table.is_whole).map(|table| table.held.clone())
    }
}

impl Unreadable {
    fn bytes(&self) -> usize {
        self.held.iter().map(|held| held.encoded.len()).sum()
    }
}

fn tell(count: usize) {
    metrics::gauge!("whodid_tables_unavailable").set(count as f64);
}

/// Tries the tables that are set aside: those whose turn it is, or all.
pub(crate) async fn take_up(inner: &Arc<Inner>, all: bool) {
    let set_aside = &inner.set_aside;
    let _one = set_aside.opening.lock().await;
    for key in if all { set_aside.all() } else { set_aside.due(Instant::now()) } {
        match take_up_one(inner, &key).await {
            Ok(()) => tracing::info!(account = %key.0, stream = %key.1, "a table that was set aside works again"),
            Err(cause) => {
                inner.lake.forget(&key.0, &key.1);
                set_aside.postpone(&key, cause);
            }
        }
    }
}

/// Opens a table, gives it what is held of it, makes it known to the writer and then to everyone. Until that is
/// done nobody else has it.
async fn take_up_one(inner: &Inner, key: &StreamKey) -> Result<(), String> {
    let has_place = inner.lake.has_place(&key.0);
    if has_place {
        let opened = inner.lake.open_place(&key.0, &inner.options.data, &inner.run, false).await;
        opened.map_err(|error| chain(&error))?;
    }
    let table = inner.lake.table(&key.0, &key.1).await.map_err(|error| chain(&error))?;
    // It was there. Begun anew it would give places that are taken. Of what is in a place that was away nobody knows
    // whether it was there; there its segments tell.
    let is_gone = if has_place {
        table.has_lost_log().await.map_err(|error| chain(&error))?
    } else {
        table.flushed_to().is_none()
    };
    if is_gone {
        return Err("its log is gone; bring it back".to_owned());
    }
    let Some(held) = inner.set_aside.held(key) else {
        return Err("it can be read again; restart whodid, so that its records are read from the journal".to_owned());
    };
    let accept_missing = inner.options.accept_missing;
    let given = {
        let table = Arc::clone(&table);
        tokio::task::spawn_blocking(move || give(&table, &held, accept_missing))
    };
    given.await.map_err(|error| chain(&error))??;
    let newest = newest_recorded(&table);
    let (done, adopted) = oneshot::channel();
    let adopt = Command::Adopt { key: key.clone(), table: Arc::clone(&table), newest, done };
    let stopped = "whodid is stopping";
    inner.commands.send(adopt).await.map_err(|_| stopped)?;
    adopted.await.map_err(|_| stopped)?;
    inner.tables.lock().insert(key.clone(), table);
    inner.set_aside.remove(key);
    Ok(())
}

/// Replays what is held. On an error the table is of no use any more.
fn give(table: &Table, held: &[Arc<Held>], accept_missing: bool) -> Result<(), String> {
    for part in held {
        let next = table.next_offset();
        if part.first > next && !accept_missing {
            return Err(format!(
                "records {} to {} are missing between its log and the journal: it was mended with an older copy. Bring \
                 the newer one back, or restart once with --accept-missing-records to go on without them",
                next.0,
                part.first.0 - 1
            ));
        }
        if part.first > next {
            table.skip_to(part.first);
        }
        if part.end() > next {
            let batch = whodid_lake::decode_batch(&part.encoded).map_err(|error| chain(&error))?;
            let batch = whodid_lake::sequence(&batch, part.first, part.recorded_at);
            table.replay(batch).map_err(|error| chain(&error))?;
        }
    }
    Ok(())
}

/// The latest recorded time in a table's segments.
pub(crate) fn newest_recorded(table: &Table) -> Timestamp {
    table.snapshot().segments.iter().map(|segment| segment.recorded_at.1).max().unwrap_or_default()
}

impl Writer {
    /// Takes over a table that works again. No record may get a time before its newest.
    pub(crate) fn adopt(&mut self, key: StreamKey, table: Arc<Table>, newest: Timestamp) {
        self.last_recorded_at = self.last_recorded_at.max(newest);
        self.tables.insert(key, table);
    }

    /// Writes what is held of tables that are set aside to the journal's end, when it is all that keeps the journal
    /// from letting go of its oldest frames, and these take much. The old frames may then go; a crash in between
    /// leaves both, and a replay leaves out what it knows. True when it was done.
    pub(crate) fn carry_forward(&mut self) -> bool {
        let used = self.journal.used_bytes();
        if used.saturating_mul(JOURNAL_PRESSURE) <= self.journal.bound_bytes() {
            return false;
        }
        let Some(front) = self.frames.front() else { return false };
        let is_held = |key: &StreamKey| !self.tables.contains_key(key) && self.set_aside.contains(key);
        let in_the_way: Vec<&StreamKey> =
            front.ends.iter().filter(|(key, end)| !self.is_flushed(key, *end)).map(|(key, _)| key).collect();
        if in_the_way.is_empty() || !in_the_way.iter().all(|key| is_held(key)) {
            return false;
        }
        let mut carried: Vec<(StreamKey, Vec<Arc<Held>>)> = Vec::new();
        for key in self.set_aside.all().into_iter().filter(is_held) {
            let Some(held) = self.set_aside.held(&key) else { return false };
            carried.push((key, held));
        }
        let bytes: usize = carried.iter().flat_map(|(_, held)| held).map(|held| held.encoded.len()).sum();
        // It must be worth it, or the journal would only write itself again.
        if (bytes as u64).saturating_mul(2) > used {
            return false;
        }
        match self.append_again(&carried) {
            Ok(mut again) => {
                for frame in &mut self.frames {
                    frame.ends.retain(|(key, _)| carried.iter().all(|(moved, _)| moved != key));
                }
                self.frames.append(&mut again);
                true
            }
            Err(error) => {
                tracing::error!(%error, "writing what is held of unreadable tables to the journal again failed: {error}");
                if matches!(error, AppendError::SyncFailed { .. } | AppendError::Poisoned) {
                    (self.on_fatal)(&error.to_string());
                }
                false
            }
        }
    }

    fn append_again(&mut self, carried: &[(StreamKey, Vec<Arc<Held>>)]) -> Result<VecDeque<LiveFrame>, AppendError> {
        let mut live = VecDeque::new();
        let (mut group, mut group_bytes) = (Vec::new(), 0);
        let parts: Vec<(&StreamKey, &Held)> =
            carried.iter().flat_map(|(key, held)| held.iter().map(move |held| (key, held.as_ref()))).collect();
        for (place, (key, held)) in parts.iter().enumerate() {
            let frame = frame_of(key, held);
            group_bytes += frame.len();
            group.push((frame, ((*key).clone(), Offset(held.end().0 - 1))));
            if group_bytes < GROUP_BYTES && group.len() < crate::writer::GROUP_REQUESTS && place + 1 < parts.len() {
                continue;
            }
            let frames: Vec<&[u8]> = group.iter().map(|(frame, _)| frame.as_slice()).collect();
            let first = self.journal.append(&frames)?.get() + 1 - frames.len() as u64;
            for (at, (_, end)) in (first..).zip(std::mem::take(&mut group)) {
                let position = Position::new(at).expect("positions start at 1");
                live.push_back(LiveFrame { position, ends: vec![end] });
            }
            group_bytes = 0;
        }
        Ok(live)
    }
}

/// A frame of one batch. Its keys and its answer are in the window's files by the time the first frame goes.
fn frame_of(key: &StreamKey, held: &Held) -> Vec<u8> {
    let part = PartHeader {
        stream: key.1.clone(),
        first: held.first,
        rows: held.rows,
        batch_bytes: held.encoded.len() as u64,
        key_bytes: 0,
    };
    let header = FrameHeader { account: key.0.clone(), recorded_at: held.recorded_at, parts: vec![part], replay: None };
    frame::encode(&header, &[(&held.encoded, &[])])
}
