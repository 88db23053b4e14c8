//! Any other JSON object, by the names that products commonly use.
//!
//! Each field has a list of paths, most telling first. Names are compared without case and without
//! `_` and `-`, so that `sourceIPAddress`, `source_ip_address` and `SOURCE_IP_ADDRESS` are one. Products
//! whose events need more than a name (Vault, Keycloak's log, Auth0's codes) have a few lines of their own.
//! What an event does not say stays unsaid: its outcome is then `unknown`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use whodid_model::{Access, Field, Outcome, Reject, RejectCode, Severity, TimeSource, Timestamp};

use crate::Decoded;
use crate::cadf::of_status;
use crate::draft::{Draft, no_time, read_time, stated};
use crate::generic_names::{LISTS, Names, TIME, TIME_STATED};
use crate::json::{Node, Value};
use crate::products;

/// Members that only wrap the event.
const WRAPPERS: &[&str] = &["event", "data", "detail", "record", "audit", "body"];

/// What a path is looked at for.
#[derive(Default)]
struct Uses {
    /// The lists that name it, and its place in them.
    named: Vec<(Names, usize)>,
    /// True when some list names a path below it. No other member is entered: however many an event
    /// has, none can hide what the lists name.
    leads_on: bool,
}

/// What the paths of all lists, by their hashes, are looked at for.
static USES: LazyLock<HashMap<u64, Uses>> = LazyLock::new(|| {
    let mut uses: HashMap<u64, Uses> = HashMap::new();
    for (names, paths) in LISTS {
        for (rank, path) in paths.iter().enumerate() {
            uses.entry(path_hash(HASH_START, path)).or_default().named.push((names, rank));
            for (dot, _) in path.match_indices('.') {
                uses.entry(path_hash(HASH_START, &path[..dot])).or_default().leads_on = true;
            }
        }
    }
    uses
});

pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    if let Some(message) = keycloak_log(root) {
        return keycloak(message, root, draft);
    }
    let members = Members::of(root);
    members.time(draft)?;
    for (field, paths) in [
        (Field::Id, Names::Id),
        (Field::Action, Names::Action),
        (Field::InitiatorName, Names::InitiatorName),
        (Field::InitiatorId, Names::InitiatorId),
        (Field::InitiatorType, Names::InitiatorType),
        (Field::CredentialId, Names::CredentialId),
        (Field::CredentialType, Names::CredentialType),
        (Field::Agent, Names::Agent),
        (Field::TargetName, Names::TargetName),
        (Field::TargetId, Names::TargetId),
        (Field::TargetType, Names::TargetType),
        (Field::Service, Names::Service),
        (Field::App, Names::App),
        (Field::Region, Names::Region),
        (Field::Message, Names::Message),
        (Field::CorrelationId, Names::Correlation),
        (Field::ReasonType, Names::ReasonType),
    ] {
        members.scalar(field, paths, draft);
    }
    draft.space(root.get("space"));
    for node in members.all(Names::Address) {
        draft.address(Some(node));
    }
    for (field, paths) in [(Field::RequestData, Names::Request), (Field::ResponseData, Names::Response)] {
        let object = members
            .all(paths)
            .find(|node| matches!(node.value, Value::Object(_) | Value::Array(_)) && !node.is_empty());
        draft.json(field, object);
    }
    if let Some(severity) =
        members.first(Names::Severity).filter(|node| node.text().and_then(Severity::parse).is_some())
    {
        draft.text(Field::Severity, Some(severity));
    }
    if let Some(reads) = members.first(Names::ReadOnly).and_then(Node::truth) {
        draft.put(Field::Access, if reads { Access::Read } else { Access::Write }.as_str());
    }
    let told = by_product(root, &members, draft);
    if draft.get(Field::InitiatorName).is_none() && draft.get(Field::InitiatorId).is_none() {
        members.scalar(Field::InitiatorName, Names::ClientName, draft);
        members.scalar(Field::InitiatorId, Names::ClientId, draft);
        if draft.get(Field::InitiatorName).or(draft.get(Field::InitiatorId)).is_some() {
            draft.put(Field::InitiatorType, "application");
        }
    }
    if draft.get(Field::Service).is_none()
        && let Some(service) = products::service_of(root)
    {
        draft.put(Field::Service, service);
    }
    read_outcome(&members, draft);
    Ok(told.or_else(|| cadf_action(draft.get(Field::Action).unwrap_or_default())).map(Cow::Borrowed))
}

