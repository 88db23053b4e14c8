//! Alerts as people handle them, and silences.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use whodid_alerts::alert::{Act, Entry, Refusal};
use whodid_alerts::silence::Matcher;
use whodid_alerts::{Alert, GroupValue, Severity, Silence};
use whodid_api::{
    AlertAct, AlertCounts, AlertDelivery, AlertDetail, AlertEntry, AlertNote, AlertPage, AlertParams, AlertStatus,
    Code, GroupPair, Level, LookupParams, SilenceCreate, SilenceList,
};
use whodid_audit::{Deed, Told};
use whodid_meta::{AlertFilter, AlertRow, DocumentChange, DocumentKind, Expected};
use whodid_model::access::Permission;
use whodid_model::{AccountName, Timestamp};

use super::App;
use super::alerting::{EVIDENCE_TIME, alert_of, stored, told_of_alert};
use super::asked::Asked;
use super::auth::Caller;
use super::channels::moment;
use super::failure::Failure;
use super::keys::expiry;
use super::members::Members;
use super::params::{Id, Params};
use super::search::limit;

/// Deliveries that are shown of an alert.
const DELIVERIES_SHOWN: i64 = 200;

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<AlertParams>,
) -> Result<Json<AlertPage>, Failure> {
    caller.attempt.is_about("alerts", "");
    caller.attempt.asks_text("status", params.status.as_deref());
    caller.attempt.asks_text("rule", params.rule.as_deref());
    caller.attempt.asks_text("from", params.from.as_deref());
    caller.attempt.asks_text("to", params.to.as_deref());
    let account = caller.needs(Permission::AlertsRead, params.account.as_deref())?;
    let limit = limit(params.limit, 100, 1000, "limit")?;
    let members = Members::of(&app, &account).await?;
    let now = crate::clock::now();
    let (opened_from, opened_to) = whodid_engine::time_range(params.from.as_deref(), params.to.as_deref(), now)?;
    let filter = AlertFilter {
        statuses: statuses(params.status.as_deref())?,
        rule_id: params.rule.clone(),
        assignee: params.assignee.as_deref().map(|text| assignee_asked(&members, &caller, text)).transpose()?,
        severity: params.severity.map(|level| rank(severity(level))),
        opened_from,
        opened_to,
    };
    let after = params.cursor.as_deref().map(cursor).transpose()?;
    let after = after.as_ref().map(|(at, id)| (*at, id.as_str()));
    let asked = i64::try_from(limit).unwrap_or(1000) + 1;
    let mut rows = app.meta.alerts(&account, &filter, after, asked).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| format!("{}.{}", row.last_at.micros(), row.id));
    let counts = app.meta.alert_counts(&account).await?;
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    let counts = AlertCounts {
        open: number(counts.open),
        acknowledged: number(counts.acknowledged),
        resolved: number(counts.resolved),
    };
    let alerts: Vec<_> = rows.iter().filter_map(|row| Some(shown(row, &alert_of(row)?, &members))).collect();
    caller.attempt.answers("rows", alerts.len());
    Ok(Json(AlertPage { alerts, counts, next_cursor }))
}

pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Json<AlertDetail>, Failure> {
    let account = caller.needs(Permission::AlertsRead, params.account.as_deref())?;
    let row = row(&app, &account, &id).await?;
    caller.attempt.is_about(&id, row.body["alert"]["rule_title"].as_str().unwrap_or_default());
    let members = Members::of(&app, &account).await?;
    detail(&app, &account, &row, &members).await.map(Json)
}

