//! Insights as the records of the stream `insights` tell them, with what people said of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use whodid_api::{Code, Insight, InsightForm, InsightParams, InsightState, InsightType, InsightVerdict};
use whodid_engine::{Engine, Order, ReadRequest};
use whodid_insights::{Kind, Object};
use whodid_meta::DocumentKind;
use whodid_model::{AccessScope, AccountName, StreamName, Timestamp};

use super::App;
use super::failure::Failure;

/// Records that are read at once; beyond them the oldest are left out.
const RECORDS_MAX: usize = 20_000;
const PAGE_RECORDS: usize = 1_000;
/// Insights whose later records are asked for together.
const TOGETHER: usize = 50;

/// What people said of an insight, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub verdict: InsightVerdict,
    pub reason: String,
}

/// Which records are read: the fewer of each insight, the more insights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All, so that it is known how an insight goes on.
    All,
    /// Starts and ends: enough to tell whether it is over.
    StartsAndEnds,
    /// Starts only.
    Starts,
}

impl Which {
    fn query(self) -> &'static str {
        match self {
            Self::All => {
                "(action:===whodid.insight.start OR action:===whodid.insight.update OR action:===whodid.insight.end)"
            }
            Self::StartsAndEnds => "(action:===whodid.insight.start OR action:===whodid.insight.end)",
            Self::Starts => STARTS,
        }
    }
}

/// The search for starts.
pub const STARTS: &str = "action:===whodid.insight.start";

/// An insight, and the events that tell of it.
pub struct Loaded {
    pub shown: Insight,
    start: Value,
    end: Option<Value>,
}

impl Loaded {
    /// Where its events are.
    pub fn stream(&self) -> StreamName {
        match self.shown.evidence["stream"].as_str() {
            Some("audit") => StreamName::audit(),
            _ => StreamName::activity(),
        }
    }

    /// The search that finds its events.
    pub fn query(&self) -> Option<String> {
        self.shown.evidence["query"].as_str().map(str::to_owned)
    }

    /// The vendor's events of it.
    pub fn in_form(&self, form: InsightForm, account: &AccountName) -> Vec<Value> {
        let events = std::iter::once(&self.start).chain(&self.end);
        events
            .filter_map(|event| match form {
                InsightForm::CloudTrail => whodid_insights::vendors::cloud_trail(event, account.as_str()),
                _ => whodid_insights::vendors::action_trail(event, account.as_str()),
            })
            .collect()
    }
}

/// Insights that were read.
pub struct Read {
    /// The latest start first.
    pub insights: Vec<Loaded>,
    /// Whether there are more records than are read at once, so that the oldest insights are missing.
    pub is_cut: bool,
}

/// The insights that started in a range.
pub async fn load(
    app: &App,
    scope: &AccessScope,
    which: Which,
    from: Option<String>,
    to: Option<String>,
) -> Result<Read, Failure> {
    let (_, until) = whodid_engine::time_range(from.as_deref(), to.as_deref(), crate::clock::now())?;
    let (records, is_cut) = read(app.engine()?, scope, which, from, until, RECORDS_MAX).await?;
    let mut insights = fold(records, &marks(app, scope.account()).await?);
    insights.sort_by(|a, b| b.shown.start.cmp(&a.shown.start).then_with(|| a.shown.id.cmp(&b.shown.id)));
    Ok(Read { insights, is_cut })
}

/// An insight, by its id or that of a record that tells of it.
pub async fn find(app: &App, scope: &AccessScope, id: &str) -> Result<Loaded, Failure> {
    let engine = app.engine()?;
    let quoted = whodid_query::quoted(id);
    let q = format!("target.id:==={quoted} OR id:==={quoted}");
    let (mut found, _) = newest(engine, scope, &request(q, None, None), RECORDS_MAX).await?;
    if let Some(other) =
        found.first().and_then(|event| event["requestData"]["insightId"].as_str()).filter(|of| *of != id)
    {
        let q = format!("target.id:==={}", whodid_query::quoted(other));
        (found, _) = newest(engine, scope, &request(q, None, None), RECORDS_MAX).await?;
    }
    let marks = marks(app, scope.account()).await?;
    let missing = || Failure::new(Code::NotFound, "there is no such insight in this account, or it is no longer kept");
    fold(found, &marks).into_iter().next().ok_or_else(missing)
}

