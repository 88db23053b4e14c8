//! Rules at work on what comes in: findings recorded once, whatever is flushed, restarted or lost on the way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use whodid_engine::{Backtest, Domain, Erasure, Order, ReadRequest};
use whodid_model::access::{Act, Permission};
use whodid_model::{AccountName, StreamName, Timestamp};
use whodid_rules::{Build, Exception, ExceptionScope, RuleSet};

use crate::{Bench, START, event, parse, reader_of, scope};

const DELETED: &str = "title: A key was deleted\nid: deleted\nlevel: high\nlogsource: {category: activity}\ndetection: {sel: {action: kms.secrets.delete}, condition: sel}\n";
const FIVE: &str = "title: Failed\nid: failed\nlogsource: {category: activity}\ndetection: {sel: {outcome: failure}, condition: sel}\n---\n\
    title: Five failures\nid: five\ncorrelation: {type: event_count, rules: [failed], group-by: [initiator.name], timespan: 15m, condition: {gte: 5}}\n";

fn account() -> AccountName {
    AccountName::parse("default").unwrap()
}

fn rules_with(text: &str, exceptions: Vec<Exception>) -> Arc<RuleSet> {
    let loaded = whodid_rules::load("rules.yml", text);
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    let build = Build { documents: loaded.documents.iter().collect(), exceptions, routes: true, ..Build::default() };
    let (rules, problems) = RuleSet::compile(&build);
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(rules)
}

fn rules(text: &str) -> Arc<RuleSet> {
    rules_with(text, Vec::new())
}

/// The findings there are, oldest first.
async fn findings(bench: &Bench) -> Vec<Value> {
    bench.engine.detect_up_to_now().await;
    let request = ReadRequest { stream: Some(StreamName::findings()), ..ReadRequest::default() };
    let scope = reader_of(&StreamName::findings());
    let page = bench.engine.list(&scope, &request, Order::OldestFirst, 1000, None).await.unwrap();
    page.events.iter().map(|event| parse(event)).collect()
}

async fn fail(bench: &Bench, number: i64) {
    bench.send(&event(&format!("f{number}"), number, "kms.secrets.read", "failure")).await;
}

#[tokio::test]
async fn a_match_becomes_a_finding_that_tells_rule_sentence_and_evidence() {
    let bench = Bench::new().await;
    bench.send(&event("before", 0, "kms.secrets.delete", "success")).await;
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    bench.send(&event("e1", 1, "kms.secrets.delete", "success")).await;
    let found = findings(&bench).await;
    assert_eq!(found.len(), 1, "what came before the rules is not looked at");
    let finding = &found[0];
    assert_eq!(finding["action"], "whodid.finding.create");
    assert_eq!(finding["severity"], "critical");
    assert_eq!(finding["initiator"]["name"], "bob@example.com");
    assert_eq!(finding["target"]["id"], "deleted");
    assert_eq!(finding["requestData"]["evidence"][0], "activity:1");
    assert_eq!(finding["requestData"]["level"], "high");
    assert!(
        finding["message"].as_str().unwrap().starts_with("A key was deleted: bob@example.com"),
        "{}",
        finding["message"]
    );
}

#[tokio::test]
async fn records_that_were_flushed_before_detection_came_to_them_are_read_back() {
    let bench = Bench::new().await;
    bench.send(&event("e0", 0, "kms.secrets.read", "success")).await;
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    let bench = {
        // Stopped before it looks at these.
        bench.engine.detect_up_to_now().await;
        bench.restart().await
    };
    for number in 1..=3 {
        bench.send(&event(&format!("e{number}"), number, "kms.secrets.delete", "success")).await;
    }
    bench.engine.flush().await.unwrap();
    bench.send(&event("e4", 90, "kms.secrets.delete", "success")).await;
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    let found = findings(&bench).await;
    let evidence: Vec<&str> =
        found.iter().map(|finding| finding["requestData"]["evidence"][0].as_str().unwrap()).collect();
    assert_eq!(evidence, ["activity:1", "activity:4"], "the first of each hour; the others are folded into it");
}

