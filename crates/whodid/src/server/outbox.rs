//! What the metadata has to tell, handed over to the engine.
//!
//! A record is stored in the metadata in the transaction that makes the change, and from there handed over in order:
//! after each request that told something, before its answer, and once a second what other programs told. One pass at
//! a time; an account whose storage takes nothing keeps its own records waiting, longer each time, and no others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};
use whodid_engine::Engine;
use whodid_meta::Outgoing;
use whodid_model::{AccountName, chain};

use super::App;

/// Records that are looked at together.
const PAGE: usize = 500;
/// Most bytes of events handed over together; far below what a batch of the journal may have.
const TOGETHER_BYTES_MAX: usize = 4 << 20;
/// First and longest pause of an account that takes nothing.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How far the handing over is.
#[derive(Debug, Default)]
pub struct HandingOver {
    state: Mutex<State>,
    /// Whether a pass for strangers waits for its turn; they must not queue more of them.
    is_begun: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Accounts that take nothing: until when, and for how long they are left alone.
    stuck: HashMap<AccountName, (Instant, Duration)>,
    /// Stored, and still in the metadata, which could not be written.
    stored: HashSet<i64>,
}

impl App {
    /// Hands over what this process told, and returns when it is stored.
    pub async fn hand_over(&self) {
        // After the pass that runs, which may have ours in its hands.
        let state = self.handing_over.state.lock().await;
        if self.meta.has_told() {
            self.pass(state).await;
        }
    }

    /// The same after a request; of a stranger later, because how many accounts a name has must not show in the time
    /// of the answer.
    pub async fn hand_over_after(self: &Arc<Self>, is_open: bool) {
        if !is_open {
            return self.hand_over().await;
        }
        if self.meta.has_told() && !self.handing_over.is_begun.swap(true, Ordering::AcqRel) {
            let app = Arc::clone(self);
            tokio::spawn(async move { app.hand_over_all().await });
        }
    }

    /// Hands over whatever waits, whoever told it. What cannot be handed over now stays where it is, durably, and is
    /// handed over later.
    pub async fn hand_over_all(&self) {
        let state = self.handing_over.state.lock().await;
        self.pass(state).await;
    }

    async fn pass(&self, mut state: MutexGuard<'_, State>) {
        let Ok(engine) = self.engine() else { return };
        // Before it is looked at: what is told meanwhile is looked at again.
        self.handing_over.is_begun.store(false, Ordering::Release);
        self.meta.is_looked_at();
        let now = Instant::now();
        let waits = state.stuck.iter().filter(|(_, (until, _))| *until > now);
        let mut left_alone: Vec<AccountName> = waits.map(|(account, _)| account.clone()).collect();
        let mut after = 0;
        loop {
            let page = match self.meta.outbox(after, PAGE, &left_alone).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(error = %chain(&error), "what is to be told cannot be read from the metadata");
                    return;
                }
            };
            let Some(last) = page.last() else { return };
            after = last.id;
            let done = state.store(engine, &page, &mut left_alone).await;
            match self.meta.outbox_done(&done).await {
                Ok(()) => state.stored.retain(|id| !done.contains(id)),
                Err(error) => {
                    tracing::error!(error = %chain(&error), "what was told cannot be taken out of the metadata");
                    return;
                }
            }
            if page.len() < PAGE {
                return;
            }
        }
    }
}

impl State {
    /// Stores a page; the ids of what is stored now. Accounts that take nothing come to those left alone.
    async fn store(&mut self, engine: &Engine, page: &[Outgoing], left_alone: &mut Vec<AccountName>) -> Vec<i64> {
        let mut done: Vec<i64> = Vec::with_capacity(page.len());
        let mut rest = page;
        while let Some(first) = rest.first() {
            let (group, others) = rest.split_at(together(rest));
            rest = others;
            if left_alone.contains(&first.account) {
                continue;
            }
            let new = group.iter().filter(|one| !self.stored.contains(&one.id));
            let events: Vec<String> = new.map(|one| one.event.clone()).collect();
            let stored = match events.is_empty() {
                true => Ok(()),
                false => engine.record(&first.account, &first.stream, events).await.map(drop),
            };
            if let Err(error) = stored {
                let pause = self.stuck.get(&first.account).map_or(PAUSE, |(_, pause)| (*pause * 2).min(PAUSE_MAX));
                tracing::error!(error = %chain(&error), account = %first.account, "audit events wait in the metadata for {pause:?}");
                self.stuck.insert(first.account.clone(), (Instant::now() + pause, pause));
                left_alone.push(first.account.clone());
            } else {
                self.stuck.remove(&first.account);
                self.stored.extend(group.iter().map(|one| one.id));
                done.extend(group.iter().map(|one| one.id));
            }
        }
        done
    }
}

/// How many records from the first on are handed over together: of one account and stream, and of bounded size.
fn together(records: &[Outgoing]) -> usize {
    let Some(first) = records.first() else { return 0 };
    let mut bytes = 0;
    let fits = |one: &&Outgoing| {
        bytes += one.event.len();
        one.account == first.account && one.stream == first.stream && bytes <= TOGETHER_BYTES_MAX
    };
    // One event is always below the bound of all.
    records.iter().take_while(fits).count().max(1)
}
