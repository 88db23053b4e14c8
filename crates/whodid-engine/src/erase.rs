//! Events are erased: from memory, journal and lake, and so that they count as new when they are sent again.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use tokio::sync::oneshot;
use whodid_lake::schema::column;
use whodid_lake::{EraseError, EraseReport, Erasure, RawReader, Table};
use whodid_model::{AccessScope, AccountName, Field, Permission, Right, StreamName};

use crate::duplicates::{KEYS_MAX, Key, WINDOW_MICROS};
use crate::engine::{Engine, require, stopping};
use crate::error::{Error, ErrorKind};
use crate::jobs::{flush_one, release};
use crate::writer::Command;

/// How often an erasure is prepared anew because somebody else changed the table.
const CHANGED_TRIES: usize = 3;

impl Engine {
    /// Removes the events of `activity` that an erasure names and that were acknowledged by now. All of them go, or
    /// with an error none, unless the storage's answer was lost; the same erasure may be done again.
    ///
    /// What whodid did itself, and what could not be read, is never erased.
    ///
    /// # Errors
    /// The scope is for something else; a part of the storage is away or full.
    pub async fn erase(&self, scope: &AccessScope, erasure: &Erasure) -> Result<EraseReport, Error> {
        require(scope, &[Right::Manage(Permission::EventsErase)])?;
        let (inner, account) = (&self.inner, scope.account());
        let stream = StreamName::activity();
        // What is being stored now may be what its sender was told of a moment ago.
        inner.groups_settled().await;
        let table = inner.table(account, &stream).await?;
        flush_one(&table).await?;
        let mut tries = 0;
        let report = loop {
            match self.erase_once(&table, scope.account(), erasure).await {
                // Another program merged them meanwhile, or an earlier answer was lost; the list is read anew now.
                Err(EraseError::Changed { .. }) if tries < CHANGED_TRIES => tries += 1,
                Err(error) => return Err(failed(error)),
                Ok(report) => break report?,
            }
        };
        release(inner).await;
        tracing::info!(%account, rows = report.rows, bytes = report.bytes_freed, "events were erased");
        metrics::counter!("whodid_events_erased_total").increment(report.rows);
        Ok(report)
    }

    /// How many events an erasure would remove now.
    ///
    /// # Errors
    /// As [`Engine::erase`].
    pub async fn count_erasure(&self, scope: &AccessScope, erasure: &Erasure) -> Result<u64, Error> {
        require(scope, &[Right::Manage(Permission::EventsErase)])?;
        let inner = &self.inner;
        inner.groups_settled().await;
        let table = inner.table(scope.account(), &StreamName::activity()).await?;
        flush_one(&table).await?;
        table.count_erasure(erasure).await.map_err(failed)
    }

    async fn erase_once(
        &self,
        table: &Table,
        account: &AccountName,
        erasure: &Erasure,
    ) -> Result<Result<EraseReport, Error>, EraseError> {
        let inner = &self.inner;
        let now = (inner.options.clock)();
        // The window holds the last events of all accounts; what lies further back is in it no more.
        let oldest_known = table.next_offset().0.saturating_sub(KEYS_MAX as u64) as i64;
        let mut keys: Vec<Key> = Vec::new();
        let mut seen = |batch: &RecordBatch| {
            let ids = batch.column(column::of(Field::Id)).as_string::<i32>();
            let offsets = batch.column(column::OFFSET).as_primitive::<Int64Type>().values();
            let raws = RawReader::new(batch);
            let of_row = |(row, id): (usize, Option<&str>)| {
                (offsets[row] >= oldest_known).then_some(())?;
                Some(inner.secret.event(account, id?, &raws.raw(row)))
            };
            keys.extend(ids.iter().enumerate().filter_map(of_row));
        };
        let name = uuid::Uuid::now_v7().simple().to_string();
        // Keys leave the window by the newest of their chunk, so that some stay for up to twice as long.
        let since = now.plus_micros(-2 * WINDOW_MICROS);
        let prepared = table.prepare_erasure(erasure, &name, since, &mut seen).await?;
        // First: what is erased and still counted as sent would be taken for stored when it comes again.
        let (done, forgotten) = oneshot::channel();
        if inner.commands.send(Command::Forget(keys, done)).await.is_err() {
            return Ok(Err(stopping()));
        }
        match forgotten.await {
            Ok(Ok(())) => Ok(Ok(prepared.commit(now).await?)),
            Ok(Err(error)) => {
                let text =
                    "the list of events sent before cannot be written; nothing was removed, make room and try again";
                Ok(Err(Error::new(ErrorKind::Unavailable, "unavailable", text).caused_by(error)))
            }
            Err(_) => Ok(Err(stopping())),
        }
    }
}

fn failed(error: whodid_lake::EraseError) -> Error {
    let text = "removing events failed; none was removed, try again later";
    Error::new(ErrorKind::Unavailable, "lake_unavailable", text).caused_by(error)
}
