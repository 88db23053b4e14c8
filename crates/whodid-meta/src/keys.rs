//! Keys of programs and tokens of people: made, listed, changed, rotated, revoked.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use whodid_audit::{Actor, Deed, Told};
use whodid_model::access::PermissionSet;
use whodid_model::{AccountName, Permission, SpaceName, StreamName, Timestamp};

use crate::key_check::{HINT_CHARS, SECRET_BYTES, masked};
use crate::people::{permission_names, permissions};
use crate::secret::{self, Secret};
use crate::sql::{Row, Tx, args, json_text};
use crate::text::label;
use crate::write::Write;
use crate::{ChangeError, Meta, MetaError};

/// Longest name of a key in characters.
pub const KEY_NAME_CHARS_MAX: usize = 100;
/// Longest overlap of a rotated key with its successor, in microseconds: 90 days.
pub const OVERLAP_MICROS_MAX: i64 = 90 * whodid_model::time::MICROS_A_DAY;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Only send events.
    Ingestion,
    /// Only read and export.
    Service,
    /// What its user may, or some of it.
    Personal,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Ingestion, Self::Service, Self::Personal];

    /// The text form, as stored and recorded.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingestion => "ingestion",
            Self::Service => "service",
            Self::Personal => "personal",
        }
    }

    /// What a key of this kind begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Ingestion => "wik_",
            Self::Service => "wsk_",
            // The first release called these administrator tokens; their texts still work.
            Self::Personal => "wat_",
        }
    }

    /// What a key of this kind may do of itself; a personal one may what its user may.
    pub fn permissions(self) -> PermissionSet {
        match self {
            Self::Ingestion => PermissionSet::of(&[Permission::EventsWrite]),
            Self::Service => PermissionSet::of(&[
                Permission::SpaceEventsRead,
                Permission::AccountEventsRead,
                Permission::EventsExport,
                Permission::RejectsRead,
            ]),
            Self::Personal => PermissionSet::NONE,
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    fn deeds(self) -> KeyDeeds {
        let [create, update, rotate, delete] = match self {
            Self::Ingestion => {
                [Deed::IngestionKeyCreate, Deed::IngestionKeyUpdate, Deed::IngestionKeyRotate, Deed::IngestionKeyDelete]
            }
            Self::Service => {
                [Deed::ServiceKeyCreate, Deed::ServiceKeyUpdate, Deed::ServiceKeyRotate, Deed::ServiceKeyDelete]
            }
            Self::Personal => [
                Deed::PersonalTokenCreate,
                Deed::PersonalTokenUpdate,
                Deed::PersonalTokenRotate,
                Deed::PersonalTokenDelete,
            ],
        };
        KeyDeeds { create, update, rotate, delete }
    }
}

struct KeyDeeds {
    create: Deed,
    update: Deed,
    rotate: Deed,
    delete: Deed,
}

/// Which events a key reaches. `None`: all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyScope {
    /// Sources: `cadf`, `cloudtrail`.
    pub sources: Option<Vec<String>>,
    /// Spaces.
    pub spaces: Option<Vec<SpaceName>>,
    /// Streams.
    pub streams: Option<Vec<StreamName>>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlan {
    /// What it is for.
    pub kind: KeyKind,
    /// Whom a personal token acts for; only that kind has one.
    pub user: Option<String>,
    /// What it is for, in words.
    pub name: String,
    /// Which events it reaches.
    pub scope: KeyScope,
    /// Only these of the user's permissions; personal tokens only.
    pub permissions: Option<PermissionSet>,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
}

impl KeyPlan {
    /// A key without limits.
    pub fn new(kind: KeyKind, name: impl Into<String>) -> Self {
        Self { kind, user: None, name: name.into(), scope: KeyScope::default(), permissions: None, expires_at: None }
    }

    /// A token that may do what its user may.
    pub fn personal(user: impl Into<String>, name: impl Into<String>) -> Self {
        Self { user: Some(user.into()), ..Self::new(KeyKind::Personal, name) }
    }
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Stable id, not secret.
    pub id: String,
    /// What it may do.
    pub kind: KeyKind,
    /// Where it was made.
    pub account: AccountName,
    /// The user it acts for; personal tokens only.
    pub user: Option<String>,
    /// What it is for.
    pub name: String,
    /// Enough to recognise it: `wik_ab12…9f`.
    pub masked: String,
    /// Which events it reaches.
    pub scope: KeyScope,
    /// Only these of its user's permissions.
    pub permissions: Option<PermissionSet>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Id of who made it.
    pub created_by: String,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// The network address that used it last.
    pub last_used_from: Option<String>,
    /// Id of the key it took the place of.
    pub successor_of: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Key {
    /// Whether it opens anything at a moment.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A key just made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What is kept of it.
    pub key: Key,
    /// The whole text; not kept.
    pub secret: Secret,
}

/// What to change of a key; `None` keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// What it is for.
    pub name: Option<String>,
    /// Which events it reaches.
    pub scope: Option<KeyScope>,
    /// Until when it works; `Some(None)`: for ever.
    pub expires_at: Option<Option<Timestamp>>,
}

impl Meta {
    /// The keys of an account, newest first, revoked ones and everybody's personal tokens too.
    pub async fn keys(&self, account: &AccountName) -> Result<Vec<Key>, MetaError> {
        let keys = load_keys_of(&mut self.read().await?, account).await?;
        Ok(keys.into_iter().map(|key| self.with_last_use(key)).collect())
    }

    /// One key of an account.
    pub async fn key(&self, account: &AccountName, id: &str) -> Result<Option<Key>, MetaError> {
        Ok(self.keys(account).await?.into_iter().find(|key| key.id == id))
    }

    /// Makes a key.
    pub async fn create_key(
        &self,
        by: &Actor,
        account: &AccountName,
        plan: &KeyPlan,
        now: Timestamp,
    ) -> Result<NewKey, ChangeError> {
        let mut write = self.write(by, now).await?;
        let made = write.create_key(account, plan).await?;
        write.commit().await?;
        Ok(made)
    }

    /// Renames a key, or changes its scope or expiry. One that has a successor lives no longer than its rotation let it.
    pub async fn update_key(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        change: &KeyChange,
        now: Timestamp,
    ) -> Result<Key, ChangeError> {
        let mut write = self.write(by, now).await?;
        let keys = load_keys_of(&mut write.tx, account).await?;
        let old = keys.iter().find(|key| key.id == id).ok_or(ChangeError::NotThere { what: "key" })?;
        if !old.is_active(now) {
            return Err(ChangeError::KeyEnded);
        }
        let mut new = old.clone();
        if let Some(name) = &change.name {
            new.name = label("name", name, KEY_NAME_CHARS_MAX)?;
        }
        if let Some(scope) = &change.scope {
            check_scope(scope)?;
            new.scope.clone_from(scope);
        }
        if let Some(expires_at) = change.expires_at {
            check_expiry(expires_at, now)?;
            let is_longer = old.expires_at.is_some_and(|end| expires_at.is_none_or(|later| later > end));
            if is_longer && has_successor(&keys, id) {
                return Err(ChangeError::invalid(
                    "expires_at",
                    "the key has a successor; its end can only come sooner",
                ));
            }
            new.expires_at = expires_at;
        }
        if new == *old {
            return Ok(self.with_last_use(new));
        }
        let update = "UPDATE keys SET name = $1, sources = $2, spaces = $3, streams = $4, expires_at = $5
            WHERE id = $6";
        let KeyScope { sources, spaces, streams } = &new.scope;
        let (sources, spaces) = (sources.as_ref().map(json_text), spaces.as_ref().map(json_text));
        let args = args![&new.name, sources, spaces, streams.as_ref().map(json_text), new.expires_at, id];
        write.tx.run("changing a key", update, args).await?;
        let told = write.told_of_key(new.kind.deeds().update, &new).await?.changed(Some(shown(old)), Some(shown(&new)));
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok(self.with_last_use(new))
    }

    /// Makes a successor with the same rights. The old key works on for `overlap_micros`, and no longer than it
    /// would have. A key has one successor: the end that a rotation gave it says nothing of how long another may live.
    pub async fn rotate_key(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        overlap_micros: i64,
        now: Timestamp,
    ) -> Result<NewKey, ChangeError> {
        if !(0..=OVERLAP_MICROS_MAX).contains(&overlap_micros) {
            return Err(ChangeError::invalid("overlap", "0 to 90 days"));
        }
        let mut write = self.write(by, now).await?;
        let keys = load_keys_of(&mut write.tx, account).await?;
        let old = keys.iter().find(|key| key.id == id).ok_or(ChangeError::NotThere { what: "key" })?;
        if !old.is_active(now) {
            return Err(ChangeError::KeyEnded);
        }
        if has_successor(&keys, id) {
            return Err(ChangeError::Already { what: "this key has a successor" });
        }
        let plan = KeyPlan {
            kind: old.kind,
            user: old.user.clone(),
            name: old.name.clone(),
            scope: old.scope.clone(),
            permissions: old.permissions,
            // As long a life as the old key was given, not the rest of it: that is what rotation is for.
            expires_at: old.expires_at.map(|end| now.plus_micros(end.micros() - old.created_at.micros())),
        };
        // Twice as many as may be made: each may have a successor, and nobody collects them without end.
        write.bound_keys(account, &plan, 2).await?;
        let made = write.insert_key(account, &plan, Some(id)).await?;
        let overlap_end = now.plus_micros(overlap_micros);
        let ends_at = old.expires_at.map_or(overlap_end, |end| end.min(overlap_end));
        write.tx.run("rotating a key", "UPDATE keys SET expires_at = $1 WHERE id = $2", args![ends_at, id]).await?;
        let ended = Key { expires_at: Some(ends_at), ..old.clone() };
        let told = write
            .told_of_key(old.kind.deeds().rotate, old)
            .await?
            .asked("successor", made.key.masked.as_str())
            .answered("successorId", made.key.id.as_str())
            .changed(Some(shown(old)), Some(shown(&ended)));
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok(made)
    }

    /// Revokes a key. Revoking twice keeps the first time and records nothing more.
    pub async fn revoke_key(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        now: Timestamp,
    ) -> Result<Key, ChangeError> {
        let mut write = self.write(by, now).await?;
        let mut key = load_key(&mut write.tx, account, id).await?;
        if key.revoked_at.is_some() {
            return Ok(key);
        }
        write.revoke(&key).await?;
        write.commit().await?;
        key.revoked_at = Some(now);
        Ok(key)
    }

    pub(crate) fn with_last_use(&self, mut key: Key) -> Key {
        if let Some((at, from)) = self.cache().last_use(crate::cache::Used::Key, &key.id)
            && key.last_used_at.is_none_or(|stored| stored.micros() <= at)
        {
            key.last_used_at = Some(Timestamp::from_micros(at));
            key.last_used_from = Some(from);
        }
        key
    }
}

impl Write<'_> {
    /// Makes a key within the account's limit and records it.
    pub(crate) async fn create_key(&mut self, account: &AccountName, plan: &KeyPlan) -> Result<NewKey, ChangeError> {
        check_scope(&plan.scope)?;
        check_expiry(plan.expires_at, self.now)?;
        if (plan.kind == KeyKind::Personal) != plan.user.is_some() {
            return Err(ChangeError::invalid("user", "personal tokens have one, other keys none"));
        }
        if plan.permissions.is_some() && plan.kind != KeyKind::Personal {
            return Err(ChangeError::invalid("permissions", "only of personal tokens"));
        }
        if let Some(user) = &plan.user {
            crate::users::must_be_member(&mut self.tx, account, user).await?;
        }
        self.bound_keys(account, plan, 1).await?;
        let plan = KeyPlan { name: label("name", &plan.name, KEY_NAME_CHARS_MAX)?, ..plan.clone() };
        let made = self.insert_key(account, &plan, None).await?;
        let told = self.told_of_key(plan.kind.deeds().create, &made.key).await?.changed(None, Some(shown(&made.key)));
        self.tell(account, &told).await?;
        Ok(made)
    }

    /// Refuses when there are `times` as many active keys of the kind as the account allows.
    async fn bound_keys(&mut self, account: &AccountName, plan: &KeyPlan, times: i64) -> Result<(), ChangeError> {
        let max = times * i64::from(crate::accounts::settings_of(&mut self.tx, account).await?.keys_max);
        let select = "SELECT count(*) FROM keys WHERE account = $1 AND kind = $2 AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > $3) AND coalesce(user_id, '') = $4";
        let args = args![account, plan.kind.as_str(), self.now, plan.user.as_deref().unwrap_or_default()];
        let active = self.tx.row("counting keys", select, args).await?.map_or(Ok(0), |row| row.int(0))?;
        if active >= max {
            return Err(ChangeError::KeyLimit { max });
        }
        Ok(())
    }

    async fn insert_key(
        &mut self,
        account: &AccountName,
        plan: &KeyPlan,
        successor_of: Option<&str>,
    ) -> Result<NewKey, ChangeError> {
        let id = secret::random_id()?;
        let secret = secret::random_text(SECRET_BYTES)?;
        let hint = secret[secret.len() - HINT_CHARS..].to_owned();
        let key = Key {
            masked: masked(plan.kind, &id, &hint),
            id,
            kind: plan.kind,
            account: account.clone(),
            user: plan.user.clone(),
            name: plan.name.clone(),
            scope: plan.scope.clone(),
            permissions: plan.permissions,
            created_at: self.now,
            created_by: self.maker(),
            expires_at: plan.expires_at,
            last_used_at: None,
            last_used_from: None,
            successor_of: successor_of.map(str::to_owned),
            revoked_at: None,
        };
        let insert = "INSERT INTO keys (id, kind, account, user_id, name, hash, hint, sources, spaces, streams,
            permissions, created_at, created_by, expires_at, successor_of)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
        let args = args![
            &key.id,
            key.kind.as_str(),
            account,
            key.user.clone(),
            &key.name,
            secret::hash(&secret),
            hint,
            key.scope.sources.as_ref().map(json_text),
            key.scope.spaces.as_ref().map(json_text),
            key.scope.streams.as_ref().map(json_text),
            key.permissions.map(|set| json_text(&permission_names(set))),
            self.now,
            &key.created_by,
            key.expires_at,
            key.successor_of.clone(),
        ];
        self.tx.run("making a key", insert, args).await?;
        let text = format!("{}{}{secret}", key.kind.prefix(), key.id);
        Ok(NewKey { key, secret: Secret::new(text) })
    }

    pub(crate) async fn revoke(&mut self, key: &Key) -> Result<(), ChangeError> {
        let update = "UPDATE keys SET revoked_at = $1 WHERE id = $2";
        self.tx.run("revoking a key", update, args![self.now, &key.id]).await?;
        let told = self.told_of_key(key.kind.deeds().delete, key).await?.changed(Some(shown(key)), None);
        self.tell(&key.account, &told).await?;
        Ok(())
    }

    /// What is told of a key; of a personal token also whose it is, so that a user's history finds it.
    async fn told_of_key(&mut self, deed: Deed, key: &Key) -> Result<Told, MetaError> {
        let told = Told::success(deed, key.id.as_str(), key.name.as_str())
            .asked("key", key.masked.as_str())
            .asked("keyType", key.kind.as_str())
            .asked("name", key.name.as_str());
        let Some(user) = &key.user else { return Ok(told) };
        let row = self.tx.row("looking whose it is", "SELECT name FROM users WHERE id = $1", args![user]).await?;
        let name = row.map_or(Ok(String::new()), |row| row.text(0))?;
        Ok(told.asked("userId", user.as_str()).asked("userName", name))
    }

    /// Revokes a user's personal tokens of an account.
    pub(crate) async fn revoke_tokens(&mut self, account: &AccountName, user: &str) -> Result<(), ChangeError> {
        for key in load_keys_of(&mut self.tx, account).await? {
            if key.user.as_deref() == Some(user) && key.revoked_at.is_none() {
                self.revoke(&key).await?;
            }
        }
        Ok(())
    }
}

