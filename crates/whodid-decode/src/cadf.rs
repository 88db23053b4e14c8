//! CADF 1.0 events, bare or in the envelopes of OpenStack's message bus (source-systems §1.1).
//!
//! Reading is lenient: an event may lack what the standard demands. `initiator`, `target` and
//! `observer` may be given by identifier only, and one of them may point back to another
//! (`{"id":"target"}`).

use std::borrow::Cow;

use whodid_model::{Field, Outcome, Reject, Severity, TimeSource};

use crate::Decoded;
use crate::draft::Draft;
use crate::json::{Node, Value};
use crate::respell::respelled;

/// How many envelopes may stand in one another.
const ENVELOPES_MAX: usize = 3;

/// Names that tell whether a pipeline has rewritten an event's members, and what they should be.
pub(crate) const TELLING: &[&str] = &["action", "eventTime"];
pub(crate) const NAMES: &[&str] = &[
    "id",
    "typeURI",
    "eventType",
    "eventTime",
    "action",
    "outcome",
    "severity",
    "message",
    "initiator",
    "initiatorId",
    "target",
    "targetId",
    "observer",
    "observerId",
    "reason",
    "reasonCode",
    "reasonType",
    "reasonForFailure",
    "tags",
    "region",
    "space",
    "correlationId",
    "requestData",
    "responseData",
    "name",
    "host",
    "address",
    "agent",
    "credential",
    "requestPath",
    "logSourceCRN",
    "dataEvent",
    "meta",
    "serviceProviderRegion",
];

pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    enveloped(root, draft, ENVELOPES_MAX)
}

fn enveloped<'a>(root: &Node<'a>, draft: &mut Draft<'a>, envelopes_left: usize) -> Decoded<'a> {
    if envelopes_left > 0 {
        // The message bus wraps the message once more, as text.
        if let Some(text) = root.get("oslo.message").and_then(Node::text) {
            return draft.within("oslo.message", text, |root, inner| enveloped(root, inner, envelopes_left - 1));
        }
        if let Some(payload) = root.get("payload").filter(|payload| payload.is_object()) {
            let cadf_action = enveloped(payload, draft, envelopes_left - 1)?;
            draft.time("timestamp", root.get("timestamp"))?;
            let service = root.get("publisher_id").and_then(|publisher| publisher.part(|name| name.split('.').next()));
            draft.event.fields.set_default(Field::Service, service);
            draft.text(Field::Action, root.get("event_type"));
            draft.text(Field::Id, root.get("message_id"));
            return Ok(cadf_action);
        }
    }
    if let Some(root) = respelled(root, TELLING, NAMES) {
        return bare(&root, draft);
    }
    bare(root, draft)
}

fn bare<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    members(root, draft)?;
    refused_success(draft);
    middleware_service(root, draft);
    role_grant(root, draft);
    Ok(None)
}

/// Reads the members that CADF and its Activity Tracker profile share.
pub(crate) fn members<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Result<(), Reject> {
    let mut initiator = None;
    let mut target = None;
    let mut observer = None;
    let mut reason = None;
    let mut tags = None;
    let mut outcome = None;
    for (name, node) in root.members() {
        match name.as_ref() {
            "id" => draft.text(Field::Id, Some(node)),
            "eventTime" => draft.time("eventTime", Some(node))?,
            "action" => draft.text(Field::Action, Some(node)),
            "outcome" => outcome = Some(node),
            "severity" => draft.severity(node),
            "message" => draft.text(Field::Message, Some(node)),
            "initiator" => initiator = Some(node),
            "target" => target = Some(node),
            "observer" => observer = Some(node),
            "reason" => reason = Some(node),
            "tags" => tags = Some(node),
            "region" => draft.text(Field::Region, Some(node)),
            "space" => draft.space(Some(node)),
            "correlationId" => draft.text(Field::CorrelationId, Some(node)),
            "requestData" => draft.json(Field::RequestData, Some(node)),
            "responseData" => draft.json(Field::ResponseData, Some(node)),
            "initiatorId" => draft.text(Field::InitiatorId, Some(node)),
            "targetId" => draft.text(Field::TargetId, Some(node)),
            "observerId" => draft.text(Field::Observer, Some(node)),
            _ => {}
        }
    }
    // Only where nothing better stands: some senders and stores spell it so.
    if draft.event.time_source == TimeSource::Received {
        for name in ["timestamp", "time", "@timestamp", "_ts"] {
            draft.time(name, root.get(name))?;
        }
    }
    if let Some(reason) = reason {
        read_reason(reason, draft);
    }
    if let Some(initiator) = initiator {
        read_initiator(initiator, draft);
    }
    if let Some(target) = target {
        read_target(target, draft);
    }
    if let Some(observer) = observer {
        read_observer(observer, draft);
    }
    if draft.get(Field::CorrelationId).is_none() {
        let tagged = tags.and_then(correlation_tag);
        draft.event.fields.set_default(Field::CorrelationId, tagged);
        if let Some(initiator) = initiator {
            draft.first(Field::CorrelationId, initiator, &["global_request_id", "request_id"]);
        }
    }
    read_outcome(outcome, draft);
    Ok(())
}

