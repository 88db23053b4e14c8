//! The search language: text to a syntax tree, what a tree matches, and times as people write them.
//!
//! The crate is pure: no input, no output, no clock. [`parse()`] turns text into a [`Query`];
//! [`Test::matches`] is the one meaning of a test on one text, used by every evaluator of queries;
//! [`Query::matches`] is the reference evaluator on a single event. The language is described for
//! users in `docs/guide/search.md`, and by example in `corpus/query`.

mod alias;
pub mod ast;
pub mod complete;
pub mod error;
pub mod evaluate;
pub mod literals;
mod matching;
pub mod parse;
mod print;
pub mod text;
pub mod time_text;
pub mod walk;

pub use ast::{Comparison, Expr, Operand, Path, Query, QueryError, RecordField, Target, Term, Test, TimePoint};
pub use complete::{Completion, CompletionKind, complete};
pub use error::render;
pub use evaluate::{EventText, EventView, Known};
pub use literals::literals;
pub use parse::{parse, resolve};
pub use print::quoted;
pub use time_text::{TimeTextError, parse_range, parse_time};
