//! Whose lake it is: one server writes to a lake, and two that do must find out before either loses a record.
//!
//! An object at the lake's root names the run of the server that writes here. A server claims the lake when it
//! starts and looks again before every commit. It takes a lake that nobody has claimed, or that one of its own
//! earlier runs had; those are told by a file beside its journal. Whoever else wrote here in between has given
//! places to records that this journal may have given to others.
//!
//! The object is JSON, version 1: `{"version":1,"run":"<uuid>"}`. So is the file:
//! `{"version":1,"runs":["<newest>", …]}`.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};

/// The object, from the lake's root.
const OWNER_OBJECT: &str = "_whodid/owner.json";
/// The file, in the folder that the caller names.
const RUNS_FILE: &str = "lake-runs.json";
const FORMAT_VERSION: u32 = 1;
/// Earlier runs that are remembered: an operator may point the server elsewhere and back.
const RUNS_MAX: usize = 256;

/// Why a lake cannot be claimed, or is no longer claimed by this run.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// Another server has claimed it since, or first.
    #[error(
        "another server writes to this lake (its run is {run}); two on one lake would take each other's places. \
         Give this server a lake of its own, or, when the other is gone for good, start once with --take-over-lake"
    )]
    Other {
        /// The other's run.
        run: String,
    },
    /// The claim could not be read or written.
    #[error("cannot read or write {OWNER_OBJECT}, which tells who writes to the lake")]
    Store(#[from] object_store::Error),
    /// The claim, or the file of earlier runs, is not what a server writes.
    #[error("{what} is damaged; when no other server writes to this lake, remove it and start again")]
    Damaged {
        /// Which of the two.
        what: String,
    },
    /// The file of earlier runs could not be read or written.
    #[error("cannot read or write {}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

#[derive(Serialize, Deserialize)]
struct Owner {
    version: u32,
    run: String,
}

#[derive(Serialize, Deserialize)]
struct Runs {
    version: u32,
    runs: Vec<String>,
}

/// The claim of a run on a lake.
#[derive(Debug)]
pub(crate) struct Claim {
    store: Arc<dyn ObjectStore>,
    run: String,
}

/// The run of another server that has claimed the lake; `None` when it is free or was last claimed by one of the runs
/// that the file in `folder` names.
pub(crate) async fn other_owner(store: &dyn ObjectStore, folder: &FilePath) -> Result<Option<String>, OwnerError> {
    let runs = read_runs(&folder.join(RUNS_FILE))?;
    Ok(read_owner(store).await?.filter(|owner| !runs.contains(owner)))
}

impl Claim {
    /// Claims the lake for the run named `run`. With `take_over` also when another has it.
    pub async fn make(
        store: Arc<dyn ObjectStore>,
        folder: &FilePath,
        run: String,
        take_over: bool,
    ) -> Result<Self, OwnerError> {
        let file = folder.join(RUNS_FILE);
        let mut runs = read_runs(&file)?;
        let owner = read_owner(store.as_ref()).await?;
        if let Some(run) = owner.clone().filter(|owner| !take_over && !runs.contains(owner)) {
            return Err(OwnerError::Other { run });
        }
        // First here, then there: a start that is cut off between the two must know its own claim again.
        // Once for all places that a run claims.
        if runs.first() != Some(&run) {
            runs.insert(0, run.clone());
            runs.truncate(RUNS_MAX);
            write_runs(&file, runs)?;
        }
        let text = serde_json::to_vec(&Owner { version: FORMAT_VERSION, run: run.clone() }).unwrap_or_default();
        let place = Path::from(OWNER_OBJECT);
        if owner.is_none() {
            let put = store.put_opts(&place, PutPayload::from(text), PutOptions::from(PutMode::Create)).await;
            if let Err(error) = put {
                // Another may have been quicker, or the answer was lost.
                return match read_owner(store.as_ref()).await? {
                    Some(owner) if owner == run => Ok(Self { store, run }),
                    Some(run) => Err(OwnerError::Other { run }),
                    None => Err(error.into()),
                };
            }
        } else {
            store.put(&place, PutPayload::from(text)).await?;
        }
        Ok(Self { store, run })
    }

    /// An error when the lake is another's by now.
    pub async fn check(&self) -> Result<(), OwnerError> {
        match read_owner(self.store.as_ref()).await? {
            Some(run) if run != self.run => Err(OwnerError::Other { run }),
            // Somebody cleaned up: nobody else claims it.
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the lake shows the claim: it is neither another's by now, nor gone with the claim.
    pub async fn is_shown(&self) -> Result<bool, OwnerError> {
        Ok(read_owner(self.store.as_ref()).await?.is_some_and(|run| run == self.run))
    }
}

async fn read_owner(store: &dyn ObjectStore) -> Result<Option<String>, OwnerError> {
    let bytes = match store.get(&Path::from(OWNER_OBJECT)).await {
        Ok(found) => found.bytes().await?,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let damaged = || OwnerError::Damaged { what: format!("the object {OWNER_OBJECT} of the lake") };
    let owner: Owner = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
    if owner.version == FORMAT_VERSION { Ok(Some(owner.run)) } else { Err(damaged()) }
}

fn read_runs(file: &FilePath) -> Result<Vec<String>, OwnerError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(OwnerError::File { file: file.to_owned(), source }),
    };
    let damaged = || OwnerError::Damaged { what: file.display().to_string() };
    let runs: Runs = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
    if runs.version == FORMAT_VERSION { Ok(runs.runs) } else { Err(damaged()) }
}

/// Replaces the file, so that after a crash it is the old or the new one.
fn write_runs(file: &FilePath, runs: Vec<String>) -> Result<(), OwnerError> {
    use std::io::Write as _;
    let text = serde_json::to_vec(&Runs { version: FORMAT_VERSION, runs }).unwrap_or_default();
    let new = file.with_extension("new");
    let write = || {
        let mut out = std::fs::File::create(&new)?;
        out.write_all(&text)?;
        out.sync_all()?;
        std::fs::rename(&new, file)?;
        let folder = file.parent().unwrap_or(FilePath::new("."));
        std::fs::File::open(folder)?.sync_all()
    };
    write().map_err(|source| OwnerError::File { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]
    use object_store::memory::InMemory;

    use super::*;

    async fn claim(
        store: &Arc<InMemory>,
        folder: &tempfile::TempDir,
        run: &str,
        take_over: bool,
    ) -> Result<Claim, OwnerError> {
        Claim::make(store.clone(), folder.path(), run.to_owned(), take_over).await
    }

    #[tokio::test]
    async fn a_lake_is_claimed_again_by_the_same_folder_and_refused_to_another() {
        let (store, ours, theirs) =
            (Arc::new(InMemory::new()), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        claim(&store, &ours, "a1", false).await.unwrap();
        assert_eq!(other_owner(store.as_ref(), ours.path()).await.unwrap(), None);
        let again = claim(&store, &ours, "a2", false).await.unwrap();
        assert_eq!(other_owner(store.as_ref(), theirs.path()).await.unwrap().as_deref(), Some("a2"));
        again.check().await.unwrap();
        let error = claim(&store, &theirs, "b1", false).await.unwrap_err();
        assert!(matches!(&error, OwnerError::Other { run } if run == "a2"), "{error}");
        again.check().await.unwrap();
    }

    #[tokio::test]
    async fn who_is_put_aside_finds_out_and_stays_out() {
        let (store, ours, theirs) =
            (Arc::new(InMemory::new()), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = claim(&store, &ours, "a1", false).await.unwrap();
        let second = claim(&store, &theirs, "b1", true).await.unwrap();
        second.check().await.unwrap();
        assert!(matches!(first.check().await, Err(OwnerError::Other { run }) if run == "b1"));
        assert!(claim(&store, &ours, "a2", false).await.is_err());
        // One of its own runs again, however old.
        claim(&store, &ours, "a3", true).await.unwrap();
        assert!(claim(&store, &theirs, "b2", false).await.is_err());
    }

    #[tokio::test]
    async fn a_copy_of_the_folder_is_told_from_the_folder() {
        let (store, ours, copy) =
            (Arc::new(InMemory::new()), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        claim(&store, &ours, "a1", false).await.unwrap();
        std::fs::copy(ours.path().join(RUNS_FILE), copy.path().join(RUNS_FILE)).unwrap();
        let copied = claim(&store, &copy, "c1", false).await.unwrap();
        copied.check().await.unwrap();
        assert!(claim(&store, &ours, "a2", false).await.is_err(), "the copy has written since");
    }

    #[tokio::test]
    async fn what_is_damaged_is_named() {
        let (store, ours) = (Arc::new(InMemory::new()), tempfile::tempdir().unwrap());
        store.put(&Path::from(OWNER_OBJECT), PutPayload::from_static(b"{}")).await.unwrap();
        assert!(claim(&store, &ours, "a1", false).await.unwrap_err().to_string().contains(OWNER_OBJECT));
        store.delete(&Path::from(OWNER_OBJECT)).await.unwrap();
        std::fs::write(ours.path().join(RUNS_FILE), "x").unwrap();
        assert!(claim(&store, &ours, "a1", false).await.unwrap_err().to_string().contains(RUNS_FILE));
    }
}
