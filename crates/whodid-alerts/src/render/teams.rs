//! Teams: an Adaptive Card in the form that a Workflows webhook takes. Source: the Adaptive Cards schema, version 1.4.

use serde_json::{Value, json};

use super::{local, web_link};
use crate::clip::{clip_bytes, is_plain};
use crate::{Notice, Severity};

/// Longest text of a run, in bytes. Teams takes messages of some 28 KB in all, and JSON's escapes may double a text.
const RUN_BYTES_MAX: usize = 450;
/// Pairs of the group.
const GROUP_MAX: usize = 6;

/// The body of a Workflows webhook.
pub fn teams(notice: &Notice, zone: chrono_tz::Tz) -> Value {
    let more = notice.more_text().map(|more| format!(" ({more})")).unwrap_or_default();
    let mut body = vec![
        text(&[run(&notice.rule_title, json!({"weight": "Bolder", "size": "Large", "color": color(notice.severity)}))]),
        text(&[run(&format!("{}{more}", notice.sentence), json!({}))]),
        fact("Severity", notice.severity.as_str()),
        fact("State", notice.event.as_str()),
        fact("Findings", &notice.count.to_string()),
        fact("Opened", &local(notice.opened_at, zone)),
    ];
    body.extend(notice.group.iter().take(GROUP_MAX).map(|pair| fact(&pair.key, &pair.value)));
    for evidence in notice.told_evidence() {
        let line = format!("{} {}", local(evidence.at, zone), evidence.sentence);
        body.push(text(&[run(&line, json!({"size": "Small"}))]));
    }
    let actions: Vec<Value> = web_link(notice)
        .map(|url| json!({"type": "Action.OpenUrl", "title": "Open in whodid", "url": url}))
        .into_iter()
        .collect();
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        // Read as Markdown, so it holds no text of an event.
        "fallbackText": format!("[{}] An alert of whodid", notice.severity),
        "msteams": {"width": "Full"},
        "body": body,
        "actions": actions,
    });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn color(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational | Severity::Low => "Accent",
        Severity::Medium => "Warning",
        Severity::High | Severity::Critical => "Attention",
    }
}

fn fact(name: &str, value: &str) -> Value {
    text(&[run(&format!("{name}: "), json!({"weight": "Bolder"})), run(value, json!({}))])
}

/// A rich text block, and not a text block: the latter reads Markdown, and so links.
fn text(runs: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": runs})
}

fn run(text: &str, mut style: Value) -> Value {
    let plain: String = text.chars().map(|character| if is_plain(character) { character } else { ' ' }).collect();
    style["type"] = "TextRun".into();
    style["text"] = clip_bytes(if plain.is_empty() { "–" } else { &plain }, RUN_BYTES_MAX).into();
    style
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::lockout;

    #[test]
    fn a_card_says_what_happened_how_bad_and_where_to_look() {
        let body = teams(&lockout(), chrono_tz::UTC);
        assert_eq!(body["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
        let card = &body["attachments"][0]["content"];
        assert_eq!(card["body"][0]["inlines"][0]["color"], "Attention");
        assert_eq!(card["body"][1]["inlines"][0]["text"], "alice failed to sign in 5 times");
        assert_eq!(card["body"][2]["inlines"][1]["text"], "high");
        assert_eq!(card["actions"][0]["url"], "https://whodid.example.com/alerts/1");
    }

    #[test]
    fn no_text_of_an_event_is_read_as_markdown_or_as_a_mention() {
        let mut notice = lockout();
        notice.sentence = "[click](https://evil.example) <at>everyone</at>\n# big".to_owned();
        notice.group[0].value = "**x**".to_owned();
        notice.link = "file:///etc/passwd".to_owned();
        let body = teams(&notice, chrono_tz::UTC);
        let told = body.to_string();
        assert!(!told.contains("\"TextBlock\"") && !told.contains("\"FactSet\"") && !told.contains("\"mention\""));
        assert_eq!(body["attachments"][0]["content"]["actions"], json!([]));
    }

    #[test]
    fn a_card_stays_below_what_teams_takes() {
        let mut notice = lockout();
        let long = "\"ü\\".repeat(20_000);
        notice.sentence.clone_from(&long);
        notice.rule_title.clone_from(&long);
        notice.group = vec![crate::GroupValue { key: long.clone(), value: long.clone() }; 50];
        notice.evidence = vec![crate::notice::Evidence { sentence: long, ..notice.evidence[0].clone() }; 50];
        let bytes = teams(&notice, chrono_tz::UTC).to_string().len();
        assert!(bytes < 28_000, "{bytes}");
    }
}
