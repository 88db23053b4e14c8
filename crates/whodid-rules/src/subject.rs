//! An event as rules see it: its texts, its raw tree, its place.

use std::borrow::Cow;

use whodid_decode::json::Node;
use whodid_model::{Event, Field, Fields, Offset, StreamName, Timestamp};

/// Which record an event is, and its two times. Evidence is kept as places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// When it happened, as the sender claims: what windows are measured by.
    pub event_time: Timestamp,
    /// Place in its stream.
    pub offset: Offset,
    /// The stream.
    pub stream: StreamName,
    /// When it was taken in: what tells a late event.
    pub recorded_at: Timestamp,
}

/// The texts of an event, wherever they are kept.
pub trait Texts {
    /// The text of a field; JSON fields as JSON.
    fn text(&self, field: Field) -> Option<&str>;

    /// The space it belongs to.
    fn space(&self) -> Option<&str>;
}

impl Texts for Event<'_> {
    fn text(&self, field: Field) -> Option<&str> {
        self.fields.get(field)
    }

    fn space(&self) -> Option<&str> {
        self.space.as_deref()
    }
}

/// Bytes that could not be read as an event have a raw text and nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTexts;

impl Texts for NoTexts {
    fn text(&self, _: Field) -> Option<&str> {
        None
    }

    fn space(&self) -> Option<&str> {
        None
    }
}

/// An event whose raw text is read only if a rule may need it.
#[derive(Clone, Copy)]
pub struct Unread<'a> {
    /// Which record it is.
    pub place: &'a Place,
    /// The format it was read as: `cloudtrail`, `cadf`.
    pub source: &'a str,
    /// Its texts in our vocabulary.
    pub texts: &'a dyn Texts,
    /// The raw text.
    pub raw: &'a dyn Raw,
}

/// A raw text that may have to be made first.
pub trait Raw {
    /// The text; the same each time.
    fn text(&self) -> Cow<'_, str>;
}

impl Raw for &str {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl std::fmt::Debug for Unread<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Unread").field("place", self.place).field("source", &self.source).finish_non_exhaustive()
    }
}

impl<'a> Unread<'a> {
    /// What can be asked without the raw text.
    pub(crate) fn without_raw(&self) -> Subject<'a> {
        Subject { place: self.place, source: self.source, texts: self.texts, raw: "", tree: None }
    }
}

/// One event to be matched.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Which record it is.
    pub place: &'a Place,
    /// The format it was read as: `cloudtrail`, `cadf`.
    pub source: &'a str,
    /// Its texts in our vocabulary.
    pub texts: &'a dyn Texts,
    /// The raw text.
    pub raw: &'a str,
    /// The raw text as a tree; `None` when it is no JSON, and the text is then one leaf.
    pub tree: Option<&'a Node<'a>>,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Subject").field("place", self.place).field("source", &self.source).finish_non_exhaustive()
    }
}

impl Subject<'_> {
    /// How it ended, with refusals told apart: one of [`whodid_model::result::RESULTS`].
    pub fn result(&self) -> &'static str {
        let [outcome, code, kind, text] = [Field::Outcome, Field::ReasonCode, Field::ReasonType, Field::ReasonText]
            .map(|field| self.texts.text(field));
        whodid_model::result_of(outcome, code, kind, text)
    }
}

/// The fields alone are texts too.
impl Texts for Fields<'_> {
    fn text(&self, field: Field) -> Option<&str> {
        self.get(field)
    }

    fn space(&self) -> Option<&str> {
        None
    }
}
