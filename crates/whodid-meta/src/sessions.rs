//! Sessions: begun by a sign-in, held by a cookie, ended by hand or by time.

use std::collections::HashMap;

use serde_json::json;
use whodid_audit::{Actor, Deed, Told};
use whodid_model::time::MICROS_A_SECOND;
use whodid_model::{AccountName, Principal, Timestamp};

use crate::cache::{Known, Used};
use crate::people::{Person, load_people};
use crate::secret::{self, Secret, TOKEN_BYTES};
use crate::sql::{Row, Tx, args};
use crate::users::Source;
use crate::write::Write;
use crate::{ChangeError, Meta, MetaError, Settings};

/// Most running sessions of one user; the oldest goes.
pub const SESSIONS_MAX: usize = 100;
/// Longest user agent kept, in characters.
const AGENT_CHARS_MAX: usize = 200;
const MICROS_A_MINUTE: i64 = 60 * MICROS_A_SECOND;

/// From where a session is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// User agent as sent.
    pub agent: String,
    /// Network address.
    pub address: String,
}

/// How a session was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By a password.
    Password,
    /// By a one-time link.
    Link,
    /// By an identity provider.
    Oidc,
    /// By a recovery code in place of the second factor.
    Recovery,
}

impl Method {
    const ALL: [Self; 4] = [Self::Password, Self::Link, Self::Oidc, Self::Recovery];

    /// The text form, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Oidc => "oidc",
            Self::Recovery => "recovery",
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|method| method.as_str() == text).unwrap_or(Self::Link)
    }
}

/// Who a session belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSummary {
    /// Stable id.
    pub id: String,
    /// What they sign in with.
    pub name: String,
    /// How they are shown.
    pub display_name: String,
    /// Where they come from.
    pub source: Source,
    /// Whether they may make accounts.
    pub is_operator: bool,
    /// The account whose administrators look after them.
    pub home: Option<AccountName>,
    /// The accounts they belong to, in name order.
    pub accounts: Vec<AccountName>,
    /// Whether they have a password.
    pub has_password: bool,
    /// Whether they have a second factor.
    pub has_mfa: bool,
}

/// What somebody must do before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Set a first password.
    SetPassword,
    /// Set another password.
    ChangePassword,
    /// Set up a second factor.
    SetUpMfa,
}

/// A running session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Stable id, not secret.
    pub id: String,
    /// Who signed in, and what was granted.
    pub principal: Principal,
    /// The same for showing.
    pub user: UserSummary,
    /// The rules of all their accounts.
    pub settings: Settings,
    /// How it was opened.
    pub method: Method,
    /// Whether a second factor was given.
    pub mfa: bool,
    /// The last full sign-in.
    pub fresh_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// When it ends without a further request.
    pub idle_until: Timestamp,
    /// What must be done first.
    pub needs: Vec<Need>,
}

/// A session just begun.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The cookie's value; not kept.
    pub secret: Secret,
    /// The session.
    pub session: Session,
}

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Stable id, not secret.
    pub id: String,
    /// Id of its user.
    pub user: String,
    /// The user's name.
    pub user_name: String,
    /// How it was opened.
    pub method: Method,
    /// Whether a second factor was given.
    pub mfa: bool,
    /// From where.
    pub device: Device,
    /// When it began.
    pub created_at: Timestamp,
    /// Its last request.
    pub last_seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
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
    id: String,
    user: String,
    method: Method,
    mfa: bool,
    created_at: Timestamp,
    fresh_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
}

impl Meta {
    /// Begins a session for somebody who has proved who they are.
    pub async fn begin_session(
        &self,
        by: &Actor,
        user: &str,
        device: &Device,
        method: Method,
        mfa: bool,
        now: Timestamp,
    ) -> Result<NewSession, ChangeError> {
        let mut write = self.write(by, now).await?;
        let begun = write.begin_session(user, device, method, mfa).await?;
        write.commit().await?;
        Ok(begun)
    }

    /// Whose session this cookie opens, which counts as a use of it. Costs no query but one every
    /// [`crate::STALE_MS_MAX`] milliseconds.
    pub async fn session(&self, cookie: &str, now: Timestamp) -> Result<Session, SessionError> {
        let mut session = self.running_session(cookie, now).await?;
        self.cache().used(Used::Session, &session.id, "", now);
        session.idle_until = idle_end(now, &self.limited(&session.settings)).min(session.expires_at);
        Ok(session)
    }

