//! A borrowed JSON tree in which every value knows its place in the text.
//!
//! Strings are borrowed from the text wherever it holds them verbatim, so a decoder can hand the
//! store slices of the raw event.
//!
//! What the grammar allows is read, as browsers read it, however odd: whoever is logged must not be
//! able to keep an event out by a user agent of his choice. Of two members of one name the last one
//! counts, half a surrogate pair becomes U+FFFD, a number beyond a double the largest one; the raw
//! text keeps what was sent. Only the depth is bounded, by [`JSON_DEPTH_MAX`]: recursion follows it,
//! and no input can exhaust the stack.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType, Peek};

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
    /// Any other number; always finite, held within the range of a double. The exact digits are in the text.
    Float(f64),
    /// A string; borrowed when the text holds it verbatim.
    Text(Cow<'a, str>),
    /// A list.
    Array(Vec<Node<'a>>),
    /// Members in the order written. Of several of one name the last written comes first, and the others
    /// come behind all members; in an event that is being decoded they are left out.
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
}

/// Reads a text that holds one JSON value and nothing else but blanks. Every value in it is in the
/// tree, so that a search finds also what a member of the same name has superseded.
pub fn parse(text: &str) -> Result<Node<'_>, JsonError> {
    read(text, true)
}

/// As [`parse`], but of members of one name only the last, which is the one that counts.
pub(crate) fn parse_event(text: &str) -> Result<Node<'_>, JsonError> {
    read(text, false)
}

fn read(text: &str, keep_superseded: bool) -> Result<Node<'_>, JsonError> {
    let mut reader = Reader { text, base: 0, jiter: Jiter::new(text.as_bytes()), keep_superseded };
    let first = reader.jiter.peek().map_err(|error| reader.syntax(error))?;
    let root = reader.value(first, 0)?;
    reader.jiter.finish().map_err(|error| reader.syntax(error))?;
    Ok(root)
}

/// Length of the JSON value at the front of `bytes`, without building it, or where it is broken.
/// Half a surrogate pair counts as broken here; whoever calls falls back on counting brackets.
pub(crate) fn skip(bytes: &[u8]) -> Result<usize, usize> {
    let mut jiter = Jiter::new(bytes);
    jiter.next_skip().map_err(|error| error.index)?;
    Ok(jiter.current_index())
}

struct Reader<'a> {
    text: &'a str,
    /// Where in `text` the part begins that `jiter` reads.
    base: usize,
    jiter: Jiter<'a>,
    keep_superseded: bool,
}

impl<'a> Reader<'a> {
    fn place(&self) -> usize {
        self.base + self.jiter.current_index()
    }

    fn syntax(&self, error: JiterError) -> JsonError {
        syntax(self.base, error)
    }

