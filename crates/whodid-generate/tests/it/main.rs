//! What is generated: the same each time, as the sources write it, and with what is hidden in it.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

mod advisor;
mod history;
mod quiet;
