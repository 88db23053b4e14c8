//! A change and its record, in one transaction.

use std::borrow::Cow;

use serde_json::Value as Json;
use whodid_audit::{Actor, By, Credential, Told};
use whodid_model::{AccountName, StreamName, Timestamp};

use crate::outbox::{OUTBOX_MAX, OUTBOX_MAX_OF_ACCOUNT, OUTBOX_MAX_OF_OTHERS};
use crate::sql::{Tx, args};
use crate::{Meta, MetaError};

/// A transaction that changes something. Dropped without [`Write::commit`], it leaves neither change nor record.
pub(crate) struct Write<'a> {
    pub(crate) tx: Tx,
    pub(crate) now: Timestamp,
    pub(crate) by: Cow<'a, Actor>,
    meta: &'a Meta,
    installation: String,
    told: i64,
    /// Whether something was recorded.
    has_told: bool,
    /// Whether it is refused where too many records of an account wait.
    is_bounded: bool,
    /// The accounts that were looked at for that: what was begun is told whole.
    bounded: Vec<AccountName>,
    /// Last, so that the next writer's turn comes after the transaction ended.
    _turn: tokio::sync::OwnedMutexGuard<()>,
}

impl Meta {
    /// Begins a change. Refused while too many records wait.
    pub(crate) async fn write<'a>(&'a self, by: &'a Actor, now: Timestamp) -> Result<Write<'a>, MetaError> {
        let mut write = self.write_unaudited(by, now).await?;
        let row = write.tx.row("counting what waits", "SELECT count(*) FROM outbox", args![]).await?;
        let waiting = row.map_or(Ok(0), |row| row.int(0))?;
        if waiting >= OUTBOX_MAX {
            return Err(MetaError::AuditBehind { waiting });
        }
        write.is_bounded = true;
        Ok(write)
    }

    /// Begins what needs no record, such as noting a use, and works whatever waits.
    pub(crate) async fn write_unaudited<'a>(&'a self, by: &'a Actor, now: Timestamp) -> Result<Write<'a>, MetaError> {
        // Writers of this process wait here, where they hold no connection that a reader needs.
        let turn = self.writers().lock_owned().await;
        let mut tx = self.db().begin_write().await?;
        // First, so that PostgreSQL's row lock puts writers in line before they read anything.
        let counted = "UPDATE revision SET number = number + 1 RETURNING told";
        let told = tx.row("counting a change", counted, args![]).await?.map_or(Ok(0), |row| row.int(0))?;
        let row = tx.row("reading the installation", "SELECT id FROM installation", args![]).await?;
        let installation = row.map_or(Ok(String::new()), |row| row.text(0))?;
        let bounded = Vec::new();
        Ok(Write {
            tx,
            now,
            by: Cow::Borrowed(by),
            meta: self,
            installation,
            told,
            has_told: false,
            is_bounded: false,
            bounded,
            _turn: turn,
        })
    }
}

impl<'a> Write<'a> {
    pub(crate) fn meta(&self) -> &'a Meta {
        self.meta
    }
}

