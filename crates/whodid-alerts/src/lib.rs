//! What becomes of a finding: an alert with a life of its own, and whom it is told.
//!
//! [`alert`], [`silence`], [`watch`], [`schedule`], [`rate`], [`retry`] and [`render`] are pure: time comes in as an
//! argument. Only [`deliver`] and [`resolver`] touch the network, and only where [`guard`] lets them. The crate keeps
//! nothing: whoever calls it stores alerts, channels and what is still to be delivered.

pub mod alert;
pub mod channel;
mod clip;
pub mod deliver;
pub mod guard;
mod masking;
pub mod notice;
pub mod preset;
pub mod rate;
pub mod receiver;
pub mod render;
pub mod resolver;
pub mod retry;
pub mod schedule;
mod secret;
mod severity;
pub mod sign;
pub mod silence;
pub mod watch;

pub use alert::Alert;
pub use channel::{Channel, Fault, Source};
pub use deliver::{Delivery, Outcome, Sender};
pub use guard::{AllowList, Guard};
pub use masking::MaskError;
pub use notice::{Evidence, GroupValue, Moment, Notice};
pub use receiver::Receiver;
pub use render::Issuer;
pub use resolver::{Resolver, SystemResolver};
pub use retry::Attempt;
pub use secret::Secret;
pub use severity::Severity;
pub use sign::SigningKey;
pub use silence::Silence;
