//! Events as IBM Cloud services send them to Activity Tracker.

use whodid_model::Timestamp;

use crate::Generated;
use crate::company::{ACCOUNT, Bucket, Key, kms_instance};
use crate::draw::Draw;
use crate::json::Json;

pub(crate) const USER: &str = "service/security/account/user";
pub(crate) const SERVICE_ID: &str = "service/security/account/serviceid";

/// Who acts, from where and with what.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) credential: &'static str,
    pub(crate) credential_id: String,
    pub(crate) address: String,
    pub(crate) agent: String,
}

/// What happened, in the words of the profile.
#[derive(Debug)]
pub(crate) struct Happened<'a> {
    pub(crate) action: &'a str,
    /// `Key Protect: unwrap key`.
    pub(crate) label: &'a str,
    pub(crate) status: u16,
    /// Empty unless it failed.
    pub(crate) why: &'a str,
    /// The service's part of the CRN: `kms:us-south:a/…:<instance>`.
    pub(crate) crn: String,
    /// The rest of the target's CRN: `key:<id>`.
    pub(crate) object: String,
    pub(crate) target_kind: &'a str,
    pub(crate) target_name: &'a str,
    pub(crate) is_data: bool,
    pub(crate) request: Option<Json>,
    pub(crate) response: Option<Json>,
    /// Whether request and response are sent as JSON inside a string, as many services really do.
    pub(crate) is_quoted: bool,
}

pub(crate) fn crn(service: &str, region: &str, instance: &str) -> String {
    format!("{service}:{region}:a/{ACCOUNT}:{instance}")
}

pub(crate) fn event(at: Timestamp, who: &Who, happened: Happened<'_>, draw: &mut Draw) -> Generated {
    let Happened { action, label, status, why, crn, object, target_kind, target_name, .. } = happened;
    let is_failure = status >= 400;
    let mut json = Json::with_capacity(1536);
    json.text("id", &draw.uuid());
    json.time("eventTime", at, 2, "+0000");
    json.text("action", action).text("outcome", if is_failure { "failure" } else { "success" });
    let mut message = format!("{label} {target_name}");
    if is_failure {
        message.push_str(" -failure");
    }
    json.text("message", &message).text("severity", severity(action, status));
    json.flag("dataEvent", happened.is_data).text("correlationId", &draw.uuid());
    json.open("initiator").text("id", &who.id).text("name", &who.name).text("typeURI", who.kind);
    json.open("credential").text("type", who.credential).text_if("id", &who.credential_id).close();
    json.open("host").text_if("address", &who.address);
    if !who.address.is_empty() {
        json.text("addressType", "IPv4");
    }
    json.text_if("agent", &who.agent).close().close();
    json.open("target").text("id", &format!("crn:v1:bluemix:public:{crn}:{object}"));
    json.text("name", target_name).text("typeURI", target_kind).close();
    json.open("observer").text("name", "ActivityTracker").close();
    json.open("reason").number("reasonCode", u64::from(status)).text("reasonType", reason_type(status));
    json.text_if("reasonForFailure", if is_failure { why } else { "" }).close();
    for (name, data) in [("requestData", happened.request), ("responseData", happened.response)] {
        let Some(data) = data else { continue };
        let data = data.finish();
        if happened.is_quoted {
            json.text(name, &data);
        } else {
            json.raw(name, &data);
        }
    }
    json.text("logSourceCRN", &format!("crn:v1:bluemix:public:{crn}::"));
    json.flag("saveServiceCopy", true);
    Generated { at, format: "ibm-at", json: json.finish() }
}

/// The status outranks the action.
fn severity(action: &str, status: u16) -> &'static str {
    match status {
        401 | 403 | 503 | 507 => return "critical",
        400.. => return "warning",
        _ => {}
    }
    let verb = action.rsplit('.').next().unwrap_or_default();
    let is_security = action.starts_with("iam-") || action.starts_with("atracker") || action.contains("-acl");
    match verb {
        "delete" if !action.contains("object") => "critical",
        "rotate" | "restore" | "enable" | "disable" | "setkeyfordeletion" | "write" | "update" => "warning",
        "add" | "create" | "remove" if is_security => "warning",
        _ => "normal",
    }
}

