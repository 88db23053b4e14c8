//! Text to syntax tree.
//!
//! A hand-written descent: one character of look-ahead, errors that name what was being read. Recursion is
//! bounded by [`NESTING_MAX`]; no input makes it panic.
//!
//! ```text
//! query       = [ or ]
//! or          = and { "OR" and }
//! and         = unary { [ "AND" ] unary }
//! unary       = { "NOT" | "-" } primary
//! primary     = "(" or ")" | phrase | field ":" value | word
//! value       = [ "=" | "==" | "===" ] ( "*" | word | phrase | list | "(" or ")" ) | comparison
//! list        = "[" value { "," value } "]"
//! comparison  = ( "<" | "<=" | ">" | ">=" ) ( number | time )
//! ```
//! Inside `field:( … )` the words are values of that field.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use whodid_model::field::STRING_SUFFIX;
use whodid_model::{Field, Timestamp};

use crate::ast::{Comparison, Expr, Operand, Path, Query, QueryError, RecordField, Target, Test, TimePoint};
use crate::matching::parse_number;
use crate::time_text::{is_duration, parse_time};

/// Longest query, in bytes.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// Longest word or phrase, in bytes: what comparing it with long values may take is bounded by it.
pub const WORD_BYTES_MAX: usize = 1024;
/// Most tests in a query.
pub const TERMS_MAX: usize = 1000;
/// Deepest nesting of parentheses.
pub const NESTING_MAX: usize = 64;

/// The bare word that stands in every event: the name of the member that makes it one.
const EVERYWHERE: &str = "action";

/// Reads a search. Blank text is every event.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        let message = format!("the search has {} bytes; at most {QUERY_BYTES_MAX} are read", text.len());
        return Err(QueryError { position: 0, length: 0, message, expected: Vec::new() });
    }
    let mut parser = Parser { text, at: 0, terms: 0, depth: 0 };
    parser.skip_blanks();
    if parser.peek().is_none() {
        return Ok(Query { expr: Expr::All });
    }
    let expr = parser.alternatives(None)?;
    if parser.peek().is_some() {
        return Err(parser.error(1, "this “)” closes nothing", &["“(” before it", "“\\)” for the character itself"]));
    }
    Ok(Query { expr })
}

/// What `name` in `name:value` means; `None` when it can be no name.
///
/// In this order: `raw.` and a path; a field by path, column or alias; a record field; a path below request or
/// response data; any other path. `_str` at the end is dropped, and a leading `_` where only the rest is known.
pub fn resolve(name: &str) -> Option<Target> {
    if let Some(path) = name.strip_prefix("raw.") {
        return Path::parse(path).map(Target::Raw);
    }
    let bare = name.strip_suffix(STRING_SUFFIX).filter(|bare| !bare.is_empty()).unwrap_or(name);
    let unreserved = bare.strip_prefix('_').filter(|rest| !rest.contains('.'));
    let of_record = bare.strip_prefix("record.").filter(|rest| matches!(*rest, "service" | "app"));
    for known in [Some(bare), of_record, unreserved].into_iter().flatten() {
        if let Some(field) = Field::named(known) {
            return Some(Target::Field(field));
        }
        if let Some(field) = RecordField::named(known) {
            return Some(Target::Record(field));
        }
    }
    for field in [Field::RequestData, Field::ResponseData] {
        for prefix in [field.path(), field.column()] {
            if let Some(below) = bare.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')) {
                return Path::parse(below).map(|path| Target::Json { field, path });
            }
        }
    }
    Path::parse(bare).map(Target::Raw)
}

/// Whether `character` may stand in a field name without a backslash or quotes.
pub(crate) fn is_name_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '-' | '[' | ']' | '$' | '/' | '@')
}

/// Whether a word with a colon in it is a value, not `field:value`: it begins with a digit (times, most IPv6
/// addresses), is an IPv6 address or network, a URL, or one of the names that clouds give to resources.
pub(crate) fn is_value_with_colon(word: &str) -> bool {
    let Some((head, rest)) = word.split_once(':') else { return false };
    if head.starts_with(|first: char| first.is_ascii_digit()) {
        return true;
    }
    if word.parse::<Ipv6Addr>().is_ok() || word.parse::<IpNet>().is_ok() {
        return true;
    }
    let is_resource_name = matches!(head, "crn" | "arn" | "acs" | "urn") && !rest.is_empty();
    let is_url = rest.starts_with("//") && Field::named(head).is_none() && RecordField::named(head).is_none();
    is_resource_name || is_url
}

