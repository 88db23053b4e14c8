//! Users, invitations, groups, roles, bindings and the access review.

use crate::{
    AccessReview, AccessReviewParams, Binding, BindingCreate, BindingList, Group, GroupCreate, GroupList, GroupUpdate,
    InvitationCreate, InvitationCreated, InvitationList, LinkCreated, LookupParams, Role, RoleCreate, RoleList,
    RoleUpdate, SessionsEnded, UserEntry, UserList, UserUpdate,
};

/// List users
#[utoipa::path(get, path = "/api/v1/users", operation_id = "listUsers", tag = "people", params(LookupParams),
    responses((status = 200, description = "The users of the account", body = UserList)), security(("key" = []), ("session" = [])))]
pub fn list_users() {}

/// Read a user
#[utoipa::path(get, path = "/api/v1/users/{id}", operation_id = "getUser", tag = "people", params(("id" = String, Path, description = "The user's id"), LookupParams),
    responses((status = 200, description = "The user", body = UserEntry)), security(("key" = []), ("session" = [])))]
pub fn get_user() {}

/// Change a user
///
/// Disabling ends the user's sessions and stops the user's tokens within a second.
#[utoipa::path(patch, path = "/api/v1/users/{id}", operation_id = "updateUser", tag = "people", params(("id" = String, Path, description = "The user's id"), LookupParams), request_body = UserUpdate,
    responses((status = 200, description = "The user as it is now", body = UserEntry)), security(("key" = []), ("session" = [])))]
pub fn update_user() {}

/// Remove a user from the account
///
/// What the user did stays on record. A user of no other account cannot sign in any more.
#[utoipa::path(delete, path = "/api/v1/users/{id}", operation_id = "removeUser", tag = "people", params(("id" = String, Path, description = "The user's id"), LookupParams),
    responses((status = 204, description = "The user is not of this account any more")), security(("key" = []), ("session" = [])))]
pub fn remove_user() {}

/// Allow signing in again after failures
#[utoipa::path(post, path = "/api/v1/users/{id}/unlock", operation_id = "unlockUser", tag = "people", params(("id" = String, Path, description = "The user's id"), LookupParams),
    responses((status = 204, description = "The user may try again")), security(("key" = []), ("session" = [])))]
pub fn unlock_user() {}

/// Make a link for a new password
///
/// Hand it over; it works once, for 24 hours. Using it ends all sessions of the user.
#[utoipa::path(post, path = "/api/v1/users/{id}/password-reset", operation_id = "createPasswordReset", tag = "people", params(("id" = String, Path, description = "The user's id"), LookupParams),
    responses((status = 201, description = "The link, shown this once", body = LinkCreated)), security(("key" = []), ("session" = [])))]
pub fn create_password_reset() {}

/// Remove a user's second factor
#[utoipa::path(delete, path = "/api/v1/users/{id}/totp", operation_id = "removeUserTotp", tag = "people", params(("id" = String, Path, description = "The user's id"), LookupParams),
    responses((status = 204, description = "It is removed")), security(("key" = []), ("session" = [])))]
pub fn remove_user_totp() {}

/// End a user's sessions
#[utoipa::path(delete, path = "/api/v1/users/{id}/sessions", operation_id = "endUserSessions", tag = "people", params(("id" = String, Path, description = "The user's id"), LookupParams),
    responses((status = 200, description = "They have ended", body = SessionsEnded)), security(("key" = []), ("session" = [])))]
pub fn end_user_sessions() {}

/// List open invitations
#[utoipa::path(get, path = "/api/v1/invitations", operation_id = "listInvitations", tag = "people", params(LookupParams),
    responses((status = 200, description = "The invitations", body = InvitationList)), security(("key" = []), ("session" = [])))]
pub fn list_invitations() {}

/// Invite somebody
///
/// The answer holds a one-time link to hand over; it works for seven days.
#[utoipa::path(post, path = "/api/v1/invitations", operation_id = "createInvitation", tag = "people", params(LookupParams), request_body = InvitationCreate,
    responses((status = 201, description = "The invitation with its link, shown this once", body = InvitationCreated)), security(("key" = []), ("session" = [])))]
pub fn create_invitation() {}

