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
    // The members of Security Advisor's own answers.
    for (member, expected) in [
        ("name", json!("default/providers/acme/occurrences/o1")),
        ("provider_id", json!("acme")),
        ("provider_name", json!("default/providers/acme")),
        ("long_description", json!("A server offers <b>TLS 1.0</b>.")),
        ("reported_by", note("x")["reported_by"].clone()),
    ] {
        assert_eq!(reported[member], expected, "{member}");
    }
    assert_eq!(done(&server, "GET", &format!("{BASE}/occurrences/o1"), Value::Null).await, reported);
    assert!(reported["update_week_date"].as_str().unwrap().contains("-W"), "{reported}");
    assert_eq!(ask(&server, "POST", &format!("{BASE}/occurrences"), occurrence("o1")).await.0, 409);
    let request = server.admin("POST", &format!("{BASE}/occurrences")).header("Replace-If-Exists", "true");
    assert_eq!(answer(request.json(&occurrence("o1"))).await.0, 200);

    let alert = loop {
        let page = done(&server, "GET", "/api/v1/alerts?rule=custom:acme:weak-cipher", Value::Null).await;
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
    let found = done(&server, "GET", query, Value::Null).await["events"][0].clone();
    assert_eq!(
        (&found["message"], &found["record"]["summary"]),
        (&json!("A weak cipher: shop"), &json!("A weak cipher: shop"))
    );

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
    assert_eq!(names[..3], ["account-sign-in", "acme", "aws-basics"], "each package is a provider too");
    let skipped = done(&server, "GET", "/findings/v1/default/providers?skip=1&limit=1", Value::Null).await;
    assert_eq!(
        (&skipped["providers"][0]["name"], &skipped["total_count"]),
        (&json!("default/providers/acme"), &json!(names.len()))
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
    assert_eq!(found["finding"]["next_steps"], json!([{"title": "Ask who did it"}]), "{found}");
    assert_eq!(found["context"]["resource_type"], "kms/secrets", "{found}");
    assert_eq!((&found["provider_id"], &found["reported_by"]["id"]), (&json!("whodid"), &json!("whodid")));
    let one = format!("/findings/v1/default/providers/whodid/occurrences/{}", found["id"].as_str().unwrap());
    assert_eq!(done(&server, "GET", &one, Value::Null).await, found);
    assert_eq!(ask(&server, "DELETE", &one, Value::Null).await.0, 409);
    let notes = "/findings/v1/default/providers/whodid/notes/key-gone";
    assert_eq!(ask(&server, "DELETE", notes, Value::Null).await.0, 409);
}

/// Once, whoever might report could add to a rule's alerts, make them graver, and say who reported what.
#[tokio::test]
async fn a_client_reports_under_its_own_name_and_to_no_note_of_a_rule() {
    let server = Server::start().await;
    let advisor = json!([{"conditions": {"all": [{"fact": "action", "operator": "equal", "value": "cos.bucket.delete"}]},
        "event": {"type": "buckets-deleted", "params": {"findingType": "cos-deleted", "custom": true}}}]);
    let theirs = "/findings/v1/default/providers/security-advisor";
    // As Security Advisor wants it: the note first, then the package that names it.
    done(&server, "POST", &format!("{theirs}/notes"), note("ata-cos-deleted")).await;
    done(&server, "POST", &format!("{theirs}/notes"), note("mine")).await;
    let made = ask(&server, "POST", "/api/v1/rules", json!({"text": advisor.to_string(), "is_enabled": true})).await;
    assert_eq!(made.0, 201, "{}", made.1);
    done(&server, "PUT", &format!("{theirs}/notes/ata-cos-deleted"), note("ata-cos-deleted")).await;

    let reported_to = |provider: &str, note: &str| {
        let mut one = occurrence("o1");
        one["note_name"] = json!(format!("default/providers/{provider}/notes/{note}"));
        one
    };
    let packaged = done(&server, "GET", "/findings/v1/default/providers/aws-basics/notes", Value::Null).await;
    let packaged = packaged["notes"][0]["id"].as_str().unwrap().to_owned();
    for (under, note) in [
        ("whodid", reported_to("security-advisor", "mine")),
        ("aws-basics", reported_to("security-advisor", "mine")),
        ("saved-search", reported_to("security-advisor", "mine")),
        ("acme", reported_to("aws-basics", &packaged)),
        ("acme", reported_to("security-advisor", "ata-cos-deleted")),
    ] {
        let path = format!("/findings/v1/default/providers/{under}/occurrences");
        let (status, refused) = ask(&server, "POST", &path, note.clone()).await;
        assert_eq!(status, 409, "{under}: {note}: {refused}");
        assert!(refused["detail"].as_str().unwrap().contains("report"), "{refused}");
    }
    for (under, id) in [("whodid", "n"), ("aws-basics", "n")] {
        let path = format!("/findings/v1/default/providers/{under}/notes");
        assert_eq!(ask(&server, "POST", &path, note(id)).await.0, 409, "{under}: {id}");
    }
    done(&server, "POST", &format!("{theirs}/occurrences"), reported_to("security-advisor", "mine")).await;
}

#[tokio::test]
async fn what_is_too_large_to_be_reported_is_refused_with_the_bound() {
    let server = Server::start().await;
    done(&server, "POST", &format!("{BASE}/notes"), note("weak-cipher")).await;
    let mut large = occurrence("o1");
    large["remediation"] = json!("x".repeat(33 << 10));
    let (status, refused) = ask(&server, "POST", &format!("{BASE}/occurrences"), large).await;
    assert_eq!((status, &refused["code"]), (413, &json!("body_too_large")), "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("32768"), "{refused}");
}

#[tokio::test]
async fn the_start_page_counts_what_was_found_by_area_day_and_card() {
    let server = Server::start().await;
    let rule = "title: A key was deleted\nid: key-deleted\nlevel: high\nlogsource: {category: activity}\n\
        detection: {sel: {action: kms.secrets.delete}, condition: sel}\n";
    ask(&server, "POST", "/api/v1/rules", json!({"text": rule, "is_enabled": true})).await;
    done(&server, "POST", &format!("{BASE}/notes"), note("weak-cipher")).await;
    let count = json!({"kind": "FINDING_COUNT", "finding_note_names": ["default/providers/acme/notes/weak-cipher"], "text": "weak"});
    let mut card = note("ciphers");
    card["kind"] = json!("CARD");
    card.as_object_mut().unwrap().remove("finding");
    card["card"] = json!({"section": "Mine", "title": "Ciphers", "subtitle": "of the shop",
        "finding_note_names": ["default/providers/acme/notes/weak-cipher"], "elements": [
            {"kind": "NUMERIC", "text": "Weak", "value_type": count, "default_time_range": "1d"},
            {"kind": "NUMERIC", "text": "Checked", "value_type": {"kind": "KPI", "kpi_note_names": ["default/providers/acme/notes/checked"], "text": "hosts"}},
            {"kind": "TIME_SERIES", "text": "By day", "value_types": [count]}]});
    done(&server, "POST", &format!("{BASE}/notes"), card).await;
    let mut checked = note("checked");
    checked["kind"] = json!("KPI");
    checked.as_object_mut().unwrap().remove("finding");
    checked["kpi"] = json!({"aggregation_type": "SUM"});
    done(&server, "POST", &format!("{BASE}/notes"), checked).await;
    let number = json!({"id": "n1", "note_name": "default/providers/acme/notes/checked", "kind": "KPI", "kpi": {"value": 7, "total": 9}});
    done(&server, "POST", &format!("{BASE}/occurrences"), number).await;
    done(&server, "POST", &format!("{BASE}/occurrences"), occurrence("o1")).await;
    let now = chrono::Utc::now().to_rfc3339();
    server.send(event("e1", "bob", "kms.secrets.delete", "success", &now)).await;

    let days = loop {
        let days = done(&server, "GET", "/api/v1/findings/days?time_zone=Europe/Berlin", Value::Null).await;
        if days["rules"].as_array().unwrap().iter().any(|rule| rule["rule_id"] == "key-deleted") {
            break days;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    let rule = days["rules"].as_array().unwrap().iter().find(|rule| rule["rule_id"] == "key-deleted").unwrap();
    assert_eq!((rule["found"][4].clone(), &rule["silenced"]), (json!(1), &json!(0)), "{days}");
    assert_eq!(days["days"].as_array().unwrap().len(), 5);

    let cards = done(&server, "GET", "/api/v1/cards?time_zone=Europe/Berlin", Value::Null).await;
    let own = &cards["sections"][0]["cards"][0];
    assert_eq!(
        (&own["title"], &own["elements"][0]["text"]),
        (&json!("Activity Insights"), &json!("Identity and Access"))
    );
    assert_eq!(own["elements"][1]["text"], "Data and Kubernetes");
    let trend = &own["elements"][3];
    assert_eq!(
        (&trend["kind"], trend["values"][2]["days"][4].as_u64() >= Some(2)),
        (&json!("TIME_SERIES"), true),
        "{own}"
    );
    let mine = &cards["sections"][1];
    assert_eq!((&mine["title"], &mine["cards"][0]["title"]), (&json!("Mine"), &json!("Ciphers")), "{cards}");
    let elements = &mine["cards"][0]["elements"];
    assert_eq!(elements[0]["values"][0]["value"].as_f64(), Some(1.0), "{elements}");
    assert_eq!(
        (elements[1]["values"][0]["value"].as_f64(), elements[1]["values"][0]["total"].as_f64()),
        (Some(7.0), Some(9.0))
    );
    assert_eq!(elements[2]["values"][0]["days"], json!([0, 0, 0, 0, 1]));
    // What a number counts can be seen: its query finds as many.
    let q: String =
        url::form_urlencoded::byte_serialize(elements[0]["values"][0]["q"].as_str().unwrap().as_bytes()).collect();
    let seen = done(&server, "GET", &format!("/api/v1/events?stream=findings&q={q}"), Value::Null).await;
    assert_eq!(seen["events"].as_array().unwrap().len(), 1, "{seen}");
    let q: String =
        url::form_urlencoded::byte_serialize(own["elements"][2]["values"][0]["q"].as_str().unwrap().as_bytes())
            .collect();
    let seen = done(&server, "GET", &format!("/api/v1/events/count?stream=findings&q={q}"), Value::Null).await;
    assert_eq!(seen["count"].as_f64(), own["elements"][2]["values"][0]["value"].as_f64());

    let numbers = "/api/v1/events/count?stream=findings&q=requestData.findingType:===checked";
    assert_eq!(done(&server, "GET", numbers, Value::Null).await["count"], 0, "a number is no finding");

    for wrong in ["days=0", "days=32", "time_zone=Mars/Olympus"] {
        let (status, told) = ask(&server, "GET", &format!("/api/v1/cards?{wrong}"), Value::Null).await;
        assert_eq!(status, 400, "{told}");
    }
}

#[tokio::test]
async fn a_card_names_its_notes_with_or_without_the_account_and_what_it_counts_once() {
    let server = Server::start().await;
    done(&server, "POST", &format!("{BASE}/notes"), note("weak-cipher")).await;
    let mut card = note("ciphers");
    card["kind"] = json!("CARD");
    card["provider_id"] = json!("acme");
    card.as_object_mut().unwrap().remove("finding");
    let notes = json!(["providers/acme/notes/weak-cipher"]);
    let count = |text: &str| json!({"kind": "FINDING_COUNT", "finding_note_names": notes, "text": text});
    card["card"] = json!({"section": "Mine", "title": "Ciphers", "subtitle": "of the shop", "finding_note_names": notes,
        "badge_text": "None in five days", "badge_image": "", "elements": [
            {"kind": "NUMERIC", "text": "Weak ciphers", "default_time_range": "1d",
             "value_type": {"kind": "FINDING_COUNT", "finding_note_names": notes}},
            {"kind": "TIME_SERIES", "text": "By day", "default_interval": "d", "default_time_range": "4d",
             "value_types": [count("weak")]}]});
    let made = done(&server, "POST", &format!("{BASE}/notes"), card.clone()).await;
    assert_eq!(made["card"]["finding_note_names"], json!(["default/providers/acme/notes/weak-cipher"]), "{made}");
    let mut short = occurrence("o1");
    short["note_name"] = json!("providers/acme/notes/weak-cipher");
    let reported = done(&server, "POST", &format!("{BASE}/occurrences"), short).await;
    assert_eq!(reported["note_name"], "default/providers/acme/notes/weak-cipher");
    let shown = loop {
        let cards = done(&server, "GET", "/api/v1/cards", Value::Null).await;
        let elements = cards["sections"][1]["cards"][0]["elements"].clone();
        if elements[1]["values"][0]["days"][4] == 1 {
            break elements;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(shown[0]["values"][0]["value"].as_f64(), Some(1.0), "{shown}");
    // Several values without names could not be told apart.
    card["id"] = json!("others");
    card["card"]["elements"] =
        json!([{"kind": "BREAKDOWN", "text": "Which", "value_types": [count("weak"), count("")]}]);
    let (status, told) = ask(&server, "POST", &format!("{BASE}/notes"), card).await;
    assert_eq!((status, told["detail"].as_str().unwrap().contains("needs a `text`")), (400, true), "{told}");
    assert_eq!(told["message"], told["detail"], "clients of Security Advisor look for the words there");
    let packed =
        server.admin("GET", &format!("{BASE}/notes/none")).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let mut text = String::new();
    let bytes = packed.bytes().await.unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text).unwrap();
    assert!(text.contains("\"message\""), "{text}");
    let (_, told) = ask(&server, "POST", "/api/v1/rules", json!({"text": ""})).await;
    assert_eq!((told["detail"].is_string(), told.get("message")), (true, None), "{told}");
}

#[tokio::test]
async fn what_was_read_can_be_sent_back() {
    let server = Server::start().await;
    done(&server, "POST", &format!("{BASE}/notes"), note("weak-cipher")).await;
    done(&server, "POST", &format!("{BASE}/occurrences"), occurrence("o1")).await;
    for path in [format!("{BASE}/notes/weak-cipher"), format!("{BASE}/occurrences/o1")] {
        let read = done(&server, "GET", &path, Value::Null).await;
        done(&server, "PUT", &path, read).await;
    }
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
        (with("finding", json!({"severity": "HIGH", "surprise": 1})), "surprise"),
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
