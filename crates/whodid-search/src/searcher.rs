//! The searcher: threads, memory and time for all searches, and the calls that make one.

use std::path::PathBuf;
use std::time::Duration;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use whodid_lake::Snapshot;
use whodid_model::access::Spaces;
use whodid_model::{Field, Offset, Timestamp};
use whodid_query::Target;

use crate::{Answer, Filter, Order, SearchError};

/// What a searcher is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes that all running searches may use together before SQL spills and others are refused.
    pub memory_bytes: usize,
    /// Where SQL may spill to; nowhere when not given.
    pub spill_dir: Option<PathBuf>,
    /// Longest a search may run, waiting for its turn included.
    pub timeout: Duration,
    /// Threads, and parts of a search that run at once.
    pub target_partitions: usize,
}

// ---- the shape of the API; bodies follow ----
impl Searcher {
    pub fn new(options: Options) -> Result<Self, SearchError>;
    /// Full rows in order. `after`: the (event_time, offset) of the last row of the page before.
    pub async fn list(&self, snapshot: &Snapshot, filter: &Filter, order: Order, after: Option<(Timestamp, Offset)>, limit: usize) -> Result<Page, SearchError>;
    /// Full rows with these offsets, in ascending offset order.
    pub async fn get_by_offsets(&self, snapshot: &Snapshot, offsets: &[Offset], spaces: &Spaces) -> Result<Answer<Vec<RecordBatch>>, SearchError>;
    /// Full rows whose event id is exactly `id`, oldest offset first.
    pub async fn get_by_id(&self, snapshot: &Snapshot, id: &str, spaces: &Spaces) -> Result<Answer<Vec<RecordBatch>>, SearchError>;
    /// Full rows that have one of these event ids or this correlation id, by (event_time, offset), at most `limit`.
    pub async fn related(&self, snapshot: &Snapshot, ids: &[String], correlation_id: Option<&str>, spaces: &Spaces, limit: usize) -> Result<Answer<Vec<RecordBatch>>, SearchError>;
    pub async fn count(&self, snapshot: &Snapshot, filter: &Filter) -> Result<Answer<u64>, SearchError>;
    /// (bucket start, value, number), ascending; buckets start at multiples of the interval since 1970; only what occurs.
    pub async fn histogram(&self, snapshot: &Snapshot, filter: &Filter, interval_micros: i64, by: &By) -> Result<Answer<Vec<(Timestamp, String, u64)>>, SearchError>;
    pub async fn top(&self, snapshot: &Snapshot, filter: &Filter, target: &Target, limit: usize, prefix: Option<&str>) -> Result<Answer<Top>, SearchError>;
    /// Several tops in one pass.
    pub async fn facets(&self, snapshot: &Snapshot, filter: &Filter, targets: &[Target], limit: usize) -> Result<Answer<Vec<Top>>, SearchError>;
    /// Paths of the raw events of the newest `sample` rows, with the kinds of their values.
    pub async fn fields_seen(&self, snapshot: &Snapshot, spaces: &Spaces, sample: usize) -> Result<Answer<Vec<SeenField>>, SearchError>;
    /// Every matching row, in order, as batches; `columns: None` = all stored columns.
    pub fn export(&self, snapshot: &Snapshot, filter: &Filter, order: Order, columns: Option<&[&str]>) -> Result<Export /* Stream<Item = Result<RecordBatch, SearchError>> + schema() */, SearchError>;
    pub async fn sql(&self, snapshot: &Snapshot, text: &str, spaces: &Spaces, limits: SqlLimits) -> Result<SqlAnswer, SearchError>;
}

/// Full rows in order.
pub struct Page { pub rows: Vec<RecordBatch>, pub more: bool, pub stats: Stats }
/// What a histogram divides by.
pub enum By { Result /* success, failure, denied, pending, unknown */, Field(Field), Target(Target) }
/// `values`: most frequent first, ties in text order. `other`: matching rows' further values. `missing`: rows without one.
pub struct Top { pub values: Vec<(String, u64)>, pub other: u64, pub missing: u64 }
pub struct SeenField { pub path: String, pub kinds: Vec<Kind /* Text, Number, Bool, Json, Time */>, pub rows: u64 }
pub struct SqlLimits { pub rows: usize /* default 10,000 */ }
pub struct SqlAnswer { pub schema: SchemaRef, pub batches: Vec<RecordBatch>, pub truncated: bool, pub stats: Stats }
