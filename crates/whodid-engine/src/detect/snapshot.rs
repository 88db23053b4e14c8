//! What detection of an account remembers, as one file: replaced whole, so that it is of one moment.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use whodid_model::{AccountName, Offset, StreamName};
use whodid_rules::{Snapshot, SnapshotView};

use super::finding::Repeats;

/// Version of the form.
pub const VERSION: u32 = 1;

/// What is stored, as it is read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored<C = HashMap<StreamName, Offset>, S = Snapshot, R = Repeats> {
    pub version: u32,
    /// The next offset of each stream.
    pub cursors: C,
    pub state: S,
    pub repeats: R,
}

/// The same borrowed, to be written.
pub(super) type View<'a> = Stored<&'a HashMap<StreamName, Offset>, SnapshotView<'a>, &'a Repeats>;

fn path(data: &Path, account: &AccountName) -> PathBuf {
    data.join("detect").join(format!("{account}.json.zst"))
}

/// What an earlier run stored; `None` where there is nothing.
pub(super) fn read(data: &Path, account: &AccountName) -> io::Result<Option<Stored>> {
    let path = path(data, account);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(&path, error)),
    };
    let stored = zstd::decode_all(bytes.as_slice())
        .and_then(|json| serde_json::from_slice::<Stored>(&json).map_err(io::Error::other));
    match stored {
        Ok(stored) if stored.version == VERSION && stored.state.version == whodid_rules::SNAPSHOT_VERSION => {
            Ok(Some(stored))
        }
        Ok(stored) => Err(told(
            &path,
            io::Error::other(format!("its form is version {}, and this whodid reads {VERSION}", stored.version)),
        )),
        Err(error) => Err(told(&path, error)),
    }
}

/// Stores, durably.
pub(super) fn write(data: &Path, account: &AccountName, stored: &View<'_>) -> io::Result<()> {
    let path = path(data, account);
    let folder = path.parent().unwrap_or(data);
    std::fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("new");
    let file = std::fs::File::create(&unfinished)?;
    // Piece by piece: as one text it would need as much memory again as what is remembered.
    let mut encoder = zstd::Encoder::new(file, 1)?;
    serde_json::to_writer(io::BufWriter::with_capacity(128 << 10, &mut encoder), stored).map_err(io::Error::other)?;
    let mut file = encoder.finish()?;
    file.flush()?;
    file.sync_all()?;
    std::fs::rename(&unfinished, &path)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Forgets; a file that is not there is no error.
pub(super) fn remove(data: &Path, account: &AccountName) {
    if let Err(error) = std::fs::remove_file(path(data, account))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(account = %account, %error, "what detection remembered cannot be removed");
    }
}

fn told(path: &Path, error: io::Error) -> io::Error {
    let text = format!(
        "{}: {error}. Move the file aside to begin anew; records since it was written are then not looked at",
        path.display()
    );
    io::Error::new(error.kind(), text)
}
