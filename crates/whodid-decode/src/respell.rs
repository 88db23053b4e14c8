//! Gives members their names back where a pipeline has rewritten them: `event_name`, `eventname` and
//! `EVENT_NAME` become `eventName` again.
//!
//! Decoders of formats with fixed names compare them exactly, because that is what they do for every
//! event. Only when a name that every event of the format has is missing, but stands there otherwise
//! spelled, the tree is copied with the names of the format. Values and their places stay.

use std::borrow::Cow;

use crate::json::{Node, Value, is_like};

/// A copy of `root` with the `names` of its format; `None` when all of the `telling` names that it
/// has are spelled as they should be.
pub(crate) fn respelled<'a>(root: &Node<'a>, telling: &[&str], names: &[&'static str]) -> Option<Node<'a>> {
    let is_rewritten =
        |name: &&str| root.get(name).is_none() && root.members().iter().any(|(found, _)| is_like(found, name));
    telling.iter().any(is_rewritten).then(|| copy(root, names))
}

fn copy<'a>(node: &Node<'a>, names: &[&'static str]) -> Node<'a> {
    let value = match &node.value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, child)| {
                    let known = names.iter().find(|known| is_like(name, known));
                    (known.map_or_else(|| name.clone(), |known| Cow::Borrowed(*known)), copy(child, names))
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(|item| copy(item, names)).collect()),
        other => other.clone(),
    };
    Node { value, start: node.start, end: node.end }
}
