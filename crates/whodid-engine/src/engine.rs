//! The engine: opened on a folder, it recovers, starts its writer and jobs, and answers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use whodid_journal::FileJournal;
use whodid_lake::{Lake, Table};
use whodid_model::{AccessScope, AccountName, Offset, Right, StreamName, Timestamp, chain};
use whodid_search::Searcher;

use crate::admission::Admission;
use crate::detect::{self, Detection};
use crate::duplicates::{HashSecret, Key, Window};
use crate::error::{Error, ErrorKind};
use crate::frame::{self, FrameError, PartHeader};
use crate::ingest::{self, EVENTS_A_REQUEST_MAX, IngestReply, IngestRequest, PrepareError, Tables};
use crate::jobs::{self, LakeTrouble};
use crate::live::LIVE_READERS_MAX;
use crate::options::{Clock, Options};
use crate::places::{self, Troubles};
use crate::unreadable::{self, Held, SetAside};
use crate::writer::{Command, JournalGauges, LiveFrame, StreamKey, Writer};

/// How long a request waits for memory before it is told to come back.
const MEMORY_WAIT: Duration = Duration::from_millis(50);
/// Requests that may wait for the writer.
const REQUESTS_WAITING_MAX: usize = 4096;
/// Bodies below this size are decoded where they arrive; larger ones on the blocking pool.
const DECODE_INLINE_BYTES: usize = 16 << 10;

