//! The decoders: against events of each source, and against what nobody should send.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

mod corpus;
mod generic;
mod linux_auth;
mod profile;
mod samples;
mod split;
