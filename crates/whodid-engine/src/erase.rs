//! Events are erased: from memory, journal and lake, and so that they count as new when they are sent again.

use arrow::array::{AsArray, RecordBatch};
use tokio::sync::oneshot;
use whodid_lake::schema::column;
use whodid_lake::{EraseReport, Erasure, RawReader};
use whodid_model::{AccessScope, Field, Permission, Right, StreamName};

use crate::duplicates::{Key, WINDOW_MICROS};
use crate::engine::{Engine, require, stopping};
use crate::error::{Error, ErrorKind};
use crate::jobs::{flush_one, release};
use crate::writer::Command;

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
        let table = match inner.known_table(account, &stream) {
            Some(table) => table,
            None => inner.table(account, &stream).await?,
        };
        flush_one(&table).await?;
        let now = (inner.options.clock)();
        let mut keys: Vec<Key> = Vec::new();
        let mut seen = |batch: &RecordBatch| {
            let ids = batch.column(column::of(Field::Id)).as_string::<i32>();
            let raws = RawReader::new(batch);
            let of_row = |(row, id): (usize, Option<&str>)| Some(inner.secret.event(account, id?, &raws.raw(row)));
            keys.extend(ids.iter().enumerate().filter_map(of_row));
        };
        let prepared = table.prepare_erasure(erasure, now.plus_micros(-WINDOW_MICROS), &mut seen).await;
        let prepared = prepared.map_err(failed)?;
        // First: what is erased and still counted as sent would be taken for stored when it comes again.
        let (done, forgotten) = oneshot::channel();
        inner.commands.send(Command::Forget(keys, done)).await.map_err(|_| stopping())?;
        forgotten.await.map_err(|_| stopping())?.map_err(|error| {
            let text = "the list of events sent before cannot be written; nothing was removed, make room and try again";
            Error::new(ErrorKind::Unavailable, "storage_unavailable", text).caused_by(error)
        })?;
        let report = prepared.commit(now).await.map_err(failed)?;
        release(inner).await;
        tracing::info!(%account, rows = report.rows, bytes = report.bytes_freed, "events were erased");
        metrics::counter!("whodid_events_erased_total").increment(report.rows);
        Ok(report)
    }
}

fn failed(error: whodid_lake::EraseError) -> Error {
    let text = "removing events failed; none was removed, try again later";
    Error::new(ErrorKind::Unavailable, "lake_unavailable", text).caused_by(error)
}
