//! Insights: what departs from what is usual, as the events of the stream `insights` tell it, with what people said of it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use whodid_api::{
    CloudTrailMetricData, Code, ExpectedCreate, ExpectedInsight, ExpectedInsightList, ExpectedPreview, Insight,
    InsightCounts, InsightEpisode, InsightFeedback, InsightForm, InsightKindShown, InsightMetricData,
    InsightMetricParams, InsightPage, InsightParams, InsightPattern, InsightPointShown, InsightSensitivity,
    InsightSeriesParams, InsightSeriesShown, InsightSettings, InsightState, InsightStatusShown, InsightType,
    InsightVerdict, LookupParams, MetricDataType, MetricForm,
};
use whodid_audit::{Deed, Told};
use whodid_engine::{Engine, ReadRequest, SeriesQuery};
use whodid_insights::{Kind, Object, Sensitivity, Settings};
use whodid_meta::{DocumentKind, Expected};
use whodid_model::access::{Act, Permission};
use whodid_model::time::MICROS_A_DAY;
use whodid_model::{AccessScope, AccountName, StreamName, Timestamp};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::documents;
use super::failure::Failure;
use super::insight_records::{
    Loaded, Mark, Read, STARTS, Which, find, fits, is_expected, kind_of, load, object_of, time_of, type_of,
};
use super::params::{Id, Params};
use super::search::limit;

/// The range of a list unless given, and of a preview.
const DAYS_DEFAULT: &str = "30d";
const PREVIEW_DAYS: &str = "90d";
const EXAMPLES_MAX: usize = 10;
/// Characters of a reason.
const REASON_MAX: usize = 1_000;
const REASON_MISSING: &str = "`reason`: say why this is expected; whoever looks later must be able to tell";
/// Patterns of an account.
const PATTERNS_MAX: usize = 500;
/// The one document of settings.
const SETTINGS_ID: &str = "settings";

/// What is expected from now on, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredExpected {
    pattern: InsightPattern,
    reason: String,
    insight: Option<String>,
    /// From then on, in microseconds.
    from: i64,
}

impl App {
    /// Has insights made in every account, as it is set there.
    pub async fn begin_insights(&self, engine: &Engine, accounts: &[whodid_meta::Account]) {
        if let Some(locations) = &self.locations {
            engine.set_places(Arc::new(crate::locations::Shared(Arc::clone(locations))));
        }
        for account in accounts {
            if let Err(failure) = self.put_insights(engine, &account.name).await {
                tracing::error!(account = %account.name, error = failure.detail(), "insights of this account are not made");
            }
        }
    }

    /// The same of one account, after something was set.
    pub async fn refresh_insights(&self, account: &AccountName) -> Result<(), Failure> {
        self.put_insights(self.engine()?, account).await
    }

    async fn put_insights(&self, engine: &Engine, account: &AccountName) -> Result<(), Failure> {
        let settings = self.insight_settings(account).await?;
        engine.set_insights(account, settings).await?;
        Ok(())
    }

