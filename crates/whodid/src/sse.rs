//! Server-sent events as a reader sees them: bytes in any pieces to whole messages.
//!
//! Source: the HTML standard, "Server-sent events", parsing an event stream; without `retry`.

/// Longest message in bytes: an event of 1 MiB in the API's form, with room.
const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// One message.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is; empty when not said.
    pub event: String,
    /// All its `data:` lines with line breaks between them.
    pub data: String,
}

/// A message is longer than is read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a message of more than {MESSAGE_BYTES_MAX} bytes")]
pub struct TooLong;

/// Puts pieces together to messages.
#[derive(Debug, Default)]
pub struct Messages {
    line: Vec<u8>,
    message: Message,
    has_data: bool,
}

impl Messages {
    /// The messages that this piece completes.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<Message>, TooLong> {
        let mut complete = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.len() + self.message.data.len() > MESSAGE_BYTES_MAX {
                return Err(TooLong);
            }
            if part.ends_with(b"\n") {
                complete.extend(self.end_line());
            }
        }
        Ok(complete)
    }

    fn end_line(&mut self) -> Option<Message> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            let message = std::mem::take(&mut self.message);
            return std::mem::take(&mut self.has_data).then_some(message);
        }
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.message.event),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.message.data.push('\n');
                }
                self.message.data.push_str(value);
            }
            // Comments have no name; the id is of no use to a reader that does not come back.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        for size in [1, 3, text.len()] {
            let mut messages = Messages::default();
            let found: Vec<Message> =
                text.as_bytes().chunks(size).flat_map(|piece| messages.push(piece).unwrap()).collect();
            let found: Vec<_> = found.iter().map(|message| (message.event.as_str(), message.data.as_str())).collect();
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_event_of_several_data_lines_is_read_whole() {
        check("event: event\nid: activity:1\ndata: {\ndata:  \"a\": 1\ndata: }\n\n", &[("event", "{\n \"a\": 1\n}")]);
        check(": comment\n\nevent: lagged\r\ndata: {}\r\n\r\n", &[("lagged", "{}")]);
        check("data:ä\n\ndata\n\nevent: x\n\ndata: cut", &[("", "ä"), ("", "")]);
    }

    #[test]
    fn a_message_without_an_end_is_given_up() {
        let mut messages = Messages::default();
        let piece = vec![b'x'; MESSAGE_BYTES_MAX / 2 + 1];
        assert_eq!(messages.push(&piece), Ok(Vec::new()));
        assert_eq!(messages.push(&piece), Err(TooLong));
    }
}
