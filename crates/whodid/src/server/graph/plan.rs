//! From the tree of a query to what is to be done for it, and whether that is little enough.
//!
//! *Invariants*: a plan names only members that there are, with arguments that are read; it nests at most [`DEPTH_MAX`]
//! levels, has at most [`FIELDS_MAX`] fields, and whatever is stored, answering it looks up at most [`READS_MAX`] lists
//! and gives at most [`OBJECTS_MAX`] things. So what a query may cost is known before anything is read.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value;
use whodid_api::{FindingSeverity, GraphLocation, GraphRequest, NoteKind};

use super::schema::{Member, QUERY, Question, Shape, Type};
use super::syntax::{self, Argument, Directive, Document, Field, Literal, Name, Operation, Refusal, Selection, shown};

/// Braces within each other, those of fragments included.
pub const DEPTH_MAX: usize = 8;
/// Fields and fragments of the query that is meant; one of a fragment counts wherever the fragment stands.
pub const FIELDS_MAX: usize = 200;
/// Lists, and single occurrences, that are looked up.
pub const READS_MAX: u64 = 128;
/// Things of all lists together, were each page full.
pub const OBJECTS_MAX: u64 = 50_000;
/// Things on a page of which no size is given, as on the other paths.
const PAGE_SIZE: u32 = 100;

/// A field of the answer.
#[derive(Debug)]
pub struct Planned {
    /// Its name there.
    pub key: String,
    /// The member's.
    pub name: &'static str,
    pub location: GraphLocation,
    pub what: What,
}

/// What stands under it.
#[derive(Debug)]
pub enum What {
    /// The name of the kind of thing.
    TypeName(&'static str),
    Value,
    Part(Vec<Planned>),
    Parts(Vec<Planned>),
    Items(Vec<Planned>),
    Asked(Asked),
}

/// A question, with what is asked of the thing that it finds.
#[derive(Debug)]
pub struct Asked {
    pub question: Question,
    pub arguments: Arguments,
    pub fields: Vec<Planned>,
}

/// What narrows a question. What it needs is there.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Arguments {
    pub provider_id: String,
    pub id: String,
    pub note_id: Option<String>,
    pub kind: Option<NoteKind>,
    pub severity: Option<FindingSeverity>,
    pub page_size: Option<u32>,
    pub page_token: Option<String>,
    pub limit: Option<u32>,
    pub skip: Option<u32>,
    pub start_provider_id: Option<String>,
    pub end_provider_id: Option<String>,
}

/// Plans what a request asks for.
pub fn plan(request: &GraphRequest) -> Result<Vec<Planned>, Refusal> {
    let document = syntax::parse(&request.query)?;
    let operation = meant(&document, request.operation_name.as_deref().filter(|name| !name.is_empty()))?;
    refuse_repeated(document.fragments.iter().map(|fragment| fragment.name), "a fragment")?;
    refuse_cycles(&document)?;
    for fragment in &document.fragments {
        refuse_directives(&fragment.directives)?;
    }
    refuse_directives(&operation.directives)?;
    let variables = variables(operation, request.variables.as_ref())?;
    let mut planner = Planner { text: &request.query, document: &document, variables, fields: 0, reads: 0, objects: 0 };
    let begin = Level { of: &QUERY, depth: 1, times: 1, page: 0, at: operation.kind };
    planner.level(begin, &[operation.selections.as_slice()])
}

fn refused<T>(at: Name<'_>, detail: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { at: at.at, length: at.text.len(), detail: detail.into() })
}

/// The query that is meant.
fn meant<'d, 't>(document: &'d Document<'t>, name: Option<&str>) -> Result<&'d Operation<'t>, Refusal> {
    let whole = Name { text: "", at: 0 };
    refuse_repeated(document.operations.iter().filter_map(|operation| operation.name), "a query")?;
    let operation = match (name, document.operations.as_slice()) {
        (_, []) => return refused(whole, "the text has no query"),
        (None, [only]) => only,
        (None, _) => return refused(whole, "the text has several queries; `operationName` says which is meant"),
        (Some(name), all) => {
            let found = all.iter().find(|one| one.name.is_some_and(|of| of.text == name));
            let Some(found) = found else {
                return refused(whole, format!("the text has no query `{}`, which `operationName` names", shown(name)));
            };
            found
        }
    };
    if operation.kind.text != "query" {
        let detail = format!("only queries are answered, no {}; the other paths make changes", operation.kind.text);
        return refused(operation.kind, detail);
    }
    Ok(operation)
}

