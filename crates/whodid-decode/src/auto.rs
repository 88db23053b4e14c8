//! Tells formats apart by the shape of an event: its member names and a few values.
//!
//! Cheap on purpose: one pass over the top-level names, then a few looks at values. What has no
//! distinctive shape is [`Format::Json`]. Names are compared without case and underscores, as some pipelines change them.

use crate::Format;
use crate::json::Node;

/// Where CADF events name their standard.
const CADF_TYPE_PREFIX: &str = "http://schemas.dmtf.org/cloud/audit/";

/// The format of one event.
pub(crate) fn format_of(root: &Node<'_>) -> Format {
    let mut seen = Seen(0);
    for (name, node) in root.members() {
        let bit = bit_of(name);
        if bit == 0 {
            continue;
        }
        let text = node.text().unwrap_or_default();
        match bit {
            TYPE_URI if text.starts_with(CADF_TYPE_PREFIX) => return Format::Cadf,
            OSLO_MESSAGE => return Format::Cadf,
            LOG_SOURCE_CRN | SAVE_SERVICE_COPY => return Format::IbmAt,
            CLOUD_TRAIL_EVENT => return Format::CloudTrail,
            ACS_REGION | EVENT_RW => return Format::ActionTrail,
            PROTO_PAYLOAD => return Format::Gcp,
            API_VERSION if text.starts_with("audit.k8s.io/") => return Format::Kubernetes,
            EVENT_SOURCE if text.ends_with(".amazonaws.com") => return Format::CloudTrail,
            EVENT_SOURCE if text.ends_with(".aliyuncs.com") => return Format::ActionTrail,
            _ => seen.0 |= bit,
        }
    }
    seen.format(root)
}

macro_rules! telling_names {
    ($($constant:ident $name:literal;)*) => {
        #[derive(Clone, Copy)]
        #[repr(u8)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "only counts the names, each of which becomes a constant")]
        enum Place { $( $constant, )* }
        $( const $constant: u64 = 1 << (Place::$constant as u8); )*

        const NAME_BYTES_MAX: usize = 20;

        fn bit_of(name: &str) -> u64 {
            if name.len() > NAME_BYTES_MAX {
                return 0;
            }
            let mut buffer = [0; NAME_BYTES_MAX];
            let mut length = 0;
            for (place, byte) in name.bytes().enumerate() {
                if byte != b'_' || place == 0 {
                    buffer[length] = byte.to_ascii_lowercase();
                    length += 1;
                }
            }
            match &buffer[..length] {
                $( $name => $constant, )*
                _ => 0,
            }
        }
    };
}

telling_names! {
    ACTION b"action";
    OUTCOME b"outcome";
    INITIATOR b"initiator";
    TARGET b"target";
    OBSERVER b"observer";
    EVENT_TYPE b"eventtype";
    DATA_EVENT b"dataevent";
    EVENT_NAME b"eventname";
    EVENT_SOURCE b"eventsource";
    AWS_REGION b"awsregion";
    USER_IDENTITY b"useridentity";
    EVENT_VERSION b"eventversion";
    INSIGHT_DETAILS b"insightdetails";
    DETAIL b"detail";
    VERB b"verb";
    OBJECT_REF b"objectref";
    AUDIT_ID b"auditid";
    REQUEST_URI b"requesturi";
    PUBLISHED b"published";
    ACTOR b"actor";
    LOG_NAME b"logname";
    OPERATION_NAME b"operationname";
    ACTIVITY b"activitydisplayname";
    PAYLOAD b"payload";
    PUBLISHER b"publisherid";
    PLATFORM b"_platform";
    REASON b"reason";
    APP_DISPLAY_NAME b"appdisplayname";
    USER_PRINCIPAL b"userprincipalname";
    DISPLAY_MESSAGE b"displaymessage";
    EVENT_ID b"eventid";
    LEGACY_EVENT_TYPE b"legacyeventtype";
    SPOKEN_EVENT_NAME b"event name";
    SPOKEN_EVENT_TIME b"event datetime";
    STAGE b"stage";
    USER b"user";
    TYPE_URI b"typeuri";
    OSLO_MESSAGE b"oslo.message";
    LOG_SOURCE_CRN b"logsourcecrn";
    SAVE_SERVICE_COPY b"saveservicecopy";
    CLOUD_TRAIL_EVENT b"cloudtrailevent";
    ACS_REGION b"acsregion";
    EVENT_RW b"eventrw";
    PROTO_PAYLOAD b"protopayload";
    API_VERSION b"apiversion";
    RESOURCE_ID b"resourceid";
    CATEGORY b"category";
    PROPERTIES b"properties";
    CALLER b"caller";
    CALLER_ADDRESS b"calleripaddress";
    SUBSCRIPTION b"subscriptionid";
    AUTHORIZATION b"authorization";
}

/// Which of the telling names an event has.
struct Seen(u64);

impl Seen {
    fn has(&self, names: u64) -> bool {
        self.0 & names == names
    }

    fn any(&self, names: u64) -> bool {
        self.0 & names != 0
    }

