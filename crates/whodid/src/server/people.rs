//! Users and invitations of an account.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use whodid_api::{
    Code, Invitation, InvitationCreate, InvitationCreated, InvitationList, LinkCreated, LookupParams, RoleToGive,
    SessionsEnded, UserEntry, UserList, UserUpdate,
};
use whodid_audit::Deed;
use whodid_meta::{Invite, RoleGrant, Secret, UserChange, UserView};
use whodid_model::access::{BuiltInRole, PermissionSet};
use whodid_model::{AccountName, Permission};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::failure::Failure;
use super::params::{Id, Params};
use super::roles::{grant, held, may_give, permissions_of};

/// Whoever says which names are somebody's says what they see: they must see it all themselves.
const SEEING: PermissionSet =
    PermissionSet::of(&[Permission::SpaceEventsRead, Permission::AccountEventsRead, Permission::AuditRead]);

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<UserList>, Failure> {
    let account = caller.needs(Permission::UsersRead, params.account.as_deref())?;
    let now = crate::clock::now();
    let mut views = app.meta.users(&account, now).await?;
    views.sort_by(|one, other| one.user.name.cmp(&other.user.name));
    let sessions = session_counts(&app, &account).await?;
    Ok(Json(UserList { users: views.into_iter().map(|view| entry(view, &account, &sessions)).collect() }))
}

async fn session_counts(app: &App, account: &AccountName) -> Result<HashMap<String, u64>, Failure> {
    let mut counts = HashMap::new();
    for session in app.meta.sessions_of_account(account, crate::clock::now()).await? {
        *counts.entry(session.user).or_default() += 1;
    }
    Ok(counts)
}

fn entry(view: UserView, account: &AccountName, sessions: &HashMap<String, u64>) -> UserEntry {
    let user = view.user;
    let time = |at: Option<whodid_model::Timestamp>| at.map(|at| at.to_string());
    UserEntry {
        is_home: user.home.as_ref() == Some(account),
        source: user.source.as_str().to_owned(),
        created_at: user.created_at.to_string(),
        disabled_at: time(user.disabled_at),
        locked_until: time(view.locked_until),
        reset_requested_at: time(user.reset_requested_at),
        last_signed_in_at: time(user.last_signed_in_at),
        last_read_at: time(user.last_read_at),
        sessions: sessions.get(&user.id).copied().unwrap_or_default(),
        groups: view.groups.into_iter().map(|(_, name)| name).collect(),
        roles: view.roles.iter().map(|role| held(&role.binding, role.group.clone())).collect(),
        id: user.id,
        name: user.name,
        display_name: user.display_name,
        also_known_as: user.also_known_as,
        has_password: user.has_password,
        has_mfa: user.has_mfa,
        is_operator: user.is_operator,
    }
}

/// A member of the account; another account's looks like one that is not there.
async fn member(app: &App, caller: &Caller, account: &AccountName, id: &str) -> Result<UserView, Failure> {
    caller.attempt.is_about(id, "");
    let view = app.meta.user(account, id, crate::clock::now()).await?;
    let view = view.ok_or_else(|| Failure::new(Code::NotFound, "there is no such user in this account"))?;
    caller.attempt.is_about(id, &view.user.name);
    Ok(view)
}

/// A member whose credentials the caller may touch: whoever could reset the password of somebody with more rights
/// would have these rights.
async fn lesser_member(app: &App, caller: &Caller, account: &AccountName, id: &str) -> Result<UserView, Failure> {
    let view = member(app, caller, account, id).await?;
    if view.user.is_operator {
        caller.needs_operator()?;
    }
    let mut permissions = PermissionSet::NONE;
    for role in &view.roles {
        permissions |= permissions_of(app, account, &role.binding.role).await?;
    }
    may_give(caller, account, permissions)?;
    Ok(view)
}

pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Json<UserEntry>, Failure> {
    let account = caller.needs(Permission::UsersRead, params.account.as_deref())?;
    let view = member(&app, &caller, &account, &id).await?;
    Ok(Json(entry(view, &account, &session_counts(&app, &account).await?)))
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<UserUpdate>,
) -> Result<Json<UserEntry>, Failure> {
    match asked.peek().and_then(|update| update.disabled) {
        Some(true) => caller.attempt.is_a(Deed::UserDisable),
        Some(false) => caller.attempt.is_a(Deed::UserEnable),
        None => {}
    }
    let account = caller.manages(Permission::UsersManage, params.account.as_deref())?;
    let update = asked.read()?;
    lesser_member(&app, &caller, &account, &id).await?;
    if update.also_known_as.is_some() {
        may_give(&caller, &account, SEEING)?;
    }
    let (by, now) = (caller.attempt.actor(), crate::clock::now());
    if update.is_operator.is_some() {
        caller.needs_operator()?;
    }
    let change = UserChange {
        display_name: update.display_name,
        also_known_as: update.also_known_as,
        disabled: update.disabled,
        is_operator: update.is_operator,
        ..UserChange::default()
    };
    app.meta.update_user(&by, &account, &id, &change, now).await?;
    let view = member(&app, &caller, &account, &id).await?;
    Ok(Json(entry(view, &account, &session_counts(&app, &account).await?)))
}

pub async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::UsersManage, params.account.as_deref())?;
    lesser_member(&app, &caller, &account, &id).await?;
    app.meta.remove_user(&caller.attempt.actor(), &account, &id, crate::clock::now()).await?;
    tracing::info!(by = caller.label(), user = id, account = %account, "a user was removed from an account");
    Ok(StatusCode::NO_CONTENT)
}

