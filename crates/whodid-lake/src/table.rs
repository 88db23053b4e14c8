//! A table: the segments and the tail of one stream, and the one lock under which both change together.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;
use parking_lot::Mutex;
use whodid_model::{AccountName, Offset, StreamName, Timestamp};

use crate::batch::offsets_of;
use crate::commit::{DeltaLog, LogError, LoggedFile};
use crate::owner::Claim;
use crate::schema::{column, stored_schema};
use crate::segment::{FooterCache, Segment};
use crate::tail::{AllBytes, Tail, TailBatch};

/// The records of one stream.
///
/// Invariant: a record is in the tail or in the segments, never in both and never in neither; the two change
/// only together, under `state`, which is never held while waiting.
#[derive(Debug)]
pub struct Table {
    pub(crate) account: AccountName,
    pub(crate) stream: StreamName,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) log: DeltaLog,
    pub(crate) footers: Arc<FooterCache>,
    /// Empty where nobody claimed the lake.
    pub(crate) claim: Arc<OnceLock<Claim>>,
    pub(crate) state: Mutex<State>,
    /// One flush at a time.
    pub(crate) flushing: tokio::sync::Mutex<()>,
    /// One compaction or vacuum at a time.
    pub(crate) compacting: tokio::sync::Mutex<()>,
    /// From reading the log to the answer of a commit: two commits of ours would only refuse each other.
    pub(crate) committing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub tail: Tail,
    /// In the order of date, then offsets.
    pub segments: Vec<Arc<Segment>>,
    pub flushed_to: Option<Offset>,
    /// Records before it are lost for good; see [`Table::skip_to`].
    pub skipped_to: Option<Offset>,
    /// Whether the frozen part of the tail was in a flush whose end is not known.
    pub flush_in_doubt: bool,
    pub retired: Vec<Retired>,
    /// Segments that a merge could not read, and until when they are left alone.
    pub unmergeable: HashMap<Path, Timestamp>,
    /// Files being written, which no log lists yet.
    pub in_flight: HashSet<Path>,
}

/// A file that the table no longer lists, until nobody reads it.
#[derive(Debug)]
pub(crate) struct Retired {
    pub path: Path,
    pub removed_at: Timestamp,
    /// Snapshots of this process may hold it; none can of a file removed before it started.
    pub segment: Option<Arc<Segment>>,
}

/// Records that do not begin where the table ends.
#[derive(Debug, thiserror::Error)]
#[error("records from offset {} on were given to table {table}, whose next offset is {}", first.0, next.0)]
pub struct OutOfPlace {
    /// `account/stream`.
    pub table: String,
    /// The first offset given.
    pub first: Offset,
    /// The offset that had to come.
    pub next: Offset,
}

/// All records of a table at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The files, in the order of date, then offsets.
    pub segments: Vec<Arc<Segment>>,
    /// The records that are in no file yet, in offset order.
    pub tail: Vec<Arc<TailBatch>>,
    /// Where the files are; paths are from its root.
    pub store: Arc<dyn ObjectStore>,
    /// The schema of tail and files: [`stored_schema`].
    pub schema: SchemaRef,
    next_offset: Offset,
}

impl Snapshot {
    /// No records, of a table that does not exist.
    pub fn empty(store: Arc<dyn ObjectStore>) -> Self {
        Self { segments: Vec::new(), tail: Vec::new(), store, schema: stored_schema(), next_offset: Offset(0) }
    }

    /// The offset after the last record there ever was; a later snapshot shows the same records below it, but for
    /// those that were erased.
    pub fn next_offset(&self) -> Offset {
        self.next_offset
    }
}

impl Table {
    /// Opens a table, which need not exist yet.
    pub(crate) async fn open(
        store: Arc<dyn ObjectStore>,
        account: AccountName,
        stream: StreamName,
        footers: Arc<FooterCache>,
        claim: Arc<OnceLock<Claim>>,
        all_tail_bytes: AllBytes,
    ) -> Result<Self, LogError> {
        let log = DeltaLog::new(&store, &account, &stream);
        let tail = Tail::counted_in(all_tail_bytes);
        let table = Self {
            account,
            stream,
            store,
            log,
            footers,
            claim,
            state: Mutex::new(State { tail, ..State::default() }),
            flushing: tokio::sync::Mutex::default(),
            compacting: tokio::sync::Mutex::default(),
            committing: tokio::sync::Mutex::default(),
        };
        let has_entries = table.log.has_entries().await?;
        if let Some(read) = table.log.read().await? {
            let files = table.log.files(&read).await?;
            let removed = table.log.removed(&read).await?;
            let mut state = table.state.lock();
            state.insert(files.iter().map(|file| table.segment(file)));
            state.flushed_to = read.flushed_to;
            state.retired = removed
                .into_iter()
                .map(|(path, removed_at)| Retired { path: table.path(&path), removed_at, segment: None })
                .collect();
        } else if has_entries {
            return Err(table.log.headless());
        }
        Ok(table)
    }

