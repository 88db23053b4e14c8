//! A table: the segments and the tail of one stream, and the one lock under which both change together.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use object_store::ObjectStore;
use object_store::path::Path;
use parking_lot::Mutex;
use whodid_model::{AccountName, Offset, StreamName, Timestamp};

use crate::batch::offsets_of;
use crate::commit::{DeltaLog, LogError, LoggedFile};
use crate::schema::{column, stored_schema};
use crate::segment::{FooterCache, Segment};
use crate::tail::Tail;

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
    /// Whether the frozen part of the tail was in a flush whose end is not known.
    pub flush_in_doubt: bool,
    pub retired: Vec<Retired>,
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

/// All records of a table at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The files, in the order of date, then offsets.
    pub segments: Vec<Arc<Segment>>,
    /// The records that are in no file yet, in offset order.
    pub tail: Vec<RecordBatch>,
    /// Where the files are; paths are from its root.
    pub store: Arc<dyn ObjectStore>,
    /// The schema of tail and files: [`stored_schema`].
    pub schema: SchemaRef,
}

impl Snapshot {
    /// The offset after the last record; a later snapshot shows the same records below it.
    pub fn next_offset(&self) -> Offset {
        let tail = self.tail.iter().rev().find_map(offsets_of).map(|(_, last)| last);
        let stored = self.segments.iter().map(|segment| segment.offsets.1).max();
        tail.max(stored).map_or(Offset(0), Offset::next)
    }
}

impl Table {
    /// Opens a table, which need not exist yet.
    pub(crate) async fn open(
        store: Arc<dyn ObjectStore>,
        account: AccountName,
        stream: StreamName,
        footers: Arc<FooterCache>,
    ) -> Result<Self, LogError> {
        let log = DeltaLog::new(&store, &account, &stream);
        let table = Self {
            account,
            stream,
            store,
            log,
            footers,
            state: Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
            compacting: tokio::sync::Mutex::default(),
            committing: tokio::sync::Mutex::default(),
        };
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
        }
        Ok(table)
    }

    /// Whose records they are.
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// The stream they belong to.
    pub fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// Adds a sequenced batch to the tail. Records that the table already holds are left out, so that a
    /// journal may be replayed from any earlier place.
    ///
    /// # Panics
    /// When the batch has not the columns of [`stored_schema`].
    pub fn append(&self, batch: RecordBatch) {
        assert_eq!(batch.num_columns(), column::COUNT, "the batch is sequenced");
        let Some((first, last)) = offsets_of(&batch) else { return };
        let mut state = self.state.lock();
        let next = state.next_offset();
        if last < next {
            return;
        }
        let known = next.0.saturating_sub(first.0) as usize;
        state.tail.append(if known == 0 { batch } else { batch.slice(known, batch.num_rows() - known) });
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

    /// All records now.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state.lock();
        Snapshot {
            segments: state.segments.clone(),
            tail: state.tail.batches(),
            store: self.store.clone(),
            schema: stored_schema(),
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

    /// Takes over the files that the log lists, after a commit whose answer was lost, and makes the other
    /// change that belongs to it. Segments that are known already stay the same object, so that it is still
    /// known who reads them.
    pub(crate) fn take_over(&self, files: &[LoggedFile], also: impl FnOnce(&mut State), removed_at: Option<Timestamp>) {
        let mut state = self.state.lock();
        let mut known: HashMap<Path, Arc<Segment>> =
            std::mem::take(&mut state.segments).into_iter().map(|segment| (segment.path.clone(), segment)).collect();
        let listed =
            files.iter().map(|file| known.remove(&self.path(&file.path)).unwrap_or_else(|| self.segment(file)));
        state.insert(listed);
        for (path, segment) in known {
            let removed_at = removed_at.unwrap_or(segment.recorded_at.1);
            state.retired.push(Retired { path, removed_at, segment: Some(segment) });
        }
        also(&mut state);
    }
}

impl State {
    pub fn next_offset(&self) -> Offset {
        self.tail.last().max(self.flushed_to).map_or(Offset(0), Offset::next)
    }

    /// The frozen part of the tail, up to `last`, is in the segments now.
    pub fn let_go_of_frozen(&mut self, last: Offset) {
        self.tail.release_frozen();
        self.flushed_to = Some(last);
        self.flush_in_doubt = false;
    }

    /// Adds segments in their place.
    pub fn insert(&mut self, segments: impl IntoIterator<Item = Arc<Segment>>) {
        self.segments.extend(segments);
        self.segments.sort_by(|a, b| (&a.date, a.offsets).cmp(&(&b.date, b.offsets)));
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
