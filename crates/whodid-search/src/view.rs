//! Rows as the search language's evaluator looks at them.

use arrow::array::{Array, AsArray, RecordBatch};
use whodid_decode::json::{self, Node};
use whodid_lake::schema::column;
use whodid_model::Field;
use whodid_query::RecordField;
use whodid_query::evaluate::EventView;
use whodid_query::walk::Tree;

use crate::aggregate::RESULT_COLUMNS;
use crate::condition::number_text;
use crate::part::numbers;

/// One JSON column and nothing else of the event.
pub(crate) struct JsonView<'a> {
    pub(crate) field: Field,
    pub(crate) text: &'a str,
}

impl EventView for JsonView<'_> {
    fn field(&self, field: Field) -> Option<&str> {
        (field == self.field && !self.text.is_empty()).then_some(self.text)
    }

    fn any_record(&self, _: RecordField, _: &mut dyn FnMut(&str) -> bool) -> bool {
        false
    }

    fn any_at(&self, _: &str, _: &mut dyn FnMut(&str) -> bool) -> bool {
        false
    }

    fn any_leaf(&self, _: &mut dyn FnMut(&str) -> bool) -> bool {
        false
    }
}

/// A full row in plain form.
pub(crate) struct RowView<'a> {
    batch: &'a RecordBatch,
    row: usize,
    raw: &'a str,
    tree: Option<Node<'a>>,
    stream: &'a str,
}

impl<'a> RowView<'a> {
    /// `batch` has the columns of the stored schema; `raw` is the rebuilt raw text of the row.
    pub(crate) fn new(batch: &'a RecordBatch, row: usize, raw: &'a str, stream: &'a str) -> Self {
        Self { batch, row, raw, tree: json::parse(raw).ok(), stream }
    }

    fn text(&self, column: usize) -> Option<&str> {
        let texts = self.batch.column(column).as_string_opt::<i32>()?;
        texts.is_valid(self.row).then(|| texts.value(self.row)).filter(|text| !text.is_empty())
    }
}

impl EventView for RowView<'_> {
    fn field(&self, field: Field) -> Option<&str> {
        self.text(column::of(field))
    }

    fn any_record(&self, field: RecordField, test: &mut dyn FnMut(&str) -> bool) -> bool {
        let number = |column: usize| numbers(self.batch.column(column)).map(|values| values[self.row]);
        let text = match field {
            RecordField::Offset => return number(column::OFFSET).is_some_and(|value| test(&number_text(field, value))),
            RecordField::RecordedAt => {
                return number(column::RECORDED_AT).is_some_and(|value| test(&number_text(field, value)));
            }
            RecordField::EventTime => {
                return number(column::EVENT_TIME).is_some_and(|value| test(&number_text(field, value)));
            }
            RecordField::Space => self.text(column::SPACE),
            RecordField::Source => self.text(column::SOURCE),
            RecordField::TimeSource => self.text(column::TIME_SOURCE),
            RecordField::Stream => Some(self.stream),
            RecordField::Result => {
                let [outcome, code, kind] = RESULT_COLUMNS.map(|column| self.text(column));
                Some(whodid_model::result_of(outcome, code, kind, self.text(column::of(Field::ReasonText))))
            }
        };
        text.is_some_and(test)
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