fn refuse_repeated<'t>(names: impl Iterator<Item = Name<'t>>, what: &str) -> Result<(), Refusal> {
    let mut known = BTreeSet::new();
    for name in names {
        if !known.insert(name.text) {
            return refused(name, format!("there is {what} of this name already"));
        }
    }
    Ok(())
}

fn refuse_directives(directives: &[Directive<'_>]) -> Result<(), Refusal> {
    match directives.first() {
        Some(first) => refused(first.name, "a query or a fragment takes no directive; its fields do"),
        None => Ok(()),
    }
}

/// Refuses fragments that hold themselves, in whatever way.
fn refuse_cycles(document: &Document<'_>) -> Result<(), Refusal> {
    fn spread<'t>(selections: &[Selection<'t>], into: &mut BTreeSet<&'t str>) {
        for selection in selections {
            match selection {
                Selection::Field(field) => spread(&field.selections, into),
                Selection::Inline { selections, .. } => spread(selections, into),
                Selection::Spread { name, .. } => {
                    into.insert(name.text);
                }
            }
        }
    }
    let mut left: BTreeMap<&str, (Name<'_>, BTreeSet<&str>)> = BTreeMap::new();
    for fragment in &document.fragments {
        let mut holds = BTreeSet::new();
        spread(&fragment.selections, &mut holds);
        left.insert(fragment.name.text, (fragment.name, holds));
    }
    // Those that hold none of the others go, again and again; what stays holds itself, or one that does.
    loop {
        let is_open = |holds: &BTreeSet<&str>| holds.iter().any(|name| left.contains_key(*name));
        let done: Vec<&str> = left.iter().filter(|(_, (_, holds))| !is_open(holds)).map(|(name, _)| *name).collect();
        if done.is_empty() {
            break;
        }
        for name in done {
            left.remove(name);
        }
    }
    match left.values().next() {
        Some((name, _)) => refused(*name, "this fragment holds itself, or one that does"),
        None => Ok(()),
    }
}

/// What a variable stands for.
#[derive(Debug, Clone, Copy)]
enum Bound<'a> {
    Nothing,
    Json(&'a Value),
    Literal(&'a Literal<'a>),
}

fn variables<'a>(
    operation: &'a Operation<'a>,
    given: Option<&'a serde_json::Map<String, Value>>,
) -> Result<BTreeMap<&'a str, Bound<'a>>, Refusal> {
    refuse_repeated(operation.variables.iter().map(|variable| variable.name), "a variable")?;
    let mut bound = BTreeMap::new();
    for variable in &operation.variables {
        let value = match (given.and_then(|given| given.get(variable.name.text)), &variable.default) {
            (Some(Value::Null), _) | (None, None | Some(Literal::Null)) if variable.is_required => {
                return refused(variable.name, "`variables` has no value for this variable, which needs one");
            }
            (Some(Value::Null), _) | (None, None) => Bound::Nothing,
            (Some(value), _) => Bound::Json(value),
            (None, Some(default)) => Bound::Literal(default),
        };
        bound.insert(variable.name.text, value);
    }
    Ok(bound)
}

/// A value where it is used.
#[derive(Debug)]
enum Given<'a> {
    Nothing,
    Boolean(bool),
    Number(Option<u32>),
    /// A text, or the name of one of several values: JSON writes both alike.
    Text(&'a str),
    /// Such a name, as GraphQL writes it.
    Word(&'a str),
    Other,
}

/// Where in the answer the planner is.
#[derive(Clone, Copy)]
struct Level<'t> {
    of: &'static Type,
    depth: usize,
    /// How many things of this kind there may be.
    times: u64,
    /// How many things stand on it, if it is a page.
    page: u64,
    at: Name<'t>,
}

/// A field with all that is selected of it.
struct Collected<'a> {
    key: Name<'a>,
    field: &'a Field<'a>,
    /// `None` for the name of the kind of thing.
    member: Option<&'static Member>,
    arguments: Arguments,
    selected: Vec<&'a [Selection<'a>]>,
}

struct Planner<'a> {
    text: &'a str,
    document: &'a Document<'a>,
    variables: BTreeMap<&'a str, Bound<'a>>,
    fields: usize,
    reads: u64,
    objects: u64,
}

