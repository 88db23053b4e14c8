//! What a raw template alone tells of a test, without the columns that were cut out of it.
//!
//! Most events of a source share few templates, so that asking the template once answers for many rows.
//! The template is made JSON again with a sign in place of each cut-out text, and the search language's own
//! walk looks at what is left. Signs are private-use characters; a test whose text holds one is not screened.

use std::ops::RangeInclusive;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;
use whodid_decode::json::{self, Node, Value};
use whodid_lake::raw_template::{Piece, TIME_MARK, VERBATIM, marks, pieces};
use whodid_model::Field;
use whodid_model::field::Written;
use whodid_query::walk::Tree;
use whodid_query::{Target, Term, Test};

use crate::finder::{Finder, JsonFinder};

/// What a template tells of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every event with this template passes.
    Passes,
    /// No event passes because of its raw text, but for what its columns hold.
    Fails,
    /// The whole raw text is needed.
    Unsure,
}

/// The sign of a cut-out text is this plus its mark.
const SIGN_BASE: u32 = 0xE100;
const SIGNS: RangeInclusive<char> = '\u{E100}'..='\u{E11F}';
const TIME_SIGN: char = '\u{E11E}';
/// Templates whose verdict one search remembers, and the longest that it does.
const KNOWN_TEMPLATES_MAX: usize = 1024;
const KNOWN_TEMPLATE_BYTES_MAX: usize = 8 << 10;

/// Asks templates about one term.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    test: Test,
    finder: Option<JsonFinder>,
    question: Question,
    /// False when a text of the test could be taken for a sign.
    is_sound: bool,
    /// What is known of templates, shared by all parts that one search looks at.
    known: Arc<Mutex<Arc<Verdicts>>>,
}

type Verdicts = HashMap<String, Verdict>;

#[derive(Debug, Clone)]
enum Question {
    /// Does any value pass? Values that columns hold are asked there.
    Any,
    /// Does a value at the path pass? `column`: the sign of the JSON column that is asked for what is below it,
    /// and that path below. `key`: the first on the way.
    At { path: String, key: Option<Box<JsonFinder>>, column: Option<(char, String)> },
}

impl Screen {
    pub(crate) fn new(term: &Term) -> Self {
        let question = match &term.target {
            Target::Raw(path) => Question::At {
                path: path.as_str().to_owned(),
                key: first_key(path.as_str()).map(Box::new),
                column: None,
            },
            Target::Json { field, path } => Question::At {
                path: format!("{}.{}", field.path(), path.as_str()),
                key: first_key(field.path()).map(Box::new),
                column: sign_of(*field).map(|sign| (sign, path.as_str().to_owned())),
            },
            Target::Any | Target::Field(_) | Target::Record(_) => Question::Any,
        };
        let is_sound = match &term.test {
            Test::Prefix { text, .. } | Test::Exact { text, .. } | Test::Phrase { text } => !holds_sign(text),
            Test::Wildcard { pieces, .. } => !pieces.iter().any(|piece| holds_sign(piece)),
            Test::Exists | Test::Compare(_) | Test::Cidr(_) => true,
        };
        let finder = Finder::of(&term.test).map(JsonFinder::new);
        Self { finder, test: term.test.clone(), question, is_sound, known: Arc::default() }
    }

    /// What the bytes of `template` tell: most templates are told by a scan of them alone.
    fn at_a_glance(&self, template: &str) -> Option<Verdict> {
        if !self.is_sound {
            return Some(Verdict::Unsure);
        }
        match &self.question {
            Question::Any if self.cannot_hold(template) => Some(Verdict::Fails),
            Question::Any if self.stands_in(template) => Some(Verdict::Passes),
            Question::Any => None,
            Question::At { key, .. } => lacks(key.as_deref(), template).then_some(Verdict::Fails),
        }
    }

    /// What `template` tells.
    #[cfg(test)]
    fn verdict(&self, template: &str) -> Verdict {
        self.at_a_glance(template).unwrap_or_else(|| self.read(template))
    }

