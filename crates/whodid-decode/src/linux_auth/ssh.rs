//! sshd.

use whodid_model::{Field, Outcome};

use super::{Deed, Reading, deed};

/// What was refused for want of a right is told as other sources tell it.
const FORBIDDEN: &str = "403";

pub(super) fn read<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let is_before_login = said.ends_with(" [preauth]");
    let said = said.trim_end_matches(" [preauth]").trim_end_matches(" [postauth]");
    let said = ["error: ", "fatal: ", "info: "].iter().find_map(|level| said.strip_prefix(level)).unwrap_or(said);
    read_try(said, reading)
        .or_else(|| read_refusal(said, reading))
        .or_else(|| read_end(said, is_before_login, reading))
        .or_else(|| read_connection(said, reading))
        .or_else(|| read_server(said, reading))
}

/// The end of one try to log in.
fn read_try<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    let (verb, rest) = said.split_once(' ')?;
    if !matches!(verb, "Accepted" | "Failed" | "Partial" | "Postponed") {
        return None;
    }
    let (method, rest) = rest.split_once(" for ")?;
    let (rest, is_invalid) = without_invalid(rest);
    let (user, peer) = user_from(rest, is_invalid)?;
    reading.put(Field::InitiatorName, user);
    peer.tell(reading);
    reading.put(Field::CredentialType, method);
    reading.detail("protocol", peer.after.split([' ', ':']).find(|word| !word.is_empty()).unwrap_or_default());
    let fingerprint = |word: &&str| word.starts_with("SHA256:") || word.starts_with("MD5:");
    if let Some(key) = peer.after.split(' ').find(fingerprint) {
        reading.put(Field::CredentialId, key);
    }
    reading.at_host("host");
    let outcome = match verb {
        "Accepted" => Outcome::Success,
        "Failed" => Outcome::Failure,
        // One of several proofs that are asked for.
        _ => Outcome::Pending,
    };
    if outcome == Outcome::Failure {
        let whole = &said[..verb.len() + 1 + method.len()];
        reading.put(Field::ReasonText, if is_invalid { "invalid user" } else { whole });
    }
    // A client asks with `none` what it may try: that is a question, and the try follows in a line of its own.
    if method == "none" && outcome == Outcome::Failure {
        return deed("ssh.auth.probe", "authenticate", outcome);
    }
    if verb == "Postponed" {
        return deed("ssh.auth", "authenticate", outcome);
    }
    deed("ssh.login", "authenticate/login", outcome)
}

/// What is said of a user beside the tries.
fn read_refusal<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    if let Some(rest) = said.strip_prefix("Invalid user ").or_else(|| said.strip_prefix("Illegal user ")) {
        // Of an empty name nothing is left but the blank before `from`.
        let (user, peer) = user_from(rest, true).or_else(|| Some(("", Peer::of(rest.strip_prefix("from ")?)?)))?;
        reading.put(Field::InitiatorName, user);
        peer.tell(reading);
        reading.put(Field::ReasonText, "invalid user");
        reading.at_host("host");
        return deed("ssh.user.unknown", "authenticate", Outcome::Failure);
    }
    let limit = "maximum authentication attempts exceeded";
    if let Some(rest) = said.strip_prefix(limit).and_then(|rest| rest.strip_prefix(" for ")) {
        let (rest, is_invalid) = without_invalid(rest);
        let (user, peer) = user_from(rest, is_invalid)?;
        reading.put(Field::InitiatorName, user);
        peer.tell(reading);
        reading.put(Field::ReasonText, limit);
        reading.at_host("host");
        return deed("ssh.auth.limit", "authenticate", Outcome::Failure);
    }
    if let Some(rest) = said.strip_prefix("User ")
        && let Some((who, why)) = rest.split_once(" not allowed because ")
    {
        let (user, address) = who.rsplit_once(" from ").unwrap_or((who, ""));
        reading.put(Field::InitiatorName, user);
        reading.put(Field::Address, address);
        reading.put(Field::ReasonCode, FORBIDDEN);
        reading.put(Field::ReasonText, why);
        reading.at_host("host");
        return deed("ssh.user.refuse", "authenticate", Outcome::Failure);
    }
    if let Some(rest) = said.strip_prefix("Access denied for user ") {
        let (user, _) = rest.rsplit_once(" by ").unwrap_or((rest, ""));
        reading.put(Field::InitiatorName, user);
        reading.put(Field::ReasonText, said);
        reading.at_host("host");
        return deed("pam.account", "authenticate", Outcome::Failure);
    }
    // PAM's own end of a try by questions and answers.
    let rest = said.strip_prefix("PAM: ")?;
    let (why, rest) = rest.split_once(" for ")?;
    let rest = rest.strip_prefix("illegal user ").or_else(|| rest.strip_prefix("invalid user ")).unwrap_or(rest);
    let (user, address) = rest.rsplit_once(" from ")?;
    reading.put(Field::InitiatorName, user);
    reading.put(Field::Address, address);
    reading.put(Field::ReasonText, why);
    reading.at_host("host");
    deed("pam.auth", "authenticate", Outcome::Failure)
}

