//! AWS CloudTrail: records, the answers of LookupEvents, Insight events, EventBridge envelopes, and
//! the rows of a bucket alert feed that name CloudTrail's members in words.

use std::borrow::Cow;

use whodid_model::{Access, Field, Outcome, taxonomy};

use crate::Decoded;
use crate::draft::Draft;
use crate::json::{self, Node, Value};
use crate::python_literal;
use crate::respell::respelled;

/// Request parameters that name what a call was about, most telling first, and the kind of each.
const TARGET_PARAMETERS: &[(&str, &str)] = &[
    ("bucketName", "bucket"),
    ("functionName", "function"),
    ("secretId", "secret"),
    ("keyId", "key"),
    ("trailName", "trail"),
    ("policyName", "policy"),
    ("policyArn", "policy"),
    ("accessKeyId", "access-key"),
    ("userName", "user"),
    ("roleName", "role"),
    ("groupName", "group"),
    ("roleArn", "role"),
    ("instanceProfileName", "instance-profile"),
    ("groupId", "security-group"),
    ("instanceId", "instance"),
    ("snapshotId", "snapshot"),
    ("volumeId", "volume"),
    ("imageId", "image"),
    ("keyName", "key-pair"),
    ("vpcId", "vpc"),
    ("subnetId", "subnet"),
    ("detectorId", "detector"),
    ("dBSnapshotIdentifier", "db-snapshot"),
    ("dBInstanceIdentifier", "db-instance"),
    ("dBClusterIdentifier", "db-cluster"),
    ("tableName", "table"),
    ("topicArn", "topic"),
    ("queueUrl", "queue"),
    ("repositoryName", "repository"),
    ("clusterName", "cluster"),
    ("stackName", "stack"),
    ("domainName", "domain"),
    ("logGroupName", "log-group"),
    ("certificateArn", "certificate"),
    ("distributionId", "distribution"),
    ("hostedZoneId", "hosted-zone"),
    ("webACLId", "web-acl"),
    ("modelId", "model"),
    ("documentName", "document"),
    ("parameterName", "parameter"),
    ("accountId", "account"),
    ("resourceArn", "resource"),
    ("resourceId", "resource"),
    ("arn", "resource"),
    ("name", "resource"),
    ("id", "resource"),
];

pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    if let Some(text) = root.get("CloudTrailEvent").and_then(Node::text) {
        let cadf_action = draft.within("CloudTrailEvent", text, record)?;
        return lookup_answer(root, draft).map(|()| cadf_action);
    }
    if root.get("EventName").is_some() && root.get("eventName").is_none() {
        lookup_answer(root, draft)?;
        return Ok(None);
    }
    if root.get("Event Name").is_some() {
        return alert_row(root, draft);
    }
    if let Some(detail) = root.get("detail").filter(|detail| detail.get("eventName").is_some()) {
        return record(detail, draft);
    }
    record(root, draft)
}

/// Names of a record's members, for those that a pipeline has rewritten.
const NAMES: &[&str] = &[
    "eventTime",
    "eventName",
    "eventSource",
    "eventID",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "userIdentity",
    "requestParameters",
    "responseElements",
    "resources",
    "recipientAccountId",
    "sharedEventID",
    "readOnly",
    "insightDetails",
    "requestID",
    "serviceEventDetails",
    "principalId",
    "accountId",
    "accessKeyId",
    "credentialId",
    "invokedBy",
    "sessionContext",
    "sessionIssuer",
    "sourceIdentity",
    "onBehalfOf",
    "userId",
    "userName",
    "roleName",
    "groupName",
    "policyName",
    "bucketName",
    "functionName",
    "secretId",
    "keyId",
    "trailName",
    "instanceId",
];

fn record<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    if let Some(root) = respelled(root, &["eventName", "eventTime"], NAMES) {
        return spelled_record(&root, draft);
    }
    spelled_record(root, draft)
}

