//! GraphQL over notes and occurrences: what the other paths of the Findings API answer, under the rights that they ask
//! for.

use serde_json::{Value, json};

use crate::boundary::{Server, answer, event, refused};
use crate::finding::{note, occurrence};

const PATH: &str = "/findings/v1/default/graph";
const BASE: &str = "/findings/v1/default/providers/acme";

async fn made(server: &Server, path: &str, body: Value) {
    let (status, made) = answer(server.admin("POST", path).json(&body)).await;
    assert_eq!(status, 200, "{path}: {made}");
}

async fn read(server: &Server, path: &str) -> Value {
    let (status, read) = answer(server.admin("GET", path)).await;
    assert_eq!(status, 200, "{path}: {read}");
    read
}

/// The answer to a query, which must be one; `errors` too.
async fn asked(server: &Server, query: &str, variables: Value) -> Value {
    let request = server.admin("POST", PATH).json(&json!({"query": query, "variables": variables}));
    let (status, answered) = answer(request).await;
    assert_eq!(status, 200, "{query}: {answered}");
    answered
}

/// What a query gives, without an error.
async fn given(server: &Server, query: &str, variables: Value) -> Value {
    let answered = asked(server, query, variables).await;
    assert!(answered.get("errors").is_none(), "{query}: {answered}");
    answered["data"].clone()
}

/// A server with a note and three occurrences of different severity.
async fn with_findings() -> Server {
    let server = Server::start().await;
    made(&server, &format!("{BASE}/notes"), note("weak-cipher")).await;
    for (id, severity) in [("o1", json!("CRITICAL")), ("o2", Value::Null), ("o3", json!("LOW"))] {
        let mut one = occurrence(id);
        one["finding"]["severity"] = severity;
        made(&server, &format!("{BASE}/occurrences"), one).await;
    }
    server
}

#[tokio::test]
async fn a_query_gives_the_members_that_the_other_paths_give() {
    let server = with_findings().await;
    let query = "query Found($of: ID!) {
        note(provider_id: $of, id: \"weak-cipher\") { ...named reported_by { id title url } finding { severity next_steps { title } } }
        one: occurrence(provider_id: $of, id: \"o1\") {
            __typename note_name author { kind } context { region service_crn } finding { severity certainty } kpi { value }
            update_week_date note { ...named occurrences(page_size: 3) { occurrences { id } } }
        }
        notes(provider_id: $of) { notes { id } next_page_token }
        providers(start_provider_id: $of, limit: 1) { providers { id name } skip }
    }
    fragment named on Note { id short_description }";
    let given = given(&server, query, json!({"of": "acme"})).await;
    let named = json!({"id": "weak-cipher", "short_description": "A weak cipher"});
    let told = read(&server, &format!("{BASE}/notes/weak-cipher")).await;
    assert_eq!(given["note"]["id"], named["id"]);
    assert_eq!(given["note"]["reported_by"], told["reported_by"]);
    assert_eq!(given["note"]["finding"], json!({"severity": "HIGH", "next_steps": [{"title": "Switch TLS 1.0 off"}]}));
    let (one, told) = (&given["one"], read(&server, &format!("{BASE}/occurrences/o1")).await);
    assert_eq!(one["__typename"], "Occurrence");
    for member in ["note_name", "update_week_date"] {
        assert_eq!(one[member], told[member], "{member}");
    }
    assert_eq!(one["context"], json!({"region": "eu-de", "service_crn": null}));
    assert_eq!((&one["author"], &one["kpi"]), (&json!({"kind": "user"}), &Value::Null));
    assert_eq!(one["note"]["short_description"], named["short_description"]);
    assert_eq!(one["note"]["occurrences"]["occurrences"].as_array().unwrap().len(), 3);
    assert_eq!(given["notes"], json!({"notes": [{"id": "weak-cipher"}], "next_page_token": ""}));
    assert_eq!(given["providers"], json!({"providers": [{"id": "acme", "name": "default/providers/acme"}], "skip": 0}));
}

