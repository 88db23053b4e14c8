//! What is acknowledged is kept, once, and every received event is accounted for.

use whodid_engine::{ErrorKind, IngestReply, ReadRequest};
use whodid_model::StreamName;
use whodid_model::access::Act;

use crate::{Bench, event, parse, reader, reader_of, scope_of};

#[tokio::test]
async fn an_acknowledged_event_is_found_at_once_and_after_flush_and_restart() {
    let bench = Bench::new().await;
    let reply = bench.send(&event("a", 0, "kms.secrets.create", "success")).await;
    assert_eq!((reply.accepted, reply.first_offset, reply.last_offset), (1, Some(0), Some(0)));
    assert_eq!(bench.ids("").await, ["a"]);

    let bench = bench.restart().await;
    assert_eq!(bench.ids("").await, ["a"], "after a restart, from the journal");

    bench.engine.flush().await.unwrap();
    assert_eq!(bench.ids("").await, ["a"], "after a flush, from the lake");

    let bench = bench.restart().await;
    assert_eq!(bench.ids("").await, ["a"], "after another restart");
    assert_eq!(bench.send(&event("b", 1, "kms.secrets.read", "success")).await.first_offset, Some(1));
    assert_eq!(bench.ids("").await, ["b", "a"]);
}

#[tokio::test]
async fn the_raw_text_comes_back_byte_for_byte() {
    let bench = Bench::new().await;
    let odd =
        format!("  {{ \"unusual\" :  [1,\t2.50, \"\\u00e9\"],{}", &event("a", 0, "kms.secrets.read", "success")[1..]);
    bench.send(&odd).await;
    for _ in 0..2 {
        let page = bench.engine.get(&reader(), "a").await.unwrap();
        assert_eq!(parse(&page.event)["raw"].as_str().unwrap(), odd.trim());
        bench.engine.flush().await.unwrap();
    }
}

#[tokio::test]
async fn the_same_event_is_a_duplicate_also_after_flush_and_restart() {
    let bench = Bench::new().await;
    let text = event("a", 0, "kms.secrets.create", "success");
    assert_eq!(bench.send(&text).await.accepted, 1);
    let again = bench.send(&text).await;
    assert_eq!((again.accepted, again.duplicates, again.first_offset), (0, 1, None));
    let within = bench.send(&format!("{text}\n{}\n{text}", event("b", 1, "x.y.read", "success"))).await;
    assert_eq!((within.accepted, within.duplicates), (1, 2));

    let bench = bench.restart().await;
    assert_eq!(bench.send(&text).await.duplicates, 1, "known from the journal");
    bench.engine.flush().await.unwrap();
    let bench = bench.restart().await;
    assert_eq!(bench.send(&text).await.duplicates, 1, "known from the window's files");
    assert_eq!(bench.ids("").await, ["b", "a"]);
}

