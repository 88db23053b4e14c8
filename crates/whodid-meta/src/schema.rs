//! The tables, as an ordered list of steps that is only ever added to.

use sqlx::{Connection, Row, SqliteConnection};

use crate::MetaError;

/// Each step is run once, in a transaction of its own, and counted in `PRAGMA user_version`.
const STEPS: [&str; 1] = [FIRST];

/// The version that this whodid writes.
pub(crate) const VERSION: i64 = STEPS.len() as i64;

const FIRST: &str = "
CREATE TABLE installation (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('administrator')),
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE memberships (
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    PRIMARY KEY (user, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE sign_in_links (
    hash BLOB PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    agent TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('ingestion', 'service', 'administrator')),
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    user TEXT REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    hint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER,
    CHECK ((kind = 'administrator') = (user IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_account ON keys (account, created_at);
";

/// Brings the tables to [`VERSION`]; two processes may do it at once.
pub(crate) async fn migrate(connection: &mut SqliteConnection, path: &std::path::Path) -> Result<(), MetaError> {
    let failed = MetaError::doing("bringing the tables up to date");
    loop {
        // Immediate: the version is read under the write lock, so that a step is never run twice.
        let mut step = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let row = sqlx::query("PRAGMA user_version").fetch_one(&mut *step).await.map_err(&failed)?;
        let found: i64 = row.try_get(0).map_err(&failed)?;
        if found > VERSION {
            return Err(MetaError::Newer { path: path.to_owned(), found, known: VERSION });
        }
        let Some(text) = usize::try_from(found).ok().and_then(|found| STEPS.get(found)) else {
            return Ok(());
        };
        sqlx::raw_sql(*text).execute(&mut *step).await.map_err(&failed)?;
        let count = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {}", found + 1));
        sqlx::raw_sql(count).execute(&mut *step).await.map_err(&failed)?;
        step.commit().await.map_err(&failed)?;
    }
}
