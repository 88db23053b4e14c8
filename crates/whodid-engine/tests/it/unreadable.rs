//! A table whose log cannot be read is set aside: others do not feel it, nothing of it is lost, and it comes back.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use whodid_decode::Format;
use whodid_engine::{Engine, Error, ErrorKind, IngestReply, IngestRequest, OpenError, Options, Order, ReadRequest};
use whodid_model::StreamName;
use whodid_model::access::Act;

use crate::enduring::padded;
use crate::{Bench, event, options, parse, reader, scope_of};

const OTHER: &str = "other";

async fn send_to(bench: &Bench, account: &str, body: String) -> Result<IngestReply, Error> {
    bench.clock.fetch_add(1000, std::sync::atomic::Ordering::Relaxed);
    let request =
        IngestRequest { format: Format::Auto, body: Bytes::from(body), idempotency_key: None, sender: String::new() };
    bench.engine.ingest(&scope_of(account, Act::Write), request).await
}

fn read(id: &str) -> String {
    event(id, 0, "x.y.read", "success")
}

/// The log entry of the first flush.
fn first_commit(bench: &Bench) -> PathBuf {
    bench.folder.path().join("lake/default/activity/_delta_log/00000000000000000001.json")
}

async fn reopen(bench: Bench, change: impl FnOnce(&mut Options)) -> Result<Bench, OpenError> {
    let Bench { folder, clock, engine } = bench;
    engine.close().await;
    drop(engine);
    let mut options = options(&folder, &clock);
    change(&mut options);
    Engine::open(options).await.map(|engine| Bench { folder, clock, engine })
}

/// Event `a` in the table and `b` in the journal, the table's log damaged, the engine started again. Gives the
/// bytes that mend it.
async fn damaged() -> (Bench, Vec<u8>) {
    let bench = Bench::new().await;
    bench.send(&read("a")).await;
    bench.engine.flush().await.unwrap();
    bench.send(&read("b")).await;
    let whole = fs::read(first_commit(&bench)).unwrap();
    fs::write(first_commit(&bench), &whole[..whole.len() / 2]).unwrap();
    (bench.restart().await, whole)
}

#[tokio::test]
async fn the_damaged_table_is_refused_by_name_and_others_work() {
    let (bench, _) = damaged().await;
    let refused = bench.engine.count(&reader(), &ReadRequest::default()).await.unwrap_err();
    assert_eq!((refused.kind, refused.code), (ErrorKind::Unavailable, "table_unavailable"));
    assert!(refused.detail.contains("activity of account default") && refused.detail.contains("operations.md"));
    assert_eq!(bench.engine.get(&reader(), "a").await.unwrap_err().code, "table_unavailable");
    assert_eq!(bench.try_send(&read("c"), None).await.unwrap_err().code, "table_unavailable");
    let status = bench.engine.status(&reader(), None).await.unwrap();
    assert_eq!((status.unreadable.len(), status.unreadable[0].stream.as_str()), (1, "activity"));
    assert!(!status.unreadable[0].cause.is_empty());
    assert!(bench.engine.is_ready().is_ok());

    assert_eq!(send_to(&bench, OTHER, read("x")).await.unwrap().accepted, 1);
    bench.engine.flush().await.unwrap();
    bench.engine.compact().await.unwrap();
    let other = scope_of(OTHER, Act::Read(&StreamName::activity()));
    assert_eq!(bench.engine.count(&other, &ReadRequest::default()).await.unwrap().count, 1);
    assert_eq!(bench.engine.status(&other, None).await.unwrap().unreadable, []);
    let half = fs::read(first_commit(&bench)).unwrap();
    bench.engine.take_up().await;
    assert_eq!(bench.engine.unreadable_count(), 1);
    assert_eq!(fs::read(first_commit(&bench)).unwrap(), half, "nothing was written to it");
}

#[tokio::test]
async fn a_mended_table_is_taken_up_with_what_the_journal_held_of_it() {
    let (bench, whole) = damaged().await;
    send_to(&bench, OTHER, read("x")).await.unwrap();
    bench.engine.flush().await.unwrap();
    // A second start with the damage, so that nothing can have been let go of by the first.
    let bench = bench.restart().await;
    fs::write(first_commit(&bench), whole).unwrap();
    bench.engine.take_up().await;
    assert_eq!(bench.engine.unreadable_count(), 0);
    assert_eq!(bench.ids("").await, ["b", "a"]);
    assert_eq!(bench.send(&read("b")).await.duplicates, 1, "its events are still known");
    assert_eq!(bench.send(&event("c", 1, "x.y.read", "success")).await.first_offset, Some(2));
    bench.engine.flush().await.unwrap();
    let bench = bench.restart().await;
    assert_eq!(bench.ids("").await, ["c", "b", "a"]);
    let request = ReadRequest::default();
    let page = bench.engine.list(&reader(), &request, Order::NewestFirst, 10, None).await.unwrap();
    let offsets: Vec<_> = page.events.iter().map(|event| parse(event)["record"]["offset"].clone()).collect();
    assert_eq!(offsets, [2, 1, 0]);
}