/// Why an engine could not be opened. Each tells what, where and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder could not be used.
    #[error("the data folder {folder} could not be used")]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The journal could not be opened; it may be in use by another process.
    #[error("opening the journal failed")]
    Journal(#[from] whodid_journal::OpenError),
    /// A recovered frame could not be read.
    #[error("the journal holds a frame that cannot be read back")]
    Frame(#[from] FrameError),
    /// A recovered batch could not be read.
    #[error("the journal holds a batch that cannot be read back")]
    Batch(#[from] whodid_lake::DecodeError),
    /// The lake could not be opened.
    #[error("opening the lake failed")]
    Lake(#[from] whodid_lake::OpenError),
    /// What the journal holds did not fit in memory and could not be put into the lake.
    #[error("moving recovered records into the lake failed")]
    Flush(#[from] whodid_lake::FlushError),
    /// Records are in neither journal nor lake.
    #[error(
        "records are missing between lake and journal: one of them is an older copy. Bring the newer one back, or \
         start once with --accept-missing-records to go on without them"
    )]
    Missing(#[from] whodid_lake::OutOfPlace),
    /// Another server has written to the lake in the places of what the journal holds.
    #[error(
        "the journal in {} holds acknowledged records for table {table} in places where another server has stored \
         others. The lake stays the other's. Move that folder aside to take the lake over without them, or give this server \
         the lake that it had", journal.display()
    )]
    Places {
        /// `account/stream`.
        table: String,
        /// The journal's folder.
        journal: PathBuf,
    },
    /// A journal segment could not be read.
    #[error("reading the journal back failed")]
    Read(#[from] whodid_journal::ReadError),
    /// The query engine could not be set up.
    #[error("setting up the query engine failed")]
    Search(#[from] whodid_search::SearchError),
}

/// The product without a network. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Engine").field("data", &self.inner.options.data).finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub options: Options,
    pub lake: Lake,
    pub searcher: Searcher,
    pub commands: mpsc::Sender<Command>,
    /// Told after every group of the writer; closed when it ends.
    pub published: watch::Receiver<u64>,
    pub live_places: Arc<Semaphore>,
    pub gauges: Arc<JournalGauges>,
    /// Of the lake, since flushes fail.
    pub trouble: parking_lot::Mutex<Troubles>,
    /// The name of this run, by which lakes are claimed.
    pub run: String,
    pub started_at: Timestamp,
    /// Every table that holds or may get records.
    pub tables: parking_lot::Mutex<BTreeMap<StreamKey, Arc<Table>>>,
    /// Those that cannot be read, which are not in `tables`.
    pub set_aside: Arc<SetAside>,
    pub secret: HashSecret,
    memory: Arc<Semaphore>,
    /// Bodies being decoded: what they become is counted only when it is known.
    decoding: Semaphore,
    pub detection: Detection,
    pub insights: crate::insights::Insighting,
    pub shutdown: CancellationToken,
    pub jobs: TaskTracker,
}

impl Engine {
    /// Recovers what an earlier run acknowledged, then starts writer and jobs.
    ///
    /// Must be called within a Tokio runtime. Fails when another process holds the folder.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let folder_error = |source| OpenError::Folder { folder: options.data.clone(), source };
        whodid_lake::make_folder(&options.data).map_err(folder_error)?;
        let journal_options = whodid_journal::Options {
            segment_bytes: options.journal_segment_bytes,
            bound_bytes: options.journal_bound_bytes,
            ..whodid_journal::Options::default()
        };
        let (journal, recovered) = FileJournal::open(&options.data.join("journal"), journal_options)?;
        let secret = HashSecret::load(&options.data).map_err(folder_error)?;
        let (window, damaged) = Window::open(&options.data.join("window")).map_err(folder_error)?;
        for path in damaged {
            tracing::warn!(path = %path.display(), "a file of the duplicate window is damaged and was left out: repeated events of its time may be stored again");
        }
        let lake = open_lake(&options).await?;
        let takes_over = options.take_over_lake && lake.is_claimed_by_another(&options.data).await.map_err(not_ours)?;
        let run = uuid::Uuid::new_v4().to_string();
        if !takes_over {
            claim(&lake, &options, &run).await?;
        }
        let searcher = Searcher::new(whodid_search::Options {
            memory_bytes: options.query_memory_bytes,
            timeout: options.query_timeout,
            spill_dir: Some(options.data.join("spill")),
            ..whodid_search::Options::default()
        })?;
        let gauges = Arc::new(JournalGauges::default());
        let set_aside = Arc::new(SetAside::new(options.tail_bytes_max));
        let (published, news) = watch::channel(0);
        let mut writer = Writer {
            journal: Box::new(journal),
            window,
            next: HashMap::new(),
            tables: HashMap::new(),
            frames: VecDeque::new(),
            last_recorded_at: Timestamp::default(),
            clock: Arc::clone(&options.clock),
            on_fatal: Arc::clone(&options.on_fatal),
            published,
            is_ahead: false,
            gauges: Arc::clone(&gauges),
            set_aside: Arc::clone(&set_aside),
            reserve_bytes: options.audit_reserve_bytes(),
        };
        let mut tables = BTreeMap::new();
        let places = places::open(&lake, &options, &run, &set_aside).await;
        let names = futures::stream::iter(lake.shared_tables().await?.into_iter().chain(places.tables));
        let opening = names.map(|key| async {
            let table = open_table(&lake, &key, &set_aside, &options.clock).await?;
            Ok::<_, OpenError>(table.map(|table| (key, table)))
        });
        let opened: Vec<_> = opening.buffer_unordered(TABLES_OPENED_AT_ONCE).try_collect().await?;
        for (key, table) in opened.into_iter().flatten() {
            writer.last_recorded_at = writer.last_recorded_at.max(unreadable::newest_recorded(&table));
            tables.insert(key, table);
        }
        for frame in recovered {
            let (position, bytes) = frame?;
            let takes_over = |account: &AccountName| {
                if lake.has_place(account) { places.taken.contains(account) } else { takes_over }
            };
            replay(&mut writer, &lake, position, &bytes, &options, &takes_over).await?;
        }
        writer.window.recovered((options.clock)());
        for account in &places.taken {
            lake.claim_place(account, &options.data, &run).await?;
            tracing::warn!(account = %account, "the storage of account {account} was another server's and is taken over, as told");
        }
        if takes_over {
            // Only now: until here the start may be refused, and the lake must stay the other's then.
            claim(&lake, &options, &run).await?;
            tracing::warn!("this lake was another server's and is taken over, as told");
        }
        tables.extend(writer.tables.iter().map(|(key, table)| (key.clone(), Arc::clone(table))));
        if !options.accept_missing {
            set_aside_without_log(&mut tables, &lake, &set_aside, &options.clock).await?;
        }
        let (commands, receiver) = mpsc::channel(REQUESTS_WAITING_MAX);
        std::thread::Builder::new()
            .name("whodid-writer".to_owned())
            .spawn(move || writer.run(receiver))
            .map_err(folder_error)?;
        let detection = Detection::start().map_err(folder_error)?;
        let started_at = (options.clock)();
        let inner = Arc::new(Inner {
            memory: Arc::new(Semaphore::new(options.ingest_bytes_max / MEMORY_UNIT)),
            decoding: Semaphore::new(DECODINGS_MAX),
            live_places: Arc::new(Semaphore::new(LIVE_READERS_MAX)),
            options,
            lake,
            searcher,
            commands,
            published: news,
            gauges,
            trouble: parking_lot::Mutex::default(),
            run,
            started_at,
            tables: parking_lot::Mutex::new(tables),
            set_aside,
            secret,
            detection,
            insights: crate::insights::Insighting::default(),
            shutdown: CancellationToken::new(),
            jobs: TaskTracker::new(),
        });
        jobs::start(&inner);
        Ok(Self { inner })
    }

    /// Stops the jobs and the writer and releases the folder. What is in the journal stays there.
    pub async fn close(&self) {
        self.inner.shutdown.cancel();
        self.inner.jobs.close();
        self.inner.jobs.wait().await;
        detect::save_all(&self.inner).await;
        crate::insights::save_all(&self.inner).await;
        let (done, closed) = oneshot::channel();
        if self.inner.commands.send(Command::Close(done)).await.is_ok() {
            // An error means that the writer has ended already, which is what is wanted.
            let _ = closed.await;
        }
    }

    /// Takes a body in. The answer comes when what it accepts is on disk. Events that the scope's rows do not let
    /// through are rejects.
    pub async fn ingest(&self, scope: &AccessScope, request: IngestRequest) -> Result<IngestReply, Error> {
        require(scope, &[Right::Write])?;
        let admission = Admission::of(scope)?;
        let inner = &self.inner;
        if inner.trouble_of(scope.account()) == Some(LakeTrouble::Taken) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "lake_taken",
                "another server writes to this server's lake; nothing was stored. Its operator must end one of the two",
            ));
        }
        if inner.tail_bytes() > inner.options.event_tail_bytes_max() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "lake_behind",
                "the lake has not taken what waits in memory; nothing was stored, send it again later",
            ));
        }
        inner.refuse_behind(scope.account())?;
        let mut memory = inner.reserve(request.body.len() * COPIES_IN_WORK).await?;
        let account = scope.account().clone();
        let tables = inner.tables_of(&account).await?;
        let received = (inner.options.clock)();
        let secret = inner.secret;
        let body_bytes = request.body.len();
        let decoding = inner.decoding.acquire().await.map_err(|error| Error::internal("decoding a request", error))?;
        let prepared = if request.body.len() < DECODE_INLINE_BYTES {
            ingest::prepare(&account, &tables, &request, &admission, received, secret)
        } else {
            tokio::task::spawn_blocking(move || {
                ingest::prepare(&account, &tables, &request, &admission, received, secret)
            })
            .await
            .map_err(|error| Error::internal("decoding a request", error))?
        };
        let prepared = prepared.map_err(refuse_body)?;
        // Many tiny events take far more as columns than as text.
        let more_bytes = prepared.memory_bytes().saturating_sub(body_bytes * (COPIES_IN_WORK - 1));
        if more_bytes > 0 {
            memory.merge(inner.reserve(more_bytes).await?);
        }
        drop(decoding);
        let (sender, reply) = oneshot::channel();
        match inner.commands.try_send(Command::Append(Box::new(prepared), sender)) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                return Err(Error::new(
                    ErrorKind::Overloaded,
                    "overloaded",
                    "too many requests wait for the journal; nothing was stored, send it again in a second",
                ));
            }
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(stopping()),
        }
        reply.await.map_err(|_| stopping())?
    }

    /// Puts everything in memory into the lake now, and lets the journal forget it.
    pub async fn flush(&self) -> Result<(), Error> {
        jobs::flush_all(&self.inner).await
    }

    /// Merges small segments now.
    pub async fn compact(&self) -> Result<(), Error> {
        jobs::merge_all(&self.inner).await
    }

    /// Tries the tables that cannot be read again now.
    pub async fn take_up(&self) {
        unreadable::take_up(&self.inner, true).await;
    }

    /// How many tables, of all accounts, cannot be read.
    pub fn unreadable_count(&self) -> usize {
        self.inner.set_aside.count()
    }

    /// Whether events are being taken in; the text says what is wrong and what to do.
    pub fn is_ready(&self) -> Result<(), String> {
        if self.inner.commands.is_closed() {
            return Err("the writer has stopped; restart whodid".to_owned());
        }
        if self.inner.gauges.is_refusing.load(Relaxed) {
            return Err(
                "the journal refuses writes: free disk space, or mend the lake's storage so that it drains".to_owned()
            );
        }
        if let Some(taken @ LakeTrouble::Taken) = self.lake_trouble() {
            return Err(taken.to_string());
        }
        if self.inner.tail_bytes() > self.inner.options.event_tail_bytes_max() {
            return Err("the lake does not take what waits in memory: mend its storage".to_owned());
        }
        Ok(())
    }

    /// What keeps records from going into the lake, while there is something; they wait in journal and memory. Not
    /// what keeps those of one account from its own place.
    pub fn lake_trouble(&self) -> Option<LakeTrouble> {
        self.inner.trouble.lock().shared
    }

    /// The accounts whose records do not go into their own place, and why.
    pub fn place_troubles(&self) -> Vec<(AccountName, LakeTrouble)> {
        self.inner.trouble.lock().own.iter().map(|(account, trouble)| (account.clone(), *trouble)).collect()
    }

    /// Opens the tables of an account, so that a lake that is away later holds up none of its events.
    ///
    /// # Errors
    /// As [`Engine::ingest`], when a table cannot be read.
    pub async fn prepare_account(&self, account: &AccountName) -> Result<(), Error> {
        for stream in places::streams() {
            self.inner.table(account, &stream).await?;
        }
        Ok(())
    }
}