/// The members of an event by path. Paths are kept as hashes: comparing numbers is all a look-up costs.
struct Members<'n, 'a> {
    found: Vec<(u64, &'n Node<'a>)>,
    /// The members that some list names, by list and place in it.
    named: Vec<(Names, usize, &'n Node<'a>)>,
}

impl<'n, 'a> Members<'n, 'a> {
    fn of(root: &'n Node<'a>) -> Self {
        let mut members = Self { found: Vec::with_capacity(32), named: Vec::with_capacity(32) };
        members.add(root, None);
        for (name, node) in root.members() {
            if WRAPPERS.contains(&name.as_ref()) && node.is_object() {
                members.add(node, None);
            }
        }
        // Stable: of two members of one name the outer one stays first.
        members.named.sort_by_key(|(names, rank, _)| (*names, *rank));
        members
    }

    fn add(&mut self, node: &'n Node<'a>, path: Option<u64>) {
        let prefix = path.map_or(HASH_START, |path| step(path, b'.'));
        for (name, child) in node.members() {
            self.note(path_hash(prefix, name), child);
        }
        if let Some(child) = node.items().first() {
            self.note(path_hash(prefix, "0"), child);
        }
        // `[{"name":"x","value":1}]` is another way to write `{"x":1}`.
        for pair in node.items() {
            let name = pair.find("name").and_then(Node::text);
            let value = ["value", "boolValue", "intValue"].iter().find_map(|name| pair.find(name));
            if let (Some(name), Some(value)) = (name, value) {
                self.note(path_hash(prefix, name), value);
            }
        }
    }

    fn note(&mut self, path: u64, child: &'n Node<'a>) {
        let Some(uses) = USES.get(&path).filter(|_| !child.is_empty()) else { return };
        if !uses.named.is_empty() {
            self.found.push((path, child));
            self.named.extend(uses.named.iter().map(|(names, rank)| (*names, *rank, child)));
        }
        if uses.leads_on && !is_scalar(child) {
            self.add(child, Some(path));
        }
    }

    /// Every member that the list names, in the order of the list.
    fn all(&self, names: Names) -> impl Iterator<Item = &'n Node<'a>> {
        let start = self.named.partition_point(|(other, ..)| *other < names);
        self.named[start..].iter().take_while(move |(other, ..)| *other == names).map(|(_, _, node)| *node)
    }

    fn first(&self, names: Names) -> Option<&'n Node<'a>> {
        self.all(names).find(|node| is_scalar(node))
    }

    /// The scalar at one path.
    fn at(&self, path: &str) -> Option<&'n Node<'a>> {
        let wanted = path_hash(HASH_START, path);
        self.found.iter().find(|(path, node)| *path == wanted && is_scalar(node)).map(|(_, node)| *node)
    }

    fn scalar(&self, field: Field, names: Names, draft: &mut Draft<'a>) {
        let value = self.all(names).find(|node| {
            matches!(node.value, Value::Text(_) | Value::Int(_) | Value::Float(_)) && node.text() != Some("-")
        });
        draft.text(field, value);
    }

