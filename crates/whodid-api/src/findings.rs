//! The Findings API of Security Advisor: notes, which say what can be found, and occurrences, which say that it was.
//! Names and paths are IBM's, so that its clients work.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// What a note is about. Exactly the member that goes with it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoteKind {
    /// Something that can be found: `finding`.
    Finding,
    /// A number that is counted: `kpi`.
    Kpi,
    /// A card of the start page: `card`.
    Card,
    /// A card that needs configuration: `card`.
    CardConfigured,
    /// A section of cards: `section`.
    Section,
}

/// How grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum FindingSeverity {
    /// A look when there is time.
    Low,
    /// A look this week.
    Medium,
    /// A look today.
    High,
    /// A look now.
    Critical,
}

/// How sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Certainty {
    /// May be wrong.
    Low,
    /// Probably right.
    Medium,
    /// Right.
    High,
}

/// Who reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reporter {
    /// Its id.
    #[schema(min_length = 1, max_length = 200)]
    pub id: String,
    /// Its name.
    #[schema(max_length = 200)]
    pub title: String,
    /// Where to read about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 2048)]
    pub url: Option<String>,
}

/// Somewhere to read more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelatedUrl {
    /// What it is called.
    #[schema(max_length = 200)]
    pub label: String,
    /// Where it is.
    #[schema(max_length = 2048)]
    pub url: String,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemediationStep {
    /// What.
    #[schema(max_length = 1000)]
    pub title: String,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 2048)]
    pub url: Option<String>,
}

/// Of a note: what can be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingType {
    /// How grave it is, unless an occurrence says otherwise.
    pub severity: FindingSeverity,
    /// What to do about it.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub next_steps: Vec<RemediationStep>,
}

/// Of a note: what is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KpiType {
    /// `SUM`.
    #[schema(example = "SUM")]
    pub aggregation_type: String,
    /// How grave, where that means something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub severity: Option<FindingSeverity>,
}

/// Of a note: a section of cards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its title.
    #[schema(min_length = 1, max_length = 30)]
    pub title: String,
    /// Its picture, as base64.
    #[serde(default)]
    pub image: String,
}

/// Of a note: a card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The section it stands in.
    #[schema(min_length = 1, max_length = 30)]
    pub section: String,
    /// Its place there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 6)]
    pub order: Option<u8>,
    /// Its title.
    #[schema(min_length = 1, max_length = 28)]
    pub title: String,
    /// What stands below.
    #[schema(max_length = 30)]
    pub subtitle: String,
    /// The notes whose findings it is about: `{account}/providers/{provider}/notes/{id}`.
    #[schema(min_items = 1, max_items = 100)]
    pub finding_note_names: Vec<String>,
    /// Whether somebody must configure something first.
    #[serde(default)]
    pub requires_configuration: bool,
    /// A word in its corner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub badge_text: Option<String>,
    /// A picture there, as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub badge_image: Option<String>,
    /// What it shows: numbers, a breakdown or a series.
    #[schema(min_items = 1, max_items = 6)]
    pub elements: Vec<CardElement>,
}

/// Something that a card shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum CardElement {
    /// One number.
    Numeric {
        /// What it is called.
        #[schema(max_length = 60)]
        text: String,
        /// What is counted.
        value_type: ValueType,
        /// Over how long: `1d` to `4d`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        default_time_range: Option<String>,
    },
    /// Several numbers beside each other.
    Breakdown {
        /// What it is called.
        #[schema(max_length = 65)]
        text: String,
        /// What is counted.
        value_types: Vec<ValueType>,
        /// Over how long: `1d` to `4d`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        default_time_range: Option<String>,
    },
    /// Numbers over time.
    TimeSeries {
        /// What it is called.
        #[schema(max_length = 65)]
        text: String,
        /// What is counted; of findings only.
        #[schema(max_items = 3)]
        value_types: Vec<ValueType>,
        /// Width of a step: `1d`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        default_interval: Option<String>,
        /// Over how long: `1d` to `4d`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        default_time_range: Option<String>,
    },
}

/// What an element counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum ValueType {
    /// Findings.
    FindingCount {
        /// Of these notes.
        finding_note_names: Vec<String>,
        /// What they are called; needed where an element has several.
        #[serde(default)]
        #[schema(max_length = 22)]
        text: String,
    },
    /// Numbers that were reported.
    Kpi {
        /// Of these notes.
        kpi_note_names: Vec<String>,
        /// What they are called; needed where an element has several.
        #[serde(default)]
        #[schema(max_length = 22)]
        text: String,
    },
}

/// A note, as it is made or shall be. Members that are not known are ignored, so that what was read can be sent back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NoteWrite {
    /// Its id, one in its provider.
    #[schema(min_length = 1, max_length = 200, example = "my-finding")]
    pub id: String,
    /// What it is about.
    pub kind: NoteKind,
    /// In a few words.
    #[schema(min_length = 1, max_length = 200)]
    pub short_description: String,
    /// In full; `<br>`, `<i>` and `<b>` are shown as such.
    #[schema(max_length = 4000)]
    pub long_description: String,
    /// Who reports it.
    pub reported_by: Reporter,
    /// Where to read more.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub related_url: Vec<RelatedUrl>,
    /// Whether others see it. Kept and shown; here a note is seen by its account alone.
    #[serde(default = "yes")]
    pub shared: bool,
    /// Until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expiration_time: Option<String>,
    /// When it was made; whodid's own clock is what counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub create_time: Option<String>,
    /// When it was changed; whodid's own clock is what counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub update_time: Option<String>,
    /// What can be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub finding: Option<FindingType>,
    /// What is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kpi: Option<KpiType>,
    /// The card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub card: Option<Card>,
    /// The section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub section: Option<Section>,
}

