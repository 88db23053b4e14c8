//! A hit as an event of the stream `findings`.
//!
//! Its id is made of what was found, so that the same finding made again after a crash is known. Further matches that
//! are folded into a finding are told together, at most once a minute, as updates of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use whodid_model::{AccountName, Field, StreamName, Timestamp};
use whodid_rules::{Hit, Level, NextStep, Place, Rule, RuleSet, Verdict};

use super::{evidence, is_finding};
use crate::row::Row;

/// The action of a finding, and of its updates.
pub const FINDING_ACTION: &str = "whodid.finding.create";
const UPDATE_ACTION: &str = "whodid.finding.update";
/// Further matches of a finding are told at most so often.
const UPDATE_MICROS: i64 = 60 * 1_000_000;
/// Findings whose further matches are counted; beyond it the oldest go.
const OPEN_MAX: usize = 20_000;
/// Bytes of a text that a finding repeats of an event or a rule: a sender must not be able to make a finding that is too
/// large to be recorded.
const TEXT_BYTES_MAX: usize = 2 << 10;
/// Tags that are repeated.
const TAGS_MAX: usize = 100;
/// Next steps that are repeated.
const STEPS_MAX: usize = 5;
/// Places listed in an update.
const UPDATE_EVIDENCE_MAX: usize = 20;

/// What is known of a finding that others are folded into.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Known {
    finding: String,
    rule: String,
    title: String,
    /// The values by which it is folded.
    key: String,
    /// Matches in all, the first included.
    count: u64,
    /// Those told so far.
    told: u64,
    last: Timestamp,
    /// When it was last told of, by the clock.
    told_at: Timestamp,
    evidence: Vec<Place>,
}

/// Findings that are open for further matches, by rule and folding key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Repeats {
    open: BTreeMap<String, Known>,
}

impl Repeats {
    fn key(rule: &Rule, hit: &Hit) -> String {
        let silence = if hit.silenced_by.is_some() { "\u{1e}silenced" } else { "" };
        format!("{}{silence}\u{1e}{}", rule.meta.id, hit.key)
    }

    /// Updates of findings that matched again and were not told of for a while.
    pub fn due(&mut self, account: &AccountName, now: Timestamp) -> Vec<String> {
        let mut events = Vec::new();
        for known in self.open.values_mut() {
            if known.count > known.told && now.micros() - known.told_at.micros() >= UPDATE_MICROS {
                events.push(update(account, known));
                (known.told, known.told_at) = (known.count, now);
                known.evidence.clear();
            }
        }
        if self.open.len() > OPEN_MAX {
            let mut times: Vec<Timestamp> = self.open.values().map(|known| known.last).collect();
            times.sort_unstable();
            let cut = times[times.len() - OPEN_MAX / 2];
            self.open.retain(|_, known| known.last >= cut || known.count > known.told);
        }
        events
    }
}

