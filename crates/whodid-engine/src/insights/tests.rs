//! Insights of a history and of what comes then, through restarts and a replay.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use bytes::Bytes;
use serde_json::Value;
use whodid_decode::Format;
use whodid_insights::{Expected, Kind};
use whodid_lake::RawReader;
use whodid_model::access::{Act as Deed, BuiltInRole, Grant, Who, decide};
use whodid_model::{AccessScope, Principal, Timestamp};

use super::*;
use crate::detect::Read;
use crate::{IngestRequest, Options};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1440 * MINUTE;
/// Monday, 2026-01-05.
const MONDAY: i64 = 1_767_571_200_000_000;

/// A server whose jobs do not run, and its clock.
struct Server {
    engine: Engine,
    clock: Arc<AtomicI64>,
    folder: Arc<tempfile::TempDir>,
}

impl Server {
    async fn open(folder: Arc<tempfile::TempDir>, now: i64) -> Self {
        let server = Self::without_insights(folder, now, |_| ()).await;
        server.set(Settings::default()).await;
        server
    }

    async fn without_insights(folder: Arc<tempfile::TempDir>, now: i64, change: impl FnOnce(&mut Options)) -> Self {
        let clock = Arc::new(AtomicI64::new(now));
        let at = Arc::clone(&clock);
        let told = Arc::new(move || Timestamp::from_micros(at.load(Relaxed)));
        let mut options = Options::for_folder(folder.path(), told);
        change(&mut options);
        let engine = Engine::open(options).await.unwrap();
        engine.inner.shutdown.cancel();
        Self { engine, clock, folder }
    }

    async fn set(&self, settings: Settings) {
        self.engine.set_insights(&account(), settings).await.unwrap();
    }

    async fn new() -> Self {
        Self::open(Arc::new(tempfile::tempdir().unwrap()), MONDAY + 9 * DAY).await
    }

    /// The same folder again, with what was stored at the last save only.
    async fn reopened(self) -> Self {
        let (now, folder) = (self.clock.load(Relaxed), Arc::clone(&self.folder));
        let Self { engine, .. } = self;
        engine.close().await;
        Self::open(folder, now).await
    }

    async fn wait(&self, micros: i64) {
        self.clock.fetch_add(micros, Relaxed);
        self.engine.insights_up_to_now().await;
    }

    async fn send(&self, events: &[String]) {
        for part in events.chunks(5_000) {
            let body = Bytes::from(part.join("\n"));
            let request = IngestRequest { format: Format::Json, body, idempotency_key: None, sender: String::new() };
            self.engine.ingest(&scope(Deed::Write), request).await.unwrap();
        }
        self.engine.insights_up_to_now().await;
    }

    /// Two calls every five minutes for so many days.
    async fn history(&self, days: i64) {
        let bins = days * 288;
        let events: Vec<String> = (0..bins * 2)
            .map(|number| event(MONDAY + number / 2 * 5 * MINUTE + number % 2, "alice", &format!("h{number}")))
            .collect();
        self.send(&events).await;
        self.wait(11_000_000).await;
    }

    /// Sixty calls of one person within four minutes.
    async fn burst(&self, name: &str) {
        self.burst_of(60, |number, at| event(at, "bob", &format!("{name}{number}"))).await;
    }

    /// So many events now, which come in within four minutes.
    async fn burst_of(&self, count: i64, of: impl Fn(i64, i64) -> String) {
        let now = self.clock.fetch_add(4 * MINUTE, Relaxed);
        let events: Vec<String> = (0..count).map(|number| of(number, now + number)).collect();
        self.send(&events).await;
    }

    /// What is told of one kind, as it was recorded.
    async fn of_kind(&self, kind: Kind) -> Vec<Value> {
        let all = self.insights().await;
        let events = all.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
        events.filter(|event| event["requestData"]["insightType"] == kind.name()).collect()
    }

