//! Where a rule's field names lead in an event.
//!
//! A rule may use the source's own names (`requestParameters.bucketName`) or ours (`initiator.name`). A name is
//! looked up once, when the rule is compiled; an event is then asked by [`Address`].
//!
//! Rules are not always written as events are. Where a name leads nowhere as it stands, a member counts whose name is
//! the same but for the case of its letters; and then the forms that rules of a source are known to use
//! ([`other_forms`]). *Invariant*: this comes after all else, so it never changes a value that a name has without it.
//! Names within the elements of a list are looked for in the same way, from the element on ([`Member`]).

use std::borrow::Cow;

use rsigma_eval::EventValue;
use whodid_decode::json::{self, Node, Value};
use whodid_model::field::Written;
use whodid_query::{RecordField, Target};

use crate::subject::Subject;

/// Whose vocabulary a rule's names are taken from first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Vocabulary {
    /// The source's own names; ours where the source has no such member.
    Source,
    /// Ours; the source's own where we have no such name.
    Ours,
}

/// A field name of a rule, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// As the rule writes it.
    pub name: String,
    /// What is asked first.
    vocabulary: Vocabulary,
    /// Where it leads in our vocabulary.
    ours: Option<Target>,
    /// The path in the raw tree.
    path: String,
    /// Paths that are tried last, each in events of one source.
    others: Vec<(&'static str, String)>,
    /// What is given of the value.
    form: Form,
    /// What is asked of each element, of a list that a rule looks into.
    members: Vec<Member>,
}

/// What a rule asks of each element of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    /// The text that stands for it in compiled rules.
    pub encoded: String,
    /// Where it leads, from the element on.
    pub address: Address,
}

/// How the names of members are compared with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Letter by letter.
    Exact,
    /// Where an object has no member of that very name, whatever the case of ASCII letters.
    AnyCase,
}

/// What is given of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// Texts and numbers; objects as their JSON.
    Flat,
    /// What is asked of each element of a list, under the texts that stand for it.
    Elements,
    /// That there is a value, be it null: what the specification means by `exists`. The Sigma library would take null for
    /// no value.
    Presence,
    /// The week of the year of a time, Monday first, 0 before the first Monday: what SQLite and C call `%W`. The Sigma
    /// library would give the week of ISO 8601.
    Week,
}

impl Address {
    /// The address that `name` means.
    pub fn new(name: &str, vocabulary: Vocabulary) -> Self {
        Self::in_form(name, vocabulary, Form::Flat)
    }

    pub(crate) fn in_form(name: &str, vocabulary: Vocabulary, form: Form) -> Self {
        let ours = match whodid_query::resolve(name) {
            Some(Target::Raw(_) | Target::Any) | None => None,
            Some(target) => Some(target),
        };
        let path = name.strip_prefix("raw.").unwrap_or(name);
        let others = match vocabulary {
            Vocabulary::Source => other_forms(path),
            Vocabulary::Ours => Vec::new(),
        };
        Self { name: name.to_owned(), vocabulary, ours, path: path.to_owned(), others, form, members: Vec::new() }
    }

    /// A list of whose elements `members` are asked.
    pub(crate) fn of_list(name: &str, vocabulary: Vocabulary, members: Vec<Member>) -> Self {
        Self { members, ..Self::in_form(name, vocabulary, Form::Elements) }
    }

    /// What `path` leads to within an element; if that is a list, `members` are asked of its elements.
    pub(crate) fn in_element(path: &str, form: Form, members: Vec<Member>) -> Self {
        Self {
            name: path.to_owned(),
            vocabulary: Vocabulary::Source,
            ours: None,
            path: path.to_owned(),
            others: Vec::new(),
            form,
            members,
        }
    }

    /// Where it leads in our vocabulary.
    pub(crate) fn ours(&self) -> Option<&Target> {
        self.ours.as_ref()
    }

    /// Where it leads in our vocabulary, where that is asked first and is all that matters if there is a text. Another case
    /// or form of the name is tried only behind this: it changes nothing of what is told from here.
    pub(crate) fn first_asked(&self) -> Option<&Target> {
        let is_told = matches!(self.form, Form::Flat | Form::Presence);
        self.ours.as_ref().filter(|_| self.vocabulary == Vocabulary::Ours && is_told)
    }

    /// Whether values are given as texts and numbers, as they are.
    pub(crate) fn is_flat(&self) -> bool {
        self.form == Form::Flat
    }

