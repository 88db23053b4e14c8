//! What PAM's modules say in the name of the program that asked them: `pam_unix(sshd:session): …`.

use whodid_model::{Field, Outcome};

use super::{Deed, Reading, deed, name_and_uid};

pub(super) fn read<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    if let Some(deed) = read_sum(said, reading) {
        return Some(deed);
    }
    let (head, text) = said.split_once("): ")?;
    let (module, asked) = head.split_once('(')?;
    if !module.starts_with("pam_") || module.contains(' ') {
        return None;
    }
    let (service, kind) = asked.split_once(':').unwrap_or((asked, ""));
    let known = match kind {
        "session" => read_session(service, text, reading),
        "chauthtok" => read_change(text, reading),
        _ => None,
    };
    let known = known
        .or_else(|| read_lockout(module, text, reading))
        .or_else(|| read_account(text, reading))
        .or_else(|| read_failure(service, text, reading))?;
    reading.join_by_process();
    Some(known)
}

/// The word by which the actions of a service begin.
fn family(service: &str) -> &str {
    match service {
        "sshd" => "ssh",
        "su-l" | "runuser" | "runuser-l" => "su",
        "sudo-i" => "sudo",
        "crond" => "cron",
        _ => service,
    }
}

/// Whether a service gives its caller somebody else's rights.
fn is_change_of_user(service: &str) -> bool {
    matches!(family(service), "su" | "sudo" | "polkit-1" | "pkexec")
}

fn read_session<'a>(service: &'a str, text: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let opened = text.strip_prefix("session opened for user ");
    let who = opened.or_else(|| text.strip_prefix("session closed for user "))?;
    let (who, by) = who.rsplit_once(" by ").filter(|_| opened.is_some()).unwrap_or((who, ""));
    let (user, uid) = name_and_uid(who);
    if is_change_of_user(service) {
        reading.target("session", user);
        let (caller, caller_uid) = name_and_uid(by);
        reading.put(Field::InitiatorName, caller);
        reading.put(Field::InitiatorId, caller_uid.unwrap_or_default());
    } else {
        reading.put(Field::InitiatorName, user);
        reading.put(Field::InitiatorId, uid.unwrap_or_default());
        reading.at_host("session");
    }
    if let Some(pid) = reading.pid {
        reading.put(Field::TargetId, pid);
    }
    let (verb, cadf_action) = if opened.is_some() { ("open", "start") } else { ("close", "stop") };
    deed(format!("{}.session.{verb}", family(service)), cadf_action, Outcome::Success)
}

fn read_change<'a>(text: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let user = text.strip_prefix("password changed for ")?;
    reading.target("user", user);
    deed("user.password.update", "update", Outcome::Success)
}

/// An account that is locked because of failures.
fn read_lockout<'a>(module: &str, text: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let user = match module {
        "pam_faillock" => text.strip_prefix("Consecutive login failures for user ")?.split(' ').next()?,
        "pam_tally" | "pam_tally2" => {
            let (user, rest) = text.strip_prefix("user ")?.split_once(' ')?;
            if !(rest.contains("tally") && rest.contains("deny")) {
                return None;
            }
            user
        }
        _ => return None,
    };
    reading.target("user", user);
    deed("user.lock", "disable", Outcome::Success)
}

/// An account that may not be used, though its password is right.
fn read_account<'a>(text: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let account = text.strip_prefix("account ").and_then(|rest| rest.split_once(" has expired"));
    let password = || text.strip_prefix("expired password for user ").and_then(|rest| rest.split_once(' '));
    let (user, _) = account.or_else(password)?;
    reading.put(Field::InitiatorName, user);
    reading.put(Field::ReasonText, text);
    reading.at_host("host");
    deed("pam.account", "authenticate", Outcome::Failure)
}

fn read_failure<'a>(service: &str, text: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    if let Some(why) = text.strip_prefix("check pass; ") {
        reading.put(Field::ReasonText, why);
        reading.at_host("host");
        return deed("pam.check", "authenticate", Outcome::Failure);
    }
    let (what, told) = text.split_once(';')?;
    let outcome = match what {
        "authentication failure" => Outcome::Failure,
        "authentication success" => Outcome::Success,
        _ => return None,
    };
    tell(told, is_change_of_user(service), reading);
    if outcome == Outcome::Failure {
        reading.put(Field::ReasonText, what);
    }
    deed("pam.auth", "authenticate", outcome)
}

/// `PAM 3 more authentication failures; …`: how many tries of a connection were not told one by one.
fn read_sum<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let (count, rest) = said.strip_prefix("PAM ")?.split_once(" more authentication failure")?;
    let (what, told) = said.split_once(';').filter(|_| rest.starts_with([';', 's']))?;
    let service = reading.program.clone();
    tell(told, is_change_of_user(&service), reading);
    reading.number("more", count);
    reading.put(Field::ReasonText, what);
    reading.join_by_process();
    deed("pam.auth.sum", "authenticate", Outcome::Failure)
}

/// `logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=bob`. The name comes last and may be any text.
fn tell<'a>(told: &'a str, is_change_of_user: bool, reading: &mut Reading<'a, '_>) {
    let (rest, user) = told.split_once(" user=").unwrap_or((told, ""));
    let user = user.trim_end();
    let of = |name: &str| {
        let value = rest.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default()
    };
    let caller = if of("ruser").is_empty() { of("logname") } else { of("ruser") };
    if is_change_of_user && !(caller.is_empty() && user.is_empty()) {
        let is_self = caller == user;
        reading.put(Field::InitiatorName, caller);
        reading.put(Field::InitiatorId, of("uid"));
        if !is_self {
            reading.target("user", user);
        }
    } else {
        reading.put(Field::InitiatorName, user);
    }
    reading.put(Field::Address, of("rhost"));
    reading.at_host("host");
    reading.detail("tty", of("tty"));
}