/// Address and prefix length of a plain value that is read as a network.
pub(crate) fn split_network(text: &str) -> Option<(&str, &str)> {
    let (address, bits) = text.split_once('/')?;
    let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && address.parse::<IpAddr>().is_ok()).then_some((address, bits))
}

/// `now-1h` and the like where a field holds times: nobody means the text.
pub(crate) fn is_relative_time(text: &str) -> bool {
    Timestamp::parse(text).is_err() && parse_time(text, some_time()).is_ok()
}

/// Whether a text is a time does not depend on the present, so any will do to find out.
fn some_time() -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Prefix,
    PrefixCase,
    Exact,
    ExactCase,
}

impl Mode {
    fn test(self, text: &str) -> Test {
        match self {
            Self::Prefix => Test::prefix(text, false),
            Self::PrefixCase => Test::prefix(text, true),
            Self::Exact => Test::exact(text, false),
            Self::ExactCase => Test::exact(text, true),
        }
    }

    fn case_sensitive(self) -> bool {
        matches!(self, Self::PrefixCase | Self::ExactCase)
    }
}

/// The field that the words of a group belong to.
struct Scope<'a> {
    target: &'a Target,
    mode: Mode,
    /// `field:`, for messages.
    label: &'a str,
}

/// A word as written: the texts between its unescaped `*`.
struct Word {
    pieces: Vec<String>,
    start: usize,
    has_escapes: bool,
}

impl Word {
    fn is_star(&self) -> bool {
        self.pieces.len() > 1 && self.pieces.iter().all(String::is_empty)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    terms: usize,
    depth: usize,
}

const VALUES: [&str; 4] = ["a word", "“\"” for a phrase", "“[” for a list", "“*” for any value"];
const CONDITIONS: [&str; 4] = ["a word", "a field and its value", "“(”", "“-” to exclude"];

impl<'a> Parser<'a> {
    fn alternatives(&mut self, scope: Option<&Scope<'_>>) -> Result<Expr, QueryError> {
        let mut members = vec![self.conjunction(scope, None)?];
        while self.take_keyword("OR") {
            members.push(self.conjunction(scope, Some("OR"))?);
        }
        Ok(Expr::or(members))
    }

    /// `after`: the operator before it, for messages.
    fn conjunction(&mut self, scope: Option<&Scope<'_>>, mut after: Option<&str>) -> Result<Expr, QueryError> {
        let mut members = Vec::new();
        // Comparisons side by side in a field's group are about one value: f:(>=200 <300).
        let mut comparisons: Option<(usize, Vec<(Comparison, Operand)>)> = None;
        loop {
            self.skip_blanks();
            let is_end = matches!(self.peek(), None | Some(')'));
            if is_end || self.is_keyword("OR") || self.is_keyword("AND") {
                if let Some(operator) = after {
                    return Err(self.error(0, &format!("expected a condition after “{operator}”"), &CONDITIONS));
                }
                if is_end && !members.is_empty() {
                    break;
                }
                if is_end {
                    let message =
                        if self.peek().is_none() { "expected a condition" } else { "the parentheses hold nothing" };
                    return Err(self.error(usize::from(self.peek().is_some()), message, &CONDITIONS));
                }
                let operator = if self.is_keyword("OR") { "OR" } else { "AND" };
                if members.is_empty() {
                    let message = format!("expected a condition before “{operator}”");
                    let quoted = format!("“\"{operator}\"” for the word itself");
                    return Err(self.error(operator.len(), &message, &["a word", "a field and its value", &quoted]));
                }
                if operator == "OR" {
                    break;
                }
                self.at += operator.len();
                after = Some("AND");
                continue;
            }
            after = None;
            if let Some(scope) = scope
                && matches!(self.peek(), Some('<' | '>'))
            {
                let comparison = self.comparison(scope.target)?;
                match &mut comparisons {
                    Some((_, together)) => together.push(comparison),
                    None => {
                        self.count_term()?;
                        comparisons = Some((members.len(), vec![comparison]));
                        members.push(Expr::All);
                    }
                }
                continue;
            }
            members.push(self.unary(scope)?);
        }
        if let (Some((place, together)), Some(scope)) = (comparisons, scope) {
            members[place] = Expr::term(scope.target.clone(), Test::Compare(together));
        }
        Ok(Expr::and(members))
    }

