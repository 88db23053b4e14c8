//! Members of a rule that probably stand in the wrong place, or are misspelt.
//!
//! The specification lets rules have members of anybody's own, so a member that nobody reads is no fault, and a rule with
//! `logsources` runs, on every event of every source. Told is what looks like a mistake: a name that means something
//! elsewhere in a rule, and one that is nearly such a name where that is missing.

use yaml_serde::{Mapping, Value};

use crate::problem::Problem;

/// What is read at the top of a document, or known to the specification and left alone.
const TOP: [&str; 24] = [
    "title",
    "id",
    "related",
    "name",
    "taxonomy",
    "status",
    "description",
    "license",
    "author",
    "references",
    "date",
    "modified",
    "logsource",
    "detection",
    "correlation",
    "filter",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "generate",
    "tests",
    "whodid",
];
/// Of these, what makes no difference here: whoever has something alike may well mean that.
const UNREAD: [&str; 5] = ["related", "taxonomy", "fields", "scope", "generate"];
/// What a document is by: it has one of them.
const BODIES: [&str; 3] = ["detection", "correlation", "filter"];
const LOGSOURCE: [&str; 4] = ["category", "product", "service", "definition"];
/// What is read under a member of the top and nowhere else.
const BELOW: [(&str, &[&str]); 5] = [
    ("detection", &["condition"]),
    ("correlation", &["type", "rules", "group-by", "timespan", "condition", "aliases"]),
    ("filter", &["rules", "condition"]),
    ("logsource", &LOGSOURCE),
    ("whodid", &["finding_type", "next_steps", "hours", "dormant", "policy"]),
];

/// Tells of members that look like mistakes.
pub(crate) fn check(document: &Mapping, problems: &mut Vec<Problem>) {
    let mut messages = Vec::new();
    for name in names(document).filter(|name| !TOP.contains(name)) {
        messages.extend(at_top(document, name));
    }
    for section in ["detection", "filter"] {
        if let Some(selections) = document.get(section).and_then(Value::as_mapping) {
            messages.extend(among_selections(document, section, selections));
        }
    }
    if let Some(logsource) = document.get("logsource").and_then(Value::as_mapping) {
        for name in names(logsource).filter(|name| !LOGSOURCE.contains(name)) {
            if TOP.contains(&name) && !document.contains_key(name) {
                messages.push(format!("'{name}' stands under 'logsource' and is not read there; put it at the top"));
            } else if let Some(meant) = nearest(name, LOGSOURCE.into_iter(), logsource) {
                messages.push(format!("'{name}' under 'logsource' is not read; '{meant}' is probably meant"));
            }
        }
    }
    problems.extend(messages.into_iter().take(MESSAGES_MAX).map(|message| Problem::warning("key", message)));
}

/// What is wrong with a member at the top that is not of it.
fn at_top(document: &Mapping, name: &str) -> Option<String> {
    let has = |section: &str, member: &str| document.get(section).is_some_and(|below| below.get(member).is_some());
    let belongs = |section: &str| match section {
        // Others have a category or a product of their own at the top.
        "logsource" => document.contains_key("detection") && !LOGSOURCE.iter().any(|member| has(section, member)),
        "whodid" => true,
        _ => document.contains_key(section),
    };
    let mut sections = BELOW.iter().filter(|(_, members)| members.contains(&name)).map(|(section, _)| *section);
    if let Some(section) = sections.find(|section| belongs(section) && !has(section, name)) {
        return Some(format!("'{name}' stands at the top and is not read there; put it under '{section}'"));
    }
    if ["timeframe", "timespan"].contains(&name) && !document.contains_key("correlation") {
        return Some(format!("'{name}' is not read here; only a correlation has a time, its 'correlation.timespan'"));
    }
    let has_body = BODIES.iter().any(|body| document.contains_key(*body));
    let is_unread = |known: &str| UNREAD.contains(&known) || (has_body && BODIES.contains(&known));
    let meant = nearest(name, TOP.into_iter().filter(|known| !is_unread(known)), document)?;
    Some(format!("'{name}' is not read; '{meant}' is probably meant"))
}

