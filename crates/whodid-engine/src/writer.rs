//! The one thread that gives records their places and writes the journal.
//!
//! It takes every request that waits (up to [`GROUP_BYTES`]), tells duplicates, gives offsets, writes
//! one journal group and syncs it; only then does anything become visible: window, tail, live
//! readers, reply, in this order. A refused group changes nothing. Because places are given and
//! synced by one thread, offsets are gapless and recorded times never go back.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use arrow::array::{BooleanArray, RecordBatch};
use tokio::sync::{mpsc, oneshot, watch};
use whodid_journal::{AppendError, Journal, Position};
use whodid_lake::Table;
use whodid_model::{AccountName, Offset, StreamName, Timestamp};

use crate::duplicates::{Key, Window, hex_of_key, key_of_hex};
use crate::error::{Error, ErrorKind};
use crate::frame::{self, FrameHeader, PartHeader, Replay};
use crate::ingest::{IngestReply, Prepared, PreparedPart};
use crate::options::Clock;
use crate::unreadable::SetAside;

/// Most encoded bytes in one journal group.
pub const GROUP_BYTES: usize = 8 << 20;
/// Most requests in one journal group.
pub const GROUP_REQUESTS: usize = 1024;

/// Records may carry a time so far ahead of the clock before it is told: groups in quick succession do.
const AHEAD_MICROS_MAX: i64 = 1_000_000;

/// Where the answer to a request goes.
pub(crate) type Reply = oneshot::Sender<Result<IngestReply, Error>>;

/// A stream of an account.
pub(crate) type StreamKey = (AccountName, StreamName);

/// What the thread is asked to do.
pub(crate) enum Command {
    /// Store a request.
    Append(Box<Prepared>, Reply),
    /// Find out whether a journal that refused has room again.
    Probe,
    /// Release what the lake holds durably.
    Release(oneshot::Sender<()>),
    /// Forget that events with these keys were sent.
    Forget(Vec<Key>, oneshot::Sender<std::io::Result<()>>),
    /// Take over a table that was set aside and works again; records are taken for it only afterwards.
    Adopt {
        key: StreamKey,
        table: Arc<Table>,
        /// The latest recorded time in it.
        newest: Timestamp,
        done: oneshot::Sender<()>,
    },
    /// End.
    Close(oneshot::Sender<()>),
}

/// A durable frame that the lake may not hold yet.
#[derive(Debug)]
pub(crate) struct LiveFrame {
    pub position: Position,
    /// The last offset of each stream in it.
    pub ends: Vec<(StreamKey, Offset)>,
}

/// The thread's state.
pub(crate) struct Writer {
    pub journal: Box<dyn Journal>,
    pub window: Window,
    /// The next offset of each stream.
    pub next: HashMap<StreamKey, Offset>,
    pub tables: HashMap<StreamKey, Arc<Table>>,
    pub frames: VecDeque<LiveFrame>,
    pub last_recorded_at: Timestamp,
    pub clock: Clock,
    pub on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
    /// Told after every group; the end of the writer is the end of it.
    pub published: watch::Sender<u64>,
    /// Whether records carry a time ahead of the clock.
    pub is_ahead: bool,
    pub gauges: Arc<JournalGauges>,
    pub set_aside: Arc<SetAside>,
    /// Bytes of the journal that events of senders leave for what whodid tells of itself.
    pub reserve_bytes: u64,
}

/// What others may see of the journal without asking the thread.
#[derive(Debug, Default)]
pub(crate) struct JournalGauges {
    pub used_bytes: std::sync::atomic::AtomicU64,
    pub bound_bytes: std::sync::atomic::AtomicU64,
    /// True while the journal refuses events of senders.
    pub is_refusing: std::sync::atomic::AtomicBool,
    /// True while it refuses also what whodid tells of itself.
    pub is_refusing_own: std::sync::atomic::AtomicBool,
    /// Groups begun, counted before their time is taken; and groups that ended, stored or refused.
    pub groups_begun: std::sync::atomic::AtomicU64,
    pub groups_ended: std::sync::atomic::AtomicU64,
}

