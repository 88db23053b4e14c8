//! Google Cloud audit logs: log entries with an `AuditLog` in `protoPayload`, and other log entries.

use std::borrow::Cow;

use whodid_model::{Access, Field, Outcome, taxonomy};

use crate::Decoded;
use crate::cadf::of_status;
use crate::draft::Draft;
use crate::json::Node;

pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    draft.time("timestamp", root.find("timestamp"))?;
    draft.time("receiveTimestamp", root.find("receiveTimestamp"))?;
    draft.found(Field::Id, root, &["insertId"]);
    draft.found(Field::CorrelationId, root, &["operation.id", "trace"]);
    draft.found(
        Field::Region,
        root,
        &[
            "resource.labels.location",
            "resource.labels.region",
            "resource.labels.zone",
            "protoPayload.resourceLocation.currentLocations.0",
        ],
    );
    draft.found(Field::App, root, &["resource.labels.project_id", "resource.labels.organization_id"]);
    draft.found(Field::Message, root, &["textPayload", "jsonPayload.message"]);
    match root.find("protoPayload") {
        Some(payload) => audit(root, payload, draft),
        None => other(root, draft),
    }
}

fn audit<'a>(root: &Node<'a>, payload: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    draft.found(Field::Action, payload, &["methodName"]);
    draft.found(Field::Service, payload, &["serviceName"]);
    read_delegation(payload, draft);
    draft.found(
        Field::InitiatorId,
        payload,
        &["authenticationInfo.principalSubject", "authenticationInfo.principalEmail"],
    );
    draft.found(
        Field::InitiatorName,
        payload,
        &["authenticationInfo.principalEmail", "authenticationInfo.principalSubject"],
    );
    draft.found(Field::CredentialId, payload, &["authenticationInfo.serviceAccountKeyName"]);
    if let Some(name) = draft.get(Field::InitiatorName) {
        let kind = if name.ends_with(".gserviceaccount.com") { "serviceAccount" } else { "user" };
        draft.put(Field::InitiatorType, kind);
    }
    draft.address(payload.find("requestMetadata.callerIp"));
    draft.found(Field::Agent, payload, &["requestMetadata.callerSuppliedUserAgent"]);
    draft.found(Field::TargetId, payload, &["resourceName"]);
    if let Some((resource, subresource)) = payload.find("methodName").and_then(Node::text).and_then(part_of_pod) {
        let kind = format!("{resource}/{subresource}");
        draft.put(Field::TargetType, kind);
        let pod = payload.find("resourceName").and_then(|name| name.part(|name| name.rsplit('/').nth(1)));
        draft.event.fields.set_default(Field::TargetName, pod);
    }
    let last =
        payload.find("resourceName").and_then(|name| name.part(|name| name.trim_end_matches('/').rsplit('/').next()));
    draft.event.fields.set_default(Field::TargetName, last);
    let kind = payload.find("methodName").and_then(|method| method.part(object_of_method));
    draft.event.fields.set_default(Field::TargetType, kind);
    draft.found(Field::TargetType, root, &["resource.type"]);
    draft.json(Field::RequestData, payload.find("request"));
    draft.json(Field::RequestData, payload.find("serviceData"));
    draft.json(Field::ResponseData, payload.find("response"));
    read_outcome(root, payload, draft);
    read_access(payload, draft);
    Ok(cadf_action(draft.get(Field::Action).unwrap_or_default()).map(Cow::Borrowed))
}

/// Who took the identity of a service account, and perhaps of another by it: the first acted.
fn read_delegation<'a>(payload: &Node<'a>, draft: &mut Draft<'a>) {
    let Some(first) = payload.find("authenticationInfo.serviceAccountDelegationInfo.0") else { return };
    draft.found(Field::InitiatorName, first, &["firstPartyPrincipal.principalEmail", "principalSubject"]);
    draft.found(Field::InitiatorId, first, &["principalSubject", "firstPartyPrincipal.principalEmail"]);
    let taken = payload.find("authenticationInfo.principalEmail");
    if let Some(taken) = taken.filter(|taken| taken.text() != draft.get(Field::InitiatorName)) {
        draft.impersonated(taken);
    }
}

/// `storage.objects.get` → `objects`, `io.k8s.core.v1.pods.create` → `pods`; the entry's resource is only
/// the bucket, the cluster. Methods in CamelCase name no object of their own.
fn object_of_method(method: &str) -> Option<&str> {
    let mut steps = method.rsplit('.');
    let (verb, object, _) = (steps.next()?, steps.next()?, steps.next()?);
    let is_lower = |step: &str| step.starts_with(|character: char| character.is_ascii_lowercase());
    (is_lower(verb) && is_lower(object)).then_some(object)
}

/// `io.k8s.core.v1.pods.exec.create` → `pods`, `exec`: a session inside a container.
fn part_of_pod(method: &str) -> Option<(&str, &str)> {
    let mut steps = method.rsplit('.').skip(1);
    let (subresource, resource) = (steps.next()?, steps.next()?);
    (resource == "pods" && matches!(subresource, "exec" | "attach" | "portforward")).then_some((resource, subresource))
}

