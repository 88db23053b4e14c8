//! The server's own state: status, health, metrics, the document.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whodid_api::{Degraded, Live, LookupParams, Ready, Status};
use whodid_model::access::Permission;

use super::App;
use super::auth::{Caller, Peer};
use super::failure::Failure;
use super::params::Params;

pub async fn status(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<Status>, Failure> {
    let scope = caller.access(Permission::ReadEvents, params.account.as_deref())?;
    let status = app.engine()?.status(&scope).await?;
    Ok(Json(Status {
        events: status.events,
        rejects: status.rejects,
        tail_rows: status.tail_rows,
        journal_bytes: status.journal_bytes,
        journal_bound_bytes: status.journal_bound_bytes,
        oldest_event: status.oldest_event.map(|at| at.to_string()),
        newest_event: status.newest_event.map(|at| at.to_string()),
        started_at: app.started_at.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
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
        tracing::warn!(error = %super::failure::chain(&error), "the metadata cannot be read");
        part("metadata", "the metadata file cannot be read; run `whodid doctor`".to_owned());
    }
    let ready = degraded.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, degraded }))
}

/// Open to this machine; other machines show a service key or administrator token, unless configured open.
pub async fn metrics(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    let is_local = parts
        .extensions
        .get::<Peer>()
        .is_some_and(|Peer(peer): &Peer| is_loopback(*peer) && !parts.headers.contains_key("x-forwarded-for"));
    if !is_local && !app.config.is_metrics_public {
        use axum::extract::FromRequestParts;
        let caller = Caller::from_request_parts(&mut parts, &app).await?;
        caller.access(Permission::ReadEvents, None)?;
    }
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], app.telemetry.render()).into_response())
}

fn is_loopback(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}

pub async fn openapi() -> Response {
    static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(whodid_api::document_json);
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], TEXT.as_str()).into_response()
}
