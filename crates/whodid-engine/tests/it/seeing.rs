//! Nothing that a scope does not show is told in any way.

use futures::StreamExt;
use whodid_engine::{Error, ErrorKind, ExportFormat, IngestRequest, Interval, LiveItem, Order, Profile, ReadRequest};
use whodid_model::access::{Act, Grant, Permission, PermissionSet, Who};
use whodid_model::{AccessScope, StreamName};

use crate::{Bench, event, granted, reader, reader_of, scope};

/// What a reader of Bob's events holds.
fn bobs() -> Grant {
    Grant {
        query: Some("initiator.name:===\"bob@example.com\"".into()),
        ..Grant::whole(PermissionSet::of(&[
            Permission::SpaceEventsRead,
            Permission::AccountEventsRead,
            Permission::EventsExport,
        ]))
    }
}

fn bob() -> AccessScope {
    granted("default", Act::Export(&StreamName::activity()), vec![bobs()])
}

/// As one of Bob's events, of somebody else, with the canary in many places.
fn canary(minute: i64) -> String {
    event("canary", minute, "canary.sings.read", "failure")
        .replace("bob@example.com", "canary@example.com")
        .replace("\"requestData\":{", "\"correlationId\":\"joins\",\"requestData\":{\"canaryPath\":\"canary\",")
}

fn bobs_event(id: &str, minute: i64) -> String {
    event(id, minute, "kms.secrets.read", "success")
        .replace("\"requestData\":{", "\"correlationId\":\"joins\",\"requestData\":{")
}

/// Bob's events and the canary, each in the lake and in memory; the canary is the oldest and the newest.
async fn aviary() -> Bench {
    let bench = Bench::new().await;
    for minute in 1..=3 {
        let bobs = bobs_event(&format!("b{minute}"), minute);
        bench.send(&[canary(-minute), bobs, canary(100 + minute)].join("\n")).await;
        if minute < 3 {
            bench.engine.flush().await.unwrap();
        }
    }
    bench
}

fn request(q: &str) -> ReadRequest {
    ReadRequest { q: q.into(), ..ReadRequest::default() }
}

async fn export_of(bench: &Bench, scope: &AccessScope, format: ExportFormat) -> Result<String, Error> {
    let mut stream = bench.engine.export(scope, &request(""), Order::OldestFirst, format).await?;
    let mut text = Vec::new();
    while let Some(chunk) = stream.next().await {
        text.extend_from_slice(&chunk?);
    }
    Ok(String::from_utf8(text).unwrap())
}

/// Everything that can be asked, as text.
async fn all_answers(bench: &Bench, scope: &AccessScope) -> Vec<(&'static str, String)> {
    let engine = &bench.engine;
    let all = request("");
    let mut told = Vec::new();
    let page = engine.list(scope, &all, Order::NewestFirst, 100, None).await.unwrap();
    told.push(("list", format!("{:?}", page.events)));
    let count = engine.count(scope, &all).await.unwrap();
    told.push(("count", format!("{} of {} {}", count.count, count.stats.rows_scanned, count.stats.tail_rows)));
    let histogram = engine.histogram(scope, &all, Interval::Micros(60_000_000), "action").await.unwrap();
    told.push(("histogram", format!("{} {} {:?}", histogram.from, histogram.to, histogram.buckets)));
    let fields = ["action".into(), "initiator.name".into(), "requestData.canaryPath".into()];
    let facets = engine.facets(scope, &all, &fields, 100, None).await.unwrap();
    told.extend(facets.iter().map(|facet| ("facets", format!("{:?} {}", facet.values, facet.missing))));
    let top = engine.facets(scope, &all, &fields[..1], 100, Some("can")).await.unwrap();
    told.push(("top", format!("{top:?}")));
    told.push(("fields", format!("{:?}", engine.fields(scope, "").await.unwrap())));
    told.push(("related", format!("{:?}", engine.get(scope, "b2").await.unwrap().related)));
    told.push(("around", format!("{:?}", engine.around(scope, "b2", 100, &all).await.unwrap())));
    for sql in [
        "SELECT * FROM events",
        "SELECT count(*), min(event_time), max(event_time) FROM events",
        "SELECT DISTINCT action FROM events WHERE raw LIKE '%sings%'",
        "SELECT count(*) FROM events WHERE outcome = 'failure' OR action = 'canary.sings.read'",
    ] {
        told.push(("sql", format!("{:?}", engine.sql(scope, sql).await.unwrap().rows)));
    }
    told.push(("status", format!("{:?}", engine.status(scope, None).await.unwrap())));
    for format in [
        ExportFormat::Ndjson,
        ExportFormat::Profile(Profile::Cadf),
        ExportFormat::Profile(Profile::IbmAt),
        ExportFormat::Csv { columns: Vec::new() },
    ] {
        told.push(("export", export_of(bench, scope, format).await.unwrap()));
    }
    told
}

