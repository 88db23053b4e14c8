//! What Linux machines log of who came in and what was changed about accounts: sshd, PAM, sudo, su, the
//! tools of accounts, logind, cron; as lines of a system log, or as JSON that carries such lines.
//!
//! One failed login is one `ssh.login` with outcome failure, though several lines tell of it: only that in
//! which sshd says the end of a try is the login, what PAM and sshd say beside it has actions of its own.
//! Every other line is an event too, `PROGRAM.message` with its text.
//!
//! Names that a stranger types are in these lines. Whatever he types, address and user are read from the
//! side of the line that he does not write.

mod accounts;
mod pam;
mod session;
mod ssh;
mod sudo;

use std::borrow::Cow;

use whodid_model::{Field, Outcome, Reject, RejectCode, TimeSource};

use crate::Decoded;
use crate::carried::is_entry;
use crate::draft::Draft;
use crate::json::{Node, Value};
use crate::syslog::{self, Line};

/// Members of an object that carries a line.
const MESSAGES: &[&str] = &["MESSAGE", "message", "msg", "event.original"];
const HOSTS: &[&str] = &["_HOSTNAME", "hostname", "host", "host.name", "host.hostname", "fromhost", "logsource"];
const PROGRAMS: &[&str] =
    &["SYSLOG_IDENTIFIER", "programname", "program", "app-name", "appname", "process.name", "ident", "_COMM"];
const PIDS: &[&str] = &["SYSLOG_PID", "_PID", "procid", "pid", "process.pid"];
const TIMES: &[&str] = &[
    "_SOURCE_REALTIME_TIMESTAMP",
    "__REALTIME_TIMESTAMP",
    "timereported",
    "timestamp",
    "@timestamp",
    "time",
    "timegenerated",
];

/// Members of an object that tells the parts of a line under names that applications use too. Any other makes it an
/// event that has a message.
const PLAIN_NAMES: &[&str] = &[
    "message",
    "msg",
    "hostname",
    "host",
    "program",
    "app-name",
    "appname",
    "pid",
    "procid",
    "msgid",
    "timestamp",
    "@timestamp",
    "@version",
    "time",
    "facility",
    "severity",
    "priority",
    "pri",
    "tag",
    "structured-data",
    "fromhost-ip",
];

/// Whether an object that is of no other format carries a line: what rsyslog's templates and journald's export
/// write, and entries of log stores.
pub(crate) fn is_carried(root: &Node<'_>, draft: &Draft<'_>) -> bool {
    let has = |names: &[&str]| names.iter().any(|name| root.find(name).and_then(Node::text).is_some());
    if root.find("action").is_some() || !has(MESSAGES) {
        return false;
    }
    let is_line = |text: &str| syslog::parse(text, draft.received()).is_some_and(|line| line.is_certain);
    if MESSAGES.iter().any(|name| root.find(name).and_then(Node::text).is_some_and(is_line)) {
        return true;
    }
    let has_host = has(&["hostname", "host"]);
    let is_plain = || root.members().iter().all(|(name, _)| PLAIN_NAMES.contains(&name.as_ref()));
    has(&["SYSLOG_IDENTIFIER"]) && has(&["_HOSTNAME", "__REALTIME_TIMESTAMP"])
        || has_host && has(&["programname", "syslogtag"])
        || has_host && has(&["program", "app-name", "appname"]) && is_plain()
}

/// Reads an object that carries a line, or the parts of one.
pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    let carrier = Carrier::of(root, draft)?;
    // What the object holds verbatim the event borrows from it.
    let cadf_action = match carrier.borrowed() {
        Some(line) => read(line, draft),
        None => {
            let mut inner = Draft::new("", draft.received());
            let cadf_action = read(carrier.line(), &mut inner);
            draft.adopt(inner);
            cadf_action
        }
    };
    draft.first(Field::Id, root, if is_entry(root) { &["id", "eventId"] } else { &["__CURSOR"] });
    Ok(Some(Cow::Borrowed(cadf_action)))
}

/// Reads a line.
pub(crate) fn decode_line<'a>(line: Line<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    Ok(Some(Cow::Borrowed(read(line, draft))))
}

/// The parts of a line, out of an object.
struct Carrier<'a> {
    at: Option<(whodid_model::Timestamp, TimeSource)>,
    host: Option<Cow<'a, str>>,
    program: Option<Cow<'a, str>>,
    pid: Option<Cow<'a, str>>,
    message: Cow<'a, str>,
    received: whodid_model::Timestamp,
}

