//! The metadata as lines of JSON, to be brought back into either database.
//!
//! A header names the format and the installation, each row is one line, and the last line counts them, so that a
//! cut file is not taken for a whole one. Sessions, links and what is under way are left out. Sealed secrets stay
//! sealed: a restored installation needs its key file too, and the header tells which one that is.

use std::io::BufRead;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use whodid_audit::{Actor, Deed, Told};
use whodid_model::Timestamp;

use crate::schema::VERSION;
use crate::sql::{Tx, Value, args};
use crate::{Meta, MetaError};

/// Version of the form of the lines.
pub const BACKUP_FORMAT: i64 = 1;
/// Longest line that is read, in bytes.
const LINE_BYTES_MAX: usize = 4 << 20;

/// What is kept, in an order in which every row's references stand before it.
const TABLES: [&str; 22] = [
    "installation",
    "accounts",
    "users",
    "memberships",
    "user_groups",
    "group_members",
    "roles",
    "bindings",
    "invitations",
    "keys",
    "second_factors",
    "recovery_codes",
    "identities",
    "download_sessions",
    "retention",
    "installation_secrets",
    "documents",
    "alerts",
    "alert_cursors",
    "watch_states",
    "deliveries",
    "outbox",
];

/// Why a backup was not written or brought back. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file cannot be written or read.
    #[error("the backup cannot be written or read")]
    Io(#[from] std::io::Error),
    /// A line is not what it must be.
    #[error("line {line} of the backup: {why}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// There is an installation already.
    #[error("a backup is only brought back into an empty store")]
    NotEmpty,
    /// The metadata cannot be read or written.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

#[derive(Serialize, Deserialize)]
struct Header {
    whodid_metadata: i64,
    schema: i64,
    installation: String,
    /// The fingerprint of the key that its sealed secrets need; older ones do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secrets_key: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    table: String,
    row: Map<String, Json>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    rows: usize,
}

impl Meta {
    /// Writes everything as it is at one moment; how many rows.
    pub async fn export(&self, by: &Actor, mut to: impl std::io::Write, now: Timestamp) -> Result<usize, BackupError> {
        // Recorded first: what cannot be audited is refused.
        let mut write = self.write(by, now).await?;
        // It holds the people of every account.
        let accounts = crate::accounts::load_accounts(&mut write.tx).await?;
        for account in &accounts {
            write.tell_elsewhere(&account.name, &Told::success(Deed::BackupCreate, "metadata", "")).await?;
        }
        write.commit_unseen().await?;
        let mut tx = self.read().await?;
        // Whoever takes the lines may be slow.
        tx.take_long().await?;
        let installation = tx.row("reading the installation", "SELECT id FROM installation", args![]).await?;
        let installation = installation.map_or(Ok(String::new()), |row| row.text(0))?;
        let secrets_key = Some(self.vault().fingerprint().to_owned());
        let header = Header { whodid_metadata: BACKUP_FORMAT, schema: VERSION, installation, secrets_key };
        writeln!(to, "{}", crate::sql::json_text(&header))?;
        let mut rows = 0;
        for table in TABLES {
            let select = sqlx::AssertSqlSafe(format!("SELECT * FROM {table}"));
            for row in tx.rows("reading for a backup", select, args![]).await? {
                let members = row.names.into_iter().zip(row.values.iter().map(to_json)).collect();
                writeln!(to, "{}", crate::sql::json_text(&Line { table: table.to_owned(), row: members }))?;
                rows += 1;
            }
        }
        writeln!(to, "{}", crate::sql::json_text(&End { rows }))?;
        to.flush()?;
        Ok(rows)
    }

    /// Brings a backup back, all or nothing, into a store without an installation; how many rows. The store must have
    /// been opened with the key file that the backup goes with ([`MetaError::SecretsKey`]).
    pub async fn import(&self, by: &Actor, from: impl BufRead, now: Timestamp) -> Result<usize, BackupError> {
        let (header, lines) = read(from)?;
        let mut write = self.write(by, now).await?;
        let taken = "SELECT 1 FROM installation UNION ALL SELECT 1 FROM accounts UNION ALL SELECT 1 FROM users";
        if write.tx.row("looking whether it is empty", taken, args![]).await?.is_some() {
            return Err(BackupError::NotEmpty);
        }
        write.guard_key().await?;
        let rows = lines.len();
        for (at, line) in lines.into_iter().enumerate() {
            insert(&mut write.tx, at + 2, line).await?;
        }
        let found = write.tx.row("reading the installation", "SELECT id FROM installation", args![]).await?;
        let found = found.map_or(Ok(String::new()), |row| row.text(0))?;
        if found != header.installation {
            return Err(BackupError::Line { line: 1, why: "it names another installation than its rows".to_owned() });
        }
        write.guard_key_of_backup(header.secrets_key.as_deref()).await?;
        write.set_installation(&found);
        write.told_up_to_outbox().await?;
        let told = Told::success(Deed::BackupRestore, "metadata", "").answered("rows", rows as i64);
        write.tell_first(&told).await?;
        write.commit().await?;
        Ok(rows)
    }
}

fn read(from: impl BufRead) -> Result<(Header, Vec<Line>), BackupError> {
    let wrong = |line: usize, why: &str| BackupError::Line { line, why: why.to_owned() };
    let mut lines = Vec::new();
    let mut header = None;
    let mut end = None;
    for (at, text) in from.lines().enumerate() {
        let (line, text) = (at + 1, text?);
        if text.len() > LINE_BYTES_MAX {
            return Err(wrong(line, "too long"));
        }
        if end.is_some() {
            return Err(wrong(line, "something stands behind the end"));
        }
        if header.is_none() {
            let found: Header = serde_json::from_str(&text).map_err(|_| wrong(line, "no header of a backup"))?;
            if found.whodid_metadata != BACKUP_FORMAT || found.schema > VERSION {
                return Err(wrong(line, "written by a newer whodid"));
            }
            header = Some(found);
        } else if let Ok(found) = serde_json::from_str::<End>(&text) {
            end = Some(found.rows);
        } else {
            let found: Line = serde_json::from_str(&text).map_err(|_| wrong(line, "no row of a backup"))?;
            if !TABLES.contains(&found.table.as_str()) {
                return Err(wrong(line, "a table that whodid does not have"));
            }
            lines.push(found);
        }
    }
    let header = header.ok_or_else(|| wrong(1, "no header of a backup"))?;
    if end != Some(lines.len()) {
        return Err(wrong(lines.len() + 2, "the backup is cut off"));
    }
    Ok((header, lines))
}

async fn insert(tx: &mut Tx, line: usize, what: Line) -> Result<(), BackupError> {
    let wrong = |why: &str| BackupError::Line { line, why: why.to_owned() };
    let (mut columns, mut places, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in &what.row {
        // These names become part of a statement: letters and no more.
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return Err(wrong("a column that whodid does not have"));
        }
        // What is null is left out, and is null then: a null would need a type.
        let Some(value) = from_json(value).ok_or_else(|| wrong("a value that whodid does not write"))? else {
            continue;
        };
        columns.push(format!("\"{name}\""));
        places.push(format!("${}", places.len() + 1));
        values.push(value);
    }
    let statement = format!("INSERT INTO {} ({}) VALUES ({})", what.table, columns.join(", "), places.join(", "));
    tx.run("bringing a row back", sqlx::AssertSqlSafe(statement), values).await?;
    Ok(())
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Int(Some(value)) => (*value).into(),
        Value::Text(Some(value)) => value.clone().into(),
        Value::Bytes(Some(value)) => serde_json::json!({"base64": BASE64.encode(value)}),
        Value::Int(None) | Value::Text(None) | Value::Bytes(None) => Json::Null,
    }
}

/// `Some(None)`: null. `None`: not a value of ours.
fn from_json(value: &Json) -> Option<Option<Value>> {
    match value {
        Json::Null => Some(None),
        Json::Number(number) => number.as_i64().map(|number| Some(number.into())),
        Json::String(text) => Some(Some(text.as_str().into())),
        Json::Object(members) => {
            let text = members.get("base64").and_then(Json::as_str).filter(|_| members.len() == 1)?;
            BASE64.decode(text.as_bytes()).ok().map(|bytes| Some(bytes.into()))
        }
        Json::Bool(_) | Json::Array(_) => None,
    }
}