/// The end of a connection of somebody who is named or not.
fn read_end<'a>(said: &'a str, is_before_login: bool, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    const ENDS: [&str; 6] = [
        "Connection closed by ",
        "Connection reset by ",
        "Disconnected from ",
        "Disconnecting ",
        "Connection terminated by ",
        "Timeout before authentication for ",
    ];
    let (start, rest) = ENDS.iter().find_map(|start| Some((*start, said.strip_prefix(start)?)))?;
    let (kind, rest) = ["authenticating user ", "invalid user ", "user "]
        .iter()
        .find_map(|kind| Some((*kind, rest.strip_prefix(kind)?)))
        .unwrap_or(("", rest.strip_prefix("connection from ").unwrap_or(rest)));
    let (user, peer) = match kind {
        "" => ("", Peer::of(rest.split(" to ").next()?.trim_end_matches(','))?),
        _ => user_at(rest, kind == "invalid user ")?,
    };
    reading.put(Field::InitiatorName, user);
    peer.tell(reading);
    if kind == "user " && !is_before_login {
        reading.at_host("host");
        return deed("ssh.logout", "authenticate/logout", Outcome::Success);
    }
    // That it ended is no success of whoever never came in, and the failure is told by the tries.
    reading.at_host("connection");
    let why = peer.after.trim_start_matches(':').trim();
    let is_timeout = start.starts_with("Timeout");
    reading.put(Field::ReasonText, if is_timeout { "timeout before authentication" } else { why });
    deed("ssh.disconnect", "stop", Outcome::Unknown)
}

/// What is said of a connection before anybody is named.
fn read_connection<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    if let Some(rest) = said.strip_prefix("Received disconnect from ") {
        let peer = Peer::of(rest)?;
        peer.tell(reading);
        reading.at_host("connection");
        // A number, and words that the client chose.
        let why = peer.after.trim_start_matches(|character: char| character == ':' || character.is_ascii_digit());
        reading.put(Field::ReasonText, why.trim());
        return deed("ssh.disconnect", "stop", Outcome::Unknown);
    }
    if let Some(rest) = said.strip_prefix("Connection from ") {
        Peer::of(rest)?.tell(reading);
        reading.at_host("connection");
        return deed("ssh.connect", "start", Outcome::Unknown);
    }
    for (start, why) in [
        ("Did not receive identification string from ", "did not receive identification string"),
        ("Unable to negotiate with ", "unable to negotiate"),
        ("banner exchange: Connection from ", "banner exchange"),
        ("ssh_dispatch_run_fatal: Connection from ", "connection broken"),
    ] {
        let Some(rest) = said.strip_prefix(start) else { continue };
        let peer = Peer::of(rest)?;
        peer.tell(reading);
        let told = peer.after.trim_start_matches(':').trim();
        reading.put(Field::ReasonText, if told.is_empty() { why } else { told });
        reading.at_host("connection");
        return deed("ssh.connect", "start", Outcome::Failure);
    }
    let (kind, rest) =
        [("Starting session: ", "open"), ("Close session: user ", "close")].iter().find_map(|(start, kind)| {
            let rest = said.strip_prefix(start)?;
            Some((*kind, rest))
        })?;
    let who = if kind == "open" { rest.split_once(" for ")?.1 } else { rest };
    let (user, peer) = user_from(who, false)?;
    reading.put(Field::InitiatorName, user);
    peer.tell(reading);
    reading.at_host("channel");
    if kind == "open" {
        return deed("ssh.channel.open", "start", Outcome::Success);
    }
    deed("ssh.channel.close", "stop", Outcome::Success)
}

