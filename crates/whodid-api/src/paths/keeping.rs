//! Stored events by day.

use crate::{
    Days, DaysParams, DownloadCreate, DownloadSession, DownloadSessionList, EraseParams, Erased, LookupParams,
    Retention, RetentionList, RetentionUpdate,
};

/// Count stored events by day
///
/// For each day that has events: how many, their bytes as received, and the formats they came in.
#[utoipa::path(get, path = "/api/v1/days", operation_id = "listDays", tag = "keeping", params(DaysParams),
    responses((status = 200, description = "The days", body = Days)), security(("key" = []), ("session" = [])))]
pub fn list_days() {}

/// Remove stored events
///
/// Removes the events of these days for good: all that were acknowledged by now, or with an error none. Only from the
/// stream `activity`; what whodid did itself stays, and so does the record of this removal. The old files go ten minutes
/// later, when readers outside have had their time.
#[utoipa::path(delete, path = "/api/v1/events", operation_id = "eraseEvents", tag = "keeping", params(EraseParams),
    responses((status = 200, description = "What was removed", body = Erased)), security(("key" = []), ("session" = [])))]
pub fn erase_events() {}

/// List one's own download sessions
#[utoipa::path(get, path = "/api/v1/downloads", operation_id = "listDownloads", tag = "keeping", params(LookupParams),
    responses((status = 200, description = "The sessions", body = DownloadSessionList)), security(("key" = []), ("session" = [])))]
pub fn list_downloads() {}

/// Make a download session
///
/// At most 30 for each space. One that is not used for two weeks is dropped.
#[utoipa::path(post, path = "/api/v1/downloads", operation_id = "createDownload", tag = "keeping", params(LookupParams), request_body = DownloadCreate,
    responses((status = 201, description = "The session", body = DownloadSession)), security(("key" = []), ("session" = [])))]
pub fn create_download() {}

/// Look at a download session
#[utoipa::path(get, path = "/api/v1/downloads/{id}", operation_id = "getDownload", tag = "keeping",
    params(("id" = String, Path, description = "The session"), LookupParams),
    responses((status = 200, description = "The session", body = DownloadSession)), security(("key" = []), ("session" = [])))]
pub fn get_download() {}

/// Delete a download session
#[utoipa::path(delete, path = "/api/v1/downloads/{id}", operation_id = "deleteDownload", tag = "keeping",
    params(("id" = String, Path, description = "The session"), LookupParams),
    responses((status = 204, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_download() {}

/// Download the events of a session
///
/// Once: when all of them have been taken the session gives them no more. One that broke off begins anew.
/// The file is gzip; in it one event a line in the Activity Tracker profile, earliest first.
#[utoipa::path(get, path = "/api/v1/downloads/{id}/content", operation_id = "downloadEvents", tag = "keeping",
    params(("id" = String, Path, description = "The session"), LookupParams),
    responses((status = 200, description = "The file", content_type = "application/gzip", body = String)), security(("key" = []), ("session" = [])))]
pub fn download_events() {}

/// Read for how long events are to be kept
#[utoipa::path(get, path = "/api/v1/retention", operation_id = "getRetention", tag = "keeping", params(LookupParams),
    responses((status = 200, description = "What is set", body = RetentionList)), security(("key" = []), ("session" = [])))]
pub fn get_retention() {}

/// Set for how long events are to be kept
///
/// Written down and shown; nothing is removed by itself yet, `DELETE /api/v1/events` removes.
#[utoipa::path(patch, path = "/api/v1/retention", operation_id = "setRetention", tag = "keeping", params(LookupParams), request_body = RetentionUpdate,
    responses((status = 200, description = "As it is now", body = Retention)), security(("key" = []), ("session" = [])))]
pub fn set_retention() {}
