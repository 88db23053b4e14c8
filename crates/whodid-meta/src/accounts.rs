//! Tenants and their settings.

use serde_json::json;
use whodid_audit::{Actor, Deed, Told};
use whodid_model::access::BuiltInRole;
use whodid_model::{AccountName, Timestamp};

use crate::bindings::{NewBinding, Origin, Subject};
use crate::settings::Changed;
use crate::sql::{Row, Tx, args, json_text};
use crate::text::{LABEL_CHARS_MAX, label};
use crate::write::Write;
use crate::{AccountChange, ChangeError, Meta, MetaError, Settings};

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Name, which is part of paths.
    pub name: AccountName,
    /// Readable name.
    pub title: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Address of its own lake, such as `s3://bucket/prefix` or a folder; `None`: the installation's.
    pub storage: Option<String>,
    /// What it asks of its members.
    pub settings: Settings,
}

const COLUMNS: &str = "SELECT name, title, created_at, storage, settings FROM accounts ORDER BY name";

impl Meta {
    /// Every account, in name order.
    pub async fn accounts(&self) -> Result<Vec<Account>, MetaError> {
        let mut tx = self.read().await?;
        load_accounts(&mut tx).await
    }

    /// One account.
    pub async fn account(&self, name: &AccountName) -> Result<Option<Account>, MetaError> {
        Ok(self.accounts().await?.into_iter().find(|account| account.name == *name))
    }

    /// Makes an account whose administrator is `owner`. The caller has checked that an operator asks. Its storage is never changed afterwards: events would be
    /// left behind.
    pub async fn create_account(
        &self,
        by: &Actor,
        name: &AccountName,
        title: &str,
        storage: Option<&str>,
        owner: &str,
        now: Timestamp,
    ) -> Result<Account, ChangeError> {
        let title = label("title", title, LABEL_CHARS_MAX)?;
        let storage = storage.map(|storage| label("storage", storage, 1024)).transpose()?;
        let mut write = self.write(by, now).await?;
        crate::users::must_exist(&mut write.tx, owner).await?;
        insert_account(&mut write, name, &title, storage.as_deref()).await?;
        write.join(owner, name).await?;
        let binding = NewBinding::whole(Subject::User(owner.to_owned()), BuiltInRole::Administrator.as_str());
        write.bind(name, &binding, Origin::Manual).await?;
        write.commit().await?;
        let settings = Settings::default();
        Ok(Account { name: name.clone(), title, created_at: now, storage, settings })
    }

    /// Changes settings; each that is another afterwards is a record of its own. Passwords are not turned off while an
    /// account would be left without an administrator who can sign in ([`ChangeError::LastAdministrator`]).
    pub async fn update_account(
        &self,
        by: &Actor,
        name: &AccountName,
        change: &AccountChange,
        now: Timestamp,
    ) -> Result<Account, ChangeError> {
        let mut write = self.write(by, now).await?;
        let accounts = load_accounts(&mut write.tx).await?;
        let names: Vec<AccountName> = accounts.iter().map(|account| account.name.clone()).collect();
        let found = accounts.into_iter().find(|account| account.name == *name);
        let mut account = found.ok_or(ChangeError::NotThere { what: "account" })?;
        let accepted_passwords = account.settings.password_sign_in;
        let mut changed = change.apply(&mut account.settings)?;
        if let Some(title) = &change.title {
            let title = label("title", title, LABEL_CHARS_MAX)?;
            if title != account.title {
                let (before, after) = (account.title.clone().into(), title.clone().into());
                changed.push(Changed { name: "title", before, after });
                account.title = title;
            }
        }
        if changed.is_empty() {
            return Ok(account);
        }
        let update = "UPDATE accounts SET title = $1, settings = $2 WHERE name = $3";
        let args = args![&account.title, json_text(&account.settings), name];
        write.tx.run("changing an account", update, args).await?;
        if accepted_passwords && !account.settings.password_sign_in {
            write.guard_administrators(name).await?;
            // Whom this account looks after may look after others, whose names are not its business.
            for other in names.iter().filter(|other| *other != name) {
                if write.lost_administrators(other).await? {
                    let detail = "another account depends on somebody who signs in with a password here";
                    return Err(ChangeError::invalid("password_sign_in", detail));
                }
            }
        }
        for one in changed {
            let told = Told::success(Deed::AccountUpdate, name.as_str(), account.title.as_str())
                .asked("type", one.name)
                .asked("value", one.after.clone())
                .asked("owneremail", write.maker_name())
                .changed(Some(json!({ one.name: one.before })), Some(json!({ one.name: one.after })));
            write.tell(name, &told).await?;
        }
        write.commit().await?;
        Ok(account)
    }
}

pub(crate) async fn insert_account(
    write: &mut Write<'_>,
    name: &AccountName,
    title: &str,
    storage: Option<&str>,
) -> Result<(), ChangeError> {
    let insert = "INSERT INTO accounts (name, title, created_at, storage, settings) VALUES ($1, $2, $3, $4, '{}')
        ON CONFLICT DO NOTHING";
    let made = write.tx.run("making an account", insert, args![name, title, write.now, storage]).await?;
    if made == 0 {
        return Err(ChangeError::Taken { what: "account" });
    }
    let told = Told::success(Deed::AccountCreate, name.as_str(), title)
        .asked("owneremail", write.maker_name())
        .changed(None, Some(json!({"name": name.as_str(), "title": title, "storage": storage})));
    write.tell(name, &told).await?;
    Ok(())
}

pub(crate) async fn load_accounts(tx: &mut Tx) -> Result<Vec<Account>, MetaError> {
    let rows = tx.rows("reading accounts", COLUMNS, args![]).await?;
    rows.iter().map(account).collect()
}

pub(crate) async fn settings_of(tx: &mut Tx, name: &AccountName) -> Result<Settings, ChangeError> {
    let accounts = load_accounts(tx).await?;
    let found = accounts.into_iter().find(|account| account.name == *name);
    found.map(|account| account.settings).ok_or(ChangeError::NotThere { what: "account" })
}

fn account(row: &Row) -> Result<Account, MetaError> {
    Ok(Account {
        name: row.account(0)?,
        title: row.text(1)?,
        created_at: row.time(2)?,
        storage: row.text_or_null(3)?,
        settings: row.json(4)?,
    })
}
