//! Copies of different age, failing tables, slow readers: what one of them meets, the others do not feel.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use whodid_decode::Format;
use whodid_engine::{Engine, ErrorKind, IngestRequest, LIVE_READERS_MAX, LiveItem, OpenError, Order, ReadRequest};
use whodid_model::access::Act;
use whodid_model::{StreamName, Timestamp};

use crate::{Bench, event, options, parse, reader, reader_of, scope, scope_of};

/// Removes all of a folder's files and folders.
fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
}

/// An event that stays large however it is compressed.
pub fn padded(id: &str) -> String {
    event(id, 0, "x.y.read", "success").replacen('{', &format!("{{\"pad\":\"{}\",", noise(30_000)), 1)
}

/// Text that does not compress.
fn noise(bytes: usize) -> String {
    let mut state = 7_u64;
    let letters = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + (state >> 59) as u8 % 26)
    });
    letters.take(bytes).collect()
}

#[tokio::test]
async fn what_is_acknowledged_after_the_journal_was_lost_gets_places_of_its_own() {
    let bench = Bench::new().await;
    bench.send(&event("a", 0, "x.y.read", "success")).await;
    bench.send(&event("b", 1, "x.y.read", "success")).await;
    bench.engine.flush().await.unwrap();
    let Bench { folder, clock, engine } = bench;
    engine.close().await;
    drop(engine);
    empty(&folder.path().join("journal"));

    let engine = Engine::open(options(&folder, &clock)).await.unwrap();
    let bench = Bench { folder, clock, engine };
    assert_eq!(bench.send(&event("c", 2, "x.y.read", "success")).await.first_offset, Some(2));
    assert_eq!(bench.ids("").await, ["c", "b", "a"]);
    bench.engine.flush().await.unwrap();
    assert_eq!(bench.restart().await.ids("").await, ["c", "b", "a"]);
}

#[tokio::test]
async fn records_missing_between_lake_and_journal_are_told_and_only_accepted_when_asked() {
    let bench = Bench::with(|options| options.journal_segment_bytes = 64 << 10).await;
    for number in 0..12 {
        bench.send(&padded(&format!("gone-{number}"))).await;
    }
    bench.engine.flush().await.unwrap();
    for number in 0..3 {
        bench.send(&padded(&format!("kept-{number}"))).await;
    }
    let Bench { folder, clock, engine } = bench;
    engine.close().await;
    drop(engine);
    // As if the lake were restored from a copy made before the flush.
    empty(&folder.path().join("lake"));

    let refused = Engine::open(options(&folder, &clock)).await.unwrap_err();
    assert!(matches!(refused, OpenError::Missing(_)), "{refused}");
    let mut accepting = options(&folder, &clock);
    accepting.accept_missing = true;
    let engine = Engine::open(accepting).await.unwrap();
    let bench = Bench { folder, clock, engine };
    assert!(bench.ids("").await.contains(&"kept-2".to_owned()));
    assert_eq!(bench.send(&event("new", 1, "x.y.read", "success")).await.first_offset, Some(15));
    bench.engine.flush().await.unwrap();
    assert_eq!(bench.restart().await.ids("id:===new").await, ["new"]);
}

#[tokio::test]
async fn a_table_that_cannot_be_written_holds_up_no_other() {
    let bench = Bench::new().await;
    bench.send(&event("a", 0, "x.y.read", "success")).await;
    let request = IngestRequest {
        format: Format::Auto,
        body: Bytes::from(event("b", 0, "x.y.read", "success")),
        idempotency_key: None,
        sender: String::new(),
    };
    bench.engine.ingest(&scope_of("aaa", Act::Write), request).await.unwrap();
    let lake = bench.folder.path().join("lake");
    fs::create_dir_all(&lake).unwrap();
    fs::write(lake.join("aaa"), "in the way").unwrap();

    bench.engine.flush().await.unwrap_err();
    assert_eq!(
        bench.engine.status(&reader(), None).await.unwrap().tail_rows,
        Some(0),
        "the other account's is in the lake"
    );
    let waiting = bench.engine.status(&scope_of("aaa", Act::Read(&StreamName::activity())), None).await.unwrap();
    assert_eq!((waiting.events, waiting.tail_rows), (Some(1), Some(1)));

    fs::remove_file(lake.join("aaa")).unwrap();
    bench.engine.flush().await.unwrap();
    assert_eq!(
        bench.engine.status(&scope_of("aaa", Act::Read(&StreamName::activity())), None).await.unwrap().tail_rows,
        Some(0)
    );
}

async fn next_id(live: &mut whodid_engine::Live) -> String {
    match live.next().await {
        Some(LiveItem::Event { json, .. }) => parse(&json)["id"].as_str().unwrap().to_owned(),
        other => panic!("no event: {other:?}"),
    }
}

