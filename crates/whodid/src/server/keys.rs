//! Keys of programs: list, make, change, rotate, revoke.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use whodid_api::{Code, KeyCreate, KeyCreated, KeyList, KeyRotate, KeySummary, KeyUpdate, LookupParams};
use whodid_audit::Deed;
use whodid_decode::Format;
use whodid_meta::{Key, KeyChange, KeyKind, KeyPlan, KeyScope, NewKey};
use whodid_model::access::Permission;
use whodid_model::{AccountName, SpaceName, StreamName, Timestamp};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::failure::Failure;
use super::params::{Id, Params};
use super::roles::may_give;
use super::search::STREAMS;

/// How long a rotated key works on when nothing else is asked for.
const OVERLAP_DEFAULT: &str = "24h";

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<KeyList>, Failure> {
    let account = caller.needs(Permission::KeysRead, params.account.as_deref())?;
    let names = names(&app).await?;
    let keys = app.meta.keys(&account).await?;
    Ok(Json(KeyList { keys: keys.into_iter().map(|key| summary(key, &names)).collect() }))
}

/// Names of users by id, to show who made what.
pub async fn names(app: &App) -> Result<HashMap<String, String>, Failure> {
    Ok(app.meta.all_users().await?.into_iter().map(|user| (user.id, user.name)).collect())
}

/// A key as the API shows it.
pub fn summary(key: Key, names: &HashMap<String, String>) -> KeySummary {
    KeySummary {
        id: key.id,
        kind: api_kind(key.kind),
        name: key.name,
        masked: key.masked,
        scope: whodid_api::KeyScope {
            sources: key.scope.sources,
            spaces: key.scope.spaces.map(|spaces| spaces.iter().map(ToString::to_string).collect()),
            streams: key.scope.streams.map(|streams| streams.iter().map(ToString::to_string).collect()),
        },
        permissions: key.permissions.map(|set| set.iter().map(|one| one.as_str().to_owned()).collect()),
        user: key.user.map(|id| names.get(&id).cloned().unwrap_or(id)),
        created_at: key.created_at.to_string(),
        created_by: Some(key.created_by).filter(|id| !id.is_empty()).map(|id| names.get(&id).cloned().unwrap_or(id)),
        expires_at: key.expires_at.map(|at| at.to_string()),
        last_used_at: key.last_used_at.map(|at| at.to_string()),
        last_used_from: key.last_used_from,
        successor_of: key.successor_of,
        revoked_at: key.revoked_at.map(|at| at.to_string()),
    }
}

fn api_kind(kind: KeyKind) -> whodid_api::KeyKind {
    match kind {
        KeyKind::Ingestion => whodid_api::KeyKind::Ingestion,
        KeyKind::Service => whodid_api::KeyKind::Service,
        KeyKind::Personal => whodid_api::KeyKind::Personal,
    }
}

fn stored_kind(kind: whodid_api::KeyKind) -> KeyKind {
    match kind {
        whodid_api::KeyKind::Ingestion => KeyKind::Ingestion,
        whodid_api::KeyKind::Service => KeyKind::Service,
        whodid_api::KeyKind::Personal => KeyKind::Personal,
    }
}

/// A key just made, as the API shows it this once.
pub fn created(made: NewKey) -> KeyCreated {
    KeyCreated {
        id: made.key.id,
        kind: api_kind(made.key.kind),
        name: made.key.name,
        key: made.secret.expose().to_owned(),
        created_at: made.key.created_at.to_string(),
        expires_at: made.key.expires_at.map(|at| at.to_string()),
    }
}

