//! Mail: a subject, a text and the same as HTML.

use super::{local, web_link};
use crate::Notice;
use crate::clip::clip_chars;

/// Longest subject, in characters.
const SUBJECT_CHARS_MAX: usize = 200;
/// Longest value, in characters.
const VALUE_CHARS_MAX: usize = 4000;
/// Pairs of the group.
const GROUP_MAX: usize = 20;

/// What a mail says; addresses and headers are added where it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same, for who prefers it.
    pub html: String,
}

/// The mail of a notice, with times of a zone.
pub fn email(notice: &Notice, zone: chrono_tz::Tz) -> Mail {
    let facts = facts(notice, zone);
    Mail {
        subject: clip_chars(&notice.headline(), SUBJECT_CHARS_MAX),
        text: text(notice, &facts, zone),
        html: html(notice, &facts, zone),
    }
}

fn facts(notice: &Notice, zone: chrono_tz::Tz) -> Vec<(String, String)> {
    let mut facts = vec![
        ("Severity".to_owned(), notice.severity.to_string()),
        ("State".to_owned(), notice.event.as_str().to_owned()),
        ("Account".to_owned(), notice.account.to_string()),
        ("Findings".to_owned(), notice.count.to_string()),
        ("Opened".to_owned(), local(notice.opened_at, zone)),
        ("Told".to_owned(), local(notice.at, zone)),
    ];
    facts.extend(notice.group.iter().take(GROUP_MAX).map(|pair| (pair.key.clone(), pair.value.clone())));
    if !notice.query.is_empty() {
        facts.push(("Search".to_owned(), notice.query.clone()));
    }
    facts
}

fn text(notice: &Notice, facts: &[(String, String)], zone: chrono_tz::Tz) -> String {
    let mut text = format!("{}\n\n{}\n", plain(&notice.rule_title), plain(&notice.sentence));
    if let Some(more) = notice.more_text() {
        text.push_str(&format!("... {more} notices\n"));
    }
    text.push('\n');
    for (name, value) in facts {
        text.push_str(&format!("{}: {}\n", plain(name), plain(value)));
    }
    if !notice.told_evidence().is_empty() {
        text.push_str("\nRecords\n");
    }
    for evidence in notice.told_evidence() {
        let at = local(evidence.at, zone);
        text.push_str(&format!("  {at}  {} ({})\n", plain(&evidence.sentence), plain(&evidence.record)));
    }
    if let Some(link) = web_link(notice) {
        text.push_str(&format!("\n{link}\n"));
    }
    text
}

fn html(notice: &Notice, facts: &[(String, String)], zone: chrono_tz::Tz) -> String {
    let color = notice.severity.color();
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body style=\"font-family:sans-serif;color:#111827;background:#ffffff\">\n\
         <h1 style=\"font-size:18px;border-left:6px solid {color};padding-left:10px\">{title}</h1>\n<p>{}</p>\n",
        escaped(&notice.sentence),
        title = escaped(&notice.rule_title),
    );
    if let Some(more) = notice.more_text() {
        html.push_str(&format!("<p>… {more} notices</p>\n"));
    }
    html.push_str("<table role=\"presentation\" cellpadding=\"4\" style=\"border-collapse:collapse\">\n");
    for (name, value) in facts {
        let (name, value) = (escaped(name), escaped(value));
        html.push_str(&format!("<tr><th align=\"left\" valign=\"top\">{name}</th><td>{value}</td></tr>\n"));
    }
    html.push_str("</table>\n");
    if !notice.told_evidence().is_empty() {
        html.push_str("<h2 style=\"font-size:15px\">Records</h2>\n<ul>\n");
        for evidence in notice.told_evidence() {
            let (at, sentence, record) =
                (local(evidence.at, zone), escaped(&evidence.sentence), escaped(&evidence.record));
            html.push_str(&format!("<li>{at} {sentence} (<code>{record}</code>)</li>\n"));
        }
        html.push_str("</ul>\n");
    }
    if let Some(link) = web_link(notice) {
        html.push_str(&format!("<p><a href=\"{}\">Open in whodid</a></p>\n", escaped(&link)));
    }
    html.push_str("</body></html>\n");
    html
}

/// One line of bounded length.
fn plain(text: &str) -> String {
    clip_chars(&crate::clip::one_line(text), VALUE_CHARS_MAX)
}

/// The same, safe in text and in quoted attributes of HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in plain(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::lockout;

    #[test]
    fn a_mail_says_what_happened_how_bad_and_where_to_look() {
        let mail = email(&Notice { more: 37, ..lockout() }, chrono_tz::Europe::Berlin);
        assert_eq!(mail.subject, "[high] Too many failed sign-ins: alice failed to sign in 5 times and 37 more");
        let expected = "Too many failed sign-ins\n\nalice failed to sign in 5 times\n... and 37 more notices\n\n\
            Severity: high\nState: opened\nAccount: acme\nFindings: 5\nOpened: 2026-11-20 10:00:00 CET\n\
            Told: 2026-11-20 10:14:00 CET\ninitiator.name: alice\nSearch: initiator.name:alice outcome:failure\n\n\
            Records\n  2026-11-20 10:14:00 CET  alice failed to sign in to console (activity:42)\n\n\
            https://whodid.example.com/alerts/1\n";
        assert_eq!(mail.text, expected);
        assert!(mail.html.contains("<a href=\"https://whodid.example.com/alerts/1\">"));
    }

    #[test]
    fn no_text_of_an_event_becomes_a_header_or_markup() {
        let attack = "x\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script><img src=x onerror='a'>\"&".to_owned();
        let mut notice = lockout();
        notice.rule_title.clone_from(&attack);
        notice.sentence.clone_from(&attack);
        notice.query.clone_from(&attack);
        notice.group[0] = crate::GroupValue { key: attack.clone(), value: attack.clone() };
        notice.evidence[0].sentence.clone_from(&attack);
        notice.evidence[0].record = attack;
        notice.link = "https://whodid.example.com/\"><script>".to_owned();
        let mail = email(&notice, chrono_tz::UTC);
        assert!(!mail.subject.contains(['\r', '\n']));
        for tag in ["<script", "<img", "'a'"] {
            assert!(!mail.html.contains(tag), "{tag}");
        }
        assert!(!mail.text.contains("\nBcc:"));
        let dangerous = email(&Notice { link: "javascript:alert(1)".to_owned(), ..notice }, chrono_tz::UTC);
        assert!(!dangerous.html.contains("javascript:") && !dangerous.html.contains("<a "));
    }

    #[test]
    fn a_mail_is_bounded() {
        let mut notice = lockout();
        let long = "ü".repeat(100_000);
        notice.sentence.clone_from(&long);
        notice.group = vec![crate::GroupValue { key: long.clone(), value: long.clone() }; 100];
        notice.evidence = vec![crate::notice::Evidence { sentence: long, ..notice.evidence[0].clone() }; 100];
        let mail = email(&notice, chrono_tz::UTC);
        assert_eq!(mail.subject.chars().count(), SUBJECT_CHARS_MAX);
        assert!(mail.text.len() < 1_000_000 && mail.html.len() < 1_000_000);
    }
}