impl<'a> Planner<'a> {
    fn level(&mut self, level: Level<'a>, selected: &[&'a [Selection<'a>]]) -> Result<Vec<Planned>, Refusal> {
        if level.depth > DEPTH_MAX {
            return refused(level.at, format!("the query is deeper than {DEPTH_MAX} levels"));
        }
        let mut collected = Vec::new();
        for &selections in selected {
            self.collect(level.of, selections, &mut collected)?;
        }
        let mut planned = Vec::with_capacity(collected.len());
        for Collected { key, field, member, arguments, selected } in collected {
            let below = Level { depth: level.depth + 1, page: 0, at: field.name, ..level };
            let what = match member.map(|member| member.shape) {
                None => What::TypeName(level.of.name),
                Some(Shape::Value) => What::Value,
                Some(Shape::Part(of)) => What::Part(self.level(Level { of, ..below }, &selected)?),
                Some(Shape::Parts(of)) => What::Parts(self.level(Level { of, ..below }, &selected)?),
                Some(Shape::Items(of)) => {
                    let times = level.times.saturating_mul(level.page);
                    self.count(0, times, field.name)?;
                    What::Items(self.level(Level { of, times, ..below }, &selected)?)
                }
                Some(Shape::Asked(question)) => {
                    // The note of an occurrence is known with all notes.
                    let reads = if question == Question::NoteOfOccurrence { 0 } else { level.times };
                    self.count(reads, level.times, field.name)?;
                    let page = u64::from(arguments.page_size.or(arguments.limit).unwrap_or(PAGE_SIZE));
                    let fields = self.level(Level { of: question.answer(), page, ..below }, &selected)?;
                    What::Asked(Asked { question, arguments, fields })
                }
            };
            let name = member.map_or("__typename", |member| member.name);
            planned.push(Planned { key: key.text.to_owned(), name, location: self.location(field.name), what });
        }
        Ok(planned)
    }

    fn location(&self, name: Name<'_>) -> GraphLocation {
        let (line, column) = syntax::line_and_column(self.text, name.at);
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        GraphLocation { line: number(line), column: number(column) }
    }

    fn count(&mut self, reads: u64, objects: u64, at: Name<'_>) -> Result<(), Refusal> {
        self.reads = self.reads.saturating_add(reads);
        self.objects = self.objects.saturating_add(objects);
        if self.reads > READS_MAX {
            let detail = format!(
                "the query may look up more than {READS_MAX} lists; ask for a smaller `page_size` of what has lists"
            );
            return refused(at, detail);
        }
        if self.objects > OBJECTS_MAX {
            let detail = format!("the query may give more than {OBJECTS_MAX} things; ask for a smaller `page_size`");
            return refused(at, detail);
        }
        Ok(())
    }

    fn collect(
        &mut self,
        of: &'static Type,
        selections: &'a [Selection<'a>],
        into: &mut Vec<Collected<'a>>,
    ) -> Result<(), Refusal> {
        for selection in selections {
            let (at, directives) = match selection {
                Selection::Field(field) => (field.name, &field.directives),
                Selection::Spread { name, directives } => (*name, directives),
                Selection::Inline { at, directives, .. } => (Name { text: "...", at: *at }, directives),
            };
            self.fields += 1;
            if self.fields > FIELDS_MAX {
                return refused(at, format!("the query has more than {FIELDS_MAX} fields and fragments"));
            }
            if !self.is_included(directives)? {
                continue;
            }
            match selection {
                Selection::Field(field) => self.take(of, field, into)?,
                Selection::Spread { name, .. } => {
                    let fragments = &self.document.fragments;
                    let Some(fragment) = fragments.iter().find(|fragment| fragment.name.text == name.text) else {
                        return refused(*name, format!("there is no fragment `{}`", shown(name.text)));
                    };
                    fits(of, fragment.on)?;
                    self.collect(of, &fragment.selections, into)?;
                }
                Selection::Inline { on, selections, .. } => {
                    if let Some(on) = on {
                        fits(of, *on)?;
                    }
                    self.collect(of, selections, into)?;
                }
            }
        }
        Ok(())
    }