    async fn insight_settings(&self, account: &AccountName) -> Result<Settings, Failure> {
        let shown = settings_of(self, account).await?;
        let mut expected: Vec<whodid_insights::Expected> = self
            .meta
            .documents(account, DocumentKind::InsightExpected)
            .await?
            .iter()
            .filter_map(|document| {
                let stored: StoredExpected = serde_json::from_value(document.body.clone()).ok()?;
                Some(expected_of(&document.id, &stored))
            })
            .collect();
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        let off = Kind::ALL.into_iter().filter(|kind| !shown.on.contains(&type_of(*kind))).collect();
        let sensitivity = match shown.sensitivity {
            InsightSensitivity::Low => Sensitivity::Low,
            InsightSensitivity::Normal => Sensitivity::Normal,
            InsightSensitivity::High => Sensitivity::High,
        };
        Ok(Settings { off, sensitivity, expected })
    }
}

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<InsightParams>,
) -> Result<Json<InsightPage>, Failure> {
    let size = limit(params.limit, 50, 200, "limit")?;
    let skip: usize = match params.cursor.as_deref() {
        None | Some("") => 0,
        Some(text) => {
            text.parse().map_err(|_| Failure::new(Code::BadCursor, "the cursor was not made by this route"))?
        }
    };
    caller.attempt.is_about("insights", "");
    asks(&caller, &params);
    let scope = scope(&caller, params.account.as_deref())?;
    let from = params.from.clone().or_else(|| params.to.is_none().then(|| DAYS_DEFAULT.to_owned()));
    let Read { insights: mut all, is_cut } = load(&app, &scope, Which::All, from, params.to.clone()).await?;
    all.retain(|one| fits(&one.shown, &params));
    let mut counts = InsightCounts::default();
    let is_left_out = |one: &Insight| is_expected(one) && !params.expected.unwrap_or(false);
    counts.expected = all.iter().filter(|one| is_expected(&one.shown)).count() as u64;
    all.retain(|one| !is_left_out(&one.shown));
    for one in &all {
        counts.all += 1;
        counts.open += u64::from(one.shown.state == InsightState::Open);
        *counts.by_type.entry(kind_of(one.shown.insight_type).name().to_owned()).or_default() += 1;
    }
    let has_more = all.len() > skip.saturating_add(size);
    let page: Vec<Loaded> = all.into_iter().skip(skip).take(size).collect();
    caller.attempt.answers("rows", page.len() as u64);
    let account = scope.account();
    let mut insights = Vec::new();
    for one in &page {
        match params.form.unwrap_or_default() {
            InsightForm::Whodid => insights.push(json!(one.shown)),
            form => insights.extend(one.in_form(form, account)),
        }
    }
    Ok(Json(InsightPage { insights, next_cursor: has_more.then(|| (skip + size).to_string()), counts, is_cut }))
}

/// Tells which insights were asked for.
fn asks(caller: &Caller, params: &InsightParams) {
    let texts = [
        ("from", &params.from),
        ("to", &params.to),
        ("insight_object", &params.insight_object),
        ("event_name", &params.event_name),
        ("event_source", &params.event_source),
        ("source_ip_address", &params.source_ip_address),
        ("access_key_id", &params.access_key_id),
        ("principal_id", &params.principal_id),
        ("error_code", &params.error_code),
        ("region", &params.region),
        ("event_id", &params.event_id),
    ];
    for (name, text) in texts {
        caller.attempt.asks_text(name, text.as_deref());
    }
    let words =
        [("insight_type", json!(params.insight_type)), ("state", json!(params.state)), ("form", json!(params.form))];
    for (name, word) in words {
        caller.attempt.asks_text(name, word.as_str());
    }
    if params.expected == Some(true) {
        caller.attempt.asks("expected", true);
    }
}

pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Json<Insight>, Failure> {
    let scope = scope(&caller, params.account.as_deref())?;
    caller.attempt.is_about(&id, "");
    Ok(Json(find(&app, &scope, &id).await?.shown))
}

pub async fn status(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<InsightStatusShown>, Failure> {
    let scope = scope(&caller, params.account.as_deref())?;
    Ok(Json(shown_status(&app, &scope).await?))
}

pub async fn set(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<InsightSettings>,
) -> Result<Json<InsightStatusShown>, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let scope = scope(&caller, Some(account.as_str()))?;
    let mut asked = asked.read()?;
    let on: Vec<InsightType> = Kind::ALL.into_iter().map(type_of).filter(|kind| asked.on.contains(kind)).collect();
    asked.on = on;
    caller.attempt.is_about(SETTINGS_ID, "insights");
    let before = settings_of(&app, &account).await?;
    let told = Told::success(Deed::InsightConfigure, SETTINGS_ID, "insights")
        .changed(Some(standing(&before)), Some(standing(&asked)));
    let change = documents::change(DocumentKind::InsightSettings, SETTINGS_ID, Some(json!(asked)), Expected::Any);
    documents::store(&app, &caller, &account, change, told).await?;
    app.refresh_insights(&account).await?;
    Ok(Json(shown_status(&app, &scope).await?))
}