/// A part with its place.
struct Placed {
    stream: StreamKey,
    table: Arc<Table>,
    first: Offset,
    batch: RecordBatch,
    encoded: Vec<u8>,
    keys: Vec<Key>,
}

/// A request that has been given its places.
struct Sequenced {
    parts: Vec<Placed>,
    reply: IngestReply,
    replay: Option<(Key, Replay)>,
    sender: Reply,
    frame: Option<Vec<u8>>,
    is_own: bool,
}

/// What a group has promised so far, before it is durable.
struct Group {
    recorded_at: Timestamp,
    next: HashMap<StreamKey, Offset>,
    keys: HashSet<Key>,
    replays: HashMap<Key, Replay>,
}

impl Writer {
    /// Runs until it is told to close or every sender is gone.
    pub(crate) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        self.update_gauges();
        let mut held: Option<Command> = None;
        loop {
            let Some(command) = held.take().or_else(|| commands.blocking_recv()) else { return };
            match command {
                Command::Append(prepared, sender) => {
                    let mut bytes = prepared.bytes();
                    let mut waiting = vec![(prepared, sender)];
                    while waiting.len() < GROUP_REQUESTS && bytes < GROUP_BYTES {
                        match commands.try_recv() {
                            Ok(Command::Append(prepared, sender)) => {
                                bytes += prepared.bytes();
                                waiting.push((prepared, sender));
                            }
                            Ok(other) => {
                                held = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.append(waiting);
                }
                Command::Probe => {
                    let has_room = self.journal.has_room(self.reserve_bytes);
                    self.gauges.is_refusing.store(!has_room, Relaxed);
                    let has_room_for_own = has_room || self.journal.has_room(0);
                    self.gauges.is_refusing_own.store(!has_room_for_own, Relaxed);
                    self.update_gauges();
                }
                Command::Release(done) => {
                    self.release();
                    let _ = done.send(());
                }
                Command::Forget(keys, done) => {
                    let _ = done.send(self.window.forget(keys, (self.clock)()));
                }
                Command::Adopt { key, table, newest, done } => {
                    self.adopt(key, table, newest);
                    let _ = done.send(());
                }
                Command::Close(done) => {
                    self.release();
                    drop(self);
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    fn append(&mut self, waiting: Vec<(Box<Prepared>, Reply)>) {
        // Before the time is taken: whoever reads a range that ended by then waits for this group.
        self.gauges.groups_begun.fetch_add(1, SeqCst);
        let mut group = Group {
            recorded_at: self.next_recorded_at(),
            next: HashMap::new(),
            keys: HashSet::new(),
            replays: HashMap::new(),
        };
        let mut requests = Vec::with_capacity(waiting.len());
        for (prepared, sender) in waiting {
            let is_own = prepared.is_own;
            match self.sequence(*prepared, &mut group) {
                Ok((parts, reply, replay, frame)) => {
                    requests.push(Sequenced { parts, reply, replay, sender, frame, is_own });
                }
                Err(error) => {
                    let _ = sender.send(Err(error));
                }
            }
        }
        match self.store(&requests) {
            Ok(last) => self.publish(requests, &group, last),
            Err(error) => {
                // What whodid tells of itself may still find room where the events beside it no longer do. They
                // share no stream, so its places hold without them.
                let is_full = matches!(error, AppendError::Bound { .. } | AppendError::Full { .. });
                let (own, others): (Vec<_>, Vec<_>) =
                    requests.into_iter().partition(|request| request.is_own && is_full);
                if others.is_empty() {
                    self.refuse(own, &error);
                } else {
                    self.refuse(others, &error);
                    self.append_own(own, group);
                }
            }
        }
        self.gauges.groups_ended.fetch_add(1, SeqCst);
        self.published.send_modify(|count| *count += 1);
    }

    /// Writes the requests as one group; nothing when they hold nothing new.
    fn store(&mut self, requests: &[Sequenced]) -> Result<Option<Position>, AppendError> {
        let frames: Vec<&[u8]> = requests.iter().filter_map(|request| request.frame.as_deref()).collect();
        if frames.is_empty() {
            return Ok(None);
        }
        let reserve_bytes = if requests.iter().all(|request| request.is_own) { 0 } else { self.reserve_bytes };
        self.journal.append_leaving(&frames, reserve_bytes).map(Some)
    }

    /// The part of a refused group that may use the reserve.
    fn append_own(&mut self, own: Vec<Sequenced>, mut group: Group) {
        if own.is_empty() {
            return;
        }
        group.next.retain(|stream, _| own.iter().flat_map(|request| &request.parts).any(|part| part.stream == *stream));
        match self.store(&own) {
            Ok(last) => self.publish(own, &group, last),
            Err(error) => self.refuse(own, &error),
        }
    }

    /// A time later than that of every group before, and not before the clock's.
    fn next_recorded_at(&mut self) -> Timestamp {
        let now = (self.clock)();
        let next = now.max(self.last_recorded_at.plus_micros(1));
        let ahead_micros = next.micros() - now.micros();
        metrics::gauge!("whodid_recorded_at_ahead_seconds").set(ahead_micros as f64 / 1e6);
        let is_ahead = ahead_micros > AHEAD_MICROS_MAX;
        if is_ahead && !self.is_ahead {
            tracing::error!(
                recorded_at = %next, clock = %now,
                "the clock stands behind the newest record, so that records carry {next} until it has caught up:                  the clock was wrong then, or is wrong now"
            );
        }
        self.is_ahead = is_ahead;
        next
    }

    /// Gives a request its places within the group.
    #[allow(clippy::type_complexity, reason = "the four values go straight into one struct")]
    fn sequence(
        &self,
        prepared: Prepared,
        group: &mut Group,
    ) -> Result<(Vec<Placed>, IngestReply, Option<(Key, Replay)>, Option<Vec<u8>>), Error> {
        if let Some((key, body)) = &prepared.request
            && let Some(kept) = group.replays.get(key).or_else(|| self.window.replay(key))
        {
            if kept.body != *body {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "idempotency_key_reused",
                    "this Idempotency-Key was used for another body; give every request its own key",
                ));
            }
            let reply = IngestReply { is_repeated: true, ..kept.reply.clone() };
            return Ok((Vec::new(), reply, None, None));
        }
        let mut reply = IngestReply { rejected: prepared.rejected, ..IngestReply::default() };
        let mut parts = Vec::with_capacity(prepared.parts.len());
        for part in prepared.parts {
            let is_rejects = part.stream == StreamName::rejects();
            let rows = part.batch.num_rows() as u64;
            let placed = self.place(&prepared.account, part, group)?;
            if !is_rejects {
                let stored = placed.as_ref().map_or(0, |placed| placed.batch.num_rows() as u64);
                reply.accepted = stored;
                reply.duplicates = rows - stored;
                reply.first_offset = placed.as_ref().map(|placed| placed.first.0);
                reply.last_offset = placed.as_ref().map(|placed| placed.first.0 + stored - 1);
            }
            parts.extend(placed);
        }
        let replay =
            prepared.request.map(|(key, body)| (key, Replay { key: hex_of_key(&key), body, reply: reply.clone() }));
        if let Some((key, replay)) = &replay {
            group.replays.insert(*key, replay.clone());
        }
        if parts.is_empty() && replay.is_none() {
            return Ok((parts, reply, None, None));
        }
        let header = FrameHeader {
            account: prepared.account,
            recorded_at: group.recorded_at,
            parts: parts.iter().map(Placed::header).collect(),
            replay: replay.as_ref().map(|(_, replay)| replay.clone()),
        };
        let key_bytes: Vec<Vec<u8>> = parts.iter().map(|part| part.keys.as_flattened().to_vec()).collect();
        let bodies: Vec<(&[u8], &[u8])> =
            parts.iter().zip(&key_bytes).map(|(part, keys)| (part.encoded.as_slice(), keys.as_slice())).collect();
        let frame = frame::encode(&header, &bodies);
        Ok((parts, reply, replay, Some(frame)))
    }

    /// Leaves out duplicates and gives the rest consecutive offsets; `None` when nothing is left.
    fn place(&self, account: &AccountName, part: PreparedPart, group: &mut Group) -> Result<Option<Placed>, Error> {
        let mut keys = Vec::with_capacity(part.keys.len());
        let mut keep = Vec::with_capacity(part.keys.len());
        for key in &part.keys {
            let fresh = key.is_none_or(|key| !self.window.holds(&key) && group.keys.insert(key));
            keep.push(fresh);
            if fresh {
                keys.extend(*key);
            }
        }
        let kept = keep.iter().filter(|fresh| **fresh).count();
        if kept == 0 {
            return Ok(None);
        }
        let (batch, encoded) = if kept == keep.len() {
            (part.batch, part.encoded)
        } else {
            let batch = arrow::compute::filter_record_batch(&part.batch, &BooleanArray::from(keep))
                .map_err(|error| Error::internal("leaving out duplicates", error))?;
            let encoded = whodid_lake::encode_batch(&batch);
            (batch, encoded)
        };
        let stream = (account.clone(), part.stream);
        let next = group
            .next
            .entry(stream.clone())
            .or_insert_with(|| self.next.get(&stream).copied().unwrap_or_else(|| part.table.next_offset()));
        let first = *next;
        *next = Offset(first.0 + kept as u64);
        Ok(Some(Placed { stream, table: part.table, first, batch, encoded, keys }))
    }

    /// The group is durable: remember, show, tell, answer.
    fn publish(&mut self, requests: Vec<Sequenced>, group: &Group, last: Option<Position>) {
        self.last_recorded_at = group.recorded_at;
        self.next.extend(group.next.iter().map(|(stream, next)| (stream.clone(), *next)));
        let frames = requests.iter().filter(|request| request.frame.is_some()).count() as u64;
        let mut position = last.map(|last| last.get() + 1 - frames);
        for request in requests {
            let keys: Vec<Key> = request.parts.iter().flat_map(|part| part.keys.iter().copied()).collect();
            self.window.remember(group.recorded_at, &keys, request.replay);
            let mut ends = Vec::with_capacity(request.parts.len());
            for part in request.parts {
                let rows = part.batch.num_rows() as u64;
                let batch = whodid_lake::sequence(&part.batch, part.first, group.recorded_at);
                self.tables.entry(part.stream.clone()).or_insert_with(|| Arc::clone(&part.table));
                if let Err(error) = part.table.append(batch) {
                    // Acknowledging records under places that are taken would lose them; the journal has them.
                    (self.on_fatal)(&error.to_string());
                    return;
                }
                ends.push((part.stream, Offset(part.first.0 + rows - 1)));
            }
            if let (Some(at), true) = (position.as_mut(), request.frame.is_some()) {
                self.frames.push_back(LiveFrame { position: Position::new(*at).expect("positions start at 1"), ends });
                *at += 1;
            }
            if request.is_own {
                metrics::counter!("whodid_own_events_total").increment(request.reply.accepted);
            } else {
                count(&request.reply);
            }
            if request.frame.is_some() {
                self.gauges.refusing(request.is_own).store(false, Relaxed);
            }
            let _ = request.sender.send(Ok(request.reply));
        }
        self.update_gauges();
    }

    /// The group is not stored: nothing has changed, everyone is told.
    fn refuse(&mut self, requests: Vec<Sequenced>, cause: &AppendError) {
        tracing::error!(error = %cause, requests = requests.len(), "journal refused a group: {cause}");
        self.update_gauges();
        for request in requests {
            self.gauges.refusing(request.is_own).store(true, Relaxed);
            let _ = request.sender.send(Err(refusal(cause)));
        }
        if matches!(cause, AppendError::SyncFailed { .. } | AppendError::Poisoned) {
            // After a failed sync the kernel may have dropped the pages and report success next time;
            // nothing this process says about durability can be trusted any more.
            (self.on_fatal)(&cause.to_string());
        }
    }

    /// Lets the journal forget the frames that the lake holds durably.
    fn release(&mut self) {
        self.let_go();
        if self.carry_forward() {
            self.let_go();
        }
    }

    /// Whether the lake holds a stream's records up to an offset.
    pub(crate) fn is_flushed(&self, stream: &StreamKey, end: Offset) -> bool {
        self.tables.get(stream).and_then(|table| table.flushed_to()).is_some_and(|flushed| flushed >= end)
    }

    fn let_go(&mut self) {
        let mut up_to = None;
        while let Some(frame) = self.frames.front() {
            if !frame.ends.iter().all(|(stream, end)| self.is_flushed(stream, *end)) {
                break;
            }
            up_to = Some(frame.position);
            self.frames.pop_front();
        }
        let Some(up_to) = up_to else { return };
        // The keys must be on disk before the frames that hold them may go.
        if let Err(error) = self.window.persist((self.clock)()) {
            tracing::error!(%error, "writing the duplicate window failed; the journal keeps its frames: {error}");
            self.frames.push_front(LiveFrame { position: up_to, ends: Vec::new() });
            return;
        }
        if let Err(error) = self.journal.release(up_to) {
            tracing::error!(%error, "releasing journal segments failed: {error}");
        }
        self.gauges.is_refusing.store(false, Relaxed);
        self.gauges.is_refusing_own.store(false, Relaxed);
        self.update_gauges();
    }

    fn update_gauges(&self) {
        self.gauges.used_bytes.store(self.journal.used_bytes(), Relaxed);
        self.gauges.bound_bytes.store(self.journal.bound_bytes(), Relaxed);
        metrics::gauge!("whodid_journal_bytes").set(self.journal.used_bytes() as f64);
    }

    /// Takes over what a frame of an earlier run remembers.
    pub(crate) fn remember_recovered(&mut self, header: &FrameHeader, keys: &[Key]) {
        let replay = header.replay.as_ref().and_then(|replay| Some((key_of_hex(&replay.key)?, replay.clone())));
        self.window.remember(header.recorded_at, keys, replay);
        self.last_recorded_at = self.last_recorded_at.max(header.recorded_at);
    }
}

impl JournalGauges {
    fn refusing(&self, is_own: bool) -> &std::sync::atomic::AtomicBool {
        if is_own { &self.is_refusing_own } else { &self.is_refusing }
    }
}

impl Placed {
    fn header(&self) -> PartHeader {
        PartHeader {
            stream: self.stream.1.clone(),
            first: self.first,
            rows: self.batch.num_rows() as u64,
            batch_bytes: self.encoded.len() as u64,
            key_bytes: self.keys.as_flattened().len() as u64,
        }
    }
}

impl Prepared {
    fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.encoded.len()).sum()
    }
}

fn refusal(cause: &AppendError) -> Error {
    let detail = match cause {
        AppendError::Bound { .. } => {
            "the journal is full because the lake takes nothing; nothing was stored, send it again later"
        }
        AppendError::Full { .. } => "the disk of the journal is full; nothing was stored, free space and send it again",
        AppendError::SyncFailed { .. } => {
            "the disk failed while the events were written, and whether they are stored is known only after a restart; \
             send them again with the same Idempotency-Key"
        }
        _ => "the journal could not be written; nothing was stored, send it again later",
    };
    Error::new(ErrorKind::Unavailable, "journal_unavailable", detail)
}

fn count(reply: &IngestReply) {
    if reply.is_repeated {
        // Its events were counted when they came first.
        metrics::counter!("whodid_repeated_requests_total").increment(1);
        return;
    }
    metrics::counter!("whodid_events_total", "result" => "accepted").increment(reply.accepted);
    metrics::counter!("whodid_events_total", "result" => "duplicate").increment(reply.duplicates);
    metrics::counter!("whodid_events_total", "result" => "excluded").increment(reply.excluded);
    metrics::counter!("whodid_events_total", "result" => "rejected").increment(reply.rejected.len() as u64);
    let mut by_code: BTreeMap<&str, u64> = BTreeMap::new();
    for rejected in &reply.rejected {
        *by_code.entry(&rejected.code).or_default() += 1;
    }
    for (code, count) in by_code {
        metrics::counter!("whodid_rejects_total", "code" => code.to_owned()).increment(count);
    }
}

/// How long a release may wait for the thread before the caller goes on without it.
pub(crate) const RELEASE_WAIT: Duration = Duration::from_secs(30);
