//! Who may do what: one pure decision, whose result is the only key to reading and writing.
//!
//! A person or a program is a [`Principal`]: what it is, and what it was granted in each account. [`decide`] is the
//! only maker of an [`AccessScope`]; every read, write and change takes one, so a missing check is a type error.
//!
//! What a grant gives is the product of its parts: some permissions, for the rows that all of its limits let
//! through (spaces, sources, streams, a query). Several grants add up. A right that is not about rows (keys, users,
//! settings) counts only from a grant without limits: half an account cannot be administered.

use std::collections::BTreeMap;

use crate::{AccountName, SpaceName, StreamName};

mod permission;
mod role;

pub use permission::{Permission, PermissionSet};
pub use role::BuiltInRole;

/// What a principal was given in one account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grant {
    /// What may be done.
    pub permissions: PermissionSet,
    /// Only in these spaces, and then not with account events; `None`: everywhere.
    pub spaces: Option<Vec<SpaceName>>,
    /// Only with events of these sources (`cadf`, `cloudtrail`); `None`: of any.
    pub sources: Option<Vec<String>>,
    /// Only in these streams; `None`: in any.
    pub streams: Option<Vec<StreamName>>,
    /// Only with events that this query matches. Text of the search language, checked when the grant was made.
    pub query: Option<String>,
}

impl Grant {
    /// A grant without limits.
    pub fn whole(permissions: PermissionSet) -> Self {
        Self { permissions, ..Self::default() }
    }

    /// Whether it reaches everything in the account.
    pub fn is_whole(&self) -> bool {
        self.spaces.is_none() && self.sources.is_none() && self.streams.is_none() && self.query.is_none()
    }

    /// Whether it leaves no event out of the streams that it reaches.
    fn is_for_all_events(&self) -> bool {
        self.spaces.is_none() && self.sources.is_none() && self.query.is_none()
    }

    fn reaches(&self, stream: &StreamName) -> bool {
        self.streams.as_ref().is_none_or(|streams| streams.contains(stream))
    }
}

/// What somebody is, as records name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person, by session or personal token.
    User {
        /// Stable id.
        id: String,
        /// The name to sign in with.
        name: String,
        /// Whether an administrator gave that name, as local users have it. One from an identity provider may be the
        /// person's choice: whoever called themselves like another would see the other's activity.
        is_name_given: bool,
        /// Names and further ids that sources know the person by, as the home account's administrators gave them.
        /// They count for what was done in the person's name there, and nowhere else.
        also_known_as: Vec<String>,
    },
    /// A program with a key.
    Key {
        /// Stable id.
        id: String,
        /// What it is for.
        name: String,
    },
}

/// Who asks, and what was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// What it is.
    pub who: Who,
    /// The accounts it belongs to, with what it was granted there, which may be nothing.
    pub grants: BTreeMap<AccountName, Vec<Grant>>,
    /// The account meant when a request names none.
    pub home: Option<AccountName>,
    /// Whether it may make accounts: a right in the installation, not in any account.
    pub is_operator: bool,
}

impl Principal {
    /// Somebody with one grant in one account.
    pub fn with_grant(who: Who, account: AccountName, grant: Grant) -> Self {
        let grants = BTreeMap::from([(account.clone(), vec![grant])]);
        Self { who, grants, home: Some(account), is_operator: false }
    }

    /// What the principal is called in records: `user:…`, `key:…`.
    pub fn label(&self) -> String {
        match &self.who {
            Who::User { id, .. } => format!("user:{id}"),
            Who::Key { id, .. } => format!("key:{id}"),
        }
    }

    /// The account meant when the request names none.
    pub fn home_account(&self) -> Option<&AccountName> {
        self.home.as_ref()
    }

    /// What the principal may do everywhere in an account; empty for one it does not belong to.
    pub fn permissions_in(&self, account: &AccountName) -> PermissionSet {
        let grants = self.grants.get(account).into_iter().flatten();
        grants.filter(|grant| grant.is_whole()).fold(PermissionSet::NONE, |all, grant| all | grant.permissions)
    }

