//! A segment made ready for reading: its footer, which of its columns are dictionaries, its bloom filters.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Encoding;
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use whodid_lake::schema::stored_schema;
use whodid_lake::{Segment, Snapshot};

use crate::SearchError;

/// Bytes of opened segments (footers, bloom filters) kept for the next search.
pub(crate) const OPENED_BYTES_MAX: usize = 64 << 20;

/// Bloom filters by row group and column; `None` where the file has none.
type Blooms = HashMap<(usize, usize), Option<Arc<Sbbf>>>;

/// A segment made ready for reading.
pub(crate) struct Opened {
    pub(crate) path: Path,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) metadata: Arc<ParquetMetaData>,
    /// Text columns as plain texts.
    pub(crate) plain: ArrowReaderMetadata,
    /// Text columns as dictionaries where every page of the file is one.
    pub(crate) coded: ArrowReaderMetadata,
    /// Column of the file, by column of the stored schema.
    leaves: Vec<Option<usize>>,
    is_coded: Vec<bool>,
    blooms: Mutex<Blooms>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Opened").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Opened {
    async fn open(segment: &Segment, store: &Arc<dyn ObjectStore>) -> Result<Self, SearchError> {
        let metadata = segment.footer(store).await.map_err(|source| unreadable(&segment.path, source))?;
        Self::from_footer(segment, store, metadata).map_err(|source| unreadable(&segment.path, source))
    }

    fn from_footer(
        segment: &Segment,
        store: &Arc<dyn ObjectStore>,
        metadata: Arc<ParquetMetaData>,
    ) -> Result<Self, ParquetError> {
        let schema = metadata.file_metadata().schema_descr_ptr();
        let stored = stored_schema();
        let leaf_of = |name: &str| schema.columns().iter().position(|leaf| leaf.name() == name);
        let leaves: Vec<_> = stored.fields().iter().map(|field| leaf_of(field.name())).collect();
        let is_coded: Vec<_> = stored
            .fields()
            .iter()
            .zip(&leaves)
            .map(|(field, leaf)| {
                *field.data_type() == DataType::Utf8 && leaf.is_some_and(|leaf| is_dictionary(&metadata, leaf))
            })
            .collect();
        let inferred = ArrowReaderMetadata::try_new(metadata.clone(), ArrowReaderOptions::new())?;
        let with_types = |coded: bool| {
            let fields: Vec<ArrowField> = inferred
                .schema()
                .fields()
                .iter()
                .map(|field| {
                    let known = stored.index_of(field.name()).ok();
                    let kind = match known {
                        Some(column) if coded && is_coded[column] => dictionary_type(),
                        Some(column) => stored.field(column).data_type().clone(),
                        None => field.data_type().clone(),
                    };
                    field.as_ref().clone().with_data_type(kind)
                })
                .collect();
            let schema: SchemaRef = Arc::new(Schema::new_with_metadata(fields, inferred.schema().metadata().clone()));
            ArrowReaderMetadata::try_new(metadata.clone(), ArrowReaderOptions::new().with_schema(schema))
        };
        Ok(Self {
            path: segment.path.clone(),
            store: store.clone(),
            plain: with_types(false)?,
            coded: with_types(true)?,
            metadata,
            leaves,
            is_coded,
            blooms: Mutex::default(),
        })
    }

    /// Column of the file; `None` when it was written before there was such a column.
    pub(crate) fn leaf(&self, column: usize) -> Option<usize> {
        self.leaves[column]
    }

    /// Whether the column is read as a dictionary.
    pub(crate) fn is_coded(&self, column: usize) -> bool {
        self.is_coded[column]
    }

    pub(crate) fn chunk(&self, group: usize, column: usize) -> Option<&ColumnChunkMetaData> {
        Some(self.metadata.row_group(group).column(self.leaves[column]?))
    }

    /// False when `text` is certainly not a value of the column in this row group.
    pub(crate) async fn may_hold(&self, group: usize, column: usize, text: &str) -> Result<bool, SearchError> {
        let Some(chunk) = self.chunk(group, column) else { return Ok(false) };
        if let Some(statistics) = chunk.statistics() {
            let below = statistics.min_bytes_opt().is_some_and(|least| text.as_bytes() < least);
            // A cut-off maximum is rounded up, so that it still bounds.
            let above = statistics.max_bytes_opt().is_some_and(|most| text.as_bytes() > most);
            if below || above {
                return Ok(false);
            }
        }
        let bloom = self.bloom(group, column, chunk).await?;
        Ok(bloom.is_none_or(|bloom| bloom.check(&text)))
    }

    async fn bloom(
        &self,
        group: usize,
        column: usize,
        chunk: &ColumnChunkMetaData,
    ) -> Result<Option<Arc<Sbbf>>, SearchError> {
        let (Some(start), Some(length)) = (chunk.bloom_filter_offset(), chunk.bloom_filter_length()) else {
            return Ok(None);
        };
        if let Some(known) = self.blooms.lock().get(&(group, column)) {
            return Ok(known.clone());
        }
        let start = start as u64;
        let bytes = self
            .store
            .get_range(&self.path, start..start + length as u64)
            .await
            .map_err(|source| unreadable(&self.path, source))?;
        // A filter of an unknown kind only costs the shortcut.
        let bloom = Sbbf::from_bytes(&bytes).ok().map(Arc::new);
        self.blooms.lock().insert((group, column), bloom.clone());
        Ok(bloom)
    }

    fn bytes(&self) -> usize {
        let blooms: usize = self.blooms.lock().values().flatten().map(|bloom| bloom.num_blocks() * 32).sum();
        self.metadata.memory_size() + blooms
    }
}

