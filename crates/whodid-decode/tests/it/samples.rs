//! Real events of many products, where the folder of samples lies beside the repository.
//!
//! Not one may be lost: events and rejects add up to the lines. Where a file of truth or labels
//! speaks of who, from where and with what end, the decoded event must say the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use whodid_decode::{Format, Item, decode, json};
use whodid_model::{Field, Outcome, Timestamp, sentence};

fn samples() -> Option<PathBuf> {
    let folder = PathBuf::from("../../../shared/samples");
    if !folder.is_dir() {
        skipped(&format!("there are no samples at {}", folder.display()));
        return None;
    }
    Some(folder)
}

fn read(body: &[u8]) -> Vec<Item<'_>> {
    decode(Format::Auto, body, Timestamp::from_micros(0))
}

/// Every JSON file but the ones that describe others.
fn files(folder: &PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for source in std::fs::read_dir(folder).unwrap() {
        let source = source.unwrap().path();
        if !source.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(source).unwrap() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".ndjson") && !name.contains("labels") && name != "truth.ndjson" {
                files.push(file);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn no_sample_is_lost() {
    let Some(folder) = samples() else { return };
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for file in files(&folder) {
        let body = std::fs::read(&file).unwrap();
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
        let items = read(&body);
        let rejects: Vec<String> = items
            .iter()
            .filter_map(|item| Some(format!("line {}: {}", item.index + 1, item.event.as_ref().err()?.detail)))
            .collect();
        let name = file.strip_prefix(&folder).unwrap().display().to_string();
        println!("{name}: {} events, {} rejects {}", lines - rejects.len(), rejects.len(), rejects.join("; "));
        assert_eq!(items.len(), lines, "{name}");
        counts.insert(name, (lines - rejects.len(), rejects.len()));
    }
    // Two samples hold a time that somebody wrote over; a guessed time would be a false record.
    let rejects: usize = counts.values().map(|(_, rejects)| rejects).sum();
    assert_eq!(rejects, 2);
}

#[test]
fn each_source_is_told_by_its_shape() {
    let Some(folder) = samples() else { return };
    for (prefix, format, others) in [
        ("aws-cloudtrail/", Format::CloudTrail, 0),
        ("azure/", Format::Azure, 0),
        ("gcp/", Format::Gcp, 5), // five of the rule authors' events are a few fields of no shape
        ("github/", Format::GitHub, 1),
        ("kubernetes/", Format::Kubernetes, 0),
        ("okta/", Format::Okta, 0),
        ("openstack-cadf/", Format::Cadf, 0),
    ] {
        let mut wrong = 0;
        for file in files(&folder) {
            if file.strip_prefix(&folder).unwrap().to_string_lossy().starts_with(prefix) {
                let body = std::fs::read(&file).unwrap();
                wrong += read(&body).iter().filter(|item| item.format != format).count();
            }
        }
        assert_eq!(wrong, others, "{prefix}");
    }
}

#[test]
fn products_of_no_format_of_their_own_are_told_by_their_members() {
    let Some(folder) = samples() else { return };
    for (product, others) in [
        ("asana", 0),
        ("auth0", 0),
        ("box", 2), // events of two members
        ("dropbox", 0),
        ("duo", 0),
        ("keycloak", 0),
        ("mongodb-atlas", 3), // the name of the event alone
        ("notion", 0),
        ("onelogin", 0),
        ("salesforce", 0),
        ("slack", 0),
        ("snowflake", 0),
        ("tailscale", 0),
        ("teleport", 0),
        ("vault", 0),
        ("wiz", 0),
        ("zendesk", 0),
        ("zoom", 0),
    ] {
        let mut untold = Vec::new();
        for file in files(&folder) {
            if file.strip_prefix(&folder).unwrap().starts_with(product) {
                let body = std::fs::read(&file).unwrap();
                let items = read(&body);
                let services = items.iter().map(|item| item.event.as_ref().unwrap().fields.get(Field::Service));
                untold.extend(services.filter(|service| *service != Some(product)).map(|it| it.map(str::to_owned)));
            }
        }
        assert_eq!(untold.len(), others, "{product}: {untold:?}");
    }
}

#[test]
fn openstack_events_agree_with_the_calls_that_made_them() {
    let Some(folder) = samples() else { return };
    let truth = std::fs::read_to_string(folder.join("openstack-cadf/truth.ndjson")).unwrap();
    let mut calls = BTreeMap::new();
    for line in truth.lines() {
        let call = json::parse(line).unwrap();
        let text = |name: &str| call.text_at(name).unwrap_or_default().to_owned();
        let status = call.at("status").unwrap().int().unwrap();
        calls.insert(text("request_id"), (text("user"), text("ip"), text("agent"), status, text("path")));
    }
    let (mut joined, mut ends) = (0, 0);
    for name in ["cadf.ndjson", "keystone.notifications.ndjson", "barbican.notifications.ndjson"] {
        let body = std::fs::read(folder.join("openstack-cadf").join(name)).unwrap();
        for item in read(&body) {
            let event = item.event.as_ref().unwrap();
            let raw = json::parse(std::str::from_utf8(item.raw).unwrap()).unwrap();
            let request = raw.text_at("initiator.request_id").or_else(|| raw.text_at("payload.initiator.request_id"));
            let Some((user, ip, agent, status, path)) = request.and_then(|request| calls.get(request)) else {
                continue;
            };
            joined += 1;
            let place = format!("{name} line {}", item.index + 1);
            let get = |field: Field| event.fields.get(field).unwrap_or_default();
            assert_eq!(get(Field::InitiatorName), user, "{place}");
            assert_eq!(get(Field::Address), ip, "{place}");
            assert_eq!(get(Field::Agent), agent, "{place}");
            // A password is changed in two steps: it is proved first, and only then refused.
            let first_step = get(Field::Action) == "authenticate" && path.ends_with("/password");
            if event.outcome() != Outcome::Pending && !first_step {
                ends += 1;
                let expected = if *status < 400 { Outcome::Success } else { Outcome::Failure };
                assert_eq!(event.outcome(), expected, "{place}: status {status}, {}", get(Field::Action));
            }
        }
    }
    println!("{joined} events joined with the call that made them, {ends} of them with its end");
    assert!(joined > 1500, "{joined}");
}

/// The files of one machine's authentication log, in which each line says the same.
const AUTH_LOGS: [&str; 3] = ["auth.log", "auth.rfc5424.log", "auth.traditional.log"];

fn auth_log(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join("linux-auth").join(name)).unwrap()
}

fn auth_items(body: &[u8], format: Format) -> Vec<Item<'_>> {
    decode(format, body, Timestamp::parse("2026-11-21T00:00:00Z").unwrap().at)
}

