//! Rules at work: what they cost while events come, how long until somebody is told, and how long a backtest takes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::data::Pieces;
use super::figure::Figure;
use super::http::Connection;
use super::load::{self, Pace};
use super::{Bench, LARGE_REQUEST_BYTES, SETTLE_MAX, process_usage};
use crate::server::Keys;

/// Alerts whose way from the acknowledgement to the receiver is timed.
const ALERTS: usize = 200;
/// Between two of them.
const ALERT_PAUSE: Duration = Duration::from_millis(50);
/// Runs of a backtest that count.
const RUNS: usize = 7;

/// A rule that few events match, as most of those that come with whodid.
const SELECTIVE: &str = "title: Selective\nid: bench-selective\nlevel: low\nlogsource: {category: activity}\n\
    detection: {sel: {action: kms.secrets.delete, outcome: failure}, condition: sel}\n";
/// A rule for the events by which alerts are timed; each is an alert of its own.
const TIMED: &str = "title: Timed\nid: bench-timed\nlevel: high\nlogsource: {category: activity}\n\
    detection: {sel: {action: bench.alert.raise}, condition: sel}\nwhodid: {policy: {dedup_key: [target.id], dedup_window: 0s}}\n";

impl Bench {
    /// All of it, on folders of its own.
    pub fn rules(&mut self, folder: &Path) -> Result<()> {
        // Before and after: what a shared machine gives changes from minute to minute.
        let before = self.load_with(&folder.join("without"), false)?;
        std::fs::remove_dir_all(folder.join("without")).context("the folder of the first load cannot be removed")?;
        let data = folder.join("with");
        let with = self.load_with(&data, true)?;
        let after = self.load_with(&folder.join("without"), false)?;
        let without = f64::midpoint(before, after);
        self.report(Figure::plain("rules_ingest_cpu_ratio", with / without, ""));
        // All that rules cost beside taking in: reading anew, reading as an event, matching, what is kept of it.
        let rate = self.events.count as f64 / (with - without);
        self.report(Figure::plain("rules_events_per_cpu_second", rate, "events/s"));
        self.backtest_and_alerts(&data)
    }

    /// CPU seconds of loading everything and coming to rest, with the rules that come with whodid or without any.
    fn load_with(&mut self, data: &Path, has_rules: bool) -> Result<f64> {
        let (server, keys) = self.start(data)?;
        let mut connection = Connection::open(server.port)?;
        let packages = ask(&mut connection, &keys, "GET", "/api/v1/packages", None)?;
        let mut rules = 0;
        for package in packages["packages"].as_array().into_iter().flatten() {
            let id = package["id"].as_str().unwrap_or_default();
            if has_rules {
                rules += package["rules"].as_u64().unwrap_or_default();
            } else {
                let off = json!({"is_enabled": false});
                ask(&mut connection, &keys, "PATCH", &format!("/api/v1/packages/{id}"), Some(&off))?;
            }
        }
        eprintln!("bench: loading {} events with {rules} rules", self.events.count);
        let before = process_usage::cpu_seconds(server.pid())?;
        let pieces = Pieces::of(&self.events.path, LARGE_REQUEST_BYTES, self.events.count)?;
        let loaded =
            load::send(server.port, &keys.ingestion, &pieces, Pace::AsFastAsAnswered, &AtomicBool::new(false))?;
        let rate = loaded.events_per_second();
        // The one before was idle for so long that the server has closed it.
        until_caught_up(&mut Connection::open(server.port)?, &keys)?;
        let cpu = self.settle(&server, &keys)? - before;
        let suffix = if has_rules { "with" } else { "without" };
        let is_complete = loaded.accepted == self.events.count;
        self.report(Figure::plain(format!("rules_ingest_cpu_seconds_{suffix}"), cpu, "s").checked(is_complete));
        self.report(Figure::plain(format!("rules_ingest_events_s_{suffix}"), rate, "events/s").checked(is_complete));
        if has_rules {
            let metrics = Connection::open(server.port)?.get("/metrics", &keys.admin_token)?;
            let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
            let read_back = metrics.lines().find_map(|line| line.strip_prefix("whodid_detect_read_back_total "));
            let read_back = read_back.and_then(|count| count.parse().ok()).unwrap_or(0.0);
            self.report(Figure::plain("rules_read_back", read_back, "events"));
        }
        server.stop()?;
        Ok(cpu)
    }

