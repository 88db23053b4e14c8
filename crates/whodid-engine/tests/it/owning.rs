//! One server writes to a lake: a second one is refused, and who is put aside loses nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use whodid_engine::{Engine, LakeTrouble, OpenError, Options};
use whodid_lake::Location;

use crate::{Bench, START, event, options};

/// Two data folders, one lake.
struct Pair {
    ours: tempfile::TempDir,
    theirs: tempfile::TempDir,
    lake: tempfile::TempDir,
    clock: Arc<AtomicI64>,
}

impl Pair {
    fn new() -> Self {
        let folder = || tempfile::tempdir().unwrap();
        Self { ours: folder(), theirs: folder(), lake: folder(), clock: Arc::new(AtomicI64::new(START)) }
    }

    async fn open(&self, folder: &tempfile::TempDir, change: impl FnOnce(&mut Options)) -> Result<Engine, OpenError> {
        let mut options = options(folder, &self.clock);
        options.lake = Location::Folder(self.lake.path().to_owned());
        change(&mut options);
        Engine::open(options).await
    }

    /// An engine that is open, as a bench to send with.
    fn bench(&self, engine: Engine) -> Bench {
        Bench { folder: tempfile::tempdir().unwrap(), clock: Arc::clone(&self.clock), engine }
    }
}

fn read(id: &str) -> String {
    event(id, 0, "x.y.read", "success")
}

#[tokio::test]
async fn a_second_server_on_a_lake_is_refused_and_the_first_does_not_feel_it() {
    let pair = Pair::new();
    let first = pair.bench(pair.open(&pair.ours, |_| {}).await.unwrap());
    first.send(&read("a")).await;
    first.engine.flush().await.unwrap();
    let error = pair.open(&pair.theirs, |_| {}).await.expect_err("refused");
    let told = std::error::Error::source(&error).expect("why").to_string();
    assert!(told.contains("another server writes to this lake") && told.contains("--take-over-lake"), "{told}");
    first.send(&read("b")).await;
    first.engine.flush().await.unwrap();
    assert_eq!(first.ids("").await, ["b", "a"]);
    // A lake that was left by its server is still that server's.
    first.engine.close().await;
    assert!(pair.open(&pair.theirs, |_| {}).await.is_err());
    let again = pair.bench(pair.open(&pair.ours, |_| {}).await.unwrap());
    assert_eq!(again.ids("").await, ["b", "a"]);
}

#[tokio::test]
async fn who_is_put_aside_stops_taking_in_and_keeps_what_was_acknowledged() {
    let pair = Pair::new();
    let first = pair.bench(pair.open(&pair.ours, |_| {}).await.unwrap());
    first.send(&read("a")).await;
    first.engine.flush().await.unwrap();
    first.send(&read("only-here")).await;

    let second = pair.bench(pair.open(&pair.theirs, |options| options.take_over_lake = true).await.unwrap());
    assert_eq!(second.ids("").await, ["a"]);
    second.send(&read("theirs")).await;
    second.engine.flush().await.unwrap();

    first.engine.flush().await.unwrap_err();
    assert_eq!(first.engine.lake_trouble(), Some(LakeTrouble::Taken));
    assert!(first.engine.is_ready().unwrap_err().contains("another server"));
    assert_eq!(first.try_send(&read("late"), None).await.unwrap_err().code, "lake_taken");
    first.engine.close().await;
    assert!(pair.open(&pair.ours, |_| {}).await.is_err(), "it must not believe that its record is in the lake");

    // Taking it back by force would leave the record out silently; that is refused too, until the journal is moved.
    second.engine.close().await;
    let error = pair.open(&pair.ours, |options| options.take_over_lake = true).await.expect_err("refused");
    assert!(matches!(&error, OpenError::Places { table, .. } if table == "default/activity"), "{error}");
    let back = pair.bench(pair.open(&pair.theirs, |_| {}).await.unwrap());
    assert_eq!(back.ids("").await, ["theirs", "a"]);
}

#[tokio::test]
async fn a_flush_that_failed_once_is_forgotten_when_the_lake_takes_records_again() {
    let pair = Pair::new();
    let first = pair.bench(pair.open(&pair.ours, |_| {}).await.unwrap());
    first.send(&read("a")).await;
    let claim = pair.lake.path().join("_whodid/owner.json");
    let whole = std::fs::read(&claim).unwrap();
    std::fs::write(&claim, "{").unwrap();
    first.engine.flush().await.unwrap_err();
    assert_eq!(first.engine.lake_trouble(), Some(LakeTrouble::Failing));
    assert!(first.engine.is_ready().is_ok(), "events are still taken in");
    std::fs::write(&claim, whole).unwrap();
    first.engine.flush().await.unwrap();
    assert_eq!(first.engine.lake_trouble(), None);
}
