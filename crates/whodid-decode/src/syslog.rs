//! Lines of a system log in the three forms that rsyslog and its like write: RFC 5424, the traditional
//! one of RFC 3164, and that with an RFC 3339 time; each with and without its priority.
//!
//! A line is taken apart, not judged: what a program says in it is left to whoever knows the program.

use std::net::Ipv6Addr;

use whodid_model::{TimeSource, Timestamp};

use crate::draft::stated;

/// The part of a line that a program did not write itself, and what it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// When; `None` where the line states no time.
    pub(crate) at: Option<(Timestamp, TimeSource)>,
    /// The machine, as its own log calls it.
    pub(crate) host: Option<&'a str>,
    /// The program, without its path and process.
    pub(crate) program: Option<&'a str>,
    /// The process; mostly a number.
    pub(crate) pid: Option<&'a str>,
    /// What was said, without blanks around it.
    pub(crate) message: &'a str,
    /// False where other logs have lines of this form too: a time and some words.
    pub(crate) is_certain: bool,
}

/// Largest priority: facility 23, severity 7.
const PRIORITY_MAX: u16 = 191;
/// How a line begins that no program wrote.
const REPEATED: &str = "last message repeated ";
/// Before the message, some senders write this.
const BYTE_ORDER_MARK: char = '\u{feff}';
/// Years in which a 29 February may be looked for: two leap years are at most eight apart.
const YEARS_BACK_MAX: i32 = 9;
/// A clock may be ahead of ours by this without its day being taken for one of last year.
const AHEAD_MICROS_MAX: i64 = whodid_model::time::MICROS_A_DAY;

/// Takes a line apart; `None` when it is no line of a system log. A year that the line does not state is the
/// one that puts it nearest before `received`, or at most a day after it.
pub(crate) fn parse(line: &str, received: Timestamp) -> Option<Line<'_>> {
    let line = line.trim();
    let after_priority = without_priority(line);
    let has_priority = after_priority.is_some();
    let text = after_priority.unwrap_or(line);
    if let Some(line) = of_rfc5424(text, has_priority) {
        return Some(line);
    }
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    if let Some(at) = rfc3339(first) {
        let line = headed(rest, Some(at))?;
        let has_head = line.host.is_some() && (line.program.is_some() || line.message.starts_with(REPEATED));
        return Some(Line { is_certain: has_priority || has_head, ..line });
    }
    if let Some((at, rest)) = traditional_stamp(text, received) {
        return headed(rest, Some(at));
    }
    if !has_priority || text.is_empty() {
        return None;
    }
    // A local socket's form: neither time nor host.
    let (program, pid, message) = tag(text);
    Some(Line { at: None, host: None, program, pid, message, is_certain: true })
}

/// The time in a text of any of the line forms, for those that stand alone.
pub(crate) fn stamp(text: &str, received: Timestamp) -> Option<(Timestamp, TimeSource)> {
    let (at, rest) = traditional_stamp(text.trim(), received)?;
    rest.trim().is_empty().then_some(at)
}

/// The program and process in a tag: `sshd[3290]:`.
pub(crate) fn program_of_tag(text: &str) -> (Option<&str>, Option<&str>) {
    let (program, pid, _) = tag(text);
    (program.or(Some(text.trim()).filter(|name| !name.is_empty())), pid)
}

fn without_priority(line: &str) -> Option<&str> {
    let (digits, rest) = line.strip_prefix('<')?.split_once('>')?;
    let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && digits.parse::<u16>().is_ok_and(|priority| priority <= PRIORITY_MAX)).then_some(rest.trim_start())
}

