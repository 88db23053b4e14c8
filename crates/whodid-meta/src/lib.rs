//! What operators configure and who they are: accounts, users, sign-in links, sessions, keys.
//!
//! One SQLite file, shared by every process on the folder. Promises: no secret is stored, only
//! SHA-256 hashes of random texts of at least 128 bits; a one-time link works once, whoever races;
//! a key or session costs no query per request, and yet its end acts within
//! [`STALE_MS_MAX`] milliseconds, also when another process ended it. Time comes in as an argument.
//! A secret has no `Display` and its `Debug` shows nothing.

mod cache;
mod error;
mod keys;
mod schema;
mod secret;
mod sessions;
mod store;
mod users;

pub use cache::STALE_MS_MAX;
pub use error::MetaError;
pub use keys::{KEY_NAME_CHARS_MAX, Key, KeyError, KeyKind, KeyNameError, NewKey};
pub use secret::Secret;
pub use sessions::{Device, LINK_VALID_MICROS, Link, NewSession, Session, SessionError, SignInError};
pub use store::{InitializeError, Initialized, Limits, Look, Meta};
pub use users::{Role, User};
