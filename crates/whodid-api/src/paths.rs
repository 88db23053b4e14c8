//! Every route, described. The functions are never called; their attributes are the document.
//! A test of the binary holds this list against the routes it really serves. Answers for errors are
//! added by `document.rs`, the same for every route.

#![allow(dead_code, reason = "only the attributes count")]

pub mod accounts;
pub mod advisor;
pub mod alerts;
pub mod findings;
pub mod insights;
pub mod keeping;
pub mod keys;
pub mod me;
pub mod people;
pub mod rules;
pub mod sessions;

use crate::{
    Around, AroundParams, Count, CountParams, Event, EventPage, ExportParams, FacetParams, Facets, FieldParams, Fields,
    Histogram, HistogramParams, IngestParams, IngestReply, Live, Lookup, LookupParams, QueryCheck, QueryCheckParams,
    Ready, RejectPage, RejectParams, RejectSummary, SearchParams, SignInParams, SqlAnswer, SqlParams, SqlRequest,
    Status, TailParams, Top, TopParams,
};

/// Send events
///
/// NDJSON, a JSON array, one JSON object or a document with `Records`, plain or compressed with gzip or zstd.
/// The answer comes after everything accepted is synced to disk. What cannot be read is kept among
/// the rejects and named in the answer; it never costs its neighbours.
///
/// Send the same `Idempotency-Key` with a repeated body and nothing is stored twice. Events that
/// carry an id are recognised even without it.
///
/// Bounds: 16 MiB plain, 100:1 inflation, 10,000 events, 1 MiB an event.
#[utoipa::path(
    post,
    path = "/api/v1/events",
    operation_id = "sendEvents",
    tag = "ingest",
    params(
        IngestParams,
        ("Idempotency-Key" = Option<String>, Header, description = "Names this batch; 1 to 200 visible ASCII characters", nullable = false),
        ("Content-Encoding" = Option<String>, Header, description = "`gzip`, `zstd` or `identity`", nullable = false),
    ),
    request_body(content(
        (String = "application/x-ndjson", example = "{\"action\":\"kms.secrets.read\",\"outcome\":\"success\",\"eventTime\":\"2026-11-20T08:58:41Z\"}\n"),
        (serde_json::Value = "application/json"),
    ), description = "The events"),
    responses((status = 200, description = "Every event is in exactly one of the four numbers", body = IngestReply)),
    security(("key" = []), ("session" = [])),
)]
pub fn send_events() {}

/// Search events
///
/// A page of events in order of event time. Paging is stable while events arrive: a cursor keeps
/// showing what there was when its first page was made.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "searchEvents", tag = "search", params(SearchParams),
    responses((status = 200, description = "A page", body = EventPage)), security(("key" = []), ("session" = [])))]
pub fn search_events() {}

/// Count events
#[utoipa::path(get, path = "/api/v1/events/count", operation_id = "countEvents", tag = "search", params(CountParams),
    responses((status = 200, description = "The exact number", body = Count)), security(("key" = []), ("session" = [])))]
pub fn count_events() {}

/// Numbers over time
#[utoipa::path(get, path = "/api/v1/events/histogram", operation_id = "histogram", tag = "search", params(HistogramParams),
    responses((status = 200, description = "Every bucket of the range", body = Histogram)), security(("key" = []), ("session" = [])))]
pub fn histogram() {}

/// Most frequent values of a field
#[utoipa::path(get, path = "/api/v1/events/top", operation_id = "topValues", tag = "search", params(TopParams),
    responses((status = 200, description = "The values with exact counts", body = Top)), security(("key" = []), ("session" = [])))]
pub fn top_values() {}

/// Most frequent values of several fields
#[utoipa::path(get, path = "/api/v1/events/facets", operation_id = "facets", tag = "search", params(FacetParams),
    responses((status = 200, description = "One list a field, in the order asked for", body = Facets)), security(("key" = []), ("session" = [])))]
pub fn facets() {}

/// Names that queries may use
#[utoipa::path(get, path = "/api/v1/events/fields", operation_id = "fields", tag = "search", params(FieldParams),
    responses((status = 200, description = "The names", body = Fields)), security(("key" = []), ("session" = [])))]
pub fn fields() {}

/// Follow events as they are recorded
///
/// Server-sent events: `event: event` with `id:` the record id and `data:` the event;
/// `event: lagged` with `data: {"dropped": n}` when the reader was too slow; a comment every 10 s.
#[utoipa::path(get, path = "/api/v1/events/tail", operation_id = "tailEvents", tag = "search", params(TailParams),
    responses((status = 200, description = "A stream that ends only with the connection", body = String, content_type = "text/event-stream")),
    security(("key" = []), ("session" = [])))]