/// Tables whose logs are read at once at the start.
const TABLES_OPENED_AT_ONCE: usize = 8;
/// Between two tries of a lake that does not answer.
const LAKE_PAUSE: Duration = Duration::from_millis(500);
const LAKE_PAUSE_MAX: Duration = Duration::from_secs(8);
/// Bodies decoded at once.
const DECODINGS_MAX: usize = 16;
/// Memory is counted in KiB, so that a semaphore's 32-bit counts suffice.
const MEMORY_UNIT: usize = 1024;
/// A body in work exists as bytes, as columns and compressed: about this many times.
const COPIES_IN_WORK: usize = 3;

/// Refuses a scope that was given for something else.
pub(crate) fn require(scope: &AccessScope, allowed: &[Right]) -> Result<(), Error> {
    if allowed.contains(&scope.right()) { Ok(()) } else { Err(not_covered()) }
}

pub(crate) fn not_covered() -> Error {
    Error::new(ErrorKind::Denied, "denied", "this access does not cover what was asked")
}

pub(crate) fn stopping() -> Error {
    Error::new(ErrorKind::Unavailable, "stopping", "whodid is stopping; nothing was stored, send it again later")
}

impl Inner {
    /// Takes a part of the memory that all requests share.
    async fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        let units = u32::try_from(bytes / MEMORY_UNIT + 1).unwrap_or(u32::MAX);
        let memory = tokio::time::timeout(MEMORY_WAIT, Arc::clone(&self.memory).acquire_many_owned(units)).await;
        let Ok(Ok(memory)) = memory else {
            metrics::counter!("whodid_ingest_refused_total", "reason" => "memory").increment(1);
            return Err(Error::new(
                ErrorKind::Overloaded,
                "overloaded",
                "too many events are being taken in at once; nothing was stored, send it again in a second",
            ));
        };
        Ok(memory)
    }

    /// The table of a stream, when something was ever stored in it. Reading makes none.
    pub(crate) fn known_table(&self, account: &AccountName, stream: &StreamName) -> Option<Arc<Table>> {
        self.tables.lock().get(&(account.clone(), stream.clone())).cloned()
    }

    /// Waits until every group that was begun by now is stored or refused.
    pub(crate) async fn groups_settled(&self) {
        let begun = self.gauges.groups_begun.load(SeqCst);
        let mut news = self.published.clone();
        // An error means that the writer has ended, and with it every group.
        let _ = news.wait_for(|_| self.gauges.groups_ended.load(SeqCst) >= begun).await;
    }

    /// The table of a stream, made known when there is none.
    pub(crate) async fn table(&self, account: &AccountName, stream: &StreamName) -> Result<Arc<Table>, Error> {
        let key = (account.clone(), stream.clone());
        if let Some(table) = self.tables.lock().get(&key) {
            return Ok(Arc::clone(table));
        }
        self.set_aside.refuse(account, stream)?;
        let table = self.lake.table(account, stream).await.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "lake_unavailable", "the lake's storage did not answer; try again later")
                .caused_by(error)
        })?;
        self.tables.lock().insert(key, Arc::clone(&table));
        Ok(table)
    }

    /// Bytes of records in memory, all tables together.
    pub(crate) fn tail_bytes(&self) -> usize {
        self.lake.tail_bytes()
    }

    async fn tables_of(&self, account: &AccountName) -> Result<Tables, Error> {
        Ok(Tables {
            activity: self.table(account, &StreamName::activity()).await?,
            rejects: self.table(account, &StreamName::rejects()).await?,
        })
    }
}

