//! `GET /api/v1/export`: everything that matches, as a file.
//!
//! A task of its own reads from the engine and hands on what the reader takes, so that a reader who takes
//! nothing, or whose key was revoked, holds neither one of the engine's few exports nor its snapshot.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use whodid_api::{Code, ExportParams, Order};
use whodid_engine::{ExportFormat, Profile, ReadRequest};
use whodid_model::access::Act;
use whodid_model::{AccessScope, StreamName, chain};

use super::App;
use super::audit::Ending;
use super::auth::Caller;
use super::failure::Failure;
use super::params::Params;
use super::search::{note_read, order, read_request};

/// Exports that one key or user may run at once; the engine runs few in all.
const EXPORTS_A_CALLER_MAX: usize = 4;
/// Bytes that are handed on at once.
const PIECE_BYTES: usize = 256 << 10;
/// A reader must have taken a piece after this time, which asks for 13 KiB a second.
const PIECE_TIMEOUT: Duration = Duration::from_secs(20);
/// A revoked key or ended session breaks its exports off within about this time.
const RECHECK: Duration = Duration::from_millis(500);

/// How long a running export waits and how often it looks.
#[derive(Debug, Clone, Copy)]
struct Patience {
    piece: Duration,
    recheck: Duration,
}

const PATIENCE: Patience = Patience { piece: PIECE_TIMEOUT, recheck: RECHECK };

/// How many exports each caller runs.
#[derive(Debug, Default, Clone)]
pub struct Exports(Arc<Mutex<HashMap<String, usize>>>);

/// One export's place; given back when dropped.
#[derive(Debug)]
pub struct Place {
    exports: Exports,
    caller: String,
}

impl Exports {
    pub fn begin(&self, caller: String) -> Result<Place, Failure> {
        let mut running = self.0.lock();
        let count = running.entry(caller.clone()).or_default();
        if *count >= EXPORTS_A_CALLER_MAX {
            let detail = format!("this key or user runs {count} exports already; wait until one of them has ended");
            return Err(Failure::new(Code::Overloaded, detail));
        }
        *count += 1;
        Ok(Place { exports: self.clone(), caller })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = self.exports.0.lock();
        if let Some(count) = running.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.caller);
            }
        }
    }
}

