//! What is kept is found: pages, counts, series, exports, the live tail.

use futures::StreamExt;
use whodid_engine::{ErrorKind, ExportFormat, Interval, LiveItem, Order, Profile, ReadRequest};

use crate::{Bench, event, parse, reader};

fn search(q: &str) -> ReadRequest {
    ReadRequest { q: q.to_owned(), ..ReadRequest::default() }
}

/// Half in the lake, half in memory.
async fn twenty() -> Bench {
    let bench = Bench::new().await;
    for minute in 0..20 {
        let outcome = if minute % 5 == 0 { "failure" } else { "success" };
        let action = if minute % 2 == 0 { "kms.secrets.read" } else { "kms.secrets.delete" };
        bench.send(&event(&format!("e{minute:02}"), minute, action, outcome)).await;
        if minute == 9 {
            bench.engine.flush().await.unwrap();
        }
    }
    bench
}

#[tokio::test]
async fn pages_stay_the_same_while_events_arrive() {
    let bench = twenty().await;
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    let mut late = 0;
    loop {
        let page = bench.engine.list(&reader(), &search(""), Order::NewestFirst, 6, cursor.as_deref()).await.unwrap();
        seen.extend(page.events.iter().map(|event| parse(event)["id"].as_str().unwrap().to_owned()));
        // A late event whose time lies inside a page that is still to come, and one before all given.
        bench.send(&event(&format!("late{late}"), 2, "kms.secrets.read", "success")).await;
        bench.send(&event(&format!("new{late}"), 100, "kms.secrets.read", "success")).await;
        late += 1;
        bench.engine.flush().await.unwrap();
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..20).rev().map(|minute| format!("e{minute:02}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn fields_words_paths_and_times_find_their_events() {
    let bench = twenty().await;
    for (q, expected) in [
        ("outcome:failure", vec!["e15", "e10", "e05", "e00"]),
        ("action:kms.secrets.delete outcome:failure", vec!["e15", "e05"]),
        ("requestData.keyId:k-e07", vec!["e07"]),
        ("target.name:===key-e13", vec!["e13"]),
        ("e04", vec!["e04"]),
        (
            "initiator.host.address:192.0.2.0/24 id:e1*",
            vec!["e19", "e18", "e17", "e16", "e15", "e14", "e13", "e12", "e11", "e10"],
        ),
        ("initiator.name:alice", vec![]),
    ] {
        assert_eq!(bench.ids(q).await, expected, "{q}");
    }
    let range = ReadRequest {
        from: Some("2026-01-05T00:03:00Z".into()),
        to: Some("2026-01-05T00:06:00Z".into()),
        ..search("")
    };
    assert_eq!(bench.engine.count(&reader(), &range).await.unwrap().count, 3);
}

#[tokio::test]
async fn a_wrong_query_tells_where_and_what_was_expected() {
    let bench = Bench::new().await;
    let error = bench.engine.count(&reader(), &search("action:")).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Invalid, "bad_query"));
    assert!(error.position.is_some());
    let error = bench
        .engine
        .count(&reader(), &ReadRequest { from: Some("yesteryear".into()), ..search("") })
        .await
        .unwrap_err();
    assert_eq!(error.code, "bad_time");
}

#[tokio::test]
async fn a_histogram_has_every_bucket_and_its_sum_is_the_count() {
    let bench = twenty().await;
    let request = ReadRequest {
        from: Some("2026-01-05T00:00:00Z".into()),
        to: Some("2026-01-05T01:00:00Z".into()),
        ..search("")
    };
    let histogram =
        bench.engine.histogram(&reader(), &request, Interval::Micros(600_000_000), "outcome").await.unwrap();
    assert_eq!(histogram.buckets.len(), 6);
    assert_eq!(histogram.total, 20);
    let mut first = histogram.buckets[0].counts.clone();
    first.sort();
    assert_eq!(first, [("failure".to_owned(), 2), ("success".to_owned(), 8)]);
    assert!(histogram.buckets[5].counts.is_empty());
}

#[tokio::test]
async fn a_histogram_of_many_values_counts_the_rest_apart_from_a_value_named_other() {
    let bench = Bench::new().await;
    let rare =
        (0..60).map(|number| event(&format!("r{number}"), number % 10, &format!("a.b.rare{number:02}"), "success"));
    let other = (0..3).map(|number| event(&format!("o{number}"), number, "other", "success"));
    bench.send(&rare.chain(other).collect::<Vec<_>>().join("\n")).await;
    let request = ReadRequest {
        from: Some("2026-01-05T00:00:00Z".into()),
        to: Some("2026-01-05T00:10:00Z".into()),
        ..search("")
    };
    let histogram = bench.engine.histogram(&reader(), &request, Interval::Micros(600_000_000), "action").await.unwrap();
    let [bucket] = histogram.buckets.as_slice() else { panic!("{:?}", histogram.buckets) };
    // The most frequent, then 49 of those that occur once; eleven are left.
    assert_eq!((bucket.counts.len(), bucket.other, histogram.total), (50, 11, 63));
    let named_other: Vec<_> = bucket.counts.iter().filter(|(value, _)| value == "other").collect();
    assert_eq!(named_other, [&("other".to_owned(), 3)]);
}

