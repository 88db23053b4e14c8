//! People, keys and sessions in memory, reloaded when something changed.
//!
//! Every change counts `revision.number` up in its transaction. The number is read every [`STALE_MS_MAX`]
//! milliseconds at most, and once more before a key or session that is not known is refused: another process may
//! just have made it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use whodid_model::{AccountName, Timestamp};

use crate::key_check::{self, KeyEntry};
use crate::people::{self, Person};
use crate::sessions::{self, SessionEntry};
use crate::sql::args;
use crate::{Meta, MetaError, Settings};

/// A revoked key or ended session stops working within this many milliseconds.
pub const STALE_MS_MAX: u64 = 500;
/// A failed look is everybody's answer for so long: those who waited for it would else fail one after another, each
/// after a wait of its own.
const FAILURE_KEPT: Duration = Duration::from_millis(500);

/// What is known at one moment.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) accounts: HashMap<AccountName, Settings>,
    pub(crate) people: HashMap<String, Person>,
    pub(crate) keys: HashMap<String, KeyEntry>,
    pub(crate) sessions: HashMap<[u8; 32], SessionEntry>,
}

#[derive(Debug, Default)]
struct Fresh {
    known: Arc<Known>,
    /// When nothing was last seen changed.
    checked: Option<Instant>,
    /// When this process last changed something: a look that began before counts for nothing.
    changed: Option<Instant>,
}

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Used {
    Key,
    Session,
    /// A user who looked at events.
    Reader,
}

/// A use that is not written down yet.
#[derive(Debug, Clone)]
struct Use {
    at: i64,
    from: String,
}

/// Uses to write down: what, its id, when in microseconds, from where.
pub(crate) type Uses = Vec<(Used, String, i64, String)>;

/// What the last look found.
#[derive(Debug, Default)]
struct Looked {
    /// The number that `fresh` was loaded at.
    number: Option<i64>,
    /// When and why the last look failed; `None` after one that did not.
    failed: Option<(Instant, Arc<MetaError>)>,
}

#[derive(Debug, Default)]
pub(crate) struct Cache {
    fresh: Mutex<Fresh>,
    /// Also the queue of those who look.
    looked: tokio::sync::Mutex<Looked>,
    uses: Mutex<HashMap<(Used, String), Use>>,
}

impl Cache {
    /// Makes the next lookup look at the number.
    pub(crate) fn forget(&self) {
        self.fresh.lock().changed = Some(Instant::now());
    }

    /// Notes a use. The map holds no more entries than there are keys, sessions and users.
    pub(crate) fn used(&self, what: Used, id: &str, from: &str, now: Timestamp) {
        let mut uses = self.uses.lock();
        let entry = uses.entry((what, id.to_owned())).or_insert_with(|| Use { at: i64::MIN, from: String::new() });
        if now.micros() >= entry.at {
            entry.at = now.micros();
            if entry.from != from {
                from.clone_into(&mut entry.from);
            }
        }
    }

    pub(crate) fn used_at(&self, what: Used, id: &str) -> Option<i64> {
        self.last_use(what, id).map(|(at, _)| at)
    }

    pub(crate) fn last_use(&self, what: Used, id: &str) -> Option<(i64, String)> {
        self.uses.lock().get(&(what, id.to_owned())).map(|used| (used.at, used.from.clone()))
    }

    pub(crate) fn uses(&self) -> Uses {
        let uses = self.uses.lock();
        uses.iter().map(|((what, id), used)| (*what, id.clone(), used.at, used.from.clone())).collect()
    }

    /// Forgets uses that are written down now, but for newer ones. Until then they count: a session must not seem
    /// idle while its last use is on the way to the table.
    pub(crate) fn written(&self, written: Uses) {
        let mut uses = self.uses.lock();
        for (what, id, at, _) in written {
            let key = (what, id);
            if uses.get(&key).is_some_and(|used| used.at <= at) {
                uses.remove(&key);
            }
        }
    }

    /// What was last known, however old that is.
    pub(crate) fn last_known(&self) -> Arc<Known> {
        self.fresh.lock().known.clone()
    }

    /// Whether this process changed something since, which shows that the metadata answers again.
    fn has_changed_since(&self, at: Instant) -> bool {
        self.fresh.lock().changed.is_some_and(|changed| changed > at)
    }

