//! Channels as Security Advisor has them. Each route is there twice: where its clients look (`/notifications/v1`), and
//! where its manual says (`/alerts/v1`).

use crate::{
    AdvisorChannelDone, AdvisorChannelGone, AdvisorChannelList, AdvisorChannelParams, AdvisorChannelShown,
    AdvisorChannelTest, AdvisorChannelWrite, AdvisorChannelsGone, AdvisorPublicKey,
};

/// List channels of Security Advisor's kind
///
/// The webhooks of the account. For who may read alerts or rules, or manage channels.
#[utoipa::path(get, path = "/notifications/v1/{account}/notifications/channels", operation_id = "listAdvisorChannels", tag = "findings",
    params(("account" = String, Path, description = "The account"), AdvisorChannelParams),
    responses((status = 200, description = "By name", body = AdvisorChannelList)), security(("key" = []), ("session" = [])))]
pub fn list_channels() {}

/// Make a channel of Security Advisor's kind
///
/// Its deliveries are JWTs, signed with the key that `public_key` gives.
#[utoipa::path(post, path = "/notifications/v1/{account}/notifications/channels", operation_id = "createAdvisorChannel", tag = "findings",
    params(("account" = String, Path, description = "The account")), request_body = AdvisorChannelWrite,
    responses((status = 200, description = "It is made", body = AdvisorChannelDone)), security(("key" = []), ("session" = [])))]
pub fn create_channel() {}

/// Delete channels
///
/// All of those named, or where one of them is unknown or needed, none.
#[utoipa::path(delete, path = "/notifications/v1/{account}/notifications/channels", operation_id = "deleteAdvisorChannels", tag = "findings",
    params(("account" = String, Path, description = "The account")), request_body(content = Vec<String>, description = "Their ids"),
    responses((status = 200, description = "They are gone", body = AdvisorChannelsGone)), security(("key" = []), ("session" = [])))]
pub fn delete_channels() {}

/// Look at a channel of Security Advisor's kind
#[utoipa::path(get, path = "/notifications/v1/{account}/notifications/channels/{id}", operation_id = "getAdvisorChannel", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("id" = String, Path, description = "The channel's id")),
    responses((status = 200, description = "It", body = AdvisorChannelShown)), security(("key" = []), ("session" = [])))]
pub fn get_channel() {}

/// Change a channel of Security Advisor's kind
///
/// The body is the channel as it shall be. What this form does not have, such as headers, stays.
#[utoipa::path(put, path = "/notifications/v1/{account}/notifications/channels/{id}", operation_id = "updateAdvisorChannel", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("id" = String, Path, description = "The channel's id")), request_body = AdvisorChannelWrite,
    responses((status = 200, description = "It is changed", body = AdvisorChannelDone)), security(("key" = []), ("session" = [])))]
pub fn update_channel() {}

/// Delete a channel of Security Advisor's kind
#[utoipa::path(delete, path = "/notifications/v1/{account}/notifications/channels/{id}", operation_id = "deleteAdvisorChannel", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("id" = String, Path, description = "The channel's id")),
    responses((status = 200, description = "It is gone", body = AdvisorChannelGone)), security(("key" = []), ("session" = [])))]
pub fn delete_channel() {}

/// Try a channel of Security Advisor's kind
///
/// Sends a notice that says it is a test. A GET that does something, because the clients send one: by key only.
#[utoipa::path(get, path = "/notifications/v1/{account}/notifications/channels/{id}/test", operation_id = "testAdvisorChannel", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("id" = String, Path, description = "The channel's id")),
    responses((status = 200, description = "What came of it", body = AdvisorChannelTest)), security(("key" = [])))]
pub fn test_channel() {}

/// The key that deliveries are verified with
#[utoipa::path(get, path = "/notifications/v1/{account}/notifications/public_key", operation_id = "getAdvisorPublicKey", tag = "findings",
    params(("account" = String, Path, description = "The account")),
    responses((status = 200, description = "Its public half", body = AdvisorPublicKey)), security(("key" = []), ("session" = [])))]
pub fn get_public_key() {}

/// List channels, at the manual's address
#[utoipa::path(get, path = "/alerts/v1/{account}/alerts/channels", operation_id = "listAdvisorAlertChannels", tag = "findings",
    params(("account" = String, Path, description = "The account"), AdvisorChannelParams),
    responses((status = 200, description = "By name", body = AdvisorChannelList)), security(("key" = []), ("session" = [])))]
pub fn list_alert_channels() {}

/// Make a channel, at the manual's address
#[utoipa::path(post, path = "/alerts/v1/{account}/alerts/channels", operation_id = "createAdvisorAlertChannel", tag = "findings",
    params(("account" = String, Path, description = "The account")), request_body = AdvisorChannelWrite,
    responses((status = 200, description = "It is made", body = AdvisorChannelDone)), security(("key" = []), ("session" = [])))]
pub fn create_alert_channel() {}

/// Delete channels, at the manual's address
#[utoipa::path(delete, path = "/alerts/v1/{account}/alerts/channels", operation_id = "deleteAdvisorAlertChannels", tag = "findings",
    params(("account" = String, Path, description = "The account")), request_body(content = Vec<String>, description = "Their ids"),
    responses((status = 200, description = "They are gone", body = AdvisorChannelsGone)), security(("key" = []), ("session" = [])))]
pub fn delete_alert_channels() {}

/// Look at a channel, at the manual's address
#[utoipa::path(get, path = "/alerts/v1/{account}/alerts/channels/{id}", operation_id = "getAdvisorAlertChannel", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("id" = String, Path, description = "The channel's id")),
    responses((status = 200, description = "It", body = AdvisorChannelShown)), security(("key" = []), ("session" = [])))]
pub fn get_alert_channel() {}

/// Change a channel, at the manual's address
#[utoipa::path(put, path = "/alerts/v1/{account}/alerts/channels/{id}", operation_id = "updateAdvisorAlertChannel", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("id" = String, Path, description = "The channel's id")), request_body = AdvisorChannelWrite,
    responses((status = 200, description = "It is changed", body = AdvisorChannelDone)), security(("key" = []), ("session" = [])))]
pub fn update_alert_channel() {}

/// Delete a channel, at the manual's address
#[utoipa::path(delete, path = "/alerts/v1/{account}/alerts/channels/{id}", operation_id = "deleteAdvisorAlertChannel", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("id" = String, Path, description = "The channel's id")),
    responses((status = 200, description = "It is gone", body = AdvisorChannelGone)), security(("key" = []), ("session" = [])))]
pub fn delete_alert_channel() {}

/// Try a channel, at the manual's address
///
/// A GET that does something, because the manual says so: by key only.
#[utoipa::path(get, path = "/alerts/v1/{account}/test/notification/channel/{id}", operation_id = "testAdvisorAlertChannel", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("id" = String, Path, description = "The channel's id")),
    responses((status = 200, description = "What came of it", body = AdvisorChannelTest)), security(("key" = [])))]
pub fn test_alert_channel() {}

/// The key that deliveries are verified with, at the manual's address
#[utoipa::path(get, path = "/alerts/v1/{account}/download_public_key", operation_id = "downloadAdvisorPublicKey", tag = "findings",
    params(("account" = String, Path, description = "The account")),
    responses((status = 200, description = "Its public half", body = AdvisorPublicKey)), security(("key" = []), ("session" = [])))]
pub fn download_public_key() {}