impl<'a> Carrier<'a> {
    fn of(root: &Node<'a>, draft: &mut Draft<'a>) -> Result<Self, Reject> {
        let found = |draft: &Draft<'a>, names: &[&str]| names.iter().find_map(|name| draft.scalar(root.find(name)));
        let message = found(draft, MESSAGES).ok_or_else(|| {
            Reject::new(RejectCode::MissingField, "the object has no text in \"message\", so it carries no line")
        })?;
        for name in TIMES {
            let Some(node) = root.find(name) else { continue };
            match node.text().and_then(|text| syslog::stamp(text, draft.received())) {
                Some((at, source)) if draft.event.time_source == TimeSource::Received => draft.at(at, source),
                Some(_) => {}
                None => draft.time(name, Some(node))?,
            }
        }
        let event = &draft.event;
        let at = (event.time_source != TimeSource::Received).then_some((event.event_time, event.time_source));
        let (host, mut program, mut pid) = (found(draft, HOSTS), found(draft, PROGRAMS), found(draft, PIDS));
        if let Some(tag) = root.find("syslogtag").filter(|_| program.is_none()) {
            program = tag.part(|tag| syslog::program_of_tag(tag).0);
            pid = pid.or_else(|| tag.part(|tag| syslog::program_of_tag(tag).1));
        }
        // A line without a year was written before the object was.
        let received = at.map_or(draft.received(), |(at, _)| at);
        Ok(Self { at, host, program, pid: pid.filter(|pid| pid != "-"), message, received })
    }

    /// The line, where all its parts are slices of the document.
    fn borrowed(&self) -> Option<Line<'a>> {
        let Cow::Borrowed(message) = self.message else { return None };
        let part = |part: &Option<Cow<'a, str>>| match part {
            Some(Cow::Borrowed(text)) => Some(Some(*text)),
            Some(Cow::Owned(_)) => None,
            None => Some(None),
        };
        Some(self.filled(message, part(&self.host)?, part(&self.program)?, part(&self.pid)?))
    }

    fn line(&self) -> Line<'_> {
        self.filled(&self.message, self.host.as_deref(), self.program.as_deref(), self.pid.as_deref())
    }

    /// The line that stands whole in the message, or that of the parts.
    fn filled<'t>(
        &self,
        message: &'t str,
        host: Option<&'t str>,
        program: Option<&'t str>,
        pid: Option<&'t str>,
    ) -> Line<'t> {
        match syslog::parse(message, self.received).filter(|line| line.is_certain) {
            Some(line) => {
                let (program, pid) = if line.program.is_some() { (line.program, line.pid) } else { (program, pid) };
                Line { at: line.at.or(self.at), host: line.host.or(host), program, pid, ..line }
            }
            None => Line { at: self.at, host, program, pid, message: message.trim(), is_certain: true },
        }
    }
}

/// What a line is about: its action, the same in CADF's taxonomy, and how it ended.
struct Deed<'a> {
    action: Cow<'a, str>,
    cadf_action: &'static str,
    outcome: Outcome,
}

fn deed<'a>(action: impl Into<Cow<'a, str>>, cadf_action: &'static str, outcome: Outcome) -> Option<Deed<'a>> {
    Some(Deed { action: action.into(), cadf_action, outcome })
}

/// The draft of a line's event, and what further is told in the line.
struct Reading<'a, 'd> {
    draft: &'d mut Draft<'a>,
    host: Option<&'a str>,
    /// The program's name in small letters; of sshd's helpers that of sshd.
    program: Cow<'a, str>,
    pid: Option<&'a str>,
    details: Vec<(&'static str, Value<'a>)>,
}

impl<'a> Reading<'a, '_> {
    fn put(&mut self, field: Field, text: &'a str) {
        self.draft.put(field, text);
    }

    fn target(&mut self, kind: &'static str, name: &'a str) {
        self.put(Field::TargetType, kind);
        self.put(Field::TargetName, name);
    }

    /// The machine is what it was done to, as `kind`.
    fn at_host(&mut self, kind: &'static str) {
        if let Some(host) = self.host {
            self.target(kind, host);
        }
    }

    fn detail(&mut self, name: &'static str, text: &'a str) {
        if !text.is_empty() {
            self.details.push((name, Value::Text(Cow::Borrowed(text))));
        }
    }

    fn number(&mut self, name: &'static str, digits: &str) {
        if let Ok(number) = digits.parse() {
            self.details.push((name, Value::Int(number)));
        }
    }

    /// What the lines of one process have in common, where a process serves one person's one deed.
    fn join_by_process(&mut self) {
        if let Some(pid) = self.pid {
            let of_program = format!("{}:{pid}", self.program);
            self.join(&of_program);
        }
    }

    fn join_by_session(&mut self, session: &'a str) {
        self.put(Field::TargetId, session);
        self.join(&format!("session:{session}"));
    }

    fn join(&mut self, id: &str) {
        let id = self.host.map_or_else(|| id.to_owned(), |host| format!("{host}:{id}"));
        self.draft.put(Field::CorrelationId, id);
    }
}