/// A status code other than 0 is a failure, and so is a permission that was not granted. The first
/// entry of a long-running operation is pending: its last entry tells the end.
fn read_outcome<'a>(root: &Node<'a>, payload: &Node<'a>, draft: &mut Draft<'a>) {
    let code = payload.find("status.code").and_then(Node::int).unwrap_or(0);
    let refused = payload.find("authorizationInfo").is_some_and(|checks| {
        checks.items().iter().any(|check| check.find("granted").and_then(Node::truth) == Some(false))
    });
    let method = payload.find("methodName").and_then(Node::text).unwrap_or_default();
    let says_failure = method.rsplit('.').next().is_some_and(|method| method.to_ascii_lowercase().ends_with("failure"));
    let first = root.find("operation.first").and_then(Node::truth) == Some(true);
    let last = root.find("operation.last").and_then(Node::truth) == Some(true);
    if code != 0 {
        let (status, name) = of_grpc(code);
        draft.put(Field::ReasonCode, status);
        draft.put(Field::ReasonType, name);
        draft.found(Field::ReasonText, payload, &["status.message"]);
        draft.outcome(Outcome::Failure);
    } else if refused {
        draft.put(Field::ReasonCode, "403");
        draft.put(Field::ReasonType, "PERMISSION_DENIED");
        draft.outcome(Outcome::Failure);
    } else if says_failure {
        draft.outcome(Outcome::Failure);
    } else if first && !last {
        draft.outcome(Outcome::Pending);
    } else if !method.is_empty() {
        draft.outcome(Outcome::Success);
    }
}

/// The HTTP status and the name of a gRPC code (google.rpc.Code).
fn of_grpc(code: i64) -> (&'static str, &'static str) {
    match code {
        1 => ("499", "CANCELLED"),
        3 => ("400", "INVALID_ARGUMENT"),
        4 => ("504", "DEADLINE_EXCEEDED"),
        5 => ("404", "NOT_FOUND"),
        6 => ("409", "ALREADY_EXISTS"),
        7 => ("403", "PERMISSION_DENIED"),
        8 => ("429", "RESOURCE_EXHAUSTED"),
        9 => ("400", "FAILED_PRECONDITION"),
        10 => ("409", "ABORTED"),
        11 => ("400", "OUT_OF_RANGE"),
        12 => ("501", "UNIMPLEMENTED"),
        13 => ("500", "INTERNAL"),
        14 => ("503", "UNAVAILABLE"),
        15 => ("500", "DATA_LOSS"),
        16 => ("401", "UNAUTHENTICATED"),
        _ => ("500", "UNKNOWN"),
    }
}

/// Where the type of the checked permission is stated it tells; else the method's verb does.
fn read_access<'a>(payload: &Node<'a>, draft: &mut Draft<'a>) {
    let checks = payload.find("authorizationInfo").map(Node::items).unwrap_or_default();
    let mut stated = checks.iter().filter_map(|check| check.find("permissionType")).filter_map(Node::text).peekable();
    if stated.peek().is_some() {
        let writes = stated.any(|kind| kind.ends_with("WRITE"));
        draft.put(Field::Access, if writes { Access::Write } else { Access::Read }.as_str());
    }
}

fn cadf_action(method: &str) -> Option<&'static str> {
    let last = method.rsplit(['.', '/']).next()?;
    // A session inside a container is started, as Kubernetes itself tells it.
    if part_of_pod(method).is_some() {
        return Some("start");
    }
    match last {
        "loginSuccess" | "loginFailure" | "riskySensitiveActionAllowed" => return Some("authenticate/login"),
        _ => {}
    }
    taxonomy::cadf_action_of_verb(last).or_else(|| taxonomy::cadf_action_of_operation(last))
}

/// A log entry that is no audit log: a request to a load balancer, a text.
fn other<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    let service = root.find("logName").and_then(|name| name.part(|name| name.rsplit('/').next()));
    draft.event.fields.set_default(Field::Service, service);
    draft.json(Field::RequestData, root.find("jsonPayload"));
    if let Some(request) = root.find("httpRequest") {
        draft.found(Field::Action, request, &["requestMethod"]);
        draft.found(Field::TargetId, request, &["requestUrl"]);
        draft.put(Field::TargetType, "url");
        draft.address(request.find("remoteIp"));
        draft.found(Field::Agent, request, &["userAgent"]);
        draft.found(Field::ReasonCode, request, &["status"]);
        if let Some(outcome) = request.find("status").and_then(Node::int).and_then(of_status) {
            draft.outcome(outcome);
        }
    }
    draft.found(Field::TargetType, root, &["resource.type"]);
    // What a request to a web server does to it is not known; looking is.
    let looks = matches!(draft.get(Field::Action), Some("GET" | "HEAD"));
    Ok(Some(Cow::Borrowed(if looks { "read" } else { "unknown" })))
}
