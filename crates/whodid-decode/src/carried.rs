//! The entry of a log store around an event: CloudWatch Logs hands events on as the text of `message`.

use crate::json::{self, Node};

/// Members of an entry. Any other makes it an event that has a message.
const ENTRY_NAMES: &[&str] =
    &["id", "eventId", "timestamp", "ingestionTime", "logStreamName", "logGroupName", "extractedFields", "message"];

/// The JSON text of the event that an entry carries; `None` when `root` is no such entry.
pub(crate) fn carried<'n>(root: &'n Node<'_>) -> Option<&'n str> {
    let may_be_json = |text: &&str| text.trim_start().starts_with('{');
    let text = root.get("message").and_then(Node::text).filter(may_be_json).filter(|_| is_entry(root))?;
    json::parse_event(text).is_ok_and(|event| event.is_object()).then_some(text)
}

/// Whether `root` has what an entry has and nothing else.
pub(crate) fn is_entry(root: &Node<'_>) -> bool {
    let members = root.members();
    members.len() <= ENTRY_NAMES.len()
        && root.get("timestamp").and_then(Node::int).is_some()
        && members.iter().all(|(name, _)| ENTRY_NAMES.contains(&name.as_ref()))
}
