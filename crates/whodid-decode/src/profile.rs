//! Writing an event in one of two profiles: strict CADF 1.0 and the IBM Activity Tracker's.
//!
//! Both directions lose nothing. What is written in a profile that the event did not come in carries
//! the event as received, word for word, as an attachment (CADF) or the member `original` (Activity
//! Tracker), and going back takes it from there. That the members beside it are derived is recorded:
//! in CADF as the last step of the reporter chain.

use serde_json::{Map, Value, json};
use uuid::Uuid;
use whodid_model::{Event, Field, Timestamp, taxonomy};

use crate::Format;

/// The version marker of a CADF event.
pub const CADF_EVENT_TYPE: &str = "http://schemas.dmtf.org/cloud/audit/1.0/event";

/// Name of the attachment that holds the event as received; the format's name follows.
const ORIGINAL_NAME: &str = "whodid:original:";

/// Roots and nodes of CADF's resource taxonomy under which any child may stand.
const RESOURCE_ROOTS: &[&str] = &["storage", "compute", "network", "service", "data", "unknown"];

/// The event as strict CADF 1.0: [`validate_cadf`] finds no problem in it.
///
/// `raw` is the event as received and `event` what [`crate::decode`] made of it; `at` is the time
/// of this derivation. An event that is strict CADF already comes back as it is, and one that was
/// written by [`to_ibm_at`] from CADF comes back as it was before.
pub fn to_cadf(format: Format, raw: &str, event: &Event<'_>, at: Timestamp) -> Value {
    let received: Value = serde_json::from_str(raw).unwrap_or(Value::Null);
    if let Some(before) = original_of_ibm_at(&received, Format::Cadf) {
        return before;
    }
    if format == Format::Cadf && validate_cadf(&received).is_empty() {
        return received;
    }
    // CADF's own further members stay where they are; other sources' are kept in the attachment.
    let kept = match (format, received) {
        (Format::Cadf, Value::Object(members)) if members.contains_key("action") => members,
        _ => Map::new(),
    };
    let derived = derive_cadf(kept, format, raw, event, at);
    if validate_cadf(&derived).is_empty() {
        return derived;
    }
    // Some kept member breaks the standard in a way that is not mended here; the attachment has it.
    derive_cadf(Map::new(), format, raw, event, at)
}

fn derive_cadf(mut members: Map<String, Value>, format: Format, raw: &str, event: &Event<'_>, at: Timestamp) -> Value {
    write_cadf(&mut members, raw, event);
    push(&mut members, "attachments", attachment(format, raw));
    for step in members.get_mut("reporterchain").and_then(Value::as_array_mut).into_iter().flatten() {
        let time = step.get("reporterTime").and_then(Value::as_str).and_then(|time| Timestamp::parse(time).ok());
        if let (Some(time), Some(step)) = (time, step.as_object_mut()) {
            step.insert("reporterTime".to_owned(), json!(cadf_time(time.at)));
        }
    }
    push(&mut members, "reporterchain", reporter_step(at));
    Value::Object(members)
}

/// The event in the Activity Tracker profile.
///
/// An event that is of the profile already comes back as it is, and one that was written by
/// [`to_cadf`] from the profile comes back as it was before.
pub fn to_ibm_at(format: Format, raw: &str, event: &Event<'_>) -> Value {
    let received: Value = serde_json::from_str(raw).unwrap_or(Value::Null);
    if let Some(before) = original_of_cadf(&received, Format::IbmAt) {
        return before;
    }
    if format == Format::IbmAt {
        return received;
    }
    let mut members = write_ibm_at(event);
    members.insert("original".to_owned(), json!({ "format": format.as_str(), "content": raw }));
    Value::Object(members)
}

fn text<'e>(event: &'e Event<'_>, field: Field) -> Option<&'e str> {
    event.fields.get(field)
}

