//! Every route does what the document says, on real events.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;

use crate::boundary::{Server, answer, event};

/// Five events of two people over two hours, and two lines that are none.
async fn with_events() -> Server {
    let server = Server::start().await;
    let lines = [
        event("e-1", "alice", "kms.secrets.create", "success", "2026-11-20T08:00:00Z"),
        event("e-2", "bob", "kms.secrets.read", "success", "2026-11-20T08:10:00Z"),
        event("e-3", "bob", "kms.secrets.delete", "failure", "2026-11-20T08:20:00Z"),
        "hello".to_owned(),
        event("e-4", "bob", "kms.secrets.delete", "success", "2026-11-20T09:20:00Z"),
        "{\"a\":".to_owned(),
        event("e-5", "alice", "iam.user.login", "success", "2026-11-20T09:30:00Z"),
    ];
    let (status, reply) = server.send(lines.join("\n")).await;
    assert_eq!(status, 200, "{reply}");
    assert_eq!((&reply["accepted"], &reply["first_offset"], &reply["last_offset"]), (&5.into(), &0.into(), &4.into()));
    let rejected: Vec<_> = reply["rejected"].as_array().unwrap().iter().map(|one| one["index"].clone()).collect();
    assert_eq!(rejected, [3, 5]);
    server
}