    /// What `template` tells when it is read as JSON.
    fn read(&self, template: &str) -> Verdict {
        let is_verbatim = template.starts_with(VERBATIM);
        let Some(signed) = Signed::of(template) else { return Verdict::Unsure };
        let node = match json::parse(&signed.json) {
            Ok(node) => node,
            // Text that is no JSON is one value; but a template made of JSON must be JSON with signs too.
            Err(_) if !is_verbatim => return Verdict::Unsure,
            Err(_) if !self.question_is_any() => return Verdict::Fails,
            Err(_) => return if self.test.matches(&signed.json) { Verdict::Passes } else { Verdict::Fails },
        };
        let tree = Tree::new(&signed.json, &node);
        match &self.question {
            Question::Any => {
                if tree.any_leaf(&mut |leaf| !is_sign(leaf) && self.test.matches(leaf)) {
                    return Verdict::Passes;
                }
                let time_may = signed.times.iter().any(|time| self.time_may_pass(time));
                if time_may || !is_verbatim && has_quoted_json(template) { Verdict::Unsure } else { Verdict::Fails }
            }
            Question::At { path, column, .. } => {
                if tree.any_at(path, &mut |leaf| !is_sign(leaf) && self.test.matches(leaf)) {
                    return Verdict::Passes;
                }
                let column = column.as_ref().map(|(sign, below)| (*sign, below.as_str()));
                if meets_sign(&node, Some(path), column) { Verdict::Unsure } else { Verdict::Fails }
            }
        }
    }

    /// For asking many templates; what it learns the next ones know.
    pub(crate) fn memo(&self) -> Memo<'_> {
        Memo { screen: self, known: self.known.lock().clone(), fresh: Verdicts::new() }
    }

    fn question_is_any(&self) -> bool {
        matches!(self.question, Question::Any)
    }

    /// Whether the text of the template rules out that a value in it passes: the needle is not there,
    /// no escape can hide it, and no time that could hold it was cut out.
    fn cannot_hold(&self, template: &str) -> bool {
        let Some(finder) = &self.finder else { return false };
        !finder.may_be_in(template)
            && (template.starts_with(VERBATIM)
                || !(cut_time_may_hold(template.as_bytes(), finder.needle())
                    || has_quoted_json(template)
                    || has_mark_within_text(template)))
    }

    /// Whether a string of the template passes that needs no reading to be known for a value: it is no key, holds
    /// neither escapes nor marks, and is no JSON within JSON.
    fn stands_in(&self, template: &str) -> bool {
        let Some(finder) = &self.finder else { return false };
        if template.starts_with(VERBATIM) || finder.needle().contains(&b'"') {
            return false;
        }
        let Some(first) = finder.first_in(template) else { return false };
        let bytes = template.as_bytes();
        let mut strings = Strings { bytes, at: 0 };
        strings.any(|string| {
            let Some(text) = template.get(string.start..string.end) else { return false };
            string.end > first
                && !string.has_escapes
                && !is_key(bytes, string.end)
                && !text.trim_start().starts_with(['{', '['])
                && self.test.matches(text)
                && text.bytes().all(|byte| byte >= b' ')
        })
    }

    fn time_may_pass(&self, time: &TimeValue) -> bool {
        match (&self.finder, &self.test) {
            (Some(finder), _) => time.may_hold(finder.needle()),
            (None, Test::Cidr(_)) => !time.is_alone(),
            (None, _) => true,
        }
    }
}

/// Tells the values at a path of the raw text from templates.
#[derive(Debug)]
pub(crate) struct ValuesAt<'a> {
    path: &'a str,
    key: Option<JsonFinder>,
}

impl<'a> ValuesAt<'a> {
    pub(crate) fn new(path: &'a str) -> Self {
        Self { path, key: first_key(path) }
    }

    /// The values, when the template alone tells them.
    pub(crate) fn of(&self, template: &str) -> Option<Vec<String>> {
        if lacks(self.key.as_ref(), template) { Some(Vec::new()) } else { values_at(template, self.path) }
    }
}

fn values_at(template: &str, path: &str) -> Option<Vec<String>> {
    let signed = Signed::of(template)?;
    let node = match json::parse(&signed.json) {
        Ok(node) => node,
        Err(_) => return template.starts_with(VERBATIM).then(Vec::new),
    };
    if meets_sign(&node, Some(path), None) {
        return None;
    }
    let mut values = Vec::new();
    Tree::new(&signed.json, &node).any_at(path, &mut |leaf| {
        values.push(leaf.to_owned());
        false
    });
    Some(values)
}

