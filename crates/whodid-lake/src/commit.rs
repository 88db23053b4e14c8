//! The Delta log of one table: read it, make it, add one commit to it.
//!
//! Nothing is kept from one commit to the next: carrying on the snapshot that a commit returns costs more
//! with every commit, opening again stays flat (ARCHITECTURE.md, decisions). A commit is tried once. After
//! any answer but success nobody knows whether it happened; the caller reads the log again and looks for
//! the transaction version or the file it meant to add.

use std::collections::HashMap;
use std::sync::Arc;

use deltalake_core::checkpoints::{cleanup_expired_logs_for, create_checkpoint};
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Add, Remove, Transaction};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableError};
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use url::Url;
use whodid_model::{AccountName, Offset, StreamName, Timestamp};

use crate::parquet_file::{Facts, facts_of, log_statistics};
use crate::schema::{LOG_STATISTICS, PARTITION_COLUMN, delta_columns};

/// Commits between two checkpoints of the log.
pub(crate) const CHECKPOINT_COMMITS: u64 = 100;
/// How long the log's own history is kept.
const LOG_RETENTION_DAYS: i64 = 30;

/// Why the log of a table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The Delta library or the store below it failed.
    #[error("the log of table {table} failed")]
    Delta {
        /// `account/stream`.
        table: String,
        /// What it said.
        source: Box<DeltaTableError>,
    },
    /// A file without the statistics that every segment of ours has.
    #[error(
        "the log of table {table} lists {path} without bounds of offset and times; it was added by another program"
    )]
    Statistics {
        /// `account/stream`.
        table: String,
        /// The file.
        path: String,
    },
    /// An entry without content; every entry of ours has some.
    #[error("the entry {path} of the log of table {table} is empty; bring the file back")]
    Empty {
        /// `account/stream`.
        table: String,
        /// The file, from the table's folder.
        path: String,
    },
    /// The log's first entries are missing, or all of it: somebody removed files, or a copy was not brought back
    /// whole. Going on would begin the table anew and hide what it holds.
    #[error("the log of table {table} lacks its beginning; bring the missing files of {table}/_delta_log back")]
    Headless {
        /// `account/stream`.
        table: String,
    },
}

/// The log of one table.
#[derive(Debug, Clone)]
pub(crate) struct DeltaLog {
    log_store: LogStoreRef,
    table: String,
    stream: StreamName,
    account: AccountName,
}

/// The log as of one moment.
#[derive(Debug)]
pub(crate) struct LogState {
    state: DeltaTableState,
    /// The last offset in the table.
    pub flushed_to: Option<Offset>,
}

/// A file of the table as the log lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoggedFile {
    /// From the table's folder.
    pub path: String,
    pub bytes: u64,
    /// Empty for the null partition.
    pub date: String,
    pub facts: Facts,
}

impl DeltaLog {
    pub fn new(store: &Arc<dyn ObjectStore>, account: &AccountName, stream: &StreamName) -> Self {
        let table = format!("{account}/{stream}");
        // Only the path of this address is used; it is relative to the lake's store.
        let url = Url::parse(&format!("whodid:///{table}/")).expect("names hold only letters, digits, '-' and '_'");
        let prefixed = Arc::new(PrefixStore::new(store.clone(), Path::from(table.as_str())));
        let log_store = default_logstore(prefixed, store.clone(), &url, &StorageConfig::default());
        Self { log_store, table, stream: stream.clone(), account: account.clone() }
    }

    fn failed(&self, source: DeltaTableError) -> LogError {
        LogError::Delta { table: self.table.clone(), source: Box::new(source) }
    }

    fn app_id(&self) -> String {
        format!("whodid/{}", self.stream)
    }