    fn value(&mut self, first: Peek, depth: usize) -> Result<Node<'a>, JsonError> {
        let start = self.place();
        let value = match first {
            Peek::String => {
                let document = self.text;
                let read = self.jiter.known_str().map(|text| borrow(document, text));
                match read {
                    Ok(text) => Value::Text(text),
                    Err(error) => Value::Text(self.odd_string(start, error)?),
                }
            }
            Peek::Object => Value::Object(self.object(start, depth + 1)?),
            Peek::Array => Value::Array(self.array(start, depth + 1)?),
            Peek::True | Peek::False => Value::Bool(self.jiter.known_bool(first).map_err(|error| self.syntax(error))?),
            Peek::Null => {
                self.jiter.known_null().map_err(|error| self.syntax(error))?;
                Value::Null
            }
            _ => self.number(first)?,
        };
        Ok(Node { value, start, end: self.place() })
    }

    fn object(&mut self, start: usize, depth: usize) -> Result<Vec<(Cow<'a, str>, Node<'a>)>, JsonError> {
        check_depth(start, depth)?;
        let text = self.text;
        let mut members = Vec::new();
        let read = self.jiter.known_object().map(|name| name.map(|name| borrow(text, name)));
        let mut name = match read {
            Ok(name) => name,
            Err(error) => Some(self.odd_name(start + 1, None, error)?),
        };
        if name.is_some() {
            members.reserve(8);
        }
        while let Some(present) = name {
            let first = self.jiter.peek().map_err(|error| self.syntax(error))?;
            let node = self.value(first, depth)?;
            let end = node.end;
            members.push((present, node));
            let read = self.jiter.next_key().map(|name| name.map(|name| borrow(text, name)));
            name = match read {
                Ok(name) => name,
                Err(error) => Some(self.odd_name(end, Some(b','), error)?),
            };
        }
        if has_name_twice(&members) {
            put_last_first(&mut members, self.keep_superseded);
        }
        Ok(members)
    }

    fn array(&mut self, start: usize, depth: usize) -> Result<Vec<Node<'a>>, JsonError> {
        check_depth(start, depth)?;
        let mut items = Vec::new();
        let mut next = self.jiter.known_array().map_err(|error| self.syntax(error))?;
        while let Some(first) = next {
            items.push(self.value(first, depth)?);
            next = self.jiter.array_step().map_err(|error| self.syntax(error))?;
        }
        Ok(items)
    }

    /// Numbers are read from their digits: jiter without big integers would refuse 2^63 and above.
    fn number(&mut self, first: Peek) -> Result<Value<'a>, JsonError> {
        let base = self.base;
        let digits = self.jiter.known_number_bytes(first).map_err(|error| syntax(base, error))?;
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        if let Ok(int) = digits.parse::<i64>() {
            return Ok(Value::Int(int));
        }
        let float: f64 = digits.parse().unwrap_or_default();
        Ok(Value::Float(float.clamp(f64::MIN, f64::MAX)))
    }

    /// The string at `start` that jiter did not read, if nothing is odd but half a surrogate pair;
    /// reading goes on after it.
    #[cold]
    fn odd_string(&mut self, start: usize, error: JiterError) -> Result<Cow<'a, str>, JsonError> {
        let Some((text, length)) = self.text.get(start..).and_then(string_with_half_pairs) else {
            return Err(self.syntax(error));
        };
        self.go_on(start + length);
        Ok(Cow::Owned(text))
    }

    /// The member name after `from` and the separator, likewise; reading goes on after its colon.
    #[cold]
    fn odd_name(&mut self, from: usize, separator: Option<u8>, error: JiterError) -> Result<Cow<'a, str>, JsonError> {
        let bytes = self.text.as_bytes();
        let skip_blanks = |mut at: usize| {
            while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                at += 1;
            }
            at
        };
        let mut start = skip_blanks(from);
        if let Some(separator) = separator {
            if bytes.get(start) != Some(&separator) {
                return Err(self.syntax(error));
            }
            start = skip_blanks(start + 1);
        }
        let Some((name, length)) = self.text.get(start..).and_then(string_with_half_pairs) else {
            return Err(self.syntax(error));
        };
        let colon = skip_blanks(start + length);
        if bytes.get(colon) != Some(&b':') {
            return Err(self.syntax(error));
        }
        self.go_on(colon + 1);
        Ok(Cow::Owned(name))
    }

    fn go_on(&mut self, at: usize) {
        self.base = at;
        self.jiter = Jiter::new(self.text.as_bytes().get(at..).unwrap_or_default());
    }
}

/// The string at the front of `text` and its length with both quotes; `None` unless it holds half a
/// surrogate pair and is right otherwise.
fn string_with_half_pairs(text: &str) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut is_odd = false;
    let mut rest = text.strip_prefix('"')?;
    loop {
        let plain = rest.find(|character: char| matches!(character, '"' | '\\') || character < ' ')?;
        out.push_str(&rest[..plain]);
        let escape = rest[plain..].strip_prefix('\\');
        let Some(escape) = escape else {
            rest = rest[plain..].strip_prefix('"')?;
            break;
        };
        let letter = escape.chars().next()?;
        rest = &escape[letter.len_utf8()..];
        match letter {
            '"' | '\\' | '/' => out.push(letter),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let unit = hex_unit(rest)?;
                rest = &rest[4..];
                let second = rest.strip_prefix("\\u").and_then(hex_unit).filter(|low| (0xDC00..0xE000).contains(low));
                let character = match (unit, second) {
                    (0xD800..0xDC00, Some(low)) => {
                        rest = &rest[6..];
                        char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
                    }
                    _ => char::from_u32(unit),
                };
                is_odd |= character.is_none();
                out.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => return None,
        }
    }
    is_odd.then(|| (out, text.len() - rest.len()))
}

/// The UTF-16 unit that four hexadecimal digits tell.
fn hex_unit(text: &str) -> Option<u32> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
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