/// Take an invitation back
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", operation_id = "deleteInvitation", tag = "people", params(("id" = String, Path, description = "The invitation's id"), LookupParams),
    responses((status = 204, description = "Its link does not work any more")), security(("key" = []), ("session" = [])))]
pub fn delete_invitation() {}

/// List groups
#[utoipa::path(get, path = "/api/v1/groups", operation_id = "listGroups", tag = "people", params(LookupParams),
    responses((status = 200, description = "The groups", body = GroupList)), security(("key" = []), ("session" = [])))]
pub fn list_groups() {}

/// Make a group
#[utoipa::path(post, path = "/api/v1/groups", operation_id = "createGroup", tag = "people", params(LookupParams), request_body = GroupCreate,
    responses((status = 201, description = "The group", body = Group)), security(("key" = []), ("session" = [])))]
pub fn create_group() {}

/// Change a group or its members
#[utoipa::path(patch, path = "/api/v1/groups/{id}", operation_id = "updateGroup", tag = "people", params(("id" = String, Path, description = "The group's id"), LookupParams), request_body = GroupUpdate,
    responses((status = 200, description = "The group as it is now", body = Group)), security(("key" = []), ("session" = [])))]
pub fn update_group() {}

/// Delete a group
///
/// Its members lose what they had through it.
#[utoipa::path(delete, path = "/api/v1/groups/{id}", operation_id = "deleteGroup", tag = "people", params(("id" = String, Path, description = "The group's id"), LookupParams),
    responses((status = 204, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_group() {}

/// List roles and permissions
#[utoipa::path(get, path = "/api/v1/roles", operation_id = "listRoles", tag = "people", params(LookupParams),
    responses((status = 200, description = "Built-in roles first", body = RoleList)), security(("key" = []), ("session" = [])))]
pub fn list_roles() {}

/// Make a role
///
/// Nobody can permit what they may not do themselves.
#[utoipa::path(post, path = "/api/v1/roles", operation_id = "createRole", tag = "people", params(LookupParams), request_body = RoleCreate,
    responses((status = 201, description = "The role", body = Role)), security(("key" = []), ("session" = [])))]
pub fn create_role() {}

/// Change a role
#[utoipa::path(patch, path = "/api/v1/roles/{name}", operation_id = "updateRole", tag = "people", params(("name" = String, Path, description = "The role's name"), LookupParams), request_body = RoleUpdate,
    responses((status = 200, description = "The role as it is now", body = Role)), security(("key" = []), ("session" = [])))]
pub fn update_role() {}

/// Delete a role
///
/// Refused while a binding names it.
#[utoipa::path(delete, path = "/api/v1/roles/{name}", operation_id = "deleteRole", tag = "people", params(("name" = String, Path, description = "The role's name"), LookupParams),
    responses((status = 204, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_role() {}

/// List who has which role
#[utoipa::path(get, path = "/api/v1/bindings", operation_id = "listBindings", tag = "people", params(LookupParams),
    responses((status = 200, description = "The bindings", body = BindingList)), security(("key" = []), ("session" = [])))]
pub fn list_bindings() {}

/// Give a role to a user or a group
///
/// Nobody can give what they do not have. The account keeps at least one administrator.
#[utoipa::path(post, path = "/api/v1/bindings", operation_id = "createBinding", tag = "people", params(LookupParams), request_body = BindingCreate,
    responses((status = 201, description = "The binding", body = Binding)), security(("key" = []), ("session" = [])))]
pub fn create_binding() {}

/// Take a role away
#[utoipa::path(delete, path = "/api/v1/bindings/{id}", operation_id = "deleteBinding", tag = "people", params(("id" = String, Path, description = "The binding's id"), LookupParams),
    responses((status = 204, description = "It is gone, and with it the rights within a second")), security(("key" = []), ("session" = [])))]
pub fn delete_binding() {}

/// Who may see what, and when they last did
#[utoipa::path(get, path = "/api/v1/access-review", operation_id = "reviewAccess", tag = "people", params(AccessReviewParams),
    responses((status = 200, description = "The review, or as CSV one line for each role of each user", content((AccessReview = "application/json"), (String = "text/csv")))), security(("key" = []), ("session" = [])))]
pub fn review_access() {}