    /// Whether there are segments in the store although no log lists any. A first flush that was cut off leaves
    /// such, and its records are in the journal then; without these the log was lost.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn has_lost_log(&self) -> Result<bool, object_store::Error> {
        if self.next_offset() > Offset(0) {
            return Ok(false);
        }
        let mut listed = self.store.list(Some(&self.folder()));
        while let Some(object) = listed.try_next().await? {
            if object.location.extension() == Some("parquet") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The segments whose files are gone or have another size than the log says. Under a server that merges, one that
    /// was just replaced may be among them.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn damaged_segments(&self) -> Result<Vec<Path>, object_store::Error> {
        let mut sizes = HashMap::new();
        let mut listed = self.store.list(Some(&self.folder()));
        while let Some(object) = listed.try_next().await? {
            sizes.insert(object.location, object.size);
        }
        let segments = self.snapshot().segments;
        let is_whole = |segment: &Arc<Segment>| sizes.get(&segment.path) == Some(&segment.bytes);
        Ok(segments.into_iter().filter(|segment| !is_whole(segment)).map(|segment| segment.path.clone()).collect())
    }

    /// Whose records they are.
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// The stream they belong to.
    pub fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// Adds records that have just been given their places to the tail.
    ///
    /// # Errors
    /// They do not begin where the table ends. Nothing was added: whoever gave the places was wrong, and
    /// what is acknowledged under them could be taken for something else.
    ///
    /// # Panics
    /// When the batch has not the columns of [`stored_schema`].
    pub fn append(&self, batch: RecordBatch) -> Result<(), OutOfPlace> {
        self.add(batch, false)
    }

    /// Adds records that a journal gives back. What the table holds already is left out, so that a journal may
    /// be replayed from any earlier place.
    ///
    /// # Errors
    /// Records between the table's end and these are missing. Nothing was added.
    ///
    /// # Panics
    /// When the batch has not the columns of [`stored_schema`].
    pub fn replay(&self, batch: RecordBatch) -> Result<(), OutOfPlace> {
        self.add(batch, true)
    }

    /// Takes note that the records before `next` are lost, so that what comes after them can be added.
    pub fn skip_to(&self, next: Offset) {
        let mut state = self.state.lock();
        state.skipped_to = state.skipped_to.max(Some(next));
    }

    fn add(&self, batch: RecordBatch, may_be_known: bool) -> Result<(), OutOfPlace> {
        assert_eq!(batch.num_columns(), column::COUNT, "the batch is sequenced");
        let Some((first, last)) = offsets_of(&batch) else { return Ok(()) };
        let mut state = self.state.lock();
        let next = state.next_offset();
        if first > next || (first < next && !may_be_known) {
            return Err(OutOfPlace { table: self.name(), first, next });
        }
        if last >= next {
            let known = (next.0 - first.0) as usize;
            state.tail.append(if known == 0 { batch } else { batch.slice(known, batch.num_rows() - known) });
        }
        Ok(())
    }

    /// Records in the tail.
    pub fn tail_rows(&self) -> usize {
        self.state.lock().tail.rows()
    }

    /// Bytes of the tail.
    pub fn tail_bytes(&self) -> usize {
        self.state.lock().tail.bytes()
    }

    /// The last offset that is in the lake; the journal may let go of everything up to it.
    pub fn flushed_to(&self) -> Option<Offset> {
        self.state.lock().flushed_to
    }

    /// The offset that the next record gets.
    pub fn next_offset(&self) -> Offset {
        self.state.lock().next_offset()
    }

    /// The records in the tail after `offset`, in offset order; those that were flushed meanwhile are missing.
    pub fn tail_after(&self, offset: Option<Offset>) -> Vec<RecordBatch> {
        self.state.lock().tail.after(offset)
    }

    /// The records in memory from an offset on, in offset order, no further than the first batches that have `rows`
    /// together: the tail, and before it what [`Table::keep_from`] keeps. Others may be missing between them.
    pub fn first_in_memory(&self, from: Offset, rows: usize) -> Vec<RecordBatch> {
        self.state.lock().tail.first_from(from, rows)
    }