    /// What the principal may do somewhere in an account.
    pub fn permissions_somewhere_in(&self, account: &AccountName) -> PermissionSet {
        let grants = self.grants.get(account).into_iter().flatten();
        grants.fold(PermissionSet::NONE, |all, grant| all | grant.permissions)
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act<'a> {
    /// Send events.
    Write,
    /// Look at records of a stream.
    Read(&'a StreamName),
    /// Take many records of a stream away at once.
    Export(&'a StreamName),
    /// Look at what was done in one's own name.
    ReadOwn,
    /// Anything that is not about rows.
    Manage(Permission),
}

/// Which events of a stream may be seen or sent: those that satisfy every part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Events of these spaces; `None`: of every space.
    pub spaces: Option<Vec<SpaceName>>,
    /// Whether events that belong to a space count at all.
    pub space_events: bool,
    /// Whether events that belong to no space count.
    pub account_events: bool,
    /// Only of these sources; `None`: of any.
    pub sources: Option<Vec<String>>,
    /// Only what this query matches.
    pub query: Option<String>,
}

impl Rows {
    /// Every row.
    pub const ALL: Self = Self { spaces: None, space_events: true, account_events: true, sources: None, query: None };

    /// Whether nothing is left out.
    pub fn is_all(&self) -> bool {
        *self == Self::ALL
    }
}

/// The right to do something in an account, as a value. Made only by [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessScope {
    account: AccountName,
    right: Right,
    stream: Option<StreamName>,
    rows: Vec<Rows>,
}

/// What a scope was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// [`Act::Write`].
    Write,
    /// [`Act::Read`] and [`Act::ReadOwn`].
    Read,
    /// [`Act::Export`], which includes reading.
    Export,
    /// [`Act::Manage`].
    Manage(Permission),
}

impl AccessScope {
    /// The one account that may be touched.
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// What it was given for.
    pub fn right(&self) -> Right {
        self.right
    }

    /// The one stream that may be read; `None`: every stream that its rows are of (own activity).
    pub fn stream(&self) -> Option<&StreamName> {
        self.stream.as_ref()
    }

    /// The rows that may be touched: those of any of these. Never empty for a right about rows.
    pub fn rows(&self) -> &[Rows] {
        &self.rows
    }
}

/// Why something may not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The account is not the principal's; a caller must not be able to tell that from a missing one.
    #[error("there is no such account")]
    NotThere,
    /// The principal belongs to the account and lacks this permission.
    #[error("`{0}` is not granted")]
    Lacks(Permission),
}

/// Decides whether `principal` may do `act` in `account`.
pub fn decide(principal: &Principal, act: Act<'_>, account: &AccountName) -> Result<AccessScope, Denied> {
    let grants = principal.grants.get(account).ok_or(Denied::NotThere)?;
    let scope = |right, stream: Option<&StreamName>, rows| {
        Ok(AccessScope { account: account.clone(), right, stream: stream.cloned(), rows })
    };
    match act {
        Act::Manage(permission) => {
            if !principal.permissions_in(account).has(permission) {
                return Err(Denied::Lacks(permission));
            }
            scope(Right::Manage(permission), None, Vec::new())
        }
        Act::Write => {
            let rows: Vec<Rows> = grants
                .iter()
                // A query is about what is stored; nothing can be promised of an event that is still to be read.
                .filter(|grant| {
                    let is_given = grant.permissions.has(Permission::EventsWrite) && grant.query.is_none();
                    is_given && grant.reaches(&StreamName::activity())
                })
                .map(|grant| limited(grant, true, true))
                .collect();
            if rows.is_empty() {
                return Err(Denied::Lacks(Permission::EventsWrite));
            }
            scope(Right::Write, Some(&StreamName::activity()), simplest(rows))
        }
        Act::Read(stream) => {
            let rows = readable(grants, stream, None);
            if rows.is_empty() {
                return Err(Denied::Lacks(reading(stream)));
            }
            scope(Right::Read, Some(stream), simplest(rows))
        }
        Act::Export(stream) => {
            if readable(grants, stream, None).is_empty() {
                return Err(Denied::Lacks(reading(stream)));
            }
            let rows = readable(grants, stream, Some(Permission::EventsExport));
            if rows.is_empty() {
                return Err(Denied::Lacks(Permission::EventsExport));
            }
            scope(Right::Export, Some(stream), simplest(rows))
        }
        Act::ReadOwn => {
            let Who::User { id, name, is_name_given, also_known_as } = &principal.who else {
                return Err(Denied::Lacks(Permission::OwnActivityRead));
            };
            if !principal.permissions_somewhere_in(account).has(Permission::OwnActivityRead) {
                return Err(Denied::Lacks(Permission::OwnActivityRead));
            }
            // Another account's administrators must not choose whose activity somebody sees in this one.
            let is_home = principal.home.as_ref() == Some(account);
            let given = Some(name).filter(|_| *is_name_given);
            let names = std::iter::once(id).chain(given).chain(also_known_as.iter().filter(|_| is_home));
            let query = format!("{} OR {}", of_initiator(names), of_tries(id));
            scope(Right::Read, None, vec![Rows { query: Some(query), ..Rows::ALL }])
        }
    }
}

