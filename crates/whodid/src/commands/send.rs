//! `whodid events send`: files, folders and standard input as batches that may be sent again.
//!
//! Each batch's idempotency key is a hash of its format, its place in the input and its bytes, so
//! nothing is remembered on this side: after a break the same command sends the same batches with
//! the same keys, and the server stores only what it does not have. Batches are cut at fixed sizes
//! from the start of each input; a file that has grown since keeps its earlier batches.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, header};
use serde_json::json;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use whodid_api::IngestReply;

use crate::End;
use crate::cli::SendFlags;
use crate::client::{Client, Pairs, may_pass, refusal};
use crate::output::{self, Output};

/// A batch is full at this size.
const BATCH_BYTES: usize = 1 << 20;
/// A batch is full at this number of events; the server takes no more.
const BATCH_EVENTS_MAX: usize = 10_000;
/// Largest piece that the server takes.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Largest file that is read whole, when it is one JSON document over several lines.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;
/// Batches read ahead.
const BATCHES_AHEAD: usize = 4;
/// First and longest pause before trying again.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Rejects that the summary quotes.
const REJECTS_SHOWN: usize = 10;

/// Events of one input that travel together.
#[derive(Debug, PartialEq, Eq)]
struct Batch {
    /// The input, for people.
    input: String,
    /// Which batch of the input, from 0.
    index: u64,
    /// What is sent: lines, or one JSON array.
    body: Vec<u8>,
    /// For each event the line it begins on, from 1; in a document its position, from 1.
    places: Vec<u64>,
    /// Whether `places` are lines.
    is_lines: bool,
}

impl Batch {
    fn idempotency_key(&self, format: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(format.as_bytes());
        hash.update([0]);
        hash.update(self.index.to_le_bytes());
        hash.update(&self.body);
        format!("send1-{}", data_encoding::HEXLOWER.encode(&hash.finalize()))
    }

    /// Where the event with this index in the reply stands.
    fn place(&self, index: usize, events: usize) -> String {
        let word = if self.is_lines { "line" } else { "event" };
        let first = self.places.first().copied().unwrap_or(1);
        match self.places.get(index) {
            Some(place) if events == self.places.len() => format!("{}: {word} {place}", self.input),
            _ => format!("{}: event {} after {word} {first}", self.input, index + 1),
        }
    }
}

/// What became of everything sent.
#[derive(Debug, Default, serde::Serialize)]
struct Totals {
    accepted: u64,
    duplicates: u64,
    excluded: u64,
    rejected: u64,
    /// Lines that are too long to be sent at all.
    not_sent: u64,
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
        self.accepted += reply.accepted;
        self.duplicates += reply.duplicates;
        self.excluded += reply.excluded;
        self.rejected += reply.rejected.len() as u64;
        let known = reply.accepted + reply.duplicates + reply.excluded;
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
    let retry_for = crate::config::parse_duration(&flags.retry_for)
        .with_context(|| format!("--retry-for {:?} is no duration such as 5m", flags.retry_for))?;
    let inputs = inputs(&flags.paths)?;
    let sizes: Option<u64> = inputs.iter().map(|input| Some(std::fs::metadata(input.path.as_ref()?).ok()?.len())).sum();
    let bar = progress_bar(sizes);
    let read = Arc::new(AtomicU64::new(0));
    let too_long = Arc::new(AtomicU64::new(0));
    let started = Instant::now();

    let (sender, receiver) = mpsc::channel::<anyhow::Result<Batch>>(BATCHES_AHEAD);
    let reader = Reader { sender, read: Arc::clone(&read), too_long: Arc::clone(&too_long) };
    std::thread::Builder::new()
        .name("whodid-reader".to_owned())
        .spawn(move || reader.read_all(&inputs))
        .context("cannot start a thread")?;

