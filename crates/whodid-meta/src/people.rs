//! What follows from memberships, groups, roles and bindings: what each person may do, and under which rules.

use std::collections::{BTreeMap, HashMap};

use whodid_model::access::{BuiltInRole, Grant, PermissionSet, Who};
use whodid_model::{AccountName, Permission, Principal};

use crate::accounts::load_accounts;
use crate::sql::{Tx, args};
use crate::users::Source;
use crate::write::Write;
use crate::{ChangeError, MetaError, Settings};

/// A person who is not disabled.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) source: Source,
    pub(crate) also_known_as: Vec<String>,
    pub(crate) home: Option<AccountName>,
    pub(crate) is_operator: bool,
    pub(crate) grants: BTreeMap<AccountName, Vec<Grant>>,
    pub(crate) settings: Settings,
    pub(crate) has_password: bool,
    pub(crate) must_change_password: bool,
    pub(crate) has_mfa: bool,
}

impl Person {
    /// Who was taken out of every account has nothing to do here, but for running the installation.
    pub(crate) fn may_sign_in(&self) -> bool {
        self.is_operator || !self.grants.is_empty()
    }

    pub(crate) fn who(&self) -> Who {
        Who::User {
            id: self.id.clone(),
            name: self.name.clone(),
            is_name_given: self.source == Source::Local,
            also_known_as: self.also_known_as.clone(),
        }
    }

    pub(crate) fn principal(&self) -> Principal {
        self.principal_with_home(self.home.clone().or_else(|| self.grants.keys().next().cloned()))
    }

    /// The same with another account meant when a request names none, such as that of a token. Further names count
    /// where they were given: they do not become that account's.
    pub(crate) fn principal_with_home(&self, home: Option<AccountName>) -> Principal {
        let mut who = self.who();
        if let Who::User { also_known_as, .. } = &mut who
            && home != self.home
        {
            also_known_as.clear();
        }
        Principal { who, grants: self.grants.clone(), home, is_operator: self.is_operator }
    }
}

/// Permissions as the names that are stored. A name that this whodid does not know permits nothing.
pub(crate) fn permissions(names: &[String]) -> PermissionSet {
    names.iter().filter_map(|name| Permission::named(name)).collect()
}

pub(crate) fn permission_names(set: PermissionSet) -> Vec<&'static str> {
    set.iter().map(Permission::as_str).collect()
}

/// What each role name permits, by account; without the built-in ones.
pub(crate) async fn load_role_sets(tx: &mut Tx) -> Result<HashMap<(AccountName, String), PermissionSet>, MetaError> {
    let rows = tx.rows("reading roles", "SELECT account, name, permissions FROM roles", args![]).await?;
    let mut sets = HashMap::with_capacity(rows.len());
    for row in rows {
        let names: Vec<String> = row.json(2)?;
        sets.insert((row.account(0)?, row.text(1)?), permissions(&names));
    }
    Ok(sets)
}

