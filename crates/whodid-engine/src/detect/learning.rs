//! What rules that learn take from the records that were there before them.
//!
//! A rule that tells first seen values would tell all of them in its first days, or nothing until it has seen enough.
//! So before it looks at what comes it is shown what is stored, as far back as it looks. What comes waits meanwhile, and
//! is looked at afterwards: nothing is told that was usual, and nothing is missed that was not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use futures::StreamExt;
use whodid_model::{AccountName, Offset, StreamName, chain};
use whodid_query::{Expr, Query};
use whodid_rules::{Past, Place, RuleSet, State, Unread};
use whodid_search::{Filter, Order, SearchError, Visible};

use super::{Work, subject};
use crate::engine::Engine;
use crate::error::Error;
use crate::read::search_error;

/// How long an account may read. What was not read until then counts as not seen, and is the oldest of a stream.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Accounts that read at once: after an upgrade that brings other rules all of them want to.
pub(super) const AT_ONCE_MAX: usize = 2;
/// How long after something could not be read all is read again, and how long at most when that fails time and again.
/// Rules judge by what was read, and by what comes, until then.
pub(super) const AGAIN: Duration = Duration::from_secs(60);
const AGAIN_MAX: Duration = Duration::from_secs(3600);
/// How long after others had all turns at reading it is tried again.
const TURN: Duration = Duration::from_millis(100);

/// What was read of the past.
struct Reading {
    state: State,
    records: u64,
    /// Whether all of it was.
    is_whole: bool,
}

impl Engine {
    /// Shows rules that learn, and are new or other ones, what is stored of the time before them. Whether detection may
    /// go on: not when whodid is being stopped, as what would be judged then would be judged without that.
    pub(super) async fn learn(&self, account: &AccountName, work: &mut Work) -> bool {
        let Some(past) = work.rules.unlearned(&mut work.state) else {
            work.learn_at = None;
            return true;
        };
        // Closed by nobody.
        let turn = tokio::select! {
            () = self.inner.shutdown.cancelled() => return false,
            turn = self.inner.detection.learners.acquire() => turn,
        };
        let Ok(_turn) = turn else { return false };
        let begun = Instant::now();
        let mut reading = Reading { state: work.rules.new_state(), records: 0, is_whole: true };
        let mut has_failed = false;
        // The audit log first: it is the smaller one.
        for (stream, share) in [(StreamName::audit(), TIME_MAX / 2), (StreamName::activity(), TIME_MAX)] {
            let read = tokio::select! {
                () = self.inner.shutdown.cancelled() => return false,
                read = self.read_past(account, work, &past, &stream, begun + share, &mut reading) => read,
            };
            if let Err(error) = read {
                (reading.is_whole, has_failed) = (false, true);
                tracing::warn!(account = %account, stream = %stream, error = %chain(&error), "what is stored could not all be shown to rules that learn");
            }
        }
        let Reading { state, records, is_whole } = reading;
        work.rules.learn(&mut work.state, &past, state, !has_failed);
        work.is_dirty = true;
        (work.learn_at, work.learn_pause) = match has_failed {
            true => (Some(Instant::now() + work.learn_pause), (work.learn_pause * 2).min(AGAIN_MAX)),
            false => (None, AGAIN),
        };
        if records > 0 {
            let took_ms = begun.elapsed().as_millis() as u64;
            tracing::info!(account = %account, records, took_ms, is_whole, "rules that learn were shown what is stored");
        }
        true
    }

    /// Reads what is stored of a stream, the newest first, until `deadline`.
    async fn read_past(
        &self,
        account: &AccountName,
        work: &Work,
        past: &Past,
        stream: &StreamName,
        deadline: Instant,
        reading: &mut Reading,
    ) -> Result<(), Error> {
        let until = work.position.cursors.get(stream).copied().unwrap_or(Offset(0));
        let is_nothing = until == Offset(0) || past.required == Expr::or([]);
        let Some(table) = self.inner.known_table(account, stream).filter(|_| !is_nothing) else { return Ok(()) };
        let mut filter = Filter::of(Query { expr: past.required.clone() }, Visible::all(stream.clone()));
        filter.from = Some((self.inner.options.clock)().plus_micros(-past.span));
        filter.before_offset = Some(until);
        let mut batches = loop {
            match self.inner.searcher.export(&table.snapshot(), &filter, Order::NewestFirst, None) {
                Err(SearchError::TooMany { .. }) if Instant::now() < deadline => tokio::time::sleep(TURN).await,
                other => break other.map_err(search_error)?,
            }
        };
        loop {
            let Ok(batch) = tokio::time::timeout_at(deadline.into(), batches.next()).await else {
                reading.is_whole = false;
                return Ok(());
            };
            let Some(batch) = batch else { return Ok(()) };
            let batch = batch.map_err(search_error)?;
            reading.records += batch.num_rows() as u64;
            let (rules, of, account) = (Arc::clone(&work.rules), stream.clone(), account.clone());
            let past_of = past.clone();
            let mut state = std::mem::take(&mut reading.state);
            let shown = self.inner.detection.workers.run(move || {
                show(&rules, &mut state, &past_of, &batch, &of, &account);
                state
            });
            reading.state = match shown.await {
                Ok(state) => state,
                Err(error) => {
                    // What was learned is gone with the thread.
                    (reading.state, reading.records) = (work.rules.new_state(), 0);
                    return Err(Error::internal("showing rules what is stored", error));
                }
            };
            if !reading.state.has_room_for_past() {
                // What is older would push out what is newer.
                reading.is_whole = false;
                return Ok(());
            }
        }
    }
}

/// Leads a state through records, and tells nothing of what is found.
fn show(
    rules: &RuleSet,
    state: &mut State,
    past: &Past,
    batch: &RecordBatch,
    stream: &StreamName,
    account: &AccountName,
) {
    subject::each(batch, stream, &mut |row, event| {
        // As if each had been taken in when it happened, as in a backtest.
        let place = Place { recorded_at: event.place.event_time, ..event.place.clone() };
        let event = Unread { place: &place, ..*event };
        if catch_unwind(AssertUnwindSafe(|| rules.show(state, past, &event))).is_err() {
            metrics::counter!("whodid_detect_panics_total").increment(1);
            tracing::error!(account = %account, stream = %stream, offset = %row.offset(), "a rule broke off at this record: please report it");
        }
    });
}
