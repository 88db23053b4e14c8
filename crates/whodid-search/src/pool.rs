//! Threads, memory, time and turns: what all searches share.

use std::future::Future;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use futures::future::BoxFuture;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use whodid_lake::Snapshot;

use crate::opened::{OPENED_BYTES_MAX, OpenedCache};
use crate::part::{Part, Resources};
use crate::stats::{Answer, Meter};
use crate::{Options, SearchError};

/// Searches that run at once; the others wait.
pub(crate) const RUNNING_MAX: usize = 16;
/// Searches that may wait for their turn; beyond it they are refused.
pub(crate) const WAITING_MAX: usize = 256;
/// Exports that run at once; their readers set the pace, so that they may not hold up searches.
pub(crate) const EXPORTS_MAX: usize = 8;
/// What statements may spill to disk, as a multiple of the memory of all searches.
pub(crate) const SPILL_FACTOR: u64 = 4;
/// How the folders that DataFusion spills to begin.
const SPILL_PREFIX: &str = "datafusion-";
/// Threads that wait for the disk.
const READING_THREADS_MAX: usize = 64;
/// Segments whose footers are fetched at once.
const OPENING_MAX: usize = 8;

/// What all searches share.
#[derive(Debug)]
pub(crate) struct Pool {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) timeout: Duration,
    pub(crate) partitions: usize,
    pub(crate) memory_bytes: usize,
    pub(crate) environment: Arc<RuntimeEnv>,
    pub(crate) opened: OpenedCache,
    turns: Semaphore,
    exports: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// One search: its snapshot and what it may use.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) shared: Arc<Shared>,
    pub(crate) snapshot: Snapshot,
    pub(crate) resources: Resources,
}

/// Stack of a search thread. Planning follows a statement's tree by recursion, in large frames;
/// only what is touched takes memory.
const STACK_BYTES: usize = 64 << 20;

impl Pool {
    pub(crate) fn new(options: &Options) -> Result<Self, SearchError> {
        let failed = |error| SearchError::internal("starting the search pool", error);
        let partitions = options.target_partitions.max(1);
        let runtime = Builder::new_multi_thread()
            .worker_threads(partitions)
            .thread_name("whodid-search")
            .thread_stack_size(STACK_BYTES)
            .max_blocking_threads(READING_THREADS_MAX)
            .enable_all()
            .build()
            .map_err(failed)?;
        let disk = match &options.spill_dir {
            Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
            None => DiskManagerMode::Disabled,
        };
        if let Some(folder) = &options.spill_dir {
            empty_spill(folder);
        }
        let named = NonZeroUsize::new(3).expect("three is not zero");
        let memory: Arc<dyn MemoryPool> =
            Arc::new(TrackConsumersPool::new(FairSpillPool::new(options.memory_bytes), named));
        let spill_bytes = (options.memory_bytes as u64).saturating_mul(SPILL_FACTOR);
        let spill = DiskManagerBuilder::default().with_mode(disk).with_max_temp_directory_size(spill_bytes);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(memory)
            .with_disk_manager_builder(spill)
            .build_arc()
            .map_err(|error| SearchError::internal("starting the search pool", error))?;
        let shared = Shared {
            timeout: options.timeout,
            partitions,
            memory_bytes: options.memory_bytes,
            environment,
            opened: OpenedCache::new(OPENED_BYTES_MAX),
            turns: Semaphore::new(RUNNING_MAX),
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
            waiting: AtomicUsize::new(0),
        };
        Ok(Self { runtime: Some(runtime), shared: Arc::new(shared) })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("there until it is dropped").handle()
    }

    /// Runs one search on the pool's threads, within the time bound. Ends it when the caller goes away.
    pub(crate) async fn run<T, F>(
        &self,
        snapshot: &Snapshot,
        work: impl FnOnce(Arc<Job>) -> F + Send + 'static,
    ) -> Result<Answer<T>, SearchError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, SearchError>> + Send,
    {
        let job = self.job(snapshot);
        let mut tasks = JoinSet::new();
        tasks.spawn_on(
            async move {
                let bound = job.shared.timeout;
                let timed = tokio::time::timeout(bound, async {
                    let _turn = job.shared.turn().await?;
                    work(job.clone()).await
                });
                let value = timed.await.unwrap_or(Err(SearchError::Timeout { seconds: bound.as_secs_f64() }))?;
                Ok(Answer { value, stats: job.resources.meter.stats() })
            },
            self.handle(),
        );
        match tasks.join_next().await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => Err(broken(error)),
            None => Err(SearchError::internal("waiting for the search", "its task is gone")),
        }
    }

    pub(crate) fn job(&self, snapshot: &Snapshot) -> Arc<Job> {
        let tail_rows = snapshot.tail.iter().map(|batch| batch.num_rows()).sum();
        Arc::new(Job {
            resources: Resources {
                memory: self.shared.environment.memory_pool.clone(),
                memory_bytes: self.shared.memory_bytes,
                meter: Arc::new(Meter::start(snapshot.segments.len(), tail_rows)),
            },
            shared: self.shared.clone(),
            snapshot: snapshot.clone(),
        })
    }
}

