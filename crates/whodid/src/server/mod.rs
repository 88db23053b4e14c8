//! The server: what its handlers share, and its life from the first socket to the last.

mod accounts;
mod advisor_channels;
mod alerting;
mod alerts;
mod asked;
mod attempts;
mod audit;
mod auth;
mod backtests;
mod body;
mod bucket_rules;
mod builtin_packages;
mod cards;
mod catalog;
mod channels;
mod compiling;
mod delivering;
mod documents;
mod downloads;
mod export;
mod failure;
mod finding_cards;
mod finding_pages;
mod findings;
mod graph;
mod guard;
mod ingest;
mod insight_records;
mod insights;
mod keeping;
mod keys;
mod listener;
mod me;
mod members;
mod oidc;
mod oidc_routes;
mod outbox;
mod packages;
mod params;
mod passwords;
mod people;
mod places;
mod presets;
mod rejects;
mod review;
mod roles;
mod routes;
mod rule_change;
mod rules;
mod search;
mod search_alerts;
mod sessions;
mod sign_in;
mod system;
mod tail;
mod telemetry;
mod tokens;
mod ui;
mod unusable;
mod watching;

use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use whodid_alerts::{Sender, SigningKey};
use whodid_api::Code;
use whodid_engine::Engine;
use whodid_meta::Meta;
use whodid_model::Timestamp;

use crate::config::Config;
use crate::locations::Locations;
use attempts::Attempts;
use body::BodyMemory;
use export::Exports;
use failure::Failure;
use oidc_routes::Provider;

pub use keys::summary as key_summary;
pub use listener::serve;
pub use oidc_routes::{provider, warn_of_provider};
pub use telemetry::{Telemetry, start_log};

/// Wrong passwords from one address in fifteen minutes. More than of one name, because a whole office may come from
/// one address; few enough that trying one password on everybody leads nowhere.
const PASSWORD_TRIES_MAX: usize = 20;

/// What every handler shares.
#[derive(Debug)]
pub struct App {
    /// The configuration.
    pub config: Config,
    /// Users, sessions, keys.
    pub meta: Meta,
    /// The installation's random id.
    pub installation: String,
    /// The identity provider, when there is one.
    pub oidc: Option<Provider>,
    /// Where addresses are, when the operator gave a database.
    pub locations: Option<Arc<Locations>>,
    engine: OnceLock<Engine>,
    exports: Exports,
    key_attempts: Attempts,
    sign_in_attempts: Attempts,
    password_attempts: Attempts,
    reset_attempts: Attempts,
    provider_attempts: Attempts,
    turns_of_addresses: sign_in::Turns,
    turns_of_names: sign_in::Turns,
    hashing: Arc<Semaphore>,
    handing_over: outbox::HandingOver,
    making_accounts: tokio::sync::Mutex<()>,
    /// Turns of backtests: each takes a core.
    backtesting: Semaphore,
    /// Turns of compiling and testing rules for whoever asks.
    compiling: compiling::Compiling,
    /// Rules that were looked at lately.
    rules_ready: catalog::Ready,
    refreshing_rules: tokio::sync::Mutex<()>,
    /// What is wrong with rules, as far as it was told.
    unusable: unusable::Lasting,
    /// Rules that lie in the storage of accounts.
    bucket_rules: bucket_rules::BucketRules,
    /// What sends notices, and the key it signs them with.
    notices: OnceLock<(Arc<Sender>, Arc<SigningKey>)>,
    /// Told when deliveries were queued.
    deliveries_wait: tokio::sync::Notify,
    /// Counted up when alerts on searches were changed.
    watched: tokio::sync::watch::Sender<u64>,
    /// Up to which of these changes they are in force.
    watching: tokio::sync::watch::Sender<u64>,
    body_memory: BodyMemory,
    telemetry: Telemetry,
    started_at: Timestamp,
    /// Cancelled when the server shall stop; ends what would never end by itself.
    stopping: CancellationToken,
}

impl App {
    /// What handlers share, still without an engine.
    pub fn new(
        config: Config,
        meta: Meta,
        installation: String,
        oidc: Option<Provider>,
        locations: Option<Arc<Locations>>,
        telemetry: Telemetry,
        stopping: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            body_memory: BodyMemory::new(config.ingest_bytes_max),
            config,
            meta,
            installation,
            oidc,
            locations,
            engine: OnceLock::new(),
            exports: Exports::default(),
            key_attempts: Attempts::default(),
            sign_in_attempts: Attempts::default(),
            password_attempts: Attempts::of(PASSWORD_TRIES_MAX),
            reset_attempts: Attempts::default(),
            provider_attempts: Attempts::default(),
            turns_of_addresses: sign_in::Turns::default(),
            turns_of_names: sign_in::Turns::default(),
            hashing: Arc::new(Semaphore::new(passwords::HASHES_MAX)),
            handing_over: outbox::HandingOver::default(),
            making_accounts: tokio::sync::Mutex::default(),
            backtesting: Semaphore::new(1),
            compiling: compiling::Compiling::default(),
            rules_ready: catalog::Ready::default(),
            refreshing_rules: tokio::sync::Mutex::default(),
            unusable: unusable::Lasting::default(),
            bucket_rules: bucket_rules::BucketRules::default(),
            notices: OnceLock::new(),
            deliveries_wait: tokio::sync::Notify::new(),
            watched: tokio::sync::watch::Sender::new(0),
            watching: tokio::sync::watch::Sender::new(0),
            telemetry,
            started_at: crate::clock::now(),
            stopping,
        })
    }

    /// Gives the engine to the handlers, once it has recovered.
    pub fn set_engine(&self, engine: Engine) {
        // A second engine on one folder cannot be opened, so the cell is empty.
        let _ = self.engine.set(engine);
    }

    /// Begins to turn findings into alerts and to tell channels; both end when the server stops.
    ///
    /// # Errors
    /// The metadata does not answer, or the key of notices or the system's certificates cannot be used.
    pub async fn begin_alerts(self: &Arc<Self>, engine: Engine) -> anyhow::Result<()> {
        let (sender, key) = channels::sender(&self.config, &self.meta).await?;
        // Begun once, so the cell is empty.
        let _ = self.notices.set((Arc::clone(&sender), key));
        tokio::spawn(watching::run(Arc::clone(self), engine.clone()));
        tokio::spawn(alerting::run(Arc::clone(self), engine));
        tokio::spawn(delivering::run(Arc::clone(self), sender));
        Ok(())
    }

    /// Begins to look for rules in the storage of every account; ends when the server stops.
    pub fn begin_bucket_rules(self: &Arc<Self>, engine: Engine) {
        tokio::spawn(bucket_rules::run(Arc::clone(self), engine));
    }

    fn sender(&self) -> Result<&Sender, Failure> {
        self.notices.get().map(|(sender, _)| sender.as_ref()).ok_or_else(starting)
    }

    fn notice_key(&self) -> Result<&SigningKey, Failure> {
        self.notices.get().map(|(_, key)| key.as_ref()).ok_or_else(starting)
    }

    /// Begins the end: no more connections, endless answers end.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Returns when the server is told to stop.
    pub async fn stopped(&self) {
        self.stopping.cancelled().await;
    }

    /// The engine; refused while it still reads its journal back.
    pub fn engine(&self) -> Result<&Engine, Failure> {
        self.engine.get().ok_or_else(starting)
    }
}

fn starting() -> Failure {
    Failure::new(Code::Starting, "the server has just started and reads its journal back; try again shortly")
}
