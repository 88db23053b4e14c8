//! Rules over HTTP: made, tested, switched, tuned; packages installed, upgraded, refused; exceptions.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use whodid_rules::Package;

use crate::boundary::{Server, answer, event};

const RULE: &str = "title: A key was deleted\nid: key-deleted\nlevel: high\nlogsource: {category: activity}\n\
    detection: {sel: {action: kms.secrets.delete}, condition: sel}\n\
    tests:\n  - name: a deletion\n    event: {time: '2026-01-01T00:00:00Z', action: kms.secrets.delete}\n    expect: match\n";

/// A package of one rule with a variable.
pub fn package(version: &str) -> Package {
    let manifest = format!(
        "id: mine\nversion: {version}\ntitle: Mine\nlicence: Apache-2.0\nauthor: mara\nvariables:\n  admins: {{type: text, default: [nobody]}}\n"
    );
    let rule = "title: Not an administrator\nid: mine-not-admin\nlogsource: {category: activity}\n\
        detection: {sel: {action: a.b.delete}, known: {'initiator.name|expand': '%admins%'}, condition: sel and not known}\n";
    let files = BTreeMap::from([("package.yaml".to_owned(), manifest), ("rules/one.yml".to_owned(), rule.to_owned())]);
    Package::from_files(files).unwrap()
}

async fn ask(server: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = server.admin(method, path);
    answer(if body.is_null() { request } else { request.json(&body) }).await
}

/// The finding of a rule, once it is there; a test that waits in vain is ended from outside.
async fn finding_of(server: &Server, rule: &str) -> Value {
    let path = format!("/api/v1/events?stream=findings&q=target.id:==={rule}");
    loop {
        let (_, page) = ask(server, "GET", &path, Value::Null).await;
        if let Some(found) = page["events"].as_array().and_then(|events| events.first()) {
            return found.clone();
        }
        tokio::task::yield_now().await;
    }
}

/// A key is deleted.
async fn delete_key(server: &Server) {
    server.send(event("e1", "bob", "kms.secrets.delete", "success", "2026-06-01T10:00:00+00:00")).await;
}

#[tokio::test]
async fn a_rule_is_checked_made_switched_on_and_finds() {
    let server = Server::start().await;
    let sample = json!([{"time": "2026-01-01T00:00:00Z", "action": "kms.secrets.delete"}, {"time": "2026-01-01T00:00:01Z", "action": "x"}]);
    let (_, checked) = ask(&server, "POST", "/api/v1/rules/check", json!({"text": RULE, "events": sample})).await;
    assert_eq!(checked["tests"][0]["passed"], true, "{checked}");
    assert_eq!(checked["matches"].as_array().unwrap().len(), 1);
    assert_eq!(checked["matches"][0]["event_index"], 0);
    let (status, made) = ask(&server, "POST", "/api/v1/rules", json!({"text": RULE})).await;
    assert_eq!((status, made["rule"]["is_enabled"].as_bool()), (201, Some(false)), "{made}");
    let (status, on) =
        ask(&server, "PATCH", "/api/v1/rules/key-deleted", json!({"is_enabled": true, "level": "critical"})).await;
    assert_eq!(
        (status, on["rule"]["is_enabled"].as_bool(), on["rule"]["level"].as_str()),
        (200, Some(true), Some("critical")),
        "{on}"
    );
    delete_key(&server).await;
    let ours = finding_of(&server, "key-deleted").await;
    assert_eq!(ours["requestData"]["level"], "critical");
}

