//! Alerts, and how far an account's findings became alerts.
//!
//! Findings become alerts in the same transaction that moves the cursor on and queues what channels are told, so each
//! finding is taken once, whatever ends the process.

use serde_json::Value as Json;
use whodid_audit::{Actor, Told};
use whodid_model::{AccountName, Offset, StreamName, Timestamp};

use crate::deliveries::{DeliveryRow, insert_delivery};
use crate::sql::{Row, Tx, Value, args};
use crate::{ChangeError, Meta, MetaError};

/// Most alerts of an account; beyond it the resolved ones that are oldest go.
const ALERTS_MAX: i64 = 100_000;

/// An alert as it is stored; its life is the caller's.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRow {
    /// Stable id.
    pub id: String,
    /// The rule that found it.
    pub rule_id: String,
    /// What makes it one.
    pub group_key: String,
    /// `open`, `acknowledged`, `resolved`.
    pub status: String,
    /// 0 informational to 4 critical.
    pub severity: i64,
    /// Who works on it.
    pub assignee: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When something last happened to it.
    pub last_at: Timestamp,
    /// When it is to be escalated.
    pub escalates_at: Option<Timestamp>,
    /// Counted up by every change, from 1.
    pub revision: i64,
    /// All of it.
    pub body: Json,
}

/// Which alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Of these; of any when empty.
    pub statuses: Vec<String>,
    /// Of one rule.
    pub rule_id: Option<String>,
    /// Of somebody.
    pub assignee: Option<String>,
    /// At least so severe.
    pub severity: Option<i64>,
    /// Opened then or later.
    pub opened_from: Option<Timestamp>,
    /// Opened before then.
    pub opened_to: Option<Timestamp>,
}

/// How many alerts there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlertCounts {
    /// Nobody has taken them on.
    pub open: i64,
    /// Somebody works on them.
    pub acknowledged: i64,
    /// Done.
    pub resolved: i64,
}

const COLUMNS: &str =
    "SELECT id, rule_id, group_key, status, severity, assignee, opened_at, last_at, escalates_at, revision, body
    FROM alerts";

impl Meta {
    /// Alerts, the latest first; after the one that `after` names by its time and id.
    pub async fn alerts(
        &self,
        account: &AccountName,
        filter: &AlertFilter,
        after: Option<(Timestamp, &str)>,
        limit: i64,
    ) -> Result<Vec<AlertRow>, MetaError> {
        let mut sql = format!("{COLUMNS} WHERE account = $1");
        let mut args = args![account];
        let mut take = |condition: &dyn Fn(usize) -> String, value: Value| {
            args.push(value);
            sql.push_str(" AND ");
            sql.push_str(&condition(args.len()));
        };
        if let Some(rule) = &filter.rule_id {
            take(&|at| format!("rule_id = ${at}"), rule.as_str().into());
        }
        if let Some(assignee) = &filter.assignee {
            take(&|at| format!("assignee = ${at}"), assignee.as_str().into());
        }
        if let Some(severity) = filter.severity {
            take(&|at| format!("severity >= ${at}"), severity.into());
        }
        if let Some(from) = filter.opened_from {
            take(&|at| format!("opened_at >= ${at}"), from.into());
        }
        if let Some(to) = filter.opened_to {
            take(&|at| format!("opened_at < ${at}"), to.into());
        }
        if let Some((time, id)) = after {
            take(&|at| format!("(last_at < ${at} OR (last_at = ${at} AND id < ${}))", at + 1), time.into());
            args.push(id.into());
        }
        if !filter.statuses.is_empty() {
            let first = args.len() + 1;
            let places: Vec<String> = (0..filter.statuses.len()).map(|at| format!("${}", first + at)).collect();
            sql.push_str(&format!(" AND status IN ({})", places.join(", ")));
            args.extend(filter.statuses.iter().map(|status| Value::from(status.as_str())));
        }
        sql.push_str(&format!(" ORDER BY last_at DESC, id DESC LIMIT {limit}"));
        let rows = self.read().await?.rows("reading alerts", sqlx::AssertSqlSafe(sql), args).await?;
        rows.iter().map(alert_of).collect()
    }