fn spelled_record<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    let mut errors = [None, None];
    let mut identity = None;
    let mut request = None;
    let mut answer = None;
    let mut resources = None;
    let mut insight = None;
    for (name, node) in root.members() {
        match name.as_ref() {
            "eventTime" => draft.time("eventTime", Some(node))?,
            "eventName" => draft.text(Field::Action, Some(node)),
            "eventSource" => draft.text(Field::Service, Some(node)),
            "eventID" => draft.text(Field::Id, Some(node)),
            "awsRegion" => draft.text(Field::Region, Some(node)),
            "sourceIPAddress" => draft.address(Some(node)),
            "userAgent" => draft.text(Field::Agent, Some(node)),
            "errorCode" => errors[0] = Some(node),
            "errorMessage" => errors[1] = Some(node),
            "userIdentity" => identity = Some(node),
            "requestParameters" => request = Some(node),
            "responseElements" => answer = Some(node),
            "resources" => resources = Some(node),
            "recipientAccountId" => draft.text(Field::App, Some(node)),
            "sharedEventID" => draft.text(Field::CorrelationId, Some(node)),
            "readOnly" => read_only(node, draft),
            "insightDetails" => insight = Some(node),
            _ => {}
        }
    }
    draft.text(Field::CorrelationId, root.get("requestID"));
    draft.json(Field::RequestData, request);
    draft.json(Field::ResponseData, answer);
    if let Some(identity) = identity {
        read_identity(identity, draft);
    }
    if let Some(insight) = insight {
        return read_insight(insight, draft);
    }
    read_target(resources, request, answer, draft);
    if draft.get(Field::RequestData).is_none() {
        draft.json(Field::RequestData, root.get("serviceEventDetails"));
    }
    draft.text(Field::ReasonType, errors[0]);
    draft.text(Field::ReasonText, errors[1]);
    let sign_in_failed = says_failure(answer) || says_failure(root.get("serviceEventDetails"));
    let failed = sign_in_failed || draft.get(Field::ReasonType).is_some() || draft.get(Field::ReasonText).is_some();
    // A record tells a failure by its error, so one without is a success, but only if it tells a deed.
    if failed {
        draft.outcome(Outcome::Failure);
    } else if draft.get(Field::Action).is_some() {
        draft.outcome(Outcome::Success);
    }
    if let Some(status) = status_of_error(draft.get(Field::ReasonType).unwrap_or_default()) {
        draft.put(Field::ReasonCode, status);
    } else if sign_in_failed {
        draft.put(Field::ReasonCode, "401");
    }
    Ok(of_operation(draft))
}

/// The verb is the operation's first word; what stands before it only says for how many or by whom.
fn of_operation<'a>(draft: &Draft<'a>) -> Option<Cow<'a, str>> {
    let operation = draft.get(Field::Action)?;
    let bare = ["Batch", "Admin"].iter().find_map(|front| operation.strip_prefix(front)).unwrap_or(operation);
    let allocates = operation.starts_with("Allocate").then_some("create");
    let read = (draft.get(Field::Access) == Some("read")).then_some("read");
    taxonomy::cadf_action_of_operation(operation)
        .or_else(|| taxonomy::cadf_action_of_operation(bare))
        .or(allocates)
        .or(read)
        .map(Cow::Borrowed)
}

fn read_only<'a>(node: &Node<'a>, draft: &mut Draft<'a>) {
    if let Some(reads) = node.truth() {
        draft.put(Field::Access, if reads { Access::Read } else { Access::Write }.as_str());
    }
}

