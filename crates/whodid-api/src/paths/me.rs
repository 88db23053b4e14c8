//! What everybody can see and do of themselves.

use crate::{
    EventPage, KeyCreated, KeyList, KeyRotate, KeySummary, KeyUpdate, LookupParams, Me, NotMe, NotMeDone,
    OwnActivityParams, PasswordChange, Reauthenticate, RecoveryCodes, SessionList, SessionsEnded, TokenCreate,
    TotpCode, TotpSetUp,
};

/// Who am I
#[utoipa::path(get, path = "/api/v1/me", operation_id = "me", tag = "me",
    responses((status = 200, description = "The user of the session or token", body = Me)), security(("key" = []), ("session" = [])))]
pub fn me() {}

/// Give the password once more
///
/// Changes that matter are refused with `stale_session` when the last full sign-in is older than ten minutes.
#[utoipa::path(post, path = "/api/v1/me/reauthenticate", operation_id = "reauthenticate", tag = "me", request_body = Reauthenticate,
    responses((status = 204, description = "Changes that matter are possible for ten minutes")), security(("session" = [])))]
pub fn reauthenticate() {}

/// Set or change the password
///
/// Ends all other sessions; this one goes on under a new cookie.
#[utoipa::path(post, path = "/api/v1/me/password", operation_id = "changePassword", tag = "me", request_body = PasswordChange,
    responses((status = 204, description = "The new password counts", headers(("Set-Cookie" = String)))), security(("session" = [])))]
pub fn change_password() {}

/// Begin to set up a second factor
///
/// It counts only after a code was confirmed.
#[utoipa::path(post, path = "/api/v1/me/totp", operation_id = "beginTotp", tag = "me",
    responses((status = 201, description = "For the authenticator app, shown this once", body = TotpSetUp)), security(("session" = [])))]
pub fn begin_totp() {}

/// Confirm the second factor with a code
///
/// This session goes on under a new cookie.
#[utoipa::path(post, path = "/api/v1/me/totp/confirm", operation_id = "confirmTotp", tag = "me", request_body = TotpCode,
    responses((status = 200, description = "Recovery codes, shown this once", body = RecoveryCodes, headers(("Set-Cookie" = String)))), security(("session" = [])))]
pub fn confirm_totp() {}

/// Remove the second factor
///
/// Refused while an account asks for one.
#[utoipa::path(delete, path = "/api/v1/me/totp", operation_id = "removeTotp", tag = "me",
    responses((status = 204, description = "It is removed")), security(("session" = [])))]
pub fn remove_totp() {}

/// Make the recovery codes anew
#[utoipa::path(post, path = "/api/v1/me/recovery-codes", operation_id = "renewRecoveryCodes", tag = "me",
    responses((status = 201, description = "The new codes, shown this once; the old ones do not work any more", body = RecoveryCodes)), security(("session" = [])))]
pub fn renew_recovery_codes() {}

/// List my sessions
#[utoipa::path(get, path = "/api/v1/me/sessions", operation_id = "listOwnSessions", tag = "me",
    responses((status = 200, description = "Running sessions", body = SessionList)), security(("key" = []), ("session" = [])))]
pub fn list_own_sessions() {}

/// End my other sessions
#[utoipa::path(delete, path = "/api/v1/me/sessions", operation_id = "endOtherSessions", tag = "me",
    responses((status = 200, description = "They have ended", body = SessionsEnded)), security(("key" = []), ("session" = [])))]
pub fn end_other_sessions() {}

/// End one of my sessions
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", operation_id = "endOwnSession", tag = "me", params(("id" = String, Path, description = "The session's id")),
    responses((status = 204, description = "It has ended")), security(("key" = []), ("session" = [])))]
pub fn end_own_session() {}

/// List my tokens
#[utoipa::path(get, path = "/api/v1/me/tokens", operation_id = "listOwnTokens", tag = "me",
    responses((status = 200, description = "Personal tokens, revoked ones too", body = KeyList)), security(("key" = []), ("session" = [])))]
pub fn list_own_tokens() {}

/// Make a personal token
#[utoipa::path(post, path = "/api/v1/me/tokens", operation_id = "createOwnToken", tag = "me", params(LookupParams), request_body = TokenCreate,
    responses((status = 201, description = "The token, shown this once", body = KeyCreated)), security(("session" = [])))]
pub fn create_own_token() {}

/// Change a personal token
#[utoipa::path(patch, path = "/api/v1/me/tokens/{id}", operation_id = "updateOwnToken", tag = "me", params(("id" = String, Path, description = "The token's id")), request_body = KeyUpdate,
    responses((status = 200, description = "The token as it is now", body = KeySummary)), security(("key" = []), ("session" = [])))]
pub fn update_own_token() {}

/// Give a personal token a successor
#[utoipa::path(post, path = "/api/v1/me/tokens/{id}/rotate", operation_id = "rotateOwnToken", tag = "me", params(("id" = String, Path, description = "The token's id")), request_body = KeyRotate,
    responses((status = 201, description = "The new token, shown this once", body = KeyCreated)), security(("key" = []), ("session" = [])))]
pub fn rotate_own_token() {}

/// Revoke a personal token
#[utoipa::path(delete, path = "/api/v1/me/tokens/{id}", operation_id = "revokeOwnToken", tag = "me", params(("id" = String, Path, description = "The token's id")),
    responses((status = 204, description = "It does not work any more")), security(("key" = []), ("session" = [])))]
pub fn revoke_own_token() {}

/// What was done in my name
///
/// Events of the account whose initiator is the caller, and the caller's own deeds in whodid, newest first.
#[utoipa::path(get, path = "/api/v1/me/activity", operation_id = "ownActivity", tag = "me", params(OwnActivityParams),
    responses((status = 200, description = "A page", body = EventPage)), security(("key" = []), ("session" = [])))]
pub fn own_activity() {}

/// My activity as a file
#[utoipa::path(get, path = "/api/v1/me/activity/export", operation_id = "exportOwnActivity", tag = "me", params(OwnActivityParams),
    responses((status = 200, description = "One line for each event, newest first", body = String, content_type = "text/csv")), security(("key" = []), ("session" = [])))]
pub fn export_own_activity() {}

/// Say that it wasn't me
///
/// Raises a finding, ends all other sessions and revokes personal tokens.
#[utoipa::path(post, path = "/api/v1/me/reports", operation_id = "reportNotMe", tag = "me", params(LookupParams), request_body = NotMe,
    responses((status = 201, description = "What was done about it", body = NotMeDone)), security(("key" = []), ("session" = [])))]
pub fn report_not_me() {}
