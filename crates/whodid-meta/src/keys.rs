//! Keys of programs: made, listed, recognised, revoked.

use sqlx::Row;
use subtle::ConstantTimeEq;
use whodid_model::{AccountName, Principal, Timestamp};

use crate::secret::{self, ID_CHARS, Secret};
use crate::{Meta, MetaError};

/// Longest name of a key in characters.
pub const KEY_NAME_CHARS_MAX: usize = 100;
/// Bytes of a key's secret part: 160 bits.
const SECRET_BYTES: usize = 20;
/// Characters of a key's secret part.
const SECRET_CHARS: usize = SECRET_BYTES * 8 / 5;
/// Characters at the end of a key that its masked form shows.
const HINT_CHARS: usize = 2;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Only send events.
    Ingestion,
    /// Only read and export.
    Service,
    /// Everything its user may.
    Administrator,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Ingestion, Self::Service, Self::Administrator];

    /// The text form, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingestion => "ingestion",
            Self::Service => "service",
            Self::Administrator => "administrator",
        }
    }

    /// What a key of this kind begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Ingestion => "wik_",
            Self::Service => "wsk_",
            Self::Administrator => "wat_",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Stable id, not secret.
    pub id: String,
    /// What it may do.
    pub kind: KeyKind,
    /// Where it may do it.
    pub account: AccountName,
    /// The user it acts for; administrator tokens only.
    pub user: Option<String>,
    /// What it is for.
    pub name: String,
    /// Enough to recognise it: `wik_ab12…9f`.
    pub masked: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key just made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What is kept of it.
    pub key: Key,
    /// The whole text; not kept.
    pub secret: Secret,
}

/// Why a key does not open anything. A caller tells strangers only that it is not valid.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not the form of a key.
    #[error("this is not the form of a key")]
    Malformed,
    /// No key has this id, or its secret is another.
    #[error("no such key")]
    Unknown,
    /// It was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// The metadata cannot be read.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

/// A key's name is empty, too long or holds control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key's name has 1 to {KEY_NAME_CHARS_MAX} characters and no control characters")]
pub struct KeyNameError;

/// The parts of a key's text.
struct KeyText<'a> {
    kind: KeyKind,
    id: &'a str,
    secret: &'a str,
}

impl<'a> KeyText<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let kind = KeyKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))?;
        let rest = &text[kind.prefix().len()..];
        let plain = rest.len() == ID_CHARS + SECRET_CHARS && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| Self { kind, id: &rest[..ID_CHARS], secret: &rest[ID_CHARS..] })
    }
}

/// What the cache keeps of a key.
#[derive(Debug, Clone)]
pub(crate) struct KeyEntry {
    kind: KeyKind,
    hash: [u8; 32],
    principal: Principal,
    is_revoked: bool,
}

impl Meta {
    /// Makes a key. `user` is whom an administrator token acts for, and only that kind has one.
    pub async fn create_key(
        &self,
        kind: KeyKind,
        account: &AccountName,
        user: Option<&str>,
        name: &str,
        now: Timestamp,
    ) -> Result<NewKey, MetaError> {
        let failed = MetaError::doing("making a key");
        let mut connection = self.pool().acquire().await.map_err(&failed)?;
        let made = insert_key(&mut connection, kind, account, user, name, now).await?;
        self.cache().forget();
        Ok(made)
    }

    /// Checks a name for [`Meta::create_key`].
    pub fn check_key_name(name: &str) -> Result<&str, KeyNameError> {
        let name = name.trim();
        let fits = (1..=KEY_NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if fits { Ok(name) } else { Err(KeyNameError) }
    }

    /// The keys of an account, newest first, revoked ones too.
    pub async fn keys(&self, account: &AccountName) -> Result<Vec<Key>, MetaError> {
        let failed = MetaError::doing("listing keys");
        let rows = sqlx::query(
            "SELECT id, kind, user, name, hint, created_at, last_used_at, revoked_at FROM keys
             WHERE account = ? ORDER BY created_at DESC, id",
        )
        .bind(account.as_str())
        .fetch_all(self.pool())
        .await
        .map_err(&failed)?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let kind: String = row.try_get("kind").map_err(&failed)?;
            let Some(kind) = KeyKind::parse(&kind) else { continue };
            let id: String = row.try_get("id").map_err(&failed)?;
            let hint: String = row.try_get("hint").map_err(&failed)?;
            let stored: Option<i64> = row.try_get("last_used_at").map_err(&failed)?;
            let last_used_at = stored.max(self.cache().used_at(&id)).map(Timestamp::from_micros);
            keys.push(Key {
                masked: masked(kind, &id, &hint),
                kind,
                account: account.clone(),
                user: row.try_get("user").map_err(&failed)?,
                name: row.try_get("name").map_err(&failed)?,
                created_at: Timestamp::from_micros(row.try_get("created_at").map_err(&failed)?),
                last_used_at,
                revoked_at: row.try_get::<Option<i64>, _>("revoked_at").map_err(&failed)?.map(Timestamp::from_micros),
                id,
            });
        }
        Ok(keys)
    }

