//! Exports: every matching record, streamed, in the form that the reader asks for.

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use whodid_decode::Format;
use whodid_decode::profile::{to_cadf, to_ibm_at};
use whodid_lake::RawReader;
use whodid_model::{AccessScope, AccountName, Right, StreamName, Timestamp};

use crate::engine::{Engine, require};
use crate::error::Error;
use crate::read::{Order, ReadRequest, search_error, search_order};
use crate::render::{self, Renderer};
use crate::row::Row;

/// A form of CADF that other programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Strict CADF 1.0 (DMTF DSP0262).
    Cadf,
    /// The Activity Tracker profile.
    IbmAt,
}

/// What an export is written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportFormat {
    /// One event a line, in the API's form.
    Ndjson,
    /// One event a line, in a profile. What is of the profile comes out as it was received; what is not keeps the
    /// event as received as an attachment, so that nothing of it is lost on the way.
    Profile(Profile),
    /// A header and one event a line; cells that a spreadsheet would run as a formula are quoted.
    Csv {
        /// Field names or paths; the default columns when empty.
        columns: Vec<String>,
    },
}

/// Columns of a CSV export that names none.
pub const CSV_COLUMNS: [&str; 12] = [
    "eventTime",
    "id",
    "action",
    "outcome",
    "severity",
    "initiator.name",
    "initiator.host.address",
    "target.typeURI",
    "target.name",
    "reason.reasonCode",
    "region",
    "service",
];

/// Pieces of an export that are formatted at once, and their rows at most: what is formatted waits for its reader in
/// memory, and large texts are expensive to get and give back.
const EXPORT_PIECES_AT_ONCE: usize = 4;
const EXPORT_PIECE_ROWS: usize = 512;

impl Engine {
    /// Every matching event, in order, as chunks of text. The stream ends with an error when a part could
    /// not be read; an export is complete only when it ends without one.
    pub async fn export(
        &self,
        scope: &AccessScope,
        request: &ReadRequest,
        order: Order,
        format: ExportFormat,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        require(scope, &[Right::Export])?;
        let mut view = self.view(scope, request).await?;
        view.filter.before_offset = Some(view.snapshot.next_offset());
        let (account, stream) = (view.account.clone(), view.stream.clone());
        let now = (self.inner.options.clock)();
        let mut profile = None;
        let (head, csv) = match format {
            ExportFormat::Ndjson => (None, None),
            ExportFormat::Profile(_) if stream == StreamName::rejects() => {
                return Err(Error::invalid(
                    "bad_parameter",
                    "rejects could not be read as events and have no CADF form; export them as ndjson",
                ));
            }
            ExportFormat::Profile(wanted) => {
                profile = Some(wanted);
                (None, None)
            }
            ExportFormat::Csv { columns } => {
                let names: Vec<String> =
                    if columns.is_empty() { CSV_COLUMNS.map(str::to_owned).to_vec() } else { columns };
                let columns = crate::csv::Columns::parse(&names)?;
                (Some(columns.header()), Some(Arc::new(columns)))
            }
        };
        let stored = csv.as_ref().and_then(|columns| columns.stored());
        let stored: Option<Vec<&str>> = stored.as_ref().map(|names| names.iter().map(String::as_str).collect());
        let batches = self
            .inner
            .searcher
            .export(&view.snapshot, &view.filter, search_order(order), stored.as_deref())
            .map_err(search_error)?;
        let renderers = Renderers(Arc::default());
        let body = batches
            .flat_map(|batch| futures::stream::iter(pieces(batch.map_err(search_error))))
            .map(move |piece| {
                let (account, stream, csv) = (account.clone(), stream.clone(), csv.clone());
                let renderers = renderers.clone();
                // Formatting is CPU work: off the threads that answer requests. It begins here and not when its turn
                // comes to be sent.
                let formatted = piece.map(|batch| {
                    tokio::task::spawn_blocking(move || match (csv, profile) {
                        (Some(columns), _) => columns.rows(&batch, &stream),
                        (None, Some(profile)) => in_profile(&batch, profile, now),
                        (None, None) => renderers.ndjson(&batch, account, stream),
                    })
                });
                async move { formatted?.await.map_err(|error| Error::internal("formatting an export", error)) }
            })
            .buffered(EXPORT_PIECES_AT_ONCE);
        Ok(futures::stream::iter(head.map(Ok)).chain(body).boxed())
    }
}

/// A batch in pieces of few rows, in order.
fn pieces(batch: Result<RecordBatch, Error>) -> Vec<Result<RecordBatch, Error>> {
    let batch = match batch {
        Ok(batch) => batch,
        Err(error) => return vec![Err(error)],
    };
    let rows = batch.num_rows();
    let starts = (0..rows).step_by(EXPORT_PIECE_ROWS);
    starts.map(|start| Ok(batch.slice(start, EXPORT_PIECE_ROWS.min(rows - start)))).collect()
}

/// The renderers of one export, which know its kinds of events better with every piece.
#[derive(Clone)]
struct Renderers(Arc<parking_lot::Mutex<Vec<Renderer>>>);

impl Renderers {
    fn ndjson(&self, batch: &RecordBatch, account: AccountName, stream: StreamName) -> Bytes {
        let idle = self.0.lock().pop();
        let mut renderer = idle.unwrap_or_else(|| Renderer::new(account, stream));
        let mut text = String::with_capacity(batch.num_rows() * 3072);
        let raws = RawReader::new(batch);
        for row in Row::all_with(batch, &raws) {
            renderer.event(row, &mut text);
            text.push('\n');
        }
        self.0.lock().push(renderer);
        Bytes::from(text)
    }
}

fn in_profile(batch: &RecordBatch, profile: Profile, now: Timestamp) -> Bytes {
    let mut text = String::with_capacity(batch.num_rows() * 2048);
    let raws = RawReader::new(batch);
    for row in Row::all_with(batch, &raws) {
        let raw = row.raw();
        let raw = render::text_of(&raw);
        let format = Format::parse(row.source()).unwrap_or(Format::Json);
        let event = row.event();
        let json = match profile {
            Profile::Cadf => to_cadf(format, &raw, &event, now),
            Profile::IbmAt => to_ibm_at(format, &raw, &event),
        };
        render::write_on_one_line(json.get(), &mut text);
        text.push('\n');
    }
    Bytes::from(text)
}
