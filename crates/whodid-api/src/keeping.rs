//! Stored events by day: how many there are, taking them away in sessions, how long they are kept, removing them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which days, and whose events: those of a space, those of the account itself, or all that one may see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct DaysParams {
    /// First day, in UTC; two weeks before the last when not given.
    #[param(nullable = false, example = "2026-11-13", pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    pub from: Option<String>,
    /// Last day, in UTC, which counts; today when not given.
    #[param(nullable = false, example = "2026-11-27", pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    pub to: Option<String>,
    /// Only this hour of each day, in UTC.
    #[param(nullable = false, minimum = 0, maximum = 23)]
    pub hour: Option<u32>,
    /// Only events of this space.
    #[param(nullable = false)]
    pub space: Option<String>,
    /// Only events of the account itself, which belong to no space.
    #[param(nullable = false)]
    pub account_level: Option<bool>,
    /// The account; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// Which events are to be removed. Both days are needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct EraseParams {
    /// First day, in UTC.
    #[param(required, example = "2026-11-13", pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    pub from: String,
    /// Last day, in UTC, which counts.
    #[param(required, example = "2026-11-13", pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    pub to: String,
    /// Only this hour of each day, in UTC.
    #[param(nullable = false, minimum = 0, maximum = 23)]
    pub hour: Option<u32>,
    /// Only events of this space.
    #[param(nullable = false)]
    pub space: Option<String>,
    /// Only events of the account itself, which belong to no space.
    #[param(nullable = false)]
    pub account_level: Option<bool>,
    /// True removes nothing and says how many would go: all of them, also those that the caller may not read.
    #[param(nullable = false)]
    pub dry_run: Option<bool>,
    /// The account; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// How much of a day's events is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Searchable {
    /// Every stored event is.
    All,
}

/// The events of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"date": "2026-11-27", "count": 16678, "bytes": 11319376, "types": ["ibm-at"], "searchable": "all"}))]
pub struct Day {
    /// In UTC.
    pub date: String,
    /// How many.
    pub count: u64,
    /// Bytes of their texts as received.
    pub bytes: u64,
    /// The formats that they came in.
    pub types: Vec<String>,
    /// How much of them is searched.
    pub searchable: Searchable,
}

/// The days that have events, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Days {
    /// The days.
    pub days: Vec<Day>,
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"count": 16678, "bytes_freed": 1732608}))]
pub struct Erased {
    /// How many events.
    pub count: u64,
    /// Bytes by which the stored files became smaller. Their space is given back ten minutes later.
    pub bytes_freed: u64,
}

/// What a session is to download.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "2026-11-13", "to": "2026-11-27", "account_level": true}))]
pub struct DownloadCreate {
    /// First day, in UTC; two weeks before the last when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<String>,
    /// Last day, in UTC, which counts; today when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to: Option<String>,
    /// Only this hour of each day, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 23)]
    pub hour: Option<u32>,
    /// Only events of this space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub space: Option<String>,
    /// Only events of the account itself, which belong to no space.
    #[serde(default)]
    pub account_level: bool,
}

/// A session for downloading events. It gives them once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DownloadSession {
    /// Stable id.
    pub id: String,
    /// The space whose events it gives; null for all or those of the account itself.
    #[schema(required)]
    pub space: Option<String>,
    /// Whose session it is.
    pub username: String,
    /// When it was made.
    pub create_time: String,
    /// When it was last used.
    pub access_time: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Only this hour of each day.
    #[schema(required)]
    pub hour: Option<u32>,
    /// Whether it gives the events of the account itself.
    pub account_level: bool,
    /// When its events were downloaded as a whole; it gives them no second time.
    #[schema(required)]
    pub downloaded_at: Option<String>,
}

/// One's own download sessions in an account, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DownloadSessionList {
    /// The sessions.
    pub sessions: Vec<DownloadSession>,
}

/// For how long the events of the account or of one space are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retention {
    /// The space; null for the account as a whole.
    #[schema(required)]
    pub space: Option<String>,
    /// Days; -1 for ever.
    pub days: i64,
}

/// What is set: the account as a whole first, then spaces by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionList {
    /// The account, and every space that has its own.
    pub retention: Vec<Retention>,
}

/// A change of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"days": 365}))]
pub struct RetentionUpdate {
    /// The space; the account as a whole when not given.
    #[serde(default)]
    #[schema(nullable = false)]
    pub space: Option<String>,
    /// Days from 1 to 36,500, or -1 for ever.
    #[schema(minimum = -1, maximum = 36500)]
    pub days: i64,
}
