//! Insights: what departs from what is usual.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// What is unusual, by the names of ActionTrail; the first two are CloudTrail's too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum InsightType {
    /// An action is done more often than usual. Of writes.
    ApiCallRateInsight,
    /// An action fails more often than usual, with one code. Of reads and writes.
    ApiErrorRateInsight,
    /// Somebody acts from an address that does not fit.
    IpInsight,
    /// An access key does what it never did.
    AkInsight,
    /// Rights change more often than usual.
    PolicyChangeInsight,
    /// Passwords change more often than usual.
    PasswordChangeInsight,
    /// Records of what is done are stopped, or a source fell silent.
    TrailConcealmentInsight,
}

/// Where an insight is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum InsightState {
    /// It goes on.
    Open,
    /// It is over.
    Ended,
}

/// What people said of an insight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum InsightVerdict {
    /// It was right: nobody need look.
    Expected,
    /// It was worth a look.
    Useful,
}

/// One insight, as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Insight {
    /// Its id: the same in all events that tell of it.
    pub id: String,
    /// Its kind.
    pub insight_type: InsightType,
    /// Whether it goes on.
    pub state: InsightState,
    /// What it is about: the action, the error code, the address, the key or the service, depending on the kind.
    pub object: String,
    /// In a sentence: `kms.secrets.delete calls by bob in eu-de: 14× normal, 42 a minute against 3`.
    pub sentence: String,
    /// `critical`, `warning` or `normal`.
    pub severity: String,
    /// When it began.
    pub start: String,
    /// When it was over; `null` while it goes on.
    pub end: Option<String>,
    /// Up to when the numbers speak.
    pub until: String,
    /// Where: `global` for events without a region.
    pub region: String,
    /// The format of its events.
    pub source: String,
    /// The service.
    pub event_source: Option<String>,
    /// The action.
    pub event_name: Option<String>,
    /// The error code.
    pub error_code: Option<String>,
    /// The address.
    pub source_ip_address: Option<String>,
    /// Who, where it is about one.
    pub principal_id: Option<String>,
    /// The access key.
    pub access_key_id: Option<String>,
    /// How many times more than expected; `null` where next to nothing was expected.
    pub times_usual: Option<f64>,
    /// Events in it.
    pub count: u64,
    /// What people said of it.
    pub verdict: Option<InsightVerdict>,
    /// Why.
    pub verdict_reason: Option<String>,
    /// Who said so.
    pub verdict_by: Option<String>,
    /// When.
    pub verdict_at: Option<String>,
    /// The exception that it falls under: it was told to nobody.
    pub expected_by: Option<String>,
    /// Averages a minute, durations in minutes, counts: see the guide.
    #[schema(value_type = Object)]
    pub statistics: Value,
    /// The test that started it: method, window, count, expected, upper bound, score, threshold.
    #[schema(value_type = Object)]
    pub test: Value,
    /// Who and what it is made of, against what is usual.
    #[schema(value_type = Vec<Object>)]
    pub attributions: Value,
    /// The search that finds its events, and the first of them.
    #[schema(value_type = Object)]
    pub evidence: Value,
    /// The records of the stream `insights` that tell of it, by their ids, the first first.
    pub event_ids: Vec<String>,
}

/// A page of insights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InsightPage {
    /// The latest start first; in another form if one was asked for.
    #[schema(value_type = Vec<Insight>)]
    pub insights: Vec<Value>,
    /// Where the list goes on; `null` at its end.
    pub next_cursor: Option<String>,
    /// How many there are of each kind in all pages.
    pub counts: InsightCounts,
    /// Whether more records tell of insights in this time than are read at once: then the oldest insights are neither in
    /// the list nor in the counts. Ask for them with `to`.
    #[serde(default)]
    pub is_cut: bool,
}

/// How many insights a list has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InsightCounts {
    /// In all.
    pub all: u64,
    /// That go on.
    pub open: u64,
    /// Of each kind, by its name.
    pub by_type: std::collections::BTreeMap<String, u64>,
    /// Left out of the list because they are expected.
    pub expected: u64,
}

/// The form of insights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum InsightForm {
    /// As described here.
    #[default]
    Whodid,
    /// ActionTrail's events: of each insight its start and its end. `principalId` is the name of the initiator, or its id
    /// where it has no name; `apiRelated` is the service and the action, with `/` between.
    ActionTrail,
    /// CloudTrail's events: of each insight its start and its end; other kinds are left out. `userIdentityArn` is the name
    /// of the initiator, or its id where it has no name.
    CloudTrail,
}

