//! An event as insights see it.

use std::net::IpAddr;

/// One event. Texts as they are stored; what is missing is `None`.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// Its offset in the stream.
    pub offset: u64,
    /// When it happened and when it was taken in, in microseconds since 1970.
    pub event_time: i64,
    pub recorded_at: i64,
    /// How many such events of one moment this stands for: one, but in simulations.
    pub times: u32,
    /// The format it was read as.
    pub source: &'a str,
    pub region: Option<&'a str>,
    pub service: Option<&'a str>,
    pub action: &'a str,
    pub is_write: bool,
    /// The code of a failure: `AccessDenied`, `403`; `None` for what did not fail.
    pub error: Option<&'a str>,
    /// Whether it failed for want of a right.
    pub is_denied: bool,
    /// Who acted: the name, or the id where there is none.
    pub principal: Option<&'a str>,
    pub address: Option<&'a str>,
    pub agent: Option<&'a str>,
    pub credential: Option<&'a str>,
}

/// Tells where addresses are, from an operator's database.
pub trait Places: Send + Sync + std::fmt::Debug {
    /// Country of an address, as ISO 3166 code.
    fn country(&self, address: IpAddr) -> Option<String>;
}

/// No database: addresses are told apart by their networks alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPlaces;

impl Places for NoPlaces {
    fn country(&self, _: IpAddr) -> Option<String> {
        None
    }
}
