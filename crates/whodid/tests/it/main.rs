//! The server at its HTTP boundary and the command line at its own: the real binary on a folder and
//! port of its own for each test.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic and says why it skips")]

mod boundary;
mod command_line;
mod crash;
mod hostile;
mod rights;
mod signing_in;
mod surface;
