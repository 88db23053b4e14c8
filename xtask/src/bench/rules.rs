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
/// What the names of the threads begin with that take the steps of detection.
const STEP_THREADS: &str = "whodid-detect";

/// A rule that few events match, as most of those that come with whodid.
const SELECTIVE: &str = "title: Selective\nid: bench-selective\nlevel: low\nlogsource: {category: activity}\n\
    detection: {sel: {action: kms.secrets.delete, outcome: failure}, condition: sel}\n";
/// A rule for the events by which alerts are timed; each is an alert of its own.
const TIMED: &str = "title: Timed\nid: bench-timed\nlevel: high\nlogsource: {category: activity}\n\
    detection: {sel: {action: bench.alert.raise}, condition: sel}\nwhodid: {policy: {dedup_key: [target.id], dedup_window: 0s}}\n";

/// What one load used.
struct Load {
    accepted: u64,
    /// CPU seconds until at rest.
    cpu: f64,
    /// Those of them that threads of detection took: one load tells this, however fast the machine is just then.
    steps_cpu: f64,
    events_per_second: f64,
    /// Records that detection read back from the lake.
    read_back: f64,
}

impl Bench {
    /// All of it, on folders of its own: a load without rules, then `rounds` times one with them and one without.
    ///
    /// What a shared machine gives changes from minute to minute, so each load with rules is compared with the mean of
    /// the two without beside it, and the median of these ratios counts.
    pub fn rules(&mut self, folder: &Path, rounds: usize) -> Result<()> {
        let (with, without) = (folder.join("with"), folder.join("without"));
        let mut loads_without = vec![self.load_with(&without, false)?];
        let mut loads_with = Vec::new();
        for _ in 0..rounds {
            for old in [&with, &without] {
                if old.exists() {
                    std::fs::remove_dir_all(old).context("the folder of an earlier load cannot be removed")?;
                }
            }
            loads_with.push(self.load_with(&with, true)?);
            loads_without.push(self.load_with(&without, false)?);
        }
        let count = self.events.count;
        for (loads, suffix) in [(&loads_without, "without"), (&loads_with, "with")] {
            let is_complete = loads.iter().all(|load| load.accepted == count);
            let cpu = loads.iter().map(|load| load.cpu).collect();
            self.report(spread(format!("rules_ingest_cpu_seconds_{suffix}"), cpu, "s").checked(is_complete));
            let rates = loads.iter().map(|load| load.events_per_second).collect();
            let name = format!("rules_ingest_events_s_{suffix}");
            self.report(Figure { best: None, ..spread(name, rates, "events/s") }.checked(is_complete));
        }
        let beside = loads_without.windows(2).map(|pair| f64::midpoint(pair[0].cpu, pair[1].cpu));
        let pairs: Vec<(f64, f64)> = loads_with.iter().map(|load| load.cpu).zip(beside).collect();
        let ratios = pairs.iter().map(|(with, without)| with / without).collect();
        self.report(spread("rules_ingest_cpu_ratio", ratios, ""));
        // All that rules cost beside taking in: reading anew, reading as an event, matching, what is kept of it.
        let rates = pairs.iter().map(|(with, without)| count as f64 / (with - without)).collect();
        self.report(Figure { best: None, ..spread("rules_events_per_cpu_second", rates, "events/s") });
        let steps = loads_with.iter().map(|load| load.steps_cpu / load.cpu).collect();
        self.report(spread("rules_steps_cpu_share", steps, ""));
        let read_back = loads_with.iter().map(|load| load.read_back).fold(0.0, f64::max);
        self.report(Figure::plain("rules_read_back", read_back, "events"));
        self.backtest_and_alerts(&with)
    }

    /// Loads everything and comes to rest, with the rules that come with whodid or without any.
    fn load_with(&mut self, data: &Path, has_rules: bool) -> Result<Load> {
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
        // The one before was idle for so long that the server has closed it.
        until_caught_up(&mut Connection::open(server.port)?, &keys)?;
        let cpu = self.settle(&server, &keys)? - before;
        let metrics = Connection::open(server.port)?.get("/metrics", &keys.admin_token)?;
        let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
        let read_back = metrics.lines().find_map(|line| line.strip_prefix("whodid_detect_read_back_total "));
        let load = Load {
            accepted: loaded.accepted,
            cpu,
            steps_cpu: process_usage::cpu_seconds_of_threads(server.pid(), STEP_THREADS)?,
            events_per_second: loaded.events_per_second(),
            read_back: read_back.and_then(|count| count.parse().ok()).unwrap_or(0.0),
        };
        eprintln!(
            "bench: {cpu:.2} CPU seconds, {:.2} of them in steps of detection; {:.0} events/s",
            load.steps_cpu, load.events_per_second
        );
        server.stop()?;
        Ok(load)
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

/// The median of several, the first of them and the least.
fn spread(name: impl Into<String>, mut values: Vec<f64>, unit: &'static str) -> Figure {
    let first = values.first().copied();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    Figure { first, best: values.first().copied(), ..Figure::plain(name, f64::midpoint(low, high), unit) }
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
