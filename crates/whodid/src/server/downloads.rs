//! Sessions for downloading events, as the old Activity Tracker had them: made for some days, downloaded once.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use whodid_api::{Code, DownloadCreate, DownloadSession, DownloadSessionList, LookupParams};
use whodid_engine::{Engine, ExportFormat, Order, Profile, ReadRequest};
use whodid_meta::DownloadPlan;
use whodid_model::access::{Act, Who};
use whodid_model::{AccessScope, AccountName, StreamName};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::export::{Chunks, Lines, sent};
use super::failure::Failure;
use super::keeping::Span;
use super::params::{Id, Params};

/// Decides whether the caller may take events away.
fn exports(caller: &Caller, account: Option<&str>) -> Result<AccessScope, Failure> {
    caller.access(Act::Export(&StreamName::activity()), account)
}

fn shown(caller: &Caller, session: whodid_meta::DownloadSession) -> DownloadSession {
    let (Who::User { name, .. } | Who::Key { name, .. }) = &caller.principal().who;
    DownloadSession {
        id: session.id,
        space: session.plan.space.map(|space| space.to_string()),
        username: name.clone(),
        create_time: session.created_at.to_string(),
        access_time: session.accessed_at.to_string(),
        from: session.plan.from_day,
        to: session.plan.to_day,
        hour: session.plan.search_hour.and_then(|hour| u32::try_from(hour).ok()),
        account_level: session.plan.account_level,
        downloaded_at: session.downloaded_at.map(|at| at.to_string()),
    }
}

async fn session(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    id: &str,
) -> Result<whodid_meta::DownloadSession, Failure> {
    let found = app.meta.download(account, &caller.label(), id).await?;
    found.ok_or_else(|| Failure::new(Code::NotFound, "you have no such download session in this account"))
}

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<DownloadSessionList>, Failure> {
    let scope = exports(&caller, params.account.as_deref())?;
    let sessions = app.meta.downloads(scope.account(), &caller.label()).await?;
    let sessions = sessions.into_iter().map(|session| shown(&caller, session)).collect();
    Ok(Json(DownloadSessionList { sessions }))
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<DownloadCreate>,
) -> Result<(StatusCode, Json<DownloadSession>), Failure> {
    let scope = exports(&caller, params.account.as_deref())?;
    let request = asked.read()?;
    let now = crate::clock::now();
    let span = Span::read(
        (request.from.as_deref(), request.to.as_deref(), request.hour),
        (request.space.as_deref(), request.account_level),
        now,
    )?;
    span.note(&caller);
    let plan = DownloadPlan {
        space: span.space().cloned(),
        from_day: span.first_day(),
        to_day: span.last_day(),
        search_hour: span.hour.map(i64::from),
        account_level: request.account_level,
    };
    let by = caller.attempt.actor();
    let made = app.meta.create_download(&by, scope.account(), &caller.label(), &plan, now).await?;
    Ok((StatusCode::CREATED, Json(shown(&caller, made))))
}

pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Json<DownloadSession>, Failure> {
    let scope = exports(&caller, params.account.as_deref())?;
    let found = session(&app, &caller, scope.account(), &id).await?;
    Ok(Json(shown(&caller, found)))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let scope = exports(&caller, params.account.as_deref())?;
    caller.attempt.is_about(&id, "");
    let (by, owner) = (caller.attempt.actor(), caller.label());
    app.meta.delete_download(&by, scope.account(), &owner, &id, crate::clock::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn content(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Response, Failure> {
    let scope = exports(&caller, params.account.as_deref())?;
    caller.attempt.is_about("activity", "");
    caller.attempt.asks("view", "download");
    caller.attempt.asks_text("session", Some(&id));
    let found = session(&app, &caller, scope.account(), &id).await?;
    let plan = &found.plan;
    let hour = plan.search_hour.and_then(|hour| u32::try_from(hour).ok());
    let space = plan.space.as_ref().map(whodid_model::SpaceName::as_str);
    let now = crate::clock::now();
    let span = Span::read((Some(&plan.from_day), Some(&plan.to_day), hour), (space, plan.account_level), now)?;
    span.note(&caller);
    if !app.meta.use_download(&id, false, now).await? {
        let detail = "this session's events were downloaded already, and a session gives them once; make another one";
        return Err(Failure::new(Code::Conflict, detail));
    }
    let place = app.exports.begin(caller.label())?;
    let rows = Arc::new(AtomicU64::new(0));
    let engine = app.engine()?.clone();
    // The first events are waited for, so that what fails at once is told by the status.
    let mut lines = lines(engine, scope, &span);
    let first = lines.next().await.transpose()?;
    let lines = futures::stream::iter(first.map(Ok)).chain(lines).boxed();
    let chunks = compressed(Arc::clone(&app), id, lines, Arc::clone(&rows));
    let name = format!("attachment; filename=\"events-{}-{}.json.gz\"", span.first_day(), span.last_day());
    let headers = [(header::CONTENT_TYPE, "application/gzip".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, sent(&app, &caller, place, chunks, Lines::counted(rows))).into_response())
}

/// The events of a span, one a line, earliest first.
fn lines(engine: Engine, scope: AccessScope, span: &Span) -> Chunks {
    let (space, query) = (span.space().map(ToString::to_string), span.query());
    let times = span.times().into_iter();
    futures::stream::iter(times)
        .then(move |range| {
            let request = ReadRequest {
                q: query.clone(),
                from: Some(range.start.to_string()),
                to: Some(range.end.to_string()),
                space: space.clone(),
                ..ReadRequest::default()
            };
            let (engine, scope) = (engine.clone(), scope.clone());
            async move {
                let format = ExportFormat::Profile(Profile::IbmAt);
                match engine.export(&scope, &request, Order::OldestFirst, format).await {
                    Ok(lines) => lines,
                    Err(error) => futures::stream::iter([Err(error)]).boxed(),
                }
            }
        })
        .flatten()
        .boxed()
}

/// The same as one gzip file. The session counts as downloaded before the file's end goes out.
fn compressed(app: Arc<App>, id: String, lines: Chunks, rows: Arc<AtomicU64>) -> Chunks {
    let encoder = GzEncoder::new(Vec::new(), Compression::default());
    let pieces = futures::stream::try_unfold((lines, Some(encoder)), move |(mut lines, encoder)| {
        let (app, id, rows) = (Arc::clone(&app), id.clone(), Arc::clone(&rows));
        async move {
            let Some(mut encoder) = encoder else { return Ok(None) };
            let Some(chunk) = lines.next().await.transpose()? else {
                if !app.meta.use_download(&id, true, crate::clock::now()).await.map_err(failed)? {
                    return Err(failed(std::io::Error::other("the session was deleted or downloaded meanwhile")));
                }
                let end = encoder.finish().map_err(failed)?;
                return Ok(Some((Bytes::from(end), (lines, None))));
            };
            rows.fetch_add(memchr::memchr_iter(b'\n', &chunk).count() as u64, Ordering::Relaxed);
            // Compressing is CPU work: off the threads that answer requests.
            let work = tokio::task::spawn_blocking(move || encoder.write_all(&chunk).map(|()| encoder));
            let mut encoder = work.await.map_err(failed)?.map_err(failed)?;
            let piece = Bytes::from(std::mem::take(encoder.get_mut()));
            Ok(Some((piece, (lines, Some(encoder)))))
        }
    });
    pieces.filter(|piece| std::future::ready(!piece.as_ref().is_ok_and(Bytes::is_empty))).boxed()
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> whodid_engine::Error {
    whodid_engine::Error::internal("making a download", error)
}
