//! Writing an event in one of two profiles: strict CADF 1.0 and the IBM Activity Tracker's.
//!
//! Both directions lose nothing. What is written in a profile that the event did not come in carries
//! the event as received, word for word, as an attachment (CADF) or the member `original` (Activity
//! Tracker), and going back takes it from there. That the members beside it are derived is recorded:
//! in CADF as the last step of the reporter chain.
//!
//! Members that are kept are kept as they are written, digits and order of members included, so they
//! are handled as JSON text and never as values.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use whodid_model::{Event, Field, Timestamp, taxonomy};

use crate::Format;
use crate::json::{self, Node};

/// The version marker of a CADF event.
pub const CADF_EVENT_TYPE: &str = "http://schemas.dmtf.org/cloud/audit/1.0/event";

/// Name of the attachment that holds the event as received; the format's name follows.
const ORIGINAL_NAME: &str = "whodid:original:";

/// Roots and nodes of CADF's resource taxonomy under which any child may stand.
const RESOURCE_ROOTS: &[&str] = &["storage", "compute", "network", "service", "data", "unknown"];

/// The event as strict CADF 1.0: [`validate_cadf`] finds no problem in it.
///
/// `raw` is the event as received (or as the store gives it back) and `event` what [`crate::decode`]
/// made of it; `at` is the time of this derivation. An event that is strict CADF already comes back
/// as it is, and one that was written by [`to_ibm_at`] from CADF comes back as it was before.
pub fn to_cadf(format: Format, raw: &str, event: &Event<'_>, at: Timestamp) -> Box<RawValue> {
    let received = json::parse_event(raw).ok();
    if let Some(before) = received.as_ref().and_then(|root| original_of_ibm_at(root, Format::Cadf)) {
        return verbatim(before);
    }
    if format == Format::Cadf && serde_json::from_str(raw).is_ok_and(|value: Value| validate_cadf(&value).is_empty()) {
        return verbatim(raw.to_owned());
    }
    // CADF's own further members stay where they are; other sources' are kept in the attachment.
    let kept = match received {
        Some(root) if format == Format::Cadf && root.get("action").is_some() => Members::of(raw, &root),
        _ => Members::default(),
    };
    let derived = derive_cadf(kept, format, raw, event, at);
    if serde_json::from_str(&derived).is_ok_and(|value: Value| validate_cadf(&value).is_empty()) {
        return verbatim(derived);
    }
    // Some kept member breaks the standard in a way that is not mended here; the attachment has it.
    verbatim(derive_cadf(Members::default(), format, raw, event, at))
}

fn derive_cadf(mut members: Members, format: Format, raw: &str, event: &Event<'_>, at: Timestamp) -> String {
    write_cadf(&mut members, raw, event);
    members.push("attachments", &attachment(format, raw));
    members.each_item("reporterchain", |step| {
        let time = step.text("reporterTime").and_then(|time| Timestamp::parse(&time).ok());
        if let Some(time) = time {
            step.insert("reporterTime", json!(cadf_time(time.at)));
        }
    });
    members.push("reporterchain", &reporter_step(at));
    members.to_json()
}

/// The event in the Activity Tracker profile.
///
/// An event that is of the profile already comes back as it is, and one that was written by
/// [`to_cadf`] from the profile comes back as it was before.
pub fn to_ibm_at(format: Format, raw: &str, event: &Event<'_>) -> Box<RawValue> {
    let received = json::parse_event(raw).ok();
    if let Some(before) = received.as_ref().and_then(|root| original_of_cadf(root, Format::IbmAt)) {
        return verbatim(before);
    }
    if format == Format::IbmAt {
        return verbatim(raw.to_owned());
    }
    let mut members = write_ibm_at(event);
    if let Some(is_data) = received.as_ref().and_then(|root| is_data_event(format, root)) {
        members.insert("dataEvent", json!(is_data));
    }
    members.insert("original", json!({ "format": format.as_str(), "content": raw }));
    verbatim(members.to_json())
}