/// Fills the event; returns the action in CADF's taxonomy.
fn read<'a>(line: Line<'a>, draft: &mut Draft<'a>) -> &'static str {
    if let Some((at, source)) = line.at {
        draft.at(at, source);
    }
    draft.put(Field::Message, line.message);
    let program = program_name(line.program.unwrap_or("syslog"));
    let (repeated, said) = repetition(line.message);
    let mut reading = Reading { draft, host: line.host, program, pid: line.pid, details: Vec::new() };
    let is_last = line.program.is_none() && said.is_empty() && repeated.is_some();
    let known = if is_last { deed("syslog.repeat", "unknown", Outcome::Unknown) } else { deed_of(said, &mut reading) };
    let deed = known.unwrap_or_else(|| {
        reading.at_host("host");
        let action =
            if line.program.is_some() { format!("{}.message", reading.program) } else { "syslog.message".into() };
        Deed { action: action.into(), cadf_action: "unknown", outcome: Outcome::Unknown }
    });
    if let Some(count) = repeated {
        reading.number("repeated", count);
    }
    let Reading { draft, program, details, .. } = reading;
    draft.put(Field::Action, deed.action);
    draft.outcome(deed.outcome);
    if !details.is_empty() {
        draft.put(Field::RequestData, json_of(&details));
    }
    if let Some(written) = line.program {
        draft.put(Field::Service, program);
        let observer = line.host.map_or_else(|| written.to_owned(), |host| format!("{written} on {host}"));
        draft.put(Field::Observer, observer);
    }
    if let Some(host) = line.host {
        draft.put(Field::App, host);
    }
    deed.cadf_action
}

fn deed_of<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    if let Some(deed) = pam::read(said, reading) {
        return Some(deed);
    }
    let program = reading.program.clone();
    let known = match program.as_ref() {
        "sshd" => ssh::read(said, reading),
        "sudo" => sudo::read(said, reading),
        "su" => sudo::read_su(said, reading),
        "systemd-logind" => session::read_logind(said, reading),
        "cron" | "crond" | "crontab" | "anacron" => session::read_cron(said, reading),
        "login" => session::read_console(said, reading),
        _ => accounts::read(said, reading),
    };
    let is_daemon = matches!(program.as_ref(), "systemd-logind" | "crond" | "anacron");
    if known.is_some() && !is_daemon || program == "sshd" {
        reading.join_by_process();
    }
    known
}

fn program_name(program: &str) -> Cow<'_, str> {
    match program {
        // Since OpenSSH 9.8 a connection is served by programs of their own.
        "sshd-session" | "sshd-auth" => Cow::Borrowed("sshd"),
        _ if program.bytes().any(|byte| byte.is_ascii_uppercase()) => Cow::Owned(program.to_ascii_lowercase()),
        _ => Cow::Borrowed(program),
    }
}

/// How often something is said again, and what: `message repeated 2 times: [ said]`, `last message repeated 2 times`.
fn repetition(message: &str) -> (Option<&str>, &str) {
    let is_count = |count: &str| !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    for start in ["message repeated ", "last message repeated "] {
        let Some((count, rest)) = message.strip_prefix(start).and_then(|after| after.split_once(" time")) else {
            continue;
        };
        if !is_count(count) {
            continue;
        }
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        if rest.is_empty() {
            return (Some(count), "");
        }
        if let Some(said) = rest.strip_prefix(": [").and_then(|said| said.strip_suffix(']')) {
            return (Some(count), said.trim());
        }
    }
    (None, message)
}

fn json_of(details: &[(&'static str, Value<'_>)]) -> String {
    let member = |(name, value): &(&'static str, Value<'_>)| match value {
        Value::Int(number) => format!("\"{name}\":{number}"),
        Value::Text(text) => format!("\"{name}\":{}", serde_json::Value::from(text.as_ref())),
        _ => format!("\"{name}\":null"),
    };
    format!("{{{}}}", details.iter().map(member).collect::<Vec<_>>().join(","))
}

/// `bob(uid=1002)` → `bob` and `1002`; `(uid=0)` → nobody and `0`.
fn name_and_uid(text: &str) -> (&str, Option<&str>) {
    let uid = text.strip_suffix(')').and_then(|text| text.rsplit_once("(uid="));
    uid.map_or((text, None), |(name, uid)| (name, Some(uid)))
}

/// The text between quotes at the front: `'bob' to …` → `bob` and ` to …`. Names hold no quote.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('\'')?.split_once('\'')
}