/// What a record shows of a key; masked.
fn shown(key: &Key) -> Json {
    json!({
        "name": key.name,
        "key": key.masked,
        "scope": key.scope,
        "permissions": key.permissions.map(permission_names),
        "expires_at": key.expires_at.map(|end| end.to_string()),
    })
}

fn has_successor(keys: &[Key], id: &str) -> bool {
    keys.iter().any(|key| key.successor_of.as_deref() == Some(id))
}

fn check_scope(scope: &KeyScope) -> Result<(), ChangeError> {
    const MAX: usize = 100;
    let lengths = [
        scope.sources.as_ref().map(Vec::len),
        scope.spaces.as_ref().map(Vec::len),
        scope.streams.as_ref().map(Vec::len),
    ];
    if lengths.into_iter().flatten().any(|length| !(1..=MAX).contains(&length)) {
        return Err(ChangeError::invalid("scope", format!("lists of 1 to {MAX}, or none")));
    }
    for source in scope.sources.iter().flatten() {
        label("scope", source, 63)?;
    }
    Ok(())
}

fn check_expiry(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), ChangeError> {
    if expires_at.is_some_and(|end| end <= now) {
        return Err(ChangeError::invalid("expires_at", "must be in the future"));
    }
    Ok(())
}

const COLUMNS: &str = "SELECT id, kind, user_id, name, hint, sources, spaces, streams, permissions, created_at,
    created_by, expires_at, last_used_at, last_used_from, successor_of, revoked_at FROM keys
    WHERE account = $1 ORDER BY created_at DESC, id";

