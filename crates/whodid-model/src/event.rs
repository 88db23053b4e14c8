//! An event as decoded: who did what to what, when, from where, with what end.

use std::borrow::Cow;

use crate::taxonomy::{self, Access, Outcome, Severity};
use crate::{Field, Timestamp};

/// The type of credential of an initiator who took somebody else's identity; its id is that identity.
pub const IMPERSONATION: &str = "impersonation";

/// Where an event's time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeSource {
    /// The sender stated it with its zone.
    Stated,
    /// The sender stated it without a zone; UTC was assumed.
    ZoneAssumed,
    /// The sender stated none; the time of receipt was taken.
    Received,
}

/// The text of each [`Field`]; borrowed from the raw bytes wherever the raw text holds it verbatim,
/// so that the store can cut it out of the raw copy instead of keeping it twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields<'a>([Option<Cow<'a, str>>; Field::COUNT]);

impl Default for Fields<'_> {
    fn default() -> Self {
        Self([const { None }; Field::COUNT])
    }
}

impl<'a> Fields<'a> {
    /// The text of `field`, if the event has it.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.0[field.index()].as_deref()
    }

    /// How it ended, with refusals told apart: one of [`crate::result::RESULTS`].
    pub fn result(&self) -> &'static str {
        let [outcome, code, kind, text] =
            [Field::Outcome, Field::ReasonCode, Field::ReasonType, Field::ReasonText].map(|field| self.get(field));
        crate::result_of(outcome, code, kind, text)
    }

    /// Sets the text of `field`. Empty text counts as absent.
    pub fn set(&mut self, field: Field, text: impl Into<Cow<'a, str>>) {
        let text = text.into();
        self.0[field.index()] = (!text.is_empty()).then_some(text);
    }

    /// Sets the text of `field` unless it is already set.
    pub fn set_default(&mut self, field: Field, text: Option<Cow<'a, str>>) {
        if let (None, Some(text)) = (&self.0[field.index()], text) {
            self.set(field, text);
        }
    }

    /// Takes the text of `field` away.
    pub fn clear(&mut self, field: Field) {
        self.0[field.index()] = None;
    }

    /// All fields that are set, in column order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Cow<'a, str>)> {
        Field::ALL.into_iter().filter_map(|field| Some((field, self.0[field.index()].as_ref()?)))
    }
}

/// A valid event. The raw bytes it was decoded from travel beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// When it happened, as the sender claims.
    pub event_time: Timestamp,
    /// How far that claim goes.
    pub time_source: TimeSource,
    /// The space it belongs to, where the source says so.
    pub space: Option<Cow<'a, str>>,
    /// Every text field.
    pub fields: Fields<'a>,
}

impl<'a> Event<'a> {
    /// An event with nothing but its time.
    pub fn at(event_time: Timestamp, time_source: TimeSource) -> Self {
        Self { event_time, time_source, space: None, fields: Fields::default() }
    }

    /// How it ended; `Unknown` when the source does not say.
    pub fn outcome(&self) -> Outcome {
        self.fields.get(Field::Outcome).and_then(Outcome::parse).unwrap_or(Outcome::Unknown)
    }

    /// How it ended, with refusals told apart: one of [`crate::result::RESULTS`].
    pub fn result(&self) -> &'static str {
        self.fields.result()
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        self.fields.get(Field::Severity).and_then(Severity::parse).unwrap_or(Severity::Normal)
    }

    /// Whether it could have changed something.
    pub fn access(&self) -> Access {
        self.fields.get(Field::Access).and_then(Access::parse).unwrap_or(Access::Write)
    }

    /// Fills what every event must have and the source did not give: outcome, action, the derived
    /// CADF action, read or write, severity. Decoders call it last.
    ///
    /// `cadf_action` is the decoder's own reading of the action; without one the last segment of the
    /// action is looked up as a verb, then the whole as a CamelCase operation.
    pub fn complete(&mut self, cadf_action: Option<Cow<'a, str>>) {
        if self.fields.get(Field::Outcome).and_then(Outcome::parse).is_none() {
            self.fields.set(Field::Outcome, Outcome::Unknown.as_str());
        }
        if self.fields.get(Field::Action).is_none() {
            self.fields.set(Field::Action, "unknown");
        }
        let derived = match cadf_action {
            Some(given) => given,
            None => Cow::Borrowed(derive_cadf_action(self.fields.get(Field::Action).unwrap_or_default())),
        };
        if self.fields.get(Field::Access).and_then(Access::parse).is_none() {
            self.fields.set(Field::Access, taxonomy::access_of(&derived).as_str());
        }
        if self.fields.get(Field::Severity).and_then(Severity::parse).is_none() {
            let status = self.fields.get(Field::ReasonCode).and_then(|code| code.parse().ok());
            self.fields.set(Field::Severity, taxonomy::severity_of(self.outcome(), &derived, status).as_str());
        }
        self.fields.set(Field::CadfAction, derived);
    }
}

/// The CADF action that an action's own words tell; `unknown` when they tell none.
fn derive_cadf_action(action: &str) -> &'static str {
    if let Some(known) = taxonomy::CADF_ACTIONS.iter().find(|known| **known == action) {
        return known;
    }
    let last = action.rsplit(['.', ':', '/', ' ']).next().unwrap_or(action);
    let first = action.split(['.', ':', '/', ' ']).next().unwrap_or(action);
    taxonomy::cadf_action_of_verb(last)
        .or_else(|| taxonomy::cadf_action_of_operation(last))
        .or_else(|| taxonomy::cadf_action_of_verb(first))
        .unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_with_only_an_action_is_completed_from_it() {
        let mut event = Event::at(Timestamp::from_micros(0), TimeSource::Received);
        event.fields.set(Field::Action, "kms.secrets.delete");
        event.complete(None);
        assert_eq!(event.fields.get(Field::CadfAction), Some("delete"));
        assert_eq!(
            (event.outcome(), event.access(), event.severity()),
            (Outcome::Unknown, Access::Write, Severity::Critical)
        );
    }

    #[test]
    fn actions_outside_the_taxonomy_keep_their_text() {
        for (action, cadf) in [
            ("created.user", "create"),
            ("user.session.start", "start"),
            ("frobnicate", "unknown"),
            ("read/list", "read/list"),
        ] {
            let mut event = Event::at(Timestamp::from_micros(0), TimeSource::Received);
            event.fields.set(Field::Action, action);
            event.complete(None);
            assert_eq!(event.fields.get(Field::Action), Some(action));
            assert_eq!(event.fields.get(Field::CadfAction), Some(cadf), "{action}");
        }
    }
}
