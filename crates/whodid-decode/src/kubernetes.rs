//! Kubernetes audit events (`audit.k8s.io`), also as EKS, GKE and AKS hand them on.

use std::borrow::Cow;

use whodid_model::{Field, Outcome, taxonomy};

use crate::Decoded;
use crate::cadf::of_status;
use crate::draft::Draft;
use crate::json::Node;
use crate::respell::respelled;

/// Names of an event's members, for those that a pipeline has rewritten.
const NAMES: &[&str] = &[
    "requestReceivedTimestamp",
    "stageTimestamp",
    "creationTimestamp",
    "auditID",
    "verb",
    "stage",
    "sourceIPs",
    "userAgent",
    "user",
    "impersonatedUser",
    "username",
    "objectRef",
    "requestURI",
    "requestObject",
    "responseObject",
    "responseStatus",
    "annotations",
];

pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    if let Some(root) = respelled(root, &["verb", "auditID", "objectRef", "responseStatus"], NAMES) {
        return spelled(&root, draft);
    }
    spelled(root, draft)
}

fn spelled<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    for name in ["requestReceivedTimestamp", "stageTimestamp", "timestamp"] {
        draft.time(name, root.get(name))?;
    }
    draft.time("metadata.creationTimestamp", root.at("metadata.creationTimestamp"))?;
    draft.text(Field::Id, root.get("auditID"));
    draft.text(Field::CorrelationId, root.get("auditID"));
    draft.text(Field::Action, root.get("verb"));
    draft.put(Field::Service, "kubernetes");
    draft.address(root.at("sourceIPs.0"));
    draft.text(Field::Agent, root.get("userAgent"));
    if let Some(user) = root.get("user") {
        draft.text(Field::InitiatorName, user.get("username"));
        draft.first(Field::InitiatorId, user, &["uid", "username"]);
        let kind = initiator_type(draft.get(Field::InitiatorName).unwrap_or_default());
        draft.put(Field::InitiatorType, kind);
        if let Some(other) = root.get("impersonatedUser").and_then(|other| other.get("username")) {
            draft.impersonated(other);
        }
        draft.text(Field::CredentialId, user.at("extra.authentication.kubernetes.io/credential-id.0"));
    }
    let object = root.get("objectRef");
    read_target(root, object, draft);
    draft.json(Field::RequestData, root.get("requestObject"));
    draft.json(Field::ResponseData, root.get("responseObject"));
    read_outcome(root, draft);
    let verb = root.get("verb").and_then(Node::text).unwrap_or_default();
    Ok(cadf_action(verb, object).map(Cow::Borrowed))
}

fn initiator_type(name: &str) -> &'static str {
    if name.starts_with("system:serviceaccount:") {
        "service/security/account/serviceaccount"
    } else if name.starts_with("system:node:") {
        "compute/node"
    } else if name.starts_with("system:") && name != "system:admin" && name != "system:anonymous" {
        "service"
    } else {
        "service/security/account/user"
    }
}

/// `resource` or `resource/subresource`; the name of what is being created stands in the request.
fn read_target<'a>(root: &Node<'a>, object: Option<&Node<'a>>, draft: &mut Draft<'a>) {
    draft.text(Field::TargetId, object.and_then(|object| object.get("uid")));
    draft.text(Field::TargetId, root.get("requestURI"));
    let Some(object) = object else { return };
    draft.text(Field::TargetName, object.get("name"));
    draft.text(Field::TargetName, root.at("requestObject.metadata.name"));
    draft.text(Field::TargetName, root.at("responseObject.metadata.name"));
    let resource = draft.scalar(object.get("resource"));
    let subresource = draft.scalar(object.get("subresource"));
    match (resource, subresource) {
        (Some(resource), Some(subresource)) => draft.put(Field::TargetType, format!("{resource}/{subresource}")),
        (Some(resource), None) => draft.put(Field::TargetType, resource),
        _ => {}
    }
}

/// The response code tells; before there is one the event is pending; what the authorizer forbade failed.
fn read_outcome<'a>(root: &Node<'a>, draft: &mut Draft<'a>) {
    let status = root.get("responseStatus");
    draft.text(Field::ReasonCode, status.and_then(|status| status.get("code")));
    draft.text(Field::ReasonType, status.and_then(|status| status.get("reason")));
    draft.text(Field::ReasonText, status.and_then(|status| status.get("message")));
    let stage = root.get("stage").and_then(Node::text).unwrap_or_default();
    let code = draft.get(Field::ReasonCode).and_then(|code| code.parse().ok()).and_then(of_status);
    let stated = match status.and_then(|status| status.get("status")).and_then(Node::text) {
        Some("Failure") => Some(Outcome::Failure),
        Some("Success") => Some(Outcome::Success),
        _ => None,
    };
    let decision =
        root.get("annotations").and_then(|notes| notes.get("authorization.k8s.io/decision")).and_then(Node::text);
    let forbidden = (decision == Some("forbid")).then_some(Outcome::Failure);
    let staged = match stage {
        "RequestReceived" => Some(Outcome::Pending),
        "Panic" => Some(Outcome::Failure),
        "ResponseStarted" => Some(Outcome::Pending),
        _ => None,
    };
    if stage == "RequestReceived" {
        draft.outcome(Outcome::Pending);
    } else if let Some(outcome) = code.or(stated).or(forbidden).or(staged) {
        draft.outcome(outcome);
    }
    // Of what was allowed and failed nevertheless the annotation tells why it was allowed.
    if decision == Some("forbid") && draft.event.outcome() == Outcome::Failure {
        let reason = root.get("annotations").and_then(|notes| notes.get("authorization.k8s.io/reason"));
        draft.text(Field::ReasonText, reason);
    }
}

fn cadf_action(verb: &str, object: Option<&Node<'_>>) -> Option<&'static str> {
    let part = |name: &str| object.and_then(|object| object.get(name)).and_then(Node::text).unwrap_or_default();
    match (verb, part("resource"), part("subresource")) {
        // A session inside a container is started, whatever HTTP verb opens it.
        ("create" | "get" | "connect", "pods", "exec" | "attach" | "portforward") => Some("start"),
        // Reviews ask whether something would be allowed; they change nothing.
        (
            "create",
            "tokenreviews" | "subjectaccessreviews" | "selfsubjectaccessreviews" | "selfsubjectrulesreviews",
            _,
        )
        | ("create", "localsubjectaccessreviews" | "selfsubjectreviews", _) => Some("evaluate"),
        ("impersonate", _, _) => Some("authenticate"),
        ("bind" | "escalate", _, _) => Some("allow"),
        _ => taxonomy::cadf_action_of_verb(verb),
    }
}
