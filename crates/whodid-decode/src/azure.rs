//! Azure activity log, resource logs, Entra sign-in and audit logs; as diagnostic settings stream them
//! and as the REST and Graph interfaces answer. Some pipelines write the names in lower case; all
//! names are read whatever their case.

use std::borrow::Cow;

use whodid_model::{Field, Outcome, Reject, RejectCode, taxonomy};

use crate::Decoded;
use crate::draft::Draft;
use crate::json::{Node, Value};
use crate::kubernetes;

const CLAIM_UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
const CLAIM_NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
/// Of guests, who have no principal name in this directory.
const CLAIM_EMAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
const CLAIM_OBJECT: &str = "http://schemas.microsoft.com/identity/claims/objectidentifier";

pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    // A log that only mentions Kubernetes, or was cut off, is an Azure record like any other.
    let kube_audit = match root.find("properties.log").and_then(Node::text) {
        Some(log) if log.contains("audit.k8s.io") => draft.within("properties.log", log, kubernetes_event).ok(),
        _ => None,
    };
    for name in
        ["time", "eventTimestamp", "createdDateTime", "activityDateTime", "submissionTimestamp", "TimeGenerated"]
    {
        draft.time(name, root.find(name))?;
    }
    for name in ["properties.createdDateTime", "properties.activityDateTime"] {
        draft.time(name, root.find(name))?;
    }
    draft.found(Field::Id, root, &["eventDataId", "properties.eventDataId"]);
    // Key Vault's is the address of the secret.
    draft.text(Field::Id, root.find("properties.id").filter(|id| !is_url(id)));
    if root.find("resourceId").is_none() || root.find("activityDisplayName").is_some() {
        draft.found(Field::Id, root, &["id"]);
    }
    draft.found(Field::CorrelationId, root, &["correlationId", "properties.correlationId", "operationId"]);
    draft.found(
        Field::Action,
        root,
        &[
            "operationName",
            "operationName.value",
            "authorization.action",
            "activityDisplayName",
            "properties.activityDisplayName",
            "category",
        ],
    );
    if root.find("appDisplayName").is_some() && root.find("userPrincipalName").is_some() {
        draft.put(Field::Action, "Sign-in activity");
    }
    draft.found(Field::Message, root, &["description", "operationName.localizedValue", "properties.message"]);
    // A sign-in's location is where the user is, not where the service runs.
    if !is_sign_in(root) {
        draft.found(Field::Region, root, &["location", "resourceLocation", "properties.resourceLocation"]);
    }
    draft.found(Field::App, root, &["subscriptionId", "tenantId", "properties.tenantId"]);
    read_initiator(root, draft);
    read_address(root, draft);
    read_target(root, draft);
    read_service(root, draft);
    if let Some(cadf_action) = kube_audit {
        // The cluster that the event came from.
        draft.event.fields.clear(Field::App);
        draft.found(Field::App, root, &["resourceId"]);
        return Ok(cadf_action);
    }
    draft.json(Field::RequestData, root.find("properties.requestbody"));
    draft.json(Field::RequestData, root.find("properties.targetResources.0.modifiedProperties"));
    draft.json(Field::RequestData, root.find("targetResources.0.modifiedProperties"));
    draft.json(Field::ResponseData, root.find("properties.responseBody"));
    read_outcome(root, draft);
    Ok(cadf_action(draft.get(Field::Action).unwrap_or_default()).map(Cow::Borrowed))
}

fn kubernetes_event<'i>(root: &Node<'i>, inner: &mut Draft<'i>) -> Decoded<'i> {
    if root.text_at("apiVersion").is_some_and(|version| version.starts_with("audit.k8s.io/")) {
        return kubernetes::decode(root, inner);
    }
    Err(Reject::new(RejectCode::BadField, "the log is no Kubernetes audit event"))
}

fn is_url(node: &Node<'_>) -> bool {
    node.text().is_some_and(|text| text.contains("://"))
}

