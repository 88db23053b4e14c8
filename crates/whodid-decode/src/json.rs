//! A borrowed JSON tree in which every value knows its place in the text.
//!
//! Strings are borrowed from the text wherever it holds them verbatim, so a decoder can hand the
//! store slices of the raw event. The reader refuses what would make an event's meaning uncertain:
//! two members of one name, `NaN`, numbers beyond a double, lone surrogates, more than
//! [`JSON_DEPTH_MAX`] levels. Recursion is bounded by that depth; no input can exhaust the stack.

use std::borrow::Cow;
use std::collections::HashSet;

use jiter::{Jiter, JiterErrorType, JsonErrorType, Peek};

use crate::JSON_DEPTH_MAX;

/// Members up to this count are compared with each other; beyond it they are hashed.
const PAIRWISE_MEMBERS_MAX: usize = 24;

/// A value and the bytes `start..end` of the parsed text that it stands in.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'a> {
    /// What it is.
    pub value: Value<'a>,
    /// First byte in the parsed text.
    pub start: usize,
    /// One past the last byte in the parsed text.
    pub end: usize,
}

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction or exponent that fits 64 bits.
    Int(i64),
    /// Any other number; always finite. The exact digits are in the text.
    Float(f64),
    /// A string; borrowed when the text holds it verbatim.
    Text(Cow<'a, str>),
    /// A list.
    Array(Vec<Node<'a>>),
    /// Members in the order written; no name stands twice.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// Why a text is no JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {position}")]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// Byte offset in the parsed text.
    pub position: usize,
}

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// Not of the JSON grammar; the text says what was expected.
    #[error("{0}")]
    Syntax(String),
    /// More than [`JSON_DEPTH_MAX`] levels.
    #[error("nested deeper than {JSON_DEPTH_MAX} levels")]
    TooDeep,
    /// An object names a member twice.
    #[error("the member {0:?} stands twice in one object")]
    DuplicateKey(String),
    /// A number that a double cannot hold.
    #[error("a number that is out of range")]
    NumberOutOfRange,
}

/// Reads a text that holds one JSON value and nothing else but blanks.
pub fn parse(text: &str) -> Result<Node<'_>, JsonError> {
    let mut reader = Reader { text, jiter: Jiter::new(text.as_bytes()) };
    let first = reader.jiter.peek().map_err(syntax)?;
    let root = reader.value(first, 0)?;
    reader.jiter.finish().map_err(syntax)?;
    Ok(root)
}

/// Length of the JSON value at the front of `bytes`, without building it, or where it is broken.
/// Names that stand twice and numbers out of range are not looked for.
pub(crate) fn skip(bytes: &[u8]) -> Result<usize, usize> {
    let mut jiter = Jiter::new(bytes);
    jiter.next_skip().map_err(|error| error.index)?;
    Ok(jiter.current_index())
}