    /// The time that the event states most surely: of the names that mean nothing else first, as a
    /// calendar shows it before a number, a whole time before a day.
    ///
    /// Where one of those names holds something that is no time, and no other name a time, the event is
    /// refused. A number that is none is a duration, and what the other names hold may be anything.
    fn time(&self, draft: &mut Draft<'a>) -> Result<(), Reject> {
        let start = self.named.partition_point(|(other, ..)| *other < Names::Time);
        let all = || self.named[start..].iter().take_while(|(other, ..)| *other == Names::Time);
        let mut best: Option<((bool, u8), Timestamp, TimeSource)> = None;
        let mut refused = None;
        for (_, rank, node) in all() {
            let Some((at, source)) = read_time(node) else {
                let is_number = !is_text(node) || node.text().is_some_and(|text| text.trim().parse::<f64>().is_ok());
                if *rank < TIME_STATED && !is_number && !node.is_empty() {
                    refused = refused.or(Some(*rank));
                }
                continue;
            };
            let is_day = node.text().is_some_and(|text| text.len() <= 10 && !text.contains(':') && at.is_midnight());
            let form = if is_day { 2 } else { u8::from(!is_text(node)) };
            let order = (*rank >= TIME_STATED, form);
            if best.is_none_or(|(other, ..)| order < other) {
                best = Some((order, at, source));
            }
        }
        match (best, refused) {
            (Some(((_, form), at, source)), _) => {
                let clock = |(_, _, node): &(Names, usize, &Node<'a>)| {
                    let text = node.text().filter(|text| text.len() >= 5 && text.get(2..3) == Some(":"))?;
                    Timestamp::parse(&format!("{}T{text}", at.date())).ok()
                };
                match (form == 2).then(|| all().find_map(clock)).flatten() {
                    Some(joined) => draft.at(joined.at, stated(joined.zone_stated)),
                    None => draft.at(at, source),
                }
                Ok(())
            }
            (None, Some(rank)) => Err(no_time(TIME[rank])),
            (None, None) => Ok(()),
        }
    }
}

fn is_text(node: &Node<'_>) -> bool {
    matches!(node.value, Value::Text(_))
}

fn is_scalar(node: &Node<'_>) -> bool {
    !matches!(node.value, Value::Object(_) | Value::Array(_))
}

// FNV-1a, 64 bits.
const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Goes on from `hash` with a name, without case, `_`, `-` and blanks.
fn path_hash(hash: u64, name: &str) -> u64 {
    name.bytes()
        .filter(|byte| !matches!(byte, b'_' | b'-' | b' '))
        .fold(hash, |hash, byte| step(hash, byte.to_ascii_lowercase()))
}