/// Verdicts by template: each template of a search is looked at once, but for what two threads meet at once.
pub(crate) struct Memo<'a> {
    screen: &'a Screen,
    known: Arc<Verdicts>,
    fresh: Verdicts,
}

impl Memo<'_> {
    pub(crate) fn verdict(&mut self, template: &str) -> Verdict {
        if let Some(verdict) = self.screen.at_a_glance(template) {
            return verdict;
        }
        if template.len() > KNOWN_TEMPLATE_BYTES_MAX {
            return self.screen.read(template);
        }
        if let Some(known) = self.known.get(template).or_else(|| self.fresh.get(template)) {
            return *known;
        }
        let verdict = self.screen.read(template);
        if self.known.len() + self.fresh.len() < KNOWN_TEMPLATES_MAX {
            self.fresh.insert(template.to_owned(), verdict);
        }
        verdict
    }
}

impl Drop for Memo<'_> {
    fn drop(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        let mut known = self.screen.known.lock();
        if known.len() + self.fresh.len() <= KNOWN_TEMPLATES_MAX {
            Arc::make_mut(&mut known).extend(self.fresh.drain());
        }
    }
}

fn sign_of(field: Field) -> Option<char> {
    char::from_u32(SIGN_BASE + u32::from(field.mark()?))
}

fn is_sign(leaf: &str) -> bool {
    let mut characters = leaf.chars();
    characters.next().is_some_and(|first| SIGNS.contains(&first)) && characters.next().is_none()
}

fn holds_sign(text: &str) -> bool {
    text.contains(|character| SIGNS.contains(&character))
}

/// Whether a sign stands at or below the path, or on the way to it: the same way that [`Tree::any_at`] goes.
fn meets_sign(node: &Node<'_>, path: Option<&str>, column: Option<(char, &str)>) -> bool {
    match (&node.value, path) {
        (Value::Object(members), None) => members.iter().any(|(_, member)| meets_sign(member, None, column)),
        (Value::Object(members), Some(path)) => {
            members.iter().any(|(name, member)| match path.strip_prefix(name.as_ref()) {
                Some("") => meets_sign(member, None, column),
                Some(rest) => rest.strip_prefix('.').is_some_and(|rest| meets_sign(member, Some(rest), column)),
                None => false,
            })
        }
        (Value::Array(items), None) => items.iter().any(|item| meets_sign(item, None, column)),
        (Value::Array(items), Some(path)) => {
            let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
            if !head.bytes().all(|byte| byte.is_ascii_digit()) {
                return items.iter().any(|item| meets_sign(item, Some(path), column));
            }
            let item = head.parse().ok().and_then(|index: usize| items.get(index));
            item.is_some_and(|item| meets_sign(item, rest, column))
        }
        (Value::Text(text), path) => {
            let asked_there = column.is_some_and(|(sign, below)| path == Some(below) && text.chars().eq([sign]));
            is_sign(text) && !asked_there
        }
        _ => false,
    }
}

/// A template as JSON with signs in it.
#[derive(Debug)]
struct Signed {
    json: String,
    /// Values that held the event's time; each is a bare sign in `json`.
    times: Vec<TimeValue>,
}

/// A value of which a part is the event's time.
#[derive(Debug)]
struct TimeValue {
    before: String,
    form: u8,
    after: String,
}

