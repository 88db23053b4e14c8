//! whodid audits itself: every route that changes something is told, when it succeeds with what changed, and when it
//! fails with why; and what is read is told too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::alerting::{Receiver, server_for};
use crate::boundary::{Server, answer, event, refused};
use crate::person::{PASSWORD, code_of, cookie_of};

/// The deeds that routes declare, with one of their routes.
fn declared() -> BTreeMap<String, String> {
    let list = std::fs::read_to_string("../../corpus/access/routes.tsv").unwrap();
    let mut deeds = BTreeMap::new();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split('\t').collect();
        if let Some(deed) = parts[3].strip_prefix("does ") {
            deeds.insert(deed.to_owned(), format!("{} {}", parts[0], parts[1]));
        }
    }
    deeds
}

/// Events that tell no change of anything, so that there is nothing to compare.
const WITHOUT_DELTA: [&str; 6] = [
    "whodid.channel.send",
    "whodid.event.delete",
    "whodid.user.authenticate",
    "whodid.session.delete",
    "whodid.own-activity.notify",
    "whodid.password-reset.request",
];

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

fn token_in(link: &Value) -> String {
    link.as_str().unwrap().split("token=").nth(1).unwrap().to_owned()
}

/// Does everything that changes something, once, with success.
async fn do_everything(server: &Server, receiver: &Receiver) {
    let admin = |method: &str, path: &str, body: Value| {
        let request = server.admin(method, path);
        if body.is_null() { request } else { request.json(&body) }
    };
    let make = async |path: &str, body: Value| {
        let (status, made) = answer(admin("POST", path, body)).await;
        assert!(matches!(status, 200 | 201), "POST {path}: {status} {made}");
        made
    };
    let done = async |method: &str, path: &str, body: Value| {
        let (status, answered) = answer(admin(method, path, body)).await;
        assert!(matches!(status, 200 | 201 | 204), "{method} {path}: {status} {answered}");
        answered
    };
    for kind in ["ingestion", "service"] {
        let key = id(&make("/api/v1/keys", json!({"kind": kind, "name": "a key"})).await);
        done("PATCH", &format!("/api/v1/keys/{key}"), json!({"name": "renamed"})).await;
        make(&format!("/api/v1/keys/{key}/rotate"), json!({"overlap": "1h"})).await;
        done("DELETE", &format!("/api/v1/keys/{key}"), Value::Null).await;
    }
    let group = id(&make("/api/v1/groups", json!({"name": "officers"})).await);
    make("/api/v1/roles", json!({"name": "keeper", "permissions": ["keys.read"]})).await;
    done("PATCH", "/api/v1/roles/keeper", json!({"permissions": ["keys.read", "users.read"]})).await;
    let binding = id(&make("/api/v1/bindings", json!({"group": group, "role": "keeper"})).await);
    done("PATCH", "/api/v1/settings", json!({"password_length_min": 14})).await;
    make("/api/v1/accounts", json!({"name": "second"})).await;
    done("PATCH", "/api/v1/retention", json!({"days": 365})).await;
    let download = id(&make("/api/v1/downloads", json!({"account_level": true})).await);
    done("DELETE", &format!("/api/v1/downloads/{download}"), Value::Null).await;
    done("DELETE", "/api/v1/events?from=2026-11-20&to=2026-11-20", Value::Null).await;

    let rule = "title: T\nid: t\nlogsource: {category: activity}\ndetection: {sel: {action: a}, condition: sel}\n";
    make("/api/v1/rules", json!({"text": rule})).await;
    done("PATCH", "/api/v1/rules/t", json!({"level": "high"})).await;
    let exception = json!({"rules": ["t"], "events": {"initiator.name": ["bob"]}, "reason": "a test", "expires": "7d"});
    let exception = id(&make("/api/v1/exceptions", exception).await);
    done("DELETE", &format!("/api/v1/exceptions/{exception}"), Value::Null).await;
    done("DELETE", "/api/v1/rules/t", Value::Null).await;
    let archive = crate::ruling::package("1.0.0").to_archive().unwrap();
    assert_eq!(answer(server.admin("POST", "/api/v1/packages").body(archive)).await.0, 200);
    done("PATCH", "/api/v1/packages/mine", json!({"variables": {"admins": ["root"]}})).await;
    done("DELETE", "/api/v1/packages/mine", Value::Null).await;
    done("POST", "/api/v1/packages/refresh", Value::Null).await;

    let channel = crate::alerting::webhook("ops", receiver);
    let channel = id(&make("/api/v1/channels", channel).await);
    make(&format!("/api/v1/channels/{channel}/test"), Value::Null).await;
    let other = crate::alerting::webhook("operations", receiver);
    done("PATCH", &format!("/api/v1/channels/{channel}"), other.clone()).await;
    for is_enabled in [false, true] {
        let mut switched = other.clone();
        switched["is_enabled"] = json!(is_enabled);
        done("PATCH", &format!("/api/v1/channels/{channel}"), switched).await;
    }
    let trigger = json!({"operator": "presence", "immediate": true});
    let preset = json!({"name": "on call", "channels": [{"channel": channel, "trigger": trigger}]});
    let preset_id = id(&make("/api/v1/presets", preset.clone()).await);
    done("PATCH", &format!("/api/v1/presets/{preset_id}"), preset).await;
    let search = json!({"name": "s", "q": "action:a", "trigger": trigger});
    let search_id = id(&make("/api/v1/search-alerts", search.clone()).await);
    done("PATCH", &format!("/api/v1/search-alerts/{search_id}"), search).await;
    done("DELETE", &format!("/api/v1/search-alerts/{search_id}"), Value::Null).await;
    done("DELETE", &format!("/api/v1/presets/{preset_id}"), Value::Null).await;
    done("DELETE", &format!("/api/v1/channels/{channel}"), Value::Null).await;
    let silence = json!({"rule_ids": ["t"], "until": "8h", "reason": "a test"});
    let silence = id(&make("/api/v1/silences", silence).await);
    done("DELETE", &format!("/api/v1/silences/{silence}"), Value::Null).await;
    let alert = id(&crate::alerting::raise(server).await);
    for act in [json!({"act": "silence", "until": "8h", "reason": "a test"}), json!({"act": "unsilence"})] {
        make(&format!("/api/v1/alerts/{alert}/acts"), act).await;
    }

    crate::insights::stop_logging(server, "eu-west-1").await;
    let insight = id(&crate::insights::first(server).await);
    let said = json!({"verdict": "expected", "reason": "the trail moves"});
    done("PUT", &format!("/api/v1/insights/{insight}/feedback"), said).await;
    done("PUT", "/api/v1/insights/settings", json!({"on": ["IpInsight"], "sensitivity": "low"})).await;
    let usual = json!({"pattern": {"event_name": "backup.*"}, "reason": "every night"});
    let usual = id(&make("/api/v1/insights/expected", usual).await);
    done("DELETE", &format!("/api/v1/insights/expected/{usual}"), Value::Null).await;

    let base = "/findings/v1/default/providers/acme";
    make(&format!("{base}/notes"), crate::finding::note("weak-cipher")).await;
    let mut note = crate::finding::note("weak-cipher");
    note["short_description"] = json!("A cipher");
    done("PUT", &format!("{base}/notes/weak-cipher"), note).await;
    make(&format!("{base}/occurrences"), crate::finding::occurrence("o1")).await;
    let mut found = crate::finding::occurrence("o1");
    found["remediation"] = json!("done");
    done("PUT", &format!("{base}/occurrences/o1"), found).await;
    done("DELETE", &format!("{base}/occurrences/o1"), Value::Null).await;
    done("DELETE", &format!("{base}/notes/weak-cipher"), Value::Null).await;

    let invited = make("/api/v1/invitations", json!({"name": "gone@example.com"})).await;
    done("DELETE", &format!("/api/v1/invitations/{}", id(&invited["invitation"])), Value::Null).await;
    let bob = server.join("bob@example.com", json!([{"role": "reader"}])).await;
    done("PATCH", &format!("/api/v1/groups/{group}"), json!({"add": [bob.id]})).await;

    // What bob does of himself.
    let as_bob = async |cookie: &str, method: &str, path: &str, body: Value| {
        let request = server.with(cookie, method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let cookie =
            if response.headers().contains_key("set-cookie") { cookie_of(&response) } else { cookie.to_owned() };
        let body: Value = response.json().await.unwrap_or_default();
        assert!(matches!(status, 200 | 201 | 204), "{method} {path}: {status} {body}");
        (cookie, body)
    };
    let (cookie, _) = as_bob(&bob.cookie, "POST", "/api/v1/me/reauthenticate", json!({"password": PASSWORD})).await;
    let change = json!({"current": PASSWORD, "new": "amber lantern forty meadows"});
    let (cookie, _) = as_bob(&cookie, "POST", "/api/v1/me/password", change).await;
    let (cookie, set_up) = as_bob(&cookie, "POST", "/api/v1/me/totp", json!({})).await;
    let secret = set_up["secret"].as_str().unwrap().to_owned();
    let (cookie, _) = as_bob(&cookie, "POST", "/api/v1/me/totp/confirm", json!({"code": code_of(&secret, 0)})).await;
    as_bob(&cookie, "POST", "/api/v1/me/recovery-codes", json!({})).await;
    as_bob(&cookie, "DELETE", "/api/v1/me/totp", Value::Null).await;
    let (_, token) = as_bob(&cookie, "POST", "/api/v1/me/tokens", json!({"name": "laptop"})).await;
    let token = format!("/api/v1/me/tokens/{}", id(&token));
    as_bob(&cookie, "PATCH", &token, json!({"name": "old laptop"})).await;
    as_bob(&cookie, "POST", &format!("{token}/rotate"), json!({"overlap": "1h"})).await;
    as_bob(&cookie, "DELETE", &token, Value::Null).await;
    let (_, own) = as_bob(&cookie, "GET", "/api/v1/me/activity", Value::Null).await;
    let record = own["events"][0]["record"]["id"].as_str().unwrap().to_owned();
    as_bob(&cookie, "POST", "/api/v1/me/reports", json!({"event": record, "note": "I was asleep"})).await;
    let (cookie, _) = as_bob(
        &cookie,
        "POST",
        "/api/v1/me/password",
        json!({"current": "amber lantern forty meadows", "new": "copper window nineteen rivers"}),
    )
    .await;
    as_bob(&cookie, "DELETE", "/api/v1/me/sessions", Value::Null).await;
    as_bob(&cookie, "DELETE", "/api/v1/sessions/current", Value::Null).await;

    // What an administrator does of bob.
    let user = format!("/api/v1/users/{}", bob.id);
    done("PATCH", &user, json!({"display_name": "Bob B.", "also_known_as": ["IBMid-1"]})).await;
    for _ in 0..10 {
        server.sign_in_as("bob@example.com", "wrong wrong wrong").await;
        // The delay between tries is real time; a locked name is reached only where tries are counted at once.
        if server.sign_in_as("bob@example.com", "wrong wrong wrong").await.0 == 429 {
            break;
        }
    }
    done("POST", &format!("{user}/unlock"), Value::Null).await;
    let link = make(&format!("{user}/password-reset"), Value::Null).await;
    let commit = json!({"token": token_in(&link["link"]), "password": PASSWORD});
    assert_eq!(answer(server.request("POST", "/api/v1/password-resets/commit").json(&commit)).await.0, 204);
    let (status, _, cookie) = server.sign_in_as("bob@example.com", PASSWORD).await;
    assert_eq!(status, 201);
    let (_, sessions) = answer(server.with(&cookie, "GET", "/api/v1/me/sessions")).await;
    let session = id(&sessions["sessions"][0]);
    done("DELETE", &format!("/api/v1/sessions/{session}"), Value::Null).await;
    server.sign_in_as("bob@example.com", PASSWORD).await;
    done("DELETE", &format!("{user}/sessions"), Value::Null).await;
    done("PATCH", &user, json!({"disabled": true})).await;
    done("PATCH", &user, json!({"disabled": false})).await;
    let reset = server.request("POST", "/api/v1/password-resets").json(&json!({"user": "bob@example.com"}));
    assert_eq!(answer(reset).await.0, 202);
    done("DELETE", &format!("/api/v1/bindings/{binding}"), Value::Null).await;
    done("DELETE", &format!("/api/v1/groups/{group}"), Value::Null).await;
    done("DELETE", "/api/v1/roles/keeper", Value::Null).await;
    done("DELETE", &user, Value::Null).await;
}

#[tokio::test]
async fn every_change_is_told_with_what_changed() {
    let receiver = Receiver::answering(200).await;
    let server = server_for(&[&receiver]).await;
    do_everything(&server, &receiver).await;
    let told = server.told("outcome:success").await;
    let mut with_delta = BTreeSet::new();
    let mut actions = BTreeSet::new();
    for event in &told {
        let action = event["action"].as_str().unwrap().to_owned();
        let delta = event["requestData"]["delta"].as_array().is_some_and(|steps| !steps.is_empty());
        if delta {
            with_delta.insert(action.clone());
        }
        assert_eq!(event["observer"]["name"], "whodid", "{event}");
        assert!(event["responseData"]["logdnaId"].is_string(), "{event}");
        actions.insert(action);
    }
    let mut missing = Vec::new();
    for (deed, route) in declared() {
        if !actions.contains(&deed) {
            missing.push(format!("{deed} ({route}) is not told"));
        } else if !with_delta.contains(&deed) && !WITHOUT_DELTA.contains(&deed.as_str()) {
            missing.push(format!("{deed} ({route}) does not tell what changed"));
        }
    }
    assert!(missing.is_empty(), "{}\ntold: {actions:?}", missing.join("\n"));
    // Sessions and keys of the second kind, which no route declares by itself.
    for more in [
        "whodid.session.create",
        "whodid.user.create",
        "whodid.service-key.create",
        "whodid.user.enable",
        "whodid.channel.disable",
        "whodid.channel.enable",
    ] {
        assert!(actions.contains(more), "{more}");
    }
}

#[test]
fn the_guide_lists_every_deed_with_its_grade() {
    let guide = std::fs::read_to_string("../../docs/guide/self-audit.md").unwrap();
    let is_there = |deed: &whodid_audit::Deed| {
        let anchor = format!("<a id=\"deed-{}-{}\"></a>`{}` |", deed.object(), deed.verb(), deed.action());
        guide.lines().any(|line| line.contains(&anchor) && line.contains(&format!("| {} |", deed.severity().as_str())))
    };
    let missing: Vec<&str> =
        whodid_audit::Deed::ALL.iter().filter(|deed| !is_there(deed)).map(|deed| deed.action()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn every_failure_is_told_with_its_reason() {
    let server = Server::start().await;
    let member = server.join("member@example.com", json!([{"role": "member"}])).await;
    let list = std::fs::read_to_string("../../corpus/access/routes.tsv").unwrap();
    let mut missing = Vec::new();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split('\t').collect();
        let (method, path, rule, tell) = (parts[0], parts[1], parts[2], parts[3]);
        let Some(deed) = tell.strip_prefix("does ") else { continue };
        // Signing out cannot fail, and what goes through an identity provider has tests of its own.
        if path == "/api/v1/sessions/current" || path.starts_with("/sign-in") {
            continue;
        }
        let path = path.replace("{id}", "nothing").replace("{name}", "nothing");
        let before = server.told(&format!("action:==={deed} outcome:failure")).await.len();
        let request =
            if rule == "open" { server.request(method, &path) } else { server.with(&member.cookie, method, &path) };
        // A wrong body for those who may; the others are refused before it is read.
        let wrong = match path.as_str() {
            "/api/v1/sessions" => json!({"user": "member@example.com", "password": "wrong wrong wrong"}),
            "/api/v1/password-resets" => continue,
            _ => json!({"unknown": 1}),
        };
        let request = if method == "DELETE" { request } else { request.json(&wrong) };
        let (status, body) = answer(request).await;
        let ends_nothing =
            ["/api/v1/me/sessions", "/api/v1/me/totp", "/api/v1/me/recovery-codes"].contains(&path.as_str());
        if status < 400 && ends_nothing {
            continue;
        }
        assert!(status >= 400, "{method} {path}: {status} {body}");
        let after = server.told(&format!("action:==={deed} outcome:failure")).await;
        let is_anonymous = rule == "open" && !path.ends_with("/sessions");
        if after.len() == before && !is_anonymous {
            missing.push(format!("{method} {path}: {deed} (answered {status} {})", body["code"]));
            continue;
        }
        if let Some(newest) = after.first() {
            let reason = &newest["reason"];
            assert!(reason["reasonCode"].is_string() || reason["reasonCode"].is_number(), "{newest}");
            assert!(reason["reasonForFailure"].is_string(), "{newest}");
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[tokio::test]
async fn reads_are_told_with_their_query_and_how_many_rows_they_gave() {
    let server = Server::start().await;
    server.send(event("e-1", "bob", "kms.secrets.read", "success", "2026-11-20T08:00:00Z")).await;
    let read = async |path: &str| {
        let response = server.get(path).bearer_auth(&server.keys.service_key).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    };
    read("/api/v1/events?q=initiator.name:bob").await;
    read("/api/v1/events/count?q=initiator.name:bob").await;
    read("/api/v1/events/activity:0").await;
    read("/api/v1/export?q=initiator.name:bob&format=csv").await;
    let sql = server.request("POST", "/api/v1/sql").bearer_auth(&server.keys.service_key);
    assert_eq!(answer(sql.json(&json!({"sql": "SELECT action FROM events"}))).await.0, 200);
    server.told("action:whodid").await;
    let told = server.told("action:whodid.event OR action:whodid.audit-log").await;
    let find = |action: &str, outcome: &str| {
        let found = told.iter().find(|event| event["action"] == action && event["outcome"] == outcome);
        found.unwrap_or_else(|| panic!("{action} {outcome} in {told:#?}"))
    };
    let search = find("whodid.event.search", "success");
    assert_eq!(search["requestData"]["query"], "initiator.name:bob");
    assert_eq!(search["responseData"]["rows"], 1);
    assert_eq!(search["initiator"]["credential"]["type"], "apikey");
    assert_eq!(find("whodid.event.read", "success")["target"]["id"], "activity:0");
    assert_eq!(find("whodid.event.query", "success")["requestData"]["query"], "SELECT action FROM events");
    // An export is told when it begins and when it has ended.
    let (begun, ended) = (find("whodid.event.export", "pending"), find("whodid.event.export", "success"));
    assert_eq!(begun["correlationId"], ended["correlationId"]);
    assert_eq!(ended["responseData"]["rows"], 1);
    // Opening the audit log is told too.
    find("whodid.audit-log.read", "success");
    // And it is found by the names that Activity Tracker's users know.
    assert_eq!(
        server.told("action:logdnaat.event.search").await.len(),
        server.told("action:whodid.event.search").await.len()
    );
}

#[tokio::test]
async fn what_the_command_line_changes_is_told_by_the_server_within_moments() {
    let server = Server::start().await;
    let made = crate::boundary::run(&[
        "keys",
        "create",
        "--kind",
        "service",
        "--name",
        "by hand",
        "--data",
        server.data().to_str().unwrap(),
    ]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let told = server.told("action:whodid.service-key.create target.name:\"by hand\"").await;
        if let Some(event) = told.first() {
            assert!(event["initiator"]["name"].as_str().unwrap().contains("uid"), "{event}");
            assert_eq!(event["requestData"]["keyType"], "service");
            return;
        }
        assert!(std::time::Instant::now() < deadline, "the key is not told");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn senders_cannot_write_to_the_audit_log() {
    let server = Server::start().await;
    let sent = server.request("POST", "/api/v1/events?stream=audit").bearer_auth(&server.keys.ingestion_key).body("{}");
    assert_eq!(refused(sent).await, (400, "unknown_parameter".to_owned()));
    for key in [&server.keys.service_key, &server.keys.ingestion_key] {
        assert_eq!(refused(server.get("/api/v1/events?stream=audit").bearer_auth(key)).await.0, 403);
    }
}

/// The first notice about a rule that a receiver takes; a test that waits in vain is ended from outside.
async fn notice_of(receiver: &Receiver, rule: &str) -> Value {
    let mut count = 1;
    loop {
        let told = receiver.told(count).await;
        if let Some(notice) = told.iter().find(|notice| notice["rule_id"] == rule) {
            return notice.clone();
        }
        count = told.len() + 1;
    }
}

#[tokio::test]
async fn a_notice_that_is_given_up_is_told_and_other_channels_tell_of_it_without_going_on_for_ever() {
    let (good, dead) = (Receiver::answering(200).await, Receiver::answering(403).await);
    let server = server_for(&[&good, &dead]).await;
    let mut ids = Vec::new();
    for (name, receiver) in [("good", &good), ("dead", &dead)] {
        let channel = crate::alerting::webhook(name, receiver);
        let (status, made) = answer(server.admin("POST", "/api/v1/channels").json(&channel)).await;
        assert_eq!(status, 201, "{made}");
        ids.push(id(&made));
    }
    crate::alerting::raise(&server).await;
    let rule = "whodid-self-channel-not-told";
    let notice = notice_of(&good, rule).await;
    assert_eq!(notice["severity"], "high", "{notice}");
    // The dead one is told of its own failure too, and that it does not take that is not told again.
    notice_of(&dead, rule).await;
    let told = server.told("action:===whodid.channel.notify").await;
    let [event] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!((&event["outcome"], &event["reason"]["reasonCode"]), (&json!("failure"), &json!("403")), "{event}");
    assert_eq!((&event["target"]["id"], &event["target"]["name"]), (&json!(ids[1]), &json!("dead")), "{event}");
    assert_eq!(event["initiator"]["name"], "whodid", "{event}");
    assert_eq!(event["requestData"]["tries"], 1, "{event}");
}

/// The findings of a rule, the oldest first, once there are so many; a test that waits in vain is ended from outside.
async fn findings_of(server: &Server, rule: &str, count: usize) -> Vec<Value> {
    let path = format!("/api/v1/events?stream=findings&order=asc&q=requestData.ruleId:==={rule}");
    loop {
        let (_, page) = answer(server.admin("GET", &path)).await;
        let found = page["events"].as_array().cloned().unwrap_or_default();
        if found.len() >= count {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_makes_rules_weaker_is_found_whoever_may_change_rules_does_it() {
    let server = Server::start().await;
    let analyst = server.join("ana@example.com", json!([{"role": "analyst"}])).await;
    let by_analyst = async |method: &str, path: &str, body: Value| {
        let (status, answered) = answer(server.with(&analyst.cookie, method, path).json(&body)).await;
        assert!(matches!(status, 200 | 201), "{method} {path}: {status} {answered}");
    };
    let rule = "title: T\nid: t\nlevel: critical\nlogsource: {product: aws, service: cloudtrail}\n\
        detection: {filter: {eventName: DeleteTrail}, condition: filter}\n";
    let filter = "title: F\nid: f\nlogsource: {category: activity}\n\
        filter: {rules: any, robot: {initiator.name: robot}, condition: not robot}\n";
    by_analyst("POST", "/api/v1/rules", json!({"text": rule, "is_enabled": true})).await;
    by_analyst("PATCH", "/api/v1/rules/t", json!({"level": "high"})).await;
    by_analyst("PATCH", "/api/v1/rules/t", json!({"text": rule.replace("DeleteTrail", "NoSuchDeed")})).await;
    by_analyst("POST", "/api/v1/rules", json!({"text": filter})).await;
    by_analyst("PATCH", "/api/v1/rules/f", json!({"is_enabled": true})).await;
    by_analyst("PATCH", "/api/v1/rules/t", json!({"level": "low"})).await;
    let weakened = findings_of(&server, "whodid-self-rules-weakened", 4).await;
    let off = findings_of(&server, "whodid-self-rules-off", 1).await;

    let deeds = server.told("action:whodid.rule outcome:success").await;
    let shown_by = |finding: &Value| {
        let evidence = finding["requestData"]["evidence"][0].clone();
        let deed = deeds.iter().find(|deed| deed["record"]["id"] == evidence);
        let deed = deed.unwrap_or_else(|| panic!("{finding} in {deeds:#?}"));
        assert_eq!(deed["initiator"]["name"], "ana@example.com", "{deed}");
        let asked = &deed["requestData"];
        let paths = asked["delta"].as_array().unwrap().iter().map(|step| step["path"].as_str().unwrap());
        let paths: BTreeSet<&str> = paths.collect();
        let is_of = |path: &str| if paths.contains(path) { path.to_owned() } else { String::new() };
        (deed["action"].as_str().unwrap().to_owned(), is_of("/level"), is_of("/text"), asked["filters"].clone())
    };
    let row = |action: &str, level: &str, text: &str, filters: Value| {
        (format!("whodid.rule.{action}"), level.to_owned(), text.to_owned(), filters)
    };
    let expected = [
        row("update", "/level", "", Value::Null),
        row("update", "", "/text", Value::Null),
        row("create", "", "/text", json!(["f"])),
        row("enable", "", "", json!(["f"])),
    ];
    assert_eq!(weakened.iter().map(shown_by).collect::<Vec<_>>(), expected);
    assert_eq!(off.iter().map(shown_by).collect::<Vec<_>>(), [row("update", "/level", "", Value::Null)]);
}

/// The searches stand in the guide.
#[tokio::test]
async fn which_rules_were_on_at_a_time_is_found_in_the_audit_log() {
    let server = Server::start().await;
    let done = async |method: &str, path: &str, body: Value| {
        let request = server.admin(method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let (status, answered) = answer(request).await;
        assert!(matches!(status, 200 | 201 | 204), "{method} {path}: {status} {answered}");
    };
    let rule = |id: &str| {
        let finds = "logsource: {category: activity}\ndetection: {sel: {action: a}, condition: sel}\n";
        format!("title: {id}\nid: {id}\n{finds}")
    };
    let both = format!("{}---\n{}", rule("other"), rule("key-deleted"));
    done("POST", "/api/v1/rules", json!({"text": both})).await;
    done("PATCH", "/api/v1/rules/key-deleted", json!({"is_enabled": true})).await;
    done("POST", "/api/v1/rules", json!({"text": rule("third")})).await;
    done("PATCH", "/api/v1/packages/ibm-kms", json!({"is_enabled": false})).await;
    done("DELETE", "/api/v1/rules/other", Value::Null).await;
    let actions = async |query: &str| -> Vec<String> {
        let told = server.told(query).await;
        told.iter().map(|event| event["action"].as_str().unwrap().replace("whodid.", "")).collect()
    };
    let all = "action:(whodid.rule OR whodid.package OR whodid.exception) dataEvent:false outcome:success";
    assert_eq!(actions(all).await, ["rule.delete", "package.disable", "rule.create", "rule.enable", "rule.create"]);
    let id = "key-deleted";
    let one = format!(
        "outcome:success (target.id:=={id} OR requestData.ruleVersions.{id}:* OR requestData.ruleVersionsBefore.{id}:* \
         OR requestData.rulesAdded.{id}:* OR requestData.rulesChanged.{id}:* OR requestData.rulesRemoved.{id}:*)"
    );
    assert_eq!(actions(&one).await, ["rule.delete", "rule.enable", "rule.create"]);
}

#[tokio::test]
async fn neither_the_first_start_nor_another_of_the_same_whodid_tells_of_its_packages() {
    let mut server = Server::start().await;
    server.restart().await;
    assert_eq!(server.told("action:whodid.package").await, Vec::<Value>::new());
}
