//! Sessions that others than sshd keep: logind, cron, the console.

use whodid_model::{Field, Outcome};

use super::{Deed, Reading, deed};

/// `New session 12 of user bob.`, `Session 12 logged out. …`, `Removed session 12.`
pub(super) fn read_logind<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    if let Some(rest) = said.strip_prefix("New session ") {
        let (session, rest) = rest.split_once(" of user ")?;
        // Newer versions write quotes, and the kind of session behind the name.
        let user = rest.split(" with class ").next()?.trim_end_matches('.').trim_matches('\'');
        reading.put(Field::InitiatorName, user);
        reading.at_host("session");
        reading.join_by_session(session.trim_matches('\''));
        return deed("logind.session.open", "start", Outcome::Success);
    }
    if let Some(rest) = said.strip_prefix("Removed session ") {
        reading.at_host("session");
        reading.join_by_session(rest.trim_end_matches('.').trim_matches('\''));
        return deed("logind.session.close", "stop", Outcome::Success);
    }
    let (session, _) = said.strip_prefix("Session ")?.split_once(" logged out")?;
    reading.at_host("session");
    reading.join_by_session(session.trim_matches('\''));
    deed("logind.session.logout", "stop", Outcome::Success)
}

/// `(root) CMD (run-parts /etc/cron.hourly)`, `(bob) REPLACE (bob)`.
pub(super) fn read_cron<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let (user, rest) = said.strip_prefix('(')?.split_once(") ")?;
    let (what, about) = rest.strip_suffix(')')?.split_once(" (")?;
    let (action, cadf_action, kind) = match what {
        "CMD" => ("cron.command", "start", "command"),
        "LIST" => ("crontab.list", "read", "crontab"),
        "REPLACE" => ("crontab.replace", "update", "crontab"),
        "DELETE" => ("crontab.delete", "delete", "crontab"),
        "BEGIN EDIT" | "END EDIT" => ("crontab.edit", "read", "crontab"),
        _ => return None,
    };
    reading.put(Field::InitiatorName, user);
    reading.target(kind, about.trim());
    deed(action, cadf_action, Outcome::Success)
}

/// `LOGIN ON tty1 BY bob`, `FAILED LOGIN (1) on '/dev/tty1' FOR 'bob', Authentication failure`.
pub(super) fn read_console<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    if let Some(rest) = said.strip_prefix("FAILED LOGIN ") {
        let (_, rest) = rest.split_once(" FOR ")?;
        let (user, why) = rest.rsplit_once(", ").unwrap_or((rest, ""));
        reading.put(Field::InitiatorName, user.trim_matches('\''));
        reading.put(Field::ReasonText, why);
        reading.at_host("host");
        return deed("console.login", "authenticate/login", Outcome::Failure);
    }
    let rest = said.strip_prefix("ROOT LOGIN ").or_else(|| said.strip_prefix("LOGIN "))?;
    let (rest, user) = match rest.split_once(" BY ") {
        Some((rest, user)) => (rest, user),
        None if said.starts_with("ROOT") => (rest, "root"),
        None => return None,
    };
    let rest = rest.trim();
    let tty = rest.strip_prefix("ON ").or_else(|| rest.strip_prefix("on ")).unwrap_or(rest);
    reading.put(Field::InitiatorName, user);
    reading.detail("tty", tty.trim_matches('\''));
    reading.at_host("host");
    deed("console.login", "authenticate/login", Outcome::Success)
}