impl Write<'_> {
    /// For the first change of all, which makes the installation.
    pub(crate) fn set_installation(&mut self, id: &str) {
        id.clone_into(&mut self.installation);
    }

    /// Whoever holds a link is who it was made for: from here on they act, and are told as the one who did it.
    pub(crate) fn acts_by_link(&mut self, user: &str, name: &str) {
        let by = By::User { id: user.to_owned(), name: name.to_owned() };
        self.by = Cow::Owned(Actor { by, credential: Some(Credential::Link), ..self.by.clone().into_owned() });
    }

    /// Records a deed in an account's audit stream.
    pub(crate) async fn tell(&mut self, account: &AccountName, told: &Told) -> Result<(), MetaError> {
        self.tell_in(account, &StreamName::audit(), told).await
    }

    /// Records a deed in a stream of an account.
    pub(crate) async fn tell_in(
        &mut self,
        account: &AccountName,
        stream: &StreamName,
        told: &Told,
    ) -> Result<(), MetaError> {
        self.bound(account, OUTBOX_MAX_OF_ACCOUNT).await?;
        self.tell_bounded(account, stream, told).await
    }

    async fn tell_bounded(&mut self, account: &AccountName, stream: &StreamName, told: &Told) -> Result<(), MetaError> {
        let id = uuid_v7(self.now)?;
        let text = whodid_audit::event(&self.installation, account, self.now, &id, &self.by, told);
        self.told += 1;
        self.has_told = true;
        let insert = "INSERT INTO outbox (id, account, stream, event) VALUES ($1, $2, $3, $4)";
        let args = args![self.told, account, stream.as_str(), text];
        self.tx.run("recording a deed", insert, args).await?;
        Ok(())
    }

    /// Refuses when too many records of the account wait.
    async fn bound(&mut self, account: &AccountName, max: i64) -> Result<(), MetaError> {
        if !self.is_bounded || self.bounded.contains(account) {
            return Ok(());
        }
        let count = "SELECT count(*) FROM outbox WHERE account = $1";
        let row = self.tx.row("counting what waits", count, args![account]).await?;
        let waiting = row.map_or(Ok(0), |row| row.int(0))?;
        if waiting >= max {
            return Err(MetaError::AuditBehind { waiting });
        }
        self.bounded.push(account.clone());
        Ok(())
    }

    /// Records in an account what was not done in it.
    pub(crate) async fn tell_elsewhere(&mut self, account: &AccountName, told: &Told) -> Result<(), MetaError> {
        self.bound(account, OUTBOX_MAX_OF_OTHERS).await?;
        self.tell_bounded(account, &StreamName::audit(), told).await
    }

    /// Records a deed that concerns a user everywhere: in every account of the user. An account that somebody does not
    /// belong to is not told of them: of who belongs to none the first account learns no more than of somebody unknown,
    /// but for operators, who are the installation's own.
    pub(crate) async fn tell_user(&mut self, user: &str, told: &Told) -> Result<(), MetaError> {
        let accounts = self.accounts_of(user).await?;
        for account in &accounts {
            self.tell_elsewhere(account, told).await?;
        }
        if !accounts.is_empty() {
            return Ok(());
        }
        let select = "SELECT 1 FROM users WHERE id = $1 AND is_operator = 1";
        if self.tx.row("looking for an operator", select, args![user]).await?.is_some() {
            return self.tell_first(told).await;
        }
        let (target_id, target_name) = ("unknown".to_owned(), String::new());
        self.tell_first(&Told { target_id, target_name, change: None, ..told.clone() }).await
    }

    /// The same of what only operators do, with whom it was done to in any case.
    pub(crate) async fn tell_operator(&mut self, user: &str, told: &Told) -> Result<(), MetaError> {
        if self.accounts_of(user).await?.is_empty() {
            self.tell_first(told).await
        } else {
            self.tell_user(user, told).await
        }
    }

    /// Records a deed of somebody unknown in the first account.
    pub(crate) async fn tell_first(&mut self, told: &Told) -> Result<(), MetaError> {
        if let Some(account) = self.first_account().await? {
            self.tell(&account, told).await?;
        }
        Ok(())
    }

    async fn accounts_of(&mut self, user: &str) -> Result<Vec<AccountName>, MetaError> {
        let select = "SELECT account FROM memberships WHERE user_id = $1 ORDER BY account";
        let rows = self.tx.rows("reading memberships", select, args![user]).await?;
        rows.iter().map(|row| row.account(0)).collect()
    }

    async fn first_account(&mut self) -> Result<Option<AccountName>, MetaError> {
        let select = "SELECT name FROM accounts ORDER BY created_at, name LIMIT 1";
        let row = self.tx.row("reading accounts", select, args![]).await?;
        row.map(|row| row.account(0)).transpose()
    }

    /// Who acts, for a column that tells who made something.
    pub(crate) fn maker(&self) -> String {
        match &self.by.by {
            By::User { id, .. } | By::Key { id, .. } => id.clone(),
            By::Operator { name } => format!("operator:{name}"),
            By::Nobody => "nobody".to_owned(),
            By::System => "system".to_owned(),
            By::Bucket { path } => format!("bucket:{path}"),
        }
    }

    /// The actor's readable name.
    pub(crate) fn maker_name(&self) -> String {
        match &self.by.by {
            By::User { name, .. } | By::Key { name, .. } | By::Operator { name } => name.clone(),
            By::Nobody => "nobody".to_owned(),
            By::System => "whodid".to_owned(),
            By::Bucket { .. } => "bucket".to_owned(),
        }
    }

    /// After rows were brought back: goes on counting where they stop, however many they are.
    pub(crate) async fn told_up_to_outbox(&mut self) -> Result<(), MetaError> {
        self.is_bounded = false;
        let row = self.tx.row("counting records", "SELECT max(id) FROM outbox", args![]).await?;
        let last = row.map_or(Ok(None), |row| row.int_or_null(0))?;
        self.told = self.told.max(last.unwrap_or(0));
        Ok(())
    }

    /// The same for what is not held in memory: nobody needs to look again, so that whoever can cause such changes
    /// without a key cannot make everybody read everything anew.
    pub(crate) async fn commit_unseen(mut self) -> Result<(), MetaError> {
        let update = "UPDATE revision SET told = $1, number = number - 1";
        self.tx.run("counting records", update, args![self.told]).await?;
        self.tx.commit().await?;
        self.meta.noted(self.has_told);
        Ok(())
    }

    /// Makes change and record last, and lets the next lookup see them.
    pub(crate) async fn commit(mut self) -> Result<(), MetaError> {
        self.tx.run("counting records", "UPDATE revision SET told = $1", args![self.told]).await?;
        self.tx.commit().await?;
        self.meta.noted(self.has_told);
        self.meta.cache().forget();
        Ok(())
    }
}

fn uuid_v7(now: Timestamp) -> Result<String, MetaError> {
    let mut random = [0_u8; 10];
    getrandom::fill(&mut random)?;
    let millis = u64::try_from(now.micros().div_euclid(1000)).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string())
}

/// A JSON object of a thing for the delta of its record.
pub(crate) fn object(value: &impl serde::Serialize) -> Option<Json> {
    serde_json::to_value(value).ok()
}
