//! People of an identity provider: made at their first sign-in, their roles as it tells them.

use whodid_audit::Actor;
use whodid_model::{AccountName, Timestamp};

use crate::bindings::{NewBinding, Origin, RoleGrant, Subject, load_bindings};
use crate::sql::args;
use crate::text::{LABEL_CHARS_MAX, folded, label, user_name};
use crate::user_changes::{NewUser, shown};
use crate::users::{Source, load_user};
use crate::write::Write;
use crate::{ChangeError, Meta, MetaError};

/// Somebody as an identity provider tells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcUser {
    /// The provider's address.
    pub issuer: String,
    /// Its stable id of the person.
    pub subject: String,
    /// What they are called here.
    pub name: String,
    /// How they are shown.
    pub display_name: String,
    /// The account that the provider is for.
    pub account: AccountName,
    /// The roles that follow from the groups it tells.
    pub roles: Vec<RoleGrant>,
}

impl Meta {
    /// Takes somebody in whom an identity provider vouches for; the user's id. A local user of the same name is not
    /// taken over ([`ChangeError::Taken`]); one who is disabled is not let in ([`ChangeError::NotThere`]).
    pub async fn sign_in_oidc(&self, by: &Actor, told: &OidcUser, now: Timestamp) -> Result<String, ChangeError> {
        let name = user_name(&told.name)?;
        let shown_as = if told.display_name.trim().is_empty() { &name } else { &told.display_name };
        let display_name = label("display_name", shown_as, LABEL_CHARS_MAX.max(name.chars().count()))?;
        let mut write = self.write(by, now).await?;
        let user = match write.user_of_identity(&told.issuer, &told.subject).await? {
            Some(user) => {
                write.update_from_provider(&user, &name, &display_name).await?;
                user
            }
            None => {
                let new = NewUser {
                    name: &name,
                    display_name: &display_name,
                    home: &told.account,
                    is_operator: false,
                    source: Source::Oidc,
                    holds_link: false,
                };
                let user = write.insert_user(&new).await?;
                let insert = "INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4)";
                let args = args![&told.issuer, &told.subject, &user, now];
                write.tx.run("keeping an identity", insert, args).await?;
                user
            }
        };
        let found = load_user(&mut write.tx, &user).await?;
        if !found.accounts.contains(&told.account) {
            // Removed from the account since: the provider takes them in again.
            write.join(&user, &told.account).await?;
        }
        write.replace_bindings(&told.account, &user, &told.roles).await?;
        write.commit().await?;
        Ok(user)
    }

    /// Takes from somebody whom the provider gives no role in an account any more what came of it there: roles and
    /// personal tokens; and ends their sessions. Roles given by hand stay. False when nobody has the identity. An
    /// account's last administrator is not taken away: nothing is changed then.
    pub async fn forget_oidc(
        &self,
        by: &Actor,
        issuer: &str,
        subject: &str,
        account: &AccountName,
        now: Timestamp,
    ) -> Result<bool, ChangeError> {
        let mut write = self.write(by, now).await?;
        let Some(user) = write.user_of_identity(issuer, subject).await? else { return Ok(false) };
        write.replace_bindings(account, &user, &[]).await?;
        write.end_sessions(&user, None, "the identity provider gives no role any more").await?;
        write.revoke_tokens(account, &user).await?;
        write.commit().await?;
        Ok(true)
    }
}

impl Write<'_> {
    async fn user_of_identity(&mut self, issuer: &str, subject: &str) -> Result<Option<String>, MetaError> {
        let select = "SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2";
        let row = self.tx.row("looking for an identity", select, args![issuer, subject]).await?;
        row.map(|row| row.text(0)).transpose()
    }

    /// The provider's word on names holds, unless somebody else has the name.
    async fn update_from_provider(&mut self, user: &str, name: &str, display_name: &str) -> Result<(), ChangeError> {
        let old = load_user(&mut self.tx, user).await?;
        if old.disabled_at.is_some() {
            return Err(ChangeError::NotThere { what: "user" });
        }
        if old.name == name && old.display_name == display_name {
            return Ok(());
        }
        if folded(&old.name) != folded(name) {
            self.must_be_free(name).await?;
        }
        let update = "UPDATE users SET name = $1, folded = $2, display_name = $3 WHERE id = $4";
        self.tx.run("changing a user", update, args![name, folded(name), display_name, user]).await?;
        let new = load_user(&mut self.tx, user).await?;
        let told = whodid_audit::Told::success(whodid_audit::Deed::UserUpdate, user, name)
            .changed(Some(shown(&old)), Some(shown(&new)));
        self.tell_user(user, &told).await?;
        Ok(())
    }

    /// Takes away what the provider does not tell any more and gives what is new.
    async fn replace_bindings(
        &mut self,
        account: &AccountName,
        user: &str,
        roles: &[RoleGrant],
    ) -> Result<(), ChangeError> {
        let subject = Subject::User(user.to_owned());
        let mut wanted: Vec<&RoleGrant> = roles.iter().collect();
        let mut took_away = false;
        for binding in load_bindings(&mut self.tx, account).await? {
            if binding.subject != subject || binding.origin != Origin::Oidc {
                continue;
            }
            let (role, spaces, query) = (&binding.role, &binding.spaces, &binding.query);
            let same = |grant: &&RoleGrant| (&grant.role, &grant.spaces, &grant.query) == (role, spaces, query);
            match wanted.iter().position(same) {
                Some(at) => {
                    wanted.swap_remove(at);
                }
                None => {
                    self.unbind(account, &binding).await?;
                    took_away = true;
                }
            }
        }
        for grant in wanted {
            let binding = NewBinding { subject: subject.clone(), grant: grant.clone() };
            match self.bind(account, &binding, Origin::Oidc).await {
                // Two groups may give one role.
                Ok(_) | Err(ChangeError::Already { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if took_away {
            self.guard_administrators(account).await?;
        }
        Ok(())
    }
}
