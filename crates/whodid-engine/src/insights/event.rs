//! An insight as events of the stream `insights`: its start, its updates, its end.
//!
//! `requestData` holds a superset of what ActionTrail and CloudTrail tell of theirs; both forms are made from it
//! ([`whodid_insights::vendors`]). Examples of each version: `corpus/insights`.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Value, json};
use whodid_insights::{Change, Kind, Method, Object, Settings, Stage, sentence};
use whodid_model::{AccountName, StreamName, Timestamp};

use super::Told;
use super::evidence::Shown;

/// The actions of what is told of insights.
pub const INSIGHT_ACTIONS: [&str; 3] = ["whodid.insight.start", "whodid.insight.update", "whodid.insight.end"];
/// Version of the form.
pub(super) const VERSION: u32 = 1;
/// Bytes of a text that an insight repeats of events: a sender must not be able to make one too large to be recorded.
const TEXT_BYTES_MAX: usize = 256;
/// What was noticed so long after it happened is a thing of the past: nobody is woken for it.
const PAST_MICROS: i64 = 3_600_000_000;

/// The event. `settings`: as they were then. `begun`: when learning began, in microseconds.
pub(super) fn of(account: &AccountName, told: &Told, shown: &Shown, settings: &Settings, begun: i64) -> String {
    let change = &Change { expected_by: expected_by(&told.change, shown, settings), ..told.change.clone() };
    let action = match change.stage {
        Stage::Start => INSIGHT_ACTIONS[0],
        Stage::Update => INSIGHT_ACTIONS[1],
        Stage::End => INSIGHT_ACTIONS[2],
    };
    let name = format!("{}\u{1e}{}\u{1e}{}", change.insight, change.stage.name(), change.until);
    let at = if change.stage == Stage::Start { change.start } else { change.until };
    let object = &change.object;
    let mut event = json!({
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
        "eventType": "monitor",
        "id": uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string(),
        "eventTime": time(at),
        "action": action,
        "outcome": "success",
        "severity": severity(change),
        "message": sentence(change, who(change, shown).map(cut).as_deref()),
        "initiator": initiator(change, shown),
        "target": {"id": change.insight, "name": change.object_text(), "typeURI": "whodid/insight"},
        "observer": {"id": "whodid", "name": "whodid", "typeURI": "service/security"},
        "requestData": data(change, shown, told.recorded.max(begun)),
        "logSourceCRN": format!("whodid:{account}"),
    });
    if !object.region.is_empty() {
        event["region"] = json!(object.region);
    }
    event.to_string()
}

/// The exception that an insight falls under: by its object, or by who did most of it where the object names nobody.
fn expected_by(change: &Change, shown: &Shown, settings: &Settings) -> Option<String> {
    if change.expected_by.is_some() || change.object.principal.is_some() {
        return change.expected_by.clone();
    }
    let object = Object { principal: Some(who(change, shown)?.to_owned()), ..change.object.clone() };
    settings.expected_by(change.kind, &object, change.start).map(|expected| expected.id.clone())
}

/// The same event without what may make it too large; `None` where it has nothing of it.
pub(super) fn without_attributions(event: &str) -> Option<String> {
    let mut event: Value = serde_json::from_str(event).ok()?;
    let data = event.get_mut("requestData")?;
    let had = data.get_mut("attributions")?.take();
    data["attributions"] = json!([]);
    data["evidence"]["attributionsMissing"] = json!("with them it was too large to be recorded");
    had.as_array().is_some_and(|had| !had.is_empty()).then(|| event.to_string())
}

/// `told_at`: before this moment it cannot have been told.
fn data(change: &Change, shown: &Shown, told_at: i64) -> Value {
    let object = &change.object;
    let minutes = change.minutes().max(1.0);
    let rate = |count: f64, minutes: f64| round(count / minutes);
    let counted = |value: Value| if shown.is_counted { value } else { Value::Null };
    let attributions: Vec<Value> = shown.attributes.iter().map(|attribute| attribution(attribute, shown)).collect();
    let stream = shown.stream.as_ref().map_or("activity", StreamName::as_str);
    let mut data = json!({
        "version": VERSION,
        "insightId": change.insight,
        "state": change.stage.name(),
        "insightType": change.kind.name(),
        "insightObject": change.object_text(),
        "source": object.source,
        "region": object.region,
        "start": time(change.start),
        "noticed": time(change.noticed),
        "isPast": change.noticed < told_at.saturating_sub(PAST_MICROS),
        "isExpected": change.expected_by.is_some(),
        "statistics": {
            "insight": {"average": rate(change.count, minutes)},
            "expected": {"average": rate(change.expected, minutes)},
            "baseline": {"average": counted(json!(rate(shown.baseline_count as f64, shown.baseline_minutes)))},
            "insightDuration": minutes.ceil() as i64,
            "baselineDuration": shown.baseline_minutes.round() as i64,
            "insightCount": change.count as u64,
            "expectedCount": round(change.expected),
            "baselineCount": counted(json!(shown.baseline_count)),
            "peak": change.peak,
            "peakExpected": round(change.peak_expected),
            "timesUsual": change.times_usual().map(round),
        },
        "test": test(change),
        "attributions": attributions,
        "evidence": {
            "stream": stream,
            "query": shown.query,
            "from": time(change.start),
            "to": time(shown.until),
            "count": counted(json!(shown.count)),
            "records": shown.records.iter().map(|offset| format!("{stream}:{offset}")).collect::<Vec<String>>(),
        },
    });
    let mut set = |name: &str, value: Option<Value>| {
        if let (Some(value), Some(data)) = (value, data.as_object_mut()) {
            data.insert(name.to_owned(), value);
        }
    };
    let text = |text: &str| (!text.is_empty()).then(|| json!(text));
    set("actions", (!change.actions.is_empty()).then(|| json!(change.actions)));
    set("eventSource", text(&object.service));
    set("eventName", text(&object.action));
    set("errorCode", object.code.as_deref().and_then(text));
    set("sourceIpAddress", object.address.as_deref().and_then(text));
    set("principalId", object.principal.as_deref().and_then(text));
    set("accessKeyId", object.credential.as_deref().and_then(text));
    set("end", (change.stage == Stage::End).then(|| json!(time(change.until))));
    set("endReason", change.end_reason.map(|reason| json!(reason)));
    set("expectedBy", change.expected_by.as_ref().map(|id| json!(id)));
    if let Some(why) = &shown.missing {
        data["evidence"]["attributionsMissing"] = json!(why);
    }
    data
}

