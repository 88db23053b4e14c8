//! Rule files looked at for their author: everything that keeps a rule from being used, and what nobody else asks for,
//! such as a logsource that no event has.

use std::collections::BTreeSet;

use crate::document::{Body, Document, Loaded};
use crate::logsource;
use crate::problem::{Gravity, Problem};
use crate::ruleset::{Build, RuleSet};
use crate::sigma::Variables;
use crate::variables::Values;

/// What is said of rule files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linted {
    /// How many rules can be used, filters aside. One that waits for values of its variables is among them.
    pub rules: usize,
    /// How many documents cannot, filters too.
    pub left_out: usize,
    /// What there is to say, by file and line.
    pub problems: Vec<Problem>,
}

/// Looks at what was read of rule files, compiling all of it together.
///
/// A rule that needs values of variables is sound, and told by a warning: those whom it is for fill them in.
pub fn lint(loaded: &Loaded, variables: &Values) -> Linted {
    let documents: Vec<&Document> = loaded.documents.iter().collect();
    let compile = |variables: Values| {
        RuleSet::compile(&Build { documents: documents.clone(), variables, with_dormant: true, ..Build::default() }).1
    };
    let waits = |problem: &Problem| problem.code == "needs_configuration";
    let (waiting, mut problems): (Vec<Problem>, Vec<Problem>) = compile(variables.clone()).into_iter().partition(waits);
    if !waiting.is_empty() {
        // The rest of such a rule is looked at, and the correlations of it, with values of ours.
        let mut filled = variables.clone();
        filled.set(stand_ins(&documents, variables));
        problems = compile(filled);
        problems.retain(|problem| !waits(problem));
    }
    problems.extend(waiting.into_iter().map(|problem| Problem { gravity: Gravity::Warning, ..problem }));
    let unmet: Vec<Problem> = documents.iter().filter_map(|document| unmet(document, &documents, &problems)).collect();
    problems.extend(unmet);
    problems.extend(documents.iter().filter_map(|document| noted(document)));
    problems.extend(loaded.problems.iter().cloned());
    problems.sort_by(|one, other| place(one).cmp(&place(other)));
    let (rules, left_out) = counted(&documents, &problems);
    Linted { rules, left_out, problems }
}

/// How many rules can be used, and how many documents cannot.
fn counted(documents: &[&Document], problems: &[Problem]) -> (usize, usize) {
    let errors = problems.iter().filter(|problem| problem.gravity == Gravity::Error);
    let left_out: BTreeSet<(Option<&str>, usize)> =
        errors.map(|problem| (problem.file.as_deref(), problem.document)).collect();
    let is_used = |document: &Document| {
        !is_filter(document) && !left_out.contains(&(Some(document.file.as_str()), document.number))
    };
    (documents.iter().filter(|document| is_used(document)).count(), left_out.len())
}

fn place(problem: &Problem) -> (Option<&str>, usize, usize) {
    (problem.file.as_deref(), problem.line.unwrap_or_default(), problem.document)
}

fn is_filter(document: &Document) -> bool {
    matches!(document.body, Body::Filter(_))
}

fn stand_ins(documents: &[&Document], variables: &Values) -> Variables {
    let mut found = Variables::new();
    for document in documents {
        let scope = variables.of(document.package.as_deref());
        match &document.body {
            Body::Detection(detection) => detection.stand_ins(scope, &mut found),
            Body::Filter(filter) => filter.stand_ins(scope, &mut found),
            Body::Correlation(_) | Body::Advisor(_) => {}
        }
    }
    found
}

/// The rules that a filter names in vain beside others; that it meets none is known already.
fn unmet(document: &Document, documents: &[&Document], known: &[Problem]) -> Option<Problem> {
    let Body::Filter(filter) = &document.body else { return None };
    let is_told = |problem: &Problem| {
        problem.code == "unused_filter"
            && problem.document == document.number
            && problem.file.as_deref() == Some(document.file.as_str())
    };
    if known.iter().any(is_told) {
        return None;
    }
    let is_there = |name: &str| documents.iter().any(|other| !is_filter(other) && other.is_called(name));
    let unknown = filter.rules()?.iter().filter(|name| !is_there(name)).map(|name| format!("'{name}'"));
    let unknown: Vec<String> = unknown.collect();
    (!unknown.is_empty()).then(|| {
        let message = format!("the filter names {}, which is no rule's id, name or title", unknown.join(", "));
        located(Problem::warning("unknown_rule", message), document)
    })
}