    fn unary(&mut self, scope: Option<&Scope<'_>>) -> Result<Expr, QueryError> {
        let mut is_negated = false;
        loop {
            let place = self.at;
            if self.take_keyword("NOT") {
                is_negated = !is_negated;
                self.skip_blanks();
                let is_operator = self.is_keyword("AND") || self.is_keyword("OR");
                if is_operator || matches!(self.peek(), None | Some(')')) {
                    return Err(self.error(0, "expected a condition after “NOT”", &CONDITIONS));
                }
                continue;
            }
            if self.peek() != Some('-') {
                break;
            }
            self.at += 1;
            is_negated = !is_negated;
            match self.peek() {
                None | Some(')') => {
                    return Err(self.error(0, "expected what to exclude directly after “-”", &CONDITIONS));
                }
                Some(blank) if blank.is_whitespace() => {
                    return Err(self.error(
                        0,
                        "expected what to exclude directly after “-”",
                        &["a word without a blank before it"],
                    ));
                }
                Some('-') => {
                    self.at = place;
                    return Err(self.error(2, "“--” excludes twice", &["one “-”", "“\\-” for the character itself"]));
                }
                Some(_) => break,
            }
        }
        let member = self.primary(scope)?;
        Ok(if is_negated { Expr::negate(member) } else { member })
    }

    fn primary(&mut self, scope: Option<&Scope<'_>>) -> Result<Expr, QueryError> {
        if self.peek() == Some('(') {
            return self.group(scope);
        }
        if let Some(scope) = scope {
            return self.field_value(scope);
        }
        let start = self.at;
        if self.peek() == Some('"') {
            let name = self.quoted()?;
            if self.peek() == Some(':') {
                return self.field(start, &name);
            }
            self.end_of_value()?;
            return self.term(Target::Any, Test::phrase(&name), start);
        }
        if matches!(self.peek(), Some('<' | '>')) {
            return Err(self.error(
                1,
                "a comparison needs a field before it",
                &["a field, as in “reason.reasonCode:>=400”", "“\\<” for the character itself"],
            ));
        }
        if let Some(name) = self.field_name()? {
            return self.field(start, &name);
        }
        let word = self.word(|_| false)?;
        self.word_term(&Target::Any, Mode::Prefix, word)
    }

    fn group(&mut self, scope: Option<&Scope<'_>>) -> Result<Expr, QueryError> {
        let open = self.at;
        if self.depth == NESTING_MAX {
            return Err(self.error(1, &format!("more than {NESTING_MAX} parentheses inside each other"), &[]));
        }
        self.at += 1;
        self.depth += 1;
        let inner = self.alternatives(scope);
        self.depth -= 1;
        let inner = match inner {
            // What is missing at the end of the text is rather the parenthesis than one more condition.
            Err(error) if error.position == self.text.len() && error.message == "expected a condition" => {
                return Err(self.never_closed(open));
            }
            other => other?,
        };
        if self.peek() != Some(')') {
            return Err(self.never_closed(open));
        }
        self.at += 1;
        Ok(inner)
    }

    fn never_closed(&self, open: usize) -> QueryError {
        QueryError {
            position: open,
            length: 1,
            message: "this “(” is never closed".to_owned(),
            expected: vec!["“)” at the end".to_owned(), "“\\(” for the character itself".to_owned()],
        }
    }

    /// The name in front of an unescaped `:`; `None`, with nothing read, when a plain word stands here.
    fn field_name(&mut self) -> Result<Option<String>, QueryError> {
        let start = self.at;
        let word = word_at(&self.text[start..]);
        if is_value_with_colon(word) {
            return Ok(None);
        }
        let mut name = String::new();
        let mut bad = None;
        let mut characters = word.char_indices();
        while let Some((at, character)) = characters.next() {
            if character == ':' {
                self.at = start + at;
                if name.is_empty() {
                    return Err(self.error(
                        1,
                        "expected a field name before “:”",
                        &["a field name, without a blank after it", "“\\:” for the character itself"],
                    ));
                }
                if let Some((bad_at, '*')) = bad {
                    self.at = start + bad_at;
                    return Err(self.error(1, "“*” works in values, not in field names", &["a whole field name"]));
                }
                if bad.is_some() {
                    self.at = start;
                    let message = format!("“{name}” is no field name");
                    return Err(self.error(
                        at,
                        &message,
                        &["a field name", "the whole text in quotes, to search for it"],
                    ));
                }
                return Ok(Some(name));
            }
            if character == '\\'
                && let Some(escaped) = word[at + 1..].chars().next().filter(|next| is_escapable(*next))
            {
                name.push(escaped);
                characters.next();
                continue;
            }
            let is_any_element = character == '*' && name.ends_with('[') && word[at + 1..].starts_with(']');
            if !is_name_character(character) && !is_any_element && bad.is_none() {
                bad = Some((at, character));
            }
            name.push(character);
        }
        Ok(None)
    }

