//! One-time sign-in links, and the sessions they open.

use std::collections::HashMap;

use sqlx::Row;
use whodid_model::time::{MICROS_A_DAY, MICROS_A_SECOND};
use whodid_model::{AccountName, Timestamp};

use crate::secret::{self, Secret, TOKEN_BYTES};
use crate::{Meta, MetaError, User};

/// How long a sign-in link works, in microseconds.
pub const LINK_VALID_MICROS: i64 = MICROS_A_DAY;
/// Longest user agent kept, in characters.
const AGENT_CHARS_MAX: usize = 200;
/// Ended sessions and used links are kept this long, so that their use can still be told.
const ENDED_KEPT_MICROS: i64 = 30 * MICROS_A_DAY;

/// A one-time link just made.
#[derive(Debug, Clone)]
pub struct Link {
    /// What stands after `token=`; not kept.
    pub token: Secret,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// From where a session is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// User agent as sent.
    pub agent: String,
    /// Network address.
    pub address: String,
}

/// A session just begun.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The cookie's value; not kept.
    pub secret: Secret,
    /// Stable id, not secret.
    pub id: String,
    /// Who signed in.
    pub user: User,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// A running session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Stable id, not secret.
    pub id: String,
    /// Who signed in.
    pub user: User,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// Why a link does not sign in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown, or its time is over.
    #[error("the sign-in link is unknown or has expired")]
    Expired,
    /// It worked before.
    #[error("the sign-in link was used before")]
    Used,
    /// The metadata cannot be read or written.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

/// Why a session does not count.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Unknown, ended, idle for too long or too old.
    #[error("the session has ended")]
    Ended,
    /// The metadata cannot be read.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

/// What the cache keeps of a session.
#[derive(Debug, Clone)]
pub(crate) struct SessionEntry {
    session: Session,
    last_seen_at: i64,
}

impl Meta {
    /// Makes a one-time link for a user; `None` when there is no such user.
    pub async fn create_link(&self, user: &str, now: Timestamp) -> Result<Option<Link>, MetaError> {
        let failed = MetaError::doing("making a sign-in link");
        let mut connection = self.pool().acquire().await.map_err(&failed)?;
        let known = sqlx::query("SELECT 1 FROM users WHERE id = ? AND disabled_at IS NULL")
            .bind(user)
            .fetch_optional(&mut *connection)
            .await
            .map_err(&failed)?;
        if known.is_none() {
            return Ok(None);
        }
        insert_link(&mut connection, user, now).await.map(Some)
    }

