//! `cargo xtask bench`: load and queries on generated data, as a stranger would send and ask them.
//!
//! Over HTTP on loopback against a release build on a fresh folder; every acknowledgement is a
//! durable one, there is no other. Each answer is compared with what the generator says is right,
//! and a wrong answer voids its figure. Figures go to standard output, one JSON line each; what is
//! going on goes to standard error.

mod data;
mod disk;
mod expected;
mod figure;
pub mod http;
mod load;
mod machine;
mod mixed;
mod process_usage;
mod queries;
mod rules;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::server::{self, Keys, Scratch, Server};
use crate::workspace::{self, Workspace};
use crate::{process, tools};
use data::{Events, Pieces};
use expected::Expected;
use figure::Figure;
use http::Connection;
use load::Pace;
use queries::Target;

const EVENTS_DEFAULT: u64 = 1_000_000;
const EVENTS_QUICK: u64 = 100_000;
const SEED: u64 = 7;
/// Events that arrive during other measurements come from another seed, or they would be duplicates.
const SEED_BESIDE: u64 = 8;
const SEED_CRASH: u64 = 9;
/// Enough that a load still runs when the server is killed.
const EVENTS_BESIDE_MIN: u64 = 100_000;

const LARGE_REQUEST_BYTES: usize = 1_000_000;
const SMALL_REQUEST_BYTES: usize = 64_000;

/// At rest: hardly any CPU used for so long, which is more than the pause between two looks for
/// segments to merge, and no more in the tail than may stay there by design.
const REST: Duration = Duration::from_secs(25);
const REST_CPU_SECONDS: f64 = 0.2;
const REST_TAIL_ROWS: u64 = 1000;
const SETTLE_MAX: Duration = Duration::from_secs(600);

const FRESHNESS_SAMPLES: usize = 40;
const POLL: Duration = Duration::from_millis(5);

/// The journal is emptied when its events are in segments; its files are kept for the next ones.
const JOURNAL_FOLDERS: [&str; 1] = ["journal"];

struct Options {
    events: u64,
    is_writing: bool,
    is_cold: bool,
    /// Only what rules cost.
    is_rules: bool,
    /// How many loads with rules are compared with those without beside them.
    rounds: usize,
    /// Measure this binary instead of building one.
    binary: Option<PathBuf>,
}

pub fn run(arguments: &[String]) -> Result<()> {
    let options = parse(arguments)?;
    let workspace = Workspace::load()?;
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => {
            tools::check()?;
            eprintln!("bench: building the release (a first build takes about 25 minutes on two cores)");
            process::run(
                workspace::cargo_command()
                    .args(["build", "--release", "--package", "whodid"])
                    .current_dir(&workspace.root),
            )?;
            workspace.binary("release")
        }
    };
    let folder = workspace.target.join("bench");
    eprintln!("bench: making events");
    let events = data::make(&workspace.root, &binary, &folder, options.events, SEED)?;
    let few = (options.events / 5).max(EVENTS_BESIDE_MIN);
    let beside = data::make(&workspace.root, &binary, &folder, few, SEED_BESIDE)?;
    let crash = data::make(&workspace.root, &binary, &folder, few, SEED_CRASH)?;
    let mut bench = Bench { binary, folder, events, beside, crash, figures: Vec::new() };
    if options.is_rules {
        let scratch = Scratch::new(&bench.folder, "rules")?;
        bench.rules(&scratch.0, options.rounds)?;
    } else {
        bench.all(options.is_cold)?;
    }
    if options.is_writing {
        let path = workspace.root.join("docs/benchmarks.md");
        let document = std::fs::read_to_string(&path).context("docs/benchmarks.md cannot be read")?;
        let about = machine::describe(&bench.folder, bench.events.count, bench.events.bytes)?;
        let written =
            figure::in_document(&document, &about, &bench.figures).context("docs/benchmarks.md has lost its marks")?;
        std::fs::write(&path, written)?;
        eprintln!("bench: wrote docs/benchmarks.md");
    }
    let wrong: Vec<&str> =
        bench.figures.iter().filter(|figure| figure.ok == Some(false)).map(|figure| figure.name.as_str()).collect();
    if !wrong.is_empty() {
        bail!("wrong answers void these figures: {}", wrong.join(", "));
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options =
        Options { events: EVENTS_DEFAULT, is_writing: false, is_cold: false, is_rules: false, rounds: 1, binary: None };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => options.events = EVENTS_QUICK,
            "--write" => options.is_writing = true,
            "--cold" => options.is_cold = true,
            "--rules" => options.is_rules = true,
            "--rounds" => {
                let rounds = arguments.next().and_then(|rounds| rounds.parse().ok());
                options.rounds = rounds
                    .filter(|rounds| (1..=99).contains(rounds))
                    .context("--rounds wants a number from 1 to 99")?;
            }
            "--events" => {
                options.events =
                    arguments.next().and_then(|count| count.parse().ok()).context("--events wants a number")?;
            }
            "--binary" => options.binary = Some(arguments.next().context("--binary wants a path")?.into()),
            unknown => {
                bail!(
                    "unknown argument {unknown:?}; there are --events N, --quick, --cold, --rules, --rounds N (of --rules), --binary PATH and --write"
                )
            }
        }
    }
    // The generator's injected incidents need some company.
    if options.events < 10_000 {
        bail!("at least 10000 events, or the answers say nothing");
    }
    Ok(options)
}