fn reason_type(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Unknown",
    }
}

/// The text a service gives with a failure.
pub(crate) fn why(status: u16) -> &'static str {
    match status {
        400 => "Bad Request: the request is malformed or a parameter is invalid",
        401 => "Unauthorized: the token is invalid or has expired",
        403 => "Forbidden: the caller does not have the permission for this action",
        404 => "Not Found: no such resource, or it was deleted",
        409 => "Conflict: the resource is in a state that does not allow this action",
        429 => "Too Many Requests: the rate limit of the instance was reached",
        500 => "Internal Server Error: please retry",
        503 => "Service Unavailable: please retry later",
        _ => "",
    }
}

/// A Key Protect event about a key: `verb` as in `kms.secrets.<verb>`.
pub(crate) fn key_event(
    at: Timestamp,
    who: &Who,
    region: &str,
    key: &Key,
    verb: &str,
    status: u16,
    draw: &mut Draw,
) -> Generated {
    let instance = kms_instance(region);
    let (object, label) = match verb {
        "list" => (String::new(), "Key Protect: list keys"),
        "read" => (format!("key:{}", key.id), "Key Protect: read key"),
        "wrap" => (format!("key:{}", key.id), "Key Protect: wrap key"),
        "unwrap" => (format!("key:{}", key.id), "Key Protect: unwrap key"),
        "rotate" => (format!("key:{}", key.id), "Key Protect: rotate key"),
        "create" => (format!("key:{}", key.id), "Key Protect: create key"),
        "delete" => (format!("key:{}", key.id), "Key Protect: delete key"),
        "disable" => (format!("key:{}", key.id), "Key Protect: disable key"),
        _ => (format!("key:{}", key.id), "Key Protect: key"),
    };
    let mut request = Json::new();
    match verb {
        "list" => request.text("requestURI", "/api/v2/keys?limit=200"),
        "create" => request.text("requestURI", "/api/v2/keys"),
        "wrap" | "unwrap" | "rotate" | "disable" => {
            request.text("requestURI", &format!("/api/v2/keys/{}/actions/{verb}", key.id))
        }
        _ => request.text("requestURI", &format!("/api/v2/keys/{}", key.id)),
    };
    request.text("instanceID", &instance);
    if verb != "list" {
        request.text("keyType", if key.is_root { "root_key" } else { "standard_key" }).text("keyRingId", key.ring);
    }
    let mut response = Json::new();
    if status >= 400 {
        response.text("reasonForFailure", why(status));
    } else {
        match verb {
            "list" => response.number("totalResources", draw.between(35, 48)),
            "delete" => {
                response.text("keyId", &key.id).time("deletionDate", at, 0, "Z");
                response.open("initialValue").number("keyState", 1).close();
                response.open("newValue").number("keyState", 5).close()
            }
            "disable" => {
                response.text("keyId", &key.id).open("initialValue").number("keyState", 1).close();
                response.open("newValue").number("keyState", 2).close()
            }
            "rotate" => {
                response.text("keyId", &key.id).text("keyVersionId", &draw.uuid());
                response.time("keyVersionCreationDate", at, 0, "Z").number("keyState", 1)
            }
            _ => response.text("keyId", &key.id).text("keyVersionId", &key.version).number("keyState", 1),
        };
    }
    let happened = Happened {
        action: &format!("kms.secrets.{verb}"),
        label,
        status,
        why: why(status),
        crn: crn("kms", region, &instance),
        object,
        target_kind: "kms/secrets",
        target_name: if verb == "list" { "keys" } else { &key.name },
        is_data: matches!(verb, "wrap" | "unwrap"),
        request: Some(request),
        response: Some(response),
        // The service changed over to plain JSON; some instances still send text.
        is_quoted: region == "eu-gb",
    };
    event(at, who, happened, draw)
}

