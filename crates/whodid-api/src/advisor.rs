//! Channels as Security Advisor's clients make them: its Notifications API, and the addresses of its manual.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where a channel leads; the only kind that Security Advisor knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum AdvisorChannelType {
    /// An HTTPS endpoint that takes a signed JWT.
    #[default]
    Webhook,
}

/// How grave what a channel is told is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AdvisorSeverity {
    /// A look when there is time.
    Low,
    /// What a rule without a level finds.
    Medium,
    /// A look today.
    High,
    /// A look now.
    Critical,
}

/// Findings of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvisorAlertSource {
    /// Who finds: a provider's id, `ATA` for the rules of Activity Insights, `ALL` for everybody.
    #[schema(min_length = 1, max_length = 100)]
    pub provider_name: String,
    /// What is found: ids of notes, of `ATA` also its families (`iam`, `kms`, `cos`, `appid`, `iks`, `cert`), or `ALL`;
    /// everything when it is not there.
    #[serde(default = "all_types")]
    #[schema(min_items = 1, max_items = 100)]
    pub finding_types: Vec<String>,
}

fn all_types() -> Vec<String> {
    vec!["ALL".to_owned()]
}

fn severities() -> Vec<AdvisorSeverity> {
    vec![AdvisorSeverity::Medium, AdvisorSeverity::High, AdvisorSeverity::Critical]
}

/// A channel to be made, or as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvisorChannelWrite {
    /// Its name, one line.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub description: String,
    /// Where it leads.
    pub r#type: AdvisorChannelType,
    /// The address that is told.
    pub endpoint: String,
    /// What it is told, by severity; medium and graver when it is not there.
    #[serde(default = "severities")]
    #[schema(min_items = 1, max_items = 4)]
    pub severity: Vec<AdvisorSeverity>,
    /// Whether it is told anything. Security Advisor's default is that it is not.
    #[serde(default)]
    pub enabled: bool,
    /// What it is told, by origin; everything when empty. The manual's spelling `alertSource` is read too.
    #[serde(default, alias = "alertSource")]
    #[schema(max_items = 50)]
    pub alert_source: Vec<AdvisorAlertSource>,
}

/// What a channel is told, by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisorSeverities {
    /// Critical ones.
    pub critical: bool,
    /// High ones.
    pub high: bool,
    /// Medium ones.
    pub medium: bool,
    /// Low ones.
    pub low: bool,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisorChannel {
    /// Its id.
    pub channel_id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where it leads.
    pub r#type: AdvisorChannelType,
    /// What it is told, by severity.
    pub severity: AdvisorSeverities,
    /// The address that is told, whole for who manages channels.
    pub endpoint: String,
    /// Whether it is told anything.
    pub enabled: bool,
    /// What it is told, by origin; everything when empty.
    pub alert_source: Vec<AdvisorAlertSource>,
    /// The same in the manual's spelling.
    #[serde(rename = "alertSource")]
    pub alert_source_of_manual: Vec<AdvisorAlertSource>,
}

/// Channels of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisorChannelList {
    /// Webhooks, by name; channels of other kinds are seen at `/api/v1/channels` only.
    pub channels: Vec<AdvisorChannel>,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisorChannelShown {
    /// It.
    pub channel: AdvisorChannel,
}

/// A channel was made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisorChannelDone {
    /// Its id.
    pub channel_id: String,
    /// The status of the answer.
    pub status_code: u16,
    /// The same in the manual's spelling.
    #[serde(rename = "statusCode")]
    pub status_code_of_manual: u16,
}

/// A channel is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisorChannelGone {
    /// Its id.
    pub channel_id: String,
    /// What was done.
    pub message: String,
}

/// Channels are gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisorChannelsGone {
    /// What was done.
    pub message: String,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisorChannelTest {
    /// `success`, or `failed`.
    pub test: String,
    /// What the receiver answered, or why it did not.
    pub message: String,
}

/// The key that deliveries are verified with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisorPublicKey {
    /// Its public half, PEM.
    pub public_key: String,
}

/// Which channels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct AdvisorChannelParams {
    /// How many; all of them when not given.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// How many to leave out before.
    #[param(nullable = false, minimum = 0)]
    pub skip: Option<u32>,
}
