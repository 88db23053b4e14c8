//! What somebody is typing at a place in a search, so that names or values can be offered.
//!
//! Reads the text as the parser does, but forgives everything: a search is wrong most of the time it is being typed.

use std::ops::Range;

use crate::parse::{is_escapable, is_value_with_colon, resolve};

/// What is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// Bytes of the text that what is chosen replaces; the cursor stands in them or at their end.
    pub replace: Range<usize>,
    /// What fits there.
    pub kind: CompletionKind,
    /// What has been typed of it before the cursor, without quotes and escapes.
    pub prefix: String,
}

/// What fits at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompletionKind {
    /// A field name (or a plain word). The name's colon, when there is one, is not replaced.
    Field,
    /// A value of this field, which is named as canonical text does. The replaced text includes quotes, no signs.
    Value {
        /// `initiator.name`
        field: String,
    },
    /// `AND`, `OR`, `NOT`, or anything that begins a condition.
    Operator,
    /// Free text in quotes; there is nothing to offer.
    Text,
}

/// What is being typed at byte `cursor` of `text`.
pub fn complete(text: &str, cursor: usize) -> Completion {
    let mut cursor = cursor.min(text.len());
    while !text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    Scan { text, cursor, at: 0, scopes: Vec::new(), is_after_condition: false }.run()
}

struct Scan<'a> {
    text: &'a str,
    cursor: usize,
    at: usize,
    /// The field that each open group belongs to, if any.
    scopes: Vec<Option<String>>,
    is_after_condition: bool,
}

