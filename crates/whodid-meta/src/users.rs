//! People: who they are, as their accounts see them.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use whodid_model::{AccountName, Timestamp};

use crate::bindings::{Binding, Subject, load_bindings};
use crate::groups::{Group, load_groups};
use crate::sql::{Row, Tx, args};
use crate::{ChangeError, Meta, MetaError, lockout};

/// Where a user comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Invited, or made at the installation.
    Local,
    /// Made at the first sign-in through an identity provider.
    Oidc,
}

impl Source {
    /// The text form, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Oidc => "oidc",
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        if text == "oidc" { Self::Oidc } else { Self::Local }
    }
}

/// A person, without what an account sees of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Stable id.
    pub id: String,
    /// What they sign in with; unique without regard to case.
    pub name: String,
    /// How they are shown.
    pub display_name: String,
    /// The account whose administrators look after them.
    pub home: Option<AccountName>,
    /// Further ids and names that sources know them by.
    pub also_known_as: Vec<String>,
    /// Whether they may make accounts.
    pub is_operator: bool,
    /// Where they come from.
    pub source: Source,
    /// When they were made.
    pub created_at: Timestamp,
    /// Since when they may not sign in.
    pub disabled_at: Option<Timestamp>,
    /// Whether they have a password.
    pub has_password: bool,
    /// When it was set.
    pub password_set_at: Option<Timestamp>,
    /// Whether they must set another one.
    pub must_change_password: bool,
    /// When they asked for a new one, until somebody gave it.
    pub reset_requested_at: Option<Timestamp>,
    /// Whether they have a second factor.
    pub has_mfa: bool,
    /// When they last signed in.
    pub last_signed_in_at: Option<Timestamp>,
    /// When they last looked at events, to the minute: of the account that is asked about, else of any.
    pub last_read_at: Option<Timestamp>,
    /// The accounts they belong to, in name order.
    pub accounts: Vec<AccountName>,
    /// When they last looked at events of each, to the minute.
    pub(crate) reads: BTreeMap<AccountName, Timestamp>,
}

/// A role that a user has in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRole {
    /// The binding.
    pub binding: Binding,
    /// The group by which they have it; `None`: directly.
    pub group: Option<String>,
}

/// A person as an account sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserView {
    /// Who it is.
    pub user: User,
    /// Until when they cannot sign in, after too many failures.
    pub locked_until: Option<Timestamp>,
    /// The account's groups they are in, as (id, name).
    pub groups: Vec<(String, String)>,
    /// The account's roles they have.
    pub roles: Vec<UserRole>,
}

/// What to change of a user; `None` keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// What they sign in with.
    pub name: Option<String>,
    /// How they are shown.
    pub display_name: Option<String>,
    /// Further ids and names that sources know them by.
    pub also_known_as: Option<Vec<String>>,
    /// Whether they must set another password at the next sign-in.
    pub must_change_password: Option<bool>,
    /// Whether they are kept from signing in.
    pub disabled: Option<bool>,
    /// Whether they may make accounts. For operators to say; never leaves the installation without one.
    pub is_operator: Option<bool>,
}

const USER: &str = "SELECT u.id, u.name, u.display_name, u.home, u.also_known_as, u.is_operator, u.source,
    u.created_at, u.disabled_at, CASE WHEN u.password IS NULL THEN 0 ELSE 1 END, u.password_set_at,
    u.must_change_password, u.reset_requested_at,
    CASE WHEN EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
        THEN 1 ELSE 0 END,
    u.last_signed_in_at, u.folded FROM users u ORDER BY u.created_at, u.id";

impl Meta {
    /// Every user of the installation, oldest first. For commands on the server's machine.
    pub async fn all_users(&self) -> Result<Vec<User>, MetaError> {
        let mut tx = self.read().await?;
        let users = load_users(&mut tx).await?.into_iter().map(|(user, _)| user);
        Ok(users.map(|user| self.with_last_read(user)).collect())
    }

    /// The user with this name, in any case.
    pub async fn user_named(&self, name: &str) -> Result<Option<User>, MetaError> {
        let folded = crate::text::folded(name);
        let mut tx = self.read().await?;
        let users = load_users(&mut tx).await?;
        Ok(users.into_iter().find(|(_, known)| *known == folded).map(|(user, _)| self.with_last_read(user)))
    }

    /// The user with this id.
    pub async fn user_by_id(&self, id: &str) -> Result<Option<User>, MetaError> {
        Ok(self.all_users().await?.into_iter().find(|user| user.id == id))
    }

    /// The members of an account, oldest first.
    pub async fn users(&self, account: &AccountName, now: Timestamp) -> Result<Vec<UserView>, MetaError> {
        let mut tx = self.read().await?;
        let users = load_users(&mut tx).await?;
        let groups = load_groups(&mut tx, account).await?;
        let bindings = load_bindings(&mut tx, account).await?;
        let locked = lockout::load_locked(&mut tx, now).await?;
        let mut views = Vec::new();
        for (user, folded) in users {
            if !user.accounts.contains(account) {
                continue;
            }
            let mut user = self.with_last_read(user);
            // When they looked elsewhere is that account's business.
            user.last_read_at = user.reads.get(account).copied();
            views.push(view(user, locked.get(&self.vault().of_name(&folded)).copied(), &groups, &bindings));
        }
        Ok(views)
    }