fn test(change: &Change) -> Value {
    let test = &change.test;
    let mut shown = json!({
        "method": test.method,
        "windowMinutes": test.window_minutes,
        "count": test.count,
        "expected": round(test.expected),
        "upper": round(test.upper),
        "score": round(test.score),
        "threshold": round(test.threshold),
    });
    if let Some(of) = test.of {
        shown["of"] = json!(of);
    }
    if matches!(test.method, Method::NegativeBinomial | Method::BetaBinomial) {
        shown["pValue"] = json!(format!("1e-{:.1}", test.score));
    }
    if !test.terms.is_empty() {
        let terms: Vec<Value> =
            test.terms.iter().map(|(name, value)| json!({"name": name, "value": round(*value)})).collect();
        shown["terms"] = json!(terms);
    }
    shown
}

fn attribution(attribute: &super::evidence::Attribute, shown: &Shown) -> Value {
    let usual: HashMap<&str, u64> = attribute.baseline.iter().map(|(value, count)| (value.as_str(), *count)).collect();
    let entry = |value: &str, count: u64, minutes: f64, of: u64| {
        json!({
            "value": cut(value),
            "average": round(count as f64 / minutes),
            "count": count,
            "share": if of == 0 { 0.0 } else { round(count as f64 / of as f64) },
        })
    };
    let insight: Vec<Value> = attribute
        .insight
        .iter()
        .map(|(value, count)| {
            let mut shown_value = entry(value, *count, shown.minutes, shown.count);
            let before = usual.get(value.as_str()).copied().unwrap_or(0);
            let share = |part: u64, of: u64| if of == 0 { 0.0 } else { part as f64 / of as f64 };
            let change = share(*count, shown.count) - share(before, shown.baseline_count);
            shown_value["shareChange"] = json!(round(change));
            shown_value
        })
        .collect();
    let baseline: Vec<Value> = attribute
        .baseline
        .iter()
        .take(5)
        .map(|(value, count)| entry(value, *count, shown.baseline_minutes, shown.baseline_count))
        .collect();
    json!({"attribute": attribute.name, "insight": insight, "baseline": baseline})
}

/// Who did most of it, if that is more than half; otherwise nobody in particular.
fn initiator(change: &Change, shown: &Shown) -> Value {
    let mut initiator = match who(change, shown) {
        Some(name) => json!({"id": cut(name), "name": cut(name), "typeURI": "unknown"}),
        None => json!({"id": "whodid", "name": "several", "typeURI": "unknown"}),
    };
    if let Some(address) = &change.object.address {
        initiator["host"] = json!({"address": address});
    }
    initiator
}

fn who<'a>(change: &'a Change, shown: &'a Shown) -> Option<&'a str> {
    let most = shown.attributes.iter().find(|attribute| attribute.name == "principalId").and_then(|attribute| {
        attribute.insight.first().filter(|(_, count)| *count * 2 > shown.count).map(|(value, _)| value.as_str())
    });
    change.object.principal.as_deref().or(most)
}

/// As alerts count it: what is concealed or comes from a taken account is worse than much of the same.
fn severity(change: &Change) -> &'static str {
    if change.expected_by.is_some() || change.stage == Stage::End {
        return "normal";
    }
    match change.kind {
        // It was only tried.
        Kind::TrailConcealmentInsight if change.object.code.is_some() => "warning",
        Kind::IpInsight | Kind::AkInsight | Kind::TrailConcealmentInsight => "critical",
        _ => "warning",
    }
}

/// Four digits tell people as much as all, and stay the same.
fn round(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    let scale = 10_f64.powi(3 - number.abs().log10().floor() as i32);
    (number * scale).round() / scale
}

fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= TEXT_BYTES_MAX {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(TEXT_BYTES_MAX - '…'.len_utf8())]).into()
}

pub(super) fn time(micros: i64) -> String {
    Timestamp::from_micros(micros).to_string()
}
