//! Insights.

use crate::{
    ExpectedCreate, ExpectedInsight, ExpectedInsightList, ExpectedPreview, Insight, InsightFeedback, InsightMetricData,
    InsightMetricParams, InsightPage, InsightParams, InsightPattern, InsightSeriesParams, InsightSeriesShown,
    InsightSettings, InsightStatusShown, LookupParams,
};

/// List insights
///
/// The latest start first; those that are expected only when asked for. In whodid's form, or in that of ActionTrail or CloudTrail.
#[utoipa::path(get, path = "/api/v1/insights", operation_id = "listInsights", tag = "insights", params(InsightParams),
    responses((status = 200, description = "A page", body = InsightPage)), security(("key" = []), ("session" = [])))]
pub fn list_insights() {}

/// How insights stand
///
/// Which kinds are on, how easily something is called unusual, and how far learning is.
#[utoipa::path(get, path = "/api/v1/insights/status", operation_id = "getInsightStatus", tag = "insights", params(LookupParams),
    responses((status = 200, description = "Settings and learning", body = InsightStatusShown)), security(("key" = []), ("session" = [])))]
pub fn get_insight_status() {}

/// Change how insights are made
#[utoipa::path(put, path = "/api/v1/insights/settings", operation_id = "setInsightSettings", tag = "insights", params(LookupParams), request_body = InsightSettings,
    responses((status = 200, description = "As it is now", body = InsightStatusShown)), security(("key" = []), ("session" = [])))]
pub fn set_insight_settings() {}

/// The series of an action
///
/// What was counted and expected, whether there is an insight or not; as CloudTrail's `ListInsightsMetricData` is asked, and answered with `form=cloudtrail`.
#[utoipa::path(get, path = "/api/v1/insights/metric-data", operation_id = "listInsightMetricData", tag = "insights", params(InsightMetricParams),
    responses((status = 200, description = "The series", body = InsightMetricData)), security(("key" = []), ("session" = [])))]
pub fn list_insight_metric_data() {}

/// Compute the insights of the stored events once more
///
/// As NDJSON, line by line what the stream `insights` holds. Where a line differs from the record, records were changed or removed since. Only for whoever may read all events.
#[utoipa::path(get, path = "/api/v1/insights/replay", operation_id = "replayInsights", tag = "insights", params(LookupParams),
    responses((status = 200, description = "One event a line", body = String, content_type = "application/x-ndjson")), security(("key" = []), ("session" = [])))]
pub fn replay_insights() {}

/// List what is expected
#[utoipa::path(get, path = "/api/v1/insights/expected", operation_id = "listExpectedInsights", tag = "insights", params(LookupParams),
    responses((status = 200, description = "What is expected from some time on", body = ExpectedInsightList)), security(("key" = []), ("session" = [])))]
pub fn list_expected_insights() {}

/// Say what is expected from now on
///
/// Insights like it are kept and told to nobody, and what they count is learned as usual.
#[utoipa::path(post, path = "/api/v1/insights/expected", operation_id = "createExpectedInsight", tag = "insights", params(LookupParams), request_body = ExpectedCreate,
    responses((status = 201, description = "The exception", body = ExpectedInsight)), security(("key" = []), ("session" = [])))]
pub fn create_expected_insight() {}

/// What an exception would have silenced
#[utoipa::path(post, path = "/api/v1/insights/expected/preview", operation_id = "previewExpectedInsight", tag = "insights", params(LookupParams), request_body = InsightPattern,
    responses((status = 200, description = "Insights of the last 90 days that it covers", body = ExpectedPreview)), security(("key" = []), ("session" = [])))]
pub fn preview_expected_insight() {}

/// Take an exception back
#[utoipa::path(delete, path = "/api/v1/insights/expected/{id}", operation_id = "deleteExpectedInsight", tag = "insights", params(("id" = String, Path, description = "The exception's id"), LookupParams),
    responses((status = 204, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_expected_insight() {}

/// Look at an insight
#[utoipa::path(get, path = "/api/v1/insights/{id}", operation_id = "getInsight", tag = "insights", params(("id" = String, Path, description = "The insight's id, or that of a record that tells of it"), LookupParams),
    responses((status = 200, description = "The insight as it is now", body = Insight)), security(("key" = []), ("session" = [])))]
pub fn get_insight() {}

/// The series behind an insight
///
/// What was counted, what was expected, and the band.
#[utoipa::path(get, path = "/api/v1/insights/{id}/series", operation_id = "getInsightSeries", tag = "insights", params(("id" = String, Path, description = "The insight's id"), InsightSeriesParams),
    responses((status = 200, description = "The series", body = InsightSeriesShown)), security(("key" = []), ("session" = [])))]
pub fn get_insight_series() {}

/// Say that an insight was expected or useful
///
/// An expected one is left out of lists and kept; it takes a reason. With `from_now_on` those like it are expected too.
#[utoipa::path(put, path = "/api/v1/insights/{id}/feedback", operation_id = "giveInsightFeedback", tag = "insights", params(("id" = String, Path, description = "The insight's id"), LookupParams), request_body = InsightFeedback,
    responses((status = 200, description = "The insight as it is now", body = Insight)), security(("key" = []), ("session" = [])))]
pub fn give_insight_feedback() {}