    /// The log now; `None` when there is no table yet.
    pub async fn read(&self) -> Result<Option<LogState>, LogError> {
        let state = match DeltaTableState::try_new(self.log_store.as_ref(), None).await {
            Ok(state) => state,
            Err(DeltaTableError::NotATable(_)) => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let version = state
            .transaction_version(self.log_store.as_ref(), self.app_id())
            .await
            .map_err(|error| self.failed(error))?;
        Ok(Some(LogState { state, flushed_to: version.map(|version| Offset(version as u64)) }))
    }

    /// Whether there are entries of a log. An empty one is an error: the library would pass over it, and with it
    /// over the files that it listed.
    pub async fn has_entries(&self) -> Result<bool, LogError> {
        let store = self.log_store.object_store(None);
        let mut listed = store.list(Some(&Path::from("_delta_log")));
        let mut has_entries = false;
        while let Some(object) = listed.try_next().await.map_err(|error| self.failed(error.into()))? {
            // Entries and checkpoints begin with their version.
            if !object.location.filename().is_some_and(|name| name.starts_with(|first: char| first.is_ascii_digit())) {
                continue;
            }
            if object.size == 0 {
                return Err(LogError::Empty { table: self.table.clone(), path: object.location.to_string() });
            }
            has_entries = true;
        }
        Ok(has_entries)
    }

    /// Tells that the log's beginning is missing.
    pub fn headless(&self) -> LogError {
        LogError::Headless { table: self.table.clone() }
    }

    /// Makes the table. When another has just made it, that is an error like any other: read again.
    pub async fn create(&self) -> Result<(), LogError> {
        let days = |count: i64| format!("interval {count} days");
        CreateBuilder::new()
            .with_log_store(self.log_store.clone())
            .with_table_name(self.stream.as_str())
            .with_comment(format!(
                "whodid: the records of stream {} of account {}. Columns: https://github.com/whodid/whodid docs/reference. \
                 The text as received is raw_template with its marks replaced by columns.",
                self.stream, self.account
            ))
            .with_columns(delta_columns())
            .with_partition_columns([PARTITION_COLUMN])
            // delta.setTransactionRetentionDuration stays unset: a forgotten transaction version would let a
            // repeated flush in twice.
            .with_configuration([
                ("delta.checkpointInterval", Some(CHECKPOINT_COMMITS.to_string())),
                ("delta.dataSkippingStatsColumns", Some(LOG_STATISTICS.join(","))),
                ("delta.logRetentionDuration", Some(days(LOG_RETENTION_DAYS))),
            ])
            .with_save_mode(SaveMode::ErrorIfExists)
            .with_commit_properties(properties())
            .await
            .map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Commits new segments and, in the same entry, that offsets to `last` are in the table.
    pub async fn commit_flush(&self, read: &LogState, adds: Vec<Add>, last: Offset) -> Result<u64, LogError> {
        let version = i64::try_from(last.0).expect("2^63 records fit no disk");
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![PARTITION_COLUMN.to_owned()]),
            predicate: None,
        };
        let properties = properties().with_application_transaction(Transaction::new(self.app_id(), version));
        self.commit(read, adds.into_iter().map(Action::Add).collect(), operation, properties).await
    }

    /// Commits that some files stand in the place of others: with the same rows, or with fewer where `change` names it.
    pub async fn commit_replace(
        &self,
        read: &LogState,
        removes: Vec<Remove>,
        adds: Vec<Add>,
        change: Option<&str>,
    ) -> Result<u64, LogError> {
        let (operation, properties) = match change {
            Some(name) => {
                let transaction = Transaction::new(change_id(name), 1);
                let properties = properties().with_application_transaction(transaction);
                (DeltaOperation::Delete { predicate: None }, properties)
            }
            None => {
                let target_size = adds.iter().map(|add| add.size).sum();
                (DeltaOperation::Optimize { predicate: None, target_size }, properties())
            }
        };
        let actions = removes.into_iter().map(Action::Remove).chain(adds.into_iter().map(Action::Add));
        self.commit(read, actions.collect(), operation, properties).await
    }

    /// Whether a change with this name is in the log.
    pub async fn has_changed(&self, read: &LogState, name: &str) -> Result<bool, LogError> {
        let version = read.state.transaction_version(self.log_store.as_ref(), change_id(name)).await;
        Ok(version.map_err(|error| self.failed(error))?.is_some())
    }

