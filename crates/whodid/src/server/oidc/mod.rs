//! Signing in with an identity provider: the relying party of OpenID Connect, authorization code flow with PKCE.
//!
//! [`Provider::begin`] says where the browser goes and what is kept of it; [`Provider::finish`] takes what the browser
//! brings back and returns the [`Person`], or why it is not to be believed. What must always hold:
//!
//! - Nothing of a person is read before signature, issuer, audience, times and nonce of the ID token are checked.
//! - A person is `issuer` and `subject` together. Names and addresses change hands and are for showing only.
//! - The provider is asked only when somebody signs in with it, with bounds on time and bytes; whoever signs in
//!   with a password never waits for it.
//! - Codes, tokens and secrets stand in no log, no error and no `Debug` text.
//!
//! This module knows nothing of the rest of the server: routes, cookies, users and the audit log are its caller's.
//! Cryptography is aws-lc-rs (docs/adr/0009). Sources: OpenID Connect Core 1.0 and Discovery 1.0, RFC 6749, RFC 7636
//! (PKCE), RFC 9207 (`iss` in the answer), RFC 9700 (what goes wrong).

mod config;
mod error;
mod fetch;
mod id_token;
mod key_set;
mod metadata;
mod person;
mod provider;
mod remembered;
mod secret;
#[cfg(test)]
mod tests;

pub use config::{OidcConfig, OidcValues};
pub use error::OidcError;
#[cfg(test)]
use error::TokenFault;
pub use person::NO_ROLE;
#[cfg(test)]
use person::Person;
#[cfg(test)]
use provider::Begun;
pub use provider::{Callback, KEPT_S, Kept, Provider};
#[cfg(test)]
use secret::Secret;
