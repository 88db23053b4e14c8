//! Records of deeds that wait to be stored as events.

use std::sync::atomic::Ordering;

use whodid_audit::{Actor, Told};
use whodid_model::{AccountName, StreamName, Timestamp};

use crate::sql::args;
use crate::{Meta, MetaError};

/// With this many records waiting, nothing is changed any more: what cannot be audited is refused.
pub const OUTBOX_MAX: i64 = 100_000;
/// With this many records of one account waiting, nothing that must be told to it is done any more. Far fewer than
/// [`OUTBOX_MAX`], so that one account whose storage takes nothing does not stop the others.
pub const OUTBOX_MAX_OF_ACCOUNT: i64 = 2_000;
/// The same for what is done elsewhere and told to the account because a member of it did it, such as signing in: one
/// account whose storage takes nothing must not keep its members out of the others, nor fill the outbox alone.
pub const OUTBOX_MAX_OF_OTHERS: i64 = OUTBOX_MAX / 2;

/// A record that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Place in line; never given twice.
    pub id: i64,
    /// Whose event it is.
    pub account: AccountName,
    /// The stream it belongs to.
    pub stream: StreamName,
    /// One line of JSON, made by [`whodid_audit::event`].
    pub event: String,
}

impl Meta {
    /// Records a deed that is no change here, such as one that was refused: in an account, or without one in the
    /// first. Refused while too many records wait.
    pub async fn record(
        &self,
        by: &Actor,
        account: Option<&AccountName>,
        told: &Told,
        now: Timestamp,
    ) -> Result<(), MetaError> {
        let mut write = self.write(by, now).await?;
        match account {
            Some(account) => write.tell(account, told).await?,
            None => write.tell_first(told).await?,
        }
        write.commit_unseen().await
    }

    /// The records behind `after` that wait longest, at most `limit`, in the order in which things were done; without
    /// those of the accounts `except`, which cannot be stored now and shall hide no others.
    pub async fn outbox(&self, after: i64, limit: usize, except: &[AccountName]) -> Result<Vec<Outgoing>, MetaError> {
        let mut tx = self.read().await?;
        let mut args = args![after, i64::try_from(limit).unwrap_or(i64::MAX)];
        let mut others = String::new();
        for account in except {
            args.push(account.into());
            others.push_str(&format!(" AND account <> ${}", args.len()));
        }
        let select =
            format!("SELECT id, account, stream, event FROM outbox WHERE id > $1{others} ORDER BY id LIMIT $2");
        let rows = tx.rows("reading what waits", sqlx::AssertSqlSafe(select), args).await?;
        let mut waiting = Vec::with_capacity(rows.len());
        for row in rows {
            let stream = StreamName::parse(&row.text(2)?).map_err(|_| MetaError::Damaged { what: "a stream" })?;
            waiting.push(Outgoing { id: row.int(0)?, account: row.account(1)?, stream, event: row.text(3)? });
        }
        Ok(waiting)
    }

    /// Forgets records that are stored now.
    pub async fn outbox_done(&self, ids: &[i64]) -> Result<(), MetaError> {
        if ids.is_empty() {
            return Ok(());
        }
        let actor = Actor::system();
        let mut write = self.write_unaudited(&actor, Timestamp::default()).await?;
        for id in ids {
            write.tx.run("forgetting what is stored", "DELETE FROM outbox WHERE id = $1", args![*id]).await?;
        }
        write.commit_unseen().await
    }

    /// Whether this process recorded something since [`Meta::is_looked_at`].
    pub fn has_told(&self) -> bool {
        self.has_told_flag().load(Ordering::Acquire)
    }

    /// What was recorded until now is about to be looked at.
    pub fn is_looked_at(&self) {
        self.has_told_flag().store(false, Ordering::Release);
    }

    /// How many records wait.
    pub async fn outbox_len(&self) -> Result<i64, MetaError> {
        let row = self.db().row("counting what waits", "SELECT count(*) FROM outbox", args![]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }
}
