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
        let clock = Arc::new(AtomicI64::new(now));
        let at = Arc::clone(&clock);
        let told = Arc::new(move || Timestamp::from_micros(at.load(Relaxed)));
        let engine = Engine::open(Options::for_folder(folder.path(), told)).await.unwrap();
        engine.inner.shutdown.cancel();
        engine.set_insights(&account(), Settings::default()).await.unwrap();
        Self { engine, clock, folder }
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
        let now = self.clock.load(Relaxed);
        let events: Vec<String> =
            (0..60).map(|number| event(now + number, "bob", &format!("{name}{number}"))).collect();
        self.clock.fetch_add(4 * MINUTE, Relaxed);
        self.send(&events).await;
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
    server.engine.set_insights(&account(), all).await.unwrap();
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
    server.engine.set_insights(&account(), settings).await.unwrap();
    server.burst("b").await;
    let recorded = server.recorded().await;
    let start: Value = serde_json::from_str(recorded.last().unwrap()).unwrap();
    assert_eq!((&start["requestData"]["isExpected"], &start["severity"]), (&true.into(), &"normal".into()));

    let server = Server::new().await;
    let off = Settings { off: vec![Kind::ApiCallRateInsight], ..Settings::default() };
    server.engine.set_insights(&account(), off).await.unwrap();
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