fn has_name_twice(members: &[(Cow<'_, str>, Node<'_>)]) -> bool {
    if members.len() <= PAIRWISE_MEMBERS_MAX {
        return members
            .iter()
            .enumerate()
            .any(|(at, (name, _))| members[..at].iter().any(|(earlier, _)| earlier == name));
    }
    let mut seen = HashSet::with_capacity(members.len());
    members.iter().any(|(name, _)| !seen.insert(name.as_ref()))
}

/// Of members of one name the last takes the place of the first; the others go behind all, or go away.
fn put_last_first<'a>(members: &mut Vec<(Cow<'a, str>, Node<'a>)>, keep_superseded: bool) {
    let mut places: HashMap<Cow<'a, str>, usize> = HashMap::with_capacity(members.len());
    let mut ordered: Vec<(Cow<'a, str>, Node<'a>)> = Vec::with_capacity(members.len());
    let mut superseded = Vec::new();
    for member in members.drain(..) {
        match places.get(&member.0) {
            Some(place) => superseded.push(std::mem::replace(&mut ordered[*place], member)),
            None => {
                places.insert(member.0.clone(), ordered.len());
                ordered.push(member);
            }
        }
    }
    if keep_superseded {
        ordered.append(&mut superseded);
    }
    *members = ordered;
}

fn syntax(base: usize, error: JiterError) -> JsonError {
    JsonError { kind: JsonErrorKind::Syntax(expectation(error.error_type)), position: base + error.index }
}

