//! Search text or SQL over one snapshot of a table: rows in order, counts, series, exports.
//!
//! A [`Searcher`] owns a thread pool, a memory bound and a time bound, so that no search can slow
//! ingest. Every call takes a [`whodid_lake::Snapshot`] (what exists) and either a [`Filter`] or
//! what may be seen ([`Visible`]), which comes of an access decision. Promises:
//!
//! - An answer is exactly what `whodid_query::Query::matches` says of each row; pruning, dictionaries,
//!   filters and prefilters only skip rows that cannot match.
//! - Rows are ordered by (`event_time`, `offset`).
//! - Dropping a future or a stream stops its work.
//! - SQL reads table `events` and nothing else.
//!
//! How queries run, and why DataFusion runs only a part of them: `docs/adr/0005-query-execution.md`.

mod aggregate;
mod condition;
mod error;
mod event;
mod export;
mod fields;
mod filter;
mod finder;
mod list;
mod opened;
mod part;
mod pool;
mod searcher;
mod selection;
mod sql;
mod stats;
mod template;
mod view;
mod visible;

pub use aggregate::Top;
pub use error::{ErrorKind, SearchError};
pub use export::Export;
pub use fields::{Kind, SEEN_PATHS_MAX, SeenField};
pub use filter::{Filter, Order};
pub use list::Page;
pub use searcher::{Options, Searcher};
pub use sql::{SQL_ROWS_MAX, SqlAnswer, SqlLimits};
pub use stats::{Answer, Stats};
pub use visible::Visible;
