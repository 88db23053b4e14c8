//! The rules about signing in, held to recordings of real services of which is known who did what.
//!
//! The recordings lie beside the repository (`../shared/samples`) and are not part of it; without them these tests
//! say so and pass. A finding is right when the event that completed it belongs to an attack; a scenario is found when
//! such a finding rests on its events.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use whodid_decode::Format;
use whodid_model::{Field, Timestamp};
use whodid_rules::{Build, Document, Hit, RuleSet, Run, Unread, Variables, Verdict, builtin};

const ATTACKS: [&str; 6] =
    ["brute_force", "lockout_victim", "password_spray", "user_enumeration", "account_takeover", "persistence"];
/// Farthest that an event may lie from the call that caused it (sshd answers slowly, and its traditional lines have
/// whole seconds), where only time, user and address join them.
const APART_MICROS_MAX: i64 = 10_000_000;

/// Of which scenario each event is, by its number.
type Scenarios = BTreeMap<u64, String>;

struct Found {
    rule: String,
    /// Of the event that completed it.
    scenario: Option<String>,
    /// Of all events that it rests on.
    rests_on: BTreeSet<String>,
}

#[test]
fn keystone_tells_every_attack_and_nothing_else() {
    let Some(folder) = samples() else { return };
    let calls = truth(&folder.join("openstack-cadf/truth.ndjson"));
    let scenario = |subject: &Unread<'_>| {
        let raw: Value = serde_json::from_str(&subject.raw.text()).unwrap();
        let id = raw.pointer("/initiator/request_id")?.as_str()?;
        calls.iter().find(|call| call["request_id"] == id).map(|call| call["scenario"].as_str().unwrap().to_owned())
    };
    let found = run("Keystone", &folder.join("openstack-cadf/cadf.ndjson"), scenario);
    check(&found, &["account_takeover", "brute_force", "lockout_victim", "password_spray"]);
    // The four alerts of seed 004.
    assert_eq!(of(&found, "failed-logins").first(), Some(&"brute_force"));
    assert_eq!(of(&found, "new-device"), ["account_takeover"]);
    assert_eq!(of(&found, "unusual-location"), ["account_takeover"]);
    assert_eq!(of(&found, "concurrent-sessions"), ["account_takeover"]);
    assert_eq!(of(&found, "password-spray"), ["password_spray"]);
    assert!(of(&found, "locked").contains(&"lockout_victim"), "the victim is told apart from who guesses");
}

#[test]
fn sshd_tells_every_attack_and_nothing_else_whatever_form_its_lines_have() {
    let Some(folder) = samples() else { return };
    let calls = truth(&folder.join("linux-auth/truth.ndjson"));
    for file in ["auth.log", "auth.rfc5424.log", "auth.traditional.log"] {
        let scenario = |subject: &Unread<'_>| {
            let user = subject.texts.text(Field::InitiatorName)?;
            let address = subject.texts.text(Field::Address)?;
            let apart = |call: &Value| {
                let at = Timestamp::parse(call["time"].as_str().unwrap()).unwrap().at;
                (at.micros() - subject.place.event_time.micros()).abs()
            };
            let same = calls.iter().filter(|call| call["user"] == user && call["ip"] == address);
            let nearest = same.min_by_key(|call| apart(call)).filter(|call| apart(call) <= APART_MICROS_MAX)?;
            Some(nearest["scenario"].as_str().unwrap().to_owned())
        };
        let found = run(file, &folder.join("linux-auth").join(file), scenario);
        check(&found, &["account_takeover", "brute_force", "password_spray", "persistence", "user_enumeration"]);
        // The four alerts of seed 004. Lines of sshd tell no device, so there is no news of one.
        assert_eq!(of(&found, "failed-logins").first(), Some(&"brute_force"), "{file}");
        assert_eq!(of(&found, "new-device"), [""; 0], "{file}");
        assert_eq!(of(&found, "unusual-location"), ["account_takeover", "persistence"], "{file}");
        assert_eq!(of(&found, "concurrent-sessions"), ["account_takeover", "persistence"], "{file}");
        assert_eq!(of(&found, "user-enumeration"), ["user_enumeration"], "{file}");
    }
}

fn samples() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there; the recordings are not part of the repository", folder.display());
    None
}

fn truth(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn run(name: &str, file: &Path, scenario_of: impl Fn(&Unread<'_>) -> Option<String>) -> Vec<Found> {
    let package = builtin().iter().find(|package| package.manifest.id == "account-sign-in").unwrap();
    let documents: Vec<Document> = package.documents().documents;
    let variables = package.variables(&Variables::new()).into();
    let build = Build { documents: documents.iter().collect(), variables, routes: true, ..Build::default() };
    let (rules, problems) = RuleSet::compile(&build);
    assert!(problems.is_empty(), "{problems:?}");
    let body = std::fs::read(file).unwrap();
    // A day after the recordings: lines without a year get that of their receipt.
    let received = Timestamp::parse("2026-11-21T00:00:00Z").unwrap().at;
    let (mut scenarios, mut hits) = (Scenarios::new(), Vec::new());
    let mut whole = Run::new(&rules);
    whole.each(Format::Auto, &body, received, &mut |number, subject, rules, state| {
        if let Some(scenario) = scenario_of(subject) {
            scenarios.insert(number, scenario);
        }
        rules.step(state, subject, &mut hits);
    });
    whole.finish(&mut hits);
    let findings = hits.iter().filter(|hit| hit.verdict == Verdict::Finding);
    let found: Vec<Found> = findings.map(|hit| judged(hit, &rules, &scenarios)).collect();
    print(name, &found);
    found
}

fn judged(hit: &Hit, rules: &RuleSet, scenarios: &Scenarios) -> Found {
    let of = |offset: u64| scenarios.get(&offset).cloned();
    Found {
        rule: rules.rules()[hit.rule].meta.id.clone(),
        scenario: hit.evidence.iter().max().and_then(|newest| of(newest.offset.0)),
        rests_on: hit.evidence.iter().filter_map(|place| of(place.offset.0)).collect(),
    }
}

impl Found {
    fn is_right(&self) -> bool {
        self.scenario.as_ref().is_some_and(|scenario| ATTACKS.contains(&scenario.as_str()))
    }
}

/// Precision 1, and recall 1 for each of the attacks that the recording holds.
fn check(found: &[Found], attacks: &[&str]) {
    for one in found {
        assert!(one.is_right(), "{} finds something in {:?}", one.rule, one.scenario);
    }
    for attack in attacks {
        let is_found = found.iter().any(|one| one.is_right() && one.rests_on.contains(*attack));
        assert!(is_found, "nothing is found of {attack}");
    }
}

/// The scenarios in which a rule found something, in order.
fn of<'f>(found: &'f [Found], slug: &str) -> Vec<&'f str> {
    let mut scenarios: Vec<&str> = found
        .iter()
        .filter(|one| one.rule == format!("account-sign-in-{slug}"))
        .map(|one| one.scenario.as_deref().unwrap_or("none"))
        .collect();
    scenarios.dedup();
    scenarios
}

fn print(name: &str, found: &[Found]) {
    let right = found.iter().filter(|one| one.is_right()).count();
    println!("{name}: {right} of {} findings are right", found.len());
    let mut table: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in found {
        *table.entry((one.scenario.as_deref().unwrap_or("none"), &one.rule)).or_default() += 1;
    }
    for ((scenario, rule), count) in table {
        println!("  {scenario:<18} {rule:<42} {count}");
    }
}
