//! A search ends when it is told to, when its time is over, and before it takes too much memory.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result as StoreResult,
};
use tokio::sync::Notify;
use whodid_decode::{Format, decode};
use whodid_lake::{BatchBuilder, Lake, Snapshot, sequence};
use whodid_model::{AccountName, Field, Offset, StreamName, Timestamp};
use whodid_query::Target;
use whodid_search::{ErrorKind, Filter, Options, Order, SearchError, Searcher, Visible};

/// A store whose reads can be held up.
#[derive(Debug)]
struct Gate {
    inner: InMemory,
    closed: Arc<Closed>,
}

#[derive(Debug, Default)]
struct Closed {
    is_closed: std::sync::atomic::AtomicBool,
    waiting: AtomicUsize,
    reached: Notify,
}

/// One read that waits; counted for as long as it does.
struct Waiting<'a>(&'a Closed);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
        self.0.reached.notify_one();
    }
}

impl Gate {
    async fn pass(&self) {
        if self.closed.is_closed.load(Ordering::SeqCst) {
            self.closed.waiting.fetch_add(1, Ordering::SeqCst);
            let _waiting = Waiting(&self.closed);
            self.closed.reached.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("gate")
    }
}

#[async_trait]
impl ObjectStore for Gate {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> StoreResult<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.pass().await;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> StoreResult<Vec<Bytes>> {
        self.pass().await;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, StoreResult<Path>>) -> BoxStream<'static, StoreResult<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

async fn world(rows: usize) -> (Snapshot, Arc<Closed>) {
    let closed = Arc::new(Closed::default());
    let lake = Lake::on(Arc::new(Gate { inner: InMemory::new(), closed: closed.clone() }));
    let table = lake.table(&AccountName::default_account(), &StreamName::activity()).await.unwrap();
    let recorded_at = Timestamp::from_micros(1_770_000_000_000_000);
    let mut builder = BatchBuilder::new();
    for number in 0..rows {
        let raw =
            format!(r#"{{"when":"2026-02-0{}T00:00:00Z","user":"alice","id":"event-{number:050}"}}"#, number % 3 + 1);
        let items = decode(Format::Json, raw.as_bytes(), recorded_at);
        builder.append("json", raw.as_bytes(), items[0].event.as_ref().unwrap());
    }
    table.append(sequence(&builder.finish(), Offset(0), recorded_at)).unwrap();
    table.flush().await.unwrap();
    (table.snapshot(), closed)
}

fn searcher(memory_bytes: usize, timeout: Duration) -> Searcher {
    Searcher::new(Options { memory_bytes, spill_dir: None, timeout, target_partitions: 2 }).unwrap()
}

fn filter(text: &str) -> Filter {
    Filter::of(whodid_query::parse(text).unwrap(), everyone())
}

async fn until(closed: &Closed, waiting: impl Fn(usize) -> bool) {
    let reached = async {
        while !waiting(closed.waiting.load(Ordering::SeqCst)) {
            closed.reached.notified().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reached).await.expect("reached in time");
}

#[tokio::test]
async fn a_dropped_search_stops_its_work() {
    let (snapshot, closed) = world(300).await;
    let searcher = searcher(64 << 20, Duration::from_secs(60));
    closed.is_closed.store(true, Ordering::SeqCst);
    let everything = filter("alice");
    let mut count = Box::pin(searcher.count(&snapshot, &everything));
    assert!(count.as_mut().now_or_never().is_none());
    until(&closed, |waiting| waiting > 0).await;
    drop(count);
    until(&closed, |waiting| waiting == 0).await;

    let export = searcher.export(&snapshot, &everything, Order::OldestFirst, None).unwrap();
    until(&closed, |waiting| waiting > 0).await;
    drop(export);
    until(&closed, |waiting| waiting == 0).await;
}

#[tokio::test]
async fn a_search_whose_time_is_over_is_told_so() {
    let (snapshot, closed) = world(300).await;
    let searcher = searcher(64 << 20, Duration::from_millis(50));
    closed.is_closed.store(true, Ordering::SeqCst);
    let error = searcher.list(&snapshot, &filter("alice"), Order::NewestFirst, None, 10).await.unwrap_err();
    assert!(matches!(error, SearchError::Timeout { .. }) && error.kind() == ErrorKind::Timeout, "{error:?}");
    let mut export = searcher.export(&snapshot, &filter("alice"), Order::NewestFirst, None).unwrap();
    let error = export.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(export.next().await.is_none());
    until(&closed, |waiting| waiting == 0).await;

    closed.is_closed.store(false, Ordering::SeqCst);
    let searcher = self::searcher(64 << 20, Duration::from_secs(60));
    assert_eq!(searcher.count(&snapshot, &filter("alice")).await.unwrap().value, 300);
}

#[tokio::test]
async fn a_search_that_needs_too_much_memory_is_refused_and_others_go_on() {
    let (snapshot, _) = world(20_000).await;
    let searcher = searcher(600 << 10, Duration::from_secs(60));
    let id = Target::Field(Field::Id);
    let error = searcher.top(&snapshot, &filter(""), &id, 10, None).await.unwrap_err();
    assert!(matches!(error, SearchError::Memory { .. }) && error.kind() == ErrorKind::Overloaded, "{error:?}");
    let error = searcher.histogram(&snapshot, &filter(""), 1, &id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded, "{error:?}");
    assert_eq!(searcher.count(&snapshot, &filter("")).await.unwrap().value, 20_000);
    assert_eq!(
        searcher
            .top(&snapshot, &filter(""), &Target::Field(Field::InitiatorName), 10, None)
            .await
            .unwrap()
            .value
            .missing,
        0
    );
}

#[tokio::test]
async fn a_searcher_can_be_dropped_where_futures_run() {
    let (snapshot, _) = world(10).await;
    let searcher = searcher(64 << 20, Duration::from_secs(60));
    assert_eq!(searcher.count(&snapshot, &filter("")).await.unwrap().value, 10);
    drop(searcher);
}

#[tokio::test]
async fn a_page_of_large_records_ends_early_and_the_next_one_goes_on() {
    let lake = Lake::open(whodid_lake::Location::Memory).await.unwrap();
    let table = lake.table(&AccountName::default_account(), &StreamName::activity()).await.unwrap();
    let recorded_at = Timestamp::from_micros(1_770_000_000_000_000);
    let mut builder = BatchBuilder::new();
    for number in 0..50 {
        let raw = format!(r#"{{"when":"2026-02-01T00:00:{number:02}Z","text":"{}"}}"#, "x".repeat(900_000));
        let items = decode(Format::Json, raw.as_bytes(), recorded_at);
        builder.append("json", raw.as_bytes(), items[0].event.as_ref().unwrap());
    }
    table.append(sequence(&builder.finish(), Offset(0), recorded_at)).unwrap();
    let searcher = Searcher::new(Options { target_partitions: 2, ..Options::default() }).unwrap();
    for is_flushed in [false, true] {
        if is_flushed {
            table.flush().await.unwrap();
        }
        let (mut after, mut pages, mut rows) = (None, Vec::new(), 0);
        loop {
            let filter = Filter::everything(everyone());
            let page = searcher.list(&table.snapshot(), &filter, Order::OldestFirst, after, 100).await.unwrap();
            let given: usize = page.rows.iter().map(|batch| batch.num_rows()).sum();
            rows += given;
            pages.push(given);
            after = Some((event_time_of(rows), Offset(rows as u64 - 1)));
            if !page.more {
                break;
            }
        }
        assert_eq!((pages.as_slice(), rows), ([37, 13].as_slice(), 50), "flushed: {is_flushed}");
    }
}

/// The event time of the last of so many rows.
fn event_time_of(rows: usize) -> Timestamp {
    Timestamp::parse(&format!("2026-02-01T00:00:{:02}Z", rows - 1)).unwrap().at
}

fn everyone() -> Visible {
    Visible::all(StreamName::activity())
}
