//! The one place that reads the clock.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use whodid_model::Timestamp;

/// The time now.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The clock for the engine.
pub fn engine_clock() -> whodid_engine::Clock {
    Arc::new(now)
}