    /// The same without counting as a use: a page left open must not keep its session from idling out.
    pub async fn running_session(&self, cookie: &str, now: Timestamp) -> Result<Session, SessionError> {
        // The map is keyed by the hash of 256 random bits: a lookup's time tells nothing of use.
        let hash = secret::hash(cookie);
        let mut known = self.cached().await?;
        if !known.sessions.contains_key(&hash) && cookie.len() == secret::TOKEN_CHARS {
            known = self.current().await?;
        }
        let entry = known.sessions.get(&hash).ok_or(SessionError::Ended)?;
        self.running(&known, entry, now).ok_or(SessionError::Ended)
    }

    /// The running sessions of a user, newest first.
    pub async fn sessions_of_user(&self, user: &str, now: Timestamp) -> Result<Vec<SessionView>, MetaError> {
        let sessions = self.sessions_now(now).await?;
        Ok(sessions.into_iter().filter(|view| view.user == user).collect())
    }

    /// The running sessions of an account's members, newest first.
    pub async fn sessions_of_account(
        &self,
        account: &AccountName,
        now: Timestamp,
    ) -> Result<Vec<SessionView>, MetaError> {
        let known = self.current().await?;
        let is_member = |user: &str| known.people.get(user).is_some_and(|person| person.grants.contains_key(account));
        let sessions = self.sessions_now(now).await?;
        Ok(sessions.into_iter().filter(|view| is_member(&view.user)).collect())
    }

    /// Ends a session. The caller has checked whose it is; it must still run.
    pub async fn end_session(&self, by: &Actor, id: &str, reason: &str, now: Timestamp) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let select = "SELECT user_id FROM sessions WHERE id = $1 AND ended_at IS NULL";
        let row = write.tx.row("ending a session", select, args![id]).await?;
        let user = row.ok_or(ChangeError::NotThere { what: "session" })?.text(0)?;
        write.end_one(&user, id, reason, Deed::SessionDelete).await?;
        write.commit().await?;
        Ok(())
    }

    /// Ends a user's sessions, but for one; how many there were.
    pub async fn end_sessions_of(
        &self,
        by: &Actor,
        user: &str,
        except: Option<&str>,
        reason: &str,
        now: Timestamp,
    ) -> Result<usize, ChangeError> {
        let mut write = self.write(by, now).await?;
        let ended = write.end_sessions(user, except, reason).await?;
        write.commit().await?;
        Ok(ended)
    }

    /// Gives a session another secret, so that one that was planted or seen before a change of rights is worth
    /// nothing. `fresh`: a full sign-in was repeated just now, with or without a second factor.
    pub async fn renew_session(
        &self,
        by: &Actor,
        id: &str,
        fresh: Option<bool>,
        now: Timestamp,
    ) -> Result<Secret, ChangeError> {
        // No record of its own: what makes it necessary has one.
        let mut write = self.write_unaudited(by, now).await?;
        let secret = write.renew_session(id, fresh).await?;
        write.commit().await?;
        Ok(secret)
    }

    async fn sessions_now(&self, now: Timestamp) -> Result<Vec<SessionView>, MetaError> {
        let known = self.current().await?;
        let running: HashMap<&str, Timestamp> = known
            .sessions
            .values()
            .filter(|entry| self.running(&known, entry, now).is_some())
            .map(|entry| (entry.id.as_str(), self.seen(entry)))
            .collect();
        let select = "SELECT s.id, s.user_id, u.name, s.method, s.mfa, s.agent, s.address, s.created_at, s.expires_at
            FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.ended_at IS NULL
            ORDER BY s.created_at DESC, s.id";
        let rows = self.read().await?.rows("listing sessions", select, args![]).await?;
        let mut views = Vec::new();
        for row in rows {
            let id = row.text(0)?;
            let Some(last_seen_at) = running.get(id.as_str()).copied() else { continue };
            views.push(SessionView {
                id,
                user: row.text(1)?,
                user_name: row.text(2)?,
                method: Method::parse(&row.text(3)?),
                mfa: row.flag(4)?,
                device: Device { agent: row.text(5)?, address: row.text(6)? },
                created_at: row.time(7)?,
                last_seen_at,
                expires_at: row.time(8)?,
            });
        }
        Ok(views)
    }

    fn seen(&self, entry: &SessionEntry) -> Timestamp {
        let noted = self.cache().used_at(Used::Session, &entry.id).map(Timestamp::from_micros);
        noted.map_or(entry.last_seen_at, |noted| noted.max(entry.last_seen_at))
    }

    fn running(&self, known: &Known, entry: &SessionEntry, now: Timestamp) -> Option<Session> {
        // A disabled user is not among the people.
        let person = known.people.get(&entry.user)?;
        let settings = self.limited(&person.settings);
        let expires_at = entry.expires_at.min(absolute_end(entry.created_at, &settings));
        let idle_until = idle_end(self.seen(entry), &settings).min(expires_at);
        if now >= expires_at || now > idle_until {
            return None;
        }
        Some(session(entry, person, expires_at, idle_until))
    }

    /// The accounts' rules, within the installation's own limits.
    pub(crate) fn limited(&self, settings: &Settings) -> Settings {
        let minutes = |micros: i64| u32::try_from(micros / MICROS_A_MINUTE).unwrap_or(u32::MAX).max(1);
        let mut limited = settings.clone();
        let limits = self.limits();
        limited.session_idle_minutes = settings.session_idle_minutes.min(minutes(limits.session_idle_micros));
        limited.session_absolute_minutes =
            settings.session_absolute_minutes.min(minutes(limits.session_absolute_micros));
        limited
    }
}

