//! How a body is cut into events, and that what is wrong with one leaves its neighbours alone.

use proptest::prelude::*;
use whodid_decode::{EVENT_BYTES_MAX, Format, decode};
use whodid_model::{Field, RejectCode, Timestamp};

/// One word an event: its action, or `!` and the code of its reject.
fn read(body: impl AsRef<[u8]>) -> String {
    let items = decode(Format::Auto, body.as_ref(), Timestamp::from_micros(0));
    for (index, item) in items.iter().enumerate() {
        assert_eq!(item.index, index);
    }
    let words: Vec<String> = items
        .iter()
        .map(|item| match &item.event {
            Ok(event) => event.fields.get(Field::Action).unwrap().to_owned(),
            Err(reject) => format!("!{}", reject.code.as_str()),
        })
        .collect();
    words.join(" ")
}

#[track_caller]
fn check(body: impl AsRef<[u8]>, expected: &str) {
    assert_eq!(read(body), expected);
}

#[test]
fn nothing_holds_no_events() {
    check("", "");
    check(" \r\n\t\n", "");
    check("[]", "");
    check("\u{feff}", "");
    check(r#"{"Records":[]}"#, "");
}

#[test]
fn lines_are_events_whatever_ends_them() {
    check("{\"action\":\"a\"}\n{\"action\":\"b\"}", "a b");
    check("{\"action\":\"a\"}\r\n\r\n  {\"action\":\"b\"}  \r\n", "a b");
    check("\u{feff}{\"action\":\"a\"}\n\u{feff}{\"action\":\"b\"}\n", "a b");
}

#[test]
fn the_raw_bytes_are_exactly_the_event() {
    let body = b" [ {\"action\":\"a\"} ,\n{\"action\" : \"b\"}]\n{\"action\":\"c\"} \n garbage \n";
    let raws: Vec<&[u8]> = decode(Format::Auto, body, Timestamp::from_micros(0)).iter().map(|item| item.raw).collect();
    assert_eq!(raws, [&b"{\"action\":\"a\"}"[..], b"{\"action\" : \"b\"}", b"{\"action\":\"c\"}", b" garbage "]);
}

#[test]
fn lists_documents_and_their_mixtures_are_read() {
    check(r#"[{"action":"a"},{"action":"b"}]"#, "a b");
    check("[{\"action\":\"a\"},\n{\"action\":\"b\"}]\n[{\"action\":\"c\"}]\n", "a b c");
    check(r#"{"action":"a"}{"action":"b"} {"action":"c"}"#, "a b c");
    check("{\n  \"action\": \"a\",\n  \"x\": [\n    1\n  ]\n}\n", "a");
    check("{\n  \"action\": \"a\"\n}\n{\n  \"action\": \"b\"\n}\n", "a b");
    check("{\n\"action\":\n\"a\"\n,\"x\":{\n}}{\"action\":\"b\"}\n", "a b");
    check("[\n  {\n    \"action\": \"a\"\n  },\n  {\n    \"action\": \"b\"\n  }\n]\n", "a b");
}

#[test]
fn containers_give_their_events() {
    check(r#"{"Records":[{"action":"a"},{"action":"b"}]}"#, "a b");
    check("{\n \"Records\": [\n  {\"action\":\"a\"},\n  {\"action\":\"b\"}\n ]\n}", "a b");
    check(r#"{"records":[{"action":"a"}]}"#, "a");
    check(r#"{"NextToken":"n","Events":[{"action":"a"}]}"#, "a");
    check(
        r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"verb":"get","stage":"ResponseComplete"}]}"#,
        "get",
    );
    check(r#"{"value":[{"action":"a"}],"nextLink":"https://example.com/2"}"#, "a");
    check(
        r#"{"typeURI":"http://schemas.dmtf.org/cloud/audit/1.0/log","logTime":"x","events":[{"action":"read"}]}"#,
        "read",
    );
    check(
        r#"{"typeURI":"http://schemas.dmtf.org/cloud/audit/1.0/log","id":"l","resources":[{"id":"r"}],"metrics":[],"events":[{"action":"read"},{"action":"b"}],"reporter":{"id":"x"}}"#,
        "!not_an_object read b !not_an_object",
    );
    check("{\"Records\":[{\"action\":\"a\"}]}\n{\"Records\":[{\"action\":\"b\"}]}\n", "a b");
}

#[test]
fn pages_of_many_products_give_their_events() {
    check(
        r#"{"links":[{"rel":"self"}],"results":[{"eventTypeName":"a"},{"eventTypeName":"b"}],"totalCount":2}"#,
        "a b",
    );
    check(r#"{"version":"1.1","tailnetId":"t","logs":[{"action":"a"}]}"#, "a");
    check(r#"{"status":{"error":false},"pagination":{"after_cursor":null},"data":[{"action":"a"}]}"#, "a");
    check(
        r#"{"from":"2024-05-01","to":"2024-05-02","page_size":30,"next_page_token":"","operation_logs":[{"action":"a"}]}"#,
        "a",
    );
    check(
        r#"{"stat":"OK","response":{"authlogs":[{"event_type":"a"},{"event_type":"b"}],"metadata":{"total_objects":2}}}"#,
        "a b",
    );
    check(r#"{"stat":"OK","response":[{"action":"a"}]}"#, "a");
    check(r#"{"Records":[null,{"action":"b"},7]}"#, "!not_an_object b !not_an_object");
    check(
        r#"{"messageType":"DATA_MESSAGE","owner":"0","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[{"id":"1","timestamp":1714571993000,"message":"{\"eventName\":\"DeleteTrail\",\"awsRegion\":\"eu-west-1\"}"},{"id":"2","timestamp":1714571993000,"message":"plain"}]}"#,
        "DeleteTrail unknown",
    );
}

#[test]
fn what_tells_something_beside_its_list_is_an_event() {
    check(
        r#"{"kind":"admin#reports#activity","id":{"time":"2024-05-01T10:00:00Z","applicationName":"login"},"etag":"x","events":[{"name":"login_failure"}]}"#,
        "login_failure",
    );
    check(r#"{"kind":"admin#reports#activity","events":[{"name":"x"}]}"#, "x");
    check(r#"{"kind":"admin#reports#activities","items":[{"name":"x"},{"name":"y"}]}"#, "x y");
    check(r#"{"id":"e1","events":[]}"#, "unknown");
    check(r#"{"id":"e1","status":"done","items":[{"action":"a"}]}"#, "unknown");
    check(r#"{"resources":[{"id":"r"}],"events":[{"name":"a"}]}"#, "a");
    check(r#"{"meta":{"x":1},"response":{"data":{"a":1}}}"#, "unknown");
}

#[test]
fn an_event_that_has_a_list_is_no_container() {
    check(r#"{"action":"a","events":[{"name":"x"},{"name":"y"}]}"#, "a");
    check(r#"{"events":[{"name":"x"}],"actor":{"email":"a@example.com"}}"#, "x");
    check(r#"{"items":["x","y"],"action":"a"}"#, "a");
    check(r#"{"items":["x","y"]}"#, "unknown");
}

#[test]
fn a_bad_line_is_one_reject_and_the_next_is_read() {
    check("{\"action\":\"a\"}\nnonsense\n{\"action\":\"b\"}\n", "a !not_json b");
    check("{\"action\":\"a\"\n{\"action\":\"b\"}\n", "!not_json b");
    check("{\"action\":\"a\",\n{\"action\":\"b\"}\n", "!not_json b");
    check("{\"action\":\"a\",\"x\":{\n{\"action\":\"b\"}\n{\"action\":\"c\"}\n", "!not_json b c");
    check("{\"action\":\"a\",\"x\":[\n{\"action\":\"b\"}\n{\"action\":\"c\"}\n", "!not_json b c");
    check("{\"action\":\"a\n{\"action\":\"b\"}\n", "!not_json b");
    check("{\"action\":\"a\"}}\n{\"action\":\"b\"}\n", "!not_json b");
    check("{\"action\":\"a\"},\n{\"action\":\"b\"},\n", "!not_json !not_json");
    check("{\"action\":\"a\"} trailing\n{\"action\":\"b\"}\n", "!not_json b");
    check("{'action':'a'}\n{\"action\":\"b\"}\n", "!not_json b");
    check("}\n]\n{\"action\":\"b\"}\n", "!not_json !not_json b");
    check("[garbage\n{\"action\":\"b\"}\n", "!not_json b");
    check("{\"action\":\"a\"}\n{\"action\":\"b", "a !not_json");
}

#[test]
fn each_kind_of_bad_event_has_its_code() {
    check(
        "42\n\"text\"\nnull\ntrue\n{\"action\":\"c\"}",
        "!not_an_object !not_an_object !not_an_object !not_an_object c",
    );
    check("{}\n{\"action\":\"c\"}", "!missing_field c");
    check("{\"action\":\"a\",\"x\":NaN}\n{\"action\":\"c\"}", "!not_json c");
    check("{\"action\":\"a\",\"time\":\"later\"}\n{\"action\":\"c\"}", "!bad_field c");
    check(b"{\"action\":\"a\",\"x\":\"\xff\"}\n{\"action\":\"c\"}", "!not_utf8 c");
    check(b"\xff\xfe{\x00\n{\"action\":\"c\"}", "!not_utf8 c");
    check("{\"action\":\"a\",\"x\":\"\0\"}\n{\"action\":\"c\"}", "!not_json c");
    let deep =
        format!("{{\"action\":\"a\",\"x\":{}{}}}\n{{\"action\":\"c\"}}", "[".repeat(100_000), "]".repeat(100_000));
    check(deep, "!too_deep c");
    let open = format!("{}\n{{\"action\":\"c\"}}", "[".repeat(100_000));
    assert_eq!(read(open).split(' ').next_back(), Some("c"));
    let nested = format!("{}\n{{\"action\":\"c\"}}", "{\"response\":".repeat(100_000));
    assert_eq!(read(nested).split(' ').next_back(), Some("c"));
    let large = format!("{{\"action\":\"a\",\"x\":\"{}\"}}\n{{\"action\":\"c\"}}", "x".repeat(EVENT_BYTES_MAX));
    check(large, "!too_large c");
}

#[test]
fn nothing_that_the_grammar_allows_in_one_member_keeps_an_event_out() {
    check("{\"action\":\"a\",\"action\":\"b\"}\n{\"action\":\"c\"}", "b c");
    check("{\"action\":\"a\",\"x\":1e999}\n{\"action\":\"c\"}", "a c");
    check("{\"action\":\"a\",\"agent\":\"\\ud800\"}\n{\"action\":\"c\"}", "a c");
    check("{\"\\udc00\":1,\"action\":\"a\"}\n{\"action\":\"c\"}", "a c");
    check("{\n  \"action\": \"a\",\n  \"x\": 1,\n  \"x\": 2\n}\n{\"action\":\"b\"}\n", "a b");
    check("{\n  \"action\": \"a\",\n  \"x\": \"\\ud800\"\n}\n{\n  \"action\": \"b\"\n}\n", "a b");
    check(r#"{"Records":[{"action":"a","x":"\udfff"},{"action":"b","x":1e400,"x":2}]}"#, "a b");
}

#[test]
fn a_large_container_is_no_large_event() {
    let one = format!("{{\"action\":\"a\",\"x\":\"{}\"}}", "x".repeat(100_000));
    let body = format!("{{\"Records\":[{}]}}", vec![one; 20].join(","));
    assert!(body.len() > EVENT_BYTES_MAX);
    check(body, &["a"; 20].join(" "));
}

#[test]
fn a_broken_element_of_a_list_leaves_the_others() {
    check(r#"[{"action":"a"},{"action":NaN},{"action":"c"}]"#, "a !not_json c");
    check(r#"[{"action":"a"},{"b":1,"b":2},{"action":"c"}]"#, "a unknown c");
    check(r#"[{"action":"a"}, 7, "x,y", null, {"action":"c"}]"#, "a !not_an_object !not_an_object !not_an_object c");
    check(r#"[{"action":"a"},{"x":[1},{"action":"c"}]"#, "a !not_json c");
    check(r#"[{"action":"a"},{"x":1]},{"action":"c"}]"#, "a !not_json c");
    check(r#"[{"action":"a"},{"action":"b""#, "a !not_json");
    check("[\n{\"action\":\"a},\n{\"action\":\"b\"},\n{\"action\":\"c\"}\n]", "!not_json b c");
    check("[\n  {\n    \"action\": \"a\n  },\n  {\n    \"action\": \"b\"\n  }\n]", "!not_json b");
    check(r#"{"Records":[{"action":"a"},{"action":nil},{"action":"c"}]}"#, "a !not_json c");
    check(
        "{\n  \"Records\": [\n    {\"action\":\"a\"},\n    {\"action\":nil},\n    {\"action\":\"c\"}\n  ]\n}",
        "a !not_json c",
    );
    check(r#"{"Records":[{"action":"a"},{"action":"b"#, "a !not_json");
    check("[{\"action\":\"a\n[{\"action\":\"b\"}]\n{\"action\":\"c\"}\n", "!not_json b c");
    check(
        "{\"Records\":[{\"action\":\"a\"},{\"action\":\"b\n{\"action\":\"c\"}\n{\"Records\":[{\"action\":\"d\"}]}\n",
        "a !not_json c d",
    );
    check("[\n  {\n    \"action\": \"a\",\n    \"x\": {\n  },\n  {\n    \"action\": \"b\"\n  }\n]", "!not_json b");
}

#[test]
fn a_broken_document_over_many_lines_is_one_reject() {
    check("{\n  \"action\": \"a\",\n  \"x\": nil\n}\n{\n  \"action\": \"b\"\n}\n", "!not_json b");
    check("{\n  \"action\": \"a\"\n  \"x\": 1\n}\n", "!not_json");
    check("{\n  \"action\": \"a\",\n  \"x\": {\n    \"y\": 1\n\n{\n  \"action\": \"b\"\n}\n", "!not_json b");
    check("{\n\"action\": \"a\",\n\"x\": nil\n}\n{\"action\":\"b\"}\n", "!not_json b");
    check("{\n  \"action\": \"a\",\n  \"list\": [\n    {\"x\": 1},\n    {\"x\": nil}\n  ]\n}\n", "!not_json");
    check("{\n  \"action\": \"a\",", "!not_json");
}

#[test]
fn broken_input_of_any_size_is_read_in_bounded_time() {
    for one_line in ["{\"action\":\"a\"}", "{\"a\":[1},", "{} ", "[{\"a\":1,\"a\":2}]"] {
        for front in ["", "{\"Records\":[", "["] {
            let body = format!("{front}{}", one_line.repeat(100_000));
            let start = std::time::Instant::now();
            let items = decode(Format::Auto, body.as_bytes(), Timestamp::from_micros(0));
            assert!(!items.is_empty() && start.elapsed().as_secs() < 20, "{front}{one_line}: {:?}", start.elapsed());
        }
    }
    for line in [
        "{\"metadata\":{",
        "{\"id\":1,\"Records\":[",
        "{\"a\":",
        "{\"a\":[",
        "[",
        "{\"a\":1,",
        "{\"response\":",
        "[{\"a\":\"x",
        "{\n\"a\":[{",
        "]}",
        "\"",
        "{\"a\":\"\\",
    ] {
        let body = format!("{line}\n").repeat(20_000);
        let start = std::time::Instant::now();
        let items = decode(Format::Auto, body.as_bytes(), Timestamp::from_micros(0));
        assert!(!items.is_empty() && start.elapsed().as_secs() < 20, "{line}: {:?}", start.elapsed());
    }
}

#[test]
fn every_reject_names_a_place_and_no_payload() {
    let items = decode(Format::Auto, b"{\"password\":\"hunter2\" \"x\":1}", Timestamp::from_micros(0));
    let reject = items[0].event.as_ref().unwrap_err();
    assert_eq!(reject.code, RejectCode::NotJson);
    assert_eq!(reject.detail, "the event is not JSON: expected `,` or `}` at byte 22");
}

/// Bytes that bodies are made of, so that random ones get deep into the reader.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&[u8]] = &[
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\n",
        b"  ",
        b"\"",
        b"\\",
        b"{\n",
        b"\n}",
        b"\"x\"",
        b"nil",
        b"-1.5e-7",
        b"\xff",
        b"\0",
        b"\xef\xbb\xbf",
        b"\"action\":\"a\"",
        b"\"time\":1e3",
        b"{\"action\":\"b\"}",
        b"\"Records\":[",
        b"\"\\u00e9\"",
        b"{\"protoPayload\":{\"status\":{\"code\":7}}}",
        b"{\"CloudTrailEvent\":\"{}\"}",
        b"{\"properties\":{\"log\":\"audit.k8s.io\"}}",
        b"\"\\ud800\"",
        b"\"\\udc00\\ud83d\\ude00\":",
        b"1e999",
        b"\"response\":{",
        b"\"typeURI\":\"http://schemas.dmtf.org/cloud/audit/1.0/log\",",
        b"\"resources\":[{\"id\":\"r\"}],",
        b"{\"timestamp\":1714571993000,\"message\":\"{\\\"verb\\\":\\\"get\\\"}\"}",
        b"{\"event_name\":\"x\",\"aws_region\":[null,",
    ];
    let piece = proptest::sample::select(PIECES);
    proptest::collection::vec(piece, 0..60).prop_map(|pieces: Vec<&[u8]>| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_without_panic_and_their_pieces_stand_in_order(body in pieces()) {
        for format in Format::ALL {
            let items = decode(format, &body, Timestamp::from_micros(0));
            let mut end = 0;
            for item in &items {
                let start = item.raw.as_ptr() as usize - body.as_ptr() as usize;
                prop_assert!(start >= end && !item.raw.is_empty());
                end = start + item.raw.len();
                if let Err(reject) = &item.event {
                    prop_assert!(reject.code != RejectCode::DecoderFailed, "{}", reject.detail);
                }
            }
        }
    }

    #[test]
    fn a_whole_line_is_found_after_any_line_that_closes_its_brackets(line in "[^\\[{\n\r\"]{1,40}") {
        let body = format!("{line}\n{{\"action\":\"last\"}}\n");
        let items = decode(Format::Auto, body.as_bytes(), Timestamp::from_micros(0));
        let last = items.last().and_then(|item| item.event.as_ref().ok()).and_then(|event| event.fields.get(Field::Action));
        prop_assert_eq!(last, Some("last"));
    }
}
