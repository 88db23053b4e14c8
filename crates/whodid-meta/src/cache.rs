//! Keys and sessions in memory, reloaded when the file changed.
//!
//! `PRAGMA data_version`, read on a connection that never writes, changes whenever any other
//! connection of any process committed. It is read every [`STALE_MS_MAX`] milliseconds at most, and once
//! more before a key that is not known is refused: another process may just have made it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::{Connection, Row, SqliteConnection};
use whodid_model::{AccountName, Timestamp};

use crate::keys::{self, KeyEntry};
use crate::sessions::{self, SessionEntry};
use crate::{Meta, MetaError};

/// A revoked key or ended session stops working within this many milliseconds.
pub const STALE_MS_MAX: u64 = 500;

/// What is known of keys and sessions at one moment.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) keys: HashMap<String, KeyEntry>,
    pub(crate) sessions: HashMap<[u8; 32], SessionEntry>,
}

#[derive(Debug, Default)]
struct Fresh {
    known: Arc<Known>,
    /// When the file was last seen unchanged; `None` forces a look.
    checked: Option<Instant>,
}

/// A connection for looking whether the file changed.
#[derive(Debug)]
pub(crate) struct Watch {
    connection: SqliteConnection,
    version: Option<i64>,
}

#[derive(Debug)]
pub(crate) struct Cache {
    fresh: Mutex<Fresh>,
    watch: tokio::sync::Mutex<Watch>,
    /// Last use in microseconds by key or session id, until written down.
    used: Mutex<HashMap<String, i64>>,
}

impl Cache {
    pub(crate) fn new(connection: SqliteConnection) -> Self {
        Self {
            fresh: Mutex::default(),
            watch: tokio::sync::Mutex::new(Watch { connection, version: None }),
            used: Mutex::default(),
        }
    }

    /// Makes the next lookup look at the file.
    pub(crate) fn forget(&self) {
        self.fresh.lock().checked = None;
    }

    /// Notes a use. The map holds no more entries than there are keys and sessions.
    pub(crate) fn used(&self, id: &str, now: Timestamp) {
        let mut used = self.used.lock();
        match used.get_mut(id) {
            Some(at) => *at = (*at).max(now.micros()),
            None => {
                used.insert(id.to_owned(), now.micros());
            }
        }
    }

    pub(crate) fn used_at(&self, id: &str) -> Option<i64> {
        self.used.lock().get(id).copied()
    }

    pub(crate) fn take_used(&self) -> Vec<(String, i64)> {
        self.used.lock().drain().collect()
    }

    pub(crate) async fn close(self) {
        // A failed close of a connection that only reads loses nothing.
        let _ = self.watch.into_inner().connection.close().await;
    }

    fn known_when(&self, is_fresh: impl Fn(Instant) -> bool) -> Option<Arc<Known>> {
        let fresh = self.fresh.lock();
        fresh.checked.filter(|checked| is_fresh(*checked)).map(|_| fresh.known.clone())
    }
}

impl Meta {
    /// Keys and sessions, at most [`STALE_MS_MAX`] milliseconds old.
    pub(crate) async fn cached(&self) -> Result<Arc<Known>, MetaError> {
        self.known_when(|checked| checked.elapsed() < Duration::from_millis(STALE_MS_MAX)).await
    }

    /// Keys and sessions as they are now. Whoever comes while another looks waits and shares what that finds.
    pub(crate) async fn current(&self) -> Result<Arc<Known>, MetaError> {
        let now = Instant::now();
        self.known_when(|checked| checked >= now).await
    }

    async fn known_when(&self, is_fresh: impl Fn(Instant) -> bool) -> Result<Arc<Known>, MetaError> {
        let cache = self.cache();
        if let Some(known) = cache.known_when(&is_fresh) {
            return Ok(known);
        }
        let mut watch = cache.watch.lock().await;
        if let Some(known) = cache.known_when(&is_fresh) {
            return Ok(known);
        }
        let started = Instant::now();
        let failed = MetaError::doing("looking for changes");
        let row = sqlx::query("PRAGMA data_version").fetch_one(&mut watch.connection).await.map_err(&failed)?;
        let version: i64 = row.try_get(0).map_err(&failed)?;
        if watch.version == Some(version) {
            let mut fresh = cache.fresh.lock();
            fresh.checked = Some(started);
            return Ok(fresh.known.clone());
        }
        let known = Arc::new(load(&mut watch.connection).await?);
        // The version was read before the rows: a change between the two is loaded again, never missed.
        watch.version = Some(version);
        let mut fresh = cache.fresh.lock();
        *fresh = Fresh { known: known.clone(), checked: Some(started) };
        Ok(known)
    }
}

async fn load(connection: &mut SqliteConnection) -> Result<Known, MetaError> {
    let users = load_users(connection).await?;
    let keys = keys::load_keys(connection, &users).await?;
    let sessions = sessions::load_sessions(connection, &users).await?;
    Ok(Known { keys, sessions })
}

/// Users that are not disabled, with their accounts.
async fn load_users(connection: &mut SqliteConnection) -> Result<HashMap<String, Vec<AccountName>>, MetaError> {
    let failed = MetaError::doing("reading users");
    let rows = sqlx::query(
        "SELECT u.id, m.account FROM users u JOIN memberships m ON m.user = u.id
         WHERE u.disabled_at IS NULL ORDER BY m.account",
    )
    .fetch_all(connection)
    .await
    .map_err(&failed)?;
    let mut users: HashMap<String, Vec<AccountName>> = HashMap::new();
    for row in rows {
        let id: String = row.try_get("id").map_err(&failed)?;
        let account: String = row.try_get("account").map_err(&failed)?;
        if let Ok(account) = AccountName::parse(&account) {
            users.entry(id).or_default().push(account);
        }
    }
    Ok(users)
}