/// JSON text as it is; `null` for what is none.
fn verbatim(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Whether the event was about data or about its management, where the source tells.
fn is_data_event(format: Format, root: &Node<'_>) -> Option<bool> {
    match format {
        Format::CloudTrail => match root.text_at("eventCategory")? {
            "Data" => Some(true),
            "Management" => Some(false),
            _ => None,
        },
        Format::Gcp => {
            let log = root.text_at("logName")?;
            if log.ends_with("data_access") {
                return Some(true);
            }
            log.ends_with("activity").then_some(false)
        }
        _ => None,
    }
}

/// Members of an object, each with its JSON text, in their order.
#[derive(Default)]
struct Members(Vec<(String, String)>);

impl Members {
    /// Those of `node`, which was read from `document`.
    fn of(document: &str, node: &Node<'_>) -> Self {
        let written = |node: &Node<'_>| document.get(node.start..node.end).unwrap_or("null").to_owned();
        Self(node.members().iter().map(|(name, node)| (name.to_string(), written(node))).collect())
    }

    /// Those of an object's JSON text; none when it is no object.
    fn read(json: &str) -> Self {
        json::parse_event(json).map_or_else(|_| Self::default(), |node| Self::of(json, &node))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, json)| json.as_str())
    }

    /// A member to look at, not to write.
    fn value(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.get(name)?).ok()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.value(name)?.as_str().map(str::to_owned)
    }

    fn insert(&mut self, name: &str, value: Value) {
        self.insert_json(name, value.to_string());
    }

    fn insert_json(&mut self, name: &str, json: String) {
        match self.0.iter_mut().find(|(found, _)| found == name) {
            Some((_, place)) => *place = json,
            None => self.0.push((name.to_owned(), json)),
        }
    }

    fn insert_default(&mut self, name: &str, json: impl FnOnce() -> String) {
        if self.get(name).is_none() {
            self.insert_json(name, json());
        }
    }

    fn remove(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(found, _)| found == name)?;
        Some(self.0.remove(place).1)
    }

    /// Appends to a list member; what stood there and was no list gives way.
    fn push(&mut self, name: &str, value: &Value) {
        let mut items = self.items(name).unwrap_or_default();
        items.push(value.to_string());
        self.insert_json(name, format!("[{}]", items.join(",")));
    }

    /// The JSON texts of a list member's items; `None` when it is no list.
    fn items(&self, name: &str) -> Option<Vec<String>> {
        let json = self.get(name)?;
        let list = json::parse_event(json).ok().filter(|list| matches!(list.value, json::Value::Array(_)))?;
        Some(list.items().iter().map(|item| json.get(item.start..item.end).unwrap_or("null").to_owned()).collect())
    }

    /// Changes the objects in a list member.
    fn each_item(&mut self, name: &str, change: impl Fn(&mut Self)) {
        let Some(mut items) = self.items(name) else { return };
        for item in &mut items {
            if item.starts_with('{') {
                let mut members = Self::read(item);
                change(&mut members);
                *item = members.to_json();
            }
        }
        self.insert_json(name, format!("[{}]", items.join(",")));
    }

    fn to_json(&self) -> String {
        let member = |(name, json): &(String, String)| format!("{}:{json}", json!(name));
        format!("{{{}}}", self.0.iter().map(member).collect::<Vec<_>>().join(","))
    }
}

fn text<'e>(event: &'e Event<'_>, field: Field) -> Option<&'e str> {
    event.fields.get(field)
}

fn write_cadf(members: &mut Members, raw: &str, event: &Event<'_>) {
    members.insert("typeURI", json!(CADF_EVENT_TYPE));
    // A control without its reason or a monitor without measurements is none.
    let holds = match members.text("eventType").as_deref() {
        Some("monitor") => members.value("measurements").is_some_and(|measurements| measurements.is_array()),
        Some("control") => text(event, Field::ReasonCode).or(text(event, Field::ReasonType)).is_some(),
        kind => kind == Some("activity"),
    };
    if !holds {
        members.insert("eventType", json!("activity"));
    }
    let id = text(event, Field::Id)
        .map_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, raw.as_bytes()).to_string(), str::to_owned);
    members.insert("id", json!(id));
    members.insert("eventTime", json!(cadf_time(event.event_time)));
    let derived = text(event, Field::CadfAction).filter(|action| taxonomy::is_cadf_action(action)).unwrap_or("unknown");
    let received = text(event, Field::Action).unwrap_or_default();
    let action = if taxonomy::is_cadf_action(received) { received } else { derived };
    members.insert("action", json!(action));
    members.insert("outcome", json!(event.outcome().as_str()));
    members.insert("severity", json!(event.severity().as_str()));
    if action != received && !received.is_empty() {
        members.insert_default("name", || json!(received).to_string());
    }
    write_resource(members, "initiator", &RESOURCE_OF_INITIATOR, event);
    write_resource(members, "target", &RESOURCE_OF_TARGET, event);
    write_observer(members, event);
    write_reason(members, event);
    for (name, field) in [("message", Field::Message), ("region", Field::Region), ("service", Field::Service)] {
        if let Some(value) = text(event, field) {
            members.insert_default(name, || json!(value).to_string());
        }
    }
    for (name, field) in [("requestData", Field::RequestData), ("responseData", Field::ResponseData)] {
        if let Some(value) = json_text(event, field) {
            members.insert_default(name, || value.to_owned());
        }
    }
    if let Some(correlation) = text(event, Field::CorrelationId) {
        let tag = json!(format!("correlation_id?value={correlation}"));
        let there = members.value("tags").is_some_and(|tags| tags.as_array().is_some_and(|tags| tags.contains(&tag)));
        if !there {
            members.push("tags", &tag);
        }
    }
}