/// Records of the insights that started in a range, the newest `max` of them, and whether there are more.
async fn read(
    engine: &Engine,
    scope: &AccessScope,
    which: Which,
    from: Option<String>,
    until: Option<Timestamp>,
    max: usize,
) -> Result<(Vec<Value>, bool), Failure> {
    let to = until.map(|until| until.to_string());
    let first = request(which.query().to_owned(), from, to.clone());
    let (mut found, mut is_cut) = newest(engine, scope, &first, max).await?;
    if which == Which::Starts || to.is_none() {
        return Ok((found, is_cut));
    }
    // Those that went on then may be over by now.
    let mut open: BTreeSet<String> = BTreeSet::new();
    for event in found.iter().rev() {
        let id = event["requestData"]["insightId"].as_str().unwrap_or_default();
        match event["requestData"]["state"].as_str() {
            Some("Start") => _ = open.insert(id.to_owned()),
            Some("End") => _ = open.remove(id),
            _ => {}
        }
    }
    let open: Vec<String> = open.iter().map(|id| format!("target.id:==={}", whodid_query::quoted(id))).collect();
    for ids in open.chunks(TOGETHER) {
        let q = format!("{} ({})", which.query(), ids.join(" OR "));
        let (later, has_more) = newest(engine, scope, &request(q, to.clone(), None), max).await?;
        found.extend(later);
        is_cut |= has_more;
    }
    Ok((found, is_cut))
}

fn request(q: String, from: Option<String>, to: Option<String>) -> ReadRequest {
    ReadRequest { q, from, to, stream: Some(StreamName::insights()), ..ReadRequest::default() }
}

/// The newest records of a search, the newest first, at most `max`; and whether there are more.
async fn newest(
    engine: &Engine,
    scope: &AccessScope,
    request: &ReadRequest,
    max: usize,
) -> Result<(Vec<Value>, bool), Failure> {
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let size = PAGE_RECORDS.min(max - found.len());
        let page = engine.list(scope, request, Order::NewestFirst, size, cursor.as_deref()).await?;
        found.extend(page.events.iter().map(|text| serde_json::from_str::<Value>(text).unwrap_or_default()));
        cursor = page.next_cursor;
        if cursor.is_none() || found.len() >= max {
            return Ok((found, cursor.is_some()));
        }
    }
}

async fn marks(app: &App, account: &AccountName) -> Result<HashMap<String, whodid_meta::Document>, Failure> {
    let marks = app.meta.documents(account, DocumentKind::InsightMark).await?;
    Ok(marks.into_iter().map(|document| (document.id.clone(), document)).collect())
}

/// Events to the insights that they tell of. Those whose start is not among them are left out.
fn fold(events: Vec<Value>, marks: &HashMap<String, whodid_meta::Document>) -> Vec<Loaded> {
    let mut by_id: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for event in events {
        if let Some(id) = event["requestData"]["insightId"].as_str().map(str::to_owned) {
            by_id.entry(id).or_default().push(event);
        }
    }
    by_id.into_iter().filter_map(|(id, events)| insight_of(&id, events, marks.get(&id))).collect()
}

