//! Users, invitations, groups, roles and bindings of an account.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::KeySummary;

/// A role that somebody has, and how they came by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldRole {
    /// The binding.
    pub binding: String,
    /// The role's name.
    pub role: String,
    /// The group that it comes from; null when it is the user's own.
    #[schema(required)]
    pub group: Option<String>,
    /// Only in these spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub spaces: Option<Vec<String>>,
    /// Only what this query matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub query: Option<String>,
}

/// A user of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserEntry {
    /// Stable id.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// Readable name.
    pub display_name: String,
    /// Further ids and names that sources know the person by.
    pub also_known_as: Vec<String>,
    /// Whether the user belongs to this account, so that its administrators may reset passwords and disable.
    pub is_home: bool,
    /// `local`, or `oidc` for who comes from the identity provider.
    pub source: String,
    /// Whether there is a password.
    pub has_password: bool,
    /// Whether a second factor is set up.
    pub has_mfa: bool,
    /// Whether the user may make accounts.
    pub is_operator: bool,
    /// When the user was made.
    pub created_at: String,
    /// Since when the user cannot sign in.
    #[schema(required)]
    pub disabled_at: Option<String>,
    /// Until when signing in with the password is suspended after failures.
    #[schema(required)]
    pub locked_until: Option<String>,
    /// When the user asked for a new password, and has got none yet.
    #[schema(required)]
    pub reset_requested_at: Option<String>,
    /// When the user last signed in.
    #[schema(required)]
    pub last_signed_in_at: Option<String>,
    /// When the user last looked at events.
    #[schema(required)]
    pub last_read_at: Option<String>,
    /// Sessions that run.
    pub sessions: u64,
    /// Names of the groups.
    pub groups: Vec<String>,
    /// What the user has been given.
    pub roles: Vec<HeldRole>,
}

/// The users of an account, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// The users.
    pub users: Vec<UserEntry>,
}

/// What to change of a user. Members that are not there stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"disabled": true}))]
pub struct UserUpdate {
    /// Readable name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub display_name: Option<String>,
    /// Whether signing in is forbidden; true ends all sessions and stops all tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub disabled: Option<bool>,
    /// Further ids and names that sources know the person by, as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 50)]
    pub also_known_as: Option<Vec<String>>,
    /// Whether the user may make accounts and look after the installation. Only operators give and take that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_operator: Option<bool>,
}

/// A link to be handed over. The only answer that ever holds it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkCreated {
    /// The whole link.
    pub link: String,
    /// Until when it works.
    pub expires_at: String,
}

impl std::fmt::Debug for LinkCreated {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("LinkCreated").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A role to be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "reader", "spaces": ["prod"], "query": "_platform:==kms"}))]
pub struct RoleToGive {
    /// The role's name.
    pub role: String,
    /// Only in these spaces; everywhere when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 1000)]
    pub spaces: Option<Vec<String>>,
    /// Only what this query matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 4096)]
    pub query: Option<String>,
}

/// Somebody to be invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "eve@example.com", "display_name": "Eve", "roles": [{"role": "reader"}]}))]
pub struct InvitationCreate {
    /// The name to sign in with, often an address.
    #[schema(min_length = 1, max_length = 254)]
    pub name: String,
    /// Readable name.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub display_name: String,
    /// What the person gets; `member` when empty.
    #[serde(default)]
    pub roles: Vec<RoleToGive>,
    /// Names of groups that the person joins.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// An invitation that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// Stable id, not secret.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// Readable name.
    pub display_name: String,
    /// What the person gets.
    pub roles: Vec<RoleToGive>,
    /// Names of groups that the person joins.
    pub groups: Vec<String>,
    /// Who invited, by name.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// Until when it works.
    pub expires_at: String,
}

/// An invitation just made, with its link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationCreated {
    /// The invitation.
    pub invitation: Invitation,
    /// The link to hand over. Shown this once.
    pub link: String,
}

impl std::fmt::Debug for InvitationCreated {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("InvitationCreated").field("invitation", &self.invitation).finish_non_exhaustive()
    }
}

/// Open invitations, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationList {
    /// The invitations.
    pub invitations: Vec<Invitation>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupMember {
    /// The user's id.
    pub id: String,
    /// The user's name.
    pub name: String,
}