    let batches = futures::stream::unfold(receiver, |mut receiver| async move {
        let batch = receiver.recv().await?;
        Some((batch, receiver))
    });
    let sending = batches.map(|batch| {
        let client = &client;
        async move {
            let batch = batch?;
            let reply = send_batch(client, &batch, &flags.format, retry_for).await;
            let reply = reply.with_context(|| {
                format!("sending {} failed; run the same command again to go on where it stopped", batch.place(0, 0))
            })?;
            anyhow::Ok((batch, reply))
        }
    });
    let mut totals = Totals::default();
    let mut answers = std::pin::pin!(sending.buffered(usize::from(flags.connections)));
    while let Some(answer) = answers.next().await {
        let (batch, reply) = answer?;
        totals.add(&batch, reply);
        bar.set_position(read.load(Relaxed));
        bar.set_message(format!("{} events", totals.accepted + totals.duplicates));
    }
    bar.finish_and_clear();
    totals.not_sent = too_long.load(Relaxed);
    totals.seconds = started.elapsed().as_secs_f64();
    report(&totals, output)?;
    Ok(if totals.rejected + totals.not_sent > 0 { End::Found } else { End::Done })
}

fn report(totals: &Totals, output: Output) -> anyhow::Result<()> {
    if output != Output::Table {
        output::object(output, &json!(totals))?;
        return Ok(());
    }
    output::object(
        output,
        &json!({
            "accepted": totals.accepted,
            "duplicates": totals.duplicates,
            "excluded": totals.excluded,
            "rejected": totals.rejected,
            "not sent": totals.not_sent,
            "seconds": (totals.seconds * 10.0).round() / 10.0,
        }),
    )?;
    for rejected in &totals.rejects {
        output::note(&format!("{}: {}: {}", rejected.place, rejected.code, rejected.detail));
    }
    let more = totals.rejected.saturating_sub(totals.rejects.len() as u64);
    if more > 0 {
        output::note(&format!("and {more} more rejects; `whodid rejects list` shows all"));
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

/// Sends one batch, again and again while it may pass, for at most `retry_for`.
async fn send_batch(client: &Client, batch: &Batch, format: &str, retry_for: Duration) -> anyhow::Result<IngestReply> {
    let pairs: Pairs = vec![("format", format.to_owned())];
    let key = batch.idempotency_key(format);
    let kind = if batch.is_lines { "application/x-ndjson" } else { "application/json" };
    let deadline = Instant::now() + retry_for;
    let mut pause = PAUSE_MIN;
    loop {
        let request = client
            .request(Method::POST, "/api/v1/events", &pairs)?
            .header("idempotency-key", &key)
            .header(header::CONTENT_TYPE, kind)
            .body(batch.body.clone());
        let (error, wait) = match request.send().await {
            Ok(response) if response.status().is_success() => match response.json().await {
                Ok(reply) => return Ok(reply),
                // The reply was lost: the same key gets it again.
                Err(error) => (anyhow!(error), None),
            },
            Ok(response) => {
                let may_pass = may_pass(response.status());
                let wait = response
                    .headers()
                    .get(header::RETRY_AFTER)
                    .and_then(|value| value.to_str().ok()?.parse().ok())
                    .map(Duration::from_secs);
                let error = refusal(response).await;
                if !may_pass {
                    return Err(error);
                }
                (error, wait)
            }
            Err(error) => (anyhow!("{}", crate::server::chain(&error.without_url())), None),
        };
        let wait = wait.unwrap_or(pause).max(pause);
        if Instant::now() + wait > deadline {
            return Err(error.context("the server stayed busy or away"));
        }
        tokio::time::sleep(jittered(wait)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Up to a quarter longer, so that many senders do not come back at once.
fn jittered(wait: Duration) -> Duration {
    // The last byte of a new id is random.
    let noise = u32::from(uuid::Uuid::now_v7().as_bytes()[15]);
    wait + wait * noise / (4 * 256)
}

/// Something to read.
struct Input {
    /// `None` for standard input.
    path: Option<PathBuf>,
    name: String,
}

/// Files in name order; folders with everything below them.
fn inputs(paths: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(Input { path: None, name: "standard input".to_owned() });
            continue;
        }
        let before = inputs.len();
        collect(path, &mut inputs).with_context(|| format!("cannot read {}", path.display()))?;
        if inputs.len() == before {
            bail!("{} holds no file", path.display());
        }
    }
    Ok(inputs)
}

fn collect(path: &Path, inputs: &mut Vec<Input>) -> io::Result<()> {
    if !std::fs::metadata(path)?.is_dir() {
        inputs.push(Input { path: Some(path.to_owned()), name: path.display().to_string() });
        return Ok(());
    }
    let mut entries =
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for entry in entries {
        let is_hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !is_hidden {
            collect(&entry, inputs)?;
        }
    }
    Ok(())
}

/// Reads every input and hands batches over.
struct Reader {
    sender: mpsc::Sender<anyhow::Result<Batch>>,
    read: Arc<AtomicU64>,
    too_long: Arc<AtomicU64>,
}

/// The sending side has ended; so does reading.
struct Gone;

impl Reader {
    fn read_all(&self, inputs: &[Input]) {
        for input in inputs {
            let outcome = self.read_one(input);
            match outcome {
                Ok(Ok(())) => {}
                Ok(Err(Gone)) => return,
                Err(error) => {
                    // A failed hand-over means that the other side has ended too.
                    let _ =
                        self.sender.blocking_send(Err(anyhow!(error).context(format!("cannot read {}", input.name))));
                    return;
                }
            }
        }
    }

    fn read_one(&self, input: &Input) -> io::Result<Result<(), Gone>> {
        let source: Box<dyn Read + Send> = match &input.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin()),
        };
        let counted = Counted { inner: source, read: Arc::clone(&self.read) };
        let mut lines = BufReader::with_capacity(256 << 10, inflated(counted)?);
        let mut batcher = Batcher::new(input.name.clone());
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            let is_whole = read_line(&mut lines, &mut line)?;
            if line.is_empty() && is_whole {
                break;
            }
            number += 1;
            if !is_whole {
                self.too_long.fetch_add(1, Relaxed);
                output::note(&format!("{}: line {number}: longer than 16 MiB, not sent", input.name));
                continue;
            }
            let text = trim(&line);
            if text.is_empty() {
                continue;
            }
            let is_first = batcher.is_untouched();
            if is_first
                && matches!(text[0], b'[' | b'{')
                && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_err()
            {
                // Not one value a line: perhaps one document over many lines.
                let mut document = line.clone();
                lines.by_ref().take(DOCUMENT_BYTES_MAX).read_to_end(&mut document)?;
                if document.len() as u64 > DOCUMENT_BYTES_MAX {
                    lines.read_until(b'\n', &mut document)?;
                }
                if serde_json::from_slice::<serde::de::IgnoredAny>(&document).is_ok() {
                    batcher.document(&document);
                } else {
                    for (place, text) in document.split(|byte| *byte == b'\n').enumerate() {
                        let text = trim(text);
                        if !text.is_empty() {
                            batcher.line(text, number + place as u64);
                        }
                    }
                    number += document.iter().filter(|byte| **byte == b'\n').count() as u64 - 1;
                }
            } else if text[0] == b'[' || (text[0] == b'{' && elements(text).is_some()) {
                batcher.document(text);
            } else {
                batcher.line(text, number);
            }
            for batch in batcher.done.drain(..) {
                if self.sender.blocking_send(Ok(batch)).is_err() {
                    return Ok(Err(Gone));
                }
            }
        }
        for batch in batcher.finish() {
            if self.sender.blocking_send(Ok(batch)).is_err() {
                return Ok(Err(Gone));
            }
        }
        Ok(Ok(()))
    }
}