#[tokio::test]
async fn lists_come_in_the_pages_of_the_other_paths_and_can_be_narrowed() {
    let server = with_findings().await;
    let query = "query($size: Int, $token: String, $grave: Severity, $kind: NoteKind, $note: ID) {
        occurrences(provider_id: \"acme\", page_size: $size, page_token: $token, severity: $grave, kind: $kind, note_id: $note) {
            occurrences { id } next_page_token
        }
    }";
    let ids = |given: &Value| -> Vec<String> {
        let all = given["occurrences"]["occurrences"].as_array().unwrap();
        let mut ids: Vec<String> = all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    let first = given(&server, query, json!({"size": 2})).await;
    let token = first["occurrences"]["next_page_token"].clone();
    let path = format!("{BASE}/occurrences?page_size=2&page_token={}", token.as_str().unwrap());
    let second = given(&server, query, json!({"size": 2, "token": token})).await;
    assert_eq!(second["occurrences"]["occurrences"][0]["id"], read(&server, &path).await["occurrences"][0]["id"]);
    assert_eq!((ids(&first).len(), ids(&second).len()), (2, 1));

    for (narrowed, expected) in [
        (json!({"grave": "CRITICAL"}), "o1"),
        // One that says nothing is as grave as its note says.
        (json!({"grave": "HIGH"}), "o2"),
        (json!({"grave": "LOW", "kind": "FINDING"}), "o3"),
        (json!({"grave": "MEDIUM"}), ""),
        (json!({"kind": "KPI"}), ""),
        (json!({"note": "weak-cipher"}), "o1 o2 o3"),
    ] {
        assert_eq!(ids(&given(&server, query, narrowed.clone()).await).join(" "), expected, "{narrowed}");
    }
    let kinds = "{ notes(provider_id: \"acme\", kind: SECTION) { notes { id } } }";
    assert_eq!(given(&server, kinds, Value::Null).await, json!({"notes": {"notes": []}}));
}

#[tokio::test]
async fn what_rules_found_is_found_with_its_note() {
    let server = Server::start().await;
    let rule = "title: A key was deleted\nid: key-deleted\nlevel: high\nlogsource: {category: activity}\n\
        detection: {sel: {action: kms.secrets.delete}, condition: sel}\nwhodid: {finding_type: key-gone}\n";
    let body = json!({"text": rule, "is_enabled": true});
    assert_eq!(answer(server.admin("POST", "/api/v1/rules").json(&body)).await.0, 201);
    server.send(event("e1", "bob", "kms.secrets.delete", "success", "2026-06-01T10:00:00+00:00")).await;
    let query = "query($grave: Severity) { notes(provider_id: \"whodid\") { notes { id occurrences(severity: $grave) {
        occurrences { id record finding { severity } note { id author { kind } } } } } } }";
    let of_note = |given: &Value| {
        let notes = given["notes"]["notes"].as_array().unwrap();
        notes.iter().find(|note| note["id"] == "key-gone").unwrap()["occurrences"]["occurrences"].clone()
    };
    let found = loop {
        let found = of_note(&given(&server, query, json!({"grave": "HIGH"})).await);
        if found != json!([]) {
            break found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(found[0]["note"], json!({"id": "key-gone", "author": {"kind": "rule"}}));
    assert_eq!(found[0]["finding"]["severity"], "HIGH");
    assert!(found[0]["record"].as_str().unwrap().starts_with("findings:"), "{found}");
    assert_eq!(of_note(&given(&server, query, json!({"grave": "LOW"})).await), json!([]));
    let one = "query($id: ID!) { occurrence(provider_id: \"whodid\", id: $id) { id } }";
    let id = &found[0]["id"];
    assert_eq!(given(&server, one, json!({"id": id})).await, json!({"occurrence": {"id": id}}));
}

#[tokio::test]
async fn what_is_not_there_is_null_and_told_where_it_was_asked_for() {
    let server = with_findings().await;
    let query = "{\n  a: note(provider_id: \"acme\", id: \"nothing\") { id }\n  \
        b: occurrence(provider_id: \"acme\", id: \"nothing\") { id }\n  \
        c: notes(provider_id: \"acme\") { notes { d: occurrences(page_token: \"x\") { next_page_token } } }\n  \
        e: notes(provider_id: \"acme\", page_size: 0) { next_page_token }\n  \
        f: occurrences(provider_id: \"acme\", note_id: \"nothing\") { next_page_token }\n}";
    let answered = asked(&server, query, Value::Null).await;
    assert_eq!(answered["data"], json!({"a": null, "b": null, "c": {"notes": [{"d": null}]}, "e": null, "f": null}));
    let told: Vec<Value> = answered["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!([one["path"], one["extensions"]["code"], one["locations"][0]["line"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!([["a"], "not_found", 2]),
            json!([["b"], "not_found", 3]),
            json!([["c", "notes", 0, "d"], "bad_cursor", 4]),
            json!([["e"], "bad_parameter", 5]),
            json!([["f"], "not_found", 6]),
        ]
    );
    assert_eq!(answered["errors"][0]["message"], "the provider has no such note in this account");
}

