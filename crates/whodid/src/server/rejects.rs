//! What could not be read: list and counts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use whodid_api::{
    LookupParams, RawEncoding, Reject, RejectCount, RejectPage, RejectParams, RejectRecord, RejectSummary,
};
use whodid_engine::{ReadRequest, RejectRow};
use whodid_model::StreamName;

use super::App;
use super::auth::Caller;
use super::failure::Failure;
use super::params::Params;
use super::search::limit;

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<RejectParams>,
) -> Result<Json<RejectPage>, Failure> {
    let (code, cursor) = (params.code.as_deref(), params.cursor.as_deref());
    caller.attempt.is_about("rejects", "");
    caller.attempt.asks_text("code", code);
    let scope = caller.reads(Some(&StreamName::rejects()), params.account.as_deref())?;
    let limit = limit(params.limit, 100, 1000, "limit")?;
    let page = app.engine()?.rejects(&scope, &ReadRequest::default(), code, limit, cursor).await?;
    caller.attempt.answers("rows", page.rejects.len());
    Ok(Json(RejectPage { rejects: page.rejects.into_iter().map(reject).collect(), next_cursor: page.next_cursor }))
}

fn reject(row: RejectRow) -> Reject {
    let (raw, raw_encoding) = match String::from_utf8(row.raw) {
        Ok(text) => (text, RawEncoding::Utf8),
        Err(error) => (data_encoding::BASE64.encode(error.as_bytes()), RawEncoding::Base64),
    };
    Reject {
        record: RejectRecord { id: row.id, offset: row.offset, recorded_at: row.recorded_at.to_string() },
        code: row.code,
        detail: row.detail,
        source: row.source,
        raw,
        raw_encoding,
    }
}

pub async fn summary(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<RejectSummary>, Failure> {
    let scope = caller.reads(Some(&StreamName::rejects()), params.account.as_deref())?;
    let summary = app.engine()?.reject_summary(&scope, &ReadRequest::default()).await?;
    let codes = summary.codes.into_iter().map(|code| RejectCount { code: code.value, count: code.count }).collect();
    Ok(Json(RejectSummary { total: summary.total, codes }))
}
