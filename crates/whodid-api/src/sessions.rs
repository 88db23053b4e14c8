//! Signing in, and the sessions that it begins.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One way to prove who one is: a one-time `token`; `user` and `password`; or, as the second step when that was
/// answered with a challenge, `challenge` and `code`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user": "bob@example.com", "password": "correct horse battery staple"}))]
pub struct SignIn {
    /// What stands after `token=` in a sign-in link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
    /// The name to sign in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user: Option<String>,
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub password: Option<String>,
    /// The challenge that the first step was answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub challenge: Option<String>,
    /// Six digits of the authenticator app, or a recovery code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<String>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SignIn")
    }
}

/// What a person is to do. All but `set_password` must be done before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Set a password: there is none, and the one-time link is used up.
    SetPassword,
    /// Change the password, as an administrator or "this wasn't me" asked for.
    ChangePassword,
    /// Set up a second factor, which an account asks for.
    SetUpMfa,
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Stable id.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// Readable name.
    pub display_name: String,
    /// The role with most rights in the account that requests mean when they name none.
    pub role: String,
}

/// A session just begun; the cookie travels in the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    /// Who signed in.
    pub user: User,
    /// When the session ends at the latest.
    pub expires_at: String,
    /// What is to be done; until all but `set_password` is, everything else is refused with `sign_in_incomplete`.
    pub needs: Vec<Need>,
}

/// The password or link was right; a second factor is still to come.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    /// Send it back with the code.
    pub challenge: String,
    /// Until when.
    pub expires_at: String,
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Challenge")
    }
}

/// An identity provider that people can sign in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityProvider {
    /// What the button says.
    pub name: String,
    /// Where the browser goes.
    pub start: String,
}

/// How people can sign in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInMethods {
    /// With a name and a password.
    pub password: bool,
    /// With an identity provider.
    #[schema(required)]
    pub identity_provider: Option<IdentityProvider>,
}

/// A one-time token, to see what it is for without using it up.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkLook {
    /// What stands after `token=`.
    pub token: String,
}

impl std::fmt::Debug for LinkLook {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("LinkLook")
    }
}

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// Join an account.
    Invitation,
    /// Set a new password.
    PasswordReset,
    /// Sign in.
    SignIn,
}

/// A one-time link that still works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkInfo {
    /// What it is for.
    pub kind: LinkKind,
    /// The account that an invitation is to.
    #[schema(required)]
    pub account: Option<String>,
    /// The name of the person it is for.
    pub user: String,
    /// Readable name of the person; may be empty.
    pub display_name: String,
    /// Whether the person can sign in here already: an invitation then takes their own password, not a new one.
    pub has_identity: bool,
    /// Fewest characters of a new password.
    pub password_length_min: u32,
    /// Until when it works.
    pub expires_at: String,
}

/// An invitation accepted: with a new password, or with the password that the person has here already.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationAccept {
    /// What stands after `token=`.
    pub token: String,
    /// The new or the existing password.
    pub password: String,
    /// Readable name; as in the invitation when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub display_name: Option<String>,
}

impl std::fmt::Debug for InvitationAccept {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("InvitationAccept")
    }
}

/// A person who does not know the password any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user": "bob@example.com"}))]
pub struct PasswordResetRequest {
    /// The name to sign in with.
    pub user: String,
}

/// A new password by a reset link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetCommit {
    /// What stands after `token=`.
    pub token: String,
    /// The new password.
    pub password: String,
}

impl std::fmt::Debug for PasswordResetCommit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PasswordResetCommit")
    }
}

/// A running session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionSummary {
    /// Stable id, not secret.
    pub id: String,
    /// Whose it is, by name.
    pub user: String,
    /// Whether it is the one that asks.
    pub is_current: bool,
    /// When it began.
    pub created_at: String,
    /// When it was last used, to the minute.
    pub last_seen_at: String,
    /// When it ends at the latest.
    pub expires_at: String,
    /// The browser, as it calls itself.
    pub agent: String,
    /// Network address that it began from.
    pub address: String,
    /// How it began: `password`, `link`, `oidc`, `recovery`.
    pub method: String,
    /// Whether a second factor was given.
    pub mfa: bool,
}

/// Running sessions, the latest used first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// The sessions.
    pub sessions: Vec<SessionSummary>,
}

/// How many sessions ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionsEnded {
    /// The number.
    pub ended: u64,
}