fn of_rfc5424(text: &str, has_priority: bool) -> Option<Line<'_>> {
    let (version, rest) = text.split_once(' ')?;
    if !(1..=3).contains(&version.len()) || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = rest.splitn(6, ' ');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let at = match part()? {
        "-" if has_priority => None,
        stamp => Some(rfc3339(stamp)?),
    };
    let (host, program, pid, _message_id) = (part()?, part()?, part()?, part()?);
    let after = after_structured_data(part()?)?;
    let message = after.strip_prefix(' ').unwrap_or(after).trim_start_matches(BYTE_ORDER_MARK).trim();
    let known = |text: &'_ str| text != "-";
    let (program, pid) = (Some(program).filter(|text| known(text)), Some(pid).filter(|text| known(text)));
    let host = Some(host).filter(|text| known(text));
    Some(Line { at, host, program: program.map(without_path), pid, message, is_certain: true })
}

/// What follows `-` or `[id name="value"]…`; `None` when neither stands there.
fn after_structured_data(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('-') {
        return (rest.is_empty() || rest.starts_with(' ')).then_some(rest);
    }
    let bytes = text.as_bytes();
    let (mut at, mut is_quoted) = (0, false);
    if bytes.first() != Some(&b'[') {
        return None;
    }
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if is_quoted => at += 1,
            b'"' => is_quoted = !is_quoted,
            b']' if !is_quoted && bytes.get(at + 1) != Some(&b'[') => return text.get(at + 1..),
            _ => {}
        }
        at += 1;
    }
    None
}

