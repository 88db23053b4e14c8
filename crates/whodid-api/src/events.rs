//! Events as sent to clients, and every answer that counts or lists them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What became of a request's events. Every event is in exactly one of the four numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"accepted": 2, "duplicates": 0, "excluded": 0, "rejected": [{"index": 1, "code": "not_json", "detail": "the text is not JSON: expected a value at byte 0"}], "first_offset": 42, "last_offset": 43, "repeated": false}))]
pub struct IngestReply {
    /// Stored, and synced to disk before this answer.
    pub accepted: u64,
    /// Stored before: same id and same content.
    pub duplicates: u64,
    /// Left out by an exclusion rule.
    pub excluded: u64,
    /// Could not be read; kept with their raw bytes among the rejects.
    pub rejected: Vec<Rejected>,
    /// Offset of the first accepted event; null when none was accepted.
    #[schema(required)]
    pub first_offset: Option<u64>,
    /// Offset of the last accepted event; null when none was accepted.
    #[schema(required)]
    pub last_offset: Option<u64>,
    /// Whether this is what an earlier request with the same `Idempotency-Key` and body was answered: the numbers are
    /// its numbers, and nothing was stored again.
    #[serde(default)]
    #[schema(required)]
    pub repeated: bool,
}

/// An event of the request that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rejected {
    /// Its position in the request, from 0.
    pub index: u64,
    /// Stable code: `not_json`, `too_large`, `missing_field` and others.
    pub code: String,
    /// Why, in words, and how to mend it.
    pub detail: String,
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Initiator {
    /// Identifier of who acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Readable name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Kind: `service/security/account/user`.
    #[serde(rename = "typeURI", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub type_uri: Option<String>,
    /// The credential used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub credential: Option<Credential>,
    /// Where the call came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub host: Option<Host>,
    /// Further members as received.
    #[serde(flatten)]
    pub further: BTreeMap<String, serde_json::Value>,
}

/// The credential used, never its secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Credential {
    /// Kind: `token`, `apikey`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<String>,
    /// Identifier: an access key id, a masked token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Further members as received.
    #[serde(flatten)]
    pub further: BTreeMap<String, serde_json::Value>,
}

/// Where a call came from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Host {
    /// Network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub address: Option<String>,
    /// User agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<String>,
    /// Further members as received.
    #[serde(flatten)]
    pub further: BTreeMap<String, serde_json::Value>,
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// Identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// Readable name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Kind: `kms/secrets`.
    #[serde(rename = "typeURI", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub type_uri: Option<String>,
    /// Further members as received.
    #[serde(flatten)]
    pub further: BTreeMap<String, serde_json::Value>,
}

/// Who observed and reported it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Observer {
    /// Readable name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Further members as received.
    #[serde(flatten)]
    pub further: BTreeMap<String, serde_json::Value>,
}

/// Why it ended as it did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Status code: `403`. A text or a number, as received.
    #[serde(rename = "reasonCode", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason_code: Option<serde_json::Value>,
    /// Status text: `Forbidden`.
    #[serde(rename = "reasonType", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason_type: Option<String>,
    /// Why it failed, in words.
    #[serde(rename = "reasonForFailure", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason_for_failure: Option<String>,
    /// Further members as received.
    #[serde(flatten)]
    pub further: BTreeMap<String, serde_json::Value>,
}

