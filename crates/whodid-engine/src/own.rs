//! One person's activity: what was done in their name, in the account's services and in whodid itself, as one list.

use serde::{Deserialize, Serialize};
use whodid_model::{AccessScope, Offset, StreamName, Timestamp};

use crate::engine::Engine;
use crate::error::Error;
use crate::read::{
    EventJson, PAGE_EVENTS_MAX, Page, ReadRequest, ReadStats, fingerprint, read_packed, render_all, search_error,
    write_packed,
};
use crate::row::Row;

/// The streams that a person's activity is gathered from.
pub const OWN_STREAMS: [&str; 2] = ["activity", "audit"];

/// Where a list of several streams goes on. Opaque to callers.
#[derive(Serialize, Deserialize)]
struct Cursor {
    /// Of each stream: the last row given as event time in microseconds and offset, and the offset from which on
    /// records came after the first page.
    s: [(Option<(i64, u64)>, u64); OWN_STREAMS.len()],
    /// What relative times of the first page were relative to, in microseconds.
    n: i64,
    /// What was asked for: a cursor goes on with nothing else.
    h: u64,
}

impl Engine {
    /// A page of a person's activity, newest first, under a scope of [`whodid_model::access::Act::ReadOwn`].
    /// `request.stream` is not looked at.
    pub async fn list_own(
        &self,
        scope: &AccessScope,
        request: &ReadRequest,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page, Error> {
        let asked = fingerprint(request, Some("own"));
        let cursor: Option<Cursor> =
            cursor.map(|text| read_packed(text, |cursor: &Cursor| cursor.h == asked)).transpose()?;
        let now = cursor.as_ref().map_or_else(|| (self.inner.options.clock)(), |at| Timestamp::from_micros(at.n));
        let limit = limit.clamp(1, PAGE_EVENTS_MAX);
        let mut places = [(None, 0); OWN_STREAMS.len()];
        let mut found: Vec<(Timestamp, usize, Offset, EventJson)> = Vec::new();
        let mut has_more = false;
        let mut sum = ReadStats::default();
        for (at, name) in OWN_STREAMS.into_iter().enumerate() {
            let stream = StreamName::parse(name).map_err(|error| Error::internal("naming a stream", error))?;
            let request = ReadRequest { stream: Some(stream), ..request.clone() };
            let mut view = self.view_at(scope, &request, now).await?;
            let (after, as_of) = match &cursor {
                Some(cursor) => cursor.s[at],
                None => (None, view.snapshot.next_offset().0),
            };
            places[at] = (after, as_of);
            view.filter.before_offset = Some(Offset(as_of));
            let after = after.map(|(time, offset)| (Timestamp::from_micros(time), Offset(offset)));
            let order = whodid_search::Order::NewestFirst;
            let page = self.inner.searcher.list(&view.snapshot, &view.filter, order, after, limit).await;
            let page = page.map_err(search_error)?;
            has_more |= page.more;
            // Of the rest nothing: it would tell how much others did.
            sum.took_ms += view.stats(page.stats, Offset(as_of)).took_ms;
            let events = render_all(&page.rows, &view.account, &view.stream);
            let rows = page.rows.iter().flat_map(Row::all).map(|row| (row.event_time(), row.offset()));
            found.extend(rows.zip(events).map(|((time, offset), event)| (time, at, offset, event)));
        }
        found.sort_by_key(|(time, at, offset, _)| (std::cmp::Reverse(*time), *at, std::cmp::Reverse(*offset)));
        has_more |= found.len() > limit;
        found.truncate(limit);
        for (time, at, offset, _) in &found {
            places[*at].0 = Some((time.micros(), offset.0));
        }
        let next_cursor = has_more.then(|| write_packed(&Cursor { s: places, n: now.micros(), h: asked }));
        Ok(Page { events: found.into_iter().map(|(.., event)| event).collect(), next_cursor, stats: sum })
    }
}