pub async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<ExportParams>,
) -> Result<Response, Failure> {
    let request = read_request!(params);
    let stream = request.stream.clone().unwrap_or_else(StreamName::activity);
    note_read(&caller, &request, &stream, "export");
    caller.attempt.asks("format", params.format.unwrap_or_default().as_str());
    caller.attempt.asks_text("columns", params.columns.as_deref());
    let scope = caller.access(Act::Export(&stream), params.account.as_deref())?;
    super::search::refuse_secret("`q`", &request.q)?;
    let (format, kind, ending) = match params.format.unwrap_or_default() {
        whodid_api::ExportFormat::Ndjson => (ExportFormat::Ndjson, "application/x-ndjson", "ndjson"),
        whodid_api::ExportFormat::Cadf => (ExportFormat::Profile(Profile::Cadf), "application/x-ndjson", "cadf.ndjson"),
        whodid_api::ExportFormat::IbmAt => {
            (ExportFormat::Profile(Profile::IbmAt), "application/x-ndjson", "ibm-at.ndjson")
        }
        whodid_api::ExportFormat::Csv => {
            let columns = params.columns.as_deref().unwrap_or_default();
            let columns =
                columns.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
            (ExportFormat::Csv { columns }, "text/csv; charset=utf-8; header=present", "csv")
        }
    };
    // The first chunk is waited for, so that what fails at once is told by the status. That of a CSV is its
    // header, which never fails, so there the second.
    let chunks_awaited = if matches!(format, ExportFormat::Csv { .. }) { 2 } else { 1 };
    let order = order(params.order.unwrap_or(Order::Asc));
    let place = app.exports.begin(caller.label())?;
    let is_csv = matches!(format, ExportFormat::Csv { .. });
    let mut chunks = app.engine()?.export(&scope, &request, order, format).await?;
    let mut first = Vec::with_capacity(chunks_awaited);
    while first.len() < chunks_awaited
        && let Some(chunk) = chunks.next().await
    {
        first.push(chunk?);
    }
    let chunks = futures::stream::iter(first.into_iter().map(Ok)).chain(chunks).boxed();
    let stamp = crate::clock::now().to_string();
    let day = stamp.split('T').next().unwrap_or_default();
    let name = format!("attachment; filename=\"whodid-{day}.{ending}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, sent(&app, &caller, place, chunks, Lines::new(is_csv))).into_response())
}

/// A body that is sent for as long as its caller may read; what came of it is told at its end.
pub fn sent(app: &Arc<App>, caller: &Caller, place: Place, chunks: Chunks, lines: Lines) -> Body {
    let ending = caller.attempt.begins(app);
    let (app, caller) = (Arc::clone(app), caller.clone());
    let is_valid = move || {
        let (app, caller) = (Arc::clone(&app), caller.clone());
        async move { caller.is_still_valid(&app).await }
    };
    Body::from_stream(pieces(chunks, is_valid, place, PATIENCE, lines, ending))
}

/// One person's activity as a CSV: page by page, newest first.
pub async fn own(app: &Arc<App>, caller: &Caller, scope: AccessScope, request: ReadRequest) -> Result<Body, Failure> {
    let place = app.exports.begin(caller.label())?;
    let engine = app.engine()?.clone();
    // The first page is waited for, so that what fails at once is told by the status.
    let first = engine.list_own(&scope, &request, OWN_PAGE, None).await?;
    struct Reading {
        engine: whodid_engine::Engine,
        scope: AccessScope,
        request: ReadRequest,
        page: Option<whodid_engine::Page>,
        cursor: Option<String>,
        is_begun: bool,
    }
    let reading = Reading { engine, scope, request, page: Some(first), cursor: None, is_begun: false };
    let chunks = futures::stream::try_unfold(reading, |mut reading| async move {
        let page = match (reading.page.take(), reading.cursor.take()) {
            (Some(page), _) => page,
            (None, None) => return Ok(None),
            (None, Some(cursor)) => {
                reading.engine.list_own(&reading.scope, &reading.request, OWN_PAGE, Some(&cursor)).await?
            }
        };
        let chunk = own_lines(&page.events, !reading.is_begun);
        reading.is_begun = true;
        reading.cursor = page.next_cursor;
        Ok(Some((chunk, reading)))
    });
    Ok(sent(app, caller, place, chunks.boxed(), Lines::new(true)))
}

/// Events as lines of a CSV, what happened in a sentence first.
fn own_lines(events: &[String], with_heading: bool) -> Bytes {
    const COLUMNS: [(&str, &str); 9] = [
        ("time", "/eventTime"),
        ("what", "/record/summary"),
        ("result", "/record/result"),
        ("action", "/action"),
        ("target", "/target/name"),
        ("target_id", "/target/id"),
        ("address", "/initiator/host/address"),
        ("agent", "/initiator/host/agent"),
        ("record", "/record/id"),
    ];
    let mut out = csv::Writer::from_writer(Vec::new());
    // Writing into memory cannot fail.
    if with_heading {
        let _ = out.write_record(COLUMNS.map(|(name, _)| name));
    }
    for event in events {
        let event: serde_json::Value = serde_json::from_str(event).unwrap_or_default();
        let _ = out.write_record(COLUMNS.map(|(_, path)| {
            let text = match event.pointer(path) {
                Some(serde_json::Value::String(text)) => text.clone(),
                None | Some(serde_json::Value::Null) => String::new(),
                Some(other) => other.to_string(),
            };
            whodid_engine::defused(&text).into_owned()
        }));
    }
    Bytes::from(out.into_inner().unwrap_or_default())
}

/// Events of one page of [`own`].
const OWN_PAGE: usize = 1000;

/// Why an export ends before everything is sent.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the events cannot be read on")]
    Engine(#[source] whodid_engine::Error),
    #[error("the key was revoked or the session ended")]
    Revoked,
    #[error("the reader takes too little")]
    Slow,
}

/// What a reader of the body gets where an export ends too early: the connection breaks.
#[derive(Debug, thiserror::Error)]
#[error("the export broke off")]
struct BrokeOff;

/// Counts the rows of what goes out.
#[derive(Debug)]
pub struct Lines {
    rows: u64,
    /// Of what goes out compressed they are counted before.
    counted: Option<Arc<AtomicU64>>,
    bytes: u64,
    /// A heading is no row.
    has_heading: bool,
    /// Line ends between quotes are of a cell.
    is_csv: bool,
    is_quoted: bool,
}

impl Lines {
    fn new(is_csv: bool) -> Self {
        Self { rows: 0, counted: None, bytes: 0, has_heading: is_csv, is_csv, is_quoted: false }
    }

    /// Of what hides its lines; whoever makes it counts them.
    pub fn counted(rows: Arc<AtomicU64>) -> Self {
        Self { counted: Some(rows), ..Self::new(false) }
    }

    fn count(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        if !self.is_csv {
            self.rows += memchr::memchr_iter(b'\n', piece).count() as u64;
            return;
        }
        for at in memchr::memchr2_iter(b'\n', b'"', piece) {
            if piece[at] == b'"' {
                self.is_quoted = !self.is_quoted;
            } else if !self.is_quoted {
                self.rows += 1;
            }
        }
    }

    fn told(&self) -> serde_json::Map<String, serde_json::Value> {
        let rows = match &self.counted {
            Some(rows) => rows.load(Ordering::Relaxed),
            None => self.rows.saturating_sub(u64::from(self.has_heading)),
        };
        [("rows".to_owned(), rows.into()), ("bytes".to_owned(), self.bytes.into())].into_iter().collect()
    }
}

/// What is sent, as it is made.
pub type Chunks = BoxStream<'static, Result<Bytes, whodid_engine::Error>>;

/// The chunks in pieces as the reader takes them. Ends with an error unless everything was taken.
fn pieces<V, F>(
    chunks: Chunks,
    is_valid: V,
    place: Place,
    patience: Patience,
    mut lines: Lines,
    tell: Option<Ending>,
) -> impl Stream<Item = Result<Bytes, BrokeOff>> + use<V, F>
where
    V: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = bool> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    let is_complete = Arc::new(AtomicBool::new(false));
    let complete = Arc::clone(&is_complete);
    tokio::spawn(async move {
        let _place = place;
        let outcome = tokio::select! {
            outcome = hand_on(chunks, &sender, patience.piece, &mut lines) => outcome,
            () = ending(is_valid, patience.recheck) => Err(Broken::Revoked),
            // The reader has gone, perhaps while a long query ran.
            () = sender.closed() => Ok(()),
        };
        if let Some(tell) = tell {
            let has_gone = outcome.is_ok() && sender.is_closed();
            let broken = outcome.as_ref().err().map(ToString::to_string);
            let broken = broken.or_else(|| has_gone.then(|| "the reader left".to_owned()));
            tell.ends(lines.told(), broken).await;
        }
        match outcome {
            Ok(()) => complete.store(true, Ordering::Release),
            Err(error) => tracing::warn!(error = %chain(&error), "an export broke off"),
        }
    });
    let mut has_ended = false;
    futures::stream::poll_fn(move |context| {
        receiver.poll_recv(context).map(|piece| match piece {
            Some(piece) => Some(Ok(piece)),
            None if is_complete.load(Ordering::Acquire) || has_ended => None,
            None => {
                has_ended = true;
                Some(Err(BrokeOff))
            }
        })
    })
}

