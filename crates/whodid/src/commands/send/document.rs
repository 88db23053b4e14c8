//! JSON documents over several lines: where each ends.

use std::io::{self, BufRead, Read};

use serde_json::error::Category;

use super::batches::{DOCUMENT_BYTES_MAX, kind, trim};

/// Bytes of a document that are looked at again in search of its end, as a multiple of the document.
const REWORK_FACTOR: usize = 8;

/// How a document over several lines ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentEnd {
    /// It is JSON from its first to its last line.
    Whole,
    /// It is none.
    Broken,
    /// It is none, and its last line begins another.
    Other { begins_at: usize },
    /// It is larger than what is read whole.
    TooLong,
}

/// Reads on to the end of the document that begins in `document`, line by line.
pub fn read_document(lines: &mut impl BufRead, document: &mut Vec<u8>) -> io::Result<DocumentEnd> {
    let is_object = document.starts_with(b"{");
    let mut brackets = Brackets::default();
    let mut looked_at = 0;
    brackets.read(document);
    loop {
        if brackets.depth <= 0 {
            return Ok(if kind(trim(document)).is_none() { DocumentEnd::Whole } else { DocumentEnd::Broken });
        }
        // JSON has no line end in a string: it was cut off there.
        if brackets.is_in_string {
            return Ok(DocumentEnd::Broken);
        }
        let begins_at = document.len();
        let room = (DOCUMENT_BYTES_MAX + 1 - begins_at) as u64;
        if lines.by_ref().take(room).read_until(b'\n', document)? == 0 {
            return Ok(DocumentEnd::Broken);
        }
        if document.len() > DOCUMENT_BYTES_MAX {
            lines.read_until(b'\n', document)?;
            return Ok(DocumentEnd::TooLong);
        }
        // The document before it may have been cut off. To look again at all of it has a bound.
        let line = &document[begins_at..];
        if is_object && line.starts_with(b"{") && looked_at < REWORK_FACTOR * begins_at {
            looked_at += document.len();
            if kind(document) == Some(Category::Syntax) {
                return Ok(DocumentEnd::Other { begins_at });
            }
        }
        brackets.read(&document[begins_at..]);
    }
}

/// Counts the brackets of JSON that are open.
#[derive(Debug, Default)]
struct Brackets {
    depth: i64,
    is_in_string: bool,
    is_escaped: bool,
}

impl Brackets {
    fn read(&mut self, text: &[u8]) {
        for byte in text {
            if self.is_in_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.is_in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
        }
    }
}
