//! Reading events: list, get, around, count, histogram, top, facets, fields, SQL.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use whodid_api::{
    Around, AroundParams, Bucket, Code, Count, CountParams, EventPage, FacetParams, Facets, FieldName, FieldOrigin,
    FieldParams, Fields, Histogram, HistogramParams, LookupParams, QueryCheck, QueryCheckParams, Related,
    RelatedRecord, SearchParams, SqlAnswer, SqlColumn, SqlParams, SqlRequest, Stats, Top, TopParams, ValueCount,
};
use whodid_audit::Deed;
use whodid_engine::{EventJson, Facet, Interval, ReadRequest, ReadStats};
use whodid_model::access::Act;
use whodid_model::{AccessScope, RecordId, StreamName};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::failure::Failure;
use super::params::{Id, Params};

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1000;
const TOP_DEFAULT: u32 = 10;
const FACET_VALUES_DEFAULT: u32 = 8;
const FACET_FIELDS_MAX: usize = 20;
const AROUND_DEFAULT: u32 = 20;
const AROUND_MAX: u32 = 200;

/// The request that the common parameters describe.
macro_rules! read_request {
    ($params:expr) => {
        ReadRequest {
            q: $params.q.clone().unwrap_or_default(),
            from: $params.from.clone(),
            to: $params.to.clone(),
            space: $params.space.clone(),
            region: $params.region.clone(),
            stream: super::search::stream($params.stream.as_deref())?,
        }
    };
}
pub(super) use read_request;

/// Every stream there is.
pub(super) const STREAMS: [&str; 5] = ["activity", "rejects", "audit", "findings", "insights"];

/// A stream by name; one that does not exist is refused, for an empty answer would be taken for a true one.
pub(super) fn stream(name: Option<&str>) -> Result<Option<StreamName>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let stream = StreamName::parse(name).ok().filter(|stream| STREAMS.contains(&stream.as_str()));
    let shown: String = name.chars().take(40).collect();
    let unknown = || format!("`stream`: there is no stream {shown:?}; streams are {}", STREAMS.join(", "));
    stream.map(Some).ok_or_else(|| Failure::new(Code::BadParameter, unknown()))
}

/// A limit within its bounds.
pub(super) fn limit(given: Option<u32>, default: u32, most: u32, name: &str) -> Result<usize, Failure> {
    let limit = given.unwrap_or(default);
    if !(1..=most).contains(&limit) {
        return Err(Failure::new(Code::BadParameter, format!("`{name}` is {limit}; it must lie between 1 and {most}")));
    }
    Ok(limit as usize)
}

pub(super) fn order(order: whodid_api::Order) -> whodid_engine::Order {
    match order {
        whodid_api::Order::Desc => whodid_engine::Order::NewestFirst,
        whodid_api::Order::Asc => whodid_engine::Order::OldestFirst,
    }
}

/// Decides whether a read is allowed, and notes what is told of it. `view`: how the events are looked at.
pub(super) fn reading(
    caller: &Caller,
    request: &ReadRequest,
    account: Option<&str>,
    view: &str,
) -> Result<AccessScope, Failure> {
    let stream = request.stream.clone().unwrap_or_else(StreamName::activity);
    note_read(caller, request, &stream, view);
    let scope = caller.access(Act::Read(&stream), account)?;
    refuse_secret("`q`", &request.q)?;
    Ok(scope)
}

/// Refuses what would stand masked in the audit log: whoever looks there must see what was asked for.
pub(super) fn refuse_secret(what: &str, text: &str) -> Result<(), Failure> {
    if !whodid_audit::holds_secret(text) {
        return Ok(());
    }
    let detail = format!("{what} holds what looks like a key or a one-time token; look for its first ten characters");
    Err(Failure::new(Code::BadParameter, detail))
}

/// Notes what is told of a read.
pub(super) fn note_read(caller: &Caller, request: &ReadRequest, stream: &StreamName, view: &str) {
    let attempt = &caller.attempt;
    if *stream == StreamName::audit() && view != "export" {
        attempt.is_a(Deed::AuditLogRead);
    }
    attempt.is_about(stream.as_str(), "");
    attempt.asks("query", request.q.as_str());
    attempt.asks("view", view);
    attempt.asks_text("from", request.from.as_deref());
    attempt.asks_text("to", request.to.as_deref());
    attempt.asks_text("space", request.space.as_deref());
    attempt.asks_text("region", request.region.as_deref());
}

/// Decides whether one event may be looked at, and notes that.
fn looking_at(caller: &Caller, id: &str, account: Option<&str>) -> Result<AccessScope, Failure> {
    let stream = RecordId::parse(id).map_or_else(StreamName::activity, |record| record.stream);
    if stream == StreamName::audit() {
        caller.attempt.is_a(Deed::AuditLogRead);
    }
    caller.attempt.is_about(id, "");
    caller.access(Act::Read(&stream), account)
}

pub(super) fn raw(events: Vec<EventJson>) -> Result<Vec<Box<RawValue>>, Failure> {
    events
        .into_iter()
        .map(RawValue::from_string)
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::internal("writing events", &error))
}