/// A scope as asked for, every name checked.
pub fn scope(asked: whodid_api::KeyScope) -> Result<KeyScope, Failure> {
    let wrong = |error: String| Failure::new(Code::BadJson, error);
    let is_source =
        |name: &str| Format::ALL.into_iter().any(|format| format != Format::Auto && format.as_str() == name);
    if let Some(unknown) = asked.sources.iter().flatten().find(|source| !is_source(source)) {
        let shown: String = unknown.chars().take(40).collect();
        let all = Format::ALL.into_iter().filter(|format| *format != Format::Auto).map(Format::as_str);
        let all = all.collect::<Vec<_>>().join(", ");
        return Err(wrong(format!("`scope.sources`: there is no source {shown:?}; sources are {all}")));
    }
    let spaces = asked.spaces.map(|spaces| spaces.iter().map(|name| SpaceName::parse(name)).collect::<Result<_, _>>());
    if let Some(unknown) = asked.streams.iter().flatten().find(|name| !STREAMS.contains(&name.as_str())) {
        let shown: String = unknown.chars().take(40).collect();
        let all = STREAMS.join(", ");
        return Err(wrong(format!("`scope.streams`: there is no stream {shown:?}; streams are {all}")));
    }
    let streams =
        asked.streams.map(|streams| streams.iter().map(|name| StreamName::parse(name)).collect::<Result<_, _>>());
    Ok(KeyScope {
        sources: asked.sources,
        spaces: spaces.transpose().map_err(|error| wrong(format!("`scope.spaces`: {error}")))?,
        streams: streams.transpose().map_err(|error| wrong(format!("`scope.streams`: {error}")))?,
    })
}

/// When something shall end: RFC 3339, or a duration from now.
pub fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let wrong = |why: &str| {
        let shown: String = text.chars().take(40).collect();
        Failure::new(Code::BadJson, format!("`expires` is {shown:?}, {why}; write 90d or 2027-01-31T00:00:00Z"))
    };
    if let Some(duration) = crate::config::parse_duration(text) {
        return Ok(now.plus_micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)));
    }
    let at = Timestamp::parse(text).map_err(|_| wrong("neither a time nor a duration"))?.at;
    if at <= now { Err(wrong("which is past")) } else { Ok(at) }
}

