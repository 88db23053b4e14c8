//! Records are removed for good: each segment that holds some is replaced by one without them, or by none.
//!
//! Only what is in segments is removed; flush first. Everything happens in one commit: a reader sees all of the
//! records or none, and what is cut off before it has changed nothing. The replaced files are deleted like those
//! that a merge replaced, a few minutes later.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use object_store::path::Path;
use parquet::errors::ParquetError;
use whodid_model::{SpaceName, Timestamp};

use crate::commit::{LogError, LoggedFile};
use crate::owner::OwnerError;
use crate::parquet_file::{SegmentWriteError, WRITE_ROWS, integers};
use crate::rewrite::{Input, RewriteError, SegmentUpload, rows_a_batch};
use crate::schema::{column, partition_folder};
use crate::segment::Segment;
use crate::table::{InFlight, Table};

/// Whose records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// All of the table.
    All,
    /// Those that belong to no space.
    Account,
    /// Those of one space.
    Space(SpaceName),
}

/// Which records are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Whose.
    pub of: Domain,
    /// By event time: those in any of these.
    pub during: Vec<Range<Timestamp>>,
}

impl Erasure {
    fn holds(&self, time: Timestamp) -> bool {
        self.during.iter().any(|range| range.contains(&time))
    }

    /// Whether a segment can hold such records.
    fn may_be_in(&self, segment: &Segment) -> bool {
        self.during.iter().any(|range| segment.may_hold(Some(range.start), Some(range.end)))
    }

    /// Whether all records of a segment are such, as far as its bounds tell.
    fn is_all_of(&self, segment: &Segment) -> bool {
        let (first, last) = segment.event_time;
        self.of == Domain::All && self.during.iter().any(|range| range.contains(&first) && range.contains(&last))
    }

    /// Which rows of a batch go.
    fn rows(&self, times: &[i64], spaces: &dyn Array) -> BooleanArray {
        let spaces = spaces.as_string::<i32>();
        let is_ours = |row: usize| match &self.of {
            Domain::All => true,
            Domain::Account => spaces.is_null(row),
            Domain::Space(space) => spaces.is_valid(row) && spaces.value(row) == space.as_str(),
        };
        let goes = |(row, time): (usize, &i64)| self.holds(Timestamp::from_micros(*time)) && is_ours(row);
        BooleanArray::from_iter(times.iter().enumerate().map(|place| Some(goes(place))))
    }
}

/// What an erasure removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EraseReport {
    /// Records.
    pub rows: u64,
    /// Files that went, with or without another in their place.
    pub segments: usize,
    /// Bytes by which the table's files became smaller.
    pub bytes_freed: u64,
}

/// Why records were not removed. All of them are still there.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// A segment could not be read, or its successor not be written.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Another server has claimed the lake, or that could not be found out.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// Another program replaced one of the segments meanwhile. The list was read anew; try again.
    #[error("table {table} was changed by another while records were being removed")]
    Changed {
        /// `account/stream`.
        table: String,
    },
}

/// An erasure whose new segments are written and not yet committed; dropped, it has changed nothing.
#[derive(Debug)]
pub struct PreparedErasure<'a> {
    table: &'a Table,
    name: String,
    replaced: Vec<Arc<Segment>>,
    written: Vec<LoggedFile>,
    rows: u64,
    _in_flight: InFlight<'a>,
    _compacting: tokio::sync::MutexGuard<'a, ()>,
}

