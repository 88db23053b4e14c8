//! Channels: where alerts are told, tried before they are needed, and what became of each notice.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use whodid_alerts::{Attempt, Channel, Notice, Sender, SigningKey, SystemResolver};
use whodid_api::{ChannelList, ChannelWrite, Code, Delivery, DeliveryAttempt, DeliveryList, LookupParams, NoticeKey};
use whodid_audit::{Deed, Told};
use whodid_meta::{DeliveryRow, DeliveryState, Document, DocumentKind, Expected, Meta};
use whodid_model::access::Permission;
use whodid_model::{AccountName, Timestamp};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::documents;
use super::failure::Failure;
use super::params::{Id, NoParams, Params};
use crate::config::Config;

/// What it is called.
const ONE: &str = "channel";
/// Most channels of an account: each finding looks at all of them.
const CHANNELS_MAX: usize = 200;
/// Deliveries that are shown of a channel.
const SHOWN: i64 = 100;
/// Under which name the key of signed notices is kept.
const KEY_NAME: &str = "notices";

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<ChannelList>, Failure> {
    let account = caller.needs(Permission::ChannelsManage, params.account.as_deref())?;
    let mut channels = Vec::new();
    for document in app.meta.documents(&account, DocumentKind::Channel).await? {
        channels.push(shown(&app, &account, &document).await?);
    }
    channels.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    Ok(Json(ChannelList { channels, has_mail: app.config.receivers.mail.is_some() }))
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<ChannelWrite>,
) -> Result<(StatusCode, Json<whodid_api::Channel>), Failure> {
    let account = caller.manages(Permission::ChannelsManage, params.account.as_deref())?;
    let request = asked.read()?;
    caller.attempt.is_about("", &request.name);
    let channel = configured(&request)?;
    refuse_unfit(&app, &channel)?;
    let known = app.meta.documents(&account, DocumentKind::Channel).await?;
    if known.len() >= CHANNELS_MAX {
        let detail = format!("an account has at most {CHANNELS_MAX} channels; delete one that is not needed");
        return Err(Failure::new(Code::Conflict, detail));
    }
    documents::refuse_name(&known, &channel.name, "", ONE)?;
    let id = uuid::Uuid::now_v7().to_string();
    let after = json!(channel.masked());
    let told = Told::success(Deed::ChannelCreate, id.as_str(), channel.name.as_str()).changed(None, Some(after));
    store(&app, &caller, &account, &id, &channel, Expected::Absent, told).await?;
    Ok((StatusCode::CREATED, Json(found(&app, &account, &id).await?)))
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<ChannelWrite>,
) -> Result<Json<whodid_api::Channel>, Failure> {
    let account = caller.manages(Permission::ChannelsManage, params.account.as_deref())?;
    let request = asked.read()?;
    let document = documents::find(&app, &account, DocumentKind::Channel, &id, ONE).await?;
    caller.attempt.is_about(&id, &request.name);
    let edited = configured(&request)?;
    let before = opened(&document);
    let channel = match &before {
        Some(before) => {
            edited.with_secrets_from(before).map_err(|error| Failure::new(Code::BadJson, error.to_string()))?
        }
        // Its secrets cannot be read any more: given anew they work.
        None => edited,
    };
    refuse_unfit(&app, &channel)?;
    documents::refuse_name(&app.meta.documents(&account, DocumentKind::Channel).await?, &channel.name, &id, ONE)?;
    if before.as_ref() != Some(&channel) {
        let told = Told::success(Deed::ChannelUpdate, id.as_str(), channel.name.as_str())
            .changed(Some(document.body.clone()), Some(json!(channel.masked())));
        store(&app, &caller, &account, &id, &channel, Expected::Revision(document.revision), told).await?;
    }
    Ok(Json(found(&app, &account, &id).await?))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::ChannelsManage, params.account.as_deref())?;
    let document = documents::find(&app, &account, DocumentKind::Channel, &id, ONE).await?;
    let name = document.body["name"].as_str().unwrap_or_default().to_owned();
    let users = super::presets::users_of_channel(&app, &account, &id).await?;
    if !users.is_empty() {
        let detail = format!("{} would tell nobody any more; take the channel out there first", users.join(", "));
        return Err(Failure::new(Code::Conflict, detail));
    }
    let told = Told::success(Deed::ChannelDelete, id.as_str(), name.as_str()).changed(Some(document.body), None);
    let change = documents::change(DocumentKind::Channel, &id, None, Expected::Present);
    documents::store(&app, &caller, &account, change, told).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries a channel once, and waits for the answer: whoever sets it up wants to see it.
