//! A person's own tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use whodid_api::{Code, KeyCreated, KeyList, KeyRotate, KeySummary, KeyUpdate, LookupParams, TokenCreate};
use whodid_meta::{Key, KeyPlan};
use whodid_model::access::PermissionSet;
use whodid_model::{AccountName, Permission};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::failure::Failure;
use super::keys::{change, created, expiry, names, overlap, scope, summary};
use super::params::{Id, NoParams, Params};

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<KeyList>, Failure> {
    let names = names(&app).await?;
    let own = own(&app, caller.user()?).await?;
    Ok(Json(KeyList { keys: own.into_iter().map(|key| summary(key, &names)).collect() }))
}

async fn own(app: &App, user: &str) -> Result<Vec<Key>, Failure> {
    Ok(app.meta.keys_of_user(user).await?)
}

/// The account of one's own token; another's token is not there.
async fn account_of(app: &App, caller: &Caller, id: &str) -> Result<AccountName, Failure> {
    let key = own(app, caller.user()?).await?.into_iter().find(|key| key.id == id);
    caller.attempt.is_about(id, key.as_ref().map_or("", |key| &key.name));
    let key = key.ok_or_else(|| Failure::new(Code::NotFound, "you have no such token"))?;
    caller.attempt.is_in(&key.account);
    Ok(key.account)
}

/// Permissions by their names.
pub fn permissions(names: &[String]) -> Result<PermissionSet, Failure> {
    names
        .iter()
        .map(|name| {
            Permission::named(name).ok_or_else(|| {
                let shown: String = name.chars().take(60).collect();
                let all = Permission::ALL.map(Permission::as_str).join(", ");
                Failure::new(Code::BadJson, format!("there is no permission {shown:?}; there are {all}"))
            })
        })
        .collect()
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<TokenCreate>,
) -> Result<(StatusCode, Json<KeyCreated>), Failure> {
    let account = caller.account(params.account.as_deref())?;
    let session = caller.fresh_session()?;
    let request = asked.read()?;
    caller.attempt.is_about("", &request.name);
    let now = crate::clock::now();
    let plan = KeyPlan {
        scope: scope(request.scope)?,
        permissions: request.permissions.as_deref().map(permissions).transpose()?,
        expires_at: request.expires.as_deref().map(|text| expiry(text, now)).transpose()?,
        ..KeyPlan::personal(session.user.id.clone(), request.name)
    };
    let made = app.meta.create_key(&caller.attempt.actor(), &account, &plan, now).await?;
    tracing::info!(by = caller.label(), key.id = made.key.id, "a personal token was made");
    Ok((StatusCode::CREATED, Json(created(made))))
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(NoParams {}): Params<NoParams>,
    asked: Asked<KeyUpdate>,
) -> Result<Json<KeySummary>, Failure> {
    let account = account_of(&app, &caller, &id).await?;
    // A token that could widen itself or live for ever would outlast what its user meant.
    let now = crate::clock::now();
    let update = asked.read()?;
    if update.scope.is_some() || update.expires.is_some() {
        caller.fresh_session()?;
    }
    let change = change(update, now)?;
    let key = app.meta.update_key(&caller.attempt.actor(), &account, &id, &change, now).await?;
    Ok(Json(summary(key, &names(&app).await?)))
}

pub async fn rotate(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(NoParams {}): Params<NoParams>,
    asked: Asked<KeyRotate>,
) -> Result<(StatusCode, Json<KeyCreated>), Failure> {
    let account = account_of(&app, &caller, &id).await?;
    may_rotate(&app, &caller, &id).await?;
    let overlap = overlap(asked.read()?)?;
    let made = app.meta.rotate_key(&caller.attempt.actor(), &account, &id, overlap, crate::clock::now()).await?;
    tracing::info!(by = caller.label(), key.id = id, successor = made.key.id, "a personal token was rotated");
    Ok((StatusCode::CREATED, Json(created(made))))
}

/// A session may rotate every token; a token only itself, and only one that lives for ever: otherwise a narrow token
/// would come by a wider one, and one that ends would live on.
async fn may_rotate(app: &App, caller: &Caller, id: &str) -> Result<(), Failure> {
    if caller.maybe_session().is_some() {
        return caller.fresh_session().map(drop);
    }
    let key = own(app, caller.user()?).await?.into_iter().find(|key| key.id == id);
    if caller.key_id() == Some(id) && key.is_some_and(|key| key.expires_at.is_none()) {
        return Ok(());
    }
    let detail = "a token can only rotate itself, and only while it has no end; sign in to rotate this one";
    Err(Failure::new(Code::SessionOnly, detail))
}

pub async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(NoParams {}): Params<NoParams>,
) -> Result<StatusCode, Failure> {
    // One that is in wrong hands can be given up by whoever holds it.
    if caller.key_id() != Some(id.as_str()) {
        caller.needs_whole().map_err(|_| Failure::new(Code::NotFound, "you have no such token"))?;
    }
    let account = account_of(&app, &caller, &id).await?;
    app.meta.revoke_key(&caller.attempt.actor(), &account, &id, crate::clock::now()).await?;
    tracing::info!(by = caller.label(), key.id = id, "a personal token was revoked");
    Ok(StatusCode::NO_CONTENT)
}