pub async fn unlock(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::UsersManage, params.account.as_deref())?;
    lesser_member(&app, &caller, &account, &id).await?;
    app.meta.unlock_user(&caller.attempt.actor(), &account, &id, crate::clock::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn reset_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<(StatusCode, Json<LinkCreated>), Failure> {
    let account = caller.manages(Permission::UsersManage, params.account.as_deref())?;
    lesser_member(&app, &caller, &account, &id).await?;
    let link = app.meta.create_password_reset(&caller.attempt.actor(), &account, &id, crate::clock::now()).await?;
    tracing::info!(by = caller.label(), user = id, "a password link was made");
    let created =
        LinkCreated { link: app.config.link("reset", link.token.expose()), expires_at: link.expires_at.to_string() };
    Ok((StatusCode::CREATED, Json(created)))
}

pub async fn remove_totp(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::UsersManage, params.account.as_deref())?;
    lesser_member(&app, &caller, &account, &id).await?;
    app.meta.reset_totp(&caller.attempt.actor(), &account, &id, crate::clock::now()).await?;
    tracing::info!(by = caller.label(), user = id, "a second factor was removed");
    Ok(StatusCode::NO_CONTENT)
}

pub async fn end_sessions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Json<SessionsEnded>, Failure> {
    let account = caller.needs(Permission::SessionsManage, params.account.as_deref())?;
    member(&app, &caller, &account, &id).await?;
    let except = caller.maybe_session().filter(|session| session.user.id == id).map(|session| session.id.clone());
    let by = caller.attempt.actor();
    let ended =
        app.meta.end_sessions_of(&by, &id, except.as_deref(), "an administrator ended it", crate::clock::now()).await?;
    Ok(Json(SessionsEnded { ended: ended as u64 }))
}

pub async fn invitations(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<InvitationList>, Failure> {
    let account = caller.needs(Permission::UsersRead, params.account.as_deref())?;
    let names = super::keys::names(&app).await?;
    let groups = group_names(&app, &account).await?;
    let mut open = app.meta.invitations(&account).await?;
    open.retain(|invitation| invitation.expires_at > crate::clock::now());
    open.sort_by_key(|invitation| std::cmp::Reverse(invitation.created_at));
    let invitations = open.into_iter().map(|one| invitation(one, &names, &groups)).collect();
    Ok(Json(InvitationList { invitations }))
}

async fn group_names(app: &App, account: &AccountName) -> Result<HashMap<String, String>, Failure> {
    Ok(app.meta.groups(account).await?.into_iter().map(|group| (group.id, group.name)).collect())
}

fn invitation(
    made: whodid_meta::Invitation,
    names: &HashMap<String, String>,
    groups: &HashMap<String, String>,
) -> Invitation {
    let invite = made.invite;
    Invitation {
        id: made.id,
        name: invite.name,
        display_name: invite.display_name,
        roles: invite
            .roles
            .into_iter()
            .map(|RoleGrant { role, spaces, query }| RoleToGive {
                role,
                spaces: spaces.map(|spaces| spaces.iter().map(ToString::to_string).collect()),
                query,
            })
            .collect(),
        groups: invite.groups.into_iter().map(|id| groups.get(&id).cloned().unwrap_or(id)).collect(),
        created_by: names.get(&made.created_by).cloned().unwrap_or(made.created_by),
        created_at: made.created_at.to_string(),
        expires_at: made.expires_at.to_string(),
    }
}

pub async fn invite(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<InvitationCreate>,
) -> Result<(StatusCode, Json<InvitationCreated>), Failure> {
    if let Some(request) = asked.peek() {
        caller.attempt.is_about("", &request.name);
    }
    let account = caller.manages(Permission::UsersManage, params.account.as_deref())?;
    let request = asked.read()?;
    // The name is one of those whose deeds its user sees, and the link is whoever's holds it.
    may_give(&caller, &account, SEEING)?;
    let mut roles = Vec::new();
    for role in request.roles {
        roles.push(grant(&app, &caller, &account, role).await?);
    }
    if roles.is_empty() && request.groups.is_empty() {
        may_give(&caller, &account, BuiltInRole::Member.permissions())?;
        roles.push(RoleGrant::whole(BuiltInRole::Member.as_str()));
    }
    let known = app.meta.groups(&account).await?;
    let mut groups = Vec::new();
    for name in &request.groups {
        let group = known.iter().find(|group| group.name == *name || group.id == *name);
        let group = group.ok_or_else(|| {
            let shown: String = name.chars().take(100).collect();
            Failure::new(Code::BadJson, format!("`groups`: there is no group {shown:?} in this account"))
        })?;
        for binding in app.meta.bindings(&account).await? {
            if binding.subject == whodid_meta::Subject::Group(group.id.clone()) {
                may_give(&caller, &account, permissions_of(&app, &account, &binding.role).await?)?;
            }
        }
        groups.push(group.id.clone());
    }
    let invite =
        Invite { name: request.name, display_name: request.display_name, roles, groups: groups.into_iter().collect() };
    let now = crate::clock::now();
    let (made, token): (_, Secret) = app.meta.invite(&caller.attempt.actor(), &account, &invite, now).await?;
    tracing::info!(by = caller.label(), invitation = made.id, account = %account, "somebody was invited");
    let (names, groups) = (super::keys::names(&app).await?, group_names(&app, &account).await?);
    let created = InvitationCreated {
        invitation: invitation(made, &names, &groups),
        link: app.config.link("invitation", token.expose()),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

pub async fn uninvite(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::UsersManage, params.account.as_deref())?;
    caller.attempt.is_about(&id, "");
    app.meta.delete_invitation(&caller.attempt.actor(), &account, &id, crate::clock::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
