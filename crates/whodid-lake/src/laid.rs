//! Files that somebody lays beside an account's tables, for whodid to read.
//!
//! They lie in one folder, [`LAID_FOLDER`], whose name neither an account nor a stream can have. Tables are found by
//! names that can be read as such: so nothing here reaches a table, and nothing that looks after tables sees these.
//! Listings and files are read with bounds; nothing is written.

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use whodid_model::{AccountName, Timestamp};

use crate::lake::{Lake, OpenError};

/// The folder, where Security Advisor's customers had it in their bucket.
pub const LAID_FOLDER: &str = "IBM.rules/activities";

/// A file that somebody laid there. Equal ones have equal contents, as far as a store can tell without reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaidFile {
    /// From the root of where the account's tables are.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last written.
    pub changed_at: Timestamp,
    /// What the store calls this content of it.
    pub e_tag: Option<String>,
}

/// The files that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaidFiles {
    /// By path; not those in folders below.
    pub files: Vec<LaidFile>,
    /// Whether these are all: false where the bound was met.
    pub is_whole: bool,
}

/// Why laid files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LaidError {
    /// The account's own place is not open.
    #[error(transparent)]
    Place(#[from] OpenError),
    /// The folder could not be listed.
    #[error("cannot list {folder}")]
    List {
        /// Which one.
        folder: Path,
        /// What the store said.
        source: object_store::Error,
    },
    /// The file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// Which one.
        path: String,
        /// What the store said.
        source: object_store::Error,
    },
    /// The file is larger than asked for.
    #[error("{path} has {bytes} bytes, and {max} are allowed")]
    TooLarge {
        /// Which one.
        path: String,
        /// Its size.
        bytes: u64,
        /// The bound.
        max: u64,
    },
    /// No laid file of this account has such a path.
    #[error("{path} is no file that was laid there for the account")]
    Elsewhere {
        /// Which one.
        path: String,
    },
}