/// What is wrong with members that stand beside selections and so are taken for such.
fn among_selections(document: &Mapping, section: &str, selections: &Mapping) -> Vec<String> {
    let mut messages = Vec::new();
    for (name, value) in selections {
        let Some(name) = name.as_str().filter(|name| !["condition", "timeframe", "rules"].contains(name)) else {
            continue;
        };
        // Selections may have any name; few are called as these, which are mappings at the top, too.
        let is_mapping_at_top = ["logsource", "whodid", "tests"].contains(&name);
        let is_of_top = TOP.contains(&name) && (is_mapping_at_top || !is_selection(value));
        if is_of_top && !document.contains_key(name) && !is_asked(selections, name) {
            let place = format!("'{name}' stands under '{section}'");
            messages.push(format!("{place} and is taken for a selection; put it at the top"));
        } else if let Some(meant) = nearest(name, ["condition"].into_iter(), selections) {
            messages.push(format!("'{name}' under '{section}' is taken for a selection; '{meant}' is probably meant"));
        }
    }
    messages
}

/// Whether a value asks for fields.
fn is_selection(value: &Value) -> bool {
    match value {
        Value::Mapping(_) => true,
        Value::Sequence(members) => members.iter().all(Value::is_mapping),
        _ => false,
    }
}

/// Whether a condition names a selection, by its name or its beginning.
fn is_asked(selections: &Mapping, name: &str) -> bool {
    let conditions: Vec<&str> = match selections.get("condition") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Sequence(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_of_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '*');
    let mut words = conditions.iter().flat_map(|text| text.split(|letter: char| !is_of_word(letter)));
    words.any(|word| word == name || word.strip_suffix('*').is_some_and(|beginning| name.starts_with(beginning)))
}

fn names(mapping: &Mapping) -> impl Iterator<Item = &str> {
    mapping.keys().filter_map(Value::as_str)
}

/// No name that is read is nearly so long.
const NAME_BYTES_MAX: usize = 64;
/// What is told of one document: who sees so much will look at the rest as well.
const MESSAGES_MAX: usize = 20;

/// The name that is missing from `beside` and nearly `name`.
fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>, beside: &Mapping) -> Option<&'k str> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let name = letters(name);
    // Few mistake the first letter, and many put one before what is their own: `x-level`.
    let missing = known.filter(|known| known.chars().next() == name.first().copied() && !beside.contains_key(*known));
    let near = missing.filter_map(|known| {
        let letters = letters(known);
        let apart = distance(&name, &letters);
        // Of a short name hardly anything is left when letters change: `data` is not meant to be a date.
        let is_plural = |one: &[char], other: &[char]| one.strip_suffix(&['s']) == Some(other);
        let is_near = match letters.len() {
            ..5 => apart == 0 || is_plural(&name, &letters) || is_plural(&letters, &name),
            5..8 => apart <= 1,
            _ => apart <= 2,
        };
        is_near.then_some((apart, known))
    });
    near.min().map(|(_, known)| known)
}

