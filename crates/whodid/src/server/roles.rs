//! Groups, roles, and who has which.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use whodid_api::{
    Binding, BindingCreate, BindingList, Code, Group, GroupCreate, GroupList, GroupMember, GroupUpdate, HeldRole,
    LookupParams, PermissionInfo, Role, RoleCreate, RoleList, RoleToGive, RoleUpdate,
};
use whodid_meta::{GroupChange, NewBinding, RoleChange, RoleGrant, Subject};
use whodid_model::access::{BuiltInRole, PermissionSet};
use whodid_model::{AccountName, Permission, SpaceName};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::failure::Failure;
use super::params::{Id, Params};
use super::tokens::permissions;

pub async fn groups(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<GroupList>, Failure> {
    let account = caller.needs(Permission::UsersRead, params.account.as_deref())?;
    let shown = Shown::of(&app, &account).await?;
    let groups = app.meta.groups(&account).await?;
    Ok(Json(GroupList { groups: groups.into_iter().map(|group| shown.group(group)).collect() }))
}

/// Names and bindings of an account, for showing its groups.
struct Shown {
    users: HashMap<String, String>,
    bindings: Vec<whodid_meta::Binding>,
}

impl Shown {
    async fn of(app: &App, account: &AccountName) -> Result<Self, Failure> {
        let users = app.meta.users(account, crate::clock::now()).await?;
        Ok(Self {
            users: users.into_iter().map(|view| (view.user.id, view.user.name)).collect(),
            bindings: app.meta.bindings(account).await?,
        })
    }

    fn group(&self, group: whodid_meta::Group) -> Group {
        let mut members: Vec<GroupMember> = group
            .members
            .iter()
            .map(|id| GroupMember { id: id.clone(), name: self.users.get(id).cloned().unwrap_or_default() })
            .collect();
        members.sort_by(|one, other| one.name.cmp(&other.name));
        let of_group = |binding: &&whodid_meta::Binding| binding.subject == Subject::Group(group.id.clone());
        let roles = self.bindings.iter().filter(of_group).map(|binding| held(binding, None)).collect();
        Group { id: group.id, name: group.name, description: group.description, members, roles }
    }
}

/// A role that somebody has, as the API shows it.
pub fn held(binding: &whodid_meta::Binding, group: Option<String>) -> HeldRole {
    HeldRole {
        binding: binding.id.clone(),
        role: binding.role.clone(),
        group,
        spaces: binding.spaces.as_ref().map(|spaces| spaces.iter().map(ToString::to_string).collect()),
        query: binding.query.clone(),
    }
}

pub async fn create_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<GroupCreate>,
) -> Result<(StatusCode, Json<Group>), Failure> {
    if let Some(request) = asked.peek() {
        caller.attempt.is_about("", &request.name);
    }
    let account = caller.manages(Permission::UsersManage, params.account.as_deref())?;
    let request = asked.read()?;
    let members: BTreeSet<String> = request.members.into_iter().collect();
    let (by, now) = (caller.attempt.actor(), crate::clock::now());
    let group = app.meta.create_group(&by, &account, &request.name, &request.description, &members, now).await?;
    let shown = Shown::of(&app, &account).await?;
    Ok((StatusCode::CREATED, Json(shown.group(group))))
}

pub async fn update_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<GroupUpdate>,
) -> Result<Json<Group>, Failure> {
    let account = caller.manages(Permission::UsersManage, params.account.as_deref())?;
    caller.attempt.is_about(&id, "");
    let request = asked.read()?;
    let groups = app.meta.groups(&account).await?;
    let group = groups.into_iter().find(|group| group.id == id);
    let group = group.ok_or_else(|| Failure::new(Code::NotFound, "there is no such group in this account"))?;
    caller.attempt.is_about(&id, &group.name);
    if !request.add.is_empty() {
        // Whoever joins gets what the group has.
        for binding in app.meta.bindings(&account).await? {
            if binding.subject == Subject::Group(id.clone()) {
                let permissions = permissions_of(&app, &account, &binding.role).await?;
                may_give(&caller, &account, permissions)?;
            }
        }
    }
    let change = GroupChange {
        name: request.name,
        description: request.description,
        add: request.add.into_iter().collect(),
        remove: request.remove.into_iter().collect(),
    };
    let group = app.meta.update_group(&caller.attempt.actor(), &account, &id, &change, crate::clock::now()).await?;
    Ok(Json(Shown::of(&app, &account).await?.group(group)))
}