/// Users who get roles together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// Stable id.
    pub id: String,
    /// Its name, unique in the account.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its members, by name.
    pub members: Vec<GroupMember>,
    /// What its members have through it.
    pub roles: Vec<HeldRole>,
}

/// The groups of an account, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupList {
    /// The groups.
    pub groups: Vec<Group>,
}

/// A group to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "key officers", "members": []}))]
pub struct GroupCreate {
    /// Its name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: String,
    /// Ids of users.
    #[serde(default)]
    pub members: Vec<String>,
}

/// What to change of a group. Members that are not there stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"add": ["k3v9x0a1b2c3"]}))]
pub struct GroupUpdate {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 500)]
    pub description: Option<String>,
    /// Ids of users that join.
    #[serde(default)]
    pub add: Vec<String>,
    /// Ids of users that leave.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// A set of permissions with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Role {
    /// Its name, unique in the account.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it permits.
    pub permissions: Vec<String>,
    /// Whether every account has it and nobody can change it.
    pub is_built_in: bool,
    /// How many bindings name it.
    pub bindings: u64,
}

/// The roles of an account: the built-in ones, then its own by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleList {
    /// The roles.
    pub roles: Vec<Role>,
    /// Every permission that there is.
    pub permissions: Vec<PermissionInfo>,
}

/// A permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PermissionInfo {
    /// Its stable name: `keys.manage`.
    pub name: String,
    /// What it lets somebody do, in a sentence.
    pub meaning: String,
}

/// A role to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "key-auditor", "description": "sees keys and the audit log", "permissions": ["keys.read", "audit.read"]}))]
pub struct RoleCreate {
    /// Its name: 1 to 40 of `a-z`, `0-9` and `-`.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9][a-z0-9-]*$")]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub description: String,
    /// What it permits.
    #[schema(min_items = 1)]
    pub permissions: Vec<String>,
}

/// What to change of a role. Members that are not there stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"permissions": ["keys.read"]}))]
pub struct RoleUpdate {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub description: Option<String>,
    /// What it permits, as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1)]
    pub permissions: Option<Vec<String>>,
}

/// A role given to a user or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Binding {
    /// Stable id.
    pub id: String,
    /// The user's id; null when a group has it.
    #[schema(required)]
    pub user: Option<String>,
    /// The group's id; null when a user has it.
    #[schema(required)]
    pub group: Option<String>,
    /// Name of the user or group.
    pub name: String,
    /// The role's name.
    pub role: String,
    /// Only in these spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub spaces: Option<Vec<String>>,
    /// Only what this query matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub query: Option<String>,
    /// `manual`, or `oidc` when the identity provider's groups give it.
    pub origin: String,
    /// When it was given.
    pub created_at: String,
}

/// The bindings of an account, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BindingList {
    /// The bindings.
    pub bindings: Vec<Binding>,
}

/// A role to be given to a user or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user": "k3v9x0a1b2c3", "role": "reader", "query": "_platform:==kms"}))]
pub struct BindingCreate {
    /// A user's id; or give `group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user: Option<String>,
    /// A group's id; or give `user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub group: Option<String>,
    /// The role's name.
    pub role: String,
    /// Only in these spaces; everywhere when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 1000)]
    pub spaces: Option<Vec<String>>,
    /// Only what this query matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 4096)]
    pub query: Option<String>,
}

/// What one user may see, for an access review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewedUser {
    /// The user's id.
    pub id: String,
    /// The user's name.
    pub name: String,
    /// Readable name.
    pub display_name: String,
    /// Whether the user can sign in.
    pub is_enabled: bool,
    /// Whether the user may make accounts.
    pub is_operator: bool,
    /// Whether a second factor is set up.
    pub has_mfa: bool,
    /// What the user has been given.
    pub roles: Vec<HeldRole>,
    /// What that permits, all roles together.
    pub permissions: Vec<String>,
    /// When the user last signed in.
    #[schema(required)]
    pub last_signed_in_at: Option<String>,
    /// When the user last looked at events.
    #[schema(required)]
    pub last_read_at: Option<String>,
}

/// Who may see what in an account, and when they last did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessReview {
    /// The account.
    pub account: String,
    /// When this was put together.
    pub at: String,
    /// The people, by name.
    pub users: Vec<ReviewedUser>,
    /// The keys that work, with what they may do in effect: of a personal token what its user may too.
    pub keys: Vec<KeySummary>,
}