async fn hand_on(
    mut chunks: Chunks,
    sender: &mpsc::Sender<Bytes>,
    patience: Duration,
    lines: &mut Lines,
) -> Result<(), Broken> {
    while let Some(chunk) = chunks.next().await {
        let mut chunk = chunk.map_err(Broken::Engine)?;
        while !chunk.is_empty() {
            let piece = chunk.split_to(chunk.len().min(PIECE_BYTES));
            let taken = piece.clone();
            match tokio::time::timeout(patience, sender.send(piece)).await {
                Ok(Ok(())) => lines.count(&taken),
                // The reader has gone; nobody is left to tell.
                Ok(Err(_)) => return Ok(()),
                Err(_) => return Err(Broken::Slow),
            }
        }
    }
    Ok(())
}

/// Returns when the caller may read no more.
async fn ending<F: Future<Output = bool>>(is_valid: impl Fn() -> F, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        if !is_valid().await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place() -> (Exports, Place) {
        let exports = Exports::default();
        let place = exports.begin("key".to_owned()).unwrap();
        (exports, place)
    }

    fn endless() -> Chunks {
        futures::stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 1000]))).boxed()
    }

    const SHORT: Patience = Patience { piece: Duration::from_millis(1), recheck: Duration::from_millis(1) };

    /// Waits for the task behind the pieces to give its place back.
    async fn until_none_runs(exports: &Exports) {
        while !exports.0.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_complete_export_ends_without_an_error() {
        let (exports, place) = place();
        let chunks = [Bytes::from(vec![b'a'; PIECE_BYTES + 1]), Bytes::new(), Bytes::from_static(b"b")];
        let chunks = futures::stream::iter(chunks.map(Ok)).boxed();
        let taken: Vec<_> = pieces(chunks, || async { true }, place, PATIENCE, Lines::new(false), None).collect().await;
        let sizes: Vec<_> = taken.into_iter().map(|piece| piece.unwrap().len()).collect();
        assert_eq!(sizes, [PIECE_BYTES, 1, 1]);
        until_none_runs(&exports).await;
    }

    #[tokio::test]
    async fn a_revoked_key_ends_a_running_export_with_an_error() {
        let (exports, place) = place();
        let valid = Arc::new(AtomicBool::new(true));
        let is_valid = {
            let valid = Arc::clone(&valid);
            move || std::future::ready(valid.load(Ordering::Relaxed))
        };
        let mut pieces = Box::pin(pieces(
            endless(),
            is_valid,
            place,
            Patience { recheck: SHORT.recheck, ..PATIENCE },
            Lines::new(false),
            None,
        ));
        assert!(pieces.next().await.unwrap().is_ok());
        valid.store(false, Ordering::Relaxed);
        until_none_runs(&exports).await;
        // What had been handed on may still come; then the error, then nothing.
        let rest: Vec<_> = pieces.collect().await;
        assert!(rest.last().unwrap().is_err() && rest.len() <= 2, "{rest:?}");
    }

    #[tokio::test]
    async fn a_reader_who_takes_nothing_holds_no_place() {
        let (exports, place) = place();
        let pieces = Box::pin(pieces(endless(), || async { true }, place, SHORT, Lines::new(false), None));
        until_none_runs(&exports).await;
        let rest: Vec<_> = pieces.collect().await;
        assert!(rest.last().unwrap().is_err(), "{rest:?}");
    }

    #[test]
    fn rows_are_counted_whatever_cells_hold_and_wherever_pieces_end() {
        let mut lines = Lines::new(true);
        for piece in ["a,b\r\n1,\"x\ny", "\"\"z\"\r\n2,", "3\r\n"] {
            lines.count(piece.as_bytes());
        }
        assert_eq!((lines.told()["rows"].as_u64(), lines.told()["bytes"].as_u64()), (Some(2), Some(22)));
    }

    #[test]
    fn one_caller_has_a_share_of_the_exports() {
        let exports = Exports::default();
        let mut places: Vec<_> = (0..EXPORTS_A_CALLER_MAX).map(|_| exports.begin("a".to_owned()).unwrap()).collect();
        assert_eq!(exports.begin("a".to_owned()).unwrap_err().code(), Code::Overloaded);
        assert!(exports.begin("b".to_owned()).is_ok());
        places.pop();
        assert!(exports.begin("a".to_owned()).is_ok());
    }
}
