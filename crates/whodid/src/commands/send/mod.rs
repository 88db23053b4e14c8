//! `whodid events send`: files, folders and standard input as batches that may be sent again.
//!
//! Each batch carries an idempotency key made of its delivery ([`resume`]), its place and its bytes, so that the
//! server stores a batch of a delivery once. What was acknowledged is remembered here, so that after a break the
//! same command goes on where it stopped.

mod batches;
mod document;
mod inputs;
mod resume;

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode, header};
use serde_json::json;
use tokio::sync::mpsc;
use whodid_api::{Code, IngestReply};

use self::batches::{Batch, Item, Reader, Shape, Stop};
use self::inputs::Input;
use self::resume::{Memory, Sent};
use crate::cli::SendFlags;
use crate::client::{Client, Pairs, Refusal, is_other_protocol, may_pass};
use crate::output::{self, Output};
use crate::{End, Usage};

/// Batches read ahead.
const BATCHES_AHEAD: usize = 4;
/// First and longest pause before trying again.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A try gets at least this long, however little is left of `--retry-for`: a server that works on a batch is neither
/// busy nor away.
const TRY_MIN: Duration = Duration::from_secs(10);
/// Rejects that the summary quotes.
const REJECTS_SHOWN: usize = 10;

/// What became of everything sent.
#[derive(Debug, Default, serde::Serialize)]
struct Totals {
    accepted: u64,
    duplicates: u64,
    excluded: u64,
    /// Events of batches that an earlier run of the command sent, as remembered here or as the server says.
    repeated: u64,
    rejected: u64,
    /// Events that are too long to be sent at all.
    not_sent: u64,
    /// Files that could not be read to their end.
    unreadable: u64,
    batches: u64,
    bytes: u64,
    seconds: f64,
    rejects: Vec<Rejected>,
}

#[derive(Debug, serde::Serialize)]
struct Rejected {
    place: String,
    code: String,
    detail: String,
}

impl Totals {
    fn add(&mut self, batch: &Batch, reply: IngestReply) {
        self.batches += 1;
        self.bytes += batch.body.len() as u64;
        let known = reply.accepted + reply.duplicates + reply.excluded;
        if reply.repeated {
            self.repeated += known;
        } else {
            self.accepted += reply.accepted;
            self.duplicates += reply.duplicates;
            self.excluded += reply.excluded;
        }
        self.rejected += reply.rejected.len() as u64;
        let events = usize::try_from(known).unwrap_or(usize::MAX).saturating_add(reply.rejected.len());
        for rejected in reply.rejected {
            if self.rejects.len() < REJECTS_SHOWN {
                let index = usize::try_from(rejected.index).unwrap_or(usize::MAX);
                let place = batch.place(index, events);
                self.rejects.push(Rejected { place, code: rejected.code, detail: rejected.detail });
            }
        }
    }
}