fn expectation(error: JiterErrorType) -> String {
    match error {
        JiterErrorType::JsonError(kind) => match kind {
            JsonErrorType::EofWhileParsingList
            | JsonErrorType::EofWhileParsingObject
            | JsonErrorType::EofWhileParsingString
            | JsonErrorType::EofWhileParsingValue => "the text ends in the middle of a value".to_owned(),
            JsonErrorType::ExpectedSomeValue | JsonErrorType::ExpectedSomeIdent => {
                "a JSON value was expected".to_owned()
            }
            JsonErrorType::UnexpectedEndOfHexEscape => "an escape that is not complete".to_owned(),
            JsonErrorType::ControlCharacterWhileParsingString => "a control character inside a string".to_owned(),
            JsonErrorType::TrailingCharacters => "more text after the end of the value".to_owned(),
            JsonErrorType::KeyMustBeAString => "a member name in quotes was expected".to_owned(),
            other => other.to_string(),
        },
        JiterErrorType::WrongType { .. } => "a JSON value was expected".to_owned(),
    }
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

    /// True when every strict reader takes the value's text too, as it is read here: it holds no half of
    /// a surrogate pair, no number beyond a double, and no name twice in one object.
    pub fn is_plain(&self) -> bool {
        match &self.value {
            Value::Text(text) => is_plain_text(text),
            Value::Float(number) => number.abs() < f64::MAX,
            Value::Array(items) => items.iter().all(Self::is_plain),
            Value::Object(members) => {
                !has_name_twice(members) && members.iter().all(|(name, node)| is_plain_text(name) && node.is_plain())
            }
            Value::Null | Value::Bool(_) | Value::Int(_) => true,
        }
    }

    /// As [`Self::is_plain`] of a value read from `document`, whose texts are looked at once and not one by one.
    pub fn is_plain_in(&self, document: &str) -> bool {
        // U+FFFD is written as it is, or comes of an escape.
        let is_text_plain = memchr::memmem::find(document.as_bytes(), b"\\u").is_none() && is_plain_text(document);
        if is_text_plain { self.is_plain_but_for_texts() } else { self.is_plain() }
    }

    fn is_plain_but_for_texts(&self) -> bool {
        match &self.value {
            Value::Float(number) => number.abs() < f64::MAX,
            Value::Array(items) => items.iter().all(Self::is_plain_but_for_texts),
            Value::Object(members) => {
                !has_name_twice(members) && members.iter().all(|(_, node)| node.is_plain_but_for_texts())
            }
            Value::Text(_) | Value::Null | Value::Bool(_) | Value::Int(_) => true,
        }
    }

    /// The value's JSON as it stands in `document`, which it was read from as an event, but for what is not plain:
    /// that is written as it was read.
    pub(crate) fn write_plain(&self, document: &str, out: &mut String) {
        match &self.value {
            Value::Text(text) if !is_plain_text(text) => write_text(text, out),
            Value::Float(number) if number.abs() == f64::MAX => out.push_str(&format!("{number:e}")),
            Value::Array(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    out.push_str(if place > 0 { "," } else { "" });
                    item.write_plain(document, out);
                }
                out.push(']');
            }
            Value::Object(members) => {
                out.push('{');
                for (place, (name, node)) in members.iter().enumerate() {
                    out.push_str(if place > 0 { "," } else { "" });
                    write_text(name, out);
                    out.push(':');
                    node.write_plain(document, out);
                }
                out.push('}');
            }
            _ => out.push_str(document.get(self.start..self.end).unwrap_or("null")),
        }
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

/// A text with U+FFFD may have got it where half of a surrogate pair was written.
fn is_plain_text(text: &str) -> bool {
    memchr::memchr(0xef, text.as_bytes()).is_none() || !text.contains(char::REPLACEMENT_CHARACTER)
}

fn write_text(text: &str, out: &mut String) {
    // Writing a text into memory cannot fail.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// True for names that differ only in case and underscores.
pub(crate) fn is_like(found: &str, name: &str) -> bool {
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
        assert_eq!(refused(r#"{"a":"\ud80"}"#), "invalid escape at byte 11");
        assert_eq!(refused("{\"a\":\"x\0y\"}"), "a control character inside a string at byte 7");
        assert_eq!(refused("{\"a\":\"x\"}\0"), "more text after the end of the value at byte 9");
        assert_eq!(refused(r#"{"u":"\ud800","a":1 "b":2}"#), "expected `,` or `}` at byte 20");
        assert_eq!(refused(r#"{"a":"x"#), "the text ends in the middle of a value at byte 7");
    }

    #[test]
    fn what_the_grammar_allows_is_read_however_odd() {
        let text = r#"{"half":"\ud800 x","pair":"\ud83d\ude00\udc00","\udc00":[1e999,-1e999],"d":"é\ud800\u0041\n"}"#;
        let root = parse(text).unwrap();
        assert_eq!(root.text_at("half"), Some("\u{fffd} x"));
        assert_eq!(root.text_at("pair"), Some("😀\u{fffd}"));
        assert_eq!(root.at("\u{fffd}.0").unwrap().value, Value::Float(f64::MAX));
        assert_eq!(root.at("\u{fffd}.1").unwrap().value, Value::Float(f64::MIN));
        let last = root.at("d").unwrap();
        assert_eq!((last.text(), &text[last.start..last.end]), (Some("é\u{fffd}A\n"), r#""é\ud800\u0041\n""#));
        assert_eq!(refused(r#"{ ,"\ud800":1}"#), "a member name in quotes was expected at byte 2");
        assert_eq!(refused(r#"{"a":1 "\ud800":1}"#), "expected `,` or `}` at byte 7");
    }

    #[test]
    fn what_strict_readers_refuse_is_written_otherwise_and_nothing_else_is() {
        let text = r#"{"a":[1e2, 1.50,"x\u00e9"],"\ud800":{"n":-1e999,"t":"\udc00"}}"#;
        let root = parse(text).unwrap();
        assert!(!root.is_plain() && root.at("a").unwrap().is_plain());
        let mut written = String::new();
        root.write_plain(text, &mut written);
        assert_eq!(written, r#"{"a":[1e2,1.50,"x\u00e9"],"�":{"n":-1.7976931348623157e308,"t":"�"}}"#);
        assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
    }

    #[test]
    fn of_members_of_one_name_the_last_counts() {
        let text = r#"{"a":1,"b":2,"\u0061":3,"c":4,"b":5}"#;
        let members = |root: &Node<'_>| -> Vec<(String, Option<i64>)> {
            root.members().iter().map(|(name, node)| (name.to_string(), node.int())).collect()
        };
        let expected =
            [("a", 3), ("b", 5), ("c", 4), ("a", 1), ("b", 2)].map(|(name, int)| (name.to_owned(), Some(int)));
        let root = parse(text).unwrap();
        assert_eq!(members(&root), expected);
        assert!(!root.is_plain());
        assert_eq!(members(&parse_event(text).unwrap()), expected[..3]);
    }

    #[test]
    fn two_of_ten_thousand_names_alike_are_found() {
        let mut text = String::from("{");
        for number in 0..10_000 {
            text.push_str(&format!("\"k{number}\":0,"));
        }
        text.push_str("\"k77\":1}");
        let root = parse_event(&text).unwrap();
        assert_eq!((root.members().len(), root.get("k77").unwrap().int()), (10_000, Some(1)));
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
