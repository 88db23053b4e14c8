//! Showing where a search went wrong.

use std::fmt::Write;

use crate::ast::QueryError;

/// Most characters of the query that are shown before and after the place.
const AROUND_CHARACTERS: usize = 60;

/// Two lines: the query, cut to the surroundings of the error, and a caret under the place with the message.
/// Characters are taken to be one column wide.
pub fn render(text: &str, error: &QueryError) -> String {
    let position = floor_boundary(text, error.position);
    let end = floor_boundary(text, error.position.saturating_add(error.length)).max(position);
    let before: Vec<char> = text[..position].chars().collect();
    let marked: Vec<char> = text[position..end].chars().take(AROUND_CHARACTERS).collect();
    let after: Vec<char> = text[position..].chars().skip(marked.len()).take(AROUND_CHARACTERS + 1).collect();

    let hidden = before.len().saturating_sub(AROUND_CHARACTERS);
    let mut line = String::new();
    if hidden > 0 {
        line.push('…');
    }
    let shown = before[hidden..].iter().chain(&marked).chain(after.iter().take(AROUND_CHARACTERS));
    // A line break or an escape sequence in the query must not break the two lines.
    line.extend(shown.map(|&character| if character.is_control() { ' ' } else { character }));
    if after.len() > AROUND_CHARACTERS {
        line.push('…');
    }

    let indent = before.len() - hidden + usize::from(hidden > 0);
    let carets = "^".repeat(marked.len().max(1));
    let mut rendered = format!("{line}\n{:indent$}{carets} {}", "", error.message);
    if !error.expected.is_empty() {
        let _ = write!(rendered, "; write {}", error.expected.join(", or "));
    }
    rendered
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
