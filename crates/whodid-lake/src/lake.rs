//! The lake: all tables at one location.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use object_store::ObjectStore;
use object_store::path::Path;
use whodid_model::{AccountName, StreamName};

use crate::commit::LogError;
use crate::owner::{self, Claim, OwnerError};
use crate::segment::{FOOTER_CACHE_BYTES, FooterCache};
use crate::store::{self, Location, LocationError};
use crate::table::Table;

/// Every table at one location. One process at a time writes to it.
#[derive(Debug)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    footers: Arc<FooterCache>,
    claim: Arc<OnceLock<Claim>>,
    tail_bytes: Arc<AtomicUsize>,
    tables: parking_lot::Mutex<BTreeMap<(AccountName, StreamName), Opening>>,
}

/// A table that is open or being opened; a slow store holds up only those who want this one.
type Opening = Arc<tokio::sync::OnceCell<Arc<Table>>>;

/// Why a lake or a table of it could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The location cannot be used.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The log of a table could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The location could not be listed.
    #[error("cannot list the tables of the lake")]
    List(#[source] object_store::Error),
    /// The lake could not be claimed.
    #[error(transparent)]
    Owner(#[from] OwnerError),
}

impl OpenError {
    /// Whether the lake may answer when it is asked again: no network yet, a store that is starting or has too much
    /// to do. False for what somebody has to mend.
    pub fn may_pass(&self) -> bool {
        let source = match self {
            Self::Location(LocationError::Bucket { source, .. })
            | Self::List(source)
            | Self::Owner(OwnerError::Store(source)) => source,
            Self::Location(_) | Self::Log(_) | Self::Owner(_) => return false,
        };
        matches!(source, object_store::Error::Generic { .. })
    }
}

impl Lake {
    /// Opens a lake, making the folder if there is none.
    pub async fn open(location: Location) -> Result<Self, OpenError> {
        Ok(Self::on(store::open(&location).await?))
    }

    /// Opens a lake that exists, beside the process that writes to it: nothing is made, removed or tried out. Only
    /// for looking; what is written through it is not safe.
    pub async fn look(location: Location) -> Result<Self, OpenError> {
        Ok(Self::on(store::look(&location).await?))
    }

    /// A lake on a store that is rooted at it. The store must keep what [`crate::store`] promises.
    pub fn on(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            footers: FooterCache::new(FOOTER_CACHE_BYTES),
            claim: Arc::default(),
            tail_bytes: Arc::default(),
            tables: parking_lot::Mutex::default(),
        }
    }

    /// Claims the lake for one run of a server, so that no second one writes here unnoticed; every later flush looks
    /// whether it still holds. `folder` keeps the names of the server's earlier runs, whose lakes are its own.
    /// With `take_over` a lake of another is taken too.
    ///
    /// # Errors
    /// The lake is another's, or that could not be found out.
    pub async fn claim(&self, folder: &std::path::Path, run: String, take_over: bool) -> Result<(), OwnerError> {
        let claim = Claim::make(self.store.clone(), folder, run, take_over).await?;
        // Claimed once, by who opened it.
        let _ = self.claim.set(claim);
        Ok(())
    }

    /// Whether another server has claimed the lake, by what `folder` knows of one's own runs.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn is_claimed_by_another(&self, folder: &std::path::Path) -> Result<bool, OwnerError> {
        Ok(owner::other_owner(self.store.as_ref(), folder).await?.is_some())
    }

    /// The store, rooted at the lake.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// Bytes of the records that wait in memory, all tables together.
    pub fn tail_bytes(&self) -> usize {
        self.tail_bytes.load(Ordering::Relaxed)
    }

    /// The table of a stream. It need not exist: the first flush makes it.
    pub async fn table(&self, account: &AccountName, stream: &StreamName) -> Result<Arc<Table>, OpenError> {
        let opening = self.tables.lock().entry((account.clone(), stream.clone())).or_default().clone();
        let open = async || {
            let table = Table::open(
                self.store.clone(),
                account.clone(),
                stream.clone(),
                self.footers.clone(),
                self.claim.clone(),
                self.tail_bytes.clone(),
            );
            table.await.map(Arc::new).map_err(OpenError::from)
        };
        opening.get_or_try_init(open).await.cloned()
    }

    /// Forgets an open table, so that the next who asks for it reads its log again. Whoever holds the table must be
    /// done with it: two of one stream would both write.
    pub fn forget(&self, account: &AccountName, stream: &StreamName) {
        self.tables.lock().remove(&(account.clone(), stream.clone()));
    }

    /// The tables that exist: those in the store, and those that were asked for and hold nothing yet.
    pub async fn tables(&self) -> Result<Vec<(AccountName, StreamName)>, OpenError> {
        let mut found: BTreeSet<(AccountName, StreamName)> = self.tables.lock().keys().cloned().collect();
        for account in self.folders(None).await? {
            let Ok(account) = AccountName::parse(&account) else { continue };
            for stream in self.folders(Some(&Path::from(account.as_str()))).await? {
                if let Ok(stream) = StreamName::parse(&stream) {
                    found.insert((account.clone(), stream));
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    async fn folders(&self, under: Option<&Path>) -> Result<Vec<String>, OpenError> {
        let listing = match self.store.list_with_delimiter(under).await {
            Ok(listing) => listing,
            Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(OpenError::List(error)),
        };
        Ok(listing.common_prefixes.iter().filter_map(|prefix| prefix.filename().map(str::to_owned)).collect())
    }
}