impl Lake {
    /// The files laid for an account. Of each of its folders at most `max` objects are looked at.
    ///
    /// # Errors
    /// The account's place is away, or the store does not answer.
    pub async fn laid_files(&self, account: &AccountName, max: usize) -> Result<LaidFiles, LaidError> {
        let store = self.store_of(account)?;
        let mut found = LaidFiles { files: Vec::new(), is_whole: true };
        for folder in self.laid_folders(account) {
            let mut listing = store.list(Some(&folder));
            let mut looked_at = 0;
            loop {
                let object = match listing.try_next().await {
                    Ok(Some(object)) => object,
                    Ok(None) | Err(object_store::Error::NotFound { .. }) => break,
                    Err(source) => return Err(LaidError::List { folder, source }),
                };
                // A listing is taken page by page: dropped here, the rest is never asked for.
                if looked_at == max {
                    found.is_whole = false;
                    break;
                }
                looked_at += 1;
                if is_directly_in(&object.location, &folder) {
                    found.files.push(LaidFile {
                        path: object.location.to_string(),
                        bytes: object.size,
                        changed_at: Timestamp::from_micros(object.last_modified.timestamp_micros()),
                        e_tag: object.e_tag,
                    });
                }
            }
        }
        found.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    /// What a laid file of an account holds.
    ///
    /// # Errors
    /// As [`Lake::laid_files`]; the file is larger than `bytes_max`, or none of the account's.
    pub async fn laid_file(&self, account: &AccountName, path: &str, bytes_max: u64) -> Result<Bytes, LaidError> {
        let folders = self.laid_folders(account);
        let is_laid = |location: &Path| folders.iter().any(|folder| is_directly_in(location, folder));
        let Some(location) = Path::parse(path).ok().filter(is_laid) else {
            return Err(LaidError::Elsewhere { path: path.to_owned() });
        };
        let failed = |source| LaidError::Read { path: path.to_owned(), source };
        let found = self.store_of(account)?.get(&location).await.map_err(failed)?;
        // The answer's own size: the file may have grown since it was listed.
        let bytes = found.meta.size;
        if bytes > bytes_max {
            return Err(LaidError::TooLarge { path: path.to_owned(), bytes, max: bytes_max });
        }
        found.bytes().await.map_err(failed)
    }

    /// Where files of an account may lie: in its own folder, and at the root where that is nobody else's.
    fn laid_folders(&self, account: &AccountName) -> Vec<Path> {
        let mut folders = vec![Path::from(format!("{account}/{LAID_FOLDER}"))];
        if *account == AccountName::default_account() || self.has_place(account) {
            folders.push(Path::from(LAID_FOLDER));
        }
        folders
    }
}

fn is_directly_in(location: &Path, folder: &Path) -> bool {
    location.prefix_match(folder).is_some_and(|parts| parts.count() == 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
    use std::sync::Arc;

    use object_store::PutPayload;
    use object_store::memory::InMemory;
    use whodid_model::StreamName;

    use super::*;
    use crate::store::Location;

    /// A lake with objects of these paths, each holding its own path.
    async fn lake(paths: &[&str]) -> Lake {
        let store = Arc::new(InMemory::new());
        for path in paths {
            store.put(&Path::from(*path), PutPayload::from(path.as_bytes().to_vec())).await.unwrap();
        }
        Lake::on(store)
    }

    fn account(name: &str) -> AccountName {
        AccountName::parse(name).unwrap()
    }

    async fn paths(lake: &Lake, name: &str) -> Vec<String> {
        let found = lake.laid_files(&account(name), 100).await.unwrap();
        assert!(found.is_whole);
        found.files.into_iter().map(|file| file.path).collect()
    }

    const FILES: [&str; 6] = [
        "IBM.rules/activities/kms.json",
        "IBM.rules/activities/old/kms.json",
        "IBM.rules/kms.json",
        "acme/IBM.rules/activities/iam.json",
        "acme/activity/_delta_log/0.json",
        "default/IBM.rules/activities/iam.json",
    ];

    #[tokio::test]
    async fn files_are_an_accounts_own_and_those_at_the_root_are_those_of_the_first() {
        let lake = lake(&FILES).await;
        assert_eq!(
            paths(&lake, "default").await,
            ["IBM.rules/activities/kms.json", "default/IBM.rules/activities/iam.json"]
        );
        assert_eq!(paths(&lake, "acme").await, ["acme/IBM.rules/activities/iam.json"]);
        assert_eq!(paths(&lake, "nobodys").await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn nothing_else_of_the_lake_is_read_and_nothing_larger_than_asked_for() {
        let lake = lake(&FILES).await;
        let read = async |name: &str, path: &str, max| lake.laid_file(&account(name), path, max).await;
        assert_eq!(read("acme", FILES[3], 100).await.unwrap(), FILES[3].as_bytes());
        for path in [FILES[0], FILES[4], FILES[5], "acme/IBM.rules/activities/../../activity/x", ""] {
            assert!(matches!(read("acme", path, 100).await, Err(LaidError::Elsewhere { .. })), "{path}");
        }
        assert!(matches!(read("acme", FILES[3], 3).await, Err(LaidError::TooLarge { bytes: 34, max: 3, .. })));
        let gone = "acme/IBM.rules/activities/gone.json";
        assert!(matches!(read("acme", gone, 100).await, Err(LaidError::Read { .. })));
    }

    #[tokio::test]
    async fn a_listing_stops_at_its_bound_and_says_so() {
        let lake = lake(&["acme/IBM.rules/activities/a.json", "acme/IBM.rules/activities/b.json"]).await;
        let found = lake.laid_files(&account("acme"), 1).await.unwrap();
        assert_eq!((found.files.len(), found.is_whole), (1, false));
    }

    #[tokio::test]
    async fn tables_and_laid_files_do_not_see_each_other() {
        let lake = lake(&FILES).await;
        assert_eq!(lake.tables().await.unwrap(), [(account("acme"), StreamName::activity())]);
        assert_eq!(lake.streams(&account("default")).await.unwrap(), []);
    }

    #[tokio::test]
    async fn an_account_whose_rules_came_before_its_own_place_gets_it_all_the_same() {
        let (lake, runs) = (lake(&FILES[3..4]).await, tempfile::tempdir().unwrap());
        lake.set_place(account("acme"), Location::Memory);
        assert!(matches!(lake.laid_files(&account("acme"), 1).await, Err(LaidError::Place(OpenError::Away { .. }))));
        lake.open_place(&account("acme"), runs.path(), "a1", false).await.unwrap();
        assert_eq!(paths(&lake, "acme").await, Vec::<String>::new(), "that of its own place only");
        assert!(lake.shows_claim(&account("acme")).await.unwrap());
        assert!(!lake.shows_claim(&account("default")).await.unwrap(), "nobody has claimed the lake");
    }
}
