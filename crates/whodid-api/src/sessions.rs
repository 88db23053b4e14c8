//! Signing in, and who is signed in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything in the account.
    Administrator,
}

/// The one-time token of a sign-in link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// What stands after `token=` in the link.
    pub token: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SignIn")
    }
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Stable id.
    pub id: String,
    /// Readable name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
}

/// A session just begun; the cookie travels in the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    /// Who signed in.
    pub user: User,
    /// When the session ends at the latest.
    pub expires_at: String,
}

/// Who asks, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"user": {"id": "k3v9x0", "name": "administrator", "role": "administrator"}, "account": "default", "accounts": ["default"], "version": "0.1.0"}))]
pub struct Me {
    /// The user of the session or of the administrator token.
    pub user: User,
    /// The account that requests mean when they name none.
    pub account: String,
    /// Every account the user administers.
    pub accounts: Vec<String>,
    /// The server's version.
    pub version: String,
}