/// The claims of the caller's token; Key Vault calls them by the singular.
fn claims<'n, 'a>(root: &'n Node<'a>) -> impl Iterator<Item = &'n Node<'a>> {
    ["identity.claims", "identity.claim", "claims"].into_iter().filter_map(|path| root.find(path))
}

fn read_initiator<'a>(root: &Node<'a>, draft: &mut Draft<'a>) {
    for initiated in [root.find("properties.initiatedBy"), root.find("initiatedBy")].into_iter().flatten() {
        draft.found(
            Field::InitiatorName,
            initiated,
            &["user.userPrincipalName", "user.displayName", "app.displayName"],
        );
        draft.found(Field::InitiatorId, initiated, &["user.id", "app.servicePrincipalId", "app.appId"]);
        draft.found(
            Field::InitiatorName,
            initiated,
            &["user.id", "app.servicePrincipalName", "app.servicePrincipalId"],
        );
        if initiated.find("app").is_some_and(|app| !app.is_empty()) {
            draft.put(Field::InitiatorType, "servicePrincipal");
        }
    }
    for claims in claims(root) {
        for name in [CLAIM_UPN, "upn", CLAIM_EMAIL, "unique_name", CLAIM_NAME, "name"] {
            draft.text(Field::InitiatorName, claims.get(name));
        }
        for name in [CLAIM_OBJECT, "oid", "appid"] {
            draft.text(Field::InitiatorId, claims.get(name));
        }
        draft.found(Field::InitiatorType, claims, &["idtyp"]);
    }
    draft.found(
        Field::InitiatorName,
        root,
        &[
            "caller",
            "properties.caller",
            "properties.userPrincipalName",
            "userPrincipalName",
            "properties.servicePrincipalName",
            "servicePrincipalName",
            "identity.requester.upn",
            "requesterUpn",
        ],
    );
    if let Some(identity) = root.find("identity").filter(|identity| matches!(identity.value, Value::Text(_))) {
        draft.text(Field::InitiatorName, Some(identity));
    }
    draft.found(
        Field::InitiatorName,
        root,
        &["identity.authorization.evidence.principalId", "properties.userDisplayName", "userDisplayName"],
    );
    draft.found(
        Field::InitiatorId,
        root,
        &[
            "properties.userId",
            "userId",
            "properties.servicePrincipalId",
            "servicePrincipalId",
            "identity.authorization.evidence.principalId",
            "identity.requester.objectId",
            "requesterObjectId",
            "identity.requester.appId",
        ],
    );
    draft.found(
        Field::InitiatorName,
        root,
        &["properties.userId", "properties.servicePrincipalId", "properties.appDisplayName"],
    );
    draft.found(Field::InitiatorType, root, &["identity.authorization.evidence.principalType", "properties.userType"]);
    draft.found(
        Field::CredentialType,
        root,
        &[
            "properties.authenticationProtocol",
            "properties.clientCredentialType",
            "authenticationType",
            "identity.type",
        ],
    );
    draft.found(Field::CredentialId, root, &["properties.servicePrincipalCredentialKeyId"]);
}

fn read_address<'a>(root: &Node<'a>, draft: &mut Draft<'a>) {
    for path in [
        "callerIpAddress",
        "properties.ipAddress",
        "ipAddress",
        "properties.initiatedBy.user.ipAddress",
        "initiatedBy.user.ipAddress",
        "httpRequest.clientIpAddress",
    ] {
        draft.address(root.find(path));
    }
    for claims in claims(root) {
        draft.address(claims.get("ipaddr"));
    }
    draft.found(
        Field::Agent,
        root,
        &[
            "properties.userAgent",
            "userAgent",
            "httpRequest.userAgent",
            "properties.userAgentHeader",
            "userAgentHeader",
            "properties.clientInfo",
        ],
    );
    for details in [root.find("properties.additionalDetails"), root.find("additionalDetails")].into_iter().flatten() {
        let agent = details.items().iter().find(|detail| detail.find("key").and_then(Node::text) == Some("User-Agent"));
        draft.text(Field::Agent, agent.and_then(|agent| agent.find("value")));
    }
}