pub async fn test(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Json<Delivery>, Failure> {
    let account = caller.manages(Permission::ChannelsManage, params.account.as_deref())?;
    let document = documents::find(&app, &account, DocumentKind::Channel, &id, ONE).await?;
    let name = document.body["name"].as_str().unwrap_or_default();
    caller.attempt.is_about(&id, name);
    let channel = opened(&document).ok_or_else(|| {
        Failure::new(Code::Conflict, "the channel's secrets cannot be read; edit it and enter them again")
    })?;
    let now = crate::clock::now();
    let notice = Notice::test(account.clone(), format!("{}/alerts", app.config.base_url()), now);
    let mut row = super::alerting::queued(&id, None, &notice, now);
    let sender = app.sender()?;
    let attempt = Attempt { delivery: row.id.clone(), number: 1, first_at: now, at: now };
    let tried = sender.deliver(&channel, &notice, &attempt).await;
    let went_well = tried.outcome == whodid_alerts::Outcome::Delivered;
    super::delivering::note(&mut row, now, &super::delivering::outcome_json(&tried));
    row.state = if went_well { DeliveryState::Delivered } else { DeliveryState::Failed };
    row.due_at = None;
    let now = crate::clock::now();
    app.meta.store_delivery(&account, &row, now).await?;
    let mut told = Told::success(Deed::ChannelSend, id.as_str(), name);
    told.outcome = if went_well { told.outcome } else { whodid_audit::Outcome::Failure };
    app.tell(&account, &caller.attempt.actor(), &told).await?;
    caller.attempt.is_told();
    Ok(Json(shown_delivery(&row)))
}

pub async fn deliveries(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Json<DeliveryList>, Failure> {
    let account = caller.needs(Permission::ChannelsManage, params.account.as_deref())?;
    documents::find(&app, &account, DocumentKind::Channel, &id, ONE).await?;
    let rows = app.meta.deliveries(&account, Some(&id), None, SHOWN).await?;
    Ok(Json(DeliveryList { deliveries: rows.iter().map(shown_delivery).collect() }))
}

pub async fn key(State(app): State<Arc<App>>, Params(_): Params<NoParams>) -> Result<Json<NoticeKey>, Failure> {
    let public = app.notice_key()?.public();
    let jwk = serde_json::to_value(&public.jwk).and_then(serde_json::from_value);
    let jwk = jwk.map_err(|error| Failure::internal("writing a public key", &error))?;
    Ok(Json(NoticeKey { pem: public.pem.clone(), jwk }))
}

/// The channel in a document, its secrets opened; `None` when it cannot be read.
pub fn opened(document: &Document) -> Option<Channel> {
    serde_json::from_str(document.secret.as_ref()?.expose()).ok()
}

/// What sends notices, with the installation's own key, made where there is none yet.
///
/// # Errors
/// The metadata does not answer, or the key or the system's certificates cannot be used.
pub async fn sender(config: &Config, meta: &Meta) -> anyhow::Result<(Arc<Sender>, Arc<SigningKey>)> {
    let key = match meta.installation_secret(KEY_NAME).await? {
        Some(kept) => SigningKey::from_pkcs8(&kept)?,
        None => {
            let made = tokio::task::spawn_blocking(|| SigningKey::generate().map(|(_, bytes)| bytes)).await??;
            SigningKey::from_pkcs8(&meta.keep_installation_secret(KEY_NAME, &made).await?)?
        }
    };
    let key = Arc::new(key);
    let sender = Sender::new(whodid_alerts::deliver::Settings {
        mail: config.receivers.mail.clone(),
        allow: config.receivers.allow.clone(),
        resolver: Arc::new(SystemResolver),
        roots_pem: Vec::new(),
        hostname: hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        issuer: whodid_alerts::Issuer {
            name: "whodid".to_owned(),
            findings_url: format!("{}/findings", config.base_url()),
        },
        key: Some(Arc::clone(&key)),
    })?;
    Ok((Arc::new(sender), key))
}

async fn found(app: &App, account: &AccountName, id: &str) -> Result<whodid_api::Channel, Failure> {
    shown(app, account, &documents::find(app, account, DocumentKind::Channel, id, ONE).await?).await
}

async fn store(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    id: &str,
    channel: &Channel,
    expected: Expected,
    told: Told,
) -> Result<(), Failure> {
    // All of it is sealed; what may be shown stands beside it.
    let whole = serde_json::to_string(channel).map_err(|error| Failure::internal("writing a channel", &error))?;
    let change = documents::change(DocumentKind::Channel, id, Some(json!(channel.masked())), expected);
    documents::store(app, caller, account, documents::with_secret(change, whole), told).await
}

fn refuse_unfit(app: &App, channel: &Channel) -> Result<(), Failure> {
    let mut faults = super::delivering::faults(app.sender()?, channel);
    if matches!(channel.receiver, whodid_alerts::Receiver::Email(_)) && app.config.receivers.mail.is_none() {
        faults.push("whodid knows no mail server; the operator sets `mail.host` and `mail.from`".to_owned());
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::new(Code::BadJson, faults.join("; "))) }
}

fn configured(asked: &ChannelWrite) -> Result<Channel, Failure> {
    let whole = json!({
        "name": asked.name,
        "description": asked.description,
        "enabled": asked.is_enabled,
        "severities": asked.severities,
        "sources": asked.sources,
        "rate_limit": asked.rate_limit,
        "time_zone": asked.time_zone,
        "receiver": asked.receiver,
    });
    serde_json::from_value(whole).map_err(|error| Failure::new(Code::BadJson, error.to_string()))
}

async fn shown(app: &App, account: &AccountName, document: &Document) -> Result<whodid_api::Channel, Failure> {
    let last = app.meta.deliveries(account, Some(&document.id), None, 1).await?;
    let mut whole = document.body.clone();
    let damaged = || Failure::new(Code::Internal, "a stored channel cannot be read");
    let members = whole.as_object_mut().ok_or_else(damaged)?;
    let enabled = members.remove("enabled").unwrap_or(Value::Bool(true));
    members.insert("is_enabled".to_owned(), enabled);
    let write: ChannelWrite = serde_json::from_value(whole).map_err(|_| damaged())?;
    Ok(whodid_api::Channel {
        id: document.id.clone(),
        name: write.name,
        description: write.description,
        is_enabled: write.is_enabled,
        severities: write.severities,
        sources: write.sources,
        rate_limit: write.rate_limit,
        time_zone: write.time_zone,
        receiver: write.receiver,
        revision: document.revision,
        created_at: document.created_at.to_string(),
        created_by: document.created_by.clone(),
        last_delivery: last.first().map(shown_delivery),
    })
}

/// What a delivery tells, from its row.
pub fn moment(row: &DeliveryRow) -> String {
    row.body["notice"]["event"].as_str().unwrap_or_default().to_owned()
}

fn shown_delivery(row: &DeliveryRow) -> Delivery {
    let notice = serde_json::from_value::<Notice>(row.body["notice"].clone());
    let attempts = row.body["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Delivery {
        id: row.id.clone(),
        alert: row.alert.clone(),
        moment: moment(row),
        summary: notice.map(|notice| notice.headline()).unwrap_or_default(),
        state: row.state.as_str().to_owned(),
        created_at: row.created_at.to_string(),
        due_at: row.due_at.map(|at: Timestamp| at.to_string()),
        attempts: attempts
            .iter()
            .map(|attempt| DeliveryAttempt {
                at: text(&attempt["at"]),
                outcome: text(&attempt["outcome"]),
                status: attempt["status"].as_u64().and_then(|status| u16::try_from(status).ok()),
                answer: text(&attempt["answer"]),
                took_ms: attempt["took_ms"].as_u64().unwrap_or_default(),
            })
            .collect(),
    }
}