    /// Uses a one-time token up and begins a session. Of any number of racing calls one succeeds.
    pub async fn sign_in(&self, token: &str, device: &Device, now: Timestamp) -> Result<NewSession, SignInError> {
        let failed = MetaError::doing("signing in");
        let hash = secret::hash(token).to_vec();
        // A guess is found out by reading: it must not take the one writer's place from others.
        let is_known = sqlx::query("SELECT 1 FROM sign_in_links WHERE hash = ?")
            .bind(&hash)
            .fetch_optional(self.pool())
            .await
            .map_err(&failed)?;
        if is_known.is_none() {
            return Err(SignInError::Expired);
        }
        let mut transaction = self.pool().begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let used = sqlx::query(
            "UPDATE sign_in_links SET used_at = ? WHERE hash = ? AND used_at IS NULL AND expires_at > ?
             AND user IN (SELECT id FROM users WHERE disabled_at IS NULL) RETURNING user",
        )
        .bind(now.micros())
        .bind(&hash)
        .bind(now.micros())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(&failed)?;
        let Some(row) = used else {
            let was_used = sqlx::query("SELECT 1 FROM sign_in_links WHERE hash = ? AND used_at IS NOT NULL")
                .bind(&hash)
                .fetch_optional(&mut *transaction)
                .await
                .map_err(&failed)?;
            return Err(if was_used.is_some() { SignInError::Used } else { SignInError::Expired });
        };
        let user_id: String = row.try_get("user").map_err(&failed)?;
        let secret = secret::random_text(TOKEN_BYTES).map_err(MetaError::from)?;
        let id = secret::random_id().map_err(MetaError::from)?;
        let expires_at = now.plus_micros(self.limits().session_absolute_micros);
        let agent: String = device.agent.chars().filter(|shown| !shown.is_control()).take(AGENT_CHARS_MAX).collect();
        sqlx::query(
            "INSERT INTO sessions (hash, id, user, created_at, last_seen_at, expires_at, agent, address)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(secret::hash(&secret).to_vec())
        .bind(&id)
        .bind(&user_id)
        .bind(now.micros())
        .bind(now.micros())
        .bind(expires_at.micros())
        .bind(agent)
        .bind(&device.address)
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        self.cache().forget();
        let user = self.users().await?.into_iter().find(|user| user.id == user_id).ok_or(SignInError::Expired)?;
        Ok(NewSession { secret: Secret::new(secret), id, user, expires_at })
    }

    /// Whose session this cookie opens, which counts as a use of it. Costs no query but one every
    /// [`crate::STALE_MS_MAX`] milliseconds.
    pub async fn session(&self, cookie: &str, now: Timestamp) -> Result<Session, SessionError> {
        let session = self.running_session(cookie, now).await?;
        self.cache().used(&session.id, now);
        Ok(session)
    }

    /// The same without counting as a use: a page left open must not keep its session from idling out.
    pub async fn running_session(&self, cookie: &str, now: Timestamp) -> Result<Session, SessionError> {
        let known = self.cached().await?;
        // The map is keyed by the hash of 256 random bits: a lookup's time tells nothing of use.
        let entry = known.sessions.get(&secret::hash(cookie)).ok_or(SessionError::Ended)?;
        let seen = self.cache().used_at(&entry.session.id).unwrap_or(i64::MIN).max(entry.last_seen_at);
        let idle = now.micros().saturating_sub(seen) > self.limits().session_idle_micros;
        if idle || now >= entry.session.expires_at {
            return Err(SessionError::Ended);
        }
        Ok(entry.session.clone())
    }

    /// Ends a session by its cookie; it does not matter whether it still ran.
    pub async fn end_session(&self, cookie: &str, now: Timestamp) -> Result<(), MetaError> {
        sqlx::query("UPDATE sessions SET ended_at = coalesce(ended_at, ?) WHERE hash = ?")
            .bind(now.micros())
            .bind(secret::hash(cookie).to_vec())
            .execute(self.pool())
            .await
            .map_err(MetaError::doing("ending a session"))?;
        self.cache().forget();
        Ok(())
    }

    /// Writes down when keys and sessions were last used, and drops what ended long ago. Call it once a minute.
    pub async fn maintain(&self, now: Timestamp) -> Result<(), MetaError> {
        let failed = MetaError::doing("writing when keys and sessions were used");
        let used = self.cache().take_used();
        let mut transaction = self.pool().begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        for (id, at) in &used {
            sqlx::query("UPDATE keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?")
                .bind(at - at.rem_euclid(60 * MICROS_A_SECOND))
                .bind(id)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
            sqlx::query("UPDATE sessions SET last_seen_at = max(last_seen_at, ?) WHERE id = ?")
                .bind(at)
                .bind(id)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        let old = now.plus_micros(-ENDED_KEPT_MICROS).micros();
        for statement in [
            "DELETE FROM sessions WHERE coalesce(ended_at, expires_at) < ?",
            "DELETE FROM sign_in_links WHERE coalesce(used_at, expires_at) < ?",
        ] {
            sqlx::query(statement).bind(old).execute(&mut *transaction).await.map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }
}

pub(crate) async fn insert_link(
    connection: &mut sqlx::SqliteConnection,
    user: &str,
    now: Timestamp,
) -> Result<Link, MetaError> {
    let token = secret::random_text(TOKEN_BYTES)?;
    let expires_at = now.plus_micros(LINK_VALID_MICROS);
    sqlx::query("INSERT INTO sign_in_links (hash, user, created_at, expires_at) VALUES (?, ?, ?, ?)")
        .bind(secret::hash(&token).to_vec())
        .bind(user)
        .bind(now.micros())
        .bind(expires_at.micros())
        .execute(connection)
        .await
        .map_err(MetaError::doing("making a sign-in link"))?;
    Ok(Link { token: Secret::new(token), expires_at })
}

/// Every session that has not ended, by the hash of its cookie.
pub(crate) async fn load_sessions(
    connection: &mut sqlx::SqliteConnection,
    users: &HashMap<String, Vec<AccountName>>,
) -> Result<HashMap<[u8; 32], SessionEntry>, MetaError> {
    let failed = MetaError::doing("reading sessions");
    let rows = sqlx::query(
        "SELECT s.hash, s.id, s.user, u.name, s.last_seen_at, s.expires_at FROM sessions s JOIN users u ON u.id = s.user
         WHERE s.ended_at IS NULL",
    )
    .fetch_all(connection)
    .await
    .map_err(&failed)?;
    let mut sessions = HashMap::with_capacity(rows.len());
    for row in rows {
        let hash: Vec<u8> = row.try_get("hash").map_err(&failed)?;
        let user_id: String = row.try_get("user").map_err(&failed)?;
        let (Ok(hash), Some(accounts)) = (<[u8; 32]>::try_from(hash.as_slice()), users.get(&user_id)) else { continue };
        let user = User {
            id: user_id,
            name: row.try_get("name").map_err(&failed)?,
            role: crate::Role::Administrator,
            accounts: accounts.clone(),
        };
        let expires_at = Timestamp::from_micros(row.try_get("expires_at").map_err(&failed)?);
        let session = Session { id: row.try_get("id").map_err(&failed)?, user, expires_at };
        let last_seen_at = row.try_get("last_seen_at").map_err(&failed)?;
        sessions.insert(hash, SessionEntry { session, last_seen_at });
    }
    Ok(sessions)
}