/// How long a rotated key works on, in microseconds.
pub fn overlap(asked: KeyRotate) -> Result<i64, Failure> {
    let text = asked.overlap.unwrap_or_else(|| OVERLAP_DEFAULT.to_owned());
    let none = matches!(text.as_str(), "0" | "0s");
    let duration = crate::config::parse_duration(&text).or_else(|| none.then_some(std::time::Duration::ZERO));
    let duration = duration.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Failure::new(Code::BadJson, format!("`overlap` is {shown:?}; write 24h, 7d or 0s"))
    })?;
    Ok(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

/// What is to change of a key.
pub fn change(update: KeyUpdate, now: Timestamp) -> Result<KeyChange, Failure> {
    let expires_at = match update.expires.as_deref() {
        None => None,
        Some("never") => Some(None),
        Some(text) => Some(Some(expiry(text, now)?)),
    };
    Ok(KeyChange { name: update.name, scope: update.scope.map(scope).transpose()?, expires_at })
}

fn of_kind(kind: KeyKind, deeds: [Deed; 3]) -> Deed {
    match kind {
        KeyKind::Ingestion => deeds[0],
        KeyKind::Service => deeds[1],
        KeyKind::Personal => deeds[2],
    }
}

/// Notes which kind of key a request is about, so that a failure is told under its name.
async fn note(app: &App, caller: &Caller, account: &AccountName, id: &str, deeds: [Deed; 3]) -> Result<(), Failure> {
    caller.attempt.is_about(id, "");
    if let Some(key) = app.meta.key(account, id).await? {
        caller.attempt.is_a(of_kind(key.kind, deeds));
        caller.attempt.is_about(id, &key.name);
    }
    Ok(())
}

/// Whoever changes a key could give it what they do not have; and a personal token is its user's: its successor would
/// be shown to somebody else, and a wider one would act in another's name.
async fn may_handle(app: &App, caller: &Caller, account: &AccountName, id: &str) -> Result<(), Failure> {
    let Some(key) = app.meta.key(account, id).await? else { return Ok(()) };
    if key.kind == KeyKind::Personal {
        return Err(Failure::new(Code::Forbidden, "a personal token is its user's to change; revoke it instead"));
    }
    may_give(caller, account, key.kind.permissions())
}

/// Refuses a key whose streams leave it nothing to do.
fn refuse_idle(kind: KeyKind, scope: &KeyScope) -> Result<(), Failure> {
    let (does, able): (&str, &[&str]) = match kind {
        KeyKind::Ingestion => ("sends to", &["activity"]),
        KeyKind::Service => ("reads", &["activity", "rejects", "findings", "insights"]),
        KeyKind::Personal => return Ok(()),
    };
    let streams = scope.streams.as_deref().unwrap_or_default();
    if streams.is_empty() || streams.iter().any(|stream| able.contains(&stream.as_str())) {
        return Ok(());
    }
    let detail = format!("`scope.streams`: such a key {does} {}, and would have nothing to do", able.join(", "));
    Err(Failure::new(Code::BadJson, detail))
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<KeyCreate>,
) -> Result<(StatusCode, Json<KeyCreated>), Failure> {
    if let Some(request) = asked.peek() {
        let deeds = [Deed::IngestionKeyCreate, Deed::ServiceKeyCreate, Deed::PersonalTokenCreate];
        caller.attempt.is_a(of_kind(stored_kind(request.kind), deeds));
        caller.attempt.is_about("", &request.name);
    }
    let account = caller.manages(Permission::KeysManage, params.account.as_deref())?;
    let request = asked.read()?;
    let kind = stored_kind(request.kind);
    if kind == KeyKind::Personal {
        let detail = "personal tokens are made by their users: POST /api/v1/me/tokens, or Security on the page";
        return Err(Failure::new(Code::BadJson, detail));
    }
    may_give(&caller, &account, kind.permissions())?;
    let now = crate::clock::now();
    let scope = scope(request.scope)?;
    refuse_idle(kind, &scope)?;
    let plan = KeyPlan {
        scope,
        expires_at: request.expires.as_deref().map(|text| expiry(text, now)).transpose()?,
        ..KeyPlan::new(kind, request.name)
    };
    let made = app.meta.create_key(&caller.attempt.actor(), &account, &plan, now).await?;
    tracing::info!(by = caller.label(), key.id = made.key.id, kind = kind.as_str(), "a key was made");
    Ok((StatusCode::CREATED, Json(created(made))))
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<KeyUpdate>,
) -> Result<Json<KeySummary>, Failure> {
    let account = caller.manages(Permission::KeysManage, params.account.as_deref())?;
    let deeds = [Deed::IngestionKeyUpdate, Deed::ServiceKeyUpdate, Deed::PersonalTokenUpdate];
    note(&app, &caller, &account, &id, deeds).await?;
    may_handle(&app, &caller, &account, &id).await?;
    let now = crate::clock::now();
    let change = change(asked.read()?, now)?;
    let key = app.meta.update_key(&caller.attempt.actor(), &account, &id, &change, now).await?;
    Ok(Json(summary(key, &names(&app).await?)))
}

pub async fn rotate(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<KeyRotate>,
) -> Result<(StatusCode, Json<KeyCreated>), Failure> {
    let account = caller.manages(Permission::KeysManage, params.account.as_deref())?;
    let deeds = [Deed::IngestionKeyRotate, Deed::ServiceKeyRotate, Deed::PersonalTokenRotate];
    note(&app, &caller, &account, &id, deeds).await?;
    may_handle(&app, &caller, &account, &id).await?;
    let overlap = overlap(asked.read()?)?;
    let made = app.meta.rotate_key(&caller.attempt.actor(), &account, &id, overlap, crate::clock::now()).await?;
    tracing::info!(by = caller.label(), key.id = id, successor = made.key.id, "a key was rotated");
    Ok((StatusCode::CREATED, Json(created(made))))
}

pub async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.needs(Permission::KeysManage, params.account.as_deref())?;
    let deeds = [Deed::IngestionKeyDelete, Deed::ServiceKeyDelete, Deed::PersonalTokenDelete];
    note(&app, &caller, &account, &id, deeds).await?;
    app.meta.revoke_key(&caller.attempt.actor(), &account, &id, crate::clock::now()).await?;
    tracing::info!(by = caller.label(), key.id = id, "a key was revoked");
    Ok(StatusCode::NO_CONTENT)
}
