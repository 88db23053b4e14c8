//! Alerts, channels, silences.

use crate::{
    AlertAct, AlertDetail, AlertPage, AlertParams, CardList, Channel, ChannelList, ChannelWrite, Delivery,
    DeliveryList, DeliveryParams, FindingDays, FindingDaysParams, LookupParams, NoticeKey, Preset, PresetList,
    PresetWrite, SearchAlert, SearchAlertList, SearchAlertWrite, Silence, SilenceCreate, SilenceList,
};

/// List alerts
///
/// Findings of the same rule and group are one alert, from the first until somebody says that it is over.
#[utoipa::path(get, path = "/api/v1/alerts", operation_id = "listAlerts", tag = "alerts", params(AlertParams),
    responses((status = 200, description = "A page, the latest first", body = AlertPage)), security(("key" = []), ("session" = [])))]
pub fn list_alerts() {}

/// Look at an alert
#[utoipa::path(get, path = "/api/v1/alerts/{id}", operation_id = "getAlert", tag = "alerts", params(("id" = String, Path, description = "The alert's id"), LookupParams),
    responses((status = 200, description = "The alert with its history", body = AlertDetail)), security(("key" = []), ("session" = [])))]
pub fn get_alert() {}

/// Do something with an alert
///
/// Acknowledge, assign, note, resolve, reopen, silence. Channels are told of what concerns them.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acts", operation_id = "actOnAlert", tag = "alerts", params(("id" = String, Path, description = "The alert's id"), LookupParams), request_body = AlertAct,
    responses((status = 200, description = "The alert as it is now", body = AlertDetail)), security(("key" = []), ("session" = [])))]
pub fn act_on_alert() {}

/// List silences
#[utoipa::path(get, path = "/api/v1/silences", operation_id = "listSilences", tag = "alerts", params(LookupParams),
    responses((status = 200, description = "All of them", body = SilenceList)), security(("key" = []), ("session" = [])))]
pub fn list_silences() {}

/// Silence a kind of finding for some time
///
/// Findings and alerts come as before; channels are not told.
#[utoipa::path(post, path = "/api/v1/silences", operation_id = "createSilence", tag = "alerts", params(LookupParams), request_body = SilenceCreate,
    responses((status = 201, description = "The silence", body = Silence)), security(("key" = []), ("session" = [])))]
pub fn create_silence() {}

/// End a silence
#[utoipa::path(delete, path = "/api/v1/silences/{id}", operation_id = "deleteSilence", tag = "alerts", params(("id" = String, Path, description = "The silence's id"), LookupParams),
    responses((status = 204, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_silence() {}

/// List channels
///
/// For who may read alerts or rules, or manage channels.
#[utoipa::path(get, path = "/api/v1/channels", operation_id = "listChannels", tag = "alerts", params(LookupParams),
    responses((status = 200, description = "All of them, secrets masked", body = ChannelList)), security(("key" = []), ("session" = [])))]
pub fn list_channels() {}

/// Make a channel
#[utoipa::path(post, path = "/api/v1/channels", operation_id = "createChannel", tag = "alerts", params(LookupParams), request_body = ChannelWrite,
    responses((status = 201, description = "The channel", body = Channel)), security(("key" = []), ("session" = [])))]
pub fn create_channel() {}

/// Change a channel
///
/// The body is the channel as it shall be. A secret that is sent back masked stays as it was.
#[utoipa::path(patch, path = "/api/v1/channels/{id}", operation_id = "updateChannel", tag = "alerts", params(("id" = String, Path, description = "The channel's id"), LookupParams), request_body = ChannelWrite,
    responses((status = 200, description = "The channel as it is now", body = Channel)), security(("key" = []), ("session" = [])))]
pub fn update_channel() {}

/// Delete a channel
///
/// What it had still to be told is not told.
#[utoipa::path(delete, path = "/api/v1/channels/{id}", operation_id = "deleteChannel", tag = "alerts", params(("id" = String, Path, description = "The channel's id"), LookupParams),
    responses((status = 204, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_channel() {}

/// Try a channel
///
/// Sends a notice that says it is a test, once, and answers with what the receiver said.
#[utoipa::path(post, path = "/api/v1/channels/{id}/test", operation_id = "testChannel", tag = "alerts", params(("id" = String, Path, description = "The channel's id"), LookupParams),
    responses((status = 200, description = "What came of it", body = Delivery)), security(("key" = []), ("session" = [])))]
pub fn test_channel() {}