impl Signed {
    /// `None` when that cannot be told from the template alone: it holds signs of its own, or a key was cut
    /// out, or a time within an encoded text.
    fn of(template: &str) -> Option<Self> {
        if holds_sign(template) {
            return None;
        }
        let mut signed = Self { json: String::with_capacity(template.len() + 64), times: Vec::new() };
        if let Some(raw) = template.strip_prefix(VERBATIM) {
            signed.json.push_str(raw);
            return Some(signed);
        }
        let mut pieces = pieces(template).peekable();
        while let Some(piece) = pieces.next() {
            let next = match pieces.peek() {
                Some(Piece::Text(next)) => *next,
                _ => "",
            };
            match piece {
                Piece::Text(text) => signed.json.push_str(text),
                Piece::Field(field) => {
                    if signed.json.ends_with('"') && next.starts_with('"') {
                        if next[1..].trim_start().starts_with(':') {
                            return None;
                        }
                        signed.json.push(sign_of(field)?);
                    } else {
                        signed.push_quoted(sign_of(field)?);
                    }
                }
                Piece::Time(b's' | b'm' | b'u') if !(signed.json.ends_with('"') && next.starts_with('"')) => {
                    signed.push_quoted(TIME_SIGN);
                    signed.times.push(TimeValue { before: String::new(), form: b's', after: String::new() });
                }
                Piece::Time(form) => {
                    // The whole string around the time becomes a sign.
                    let open = signed.json.rfind('"')?;
                    let close = next.find('"')?;
                    let (before, after) = (signed.json[open + 1..].to_owned(), &next[..close]);
                    let is_encoded =
                        before.contains('\\') || after.contains('\\') || signed.json[..open].ends_with('\\');
                    if is_encoded || next[close + 1..].trim_start().starts_with(':') {
                        return None;
                    }
                    signed.json.truncate(open + 1);
                    signed.json.push(TIME_SIGN);
                    signed.json.push_str(&next[close..]);
                    signed.times.push(TimeValue { before, form, after: after.to_owned() });
                    pieces.next();
                }
            }
        }
        Some(signed)
    }

    fn push_quoted(&mut self, sign: char) {
        self.json.push('"');
        self.json.push(sign);
        self.json.push('"');
    }
}

/// Whether the text of a JSON column was cut out of a string: as JSON it may be another value than as a string.
fn has_quoted_json(template: &str) -> bool {
    let bytes = template.as_bytes();
    let marks = Field::ALL.into_iter().filter(|field| field.written() == Written::Json).filter_map(Field::mark);
    marks.into_iter().any(|mark| memchr::memchr_iter(mark, bytes).any(|at| at > 0 && bytes[at - 1] == b'"'))
}

impl TimeValue {
    /// Whether hardly anything but the time is in the value.
    fn is_alone(&self) -> bool {
        let of_zone = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'Z' | b'+' | b'-' | b':' | b'.');
        self.before.is_empty() && self.after.bytes().all(of_zone) && !self.after.starts_with(':')
    }

    /// Whether the value can hold `needle` (ASCII when case is ignored) at some time.
    fn may_hold(&self, needle: &[u8]) -> bool {
        time_may_hold(self.before.as_bytes(), self.form, self.after.as_bytes(), needle)
    }
}

/// Whether a time of this form between two texts can hold `needle`, at some time.
fn time_may_hold(before: &[u8], form: u8, after: &[u8], needle: &[u8]) -> bool {
    let digits = match form {
        b'0'..=b'6' => form - b'0',
        b'a'..=b'g' => form - b'a',
        // A number since 1970, a value of its own; how many digits is not known.
        _ => return needle.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'),
    };
    let mut shape = before.to_vec();
    let time_from = shape.len();
    shape.extend_from_slice(b"0000-00-00t00:00:00");
    if form >= b'a' {
        shape[time_from + 10] = b' ';
    }
    if digits > 0 {
        shape.push(b'.');
        shape.extend(std::iter::repeat_n(b'0', usize::from(digits)));
    }
    let time = time_from..shape.len();
    shape.extend_from_slice(after);
    let fits = |at: usize, wanted: u8| {
        let there = shape[at];
        if time.contains(&at) && there == b'0' { wanted.is_ascii_digit() } else { there.eq_ignore_ascii_case(&wanted) }
    };
    shape
        .windows(needle.len().max(1))
        .enumerate()
        .any(|(start, window)| window.len() == needle.len() && (0..needle.len()).all(|at| fits(start + at, needle[at])))
}

/// Whether a value of which a time was cut out can hold `needle`.
fn cut_time_may_hold(template: &[u8], needle: &[u8]) -> bool {
    // A time begins and ends with digits and has single separators between them.
    if needle.len() > 1 && !needle.iter().any(u8::is_ascii_digit) {
        return false;
    }
    // What the needle could take in beside the time ends at a quote, for the needle has none, or at another mark.
    let reach = needle.len().saturating_sub(1);
    let is_outside = |byte: &u8| *byte == b'"' || *byte < b' ';
    memchr::memchr_iter(TIME_MARK, template).any(|at| {
        let Some(form) = template.get(at + 1) else { return true };
        let before = &template[at.saturating_sub(reach)..at];
        let before = &before[before.iter().rposition(is_outside).map_or(0, |outside| outside + 1)..];
        let after = &template[at + 2..template.len().min(at + 2 + reach)];
        let after = &after[..after.iter().position(is_outside).unwrap_or(after.len())];
        time_may_hold(before, *form, after, needle)
    })
}

