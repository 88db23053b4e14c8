//! Who may do what: one pure decision, whose result is the only key to reading.
//!
//! An [`AccessScope`] has no public constructor but [`decide`]; every read takes one, so a missing
//! check is a type error.

use crate::{AccountName, SpaceName};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A person with a session or a personal token, administrator of these accounts.
    Administrator {
        /// Stable id of the user.
        user: String,
        /// Accounts the person administers.
        accounts: Vec<AccountName>,
    },
    /// A key that may only write events to its account.
    IngestionKey {
        /// Stable id of the key.
        key: String,
        /// The account it writes to.
        account: AccountName,
    },
    /// A key that may only read and export from its account.
    ServiceKey {
        /// Stable id of the key.
        key: String,
        /// The account it reads.
        account: AccountName,
    },
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Send events.
    WriteEvents,
    /// Search, count, tail and look at events and rejects.
    ReadEvents,
    /// Take many events away at once.
    ExportEvents,
    /// Make, list and revoke keys.
    ManageKeys,
}

/// Which spaces of the account are readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spaces {
    /// Account events and the events of every space.
    All,
    /// Events of these spaces, and account events only if `account_events`.
    Only {
        /// The readable spaces.
        spaces: Vec<SpaceName>,
        /// Whether events that belong to no space are readable.
        account_events: bool,
    },
}

/// The right to read, as a value. Made only by [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessScope {
    account: AccountName,
    spaces: Spaces,
    permission: Permission,
}

impl AccessScope {
    /// The one account that may be touched.
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// The spaces that may be read.
    pub fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    /// What the scope was given for.
    pub fn permission(&self) -> Permission {
        self.permission
    }
}

/// The principal may not do this. To a caller, another's account and a missing one look the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{principal} may not {permission:?} in this account")]
pub struct Denied {
    principal: &'static str,
    permission: Permission,
}

impl Principal {
    /// What the principal is called in records: `user:…`, `key:…`.
    pub fn label(&self) -> String {
        match self {
            Self::Administrator { user, .. } => format!("user:{user}"),
            Self::IngestionKey { key, .. } | Self::ServiceKey { key, .. } => format!("key:{key}"),
        }
    }

    /// The account meant when the request names none.
    pub fn home_account(&self) -> Option<&AccountName> {
        match self {
            Self::Administrator { accounts, .. } => accounts.first(),
            Self::IngestionKey { account, .. } | Self::ServiceKey { account, .. } => Some(account),
        }
    }
}

/// Decides whether `principal` has `permission` in `account`.
pub fn decide(principal: &Principal, permission: Permission, account: &AccountName) -> Result<AccessScope, Denied> {
    let (kind, allowed) = match principal {
        Principal::Administrator { accounts, .. } => ("an administrator", accounts.contains(account)),
        Principal::IngestionKey { account: own, .. } => {
            ("an ingestion key", own == account && permission == Permission::WriteEvents)
        }
        Principal::ServiceKey { account: own, .. } => {
            ("a service key", own == account && matches!(permission, Permission::ReadEvents | Permission::ExportEvents))
        }
    };
    if !allowed {
        return Err(Denied { principal: kind, permission });
    }
    Ok(AccessScope { account: account.clone(), spaces: Spaces::All, permission })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_principal_has_exactly_its_permissions_and_only_at_home() {
        use Permission::{ExportEvents, ManageKeys, ReadEvents, WriteEvents};
        let home = AccountName::default_account();
        let other = AccountName::parse("other").expect("valid");
        let cases = [
            (
                Principal::Administrator { user: "u".into(), accounts: vec![home.clone()] },
                vec![WriteEvents, ReadEvents, ExportEvents, ManageKeys],
            ),
            (Principal::IngestionKey { key: "k".into(), account: home.clone() }, vec![WriteEvents]),
            (Principal::ServiceKey { key: "k".into(), account: home.clone() }, vec![ReadEvents, ExportEvents]),
        ];
        for (principal, granted) in cases {
            for permission in [WriteEvents, ReadEvents, ExportEvents, ManageKeys] {
                assert_eq!(
                    decide(&principal, permission, &home).is_ok(),
                    granted.contains(&permission),
                    "{principal:?} {permission:?}"
                );
                assert!(decide(&principal, permission, &other).is_err(), "{principal:?} reached another account");
            }
        }
    }
}
