//! A segment: one immutable Parquet file of a table, sorted by (event_time, offset), and its footer.
//!
//! Footers (row groups, page index, bloom filter places) are read once and kept in one cache with a
//! bound in bytes for the whole lake, so that a query over many segments does not fetch them again.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, MetadataFetch};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use whodid_model::{Offset, Timestamp};

/// Bytes of footers kept in memory for a lake.
pub const FOOTER_CACHE_BYTES: usize = 64 << 20;

/// One immutable file of sorted rows.
#[derive(Debug)]
pub struct Segment {
    /// Where it lies, from the root of the lake's store.
    pub path: Path,
    /// File size.
    pub bytes: u64,
    /// Number of rows.
    pub rows: u64,
    /// First and last offset, both held. Not every offset between them needs to be here: a flush is
    /// split by date.
    pub offsets: (Offset, Offset),
    /// Least and greatest `event_time`, both held.
    pub event_time: (Timestamp, Timestamp),
    /// Least and greatest `recorded_at`, both held.
    pub recorded_at: (Timestamp, Timestamp),
    /// The UTC day of all its events: `2026-01-31`. Empty when they are of many days.
    pub date: String,
    pub(crate) footer: FooterSlot,
}

impl Segment {
    /// The Parquet metadata with its page index, from the cache or from `store`.
    pub async fn footer(&self, store: &Arc<dyn ObjectStore>) -> ParquetResult<Arc<ParquetMetaData>> {
        if let Some(known) = self.footer.get() {
            return Ok(known);
        }
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_prefetch_hint(Some(FOOTER_PREFETCH_BYTES))
            .load_and_finish(FooterFetch { store, path: &self.path }, self.bytes)
            .await?;
        let metadata = Arc::new(metadata);
        self.footer.put(metadata.clone());
        Ok(metadata)
    }

    /// Whether the segment can hold events of `[from, to)`.
    pub fn may_hold(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
        from.is_none_or(|from| self.event_time.1 >= from) && to.is_none_or(|to| self.event_time.0 < to)
    }
}

/// Reads a segment's pages for the Parquet library, with the footer from the cache.
#[derive(Debug, Clone)]
pub struct SegmentReader {
    store: Arc<dyn ObjectStore>,
    segment: Arc<Segment>,
}

impl SegmentReader {
    /// A reader of `segment`, which lies in `store`.
    pub fn new(store: Arc<dyn ObjectStore>, segment: Arc<Segment>) -> Self {
        Self { store, segment }
    }
}

impl AsyncFileReader for SegmentReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move { self.store.get_range(&self.segment.path, range).await.map_err(external) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.segment.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move { self.segment.footer(&self.store).await }.boxed()
    }
}

/// Reads parts of one file for the footer's sake.
struct FooterFetch<'a> {
    store: &'a Arc<dyn ObjectStore>,
    path: &'a Path,
}

impl MetadataFetch for FooterFetch<'_> {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move { self.store.get_range(self.path, range).await.map_err(external) }.boxed()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// First read at a file's end: most footers fit, so that one request fetches them.
const FOOTER_PREFETCH_BYTES: usize = 64 << 10;

/// The footers in memory, least recently used out first.
#[derive(Debug)]
pub struct FooterCache {
    bytes_max: usize,
    next_key: AtomicU64,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    footers: HashMap<u64, Kept>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Kept {
    metadata: Arc<ParquetMetaData>,
    bytes: usize,
    used: u64,
}

impl FooterCache {
    /// An empty cache that keeps at most `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, next_key: AtomicU64::new(0), held: Mutex::default() })
    }

    /// Bytes held now.
    pub fn bytes(&self) -> usize {
        self.held.lock().bytes
    }

    /// A place for one more segment's footer.
    pub(crate) fn slot(self: &Arc<Self>) -> FooterSlot {
        FooterSlot { key: self.next_key.fetch_add(1, Ordering::Relaxed), cache: self.clone() }
    }
}

/// One segment's place in the cache; emptied when the segment is dropped.
#[derive(Debug)]
pub(crate) struct FooterSlot {
    key: u64,
    cache: Arc<FooterCache>,
}

impl FooterSlot {
    fn get(&self) -> Option<Arc<ParquetMetaData>> {
        let mut held = self.cache.held.lock();
        held.uses += 1;
        let used = held.uses;
        let kept = held.footers.get_mut(&self.key)?;
        kept.used = used;
        Some(kept.metadata.clone())
    }

    fn put(&self, metadata: Arc<ParquetMetaData>) {
        let bytes = metadata.memory_size();
        let mut held = self.cache.held.lock();
        held.uses += 1;
        let used = held.uses;
        if let Some(before) = held.footers.insert(self.key, Kept { metadata, bytes, used }) {
            held.bytes -= before.bytes;
        }
        held.bytes += bytes;
        if held.bytes > self.cache.bytes_max {
            held.evict(self.cache.bytes_max / 8 * 7);
        }
    }
}

impl Drop for FooterSlot {
    fn drop(&mut self) {
        let mut held = self.cache.held.lock();
        if let Some(kept) = held.footers.remove(&self.key) {
            held.bytes -= kept.bytes;
        }
    }
}

impl Held {
    /// Drops the least recently used until at most `bytes_left` are held.
    fn evict(&mut self, bytes_left: usize) {
        let mut by_use: Vec<(u64, u64)> = self.footers.iter().map(|(key, kept)| (kept.used, *key)).collect();
        by_use.sort_unstable();
        for (_, key) in by_use {
            if self.bytes <= bytes_left {
                return;
            }
            if let Some(kept) = self.footers.remove(&key) {
                self.bytes -= kept.bytes;
            }
        }
    }
}