fn write_cadf(members: &mut Map<String, Value>, raw: &str, event: &Event<'_>) {
    members.insert("typeURI".to_owned(), json!(CADF_EVENT_TYPE));
    let kind = members.get("eventType").and_then(Value::as_str).unwrap_or_default();
    // A control without its reason or a monitor without measurements is none.
    let holds = match kind {
        "monitor" => members.get("measurements").is_some_and(Value::is_array),
        "control" => text(event, Field::ReasonCode).or(text(event, Field::ReasonType)).is_some(),
        kind => kind == "activity",
    };
    if !holds {
        members.insert("eventType".to_owned(), json!("activity"));
    }
    let id = text(event, Field::Id)
        .map_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, raw.as_bytes()).to_string(), str::to_owned);
    members.insert("id".to_owned(), json!(id));
    members.insert("eventTime".to_owned(), json!(cadf_time(event.event_time)));
    let derived = text(event, Field::CadfAction).filter(|action| taxonomy::is_cadf_action(action)).unwrap_or("unknown");
    let received = text(event, Field::Action).unwrap_or_default();
    let action = if taxonomy::is_cadf_action(received) { received } else { derived };
    members.insert("action".to_owned(), json!(action));
    members.insert("outcome".to_owned(), json!(event.outcome().as_str()));
    members.insert("severity".to_owned(), json!(event.severity().as_str()));
    if action != received && !received.is_empty() && !members.contains_key("name") {
        members.insert("name".to_owned(), json!(received));
    }
    write_resource(members, "initiator", &RESOURCE_OF_INITIATOR, event);
    write_resource(members, "target", &RESOURCE_OF_TARGET, event);
    write_observer(members, event);
    write_reason(members, event);
    for (name, field) in [("message", Field::Message), ("region", Field::Region), ("service", Field::Service)] {
        if let Some(value) = text(event, field) {
            members.entry(name).or_insert_with(|| json!(value));
        }
    }
    for (name, field) in [("requestData", Field::RequestData), ("responseData", Field::ResponseData)] {
        if let Some(value) = text(event, field).and_then(|value| serde_json::from_str::<Value>(value).ok()) {
            members.entry(name).or_insert(value);
        }
    }
    if let Some(correlation) = text(event, Field::CorrelationId) {
        let tag = json!(format!("correlation_id?value={correlation}"));
        let there = members.get("tags").and_then(Value::as_array).is_some_and(|tags| tags.contains(&tag));
        if !there {
            push(members, "tags", tag);
        }
    }
}

/// Which fields make up a resource.
struct Parts {
    id: Field,
    name: Field,
    kind: Field,
    default_kind: &'static str,
    is_initiator: bool,
}

const RESOURCE_OF_INITIATOR: Parts = Parts {
    id: Field::InitiatorId,
    name: Field::InitiatorName,
    kind: Field::InitiatorType,
    default_kind: "service/security/account/user",
    is_initiator: true,
};
const RESOURCE_OF_TARGET: Parts = Parts {
    id: Field::TargetId,
    name: Field::TargetName,
    kind: Field::TargetType,
    default_kind: "unknown",
    is_initiator: false,
};

fn write_resource(members: &mut Map<String, Value>, role: &str, parts: &Parts, event: &Event<'_>) {
    // One of the two may stand, and the fuller one is kept.
    members.remove(&format!("{role}Id"));
    let mut resource = match members.remove(role) {
        Some(Value::Object(resource)) => resource,
        _ => Map::new(),
    };
    let id = text(event, parts.id).or(text(event, parts.name)).filter(|id| *id != role).unwrap_or("unknown");
    resource.insert("id".to_owned(), json!(id));
    let kind = text(event, parts.kind).map_or_else(|| parts.default_kind.to_owned(), resource_kind);
    resource.insert("typeURI".to_owned(), json!(kind));
    if let Some(name) = text(event, parts.name) {
        resource.insert("name".to_owned(), json!(name));
    }
    if parts.is_initiator {
        let mut host = Map::new();
        for (name, field) in [("address", Field::Address), ("agent", Field::Agent)] {
            if let Some(value) = text(event, field) {
                host.insert(name.to_owned(), json!(value));
            }
        }
        if !host.is_empty() {
            resource.entry("host").or_insert(Value::Object(host));
        }
        let credential = text(event, Field::CredentialId);
        let kind = text(event, Field::CredentialType);
        resource.remove("credential");
        if credential.is_some() || kind.is_some() {
            // The standard wants a token; where the source gives only its kind the token is not known.
            let mut written = json!({ "token": credential.unwrap_or("unknown") });
            if let Some(kind) = kind {
                written["type"] = json!(kind);
            }
            resource.insert("credential".to_owned(), written);
        }
    }
    members.insert(role.to_owned(), Value::Object(resource));
}

