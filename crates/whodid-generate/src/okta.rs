//! Events of the Okta System Log: sign-ins, single sign-on, administration.

use whodid_model::Timestamp;

use crate::Generated;
use crate::company::{Office, Person};
use crate::draw::Draw;
use crate::json::Json;

/// The applications people open through single sign-on.
pub(crate) const APPS: [&str; 9] =
    ["Mail", "Calendar", "Chat", "Wiki", "Tickets", "Source Control", "Expenses", "Travel", "People Directory"];

/// What the log tells.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) kind: &'a str,
    pub(crate) message: &'a str,
    /// `SUCCESS`, `FAILURE`, `DENY` or `CHALLENGE`.
    pub(crate) result: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) address: &'a str,
    pub(crate) city: &'a str,
    pub(crate) country: &'a str,
    pub(crate) agent: &'a str,
    /// Kind, id and name of what it was about.
    pub(crate) target: Option<(&'a str, &'a str, &'a str)>,
}

impl<'a> Entry<'a> {
    /// A sign-in from the person's own office and browser, which succeeds.
    pub(crate) fn sign_in(person: &Person, office: &'a Office, address: &'a str) -> Self {
        Self {
            kind: "user.session.start",
            message: "User login to Okta",
            result: "SUCCESS",
            reason: "",
            address,
            city: office.city,
            country: office.country,
            agent: person.browser,
            target: None,
        }
    }
}

pub(crate) fn event(at: Timestamp, person: &Person, entry: Entry<'_>, draw: &mut Draw) -> Generated {
    let is_success = entry.result == "SUCCESS";
    let mut json = Json::with_capacity(1500);
    json.open("actor").text("id", &person.okta_id).text("type", "User").text("alternateId", &person.email);
    json.text("displayName", person.name).close();
    let (browser, os) = browser_of(entry.agent);
    json.open("client")
        .open("userAgent")
        .text("rawUserAgent", entry.agent)
        .text("os", os)
        .text("browser", browser)
        .close();
    json.text("zone", "null").text("device", "Computer").text("ipAddress", entry.address);
    json.open("geographicalContext").text("city", entry.city).text("country", entry.country).close().close();
    json.open("authenticationContext").number("authenticationStep", 0);
    json.text("externalSessionId", &format!("102{}", draw.hex(18))).close();
    json.text("displayMessage", entry.message).text("eventType", entry.kind);
    json.open("outcome").text("result", entry.result).text_if("reason", entry.reason).close();
    json.time("published", at, 3, "Z").open("securityContext").flag("isProxy", false).close();
    json.text("severity", if is_success { "INFO" } else { "WARN" });
    json.open("debugContext").open("debugData").text("requestId", &draw.hex(24));
    json.text("requestUri", if entry.kind == "user.session.start" { "/idp/idx/identify" } else { "/api/v1/apps" });
    json.text("deviceFingerprint", &fingerprint(person, entry.agent)).close().close();
    json.open("transaction").text("type", "WEB").text("id", &draw.hex(32)).close();
    json.text("uuid", &draw.uuid()).text("version", "0");
    json.open("request").open_list("ipChain").text("ip", entry.address).text("version", "V4").close_list().close();
    if let Some((kind, id, name)) = entry.target {
        json.open_list("target").text("id", id).text("type", kind);
        json.text("alternateId", name).text("displayName", name).close_list();
    }
    Generated { at, format: "okta", json: json.finish() }
}

fn browser_of(agent: &str) -> (&'static str, &'static str) {
    let browser = if agent.contains("Edg/") {
        "EDGE"
    } else if agent.contains("Firefox") {
        "FIREFOX"
    } else if agent.contains("Chrome") {
        "CHROME"
    } else if agent.contains("Safari") {
        "SAFARI"
    } else {
        "UNKNOWN"
    };
    let os = if agent.contains("Windows") {
        "Windows 11"
    } else if agent.contains("Mac OS X") {
        "Mac OS X"
    } else {
        "Linux"
    };
    (browser, os)
}

/// One for each device somebody uses.
fn fingerprint(person: &Person, agent: &str) -> String {
    let bits = agent.bytes().fold(person.number as u64, |bits, byte| crate::draw::mix(bits ^ u64::from(byte)));
    crate::draw::hex(bits, 0, 16)
}