/// Settings for the audit log: each kind by its name, so that one that is switched off shows as such.
fn standing(settings: &InsightSettings) -> Value {
    let kinds = Kind::ALL.into_iter().map(|kind| (kind.name().to_owned(), json!(settings.on.contains(&type_of(kind)))));
    json!({"on": kinds.collect::<serde_json::Map<String, Value>>(), "sensitivity": settings.sensitivity})
}

pub async fn series(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<InsightSeriesParams>,
) -> Result<Json<InsightSeriesShown>, Failure> {
    caller.attempt.is_about(&id, "");
    asks_of_series(&caller, params.from.as_deref(), params.to.as_deref(), params.period);
    let scope = scope(&caller, params.account.as_deref())?;
    let one = find(&app, &scope, &id).await?;
    let events = caller.access(Act::Read(&one.stream()), Some(scope.account().as_str()))?;
    let now = crate::clock::now();
    let (start, until) = (time_of(&one.shown.start), time_of(&one.shown.until));
    let from = range_time("from", params.from.as_deref(), now)?.unwrap_or(start.plus_micros(-MICROS_A_DAY));
    let until = until.max(start).plus_micros(MICROS_A_DAY / 8).min(now).max(start.plus_micros(1));
    let to = range_time("to", params.to.as_deref(), now)?.unwrap_or(until);
    let asked = SeriesQuery {
        kind: kind_of(one.shown.insight_type),
        object: object_of(&one.shown),
        from,
        to,
        period: params.period.map_or(300, i64::from),
        unusual: vec![(start, one.shown.end.as_deref().map_or(now, time_of))],
    };
    let query = one.query();
    let episodes = vec![InsightEpisode { id: one.shown.id, start: one.shown.start, end: one.shown.end }];
    shown_series(&app, &caller, &events, &asked, query, episodes, params.data_type).await.map(Json)
}

/// Tells which series was asked for; its search is told with what came of it.
fn asks_of_series(caller: &Caller, from: Option<&str>, to: Option<&str>, period: Option<u32>) {
    caller.attempt.asks("view", "insight series");
    caller.attempt.asks_text("from", from);
    caller.attempt.asks_text("to", to);
    if let Some(period) = period {
        caller.attempt.asks("period", period);
    }
}