pub fn tail_events() {}

/// Read one event
#[utoipa::path(get, path = "/api/v1/events/{id}", operation_id = "getEvent", tag = "search",
    params(("id" = String, Path, description = "Event id or record id (`activity:42`), percent-encoded"), LookupParams),
    responses((status = 200, description = "The event and the records that belong to it; of several with one id the newest", body = Lookup)),
    security(("key" = []), ("session" = [])))]
pub fn get_event() {}

/// Read an event's neighbours in time
#[utoipa::path(get, path = "/api/v1/events/{id}/around", operation_id = "aroundEvent", tag = "search",
    params(("id" = String, Path, description = "Event id or record id (`activity:42`), percent-encoded"), AroundParams),
    responses((status = 200, description = "What came before and after, whatever the query", body = Around)),
    security(("key" = []), ("session" = [])))]
pub fn around_event() {}

/// List rejects
#[utoipa::path(get, path = "/api/v1/rejects", operation_id = "listRejects", tag = "rejects", params(RejectParams),
    responses((status = 200, description = "A page, newest first", body = RejectPage)), security(("key" = []), ("session" = [])))]
pub fn list_rejects() {}

/// Count rejects by code
#[utoipa::path(get, path = "/api/v1/rejects/summary", operation_id = "summarizeRejects", tag = "rejects", params(LookupParams),
    responses((status = 200, description = "The numbers", body = RejectSummary)), security(("key" = []), ("session" = [])))]
pub fn summarize_rejects() {}

/// Export events
///
/// Everything that matches, streamed, complete. A stream that breaks off before its end closes the
/// connection with an error, so a client that reads to the end has everything.
#[utoipa::path(get, path = "/api/v1/export", operation_id = "exportEvents", tag = "search", params(ExportParams),
    responses((status = 200, description = "A file to save", content((Event = "application/x-ndjson"), (String = "text/csv")))),
    security(("key" = []), ("session" = [])))]
pub fn export_events() {}

/// Run read-only SQL
///
/// One `SELECT` over the table `events`. No other table, no file, no change.
#[utoipa::path(post, path = "/api/v1/sql", operation_id = "runSql", tag = "search", params(SqlParams), request_body = SqlRequest,
    responses((status = 200, description = "The rows", body = SqlAnswer)), security(("key" = []), ("session" = [])))]
pub fn run_sql() {}

/// Check a query text
#[utoipa::path(get, path = "/api/v1/query/check", operation_id = "checkQuery", tag = "search", params(QueryCheckParams),
    responses((status = 200, description = "The text is understood", body = QueryCheck)), security(("key" = []), ("session" = [])))]
pub fn check_query() {}

/// Follow a sign-in link
///
/// A browser gets the page; its script takes the token and signs in by `POST /api/v1/sessions`, so that a
/// preview or a scanner of links uses nothing up. For a program (no `Sec-Fetch-…` header, `Accept` without
/// `text/html`) this request signs in: it uses the one-time token up, sets the session cookie and goes to `/`;
/// a token that does not work goes to `/sign-in?error=expired` or `/sign-in?error=used`.
#[utoipa::path(get, path = "/sign-in", operation_id = "followSignInLink", tag = "sessions", params(SignInParams),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 303, description = "A program is signed in, or sent back with the reason", headers(("Location" = String), ("Set-Cookie" = String)))))]
pub fn follow_sign_in_link() {}

/// What the store holds
#[utoipa::path(get, path = "/api/v1/status", operation_id = "status", tag = "server", params(LookupParams),
    responses((status = 200, description = "Counters", body = Status)), security(("key" = []), ("session" = [])))]
pub fn status() {}

/// The process answers
#[utoipa::path(get, path = "/health/live", operation_id = "live", tag = "server",
    responses((status = 200, description = "It does", body = Live)))]
pub fn live() {}

/// Requests can be served
#[utoipa::path(get, path = "/health/ready", operation_id = "ready", tag = "server",
    responses((status = 200, description = "They can, perhaps with parts degraded", body = Ready), (status = 503, description = "Not now", body = Ready)))]
pub fn ready() {}

/// Metrics
///
/// Open to programs on the server's own machine; a service key or administrator token from elsewhere, and from
/// everywhere when `public_url` or `trusted_proxies` is set. `metrics.public` opens them to everybody.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "server",
    responses((status = 200, description = "Prometheus text", body = String, content_type = "text/plain")))]
pub fn metrics() {}

/// This document
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "server",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value, content_type = "application/json")))]
pub fn openapi() {}
