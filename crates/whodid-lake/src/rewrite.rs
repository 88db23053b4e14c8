//! What merging and erasing have in common: stored segments are read, others are written in their place, and one
//! commit puts these for those.

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use whodid_model::{Timestamp, chain};

use crate::commit::{LogError, LoggedFile};
use crate::parquet_file::{Facts, SegmentWriteError, SegmentWriter, WRITE_ROWS, is_stored_schema};
use crate::segment::{Segment, SegmentReader};
use crate::table::{Retired, Table};

/// Decoded bytes of one batch that is rewritten, about: rows of a batch are as many as fit.
const BATCH_BYTES: u64 = 8 << 20;
/// Parts of an upload; S3 wants 5 MiB at least.
const UPLOAD_PART_BYTES: usize = 8 << 20;
const COMMIT_TRIES: usize = 3;

/// Why segments could not be written in the place of others. The table is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// A segment could not be read.
    #[error("cannot read the segment {path}")]
    Read {
        /// Which one.
        path: Path,
        /// What failed.
        source: ParquetError,
    },
    /// A segment has other columns than this release writes.
    #[error("the segment {path} has columns of another schema version")]
    Schema {
        /// Which one.
        path: Path,
    },
    /// The new segment could not be encoded.
    #[error("cannot encode the segment {path}")]
    Encode {
        /// Which one.
        path: Path,
        /// What failed.
        source: SegmentWriteError,
    },
    /// The new segment could not be stored.
    #[error("cannot write the segment {path}")]
    Write {
        /// Which one.
        path: Path,
        /// What the store said.
        source: object_store::Error,
    },
}

/// How many rows of a segment are handled at once.
pub(crate) async fn rows_a_batch(table: &Table, segment: &Segment) -> Result<usize, RewriteError> {
    let footer = segment.footer(&table.store).await;
    let footer = footer.map_err(|source| RewriteError::Read { path: segment.path.clone(), source })?;
    Ok(rows_within(&footer, BATCH_BYTES).min(WRITE_ROWS))
}

/// How many rows of a file take about `bytes` when they are decoded, 1 at least.
fn rows_within(footer: &ParquetMetaData, bytes: u64) -> usize {
    let (mut rows, mut decoded) = (0, 0);
    for group in footer.row_groups() {
        rows += group.num_rows() as u64;
        for chunk in group.columns() {
            // What dictionaries hold once is decoded a copy for each row; only this number tells of it.
            let texts = chunk.unencoded_byte_array_data_bytes().unwrap_or(0);
            decoded += texts.max(chunk.uncompressed_size()).max(0) as u64;
        }
    }
    usize::try_from(bytes * rows / decoded.max(1)).unwrap_or(usize::MAX).max(1)
}

/// One sorted file being read.
pub(crate) struct Input {
    path: Path,
    batches: BoxStream<'static, Result<RecordBatch, ParquetError>>,
}

impl Input {
    /// All columns of a segment.
    pub async fn open(table: &Table, segment: &Arc<Segment>, rows: usize) -> Result<Self, RewriteError> {
        Self::open_columns(table, segment, rows, None).await
    }