async fn load_key(tx: &mut Tx, account: &AccountName, id: &str) -> Result<Key, ChangeError> {
    let keys = load_keys_of(tx, account).await?;
    keys.into_iter().find(|key| key.id == id).ok_or(ChangeError::NotThere { what: "key" })
}

pub(crate) async fn load_keys_of(tx: &mut Tx, account: &AccountName) -> Result<Vec<Key>, MetaError> {
    let rows = tx.rows("reading keys", COLUMNS, args![account]).await?;
    rows.iter().map(|row| key(row, account)).collect()
}

/// A user's personal tokens in all their accounts, newest first.
pub(crate) async fn load_keys_of_user(tx: &mut Tx, user: &str) -> Result<Vec<Key>, MetaError> {
    let accounts = "SELECT account FROM memberships WHERE user_id = $1 ORDER BY account";
    let mut keys = Vec::new();
    for row in tx.rows("reading memberships", accounts, args![user]).await? {
        let of_account = load_keys_of(tx, &row.account(0)?).await?;
        keys.extend(of_account.into_iter().filter(|key| key.user.as_deref() == Some(user)));
    }
    keys.sort_by_key(|key| std::cmp::Reverse(key.created_at));
    Ok(keys)
}

fn key(row: &Row, account: &AccountName) -> Result<Key, MetaError> {
    let kind = KeyKind::parse(&row.text(1)?).ok_or(MetaError::Damaged { what: "the kind of a key" })?;
    let id = row.text(0)?;
    let names: Option<Vec<String>> = row.json_or_null(8)?;
    Ok(Key {
        masked: masked(kind, &id, &row.text(4)?),
        id,
        kind,
        account: account.clone(),
        user: row.text_or_null(2)?,
        name: row.text(3)?,
        scope: KeyScope { sources: row.json_or_null(5)?, spaces: row.json_or_null(6)?, streams: row.json_or_null(7)? },
        permissions: names.map(|names| permissions(&names)),
        created_at: row.time(9)?,
        created_by: row.text(10)?,
        expires_at: row.time_or_null(11)?,
        last_used_at: row.time_or_null(12)?,
        last_used_from: row.text_or_null(13)?,
        successor_of: row.text_or_null(14)?,
        revoked_at: row.time_or_null(15)?,
    })
}
