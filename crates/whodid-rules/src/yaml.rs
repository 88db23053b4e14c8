//! YAML documents of a rule file, read with bounds.

use yaml_serde::{Mapping, Value};

use crate::problem::Problem;

/// Largest rule file, in bytes.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// Most documents in one file.
pub const DOCUMENTS_MAX: usize = 1_000;
/// Most levels that `action: global` documents are merged through.
const MERGE_DEPTH_MAX: usize = 64;

/// The lines at which the documents of a file begin, from 1: after each line that parts them.
pub fn beginnings(text: &str) -> Vec<usize> {
    let is_mark = |line: &str| line == "---" || line.starts_with("--- ");
    let is_text = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut lines: Vec<usize> = Vec::new();
    // Whether the last document's first line was seen; one that is empty counts too.
    let mut is_begun = false;
    for (line, number) in text.lines().zip(1..) {
        if is_mark(line.trim_end()) {
            lines.push(number + 1);
            is_begun = false;
        } else if !is_begun && is_text(line) {
            lines.pop();
            lines.push(number);
            is_begun = true;
        }
    }
    lines
}

/// What the parser takes for the end of a line, once `\r` is `\n`.
const BREAKS: [char; 4] = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];

/// The text of each document of a file as it was given, but for the ends of its lines, which are `\n`: all that stands
/// between the lines that part documents, comments and tests included. The text of a file without such lines is its
/// only document's.
pub fn slices(text: &str) -> Vec<String> {
    let is_mark = |line: &str, mark: &str| {
        line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    };
    let is_text = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#') && !line.starts_with('%');
    let text = with_plain_ends(text);
    let mut slices = Vec::new();
    let mut slice = String::new();
    // Whether there is a document: a line parts it from what was before, or something stands in it.
    let mut is_begun = false;
    for line in text.split_inclusive(BREAKS) {
        let content = line.trim_end_matches(BREAKS);
        let (is_beginning, is_end) = (is_mark(content, "---"), is_mark(content, "..."));
        if is_beginning || is_end {
            let ended = std::mem::take(&mut slice);
            if is_begun {
                slices.push(ended);
            }
            is_begun = is_beginning;
            if let (true, Some(rest)) = (is_beginning, line.get("---".len()..)) {
                slice.push_str(rest.trim_start());
            }
        } else {
            is_begun |= is_text(content);
            slice.push_str(line);
        }
    }
    if is_begun {
        slices.push(slice);
    }
    slices
}

/// A text whose lines end in `\n`, whatever system wrote it.
pub fn with_plain_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A file as the parser sees it.
#[derive(Debug, Default)]
pub struct File {
    /// Its documents with their numbers, `action: global`, `repeat` and `reset` carried out.
    pub documents: Vec<(usize, Value)>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// How many documents there are, those included that are empty or only laid under others.
    pub count: usize,
    /// Whether some document is made of others, too.
    pub is_collection: bool,
}

/// The documents of a file with their numbers, `action: global`, `repeat` and `reset` carried out.
pub fn documents(text: &str) -> (Vec<(usize, Value)>, Vec<Problem>) {
    let file = read(text);
    (file.documents, file.problems)
}

/// The same with what is known of the file.
pub fn read(text: &str) -> File {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, and {FILE_BYTES_MAX} are allowed; split it", text.len());
        return File { problems: vec![Problem::error("too_large", message)], ..File::default() };
    }
    if let Some(anchor) = reused_anchor(text) {
        let message = format!(
            "the alias *{anchor} repeats a part of the document, which is not allowed in rules because a short file could \
             become a huge one; write the part out"
        );
        return File { problems: vec![Problem::error("yaml_alias", message)], ..File::default() };
    }
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    let (mut count, mut is_collection) = (0, false);
    let (mut global, mut previous): (Option<Value>, Option<Value>) = (None, None);
    for (index, reader) in yaml_serde::Deserializer::from_str(text).enumerate() {
        if index >= DOCUMENTS_MAX {
            problems
                .push(Problem::error("too_many", format!("more than {DOCUMENTS_MAX} documents in one file; split it")));
            break;
        }
        count = index + 1;
        let mut document: Value = match serde::Deserialize::deserialize(reader) {
            Ok(document) => document,
            Err(error) => {
                let line = error.location().map(|location| location.line());
                // Where the next document begins is unknown to the parser after an error.
                let unread = match beginnings(text).len() > index + 1 {
                    true => "; the documents behind it in this file were not read",
                    false => "",
                };
                problems.push(Problem {
                    document: index + 1,
                    line,
                    ..Problem::error("yaml", format!("this is no YAML: {error}{unread}"))
                });
                break;
            }
        };
        if document.is_null() {
            continue;
        }
        let action = document.get("action").and_then(Value::as_str).map(str::to_owned);
        if let (Some(_), Some(mapping)) = (&action, document.as_mapping_mut()) {
            mapping.remove("action");
            is_collection = true;
        }
        match action.as_deref() {
            Some("global") => {
                global = Some(document);
                continue;
            }
            Some("reset") => {
                global = None;
                continue;
            }
            Some("repeat") => match previous.clone() {
                Some(earlier) => document = merge(earlier, document, 0),
                None => {
                    let problem = Problem::error("yaml", "'action: repeat' without a document before it");
                    problems.push(Problem { document: index + 1, ..problem });
                    continue;
                }
            },
            Some(other) => {
                let problem = Problem::error(
                    "yaml",
                    format!("the collection action '{other}' is not one of global, repeat, reset"),
                );
                problems.push(Problem { document: index + 1, ..problem });
                continue;
            }
            None => {}
        }
        if let Some(global) = &global {
            document = merge(global.clone(), document, 0);
        }
        previous = Some(document.clone());
        documents.push((index + 1, document));
    }
    File { documents, problems, count, is_collection }
}

