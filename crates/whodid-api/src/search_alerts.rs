//! Alerts on a search, and presets: channels with when each is told, which many of them share.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rules::Level;

/// What is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerOperator {
    /// So many matches, or more.
    Presence,
    /// Fewer.
    Absence,
}

/// How long a window is; windows are aligned to midnight UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TriggerInterval {
    /// 30 seconds.
    #[serde(rename = "30s")]
    Seconds30,
    /// A minute.
    #[serde(rename = "1m")]
    Minute1,
    /// 5 minutes.
    #[serde(rename = "5m")]
    Minutes5,
    /// 15 minutes.
    #[serde(rename = "15m")]
    Minutes15,
    /// 30 minutes.
    #[serde(rename = "30m")]
    Minutes30,
    /// An hour.
    #[serde(rename = "1h")]
    Hour1,
    /// 6 hours.
    #[serde(rename = "6h")]
    Hours6,
    /// 12 hours.
    #[serde(rename = "12h")]
    Hours12,
    /// A day.
    #[serde(rename = "24h")]
    Hours24,
}

/// When something is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"operator": "presence", "trigger_limit": 5, "trigger_interval": "5m", "immediate": true}))]
pub struct Trigger {
    /// What is news. Absence is muted unless something matched in the day before.
    pub operator: TriggerOperator,
    /// How many matches.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub trigger_limit: u64,
    /// Within how long; 30 seconds for presence, 15 minutes for absence unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub trigger_interval: Option<TriggerInterval>,
    /// As soon as the count is reached; presence only.
    #[serde(default)]
    pub immediate: bool,
    /// When the window is over.
    #[serde(default)]
    pub terminal: bool,
    /// When nothing is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub blackout: Option<Blackout>,
}

fn one() -> u64 {
    1
}

/// Times in which nothing is told, by the clock of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": true, "times": {"enabled": true, "periods": [["22:00", "06:00"]]}, "days": ["sat", "sun"], "timezone": "Europe/Berlin"}))]
pub struct Blackout {
    /// Whether it holds at all.
    pub enabled: bool,
    /// At which times of these days; all day without.
    #[serde(default)]
    pub times: BlackoutTimes,
    /// `mon` to `sun`; every day when empty. A period belongs to the day on which it begins.
    #[serde(default)]
    #[schema(max_items = 7)]
    pub days: Vec<String>,
    /// Whose clock (IANA).
    #[serde(default = "utc")]
    pub timezone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Times of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlackoutTimes {
    /// Whether they count; otherwise it is the whole day.
    pub enabled: bool,
    /// `HH:MM`, from one until before the other; past midnight where the second is not later.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub periods: Vec<[String; 2]>,
}

/// A channel, and when it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToldChannel {
    /// The channel's id.
    #[schema(min_length = 1, max_length = 200)]
    pub channel: String,
    /// When it is told.
    pub trigger: Trigger,
}

/// An alert on a search, as it shall be. One of `preset`, `channels` and `trigger` says when it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Denied deletions", "q": "action:*.delete outcome:failure", "trigger": {"operator": "presence", "trigger_limit": 5, "trigger_interval": "5m", "immediate": true}}))]
pub struct SearchAlertWrite {
    /// Its name, one line.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The search, in the search language; without times relative to now.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub q: String,
    /// The stream it looks at: `activity`, `audit`, `rejects` or `insights`.
    #[serde(default = "activity")]
    pub stream: String,
    /// Only events of this space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub space: Option<String>,
    /// Only events of this region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub region: Option<String>,
    /// How grave its alerts are.
    #[serde(default = "medium")]
    pub severity: Level,
    /// Whether it is watched.
    #[serde(default = "yes")]
    pub is_enabled: bool,
    /// Whether its alert is resolved by itself after a whole window without news.
    #[serde(default)]
    pub auto_resolve: bool,
    /// The preset's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub preset: Option<String>,
    /// Channels of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 15)]
    pub channels: Option<Vec<ToldChannel>>,
    /// No channel: an alert in the inbox only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub trigger: Option<Trigger>,
}

fn activity() -> String {
    "activity".to_owned()
}

fn medium() -> Level {
    Level::Medium
}

fn yes() -> bool {
    true
}

/// An alert on a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchAlert {
    /// Its id.
    pub id: String,
    /// What it says.
    pub search_alert: SearchAlertWrite,
    /// The rule id of its findings and alerts.
    pub rule_id: String,
    /// When it was last told; null when never.
    #[schema(required)]
    pub last_fired_at: Option<String>,
    /// When something last matched while it was watched; null when never.
    #[schema(required)]
    pub last_match_at: Option<String>,
    /// Counted up by every change.
    pub revision: i64,
    /// When it was made.
    pub created_at: String,
    /// Who made it.
    pub created_by: String,
}

/// The alerts on searches of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchAlertList {
    /// By name.
    pub search_alerts: Vec<SearchAlert>,
}

/// A preset, as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PresetWrite {
    /// Its name, one line.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Whom it tells, and when.
    #[schema(min_items = 1, max_items = 15)]
    pub channels: Vec<ToldChannel>,
}

/// A preset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preset {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whom it tells, and when.
    pub channels: Vec<ToldChannel>,
    /// Names of the alerts built on it, which end with it.
    pub used_by: Vec<String>,
    /// Counted up by every change.
    pub revision: i64,
    /// When it was made.
    pub created_at: String,
    /// Who made it.
    pub created_by: String,
}

/// The presets of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PresetList {
    /// By name.
    pub presets: Vec<Preset>,
}
