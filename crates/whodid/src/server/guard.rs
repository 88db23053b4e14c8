//! What stands around every handler: security headers, request ids, counters, and panics caught.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use whodid_api::Code;

use super::App;
use super::failure::{FailedWith, Failure};

/// Scripts, styles, fonts and requests only from ourselves; nothing inline, no frames, no plug-ins.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Two years, as browsers' preload lists ask.
const STRICT_TRANSPORT: &str = "max-age=63072000; includeSubDomains";
/// Where the APIs of Security Advisor are.
pub const ADVISOR: [&str; 3] = ["/findings/v1/", "/notifications/v1/", "/alerts/v1/"];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: in its answer, the log and the audit log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Wraps every request.
pub async fn around(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = uuid::Uuid::now_v7().simple().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = method_label(request.method());
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let is_api = request.uri().path().starts_with("/api/");
    // The path without its query, which may hold a sign-in token or a person's name.
    let span = tracing::info_span!("request", id, method, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    let seconds = started.elapsed().as_secs_f64();
    let failed = response.extensions().get::<FailedWith>().cloned();
    span.in_scope(|| {
        let code = failed.as_ref().map_or("", |failed| failed.code().as_str());
        if status.is_server_error() && status.as_u16() != 503 {
            tracing::error!(status = status.as_u16(), code, seconds, "a request failed");
        } else {
            tracing::debug!(status = status.as_u16(), code, seconds, "answered");
        }
    });
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.as_u16().to_string())];
    metrics::counter!("whodid_http_requests_total", &labels).increment(1);
    metrics::histogram!("whodid_http_request_seconds", &labels[..2]).record(seconds);

    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.config.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT_TRANSPORT));
    }
    if is_api || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Puts the words of a failure where clients of Security Advisor look for them: below what compresses.
pub async fn for_advisor(request: Request, next: Next) -> Response {
    let is_advisor = ADVISOR.iter().any(|start| request.uri().path().starts_with(start));
    let mut response = next.run(request).await;
    let failed = response.extensions().get::<FailedWith>().cloned();
    if let Some(failed) = failed.filter(|_| is_advisor) {
        *response.body_mut() = failed.for_advisor();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

/// The method as numbers and logs name it. HTTP lets anybody invent a method, and each name would be one
/// more series that is kept until the end of the process.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "OTHER",
    }
}

/// The answer when a handler panicked: a defect of ours, told as one.
pub fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(panic = text, "a handler panicked");
    Failure::new(Code::Internal, "the request met a defect; the server's log has the details under the request id")
        .into_response()
}