    /// The value in an event; `None` when it has none.
    pub fn value<'a>(&'a self, subject: &Subject<'a>) -> Option<EventValue<'a>> {
        let exact = match self.vocabulary {
            Vocabulary::Source => self.in_raw(subject, &self.path, Names::Exact).or_else(|| self.in_ours(subject)),
            Vocabulary::Ours => self.in_ours(subject).or_else(|| self.in_raw(subject, &self.path, Names::Exact)),
        };
        let in_any_case = || {
            let in_raw = self.in_raw(subject, &self.path, Names::AnyCase);
            in_raw.or_else(|| self.in_column(subject, Names::AnyCase))
        };
        let value = exact.or_else(in_any_case).or_else(|| {
            let mut of_source = self.others.iter().filter(|(source, _)| *source == subject.source);
            of_source.find_map(|(_, path)| self.in_raw(subject, path, Names::AnyCase))
        })?;
        self.in_its_form(value)
    }

    /// The value in an element of a list.
    fn value_in_element<'t>(&'t self, element: &'t Node<'t>, document: &'t str) -> Option<EventValue<'t>> {
        let mut found = Vec::new();
        collect(element, &self.path, Names::Exact, &mut found);
        if found.is_empty() {
            collect(element, &self.path, Names::AnyCase, &mut found);
        }
        self.of_nodes(&found, document).and_then(|value| self.in_its_form(value))
    }

    fn in_its_form<'t>(&self, value: EventValue<'t>) -> Option<EventValue<'t>> {
        match self.form {
            Form::Flat | Form::Elements => Some(value),
            Form::Presence => Some(EventValue::Bool(true)),
            Form::Week => week(&value).map(EventValue::Int),
        }
    }

    /// The value as texts: one, or one for each element of a list. Objects as compact JSON, nulls left out.
    pub fn texts<'a>(&'a self, subject: &Subject<'a>) -> Vec<Cow<'a, str>> {
        let mut texts = Vec::new();
        if let Some(value) = self.value(subject) {
            push_texts(value, &mut texts);
        }
        texts
    }

    /// The first text of the value.
    pub fn text<'a>(&'a self, subject: &Subject<'a>) -> Option<Cow<'a, str>> {
        self.texts(subject).into_iter().next()
    }

    fn in_raw<'a>(&'a self, subject: &Subject<'a>, path: &str, names: Names) -> Option<EventValue<'a>> {
        let mut found = Vec::new();
        collect(subject.tree?, path, names, &mut found);
        self.of_nodes(&found, subject.raw)
    }

    fn in_ours<'a>(&'a self, subject: &Subject<'a>) -> Option<EventValue<'a>> {
        match self.ours.as_ref()? {
            Target::Field(field) => {
                let text = subject.texts.text(*field)?;
                let has_elements = self.form == Form::Elements && field.written() == Written::Json;
                let elements = if has_elements { json::parse(text).ok() } else { None };
                Some(match elements {
                    Some(tree) => owned(self.of_node(&tree, text)),
                    None => EventValue::Str(Cow::Borrowed(text)),
                })
            }
            Target::Record(field) => record(subject, *field).map(EventValue::Str),
            Target::Json { .. } => self.in_column(subject, Names::Exact),
            Target::Raw(_) | Target::Any => None,
        }
    }

    /// The value at a path of a column that holds JSON as text. Parsed anew each time: rules seldom ask, and only where
    /// the raw text does not hold the member as JSON itself.
    fn in_column<'a>(&self, subject: &Subject<'a>, names: Names) -> Option<EventValue<'a>> {
        let Some(Target::Json { field, path }) = &self.ours else { return None };
        let text = subject.texts.text(*field).filter(|text| may_have(text, path.as_str()))?;
        let tree = json::parse(text).ok()?;
        let mut found = Vec::new();
        collect(&tree, path.as_str(), names, &mut found);
        self.of_nodes(&found, text).map(owned)
    }

    /// The value that nodes are together.
    fn of_nodes<'t>(&'t self, nodes: &[&'t Node<'t>], document: &'t str) -> Option<EventValue<'t>> {
        match nodes {
            [] => None,
            [node] => Some(self.of_node(node, document)),
            nodes => Some(EventValue::Array(nodes.iter().map(|node| self.of_node(node, document)).collect())),
        }
    }

    fn of_node<'t>(&'t self, node: &'t Node<'t>, document: &'t str) -> EventValue<'t> {
        match self.members.as_slice() {
            [] => flat(node, document),
            members => elements(node, document, members),
        }
    }
}