#[tokio::test]
async fn a_query_comes_as_json_as_a_text_in_json_or_as_it_is() {
    let server = Server::start().await;
    let text = "query A { providers(limit: 1) { limit } } query B { providers(limit: 2) { limit } }";
    let named = json!({"query": text, "operationName": "B", "variables": null, "extensions": {}});
    let (status, answered) = answer(server.admin("POST", PATH).json(&named)).await;
    assert_eq!((status, answered), (200, json!({"data": {"providers": {"limit": 2}}})));
    let only = "{ providers(limit: 3) { limit } }";
    let as_it_is = server.admin("POST", PATH).header("content-type", "application/graphql; charset=utf-8");
    for request in [server.admin("POST", PATH).json(&only), as_it_is.body(only)] {
        assert_eq!(answer(request).await, (200, json!({"data": {"providers": {"limit": 3}}})));
    }
    let person = server.join("s@example.com", json!([{"role": "analyst"}])).await;
    let by_session = server.with(&person.cookie, "POST", PATH).json(&json!({"query": only}));
    assert_eq!(answer(by_session).await.0, 200);
}

#[tokio::test]
async fn what_cannot_be_read_or_asks_for_too_much_is_a_problem() {
    let server = Server::start().await;
    let of = |query: &str| server.admin("POST", PATH).json(&json!({"query": query}));
    let (status, problem) = answer(of("{ providers { limit ")).await;
    assert_eq!((status, &problem["code"], &problem["position"]), (400, &json!("bad_query"), &json!(20)), "{problem}");
    let many: Vec<String> = (0..100).map(|number| format!("a{number}: providers {{ limit }}")).collect();
    let wide = format!("{{ {} {} }}", many.join(" "), "b: providers { limit }");
    let nested = "{a".repeat(50_000);
    let holding = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
    let deep = "{ occurrences(provider_id: \"p\") { occurrences { note { occurrences { occurrences { note { \
        occurrences { occurrences { note { id } } } } } } } } } }";
    let costly = "{ notes(provider_id: \"p\", page_size: 1000) { notes { occurrences { occurrences { id } } } } }";
    for query in [
        "mutation { providers { limit } }",
        "{ __schema { types { name } } }",
        "{ providers { nothing } }",
        "{ note(provider_id: \"a\\u0000\", id: \"b\") { id } }",
        wide.as_str(),
        holding,
        deep,
        costly,
        nested.as_str(),
    ] {
        let shown: String = query.chars().take(80).collect();
        assert_eq!(refused(of(query)).await, (400, "bad_query".to_owned()), "{shown}");
    }
    for (body, code) in [("{}", "bad_json"), ("[]", "bad_json"), ("{\"query\":1}", "bad_json"), ("{", "bad_json")] {
        let request = server.admin("POST", PATH).header("content-type", "application/json").body(body);
        assert_eq!(refused(request).await, (400, code.to_owned()), "{body}");
    }
    let nul = server.admin("POST", PATH).header("content-type", "application/graphql").body("{ a\0 }");
    assert_eq!(refused(nul).await, (400, "invalid_request".to_owned()));
    let form = server.admin("POST", PATH).header("content-type", "text/plain").body("{ providers { limit } }");
    assert_eq!(refused(form).await.0, 415);
    let large = format!("{{ providers {{ limit }} }} #{}", "x".repeat(256 << 10));
    let as_it_is = server.admin("POST", PATH).header("content-type", "application/graphql");
    assert_eq!(refused(as_it_is.body(large.clone())).await.0, 413);
    assert_eq!(refused(of(&large)).await.0, 413);
}

