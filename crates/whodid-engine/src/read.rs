//! Reading: every call takes an access scope and gives plain values; events come as JSON text.

use std::collections::{HashMap, HashSet};

use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};
use whodid_lake::{RawReader, Snapshot};
use whodid_model::{AccessScope, AccountName, Field, Offset, RecordId, Right, SpaceName, StreamName, Timestamp};
use whodid_query::{Expr, Query, RecordField, Target, Test};
use whodid_search::{Filter, SearchError, Stats, Visible};

use crate::engine::{Engine, not_covered, require};
use crate::error::{Error, ErrorKind};
use crate::render;
use crate::row::Row;
use crate::status::shows_all;

/// Most events on one page.
pub const PAGE_EVENTS_MAX: usize = 1000;
/// Most related records of one event.
pub const RELATED_MAX: usize = 50;
/// Most values of one facet.
pub const FACET_VALUES_MAX: usize = 1000;
/// Most bars of one histogram.
pub const BUCKETS_MAX: i64 = 5000;
/// Most values that a histogram tells apart; all others are one number.
pub const SERIES_MAX: usize = 50;
/// Newest records whose paths are offered as field names.
const FIELD_SAMPLE_ROWS: usize = 2000;
/// Rows of one SQL answer.
const SQL_ROWS_MAX: usize = 10_000;

/// One event in the API's form (shape E of `docs/reference/api-events.md`), as JSON text.
pub type EventJson = String;

/// Which way a list runs; always by event time, then offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Latest event time first.
    #[default]
    NewestFirst,
    /// Earliest event time first.
    OldestFirst,
}

/// What a read is about. Times as in the API's `from` and `to`: `from` inclusive, `to` exclusive.
#[derive(Debug, Clone, Default)]
pub struct ReadRequest {
    /// Query text; empty for everything.
    pub q: String,
    /// Time text: absolute or relative.
    pub from: Option<String>,
    /// Time text: absolute or relative.
    pub to: Option<String>,
    /// Only this space.
    pub space: Option<String>,
    /// Only this region.
    pub region: Option<String>,
    /// The stream. When not given that of the scope; `activity` where the scope is of several.
    pub stream: Option<StreamName>,
}

/// How long a read took and what it touched. What it touched is told only to who sees every record of the stream;
/// others would learn from it how many there are that they may not see.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct ReadStats {
    /// Milliseconds.
    pub took_ms: f64,
    /// Rows whose filter columns were looked at.
    pub rows_scanned: u64,
    /// Segments in the table.
    pub segments: u64,
    /// Segments that had to be opened.
    pub segments_read: u64,
    /// Rows that were in memory.
    pub tail_rows: u64,
    /// Records from this offset on are not in the answer (nor in its further pages).
    pub as_of: u64,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// Events in order.
    pub events: Vec<EventJson>,
    /// Give it back for the next page; `None` on the last.
    pub next_cursor: Option<String>,
    /// What the read cost.
    pub stats: ReadStats,
}

/// How many records match.
#[derive(Debug, Clone)]
pub struct Count {
    /// Exact number.
    pub count: u64,
    /// What the read cost.
    pub stats: ReadStats,
}

/// One event with what belongs to it.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The event.
    pub event: EventJson,
    /// Records that share its id or correlation id, without itself, oldest first, at most 50: objects of `eventTime`,
    /// `action` and `outcome` as the model reads them (texts, also where the event has a number), and `record`.
    pub related: Vec<EventJson>,
}

/// The neighbours of a record in time.
#[derive(Debug, Clone)]
pub struct Around {
    /// Nearest last.
    pub before: Vec<EventJson>,
    /// Nearest first.
    pub after: Vec<EventJson>,
}

/// Width of a histogram's buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Chosen so that 40 to 120 buckets cover the range.
    Auto,
    /// Microseconds; 1 second to 366 days.
    Micros(i64),
}

/// One bar.
#[derive(Debug, Clone)]
pub struct HistogramBucket {
    /// Start of the bucket; it ends where the next starts.
    pub start: Timestamp,
    /// Number per value, only values that occur.
    pub counts: Vec<(String, u64)>,
    /// Number of all values beyond the [`SERIES_MAX`] most frequent of the whole range.
    pub other: u64,
}