/// What the names alone do not tell, product by product. Returns the CADF action where the product's
/// own word for it is no verb.
fn by_product<'a>(root: &Node<'a>, members: &Members<'_, 'a>, draft: &mut Draft<'a>) -> Option<&'static str> {
    let mut told = None;
    let text = |path: &str| members.at(path).and_then(Node::text);
    // Google Workspace: `type` is the group of the event's `name`.
    if let Some(application) = root.at("id.applicationName").and_then(Node::text) {
        let name = ["name", "events.0.name", "type"].into_iter().find_map(|path| members.at(path));
        draft.event.fields.clear(Field::Action);
        draft.text(Field::Action, name);
        draft.event.fields.set(Field::Service, application.to_owned());
        match text("name").or_else(|| text("events.0.name")) {
            Some("login_success") => draft.outcome(Outcome::Success),
            Some("login_failure") => draft.outcome(Outcome::Failure),
            _ => {}
        }
    }
    // Vault writes a request before it is carried out and a response after.
    if root.get("auth").is_some() || root.at("request.mount_type").is_some() {
        match root.get("type").and_then(Node::text) {
            Some("request") => {
                draft.put(Field::Service, "vault");
                draft.outcome(if root.get("error").is_some_and(|error| !error.is_empty()) {
                    Outcome::Failure
                } else {
                    Outcome::Pending
                });
            }
            Some("response") => {
                draft.put(Field::Service, "vault");
                let failed = root.get("error").is_some_and(|error| !error.is_empty());
                if failed || text("response.status").is_none() {
                    draft.outcome(if failed { Outcome::Failure } else { Outcome::Success });
                }
            }
            _ => {}
        }
    }
    // Auth0: one- and two-letter codes; the description is the sentence.
    let log = root.get("data").unwrap_or(root);
    if root.get("log_id").or_else(|| log.get("log_id")).is_some() {
        let code = log.get("type").and_then(Node::text).unwrap_or_default();
        draft.event.fields.clear(Field::Action);
        draft.text(Field::Action, log.get("type"));
        draft.put(Field::Service, "auth0");
        draft.text(Field::TargetName, log.at("details.request.path"));
        let status = log.at("details.response.statusCode").and_then(Node::int).and_then(of_status);
        let by_code = auth0_outcome(code);
        // A token that was given out for a call that failed, and the other way round: nothing succeeded.
        let failed = [status, by_code].contains(&Some(Outcome::Failure)).then_some(Outcome::Failure);
        if let Some(outcome) = failed.or(status).or(by_code) {
            draft.outcome(outcome);
        }
    }
    // OneLogin: numbers.
    if let Some((cadf_action, outcome)) = members.at("eventtypeid").and_then(Node::int).and_then(onelogin) {
        told = Some(cadf_action);
        if let Some(outcome) = outcome {
            draft.outcome(outcome);
        }
    }
    // GitLab: what was added, removed or changed stands in the details.
    if root.get("entity_type").is_some()
        && draft.get(Field::Action).is_none()
        && let Some(details) = root.get("details")
    {
        for (verb, cadf_action) in [("add", "create"), ("remove", "delete"), ("change", "update")] {
            if let Some(what) = details.get(verb).and_then(Node::text) {
                draft.put(Field::Action, format!("{verb} {what}"));
                told = Some(cadf_action);
                break;
            }
        }
        draft.text(Field::Action, details.get("custom_message"));
    }
    if root.get("event_type_id").is_some() && root.get("actor_user_name").is_some() {
        draft.event.fields.clear(Field::InitiatorName);
        draft.text(Field::InitiatorName, root.get("actor_user_name"));
        draft.event.fields.clear(Field::InitiatorId);
        draft.text(Field::InitiatorId, root.get("actor_user_id"));
        draft.event.fields.clear(Field::TargetName);
        draft.text(Field::TargetName, root.get("user_name"));
    }
    // Duo's administrator log keeps what was changed, and from where, as JSON text.
    if let Some(description) =
        root.get("description").and_then(Node::text).filter(|text| text.trim_start().starts_with('{'))
        && let Ok(inner) = crate::json::parse_event(description)
    {
        if let Some(address) = inner.get("ip_address").and_then(Node::text) {
            draft.put(Field::Address, address.to_owned());
        }
        if inner.get("error").is_some_and(|error| !error.is_empty()) {
            draft.outcome(Outcome::Failure);
            if let Some(error) = inner.get("error").and_then(Node::text) {
                draft.put(Field::ReasonText, error.to_owned());
            }
        }
        draft.json(Field::RequestData, root.get("description"));
    }
    told
}

/// What Auth0's codes tell: `s…` went well, `f…` failed, and what was blocked failed too.
fn auth0_outcome(code: &str) -> Option<Outcome> {
    let blocked = matches!(code, "pwd_leak" | "signup_pwd_leak" | "reset_pwd_leak" | "api_limit")
        || ["limit_", "gd_auth_failed", "gd_auth_rejected"].iter().any(|front| code.starts_with(front));
    match code.bytes().next() {
        _ if blocked => Some(Outcome::Failure),
        Some(b's') => Some(Outcome::Success),
        Some(b'f') => Some(Outcome::Failure),
        _ => None,
    }
}

/// What OneLogin's numbers of events tell (the resource types of its Events interface).
fn onelogin(event_type: i64) -> Option<(&'static str, Option<Outcome>)> {
    let success = Some(Outcome::Success);
    let failure = Some(Outcome::Failure);
    let told = match event_type {
        1 | 4 => ("create", success),
        2 => ("delete", success),
        3 => ("authenticate", success),
        5 | 8 => ("authenticate/login", success),
        6 | 9 => ("authenticate/login", failure),
        7 => ("authenticate/logout", success),
        11 | 14 => ("update", success),
        13 => ("create", success),
        15 => ("disable", success),
        16 => ("enable", success),
        17 => ("delete", success),
        _ => return None,
    };
    Some(told)
}