/// Which insights. Texts are exact and case-sensitive, as the vendors' look-up keys are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct InsightParams {
    /// The account; not needed where one may be read.
    #[param(nullable = false)]
    pub account: Option<String>,
    /// Of this kind.
    #[param(inline, nullable = false)]
    pub insight_type: Option<InsightType>,
    /// That go on, or that are over.
    #[param(inline, nullable = false)]
    pub state: Option<InsightState>,
    /// About this object.
    #[param(nullable = false)]
    pub insight_object: Option<String>,
    /// Of this action; of a new address (`IpInsight`) also where it is one of the five most frequent actions from there.
    /// Of an access key (`AkInsight`) and of changes of rights and passwords no action is recorded.
    #[param(nullable = false)]
    pub event_name: Option<String>,
    /// Of this service. Of an address and of an access key no service is recorded, unless its most frequent actions name
    /// one before their first point, as `kms` in `kms.secrets.delete`.
    #[param(nullable = false)]
    pub event_source: Option<String>,
    /// From this address, or where it is one of the five most frequent addresses.
    #[param(nullable = false)]
    pub source_ip_address: Option<String>,
    /// By this access key. Recorded of `AkInsight` only.
    #[param(nullable = false)]
    pub access_key_id: Option<String>,
    /// By this principal, or where it is one of the five that had the greatest part.
    #[param(nullable = false)]
    pub principal_id: Option<String>,
    /// With this error code, or where it is one of the five most frequent codes.
    #[param(nullable = false)]
    pub error_code: Option<String>,
    /// Of this region.
    #[param(nullable = false)]
    pub region: Option<String>,
    /// With this id, of the insight or of an event that tells of it.
    #[param(nullable = false)]
    pub event_id: Option<String>,
    /// Also those that are expected.
    #[param(nullable = false)]
    pub expected: Option<bool>,
    /// Started at this time or later; 30 days ago unless this or `to` is given. RFC 3339 or such as `7d`.
    #[param(nullable = false)]
    pub from: Option<String>,
    /// Started before this time.
    #[param(nullable = false)]
    pub to: Option<String>,
    /// Insights in a page: 1 to 200, 50 unless given.
    #[param(nullable = false)]
    pub limit: Option<u32>,
    /// Where to go on.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// The form.
    #[param(inline, nullable = false)]
    pub form: Option<InsightForm>,
}

/// One point of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InsightPointShown {
    /// When it begins.
    pub at: String,
    /// What was counted.
    pub count: u64,
    /// What was expected.
    pub expected: f64,
    /// What one period in twenty exceeds; never less than what is expected.
    pub upper: f64,
}

/// The series behind an insight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InsightSeriesShown {
    /// Seconds of a point.
    pub period: i64,
    /// In order of time.
    pub points: Vec<InsightPointShown>,
    /// The search for its events.
    pub query: String,
    /// When the insight began and ended, where it is one's series.
    pub episodes: Vec<InsightEpisode>,
}

/// When an insight was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InsightEpisode {
    /// Its id.
    pub id: String,
    /// When it began.
    pub start: String,
    /// When it was over.
    pub end: Option<String>,
}

/// Which points.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub enum MetricDataType {
    /// Only those with something.
    NonZeroData,
    /// All.
    #[default]
    FillWithZeros,
}

/// Which series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct InsightSeriesParams {
    /// The account; not needed where one may be read.
    #[param(nullable = false)]
    pub account: Option<String>,
    /// From this time on; a day before the insight unless given.
    #[param(nullable = false)]
    pub from: Option<String>,
    /// Before this time; some hours after the insight unless given.
    #[param(nullable = false)]
    pub to: Option<String>,
    /// Seconds of a point: 60, 300 (unless given) or 3600.
    #[param(nullable = false)]
    pub period: Option<u32>,
    /// Which points.
    #[param(inline, nullable = false)]
    pub data_type: Option<MetricDataType>,
}

/// Which metric data, as CloudTrail's `ListInsightsMetricData` asks for them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct InsightMetricParams {
    /// The account; not needed where one may be read.
    #[param(nullable = false)]
    pub account: Option<String>,
    /// The service; needed in CloudTrail's form.
    #[param(nullable = false)]
    pub event_source: Option<String>,
    /// The action; needed.
    #[param(nullable = false)]
    pub event_name: Option<String>,
    /// `ApiCallRateInsight` unless given, or `ApiErrorRateInsight`.
    #[param(inline, nullable = false)]
    pub insight_type: Option<InsightType>,
    /// The error code, of an error rate.
    #[param(nullable = false)]
    pub error_code: Option<String>,
    /// The region.
    #[param(nullable = false)]
    pub region: Option<String>,
    /// From this time on; a day ago unless given, in CloudTrail's form 90 days.
    #[param(nullable = false)]
    pub from: Option<String>,
    /// Before this time; now unless given.
    #[param(nullable = false)]
    pub to: Option<String>,
    /// Seconds of a point: 60, 300 or 3600. Unless given 300, in CloudTrail's form 3600.
    #[param(nullable = false)]
    pub period: Option<u32>,
    /// Which points; all unless given, in CloudTrail's form only those with something.
    #[param(inline, nullable = false)]
    pub data_type: Option<MetricDataType>,
    /// The form.
    #[param(inline, nullable = false)]
    pub form: Option<MetricForm>,
}

