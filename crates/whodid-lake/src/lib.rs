//! The lake: records as sorted Parquet segments in Delta tables, and the tail in memory before them.
//!
//! One table for each account and stream, at `<root>/<account>/<stream>/`, partitioned by event date. What
//! is promised here:
//!
//! - a flush is committed once, whatever crash, lost answer or repetition: each commit carries the
//!   last offset it holds as the stream's transaction version, and that is the only truth asked afterwards;
//! - a [`Snapshot`] shows each record once, in the tail or in a segment;
//! - what a store has confirmed is on disk, also in a local folder ([`DurableFolder`]);
//! - segments never change; compaction replaces several by one, erasing one by another with fewer rows, and files go
//!   only when nobody reads them.
//!
//! The crate starts no task and reads no clock: the engine calls [`Table::flush`], [`Table::compact`] and
//! [`Table::vacuum`]. Decisions: `docs/adr/0004-raw-templates.md`.

pub mod batch;
mod commit;
mod compact;
mod durable_folder;
mod erase;
mod flush;
mod laid;
mod lake;
mod owner;
mod parquet_file;
pub mod raw_template;
mod rewrite;
pub mod schema;
mod segment;
mod store;
mod table;
mod tail;
mod vacuum;

pub use batch::{
    BatchBuilder, DecodeError, RawReader, decode_batch, encode_batch, offsets_of, raw_columns, raw_of_row, sequence,
};
pub use commit::LogError;
pub use compact::{CompactError, CompactReport};
pub use durable_folder::{DurableFolder, make_folder};
pub use erase::{Domain, EraseError, EraseReport, Erasure, PreparedErasure};
pub use flush::{FlushError, FlushReport};
pub use laid::{LAID_FOLDER, LaidError, LaidFile, LaidFiles};
pub use lake::{Lake, OpenError};
pub use owner::OwnerError;
pub use parquet_file::SegmentWriteError;
pub use rewrite::RewriteError;
pub use schema::{stored_schema, unsequenced_schema};
pub use segment::{FooterCache, Segment, SegmentReader};
pub use store::{Location, LocationError};
pub use table::{OutOfPlace, Snapshot, Table};
pub use tail::TailBatch;
pub use vacuum::{VacuumError, VacuumReport};