/// Who acted: the person who stands behind a session, where CloudTrail knows one (`sourceIdentity`,
/// `onBehalfOf`); else the user's name; for an assumed role `role/session`; the service that acted for the account.
fn read_identity<'a>(identity: &Node<'a>, draft: &mut Draft<'a>) {
    let kind = identity.get("type").and_then(Node::text).unwrap_or_default();
    draft.text(Field::InitiatorType, identity.get("type"));
    draft.first(Field::CredentialId, identity, &["accessKeyId", "credentialId"]);
    draft.text(Field::InitiatorName, identity.at("sessionContext.sourceIdentity"));
    if let Some(person) = identity.at("onBehalfOf.userId") {
        draft.text(Field::InitiatorName, Some(person));
        if kind == "IdentityCenterUser" {
            draft.text(Field::InitiatorId, Some(person));
        }
    }
    draft.text(Field::InitiatorName, telling(identity.get("userName")));
    if matches!(kind, "AssumedRole" | "FederatedUser" | "") {
        let session = identity.get("arn").and_then(|arn| {
            arn.part(|arn| {
                let resource = arn.splitn(6, ':').nth(5)?;
                resource.strip_prefix("assumed-role/").or_else(|| resource.strip_prefix("federated-user/"))
            })
        });
        draft.event.fields.set_default(Field::InitiatorName, session);
        let issuer = identity.at("sessionContext.sessionIssuer.userName");
        draft.text(Field::InitiatorName, issuer);
    }
    if kind == "Root" {
        draft.put(Field::InitiatorName, "root");
    }
    draft.first(Field::InitiatorId, identity, &["arn", "principalId", "accountId", "invokedBy"]);
    if kind != "IAMUser" && kind != "Root" {
        draft.first(Field::InitiatorName, identity, &["invokedBy"]);
    }
    let last_of_arn = identity.get("arn").and_then(|arn| arn.part(|arn| arn.rsplit(['/', ':']).next()));
    draft.event.fields.set_default(Field::InitiatorName, last_of_arn);
    let session =
        identity.get("principalId").and_then(|id| id.part(|id| id.split_once(':').map(|(_, session)| session)));
    draft.event.fields.set_default(Field::InitiatorName, session);
    draft.first(Field::InitiatorName, identity, &["principalId", "accountId"]);
    draft.text(Field::App, identity.get("accountId"));
}

/// What CloudTrail writes in place of what it must not tell.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// A text that tells something.
fn telling<'n, 'a>(node: Option<&'n Node<'a>>) -> Option<&'n Node<'a>> {
    node.filter(|node| node.text().is_some_and(|text| text != HIDDEN))
}

fn read_target<'a>(
    resources: Option<&Node<'a>>,
    request: Option<&Node<'a>>,
    answer: Option<&Node<'a>>,
    draft: &mut Draft<'a>,
) {
    let operation = draft.get(Field::Action).unwrap_or_default().to_owned();
    let service = draft.get(Field::Service).unwrap_or_default().to_owned();
    if operation == "RunInstances" {
        // The request tells only what they are made from.
        draft.text(Field::TargetName, answer.and_then(|answer| answer.at("instancesSet.items.0.instanceId")));
        put_kind("instance", draft);
    } else if let Some(request) = request {
        let inner = request.text().filter(|text| text.trim_start().starts_with('{'));
        let named = match inner.and_then(|text| json::parse_event(text).ok()) {
            Some(inner) => named_by(&operation, &service, &inner)
                .map(|(name, kind)| (name.map(|name| Cow::Owned(name.into_owned())), kind)),
            None => named_by(&operation, &service, request),
        };
        if let Some((name, kind)) = named {
            draft.event.fields.set_default(Field::TargetName, name);
            put_kind(&kind, draft);
        }
    }
    let resources = resources.map(Node::items).unwrap_or_default();
    let arn = |resource: &Node<'a>| {
        resource.get("ARN").or_else(|| resource.get("arn")).and_then(Node::text).map(str::to_owned)
    };
    let is_chosen = |resource: &&Node<'a>| {
        let (Some(arn), Some(name)) = (arn(resource), draft.get(Field::TargetName)) else { return false };
        arn.strip_suffix(name).is_some_and(|front| front.is_empty() || front.ends_with([':', '/']))
    };
    let Some(resource) = resources.iter().find(is_chosen).or(resources.first()) else { return };
    draft.first(Field::TargetId, resource, &["ARN", "arn", "ResourceName"]);
    if ["type", "ResourceType"].iter().any(|name| resource.get(name).and_then(Node::text).is_some()) {
        draft.event.fields.clear(Field::TargetType);
        draft.first(Field::TargetType, resource, &["type", "ResourceType"]);
    }
}