    /// One alert.
    pub async fn alert(&self, account: &AccountName, id: &str) -> Result<Option<AlertRow>, MetaError> {
        load(&mut self.read().await?, account, id).await
    }

    /// How many there are.
    pub async fn alert_counts(&self, account: &AccountName) -> Result<AlertCounts, MetaError> {
        let select = "SELECT status, count(*) FROM alerts WHERE account = $1 GROUP BY status";
        let mut counts = AlertCounts::default();
        for row in self.read().await?.rows("counting alerts", select, args![account]).await? {
            match row.text(0)?.as_str() {
                "open" => counts.open = row.int(1)?,
                "acknowledged" => counts.acknowledged = row.int(1)?,
                _ => counts.resolved = row.int(1)?,
            }
        }
        Ok(counts)
    }

    /// The latest alert of a rule and group.
    pub async fn latest_alert(
        &self,
        account: &AccountName,
        rule: &str,
        group: &str,
    ) -> Result<Option<AlertRow>, MetaError> {
        let sql = format!(
            "{COLUMNS} WHERE account = $1 AND rule_id = $2 AND group_key = $3 ORDER BY opened_at DESC, id DESC LIMIT 1"
        );
        let row =
            self.read().await?.row("reading an alert", sqlx::AssertSqlSafe(sql), args![account, rule, group]).await?;
        row.as_ref().map(alert_of).transpose()
    }