fn read_server<'a>(said: &'a str, reading: &mut Reading<'a, '_>) -> Option<Deed<'a>> {
    if let Some(rest) = said.strip_prefix("Server listening on ") {
        let (address, port) = rest.trim_end_matches('.').split_once(" port ")?;
        reading.detail("address", address);
        reading.number("port", port);
        reading.at_host("server");
        return deed("ssh.server.start", "start", Outcome::Success);
    }
    if said.starts_with("Received signal ") && said.contains("terminating") {
        reading.at_host("server");
        return deed("ssh.server.stop", "stop", Outcome::Success);
    }
    None
}

/// Where a connection comes from, and what follows that.
#[derive(Debug, Clone, Copy)]
struct Peer<'a> {
    address: &'a str,
    port: &'a str,
    after: &'a str,
}

impl<'a> Peer<'a> {
    /// `192.0.2.7 port 4711 ssh2`; older versions leave the port out.
    fn of(text: &'a str) -> Option<Self> {
        let (address, rest) = text.split_once(' ').unwrap_or((text, ""));
        if address.is_empty() {
            return None;
        }
        let Some(rest) = rest.strip_prefix("port ") else {
            return Some(Self { address: address.trim_end_matches(':'), port: "", after: rest });
        };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (port, after) = rest.split_at(digits);
        let ends = after.is_empty() || after.starts_with([' ', ':']);
        (digits > 0 && ends).then_some(Self { address, port, after })
    }

    fn tell(&self, reading: &mut Reading<'a, '_>) {
        if self.address != "UNKNOWN" {
            reading.put(Field::Address, self.address);
        }
        reading.number("port", self.port);
    }
}

/// `bob from 192.0.2.7 port 4711 …`. A name that no account has may be any text, also one that looks like
/// the rest of the line: there the last place counts. Names of accounts hold no blank, and what follows
/// the address may be a text out of a key: there the first counts.
fn user_from(text: &str, is_invalid: bool) -> Option<(&str, Peer<'_>)> {
    const FROM: &str = " from ";
    let at = |place: usize| Some((&text[..place], Peer::of(&text[place + FROM.len()..])?));
    let mut places = text.match_indices(FROM).map(|(place, _)| place);
    if is_invalid {
        // Addresses are told apart from words by their port, where there is one.
        let all: Vec<usize> = places.collect();
        return all.into_iter().rev().find_map(at);
    }
    places.find_map(at)
}

/// `bob 192.0.2.7 port 4711`; of names that no account has the last such place, as in [`user_from`].
fn user_at(text: &str, is_invalid: bool) -> Option<(&str, Peer<'_>)> {
    let at = |place: usize| {
        let start = text[..place].rfind(' ').map_or(0, |blank| blank + 1);
        Some((text[..start].trim_end(), Peer::of(&text[start..])?))
    };
    let mut places = text.match_indices(" port ").map(|(place, _)| place);
    if is_invalid {
        let all: Vec<usize> = places.collect();
        return all.into_iter().rev().find_map(at);
    }
    places.find_map(at)
}

fn without_invalid(text: &str) -> (&str, bool) {
    let rest = text.strip_prefix("invalid user ").or_else(|| text.strip_prefix("illegal user "));
    rest.map_or((text, false), |rest| (rest, true))
}