struct Bench {
    binary: PathBuf,
    folder: PathBuf,
    events: Events,
    /// Events for the load beside which freshness is measured.
    beside: Events,
    /// Events for the load that a crash ends.
    crash: Events,
    figures: Vec<Figure>,
}

impl Bench {
    fn report(&mut self, figure: Figure) {
        println!("{}", figure.line(self.events.count));
        self.figures.push(figure);
    }

    fn all(&mut self, is_cold: bool) -> Result<()> {
        let scratch = Scratch::new(&self.folder, "data")?;
        let large = scratch.0.join("large");
        let (server, keys, rate) = self.ingest("", &large, LARGE_REQUEST_BYTES)?;
        let rest = self.questions(server, &keys, rate, &large, is_cold);
        rest?;
        std::fs::remove_dir_all(&large)?;
        let small = scratch.0.join("small");
        let (server, _, rate_small) = self.ingest("_64k", &small, SMALL_REQUEST_BYTES)?;
        drop(server);
        std::fs::remove_dir_all(&small)?;
        self.mixed(&scratch.0.join("mixed"))?;
        self.rules(&scratch.0, 1)?;
        self.answer_times("", &scratch.0.join("half"), LARGE_REQUEST_BYTES, rate / 2.0)?;
        self.answer_times("_64k", &scratch.0.join("half_64k"), SMALL_REQUEST_BYTES, rate_small / 2.0)
    }

    /// Searches among events of several sources, on a folder of its own.
    fn mixed(&mut self, data: &Path) -> Result<()> {
        let events = mixed::make(&self.binary, &self.folder, SEED)?;
        eprintln!("bench: loading {} events of several sources", events.count);
        let (server, keys) = self.start(data)?;
        let pieces = Pieces::of(&events.path, LARGE_REQUEST_BYTES, events.count)?;
        load::send(server.port, &keys.ingestion, &pieces, Pace::AsFastAsAnswered, &AtomicBool::new(false))?;
        self.settle(&server, &keys)?;
        let target = Target { port: server.port, pid: server.pid(), key: &keys.service };
        let (expected, folder) = (self.events.expected()?, self.folder.clone());
        let count = Some(events.count);
        queries::run(target, mixed::queries(&events)?, &expected, &folder, |figure| {
            self.report(Figure { events: count, ..figure })
        })?;
        drop(server);
        std::fs::remove_dir_all(data).context("the folder cannot be removed")
    }