pub async fn act(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<AlertAct>,
) -> Result<Json<AlertDetail>, Failure> {
    let account = caller.manages(Permission::AlertsManage, params.account.as_deref())?;
    let asked = asked.read()?;
    let deed = match &asked {
        AlertAct::Acknowledge { .. } => Deed::AlertAcknowledge,
        AlertAct::Assign { .. } => Deed::AlertAssign,
        AlertAct::Note { .. } => Deed::AlertNote,
        AlertAct::Resolve { .. } => Deed::AlertResolve,
        AlertAct::Reopen {} => Deed::AlertReopen,
        AlertAct::Silence { .. } => Deed::AlertSilence,
        AlertAct::Unsilence {} => Deed::AlertUpdate,
    };
    caller.attempt.is_a(deed);
    let found = row(&app, &account, &id).await?;
    let damaged = || Failure::new(Code::Internal, "a stored alert cannot be read");
    let mut alert = alert_of(&found).ok_or_else(damaged)?;
    caller.attempt.is_about(&id, &alert.rule_title);
    let (by, now) = (caller.label(), crate::clock::now());
    if let AlertAct::Acknowledge { revision: Some(seen) } | AlertAct::Resolve { revision: Some(seen), .. } = &asked
        && *seen != alert.revision
    {
        let detail = "the alert has changed since it was looked at; load it again, and decide then";
        return Err(Failure::new(Code::Conflict, detail));
    }
    refuse_of_guard(&alert, &asked)?;
    let members = Members::of(&app, &account).await?;
    let to = match &asked {
        AlertAct::Assign { to: Some(text) } => Some(member_asked(&members, &caller, text)?),
        _ => None,
    };
    let before = standing(&alert);
    let told = match &asked {
        AlertAct::Acknowledge { .. } => alert.acknowledge(&by, now),
        AlertAct::Assign { .. } => alert.assign(&by, to.as_deref(), now),
        AlertAct::Note { text } => alert.note(&by, text, now),
        AlertAct::Resolve { reason, .. } => alert.resolve(&by, now, reason),
        AlertAct::Reopen {} => alert.reopen(&by, now),
        AlertAct::Silence { until, reason } => alert.silence(&by, time("until", until, now)?, reason, now),
        AlertAct::Unsilence {} => alert.unsilence(&by, now),
    };
    let told = told.map_err(refused)?;
    let mut body = found.body.clone();
    body["alert"] = json!(alert);
    let changed = stored(&alert, &found.group_key, body);
    let deliveries = match told {
        Some(moment) => {
            let lake_until = std::time::Instant::now() + EVIDENCE_TIME;
            told_of_alert(&app, &account, &changed, &alert, moment, lake_until, now).await?
        }
        None => Vec::new(),
    };
    let told =
        Told::success(deed, id.as_str(), alert.rule_title.as_str()).changed(Some(before), Some(standing(&alert)));
    let told = match &asked {
        AlertAct::Note { text } => told.asked("note", text.as_str()),
        AlertAct::Silence { reason, .. } | AlertAct::Resolve { reason, .. } => told.asked("reason", reason.as_str()),
        _ => told,
    };
    app.meta.change_alert(&caller.attempt.actor(), &account, &changed, &deliveries, &told, now).await?;
    if !deliveries.is_empty() {
        app.deliveries_wait.notify_one();
    }
    detail(&app, &account, &changed, &members).await.map(Json)
}

pub async fn silences(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<SilenceList>, Failure> {
    let account = caller.needs(Permission::AlertsRead, params.account.as_deref())?;
    let now = crate::clock::now();
    let members = Members::of(&app, &account).await?;
    let documents = app.meta.documents(&account, DocumentKind::Silence).await?;
    let silences = documents.into_iter().filter_map(|document| serde_json::from_value::<Silence>(document.body).ok());
    Ok(Json(SilenceList { silences: silences.map(|silence| shown_silence(&silence, &members, now)).collect() }))
}

pub async fn create_silence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<SilenceCreate>,
) -> Result<(StatusCode, Json<whodid_api::Silence>), Failure> {
    let account = caller.manages(Permission::AlertsManage, params.account.as_deref())?;
    let asked = asked.read()?;
    let now = crate::clock::now();
    let silence = Silence {
        id: uuid::Uuid::now_v7().to_string(),
        matcher: Matcher {
            rule_ids: asked.rule_ids,
            severities: asked.severities.into_iter().map(severity).collect(),
            group: asked.group.into_iter().map(|pair| GroupValue { key: pair.key, value: pair.value }).collect(),
        },
        from: asked.from.as_deref().map_or(Ok(now), |text| time("from", text, now))?,
        until: time("until", &asked.until, now)?,
        by: caller.label(),
        reason: asked.reason,
    };
    let faults = silence.faults();
    if !faults.is_empty() {
        let faults: Vec<String> = faults.iter().map(|fault| format!("`{}` {}", fault.member, fault.text)).collect();
        return Err(Failure::new(Code::BadJson, faults.join("; ")));
    }
    let id = silence.id.clone();
    let told =
        Told::success(Deed::SilenceCreate, id.as_str(), silence.reason.as_str()).changed(None, Some(json!(silence)));
    let change = DocumentChange {
        kind: DocumentKind::Silence,
        id,
        body: Some(json!(silence)),
        secret: None,
        expected: Expected::Absent,
    };
    app.meta.change_documents(&caller.attempt.actor(), &account, &[change], &[told], now).await?;
    let members = Members::of(&app, &account).await?;
    Ok((StatusCode::CREATED, Json(shown_silence(&silence, &members, now))))
}