#[tokio::test]
async fn a_correlation_goes_on_after_a_restart() {
    let bench = Bench::new().await;
    bench.engine.set_rules(&account(), rules(FIVE)).await.unwrap();
    for number in 0..4 {
        fail(&bench, number).await;
    }
    assert!(findings(&bench).await.is_empty());
    let bench = bench.restart().await;
    bench.engine.set_rules(&account(), rules(FIVE)).await.unwrap();
    fail(&bench, 4).await;
    let found = findings(&bench).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["requestData"]["evidenceTotal"], 5);
    assert_eq!(found[0]["message"], "Five failures of bob@example.com: 5 in 15 minutes, 5 events");
}

#[tokio::test]
async fn after_a_crash_records_are_looked_at_again_and_findings_are_not_made_twice() {
    let bench = Bench::new().await;
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    let stored = bench.folder.path().join("detect/default.json.zst");
    let before = std::fs::read(&stored).unwrap();
    bench.send(&event("e1", 1, "kms.secrets.delete", "success")).await;
    assert_eq!(findings(&bench).await.len(), 1);
    let Bench { folder, clock, engine } = bench;
    engine.close().await;
    drop(engine);
    // As if the process had ended before it stored that it came so far.
    std::fs::write(&stored, before).unwrap();
    let engine = whodid_engine::Engine::open(crate::options(&folder, &clock)).await.unwrap();
    let bench = Bench { folder, clock, engine };
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    assert_eq!(findings(&bench).await.len(), 1);
    assert_eq!(bench.engine.detect_status(&account()).unwrap().behind, 0);
}

#[tokio::test]
async fn further_matches_are_told_as_an_update_after_a_minute() {
    let bench = Bench::new().await;
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    for number in 1..=4 {
        bench.send(&event(&format!("e{number}"), number, "kms.secrets.delete", "success")).await;
    }
    assert_eq!(findings(&bench).await.len(), 1);
    bench.clock.fetch_add(61_000_000, Ordering::Relaxed);
    let found = findings(&bench).await;
    assert_eq!(found.len(), 2);
    let update = found.iter().find(|finding| finding["action"] == "whodid.finding.update").unwrap();
    assert_eq!(update["requestData"]["matches"], 4);
    assert_eq!(
        update["requestData"]["finding"],
        found.iter().find(|one| one["action"] == "whodid.finding.create").unwrap()["id"]
    );
}

#[tokio::test]
async fn a_silenced_match_is_recorded_as_silenced() {
    let bench = Bench::new().await;
    let exception = Exception {
        id: "quiet".to_owned(),
        scope: ExceptionScope::All,
        events: [("initiator.name".to_owned(), vec!["bob@example.com".into()])].into(),
        owner: "mara".to_owned(),
        reason: "a test".to_owned(),
        expires_at: None,
    };
    bench.engine.set_rules(&account(), rules_with(DELETED, vec![exception])).await.unwrap();
    bench.send(&event("e1", 1, "kms.secrets.delete", "success")).await;
    let found = findings(&bench).await;
    assert_eq!(found[0]["requestData"]["silencedBy"], "quiet");
}

#[tokio::test]
async fn new_rules_are_taken_up_and_none_end_detection() {
    let bench = Bench::new().await;
    bench.engine.set_rules(&account(), rules(FIVE)).await.unwrap();
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    bench.send(&event("e1", 1, "kms.secrets.delete", "success")).await;
    assert_eq!(findings(&bench).await.len(), 1);
    bench.engine.set_rules(&account(), rules("")).await.unwrap();
    assert_eq!(bench.engine.detect_status(&account()), None);
    assert!(!bench.folder.path().join("detect/default.json.zst").exists());
}

#[tokio::test]
async fn what_is_stored_and_cannot_be_read_is_told_and_not_thrown_away() {
    let bench = Bench::new().await;
    let stored = bench.folder.path().join("detect/default.json.zst");
    std::fs::create_dir_all(stored.parent().unwrap()).unwrap();
    std::fs::write(&stored, b"broken").unwrap();
    let error = bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap_err();
    assert!(whodid_model::chain(&error).contains("Move the file aside"), "{}", whodid_model::chain(&error));
    assert_eq!(std::fs::read(&stored).unwrap(), b"broken");
}

