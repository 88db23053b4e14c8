//! What keeps a rule from being used, told by the field, the selection and the value that its author has to mend. The
//! Sigma library stops at the first fault and seldom says where it is.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_eval::EvalError;
use rsigma_eval::compiler::compile_detection;
use rsigma_parser::{Detection, DetectionItem, Modifier, SigmaParserError, SigmaRule, SigmaValue, parse_field_spec};
use yaml_serde::{Mapping, Value};

use crate::condition::on_one_line;
use crate::native::FieldTable;
use crate::problem::Problem;
use crate::sigma::{OF_FILTER, sorted_names, visit_items};
use crate::variables::NoValue;

/// Most faults of one rule that are told.
const FAULTS_MAX: usize = 10;
/// Most letters of a value that a message shows.
const VALUE_CHARS_MAX: usize = 60;

/// What is to be told of variables without values: all of them, in the order of their names.
pub(crate) fn of_variables(missing: Vec<NoValue>) -> Vec<Problem> {
    let mut names = BTreeSet::new();
    let mut unclear = BTreeMap::new();
    for error in missing {
        match error {
            NoValue::Missing(name) => {
                names.insert(name);
            }
            NoValue::Unclear { .. } => {
                unclear.insert(error.to_string(), error.problem());
            }
        }
    }
    let mut problems: Vec<Problem> = unclear.into_values().collect();
    if let Some(first) = names.first() {
        let plural = if names.len() > 1 { "s" } else { "" };
        let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
        let message = format!(
            "the rule needs values for the variable{plural} {}: give them among the variables of a package, or, where no \
             server is asked, by --set {first}=VALUE",
            quoted.join(", ")
        );
        problems.push(Problem::error("needs_configuration", message));
    }
    problems
}

/// The names of fields in a document that the library cannot read: mostly for a modifier that there is none of.
pub(crate) fn of_keys(document: &Mapping) -> Option<String> {
    let mut faults = Vec::new();
    for section in ["detection", "filter"].into_iter().filter_map(|name| document.get(name)?.as_mapping()) {
        for (name, selection) in section {
            let name = name.as_str().unwrap_or_default();
            if !["condition", "timeframe", "rules"].contains(&name) {
                visit_keys(name, selection, &mut faults);
            }
        }
    }
    faults.truncate(FAULTS_MAX);
    (!faults.is_empty()).then(|| faults.join("; "))
}

fn visit_keys(selection: &str, value: &Value, faults: &mut Vec<String>) {
    match value {
        Value::Mapping(members) => {
            for (key, member) in members {
                if let Some(key) = key.as_str()
                    && let Err(error) = parse_field_spec(key)
                {
                    let what = match error {
                        SigmaParserError::UnknownModifier(name) => format!(
                            "'{name}' is no modifier of Sigma 2.1, such as contains, startswith, endswith, re, cidr, gte, \
                             exists, all"
                        ),
                        other => other.to_string(),
                    };
                    faults.push(format!("'{key}' in the selection '{selection}': {what}"));
                }
                visit_keys(selection, member, faults);
            }
        }
        Value::Sequence(members) => members.iter().for_each(|member| visit_keys(selection, member, faults)),
        _ => {}
    }
}

/// What keeps a prepared rule, its names encoded in `fields`, from being compiled: one text for each fault, the
/// library's own where none can be found.
pub(crate) fn of_rule(rule: &SigmaRule, error: &EvalError, fields: &FieldTable) -> Vec<String> {
    let named = &rule.detection.named;
    let mut faults = Vec::new();
    for name in sorted_names(named) {
        let Some(detection) = named.get(&name) else { continue };
        visit_items(detection, &mut |item| {
            if let Err(error) = compile(item.clone()) {
                faults.extend(of_item(&format!("{} in {}", field(item, fields), selection(&name)), item, &error));
            }
        });
    }
    if faults.is_empty() {
        faults.push(match error {
            EvalError::UnknownDetection(name) => format!("the condition names '{name}', and no selection is called so"),
            other => on_one_line(&other.to_string()),
        });
    }
    faults.truncate(FAULTS_MAX);
    faults.iter().map(|fault| readable(fault, fields)).collect()
}

fn compile(item: DetectionItem) -> Result<(), EvalError> {
    compile_detection(&Detection::AllOf(vec![item])).map(drop)
}

/// The faults of an item: of each value, where it is the values.
fn of_item(place: &str, item: &DetectionItem, error: &EvalError) -> Vec<String> {
    let of_value = |value: &SigmaValue| {
        let mut field = item.field.clone();
        // One value for itself may not have it.
        field.modifiers.retain(|modifier| *modifier != Modifier::All);
        let error = compile(DetectionItem { field, values: vec![value.clone()] }).err()?;
        Some(format!("{place}: '{}' {}", shown(value), what_is_wrong(&error)))
    };
    let faults: Vec<String> = match error {
        EvalError::InvalidModifiers(_) => Vec::new(),
        _ => item.values.iter().filter_map(of_value).collect(),
    };
    if faults.is_empty() { vec![format!("{place}: {}", on_one_line(&error.to_string()))] } else { faults }
}