fn noted(document: &Document) -> Option<Problem> {
    let Body::Detection(detection) = &document.body else { return None };
    logsource::note(detection.logsource()).map(|note| located(Problem::warning("logsource", note), document))
}

fn located(problem: Problem, document: &Document) -> Problem {
    let line = Some(document.line).filter(|line| *line > 0);
    let problem = Problem { file: Some(document.file.clone()), document: document.number, line, ..problem };
    problem.of(&document.meta().id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::load;

    /// How many rules can be used, how many documents cannot, and each problem: line, gravity, code.
    fn linted(text: &str) -> (usize, usize, Vec<(usize, Gravity, &'static str)>) {
        let Linted { rules, left_out, problems } = lint(&load("t.yml", text), &Values::default());
        for problem in &problems {
            assert_eq!(problem.file.as_deref(), Some("t.yml"), "{problem}");
        }
        let told = |problem: &Problem| (problem.line.unwrap_or_default(), problem.gravity, problem.code);
        (rules, left_out, problems.iter().map(told).collect())
    }

    fn rule(id: &str, item: &str) -> String {
        format!(
            "title: {id}\nid: {id}\nlogsource: {{product: aws}}\ndetection: {{sel: {{{item}}}, condition: sel}}\n---\n"
        )
    }

    #[test]
    fn a_document_is_either_used_or_left_out_however_much_is_wrong_with_it() {
        let text = rule("two-faults", "a|cidr: 10.0.0.0/40, b|re: '('") + &rule("good", "a: 1");
        let (error, code) = (Gravity::Error, "unsupported");
        assert_eq!(linted(&text), (1, 1, vec![(1, error, code), (1, error, code)]));
        assert_eq!(linted(&rule("bad", "a|foo: 1")), (0, 1, vec![(1, error, "sigma")]));
    }

    #[test]
    fn what_is_found_in_reading_and_in_compiling_is_told_by_line() {
        let text = rule("unsupported", "a|gt: x") + &rule("unread", "a|foo: 1") + &rule("again", "a|lt: x");
        let (_, left_out, told) = linted(&text);
        let lines: Vec<usize> = told.iter().map(|(line, ..)| *line).collect();
        assert_eq!((left_out, lines), (3, vec![1, 6, 11]));
    }

    #[test]
    fn a_rule_that_waits_for_values_is_sound_and_so_is_what_is_made_of_it() {
        let counted =
            "title: c\nid: c\ncorrelation: {type: event_count, rules: [p], timespan: 5m, condition: {gte: 2}}\n";
        let waiting = rule("p", "a|expand: '%one%', b|cidr|expand: '%two%', c|gt|expand: '%three%'");
        let warning = vec![(1, Gravity::Warning, "needs_configuration")];
        assert_eq!(linted(&(waiting + counted)), (2, 0, warning));
        // What is wrong with it besides is told, too.
        let (rules, left_out, told) = linted(&rule("p", "a|expand: '%one%', b|re: '('"));
        assert_eq!((rules, left_out, told.len()), (0, 1, 2), "{told:?}");
    }

    #[test]
    fn a_filter_tells_which_of_its_rules_are_not_there() {
        let filter = |rules: &str| {
            let filter = format!("filter: {{rules: {rules}, sel: {{u: x}}, condition: not sel}}");
            rule("known", "a: 1") + &format!("title: f\nid: f\nlogsource: {{product: aws}}\n{filter}\n")
        };
        assert_eq!(linted(&filter("[known]")).2, []);
        assert_eq!(linted(&filter("[known, typo]")), (1, 0, vec![(6, Gravity::Warning, "unknown_rule")]));
        assert_eq!(linted(&filter("[typo]")).2, [(6, Gravity::Warning, "unused_filter")]);
        let problems = lint(&load("t.yml", &filter("[typo]")), &Values::default()).problems;
        assert!(problems[0].message.contains("'typo'"), "{}", problems[0]);
    }

    #[test]
    fn warnings_leave_nothing_out() {
        let text = rule("w", "a: 1").replace("product: aws", "product: windows");
        assert_eq!(linted(&text), (1, 0, vec![(1, Gravity::Warning, "logsource")]));
        let text = "title: n\nid: n\ndetection: {sel: {a: 1}, condition: sel and not 1 of filter_*}\n";
        let (rules, left_out, mut told) = linted(text);
        told.sort_by_key(|(.., code)| *code);
        let expected = vec![(1, Gravity::Warning, "condition"), (1, Gravity::Warning, "logsource")];
        assert_eq!((rules, left_out, told), (1, 0, expected));
    }
}
