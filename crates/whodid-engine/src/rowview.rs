//! A stored row as the query language sees an event.

use whodid_model::{Event, StreamName, TimeSource};
use whodid_query::walk::{Tree, encoded_tree};
use whodid_query::{EventText, EventView, Known, Target};

use crate::row::Row;

/// Calls `look` with the row as an event text.
pub(crate) fn with_event<R>(row: Row<'_>, stream: &StreamName, look: impl FnOnce(&EventText<'_>) -> R) -> R {
    let raw = row.raw();
    let raw = crate::render::text_of(&raw);
    let mut event = Event::at(row.event_time(), TimeSource::Stated);
    event.fields = row.fields();
    event.space = row.space().map(Into::into);
    let known = Known {
        offset: Some(row.offset()),
        recorded_at: Some(row.recorded_at()),
        source: Some(row.source()),
        stream: Some(stream.as_str()),
        time_source: Some(row.time_source()),
    };
    look(&EventText::new(&raw, &event, known))
}

/// The text of what `target` names, several values joined by `; `; empty when there is none.
pub(crate) fn text_of(view: &dyn EventView, target: &Target) -> String {
    let mut text = String::new();
    let mut take = |value: &str| {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(value);
        false
    };
    match target {
        Target::Field(field) => {
            view.field(*field).map(&mut take);
        }
        Target::Record(field) => {
            view.any_record(*field, &mut take);
        }
        Target::Raw(path) => {
            view.any_at(path.as_str(), &mut take);
        }
        Target::Json { .. } => each_json_value(view, target, &mut take),
        Target::Any => {}
    }
    text
}

/// The values below a path of a JSON field; where its source calls that field by its own name, below that.
fn each_json_value(view: &dyn EventView, target: &Target, take: &mut dyn FnMut(&str) -> bool) {
    let Target::Json { field, path } = target else { return };
    let mut found = false;
    if let Some(text) = view.field(*field)
        && let Some(node) = encoded_tree(text)
    {
        Tree::new(text, &node).any_at(path.as_str(), &mut |value| {
            found = true;
            take(value)
        });
    }
    if !found {
        view.any_at(&format!("{}.{path}", field.path()), take);
    }
}