pub(crate) fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

pub(crate) fn unreadable(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> SearchError {
    SearchError::Segment { path: path.to_string(), source: source.into() }
}

fn is_dictionary(metadata: &ParquetMetaData, leaf: usize) -> bool {
    metadata.row_groups().iter().all(|group| {
        let chunk = group.column(leaf);
        let only_nulls =
            chunk.statistics().and_then(|statistics| statistics.null_count_opt()) == Some(chunk.num_values() as u64);
        let coded = chunk.dictionary_page_offset().is_some()
            && chunk
                .page_encoding_stats_mask()
                .is_some_and(|mask| mask.is_only(Encoding::RLE_DICTIONARY) || mask.is_only(Encoding::PLAIN_DICTIONARY));
        coded || only_nulls
    })
}

/// The segments opened lately. A segment is known by its place in memory, so that two lakes with the
/// same paths are never mixed up.
#[derive(Debug)]
pub(crate) struct OpenedCache {
    held: Mutex<Held>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Held {
    by_address: HashMap<usize, Kept>,
    /// What those of `by_address` come to, each as it was when it was last looked at.
    bytes: usize,
    uses: u64,
    /// Segments kept when those that are gone were last sought.
    swept: usize,
}

#[derive(Debug)]
struct Kept {
    segment: Weak<Segment>,
    opened: Arc<Opened>,
    bytes: usize,
    used: u64,
}

impl OpenedCache {
    /// One that keeps so many bytes: [`OPENED_BYTES_MAX`], but in tests.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { held: Mutex::default(), bytes_max }
    }

    pub(crate) async fn open(&self, segment: &Arc<Segment>, snapshot: &Snapshot) -> Result<Arc<Opened>, SearchError> {
        if let Some(opened) = self.known(segment) {
            return Ok(opened);
        }
        let opened = Arc::new(Opened::open(segment, &snapshot.store).await?);
        self.keep(segment, opened.clone());
        Ok(opened)
    }

    fn known(&self, segment: &Arc<Segment>) -> Option<Arc<Opened>> {
        let mut held = self.held.lock();
        held.uses += 1;
        let uses = held.uses;
        let kept = held.by_address.get_mut(&(Arc::as_ptr(segment) as usize))?;
        // The address of a dropped segment may have been given to another one.
        let same = kept.segment.upgrade().is_some_and(|kept| Arc::ptr_eq(&kept, segment));
        if !same {
            return None;
        }
        kept.used = uses;
        let opened = kept.opened.clone();
        // Bloom filters come while it is used.
        let bytes = opened.bytes();
        let before = std::mem::replace(&mut kept.bytes, bytes);
        held.bytes = held.bytes - before + bytes;
        Some(opened)
    }

    fn keep(&self, segment: &Arc<Segment>, opened: Arc<Opened>) {
        let mut held = self.held.lock();
        held.uses += 1;
        let used = held.uses;
        let bytes = opened.bytes();
        let kept = Kept { segment: Arc::downgrade(segment), opened, bytes, used };
        held.bytes += bytes;
        if let Some(before) = held.by_address.insert(Arc::as_ptr(segment) as usize, kept) {
            held.bytes -= before.bytes;
        }
        // Each time it has doubled, so that opening many segments looks at each a few times only.
        if held.by_address.len() >= 2 * held.swept.max(16) || held.bytes > self.bytes_max {
            held.sweep(self.bytes_max);
        }
    }
}

impl Held {
    /// Lets go of segments that are gone, and of those used longest ago while there are too many.
    fn sweep(&mut self, bytes_max: usize) {
        self.by_address.retain(|_, kept| kept.segment.strong_count() > 0);
        self.bytes = self.by_address.values().map(|kept| kept.bytes).sum();
        if self.bytes > bytes_max {
            let mut by_use: Vec<(u64, usize)> =
                self.by_address.iter().map(|(address, kept)| (kept.used, *address)).collect();
            by_use.sort_unstable();
            for (_, address) in by_use {
                if self.bytes <= bytes_max / 8 * 7 {
                    break;
                }
                self.bytes -= self.by_address.remove(&address).map_or(0, |kept| kept.bytes);
            }
        }
        self.swept = self.by_address.len();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use whodid_decode::{Format, decode};
    use whodid_lake::{BatchBuilder, Lake, Location, sequence};
    use whodid_model::{AccountName, Offset, StreamName, Timestamp};

    use super::*;

    /// A table of so many segments, as a snapshot that alone holds them.
    async fn segments(count: u64) -> Snapshot {
        let lake = Lake::open(Location::Memory).await.unwrap();
        let table = lake.table(&AccountName::default_account(), &StreamName::activity()).await.unwrap();
        let recorded_at = Timestamp::from_micros(1_770_000_000_000_000);
        for number in 0..count {
            let raw = format!(r#"{{"when":"2026-02-01T00:00:00Z","user":"alice","id":"e{number}"}}"#);
            let items = decode(Format::Json, raw.as_bytes(), recorded_at);
            let mut builder = BatchBuilder::new();
            builder.append("json", raw.as_bytes(), items[0].event.as_ref().unwrap());
            table.append(sequence(&builder.finish(), Offset(number), recorded_at)).unwrap();
            table.flush().await.unwrap();
        }
        table.snapshot()
    }

    async fn open_all(cache: &OpenedCache, snapshot: &Snapshot) -> Vec<Arc<Opened>> {
        let mut opened = Vec::new();
        for segment in &snapshot.segments {
            opened.push(cache.open(segment, snapshot).await.unwrap());
        }
        opened
    }

    fn kept(cache: &OpenedCache, snapshot: &Snapshot) -> Vec<bool> {
        snapshot.segments.iter().map(|segment| cache.known(segment).is_some()).collect()
    }

    #[tokio::test]
    async fn a_segment_is_opened_once() {
        let (cache, snapshot) = (OpenedCache::new(OPENED_BYTES_MAX), segments(3).await);
        let (first, second) = (open_all(&cache, &snapshot).await, open_all(&cache, &snapshot).await);
        assert!(first.iter().zip(&second).all(|(first, second)| Arc::ptr_eq(first, second)));
        assert_eq!(cache.held.lock().bytes, first.iter().map(|opened| opened.bytes()).sum::<usize>());
    }

    #[tokio::test]
    async fn those_used_longest_ago_go_when_the_bytes_are_too_many() {
        let snapshot = segments(5).await;
        let one = open_all(&OpenedCache::new(OPENED_BYTES_MAX), &snapshot).await[0].bytes();
        let cache = OpenedCache::new(one * 4 + one / 2);
        let first = cache.open(&snapshot.segments[0], &snapshot).await.unwrap();
        for segment in &snapshot.segments[1..4] {
            cache.open(segment, &snapshot).await.unwrap();
        }
        // The first is used again, so that the second is the oldest when the fifth comes.
        assert!(Arc::ptr_eq(&cache.open(&snapshot.segments[0], &snapshot).await.unwrap(), &first));
        cache.open(&snapshot.segments[4], &snapshot).await.unwrap();
        assert!(cache.held.lock().bytes <= cache.bytes_max);
        assert_eq!(kept(&cache, &snapshot), [true, false, false, true, true]);
        let held = cache.held.lock();
        assert_eq!(held.bytes, held.by_address.values().map(|kept| kept.opened.bytes()).sum::<usize>());
    }

    #[tokio::test]
    async fn what_bloom_filters_take_counts() {
        let (cache, snapshot) = (OpenedCache::new(OPENED_BYTES_MAX), segments(1).await);
        let opened = open_all(&cache, &snapshot).await.remove(0);
        let before = cache.held.lock().bytes;
        let id = stored_schema().index_of("id").unwrap();
        assert!(opened.may_hold(0, id, "e0").await.unwrap());
        assert!(!opened.blooms.lock().is_empty(), "the column has a bloom filter");
        cache.open(&snapshot.segments[0], &snapshot).await.unwrap();
        assert!(cache.held.lock().bytes > before);
    }

    #[tokio::test]
    async fn segments_that_were_replaced_are_let_go_and_never_mistaken_for_others() {
        let cache = OpenedCache::new(OPENED_BYTES_MAX);
        let (gone, there) = (segments(1).await, segments(31).await);
        let opened = open_all(&cache, &gone).await.remove(0);
        let (weak, address) = (Arc::downgrade(&opened), Arc::as_ptr(&gone.segments[0]) as usize);
        drop((opened, gone));
        // Another segment gets the address of the one that is gone.
        let reused = &there.segments[0];
        {
            let mut held = cache.held.lock();
            let kept = held.by_address.remove(&address).unwrap();
            held.by_address.insert(Arc::as_ptr(reused) as usize, kept);
        }
        assert!(cache.known(reused).is_none());
        open_all(&cache, &there).await;
        assert_eq!(cache.held.lock().by_address.len(), 31);
        assert!(weak.upgrade().is_none(), "nothing of it is kept");
    }

    #[tokio::test]
    async fn entries_of_segments_that_are_gone_do_not_heap_up() {
        let cache = OpenedCache::new(OPENED_BYTES_MAX);
        for _ in 0..100 {
            open_all(&cache, &segments(1).await).await;
        }
        assert!(cache.held.lock().by_address.len() <= 32);
    }
}
