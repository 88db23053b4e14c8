//! Events by day, as the old Activity Tracker's command line had it: counted, downloaded, kept, removed.

use std::io::Read as _;
use std::process::Output;

use serde_json::{Value, json};

use crate::boundary::{Server, answer, event, refused};

/// Two days; on the first an event of the account and two of the space `dev`, one of these in another hour.
fn lines() -> String {
    let of_space = |id: &str, time: &str| {
        json!({"id": id, "eventTime": time, "action": "shop.orders.create", "outcome": "success", "space": "dev",
               "initiator": {"name": "bob"}})
        .to_string()
    };
    [
        event("e-1", "alice", "create", "success", "2026-11-20T08:00:00Z"),
        of_space("e-2", "2026-11-20T08:59:59.999999Z"),
        of_space("e-3", "2026-11-20T09:00:00Z"),
        event("e-4", "alice", "read", "success", "2026-11-21T00:00:00Z"),
    ]
    .join("\n")
}

async fn server() -> Server {
    let server = Server::start().await;
    let (status, reply) = server.send(lines()).await;
    assert_eq!((status, &reply["accepted"]), (200, &json!(4)), "{reply}");
    server
}

fn at(server: &Server, arguments: &[&str]) -> Output {
    let arguments: Vec<&str> = std::iter::once("at").chain(arguments.iter().copied()).collect();
    server.run(&server.keys.admin_token, &arguments)
}