#[tokio::test]
async fn the_canary_is_heard_by_who_may_see_it_and_in_no_way_by_who_may_not() {
    let bench = aviary().await;
    for (path, text) in all_answers(&bench, &bob()).await {
        assert!(!text.contains("canary") && !text.contains("sings"), "{path}: {text}");
    }
    let told: String = all_answers(&bench, &reader()).await.into_iter().map(|(_, text)| text).collect();
    assert!(told.matches("canary.sings.read").count() > 20, "the test asks where a canary can be heard");
}

#[tokio::test]
async fn what_is_counted_are_the_visible_rows() {
    let bench = aviary().await;
    let (engine, bob) = (&bench.engine, bob());
    assert_eq!(engine.count(&bob, &request("")).await.unwrap().count, 3);
    assert_eq!(engine.count(&bob, &request("outcome:failure OR canary")).await.unwrap().count, 0);
    assert_eq!(engine.count(&bob, &request("-initiator.name:bob")).await.unwrap().count, 0);
    let histogram = engine.histogram(&bob, &request(""), Interval::Micros(60_000_000), "outcome").await.unwrap();
    assert_eq!((histogram.total, histogram.buckets.len()), (3, 3), "the range is that of the visible events");
    let answer = engine.sql(&bob, "SELECT count(*), count(DISTINCT action) FROM events").await.unwrap();
    assert_eq!(answer.rows, [[serde_json::json!(3), serde_json::json!(1)]]);
    let stats = engine.count(&bob, &request("")).await.unwrap().stats;
    assert_eq!((stats.rows_scanned, stats.segments, stats.tail_rows), (0, 0, 0), "these would count the others");
    let status = engine.status(&bob, None).await.unwrap();
    assert_eq!((status.events, status.oldest_event, status.newest_event), (None, None, None));
    assert_eq!(engine.status(&reader(), None).await.unwrap().events, Some(9));
}

#[tokio::test]
async fn a_hidden_record_is_not_there() {
    let bench = aviary().await;
    let bob = bob();
    for id in ["canary", "activity:0", "activity:6"] {
        assert!(bench.engine.get(&reader(), id).await.is_ok(), "{id}");
        assert_eq!(bench.engine.get(&bob, id).await.unwrap_err().kind, ErrorKind::NotFound, "{id}");
        let around = bench.engine.around(&bob, id, 5, &request("")).await;
        assert_eq!(around.unwrap_err().kind, ErrorKind::NotFound, "{id}");
    }
}

#[tokio::test]
async fn the_live_tail_hides_what_is_hidden_in_memory_and_in_the_lake() {
    let bench = aviary().await;
    let mut live = bench.engine.live(&bob(), &request(""), Some(0)).await.unwrap();
    bench.send(&[canary(50), bobs_event("b4", 4)].join("\n")).await;
    // More than is matched where it is.
    let many: Vec<String> = (0..60).map(|minute| canary(200 + minute)).chain([bobs_event("b5", 5)]).collect();
    bench.send(&many.join("\n")).await;
    for expected in ["b1", "b2", "b3", "b4", "b5"] {
        let Some(LiveItem::Event { json, .. }) = live.next().await else { panic!("no event") };
        assert_eq!(crate::parse(&json)["id"], expected);
    }
}

