//! The vocabulary of whodid: event, record, names, two times, access scope.
//!
//! Everything here is plain data. The crate opens nothing, reads no clock and starts no task;
//! time and rights come in as values. Nouns are defined in `ARCHITECTURE.md` (glossary); the event
//! model follows CADF 1.0 (DMTF DSP0262) and is recorded in `docs/adr/0003-event-model.md`.

pub mod access;
pub mod causes;
pub mod event;
pub mod field;
pub mod name;
pub mod record;
pub mod reject;
pub mod result;
pub mod sentence;
pub mod taxonomy;
pub mod time;

pub use access::{AccessScope, Permission, Principal, Right};
pub use causes::chain;
pub use event::{Event, Fields, IMPERSONATION, TimeSource};
pub use field::Field;
pub use name::{AccountName, NameError, SpaceName, StreamName};
pub use record::{Offset, Record, RecordId};
pub use reject::{Reject, RejectCode};
pub use result::result_of;
pub use taxonomy::{Access, Outcome, Severity};
pub use time::Timestamp;
