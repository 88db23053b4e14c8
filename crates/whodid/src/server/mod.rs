//! The server: what its handlers share, and its life from the first socket to the last.

mod attempts;
mod auth;
mod body;
mod export;
mod failure;
mod guard;
mod ingest;
mod keys;
mod listener;
mod params;
mod places;
mod rejects;
mod routes;
mod search;
mod sessions;
mod system;
mod tail;
mod telemetry;
mod ui;

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;
use whodid_api::Code;
use whodid_engine::Engine;
use whodid_meta::Meta;
use whodid_model::Timestamp;

use crate::config::Config;
use attempts::Attempts;
use body::BodyMemory;
use export::Exports;
use failure::Failure;

pub use keys::summary as key_summary;
pub use listener::serve;
pub use telemetry::{Telemetry, start_log};

/// What every handler shares.
#[derive(Debug)]
pub struct App {
    /// The configuration.
    pub config: Config,
    /// Users, sessions, keys.
    pub meta: Meta,
    engine: OnceLock<Engine>,
    exports: Exports,
    key_attempts: Attempts,
    sign_in_attempts: Attempts,
    body_memory: BodyMemory,
    telemetry: Telemetry,
    started_at: Timestamp,
    /// Cancelled when the server shall stop; ends what would never end by itself.
    stopping: CancellationToken,
}

impl App {
    /// What handlers share, still without an engine.
    pub fn new(config: Config, meta: Meta, telemetry: Telemetry, stopping: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            body_memory: BodyMemory::new(config.ingest_bytes_max),
            config,
            meta,
            engine: OnceLock::new(),
            exports: Exports::default(),
            key_attempts: Attempts::default(),
            sign_in_attempts: Attempts::default(),
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

    /// Begins the end: no more connections, endless answers end.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// The engine; refused while it still reads its journal back.
    pub fn engine(&self) -> Result<&Engine, Failure> {
        self.engine.get().ok_or_else(|| {
            Failure::new(Code::Starting, "the server has just started and reads its journal back; try again shortly")
        })
    }
}