pub async fn delete_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::UsersManage, params.account.as_deref())?;
    caller.attempt.is_about(&id, "");
    app.meta.delete_group(&caller.attempt.actor(), &account, &id, crate::clock::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<RoleList>, Failure> {
    let account = caller.needs(Permission::UsersRead, params.account.as_deref())?;
    let bindings = app.meta.bindings(&account).await?;
    let count = |name: &str| bindings.iter().filter(|binding| binding.role == name).count() as u64;
    let mut roles: Vec<Role> = BuiltInRole::ALL
        .into_iter()
        .map(|role| Role {
            name: role.as_str().to_owned(),
            description: role.meaning().to_owned(),
            permissions: names(role.permissions()),
            is_built_in: true,
            bindings: count(role.as_str()),
        })
        .collect();
    roles.extend(app.meta.roles(&account).await?.into_iter().map(shown));
    let permissions = Permission::ALL.into_iter().map(|permission| PermissionInfo {
        name: permission.as_str().to_owned(),
        meaning: permission.meaning().to_owned(),
    });
    Ok(Json(RoleList { roles, permissions: permissions.collect() }))
}

fn shown(role: whodid_meta::Role) -> Role {
    Role {
        name: role.name,
        description: role.description,
        permissions: names(role.permissions),
        is_built_in: false,
        bindings: u64::try_from(role.bindings).unwrap_or(0),
    }
}

/// Permissions as texts.
pub fn names(permissions: PermissionSet) -> Vec<String> {
    permissions.iter().map(|permission| permission.as_str().to_owned()).collect()
}

/// What a role permits.
pub async fn permissions_of(app: &App, account: &AccountName, role: &str) -> Result<PermissionSet, Failure> {
    if let Some(role) = BuiltInRole::named(role) {
        return Ok(role.permissions());
    }
    let role = find(app, account, role).await?;
    Ok(role.permissions)
}

async fn find(app: &App, account: &AccountName, name: &str) -> Result<whodid_meta::Role, Failure> {
    let role = app.meta.roles(account).await?.into_iter().find(|role| role.name == name);
    let shown: String = name.chars().take(100).collect();
    role.ok_or_else(|| Failure::new(Code::NotFound, format!("there is no role {shown:?} in this account")))
}

/// Nobody gives what they do not have in the whole account.
pub fn may_give(caller: &Caller, account: &AccountName, permissions: PermissionSet) -> Result<(), Failure> {
    let own = caller.principal().permissions_in(account);
    let lacking: Vec<&str> =
        permissions.iter().filter(|permission| !own.has(*permission)).map(Permission::as_str).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let detail = format!("you cannot give what you do not have yourself: {}", lacking.join(", "));
    Err(Failure::new(Code::Forbidden, detail))
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<RoleCreate>,
) -> Result<(StatusCode, Json<Role>), Failure> {
    if let Some(request) = asked.peek() {
        caller.attempt.is_about("", &request.name);
    }
    let account = caller.manages(Permission::RolesManage, params.account.as_deref())?;
    let request = asked.read()?;
    let permissions = permissions(&request.permissions)?;
    may_give(&caller, &account, permissions)?;
    let (by, now) = (caller.attempt.actor(), crate::clock::now());
    let role = app.meta.create_role(&by, &account, &request.name, &request.description, permissions, now).await?;
    Ok((StatusCode::CREATED, Json(shown(role))))
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(name): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<RoleUpdate>,
) -> Result<Json<Role>, Failure> {
    let account = caller.manages(Permission::RolesManage, params.account.as_deref())?;
    caller.attempt.is_about("", &name);
    refuse_built_in(&name)?;
    let request = asked.read()?;
    let role = find(&app, &account, &name).await?;
    caller.attempt.is_about(&role.id, &name);
    let permissions = request.permissions.as_deref().map(permissions).transpose()?;
    may_give(&caller, &account, permissions.unwrap_or(PermissionSet::NONE))?;
    let change = RoleChange { description: request.description, permissions };
    let role = app.meta.update_role(&caller.attempt.actor(), &account, &role.id, &change, crate::clock::now()).await?;
    Ok(Json(shown(role)))
}

fn refuse_built_in(name: &str) -> Result<(), Failure> {
    if BuiltInRole::named(name).is_none() {
        return Ok(());
    }
    Err(Failure::new(Code::Conflict, "every account has this role and nobody can change it; make one of your own"))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(name): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::RolesManage, params.account.as_deref())?;
    caller.attempt.is_about("", &name);
    refuse_built_in(&name)?;
    let role = find(&app, &account, &name).await?;
    app.meta.delete_role(&caller.attempt.actor(), &account, &role.id, crate::clock::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn bindings(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<BindingList>, Failure> {
    let account = caller.needs(Permission::UsersRead, params.account.as_deref())?;
    let named = Subjects::of(&app, &account).await?;
    let mut bindings = app.meta.bindings(&account).await?;
    bindings.reverse();
    Ok(Json(BindingList { bindings: bindings.into_iter().map(|binding| named.binding(binding)).collect() }))
}

/// Names of users and groups.
struct Subjects {
    users: HashMap<String, String>,
    groups: HashMap<String, String>,
}

impl Subjects {
    async fn of(app: &App, account: &AccountName) -> Result<Self, Failure> {
        let users = app.meta.users(account, crate::clock::now()).await?;
        let groups = app.meta.groups(account).await?;
        Ok(Self {
            users: users.into_iter().map(|view| (view.user.id, view.user.name)).collect(),
            groups: groups.into_iter().map(|group| (group.id, group.name)).collect(),
        })
    }

    fn binding(&self, binding: whodid_meta::Binding) -> Binding {
        let (user, group, name) = match &binding.subject {
            Subject::User(id) => (Some(id.clone()), None, self.users.get(id)),
            Subject::Group(id) => (None, Some(id.clone()), self.groups.get(id)),
        };
        Binding {
            name: name.cloned().unwrap_or_default(),
            user,
            group,
            role: binding.role,
            spaces: binding.spaces.map(|spaces| spaces.iter().map(ToString::to_string).collect()),
            query: binding.query,
            origin: binding.origin.as_str().to_owned(),
            created_at: binding.created_at.to_string(),
            id: binding.id,
        }
    }
}

/// A role to be given, every part checked: that it exists, that the giver has what it permits, that its query reads.
pub async fn grant(app: &App, caller: &Caller, account: &AccountName, asked: RoleToGive) -> Result<RoleGrant, Failure> {
    let permissions = permissions_of(app, account, &asked.role).await?;
    may_give(caller, account, permissions)?;
    let spaces = asked.spaces.map(|spaces| spaces.iter().map(|name| SpaceName::parse(name)).collect::<Result<_, _>>());
    let spaces = spaces.transpose().map_err(|error| Failure::new(Code::BadJson, format!("`spaces`: {error}")))?;
    if let Some(query) = &asked.query {
        // An empty one finds everything: whoever meant to limit somebody would have given them all.
        if query.trim().is_empty() {
            let detail = "`query` is empty; leave it out to give the role without a limit";
            return Err(Failure::new(Code::BadJson, detail));
        }
        app.engine()?.check_query(query)?;
    }
    Ok(RoleGrant { role: asked.role, spaces, query: asked.query })
}

pub async fn bind(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<BindingCreate>,
) -> Result<(StatusCode, Json<Binding>), Failure> {
    let account = caller.manages(Permission::RolesManage, params.account.as_deref())?;
    let request = asked.read()?;
    caller.attempt.asks("role", request.role.as_str());
    let subject = match (request.user, request.group) {
        (Some(user), None) => Subject::User(user),
        (None, Some(group)) => Subject::Group(group),
        _ => return Err(Failure::new(Code::BadJson, "give either `user` or `group`")),
    };
    let asked = RoleToGive { role: request.role, spaces: request.spaces, query: request.query };
    let grant = grant(&app, &caller, &account, asked).await?;
    let binding = NewBinding { subject, grant };
    let made = app.meta.create_binding(&caller.attempt.actor(), &account, &binding, crate::clock::now()).await?;
    let named = Subjects::of(&app, &account).await?;
    Ok((StatusCode::CREATED, Json(named.binding(made))))
}

pub async fn unbind(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::RolesManage, params.account.as_deref())?;
    caller.attempt.is_about(&id, "");
    app.meta.delete_binding(&caller.attempt.actor(), &account, &id, crate::clock::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