/// Numbers over time.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Width of a bucket in microseconds.
    pub interval_micros: i64,
    /// Start of the first bucket.
    pub from: Timestamp,
    /// End of the last bucket.
    pub to: Timestamp,
    /// Every bucket of the range, empty ones too.
    pub buckets: Vec<HistogramBucket>,
    /// Sum of all counts.
    pub total: u64,
    /// What the read cost.
    pub stats: ReadStats,
}

/// A value and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The value as text.
    pub value: String,
    /// Exact number.
    pub count: u64,
}

/// The most frequent values of a field.
#[derive(Debug, Clone)]
pub struct Facet {
    /// The field as asked for.
    pub field: String,
    /// Most frequent first, ties in text order.
    pub values: Vec<Value>,
    /// Matching records with some other value.
    pub other: u64,
    /// Matching records without a value.
    pub missing: u64,
}

/// A name that queries may use.
#[derive(Debug, Clone)]
pub struct FieldName {
    /// Path to use in a query.
    pub name: String,
    /// Column of the stored table, when it is one.
    pub column: Option<&'static str>,
    /// Further names.
    pub aliases: Vec<&'static str>,
    /// text, time, number or json.
    pub kind: &'static str,
    /// True for names of the model, false for paths seen in recent events.
    pub is_model: bool,
}

/// One reject.
#[derive(Debug, Clone)]
pub struct RejectRow {
    /// `rejects:7`.
    pub id: String,
    /// Place in the stream.
    pub offset: u64,
    /// When it came in.
    pub recorded_at: Timestamp,
    /// Stable code.
    pub code: String,
    /// Why, in words.
    pub detail: String,
    /// The format it was to be read as.
    pub source: String,
    /// The bytes as received.
    pub raw: Vec<u8>,
}

/// One page of rejects, newest first.
#[derive(Debug, Clone)]
pub struct RejectPage {
    /// The rejects.
    pub rejects: Vec<RejectRow>,
    /// Give it back for the next page.
    pub next_cursor: Option<String>,
}

/// Rejects by code.
#[derive(Debug, Clone)]
pub struct RejectSummary {
    /// All.
    pub total: u64,
    /// Most frequent first.
    pub codes: Vec<Value>,
}

/// The answer to a read-only SQL statement.
#[derive(Debug, Clone)]
pub struct SqlAnswer {
    /// Name and Arrow type of each column.
    pub columns: Vec<(String, String)>,
    /// Rows of JSON values.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// True when the row cap cut the answer.
    pub truncated: bool,
    /// Milliseconds.
    pub took_ms: f64,
}

/// Where a list goes on. Opaque to callers.
#[derive(Serialize, Deserialize)]
struct Cursor {
    /// Event time of the last row given, in microseconds.
    t: i64,
    /// Its offset.
    o: u64,
    /// Records from here on came after the first page.
    a: u64,
    /// What relative times of the first page were relative to, in microseconds.
    n: i64,
    /// What was asked for: a cursor goes on with nothing else.
    h: u64,
}

/// A table as it was at one moment, and what may be read of it.
pub(crate) struct View {
    pub snapshot: Snapshot,
    pub account: AccountName,
    pub stream: StreamName,
    pub filter: Filter,
    /// Whether the reader may see every record of the stream.
    shows_all: bool,
}

