//! What a search is about.

use whodid_model::access::Spaces;
use whodid_model::{Offset, StreamName, Timestamp};
use whodid_query::{Expr, Query};

/// Which records a search is about. All parts must hold.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The condition of the search language, relative times already replaced (`Query::at`).
    pub query: Query,
    /// Only events that happened at this time or later.
    pub from: Option<Timestamp>,
    /// Only events that happened before this time.
    pub to: Option<Timestamp>,
    /// Only records with a smaller offset: what had been taken in when a list was begun.
    pub before_offset: Option<Offset>,
    /// Which spaces may be read.
    pub spaces: Spaces,
    /// Only events of exactly this region.
    pub region: Option<String>,
    /// Only records taken in at this time or later.
    pub recorded_from: Option<Timestamp>,
    /// Only records taken in before this time.
    pub recorded_to: Option<Timestamp>,
    /// The stream that the snapshot is of, for queries that name one; `activity` unless it is set.
    pub stream: StreamName,
}

impl Filter {
    /// Every record of these spaces.
    pub fn everything(spaces: Spaces) -> Self {
        Self::of(Query { expr: Expr::All }, spaces)
    }

    /// The records of these spaces that satisfy `query`.
    pub fn of(query: Query, spaces: Spaces) -> Self {
        Self {
            query,
            from: None,
            to: None,
            before_offset: None,
            spaces,
            region: None,
            recorded_from: None,
            recorded_to: None,
            stream: StreamName::activity(),
        }
    }
}

/// Which way rows run; always by event time, then offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Latest first.
    #[default]
    NewestFirst,
    /// Earliest first.
    OldestFirst,
}