fn read_outcome<'a>(members: &Members<'_, 'a>, draft: &mut Draft<'a>) {
    if draft.get(Field::Outcome).is_none() {
        let stated = members.all(Names::Outcome).find_map(|node| outcome_of(&draft.scalar(Some(node))?));
        let erred = members.all(Names::Errors).any(|node| match &node.value {
            Value::Text(text) => !matches!(text.as_ref(), "0" | "none" | "None" | "null" | "false"),
            Value::Int(code) => *code != 0,
            Value::Array(items) => !items.is_empty(),
            Value::Bool(failed) => *failed,
            _ => false,
        });
        let erred = erred.then_some(Outcome::Failure);
        let worded = draft.get(Field::Action).and_then(outcome_in_words);
        // A name that ends in its failure says it more surely than a status that may mean the logging.
        let ends_badly = draft.get(Field::Action).is_some_and(|action| {
            let lower = action.to_ascii_lowercase();
            ["failed", "failure", "denied"].iter().any(|end| lower.ends_with(end))
        });
        let named = ends_badly.then_some(Outcome::Failure);
        if let Some(outcome) = named.or(stated).or(erred).or(worded) {
            draft.outcome(outcome);
        }
    }
    let code = members.all(Names::ReasonCode).find(|node| node.int().is_some_and(|code| (100..=599).contains(&code)));
    draft.text(Field::ReasonCode, code);
    if draft.event.outcome() == Outcome::Failure {
        members.scalar(Field::ReasonText, Names::ReasonText, draft);
    }
}

/// The outcome that one word or number states; `None` when it is no statement of an outcome.
fn outcome_of(text: &str) -> Option<Outcome> {
    if let Ok(number) = text.parse::<i64>() {
        return of_status(number);
    }
    let mut word = text.to_ascii_lowercase();
    word.retain(|character| character.is_ascii_alphanumeric());
    match word.as_str() {
        "success" | "succeeded" | "successful" | "successfully" | "ok" | "true" | "yes" | "allow" | "allowed"
        | "granted" | "passed" | "pass" | "approved" | "completed" | "complete" | "done" | "accept" | "accepted"
        | "permit" | "permitted" | "loginnoerror" | "credentialsok" | "partiallysucceeded" => Some(Outcome::Success),
        "fail"
        | "failed"
        | "failure"
        | "false"
        | "no"
        | "error"
        | "denied"
        | "deny"
        | "rejected"
        | "blocked"
        | "unauthorized"
        | "forbidden"
        | "fraud"
        | "invalid"
        | "aborted"
        | "credentialsfailed"
        | "mfafailed"
        | "ssofailed"
        | "modernversionfailed"
        | "firewallfailed"
        | "firewallreportedsuccess"
        | "timeout" => Some(Outcome::Failure),
        "pending" | "started" | "start" | "inprogress" | "requested" | "queued" | "challenge" | "running"
        | "waiting" => Some(Outcome::Pending),
        _ => outcome_in_words(text),
    }
}

/// The outcome that the words of a name tell: `user_login_failed`, `FAILED_LOGIN`, `UserLoginFailed`.
fn outcome_in_words(text: &str) -> Option<Outcome> {
    let lower = text.to_ascii_lowercase();
    if ["failed", "failure", "denied", "_error", "invalid_", "unsuccessful"].iter().any(|word| lower.contains(word))
        && !lower.contains("no_error")
    {
        return Some(Outcome::Failure);
    }
    if lower.contains("succeeded") || lower.contains("success") {
        return Some(Outcome::Success);
    }
    None
}

