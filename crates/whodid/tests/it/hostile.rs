//! Inputs that mean harm: each gets the documented answer, and the server goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::boundary::{Server, answer, event, refused};

fn good(id: &str) -> String {
    event(id, "alice", "create", "success", "2026-11-20T08:00:00Z")
}

/// The server still takes events and finds them.
async fn is_well(server: &Server) {
    let before = server.count().await;
    let (status, reply) = server.send(good(&format!("well-{before}"))).await;
    assert_eq!((status, &reply["accepted"]), (200, &1.into()), "{reply}");
    assert_eq!(server.count().await, before + 1);
}

async fn code_of(server: &Server, body: impl Into<reqwest::Body>, encoding: Option<&str>) -> (u16, String) {
    let request = server.request("POST", "/api/v1/events").bearer_auth(&server.keys.ingestion_key).body(body);
    refused(match encoding {
        Some(encoding) => request.header("content-encoding", encoding),
        None => request,
    })
    .await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn one_bad_event_never_costs_its_neighbours() {
    let server = Server::start().await;
    let large = format!("{{\"action\":\"create\",\"padding\":\"{}\"}}", "x".repeat(10 << 20));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!("{{\"a\":{deep}}}");
    let mut body = Vec::new();
    let bad: [(&[u8], &str); 8] = [
        (large.as_bytes(), "too_large"),
        (nested.as_bytes(), "too_deep"),
        (b"{\"action\":\"create\",\"name\":\"\xff\xfe\"}", "not_utf8"),
        (b"{\"id\":\"1\",\"id\":,\"action\":\"create\"}", "not_json"),
        (b"{\"action\":\"create\",\"n\":}", "not_json"),
        (b"{\"action\":\"\\ud80\"}", "not_json"),
        (b"42", "not_an_object"),
        (b"{\"action\":\"cre\0ate\"}", "not_json"),
    ];
    for (place, (line, _)) in bad.iter().enumerate() {
        body.extend_from_slice(good(&format!("good-{place}")).as_bytes());
        body.push(b'\n');
        body.extend_from_slice(line);
        body.push(b'\n');
    }
    let (status, reply) = server.send(body).await;
    assert_eq!((status, &reply["accepted"]), (200, &8.into()), "{reply}");
    let found: Vec<_> = reply["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["index"].as_u64().unwrap(), one["code"].as_str().unwrap().to_owned()))
        .collect();
    let expected: Vec<_> =
        bad.iter().enumerate().map(|(place, (_, code))| (place as u64 * 2 + 1, (*code).to_owned())).collect();
    assert_eq!(found, expected);
    assert_eq!(server.read("/api/v1/rejects/summary").await["total"], 8);
    is_well(&server).await;
}

#[tokio::test]
async fn a_body_of_ten_million_bytes_in_one_event_is_told_as_a_reject() {
    let server = Server::start().await;
    let (status, reply) = server.send(format!("{{\"a\":\"{}\"}}", "x".repeat(10_000_000))).await;
    assert_eq!((status, &reply["rejected"][0]["code"]), (200, &"too_large".into()));
    is_well(&server).await;
}

#[tokio::test]
async fn bombs_broken_and_unknown_encodings_are_refused() {
    let server = Server::start().await;
    let bomb = vec![b' '; 300 << 20];
    assert_eq!(code_of(&server, gzip(&bomb), Some("gzip")).await, (413, "body_too_large".to_owned()));
    let zstd_bomb = zstd::encode_all(bomb.as_slice(), 19).unwrap();
    assert_eq!(code_of(&server, zstd_bomb, Some("zstd")).await, (413, "body_too_large".to_owned()));
    let twice = gzip(&gzip(good("e").as_bytes()));
    assert_eq!(code_of(&server, twice, Some("gzip, gzip")).await.0, 415);
    assert_eq!(code_of(&server, "x", Some("br")).await, (415, "unsupported_encoding".to_owned()));
    assert_eq!(code_of(&server, "not gzip", Some("gzip")).await, (400, "bad_encoding".to_owned()));
    let mut cut = gzip(good("e").as_bytes());
    cut.truncate(cut.len() - 9);
    assert_eq!(code_of(&server, cut, Some("gzip")).await, (400, "bad_encoding".to_owned()));
    for (encoding, body) in
        [("gzip", gzip(good("e-gz").as_bytes())), ("zstd", zstd::encode_all(good("e-zst").as_bytes(), 3).unwrap())]
    {
        let request = server.request("POST", "/api/v1/events").bearer_auth(&server.keys.ingestion_key);
        let (status, reply) = answer(request.header("content-encoding", encoding).body(body)).await;
        assert_eq!((status, &reply["accepted"]), (200, &1.into()), "{encoding}");
    }
    is_well(&server).await;
}

#[tokio::test]
async fn bodies_beyond_their_bounds_are_refused_and_nothing_of_them_is_stored() {
    let server = Server::start().await;
    let lines = "{\"action\":\"create\"}\n".repeat(100_000);
    assert_eq!(code_of(&server, lines, None).await, (413, "too_many_events".to_owned()));
    assert_eq!(code_of(&server, "", None).await, (400, "no_events".to_owned()));
    assert_eq!(code_of(&server, "\n \r\n", None).await, (400, "no_events".to_owned()));
    let endless =
        futures::stream::repeat_with(|| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b' '; 64 << 10])));
    let request = server.request("POST", "/api/v1/events").bearer_auth(&server.keys.ingestion_key);
    // The server answers and closes; whether the client still reads the answer is a matter of timing.
    if let Ok(response) = request.body(reqwest::Body::wrap_stream(endless)).send().await {
        assert_eq!(response.status(), 413);
    }
    assert_eq!(server.count().await, 0);
    is_well(&server).await;
}