#[test]
fn one_log_in_three_forms_gives_the_same_events() {
    let Some(folder) = samples() else { return };
    let bodies = AUTH_LOGS.map(|name| auth_log(&folder, name));
    for format in [Format::Auto, Format::LinuxAuth] {
        let logs = bodies.each_ref().map(|body| auth_items(body, format));
        for (name, items) in AUTH_LOGS.iter().zip(&logs) {
            let rejects = items.iter().filter(|item| item.event.is_err()).count();
            assert_eq!((items.len(), rejects), (386, 0), "{name}");
            for (item, precise) in items.iter().zip(&logs[0]) {
                let (event, precise) = (item.event.as_ref().unwrap(), precise.event.as_ref().unwrap());
                let place = format!("{name} line {}", item.index + 1);
                assert_eq!(item.format, Format::LinuxAuth, "{place}");
                assert_eq!(event.fields, precise.fields, "{place}");
                let seconds = |at: Timestamp| at.micros().div_euclid(1_000_000);
                assert_eq!(seconds(event.event_time), seconds(precise.event_time), "{place}");
            }
        }
    }
}

#[test]
fn every_login_that_was_tried_is_one_event_and_no_other_event_is_a_login() {
    /// Between the line of the log and the end of the call that made it.
    const APART_MICROS_MAX: i64 = 5_000_000;
    let Some(folder) = samples() else { return };
    let truth = std::fs::read_to_string(folder.join("linux-auth/truth.ndjson")).unwrap();
    let mut tried = Vec::new();
    for line in truth.lines() {
        let call = json::parse(line).unwrap();
        let text = |name: &str| call.text_at(name).unwrap_or_default().to_owned();
        if text("op") == "ssh" {
            tried.push((Timestamp::parse(&text("time")).unwrap().at, [text("user"), text("ip"), text("outcome")]));
        }
    }
    for name in AUTH_LOGS {
        let body = auth_log(&folder, name);
        let (mut told, mut found, mut left) = (0, 0, tried.clone());
        let mut wrong = Vec::new();
        for item in auth_items(&body, Format::Auto) {
            let event = item.event.as_ref().unwrap();
            let get = |field: Field| event.fields.get(field).unwrap_or_default().to_owned();
            if get(Field::Action) != "ssh.login" {
                assert_ne!(get(Field::CadfAction), "authenticate/login", "{name} line {}", item.index + 1);
                continue;
            }
            let data = json::parse(event.fields.get(Field::RequestData).unwrap()).unwrap();
            for _ in 0..data.get("repeated").and_then(json::Node::int).unwrap_or(1) {
                told += 1;
                let said = [get(Field::InitiatorName), get(Field::Address), get(Field::Outcome)];
                let is_that = |(at, call): &(Timestamp, [String; 3])| {
                    *call == said && (at.micros() - event.event_time.micros()).abs() <= APART_MICROS_MAX
                };
                match left.iter().position(is_that) {
                    Some(place) => {
                        left.remove(place);
                        found += 1;
                    }
                    None => wrong.push(format!("line {}: {said:?}", item.index + 1)),
                }
            }
        }
        let share = |of: usize| found as f64 / of as f64;
        let (precision, recall) = (share(told), share(tried.len()));
        println!("{name}: {found} of {} logins, precision {precision:.3}, recall {recall:.3}", tried.len());
        assert!(wrong.is_empty(), "{name}: precision {precision:.3}, nobody tried {wrong:#?}");
        assert!(left.is_empty(), "{name}: recall {recall:.3}, not found {left:#?}");
        assert_eq!(found, 98, "{name}: precision {precision:.3}, recall {recall:.3}");
    }
}

