//! Findings become alerts, and what channels are to be told.
//!
//! One reader for each account goes through the stream `findings` in its order; what a finding makes of alerts, what is
//! queued for channels, and how far the reader came are stored in one transaction. So each finding counts once, whatever
//! ends the process, and a dead channel holds up nothing here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use whodid_alerts::alert::{Added, Finding, Opening, Status};
use whodid_alerts::{Alert, Channel, Evidence, GroupValue, Moment, Notice, Severity, Silence};
use whodid_engine::{Engine, Evident};
use whodid_meta::{AlertRow, ChangeError, DeliveryRow, DeliveryState, DocumentKind, MetaError, Settings};
use whodid_model::{AccountName, Offset, RecordId, Timestamp, chain};

use super::App;

/// Findings that are taken together.
const TOGETHER: usize = 200;
/// How often it is looked whether somebody must be told again, and whether findings were missed.
const TICK: Duration = Duration::from_secs(1);
/// Pause after the metadata did not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// Findings of this severity and above become alerts; milder ones stay findings.
const ALERT_FROM: Severity = Severity::Medium;
/// Bytes of events that a channel's template is given together, the newest first: what it makes of them must find room
/// in a body of 256 KiB.
const EVENTS_BYTES_MAX: usize = 48 << 10;
/// Records that an alert names as evidence; its search finds the others.
const EVIDENCE_KEPT: usize = 100;
/// How long reading it back from the lake may hold up the findings that are taken together: an alert that is told late is
/// worse than one that names some of its events by their places.
pub const EVIDENCE_TIME: Duration = Duration::from_millis(500);
const MICROS_AN_HOUR: i64 = 3_600_000_000;
/// Alerts escalated in one pass.
const ESCALATIONS: i64 = 100;

/// What a finding says, as far as alerts need it.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    record: String,
    at: Timestamp,
    rule_id: String,
    rule_title: String,
    finding_type: String,
    provider: String,
    severity: Severity,
    key: String,
    group: Vec<GroupValue>,
    sentence: String,
    evidence: Vec<String>,
    payload: Value,
    /// The same in the form of the Findings API.
    occurrence: Value,
    /// Of further matches: how many there are by now.
    update: Option<u64>,
    /// Of an alert on a search: the channels that are told, whatever else they want, each time.
    channels: Option<Vec<String>>,
    /// The search that shows what it is about.
    query: String,
}

