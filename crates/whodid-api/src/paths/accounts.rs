//! Accounts and their settings.

use crate::{Account, AccountCreate, AccountList, LookupParams, Settings, SettingsUpdate};

/// List accounts
///
/// Those of the caller; all of the installation for its operators.
#[utoipa::path(get, path = "/api/v1/accounts", operation_id = "listAccounts", tag = "accounts",
    responses((status = 200, description = "The accounts", body = AccountList)), security(("key" = []), ("session" = [])))]
pub fn list_accounts() {}

/// Make an account
///
/// Operators of the installation only. Who makes it becomes its first administrator.
#[utoipa::path(post, path = "/api/v1/accounts", operation_id = "createAccount", tag = "accounts", request_body = AccountCreate,
    responses((status = 201, description = "The account", body = Account)), security(("key" = []), ("session" = [])))]
pub fn create_account() {}

/// Read the account's settings
#[utoipa::path(get, path = "/api/v1/settings", operation_id = "getSettings", tag = "accounts", params(LookupParams),
    responses((status = 200, description = "The settings", body = Settings)), security(("key" = []), ("session" = [])))]
pub fn get_settings() {}

/// Change the account's settings
#[utoipa::path(patch, path = "/api/v1/settings", operation_id = "updateSettings", tag = "accounts", params(LookupParams), request_body = SettingsUpdate,
    responses((status = 200, description = "The settings as they are now", body = Settings)), security(("key" = []), ("session" = [])))]
pub fn update_settings() {}
