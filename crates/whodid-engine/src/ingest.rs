//! From a request body to rows ready for the writer: decode, identify, build columns, compress.
//!
//! All of this runs before the writer thread sees the request, on as many cores as there are
//! requests; the writer only gives places and syncs.

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use whodid_decode::Format;
use whodid_lake::{BatchBuilder, Table};
use whodid_model::{AccountName, Field, StreamName, Timestamp};

use crate::admission::Admission;
use crate::duplicates::{HashSecret, Key, hex_of_key};

/// Most events in one request.
pub const EVENTS_A_REQUEST_MAX: usize = 10_000;

/// What a sender gives.
#[derive(Debug, Clone)]
pub struct IngestRequest {
    /// How to read the body.
    pub format: Format,
    /// The body, inflated.
    pub body: Bytes,
    /// The sender's name for this request: the same name again gets the same reply and stores nothing.
    pub idempotency_key: Option<String>,
    /// Who sends, such as the id of an ingestion key: each sender's names are its own.
    pub sender: String,
}

/// What became of each event of a request; the numbers add up to the events in the body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestReply {
    /// Stored, and on disk.
    pub accepted: u64,
    /// Known already; not stored again.
    pub duplicates: u64,
    /// Left out by an exclusion rule.
    pub excluded: u64,
    /// Not readable, or not what the key is for; kept in the `rejects` stream with raw bytes and reason.
    pub rejected: Vec<Rejected>,
    /// Offset of the first stored event in the `activity` stream.
    pub first_offset: Option<u64>,
    /// Offset of the last stored event.
    pub last_offset: Option<u64>,
    /// Whether this is the kept answer of an earlier request. What is kept of an answer does not hold it.
    #[serde(skip)]
    pub is_repeated: bool,
}

/// One event that could not be read or is not what its key is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Position in the request, from 0.
    pub index: u64,
    /// Stable code.
    pub code: String,
    /// Why, in words.
    pub detail: String,
}

/// Rows of one stream, ready to be given their places.
pub(crate) struct PreparedPart {
    pub stream: StreamName,
    pub table: Arc<Table>,
    pub batch: RecordBatch,
    pub encoded: Vec<u8>,
    /// One entry a row; `None` for rows that are never duplicates.
    pub keys: Vec<Option<Key>>,
}

/// A request, ready for the writer.
pub(crate) struct Prepared {
    pub account: AccountName,
    pub parts: Vec<PreparedPart>,
    pub rejected: Vec<Rejected>,
    /// Hash of the idempotency key, and of the body.
    pub request: Option<(Key, String)>,
    /// Whether whodid itself wrote it: it may use the reserve, and is no event of a sender.
    pub is_own: bool,
}

impl Prepared {
    /// Bytes it takes while it waits for the writer, about.
    pub fn memory_bytes(&self) -> usize {
        let bytes = |part: &PreparedPart| {
            part.batch.get_array_memory_size() + part.encoded.len() + part.keys.len() * size_of::<Option<Key>>()
        };
        self.parts.iter().map(bytes).sum()
    }
}

/// The tables a request may write to.
pub(crate) struct Tables {
    pub activity: Arc<Table>,
    pub rejects: Arc<Table>,
}

/// Why a body is refused as a whole.
#[derive(Debug)]
pub(crate) enum PrepareError {
    /// It holds no event.
    Empty,
    /// It holds more than [`EVENTS_A_REQUEST_MAX`].
    TooMany(usize),
}

