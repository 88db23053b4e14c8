//! An account's own storage: used for it alone, and when it is away everything else works.

use std::fs;

use bytes::Bytes;
use whodid_decode::Format;
use whodid_engine::{Engine, Error, ErrorKind, IngestReply, IngestRequest, ReadRequest};
use whodid_lake::Location;
use whodid_model::access::Act;
use whodid_model::{AccountName, StreamName};

use crate::{Bench, event, options, scope_of};

const ACME: &str = "acme";

fn acme() -> AccountName {
    AccountName::parse(ACME).unwrap()
}

async fn send(engine: &Engine, account: &str, id: &str) -> Result<IngestReply, Error> {
    let body = Bytes::from(event(id, 0, "x.y.read", "success"));
    let request = IngestRequest { format: Format::Auto, body, idempotency_key: None, sender: String::new() };
    engine.ingest(&scope_of(account, Act::Write), request).await
}

async fn count(engine: &Engine, account: &str) -> Result<u64, Error> {
    let scope = scope_of(account, Act::Read(&StreamName::activity()));
    engine.count(&scope, &ReadRequest::default()).await.map(|count| count.count)
}

async fn reopened(bench: Bench, change: impl FnOnce(&mut whodid_engine::Options)) -> Bench {
    let Bench { folder, clock, engine } = bench;
    engine.close().await;
    drop(engine);
    let mut options = options(&folder, &clock);
    change(&mut options);
    let engine = Engine::open(options).await.unwrap();
    Bench { folder, clock, engine }
}

#[tokio::test]
async fn an_accounts_tables_are_at_its_own_place_and_others_are_not() {
    let own = tempfile::tempdir().unwrap();
    let place = || vec![(acme(), Location::Folder(own.path().join("lake")))];
    let bench = Bench::with(|options| options.places = place()).await;
    for account in [ACME, "default"] {
        send(&bench.engine, account, "a").await.unwrap();
    }
    bench.engine.flush().await.unwrap();
    bench.engine.compact().await.unwrap();
    assert!(own.path().join("lake/acme/activity/_delta_log").is_dir());
    assert!(own.path().join("lake/_whodid/owner.json").is_file(), "claimed like a lake");
    assert!(!bench.folder.path().join("lake/acme").exists());
    assert!(bench.folder.path().join("lake/default/activity/_delta_log").is_dir());
    send(&bench.engine, ACME, "b").await.unwrap();
    let bench = reopened(bench, |options| options.places = place()).await;
    assert_eq!((count(&bench.engine, ACME).await.unwrap(), count(&bench.engine, "default").await.unwrap()), (2, 1));
}

#[tokio::test]
async fn a_place_that_is_away_at_the_start_holds_up_nobody_else_and_is_taken_up_again() {
    let own = tempfile::tempdir().unwrap();
    let lake = own.path().join("lake");
    let place = || vec![(acme(), Location::Folder(lake.clone()))];
    let bench = Bench::with(|options| options.places = place()).await;
    send(&bench.engine, ACME, "flushed").await.unwrap();
    bench.engine.flush().await.unwrap();
    send(&bench.engine, ACME, "waiting").await.unwrap();
    send(&bench.engine, "default", "a").await.unwrap();

    let away = own.path().join("away");
    fs::rename(&lake, &away).unwrap();
    fs::write(&lake, "in the way").unwrap();
    let bench = reopened(bench, |options| options.places = place()).await;
    assert_eq!(count(&bench.engine, "default").await.unwrap(), 1);
    send(&bench.engine, "default", "b").await.unwrap();
    bench.engine.flush().await.unwrap();
    assert!(bench.engine.is_ready().is_ok());
    assert_eq!(count(&bench.engine, ACME).await.unwrap_err().code, "table_unavailable");
    assert_eq!(send(&bench.engine, ACME, "c").await.unwrap_err().code, "table_unavailable");
    bench.engine.take_up().await;
    assert_eq!(bench.engine.unreadable_count(), 5, "all streams of the account");

    fs::remove_file(&lake).unwrap();
    fs::rename(&away, &lake).unwrap();
    bench.engine.take_up().await;
    assert_eq!(bench.engine.unreadable_count(), 0);
    assert_eq!(count(&bench.engine, ACME).await.unwrap(), 2, "what was flushed, and what the journal held");
    send(&bench.engine, ACME, "c").await.unwrap();
    bench.engine.flush().await.unwrap();
    let bench = reopened(bench, |options| options.places = place()).await;
    assert_eq!(count(&bench.engine, ACME).await.unwrap(), 3);
}

