//! What breaks off inside detection, forced from within.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use whodid_decode::Format;
use whodid_model::Principal;
use whodid_model::access::{Act, BuiltInRole, Grant, Who, decide};
use whodid_rules::Build;

use super::*;
use crate::{IngestRequest, Options};

const RULES: &str = "title: Failed\nid: failed\nlevel: high\nlogsource: {category: activity}\n\
    detection: {sel: {outcome: failure}, condition: sel}\nwhodid: {policy: {dedup_key: [target.id], dedup_window: 0s}}\n---\n\
    title: Three failures\nid: three\n\
    correlation: {type: event_count, rules: [failed], generate: true, group-by: [initiator.name], timespan: 15m, condition: {gte: 3}}\n";

/// An engine whose jobs do not run: detection goes on when a test asks for it.
async fn engine(folder: &tempfile::TempDir) -> Engine {
    let clock = Arc::new(|| Timestamp::from_millis(1_767_571_200_000));
    let engine = Engine::open(Options::for_folder(folder.path(), clock)).await.unwrap();
    engine.inner.shutdown.cancel();
    engine
}

fn rules() -> Arc<RuleSet> {
    rules_of(RULES)
}

fn rules_of(text: &str) -> Arc<RuleSet> {
    let loaded = whodid_rules::load("rules.yml", text);
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    let build = Build { documents: loaded.documents.iter().collect(), routes: true, ..Build::default() };
    let (rules, problems) = RuleSet::compile(&build);
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(rules)
}

async fn fail(engine: &Engine, number: u32) {
    let account = AccountName::default_account();
    let who = Who::User { id: "u1".into(), name: "root".into(), is_name_given: true, also_known_as: Vec::new() };
    let grant = Grant::whole(BuiltInRole::Administrator.permissions());
    let scope = decide(&Principal::with_grant(who, account.clone(), grant), Act::Write, &account).unwrap();
    let event = format!(
        r#"{{"eventTime":"2026-01-05T00:00:0{number}Z","id":"e{number}","action":"kms.secrets.read","outcome":"failure",
        "initiator":{{"name":"bob"}},"target":{{"id":"k{number}","typeURI":"kms/secrets"}}}}"#
    );
    let request =
        IngestRequest { format: Format::Json, body: Bytes::from(event), idempotency_key: None, sender: String::new() };
    engine.ingest(&scope, request).await.unwrap();
}

/// Rule and number of matches of each finding there is.
async fn told(engine: &Engine) -> Vec<(String, u64)> {
    let found = engine.findings_from(&AccountName::default_account(), Offset(0), 100).await.unwrap();
    let of = |json: &str| {
        let finding: serde_json::Value = serde_json::from_str(json).unwrap();
        let total = finding["requestData"]["evidenceTotal"].as_u64().unwrap();
        (finding["target"]["id"].as_str().unwrap().to_owned(), total)
    };
    found.iter().map(|(_, json)| of(json)).collect()
}

#[tokio::test]
async fn a_step_that_no_thread_did_is_done_again_from_what_was_stored_and_passes_no_record_over() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder).await;
    let account = AccountName::default_account();
    engine.set_rules(&account, rules()).await.unwrap();
    let stored = || std::fs::read(folder.path().join("detect/default.json.zst")).unwrap();
    for number in 1..=2 {
        fail(&engine, number).await;
    }
    engine.detect_up_to_now().await;
    let single = |count: usize| vec![("failed".to_owned(), 1); count];
    assert_eq!(told(&engine).await, single(2));

    let before = stored();
    engine.inner.detection.workers.lost.store(1, Relaxed);
    fail(&engine, 3).await;
    engine.detect_up_to_now().await;
    assert_eq!(engine.inner.detection.workers.lost.load(Relaxed), 0, "the step was asked for");
    assert_eq!(told(&engine).await, single(2));
    assert_eq!(engine.detect_totals().behind, 1, "the record waits");
    let activity = StreamName::activity();
    let is_there = |wait| engine.looked_at(&account, &activity, wait);
    assert!(!is_there(Duration::ZERO).await, "nobody is told that it was looked at");
    assert_eq!(stored(), before, "nothing is stored that detection is in doubt of");

    engine.detect_up_to_now().await;
    assert!(is_there(Duration::ZERO).await);
    assert_eq!(engine.detect_totals().behind, 0);
    let mut all = single(3);
    all.push(("three".to_owned(), 3));
    assert_eq!(told(&engine).await, all, "what was counted before counts on, and nothing is told twice");
}