    /// Says that every record is looked at in order, and that the turn is at `from`: what is flushed before its turn
    /// stays in memory until then, so that it need not be read back; as long as all tables together keep at most
    /// `bytes_max`, and this one two thirds of that. Searches, exports and the journal do not see it.
    pub fn keep_from(&self, from: Offset, bytes_max: usize) {
        self.state.lock().tail.keep_from(from, bytes_max);
    }

    /// Ends what [`Table::keep_from`] began.
    pub fn keep_nothing(&self) {
        self.state.lock().tail.keep_nothing();
    }

    /// All records now.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state.lock();
        Snapshot {
            segments: state.segments.clone(),
            tail: state.tail.batches(),
            store: self.store.clone(),
            schema: stored_schema(),
            next_offset: state.next_offset(),
        }
    }

    /// The folder of this table, from the lake's root.
    pub(crate) fn folder(&self) -> Path {
        Path::from_iter([self.account.as_str(), self.stream.as_str()])
    }

    /// The path of a file of this table, from the lake's root.
    pub(crate) fn path(&self, in_table: &str) -> Path {
        let mut path = self.folder();
        for part in in_table.split('/') {
            path = path.join(part);
        }
        path
    }

    pub(crate) fn segment(&self, file: &LoggedFile) -> Arc<Segment> {
        Arc::new(Segment {
            path: self.path(&file.path),
            bytes: file.bytes,
            rows: file.facts.rows,
            offsets: file.facts.offsets,
            event_time: file.facts.event_time,
            recorded_at: file.facts.recorded_at,
            date: file.date.clone(),
            footer: self.footers.slot(),
        })
    }

    /// Takes over what the log lists, after a commit whose answer was lost. Segments that are known already stay
    /// the same object, so that it is still known who reads them.
    ///
    /// A flush that has landed is taken over as a whole: its rows leave the tail in the same moment. Files of
    /// offsets that are neither flushed nor frozen here are somebody else's and are left out.
    pub(crate) fn take_over(&self, read_to: Option<Offset>, files: &[LoggedFile], removed_at: Option<Timestamp>) {
        let mut state = self.state.lock();
        if let Some(last) = read_to.filter(|_| state.tail.frozen_last() == read_to) {
            state.let_go_of_frozen(last);
        }
        let flushed_to = state.flushed_to;
        let mut known: HashMap<Path, Arc<Segment>> =
            std::mem::take(&mut state.segments).into_iter().map(|segment| (segment.path.clone(), segment)).collect();
        let listed = files
            .iter()
            .filter(|file| Some(file.facts.offsets.1) <= flushed_to)
            .map(|file| known.remove(&self.path(&file.path)).unwrap_or_else(|| self.segment(file)));
        state.insert(listed);
        let newest = state.segments.iter().map(|segment| segment.recorded_at.1).max().unwrap_or_default();
        for (path, segment) in known {
            state.retired.push(Retired { path, removed_at: removed_at.unwrap_or(newest), segment: Some(segment) });
        }
    }
}

impl State {
    pub fn next_offset(&self) -> Offset {
        let stored = self.tail.last().max(self.flushed_to).map(Offset::next);
        stored.max(self.skipped_to).unwrap_or(Offset(0))
    }

    /// The frozen part of the tail, up to `last`, is in the segments now.
    pub fn let_go_of_frozen(&mut self, last: Offset) {
        self.tail.release_frozen(last);
        self.flushed_to = Some(last);
        self.flush_in_doubt = false;
    }

    /// Adds segments in their place.
    pub fn insert(&mut self, segments: impl IntoIterator<Item = Arc<Segment>>) {
        self.segments.extend(segments);
        self.segments.sort_by(|a, b| (&a.date, a.offsets).cmp(&(&b.date, b.offsets)));
        self.segments.dedup_by(|a, b| a.path == b.path);
    }
}

/// Names that belong to a write in progress; given back when it ends, however it ends.
#[derive(Debug)]
pub(crate) struct InFlight<'a> {
    table: &'a Table,
    paths: Vec<Path>,
}

impl<'a> InFlight<'a> {
    pub fn new(table: &'a Table) -> Self {
        Self { table, paths: Vec::new() }
    }

    pub fn add(&mut self, path: Path) {
        self.table.state.lock().in_flight.insert(path.clone());
        self.paths.push(path);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut state = self.table.state.lock();
        for path in &self.paths {
            state.in_flight.remove(path);
        }
    }
}
