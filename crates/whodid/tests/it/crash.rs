//! Kills, full disks, lost power, and orderly ends: what was acknowledged is there, once.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::boundary::{Server, client, event, init, run};

/// Kills of the kill test; the release run asks for 200 with WHODID_KILLS.
const KILLS: usize = 5;
const CLIENTS: usize = 4;
const BATCH: usize = 20;

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// What clients were told.
#[derive(Default)]
struct Told {
    acknowledged: Mutex<Vec<String>>,
    next: AtomicU64,
    stop: AtomicBool,
}

/// Sends batches with new ids for ever; a batch whose answer did not come is sent again as it was.
async fn load(url: Arc<Mutex<String>>, key: String, told: Arc<Told>) {
    let mut waiting: Option<(u64, String, Vec<String>)> = None;
    while !told.stop.load(Relaxed) || waiting.is_some() {
        let (number, body, ids) = waiting.take().unwrap_or_else(|| {
            let number = told.next.fetch_add(1, Relaxed);
            let ids: Vec<String> = (0..BATCH).map(|n| format!("k-{number}-{n}")).collect();
            let lines: Vec<String> =
                ids.iter().map(|id| event(id, "alice", "create", "success", "2026-11-20T08:00:00Z")).collect();
            (number, lines.join("\n"), ids)
        });
        let target = format!("{}/api/v1/events", url.lock().unwrap());
        let request = client()
            .post(target)
            .bearer_auth(&key)
            .header("idempotency-key", format!("load-{number}"))
            .timeout(Duration::from_secs(20))
            .body(body.clone());
        match request.send().await {
            Ok(response) if response.status().is_success() => {
                told.acknowledged.lock().unwrap().extend(ids);
            }
            _ => {
                waiting = Some((number, body, ids));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// How often each event id is stored.
async fn stored(server: &Server) -> HashMap<String, u64> {
    let response = server.get("/api/v1/export").bearer_auth(&server.keys.service_key).send().await.unwrap();
    let text = response.text().await.unwrap();
    let mut counts = HashMap::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        *counts.entry(event["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

async fn nothing_is_lost_or_doubled(server: &Server, told: &Told) {
    let stored = stored(server).await;
    let acknowledged = told.acknowledged.lock().unwrap().clone();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !stored.contains_key(*id)).collect();
    let doubled: Vec<_> = stored.iter().filter(|(_, count)| **count > 1).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged events are lost: {:?}",
        lost.len(),
        acknowledged.len(),
        &lost[..lost.len().min(5)]
    );
    assert!(doubled.is_empty(), "{} events are stored twice: {:?}", doubled.len(), &doubled[..doubled.len().min(5)]);
    assert!(!acknowledged.is_empty());
    eprintln!("{} events acknowledged, 0 lost, 0 twice", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_any_moment_lose_nothing_acknowledged_and_store_nothing_twice() {
    let kills: usize = std::env::var("WHODID_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    // Frequent flushes, so that kills also hit a flush and a commit.
    let mut server =
        Server::start_with(&[("WHODID_FLUSH__INTERVAL", "1s"), ("WHODID_LOG__LEVEL", "warn,whodid=info")]).await;
    let url = Arc::new(Mutex::new(server.url.clone()));
    let told = Arc::new(Told::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(load(Arc::clone(&url), server.keys.ingestion_key.clone(), Arc::clone(&told))))
        .collect();
    let mut pause = 7_u64;
    for _ in 0..kills {
        // Any moment: 0 to 2.5 s after the start, from a fixed sequence.
        pause = pause.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        tokio::time::sleep(Duration::from_millis((pause >> 33) % 2500)).await;
        server.kill();
        server.restart().await;
        *url.lock().unwrap() = server.url.clone();
    }
    told.stop.store(true, Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    nothing_is_lost_or_doubled(&server, &told).await;
    server.restart().await;
    nothing_is_lost_or_doubled(&server, &told).await;
}

/// Rules that remember, each in another way.
const REMEMBERING: &str = "title: Failed\nid: failed\nname: failed\nlogsource: {category: activity}\ndetection: {sel: {action: kms.secrets.read, outcome: failure}, condition: sel}\n---\n\
    title: Read\nid: read\nname: read\nlogsource: {category: activity}\ndetection: {sel: {action: kms.secrets.read, outcome: success}, condition: sel}\n---\n\
    title: Four\nid: four\nlevel: low\ncorrelation: {type: event_count, rules: [failed], group-by: [initiator.name], timespan: 10m, condition: {gte: 4}}\nwhodid: {policy: {dedup_window: 0s}}\n---\n\
    title: Three keys\nid: keys\nlevel: low\ncorrelation: {type: value_count, rules: [read], group-by: [initiator.name], timespan: 10m, condition: {gte: 3, field: target.name}}\nwhodid: {policy: {dedup_window: 0s}}\n---\n\
    title: Then\nid: then\nlevel: low\ncorrelation: {type: temporal_ordered, rules: [failed, read], group-by: [initiator.name], timespan: 5m}\nwhodid: {policy: {dedup_window: 0s}}\n";

/// What the rules found: rule, for whom, when, on how many events.
async fn found(server: &Server) -> Vec<String> {
    loop {
        let (_, rules) = crate::boundary::answer(server.admin("GET", "/api/v1/rules")).await;
        if rules["detection"]["behind"] == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let request = server.admin("GET", "/api/v1/events?stream=findings&limit=1000&q=requestData.ruleId:===four%20OR%20requestData.ruleId:===keys%20OR%20requestData.ruleId:===then");
    let (status, page) = crate::boundary::answer(request).await;
    assert_eq!(status, 200, "{page}");
    let text = |event: &Value| {
        let data = &event["requestData"];
        format!("{} {} {} {} {}", data["ruleId"], data["key"], event["eventTime"], data["value"], data["evidenceTotal"])
    };
    let mut found: Vec<String> = page["events"].as_array().unwrap().iter().map(text).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_correlations_remember_is_after_kills_what_it_would_be_without() {
    let mut all = Vec::new();
    for kills in [0, 5] {
        let mut server = Server::start().await;
        let (status, told) = crate::boundary::answer(
            server.admin("POST", "/api/v1/rules").json(&json!({"text": REMEMBERING, "is_enabled": true})),
        )
        .await;
        assert_eq!(status, 201, "{told}");
        let mut state = 11_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for number in 0..120_u64 {
            let (who, outcome) =
                (["bob", "eve", "mallory"][next(3) as usize], ["failure", "success"][next(2) as usize]);
            let (minute, key) = (number / 4, next(5));
            let body = format!(
                r#"{{"eventTime":"2026-06-01T10:{minute:02}:{:02}Z","id":"e{number}","action":"kms.secrets.read","outcome":"{outcome}",
                "initiator":{{"name":"{who}"}},"target":{{"name":"k{key}","typeURI":"kms/secrets"}}}}"#,
                number % 4 * 15
            );
            assert_eq!(server.send(body).await.0, 200);
            if kills > 0 && number % 24 == 17 {
                // Sometimes before the rules have looked, sometimes after.
                tokio::time::sleep(Duration::from_millis(next(120))).await;
                server.kill();
                server.restart().await;
            } else if number % 24 == 17 {
                next(120);
            }
        }
        all.push(found(&server).await);
    }
    assert!(all[0].len() > 20, "{:?}", all[0]);
    assert_eq!(all[0], all[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_stop_finishes_requests_and_a_restart_keeps_everything() {
    let mut server = Server::start().await;
    let url = Arc::new(Mutex::new(server.url.clone()));
    let told = Arc::new(Told::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(load(Arc::clone(&url), server.keys.ingestion_key.clone(), Arc::clone(&told))))
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let tail = server.get("/api/v1/events/tail").bearer_auth(&server.keys.service_key).send().await.unwrap();
    assert_eq!(server.stop().await, Some(0));
    drop(tail);
    let log = server.log.lock().unwrap().clone();
    assert!(log.contains("stopped"), "{log}");
    server.restart().await;
    *url.lock().unwrap() = server.url.clone();
    told.stop.store(true, Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    nothing_is_lost_or_doubled(&server, &told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_damaged_journal_all_that_can_be_read_is_had_back() {
    let mut server = Server::start().await;
    for number in 0..40 {
        server.send(event(&format!("e-{number}"), "bob", "x.y.read", "success", "2026-11-20T08:00:00Z")).await;
    }
    server.kill();
    let data = server.data().to_str().unwrap().to_owned();
    let journal = server.data().join("journal");
    let segments = std::fs::read_dir(&journal).unwrap().map(|entry| entry.unwrap().path());
    let segment = segments.filter(|path| path.extension().is_some_and(|end| end == "seg")).max().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[used / 2] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    let refused = run(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stderr));
    let looked = run(&["doctor", "--data", &data]);
    assert_eq!(looked.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&looked.stdout).contains("whodid salvage"));

    let rescued = server.data().with_file_name("rescued.ndjson");
    let rescued = rescued.to_str().unwrap();
    let salvaged = run(&["salvage", "--data", &data, "--file", rescued]);
    assert_eq!(salvaged.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&salvaged.stderr).contains("lost: "));
    let again = run(&["salvage", "--data", &data, "--file", rescued]);
    assert_eq!(again.status.code(), Some(1), "what was rescued is not written over");
    let kept = std::fs::read_to_string(rescued).unwrap().lines().count() as u64;
    assert!((20..40).contains(&kept), "{kept}");
    std::fs::rename(&journal, journal.with_extension("damaged")).unwrap();
    server.restart().await;
    let sent = server.run(&server.keys.ingestion_key, &["events", "send", rescued]);
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(server.count().await, kept);
    server.send(event("e-new", "bob", "x.y.read", "success", "2026-11-20T08:00:00Z")).await;
    assert_eq!(server.count().await, kept + 1);
    assert_eq!(run(&["doctor", "--data", &data]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_table_does_not_keep_the_server_from_starting_and_comes_back_when_mended() {
    let mut server = Server::start().await;
    server.send(event("a", "bob", "x.y.read", "success", "2026-11-20T08:00:00Z")).await;
    assert_eq!(server.stop().await, Some(0));
    let commit = server.data().join("lake/default/activity/_delta_log/00000000000000000001.json");
    let whole = std::fs::read(&commit).unwrap();
    std::fs::write(&commit, &whole[..100]).unwrap();
    server.restart().await;
    server.says("is set aside").await;

    let read = server.get("/api/v1/events").bearer_auth(&server.keys.service_key);
    let (status, problem) = crate::boundary::answer(read).await;
    assert_eq!((status, &problem["code"]), (503, &"table_unavailable".into()), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("activity of account default"), "{problem}");
    let sent = server.send(event("b", "bob", "x.y.read", "success", "2026-11-20T08:00:00Z")).await;
    assert_eq!((sent.0, &sent.1["code"]), (503, &"table_unavailable".into()), "{}", sent.1);
    assert_eq!(server.read("/api/v1/status").await["unavailable_tables"][0]["stream"], "activity");
    let (status, ready) = crate::boundary::answer(server.get("/health/ready")).await;
    assert_eq!((status, &ready["degraded"][0]["part"]), (200, &"tables".into()), "{ready}");
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("whodid_tables_unavailable 1"), "{metrics}");

    std::fs::write(&commit, whole).unwrap();
    server.says("works again").await;
    assert_eq!(server.count().await, 1);
    let sent = server.send(event("b", "bob", "x.y.read", "success", "2026-11-20T08:00:00Z")).await;
    assert_eq!(sent.1["first_offset"], 1, "{}", sent.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_server_that_still_waits_for_its_requests() {
    let mut server = Server::start().await;
    // A request that does not end: its body does not come.
    let mut stream = std::net::TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n",
        server.keys.ingestion_key
    );
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    // The server asks for the body once the request runs.
    let mut asked = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100");
    server.terminate();
    server.says("stopping").await;
    server.terminate();
    assert_eq!(server.ended().await, Some(130));
    server.restart().await;
    assert_eq!(server.count().await, 0);
}

/// A mounted file system; unmounted when dropped.
struct Mount(std::path::PathBuf);

impl Mount {
    fn new(at: &Path, arguments: &[&str]) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let done = Command::new("mount").args(arguments).arg(at).status();
        done.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A lazy unmount also works while a killed server's files are being closed.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_what_was_acknowledged_stays() {
    if !is_root() {
        crate::skipped("mounting a small disk needs root");
        return;
    }
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let Some(_mount) = Mount::new(&folder.path().join("data"), &["-t", "tmpfs", "-o", "size=48m", "tmpfs"]) else {
        crate::skipped("this machine mounts no tmpfs");
        return;
    };
    let keys = init(&folder.path().join("data"));
    let small = [("WHODID_JOURNAL__SEGMENT", "4MiB"), ("WHODID_FLUSH__INTERVAL", "1h")];
    let mut server = Server::on(Arc::clone(&folder), keys, &small).await;
    let mut state = 7_u64;
    // Text that does not shrink.
    let mut noise = || -> String {
        (0..250)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                format!("{:x}", state >> 8)
            })
            .collect()
    };
    let mut accepted = 0_u64;
    let mut refusal = None;
    for batch in 0..400 {
        let lines: Vec<String> = (0..100)
            .map(|n| event(&format!("d-{batch}-{n}"), &noise(), "create", "success", "2026-11-20T08:00:00Z"))
            .collect();
        let request = server.request("POST", "/api/v1/events").bearer_auth(&server.keys.ingestion_key);
        let Ok(response) = request.body(lines.join("\n")).send().await else {
            refusal = Some((0, String::new(), None));
            break;
        };
        let status = response.status().as_u16();
        let wait = response.headers().get("retry-after").cloned();
        let body: Value = response.json().await.unwrap();
        if status != 200 {
            refusal = Some((status, body["code"].as_str().unwrap_or_default().to_owned(), wait));
            break;
        }
        accepted += body["accepted"].as_u64().unwrap();
    }
    let (status, code, wait) = refusal.expect("48 MiB must fill");
    assert_eq!((status, code.as_str()), (503, "journal_unavailable"));
    assert!(wait.is_some());
    assert_eq!(server.count().await, accepted);
    let (ready, told) = crate::boundary::answer(server.get("/health/ready")).await;
    assert_eq!((ready, &told["degraded"][0]["part"]), (503, &"ingest".into()), "{told}");
    // Space is made: it goes on by itself.
    let at = folder.path().join("data");
    let grown = Command::new("mount").args(["-o", "remount,size=256m"]).arg(&at).status().unwrap();
    assert!(grown.success());
    let (status, reply) = server.send(event("after", "alice", "create", "success", "2026-11-20T08:00:00Z")).await;
    assert_eq!((status, &reply["accepted"]), (200, &1.into()), "{reply}");
    server.restart().await;
    assert_eq!(server.count().await, accepted + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_power_loses_nothing_acknowledged() {
    if !is_root() {
        crate::skipped("mounting a disk image needs root");
        return;
    }
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let image = folder.path().join("disk.img");
    std::fs::File::create(&image).unwrap().set_len(512 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image).status();
    if !made.is_ok_and(|status| status.success()) {
        crate::skipped("this machine has no mkfs.ext4");
        return;
    }
    let at = folder.path().join("data");
    let from = image.to_str().unwrap();
    // The kernel writes nothing by itself for 300 s: what is not synced is not in the image.
    let Some(mount) = Mount::new(&at, &["-o", "loop,commit=300", from]) else {
        crate::skipped("this machine mounts no loop image");
        return;
    };
    let inner = Arc::new(tempfile::tempdir_in(&at).unwrap());
    let inside = inner.path().strip_prefix(&at).unwrap().to_owned();
    let keys = init(&inner.path().join("data"));
    let mut server = Server::on(
        Arc::clone(&inner),
        keys.clone(),
        &[("WHODID_FLUSH__INTERVAL", "1s"), ("WHODID_JOURNAL__SEGMENT", "8MiB")],
    )
    .await;
    let url = Arc::new(Mutex::new(server.url.clone()));
    let told = Arc::new(Told::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(load(Arc::clone(&url), server.keys.ingestion_key.clone(), Arc::clone(&told))))
        .collect();
    tokio::time::sleep(Duration::from_secs(6)).await;
    // The moment of the cut: the process stands still, then the bytes of the disk are taken.
    assert!(Command::new("kill").arg("-STOP").arg(server.pid().to_string()).status().unwrap().success());
    for client in &clients {
        client.abort();
    }
    let acknowledged = told.acknowledged.lock().unwrap().len();
    let after = folder.path().join("after.img");
    std::fs::copy(&image, &after).unwrap();
    server.kill();
    drop(server);
    drop(inner);
    drop(mount);

    let again = folder.path().join("again");
    let Some(_mount) = Mount::new(&again, &["-o", "loop", after.to_str().unwrap()]) else {
        panic!("the disk does not mount after the loss of power");
    };
    // The temporary folder of the first run, as it is on the other disk.
    let survivor = Arc::new(tempfile::tempdir_in(&again).unwrap());
    std::fs::rename(again.join(&inside).join("data"), survivor.path().join("data")).unwrap();
    let server = Server::on(survivor, keys, &[]).await;
    assert!(acknowledged > 0);
    nothing_is_lost_or_doubled(&server, &told).await;
}
