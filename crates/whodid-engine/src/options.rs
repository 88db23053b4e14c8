//! What an engine is opened with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use whodid_lake::Location;
use whodid_model::{AccountName, Timestamp};

/// Where the engine takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Bytes of request bodies that may be in work at once.
pub const INGEST_BYTES_MAX: usize = 256 << 20;
/// Bytes of records that may wait in memory for their flush.
pub const TAIL_BYTES_MAX: usize = 256 << 20;
/// A tail of this size is flushed at once.
pub const FLUSH_BYTES: usize = 96 << 20;

/// Bytes of the journal, and of records in memory, that only what whodid tells of itself may use: what cannot be
/// audited is refused, so the audit log must find room when events no longer do. At most a quarter of either.
pub const AUDIT_RESERVE_BYTES: u64 = 16 << 20;
const RESERVE_SHARE: u64 = 4;

/// What an engine is opened with.
#[derive(Clone)]
pub struct Options {
    /// Folder of journal and duplicate window; of the lake too when `lake` is a folder below it.
    pub data: PathBuf,
    /// Where the tables are.
    pub lake: Location,
    /// Accounts whose tables are at a place of their own. One that is away when the engine opens is set aside, and
    /// taken up once it answers; the others work meanwhile.
    pub places: Vec<(AccountName, Location)>,
    /// Size of a journal segment file in bytes.
    pub journal_segment_bytes: u64,
    /// The journal refuses appends beyond this size in bytes.
    pub journal_bound_bytes: u64,
    /// Bytes of request bodies in work at once; beyond it ingest answers `Overloaded`.
    pub ingest_bytes_max: usize,
    /// Bytes of records waiting in memory; beyond it ingest answers `Unavailable`.
    pub tail_bytes_max: usize,
    /// A tail of this size in bytes is flushed at once.
    pub flush_bytes: usize,
    /// A tail with records older than this is flushed.
    pub flush_interval: Duration,
    /// Bytes that all running queries may use together before they spill.
    pub query_memory_bytes: usize,
    /// Longest a query may run.
    pub query_timeout: Duration,
    /// Start although records are missing between lake and journal, as after one of them was restored from an
    /// older copy. They are lost then; without it the engine refuses to open.
    pub accept_missing: bool,
    /// Take the lake also when another server has claimed it, which must be gone for good.
    pub take_over_lake: bool,
    /// How long a lake that does not answer is asked again when the engine opens.
    pub lake_wait: Duration,
    /// Where the time comes from.
    pub clock: Clock,
    /// Called when a journal sync failed and nothing more can be promised; must end the process.
    pub on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Options").field("data", &self.data).finish_non_exhaustive()
    }
}

impl Options {
    /// Bytes of the journal that events of senders leave.
    pub(crate) fn audit_reserve_bytes(&self) -> u64 {
        AUDIT_RESERVE_BYTES.min(self.journal_bound_bytes / RESERVE_SHARE)
    }

    /// Bytes of records in memory beyond which events of senders are refused.
    pub(crate) fn event_tail_bytes_max(&self) -> usize {
        let reserve = (AUDIT_RESERVE_BYTES as usize).min(self.tail_bytes_max / RESERVE_SHARE as usize);
        self.tail_bytes_max - reserve
    }

    /// The defaults for a data folder: journal, window and lake all below it.
    pub fn for_folder(data: impl Into<PathBuf>, clock: Clock) -> Self {
        let data = data.into();
        Self {
            lake: Location::Folder(data.join("lake")),
            data,
            places: Vec::new(),
            journal_segment_bytes: 64 << 20,
            journal_bound_bytes: 2 << 30,
            ingest_bytes_max: INGEST_BYTES_MAX,
            tail_bytes_max: TAIL_BYTES_MAX,
            flush_bytes: FLUSH_BYTES,
            flush_interval: Duration::from_secs(60),
            query_memory_bytes: 256 << 20,
            query_timeout: Duration::from_secs(30),
            accept_missing: false,
            take_over_lake: false,
            lake_wait: Duration::ZERO,
            clock,
            on_fatal: Arc::new(|_| std::process::abort()),
        }
    }
}
