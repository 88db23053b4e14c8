//! The built-in rules with a finding type of Security Advisor find what its own packages find.
//!
//! The published packages lie beside the repository (`../shared/reference/examples`) and are not part of it; without
//! them this test says so and passes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use whodid_decode::Format;
use whodid_generate::{Options, history};
use whodid_model::Timestamp;
use whodid_rules::{Build, Document, RuleSet, Run, Variables, builtin, load};

/// Time and number of the event that completed each match, by finding type.
type Found = BTreeMap<String, BTreeSet<(Timestamp, u64)>>;

#[test]
fn the_built_in_rules_find_what_the_published_packages_find() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/examples");
    let names = ["security_advisor_rule_package_KMS.json", "security_advisor_rules_aggregate_and_coincident.json"];
    let mut theirs = Vec::new();
    for name in names {
        let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
            println!("skipped: {} is not there; the published packages are not part of the repository", name);
            return;
        };
        theirs.extend(load(name, &text).documents);
    }
    let ibm = builtin().iter().filter(|package| package.manifest.id.starts_with("ibm-"));
    let mut variables: Variables = ibm.clone().flat_map(|package| package.variables(&Variables::new())).collect();
    // The names that the published lists give as examples.
    for values in variables.values_mut().filter(|values| values.is_empty()) {
        *values = vec!["example@ibm.com".to_owned(), "example2@ibm.com".to_owned()];
    }
    let ours: Vec<Document> = ibm.flat_map(|package| package.documents().documents).collect();
    let (theirs, ours) = (found(&theirs, &Variables::new()), found(&ours, &variables));
    for (finding_type, matches) in &theirs {
        println!("{finding_type}: {}", matches.len());
        let plain = finding_type.trim_start_matches("ata-");
        let own = ours.get(plain).cloned().unwrap_or_default();
        assert!(own == *matches, "{finding_type}: {} matches, and {} of the published rule", own.len(), matches.len());
    }
    assert!(theirs.len() >= 4, "the history meets too few of the published rules: {:?}", theirs.keys());
}

fn found(documents: &[Document], variables: &Variables) -> Found {
    let build = Build {
        documents: documents.iter().collect(),
        variables: variables.clone().into(),
        with_dormant: true,
        ..Build::default()
    };
    let (rules, problems) = RuleSet::compile(&build);
    assert!(problems.is_empty(), "{problems:?}");
    let end = Timestamp::parse("2026-11-20T12:00:00Z").unwrap().at;
    let (mut run, mut hits) = (Run::new(&rules), Vec::new());
    for event in history(Options { events: 30_000, ..Options::until(end) }) {
        run.step(Format::parse(event.format).unwrap(), event.json.as_bytes(), event.at, &mut hits);
    }
    let mut found = Found::new();
    for hit in hits {
        let Some(finding_type) = &rules.rules()[hit.rule].meta.extension.finding_type else { continue };
        let newest = hit.evidence.iter().max().map_or(0, |place| place.offset.0);
        found.entry(finding_type.clone()).or_default().insert((hit.time, newest));
    }
    found
}