    /// Loads everything into an empty folder and waits until it is at rest.
    fn ingest(&mut self, suffix: &str, data: &Path, request_bytes: usize) -> Result<(Server, Keys, f64)> {
        eprintln!("bench: loading {} events in requests of {request_bytes} bytes", self.events.count);
        let (server, keys) = self.start(data)?;
        let pid = server.pid();
        let (cpu_before, written_before) = (process_usage::cpu_seconds(pid)?, process_usage::bytes_written(pid)?);
        let device_before = disk::device_bytes_written(data);
        let pieces = Pieces::of(&self.events.path, request_bytes, self.events.count)?;
        let loaded =
            load::send(server.port, &keys.ingestion, &pieces, Pace::AsFastAsAnswered, &AtomicBool::new(false))?;
        let cpu_answered = process_usage::cpu_seconds(pid)? - cpu_before;
        eprintln!(
            "bench: acknowledged after {:.1} s ({} requests sent again); waiting for rest",
            loaded.took.as_secs_f64(),
            loaded.refused
        );
        let cpu = self.settle(&server, &keys)? - cpu_before;
        let stored = queries::count(&mut Connection::open(server.port)?, &keys.service, "")?;
        let is_complete = loaded.accepted == self.events.count && stored == self.events.count;
        let count = self.events.count as f64;
        let rate = loaded.events_per_second();
        let with_replaced = disk::allocated_bytes(data, &JOURNAL_FOLDERS)? as f64;
        let disk = with_replaced - disk::replaced_bytes(data)? as f64;
        let written = (process_usage::bytes_written(pid)? - written_before) as f64;
        let figures = [
            Figure {
                cpu: Some(cpu_answered),
                ..Figure::plain(format!("ingest_durable_events_s{suffix}"), rate, "events/s")
            },
            Figure::plain(format!("ingest_total_cpu_seconds{suffix}"), cpu, "s"),
            Figure::plain(format!("ingest_events_per_cpu_second{suffix}"), count / cpu, "events/s"),
            Figure::plain(format!("peak_memory{suffix}"), process_usage::peak_memory_mib(pid)?, "MiB"),
            Figure::plain(format!("disk_bytes_per_event{suffix}"), disk / count, "B"),
            // Replaced segments stay some minutes for readers who began before.
            Figure::plain(format!("disk_bytes_per_event_with_replaced{suffix}"), with_replaced / count, "B"),
            Figure::plain(format!("disk_of_raw{suffix}"), disk / self.events.bytes as f64, ""),
            Figure::plain(format!("bytes_written_per_event{suffix}"), written / count, "B"),
        ];
        for figure in figures {
            self.report(figure.checked(is_complete));
        }
        if let (Some(before), Some(after)) = (device_before, disk::device_bytes_written(data)) {
            let name = format!("disk_written_per_event{suffix}");
            self.report(Figure::plain(name, (after - before) as f64 / count, "B").checked(is_complete));
        }
        Ok((server, keys, rate))
    }

    fn start(&self, data: &Path) -> Result<(Server, Keys)> {
        let keys = server::init(&self.binary, data)?;
        Ok((self.serve(data)?, keys))
    }

    fn serve(&self, data: &Path) -> Result<Server> {
        let mut server = Server::start(&self.binary, data, &self.folder.join("server.log"))?;
        server.wait_ready()?;
        Ok(server)
    }

    /// Waits until files and indexes are at rest; returns the CPU seconds used until then.
    fn settle(&self, server: &Server, keys: &Keys) -> Result<f64> {
        let started = Instant::now();
        let mut connection = Connection::open(server.port)?;
        let mut cpu = process_usage::cpu_seconds(server.pid())?;
        let mut since = Instant::now();
        while started.elapsed() < SETTLE_MAX {
            std::thread::sleep(Duration::from_millis(500));
            let now = process_usage::cpu_seconds(server.pid())?;
            let answer = connection.get("/api/v1/status", &keys.service)?;
            let status: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let has_tail = status["tail_rows"].as_u64().is_some_and(|rows| rows >= REST_TAIL_ROWS);
            if has_tail || now - cpu > REST_CPU_SECONDS {
                (cpu, since) = (now, Instant::now());
            } else if since.elapsed() > REST {
                return Ok(cpu);
            }
        }
        eprintln!("bench: not at rest after {} s", SETTLE_MAX.as_secs());
        process_usage::cpu_seconds(server.pid())
    }