    /// Whether `@skip` and `@include` let something in.
    fn is_included(&self, directives: &'a [Directive<'a>]) -> Result<bool, Refusal> {
        let mut is_included = true;
        for Directive { name, arguments } in directives {
            let lets_in = match name.text {
                "include" => true,
                "skip" => false,
                _ => return refused(*name, "there is no such directive; `@include` and `@skip` are known"),
            };
            match arguments.as_slice() {
                [argument] if argument.name.text == "if" => match self.given(argument)? {
                    Given::Boolean(value) => is_included &= value == lets_in,
                    _ => return refused(argument.name, "`if` is true or false"),
                },
                _ => return refused(*name, "it takes one argument, `if`"),
            }
        }
        Ok(is_included)
    }

    /// Adds a field, or what is selected of it to one of the same name.
    fn take(&mut self, of: &'static Type, field: &'a Field<'a>, into: &mut Vec<Collected<'a>>) -> Result<(), Refusal> {
        let name = field.name;
        let member = match of.member(name.text) {
            None if name.text == "__typename" => None,
            None if name.text.starts_with("__") => {
                return refused(name, "there is no introspection but `__typename`; the guide has the schema");
            }
            None => {
                let detail = format!("{} has no `{}`; it has {}", of.name, shown(name.text), of.names());
                return refused(name, detail);
            }
            member => member,
        };
        let is_value = matches!(member.map(|member| member.shape), None | Some(Shape::Value));
        if is_value && !field.selections.is_empty() {
            return refused(name, "this is a value, of which nothing can be selected");
        }
        if !is_value && field.selections.is_empty() {
            return refused(name, "say in braces what of it is asked for");
        }
        let arguments = match member.map(|member| member.shape) {
            Some(Shape::Asked(question)) => self.arguments(question, field)?,
            _ => match field.arguments.first() {
                Some(first) => return refused(first.name, format!("`{}` takes no argument", shown(name.text))),
                None => Arguments::default(),
            },
        };
        let key = field.alias.unwrap_or(name);
        match into.iter_mut().find(|one| one.key.text == key.text) {
            None => into.push(Collected { key, field, member, arguments, selected: vec![field.selections.as_slice()] }),
            Some(known) if known.field.name.text == name.text && known.arguments == arguments => {
                known.selected.push(&field.selections);
            }
            Some(_) => return refused(key, "two different fields have this name in the answer; give one an alias"),
        }
        Ok(())
    }

    fn arguments(&self, question: Question, field: &'a Field<'a>) -> Result<Arguments, Refusal> {
        let (taken, needed) = question.arguments();
        refuse_repeated(field.arguments.iter().map(|argument| argument.name), "an argument")?;
        let mut arguments = Arguments::default();
        let mut missing: BTreeSet<&str> = taken.iter().take(needed).copied().collect();
        for argument in &field.arguments {
            let name = argument.name;
            if !taken.contains(&name.text) {
                let taken = if taken.is_empty() { "none".to_owned() } else { taken.join(", ") };
                return refused(name, format!("there is no argument `{}`; taken is {taken}", shown(name.text)));
            }
            let given = self.given(argument)?;
            if matches!(given, Given::Nothing) {
                continue;
            }
            missing.remove(name.text);
            match name.text {
                "provider_id" => arguments.provider_id = text(name, &given)?,
                "id" => arguments.id = text(name, &given)?,
                "note_id" => arguments.note_id = Some(text(name, &given)?),
                "page_token" => arguments.page_token = Some(text(name, &given)?),
                "start_provider_id" => arguments.start_provider_id = Some(text(name, &given)?),
                "end_provider_id" => arguments.end_provider_id = Some(text(name, &given)?),
                "page_size" => arguments.page_size = Some(number(name, &given)?),
                "limit" => arguments.limit = Some(number(name, &given)?),
                "skip" => arguments.skip = Some(number(name, &given)?),
                "severity" => arguments.severity = Some(one_of(name, &given, "LOW, MEDIUM, HIGH or CRITICAL")?),
                "kind" => {
                    arguments.kind = Some(one_of(name, &given, "FINDING, KPI, CARD, CARD_CONFIGURED or SECTION")?);
                }
                other => return refused(name, format!("`{}` is not read", shown(other))),
            }
        }
        match missing.first() {
            Some(missing) => refused(field.name, format!("the argument `{missing}` is needed")),
            None => Ok(arguments),
        }
    }

    fn given(&self, argument: &'a Argument<'a>) -> Result<Given<'a>, Refusal> {
        let Literal::Variable(variable) = &argument.value else { return Ok(plain(&argument.value)) };
        match self.variables.get(*variable) {
            None => refused(argument.name, format!("the query declares no variable `${}`", shown(variable))),
            Some(Bound::Nothing) => Ok(Given::Nothing),
            Some(Bound::Literal(literal)) => Ok(plain(literal)),
            Some(Bound::Json(value)) => Ok(match value {
                Value::Null => Given::Nothing,
                Value::Bool(value) => Given::Boolean(*value),
                Value::Number(number) => Given::Number(number.as_u64().and_then(|number| u32::try_from(number).ok())),
                Value::String(text) => Given::Text(text),
                Value::Array(_) | Value::Object(_) => Given::Other,
            }),
        }
    }
}

