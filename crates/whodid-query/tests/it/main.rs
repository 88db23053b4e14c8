//! The search language: what is read, what it means, and what it says of what it cannot read.
#![allow(clippy::unwrap_used, reason = "tests")]

mod corpus;
mod guide;
mod language;
mod properties;