fn write_observer(members: &mut Map<String, Value>, event: &Event<'_>) {
    members.remove("observerId");
    let known = members.get("observer").is_some_and(|observer| {
        is_back_reference(observer)
            || observer.get("id").is_some_and(is_filled) && observer.get("typeURI").is_some_and(is_taxonomy_kind)
    });
    if known {
        return;
    }
    let name = text(event, Field::Observer).or(text(event, Field::Service)).unwrap_or("unknown");
    members.insert("observer".to_owned(), json!({ "id": name, "typeURI": "service", "name": name }));
}

/// A reason is complete only as a pair of type and code, both text.
fn write_reason(members: &mut Map<String, Value>, event: &Event<'_>) {
    let code = text(event, Field::ReasonCode);
    let kind = text(event, Field::ReasonType);
    let why = text(event, Field::ReasonText);
    let is_policy = members.get("reason").is_some_and(|reason| {
        reason.get("policyType").is_some_and(is_filled) && reason.get("policyId").is_some_and(is_filled)
    });
    if is_policy {
        return;
    }
    members.remove("reason");
    if code.is_none() && kind.is_none() && why.is_none() {
        return;
    }
    let code = code.or(kind).unwrap_or("unknown");
    let is_status = code.parse::<u16>().is_ok_and(|status| (100..=599).contains(&status));
    let kind = kind.filter(|kind| *kind != code).unwrap_or(if is_status { "HTTP" } else { "unknown" });
    let mut reason = json!({ "reasonType": kind, "reasonCode": code });
    if let Some(why) = why {
        reason["reasonForFailure"] = json!(why);
    }
    members.insert("reason".to_owned(), reason);
}

/// A kind in the resource taxonomy: kept when it is of it, else a child of `service`.
fn resource_kind(kind: &str) -> String {
    if is_resource_path(kind) {
        return kind.trim_end_matches('/').to_owned();
    }
    let steps: Vec<String> = kind
        .split(['/', ':'])
        .filter(|step| !step.is_empty())
        .map(|step| step.chars().map(|character| if character.is_whitespace() { '-' } else { character }).collect())
        .collect();
    if steps.is_empty() { "unknown".to_owned() } else { format!("service/{}", steps.join("/")) }
}

fn is_resource_path(kind: &str) -> bool {
    let mut steps = kind.trim_end_matches('/').split('/');
    let root = steps.next().unwrap_or_default();
    RESOURCE_ROOTS.contains(&root) && steps.all(|step| !step.is_empty() && !step.contains(char::is_whitespace))
}

fn attachment(format: Format, raw: &str) -> Value {
    json!({ "typeURI": "application/json", "name": format!("{ORIGINAL_NAME}{format}"), "content": raw })
}

fn reporter_step(at: Timestamp) -> Value {
    json!({
        "role": "modifier",
        "reporter": { "id": "whodid", "typeURI": "service/security/audit", "name": "whodid" },
        "reporterTime": cadf_time(at),
    })
}

/// Appends to a list member; what stood there and was no list gives way.
fn push(members: &mut Map<String, Value>, name: &str, value: Value) {
    match members.get_mut(name) {
        Some(Value::Array(items)) => items.push(value),
        _ => {
            members.insert(name.to_owned(), Value::Array(vec![value]));
        }
    }
}

/// `2026-01-31T12:00:00.000+00:00`: the offset is always written and never `Z`.
fn cadf_time(at: Timestamp) -> String {
    format!("{}+00:00", at.to_string().trim_end_matches('Z'))
}

/// `2026-01-31T12:00:00.00+0000`; more digits where the time has them.
fn ibm_at_time(at: Timestamp) -> String {
    let text = at.to_string();
    let bare = text.trim_end_matches('Z');
    let short = bare.strip_suffix('0').unwrap_or(bare);
    format!("{short}+0000")
}

fn original_of_cadf(received: &Value, wanted: Format) -> Option<Value> {
    let name = format!("{ORIGINAL_NAME}{wanted}");
    let attachments = received.get("attachments")?.as_array()?;
    let attachment =
        attachments.iter().rfind(|attachment| attachment.get("name").and_then(Value::as_str) == Some(&name))?;
    serde_json::from_str(attachment.get("content")?.as_str()?).ok()
}

