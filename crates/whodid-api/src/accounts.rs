//! Accounts and their settings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tenant. Nothing is shared between two accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Its name: 1 to 63 of `a-z`, `0-9`, `-` and `_`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Where its records are, when it has a place of its own.
    #[schema(required)]
    pub storage: Option<String>,
    /// When it was made.
    pub created_at: String,
}

/// Accounts, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountList {
    /// The accounts.
    pub accounts: Vec<Account>,
}

/// An account to be made. Who makes it becomes its first administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "acme", "title": "Acme Corporation"}))]
pub struct AccountCreate {
    /// Its name: 1 to 63 of `a-z`, `0-9`, `-` and `_`, first a letter or digit. It cannot be changed.
    #[schema(min_length = 1, max_length = 63, pattern = "^[a-z0-9][a-z0-9_-]*$")]
    pub name: String,
    /// What people call it; the name when not given.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub title: String,
    /// A place of its own for its records: a folder or `s3://bucket/prefix`; the server's when not given. It
    /// cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub storage: Option<String>,
}

/// The settings of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// What people call the account.
    pub title: String,
    /// Everybody must set up a second factor.
    pub mfa_required: bool,
    /// People may sign in with a password, not only with the identity provider.
    pub password_sign_in: bool,
    /// Fewest characters of a password, 8 to 64.
    pub password_length_min: u32,
    /// Minutes without a request after which a session ends.
    pub session_idle_minutes: u32,
    /// Minutes after which a session ends at the latest.
    pub session_absolute_minutes: u32,
    /// Most keys of a kind that work at once.
    pub keys_max: u32,
    /// Searching and looking at events is recorded in the audit log.
    pub audit_reads: bool,
    /// "This wasn't me" is offered on My activity.
    pub own_activity_report: bool,
    /// An alert that nobody acknowledged is told again after so many minutes; 0: never.
    pub alert_escalation_minutes: u32,
    /// A resolved alert is opened again by what happens within so many hours; later it is another one.
    pub alert_reopen_hours: u32,
}

/// What to change of the settings. Members that are not there stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"mfa_required": true}))]
pub struct SettingsUpdate {
    /// What people call the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub title: Option<String>,
    /// Everybody must set up a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mfa_required: Option<bool>,
    /// People may sign in with a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub password_sign_in: Option<bool>,
    /// Fewest characters of a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 8, maximum = 64)]
    pub password_length_min: Option<u32>,
    /// Minutes without a request after which a session ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 5, maximum = 43200)]
    pub session_idle_minutes: Option<u32>,
    /// Minutes after which a session ends at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 15, maximum = 129_600)]
    pub session_absolute_minutes: Option<u32>,
    /// Most keys of a kind that work at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 1000)]
    pub keys_max: Option<u32>,
    /// Searching and looking at events is recorded in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub audit_reads: Option<bool>,
    /// "This wasn't me" is offered on My activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub own_activity_report: Option<bool>,
    /// An alert that nobody acknowledged is told again after so many minutes; 0: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 10080)]
    pub alert_escalation_minutes: Option<u32>,
    /// A resolved alert is opened again by what happens within so many hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 720)]
    pub alert_reopen_hours: Option<u32>,
}