#[tokio::test]
async fn a_request_and_its_response_share_an_id_and_are_both_kept() {
    let bench = Bench::new().await;
    let reply = bench
        .send(&format!(
            "{}\n{}",
            event("a", 0, "kms.secrets.read", "pending"),
            event("a", 1, "kms.secrets.read", "success")
        ))
        .await;
    assert_eq!((reply.accepted, reply.duplicates), (2, 0));
    let found = bench.engine.get(&reader(), "a").await.unwrap();
    assert_eq!(parse(&found.event)["outcome"], "success");
    assert_eq!(found.related.len(), 1);
    assert_eq!(parse(&found.related[0])["outcome"], "pending");
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_reply_and_stores_nothing() {
    let bench = Bench::new().await;
    // Without ids of their own these events could not be told from new ones.
    let body = "{\"action\":\"x.y.create\",\"user\":\"eve\"}\n{\"action\":\"x.y.create\",\"user\":\"eve\"}\nnot json";
    let first = bench.try_send(body, Some("batch-1")).await.unwrap();
    assert_eq!((first.accepted, first.rejected.len(), first.is_repeated), (2, 1, false));
    let repeated = IngestReply { is_repeated: true, ..first };
    assert_eq!(bench.try_send(body, Some("batch-1")).await.unwrap(), repeated);
    let bench = bench.restart().await;
    assert_eq!(bench.try_send(body, Some("batch-1")).await.unwrap(), repeated, "from the journal");
    bench.engine.flush().await.unwrap();
    let bench = bench.restart().await;
    assert_eq!(bench.try_send(body, Some("batch-1")).await.unwrap(), repeated, "from the window's files");
    assert_eq!(bench.ids("").await.len(), 2);

    let reused = bench.try_send("{\"action\":\"other\"}", Some("batch-1")).await.unwrap_err();
    assert_eq!((reused.kind, reused.code), (ErrorKind::Conflict, "idempotency_key_reused"));
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_with_its_bytes_and_reason_and_the_numbers_add_up() {
    let bench = Bench::new().await;
    let body =
        format!("{}\n{{\"cut\": \n42\n{}", event("a", 0, "x.y.read", "success"), event("b", 1, "x.y.read", "success"));
    let reply = bench.send(&body).await;
    assert_eq!(reply.accepted + reply.duplicates + reply.excluded + reply.rejected.len() as u64, 4);
    assert_eq!(reply.rejected.iter().map(|rejected| rejected.index).collect::<Vec<_>>(), [1, 2]);
    for _ in 0..2 {
        let page = bench
            .engine
            .rejects(&reader_of(&StreamName::rejects()), &ReadRequest::default(), None, 10, None)
            .await
            .unwrap();
        let mut kept: Vec<_> =
            page.rejects.iter().map(|reject| (reject.code.as_str(), reject.raw.as_slice())).collect();
        kept.sort_unstable();
        assert_eq!(kept, [("not_an_object", &b"42"[..]), ("not_json", &b"{\"cut\": "[..])]);
        let summary =
            bench.engine.reject_summary(&reader_of(&StreamName::rejects()), &ReadRequest::default()).await.unwrap();
        assert_eq!(summary.total, 2);
        bench.engine.flush().await.unwrap();
    }
}

#[tokio::test]
async fn a_full_journal_refuses_and_loses_nothing() {
    let bench = Bench::with(|options| {
        options.journal_segment_bytes = 64 << 10;
        options.journal_bound_bytes = 256 << 10;
    })
    .await;
    let mut accepted = 0;
    let refused = loop {
        // Text that does not compress, so that the bound is reached soon.
        let text: String = (0..2000).map(|place: u64| char::from(b'a' + (place * place * 7919 % 26) as u8)).collect();
        let mut line = event(&format!("e{accepted}"), accepted, "x.y.create", "success");
        line.truncate(line.len() - 1);
        match bench.try_send(&format!("{line},\"note\":\"{text}{accepted}\"}}"), None).await {
            Ok(reply) => accepted += i64::try_from(reply.accepted).unwrap(),
            Err(error) => break error,
        }
        assert!(accepted < 10_000, "the bound was never reached");
    };
    assert_eq!((refused.kind, refused.code), (ErrorKind::Unavailable, "journal_unavailable"));
    assert!(bench.engine.is_ready().is_err());
    bench.engine.flush().await.unwrap();
    assert_eq!(bench.send(&event("after", 20_000, "x.y.read", "success")).await.accepted, 1);
    assert!(bench.engine.is_ready().is_ok());
    let count = bench.engine.count(&reader(), &ReadRequest::default()).await.unwrap();
    assert_eq!(count.count, accepted as u64 + 1);
}

#[tokio::test]
async fn a_second_engine_on_the_folder_is_refused() {
    let bench = Bench::new().await;
    let second = whodid_engine::Engine::open(crate::options(&bench.folder, &bench.clock)).await;
    assert!(second.unwrap_err().to_string().contains("journal"));
}

#[tokio::test]
async fn accounts_share_nothing() {
    let bench = Bench::new().await;
    bench.send(&event("a", 0, "x.y.read", "success")).await;
    let other = scope_of("other", Act::Read(&StreamName::activity()));
    assert_eq!(bench.engine.count(&other, &ReadRequest::default()).await.unwrap().count, 0);
    assert_eq!(bench.engine.get(&other, "a").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(bench.engine.get(&other, "activity:0").await.unwrap_err().kind, ErrorKind::NotFound);
    let writer = scope_of("default", Act::Write);
    assert_eq!(bench.engine.count(&writer, &ReadRequest::default()).await.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn an_empty_body_and_too_many_events_are_refused_with_the_mend() {
    let bench = Bench::new().await;
    assert_eq!(bench.try_send("  \n\n", None).await.unwrap_err().code, "no_events");
    let error = bench.try_send(&"{}\n".repeat(10_001), None).await.unwrap_err();
    assert_eq!(error.code, "too_many_events");
    assert!(error.detail.contains("10000"));
}

#[tokio::test]
async fn compaction_changes_no_answer() {
    let bench = Bench::new().await;
    for batch in 0..8 {
        for minute in 0..5 {
            bench.send(&event(&format!("e{batch}-{minute}"), batch * 5 + minute, "x.y.read", "success")).await;
        }
        bench.engine.flush().await.unwrap();
    }
    let before = bench.ids("").await;
    assert_eq!(before.len(), 40);
    bench.engine.compact().await.unwrap();
    assert_eq!(bench.ids("").await, before);
    assert_eq!(bench.engine.status(&reader(), None).await.unwrap().segments, Some(1));
    let bench = bench.restart().await;
    assert_eq!(bench.ids("").await, before);
}
