//! What can go wrong with the metadata file.

use std::path::PathBuf;

/// The metadata cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    /// The file cannot be made or opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// The file or its folder cannot be made.
    #[error("cannot create {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file was written by a newer whodid.
    #[error("{} has schema version {found}, this whodid knows {known}; start a newer whodid", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// A statement failed: disk full, locked for too long, file damaged.
    #[error("{doing} failed in the metadata")]
    Statement {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random(#[from] getrandom::Error),
}

impl MetaError {
    /// For `map_err`: the statement that was being run.
    pub(crate) fn doing(doing: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Statement { doing, source }
    }

    /// True when another process holds the file for longer than the busy timeout, or the disk is full.
    pub fn is_passing(&self) -> bool {
        let Self::Statement { source: sqlx::Error::Database(source), .. } = self else { return false };
        // SQLite's primary result codes 5 (busy), 6 (locked) and 13 (full).
        let code = source.code().and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
        matches!(code, Some(5 | 6 | 13))
    }
}
