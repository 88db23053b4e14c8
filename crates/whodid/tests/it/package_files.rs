//! Packages as their files: begun, checked, read, changed and installed again, over HTTP and on the command line.

use serde_json::{Value, json};

use crate::boundary::{Server, answer, run};
use crate::command_line::json as read;
use crate::ruling::package;

async fn ask(server: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = server.admin(method, path);
    answer(if body.is_null() { request } else { request.json(&body) }).await
}

#[tokio::test]
async fn files_are_read_changed_checked_and_installed_over_the_version_they_were_written_on() {
    let server = Server::start().await;
    let first = package("1.0.0");
    let (status, checked) = ask(&server, "POST", "/api/v1/packages/check", json!({"files": first.files})).await;
    assert_eq!((status, &checked["refusal"], &checked["added"]), (200, &Value::Null, &json!(["mine-not-admin"])));
    assert_eq!(checked["files"], json!([]), "of a new package all is new");
    assert_eq!(ask(&server, "GET", "/api/v1/packages/mine/files", Value::Null).await.0, 404, "a check keeps nothing");
    let (status, installed) = ask(&server, "POST", "/api/v1/packages", json!({"files": first.files})).await;
    assert_eq!(status, 200, "{installed}");
    // The archive of the same files is the same package.
    assert_eq!(installed["package"]["digest"], first.digest());
    let (_, held) = ask(&server, "GET", "/api/v1/packages/mine/files", Value::Null).await;
    assert_eq!((&held["files"], &held["digest"]), (&json!(first.files), &json!(first.digest())));

    let mut files = first.files.clone();
    let rule = files.get_mut("rules/one.yml").unwrap();
    rule.push_str("level: high\n");
    let second = rule.replace("mine-not-admin", "mine-two").replace("Not an", "Still no");
    files.insert("rules/two.yml".to_owned(), second);
    let (_, checked) = ask(&server, "POST", "/api/v1/packages/check", json!({"files": files})).await;
    assert_eq!(checked["previous_version"], "1.0.0");
    assert_eq!((&checked["added"], &checked["changed"]), (&json!(["mine-two"]), &json!(["mine-not-admin"])));
    let changes = checked["files"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{checked}");
    assert_eq!(changes[0]["before"], json!(first.files["rules/one.yml"]));
    assert_eq!(changes[0]["after"], json!(files["rules/one.yml"]));
    assert!(changes[1].get("before").is_none(), "it is new: {}", changes[1]);
    let on = format!("/api/v1/packages?replaces={}", first.digest());
    let (status, upgraded) = ask(&server, "POST", &on, json!({"files": files})).await;
    assert_eq!((status, &upgraded["changed"]), (200, &json!(["mine-not-admin"])), "{upgraded}");

    // What is meant to be new takes no place of another.
    let (status, taken) = ask(&server, "POST", "/api/v1/packages?replaces=none", json!({"files": files})).await;
    assert_eq!((status, taken["code"].as_str()), (409, Some("name_taken")), "{taken}");

    // Whoever wrote on the first version must not take the second back unseen.
    let (status, late) = ask(&server, "POST", &on, json!({"files": first.files})).await;
    assert_eq!((status, late["code"].as_str()), (409, Some("conflict")), "{late}");
    let (_, held) = ask(&server, "GET", "/api/v1/packages/mine/files", Value::Null).await;
    assert_eq!(held["files"], json!(files));
}

#[tokio::test]
async fn a_check_says_all_that_is_wrong_and_why_it_would_be_refused() {
    let server = Server::start().await;
    let mut files = package("1.0.0").files;
    files.insert(
        "rules/two.yml".into(),
        "title: t\nid: two\nlogsource: {category: activity}\ndetection: {s: {'a|begins': x}, condition: s}\n".into(),
    );
    files.insert(
        "rules/three.yml".into(),
        "title: t\nid: three\nlogsource: {category: activity}\ndetection: {s: {a: x}, condition: nothing}\n".into(),
    );
    let check = async |files: &Value| ask(&server, "POST", "/api/v1/packages/check", json!({"files": files})).await;
    let (status, checked) = check(&json!(files)).await;
    assert_eq!(status, 200, "{checked}");
    let wrong: Vec<&str> =
        checked["problems"].as_array().unwrap().iter().filter_map(|problem| problem["file"].as_str()).collect();
    assert_eq!(wrong.len(), 2, "{checked}");
    assert!(checked["refusal"].as_str().unwrap().contains("nothing was installed"), "{checked}");

    let mut builtin = package("1.0.0").files;
    let manifest = builtin["package.yaml"].replace("id: mine", "id: whodid-self");
    builtin.insert("package.yaml".into(), manifest);
    let (_, checked) = check(&json!(builtin)).await;
    assert!(checked["refusal"].as_str().unwrap().contains("came with whodid"), "{checked}");

    // Without a manifest that can be read there is no package to speak of.
    for wrong in [
        json!({}),
        json!({"package.yaml": "id: ["}),
        json!({"../out": "x"}),
        json!({"./package.yaml": "id: a"}),
        json!({"": "x"}),
        json!({"a.yml": 3}),
    ] {
        let (status, refused) = check(&wrong).await;
        assert_eq!(status, 400, "{wrong}: {refused}");
    }
    assert_eq!(ask(&server, "POST", "/api/v1/packages", json!({"file": {}})).await.0, 400, "a member that is none");
}

#[test]
fn a_package_is_begun_in_an_empty_folder_passes_its_check_and_shows_lines_that_differ() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let one = path("acme-pay");
    let made = read(&run(&["packages", "new", &one, "--title", "Acme: pay", "--author", "mara", "--output", "json"]));
    assert_eq!(made["id"], "acme-pay");
    assert!(run(&["packages", "check", &one]).status.success());
    let again = run(&["packages", "new", &one]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("not empty"));
    let wrong = run(&["packages", "new", &path("No id")]);
    assert_eq!(wrong.status.code(), Some(1), "{}", String::from_utf8_lossy(&wrong.stderr));
    assert!(!folder.path().join("No id").exists(), "nothing is made of what cannot be");

    let two = path("two");
    std::fs::create_dir_all(folder.path().join("two/rules")).unwrap();
    for name in ["package.yaml", "rules/example.yml"] {
        let text = std::fs::read_to_string(folder.path().join("acme-pay").join(name)).unwrap();
        let text = text.replace("level: medium", "level: high");
        std::fs::write(folder.path().join("two").join(name), text).unwrap();
    }
    let shown = run(&["packages", "diff", &one, &two]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("--- a/rules/example.yml\n") && shown.contains("\n-level: medium\n+level: high\n"),
        "{shown}"
    );
    assert!(!shown.contains("package.yaml"), "what is the same is not shown: {shown}");
}