#[tokio::test]
async fn a_rule_whose_tests_fail_cannot_be_switched_on() {
    let server = Server::start().await;
    let failing = RULE.replace("expect: match", "expect: no_match");
    let (status, refused) = ask(&server, "POST", "/api/v1/rules", json!({"text": failing, "is_enabled": true})).await;
    assert_eq!(status, 409, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("a deletion"), "{refused}");
    let (status, _) = ask(&server, "POST", "/api/v1/rules", json!({"text": failing})).await;
    assert_eq!(status, 201, "kept switched off");
    let (status, _) = ask(&server, "PATCH", "/api/v1/rules/key-deleted", json!({"is_enabled": true})).await;
    assert_eq!(status, 409);
    let (_, made) = ask(&server, "GET", "/api/v1/rules/key-deleted", Value::Null).await;
    let change = json!({"text": RULE, "revision": made["revision"], "is_enabled": true});
    assert_eq!(ask(&server, "PATCH", "/api/v1/rules/key-deleted", change.clone()).await.0, 200);
    assert_eq!(
        ask(&server, "PATCH", "/api/v1/rules/key-deleted", change).await.0,
        409,
        "somebody changed it meanwhile"
    );
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_with_its_place_and_reason() {
    let server = Server::start().await;
    for (text, part) in [
        ("title: [", "YAML"),
        ("title: T\nlogsource: {}\ndetection: {sel: {'a|resembles': x}, condition: sel}\n", "resembles"),
        ("", "no rule"),
    ] {
        let (status, refused) = ask(&server, "POST", "/api/v1/rules", json!({"text": text})).await;
        assert_eq!(status, 400, "{refused}");
        assert!(refused["detail"].as_str().unwrap().contains(part), "{text}: {refused}");
    }
    ask(&server, "POST", "/api/v1/rules", json!({"text": RULE})).await;
    assert_eq!(ask(&server, "POST", "/api/v1/rules", json!({"text": RULE})).await.0, 409, "the id is taken");
    let packaged = ask(&server, "GET", "/api/v1/rules", Value::Null).await.1;
    let packaged =
        packaged["rules"].as_array().unwrap().iter().find(|rule| rule["package"].is_string()).unwrap()["id"].clone();
    let path = format!("/api/v1/rules/{}", packaged.as_str().unwrap());
    assert_eq!(
        ask(&server, "PATCH", &path, json!({"text": RULE})).await.0,
        400,
        "a package's rule is tuned, not changed"
    );
    assert_eq!(ask(&server, "PATCH", &path, json!({"is_enabled": false})).await.0, 200);
    assert_eq!(ask(&server, "GET", &path, Value::Null).await.1["rule"]["is_enabled"], false);
}

#[tokio::test]
async fn a_package_is_installed_whole_upgraded_with_its_tuning_and_never_downgraded() {
    let server = Server::start().await;
    let install = async |version: &str, query: &str| {
        let archive = package(version).to_archive().unwrap();
        answer(server.admin("POST", &format!("/api/v1/packages{query}")).body(archive)).await
    };
    let (status, tried) = install("1.0.0", "?dry_run=true").await;
    assert_eq!((status, tried["added"].as_array().unwrap().len()), (200, 1), "{tried}");
    let listed = ask(&server, "GET", "/api/v1/packages", Value::Null).await.1;
    assert!(!listed["packages"].as_array().unwrap().iter().any(|one| one["id"] == "mine"), "a trial keeps nothing");
    assert_eq!(install("1.0.0", "?digest=sha256:00").await.0, 400, "another archive than was meant");
    assert_eq!(install("1.0.0", "").await.0, 200);
    ask(&server, "PATCH", "/api/v1/packages/mine", json!({"variables": {"admins": ["root"]}})).await;
    ask(&server, "PATCH", "/api/v1/rules/mine-not-admin", json!({"level": "low"})).await;
    let (_, upgraded) = install("1.1.0", "").await;
    assert_eq!(upgraded["previous_version"], "1.0.0", "{upgraded}");
    assert_eq!(upgraded["package"]["variables"][0]["values"], json!(["root"]), "what was filled in stays");
    assert_eq!(ask(&server, "GET", "/api/v1/rules/mine-not-admin", Value::Null).await.1["rule"]["level"], "low");
    assert_eq!(install("1.0.0", "").await.0, 409, "no way back");
    let (status, wrong) = ask(&server, "PATCH", "/api/v1/packages/mine", json!({"variables": {"nobody": ["x"]}})).await;
    assert_eq!(status, 400, "{wrong}");
    let (status, refused) = answer(server.admin("POST", "/api/v1/packages").body("no archive")).await;
    assert_eq!(status, 400, "{refused}");
}

#[tokio::test]
async fn an_exception_silences_and_shows_it() {
    let server = Server::start().await;
    ask(&server, "POST", "/api/v1/rules", json!({"text": RULE, "is_enabled": true})).await;
    let (status, refused) = ask(
        &server,
        "POST",
        "/api/v1/exceptions",
        json!({"rules": ["nothing"], "events": {"action": ["x"]}, "reason": "r"}),
    )
    .await;
    assert_eq!(status, 400, "{refused}");
    let (status, refused) =
        ask(&server, "POST", "/api/v1/exceptions", json!({"rules": [], "events": {}, "reason": "r"})).await;
    assert_eq!(status, 400, "{refused}");
    let asked = json!({"rules": ["key-deleted"], "events": {"action": ["kms.secrets.delete"]}, "reason": "keys of tests", "expires": "1d"});
    let (status, made) = ask(&server, "POST", "/api/v1/exceptions", asked).await;
    assert_eq!(status, 201, "{made}");
    delete_key(&server).await;
    let ours = finding_of(&server, "key-deleted").await;
    assert_eq!(ours["requestData"]["silencedBy"], made["id"]);
    let path = format!("/api/v1/exceptions/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(&server, "DELETE", &path, Value::Null).await.0, 204);
}

#[tokio::test]
async fn a_rule_is_run_over_what_is_stored_before_it_runs_over_what_comes() {
    let server = Server::start().await;
    let events = [("bob", 1, "delete"), ("bob", 2, "delete"), ("eve", 3, "delete"), ("eve", 3, "read")];
    for (number, (who, day, what)) in events.into_iter().enumerate() {
        let time = format!("2026-06-{day:02}T10:00:0{number}+00:00");
        server.send(event(&format!("b{number}"), who, &format!("kms.secrets.{what}"), "success", &time)).await;
    }
    let range = json!({"text": RULE, "from": "2026-06-01T00:00:00Z", "to": "2026-06-11T00:00:00Z"});
    let (status, tested) = ask(&server, "POST", "/api/v1/rules/backtest", range.clone()).await;
    assert_eq!(status, 200, "{tested}");
    assert_eq!((tested["events_read"].as_u64(), tested["matches"].as_u64()), (Some(3), Some(3)), "{tested}");
    assert_eq!(tested["findings_per_day"], 0.3);
    assert_eq!(tested["days"][0], json!({"day": "2026-06-01", "matches": 1, "findings": 1}));
    assert_eq!(tested["actors"][0], json!({"name": "bob", "count": 2}));
    assert_eq!(tested["samples"][2]["evidence"], json!(["activity:2"]));
    assert!(tested["difference"].is_null() && tested["stopped_at"].is_null(), "{tested}");
    // Nothing was recorded, and nobody told.
    let (_, findings) =
        ask(&server, "GET", "/api/v1/events/count?stream=findings&q=target.id:===key-deleted", Value::Null).await;
    assert_eq!(findings["count"], 0);

    ask(&server, "POST", "/api/v1/rules", json!({"text": RULE})).await;
    let narrower =
        RULE.replace("sel: {action: kms.secrets.delete}", "sel: {action: kms.secrets.delete, initiator.name: bob}");
    let mut other = range.clone();
    other["text"] = json!(narrower.replace("    event:", "    event: {}\n    ignored:").split("tests:").next());
    let (_, compared) = ask(&server, "POST", "/api/v1/rules/backtest", other).await;
    let difference = &compared["difference"];
    assert_eq!([&difference["both"], &difference["added"], &difference["removed"]], [2, 0, 1], "{compared}");
    assert_eq!(difference["removed_samples"][0]["actor"], "eve");

    let tried = json!({"id": "key-deleted", "from": "2026-06-01", "exception": {"initiator.name": ["bob"]}});
    let (_, tried) = ask(&server, "POST", "/api/v1/rules/backtest", tried).await;
    assert_eq!((tried["matches"].as_u64(), tried["silenced"].as_u64()), (Some(3), Some(2)), "{tried}");
    for (asked, status) in [
        (json!({}), 400),
        (json!({"id": "nothing"}), 404),
        (json!({"text": "title: [", "from": "now-1d"}), 400),
        (json!({"id": "key-deleted", "from": "yesterweek"}), 400),
        (json!({"id": "key-deleted", "exception": {}}), 400),
    ] {
        let (answered, refused) = ask(&server, "POST", "/api/v1/rules/backtest", asked.clone()).await;
        assert_eq!(answered, status, "{asked}: {refused}");
    }
}

#[tokio::test]
async fn what_was_tuned_is_shown_beside_what_the_rule_says_and_taken_back() {
    let server = Server::start().await;
    let stated = format!("{RULE}whodid: {{policy: {{dedup_window: 2h, threshold: 3}}}}\n");
    ask(&server, "POST", "/api/v1/rules", json!({"text": stated})).await;
    let tune = json!({"level": "low", "policy": {"daily_cap": 5}});
    let (_, tuned) = ask(&server, "PATCH", "/api/v1/rules/key-deleted", tune).await;
    let policy = &tuned["tuning"]["policy"];
    assert_eq!(tuned["tuning"]["level"], "low");
    // What was not given stays as the rule says.
    assert_eq!(
        (&policy["daily_cap"], &policy["threshold"], &policy["dedup_window"]),
        (&json!(5), &json!(3), &json!("2h"))
    );
    assert_eq!((&tuned["stated"]["level"], &tuned["stated"]["policy"]["threshold"]), (&json!("high"), &json!(3)));
    let (_, back) = ask(&server, "PATCH", "/api/v1/rules/key-deleted", json!({"reset": true})).await;
    assert_eq!((&back["tuning"], &back["rule"]["is_tuned"]), (&json!({}), &json!(false)));
}

#[tokio::test]
async fn a_correlation_may_refer_to_a_rule_of_another_text_which_then_stays() {
    let server = Server::start().await;
    let base = "title: A key was read\nid: key-read\nlogsource: {category: activity}\n\
        detection: {sel: {action: kms.secrets.read}, condition: sel}\n";
    let many = "title: Many keys were read\nid: keys-read\nlevel: high\n\
        correlation: {type: event_count, rules: [key-read], group-by: [initiator.name], timespan: 10m, condition: {gte: 2}}\n";
    assert_eq!(ask(&server, "POST", "/api/v1/rules", json!({"text": base})).await.0, 201, "it stays off");
    let reads: Vec<String> = (1..=2)
        .map(|at| {
            event(&format!("e{at}"), "bob", "kms.secrets.read", "success", &format!("2026-06-01T10:0{at}:00+00:00"))
        })
        .collect();
    let checked = ask(&server, "POST", "/api/v1/rules/check", json!({"text": many, "events": reads})).await.1;
    assert_eq!((&checked["rules"], &checked["problems"]), (&json!(["keys-read"]), &json!([])), "{checked}");
    assert_eq!(checked["matches"][0]["rule_id"], "keys-read", "{checked}");
    assert_eq!(ask(&server, "POST", "/api/v1/rules", json!({"text": many, "is_enabled": true})).await.0, 201);
    for read in reads {
        server.send(read).await;
    }
    let query = "/api/v1/events?stream=findings&q=requestData.ruleId:===keys-read";
    while ask(&server, "GET", query, Value::Null).await.1["events"].as_array().is_none_or(Vec::is_empty) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let query = "/api/v1/events?stream=findings&q=requestData.ruleId:===key-read";
    assert_eq!(ask(&server, "GET", query, Value::Null).await.1["events"], json!([]), "it only feeds the other");
    let (status, refused) = ask(&server, "DELETE", "/api/v1/rules/key-read", Value::Null).await;
    assert_eq!((status, refused["detail"].as_str().unwrap().contains("keys-read")), (409, true), "{refused}");
    assert_eq!(ask(&server, "DELETE", "/api/v1/rules/keys-read", Value::Null).await.0, 204);
    assert_eq!(ask(&server, "DELETE", "/api/v1/rules/key-read", Value::Null).await.0, 204);
}

#[tokio::test]
async fn a_policy_that_makes_no_sense_is_refused_by_name() {
    let server = Server::start().await;
    for (policy, why) in
        [(json!({"dedup_window": "soon"}), "dedup_window"), (json!({"dedup_key": ["a b|c"]}), "dedup_key")]
    {
        let asked = json!({"policy": policy});
        let (status, refused) = ask(&server, "PATCH", "/api/v1/rules/whodid-self-alerts-silenced", asked).await;
        assert_eq!((status, refused["detail"].as_str().unwrap().contains(why)), (400, true), "{refused}");
    }
}

/// Leaves out what the robot does, of every rule.
const FILTER: &str = "title: The robot may\nid: robot-may\nlogsource: {category: activity}\n\
    filter: {rules: any, robot: {initiator.name: robot}, condition: not robot}\n";

/// Somebody deletes a key.
async fn deletes(server: &Server, who: &str, second: u32) {
    let time = format!("2026-06-01T10:00:{second:02}+00:00");
    server.send(event(&format!("d{second}"), who, "kms.secrets.delete", "success", &time)).await;
}

/// Who is said by the rule to have deleted keys, once `last` is among them.
async fn deleters(server: &Server, last: &str) -> Vec<String> {
    let path = "/api/v1/events?stream=findings&order=asc&q=requestData.ruleId:===key-deleted";
    loop {
        let (_, page) = ask(server, "GET", path, Value::Null).await;
        let names = page["events"].as_array().unwrap().iter();
        let names: Vec<String> = names.map(|one| one["initiator"]["name"].as_str().unwrap().to_owned()).collect();
        if names.iter().any(|name| name == last) {
            return names;
        }
        tokio::task::yield_now().await;
    }
}

/// Once, a filter that was made switched off was in force, and no answer told of it.
#[tokio::test]
async fn a_filter_is_seen_switched_changed_and_deleted_like_a_rule() {
    let server = Server::start().await;
    ask(&server, "POST", "/api/v1/rules", json!({"text": RULE, "is_enabled": true})).await;
    let (status, made) = ask(&server, "POST", "/api/v1/rules", json!({"text": FILTER})).await;
    assert_eq!((status, &made["rule"]["kind"]), (201, &json!("filter")), "{made}");
    assert_eq!((&made["rule"]["is_enabled"], &made["rule"]["is_reported"]), (&json!(false), &json!(false)));
    assert!(made["rule"]["description"].as_str().unwrap().contains("every rule"), "what it is for: {made}");
    let (_, listed) = ask(&server, "GET", "/api/v1/rules", Value::Null).await;
    assert!(listed["rules"].as_array().unwrap().contains(&made["rule"]), "{listed}");
    deletes(&server, "robot", 1).await;
    assert_eq!(deleters(&server, "robot").await, ["robot"], "switched off it hides nothing");

    let path = "/api/v1/rules/robot-may";
    assert_eq!(ask(&server, "PATCH", path, json!({"level": "low"})).await.0, 400, "it finds nothing itself");
    let narrower = FILTER.replace("initiator.name: robot", "initiator.name: [robot, eve]");
    let change = json!({"text": narrower, "revision": made["revision"], "is_enabled": true});
    let (status, on) = ask(&server, "PATCH", path, change).await;
    assert_eq!((status, &on["rule"]["is_enabled"], on["text"].as_str()), (200, &json!(true), Some(&*narrower)));
    deletes(&server, "eve", 2).await;
    deletes(&server, "bob", 3).await;
    assert_eq!(deleters(&server, "bob").await, ["robot", "bob"]);

    assert_eq!(ask(&server, "DELETE", path, Value::Null).await.0, 204);
    assert_eq!(ask(&server, "GET", path, Value::Null).await.0, 404);
    deletes(&server, "eve", 4).await;
    assert_eq!(deleters(&server, "eve").await, ["robot", "bob", "eve"]);
}

#[tokio::test]
async fn a_filter_reaches_no_further_than_where_it_stands() {
    let server = Server::start().await;
    ask(&server, "POST", "/api/v1/rules", json!({"text": RULE, "is_enabled": true})).await;
    // That of a package is for the package's rules, and only while it is switched on.
    let mut files = package("1.0.0").files;
    files.insert("filters/robot.yml".to_owned(), FILTER.replace("id: robot-may", "id: mine-robot-may"));
    let archive = Package::from_files(files).unwrap().to_archive().unwrap();
    assert_eq!(answer(server.admin("POST", "/api/v1/packages").body(archive)).await.0, 200);
    let filter = "/api/v1/rules/mine-robot-may";
    let (_, shown) = ask(&server, "GET", filter, Value::Null).await;
    assert_eq!((&shown["rule"]["package"], &shown["rule"]["is_enabled"]), (&json!("mine"), &json!(true)), "{shown}");
    deletes(&server, "robot", 1).await;
    assert_eq!(deleters(&server, "robot").await, ["robot"]);
    ask(&server, "PATCH", "/api/v1/packages/mine", json!({"is_enabled": false})).await;
    assert_eq!(ask(&server, "GET", filter, Value::Null).await.1["rule"]["is_enabled"], false);

    // One of the account's own is for all rules but those that watch whodid itself.
    let none = "title: Nothing\nid: nothing\nfilter: {rules: any, never: {action: no.such}, condition: never}\n";
    let (status, made) = ask(&server, "POST", "/api/v1/rules", json!({"text": none, "is_enabled": true})).await;
    assert_eq!(status, 201, "{made}");
    deletes(&server, "bob", 2).await;
    let silence = json!({"rule_ids": ["key-deleted"], "until": "8h", "reason": "a test"});
    assert_eq!(ask(&server, "POST", "/api/v1/silences", silence).await.0, 201);
    finding_of(&server, "whodid-self-alerts-silenced").await;
    ask(&server, "PATCH", "/api/v1/rules/nothing", json!({"is_enabled": false})).await;
    deletes(&server, "eve", 3).await;
    assert_eq!(deleters(&server, "eve").await, ["robot", "eve"]);
}

#[tokio::test]
async fn a_filter_that_would_take_rules_out_is_not_switched_on() {
    let server = Server::start().await;
    ask(&server, "POST", "/api/v1/rules", json!({"text": RULE})).await;
    for (with, why) in [
        ("'initiator.name|re': '('", "another rule cannot run"),
        ("'initiator.name|expand': '%nobody%'", "needs values for the variable 'nobody'"),
    ] {
        let breaking = json!({"text": FILTER.replace("initiator.name: robot", with), "is_enabled": true});
        let (status, refused) = ask(&server, "POST", "/api/v1/rules", breaking).await;
        assert_eq!((status, refused["detail"].as_str().unwrap().contains(why)), (400, true), "{refused}");
    }
    let twice = format!("{RULE}---\n{}", FILTER.replace("id: robot-may", "id: key-deleted"));
    assert_eq!(ask(&server, "POST", "/api/v1/rules", json!({"text": twice})).await.0, 400, "two of one id");
}

#[tokio::test]
async fn what_was_looked_for_and_what_was_changed_is_told_however_long_it_is() {
    let server = Server::start().await;
    let hash = |text: &str| data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    let long = |filling: &str| format!("# {}\n{RULE}", filling.repeat(150_000));
    let (one, other) = (long("a"), long("b"));
    let range = json!({"text": one, "from": "2026-06-01T00:00:00Z", "to": "2026-06-02T00:00:00Z"});
    assert_eq!(ask(&server, "POST", "/api/v1/rules/backtest", range).await.0, 200);
    let told = server.told("action:===whodid.event.search target.id:===key-deleted").await;
    let asked = &told[0]["requestData"];
    assert_eq!(asked["textHash"], json!({"sha256": hash(&one), "bytes": one.len()}));
    assert_eq!(asked["text"].as_str(), Some(&one[..8 << 10]));

    assert_eq!(ask(&server, "POST", "/api/v1/rules", json!({"text": one})).await.0, 201);
    assert_eq!(ask(&server, "PATCH", "/api/v1/rules/key-deleted", json!({"text": other})).await.0, 200);
    let told = server.told("action:===whodid.rule.update").await;
    let asked = &told[0]["requestData"];
    assert_eq!((&asked["delta"], &asked["shortened"]), (&Value::Null, &json!(true)), "both texts do not fit");
    assert_eq!(asked["textHashBefore"], json!({"sha256": hash(&one), "bytes": one.len()}));
    assert_eq!(asked["textHash"], json!({"sha256": hash(&other), "bytes": other.len()}));
}

async fn install(server: &Server, package: &Package) -> (u16, Value) {
    answer(server.admin("POST", "/api/v1/packages").body(package.to_archive().unwrap())).await
}

/// The package of one rule under another id, with other administrators.
fn letting(id: &str, admins: &str) -> Package {
    let files = package("1.0.0").files.into_iter();
    let files = files.map(|(path, text)| (path, text.replace("mine", id).replace("[nobody]", admins)));
    Package::from_files(files.collect()).unwrap()
}

/// Once, the package that came last gave its values to the rules of all.
#[tokio::test]
async fn another_package_changes_nothing_of_what_a_variable_means() {
    let server = Server::start().await;
    assert_eq!(install(&server, &letting("acme-pay", "[mara]")).await.0, 200);
    assert_eq!(install(&server, &letting("zz-helper", "['*']")).await.0, 200);
    server.send(event("v1", "eve", "a.b.delete", "success", "2026-06-01T10:00:00+00:00")).await;
    finding_of(&server, "acme-pay-not-admin").await;
    let path = "/api/v1/rules/acme-pay-not-admin";
    let (_, shown) = ask(&server, "GET", path, Value::Null).await;
    assert_eq!((&shown["rule"]["is_reported"], &shown["rule"]["problem"]), (&json!(true), &Value::Null), "{shown}");
    let range = json!({"from": "2026-06-01T00:00:00Z", "to": "2026-06-02T00:00:00Z"});
    for what in [json!({"id": "acme-pay-not-admin"}), json!({"text": shown["text"]})] {
        let mut asked = range.clone();
        asked.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        let (_, tested) = ask(&server, "POST", "/api/v1/rules/backtest", asked).await;
        assert_eq!(tested["matches"], 1, "{tested}");
    }
    let events =
        ["mara", "eve"].map(|who| json!({"time": "2026-06-01T10:00:00Z", "action": "a.b.delete", "user": who}));
    let (_, checked) =
        ask(&server, "POST", "/api/v1/rules/check", json!({"text": shown["text"], "events": events})).await;
    assert_eq!((&checked["problems"], checked["matches"].as_array().unwrap().len()), (&json!([]), 1), "{checked}");
}

#[tokio::test]
async fn a_rule_of_ones_own_never_takes_the_values_of_a_package_that_comes_later() {
    let server = Server::start().await;
    install(&server, &letting("acme-pay", "[mara]")).await;
    let own = |id: &str, variable: &str| {
        format!(
            "title: Own\nid: {id}\nlogsource: {{category: activity}}\n\
             detection: {{sel: {{action: a.b.delete, 'initiator.name|expand': '{variable}'}}, condition: sel}}\n"
        )
    };
    let (status, made) =
        ask(&server, "POST", "/api/v1/rules", json!({"text": own("own", "%admins%"), "is_enabled": true})).await;
    assert_eq!(status, 201, "{made}");
    let says = |refused: &Value, parts: &[&str]| {
        let detail = refused["detail"].as_str().unwrap();
        assert!(parts.iter().all(|part| detail.contains(part)), "{detail}");
    };
    let (status, refused) = install(&server, &letting("zz-helper", "['*']")).await;
    assert_eq!(status, 409, "{refused}");
    says(&refused, &["nothing was installed", "own:", "acme-pay, zz-helper", "%acme-pay.admins%"]);
    assert_eq!(install(&server, &letting("agreeing", "[mara]")).await.0, 200, "whose values are the same");
    let (status, refused) =
        ask(&server, "PATCH", "/api/v1/packages/agreeing", json!({"variables": {"admins": ["*"]}})).await;
    assert_eq!(status, 400, "{refused}");
    says(&refused, &["nothing was changed", "own:", "acme-pay, agreeing"]);

    // Once it says which package it means, any other may come.
    let named = json!({"text": own("own", "%acme-pay.admins%"), "revision": made["revision"]});
    assert_eq!(ask(&server, "PATCH", "/api/v1/rules/own", named).await.0, 200);
    assert_eq!(install(&server, &letting("zz-helper", "['*']")).await.0, 200);
    let (status, refused) =
        ask(&server, "POST", "/api/v1/rules", json!({"text": own("other", "%admins%"), "is_enabled": true})).await;
    assert_eq!(status, 400, "{refused}");
    says(&refused, &["cannot run", "acme-pay, agreeing, zz-helper"]);
    let (status, refused) = ask(&server, "PATCH", "/api/v1/packages/acme-pay", json!({"is_enabled": false})).await;
    assert_eq!(status, 400, "{refused}");
    says(&refused, &["own:", "acme-pay.admins"]);

    // What lost its values all the same is not shown as if it ran.
    assert_eq!(ask(&server, "DELETE", "/api/v1/packages/acme-pay", Value::Null).await.0, 204);
    let rule = ask(&server, "GET", "/api/v1/rules/own", Value::Null).await.1["rule"].clone();
    assert_eq!((&rule["is_enabled"], &rule["is_reported"]), (&json!(true), &json!(false)), "{rule}");
    assert!(rule["problem"].as_str().unwrap().contains("acme-pay.admins"), "{rule}");
    let (_, listed) = ask(&server, "GET", "/api/v1/rules", Value::Null).await;
    assert!(listed["rules"].as_array().unwrap().contains(&rule), "{listed}");
    let (_, off) = ask(&server, "PATCH", "/api/v1/rules/own", json!({"is_enabled": false})).await;
    assert_eq!((&off["rule"]["is_enabled"], &off["rule"]["problem"]), (&json!(false), &Value::Null), "{off}");
}

/// Once, such values were kept, and the rule was shown as if it went on.
#[tokio::test]
async fn values_with_which_a_rule_cannot_run_are_refused() {
    let server = Server::start().await;
    let manifest = "id: acme-hours\nversion: 1.0.0\ntitle: Hours\nlicence: Apache-2.0\nauthor: mara\n\
        variables:\n  hours: {type: text, default: ['08:00-17:00']}\n";
    let rule = "title: Late\nid: acme-hours-late\nlogsource: {category: activity}\n\
        detection: {sel: {action: a.b.delete}, condition: sel}\nwhodid: {hours: {outside: '%hours%'}}\n\
        tests:\n  - {name: early, at: '2026-01-01T08:30:00Z', event: {time: '2026-01-01T08:30:00Z', action: a.b.delete}, expect: no_match}\n";
    let files = [("package.yaml", manifest), ("late.yml", rule)];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    assert_eq!(install(&server, &Package::from_files(files.into()).unwrap()).await.0, 200);
    let give = async |hours: &str| {
        ask(&server, "PATCH", "/api/v1/packages/acme-hours", json!({"variables": {"hours": [hours]}})).await
    };
    let (status, refused) = give("nine to five").await;
    assert_eq!(status, 400, "{refused}");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("acme-hours-late") && detail.contains("'nine to five' is no window"), "{detail}");
    let shown = ask(&server, "GET", "/api/v1/rules/acme-hours-late", Value::Null).await.1["rule"].clone();
    assert_eq!((&shown["is_reported"], &shown["problem"]), (&json!(true), &Value::Null), "{shown}");
    // Its test is for the hours that the package brings; an account may have others.
    let (status, given) = give("09:00-18:00").await;
    assert_eq!((status, &given["variables"][0]["values"]), (200, &json!(["09:00-18:00"])), "{given}");
    let told = server.told("action:===whodid.package.update outcome:success").await;
    let delta = told[0]["requestData"]["delta"].to_string();
    assert!(["test", "08:00-17:00", "09:00-18:00"].iter().all(|part| delta.contains(part)), "{delta}");

    let (_, off) = ask(&server, "PATCH", "/api/v1/packages/acme-hours", json!({"is_enabled": false})).await;
    assert_eq!(off["is_enabled"], false, "{off}");
    let told = server.told("action:===whodid.package.disable outcome:success").await;
    let steps = json!([{"op": "test", "path": "/is_enabled", "value": true}, {"op": "replace", "path": "/is_enabled", "value": false}]);
    assert_eq!(told[0]["requestData"]["delta"], steps, "also what was never stored is told");
    assert_eq!(give("nine to five").await.0, 400, "also of a package that is off");
}

#[tokio::test]
async fn what_guards_whodid_is_lowered_by_nobody_and_switched_off_by_administrators_alone() {
    let server = Server::start().await;
    let analyst = server.join("ana@example.com", json!([{"role": "analyst"}])).await;
    let (rule, package) = ("/api/v1/rules/whodid-self-rules-off", "/api/v1/packages/whodid-self");
    let by_analyst =
        async |path: &str, body: Value| answer(server.with(&analyst.cookie, "PATCH", path).json(&body)).await;
    for change in [
        json!({"level": "low"}),
        json!({"policy": {"threshold": 1_000_000}}),
        json!({"policy": {"dedup_window": "30d"}}),
        json!({"policy": {"daily_cap": 1}}),
    ] {
        let (status, refused) = ask(&server, "PATCH", rule, change.clone()).await;
        let is_told = refused["detail"].as_str().unwrap().contains("cannot be made to tell less");
        assert_eq!((status, is_told), (409, true), "{change}: {refused}");
    }
    for path in [rule, package] {
        let (status, refused) = by_analyst(path, json!({"is_enabled": false})).await;
        assert_eq!((status, refused["detail"].as_str().unwrap().contains("settings.manage")), (403, true), "{refused}");
    }
    for change in [json!({"level": "critical"}), json!({"is_enabled": true}), json!({"reset": true})] {
        assert_eq!(by_analyst(rule, change.clone()).await.0, 200, "it tells no less: {change}");
    }
    let (_, shown) = ask(&server, "GET", rule, Value::Null).await;
    assert_eq!((&shown["rule"]["is_enabled"], &shown["tuning"]), (&json!(true), &json!({})));

    assert_eq!(ask(&server, "PATCH", rule, json!({"is_enabled": false})).await.0, 200);
    let told = finding_of(&server, "whodid-self-rules-off").await;
    assert!(told["initiator"]["name"].is_string(), "it tells of itself: {told}");
}

#[tokio::test]
async fn who_may_not_read_the_audit_log_changes_nothing_that_looks_at_it() {
    let server = Server::start().await;
    let analyst = server.join("ana@example.com", json!([{"role": "analyst"}])).await;
    let by_analyst = async |method: &str, path: &str, body: Value| {
        answer(server.with(&analyst.cookie, method, path).json(&body)).await
    };
    let refused_as_blinding = |(status, refused): (u16, Value)| {
        assert_eq!((status, refused["detail"].as_str().unwrap().contains("audit.read")), (403, true), "{refused}");
    };
    ask(&server, "POST", "/api/v1/rules", json!({"text": RULE, "is_enabled": true})).await;
    let path = "/api/v1/rules/key-deleted";
    refused_as_blinding(by_analyst("PATCH", path, json!({"text": format!("{RULE}# a comment\n")})).await);
    let (_, shown) = ask(&server, "GET", path, Value::Null).await;
    assert_eq!((&shown["without_audit"], shown["text"].as_str()), (&json!(false), Some(RULE)), "nothing changed");
    assert_eq!(by_analyst("PATCH", path, json!({"level": "critical"})).await.0, 200, "tuning leaves it seeing");
    assert_eq!(ask(&server, "GET", path, Value::Null).await.1["without_audit"], false);

    // What looks elsewhere loses nothing.
    let elsewhere = "title: T\nid: elsewhere\nlogsource: {product: aws, service: cloudtrail}\n\
        detection: {sel: {eventName: DeleteTrail}, condition: sel}\n";
    ask(&server, "POST", "/api/v1/rules", json!({"text": elsewhere})).await;
    let change = json!({"text": elsewhere.replace("title: T", "title: U")});
    assert_eq!(by_analyst("PATCH", "/api/v1/rules/elsewhere", change).await.0, 200);

    // What they wrote themselves they change, and it sees no more for that, until somebody who may writes it.
    let own = RULE.replace("id: key-deleted", "id: key-gone");
    let (status, made) = by_analyst("POST", "/api/v1/rules", json!({"text": own})).await;
    assert_eq!((status, &made["without_audit"]), (201, &json!(true)), "{made}");
    let path = "/api/v1/rules/key-gone";
    let (status, changed) = by_analyst("PATCH", path, json!({"text": format!("{own}# mine\n")})).await;
    assert_eq!((status, &changed["without_audit"]), (200, &json!(true)), "{changed}");
    let (_, tuned) = ask(&server, "PATCH", path, json!({"level": "low"})).await;
    assert_eq!(tuned["without_audit"], true, "another level is no other text");
    let (_, lifted) = ask(&server, "PATCH", path, json!({"text": own})).await;
    assert_eq!(lifted["without_audit"], false, "{lifted}");
    let told = server.told("action:===whodid.rule.update outcome:success target.id:===key-gone").await;
    let steps = told[0]["requestData"]["delta"].as_array().unwrap();
    assert!(steps.contains(&json!({"op": "replace", "path": "/without_audit", "value": false})), "{steps:?}");

    let install = async |version: &str, is_analyst: bool| {
        let request = if is_analyst {
            server.with(&analyst.cookie, "POST", "/api/v1/packages")
        } else {
            server.admin("POST", "/api/v1/packages")
        };
        let archive = package(version).to_archive().unwrap();
        answer(request.header("content-type", "application/gzip").body(archive)).await
    };
    assert_eq!(install("1.0.0", false).await.0, 200);
    refused_as_blinding(install("1.1.0", true).await);
    let (_, shown) = ask(&server, "GET", "/api/v1/rules/mine-not-admin", Value::Null).await;
    assert_eq!(shown["without_audit"], false, "{shown}");
    assert_eq!(ask(&server, "DELETE", "/api/v1/packages/mine", Value::Null).await.0, 204);
    assert_eq!(install("1.0.0", true).await.0, 200);
    assert_eq!(install("1.1.0", true).await.0, 200, "theirs sees nothing of it already");
    assert_eq!(install("1.2.0", false).await.0, 200);
    let (_, shown) = ask(&server, "GET", "/api/v1/rules/mine-not-admin", Value::Null).await;
    assert_eq!(shown["without_audit"], false, "{shown}");
}

/// Once, findings had a hash of a text that stood nowhere, and the audit log another.
#[tokio::test]
async fn the_text_behind_a_finding_is_found_in_the_audit_log() {
    let server = Server::start().await;
    let hash = |text: &str| data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    ask(&server, "POST", "/api/v1/rules", json!({"text": RULE, "is_enabled": true})).await;
    delete_key(&server).await;
    let found = finding_of(&server, "key-deleted").await;
    let version = hash(RULE);
    assert_eq!(found["requestData"]["ruleVersion"], json!(version));
    let (_, shown) = ask(&server, "GET", "/api/v1/rules/key-deleted", Value::Null).await;
    assert_eq!((&shown["version"], &shown["text_hash"]), (&json!(version), &json!(version)));
    let told = server.told(&format!("action:(whodid.rule OR whodid.package) \"{version}\"")).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["action"], "whodid.rule.create");
    assert_eq!(told[0]["requestData"]["ruleVersions"], json!({"key-deleted": version}));
    let alert = loop {
        let (_, page) = ask(&server, "GET", "/api/v1/alerts?rule=key-deleted", Value::Null).await;
        if let Some(id) = page["alerts"][0]["id"].as_str() {
            break ask(&server, "GET", &format!("/api/v1/alerts/{id}"), Value::Null).await.1;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(alert["rule_version"], json!(version), "{alert}");

    // A text of two: each has its own.
    let second = RULE.replace("id: key-deleted", "id: key-gone");
    let both = format!("{RULE}---\n{second}");
    assert_eq!(ask(&server, "PATCH", "/api/v1/rules/key-deleted", json!({"text": both})).await.0, 200);
    let asked = server.told("action:===whodid.rule.update").await[0]["requestData"].clone();
    assert_eq!(asked["ruleVersionsBefore"], json!({"key-deleted": version}));
    assert_eq!(asked["ruleVersions"], json!({"key-deleted": version, "key-gone": hash(&second)}));
    assert_eq!(ask(&server, "PATCH", "/api/v1/rules/key-gone", json!({"is_enabled": true})).await.0, 200);
    let asked = server.told("action:===whodid.rule.enable").await[0]["requestData"].clone();
    assert_eq!(asked["ruleVersions"]["key-gone"], json!(hash(&second)));
    assert_eq!(ask(&server, "DELETE", "/api/v1/rules/key-gone", Value::Null).await.0, 204);
    let asked = server.told("action:===whodid.rule.delete").await[0]["requestData"].clone();
    assert_eq!(asked["ruleVersionsBefore"], json!({"key-deleted": version, "key-gone": hash(&second)}));
}

#[tokio::test]
async fn of_a_package_the_rules_that_came_went_and_changed_are_told_with_their_versions() {
    let server = Server::start().await;
    let install = async |package: &Package| {
        let archive = package.to_archive().unwrap();
        let (status, answered) = answer(server.admin("POST", "/api/v1/packages").body(archive)).await;
        assert_eq!(status, 200, "{answered}");
    };
    let newest =
        async |deed: &str| server.told(&format!("action:===whodid.package.{deed}")).await[0]["requestData"].clone();
    let versions = |package: &Package| -> BTreeMap<String, String> {
        let documents = package.documents().documents.into_iter();
        documents.map(|document| (document.meta().id.clone(), document.version)).collect()
    };
    let first = package("1.0.0");
    install(&first).await;
    assert_eq!(newest("create").await["rulesAdded"], json!(versions(&first)));
    let mut files = package("1.1.0").files;
    let text = files["rules/one.yml"].replace("a.b.delete", "a.b.remove");
    files.insert("rules/two.yml".to_owned(), text.replace("mine-not-admin", "mine-second"));
    files.insert("rules/one.yml".to_owned(), text);
    let second = Package::from_files(files).unwrap();
    install(&second).await;
    let (asked, now) = (newest("update").await, versions(&second));
    assert_eq!(asked["rulesAdded"], json!({"mine-second": now["mine-second"]}));
    assert_eq!(asked["rulesChangedBefore"], json!(versions(&first)));
    assert_eq!(asked["rulesChanged"], json!({"mine-not-admin": now["mine-not-admin"]}));
    assert_eq!(asked["rulesRemoved"], Value::Null);
    assert_eq!(ask(&server, "DELETE", "/api/v1/packages/mine", Value::Null).await.0, 204);
    assert_eq!(newest("delete").await["rulesRemoved"], json!(now));
}

#[tokio::test]
async fn a_change_tells_what_was_in_force_before_though_nobody_had_tuned_it() {
    let server = Server::start().await;
    ask(&server, "POST", "/api/v1/rules", json!({"text": RULE})).await;
    let delta = async |deed: &str| {
        let told = server.told(&format!("action:===whodid.rule.{deed} outcome:success")).await;
        told[0]["requestData"]["delta"].as_array().unwrap().clone()
    };
    let replaced = |path: &str, before: Value, after: Value| {
        [json!({"op": "test", "path": path, "value": before}), json!({"op": "replace", "path": path, "value": after})]
    };
    let tune = json!({"level": "low", "policy": {"threshold": 5}});
    ask(&server, "PATCH", "/api/v1/rules/key-deleted", tune).await;
    let steps = delta("update").await;
    for step in [replaced("/level", json!("high"), json!("low")), replaced("/policy/threshold", json!(1), json!(5))]
        .into_iter()
        .flatten()
    {
        assert!(steps.contains(&step), "{step} in {steps:?}");
    }
    assert_eq!(steps.len(), 4, "{steps:?}");

    let packaged = "/api/v1/rules/whodid-self-failed-sign-ins";
    ask(&server, "PATCH", packaged, json!({"is_enabled": false})).await;
    assert_eq!(delta("disable").await, replaced("/is_enabled", json!(true), json!(false)));
    assert_eq!(ask(&server, "DELETE", packaged, Value::Null).await.0, 204);
    assert_eq!(delta("delete").await, replaced("/is_enabled", json!(false), json!(true)), "as its package says");
}