fn idle_end(seen: Timestamp, settings: &Settings) -> Timestamp {
    seen.plus_micros(i64::from(settings.session_idle_minutes) * MICROS_A_MINUTE)
}

fn absolute_end(created: Timestamp, settings: &Settings) -> Timestamp {
    created.plus_micros(i64::from(settings.session_absolute_minutes) * MICROS_A_MINUTE)
}

fn session(entry: &SessionEntry, person: &Person, expires_at: Timestamp, idle_until: Timestamp) -> Session {
    let mut needs = Vec::new();
    let signs_in_here = person.source == Source::Local && person.settings.password_sign_in;
    if signs_in_here && !person.has_password {
        needs.push(Need::SetPassword);
    } else if signs_in_here && person.must_change_password {
        needs.push(Need::ChangePassword);
    }
    // An identity provider asks for its own second factor.
    if person.settings.mfa_required && !person.has_mfa && entry.method != Method::Oidc {
        needs.push(Need::SetUpMfa);
    }
    Session {
        id: entry.id.clone(),
        principal: person.principal(),
        user: UserSummary {
            id: person.id.clone(),
            name: person.name.clone(),
            display_name: person.display_name.clone(),
            source: person.source,
            is_operator: person.is_operator,
            home: person.home.clone(),
            accounts: person.grants.keys().cloned().collect(),
            has_password: person.has_password,
            has_mfa: person.has_mfa,
        },
        settings: person.settings.clone(),
        method: entry.method,
        mfa: entry.mfa,
        fresh_at: entry.fresh_at,
        expires_at,
        idle_until,
        needs,
    }
}

