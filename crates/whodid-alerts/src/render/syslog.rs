//! Syslog: one message of RFC 5424 with structured data.

use crate::clip::{clip_bytes, one_line};
use crate::{Moment, Notice};

/// Longest message, in bytes: what RFC 5425 asks receivers to take.
pub const SYSLOG_BYTES_MAX: usize = 8192;
/// Facility 13, log audit.
const FACILITY: u8 = 13;
/// The number that RFC 5612 keeps for examples: whodid has none of its own.
const SD_ID: &str = "alert@32473";
/// Longest value of a parameter, in bytes, escaped. All parameters together leave room for the text.
const VALUE_BYTES_MAX: usize = 256;
/// Pairs of the group.
const GROUP_MAX: usize = 8;
/// Longest host name (RFC 5424, 6.2.4).
const HOST_BYTES_MAX: usize = 255;

/// The message. `hostname`: this machine's, for the header.
pub fn syslog(notice: &Notice, hostname: &str) -> Vec<u8> {
    let priority = FACILITY * 8 + notice.severity.of_syslog();
    let mut message =
        format!("<{priority}>1 {} {} whodid - {} [{SD_ID}", notice.at, header(hostname), msgid(notice.event));
    let mut parameter = |name: &str, value: &str| {
        let value = escaped_within(&one_line(value), VALUE_BYTES_MAX);
        message.push_str(&format!(r#" {name}="{value}""#));
    };
    parameter("id", &notice.alert_id);
    parameter("account", notice.account.as_str());
    parameter("event", notice.event.as_str());
    parameter("severity", notice.severity.as_str());
    parameter("rule", &notice.rule_id);
    parameter("title", &notice.rule_title);
    parameter("count", &notice.count.to_string());
    parameter("openedAt", &notice.opened_at.to_string());
    parameter("link", &notice.link);
    parameter("query", &notice.query);
    // Names of parameters are ours alone: a key of an event stands in a value.
    for pair in notice.group.iter().take(GROUP_MAX) {
        parameter("group", &format!("{}={}", pair.key, pair.value));
    }
    // The mark that what follows is UTF-8 (6.4).
    message.push_str("] \u{feff}");
    let left = SYSLOG_BYTES_MAX.saturating_sub(message.len());
    message.push_str(&clip_bytes(&notice.headline(), left));
    message.into_bytes()
}

/// A word of a header: printable ASCII without blanks, or the sign for none.
fn header(text: &str) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(HOST_BYTES_MAX).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

fn msgid(moment: Moment) -> &'static str {
    moment.as_str()
}

/// Escapes what RFC 5424, 6.3.3 names, each by a backslash, and ends within the bound, never inside an escape.
fn escaped_within(value: &str, bytes_max: usize) -> String {
    let mut escaped = String::new();
    for character in value.chars() {
        let is_special = matches!(character, '"' | '\\' | ']');
        if escaped.len() + usize::from(is_special) + character.len_utf8() > bytes_max {
            break;
        }
        if is_special {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::lockout;
    use proptest::prelude::*;

    fn text(notice: &Notice) -> String {
        String::from_utf8(syslog(notice, "whodid.example.com")).unwrap()
    }

    #[test]
    fn a_message_has_the_form_of_rfc_5424() {
        let expected = concat!(
            "<107>1 2026-11-20T09:14:00.000Z whodid.example.com whodid - opened ",
            r#"[alert@32473 id="0198a2b4-0000-7000-8000-000000000001" account="acme" event="opened" severity="high" "#,
            r#"rule="lockout" title="Too many failed sign-ins" count="5" openedAt="2026-11-20T09:00:00.000Z" "#,
            r#"link="https://whodid.example.com/alerts/1" query="initiator.name:alice outcome:failure" "#,
            r#"group="initiator.name=alice"] "#,
            "\u{feff}[high] Too many failed sign-ins: alice failed to sign in 5 times",
        );
        assert_eq!(text(&lockout()), expected);
    }

    #[test]
    fn no_text_of_an_event_ends_the_structure_or_the_message() {
        let mut notice = lockout();
        notice.sentence = "a\n<107>1 - - - - - - forged".to_owned();
        notice.rule_title = r#"x" evil="1"][b@1 c="\"#.to_owned();
        notice.group[0].value = "\r\n\0]".to_owned();
        let text = text(&notice);
        assert!(!text.contains(['\n', '\r', '\0']));
        assert!(text.contains(r#"title="x\" evil=\"1\"\][b@1 c=\"\\""#), "{text}");
        assert!(text.contains(r#"group="initiator.name= \]"]"#), "{text}");
    }

    #[test]
    fn a_message_of_nothing_but_escapes_has_room_for_its_text() {
        let worst = r#"\]""#.repeat(10_000);
        let mut notice = lockout();
        for text in [&mut notice.alert_id, &mut notice.rule_id, &mut notice.rule_title, &mut notice.sentence] {
            text.clone_from(&worst);
        }
        notice.link.clone_from(&worst);
        notice.query.clone_from(&worst);
        notice.group = vec![crate::GroupValue { key: worst.clone(), value: worst.clone() }; 20];
        let message = syslog(&notice, &"h".repeat(1000));
        assert_eq!(message.len(), SYSLOG_BYTES_MAX);
        assert!(escaped_within(&worst, 256).len() <= 256);
    }

    #[test]
    fn a_host_name_is_one_word() {
        assert_eq!(header("a b\nc"), "abc");
        assert_eq!(header("é"), "-");
    }

    proptest! {

        #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_events_say_it_is_one_message_within_the_bound(words in prop::collection::vec("[\"\\\\\\]\\[=a\n\u{202e}üẞ ]{0,3000}", 8)) {
            let mut notice = lockout();
            notice.alert_id.clone_from(&words[0]);
            notice.rule_id.clone_from(&words[1]);
            notice.rule_title.clone_from(&words[2]);
            notice.sentence.clone_from(&words[3]);
            notice.link.clone_from(&words[4]);
            notice.query.clone_from(&words[5]);
            notice.group = vec![crate::GroupValue { key: words[6].clone(), value: words[7].clone() }; 20];
            let message = syslog(&notice, "host");
            prop_assert!(message.len() <= SYSLOG_BYTES_MAX);
            let text = String::from_utf8(message).unwrap();
            prop_assert!(!text.chars().any(char::is_control));
            // Outside escapes there is exactly the one end of the structure before the mark.
            let (head, _) = text.split_once("] \u{feff}").unwrap();
            let bare = head.replace(r"\\", "").replace(r#"\""#, "").replace(r"\]", "");
            prop_assert!(!bare.contains(']'));
            prop_assert_eq!(bare.matches('"').count() % 2, 0);
        }
    }
}