/// What two spellings of a name have in common: `false_positives`, `falsePositives`.
fn letters(name: &str) -> Vec<char> {
    name.chars().filter(|letter| !matches!(letter, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// How many letters are to be added, left out, replaced, or swapped with the next.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, against) in other.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != against);
            let mut least = replaced.min(last[column + 1] + 1).min(next[column] + 1);
            let is_swapped = row > 0 && column > 0 && one[row - 1] == *against && *letter == other[column - 1];
            if is_swapped {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const GOOD: &str = "title: T\nlogsource: {product: aws}\ndetection: {sel: {a: 1}, condition: sel}\n";

    fn told(text: &str) -> Vec<String> {
        let document: Mapping = yaml_serde::from_str(text).unwrap();
        let mut problems = Vec::new();
        check(&document, &mut problems);
        problems.into_iter().map(|problem| problem.message).collect()
    }

    fn told_beside(more: &str) -> Vec<String> {
        told(&format!("{GOOD}{more}"))
    }

    #[test]
    fn a_name_that_is_nearly_one_at_the_top_is_told() {
        for (name, meant) in [
            ("tag", "tags"),
            ("Level", "level"),
            ("levle", "level"),
            ("falsepositive", "falsepositives"),
            ("false_positives", "falsepositives"),
            ("reference", "references"),
            ("authors", "author"),
            ("licence", "license"),
            ("test", "tests"),
            ("ID", "id"),
            ("descripton", "description"),
        ] {
            let expected = format!("'{name}' is not read; '{meant}' is probably meant");
            assert_eq!(told_beside(&format!("{name}: x\n")), [expected]);
        }
        let expected = ["'logsources' is not read; 'logsource' is probably meant"];
        assert_eq!(told(&GOOD.replace("logsource", "logsources")), expected);
        let expected = ["'detections' is not read; 'detection' is probably meant"];
        assert_eq!(told(&GOOD.replace("detection", "detections")), expected);
    }

    #[test]
    fn members_of_anybodys_own_are_left_alone() {
        for own in
            ["data", "score", "type", "owner", "team", "category", "product", "direction", "field", "x-level", "rule"]
        {
            assert_eq!(told_beside(&format!("{own}: x\n")), Vec::<String>::new(), "{own}");
        }
        assert_eq!(told_beside("tags: []\ntag: x\n"), Vec::<String>::new(), "the right one is there too");
        assert_eq!(told_beside("fields: []\nrelated: []\nscope: []\ntaxonomy: x\n"), Vec::<String>::new());
    }

    #[test]
    fn a_name_of_another_place_is_told_with_its_place() {
        let at_top = |name: &str, section: &str| {
            vec![format!("'{name}' stands at the top and is not read there; put it under '{section}'")]
        };
        assert_eq!(told("title: T\ndetection: {sel: {a: 1}}\ncondition: sel\n"), at_top("condition", "detection"));
        assert_eq!(told_beside("hours: {}\n"), at_top("hours", "whodid"));
        let flat = "title: T\nlogsource:\nproduct: aws\ndetection: {sel: {a: 1}, condition: sel}\n";
        assert_eq!(told(flat), at_top("product", "logsource"));
        let counted = "title: T\ncorrelation: {type: event_count, rules: [a], condition: {gte: 2}}\ntimespan: 5m\n";
        assert_eq!(told(counted), at_top("timespan", "correlation"));
        let found = told_beside("timeframe: 5m\n");
        assert_eq!(found, ["'timeframe' is not read here; only a correlation has a time, its 'correlation.timespan'"]);
        let found = told(&GOOD.replace("{product: aws}", "{product: aws, level: high, Service: x}"));
        assert_eq!(
            found,
            [
                "'level' stands under 'logsource' and is not read there; put it at the top",
                "'Service' under 'logsource' is not read; 'service' is probably meant",
            ]
        );
    }

    #[test]
    fn what_is_taken_for_a_selection_and_is_none_is_told() {
        let among = |members: &str, condition: &str| {
            told(&format!("title: T\ndetection: {{sel: {{a: 1}}, {members}, {condition}}}\n"))
        };
        let stands = |name: &str| {
            vec![format!("'{name}' stands under 'detection' and is taken for a selection; put it at the top")]
        };
        assert_eq!(among("level: high", "condition: sel"), stands("level"));
        assert_eq!(among("tags: [attack.t1]", "condition: all of them"), stands("tags"));
        assert_eq!(among("logsource: {product: aws}", "condition: sel"), stands("logsource"));
        let meant = vec!["'conditions' under 'detection' is taken for a selection; 'condition' is probably meant"];
        assert_eq!(among("b: {c: 1}", "conditions: sel"), meant);
        // Selections may be called so.
        for (members, condition) in [
            ("filter: {b: 1}", "condition: sel and not filter"),
            ("status: [a, b]", "condition: sel and status"),
            ("level: [a, b]", "condition: 'sel and 1 of lev*'"),
            ("author: {name: x}", "condition: sel"),
        ] {
            assert_eq!(among(members, condition), Vec::<String>::new(), "{members}");
        }
    }

    #[test]
    fn letters_that_are_swapped_count_once() {
        let apart = |one: &str, other: &str| distance(&letters(one), &letters(other));
        assert_eq!(
            [apart("level", "level"), apart("levle", "level"), apart("", "abc"), apart("kitten", "sitting")],
            [0, 1, 3, 3]
        );
    }
}
