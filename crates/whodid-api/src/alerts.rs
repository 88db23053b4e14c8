//! Alerts, whom they are told, and for how long they are not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Level;

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    /// Nobody has taken it on.
    Open,
    /// Somebody looks at it.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl AlertStatus {
    /// The text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// Parameters of the list of alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct AlertParams {
    /// Only those that stand there, several with commas between: `open,acknowledged`.
    #[param(nullable = false, example = "open,acknowledged")]
    pub status: Option<String>,
    /// Only those of this rule.
    #[param(nullable = false)]
    pub rule: Option<String>,
    /// Only those that this member is to look at: their name or id; `me` for yourself.
    #[param(nullable = false)]
    pub assignee: Option<String>,
    /// Only those of this severity or a graver one.
    #[param(inline, nullable = false)]
    pub severity: Option<Level>,
    /// Only those that opened then or later, by the recorded time of their first finding: RFC 3339, seconds since 1970, `now-24h`, `24h` (that long ago) or `2 days ago`.
    #[param(nullable = false, example = "2026-07-01")]
    pub from: Option<String>,
    /// Only those that opened before then; written like `from`.
    #[param(nullable = false, example = "2026-10-01")]
    pub to: Option<String>,
    /// Alerts on a page; 100 when not given.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// The account to read; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// One of the values that the findings of an alert have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupPair {
    /// Such as `initiator.name`.
    #[schema(min_length = 1, max_length = 200)]
    pub key: String,
    /// Such as `alice`.
    #[schema(max_length = 1000)]
    pub value: String,
}

/// An alert as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Its id.
    pub id: String,
    /// The rule that found it.
    pub rule_id: String,
    /// The rule's title when it opened.
    pub rule_title: String,
    /// What happened, in one sentence.
    pub sentence: String,
    /// The kind of finding, as Security Advisor knows it, or the rule's id.
    pub finding_type: String,
    /// The insight that its newest finding tells of: `GET /api/v1/insights/{id}` has it. Not there where it tells of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub insight: Option<String>,
    /// The worst of its findings.
    pub severity: Level,
    /// Where it stands.
    pub status: AlertStatus,
    /// What its findings have in common.
    pub group: Vec<GroupPair>,
    /// Findings so far.
    pub findings: u64,
    /// Matches of the latest finding so far.
    pub matches: u64,
    /// Who is to look at it: a member as `user:` and their id, which stays whatever they are called.
    #[schema(required)]
    pub assignee: Option<String>,
    /// What people call them.
    #[schema(required)]
    pub assignee_name: Option<String>,
    /// Whether its rule tells that somebody makes whodid blind: it cannot be silenced, and to resolve it takes a reason.
    pub is_guard: bool,
    /// First finding.
    pub opened_at: String,
    /// Newest finding.
    pub last_at: String,
    /// Until before when it tells nobody.
    #[schema(required)]
    pub silenced_until: Option<String>,
    /// When it was told that nobody acknowledged it.
    #[schema(required)]
    pub escalated_at: Option<String>,
    /// Counted up by every change.
    pub revision: u64,
}

/// How many alerts stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertCounts {
    /// Nobody has taken them on.
    pub open: u64,
    /// Somebody looks at them.
    pub acknowledged: u64,
    /// They are over.
    pub resolved: u64,
}

/// A page of alerts, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertPage {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// All of the account, whatever was asked for.
    pub counts: AlertCounts,
    /// Give it back as `cursor` for the next page; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// What somebody wrote to an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertNote {
    /// Who, by name.
    pub by: String,
    /// When.
    pub at: String,
    /// What.
    pub text: String,
}

/// One line of an alert's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertEntry {
    /// When.
    pub at: String,
    /// Who, by name; null for whodid itself.
    #[schema(required)]
    pub by: Option<String>,
    /// `opened`, `reopened`, `escalated`, `acknowledged`, `assigned`, `noted`, `silenced`, `unsilenced`, `resolved`.
    pub act: String,
    /// To whom, why or until when, in words; empty where there is nothing to say.
    pub detail: String,
}

/// Whether a channel was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertDelivery {
    /// The channel's name; its id where it is gone.
    pub channel: String,
    /// What was told: `opened`, `again`, `escalated`, `acknowledged`, `resolved`, `reopened`.
    pub moment: String,
    /// `waiting`, `delivered`, `failed`.
    pub state: String,
    /// When it was queued.
    pub created_at: String,
}