/// Where else a source's events have what rules call by this path: the columns of Azure's Log Analytics, which stand
/// below `properties` in the log itself; Google Cloud's audit log as the Elastic Common Schema names it, and as it
/// stands in a message of Pub/Sub.
fn other_forms(path: &str) -> Vec<(&'static str, String)> {
    let mut others = Vec::new();
    if !path.starts_with("properties.") {
        others.push(("azure", format!("properties.{path}")));
    }
    if let Some(below) = path.strip_prefix("gcp.audit.") {
        others.push(("gcp", format!("protoPayload.{}", camel_case(below))));
    }
    if let Some(below) = path.strip_prefix("data.") {
        others.push(("gcp", below.to_owned()));
        // Rules put `resource` and `logName` into the payload, too, beside which they stand.
        others.extend(below.strip_prefix("protoPayload.").map(|beside| ("gcp", beside.to_owned())));
    }
    others
}

/// `method_name` as `methodName`.
fn camel_case(path: &str) -> String {
    let mut camel = String::with_capacity(path.len());
    let mut begins_word = false;
    for letter in path.chars() {
        match letter {
            '_' => begins_word = true,
            letter if begins_word => {
                camel.push(letter.to_ascii_uppercase());
                begins_word = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}

fn week(value: &EventValue<'_>) -> Option<i64> {
    use chrono::Datelike;
    let at = whodid_model::Timestamp::parse(&value.as_str()?).ok()?.at;
    let day = chrono::DateTime::from_timestamp_micros(at.micros())?.date_naive();
    let monday_before = day.ordinal0() as i64 - i64::from(day.weekday().num_days_from_monday());
    Some(monday_before.div_euclid(7) + 1)
}

fn push_texts<'a>(value: EventValue<'a>, texts: &mut Vec<Cow<'a, str>>) {
    match value {
        EventValue::Str(text) => texts.push(text),
        EventValue::Array(values) => values.into_iter().for_each(|value| push_texts(value, texts)),
        EventValue::Null => {}
        EventValue::Map(_) => texts.push(Cow::Owned(value.to_json().to_string())),
        EventValue::Int(_) | EventValue::Float(_) | EventValue::Bool(_) => {
            texts.extend(value.as_str().map(|text| Cow::Owned(text.into_owned())));
        }
    }
}

fn record<'a>(subject: &Subject<'a>, field: RecordField) -> Option<Cow<'a, str>> {
    Some(match field {
        RecordField::Offset => Cow::Owned(subject.place.offset.to_string()),
        RecordField::RecordedAt => Cow::Owned(subject.place.recorded_at.to_string()),
        RecordField::EventTime => Cow::Owned(subject.place.event_time.to_string()),
        RecordField::Space => Cow::Borrowed(subject.texts.space()?),
        RecordField::Source => Cow::Borrowed(subject.source),
        RecordField::Stream => Cow::Owned(subject.place.stream.to_string()),
        RecordField::TimeSource => return None,
        RecordField::Result => Cow::Borrowed(subject.result()),
    })
}

/// Whether a JSON text may have a member by which a path begins, in whatever case: nearly always it has none, and looking
/// at its quotes costs less than parsing.
fn may_have(text: &str, path: &str) -> bool {
    let step = path.split(['.', '[']).next().unwrap_or_default().as_bytes();
    let begins = |quote: usize| {
        let name = text.as_bytes().get(quote + 1..quote + 1 + step.len());
        name.is_some_and(|name| name.eq_ignore_ascii_case(step))
    };
    // A letter that is escaped may be any.
    text.contains('\\') || step.is_empty() || text.match_indices('"').any(|(quote, _)| begins(quote))
}

fn owned<'a>(value: EventValue<'_>) -> EventValue<'a> {
    match value {
        EventValue::Str(text) => EventValue::Str(Cow::Owned(text.into_owned())),
        EventValue::Int(number) => EventValue::Int(number),
        EventValue::Float(number) => EventValue::Float(number),
        EventValue::Bool(truth) => EventValue::Bool(truth),
        EventValue::Null => EventValue::Null,
        EventValue::Array(values) => EventValue::Array(values.into_iter().map(owned).collect()),
        EventValue::Map(members) => EventValue::Map(
            members.into_iter().map(|(name, value)| (Cow::Owned(name.into_owned()), owned(value))).collect(),
        ),
    }
}

