//! What everybody can see and do of themselves.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Need, User};

/// What the caller is in one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Membership {
    /// The account's name.
    pub account: String,
    /// The account's title.
    pub title: String,
    /// What the caller may do everywhere in it, and somewhere in it for rights about events.
    pub permissions: Vec<String>,
    /// The spaces whose events may be read; none named: every space, if `space-events.read` is among the permissions.
    pub spaces: Vec<String>,
    /// Whether a query or list of sources narrows what may be read.
    pub is_narrowed: bool,
    /// Whether "this wasn't me" is taken.
    pub takes_reports: bool,
}

/// The session that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnSession {
    /// Stable id, not secret.
    pub id: String,
    /// When it ends at the latest.
    pub expires_at: String,
    /// When it ends if nothing is done.
    pub idle_until: String,
    /// Whether a second factor was given.
    pub mfa: bool,
    /// Until when changes that matter are possible without the password once more.
    pub fresh_until: String,
}

/// An earlier sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastSignIn {
    /// When.
    pub at: String,
    /// From where.
    pub address: String,
    /// With what.
    pub agent: String,
}

/// Who asks, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The user of the session or token.
    pub user: User,
    /// The account that requests mean when they name none.
    pub account: String,
    /// Every account the user belongs to.
    pub accounts: Vec<String>,
    /// What the user may do in each.
    pub memberships: Vec<Membership>,
    /// The session; not there for a token.
    #[schema(required)]
    pub session: Option<OwnSession>,
    /// What is to be done. All but `set_password` must be done before anything else.
    pub needs: Vec<Need>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Whether a second factor is set up.
    pub has_mfa: bool,
    /// Recovery codes that are left.
    pub recovery_codes_left: u32,
    /// Fewest characters of a new password.
    pub password_length_min: u32,
    /// Whether the user may make accounts.
    pub is_operator: bool,
    /// The sign-in before this session.
    #[schema(required)]
    pub last_sign_in: Option<LastSignIn>,
    /// The server's version.
    pub version: String,
}

/// The password once more, or a code, before a change that matters.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reauthenticate {
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub password: Option<String>,
    /// Six digits of the authenticator app; needed too when a second factor is set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<String>,
}

impl std::fmt::Debug for Reauthenticate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Reauthenticate")
    }
}

/// A password change.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password until now; not needed by who has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub current: Option<String>,
    /// The new one.
    pub new: String,
}

impl std::fmt::Debug for PasswordChange {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PasswordChange")
    }
}

/// A second factor in the making. Shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TotpSetUp {
    /// For typing into the authenticator app, base32.
    pub secret: String,
    /// For scanning, `otpauth://totp/…`.
    pub uri: String,
}

impl std::fmt::Debug for TotpSetUp {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("TotpSetUp")
    }
}

/// A code of the authenticator app.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpCode {
    /// Six digits.
    pub code: String,
}

impl std::fmt::Debug for TotpCode {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("TotpCode")
    }
}

/// Codes for when the authenticator app is lost; each works once. Shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodes {
    /// The codes.
    pub codes: Vec<String>,
}

impl std::fmt::Debug for RecoveryCodes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("RecoveryCodes")
    }
}

/// "This wasn't me", about an event in one's own name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"event": "activity:42", "note": "I was on holiday"}))]
pub struct NotMe {
    /// Record id (`activity:42`, `audit:7`) of an event that `/api/v1/me/activity` shows.
    pub event: String,
    /// What the person knows about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 2000)]
    pub note: Option<String>,
    /// Whether the person's tokens are revoked too; true when not given.
    #[serde(default = "yes")]
    pub revoke_tokens: bool,
}

fn yes() -> bool {
    true
}

/// What was done about it. The finding itself is in the account's `findings` stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotMeDone {
    /// Sessions that ended: all but this one.
    pub sessions_ended: u64,
    /// Tokens that were revoked.
    pub tokens_revoked: u64,
}