pub async fn run(flags: &SendFlags, output: Output) -> anyhow::Result<End> {
    let client = Client::new(&flags.client)?;
    client.key()?;
    let retry_for = crate::config::parse_duration(&flags.retry_for)
        .ok_or_else(|| Usage(format!("--retry-for {:?} is no duration such as 5m", flags.retry_for)))?;
    let has_pipe = flags.paths.iter().any(|path| path.as_os_str() == "-");
    if flags.resume_id.is_some() && !has_pipe {
        return Err(Usage("--resume-id names a run of standard input; files need none".to_owned()).into());
    }
    let inputs = inputs::inputs(&flags.paths)?;
    let sizes: Option<u64> = inputs.iter().map(|input| Some(std::fs::metadata(input.path.as_ref()?).ok()?.len())).sum();
    let bar = progress_bar(sizes);
    let read = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let account = flags.client.account.as_deref();
    let memory = Memory::open(client.url(), flags.client.key.as_deref().unwrap_or_default(), account, &flags.format);

    let (sender, receiver) = mpsc::channel::<anyhow::Result<Item>>(BATCHES_AHEAD);
    let reading =
        Reading { memory, resume_id: flags.resume_id.clone(), again: flags.again, read: Arc::clone(&read), sender };
    std::thread::Builder::new()
        .name("whodid-reader".to_owned())
        .spawn(move || reading.all(inputs))
        .context("cannot start a thread")?;

    let items = futures::stream::unfold(receiver, |mut receiver| async move {
        let item = receiver.recv().await?;
        Some((item, receiver))
    });
    let post = Post { client: &client, format: &flags.format, retry_for, bar: &bar, has_told: AtomicBool::new(false) };
    let sending = items.map(|item| {
        let post = &post;
        async move {
            anyhow::Ok(match item {
                Ok(Item::Batch(batch)) => {
                    let answered = post.deliver(&batch).await.map_err(|error| {
                        let next = match (error.is::<Away>(), has_pipe && flags.resume_id.is_none()) {
                            (false, _) => "",
                            (true, true) => "; standard input cannot be gone on with unless its run has a --resume-id",
                            (true, false) => "; run the same command again to go on where it stopped",
                        };
                        error.context(format!("sending {} failed{next}", batch.first_place()))
                    })?;
                    Done::Batch(batch, answered)
                }
                Ok(Item::Sent(mark)) => Done::Before(mark),
                Ok(Item::TooLong(place)) => Done::TooLong(place),
                Err(error) => Done::Unreadable(error),
            })
        }
    });
    let mut totals = Totals::default();
    // In their order: what is remembered is one stretch from the start.
    let mut done = std::pin::pin!(sending.buffered(usize::from(flags.connections)));
    let mut ended = Ok(());
    while let Some(one) = done.next().await {
        let one = match one {
            Ok(one) => one,
            Err(error) => {
                ended = Err(error);
                break;
            }
        };
        match one {
            Done::Batch(batch, answered) => {
                let mut sent = Sent::default();
                for (part, reply) in answered {
                    let Some(reply) = reply else {
                        bar.suspend(|| too_long(&part.first_place()));
                        sent.not_sent += part.pieces.len() as u64;
                        continue;
                    };
                    sent.events += reply.accepted + reply.duplicates + reply.excluded;
                    sent.rejected += reply.rejected.len() as u64;
                    totals.add(&part, reply);
                }
                totals.not_sent += sent.not_sent;
                batch.delivery.acknowledge(&batch.body, batch.is_full, &sent);
            }
            Done::Before(mark) => {
                totals.repeated += mark.events;
                totals.rejected += mark.rejected;
                totals.not_sent += mark.not_sent;
            }
            Done::TooLong(place) => {
                bar.suspend(|| too_long(&place));
                totals.not_sent += 1;
            }
            Done::Unreadable(error) => {
                bar.suspend(|| output::note(&format!("error: {error:#}")));
                totals.unreadable += 1;
            }
        }
        bar.set_position(read.load(Relaxed));
        bar.set_message(format!("{} events", totals.accepted + totals.duplicates + totals.repeated));
    }
    bar.finish_and_clear();
    totals.seconds = started.elapsed().as_secs_f64();
    if ended.is_ok() || totals.batches > 0 || output != Output::Table {
        report(&totals, output)?;
    }
    ended?;
    if totals.unreadable > 0 {
        let what = if totals.unreadable == 1 { "a file" } else { "files" };
        bail!("{what} could not be read; mend it and run the same command again, which sends only what is missing");
    }
    Ok(if totals.rejected + totals.not_sent > 0 { End::Found } else { End::Done })
}

fn too_long(place: &str) {
    output::note(&format!("{place}: more than the server takes at once, not sent"));
}

/// What became of an item.
enum Done {
    /// The parts that the batch was sent in, each with the server's reply; none for what it never takes.
    Batch(Box<Batch>, Vec<(Batch, Option<IngestReply>)>),
    Before(resume::Mark),
    TooLong(String),
    Unreadable(anyhow::Error),
}