fn read_initiator<'a>(initiator: &Node<'a>, draft: &mut Draft<'a>) {
    if let Value::Text(_) = initiator.value {
        draft.text(Field::InitiatorName, Some(initiator));
        return;
    }
    let mut user_name = None;
    let mut user_id = None;
    for (name, node) in initiator.members() {
        match name.as_ref() {
            "id" => draft.text(Field::InitiatorId, Some(node)),
            "name" => draft.text(Field::InitiatorName, Some(node)),
            "typeURI" => draft.text(Field::InitiatorType, Some(node)),
            "username" => user_name = Some(node),
            "user_id" => user_id = Some(node),
            "host" => {
                draft.address(node.get("address"));
                draft.text(Field::Agent, node.get("agent"));
            }
            "credential" => {
                draft.text(Field::CredentialType, node.get("type"));
                draft.first(Field::CredentialId, node, &["id", "token"]);
            }
            _ => {}
        }
    }
    draft.text(Field::InitiatorName, user_name);
    draft.text(Field::InitiatorId, user_id);
}

fn read_target<'a>(target: &Node<'a>, draft: &mut Draft<'a>) {
    if let Value::Text(_) = target.value {
        draft.text(Field::TargetName, Some(target));
        return;
    }
    if points_to(target, "initiator") {
        for (to, from) in [
            (Field::TargetId, Field::InitiatorId),
            (Field::TargetName, Field::InitiatorName),
            (Field::TargetType, Field::InitiatorType),
        ] {
            if let Some(text) = draft.get(from).map(str::to_owned) {
                draft.put(to, text);
            }
        }
        return;
    }
    for (name, node) in target.members() {
        match name.as_ref() {
            "id" => draft.text(Field::TargetId, Some(node)),
            "name" => draft.text(Field::TargetName, Some(node)),
            "typeURI" => draft.text(Field::TargetType, Some(node)),
            _ => {}
        }
    }
}

fn read_observer<'a>(observer: &Node<'a>, draft: &mut Draft<'a>) {
    if let Value::Text(_) = observer.value {
        draft.text(Field::Observer, Some(observer));
        return;
    }
    for (whose, fields) in
        [("target", [Field::TargetName, Field::TargetId]), ("initiator", [Field::InitiatorName, Field::InitiatorId])]
    {
        if points_to(observer, whose) {
            let name = fields.into_iter().find_map(|field| draft.get(field)).map(str::to_owned);
            draft.event.fields.set_default(Field::Observer, name.map(Cow::Owned));
            return;
        }
    }
    draft.first(Field::Observer, observer, &["name", "id"]);
}

fn read_reason<'a>(reason: &Node<'a>, draft: &mut Draft<'a>) {
    if let Value::Text(_) = reason.value {
        draft.text(Field::ReasonText, Some(reason));
        return;
    }
    for (name, node) in reason.members() {
        match name.as_ref() {
            "reasonCode" => draft.text(Field::ReasonCode, Some(node)),
            "reasonType" => draft.text(Field::ReasonType, Some(node)),
            "reasonForFailure" => draft.text(Field::ReasonText, Some(node)),
            _ => {}
        }
    }
}

/// The outcome as stated; `failure/denied` is a failure. Without one the status tells.
fn read_outcome<'a>(stated: Option<&Node<'a>>, draft: &mut Draft<'a>) {
    let text = stated.and_then(|node| draft.scalar(Some(node)));
    if let Some(text) = text {
        if matches!(text.as_ref(), "success" | "failure" | "pending" | "unknown") {
            draft.event.fields.set(Field::Outcome, text);
            return;
        }
        let head = text.split('/').next().unwrap_or_default();
        if let Some(outcome) = Outcome::parse(head) {
            draft.outcome(outcome);
            return;
        }
    }
    if let Some(outcome) = draft.get(Field::ReasonCode).and_then(|code| code.parse().ok()).and_then(of_status) {
        draft.outcome(outcome);
    }
}

/// Most resources of a log that are looked through for each of its events.
const RESOURCES_MAX: usize = 1000;

