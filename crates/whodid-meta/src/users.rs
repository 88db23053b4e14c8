//! People.

use sqlx::Row;
use whodid_model::AccountName;

use crate::{Meta, MetaError};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything in the user's accounts.
    Administrator,
}

impl Role {
    /// The text form, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
        }
    }
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Stable id.
    pub id: String,
    /// Readable name, unique.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Accounts the user administers, in name order.
    pub accounts: Vec<AccountName>,
}

impl Meta {
    /// The users that may sign in, oldest first.
    pub async fn users(&self) -> Result<Vec<User>, MetaError> {
        let failed = MetaError::doing("listing users");
        let rows = sqlx::query(
            "SELECT u.id, u.name, m.account FROM users u LEFT JOIN memberships m ON m.user = u.id
             WHERE u.disabled_at IS NULL ORDER BY u.created_at, u.id, m.account",
        )
        .fetch_all(self.pool())
        .await
        .map_err(&failed)?;
        let mut users: Vec<User> = Vec::new();
        for row in rows {
            let id: String = row.try_get("id").map_err(&failed)?;
            if users.last().is_none_or(|user| user.id != id) {
                let name = row.try_get("name").map_err(&failed)?;
                users.push(User { id, name, role: Role::Administrator, accounts: Vec::new() });
            }
            let account: Option<String> = row.try_get("account").map_err(&failed)?;
            let account = account.and_then(|account| AccountName::parse(&account).ok());
            if let (Some(user), Some(account)) = (users.last_mut(), account) {
                user.accounts.push(account);
            }
        }
        Ok(users)
    }
}