#[tokio::test]
async fn relative_times_of_a_grant_are_of_now_whatever_a_cursor_says() {
    let bench = Bench::new().await;
    let old_and_new: Vec<String> = (0..3).map(|minute| bobs_event(&format!("b{minute}"), minute)).collect();
    bench.send(&old_and_new.join("\n")).await;
    let grant = Grant { query: Some("eventTime:>now-1h".into()), ..bobs() };
    let scope = granted("default", Act::Read(&StreamName::activity()), vec![grant]);
    let first = bench.engine.list(&scope, &request(""), Order::NewestFirst, 1, None).await.unwrap();
    assert_eq!(first.events.len(), 1);
    let mut live = bench.engine.live(&scope, &request(""), None).await.unwrap();
    bench.clock.fetch_add(24 * 3_600_000_000, std::sync::atomic::Ordering::Relaxed);
    let next = bench.engine.list(&scope, &request(""), Order::NewestFirst, 1, first.next_cursor.as_deref()).await;
    assert_eq!(next.unwrap().events, Vec::<String>::new());
    bench.send(&[bobs_event("late", 1), bobs_event("fresh", 24 * 60)].join("\n")).await;
    let Some(LiveItem::Event { json, .. }) = live.next().await else { panic!("no event") };
    assert_eq!(crate::parse(&json)["id"], "fresh");
}