impl Write<'_> {
    /// Begins a session and records it.
    pub(crate) async fn begin_session(
        &mut self,
        user: &str,
        device: &Device,
        method: Method,
        mfa: bool,
    ) -> Result<NewSession, ChangeError> {
        let people = load_people(&mut self.tx).await?;
        let person = people.get(user).filter(|person| person.may_sign_in());
        let person = person.ok_or(ChangeError::NotThere { what: "user" })?;
        let settings = self.meta().limited(&person.settings);
        self.bound_sessions(user).await?;
        let secret = secret::random_text(TOKEN_BYTES)?;
        let entry = SessionEntry {
            id: secret::random_id()?,
            user: user.to_owned(),
            method,
            mfa,
            created_at: self.now,
            fresh_at: self.now,
            last_seen_at: self.now,
            expires_at: absolute_end(self.now, &settings),
        };
        let agent: String = device.agent.chars().filter(|shown| !shown.is_control()).take(AGENT_CHARS_MAX).collect();
        let insert = "INSERT INTO sessions (hash, id, user_id, method, mfa, created_at, fresh_at, last_seen_at,
            expires_at, agent, address) VALUES ($1, $2, $3, $4, $5, $6, $6, $6, $7, $8, $9)";
        let hash = secret::hash(&secret);
        let args =
            args![hash, &entry.id, user, method.as_str(), mfa, self.now, entry.expires_at, agent, &device.address,];
        self.tx.run("beginning a session", insert, args).await?;
        let update = "UPDATE users SET last_signed_in_at = $1 WHERE id = $2";
        self.tx.run("beginning a session", update, args![self.now, user]).await?;
        let told = Told::success(Deed::SessionCreate, entry.id.as_str(), person.name.as_str())
            .asked("method", method.as_str())
            .asked("mfa", mfa);
        self.tell_user(user, &told).await?;
        let idle_until = idle_end(self.now, &settings).min(entry.expires_at);
        let session = session(&entry, person, entry.expires_at, idle_until);
        Ok(NewSession { secret: Secret::new(secret), session })
    }

    /// Makes room for one more session of a user.
    async fn bound_sessions(&mut self, user: &str) -> Result<(), ChangeError> {
        let select = "SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL ORDER BY created_at DESC, id";
        let running = self.tx.rows("counting sessions", select, args![user]).await?;
        for row in running.iter().skip(SESSIONS_MAX - 1) {
            self.end_one(user, &row.text(0)?, "there were too many", Deed::SessionDelete).await?;
        }
        Ok(())
    }

    pub(crate) async fn renew_session(&mut self, id: &str, fresh: Option<bool>) -> Result<Secret, ChangeError> {
        let secret = secret::random_text(TOKEN_BYTES)?;
        let update = "UPDATE sessions SET hash = $1 WHERE id = $2 AND ended_at IS NULL";
        let renewed = self.tx.run("renewing a session", update, args![secret::hash(&secret), id]).await?;
        if renewed == 0 {
            return Err(ChangeError::NotThere { what: "session" });
        }
        if let Some(mfa) = fresh {
            let update = "UPDATE sessions SET fresh_at = $1, mfa = CASE WHEN mfa = 1 THEN 1 ELSE $2 END WHERE id = $3";
            self.tx.run("renewing a session", update, args![self.now, mfa, id]).await?;
        }
        Ok(Secret::new(secret))
    }

    /// Ends a user's sessions, but for one, and records each.
    pub(crate) async fn end_sessions(
        &mut self,
        user: &str,
        except: Option<&str>,
        reason: &str,
    ) -> Result<usize, ChangeError> {
        let select = "SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
            AND id <> $3 ORDER BY created_at";
        let args = args![user, self.now, except.unwrap_or_default()];
        let rows = self.tx.rows("ending sessions", select, args).await?;
        for row in &rows {
            self.end_one(user, &row.text(0)?, reason, Deed::SessionDelete).await?;
        }
        Ok(rows.len())
    }

    pub(crate) async fn end_one(&mut self, user: &str, id: &str, reason: &str, deed: Deed) -> Result<(), MetaError> {
        let update = "UPDATE sessions SET ended_at = $1, ended_reason = $2 WHERE id = $3";
        self.tx.run("ending a session", update, args![self.now, reason, id]).await?;
        let select = "SELECT name FROM users WHERE id = $1";
        let name = self.tx.row("ending a session", select, args![user]).await?;
        let name = name.map_or(Ok(String::new()), |row| row.text(0))?;
        let told = Told::success(deed, id, name)
            .asked("reason", reason)
            .changed(Some(json!({"running": true})), Some(json!({"running": false})));
        self.tell_user(user, &told).await
    }

    /// Ends what is idle for too long or too old, and what belongs to nobody who may sign in; how many there were.
    pub(crate) async fn expire_sessions(&mut self) -> Result<usize, MetaError> {
        let people = load_people(&mut self.tx).await?;
        let mut ended = 0;
        for entry in load_sessions(&mut self.tx).await?.into_values() {
            let reason = match people.get(&entry.user) {
                None => "the user may not sign in",
                Some(person) => {
                    let settings = self.meta().limited(&person.settings);
                    if self.now >= entry.expires_at.min(absolute_end(entry.created_at, &settings)) {
                        "too old"
                    } else if self.now > idle_end(self.meta().seen(&entry), &settings) {
                        "idle"
                    } else {
                        continue;
                    }
                }
            };
            self.end_one(&entry.user, &entry.id, reason, Deed::SessionExpire).await?;
            ended += 1;
        }
        Ok(ended)
    }
}

/// Every session that has not ended, by the hash of its cookie.
pub(crate) async fn load_sessions(tx: &mut Tx) -> Result<HashMap<[u8; 32], SessionEntry>, MetaError> {
    let select = "SELECT hash, id, user_id, method, mfa, created_at, fresh_at, last_seen_at, expires_at FROM sessions
        WHERE ended_at IS NULL";
    let rows = tx.rows("reading sessions", select, args![]).await?;
    rows.iter().map(|row| Ok((row.hash(0)?, entry(row)?))).collect()
}

fn entry(row: &Row) -> Result<SessionEntry, MetaError> {
    Ok(SessionEntry {
        id: row.text(1)?,
        user: row.text(2)?,
        method: Method::parse(&row.text(3)?),
        mfa: row.flag(4)?,
        created_at: row.time(5)?,
        fresh_at: row.time(6)?,
        last_seen_at: row.time(7)?,
        expires_at: row.time(8)?,
    })
}