pub async fn metric_data(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<InsightMetricParams>,
) -> Result<Json<InsightMetricData>, Failure> {
    asks_of_series(&caller, params.from.as_deref(), params.to.as_deref(), params.period);
    let events = caller.reads(Some(&StreamName::activity()), params.account.as_deref())?;
    let Some(action) = params.event_name.clone().filter(|name| !name.is_empty()) else {
        return Err(Failure::new(Code::BadParameter, "`event_name` says of which action"));
    };
    let kind = kind_of(params.insight_type.unwrap_or(InsightType::ApiCallRateInsight));
    let has_code = params.error_code.is_some();
    if has_code != (kind == Kind::ApiErrorRateInsight)
        || !matches!(kind, Kind::ApiCallRateInsight | Kind::ApiErrorRateInsight)
    {
        let detail = "`insight_type` is ApiCallRateInsight, or ApiErrorRateInsight with its `error_code`";
        return Err(Failure::new(Code::BadParameter, detail));
    }
    let is_cloud_trail = params.form == Some(MetricForm::CloudTrail);
    if is_cloud_trail && params.event_source.as_deref().is_none_or(str::is_empty) {
        return Err(Failure::new(Code::BadParameter, "`event_source` says of which service, in CloudTrail's form"));
    }
    // What CloudTrail takes where nothing is said.
    let (days, period, data_type) =
        if is_cloud_trail { (90, 3600, MetricDataType::NonZeroData) } else { (1, 300, MetricDataType::FillWithZeros) };
    let now = crate::clock::now();
    let from = range_time("from", params.from.as_deref(), now)?.unwrap_or(now.plus_micros(-days * MICROS_A_DAY));
    let to = range_time("to", params.to.as_deref(), now)?.unwrap_or(now);
    let period = params.period.map_or(period, i64::from);
    let data_type = params.data_type.or(Some(data_type));
    let object = Object {
        region: params.region.unwrap_or_default(),
        service: params.event_source.unwrap_or_default(),
        action,
        code: params.error_code,
        ..Object::default()
    };
    let mut episodes = Vec::new();
    if let Ok(scope) = scope(&caller, Some(events.account().as_str())) {
        let from = from.plus_micros(-28 * MICROS_A_DAY).to_string();
        let all = load(&app, &scope, Which::StartsAndEnds, Some(from), None).await?.insights;
        let is_same = |one: &Insight| {
            let other = object_of(one);
            kind_of(one.insight_type) == kind
                && other.action == object.action
                && other.code == object.code
                && (object.region.is_empty() || other.region == object.region)
                && (object.service.is_empty() || other.service == object.service)
        };
        episodes.extend(all.into_iter().map(|one| one.shown).filter(is_same));
    }
    let unusual = episodes.iter().map(|one| (time_of(&one.start), one.end.as_deref().map_or(now, time_of))).collect();
    let asked = SeriesQuery { kind, object, from, to, period, unusual };
    let episodes =
        episodes.into_iter().map(|one| InsightEpisode { id: one.id, start: one.start, end: one.end }).collect();
    let series = shown_series(&app, &caller, &events, &asked, None, episodes, data_type).await?;
    if !is_cloud_trail {
        return Ok(Json(InsightMetricData::Whodid(series)));
    }
    Ok(Json(InsightMetricData::CloudTrail(CloudTrailMetricData {
        event_source: asked.object.service,
        event_name: asked.object.action,
        insight_type: type_of(kind),
        error_code: asked.object.code,
        timestamps: series.points.iter().map(|point| time_of(&point.at).micros().div_euclid(1_000_000)).collect(),
        values: series.points.iter().map(|point| point.count as f64).collect(),
    })))
}

pub async fn feedback(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<InsightFeedback>,
) -> Result<Json<Insight>, Failure> {
    let account = caller.manages(Permission::AlertsManage, params.account.as_deref())?;
    let scope = scope(&caller, Some(account.as_str()))?;
    let asked = asked.read()?;
    caller.attempt.is_about(&id, "");
    let reason = words(asked.reason.as_deref().unwrap_or_default(), "reason")?;
    if asked.verdict == Some(InsightVerdict::Expected) && reason.is_empty() {
        return Err(Failure::new(Code::BadJson, REASON_MISSING));
    }
    if asked.from_now_on.is_some() && asked.verdict != Some(InsightVerdict::Expected) {
        let detail = "`from_now_on` goes with the verdict `expected`";
        return Err(Failure::new(Code::BadJson, detail));
    }
    if let Some(pattern) = &asked.from_now_on {
        caller.manages(Permission::RulesManage, Some(account.as_str()))?;
        check_pattern(&app, &account, pattern, &reason).await?;
    }
    let one = find(&app, &scope, &id).await?.shown;
    let (id, title) = (one.id.clone(), one.sentence.clone());
    let before = app.meta.document(&account, DocumentKind::InsightMark, &id).await?;
    let mark = asked.verdict.map(|verdict| json!(Mark { verdict, reason: reason.clone() }));
    if mark.is_none() && before.is_none() {
        return Ok(Json(one));
    }
    let told = Told::success(Deed::InsightWrite, id.as_str(), title.as_str())
        .changed(before.map(|before| before.body), mark.clone());
    let change = documents::change(DocumentKind::InsightMark, &id, mark, Expected::Any);
    documents::store(&app, &caller, &account, change, told).await?;
    if let Some(pattern) = asked.from_now_on {
        expect(&app, &caller, &account, pattern, reason, Some(id.clone())).await?;
    }
    Ok(Json(find(&app, &scope, &id).await?.shown))
}

