//! What whodid tells of itself: the catalogue of deeds, and a deed as an event.
//!
//! Every act in and on whodid becomes one event of the account's `audit` stream. What there is to tell stands in
//! one list, [`Deed`]: an object and a verb, which make the name `whodid.<object>.<verb>`. Objects, verbs and the
//! members of `requestData` are those of the auditing events of IBM Cloud Activity Tracker wherever that has them;
//! its prefix `logdnaat.` finds ours too, which is the search language's doing.
//!
//! The crate is pure: who acted, when and on what come in as values; ids are given by the caller. No value here may
//! hold a secret: callers give keys in their masked form, [`Told`] has no member for a password, and what looks like a
//! key or a one-time token in a text of somebody's own is masked.

mod catalogue;
mod event;
mod mask;

pub use catalogue::{Deed, Kind};
pub use event::{Actor, By, Credential, EVENT_BYTES_MAX, Outcome, Reason, Told, event, patch};
pub use mask::holds_secret;