/// Entra audit names the target; a sign-in's target is the application; else it is the resource.
fn read_target<'a>(root: &Node<'a>, draft: &mut Draft<'a>) {
    if let Some(target) = root.find("properties.targetResources.0").or_else(|| root.find("targetResources.0")) {
        draft.found(Field::TargetId, target, &["id"]);
        draft.found(Field::TargetName, target, &["userPrincipalName", "displayName"]);
        draft.found(Field::TargetType, target, &["type"]);
        return;
    }
    if is_sign_in(root) {
        draft.found(
            Field::TargetName,
            root,
            &["properties.appDisplayName", "appDisplayName", "properties.resourceDisplayName", "resourceDisplayName"],
        );
        draft.found(Field::TargetId, root, &["properties.appId", "appId", "properties.resourceId"]);
        draft.put(Field::TargetType, "application");
        return;
    }
    // What Storage and Key Vault were asked for is more than the account or the vault.
    let object = root.find("properties.objectKey").or_else(|| root.find("objectKey"));
    if object.is_some() {
        draft.text(Field::TargetName, object);
        draft.found(Field::TargetId, root, &["uri", "properties.uri"]);
        draft.found(Field::TargetType, root, &["properties.serviceType", "serviceType"]);
        if root.find("resourceId").and_then(Node::text).is_some_and(|id| id.contains("/blobServices")) {
            draft.put(Field::TargetType, "blob");
        }
    }
    if let Some(secret) = root.find("properties.id").filter(|id| is_url(id)) {
        draft.text(Field::TargetId, Some(secret));
        draft.event.fields.set_default(Field::TargetName, secret.part(|url| url.split('/').nth(4)));
        draft.event.fields.set_default(Field::TargetType, secret.part(|url| url.split('/').nth(3)));
    }
    let resource =
        root.find("resourceId").or_else(|| root.find("authorization.scope")).or_else(|| root.find("resourceUri"));
    draft.text(Field::TargetId, resource);
    let last = resource.and_then(|id| id.part(|id| id.trim_end_matches('/').rsplit('/').next()));
    draft.event.fields.set_default(Field::TargetName, last);
    draft.found(Field::TargetType, root, &["resourceType.value", "resourceType"]);
    let kind = resource.and_then(Node::text).and_then(resource_type);
    draft.event.fields.set_default(Field::TargetType, kind.map(Cow::Owned));
}

fn is_sign_in(root: &Node<'_>) -> bool {
    let category = root.find("category").and_then(Node::text).unwrap_or_default();
    category.ends_with("SignInLogs")
        || root.find("properties.appDisplayName").is_some()
        || root.find("appDisplayName").is_some() && root.find("userPrincipalName").is_some()
}

/// `…/providers/Microsoft.Compute/disks/d1/parts/p1` → `Microsoft.Compute/disks/parts`.
fn resource_type(id: &str) -> Option<String> {
    let lower = id.to_ascii_lowercase();
    let start = lower.rfind("/providers/")? + "/providers/".len();
    let mut steps = id.get(start..)?.split('/');
    let mut kind = steps.next()?.to_owned();
    while let Some(step) = steps.next() {
        kind.push('/');
        kind.push_str(step);
        steps.next();
    }
    Some(kind)
}

fn read_service<'a>(root: &Node<'a>, draft: &mut Draft<'a>) {
    draft.found(
        Field::Service,
        root,
        &["resourceProviderName.value", "resourceProvider", "properties.loggedByService", "loggedByService"],
    );
    for path in ["operationName", "operationName.value", "authorization.action"] {
        let provider =
            root.find(path).and_then(|name| name.part(|name| name.split_once('/').map(|(provider, _)| provider)));
        draft.event.fields.set_default(Field::Service, provider);
    }
    if !is_sign_in(root) {
        let provider = root.find("resourceId").and_then(|id| id.part(provider_of));
        draft.event.fields.set_default(Field::Service, provider);
    }
    draft.found(Field::Service, root, &["category"]);
}

