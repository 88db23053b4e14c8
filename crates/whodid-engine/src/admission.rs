//! Which events a sender's key is for.

use whodid_decode::Format;
use whodid_model::access::Rows;
use whodid_model::{AccessScope, Event, Reject, RejectCode};

use crate::error::{Error, ErrorKind};

/// What may come in under a scope: what any of its rows lets through.
#[derive(Debug)]
pub(crate) struct Admission {
    /// `None`: everything.
    rows: Option<Vec<Rows>>,
}

impl Admission {
    /// Of a scope for writing.
    ///
    /// # Errors
    /// Rows with a query: what an event is cannot be asked before it is stored, so nothing of it is let in.
    pub fn of(scope: &AccessScope) -> Result<Self, Error> {
        if scope.rows().iter().any(Rows::is_all) {
            return Ok(Self { rows: None });
        }
        if scope.rows().iter().any(|rows| rows.query.is_some()) {
            let detail = "a query cannot limit what may be sent; nothing was stored";
            return Err(Error::new(ErrorKind::Denied, "denied", detail));
        }
        Ok(Self { rows: Some(scope.rows().to_vec()) })
    }

    /// The event, or why it may not come in.
    pub fn check<'a>(&self, source: Format, event: Event<'a>) -> Result<Event<'a>, Reject> {
        let Some(rows) = &self.rows else { return Ok(event) };
        let (source, space) = (source.as_str(), event.space.as_deref().filter(|space| !space.is_empty()));
        if rows.iter().any(|rows| lets_through(rows, source, space)) {
            return Ok(event);
        }
        let limits: Vec<String> = rows.iter().map(told).collect();
        let where_from = if space.is_some() { "a space" } else { "no space" };
        let detail = format!(
            "this key sends only {}; the event is of source `{source}` and of {where_from}",
            limits.join(", or ")
        );
        Err(Reject::new(RejectCode::OutsideScope, detail))
    }
}

fn lets_through(rows: &Rows, source: &str, space: Option<&str>) -> bool {
    let in_spaces = match space {
        None => rows.account_events,
        Some(space) => {
            let is_named = |names: &Vec<_>| names.iter().any(|name: &whodid_model::SpaceName| name.as_str() == space);
            rows.space_events && rows.spaces.as_ref().is_none_or(is_named)
        }
    };
    in_spaces && rows.sources.as_ref().is_none_or(|names| names.iter().any(|name| name == source))
}

/// The limit in words.
fn told(rows: &Rows) -> String {
    let mut text = "events".to_owned();
    if let Some(sources) = &rows.sources {
        text += &format!(" of the sources {}", quoted(sources.iter().map(String::as_str)));
    }
    match &rows.spaces {
        Some(spaces) => {
            text += &format!(" of the spaces {}", quoted(spaces.iter().map(whodid_model::SpaceName::as_str)))
        }
        None if !rows.space_events => text += " of no space",
        None if !rows.account_events => text += " of spaces",
        None => {}
    }
    text
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "(none)".to_owned() } else { names.join(", ") }
}