/// The form of metric data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricForm {
    /// With what was expected, and the band.
    #[default]
    Whodid,
    /// The answer of CloudTrail's `ListInsightsMetricData`, and its defaults.
    CloudTrail,
}

/// The series of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum InsightMetricData {
    /// In whodid's form.
    Whodid(InsightSeriesShown),
    /// In CloudTrail's.
    CloudTrail(CloudTrailMetricData),
}

/// The answer of CloudTrail's `ListInsightsMetricData`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CloudTrailMetricData {
    /// The service.
    pub event_source: String,
    /// The action.
    pub event_name: String,
    /// `ApiCallRateInsight` or `ApiErrorRateInsight`.
    pub insight_type: InsightType,
    /// The error code, of an error rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error_code: Option<String>,
    /// When each period begins, in seconds since 1970; in order of time.
    pub timestamps: Vec<i64>,
    /// What was counted in each of them.
    pub values: Vec<f64>,
}

/// How easily something is called unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum InsightSensitivity {
    /// About one false start of call and error rates in ten weeks.
    Low,
    /// About one in two weeks.
    #[default]
    Normal,
    /// About two a week.
    High,
}

/// How insights of an account are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InsightSettings {
    /// Kinds that are on; all unless changed.
    pub on: Vec<InsightType>,
    /// How easily something is called unusual.
    #[serde(default)]
    pub sensitivity: InsightSensitivity,
}

/// How insights of an account stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InsightStatusShown {
    /// How they are made.
    pub settings: InsightSettings,
    /// When the first event of all happened; `null` before any came.
    pub learning_since: Option<String>,
    /// From when on insights are told: a day later.
    pub learning_until: Option<String>,
    /// Hours from the first event to the latest: a source is judged from its 24th hour on.
    pub learned_hours: f64,
    /// Whether insights are told by now.
    pub is_ready: bool,
    /// Series that are known, and those that had anything within a week.
    pub series: u64,
    /// Series that had anything within a week.
    pub live_series: u64,
    /// Events of a history that is being put in order.
    pub held: u64,
    /// Records that wait to be looked at.
    pub behind: u64,
    /// Events that came too late to be judged; they taught.
    pub late: u64,
    /// Series forgotten because there were too many, and insights beyond the most that are told in a day.
    pub forgotten_series: u64,
    /// Insights beyond the most that are told in a day.
    pub untold: u64,
    /// Bytes that are remembered, about.
    pub state_bytes: u64,
    /// Each kind: on or off, and how many insights of it go on.
    pub kinds: Vec<InsightKindShown>,
}

/// A kind of insights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InsightKindShown {
    /// Which.
    pub insight_type: InsightType,
    /// In two or three words.
    pub title: String,
    /// Whether it is on.
    pub is_on: bool,
    /// How many go on.
    pub open: u64,
}

/// What is said of an insight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InsightFeedback {
    /// What; `null` takes back what was said.
    pub verdict: Option<InsightVerdict>,
    /// Why; needed with `expected`.
    #[serde(default)]
    pub reason: Option<String>,
    /// With `expected`: also what is like it from now on.
    #[serde(default)]
    pub from_now_on: Option<InsightPattern>,
}

/// Insights that are expected. Each text is a pattern in which `*` stands for any text, compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InsightPattern {
    /// Of this kind; of any unless given.
    #[serde(default)]
    pub insight_type: Option<InsightType>,
    /// Of these regions.
    #[serde(default)]
    pub region: Option<String>,
    /// Of these services.
    #[serde(default)]
    pub event_source: Option<String>,
    /// Of these actions.
    #[serde(default)]
    pub event_name: Option<String>,
    /// With these error codes.
    #[serde(default)]
    pub error_code: Option<String>,
    /// From these addresses.
    #[serde(default)]
    pub source_ip_address: Option<String>,
    /// By these.
    #[serde(default)]
    pub principal_id: Option<String>,
    /// Until then; for good unless given.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// An exception that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedCreate {
    /// What is expected.
    pub pattern: InsightPattern,
    /// Why.
    pub reason: String,
}

/// What is expected from some time on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpectedInsight {
    /// Its id.
    pub id: String,
    /// What.
    pub pattern: InsightPattern,
    /// Why.
    pub reason: String,
    /// Since when.
    pub created_at: String,
    /// Who said so.
    pub created_by: String,
    /// The insight it was made of.
    pub insight: Option<String>,
    /// How many insights it silenced, of those that are kept.
    pub silenced: u64,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpectedInsightList {
    /// The latest first.
    pub expected: Vec<ExpectedInsight>,
}

/// What an exception would have silenced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExpectedPreview {
    /// Insights of the last 90 days that it covers.
    pub silenced: u64,
    /// Of how many.
    pub of: u64,
    /// The latest of those that it covers, at most ten.
    pub examples: Vec<Insight>,
    /// Whether there were more insights in this time than are read at once: then the oldest do not count.
    #[serde(default)]
    pub is_cut: bool,
}
