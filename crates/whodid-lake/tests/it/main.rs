//! The lake at its boundary: on memory, a folder, a failing store and a bucket, and read by other programs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bucket;
mod damaged_log;
mod erasing;
mod events;
mod faults;
mod faulty_store;
mod python;
mod read_elsewhere;
mod samples;
mod tables;

/// Says that this test is skipped, and why. Past the capturing of the test runner, which hides what a test prints
/// that does not fail; `cargo xtask test` lists these lines at its end.
fn skipped(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("skipped: {test}: {reason}\n").as_bytes());
}