impl Shared {
    /// Makes the folders to spill into again: they look like leftovers to whoever cleans up. Without them every large
    /// statement would fail until a restart. A failure shows when something is spilled.
    pub(crate) fn renew_spill(&self) {
        for folder in self.environment.disk_manager.temp_dir_paths() {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            if let Err(error) = builder.create(&folder) {
                tracing::warn!(folder = %folder.display(), %error, "the folder for spilling cannot be made again: {error}");
            }
        }
    }
}

/// Removes what a process that was killed had spilled. What cannot be removed only takes room.
fn empty_spill(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(SPILL_PREFIX)
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, "an old spill folder could not be removed");
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // A runtime may not be dropped where futures run; its threads end by themselves.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    /// Waits for a turn among the searches that run.
    pub(crate) async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, SearchError> {
        let waiting = Waiting::one_more(&self.waiting);
        if waiting.before >= WAITING_MAX {
            return Err(SearchError::TooMany { waiting: waiting.before });
        }
        self.turns.acquire().await.map_err(|error| SearchError::internal("waiting for a turn", error))
    }

    /// A place among the exports that run.
    pub(crate) fn export_turn(&self) -> Result<OwnedSemaphorePermit, SearchError> {
        self.exports.clone().try_acquire_owned().map_err(|_| SearchError::TooMany { waiting: EXPORTS_MAX })
    }
}

struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn one_more(count: &'a AtomicUsize) -> Self {
        Self { count, before: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Job {
    /// The batches in memory that the condition can select from.
    pub(crate) fn tail_parts(&self, condition: &crate::condition::Condition) -> Vec<Part> {
        let parts = self.snapshot.tail.iter().map(Part::of_batch);
        parts.filter(|part| !condition.is_never(&|column| part.bounds(column))).collect()
    }

    /// The places in the snapshot's list of the segments that the condition can select from.
    pub(crate) fn segments(&self, condition: &crate::condition::Condition) -> Vec<usize> {
        let segments = self.snapshot.segments.iter().enumerate();
        segments
            .filter(|(_, segment)| !condition.is_never(&|column| crate::part::segment_bounds(segment, column)))
            .map(|(at, _)| at)
            .collect()
    }

    /// The row groups of these segments that the condition can select from, in the order of the segments.
    pub(crate) async fn segment_parts(
        &self,
        segments: &[usize],
        condition: &crate::condition::Condition,
    ) -> Result<Vec<Part>, SearchError> {
        use futures::{StreamExt, TryStreamExt};
        let opening = segments.iter().map(|at| self.shared.opened.open(&self.snapshot.segments[*at], &self.snapshot));
        let opened: Vec<_> =
            futures::stream::iter(opening.collect::<Vec<_>>()).buffered(OPENING_MAX).try_collect().await?;
        let mut parts = Vec::new();
        for opened in &opened {
            let before = parts.len();
            parts.extend(
                Part::of_segment(opened).into_iter().filter(|part| !condition.is_never(&|column| part.bounds(column))),
            );
            if parts.len() > before {
                self.resources.meter.read_segment();
            }
        }
        Ok(parts)
    }

    /// Every part that the condition can select from.
    pub(crate) async fn parts(&self, condition: &crate::condition::Condition) -> Result<Vec<Part>, SearchError> {
        let mut parts = self.segment_parts(&self.segments(condition), condition).await?;
        parts.extend(self.tail_parts(condition));
        Ok(parts)
    }

    /// Goes over the parts with several workers, each with a state of its own; gives the states.
    pub(crate) async fn fold<S, C>(
        self: &Arc<Self>,
        parts: Vec<Part>,
        context: Arc<C>,
        step: impl for<'a> Fn(&'a Job, &'a C, usize, &'a Part, &'a mut S) -> BoxFuture<'a, Result<(), SearchError>>
        + Copy
        + Send
        + Sync
        + 'static,
    ) -> Result<Vec<S>, SearchError>
    where
        S: Default + Send + 'static,
        C: Send + Sync + 'static,
    {
        let workers = self.shared.partitions.min(parts.len());
        let parts = Arc::new(parts);
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..workers {
            let (job, context, parts, next) = (self.clone(), context.clone(), parts.clone(), next.clone());
            tasks.spawn(async move {
                let mut state = S::default();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(part) = parts.get(at) else { return Ok::<_, SearchError>(state) };
                    // A search that was given up ends here, and one that ran too long.
                    tokio::task::yield_now().await;
                    step(&job, &context, at, part, &mut state).await?;
                }
            });
        }
        let mut states = Vec::with_capacity(workers);
        while let Some(done) = tasks.join_next().await {
            match done.map_err(broken).flatten() {
                Ok(state) => states.push(state),
                Err(error) => {
                    // What the others took is given back before the error is told.
                    tasks.shutdown().await;
                    return Err(error);
                }
            }
        }
        Ok(states)
    }
}

pub(crate) fn broken(error: JoinError) -> SearchError {
    SearchError::internal("running a part of it", error)
}
