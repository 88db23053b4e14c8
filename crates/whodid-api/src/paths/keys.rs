//! Keys of programs.

use crate::{KeyCreate, KeyCreated, KeyList, KeyRotate, KeySummary, KeyUpdate, LookupParams};

/// List keys
#[utoipa::path(get, path = "/api/v1/keys", operation_id = "listKeys", tag = "keys", params(LookupParams),
    responses((status = 200, description = "The account's keys without their secrets", body = KeyList)), security(("key" = []), ("session" = [])))]
pub fn list_keys() {}

/// Make a key
///
/// Twenty of a kind can work at once unless the account's settings say otherwise.
#[utoipa::path(post, path = "/api/v1/keys", operation_id = "createKey", tag = "keys", params(LookupParams), request_body = KeyCreate,
    responses((status = 201, description = "The key, shown this once", body = KeyCreated)), security(("key" = []), ("session" = [])))]
pub fn create_key() {}

/// Change a key
#[utoipa::path(patch, path = "/api/v1/keys/{id}", operation_id = "updateKey", tag = "keys", params(("id" = String, Path, description = "The key's id"), LookupParams), request_body = KeyUpdate,
    responses((status = 200, description = "The key as it is now", body = KeySummary)), security(("key" = []), ("session" = [])))]
pub fn update_key() {}

/// Give a key a successor
///
/// The old key works on for the overlap, so that its users can change over.
#[utoipa::path(post, path = "/api/v1/keys/{id}/rotate", operation_id = "rotateKey", tag = "keys", params(("id" = String, Path, description = "The key's id"), LookupParams), request_body = KeyRotate,
    responses((status = 201, description = "The new key, shown this once", body = KeyCreated)), security(("key" = []), ("session" = [])))]
pub fn rotate_key() {}

/// Revoke a key
///
/// It stops working within a second. Revoking a revoked key changes nothing.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", operation_id = "revokeKey", tag = "keys", params(("id" = String, Path, description = "The key's id"), LookupParams),
    responses((status = 204, description = "It does not work any more")), security(("key" = []), ("session" = [])))]
pub fn revoke_key() {}