/// The outcome that a label's words speak of.
fn outcome_in_label(test: &str) -> Option<Outcome> {
    let lower = test.to_lowercase();
    let words = || lower.split(|character: char| !character.is_alphanumeric());
    if words()
        .any(|word| matches!(word, "failed" | "fail" | "failure" | "unsuccessful" | "denied" | "error" | "errors"))
    {
        return Some(Outcome::Failure);
    }
    words().any(|word| word.starts_with("success")).then_some(Outcome::Success)
}

/// Labels whose words are about the rule that was tried and not about what the event says: a code that
/// was written over, a `false` typed on another keyboard, a request to a web server.
const LABELS_OF_RULES: &[(&str, i64)] =
    &[("auth0/panther.ndjson", 15), ("gcp/panther.ndjson", 61), ("gcp/security-analytics.ndjson", 6)];

/// The method in the name of a fixture or an action, without case: `…CreateServiceAccountRequest`,
/// `v1.compute.subnetworks.patch-disableFlowLogs`.
fn method(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or_default();
    let bare = last.split('-').next().unwrap_or_default();
    bare.strip_suffix("Request").unwrap_or(bare).to_lowercase()
}

#[test]
fn events_agree_with_the_labels_that_speak_of_their_end_or_their_action() {
    let Some(folder) = samples() else { return };
    let (mut outcomes, mut actions, mut wrong) = (0, 0, Vec::new());
    for file in files(&folder) {
        let Ok(labels) = std::fs::read_to_string(file.with_extension("labels.ndjson")) else { continue };
        let body = std::fs::read(&file).unwrap();
        let items = read(&body);
        let name = file.strip_prefix(&folder).unwrap().display().to_string();
        for label in labels.lines() {
            let label = json::parse(label).unwrap();
            let line = label.get("line").and_then(json::Node::int).unwrap();
            let Ok(event) = &items[usize::try_from(line).unwrap() - 1].event else { continue };
            if LABELS_OF_RULES.contains(&(name.as_str(), line)) {
                continue;
            }
            if let Some(fixture) = label.text_at("fixture") {
                actions += 1;
                let action = event.fields.get(Field::Action).unwrap_or_default();
                if method(action) != method(fixture) {
                    wrong.push(format!("{name} line {line}: {fixture:?} {action:?}"));
                }
            }
            let test = label.text_at("test").unwrap_or_default();
            if let Some(expected) = outcome_in_label(test) {
                outcomes += 1;
                if event.outcome() != expected {
                    wrong.push(format!(
                        "{name} line {line} {test:?}: {:?} {:?}",
                        event.outcome(),
                        sentence::summary(&event.fields)
                    ));
                }
            }
        }
    }
    println!("{outcomes} outcomes and {actions} actions compared with labels");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(outcomes > 60 && actions > 5, "{outcomes} {actions}");
}

/// Says that this test is skipped, and why. Past the capturing of the test runner, which hides what a test prints
/// that does not fail; `cargo xtask test` lists these lines at its end.
fn skipped(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("skipped: {test}: {reason}\n").as_bytes());
}