/// An alert with all there is to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertDetail {
    /// The alert.
    pub alert: Alert,
    /// Which text of the rule made its newest finding: the text's SHA-256 in hexadecimal, as `version` of the rule. Null
    /// where no rule found it, and of alerts that are older than this.
    #[schema(required)]
    pub rule_version: Option<String>,
    /// Records of its findings, newest first: `findings:7`.
    pub finding_records: Vec<String>,
    /// Records that show it, newest first: `activity:42`.
    pub evidence: Vec<String>,
    /// Oldest first.
    pub notes: Vec<AlertNote>,
    /// Oldest first.
    pub history: Vec<AlertEntry>,
    /// Newest first.
    pub deliveries: Vec<AlertDelivery>,
}

/// What to do with an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "lowercase", deny_unknown_fields)]
pub enum AlertAct {
    /// Say that somebody looks at it.
    Acknowledge {
        /// The revision that was looked at; refused when it is another one now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        revision: Option<u64>,
    },
    /// Give it to somebody, or to nobody in particular.
    Assign {
        /// A member's name, in any case, or id; `me` for yourself; nobody when it is not there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 200)]
        to: Option<String>,
    },
    /// Write something to it.
    Note {
        /// What.
        #[schema(min_length = 1, max_length = 4000)]
        text: String,
    },
    /// Say that it is over.
    Resolve {
        /// Why; may be empty, unless the alert `is_guard`.
        #[serde(default)]
        #[schema(max_length = 1000)]
        reason: String,
        /// The revision that was looked at; refused when it is another one now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        revision: Option<u64>,
    },
    /// Say that it is not over after all.
    Reopen {},
    /// Let it count and tell nobody for some time; refused of one that `is_guard`.
    Silence {
        /// A time, or for how long: `8h`, `2d`; at most 90 days.
        #[schema(example = "8h")]
        until: String,
        /// Why.
        #[schema(min_length = 1, max_length = 1000)]
        reason: String,
    },
    /// Let it tell again.
    Unsilence {},
}

/// Which findings tell nobody. What is not there fits all; something must be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceCreate {
    /// Of one of these rules.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub rule_ids: Vec<String>,
    /// Of one of these severities.
    #[serde(default)]
    #[schema(max_items = 5)]
    pub severities: Vec<Level>,
    /// With each of these pairs.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub group: Vec<GroupPair>,
    /// From when; at once when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<String>,
    /// Until before when: a time, or for how long from now; at most 366 days.
    #[schema(example = "8h")]
    pub until: String,
    /// Why.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Silence {
    /// Its id.
    pub id: String,
    /// Of one of these rules.
    pub rule_ids: Vec<String>,
    /// Of one of these severities.
    pub severities: Vec<Level>,
    /// With each of these pairs.
    pub group: Vec<GroupPair>,
    /// From when.
    pub from: String,
    /// Until before when.
    pub until: String,
    /// Why.
    pub reason: String,
    /// Who wanted it, by name.
    pub by: String,
    /// Whether it is over.
    pub is_ended: bool,
}

/// The silences of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SilenceList {
    /// All of them, those that are over too.
    pub silences: Vec<Silence>,
}

/// Findings of a provider; `ALL` stands for each, `ATA` for the rules of Security Advisor's Activity Insights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelSource {
    /// Who finds, such as a package of rules.
    #[schema(min_length = 1, max_length = 100)]
    pub provider: String,
    /// What is found, by the rule's id, of `ATA` also by family (`iam`, `kms`, …); each type when it is not there.
    #[serde(default = "all_types")]
    #[schema(min_items = 1, max_items = 100)]
    pub finding_types: Vec<String>,
}

fn all_types() -> Vec<String> {
    vec!["ALL".to_owned()]
}

fn yes() -> bool {
    true
}

/// The methods by which a webhook is told; the body is sent with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebhookMethod {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// GET, for receivers that take a body with it.
    Get,
    /// DELETE, for receivers that take a body with it.
    Delete,
}

/// How a webhook proves where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum WebhookSigning {
    /// Not at all.
    None {},
    /// A header `X-Whodid-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`.
    Hmac {
        /// The key, 16 characters or more; masked in answers.
        secret: String,
    },
    /// The body is a JWT (RS256) of `{"findings": […]}`; its public key is at `/api/v1/notices/key`.
    Jwt {},
}

impl Default for WebhookSigning {
    fn default() -> Self {
        Self::None {}
    }
}

/// How syslog travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SyslogTransport {
    /// One datagram a message (RFC 5426).
    Udp,
    /// RFC 6587.
    Tcp,
    /// RFC 5425.
    Tls,
}

