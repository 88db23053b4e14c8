//! Events as AWS CloudTrail records them.

use whodid_model::Timestamp;

use crate::Generated;
use crate::company::AWS_ACCOUNT;
use crate::draw::Draw;
use crate::ibm::Who;
use crate::json::Json;

/// One call of an AWS API.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) source: &'a str,
    pub(crate) name: &'a str,
    pub(crate) region: &'a str,
    pub(crate) is_read: bool,
    pub(crate) request: Option<Json>,
    /// Empty when it succeeded.
    pub(crate) error: &'a str,
    /// A role's session, or a user.
    pub(crate) is_role: bool,
}

pub(crate) fn event(at: Timestamp, who: &Who, call: Call<'_>, draw: &mut Draw) -> Generated {
    let mut json = Json::with_capacity(1200);
    json.text("eventVersion", "1.11").open("userIdentity");
    if call.is_role {
        json.text("type", "AssumedRole").text("principalId", &format!("AROAEXAMPLEROLE00001:{}", who.name));
        json.text("arn", &format!("arn:aws:sts::{AWS_ACCOUNT}:assumed-role/{0}/{0}", who.name));
        json.text("accountId", AWS_ACCOUNT).text("accessKeyId", "ASIAEXAMPLE000000001");
        json.open("sessionContext").open("sessionIssuer").text("type", "Role");
        json.text("principalId", "AROAEXAMPLEROLE00001").text("accountId", AWS_ACCOUNT).text("userName", &who.name);
        json.text("arn", &format!("arn:aws:iam::{AWS_ACCOUNT}:role/{}", who.name)).close();
        json.open("attributes").text("mfaAuthenticated", "false").close().close();
    } else {
        json.text("type", "IAMUser").text("principalId", &format!("AIDA{}", aws_id(&who.id)));
        json.text("arn", &format!("arn:aws:iam::{AWS_ACCOUNT}:user/{}", who.name)).text("accountId", AWS_ACCOUNT);
        json.text("accessKeyId", &format!("AKIA{}", aws_id(&who.id))).text("userName", &who.name);
    }
    json.close().time("eventTime", at, 0, "Z").text("eventSource", call.source).text("eventName", call.name);
    json.text("awsRegion", call.region).text("sourceIPAddress", &who.address).text("userAgent", &who.agent);
    if !call.error.is_empty() {
        let user = &who.name;
        json.text("errorCode", call.error);
        json.text(
            "errorMessage",
            &format!("User {user} is not authorized to perform this action, or it does not exist"),
        );
    }
    match call.request {
        Some(request) => json.raw("requestParameters", &request.finish()),
        None => json.raw("requestParameters", "null"),
    };
    if call.name == "ConsoleLogin" {
        let result = if call.error.is_empty() { "Success" } else { "Failure" };
        json.open("responseElements").text("ConsoleLogin", result).close();
    } else {
        json.raw("responseElements", "null");
    }
    json.text("requestID", &draw.uuid()).text("eventID", &draw.uuid()).flag("readOnly", call.is_read);
    let is_sign_in = call.name == "ConsoleLogin";
    json.text("eventType", if is_sign_in { "AwsConsoleSignIn" } else { "AwsApiCall" });
    json.flag("managementEvent", !call.name.ends_with("Object")).text("recipientAccountId", AWS_ACCOUNT);
    json.text("eventCategory", if call.name.ends_with("Object") { "Data" } else { "Management" });
    Generated { at, format: "cloudtrail", json: json.finish() }
}

/// Sixteen capitals and digits that belong to this id.
fn aws_id(id: &str) -> String {
    let bits = id.bytes().fold(0xa5, |bits, byte| crate::draw::mix(bits ^ u64::from(byte)));
    crate::draw::hex(bits, 0, 16).to_uppercase()
}
