//! Files that no record needs any more are deleted.
//!
//! Two kinds: segments that a compaction replaced, and leftovers of writes that never reached the log. A
//! replaced segment goes when no snapshot of this process holds it and readers outside had their time;
//! a leftover when it is old, is not being written, and the log as read at this moment does not list it.

use std::collections::HashSet;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use whodid_model::Timestamp;

use crate::commit::LogError;
use crate::table::{Retired, State, Table};

/// How long a replaced segment stays for readers that planned their query before.
pub const RETIRED_GRACE_MICROS: i64 = 600 * whodid_model::time::MICROS_A_SECOND;
/// How old a leftover must be.
pub const LEFTOVER_GRACE_MICROS: i64 = whodid_model::time::MICROS_A_DAY;

/// What a vacuum did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VacuumReport {
    /// Files deleted.
    pub deleted: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are to go and are still waited for.
    pub waiting: usize,
    /// Entries of the table's log that had expired.
    pub log_entries: usize,
}

/// Why a vacuum did not end. What it did not delete is deleted by the next.
#[derive(Debug, thiserror::Error)]
pub enum VacuumError {
    /// The table's folder could not be listed.
    #[error("cannot list the files of table {table}")]
    List {
        /// `account/stream`.
        table: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// A file could not be deleted.
    #[error("cannot delete {path}")]
    Delete {
        /// Which one.
        path: Path,
        /// What the store said.
        source: object_store::Error,
    },
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Table {
    /// Deletes the replaced segments whose time has come, by their names: nothing is listed, nothing is read.
    pub async fn delete_replaced(&self, now: Timestamp) -> Result<usize, VacuumError> {
        let _one = self.compacting.lock().await;
        let due: Vec<Path> = {
            let state = self.state.lock();
            let is_due = |retired: &&Retired| !retired.is_read() && retired.due() <= now && !state.needs(&retired.path);
            state.retired.iter().filter(is_due).map(|retired| retired.path.clone()).collect()
        };
        for path in &due {
            match self.store.delete(path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(VacuumError::Delete { path: path.clone(), source }),
            }
            self.state.lock().retired.retain(|retired| retired.path != *path);
        }
        Ok(due.len())
    }

    /// Deletes what is no longer needed at `now`, also leftovers that only a listing of the table's folder shows.
    /// Never touches a file that the log or a snapshot has.
    pub async fn vacuum(&self, now: Timestamp) -> Result<VacuumReport, VacuumError> {
        let _one = self.compacting.lock().await;
        let folder = self.folder();
        let listing: Vec<ObjectMeta> = self
            .store
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(|source| VacuumError::List { table: self.name(), source })?;
        // After the listing: a file that was listed then and has been committed since is seen here.
        let Some(read) = self.log.read().await? else { return Ok(VacuumReport::default()) };
        let logged: HashSet<Path> = self.log.files(&read).await?.iter().map(|file| self.path(&file.path)).collect();

        let mut report = VacuumReport::default();
        let mut there: HashSet<Path> = HashSet::new();
        for object in listing {
            let is_segment = object.location.extension() == Some("parquet") && !is_in_log(&object.location);
            if !is_segment {
                continue;
            }
            there.insert(object.location.clone());
            match self.state.lock().verdict(&object, &logged, now) {
                Verdict::Keep => continue,
                Verdict::Wait => {
                    report.waiting += 1;
                    continue;
                }
                Verdict::Delete => {}
            }
            match self.store.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(VacuumError::Delete { path: object.location, source }),
            }
            there.remove(&object.location);
            report.deleted += 1;
            report.bytes += object.size;
        }
        self.state.lock().retired.retain(|retired| there.contains(&retired.path));
        report.log_entries = self.log.remove_expired(&read, now).await?;
        Ok(report)
    }
}

enum Verdict {
    Keep,
    Wait,
    Delete,
}

impl State {
    fn verdict(&self, object: &ObjectMeta, logged: &HashSet<Path>, now: Timestamp) -> Verdict {
        let path = &object.location;
        if logged.contains(path) || self.needs(path) {
            return Verdict::Keep;
        }
        let gone_since = match self.retired.iter().find(|retired| retired.path == *path) {
            Some(retired) if retired.is_read() => return Verdict::Wait,
            Some(retired) => retired.due(),
            // A commit that lists this file may be on its way.
            None if self.flush_in_doubt => return Verdict::Wait,
            None => Timestamp::from_micros(object.last_modified.timestamp_micros()).plus_micros(LEFTOVER_GRACE_MICROS),
        };
        if gone_since <= now { Verdict::Delete } else { Verdict::Wait }
    }

    fn needs(&self, path: &Path) -> bool {
        self.in_flight.contains(path) || self.segments.iter().any(|segment| segment.path == *path)
    }
}

impl Retired {
    /// Whether a snapshot of this process holds it. The list itself holds one reference.
    fn is_read(&self) -> bool {
        self.segment.as_ref().is_some_and(|segment| Arc::strong_count(segment) > 1)
    }

    fn due(&self) -> Timestamp {
        self.removed_at.plus_micros(RETIRED_GRACE_MICROS)
    }
}

fn is_in_log(path: &Path) -> bool {
    path.parts().any(|part| part.as_ref() == "_delta_log")
}