    /// Queries, freshness and restarts on the loaded folder.
    fn questions(&mut self, server: Server, keys: &Keys, rate: f64, data: &Path, is_cold: bool) -> Result<()> {
        let expected = self.events.expected()?;
        eprintln!("bench: queries");
        let target = Target { port: server.port, pid: server.pid(), key: &keys.service };
        let folder = self.folder.clone();
        queries::run(target, queries::workload(&expected), &expected, &folder, |figure| self.report(figure))?;
        let key = queries::limited_key(server.port, keys)?;
        let limited = Target { key: &key, ..target };
        queries::run(limited, queries::limited(&expected), &expected, &folder, |figure| self.report(figure))?;
        let server = self.restarts(server, keys, data, &expected, is_cold)?;
        let server = self.freshness(server, keys, rate)?;
        self.crash(server, keys, data)
    }

    /// Q12 after a clean stop, with a warm and where allowed with an empty page cache.
    fn restarts(
        &mut self,
        server: Server,
        keys: &Keys,
        data: &Path,
        expected: &Expected,
        is_cold: bool,
    ) -> Result<Server> {
        eprintln!("bench: restart");
        server.stop()?;
        let (server, seconds) = self.until_found(data, keys, &expected.id)?;
        self.report(Figure::plain("q12_restart_clean", seconds, "s").checked(true));
        if !is_cold {
            return Ok(server);
        }
        server.stop()?;
        process::run(Command::new("sync").arg("-f").arg(data))?;
        if std::fs::write("/proc/sys/vm/drop_caches", "3").is_err() {
            eprintln!("bench: the page cache cannot be dropped here; no cold figure");
            return self.serve(data);
        }
        let (server, seconds) = self.until_found(data, keys, &expected.id)?;
        self.report(Figure::plain("q12_restart_cold", seconds, "s").checked(true));
        Ok(server)
    }

    /// Starts a server and asks for one event until it is there.
    fn until_found(&self, data: &Path, keys: &Keys, id: &str) -> Result<(Server, f64)> {
        let started = Instant::now();
        let server = Server::start(&self.binary, data, &self.folder.join("server.log"))?;
        while started.elapsed() < SETTLE_MAX {
            let found = Connection::open(server.port)
                .and_then(|mut connection| queries::finds(&mut connection, &keys.service, id));
            if found.is_ok_and(|found| found) {
                return Ok((server, started.elapsed().as_secs_f64()));
            }
            std::thread::sleep(POLL);
        }
        bail!("{id} was not found after the start");
    }

    /// Q11: from the acknowledgement of an event to its first appearance, idle and under load.
    fn freshness(&mut self, server: Server, keys: &Keys, rate: f64) -> Result<Server> {
        eprintln!("bench: freshness");
        let idle = appearances(server.port, keys, "idle")?;
        self.report_freshness("q11_freshness_idle", &idle);
        let stop = AtomicBool::new(false);
        let pieces = Pieces::of(&self.beside.path, SMALL_REQUEST_BYTES, self.beside.count)?;
        let loading = std::thread::scope(|scope| {
            let load = scope
                .spawn(|| load::send(server.port, &keys.ingestion, &pieces, Pace::EventsPerSecond(rate / 4.0), &stop));
            let seconds = appearances(server.port, keys, "loading");
            stop.store(true, Ordering::Relaxed);
            match load.join() {
                Ok(sent) => sent.and(seconds),
                Err(_) => bail!("the load broke off"),
            }
        })?;
        self.report_freshness("q11_freshness_loading", &loading);
        Ok(server)
    }

    fn report_freshness(&mut self, name: &str, seconds: &[f64]) {
        let median = seconds.get(seconds.len() / 2).copied().unwrap_or(0.0);
        let worst = seconds.last().copied().unwrap_or(0.0);
        self.report(Figure { best: seconds.first().copied(), ..Figure::plain(name, median, "s").checked(true) });
        self.report(Figure::plain(format!("{name}_worst"), worst, "s").checked(true));
    }