/// Sends bytes as they are; what came back until the connection closed.
fn raw_exchange(server: &Server, head: &str, patience: Duration) -> String {
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = Vec::new();
    // A timeout shows as what was read so far.
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_size_is_refused_before_the_body_comes() {
    let server = Server::start().await;
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 99999999999\r\n\r\n",
        server.keys.ingestion_key
    );
    let started = Instant::now();
    let reply = raw_exchange(&server, &head, Duration::from_secs(5));
    assert!(reply.starts_with("HTTP/1.1 413"), "{reply}");
    assert!(started.elapsed() < Duration::from_secs(6));
    is_well(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_and_slow_bodies_are_cut() {
    let server = Server::start().await;
    let slow_head = raw_exchange(&server, "GET / HTTP/1.1\r\nhost: x\r\n", Duration::from_secs(30));
    assert!(slow_head.is_empty() || slow_head.starts_with("HTTP/1.1 408"), "{slow_head}");
    let slow_body = raw_exchange(
        &server,
        &format!(
            "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 100\r\n\r\n{{",
            server.keys.ingestion_key
        ),
        Duration::from_secs(30),
    );
    assert!(slow_body.starts_with("HTTP/1.1 408") && slow_body.contains("slow_body"), "{slow_body}");
    let large_head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-pad: {}\r\n\r\n", "x".repeat(200 << 10));
    let large_head = raw_exchange(&server, &large_head, Duration::from_secs(5));
    assert!(large_head.is_empty() || large_head.starts_with("HTTP/1.1 431"), "{large_head}");
    is_well(&server).await;
}

#[tokio::test]
async fn invented_method_names_leave_no_trace_in_the_metrics() {
    let server = Server::start().await;
    for number in 0..20 {
        server.request(&format!("INVENTED{number}"), "/api/v1/events").send().await.unwrap();
    }
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(!metrics.contains("INVENTED") && metrics.contains("method=\"OTHER\""), "{metrics}");
    assert!(!server.log.lock().unwrap().contains("INVENTED"));
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let server = Server::start().await;
    for (path, code, words) in [
        ("/api/v1/events?colour=red", "unknown_parameter", "colour"),
        ("/api/v1/events?limit=0", "bad_parameter", "limit"),
        ("/api/v1/events?limit=1001", "bad_parameter", "1000"),
        ("/api/v1/events?order=up", "bad_parameter", "desc, asc"),
        ("/api/v1/events?cursor=%21", "bad_cursor", "cursor"),
        ("/api/v1/events?from=yesterdayish", "bad_time", "from"),
        ("/api/v1/events?from=2026-11-21&to=2026-11-20", "bad_time", "from"),
        ("/api/v1/events?stream=../x", "bad_parameter", "stream"),
        ("/api/v1/events?space=%2e%2e", "bad_parameter", "space"),
        ("/api/v1/events?q=a&q=b", "bad_parameter", "q"),
        ("/api/v1/events/top", "bad_parameter", "field"),
        ("/api/v1/events/facets", "bad_parameter", "field"),
        ("/api/v1/events/histogram?interval=0s", "bad_interval", "interval"),
        ("/api/v1/events/histogram?interval=soon", "bad_interval", "interval"),
        ("/api/v1/export?format=xml", "bad_parameter", "ndjson, csv"),
        ("/api/v1/events/x/around?count=0", "bad_parameter", "count"),
    ] {
        let (status, body) = answer(server.get(path).bearer_auth(&server.keys.service_key)).await;
        assert_eq!((status, body["code"].as_str()), (400, Some(code)), "{path}: {body}");
        assert!(body["detail"].as_str().unwrap().contains(words), "{path}: {body}");
    }
    let (status, body) =
        answer(server.get("/api/v1/query/check?q=a+AND+(b").bearer_auth(&server.keys.service_key)).await;
    assert_eq!((status, body["code"].as_str()), (400, Some("bad_query")));
    assert!(body["position"].as_u64().is_some() && body["expected"].is_array(), "{body}");
    let formats = server.request("POST", "/api/v1/events?format=xml").bearer_auth(&server.keys.ingestion_key);
    assert_eq!(refused(formats.body("{}")).await, (400, "bad_parameter".to_owned()));
    let long = server.request("POST", "/api/v1/events").bearer_auth(&server.keys.ingestion_key);
    assert_eq!(refused(long.header("idempotency-key", "x".repeat(201)).body("{}")).await.0, 400);
}

#[tokio::test]
async fn queries_of_every_shape_end_in_an_answer_or_a_problem() {
    let server = Server::start().await;
    server.send(good("e-1")).await;
    let deep = "(".repeat(5000);
    let many = "a OR ".repeat(3000) + "b";
    for q in [
        "",
        "*",
        "a:[1 TO",
        "\"",
        "((",
        &deep,
        &many,
        "action:=",
        "-",
        "NOT",
        "a:b:c:d",
        "\u{0}",
        "\u{202e}",
        "'; DROP TABLE events; --",
        "%",
        "id:/.*/",
    ] {
        let request = server.get("/api/v1/events").bearer_auth(&server.keys.service_key);
        let encoded: String = q.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let url = format!("{}/api/v1/events?q={encoded}", server.url);
        let (status, body) = answer(crate::boundary::client().get(url).bearer_auth(&server.keys.service_key)).await;
        drop(request);
        assert!(status == 200 || status == 400, "{q:.40}: {status} {body}");
    }
    is_well(&server).await;
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_reply_and_stores_nothing() {
    let server = Server::start().await;
    let send = |key: &'static str, body: String| {
        let request = server.request("POST", "/api/v1/events").bearer_auth(&server.keys.ingestion_key);
        answer(request.header("idempotency-key", key).body(body))
    };
    let without_id = "{\"action\":\"create\",\"outcome\":\"success\"}\nnonsense\n".to_owned();
    let (status, first) = send("batch-1", without_id.clone()).await;
    assert_eq!((status, &first["accepted"]), (200, &1.into()), "{first}");
    let (status, again) = send("batch-1", without_id.clone()).await;
    let mut expected = first.clone();
    expected["repeated"] = true.into();
    assert_eq!((status, again), (200, expected));
    assert_eq!(send("batch-1", good("other")).await.0, 409);
    assert_eq!(server.count().await, 1);
    assert_eq!(server.read("/api/v1/rejects/summary").await["total"], 1);
    // Without a key an event with an id is known by id and content.
    assert_eq!(server.send(good("e-1")).await.1["accepted"], 1);
    let (_, again) = server.send(good("e-1")).await;
    assert_eq!(
        (&again["accepted"], &again["duplicates"], &again["first_offset"]),
        (&0.into(), &1.into(), &Value::Null)
    );
}