impl Scan<'_> {
    fn run(mut self) -> Completion {
        while self.at < self.cursor {
            let Some(next) = self.text[self.at..].chars().next() else { break };
            let found = match next {
                blank if blank.is_whitespace() => {
                    self.at += blank.len_utf8();
                    None
                }
                '(' => {
                    let outer = self.scope();
                    self.open(outer);
                    None
                }
                ')' => {
                    self.at += 1;
                    self.scopes.pop();
                    self.is_after_condition = true;
                    None
                }
                '-' => {
                    self.at += 1;
                    self.is_after_condition = false;
                    None
                }
                _ => match self.scope() {
                    Some(field) => self.value(field),
                    None => self.condition(),
                },
            };
            if let Some(found) = found {
                return found;
            }
        }
        let kind = match self.scope() {
            Some(field) => CompletionKind::Value { field },
            None if self.is_after_condition => CompletionKind::Operator,
            None => CompletionKind::Field,
        };
        Completion { replace: self.cursor..self.cursor, kind, prefix: String::new() }
    }

    fn scope(&self) -> Option<String> {
        self.scopes.last().cloned().flatten()
    }

    fn open(&mut self, scope: Option<String>) {
        self.at += 1;
        self.scopes.push(scope);
        self.is_after_condition = false;
    }

    /// A word, a phrase, or a field with its value.
    fn condition(&mut self) -> Option<Completion> {
        let start = self.at;
        if self.text[start..].starts_with('"') {
            let end = self.quoted_end();
            let is_name = self.text[end..].starts_with(':');
            if self.cursor < end || !is_closed(&self.text[start..end]) {
                let kind = if is_name { CompletionKind::Field } else { CompletionKind::Text };
                return Some(self.found(start, end, kind));
            }
            self.at = end;
            self.is_after_condition = true;
            if !is_name {
                return None;
            }
            return self.field(start, end);
        }
        let end = self.word_end(|_| false);
        let word = &self.text[start..end];
        let colon = if is_value_with_colon(word) { None } else { unescaped_colon(word) };
        let name_end = colon.map_or(end, |colon| start + colon);
        if self.cursor <= name_end {
            let typed = &self.text[start..self.cursor];
            let is_operator = colon.is_none()
                && typed == word
                && ["AND", "OR", "NOT"].iter().any(|operator| operator.starts_with(typed))
                && (self.is_after_condition || typed == "N" || typed == "NO" || typed == "NOT");
            let kind = if is_operator { CompletionKind::Operator } else { CompletionKind::Field };
            return Some(self.found(start, name_end, kind));
        }
        self.at = end;
        self.is_after_condition = !matches!(word, "AND" | "OR" | "NOT");
        if colon.is_some() { self.field(start, name_end) } else { None }
    }

    /// From the colon at `colon`, after the name that began at `start`.
    fn field(&mut self, start: usize, colon: usize) -> Option<Completion> {
        let name = unescaped(&self.text[start..colon]);
        self.at = colon + 1;
        let field = resolve(&name).map_or(name, |target| target.to_string());
        self.value(field)
    }

    fn value(&mut self, field: String) -> Option<Completion> {
        let signs = self.text[self.at..].bytes().take_while(|byte| matches!(byte, b'=' | b'<' | b'>')).count();
        self.at = (self.at + signs).min(self.cursor);
        self.is_after_condition = true;
        match self.text[self.at..].chars().next() {
            Some('(') if self.at < self.cursor => {
                self.open(Some(field));
                None
            }
            Some('[') if self.at < self.cursor => self.list(field),
            _ => self.single(field, |_| false),
        }
    }

    fn list(&mut self, field: String) -> Option<Completion> {
        self.at += 1;
        while self.at < self.cursor {
            match self.text[self.at..].chars().next()? {
                ']' => {
                    self.at += 1;
                    return None;
                }
                next if next.is_whitespace() || matches!(next, ',' | '=' | '(' | ')') => self.at += next.len_utf8(),
                _ => {
                    if let Some(found) = self.single(field.clone(), |stop| matches!(stop, ',' | ']')) {
                        return Some(found);
                    }
                }
            }
        }
        self.single(field, |stop| matches!(stop, ',' | ']'))
    }

    /// One word or quoted text as a value; `None`, with it read, when the cursor is behind it.
    fn single(&mut self, field: String, stops: fn(char) -> bool) -> Option<Completion> {
        let start = self.at;
        let is_quoted = self.text[start..].starts_with('"');
        let end = if is_quoted { self.quoted_end() } else { self.word_end(stops) };
        let is_behind =
            if is_quoted { self.cursor >= end && is_closed(&self.text[start..end]) } else { self.cursor > end };
        if is_behind {
            // A stray quote inside a word ends it, and must not be read for ever.
            self.at = end.max(start + usize::from(end == start && self.text[end..].starts_with('"')));
            return None;
        }
        Some(self.found(start, end, CompletionKind::Value { field }))
    }

    fn found(&self, start: usize, end: usize, kind: CompletionKind) -> Completion {
        let start = start.min(self.cursor);
        Completion { replace: start..end.max(self.cursor), kind, prefix: unescaped(&self.text[start..self.cursor]) }
    }

    /// The end of the word that begins here.
    fn word_end(&self, stops: fn(char) -> bool) -> usize {
        let mut characters = self.text[self.at..].char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let is_stray_quote = character == '"' && at > 0;
            if character.is_whitespace() || matches!(character, '(' | ')') || is_stray_quote || stops(character) {
                return self.at + at;
            }
            if character == '\\' {
                characters.next_if(|(_, next)| is_escapable(*next));
            }
        }
        self.text.len()
    }

    /// Past the closing quote of the text that begins here, or the end of everything.
    fn quoted_end(&self) -> usize {
        let mut characters = self.text[self.at + 1..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => return self.at + 1 + at + 1,
                '\\' => {
                    characters.next();
                }
                _ => {}
            }
        }
        self.text.len()
    }
}

fn is_closed(quoted: &str) -> bool {
    quoted.len() > 1 && quoted.ends_with('"') && !quoted.ends_with("\\\"")
}

fn unescaped_colon(word: &str) -> Option<usize> {
    let mut characters = word.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            ':' => return Some(at),
            '\\' => {
                characters.next_if(|(_, next)| is_escapable(*next));
            }
            _ => {}
        }
    }
    None
}