    fn format(&self, root: &Node<'_>) -> Format {
        let text = |name: &str| root.find(name).and_then(Node::text).unwrap_or_default();
        if self.has(ACTION) {
            if self.has(EVENT_TYPE | OUTCOME) && matches!(text("eventType"), "activity" | "monitor" | "control") {
                return Format::Cadf;
            }
            let parts = || {
                let part = |name: &str| root.find(name).filter(|part| part.is_object());
                part("initiator")
                    .zip(part("target"))
                    .is_some_and(|(initiator, target)| is_of_profile(root, initiator, target))
            };
            if self.any(DATA_EVENT | PLATFORM) || self.any(OUTCOME | OBSERVER | REASON) && parts() {
                return Format::IbmAt;
            }
            if is_github(root) {
                return Format::GitHub;
            }
        }
        if self.has(PAYLOAD) && is_cadf(root) {
            return Format::Cadf;
        }
        if self.has(VERB) && self.any(OBJECT_REF | AUDIT_ID | REQUEST_URI | STAGE) {
            return Format::Kubernetes;
        }
        if self.has(INSIGHT_DETAILS) {
            let aws =
                text("eventType") == "AwsCloudTrailInsight" || self.any(AWS_REGION) || root.find("eventID").is_some();
            return if aws { Format::CloudTrail } else { Format::ActionTrail };
        }
        let called = self.any(AWS_REGION) || self.has(USER_IDENTITY) && self.any(EVENT_VERSION | EVENT_SOURCE);
        if self.has(EVENT_NAME) && called || self.has(SPOKEN_EVENT_NAME | SPOKEN_EVENT_TIME) {
            return Format::CloudTrail;
        }
        if self.has(DETAIL) && root.find("detail.eventSource").is_some() {
            return Format::CloudTrail;
        }
        if self.any(LEGACY_EVENT_TYPE)
            || self.has(EVENT_TYPE) && (self.any(DISPLAY_MESSAGE) || self.any(PUBLISHED | ACTOR) && is_okta(root))
        {
            return Format::Okta;
        }
        if self.has(LOG_NAME) {
            return Format::Gcp;
        }
        let in_azure = RESOURCE_ID | CATEGORY | PROPERTIES | CALLER | CALLER_ADDRESS | SUBSCRIPTION | AUTHORIZATION;
        if self.has(OPERATION_NAME) && self.any(in_azure)
            || self.any(ACTIVITY)
            || self.has(APP_DISPLAY_NAME | USER_PRINCIPAL)
        {
            return Format::Azure;
        }
        Format::Json
    }
}

/// A message bus envelope around CADF.
fn is_cadf(root: &Node<'_>) -> bool {
    let inside = |name: &str| root.find(name).is_some();
    inside("payload.typeURI") || inside("payload.action") && inside("payload.outcome")
}

fn is_okta(root: &Node<'_>) -> bool {
    root.find("actor.alternateId").is_some() || root.find("outcome.result").is_some()
}

/// Many applications write an initiator and a target; those of the profile have its time or its types.
fn is_of_profile(root: &Node<'_>, initiator: &Node<'_>, target: &Node<'_>) -> bool {
    let typed = |part: &Node<'_>| {
        part.find("typeURI").is_some() || part.get("id").and_then(Node::text).is_some_and(|id| id.starts_with("crn:"))
    };
    root.find("eventTime").is_some() || typed(initiator) || typed(target)
}

/// Members that only GitHub's log has.
const GITHUB_ONLY: &[&str] = &[
    "_document_id",
    "at_sign_timestamp",
    "actor_location",
    "programmatic_access_type",
    "external_identity_nameid",
    "external_identity_username",
];
/// Members of GitHub's log that another application might have too.
const GITHUB_LIKELY: &[&str] = &["actor_ip", "actor_is_bot", "business", "business_id", "operation_type", "org_id"];
/// Members that GitHub's log does not have, and applications often do.
const NOT_GITHUB: &[&str] = &[
    "success",
    "ip",
    "ip_address",
    "source_ip",
    "client_ip",
    "time",
    "initiator",
    "target",
    "resource",
    "event_type",
    "event_name",
    "service",
];
/// Categories of actions that are GitHub's own; `user`, `project` or `account` are everybody's.
const GITHUB_CATEGORIES: &[&str] = &[
    "codespaces",
    "copilot",
    "dependabot_alerts",
    "dependabot_security_updates",
    "git",
    "hook",
    "integration_installation",
    "ip_allow_list",
    "ip_allow_list_entry",
    "oauth_application",
    "org",
    "org_credential_authorization",
    "org_secret_scanning_custom_pattern",
    "personal_access_token",
    "protected_branch",
    "pull_request",
    "pull_request_review",
    "repo",
    "repository",
    "repository_ruleset",
    "repository_secret_scanning",
    "repository_secret_scanning_push_protection",
    "repository_vulnerability_alert",
    "secret_scanning",
    "secret_scanning_alert",
    "secret_scanning_push_protection",
    "team",
    "workflows",
];

/// GitHub's `action` is `category.operation`, and beside it stand members of its own. Where there are
/// none the category is one of GitHub's, somebody acted in an organisation or repository, and nothing
/// speaks against it.
fn is_github(root: &Node<'_>) -> bool {
    let Some(action) = root.find("action").and_then(Node::text) else { return false };
    let Some((category, _)) = action.split_once('.').filter(|_| !action.contains([' ', ':', '/'])) else {
        return false;
    };
    let plain = |name: &&str| root.find(name).is_some_and(|node| !node.is_object());
    if GITHUB_ONLY.iter().any(plain) {
        return true;
    }
    if NOT_GITHUB.iter().any(|name| root.find(name).is_some()) {
        return false;
    }
    let named = ["actor", "actor_id", "actor_ip"].iter().any(plain);
    let dated = ["@timestamp", "created_at"].iter().all(plain);
    let placed = ["org", "repo", "repository", "business", "enterprise", "user"].iter().any(plain);
    named && (dated || GITHUB_LIKELY.iter().any(plain) || placed && GITHUB_CATEGORIES.contains(&category))
}
