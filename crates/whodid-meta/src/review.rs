//! Who may see what, for people to look through.

use whodid_model::access::{BuiltInRole, PermissionSet};
use whodid_model::{AccountName, SpaceName, Timestamp};

use crate::roles::load_roles;
use crate::users::UserView;
use crate::{Key, Meta, MetaError};

/// A role that somebody has, spelled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedRole {
    /// Name of the role.
    pub role: String,
    /// The group by which they have it; `None`: directly.
    pub group: Option<String>,
    /// Only in these spaces.
    pub spaces: Option<Vec<SpaceName>>,
    /// Only events that this query matches.
    pub query: Option<String>,
    /// What it permits.
    pub permissions: PermissionSet,
}

/// One member of an account with everything they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedUser {
    /// The user as the account sees them.
    pub view: UserView,
    /// Roles, spelled out.
    pub roles: Vec<ReviewedRole>,
    /// Their personal tokens that are not revoked.
    pub tokens: Vec<Key>,
}

/// Everything that opens an account at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessReview {
    /// When it was so.
    pub at: Timestamp,
    /// Members, oldest first.
    pub users: Vec<ReviewedUser>,
    /// Keys of programs that are not revoked.
    pub keys: Vec<Key>,
}

impl Meta {
    /// Who may see what in an account.
    pub async fn access_review(&self, account: &AccountName, now: Timestamp) -> Result<AccessReview, MetaError> {
        let own = load_roles(&mut self.read().await?, account).await?;
        let permissions = |name: &str| {
            let built_in = BuiltInRole::named(name).map(BuiltInRole::permissions);
            let of_own = || own.iter().find(|role| role.name == name).map(|role| role.permissions);
            built_in.or_else(of_own).unwrap_or_default()
        };
        let (tokens, keys): (Vec<Key>, Vec<Key>) =
            self.keys(account).await?.into_iter().filter(|key| key.is_active(now)).partition(|key| key.user.is_some());
        let mut users = Vec::new();
        for view in self.users(account, now).await? {
            let roles = view.roles.iter().map(|role| ReviewedRole {
                role: role.binding.role.clone(),
                group: role.group.clone(),
                spaces: role.binding.spaces.clone(),
                query: role.binding.query.clone(),
                permissions: permissions(&role.binding.role),
            });
            let tokens = tokens.iter().filter(|key| key.user.as_deref() == Some(&view.user.id)).cloned();
            users.push(ReviewedUser { roles: roles.collect(), tokens: tokens.collect(), view });
        }
        Ok(AccessReview { at: now, users, keys })
    }
}
