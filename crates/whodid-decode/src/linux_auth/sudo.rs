//! sudo and su.

use whodid_model::{Field, IMPERSONATION, Outcome};

use super::{Deed, Reading, deed};

/// Between the parts of sudo's line.
const BETWEEN: &str = " ; ";
const COMMAND: &str = "COMMAND=";

/// `alice : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/id`, with a reason before the first part
/// where the command was not run.
pub(super) fn read<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let (user, rest) = said.split_once(" : ")?;
    let user = user.trim();
    if user.is_empty() || user.contains(' ') {
        return None;
    }
    let place = rest.match_indices(COMMAND).map(|(place, _)| place);
    let place = place.into_iter().find(|place| *place == 0 || rest[..*place].ends_with(BETWEEN));
    let Some(place) = place else {
        reading.put(Field::InitiatorName, user);
        reading.at_host("host");
        return deed("sudo.message", "unknown", Outcome::Unknown);
    };
    let (before, command) = (&rest[..place], &rest[place + COMMAND.len()..]);
    reading.put(Field::InitiatorName, user);
    reading.target("command", command);
    let (mut why, mut taken) = (None, None);
    for (number, part) in before.split(BETWEEN).map(str::trim).enumerate() {
        match part.split_once('=') {
            Some(("TTY", tty)) => reading.detail("tty", tty),
            Some(("PWD", folder)) => reading.detail("pwd", folder),
            Some(("HOST", host)) => reading.detail("host", host),
            Some(("USER", name)) => taken = Some(name),
            Some(("GROUP", group)) => reading.detail("group", group),
            Some(("ENV", variables)) => reading.detail("env", variables),
            Some(("CHROOT", folder)) => reading.detail("chroot", folder),
            _ if number == 0 && !part.is_empty() => why = Some(part),
            _ => {}
        }
    }
    // A folder's name can hold what looks like the next parts: then whose rights were used is not told for sure.
    if let Some(name) = taken.filter(|_| !command.contains("; COMMAND=")) {
        reading.put(Field::CredentialType, IMPERSONATION);
        reading.put(Field::CredentialId, name);
    }
    let Some(why) = why else { return deed("sudo.command", "start", Outcome::Success) };
    reading.put(Field::ReasonText, why);
    if ["NOT in sudoers", "NOT authorized", "not allowed"].iter().any(|words| why.contains(words)) {
        reading.put(Field::ReasonCode, "403");
    }
    deed("sudo.command", "start", Outcome::Failure)
}

/// `(to root) bob on pts/0`, `Successful su for root by bob`, `FAILED SU (to root) bob on pts/0`.
pub(super) fn read_su<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let (rest, outcome) = match said.strip_prefix("FAILED SU ").or_else(|| said.strip_prefix("FAILED su ")) {
        Some(rest) => (rest, Outcome::Failure),
        None => (said.strip_prefix("Successful su ").unwrap_or(said), Outcome::Success),
    };
    let (name, caller) = match rest.strip_prefix("(to ") {
        Some(rest) => {
            let (name, rest) = rest.split_once(") ")?;
            let (caller, tty) = rest.split_once(" on ").unwrap_or((rest, ""));
            reading.detail("tty", tty);
            (name, caller)
        }
        None => rest.strip_prefix("for ")?.split_once(" by ")?,
    };
    reading.put(Field::InitiatorName, caller);
    reading.target("user", name);
    if outcome == Outcome::Success {
        reading.put(Field::CredentialType, IMPERSONATION);
        reading.put(Field::CredentialId, name);
    }
    deed("su.switch", "authenticate", outcome)
}
