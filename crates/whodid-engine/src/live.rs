//! The live tail: what is recorded, as it is recorded, through the same query as a search.

use std::collections::VecDeque;

use arrow::array::RecordBatch;
use tokio::sync::broadcast;
use whodid_model::{AccessScope, Offset, RecordId, StreamName, access::Spaces};
use whodid_query::Query;

use crate::row::Row;
use crate::writer::StreamKey;
use crate::{render, rowview};

/// Batches that a slow reader may lag behind before it loses some.
pub const LIVE_BATCHES_MAX: usize = 1024;

/// A batch that has just become durable.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub stream: StreamKey,
    pub batch: RecordBatch,
}

/// What a live reader gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveItem {
    /// A record that matches.
    Event {
        /// `activity:42`.
        id: String,
        /// The event in the API's form.
        json: String,
    },
    /// The reader was too slow or away too long; this many records (of a running tail: batches) passed unseen.
    Lagged {
        /// How many.
        dropped: u64,
    },
}

/// A live reader. Dropping it ends it.
#[derive(Debug)]
pub struct Live {
    pub(crate) receiver: broadcast::Receiver<Published>,
    pub(crate) scope: AccessScope,
    pub(crate) stream: StreamName,
    pub(crate) query: Query,
    pub(crate) space: Option<String>,
    pub(crate) region: Option<String>,
    /// Records up to here have been given already.
    pub(crate) after: Option<Offset>,
    pub(crate) waiting: VecDeque<LiveItem>,
}

impl Live {
    /// The next record that matches; `None` when the engine has closed.
    pub async fn next(&mut self) -> Option<LiveItem> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Some(item);
            }
            match self.receiver.recv().await {
                Ok(published) => self.take(&published),
                Err(broadcast::error::RecvError::Lagged(dropped)) => return Some(LiveItem::Lagged { dropped }),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    fn take(&mut self, published: &Published) {
        if published.stream.0 != *self.scope.account() || published.stream.1 != self.stream {
            return;
        }
        self.take_batch(&published.batch);
    }

    /// Queues the rows of a batch that match.
    fn take_batch(&mut self, batch: &RecordBatch) {
        for row in Row::all(batch) {
            if self.after.is_some_and(|after| row.offset() <= after) || !self.may_show(row) {
                continue;
            }
            if !rowview::with_event(row, &self.stream, |event| self.query.matches(event)) {
                continue;
            }
            self.push(row);
        }
    }

    /// Queues a row.
    pub(crate) fn push(&mut self, row: Row<'_>) {
        let mut json = String::with_capacity(2048);
        render::event_json(row, self.scope.account(), &self.stream, &mut json);
        let id = RecordId { stream: self.stream.clone(), offset: row.offset() };
        self.waiting.push_back(LiveItem::Event { id: id.to_string(), json });
    }

    fn may_show(&self, row: Row<'_>) -> bool {
        let in_scope = match self.scope.spaces() {
            Spaces::All => true,
            Spaces::Only { spaces, account_events } => match row.space() {
                None => *account_events,
                Some(space) => spaces.iter().any(|allowed| allowed.as_str() == space),
            },
        };
        let in_space = self.space.as_deref().is_none_or(|space| row.space() == Some(space));
        let in_region =
            self.region.as_deref().is_none_or(|region| row.field(whodid_model::Field::Region) == Some(region));
        in_scope && in_space && in_region
    }
}