    /// One member of an account.
    pub async fn user(&self, account: &AccountName, id: &str, now: Timestamp) -> Result<Option<UserView>, MetaError> {
        Ok(self.users(account, now).await?.into_iter().find(|view| view.user.id == id))
    }

    /// Notes that a user looked at events of an account. Written down by [`Meta::maintain`].
    pub fn note_read(&self, user: &str, account: &AccountName, now: Timestamp) {
        self.cache().used(crate::cache::Used::Reader, &reader(user, account), "", now);
    }

    fn with_last_read(&self, mut user: User) -> User {
        for account in &user.accounts {
            let seen = self.cache().used_at(crate::cache::Used::Reader, &reader(&user.id, account));
            if let Some(seen) = seen.map(Timestamp::from_micros) {
                let at = user.reads.entry(account.clone()).or_insert(seen);
                *at = seen.max(*at);
            }
        }
        user.last_read_at = user.reads.values().max().copied();
        user
    }
}

/// Who looks at which account, as one text; neither holds a slash.
fn reader(user: &str, account: &AccountName) -> String {
    format!("{user}/{account}")
}

fn view(user: User, locked_until: Option<Timestamp>, groups: &[Group], bindings: &[Binding]) -> UserView {
    let of: Vec<&Group> = groups.iter().filter(|group| group.members.contains(&user.id)).collect();
    let mut roles = Vec::new();
    for binding in bindings {
        match &binding.subject {
            Subject::User(id) if *id == user.id => roles.push(UserRole { binding: binding.clone(), group: None }),
            Subject::Group(id) => {
                let group = of.iter().find(|group| group.id == *id);
                let by = |group: &&Group| UserRole { binding: binding.clone(), group: Some(group.name.clone()) };
                roles.extend(group.map(by));
            }
            Subject::User(_) => {}
        }
    }
    let groups = of.iter().map(|group| (group.id.clone(), group.name.clone())).collect();
    UserView { user, locked_until, groups, roles }
}

/// Everybody with their folded name, oldest first.
pub(crate) async fn load_users(tx: &mut Tx) -> Result<Vec<(User, String)>, MetaError> {
    let mut accounts: HashMap<String, BTreeMap<AccountName, Option<Timestamp>>> = HashMap::new();
    let select = "SELECT user_id, account, last_read_at FROM memberships";
    for row in tx.rows("reading memberships", select, args![]).await? {
        accounts.entry(row.text(0)?).or_default().insert(row.account(1)?, row.time_or_null(2)?);
    }
    let rows = tx.rows("reading users", USER, args![]).await?;
    let mut users = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut user = user(row)?;
        for (account, read_at) in accounts.remove(&user.id).unwrap_or_default() {
            user.reads.extend(read_at.map(|at| (account.clone(), at)));
            user.accounts.push(account);
        }
        user.last_read_at = user.reads.values().max().copied();
        users.push((user, row.text(15)?));
    }
    Ok(users)
}

fn user(row: &Row) -> Result<User, MetaError> {
    Ok(User {
        id: row.text(0)?,
        name: row.text(1)?,
        display_name: row.text(2)?,
        home: row.text_or_null(3)?.and_then(|home| AccountName::parse(&home).ok()),
        also_known_as: row.json(4)?,
        is_operator: row.flag(5)?,
        source: Source::parse(&row.text(6)?),
        created_at: row.time(7)?,
        disabled_at: row.time_or_null(8)?,
        has_password: row.flag(9)?,
        password_set_at: row.time_or_null(10)?,
        must_change_password: row.flag(11)?,
        reset_requested_at: row.time_or_null(12)?,
        has_mfa: row.flag(13)?,
        last_signed_in_at: row.time_or_null(14)?,
        last_read_at: None,
        accounts: Vec::new(),
        reads: BTreeMap::new(),
    })
}

/// One user, by id.
pub(crate) async fn load_user(tx: &mut Tx, id: &str) -> Result<User, ChangeError> {
    let found = load_users(tx).await?.into_iter().find(|(user, _)| user.id == id);
    found.map(|(user, _)| user).ok_or(ChangeError::NotThere { what: "user" })
}

/// A member of the account.
pub(crate) async fn load_member(tx: &mut Tx, account: &AccountName, id: &str) -> Result<User, ChangeError> {
    let user = load_user(tx, id).await?;
    if user.accounts.contains(account) { Ok(user) } else { Err(ChangeError::NotThere { what: "user" }) }
}

/// A member whom this account looks after.
pub(crate) async fn load_at_home(tx: &mut Tx, account: &AccountName, id: &str) -> Result<User, ChangeError> {
    let user = load_member(tx, account, id).await?;
    if user.home.as_ref() == Some(account) { Ok(user) } else { Err(ChangeError::NotHome) }
}

pub(crate) async fn must_exist(tx: &mut Tx, id: &str) -> Result<(), ChangeError> {
    let row = tx.row("looking for a user", "SELECT 1 FROM users WHERE id = $1", args![id]).await?;
    row.map(drop).ok_or(ChangeError::NotThere { what: "user" })
}

pub(crate) async fn must_be_member(tx: &mut Tx, account: &AccountName, id: &str) -> Result<(), ChangeError> {
    let select = "SELECT 1 FROM memberships WHERE user_id = $1 AND account = $2";
    let row = tx.row("looking for a member", select, args![id, account]).await?;
    row.map(drop).ok_or(ChangeError::NotThere { what: "user" })
}