/// Looks up who and what in the list of resources that a CADF log keeps beside its events, which
/// then name them by identifier only.
pub(crate) fn resolve(resources: &Node<'_>, draft: &mut Draft<'_>) {
    let with_id = |id: Option<&str>| {
        let id = id?;
        resources
            .items()
            .iter()
            .take(RESOURCES_MAX)
            .find(|resource| resource.get("id").and_then(Node::text) == Some(id))
    };
    let put = |field: Field, node: Option<&Node<'_>>, draft: &mut Draft<'_>| {
        if let Some(text) = node.and_then(Node::text) {
            draft.put(field, text.to_owned());
        }
    };
    if let Some(initiator) = with_id(draft.get(Field::InitiatorId)) {
        put(Field::InitiatorName, initiator.get("name").or_else(|| initiator.get("username")), draft);
        put(Field::InitiatorType, initiator.get("typeURI"), draft);
        put(Field::Address, initiator.at("host.address"), draft);
        put(Field::Agent, initiator.at("host.agent"), draft);
        put(Field::CredentialType, initiator.at("credential.type"), draft);
        put(Field::CredentialId, initiator.at("credential.token"), draft);
    }
    if let Some(target) = with_id(draft.get(Field::TargetId)) {
        put(Field::TargetName, target.get("name"), draft);
        put(Field::TargetType, target.get("typeURI"), draft);
    }
    if let Some(observer) = with_id(draft.get(Field::Observer)) {
        if observer.get("name").is_some() {
            draft.event.fields.clear(Field::Observer);
        }
        put(Field::Observer, observer.get("name"), draft);
        put(Field::Service, observer.get("name").or_else(|| observer.get("typeURI")), draft);
    }
}

/// The outcome that an HTTP status tells.
pub(crate) fn of_status(status: i64) -> Option<Outcome> {
    match status {
        200..=399 => Some(Outcome::Success),
        400..=599 => Some(Outcome::Failure),
        100..=199 => Some(Outcome::Pending),
        _ => None,
    }
}

/// Keystone writes `success` beside the status 400 when it refuses a new password. The status is right.
fn refused_success(draft: &mut Draft<'_>) {
    let status = draft.get(Field::ReasonCode).and_then(|code| code.parse().ok());
    if draft.get(Field::Outcome) == Some("success") && status.and_then(of_status) == Some(Outcome::Failure) {
        draft.outcome(Outcome::Failure);
    }
}

/// True for `{"id":"target"}`: the shorthand for another part of the same record.
fn points_to(resource: &Node<'_>, whose: &str) -> bool {
    resource.get("id").and_then(Node::text) == Some(whose)
}

/// The value of the tag `correlation_id?value=…`.
fn correlation_tag<'a>(tags: &Node<'a>) -> Option<Cow<'a, str>> {
    tags.items().iter().find_map(|tag| tag.part(|tag| tag.strip_prefix("correlation_id?value=")))
}

/// The audit middleware names the service as the target and lets the observer point to it;
/// Keystone names only the kind of the observer.
fn middleware_service<'a>(root: &Node<'a>, draft: &mut Draft<'a>) {
    let Some(observer) = root.get("observer") else { return };
    if points_to(observer, "target") {
        let target = root.get("target");
        draft.text(Field::Service, target.and_then(|target| target.get("name")));
        draft.text(Field::Service, target.and_then(|target| target.get("typeURI")));
        // What of the service it was about stands only in the path.
        if let Some(id) = root.get("requestPath").and_then(|path| path.part(id_in_path)) {
            draft.event.fields.set(Field::TargetId, id);
        }
    } else {
        draft.text(Field::Service, observer.get("name"));
        draft.text(Field::Service, observer.get("typeURI"));
    }
}

/// `/v1/secrets/9d4a…/payload?x` → `9d4a…`: the last identifier, unless it is the project's, which some
/// services put behind the version.
fn id_in_path(path: &str) -> Option<&str> {
    let is_id =
        |step: &str| matches!(step.len(), 32 | 36) && step.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_version =
        |step: &str| step.strip_prefix('v').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
    let mut before = "";
    let mut found = None;
    for step in path.split(['?', '#']).next()?.split('/') {
        if is_id(step) && !is_version(before) {
            found = Some(step);
        }
        before = step;
    }
    found
}

/// Keystone writes a role grant as top-level members beside a target that is only a made-up id:
/// they are what was asked for, and who gets the role is the target.
fn role_grant<'a>(root: &Node<'a>, draft: &mut Draft<'a>) {
    if root.get("role").is_none() || draft.get(Field::RequestData).is_some() {
        return;
    }
    for (name, kind) in [("user", "service/security/account/user"), ("group", "data/security/group")] {
        if let Some(holder) = root.get(name).filter(|holder| holder.text().is_some()) {
            for field in [Field::TargetId, Field::TargetName, Field::TargetType] {
                draft.event.fields.clear(field);
            }
            draft.text(Field::TargetId, Some(holder));
            draft.put(Field::TargetType, kind);
            break;
        }
    }
    let mut grant = String::from("{");
    for (name, node) in root.members() {
        if matches!(name.as_ref(), "role" | "user" | "group" | "project" | "domain" | "inherited_to_projects") {
            if grant.len() > 1 {
                grant.push(',');
            }
            grant.push('"');
            grant.push_str(name);
            grant.push_str("\":");
            grant.push_str(draft.written(node));
        }
    }
    grant.push('}');
    draft.put(Field::RequestData, grant);
}

impl<'a> Draft<'a> {
    /// Sets the severity if it is one of the three; any other scale is left to be derived.
    pub(crate) fn severity(&mut self, node: &Node<'a>) {
        if node.text().and_then(Severity::parse).is_some() {
            self.text(Field::Severity, Some(node));
        }
    }
}
