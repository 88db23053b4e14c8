//! Tells formats apart by the shape of an event: its member names and a few values.
//!
//! Cheap on purpose: one pass over the top-level names, then a few looks at values. What has no
//! distinctive shape is [`Format::Json`].

use crate::Format;
use crate::json::Node;

/// Where CADF events name their standard.
const CADF_TYPE_PREFIX: &str = "http://schemas.dmtf.org/cloud/audit/";

/// The format of one event. Distinctive names come first, combinations after.
pub(crate) fn format_of(root: &Node<'_>) -> Format {
    let mut seen = Seen::default();
    for (name, node) in root.members() {
        match name.as_ref() {
            "typeURI" if node.text().is_some_and(|uri| uri.starts_with(CADF_TYPE_PREFIX)) => return Format::Cadf,
            "oslo.message" => return Format::Cadf,
            "logSourceCRN" | "saveServiceCopy" => return Format::IbmAt,
            "CloudTrailEvent" => return Format::CloudTrail,
            "acsRegion" | "eventRW" => return Format::ActionTrail,
            "protoPayload" => return Format::Gcp,
            "legacyEventType" => return Format::Okta,
            "apiVersion" if node.text().is_some_and(|version| version.starts_with("audit.k8s.io/")) => {
                return Format::Kubernetes;
            }
            "eventSource" => {
                seen.event_source = true;
                let source = node.text().unwrap_or_default();
                if source.ends_with(".amazonaws.com") {
                    return Format::CloudTrail;
                }
                if source.ends_with(".aliyuncs.com") {
                    return Format::ActionTrail;
                }
            }
            _ => seen.note(name, node),
        }
    }
    seen.format(root)
}

/// Which of the telling names an event has.
#[derive(Default)]
struct Seen {
    event_source: bool,
    names: u32,
}

macro_rules! telling_names {
    ($($constant:ident $name:literal $bit:literal;)*) => {
        $( const $constant: u32 = 1 << $bit; )*
        fn bit(name: &str) -> u32 {
            match name { $( $name => $constant, )* _ => 0 }
        }
    };
}

telling_names! {
    ACTION "action" 0;
    OUTCOME "outcome" 1;
    INITIATOR "initiator" 2;
    TARGET "target" 3;
    OBSERVER "observer" 4;
    EVENT_TYPE "eventType" 5;
    DATA_EVENT "dataEvent" 6;
    EVENT_NAME "eventName" 7;
    AWS_REGION "awsRegion" 8;
    USER_IDENTITY "userIdentity" 9;
    EVENT_VERSION "eventVersion" 10;
    INSIGHT_DETAILS "insightDetails" 11;
    DETAIL "detail" 12;
    VERB "verb" 13;
    OBJECT_REF "objectRef" 14;
    AUDIT_ID "auditID" 15;
    REQUEST_URI "requestURI" 16;
    PUBLISHED "published" 17;
    ACTOR "actor" 18;
    LOG_NAME "logName" 19;
    OPERATION_NAME "operationName" 20;
    ACTIVITY "activityDisplayName" 21;
    PAYLOAD "payload" 22;
    PUBLISHER "publisher_id" 23;
    PLATFORM "_platform" 24;
    EVENT_TIME "eventTime" 25;
    REASON "reason" 26;
    AT_TIMESTAMP "@timestamp" 27;
    APP_DISPLAY_NAME "appDisplayName" 28;
    USER_PRINCIPAL "userPrincipalName" 29;
    DISPLAY_MESSAGE "displayMessage" 30;
    EVENT_ID "eventID" 31;
}

impl Seen {
    fn note(&mut self, name: &str, _node: &Node<'_>) {
        self.names |= bit(name);
    }

    fn has(&self, names: u32) -> bool {
        self.names & names == names
    }

    fn any(&self, names: u32) -> bool {
        self.names & names != 0
    }

    fn format(&self, root: &Node<'_>) -> Format {
        let text = |name: &str| root.get(name).and_then(Node::text).unwrap_or_default();
        if self.has(ACTION) {
            if self.has(EVENT_TYPE | OUTCOME) && matches!(text("eventType"), "activity" | "monitor" | "control") {
                return Format::Cadf;
            }
            let parts =
                root.get("initiator").is_some_and(Node::is_object) && root.get("target").is_some_and(Node::is_object);
            if self.any(DATA_EVENT | PLATFORM) || (parts && self.any(OUTCOME | OBSERVER | REASON)) {
                return Format::IbmAt;
            }
            if is_github(root) {
                return Format::GitHub;
            }
        }
        if self.has(PAYLOAD)
            && (self.has(PUBLISHER) || root.at("payload.typeURI").is_some())
            && is_cadf(root.get("payload"))
        {
            return Format::Cadf;
        }
        if self.has(VERB) && self.any(OBJECT_REF | AUDIT_ID | REQUEST_URI) {
            return Format::Kubernetes;
        }
        if self.has(INSIGHT_DETAILS) {
            return if text("eventType") == "AwsCloudTrailInsight" || self.any(AWS_REGION | EVENT_ID) {
                Format::CloudTrail
            } else {
                Format::ActionTrail
            };
        }
        if self.has(EVENT_NAME)
            && (self.any(AWS_REGION)
                || self.has(USER_IDENTITY | EVENT_VERSION)
                || self.has(USER_IDENTITY) && self.event_source)
        {
            return Format::CloudTrail;
        }
        if self.has(DETAIL) && root.at("detail.eventSource").is_some() {
            return Format::CloudTrail;
        }
        if self.has(EVENT_TYPE) && (self.any(DISPLAY_MESSAGE) || self.has(PUBLISHED) && self.any(ACTOR | OUTCOME)) {
            return Format::Okta;
        }
        if self.has(LOG_NAME) {
            return Format::Gcp;
        }
        if self.any(OPERATION_NAME | ACTIVITY) || self.has(APP_DISPLAY_NAME | USER_PRINCIPAL) {
            return Format::Azure;
        }
        Format::Json
    }
}

fn is_cadf(payload: Option<&Node<'_>>) -> bool {
    payload.is_some_and(|payload| payload.get("action").is_some() && payload.get("outcome").is_some())
}

/// GitHub's `action` is `category.operation`, its actor a login name beside an organisation,
/// repository, enterprise or user.
fn is_github(root: &Node<'_>) -> bool {
    let dotted =
        root.get("action").and_then(Node::text).is_some_and(|action| action.contains('.') && !action.contains(' '));
    let named =
        ["actor", "actor_id", "actor_ip", "programmatic_access_type"].iter().any(|name| root.get(name).is_some());
    let placed =
        ["org", "repo", "repository", "business", "enterprise", "_document_id", "user", "@timestamp", "operation_type"];
    dotted
        && (named || root.get("_document_id").is_some())
        && placed.iter().any(|name| root.get(name).is_some_and(|node| !node.is_object()))
}
