//! PagerDuty: an event of the Events API v2, joined to its alert by `dedup_key`.

use serde_json::{Map, Value, json};

use super::web_link;
use crate::clip::{clip_chars, one_line};
use crate::{Moment, Notice, Secret};

/// Longest summary.
const SUMMARY_CHARS_MAX: usize = 1024;
/// Longest key.
const KEY_CHARS_MAX: usize = 255;
/// Longest text of a detail. An event has at most 512 KB.
const DETAIL_CHARS_MAX: usize = 1000;
/// Pairs of the group.
const GROUP_MAX: usize = 20;

/// The event of a moment.
pub fn pagerduty(notice: &Notice, routing_key: &Secret) -> Value {
    let action = match notice.event {
        Moment::Acknowledged => "acknowledge",
        Moment::Resolved => "resolve",
        Moment::Opened | Moment::Again | Moment::Escalated | Moment::Reopened | Moment::Test => "trigger",
    };
    let mut event = json!({
        "routing_key": routing_key.expose(),
        "event_action": action,
        "dedup_key": clip_chars(&notice.alert_id, KEY_CHARS_MAX),
    });
    if action != "trigger" {
        return event;
    }
    event["client"] = "whodid".into();
    event["payload"] = json!({
        "summary": clip_chars(&notice.headline(), SUMMARY_CHARS_MAX),
        "source": clip_chars(&format!("whodid/{}", notice.account), SUMMARY_CHARS_MAX),
        "severity": notice.severity.of_pagerduty(),
        "timestamp": notice.at.to_string(),
        "class": clip_chars(&one_line(&notice.rule_id), SUMMARY_CHARS_MAX),
        "custom_details": details(notice),
    });
    if let Some(link) = web_link(notice) {
        event["client_url"] = link.clone().into();
        event["links"] = json!([{"href": link, "text": "Open in whodid"}]);
    }
    event
}

fn details(notice: &Notice) -> Value {
    let clip = |text: &str| Value::from(clip_chars(text, DETAIL_CHARS_MAX));
    let group: Map<String, Value> =
        notice.group.iter().take(GROUP_MAX).map(|pair| (clip_chars(&pair.key, 200), clip(&pair.value))).collect();
    let evidence: Vec<Value> = notice
        .told_evidence()
        .iter()
        .map(|evidence| json!({"record": clip(&evidence.record), "at": evidence.at, "sentence": clip(&evidence.sentence)}))
        .collect();
    json!({
        "count": notice.count,
        "more": notice.more,
        "opened_at": notice.opened_at,
        "query": clip(&notice.query),
        "group": group,
        "evidence": evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::lockout;

    fn of(event: Moment) -> Value {
        pagerduty(&Notice { event, ..lockout() }, &Secret::new("key"))
    }

    #[test]
    fn the_moments_of_an_alert_are_one_incident() {
        for (moment, action) in [
            (Moment::Opened, "trigger"),
            (Moment::Again, "trigger"),
            (Moment::Escalated, "trigger"),
            (Moment::Reopened, "trigger"),
            (Moment::Acknowledged, "acknowledge"),
            (Moment::Resolved, "resolve"),
        ] {
            let event = of(moment);
            assert_eq!(event["event_action"], action);
            assert_eq!(event["dedup_key"], "0198a2b4-0000-7000-8000-000000000001");
            assert_eq!(event["routing_key"], "key");
        }
    }

    #[test]
    fn a_trigger_says_what_happened() {
        let event = of(Moment::Opened);
        assert_eq!(event["payload"]["summary"], "[high] Too many failed sign-ins: alice failed to sign in 5 times");
        assert_eq!(event["payload"]["severity"], "error");
        assert_eq!(event["payload"]["source"], "whodid/acme");
        assert_eq!(event["payload"]["custom_details"]["group"]["initiator.name"], "alice");
        assert_eq!(event["links"][0]["href"], "https://whodid.example.com/alerts/1");
    }

    #[test]
    fn a_summary_is_one_line_of_at_most_1024_characters() {
        let notice = Notice { sentence: "a\n\"}".repeat(2000), ..lockout() };
        let event = pagerduty(&notice, &Secret::new("key"));
        let summary = event["payload"]["summary"].as_str().unwrap();
        assert_eq!(summary.chars().count(), SUMMARY_CHARS_MAX);
        assert!(!summary.contains('\n'));
    }
}