fn original_of_ibm_at(received: &Value, wanted: Format) -> Option<Value> {
    let original = received.get("original")?;
    let is_wanted = original.get("format").and_then(Value::as_str) == Some(wanted.as_str());
    is_wanted.then(|| serde_json::from_str(original.get("content")?.as_str()?).ok()).flatten()
}

fn write_ibm_at(event: &Event<'_>) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| {
        members.insert(name.to_owned(), value);
    };
    if let Some(id) = text(event, Field::Id) {
        put("id", json!(id));
    }
    put("eventTime", json!(ibm_at_time(event.event_time)));
    put("action", json!(ibm_at_action(event)));
    put("outcome", json!(event.outcome().as_str()));
    put("severity", json!(event.severity().as_str()));
    put("message", json!(ibm_at_message(event)));
    put("dataEvent", json!(false));
    let mut initiator = named(event, Field::InitiatorId, Field::InitiatorName, Field::InitiatorType);
    if let Some(kind) = text(event, Field::CredentialType) {
        initiator.insert("credential".to_owned(), json!({ "type": kind }));
    }
    let mut host = Map::new();
    if let Some(address) = text(event, Field::Address) {
        host.insert("address".to_owned(), json!(address));
        let kind = if address.contains(':') { "IPv6" } else { "IPv4" };
        host.insert("addressType".to_owned(), json!(kind));
    }
    if let Some(agent) = text(event, Field::Agent) {
        host.insert("agent".to_owned(), json!(agent));
    }
    if !host.is_empty() {
        initiator.insert("host".to_owned(), Value::Object(host));
    }
    put("initiator", Value::Object(initiator));
    put("target", Value::Object(named(event, Field::TargetId, Field::TargetName, Field::TargetType)));
    put("observer", json!({ "name": "ActivityTracker" }));
    let mut reason = Map::new();
    match text(event, Field::ReasonCode).map(|code| (code, code.parse::<u32>())) {
        Some((_, Ok(status))) => reason.insert("reasonCode".to_owned(), json!(status)),
        Some((code, Err(_))) => reason.insert("reasonCode".to_owned(), json!(code)),
        None => None,
    };
    for (name, field) in [("reasonType", Field::ReasonType), ("reasonForFailure", Field::ReasonText)] {
        if let Some(value) = text(event, field) {
            reason.insert(name.to_owned(), json!(value));
        }
    }
    if !reason.is_empty() {
        put("reason", Value::Object(reason));
    }
    for (name, field) in [("requestData", Field::RequestData), ("responseData", Field::ResponseData)] {
        if let Some(value) = text(event, field).and_then(|value| serde_json::from_str(value).ok()) {
            put(name, value);
        }
    }
    if let Some(correlation) = text(event, Field::CorrelationId) {
        put("correlationId", json!(correlation));
    }
    if let Some(app) = text(event, Field::App).filter(|app| app.starts_with("crn:")) {
        put("logSourceCRN", json!(app));
    }
    members
}

fn named(event: &Event<'_>, id: Field, name: Field, kind: Field) -> Map<String, Value> {
    let parts = [("id", id), ("name", name), ("typeURI", kind)];
    parts.into_iter().filter_map(|(name, field)| Some((name.to_owned(), json!(text(event, field)?)))).collect()
}

/// `service.object.verb`; an action that is of that form already is kept.
fn ibm_at_action(event: &Event<'_>) -> String {
    let action = text(event, Field::Action).unwrap_or("unknown");
    let plain = |step: &str| {
        !step.is_empty() && step.chars().all(|character| character.is_ascii_alphanumeric() || character == '-')
    };
    if action.split('.').count() >= 3 && action.split('.').all(plain) {
        return action.to_owned();
    }
    let step = |text: &str| -> String {
        let last = text.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or(text);
        let name: String = last
            .chars()
            .map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' })
            .collect();
        name.trim_matches('-').to_owned()
    };
    let service = text(event, Field::Service)
        .map_or_else(|| "unknown".to_owned(), |service| step(service.split('.').next().unwrap_or(service)));
    let object = text(event, Field::TargetType).map_or_else(|| "resource".to_owned(), step);
    let verb = match text(event, Field::CadfAction).unwrap_or("unknown") {
        "unknown" => step(action),
        known => step(known),
    };
    format!("{service}.{object}.{verb}")
}