#[tokio::test]
async fn what_was_told_of_a_change_is_looked_at_by_the_rules_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder).await;
    let account = AccountName::default_account();
    let guard = "title: Switched\nid: switched\nlogsource: {product: whodid}\n\
        detection: {sel: {action: whodid.rule.disable}, condition: sel}\n\
        whodid: {policy: {dedup_key: [target.id], dedup_window: 0s}}\n";
    engine.set_rules(&account, rules_of(&format!("{guard}---\n{RULES}"))).await.unwrap();
    let switch_off = async |rule: &str| {
        let deed = serde_json::json!({
            "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event", "id": rule, "eventType": "activity",
            "eventTime": "2026-01-05T00:00:00.000+00:00", "action": "whodid.rule.disable", "outcome": "success",
            "initiator": {"id": "u1", "name": "eve", "typeURI": "service/security/account/user"},
            "target": {"id": rule, "typeURI": "whodid/rule"},
            "observer": {"id": "inst", "name": "whodid", "typeURI": "service/security/audit/filter"},
        });
        engine.record(&account, &StreamName::audit(), vec![deed.to_string()]).await.unwrap();
    };
    fail(&engine, 1).await;
    switch_off("switched").await;
    // Nothing was looked at yet.
    engine.set_rules(&account, rules()).await.unwrap();
    fail(&engine, 2).await;
    engine.detect_up_to_now().await;
    switch_off("another").await;
    engine.detect_up_to_now().await;
    let told = told(&engine).await;
    let count = |rule: &str| told.iter().filter(|(id, _)| id == rule).count();
    assert_eq!((count("switched"), count("failed")), (1, 2), "{told:?}");
}

#[tokio::test]
async fn what_is_found_in_an_insight_is_told_in_its_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder).await;
    let account = AccountName::default_account();
    let rule = "title: Unusual\nid: unusual\nlevel: high\nlogsource: {category: activity, product: insights}\n\
        detection: {sel: {action: whodid.insight.start}, condition: sel}\n\
        whodid: {policy: {dedup_key: [target.id], dedup_window: 0s}}\n";
    engine.set_rules(&account, rules_of(rule)).await.unwrap();
    let words = "kms.secrets.delete calls by bob in eu-de: 14× normal, 42 a minute against 3";
    let insight = serde_json::json!({
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event", "id": "e1", "eventType": "monitor",
        "eventTime": "2026-01-05T00:00:00.000+00:00", "action": "whodid.insight.start", "outcome": "success",
        "message": words, "initiator": {"id": "bob", "name": "bob", "typeURI": "unknown"},
        "target": {"id": "i1", "name": "kms.secrets.delete", "typeURI": "whodid/insight"},
        "observer": {"id": "whodid", "name": "whodid", "typeURI": "service/security"},
    });
    engine.record(&account, &StreamName::insights(), vec![insight.to_string()]).await.unwrap();
    engine.detect_up_to_now().await;
    let found = engine.findings_from(&account, Offset(0), 10).await.unwrap();
    let finding: serde_json::Value = serde_json::from_str(&found[0].1).unwrap();
    assert_eq!(finding["message"], words);
    assert_eq!(
        (&finding["requestData"]["key"], &finding["requestData"]["resource"]["id"]),
        (&"i1".into(), &"i1".into())
    );
    let record = whodid_model::RecordId::parse("insights:0").unwrap();
    let shown = engine.evidence(&account, &[record], std::time::Instant::now()).await;
    assert_eq!(shown[0].as_ref().unwrap().sentence, words);
}
