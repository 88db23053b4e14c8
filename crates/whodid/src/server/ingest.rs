//! `POST /api/v1/events`

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use whodid_api::{Code, IngestFormat, IngestParams, IngestReply, Rejected};
use whodid_decode::Format;
use whodid_engine::IngestRequest;
use whodid_model::access::Act;

use super::auth::Caller;
use super::failure::Failure;
use super::params::Params;
use super::{App, body};

/// Longest idempotency key in bytes.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 200;
/// Says of an answer, as other services do, that it is an earlier request's.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub async fn send(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<IngestParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let scope = caller.access(Act::Write, params.account.as_deref())?;
    let engine = app.engine()?;
    let idempotency_key = idempotency_key(&headers)?;
    let held = body::read(&headers, body, &app.body_memory).await?;
    caller.still_valid(&app).await?;
    metrics::counter!("whodid_ingest_bytes_total").increment(held.bytes.len() as u64);
    let request = IngestRequest {
        format: format(params.format.unwrap_or_default()),
        body: held.bytes.clone(),
        idempotency_key,
        sender: caller.label(),
    };
    let reply = engine.ingest(&scope, request).await?;
    let is_repeated = reply.is_repeated;
    let reply = Json(IngestReply {
        accepted: reply.accepted,
        duplicates: reply.duplicates,
        excluded: reply.excluded,
        rejected: reply
            .rejected
            .into_iter()
            .map(|rejected| Rejected { index: rejected.index, code: rejected.code, detail: rejected.detail })
            .collect(),
        first_offset: reply.first_offset,
        last_offset: reply.last_offset,
        repeated: is_repeated,
    });
    let mut response = reply.into_response();
    if is_repeated {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn format(format: IngestFormat) -> Format {
    match format {
        IngestFormat::Auto => Format::Auto,
        IngestFormat::Cadf => Format::Cadf,
        IngestFormat::IbmAt => Format::IbmAt,
        IngestFormat::CloudTrail => Format::CloudTrail,
        IngestFormat::ActionTrail => Format::ActionTrail,
        IngestFormat::Kubernetes => Format::Kubernetes,
        IngestFormat::Okta => Format::Okta,
        IngestFormat::Gcp => Format::Gcp,
        IngestFormat::Azure => Format::Azure,
        IngestFormat::GitHub => Format::GitHub,
        IngestFormat::LinuxAuth => Format::LinuxAuth,
        IngestFormat::Json => Format::Json,
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let fits =
        (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Ok(Some(text.to_owned()));
    }
    let detail = format!("`Idempotency-Key` must have 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters");
    Err(Failure::new(Code::InvalidRequest, detail))
}
