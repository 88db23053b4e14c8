//! What a rule may ask of the machine: conditions that are not endless, patterns that are not huge.
//!
//! Rules come from people who may be careless or hostile, and a short text can stand for much memory: `\w{200}` is
//! nine megabytes once compiled.

use regex::RegexBuilder;
use yaml_serde::{Mapping, Value};

use crate::problem::Problem;

/// Longest condition, in bytes.
const CONDITION_BYTES_MAX: usize = 8 << 10;
/// Most negations in one condition: each may be a level of its own.
const NEGATIONS_MAX: usize = 100;
/// Sizes by which a compiled pattern is weighed, ascending; one that is larger than the last is refused.
const PATTERN_SIZES: [usize; 4] = [16 << 10, 64 << 10, 256 << 10, 1 << 20];
/// What the patterns of one rule set may come to together, compiled.
const PATTERNS_BYTES_MAX: usize = 128 << 20;

/// Refuses conditions that would take a parser too deep.
pub(crate) fn check_conditions(document: &Mapping) -> Result<(), Problem> {
    let sections = ["detection", "filter", "correlation"].into_iter().filter_map(|name| document.get(name));
    let conditions = sections.filter_map(|section| section.get("condition"));
    for condition in conditions {
        let texts: Vec<&str> = match condition {
            Value::Sequence(members) => members.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        for text in texts {
            let is_word = |word: &&str| word.eq_ignore_ascii_case("not");
            let negations = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(is_word).count();
            if text.len() > CONDITION_BYTES_MAX || negations > NEGATIONS_MAX {
                return Err(Problem::error(
                    "condition",
                    format!(
                        "the condition has {} bytes and {negations} times 'not'; {CONDITION_BYTES_MAX} and \
                         {NEGATIONS_MAX} are allowed",
                        text.len()
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// What is left of the room for patterns.
#[derive(Debug)]
pub(crate) struct PatternRoom {
    left: usize,
}

impl Default for PatternRoom {
    fn default() -> Self {
        Self { left: PATTERNS_BYTES_MAX }
    }
}

impl PatternRoom {
    /// Takes the room that a pattern needs.
    ///
    /// # Errors
    /// It is no pattern, or too large by itself, or there is no room left.
    pub fn take(&mut self, pattern: &str) -> Result<(), Problem> {
        for size in PATTERN_SIZES {
            match RegexBuilder::new(pattern).size_limit(size).build() {
                Ok(_) => {
                    self.left = self.left.checked_sub(size).ok_or_else(|| {
                        let mib = PATTERNS_BYTES_MAX >> 20;
                        Problem::error(
                            "pattern",
                            format!("the patterns of all rules together come to more than {mib} MiB; use fewer or simpler ones"),
                        )
                    })?;
                    return Ok(());
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                // The compiler of rules tells what is wrong with it.
                Err(_) => return Ok(()),
            }
        }
        let shown: String = pattern.chars().take(60).collect();
        let message = format!(
            "the pattern '{shown}' comes to more than 1 MiB; repeat less, or [a-z0-9] in the place of \\w, which stands \
             for all letters of all languages"
        );
        Err(Problem::error("pattern", message))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::{Build, RuleSet, load};

    fn problems(text: &str) -> Vec<String> {
        let loaded = load("t.yml", text);
        let documents = loaded.documents.iter().collect();
        let (_, found) = RuleSet::compile(&Build { documents, ..Build::default() });
        loaded.problems.iter().chain(&found).map(|problem| format!("{} {}", problem.code, problem.message)).collect()
    }

    #[test]
    fn a_pattern_that_becomes_huge_is_refused() {
        let rule = |pattern: &str| {
            format!(
                "title: T\nid: t\nlogsource: {{product: x}}\ndetection: {{a: {{n|re: '{pattern}'}}, condition: a}}\n"
            )
        };
        assert!(problems(&rule(r"\w{200}"))[0].starts_with("pattern the pattern"), "{:?}", problems(&rule(r"\w{200}")));
        assert_eq!(problems(&rule(r"^[a-z]+\.\w+$")), Vec::<String>::new());
    }

    #[test]
    fn many_large_patterns_have_no_room() {
        let patterns: Vec<String> = (0..200).map(|number| format!("'{number}\\w{{15}}'")).collect();
        let rule = format!(
            "title: T\nid: t\nlogsource: {{product: x}}\ndetection: {{a: {{n|re: [{}]}}, condition: a}}\n",
            patterns.join(", ")
        );
        assert!(problems(&rule)[0].contains("together"), "{:?}", problems(&rule));
    }

    #[test]
    fn an_endless_negation_is_refused() {
        let condition = format!("{}a", "not ".repeat(5_000));
        let rule =
            format!("title: T\nid: t\nlogsource: {{product: x}}\ndetection: {{a: {{n: 1}}, condition: {condition}}}\n");
        assert!(problems(&rule)[0].starts_with("condition"), "{:?}", problems(&rule));
    }
}