/// Reads up to and with the next line end; false when the line is too long and was passed over.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let mut is_whole = true;
    loop {
        let room = (BODY_BYTES_MAX + 1 - line.len()) as u64;
        let read = reader.by_ref().take(room).read_until(b'\n', line)?;
        if read == 0 || line.ends_with(b"\n") {
            return Ok(is_whole);
        }
        if line.len() > BODY_BYTES_MAX {
            is_whole = false;
            line.clear();
        }
    }
}

fn trim(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii()
}

/// The elements of a JSON array or of a `{"Records": […]}` document.
fn elements(document: &[u8]) -> Option<Vec<&RawValue>> {
    #[derive(serde::Deserialize)]
    struct Records<'a> {
        #[serde(rename = "Records", borrow)]
        records: Vec<&'a RawValue>,
    }
    if document.first() == Some(&b'[') {
        return serde_json::from_slice(document).ok();
    }
    // Most lines are one event; look for the word before parsing.
    let has_word = document.windows(9).take(64).any(|window| window == b"\"Records\"");
    if has_word { serde_json::from_slice::<Records<'_>>(document).ok().map(|document| document.records) } else { None }
}

/// Cuts one input into batches.
struct Batcher {
    input: String,
    next_index: u64,
    body: Vec<u8>,
    places: Vec<u64>,
    done: Vec<Batch>,
}

