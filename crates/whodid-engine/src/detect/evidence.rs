//! The records that a finding names, for whoever tells of it.

use std::time::Instant;

use arrow::array::RecordBatch;
use whodid_lake::RawReader;
use whodid_model::{AccountName, Field, Offset, RecordId, StreamName, Timestamp, chain};

use crate::engine::Engine;
use crate::row::Row;

/// What a record tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evident {
    /// When it happened.
    pub at: Timestamp,
    /// What happened, in a sentence.
    pub sentence: String,
    /// The event as it was received.
    pub raw: Vec<u8>,
}

/// The sentence that a record of an insight has already; who is named in it as initiator started nothing.
pub(super) fn own_words<'a>(row: Row<'a>, stream: &StreamName) -> Option<&'a str> {
    if *stream != StreamName::insights() {
        return None;
    }
    row.field(Field::Message).filter(|words| !words.is_empty())
}

impl Engine {
    /// Records of an account by their ids, in the order asked for; `None` for each that is erased, never was, cannot be
    /// read, or is not in memory and not read back by `lake_until`. For what whodid itself tells of findings: nobody
    /// else's reading goes this way.
    pub async fn evidence(
        &self,
        account: &AccountName,
        records: &[RecordId],
        lake_until: Instant,
    ) -> Vec<Option<Evident>> {
        let mut found = Vec::with_capacity(records.len());
        for record in records {
            found.push(self.evident(account, &record.stream, record.offset, lake_until).await);
        }
        found
    }

    async fn evident(
        &self,
        account: &AccountName,
        stream: &StreamName,
        offset: Offset,
        lake_until: Instant,
    ) -> Option<Evident> {
        let table = self.inner.known_table(account, stream)?;
        let of = |batch: &RecordBatch| {
            let raws = RawReader::new(batch);
            Row::all_with(batch, &raws).find(|row| row.offset() == offset).map(|row| Evident {
                at: row.event_time(),
                sentence: own_words(row, stream)
                    .map_or_else(|| whodid_model::sentence::summary(&row.fields()), str::to_owned),
                raw: row.raw().into_owned(),
            })
        };
        if let Some(found) = table.first_in_memory(offset, 1).first().and_then(of) {
            return Some(found);
        }
        if Instant::now() >= lake_until {
            return None;
        }
        let read = self.flushed(&table, stream, offset, offset.next());
        match tokio::time::timeout_at(lake_until.into(), read).await {
            Ok(Ok(batch)) => batch.as_ref().and_then(of),
            Ok(Err(error)) => {
                tracing::error!(account = %account, stream = %stream, offset = %offset, error = %chain(&error), "what shows an alert cannot be read back, and is told by its place");
                None
            }
            Err(_) => None,
        }
    }
}