    async fn is_replayed(&self) -> bool {
        let sorted = |mut lines: Vec<String>| {
            lines.sort();
            lines.dedup();
            lines
        };
        sorted(self.replayed().await) == sorted(self.recorded().await)
    }

    /// The records of the stream, as they were received.
    async fn recorded(&self) -> Vec<String> {
        let mut next = Offset(0);
        let mut found = Vec::new();
        while let Read::Rows(batches) =
            self.engine.records_from(&account(), &StreamName::insights(), next).await.unwrap()
        {
            for batch in &batches {
                let raws = RawReader::new(batch);
                found.extend(Row::all_with(batch, &raws).map(|row| String::from_utf8(row.raw().into_owned()).unwrap()));
                next = offsets_of(batch).unwrap().1.next();
            }
        }
        found
    }

    /// The same without what tells of settings.
    async fn insights(&self) -> Vec<String> {
        let mut recorded = self.recorded().await;
        recorded.retain(|text| !text.contains(SETTINGS_ACTION));
        recorded
    }

    /// What they tell, one a line.
    async fn told(&self) -> Vec<String> {
        let of = |text: &String| {
            let event: Value = serde_json::from_str(text).unwrap();
            format!("{}: {}", event["action"].as_str().unwrap(), event["message"].as_str().unwrap())
        };
        self.insights().await.iter().map(of).collect()
    }

    async fn replayed(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let until = self.clock.load(Relaxed);
        let each = |line| {
            lines.push(line);
            true
        };
        self.engine.replay_insights(&account(), until, each).await.unwrap();
        lines
    }
}

fn account() -> AccountName {
    AccountName::default_account()
}

fn scope(act: Deed<'_>) -> AccessScope {
    let who = Who::User { id: "u1".into(), name: "root".into(), is_name_given: true, also_known_as: Vec::new() };
    let grant = Grant::whole(BuiltInRole::Administrator.permissions());
    decide(&Principal::with_grant(who, account(), grant), act, &account()).unwrap()
}

fn event(at: i64, who: &str, id: &str) -> String {
    format!(
        r#"{{"id":"{id}","eventTime":"{}","action":"kms.secrets.create","outcome":"success","region":"eu-de",
        "initiator":{{"id":"{who}","name":"{who}","host":{{"address":"192.0.2.7","agent":"cli"}}}},
        "target":{{"id":"k","typeURI":"kms/secrets"}}}}"#,
        Timestamp::from_micros(at)
    )
    .replace('\n', "")
}

const STARTED: &str = "whodid.insight.start: kms.secrets.create calls by bob in eu-de: ";

#[tokio::test]
async fn a_burst_after_a_history_starts_an_insight_and_its_end_is_told_when_it_is_over() {
    let server = Server::new().await;
    server.history(9).await;
    assert_eq!(server.told().await, Vec::<String>::new(), "what is usual is not told");
    server.burst("b").await;
    let told = server.told().await;
    assert!(matches!(told.as_slice(), [one] if one.starts_with(STARTED)), "{told:?}");
    server.wait(3 * 60 * MINUTE).await;
    let told = server.told().await;
    let is_end = |text: &String| text.starts_with("whodid.insight.end:") && text.ends_with("; as usual again");
    assert!(told.len() == 2 && is_end(&told[1]), "{told:?}");

    let last: Value = serde_json::from_str(&server.insights().await[1]).unwrap();
    let data = &last["requestData"];
    assert_eq!((&data["insightType"], &data["state"]), (&"ApiCallRateInsight".into(), &"End".into()));
    assert_eq!(data["statistics"]["insightCount"], 60);
    assert_eq!(data["evidence"]["count"], 60);
    assert_eq!(data["attributions"][0]["insight"][0]["value"], "bob");
    assert_eq!(data["attributions"][0]["baseline"][0]["value"], "alice");
    assert_eq!(data["isPast"], false);
}