    /// From the `:` after `name`, which began at `start`.
    fn field(&mut self, start: usize, name: &str) -> Result<Expr, QueryError> {
        let Some(target) = resolve(name) else {
            let length = self.at - start;
            self.at = start;
            return Err(self.error(
                length,
                &format!("“{name}” is no field name: a part of it is empty"),
                &["names joined by single dots"],
            ));
        };
        self.at += 1;
        let label = &self.text[start..self.at];
        self.field_value(&Scope { target: &target, mode: Mode::Prefix, label })
    }

    /// What stands after `field:`, or one value in a field's group.
    fn field_value(&mut self, scope: &Scope<'_>) -> Result<Expr, QueryError> {
        if matches!(self.peek(), Some('<' | '>')) {
            let start = self.at;
            let comparison = self.comparison(scope.target)?;
            return self.term(scope.target.clone(), Test::Compare(vec![comparison]), start);
        }
        let mode = self.mode(scope.mode);
        let scope = Scope { mode, ..*scope };
        match self.peek() {
            Some('[') => self.list(&scope),
            Some('(') => self.group(Some(&scope)),
            _ => self.single(&scope, |_| false),
        }
    }

    /// The mode that `=` signs here ask for.
    fn mode(&mut self, inherited: Mode) -> Mode {
        let signs = self.text[self.at..].bytes().take(3).take_while(|byte| *byte == b'=').count();
        self.at += signs;
        match signs {
            0 => inherited,
            1 => Mode::PrefixCase,
            2 => Mode::Exact,
            _ => Mode::ExactCase,
        }
    }

    fn list(&mut self, scope: &Scope<'_>) -> Result<Expr, QueryError> {
        let open = self.at;
        let mut members = Vec::new();
        loop {
            // Past `[` or `,`.
            self.at += 1;
            self.skip_blanks();
            if matches!(self.peek(), Some('<' | '>')) {
                return Err(self.error(
                    1,
                    "a list holds no comparisons",
                    &["comparisons in parentheses, as in “f:(>=200 <300)”"],
                ));
            }
            if matches!(self.peek(), Some(',' | ']')) {
                return Err(self.error(1, "expected a value in the list", &["a word", "“\"” for a phrase"]));
            }
            if self.peek().is_none() {
                break;
            }
            let scope = Scope { mode: self.mode(scope.mode), ..*scope };
            members.push(self.single(&scope, |stop| matches!(stop, ',' | ']'))?);
            self.skip_blanks();
            match self.peek() {
                Some(',') => {}
                Some(']') => {
                    self.at += 1;
                    self.end_of_value()?;
                    return Ok(Expr::or(members));
                }
                None => break,
                Some(_) => {
                    return Err(self.error(
                        1,
                        "expected “,” or “]” in the list",
                        &["“,”", "“]”", "quotes around a value with blanks"],
                    ));
                }
            }
        }
        self.at = open;
        Err(self.error(1, "this “[” is never closed", &["“]” at the end", "“\\[” for the character itself"]))
    }

    /// A word or a quoted text as a value of the field; it ends at a blank, a parenthesis or where `stops` holds.
    fn single(&mut self, scope: &Scope<'_>, stops: fn(char) -> bool) -> Result<Expr, QueryError> {
        let start = self.at;
        if self.peek() == Some('"') {
            let text = self.quoted()?;
            if !self.peek().is_some_and(stops) {
                self.end_of_value()?;
            }
            let test = if scope.mode == Mode::Prefix { Test::phrase(&text) } else { scope.mode.test(&text) };
            return self.term(scope.target.clone(), test, start);
        }
        let is_missing =
            self.peek().is_none_or(|next| next.is_whitespace() || matches!(next, '(' | ')') || stops(next));
        if is_missing {
            let message = format!("expected a value after “{}”", scope.label);
            return Err(self.error(0, &message, &VALUES));
        }
        let word = self.word(stops)?;
        self.word_term(scope.target, scope.mode, word)
    }