/// Finds the first key on the way of a path; it can lie within a longer key, which a path may lead through too.
fn first_key(path: &str) -> Option<JsonFinder> {
    let is_index = |segment: &str| segment.bytes().all(|byte| byte.is_ascii_digit());
    let key = path.split('.').next().filter(|segment| !is_index(segment))?;
    Finder::of_text(key).map(JsonFinder::new)
}

/// Whether a template surely has no key that holds `key`. Keys are looked for where the template is an object: a text
/// in its place could hold JSON itself.
fn lacks(key: Option<&JsonFinder>, template: &str) -> bool {
    key.is_some_and(|key| {
        template.trim_start().starts_with('{') && !key.may_be_in(template) && !may_lack_a_key(template)
    })
}

/// Whether a mark may stand for a part of a longer text, which no column holds: an address without its brackets, a
/// number of seconds in a sentence. Certain are whole strings, and the values of plain keys; a calendar time is told
/// by what stands around it.
fn has_mark_within_text(template: &str) -> bool {
    let bytes = template.as_bytes();
    marks(template).any(|at| {
        let is_time = bytes[at] == TIME_MARK;
        let is_calendar = is_time && !matches!(bytes.get(at + 1), Some(b's' | b'm' | b'u'));
        let after = bytes.get(at + 1 + usize::from(is_time));
        let is_whole_text = bytes[..at].ends_with(b"\"") && after == Some(&b'"');
        !is_calendar && !is_whole_text && !is_member(bytes, at)
    })
}

/// Whether what stands at `at` is the value of a plain key, outside of any string: `"key":`.
fn is_member(template: &[u8], at: usize) -> bool {
    let trimmed = |text: &[u8]| text.len() - text.iter().rev().take_while(|byte| is_blank(**byte)).count();
    let before = &template[..trimmed(&template[..at])];
    let Some(before) = before.strip_suffix(b":") else { return false };
    let before = &before[..trimmed(before)];
    // A quote after a letter closes a string and is not escaped.
    matches!(before, [.., last, b'"'] if last.is_ascii_alphanumeric() || *last == b'_')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a key, or a part of one, may have been cut out.
fn may_lack_a_key(template: &str) -> bool {
    let bytes = template.as_bytes();
    marks(template).any(|at| memchr::memchr(b'"', &bytes[at..]).is_some_and(|quote| is_key(bytes, at + quote)))
}

/// The strings of a JSON text, in order, the marks of a template among them.
struct Strings<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What stands between two quotes.
struct Quoted {
    start: usize,
    end: usize,
    has_escapes: bool,
}

impl Iterator for Strings<'_> {
    type Item = Quoted;

    fn next(&mut self) -> Option<Quoted> {
        let start = self.at + memchr::memchr(b'"', self.bytes.get(self.at..)?)? + 1;
        let (mut at, mut has_escapes) = (start, false);
        loop {
            at += memchr::memchr2(b'"', b'\\', self.bytes.get(at..)?)?;
            if self.bytes[at] == b'"' {
                self.at = at + 1;
                return Some(Quoted { start, end: at, has_escapes });
            }
            has_escapes = true;
            at += 2;
        }
    }
}

