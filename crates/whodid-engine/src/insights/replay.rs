//! The insights of stored records once more: the same bytes, if nothing was tampered with.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use whodid_insights::{Detector, Settings};
use whodid_lake::{RawReader, offsets_of};
use whodid_model::{AccountName, Offset, StreamName, chain};

use super::event::{self, SETTINGS_ACTION};
use super::{Told, look, of_time, streams};
use crate::detect::{Position, Read};
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

/// Settings that count from a place on.
#[derive(Debug)]
struct SettingsChange {
    from: HashMap<StreamName, Offset>,
    passed: i64,
    settings: Settings,
    /// Whether it began with nothing then.
    begins: bool,
    text: String,
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
        let mut changes: VecDeque<SettingsChange> = self.stored_settings(account).await?.into();
        let places = Arc::clone(&self.inner.insights.places.lock());
        let mut detector = Detector::new(account.as_str(), Settings::default(), Arc::clone(&places));
        let first = changes.front().map(|change| change.from.clone());
        let cursors = streams().map(|stream| {
            let at = first.as_ref().and_then(|first| first.get(&stream)).copied().unwrap_or(Offset(0));
            (stream, at)
        });
        let mut position = Position::at(cursors.collect());
        let mut ended = ReplayEnd::default();
        let mut recorded = i64::MIN;
        // Whether a stream would be read beyond where settings changed although another is not there yet, as when records of
        // both have the same moment: they count from here on then.
        let mut is_beyond = false;
        loop {
            while let Some(change) =
                changes.pop_front_if(|change| change.begins || is_beyond || is_reached(change, &position))
            {
                is_beyond = false;
                if change.begins {
                    detector = Detector::new(account.as_str(), Settings::default(), Arc::clone(&places));
                    (position, recorded) = (Position::at(change.from), i64::MIN);
                } else {
                    let mut told = Vec::new();
                    detector.pass(change.passed, &mut told);
                    let told = of_time(told, &position, recorded);
                    if !self.replay_told(account, told, &mut ended, &mut each).await? {
                        return Ok(ended);
                    }
                }
                detector.set(change.settings);
                ended.events += 1;
                if !each(change.text) {
                    return Ok(ended);
                }
            }
            let next = changes.front().map(|change| change.from.clone());
            let Some((stream, batches)) = self.next(account, &mut position).await? else { break };
            for batch in batches {
                let batch = up_to(&batch, next.as_ref().and_then(|next| next.get(&stream)).copied());
                let Some((_, last)) = offsets_of(&batch) else {
                    position.ahead.remove(&stream);
                    is_beyond = true;
                    break;
                };
                let activity = match stream == StreamName::activity() {
                    true => None,
                    false => position.cursors.get(&StreamName::activity()).copied(),
                };
                let (of, mut moved, mut at) = (account.clone(), detector, recorded);
                ended.records += batch.num_rows() as u64;
                let step = move || {
                    let mut told = Vec::new();
                    look(&of, &mut moved, &batch, activity, &mut at, &mut told);
                    (moved, told, at)
                };
                let done = self.inner.detection.workers.run(step).await;
                let (moved, told, at) =
                    done.map_err(|error| Error::internal("replaying insights", chain(&error).to_string()))?;
                (detector, recorded) = (moved, at);
                position.cursors.insert(stream.clone(), last.next());
                if !self.replay_told(account, told, &mut ended, &mut each).await? {
                    return Ok(ended);
                }
                if next.as_ref().is_some_and(|next| next.get(&stream).is_some_and(|until| last.next() >= *until)) {
                    // Read again from the cursor, after the settings changed.
                    position.ahead.remove(&stream);
                    break;
                }
            }
        }
        let mut told = Vec::new();
        detector.pass(until, &mut told);
        let told = of_time(told, &position, recorded);
        self.replay_told(account, told, &mut ended, &mut each).await?;
        Ok(ended)
    }

    async fn replay_told(
        &self,
        account: &AccountName,
        told: Vec<Told>,
        ended: &mut ReplayEnd,
        each: &mut (impl FnMut(String) -> bool + Send),
    ) -> Result<bool, Error> {
        for told in told {
            let shown = self.insight_evidence(account, &told).await?;
            ended.events += 1;
            if !each(event::of(account, &told, &shown)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The changes of settings that the stream tells, in order.
    async fn stored_settings(&self, account: &AccountName) -> Result<Vec<SettingsChange>, Error> {
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
                            .filter_map(|row| change_of(&String::from_utf8_lossy(&row.raw())));
                        found.extend(settings);
                        next = offsets_of(batch).map_or(next, |(_, last)| last.next());
                    }
                }
            }
        }
    }
}

fn change_of(text: &str) -> Option<SettingsChange> {
    let event: Value = serde_json::from_str(text).ok()?;
    let data = &event["requestData"];
    let from: HashMap<String, u64> = serde_json::from_value(data["from"].clone()).ok()?;
    let from = from.into_iter().filter_map(|(name, at)| Some((StreamName::parse(&name).ok()?, Offset(at)))).collect();
    let settings = serde_json::from_value(data["settings"].clone()).ok()?;
    Some(SettingsChange {
        from,
        begins: data["begins"] == true,
        passed: data["passed"].as_i64()?,
        settings,
        text: text.to_owned(),
    })
}

fn is_reached(change: &SettingsChange, position: &Position) -> bool {
    position.cursors.iter().all(|(stream, at)| change.from.get(stream).is_none_or(|from| at >= from))
}

/// The rows before an offset.
fn up_to(batch: &arrow::array::RecordBatch, until: Option<Offset>) -> arrow::array::RecordBatch {
    let Some(until) = until else { return batch.clone() };
    let rows = Row::all(batch).take_while(|row| row.offset() < until).count();
    batch.slice(0, rows)
}