impl Table {
    /// Finds the records to remove and writes the segments without them.
    ///
    /// `name`: of this erasure and of no other, for files and log. `seen` is shown the records that will go and were
    /// taken in at `since` or later, with all their columns.
    ///
    /// # Errors
    /// A segment cannot be read or written.
    pub async fn prepare_erasure(
        &self,
        erasure: &Erasure,
        name: &str,
        since: Timestamp,
        seen: &mut (dyn FnMut(&RecordBatch) + Send),
    ) -> Result<PreparedErasure<'_>, EraseError> {
        let compacting = self.compacting.lock().await;
        let mut prepared = PreparedErasure {
            table: self,
            name: name.to_owned(),
            replaced: Vec::new(),
            written: Vec::new(),
            rows: 0,
            _in_flight: InFlight::new(self),
            _compacting: compacting,
        };
        let segments = self.snapshot().segments;
        // What goes from the lake is not to stay in memory; what is flushed from here on does not go.
        self.state.lock().tail.drop_kept();
        for segment in segments {
            if !erasure.may_be_in(&segment) {
                continue;
            }
            let going = match erasure.is_all_of(&segment) {
                true => segment.rows,
                false => self.count_rows(erasure, &segment).await?,
            };
            if going == 0 {
                continue;
            }
            let is_shown = segment.recorded_at.1 >= since;
            if going < segment.rows || is_shown {
                let kept = segment.rows - going;
                if let Some(file) = prepared.rewrite(erasure, &segment, kept, is_shown.then_some(&mut *seen)).await? {
                    prepared.written.push(file);
                }
            }
            prepared.rows += going;
            prepared.replaced.push(segment);
        }
        Ok(prepared)
    }

    /// How many records in segments an erasure would remove.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub async fn count_erasure(&self, erasure: &Erasure) -> Result<u64, EraseError> {
        let mut rows = 0;
        for segment in self.snapshot().segments {
            if erasure.is_all_of(&segment) {
                rows += segment.rows;
            } else if erasure.may_be_in(&segment) {
                rows += self.count_rows(erasure, &segment).await?;
            }
        }
        Ok(rows)
    }

    /// Whether segments are being merged, erased from or deleted, which others of the kind would wait for.
    pub fn is_rewriting(&self) -> bool {
        self.compacting.try_lock().is_err()
    }

    async fn count_rows(&self, erasure: &Erasure, segment: &Arc<Segment>) -> Result<u64, RewriteError> {
        const COLUMNS: [usize; 2] = [column::EVENT_TIME, column::SPACE];
        let mut input = Input::open_columns(self, segment, WRITE_ROWS, Some(&COLUMNS)).await?;
        let mut rows = 0;
        while let Some(batch) = input.next().await? {
            rows += erasure.rows(integers(&batch, 0), batch.column(1)).true_count() as u64;
        }
        Ok(rows)
    }
}

impl PreparedErasure<'_> {
    /// Writes a segment without the rows that go; `kept` of them stay, and without any nothing is written.
    async fn rewrite(
        &mut self,
        erasure: &Erasure,
        segment: &Arc<Segment>,
        kept: u64,
        mut seen: Option<&mut (dyn FnMut(&RecordBatch) + Send)>,
    ) -> Result<Option<LoggedFile>, RewriteError> {
        let table = self.table;
        let mut input = Input::open(table, segment, rows_a_batch(table, segment).await?).await?;
        // Not only after what is left: an erasure whose outcome is not known may have left as much.
        let ((first, last), folder) = (segment.offsets, partition_folder(&segment.date));
        let in_table = format!("{folder}/{:020}-{:020}-kept-{}.parquet", first.0, last.0, self.name);
        let path = table.path(&in_table);
        self._in_flight.add(path.clone());
        let mut upload = match kept {
            0 => None,
            rows => Some(SegmentUpload::begin(table, path.clone(), rows as usize).await?),
        };
        let written = async {
            while let Some(batch) = input.next().await? {
                let going = erasure.rows(integers(&batch, column::EVENT_TIME), batch.column(column::SPACE));
                if let Some(seen) = &mut seen {
                    seen(&chosen(&path, &batch, &going)?);
                }
                if let Some(upload) = &mut upload {
                    let staying = not(&going).map_err(|source| cannot_choose(&path, source))?;
                    let staying = chosen(&path, &batch, &staying)?;
                    if staying.num_rows() > 0 {
                        upload.write(&staying).await?;
                    }
                }
            }
            Ok(())
        };
        let outcome = written.await;
        let Some(upload) = upload else { return outcome.map(|()| None) };
        if let Err(error) = outcome {
            upload.abort().await;
            return Err(error);
        }
        let (bytes, facts) = upload.finish().await?;
        Ok(Some(LoggedFile { path: in_table, bytes, date: segment.date.clone(), facts }))
    }

    /// How many records will go.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Removes them.
    ///
    /// # Errors
    /// The log cannot be written, or another program has changed the table. All records are still there, unless only
    /// the answer to the commit was lost: then the same erasure prepared again finds nothing more to remove.
    pub async fn commit(self, now: Timestamp) -> Result<EraseReport, EraseError> {
        if self.replaced.is_empty() {
            return Ok(EraseReport::default());
        }
        self.table.check_claim().await?;
        if !self.table.replace(&self.replaced, &self.written, now, Some(&self.name)).await? {
            return Err(EraseError::Changed { table: self.table.name() });
        }
        let before: u64 = self.replaced.iter().map(|segment| segment.bytes).sum();
        let after: u64 = self.written.iter().map(|file| file.bytes).sum();
        Ok(EraseReport { rows: self.rows, segments: self.replaced.len(), bytes_freed: before.saturating_sub(after) })
    }
}

fn chosen(path: &Path, batch: &RecordBatch, rows: &BooleanArray) -> Result<RecordBatch, RewriteError> {
    filter_record_batch(batch, rows).map_err(|source| cannot_choose(path, source))
}

fn cannot_choose(path: &Path, source: arrow::error::ArrowError) -> RewriteError {
    RewriteError::Encode { path: path.clone(), source: SegmentWriteError::from(ParquetError::from(source)) }
}
