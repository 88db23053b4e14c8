//! What insights of an account learned, as one file: replaced whole, so that it is of one moment.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use whodid_insights::Settings;
use whodid_model::{AccountName, Offset, StreamName};

/// Version of the form: a line of JSON, then the detector's own bytes.
pub(super) const VERSION: u32 = 1;

/// What is stored.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stored {
    pub version: u32,
    /// The next offset of each stream.
    pub cursors: HashMap<StreamName, Offset>,
    /// Up to when time has passed, in microseconds.
    pub passed: i64,
    /// When the last record was taken in, in microseconds.
    pub recorded: i64,
    /// When it was begun with nothing learned, in microseconds.
    pub begun: i64,
    pub settings: Settings,
    /// As [`whodid_insights::Detector::snapshot`] writes it.
    #[serde(skip)]
    pub detector: Vec<u8>,
}

fn path(data: &Path, account: &AccountName) -> PathBuf {
    data.join("insights").join(format!("{account}.zst"))
}

/// What an earlier run stored; `None` where there is nothing.
pub(super) fn read(data: &Path, account: &AccountName) -> io::Result<Option<Stored>> {
    let path = path(data, account);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(&path, &error)),
    };
    let plain = zstd::decode_all(bytes.as_slice()).map_err(|error| told(&path, &error))?;
    let end = plain.iter().position(|byte| *byte == b'\n').unwrap_or(plain.len());
    let mut stored: Stored = serde_json::from_slice(&plain[..end]).map_err(|error| told(&path, &error.into()))?;
    if stored.version != VERSION {
        let text = format!("its form is version {}, and this whodid reads {VERSION}", stored.version);
        return Err(told(&path, &io::Error::other(text)));
    }
    stored.detector = plain.get(end + 1..).unwrap_or_default().to_vec();
    Ok(Some(stored))
}

/// Stores, durably.
pub(super) fn write(data: &Path, account: &AccountName, stored: &Stored) -> io::Result<()> {
    let path = path(data, account);
    let folder = path.parent().unwrap_or(data);
    std::fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("new");
    let mut encoder = zstd::Encoder::new(std::fs::File::create(&unfinished)?, 1)?;
    serde_json::to_writer(&mut encoder, stored)?;
    encoder.write_all(b"\n")?;
    encoder.write_all(&stored.detector)?;
    let file = encoder.finish()?;
    file.sync_all()?;
    std::fs::rename(&unfinished, &path)?;
    std::fs::File::open(folder)?.sync_all()
}

fn told(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
