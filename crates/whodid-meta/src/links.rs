//! One-time links: to sign in, to set a new password, to join.

use serde_json::json;
use whodid_audit::{Actor, Deed, Told};
use whodid_model::time::MICROS_A_DAY;
use whodid_model::{AccountName, Timestamp};

use crate::password::HashedPassword;
use crate::secret::{self, Secret, TOKEN_BYTES};
use crate::sign_in::{of_new_password, of_password};
use crate::sql::args;
use crate::text::folded;
use crate::users::{Source, load_at_home, load_user};
use crate::write::Write;
use crate::{ChangeError, Device, Meta, MetaError, Method, NewSession};

/// How long a link to sign in or to set a password works, in microseconds.
pub const LINK_VALID_MICROS: i64 = MICROS_A_DAY;

/// A one-time link just made.
#[derive(Debug, Clone)]
pub struct Link {
    /// What stands after `token=`; not kept.
    pub token: Secret,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// To join an account.
    Invitation,
    /// To set a new password.
    PasswordReset,
    /// To sign in.
    SignIn,
}

impl LinkKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password-reset",
            Self::SignIn => "sign-in",
        }
    }
}

/// What a link that works is for, without using it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkInfo {
    /// What it is for.
    pub kind: LinkKind,
    /// The account to join; of other links, the user's home.
    pub account: Option<AccountName>,
    /// The user's name.
    pub user_name: String,
    /// How they are or will be shown.
    pub display_name: String,
    /// Until when it works.
    pub expires_at: Timestamp,
    /// Whether a user of that name exists, who then signs in to accept an invitation.
    pub has_identity: bool,
}

/// Why a link does not work.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Unknown, or its time is over.
    #[error("the link is unknown or has expired")]
    Expired,
    /// It worked before.
    #[error("the link was used before")]
    Used,
    /// It works, but what it is for is refused. It can be used again.
    #[error(transparent)]
    Refused(ChangeError),
    /// The metadata cannot be read or written.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

impl From<ChangeError> for LinkError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Meta(error) => Self::Meta(error),
            refused => Self::Refused(refused),
        }
    }
}

impl Meta {
    /// Makes a one-time link that signs a user in. For commands on the server's machine.
    pub async fn create_link(&self, by: &Actor, user: &str, now: Timestamp) -> Result<Link, ChangeError> {
        let mut write = self.write(by, now).await?;
        let link = write.create_link(user).await?;
        write.commit().await?;
        Ok(link)
    }

    /// Uses a one-time link up and begins a session. Of any number of racing calls one succeeds.
    ///
    /// It asks for no second factor: for a user who has one, take [`Meta::link_user`] and begin a challenge.
    pub async fn use_link(
        &self,
        by: &Actor,
        token: &str,
        device: &Device,
        now: Timestamp,
    ) -> Result<NewSession, LinkError> {
        let user = self.user_of_link(token, LinkKind::SignIn, now).await?;
        let mut write = self.write(by, now).await?;
        write.use_up(token, LinkKind::SignIn).await?;
        let begun = write.begin_session(&user, device, Method::Link, false).await?;
        let told = Told::success(Deed::UserAuthenticate, user.as_str(), begun.session.user.name.as_str())
            .asked("method", Method::Link.as_str());
        write.tell_user(&user, &told).await?;
        write.commit().await?;
        Ok(begun)
    }

    /// Uses a one-time link up without beginning a session; whose it was. For users with a second factor, who are
    /// asked for it next.
    pub async fn link_user(&self, by: &Actor, token: &str, now: Timestamp) -> Result<String, LinkError> {
        let user = self.user_of_link(token, LinkKind::SignIn, now).await?;
        let mut write = self.write_unaudited(by, now).await?;
        write.use_up(token, LinkKind::SignIn).await?;
        write.commit().await?;
        Ok(user)
    }