/// A field as the rule writes it.
fn field(item: &DetectionItem, fields: &FieldTable) -> String {
    match &item.field.name {
        None => "a keyword".to_owned(),
        Some(name) => format!("'{}'", fields.decode(name).map_or(name.as_str(), |address| address.name.as_str())),
    }
}

fn selection(name: &str) -> String {
    match name.strip_prefix(OF_FILTER).and_then(|rest| rest.split_once('_')) {
        Some((number, own)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("the selection '{own}' of a filter")
        }
        _ => format!("the selection '{name}'"),
    }
}

fn shown(value: &SigmaValue) -> String {
    let text = match value {
        SigmaValue::String(text) => text.original.clone(),
        SigmaValue::Integer(number) => number.to_string(),
        SigmaValue::Float(number) => number.to_string(),
        SigmaValue::Bool(truth) => truth.to_string(),
        SigmaValue::Null => "null".to_owned(),
    };
    on_one_line(&text).chars().take(VALUE_CHARS_MAX).collect()
}

/// What is wrong with a value, to follow it.
fn what_is_wrong(error: &EvalError) -> String {
    match error {
        EvalError::InvalidRegex(cause) => {
            // Above its last line the pattern is drawn.
            let drawn = cause.to_string();
            let last = drawn.lines().last().unwrap_or_default();
            let cause = last.strip_prefix("error: ").unwrap_or(last);
            let mend = if cause.contains("look-around") {
                "; match what must be there, and take out what must not by a selection of its own and `not`"
            } else if cause.contains("backreference") {
                "; write out what is repeated"
            } else {
                ""
            };
            format!("is no regex pattern that can be used: {cause}{mend}")
        }
        EvalError::InvalidCidr(_) => "is no network such as 10.0.0.0/8 or 2001:db8::/32".to_owned(),
        EvalError::ExpectedNumeric(_) => "is no number".to_owned(),
        other => format!("cannot be used: {}", on_one_line(&other.to_string())),
    }
}

/// A text of the library with names as the rule writes them.
fn readable(text: &str, fields: &FieldTable) -> String {
    let is_of_code = |letter: char| letter.is_ascii_digit() || letter == '\u{1}';
    text.split_inclusive(|letter: char| !is_of_code(letter))
        .map(|part| {
            let end = part.find(|letter: char| !is_of_code(letter)).unwrap_or(part.len());
            match fields.decode(&part[..end]) {
                Some(address) => format!("{}{}", address.name, &part[end..]),
                None => part.to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::{Build, RuleSet, load};

    fn told(detection: &str) -> Vec<String> {
        let text = format!("title: T\nid: t\nlogsource: {{product: x}}\ndetection: {{{detection}}}\n");
        let loaded = load("t.yml", &text);
        let documents = loaded.documents.iter().collect();
        let (_, found) = RuleSet::compile(&Build { documents, ..Build::default() });
        loaded.problems.into_iter().chain(found).map(|problem| problem.message).collect()
    }

    #[test]
    fn every_value_that_cannot_be_used_is_named_with_its_field_and_selection() {
        assert_eq!(
            told("sel: {net|cidr: [10.0.0.0/8, 10.0.0.0/40], size|gt: much}, condition: sel"),
            [
                "'net' in the selection 'sel': '10.0.0.0/40' is no network such as 10.0.0.0/8 or 2001:db8::/32",
                "'size' in the selection 'sel': 'much' is no number",
            ]
        );
        let patterns = told(r"sel: {name|re: ['(?<=x)y', fine], other|re: '(a)\1'}, condition: sel");
        assert!(patterns[0].starts_with("'name' in the selection 'sel': '(?<=x)y' is no regex"), "{patterns:?}");
        assert!(patterns[0].contains("look-around") && patterns[0].ends_with("and `not`"), "{patterns:?}");
        assert!(patterns[1].starts_with("'other' in the selection 'sel': '(a)\\1' is no regex"), "{patterns:?}");
        assert!(patterns[1].ends_with("; write out what is repeated"), "{patterns:?}");
        assert!(patterns.len() == 2 && patterns.iter().all(|text| !text.contains('\n')), "{patterns:?}");
    }

    #[test]
    fn what_is_wrong_with_an_item_as_a_whole_is_told_once() {
        let found = told("sel: {net|cidr|contains: [10.0.0.0/8, 10.0.0.0/9]}, condition: sel");
        assert!(found.len() == 1 && found[0].starts_with("'net' in the selection 'sel': "), "{found:?}");
        assert_eq!(
            told("sel: {a: 1}, condition: sel and other"),
            ["the condition names 'other', and no selection is called so"]
        );
    }

    #[test]
    fn modifiers_that_there_are_none_of_are_named_with_their_fields() {
        let found = told("sel: {name|foo: 1}, more: [{a: 1}, {b|bar: 2}], condition: sel or more");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("'name|foo' in the selection 'sel': 'foo' is no modifier"), "{found:?}");
        assert!(found[0].contains("; 'b|bar' in the selection 'more': 'bar' is no modifier"), "{found:?}");
    }

    #[test]
    fn all_variables_without_values_are_named_in_order() {
        let found = told("sel: {b|expand: '%two%-%one%', a|expand: '%three%'}, condition: sel");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("the rule needs values for the variables 'one', 'three', 'two': "), "{found:?}");
        assert!(found[0].ends_with("--set one=VALUE"), "{found:?}");
    }
}