pub async fn delete_silence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::AlertsManage, params.account.as_deref())?;
    let found = app.meta.document(&account, DocumentKind::Silence, &id).await?;
    let found = found.ok_or_else(|| Failure::new(Code::NotFound, "there is no such silence in this account"))?;
    let reason = found.body["reason"].as_str().unwrap_or_default().to_owned();
    let told = Told::success(Deed::SilenceDelete, id.as_str(), reason.as_str()).changed(Some(found.body), None);
    let change =
        DocumentChange { kind: DocumentKind::Silence, id, body: None, secret: None, expected: Expected::Present };
    app.meta.change_documents(&caller.attempt.actor(), &account, &[change], &[told], crate::clock::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn row(app: &App, account: &AccountName, id: &str) -> Result<AlertRow, Failure> {
    let found = app.meta.alert(account, id).await?;
    found.ok_or_else(|| Failure::new(Code::NotFound, "there is no such alert in this account"))
}

/// Refuses acts that would hide that somebody makes whodid blind: whoever does may hold the right to act on alerts too.
fn refuse_of_guard(alert: &Alert, asked: &AlertAct) -> Result<(), Failure> {
    if !whodid_rules::is_guard(&alert.rule_id) {
        return Ok(());
    }
    match asked {
        AlertAct::Silence { .. } => {
            let detail = "the alert tells that whodid was made blind, and is told whatever is silenced; acknowledge it, \
                or resolve it with a reason";
            Err(Failure::new(Code::Conflict, detail))
        }
        AlertAct::Resolve { reason, .. } if reason.trim().is_empty() => {
            let detail = "`reason` is empty; the alert tells that whodid was made blind, so say why it is over, for who \
                comes after you";
            Err(Failure::new(Code::BadJson, detail))
        }
        _ => Ok(()),
    }
}

/// What acts change of an alert, for the audit log: as it is, whatever was asked, so that times are times.
fn standing(alert: &Alert) -> Value {
    json!({
        "status": alert.status,
        "assignee": alert.assignee,
        "silencedUntil": alert.silenced_until.map(|at| at.to_string()),
        "resolution": alert.resolution.as_ref().map(|resolution| resolution.reason.as_str()),
        "notes": alert.notes.len(),
    })
}

/// The label of the member whom somebody is to give an alert to.
fn member_asked(members: &Members, caller: &Caller, text: &str) -> Result<String, Failure> {
    if text == "me" {
        caller.user()?;
        return Ok(caller.label());
    }
    members.label_of(text).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        let detail = format!(
            "`to`: no member of this account has the name or id {shown:?}; write `me`, or a name or id as `GET \
             /api/v1/users` lists them"
        );
        Failure::new(Code::BadJson, detail)
    })
}

/// The label of the member whose alerts are asked for.
fn assignee_asked(members: &Members, caller: &Caller, text: &str) -> Result<String, Failure> {
    if text == "me" {
        return Ok(caller.label());
    }
    // Of somebody who has left the label still finds what they had.
    let label = members.label_of(text).or_else(|| text.starts_with("user:").then(|| text.to_owned()));
    label.ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        let detail = format!(
            "`assignee`: no member of this account has the name or id {shown:?}; write `me`, a name, or `user:` and \
             the id of somebody who has left"
        );
        Failure::new(Code::BadParameter, detail)
    })
}

fn refused(refusal: Refusal) -> Failure {
    let is_wrong =
        matches!(refusal, Refusal::Empty { .. } | Refusal::TooLong { .. } | Refusal::Past | Refusal::TooLate);
    Failure::new(if is_wrong { Code::BadJson } else { Code::Conflict }, refusal.to_string())
}

/// A time to come, or a time from now.
fn time(member: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    expiry(text, now).map_err(|failure| {
        Failure::new(Code::BadJson, failure.detail().replacen("`expires`", &format!("`{member}`"), 1))
    })
}

fn statuses(text: Option<&str>) -> Result<Vec<String>, Failure> {
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| match word {
            "open" | "acknowledged" | "resolved" => Ok(word.to_owned()),
            _ => {
                let detail = "`status` is open, acknowledged or resolved, or several of them with commas between";
                Err(Failure::new(Code::BadParameter, detail))
            }
        })
        .collect()
}

fn cursor(text: &str) -> Result<(Timestamp, String), Failure> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id)));
    let (at, id) = parts.ok_or_else(|| Failure::new(Code::BadCursor, "the cursor was not made by this route"))?;
    Ok((Timestamp::from_micros(at), id.to_owned()))
}

/// The severity of a level: the same words.
pub fn severity(level: Level) -> Severity {
    match level {
        Level::Informational => Severity::Informational,
        Level::Low => Severity::Low,
        Level::Medium => Severity::Medium,
        Level::High => Severity::High,
        Level::Critical => Severity::Critical,
    }
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::Informational => Level::Informational,
        Severity::Low => Level::Low,
        Severity::Medium => Level::Medium,
        Severity::High => Level::High,
        Severity::Critical => Level::Critical,
    }
}

