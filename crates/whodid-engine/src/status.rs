//! Numbers of an account, for its pages.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use whodid_lake::{Snapshot, Table};
use whodid_model::access::Rows;
use whodid_model::{AccessScope, Right, StreamName, Timestamp};

use crate::engine::{Engine, not_covered, require};
use crate::error::Error;
use crate::read::stream_of;
use crate::unreadable::UnreadableTable;

/// Numbers of one account. Those of a stream are told only to who sees all of it: they would tell others of what
/// they may not see.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Status {
    /// Records of the scope's stream.
    pub events: Option<u64>,
    /// Records of the `rejects` stream; only with a scope that shows them.
    pub rejects: Option<u64>,
    /// Of those `events`, records in memory.
    pub tail_rows: Option<u64>,
    /// Bytes of records in memory.
    pub tail_bytes: Option<u64>,
    /// Segment files of the stream.
    pub segments: Option<u64>,
    /// Bytes the journal uses; of all accounts.
    pub journal_bytes: u64,
    /// Bytes the journal may use.
    pub journal_bound_bytes: u64,
    /// Earliest event time.
    pub oldest_event: Option<Timestamp>,
    /// Latest event time.
    pub newest_event: Option<Timestamp>,
    /// When this engine was opened.
    pub started_at: Timestamp,
    /// Tables of the account that cannot be read; they are not in the numbers.
    pub unreadable: Vec<UnreadableTable>,
}

impl Engine {
    /// Numbers of the scope's account and stream. `rejects`: the same reader's scope for rejects, when there is one.
    pub async fn status(&self, scope: &AccessScope, rejects: Option<&AccessScope>) -> Result<Status, Error> {
        require(scope, &[Right::Read, Right::Export])?;
        let rejects = rejects.map(|rejects| self.rejects_count(scope, rejects)).transpose()?;
        let mut status = Status {
            events: None,
            rejects,
            tail_rows: None,
            tail_bytes: None,
            segments: None,
            journal_bytes: self.inner.gauges.used_bytes.load(Relaxed),
            journal_bound_bytes: self.inner.gauges.bound_bytes.load(Relaxed),
            oldest_event: None,
            newest_event: None,
            started_at: self.inner.started_at,
            unreadable: self.inner.set_aside.of(scope.account()),
        };
        if !shows_all(scope) {
            return Ok(status);
        }
        let table = self.inner.known_table(scope.account(), &stream_of(scope, None)?);
        let snapshot = self.snapshot_of(table.as_ref());
        let (events, tail_rows) = rows_of(&snapshot);
        status.events = Some(events);
        status.tail_rows = Some(tail_rows);
        status.tail_bytes = Some(table.map_or(0, |table| table.tail_bytes()) as u64);
        status.segments = Some(snapshot.segments.len() as u64);
        (status.oldest_event, status.newest_event) = crate::read::time_span(&snapshot).unzip();
        Ok(status)
    }

    fn rejects_count(&self, scope: &AccessScope, rejects: &AccessScope) -> Result<u64, Error> {
        require(rejects, &[Right::Read, Right::Export])?;
        let stream = stream_of(rejects, Some(&StreamName::rejects()))?;
        if rejects.account() != scope.account() || !shows_all(rejects) {
            return Err(not_covered());
        }
        let table = self.inner.known_table(rejects.account(), &stream);
        Ok(rows_of(&self.snapshot_of(table.as_ref())).0)
    }

    fn snapshot_of(&self, table: Option<&Arc<Table>>) -> Snapshot {
        table.map_or_else(|| Snapshot::empty(self.inner.lake.store()), |table| table.snapshot())
    }
}

/// Whether a scope hides nothing of its stream.
pub fn shows_all(scope: &AccessScope) -> bool {
    scope.rows().iter().any(Rows::is_all)
}

/// Records, and of those the ones in memory.
fn rows_of(snapshot: &Snapshot) -> (u64, u64) {
    let flushed: u64 = snapshot.segments.iter().map(|segment| segment.rows).sum();
    let tail: u64 = snapshot.tail.iter().map(|batch| batch.num_rows() as u64).sum();
    (flushed + tail, tail)
}
