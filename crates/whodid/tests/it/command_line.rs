//! The command line: what it prints, its exit codes, and that it keeps secrets to itself.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use serde_json::Value;

use crate::boundary::{Server, event, init, run, whodid};

pub fn json(output: &std::process::Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn lines(count: usize) -> String {
    (0..count).map(|n| event(&format!("e-{n}"), "alice", "create", "success", "2026-11-20T08:00:00Z") + "\n").collect()
}

#[test]
fn init_prints_what_automation_needs_and_refuses_a_second_time() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let keys = init(&data);
    assert!(keys.admin_link.starts_with("http://127.0.0.1:7700/sign-in?token="));
    assert!(
        keys.admin_token.starts_with("wat_")
            && keys.ingestion_key.starts_with("wik_")
            && keys.service_key.starts_with("wsk_")
    );
    let before = std::fs::read(data.join("meta.sqlite")).unwrap();
    let again = run(&["init", "--data", data.to_str().unwrap(), "--output", "json"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(again.stdout.is_empty());
    assert!(String::from_utf8_lossy(&again.stderr).contains("initialised already"));
    let is_same = std::fs::read(data.join("meta.sqlite")).unwrap() == before;
    assert!(is_same, "what was refused changes nothing");
}

#[test]
fn wrong_usage_ends_with_two_and_every_help_has_two_examples() {
    assert_eq!(run(&["serve", "--colour"]).status.code(), Some(2));
    assert_eq!(run(&["nonsense"]).status.code(), Some(2));
    for wrong in [
        &["events", "count"][..],
        &["events", "count", "--key", "x", "--url", "localhost"],
        &["events", "count", "--key", "x", "--timeout", "soon"],
        &["events", "send", "x", "--key", "x", "--retry-for", "soon"],
        &["events", "send", "x", "--key", "x", "--resume-id", "x"],
        &["generate", "--end", "someday"],
        &["keys", "create", "--kind", "administrator", "--name", "x", "--key", "x"],
        &["keys", "create", "--kind", "service", "--name", "", "--data", "x"],
    ] {
        let output = run(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("whodid.toml");
    std::fs::write(&file, "[query]\ntimout = '5s'\n").unwrap();
    let refused = run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("did you mean `query.timeout`"));
    for verb in [
        "serve",
        "init",
        "demo",
        "generate",
        "sql",
        "sign-in-link",
        "doctor",
        "openapi",
        "version",
        "config check",
        "events search",
        "events count",
        "events top",
        "events tail",
        "events get",
        "events send",
        "events export",
        "rejects list",
        "rejects summary",
        "keys create",
        "keys list",
        "keys revoke",
        "rules show",
        "locations install",
        "locations show",
        "exceptions list",
        "exceptions show",
        "exceptions create",
        "exceptions end",
        "silences list",
        "silences create",
        "silences end",
    ] {
        let arguments: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
        let help = String::from_utf8(run(&arguments).stdout).unwrap();
        let examples = help.split("Examples:").nth(1).unwrap_or_else(|| panic!("{verb} has no examples"));
        assert!(examples.lines().filter(|line| line.contains("whodid ")).count() >= 2, "{verb}: {examples}");
    }
}

#[test]
fn lint_counts_each_document_once_and_does_not_fail_for_warnings() {
    let folder = tempfile::tempdir().unwrap();
    let lint = |name: &str, text: &str, output: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        run(&["rules", "lint", file.to_str().unwrap(), "--output", output])
    };
    let rule = |item: &str| {
        format!("title: T\nid: t\nlogsource: {{product: aws}}\ndetection: {{sel: {{{item}}}, condition: sel}}\n")
    };
    let bad = lint("bad.yml", &rule("a|cidr: 10.0.0.0/40, b|re: '('"), "table");
    assert_eq!(bad.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("0 rules can be used; 1 document cannot"), "{bad:?}");
    let shown = String::from_utf8_lossy(&bad.stdout).into_owned();
    assert!(shown.starts_with("FILE") && shown.contains("LINE") && shown.lines().count() == 3, "{shown}");
    let waiting = json(&lint("waiting.yml", &rule("a|expand: '%admins%'"), "json"));
    assert_eq!((&waiting["rules"], &waiting["problems"][0]["gravity"]), (&1.into(), &"warning".into()), "{waiting}");
}

#[test]
fn rules_over_a_file_leave_dormant_ones_out_until_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let rule = |name: &str, dormant: bool| {
        serde_json::json!({"dormant": dormant, "conditions": {"all": [{"fact": "action", "operator": "equal", "value": "kms.secrets.read"}]},
        "event": {"type": name, "params": {"findingType": name}}})
    };
    let (rules, events) = (folder.path().join("rules.json"), folder.path().join("events.ndjson"));
    std::fs::write(&rules, Value::from(vec![rule("awake", false), rule("asleep", true)]).to_string()).unwrap();
    std::fs::write(&events, event("e1", "alice", "kms.secrets.read", "success", "2026-11-20T08:00:00Z")).unwrap();
    let matched = |more: &[&str]| {
        let fixed = [
            "rules",
            "match",
            "--output",
            "ndjson",
            "--rules",
            rules.to_str().unwrap(),
            "--events",
            events.to_str().unwrap(),
        ];
        let output = run(&[&fixed, more].concat());
        let of = |line: &str| serde_json::from_str::<Value>(line).unwrap()["rule_id"].as_str().unwrap().to_owned();
        String::from_utf8(output.stdout).unwrap().lines().map(of).collect::<Vec<String>>()
    };
    assert_eq!(matched(&[]), ["awake"]);
    assert_eq!(matched(&["--with-dormant"]), ["awake", "asleep"]);
}

#[test]
fn config_check_tells_where_each_value_comes_from_and_hides_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("whodid.toml");
    std::fs::write(
        &file,
        "listen = '127.0.0.1:1'\n[lake]\nurl = 's3://b/x'\n[lake.options]\naccess_key_id = 'k'\nsecret_access_key = 'canary'\n",
    )
    .unwrap();
    let output = whodid()
        .args(["config", "check", "--output", "json", "--config"])
        .arg(&file)
        .env("WHODID_QUERY__TIMEOUT", "7s")
        .output()
        .unwrap();
    let printed = json(&output);
    let find = |key: &str| printed["config"].as_array().unwrap().iter().find(|one| one["key"] == key).unwrap().clone();
    assert_eq!(find("query.timeout")["source"], "environment WHODID_QUERY__TIMEOUT");
    assert_eq!(find("listen")["value"], "127.0.0.1:1");
    assert_eq!(find("lake.options.secret_access_key")["value"], "(hidden)");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_folders_and_standard_input_are_sent_and_sent_again_without_harm() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    std::fs::create_dir_all(logs.join("deeper")).unwrap();
    let text = lines(25_000);
    std::fs::write(logs.join("a.ndjson"), &text[..text.len() / 2]).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(b"{\"action\":\"create\"}\nnonsense\n").unwrap();
    std::fs::write(logs.join("deeper/b.gz"), gz.finish().unwrap()).unwrap();
    let key = &server.keys.ingestion_key;
    let send = || server.run(key, &["events", "send", logs.to_str().unwrap(), "--output", "json"]);
    let first = send();
    // Something was found: a reject.
    assert_eq!(first.status.code(), Some(3), "{}", String::from_utf8_lossy(&first.stderr));
    let told: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!((&told["rejected"], &told["not_sent"]), (&2.into(), &0.into()), "{told}");
    let stored = server.count().await;
    assert_eq!(told["accepted"], stored);
    assert!(told["rejects"].to_string().contains("deeper/b.gz: line 2"), "{told}");
    // The same again sends nothing and says so.
    let again = send();
    assert_eq!(again.status.code(), Some(3));
    let told: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(
        (&told["accepted"], &told["repeated"], &told["rejected"]),
        (&0.into(), &stored.into(), &2.into()),
        "{told}"
    );
    assert_eq!(server.count().await, stored);
    assert_eq!(server.read("/api/v1/rejects/summary").await["total"], 2);

    let mut piped = whodid()
        .args(["events", "send", "-"])
        .env("WHODID_URL", &server.url)
        .env("WHODID_KEY", key)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    piped
        .stdin
        .take()
        .unwrap()
        .write_all(event("piped", "bob", "read", "success", "2026-11-20T08:00:00Z").as_bytes())
        .unwrap();
    assert!(piped.wait().unwrap().success());
    assert_eq!(server.count().await, stored + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_over_several_lines_arrive_whole_and_verbatim() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("documents.json");
    let document = |n: usize| {
        format!(
            "{{\n  \"action\": \"multi.doc\",\n  \"n\": {n},\n  \"x\": [\n    {{\n      \"z\": \"w\"\n    }}\n  ]\n}}"
        )
    };
    let text: String = (0..3000).map(|n| document(n) + "\n").collect();
    std::fs::write(&file, text).unwrap();
    let key = &server.keys.ingestion_key;
    let sent = server.run(key, &["events", "send", file.to_str().unwrap(), "--output", "json"]);
    let told: Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert_eq!((&told["accepted"], &told["rejected"]), (&3000.into(), &0.into()), "{told}");
    let found = server.read("/api/v1/events?q=n:==2999").await;
    assert_eq!(found["events"][0]["raw"], document(2999));
    let rejects = "  not json here  \n\ttab\t\r\n";
    std::fs::write(&file, rejects).unwrap();
    assert_eq!(server.run(key, &["events", "send", file.to_str().unwrap()]).status.code(), Some(3));
    let kept = server.read("/api/v1/rejects").await;
    let raws: Vec<_> = kept["rejects"].as_array().unwrap().iter().map(|reject| reject["raw"].clone()).collect();
    assert_eq!(raws, ["\ttab\t", "  not json here  "]);
}

/// Runs `events send -` with this on standard input; what it printed.
fn pipe(server: &Server, text: &str, more: &[&str]) -> Value {
    let mut child = whodid()
        .args(["events", "send", "-", "--output", "json"])
        .args(more)
        .env("WHODID_URL", &server.url)
        .env("WHODID_KEY", &server.keys.ingestion_key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    json(&child.wait_with_output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_bytes_of_two_deliveries_are_both_stored() {
    let server = Server::start().await;
    // An event without an id, as a job sends it every night.
    let text = "{\"action\":\"backup.done\",\"outcome\":\"success\"}\n";
    for run in 1..=2 {
        assert_eq!(pipe(&server, text, &[])["accepted"], 1);
        assert_eq!(server.count().await, run);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("one"), text).unwrap();
    std::fs::write(folder.path().join("two"), text).unwrap();
    let key = &server.keys.ingestion_key;
    let send = |more: &[&str]| {
        let arguments = [&["events", "send", folder.path().to_str().unwrap(), "--output", "json"], more].concat();
        json(&server.run(key, &arguments))
    };
    assert_eq!(send(&[])["accepted"], 2);
    assert_eq!(server.count().await, 4);
    assert_eq!((&send(&[])["accepted"], &send(&[])["repeated"]), (&0.into(), &2.into()));
    assert_eq!(server.count().await, 4);
    // A run that has a name is one delivery, and so is what is asked for again.
    assert_eq!(pipe(&server, text, &["--resume-id", "night-1"])["accepted"], 1);
    pipe(&server, text, &["--resume-id", "night-1"]);
    assert_eq!(server.count().await, 5);
    assert_eq!(send(&["--again"])["accepted"], 2);
    assert_eq!(server.count().await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_stored_before_the_command_could_note_it_counts_as_repeated() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events");
    std::fs::write(&file, "{\"action\":\"a.b.read\"}\n{\"action\":\"a.b.read\"}\nnonsense\n").unwrap();
    // What is remembered of the first run is not there for the second, as after a break between answer and note.
    let send = |state: &str| {
        let output = whodid()
            .args(["events", "send", file.to_str().unwrap(), "--output", "json"])
            .env("WHODID_URL", &server.url)
            .env("WHODID_KEY", &server.keys.ingestion_key)
            .env("XDG_STATE_HOME", folder.path().join(state))
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        ["accepted", "repeated", "rejected"].map(|name| told[name].as_u64().unwrap())
    };
    assert_eq!(send("one"), [2, 0, 1]);
    assert_eq!(send("two"), [0, 2, 1]);
    assert_eq!(send("two"), [0, 2, 1], "now it is noted");
    assert_eq!(server.count().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_for_one_request_is_sent_in_parts() {
    let server = Server::start().await;
    // Each line is a list that the server takes apart: together more events than it takes at once.
    let line = format!("{{\"items\":[{}]}}\n", vec!["{\"action\":\"create\"}"; 4_000].join(","));
    let told = pipe(&server, &line.repeat(4), &[]);
    assert_eq!((&told["accepted"], &told["not_sent"]), (&16_000.into(), &0.into()), "{told}");
    let told = pipe(&server, "{\"items\":[]}\n", &[]);
    assert_eq!((&told["accepted"], &told["rejected"]), (&0.into(), &0.into()), "{told}");
}

/// A server that gives this answer to every connection, or none and waits.
fn stand_in(answer: Option<&'static str>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = stream;
            if let Some(answer) = answer {
                let mut head = [0; 4096];
                std::io::Read::read(&mut stream, &mut head).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            } else {
                held.push(stream);
            }
        }
    });
    url
}

#[test]
fn a_server_that_never_answers_or_is_elsewhere_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one");
    std::fs::write(&file, "{}").unwrap();
    let send = |url: &str| {
        let arguments = ["events", "send", file.to_str().unwrap(), "--retry-for", "1s", "--url", url, "--key", "wik_x"];
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(send(&stand_in(None)).contains("busy or away"));
    // A proxy that never takes so much: told, not tried for ever.
    let proxy = stand_in(Some("HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlarge"));
    let url = ["--url", &proxy, "--key", "wik_x", "--output", "json"];
    let output = run(&[&["events", "send", file.to_str().unwrap()][..], &url].concat());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["not_sent"]), (Some(3), &1.into()), "{told}");
    let counted = run(&["events", "count", "--timeout", "1s", "--url", &stand_in(None), "--key", "wsk_x"]);
    assert_eq!(counted.status.code(), Some(1));
    let moved = stand_in(Some(
        "HTTP/1.1 301 Moved Permanently\r\nlocation: https://audit.example.com/api/v1/events?format=auto\r\ncontent-length: 0\r\n\r\n",
    ));
    let said = send(&moved);
    assert!(said.contains("another address: \"https://audit.example.com/api/v1/events\""), "{said}");
}

#[test]
fn what_keeps_a_send_waiting_is_told_at_once_and_what_cannot_pass_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one");
    std::fs::write(&file, "{}").unwrap();
    let send = |more: &[&str]| {
        let output = run(&[&["events", "send", file.to_str().unwrap()][..], more].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = send(&["--retry-for", "1s", "--url", "http://127.0.0.1:9", "--key", "wik_x"]);
    assert!(said.contains("cannot reach http://127.0.0.1:9") && said.contains("trying again"), "{said}");
    assert!(said.contains("stayed busy or away") && said.contains("run the same command again"), "{said}");
    assert_eq!(code, Some(1));
    let plain = stand_in(Some("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
    let (code, said) = send(&["--url", &plain.replace("http:", "https:"), "--key", "wik_x", "--retry-for", "2s"]);
    assert!(said.contains("without TLS") && !said.contains("trying again"), "{said}");
    assert_eq!(code, Some(1));
    let (code, said) = send(&["--url", "http://127.0.0.1:9"]);
    assert!(code == Some(2) && said.contains("no key"), "{said}");
    let (code, said) = send(&["--format", "cloudtrial", "--key", "wik_x"]);
    assert!(code == Some(2) && said.contains("cloudtrail"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_archive_keeps_no_other_file_from_being_sent() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(lines(100).as_bytes()).unwrap();
    let whole = gz.finish().unwrap();
    std::fs::write(folder.path().join("a.gz"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(folder.path().join("b.ndjson"), "{\"action\":\"create\"}\n").unwrap();
    let key = &server.keys.ingestion_key;
    let send = || server.run(key, &["events", "send", folder.path().to_str().unwrap(), "--output", "json"]);
    let broken = send();
    let told: Value = serde_json::from_slice(&broken.stdout).unwrap();
    assert_eq!((&told["unreadable"], server.count().await), (&1.into(), 1), "{told}");
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&broken.stderr).contains("a.gz"));
    std::fs::write(folder.path().join("a.gz"), &whole).unwrap();
    let mended = send();
    assert!(mended.status.success(), "{}", String::from_utf8_lossy(&mended.stderr));
    assert_eq!(server.count().await, 101);
    let wrong = server.run("wik_nosuch", &["events", "send", folder.path().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(!wrong.status.success() && !said.contains("same command"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_to_a_file_is_whole_or_not_there_and_takes_the_form_of_its_name() {
    let server = Server::start().await;
    server.send(lines(3)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("three.csv");
    let export = |url: &str| {
        let mut command = whodid();
        command.args(["events", "export", "--columns", "action", "--file"]).arg(&file);
        command.env("WHODID_URL", url).env("WHODID_KEY", &server.keys.service_key).output().unwrap()
    };
    let done = export(&server.url);
    assert!(String::from_utf8_lossy(&done.stderr).contains("three.csv"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "action\r\ncreate\r\ncreate\r\ncreate\r\n");
    let breaks_off = stand_in(Some("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\naction\r\n"));
    let broken = export(&breaks_off);
    assert!(!broken.status.success() && String::from_utf8_lossy(&broken.stderr).contains("was not written"));
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 4, "what was there stays");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_finds_nothing_tells_a_slip_in_a_name() {
    let server = Server::start().await;
    server.send(lines(3)).await;
    let said = |query: &str| {
        let output = server.run(&server.keys.service_key, &["events", "search", query]);
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said("userIdentity.nme:bob").contains("no event has a field called userIdentity.nme"));
    assert!(said("outcome:denied").contains("result:denied"));
    assert_eq!(said("initiator.name:nobody"), "nothing matches\n");
    let wrong = server.run(&server.keys.service_key, &["events", "search", "initiator.name:bob action:"]);
    let shown = String::from_utf8(wrong.stderr).unwrap();
    let place = shown.lines().find(|line| line.contains('^')).unwrap().find('^');
    assert_eq!((place, wrong.status.code()), (Some("initiator.name:bob action:".len()), Some(1)), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_goes_on_after_the_server_was_killed() {
    let mut server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.ndjson");
    // Without ids: only the batches' own keys keep them from being stored twice.
    let text: String = (0..60_000).map(|n| format!("{{\"action\":\"create\",\"number\":{n}}}\n")).collect();
    std::fs::write(&file, text).unwrap();
    let send = |server: &Server| {
        whodid()
            .args(["events", "send", "--retry-for", "1s", "--output", "json"])
            .arg(&file)
            .env("WHODID_URL", &server.url)
            .env("WHODID_KEY", &server.keys.ingestion_key)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let first = send(&server);
    while server.count().await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    server.kill();
    let broken = first.wait_with_output().unwrap();
    if !broken.status.success() {
        assert!(String::from_utf8_lossy(&broken.stderr).contains("run the same command again"));
    }
    server.restart().await;
    let second = send(&server).wait_with_output().unwrap();
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(server.count().await, 60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_verbs_print_every_form() {
    let server = Server::start().await;
    server.send(lines(3) + "nonsense").await;
    let key = &server.keys.service_key;
    let text = |arguments: &[&str]| {
        let output = server.run(key, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&["events", "search", "alice"]).starts_with("TIME"));
    assert_eq!(text(&["events", "search", "--output", "ndjson", "--limit", "2"]).lines().count(), 2);
    assert!(
        text(&["events", "search", "--output", "csv"])
            .starts_with("eventTime,initiator.name,action,target.name,outcome,record.id\r\n")
    );
    assert_eq!(text(&["events", "count", "--output", "csv"]), "count\r\n3\r\n");
    assert_eq!(text(&["events", "top", "action"]), "VALUE   COUNT\ncreate  3\n");
    assert!(text(&["events", "get", "e-1"]).starts_with("summary"));
    assert_eq!(text(&["events", "export"]).lines().count(), 3);
    assert!(text(&["rejects", "list"]).contains("not_json"));
    assert!(text(&["rejects", "summary", "--output", "json"]).contains("\"total\": 1"));
    assert_eq!(text(&["sql", "--output", "ndjson", "SELECT count(*) AS n FROM events"]), "{\"n\":3}\n");
    let refused = server.run(key, &["events", "search", "a AND ("]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("(bad_query)"));
    let made = server
        .run(&server.keys.admin_token, &["keys", "create", "--kind", "service", "--name", "x", "--output", "json"]);
    let made = json(&made);
    assert!(
        json(&server.run(&server.keys.admin_token, &["keys", "list", "--output", "json"]))
            .to_string()
            .contains(made["id"].as_str().unwrap())
    );
    assert!(server.run(&server.keys.admin_token, &["keys", "revoke", made["id"].as_str().unwrap()]).status.success());
    let away = whodid().args(["events", "count", "--url", "http://127.0.0.1:1", "--key", key]).output().unwrap();
    assert_eq!(away.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&away.stderr).contains("is the server running?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_came_over_many_lines_leaves_on_one() {
    let server = Server::start().await;
    let follower = whodid()
        .args(["events", "tail", "--output", "ndjson"])
        .env("WHODID_URL", &server.url)
        .env("WHODID_KEY", &server.keys.service_key)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut follower = Killed(follower);
    let mut followed = std::io::BufReader::new(follower.0.stdout.take().unwrap());
    let first_line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut followed, &mut line).unwrap();
        line
    });
    let pretty = |id: u32| {
        let event: Value =
            serde_json::from_str(&event(&format!("p-{id}"), "alice", "create", "success", "2026-11-20T08:00:00Z"))
                .unwrap();
        serde_json::to_string_pretty(&event).unwrap().replace('\n', "\r\n")
    };
    // Nobody tells when the tail has begun to follow, so events are sent until it shows one.
    let mut sent = 0;
    while !first_line.is_finished() {
        assert_eq!(server.send(pretty(sent)).await.1["accepted"], 1);
        sent += 1;
    }
    let tailed: Value = serde_json::from_str(&first_line.await.unwrap()).unwrap();
    assert_eq!(tailed["target"]["name"], "k17");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.ndjson");
    let exported = server.run(&server.keys.service_key, &["events", "export", "--file", file.to_str().unwrap()]);
    assert!(exported.status.success(), "{exported:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), sent as usize);
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["observer"]["name"], "kms");
        // The raw text stays as it came.
        assert!(event["raw"].as_str().unwrap().contains("\r\n"), "{line}");
    }
    // What was taken away can be sent elsewhere, an event a line.
    let other = Server::start().await;
    let again = other.run(&other.keys.ingestion_key, &["events", "send", file.to_str().unwrap(), "--output", "json"]);
    assert_eq!(json(&again)["accepted"], sent);
}

/// A child that does not outlive its test.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn doctor_and_sign_in_link_work_beside_a_running_server() {
    let server = Server::start().await;
    let data = server.data();
    let checks = json(&run(&["doctor", "--data", data.to_str().unwrap(), "--output", "json"]));
    let verdicts: Vec<_> =
        checks["checks"].as_array().unwrap().iter().map(|one| (&one["check"], &one["verdict"])).collect();
    assert!(verdicts.iter().all(|(_, verdict)| **verdict != "fail"), "{checks}");
    let missing = run(&["doctor", "--data", "/nowhere/at/all"]);
    assert_eq!(missing.status.code(), Some(3));
    // What the server is writing is not the doctor's to tidy.
    let half_written = data.join("lake/part.parquet#1");
    std::fs::write(&half_written, "half").unwrap();
    run(&["doctor", "--data", data.to_str().unwrap()]);
    assert!(half_written.exists());
    // The link names the port that this server was started with.
    let link = json(&run(&["sign-in-link", "--data", data.to_str().unwrap(), "--output", "json"]));
    assert!(link["admin_link"].as_str().unwrap().starts_with(&server.url), "{link}");
    assert!(!server.sign_in().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_segments_that_are_gone_and_logs_that_are_lost() {
    let mut server = Server::start().await;
    server.send(event("a", "bob", "x.y.read", "success", "2026-11-20T08:00:00Z")).await;
    assert_eq!(server.stop().await, Some(0));
    let look = || {
        let output = run(&["doctor", "--data", server.data().to_str().unwrap(), "--output", "json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = told["checks"].as_array().unwrap().clone();
        let lake = checks.into_iter().find(|one| one["check"] == "lake").unwrap();
        (lake["verdict"].as_str().unwrap().to_owned(), lake["detail"].as_str().unwrap().to_owned())
    };
    assert_eq!(look().0, "ok");
    let table = server.data().join("lake/default/activity");
    let segment = std::fs::read_dir(table.join("event_date=2026-11-20")).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &bytes[..bytes.len() / 2]).unwrap();
    let (verdict, detail) = look();
    assert!(verdict == "fail" && detail.contains("1 segments that are gone or cut"), "{detail}");
    std::fs::write(&segment, bytes).unwrap();
    std::fs::rename(table.join("_delta_log"), server.data().join("aside")).unwrap();
    let (verdict, detail) = look();
    assert!(verdict == "fail" && detail.contains("segments but no log"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_shows_only_some_says_so_beside_its_rows() {
    let server = Server::start().await;
    server.send(lines(3)).await;
    let search = |limit: &str| {
        let mut command = whodid();
        command.args(["events", "search", "--output", "csv", "--limit", limit]);
        command.env("WHODID_URL", &server.url).env("WHODID_KEY", &server.keys.service_key).output().unwrap()
    };
    let some = search("2");
    assert_eq!(String::from_utf8_lossy(&some.stdout).lines().count(), 3);
    assert!(String::from_utf8_lossy(&some.stderr).contains("2 events shown, there are more"));
    let all = search("3");
    assert_eq!((String::from_utf8_lossy(&all.stdout).lines().count(), all.stderr.len()), (4, 0));
}

#[test]
fn doctor_tells_a_lake_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    init(&data);
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let look = |lake: &Path| {
        let mut command = whodid();
        command.args(["doctor", "--output", "json", "--data"]).arg(&data).env("WHODID_LAKE__URL", lake);
        let output = command.output().unwrap();
        let checks: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = checks["checks"].as_array().unwrap().clone();
        let lake = checks.into_iter().find(|one| one["check"] == "lake").unwrap();
        (output.status.code(), lake["detail"].as_str().unwrap().to_owned())
    };
    for lake in [file.clone(), file.join("deeper")] {
        let (code, detail) = look(&lake);
        assert!(code == Some(3) && detail.contains("is a file"), "{detail}");
    }
    let lake = folder.path().join("new/lake");
    assert!(look(&lake).1.contains("is made"));
    assert!(!lake.exists() && !folder.path().join("new").exists());
    // A table whose log cannot be read.
    let log = folder.path().join("lake/default/activity/_delta_log");
    std::fs::create_dir_all(&log).unwrap();
    std::fs::write(log.join("00000000000000000000.json"), "broken").unwrap();
    let (code, detail) = look(&folder.path().join("lake"));
    assert!(code == Some(3) && detail.contains("activity"), "{detail}");
}

#[tokio::test]
async fn a_second_server_on_the_folder_is_refused() {
    let server = Server::start().await;
    let second = run(&["serve", "--listen", "127.0.0.1:0", "--data", server.data().to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("in use") || said.contains("another process"), "{said}");
    assert_eq!(server.count().await, 0);
}

/// Runs `serve` until it listens or ends; its exit code after a request to stop, standard output, and log.
fn serve(data: &Path) -> (Option<i32>, String, String) {
    let mut child = whodid()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    while !log.contains("listening") && std::io::BufRead::read_line(&mut stderr, &mut log).unwrap() > 0 {}
    if log.contains("listening") {
        assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    }
    std::io::Read::read_to_string(&mut stderr, &mut log).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), log)
}

#[test]
fn a_server_on_a_new_folder_initialises_it_and_shows_the_link_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (run, expected) in [(1, true), (2, false)] {
        let (code, printed, log) = serve(&data);
        assert_eq!(code, Some(0), "run {run}: {log}");
        assert_eq!(printed.contains("/sign-in?token="), expected, "run {run}: {printed}");
        assert!(!log.contains("token="), "{log}");
    }
    // Nobody saw keys, so there are none.
    let listed = json(&run(&["keys", "list", "--data", data.to_str().unwrap(), "--output", "json"]));
    assert_eq!(listed["keys"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_link_is_shown_also_when_the_first_start_fails() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("journal"), "in the way").unwrap();
    let (code, printed, log) = serve(&data);
    assert_eq!(code, Some(1), "{log}");
    let token = printed.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    std::fs::remove_file(data.join("journal")).unwrap();
    let keys = crate::boundary::Keys {
        admin_link: format!("?token={token}"),
        admin_token: String::new(),
        ingestion_key: String::new(),
        service_key: String::new(),
    };
    let server = Server::on(Arc::new(folder), keys, &[]).await;
    let body = serde_json::json!({ "token": token });
    assert_eq!(server.request("POST", "/api/v1/sessions").json(&body).send().await.unwrap().status(), 201);
}

#[test]
fn folders_are_closed_to_others_and_an_open_one_is_warned_of() {
    let mode = |path: &Path| std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777;
    let set = |path: &Path| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    let folder = tempfile::tempdir().unwrap();
    // Made for whodid, and with nothing in it: closed.
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    set(&empty);
    let (_, _, log) = serve(&empty);
    assert_eq!(mode(&empty), 0o700);
    assert!(!log.contains("may enter"), "{log}");
    // With something of somebody's in it: left as it is, with a warning; what whodid makes is closed.
    let shared = folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::write(shared.join("notes"), "").unwrap();
    set(&shared);
    let (_, _, log) = serve(&shared);
    assert_eq!(mode(&shared), 0o755);
    assert!(log.contains("may enter") && log.contains("chmod 700"), "{log}");
    for name in ["journal", "window", "spill", "lake"] {
        assert_eq!(mode(&shared.join(name)), 0o700, "{name}");
    }
    for name in ["meta.sqlite", "hash-secret"] {
        assert_eq!(mode(&shared.join(name)), 0o600, "{name}");
    }
}

#[test]
fn keys_that_nobody_read_are_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let unread = |arguments: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        whodid().args(arguments).stdout(writer).output().unwrap().status.code()
    };
    let data = data.to_str().unwrap();
    assert_eq!(unread(&["init", "--data", data]), Some(1));
    assert_eq!(unread(&["keys", "create", "--kind", "service", "--name", "x", "--data", data]), Some(1));
    // What can be printed again may be cut short, as by `head`.
    for form in ["table", "json", "csv"] {
        assert_eq!(unread(&["keys", "list", "--data", data, "--output", form]), Some(0), "{form}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_ever_reaches_the_log_or_an_answer() {
    let server = Server::start().await;
    let keys = server.keys.clone();
    server.send(lines(2)).await;
    let cookie = server.sign_in().await;
    server.get("/api/v1/me").header("cookie", &cookie).send().await.unwrap();
    server.get(&format!("/sign-in?token={}", keys.link_token())).send().await.unwrap();
    let mut said = String::new();
    for (key, path) in [
        (&keys.admin_token, "/api/v1/keys"),
        (&keys.admin_token, "/api/v1/me"),
        (&keys.service_key, "/api/v1/status"),
        (&keys.ingestion_key, "/api/v1/events"),
    ] {
        said += &server.get(path).bearer_auth(key).send().await.unwrap().text().await.unwrap();
    }
    let wrong = serde_json::json!({"token": keys.service_key, "more": keys.admin_token});
    said += &server.request("POST", "/api/v1/sessions").json(&wrong).send().await.unwrap().text().await.unwrap();
    said += &server.get("/metrics").send().await.unwrap().text().await.unwrap();
    for verb in [&["keys", "list"][..], &["events", "count", "--url", "http://127.0.0.1:1"], &["events", "get", "x"]] {
        let output = server.run(&keys.admin_token, verb);
        said += &String::from_utf8_lossy(&output.stdout);
        said += &String::from_utf8_lossy(&output.stderr);
    }
    said += &String::from_utf8_lossy(
        &whodid().args(["events", "count", "--help"]).env("WHODID_KEY", &keys.service_key).output().unwrap().stdout,
    );
    said += &server.log.lock().unwrap();
    let cookie_secret = cookie.split('=').nth(1).unwrap();
    for secret in
        [&keys.admin_token[16..], &keys.service_key[16..], &keys.ingestion_key[16..], keys.link_token(), cookie_secret]
    {
        assert!(!said.contains(secret), "{}… is in the output", &secret[..6]);
    }
    assert!(said.contains("signed in"), "the log was looked at");
    // Payloads are no part of the log either.
    assert!(!server.log.lock().unwrap().contains("alice"));
}

#[tokio::test]
async fn generated_events_are_the_same_for_the_same_seed() {
    let arguments = ["generate", "--events", "500", "--days", "3", "--end", "2026-11-20T00:00:00Z"];
    let (one, two) = (run(&arguments), run(&arguments));
    assert!(one.status.success() && one.stdout == two.stdout);
    let server = Server::start().await;
    let (status, reply) = server.send(one.stdout).await;
    assert_eq!((status, reply["rejected"].as_array().map(Vec::len)), (200, Some(0)), "{reply}");
    assert!(Arc::strong_count(&server.folder()) > 0);
}