/// Goes on until the server stops.
pub async fn run(app: Arc<App>, engine: Engine) {
    let mut news = engine.news();
    let mut accounts: Vec<AccountName> = Vec::new();
    // How far each account's findings became alerts; nobody else moves it on.
    let mut cursors: HashMap<AccountName, Offset> = HashMap::new();
    let mut looked: Option<Instant> = None;
    loop {
        news.borrow_and_update();
        // News come with every group of events; what asks the metadata comes with the clock.
        if looked.is_none_or(|looked| looked.elapsed() >= TICK) {
            match app.meta.accounts().await {
                Ok(known) => accounts = known.into_iter().map(|account| account.name).collect(),
                Err(error) => {
                    tracing::error!(error = %chain(&error), "the accounts cannot be read, so findings may wait to become alerts");
                }
            }
            if let Err(error) = escalate(&app).await {
                tracing::error!(error = %chain(&error), "alerts that nobody acknowledged cannot be told again yet");
            }
            looked = Some(Instant::now());
        }
        let mut has_more = false;
        let mut has_failed = false;
        for account in &accounts {
            if cursors.get(account).is_some_and(|cursor| *cursor >= engine.next_finding(account)) {
                continue;
            }
            match take(&app, &engine, account, &mut cursors).await {
                Ok(more) => has_more |= more,
                Err(error) => {
                    // Anew from what is stored; the others go on.
                    cursors.remove(account);
                    has_failed = true;
                    tracing::error!(account = %account, %error, "findings of this account wait to become alerts");
                }
            }
        }
        if has_more && !has_failed {
            continue;
        }
        let pause = if has_failed { RETRY_PAUSE } else { TICK };
        tokio::select! {
            () = app.stopped() => return,
            changed = news.changed(), if !has_failed => if changed.is_err() { return },
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Takes some findings of an account. Whether there may be more.
async fn take(
    app: &App,
    engine: &Engine,
    account: &AccountName,
    cursors: &mut HashMap<AccountName, Offset>,
) -> Result<bool, String> {
    let told = |error: MetaError| chain(&error);
    let from = match cursors.get(account) {
        Some(from) => *from,
        None => app.meta.alert_cursor(account).await.map_err(told)?.unwrap_or(Offset(0)),
    };
    cursors.insert(account.clone(), from);
    let findings = engine.findings_from(account, from, TOGETHER).await.map_err(|error| chain(&error))?;
    if findings.is_empty() {
        return Ok(false);
    }
    let channels = channels(app, account).await.map_err(told)?;
    let silences = silences(app, account).await.map_err(told)?;
    let settings = app.meta.account(account).await.map_err(told)?.map(|known| known.settings).unwrap_or_default();
    let around = Around { channels, silences, settings, lake_until: Instant::now() + EVIDENCE_TIME };
    // One after the other, because several may belong to one alert.
    for (at, (offset, text)) in findings.iter().enumerate() {
        let next = offset.next();
        let event = serde_json::from_str::<Value>(text).unwrap_or_default();
        loop {
            let now = crate::clock::now();
            let (rows, deliveries) = work(app, account, &event, &around, now).await.map_err(told)?;
            // Most are too mild for an alert, and to come to them again changes nothing: only the last is noted.
            if rows.is_empty() && deliveries.is_empty() && at + 1 < findings.len() {
                break;
            }
            match app.meta.store_alerts(account, &rows, &deliveries, Some(next), now).await {
                Ok(()) => {
                    if !deliveries.is_empty() {
                        app.deliveries_wait.notify_one();
                    }
                    break;
                }
                // Somebody acknowledged or resolved it just now: again, with what is there.
                Err(ChangeError::Stale { .. }) => {}
                Err(error) => return Err(chain(&error)),
            }
        }
        cursors.insert(account.clone(), next);
    }
    Ok(cursors.get(account).is_some_and(|next| *next < engine.next_finding(account)))
}

/// What an account says of how findings become alerts.
struct Around {
    channels: Vec<(String, Channel)>,
    silences: Vec<Silence>,
    settings: Settings,
    /// Until when what shows an alert may be read back from the lake.
    lake_until: Instant,
}

type Worked = (Vec<AlertRow>, Vec<DeliveryRow>);

/// What one finding makes of alerts, and what is to be told.
async fn work(
    app: &App,
    account: &AccountName,
    event: &Value,
    around: &Around,
    now: Timestamp,
) -> Result<Worked, MetaError> {
    let is_silenced = event["requestData"]["silencedBy"].is_string();
    let Some(found) = read(account, event).filter(|found| !is_silenced && found.severity >= ALERT_FROM) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let latest = app.meta.latest_alert(account, &found.rule_id, &found.key).await?;
    let Some(grown) = grow(account, found, latest.as_ref(), &around.settings) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let Grown { row, alert, found, moment } = grown;
    let is_quiet = is_kept_quiet(&around.silences, &found.rule_id, found.severity, &found.group, now);
    let moment = moment.filter(|_| !is_quiet);
    let deliveries = match moment {
        Some(moment) => told(app, &alert, moment, &found, around.lake_until, &around.channels, now).await,
        None => Vec::new(),
    };
    Ok((vec![row], deliveries))
}

/// Whether a silence in force keeps from channels what they would be told of an alert. Never what tells that somebody
/// makes whodid blind.
fn is_kept_quiet(
    silences: &[Silence],
    rule_id: &str,
    severity: Severity,
    group: &[GroupValue],
    now: Timestamp,
) -> bool {
    !whodid_rules::is_guard(rule_id) && silences.iter().any(|silence| silence.matches(rule_id, severity, group, now))
}

/// An alert after a finding.
struct Grown {
    row: AlertRow,
    alert: Alert,
    found: Found,
    /// What is to be told.
    moment: Option<Moment>,
}

/// What a finding makes of the latest alert of its rule and key; `None` where it changes nothing.
fn grow(account: &AccountName, mut found: Found, latest: Option<&AlertRow>, settings: &Settings) -> Option<Grown> {
    // Whoever else reports the same rule and key: it is another alert. Updates name nobody, and only whodid makes them.
    let is_same = |row: &&AlertRow| {
        let by_same = found.update.is_some() || row.body["provider"] == found.provider;
        row.rule_id == found.rule_id && by_same
    };
    let latest = latest.filter(is_same);
    let reopens_within = i64::from(settings.alert_reopen_hours) * MICROS_AN_HOUR;
    let escalates_after = settings.alert_escalation_minutes * 60;
    // Each deed that makes whodid blind is told: the one before may have been a decoy.
    let is_guard = whodid_rules::is_guard(&found.rule_id);
    let mut known = latest.and_then(alert_of);
    if let Some(matches) = found.update {
        let (alert, row) = (known.as_mut()?, latest?);
        // An update says little of itself.
        let Found { record, at, evidence, update, .. } = found;
        found = Found { record, at, evidence, update, ..found_of(row, alert) };
        if alert.status != Status::Resolved {
            // Further matches count, and need nobody's attention again.
            alert.last_at = alert.last_at.max(found.at);
            alert.revision += 1;
            let mut body = row.body.clone();
            body["alert"] = json!(alert);
            body["matches"] = json!(matches.max(body["matches"].as_u64().unwrap_or_default()));
            body["evidence"] = json!(with_evidence(&body["evidence"], &found.evidence));
            let row = stored(alert, &found.key, body);
            return Some(Grown { row, alert: alert.clone(), found, moment: is_guard.then_some(Moment::Again) });
        }
        // Somebody said that it is over, and it goes on.
    }
    let finding = Finding { record: found.record.clone(), at: found.at, severity: found.severity };
    let moment = match known.as_mut().map(|alert| alert.add(finding.clone(), reopens_within)) {
        Some(Added::Here(told) | Added::Reopened(told)) => told,
        Some(Added::Known) => return None,
        None | Some(Added::OpensAnother) => {
            let opening = Opening {
                id: uuid::Uuid::now_v7().to_string(),
                account: account.clone(),
                rule_id: found.rule_id.clone(),
                rule_title: found.rule_title.clone(),
                group: found.group.clone(),
                escalate_after: (escalates_after > 0).then_some(escalates_after),
            };
            known = Some(Alert::open(opening, finding));
            Some(Moment::Opened)
        }
    };
    // Nothing is told only while the alert itself is silenced.
    let moment = moment.or(is_guard.then_some(Moment::Again));
    let alert = known?;
    let before = latest.filter(|row| row.id == alert.id).map(|row| &row.body);
    let channels = found.channels.as_ref().map(|channels| {
        let known = before.map(|body| texts(&body["channels"])).unwrap_or_default();
        known.into_iter().chain(channels.iter().cloned()).collect::<BTreeSet<String>>()
    });
    let mut body = json!({
        "alert": alert,
        "sentence": found.sentence,
        "findingType": found.finding_type,
        "provider": found.provider,
        "evidence": with_evidence(before.map_or(&Value::Null, |body| &body["evidence"]), &found.evidence),
        "matches": found.update.unwrap_or(1).max(alert.count),
    });
    // An update does not say by which text the rule found; what is not a rule's has none.
    let version = found.payload["ruleVersion"].as_str().or_else(|| before?["ruleVersion"].as_str());
    if let Some(version) = version {
        body["ruleVersion"] = json!(version);
    }
    if let Some(insight) = insight_of(&found).or_else(|| before?["insight"].as_str()) {
        body["insight"] = json!(insight);
    }
    // What is told of it later tells of the same occurrence; an update has none.
    let occurrence =
        if found.occurrence.is_null() { before.map(|body| &body["occurrence"]) } else { Some(&found.occurrence) };
    if let Some(occurrence) = occurrence.filter(|occurrence| occurrence.is_object()) {
        body["occurrence"] = occurrence.clone();
    }
    if let Some(channels) = channels {
        body["channels"] = json!(channels);
        body["query"] = json!(found.query);
        body["stream"] = found.payload["stream"].clone();
    }
    Some(Grown { row: stored(&alert, &found.key, body), alert, found, moment })
}

/// The insight that a finding tells of: what its newest evidence was recorded of.
fn insight_of(found: &Found) -> Option<&str> {
    let is_of_insights = found.evidence.last().is_some_and(|record| record.starts_with("insights:"));
    let resource = &found.payload["resource"];
    resource["id"].as_str().filter(|_| is_of_insights && resource["type"] == "whodid/insight")
}

/// Records that show it, the newest last, at most [`EVIDENCE_KEPT`].
fn with_evidence(before: &Value, more: &[String]) -> Vec<String> {
    let before = before.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str);
    let mut all: Vec<String> = before.map(str::to_owned).chain(more.iter().cloned()).collect();
    all.drain(..all.len().saturating_sub(EVIDENCE_KEPT));
    all
}

/// What the newest of the evidence tells; what is gone, or cannot be read just now, is named and tells nothing.
async fn evidence(
    app: &App,
    account: &AccountName,
    found: &Found,
    has_events: bool,
    lake_until: Instant,
) -> Vec<Evidence> {
    let newest: Vec<&String> = found.evidence.iter().rev().take(whodid_alerts::notice::EVIDENCE_MAX).collect();
    let ids: Vec<RecordId> = newest.iter().filter_map(|record| RecordId::parse(record)).collect();
    let seen = match app.engine() {
        Ok(engine) => engine.evidence(account, &ids, lake_until).await,
        Err(_) => Vec::new(),
    };
    let seen: HashMap<String, Evident> =
        ids.iter().map(ToString::to_string).zip(seen).filter_map(|(id, seen)| Some((id, seen?))).collect();
    // Of a search: what it told of its matches itself, the newest last.
    let lines = texts(&found.payload["lines"]);
    let line = |back: usize| lines.iter().rev().nth(back).cloned().unwrap_or_default();
    let mut bytes = if has_events { EVENTS_BYTES_MAX } else { 0 };
    let shown = |(back, record): (usize, &String)| {
        let seen = seen.get(record);
        let event = seen.filter(|seen| seen.raw.len() <= bytes).map(|seen| {
            bytes -= seen.raw.len();
            serde_json::from_slice(&seen.raw).unwrap_or_else(|_| json!(String::from_utf8_lossy(&seen.raw)))
        });
        Evidence {
            record: record.clone(),
            at: seen.map_or(found.at, |seen| seen.at),
            sentence: seen.map_or_else(|| line(back), |seen| seen.sentence.clone()),
            event: event.unwrap_or_default(),
        }
    };
    newest.into_iter().enumerate().map(shown).collect()
}

/// What channels are told of a moment in the life of an alert.
async fn told(
    app: &App,
    alert: &Alert,
    moment: Moment,
    found: &Found,
    lake_until: Instant,
    channels: &[(String, Channel)],
    now: Timestamp,
) -> Vec<DeliveryRow> {
    let wants = |id: &String, channel: &Channel| match &found.channels {
        Some(named) => named.contains(id),
        None => channel.wants(alert.severity, &found.provider, &found.finding_type),
    };
    let wanting: Vec<&(String, Channel)> =
        channels.iter().filter(|(id, channel)| channel.enabled && wants(id, channel)).collect();
    if wanting.is_empty() {
        return Vec::new();
    }
    let has_events = wanting.iter().any(|(_, channel)| channel.wants_events());
    let whole = Notice {
        event: moment,
        alert_id: alert.id.clone(),
        account: alert.account.clone(),
        rule_id: alert.rule_id.clone(),
        rule_title: alert.rule_title.clone(),
        sentence: found.sentence.clone(),
        severity: alert.severity,
        opened_at: alert.opened_at,
        at: now,
        count: alert.count,
        group: alert.group.clone(),
        link: format!("{}/alerts/{}", app.config.base_url(), alert.id),
        evidence: evidence(app, &alert.account, found, has_events, lake_until).await,
        query: found.query.clone(),
        finding: found.occurrence.clone(),
        more: 0,
    };
    let mut short = whole.clone();
    short.evidence.iter_mut().for_each(|evidence| evidence.event = Value::Null);
    let notice = |channel: &Channel| if channel.wants_events() { &whole } else { &short };
    wanting.into_iter().map(|(id, channel)| queued(id, Some(&alert.id), notice(channel), now)).collect()
}

/// A notice for a channel, to be sent as soon as may be.
pub fn queued(channel: &str, alert: Option<&String>, notice: &Notice, now: Timestamp) -> DeliveryRow {
    DeliveryRow {
        id: uuid::Uuid::now_v7().to_string(),
        channel: channel.to_owned(),
        alert: alert.cloned(),
        state: DeliveryState::Waiting,
        due_at: Some(now),
        created_at: now,
        body: json!({"notice": notice, "attempts": []}),
    }
}

/// Tells again of what nobody acknowledged in time.
async fn escalate(app: &App) -> Result<(), MetaError> {
    let now = crate::clock::now();
    let lake_until = Instant::now() + EVIDENCE_TIME;
    for (account, row) in app.meta.alerts_to_escalate(now, ESCALATIONS).await? {
        let Some(mut alert) = alert_of(&row) else { continue };
        let Some(moment) = alert.escalate_due(now) else { continue };
        // Under a silence it escalates all the same, in the inbox: one that waited would hold up the others.
        let deliveries = told_of_alert(app, &account, &row, &alert, moment, lake_until, now).await?;
        let mut body = row.body.clone();
        body["alert"] = json!(alert);
        match app.meta.store_alerts(&account, &[stored(&alert, &row.group_key, body)], &deliveries, None, now).await {
            Ok(()) => app.deliveries_wait.notify_one(),
            Err(ChangeError::Meta(error)) => return Err(error),
            // Somebody did something to it just now; the next pass sees.
            Err(_) => {}
        }
    }
    Ok(())
}

/// Ends an alert because what raised it is over, and tells whom it was told.
pub async fn resolve_by_itself(
    app: &App,
    account: &AccountName,
    latest: Option<AlertRow>,
    now: Timestamp,
) -> Result<(), ChangeError> {
    let Some(row) = latest else { return Ok(()) };
    let Some(mut alert) = alert_of(&row) else { return Ok(()) };
    let reason = "Nothing new for a whole window.";
    let Ok(moment) = alert.resolve("whodid", now, reason) else { return Ok(()) };
    let deliveries = match moment {
        Some(moment) => told_of_alert(app, account, &row, &alert, moment, Instant::now() + EVIDENCE_TIME, now).await?,
        None => Vec::new(),
    };
    let mut body = row.body.clone();
    body["alert"] = json!(alert);
    app.meta.store_alerts(account, &[stored(&alert, &row.group_key, body)], &deliveries, None, now).await?;
    app.deliveries_wait.notify_one();
    Ok(())
}

/// What is queued because something became of an alert without a finding: somebody did something to it, nobody did
/// for too long, or it is over. Nothing while a silence in force covers it, but the end of what was told before: who was
/// called shall not wait for ever.
pub async fn told_of_alert(
    app: &App,
    account: &AccountName,
    row: &AlertRow,
    alert: &Alert,
    moment: Moment,
    lake_until: Instant,
    now: Timestamp,
) -> Result<Vec<DeliveryRow>, MetaError> {
    let silences = silences(app, account).await?;
    let is_silenced = |at| is_kept_quiet(&silences, &alert.rule_id, alert.severity, &alert.group, at);
    let ends_what_was_told = moment == Moment::Resolved && !is_silenced(alert.opened_at);
    if is_silenced(now) && !ends_what_was_told {
        return Ok(Vec::new());
    }
    let channels = channels(app, account).await?;
    Ok(told(app, alert, moment, &found_of(row, alert), lake_until, &channels, now).await)
}

/// The alert in a row.
pub fn alert_of(row: &AlertRow) -> Option<Alert> {
    serde_json::from_value(row.body["alert"].clone()).ok()
}

/// The row of an alert.
pub fn stored(alert: &Alert, group_key: &str, body: Value) -> AlertRow {
    AlertRow {
        id: alert.id.clone(),
        rule_id: alert.rule_id.clone(),
        group_key: group_key.to_owned(),
        status: match alert.status {
            Status::Open => "open",
            Status::Acknowledged => "acknowledged",
            Status::Resolved => "resolved",
        }
        .to_owned(),
        severity: Severity::ALL.iter().position(|severity| *severity == alert.severity).unwrap_or_default() as i64,
        assignee: alert.assignee.clone(),
        opened_at: alert.opened_at,
        last_at: alert.last_at,
        escalates_at: alert.escalation_at(),
        revision: i64::try_from(alert.revision).unwrap_or(i64::MAX),
        body,
    }
}

fn found_of(row: &AlertRow, alert: &Alert) -> Found {
    let text = |name: &str| row.body[name].as_str().unwrap_or_default().to_owned();
    let evidence = row.body["evidence"].as_array().map(Vec::as_slice).unwrap_or_default();
    Found {
        record: String::new(),
        at: alert.last_at,
        rule_id: alert.rule_id.clone(),
        rule_title: alert.rule_title.clone(),
        finding_type: text("findingType"),
        provider: text("provider"),
        severity: alert.severity,
        key: row.group_key.clone(),
        group: alert.group.clone(),
        sentence: text("sentence"),
        evidence: evidence.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        payload: Value::Null,
        occurrence: row.body["occurrence"].clone(),
        update: None,
        channels: row.body["channels"].is_array().then(|| texts(&row.body["channels"])),
        query: text("query"),
    }
}

fn texts(value: &Value) -> Vec<String> {
    let each = value.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    each.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The channels of an account with their ids, secrets opened. One that cannot be read is told and left out.
pub async fn channels(app: &App, account: &AccountName) -> Result<Vec<(String, Channel)>, MetaError> {
    let mut channels = Vec::new();
    for document in app.meta.documents(account, DocumentKind::Channel).await? {
        match super::channels::opened(&document) {
            Some(channel) => channels.push((document.id, channel)),
            None => {
                tracing::error!(account = %account, channel = document.id, "a channel cannot be read and is told nothing")
            }
        }
    }
    Ok(channels)
}

async fn silences(app: &App, account: &AccountName) -> Result<Vec<Silence>, MetaError> {
    let documents = app.meta.documents(account, DocumentKind::Silence).await?;
    Ok(documents.into_iter().filter_map(|document| serde_json::from_value(document.body).ok()).collect())
}

/// What stands for the rule of what a client reports.
fn custom_rule(provider: &str, note: &str) -> String {
    format!("custom:{provider}:{note}")
}

/// What a finding's event says.
fn read(account: &AccountName, event: &Value) -> Option<Found> {
    let data = &event["requestData"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let at = Timestamp::parse(event["record"]["recorded_at"].as_str()?).ok()?.at;
    let finding_type = data["findingType"].as_str();
    let provider = data["provider"].as_str().unwrap_or("whodid");
    let rule_id = match (data["ruleId"].as_str(), finding_type) {
        (Some(rule), _) => rule.to_owned(),
        // Of a client, which chose both names: they must not be taken for a rule's.
        (None, Some(kind)) if data["occurrenceId"].is_string() => custom_rule(provider, kind),
        (None, kind) => kind?.to_owned(),
    };
    let level = data["level"].as_str().or_else(|| data["severity"].as_str()).unwrap_or("medium");
    let is_update = event["action"] == "whodid.finding.update";
    let severity = Severity::ALL.into_iter().find(|severity| severity.as_str() == level);
    let pairs = data["group"].as_object().into_iter().flatten();
    let mut group: Vec<GroupValue> =
        pairs.map(|(key, value)| GroupValue { key: key.clone(), value: text(value) }).collect();
    if group.is_empty() {
        let who = event["initiator"]["name"].as_str().or_else(|| event["initiator"]["id"].as_str()).unwrap_or_default();
        group.push(GroupValue { key: "initiator.name".to_owned(), value: who.to_owned() });
    }
    let key = data["key"].as_str().map_or_else(|| text(&data["userId"]), str::to_owned);
    let evidence = data["evidence"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut evidence: Vec<String> = evidence.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    evidence.extend(data["event"].as_str().map(str::to_owned));
    Some(Found {
        record: event["record"]["id"].as_str()?.to_owned(),
        at,
        rule_title: data["ruleTitle"].as_str().map_or_else(
            || if rule_id == "not-me" { "This was not me".to_owned() } else { rule_id.clone() },
            str::to_owned,
        ),
        finding_type: finding_type.map_or_else(|| rule_id.clone(), str::to_owned),
        provider: provider.to_owned(),
        // An update says nothing of how grave; it never opens an alert.
        severity: if is_update { Severity::Medium } else { severity.unwrap_or(Severity::Medium) },
        rule_id,
        key,
        group,
        sentence: data["sentence"].as_str().map_or_else(|| text(&event["message"]), str::to_owned),
        evidence,
        channels: data["channels"].is_array().then(|| texts(&data["channels"])),
        query: text(&data["query"]),
        payload: data.clone(),
        occurrence: if is_update { Value::Null } else { json!(super::findings::of_event(account, event)) },
        update: is_update.then(|| data["matches"].as_u64().unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use whodid_alerts::silence::Matcher;

    use super::*;

    fn event(number: u64, action: &str, extra: Value) -> Value {
        let mut data = json!({"ruleId": "r", "ruleTitle": "R", "key": "bob", "level": "high",
            "group": {"initiator.name": "bob"}, "evidence": [format!("activity:{number}")]});
        extra.as_object().unwrap().iter().for_each(|(name, value)| data[name] = value.clone());
        json!({
            "action": action,
            "message": "R: bob did it",
            "record": {"id": format!("findings:{number}"), "recorded_at": format!("2026-06-01T10:00:{number:02}Z")},
            "requestData": data,
        })
    }

    fn grown(event: &Value, latest: Option<&AlertRow>) -> Option<Grown> {
        let account = AccountName::default_account();
        grow(&account, read(&account, event).unwrap(), latest, &Settings::default())
    }

    const CREATE: &str = "whodid.finding.create";
    const UPDATE: &str = "whodid.finding.update";

    #[test]
    fn further_matches_of_a_finding_count_and_tell_nobody_again() {
        let first = grown(&event(1, CREATE, json!({})), None).unwrap();
        assert_eq!(first.moment, Some(Moment::Opened));
        let more = grown(&event(2, UPDATE, json!({"matches": 7})), Some(&first.row)).unwrap();
        assert_eq!((more.moment, more.row.revision), (None, 2));
        assert_eq!(more.row.body["matches"], 7);
        assert_eq!(more.row.body["evidence"], json!(["activity:1", "activity:2"]));
        assert!(grown(&event(3, UPDATE, json!({"matches": 7})), None).is_none(), "of an alert that nobody knows");
    }

    #[test]
    fn an_alert_knows_by_which_text_its_rule_found_last() {
        let first = grown(&event(1, CREATE, json!({"ruleVersion": "a1"})), None).unwrap();
        assert_eq!(first.row.body["ruleVersion"], "a1");
        let more = grown(&event(2, UPDATE, json!({"matches": 7})), Some(&first.row)).unwrap();
        assert_eq!(more.row.body["ruleVersion"], "a1");
        let by_another = grown(&event(3, CREATE, json!({"ruleVersion": "b2"})), Some(&more.row)).unwrap();
        assert_eq!((by_another.alert.id == first.alert.id, &by_another.row.body["ruleVersion"]), (true, &json!("b2")));
        let reopened = {
            let mut alert = by_another.alert;
            alert.resolve("mara", Timestamp::parse("2026-06-01T10:00:04Z").unwrap().at, "").unwrap();
            let mut body = by_another.row.body;
            body["alert"] = json!(alert);
            grown(&event(5, UPDATE, json!({"matches": 8})), Some(&stored(&alert, "bob", body))).unwrap()
        };
        assert_eq!((reopened.moment, &reopened.row.body["ruleVersion"]), (Some(Moment::Reopened), &json!("b2")));
        assert_eq!(grown(&event(6, CREATE, json!({})), None).unwrap().row.body["ruleVersion"], Value::Null);
    }

    #[test]
    fn what_goes_on_after_somebody_said_that_it_is_over_opens_it_again() {
        let mut first = grown(&event(1, CREATE, json!({})), None).unwrap();
        let at = Timestamp::parse("2026-06-01T10:00:02Z").unwrap().at;
        first.alert.resolve("mara", at, "").unwrap();
        let mut body = first.row.body.clone();
        body["alert"] = json!(first.alert);
        let over = stored(&first.alert, "bob", body);
        let again = grown(&event(3, UPDATE, json!({"matches": 2})), Some(&over)).unwrap();
        assert_eq!((again.moment, again.alert.status), (Some(Moment::Reopened), Status::Open));
        assert_eq!(
            (again.row.body["sentence"].as_str(), again.alert.severity),
            (Some("R: bob did it"), Severity::High)
        );
    }

    #[test]
    fn an_account_says_when_alerts_are_told_again_and_until_when_they_open_again() {
        let account = AccountName::try_from("default".to_owned()).unwrap();
        let settings = Settings { alert_escalation_minutes: 0, alert_reopen_hours: 0, ..Settings::default() };
        let first = grow(&account, read(&account, &event(1, CREATE, json!({}))).unwrap(), None, &settings).unwrap();
        assert_eq!(first.row.escalates_at, None);
        let mut alert = first.alert;
        alert.resolve("mara", Timestamp::parse("2026-06-01T10:00:02Z").unwrap().at, "").unwrap();
        let mut body = first.row.body.clone();
        body["alert"] = json!(alert);
        let over = stored(&alert, "bob", body);
        let next =
            grow(&account, read(&account, &event(3, CREATE, json!({}))).unwrap(), Some(&over), &settings).unwrap();
        assert_ne!(next.alert.id, alert.id, "another alert");
        assert_eq!(grown(&event(3, CREATE, json!({})), Some(&over)).unwrap().alert.id, alert.id);
    }

    #[test]
    fn what_a_client_reports_never_adds_to_an_alert_of_a_rule() {
        let mut theirs = event(2, CREATE, json!({"findingType": "r", "occurrenceId": "bob", "provider": "acme"}));
        theirs["requestData"].as_object_mut().unwrap().remove("ruleId");
        let first = grown(&event(1, CREATE, json!({})), None).unwrap();
        let second = grown(&theirs, Some(&first.row)).unwrap();
        assert_eq!((second.moment, second.row.rule_id.as_str()), (Some(Moment::Opened), "custom:acme:r"));
        assert_ne!(second.row.id, first.row.id);
        // Nor one of another's, whatever the two are called.
        let other = event(3, CREATE, json!({"ruleId": "custom:acme:r", "provider": "mine"}));
        assert_ne!(grown(&other, Some(&second.row)).unwrap().row.id, second.row.id);
    }

    #[test]
    fn each_deed_that_makes_whodid_blind_is_told_whatever_was_told_before_and_whatever_is_silenced() {
        let guard = |number, action, extra: Value| {
            let mut event = event(number, action, extra);
            event["requestData"]["ruleId"] = "whodid-self-rules-off".into();
            event
        };
        let mut first = grown(&guard(1, CREATE, json!({})), None).unwrap();
        assert_eq!(first.moment, Some(Moment::Opened));
        let second = grown(&guard(2, CREATE, json!({"sentence": "R: bob did more"})), Some(&first.row)).unwrap();
        assert_eq!((second.alert.id == first.alert.id, second.moment), (true, Some(Moment::Again)));
        assert_eq!(second.found.sentence, "R: bob did more");
        // Of one that is folded all the same the alert says what it is about.
        let folded = grown(&guard(3, UPDATE, json!({"matches": 3})), Some(&second.row)).unwrap();
        assert_eq!((folded.moment, folded.found.sentence.as_str()), (Some(Moment::Again), "R: bob did more"));
        // Silenced by a version that let people do so.
        let at = Timestamp::parse("2026-06-01T10:00:02Z").unwrap().at;
        first.alert.silence("mara", at.plus_micros(MICROS_AN_HOUR), "drill", at).unwrap();
        let mut body = first.row.body.clone();
        body["alert"] = json!(first.alert);
        let silenced = stored(&first.alert, "bob", body);
        assert_eq!(grown(&guard(4, CREATE, json!({})), Some(&silenced)).unwrap().moment, Some(Moment::Again));
    }

    #[test]
    fn an_alert_that_is_silenced_tells_nothing_of_what_is_found_and_counts_it() {
        let of_search = json!({"channels": ["ops"]});
        for extra in [json!({}), of_search] {
            let mut first = grown(&event(1, CREATE, extra.clone()), None).unwrap();
            let at = Timestamp::parse("2026-06-01T10:00:02Z").unwrap().at;
            first.alert.silence("mara", at.plus_micros(MICROS_AN_HOUR), "drill", at).unwrap();
            let mut body = first.row.body.clone();
            body["alert"] = json!(first.alert);
            let silenced = stored(&first.alert, "bob", body);
            let more = grown(&event(3, CREATE, extra.clone()), Some(&silenced)).unwrap();
            assert_eq!((more.moment, more.alert.count), (None, 2), "{extra}");
        }
    }

    #[test]
    fn a_silence_in_force_covers_an_alert_from_its_first_to_its_last_moment_and_never_a_guards() {
        let at = |text| Timestamp::parse(text).unwrap().at;
        let mut alert = grown(&event(1, CREATE, json!({})), None).unwrap().alert;
        let silence = Silence {
            id: "s".to_owned(),
            matcher: Matcher { severities: vec![Severity::High], ..Matcher::default() },
            from: at("2026-06-01T10:30:00Z"),
            until: at("2026-06-01T12:00:00Z"),
            by: "mara".to_owned(),
            reason: "drill".to_owned(),
        };
        let silences = [silence];
        let due = at("2026-06-01T11:00:01Z");
        let covers = |alert: &Alert, now| is_kept_quiet(&silences, &alert.rule_id, alert.severity, &alert.group, now);
        assert_eq!(alert.escalate_due(due), Some(Moment::Escalated));
        assert!(covers(&alert, due), "that nobody acknowledged it is not told");
        assert!(alert.escalated_at.is_some(), "and seen in the inbox");
        assert!(!covers(&alert, at("2026-06-01T10:29:59Z")) && !covers(&alert, at("2026-06-01T12:00:00Z")));
        alert.rule_id = "whodid-self-alerts-silenced".to_owned();
        assert!(!covers(&alert, due));
    }

    #[test]
    fn a_finding_that_is_handed_over_twice_counts_once() {
        let first = grown(&event(1, CREATE, json!({})), None).unwrap();
        assert!(grown(&event(1, CREATE, json!({})), Some(&first.row)).is_none());
    }
}
