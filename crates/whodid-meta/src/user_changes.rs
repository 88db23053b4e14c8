//! What administrators do with people: change, disable, enable, remove.

use serde_json::{Value as Json, json};
use whodid_audit::{Actor, Deed, Told};
use whodid_model::{AccountName, Timestamp};

use crate::bindings::{Subject, load_bindings};
use crate::sql::{args, json_text};
use crate::text::{LABEL_CHARS_MAX, folded, label, user_name};
use crate::users::{Source, User, UserChange, load_at_home, load_member};
use crate::write::Write;
use crate::{ChangeError, Meta, secret};

/// Most further names of a user.
pub const ALSO_KNOWN_AS_MAX: usize = 50;

/// A user to be made.
pub(crate) struct NewUser<'a> {
    pub(crate) name: &'a str,
    pub(crate) display_name: &'a str,
    pub(crate) home: &'a AccountName,
    pub(crate) is_operator: bool,
    pub(crate) source: Source,
    /// Whether they make themselves, by a link that was made for them.
    pub(crate) holds_link: bool,
}

impl Meta {
    /// Changes a user. Only the home account may.
    pub async fn update_user(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        change: &UserChange,
        now: Timestamp,
    ) -> Result<User, ChangeError> {
        let mut write = self.write(by, now).await?;
        let old = load_at_home(&mut write.tx, account, id).await?;
        let mut new = old.clone();
        if let Some(name) = &change.name {
            new.name = user_name(name)?;
        }
        if let Some(display_name) = &change.display_name {
            new.display_name = label("display_name", display_name, LABEL_CHARS_MAX)?;
        }
        if let Some(names) = &change.also_known_as {
            new.also_known_as = also_known_as(names)?;
        }
        new.must_change_password = change.must_change_password.unwrap_or(old.must_change_password);
        // In one go with the rest: what is refused is refused whole.
        if let Some(is_operator) = change.is_operator {
            write.set_operator(&old, is_operator).await?;
        }
        match change.disabled {
            Some(true) => write.disable(&old).await?,
            Some(false) => write.enable(&old).await?,
            None => {}
        }
        if new == old {
            write.commit().await?;
            return Ok(old);
        }
        let added: Vec<&String> = new.also_known_as.iter().filter(|name| !old.also_known_as.contains(name)).collect();
        write.must_be_nobody_elses(account, id, &added).await?;
        if folded(&new.name) != folded(&old.name) {
            write.must_be_free(&new.name).await?;
        }
        let update = "UPDATE users SET name = $1, folded = $2, display_name = $3, also_known_as = $4,
            must_change_password = $5 WHERE id = $6";
        let args = args![
            &new.name,
            folded(&new.name),
            &new.display_name,
            json_text(&new.also_known_as),
            new.must_change_password,
            id,
        ];
        write.tx.run("changing a user", update, args).await?;
        let told = Told::success(Deed::UserUpdate, id, new.name.as_str()).changed(Some(shown(&old)), Some(shown(&new)));
        write.tell_user(id, &told).await?;
        write.commit().await?;
        Ok(new)
    }

    /// Gives or takes the right to make accounts. For operators; never leaves the installation without one.
    pub async fn set_operator(
        &self,
        by: &Actor,
        id: &str,
        is_operator: bool,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let user = crate::users::load_user(&mut write.tx, id).await?;
        write.set_operator(&user, is_operator).await?;
        write.commit().await?;
        Ok(())
    }

    /// Keeps a user from signing in, ends their sessions, stops their tokens, and ends the invitations and links that they
    /// made and that are for them. Only the home account may.
    pub async fn disable_user(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let user = load_at_home(&mut write.tx, account, id).await?;
        write.disable(&user).await?;
        write.commit().await?;
        Ok(())
    }

    /// Lets a user sign in again. Only the home account may.
    pub async fn enable_user(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let user = load_at_home(&mut write.tx, account, id).await?;
        write.enable(&user).await?;
        write.commit().await?;
        Ok(())
    }