    async fn commit(
        &self,
        read: &LogState,
        actions: Vec<Action>,
        operation: DeltaOperation,
        properties: CommitProperties,
    ) -> Result<u64, LogError> {
        let committed = async {
            // The steps after the commit itself would read the whole table again.
            CommitBuilder::from(properties)
                .with_actions(actions)
                .build(Some(&read.state), self.log_store.clone(), operation)
                .into_prepared_commit_future()
                .await?
                .await
        };
        let committed = committed.await.map_err(|error| self.failed(error))?;
        Ok(committed.version)
    }

    /// Writes a checkpoint when `version` is the turn of one. Without it the log is only longer to read.
    pub async fn checkpoint_after(&self, version: u64) -> Result<(), LogError> {
        if !(version + 1).is_multiple_of(CHECKPOINT_COMMITS) {
            return Ok(());
        }
        let mut table = DeltaTable::new(self.log_store.clone());
        table.load_version(version).await.map_err(|error| self.failed(error))?;
        create_checkpoint(&table, None).await.map_err(|error| self.failed(error))
    }

    /// Removes log entries that a checkpoint has replaced and that are older than the log's retention.
    pub async fn remove_expired(&self, read: &LogState, now: Timestamp) -> Result<usize, LogError> {
        let retention = LOG_RETENTION_DAYS * whodid_model::time::MICROS_A_DAY;
        let cutoff = now.plus_micros(-retention).micros().div_euclid(1000);
        cleanup_expired_logs_for(read.state.version(), self.log_store.as_ref(), cutoff, None)
            .await
            .map_err(|error| self.failed(error))
    }

    /// All files that make up the table.
    pub async fn files(&self, read: &LogState) -> Result<Vec<LoggedFile>, LogError> {
        let mut views = read.state.snapshot().file_views(self.log_store.as_ref(), None);
        let mut files = Vec::new();
        while let Some(view) = views.try_next().await.map_err(|error| self.failed(error))? {
            let path = view.path().into_owned();
            let known = view.stats().as_deref().and_then(facts_of);
            let Some(facts) = known else { return Err(LogError::Statistics { table: self.table.clone(), path }) };
            let date = view.partition_values_map().remove(PARTITION_COLUMN).flatten().unwrap_or_default();
            files.push(LoggedFile { path, bytes: view.size() as u64, date, facts });
        }
        files.sort_by(|a, b| (&a.date, a.facts.offsets, &a.path).cmp(&(&b.date, b.facts.offsets, &b.path)));
        Ok(files)
    }

    /// Files that were replaced and may still be there, with the time of their removal.
    pub async fn removed(&self, read: &LogState) -> Result<Vec<(String, Timestamp)>, LogError> {
        let tombstones = read.state.all_tombstones(self.log_store.as_ref());
        tombstones
            .map_ok(|tombstone| {
                let millis = tombstone.deletion_timestamp().unwrap_or_default();
                (tombstone.path().into_owned(), Timestamp::from_millis(millis))
            })
            .try_collect()
            .await
            .map_err(|error| self.failed(error))
    }
}

/// The application transaction of a change, beside that of the flushes.
fn change_id(name: &str) -> String {
    format!("whodid-change/{name}")
}

fn properties() -> CommitProperties {
    CommitProperties::default().with_max_retries(0).with_create_checkpoint(false).with_cleanup_expired_logs(Some(false))
}

impl LoggedFile {
    pub fn add(&self, data_change: bool) -> Add {
        Add {
            path: self.path.clone(),
            partition_values: self.partition_values(),
            size: self.bytes as i64,
            // The rows' own time, so that a repeated flush writes the same entry.
            modification_time: self.facts.recorded_at.1.micros().div_euclid(1000),
            data_change,
            stats: Some(log_statistics(&self.facts)),
            ..Add::default()
        }
    }

    pub fn remove(&self, now: Timestamp, data_change: bool) -> Remove {
        Remove {
            path: self.path.clone(),
            data_change,
            deletion_timestamp: Some(now.micros().div_euclid(1000)),
            extended_file_metadata: Some(true),
            partition_values: Some(self.partition_values()),
            size: Some(self.bytes as i64),
            ..Remove::default()
        }
    }

    fn partition_values(&self) -> HashMap<String, Option<String>> {
        let date = Some(self.date.clone()).filter(|date| !date.is_empty());
        HashMap::from([(PARTITION_COLUMN.to_owned(), date)])
    }
}