/// Where a channel leads. Secrets are masked in answers; a mask that is sent back keeps the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Receiver {
    /// People, by mail through the operator's server.
    Email {
        /// Addresses without display names.
        #[schema(min_items = 1, max_items = 50)]
        to: Vec<String>,
    },
    /// A Slack channel, by an incoming webhook.
    Slack {
        /// The webhook; masked in answers.
        url: String,
    },
    /// A Teams channel, by a Workflows webhook.
    Teams {
        /// The webhook; masked in answers.
        url: String,
    },
    /// A PagerDuty service, by the Events API v2.
    Pagerduty {
        /// The integration key; masked in answers.
        routing_key: String,
        /// Whether resolving here resolves there.
        #[serde(default = "yes")]
        auto_resolve: bool,
        /// Another region's address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        url: Option<String>,
    },
    /// Any HTTP endpoint.
    Webhook {
        /// Where.
        url: String,
        /// How.
        #[serde(default)]
        method: WebhookMethod,
        /// Further headers; their values are masked in answers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// A template for the body; the notice as JSON without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        body_template: Option<String>,
        /// How it proves where it comes from.
        #[serde(default)]
        signing: WebhookSigning,
    },
    /// A syslog collector, RFC 5424.
    Syslog {
        /// A name or an address.
        host: String,
        /// Its port.
        port: u16,
        /// How it is sent.
        transport: SyslogTransport,
    },
}

/// A channel to be made, or as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelWrite {
    /// Its name, one line.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub description: String,
    /// Whether it is told anything.
    #[serde(default = "yes")]
    pub is_enabled: bool,
    /// What it is told, by severity; medium and graver when it is not there.
    #[serde(default = "severities")]
    #[schema(min_items = 1, max_items = 5)]
    pub severities: Vec<Level>,
    /// What it is told, by origin; everything when empty.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<ChannelSource>,
    /// Notices an hour; what is over it is told together.
    #[serde(default = "rate_limit")]
    #[schema(minimum = 1, maximum = 3600)]
    pub rate_limit: u32,
    /// The zone in which its people read times.
    #[serde(default = "time_zone")]
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// Where it leads.
    pub receiver: Receiver,
}

fn severities() -> Vec<Level> {
    vec![Level::Medium, Level::High, Level::Critical]
}

fn rate_limit() -> u32 {
    60
}

fn time_zone() -> String {
    "UTC".to_owned()
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Channel {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is told anything.
    pub is_enabled: bool,
    /// What it is told, by severity.
    pub severities: Vec<Level>,
    /// What it is told, by origin; everything when empty.
    pub sources: Vec<ChannelSource>,
    /// Notices an hour.
    pub rate_limit: u32,
    /// The zone in which its people read times.
    pub time_zone: String,
    /// Where it leads, secrets masked. Who may not manage channels sees of a webhook the host alone, and no template.
    pub receiver: Receiver,
    /// Counted up by every change.
    pub revision: i64,
    /// When it was made.
    pub created_at: String,
    /// Who made it.
    pub created_by: String,
    /// What it was last told, and how that went.
    #[schema(required)]
    pub last_delivery: Option<Delivery>,
}

/// The channels of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelList {
    /// By name.
    pub channels: Vec<Channel>,
    /// Whether the operator has set a server for mail.
    pub has_mail: bool,
}

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryAttempt {
    /// When.
    pub at: String,
    /// `delivered`, `failed` (tried again), `refused` (given up), `merged` (told with others).
    pub outcome: String,
    /// The status of HTTP or SMTP, where there was an answer.
    #[schema(required)]
    pub status: Option<u16>,
    /// The beginning of what the receiver said, or why nothing was sent; empty where the delivery's summary is.
    pub answer: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// A notice on its way to a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// The alert it tells of; null for a test.
    #[schema(required)]
    pub alert: Option<String>,
    /// `opened`, `again`, `escalated`, `acknowledged`, `resolved`, `reopened`, `test`.
    pub moment: String,
    /// What it is about, in a line; empty for who may neither read alerts nor manage channels.
    pub summary: String,
    /// `waiting`, `delivered`, `failed`.
    pub state: String,
    /// When it was queued.
    pub created_at: String,
    /// When it is tried next; null when it is not.
    #[schema(required)]
    pub due_at: Option<String>,
    /// Oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// Parameters of the log of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryParams {
    /// Deliveries on a page; 100 when not given.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// The account to read; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// Deliveries of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryList {
    /// Newest first.
    pub deliveries: Vec<Delivery>,
    /// For the page after this one; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// The public half of the key that signed notices are verified with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeKey {
    /// SubjectPublicKeyInfo as PEM.
    pub pem: String,
    /// The same as a JWK (RFC 7517).
    pub jwk: BTreeMap<String, String>,
}
