//! What people see and do of themselves, and whether what is done can be told.

use serde_json::json;
use whodid_audit::{Actor, Told};
use whodid_model::{AccountName, Principal, StreamName, Timestamp};

use crate::key_check::KeyText;
use crate::keys::load_keys_of_user;
use crate::outbox::OUTBOX_MAX;
use crate::sessions::Device;
use crate::sql::args;
use crate::{ChangeError, Key, Meta, MetaError};

/// An earlier sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSignIn {
    /// When its session began.
    pub created_at: Timestamp,
    /// From where.
    pub device: Device,
}

/// What "this wasn't me" brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotMe {
    /// Sessions that ended.
    pub sessions_ended: usize,
    /// Personal tokens that were revoked.
    pub tokens_revoked: usize,
}

impl Meta {
    /// Refuses when a change could not be recorded.
    pub async fn can_tell(&self) -> Result<(), MetaError> {
        let waiting = self.outbox_len().await?;
        if waiting >= OUTBOX_MAX { Err(MetaError::AuditBehind { waiting }) } else { Ok(()) }
    }

    /// Whether reads are recorded in an account, as far as was last known; they are when nothing is.
    pub fn tells_reads(&self, account: &AccountName) -> bool {
        self.cache().last_known().accounts.get(account).is_none_or(|settings| settings.audit_reads)
    }

    /// What a key opens now; not counted as a use.
    pub async fn principal_of_key(&self, text: &str, now: Timestamp) -> Option<Principal> {
        let parts = KeyText::parse(text)?;
        let known = self.cached().await.ok()?;
        known.keys.get(parts.id)?.opens(&parts, now)
    }

    /// A user's personal tokens, newest first, revoked ones too.
    pub async fn keys_of_user(&self, user: &str) -> Result<Vec<Key>, MetaError> {
        let keys = load_keys_of_user(&mut self.read().await?, user).await?;
        Ok(keys.into_iter().map(|key| self.with_last_use(key)).collect())
    }

    /// A user's latest sign-in but for one session.
    pub async fn last_sign_in(&self, user: &str, except: Option<&str>) -> Result<Option<LastSignIn>, MetaError> {
        let select = "SELECT created_at, agent, address FROM sessions WHERE user_id = $1 AND id <> $2
            ORDER BY created_at DESC LIMIT 1";
        let row = self.db().row("looking for a sign-in", select, args![user, except.unwrap_or_default()]).await?;
        row.map(|row| {
            let device = Device { agent: row.text(1)?, address: row.text(2)? };
            Ok(LastSignIn { created_at: row.time(0)?, device })
        })
        .transpose()
    }

    /// Somebody says of an event in their name that it was not them: their other sessions, open links and sign-ins that
    /// have begun end, their tokens are revoked if they want so, another password is asked for, which `told` is recorded with, and `finding` goes to the
    /// account's `findings` stream.
    #[allow(clippy::too_many_arguments, reason = "one transaction, whose parts the caller knows")]
    pub async fn report_not_me(
        &self,
        by: &Actor,
        account: &AccountName,
        user: &str,
        told: &Told,
        finding: &Told,
        except: Option<&str>,
        revoke_tokens: bool,
        now: Timestamp,
    ) -> Result<NotMe, ChangeError> {
        let mut write = self.write(by, now).await?;
        let update = "UPDATE users SET must_change_password = 1
            WHERE id = $1 AND password IS NOT NULL AND must_change_password = 0";
        let must_change = write.tx.run("asking for another password", update, args![user]).await? > 0;
        let mut told = told.clone();
        if must_change {
            let of = |must: bool| Some(json!({"must_change_password": must}));
            told = told.changed(of(false), of(true));
        }
        write.tell(account, &told).await?;
        write.tell_in(account, &StreamName::findings(), finding).await?;
        let sessions_ended = write.end_sessions(user, except, "its owner said that it was not them").await?;
        write.end_begun_sign_ins(user).await?;
        let mut tokens_revoked = 0;
        if revoke_tokens {
            for key in load_keys_of_user(&mut write.tx, user).await? {
                if key.is_active(now) {
                    write.revoke(&key).await?;
                    tokens_revoked += 1;
                }
            }
        }
        write.commit().await?;
        Ok(NotMe { sessions_ended, tokens_revoked })
    }
}
