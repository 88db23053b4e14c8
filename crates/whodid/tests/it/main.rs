//! The server at its HTTP boundary and the command line at its own: the real binary on a folder and
//! port of its own for each test.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic, and says what it counted")]

mod advisor_channels;
mod alerting;
mod boundary;
mod bucket_rules;
mod command_line;
mod crash;
mod finding;
mod finding_graph;
mod hostile;
mod insights;
mod keeping;
mod locations;
mod matrix;
mod package_files;
mod person;
mod places;
mod provider;
mod proving;
mod refusals;
mod rights;
mod ruling;
mod secrets;
mod self_audit;
mod signing_in;
mod standard;
mod surface;

/// Says that this test is skipped, and why. Past the capturing of the test runner, which hides what a test prints
/// that does not fail; `cargo xtask test` lists these lines at its end.
fn skipped(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("skipped: {test}: {reason}\n").as_bytes());
}
