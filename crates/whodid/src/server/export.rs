//! `GET /api/v1/export`: everything that matches, as a file.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use whodid_api::{ExportParams, Order};
use whodid_engine::{ExportFormat, ReadRequest};
use whodid_model::access::Permission;

use super::App;
use super::auth::Caller;
use super::failure::Failure;
use super::params::Params;
use super::search::{order, read_request};

pub async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<ExportParams>,
) -> Result<Response, Failure> {
    let scope = caller.access(Permission::ExportEvents, params.account.as_deref())?;
    let (format, kind, ending) = match params.format.unwrap_or_default() {
        whodid_api::ExportFormat::Ndjson => (ExportFormat::Ndjson, "application/x-ndjson", "ndjson"),
        whodid_api::ExportFormat::Csv => {
            let columns = params.columns.as_deref().unwrap_or_default();
            let columns =
                columns.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
            (ExportFormat::Csv { columns }, "text/csv; charset=utf-8; header=present", "csv")
        }
    };
    let order = order(params.order.unwrap_or(Order::Asc));
    let mut chunks = app.engine()?.export(&scope, &read_request!(params), order, format).await?;
    // The first chunk is waited for, so that what fails at once is told by the status.
    let first = chunks.next().await.transpose()?;
    let stamp = crate::clock::now().to_string();
    let day = stamp.split('T').next().unwrap_or_default();
    let name = format!("attachment; filename=\"whodid-{day}.{ending}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    let rest = chunks.map(|chunk| {
        chunk.inspect_err(|error| tracing::warn!(error = %super::failure::chain(error), "an export broke off"))
    });
    let body = futures::stream::iter(first.map(Ok)).chain(rest);
    Ok((headers, Body::from_stream(body)).into_response())
}