fn ids(page: &Value) -> Vec<&str> {
    page["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn events_are_found_counted_and_grouped() {
    let server = with_events().await;
    let page = server.read("/api/v1/events").await;
    assert_eq!(ids(&page), ["e-5", "e-4", "e-3", "e-2", "e-1"]);
    assert_eq!(page["next_cursor"], Value::Null);
    assert_eq!(page["stats"]["as_of"], 5);
    let event = &page["events"][2];
    assert_eq!((&event["action"], &event["outcome"]), (&"kms.secrets.delete".into(), &"failure".into()));
    assert_eq!(event["record"]["id"], "activity:2");
    assert!(event["record"]["summary"].as_str().unwrap().contains("bob"), "{event}");
    // The shape is the documented one.
    for text in page["events"].as_array().unwrap() {
        let _: whodid_api::Event = serde_json::from_value(text.clone()).unwrap();
    }

    assert_eq!(ids(&server.read("/api/v1/events?q=initiator.name:bob&order=asc").await), ["e-2", "e-3", "e-4"]);
    let hour = "from=2026-11-20T09:00:00Z&to=2026-11-20T10:00:00Z";
    assert_eq!(ids(&server.read(&format!("/api/v1/events?{hour}")).await), ["e-5", "e-4"]);
    assert_eq!(server.read("/api/v1/events/count?q=outcome:failure").await["count"], 1);

    let histogram =
        server.read("/api/v1/events/histogram?from=2026-11-20T08:00:00Z&to=2026-11-20T11:00:00Z&interval=1h").await;
    let counts: Vec<_> =
        histogram["buckets"].as_array().unwrap().iter().map(|bucket| bucket["counts"].clone()).collect();
    assert_eq!(histogram["interval"], "PT1H");
    assert_eq!(
        counts,
        [serde_json::json!({"success": 2, "failure": 1}), serde_json::json!({"success": 2}), serde_json::json!({})]
    );

    let top = server.read("/api/v1/events/top?field=action&limit=1").await;
    assert_eq!(top["values"], serde_json::json!([{"value": "kms.secrets.delete", "count": 2}]));
    assert_eq!((&top["other"], &top["missing"]), (&3.into(), &0.into()));
    let facets = server.read("/api/v1/events/facets?field=outcome&field=initiator.name&q=kms").await;
    assert_eq!(facets["facets"][0]["values"][0], serde_json::json!({"value": "success", "count": 4}));
    assert_eq!(facets["facets"][1]["field"], "initiator.name");
    let fields = server.read("/api/v1/events/fields?prefix=initiator.n").await;
    assert!(fields["fields"].as_array().unwrap().iter().any(|field| field["name"] == "initiator.name"), "{fields}");
    let checked = server.read("/api/v1/query/check?q=action:kms.*").await;
    assert_eq!(checked["ok"], true);
}

#[tokio::test]
async fn pages_stay_the_same_while_events_arrive() {
    let server = with_events().await;
    let first = server.read("/api/v1/events?limit=2").await;
    assert_eq!(ids(&first), ["e-5", "e-4"]);
    server.send(event("e-6", "eve", "iam.user.login", "success", "2026-11-20T09:25:00Z")).await;
    let second =
        server.read(&format!("/api/v1/events?limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!(ids(&second), ["e-3", "e-2"]);
    let third =
        server.read(&format!("/api/v1/events?limit=2&cursor={}", second["next_cursor"].as_str().unwrap())).await;
    assert_eq!((ids(&third), &third["next_cursor"]), (vec!["e-1"], &Value::Null));
    assert_eq!(server.count().await, 6);
}

#[tokio::test]
async fn one_event_is_read_with_its_neighbours() {
    let server = with_events().await;
    for id in ["e-3", "activity:2", "activity%3A2"] {
        let event = server.read(&format!("/api/v1/events/{id}")).await;
        assert_eq!((&event["id"], &event["related"]), (&"e-3".into(), &serde_json::json!([])), "{id}");
    }
    let around = server.read("/api/v1/events/e-3/around?count=1").await;
    assert_eq!((&around["before"][0]["id"], &around["after"][0]["id"]), (&"e-2".into(), &"e-4".into()));
    // A second event with the same id and other content is kept, and the two know each other.
    server.send(event("e-3", "bob", "kms.secrets.delete", "pending", "2026-11-20T08:19:59Z")).await;
    let pair = server.read("/api/v1/events/activity:2").await;
    assert_eq!(pair["related"][0]["outcome"], "pending", "{}", pair["related"]);
    let _: whodid_api::Lookup = serde_json::from_value(pair).unwrap();
}

#[tokio::test]
async fn what_could_not_be_read_is_listed_with_its_reason() {
    let server = with_events().await;
    let page = server.read("/api/v1/rejects?limit=1").await;
    assert_eq!((&page["rejects"][0]["raw"], &page["rejects"][0]["raw_encoding"]), (&"{\"a\":".into(), &"utf-8".into()));
    let rest = server.read(&format!("/api/v1/rejects?cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!(rest["rejects"].as_array().unwrap().len(), 1);
    assert_eq!(server.read("/api/v1/rejects/summary").await["total"], 2);
    server.send(&b"\xff\xfe\x00bytes"[..]).await;
    let bytes = &server.read("/api/v1/rejects?code=not_utf8").await["rejects"][0];
    assert_eq!((&bytes["raw"], &bytes["raw_encoding"]), (&"//4AYnl0ZXM=".into(), &"base64".into()));
}

#[tokio::test]
async fn exports_hold_everything_and_no_formula() {
    let server = with_events().await;
    server.send(event("e-6", "=cmd()", "iam.user.login", "success", "2026-11-20T10:00:00Z")).await;
    let export = |query: &str| server.get(&format!("/api/v1/export?{query}")).bearer_auth(&server.keys.service_key);
    let response = export("order=asc").send().await.unwrap();
    assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"whodid-"));
    let text = response.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines.iter().map(|event| event["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["e-1", "e-2", "e-3", "e-4", "e-5", "e-6"]
    );
    let csv = export("format=csv&columns=id,initiator.name,target.name&order=desc").send().await.unwrap();
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8; header=present");
    let text = csv.text().await.unwrap();
    assert!(text.starts_with("id,initiator.name,target.name\r\ne-6,\"'=cmd()\",k17\r\ne-5,alice,k17\r\n"), "{text}");
}

#[tokio::test]
async fn sql_reads_and_only_reads() {
    let server = with_events().await;
    let sql = |text: &str| {
        let body = serde_json::json!({ "sql": text });
        answer(server.request("POST", "/api/v1/sql").bearer_auth(&server.keys.service_key).json(&body))
    };
    let (status, reply) =
        sql("SELECT action, count(*) AS n FROM events GROUP BY action ORDER BY n DESC, action LIMIT 1").await;
    assert_eq!((status, &reply["rows"]), (200, &serde_json::json!([["kms.secrets.delete", 2]])), "{reply}");
    assert_eq!(reply["columns"][0]["name"], "action");
    for hostile in [
        "DROP TABLE events",
        "INSERT INTO events SELECT * FROM events",
        "COPY events TO '/tmp/x'",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM information_schema.tables",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT 1; SELECT 2",
        "SELEC",
    ] {
        let (status, reply) = sql(hostile).await;
        assert_eq!((status, reply["code"].as_str()), (400, Some("bad_sql")), "{hostile}: {reply}");
    }
}

#[tokio::test]
async fn the_tail_shows_events_as_they_are_recorded() {
    let server = with_events().await;
    let follow = |after: Option<&str>| {
        let request = server.get("/api/v1/events/tail?q=outcome:failure").bearer_auth(&server.keys.service_key);
        match after {
            Some(id) => request.header("last-event-id", id),
            None => request,
        }
    };
    let response = follow(None).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut chunks = response.bytes_stream();
    server.send(event("tail-1", "bob", "kms.secrets.read", "success", "2026-11-20T11:00:00Z")).await;
    server.send(event("tail-2", "bob", "kms.secrets.read", "failure", "2026-11-20T11:00:01Z")).await;
    let message = next_message(&mut chunks).await;
    assert!(message.contains("event: event\n") && message.contains("id: activity:6\n"), "{message}");
    assert!(message.contains("\"id\":\"tail-2\"") && !message.contains("tail-1"), "{message}");
    // A reader that was away gets what it missed.
    let mut missed = follow(Some("activity:1")).send().await.unwrap().bytes_stream();
    assert!(next_message(&mut missed).await.contains("id: activity:2\n"));
}

async fn next_message(chunks: &mut (impl futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin)) -> String {
    let mut text = String::new();
    while !text.contains("data:") || !text.ends_with("\n\n") {
        let chunk = tokio::time::timeout(Duration::from_secs(30), chunks.next()).await.unwrap();
        text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
    }
    text
}

#[tokio::test]
async fn the_server_tells_its_state() {
    let server = with_events().await;
    let status = server.read("/api/v1/status").await;
    assert_eq!((&status["events"], &status["rejects"]), (&5.into(), &2.into()));
    assert_eq!(status["newest_event"], "2026-11-20T09:30:00.000Z");
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(answer(server.get(path)).await.0, 200, "{path}");
    }
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    for name in [
        "whodid_events_total",
        "whodid_http_requests_total",
        "whodid_http_request_seconds_bucket",
        "whodid_build_info",
        "whodid_detect_behind",
        "whodid_detect_dropped_groups",
        "whodid_detect_dropped_matches",
        "whodid_rules_problems 0",
        "whodid_deliveries_given_up_total 0",
        "whodid_deliveries_total{outcome=\"failed\"} 0",
    ] {
        assert!(metrics.contains(name), "{name} is missing in\n{metrics}");
    }
    let document = server.get("/openapi.json").send().await.unwrap().text().await.unwrap();
    assert_eq!(document, whodid_api::document_json());
}

#[tokio::test]
async fn metrics_are_open_only_to_programs_of_this_machine() {
    let status = async |server: &Server, name: &str, value: &str| {
        server.get("/metrics").header(name, value).send().await.unwrap().status().as_u16()
    };
    let server = Server::start().await;
    for host in ["localhost:1", "127.0.0.1", "[::1]:80"] {
        assert_eq!(status(&server, "host", host).await, 200, "{host}");
    }
    // A proxy on this machine, and a page that makes its own name mean this machine.
    for (name, value) in [
        ("host", "metrics.example.com"),
        ("x-real-ip", "192.0.2.1"),
        ("forwarded", "for=192.0.2.1"),
        ("x-forwarded-host", "a"),
        ("via", "1.1 proxy"),
    ] {
        assert_eq!(status(&server, name, value).await, 401, "{name}");
    }
    for setting in [("WHODID_PUBLIC_URL", "https://a.example.com"), ("WHODID_TRUSTED_PROXIES", "192.0.2.1")] {
        let server = Server::start_with(&[setting]).await;
        assert_eq!(status(&server, "x-nothing", "said").await, 401, "{}", setting.0);
        let key = format!("Bearer {}", server.keys.service_key);
        assert_eq!(status(&server, "authorization", &key).await, 200, "{}", setting.0);
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    let server = Server::start().await;
    for (method, path, status, code) in [
        ("GET", "/api/v1/events/%ff", 400, "invalid_request"),
        ("GET", "/api/v1/events/%ff/around", 400, "invalid_request"),
        ("DELETE", "/api/v1/keys/%ff", 400, "invalid_request"),
        ("GET", "/api/v1/me?x=1", 400, "unknown_parameter"),
        ("POST", "/api/v1/sessions?x=1", 400, "unknown_parameter"),
        ("DELETE", "/api/v1/sessions/current?x=1", 400, "unknown_parameter"),
        ("GET", "/api/v1/events/fields?stream=rejects", 400, "bad_parameter"),
        ("GET", "/api/v1/events/tail?from=24h", 400, "bad_parameter"),
        ("GET", "/api/v1/events/tail?q=x&to=now", 400, "bad_parameter"),
    ] {
        let request = server.request(method, path).bearer_auth(&server.keys.admin_token);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{method} {path}");
        assert_eq!(response.status(), status, "{method} {path}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], code, "{method} {path}: {problem}");
    }
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_such() {
    let server = Server::start().await;
    let body = event("a", "bob", "x.y.read", "success", "2026-11-20T08:00:00Z");
    let send = async || {
        let request = server.request("POST", "/api/v1/events").bearer_auth(&server.keys.ingestion_key);
        let response = request.header("idempotency-key", "batch-1").body(body.clone()).send().await.unwrap();
        let replayed = response.headers().get("idempotency-replayed").cloned();
        (replayed, response.json::<Value>().await.unwrap())
    };
    let (replayed, first) = send().await;
    assert_eq!((replayed, &first["accepted"], &first["repeated"]), (None, &1.into(), &false.into()));
    let (replayed, second) = send().await;
    assert_eq!(
        (replayed.unwrap(), &second["accepted"], &second["repeated"]),
        ("true".parse().unwrap(), &1.into(), &true.into())
    );
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("whodid_events_total{result=\"accepted\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn an_odd_action_of_a_related_event_does_not_hide_the_event() {
    let server = Server::start().await;
    let plain = event("odd", "alice", "create", "success", "2026-11-20T08:00:00Z");
    let odd = plain.replace("\"create\"", "5");
    assert_ne!(plain, odd);
    assert_eq!(server.send(format!("{plain}\n{odd}")).await.1["accepted"], 2);
    let found = server.read("/api/v1/events/activity:0").await;
    assert_eq!(found["related"][0]["action"], "5", "{found}");
    let found = server.read("/api/v1/events/activity:1").await;
    assert_eq!(found["related"][0]["action"], "create", "{found}");
    assert_eq!(found["related"][0]["record"]["id"], "activity:0");
}

#[tokio::test]
async fn every_described_route_is_served_and_refuses_strangers_as_described() {
    let server = Server::start().await;
    let document: Value = serde_json::from_str(&whodid_api::document_json()).unwrap();
    let mut open = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let request = server
                .request(
                    &method.to_uppercase(),
                    &path.replace("{id}", "x").replace("{account}", "default").replace("{provider}", "x"),
                )
                .body("{}");
            let (status, body) = answer(request.header("content-type", "application/json")).await;
            assert_ne!(body["code"], "no_such_route", "{method} {path}");
            if operation.get("security").is_some() {
                assert_eq!((status, &body["code"]), (401, &"missing_credential".into()), "{method} {path}");
            } else {
                open.insert(format!("{method} {path}"));
            }
        }
    }
    let expected = [
        "get /api/v1/notices/key",
        "get /api/v1/sign-in/methods",
        "get /health/live",
        "get /health/ready",
        "get /metrics",
        "get /openapi.json",
        "get /sign-in",
        "get /sign-in/oidc",
        "get /sign-in/oidc/callback",
        "post /api/v1/invitations/accept",
        "post /api/v1/links/look",
        "post /api/v1/password-resets",
        "post /api/v1/password-resets/commit",
        "post /api/v1/sessions",
    ];
    assert_eq!(open.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn pages_are_served_with_strict_headers_and_api_answers_are_not_kept() {
    let server = with_events().await;
    let page = server.get("/activity?q=x").send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()),
        (200, "text/html; charset=utf-8")
    );
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")] {
        assert_eq!(page.headers()[name], value);
    }
    assert!(!page.headers().contains_key("strict-transport-security"));
    assert_eq!(server.get("/missing.js").send().await.unwrap().status(), 404);
    assert_eq!(answer(server.get("/api/v1/nothing")).await.1["code"], "no_such_route");
    assert_eq!(answer(server.request("PUT", "/api/v1/events")).await.0, 405);
    let list = server.get("/api/v1/events").bearer_auth(&server.keys.service_key).header("accept-encoding", "gzip");
    let list = list.send().await.unwrap();
    assert_eq!(
        (&list.headers()["cache-control"], &list.headers()["content-encoding"]),
        (&"no-store".parse().unwrap(), &"gzip".parse().unwrap())
    );
    assert!(list.headers().contains_key("x-request-id"));
}
