//! What channels are to be told and what became of it: a queue that survives the process, and the log people read.

use serde_json::Value as Json;
use whodid_audit::Actor;
use whodid_model::{AccountName, Timestamp};

use crate::sql::{Row, Tx, Value, args};
use crate::{Meta, MetaError};

/// For how long the log is kept.
const KEPT_MICROS: i64 = 30 * whodid_model::time::MICROS_A_DAY;
/// Most finished deliveries of a channel that are kept.
const KEPT_OF_CHANNEL: i64 = 2_000;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be tried when it is due.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    fn named(text: &str) -> Result<Self, MetaError> {
        Ok(match text {
            "waiting" => Self::Waiting,
            "delivered" => Self::Delivered,
            "failed" => Self::Failed,
            _ => return Err(MetaError::Damaged { what: "the state of a delivery" }),
        })
    }
}

/// A delivery as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryRow {
    /// Stable id.
    pub id: String,
    /// The channel's id.
    pub channel: String,
    /// The alert's id; `None` for a test.
    pub alert: Option<String>,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it is to be tried; `None` when it is not.
    pub due_at: Option<Timestamp>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// What is told, and what was answered.
    pub body: Json,
}

const COLUMNS: &str = "SELECT account, id, channel, alert, state, due_at, created_at, body FROM deliveries";

impl Meta {
    /// Deliveries of every account that are due, of each channel the one that waits longest: so a channel with a long
    /// queue hides no other.
    pub async fn due_deliveries(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<(AccountName, DeliveryRow)>, MetaError> {
        let sql = format!(
            "{COLUMNS} WHERE due_at <= $1 AND NOT EXISTS (SELECT 1 FROM deliveries AS earlier
                WHERE earlier.account = deliveries.account AND earlier.channel = deliveries.channel
                AND (earlier.due_at < deliveries.due_at
                    OR (earlier.due_at = deliveries.due_at AND earlier.id < deliveries.id)))
             ORDER BY due_at, id LIMIT {limit}"
        );
        let rows = self
            .read()
            .await?
            .rows("looking for deliveries that are due", sqlx::AssertSqlSafe(sql), args![now])
            .await?;
        rows.iter().map(delivery_of).collect()
    }

    /// The deliveries of a channel or an alert, the newest first.
    pub async fn deliveries(
        &self,
        account: &AccountName,
        channel: Option<&str>,
        alert: Option<&str>,
        limit: i64,
    ) -> Result<Vec<DeliveryRow>, MetaError> {
        let sql = format!(
            "{COLUMNS} WHERE account = $1 AND ($2 = '' OR channel = $2) AND ($3 = '' OR alert = $3)
             ORDER BY created_at DESC, id DESC LIMIT {limit}"
        );
        let args = args![account, channel.unwrap_or_default(), alert.unwrap_or_default()];
        let rows = self.read().await?.rows("reading deliveries", sqlx::AssertSqlSafe(sql), args).await?;
        rows.iter().map(|row| delivery_of(row).map(|(_, delivery)| delivery)).collect()
    }

    /// The deliveries of a channel that wait, those that are due first before the others.
    pub async fn deliveries_waiting(
        &self,
        account: &AccountName,
        channel: &str,
        limit: i64,
    ) -> Result<Vec<DeliveryRow>, MetaError> {
        let sql = format!(
            "{COLUMNS} WHERE account = $1 AND channel = $2 AND due_at IS NOT NULL ORDER BY due_at, id LIMIT {limit}"
        );
        let args = args![account, channel];
        let rows = self.read().await?.rows("reading deliveries that wait", sqlx::AssertSqlSafe(sql), args).await?;
        rows.iter().map(|row| delivery_of(row).map(|(_, delivery)| delivery)).collect()
    }

    /// The deliveries of a channel, the newest first; those after the one that was queued then and has this id.
    pub async fn deliveries_after(
        &self,
        account: &AccountName,
        channel: &str,
        after: Option<(Timestamp, &str)>,
        limit: i64,
    ) -> Result<Vec<DeliveryRow>, MetaError> {
        let mut sql = format!("{COLUMNS} WHERE account = $1 AND channel = $2");
        let mut args = args![account, channel];
        if let Some((time, id)) = after {
            sql.push_str(" AND (created_at < $3 OR (created_at = $3 AND id < $4))");
            args.extend([Value::from(time), Value::from(id)]);
        }
        sql.push_str(&format!(" ORDER BY created_at DESC, id DESC LIMIT {limit}"));
        let rows = self.read().await?.rows("reading deliveries", sqlx::AssertSqlSafe(sql), args).await?;
        rows.iter().map(|row| delivery_of(row).map(|(_, delivery)| delivery)).collect()
    }

    /// Stores what became of a delivery.
    pub async fn store_delivery(
        &self,
        account: &AccountName,
        delivery: &DeliveryRow,
        now: Timestamp,
    ) -> Result<(), MetaError> {
        let system = Actor::system();
        let mut write = self.write_unaudited(&system, now).await?;
        insert_delivery(&mut write.tx, account, delivery).await?;
        write.commit_unseen().await
    }

    /// Lets the log go that is older than 30 days, and of each channel all but the newest.
    pub async fn forget_deliveries(&self, now: Timestamp) -> Result<(), MetaError> {
        let system = Actor::system();
        let mut write = self.write_unaudited(&system, now).await?;
        let delete = "DELETE FROM deliveries WHERE state <> 'waiting' AND created_at < $1";
        write.tx.run("forgetting deliveries", delete, args![now.plus_micros(-KEPT_MICROS)]).await?;
        let crowded = "SELECT account, channel FROM deliveries GROUP BY account, channel HAVING count(*) > $1";
        for row in write.tx.rows("counting deliveries", crowded, args![KEPT_OF_CHANNEL]).await? {
            let delete =
                "DELETE FROM deliveries WHERE account = $1 AND channel = $2 AND state <> 'waiting' AND id NOT IN
                (SELECT id FROM deliveries WHERE account = $1 AND channel = $2 ORDER BY created_at DESC LIMIT $3)";
            let args = args![row.text(0)?, row.text(1)?, KEPT_OF_CHANNEL];
            write.tx.run("forgetting deliveries", delete, args).await?;
        }
        write.commit_unseen().await
    }
}

pub(crate) async fn insert_delivery(
    tx: &mut Tx,
    account: &AccountName,
    delivery: &DeliveryRow,
) -> Result<(), MetaError> {
    let upsert = "INSERT INTO deliveries (account, id, channel, alert, state, due_at, created_at, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (account, id) DO UPDATE SET state = excluded.state, due_at = excluded.due_at, body = excluded.body";
    let args = args![
        account,
        &delivery.id,
        &delivery.channel,
        delivery.alert.clone(),
        delivery.state.as_str(),
        delivery.due_at,
        delivery.created_at,
        delivery.body.to_string(),
    ];
    tx.run("storing a delivery", upsert, args).await.map(drop)
}

fn delivery_of(row: &Row) -> Result<(AccountName, DeliveryRow), MetaError> {
    let delivery = DeliveryRow {
        id: row.text(1)?,
        channel: row.text(2)?,
        alert: row.text_or_null(3)?,
        state: DeliveryState::named(&row.text(4)?)?,
        due_at: row.time_or_null(5)?,
        created_at: row.time(6)?,
        body: row.json(7)?,
    };
    Ok((row.account(0)?, delivery))
}
