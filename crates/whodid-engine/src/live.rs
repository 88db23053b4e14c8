//! The live tail: what is recorded, as it is recorded, through the same query as a search.
//!
//! A reader keeps only the offset up to which it has looked, and reads on from the table when it is told
//! that something came. So a slow reader holds no memory, and what one account records costs the readers
//! of another no more than a look.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;
use tokio::sync::{OwnedSemaphorePermit, watch};
use whodid_lake::offsets_of;
use whodid_model::{AccessScope, Offset, RecordId, StreamName};
use whodid_query::{Comparison, Expr, Operand, Query, RecordField, Target, Test};
use whodid_search::Visible;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::read::{PAGE_EVENTS_MAX, ReadRequest};
use crate::row::Row;
use crate::{render, rowview};

/// Most live readers at once.
pub const LIVE_READERS_MAX: usize = 256;
/// Rows looked at in one step; what matches waits in memory until it is taken.
const STEP_ROWS: usize = 512;
/// So few rows are matched where they are; more on a thread for work.
const INLINE_ROWS: usize = 32;

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
    /// The reader was too slow or away too long; this many matching records passed unseen.
    Lagged {
        /// How many.
        dropped: u64,
    },
}

/// A live reader. Dropping it ends it.
#[derive(Debug)]
pub struct Live {
    engine: Engine,
    news: watch::Receiver<u64>,
    request: ReadRequest,
    matcher: Arc<Matcher>,
    /// Records before it have been looked at.
    next: Offset,
    waiting: VecDeque<LiveItem>,
    _place: OwnedSemaphorePermit,
}

/// Which records a reader is shown.
#[derive(Debug)]
struct Matcher {
    scope: AccessScope,
    stream: StreamName,
    query: Query,
    space: Option<String>,
    region: Option<String>,
}

impl Engine {
    /// What is recorded from now on and matches. With `after`, first what was recorded since that
    /// offset, in its order; when that is more than [`PAGE_EVENTS_MAX`], the number left out is told.
    ///
    /// # Errors
    /// [`ErrorKind::Overloaded`] when [`LIVE_READERS_MAX`] readers are there already.
    pub async fn live(&self, scope: &AccessScope, request: &ReadRequest, after: Option<u64>) -> Result<Live, Error> {
        let place = Arc::clone(&self.inner.live_places).try_acquire_owned().map_err(|_| {
            Error::new(ErrorKind::Overloaded, "too_many_tails", "too many live tails are open; close some or try later")
        })?;
        let news = self.inner.published.clone();
        let view = self.view(scope, request).await?;
        let as_of = view.snapshot.next_offset();
        let mut live = Live {
            engine: self.clone(),
            news,
            request: request.clone(),
            matcher: Arc::new(Matcher {
                scope: scope.clone(),
                stream: view.stream.clone(),
                query: view.filter.query.clone(),
                space: request.space.clone(),
                region: request.region.clone(),
            }),
            next: as_of,
            waiting: VecDeque::new(),
            _place: place,
        };
        if let Some(after) = after {
            live.waiting = live.recorded(Offset(after.saturating_add(1)), as_of).await?;
        }
        Ok(live)
    }
}