/// `…/providers/Microsoft.Storage/storageAccounts/a` → `Microsoft.Storage`.
fn provider_of(id: &str) -> Option<&str> {
    let start = id.to_ascii_lowercase().rfind("/providers/")? + "/providers/".len();
    id.get(start..)?.split('/').next()
}

/// The most definite statement wins: the result type, the result of an Entra audit, a sign-in's error
/// code, the status, and last the signature and the HTTP status.
fn read_outcome<'a>(root: &Node<'a>, draft: &mut Draft<'a>) {
    let words = [
        "resultType",
        "properties.result",
        "properties.resultType",
        "result",
        "status.value",
        "status",
        "properties.status",
        "properties.metricResponseType",
        "metricResponseType",
        "resultSignature",
        "statusCode",
        "statusText",
        "properties.statusCode",
        "properties.httpStatusCode",
        "subStatus.value",
    ];
    let error_code = root.find("properties.status.errorCode").or_else(|| root.find("status.errorCode"));
    let mut outcome = None;
    for word in words {
        let node = root.find(word);
        outcome = node.and_then(|node| draft.scalar(Some(node))).and_then(|text| outcome_of(&text));
        if outcome.is_none() && word == "resultType" {
            outcome =
                error_code.and_then(Node::int).map(|code| if code == 0 { Outcome::Success } else { Outcome::Failure });
        }
        if outcome.is_some() {
            break;
        }
    }
    let Some(mut outcome) = outcome else { return };
    // Key Vault writes that it succeeded in refusing a caller.
    let status = root.find("properties.httpStatusCode").and_then(Node::int);
    if outcome == Outcome::Success && status.and_then(crate::cadf::of_status) == Some(Outcome::Failure) {
        outcome = Outcome::Failure;
    }
    draft.outcome(outcome);
    read_reason(root, outcome, error_code, draft);
}

fn read_reason<'a>(root: &Node<'a>, outcome: Outcome, error_code: Option<&Node<'a>>, draft: &mut Draft<'a>) {
    for path in [
        "resultSignature",
        "statusCode",
        "properties.statusCode",
        "properties.httpStatusCode",
        "subStatus.value",
        "resultType",
        "properties.metricResponseType",
    ] {
        let Some(text) = draft.scalar(root.find(path)) else { continue };
        if text.parse::<u16>().is_ok_and(|code| (100..=599).contains(&code)) {
            draft.put(Field::ReasonCode, text);
        } else if let Some(code) = http_of(&text) {
            draft.put(Field::ReasonCode, code);
            draft.put(Field::ReasonType, text);
        }
    }
    if outcome != Outcome::Failure {
        return;
    }
    draft.text(Field::ReasonCode, error_code);
    draft.found(Field::ReasonType, root, &["properties.metricResponseType", "metricResponseType", "statusText"]);
    if let Some(text) = draft.scalar(root.find("resultType")) {
        if text.parse::<u32>().is_ok() {
            draft.put(Field::ReasonCode, text);
        } else if !matches!(text.to_ascii_lowercase().as_str(), "failure" | "failed" | "error") {
            draft.put(Field::ReasonType, text);
        }
    }
    draft.found(
        Field::ReasonText,
        root,
        &[
            "properties.status.failureReason",
            "status.failureReason",
            "resultDescription",
            "properties.resultReason",
            "resultReason",
            "properties.statusMessage",
            "properties.resultDescription",
        ],
    );
}

