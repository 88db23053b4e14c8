//! Signing in: a name and a password, what failed, what opened.
//!
//! The flow is the caller's: [`Meta::check_lockout`], [`Meta::credentials`], then off the async threads
//! [`crate::verify_password`] — also when there is nobody of the name — then [`Meta::sign_in_failed`], or
//! [`Meta::begin_challenge`] for somebody with a second factor, or [`Meta::sign_in_succeeded`].

use serde_json::json;
use whodid_audit::{Actor, Deed, Reason, Told};
use whodid_model::Timestamp;

use crate::password::HashedPassword;
use crate::people::load_people;
use crate::sql::args;
use crate::text::folded;
use crate::users::{User, load_user};
use crate::write::Write;
use crate::{ChangeError, Device, Meta, MetaError, Method, NewSession, Settings};

/// What a user of some name can sign in with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user's id.
    pub user: String,
    /// The user's name, as it was given to them.
    pub name: String,
    /// The password, if they have one.
    pub password: Option<HashedPassword>,
    /// Whether a second factor is asked for next.
    pub has_mfa: bool,
    /// The rules of their accounts; `password_sign_in` may forbid it.
    pub settings: Settings,
}

impl Meta {
    /// What a name signs in with; `None` when nobody has it, or may not sign in: who is disabled, or belongs to no account
    /// and is no operator.
    pub async fn credentials(&self, name: &str) -> Result<Option<Credentials>, MetaError> {
        self.credentials_of(name, false).await
    }

    /// The same for somebody who is about to accept an invitation, and may belong to no account until they have.
    pub async fn credentials_to_join(&self, name: &str) -> Result<Option<Credentials>, MetaError> {
        self.credentials_of(name, true).await
    }

    async fn credentials_of(&self, name: &str, joins: bool) -> Result<Option<Credentials>, MetaError> {
        let mut tx = self.read().await?;
        let select = "SELECT id, name, password FROM users WHERE folded = $1 AND disabled_at IS NULL";
        let row = tx.row("looking for a name", select, args![folded(name)]).await?;
        // Also for a name that nobody has, so that the time does not tell.
        let people = load_people(&mut tx).await?;
        let Some(row) = row else { return Ok(None) };
        let user = row.text(0)?;
        let Some(person) = people.get(&user).filter(|person| joins || person.may_sign_in()) else { return Ok(None) };
        Ok(Some(Credentials {
            user,
            name: row.text(1)?,
            password: row.text_or_null(2)?.map(HashedPassword::stored),
            has_mfa: person.has_mfa,
            settings: person.settings.clone(),
        }))
    }

    /// Counts a failure and records it: in the accounts of a known user, else in the first account and without
    /// the name, which may be a mistyped password. `code` and `text` say why: `wrong-password`. The accounts of a user
    /// who is disabled, and so is none to the caller, are told that; whoever tries is not.
    pub async fn sign_in_failed(
        &self,
        by: &Actor,
        name: &str,
        user: Option<&str>,
        code: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<(), MetaError> {
        let mut write = self.write(by, now).await?;
        // Also when the user is known, so that the time does not tell.
        let disabled = write.disabled_user(name).await?;
        let (user, code, text) = match (user, &disabled) {
            (None, Some(disabled)) => (Some(disabled.as_str()), "disabled", "the user is disabled"),
            (user, _) => (user, code, text),
        };
        let reason = Reason { status: 401, code: code.to_owned(), text: text.to_owned() };
        match user {
            Some(user) => {
                let mut told = Told::failure(Deed::UserAuthenticate, user, reason);
                name.trim().clone_into(&mut told.target_name);
                write.tell_user(user, &told).await?;
            }
            None => write.tell_first(&Told::failure(Deed::UserAuthenticate, "unknown", reason)).await?,
        }
        write.count_failure(name, user).await?;
        write.commit_unseen().await
    }

    /// Begins a session for somebody who has proved who they are, and forgets their failures.
    pub async fn sign_in_succeeded(
        &self,
        by: &Actor,
        user: &str,
        device: &Device,
        method: Method,
        mfa: bool,
        now: Timestamp,
    ) -> Result<NewSession, ChangeError> {
        let mut write = self.write(by, now).await?;
        let found = load_user(&mut write.tx, user).await?;
        write.clear_failures(&found.name).await?;
        let told = Told::success(Deed::UserAuthenticate, user, found.name.as_str())
            .asked("method", method.as_str())
            .asked("mfa", mfa);
        write.tell_user(user, &told).await?;
        let begun = write.begin_session(user, device, method, mfa).await?;
        write.commit().await?;
        Ok(begun)
    }

    /// Sets a user's password and ends their other sessions, open links and sign-ins that have begun. The caller has checked the password, and who asks.
    pub async fn set_password(
        &self,
        by: &Actor,
        user: &str,
        password: &HashedPassword,
        keep_session: Option<&str>,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let found = load_user(&mut write.tx, user).await?;
        write.store_password(user, password).await?;
        let told = Told::success(Deed::PasswordUpdate, user, found.name.as_str())
            .changed(Some(of_password(&found)), Some(of_new_password(now)));
        write.tell_user(user, &told).await?;
        write.end_sessions(user, keep_session, "the password was changed").await?;
        write.end_begun_sign_ins(user).await?;
        write.commit().await?;
        Ok(())
    }
}

/// What the audit log may know of a password: since when it is, and whether it must be changed.
pub(crate) fn of_password(user: &User) -> serde_json::Value {
    shown(user.password_set_at, user.must_change_password)
}

/// The same of one that is set now.
pub(crate) fn of_new_password(now: Timestamp) -> serde_json::Value {
    shown(Some(now), false)
}

fn shown(set_at: Option<Timestamp>, must_change: bool) -> serde_json::Value {
    json!({
        "has_password": set_at.is_some(),
        "password_set_at": set_at.map(|at| at.to_string()),
        "must_change_password": must_change,
    })
}

impl Write<'_> {
    async fn disabled_user(&mut self, name: &str) -> Result<Option<String>, MetaError> {
        let select = "SELECT id FROM users WHERE folded = $1 AND disabled_at IS NOT NULL";
        let row = self.tx.row("looking for a name", select, args![folded(name)]).await?;
        row.map(|row| row.text(0)).transpose()
    }

    pub(crate) async fn store_password(&mut self, user: &str, password: &HashedPassword) -> Result<(), MetaError> {
        let update = "UPDATE users SET password = $1, password_set_at = $2, must_change_password = 0,
            reset_requested_at = NULL WHERE id = $3";
        self.tx.run("setting a password", update, args![password.phc(), self.now, user]).await?;
        Ok(())
    }
}
