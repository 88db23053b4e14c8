//! Events as OpenStack services send them: CADF as the standard has it.

use whodid_model::Timestamp;

use crate::Generated;
use crate::company::kms_instance;
use crate::draw::Draw;
use crate::ibm::Who;
use crate::json::Json;

/// One act in the laboratory cloud.
#[derive(Debug)]
pub(crate) struct Act<'a> {
    pub(crate) action: &'a str,
    pub(crate) service: &'a str,
    pub(crate) target_kind: &'a str,
    pub(crate) target_id: &'a str,
    pub(crate) target_name: &'a str,
    pub(crate) status: u16,
}

pub(crate) fn event(at: Timestamp, who: &Who, act: Act<'_>, draw: &mut Draw) -> Generated {
    let is_failure = act.status >= 400;
    let mut json = Json::with_capacity(1000);
    json.text("typeURI", "http://schemas.dmtf.org/cloud/audit/1.0/event").text("eventType", "activity");
    json.text("id", &draw.uuid()).time("eventTime", at, 6, "+0000");
    json.text("action", act.action).text("outcome", if is_failure { "failure" } else { "success" });
    json.open("initiator").text("id", &who.id).text("typeURI", USER).text("name", &who.name);
    json.open("host").text("address", &who.address).text("agent", &who.agent).close();
    json.text("project_id", &kms_instance("laboratory").replace('-', ""));
    json.text("request_id", &format!("req-{}", draw.uuid())).close();
    json.open("target")
        .text("id", act.target_id)
        .text("typeURI", act.target_kind)
        .text("name", act.target_name)
        .close();
    json.open("observer").text("id", &kms_instance(act.service)).text("typeURI", &format!("service/{}", act.service));
    json.text("name", act.service).close();
    let text = if is_failure { "Conflict" } else { "OK" };
    json.open("reason").text("reasonCode", &act.status.to_string()).text("reasonType", text).close();
    json.text("requestPath", &format!("/v2.1/{}/{}", act.target_kind, act.target_id));
    Generated { at, format: "cadf", json: json.finish() }
}

const USER: &str = "service/security/account/user";