    /// Revokes a key; false when the account has no such key. Revoking twice keeps the first time.
    pub async fn revoke_key(&self, account: &AccountName, id: &str, now: Timestamp) -> Result<bool, MetaError> {
        let done = sqlx::query("UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND account = ?")
            .bind(now.micros())
            .bind(id)
            .bind(account.as_str())
            .execute(self.pool())
            .await
            .map_err(MetaError::doing("revoking a key"))?;
        self.cache().forget();
        Ok(done.rows_affected() > 0)
    }

    /// Whose key this is. For a known key that costs no query but one every [`crate::STALE_MS_MAX`] milliseconds.
    pub async fn authenticate(&self, text: &str, now: Timestamp) -> Result<Principal, KeyError> {
        let parts = KeyText::parse(text).ok_or(KeyError::Malformed)?;
        let mut known = self.cached().await?;
        if !known.keys.contains_key(parts.id) {
            known = self.current().await?;
        }
        // An unknown id is compared too, so that the answer takes the same time.
        let given = secret::hash(parts.secret);
        let entry = known.keys.get(parts.id);
        let stored = entry.map_or([0; 32], |entry| entry.hash);
        let same = bool::from(given.ct_eq(&stored));
        let entry = entry.filter(|entry| same && entry.kind == parts.kind).ok_or(KeyError::Unknown)?;
        if entry.is_revoked {
            return Err(KeyError::Revoked);
        }
        self.cache().used(parts.id, now);
        Ok(entry.principal.clone())
    }
}

fn masked(kind: KeyKind, id: &str, hint: &str) -> String {
    let shown: String = id.chars().take(4).collect();
    format!("{}{shown}…{hint}", kind.prefix())
}

pub(crate) async fn insert_key(
    connection: &mut sqlx::SqliteConnection,
    kind: KeyKind,
    account: &AccountName,
    user: Option<&str>,
    name: &str,
    now: Timestamp,
) -> Result<NewKey, MetaError> {
    let id = secret::random_id()?;
    let secret = secret::random_text(SECRET_BYTES)?;
    let hint = secret[SECRET_CHARS - HINT_CHARS..].to_owned();
    sqlx::query(
        "INSERT INTO keys (id, kind, account, user, name, hash, hint, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&id)
    .bind(kind.as_str())
    .bind(account.as_str())
    .bind(user)
    .bind(name)
    .bind(secret::hash(&secret).to_vec())
    .bind(&hint)
    .bind(now.micros())
    .execute(connection)
    .await
    .map_err(MetaError::doing("making a key"))?;
    let text = format!("{}{id}{secret}", kind.prefix());
    let key = Key {
        masked: masked(kind, &id, &hint),
        id,
        kind,
        account: account.clone(),
        user: user.map(str::to_owned),
        name: name.to_owned(),
        created_at: now,
        last_used_at: None,
        revoked_at: None,
    };
    Ok(NewKey { key, secret: Secret::new(text) })
}

/// Every key, for the cache; also the revoked ones, so that they can be told from unknown ones.
pub(crate) async fn load_keys(
    connection: &mut sqlx::SqliteConnection,
    users: &std::collections::HashMap<String, Vec<AccountName>>,
) -> Result<std::collections::HashMap<String, KeyEntry>, MetaError> {
    let failed = MetaError::doing("reading keys");
    let rows = sqlx::query("SELECT id, kind, account, user, hash, revoked_at IS NOT NULL AS revoked FROM keys")
        .fetch_all(connection)
        .await
        .map_err(&failed)?;
    let mut keys = std::collections::HashMap::with_capacity(rows.len());
    for row in rows {
        let id: String = row.try_get("id").map_err(&failed)?;
        let kind: String = row.try_get("kind").map_err(&failed)?;
        let account: String = row.try_get("account").map_err(&failed)?;
        let user: Option<String> = row.try_get("user").map_err(&failed)?;
        let hash: Vec<u8> = row.try_get("hash").map_err(&failed)?;
        let (Some(kind), Ok(account), Ok(hash)) =
            (KeyKind::parse(&kind), AccountName::parse(&account), <[u8; 32]>::try_from(hash.as_slice()))
        else {
            continue;
        };
        let principal = match kind {
            KeyKind::Ingestion => Principal::IngestionKey { key: id.clone(), account },
            KeyKind::Service => Principal::ServiceKey { key: id.clone(), account },
            KeyKind::Administrator => {
                // A disabled user is not in `users`: the token then opens nothing.
                let Some((user, accounts)) = user.and_then(|user| users.get_key_value(&user)) else { continue };
                Principal::Administrator { user: user.clone(), accounts: accounts.clone() }
            }
        };
        let is_revoked = row.try_get("revoked").map_err(&failed)?;
        keys.insert(id, KeyEntry { kind, hash, principal, is_revoked });
    }
    Ok(keys)
}
