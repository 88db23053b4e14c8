//! Rule files become documents: rules, correlations, filters, Security Advisor rules, each with its tests.

use yaml_serde::{Mapping, Value};

use crate::advisor::{self, AdvisorRule};
use crate::correlation::Correlation;
use crate::keys;
use crate::meta::Meta;
use crate::problem::{Gravity, Problem};
use crate::ruleset::version_of;
use crate::sigma::{self, SigmaDetection, SigmaFilter};
use crate::testing::{self, RuleTest};
use crate::yaml;

/// What a document is.
#[derive(Debug, Clone)]
pub enum Body {
    /// A Sigma detection.
    Detection(Box<SigmaDetection>),
    /// A correlation of others.
    Correlation(Box<Correlation>),
    /// A Sigma filter.
    Filter(Box<SigmaFilter>),
    /// A rule of a Security Advisor package.
    Advisor(Box<AdvisorRule>),
}

/// One document of a rule file.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file's name, as messages give it.
    pub file: String,
    /// Which document of it, from 1.
    pub number: usize,
    /// The line at which it begins, from 1; 0 where that is not known.
    pub line: usize,
    /// The package it is of.
    pub package: Option<String>,
    /// What it is.
    pub body: Body,
    /// Its own text, normalised: what it means is read from it, and what a correlation remembers is kept by that.
    pub text: String,
    /// Which text it is: the SHA-256, in hexadecimal, of its text as it was given, ends of lines aside. Of a YAML
    /// document that is what stands between the lines that part documents; of one that is made of others too
    /// (`action: global`) the whole file. Of a rule of Security Advisor it is its JSON without blanks, members in the
    /// order of their names.
    pub version: String,
    /// The tests that stand beside it.
    pub tests: Vec<RuleTest>,
}

/// The documents of a file, with what is wrong.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Documents that can be used.
    pub documents: Vec<Document>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Document {
    /// What it says about itself.
    pub fn meta(&self) -> &Meta {
        match &self.body {
            Body::Detection(detection) => &detection.meta,
            Body::Correlation(correlation) => &correlation.meta,
            Body::Filter(filter) => &filter.meta,
            Body::Advisor(rule) => &rule.meta,
        }
    }

    /// The part of its text that tells what it matches: without its title, description, level, tests and the like.
    pub(crate) fn meaning(&self) -> String {
        if matches!(self.body, Body::Advisor(_)) {
            return self.text.clone();
        }
        let Ok(Value::Mapping(mut mapping)) = yaml_serde::from_str(&self.text) else { return self.text.clone() };
        mapping.retain(|name, _| {
            let name = name.as_str().unwrap_or_default();
            ["detection", "correlation", "filter", "logsource", "generate"].contains(&name)
        });
        yaml_serde::to_string(&mapping).unwrap_or_else(|_| self.text.clone())
    }

    /// Who reports what it finds: what Security Advisor's rules say, else the package, else whodid.
    pub fn provider(&self) -> &str {
        match &self.body {
            Body::Advisor(rule) => &rule.provider,
            _ => self.package.as_deref().unwrap_or("whodid"),
        }
    }

    /// Whether the account itself says what its findings are about, in a note that it makes (`custom` in Security
    /// Advisor's packages).
    pub fn is_custom(&self) -> bool {
        matches!(&self.body, Body::Advisor(rule) if rule.is_custom)
    }

    /// Whether it is meant by a reference: an id, a name, a title.
    pub fn is_called(&self, name: &str) -> bool {
        let meta = self.meta();
        meta.id == name || meta.name.as_deref() == Some(name) || meta.title == name
    }
}

impl Loaded {
    /// Whether something is left out.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.gravity == Gravity::Error)
    }
}

/// Reads a rule file: Security Advisor's JSON when the text begins as JSON does or the name ends in `.json`, else YAML.
pub fn load(file: &str, text: &str) -> Loaded {
    let begins_as_json = text.trim_start_matches('\u{feff}').trim_start().starts_with(['[', '{']);
    let mut loaded =
        if file.ends_with(".json") || begins_as_json { load_advisor(file, text) } else { load_yaml(file, text) };
    for problem in &mut loaded.problems {
        problem.file = Some(file.to_owned());
    }
    loaded
}

fn load_advisor(file: &str, text: &str) -> Loaded {
    let package = match advisor::read(text) {
        Ok(package) => package,
        Err(problem) => return Loaded { documents: Vec::new(), problems: vec![problem] },
    };
    let mut problems = package.problems;
    for repair in &package.repairs {
        problems.push(Problem::warning("repaired", format!("line {}: {}", repair.line, repair.what)));
    }
    let mut documents = Vec::new();
    for (index, (rule, version)) in package.rules.into_iter().zip(package.versions).enumerate() {
        // Only what its correlation remembers hangs on this form: where a release changes it, that begins anew.
        let text = format!("{rule:?}");
        documents.push(Document {
            file: file.to_owned(),
            number: index + 1,
            line: 0,
            package: None,
            body: Body::Advisor(Box::new(rule)),
            text,
            version,
            tests: Vec::new(),
        });
    }
    Loaded { documents, problems }
}