#[tokio::test]
async fn an_answer_has_a_bound_however_often_one_thing_is_asked_for() {
    let server = Server::start().await;
    let mut long = note("long");
    long["long_description"] = json!("ä".repeat(4000));
    made(&server, &format!("{BASE}/notes"), long).await;
    for number in 0..100 {
        let mut one = occurrence(&format!("o{number}"));
        one["note_name"] = json!("default/providers/acme/notes/long");
        made(&server, &format!("{BASE}/occurrences"), one).await;
    }
    let aliases: Vec<String> = (0..150).map(|number| format!("a{number}: long_description")).collect();
    let query =
        format!("{{ occurrences(provider_id: \"acme\") {{ occurrences {{ note {{ {} }} }} }} }}", aliases.join(" "));
    let (status, problem) = answer(server.admin("POST", PATH).json(&json!({"query": query}))).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("16 MiB"), "{problem}");
}

#[tokio::test]
async fn who_may_not_read_alerts_sees_nothing_and_every_query_is_told() {
    let server = with_findings().await;
    let body = json!({"query": "query Q($of: ID!) { occurrences(provider_id: $of) { occurrences { id } } }", "variables": {"of": "acme"}});
    let reader = server.join("r@example.com", json!([{"role": "reader"}])).await;
    let reader = server.token_of(&reader, Value::Null).await;
    let limited = server.join("l@example.com", json!([{"role": "administrator", "spaces": ["dev"]}])).await;
    let limited = server.token_of(&limited, Value::Null).await;
    for key in [&reader, &limited, &server.keys.service_key, &server.keys.ingestion_key] {
        let request = server.request("POST", PATH).bearer_auth(key).json(&body);
        assert_eq!(refused(request).await, (403, "forbidden".to_owned()));
    }
    assert_eq!(refused(server.request("POST", PATH).json(&body)).await.0, 401);
    let theirs = server.admin("POST", "/findings/v1/theirs/graph").json(&body);
    assert_eq!(refused(theirs).await, (404, "not_found".to_owned()));
    let query = body["query"].as_str().unwrap();
    let found = given(&server, query, body["variables"].clone()).await;
    assert_eq!(found["occurrences"]["occurrences"].as_array().unwrap().len(), 3);
    let told = server.told("action:whodid.alert.read outcome:success").await;
    let data = &told[0]["requestData"];
    assert_eq!((&data["query"], &data["variables"]), (&json!(query), &json!("{\"of\":\"acme\"}")), "{told:?}");
    assert_eq!(told[0]["responseData"]["rows"], 3, "{told:?}");
    let failed = server.told("action:whodid.alert.read outcome:failure").await;
    assert_eq!(failed[0]["requestData"]["query"], query, "{failed:?}");
    // What would stand masked in the audit log is not looked for.
    let secret = format!("{{ note(provider_id: \"{}\", id: \"n\") {{ id }} }}", server.keys.service_key);
    let request = server.admin("POST", PATH).json(&json!({"query": secret}));
    assert_eq!(refused(request).await, (400, "bad_parameter".to_owned()));
}
