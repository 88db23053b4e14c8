//! `whodid serve`: from an empty folder to a running server, and its orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use whodid_engine::Engine;
use whodid_meta::{MetaError, ServerClaim};

use super::init;
use crate::End;
use crate::cli::StartFlags;
use crate::config::Config;
use crate::locations::Locations;
use crate::output;
use crate::server::{self, App, Telemetry};

/// How often uses of keys are written down and metrics tidied.
const UPKEEP: Duration = Duration::from_secs(30);

/// How often it is looked whether the metadata has something to tell to the audit log.
const TELLING: Duration = Duration::from_secs(1);

/// How long a start waits for another server to let go of the metadata, and how often it looks.
const CLAIM_WAIT: Duration = Duration::from_secs(90);
const CLAIM_PAUSE: Duration = Duration::from_secs(5);
/// Looks in a row at which another server has the metadata before this one ends.
const SERVED_LOOKS: u32 = 4;

/// Exit status when a journal sync failed and nothing more can be promised (EX_IOERR).
const FATAL_EXIT: i32 = 74;

/// Exit status when a second signal ended an orderly stop (128 and SIGINT, as shells tell it).
const IMPATIENT_EXIT: i32 = 130;

pub async fn run(config: &Config, accepted: StartFlags) -> anyhow::Result<End> {
    // Before anything else: a signal during the start must not find the system's own way of ending a process.
    let mut signals = Signals::listen()?;
    let server = tokio::select! {
        server = Running::start(config.clone(), accepted) => server?,
        () = signals.next() => return Ok(End::Done),
    };
    let was_asked = tokio::select! {
        () = signals.next() => true,
        () = server.app.stopped() => false,
    };
    let at_once = signals.end_at_the_next(|| {});
    server.stop().await?;
    at_once.abort();
    if !was_asked {
        anyhow::bail!("another whodid server has taken over the metadata; the log says when");
    }
    Ok(End::Done)
}

/// A server that listens and has recovered.
pub struct Running {
    /// What its handlers share.
    pub app: Arc<App>,
    /// The engine behind it.
    pub engine: Engine,
    listening: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    telling: JoinHandle<()>,
}

/// How long a stop waits for the lake to take what is in memory.
const FLUSH_WAIT: std::time::Duration = std::time::Duration::from_secs(20);

impl Running {
    /// Binds the address, initialises a new folder, recovers, and serves.
    pub async fn start(mut config: Config, accepted: StartFlags) -> anyhow::Result<Self> {
        server::start_log(&config);
        let telemetry = Telemetry::start()?;
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}; --listen chooses another address", config.listen))?;
        // With port 0 the system has chosen one.
        config.listen = listener.local_addr().context("cannot read the own address")?;
        let meta = init::open(&config).await?;
        let claim = claim(&meta).await?;
        // Shown now, because a start that fails further on does not make another.
        if let Some(link) = init::ensure(&meta).await? {
            show_link(&config, &link);
        }
        init::warn_of_others(&config);
        let stopping = CancellationToken::new();
        let installation = meta.installation().await?.context("the metadata was not initialised")?;
        let oidc = server::provider(&config)?;
        let locations = Locations::of_config(&config)?;
        let app = App::new(config, meta, installation, oidc, locations, telemetry.clone(), stopping);
        let listening = tokio::spawn(server::serve(listener, Arc::clone(&app)));
        let accounts = app.meta.accounts().await?;
        server::warn_of_provider(&app).await?;
        let engine = match open_engine(&app.config, &accounts, accepted).await {
            Ok(engine) => engine,
            Err(error) => {
                app.stop();
                return Err(error);
            }
        };
        for account in &accounts {
            let account = &account.name;
            if let Err(error) = engine.prepare_account(account).await {
                tracing::warn!(%account, error = %whodid_model::chain(&error), "the account's tables cannot be opened yet");
            }
        }
        init::close_secret(&app.config);
        init::note_address(&app.config);
        app.begin_rules(&engine, &accounts).await;
        app.begin_insights(&engine, &accounts).await;
        app.set_engine(engine.clone());
        if let Err(error) = app.begin_alerts(engine.clone()).await {
            app.stop();
            return Err(error.context("alerts cannot be told"));
        }
        app.begin_bucket_rules(engine.clone());
        // Beside: events are not to wait for a database that somebody else holds.
        tokio::spawn(Arc::clone(&app).tell_all_builtin_packages(accounts));
        app.hand_over_all().await;
        let telling = tokio::spawn(keep_telling(Arc::clone(&app)));
        let upkeep = tokio::spawn(keep_up(Arc::clone(&app), telemetry, claim));
        announce(&app.config);
        Ok(Self { app, engine, listening, upkeep, telling })
    }

    /// Stops taking connections, lets requests finish, puts what is in memory into the lake so that other
    /// readers see it, and closes the engine. A store that does not answer costs [`FLUSH_WAIT`] and nothing else:
    /// the journal holds the records.
    pub async fn stop(self) -> anyhow::Result<()> {
        tracing::info!("stopping: requests that run are finished first");
        self.app.stop();
        self.listening.await.context("the listener ended badly")?;
        self.upkeep.abort();
        self.telling.abort();
        self.app.hand_over_all().await;
        match tokio::time::timeout(FLUSH_WAIT, self.engine.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the newest records stay in the journal: {error}"),
            Err(_) => tracing::warn!("the lake did not answer in time; the newest records stay in the journal"),
        }
        self.engine.close().await;
        self.app.meta.maintain(crate::clock::now()).await?;
        tracing::info!("stopped");
        Ok(())
    }
}

