//! The Findings API: notes and occurrences as clients of Security Advisor make them, and what rules found.

use serde_json::{Value, json};

use crate::boundary::{Server, answer, event};

const BASE: &str = "/findings/v1/default/providers/acme";

pub fn note(id: &str) -> Value {
    json!({"id": id, "kind": "FINDING", "short_description": "A weak cipher", "long_description": "A server offers <b>TLS 1.0</b>.",
        "reported_by": {"id": "scanner", "title": "Acme scanner", "url": "https://scan.example.com"},
        "finding": {"severity": "HIGH", "next_steps": [{"title": "Switch TLS 1.0 off", "url": "https://docs.example.com"}]}})
}

pub fn occurrence(id: &str) -> Value {
    json!({"id": id, "note_name": "default/providers/acme/notes/weak-cipher", "kind": "FINDING",
        "context": {"region": "eu-de", "resource_name": "shop", "resource_type": "server"},
        "finding": {"severity": "CRITICAL", "certainty": "HIGH", "next_steps": []}})
}

async fn ask(server: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = server.admin(method, path);
    answer(if body.is_null() { request } else { request.json(&body) }).await
}

async fn done(server: &Server, method: &str, path: &str, body: Value) -> Value {
    let (status, answered) = ask(server, method, path, body).await;
    assert_eq!(status, 200, "{method} {path}: {answered}");
    answered
}

