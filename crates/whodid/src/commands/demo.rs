//! `whodid demo`: a server on a fresh folder with 30 days of made-up history, then live traffic.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use whodid_decode::Format;
use whodid_engine::{Engine, IngestRequest};
use whodid_generate::{Generated, Options};
use whodid_model::access::{Act, BuiltInRole, Grant, Who, decide};
use whodid_model::{AccessScope, AccountName, Principal, StreamName, Timestamp, chain};

use super::init;
use super::serve::{Running, Signals, show_link};
use crate::End;
use crate::cli::{DemoFlags, StartFlags};
use crate::config;
use crate::output;

/// Days of history.
const DAYS: u32 = 30;
/// Events in one ingest request.
const BATCH_EVENTS: usize = 1000;
/// Requests at once: one is decoded while another is synced.
const REQUESTS: usize = 2;
/// A line of progress is printed this often where there is no terminal.
const PROGRESS_LINE: Duration = Duration::from_secs(5);

pub async fn run(flags: DemoFlags) -> anyhow::Result<End> {
    let started = Instant::now();
    let mut server = flags.server.clone();
    let fresh = match &server.data {
        Some(_) => None,
        None => {
            let folder = FreshFolder::make()?;
            server.data = Some(folder.0.clone());
            Some(folder)
        }
    };
    let mut config: config::Config = crate::load(&server)?;
    if server.listen.is_none() && std::net::TcpListener::bind(config.listen).is_err() {
        // The usual port is taken, perhaps by another demo; any port will do.
        config.listen.set_port(0);
    }
    // Before the start, so that the folder goes whenever the demo is ended.
    let mut signals = Signals::listen()?;
    let running = tokio::select! {
        running = Running::start(config, StartFlags::default()) => running?,
        () = signals.next() => return Ok(End::Done),
    };
    let scope = sender(&AccountName::default_account())?;
    let is_empty = running.engine.status(&reader(&AccountName::default_account())?, None).await?.events == Some(0);
    if !is_empty {
        show_link(&running.app.config, &init::new_link(&running.app.meta).await?);
    }
    let work = async {
        let options = Options { seed: flags.seed, end: crate::clock::now(), days: DAYS, events: flags.events };
        if is_empty {
            load(&running.engine, &scope, options, started).await?;
        }
        if !flags.still {
            live(&running.engine, &scope, options).await?;
        }
        std::future::pending::<anyhow::Result<()>>().await
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        () = signals.next() => Ok(()),
    };
    let folder = fresh.as_ref().map(|fresh| fresh.0.clone());
    let at_once = signals.end_at_the_next(move || drop(folder.map(FreshFolder)));
    let stopped = running.stop().await;
    at_once.abort();
    drop(fresh);
    stopped?;
    outcome.map(|()| End::Done)
}