    fn backtest_and_alerts(&mut self, data: &Path) -> Result<()> {
        let receiver = TcpListener::bind("127.0.0.1:0")?;
        let port = receiver.local_addr()?.port();
        let settings = format!(
            "channels.allow = \"127.0.0.1\"\nchannels.allow_ports = \"{port}\"\nchannels.allow_http = \"true\"\n"
        );
        std::fs::write(data.join("whodid.toml"), settings)?;
        let token = self.token(data)?;
        let server = self.serve(data)?;
        let keys = Keys { admin_token: token, ..empty() };
        let mut connection = Connection::open(server.port)?;
        eprintln!("bench: backtest of a selective rule");
        let body = json!({"text": SELECTIVE, "from": "2020-01-01"});
        let mut times = Vec::new();
        let mut matches = 0;
        for _ in 0..=RUNS {
            let begun = Instant::now();
            let report = ask(&mut connection, &keys, "POST", "/api/v1/rules/backtest", Some(&body))?;
            times.push(begun.elapsed().as_secs_f64());
            matches = report["matches"].as_u64().unwrap_or_default();
            if !report["stopped_at"].is_null() {
                bail!("the backtest ran out of time");
            }
        }
        let first = times.remove(0);
        times.sort_by(f64::total_cmp);
        let query = "/api/v1/events/count?q=action:===kms.secrets.delete%20outcome:failure";
        let counted = ask(&mut connection, &keys, "GET", query, None)?["count"].as_u64();
        self.report(Figure {
            first: Some(first),
            best: times.first().copied(),
            ..Figure::plain("backtest_selective", times[RUNS / 2], "s").checked(counted == Some(matches) && matches > 0)
        });
        eprintln!("bench: {ALERTS} alerts from the acknowledgement to the receiver");
        ask(&mut connection, &keys, "POST", "/api/v1/rules", Some(&json!({"text": TIMED, "is_enabled": true})))?;
        let url = format!("http://127.0.0.1:{port}/");
        let channel = json!({"name": "bench", "rate_limit": 3600, "receiver": {"type": "webhook", "url": url}});
        ask(&mut connection, &keys, "POST", "/api/v1/channels", Some(&channel))?;
        let (told, tells) = mpsc::channel();
        std::thread::spawn(move || receive(&receiver, &told));
        let made =
            ask(&mut connection, &keys, "POST", "/api/v1/keys", Some(&json!({"kind": "ingestion", "name": "bench"})))?;
        let ingestion = made["key"].as_str().context("no key was made")?.to_owned();
        let mut waits = Vec::new();
        for number in 0..ALERTS {
            let event = json!({"action": "bench.alert.raise", "outcome": "success", "initiator": {"name": "bench"},
                "target": {"id": format!("t{number}")}, "eventTime": "2026-02-01T00:00:00Z", "id": format!("alert-{number}")});
            let answer = connection.post("/api/v1/events", &ingestion, event.to_string().as_bytes())?;
            if answer.status != 200 {
                bail!("an event was refused: {}", String::from_utf8_lossy(&answer.body));
            }
            let acknowledged = Instant::now();
            let told: Instant = tells.recv_timeout(Duration::from_secs(30)).context("an alert was not told")?;
            waits.push(told.saturating_duration_since(acknowledged).as_secs_f64());
            std::thread::sleep(ALERT_PAUSE);
        }
        waits.sort_by(f64::total_cmp);
        let at = |share: f64| waits[((waits.len() as f64 * share).ceil() as usize).saturating_sub(1)];
        self.report(Figure::plain("alert_told_p50", at(0.5), "s").checked(true));
        self.report(Figure::plain("alert_told_p99", at(0.99), "s").checked(true));
        server.stop()?;
        Ok(())
    }

    /// A token of the administrator, made on the folder.
    fn token(&self, data: &Path) -> Result<String> {
        let mut command = std::process::Command::new(&self.binary);
        command
            .args(["keys", "create", "--kind", "personal", "--name", "bench", "--output", "json", "--data"])
            .arg(data);
        let made: Value = serde_json::from_str(&crate::process::capture(&mut command)?)?;
        Ok(made["key"].as_str().context("no token was made")?.to_owned())
    }
}

fn empty() -> Keys {
    Keys { admin_link: String::new(), ingestion: String::new(), service: String::new(), admin_token: String::new() }
}

/// Waits until every record has been looked at by the rules.
fn until_caught_up(connection: &mut Connection, keys: &Keys) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < SETTLE_MAX {
        let rules = ask(connection, keys, "GET", "/api/v1/rules", None)?;
        if rules["detection"]["behind"].as_u64().unwrap_or_default() == 0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    bail!("the rules did not catch up")
}

fn ask(connection: &mut Connection, keys: &Keys, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let answer = connection.ask_json(method, path, &keys.admin_token, body.map(Value::to_string).as_deref())?;
    if !(200..300).contains(&answer.status) {
        bail!("{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    if answer.body.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&answer.body)?) }
}

/// Takes notices, one connection each, and tells when each came.
fn receive(listener: &TcpListener, told: &mpsc::Sender<Instant>) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        let told = told.clone();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut part) {
                text.extend_from_slice(&part[..count]);
                let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
                let length =
                    head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
                if text.len() < end + 4 + length.unwrap_or_default() {
                    continue;
                }
                let is_timed = String::from_utf8_lossy(&text[end..]).contains("bench-timed");
                if is_timed && told.send(Instant::now()).is_err() {
                    return;
                }
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                if stream.write_all(answer).is_err() {
                    return;
                }
                text.clear();
            }
        });
    }
}