fn merge(under: Value, over: Value, depth: usize) -> Value {
    match (under, over) {
        (Value::Mapping(mut under), Value::Mapping(over)) if depth < MERGE_DEPTH_MAX => {
            for (name, value) in over {
                let merged = match under.remove(&name) {
                    Some(earlier) => merge(earlier, value, depth + 1),
                    None => value,
                };
                under.insert(name, merged);
            }
            Value::Mapping(under)
        }
        (_, over) => over,
    }
}

/// The name of an anchor that an alias repeats. Looked for in the text, because a parser has already
/// done the repeating by the time it could tell.
fn reused_anchor(text: &str) -> Option<&str> {
    let names_after = |sign: char| {
        text.match_indices(sign).filter_map(move |(at, _)| {
            let before = text[..at].chars().next_back();
            let starts_node = before.is_none_or(|before| {
                before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':' | '-' | '?' | '\u{feff}')
            });
            let rest = &text[at + 1..];
            // The parser's own alphabet: a name ends where it ends for the parser.
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
            (starts_node && end > 0).then(|| &rest[..end])
        })
    };
    let anchors: std::collections::HashSet<&str> = names_after('&').collect();
    if anchors.is_empty() {
        return None;
    }
    names_after('*').find(|name| anchors.contains(name))
}

/// The text of a member, numbers and booleans included.
pub(crate) fn text(mapping: &Mapping, name: &str) -> Option<String> {
    scalar(mapping.get(name)?)
}

/// The text of a scalar.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Tagged(tagged) => scalar(&tagged.value),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
    }
}

/// The texts of a member that is a list or a single scalar.
pub(crate) fn texts(mapping: &Mapping, name: &str) -> Vec<String> {
    match mapping.get(name) {
        Some(Value::Sequence(items)) => items.iter().filter_map(scalar).collect(),
        Some(value) => scalar(value).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_global_document_is_laid_under_those_that_follow() {
        let text = "action: global\ntitle: T\nlogsource: {product: aws}\n---\ndetection: {a: 1}\n---\naction: repeat\ndetection: {b: 2}\n";
        let (documents, problems) = documents(text);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[1].1.get("title").and_then(Value::as_str), Some("T"));
        assert!(documents[1].1["detection"].get("a").is_some() && documents[1].1["detection"].get("b").is_some());
        assert_eq!(documents.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn a_bomb_of_aliases_is_refused_before_it_is_read() {
        let text = "a: &a [1,1,1,1]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b]\n";
        let (documents, problems) = documents(text);
        assert!(documents.is_empty());
        assert_eq!(problems[0].code, "yaml_alias");
    }

    #[test]
    fn an_alias_is_known_whatever_follows_its_name() {
        for text in ["a: &a [1,1]\nb: [*a: 1,*a: 1]\n", "a: &a [1,1]\nb: {? *a : 1}\n", "? &a-b [1]\n: *a-b\n"] {
            assert_eq!(documents(text).1[0].code, "yaml_alias", "{text}");
        }
    }

    #[test]
    fn signs_in_texts_are_no_aliases() {
        let text = "title: R&D *and* more\ndetection:\n  sel:\n    field|contains: '&& *x'\n    other: \"*admin*\"\n";
        assert!(documents(text).1.is_empty());
    }

    #[test]
    fn the_lines_at_which_documents_begin_are_known() {
        assert_eq!(beginnings("# rules\n---\n\ntitle: A\n---\n# two\ntitle: B\n"), [4, 7]);
        assert_eq!(beginnings("title: A\n---\n---\ntitle: B\n"), [1, 3, 4]);
        assert_eq!(documents("a: 1\n---\nb: [\n  1,\n}\n").1[0].line, Some(5));
    }

    #[test]
    fn the_text_of_each_document_is_what_stands_between_the_lines_that_part_them() {
        for (text, expected) in [
            ("# of mara\ntitle: A\n", vec!["# of mara\ntitle: A\n"]),
            ("title: A\r\nid: a\r\n", vec!["title: A\nid: a\n"]),
            ("# rules\n---\ntitle: A\n--- # two\ntitle: B", vec!["title: A\n", "# two\ntitle: B"]),
            ("title: A\n---\n---\ntitle: B\n", vec!["title: A\n", "", "title: B\n"]),
            ("title: A\n...\n---\ntitle: B\n", vec!["title: A\n", "title: B\n"]),
            ("%YAML 1.1\n---\ntitle: A\n...\n", vec!["title: A\n"]),
            ("a: |\n  ---\n  text\n", vec!["a: |\n  ---\n  text\n"]),
        ] {
            assert_eq!(slices(text), expected, "{text:?}");
            assert_eq!(read(text).count, expected.len(), "as the parser sees it: {text:?}");
        }
    }

    #[test]
    fn what_stands_before_a_broken_document_is_kept() {
        let (documents, problems) = documents("title: good\n---\ntitle: [broken\n");
        assert_eq!((documents.len(), problems.len(), problems[0].document), (1, 1, 2));
        assert!(!problems[0].message.contains("were not read"), "there are none: {}", problems[0]);
    }

    #[test]
    fn what_stands_behind_a_broken_document_is_said_not_to_be_read() {
        for text in ["title: [broken\n---\ntitle: good\n", "title: good\n---\na: b: c\n---\ntitle: good\n"] {
            let (_, problems) = documents(text);
            assert_eq!(problems.len(), 1, "{text}");
            assert!(
                problems[0].message.ends_with("the documents behind it in this file were not read"),
                "{}",
                problems[0]
            );
        }
    }
}
