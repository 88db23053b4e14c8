//! The lake: all tables, at one location but for the accounts that have a place of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use object_store::ObjectStore;
use object_store::path::Path;
use whodid_model::{AccountName, StreamName};

use crate::commit::LogError;
use crate::owner::{self, Claim, OwnerError};
use crate::segment::{FOOTER_CACHE_BYTES, FooterCache};
use crate::store::{self, Location, LocationError};
use crate::table::Table;
use crate::tail::AllBytes;

/// Every table. Those of an account are at the lake's location, or at one of the account's own. One process at a time
/// writes to a location.
#[derive(Debug)]
pub struct Lake {
    main: Place,
    /// Of the accounts that have one of their own.
    places: parking_lot::Mutex<BTreeMap<AccountName, OwnPlace>>,
    /// One claim at a time: all write the same file of runs.
    claiming: tokio::sync::Mutex<()>,
    footers: Arc<FooterCache>,
    tail_bytes: AllBytes,
    tables: parking_lot::Mutex<BTreeMap<(AccountName, StreamName), Opening>>,
}

/// A location that is open.
#[derive(Debug, Clone)]
struct Place {
    store: Arc<dyn ObjectStore>,
    /// Empty until it is claimed.
    claim: Arc<OnceLock<Claim>>,
}

/// Where an account's tables are.
#[derive(Debug)]
struct OwnPlace {
    location: Location,
    /// `None` while it is away: it could not be opened yet.
    open: Option<Place>,
}

impl Place {
    fn on(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, claim: Arc::default() }
    }

    async fn claim(&self, folder: &std::path::Path, run: String, take_over: bool) -> Result<(), OwnerError> {
        let claim = Claim::make(self.store.clone(), folder, run, take_over).await?;
        // Claimed once, by who opened it.
        let _ = self.claim.set(claim);
        Ok(())
    }
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
    /// The account's own place is not open.
    #[error("the storage of account {account} is away")]
    Away {
        /// Whose.
        account: AccountName,
    },
    /// The account has tables in the lake, which a place of its own would hide.
    #[error("account {account} has records in the lake already; move its folder to the place of its own first")]
    Elsewhere {
        /// Whose.
        account: AccountName,
    },
}

impl OpenError {
    /// Whether the lake may answer when it is asked again: no network yet, a store that is starting or has too much
    /// to do. False for what somebody has to mend.
    pub fn may_pass(&self) -> bool {
        let source = match self {
            Self::Location(LocationError::Bucket { source, .. })
            | Self::List(source)
            | Self::Owner(OwnerError::Store(source)) => source,
            Self::Location(_) | Self::Log(_) | Self::Owner(_) | Self::Away { .. } | Self::Elsewhere { .. } => {
                return false;
            }
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
            main: Place::on(store),
            places: parking_lot::Mutex::default(),
            claiming: tokio::sync::Mutex::default(),
            footers: FooterCache::new(FOOTER_CACHE_BYTES),
            tail_bytes: AllBytes::default(),
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
        let _one = self.claiming.lock().await;
        self.main.claim(folder, run, take_over).await
    }

    /// Whether another server has claimed the lake, by what `folder` knows of one's own runs.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn is_claimed_by_another(&self, folder: &std::path::Path) -> Result<bool, OwnerError> {
        Ok(owner::other_owner(self.main.store.as_ref(), folder).await?.is_some())
    }

    /// Says that an account's tables are at a place of their own, which is away until [`Lake::open_place`]. To be said
    /// before any table of the account is asked for.
    pub fn set_place(&self, account: AccountName, location: Location) {
        self.places.lock().insert(account, OwnPlace { location, open: None });
    }

    /// Closes an account's place again, so that it is away and opened anew. None of its tables may be in use.
    pub fn close_place(&self, account: &AccountName) {
        if let Some(own) = self.places.lock().get_mut(account) {
            own.open = None;
        }
        self.tables.lock().retain(|(owner, _), _| owner != account);
    }

    /// Forgets a place that was set and could not be opened: the account's tables are in the lake.
    pub fn unset_place(&self, account: &AccountName) {
        self.places.lock().remove(account);
    }

    /// Whether an account has a place of its own, open or away.
    pub fn has_place(&self, account: &AccountName) -> bool {
        self.places.lock().contains_key(account)
    }

    /// Opens the account's own place. `run` claims it, as [`Lake::claim`] does the lake; one that another server has
    /// claimed is left alone unless `take_over`, and then it is claimed by [`Lake::claim_place`] only: true is
    /// returned for it. Does nothing for one that is open.
    ///
    /// # Errors
    /// It does not answer, is another server's, or the account has tables in the lake.
    pub async fn open_place(
        &self,
        account: &AccountName,
        folder: &std::path::Path,
        run: &str,
        take_over: bool,
    ) -> Result<bool, OpenError> {
        let location = match self.places.lock().get(account) {
            Some(OwnPlace { open: None, location }) => location.clone(),
            Some(OwnPlace { open: Some(_), .. }) => return Ok(false),
            None => return Err(OpenError::Away { account: account.clone() }),
        };
        // What lies there beside tables is no record.
        let there = folders(&self.main.store, Some(&Path::from(account.as_str()))).await?;
        if there.iter().any(|name| StreamName::parse(name).is_ok()) {
            return Err(OpenError::Elsewhere { account: account.clone() });
        }
        let place = Place::on(store::open(&location).await?);
        let is_taken = take_over && owner::other_owner(place.store.as_ref(), folder).await?.is_some();
        if !is_taken {
            let _one = self.claiming.lock().await;
            place.claim(folder, run.to_owned(), false).await?;
        }
        if let Some(own) = self.places.lock().get_mut(account) {
            own.open = Some(place);
        }
        Ok(is_taken)
    }