fn insight_of(id: &str, mut events: Vec<Value>, mark: Option<&whodid_meta::Document>) -> Option<Loaded> {
    let offset = |event: &Value| event["record"]["offset"].as_u64();
    events.sort_by_key(offset);
    events.dedup_by_key(|event| event["id"].clone());
    let state = |event: &Value| event["requestData"]["state"].as_str().unwrap_or_default().to_owned();
    let start = events.iter().find(|event| state(event) == "Start")?.clone();
    let end = events.iter().rfind(|event| state(event) == "End").cloned();
    let last = end.as_ref().or(events.last())?;
    let data = &last["requestData"];
    let text = |name: &str| data[name].as_str().map(str::to_owned);
    let stored: Option<Mark> = mark.and_then(|mark| serde_json::from_value(mark.body.clone()).ok());
    let shown = Insight {
        id: id.to_owned(),
        insight_type: serde_json::from_value(data["insightType"].clone()).ok()?,
        state: if end.is_some() { InsightState::Ended } else { InsightState::Open },
        object: text("insightObject").unwrap_or_default(),
        sentence: last["message"].as_str().unwrap_or_default().to_owned(),
        severity: start["severity"].as_str().unwrap_or("warning").to_owned(),
        start: text("start")?,
        end: text("end"),
        until: data["evidence"]["to"].as_str().unwrap_or_default().to_owned(),
        region: text("region").unwrap_or_default(),
        source: text("source").unwrap_or_default(),
        event_source: text("eventSource"),
        event_name: text("eventName"),
        error_code: text("errorCode"),
        source_ip_address: text("sourceIpAddress"),
        principal_id: text("principalId"),
        access_key_id: text("accessKeyId"),
        times_usual: data["statistics"]["timesUsual"].as_f64(),
        count: data["statistics"]["insightCount"].as_u64().unwrap_or(0),
        verdict: stored.as_ref().map(|mark| mark.verdict),
        verdict_reason: stored.map(|mark| mark.reason).filter(|reason| !reason.is_empty()),
        verdict_by: mark.map(|mark| mark.updated_by.clone()),
        verdict_at: mark.map(|mark| mark.updated_at.to_string()),
        expected_by: text("expectedBy"),
        statistics: data["statistics"].clone(),
        test: data["test"].clone(),
        attributions: data["attributions"].clone(),
        evidence: data["evidence"].clone(),
        event_ids: events.iter().filter_map(|event| event["id"].as_str().map(str::to_owned)).collect(),
    };
    Some(Loaded { shown, start, end })
}

/// Whether nobody need look at it.
pub fn is_expected(one: &Insight) -> bool {
    one.verdict == Some(InsightVerdict::Expected) || (one.expected_by.is_some() && one.verdict.is_none())
}

/// Whether it is what was asked for. Texts are exact.
pub fn fits(one: &Insight, params: &InsightParams) -> bool {
    let same = |asked: &Option<String>, value: Option<&str>| asked.as_deref().is_none_or(|asked| value == Some(asked));
    let plays = |asked: &Option<String>, own: Option<&str>, attribute: &str| match asked.as_deref() {
        Some(asked) => own == Some(asked) || attributed(one, attribute).contains(asked),
        None => true,
    };
    // An address has no service of its own; the actions from there name theirs, in some formats.
    let serves = |service: &str| {
        let of_action = |action: &&str| action.split_once('.').is_some_and(|(before, _)| before == service);
        one.event_source.as_deref() == Some(service) || attributed(one, "apiRelated").iter().any(of_action)
    };
    params.insight_type.is_none_or(|kind| kind == one.insight_type)
        && params.state.is_none_or(|state| state == one.state)
        && same(&params.insight_object, Some(&one.object))
        && plays(&params.event_name, one.event_name.as_deref(), "apiRelated")
        && params.event_source.as_deref().is_none_or(serves)
        && plays(&params.source_ip_address, one.source_ip_address.as_deref(), "sourceIpAddress")
        && same(&params.access_key_id, one.access_key_id.as_deref())
        && plays(&params.principal_id, one.principal_id.as_deref(), "principalId")
        && plays(&params.error_code, one.error_code.as_deref(), "errorCode")
        && same(&params.region, Some(&one.region))
        && params.event_id.as_ref().is_none_or(|id| *id == one.id || one.event_ids.contains(id))
}