/// The thread that reads.
struct Reading {
    memory: Memory,
    resume_id: Option<String>,
    again: bool,
    read: Arc<AtomicU64>,
    /// Takes what was read, and what became of an input that could not be read to its end.
    sender: mpsc::Sender<anyhow::Result<Item>>,
}

impl Reading {
    fn all(&self, inputs: Vec<Input>) {
        let reader = Reader {
            memory: &self.memory,
            resume_id: self.resume_id.as_deref(),
            again: self.again,
            read: Arc::clone(&self.read),
            hand_over: &|item| self.sender.blocking_send(Ok(item)).is_ok(),
        };
        for input in inputs {
            let read = match input.trouble {
                Some(error) => Err(Stop::Failed(error.into())),
                None => reader.input(&input),
            };
            match read {
                Ok(()) => {}
                Err(Stop::Gone | Stop::Differs) => return,
                // What was read of it is sent, and so are the others.
                Err(Stop::Failed(error)) => {
                    let error = error.context(format!("cannot read all of {}", input.name));
                    if self.sender.blocking_send(Err(error)).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

fn report(totals: &Totals, output: Output) -> anyhow::Result<()> {
    if output != Output::Table {
        output::object(output, &json!(totals))?;
        return Ok(());
    }
    let mut shown: Vec<(&str, String)> = [
        ("accepted", totals.accepted),
        ("duplicates", totals.duplicates),
        ("excluded", totals.excluded),
        ("repeated", totals.repeated),
        ("rejected", totals.rejected),
        ("not sent", totals.not_sent),
        ("unreadable files", totals.unreadable),
    ]
    .into_iter()
    // What is rare is told when there is some.
    .filter(|(name, count)| *count > 0 || matches!(*name, "accepted" | "duplicates" | "rejected"))
    .map(|(name, count)| (name, count.to_string()))
    .collect();
    shown.push(("seconds", format!("{:.1}", totals.seconds)));
    output::members(&shown)?;
    for rejected in &totals.rejects {
        output::note(&format!("{}: {}: {}", rejected.place, rejected.code, rejected.detail));
    }
    let more = totals.rejected.saturating_sub(totals.rejects.len() as u64);
    if more > 0 {
        let of_before = if totals.rejects.is_empty() { "" } else { " more" };
        output::note(&format!("{more}{of_before} rejects; `whodid rejects list` with a service key shows all"));
    }
    Ok(())
}

fn progress_bar(bytes: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match bytes {
        Some(bytes) => {
            (ProgressBar::new(bytes), "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} left, {msg}")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} {binary_bytes_per_sec} {msg}"),
    };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// How batches are posted.
struct Post<'a> {
    client: &'a Client,
    format: &'a str,
    retry_for: Duration,
    bar: &'a ProgressBar,
    /// Whether the person at the terminal knows why nothing moves.
    has_told: AtomicBool,
}

impl Post<'_> {
    /// Sends a batch; one that is too large for the server in halves. The parts in their order, with replies.
    async fn deliver(&self, batch: &Batch) -> anyhow::Result<Vec<(Batch, Option<IngestReply>)>> {
        let mut answered = Vec::new();
        let mut waiting = vec![batch.clone()];
        while let Some(part) = waiting.pop() {
            match self.send(&part).await? {
                Answer::Reply(reply) => answered.push((part, Some(reply))),
                Answer::TooLarge => match part.halves() {
                    Some([one, two]) => waiting.extend([two, one]),
                    None => answered.push((part, None)),
                },
            }
        }
        Ok(answered)
    }

    /// Sends one batch as it is, again and again while it may pass, for at most `retry_for`.
    async fn send(&self, batch: &Batch) -> anyhow::Result<Answer> {
        let pairs: Pairs = vec![("format", self.format.to_owned())];
        let key = batch.idempotency_key(self.format);
        let kind = if batch.shape == Shape::Lines { "application/x-ndjson" } else { "application/json" };
        let deadline = Instant::now() + self.retry_for;
        let mut pause = PAUSE_MIN;
        // Whether a try of this run may have arrived although it was not answered: what the server then knows of the
        // batch it has from this run.
        let mut may_have_arrived = false;
        loop {
            let request = self
                .client
                .request(Method::POST, "/api/v1/events", &pairs)?
                .header("idempotency-key", &key)
                .header(header::CONTENT_TYPE, kind)
                .timeout(deadline.saturating_duration_since(Instant::now()).max(TRY_MIN))
                .body(batch.body.clone());
            let (error, wait) = match request.send().await {
                Ok(response) if response.status().is_success() => match response.json::<IngestReply>().await {
                    Ok(reply) => {
                        let repeated = reply.repeated && !may_have_arrived;
                        return Ok(Answer::Reply(IngestReply { repeated, ..reply }));
                    }
                    // The reply was lost: the same key gets it again.
                    Err(error) => {
                        may_have_arrived = true;
                        (anyhow!(error), None)
                    }
                },
                Ok(response) => {
                    let status = response.status();
                    let wait = response
                        .headers()
                        .get(header::RETRY_AFTER)
                        .and_then(|value| value.to_str().ok()?.parse().ok())
                        .map(Duration::from_secs);
                    let refusal = Refusal::read(response).await;
                    // Also that of a proxy, whose own bound may be lower.
                    if status == StatusCode::PAYLOAD_TOO_LARGE {
                        return Ok(Answer::TooLarge);
                    }
                    // A wrapper around an empty list.
                    if refusal.code() == Some(Code::NoEvents) {
                        return Ok(Answer::Reply(NOTHING));
                    }
                    // A key that is not known is none a little later either.
                    if !may_pass(status) || refusal.code() == Some(Code::TooManyTries) {
                        return Err(refusal.into());
                    }
                    // A proxy that got no answer, or a server whose disk failed while it wrote.
                    may_have_arrived |= status.is_server_error();
                    (refusal.into(), wait)
                }
                Err(error) => {
                    may_have_arrived |= !error.is_connect();
                    let is_final = is_other_protocol(&error);
                    let error = self.client.unreachable(error);
                    if is_final {
                        return Err(error);
                    }
                    (error, None)
                }
            };
            let wait = wait.unwrap_or(pause).max(pause);
            if Instant::now() + wait > deadline {
                return Err(Away { url: self.client.url().to_owned(), why: format!("{error:#}") }.into());
            }
            self.tell(&error);
            tokio::time::sleep(jittered(wait)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

impl Post<'_> {
    /// Says once why nothing moves.
    fn tell(&self, error: &anyhow::Error) {
        if !self.has_told.swap(true, Relaxed) {
            let most = indicatif::HumanDuration(self.retry_for);
            let note = format!("{error:#}\nThe server is busy or away; trying again for {most} (--retry-for).");
            self.bar.suspend(|| output::note(&note));
        }
    }
}

/// No try succeeded within `--retry-for`; a later run may.
#[derive(Debug, thiserror::Error)]
#[error("{url} stayed busy or away: {why}")]
struct Away {
    url: String,
    why: String,
}

/// What the server said to a batch.
enum Answer {
    Reply(IngestReply),
    /// It never takes so much at once.
    TooLarge,
}

/// The reply to a request without an event.
const NOTHING: IngestReply = IngestReply {
    accepted: 0,
    duplicates: 0,
    excluded: 0,
    rejected: Vec::new(),
    first_offset: None,
    last_offset: None,
    repeated: false,
};

/// Up to a quarter longer, so that many senders do not come back at once.
fn jittered(wait: Duration) -> Duration {
    // The last byte of a new id is random.
    let noise = u32::from(uuid::Uuid::now_v7().as_bytes()[15]);
    wait + wait * noise / (4 * 256)
}
