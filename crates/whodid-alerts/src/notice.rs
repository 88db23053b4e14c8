//! What is told to a channel: one moment in the life of an alert, with all that a receiver needs.

use serde::{Deserialize, Serialize};
use whodid_model::{AccountName, Timestamp};

use crate::Severity;

/// Records told as evidence at most; the link leads to the others.
pub const EVIDENCE_MAX: usize = 10;

/// Which moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// A first finding.
    Opened,
    /// More findings of the same.
    Again,
    /// Nobody acknowledged it in time, or it became worse.
    Escalated,
    /// Somebody looks at it.
    Acknowledged,
    /// It is over.
    Resolved,
    /// It was over, and is not.
    Reopened,
    /// Somebody tries the channel; there is no alert.
    Test,
}

impl Moment {
    /// The word in bodies: `opened`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Again => "again",
            Self::Escalated => "escalated",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
            Self::Test => "test",
        }
    }
}

/// What findings were grouped by: one name with its value, in the order of the rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupValue {
    /// Such as `initiator.name`.
    pub key: String,
    /// Such as `alice`.
    pub value: String,
}

/// A record that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Such as `activity:42`.
    pub record: String,
    /// Event time.
    pub at: Timestamp,
    /// What happened, in words.
    pub sentence: String,
    /// The event as received, where the channel's template wants lines; `null` otherwise.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub event: serde_json::Value,
}

/// What is told. Texts come from senders of events: nothing in them is trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The moment.
    pub event: Moment,
    /// The alert; receivers join notices by it.
    pub alert_id: String,
    /// Whose.
    pub account: AccountName,
    /// The rule or saved search.
    pub rule_id: String,
    /// Its title.
    pub rule_title: String,
    /// What happened, in one sentence.
    pub sentence: String,
    /// How bad.
    pub severity: Severity,
    /// First finding.
    pub opened_at: Timestamp,
    /// This moment.
    pub at: Timestamp,
    /// Findings so far.
    pub count: u64,
    /// What they have in common.
    #[serde(default)]
    pub group: Vec<GroupValue>,
    /// The alert's page.
    pub link: String,
    /// Newest records first; no more than [`EVIDENCE_MAX`] are told.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// The search that finds them.
    #[serde(default)]
    pub query: String,
    /// The occurrence in the form of the Findings API, for signed webhooks.
    #[serde(default)]
    pub finding: serde_json::Value,
    /// Notices that this one stands for besides itself, which the channel's limit held back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Notice {
    /// A notice by which somebody tries a channel.
    pub fn test(account: AccountName, link: String, at: Timestamp) -> Self {
        Self {
            event: Moment::Test,
            alert_id: format!("test-{}", at.micros()),
            account,
            rule_id: "test".to_owned(),
            rule_title: "Test of this channel".to_owned(),
            sentence: "Somebody tries this channel; nothing has happened.".to_owned(),
            severity: Severity::Informational,
            opened_at: at,
            at,
            count: 0,
            group: Vec::new(),
            link,
            evidence: Vec::new(),
            query: String::new(),
            finding: serde_json::Value::Null,
            more: 0,
        }
    }

    /// The evidence that is told.
    pub(crate) fn told_evidence(&self) -> &[Evidence] {
        &self.evidence[..self.evidence.len().min(EVIDENCE_MAX)]
    }

    /// One line for subjects and summaries: `[high] Too many failures: alice failed 5 times and 37 more`.
    pub fn headline(&self) -> String {
        let state = match self.event {
            Moment::Opened | Moment::Again => String::new(),
            other => format!("{}: ", other.as_str()),
        };
        let more = self.more_text().map(|more| format!(" {more}")).unwrap_or_default();
        // Most sentences begin with the rule's title.
        let begins =
            self.sentence.strip_prefix(self.rule_title.as_str()).is_some_and(|rest| rest.starts_with([':', ' ']));
        let title = if begins { String::new() } else { format!("{}: ", self.rule_title) };
        let text = format!("[{}] {state}{title}{}{more}", self.severity, self.sentence);
        crate::clip::one_line(&text)
    }

    /// `and 37 more`, where it is a digest.
    pub(crate) fn more_text(&self) -> Option<String> {
        (self.more > 0).then(|| format!("and {} more", self.more))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_headline_says_the_title_once() {
        let notice = lockout();
        let title = notice.rule_title.clone();
        let said = Notice { sentence: format!("{title} of alice: 5 in 5 minutes"), ..notice.clone() }.headline();
        assert_eq!(said.matches(title.as_str()).count(), 1, "{said}");
        assert!(notice.headline().contains(&format!("{title}: {}", notice.sentence)));
    }

    /// A notice of five failed logins.
    pub(crate) fn lockout() -> Notice {
        let at = |text: &str| Timestamp::parse(text).unwrap().at;
        Notice {
            event: Moment::Opened,
            alert_id: "0198a2b4-0000-7000-8000-000000000001".to_owned(),
            account: AccountName::parse("acme").unwrap(),
            rule_id: "lockout".to_owned(),
            rule_title: "Too many failed sign-ins".to_owned(),
            sentence: "alice failed to sign in 5 times".to_owned(),
            severity: Severity::High,
            opened_at: at("2026-11-20T09:00:00Z"),
            at: at("2026-11-20T09:14:00Z"),
            count: 5,
            group: vec![GroupValue { key: "initiator.name".to_owned(), value: "alice".to_owned() }],
            link: "https://whodid.example.com/alerts/1".to_owned(),
            evidence: vec![Evidence {
                record: "activity:42".to_owned(),
                at: at("2026-11-20T09:14:00Z"),
                sentence: "alice failed to sign in to console".to_owned(),
                event: serde_json::Value::Null,
            }],
            query: "initiator.name:alice outcome:failure".to_owned(),
            finding: serde_json::Value::Null,
            more: 0,
        }
    }

    #[test]
    fn a_notice_reads_back_and_unknown_members_are_refused() {
        let notice = lockout();
        let mut value = serde_json::to_value(&notice).unwrap();
        assert_eq!(serde_json::from_value::<Notice>(value.clone()).unwrap(), notice);
        assert_eq!(value["event"], "opened");
        assert_eq!(value["opened_at"], "2026-11-20T09:00:00.000Z");
        value["colour"] = json!("red");
        assert!(serde_json::from_value::<Notice>(value).is_err());
    }

    #[test]
    fn the_headline_is_one_line_whatever_the_events_say() {
        let notice = Notice { sentence: "a\r\nBcc: all@example.com".to_owned(), more: 37, ..lockout() };
        assert_eq!(notice.headline(), "[high] Too many failed sign-ins: a Bcc: all@example.com and 37 more");
    }
}