    /// What a link is for, without using it up.
    pub async fn look_at_link(&self, token: &str, now: Timestamp) -> Result<LinkInfo, LinkError> {
        let hash = secret::hash(token);
        let mut tx = self.read().await?;
        let select = "SELECT l.kind, u.home, u.name, u.display_name, l.expires_at, l.used_at FROM links l
            JOIN users u ON u.id = l.user_id WHERE l.hash = $1 AND u.disabled_at IS NULL";
        if let Some(row) = tx.row("looking at a link", select, args![hash]).await? {
            if row.time_or_null(5)?.is_some() {
                return Err(LinkError::Used);
            }
            let kind = if row.text(0)? == "sign-in" { LinkKind::SignIn } else { LinkKind::PasswordReset };
            let info = LinkInfo {
                kind,
                account: row.text_or_null(1)?.and_then(|home| AccountName::parse(&home).ok()),
                user_name: row.text(2)?,
                display_name: row.text(3)?,
                expires_at: row.time(4)?,
                has_identity: true,
            };
            return if now < info.expires_at { Ok(info) } else { Err(LinkError::Expired) };
        }
        let select = "SELECT i.account, i.name, i.display_name, i.expires_at,
            CASE WHEN EXISTS (SELECT 1 FROM users u WHERE u.folded = i.folded) THEN 1 ELSE 0 END
            FROM invitations i WHERE i.hash = $1";
        let row = tx.row("looking at a link", select, args![hash]).await?.ok_or(LinkError::Expired)?;
        let info = LinkInfo {
            kind: LinkKind::Invitation,
            account: Some(row.account(0)?),
            user_name: row.text(1)?,
            display_name: row.text(2)?,
            expires_at: row.time(3)?,
            has_identity: row.flag(4)?,
        };
        if now < info.expires_at { Ok(info) } else { Err(LinkError::Expired) }
    }

    /// Makes a link by which a user sets a new password. Only the home account may.
    pub async fn create_password_reset(
        &self,
        by: &Actor,
        account: &AccountName,
        user: &str,
        now: Timestamp,
    ) -> Result<Link, ChangeError> {
        let mut write = self.write(by, now).await?;
        let found = load_at_home(&mut write.tx, account, user).await?;
        if found.disabled_at.is_some() {
            return Err(ChangeError::NotThere { what: "user" });
        }
        if found.source == Source::Oidc {
            return Err(ChangeError::invalid("user", "signs in with the identity provider"));
        }
        let link = write.insert_link(user, LinkKind::PasswordReset).await?;
        let update = "UPDATE users SET reset_requested_at = NULL WHERE id = $1";
        write.tx.run("making a password link", update, args![user]).await?;
        let told = Told::success(Deed::PasswordResetRequest, user, found.name.as_str())
            .answered("expires_at", link.expires_at.to_string());
        write.tell_user(user, &told).await?;
        write.commit().await?;
        Ok(link)
    }

    /// Notes that somebody asked for a new password, for administrators to see. No link goes out by itself. The same
    /// happens for a name that is not known.
    pub async fn request_password_reset(&self, by: &Actor, name: &str, now: Timestamp) -> Result<(), MetaError> {
        let mut write = self.write(by, now).await?;
        let select = "SELECT id, name FROM users WHERE folded = $1 AND disabled_at IS NULL AND source = 'local'
            AND (is_operator = 1 OR EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = id))";
        let row = write.tx.row("asking for a password", select, args![folded(name)]).await?;
        let update = "UPDATE users SET reset_requested_at = $1 WHERE folded = $2 AND disabled_at IS NULL
            AND source = 'local'";
        write.tx.run("asking for a password", update, args![now, folded(name)]).await?;
        match row {
            Some(row) => {
                let (id, name) = (row.text(0)?, row.text(1)?);
                write.tell_user(&id, &Told::success(Deed::PasswordResetRequest, id.as_str(), name)).await?;
            }
            None => {
                // The typed name may be a mistyped password: it is not told.
                let told = Told::success(Deed::PasswordResetRequest, "unknown", "").asked("known", false);
                write.tell_first(&told).await?;
            }
        }
        write.commit_unseen().await
    }

    /// Uses a link up and sets the password. Ends every session of the user, further links, sign-ins that have begun, and
    /// the suspension of signing in.
    pub async fn commit_password_reset(
        &self,
        by: &Actor,
        token: &str,
        password: &HashedPassword,
        now: Timestamp,
    ) -> Result<String, LinkError> {
        let user = self.user_of_link(token, LinkKind::PasswordReset, now).await?;
        let mut write = self.write(by, now).await?;
        write.use_up(token, LinkKind::PasswordReset).await?;
        let found = load_user(&mut write.tx, &user).await?;
        write.acts_by_link(&user, &found.name);
        write.store_password(&user, password).await?;
        write.clear_failures(&found.name).await?;
        write.end_begun_sign_ins(&user).await?;
        let told = Told::success(Deed::PasswordResetCommit, user.as_str(), found.name.as_str())
            .changed(Some(of_password(&found)), Some(of_new_password(now)));
        write.tell_user(&user, &told).await?;
        write.end_sessions(&user, None, "the password was reset").await?;
        write.commit().await?;
        Ok(user)
    }

    /// Whose link this is. A guess is found out by reading: it must not take the one writer's place from others.
    async fn user_of_link(&self, token: &str, kind: LinkKind, now: Timestamp) -> Result<String, LinkError> {
        let select = "SELECT l.user_id, l.used_at, l.expires_at FROM links l JOIN users u ON u.id = l.user_id
            WHERE l.hash = $1 AND l.kind = $2 AND u.disabled_at IS NULL";
        let args = args![secret::hash(token), kind.as_str()];
        let row = self.db().row("looking for a link", select, args).await?.ok_or(LinkError::Expired)?;
        if row.time_or_null(1)?.is_some() {
            return Err(LinkError::Used);
        }
        if now >= row.time(2)? {
            return Err(LinkError::Expired);
        }
        Ok(row.text(0)?)
    }
}