    fn known_when(&self, is_fresh: impl Fn(Instant) -> bool) -> Option<Arc<Known>> {
        let fresh = self.fresh.lock();
        let is_ours = |checked: &Instant| fresh.changed.is_none_or(|changed| *checked > changed);
        fresh.checked.filter(|checked| is_fresh(*checked)).filter(is_ours).map(|_| fresh.known.clone())
    }
}

impl Meta {
    /// What is known, at most [`STALE_MS_MAX`] milliseconds old.
    pub(crate) async fn cached(&self) -> Result<Arc<Known>, MetaError> {
        self.known_when(|checked| checked.elapsed() < Duration::from_millis(STALE_MS_MAX)).await
    }

    /// What is known now. Whoever comes while another looks waits and shares what that finds.
    pub(crate) async fn current(&self) -> Result<Arc<Known>, MetaError> {
        let now = Instant::now();
        self.known_when(|checked| checked >= now).await
    }

    async fn known_when(&self, is_fresh: impl Fn(Instant) -> bool) -> Result<Arc<Known>, MetaError> {
        let cache = self.cache();
        if let Some(known) = cache.known_when(&is_fresh) {
            return Ok(known);
        }
        let mut looked = cache.looked.lock().await;
        if let Some(known) = cache.known_when(&is_fresh) {
            return Ok(known);
        }
        if let Some((at, error)) = &looked.failed
            && at.elapsed() < FAILURE_KEPT
            && !cache.has_changed_since(*at)
        {
            return Err(MetaError::Shared(error.clone()));
        }
        match self.look_for_changes(&mut looked.number).await {
            Ok(known) => {
                looked.failed = None;
                Ok(known)
            }
            Err(error) => {
                let error = Arc::new(error);
                looked.failed = Some((Instant::now(), error.clone()));
                Err(MetaError::Shared(error))
            }
        }
    }

    /// Loads everything anew when the number is another than `loaded`.
    async fn look_for_changes(&self, loaded: &mut Option<i64>) -> Result<Arc<Known>, MetaError> {
        let cache = self.cache();
        let started = Instant::now();
        let row = self.db().row("looking for changes", "SELECT number FROM revision", args![]).await?;
        let number = row.map_or(Ok(0), |row| row.int(0))?;
        if *loaded == Some(number) {
            let mut fresh = cache.fresh.lock();
            fresh.checked = Some(started);
            return Ok(fresh.known.clone());
        }
        let known = Arc::new(self.load().await?);
        // The number was read before the rows: a change between the two is loaded again, never missed.
        *loaded = Some(number);
        let mut fresh = cache.fresh.lock();
        fresh.known = known.clone();
        fresh.checked = Some(started);
        Ok(known)
    }

    async fn load(&self) -> Result<Known, MetaError> {
        let mut tx = self.read().await?;
        let accounts = crate::accounts::load_accounts(&mut tx).await?;
        let accounts = accounts.into_iter().map(|account| (account.name, account.settings)).collect();
        let people = people::load_people(&mut tx).await?;
        let keys = key_check::load_keys(&mut tx, &people).await?;
        let sessions = sessions::load_sessions(&mut tx).await?;
        Ok(Known { accounts, people, keys, sessions })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Limits, MetaLocation};

    #[tokio::test]
    async fn those_who_wait_for_a_look_that_fails_get_its_failure_and_try_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let place = MetaLocation::File(folder.path().join("meta.sqlite"));
        let meta = Meta::open(&place, &folder.path().join("secrets.key"), Limits::default()).await.unwrap();
        // Every connection is in use, as when a server does not answer: whoever asks for one waits five seconds.
        let mut taken = Vec::new();
        for _ in 0..crate::store::SQLITE_CONNECTIONS_MAX {
            taken.push(meta.db().begin_read().await.unwrap());
        }
        let started = Instant::now();
        let (one, two, three) = tokio::join!(meta.current(), meta.cached(), meta.current());
        assert!(started.elapsed() < 2 * crate::store::BUSY_TIMEOUT, "{:?}", started.elapsed());
        for failed in [one.unwrap_err(), two.unwrap_err(), three.unwrap_err()] {
            assert!(failed.is_passing(), "{failed:?}");
            assert_eq!(failed.to_string(), "looking for changes failed in the metadata");
        }
        drop(taken);
        let by = whodid_audit::Actor::system();
        meta.write_unaudited(&by, Timestamp::default()).await.unwrap().commit().await.unwrap();
        meta.current().await.expect("what this process changed shows that the metadata is there");
    }
}
