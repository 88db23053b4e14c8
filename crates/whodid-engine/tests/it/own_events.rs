//! What whodid tells of itself is kept and found like any event, and finds room when others no longer do.

use futures::StreamExt;
use serde_json::json;
use whodid_engine::{ErrorKind, ExportFormat, LiveItem, Order, ReadRequest};
use whodid_model::access::Act;
use whodid_model::{AccountName, StreamName};

use crate::{Bench, event, parse, reader, reader_of, scope};

fn deed(id: &str, name: &str) -> String {
    json!({
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event", "id": id, "eventType": "activity",
        "eventTime": "2026-01-05T00:00:00.000+00:00", "action": "whodid.view.create", "outcome": "success",
        "severity": "normal", "initiator": {"id": "u1", "name": name, "typeURI": "service/security/account/user"},
        "target": {"id": "v1", "typeURI": "whodid/view"},
        "observer": {"id": "inst", "name": "whodid", "typeURI": "service/security/audit/filter"},
    })
    .to_string()
}

async fn record(bench: &Bench, stream: StreamName, events: Vec<String>) -> Result<(), whodid_engine::Error> {
    bench.engine.record(&AccountName::default_account(), &stream, events).await
}

async fn ids(bench: &Bench, stream: &StreamName, q: &str) -> Vec<String> {
    let request = ReadRequest { q: q.into(), stream: Some(stream.clone()), ..ReadRequest::default() };
    let page = bench.engine.list(&reader_of(stream), &request, Order::OldestFirst, 100, None).await.unwrap();
    page.events.iter().map(|event| parse(event)["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_recorded_is_found_once_after_flush_restart_and_merge() {
    let bench = Bench::new().await;
    bench.send(&event("a", 0, "x.y.read", "success")).await;
    for stream in [StreamName::audit(), StreamName::findings()] {
        record(&bench, stream.clone(), vec![deed("d1", "bob"), deed("d2", "eve")]).await.unwrap();
        record(&bench, stream.clone(), vec![deed("d1", "bob"), deed("d3", "bob")]).await.unwrap();
        assert_eq!(ids(&bench, &stream, "").await, ["d1", "d2", "d3"]);
    }
    let bench = bench.restart().await;
    assert_eq!(ids(&bench, &StreamName::audit(), "").await, ["d1", "d2", "d3"], "from the journal");
    record(&bench, StreamName::audit(), vec![deed("d2", "eve")]).await.unwrap();
    bench.engine.flush().await.unwrap();
    record(&bench, StreamName::audit(), vec![deed("d4", "bob")]).await.unwrap();
    bench.engine.flush().await.unwrap();
    bench.engine.compact().await.unwrap();
    let bench = bench.restart().await;
    assert_eq!(ids(&bench, &StreamName::audit(), "").await, ["d1", "d2", "d3", "d4"]);
    assert_eq!(ids(&bench, &StreamName::audit(), "stream:audit action:logdnaat.view.create").await.len(), 4);
    assert_eq!(ids(&bench, &StreamName::audit(), "stream:activity").await, Vec::<String>::new());
    assert_eq!(bench.ids("").await, ["a"], "the events of others are apart");
}

#[tokio::test]
async fn an_audit_record_is_read_by_its_id_exported_and_followed() {
    let bench = Bench::new().await;
    let audit = reader_of(&StreamName::audit());
    let request = ReadRequest::default();
    let mut live = bench.engine.live(&audit, &request, None).await.unwrap();
    record(&bench, StreamName::audit(), vec![deed("d1", "bob")]).await.unwrap();
    let Some(LiveItem::Event { id, .. }) = live.next().await else { panic!("no event") };
    assert_eq!(id, "audit:0");
    let found = bench.engine.get(&audit, "audit:0").await.unwrap().event;
    assert_eq!(parse(&found)["record"]["stream"], "audit");
    for format in [ExportFormat::Ndjson, ExportFormat::Csv { columns: vec!["id".into()] }] {
        let mut export = bench.engine.export(&audit, &request, Order::OldestFirst, format).await.unwrap();
        let mut text = Vec::new();
        while let Some(chunk) = export.next().await {
            text.extend_from_slice(&chunk.unwrap());
        }
        assert!(String::from_utf8(text).unwrap().contains("d1"));
    }
    let answer = bench.engine.sql(&reader(), "SELECT count(*) FROM events").await.unwrap();
    assert_eq!(answer.rows, [[json!(0)]], "SQL is of the events of senders");
}

#[tokio::test]
async fn who_sees_only_their_own_sees_what_they_did_in_whodid_too() {
    let bench = Bench::new().await;
    record(&bench, StreamName::audit(), vec![deed("mine", "x"), deed("theirs", "x").replace("\"u1\"", "\"u2\"")])
        .await
        .unwrap();
    let request = ReadRequest { stream: Some(StreamName::audit()), ..ReadRequest::default() };
    let page = bench.engine.list(&scope(Act::ReadOwn), &request, Order::NewestFirst, 9, None).await.unwrap();
    assert_eq!(page.events.len(), 1);
    assert_eq!(parse(&page.events[0])["id"], "mine");
}

#[tokio::test]
async fn no_sender_writes_to_these_streams_nor_keeps_a_record_out() {
    let bench = Bench::new().await;
    bench.send(&deed("d1", "bob")).await;
    assert_eq!(ids(&bench, &StreamName::audit(), "").await, Vec::<String>::new());
    record(&bench, StreamName::audit(), vec![deed("d1", "bob")]).await.unwrap();
    assert_eq!(ids(&bench, &StreamName::audit(), "").await, ["d1"], "the same text from a sender is another event");
}

#[tokio::test]
async fn what_is_no_event_is_a_defect_and_nothing_is_written() {
    let bench = Bench::new().await;
    for (stream, events) in [
        (StreamName::audit(), vec![deed("d1", "bob"), "no json".to_owned()]),
        (StreamName::audit(), vec![format!("{}\n{}", deed("d1", "bob"), deed("d2", "bob"))]),
        (StreamName::activity(), vec![deed("d1", "bob")]),
    ] {
        assert_eq!(record(&bench, stream, events).await.unwrap_err().kind, ErrorKind::Internal);
    }
    assert_eq!(ids(&bench, &StreamName::audit(), "").await, Vec::<String>::new());
    record(&bench, StreamName::audit(), Vec::new()).await.unwrap();
}

#[tokio::test]
async fn the_audit_log_has_room_when_the_journal_takes_no_more_events() {
    let bench = Bench::with(|options| {
        options.journal_segment_bytes = 64 << 10;
        options.journal_bound_bytes = 512 << 10;
        options.flush_interval = std::time::Duration::from_secs(3600);
        options.flush_bytes = usize::MAX;
    })
    .await;
    bench.engine.prepare_account(&AccountName::default_account()).await.unwrap();
    // In the way of every flush, so that the journal fills.
    std::fs::create_dir_all(bench.folder.path().join("lake")).unwrap();
    std::fs::write(bench.folder.path().join("lake/default"), "in the way").unwrap();
    let mut number = 0;
    let refused = loop {
        let padded: String = (0..2000).map(|at| format!("{:x}", at * 7919 + number * 104_729)).collect();
        let body = event(&format!("e{number}"), 0, "x.y.read", "success").replace("bob@example.com", &padded);
        number += 1;
        if let Err(error) = bench.try_send(&body, None).await {
            break error;
        }
    };
    assert_eq!((refused.kind, refused.code), (ErrorKind::Unavailable, "journal_unavailable"));
    bench.engine.can_record().unwrap();
    let mut recorded = 0;
    let unavailable = loop {
        let events = (0..20).map(|at| deed(&format!("d{recorded}-{at}"), &format!("{recorded}"))).collect();
        match record(&bench, StreamName::audit(), events).await {
            Ok(()) => recorded += 1,
            Err(error) => break error,
        }
    };
    assert!(recorded >= 10, "{recorded}");
    assert_eq!((unavailable.kind, unavailable.code), (ErrorKind::Unavailable, "audit_unavailable"));
    assert_eq!(bench.engine.can_record().unwrap_err().code, "audit_unavailable");

    std::fs::remove_file(bench.folder.path().join("lake/default")).unwrap();
    bench.engine.flush().await.unwrap();
    bench.engine.can_record().unwrap();
    assert_eq!(bench.try_send(&event("after", 0, "x.y.read", "success"), None).await.unwrap().accepted, 1);
    record(&bench, StreamName::audit(), vec![deed("after", "bob")]).await.unwrap();
}
