//! The product without a network: takes request bodies in, keeps them, finds them again.
//!
//! The engine composes decode, journal, lake and search, and is the only crate that starts jobs
//! (writer thread, flush, compaction). It opens no socket and reads no clock of its own: time comes
//! through [`Options::clock`]. Promises: an acknowledged event is in the synced journal; each
//! received event ends in exactly one of accepted, duplicate, excluded, rejected; nothing is read
//! without an [`whodid_model::AccessScope`].

mod account_tasks;
mod admission;
mod backtest;
mod csv;
mod detect;
mod duplicates;
mod engine;
mod erase;
mod error;
mod export;
mod frame;
mod ingest;
mod insights;
mod jobs;
mod laid;
mod live;
mod options;
mod own;
mod places;
mod read;
mod record;
mod render;
mod row;
mod rowview;
mod salvage;
mod sql_value;
mod status;
mod unreadable;
mod watching;
mod writer;

pub use backtest::{Backtest, BacktestDay, BacktestDifference, BacktestReport, BacktestSample};
pub use csv::defused;
pub use detect::{DETECT_STREAMS, DetectStatus, Evident, FINDING_ACTION};
pub use engine::{Engine, OpenError};
pub use error::{Error, ErrorKind};
pub use export::{ExportFormat, Profile};
pub use ingest::{IngestReply, IngestRequest, Rejected};
pub use insights::{
    INSIGHT_ACTIONS, InsightPoint, InsightSeries, InsightStatus, ReplayEnd, SETTINGS_ACTION, SeriesQuery,
};
pub use jobs::LakeTrouble;
pub use live::{LIVE_READERS_MAX, Live, LiveItem};
pub use options::{AUDIT_RESERVE_BYTES, Clock, Options};
pub use own::OWN_STREAMS;
pub use read::{
    Around, Count, EventJson, Facet, FieldName, Histogram, HistogramBucket, Interval, Lookup, Order, Page, ReadRequest,
    ReadStats, RejectPage, RejectRow, RejectSummary, SqlAnswer, Value, time_range,
};
pub use salvage::{SalvageError, Salvaged, salvage};
pub use status::{Status, shows_all};
pub use unreadable::UnreadableTable;
pub use watching::{Watched, WatchedMatch, WatchedSearch, WatchedStep};
pub use whodid_lake::{Domain, EraseReport, Erasure, LAID_FOLDER, LaidFile, LaidFiles};
