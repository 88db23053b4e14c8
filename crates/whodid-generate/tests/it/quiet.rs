//! What the built-in rules make of the company: every hidden incident comes to light, and everyday work hardly ever.

use std::collections::BTreeMap;

use whodid_decode::Format;
use whodid_generate::{Incident, Options, history, incidents};
use whodid_model::{Field, Timestamp};
use whodid_rules::{Build, Document, Level, RuleSet, Run, Values, Variables, Verdict, builtin};

/// The rules of which each incident must meet at least one, by the incident's kind.
const EXPECTED: [(&str, &[&str]); 8] = [
    ("password-guessing", &["account-sign-in-failed-logins", "account-sign-in-success-after-failures"]),
    ("key-deletion", &["ibm-kms-key-deleted", "ibm-kms-keys-deleted"]),
    ("impossible-travel", &["okta-basics-two-countries", "okta-basics-new-country"]),
    ("mass-secret-read", &["ibm-kms-many-keys-read"]),
    ("public-bucket", &["ibm-cos-bucket-public", "ibm-cos-anonymous-reads"]),
    ("unusual-exec", &["kubernetes-basics-exec-first", "kubernetes-basics-forbidden-kinds"]),
    ("broken-deploy", &["ibm-kms-unwrap-fails"]),
    ("audit-tampering", &["ibm-more-audit-changed", "aws-basics-trail-stopped"]),
];

struct Finding {
    rule: String,
    level: Level,
    time: Timestamp,
    /// The incident that it belongs to.
    incident: Option<&'static str>,
    why: String,
}

fn options(seed: u64, events: u64) -> Options {
    Options { seed, events, ..Options::until(Timestamp::parse("2026-11-20T12:00:00Z").unwrap().at) }
}

#[test]
fn every_incident_is_found_and_a_quiet_month_raises_at_most_one_alert_a_day() {
    check(options(1, 60_000));
}

/// The demo's own history and two others. Minutes; `cargo test -p whodid-generate --test it quiet -- --ignored --nocapture`.
#[test]
#[ignore = "minutes in the development profile"]
fn the_demo_and_others_like_it_are_quiet_too() {
    (1..=3).for_each(|seed| check(options(seed, 300_000)));
}

/// An alert is what people are told of as a rule: a finding of medium level or above.
fn check(options: Options) {
    let findings = findings(options);
    let (of_incidents, quiet): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.incident.is_some());
    let mut table: BTreeMap<(Level, &str), usize> = BTreeMap::new();
    for finding in &quiet {
        *table.entry((finding.level, &finding.rule)).or_default() += 1;
    }
    for ((level, rule), count) in table.iter().rev() {
        println!("quiet: {:<13} {rule:<46} {count}", level.as_str());
    }
    for (kind, rules) in EXPECTED {
        let of_kind = of_incidents.iter().filter(|finding| finding.incident == Some(kind));
        let found: Vec<&str> = of_kind.map(|finding| finding.rule.as_str()).collect();
        println!("{kind}: {}", found.join(", "));
        assert!(rules.iter().all(|rule| found.contains(rule)), "{kind}: {rules:?} are not all in {found:?}");
    }
    let alerts: Vec<&&Finding> = quiet.iter().filter(|finding| finding.level >= Level::Medium).collect();
    for alert in &alerts {
        println!("  {} {} {}", alert.time, alert.rule, alert.why);
    }
    println!("{} alerts in {} days, {} findings in all", alerts.len(), options.days, quiet.len());
    assert!(quiet.len() <= 2 * options.days as usize, "{} findings of everyday work", quiet.len());
    assert!(alerts.len() <= options.days as usize, "{} alerts of everyday work in {} days", alerts.len(), options.days);
}

fn findings(options: Options) -> Vec<Finding> {
    let told = incidents(options);
    let documents: Vec<Document> = builtin().iter().flat_map(|package| package.documents().documents).collect();
    let mut variables = Values::default();
    for package in builtin() {
        variables.add(package, &Variables::new(), true);
    }
    let build = Build { documents: documents.iter().collect(), variables, routes: true, ..Build::default() };
    let (rules, problems) = RuleSet::compile(&build);
    assert!(problems.is_empty(), "{problems:?}");
    let mut run = Run::new(&rules);
    let mut findings = Vec::new();
    for event in history(options) {
        let mut hits = Vec::new();
        run.each(
            Format::parse(event.format).unwrap(),
            event.json.as_bytes(),
            event.at,
            &mut |_, subject, rules, state| {
                rules.step(state, subject, &mut hits);
                for hit in hits.drain(..).filter(|hit| hit.verdict == Verdict::Finding) {
                    let meta = &rules.rules()[hit.rule].meta;
                    let who = |field| subject.texts.text(field).unwrap_or_default();
                    findings.push(Finding {
                        rule: meta.id.clone(),
                        level: meta.level,
                        time: hit.time,
                        incident: told.iter().find(|one| is_of(one, hit.time, &subject.raw.text())).map(|one| one.kind),
                        why: format!(
                            "{} {} {:?} {}",
                            who(Field::Action),
                            who(Field::InitiatorName),
                            hit.group,
                            hit.why.unwrap_or_default()
                        ),
                    });
                }
            },
        );
    }
    findings
}

/// Whether an event is of an incident: of its time, and of its initiator or one of its addresses.
fn is_of(incident: &Incident, time: Timestamp, raw: &str) -> bool {
    let is_then = time >= incident.start && time <= incident.end;
    is_then && (raw.contains(&incident.initiator) || incident.addresses.iter().any(|address| raw.contains(address)))
}