#[tokio::test]
async fn a_replay_of_the_stored_records_gives_the_same_bytes() {
    let server = Server::new().await;
    server.history(9).await;
    server.burst("b").await;
    let all = Settings {
        expected: vec![Expected {
            id: "x".into(),
            principal: None,
            action: Some("kms.*".into()),
            ..Expected::default()
        }],
        ..Settings::default()
    };
    server.set(all).await;
    server.wait(3 * 60 * MINUTE).await;
    server.burst("c").await;
    server.wait(3 * 60 * MINUTE).await;
    let recorded = server.recorded().await;
    assert!(recorded.iter().any(|text| text.contains("whodid.insight.configure")), "{recorded:#?}");
    assert_eq!(server.replayed().await, recorded);
}

#[tokio::test]
async fn a_restart_in_the_middle_of_an_insight_changes_nothing() {
    let straight = Server::new().await;
    straight.history(9).await;
    straight.burst("b").await;
    straight.burst("c").await;
    straight.wait(3 * 60 * MINUTE).await;

    let mut broken = Server::new().await;
    broken.history(9).await;
    broken.burst("b").await;
    // Once with everything stored, and once with what was stored long ago only.
    broken = broken.reopened().await;
    let stored = broken.folder.path().join("insights/default.zst");
    let before = std::fs::read(&stored).unwrap();
    broken.burst("c").await;
    let folder = Arc::clone(&broken.folder);
    let now = broken.clock.load(Relaxed);
    broken.engine.close().await;
    std::fs::write(folder.path().join("insights/default.zst"), before).unwrap();
    let broken = Server::open(folder, now).await;
    broken.wait(3 * 60 * MINUTE).await;
    assert_eq!(broken.recorded().await, straight.recorded().await);
}

#[tokio::test]
async fn what_is_expected_is_recorded_as_such_and_a_kind_that_is_off_is_not() {
    let server = Server::new().await;
    server.history(9).await;
    let expected = Expected { id: "x".into(), action: Some("kms.*".into()), ..Expected::default() };
    let settings = Settings { expected: vec![expected], ..Settings::default() };
    server.set(settings).await;
    server.burst("b").await;
    let recorded = server.recorded().await;
    let start: Value = serde_json::from_str(recorded.last().unwrap()).unwrap();
    assert_eq!((&start["requestData"]["isExpected"], &start["severity"]), (&true.into(), &"normal".into()));

    let server = Server::new().await;
    let off = Settings { off: vec![Kind::ApiCallRateInsight], ..Settings::default() };
    server.set(off).await;
    server.history(9).await;
    server.burst("b").await;
    let told = server.told().await;
    assert!(!told.iter().any(|text| text.contains("kms.secrets.create")), "{told:?}");
}

#[tokio::test]
async fn the_series_behind_an_insight_has_counts_and_what_was_expected() {
    let server = Server::new().await;
    server.history(9).await;
    server.burst("b").await;
    let now = server.clock.load(Relaxed);
    let start: Value = serde_json::from_str(&server.insights().await[0]).unwrap();
    let asked = SeriesQuery {
        kind: Kind::ApiCallRateInsight,
        object: whodid_insights::Object {
            source: "json".into(),
            region: "eu-de".into(),
            action: "kms.secrets.create".into(),
            ..whodid_insights::Object::default()
        },
        from: Timestamp::from_micros(MONDAY + 7 * DAY),
        to: Timestamp::from_micros(now),
        period: 300,
        unusual: vec![(Timestamp::from_micros(now - 5 * MINUTE), Timestamp::from_micros(now))],
    };
    let series = server.engine.insight_series(&scope(Deed::Read(&StreamName::activity())), &asked).await.unwrap();
    assert_eq!(start["requestData"]["evidence"]["query"], series.query.as_str());
    let usual = &series.points[100];
    assert!(usual.count == 2 && (1.5..2.5).contains(&usual.expected) && usual.upper > usual.expected, "{usual:?}");
    assert_eq!(series.points.iter().map(|point| point.count).sum::<u64>(), 2 * 2 * 288 + 60);
    let wrong = SeriesQuery { period: 77, ..asked };
    let refused = server.engine.insight_series(&scope(Deed::Read(&StreamName::activity())), &wrong).await.unwrap_err();
    assert!(refused.to_string().contains("`period` is 77"), "{refused}");
}