#[tokio::test]
async fn a_backtest_finds_what_live_detection_found_in_whatever_order_events_came() {
    let rules = rules(&format!("{FIVE}whodid: {{policy: {{dedup_window: 0s}}}}\n"));
    for seed in [3_u64, 17, 40_503] {
        let bench = Bench::new().await;
        bench.engine.set_rules(&account(), Arc::clone(&rules)).await.unwrap();
        // Shuffled, so that many come late; some flushed before detection comes to them.
        let mut numbers: Vec<i64> = (0..60).collect();
        let mut random = seed;
        for at in (1..numbers.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            numbers.swap(at, (random >> 33) as usize % (at + 1));
        }
        for (at, number) in numbers.iter().enumerate() {
            let outcome = if number % 7 == 0 { "success" } else { "failure" };
            bench.send(&event(&format!("f{number}"), *number, "kms.secrets.read", outcome)).await;
            if at == 20 || at == 45 {
                bench.engine.flush().await.unwrap();
            }
        }
        let found = findings(&bench).await;
        for rule in rules.rules().iter().filter(|rule| rule.is_reported) {
            let id = &rule.meta.id;
            let test = Backtest {
                rules: Arc::clone(&rules),
                compared: Some(Arc::clone(&rules)),
                rule: id.clone(),
                request: ReadRequest::default(),
                time_max: Duration::from_secs(60),
            };
            let report = bench.engine.backtest(&[reader_of(&StreamName::activity())], test).await.unwrap();
            let live = found.iter().filter(|finding| finding["requestData"]["ruleId"] == id.as_str()).count() as u64;
            assert!(live > 0, "{id} found nothing");
            assert_eq!(report.findings, live, "seed {seed}, rule {id}: {report:?}");
            let difference = report.difference.unwrap();
            assert_eq!((difference.both, difference.added, difference.removed), (report.matches, 0, 0));
            assert!(report.events_read < 60, "successes concern no rule");
        }
    }
}

/// A correlation of each kind that counts events, all over the same three rules.
const KINDS: &str = "title: Failed\nid: failed\nlogsource: {category: activity}\ndetection: {sel: {outcome: failure}, condition: sel}\n---\n\
    title: Read\nid: read\nlogsource: {category: activity}\ndetection: {sel: {action: kms.secrets.read}, condition: sel}\n---\n\
    title: Deleted\nid: deleted\nlogsource: {category: activity}\ndetection: {sel: {action: kms.secrets.delete}, condition: sel}\n---\n\
    title: Count\nid: count\ncorrelation: {type: event_count, rules: [failed], group-by: [initiator.name], timespan: 8m, condition: {gte: 3}}\n---\n\
    title: Few\nid: few\ncorrelation: {type: event_count, rules: [failed], timespan: 5m, condition: {lt: 3}}\n---\n\
    title: Distinct\nid: distinct\ncorrelation: {type: value_count, rules: [read, deleted], group-by: [initiator.name], timespan: 9m, condition: {field: target.name, gte: 3}}\n---\n\
    title: Sum\nid: sum\ncorrelation: {type: value_sum, rules: [read], group-by: [initiator.name], timespan: 9m, condition: {field: requestData.bytes, gte: 20}}\n---\n\
    title: Average\nid: average\ncorrelation: {type: value_avg, rules: [read], group-by: [initiator.name], timespan: 9m, condition: {field: requestData.bytes, gte: 6}}\n---\n\
    title: Together\nid: together\ncorrelation: {type: temporal, rules: [failed, deleted], group-by: [initiator.name], timespan: 4m}\n---\n\
    title: Then\nid: then\ncorrelation: {type: temporal_ordered, rules: [failed, deleted], group-by: [initiator.name], timespan: 6m}\n---\n\
    title: Without\nid: without\ncorrelation: {type: temporal, rules: [deleted, read], group-by: [initiator.name], timespan: 3m, condition: deleted and not read}\n";