/// Decodes and builds. Blocking, CPU only.
pub(crate) fn prepare(
    account: &AccountName,
    tables: &Tables,
    request: &IngestRequest,
    admission: &Admission,
    received: Timestamp,
    secret: HashSecret,
) -> Result<Prepared, PrepareError> {
    let items = whodid_decode::decode(request.format, &request.body, received);
    if items.is_empty() {
        return Err(PrepareError::Empty);
    }
    if items.len() > EVENTS_A_REQUEST_MAX {
        return Err(PrepareError::TooMany(items.len()));
    }
    let request_key = request.idempotency_key.as_deref().map(|key| secret.request(account, &request.sender, key));
    let mut activity = BatchBuilder::new();
    let mut keys = Vec::with_capacity(items.len());
    let mut rejects = BatchBuilder::new();
    let mut rejected = Vec::new();
    for item in items {
        let event = item.event.and_then(|event| admission.check(item.format, event));
        match event {
            Ok(mut event) => {
                match event.fields.get(Field::Id) {
                    Some(id) => keys.push(Some(secret.event(account, id, item.raw))),
                    None => {
                        event.fields.set(Field::Id, made_id(request_key.as_ref(), item.index));
                        keys.push(None);
                    }
                }
                activity.append(item.format.as_str(), item.raw, &event);
            }
            Err(reject) => {
                rejects.append_reject(request.format.as_str(), item.raw, &reject, received);
                rejected.push(Rejected {
                    index: item.index as u64,
                    code: reject.code.as_str().to_owned(),
                    detail: reject.detail,
                });
            }
        }
    }
    let rejects_keys = vec![None; rejects.len()];
    let parts = [
        finish(StreamName::activity(), &tables.activity, activity, keys),
        finish(StreamName::rejects(), &tables.rejects, rejects, rejects_keys),
    ];
    Ok(Prepared {
        account: account.clone(),
        parts: parts.into_iter().flatten().collect(),
        rejected,
        is_own: false,
        request: request_key.map(|key| (key, hex_of_key(&secret.body(request.format.as_str(), &request.body)))),
    })
}

/// Decodes and builds what whodid itself writes: CADF events, one a text. Blocking, CPU only.
///
/// # Errors
/// A text that is no event, which is a defect of whoever wrote it.
pub(crate) fn prepare_own(
    account: &AccountName,
    stream: &StreamName,
    table: &Arc<Table>,
    events: &[String],
    received: Timestamp,
    secret: HashSecret,
) -> Result<Prepared, String> {
    let mut builder = BatchBuilder::new();
    let mut keys = Vec::with_capacity(events.len());
    for text in events {
        let items = whodid_decode::decode(Format::Cadf, text.as_bytes(), received);
        let [item] = items.as_slice() else {
            return Err(format!("a text holds {} events instead of one", items.len()));
        };
        let event = item.event.as_ref().map_err(|reject| format!("{}: {}", reject.code.as_str(), reject.detail))?;
        let id = event.fields.get(Field::Id).ok_or("an event has no id")?;
        // The id of a finding is made of what was found: told twice after a crash, the words may differ.
        let raw = if *stream == StreamName::findings() { &[] } else { item.raw };
        keys.push(Some(secret.own_event(account, stream, id, raw)));
        builder.append(item.format.as_str(), item.raw, event);
    }
    Ok(Prepared {
        account: account.clone(),
        parts: finish(stream.clone(), table, builder, keys).into_iter().collect(),
        rejected: Vec::new(),
        request: None,
        is_own: true,
    })
}

fn finish(
    stream: StreamName,
    table: &Arc<Table>,
    builder: BatchBuilder,
    keys: Vec<Option<Key>>,
) -> Option<PreparedPart> {
    if builder.is_empty() {
        return None;
    }
    let batch = builder.finish();
    let mut encoded = whodid_lake::encode_batch(&batch);
    // It was made as large as the worst case.
    encoded.shrink_to_fit();
    Some(PreparedPart { stream, table: Arc::clone(table), batch, encoded, keys })
}

/// An id for an event that came without: the same for a repeated request, new otherwise.
fn made_id(request: Option<&Key>, index: usize) -> String {
    let id = match request {
        Some(key) => {
            let mut name = key.to_vec();
            name.extend_from_slice(&(index as u64).to_le_bytes());
            uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &name)
        }
        None => uuid::Uuid::now_v7(),
    };
    id.to_string()
}
