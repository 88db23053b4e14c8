//! Rules as whoever writes them meets them: texts in, hits out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod advisor;
mod bounds;
mod correlations;
mod exceptions;
mod golden;
mod judged;
mod kinds;
mod order;
mod packages;
mod sigma;
mod world;