#[tokio::test]
async fn a_grant_whose_query_cannot_be_read_shows_nothing() {
    let bench = aviary().await;
    let broken = Grant { query: Some("initiator.name:(".into()), ..bobs() };
    let scope = granted("default", Act::Export(&StreamName::activity()), vec![bobs(), broken]);
    let error = bench.engine.count(&scope, &request("")).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Denied, "denied"));
    assert_eq!(
        bench.engine.list(&scope, &request(""), Order::NewestFirst, 1, None).await.unwrap_err().kind,
        ErrorKind::Denied
    );
    assert_eq!(bench.engine.sql(&scope, "SELECT 1 FROM events").await.unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(bench.engine.get(&scope, "b1").await.unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(bench.engine.live(&scope, &request(""), None).await.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn asking_for_a_space_narrows_and_never_widens() {
    let bench = aviary().await;
    let space = |name: &str| ReadRequest { space: Some(name.into()), ..request("") };
    let only = Grant { spaces: Some(vec![whodid_model::SpaceName::parse("dev").unwrap()]), query: None, ..bobs() };
    let of_dev = granted("default", Act::Read(&StreamName::activity()), vec![only]);
    for asked in [space("dev"), space("prod"), request("")] {
        assert_eq!(bench.engine.count(&of_dev, &asked).await.unwrap().count, 0, "no event here has a space");
    }
    assert_eq!(bench.engine.count(&reader(), &space("dev")).await.unwrap().count, 0);
    assert_eq!(bench.engine.count(&reader(), &space("A/b")).await.unwrap_err().code, "bad_space");
}

#[tokio::test]
async fn a_scope_reads_its_own_stream_only() {
    let bench = aviary().await;
    bench.send("no json").await;
    let of = |stream: StreamName| ReadRequest { stream: Some(stream), ..request("") };
    for (scope, stream) in [
        (reader(), StreamName::audit()),
        (reader(), StreamName::rejects()),
        (reader_of(&StreamName::audit()), StreamName::activity()),
        (scope(Act::ReadOwn), StreamName::rejects()),
        (scope(Act::ReadOwn), StreamName::findings()),
    ] {
        let error = bench.engine.count(&scope, &of(stream.clone())).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{stream} with {scope:?}");
        assert_eq!(bench.engine.get(&scope, &format!("{stream}:0")).await.unwrap_err().kind, ErrorKind::Denied);
    }
    assert_eq!(bench.engine.rejects(&reader(), &request(""), None, 9, None).await.unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(bench.engine.reject_summary(&reader(), &request("")).await.unwrap_err().kind, ErrorKind::Denied);
    let sql = bench.engine.sql(&reader_of(&StreamName::audit()), "SELECT 1 FROM events").await;
    assert_eq!(sql.unwrap_err().kind, ErrorKind::Denied);
    let rejects = reader_of(&StreamName::rejects());
    assert_eq!(bench.engine.rejects(&rejects, &request(""), None, 9, None).await.unwrap().rejects.len(), 1);
    assert_eq!(bench.engine.status(&reader(), None).await.unwrap().rejects, None);
    assert_eq!(bench.engine.status(&reader(), Some(&rejects)).await.unwrap().rejects, Some(1));
    assert_eq!(bench.engine.status(&reader(), Some(&reader())).await.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn reading_is_no_right_to_export_and_writing_none_to_read() {
    let bench = aviary().await;
    let read = scope(Act::Read(&StreamName::activity()));
    let error = export_of(&bench, &read, ExportFormat::Ndjson).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(
        export_of(&bench, &scope(Act::ReadOwn), ExportFormat::Ndjson).await.unwrap_err().kind,
        ErrorKind::Denied
    );
    let ingest = |scope: AccessScope| {
        let request = IngestRequest {
            format: whodid_decode::Format::Auto,
            body: event("x", 0, "a.b.read", "success").into(),
            idempotency_key: None,
            sender: String::new(),
        };
        let engine = bench.engine.clone();
        async move { engine.ingest(&scope, request).await }
    };
    for scope in [read, reader(), scope(Act::ReadOwn), scope(Act::Manage(Permission::KeysManage))] {
        assert_eq!(ingest(scope).await.unwrap_err().kind, ErrorKind::Denied);
    }
    for scope in [scope(Act::Write), scope(Act::Manage(Permission::SettingsRead))] {
        assert_eq!(bench.engine.count(&scope, &request("")).await.unwrap_err().kind, ErrorKind::Denied);
        assert_eq!(bench.engine.status(&scope, None).await.unwrap_err().kind, ErrorKind::Denied);
    }
}

#[tokio::test]
async fn own_activity_is_ones_own_whatever_one_is_called() {
    let bench = Bench::new().await;
    let names = [
        "a\"b",
        "back\\slash",
        "x, y",
        "[z]",
        "a:b",
        "wild*card",
        "-minus",
        "Zoë 日本",
        "two  blanks",
        "(paren)",
        "OR",
        "\\\"",
    ];
    let of = |name: &str, id: String| {
        event(&id, 1, "a.b.read", "success").replace("\"bob@example.com\"", &serde_json::json!(name).to_string())
    };
    let mut all: Vec<String> = names.iter().enumerate().map(|(at, name)| of(name, format!("n{at}"))).collect();
    // What would match if a name were read as part of a query, in other letter case or as a prefix.
    for (at, other) in
        ["wildXcard", "wild", "x", "y", "ZOË 日本", "minus", "a", "b", "back", "or", "OR x"].iter().enumerate()
    {
        all.push(of(other, format!("other{at}")));
    }
    bench.send(&all.join("\n")).await;
    for (at, name) in names.iter().enumerate() {
        let account = whodid_model::AccountName::default_account();
        let (id, name_given) = ("u-7".to_owned(), (*name).to_owned());
        let who = Who::User { id, name: name_given, is_name_given: true, also_known_as: Vec::new() };
        let grant = Grant::whole(PermissionSet::of(&[Permission::OwnActivityRead]));
        let principal = whodid_model::Principal::with_grant(who, account.clone(), grant);
        let own = whodid_model::access::decide(&principal, Act::ReadOwn, &account).unwrap();
        let page = bench.engine.list(&own, &request(""), Order::NewestFirst, 100, None).await.unwrap();
        let ids: Vec<_> = page.events.iter().map(|event| crate::parse(event)["id"].clone()).collect();
        assert_eq!(ids, [format!("n{at}")], "{name}");
    }
}