/// One event: CADF members at the top, `raw` as received, and `record`, which is what whodid itself knows.
///
/// For the sources `cadf` and `ibm-at` every further member stands as received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "59ea0075-5003-5674-9f8d-1d4fa59e9bec",
    "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
    "eventType": "activity",
    "eventTime": "2026-11-20T08:58:41.145Z",
    "action": "kms.secrets.delete",
    "outcome": "failure",
    "severity": "critical",
    "initiator": {"id": "IBMid-550000BOB1", "name": "bob@example.com", "typeURI": "service/security/account/user",
        "credential": {"type": "token"}, "host": {"address": "198.51.100.23", "agent": "curl/8.9"}},
    "target": {"id": "crn:v1:example:public:kms:eu-de:a/1::secret:k17", "name": "k17", "typeURI": "kms/secrets"},
    "observer": {"name": "ActivityTracker"},
    "reason": {"reasonCode": "403", "reasonType": "Forbidden"},
    "cadf": {"action": "delete"},
    "raw": "{\"action\":\"kms.secrets.delete\"}",
    "record": {"id": "activity:42", "offset": 42, "recorded_at": "2026-11-20T08:58:41.400Z", "account": "default",
        "space": null, "region": "eu-de", "stream": "activity", "source": "ibm-at", "access": "write", "result": "denied", "service": "kms",
        "app": null, "time_source": "stated", "summary": "bob tried to delete secret k17 in kms and was refused (403)"}
}))]
pub struct Event {
    /// The sender's id of the event, or one made at ingest. Two records may share it.
    pub id: String,
    /// The CADF type of the entry.
    #[serde(rename = "typeURI")]
    pub type_uri: String,
    /// `activity`, `monitor` or `control`.
    #[serde(rename = "eventType")]
    pub event_type: String,
    /// When it happened, as the sender claims; RFC 3339 in UTC.
    #[serde(rename = "eventTime")]
    pub event_time: String,
    /// The action as received.
    pub action: String,
    /// `success`, `failure`, `pending` or `unknown`.
    pub outcome: String,
    /// `normal`, `warning` or `critical`.
    pub severity: String,
    /// The sender's sentence about the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<String>,
    /// Who acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub initiator: Option<Initiator>,
    /// What it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub target: Option<Target>,
    /// Who observed and reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub observer: Option<Observer>,
    /// Why it ended as it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<Reason>,
    /// What was asked for; any JSON.
    #[serde(rename = "requestData", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_data: Option<serde_json::Value>,
    /// What was answered; any JSON.
    #[serde(rename = "responseData", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub response_data: Option<serde_json::Value>,
    /// Joins the events of one request or transaction.
    #[serde(rename = "correlationId", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub correlation_id: Option<String>,
    /// What was derived in CADF's own words.
    pub cadf: Cadf,
    /// The text of this one event exactly as received.
    pub raw: String,
    /// What whodid itself knows of it.
    pub record: Record,
    /// Further members as received.
    #[serde(flatten)]
    pub further: BTreeMap<String, serde_json::Value>,
}

/// What was derived in CADF's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cadf {
    /// The action in the CADF taxonomy: `delete`, `read/list`, `authenticate/login`.
    pub action: String,
}

/// What whodid itself knows of a record; everything else in an event is the sender's claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// Names the record for good: `activity:42`.
    pub id: String,
    /// Place in the stream, gapless from 0.
    pub offset: u64,
    /// When whodid took it in; RFC 3339 in UTC.
    pub recorded_at: String,
    /// Whose record it is.
    pub account: String,
    /// The part of the account it belongs to.
    #[schema(required)]
    pub space: Option<String>,
    /// Where it happened.
    #[schema(required)]
    pub region: Option<String>,
    /// The sequence it belongs to.
    pub stream: String,
    /// The source format it was read as.
    pub source: String,
    /// `read` or `write`.
    pub access: String,
    /// How it ended: `success`, `failure`, `denied` (a failure for want of a right), `pending` or `unknown`.
    pub result: String,
    /// The service it happened in.
    #[schema(required)]
    pub service: Option<String>,
    /// The instance of the service.
    #[schema(required)]
    pub app: Option<String>,
    /// How far the event time can be relied on: `stated`, `zone_assumed` or `received`.
    pub time_source: String,
    /// The event in one plain sentence.
    pub summary: String,
}

/// What a read cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// Milliseconds.
    pub took_ms: f64,
    /// Rows whose filter columns were looked at.
    pub rows_scanned: u64,
    /// Segments in the table.
    pub segments: u64,
    /// Segments that had to be opened.
    pub segments_read: u64,
    /// Rows that were in memory.
    pub tail_rows: u64,
    /// Records from this offset on are not in the answer nor in its further pages.
    pub as_of: u64,
}

/// One page of a search.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventPage {
    /// Events in order of event time, then offset.
    #[schema(value_type = Vec<Event>)]
    pub events: Vec<Box<RawValue>>,
    /// Give it back as `cursor` for the next page; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// What the read cost.
    pub stats: Stats,
}

