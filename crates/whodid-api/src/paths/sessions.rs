//! Signing in and out.

use crate::{
    Challenge, InvitationAccept, LinkInfo, LinkLook, LookupParams, OidcCallbackParams, OidcStartParams,
    PasswordResetCommit, PasswordResetRequest, SessionList, SignIn, SignInMethods, SignedIn,
};

/// How people can sign in
#[utoipa::path(get, path = "/api/v1/sign-in/methods", operation_id = "signInMethods", tag = "sessions",
    responses((status = 200, description = "The ways", body = SignInMethods)),)]
pub fn sign_in_methods() {}

/// Sign in
///
/// With a one-time `token`, with `user` and `password`, or with `challenge` and `code` as the second step.
/// Failures take the same time and give the same answer whether or not there is such a user.
#[utoipa::path(post, path = "/api/v1/sessions", operation_id = "signIn", tag = "sessions", request_body = SignIn,
    responses((status = 201, description = "Signed in; the cookie is in the header", body = SignedIn, headers(("Set-Cookie" = String))), (status = 202, description = "A second factor is still to come", body = Challenge)),)]
pub fn sign_in() {}

/// Sign out
#[utoipa::path(delete, path = "/api/v1/sessions/current", operation_id = "signOut", tag = "sessions",
    responses((status = 204, description = "The session has ended", headers(("Set-Cookie" = String)))), security(("session" = [])))]
pub fn sign_out() {}

/// List the running sessions of the account's users
#[utoipa::path(get, path = "/api/v1/sessions", operation_id = "listSessions", tag = "sessions", params(LookupParams),
    responses((status = 200, description = "The sessions", body = SessionList)), security(("key" = []), ("session" = [])))]
pub fn list_sessions() {}

/// End a session
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", operation_id = "endSession", tag = "sessions", params(("id" = String, Path, description = "The session's id"), LookupParams),
    responses((status = 204, description = "It has ended")), security(("key" = []), ("session" = [])))]
pub fn end_session() {}

/// What is a one-time link for
///
/// Uses nothing up.
#[utoipa::path(post, path = "/api/v1/links/look", operation_id = "lookAtLink", tag = "sessions", request_body = LinkLook,
    responses((status = 200, description = "The link still works", body = LinkInfo)),)]
pub fn look_at_link() {}

/// Accept an invitation
///
/// Joins the account and signs in.
#[utoipa::path(post, path = "/api/v1/invitations/accept", operation_id = "acceptInvitation", tag = "sessions", request_body = InvitationAccept,
    responses((status = 201, description = "Joined and signed in", body = SignedIn, headers(("Set-Cookie" = String))), (status = 202, description = "Joined; a second factor is still to come", body = Challenge)),)]
pub fn accept_invitation() {}

/// Ask for a new password
///
/// The request is shown to the administrators, who hand a link over. The answer is the same for everybody.
#[utoipa::path(post, path = "/api/v1/password-resets", operation_id = "requestPasswordReset", tag = "sessions", request_body = PasswordResetRequest,
    responses((status = 202, description = "If there is such a user, the administrators have been told")),)]
pub fn request_password_reset() {}

/// Set a new password by a reset link
///
/// Ends all sessions of the user. Sign in with the new password afterwards.
#[utoipa::path(post, path = "/api/v1/password-resets/commit", operation_id = "commitPasswordReset", tag = "sessions", request_body = PasswordResetCommit,
    responses((status = 204, description = "The new password counts")),)]
pub fn commit_password_reset() {}

/// Sign in with the identity provider
#[utoipa::path(get, path = "/sign-in/oidc", operation_id = "startOidc", tag = "sessions", params(OidcStartParams),
    responses((status = 303, description = "To the identity provider", headers(("Location" = String)))),)]
pub fn start_oidc() {}

/// Back from the identity provider
#[utoipa::path(get, path = "/sign-in/oidc/callback", operation_id = "finishOidc", tag = "sessions", params(OidcCallbackParams),
    responses((status = 303, description = "Signed in, or to the sign-in page with the reason", headers(("Location" = String), ("Set-Cookie" = String)))),)]
pub fn finish_oidc() {}