/// All nodes that a dotted path leads to; no more than the event has. A member's name uses up the part of the path that it equals, so that names
/// with dots are found; a list is looked through element by element; `[2]` and `[-1]` pick one element.
fn collect<'t>(node: &'t Node<'t>, path: &str, names: Names, found: &mut Vec<&'t Node<'t>>) {
    match &node.value {
        Value::Object(members) => {
            let before = found.len();
            for (name, member) in members {
                let Some(rest) = path.strip_prefix(name.as_ref()) else { continue };
                // Of several members of one name the first listed counts.
                if go_on(member, rest, names, found) {
                    return;
                }
            }
            if names == Names::Exact || found.len() > before {
                return;
            }
            for (name, member) in members {
                // No node is looked into twice: at each level of an event that would double what a path costs.
                let rest = strip_like(path, name).filter(|_| !path.starts_with(name.as_ref()));
                let Some(rest) = rest else { continue };
                go_on(member, rest, names, found);
                if found.len() > before {
                    return;
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, names, found)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {}
    }
}

/// Follows what a member's name has left of a path; whether that was all of it.
fn go_on<'t>(member: &'t Node<'t>, rest: &str, names: Names, found: &mut Vec<&'t Node<'t>>) -> bool {
    match rest.as_bytes().first() {
        None => found.push(member),
        Some(b'.') => collect(member, &rest[1..], names, found),
        Some(b'[') => pick(member, rest, names, found),
        Some(_) => {}
    }
    rest.is_empty()
}

/// What is left of a path behind a name, whatever the case of its letters. Most names are told from it by their length
/// alone: a step must end where they do.
fn strip_like<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    let (head, rest) = path.split_at_checked(name.len())?;
    let is_step = rest.is_empty() || rest.starts_with(['.', '[']);
    (is_step && head.eq_ignore_ascii_case(name)).then_some(rest)
}

fn pick<'t>(node: &'t Node<'t>, path: &str, names: Names, found: &mut Vec<&'t Node<'t>>) {
    let Value::Array(items) = &node.value else { return };
    let Some((index, rest)) = path[1..].split_once(']') else { return };
    let Ok(index) = index.parse::<isize>() else { return };
    let from_front = if index < 0 { index + items.len() as isize } else { index };
    let Some(item) = usize::try_from(from_front).ok().and_then(|index| items.get(index)) else { return };
    go_on(item, rest, names, found);
}

/// A value for tests of texts and numbers: objects as compact JSON, lists element by element.
fn flat<'t>(node: &'t Node<'t>, document: &'t str) -> EventValue<'t> {
    match &node.value {
        Value::Null => EventValue::Null,
        Value::Bool(truth) => EventValue::Bool(*truth),
        Value::Int(number) => EventValue::Int(*number),
        Value::Float(number) => EventValue::Float(*number),
        Value::Text(text) => EventValue::Str(Cow::Borrowed(text.as_ref())),
        Value::Array(items) => EventValue::Array(items.iter().map(|item| flat(item, document)).collect()),
        Value::Object(_) => EventValue::Str(compact(node, document)),
    }
}

/// What is asked of each element of a list; of a value that is no list, as of its only element.
fn elements<'t>(node: &'t Node<'t>, document: &'t str, members: &'t [Member]) -> EventValue<'t> {
    match &node.value {
        Value::Array(items) => EventValue::Array(items.iter().map(|item| elements(item, document, members)).collect()),
        Value::Object(_) => {
            let asked = members.iter().filter_map(|member| {
                let value = member.address.value_in_element(node, document)?;
                Some((Cow::Borrowed(member.encoded.as_str()), value))
            });
            EventValue::Map(asked.collect())
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => flat(node, document),
    }
}

/// A value as JSON without blanks; borrowed where it stands so in the document.
fn compact<'t>(node: &'t Node<'t>, document: &'t str) -> Cow<'t, str> {
    let verbatim = document.get(node.start..node.end).unwrap_or_default();
    let has_blank_or_escape = verbatim.bytes().any(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\\'));
    if !has_blank_or_escape && verbatim.starts_with('{') {
        return Cow::Borrowed(verbatim);
    }
    let mut text = String::with_capacity(verbatim.len());
    write(node, &mut text);
    Cow::Owned(text)
}

fn write(node: &Node<'_>, text: &mut String) {
    use std::fmt::Write as _;
    match &node.value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => {
            let _ = write!(text, "{number}");
        }
        Value::Float(number) => text.push_str(&serde_json::Value::from(*number).to_string()),
        Value::Text(string) => text.push_str(&serde_json::Value::from(string.as_ref()).to_string()),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&serde_json::Value::from(name.as_ref()).to_string());
                text.push(':');
                write(member, text);
            }
            text.push('}');
        }
    }
}
