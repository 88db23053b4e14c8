//! The lake at its boundary: on memory, a folder, a failing store and a bucket, and read by other programs.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that fails may panic, and one that is skipped says why"
)]

mod bucket;
mod damaged_log;
mod events;
mod faults;
mod faulty_store;
mod python;
mod read_elsewhere;
mod samples;
mod tables;