fn outcome_of(text: &str) -> Option<Outcome> {
    let bare = text.trim_end_matches('.').to_ascii_lowercase();
    match bare.as_str() {
        "0" | "success" | "succeeded" | "ok" | "created" | "completed" | "nocontent" | "active" | "resolved" => {
            Some(Outcome::Success)
        }
        "start" | "started" | "accept" | "accepted" | "inprogress" | "in progress" | "running" | "updating" => {
            Some(Outcome::Pending)
        }
        "failure" | "failed" | "error" | "fail" | "timeout" | "canceled" | "cancelled" | "clienterror"
        | "servererror" => Some(Outcome::Failure),
        "forbidden"
        | "unauthorized"
        | "badrequest"
        | "notfound"
        | "conflict"
        | "accessdenied"
        | "authorizationfailed"
        | "internalservererror"
        | "interrupted" => Some(Outcome::Failure),
        // Storage: `ClientOtherError`, `SASAuthorizationError`, `AuthorizationFailure`, `SuccessWithThrottling`.
        text if !text.contains(' ') && (text.ends_with("error") || text.ends_with("failure")) => Some(Outcome::Failure),
        text if text.starts_with("successwith") => Some(Outcome::Success),
        _ => {
            let code: i64 = bare.parse().ok()?;
            // Sign-in results are error codes of five digits and more; below 600 stand HTTP statuses.
            crate::cadf::of_status(code).or(Some(Outcome::Failure))
        }
    }
}

fn http_of(text: &str) -> Option<&'static str> {
    match text.trim_end_matches('.').to_ascii_lowercase().as_str() {
        "forbidden" | "authorizationfailed" | "authorizationfailure" | "accessdenied" => Some("403"),
        "unauthorized" => Some("401"),
        "notfound" => Some("404"),
        "conflict" => Some("409"),
        "badrequest" => Some("400"),
        "ok" => Some("200"),
        "created" => Some("201"),
        "accepted" => Some("202"),
        "nocontent" => Some("204"),
        _ => None,
    }
}

/// `MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION` → `read/list`; Entra's names are sentences.
fn cadf_action(action: &str) -> Option<&'static str> {
    let lower = action.to_ascii_lowercase();
    if lower.starts_with("sign-in") || lower.ends_with("signinlogs") {
        return Some("authenticate/login");
    }
    if lower.contains("elevated") {
        return Some("allow");
    }
    if !lower.contains('/') {
        // "Delete conditional access policy", "Authentication Methods Policy Update": the verb opens or closes.
        let mut words = lower.split([' ', '_', '-']);
        return words
            .next()
            .and_then(taxonomy::cadf_action_of_verb)
            .or_else(|| words.next_back().and_then(taxonomy::cadf_action_of_verb))
            .or_else(|| (!action.contains(' ') && action == lower).then(|| verb_at_front(action)).flatten());
    }
    let mut steps = lower.rsplit('/');
    match steps.next()? {
        "action" => {
            let step = steps.next()?;
            verb_at_front(step)
        }
        last => taxonomy::cadf_action_of_verb(last),
    }
}

/// Operations are written in one case, so the verb is found by its letters: `listkeys`, `regeneratekey`.
fn verb_at_front(step: &str) -> Option<&'static str> {
    const FRONTS: &[(&str, &str)] = &[
        ("list", "read/list"),
        ("get", "read"),
        ("begingetaccess", "read"),
        ("endgetaccess", "update"),
        ("regenerate", "update"),
        ("generate", "create"),
        ("poweroff", "stop"),
        ("deallocate", "stop"),
        ("restart", "update/reboot"),
        ("runcommand", "start"),
        ("elevateaccess", "allow"),
        ("retrieve", "read"),
        ("check", "evaluate"),
        ("validate", "evaluate"),
        ("start", "start"),
        ("stop", "stop"),
        ("reset", "update"),
        ("add", "create"),
        ("create", "create"),
        ("delete", "delete"),
        ("remove", "delete"),
        ("purge", "delete"),
        ("update", "update"),
        ("set", "update"),
        ("join", "update"),
        ("publish", "update"),
        ("enable", "enable"),
        ("disable", "disable"),
        ("export", "read"),
        ("import", "create"),
        ("restore", "restore"),
        ("recover", "restore"),
        ("backup", "backup"),
        ("read", "read"),
        ("write", "update"),
    ];
    taxonomy::cadf_action_of_verb(step)
        .or_else(|| FRONTS.iter().find(|(front, _)| step.starts_with(front)).map(|(_, action)| *action))
}