/// The values of an attribute, with their counts.
fn attributed(event: &Value, name: &str) -> Vec<(String, u64)> {
    let all = event["requestData"]["attributions"].as_array().unwrap();
    let one = all.iter().find(|one| one["attribute"] == name).unwrap();
    let value = |value: &Value| (value["value"].as_str().unwrap().to_owned(), value["count"].as_u64().unwrap());
    one["insight"].as_array().unwrap().iter().map(value).collect()
}

#[tokio::test]
async fn an_insight_whose_people_cannot_be_counted_is_told_without_them() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let small = |options: &mut Options| options.query_memory_bytes = 2 << 20;
    let server = Server::without_insights(folder, MONDAY + 9 * DAY, small).await;
    server.set(Settings::default()).await;
    server.history(9).await;
    let name = |number: i64| format!("{number}-{}", "x".repeat(100_000));
    server.burst_of(60, |number, at| event(at, &name(number), &format!("b{number}"))).await;
    server.wait(3 * 60 * MINUTE).await;
    let told = server.of_kind(Kind::ApiCallRateInsight).await;
    let [_, end] = told.as_slice() else { panic!("{told:#?}") };
    let evidence = &end["requestData"]["evidence"];
    let missing = evidence["attributionsMissing"].as_str().unwrap_or_default();
    assert!(missing.contains("needs more memory"), "{evidence}");
    assert_eq!((&evidence["count"], &end["requestData"]["attributions"]), (&60.into(), &Value::Array(Vec::new())));
    assert!(server.is_replayed().await);
}

#[tokio::test]
async fn long_texts_of_senders_are_cut() {
    let server = Server::new().await;
    server.history(9).await;
    server.burst_of(60, |number, at| event(at, &"ä".repeat(10_000), &format!("b{number}"))).await;
    server.wait(3 * 60 * MINUTE).await;
    let told = server.of_kind(Kind::ApiCallRateInsight).await;
    let end = told.last().unwrap();
    let cut = format!("{}…", "ä".repeat(126));
    assert_eq!(end["initiator"]["name"], cut.as_str());
    assert_eq!(attributed(end, "principalId"), [(cut, 60)]);
    assert!(end.to_string().len() < 8_000, "{end}");
}

#[tokio::test]
async fn of_insights_recorded_together_the_one_that_is_too_large_loses_its_attributions_only() {
    let server = Server::new().await;
    let of = |id: &str, value: String| {
        serde_json::json!({
            "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event", "eventType": "monitor", "id": id,
            "eventTime": "2026-01-06T10:00:00Z", "action": "whodid.insight.start", "outcome": "success",
            "initiator": {"id": "x", "typeURI": "unknown"}, "target": {"id": "i", "typeURI": "whodid/insight"},
            "observer": {"id": "whodid", "typeURI": "service/security"},
            "requestData": {"attributions": [value], "evidence": {}},
        })
        .to_string()
    };
    let events = vec![of("1", "a".into()), of("2", "x".repeat(2 << 20)), of("3", "c".into())];
    assert!(server.engine.record_insights(&account(), events.clone()).await);
    let recorded = server.insights().await;
    assert_eq!((recorded.len(), &recorded[0], &recorded[2]), (3, &events[0], &events[2]));
    let less: Value = serde_json::from_str(&recorded[1]).unwrap();
    assert_eq!((&less["id"], &less["requestData"]["attributions"]), (&"2".into(), &Value::Array(Vec::new())));
    assert!(less["requestData"]["evidence"]["attributionsMissing"].is_string(), "{less}");
}