/// `Service: description`, with the outcome only when it is a failure.
fn ibm_at_message(event: &Event<'_>) -> String {
    if let Some(message) = text(event, Field::Message) {
        return message.to_owned();
    }
    let action = ibm_at_action(event);
    let mut steps = action.split('.');
    let service = steps.next().unwrap_or_default();
    let verb = action.rsplit('.').next().unwrap_or_default();
    let object = steps.next().unwrap_or_default();
    let name = text(event, Field::TargetName).map_or_else(String::new, |name| format!(" {name}"));
    let end = if event.outcome() == whodid_model::Outcome::Failure { " -failure" } else { "" };
    format!("{service}: {verb} {object}{name}{end}")
}

/// What is not as CADF 1.0 wants it: where, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path of the member.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.path, self.what)
    }
}

/// Everything about `event` that strict CADF 1.0 (DSP0262) does not allow; empty when it is valid.
pub fn validate_cadf(event: &Value) -> Vec<Problem> {
    let mut check = Check { problems: Vec::new() };
    let Some(members) = event.as_object() else {
        check.problem("", "an event is an object");
        return check.problems;
    };
    let get = |name: &str| members.get(name);
    check.that(
        "typeURI",
        get("typeURI").and_then(Value::as_str) == Some(CADF_EVENT_TYPE),
        "is not that of a CADF 1.0 event",
    );
    let kind = get("eventType").and_then(Value::as_str).unwrap_or_default();
    check.that(
        "eventType",
        matches!(kind, "activity" | "monitor" | "control"),
        "is none of activity, monitor, control",
    );
    check.that("id", get("id").is_some_and(is_filled), "is missing");
    check.time("eventTime", get("eventTime"), true);
    check.that(
        "action",
        get("action").and_then(Value::as_str).is_some_and(taxonomy::is_cadf_action),
        "is not of the action taxonomy",
    );
    let outcome = get("outcome").and_then(Value::as_str).unwrap_or_default();
    check.that(
        "outcome",
        matches!(outcome, "success" | "failure" | "pending" | "unknown"),
        "is not of the outcome taxonomy",
    );
    for role in ["initiator", "target", "observer"] {
        let by_id = get(&format!("{role}Id"));
        match (get(role), by_id) {
            (Some(_), Some(_)) => check.problem(role, "stands beside its identifier; exactly one of the two may"),
            (None, None) => check.problem(role, "is missing, and so is its identifier"),
            (Some(resource), None) => check.resource(role, role, resource),
            (None, Some(id)) => check.that(role, is_filled(id), "has an empty identifier"),
        }
    }
    match get("reason") {
        Some(reason) => check.reason(reason),
        None => check.that("reason", kind != "control", "is missing, and a control event must have one"),
    }
    let measurements = get("measurements").and_then(Value::as_array);
    check.that(
        "measurements",
        kind != "monitor" || measurements.is_some_and(|list| !list.is_empty()),
        "are missing, and a monitor event must have some",
    );
    for (place, measurement) in measurements.into_iter().flatten().enumerate() {
        let path = format!("measurements.{place}");
        check.that(&path, measurement.get("result").is_some(), "has no result");
        let metrics = measurement.get("metric").is_some() != measurement.get("metricId").is_some();
        check.that(&path, metrics, "has not exactly one of metric and metricId");
    }
    if let Some(tags) = get("tags") {
        check.that("tags", tags.as_array().is_some_and(|tags| tags.iter().all(is_filled)), "are not a list of texts");
    }
    check.attachments("attachments", get("attachments"));
    if let Some(chain) = get("reporterchain") {
        check.that("reporterchain", chain.is_array(), "is no list");
        for (place, step) in chain.as_array().into_iter().flatten().enumerate() {
            check.step(&format!("reporterchain.{place}"), step);
        }
    }
    check.problems
}