async fn open_engine(
    config: &Config,
    accounts: &[whodid_meta::Account],
    accepted: StartFlags,
) -> anyhow::Result<Engine> {
    let mut options = config.engine_options(crate::clock::engine_clock());
    let own = accounts.iter().filter_map(|account| Some((account.name.clone(), account.storage.as_deref()?)));
    options.places = own.map(|(name, storage)| (name, config.place(storage))).collect();
    options.accept_missing = accepted.accept_missing_records;
    options.take_over_lake = accepted.take_over_lake;
    options.on_fatal = Arc::new(|why| {
        tracing::error!(why, "the journal failed; the process ends so that nothing unsafe is acknowledged");
        std::process::exit(FATAL_EXIT);
    });
    Engine::open(options)
        .await
        .with_context(|| format!("cannot open {0}; `whodid doctor --data {0}` may say more", config.data.display()))
}

/// Shows a link on the terminal and not in the log, because a log is kept and copied.
pub fn show_link(config: &Config, link: &whodid_meta::Link) {
    let link = init::link(config, link);
    let text = format!("\nSign in with this link; it works once, within 24 hours:\n\n  {link}\n");
    if let Err(error) = output::line(&text) {
        tracing::warn!(%error, "the sign-in link could not be shown; `whodid sign-in-link` makes another");
    }
}

fn announce(config: &Config) {
    let address: SocketAddr = config.listen;
    tracing::info!(%address, data = %config.data.display(), version = env!("CARGO_PKG_VERSION"), "listening");
    if config.public_url.is_some() && config.trusted_proxies.is_empty() {
        tracing::warn!(
            "public_url is set and trusted_proxies is not: behind a proxy everybody seems to come from one address, so \
             that some wrong passwords keep everybody's waiting; name the proxy in trusted_proxies"
        );
    }
    if config.meta_location().is_unprotected() {
        tracing::warn!(
            "meta.url does not insist on TLS: people's names and the hashes of their passwords can be read on the way to \
             PostgreSQL; add ?sslmode=verify-full"
        );
    }
    if !address.ip().is_loopback() && !config.is_https() {
        tracing::warn!(
            "browsers reach this server without TLS; put a TLS proxy before it and set public_url to https://"
        );
    }
}

/// The right to serve from the metadata. A server that is gone with its machine lets go within a minute.
async fn claim(meta: &whodid_meta::Meta) -> anyhow::Result<ServerClaim> {
    let until = std::time::Instant::now() + CLAIM_WAIT;
    loop {
        match meta.claim_for_server().await {
            Err(error @ MetaError::Served { .. }) if std::time::Instant::now() < until => {
                tracing::warn!(%error, "waiting for at most {} s: {error}", CLAIM_WAIT.as_secs());
                tokio::time::sleep(CLAIM_PAUSE).await;
            }
            claimed => return Ok(claimed?),
        }
    }
}

/// Hands over what others changed: commands on this machine, upkeep.
async fn keep_telling(app: Arc<App>) {
    let mut ticks = tokio::time::interval(TELLING);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        app.hand_over_all().await;
    }
}

async fn keep_up(app: Arc<App>, telemetry: Telemetry, mut claim: ServerClaim) {
    let mut served = 0;
    let mut ticks = tokio::time::interval(UPKEEP);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        telemetry.upkeep();
        match claim.renew().await {
            Ok(()) => served = 0,
            Err(error @ MetaError::Served { .. }) => {
                served += 1;
                // Two would tell each other's records.
                tracing::error!(%error, "look {served} of {SERVED_LOOKS} before this server ends: {error}");
                if served >= SERVED_LOOKS {
                    app.stop();
                    return;
                }
            }
            Err(error) => tracing::warn!(error = %whodid_model::chain(&error), "the metadata does not answer"),
        }
        if let Err(error) = app.meta.maintain(crate::clock::now()).await {
            tracing::warn!(error = %whodid_model::chain(&error), "uses of keys could not be written down");
        }
    }
}

/// Ctrl-C and the service manager's request to stop.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    streams: [tokio::signal::unix::Signal; 2],
}

impl Signals {
    /// Takes the signals from here on.
    #[cfg(unix)]
    pub fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let take = |kind| signal(kind).context("cannot take signals");
        Ok(Self { streams: [take(SignalKind::terminate())?, take(SignalKind::interrupt())?] })
    }

    /// Takes the signals from here on.
    #[cfg(not(unix))]
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [terminate, interrupt] = &mut self.streams;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        // Without signals the process can only be killed, which loses nothing acknowledged.
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }

    /// Whoever asks again does not want to wait: the process ends as if killed, which loses nothing
    /// acknowledged.
    pub fn end_at_the_next(mut self, before: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
        tokio::spawn(async move {
            self.next().await;
            output::note("ended at once; what is acknowledged is in the journal");
            before();
            std::process::exit(IMPATIENT_EXIT);
        })
    }
}
