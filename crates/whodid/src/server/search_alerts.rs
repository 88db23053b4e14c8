//! Alerts on searches, as people set them up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;
use whodid_alerts::Fault;
use whodid_alerts::preset::{NAME_CHARS_MAX, Preset};
use whodid_alerts::watch::Trigger;
use whodid_api::{Code, LookupParams, SearchAlert, SearchAlertList, SearchAlertWrite};
use whodid_audit::{Deed, Told};
use whodid_engine::{Order, ReadRequest};
use whodid_meta::{Document, DocumentKind, Expected};
use whodid_model::access::{Act, Permission, Rows};
use whodid_model::{AccountName, StreamName, Timestamp};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::documents;
use super::failure::Failure;
use super::params::{Id, Params};
use super::presets::{refuse_strange, refused};
use super::watching::{Memory, StoredSearch};

/// What it is called.
const ONE: &str = "alert on a search";
/// Most alerts on searches of an account: each record that comes is held against all of them.
const SEARCHES_MAX: usize = 200;
/// Longest search, in bytes.
const QUERY_BYTES_MAX: usize = 4000;
/// How long a change waits until it is in force.
const TAKEN_UP_MAX: std::time::Duration = std::time::Duration::from_secs(5);
/// Streams that can be watched. Not `findings`: what is found would be found again without end.
const STREAMS: [&str; 4] = ["activity", "audit", "rejects", "insights"];

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<SearchAlertList>, Failure> {
    let account = caller.needs(Permission::AlertsRead, params.account.as_deref())?;
    let memory = Memory::load(&app, &account).await?;
    let documents = app.meta.documents(&account, DocumentKind::Watch).await?;
    let mut search_alerts: Vec<_> = documents.iter().filter_map(|document| shown(document, &memory)).collect();
    search_alerts.sort_by(|one, other| (&one.search_alert.name, &one.id).cmp(&(&other.search_alert.name, &other.id)));
    Ok(Json(SearchAlertList { search_alerts }))
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<SearchAlertWrite>,
) -> Result<(StatusCode, Json<SearchAlert>), Failure> {
    let account = caller.manages(Permission::AlertsManage, params.account.as_deref())?;
    let asked = asked.read()?;
    caller.attempt.is_about("", &asked.name);
    if app.meta.documents(&account, DocumentKind::Watch).await?.len() >= SEARCHES_MAX {
        let detail = format!("an account has at most {SEARCHES_MAX} alerts on searches; delete one that is not needed");
        return Err(Failure::new(Code::Conflict, detail));
    }
    let search = read(&app, &caller, &account, asked, "").await?;
    let id = uuid::Uuid::now_v7().to_string();
    let told = deed(Deed::AlertCreate, &id, &search.asked).changed(None, Some(json!(search.asked)));
    let change = documents::change(DocumentKind::Watch, &id, Some(json!(search)), Expected::Absent);
    documents::store(&app, &caller, &account, change, told).await?;
    app.searches_changed().await;
    Ok((StatusCode::CREATED, Json(found(&app, &account, &id).await?)))
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<SearchAlertWrite>,
) -> Result<Json<SearchAlert>, Failure> {
    let account = caller.manages(Permission::AlertsManage, params.account.as_deref())?;
    let asked = asked.read()?;
    caller.attempt.is_about(&id, &asked.name);
    let document = documents::find(&app, &account, DocumentKind::Watch, &id, ONE).await?;
    let search = read(&app, &caller, &account, asked, &id).await?;
    let before = StoredSearch::of(&document).map(|before| json!(before.asked));
    let told = deed(Deed::AlertUpdate, &id, &search.asked).changed(before, Some(json!(search.asked)));
    let expected = Expected::Revision(document.revision);
    let change = documents::change(DocumentKind::Watch, &id, Some(json!(search)), expected);
    documents::store(&app, &caller, &account, change, told).await?;
    app.searches_changed().await;
    Ok(Json(found(&app, &account, &id).await?))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::AlertsManage, params.account.as_deref())?;
    let document = documents::find(&app, &account, DocumentKind::Watch, &id, ONE).await?;
    let change = documents::change(DocumentKind::Watch, &id, None, Expected::Present);
    documents::store(&app, &caller, &account, change, deleted(&document)).await?;
    app.searches_changed().await;
    Ok(StatusCode::NO_CONTENT)
}

impl App {
    /// What is watched was changed: waits until it is watched so, but not for ever.
    pub(super) async fn searches_changed(&self) {
        let mut change = 0;
        self.watched.send_modify(|changes| {
            *changes += 1;
            change = *changes;
        });
        let mut watching = self.watching.subscribe();
        if tokio::time::timeout(TAKEN_UP_MAX, watching.wait_for(|watched| *watched >= change)).await.is_err() {
            tracing::warn!("a change of alerts on searches is stored and not in force yet: watching is behind");
        }
    }
}

/// What is told of a change, by the names that Activity Tracker had.
fn deed(deed: Deed, id: &str, asked: &SearchAlertWrite) -> Told {
    let channels = asked.channels.iter().flatten().map(|told| told.channel.as_str());
    let channels: Vec<&str> = channels.collect();
    Told::success(deed, id, asked.name.as_str())
        .asked("kind", "search")
        .asked("alertId", id)
        .asked("name", asked.name.as_str())
        .asked("preset", json!(asked.preset))
        .asked("channels", json!(channels))
}

