//! Recognising a key, without a query for a known one.

use std::collections::HashMap;

use subtle::ConstantTimeEq;
use whodid_model::access::{Grant, PermissionSet, Who};
use whodid_model::{AccountName, Principal, Timestamp};

use crate::cache::Used;
use crate::people::{Person, permissions};
use crate::secret::{self, ID_CHARS};
use crate::sql::{Row, Tx, args};
use crate::{KeyKind, KeyScope, Meta, MetaError};

/// Bytes of a key's secret part: 160 bits.
pub(crate) const SECRET_BYTES: usize = 20;
/// Characters of a key's secret part.
const SECRET_CHARS: usize = SECRET_BYTES * 8 / 5;
/// Characters at the end of a key that its masked form shows.
pub(crate) const HINT_CHARS: usize = 2;

/// Whom a key speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// Who asks, and what was granted.
    pub principal: Principal,
    /// Id of the key.
    pub key: String,
    /// What the key is for.
    pub name: String,
    /// Its masked form, for records.
    pub masked: String,
    /// Its kind.
    pub kind: KeyKind,
    /// The account it was made in.
    pub account: AccountName,
    /// Whether it may less than whose it is: fewer permissions, sources, spaces or streams.
    pub is_narrowed: bool,
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
    /// It was revoked, or its user was disabled.
    #[error("the key was revoked")]
    Revoked,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// The metadata cannot be read.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

/// The parts of a key's text.
pub(crate) struct KeyText<'a> {
    kind: KeyKind,
    pub(crate) id: &'a str,
    secret: &'a str,
}

impl<'a> KeyText<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let kind = KeyKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))?;
        let rest = &text[kind.prefix().len()..];
        let plain = rest.len() == ID_CHARS + SECRET_CHARS && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| Self { kind, id: &rest[..ID_CHARS], secret: &rest[ID_CHARS..] })
    }
}

/// What the cache keeps of a key.
#[derive(Debug, Clone)]
pub(crate) struct KeyEntry {
    hash: [u8; 32],
    authenticated: Authenticated,
    is_revoked: bool,
    expires_at: Option<Timestamp>,
}

impl KeyEntry {
    /// What the key opens, if this is it and it still works.
    pub(crate) fn opens(&self, parts: &KeyText<'_>, now: Timestamp) -> Option<Principal> {
        let same = bool::from(secret::hash(parts.secret).ct_eq(&self.hash));
        let is_over = self.is_revoked || self.expires_at.is_some_and(|end| now >= end);
        let opens = same && self.authenticated.kind == parts.kind && !is_over;
        opens.then(|| self.authenticated.principal.clone())
    }
}

impl Meta {
    /// Whose key this is, and notes its use from `address`. For a known key that costs no query but one every
    /// [`crate::STALE_MS_MAX`] milliseconds.
    pub async fn authenticate(&self, text: &str, address: &str, now: Timestamp) -> Result<Authenticated, KeyError> {
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
        let entry = entry.filter(|entry| same && entry.authenticated.kind == parts.kind).ok_or(KeyError::Unknown)?;
        if entry.is_revoked {
            return Err(KeyError::Revoked);
        }
        if entry.expires_at.is_some_and(|end| now >= end) {
            return Err(KeyError::Expired);
        }
        self.cache().used(Used::Key, parts.id, address, now);
        Ok(entry.authenticated.clone())
    }
}

pub(crate) fn masked(kind: KeyKind, id: &str, hint: &str) -> String {
    let shown: String = id.chars().take(4).collect();
    format!("{}{shown}…{hint}", kind.prefix())
}

/// Every key, for the cache; also the revoked ones, so that they can be told from unknown ones.
pub(crate) async fn load_keys(
    tx: &mut Tx,
    people: &HashMap<String, Person>,
) -> Result<HashMap<String, KeyEntry>, MetaError> {
    let select = "SELECT id, kind, account, user_id, name, hash, hint, sources, spaces, streams, permissions,
        expires_at, CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END FROM keys";
    let rows = tx.rows("reading keys", select, args![]).await?;
    let mut keys = HashMap::with_capacity(rows.len());
    for row in rows {
        let entry = entry(&row, people)?;
        keys.insert(entry.authenticated.key.clone(), entry);
    }
    Ok(keys)
}

fn entry(row: &Row, people: &HashMap<String, Person>) -> Result<KeyEntry, MetaError> {
    let kind = KeyKind::parse(&row.text(1)?).ok_or(MetaError::Damaged { what: "the kind of a key" })?;
    let (id, account, name) = (row.text(0)?, row.account(2)?, row.text(4)?);
    let scope = KeyScope { sources: row.json_or_null(7)?, spaces: row.json_or_null(8)?, streams: row.json_or_null(9)? };
    let narrowed: Option<Vec<String>> = row.json_or_null(10)?;
    let mut is_revoked = row.flag(12)?;
    let who = Who::Key { id: id.clone(), name: name.clone() };
    let principal = match (kind, row.text_or_null(3)?) {
        (KeyKind::Personal, user) => match user.and_then(|user| people.get(&user)) {
            Some(person) => of_person(person, &account, &scope, narrowed.as_deref().map(permissions)),
            None => {
                // The user is disabled: the token opens nothing until they are enabled again.
                is_revoked = true;
                Principal::with_grant(who, account.clone(), Grant::default())
            }
        },
        (KeyKind::Service | KeyKind::Ingestion, _) => {
            Principal::with_grant(who, account.clone(), granted(kind.permissions(), &scope))
        }
    };
    let is_narrowed = narrowed.is_some() || scope != KeyScope::default();
    let masked = masked(kind, &id, &row.text(6)?);
    let authenticated = Authenticated { principal, masked, key: id, name, kind, account, is_narrowed };
    Ok(KeyEntry { hash: row.hash(5)?, authenticated, is_revoked, expires_at: row.time_or_null(11)? })
}

fn granted(permissions: PermissionSet, scope: &KeyScope) -> Grant {
    let KeyScope { sources, spaces, streams } = scope.clone();
    Grant { permissions, sources, spaces, streams, query: None }
}

/// What a personal token may: the user's grants, each narrowed by the token.
fn of_person(person: &Person, account: &AccountName, scope: &KeyScope, narrowed: Option<PermissionSet>) -> Principal {
    let mut principal = person.principal_with_home(Some(account.clone()));
    // A token that was narrowed is not for running the installation.
    principal.is_operator &= narrowed.is_none() && *scope == KeyScope::default();
    for grant in principal.grants.values_mut().flatten() {
        grant.permissions = narrowed.map_or(grant.permissions, |narrowed| grant.permissions.both(narrowed));
        grant.spaces = common(grant.spaces.take(), scope.spaces.as_deref());
        grant.sources = common(grant.sources.take(), scope.sources.as_deref());
        grant.streams = common(grant.streams.take(), scope.streams.as_deref());
    }
    principal
}

fn common<T: Clone + PartialEq>(granted: Option<Vec<T>>, scope: Option<&[T]>) -> Option<Vec<T>> {
    match (granted, scope) {
        (granted, None) => granted,
        (None, Some(scope)) => Some(scope.to_vec()),
        (Some(granted), Some(scope)) => Some(granted.into_iter().filter(|one| scope.contains(one)).collect()),
    }
}