impl Live {
    /// The next record that matches; `None` when the engine has closed. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<LiveItem> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Some(item);
            }
            self.news.borrow_and_update();
            match self.look().await {
                Ok(true) => {}
                Ok(false) => self.news.changed().await.ok()?,
                Err(error) => {
                    tracing::warn!(%error, "a live tail could not read on: {error}");
                    let end = self.end();
                    let dropped = end.0.saturating_sub(self.next.0);
                    self.next = end;
                    return Some(LiveItem::Lagged { dropped });
                }
            }
        }
    }

    fn end(&self) -> Offset {
        let table = self.engine.inner.known_table(self.matcher.scope.account(), &self.matcher.stream);
        table.map_or(self.next, |table| table.next_offset().max(self.next))
    }

    /// Looks at some of the records that came; false when there are none.
    async fn look(&mut self) -> Result<bool, Error> {
        let end = self.end();
        if end <= self.next {
            return Ok(false);
        }
        let table = self.engine.inner.known_table(self.matcher.scope.account(), &self.matcher.stream);
        let rows = table.map(|table| table.tail_after(self.next.0.checked_sub(1).map(Offset))).unwrap_or_default();
        let first = rows.first().and_then(offsets_of).map(|(first, _)| first);
        if first != Some(self.next) {
            // Flushed before this reader came to it.
            let until = first.unwrap_or(end);
            self.waiting = self.recorded(self.next, until).await?;
            self.next = until;
            return Ok(true);
        }
        let batch = &rows[0];
        let batch = batch.slice(0, batch.num_rows().min(STEP_ROWS));
        let next = Offset(self.next.0 + batch.num_rows() as u64);
        let matcher = Arc::clone(&self.matcher);
        // Anew each time: what a grant says of the present is meant of now, not of when the reader came.
        let visible = self.engine.visible(&matcher.scope, &matcher.stream, matcher.space.as_deref())?;
        self.waiting = if batch.num_rows() <= INLINE_ROWS {
            matcher.items(&batch, &visible)
        } else {
            tokio::task::spawn_blocking(move || matcher.items(&batch, &visible))
                .await
                .map_err(|error| Error::internal("matching a live tail", error))?
        };
        self.next = next;
        Ok(true)
    }

    /// The matching records of `[from, to)` by a search; of too many the latest, and how many are left out.
    async fn recorded(&self, from: Offset, to: Offset) -> Result<VecDeque<LiveItem>, Error> {
        let mut view = self.engine.view(&self.matcher.scope, &self.request).await?;
        let from = i64::try_from(from.0).unwrap_or(i64::MAX);
        let newer = Test::Compare(vec![(Comparison::GreaterOrEqual, Operand::Int(from))]);
        let newer = Expr::term(Target::Record(RecordField::Offset), newer);
        view.filter.query = Query { expr: Expr::and([view.filter.query.expr, newer]) };
        view.filter.before_offset = Some(to);
        let searcher = &self.engine.inner.searcher;
        let order = whodid_search::Order::NewestFirst;
        let page = searcher
            .list(&view.snapshot, &view.filter, order, None, PAGE_EVENTS_MAX)
            .await
            .map_err(crate::read::search_error)?;
        let mut items = VecDeque::new();
        if page.more {
            let all = searcher.count(&view.snapshot, &view.filter).await.map_err(crate::read::search_error)?.value;
            items.push_back(LiveItem::Lagged { dropped: all.saturating_sub(PAGE_EVENTS_MAX as u64) });
        }
        let mut rows: Vec<Row<'_>> = page.rows.iter().flat_map(Row::all).collect();
        rows.sort_by_key(|row| row.offset());
        items.extend(rows.into_iter().map(|row| self.matcher.item(row)));
        Ok(items)
    }
}

impl Matcher {
    /// The rows of a batch that match and may be seen.
    fn items(&self, batch: &RecordBatch, visible: &Visible) -> VecDeque<LiveItem> {
        let rows = Row::all(batch).filter(|row| {
            self.is_in_region(*row)
                && rowview::with_event(*row, &self.stream, |event| visible.shows(event) && self.query.matches(event))
        });
        rows.map(|row| self.item(row)).collect()
    }

    fn item(&self, row: Row<'_>) -> LiveItem {
        let mut json = String::with_capacity(2048);
        render::event_json(row, self.scope.account(), &self.stream, &mut json);
        let id = RecordId { stream: self.stream.clone(), offset: row.offset() };
        LiveItem::Event { id: id.to_string(), json }
    }

    fn is_in_region(&self, row: Row<'_>) -> bool {
        self.region.as_deref().is_none_or(|region| row.field(whodid_model::Field::Region) == Some(region))
    }
}