/// A field that holds JSON, as it is written.
fn json_text<'e>(event: &'e Event<'_>, field: Field) -> Option<&'e str> {
    text(event, field).filter(|value| json::parse_event(value).is_ok())
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

fn write_resource(members: &mut Members, role: &str, parts: &Parts, event: &Event<'_>) {
    // One of the two may stand, and the fuller one is kept.
    members.remove(&format!("{role}Id"));
    let mut resource = members.remove(role).map_or_else(Members::default, |json| Members::read(&json));
    let id = text(event, parts.id).or(text(event, parts.name)).filter(|id| *id != role).unwrap_or("unknown");
    resource.insert("id", json!(id));
    let kind = text(event, parts.kind).map_or_else(|| parts.default_kind.to_owned(), resource_kind);
    resource.insert("typeURI", json!(kind));
    if let Some(name) = text(event, parts.name) {
        resource.insert("name", json!(name));
    }
    if parts.is_initiator {
        let mut host = Map::new();
        for (name, field) in [("address", Field::Address), ("agent", Field::Agent)] {
            if let Some(value) = text(event, field) {
                host.insert(name.to_owned(), json!(value));
            }
        }
        if !host.is_empty() {
            resource.insert_default("host", || Value::Object(host).to_string());
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
            resource.insert("credential", written);
        }
    }
    members.insert_json(role, resource.to_json());
}

fn write_observer(members: &mut Members, event: &Event<'_>) {
    members.remove("observerId");
    let known = members.value("observer").is_some_and(|observer| {
        is_back_reference(&observer)
            || observer.get("id").is_some_and(is_filled) && observer.get("typeURI").is_some_and(is_taxonomy_kind)
    });
    if known {
        return;
    }
    let name = text(event, Field::Observer).or(text(event, Field::Service)).unwrap_or("unknown");
    members.insert("observer", json!({ "id": name, "typeURI": "service", "name": name }));
}

/// A reason is complete only as a pair of type and code, both text.
fn write_reason(members: &mut Members, event: &Event<'_>) {
    let code = text(event, Field::ReasonCode);
    let kind = text(event, Field::ReasonType);
    let why = text(event, Field::ReasonText);
    let is_policy = members.value("reason").is_some_and(|reason| {
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
    members.insert("reason", reason);
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
    let kind = if format == Format::LinuxAuth && !raw.starts_with('{') { "text/plain" } else { "application/json" };
    json!({ "typeURI": kind, "name": format!("{ORIGINAL_NAME}{format}"), "content": raw })
}

fn reporter_step(at: Timestamp) -> Value {
    json!({
        "role": "modifier",
        "reporter": { "id": "whodid", "typeURI": "service/security/audit", "name": "whodid" },
        "reporterTime": cadf_time(at),
    })
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

fn original_of_cadf(received: &Node<'_>, wanted: Format) -> Option<String> {
    let name = format!("{ORIGINAL_NAME}{wanted}");
    let attachments = received.get("attachments")?.items();
    let attachment = attachments.iter().rfind(|attachment| attachment.text_at("name") == Some(&name))?;
    content(attachment)
}

fn original_of_ibm_at(received: &Node<'_>, wanted: Format) -> Option<String> {
    let original = received.get("original")?;
    (original.text_at("format") == Some(wanted.as_str())).then(|| content(original)).flatten()
}

/// The event as received, if it is JSON.
fn content(holder: &Node<'_>) -> Option<String> {
    let content = holder.get("content").and_then(Node::text)?;
    json::parse_event(content).is_ok().then(|| content.to_owned())
}

fn write_ibm_at(event: &Event<'_>) -> Members {
    let mut members = Members::default();
    if let Some(id) = text(event, Field::Id) {
        members.insert("id", json!(id));
    }
    members.insert("eventTime", json!(ibm_at_time(event.event_time)));
    members.insert("action", json!(ibm_at_action(event)));
    members.insert("outcome", json!(event.outcome().as_str()));
    members.insert("severity", json!(event.severity().as_str()));
    members.insert("message", json!(ibm_at_message(event)));
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
    members.insert("initiator", Value::Object(initiator));
    members.insert("target", Value::Object(named(event, Field::TargetId, Field::TargetName, Field::TargetType)));
    members.insert("observer", json!({ "name": "ActivityTracker" }));
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
        members.insert("reason", Value::Object(reason));
    }
    for (name, field) in [("requestData", Field::RequestData), ("responseData", Field::ResponseData)] {
        if let Some(value) = json_text(event, field) {
            members.insert_json(name, value.to_owned());
        }
    }
    if let Some(correlation) = text(event, Field::CorrelationId) {
        members.insert("correlationId", json!(correlation));
    }
    if let Some(app) = text(event, Field::App).filter(|app| app.starts_with("crn:")) {
        members.insert("logSourceCRN", json!(app));
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