fn rfc3339(text: &str) -> Option<(Timestamp, TimeSource)> {
    let bytes = text.as_bytes();
    let has_shape = bytes.len() >= 19 && bytes[4] == b'-' && matches!(bytes[10], b'T' | b't');
    let parsed = Timestamp::parse(text).ok().filter(|_| has_shape)?;
    Some((parsed.at, stated(parsed.zone_stated)))
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Nov 20 09:07:57`, days below 10 with a blank or a zero; some devices add a year after the day.
fn traditional_stamp(text: &str, received: Timestamp) -> Option<((Timestamp, TimeSource), &str)> {
    let (month, rest) = text.split_once(' ')?;
    let month = 1 + MONTHS.iter().position(|known| known.eq_ignore_ascii_case(month))?;
    let (day, rest) = rest.trim_start().split_once(' ')?;
    let is_number = |text: &str, digits_max: usize| {
        (1..=digits_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let day: u8 = day.parse().ok().filter(|_| is_number(day, 2))?;
    let rest = rest.trim_start();
    let (first, after_first) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_year = first.len() == 4 && is_number(first, 4);
    let (clock, rest) = if is_year {
        after_first.trim_start().split_once(' ').unwrap_or((after_first, ""))
    } else {
        (first, after_first)
    };
    let clock = clock.strip_suffix(':').unwrap_or(clock);
    let bytes = clock.as_bytes();
    let digits = [0, 1, 3, 4, 6, 7].iter().all(|at| bytes.get(*at).is_some_and(u8::is_ascii_digit));
    if !digits || bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let in_year = |year: i32| {
        let parsed = Timestamp::parse(&format!("{year:04}-{month:02}-{day:02}T{clock}")).ok()?;
        Some((parsed.at, stated(parsed.zone_stated)))
    };
    if is_year {
        return Some((in_year(first.parse().ok()?)?, rest));
    }
    let latest = received.plus_micros(AHEAD_MICROS_MAX);
    let this_year: i32 = latest.date().get(..4)?.parse().ok()?;
    let at = (this_year - YEARS_BACK_MAX..=this_year).rev().filter_map(in_year).find(|(at, _)| *at <= latest)?;
    Some((at, rest))
}

/// Host, tag and message, as they follow the time.
fn headed(rest: &str, at: Option<(Timestamp, TimeSource)>) -> Option<Line<'_>> {
    let rest = rest.trim_start();
    if rest.is_empty() {
        return None;
    }
    let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let bare = first.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let is_address = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    let is_tag = (first.ends_with(':') || first.contains('[')) && !is_address(bare.unwrap_or(first));
    // Some logs leave the host out, as a machine does that writes of itself.
    if is_tag || rest.starts_with(REPEATED) {
        let (program, pid, message) = tag(rest);
        return Some(Line { at, host: None, program, pid, message, is_certain: true });
    }
    let host = Some(bare.unwrap_or(first)).filter(|host| *host != "-");
    let (program, pid, message) = tag(after);
    Some(Line { at, host, program, pid, message, is_certain: true })
}

/// Program, process and message: `sshd[3290]: message`, `sudo: message`, `postfix/smtpd[7]: message`.
fn tag(text: &str) -> (Option<&str>, Option<&str>, &str) {
    let text = text.trim();
    let end = text.find(' ').unwrap_or(text.len());
    let (token, after) = text.split_at(end);
    let untagged = (None, None, text);
    let (name, message) = if let Some(name) = token.strip_suffix(':') {
        (name, after)
    } else if token.ends_with(']') && token.find('[').is_some_and(|at| at > 0) {
        (token, after)
    } else if let Some((name, _)) = token.split_once(':').filter(|(_, after)| !after.starts_with("//")) {
        (name, &text[name.len() + 1..])
    } else {
        return untagged;
    };
    let (program, pid) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((program, pid)) => (program, Some(pid).filter(|pid| !pid.is_empty())),
        None => (name, None),
    };
    if program.is_empty() {
        return untagged;
    }
    (Some(without_path(program)), pid, message.trim())
}

/// `/usr/sbin/cron` → `cron`, `polkitd(authority=local)` → `polkitd`; `postfix/smtpd` is a name.
fn without_path(program: &str) -> &str {
    let program = program.split_once('(').map_or(program, |(name, _)| if name.is_empty() { program } else { name });
    let last = program.rsplit('/').next().filter(|last| program.starts_with('/') && !last.is_empty());
    last.unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: &str = "2026-01-05T13:00:00Z";

    fn readable(line: &str, received: &str) -> String {
        let Some(line) = parse(line, Timestamp::parse(received).unwrap().at) else { return "no line".to_owned() };
        let at = line.at.map_or_else(|| "-".to_owned(), |(at, source)| format!("{at} {source:?}"));
        let text = |text: Option<&'static str>| text.unwrap_or("-");
        // Leaked on purpose: a test of a few lines.
        let leak = |text: Option<&str>| text.map(|text| -> &'static str { Box::leak(text.to_owned().into()) });
        let [host, program, pid] = [line.host, line.program, line.pid].map(|part| text(leak(part)));
        let doubt = if line.is_certain { "" } else { " (perhaps)" };
        format!("{at} | {host} | {program} | {pid} | {}{doubt}", line.message)
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(readable(line, RECEIVED), expected, "{line}");
    }

    #[test]
    fn the_three_forms_are_read_with_and_without_priority() {
        let stated = "2026-01-05T12:00:00.250Z Stated | host1 | sshd | 71 | said";
        check("2026-01-05T13:00:00.25+01:00 host1 sshd[71]: said", stated);
        check("<86>2026-01-05T13:00:00.25+01:00 host1 sshd[71]: said", stated);
        check("<86>1 2026-01-05T13:00:00.25+01:00 host1 sshd 71 - - said", stated);
        check("<86>1 2026-01-05T13:00:00.25+01:00 host1 sshd 71 ID47 - \u{feff}said", stated);
        check("1 2026-01-05T13:00:00.25+01:00 host1 sshd 71 - -  said", stated);
        check(
            "Jan  5 12:00:00 host1 sshd[71]: said",
            "2026-01-05T12:00:00.000Z ZoneAssumed | host1 | sshd | 71 | said",
        );
        check(
            "<38>Jan 05 12:00:00 host1 sshd[71]: said",
            "2026-01-05T12:00:00.000Z ZoneAssumed | host1 | sshd | 71 | said",
        );
        check("Jan  5 2025 12:00:00 host1 su: said", "2025-01-05T12:00:00.000Z ZoneAssumed | host1 | su | - | said");
    }

    #[test]
    fn structured_data_is_passed_over_whatever_it_quotes() {
        let said = "2026-01-05T12:00:00.000Z Stated | host1 | sshd | 71 | said";
        check(r#"<86>1 2026-01-05T12:00:00Z host1 sshd 71 - [a@1 k="v"] said"#, said);
        check(r#"<86>1 2026-01-05T12:00:00Z host1 sshd 71 - [a@1 k="\"]\\"][b@2 l="[ ]"] said"#, said);
        check("<86>1 - - - - - -", "- | - | - | - | ");
    }

    #[test]
    fn the_year_is_the_latest_that_is_not_ahead() {
        let year = |line: &str, received: &str| readable(line, received).get(..10).map(str::to_owned).unwrap();
        assert_eq!(year("Dec 31 23:59:59 h su: x", "2026-01-05T13:00:00Z"), "2025-12-31");
        assert_eq!(year("Jan  6 12:59:59 h su: x", "2026-01-05T13:00:00Z"), "2026-01-06");
        assert_eq!(year("Jan  6 13:00:01 h su: x", "2026-01-05T13:00:00Z"), "2025-01-06");
        assert_eq!(year("Jan  1 00:00:01 h su: x", "2025-12-31T23:59:59Z"), "2026-01-01");
        assert_eq!(year("Feb 29 00:00:01 h su: x", "2026-01-05T13:00:00Z"), "2024-02-29");
        assert_eq!(year("Feb 29 00:00:01 h su: x", "2103-01-05T13:00:00Z"), "2096-02-29");
    }

    #[test]
    fn hosts_and_tags_of_all_shapes_are_read() {
        let said = |rest: &str| readable(&format!("Jan  5 12:00:00 {rest}"), RECEIVED)[39..].to_owned();
        assert_eq!(said("2001:db8::7 sshd[71]: said"), "2001:db8::7 | sshd | 71 | said");
        assert_eq!(said("2001:db8:: sshd[71]: said"), "2001:db8:: | sshd | 71 | said");
        assert_eq!(said("[2001:db8::7] sshd[71]: said"), "2001:db8::7 | sshd | 71 | said");
        assert_eq!(said("a.example.com postfix/smtpd[7]: said"), "a.example.com | postfix/smtpd | 7 | said");
        assert_eq!(said("h /usr/sbin/CRON[7]: said"), "h | CRON | 7 | said");
        assert_eq!(said("h sudo:    bob : said"), "h | sudo | - | bob : said");
        assert_eq!(said("h sshd[71] said"), "h | sshd | 71 | said");
        assert_eq!(said("h su:said it"), "h | su | - | said it");
        assert_eq!(said("sshd[71]: said"), "- | sshd | 71 | said");
        assert_eq!(said("h said nothing"), "h | - | - | said nothing");
        assert_eq!(said("h last message repeated 3 times"), "h | - | - | last message repeated 3 times");
        assert_eq!(said("last message repeated 3 times"), "- | - | - | last message repeated 3 times");
        assert_eq!(said("h (systemd)[9]: said"), "h | (systemd) | 9 | said");
        assert_eq!(said("h polkitd(authority=local): said"), "h | polkitd | - | said");
    }

    #[test]
    fn what_only_begins_with_a_time_is_perhaps_a_line() {
        check(
            "2026-01-05T12:00:00Z INFO started",
            "2026-01-05T12:00:00.000Z Stated | INFO | - | - | started (perhaps)",
        );
        check("<13>su: said", "- | - | su | - | said");
    }

    #[test]
    fn other_text_is_no_line() {
        for text in [
            "",
            "said",
            "<>x",
            "<192>x",
            "<1234>x",
            "Jan",
            "Jan 5",
            "Jan  5 12:00:00",
            "Feb 30 12:00:00 h su: x",
            "Jan  5 25:00:00 h su: x",
            "2026-01-05 12:00:00 h su: x",
            "2026-01-05T12:00:00Z",
            "12 monkeys",
            "May the 4th be with you",
        ] {
            check(text, "no line");
        }
    }
}