/// Everybody who is not disabled, by id.
pub(crate) async fn load_people(tx: &mut Tx) -> Result<HashMap<String, Person>, MetaError> {
    let doing = "reading people";
    let accounts: BTreeMap<AccountName, Settings> =
        load_accounts(tx).await?.into_iter().map(|account| (account.name, account.settings)).collect();
    let select = "SELECT u.id, u.name, u.display_name, u.source, u.also_known_as, u.home, u.is_operator,
        CASE WHEN u.password IS NULL THEN 0 ELSE 1 END, u.must_change_password,
        CASE WHEN EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
            THEN 1 ELSE 0 END
        FROM users u WHERE u.disabled_at IS NULL";
    let mut people = HashMap::new();
    for row in tx.rows(doing, select, args![]).await? {
        let home = row.text_or_null(5)?.and_then(|home| AccountName::parse(&home).ok());
        let person = Person {
            id: row.text(0)?,
            name: row.text(1)?,
            display_name: row.text(2)?,
            source: Source::parse(&row.text(3)?),
            also_known_as: row.json(4)?,
            home,
            is_operator: row.flag(6)?,
            grants: BTreeMap::new(),
            settings: Settings::default(),
            has_password: row.flag(7)?,
            must_change_password: row.flag(8)?,
            has_mfa: row.flag(9)?,
        };
        people.insert(person.id.clone(), person);
    }
    for row in tx.rows(doing, "SELECT user_id, account FROM memberships", args![]).await? {
        if let Some(person) = people.get_mut(&row.text(0)?) {
            person.grants.insert(row.account(1)?, Vec::new());
        }
    }
    for person in people.values_mut() {
        person.settings = Settings::strictest(person.grants.keys().filter_map(|account| accounts.get(account)));
        // Which ways in there are is for the account that looks after somebody to say: another could lock them out of
        // everything.
        if let Some(home) = person.home.as_ref().and_then(|home| accounts.get(home)) {
            person.settings.password_sign_in = home.password_sign_in;
        }
    }
    let sets = load_role_sets(tx).await?;
    let select = "SELECT b.account, b.role, b.spaces, b.query, coalesce(b.user_id, m.user_id)
        FROM bindings b LEFT JOIN group_members m ON m.group_id = b.group_id ORDER BY b.created_at, b.id";
    for row in tx.rows(doing, select, args![]).await? {
        // A group without members gives nothing to anybody.
        let Some(user) = row.text_or_null(4)? else { continue };
        let (account, role) = (row.account(0)?, row.text(1)?);
        let Some(grants) = people.get_mut(&user).and_then(|person| person.grants.get_mut(&account)) else { continue };
        let built_in = BuiltInRole::named(&role).map(BuiltInRole::permissions);
        let Some(permissions) = built_in.or_else(|| sets.get(&(account, role)).copied()) else { continue };
        let (spaces, query) = (row.json_or_null(2)?, row.text_or_null(3)?);
        grants.push(Grant { permissions, spaces, query, ..Grant::default() });
    }
    Ok(people)
}

/// The role that looks after an account, whole and enabled, directly or by a group. Of each who has it: where they come
/// from, and the settings of the account that says by what they may sign in.
const ADMINISTRATORS: &str = "SELECT u.source, h.settings FROM users u
    JOIN memberships s ON s.user_id = u.id AND s.account = $1 LEFT JOIN accounts h ON h.name = u.home
    WHERE u.disabled_at IS NULL AND EXISTS (
        SELECT 1 FROM bindings b LEFT JOIN group_members m ON m.group_id = b.group_id
        WHERE b.account = $1 AND b.role = 'administrator' AND b.spaces IS NULL AND b.query IS NULL
        AND coalesce(b.user_id, m.user_id) = u.id)";

/// How many look after an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Administrators {
    enabled: usize,
    /// Of these, who has a way in: by the identity provider, or by a password where those open sessions.
    with_a_way_in: usize,
}

impl Administrators {
    async fn count(tx: &mut Tx, account: &AccountName) -> Result<Self, MetaError> {
        let rows = tx.rows("counting administrators", ADMINISTRATORS, args![account]).await?;
        let mut with_a_way_in = 0;
        for row in &rows {
            let settings: Option<Settings> = row.json_or_null(1)?;
            let by_password = settings.is_none_or(|settings| settings.password_sign_in);
            if by_password || Source::parse(&row.text(0)?) == Source::Oidc {
                with_a_way_in += 1;
            }
        }
        Ok(Self { enabled: rows.len(), with_a_way_in })
    }
}

impl Write<'_> {
    /// Whether what was changed took from an account the last administrator who can sign in.
    pub(crate) async fn lost_administrators(&mut self, account: &AccountName) -> Result<bool, MetaError> {
        if Administrators::count(&mut self.tx, account).await?.with_a_way_in > 0 {
            return Ok(false);
        }
        let before = Administrators::count(&mut self.meta().read().await?, account).await?;
        Ok(before.with_a_way_in > 0)
    }

    /// Refuses when what was changed leaves nobody who can sign in with the whole role of an administrator in the
    /// account. Where there was nobody before, such as after an older whodid, one who is enabled is enough.
    pub(crate) async fn guard_administrators(&mut self, account: &AccountName) -> Result<(), ChangeError> {
        let left = Administrators::count(&mut self.tx, account).await?;
        if left.with_a_way_in > 0 {
            return Ok(());
        }
        // Another transaction sees what was before this one, the only one that writes.
        let before = Administrators::count(&mut self.meta().read().await?, account).await?;
        if before.with_a_way_in > 0 || left.enabled == 0 {
            return Err(ChangeError::LastAdministrator { account: account.clone() });
        }
        Ok(())
    }
}