/// The name and the kind that the parameters of a request tell; of several of a kind the first.
fn named_by<'n>(
    operation: &str,
    service: &str,
    request: &Node<'n>,
) -> Option<(Option<Cow<'n, str>>, Cow<'static, str>)> {
    let whole = |node: &Node<'n>| node.part(|text| Some(text));
    // A policy is put on somebody, and who that is matters more than what it is called.
    for (end, name, kind) in [
        ("UserPolicy", "userName", "user"),
        ("RolePolicy", "roleName", "role"),
        ("GroupPolicy", "groupName", "group"),
        ("UserPermissionsBoundary", "userName", "user"),
        ("RolePermissionsBoundary", "roleName", "role"),
    ] {
        if let Some(owner) = telling(request.get(name)).filter(|_| operation.ends_with(end)) {
            return Some((whole(owner), kind.into()));
        }
    }
    if let Some(key) = telling(request.get("key")).filter(|_| request.get("bucketName").is_some()) {
        return Some((whole(key), "object".into()));
    }
    for (name, kind) in TARGET_PARAMETERS {
        if let Some(found) = telling(request.get(name)) {
            let kind = if *kind == "resource" { kind_in_service(service) } else { kind };
            return Some((whole(found), kind.into()));
        }
    }
    for (path, kind) in [
        ("instancesSet.items.0.instanceId", "instance"),
        ("snapshotSet.items.0.snapshotId", "snapshot"),
        ("secretIdList.0", "secret"),
        ("names.0", kind_in_service(service)),
    ] {
        if let Some(found) = telling(request.at(path)) {
            return Some((whole(found), kind.into()));
        }
    }
    if operation == "BatchGetSecretValue" {
        return Some((None, "secret".into()));
    }
    // EC2's newer calls: {"DeleteFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-…"}}}.
    let (_, inner) = request.members().iter().find(|(name, _)| name.ends_with("Request"))?;
    inner.members().iter().find_map(|(name, node)| {
        let bare = name.strip_suffix("Id")?;
        let first = node.items().first().unwrap_or(node);
        let found = telling(first.get("content").or(Some(first)))?;
        Some((whole(found), kebab(bare).into()))
    })
}

/// What a bare `name` or `arn` names.
fn kind_in_service(service: &str) -> &'static str {
    match service.split('.').next().unwrap_or_default() {
        "cloudtrail" => "trail",
        "ssm" => "parameter",
        "eks" => "cluster",
        "events" => "rule",
        _ => "resource",
    }
}

/// `FlowLog` → `flow-log`.
fn kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// `bucket` of `s3.amazonaws.com` → `s3/bucket`.
fn put_kind(kind: &str, draft: &mut Draft<'_>) {
    let service = draft.get(Field::Service).unwrap_or_default();
    let service = service.split('.').next().unwrap_or_default();
    let kind = if service.is_empty() { kind.to_owned() } else { format!("{service}/{kind}") };
    draft.put(Field::TargetType, kind);
}

/// Sign-ins tell their end in the answer: `{"ConsoleLogin":"Failure"}`.
fn says_failure(answer: Option<&Node<'_>>) -> bool {
    answer.is_some_and(|answer| answer.members().iter().any(|(_, node)| node.text() == Some("Failure")))
}

/// The HTTP status that an error code stands for, where it is certain that the call was refused.
fn status_of_error(code: &str) -> Option<&'static str> {
    let bare = code.strip_prefix("Client.").unwrap_or(code);
    match bare {
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "UnauthorizedAccess"
        | "Forbidden"
        | "AuthorizationError"
        | "NotAuthorized"
        | "NotAuthorizedException"
        | "UnauthorizedException" => Some("403"),
        "AuthFailure"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "Failed authentication"
        | "InvalidAccessKeyId"
        | "UnrecognizedClientException" => Some("401"),
        _ => None,
    }
}

