//! Sessions of the old Activity Tracker's download commands, and how long events are kept.

use serde::Serialize;
use serde_json::json;
use whodid_audit::{Actor, Deed, Told};
use whodid_model::{AccountName, SpaceName, Timestamp};

use crate::sql::{Row, Tx, args};
use crate::{ChangeError, Meta, MetaError, secret};

/// Most download sessions that one person or key has for one space of an account.
pub const DOWNLOAD_SESSIONS_MAX: i64 = 30;
/// Most that one person or key has in an account.
const DOWNLOAD_SESSIONS_OF_ONE_MAX: i64 = 300;
/// One that was not used for this long is dropped.
pub(crate) const DOWNLOAD_SESSION_KEPT_MICROS: i64 = 14 * whodid_model::time::MICROS_A_DAY;
/// Events are kept for ever.
pub const RETENTION_FOREVER: i64 = -1;
/// Longest retention that is counted, in days: a hundred years.
pub const RETENTION_DAYS_MAX: i64 = 36_500;

/// What to download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DownloadPlan {
    /// Only events of this space.
    pub space: Option<SpaceName>,
    /// First day, `2026-11-27`.
    pub from_day: String,
    /// Last day.
    pub to_day: String,
    /// Only this hour of the day.
    pub search_hour: Option<i64>,
    /// Whether it is about account events.
    pub account_level: bool,
}

/// A session for downloading events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadSession {
    /// Stable id.
    pub id: String,
    /// Whose it is: `user:…` or `key:…`.
    pub owner: String,
    /// What to download.
    pub plan: DownloadPlan,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub accessed_at: Timestamp,
    /// When all of its events had been taken.
    pub downloaded_at: Option<Timestamp>,
}