impl Write<'_> {
    /// Makes a link to sign in, and records it.
    pub(crate) async fn create_link(&mut self, user: &str) -> Result<Link, ChangeError> {
        let found = load_user(&mut self.tx, user).await?;
        let belongs = found.is_operator || !found.accounts.is_empty();
        if found.disabled_at.is_some() || !belongs {
            return Err(ChangeError::NotThere { what: "user" });
        }
        let link = self.insert_link(user, LinkKind::SignIn).await?;
        let told = Told::success(Deed::SignInLinkCreate, user, found.name.as_str())
            .answered("expires_at", link.expires_at.to_string());
        self.tell_user(user, &told).await?;
        Ok(link)
    }

    async fn insert_link(&mut self, user: &str, kind: LinkKind) -> Result<Link, MetaError> {
        let token = secret::random_text(TOKEN_BYTES)?;
        let expires_at = self.now.plus_micros(LINK_VALID_MICROS);
        let insert = "INSERT INTO links (hash, kind, user_id, created_at, expires_at, made_by)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let args = args![secret::hash(&token), kind.as_str(), user, self.now, expires_at, self.maker()];
        self.tx.run("making a link", insert, args).await?;
        Ok(Link { token: Secret::new(token), expires_at })
    }

    /// Ends what could still become a session or a password of a user: open links, and challenges. With their sessions:
    /// whoever has one of these would be in again.
    pub(crate) async fn end_begun_sign_ins(&mut self, user: &str) -> Result<(), MetaError> {
        let update = "UPDATE links SET used_at = $1 WHERE user_id = $2 AND used_at IS NULL AND expires_at > $1";
        self.tx.run("ending links", update, args![self.now, user]).await?;
        self.tell_unanswered(Some(user)).await?;
        self.tx.run("ending challenges", "DELETE FROM challenges WHERE user_id = $1", args![user]).await?;
        Ok(())
    }

    /// Ends the open links that somebody made for others, whom `account` looks after, or any account, and records it
    /// with each of these: who made a link may know it still.
    pub(crate) async fn end_links_made_by(
        &mut self,
        maker: &str,
        account: Option<&AccountName>,
        reason: &str,
    ) -> Result<(), MetaError> {
        let doing = "ending links";
        let select = "SELECT u.id, u.name, count(*) FROM links l JOIN users u ON u.id = l.user_id
            WHERE l.made_by = $1 AND l.user_id <> $1 AND l.used_at IS NULL AND l.expires_at > $2
            AND (u.home = $3 OR $3 = '') GROUP BY u.id, u.name ORDER BY u.id";
        let account = account.map_or("", AccountName::as_str);
        for row in self.tx.rows(doing, select, args![maker, self.now, account]).await? {
            let (user, name, count) = (row.text(0)?, row.text(1)?, row.int(2)?);
            let update = "UPDATE links SET used_at = $1 WHERE made_by = $2 AND user_id = $3 AND used_at IS NULL
                AND expires_at > $1";
            self.tx.run(doing, update, args![self.now, maker, &user]).await?;
            let told = Told::success(Deed::UserUpdate, user.as_str(), name)
                .asked("reason", reason)
                .changed(Some(json!({"links": count})), Some(json!({"links": 0})));
            self.tell_user(&user, &told).await?;
        }
        Ok(())
    }

    /// Of any number of racing calls one gets through.
    async fn use_up(&mut self, token: &str, kind: LinkKind) -> Result<(), LinkError> {
        let update = "UPDATE links SET used_at = $1 WHERE hash = $2 AND kind = $3 AND used_at IS NULL
            AND expires_at > $1";
        let args = args![self.now, secret::hash(token), kind.as_str()];
        match self.tx.run("using a link", update, args).await? {
            0 => Err(LinkError::Used),
            _ => Ok(()),
        }
    }
}