    /// Q12 after SIGKILL during a load; every acknowledged event must be there, none twice.
    fn crash(&mut self, server: Server, keys: &Keys, data: &Path) -> Result<()> {
        eprintln!("bench: SIGKILL during a load");
        let before = queries::count(&mut Connection::open(server.port)?, &keys.service, "")?;
        let stop = AtomicBool::new(false);
        let pieces = Pieces::of(&self.crash.path, LARGE_REQUEST_BYTES, self.crash.count)?;
        let (port, pace) = (server.port, Pace::AsFastAsAnswered);
        let loaded = std::thread::scope(|scope| {
            let load = scope.spawn(|| load::send(port, &keys.ingestion, &pieces, pace, &stop));
            std::thread::sleep(Duration::from_millis(1000));
            stop.store(true, Ordering::Relaxed);
            let killed = server.kill();
            match load.join() {
                Ok(loaded) => killed.and(loaded),
                Err(_) => bail!("the load broke off"),
            }
        })?;
        let started = Instant::now();
        let server = Server::start(&self.binary, data, &self.folder.join("server.log"))?;
        let least = before + loaded.accepted;
        let most = least + loaded.unanswered;
        let mut stored = 0;
        while started.elapsed() < SETTLE_MAX {
            let counted = Connection::open(server.port)
                .and_then(|mut connection| queries::count(&mut connection, &keys.service, ""));
            if let Ok(count) = counted {
                stored = count;
                break;
            }
            std::thread::sleep(POLL);
        }
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("bench: {stored} stored after the crash; {least} acknowledged, {} in flight", loaded.unanswered);
        self.report(Figure::plain("q12_restart_after_kill", seconds, "s").checked((least..=most).contains(&stored)));
        Ok(())
    }

    /// Time of one request at half the highest rate, on a folder of its own.
    fn answer_times(&mut self, suffix: &str, data: &Path, request_bytes: usize, rate: f64) -> Result<()> {
        eprintln!("bench: time of a request of {request_bytes} bytes at {rate:.0} events/s");
        let (server, keys) = self.start(data)?;
        let events = self.events.count.min(300_000);
        let pieces = Pieces::of(&self.events.path, request_bytes, events)?;
        let loaded =
            load::send(server.port, &keys.ingestion, &pieces, Pace::EventsPerSecond(rate), &AtomicBool::new(false))?;
        let is_complete = loaded.accepted == events;
        self.report(
            Figure::plain(format!("request_p50_half_rate{suffix}"), loaded.within(0.5), "s").checked(is_complete),
        );
        self.report(
            Figure::plain(format!("request_p99_half_rate{suffix}"), loaded.within(0.99), "s").checked(is_complete),
        );
        drop(server);
        std::fs::remove_dir_all(data).context("the folder cannot be removed")
    }
}

/// Seconds from the acknowledgement of an event until a search finds it, shortest first.
fn appearances(port: u16, keys: &Keys, label: &str) -> Result<Vec<f64>> {
    let mut connection = Connection::open(port)?;
    let mut seconds = Vec::with_capacity(FRESHNESS_SAMPLES);
    for number in 0..FRESHNESS_SAMPLES {
        let id = format!("fresh-{label}-{number}");
        let event = format!(
            r#"{{"eventTime":"2026-02-03T12:00:{:02}.000Z","id":"{id}","action":"bench.fresh.create","outcome":"success","initiator":{{"id":"bench","name":"bench"}},"target":{{"id":"bench"}}}}"#,
            number % 60
        );
        let answer = connection.post("/api/v1/events", &keys.ingestion, event.as_bytes())?;
        let reply: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if reply["accepted"] != 1 {
            bail!("a single event was answered {}: {reply}", answer.status);
        }
        let acknowledged = Instant::now();
        while !queries::finds(&mut connection, &keys.service, &id)? {
            if acknowledged.elapsed() > SETTLE_MAX {
                bail!("{id} never appeared");
            }
            std::thread::sleep(POLL);
        }
        seconds.push(acknowledged.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds)
}