impl Engine {
    /// A page of events.
    ///
    /// `limit` is held within 1 and [`PAGE_EVENTS_MAX`]. The first page fixes which records the later
    /// ones may hold, so that what arrives meanwhile neither repeats nor moves anything.
    pub async fn list(
        &self,
        scope: &AccessScope,
        request: &ReadRequest,
        order: Order,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page, Error> {
        let asked = fingerprint(request, (order == Order::OldestFirst).then_some("oldest"));
        let cursor = cursor.map(|text| read_cursor(text, asked)).transpose()?;
        let now = cursor.as_ref().map_or_else(|| (self.inner.options.clock)(), |at| Timestamp::from_micros(at.n));
        let mut view = self.view_at(scope, request, now).await?;
        let as_of = cursor.as_ref().map_or_else(|| view.snapshot.next_offset(), |cursor| Offset(cursor.a));
        view.filter.before_offset = Some(as_of);
        let after = cursor.map(|cursor| (Timestamp::from_micros(cursor.t), Offset(cursor.o)));
        let limit = limit.clamp(1, PAGE_EVENTS_MAX);
        let page = self
            .inner
            .searcher
            .list(&view.snapshot, &view.filter, search_order(order), after, limit)
            .await
            .map_err(search_error)?;
        let last = page.rows.iter().flat_map(Row::all).last().map(|row| (row.event_time(), row.offset()));
        let next_cursor = last
            .filter(|_| page.more)
            .map(|(time, offset)| Cursor { t: time.micros(), o: offset.0, a: as_of.0, n: now.micros(), h: asked })
            .map(|cursor| write_cursor(&cursor));
        let events = render_all(&page.rows, &view.account, &view.stream);
        Ok(Page { events, next_cursor, stats: view.stats(page.stats, as_of) })
    }

    /// One event by its id or record id, with what belongs to it.
    pub async fn get(&self, scope: &AccessScope, id: &str) -> Result<Lookup, Error> {
        let (view, batch) = self.find(scope, id).await?;
        let rows: Vec<Row<'_>> = Row::all(&batch).collect();
        let row = rows.last().copied().ok_or_else(|| not_found(id))?;
        let mut event = String::new();
        render::event_json(row, &view.account, &view.stream, &mut event);
        let ids: Vec<String> = row.field(Field::Id).map(str::to_owned).into_iter().collect();
        let related = self
            .inner
            .searcher
            .related(&view.snapshot, &ids, row.field(Field::CorrelationId), &view.filter.visible, RELATED_MAX + 1)
            .await
            .map_err(search_error)?;
        let mut others = Vec::new();
        for other in related.value.iter().flat_map(Row::all).filter(|other| other.offset() != row.offset()) {
            let mut json = String::new();
            render::related_json(other, &view.account, &view.stream, &mut json);
            others.push(json);
        }
        others.truncate(RELATED_MAX);
        Ok(Lookup { event, related: others })
    }

    /// The records next to one in time, of those that `request` selects (its time range aside).
    pub async fn around(
        &self,
        scope: &AccessScope,
        id: &str,
        count: usize,
        request: &ReadRequest,
    ) -> Result<Around, Error> {
        let (found, batch) = self.find(scope, id).await?;
        let row = Row::all(&batch).last().ok_or_else(|| not_found(id))?;
        let request = ReadRequest { from: None, to: None, stream: Some(found.stream.clone()), ..request.clone() };
        let view = self.view(scope, &request).await?;
        let place = Some((row.event_time(), row.offset()));
        let count = count.clamp(1, PAGE_EVENTS_MAX);
        let searcher = &self.inner.searcher;
        let older = searcher.list(&view.snapshot, &view.filter, whodid_search::Order::NewestFirst, place, count).await;
        let newer = searcher.list(&view.snapshot, &view.filter, whodid_search::Order::OldestFirst, place, count).await;
        let mut before = render_all(&older.map_err(search_error)?.rows, &view.account, &view.stream);
        before.reverse();
        let after = render_all(&newer.map_err(search_error)?.rows, &view.account, &view.stream);
        Ok(Around { before, after })
    }

    /// How many records match.
    pub async fn count(&self, scope: &AccessScope, request: &ReadRequest) -> Result<Count, Error> {
        let view = self.view(scope, request).await?;
        let answer = self.inner.searcher.count(&view.snapshot, &view.filter).await.map_err(search_error)?;
        Ok(Count { count: answer.value, stats: view.stats(answer.stats, view.snapshot.next_offset()) })
    }

    /// Numbers over event time, divided by the values of a field or path. Without `from` or `to` the range is that of the events that may be seen.
    pub async fn histogram(
        &self,
        scope: &AccessScope,
        request: &ReadRequest,
        interval: Interval,
        by: &str,
    ) -> Result<Histogram, Error> {
        let view = self.view(scope, request).await?;
        let (oldest, newest) = match (view.filter.from, view.filter.to) {
            (Some(from), Some(to)) => (from, to),
            _ => self.visible_span(&view).await?.unwrap_or_default(),
        };
        let from = view.filter.from.unwrap_or(oldest);
        let to = view.filter.to.unwrap_or_else(|| newest.plus_micros(1)).max(from.plus_micros(1));
        let width = interval_micros(interval, from, to)?;
        let by = target_of(by)?;
        let answer =
            self.inner.searcher.histogram(&view.snapshot, &view.filter, width, &by).await.map_err(search_error)?;
        let first = from.micros().div_euclid(width) * width;
        let bars = (to.micros() - 1 - first).div_euclid(width) + 1;
        let mut buckets: Vec<HistogramBucket> = (0..bars)
            .map(|bar| Timestamp::from_micros(first + bar * width))
            .map(|start| HistogramBucket { start, counts: Vec::new(), other: 0 })
            .collect();
        let mut total = 0;
        let listed = most_frequent(&answer.value, SERIES_MAX);
        for (start, value, count) in answer.value {
            let bar = usize::try_from((start.micros() - first).div_euclid(width)).unwrap_or(usize::MAX);
            let Some(bucket) = buckets.get_mut(bar) else { continue };
            if listed.contains(&value) {
                bucket.counts.push((value, count));
            } else {
                bucket.other += count;
            }
            total += count;
        }
        let to = Timestamp::from_micros(first + bars * width);
        let stats = view.stats(answer.stats, view.snapshot.next_offset());
        Ok(Histogram { interval_micros: width, from: Timestamp::from_micros(first), to, buckets, total, stats })
    }

    /// The most frequent values of several fields. `prefix` (of one field's values) serves completion.
    pub async fn facets(
        &self,
        scope: &AccessScope,
        request: &ReadRequest,
        fields: &[String],
        limit: usize,
        prefix: Option<&str>,
    ) -> Result<Vec<Facet>, Error> {
        let view = self.view(scope, request).await?;
        let limit = limit.clamp(1, FACET_VALUES_MAX);
        let targets = fields.iter().map(|name| target_of(name)).collect::<Result<Vec<_>, _>>()?;
        let searcher = &self.inner.searcher;
        let tops = match (targets.as_slice(), prefix.filter(|prefix| !prefix.is_empty())) {
            ([target], Some(prefix)) => {
                vec![
                    searcher
                        .top(&view.snapshot, &view.filter, target, limit, Some(prefix))
                        .await
                        .map_err(search_error)?
                        .value,
                ]
            }
            (_, Some(_)) => return Err(Error::invalid("bad_parameter", "`prefix` goes with exactly one `field`")),
            (targets, None) => {
                searcher.facets(&view.snapshot, &view.filter, targets, limit).await.map_err(search_error)?.value
            }
        };
        let facet = |(field, top): (&String, whodid_search::Top)| Facet {
            field: field.clone(),
            values: top.values.into_iter().map(|(value, count)| Value { value, count }).collect(),
            other: top.other,
            missing: top.missing,
        };
        Ok(fields.iter().zip(tops).map(facet).collect())
    }

    /// Names that queries may use and that begin with `prefix` (whatever the case): the model's, then
    /// the paths seen in the newest records.
    pub async fn fields(&self, scope: &AccessScope, prefix: &str) -> Result<Vec<FieldName>, Error> {
        let view = self.view(scope, &ReadRequest::default()).await?;
        let prefix = prefix.to_lowercase();
        let fits = |name: &str| name.to_lowercase().starts_with(&prefix);
        let mut names: Vec<FieldName> = Field::ALL
            .into_iter()
            .map(|field| FieldName {
                name: field.path().to_owned(),
                column: Some(field.column()),
                aliases: field.aliases().to_vec(),
                kind: match (field, field.written()) {
                    (Field::ReasonCode, _) => "number",
                    (_, whodid_model::field::Written::Json) => "json",
                    _ => "text",
                },
                is_model: true,
            })
            .collect();
        names.extend(RecordField::ALL.into_iter().map(|field| FieldName {
            name: field.name().to_owned(),
            column: None,
            aliases: field.names()[1..].to_vec(),
            kind: match field {
                RecordField::Offset => "number",
                field if field.is_time() => "time",
                _ => "text",
            },
            is_model: true,
        }));
        let seen = self
            .inner
            .searcher
            .fields_seen(&view.snapshot, &view.filter.visible, FIELD_SAMPLE_ROWS)
            .await
            .map_err(search_error)?;
        for path in seen.value {
            if Field::named(&path.path).is_some() || RecordField::named(&path.path).is_some() {
                continue;
            }
            let kind = match path.kinds.first() {
                Some(whodid_search::Kind::Number) => "number",
                Some(whodid_search::Kind::Time) => "time",
                Some(whodid_search::Kind::Json) => "json",
                _ => "text",
            };
            names.push(FieldName { name: path.path, column: None, aliases: Vec::new(), kind, is_model: false });
        }
        names.retain(|field| fits(&field.name) || field.aliases.iter().any(|alias| fits(alias)));
        Ok(names)
    }

    /// Rejects, newest first.
    pub async fn rejects(
        &self,
        scope: &AccessScope,
        request: &ReadRequest,
        code: Option<&str>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<RejectPage, Error> {
        let request = ReadRequest { stream: Some(StreamName::rejects()), ..request.clone() };
        let asked = fingerprint(&request, code);
        let cursor = cursor.map(|text| read_cursor(text, asked)).transpose()?;
        let now = cursor.as_ref().map_or_else(|| (self.inner.options.clock)(), |at| Timestamp::from_micros(at.n));
        let mut view = self.view_at(scope, &request, now).await?;
        if let Some(code) = code {
            let term = Expr::term(Target::Field(Field::ReasonCode), Test::exact(code, true));
            view.filter.query = Query { expr: Expr::and([view.filter.query.expr, term]) };
        }
        let as_of = cursor.as_ref().map_or_else(|| view.snapshot.next_offset(), |cursor| Offset(cursor.a));
        view.filter.before_offset = Some(as_of);
        let after = cursor.map(|cursor| (Timestamp::from_micros(cursor.t), Offset(cursor.o)));
        let limit = limit.clamp(1, PAGE_EVENTS_MAX);
        let order = whodid_search::Order::NewestFirst;
        let page =
            self.inner.searcher.list(&view.snapshot, &view.filter, order, after, limit).await.map_err(search_error)?;
        let mut next_cursor = None;
        let mut rejects = Vec::new();
        for row in page.rows.iter().flat_map(Row::all) {
            if page.more {
                let (t, o) = (row.event_time().micros(), row.offset().0);
                next_cursor = Some(write_cursor(&Cursor { t, o, a: as_of.0, n: now.micros(), h: asked }));
            }
            rejects.push(RejectRow {
                id: RecordId { stream: StreamName::rejects(), offset: row.offset() }.to_string(),
                offset: row.offset().0,
                recorded_at: row.recorded_at(),
                code: row.field(Field::ReasonCode).unwrap_or_default().to_owned(),
                detail: row.field(Field::ReasonText).unwrap_or_default().to_owned(),
                source: row.source().to_owned(),
                raw: row.raw().into_owned(),
            });
        }
        Ok(RejectPage { rejects, next_cursor })
    }

    /// How many rejects there are of each code.
    pub async fn reject_summary(&self, scope: &AccessScope, request: &ReadRequest) -> Result<RejectSummary, Error> {
        let request = ReadRequest { stream: Some(StreamName::rejects()), ..request.clone() };
        let view = self.view(scope, &request).await?;
        let target = Target::Field(Field::ReasonCode);
        let top = self
            .inner
            .searcher
            .top(&view.snapshot, &view.filter, &target, FACET_VALUES_MAX, None)
            .await
            .map_err(search_error)?
            .value;
        let codes: Vec<Value> = top.values.into_iter().map(|(value, count)| Value { value, count }).collect();
        let total = codes.iter().map(|code| code.count).sum::<u64>() + top.other + top.missing;
        Ok(RejectSummary { total, codes })
    }

    /// Answers a read-only SQL statement over table `events` (the `activity` stream).
    pub async fn sql(&self, scope: &AccessScope, text: &str) -> Result<SqlAnswer, Error> {
        let request = ReadRequest { stream: Some(StreamName::activity()), ..ReadRequest::default() };
        let view = self.view(scope, &request).await?;
        let limits = whodid_search::SqlLimits { rows: SQL_ROWS_MAX };
        let answer =
            self.inner.searcher.sql(&view.snapshot, text, &view.filter.visible, limits).await.map_err(search_error)?;
        let columns =
            answer.schema.fields().iter().map(|field| (field.name().clone(), field.data_type().to_string())).collect();
        let rows = crate::sql_value::rows(&answer.batches)?;
        let took_ms = answer.stats.took.as_secs_f64() * 1000.0;
        Ok(SqlAnswer { columns, rows, truncated: answer.truncated, took_ms })
    }

    /// Checks a query text; its canonical form when it is right.
    pub fn check_query(&self, q: &str) -> Result<String, Error> {
        parse_query(q).map(|query| query.to_string())
    }

    /// A snapshot and what of it is asked for. A stream that nothing was ever stored in is empty, not an error.
    pub(crate) async fn view(&self, scope: &AccessScope, request: &ReadRequest) -> Result<View, Error> {
        self.view_at(scope, request, (self.inner.options.clock)()).await
    }

    /// As [`Engine::view`], with relative times as they were at `now`.
    pub(crate) async fn view_at(
        &self,
        scope: &AccessScope,
        request: &ReadRequest,
        now: Timestamp,
    ) -> Result<View, Error> {
        require(scope, &[Right::Read, Right::Export])?;
        let stream = stream_of(scope, request.stream.as_ref())?;
        let visible = self.visible(scope, &stream, request.space.as_deref())?;
        let mut filter = Filter::of(parse_query(&request.q)?.at(now), visible);
        (filter.from, filter.to) = time_range(request.from.as_deref(), request.to.as_deref(), now)?;
        filter.region.clone_from(&request.region);
        if mentions_recorded_at(&filter.query.expr) {
            // A group that is being written now may carry a time of the past: a closed range shows it always or never.
            self.inner.groups_settled().await;
        }
        self.inner.set_aside.refuse(scope.account(), &stream)?;
        let snapshot = match self.inner.known_table(scope.account(), &stream) {
            Some(table) => table.snapshot(),
            None => Snapshot::empty(self.inner.lake.store()),
        };
        Ok(View { snapshot, account: scope.account().clone(), stream, filter, shows_all: shows_all(scope) })
    }

    /// What of a stream may be seen under a scope, by the clock and not by what a request says of the time.
    pub(crate) fn visible(
        &self,
        scope: &AccessScope,
        stream: &StreamName,
        space: Option<&str>,
    ) -> Result<Visible, Error> {
        let visible = Visible::of(scope.rows(), stream.clone(), (self.inner.options.clock)()).map_err(|error| {
            tracing::error!(account = %scope.account(), %error, "the query of a grant cannot be read, so nothing is shown by it: {error}");
            let detail = "a query limits what may be shown here, and it cannot be read; nothing is shown until it is mended";
            Error::new(ErrorKind::Denied, "denied", detail)
        })?;
        let Some(space) = space else { return Ok(visible) };
        let space =
            SpaceName::parse(space).map_err(|error| Error::invalid("bad_space", format!("`space`: {error}")))?;
        Ok(visible.in_space(&space))
    }

    /// Earliest and latest event time of what may be seen.
    async fn visible_span(&self, view: &View) -> Result<Option<(Timestamp, Timestamp)>, Error> {
        let filter = Filter::everything(view.filter.visible.clone());
        if filter.visible.is_all() {
            return Ok(time_span(&view.snapshot));
        }
        let mut times = Vec::with_capacity(2);
        for order in [whodid_search::Order::OldestFirst, whodid_search::Order::NewestFirst] {
            let page = self.inner.searcher.list(&view.snapshot, &filter, order, None, 1).await.map_err(search_error)?;
            times.extend(page.rows.iter().flat_map(Row::all).next().map(|row| row.event_time()));
        }
        Ok(times.first().copied().zip(times.last().copied()))
    }

    /// The row that `id` names: the record, or the latest of those that share an event id.
    async fn find(&self, scope: &AccessScope, id: &str) -> Result<(View, RecordBatch), Error> {
        let record = RecordId::parse(id);
        let stream = record.as_ref().map(|record| record.stream.clone());
        let view = self.view(scope, &ReadRequest { stream, ..ReadRequest::default() }).await?;
        let visible = &view.filter.visible;
        let searcher = &self.inner.searcher;
        let answer = match record {
            Some(record) => searcher.get_by_offsets(&view.snapshot, &[record.offset], visible).await,
            None => searcher.get_by_id(&view.snapshot, id, visible, 1).await,
        };
        let batches = answer.map_err(search_error)?.value;
        let batch = batches.into_iter().rfind(|batch| batch.num_rows() > 0).ok_or_else(|| not_found(id))?;
        Ok((view, batch))
    }
}

fn mentions_recorded_at(expr: &Expr) -> bool {
    match expr {
        Expr::All => false,
        Expr::And(members) | Expr::Or(members) => members.iter().any(mentions_recorded_at),
        Expr::Not(member) => mentions_recorded_at(member),
        Expr::Term(term) => term.target == Target::Record(RecordField::RecordedAt),
    }
}

fn not_found(id: &str) -> Error {
    let shown: String = id.chars().take(100).collect();
    Error::new(ErrorKind::NotFound, "not_found", format!("there is no event {shown:?} in this account"))
}

pub(crate) fn render_all(batches: &[RecordBatch], account: &AccountName, stream: &StreamName) -> Vec<EventJson> {
    let mut events = Vec::new();
    let mut renderer = render::Renderer::new(account.clone(), stream.clone());
    for batch in batches {
        let raws = RawReader::new(batch);
        for row in Row::all_with(batch, &raws) {
            let mut json = String::with_capacity(2048);
            renderer.event(row, &mut json);
            events.push(json);
        }
    }
    events
}

/// From when, inclusive, and until when, exclusive, something is asked for: times, or in `from` alone a text for a whole
/// range, which stands for both ends. Relative ones are as they are at `now`.
///
/// # Errors
/// [`ErrorKind::Invalid`] with code `bad_time`: a text cannot be read, or the end is not after the beginning.
pub fn time_range(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Error> {
    let time = |name: &str, text: Option<&str>| {
        let read = text.map(|text| whodid_query::parse_time(text, now)).transpose();
        read.map_err(|error| Error::invalid("bad_time", format!("`{name}`: {error}")))
    };
    if let (Some(text), None) = (from, to)
        && whodid_query::parse_time(text, now).is_err()
        && let Ok((from, to)) = whodid_query::parse_range(text, now)
    {
        return ordered(Some(from), Some(to));
    }
    ordered(time("from", from)?, time("to", to)?)
}

fn ordered(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<(Option<Timestamp>, Option<Timestamp>), Error> {
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(Error::invalid("bad_time", format!("`from` ({from}) must lie before `to` ({to})")));
    }
    Ok((from, to))
}

pub(crate) fn parse_query(q: &str) -> Result<Query, Error> {
    whodid_query::parse(q).map_err(|error| Error {
        kind: ErrorKind::Invalid,
        code: "bad_query",
        detail: error.message,
        position: Some((error.position, error.length)),
        expected: error.expected,
        source: None,
    })
}

/// The part of an event that a field name or path means.
pub(crate) fn target_of(name: &str) -> Result<Target, Error> {
    whodid_query::resolve(name).ok_or_else(|| {
        Error::invalid("bad_field", format!("{name:?} is no field name; use a path such as `initiator.name`"))
    })
}

/// The stream that a read is of. A scope is of one stream, or of what somebody did in their own name, which the
/// streams of events and of whodid's own deeds tell.
pub(crate) fn stream_of(scope: &AccessScope, asked: Option<&StreamName>) -> Result<StreamName, Error> {
    let stream = asked.or(scope.stream()).cloned().unwrap_or_else(StreamName::activity);
    let may = match scope.stream() {
        Some(own) => stream == *own,
        None => stream == StreamName::activity() || stream == StreamName::audit(),
    };
    if may { Ok(stream) } else { Err(not_covered()) }
}

/// Earliest and latest event time of a snapshot.
pub(crate) fn time_span(snapshot: &Snapshot) -> Option<(Timestamp, Timestamp)> {
    let segments = snapshot.segments.iter().map(|segment| segment.event_time);
    let tail = snapshot.tail.iter().map(|batch| batch.event_time());
    segments.chain(tail).reduce(|span, next| (span.0.min(next.0), span.1.max(next.1)))
}

/// The values that occur most often; ties in text order.
fn most_frequent(bars: &[(Timestamp, String, u64)], most: usize) -> HashSet<String> {
    let mut sums: HashMap<&str, u64> = HashMap::new();
    for (_, value, count) in bars {
        *sums.entry(value).or_default() += count;
    }
    let mut sums: Vec<(&str, u64)> = sums.into_iter().collect();
    sums.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    sums.into_iter().take(most).map(|(value, _)| value.to_owned()).collect()
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
const NICE_INTERVALS: [i64; 16] = [
    SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    60 * SECOND,
    300 * SECOND,
    600 * SECOND,
    1800 * SECOND,
    3600 * SECOND,
    3 * 3600 * SECOND,
    6 * 3600 * SECOND,
    12 * 3600 * SECOND,
    DAY,
    7 * DAY,
    30 * DAY,
    365 * DAY,
];
/// Bars that an automatic interval gives at most.
const AUTO_BARS_MAX: i64 = 120;

fn interval_micros(interval: Interval, from: Timestamp, to: Timestamp) -> Result<i64, Error> {
    let span = to.micros() - from.micros();
    match interval {
        Interval::Auto => {
            Ok(NICE_INTERVALS.into_iter().find(|width| span / width <= AUTO_BARS_MAX).unwrap_or(3650 * DAY))
        }
        Interval::Micros(width) if !(SECOND..=366 * DAY).contains(&width) => {
            Err(Error::invalid("bad_interval", "`interval` must lie between 1s and 366d"))
        }
        Interval::Micros(width) if span / width > BUCKETS_MAX => Err(Error::invalid(
            "bad_interval",
            format!(
                "this interval makes {} bars; at most {BUCKETS_MAX} are given, choose a longer one or a shorter range",
                span / width
            ),
        )),
        Interval::Micros(width) => Ok(width),
    }
}

pub(crate) fn search_order(order: Order) -> whodid_search::Order {
    match order {
        Order::NewestFirst => whodid_search::Order::NewestFirst,
        Order::OldestFirst => whodid_search::Order::OldestFirst,
    }
}

impl View {
    pub(crate) fn stats(&self, stats: Stats, as_of: Offset) -> ReadStats {
        let took_ms = (stats.took.as_secs_f64() * 1e6).round() / 1e3;
        if !self.shows_all {
            return ReadStats { took_ms, as_of: as_of.0, ..ReadStats::default() };
        }
        ReadStats {
            took_ms,
            rows_scanned: stats.rows_scanned,
            segments: stats.segments,
            segments_read: stats.segments_read,
            tail_rows: stats.tail_rows,
            as_of: as_of.0,
        }
    }
}

pub(crate) fn search_error(error: SearchError) -> Error {
    use whodid_search::ErrorKind as Kind;
    let (kind, code) = match error.kind() {
        Kind::Invalid => (ErrorKind::Invalid, "bad_sql"),
        Kind::Timeout => (ErrorKind::Timeout, "query_timeout"),
        Kind::Overloaded => (ErrorKind::Overloaded, "query_overloaded"),
        Kind::Unavailable => (ErrorKind::Unavailable, "lake_unavailable"),
        Kind::Internal => return Error::internal("the search", error),
    };
    let detail = match kind {
        ErrorKind::Timeout => format!("{error}; ask for a shorter time range or a more selective query"),
        ErrorKind::Unavailable => {
            "a part of the stored data could not be read; try again later, the log has the details".to_owned()
        }
        _ => error.to_string(),
    };
    Error::new(kind, code, detail).caused_by(error)
}

/// What a list is about, as a number: pages of one list share it.
pub(crate) fn fingerprint(request: &ReadRequest, further: Option<&str>) -> u64 {
    use std::hash::{Hash, Hasher};
    let ReadRequest { q, from, to, space, region, stream } = request;
    // Without a secret: the same in each process.
    let mut hasher = std::hash::DefaultHasher::new();
    let stream = stream.as_ref().map_or("activity", StreamName::as_str);
    (q, from, to, space, region, stream, further).hash(&mut hasher);
    hasher.finish()
}

fn write_cursor(cursor: &Cursor) -> String {
    write_packed(cursor)
}

fn read_cursor(text: &str, asked: u64) -> Result<Cursor, Error> {
    read_packed(text, |cursor: &Cursor| cursor.h == asked)
}

/// A place in a list as a text that goes into an address.
pub(crate) fn write_packed(cursor: &impl Serialize) -> String {
    let json = serde_json::to_vec(cursor).expect("numbers are JSON");
    data_encoding::BASE64URL_NOPAD.encode(&json)
}

/// The same back, if it is of this list.
pub(crate) fn read_packed<C: for<'de> Deserialize<'de>>(
    text: &str,
    is_of_list: impl Fn(&C) -> bool,
) -> Result<C, Error> {
    data_encoding::BASE64URL_NOPAD
        .decode(text.as_bytes())
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .filter(is_of_list)
        .ok_or_else(|| {
            Error::invalid(
                "bad_cursor",
                "`cursor` is not one that a page of this very list gave; start again without it",
            )
        })
}