    fn word_term(&mut self, target: &Target, mode: Mode, word: Word) -> Result<Expr, QueryError> {
        let start = word.start;
        if word.is_star() {
            return if *target == Target::Any { Ok(Expr::All) } else { self.term(target.clone(), Test::Exists, start) };
        }
        if word.pieces.len() > 1 {
            let pieces: Vec<&str> = word.pieces.iter().map(String::as_str).collect();
            let test = Test::wildcard(&pieces, mode.case_sensitive(), *target != Target::Any);
            return self.term(target.clone(), test, start);
        }
        let text = &word.pieces[0];
        // In Activity Tracker a bare word also met the names of members, and its published searches lean on it:
        // `_platform:==iam-identity (action login)`. Every event has an action.
        if *target == Target::Any && !word.has_escapes && text.eq_ignore_ascii_case(EVERYWHERE) {
            return Ok(Expr::All);
        }
        if let Target::Record(field) = target
            && field.is_time()
            && is_relative_time(text)
        {
            let length = self.at - start;
            self.at = start;
            let example = format!("“{}:>{text}”", field.name());
            return Err(self.error(length, &format!("“{text}” is a point in time; compare with it"), &[&example]));
        }
        if mode == Mode::Prefix
            && *target != Target::Any
            && !word.has_escapes
            && let Some((address, bits)) = split_network(text)
        {
            let Ok(network) = text.parse::<IpNet>() else {
                let most = if address.contains(':') { 128 } else { 32 };
                self.at = start + address.len() + 1;
                let message = format!("the length of the network's prefix is 0 to {most}");
                return Err(self.error(bits.len(), &message, &["quotes around it, to search for the text"]));
            };
            return self.term(target.clone(), Test::Cidr(network.trunc()), start);
        }
        self.term(target.clone(), mode.test(text), start)
    }

    fn comparison(&mut self, target: &Target) -> Result<(Comparison, Operand), QueryError> {
        let (comparison, sign) = match &self.text.as_bytes()[self.at..] {
            [b'<', b'=', ..] => (Comparison::LessOrEqual, "<="),
            [b'>', b'=', ..] => (Comparison::GreaterOrEqual, ">="),
            [b'<', ..] => (Comparison::Less, "<"),
            _ => (Comparison::Greater, ">"),
        };
        self.at += sign.len();
        // `>= 200` can mean nothing else.
        self.skip_blanks();
        let (what, examples) = match target {
            Target::Record(field) if field.is_time() => ("a time", ["2026-01-31T12:00:00Z", "now-24h"]),
            Target::Record(RecordField::Offset) => ("a whole number", ["42", "100000"]),
            _ => ("a number or a time", ["400", "2026-01-31"]),
        };
        if matches!(self.peek(), None | Some('(' | ')')) {
            return Err(self.error(0, &format!("expected {what} after “{sign}”"), &examples));
        }
        let start = self.at;
        let text = if self.peek() == Some('"') {
            let text = self.quoted()?;
            self.end_of_value()?;
            text
        } else {
            self.word(|_| false)?.pieces.join("*")
        };
        match read_operand(target, &text) {
            Some(operand) => Ok((comparison, operand)),
            None => {
                let length = self.at - start;
                self.at = start;
                let hint = format!("now-{}", text.trim());
                let mut expected: Vec<&str> = examples.to_vec();
                if is_duration(&text) {
                    expected.push(&hint);
                }
                Err(self.error(length, &format!("“{text}” is not {what}"), &expected))
            }
        }
    }

