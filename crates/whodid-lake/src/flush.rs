//! Tail to lake: sorted Parquet files and one commit that says how far the table goes.
//!
//! The files of a flush are named after the offsets it covers, so that a repeated flush writes them again
//! instead of leaving more. Whether a commit happened is told by the log alone: its transaction version is
//! the last offset. Equal to ours: done. Equal to what was there before: try again. Anything else was
//! written by somebody else, and nothing more is written.

use std::time::Duration;

use arrow::array::RecordBatch;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use whodid_model::{Offset, Timestamp, chain};

use crate::batch::offsets_of;
use crate::commit::{LogError, LogState, LoggedFile};
use crate::owner::OwnerError;
use crate::parquet_file::{SegmentWriteError, encode, integers, sorted_by_day};
use crate::schema::{column, partition_folder};
use crate::table::{InFlight, Table};

/// Tries of one commit before a flush gives up and leaves it to the next.
const COMMIT_TRIES: u32 = 5;
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// What a flush did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlushReport {
    /// Records that went from the tail into the lake.
    pub rows: u64,
    /// Files they are in.
    pub segments: usize,
    /// Bytes of those files.
    pub bytes: u64,
    /// The last offset that is in the lake now.
    pub flushed_to: Option<Offset>,
}

/// Why a flush did not end. The tail is as it was; the next flush goes on where this one stopped.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// A file could not be encoded.
    #[error("cannot encode a segment of table {table}")]
    Encode {
        /// `account/stream`.
        table: String,
        /// What failed.
        source: SegmentWriteError,
    },
    /// A file could not be stored: no space, no rights, no network.
    #[error("cannot write the segment {path}")]
    Write {
        /// Which file.
        path: Path,
        /// What the store said.
        source: object_store::Error,
    },
    /// The log could not be read or written, also after several tries.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Somebody else writes this table. Going on could store records twice.
    #[error("table {table} was written by another: it ends at offset {found:?} where {expected:?} was expected")]
    Foreign {
        /// `account/stream`.
        table: String,
        /// The last offset by the log.
        found: Option<Offset>,
        /// The last offset that this process knows of.
        expected: Option<Offset>,
    },
    /// Another server has claimed the lake, or that could not be found out.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// A commit that an earlier life of this process sent has arrived only now. What it holds was taken over; the
    /// rest is still in the tail.
    #[error("an earlier commit of table {table} arrived late; its records were taken over")]
    Late {
        /// `account/stream`.
        table: String,
    },
    /// A worker thread died.
    #[error("a flush of table {table} was cut off")]
    Worker {
        /// `account/stream`.
        table: String,
        /// How.
        source: tokio::task::JoinError,
    },
}

impl Table {
    /// Brings everything that is in the tail now into the lake. Appends and snapshots go on meanwhile.
    ///
    /// Dropping the future at any point is as safe as a crash there.
    pub async fn flush(&self) -> Result<FlushReport, FlushError> {
        let _one = self.flushing.lock().await;
        let until = self.state.lock().tail.last();
        let mut report = FlushReport { flushed_to: self.flushed_to(), ..FlushReport::default() };
        // Few rounds: what an earlier flush left frozen, what a late commit left of it, then the rest.
        while until.is_some() && report.flushed_to < until {
            let cut = self.state.lock().tail.freeze();
            match self.flush_cut(cut, &mut report).await {
                Err(FlushError::Late { table }) => {
                    tracing::warn!(%table, "a commit of an earlier process arrived late; its records were taken over");
                    report.flushed_to = self.flushed_to();
                }
                done => done?,
            }
        }
        Ok(report)
    }

    /// Takes over a commit of an earlier life of this process: it was on its way when that one ended, and arrived
    /// after the log was read. It is ours when it holds exactly the first records of the frozen tail, taken in at
    /// the same microseconds; whoever else writes here has other times. The caller holds `committing`.
    async fn take_over_own(&self, read: &LogState, before: Option<Offset>) -> Result<bool, FlushError> {
        let Some(found) = read.flushed_to else { return Ok(false) };
        let files = self.log.files(read).await?;
        let new = || files.iter().filter(|file| Some(file.facts.offsets.1) > before);
        let mut state = self.state.lock();
        let first = before.map_or(0, |before| before.0 + 1);
        let ours: Vec<RecordBatch> = state.tail.frozen().iter().filter_map(|batch| up_to(batch, found)).collect();
        let times = |place: usize| {
            let times = ours.iter().flat_map(|batch| integers(batch, place).iter().copied());
            times.fold((i64::MAX, i64::MIN), |(least, most), time| (least.min(time), most.max(time)))
        };
        let logged = |times: fn(&LoggedFile) -> (Timestamp, Timestamp)| {
            let times = new().map(times).map(|(least, most)| (least.micros(), most.micros()));
            times.fold((i64::MAX, i64::MIN), |(least, most), (a, b)| (least.min(a), most.max(b)))
        };
        let rows: usize = ours.iter().map(RecordBatch::num_rows).sum();
        let is_ours = found.0 >= first
            && rows as u64 == found.0 - first + 1
            && new().map(|file| file.facts.rows).sum::<u64>() == rows as u64
            && logged(|file| file.facts.recorded_at) == times(column::RECORDED_AT)
            && logged(|file| file.facts.event_time) == times(column::EVENT_TIME);
        if is_ours {
            let segments: Vec<_> = new().map(|file| self.segment(file)).collect();
            state.let_go_of_frozen(found);
            state.insert(segments);
        }
        Ok(is_ours)
    }