/// The values of an attribute that have a part in an insight.
fn attributed<'a>(one: &'a Insight, name: &str) -> HashSet<&'a str> {
    let attributions = one.attributions.as_array().map(Vec::as_slice).unwrap_or_default();
    let values = attributions.iter().filter(|attribution| attribution["attribute"] == name);
    values
        .flat_map(|attribution| attribution["insight"].as_array().map(Vec::as_slice).unwrap_or_default())
        .filter_map(|value| value["value"].as_str())
        .collect()
}

/// What it is about, as the detector says it.
pub fn object_of(one: &Insight) -> Object {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Object {
        source: one.source.clone(),
        region: one.region.clone(),
        service: text(&one.event_source),
        action: text(&one.event_name),
        code: one.error_code.clone(),
        address: one.source_ip_address.clone(),
        principal: one.principal_id.clone(),
        credential: one.access_key_id.clone(),
    }
}

/// A time that whodid wrote itself.
pub fn time_of(text: &str) -> Timestamp {
    Timestamp::parse(text).map_or(Timestamp::default(), |parsed| parsed.at)
}

pub fn type_of(kind: Kind) -> InsightType {
    match kind {
        Kind::ApiCallRateInsight => InsightType::ApiCallRateInsight,
        Kind::ApiErrorRateInsight => InsightType::ApiErrorRateInsight,
        Kind::IpInsight => InsightType::IpInsight,
        Kind::AkInsight => InsightType::AkInsight,
        Kind::PolicyChangeInsight => InsightType::PolicyChangeInsight,
        Kind::PasswordChangeInsight => InsightType::PasswordChangeInsight,
        Kind::TrailConcealmentInsight => InsightType::TrailConcealmentInsight,
    }
}

