//! Slack: an attachment in the colour of the severity, with blocks. Source: Slack's Block Kit reference.

use serde_json::{Value, json};

use super::{local, web_link};
use crate::Notice;

/// Longest text of a section.
const SECTION_CHARS_MAX: usize = 3000;
/// Longest text of a header.
const HEADER_CHARS_MAX: usize = 150;
/// Longest text of a field.
const FIELD_CHARS_MAX: usize = 2000;
/// Fields of a section.
const FIELDS_MAX: usize = 10;
/// Longest address of a button.
const URL_CHARS_MAX: usize = 3000;

/// The body of an incoming webhook.
pub fn slack(notice: &Notice, zone: chrono_tz::Tz) -> Value {
    let header = escape_within(&notice.rule_title, HEADER_CHARS_MAX);
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": header, "emoji": false}}),
        json!({"type": "section", "text": text(&sentence(notice), SECTION_CHARS_MAX)}),
    ];
    let mut fields = vec![field("Severity", notice.severity.as_str()), field("State", notice.event.as_str())];
    fields.push(field("Findings", &notice.count.to_string()));
    fields.push(field("Opened", &local(notice.opened_at, zone)));
    for pair in notice.group.iter().take(FIELDS_MAX - fields.len()) {
        fields.push(field(&pair.key, &pair.value));
    }
    blocks.push(json!({"type": "section", "fields": fields}));
    let evidence: Vec<String> = notice
        .told_evidence()
        .iter()
        .map(|evidence| format!("{} {}", local(evidence.at, zone), evidence.sentence))
        .collect();
    if !evidence.is_empty() {
        blocks.push(json!({"type": "section", "text": text(&evidence.join("\n"), SECTION_CHARS_MAX)}));
    }
    if let Some(link) = web_link(notice).filter(|link| link.len() <= URL_CHARS_MAX) {
        let label = json!({"type": "plain_text", "text": "Open in whodid", "emoji": false});
        blocks.push(json!({"type": "actions", "elements": [{"type": "button", "text": label, "url": link}]}));
    }
    json!({
        "text": escape_within(&notice.headline(), SECTION_CHARS_MAX),
        "attachments": [{"color": notice.severity.color(), "blocks": blocks}],
    })
}

fn sentence(notice: &Notice) -> String {
    let more = notice.more_text().map(|more| format!(" ({more})")).unwrap_or_default();
    format!("{}{more}", notice.sentence)
}

/// Verbatim: Slack makes no links of what looks like an address or a channel.
fn text(text: &str, chars_max: usize) -> Value {
    json!({"type": "mrkdwn", "text": escape_within(text, chars_max), "verbatim": true})
}

fn field(name: &str, value: &str) -> Value {
    let value = if value.is_empty() { "–" } else { value };
    text(&format!("{name}\n{value}"), FIELD_CHARS_MAX)
}

/// Escapes what Slack gives a meaning, and ends within the bound, never inside an escape.
fn escape_within(text: &str, chars_max: usize) -> String {
    let mut escaped = String::new();
    let mut left = chars_max - 1;
    let mut buffer = [0; 4];
    for character in text.chars() {
        let piece = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '\n' => "\n",
            other if !crate::clip::is_plain(other) => " ",
            other => other.encode_utf8(&mut buffer),
        };
        let Some(rest) = left.checked_sub(piece.chars().count()) else {
            escaped.push('…');
            return escaped;
        };
        left = rest;
        escaped.push_str(piece);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::lockout;
    use proptest::prelude::*;

    #[test]
    fn a_message_says_what_happened_how_bad_and_where_to_look() {
        let body = slack(&lockout(), chrono_tz::Europe::Berlin);
        assert_eq!(body["text"], "[high] Too many failed sign-ins: alice failed to sign in 5 times");
        let attachment = &body["attachments"][0];
        assert_eq!(attachment["color"], "#c2410c");
        assert_eq!(attachment["blocks"][1]["text"]["text"], "alice failed to sign in 5 times");
        assert_eq!(attachment["blocks"][2]["fields"][3]["text"], "Opened\n2026-11-20 10:00:00 CET");
        assert_eq!(attachment["blocks"][2]["fields"][4]["text"], "initiator.name\nalice");
        assert_eq!(attachment["blocks"][4]["elements"][0]["url"], "https://whodid.example.com/alerts/1");
    }

    #[test]
    fn no_text_of_an_event_mentions_links_or_formats() {
        let attack = "<!channel> <@U123> <https://evil.example|click> & *x*".to_owned();
        let mut notice = lockout();
        notice.sentence.clone_from(&attack);
        notice.rule_title.clone_from(&attack);
        notice.group[0].value.clone_from(&attack);
        notice.evidence[0].sentence = attack;
        notice.link = "javascript:alert(1)".to_owned();
        let body = slack(&notice, chrono_tz::UTC);
        let blocks = &body["attachments"][0]["blocks"];
        assert_eq!(blocks[0]["text"]["type"], "plain_text");
        let told = body.to_string();
        assert!(!told.contains("<!") && !told.contains("<@") && !told.contains("<http"), "{told}");
        assert!(told.contains("&lt;!channel&gt;"));
        assert_eq!(told.matches("\"mrkdwn\"").count(), told.matches("\"verbatim\":true").count());
        assert_eq!(blocks.as_array().map(Vec::len), Some(4), "no button for such a link");
    }

    proptest! {

        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_is_longer_than_slack_takes(attack in "[&<>a\n\u{202e}ü]{0,5000}") {
            let escaped = escape_within(&attack, SECTION_CHARS_MAX);
            prop_assert!(escaped.chars().count() <= SECTION_CHARS_MAX);
            let rest = escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
            prop_assert!(!rest.contains(['&', '<', '>']));
        }
    }
}
