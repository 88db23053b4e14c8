//! The server's own state: status, health, metrics, the document.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whodid_api::{Degraded, Live, LookupParams, Ready, Status, UnavailableTable};

use whodid_model::{Permission, StreamName};

use super::App;
use super::auth::{Caller, Peer};
use super::failure::Failure;
use super::params::Params;

pub async fn status(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<Status>, Failure> {
    let scope = caller.reads(None, params.account.as_deref())?;
    let rejects = caller.reads(Some(&StreamName::rejects()), params.account.as_deref()).ok();
    let status = app.engine()?.status(&scope, rejects.as_ref()).await?;
    // Causes name files and buckets.
    let principal = caller.principal();
    let sees_causes = principal.is_operator || principal.permissions_in(scope.account()).has(Permission::SettingsRead);
    Ok(Json(Status {
        events: status.events,
        rejects: status.rejects,
        tail_rows: status.tail_rows,
        // Of all accounts together: who sees one would learn what the others send.
        journal_bytes: caller.principal().is_operator.then_some(status.journal_bytes),
        journal_bound_bytes: status.journal_bound_bytes,
        oldest_event: status.oldest_event.map(|at| at.to_string()),
        newest_event: status.newest_event.map(|at| at.to_string()),
        started_at: app.started_at.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        unavailable_tables: status
            .unreadable
            .into_iter()
            .map(|table| UnavailableTable {
                stream: table.stream.to_string(),
                since: table.since.to_string(),
                detail: if sees_causes { table.cause } else { "an administrator of the account sees why".to_owned() },
            })
            .collect(),
        locations: app.locations.as_ref().map(|locations| locations.about.clone()),
    }))
}

pub async fn live() -> Json<Live> {
    Json(Live { live: true })
}

pub async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Ready>) {
    let mut degraded = Vec::new();
    let mut part = |part: &str, detail: String| degraded.push(Degraded { part: part.to_owned(), detail });
    match app.engine() {
        Ok(engine) => {
            if let Err(detail) = engine.is_ready() {
                part("ingest", detail);
            }
        }
        Err(_) => part("journal", "the journal is being read back; this takes seconds".to_owned()),
    }
    if app.stopping.is_cancelled() {
        part("server", "the server is stopping".to_owned());
    }
    if let Err(error) = app.meta.installation().await {
        tracing::warn!(error = %whodid_model::chain(&error), "the metadata cannot be read");
        part("metadata", "the metadata file cannot be read; run `whodid doctor`".to_owned());
    }
    let ready = degraded.is_empty();
    // The others work, so that this does not take the server out of service.
    let unreadable = app.engine().map_or(0, whodid_engine::Engine::unreadable_count);
    if unreadable > 0 {
        let detail = format!("{unreadable} tables cannot be read; the log and `whodid doctor` name them");
        degraded.push(Degraded { part: "tables".to_owned(), detail });
    }
    if let Some(trouble) = app.engine().ok().and_then(whodid_engine::Engine::lake_trouble).filter(|_| ready) {
        degraded.push(Degraded { part: "lake".to_owned(), detail: trouble.to_string() });
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, degraded }))
}

/// Open to this machine; other machines show a service key or administrator token, unless configured open. Once
/// a proxy stands before the server, everybody comes from this machine, so then everybody shows one.
pub async fn metrics(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    let has_proxy = app.config.public_url.is_some() || !app.config.trusted_proxies.is_empty();
    if !app.config.is_metrics_public && (has_proxy || !is_local(&parts)) {
        use axum::extract::FromRequestParts;
        let caller = Caller::from_request_parts(&mut parts, &app).await?;
        // The numbers are of everything: a reader who sees some of it must not learn of the rest from them.
        if !whodid_engine::shows_all(&caller.reads(None, None)?) {
            let detail = "metrics are for who may read everything in the account";
            return Err(Failure::new(whodid_api::Code::Forbidden, detail));
        }
    }
    // As they are at the moment of asking: what hangs tells no numbers of itself.
    if let Ok(engine) = app.engine() {
        let totals = engine.detect_totals();
        metrics::gauge!("whodid_detect_behind").set(totals.behind as f64);
        metrics::gauge!("whodid_detect_state_bytes").set(totals.state_bytes as f64);
        metrics::gauge!("whodid_detect_kept_bytes").set(engine.detect_kept_bytes() as f64);
        metrics::gauge!("whodid_detect_dropped_groups").set(totals.drops.groups as f64);
        metrics::gauge!("whodid_detect_dropped_matches").set(totals.drops.matches as f64);
    }
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], app.telemetry.render()).into_response())
}

/// What proxies add to what they pass on.
const FORWARDED: [&str; 7] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-real-ip", "via"];

/// Whether a program on this machine asks for this machine, with nothing in between that shows. The host is
/// looked at because a page in a browser here can make another name mean this machine.
fn is_local(parts: &Parts) -> bool {
    let is_loopback = parts.extensions.get::<Peer>().is_some_and(|Peer(peer)| peer.ip().to_canonical().is_loopback());
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_own_name = host.and_then(|host| host.parse::<Authority>().ok()).is_some_and(|host| {
        let host = host.host().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    is_loopback && is_own_name && !FORWARDED.iter().any(|name| parts.headers.contains_key(*name))
}

pub async fn openapi() -> Response {
    static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(whodid_api::document_json);
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], TEXT.as_str()).into_response()
}
