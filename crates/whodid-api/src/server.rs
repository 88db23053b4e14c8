//! The server's own state.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the store holds and how it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"events": 300000, "rejects": 3, "tail_rows": 1200, "journal_bytes": 1048576, "journal_bound_bytes": 2147483648u64, "oldest_event": "2026-10-21T09:00:00.000Z", "newest_event": "2026-11-20T08:58:41.145Z", "started_at": "2026-11-20T08:00:00.000Z", "version": "0.1.0", "unavailable_tables": []}))]
pub struct Status {
    /// Records in the stream `activity`; null for who sees only some of them, as are the times.
    #[schema(required)]
    pub events: Option<u64>,
    /// Records in the stream `rejects`; null for who may not see them.
    #[schema(required)]
    pub rejects: Option<u64>,
    /// Records in memory that wait for their flush; null for who sees only some records.
    #[schema(required)]
    pub tail_rows: Option<u64>,
    /// Bytes of the journal that are in use, of all accounts together; null for who is no operator.
    #[schema(required)]
    pub journal_bytes: Option<u64>,
    /// Bytes beyond which the journal refuses.
    pub journal_bound_bytes: u64,
    /// Earliest event time; null while there are no events.
    #[schema(required)]
    pub oldest_event: Option<String>,
    /// Latest event time; null while there are no events.
    #[schema(required)]
    pub newest_event: Option<String>,
    /// When the server started.
    pub started_at: String,
    /// The server's version.
    pub version: String,
    /// Tables of the account that cannot be read; empty when all is well. They are not in the numbers.
    pub unavailable_tables: Vec<UnavailableTable>,
    /// What tells where addresses are; null without such a database.
    #[schema(required)]
    pub locations: Option<LocationsInUse>,
}

/// A database of where addresses are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocationsInUse {
    /// What it calls itself: `GeoLite2-City`.
    #[schema(example = "GeoLite2-City")]
    pub kind: String,
    /// When it was made.
    pub built_at: String,
    /// The package that it was installed from, with its version; null for a file of the operator.
    #[schema(required)]
    pub source: Option<String>,
    /// What the package says of its licence.
    #[schema(required)]
    pub licence: Option<String>,
    /// The texts that came with it, which say to whom it is owed.
    pub notices: Vec<String>,
}

/// A table that cannot be read. It is tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnavailableTable {
    /// Its stream.
    pub stream: String,
    /// Since when it is known; RFC 3339 in UTC.
    pub since: String,
    /// What was met when it was read last.
    pub detail: String,
}

/// The process answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"live": true}))]
pub struct Live {
    /// Always true.
    pub live: bool,
}

/// A part that does not work as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Degraded {
    /// Which part.
    pub part: String,
    /// What is wrong and what to do.
    pub detail: String,
}

/// Whether requests can be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"ready": true, "degraded": []}))]
pub struct Ready {
    /// True once the journal is recovered and while events are taken in.
    pub ready: bool,
    /// Parts that do not work as they should; some do not keep the rest from being ready.
    pub degraded: Vec<Degraded>,
}
