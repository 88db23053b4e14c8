//! The promises of the engine, tested without a network.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod detecting;
mod enduring;
mod keeping;
mod own_events;
mod owning;
mod places;
mod reading;
mod seeing;
mod sending;
mod unreadable;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use serde_json::Value;
use whodid_decode::Format;
use whodid_engine::{Engine, IngestReply, IngestRequest, Options, Order, ReadRequest};
use whodid_model::access::{Act, BuiltInRole, Grant, Who, decide};
use whodid_model::{AccessScope, AccountName, Principal, StreamName, Timestamp};

/// 2026-01-05T00:00:00Z, a Monday.
const START: i64 = 1_767_571_200_000_000;

/// An engine on its own folder with a clock that the test moves.
struct Bench {
    folder: tempfile::TempDir,
    clock: Arc<AtomicI64>,
    engine: Engine,
}

impl Bench {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(START));
        let mut options = options(&folder, &clock);
        change(&mut options);
        let engine = Engine::open(options).await.unwrap();
        Self { folder, clock, engine }
    }

    /// Ends the engine without flushing and opens the folder again.
    async fn restart(self) -> Self {
        let Self { folder, clock, engine } = self;
        engine.close().await;
        drop(engine);
        let engine = Engine::open(options(&folder, &clock)).await.unwrap();
        Self { folder, clock, engine }
    }

    async fn send(&self, body: &str) -> IngestReply {
        self.try_send(body, None).await.unwrap()
    }

    async fn try_send(&self, body: &str, key: Option<&str>) -> Result<IngestReply, whodid_engine::Error> {
        self.clock.fetch_add(1000, Ordering::Relaxed);
        let request = IngestRequest {
            format: Format::Auto,
            body: Bytes::copy_from_slice(body.as_bytes()),
            idempotency_key: key.map(str::to_owned),
            sender: "key-1".to_owned(),
        };
        self.engine.ingest(&scope(Act::Write), request).await
    }

    /// Ids of all events that match, newest first.
    async fn ids(&self, q: &str) -> Vec<String> {
        let request = ReadRequest { q: q.to_owned(), ..ReadRequest::default() };
        let page = self.engine.list(&reader(), &request, Order::NewestFirst, 1000, None).await.unwrap();
        page.events.iter().map(|event| parse(event)["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn options(folder: &tempfile::TempDir, clock: &Arc<AtomicI64>) -> Options {
    let clock = Arc::clone(clock);
    let mut options =
        Options::for_folder(folder.path(), Arc::new(move || Timestamp::from_micros(clock.load(Ordering::Relaxed))));
    options.journal_segment_bytes = 1 << 20;
    options
}

/// What an administrator of `default` may do.
fn scope(act: Act<'_>) -> AccessScope {
    scope_of("default", act)
}

fn scope_of(account: &str, act: Act<'_>) -> AccessScope {
    granted(account, act, vec![Grant::whole(BuiltInRole::Administrator.permissions())])
}

/// What `bob@example.com` may do with these grants.
fn granted(account: &str, act: Act<'_>, grants: Vec<Grant>) -> AccessScope {
    let account = AccountName::parse(account).unwrap();
    let who =
        Who::User { id: "u1".into(), name: "bob@example.com".into(), is_name_given: true, also_known_as: Vec::new() };
    let grants = [(account.clone(), grants)].into();
    decide(&Principal { who, grants, home: Some(account.clone()), is_operator: false }, act, &account).unwrap()
}

/// Reads and exports of the events of `default`.
fn reader() -> AccessScope {
    reader_of(&StreamName::activity())
}

fn reader_of(stream: &StreamName) -> AccessScope {
    scope(Act::Export(stream))
}

fn parse(event: &str) -> Value {
    serde_json::from_str(event).unwrap()
}

/// An Activity Tracker event `minute` minutes after the start.
fn event(id: &str, minute: i64, action: &str, outcome: &str) -> String {
    let at = Timestamp::from_micros(START + minute * 60_000_000);
    format!(
        r#"{{"eventTime":"{at}","id":"{id}","action":"{action}","outcome":"{outcome}","initiator":{{"id":"IBMid-1","name":"bob@example.com","typeURI":"service/security/account/user","credential":{{"type":"token"}},"host":{{"address":"192.0.2.7"}}}},"target":{{"id":"crn:v1:x:y:kms:eu-de:a/1:2:key:{id}","name":"key-{id}","typeURI":"kms/secrets"}},"observer":{{"name":"ActivityTracker"}},"reason":{{"reasonCode":200}},"requestData":{{"keyId":"k-{id}"}}}}"#
    )
}