    async fn flush_cut(&self, cut: Vec<RecordBatch>, report: &mut FlushReport) -> Result<(), FlushError> {
        let bounds = cut.first().and_then(offsets_of).zip(cut.last().and_then(offsets_of));
        let Some(((first, _), (_, last))) = bounds else { return Ok(()) };
        let rows: usize = cut.iter().map(RecordBatch::num_rows).sum();

        let was_in_doubt = std::mem::replace(&mut self.state.lock().flush_in_doubt, true);
        if !(was_in_doubt && self.has_landed(last).await?) {
            // Before the files too: of the same offsets another's have the same names.
            self.check_claim().await?;
            let mut in_flight = InFlight::new(self);
            let files = self.write_segments(cut, (first, last), &mut in_flight).await?;
            report.segments += files.len();
            report.bytes += files.iter().map(|file| file.bytes).sum::<u64>();
            let version = {
                // Held until the state tells what the log tells: a merge reads the log under it too.
                let _commit = self.committing.lock().await;
                self.check_claim().await?;
                let version = self.commit_segments(&files, last).await?;
                let mut state = self.state.lock();
                let segments: Vec<_> = files.iter().map(|file| self.segment(file)).collect();
                state.let_go_of_frozen(last);
                state.insert(segments);
                version
            };
            if let Some(version) = version
                && let Err(error) = self.log.checkpoint_after(version).await
            {
                // The flush itself is done. The next checkpoint makes up for this one.
                tracing::warn!(table = %self.name(), error = %chain(&error), "cannot write a checkpoint of the table's log");
            }
        }
        report.rows += rows as u64;
        report.flushed_to = Some(last);
        Ok(())
    }

    pub(crate) async fn check_claim(&self) -> Result<(), OwnerError> {
        match self.claim.get() {
            Some(claim) => claim.check().await,
            None => Ok(()),
        }
    }

    /// Whether a flush that was cut off has reached the log after all; then its segments are taken over.
    async fn has_landed(&self, last: Offset) -> Result<bool, FlushError> {
        let _commit = self.committing.lock().await;
        let Some(read) = self.log.read().await? else { return Ok(false) };
        if read.flushed_to != Some(last) {
            return Ok(false);
        }
        let files = self.log.files(&read).await?;
        self.take_over(read.flushed_to, &files, None);
        Ok(true)
    }

    async fn write_segments(
        &self,
        cut: Vec<RecordBatch>,
        (first, last): (Offset, Offset),
        in_flight: &mut InFlight<'_>,
    ) -> Result<Vec<LoggedFile>, FlushError> {
        let cut = std::sync::Arc::new(cut);
        let days = self.work({
            let cut = cut.clone();
            move || sorted_by_day(&cut)
        });
        let mut files = Vec::new();
        for (date, rows) in days.await? {
            let cut = cut.clone();
            let encoded = self.work(move || encode(&cut, &rows)).await?;
            let (bytes, facts) = encoded.map_err(|source| FlushError::Encode { table: self.name(), source })?;
            let in_table = format!("{}/{:020}-{:020}.parquet", partition_folder(&date), first.0, last.0);
            let path = self.path(&in_table);
            in_flight.add(path.clone());
            let length = bytes.len() as u64;
            self.store
                .put(&path, PutPayload::from(bytes))
                .await
                .map_err(|source| FlushError::Write { path, source })?;
            files.push(LoggedFile { path: in_table, bytes: length, date, facts });
        }
        Ok(files)
    }

    /// Commits until the log says it is done. Returns the version if this process saw it being made. The caller
    /// holds `committing`.
    async fn commit_segments(&self, files: &[LoggedFile], last: Offset) -> Result<Option<u64>, FlushError> {
        let before = self.flushed_to();
        let mut failure = None;
        for attempt in 0..COMMIT_TRIES {
            if attempt > 0 {
                tokio::time::sleep(RETRY_DELAY * 2_u32.pow(attempt - 1)).await;
            }
            let read = match self.log.read().await {
                Ok(Some(read)) => read,
                // It was there when the table was opened.
                Ok(None) if before.is_some() => return Err(self.log.headless().into()),
                Ok(None) => {
                    // Made now, read in the next round; when that fails the next round says why.
                    match self.log.create().await {
                        Ok(()) => {}
                        Err(error) => failure = Some(error),
                    }
                    match self.log.read().await {
                        Ok(Some(read)) => read,
                        Ok(None) => continue,
                        Err(error) => {
                            failure = Some(error);
                            continue;
                        }
                    }
                }
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            if read.flushed_to == Some(last) {
                return Ok(None);
            }
            if read.flushed_to != before {
                if self.take_over_own(&read, before).await? {
                    return Err(FlushError::Late { table: self.name() });
                }
                return Err(FlushError::Foreign { table: self.name(), found: read.flushed_to, expected: before });
            }
            let adds = files.iter().map(|file| file.add(true)).collect();
            match self.log.commit_flush(&read, adds, last).await {
                Ok(version) => return Ok(Some(version)),
                Err(error) => {
                    tracing::warn!(table = %self.name(), attempt, error = %chain(&error), "a commit was not confirmed; looking what became of it");
                    failure = Some(error);
                }
            }
        }
        // The last try may have reached the log as well.
        if self.log.read().await?.and_then(|read| read.flushed_to) == Some(last) {
            return Ok(None);
        }
        Err(failure.expect("every try that ends here has failed").into())
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, FlushError> {
        tokio::task::spawn_blocking(work).await.map_err(|source| FlushError::Worker { table: self.name(), source })
    }

    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.account, self.stream)
    }
}

/// The rows of a batch up to an offset; `None` when there are none.
fn up_to(batch: &RecordBatch, last: Offset) -> Option<RecordBatch> {
    let (first, end) = offsets_of(batch)?;
    (first <= last).then(|| batch.slice(0, (last.min(end).0 - first.0 + 1) as usize))
}
