//! What can still be read of a journal that cannot be opened.

use std::io;
use std::path::Path;

use whodid_lake::RawReader;
use whodid_model::{AccountName, StreamName};

use crate::frame;

/// What [`salvage`] gave, and what is lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Records given: events and rejects.
    pub records: u64,
    /// Records of other accounts, which were not given.
    pub others: u64,
    /// Records of the account's other streams, which were not given.
    pub other_streams: u64,
    /// What cannot be read, in words, in the order of the journal. Empty for a journal that is whole.
    pub damage: Vec<String>,
}

/// Why nothing can be salvaged, or no more.
#[derive(Debug, thiserror::Error)]
pub enum SalvageError {
    /// The folder is in use, or its files cannot be read.
    #[error(transparent)]
    Journal(#[from] whodid_journal::SalvageError),
    /// What was read could not be passed on.
    #[error("cannot write what was read of the journal")]
    Write(#[source] io::Error),
}

/// Gives the raw text of every record of `account` in these streams that the journal in the data folder still holds to `each`, in the
/// order in which they were taken in. Some of them may be in the lake already. Changes nothing.
pub fn salvage(
    data: &Path,
    account: &AccountName,
    streams: &[StreamName],
    each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<Salvaged, SalvageError> {
    let mut salvaged = Salvaged::default();
    let mut unreadable = Vec::new();
    let mut failed = None;
    let report = whodid_journal::salvage(&data.join("journal"), &mut |position, bytes| {
        if failed.is_some() {
            return;
        }
        let read = frame::decode(bytes).map_err(|error| error.to_string()).and_then(|(header, parts)| {
            for part in parts.iter().filter(|part| part.header.rows > 0) {
                if header.account != *account {
                    salvaged.others += part.header.rows;
                    continue;
                }
                if !streams.contains(&part.header.stream) {
                    salvaged.other_streams += part.header.rows;
                    continue;
                }
                let batch = whodid_lake::decode_batch(part.batch).map_err(|error| error.to_string())?;
                let raws = RawReader::new(&batch);
                for row in 0..batch.num_rows() {
                    if let Err(error) = each(&raws.raw(row)) {
                        failed = Some(error);
                        return Ok(());
                    }
                    salvaged.records += 1;
                }
            }
            Ok(())
        });
        if let Err(error) = read {
            unreadable.push(format!("frame {position}: {error}"));
        }
    })?;
    if let Some(error) = failed {
        return Err(SalvageError::Write(error));
    }
    salvaged.damage = report.damage.iter().map(ToString::to_string).chain(unreadable).collect();
    Ok(salvaged)
}
