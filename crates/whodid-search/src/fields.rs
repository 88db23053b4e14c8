//! Which paths the newest raw events have, for completing queries.

use std::collections::BTreeMap;
use std::sync::Arc;

use whodid_decode::json::{self, Node, Value};
use whodid_lake::RawReader;
use whodid_model::Timestamp;
use whodid_query::walk::encoded_tree;

use crate::SearchError;
use crate::list::{self, Wanted};
use crate::pool::Job;

/// Most paths told; the ones seen most often are kept.
pub const SEEN_PATHS_MAX: usize = 4096;
/// Deepest path told, in segments.
const SEEN_DEPTH_MAX: usize = 12;

/// A path of raw events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenField {
    /// As a query names it; an element of an array by the array's path.
    pub path: String,
    /// Kinds of its values, each once.
    pub kinds: Vec<Kind>,
    /// Records of the sample that have it.
    pub rows: u64,
}

/// Kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A string.
    Text,
    /// A string that is a point in time.
    Time,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// An object, an array, or a string that holds one.
    Json,
}

#[derive(Debug, Default)]
struct Seen {
    kinds: Vec<Kind>,
    rows: u64,
    last_row: Option<usize>,
}

/// The paths of the rows of one page.
pub(crate) async fn seen(job: &Arc<Job>, wanted: Wanted) -> Result<Vec<SeenField>, SearchError> {
    let (batches, _) = list::page(job, wanted).await?;
    let mut found: BTreeMap<String, Seen> = BTreeMap::new();
    let mut number = 0;
    for batch in &batches {
        let raws = RawReader::new(batch);
        for row in 0..batch.num_rows() {
            tokio::task::consume_budget().await;
            number += 1;
            let Some(raw) = raws.text(row) else { continue };
            if let Ok(node) = json::parse(&raw) {
                visit(&node, &mut String::new(), 0, number, &mut found);
            }
        }
    }
    let mut fields: Vec<SeenField> =
        found.into_iter().map(|(path, seen)| SeenField { path, kinds: seen.kinds, rows: seen.rows }).collect();
    if fields.len() > SEEN_PATHS_MAX {
        fields.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.path.cmp(&b.path)));
        fields.truncate(SEEN_PATHS_MAX);
        fields.sort_by(|a, b| a.path.cmp(&b.path));
    }
    Ok(fields)
}

fn visit(node: &Node<'_>, path: &mut String, depth: usize, row: usize, found: &mut BTreeMap<String, Seen>) {
    let kind = match &node.value {
        Value::Null => return,
        Value::Bool(_) => Kind::Bool,
        Value::Int(_) | Value::Float(_) => Kind::Number,
        Value::Array(items) => {
            note(path, Kind::Json, row, found);
            return items.iter().for_each(|item| visit(item, path, depth, row, found));
        }
        Value::Object(members) => {
            note(path, Kind::Json, row, found);
            if depth == SEEN_DEPTH_MAX {
                return;
            }
            for (name, member) in members {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                visit(member, path, depth + 1, row, found);
                path.truncate(length);
            }
            return;
        }
        Value::Text(text) => match encoded_tree(text) {
            Some(inner) => return visit(&inner, path, depth, row, found),
            None if is_time(text) => Kind::Time,
            None => Kind::Text,
        },
    };
    note(path, kind, row, found);
}

fn note(path: &str, kind: Kind, row: usize, found: &mut BTreeMap<String, Seen>) {
    if path.is_empty() {
        return;
    }
    if !found.contains_key(path) {
        found.insert(path.to_owned(), Seen::default());
    }
    let Some(seen) = found.get_mut(path) else { return };
    if !seen.kinds.contains(&kind) {
        seen.kinds.push(kind);
        seen.kinds.sort_unstable();
    }
    if seen.last_row != Some(row) {
        seen.last_row = Some(row);
        seen.rows += 1;
    }
}

/// A date with a time of day; a bare number or date is more often something else.
fn is_time(text: &str) -> bool {
    text.len() >= 16 && text.contains(':') && text.contains('-') && Timestamp::parse(text).is_ok()
}