/// What is told of one that is deleted.
pub fn deleted(document: &Document) -> Told {
    match StoredSearch::of(document) {
        Some(before) => deed(Deed::AlertDelete, &document.id, &before.asked).changed(Some(json!(before.asked)), None),
        None => Told::success(Deed::AlertDelete, document.id.as_str(), "").asked("kind", "search"),
    }
}

/// Checks what was asked, by the rights of who asks.
async fn read(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    mut asked: SearchAlertWrite,
    id: &str,
) -> Result<StoredSearch, Failure> {
    asked.name = asked.name.trim().to_owned();
    let wrong = |text: &str| Err(Failure::new(Code::BadJson, text));
    let name = asked.name.as_str();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(Failure::new(
            Code::BadJson,
            format!("`name` must be one line of 1 to {NAME_CHARS_MAX} characters"),
        ));
    }
    if asked.q.len() > QUERY_BYTES_MAX {
        return Err(Failure::new(Code::BadJson, format!("`q` has more than {QUERY_BYTES_MAX} bytes")));
    }
    super::search::refuse_secret("`q`", &asked.q)?;
    let stream = StreamName::parse(&asked.stream).ok().filter(|stream| STREAMS.contains(&stream.as_str()));
    let Some(stream) = stream else {
        return Err(Failure::new(Code::BadJson, format!("`stream` is one of {}", STREAMS.join(", "))));
    };
    let scope = caller.access(Act::Read(&stream), Some(account.as_str()))?;
    if !scope.rows().iter().any(Rows::is_all) {
        let detail = "an alert counts every event of the stream, and you may see some of them only; \
                      ask somebody who sees all";
        return Err(Failure::new(Code::Forbidden, detail));
    }
    let channels: Vec<String> = match (&asked.preset, &asked.channels, &asked.trigger) {
        (Some(preset), None, None) => {
            if app.meta.document(account, DocumentKind::Preset, preset).await?.is_none() {
                return wrong("`preset` names no preset of this account");
            }
            Vec::new()
        }
        (None, Some(channels), None) => channels.iter().map(|told| told.channel.clone()).collect(),
        (None, None, Some(trigger)) => {
            let faults = triggered(trigger)?.faults().into_iter();
            let faults: Vec<Fault> =
                faults.map(|fault| Fault { member: format!("trigger.{}", fault.member), text: fault.text }).collect();
            if !faults.is_empty() {
                return Err(refused(&faults));
            }
            Vec::new()
        }
        _ => return wrong("give exactly one of `preset`, `channels` and `trigger`: it says when the alert is told"),
    };
    if asked.channels.is_some() {
        let own = Preset { name: "own".to_owned(), channels: own_channels(&asked)? };
        let faults = own.faults();
        if !faults.is_empty() {
            return Err(refused(&faults));
        }
    }
    refuse_strange(app, account, &channels).await?;
    documents::refuse_name(&app.meta.documents(account, DocumentKind::Watch).await?, &asked.name, id, ONE)?;
    let request = request(&asked, &stream);
    app.engine()?.watched_search(&stream, &request)?;
    let from_offset = Some(app.engine()?.next_offset(account, &stream).0);
    // Absence is news only where something matched lately.
    let day = crate::clock::now().plus_micros(-86_400_000_000);
    let request = ReadRequest { from: Some(day.to_string()), ..request };
    let newest = app.engine()?.list(&scope, &request, Order::NewestFirst, 1, None).await?.events;
    let newest = newest.first().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let seen_at = newest.and_then(|event| Some(Timestamp::parse(event["record"]["recorded_at"].as_str()?).ok()?.at));
    Ok(StoredSearch { asked, seen_at, from_offset })
}

/// A trigger of the API as alerts know it.
pub fn triggered(trigger: &whodid_api::Trigger) -> Result<Trigger, Failure> {
    serde_json::from_value(json!(trigger)).map_err(|error| Failure::new(Code::BadJson, error.to_string()))
}

fn own_channels(asked: &SearchAlertWrite) -> Result<Vec<whodid_alerts::preset::PresetChannel>, Failure> {
    serde_json::from_value(json!(asked.channels)).map_err(|error| Failure::new(Code::BadJson, error.to_string()))
}

/// The search of an alert, without a range.
pub fn request(asked: &SearchAlertWrite, stream: &StreamName) -> ReadRequest {
    ReadRequest {
        q: asked.q.clone(),
        space: asked.space.clone(),
        region: asked.region.clone(),
        stream: Some(stream.clone()),
        ..ReadRequest::default()
    }
}

async fn found(app: &App, account: &AccountName, id: &str) -> Result<SearchAlert, Failure> {
    shown(&documents::find(app, account, DocumentKind::Watch, id, ONE).await?, &Memory::load(app, account).await?)
        .ok_or_else(|| Failure::new(Code::Internal, "a stored alert on a search cannot be read"))
}

fn shown(document: &Document, memory: &Memory) -> Option<SearchAlert> {
    let stored = StoredSearch::of(document)?;
    let remembered = memory.searches.get(&document.id);
    Some(SearchAlert {
        id: document.id.clone(),
        search_alert: stored.asked,
        rule_id: super::watching::rule_id(&document.id),
        last_fired_at: remembered.and_then(|one| one.fired_at).map(|at| at.to_string()),
        last_match_at: remembered.and_then(|one| one.matched_at).map(|at| at.to_string()),
        revision: document.revision,
        created_at: document.created_at.to_string(),
        created_by: document.created_by.clone(),
    })
}