/// The permission that reading a stream takes, to name what is lacking.
fn reading(stream: &StreamName) -> Permission {
    match stream.as_str() {
        "audit" => Permission::AuditRead,
        "rejects" => Permission::RejectsRead,
        _ => Permission::SpaceEventsRead,
    }
}

/// The rows of a stream that grants let somebody see, of those grants that hold `with` too.
fn readable(grants: &[Grant], stream: &StreamName, with: Option<Permission>) -> Vec<Rows> {
    let mut rows = Vec::new();
    for grant in grants {
        if !grant.reaches(stream) || with.is_some_and(|with| !grant.permissions.has(with)) {
            continue;
        }
        match stream.as_str() {
            // What whodid itself did belongs to no space and has one source: only a query can narrow it.
            "audit" => {
                let is_account_wide = grant.spaces.is_none() && grant.sources.is_none();
                if grant.permissions.has(Permission::AuditRead) && is_account_wide {
                    rows.push(limited(grant, true, true));
                }
            }
            // A reject could not be read, so nothing in it says whether it may be shown.
            "rejects" => {
                if grant.permissions.has(Permission::RejectsRead) && grant.is_for_all_events() {
                    rows.push(Rows::ALL);
                }
            }
            // A finding or an insight tells of events in its sentence, key and evidence, whatever space or source those
            // are of, and has neither of them itself: no limit could cut it.
            "findings" | "insights" => {
                if grant.is_for_all_events() {
                    rows.extend(events_of(grant));
                }
            }
            _ => rows.extend(events_of(grant)),
        }
    }
    rows
}

/// The events that a grant lets somebody see.
fn events_of(grant: &Grant) -> Option<Rows> {
    let space_events = grant.permissions.has(Permission::SpaceEventsRead);
    let account_events = grant.permissions.has(Permission::AccountEventsRead);
    Some(limited(grant, space_events, account_events)).filter(|rows| rows.space_events || rows.account_events)
}

fn limited(grant: &Grant, space_events: bool, account_events: bool) -> Rows {
    Rows {
        spaces: grant.spaces.clone().filter(|_| space_events),
        space_events: space_events && grant.spaces.as_ref().is_none_or(|spaces| !spaces.is_empty()),
        account_events: account_events && grant.spaces.is_none(),
        sources: grant.sources.clone(),
        query: grant.query.clone(),
    }
}

/// The same rows said shorter: whoever may see all needs no further reason.
fn simplest(mut rows: Vec<Rows>) -> Vec<Rows> {
    if let Some(all) = rows.iter().position(Rows::is_all) {
        return vec![rows.swap_remove(all)];
    }
    let mut kept: Vec<Rows> = Vec::with_capacity(rows.len());
    for one in rows {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// A query for what was tried in the name of a user by somebody who had not proved to be them: signing in, using a
/// link.
fn of_tries(id: &str) -> String {
    const TRIES: &str = "[whodid.user.authenticate, whodid.mfa.authenticate, whodid.user.lock, whodid.invitation.accept, \
                         whodid.password-reset.request, whodid.password-reset.commit]";
    format!("(target.id:===\"{id}\" AND action:==={TRIES})")
}

/// A query for what these did: whose initiator has one of the names as its id or name, letter for letter.
fn of_initiator<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let mut list = String::new();
    for name in names.filter(|name| !name.is_empty()) {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push('"');
        for character in name.chars() {
            if matches!(character, '"' | '\\') {
                list.push('\\');
            }
            list.push(character);
        }
        list.push('"');
    }
    format!("initiator.id:===[{list}] OR initiator.name:===[{list}]")
}

#[cfg(test)]
mod tests;
