//! Searches and SQL, each answer held against a plain evaluation of the same events.
//!
//! One program: each compiles the engine of queries anew.
#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "tests")]

mod agreement;
mod bounds;
mod spill;
mod sql_guard;
mod visible;
mod world;