    /// Some columns of a segment, in the order of the schema.
    pub async fn open_columns(
        table: &Table,
        segment: &Arc<Segment>,
        rows: usize,
        columns: Option<&[usize]>,
    ) -> Result<Self, RewriteError> {
        let read = |source| RewriteError::Read { path: segment.path.clone(), source };
        let reader = SegmentReader::new(table.store.clone(), segment.clone());
        let mut builder = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(read)?;
        if !is_stored_schema(builder.schema()) {
            return Err(RewriteError::Schema { path: segment.path.clone() });
        }
        if let Some(columns) = columns {
            let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        let stream = builder.with_batch_size(rows).build().map_err(read)?;
        Ok(Self { path: segment.path.clone(), batches: Box::pin(stream) })
    }

    /// The next rows, never none of them.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, RewriteError> {
        loop {
            let next = self.batches.try_next().await;
            match next.map_err(|source| RewriteError::Read { path: self.path.clone(), source })? {
                Some(batch) if batch.num_rows() == 0 => {}
                other => return Ok(other),
            }
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A segment that is written piece by piece, so that it need not fit into memory.
pub(crate) struct SegmentUpload {
    path: Path,
    upload: Box<dyn MultipartUpload>,
    writer: SegmentWriter,
    unsent: Vec<u8>,
    bytes: u64,
}

impl SegmentUpload {
    /// Begins a segment of about so many rows.
    pub async fn begin(table: &Table, path: Path, rows: usize) -> Result<Self, RewriteError> {
        let writer = SegmentWriter::new(rows).map_err(|source| RewriteError::Encode { path: path.clone(), source })?;
        let upload = table.store.put_multipart(&path).await;
        let upload = upload.map_err(|source| RewriteError::Write { path: path.clone(), source })?;
        Ok(Self { path, upload, writer, unsent: Vec::new(), bytes: 0 })
    }

    /// Adds rows, which must follow those before in the segment's order.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), RewriteError> {
        let encoded = self.writer.write(batch);
        encoded.map_err(|source| RewriteError::Encode { path: self.path.clone(), source })?;
        self.unsent.append(&mut self.writer.take_finished());
        while self.unsent.len() >= UPLOAD_PART_BYTES {
            let rest = self.unsent.split_off(UPLOAD_PART_BYTES);
            let part = std::mem::replace(&mut self.unsent, rest);
            self.send(part).await?;
        }
        // Encoding takes a while each time; others on this thread want their turn.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.writer.rows()
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<(), RewriteError> {
        self.bytes += part.len() as u64;
        let sent = self.upload.put_part(PutPayload::from_bytes(Bytes::from(part))).await;
        sent.map_err(|source| RewriteError::Write { path: self.path.clone(), source })
    }

    /// Ends it: its bytes and what is in it. At least one row must have been written.
    pub async fn finish(mut self) -> Result<(u64, Facts), RewriteError> {
        match self.end().await {
            Ok(facts) => Ok((self.bytes, facts)),
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn end(&mut self) -> Result<Facts, RewriteError> {
        let (rest, facts) =
            self.writer.end().map_err(|source| RewriteError::Encode { path: self.path.clone(), source })?;
        self.unsent.extend(rest);
        let last = std::mem::take(&mut self.unsent);
        self.send(last).await?;
        let completed = self.upload.complete().await;
        completed.map_err(|source| RewriteError::Write { path: self.path.clone(), source })?;
        Ok(facts)
    }

    /// Takes back what was sent.
    pub async fn abort(mut self) {
        if let Err(left) = self.upload.abort().await {
            tracing::warn!(path = %self.path, error = %left, "cannot take back a part-written segment");
        }
    }
}

impl Table {
    /// Commits that `written` stand in the place of `replaced`, and shows that from now on. False when another
    /// program has replaced one of these meanwhile; the list was read anew then. The caller holds `compacting`.
    ///
    /// `change`: the name of this change where the rows are others than before. By it, and by nothing else, a commit
    /// whose answer was lost is known: that the files are gone may be another's doing. Without one the rows are the
    /// same, and the written files tell, whose names nobody else gives.
    pub(crate) async fn replace(
        &self,
        replaced: &[Arc<Segment>],
        written: &[LoggedFile],
        now: Timestamp,
        change: Option<&str>,
    ) -> Result<bool, LogError> {
        let _commit = self.committing.lock().await;
        let mut failure = None;
        for _ in 0..=COMMIT_TRIES {
            let Some(read) = self.log.read().await? else { break };
            let files = self.log.files(&read).await?;
            let is_replaced = |file: &&LoggedFile| replaced.iter().any(|segment| segment.path == self.path(&file.path));
            let removes: Vec<_> =
                files.iter().filter(is_replaced).map(|file| file.remove(now, change.is_some())).collect();
            let has_landed = match change {
                Some(name) => self.log.has_changed(&read, name).await?,
                None => {
                    let is_there = |new: &LoggedFile| files.iter().any(|file| file.path == new.path);
                    removes.is_empty() && !written.is_empty() && written.iter().all(is_there)
                }
            };
            if has_landed {
                // An earlier try has reached the log after all.
                self.take_over(read.flushed_to, &files, Some(now));
                return Ok(true);
            }
            if removes.len() != replaced.len() {
                self.take_over(read.flushed_to, &files, Some(now));
                return Ok(false);
            }
            let adds = written.iter().map(|file| file.add(change.is_some())).collect();
            match self.log.commit_replace(&read, removes, adds, change).await {
                Ok(version) => {
                    self.swap(replaced, written, now);
                    if let Err(error) = self.log.checkpoint_after(version).await {
                        tracing::warn!(table = %self.name(), error = %chain(&error), "cannot write a checkpoint of the table's log");
                    }
                    return Ok(true);
                }
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(false), Err)
    }

    fn swap(&self, replaced: &[Arc<Segment>], written: &[LoggedFile], now: Timestamp) {
        let mut state = self.state.lock();
        state.segments.retain(|segment| !replaced.iter().any(|gone| Arc::ptr_eq(gone, segment)));
        state.insert(written.iter().map(|file| self.segment(file)));
        state.retired.extend(replaced.iter().map(|segment| Retired {
            path: segment.path.clone(),
            removed_at: now,
            segment: Some(segment.clone()),
        }));
    }
}