#[tokio::test]
async fn what_a_client_reports_is_kept_searched_and_an_alert() {
    let server = Server::start().await;
    let made = done(&server, "POST", &format!("{BASE}/notes"), note("weak-cipher")).await;
    assert_eq!((&made["author"]["kind"], made["create_time"].is_string()), (&json!("user"), true), "{made}");
    assert_eq!(ask(&server, "POST", &format!("{BASE}/notes"), note("weak-cipher")).await.0, 409);
    let reported = done(&server, "POST", &format!("{BASE}/occurrences"), occurrence("o1")).await;
    assert_eq!(reported["short_description"], "A weak cipher");
    assert!(reported["update_week_date"].as_str().unwrap().contains("-W"), "{reported}");
    assert_eq!(ask(&server, "POST", &format!("{BASE}/occurrences"), occurrence("o1")).await.0, 409);
    let request = server.admin("POST", &format!("{BASE}/occurrences")).header("Replace-If-Exists", "true");
    assert_eq!(answer(request.json(&occurrence("o1"))).await.0, 200);

    let alert = loop {
        let page = done(&server, "GET", "/api/v1/alerts?rule=weak-cipher", Value::Null).await;
        if let Some(alert) = page["alerts"].as_array().unwrap().first() {
            break alert.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(
        (&alert["severity"], &alert["sentence"]),
        (&json!("critical"), &json!("A weak cipher: shop")),
        "{alert}"
    );
    assert_eq!(alert["group"], json!([{"key": "resource", "value": "shop"}]));
    let query = "/api/v1/events?stream=findings&q=requestData.findingType:===weak-cipher";
    assert!(!done(&server, "GET", query, Value::Null).await["events"].as_array().unwrap().is_empty());

    let one = format!("{BASE}/occurrences/o1");
    assert_eq!(done(&server, "GET", &format!("{one}/note"), Value::Null).await["id"], "weak-cipher");
    let mut changed = occurrence("o1");
    changed["remediation"] = json!("done");
    assert_eq!(done(&server, "PUT", &one, changed).await["remediation"], "done");
    assert_eq!(ask(&server, "DELETE", &format!("{BASE}/notes/weak-cipher"), Value::Null).await.0, 409, "it is used");
    done(&server, "DELETE", &one, Value::Null).await;
    assert_eq!(ask(&server, "GET", &one, Value::Null).await.0, 404);
    done(&server, "DELETE", &format!("{BASE}/notes/weak-cipher"), Value::Null).await;
}

#[tokio::test]
async fn lists_come_in_pages_and_name_their_providers() {
    let server = Server::start().await;
    done(&server, "POST", &format!("{BASE}/notes"), note("weak-cipher")).await;
    for number in 0..5 {
        done(&server, "POST", &format!("{BASE}/occurrences"), occurrence(&format!("o{number}"))).await;
    }
    let (mut token, mut ids, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let path = format!("{BASE}/notes/weak-cipher/occurrences?page_size=2&page_token={token}");
        let page = done(&server, "GET", &path, Value::Null).await;
        ids.extend(page["occurrences"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        pages += 1;
        token = page["next_page_token"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
    }
    ids.sort();
    assert_eq!((ids.join(" ").as_str(), pages), ("o0 o1 o2 o3 o4", 3));
    let providers = done(&server, "GET", "/findings/v1/default/providers", Value::Null).await;
    let names: Vec<_> =
        providers["providers"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["acme", "whodid"]);
    let skipped = done(&server, "GET", "/findings/v1/default/providers?skip=1&limit=1", Value::Null).await;
    assert_eq!(
        (&skipped["providers"][0]["name"], &skipped["total_count"]),
        (&json!("default/providers/whodid"), &json!(2))
    );
}

#[tokio::test]
async fn what_rules_found_has_the_same_form_and_cannot_be_changed() {
    let server = Server::start().await;
    let rule = "title: A key was deleted\nid: key-deleted\nlevel: high\nlogsource: {category: activity}\n\
        detection: {sel: {action: kms.secrets.delete}, condition: sel}\nwhodid: {finding_type: key-gone, next_steps: [Ask who did it]}\n";
    ask(&server, "POST", "/api/v1/rules", json!({"text": rule, "is_enabled": true})).await;
    let note = done(&server, "GET", "/findings/v1/default/providers/whodid/notes/key-gone", Value::Null).await;
    assert_eq!((&note["finding"]["severity"], &note["author"]["kind"]), (&json!("HIGH"), &json!("rule")), "{note}");
    assert_eq!(note["finding"]["next_steps"][0]["title"], "Ask who did it");
    server.send(event("e1", "bob", "kms.secrets.delete", "success", "2026-06-01T10:00:00+00:00")).await;
    let path = "/findings/v1/default/providers/whodid/notes/key-gone/occurrences";
    let found = loop {
        let page = done(&server, "GET", path, Value::Null).await;
        if let Some(found) = page["occurrences"].as_array().unwrap().first() {
            break found.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(found["note_name"], "default/providers/whodid/notes/key-gone");
    assert!(found["record"].as_str().unwrap().starts_with("findings:"), "{found}");
    let one = format!("/findings/v1/default/providers/whodid/occurrences/{}", found["id"].as_str().unwrap());
    assert_eq!(done(&server, "GET", &one, Value::Null).await, found);
    assert_eq!(ask(&server, "DELETE", &one, Value::Null).await.0, 409);
    let notes = "/findings/v1/default/providers/whodid/notes/key-gone";
    assert_eq!(ask(&server, "DELETE", notes, Value::Null).await.0, 409);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name() {
    let server = Server::start().await;
    let with = |member: &str, value: Value| {
        let mut note = note("n");
        note[member] = value;
        note
    };
    let card = json!({"section": "Mine", "title": "Ciphers", "subtitle": "weak", "finding_note_names": ["x"], "elements": [
        {"kind": "NUMERIC", "text": "a", "value_type": {"kind": "FINDING_COUNT", "finding_note_names": ["x"], "text": "b"}}]});
    let of_card = |change: &dyn Fn(&mut Value)| {
        let mut note = note("c");
        note["kind"] = json!("CARD");
        note.as_object_mut().unwrap().remove("finding");
        note["card"] = card.clone();
        change(&mut note["card"]);
        note
    };
    let series = json!({"kind": "TIME_SERIES", "text": "t", "value_types": [{"kind": "KPI", "kpi_note_names": ["x"], "text": "b"}]});
    for (body, why) in [
        (with("kind", json!("KPI")), "finding"),
        (with("kpi", json!({"aggregation_type": "SUM"})), "kpi"),
        (with("id", json!("a b")), "id"),
        (with("long_description", json!("x".repeat(4001))), "long_description"),
        (with("surprise", json!(1)), "surprise"),
        (of_card(&|card| card["title"] = json!("x".repeat(29))), "card.title"),
        (of_card(&|card| card["order"] = json!(3)), "order"),
        (of_card(&|card| card["elements"] = json!([series.clone()])), "FINDING_COUNT"),
        (of_card(&|card| card["elements"] = json!([])), "NUMERIC"),
    ] {
        let (status, refused) = ask(&server, "POST", &format!("{BASE}/notes"), body.clone()).await;
        assert_eq!(status, 400, "{body}: {refused}");
        assert!(refused["detail"].as_str().unwrap().contains(why), "{body}: {refused}");
    }
    done(&server, "POST", &format!("{BASE}/notes"), of_card(&|card| card["order"] = json!(1))).await;
    done(&server, "POST", &format!("{BASE}/notes"), note("weak-cipher")).await;
    let wrong = |member: &str, value: Value| {
        let mut one = occurrence("o");
        one[member] = value;
        one
    };
    for body in [
        wrong("note_name", json!("default/providers/acme/notes/nothing")),
        wrong("note_name", json!("theirs/providers/acme/notes/weak-cipher")),
        wrong("kind", json!("KPI")),
        wrong("kpi", json!({"value": 1})),
    ] {
        assert_eq!(ask(&server, "POST", &format!("{BASE}/occurrences"), body.clone()).await.0, 400, "{body}");
    }
    assert_eq!(ask(&server, "GET", "/findings/v1/theirs/providers", Value::Null).await.0, 404, "another account");
    assert_eq!(ask(&server, "GET", &format!("{BASE}/occurrences?page_token=x"), Value::Null).await.0, 400);
}