fn is_filled(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn is_taxonomy_kind(kind: &Value) -> bool {
    kind.as_str().is_some_and(is_resource_path)
}

/// `{"id":"target"}`, the shorthand for another part of the same record.
fn is_back_reference(resource: &Value) -> bool {
    resource.as_object().is_some_and(|members| {
        members.len() == 1
            && matches!(members.get("id").and_then(Value::as_str), Some("target" | "initiator" | "observer"))
    })
}

struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, path: &str, what: &str) {
        self.problems.push(Problem { path: path.to_owned(), what: what.to_owned() });
    }

    fn that(&mut self, path: &str, holds: bool, what: &str) {
        if !holds {
            self.problem(path, what);
        }
    }

    fn time(&mut self, path: &str, value: Option<&Value>, needed: bool) {
        match value.and_then(Value::as_str) {
            Some(text) => {
                self.that(path, is_cadf_time(text), "is no time of the form yyyy-mm-ddThh:mm:ss[.s](+|-)hh:mm")
            }
            None => self.that(path, !needed && value.is_none(), "is missing"),
        }
    }

    fn resource(&mut self, path: &str, role: &str, resource: &Value) {
        if is_back_reference(resource) {
            self.that(path, resource["id"] != role, "points to itself");
            return;
        }
        self.that(path, resource.is_object(), "is no resource");
        self.that(&format!("{path}.id"), resource.get("id").is_some_and(is_filled), "is missing");
        self.that(
            &format!("{path}.id"),
            role == "observer" || resource.get("id").and_then(Value::as_str) != Some(role),
            "is a reserved word",
        );
        self.that(
            &format!("{path}.typeURI"),
            resource.get("typeURI").is_some_and(is_taxonomy_kind),
            "is not of the resource taxonomy",
        );
        if let Some(credential) = resource.get("credential") {
            self.that(
                &format!("{path}.credential.token"),
                credential.get("token").is_some_and(is_filled),
                "is missing",
            );
        }
        if let Some(addresses) = resource.get("addresses") {
            let complete = addresses
                .as_array()
                .is_some_and(|list| list.iter().all(|endpoint| endpoint.get("url").is_some_and(is_filled)));
            self.that(&format!("{path}.addresses"), complete, "have an endpoint without url");
        }
        self.attachments(&format!("{path}.attachments"), resource.get("attachments"));
    }

    fn reason(&mut self, reason: &Value) {
        let has = |name: &str| reason.get(name).is_some_and(is_filled);
        self.that("reason.reasonCode", reason.get("reasonCode").is_none_or(Value::is_string), "is no text");
        let complete = has("reasonType") && has("reasonCode") || has("policyType") && has("policyId");
        self.that("reason", complete, "has no complete pair of type and code or of policy type and id");
    }

    fn attachments(&mut self, path: &str, attachments: Option<&Value>) {
        let Some(attachments) = attachments else { return };
        self.that(path, attachments.is_array(), "are no list");
        for (place, attachment) in attachments.as_array().into_iter().flatten().enumerate() {
            for name in ["typeURI", "name"] {
                self.that(&format!("{path}.{place}.{name}"), attachment.get(name).is_some_and(is_filled), "is missing");
            }
            self.that(&format!("{path}.{place}.content"), attachment.get("content").is_some(), "is missing");
        }
    }

    fn step(&mut self, path: &str, step: &Value) {
        let role = step.get("role").and_then(Value::as_str).unwrap_or_default();
        self.that(
            &format!("{path}.role"),
            matches!(role, "observer" | "modifier" | "relay"),
            "is none of observer, modifier, relay",
        );
        match (step.get("reporter"), step.get("reporterId")) {
            (Some(reporter), None) => self.resource(&format!("{path}.reporter"), "reporter", reporter),
            (None, Some(id)) => self.that(&format!("{path}.reporterId"), is_filled(id), "is empty"),
            _ => self.problem(path, "has not exactly one of reporter and reporterId"),
        }
        self.time(&format!("{path}.reporterTime"), step.get("reporterTime"), false);
    }
}

/// `yyyy-mm-ddThh:mm:ss[.s+](+|-)hh:mm` and a date that exists.
fn is_cadf_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(zone_at) = bytes.len().checked_sub(6).filter(|at| *at >= 19) else { return false };
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    let shape = bytes[10] == b'T' && matches!(bytes[zone_at], b'+' | b'-') && bytes[zone_at + 3] == b':';
    let zone = digits(zone_at + 1..zone_at + 3) && digits(zone_at + 4..zone_at + 6);
    let fraction = zone_at == 19 || bytes[19] == b'.' && zone_at > 20 && digits(20..zone_at);
    shape && zone && fraction && Timestamp::parse(text).is_ok()
}