#[tokio::test]
async fn a_table_mended_with_an_older_log_is_not_taken_up_without_the_records_between() {
    let bench = Bench::with(|options| options.journal_segment_bytes = 64 << 10).await;
    for flush in 0..2 {
        for number in 0..6 {
            bench.send(&padded(&format!("e{flush}-{number}"))).await;
        }
        bench.engine.flush().await.unwrap();
    }
    bench.send(&read("waiting")).await;
    // The second flush is what gets lost; the journal has let go of most of it.
    let second = first_commit(&bench).with_file_name("00000000000000000002.json");
    fs::write(&second, "nonsense").unwrap();
    let bench = bench.restart().await;
    fs::remove_file(&second).unwrap();
    bench.engine.take_up().await;
    let status = bench.engine.status(&reader(), None).await.unwrap();
    assert!(status.unreadable[0].cause.contains("--accept-missing-records"), "{:?}", status.unreadable);

    let Bench { folder, clock, engine } = bench;
    engine.close().await;
    drop(engine);
    let refused = Engine::open(options(&folder, &clock)).await.unwrap_err();
    assert!(matches!(refused, OpenError::Missing(_)), "{refused}");
    let mut accepting = options(&folder, &clock);
    accepting.accept_missing = true;
    let engine = Engine::open(accepting).await.unwrap();
    let bench = Bench { folder, clock, engine };
    assert_eq!(bench.send(&read("new")).await.first_offset, Some(13));
    assert_eq!(bench.ids("id:===waiting").await, ["waiting"]);
}

#[tokio::test]
async fn a_table_whose_log_was_lost_is_not_begun_anew_unless_asked() {
    let bench = Bench::new().await;
    bench.send(&read("a")).await;
    bench.engine.flush().await.unwrap();
    let Bench { folder, clock, engine } = bench;
    engine.close().await;
    drop(engine);
    let table = folder.path().join("lake/default/activity");
    fs::rename(table.join("_delta_log"), folder.path().join("aside")).unwrap();
    fs::remove_dir_all(folder.path().join("journal")).unwrap();

    let engine = Engine::open(options(&folder, &clock)).await.unwrap();
    let bench = Bench { folder, clock, engine };
    assert_eq!(bench.try_send(&read("b"), None).await.unwrap_err().code, "table_unavailable");
    bench.engine.take_up().await;
    assert_eq!(bench.engine.unreadable_count(), 1);
    fs::rename(bench.folder.path().join("aside"), table.join("_delta_log")).unwrap();
    bench.engine.take_up().await;
    assert_eq!(bench.ids("").await, ["a"]);
    assert_eq!(bench.send(&read("b")).await.first_offset, Some(1));

    bench.engine.flush().await.unwrap();
    fs::remove_dir_all(table.join("_delta_log")).unwrap();
    let bench = reopen(bench, |options| options.accept_missing = true).await.unwrap();
    assert_eq!(bench.engine.unreadable_count(), 0, "begun anew, as told");
}

#[tokio::test]
async fn what_is_held_does_not_keep_the_journal_from_letting_go_of_the_rest() {
    let bench = Bench::with(|options| options.journal_segment_bytes = 64 << 10).await;
    bench.send(&read("a")).await;
    bench.engine.flush().await.unwrap();
    bench.send(&read("b")).await;
    let whole = fs::read(first_commit(&bench)).unwrap();
    fs::write(first_commit(&bench), "").unwrap();
    let small = |options: &mut Options| {
        options.journal_segment_bytes = 64 << 10;
        options.journal_bound_bytes = 512 << 10;
    };
    let bench = reopen(bench, small).await.unwrap();
    // Several times what the journal may hold.
    for number in 0..60 {
        send_to(&bench, OTHER, padded(&format!("x{number}"))).await.unwrap();
        bench.engine.flush().await.unwrap();
    }
    let bench = reopen(bench, small).await.unwrap();
    assert_eq!(bench.engine.unreadable_count(), 1);
    fs::write(first_commit(&bench), whole).unwrap();
    bench.engine.take_up().await;
    assert_eq!(bench.ids("").await, ["b", "a"]);
    assert_eq!(bench.send(&read("b")).await.duplicates, 1);
    bench.engine.flush().await.unwrap();
    assert_eq!(reopen(bench, small).await.unwrap().ids("").await, ["b", "a"]);
}
