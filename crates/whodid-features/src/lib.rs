//! Pins the features of third-party crates, and nothing else.
//!
//! Cargo unites features over the packages selected on its command line, so `-p whodid-lake` and
//! `-p whodid` would each build their own DataFusion (about ten minutes). Every heavy crate depends
//! on this one, which names all third-party crates of the binary; so every selection unites to the
//! same features and the dependencies are built once. Reasons and figures: `docs/adr/0006-build-time.md`.