fn unescaped(written: &str) -> String {
    let (inner, is_quoted) = match written.strip_prefix('"') {
        Some(inner) => (inner, true),
        None => (written, false),
    };
    let mut text = String::new();
    let mut characters = inner.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted => break,
            '\\' => text.push(characters.next_if(|next| is_escapable(*next)).unwrap_or('\\')),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` is the cursor; expected: kind, prefix, and the replaced text in angle brackets.
    fn check(marked: &str, expected: &str) {
        let cursor = marked.find('|').unwrap_or(marked.len());
        let text = marked.replacen('|', "", 1);
        let found = complete(&text, cursor);
        let kind = match &found.kind {
            CompletionKind::Field => "field".to_owned(),
            CompletionKind::Value { field } => format!("value of {field}"),
            CompletionKind::Operator => "operator".to_owned(),
            CompletionKind::Text => "text".to_owned(),
        };
        assert_eq!(format!("{kind}: {} <{}>", found.prefix, &text[found.replace]), expected, "{marked}");
    }

    #[test]
    fn a_word_may_become_a_field() {
        check("|", "field:  <>");
        check("act|", "field: act <act>");
        check("ac|tion", "field: ac <action>");
        check("a (init|", "field: init <init>");
        check("-ini|", "field: ini <ini>");
        check("ini|:bob", "field: ini <ini>");
        check("a OR |", "field:  <>");
        check("NOT |", "field:  <>");
        check("\"Activity St|atus\":x", "field: Activity St <\"Activity Status\">");
    }

    #[test]
    fn after_the_colon_comes_a_value() {
        check("action:|", "value of action:  <>");
        check("eventName:Del|", "value of action: Del <Del>");
        check("action:Del|eteKey x", "value of action: Del <DeleteKey>");
        check("action:==Del|", "value of action: Del <Del>");
        check("eventTime:>=now-|", "value of eventTime: now- <now->");
        check("a target.id:crn:v1|:x", "value of target.id: crn:v1 <crn:v1:x>");
        check("initiator.name:\"Bob S|", "value of initiator.name: Bob S <\"Bob S>");
        check("initiator.name:\"Bob S|mith\" x", "value of initiator.name: Bob S <\"Bob Smith\">");
        check("initiator.name:Bob\\ S|", "value of initiator.name: Bob S <Bob\\ S>");
        check("\"Activity Status\":Ac|", "value of \"Activity Status\": Ac <Ac>");
    }

    #[test]
    fn lists_and_groups_belong_to_their_field() {
        check("action:[|", "value of action:  <>");
        check("action:[create,del|]", "value of action: del <del>");
        check("action:[\"a b\", del|, x] y", "value of action: del <del>");
        check("action:(create OR del|", "value of action: del <del>");
        check("action:(create OR |)", "value of action:  <>");
        check("action:(a -(b OR c|", "value of action: c <c>");
        check("reason.reasonCode:(>=4| <5)", "value of reason.reasonCode: 4 <4>");
        check("action:(a) init|", "field: init <init>");
    }

    #[test]
    fn between_conditions_stands_an_operator() {
        check("alice |", "operator:  <>");
        check("action:a |", "operator:  <>");
        check("action:[a,b] |", "operator:  <>");
        check("(a b)|", "operator:  <>");
        check("\"a b\" |", "operator:  <>");
        check("alice A|", "operator: A <A>");
        check("alice O|", "operator: O <O>");
        check("NO|", "operator: NO <NO>");
        check("alice o|", "field: o <o>");
    }

    #[test]
    fn free_text_gets_no_offers() {
        check("\"two wo|", "text: two wo <\"two wo>");
        check("\"two wo|rds\" x", "text: two wo <\"two words\">");
    }

    #[test]
    fn values_with_colons_are_words() {
        check("crn:v1:blue|", "field: crn:v1:blue <crn:v1:blue>");
    }
}