#[tokio::test]
async fn facets_count_values_others_and_the_missing() {
    let bench = twenty().await;
    let fields = ["action".to_owned(), "region".to_owned(), "requestData.keyId".to_owned()];
    let facets = bench.engine.facets(&reader(), &search(""), &fields, 1, None).await.unwrap();
    assert_eq!(
        (facets[0].values[0].value.as_str(), facets[0].values[0].count, facets[0].other),
        ("kms.secrets.delete", 10, 10)
    );
    assert_eq!(facets[0].missing, 0);
    assert_eq!((facets[2].values.len(), facets[2].values[0].count, facets[2].other), (1, 1, 19));
    let completed = bench.engine.facets(&reader(), &search(""), &fields[..1], 5, Some("kms.secrets.r")).await.unwrap();
    assert_eq!(completed[0].values.len(), 1);
}

#[tokio::test]
async fn an_export_is_complete_and_in_time_order() {
    let bench = twenty().await;
    let ndjson = collect(&bench, "", ExportFormat::Ndjson).await;
    let ids: Vec<String> = ndjson.lines().map(|line| parse(line)["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (0..20).map(|minute| format!("e{minute:02}")).collect::<Vec<_>>());

    let columns = vec!["id".to_owned(), "outcome".to_owned(), "requestData.keyId".to_owned()];
    let csv = collect(&bench, "outcome:failure", ExportFormat::Csv { columns }).await;
    assert_eq!(
        csv.lines().collect::<Vec<_>>(),
        [
            "id,outcome,requestData.keyId",
            "e00,failure,k-e00",
            "e05,failure,k-e05",
            "e10,failure,k-e10",
            "e15,failure,k-e15"
        ]
    );
}

#[tokio::test]
async fn an_export_of_many_pieces_gives_each_event_as_a_page_does() {
    let bench = Bench::new().await;
    for part in 0..3 {
        let events = (0..700).map(|number| event(&format!("e{part}-{number:03}"), number % 60, "kms.read", "success"));
        bench.send(&events.collect::<Vec<_>>().join("\n")).await;
        if part == 1 {
            bench.engine.flush().await.unwrap();
        }
    }
    let exported = collect(&bench, "", ExportFormat::Ndjson).await;
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = bench.engine.list(&reader(), &search(""), Order::OldestFirst, 999, cursor.as_deref()).await.unwrap();
        listed.extend(page.events);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed.len(), 2100);
    assert!(exported.lines().eq(listed.iter().map(String::as_str)));
}

#[tokio::test]
async fn an_export_in_a_profile_is_of_the_profile_and_comes_back_without_loss() {
    let bench = Bench::new().await;
    let sent = event("a", 0, "kms.secrets.delete", "failure");
    bench.send(&sent).await;
    bench
        .send(r#"{"action":"report.print","user":"ann","time":"2026-01-05T00:01:00Z","pages":12345678901234567890}"#)
        .await;
    bench.send("no json").await;

    let as_received = collect(&bench, "id:===a", ExportFormat::Profile(Profile::IbmAt)).await;
    assert_eq!(as_received.trim_end(), sent);
    let cadf = collect(&bench, "", ExportFormat::Profile(Profile::Cadf)).await;
    let lines: Vec<&str> = cadf.lines().collect();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        assert!(whodid_decode::profile::validate_cadf(&parse(line)).is_empty(), "{line}");
    }
    // Into another whodid and out again: what was received at first.
    let other = Bench::new().await;
    assert_eq!(other.send(&cadf).await.accepted, 2);
    assert_eq!(collect(&other, "id:===a", ExportFormat::Profile(Profile::IbmAt)).await.trim_end(), sent);
    let kept = collect(&other, "", ExportFormat::Ndjson).await;
    assert!(kept.contains("12345678901234567890"), "{kept}");

    let rejects = crate::reader_of(&whodid_model::StreamName::rejects());
    let refused = bench
        .engine
        .export(&rejects, &ReadRequest::default(), Order::OldestFirst, ExportFormat::Profile(Profile::Cadf))
        .await
        .err()
        .unwrap();
    assert_eq!(refused.kind, ErrorKind::Invalid);
}

async fn collect(bench: &Bench, q: &str, format: ExportFormat) -> String {
    let mut stream = bench.engine.export(&reader(), &search(q), Order::OldestFirst, format).await.unwrap();
    let mut text = Vec::new();
    while let Some(chunk) = stream.next().await {
        text.extend_from_slice(&chunk.unwrap());
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn the_live_tail_gives_what_matches_and_resumes_after_an_offset() {
    let bench = Bench::new().await;
    bench.send(&event("before", 0, "kms.secrets.read", "success")).await;
    let mut live = bench.engine.live(&reader(), &search("outcome:failure"), None).await.unwrap();
    bench.send(&event("no", 1, "kms.secrets.read", "success")).await;
    bench.send(&event("yes", 2, "kms.secrets.read", "failure")).await;
    let Some(LiveItem::Event { id, json }) = live.next().await else { panic!("no event") };
    assert_eq!((id.as_str(), parse(&json)["id"].as_str().unwrap()), ("activity:2", "yes"));

    bench.engine.flush().await.unwrap();
    let mut resumed = bench.engine.live(&reader(), &search(""), Some(0)).await.unwrap();
    for expected in ["activity:1", "activity:2"] {
        let Some(LiveItem::Event { id, .. }) = resumed.next().await else { panic!("no event") };
        assert_eq!(id, expected);
    }
}

#[tokio::test]
async fn neighbours_are_those_next_in_time() {
    let bench = twenty().await;
    let around = bench.engine.around(&reader(), "e10", 2, &search("")).await.unwrap();
    let ids = |events: &[String]| {
        events.iter().map(|event| parse(event)["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&around.before), ["e08", "e09"]);
    assert_eq!(ids(&around.after), ["e11", "e12"]);
}

#[tokio::test]
async fn sql_reads_events_and_nothing_else() {
    let bench = twenty().await;
    let answer = bench
        .engine
        .sql(&reader(), "select outcome, count(*) as n from events group by outcome order by n")
        .await
        .unwrap();
    assert_eq!(
        answer.rows,
        [vec!["failure".into(), 4.into()], vec!["success".into(), 16.into()]] as [Vec<serde_json::Value>; 2]
    );
    for hostile in [
        "drop table events",
        "select * from information_schema.tables",
        "copy events to '/tmp/x'",
        "select 1; select 2",
    ] {
        let error = bench.engine.sql(&reader(), hostile).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{hostile}");
    }
}

#[tokio::test]
async fn an_event_shows_cadf_members_and_its_record() {
    let bench = twenty().await;
    let event = parse(&bench.engine.get(&reader(), "e05").await.unwrap().event);
    assert_eq!(event["initiator"]["name"], "bob@example.com");
    assert_eq!(event["initiator"]["host"]["address"], "192.0.2.7");
    assert_eq!(event["reason"]["reasonCode"], 200, "as received: a number in the Activity Tracker profile");
    assert_eq!(event["cadf"]["action"], "delete");
    assert_eq!(event["requestData"]["keyId"], "k-e05");
    assert_eq!(event["record"]["offset"], 5);
    assert_eq!(event["record"]["source"], "ibm-at");
    assert_eq!(event["record"]["access"], "write");
    assert!(event["record"]["summary"].as_str().unwrap().contains("bob"));
}

#[tokio::test]
async fn a_cursor_goes_on_with_the_list_that_gave_it_and_no_other() {
    let bench = twenty().await;
    let of = |q: &str, order| (search(q), order);
    let (asked, order) = of("outcome:success", Order::NewestFirst);
    let page = bench.engine.list(&reader(), &asked, order, 3, None).await.unwrap();
    let cursor = page.next_cursor.unwrap();
    assert!(bench.engine.list(&reader(), &asked, order, 5, Some(&cursor)).await.is_ok());
    for (request, order) in [of("outcome:failure", Order::NewestFirst), of("outcome:success", Order::OldestFirst)] {
        let error = bench.engine.list(&reader(), &request, order, 3, Some(&cursor)).await.unwrap_err();
        assert_eq!(error.code, "bad_cursor");
    }
}

#[tokio::test]
async fn a_text_for_a_whole_range_stands_for_both_ends() {
    let bench = twenty().await;
    let all = bench.engine.list(&reader(), &search(""), Order::OldestFirst, 100, None).await.unwrap().events;
    let time = |at: usize| parse(&all[at])["eventTime"].as_str().unwrap().to_owned();
    let from = Some(format!("{} to {}", time(3), time(7)));
    let request = ReadRequest { from, ..ReadRequest::default() };
    assert_eq!(bench.engine.count(&reader(), &request).await.unwrap().count, 4);
    let error =
        bench.engine.count(&reader(), &ReadRequest { to: Some("now".to_owned()), ..request }).await.unwrap_err();
    assert_eq!(error.code, "bad_time");
}

#[tokio::test]
async fn an_export_of_a_few_columns_holds_what_one_of_all_holds() {
    let bench = twenty().await;
    let names = ["eventTime", "offset", "recorded_at", "source", "stream", "id", "action", "region"];
    let columns = |more: &[&str]| ExportFormat::Csv {
        columns: names.iter().chain(more).map(|name| (*name).to_owned()).collect(),
    };
    let few = collect(&bench, "", columns(&[])).await;
    let all = collect(&bench, "", columns(&["raw"])).await;
    assert_eq!(few.lines().count(), 21);
    for (few, all) in few.lines().zip(all.lines()) {
        assert!(all.starts_with(few), "{few} | {all}");
    }
}