    /// Takes a user out of an account, with their roles, groups and tokens there, and ends their sessions, the invitations
    /// into it that they made, and the links that they made for those whom it looks after. The person stays known to the
    /// installation: records name them.
    pub async fn remove_user(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let user = load_member(&mut write.tx, account, id).await?;
        // Told before the membership goes, so that this account is told of the ended sessions too.
        write.end_sessions(id, None, "the user was removed from an account").await?;
        for binding in load_bindings(&mut write.tx, account).await? {
            if binding.subject == Subject::User(id.to_owned()) {
                write.unbind(account, &binding).await?;
            }
        }
        write.leave_groups(account, id).await?;
        write.revoke_tokens(account, id).await?;
        write.take_back_invitations_by(account, id).await?;
        write.end_links_made_by(id, Some(account), "who made them was removed from the account").await?;
        if user.accounts.len() == 1 {
            // Nobody looks after them any more, who could take back what was made for them.
            write.end_begun_sign_ins(id).await?;
        }
        let is_home = user.home.as_ref() == Some(account);
        if is_home {
            write.forget_further_names(&user).await?;
        }
        let delete = "DELETE FROM memberships WHERE user_id = $1 AND account = $2";
        write.tx.run("removing a user", delete, args![id, account]).await?;
        write.guard_administrators(account).await?;
        if is_home {
            // The next account looks after them; without one nobody does until they are invited again.
            let update = "UPDATE users SET home =
                (SELECT account FROM memberships WHERE user_id = $1 ORDER BY created_at, account LIMIT 1)
                WHERE id = $1";
            write.tx.run("removing a user", update, args![id]).await?;
        }
        let told = Told::success(Deed::UserDelete, id, user.name.as_str()).changed(Some(shown(&user)), None);
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok(())
    }
}

impl Write<'_> {
    /// Makes a user and their membership in the home account.
    pub(crate) async fn insert_user(&mut self, new: &NewUser<'_>) -> Result<String, ChangeError> {
        let id = secret::random_id()?;
        self.must_be_free(new.name).await?;
        let insert = "INSERT INTO users (id, name, folded, display_name, home, also_known_as, is_operator, source,
            created_at, must_change_password) VALUES ($1, $2, $3, $4, $5, '[]', $6, $7, $8, 0)";
        let args = args![
            &id,
            new.name,
            folded(new.name),
            new.display_name,
            new.home,
            new.is_operator,
            new.source.as_str(),
            self.now,
        ];
        self.tx.run("making a user", insert, args).await?;
        if new.holds_link {
            self.acts_by_link(&id, new.name);
        }
        self.join(&id, new.home).await?;
        Ok(id)
    }

    /// Makes a user a member of an account and records it there.
    pub(crate) async fn join(&mut self, user: &str, account: &AccountName) -> Result<(), ChangeError> {
        let insert = "INSERT INTO memberships (user_id, account, created_at) VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING";
        if self.tx.run("joining an account", insert, args![user, account, self.now]).await? == 0 {
            return Err(ChangeError::AlreadyMember);
        }
        let update = "UPDATE users SET home = coalesce(home, $1) WHERE id = $2";
        self.tx.run("joining an account", update, args![account, user]).await?;
        let joined = crate::users::load_user(&mut self.tx, user).await?;
        let told = Told::success(Deed::UserCreate, user, joined.name.as_str()).changed(None, Some(shown(&joined)));
        self.tell(account, &told).await?;
        Ok(())
    }

    /// Before another account looks after a user: it must not go by what the last one called them.
    async fn forget_further_names(&mut self, user: &User) -> Result<(), ChangeError> {
        if user.also_known_as.is_empty() {
            return Ok(());
        }
        let update = "UPDATE users SET also_known_as = '[]' WHERE id = $1";
        self.tx.run("removing a user", update, args![&user.id]).await?;
        let forgotten = User { also_known_as: Vec::new(), ..user.clone() };
        let told = Told::success(Deed::UserUpdate, user.id.as_str(), user.name.as_str())
            .changed(Some(shown(user)), Some(shown(&forgotten)));
        self.tell_user(&user.id, &told).await?;
        Ok(())
    }

    /// Refuses further names by which a user would see what another member does: that one's name or id.
    async fn must_be_nobody_elses(
        &mut self,
        account: &AccountName,
        user: &str,
        names: &[&String],
    ) -> Result<(), ChangeError> {
        if names.is_empty() {
            return Ok(());
        }
        let select = "SELECT u.folded, u.id FROM users u JOIN memberships m ON m.user_id = u.id
            WHERE m.account = $1 AND u.id <> $2";
        for row in self.tx.rows("looking for a name", select, args![account, user]).await? {
            let known = [row.text(0)?, folded(&row.text(1)?)];
            if let Some(taken) = names.iter().find(|name| known.contains(&folded(name))) {
                let why = format!("`{taken}` is the name or the id of another user");
                return Err(ChangeError::invalid("also_known_as", why));
            }
        }
        Ok(())
    }

    pub(crate) async fn must_be_free(&mut self, name: &str) -> Result<(), ChangeError> {
        let select = "SELECT 1 FROM users WHERE folded = $1";
        match self.tx.row("looking for a name", select, args![folded(name)]).await? {
            Some(_) => Err(ChangeError::Taken { what: "user" }),
            None => Ok(()),
        }
    }

    async fn guard_operators(&mut self) -> Result<(), ChangeError> {
        let select = "SELECT count(*) FROM users WHERE is_operator = 1 AND disabled_at IS NULL";
        let row = self.tx.row("counting operators", select, args![]).await?;
        if row.map_or(Ok(0), |row| row.int(0))? == 0 {
            return Err(ChangeError::LastOperator);
        }
        Ok(())
    }
}

