//! The audit history of an invented company, for the demo, for tests and for measuring.
//!
//! Same [`Options`], same events, byte for byte, on every machine. People keep office hours in their
//! own time zones, services their own rhythms; a few per cent of what they try fails; and
//! [`incidents`] happen that a search, a rule or an insight should bring to light.
//! Every name, id and address is invented: example.com, and addresses that are reserved for
//! documentation or private networks.

mod acts;
mod cadf;
mod cloudtrail;
mod company;
mod draw;
mod ibm;
mod incident;
mod json;
mod kubernetes;
mod okta;
mod rhythm;
mod stream;

use whodid_model::{Timestamp, time::MICROS_A_DAY};

pub use incident::{Incident, incidents};
pub use stream::{history, live};

/// Which history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Another seed, another history of the same company.
    pub seed: u64,
    /// The time after the last event.
    pub end: Timestamp,
    /// How many days before `end` it begins.
    pub days: u32,
    /// About how many events of everyday work; those of the incidents come on top.
    pub events: u64,
}

impl Options {
    /// 30 days before `end`, a little over 300,000 events.
    pub fn until(end: Timestamp) -> Self {
        Self { seed: 1, end, days: 30, events: 300_000 }
    }

    /// The time of the earliest event possible.
    pub fn start(&self) -> Timestamp {
        self.end.plus_micros(-(i64::from(self.days) * MICROS_A_DAY))
    }
}

/// One event as a source would send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// When it happened; the event says the same, as precisely as its format does.
    pub at: Timestamp,
    /// The name of its format: `ibm-at`, `cadf`, `kubernetes`, `okta` or `cloudtrail`.
    pub format: &'static str,
    /// One JSON object, on one line.
    pub json: String,
}