#[tokio::test]
async fn a_slow_live_reader_gets_also_what_was_flushed_before_it_came_to_it() {
    let bench = Bench::new().await;
    let mut live = bench.engine.live(&reader(), &ReadRequest::default(), None).await.unwrap();
    for number in 0..3 {
        bench.send(&event(&format!("e{number}"), number, "x.y.read", "success")).await;
    }
    bench.engine.flush().await.unwrap();
    for number in 3..5 {
        bench.send(&event(&format!("e{number}"), number, "x.y.read", "success")).await;
    }
    for number in 0..5 {
        assert_eq!(next_id(&mut live).await, format!("e{number}"));
    }
    bench.engine.close().await;
    assert_eq!(live.next().await, None, "the engine has closed");
}

#[tokio::test]
async fn a_live_reader_may_wait_for_the_first_record_of_a_stream_and_sees_no_other_account() {
    let bench = Bench::new().await;
    let rejects = ReadRequest { stream: Some(StreamName::rejects()), ..ReadRequest::default() };
    let mut live = bench.engine.live(&reader_of(&StreamName::rejects()), &rejects, None).await.unwrap();
    let request = IngestRequest {
        format: Format::Auto,
        body: Bytes::from_static(b"also no json"),
        idempotency_key: None,
        sender: String::new(),
    };
    bench.engine.ingest(&scope_of("other", Act::Write), request).await.unwrap();
    bench.send("no json").await;
    let Some(LiveItem::Event { id, json }) = live.next().await else { panic!("no event") };
    assert_eq!((id.as_str(), parse(&json)["raw"].as_str().unwrap()), ("rejects:0", "no json"));
}

#[tokio::test]
async fn live_readers_have_a_bound_and_give_their_place_back() {
    let bench = Bench::new().await;
    let mut all = Vec::new();
    for _ in 0..LIVE_READERS_MAX {
        all.push(bench.engine.live(&reader(), &ReadRequest::default(), None).await.unwrap());
    }
    let refused = bench.engine.live(&reader(), &ReadRequest::default(), None).await.unwrap_err();
    assert_eq!((refused.kind, refused.code), (ErrorKind::Overloaded, "too_many_tails"));
    all.pop();
    bench.engine.live(&reader(), &ReadRequest::default(), None).await.unwrap();
}

#[tokio::test]
async fn the_names_of_requests_are_each_senders_own() {
    let bench = Bench::new().await;
    let send = async |sender: &str, body: &'static str| {
        let request = IngestRequest {
            format: Format::Auto,
            body: Bytes::from_static(body.as_bytes()),
            idempotency_key: Some("batch-1".to_owned()),
            sender: sender.to_owned(),
        };
        bench.engine.ingest(&scope(Act::Write), request).await
    };
    assert_eq!(send("one", "{\"action\":\"a.b.read\"}").await.unwrap().first_offset, Some(0));
    assert_eq!(send("two", "{\"action\":\"a.b.write\"}").await.unwrap().first_offset, Some(1));
    assert_eq!(send("two", "{\"action\":\"a.b.write\"}").await.unwrap().first_offset, Some(1));
    assert_eq!(send("one", "{\"action\":\"a.b.write\"}").await.unwrap_err().code, "idempotency_key_reused");
}

#[tokio::test]
async fn recorded_times_rise_from_group_to_group_also_while_the_clock_stands_or_goes_back() {
    let bench = Bench::new().await;
    for number in 0..4 {
        bench.clock.fetch_sub(2000, std::sync::atomic::Ordering::Relaxed);
        bench.send(&event(&format!("e{number}"), number, "x.y.read", "success")).await;
    }
    let page = bench.engine.list(&reader(), &ReadRequest::default(), Order::OldestFirst, 10, None).await.unwrap();
    let recorded = |event: &String| parse(event)["record"]["recorded_at"].as_str().unwrap().to_owned();
    let times: Vec<_> = page.events.iter().map(|event| Timestamp::parse(&recorded(event)).unwrap().at).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}

#[tokio::test]
async fn a_reject_is_kept_whole_however_large() {
    let bench = Bench::new().await;
    let large = format!("{{\"cut off\": \"{}", "x".repeat(10 << 20));
    assert_eq!(bench.send(&large).await.rejected.len(), 1);
    for _ in 0..2 {
        let page = bench
            .engine
            .rejects(&reader_of(&StreamName::rejects()), &ReadRequest::default(), None, 10, None)
            .await
            .unwrap();
        assert_eq!(page.rejects[0].raw.len(), large.len());
        bench.engine.flush().await.unwrap();
    }
}