fn rank(severity: Severity) -> i64 {
    Severity::ALL.iter().position(|other| *other == severity).unwrap_or_default() as i64
}

fn pairs(group: &[GroupValue]) -> Vec<GroupPair> {
    group.iter().map(|pair| GroupPair { key: pair.key.clone(), value: pair.value.clone() }).collect()
}

fn shown(row: &AlertRow, alert: &Alert, members: &Members) -> whodid_api::Alert {
    let text = |name: &str| row.body[name].as_str().unwrap_or_default().to_owned();
    whodid_api::Alert {
        id: alert.id.clone(),
        rule_id: alert.rule_id.clone(),
        rule_title: alert.rule_title.clone(),
        sentence: text("sentence"),
        finding_type: text("findingType"),
        insight: row.body["insight"].as_str().map(str::to_owned),
        severity: level(alert.severity),
        status: match alert.status {
            whodid_alerts::alert::Status::Open => AlertStatus::Open,
            whodid_alerts::alert::Status::Acknowledged => AlertStatus::Acknowledged,
            whodid_alerts::alert::Status::Resolved => AlertStatus::Resolved,
        },
        group: pairs(&alert.group),
        findings: alert.count,
        matches: row.body["matches"].as_u64().unwrap_or(alert.count),
        assignee: alert.assignee.clone(),
        assignee_name: alert.assignee.as_deref().map(|label| members.name_of(label)),
        is_guard: whodid_rules::is_guard(&alert.rule_id),
        opened_at: alert.opened_at.to_string(),
        last_at: alert.last_at.to_string(),
        silenced_until: alert.silenced_until.map(|at| at.to_string()),
        escalated_at: alert.escalated_at.map(|at| at.to_string()),
        revision: alert.revision,
    }
}

async fn detail(app: &App, account: &AccountName, row: &AlertRow, members: &Members) -> Result<AlertDetail, Failure> {
    let alert = alert_of(row).ok_or_else(|| Failure::new(Code::Internal, "a stored alert cannot be read"))?;
    let deliveries = app.meta.deliveries(account, None, Some(&row.id), DELIVERIES_SHOWN).await?;
    let channels = app.meta.documents(account, DocumentKind::Channel).await?;
    let name = |id: &str| {
        let channel = channels.iter().find(|channel| channel.id == id);
        channel.and_then(|channel| channel.body["name"].as_str()).unwrap_or(id).to_owned()
    };
    let evidence = row.body["evidence"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(AlertDetail {
        alert: shown(row, &alert, members),
        rule_version: row.body["ruleVersion"].as_str().map(str::to_owned),
        finding_records: alert.findings.clone(),
        evidence: evidence.iter().rev().filter_map(|record| record.as_str().map(str::to_owned)).collect(),
        notes: alert
            .notes
            .iter()
            .map(|note| AlertNote { by: members.name_of(&note.by), at: note.at.to_string(), text: note.text.clone() })
            .collect(),
        history: alert.history.iter().map(|entry| shown_entry(entry, members)).collect(),
        deliveries: deliveries
            .iter()
            .map(|delivery| AlertDelivery {
                channel: name(&delivery.channel),
                moment: moment(delivery),
                state: delivery.state.as_str().to_owned(),
                created_at: delivery.created_at.to_string(),
            })
            .collect(),
    })
}

fn shown_entry(entry: &Entry, members: &Members) -> AlertEntry {
    let (word, detail) = match &entry.what {
        Act::Opened => ("opened", String::new()),
        Act::Reopened => ("reopened", String::new()),
        Act::Escalated { severity } => ("escalated", severity.as_str().to_owned()),
        Act::Acknowledged => ("acknowledged", String::new()),
        Act::Assigned { to } => ("assigned", to.as_deref().map(|label| members.name_of(label)).unwrap_or_default()),
        Act::Noted => ("noted", String::new()),
        Act::Silenced { until, reason } => ("silenced", format!("until {until}: {reason}")),
        Act::Unsilenced => ("unsilenced", String::new()),
        Act::Resolved { reason } => ("resolved", reason.clone()),
    };
    let by = entry.by.as_deref().map(|label| members.name_of(label));
    AlertEntry { at: entry.at.to_string(), by, act: word.to_owned(), detail }
}

fn shown_silence(silence: &Silence, members: &Members, now: Timestamp) -> whodid_api::Silence {
    whodid_api::Silence {
        id: silence.id.clone(),
        rule_ids: silence.matcher.rule_ids.clone(),
        severities: silence.matcher.severities.iter().copied().map(level).collect(),
        group: pairs(&silence.matcher.group),
        from: silence.from.to_string(),
        until: silence.until.to_string(),
        reason: silence.reason.clone(),
        by: members.name_of(&silence.by),
        is_ended: silence.is_over(now),
    }
}