/// An Insight event tells that a rate departs from its baseline: nobody did it, nothing was done to it.
fn read_insight<'a>(insight: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    draft.event.fields.clear(Field::Action);
    draft.text(Field::Action, insight.get("insightType"));
    draft.text(Field::Service, insight.get("eventSource"));
    draft.first(Field::TargetName, insight, &["eventName", "insightObject"]);
    draft.put(Field::TargetType, "insight");
    draft.text(Field::ReasonType, insight.get("errorCode"));
    draft.json(Field::ResponseData, insight.get("insightContext"));
    draft.text(Field::Message, insight.get("state"));
    Ok(Some(Cow::Borrowed("notify")))
}

/// The members that LookupEvents puts around the record; the record's own win.
fn lookup_answer<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Result<(), whodid_model::Reject> {
    draft.time("EventTime", root.get("EventTime"))?;
    draft.text(Field::Id, root.get("EventId"));
    draft.text(Field::Action, root.get("EventName"));
    draft.text(Field::Service, root.get("EventSource"));
    draft.text(Field::InitiatorName, root.get("Username"));
    draft.text(Field::CredentialId, root.get("AccessKeyId"));
    if draft.get(Field::TargetName).is_none() {
        let resources = root.get("Resources").map(Node::items).unwrap_or_default();
        // Of the many that a call touched the one of the kind that the record tells: `ec2/instance`.
        let kind = draft.get(Field::TargetType).and_then(|kind| kind.rsplit('/').next()).unwrap_or_default();
        let is_kind = |resource: &&Node<'a>| {
            let of = resource.get("ResourceType").and_then(Node::text).and_then(|kind| kind.rsplit(':').next());
            of.is_some_and(|of| of.eq_ignore_ascii_case(&kind.replace('-', "")))
        };
        if let Some(resource) = resources.iter().find(is_kind).or(resources.first()) {
            draft.event.fields.clear(Field::TargetType);
            draft.text(Field::TargetName, resource.get("ResourceName"));
            draft.text(Field::TargetType, resource.get("ResourceType"));
        }
    }
    if let Some(node) = root.get("ReadOnly") {
        read_only(node, draft);
    }
    Ok(())
}

/// A row of an S3 access alert: CloudTrail's members under spoken names, objects as Python literals.
fn alert_row<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    draft.time("Event DateTime", root.get("Event DateTime"))?;
    draft.text(Field::Id, root.get("Event ID"));
    draft.text(Field::Action, root.get("Event Name"));
    draft.address(root.get("Source IP"));
    draft.text(Field::Agent, root.get("Request User Agent"));
    draft.text(Field::CorrelationId, root.get("Request ID"));
    draft.text(Field::Message, root.get("Alert"));
    draft.put(Field::Service, "s3.amazonaws.com");
    if let Some(identity) = root.get("User ID").and_then(Node::text).and_then(python_object) {
        literal(&identity, &["userName", "arn", "principalId", "accountId"], Field::InitiatorName, draft);
        literal(&identity, &["arn", "principalId", "accountId"], Field::InitiatorId, draft);
        literal(&identity, &["type"], Field::InitiatorType, draft);
        literal(&identity, &["accessKeyId"], Field::CredentialId, draft);
    }
    if let Some(request) = root.get("Request Parameters").and_then(Node::text).and_then(python_object) {
        literal(&request, &["key", "bucketName"], Field::TargetName, draft);
        put_kind(if request.contains("\"key\"") { "object" } else { "bucket" }, draft);
        draft.put(Field::RequestData, request);
    }
    Ok(of_operation(draft))
}

/// JSON of a Python dictionary; `None` when that reading fails.
fn python_object(text: &str) -> Option<String> {
    let json = python_literal::to_json(text)?;
    json::parse_event(&json).ok().filter(Node::is_object)?;
    Some(json)
}

fn literal(json: &str, names: &[&str], field: Field, draft: &mut Draft<'_>) {
    let Ok(object) = json::parse_event(json) else { return };
    for name in names {
        if let Some(Value::Text(text)) = object.get(name).map(|node| &node.value) {
            draft.put(field, text.to_string());
        }
    }
}