/// Numbers that a seed makes, always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[tokio::test]
async fn live_detection_tests_and_backtests_find_the_same_of_shuffled_and_late_events() {
    for seed in 1..=6_u64 {
        let mut numbers = Numbers(seed * 7919);
        let mut events: Vec<String> = (0..50)
            .map(|number| {
                let at = Timestamp::from_micros(START + numbers.below(9 * 60) as i64 * 1_000_000);
                let (who, key, bytes) = (numbers.below(3), numbers.below(5), numbers.below(12));
                let action = ["kms.secrets.read", "kms.secrets.delete"][numbers.below(2) as usize];
                let outcome = ["success", "failure"][numbers.below(2) as usize];
                format!(
                    r#"{{"eventTime":"{at}","id":"e{number}","action":"{action}","outcome":"{outcome}","initiator":{{"id":"u{who}","name":"u{who}","typeURI":"service/security/account/user"}},"target":{{"id":"k{key}","name":"k{key}","typeURI":"kms/secrets"}},"observer":{{"name":"ActivityTracker"}},"requestData":{{"bytes":{bytes}}}}}"#
                )
            })
            .collect();
        // Each begins with its time. At the end of a test nobody knows what might follow, so something does.
        events.sort();
        let end = event("end", 60, "kms.secrets.list", "success");
        let in_order = format!("{}, {end}", events.join(", "));
        for at in (1..events.len()).rev() {
            events.swap(at, numbers.below(at as u64 + 1) as usize);
        }
        // The same rules: once folding nothing, and once with all the events as a test beside each.
        let (mut plain, mut tested) = (Vec::new(), Vec::new());
        for rule in KINDS.split("---\n") {
            plain.push(format!("{rule}whodid: {{policy: {{dedup_window: 0s}}}}\n"));
            let shuffled = format!("{}, {end}", events.join(", "));
            tested.push(format!(
                "{rule}tests: [{{name: in order, expect: match, events: [{in_order}]}}, {{name: shuffled, expect: match, events: [{shuffled}]}}]\n"
            ));
        }
        let rules = rules(&plain.join("---\n"));
        let documents = whodid_rules::load("tests.yml", &tested.join("---\n"));
        assert!(documents.problems.is_empty(), "{:?}", documents.problems);
        let documents: Vec<&whodid_rules::Document> = documents.documents.iter().collect();

        let bench = Bench::new().await;
        bench.engine.set_rules(&account(), Arc::clone(&rules)).await.unwrap();
        for event in &events {
            bench.send(event).await;
            match numbers.below(8) {
                0 => bench.engine.flush().await.unwrap(),
                1 => bench.engine.detect_up_to_now().await,
                _ => {}
            }
        }
        // Long enough that nothing late is waited for.
        bench.clock.fetch_add(3_600_000_000, Ordering::Relaxed);
        let found = findings(&bench).await;
        for rule in rules.rules().iter().filter(|rule| rule.kind == whodid_rules::RuleKind::Correlation) {
            let id = rule.meta.id.as_str();
            let live = found.iter().filter(|finding| finding["requestData"]["ruleId"] == id).count() as u64;
            let test = Backtest {
                rules: Arc::clone(&rules),
                compared: None,
                rule: id.to_owned(),
                request: ReadRequest::default(),
                time_max: Duration::from_secs(60),
            };
            let backtest = bench.engine.backtest(&[reader_of(&StreamName::activity())], test).await.unwrap();
            let document = documents.iter().find(|document| document.meta().id == id).unwrap();
            let now = Timestamp::from_micros(START);
            let tested = whodid_rules::run_tests(document, &documents, &whodid_rules::Values::default(), now);
            assert_eq!((backtest.matches, tested[0].matches), (live, live), "seed {seed}, rule {id}: {tested:?}");
            // A test takes each event in when it happens; what another may still make false waits a minute for it.
            if !["few", "average", "without"].contains(&id) {
                assert_eq!(tested[1].matches, live, "seed {seed}, rule {id}: {tested:?}");
            }
        }
    }
}

#[tokio::test]
async fn evidence_is_read_from_memory_and_while_there_is_time_from_the_lake() {
    let bench = Bench::new().await;
    bench.send(&event("e0", 0, "kms.secrets.read", "success")).await;
    bench.engine.flush().await.unwrap();
    bench.send(&event("e1", 1, "kms.secrets.delete", "failure")).await;
    let ids: Vec<whodid_model::RecordId> = ["activity:1", "activity:0", "activity:9"]
        .iter()
        .map(|id| whodid_model::RecordId::parse(id).unwrap())
        .collect();
    let told = async |wait: Duration| {
        let found = bench.engine.evidence(&account(), &ids, std::time::Instant::now() + wait).await;
        found.into_iter().map(|one| one.map(|one| one.sentence)).collect::<Vec<_>>()
    };
    let whole = told(Duration::from_secs(60)).await;
    assert!(whole[0].as_deref().unwrap().contains("tried to delete"), "{whole:?}");
    assert!(whole[1].as_deref().unwrap().contains("read"), "{whole:?}");
    assert_eq!(whole[2], None, "it never was");
    assert_eq!(told(Duration::ZERO).await, [whole[0].clone(), None, None]);
}