#[tokio::test]
async fn a_place_of_another_server_is_left_alone_and_the_rest_works() {
    let own = tempfile::tempdir().unwrap();
    let place = || vec![(acme(), Location::Folder(own.path().join("lake")))];
    let first = Bench::with(|options| options.places = place()).await;
    send(&first.engine, ACME, "a").await.unwrap();
    first.engine.flush().await.unwrap();
    let second = Bench::with(|options| options.places = place()).await;
    assert_eq!(send(&second.engine, ACME, "b").await.unwrap_err().code, "table_unavailable");
    send(&second.engine, "default", "b").await.unwrap();
    send(&first.engine, ACME, "c").await.unwrap();
    first.engine.flush().await.unwrap();

    let second = reopened(second, |options| {
        options.places = place();
        options.take_over_lake = true;
    })
    .await;
    send(&second.engine, ACME, "d").await.unwrap();
    second.engine.flush().await.unwrap();
    assert_eq!(count(&second.engine, ACME).await.unwrap(), 3);
    send(&first.engine, ACME, "lost").await.unwrap();
    first.engine.flush().await.unwrap_err();
    assert_eq!(send(&first.engine, ACME, "e").await.unwrap_err().code, "lake_taken");
    send(&first.engine, "default", "e").await.unwrap();
    assert!(first.engine.is_ready().is_ok(), "only one account is concerned");
    assert_eq!(first.engine.place_troubles().len(), 1);
}

#[tokio::test]
async fn a_new_account_gets_its_place_while_running_and_one_with_records_does_not() {
    let own = tempfile::tempdir().unwrap();
    let bench = Bench::new().await;
    send(&bench.engine, "default", "a").await.unwrap();
    let location = || Location::Folder(own.path().join("lake"));
    let refused = bench.engine.add_place(&AccountName::default_account(), location()).await.unwrap_err();
    assert_eq!((refused.kind, refused.code), (ErrorKind::Conflict, "storage_in_use"));
    fs::write(own.path().join("file"), "no folder").unwrap();
    let refused = bench.engine.add_place(&acme(), Location::Folder(own.path().join("file"))).await.unwrap_err();
    assert_eq!((refused.kind, refused.code), (ErrorKind::Invalid, "storage_unusable"));
    bench.engine.prepare_account(&acme()).await.unwrap();
    bench.engine.add_place(&acme(), location()).await.unwrap();
    assert_eq!(bench.engine.add_place(&acme(), location()).await.unwrap_err().kind, ErrorKind::Conflict);
    send(&bench.engine, ACME, "b").await.unwrap();
    bench.engine.flush().await.unwrap();
    assert!(own.path().join("lake/acme/activity/_delta_log").is_dir());
}

#[tokio::test]
async fn a_place_must_not_hide_records_that_are_in_the_lake() {
    let own = tempfile::tempdir().unwrap();
    let bench = Bench::new().await;
    send(&bench.engine, ACME, "a").await.unwrap();
    bench.engine.flush().await.unwrap();
    let place = vec![(acme(), Location::Folder(own.path().join("lake")))];
    let bench = reopened(bench, |options| options.places = place).await;
    assert_eq!(count(&bench.engine, ACME).await.unwrap_err().code, "table_unavailable");
    let bench = reopened(bench, |_| {}).await;
    assert_eq!(count(&bench.engine, ACME).await.unwrap(), 1);
}