#[tokio::test]
async fn what_was_there_before_learning_began_is_past_also_when_it_begins_again() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let server = Server::without_insights(folder, MONDAY + 9 * DAY, |_| ()).await;
    server.history(9).await;
    server.burst("b").await;
    server.wait(3 * 60 * MINUTE).await;
    server.set(Settings::default()).await;
    server.wait(0).await;
    let is_past = |told: Vec<Value>| -> Vec<bool> {
        told.iter().map(|event| event["requestData"]["isPast"].as_bool().unwrap()).collect()
    };
    let told = server.of_kind(Kind::ApiCallRateInsight).await;
    assert_eq!(is_past(told), [true, true], "a start and an end");
    server.wait(3 * 60 * MINUTE).await;
    server.burst("c").await;
    server.wait(3 * 60 * MINUTE).await;
    let told = server.of_kind(Kind::ApiCallRateInsight).await;
    assert_eq!(is_past(told), [true, true, false, false]);
    assert_eq!(server.replayed().await, server.recorded().await);

    // What was learned is lost: all is told again, what has other words now as past.
    let (now, folder) = (server.clock.load(Relaxed), Arc::clone(&server.folder));
    server.engine.close().await;
    std::fs::write(folder.path().join("insights/default.zst"), "damaged").unwrap();
    let server = Server::open(folder, now).await;
    server.wait(0).await;
    let told = server.of_kind(Kind::ApiCallRateInsight).await;
    assert_eq!(is_past(told), [true, true, false, false, true, true]);
    server.wait(3 * 60 * MINUTE).await;
    server.burst("d").await;
    assert_eq!(is_past(server.of_kind(Kind::ApiCallRateInsight).await), [true, true, false, false, true, true, false]);
    assert!(server.is_replayed().await);
}

#[tokio::test]
async fn a_request_that_waits_for_its_outcome_is_not_counted_beside_it() {
    let server = Server::new().await;
    server.history(9).await;
    let of = |number: i64, at| {
        let ended = event(at, "bob", &format!("b{number}"));
        if number % 2 == 0 { ended.replace("success", "pending") } else { ended }
    };
    server.burst_of(120, of).await;
    server.wait(3 * 60 * MINUTE).await;
    let told = server.of_kind(Kind::ApiCallRateInsight).await;
    let end = &told.last().unwrap()["requestData"];
    assert_eq!((&end["statistics"]["insightCount"], &end["evidence"]["count"]), (&60.into(), &60.into()));
}

#[tokio::test]
async fn changes_of_rights_are_shown_by_what_was_changed_wherever_it_was() {
    let server = Server::new().await;
    server.history(9).await;
    let actions = ["AttachRolePolicy", "CreateRole", "ListRoles"];
    let regions = ["eu-de", "us-south"];
    let of = |number: i64, at| {
        let text = event(at, "bob", &format!("b{number}"));
        let text = text.replace("kms.secrets.create", actions[number as usize % 3]);
        text.replace("eu-de", regions[number as usize % 2])
    };
    server.burst_of(60, of).await;
    server.wait(3 * 60 * MINUTE).await;
    let told = server.of_kind(Kind::PolicyChangeInsight).await;
    let end = told.iter().rfind(|event| event["requestData"]["principalId"] == "bob").unwrap();
    let data = &end["requestData"];
    assert_eq!(data["actions"], serde_json::json!(["AttachRolePolicy", "CreateRole"]));
    assert_eq!((&data["statistics"]["insightCount"], &data["evidence"]["count"]), (&40.into(), &40.into()), "{data}");
    let counted = |name: &str| (name.to_owned(), 20);
    assert_eq!(attributed(end, "apiRelated"), [counted("AttachRolePolicy"), counted("CreateRole")]);
}