fn load_yaml(file: &str, text: &str) -> Loaded {
    let yaml::File { documents: values, mut problems, count, is_collection } = yaml::read(text);
    let slices = yaml::slices(text);
    let whole = version_of(&yaml::with_plain_ends(text));
    // Where the bounds of documents are in doubt, the version tells of every change of the file rather than of too few.
    let is_parted = !is_collection && slices.len() == count;
    let version = |number: usize| {
        let slice = slices.get(number - 1).filter(|_| is_parted);
        slice.map_or_else(|| whole.clone(), |slice| version_of(slice))
    };
    let lines = yaml::beginnings(text);
    let line_of = |number: usize| lines.get(number - 1).copied();
    for problem in &mut problems {
        problem.line = problem.line.or_else(|| line_of(problem.document));
    }
    let mut documents = Vec::new();
    for (number, value) in &values {
        let number = *number;
        let line = line_of(number).unwrap_or_default();
        let mut found = Vec::new();
        let read = match value {
            Value::Mapping(mapping) => read(mapping, &mut found),
            _ => Err(Problem::error(
                "yaml",
                "a rule is a mapping with 'title' and 'detection', 'correlation' or 'filter'",
            )),
        };
        let label = value.get("id").or_else(|| value.get("title")).and_then(yaml::scalar);
        match read {
            Ok((body, tests)) => {
                let text = yaml_serde::to_string(value).unwrap_or_default();
                // A rule with something wrong in its extension must not run as if it were not there.
                if found.iter().all(|problem| problem.gravity != Gravity::Error) {
                    let (file, version) = (file.to_owned(), version(number));
                    documents.push(Document { file, number, line, package: None, body, text, version, tests });
                }
            }
            Err(problem) => found.push(problem),
        }
        problems.extend(found.into_iter().map(|problem| Problem {
            document: number,
            line: Some(line).filter(|line| *line > 0),
            rule: problem.rule.or_else(|| label.clone()),
            ..problem
        }));
    }
    Loaded { documents, problems }
}

fn read(mapping: &Mapping, problems: &mut Vec<Problem>) -> Result<(Body, Vec<RuleTest>), Problem> {
    keys::check(mapping, problems);
    let tests = testing::read(mapping, problems);
    let mut mapping = mapping.clone();
    mapping.remove("tests");
    if mapping.contains_key("correlation") {
        let correlation = Correlation::read(&mapping, problems)?;
        return Ok((Body::Correlation(Box::new(correlation)), tests));
    }
    let body = match sigma::read(&mapping, problems)? {
        sigma::Read::Rule(detection) => Body::Detection(detection),
        sigma::Read::Filter(filter) => Body::Filter(filter),
    };
    Ok((body, tests))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const RULE: &str =
        "title: T\nid: t\nlogsource: {category: activity}\ndetection: {sel: {action: a}, condition: sel}\n";

    fn versions(file: &str, text: &str) -> Vec<String> {
        let loaded = load(file, text);
        assert!(!loaded.has_errors(), "{:?}", loaded.problems);
        loaded.documents.into_iter().map(|document| document.version).collect()
    }

    #[test]
    fn the_version_of_a_rule_is_the_hash_of_its_text_as_it_was_given() {
        let text = format!("# by mara\n{RULE}");
        assert_eq!(versions("t.yml", &text), [version_of(&text)]);
        assert_eq!(versions("t.yml", &text.replace('\n', "\r\n")), [version_of(&text)], "another system wrote it");
        assert_ne!(versions("t.yml", &text), versions("t.yml", RULE), "a comment is text, too");
        let other = RULE.replace("id: t", "id: u");
        assert_eq!(versions("t.yml", &format!("{text}---\n{other}")), [version_of(&text), version_of(&other)]);
    }

    #[test]
    fn a_rule_that_is_made_of_several_documents_changes_with_each() {
        let text = format!("action: global\nlevel: high\n---\n{RULE}");
        let lower = text.replace("high", "low");
        assert_eq!(versions("t.yml", &text), [version_of(&text)]);
        assert_eq!(versions("t.yml", &lower), [version_of(&lower)]);
    }

    #[test]
    fn the_version_of_a_rule_of_security_advisor_is_the_hash_of_its_json_in_order() {
        let text = r#"[{
            "event": {"type": "A key", "params": {"findingType": "ata-key"}},
            "conditions": {"all": [{"fact": "action", "operator": "equal", "value": "kms.secrets.delete"}]}
        }]"#;
        let canonical = r#"{"conditions":{"all":[{"fact":"action","operator":"equal","value":"kms.secrets.delete"}]},"event":{"params":{"findingType":"ata-key"},"type":"A key"}}"#;
        assert_eq!(versions("sa.json", text), [version_of(canonical)]);
        assert_eq!(versions("sa.json", canonical), [version_of(canonical)]);
    }
}
