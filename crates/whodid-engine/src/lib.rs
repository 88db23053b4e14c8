//! The product without a network: takes request bodies in, keeps them, finds them again.
//!
//! The engine composes decode, journal, lake and search, and is the only crate that starts jobs
//! (writer thread, flush, compaction). It opens no socket and reads no clock of its own: time comes
//! through [`Options::clock`]. Promises: an acknowledged event is in the synced journal; each
//! received event ends in exactly one of accepted, duplicate, excluded, rejected; nothing is read
//! without an [`whodid_model::AccessScope`].

mod csv;
mod duplicates;
mod engine;
mod error;
mod export;
mod frame;
mod ingest;
mod jobs;
mod live;
mod options;
mod read;
mod render;
mod row;
mod rowview;
mod salvage;
mod sql_value;
mod unreadable;
mod writer;

pub use engine::{Engine, OpenError, Status};
pub use error::{Error, ErrorKind};
pub use export::{ExportFormat, Profile};
pub use ingest::{IngestReply, IngestRequest, Rejected};
pub use jobs::LakeTrouble;
pub use live::{LIVE_READERS_MAX, Live, LiveItem};
pub use options::{Clock, Options};
pub use read::{
    Around, Count, EventJson, Facet, FieldName, Histogram, HistogramBucket, Interval, Lookup, Order, Page, ReadRequest,
    ReadStats, RejectPage, RejectRow, RejectSummary, SqlAnswer, Value,
};
pub use salvage::{SalvageError, Salvaged, salvage};
pub use unreadable::UnreadableTable;
