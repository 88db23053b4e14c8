//! The HTTP contract: request and response types and the OpenAPI 3.1 document. No logic.
//!
//! Everything here is a promise to strangers: the web UI, the command line and other people's
//! programs read these shapes. `openapi.json` at the root is printed from this crate; its diff is
//! the review of a change. Names of members never change their meaning; new members may come.

mod document;
mod events;
mod keys;
mod params;
mod paths;
mod problem;
mod rejects;
mod server;
mod sessions;
mod sql;

pub use document::{document, document_json};
pub use events::{
    Around, Bucket, Cadf, Count, Credential, Event, EventPage, Facet, Facets, FieldName, FieldOrigin, Fields,
    Histogram, Host, IngestReply, Initiator, Lookup, Observer, QueryCheck, Reason, Record, Rejected, Related,
    RelatedRecord, Stats, Target, Top, ValueCount,
};
pub use keys::{KeyCreate, KeyCreated, KeyKind, KeyList, KeySummary};
pub use params::{
    AroundParams, CountParams, ExportFormat, ExportParams, FacetParams, FieldParams, HistogramParams, IngestFormat,
    IngestParams, LookupParams, Order, QueryCheckParams, RejectParams, SearchParams, SignInParams, SqlParams,
    TailParams, TopParams,
};
pub use problem::{Code, Problem};
pub use rejects::{RawEncoding, Reject, RejectCount, RejectPage, RejectRecord, RejectSummary};
pub use server::{Degraded, Live, Ready, Status, UnavailableTable};
pub use sessions::{Me, Role, SignIn, SignedIn, User};
pub use sql::{SqlAnswer, SqlColumn, SqlRequest};

/// Media type of every error body (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";