    /// The text between quotes; `\` before any character but a letter or digit takes it as it is.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let open = self.at;
        let mut text = String::new();
        let mut characters = self.text[open + 1..].char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    if text.is_empty() {
                        return Err(self.error(
                            2,
                            "the quotes hold nothing",
                            &["text between the quotes", "“-field:*” for events without the field"],
                        ));
                    }
                    self.at = open + 1 + at + 1;
                    return Ok(text);
                }
                '\\' => match characters.next_if(|(_, next)| is_escapable(*next)) {
                    Some((_, escaped)) => text.push(escaped),
                    None => text.push('\\'),
                },
                other => text.push(other),
            }
        }
        Err(self.error(1, "this “\"” is never closed", &["“\"” at the end", "“\\\"” for the character itself"]))
    }

    /// A word up to a blank, a parenthesis or where `stops` holds; not empty.
    fn word(&mut self, stops: fn(char) -> bool) -> Result<Word, QueryError> {
        let start = self.at;
        let mut word = Word { pieces: Vec::new(), start, has_escapes: false };
        let mut piece = String::new();
        while let Some(character) = self.peek() {
            if character.is_whitespace() || matches!(character, '(' | ')') || stops(character) {
                break;
            }
            if character == '"' {
                return Err(self.error(
                    1,
                    "a quote inside a word",
                    &["a blank before it", "“\\\"” for the character itself"],
                ));
            }
            self.at += character.len_utf8();
            match character {
                '*' => word.pieces.push(std::mem::take(&mut piece)),
                '\\' => match self.peek().filter(|next| is_escapable(*next)) {
                    Some(escaped) => {
                        self.at += escaped.len_utf8();
                        word.has_escapes = true;
                        piece.push(escaped);
                    }
                    None => piece.push('\\'),
                },
                other => piece.push(other),
            }
        }
        word.pieces.push(piece);
        // `a**b` is `a*b`.
        let last = word.pieces.len() - 1;
        let mut place = 0;
        word.pieces.retain(|piece| {
            let is_inner = place > 0 && place < last;
            place += 1;
            !(is_inner && piece.is_empty())
        });
        Ok(word)
    }

    /// A value in quotes or brackets must not run into the next word.
    fn end_of_value(&self) -> Result<(), QueryError> {
        match self.peek() {
            Some(next) if !next.is_whitespace() && !matches!(next, '(' | ')') => {
                Err(self.error(next.len_utf8(), "expected a blank here", &["a blank", "“)”"]))
            }
            _ => Ok(()),
        }
    }

    fn term(&mut self, target: Target, test: Test, start: usize) -> Result<Expr, QueryError> {
        let bytes = match &test {
            Test::Prefix { text, .. } | Test::Exact { text, .. } | Test::Phrase { text } => text.len(),
            Test::Wildcard { pieces, .. } => pieces.iter().map(String::len).sum(),
            Test::Exists | Test::Compare(_) | Test::Cidr(_) => 0,
        };
        if bytes > WORD_BYTES_MAX {
            let length = self.at - start;
            self.at = start;
            let message = format!("this text has {bytes} bytes; at most {WORD_BYTES_MAX} are looked for");
            return Err(self.error(length, &message, &["a part of it"]));
        }
        self.count_term().map_err(|error| QueryError { position: start, length: self.at - start, ..error })?;
        Ok(Expr::term(target, test))
    }

    fn count_term(&mut self) -> Result<(), QueryError> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(self.error(0, &format!("more than {TERMS_MAX} conditions"), &[]));
        }
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Whether the operator `word` stands here, on its own.
    fn is_keyword(&self, word: &str) -> bool {
        let after = self.text[self.at..].strip_prefix(word).map(|rest| rest.chars().next());
        matches!(after, Some(None | Some('(' | ')'))) || matches!(after, Some(Some(next)) if next.is_whitespace())
    }

    fn take_keyword(&mut self, word: &str) -> bool {
        let found = self.is_keyword(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// An error here, about the next `length` bytes or up to the end of the character they end in.
    fn error(&self, length: usize, message: &str, expected: &[&str]) -> QueryError {
        let mut end = (self.at + length).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        QueryError {
            position: self.at,
            length: end - self.at,
            message: message.to_owned(),
            expected: expected.iter().map(|text| (*text).to_owned()).collect(),
        }
    }
}

/// The front of `text` up to an unescaped blank, parenthesis or quote.
fn word_at(text: &str) -> &str {
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character.is_whitespace() || matches!(character, '(' | ')' | '"') {
            return &text[..at];
        }
        if character == '\\' {
            characters.next_if(|(_, next)| is_escapable(*next));
        }
    }
    text
}

/// Whether a backslash before `character` means the character itself. Before letters and digits it is a
/// backslash, so that `DOMAIN\alice` needs no care.
pub(crate) fn is_escapable(character: char) -> bool {
    !character.is_alphanumeric()
}

fn read_operand(target: &Target, text: &str) -> Option<Operand> {
    let (is_time, is_number) = match target {
        Target::Record(field) => (field.is_time(), *field == RecordField::Offset),
        _ => (false, false),
    };
    if !is_time {
        if let Ok(int) = text.parse() {
            return Some(Operand::Int(int));
        }
        if is_number {
            return None;
        }
        if let Some(float) = parse_number(text) {
            return Some(Operand::Float(float));
        }
    }
    if let Ok(parsed) = Timestamp::parse(text) {
        return Some(Operand::Time(TimePoint::At(parsed.at)));
    }
    // Elsewhere `>24h` is more likely meant as an amount, which is not compared.
    if (!is_time && is_duration(text)) || parse_time(text, some_time()).is_err() {
        return None;
    }
    Some(Operand::Time(TimePoint::Relative(text.trim().to_owned())))
}