/// Loads the history: the last day first, so that a page opened at once shows something.
async fn load(engine: &Engine, scope: &AccessScope, options: Options, started: Instant) -> anyhow::Result<()> {
    let bar = progress(options.events);
    let (sender, receiver) = mpsc::channel::<Request>(REQUESTS * 2);
    std::thread::Builder::new()
        .name("whodid-history".to_owned())
        .spawn(move || generate(options, &sender))
        .context("cannot start a thread")?;
    let requests = futures::stream::unfold(receiver, |mut receiver| async move {
        let request = receiver.recv().await?;
        Some((request, receiver))
    });
    let sending = requests.map(|request| async move {
        let count = request.events;
        ingest(engine, scope, request).await.map(|()| count)
    });
    let mut sent = std::pin::pin!(sending.buffered(REQUESTS));
    let (mut total, mut last_line) = (0_u64, Instant::now());
    while let Some(count) = sent.next().await {
        total += count? as u64;
        bar.set_position(total);
        if bar.is_hidden() && last_line.elapsed() > PROGRESS_LINE {
            output::note(&format!("{total} of {} events loaded", options.events));
            last_line = Instant::now();
        }
    }
    bar.finish_and_clear();
    output::note(&format!(
        "{total} events of history loaded, {:.1} s after the start",
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn progress(events: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(events);
    let template = "Loading history {bar:30} {human_pos}/{human_len} events, {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Events of one format on their way in.
struct Request {
    format: &'static str,
    body: Vec<u8>,
    events: usize,
}

fn generate(options: Options, sender: &mpsc::Sender<Request>) {
    let recent = options.end.plus_micros(-whodid_model::time::MICROS_A_DAY);
    let passes: [&dyn Fn(Timestamp) -> bool; 2] = [&|at| at >= recent, &|at| at < recent];
    for wanted in passes {
        let mut waiting: BTreeMap<&'static str, Request> = BTreeMap::new();
        for event in whodid_generate::history(options).filter(|event| wanted(event.at)) {
            let request = waiting.entry(event.format).or_insert_with(|| Request {
                format: event.format,
                body: Vec::new(),
                events: 0,
            });
            request.body.extend_from_slice(event.json.as_bytes());
            request.body.push(b'\n');
            request.events += 1;
            if request.events == BATCH_EVENTS {
                let full = waiting.remove(event.format);
                // The other side ends when the demo ends; so does this.
                if full.is_some_and(|full| sender.blocking_send(full).is_err()) {
                    return;
                }
            }
        }
        for (_, rest) in waiting {
            if sender.blocking_send(rest).is_err() {
                return;
            }
        }
    }
}

async fn ingest(engine: &Engine, scope: &AccessScope, request: Request) -> anyhow::Result<()> {
    let format = Format::parse(request.format).with_context(|| format!("{} is no format", request.format))?;
    let body = Bytes::from(request.body);
    loop {
        let request = IngestRequest { format, body: body.clone(), idempotency_key: None, sender: String::new() };
        match engine.ingest(scope, request).await {
            Ok(reply) if reply.rejected.is_empty() => return Ok(()),
            Ok(reply) => {
                tracing::warn!(rejects = reply.rejected.len(), "made-up events were rejected: {:?}", reply.rejected[0]);
                return Ok(());
            }
            Err(error) if is_passing(&error) => {
                tracing::debug!(error = %chain(&error), "waiting");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return Err(error).context("loading the history failed"),
        }
    }
}

fn is_passing(error: &whodid_engine::Error) -> bool {
    matches!(error.kind, whodid_engine::ErrorKind::Overloaded | whodid_engine::ErrorKind::Unavailable)
}

/// Takes in what the company does from the end of the history on, as it happens.
async fn live(engine: &Engine, scope: &AccessScope, options: Options) -> anyhow::Result<()> {
    for Generated { at, format, json } in whodid_generate::live(options) {
        let wait = at.micros() - crate::clock::now().micros();
        if let Ok(wait) = u64::try_from(wait) {
            tokio::time::sleep(Duration::from_micros(wait)).await;
        }
        ingest(engine, scope, Request { format, body: json.into_bytes(), events: 1 }).await?;
    }
    Ok(())
}

fn sender(account: &AccountName) -> anyhow::Result<AccessScope> {
    Ok(decide(&demo(account), Act::Write, account)?)
}

fn reader(account: &AccountName) -> anyhow::Result<AccessScope> {
    Ok(decide(&demo(account), Act::Read(&StreamName::activity()), account)?)
}

fn demo(account: &AccountName) -> Principal {
    let who = Who::Key { id: "demo".to_owned(), name: "demo".to_owned() };
    Principal::with_grant(who, account.clone(), Grant::whole(BuiltInRole::Manager.permissions()))
}

/// A folder that goes with the demo.
struct FreshFolder(PathBuf);

impl FreshFolder {
    fn make() -> anyhow::Result<Self> {
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")))
            .unwrap_or_else(std::env::temp_dir);
        let folder = cache.join("whodid").join(format!("demo-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for FreshFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            output::note(&format!("the demo's folder {} could not be removed: {error}", self.0.display()));
        }
    }
}