pub async fn expected(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<ExpectedInsightList>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let mut silenced: HashMap<String, u64> = HashMap::new();
    if let Ok(scope) = scope(&caller, Some(account.as_str())) {
        let by = "requestData.expectedBy".to_owned();
        let request = ReadRequest {
            q: format!("{STARTS} {by}:*"),
            stream: Some(StreamName::insights()),
            ..ReadRequest::default()
        };
        let facets = app.engine()?.facets(&scope, &request, &[by], PATTERNS_MAX, None).await?;
        silenced.extend(facets.into_iter().flat_map(|facet| facet.values).map(|value| (value.value, value.count)));
    }
    let mut expected: Vec<ExpectedInsight> = app
        .meta
        .documents(&account, DocumentKind::InsightExpected)
        .await?
        .iter()
        .filter_map(|document| shown_expected(document, silenced.get(&document.id).copied().unwrap_or(0)))
        .collect();
    expected.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
    Ok(Json(ExpectedInsightList { expected }))
}

pub async fn create_expected(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<ExpectedCreate>,
) -> Result<(StatusCode, Json<ExpectedInsight>), Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let asked = asked.read()?;
    let reason = words(&asked.reason, "reason")?;
    check_pattern(&app, &account, &asked.pattern, &reason).await?;
    let id = expect(&app, &caller, &account, asked.pattern, reason, None).await?;
    let document = documents::find(&app, &account, DocumentKind::InsightExpected, &id, "exception").await?;
    let shown = shown_expected(&document, 0);
    let shown = shown.ok_or_else(|| Failure::new(Code::NotFound, "the exception was deleted at the same moment"))?;
    Ok((StatusCode::CREATED, Json(shown)))
}

pub async fn preview_expected(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<InsightPattern>,
) -> Result<Json<ExpectedPreview>, Failure> {
    let scope = scope(&caller, params.account.as_deref())?;
    let pattern = asked.read()?;
    caller.attempt.is_about("expected", "");
    caller.attempt.asks("view", "preview");
    caller.attempt.asks_text("insight_type", json!(pattern.insight_type).as_str());
    for (name, text) in texts_of(&pattern) {
        caller.attempt.asks_text(name, text.as_deref());
    }
    let stored = StoredExpected { pattern, reason: String::new(), insight: None, from: i64::MIN };
    let mut expected = expected_of("", &stored);
    // What would have been, whenever it was.
    expected.until = None;
    let Read { insights: all, is_cut } = load(&app, &scope, Which::Starts, Some(PREVIEW_DAYS.to_owned()), None).await?;
    let of = all.len() as u64;
    caller.attempt.answers("rows", of);
    let is_covered =
        |one: &Insight| expected.covers(kind_of(one.insight_type), &object_of(one), time_of(&one.start).micros());
    let covered: Vec<Insight> = all.into_iter().map(|one| one.shown).filter(is_covered).collect();
    let silenced = covered.len() as u64;
    let examples = covered.into_iter().take(EXAMPLES_MAX).collect();
    Ok(Json(ExpectedPreview { silenced, of, examples, is_cut }))
}