impl Meta {
    /// Makes a download session.
    ///
    /// # Errors
    /// [`ChangeError::TooMany`] when its owner has [`DOWNLOAD_SESSIONS_MAX`] for the space.
    pub async fn create_download(
        &self,
        by: &Actor,
        account: &AccountName,
        owner: &str,
        plan: &DownloadPlan,
        now: Timestamp,
    ) -> Result<DownloadSession, ChangeError> {
        let mut write = self.write(by, now).await?;
        let sessions = load_downloads(&mut write.tx, account, owner).await?;
        let same = sessions.iter().filter(|session| session.plan.space == plan.space).count();
        for (count, max) in [(same, DOWNLOAD_SESSIONS_MAX), (sessions.len(), DOWNLOAD_SESSIONS_OF_ONE_MAX)] {
            if count as i64 >= max {
                return Err(ChangeError::TooMany { max });
            }
        }
        let session = DownloadSession {
            id: secret::random_id()?,
            owner: owner.to_owned(),
            plan: plan.clone(),
            created_at: now,
            accessed_at: now,
            downloaded_at: None,
        };
        let insert = "INSERT INTO download_sessions (id, account, space, user_id, created_at, accessed_at, from_day,
            to_day, search_hour, account_level) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9)";
        let space = plan.space.as_ref().map(SpaceName::as_str);
        let args = args![
            &session.id,
            account,
            space,
            owner,
            now,
            &plan.from_day,
            &plan.to_day,
            plan.search_hour,
            plan.account_level,
        ];
        write.tx.run("making a download session", insert, args).await?;
        let told = Told::success(Deed::DownloadSessionCreate, session.id.as_str(), "")
            .changed(None, crate::write::object(plan));
        write.tell(account, &told).await?;
        write.commit_unseen().await?;
        Ok(session)
    }

    /// One owner's download sessions in an account, newest first.
    pub async fn downloads(&self, account: &AccountName, owner: &str) -> Result<Vec<DownloadSession>, MetaError> {
        load_downloads(&mut self.read().await?, account, owner).await
    }

    /// One of them.
    pub async fn download(
        &self,
        account: &AccountName,
        owner: &str,
        id: &str,
    ) -> Result<Option<DownloadSession>, MetaError> {
        Ok(self.downloads(account, owner).await?.into_iter().find(|session| session.id == id))
    }

    /// Notes a use of a download session, and whether all of its events were taken with it. False when they had been
    /// taken before.
    pub async fn use_download(&self, id: &str, is_whole: bool, now: Timestamp) -> Result<bool, ChangeError> {
        let by = Actor::system();
        let mut write = self.write_unaudited(&by, now).await?;
        let update = "UPDATE download_sessions SET accessed_at = $1, downloaded_at = $2
            WHERE id = $3 AND downloaded_at IS NULL";
        let at = is_whole.then_some(now);
        let count = write.tx.run("noting a download", update, args![now, at, id]).await?;
        write.commit_unseen().await?;
        Ok(count > 0)
    }

    /// Deletes a download session.
    ///
    /// # Errors
    /// [`ChangeError::NotThere`] also for another owner's.
    pub async fn delete_download(
        &self,
        by: &Actor,
        account: &AccountName,
        owner: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let sessions = load_downloads(&mut write.tx, account, owner).await?;
        let found = sessions.into_iter().find(|session| session.id == id);
        let session = found.ok_or(ChangeError::NotThere { what: "download session" })?;
        write.tx.run("deleting a download session", "DELETE FROM download_sessions WHERE id = $1", args![id]).await?;
        let told =
            Told::success(Deed::DownloadSessionDelete, id, "").changed(crate::write::object(&session.plan), None);
        write.tell(account, &told).await?;
        write.commit_unseen().await?;
        Ok(())
    }

    /// For how many days the events of an account or one of its spaces are kept; [`RETENTION_FOREVER`] unless set.
    pub async fn retention(&self, account: &AccountName, space: Option<&SpaceName>) -> Result<i64, MetaError> {
        let select = "SELECT days FROM retention WHERE account = $1 AND space = $2";
        let args = args![account, space.map_or("", SpaceName::as_str)];
        let row = self.db().row("reading the retention", select, args).await?;
        row.map_or(Ok(RETENTION_FOREVER), |row| row.int(0))
    }

    /// Every retention of an account that is set: of it as a whole (`None`) and of spaces.
    pub async fn retentions(&self, account: &AccountName) -> Result<Vec<(Option<SpaceName>, i64)>, MetaError> {
        let select = "SELECT space, days FROM retention WHERE account = $1 ORDER BY space";
        let rows = self.read().await?.rows("reading retentions", select, args![account]).await?;
        rows.iter().map(|row| Ok((SpaceName::parse(&row.text(0)?).ok(), row.int(1)?))).collect()
    }

    /// Sets for how many days events are kept.
    pub async fn set_retention(
        &self,
        by: &Actor,
        account: &AccountName,
        space: Option<&SpaceName>,
        days: i64,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        if days != RETENTION_FOREVER && !(1..=RETENTION_DAYS_MAX).contains(&days) {
            return Err(ChangeError::invalid("days", format!("-1 for ever, or 1 to {RETENTION_DAYS_MAX}")));
        }
        let mut write = self.write(by, now).await?;
        crate::accounts::settings_of(&mut write.tx, account).await?;
        let name = space.map_or("", SpaceName::as_str);
        let select = "SELECT days FROM retention WHERE account = $1 AND space = $2";
        let row = write.tx.row("setting the retention", select, args![account, name]).await?;
        let before = row.map_or(Ok(RETENTION_FOREVER), |row| row.int(0))?;
        if before == days {
            return Ok(());
        }
        let upsert = "INSERT INTO retention (account, space, days) VALUES ($1, $2, $3)
            ON CONFLICT (account, space) DO UPDATE SET days = excluded.days";
        write.tx.run("setting the retention", upsert, args![account, name, days]).await?;
        let target = if name.is_empty() { account.as_str() } else { name };
        let told = Told::success(Deed::RetentionUpdate, target, "")
            .asked("space", space.map(SpaceName::as_str))
            .asked("days", days)
            .changed(Some(json!({"days": before})), Some(json!({"days": days})));
        write.tell(account, &told).await?;
        write.commit().await?;
        Ok(())
    }
}

async fn load_downloads(tx: &mut Tx, account: &AccountName, owner: &str) -> Result<Vec<DownloadSession>, MetaError> {
    let select = "SELECT id, space, user_id, created_at, accessed_at, from_day, to_day, search_hour, account_level,
        downloaded_at FROM download_sessions WHERE account = $1 AND user_id = $2 ORDER BY created_at DESC, id";
    let rows = tx.rows("reading download sessions", select, args![account, owner]).await?;
    rows.iter().map(download).collect()
}

fn download(row: &Row) -> Result<DownloadSession, MetaError> {
    let plan = DownloadPlan {
        space: row.text_or_null(1)?.and_then(|space| SpaceName::parse(&space).ok()),
        from_day: row.text(5)?,
        to_day: row.text(6)?,
        search_hour: row.int_or_null(7)?,
        account_level: row.flag(8)?,
    };
    Ok(DownloadSession {
        id: row.text(0)?,
        owner: row.text(2)?,
        plan,
        created_at: row.time(3)?,
        accessed_at: row.time(4)?,
        downloaded_at: row.time_or_null(9)?,
    })
}