/// Verbs stand anywhere in the names that products give: `user_login_succeeded`, `member.role.changed`.
fn cadf_action(action: &str) -> Option<&'static str> {
    use whodid_model::taxonomy::{CADF_ACTIONS, cadf_action_of_operation, cadf_action_of_verb, is_noun_too};
    if let Some(known) = CADF_ACTIONS.iter().find(|known| **known == action) {
        return Some(known);
    }
    let lower = action.to_ascii_lowercase();
    let plain: String = lower.chars().filter(|character| character.is_ascii_alphanumeric()).collect();
    if plain.contains("logout") || plain.contains("loggedout") || plain.contains("signout") {
        return Some("authenticate/logout");
    }
    if plain.contains("login")
        || plain.contains("loggedin")
        || plain.contains("signin")
        || plain.contains("credentialsok")
    {
        let about_settings =
            ["method", "setting", "policy", "challenge", "updated", "changed"].iter().any(|word| plain.contains(word));
        if !about_settings {
            return Some("authenticate/login");
        }
    }
    if plain.starts_with("authentication") || plain == "codetotoken" || plain.starts_with("mfa") {
        return Some("authenticate");
    }
    let camel =
        if action.bytes().any(|byte| byte.is_ascii_lowercase()) { cadf_action_of_operation } else { |_: &str| None };
    let last = lower.rsplit(['.', ':', '/', ' ']).next().unwrap_or(&lower);
    let words = || lower.rsplit(['.', ':', '/', ' ', '_', '-']);
    // `delete shared link`: a word that may be the thing is the verb only where no other is.
    let surely = |word: &&str| !is_noun_too(word);
    let first = lower.split_once(' ').map(|(first, _)| first);
    first
        .and_then(cadf_action_of_verb)
        .or_else(|| Some(last).filter(surely).and_then(cadf_action_of_verb))
        .or_else(|| words().filter(surely).find_map(cadf_action_of_verb))
        .or_else(|| words().find_map(cadf_action_of_verb))
        .or_else(|| camel(action.rsplit(['.', ':', '/', ' ', '_', '-']).next().unwrap_or(action)))
}

/// Keycloak's events as its server log writes them.
fn keycloak_log<'n>(root: &'n Node<'_>) -> Option<&'n str> {
    let logger = root.get("loggerName").and_then(Node::text)?;
    let message = root.get("message").and_then(Node::text)?;
    (logger == "org.keycloak.events" && (message.starts_with("type=") || message.starts_with("operationType=")))
        .then_some(message)
}

/// `type="LOGIN_ERROR", realmId="…", ipAddress="…"`: one event in the text of a log line.
fn keycloak<'a>(message: &str, root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    draft.time("timestamp", root.get("timestamp"))?;
    draft.text(Field::Message, root.get("message"));
    draft.text(Field::App, root.get("hostName"));
    draft.put(Field::Service, "keycloak");
    let mut user = None;
    for pair in message.split(", ") {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let value = value.trim_matches('"');
        if value.is_empty() || value == "null" {
            continue;
        }
        let field = match name {
            "type" | "operationType" => Field::Action,
            "username" => Field::InitiatorName,
            "userId" => {
                user = Some(value.to_owned());
                Field::InitiatorId
            }
            "ipAddress" => Field::Address,
            "clientId" | "resourcePath" => Field::TargetName,
            "resourceType" => Field::TargetType,
            "sessionId" => Field::CredentialId,
            "code_id" => Field::CorrelationId,
            "error" => Field::ReasonType,
            _ => continue,
        };
        draft.put(field, value.to_owned());
    }
    if let Some(user) = user {
        draft.put(Field::InitiatorName, user);
    }
    let failed = draft.get(Field::ReasonType).is_some()
        || draft.get(Field::Action).is_some_and(|action| action.ends_with("_ERROR"));
    draft.outcome(if failed { Outcome::Failure } else { Outcome::Success });
    if draft.get(Field::Action).is_none() {
        return Err(Reject::new(RejectCode::MissingField, "the log line names no type of event"));
    }
    Ok(cadf_action(draft.get(Field::Action).unwrap_or_default()).map(Cow::Borrowed))
}
