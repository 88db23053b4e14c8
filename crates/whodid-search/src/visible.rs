//! Which records a reader may see: the rows of an access scope, made ready to be asked of records.
//!
//! Every call of a search takes it, so that no way of asking gets around it: it becomes a part of the condition
//! that selects rows, before anything is counted, listed or handed to a statement. A scope whose rows are all
//! costs nothing.

use std::sync::Arc;

use whodid_lake::schema::column;
use whodid_model::access::Rows;
use whodid_model::{SpaceName, StreamName, Timestamp};
use whodid_query::{EventView, Expr, Query, QueryError, RecordField, Test};

use crate::condition::{Condition, TextTest};

/// The records of a stream that may be seen.
#[derive(Debug, Clone)]
pub struct Visible {
    stream: StreamName,
    /// A record is visible when one of these lets it through; `None`: every record is.
    rows: Option<Arc<[Part]>>,
}

/// Records that satisfy every member.
#[derive(Debug, Clone)]
struct Part {
    /// Names of spaces; `None`: of any.
    spaces: Option<Vec<String>>,
    space_events: bool,
    account_events: bool,
    /// Names of sources; `None`: of any.
    sources: Option<Vec<String>>,
    query: Query,
}

impl Visible {
    /// Every record of the stream. For tests and tools; a server has a scope and takes [`Visible::of`].
    pub fn all(stream: StreamName) -> Self {
        Self { stream, rows: None }
    }

    /// The records that any of `rows` lets through; none when there are no rows. Relative times in their queries
    /// are meant as of `now`, which must be the clock's and not what a request says.
    ///
    /// # Errors
    /// A query that cannot be read. Nothing may be shown then.
    pub fn of(rows: &[Rows], stream: StreamName, now: Timestamp) -> Result<Self, QueryError> {
        if rows.iter().any(Rows::is_all) {
            return Ok(Self::all(stream));
        }
        let mut parts = Vec::with_capacity(rows.len());
        for one in rows {
            let query = match &one.query {
                None => Query { expr: Expr::All },
                Some(text) => whodid_query::parse(text)?.at(now),
            };
            let spaces = one.spaces.as_ref().map(|spaces| spaces.iter().map(|space| space.as_str().to_owned()));
            parts.push(Part {
                spaces: spaces.map(Iterator::collect),
                space_events: one.space_events,
                account_events: one.account_events,
                sources: one.sources.clone(),
                query,
            });
        }
        Ok(Self { stream, rows: Some(parts.into()) })
    }

    /// Those of one space only.
    #[must_use]
    pub fn in_space(self, space: &SpaceName) -> Self {
        let everything = Part {
            spaces: None,
            space_events: true,
            account_events: true,
            sources: None,
            query: Query { expr: Expr::All },
        };
        let all = [everything];
        let parts = self.rows.as_deref().unwrap_or(&all).iter();
        let reaching = parts.filter(|part| {
            part.space_events
                && part.spaces.as_ref().is_none_or(|names| names.iter().any(|name| name == space.as_str()))
        });
        let narrowed = reaching.map(|part| Part {
            spaces: Some(vec![space.as_str().to_owned()]),
            account_events: false,
            ..part.clone()
        });
        Self { rows: Some(narrowed.collect()), stream: self.stream }
    }

    /// The stream.
    pub fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// Whether nothing is hidden.
    pub fn is_all(&self) -> bool {
        self.rows.is_none()
    }

    /// Whether a record may be seen, by asking the record itself. Says what the condition says of its row.
    pub fn shows(&self, event: &dyn EventView) -> bool {
        self.rows.as_ref().is_none_or(|parts| parts.iter().any(|part| part.shows(event)))
    }

    /// The rows that may be seen.
    pub(crate) fn condition(&self) -> Condition {
        match self.rows.as_deref() {
            None => Condition::Always,
            Some([]) => Condition::Constant(false),
            Some([part]) => part.condition(self.stream.as_str()),
            Some(parts) => Condition::Or(parts.iter().map(|part| part.condition(self.stream.as_str())).collect()),
        }
    }
}

impl Part {
    fn shows(&self, event: &dyn EventView) -> bool {
        let is_one_of =
            |field, names: &[String]| event.any_record(field, &mut |value| names.iter().any(|name| name == value));
        let has_space = event.any_record(RecordField::Space, &mut |_| true);
        let in_spaces = if has_space {
            self.space_events && self.spaces.as_ref().is_none_or(|names| is_one_of(RecordField::Space, names))
        } else {
            self.account_events
        };
        in_spaces
            && self.sources.as_ref().is_none_or(|names| is_one_of(RecordField::Source, names))
            && self.query.matches(event)
    }

    fn condition(&self, stream: &str) -> Condition {
        let mut all = Vec::new();
        match (self.space_events, self.account_events, &self.spaces) {
            (true, true, None) => {}
            (false, false, _) => return Condition::Constant(false),
            (false, true, _) => all.push(Condition::InSpaces { names: Some(Vec::new()), account_events: true }),
            (true, account_events, names) => {
                all.push(Condition::InSpaces { names: names.clone(), account_events });
            }
        }
        if let Some(sources) = &self.sources {
            let test = |source: &String| Condition::Text(TextTest::new(column::SOURCE, Test::exact(source, true)));
            let named = sources.iter().filter(|source| !source.is_empty());
            all.push(Condition::or(named.map(test).collect()));
        }
        all.push(Condition::of_expr(&self.query.expr, stream));
        Condition::and(all)
    }
}
