//! What the independent judge answered is what our rules answer: `corpus/rules`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::world::{documents, hits, received, rules};
use whodid_decode::Format;
use whodid_rules::{Build, RuleSet, Run};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/rules")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(corpus().join(name)).unwrap()
}

/// The judge's answers, one JSON object a line.
fn answers(name: &str) -> BTreeSet<String> {
    read(name).lines().map(str::to_owned).collect()
}

#[test]
fn single_events_match_as_the_judge_says() {
    let documents = documents(&read("sigma/single.yml"));
    let (rules, problems) = RuleSet::compile(&Build { documents: documents.iter().collect(), ..Build::default() });
    assert!(problems.is_empty(), "{problems:?}");
    let mut ours = BTreeSet::new();
    Run::new(&rules).each(
        Format::Auto,
        read("events.ndjson").as_bytes(),
        received(),
        &mut |number, subject, rules, _| {
            for rule in rules.matches(subject) {
                ours.insert(format!("{} {number}", rules.rules()[rule].meta.id));
            }
        },
    );
    let theirs = answers("sigma/single.judged.txt");
    assert_eq!(ours.difference(&theirs).collect::<Vec<_>>(), Vec::<&String>::new(), "ours alone");
    assert_eq!(theirs.difference(&ours).collect::<Vec<_>>(), Vec::<&String>::new(), "the judge's alone");
}

#[test]
fn every_rule_of_the_corpus_matches_something_and_not_everything() {
    let theirs = answers("sigma/single.judged.txt");
    let events = read("events.ndjson").lines().count();
    for document in documents(&read("sigma/single.yml")) {
        let id = &document.meta().id;
        let matched = theirs.iter().filter(|line| line.split(' ').next() == Some(id)).count();
        assert!(matched > 0, "{id} matches nothing, so it shows nothing");
        assert!(matched < events, "{id} matches everything, so it shows nothing");
    }
}

#[test]
fn correlations_fire_as_the_judge_says() {
    let rules = rules(&read("sigma/correlations.yml"));
    let ours: BTreeSet<String> = hits(&rules, &read("events.ndjson"))
        .iter()
        .filter(|hit| hit.start.is_some())
        .map(|hit| {
            let group: Vec<String> = hit.group.iter().map(|(_, value)| value.to_lowercase()).collect();
            format!("{} {} {}", rules.rules()[hit.rule].meta.id, group.join(","), &hit.time.to_string()[..19])
        })
        .collect();
    let theirs = answers("sigma/correlations.judged.txt");
    assert_eq!(ours.difference(&theirs).collect::<Vec<_>>(), Vec::<&String>::new(), "ours alone");
    assert_eq!(theirs.difference(&ours).collect::<Vec<_>>(), Vec::<&String>::new(), "the judge's alone");
}