/// What a record shows of a user.
pub(crate) fn shown(user: &User) -> Json {
    json!({
        "name": user.name,
        "display_name": user.display_name,
        "also_known_as": user.also_known_as,
        "source": user.source.as_str(),
        "must_change_password": user.must_change_password,
    })
}

fn also_known_as(names: &[String]) -> Result<Vec<String>, ChangeError> {
    if names.len() > ALSO_KNOWN_AS_MAX {
        return Err(ChangeError::invalid("also_known_as", format!("at most {ALSO_KNOWN_AS_MAX} names")));
    }
    let mut checked: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let name = label("also_known_as", name, 512)?;
        if !checked.contains(&name) {
            checked.push(name);
        }
    }
    Ok(checked)
}

impl Write<'_> {
    async fn set_operator(&mut self, user: &User, is_operator: bool) -> Result<(), ChangeError> {
        if user.is_operator == is_operator {
            return Ok(());
        }
        let update = "UPDATE users SET is_operator = $1 WHERE id = $2";
        self.tx.run("changing an operator", update, args![is_operator, &user.id]).await?;
        self.guard_operators().await?;
        let told = Told::success(Deed::UserUpdate, user.id.as_str(), user.name.as_str())
            .changed(Some(json!({"is_operator": user.is_operator})), Some(json!({"is_operator": is_operator})));
        self.tell_operator(&user.id, &told).await?;
        Ok(())
    }

    async fn disable(&mut self, user: &User) -> Result<(), ChangeError> {
        let id = user.id.as_str();
        if user.disabled_at.is_some() {
            return Ok(());
        }
        let update = "UPDATE users SET disabled_at = $1 WHERE id = $2";
        self.tx.run("disabling a user", update, args![self.now, id]).await?;
        for account in &user.accounts {
            self.guard_administrators(account).await?;
        }
        if user.is_operator {
            self.guard_operators().await?;
        }
        let told = Told::success(Deed::UserDisable, id, user.name.as_str())
            .changed(Some(json!({"enabled": true})), Some(json!({"enabled": false})));
        self.tell_user(id, &told).await?;
        self.end_sessions(id, None, "the user was disabled").await?;
        self.end_begun_sign_ins(id).await?;
        for account in &user.accounts {
            self.take_back_invitations_by(account, id).await?;
        }
        self.end_links_made_by(id, None, "who made them was disabled").await?;
        Ok(())
    }

    async fn enable(&mut self, user: &User) -> Result<(), ChangeError> {
        let id = user.id.as_str();
        if user.disabled_at.is_none() {
            return Ok(());
        }
        self.tx.run("enabling a user", "UPDATE users SET disabled_at = NULL WHERE id = $1", args![id]).await?;
        let told = Told::success(Deed::UserEnable, id, user.name.as_str())
            .changed(Some(json!({"enabled": false})), Some(json!({"enabled": true})));
        self.tell_user(id, &told).await?;
        Ok(())
    }
}