/// Refuses a fragment of another kind of thing: nothing here is of two kinds.
fn fits(of: &'static Type, on: Name<'_>) -> Result<(), Refusal> {
    if on.text == of.name {
        return Ok(());
    }
    refused(on, format!("the fragment is about `{}`, and here is a {}", shown(on.text), of.name))
}

fn plain<'a>(literal: &'a Literal<'a>) -> Given<'a> {
    match literal {
        Literal::Null => Given::Nothing,
        Literal::Boolean(value) => Given::Boolean(*value),
        Literal::Number(number) => Given::Number(number.parse().ok()),
        Literal::Text(text) => Given::Text(text),
        Literal::Word(word) => Given::Word(word),
        Literal::Variable(_) | Literal::List | Literal::Object => Given::Other,
    }
}

fn text(name: Name<'_>, given: &Given<'_>) -> Result<String, Refusal> {
    match given {
        Given::Text(text) => Ok((*text).to_owned()),
        _ => refused(name, format!("`{}` is a text", name.text)),
    }
}

fn number(name: Name<'_>, given: &Given<'_>) -> Result<u32, Refusal> {
    match given {
        Given::Number(Some(number)) => Ok(*number),
        _ => refused(name, format!("`{}` is a whole number", name.text)),
    }
}

fn one_of<T: DeserializeOwned>(name: Name<'_>, given: &Given<'_>, values: &str) -> Result<T, Refusal> {
    let read = match given {
        Given::Text(text) | Given::Word(text) => serde_json::from_value(Value::from(*text)).ok(),
        _ => None,
    };
    match read {
        Some(read) => Ok(read),
        None => refused(name, format!("`{}` is {values}", name.text)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn planned(query: &str, variables: Value) -> Result<String, String> {
        fn told(all: &[Planned]) -> String {
            let one = |one: &Planned| {
                let of = match &one.what {
                    What::TypeName(name) => format!("={name}"),
                    What::Value => String::new(),
                    What::Part(fields) | What::Parts(fields) | What::Items(fields) => told(fields),
                    What::Asked(asked) => {
                        let given = &asked.arguments;
                        let texts = [Some(&given.provider_id), Some(&given.id), given.note_id.as_ref()];
                        let mut texts: Vec<String> =
                            texts.into_iter().flatten().filter(|text| !text.is_empty()).cloned().collect();
                        texts.extend(given.page_size.or(given.limit).map(|size| size.to_string()));
                        texts.extend(given.kind.map(|kind| format!("{kind:?}")));
                        texts.extend(given.severity.map(|severity| format!("{severity:?}")));
                        format!("({}){}", texts.join(" "), told(&asked.fields))
                    }
                };
                let alias = if one.key == one.name { String::new() } else { format!("{}:", one.key) };
                format!("{alias}{}{of}", one.name)
            };
            format!("{{{}}}", all.iter().map(one).collect::<Vec<_>>().join(" "))
        }
        let request: GraphRequest = serde_json::from_value(json!({"query": query, "variables": variables})).unwrap();
        plan(&request).map(|fields| told(&fields)).map_err(|refusal| {
            let text = query.get(refusal.at..refusal.at + refusal.length).unwrap();
            format!("{text}: {}", refusal.detail)
        })
    }

    fn check(query: &str, variables: Value, expected: &str) {
        assert_eq!(planned(query, variables).unwrap(), expected, "{query}");
    }

    fn refused_for(query: &str, variables: Value, words: &str) {
        let refusal = planned(query, variables).unwrap_err();
        assert!(refusal.contains(words), "{query}: {refusal}");
    }

    #[test]
    fn a_query_says_what_is_asked_of_which_things() {
        check(
            "{ a: note(provider_id: \"p\", id: \"n\") { __typename id reported_by { title } } providers(limit: 3) { total_count } }",
            Value::Null,
            "{a:note(p n){__typename=Note id reported_by{title}} providers(3){total_count}}",
        );
        check(
            "{ occurrences(provider_id: \"p\", kind: FINDING, severity: \"HIGH\", page_size: 5) { occurrences { n: note { id } } } }",
            Value::Null,
            "{occurrences(p 5 Finding High){occurrences{n:note(){id}}}}",
        );
    }

    #[test]
    fn variables_stand_for_what_is_given_for_them_or_their_default() {
        let query = "query($p: ID!, $s: Int = 7, $k: K) { notes(provider_id: $p, page_size: $s, kind: $k) { next_page_token } }";
        check(query, json!({"p": "a"}), "{notes(a 7){next_page_token}}");
        check(query, json!({"p": "a", "s": 9, "k": "KPI", "more": 1}), "{notes(a 9 Kpi){next_page_token}}");
        check(query, json!({"p": "a", "s": null, "k": null}), "{notes(a){next_page_token}}");
        refused_for(query, Value::Null, "p: `variables` has no value");
        refused_for(query, json!({"p": null}), "p: `variables` has no value");
        refused_for(query, json!({"p": 1}), "provider_id: `provider_id` is a text");
        refused_for(query, json!({"p": "a", "s": -1}), "page_size: `page_size` is a whole number");
        refused_for(query, json!({"p": "a", "s": 1.5}), "whole number");
        refused_for(query, json!({"p": "a", "k": "FIND"}), "kind: `kind` is FINDING");
        refused_for(
            "query($p: ID) { note(provider_id: $p, id: \"n\") { id } }",
            Value::Null,
            "`provider_id` is needed",
        );
        refused_for("{ note(provider_id: $p, id: \"n\") { id } }", Value::Null, "no variable `$p`");
        refused_for("query($a: A, $a: A) { providers { limit } }", Value::Null, "of this name already");
    }

    #[test]
    fn fragments_and_directives_say_what_is_asked_and_fields_of_one_name_become_one() {
        check(
            "query($no: Boolean) { note(provider_id: \"p\", id: \"n\") { ...f ... on Note { id kind @skip(if: true) } ... @include(if: $no) { shared } } } \
             fragment f on Note { author { id } id @include(if: true) author { email } }",
            json!({"no": false}),
            "{note(p n){author{id email} id}}",
        );
        refused_for("{ providers { id: limit id: skip } }", Value::Null, "id: two different fields");
        let two = "{ notes(provider_id: \"p\") { next_page_token } notes(provider_id: \"q\") { next_page_token } }";
        refused_for(two, Value::Null, "notes: two different fields");
        refused_for("{ ...f }", Value::Null, "f: there is no fragment `f`");
        refused_for("{ ... on Note { id } }", Value::Null, "Note: the fragment is about `Note`, and here is a Query");
        refused_for("{ providers @live { limit } }", Value::Null, "live: there is no such directive");
        refused_for("{ providers @skip(if: 1) { limit } }", Value::Null, "if: `if` is true or false");
        refused_for("{ providers @skip { limit } }", Value::Null, "skip: it takes one argument");
        refused_for("query @skip(if: true) { providers { limit } }", Value::Null, "takes no directive");
    }

    #[test]
    fn what_there_is_not_is_refused_where_it_stands() {
        for (query, words) in [
            ("", "the text has no query"),
            ("fragment f on Note { id }", "the text has no query"),
            ("mutation { providers { limit } }", "mutation: only queries are answered"),
            ("subscription { providers { limit } }", "subscription: only queries are answered"),
            ("query A { providers { limit } } query B { providers { limit } }", "several queries"),
            ("query A { providers { limit } } query A { providers { limit } }", "A: there is a query of this name"),
            ("{ __schema { types { name } } }", "__schema: there is no introspection"),
            ("{ __type(name: \"Note\") { name } }", "__type: there is no introspection"),
            ("{ people { id } }", "people: Query has no `people`; it has providers, notes"),
            ("{ providers }", "providers: say in braces"),
            ("{ providers { limit { a } } }", "limit: this is a value"),
            ("{ providers { limit(a: 1) } }", "a: `limit` takes no argument"),
            ("{ providers(page: 1) { limit } }", "page: there is no argument `page`; taken is limit"),
            ("{ providers(limit: 1, limit: 1) { limit } }", "limit: there is an argument of this name"),
            ("{ notes { next_page_token } }", "notes: the argument `provider_id` is needed"),
            ("{ notes(provider_id: null) { next_page_token } }", "notes: the argument `provider_id` is needed"),
            ("{ notes(provider_id: [\"p\"]) { next_page_token } }", "provider_id: `provider_id` is a text"),
            ("{ notes(provider_id: p) { next_page_token } }", "provider_id: `provider_id` is a text"),
            ("{ note(provider_id: \"p\", id: 1) { id } }", "id: `id` is a text"),
        ] {
            refused_for(query, Value::Null, words);
        }
    }

    #[test]
    fn the_query_that_is_meant_is_named_where_there_are_several() {
        let text = "query A { providers { limit } } query B { providers { skip } } mutation C { a }";
        let of = |name: &str| plan(&serde_json::from_value(json!({"query": text, "operationName": name})).unwrap());
        let planned = of("B").unwrap();
        let What::Asked(asked) = &planned[0].what else { panic!("a question") };
        assert_eq!(asked.fields[0].name, "skip");
        assert!(of("D").unwrap_err().detail.contains("no query `D`"));
        assert!(of("C").unwrap_err().detail.contains("only queries"));
        assert!(of("").unwrap_err().detail.contains("several"));
    }

    #[test]
    fn a_query_is_at_most_so_deep_wide_and_costly() {
        let deepest = "{ notes(provider_id: \"p\", page_size: 2) { notes { occurrences(page_size: 2) { occurrences { note { finding { next_steps { title } } } } } } } }";
        assert!(planned(deepest, Value::Null).is_ok());
        let deeper = deepest.replace("finding { next_steps { title } }", "card { elements { value_type { text } } }");
        refused_for(&deeper, Value::Null, "value_type: the query is deeper than 8 levels");

        let wide = |times: usize| {
            let fields: Vec<String> = (0..times).map(|number| format!("a{number}: limit")).collect();
            format!("{{ providers {{ {} }} }}", fields.join(" "))
        };
        assert!(planned(&wide(FIELDS_MAX - 1), Value::Null).is_ok());
        refused_for(&wide(FIELDS_MAX), Value::Null, "more than 200 fields");

        let each = |notes: u32, occurrences: u32, of: &str| {
            format!(
                "{{ notes(provider_id: \"p\", page_size: {notes}) {{ notes {{ occurrences(page_size: {occurrences}) {{ {of} }} }} }} }}"
            )
        };
        assert!(planned(&each(100, 100, "occurrences { id }"), Value::Null).is_ok(), "pages of the usual size");
        refused_for(&each(128, 1, "next_page_token"), Value::Null, "occurrences: the query may look up more than 128");
        refused_for(&each(1000, 1, "next_page_token"), Value::Null, "more than 128");
        refused_for(&each(100, 1000, "occurrences { id }"), Value::Null, "occurrences: the query may give more than");
        assert!(planned(&each(100, 200, "occurrences { note { id } }"), Value::Null).is_ok(), "40,100 things");
        refused_for(&each(100, 300, "occurrences { note { id } }"), Value::Null, "note: the query may give more than");
        let hidden =
            "query($n: Int) { notes(provider_id: \"p\", page_size: $n) { notes { occurrences { next_page_token } } } }";
        refused_for(hidden, json!({"n": 4_000_000_000_u32}), "more than");
    }

    #[test]
    fn fragments_neither_hold_themselves_nor_multiply() {
        for fragments in [
            "fragment a on Query { ...a }",
            "fragment a on Query { ...b } fragment b on Query { ...c } fragment c on Query { ...a }",
            "fragment a on Query { note(provider_id: \"p\", id: \"n\") { ...b } } fragment b on Note { occurrences { occurrences { note { ...b } } } }",
        ] {
            refused_for(&format!("{{ ...a }} {fragments}"), Value::Null, "holds itself");
        }
        // 2^40 fields, if each were looked at.
        let doubling: String =
            (0..40).map(|of| format!(" fragment f{of} on Query {{ ...f{0} ...f{0} }}", of + 1)).collect();
        for leaf in ["providers { limit }", "providers @skip(if: true) { limit }"] {
            let text = format!("{{ ...f0 }} {doubling} fragment f40 on Query {{ {leaf} }}");
            refused_for(&text, Value::Null, "more than 200 fields");
        }
        let long: String = (0..300).map(|of| format!(" fragment f{of} on Query {{ ...f{} }}", of + 1)).collect();
        refused_for(&format!("{{ ...f0 }} {long}"), Value::Null, "more than 200 fields");
    }
}