fn refuse_body(error: PrepareError) -> Error {
    match error {
        PrepareError::Empty => Error::invalid(
            "no_events",
            "the body holds no event; send one JSON object a line, a JSON array, or one object",
        ),
        PrepareError::TooMany(count) => Error::invalid(
            "too_many_events",
            format!("the body holds {count} events; at most {EVENTS_A_REQUEST_MAX} fit in one request, split it"),
        ),
    }
}

/// Opens a table; `None` when its log cannot be read, and it was set aside.
async fn open_table(
    lake: &Lake,
    key: &StreamKey,
    set_aside: &SetAside,
    clock: &Clock,
) -> Result<Option<Arc<Table>>, OpenError> {
    if set_aside.contains(key) {
        return Ok(None);
    }
    match lake.table(&key.0, &key.1).await {
        Ok(table) => Ok(Some(table)),
        Err(error @ (whodid_lake::OpenError::Log(_) | whodid_lake::OpenError::Away { .. })) => {
            set_aside.add(key.clone(), chain(&error), clock());
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Sets aside the tables whose log was lost: begun anew, they would hide their segments and give places that are
/// taken. Looked at after the replay, because a first flush that was cut off leaves the same files.
async fn set_aside_without_log(
    tables: &mut BTreeMap<StreamKey, Arc<Table>>,
    lake: &Lake,
    set_aside: &SetAside,
    clock: &Clock,
) -> Result<(), OpenError> {
    let cause = "it has segments but no log; bring its folder `_delta_log` back, or start once with \
                 --accept-missing-records to begin it anew";
    let mut lost = Vec::new();
    for (key, table) in tables.iter() {
        match table.has_lost_log().await {
            Ok(false) => {}
            Ok(true) => lost.push((key.clone(), cause.to_owned())),
            // A place of one account holds up no other.
            Err(error) if lake.has_place(&key.0) => lost.push((key.clone(), chain(&error))),
            Err(error) => return Err(whodid_lake::OpenError::List(error).into()),
        }
    }
    for (key, cause) in lost {
        tables.remove(&key);
        lake.forget(&key.0, &key.1);
        set_aside.add(key, cause, clock());
    }
    Ok(())
}

fn not_ours(error: whodid_lake::OwnerError) -> OpenError {
    OpenError::Lake(whodid_lake::OpenError::Owner(error))
}

async fn claim(lake: &Lake, options: &Options, run: &str) -> Result<(), OpenError> {
    lake.claim(&options.data, run.to_owned(), options.take_over_lake).await.map_err(not_ours)
}

/// Opens the lake. One that does not answer is asked again for as long as the options say: a server that starts
/// with its machine may be quicker than the network, and a bucket refuses now and then.
async fn open_lake(options: &Options) -> Result<Lake, whodid_lake::OpenError> {
    let end = tokio::time::Instant::now() + options.lake_wait;
    let mut pause = LAKE_PAUSE;
    loop {
        match Lake::open(options.lake.clone()).await {
            Err(error) if error.may_pass() && tokio::time::Instant::now() + pause < end => {
                tracing::warn!(error = %chain(&error), "the lake does not answer and is asked again in {pause:?}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LAKE_PAUSE_MAX);
            }
            opened => return opened,
        }
    }
}

/// Takes one frame of an earlier run over: into the tail what the lake does not hold yet, into the
/// window its keys.
async fn replay(
    writer: &mut Writer,
    lake: &Lake,
    position: whodid_journal::Position,
    bytes: &[u8],
    options: &Options,
    takes_over: &dyn Fn(&AccountName) -> bool,
) -> Result<(), OpenError> {
    let (header, parts) = frame::decode(bytes)?;
    let mut ends = Vec::with_capacity(parts.len());
    let mut keys: Vec<Key> = Vec::new();
    for part in parts {
        keys.extend_from_slice(part.keys.as_chunks::<{ crate::duplicates::KEY_BYTES }>().0);
        let PartHeader { stream, first, rows, .. } = part.header;
        if rows == 0 {
            continue;
        }
        let key: StreamKey = (header.account.clone(), stream);
        let end = Offset(first.0 + rows - 1);
        let Some(table) = open_table(lake, &key, &writer.set_aside, &options.clock).await? else {
            let encoded = part.batch.to_vec();
            writer.set_aside.hold(&key, Held { first, rows, recorded_at: header.recorded_at, encoded });
            ends.push((key, end));
            continue;
        };
        // Whether the records in these places are this journal's can be told only where nobody else has written.
        if takes_over(&key.0) && table.flushed_to() >= Some(first) {
            let table = format!("{}/{}", key.0, key.1);
            return Err(OpenError::Places { table, journal: options.data.join("journal") });
        }
        if table.flushed_to().is_none_or(|flushed| flushed < end) {
            let batch = whodid_lake::decode_batch(part.batch)?;
            if options.accept_missing && first > table.next_offset() {
                tracing::error!(
                    account = %key.0, stream = %key.1, from = table.next_offset().0, to = first.0,
                    "records are missing between lake and journal; going on without them, as told"
                );
                table.skip_to(first);
            }
            table.replay(whodid_lake::sequence(&batch, first, header.recorded_at))?;
            if table.tail_bytes() > options.flush_bytes
                && let Err(error) = table.flush().await
            {
                // A full disk or a store that is away must not keep the rest from starting, while there is memory.
                if lake.tail_bytes() > options.tail_bytes_max {
                    return Err(error.into());
                }
                tracing::error!(account = %key.0, stream = %key.1, %error, "flushing what was recovered failed; it stays in memory: {error}");
            }
        }
        // The lake may be ahead of the journal: places that it knows are never given again.
        writer.next.insert(key.clone(), table.next_offset());
        writer.tables.insert(key.clone(), table);
        ends.push((key, end));
    }
    writer.remember_recovered(&header, &keys);
    writer.frames.push_back(LiveFrame { position, ends });
    Ok(())
}
