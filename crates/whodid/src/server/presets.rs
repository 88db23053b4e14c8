//! Presets: channels with when each is told, which several alerts on searches share.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use whodid_alerts::Fault;
use whodid_alerts::preset::Preset;
use whodid_api::{Code, LookupParams, PresetList, PresetWrite};
use whodid_audit::{Deed, Told};
use whodid_meta::{Document, DocumentKind, Expected};
use whodid_model::AccountName;
use whodid_model::access::Permission;

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::documents;
use super::failure::Failure;
use super::params::{Id, Params};

/// What it is called.
const ONE: &str = "preset";

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<PresetList>, Failure> {
    let account = caller.needs(Permission::AlertsRead, params.account.as_deref())?;
    let alerts = app.meta.documents(&account, DocumentKind::Watch).await?;
    let presets = app.meta.documents(&account, DocumentKind::Preset).await?;
    let mut presets: Vec<_> = presets.iter().filter_map(|document| shown(document, &alerts)).collect();
    presets.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    Ok(Json(PresetList { presets }))
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<PresetWrite>,
) -> Result<(StatusCode, Json<whodid_api::Preset>), Failure> {
    let account = caller.manages(Permission::AlertsManage, params.account.as_deref())?;
    let asked = asked.read()?;
    caller.attempt.is_about("", &asked.name);
    let preset = read(&app, &account, &asked, "").await?;
    let id = uuid::Uuid::now_v7().to_string();
    let told = deed(Deed::AlertCreate, &id, &preset).changed(None, Some(json!(preset)));
    let change = documents::change(DocumentKind::Preset, &id, Some(json!(preset)), Expected::Absent);
    documents::store(&app, &caller, &account, change, told).await?;
    app.searches_changed().await;
    Ok((StatusCode::CREATED, Json(found(&app, &account, &id).await?)))
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<PresetWrite>,
) -> Result<Json<whodid_api::Preset>, Failure> {
    let account = caller.manages(Permission::AlertsManage, params.account.as_deref())?;
    let asked = asked.read()?;
    caller.attempt.is_about(&id, &asked.name);
    let before = documents::find(&app, &account, DocumentKind::Preset, &id, ONE).await?;
    let preset = read(&app, &account, &asked, &id).await?;
    let told = deed(Deed::AlertUpdate, &id, &preset).changed(Some(before.body), Some(json!(preset)));
    let expected = Expected::Revision(before.revision);
    let change = documents::change(DocumentKind::Preset, &id, Some(json!(preset)), expected);
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
    let preset = documents::find(&app, &account, DocumentKind::Preset, &id, ONE).await?;
    let gone =
        |kind, document: &Document| documents::change(kind, &document.id, None, Expected::Revision(document.revision));
    let mut changes = vec![gone(DocumentKind::Preset, &preset)];
    let mut told = vec![match read_back(&preset) {
        Some(preset) => deed(Deed::AlertDelete, &id, &preset).changed(Some(json!(preset)), None),
        None => Told::success(Deed::AlertDelete, id.as_str(), "").asked("kind", "preset"),
    }];
    for alert in app.meta.documents(&account, DocumentKind::Watch).await? {
        if alert.body["preset"] == id.as_str() {
            changes.push(gone(DocumentKind::Watch, &alert));
            told.push(super::search_alerts::deleted(&alert));
        }
    }
    app.meta.change_documents(&caller.attempt.actor(), &account, &changes, &told, crate::clock::now()).await?;
    app.searches_changed().await;
    Ok(StatusCode::NO_CONTENT)
}

/// What is told of a change, by the names that Activity Tracker had.
fn deed(deed: Deed, id: &str, preset: &Preset) -> Told {
    let channels: Vec<&str> = preset.channels.iter().map(|told| told.channel.as_str()).collect();
    Told::success(deed, id, preset.name.as_str())
        .asked("kind", "preset")
        .asked("alertId", id)
        .asked("name", preset.name.as_str())
        .asked("channels", json!(channels))
}

fn read_back(document: &Document) -> Option<Preset> {
    serde_json::from_value(document.body.clone()).ok()
}

/// What is wrong, in one text.
pub fn refused(faults: &[Fault]) -> Failure {
    let each: Vec<String> = faults.iter().map(|fault| format!("`{}` {}", fault.member, fault.text)).collect();
    Failure::new(Code::BadJson, each.join("; "))
}

/// Refuses channels that the account does not have.
pub async fn refuse_strange(app: &App, account: &AccountName, channels: &[String]) -> Result<(), Failure> {
    let known = app.meta.documents(account, DocumentKind::Channel).await?;
    for channel in channels {
        if !known.iter().any(|document| document.id == *channel) {
            let shown: String = channel.chars().take(60).collect();
            let detail = format!("there is no channel {shown:?} in this account; name one by its id");
            return Err(Failure::new(Code::BadJson, detail));
        }
    }
    Ok(())
}

/// Who of presets and alerts on searches tells one of these channels.
pub async fn users_of_channels(app: &App, account: &AccountName, channels: &[String]) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for kind in [DocumentKind::Preset, DocumentKind::Watch] {
        for document in app.meta.documents(account, kind).await? {
            let told = document.body["channels"].as_array().map(Vec::as_slice).unwrap_or_default();
            if told.iter().any(|told| channels.iter().any(|channel| told["channel"] == channel.as_str())) {
                names.push(document.body["name"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    Ok(names)
}

async fn read(app: &App, account: &AccountName, asked: &PresetWrite, id: &str) -> Result<Preset, Failure> {
    let mut preset: Preset =
        serde_json::from_value(json!(asked)).map_err(|error| Failure::new(Code::BadJson, error.to_string()))?;
    preset.name = preset.name.trim().to_owned();
    let faults = preset.faults();
    if !faults.is_empty() {
        return Err(refused(&faults));
    }
    let channels: Vec<String> = preset.channels.iter().map(|told| told.channel.clone()).collect();
    refuse_strange(app, account, &channels).await?;
    documents::refuse_name(&app.meta.documents(account, DocumentKind::Preset).await?, &preset.name, id, ONE)?;
    Ok(preset)
}

async fn found(app: &App, account: &AccountName, id: &str) -> Result<whodid_api::Preset, Failure> {
    let alerts = app.meta.documents(account, DocumentKind::Watch).await?;
    shown(&documents::find(app, account, DocumentKind::Preset, id, ONE).await?, &alerts)
        .ok_or_else(|| Failure::new(Code::Internal, "a stored preset cannot be read"))
}

fn shown(document: &Document, alerts: &[Document]) -> Option<whodid_api::Preset> {
    let preset: PresetWrite = serde_json::from_value(document.body.clone()).ok()?;
    let name = |alert: &Document| Value::as_str(&alert.body["name"]).unwrap_or_default().to_owned();
    let used_by = alerts.iter().filter(|alert| alert.body["preset"] == document.id.as_str()).map(name).collect();
    Some(whodid_api::Preset {
        id: document.id.clone(),
        name: preset.name,
        channels: preset.channels,
        used_by,
        revision: document.revision,
        created_at: document.created_at.to_string(),
        created_by: document.created_by.clone(),
    })
}