/// The event of a hit that is a finding; one that is folded is counted. `row` is the event that completed it.
pub(super) fn of(
    account: &AccountName,
    rules: &RuleSet,
    hit: &Hit,
    row: Option<(Row<'_>, &StreamName)>,
    repeats: &mut Repeats,
) -> Option<String> {
    let rule = &rules.rules()[hit.rule];
    let key = Repeats::key(rule, hit);
    if !is_finding(hit) {
        if let (Verdict::Folded, Some(known)) = (hit.verdict, repeats.open.get_mut(&key)) {
            known.count += 1;
            known.last = known.last.max(hit.time);
            if known.evidence.len() < UPDATE_EVIDENCE_MAX {
                known.evidence.extend(hit.evidence.last().cloned());
            }
        }
        return None;
    }
    let id = id(account, rule, hit);
    let recorded_at = hit.evidence.iter().map(|place| place.recorded_at).max().unwrap_or(hit.time);
    repeats.open.insert(
        key,
        Known {
            finding: id.clone(),
            rule: rule.meta.id.clone(),
            title: cut(&rule.meta.title).to_owned(),
            key: hit.key.clone(),
            count: 1,
            told: 1,
            last: hit.time,
            told_at: recorded_at,
            evidence: Vec::new(),
        },
    );
    Some(event(account, rule, hit, row, &id))
}

fn id(account: &AccountName, rule: &Rule, hit: &Hit) -> String {
    let evidence = hit.evidence.last().map(|place| format!("{}:{}", place.stream, place.offset)).unwrap_or_default();
    let name = format!("{account}\u{1e}{}\u{1e}{}\u{1e}{}\u{1e}{evidence}", rule.meta.id, hit.key, hit.time.micros());
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

fn event(account: &AccountName, rule: &Rule, hit: &Hit, row: Option<(Row<'_>, &StreamName)>, id: &str) -> String {
    let meta = &rule.meta;
    let group: BTreeMap<&str, &str> = hit.group.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let kind = meta.extension.finding_type.as_deref().unwrap_or(&meta.id);
    let mut request = json!({
        "findingType": kind,
        "provider": rule.provider,
        "noteName": format!("{account}/providers/{}/notes/{kind}", rule.provider),
        "ruleId": meta.id,
        "ruleTitle": cut(&meta.title),
        "ruleVersion": rule.fingerprint,
        "level": meta.level.as_str(),
        "key": hit.key,
        "evidence": hit.evidence.iter().map(place).collect::<Vec<String>>(),
        "evidenceTotal": hit.evidence_total,
    });
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            request[name] = value;
        }
    };
    put("group", (!group.is_empty()).then(|| json!(group)));
    put("value", hit.metric.map(|metric| json!(metric)));
    put("from", hit.start.map(|start| json!(start.to_string())));
    put("why", hit.why.as_ref().map(|why| json!(cut(why))));
    put("silencedBy", hit.silenced_by.as_ref().map(|id| json!(id)));
    let tags: Vec<&str> = meta.tags.iter().take(TAGS_MAX).map(|tag| cut(tag)).collect();
    put("tags", (!tags.is_empty()).then(|| json!(tags)));
    let steps: Vec<_> = meta.extension.next_steps.iter().take(STEPS_MAX).map(step).collect();
    put("nextSteps", (!steps.is_empty()).then(|| json!(steps)));
    put("resource", row.and_then(|(row, _)| resource(row)));
    put("isCap", (hit.verdict == Verdict::CapReached).then_some(json!(true)));
    json!({
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
        "eventType": "control",
        "id": id,
        "eventTime": hit.time.to_string(),
        "action": FINDING_ACTION,
        "outcome": "success",
        "severity": severity(meta.level),
        "message": cut(&sentence(rule, hit, row.as_ref())),
        "initiator": initiator(row.map(|(row, _)| row), hit),
        "target": {"id": meta.id, "name": cut(&meta.title), "typeURI": "whodid/rule"},
        "observer": {"id": "whodid", "name": "whodid", "typeURI": "service/security"},
        "reason": {"policyType": "whodid/rule", "policyId": meta.id},
        "requestData": request,
        "logSourceCRN": format!("whodid:{account}"),
    })
    .to_string()
}

fn update(account: &AccountName, known: &Known) -> String {
    let name = format!("{}\u{1e}{}", known.finding, known.count);
    json!({
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
        "eventType": "control",
        "id": uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string(),
        "eventTime": known.last.to_string(),
        "action": UPDATE_ACTION,
        "outcome": "success",
        "severity": "normal",
        "message": format!("{}: matched {} times by now", known.title, known.count),
        "initiator": {"id": "whodid", "name": "whodid", "typeURI": "service/security"},
        "target": {"id": known.rule, "name": known.title, "typeURI": "whodid/rule"},
        "observer": {"id": "whodid", "name": "whodid", "typeURI": "service/security"},
        "reason": {"policyType": "whodid/rule", "policyId": known.rule},
        "requestData": {
            "finding": known.finding,
            "ruleId": known.rule,
            "key": known.key,
            "matches": known.count,
            "evidence": known.evidence.iter().map(place).collect::<Vec<String>>(),
        },
        "logSourceCRN": format!("whodid:{account}"),
    })
    .to_string()
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

fn place(place: &Place) -> String {
    format!("{}:{}", place.stream, place.offset)
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Informational | Level::Low => "normal",
        Level::Medium => "warning",
        Level::High | Level::Critical => "critical",
    }
}

fn step(step: &NextStep) -> Value {
    let mut shown = json!({"title": cut(&step.title)});
    if let Some(url) = &step.url {
        shown["url"] = json!(cut(url));
    }
    shown
}

/// What the event that completed it was done to.
fn resource(row: Row<'_>) -> Option<Value> {
    let mut resource = serde_json::Map::new();
    let members = [
        ("id", Field::TargetId),
        ("name", Field::TargetName),
        ("type", Field::TargetType),
        ("service", Field::Service),
        ("region", Field::Region),
    ];
    for (member, field) in members {
        if let Some(text) = row.field(field) {
            resource.insert(member.to_owned(), json!(cut(text)));
        }
    }
    (!resource.is_empty()).then_some(Value::Object(resource))
}

/// Who did it, as the event that completed it says; for what time completed, the group.
fn initiator(row: Option<Row<'_>>, hit: &Hit) -> Value {
    let Some(row) = row else {
        let values: Vec<&str> = hit.group.iter().map(|(_, value)| value.as_str()).collect();
        let name = if values.is_empty() { "unknown".to_owned() } else { cut(&values.join(", ")).to_owned() };
        return json!({"id": name, "name": name, "typeURI": "unknown"});
    };
    let mut initiator = json!({
        "id": cut(row.field(Field::InitiatorId).or_else(|| row.field(Field::InitiatorName)).unwrap_or("unknown")),
        "typeURI": cut(row.field(Field::InitiatorType).unwrap_or("unknown")),
    });
    if let Some(name) = row.field(Field::InitiatorName) {
        initiator["name"] = json!(cut(name));
    }
    let mut host = serde_json::Map::new();
    for (member, field) in [("address", Field::Address), ("agent", Field::Agent)] {
        if let Some(text) = row.field(field) {
            host.insert(member.to_owned(), json!(cut(text)));
        }
    }
    if !host.is_empty() {
        initiator["host"] = Value::Object(host);
    }
    initiator
}

/// What was found, in a sentence: what happened, and how often.
pub(crate) fn sentence(rule: &Rule, hit: &Hit, row: Option<&(Row<'_>, &StreamName)>) -> String {
    let title = &rule.meta.title;
    let group: Vec<&str> = hit.group.iter().map(|(_, value)| value.as_str()).collect();
    let of = if group.is_empty() { String::new() } else { format!(" of {}", group.join(", ")) };
    if let Some(why) = &hit.why {
        return format!("{title}{of}: {why}");
    }
    match (hit.start, hit.metric, row) {
        (Some(start), Some(metric), _) => {
            let span = whodid_rules::span_words(hit.time.micros() - start.micros());
            format!("{title}{of}: {metric} in {span}, {} events", hit.evidence_total)
        }
        (_, _, Some((row, stream))) => match evidence::own_words(*row, stream) {
            Some(words) => words.to_owned(),
            None => format!("{title}: {}", whodid_model::sentence::summary(&row.fields())),
        },
        _ => format!("{title}{of}"),
    }
}