#[tokio::test]
async fn records_that_were_erased_before_detection_came_to_them_hold_it_up_for_nothing() {
    let bench = Bench::new().await;
    bench.send(&event("e0", 0, "kms.secrets.read", "success")).await;
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    let bench = {
        bench.engine.detect_up_to_now().await;
        bench.restart().await
    };
    for number in 1..=3 {
        bench.send(&event(&format!("e{number}"), number, "kms.secrets.delete", "success")).await;
    }
    let minute = |minute: i64| Timestamp::from_micros(START + minute * 60_000_000);
    let erasure = Erasure { of: Domain::All, during: vec![minute(1)..minute(4)] };
    bench.engine.erase(&scope(Act::Manage(Permission::EventsErase)), &erasure).await.unwrap();
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    assert!(findings(&bench).await.is_empty());
    assert_eq!(bench.engine.detect_status(&account()).unwrap().behind, 0, "nothing more is waited for");
    bench.send(&event("e5", 90, "kms.secrets.delete", "success")).await;
    assert_eq!(findings(&bench).await.len(), 1);
}

#[tokio::test]
async fn what_time_completes_names_nobody_who_came_by() {
    let silent = "title: Login\nid: login\nlogsource: {category: activity}\ndetection: {sel: {action: login}, condition: sel}\n---\n\
        title: Silent\nid: silent\ncorrelation: {type: silence, rules: [login], group-by: [initiator.name], timespan: 5m}\n";
    let bench = Bench::new().await;
    bench.engine.set_rules(&account(), rules(silent)).await.unwrap();
    bench.send(&event("e1", 0, "login", "success")).await;
    bench.engine.detect_up_to_now().await;
    bench.clock.fetch_add(10 * 60_000_000, Ordering::Relaxed);
    bench.send(&event("e2", 10, "kms.secrets.read", "success").replace("bob@example.com", "mallory@example.com")).await;
    let found = findings(&bench).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["initiator"]["name"], "bob@example.com", "of whom nothing was heard");
    assert_eq!(found[0]["initiator"].get("host"), None);
}

#[tokio::test]
async fn an_event_that_repeats_itself_at_length_makes_a_finding_that_can_be_recorded() {
    let bench = Bench::new().await;
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    let name = "x".repeat(400_000);
    let long =
        event("e1", 1, "kms.secrets.delete", "success").replace("bob@example.com", &name).replace("IBMid-1", &name);
    bench.send(&long).await;
    let found = findings(&bench).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].to_string().len() < 32_000, "{}", found[0].to_string().len());
    assert_eq!(bench.engine.detect_status(&account()).unwrap().behind, 0);
}

#[tokio::test]
async fn what_did_not_happen_is_told_only_when_all_that_happened_was_seen() {
    let pair = "title: A\nid: a\nlogsource: {category: activity}\ndetection: {sel: {action: begin}, condition: sel}\n---\n\
        title: B\nid: b\nlogsource: {category: activity}\ndetection: {sel: {action: end}, condition: sel}\n---\n\
        title: No end\nid: no-end\ncorrelation: {type: absence, rules: [a, b], group-by: [initiator.name], timespan: 5m}\n";
    let bench = Bench::new().await;
    bench.engine.set_rules(&account(), rules(pair)).await.unwrap();
    bench.send(&event("e1", 0, "begin", "success")).await;
    bench.engine.detect_up_to_now().await;
    let bench = bench.restart().await;
    // Taken in while nobody looks, in two groups, and looked at when the time of the absence is long over.
    bench.send(&event("x", 0, "other", "success")).await;
    bench.engine.flush().await.unwrap();
    bench.clock.fetch_add(60_000_000, Ordering::Relaxed);
    bench.send(&event("e2", 1, "end", "success")).await;
    bench.clock.fetch_add(20 * 60_000_000, Ordering::Relaxed);
    bench.engine.set_rules(&account(), rules(pair)).await.unwrap();
    assert!(findings(&bench).await.is_empty());
}

#[tokio::test]
async fn whoever_changes_rules_can_wait_until_what_is_there_was_looked_at() {
    let bench = Bench::new().await;
    bench.engine.set_rules(&account(), rules(DELETED)).await.unwrap();
    bench.send(&event("e1", 1, "kms.secrets.delete", "success")).await;
    assert!(bench.engine.looked_at(&account(), &StreamName::activity(), Duration::from_secs(60)).await);
    bench.engine.set_rules(&account(), rules(FIVE)).await.unwrap();
    assert_eq!(findings(&bench).await.len(), 1, "found by the rules of before");
}