    /// Claims an account's open place, also when another server has it.
    ///
    /// # Errors
    /// It could not be claimed.
    pub async fn claim_place(
        &self,
        account: &AccountName,
        folder: &std::path::Path,
        run: &str,
    ) -> Result<(), OpenError> {
        let _one = self.claiming.lock().await;
        self.place_of(account)?.claim(folder, run.to_owned(), true).await.map_err(OpenError::from)
    }

    fn place_of(&self, account: &AccountName) -> Result<Place, OpenError> {
        match self.places.lock().get(account) {
            None => Ok(self.main.clone()),
            Some(own) => own.open.clone().ok_or_else(|| OpenError::Away { account: account.clone() }),
        }
    }

    /// Whether the place of an account's tables shows the claim of this run. An empty folder in the place of one that
    /// is away does not, nor does a place that is another's by now.
    ///
    /// # Errors
    /// The place is away or does not answer.
    pub async fn shows_claim(&self, account: &AccountName) -> Result<bool, OpenError> {
        match self.place_of(account)?.claim.get() {
            Some(claim) => Ok(claim.is_shown().await?),
            None => Ok(false),
        }
    }

    /// The store that an account's tables are in.
    pub(crate) fn store_of(&self, account: &AccountName) -> Result<Arc<dyn ObjectStore>, OpenError> {
        Ok(self.place_of(account)?.store)
    }

    /// The store, rooted at the lake.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.main.store.clone()
    }

    /// Bytes of the records that wait in memory, all tables together.
    pub fn tail_bytes(&self) -> usize {
        self.tail_bytes.waiting.load(Ordering::Relaxed)
    }

    /// Bytes of the records that are in the lake and kept in memory, all tables together: see [`Table::keep_from`].
    pub fn kept_bytes(&self) -> usize {
        self.tail_bytes.kept.load(Ordering::Relaxed)
    }

    /// The table of a stream. It need not exist: the first flush makes it.
    pub async fn table(&self, account: &AccountName, stream: &StreamName) -> Result<Arc<Table>, OpenError> {
        let place = self.place_of(account)?;
        let opening = self.tables.lock().entry((account.clone(), stream.clone())).or_default().clone();
        let open = async || {
            let table = Table::open(
                place.store.clone(),
                account.clone(),
                stream.clone(),
                self.footers.clone(),
                place.claim.clone(),
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

    /// The tables that exist: those in the stores, and those that were asked for and hold nothing yet. Not those of a
    /// place that is away.
    pub async fn tables(&self) -> Result<Vec<(AccountName, StreamName)>, OpenError> {
        let mut found: BTreeSet<(AccountName, StreamName)> = self.tables.lock().keys().cloned().collect();
        found.extend(self.shared_tables().await?);
        let mut own: Vec<AccountName> = self.places.lock().keys().cloned().collect();
        own.retain(|account| self.place_of(account).is_ok());
        for account in own {
            found.extend(self.streams(&account).await?.into_iter().map(|stream| (account.clone(), stream)));
        }
        Ok(found.into_iter().collect())
    }

    /// The tables of the accounts without a place of their own that exist in the store.
    pub async fn shared_tables(&self) -> Result<Vec<(AccountName, StreamName)>, OpenError> {
        let mut found = Vec::new();
        for account in folders(&self.main.store, None).await? {
            let Ok(account) = AccountName::parse(&account) else { continue };
            if !self.has_place(&account) {
                found.extend(self.streams(&account).await?.into_iter().map(|stream| (account.clone(), stream)));
            }
        }
        Ok(found)
    }

    /// The streams of an account that exist in its store.
    pub async fn streams(&self, account: &AccountName) -> Result<Vec<StreamName>, OpenError> {
        let store = self.place_of(account)?.store;
        let names = folders(&store, Some(&Path::from(account.as_str()))).await?;
        Ok(names.iter().filter_map(|name| StreamName::parse(name).ok()).collect())
    }
}

async fn folders(store: &Arc<dyn ObjectStore>, under: Option<&Path>) -> Result<Vec<String>, OpenError> {
    let listing = match store.list_with_delimiter(under).await {
        Ok(listing) => listing,
        Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(OpenError::List(error)),
    };
    Ok(listing.common_prefixes.iter().filter_map(|prefix| prefix.filename().map(str::to_owned)).collect())
}
