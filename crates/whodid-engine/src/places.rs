//! Accounts whose tables are at a place of their own, such as a bucket of theirs.
//!
//! Such a place fails for its account and for no other. One that does not answer when the engine opens, or that
//! another server has claimed, is set aside like a table that cannot be read: nothing of the account is shown or
//! taken in, what the journal holds of it is kept, and it is tried again until it answers. One that goes away later
//! lets its account's records wait in memory up to a share of their bound.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use whodid_lake::{Lake, Location};
use whodid_model::{AccountName, StreamName, chain};

use crate::engine::{Engine, Inner};
use crate::error::{Error, ErrorKind};
use crate::jobs::LakeTrouble;
use crate::options::Options;
use crate::unreadable::SetAside;
use crate::writer::StreamKey;

/// The share of the bound of records in memory that accounts whose own place fails may fill, each.
const FAILING_SHARE: usize = 8;

/// Places opened at once at the start.
const PLACES_OPENED_AT_ONCE: usize = 8;

/// The streams that every account has.
pub(crate) fn streams() -> [StreamName; 5] {
    [StreamName::activity(), StreamName::rejects(), StreamName::audit(), StreamName::findings(), StreamName::insights()]
}

/// Places that could be opened at the start.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// The tables in them.
    pub tables: Vec<StreamKey>,
    /// The accounts whose places are another server's, to be taken over once all was read.
    pub taken: BTreeSet<AccountName>,
}

/// Opens the places that the options name. Those that cannot be are set aside.
pub(crate) async fn open(lake: &Lake, options: &Options, run: &str, set_aside: &SetAside) -> Opened {
    for (account, location) in &options.places {
        lake.set_place(account.clone(), location.clone());
    }
    let opening = options.places.iter().map(|(account, _)| async move {
        let open = async {
            let is_taken = lake.open_place(account, &options.data, run, options.take_over_lake).await?;
            Ok::<_, whodid_lake::OpenError>((is_taken, lake.streams(account).await?))
        };
        (account, open.await)
    });
    let mut opening = futures::stream::iter(opening).buffer_unordered(PLACES_OPENED_AT_ONCE);
    let mut opened = Opened::default();
    while let Some((account, outcome)) = opening.next().await {
        match outcome {
            Ok((is_taken, streams)) => {
                opened.tables.extend(streams.into_iter().map(|stream| (account.clone(), stream)));
                if is_taken {
                    opened.taken.insert(account.clone());
                }
            }
            Err(error) => {
                lake.close_place(account);
                for stream in streams() {
                    set_aside.add((account.clone(), stream), chain(&error), (options.clock)());
                }
            }
        }
    }
    opened
}

impl Engine {
    /// Gives an account that was made while running a place of its own. Before anything is sent or read for it.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when the account has records already; [`ErrorKind::Invalid`] when the place does not
    /// answer or is another server's: nothing has changed then.
    pub async fn add_place(&self, account: &AccountName, location: Location) -> Result<(), Error> {
        let inner = &self.inner;
        let conflict = |detail: &str| Err(Error::new(ErrorKind::Conflict, "storage_in_use", detail));
        if inner.lake.has_place(account) {
            return conflict("this account has storage of its own already");
        }
        {
            let mut tables = inner.tables.lock();
            let mut own = tables.iter().filter(|((owner, _), _)| owner == account);
            if own.any(|(_, table)| table.tail_rows() > 0 || table.flushed_to().is_some()) {
                return conflict("this account has records already; only a new one can get storage of its own");
            }
            tables.retain(|(owner, _), _| owner != account);
            inner.lake.set_place(account.clone(), location);
            inner.lake.close_place(account);
        }
        match inner.lake.open_place(account, &inner.options.data, &inner.run, false).await {
            Ok(_) => Ok(()),
            Err(error) => {
                inner.lake.unset_place(account);
                let detail = format!("the storage of the account cannot be used: {}", chain(&error));
                Err(Error::invalid("storage_unusable", detail).caused_by(error))
            }
        }
    }

    /// Takes storage back that was given to an account which was not made after all. Nothing was stored there.
    pub fn remove_place(&self, account: &AccountName) {
        let inner = &self.inner;
        let mut tables = inner.tables.lock();
        tables.retain(|(owner, _), _| owner != account);
        inner.lake.close_place(account);
        inner.lake.unset_place(account);
    }
}

/// What keeps records from going into the lake: into that which accounts share, and into places of their own.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    pub shared: Option<LakeTrouble>,
    pub own: BTreeMap<AccountName, LakeTrouble>,
}

impl Inner {
    /// Takes note of how a flush of a table ended.
    pub(crate) fn note_trouble(&self, account: &AccountName, trouble: LakeTrouble) {
        let mut troubles = self.trouble.lock();
        if self.lake.has_place(account) {
            troubles.own.insert(account.clone(), trouble);
        } else {
            troubles.shared = Some(trouble);
        }
    }

    /// Forgets the troubles of tables that are not among those that fail.
    pub(crate) fn forget_troubles(&self, failing: &[&StreamKey]) {
        let mut troubles = self.trouble.lock();
        if failing.iter().all(|key| self.lake.has_place(&key.0)) {
            troubles.shared = None;
        }
        troubles.own.retain(|account, _| failing.iter().any(|key| key.0 == *account));
    }

    /// What keeps an account's records from going into the lake.
    pub(crate) fn trouble_of(&self, account: &AccountName) -> Option<LakeTrouble> {
        let troubles = self.trouble.lock();
        if self.lake.has_place(account) { troubles.own.get(account).copied() } else { troubles.shared }
    }

    /// Refuses what would let the records of an account whose own place fails fill the memory of all.
    pub(crate) fn refuse_behind(&self, account: &AccountName) -> Result<(), Error> {
        if !self.lake.has_place(account) || self.trouble_of(account).is_none() {
            return Ok(());
        }
        let tables = self.tables.lock();
        let own = tables.iter().filter(|((owner, _), _)| owner == account);
        let bytes: usize = own.map(|(_, table)| table.tail_bytes()).sum();
        if bytes <= self.options.tail_bytes_max / FAILING_SHARE {
            return Ok(());
        }
        let detail =
            "the account's own storage has not taken what waits in memory; nothing was stored, send it again later";
        Err(Error::new(ErrorKind::Unavailable, "lake_behind", detail))
    }
}