pub async fn delete_expected(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    caller.attempt.is_about(&id, "");
    let before = documents::find(&app, &account, DocumentKind::InsightExpected, &id, "exception").await?;
    let told = Told::success(Deed::InsightExceptionDelete, id.as_str(), "").changed(Some(before.body), None);
    let change = documents::change(DocumentKind::InsightExpected, &id, None, Expected::Present);
    documents::store(&app, &caller, &account, change, told).await?;
    app.refresh_insights(&account).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn replay(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<(HeaderMap, String), Failure> {
    let scope = scope(&caller, params.account.as_deref())?;
    // It looks at all events, whatever spaces they are of.
    let events = caller.reads(Some(&StreamName::activity()), Some(scope.account().as_str()))?;
    if !whodid_engine::shows_all(&events) || !whodid_engine::shows_all(&scope) {
        let detail = "only whoever may read every event of the account can have its insights computed anew";
        return Err(Failure::new(Code::BadParameter, detail));
    }
    let mut text = String::new();
    let mut is_full = false;
    let each = |line: String| {
        text.push_str(&line);
        text.push('\n');
        is_full = text.len() > REPLAY_BYTES_MAX;
        !is_full
    };
    let _turn = app.backtesting.acquire().await;
    let end = app.engine()?.replay_insights(scope.account(), crate::clock::now().micros(), each).await?;
    caller.attempt.answers("rows", end.events);
    if is_full {
        let detail = format!(
            "the insights of this account are more than {REPLAY_BYTES_MAX} bytes; export the stream insights instead"
        );
        return Err(Failure::new(Code::BadParameter, detail));
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok((headers, text))
}

/// Bytes that a replay may come to.
const REPLAY_BYTES_MAX: usize = 64 << 20;

fn scope(caller: &Caller, account: Option<&str>) -> Result<AccessScope, Failure> {
    caller.reads(Some(&StreamName::insights()), account)
}

async fn shown_series(
    app: &App,
    caller: &Caller,
    scope: &AccessScope,
    asked: &SeriesQuery,
    query: Option<String>,
    episodes: Vec<InsightEpisode>,
    data_type: Option<MetricDataType>,
) -> Result<InsightSeriesShown, Failure> {
    let engine = app.engine()?;
    let series = match query {
        Some(query) => engine.insight_series_of(scope, query, asked).await?,
        None => engine.insight_series(scope, asked).await?,
    };
    caller.attempt.asks_text("query", Some(&series.query));
    caller.attempt.answers("rows", series.points.iter().map(|point| point.count).sum::<u64>());
    let is_wanted =
        |point: &whodid_engine::InsightPoint| data_type != Some(MetricDataType::NonZeroData) || point.count > 0;
    let rounded = |number: f64| (number * 1000.0).round() / 1000.0;
    let points = series.points.iter().filter(|point| is_wanted(point)).map(|point| InsightPointShown {
        at: point.at.to_string(),
        count: point.count,
        expected: rounded(point.expected),
        upper: rounded(point.upper),
    });
    Ok(InsightSeriesShown { period: series.period, points: points.collect(), query: series.query, episodes })
}

async fn settings_of(app: &App, account: &AccountName) -> Result<InsightSettings, Failure> {
    let stored = app.meta.document(account, DocumentKind::InsightSettings, SETTINGS_ID).await?;
    let stored = stored.and_then(|document| serde_json::from_value(document.body).ok());
    Ok(stored.unwrap_or_else(|| InsightSettings {
        on: Kind::ALL.into_iter().map(type_of).collect(),
        sensitivity: InsightSensitivity::Normal,
    }))
}

async fn shown_status(app: &App, scope: &AccessScope) -> Result<InsightStatusShown, Failure> {
    let account = scope.account();
    let settings = settings_of(app, account).await?;
    let status = app.engine()?.insight_status(account).unwrap_or_default();
    let open = load(app, scope, Which::StartsAndEnds, Some(DAYS_DEFAULT.to_owned()), None).await?.insights;
    let open = |kind: InsightType| {
        let is_open = |one: &&Loaded| one.shown.state == InsightState::Open && !is_expected(&one.shown);
        open.iter().filter(is_open).filter(|one| one.shown.insight_type == kind).count() as u64
    };
    let kinds = Kind::ALL.into_iter().map(|kind| InsightKindShown {
        insight_type: type_of(kind),
        title: kind.words().to_owned(),
        is_on: settings.on.contains(&type_of(kind)),
        open: open(type_of(kind)),
    });
    let kinds = kinds.collect();
    let learning = status.learning;
    let time = |micros: Option<i64>| micros.map(|micros| Timestamp::from_micros(micros).to_string());
    let learned = learning.learned_micros as f64 / 3.6e9;
    Ok(InsightStatusShown {
        settings,
        learning_since: time(learning.since),
        learning_until: time(learning.until),
        learned_hours: (learned * 10.0).round() / 10.0,
        is_ready: learned >= 24.0,
        series: learning.series as u64,
        live_series: u64::from(learning.live),
        held: learning.held as u64,
        behind: status.behind,
        late: learning.drops.late,
        forgotten_series: learning.drops.series,
        untold: learning.drops.starts,
        state_bytes: status.state_bytes as u64,
        kinds,
    })
}

fn expected_of(id: &str, stored: &StoredExpected) -> whodid_insights::Expected {
    let pattern = stored.pattern.clone();
    whodid_insights::Expected {
        id: id.to_owned(),
        kind: pattern.insight_type.map(kind_of),
        region: pattern.region,
        service: pattern.event_source,
        action: pattern.event_name,
        code: pattern.error_code,
        address: pattern.source_ip_address,
        principal: pattern.principal_id,
        from: stored.from,
        until: pattern.expires_at.map(|at| time_of(&at).micros()),
    }
}

async fn check_pattern(
    app: &App,
    account: &AccountName,
    pattern: &InsightPattern,
    reason: &str,
) -> Result<(), Failure> {
    let wrong = |detail: String| Err(Failure::new(Code::BadJson, detail));
    if reason.is_empty() {
        return wrong(REASON_MISSING.to_owned());
    }
    let texts = texts_of(pattern);
    for (name, text) in texts {
        if text.as_ref().is_some_and(|text| text.trim().is_empty() || text.len() > REASON_MAX) {
            return wrong(format!("`{name}` is a text of 1 to {REASON_MAX} bytes, or left out"));
        }
    }
    if texts.iter().all(|(_, text)| text.as_deref().is_none_or(|text| text.chars().all(|sign| sign == '*'))) {
        return wrong(
            "the pattern covers everything; name at least a region, service, action, code, address or principal"
                .to_owned(),
        );
    }
    if let Some(at) = &pattern.expires_at {
        let parsed =
            Timestamp::parse(at).map_err(|error| Failure::new(Code::BadJson, format!("`expires_at`: {error}")))?;
        if parsed.at <= crate::clock::now() {
            return wrong("`expires_at` is over already".to_owned());
        }
    }
    if app.meta.documents(account, DocumentKind::InsightExpected).await?.len() >= PATTERNS_MAX {
        return wrong(format!("an account has at most {PATTERNS_MAX} exceptions; delete some that are over"));
    }
    Ok(())
}

fn texts_of(pattern: &InsightPattern) -> [(&'static str, &Option<String>); 6] {
    [
        ("region", &pattern.region),
        ("event_source", &pattern.event_source),
        ("event_name", &pattern.event_name),
        ("error_code", &pattern.error_code),
        ("source_ip_address", &pattern.source_ip_address),
        ("principal_id", &pattern.principal_id),
    ]
}

async fn expect(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    pattern: InsightPattern,
    reason: String,
    insight: Option<String>,
) -> Result<String, Failure> {
    let id = uuid::Uuid::now_v7().to_string();
    let stored = StoredExpected { pattern, reason, insight, from: crate::clock::now().micros() };
    let told = Told::success(Deed::InsightExceptionCreate, id.as_str(), "").changed(None, Some(json!(stored)));
    let change = documents::change(DocumentKind::InsightExpected, &id, Some(json!(stored)), Expected::Absent);
    documents::store(app, caller, account, change, told).await?;
    app.refresh_insights(account).await?;
    Ok(id)
}

fn shown_expected(document: &whodid_meta::Document, silenced: u64) -> Option<ExpectedInsight> {
    let stored: StoredExpected = serde_json::from_value(document.body.clone()).ok()?;
    Some(ExpectedInsight {
        id: document.id.clone(),
        pattern: stored.pattern,
        reason: stored.reason,
        created_at: document.created_at.to_string(),
        created_by: document.created_by.clone(),
        insight: stored.insight,
        silenced,
    })
}

fn words(text: &str, name: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.chars().count() > REASON_MAX {
        return Err(Failure::new(Code::BadJson, format!("`{name}` has more than {REASON_MAX} characters")));
    }
    Ok(text.to_owned())
}

fn range_time(name: &str, text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let read = text.map(|text| whodid_query::parse_time(text, now)).transpose();
    read.map_err(|error| Failure::new(Code::BadTime, format!("`{name}`: {error}")))
}
