//! Texts of conditions, read before the Sigma library reads the rest of a document: operators may stand in capitals, as
//! in the specification's own examples, and what is wrong is told in one line, by what the author wrote.

use rsigma_parser::{ConditionExpr, Quantifier, SelectorPattern, SigmaParserError, SourceLocation, parse_condition};
use yaml_serde::{Mapping, Value};

use crate::problem::Problem;

/// Most letters of a condition that a message shows.
const SHOWN_CHARS_MAX: usize = 120;
/// Most letters that show from where on a condition cannot be read.
const PLACE_CHARS_MAX: usize = 20;

/// Reads a condition. What `is_name` knows is a name, even if it is called `NOT`.
///
/// # Errors
/// What is wrong, and how to mend it.
pub(crate) fn read(text: &str, is_name: &dyn Fn(&str) -> bool) -> Result<ConditionExpr, String> {
    let text = in_small_letters(text, is_name);
    parse_condition(&text).map_err(|error| told(&text, &error))
}

/// Brings every condition of a `detection` or `filter` into the form that the library reads.
///
/// # Errors
/// What is wrong with the first that cannot be read.
pub(crate) fn prepare(section: &mut Mapping) -> Result<(), String> {
    let names: Vec<String> = section.keys().filter_map(Value::as_str).map(str::to_owned).collect();
    let is_name = |word: &str| names.iter().any(|name| name == word);
    let bring = |text: &mut String| -> Result<(), String> {
        let small = in_small_letters(text, &is_name);
        parse_condition(&small).map_err(|error| told(&small, &error))?;
        *text = small;
        Ok(())
    };
    match section.get_mut("condition") {
        Some(Value::String(text)) => bring(text),
        Some(Value::Sequence(members)) => members.iter_mut().try_for_each(|member| match member {
            Value::String(text) => bring(text),
            _ => Ok(()),
        }),
        _ => Ok(()),
    }
}

/// `A AND NOT b` as `A and not b`: the library knows operators in small letters alone.
fn in_small_letters(text: &str, is_name: &dyn Fn(&str) -> bool) -> String {
    let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '*');
    let mut small = String::with_capacity(text.len());
    let mut left = text;
    while let Some(start) = left.find(is_of_word) {
        let (between, from) = left.split_at(start);
        let end = from.find(|letter: char| !is_of_word(letter)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        small.push_str(between);
        if ["AND", "OR", "NOT"].contains(&word) && !is_name(word) {
            small.push_str(&word.to_ascii_lowercase());
        } else {
            small.push_str(word);
        }
        left = after;
    }
    small.push_str(left);
    small
}

/// What is wrong with a condition, without the parser's drawing of it.
fn told(text: &str, error: &SigmaParserError) -> String {
    let shown = shown(text);
    if text.contains('|') {
        return format!(
            "the condition '{shown}' cannot be read: aggregations (`| count() by …`, `| near …`) are of Sigma 1; end it \
             before the `|`, and write a correlation of type event_count, value_count or temporal that refers to the rule"
        );
    }
    match error {
        SigmaParserError::Condition(drawing, Some(place)) if drawing.contains('\n') => {
            let from = from_place(text, *place);
            let what = match from.is_empty() {
                true => "ends too early".to_owned(),
                false => format!("cannot be read from '{from}' on"),
            };
            format!(
                "the condition '{shown}' {what}; it joins names with and, or, not and brackets, '1 of …' and 'all of …'"
            )
        }
        // Each level of the brackets would repeat it.
        SigmaParserError::Condition(message, _) if message.contains("maximum depth") => {
            format!("the condition '{shown}' has too many brackets within each other")
        }
        other => format!("the condition '{shown}' cannot be read: {}", on_one_line(&other.to_string())),
    }
}

fn shown(text: &str) -> String {
    let line = on_one_line(text);
    let mut shown: String = line.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown
}

/// The beginning of what stands at a place and behind it.
fn from_place(text: &str, place: SourceLocation) -> String {
    let before = |number: u32| usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
    let line = text.split('\n').nth(before(place.line)).unwrap_or_default();
    let from: String = line.chars().skip(before(place.col)).take(PLACE_CHARS_MAX).collect();
    from.trim().to_owned()
}