    /// Alerts of every account that are to be escalated by `now`.
    pub async fn alerts_to_escalate(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<(AccountName, AlertRow)>, MetaError> {
        let select =
            format!("SELECT account, id FROM alerts WHERE escalates_at <= $1 ORDER BY escalates_at LIMIT {limit}");
        let mut tx = self.read().await?;
        let mut found = Vec::new();
        for row in tx.rows("looking for alerts to escalate", sqlx::AssertSqlSafe(select), args![now]).await? {
            let (account, id) = (row.account(0)?, row.text(1)?);
            if let Some(alert) = load(&mut tx, &account, &id).await? {
                found.push((account, alert));
            }
        }
        Ok(found)
    }

    /// The finding that becomes an alert next; `None` before the first.
    pub async fn alert_cursor(&self, account: &AccountName) -> Result<Option<Offset>, MetaError> {
        let select = "SELECT next_offset FROM alert_cursors WHERE account = $1";
        let row = self.read().await?.row("reading how far findings became alerts", select, args![account]).await?;
        row.map(|row| Ok(Offset(u64::try_from(row.int(0)?).unwrap_or_default()))).transpose()
    }

    /// Stores what findings made of alerts, with what channels are to be told, and moves the cursor on. whodid's own
    /// doing, which the findings tell already.
    ///
    /// # Errors
    /// [`ChangeError::Stale`] when somebody changed one of the alerts meanwhile: to be done again with what is there.
    pub async fn store_alerts(
        &self,
        account: &AccountName,
        alerts: &[AlertRow],
        deliveries: &[DeliveryRow],
        cursor: Option<Offset>,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let system = Actor::system();
        let mut write = self.write_unaudited(&system, now).await?;
        for alert in alerts {
            store(&mut write.tx, account, alert).await?;
        }
        for delivery in deliveries {
            insert_delivery(&mut write.tx, account, delivery).await?;
        }
        if let Some(cursor) = cursor {
            let next = i64::try_from(cursor.0).unwrap_or(i64::MAX);
            let upsert = "INSERT INTO alert_cursors (account, next_offset) VALUES ($1, $2)
                ON CONFLICT (account) DO UPDATE SET next_offset = excluded.next_offset";
            write.tx.run("noting how far findings became alerts", upsert, args![account, next]).await?;
        }
        if !alerts.is_empty() {
            forget_old(&mut write.tx, account).await?;
        }
        write.commit_unseen().await?;
        Ok(())
    }

    /// What alerts on searches remember of an account; `None` before the first.
    pub async fn watch_state(&self, account: &AccountName) -> Result<Option<Json>, MetaError> {
        let select = "SELECT body FROM watch_states WHERE account = $1";
        let row = self.read().await?.row("reading what searches remember", select, args![account]).await?;
        row.map(|row| row.json(0)).transpose()
    }

    /// Stores that, with the findings that came of it. whodid's own doing, which the findings tell already.
    ///
    /// # Errors
    /// The metadata cannot be written; nothing was.
    pub async fn store_watch_state(
        &self,
        account: &AccountName,
        body: &Json,
        findings: &[Told],
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let system = Actor::system();
        let mut write = self.write_unaudited(&system, now).await?;
        let upsert = "INSERT INTO watch_states (account, body) VALUES ($1, $2)
            ON CONFLICT (account) DO UPDATE SET body = excluded.body";
        write.tx.run("noting what searches remember", upsert, args![account, body.to_string()]).await?;
        for finding in findings {
            write.tell_in(account, &StreamName::findings(), finding).await?;
        }
        if findings.is_empty() {
            write.commit_unseen().await?;
        } else {
            write.commit().await?;
        }
        Ok(())
    }

    /// Changes an alert because somebody did something to it, and records it.
    ///
    /// # Errors
    /// [`ChangeError::Stale`] when somebody else changed it meanwhile.
    pub async fn change_alert(
        &self,
        by: &Actor,
        account: &AccountName,
        alert: &AlertRow,
        deliveries: &[DeliveryRow],
        told: &Told,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        store(&mut write.tx, account, alert).await?;
        for delivery in deliveries {
            insert_delivery(&mut write.tx, account, delivery).await?;
        }
        write.tell(account, told).await?;
        write.commit_unseen().await?;
        Ok(())
    }
}

/// Writes an alert whose revision is one more than the stored one's.
async fn store(tx: &mut Tx, account: &AccountName, alert: &AlertRow) -> Result<(), ChangeError> {
    let found = load(tx, account, &alert.id).await?;
    if found.map_or(0, |found| found.revision) + 1 != alert.revision {
        return Err(ChangeError::Stale { what: "alert" });
    }
    let upsert = "INSERT INTO alerts (account, id, rule_id, group_key, status, severity, assignee, opened_at, last_at,
        escalates_at, revision, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (account, id) DO UPDATE SET status = excluded.status, severity = excluded.severity,
        assignee = excluded.assignee, last_at = excluded.last_at, escalates_at = excluded.escalates_at,
        revision = excluded.revision, body = excluded.body";
    let args = args![
        account,
        &alert.id,
        &alert.rule_id,
        &alert.group_key,
        &alert.status,
        alert.severity,
        alert.assignee.clone(),
        alert.opened_at,
        alert.last_at,
        alert.escalates_at,
        alert.revision,
        alert.body.to_string(),
    ];
    tx.run("storing an alert", upsert, args).await?;
    Ok(())
}

async fn forget_old(tx: &mut Tx, account: &AccountName) -> Result<(), MetaError> {
    let row = tx.row("counting alerts", "SELECT count(*) FROM alerts WHERE account = $1", args![account]).await?;
    let over = row.map_or(Ok(0), |row| row.int(0))? - ALERTS_MAX;
    if over <= 0 {
        return Ok(());
    }
    let delete = "DELETE FROM alerts WHERE account = $1 AND id IN (SELECT id FROM alerts WHERE account = $1
        AND status = 'resolved' ORDER BY last_at LIMIT $2)";
    tx.run("forgetting old alerts", delete, args![account, over]).await?;
    Ok(())
}

async fn load(tx: &mut Tx, account: &AccountName, id: &str) -> Result<Option<AlertRow>, MetaError> {
    let sql = format!("{COLUMNS} WHERE account = $1 AND id = $2");
    let row = tx.row("reading an alert", sqlx::AssertSqlSafe(sql), args![account, id]).await?;
    row.as_ref().map(alert_of).transpose()
}

fn alert_of(row: &Row) -> Result<AlertRow, MetaError> {
    Ok(AlertRow {
        id: row.text(0)?,
        rule_id: row.text(1)?,
        group_key: row.text(2)?,
        status: row.text(3)?,
        severity: row.int(4)?,
        assignee: row.text_or_null(5)?,
        opened_at: row.time(6)?,
        last_at: row.time(7)?,
        escalates_at: row.time_or_null(8)?,
        revision: row.int(9)?,
        body: row.json(10)?,
    })
}
