//! What rules that learn take from the records that were there before them.
//!
//! A rule that tells first seen values would tell all of them in its first days, or nothing until it has seen enough.
//! So before it looks at what comes it is shown what is stored, as far back as it looks. What comes waits meanwhile, and
//! is looked at afterwards: nothing is told that was usual, and nothing is missed that was not.

use std::time::{Duration, Instant};

use futures::StreamExt;
use whodid_model::time::MICROS_A_DAY;
use whodid_model::{AccountName, Offset, StreamName, Timestamp, chain};
use whodid_query::{Expr, Query};
use whodid_rules::{Past, Place, State, Unread};
use whodid_search::{Filter, Order, Visible};

use super::workers::BrokenOff;
use super::{Work, detect_streams, subject};
use crate::engine::Engine;
use crate::error::Error;
use crate::read::search_error;

/// How long what comes may wait at most. What was not read until then counts as not seen, and is the oldest.
const TIME_MAX: Duration = Duration::from_secs(30);
/// How long after it could not be read the past is asked for again; rules judge by what comes until then.
const AGAIN: Duration = Duration::from_secs(60);

/// What was read of the past.
#[derive(Debug)]
struct Read {
    state: State,
    records: u64,
    /// Whether all of it was.
    is_whole: bool,
}

impl Engine {
    /// Shows rules that learn, and are new or other ones, what is stored of the time before them.
    pub(super) async fn learn(&self, account: &AccountName, work: &mut Work) {
        work.learn_at = None;
        let Some(past) = work.rules.unlearned(&mut work.state) else { return };
        let begun = Instant::now();
        match self.read_past(account, work, &past, begun).await {
            Ok(read) => {
                let Read { state, records, is_whole } = read;
                work.rules.learn(&mut work.state, &past, state);
                work.is_dirty = true;
                if records > 0 {
                    let took_ms = begun.elapsed().as_millis() as u64;
                    tracing::info!(account = %account, records, took_ms, is_whole, "rules that learn were shown what is stored");
                }
            }
            // The next start asks again.
            Err(_) if self.inner.shutdown.is_cancelled() => {}
            Err(error) => {
                tracing::warn!(account = %account, error = %chain(&error), "rules that learn could not be shown what is stored, and know only what comes; tried again in a minute");
                work.learn_at = Some(Instant::now() + AGAIN);
            }
        }
    }

    /// Reads it from the newest days to the oldest, so that what is left out for want of time matters least.
    async fn read_past(&self, account: &AccountName, work: &Work, past: &Past, begun: Instant) -> Result<Read, Error> {
        let now = (self.inner.options.clock)();
        let mut read = Read { state: work.rules.new_state(), records: 0, is_whole: true };
        if past.required == Expr::or([]) {
            return Ok(read);
        }
        let (mut to, mut days) = (None, 1);
        loop {
            let back = past.span.min(MICROS_A_DAY.saturating_mul(days));
            let from = now.plus_micros(-back);
            for stream in detect_streams() {
                let until = work.cursors.get(&stream).copied().unwrap_or(Offset(0));
                self.read_days(account, work, past, (&stream, until), (from, to), begun, &mut read).await?;
            }
            if back == past.span || !read.is_whole {
                return Ok(read);
            }
            (to, days) = (Some(from), days * 2);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what is read, of which records, into what")]
    async fn read_days(
        &self,
        account: &AccountName,
        work: &Work,
        past: &Past,
        (stream, until): (&StreamName, Offset),
        (from, to): (Timestamp, Option<Timestamp>),
        begun: Instant,
        read: &mut Read,
    ) -> Result<(), Error> {
        let Some(table) = self.inner.known_table(account, stream).filter(|_| until > Offset(0)) else { return Ok(()) };
        let mut filter = Filter::of(Query { expr: past.required.clone() }, Visible::all(stream.clone()));
        (filter.from, filter.to, filter.before_offset) = (Some(from), to, Some(until));
        let export = self.inner.searcher.export(&table.snapshot(), &filter, Order::OldestFirst, None);
        let mut batches = export.map_err(search_error)?;
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(search_error)?;
            if self.inner.shutdown.is_cancelled() {
                return Err(Error::internal("reading what is stored", "whodid is being stopped"));
            }
            if begun.elapsed() >= TIME_MAX {
                read.is_whole = false;
                return Ok(());
            }
            read.records += batch.num_rows() as u64;
            let (rules, of) = (std::sync::Arc::clone(&work.rules), stream.clone());
            let mut state = std::mem::take(&mut read.state);
            let learned = self.inner.detection.workers.run(move || {
                let mut hits = Vec::new();
                subject::each(&batch, &of, &mut |_, event| {
                    // As if each had been taken in when it happened, as in a backtest.
                    let place = Place { recorded_at: event.place.event_time, ..event.place.clone() };
                    rules.step(&mut state, &Unread { place: &place, ..*event }, &mut hits);
                    hits.clear();
                });
                state
            });
            read.state = match learned.await {
                Ok(state) => state,
                Err(BrokenOff::NotRun) => return Err(Error::internal("learning", BrokenOff::NotRun)),
                Err(error) => {
                    tracing::error!(account = %account, stream = %stream, %error, "a rule broke off at what is stored, and learns only from what comes: please report it");
                    read.is_whole = false;
                    work.rules.new_state()
                }
            };
            if !read.is_whole {
                return Ok(());
            }
        }
        Ok(())
    }
}