/// A text without the ends of its lines.
pub(crate) fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// Tells of selectors that no selection answers to, such as `1 of filter_*` where none begins so: `all of` nothing always
/// holds, and `1 of` nothing never.
pub(crate) fn check_selectors(conditions: &[ConditionExpr], names: &[String], problems: &mut Vec<Problem>) {
    for condition in conditions {
        visit_selectors(condition, &mut |quantifier, pattern| {
            let found = names.iter().filter(|name| pattern.matches_detection_name(name)).count() as u64;
            let named = match pattern {
                SelectorPattern::Pattern(pattern) => format!("is named '{pattern}'"),
                SelectorPattern::Them => "is meant by 'them', which leaves out names that begin with '_'".to_owned(),
            };
            let message = match quantifier {
                Quantifier::All if found == 0 => {
                    format!("no selection {named}, so 'all of' them holds for every event")
                }
                Quantifier::Any if found == 0 => format!("no selection {named}, so '1 of' them never holds"),
                Quantifier::Count(wanted) if found < *wanted => {
                    let what = if found == 0 { "no selection".to_owned() } else { format!("only {found} selection") };
                    format!("{what} {named}, so '{wanted} of' them never holds")
                }
                _ => return,
            };
            if !problems.iter().any(|problem| problem.message == message) {
                problems.push(Problem::warning("condition", message));
            }
        });
    }
}

fn visit_selectors(condition: &ConditionExpr, act: &mut dyn FnMut(&Quantifier, &SelectorPattern)) {
    match condition {
        ConditionExpr::And(members) | ConditionExpr::Or(members) => {
            members.iter().for_each(|member| visit_selectors(member, act));
        }
        ConditionExpr::Not(member) => visit_selectors(member, act),
        ConditionExpr::Identifier(_) => {}
        ConditionExpr::Selector { quantifier, pattern } => act(quantifier, pattern),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read_small(text: &str) -> String {
        in_small_letters(text, &|word| word == "OR")
    }

    #[test]
    fn operators_may_stand_in_capitals_and_names_are_left_alone() {
        assert_eq!(read_small("a AND NOT (b OR c)"), "a and not (b OR c)", "a selection may be called OR");
        assert_eq!(read_small("ANDROID and NOT-x and NOT_*"), "ANDROID and NOT-x and NOT_*");
        assert_eq!(read_small(" NOT\ta\n AND b"), " not\ta\n and b");
        assert_eq!(read(" a AND b ", &|_| false).unwrap(), parse_condition("a and b").unwrap());
    }

    #[test]
    fn what_is_wrong_is_told_in_one_line() {
        for (text, expected) in [
            ("a and", "the condition 'a and' ends too early; "),
            ("a and\n  And b", "the condition 'a and And b' cannot be read from 'b' on; "),
            ("a b", "the condition 'a b' cannot be read from 'b' on; "),
            ("a | count() by u > 5", "the condition 'a | count() by u > 5' cannot be read: aggregations "),
        ] {
            let told = read(text, &|_| false).unwrap_err();
            assert!(told.starts_with(expected) && !told.contains('\n'), "{text}: {told}");
        }
        let deep = format!("{}a{}", "(".repeat(80), ")".repeat(80));
        let told = read(&deep, &|_| false).unwrap_err();
        assert!(told.ends_with("too many brackets within each other") && told.len() < 250, "{told}");
    }

    #[test]
    fn selectors_that_nothing_answers_to_are_told() {
        let told = |condition: &str, names: &[&str]| {
            let (names, mut problems) = (names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), Vec::new());
            check_selectors(&[parse_condition(condition).unwrap()], &names, &mut problems);
            problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
        };
        assert_eq!(told("a and not 1 of filter_* and all of a*", &["a", "filter_x"]), Vec::<String>::new());
        assert_eq!(
            told("a and not 1 of filter_* or 1 of filter_*", &["a"]),
            ["no selection is named 'filter_*', so '1 of' them never holds"]
        );
        assert_eq!(
            told("all of filter_*", &["a"]),
            ["no selection is named 'filter_*', so 'all of' them holds for every event"]
        );
        assert_eq!(told("2 of a*", &["ab"]), ["only 1 selection is named 'a*', so '2 of' them never holds"]);
        assert_eq!(told("1 of them", &["_a"]).len(), 1);
    }
}