const FIRST_ACT: &str = "title: Act\nid: act\nlogsource: {category: activity}\ndetection: {sel: {outcome: success}, condition: sel}\n---\n\
    title: First act\nid: first-act\ncorrelation: {type: new_terms, rules: [act], group-by: [initiator.name], field: [action], timespan: 10d, min_history: 3}\nwhodid: {policy: {dedup_key: [action, target.typeURI]}}\n";

/// Minutes in so many days.
const DAYS: i64 = 24 * 60;

/// The actions that were told as first seen.
async fn first_seen(bench: &Bench) -> Vec<String> {
    let found = findings(bench).await;
    let first = found.iter().filter(|finding| finding["target"]["id"] == "first-act");
    first.filter_map(|finding| Some(finding["requestData"]["why"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn a_rule_that_learns_knows_what_was_stored_before_it_ran_as_far_back_as_it_looks() {
    let bench = Bench::new().await;
    bench.clock.fetch_add(20 * DAYS * 60_000_000, Ordering::Relaxed);
    for (day, action) in [(1, "too.old"), (12, "some.read"), (15, "some.list"), (19, "some.read")] {
        bench.send(&event(&format!("past-{day}"), day * DAYS, action, "success")).await;
    }
    bench.send(&event("refused", 19 * DAYS, "never.done", "failure")).await;
    bench.engine.flush().await.unwrap();
    // In memory still, and as much a part of the past.
    bench.send(&event("late", 19 * DAYS + 1, "some.update", "success")).await;
    bench.engine.set_rules(&account(), rules(FIRST_ACT)).await.unwrap();
    for (id, action) in [("a", "some.list"), ("b", "some.update"), ("c", "never.done"), ("d", "too.old")] {
        bench.send(&event(id, 20 * DAYS, action, "success")).await;
    }
    assert_eq!(first_seen(&bench).await, ["first seen: never.done", "first seen: too.old"]);
}

#[tokio::test]
async fn a_rule_that_learns_learns_once_and_again_when_its_text_is_another() {
    let bench = Bench::new().await;
    for minute in 0..4 {
        bench.send(&event(&format!("past-{minute}"), minute, "some.read", "success")).await;
    }
    bench.engine.set_rules(&account(), rules(FIRST_ACT)).await.unwrap();
    bench.send(&event("a", 5, "some.delete", "success")).await;
    assert_eq!(first_seen(&bench).await, ["first seen: some.delete"]);
    // With other rules beside it, and after a restart, it goes on with what it knows.
    bench.engine.set_rules(&account(), rules(&format!("{FIRST_ACT}---\n{DELETED}"))).await.unwrap();
    let bench = bench.restart().await;
    bench.engine.set_rules(&account(), rules(FIRST_ACT)).await.unwrap();
    bench.send(&event("b", 6, "some.delete", "success")).await;
    bench.send(&event("c", 7, "some.create", "success")).await;
    assert_eq!(first_seen(&bench).await, ["first seen: some.delete", "first seen: some.create"]);
    // By target now: the records of before teach it that too, although they were looked at long ago.
    let by_target = FIRST_ACT.replace("field: [action]", "field: [target.typeURI]");
    bench.engine.set_rules(&account(), rules(&by_target)).await.unwrap();
    bench.send(&event("d", 8, "some.read", "success")).await;
    bench.send(&event("e", 9, "some.read", "success").replace("kms/secrets", "kms/rings")).await;
    assert_eq!(first_seen(&bench).await.last().unwrap(), "first seen: kms/rings");
    assert_eq!(first_seen(&bench).await.len(), 3);
}

#[tokio::test]
async fn what_is_stored_fires_nothing_when_rules_that_learn_are_shown_it() {
    let bench = Bench::new().await;
    for minute in 0..8 {
        bench.send(&event(&format!("past-{minute}"), minute, &format!("some.{minute}"), "failure")).await;
    }
    let text = format!("{FIVE}---\n{}", FIRST_ACT.replace("outcome: success", "outcome: failure"));
    bench.engine.set_rules(&account(), rules(&text)).await.unwrap();
    assert!(findings(&bench).await.is_empty());
    bench.send(&event("one", 9, "some.1", "failure")).await;
    assert!(findings(&bench).await.is_empty(), "windows count what comes, not what was shown");
}
