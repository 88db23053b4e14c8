//! The records that a finding names, for whoever tells of it.

use arrow::array::RecordBatch;
use whodid_lake::RawReader;
use whodid_model::{AccountName, Offset, RecordId, StreamName, Timestamp};

use crate::engine::Engine;
use crate::error::Error;
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

impl Engine {
    /// Records of an account by their ids, in the order asked for; `None` for each that is erased or never was. For what
    /// whodid itself tells of findings: nobody else's reading goes this way.
    ///
    /// # Errors
    /// One was flushed and cannot be read back.
    pub async fn evidence(&self, account: &AccountName, records: &[RecordId]) -> Result<Vec<Option<Evident>>, Error> {
        let mut found = Vec::with_capacity(records.len());
        for record in records {
            found.push(self.evident(account, &record.stream, record.offset).await?);
        }
        Ok(found)
    }

    async fn evident(
        &self,
        account: &AccountName,
        stream: &StreamName,
        offset: Offset,
    ) -> Result<Option<Evident>, Error> {
        let Some(table) = self.inner.known_table(account, stream) else { return Ok(None) };
        let of = |batch: &RecordBatch| {
            let raws = RawReader::new(batch);
            Row::all_with(batch, &raws).find(|row| row.offset() == offset).map(|row| Evident {
                at: row.event_time(),
                sentence: whodid_model::sentence::summary(&row.fields()).to_string(),
                raw: row.raw().into_owned(),
            })
        };
        if let Some(found) = table.first_in_memory(offset, 1).first().and_then(of) {
            return Ok(Some(found));
        }
        Ok(self.flushed(&table, stream, offset, offset.next()).await?.as_ref().and_then(of))
    }
}