/// An Object Storage event about an object.
pub(crate) fn object_event(
    at: Timestamp,
    who: &Who,
    bucket: &Bucket,
    object_name: &str,
    verb: &str,
    status: u16,
    draw: &mut Draw,
) -> Generated {
    let region = bucket.office.region;
    let instance = kms_instance("cloud-object-storage");
    let mut request = Json::new();
    request.text("requestId", &draw.uuid());
    let bytes = draw.between(800, 4_000_000);
    let mut response = Json::new();
    if verb == "create" {
        request.open("object").number("sizeBytes", bytes).close();
    }
    if status < 400 && verb == "read" {
        response.number("contentLength", bytes).text("etag", &draw.hex(32));
    } else if status >= 400 {
        response.text("code", if status == 404 { "NoSuchKey" } else { "AccessDenied" });
    } else {
        response.text("versionId", &draw.hex(16));
    }
    let happened = Happened {
        action: &format!("cloud-object-storage.object.{verb}"),
        label: match verb {
            "read" => "Cloud Object Storage: read object",
            "create" => "Cloud Object Storage: create object",
            "delete" => "Cloud Object Storage: delete object",
            "list" => "Cloud Object Storage: list objects",
            _ => "Cloud Object Storage: object",
        },
        status,
        why: why(status),
        crn: crn("cloud-object-storage", region, &instance),
        object: format!("bucket:{}", bucket.name),
        target_kind: "cloud-object-storage/bucket/object",
        target_name: object_name,
        is_data: true,
        request: Some(request),
        response: Some(response),
        is_quoted: false,
    };
    event(at, who, happened, draw)
}

/// An Object Storage event about a bucket: `what` is `bucket.read`, `bucket-acl.update` …
pub(crate) fn bucket_event(
    at: Timestamp,
    who: &Who,
    bucket: &Bucket,
    what: &str,
    status: u16,
    request: Option<Json>,
    draw: &mut Draw,
) -> Generated {
    let (attribute, verb) = what.split_once('.').unwrap_or((what, ""));
    let instance = kms_instance("cloud-object-storage");
    let happened = Happened {
        action: &format!("cloud-object-storage.{attribute}.{verb}"),
        label: &format!("Cloud Object Storage: {verb} {attribute}"),
        status,
        why: why(status),
        crn: crn("cloud-object-storage", bucket.office.region, &instance),
        object: format!("bucket:{}", bucket.name),
        target_kind: match attribute {
            "bucket-acl" => "cloud-object-storage/bucket/acl",
            "bucket-cors" => "cloud-object-storage/bucket/cors",
            "bucket-public-access-block" => "cloud-object-storage/bucket/public-access-block",
            _ => "cloud-object-storage/bucket",
        },
        target_name: &bucket.name,
        is_data: false,
        request,
        response: None,
        is_quoted: false,
    };
    event(at, who, happened, draw)
}

/// An IAM event of the account (region `global`): `service` is `iam-identity`, `iam-groups`, `iam-am` …
#[derive(Debug)]
pub(crate) struct Iam<'a> {
    pub(crate) service: &'static str,
    /// `user-apikey.login`.
    pub(crate) what: &'a str,
    pub(crate) label: &'a str,
    pub(crate) object: String,
    pub(crate) target_kind: &'a str,
    pub(crate) target_name: &'a str,
    pub(crate) status: u16,
    pub(crate) why: &'a str,
    pub(crate) request: Option<Json>,
}

pub(crate) fn iam_event(at: Timestamp, who: &Who, iam: Iam<'_>, draw: &mut Draw) -> Generated {
    let mut response = Json::new();
    if iam.status >= 400 {
        response.text("error", iam.why);
    } else {
        response.number("status_code", u64::from(iam.status)).time("created_at", at, 0, "Z");
    }
    let happened = Happened {
        action: &format!("{}.{}", iam.service, iam.what),
        label: iam.label,
        status: iam.status,
        why: iam.why,
        crn: crn(iam.service, "global", ""),
        object: iam.object,
        target_kind: iam.target_kind,
        target_name: iam.target_name,
        is_data: false,
        request: iam.request,
        response: Some(response),
        is_quoted: true,
    };
    event(at, who, happened, draw)
}