struct Reader<'a> {
    text: &'a str,
    jiter: Jiter<'a>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, first: Peek, depth: usize) -> Result<Node<'a>, JsonError> {
        let start = self.jiter.current_index();
        let value = match first {
            Peek::String => {
                let text = self.jiter.known_str().map_err(syntax)?;
                Value::Text(borrow(self.text, text))
            }
            Peek::Object => Value::Object(self.object(start, depth + 1)?),
            Peek::Array => Value::Array(self.array(start, depth + 1)?),
            Peek::True | Peek::False => Value::Bool(self.jiter.known_bool(first).map_err(syntax)?),
            Peek::Null => {
                self.jiter.known_null().map_err(syntax)?;
                Value::Null
            }
            _ => self.number(first, start)?,
        };
        Ok(Node { value, start, end: self.jiter.current_index() })
    }

    fn object(&mut self, start: usize, depth: usize) -> Result<Vec<(Cow<'a, str>, Node<'a>)>, JsonError> {
        check_depth(start, depth)?;
        let text = self.text;
        let mut members = Vec::new();
        let mut name = self.jiter.known_object().map_err(syntax)?.map(|name| borrow(text, name));
        if name.is_some() {
            members.reserve(8);
        }
        while let Some(present) = name {
            let first = self.jiter.peek().map_err(syntax)?;
            let node = self.value(first, depth)?;
            members.push((present, node));
            name = self.jiter.next_key().map_err(syntax)?.map(|name| borrow(text, name));
        }
        check_names(&members)?;
        Ok(members)
    }

    fn array(&mut self, start: usize, depth: usize) -> Result<Vec<Node<'a>>, JsonError> {
        check_depth(start, depth)?;
        let mut items = Vec::new();
        let mut next = self.jiter.known_array().map_err(syntax)?;
        while let Some(first) = next {
            items.push(self.value(first, depth)?);
            next = self.jiter.array_step().map_err(syntax)?;
        }
        Ok(items)
    }

    /// Numbers are read from their digits: jiter without big integers would refuse 2^63 and above.
    fn number(&mut self, first: Peek, start: usize) -> Result<Value<'a>, JsonError> {
        let digits = self.jiter.known_number_bytes(first).map_err(syntax)?;
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        if let Ok(int) = digits.parse::<i64>() {
            return Ok(Value::Int(int));
        }
        match digits.parse::<f64>() {
            Ok(float) if float.is_finite() => Ok(Value::Float(float)),
            _ => Err(JsonError { kind: JsonErrorKind::NumberOutOfRange, position: start }),
        }
    }
}

/// `part` as a slice of `text` when it lies inside it, else a copy.
#[inline]
fn borrow<'a>(text: &'a str, part: &str) -> Cow<'a, str> {
    let place = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    match place.checked_add(part.len()).and_then(|end| text.get(place..end)) {
        Some(slice) => Cow::Borrowed(slice),
        None => Cow::Owned(part.to_owned()),
    }
}

fn check_depth(position: usize, depth: usize) -> Result<(), JsonError> {
    if depth > JSON_DEPTH_MAX {
        return Err(JsonError { kind: JsonErrorKind::TooDeep, position });
    }
    Ok(())
}

fn check_names(members: &[(Cow<'_, str>, Node<'_>)]) -> Result<(), JsonError> {
    let twice = if members.len() <= PAIRWISE_MEMBERS_MAX {
        members
            .iter()
            .enumerate()
            .find(|(at, (name, _))| members[..*at].iter().any(|(earlier, _)| earlier == name))
            .map(|(_, member)| member)
    } else {
        let mut seen = HashSet::with_capacity(members.len());
        members.iter().find(|(name, _)| !seen.insert(name.as_ref()))
    };
    match twice {
        None => Ok(()),
        Some((name, node)) => {
            let shown = name.chars().take(64).collect();
            Err(JsonError { kind: JsonErrorKind::DuplicateKey(shown), position: node.start })
        }
    }
}

fn syntax(error: jiter::JiterError) -> JsonError {
    let position = error.index;
    let what = match error.error_type {
        JiterErrorType::JsonError(kind) => match kind {
            JsonErrorType::EofWhileParsingList
            | JsonErrorType::EofWhileParsingObject
            | JsonErrorType::EofWhileParsingString
            | JsonErrorType::EofWhileParsingValue => "the text ends in the middle of a value".to_owned(),
            JsonErrorType::ExpectedSomeValue | JsonErrorType::ExpectedSomeIdent => {
                "a JSON value was expected".to_owned()
            }
            JsonErrorType::LoneLeadingSurrogateInHexEscape => "half of a surrogate pair".to_owned(),
            JsonErrorType::UnexpectedEndOfHexEscape => "an escape that is not complete".to_owned(),
            JsonErrorType::ControlCharacterWhileParsingString => "a control character inside a string".to_owned(),
            JsonErrorType::TrailingCharacters => "more text after the end of the value".to_owned(),
            JsonErrorType::KeyMustBeAString => "a member name in quotes was expected".to_owned(),
            other => other.to_string(),
        },
        JiterErrorType::WrongType { .. } => "a JSON value was expected".to_owned(),
    };
    JsonError { kind: JsonErrorKind::Syntax(what), position }
}

