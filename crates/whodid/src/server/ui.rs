//! The pages: files of the web UI, and its first page for every path that is not the API's.

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use whodid_api::Code;

use super::failure::Failure;
use super::guard::ADVISOR;

/// Paths that never show a page.
const NOT_PAGES: [&str; 5] = ["/api/", "/health/", "/metrics", "/openapi.json", "/v1/"];

/// Answers whatever no route answers.
pub async fn asset(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let path = parts.uri.path();
    if NOT_PAGES.iter().chain(&ADVISOR).any(|start| path.starts_with(start)) {
        return Failure::new(Code::NoSuchRoute, "there is no such route; /openapi.json lists what there is")
            .into_response();
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Failure::new(Code::MethodNotAllowed, "pages are only read").into_response();
    }
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    match whodid_ui::asset(&decoded) {
        Some(asset) => send(asset, &parts.headers),
        None => Failure::new(Code::NotFound, "there is no such file").into_response(),
    }
}

/// The first page; the UI itself looks at the path.
pub fn page(parts: &Parts) -> Response {
    send(whodid_ui::page(), &parts.headers)
}

fn send(asset: whodid_ui::Asset, asked: &HeaderMap) -> Response {
    let says = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_known = says(header::IF_NONE_MATCH).split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.etag);
    let packed = asset.gzip.filter(|_| says(header::ACCEPT_ENCODING).split(',').any(takes_gzip));
    let mut response = match (is_known, packed) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, Some(packed)) => Body::from(packed).into_response(),
        (false, None) => Body::from(asset.bytes.into_owned()).into_response(),
    };
    let cache = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    if !is_known {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
        if packed.is_some() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    response
}

/// Whether one item of `Accept-Encoding` allows gzip.
fn takes_gzip(item: &str) -> bool {
    let mut parts = item.split(';').map(str::trim);
    let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
    let is_refused = parts.any(|part| matches!(part.strip_prefix("q="), Some("0" | "0.0" | "0.00" | "0.000")));
    is_gzip && !is_refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_to_those_who_take_it() {
        for (value, expected) in
            [("gzip", true), ("br, gzip;q=0.5", true), ("gzip;q=0", false), ("", false), ("*", true)]
        {
            assert_eq!(value.split(',').any(takes_gzip), expected, "{value}");
        }
    }
}
