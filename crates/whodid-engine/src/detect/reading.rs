//! Which records come next: some of the tail, some that stayed in memory, or some of the lake.

use std::collections::{HashMap, VecDeque};

use arrow::array::RecordBatch;
use futures::StreamExt;
use whodid_lake::offsets_of;
use whodid_model::{AccountName, Offset, StreamName, Timestamp};
use whodid_query::{Comparison, Expr, Operand, Query, RecordField, Target, Test};
use whodid_search::{Filter, Order, Visible};

use super::subject;
use crate::engine::Engine;
use crate::error::Error;

/// Records that are looked at in one step, before others get their turn.
const STEP_ROWS: usize = 4096;
/// Records that are taken from the tail together, or the batch that exceeds them.
const TAKEN_ROWS: usize = 16_384;
/// Records that are read back from the lake together.
const READ_BACK_ROWS: u64 = 32_768;

/// What [`Engine::records_from`] finds.
pub(crate) enum Read {
    /// Records, in the order they were taken in, the first of those asked for first; no batch is empty.
    Rows(Vec<RecordBatch>),
    /// None are there before this offset, and none will come.
    Gap(Offset),
    /// Nothing came yet.
    Nothing,
}

/// How far streams were read, and what waits of them.
#[derive(Debug, Default)]
pub(crate) struct Position {
    /// The next offset of each stream; only these are read.
    pub cursors: HashMap<StreamName, Offset>,
    /// Records that were taken from the tail or read back from the lake, and wait: from the cursor on.
    pub ahead: HashMap<StreamName, VecDeque<RecordBatch>>,
}

impl Position {
    /// From these offsets on.
    pub fn at(cursors: HashMap<StreamName, Offset>) -> Self {
        Self { cursors, ahead: HashMap::new() }
    }
}

impl Engine {
    /// The records that come next, at most [`STEP_ROWS`] of one stream: those that were taken in before what waits in
    /// the others. `None`: no stream has any.
    pub(crate) async fn next(
        &self,
        account: &AccountName,
        position: &mut Position,
    ) -> Result<Option<(StreamName, Vec<RecordBatch>)>, Error> {
        let mut streams: Vec<StreamName> = position.cursors.keys().cloned().collect();
        streams.sort();
        let mut heads: Vec<(Timestamp, StreamName)> = Vec::with_capacity(streams.len());
        for stream in streams {
            self.take_ahead(account, &stream, position).await?;
            let head = position.ahead.get(&stream).and_then(VecDeque::front);
            heads.extend(head.map(|batch| (subject::recorded_at(batch, 0), stream)));
        }
        // Of two of one moment the stream that is named first.
        heads.sort_by_key(|(at, _)| *at);
        let mut heads = heads.into_iter();
        let Some((_, stream)) = heads.next() else { return Ok(None) };
        let other = heads.next().map(|(at, _)| at);
        let ahead = position.ahead.entry(stream.clone()).or_default();
        let (mut taken, mut rows) = (Vec::new(), 0);
        while rows < STEP_ROWS
            && let Some(batch) = ahead.front_mut()
        {
            let mut count = batch.num_rows().min(STEP_ROWS - rows);
            if let Some(other) = other {
                count = subject::rows_until(&batch.slice(0, count), other).max(usize::from(rows == 0));
            }
            if count == 0 {
                break;
            }
            rows += count;
            taken.push(batch.slice(0, count));
            if count < batch.num_rows() {
                *batch = batch.slice(count, batch.num_rows() - count);
            } else {
                ahead.pop_front();
            }
        }
        Ok(Some((stream, taken)))
    }

    /// Has some records of a stream ready, if any wait.
    async fn take_ahead(
        &self,
        account: &AccountName,
        stream: &StreamName,
        position: &mut Position,
    ) -> Result<(), Error> {
        while position.ahead.get(stream).is_none_or(VecDeque::is_empty) {
            let next = position.cursors.get(stream).copied().unwrap_or(Offset(0));
            match self.records_from(account, stream, next).await? {
                Read::Nothing => return Ok(()),
                Read::Rows(batches) => {
                    position.ahead.insert(stream.clone(), batches.into());
                }
                Read::Gap(until) => {
                    // Erased, or given up with a damaged file: there is nothing to look at.
                    tracing::info!(account = %account, stream = %stream, from = %next, until = %until, "detection passes over records that are gone");
                    position.cursors.insert(stream.clone(), until);
                }
            }
        }
        Ok(())
    }

    /// Records of a stream from an offset on: some of the tail, or some of what was flushed.
    pub(crate) async fn records_from(
        &self,
        account: &AccountName,
        stream: &StreamName,
        next: Offset,
    ) -> Result<Read, Error> {
        let Some(table) = self.inner.known_table(account, stream) else { return Ok(Read::Nothing) };
        let end = table.next_offset();
        if end <= next {
            return Ok(Read::Nothing);
        }
        let mut batches = table.first_in_memory(next, TAKEN_ROWS);
        let first = batches.first().and_then(offsets_of).map(|(first, _)| first);
        if first == Some(next) {
            // No further than where records are missing: those are asked for next.
            let mut expected = next;
            let follows = |batch: &&RecordBatch| {
                let Some((first, last)) = offsets_of(batch) else { return false };
                let follows = first == expected;
                expected = last.next();
                follows
            };
            batches.truncate(batches.iter().take_while(follows).count());
            return Ok(Read::Rows(batches));
        }
        // Flushed before whoever asks came to it.
        let before = first.unwrap_or(end);
        let mut from = next;
        while from < before {
            let until = Offset(from.0.saturating_add(READ_BACK_ROWS)).min(before);
            if let Some(batch) = self.flushed(&table, stream, from, until).await? {
                metrics::counter!("whodid_detect_read_back_total").increment(batch.num_rows() as u64);
                return Ok(Read::Rows(vec![batch]));
            }
            from = until;
        }
        Ok(Read::Gap(before))
    }

    /// The records that are there from an offset to before another.
    pub(super) async fn flushed(
        &self,
        table: &whodid_lake::Table,
        stream: &StreamName,
        next: Offset,
        until: Offset,
    ) -> Result<Option<RecordBatch>, Error> {
        let from = i64::try_from(next.0).unwrap_or(i64::MAX);
        let newer = Test::Compare(vec![(Comparison::GreaterOrEqual, Operand::Int(from))]);
        let query = Query { expr: Expr::term(Target::Record(RecordField::Offset), newer) };
        let mut filter = Filter::of(query, Visible::all(stream.clone()));
        filter.before_offset = Some(until);
        let snapshot = table.snapshot();
        let export = self.inner.searcher.export(&snapshot, &filter, Order::OldestFirst, None);
        let mut batches = export.map_err(crate::read::search_error)?;
        let mut rows = Vec::new();
        while let Some(batch) = batches.next().await {
            rows.push(batch.map_err(crate::read::search_error)?);
        }
        let Some(first) = rows.first() else { return Ok(None) };
        let merged = arrow::compute::concat_batches(&first.schema(), &rows)
            .map_err(|error| Error::internal("reading records back", error))?;
        subject::in_offset_order(&merged).map(Some)
    }
}