pub(super) fn stats(stats: ReadStats) -> Stats {
    Stats {
        took_ms: stats.took_ms,
        rows_scanned: stats.rows_scanned,
        segments: stats.segments,
        segments_read: stats.segments_read,
        tail_rows: stats.tail_rows,
        as_of: stats.as_of,
    }
}

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<SearchParams>,
) -> Result<Json<EventPage>, Failure> {
    let request = read_request!(params);
    let scope = reading(&caller, &request, params.account.as_deref(), "list")?;
    let limit = limit(params.limit, LIMIT_DEFAULT, LIMIT_MAX, "limit")?;
    let order = order(params.order.unwrap_or_default());
    let page = app.engine()?.list(&scope, &request, order, limit, params.cursor.as_deref()).await?;
    caller.attempt.answers("rows", page.events.len());
    Ok(Json(EventPage { events: raw(page.events)?, next_cursor: page.next_cursor, stats: stats(page.stats) }))
}

pub async fn count(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<CountParams>,
) -> Result<Json<Count>, Failure> {
    let request = read_request!(params);
    let scope = reading(&caller, &request, params.account.as_deref(), "count")?;
    let count = app.engine()?.count(&scope, &request).await?;
    caller.attempt.answers("rows", count.count);
    Ok(Json(Count { count: count.count }))
}

pub async fn histogram(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<HistogramParams>,
) -> Result<Json<Histogram>, Failure> {
    let request = read_request!(params);
    let scope = reading(&caller, &request, params.account.as_deref(), "histogram")?;
    let interval = match params.interval.as_deref() {
        None | Some("auto") => Interval::Auto,
        Some(text) => {
            let duration = crate::config::parse_duration(text).ok_or_else(|| {
                let shown: String = text.chars().take(40).collect();
                Failure::new(Code::BadInterval, format!("`interval` is {shown:?}; write auto, 5m, 1h or P1D"))
            })?;
            Interval::Micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
        }
    };
    let name = params.by.clone().unwrap_or_else(|| "outcome".to_owned());
    let histogram = app.engine()?.histogram(&scope, &request, interval, &name).await?;
    caller.attempt.asks("by", name.as_str());
    caller.attempt.answers("rows", histogram.total);
    let buckets = histogram
        .buckets
        .into_iter()
        .map(|bucket| Bucket {
            start: bucket.start.to_string(),
            counts: bucket.counts.into_iter().collect::<BTreeMap<_, _>>(),
            other: bucket.other,
        })
        .collect();
    Ok(Json(Histogram {
        interval: iso_duration(histogram.interval_micros),
        from: histogram.from.to_string(),
        to: histogram.to.to_string(),
        by: name,
        buckets,
        total: histogram.total,
    }))
}

/// A number of microseconds, at least a second, as an ISO 8601 duration.
fn iso_duration(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let mut text = "P".to_owned();
    if days > 0 {
        text.push_str(&format!("{days}D"));
    }
    if rest > 0 {
        text.push('T');
        for (size, unit) in [(3600, 'H'), (60, 'M'), (1, 'S')] {
            let number = match unit {
                'H' => rest / size,
                _ => rest / size % 60,
            };
            if number > 0 {
                text.push_str(&format!("{number}{unit}"));
            }
        }
    }
    text
}

/// How many records were counted for it.
fn rows_of(facet: &Facet) -> u64 {
    facet.values.iter().map(|value| value.count).sum::<u64>() + facet.other + facet.missing
}

fn facet(facet: Facet) -> Top {
    Top {
        field: facet.field,
        values: facet.values.into_iter().map(|value| ValueCount { value: value.value, count: value.count }).collect(),
        other: facet.other,
        missing: facet.missing,
    }
}

fn refuse_no_field(name: &str) -> Result<(), Failure> {
    if name.is_empty() { Err(Failure::new(Code::BadParameter, "`field` is missing")) } else { Ok(()) }
}

pub async fn top(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<TopParams>,
) -> Result<Json<Top>, Failure> {
    let request = read_request!(params);
    let scope = reading(&caller, &request, params.account.as_deref(), "top")?;
    refuse_no_field(&params.field)?;
    caller.attempt.asks_text("field", Some(&params.field));
    let limit = limit(params.limit, TOP_DEFAULT, LIMIT_MAX, "limit")?;
    let fields = [params.field.clone()];
    let prefix = params.prefix.as_deref();
    let facets = app.engine()?.facets(&scope, &request, &fields, limit, prefix).await?;
    let only = facets.into_iter().next().ok_or_else(|| Failure::new(Code::Internal, "one field gave no answer"))?;
    caller.attempt.answers("rows", rows_of(&only));
    Ok(Json(facet(only)))
}