impl Batcher {
    fn new(input: String) -> Self {
        Self { input, next_index: 0, body: Vec::new(), places: Vec::new(), done: Vec::new() }
    }

    fn is_untouched(&self) -> bool {
        self.next_index == 0 && self.places.is_empty()
    }

    fn line(&mut self, text: &[u8], number: u64) {
        if self.is_full(text.len()) {
            self.cut(true);
        }
        self.body.extend_from_slice(text);
        self.body.push(b'\n');
        self.places.push(number);
    }

    fn document(&mut self, document: &[u8]) {
        self.cut(true);
        let document = trim(document);
        let Some(elements) = elements(document) else {
            // Some other wrapper: the server takes it apart.
            self.body.extend_from_slice(document);
            self.places.push(1);
            self.cut(false);
            return;
        };
        for (place, element) in elements.into_iter().enumerate() {
            if self.is_full(element.get().len()) {
                self.close_array();
            }
            self.body.push(if self.body.is_empty() { b'[' } else { b',' });
            self.body.extend_from_slice(element.get().as_bytes());
            self.places.push(place as u64 + 1);
        }
        self.close_array();
    }

    fn is_full(&self, more: usize) -> bool {
        !self.places.is_empty() && (self.body.len() + more + 1 > BATCH_BYTES || self.places.len() == BATCH_EVENTS_MAX)
    }

    fn close_array(&mut self) {
        if !self.body.is_empty() {
            self.body.push(b']');
            self.cut(false);
        }
    }

    fn cut(&mut self, is_lines: bool) {
        if self.places.is_empty() {
            return;
        }
        self.done.push(Batch {
            input: self.input.clone(),
            index: self.next_index,
            body: std::mem::take(&mut self.body),
            places: std::mem::take(&mut self.places),
            is_lines,
        });
        self.next_index += 1;
    }

    fn finish(mut self) -> Vec<Batch> {
        self.cut(true);
        self.done
    }
}

/// Counts what is read, for the progress bar.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.read.fetch_add(count as u64, Relaxed);
        Ok(count)
    }
}

