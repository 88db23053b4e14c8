//! Files that somebody laid beside an account's tables: listed and read with bounds, for whoever makes something of
//! them. They are no records and not of the account's senders, so no scope is asked for.

use bytes::Bytes;
use whodid_lake::{LaidError, LaidFiles};
use whodid_model::AccountName;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};

impl Engine {
    /// The files laid for an account in [`whodid_lake::LAID_FOLDER`]; of each such folder at most `max` objects are
    /// looked at.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] while the account's storage is away or does not answer. Nobody waits here for a store
    /// longer than the store's own bounds; who wants less sets a time of their own.
    pub async fn laid_files(&self, account: &AccountName, max: usize) -> Result<LaidFiles, Error> {
        self.inner.lake.laid_files(account, max).await.map_err(refused)
    }

    /// What a laid file of an account holds.
    ///
    /// # Errors
    /// As [`Engine::laid_files`]; [`ErrorKind::Invalid`] when it is larger than `bytes_max`, or no laid file.
    pub async fn laid_file(&self, account: &AccountName, path: &str, bytes_max: u64) -> Result<Bytes, Error> {
        self.inner.lake.laid_file(account, path, bytes_max).await.map_err(refused)
    }

    /// Whether the account's storage shows this server's claim: what is missing there is gone then, and not only away
    /// with a folder or bucket that stands in for the right one.
    ///
    /// # Errors
    /// As [`Engine::laid_files`].
    pub async fn shows_claim(&self, account: &AccountName) -> Result<bool, Error> {
        self.inner.lake.shows_claim(account).await.map_err(|error| refused(error.into()))
    }
}

fn refused(error: LaidError) -> Error {
    match error {
        LaidError::TooLarge { .. } => Error::invalid("too_large", error.to_string()),
        LaidError::Elsewhere { .. } => Error::invalid("no_laid_file", error.to_string()),
        LaidError::Place(_) | LaidError::List { .. } | LaidError::Read { .. } => {
            let detail = "the account's storage does not answer; it is asked again";
            Error::new(ErrorKind::Unavailable, "lake_unavailable", detail).caused_by(error)
        }
    }
}