pub async fn facets(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<FacetParams>,
) -> Result<Json<Facets>, Failure> {
    let request = read_request!(params);
    let scope = reading(&caller, &request, params.account.as_deref(), "facets")?;
    caller.attempt.asks("fields", params.field.clone());
    let limit = limit(params.limit, FACET_VALUES_DEFAULT, LIMIT_MAX, "limit")?;
    if params.field.is_empty() || params.field.len() > FACET_FIELDS_MAX {
        return Err(Failure::new(Code::BadParameter, format!("give `field` 1 to {FACET_FIELDS_MAX} times")));
    }
    for name in &params.field {
        refuse_no_field(name)?;
    }
    let facets = app.engine()?.facets(&scope, &request, &params.field, limit, None).await?;
    caller.attempt.answers("rows", facets.first().map_or(0, rows_of));
    Ok(Json(Facets { facets: facets.into_iter().map(facet).collect() }))
}

pub async fn fields(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<FieldParams>,
) -> Result<Json<Fields>, Failure> {
    let scope = caller.reads(None, params.account.as_deref())?;
    // The names are gathered from that stream; an answer about another would be wrong.
    if stream(params.stream.as_deref())?.is_some_and(|stream| stream != StreamName::activity()) {
        return Err(Failure::new(Code::BadParameter, "`stream`: only the fields of `activity` are listed"));
    }
    let fields = app.engine()?.fields(&scope, params.prefix.as_deref().unwrap_or_default()).await?;
    let fields = fields
        .into_iter()
        .map(|field| FieldName {
            name: field.name,
            column: field.column.map(str::to_owned),
            aliases: field.aliases.into_iter().map(str::to_owned).collect(),
            kind: field.kind.to_owned(),
            origin: if field.is_model { FieldOrigin::Model } else { FieldOrigin::Seen },
        })
        .collect();
    Ok(Json(Fields { fields }))
}

/// What of a related event the answer tells. Its members are as its sender wrote them, which may be otherwise
/// than CADF asks (`"action": 5`), or not at all.
#[derive(serde::Deserialize)]
struct RelatedEvent {
    #[serde(rename = "eventTime", default)]
    event_time: serde_json::Value,
    #[serde(default)]
    action: serde_json::Value,
    #[serde(default)]
    outcome: serde_json::Value,
    record: RelatedRecord,
}

fn text_of(value: serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Response, Failure> {
    let scope = looking_at(&caller, &id, params.account.as_deref())?;
    let found = app.engine()?.get(&scope, &id).await?;
    let mut related = Vec::with_capacity(found.related.len());
    for text in &found.related {
        let event: RelatedEvent =
            serde_json::from_str(text).map_err(|error| Failure::internal("reading a related event", &error))?;
        related.push(Related {
            record: event.record,
            event_time: text_of(event.event_time),
            action: text_of(event.action),
            outcome: text_of(event.outcome),
        });
    }
    let related = serde_json::to_string(&related).map_err(|error| Failure::internal("writing an event", &error))?;
    // The event is JSON text already; `related` goes in before its last brace.
    let event = found.event.trim_end();
    let open = event.strip_suffix('}').ok_or_else(|| Failure::new(Code::Internal, "an event is no JSON object"))?;
    let text = format!("{open},\"related\":{related}}}");
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response())
}

pub async fn around(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<AroundParams>,
) -> Result<Json<Around>, Failure> {
    caller.attempt.asks("view", "around");
    let scope = looking_at(&caller, &id, params.account.as_deref())?;
    let count = limit(params.count, AROUND_DEFAULT, AROUND_MAX, "count")?;
    let around = app.engine()?.around(&scope, &id, count, &ReadRequest::default()).await?;
    Ok(Json(Around { before: raw(around.before)?, after: raw(around.after)? }))
}

pub async fn sql(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<SqlParams>,
    asked: Asked<SqlRequest>,
) -> Result<Json<SqlAnswer>, Failure> {
    caller.attempt.is_about("activity", "");
    caller.attempt.asks_text("query", asked.peek().map(|request| request.sql.as_str()));
    let scope = caller.reads(None, params.account.as_deref())?;
    let request = asked.read()?;
    refuse_secret("`sql`", &request.sql)?;
    let answer = app.engine()?.sql(&scope, &request.sql).await?;
    caller.attempt.answers("rows", answer.rows.len());
    Ok(Json(SqlAnswer {
        columns: answer.columns.into_iter().map(|(name, kind)| SqlColumn { name, kind }).collect(),
        rows: answer.rows,
        truncated: answer.truncated,
        took_ms: answer.took_ms,
    }))
}

pub async fn check(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<QueryCheckParams>,
) -> Result<Json<QueryCheck>, Failure> {
    // Whoever may search anything, be it only their own activity.
    caller.reads(None, None).or_else(|_| caller.access(Act::ReadOwn, None))?;
    let canonical = app.engine()?.check_query(&params.q)?;
    Ok(Json(QueryCheck { ok: true, canonical }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_is_written_as_an_iso_duration() {
        for (seconds, text) in
            [(1, "PT1S"), (300, "PT5M"), (3600, "PT1H"), (86_400, "P1D"), (5400, "PT1H30M"), (90_061, "P1DT1H1M1S")]
        {
            assert_eq!(iso_duration(seconds * 1_000_000), text);
        }
    }
}