/// A record that belongs to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Related {
    /// Where to find it.
    pub record: RelatedRecord,
    /// When it happened.
    #[serde(rename = "eventTime")]
    pub event_time: String,
    /// The action as received.
    pub action: String,
    /// How it ended.
    pub outcome: String,
}

/// Where to find a related record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RelatedRecord {
    /// `activity:43`.
    pub id: String,
    /// How it ended, as [`Record::result`] tells.
    pub result: String,
    /// The event in one plain sentence.
    pub summary: String,
}

/// One event with the records that share its id or its correlation id.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Lookup {
    /// The event's own members.
    #[serde(flatten)]
    pub event: Event,
    /// Oldest first, at most 50, without the event itself.
    pub related: Vec<Related>,
}

/// The neighbours of a record in time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Around {
    /// Earlier ones, the nearest last.
    #[schema(value_type = Vec<Event>)]
    pub before: Vec<Box<RawValue>>,
    /// Later ones, the nearest first.
    #[schema(value_type = Vec<Event>)]
    pub after: Vec<Box<RawValue>>,
}

/// How many records match; exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"count": 1204}))]
pub struct Count {
    /// The number.
    pub count: u64,
}

/// Numbers over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"interval": "PT1H", "from": "2026-11-20T08:00:00.000Z", "to": "2026-11-20T10:00:00.000Z", "by": "outcome", "buckets": [{"start": "2026-11-20T08:00:00.000Z", "counts": {"success": 120, "failure": 3}, "other": 0}, {"start": "2026-11-20T09:00:00.000Z", "counts": {}, "other": 0}], "total": 123}))]
pub struct Histogram {
    /// Width of a bucket as an ISO 8601 duration.
    pub interval: String,
    /// Start of the first bucket.
    pub from: String,
    /// End of the last bucket.
    pub to: String,
    /// What the bars are divided by, as asked for.
    pub by: String,
    /// Every bucket between `from` and `to`, empty ones too.
    pub buckets: Vec<Bucket>,
    /// Sum of all counts.
    pub total: u64,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bucket {
    /// Its start; it ends where the next begins.
    pub start: String,
    /// Number per value; only values that occur, and of the whole range only the 50 most frequent.
    pub counts: BTreeMap<String, u64>,
    /// Number of all further values.
    pub other: u64,
}

/// A value and how often it occurs.
// Not named `Value`: the generator takes any type of that name for any JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValueCount {
    /// The value as text.
    pub value: String,
    /// Exact number.
    pub count: u64,
}

/// The most frequent values of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"field": "action", "values": [{"value": "kms.secrets.read", "count": 812}], "other": 90, "missing": 0}))]
pub struct Top {
    /// The field as asked for.
    pub field: String,
    /// Most frequent first, ties in text order.
    pub values: Vec<ValueCount>,
    /// Matching records with some other value.
    pub other: u64,
    /// Matching records without a value.
    pub missing: u64,
}

/// One facet; the same as the answer of `top`.
pub type Facet = Top;

/// The most frequent values of several fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Facets {
    /// In the order asked for.
    pub facets: Vec<Top>,
}

/// Where a field name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldOrigin {
    /// The event model.
    Model,
    /// Paths seen in recent events.
    Seen,
}

/// A name that queries may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldName {
    /// The path to write in a query.
    pub name: String,
    /// Column of the table `events`, where there is one.
    #[schema(required)]
    pub column: Option<String>,
    /// Further names.
    pub aliases: Vec<String>,
    /// `text`, `time`, `number` or `json`.
    pub kind: String,
    /// Where the name comes from.
    pub origin: FieldOrigin,
}

/// Names that queries may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fields {
    /// Names of the model first, then seen ones.
    pub fields: Vec<FieldName>,
}

/// A query text that was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"ok": true, "canonical": "action:kms.* outcome:failure"}))]
pub struct QueryCheck {
    /// Always true; a text that is not understood gives a problem instead.
    pub ok: bool,
    /// The same query in its plainest spelling.
    pub canonical: String,
}
