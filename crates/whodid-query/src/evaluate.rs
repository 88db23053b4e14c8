//! Whether one event satisfies a query: the plain evaluator, which the quick ones must agree with.

use whodid_decode::json::Node;
use whodid_model::field::Written;
use whodid_model::{Event, Field, Offset, Timestamp};

use crate::ast::{Expr, Query, RecordField, Target, Term};
use crate::walk::{Tree, encoded_tree};

/// What a query may ask of one event. Each method tells whether `test` holds for any value of a kind, and may stop
/// at the first; it calls `test` with non-empty texts only.
pub trait EventView {
    /// The text of a field, JSON fields as JSON.
    fn field(&self, field: Field) -> Option<&str>;

    /// The text of what is known of the record; times as [`Timestamp`] prints them.
    fn any_record(&self, field: RecordField, test: &mut dyn FnMut(&str) -> bool) -> bool;

    /// The leaves of the raw event at or below a path.
    fn any_at(&self, path: &str, test: &mut dyn FnMut(&str) -> bool) -> bool;

    /// All leaves of the raw event.
    fn any_leaf(&self, test: &mut dyn FnMut(&str) -> bool) -> bool;
}

impl Query {
    /// Whether the event satisfies the query. Relative times must have been settled by [`Query::at`] before.
    pub fn matches(&self, view: &dyn EventView) -> bool {
        matches_expr(&self.expr, view)
    }
}

impl Term {
    /// Whether any value of the target passes the test.
    pub fn matches(&self, view: &dyn EventView) -> bool {
        let test = &mut |value: &str| self.test.matches(value);
        match &self.target {
            Target::Any => Field::ALL.into_iter().any(|field| any_of_field(view, field, test)) || view.any_leaf(test),
            Target::Field(field) => any_of_field(view, *field, test),
            Target::Json { field, path } => {
                let in_field = view.field(*field).and_then(|text| Some((text, encoded_tree(text)?)));
                in_field.is_some_and(|(text, node)| Tree::new(text, &node).any_at(path.as_str(), test))
                    || view.any_at(&format!("{}.{path}", field.path()), test)
            }
            Target::Record(field) => view.any_record(*field, test),
            Target::Raw(path) => view.any_at(path.as_str(), test),
        }
    }
}

fn matches_expr(expr: &Expr, view: &dyn EventView) -> bool {
    match expr {
        Expr::All => true,
        Expr::And(members) => members.iter().all(|member| matches_expr(member, view)),
        Expr::Or(members) => members.iter().any(|member| matches_expr(member, view)),
        Expr::Not(member) => !matches_expr(member, view),
        Expr::Term(term) => term.matches(view),
    }
}

/// Whether `test` holds for the text of a field, or for any leaf of it when it is JSON.
pub fn any_of_field_text(field: Field, text: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
    if field.written() == Written::Text {
        return test(text);
    }
    match whodid_decode::json::parse(text) {
        Ok(node) => Tree::new(text, &node).any_leaf(test),
        Err(_) => test(text),
    }
}

fn any_of_field(view: &dyn EventView, field: Field, test: &mut dyn FnMut(&str) -> bool) -> bool {
    view.field(field).is_some_and(|text| any_of_field_text(field, text, test))
}

/// A decoded event with its raw text, as it comes in or as it is read back.
#[derive(Debug)]
pub struct EventText<'a> {
    raw: &'a str,
    /// `None` when the raw text is no JSON; it is then one leaf.
    tree: Option<Node<'a>>,
    event: &'a Event<'a>,
    known: Known<'a>,
}

/// What is known of the record besides the event itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Place in the stream.
    pub offset: Option<Offset>,
    /// When it was taken in.
    pub recorded_at: Option<Timestamp>,
    /// The format it was read as.
    pub source: Option<&'a str>,
    /// The stream.
    pub stream: Option<&'a str>,
    /// Where the event's time comes from, as the store writes it.
    pub time_source: Option<&'a str>,
}

impl<'a> EventText<'a> {
    /// The event that was decoded from `raw`.
    pub fn new(raw: &'a str, event: &'a Event<'a>, known: Known<'a>) -> Self {
        Self { raw, tree: whodid_decode::json::parse(raw).ok(), event, known }
    }
}

impl EventView for EventText<'_> {
    fn field(&self, field: Field) -> Option<&str> {
        self.event.fields.get(field)
    }

    fn any_record(&self, field: RecordField, test: &mut dyn FnMut(&str) -> bool) -> bool {
        let text = match field {
            RecordField::Offset => return self.known.offset.is_some_and(|offset| test(&offset.to_string())),
            RecordField::RecordedAt => return self.known.recorded_at.is_some_and(|at| test(&at.to_string())),
            RecordField::EventTime => return test(&self.event.event_time.to_string()),
            RecordField::Space => self.event.space.as_deref(),
            RecordField::Source => self.known.source,
            RecordField::Stream => self.known.stream,
            RecordField::TimeSource => self.known.time_source,
            RecordField::Result => Some(self.event.result()),
        };
        text.is_some_and(|text| !text.is_empty() && test(text))
    }

    fn any_at(&self, path: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.tree.as_ref().is_some_and(|node| Tree::new(self.raw, node).any_at(path, test))
    }

    fn any_leaf(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match &self.tree {
            Some(node) => Tree::new(self.raw, node).any_leaf(test),
            None => !self.raw.is_empty() && test(self.raw),
        }
    }
}
