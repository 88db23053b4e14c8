//! What a search is about.

use whodid_model::{Offset, Timestamp};
use whodid_query::{Expr, Query};

use crate::Visible;

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
    /// Which records may be seen at all.
    pub visible: Visible,
    /// Only events of exactly this region.
    pub region: Option<String>,
    /// Only records taken in at this time or later.
    pub recorded_from: Option<Timestamp>,
    /// Only records taken in before this time.
    pub recorded_to: Option<Timestamp>,
}

impl Filter {
    /// Every record that may be seen.
    pub fn everything(visible: Visible) -> Self {
        Self::of(Query { expr: Expr::All }, visible)
    }

    /// The records that may be seen and satisfy `query`.
    pub fn of(query: Query, visible: Visible) -> Self {
        Self {
            query,
            from: None,
            to: None,
            before_offset: None,
            visible,
            region: None,
            recorded_from: None,
            recorded_to: None,
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
