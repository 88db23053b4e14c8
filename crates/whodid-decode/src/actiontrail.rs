//! Alibaba Cloud ActionTrail: management events and Insight events (source-systems §3.1).

use std::borrow::Cow;

use whodid_model::{Access, Field, Outcome, taxonomy};

use crate::Decoded;
use crate::draft::Draft;
use crate::json::Node;
use crate::respell::respelled;

/// Names of an event's members, for those that a pipeline has rewritten.
const NAMES: &[&str] = &[
    "eventTime",
    "eventId",
    "eventName",
    "eventType",
    "eventRW",
    "eventSource",
    "serviceName",
    "acsRegion",
    "sharedEventId",
    "requestId",
    "recipientAccountId",
    "sourceIpAddress",
    "userAgent",
    "requestParameters",
    "requestParameterJson",
    "responseElements",
    "userIdentity",
    "insightDetails",
    "resourceName",
    "resourceType",
    "referencedResources",
    "errorCode",
    "errorMessage",
    "userName",
    "accessKeyId",
    "principalId",
    "accountId",
    "invokedBy",
];

pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    if let Some(root) = respelled(root, &["eventName", "eventTime"], NAMES) {
        return spelled(&root, draft);
    }
    spelled(root, draft)
}

fn spelled<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    draft.time("eventTime", root.get("eventTime"))?;
    draft.first(Field::Id, root, &["eventId", "eventID"]);
    draft.text(Field::Action, root.get("eventName"));
    draft.first(Field::Service, root, &["serviceName", "eventSource"]);
    draft.text(Field::Region, root.get("acsRegion"));
    draft.first(Field::CorrelationId, root, &["sharedEventId", "requestId"]);
    draft.first(Field::App, root, &["recipientAccountId", "recipient"]);
    draft.address(root.get("sourceIpAddress"));
    draft.text(Field::Agent, root.get("userAgent"));
    draft.json(Field::RequestData, root.get("requestParameters"));
    draft.json(Field::RequestData, root.get("requestParameterJson"));
    draft.json(Field::ResponseData, root.get("responseElements"));
    if let Some(identity) = root.get("userIdentity") {
        read_identity(identity, draft);
    }
    if let Some(insight) = root.get("insightDetails") {
        return read_insight(insight, draft);
    }
    read_target(root, draft);
    match root.get("eventRW").and_then(Node::text) {
        Some(text) if text.eq_ignore_ascii_case("read") => draft.put(Field::Access, Access::Read.as_str()),
        Some(text) if text.eq_ignore_ascii_case("write") => draft.put(Field::Access, Access::Write.as_str()),
        _ => {}
    }
    draft.text(Field::ReasonType, root.get("errorCode"));
    draft.text(Field::ReasonText, root.get("errorMessage"));
    let failed = draft.get(Field::ReasonType).is_some_and(|code| !matches!(code, "0" | "200" | "Success"))
        || draft.get(Field::ReasonText).is_some();
    if failed {
        draft.outcome(Outcome::Failure);
    } else if draft.get(Field::Action).is_some() {
        draft.outcome(Outcome::Success);
    }
    if failed && is_denied(draft.get(Field::ReasonType).unwrap_or_default()) {
        draft.put(Field::ReasonCode, "403");
    }
    let action = draft.get(Field::Action).unwrap_or_default();
    let cadf_action = match root.get("eventType").and_then(Node::text) {
        Some("ConsoleSignin") => Some("authenticate/login"),
        Some("ConsoleSignout") => Some("authenticate/logout"),
        _ => taxonomy::cadf_action_of_operation(action),
    };
    Ok(cadf_action.map(Cow::Borrowed))
}

fn read_identity<'a>(identity: &Node<'a>, draft: &mut Draft<'a>) {
    draft.text(Field::InitiatorType, identity.get("type"));
    draft.text(Field::CredentialId, identity.get("accessKeyId"));
    draft.text(Field::InitiatorName, identity.get("userName"));
    if identity.get("type").and_then(Node::text) == Some("root-account") {
        draft.put(Field::InitiatorName, "root");
    }
    draft.first(Field::InitiatorId, identity, &["principalId", "accountId"]);
    draft.first(Field::InitiatorName, identity, &["invokedBy", "principalId", "accountId"]);
}

/// `resourceName` and `resourceType` may hold several, joined by semicolons; the first stands for all.
fn read_target<'a>(root: &Node<'a>, draft: &mut Draft<'a>) {
    let first = |text: &'_ str| text.split([';', ',']).next().map(str::len);
    for (field, name) in [(Field::TargetName, "resourceName"), (Field::TargetType, "resourceType")] {
        let part = root.get(name).and_then(|node| node.part(|text| text.get(..first(text)?)));
        draft.event.fields.set_default(field, part);
    }
    let Some((kind, ids)) = root.get("referencedResources").and_then(|referenced| referenced.members().first()) else {
        return;
    };
    draft.put(Field::TargetType, kind.clone());
    draft.text(Field::TargetName, ids.items().first());
}

fn is_denied(code: &str) -> bool {
    ["Forbidden", "NoPermission", "AccessDenied", "Unauthorized"].iter().any(|part| code.contains(part))
}

/// An Insight event tells that something departs from its baseline: nobody did it.
fn read_insight<'a>(insight: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    draft.text(Field::Action, insight.get("insightType"));
    draft.text(Field::TargetName, insight.get("insightObject"));
    draft.put(Field::TargetType, "insight");
    draft.address(insight.get("sourceIpAddress"));
    draft.text(Field::Message, insight.get("state"));
    draft.json(Field::ResponseData, insight.get("insightContext"));
    Ok(Some(Cow::Borrowed("notify")))
}
