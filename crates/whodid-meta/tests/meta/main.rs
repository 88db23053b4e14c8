//! What the metadata promises, over a real SQLite file and, where one is, a real PostgreSQL server.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod accounts;
mod alerts;
mod backup;
mod documents;
mod keys;
mod mfa;
mod migration;
mod oidc;
mod outbox;
mod people;
mod place;
mod rights;
mod sessions;
mod sign_in;
mod store;
