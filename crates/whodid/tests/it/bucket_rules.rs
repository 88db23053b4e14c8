//! Rules of Security Advisor as files beside the tables: what becomes of them, and what keeps them as they are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use whodid_rules::Package;

use crate::boundary::{Server, answer, event};

const DELETE: &str = "kms.secrets.delete";
const READ: &str = "kms.secrets.read";
/// The rule that looks for [`DELETE`].
const DELETED: &str = "/api/v1/rules/saw-kms-secrets-delete";
const FILE: &str = "IBM.rules/activities/kms-rules.json";

/// A package as Security Advisor has it: a rule for each action.
fn rules(actions: &[&str]) -> String {
    let rule = |action: &&str| {
        json!({
            "conditions": {"all": [{"fact": "action", "operator": "equal", "value": action}]},
            "event": {"type": format!("saw {action}"), "params": {"findingType": "saw", "severity": "HIGH"}},
        })
    };
    Value::from(actions.iter().map(rule).collect::<Vec<Value>>()).to_string()
}

fn place(server: &Server, path: &str) -> PathBuf {
    server.data().join("lake").join(path)
}

fn lay(server: &Server, path: &str, text: &str) {
    let file = place(server, path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn take_away(server: &Server, path: &str) {
    std::fs::remove_file(place(server, path)).unwrap();
}

async fn ask(server: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = server.admin(method, path);
    answer(if body.is_null() { request } else { request.json(&body) }).await
}

/// What the server has after it has looked.
async fn refreshed(server: &Server) -> Value {
    let (status, listed) = ask(server, "POST", "/api/v1/packages/refresh", Value::Null).await;
    assert_eq!(status, 200, "{listed}");
    assert_eq!(ask(server, "GET", "/api/v1/packages", Value::Null).await.1, listed, "as everybody sees it");
    listed
}

fn package<'l>(listed: &'l Value, id: &str) -> &'l Value {
    listed["packages"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap_or(&Value::Null)
}

/// What is wrong with a file, or with the storage under the empty name.
fn problem(listed: &Value, file: &str) -> String {
    let is_it = |one: &&Value| one["file"].as_str().unwrap_or_default() == file;
    let found = listed["problems"].as_array().unwrap().iter().find(is_it);
    found.unwrap_or_else(|| panic!("nothing is wrong with {file:?}: {}", listed["problems"]))["message"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn told(server: &Server, what: &str) -> Vec<Value> {
    server.told(&format!("action:===whodid.package.{what}")).await
}

#[tokio::test]
async fn findings_of_a_custom_rule_are_those_of_the_note_that_the_account_made() {
    let server = Server::start().await;
    let base = "/findings/v1/default/providers/security-advisor/notes";
    let note = json!({"id": "ata-vault", "kind": "FINDING", "short_description": "The vault", "long_description": "Somebody was there.",
        "reported_by": {"id": "ata", "title": "Activity Insights"}, "finding": {"severity": "HIGH", "next_steps": []}});
    assert_eq!(ask(&server, "POST", base, note.clone()).await.0, 200);
    let rule = json!([
        {"conditions": {"all": [{"fact": "action", "operator": "equal", "value": DELETE}]},
         "event": {"type": "vault", "params": {"findingType": "vault", "custom": true}}},
        {"conditions": {"all": [{"fact": "action", "operator": "equal", "value": READ}]},
         "event": {"type": "not custom", "params": {"findingType": "ata-plain"}}}]);
    lay(&server, FILE, &rule.to_string());
    refreshed(&server).await;
    server.send(event("e1", "bob", DELETE, "success", "2026-06-01T10:00:00+00:00")).await;
    let path = format!("{base}/ata-vault/occurrences");
    let found = loop {
        let page = ask(&server, "GET", &path, Value::Null).await.1;
        if let Some(found) = page["occurrences"].as_array().unwrap().first() {
            break found.clone();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(found["note_name"], "default/providers/security-advisor/notes/ata-vault", "{found}");
    let notes = ask(&server, "GET", base, Value::Null).await.1;
    let of_vault = |one: &&Value| one["id"] == "ata-vault";
    assert_eq!(notes["notes"].as_array().unwrap().iter().filter(of_vault).count(), 1, "{notes}");
    // The account says what its note is about, also later; only the rule reports to it.
    let mut changed = note.clone();
    changed["long_description"] = json!("Somebody was in the vault.");
    assert_eq!(ask(&server, "PUT", &format!("{base}/ata-vault"), changed).await.0, 200);
    let report = json!({"id": "o1", "note_name": "default/providers/security-advisor/notes/ata-vault", "kind": "FINDING", "finding": {"severity": "LOW"}});
    let (status, told) = ask(&server, "POST", "/findings/v1/default/providers/me/occurrences", report).await;
    assert_eq!(status, 409, "{told}");
    // Of a rule that is not custom the note is the rule's.
    let mut plain = note;
    plain["id"] = json!("ata-plain");
    assert_eq!(ask(&server, "POST", base, plain).await.0, 409);
}

#[tokio::test]
async fn a_file_becomes_a_package_at_once_is_upgraded_with_it_and_goes_with_it() {
    let mut server = Server::start().await;
    lay(&server, FILE, &rules(&[DELETE]));
    let listed = refreshed(&server).await;
    let made = package(&listed, "bucket-kms-rules");
    let shown = (&made["version"], &made["title"], &made["rules"], &made["is_enabled"], &made["is_builtin"]);
    assert_eq!(shown, (&json!("1.0.0"), &json!("kms-rules"), &json!(1), &json!(true), &json!(false)), "{made}");
    assert_eq!((&made["file"], &made["problem"]), (&json!(FILE), &Value::Null));
    let by_bucket = json!({"id": FILE, "name": "bucket", "typeURI": "service/storage/object"});
    let create = &told(&server, "create").await[0];
    assert_eq!((&create["initiator"], &create["requestData"]["file"]), (&by_bucket, &json!(FILE)), "{create}");
    server.send(event("e1", "bob", DELETE, "success", "2026-06-01T10:00:00+00:00")).await;
    let finding = "/api/v1/events?stream=findings&q=target.id:===saw-kms-secrets-delete";
    while ask(&server, "GET", finding, Value::Null).await.1["events"].as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }

    // Written anew with what it held, looked at again, and by another run of the server: no new version.
    let revision = package(&listed, "bucket-kms-rules").clone();
    lay(&server, FILE, &rules(&[DELETE]));
    assert_eq!(package(&refreshed(&server).await, "bucket-kms-rules"), &revision);
    server.restart().await;
    assert_eq!(package(&refreshed(&server).await, "bucket-kms-rules"), &revision);
    assert_eq!(told(&server, "update").await, [] as [Value; 0]);

    lay(&server, FILE, &rules(&[DELETE, READ]));
    let listed = refreshed(&server).await;
    let upgraded = package(&listed, "bucket-kms-rules");
    assert_eq!((&upgraded["version"], &upgraded["rules"]), (&json!("2.0.0"), &json!(2)), "{upgraded}");
    let update = told(&server, "update").await;
    assert_eq!((update.len(), &update[0]["initiator"]), (1, &by_bucket));

    take_away(&server, FILE);
    assert_eq!(package(&refreshed(&server).await, "bucket-kms-rules"), &Value::Null);
    assert_eq!(ask(&server, "GET", DELETED, Value::Null).await.0, 404);
    assert_eq!(told(&server, "delete").await[0]["initiator"], by_bucket);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_leaves_in_force_what_it_was_and_is_shown() {
    let server = Server::start().await;
    lay(&server, FILE, &rules(&[DELETE]));
    refreshed(&server).await;
    lay(&server, FILE, "these are no rules");
    let never = "IBM.rules/activities/never.json";
    lay(&server, never, "{}");
    for _ in 0..2 {
        let listed = refreshed(&server).await;
        let kept = package(&listed, "bucket-kms-rules");
        assert_eq!(kept["version"], "1.0.0");
        assert!(kept["problem"].as_str().unwrap().contains("no JSON"), "{kept}");
        assert!(problem(&listed, never).contains("'event' is missing"), "{listed}");
        assert_eq!(listed["problems"].as_array().unwrap().len(), 1, "that of a package stands beside it: {listed}");
    }
    assert_eq!(ask(&server, "GET", DELETED, Value::Null).await.1["rule"]["is_enabled"], true);
    let failed = server.told("action:===whodid.package.update outcome:failure").await;
    assert_eq!(failed.len(), 1, "told once");
    assert_eq!((&failed[0]["requestData"]["file"], &failed[0]["initiator"]["name"]), (&json!(FILE), &json!("bucket")));

    let command = server.run(&server.keys.admin_token, &["packages", "refresh"]);
    let notes = String::from_utf8_lossy(&command.stderr).into_owned();
    assert_eq!(command.status.code(), Some(3), "{notes}");
    assert!(notes.contains(FILE) && notes.contains(never), "{notes}");

    // A comma too many is mended, as in what is uploaded.
    lay(&server, FILE, &rules(&[DELETE, READ]).replace("}}]", "}},]"));
    take_away(&server, never);
    let listed = refreshed(&server).await;
    let mended = package(&listed, "bucket-kms-rules");
    assert_eq!((&mended["version"], &mended["problem"]), (&json!("2.0.0"), &Value::Null), "{mended}");
    assert_eq!(listed["problems"], json!([]));
}

#[tokio::test]
async fn people_switch_and_tune_it_and_the_file_alone_changes_it() {
    let server = Server::start().await;
    let mut dormant: Value = serde_json::from_str(&rules(&[DELETE, READ])).unwrap();
    dormant[1]["dormant"] = json!(true);
    lay(&server, FILE, &dormant.to_string());
    refreshed(&server).await;
    let path = "/api/v1/packages/bucket-kms-rules";
    let asleep = "/api/v1/rules/saw-kms-secrets-read";
    assert_eq!(ask(&server, "GET", asleep, Value::Null).await.1["rule"]["is_enabled"], false);
    assert_eq!(ask(&server, "PATCH", DELETED, json!({"level": "low"})).await.0, 200);

    let (status, refused) = ask(&server, "DELETE", path, Value::Null).await;
    assert_eq!((status, &refused["code"]), (409, &json!("conflict")));
    assert!(refused["detail"].as_str().unwrap().contains(FILE), "{refused}");
    let manifest = "id: bucket-kms-rules\nversion: 9.0.0\ntitle: Mine\nlicence: Apache-2.0\nauthor: mara\n";
    let files = BTreeMap::from([("package.yaml".to_owned(), manifest.to_owned())]);
    let archive = Package::from_files(files).unwrap().to_archive().unwrap();
    let (status, refused) = answer(server.admin("POST", "/api/v1/packages").body(archive)).await;
    assert_eq!(status, 409, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains(FILE), "{refused}");

    assert_eq!(ask(&server, "PATCH", path, json!({"is_enabled": false})).await.0, 200);
    lay(&server, FILE, &rules(&[DELETE]));
    let listed = refreshed(&server).await;
    let upgraded = package(&listed, "bucket-kms-rules");
    assert_eq!((&upgraded["version"], &upgraded["is_enabled"]), (&json!("2.0.0"), &json!(false)), "{upgraded}");
    assert_eq!(ask(&server, "GET", DELETED, Value::Null).await.1["rule"]["level"], "low");
}

#[tokio::test]
async fn a_name_or_a_size_that_is_not_one_of_rules_is_told_and_not_read() {
    let server = Server::start().await;
    let of = |name: &str| format!("IBM.rules/activities/{name}");
    for name in ["<script>.json", ".hidden.json", "README.md", "old/kms.json"] {
        lay(&server, &of(name), &rules(&[DELETE]));
    }
    let big = format!("{}{}", rules(&[READ]), " ".repeat(1 << 20));
    lay(&server, &of("big.json"), &big);
    let listed = refreshed(&server).await;
    let installed = listed["packages"].as_array().unwrap().iter().filter(|one| one["is_builtin"] == false);
    assert_eq!(installed.count(), 0, "{listed}");
    assert_eq!(listed["problems"].as_array().unwrap().len(), 3, "{}", listed["problems"]);
    for hostile in ["<script>.json", ".hidden.json"] {
        assert!(problem(&listed, &of(hostile)).contains("for its name"), "{listed}");
    }
    assert!(problem(&listed, &of("big.json")).contains("1048576 are allowed"), "{listed}");
}

#[tokio::test]
async fn a_rule_is_of_one_file_and_moves_to_another_in_one_look() {
    let server = Server::start().await;
    let (one, other) = ("IBM.rules/activities/a.json", "IBM.rules/activities/b.json");
    lay(&server, one, &rules(&[DELETE]));
    lay(&server, other, &rules(&[DELETE]));
    for _ in 0..3 {
        let listed = refreshed(&server).await;
        assert_eq!(package(&listed, "bucket-a")["rules"], 1);
        assert!(problem(&listed, other).contains("is there already"), "{listed}");
    }
    take_away(&server, one);
    let listed = refreshed(&server).await;
    assert_eq!((package(&listed, "bucket-a"), &package(&listed, "bucket-b")["rules"]), (&Value::Null, &json!(1)));
    // A file of the same name elsewhere is another, and so is its package.
    lay(&server, "default/IBM.rules/activities/b.json", &rules(&[READ]));
    let listed = refreshed(&server).await;
    let packages = listed["packages"].as_array().unwrap().iter();
    let files: Vec<&str> = packages.filter_map(|one| one["file"].as_str()).collect();
    assert_eq!(files, [other, "default/IBM.rules/activities/b.json"]);
}

#[tokio::test]
async fn an_account_has_the_rules_of_its_own_folder_alone() {
    let server = Server::start().await;
    let (status, made) = ask(&server, "POST", "/api/v1/accounts", json!({"name": "acme"})).await;
    assert_eq!(status, 201, "{made}");
    lay(&server, FILE, &rules(&[DELETE]));
    lay(&server, "acme/IBM.rules/activities/theirs.json", &rules(&[DELETE]));
    let (status, theirs) = ask(&server, "POST", "/api/v1/packages/refresh?account=acme", Value::Null).await;
    assert_eq!(status, 200, "{theirs}");
    let ours = refreshed(&server).await;
    let files = |listed: &Value| -> Vec<String> {
        let all = listed["packages"].as_array().unwrap().iter();
        all.filter_map(|one| one["file"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(files(&theirs), ["acme/IBM.rules/activities/theirs.json"]);
    assert_eq!(files(&ours), [FILE]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_storage_that_does_not_answer_or_is_not_the_right_one_changes_nothing() {
    let server = Server::start().await;
    lay(&server, FILE, &rules(&[DELETE]));
    refreshed(&server).await;
    // A folder that leads into itself cannot be listed.
    let circle = place(&server, "IBM.rules/activities/circle");
    std::os::unix::fs::symlink(".", &circle).unwrap();
    for _ in 0..3 {
        let listed = refreshed(&server).await;
        assert!(problem(&listed, "").contains("does not answer"), "{listed}");
        assert_eq!(package(&listed, "bucket-kms-rules")["version"], "1.0.0");
    }
    let logged = "rules in the account's storage cannot be used";
    server.says(logged).await;
    assert_eq!(server.log.lock().unwrap().matches(logged).count(), 1, "once, not at each look");
    let (status, reply) = server.send(event("e1", "bob", READ, "success", "2026-06-01T10:00:00+00:00")).await;
    assert_eq!((status, &reply["accepted"]), (200, &json!(1)));
    std::fs::remove_file(&circle).unwrap();
    assert_eq!(refreshed(&server).await["problems"], json!([]));

    // What stands in for a storage that is not mounted has neither the file nor the claim.
    let (claim, aside) = (place(&server, "_whodid/owner.json"), server.data().join("aside"));
    std::fs::rename(&claim, &aside).unwrap();
    take_away(&server, FILE);
    for _ in 0..2 {
        let listed = refreshed(&server).await;
        let kept = package(&listed, "bucket-kms-rules");
        assert!(kept["problem"].as_str().unwrap().contains("stay in force"), "{kept}");
    }
    std::fs::rename(&aside, &claim).unwrap();
    assert_eq!(package(&refreshed(&server).await, "bucket-kms-rules"), &Value::Null);
}