/// Whether the string whose closing quote stands at `end` is a key.
fn is_key(bytes: &[u8], end: usize) -> bool {
    bytes[end + 1..].iter().find(|byte| !is_blank(**byte)) == Some(&b':')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn check(query: &str, template: &str, expected: Verdict) {
        let whodid_query::Expr::Term(term) = whodid_query::parse(query).unwrap().expr else { panic!("one term") };
        assert_eq!(Screen::new(&term).verdict(template), expected, "{query} on {template:?}");
    }

    const TEMPLATE: &str = "{\"eventTime\":\"\x1e3Z\",\"id\":\"\x01\",\"kind\":\"big \\u00e9\",\"flag\":true,\"requestData\":\x1b,\"code\":\x17,\"more\":{\"a\":[1,{\"b\":\"x\"}]}}";

    #[test]
    fn what_stands_in_the_template_passes_for_all_its_events() {
        check("big", TEMPLATE, Verdict::Passes);
        check("é", TEMPLATE, Verdict::Passes);
        check("flag:true", TEMPLATE, Verdict::Passes);
        check("more.a:1", TEMPLATE, Verdict::Passes);
        check("more.a.b:===x", TEMPLATE, Verdict::Passes);
        check("raw.id:*", "{\"id\":\"y\"}", Verdict::Passes);
    }

    #[test]
    fn what_cannot_stand_in_the_raw_text_fails() {
        check("alice", TEMPLATE, Verdict::Fails);
        check("kind", TEMPLATE, Verdict::Fails);
        check("flag:false", TEMPLATE, Verdict::Fails);
        check("more.c:1", TEMPLATE, Verdict::Fails);
        check("2026-x", TEMPLATE, Verdict::Fails);
        check("2d0debf9-9d7c", TEMPLATE, Verdict::Fails);
        check("requestData.a:1", "{\"requestData\":\x1b}", Verdict::Fails);
        check("10.0.0.0/8", TEMPLATE, Verdict::Fails);
    }

    #[test]
    fn what_was_cut_out_is_not_told() {
        check("raw.id:x", TEMPLATE, Verdict::Unsure);
        check("raw.id.deeper:x", TEMPLATE, Verdict::Unsure);
        check("raw.requestData.a:1", TEMPLATE, Verdict::Unsure);
        check("requestData.b.a:1", "{\"requestData\":{\"b\":\x1b}}", Verdict::Unsure);
        check("2026-01", TEMPLATE, Verdict::Unsure);
        check("00Z", TEMPLATE, Verdict::Unsure);
        check("7", "{\"t\":\x1em}", Verdict::Unsure);
        check("x", "{\"requestData\":\"\x1b\"}", Verdict::Unsure);
        check("a:x", "{\"\x01\":\"y\"}", Verdict::Unsure);
    }

    #[test]
    fn most_templates_are_told_without_reading_them() {
        let told = |query: &str, template: &str| {
            let whodid_query::Expr::Term(term) = whodid_query::parse(query).unwrap().expr else { panic!("one term") };
            Screen::new(&term).at_a_glance(template)
        };
        let encoded = "{\"at\":\"\x1e0Z\",\"by\":\"al\",\"data\":\"{\\\"at\\\":\\\"\x1e0Z\\\",\\\"k\\\":17}\"}";
        assert_eq!(told("alice", encoded), Some(Verdict::Fails));
        assert_eq!(told("k17", encoded), Some(Verdict::Fails), "no time holds it");
        assert_eq!(told("b/c", encoded), Some(Verdict::Fails), "none of its escapes is a slash");
        assert_eq!(told("al", encoded), Some(Verdict::Passes));
        assert_eq!(told("by", encoded), None, "a key is no value");
        assert_eq!(told("17", encoded), None, "encoded JSON is read");
        assert_eq!(told("2026", encoded), None, "a time may hold it");
        assert_eq!(told("b/c", "{\"a\":\"b\\/c\"}"), None);
        assert_eq!(told("alice", "{\"a\":\"\\u0061lice\"}"), None);
        assert_eq!(told("nosuch.path:x", encoded), Some(Verdict::Fails));
        assert_eq!(told("nosuch.path:x", "{\"\x01\":1}"), None, "a key was cut out");
        assert_eq!(told("at:x", encoded), None);
        assert_eq!(told("a:x", "{\"run \x1e0Z\":1}"), None, "a part of a key was cut out");
        assert_eq!(told("x", "{\"a\":\"[\x11]:443\"}"), None, "a field was cut out of a longer text");
        assert_eq!(told("x", "{\"a\":\"seen at \x1es by y\"}"), None, "a number too");
        assert_eq!(told("x", "{\"a\" : \x11,\"b\":\x1es}"), Some(Verdict::Fails));
    }

    #[test]
    fn text_that_is_no_json_is_one_value() {
        check("word", "\x1evsome word {", Verdict::Passes);
        check("other", "\x1evsome word {", Verdict::Fails);
        check("a:word", "\x1evsome word {", Verdict::Fails);
    }
}