/// The plain bytes, whatever compression the first bytes tell.
fn inflated<R: Read + Send + 'static>(source: R) -> io::Result<Box<dyn Read + Send>> {
    let mut buffered = BufReader::with_capacity(64 << 10, source);
    let head = buffered.fill_buf()?;
    if head.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(buffered)));
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(zstd::Decoder::with_buffer(buffered)?));
    }
    Ok(Box::new(buffered))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn batches(text: &[u8]) -> Vec<Batch> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        std::fs::write(&path, text).unwrap();
        let (sender, mut receiver) = mpsc::channel(1000);
        let reader = Reader { sender, read: Arc::default(), too_long: Arc::default() };
        reader.read_all(&[Input { path: Some(path), name: "input".to_owned() }]);
        drop(reader);
        std::iter::from_fn(|| receiver.blocking_recv()).collect::<anyhow::Result<_>>().unwrap()
    }

    fn check(text: &[u8], expected: &[(&str, &[u64], bool)]) {
        let found = batches(text);
        let found: Vec<_> = found
            .iter()
            .map(|batch| (std::str::from_utf8(&batch.body).unwrap(), batch.places.as_slice(), batch.is_lines))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_are_sent_as_they_are_and_blank_ones_are_left_out() {
        check(b"{\"a\":1}\n\n  \r\n{\"a\":2}\r\nnonsense", &[("{\"a\":1}\n{\"a\":2}\nnonsense\n", &[1, 4, 5], true)]);
        check(b"", &[]);
        check(b"broken\n{\"a\":1}", &[("broken\n{\"a\":1}\n", &[1, 2], true)]);
        check(b"{broken\n{\"a\":1}\n", &[("{broken\n{\"a\":1}\n", &[1, 2], true)]);
    }

    #[test]
    fn documents_are_taken_apart_and_their_elements_stay_verbatim() {
        check(b"[\n {\"a\": 1},\n {\"b\":2}\n]\n", &[("[{\"a\": 1},{\"b\":2}]", &[1, 2], false)]);
        check(b"{\"Records\":[{\"a\":1},{\"a\":2}]}", &[("[{\"a\":1},{\"a\":2}]", &[1, 2], false)]);
        check(b"{\n\"Records\":[{\"a\":1}]}", &[("[{\"a\":1}]", &[1], false)]);
        check(b"{\n\"kind\":\"EventList\"}", &[("{\n\"kind\":\"EventList\"}", &[1], false)]);
        check(b"{\"a\":1}\n[{\"b\":1}]\n", &[("{\"a\":1}\n", &[1], true), ("[{\"b\":1}]", &[1], false)]);
    }

    #[test]
    fn a_batch_is_cut_at_its_size_and_its_number_of_events() {
        let small = "{}\n".repeat(25_000);
        let sizes: Vec<_> = batches(small.as_bytes()).iter().map(|batch| batch.places.len()).collect();
        assert_eq!(sizes, [10_000, 10_000, 5_000]);
        let large = format!("{{\"a\":\"{}\"}}\n", "x".repeat(300_000)).repeat(7);
        let found = batches(large.as_bytes());
        assert_eq!(found.iter().map(|batch| batch.places.len()).collect::<Vec<_>>(), [3, 3, 1]);
        assert!(found.iter().all(|batch| batch.body.len() <= BATCH_BYTES));
    }

    #[test]
    fn a_file_that_has_grown_keeps_the_keys_of_its_earlier_batches() {
        let text = "{\"n\":1}\n".repeat(25_000);
        let keys = |text: &str| -> Vec<_> {
            batches(text.as_bytes()).iter().map(|batch| batch.idempotency_key("auto")).collect()
        };
        let (before, after) = (keys(&text), keys(&format!("{text}{{\"n\":2}}\n")));
        assert_eq!(before[..2], after[..2]);
        assert_ne!(before[2], after[2]);
        // Two equal batches of one file are two batches.
        assert_ne!(before[0], before[1]);
    }

    #[test]
    fn compressed_files_are_inflated() {
        use std::io::Write;
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(b"{\"a\":1}\n").unwrap();
        check(&gz.finish().unwrap(), &[("{\"a\":1}\n", &[1], true)]);
        check(&zstd::encode_all(&b"{\"a\":1}\n"[..], 1).unwrap(), &[("{\"a\":1}\n", &[1], true)]);
    }

    #[test]
    fn a_line_that_cannot_be_sent_is_passed_over() {
        let mut line = vec![b'x'; BODY_BYTES_MAX + 5];
        line.extend_from_slice(b"\nnext\n");
        let mut reader = BufReader::new(line.as_slice());
        let mut into = Vec::new();
        assert!(!read_line(&mut reader, &mut into).unwrap());
        into.clear();
        assert!(read_line(&mut reader, &mut into).unwrap());
        assert_eq!(into, b"next\n");
    }
}
