//! Why a search gave no answer.

use crate::pool::SPILL_FACTOR;

/// What a caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong; the same request will always fail.
    Invalid,
    /// It took longer than allowed; ask for less.
    Timeout,
    /// Too much memory or too many searches at once; ask for less, or later.
    Overloaded,
    /// The store did not give what it holds; try again later.
    Unavailable,
    /// A defect of ours.
    Internal,
}

/// Why a search gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The SQL text is refused or wrong; the sentence is for its writer.
    #[error("{detail}")]
    Sql {
        /// What is wrong, and what is allowed.
        detail: String,
    },
    /// The time bound was reached.
    #[error("the search was stopped after {seconds} s")]
    Timeout {
        /// The bound.
        seconds: f64,
    },
    /// The memory bound was reached.
    #[error("the search needs more memory than the {bound_bytes} bytes that all searches may use together")]
    Memory {
        /// The bound.
        bound_bytes: usize,
    },
    /// The bound on what is spilled was reached.
    #[error(
        "the statement needs more than all searches may put on disk together, which is {SPILL_FACTOR} times the {bound_bytes} \
         bytes of their memory; narrow its time range or let it group and sort less"
    )]
    Spill {
        /// The bound on their memory.
        bound_bytes: usize,
    },
    /// More searches wait than may wait.
    #[error("{waiting} searches are waiting already")]
    TooMany {
        /// How many.
        waiting: usize,
    },
    /// A segment could not be read.
    #[error("reading segment {path} failed")]
    Segment {
        /// Which one.
        path: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A defect of ours.
    #[error("the search failed while {doing}")]
    Internal {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl SearchError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Sql { .. } => ErrorKind::Invalid,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Memory { .. } | Self::Spill { .. } | Self::TooMany { .. } => ErrorKind::Overloaded,
            Self::Segment { .. } => ErrorKind::Unavailable,
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    pub(crate) fn internal(doing: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal { doing, source: source.into() }
    }
}
