//! What could not be read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the raw bytes stand in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum RawEncoding {
    /// As they are.
    #[serde(rename = "utf-8")]
    Utf8,
    /// In base64, because they are not UTF-8.
    #[serde(rename = "base64")]
    Base64,
}

/// What whodid knows of a reject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectRecord {
    /// `rejects:7`.
    pub id: String,
    /// Place in the stream of rejects.
    pub offset: u64,
    /// When it came in.
    pub recorded_at: String,
}

/// An input that could not be read, kept with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"record": {"id": "rejects:7", "offset": 7, "recorded_at": "2026-11-20T08:58:41.400Z"}, "code": "not_json", "detail": "the text is not JSON: expected a value at byte 0", "source": "auto", "raw": "hello", "raw_encoding": "utf-8"}))]
pub struct Reject {
    /// Where it is kept.
    pub record: RejectRecord,
    /// Stable code.
    pub code: String,
    /// Why, in words, and how to mend it.
    pub detail: String,
    /// The format it was to be read as.
    pub source: String,
    /// The bytes as received.
    pub raw: String,
    /// How they are written here.
    pub raw_encoding: RawEncoding,
}

/// One page of rejects, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectPage {
    /// The rejects.
    pub rejects: Vec<Reject>,
    /// Give it back as `cursor` for the next page; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// How many rejects have a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectCount {
    /// Stable code.
    pub code: String,
    /// Exact number.
    pub count: u64,
}

/// Rejects by code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"total": 3, "codes": [{"code": "not_json", "count": 2}, {"code": "too_large", "count": 1}]}))]
pub struct RejectSummary {
    /// All of them.
    pub total: u64,
    /// Most frequent first.
    pub codes: Vec<RejectCount>,
}