fn yes() -> bool {
    true
}

/// A note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Note {
    /// What it says.
    #[serde(flatten)]
    pub note: NoteWrite,
    /// Who made it.
    pub author: Author,
}

/// Who made something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Author {
    /// The account.
    pub account_id: String,
    /// Their name, which is a mail address where people sign in with one.
    pub email: String,
    /// Their id.
    pub id: String,
    /// `user`, `service` or `rule`.
    pub kind: String,
}

/// Where something was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(default)]
pub struct OccurrenceContext {
    /// Its region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The resource's CRN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_crn: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// Its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The service's CRN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_crn: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// The environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_name: Option<String>,
    /// The component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_name: Option<String>,
    /// The toolchain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toolchain_id: Option<String>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

/// Of an occurrence: what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundDetail {
    /// How grave; as the note says when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub severity: Option<FindingSeverity>,
    /// How sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub certainty: Option<Certainty>,
    /// What to do about it.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub next_steps: Vec<RemediationStep>,
    /// `{direction, protocol, client, server}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    pub network_connection: Option<Value>,
    /// `{client_bytes, server_bytes, client_packets, server_packets}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    pub data_transferred: Option<Value>,
}

/// Of an occurrence: a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KpiValue {
    /// How many.
    pub value: f64,
    /// Of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<f64>,
}

/// An occurrence, as it is made or shall be. Members that are not known are ignored, so that what was read can be sent
/// back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OccurrenceWrite {
    /// Its id, one in its provider.
    #[schema(min_length = 1, max_length = 200, example = "my-occurrence-1")]
    pub id: String,
    /// What was found: `{account}/providers/{provider}/notes/{id}`.
    #[schema(min_length = 1, max_length = 700)]
    pub note_name: String,
    /// As the note's.
    pub kind: NoteKind,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 2048)]
    pub resource_url: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 4000)]
    pub remediation: Option<String>,
    /// Where, in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub context: Option<OccurrenceContext>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub finding: Option<FoundDetail>,
    /// The number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kpi: Option<KpiValue>,
}

/// An occurrence: what a client reported, or what a rule found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Occurrence {
    /// What it says.
    #[serde(flatten)]
    pub occurrence: OccurrenceWrite,
    /// `{account}/providers/{provider}/occurrences/{id}`.
    pub name: String,
    /// Whose it is.
    pub provider_id: String,
    /// `{account}/providers/{provider}`.
    pub provider_name: String,
    /// What the note says in short; of what a rule found, the sentence.
    pub short_description: String,
    /// What the note says in full; of what a rule found, its title, and why where the rule says so.
    pub long_description: String,
    /// Who reports it, as in the note.
    pub reported_by: Reporter,
    /// Who reported it.
    pub author: Author,
    /// When it was made, RFC 3339.
    pub create_time: String,
    /// When it was last changed.
    pub update_time: String,
    /// The same in milliseconds since 1970.
    pub create_timestamp: i64,
    /// When it was last changed.
    pub update_timestamp: i64,
    /// When it came in.
    pub insertion_timestamp: i64,
    /// The day of the change: `2026-W48-6`.
    pub update_week_date: String,
    /// The record of what a rule found: `findings:7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub record: Option<String>,
}

/// Which page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct FindingPageParams {
    /// How many; 100 when not given.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 100)]
    pub page_size: Option<u32>,
    /// `next_page_token` of the page before.
    #[param(nullable = false)]
    pub page_token: Option<String>,
}

/// Which providers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderParams {
    /// How many; 100 when not given.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
    /// How many to leave out before.
    #[param(nullable = false, minimum = 0)]
    pub skip: Option<u32>,
    /// The first, by id.
    #[param(nullable = false)]
    pub start_provider_id: Option<String>,
    /// The last, by id.
    #[param(nullable = false)]
    pub end_provider_id: Option<String>,
}

/// A page of notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NotePage {
    /// By id.
    pub notes: Vec<Note>,
    /// Give it back as `page_token`; empty on the last page.
    pub next_page_token: String,
}

/// A page of occurrences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OccurrencePage {
    /// Those that clients reported, the latest first, then what rules found, the latest first.
    pub occurrences: Vec<Occurrence>,
    /// Give it back as `page_token`; empty on the last page.
    pub next_page_token: String,
}

/// Who finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Provider {
    /// Its name: `{account}/providers/{id}`.
    pub name: String,
    /// Its id.
    pub id: String,
}

/// Those who find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderPage {
    /// By id.
    pub providers: Vec<Provider>,
    /// How many.
    pub limit: u32,
    /// How many were left out before.
    pub skip: u32,
    /// How many there are.
    pub total_count: u64,
}