#[tokio::test]
async fn who_failed_how_is_read_as_the_detector_reads_it() {
    let server = Server::new().await;
    server.history(9).await;
    let of = |number: i64, at| {
        let text = event(at, "svc-1", &format!("b{number}")).replace(r#""name":"svc-1","#, "");
        match number % 3 {
            0 => text.replace(r#""outcome":"success""#, r#""outcome":"failure","reason":{"reasonCode":"409"}"#),
            _ => text,
        }
    };
    server.burst_of(60, of).await;
    server.wait(3 * 60 * MINUTE).await;
    let last = async |kind| server.of_kind(kind).await.pop().unwrap();
    let calls = last(Kind::ApiCallRateInsight).await;
    assert_eq!(attributed(&calls, "principalId"), [("svc-1".to_owned(), 60)]);
    assert_eq!(attributed(&calls, "errorCode"), [("null".to_owned(), 40), ("409".to_owned(), 20)]);
    let errors = last(Kind::ApiErrorRateInsight).await;
    assert_eq!(errors["requestData"]["errorCode"], "409");
    assert_eq!(attributed(&errors, "errorCode"), [("409".to_owned(), 20)]);
}

#[tokio::test]
async fn an_insight_is_compared_with_as_much_time_as_is_known() {
    let server = Server::open(Arc::new(tempfile::tempdir().unwrap()), MONDAY + 3 * DAY).await;
    server.history(3).await;
    server.burst("b").await;
    let told = server.of_kind(Kind::ApiCallRateInsight).await;
    let statistics = &told[0]["requestData"]["statistics"];
    assert_eq!((&statistics["baselineDuration"], &statistics["baselineCount"]), (&4320.into(), &1728.into()));
    assert_eq!(statistics["baseline"]["average"], 0.4);
}

#[tokio::test]
async fn an_exception_of_a_person_covers_the_rates_that_the_person_makes() {
    let server = Server::new().await;
    server.history(9).await;
    let of = |name: &str| Settings {
        expected: vec![Expected { id: "x".into(), principal: Some(name.into()), ..Expected::default() }],
        ..Settings::default()
    };
    server.set(of("bo*")).await;
    server.burst("b").await;
    server.wait(3 * 60 * MINUTE).await;
    server.set(of("carol")).await;
    server.burst("c").await;
    let told = server.of_kind(Kind::ApiCallRateInsight).await;
    let expected: Vec<&Value> = told.iter().map(|event| &event["requestData"]["isExpected"]).collect();
    assert_eq!(expected, [&Value::Bool(true), &Value::Bool(true), &Value::Bool(false)]);
    assert_eq!((&told[0]["requestData"]["expectedBy"], &told[0]["severity"]), (&"x".into(), &"normal".into()));
    assert!(server.is_replayed().await);
}

#[tokio::test]
async fn a_kind_that_is_switched_off_afterwards_does_not_hide_what_was_done_before() {
    let server = Server::new().await;
    server.history(9).await;
    // Insights lag behind.
    let now = server.clock.fetch_add(4 * MINUTE, Relaxed);
    let events: Vec<String> = (0..60).map(|number| event(now + number, "bob", &format!("b{number}"))).collect();
    let body = Bytes::from(events.join("\n"));
    let request = IngestRequest { format: Format::Json, body, idempotency_key: None, sender: String::new() };
    server.engine.ingest(&scope(Deed::Write), request).await.unwrap();
    let deed = configured::Configured::default().event(&account());
    server.engine.record(&account(), &StreamName::audit(), vec![deed]).await.unwrap();
    let off = Settings { off: vec![Kind::ApiCallRateInsight], ..Settings::default() };
    server.set(off.clone()).await;
    server.wait(0).await;
    assert_eq!(server.of_kind(Kind::ApiCallRateInsight).await.len(), 1);
    // And is stored at once.
    let stored = snapshot::read(server.folder.path(), &account()).unwrap().unwrap();
    assert_eq!(stored.settings, off);
    assert!(server.is_replayed().await);
}
