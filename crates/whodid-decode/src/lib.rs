//! Bytes become events and rejects, one file per source format.
//!
//! [`decode`] is total: every event of a request comes back as one [`Item`], either read or refused
//! with a reason, and what is wrong with one never touches its neighbours. Nothing here opens a
//! file, reads a clock or logs; the time of receipt comes in.
//!
//! The texts of an [`Event`] are slices of the raw bytes wherever these hold them verbatim, so the
//! store can cut them out of the raw copy. Slices of two fields may overlap (a service is the front
//! of its action); whoever cuts takes the first that still fits.
//!
//! The mapping of each source is written down in `docs/reference/mappings.md`; the cases of
//! `corpus/decode` hold it.

mod actiontrail;
mod auto;
mod azure;
mod cadf;
mod carried;
mod cloudtrail;
mod draft;
mod format;
mod gcp;
mod generic;
mod generic_names;
mod github;
mod ibm_at;
pub mod json;
mod kubernetes;
mod linux_auth;
mod okta;
mod products;
pub mod profile;
mod python_literal;
mod respell;
mod split;
mod syslog;

use std::panic::{AssertUnwindSafe, catch_unwind};

use whodid_model::{Event, Field, Reject, RejectCode, Timestamp};

pub use format::Format;

use draft::Draft;
use json::Node;
use split::Found;
use syslog::Line;

/// Largest event, in bytes of its raw text.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// Most levels of objects and lists in an event.
pub const JSON_DEPTH_MAX: usize = 64;

/// One event of a request, as found and as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<'a> {
    /// Place in the request, counted in events from 0.
    pub index: usize,
    /// Exactly the bytes of this event: a line, an element of a list.
    pub raw: &'a [u8],
    /// What it was read as; [`Format::Auto`] only on rejects whose format could not be told.
    pub format: Format,
    /// The event, or why there is none.
    pub event: Result<Event<'a>, Reject>,
}

/// Reads all events of `body`: lines, a list, one document, documents one after the other, or a
/// container such as `{"Records":[…]}`. `received` becomes the time of events that state none, and tells
/// the year of those that state none.
///
/// Never fails and never panics; the number of items is the number of events in the body.
pub fn decode(format: Format, body: &[u8], received: Timestamp) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    // Only where such lines are meant or may be: in every other format text stays a reject.
    let read_line = |line| syslog::parse(line, received).filter(|line| line.is_certain || format == Format::LinuxAuth);
    let has_lines = matches!(format, Format::Auto | Format::LinuxAuth);
    let read_line: split::ReadLine<'_, '_> = if has_lines { &read_line } else { &|_| None };
    split::split(body, read_line, &mut |raw, found, resources| {
        let (format, event) = match found {
            Ok(Found::Document(root)) => decode_root(format, raw, &root, resources, received),
            Ok(Found::Line(line)) => decode_line(line, raw, received),
            Err(reject) if format == Format::LinuxAuth => (format, Err(no_line(raw, reject))),
            Err(reject) => (format, Err(reject)),
        };
        items.push(Item { index: items.len(), raw, format, event });
    });
    items
}

fn decode_line<'a>(line: Line<'a>, raw: &'a [u8], received: Timestamp) -> (Format, Result<Event<'a>, Reject>) {
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        let mut draft = Draft::new(std::str::from_utf8(raw).unwrap_or_default(), received);
        let cadf_action = linux_auth::decode_line(line, &mut draft)?;
        draft.event.complete(cadf_action);
        Ok(draft.event)
    }));
    (Format::LinuxAuth, decoded.unwrap_or_else(|_| Err(decoder_failed(Format::LinuxAuth))))
}

/// The refusal of text where lines were expected.
fn no_line(raw: &[u8], reject: Reject) -> Reject {
    let is_text = !matches!(raw.trim_ascii_start().first(), Some(b'{' | b'['));
    if reject.code != RejectCode::NotJson || !is_text {
        return reject;
    }
    let detail = "the line is neither of a system log (a time, a host, a program, a message) nor JSON";
    Reject::new(RejectCode::NotJson, detail)
}

fn decoder_failed(format: Format) -> Reject {
    let detail = format!("the {format} decoder failed; please report it with the raw event");
    Reject::new(RejectCode::DecoderFailed, detail)
}

fn decode_root<'a>(
    asked: Format,
    raw: &'a [u8],
    root: &Node<'a>,
    resources: Option<&Node<'_>>,
    received: Timestamp,
) -> (Format, Result<Event<'a>, Reject>) {
    let mut format = asked;
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        // The reader has checked that the bytes are UTF-8, or there would be no tree.
        let document = std::str::from_utf8(raw).unwrap_or_default();
        let mut draft = Draft::new(document, received);
        let cadf_action = match carried::carried(root) {
            Some(text) => {
                let action = draft.within("message", text, |event, inner| {
                    tell(&mut format, event, inner);
                    decode_as(format, event, inner)
                })?;
                draft.time("timestamp", root.get("timestamp"))?;
                draft.first(Field::Id, root, &["id", "eventId"]);
                action
            }
            None => {
                tell(&mut format, root, &draft);
                decode_as(format, root, &mut draft)?
            }
        };
        if let Some(resources) = resources {
            cadf::resolve(resources, &mut draft);
        }
        draft.event.complete(cadf_action);
        Ok(draft.event)
    }));
    let event = decoded.unwrap_or_else(|_| Err(decoder_failed(format)));
    (format, event)
}

fn tell(format: &mut Format, root: &Node<'_>, draft: &Draft<'_>) {
    if *format == Format::Auto {
        *format = auto::format_of(root);
        if *format == Format::Json && linux_auth::is_carried(root, draft) {
            *format = Format::LinuxAuth;
        }
    }
}

/// What a decoder returns: its own reading of the action in the CADF taxonomy, or none to let the
/// model derive it from the action's words.
type Decoded<'a> = Result<Option<std::borrow::Cow<'a, str>>, Reject>;

fn decode_as<'a>(format: Format, root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    if root.members().is_empty() {
        return Err(Reject::new(RejectCode::MissingField, "the object has no members, so it tells nothing"));
    }
    match format {
        Format::Cadf => cadf::decode(root, draft),
        Format::IbmAt => ibm_at::decode(root, draft),
        Format::CloudTrail => cloudtrail::decode(root, draft),
        Format::ActionTrail => actiontrail::decode(root, draft),
        Format::Kubernetes => kubernetes::decode(root, draft),
        Format::Okta => okta::decode(root, draft),
        Format::Gcp => gcp::decode(root, draft),
        Format::Azure => azure::decode(root, draft),
        Format::GitHub => github::decode(root, draft),
        Format::LinuxAuth => linux_auth::decode(root, draft),
        Format::Json | Format::Auto => generic::decode(root, draft),
    }
}
