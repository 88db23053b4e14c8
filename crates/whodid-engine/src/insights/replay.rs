//! The insights of stored records once more: the same bytes, if nothing was tampered with.

use std::collections::VecDeque;
use std::sync::Arc;

use whodid_lake::{RawReader, offsets_of};
use whodid_model::{AccountName, Offset, StreamName};

use super::configured::{Configured, SETTINGS_ACTION};
use super::{Told, Work, event, streams};
use crate::detect::Read;
use crate::engine::Engine;
use crate::error::Error;
use crate::row::Row;

/// How a replay ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplayEnd {
    /// Records that were looked at.
    pub records: u64,
    /// Events that came of them.
    pub events: u64,
}

impl Engine {
    /// Gives all stored records of an account to a detector that knows nothing, in order, and what it tells to `each`: the
    /// texts of the stream `insights`, as they were recorded. `each` may end it by saying `false`.
    ///
    /// Time passes up to the last record; what live insights told since, because time went by, is told if `until` (in
    /// microseconds) lies after it. Records that are erased by now teach nothing, so what follows may differ then.
    ///
    /// # Errors
    /// Records cannot be read back.
    pub async fn replay_insights(
        &self,
        account: &AccountName,
        until: i64,
        mut each: impl FnMut(String) -> bool + Send,
    ) -> Result<ReplayEnd, Error> {
        let mut changes: VecDeque<(Configured, String)> = self.stored_settings(account).await?.into();
        let places = Arc::clone(&self.inner.insights.places.lock());
        let first = changes.front().map(|(change, _)| change.from.clone()).unwrap_or_default();
        let cursors = streams().map(|stream| {
            let at = first.get(&stream).copied().unwrap_or(Offset(0));
            (stream, at)
        });
        let mut work = Work::new(account, cursors.collect(), Arc::clone(&places));
        let mut ended = ReplayEnd::default();
        // Whether a stream would be read beyond where settings changed although another is not there yet, as when records of
        // both have the same moment: they count from here on then. So does the first change in any case.
        let mut is_beyond = true;
        loop {
            while let Some((change, text)) =
                changes.pop_front_if(|(change, _)| is_beyond || change.is_reached(&work.position))
            {
                is_beyond = false;
                // Up to then what was before goes on, also where nothing of it was known afterwards.
                let told = self.pass(account, &mut work, change.passed).await.ok_or_else(not_done)?;
                if !self.replay_told(account, &work, told, &mut ended, &mut each).await? {
                    return Ok(ended);
                }
                if change.begins {
                    work = Work::new(account, change.from.into_iter().collect(), Arc::clone(&places));
                    work.begun = change.begun;
                }
                work.detector.set(change.settings);
                ended.events += 1;
                if !each(text) {
                    return Ok(ended);
                }
            }
            let until =
                |stream: &StreamName| changes.front().and_then(|(change, _)| change.until().get(stream).copied());
            let Some((stream, batches)) = self.next(account, &mut work.position).await? else {
                if changes.is_empty() {
                    break;
                }
                // What it counts from was erased since.
                is_beyond = true;
                continue;
            };
            for batch in batches {
                let batch = up_to(&batch, until(&stream));
                let Some((_, last)) = offsets_of(&batch) else {
                    work.position.ahead.remove(&stream);
                    is_beyond = true;
                    break;
                };
                ended.records += batch.num_rows() as u64;
                let looked = self.look_at(account, &stream, &mut work, vec![batch]).await;
                work.position.cursors.insert(stream.clone(), last.next());
                if !self.replay_told(account, &work, looked.ok_or_else(not_done)?, &mut ended, &mut each).await? {
                    return Ok(ended);
                }
                if until(&stream).is_some_and(|until| last.next() >= until) {
                    // Read again from the cursor, after the settings changed.
                    work.position.ahead.remove(&stream);
                    break;
                }
            }
        }
        let told = self.pass(account, &mut work, until).await.ok_or_else(not_done)?;
        self.replay_told(account, &work, told, &mut ended, &mut each).await?;
        Ok(ended)
    }

    async fn replay_told(
        &self,
        account: &AccountName,
        work: &Work,
        told: Vec<Told>,
        ended: &mut ReplayEnd,
        each: &mut (impl FnMut(String) -> bool + Send),
    ) -> Result<bool, Error> {
        for told in told {
            let shown = self.insight_evidence(account, &told).await;
            ended.events += 1;
            if !each(event::of(account, &told, &shown, work.detector.settings(), work.begun)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The changes of settings that the stream tells, in order.
    async fn stored_settings(&self, account: &AccountName) -> Result<Vec<(Configured, String)>, Error> {
        let stream = StreamName::insights();
        let mut found = Vec::new();
        let mut next = Offset(0);
        loop {
            match self.records_from(account, &stream, next).await? {
                Read::Nothing => return Ok(found),
                Read::Gap(until) => next = until,
                Read::Rows(batches) => {
                    for batch in &batches {
                        let raws = RawReader::new(batch);
                        let settings = Row::all_with(batch, &raws)
                            .filter(|row| row.field(whodid_model::Field::Action) == Some(SETTINGS_ACTION))
                            .filter_map(|row| {
                                let text = String::from_utf8_lossy(&row.raw()).into_owned();
                                Some((Configured::of_event(&text)?, text))
                            });
                        found.extend(settings);
                        next = offsets_of(batch).map_or(next, |(_, last)| last.next());
                    }
                }
            }
        }
    }
}

fn not_done() -> Error {
    Error::internal("replaying insights", "no thread of detection did it")
}

/// The rows before an offset.
fn up_to(batch: &arrow::array::RecordBatch, until: Option<Offset>) -> arrow::array::RecordBatch {
    let Some(until) = until else { return batch.clone() };
    let rows = Row::all(batch).take_while(|row| row.offset() < until).count();
    batch.slice(0, rows)
}