pub fn kind_of(kind: InsightType) -> Kind {
    match kind {
        InsightType::ApiCallRateInsight => Kind::ApiCallRateInsight,
        InsightType::ApiErrorRateInsight => Kind::ApiErrorRateInsight,
        InsightType::IpInsight => Kind::IpInsight,
        InsightType::AkInsight => Kind::AkInsight,
        InsightType::PolicyChangeInsight => Kind::PolicyChangeInsight,
        InsightType::PasswordChangeInsight => Kind::PasswordChangeInsight,
        InsightType::TrailConcealmentInsight => Kind::TrailConcealmentInsight,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use serde_json::json;
    use whodid_engine::Options;
    use whodid_model::access::{Act, BuiltInRole, Grant, Who, decide};
    use whodid_model::{AccountName, Principal};

    use super::*;

    /// An event of an insight at a minute of an hour.
    fn record(insight: &str, state: &str, minute: u32) -> String {
        let at = format!("2026-01-05T00:{minute:02}:00.000000Z");
        let mut data = json!({
            "insightId": insight, "state": state, "insightType": "ApiCallRateInsight",
            "start": "2026-01-05T00:00:00.000000Z", "evidence": {"to": at},
        });
        if state == "End" {
            data["end"] = json!(at);
        }
        json!({
            "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event", "eventType": "monitor", "eventTime": at,
            "id": format!("{insight}-{state}-{minute}"), "outcome": "success",
            "action": format!("whodid.insight.{}", state.to_lowercase()), "requestData": data,
            "initiator": {"id": "bob", "name": "bob", "typeURI": "unknown"},
            "target": {"id": insight, "name": "a", "typeURI": "whodid/insight"},
            "observer": {"id": "whodid", "name": "whodid", "typeURI": "service/security"},
        })
        .to_string()
    }

    /// Which insights of these records are found, as `id` or `id over`, and whether some are missing.
    async fn found(records: Vec<String>, which: Which, until_minute: Option<u32>, max: usize) -> (Vec<String>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(|| Timestamp::from_millis(1_767_657_600_000));
        let engine = Engine::open(Options::for_folder(folder.path(), clock)).await.unwrap();
        let account = AccountName::default_account();
        engine.record(&account, &StreamName::insights(), records).await.unwrap();
        let who = Who::User { id: "u1".into(), name: "root".into(), is_name_given: true, also_known_as: Vec::new() };
        let grant = Grant::whole(BuiltInRole::Administrator.permissions());
        let principal = Principal::with_grant(who, account.clone(), grant);
        let scope = decide(&principal, Act::Read(&StreamName::insights()), &account).unwrap();
        let until = until_minute.map(|minute| time_of(&format!("2026-01-05T00:{minute:02}:00Z")));
        let (records, is_cut) = read(&engine, &scope, which, Some("30d".to_owned()), until, max).await.unwrap();
        let shown = |one: &Loaded| {
            let over = if one.shown.state == InsightState::Ended { " over" } else { "" };
            format!("{}{over}", one.shown.id)
        };
        let insights = fold(records, &HashMap::new()).iter().map(shown).collect();
        engine.close().await;
        (insights, is_cut)
    }

    #[tokio::test]
    async fn of_more_records_than_are_read_the_newest_count_and_it_is_said() {
        let records: Vec<String> = (0..5)
            .flat_map(|at| [record(&format!("i{at}"), "Start", at), record(&format!("i{at}"), "Update", at)])
            .collect();
        let some = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<String>>();
        assert_eq!(found(records.clone(), Which::All, None, 4).await, (some(&["i3", "i4"]), true));
        assert_eq!(found(records.clone(), Which::Starts, None, 4).await, (some(&["i1", "i2", "i3", "i4"]), true));
        assert_eq!(found(records, Which::All, None, 100).await, (some(&["i0", "i1", "i2", "i3", "i4"]), false));
    }

    #[tokio::test]
    async fn what_is_newer_than_the_time_asked_for_leaves_room_and_still_tells_what_is_over() {
        let mut records = vec![record("old", "Start", 1), record("on", "Start", 2)];
        records.extend((0..9).map(|at| record(&format!("new{at}"), "Start", 20)));
        records.push(record("old", "End", 30));
        for which in [Which::All, Which::StartsAndEnds] {
            let expected = (vec!["old over".to_owned(), "on".to_owned()], false);
            assert_eq!(found(records.clone(), which, Some(10), 5).await, expected, "{which:?}");
        }
    }

    #[test]
    fn each_key_finds_what_the_record_says_of_it() {
        let parts = |attribute: &str, values: &[&str]| {
            let values: Vec<Value> = values.iter().map(|value| json!({"value": value})).collect();
            json!({"attribute": attribute, "insight": values, "baseline": [{"value": "before"}]})
        };
        let one = |data: Value, attributions: Value| -> Insight {
            let mut event: Value = serde_json::from_str(&record("i", "Start", 0)).unwrap();
            for (name, value) in data.as_object().unwrap() {
                event["requestData"][name] = value.clone();
            }
            event["requestData"]["attributions"] = attributions;
            insight_of("i", vec![event], None).unwrap().shown
        };
        let address = one(
            json!({"insightType": "IpInsight", "sourceIpAddress": "203.0.113.9"}),
            json!([parts("apiRelated", &["kms.secrets.delete", "StopLogging"]), parts("errorCode", &["Forbidden"])]),
        );
        let key =
            one(json!({"insightType": "AkInsight", "accessKeyId": "AK1"}), json!([parts("principalId", &["bob"])]));
        let call = one(json!({"eventName": "DeleteKey", "eventSource": "kms"}), json!([]));
        for (query, insight, is_found) in [
            ("event_name=StopLogging", &address, true),
            ("event_name=before", &address, false),
            ("event_source=kms", &address, true),
            ("event_source=StopLogging", &address, false),
            ("error_code=Forbidden", &address, true),
            ("access_key_id=AK1", &address, false),
            ("access_key_id=AK1", &key, true),
            ("principal_id=bob", &key, true),
            ("event_source=kms", &call, true),
            ("event_source=km", &call, false),
            ("event_name=DeleteKey", &call, true),
        ] {
            let (name, value) = query.split_once('=').unwrap();
            let params: InsightParams = serde_json::from_value(json!({name: value})).unwrap();
            assert_eq!(fits(insight, &params), is_found, "{query} of {}", insight.insight_type as u8);
        }
    }
}