/// List what a channel was told
///
/// For who may read alerts or rules, or manage channels. Deliveries are kept for 30 days, the newest 2,000 of a channel; what
/// waits is kept until it is told or given up.
#[utoipa::path(get, path = "/api/v1/channels/{id}/deliveries", operation_id = "listDeliveries", tag = "alerts", params(("id" = String, Path, description = "The channel's id"), DeliveryParams),
    responses((status = 200, description = "A page of them, the newest first, each with its tries", body = DeliveryList)), security(("key" = []), ("session" = [])))]
pub fn list_deliveries() {}

/// The key that signed notices are verified with
#[utoipa::path(get, path = "/api/v1/notices/key", operation_id = "getNoticeKey", tag = "alerts",
    responses((status = 200, description = "Its public half", body = NoticeKey)))]
pub fn get_notice_key() {}

/// List the cards of the start page
///
/// Whodid's own with what its rules found, and those that clients made by the Findings API, with their numbers.
#[utoipa::path(get, path = "/api/v1/cards", operation_id = "listCards", tag = "alerts", params(FindingDaysParams),
    responses((status = 200, description = "By section", body = CardList)), security(("key" = []), ("session" = [])))]
pub fn list_cards() {}

/// Count findings by day
///
/// Each rule that found something, with how much of it was silenced.
#[utoipa::path(get, path = "/api/v1/findings/days", operation_id = "listFindingDays", tag = "alerts", params(FindingDaysParams),
    responses((status = 200, description = "By day", body = FindingDays)), security(("key" = []), ("session" = [])))]
pub fn list_finding_days() {}

/// List alerts on searches
#[utoipa::path(get, path = "/api/v1/search-alerts", operation_id = "listSearchAlerts", tag = "alerts", params(LookupParams),
    responses((status = 200, description = "All of them", body = SearchAlertList)), security(("key" = []), ("session" = [])))]
pub fn list_search_alerts() {}

/// Make an alert on a search
///
/// Whoever makes one must be able to see every event of the stream: it counts all of them.
#[utoipa::path(post, path = "/api/v1/search-alerts", operation_id = "createSearchAlert", tag = "alerts", params(LookupParams), request_body = SearchAlertWrite,
    responses((status = 201, description = "It is watched from now on", body = SearchAlert)), security(("key" = []), ("session" = [])))]
pub fn create_search_alert() {}

/// Change an alert on a search
///
/// The body is the alert as it shall be. What was counted of a window goes on where the search and the interval stay.
#[utoipa::path(patch, path = "/api/v1/search-alerts/{id}", operation_id = "updateSearchAlert", tag = "alerts", params(("id" = String, Path, description = "Its id"), LookupParams), request_body = SearchAlertWrite,
    responses((status = 200, description = "As it is now", body = SearchAlert)), security(("key" = []), ("session" = [])))]
pub fn update_search_alert() {}

/// Delete an alert on a search
///
/// What it raised stays in the inbox.
#[utoipa::path(delete, path = "/api/v1/search-alerts/{id}", operation_id = "deleteSearchAlert", tag = "alerts", params(("id" = String, Path, description = "Its id"), LookupParams),
    responses((status = 204, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_search_alert() {}

/// List presets
#[utoipa::path(get, path = "/api/v1/presets", operation_id = "listPresets", tag = "alerts", params(LookupParams),
    responses((status = 200, description = "All of them", body = PresetList)), security(("key" = []), ("session" = [])))]
pub fn list_presets() {}

/// Make a preset
#[utoipa::path(post, path = "/api/v1/presets", operation_id = "createPreset", tag = "alerts", params(LookupParams), request_body = PresetWrite,
    responses((status = 201, description = "The preset", body = Preset)), security(("key" = []), ("session" = [])))]
pub fn create_preset() {}

/// Change a preset
///
/// The body is the preset as it shall be; every alert built on it changes with it.
#[utoipa::path(patch, path = "/api/v1/presets/{id}", operation_id = "updatePreset", tag = "alerts", params(("id" = String, Path, description = "Its id"), LookupParams), request_body = PresetWrite,
    responses((status = 200, description = "The preset as it is now", body = Preset)), security(("key" = []), ("session" = [])))]
pub fn update_preset() {}

/// Delete a preset
///
/// The alerts built on it are deleted with it.
#[utoipa::path(delete, path = "/api/v1/presets/{id}", operation_id = "deletePreset", tag = "alerts", params(("id" = String, Path, description = "Its id"), LookupParams),
    responses((status = 204, description = "It is gone, with the alerts built on it")), security(("key" = []), ("session" = [])))]
pub fn delete_preset() {}