impl<'a> Node<'a> {
    /// The member `name` of an object.
    #[inline]
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members().iter().find(|(found, _)| found == name).map(|(_, node)| node)
    }

    /// The value at a path: member names and list indexes joined by dots. A member whose own name
    /// holds dots is found too; where both readings exist the longer name wins.
    pub fn at(&self, path: &str) -> Option<&Node<'a>> {
        match &self.value {
            Value::Object(_) => {
                if let Some(node) = self.get(path) {
                    return Some(node);
                }
                for (dot, _) in path.rmatch_indices('.') {
                    let (head, rest) = (&path[..dot], &path[dot + 1..]);
                    if let Some(found) = self.get(head).and_then(|node| node.at(rest)) {
                        return Some(found);
                    }
                }
                None
            }
            Value::Array(items) => {
                let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
                let item = items.get(head.parse::<usize>().ok()?)?;
                rest.map_or(Some(item), |rest| item.at(rest))
            }
            _ => None,
        }
    }

    /// The text at a path; `None` when there is none, when it is no string, or when it is empty.
    pub fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path)?.text()
    }

    /// The value at a path of plain names and indexes, whatever the case of the names and with or
    /// without underscores: pipelines rewrite `callerIpAddress` as `calleripaddress` or
    /// `caller_ip_address`. The name as written wins.
    pub fn find(&self, path: &str) -> Option<&Node<'a>> {
        let mut node = self;
        for step in path.split('.') {
            node = match &node.value {
                Value::Object(_) => node.get_like(step)?,
                Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(node)
    }

    fn get_like(&self, name: &str) -> Option<&Node<'a>> {
        self.get(name).or_else(|| self.members().iter().find(|(found, _)| is_like(found, name)).map(|(_, node)| node))
    }

    /// A part of a string, borrowed from the parsed text where the string is.
    pub fn part(&self, pick: impl for<'t> Fn(&'t str) -> Option<&'t str>) -> Option<Cow<'a, str>> {
        let Value::Text(text) = &self.value else { return None };
        let part = match text {
            Cow::Borrowed(text) => Cow::Borrowed(pick(text)?),
            Cow::Owned(text) => Cow::Owned(pick(text)?.to_owned()),
        };
        (!part.is_empty()).then_some(part)
    }

    /// The string, unless it is empty.
    #[inline]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// `true` or `false`; also when written as a string.
    pub fn truth(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(truth) => Some(*truth),
            Value::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The whole number; also when written as a string.
    pub fn int(&self) -> Option<i64> {
        match &self.value {
            Value::Int(int) => Some(*int),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The members; none when it is no object.
    #[inline]
    pub fn members(&self) -> &[(Cow<'a, str>, Node<'a>)] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// The items; none when it is no list.
    pub fn items(&self) -> &[Node<'a>] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    /// True for an object, an empty one too.
    pub fn is_object(&self) -> bool {
        matches!(self.value, Value::Object(_))
    }

    /// True for `null`, `""`, `[]` and `{}`: what counts as absent.
    pub fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        }
    }
}

/// True for names that differ only in case and underscores.
fn is_like(found: &str, name: &str) -> bool {
    let letters = |text: &'_ str| -> usize { text.bytes().filter(|byte| *byte != b'_').count() };
    let plain = |byte: &u8| *byte != b'_';
    let alike = found
        .bytes()
        .filter(plain)
        .zip(name.bytes().filter(plain))
        .all(|(left, right)| left.eq_ignore_ascii_case(&right));
    alike && letters(found) == letters(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_value_knows_its_bytes_and_borrows_its_text() {
        let text = r#" {"who":"alice","n":[1,-2.5,{"deep":"a\nb"}],"big":18446744073709551615} "#;
        let root = parse(text).unwrap();
        let who = root.at("who").unwrap();
        assert_eq!(&text[who.start..who.end], "\"alice\"");
        assert!(matches!(&who.value, Value::Text(Cow::Borrowed("alice"))));
        let deep = root.at("n.2.deep").unwrap();
        assert!(matches!(&deep.value, Value::Text(Cow::Owned(text)) if text == "a\nb"));
        let list = root.at("n").unwrap();
        assert_eq!(&text[list.start..list.end], r#"[1,-2.5,{"deep":"a\nb"}]"#);
        let big = root.at("big").unwrap();
        assert_eq!(
            (&text[big.start..big.end], &big.value),
            ("18446744073709551615", &Value::Float(18446744073709551615.0))
        );
    }

    #[test]
    fn names_that_hold_dots_are_reached_and_the_longer_name_wins() {
        let root = parse(r#"{"a.b":{"c":1},"a":{"b":{"c":2,"d":3}},"eks.amazonaws.com/x.y":[{"k.z":4}]}"#).unwrap();
        assert_eq!(root.at("a.b.c").unwrap().int(), Some(1));
        assert_eq!(root.at("a.b.d").unwrap().int(), Some(3));
        assert_eq!(root.at("eks.amazonaws.com/x.y.0.k.z").unwrap().int(), Some(4));
        assert!(root.at("a.b.c.d").is_none());
        assert!(root.at("eks.amazonaws.com/x.y.1").is_none());
    }

    #[test]
    fn a_refusal_names_what_and_where() {
        assert_eq!(refused(r#"{"a":1 "b":2}"#), "expected `,` or `}` at byte 7");
        assert_eq!(refused(r#"{"a":NaN}"#), "a JSON value was expected at byte 5");
        assert_eq!(refused(r#"{"a":-Infinity}"#), "invalid number at byte 6");
        assert_eq!(refused(r#"{"a":1e999}"#), "a number that is out of range at byte 5");
        assert_eq!(refused(r#"{"a":"\ud800 x"}"#), "an escape that is not complete at byte 12");
        assert_eq!(refused(r#"{"a":"\udc00 x"}"#), "half of a surrogate pair at byte 11");
        assert_eq!(refused("{\"a\":\"x\0y\"}"), "a control character inside a string at byte 7");
        assert_eq!(refused("{\"a\":\"x\"}\0"), "more text after the end of the value at byte 9");
        assert_eq!(refused(r#"{"a":1,"b":2,"a":3}"#), r#"the member "a" stands twice in one object at byte 17"#);
        assert_eq!(refused(r#"{"a":"x"#), "the text ends in the middle of a value at byte 7");
    }

    #[test]
    fn an_escaped_name_is_the_same_name() {
        assert_eq!(refused(r#"{"a":1,"\u0061":2}"#), r#"the member "a" stands twice in one object at byte 16"#);
    }

    #[test]
    fn two_of_ten_thousand_names_alike_are_found() {
        let mut text = String::from("{");
        for number in 0..10_000 {
            text.push_str(&format!("\"k{number}\":0,"));
        }
        text.push_str("\"k77\":1}");
        assert!(refused(&text).contains(r#"the member "k77" stands twice"#));
    }

    #[test]
    fn depth_is_bounded_and_a_hundred_thousand_levels_do_no_harm() {
        let nest = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&nest(JSON_DEPTH_MAX)).is_ok());
        assert_eq!(refused(&nest(JSON_DEPTH_MAX + 1)), "nested deeper than 64 levels at byte 64");
        assert_eq!(refused(&nest(100_000)), "nested deeper than 64 levels at byte 64");
        assert_eq!(refused(&"{\"a\":".repeat(100_000)), "nested deeper than 64 levels at byte 320");
    }
}
