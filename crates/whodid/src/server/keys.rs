//! Keys: list, make, revoke.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use whodid_api::{Code, KeyCreate, KeyCreated, KeyList, KeySummary, LookupParams};
use whodid_meta::{Key, KeyKind, Meta};
use whodid_model::access::Permission;

use super::auth::Caller;
use super::failure::Failure;
use super::params::{Id, Params};
use super::{App, body};

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<KeyList>, Failure> {
    let scope = caller.access(Permission::ManageKeys, params.account.as_deref())?;
    let keys = app.meta.keys(scope.account()).await?;
    Ok(Json(KeyList { keys: keys.into_iter().map(summary).collect() }))
}

/// A key as the API shows it.
pub fn summary(key: Key) -> KeySummary {
    KeySummary {
        id: key.id,
        kind: api_kind(key.kind),
        name: key.name,
        masked: key.masked,
        created_at: key.created_at.to_string(),
        last_used_at: key.last_used_at.map(|at| at.to_string()),
        revoked_at: key.revoked_at.map(|at| at.to_string()),
    }
}

fn api_kind(kind: KeyKind) -> whodid_api::KeyKind {
    match kind {
        KeyKind::Ingestion => whodid_api::KeyKind::Ingestion,
        KeyKind::Service => whodid_api::KeyKind::Service,
        KeyKind::Administrator => whodid_api::KeyKind::Administrator,
    }
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<KeyCreated>), Failure> {
    let scope = caller.access(Permission::ManageKeys, params.account.as_deref())?;
    let request: KeyCreate = body::read_json(&headers, body).await?;
    let kind = match request.kind {
        whodid_api::KeyKind::Ingestion => KeyKind::Ingestion,
        whodid_api::KeyKind::Service => KeyKind::Service,
        whodid_api::KeyKind::Administrator => {
            let detail = "administrator tokens are made on the command line: `whodid keys create --kind administrator`";
            return Err(Failure::new(Code::BadJson, detail));
        }
    };
    let name = Meta::check_key_name(&request.name).map_err(|error| Failure::new(Code::BadJson, error.to_string()))?;
    let made = app.meta.create_key(kind, scope.account(), None, name, crate::clock::now()).await?;
    tracing::info!(by = caller.label(), key.id = made.key.id, kind = kind.as_str(), "a key was made");
    let created = KeyCreated {
        id: made.key.id,
        kind: request.kind,
        name: made.key.name,
        key: made.secret.expose().to_owned(),
        created_at: made.key.created_at.to_string(),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

pub async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let scope = caller.access(Permission::ManageKeys, params.account.as_deref())?;
    if !app.meta.revoke_key(scope.account(), &id, crate::clock::now()).await? {
        return Err(Failure::new(Code::NotFound, "there is no such key in this account"));
    }
    tracing::info!(by = caller.label(), key.id = id, "a key was revoked");
    Ok(StatusCode::NO_CONTENT)
}