fn table(server: &Server, arguments: &[&str]) -> Vec<Vec<String>> {
    let output = at(server, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

fn parsed(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn status_counts_each_day_for_whom_it_is_asked() {
    let server = server().await;
    let days = ["-s", "2026-11-01", "-e", "2026-11-27"];
    let all = table(&server, &[&["status"], &days[..]].concat());
    assert_eq!(all[0], ["DATE", "COUNT", "SIZE", "TYPES", "SEARCHABLE"]);
    assert_eq!((all.len(), all[1][0].as_str(), all[1][1].as_str()), (3, "2026-11-20", "3"));
    assert_eq!((all[1][3].as_str(), all[1][4].as_str()), ("cadf,json", "All"));
    let sizes: u64 = all[1..].iter().map(|row| row[2].parse::<u64>().unwrap()).sum();
    assert_eq!(sizes as usize, lines().len() - 3, "bytes as received, without the ends of lines");
    let account = table(&server, &[&["status", "-a"], &days[..]].concat());
    assert_eq!(account[1..].iter().map(|row| row[1].as_str()).collect::<Vec<_>>(), ["1", "1"]);
    let space = table(&server, &[&["status", "--space", "dev"], &days[..]].concat());
    assert_eq!((space.len(), space[1][1].as_str()), (2, "2"));
    let one_day = table(&server, &["status", "-s", "2026-11-21", "-e", "2026-11-21"]);
    assert_eq!((one_day.len(), one_day[1][0].as_str()), (2, "2026-11-21"));
    // Who sees the events of spaces only counts these.
    let reader = server.join("reader@example.com", json!([{"role": "reader"}])).await;
    let path = "/api/v1/days?from=2026-11-01&to=2026-11-27";
    let (_, seen) = answer(server.with(&reader.cookie, "GET", path)).await;
    assert_eq!(seen["days"].as_array().unwrap().iter().map(|day| day["count"].as_u64().unwrap()).sum::<u64>(), 2);
    // What is no day is told.
    for wrong in [&["status", "-s", "yesterday"][..], &["status", "-s", "2026-11-27", "-e", "2026-11-01"]] {
        let output = at(&server, wrong);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("`from`"), "{output:?}");
    }
    assert_eq!(at(&server, &["status", "-a", "--space", "dev"]).status.code(), Some(2));
    assert_eq!(at(&server, &["session", "create", "-T", "24"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_session_gives_its_events_once_and_to_its_owner() {
    let server = server().await;
    let create = ["session", "create", "-s", "2026-11-20", "-e", "2026-11-21", "-T", "8", "--output", "json"];
    let made = parsed(&at(&server, &create));
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!((&made["hour"], &made["from"], &made["downloaded_at"]), (&json!(8), &json!("2026-11-20"), &Value::Null));
    let listed = table(&server, &["session", "list"]);
    let head = ["ID", "SPACE", "USERNAME", "CREATE-TIME", "ACCESS-TIME", "DATE-RANGE", "TYPE-ACCOUNT"];
    assert_eq!(listed[0], head);
    assert_eq!((listed.len(), &listed[1][0]), (2, &id));
    let shown = table(&server, &["session", "show", &id]);
    assert!(shown.contains(&vec!["date-range".to_owned(), "2026-11-20..2026-11-21".to_owned(), "08:00".to_owned()]));

    // Another's session does not exist, be they administrator.
    let other = server.join("other@example.com", json!([{"role": "administrator"}])).await;
    for (method, path) in [("GET", ""), ("GET", "/content"), ("DELETE", "")] {
        let path = format!("/api/v1/downloads/{id}{path}");
        assert_eq!(refused(server.with(&other.cookie, method, &path)).await.0, 404, "{method} {path}");
    }

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.json.gz");
    let output = at(&server, &["download", &id, "-o", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(&file).unwrap()).read_to_string(&mut text).unwrap();
    let ids: Vec<Value> = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect();
    assert_eq!(ids, ["e-1", "e-2"], "of hour 8 of both days, earliest first");

    let again = at(&server, &["download", &id, "-o", file.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("downloaded already"), "{again:?}");
    let told = server.told("action:===whodid.event.export outcome:success").await;
    assert_eq!((&told[0]["responseData"]["rows"], &told[0]["requestData"]["session"]), (&json!(2), &json!(id)));

    assert!(at(&server, &["session", "delete", &id]).status.success());
    assert_eq!(at(&server, &["session", "show", &id]).status.code(), Some(1));
    // To standard output, of the account's own events.
    let made = parsed(&at(&server, &["session", "create", "-s", "2026-11-01", "-a", "--output", "json"]));
    let output = at(&server, &["download", made["id"].as_str().unwrap()]);
    let mut text = String::new();
    flate2::read::GzDecoder::new(output.stdout.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), 2);
    // The thirty-first is refused with what to do.
    for _ in 1..30 {
        at(&server, &["session", "create", "-s", "2026-11-01", "-a"]);
    }
    let one_more = at(&server, &["session", "create"]);
    assert!(String::from_utf8_lossy(&one_more.stderr).contains("30"), "{one_more:?}");
}

#[tokio::test]
async fn a_limited_reader_downloads_what_it_may_see() {
    let server = server().await;
    let writer = server
        .join("writer@example.com", json!([{"role": "writer", "query": "eventTime:<2026-11-20T09:00:00Z"}]))
        .await;
    let body = json!({"from": "2026-11-01", "to": "2026-11-27"});
    let (status, made) = answer(server.with(&writer.cookie, "POST", "/api/v1/downloads").json(&body)).await;
    assert_eq!(status, 201, "{made}");
    let path = format!("/api/v1/downloads/{}/content", made["id"].as_str().unwrap());
    let response = server.with(&writer.cookie, "GET", &path).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/gzip");
    assert!(!response.headers().contains_key("content-encoding"), "it is compressed already");
    let mut text = String::new();
    let bytes = response.bytes().await.unwrap();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[tokio::test]
async fn what_was_deleted_stays_deleted_and_may_be_sent_again() {
    let mut server = server().await;
    let day = ["-s", "2026-11-20", "-e", "2026-11-20"];
    let hour = parsed(&at(&server, &[&["delete", "-T", "9", "--output", "json"], &day[..]].concat()));
    assert_eq!(hour["count"], 1, "{hour}");
    let space = parsed(&at(&server, &[&["delete", "--space", "dev", "--output", "json"], &day[..]].concat()));
    assert_eq!(space["count"], 1, "{space}");
    let left = parsed(&at(&server, &[&["delete", "-a", "--output", "json"], &day[..]].concat()));
    assert!(left["count"] == 1 && left["bytes_freed"].as_u64().unwrap() > 0, "{left}");
    let nothing = parsed(&at(&server, &[&["delete", "--output", "json"], &day[..]].concat()));
    assert_eq!(nothing, json!({"count": 0, "bytes_freed": 0}));
    assert_eq!(server.count().await, 1);
    // Neither a clean stop nor a kill brings it back.
    server.restart().await;
    assert_eq!(server.count().await, 1);
    server.kill();
    server.restart().await;
    assert_eq!(server.count().await, 1);
    // It is new to whodid when it is sent again, and then known as any other.
    let (_, reply) = server.send(lines()).await;
    assert_eq!((&reply["accepted"], &reply["duplicates"]), (&json!(3), &json!(1)), "{reply}");
    let (_, reply) = server.send(lines()).await;
    assert_eq!((&reply["accepted"], &reply["duplicates"]), (&json!(0), &json!(4)), "{reply}");
    assert_eq!(server.count().await, 4);
    // Who asked and what came of it is told, before and after.
    let told = server.told("action:===whodid.event.delete").await;
    let outcomes: Vec<&str> = told.iter().map(|event| event["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["success", "pending"].repeat(4));
    assert_eq!(told[0]["correlationId"], told[1]["correlationId"]);
    let hour = &told[6];
    assert_eq!((&hour["requestData"]["hour"], &hour["responseData"]["rows"]), (&json!(9), &json!(1)), "{hour}");
    assert_eq!(hour["severity"], "critical");
}

#[tokio::test]
async fn only_who_may_removes_events_and_never_those_of_the_audit_log() {
    let server = server().await;
    let path = "/api/v1/events?from=2026-11-01&to=2026-11-27";
    for role in ["analyst", "auditor", "manager", "writer"] {
        let person = server.join(&format!("{role}@example.com"), json!([{"role": role}])).await;
        assert_eq!(refused(server.with(&person.cookie, "DELETE", path)).await.0, 403, "{role}");
    }
    let own = json!({"name": "eraser", "permissions": ["events.erase", "space-events.read"]});
    assert_eq!(answer(server.admin("POST", "/api/v1/roles").json(&own)).await.0, 201);
    let limited = server.join("limited@example.com", json!([{"role": "eraser", "spaces": ["dev"]}])).await;
    assert_eq!(refused(server.with(&limited.cookie, "DELETE", path)).await.0, 403, "a limited right removes nothing");
    for missing in ["/api/v1/events", "/api/v1/events?from=2026-11-01", "/api/v1/events?to=2026-11-27"] {
        assert_eq!(refused(server.admin("DELETE", missing)).await, (400, "bad_parameter".to_owned()), "{missing}");
    }
    assert_eq!(server.count().await, 4);
    // What would go is counted whatever the caller may read, and stays.
    let unseeing = server.join("unseeing@example.com", json!([{"role": "eraser"}])).await;
    let dry = server.with(&unseeing.cookie, "DELETE", &format!("{path}&dry_run=true"));
    assert_eq!(answer(dry).await, (200, json!({"count": 4, "bytes_freed": 0})));
    assert_eq!(server.count().await, 4);
    let before = server.told("").await.len();
    let (status, erased) = answer(server.admin("DELETE", "/api/v1/events?from=2020-01-01&to=2029-12-31")).await;
    assert_eq!((status, &erased["count"]), (200, &json!(4)), "{erased}");
    assert!(server.told("").await.len() > before);
    assert_eq!(server.count().await, 0);
}

#[tokio::test]
async fn how_long_events_are_kept_is_shown_and_set_for_the_account_and_its_spaces() {
    let server = Server::start().await;
    assert_eq!(table(&server, &["option"]), [vec!["SPACEID", "RETENTION"], vec!["(account)", "-1"]]);
    assert_eq!(table(&server, &["option", "-r", "365", "-a"])[1], ["(account)", "365"]);
    assert_eq!(table(&server, &["option", "-r", "30", "--space", "dev"])[1], ["dev", "30"]);
    assert_eq!(table(&server, &["option"])[1..], [vec!["(account)", "365"], vec!["dev", "30"]]);
    assert_eq!(table(&server, &["option", "--space", "prod"])[1], ["prod", "365"], "as the account says");
    assert_eq!(table(&server, &["option", "-r", "-1", "-a"])[1], ["(account)", "-1"]);
    for wrong in ["0", "-2", "36501"] {
        let output = at(&server, &["option", "-r", wrong]);
        assert_eq!(output.status.code(), Some(1), "{wrong}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("days"), "{output:?}");
    }
    let told = server.told("action:===whodid.retention.update outcome:success").await;
    assert_eq!(told.len(), 3);
    assert_eq!(told[0]["requestData"]["delta"][1], json!({"op": "replace", "path": "/days", "value": -1}));
    assert_eq!(told[1]["target"]["id"], "dev");
}
