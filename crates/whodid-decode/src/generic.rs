//! Any other JSON object, by the names that products commonly use.
//!
//! Each field has a list of paths, most telling first. Names are compared without case and without
//! `_` and `-`, so that `sourceIPAddress`, `source_ip_address` and `SOURCE_IP_ADDRESS` are one. Products
//! whose events need more than a name (Vault, Keycloak's log, Auth0's codes) have a few lines of their own.
//! What an event does not say stays unsaid: its outcome is then `unknown`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use whodid_model::{Access, Field, Outcome, Reject, RejectCode, Severity};

use crate::Decoded;
use crate::cadf::of_status;
use crate::draft::Draft;
use crate::generic_names::{LISTS, Names, TIME};
use crate::json::{Node, Value};

/// Deepest member looked at.
const DEPTH_MAX: usize = 6;
/// Most members looked at.
const MEMBERS_MAX: usize = 256;

/// Members that only wrap the event.
const WRAPPERS: &[&str] = &["event", "data", "detail", "record", "audit", "body"];

/// For the hash of each path the lists that hold it, and its place in them.
static USES: LazyLock<HashMap<u64, Vec<(Names, usize)>>> = LazyLock::new(|| {
    let mut uses: HashMap<u64, Vec<(Names, usize)>> = HashMap::new();
    for (names, paths) in LISTS {
        for (rank, path) in paths.iter().enumerate() {
            uses.entry(path_hash(HASH_START, path)).or_default().push((names, rank));
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
    by_product(root, &members, draft);
    read_outcome(&members, draft);
    Ok(cadf_action(draft.get(Field::Action).unwrap_or_default()).map(Cow::Borrowed))
}

/// The members of an event by path. Paths are kept as hashes: comparing numbers is all a look-up costs.
struct Members<'n, 'a> {
    found: Vec<(u64, &'n Node<'a>)>,
    /// The members that some list names, by list and place in it.
    named: Vec<(Names, usize, &'n Node<'a>)>,
}

impl<'n, 'a> Members<'n, 'a> {
    fn of(root: &'n Node<'a>) -> Self {
        let mut members = Self { found: Vec::with_capacity(64), named: Vec::with_capacity(32) };
        members.add(root, HASH_START, 0);
        for (name, node) in root.members() {
            if WRAPPERS.contains(&name.as_ref()) && node.is_object() {
                members.add(node, HASH_START, 1);
            }
        }
        // Stable: of two members of one name the outer one stays first.
        members.named.sort_by_key(|(names, rank, _)| (*names, *rank));
        members
    }

    fn add(&mut self, node: &'n Node<'a>, path: u64, depth: usize) {
        if depth >= DEPTH_MAX {
            return;
        }
        let prefix = if depth == 0 || path == HASH_START { path } else { step(path, b'.') };
        for (name, child) in node.members() {
            self.note(path_hash(prefix, name), child, depth);
        }
        if let Some(child) = node.items().first() {
            self.note(path_hash(prefix, "0"), child, depth);
        }
    }

    fn note(&mut self, path: u64, child: &'n Node<'a>, depth: usize) {
        if self.found.len() >= MEMBERS_MAX || child.is_empty() {
            return;
        }
        self.found.push((path, child));
        for (names, rank) in USES.get(&path).into_iter().flatten() {
            self.named.push((*names, *rank, child));
        }
        if matches!(child.value, Value::Object(_) | Value::Array(_)) {
            self.add(child, path, depth + 1);
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

    /// The first time that can be read. When some are given and none can be read the event is refused.
    fn time(&self, draft: &mut Draft<'a>) -> Result<(), Reject> {
        let mut refused: Option<Reject> = None;
        let start = self.named.partition_point(|(other, ..)| *other < Names::Time);
        for (_, rank, node) in self.named[start..].iter().take_while(|(other, ..)| *other == Names::Time) {
            let may_be_time = matches!(node.value, Value::Text(_) | Value::Int(_) | Value::Float(_));
            if !may_be_time && node.get("$date").is_none() {
                continue;
            }
            match draft.time(TIME[*rank], Some(node)) {
                Ok(()) => return Ok(()),
                Err(reject) => refused = refused.or(Some(reject)),
            }
        }
        refused.map_or(Ok(()), Err)
    }
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

/// What the names alone do not tell, product by product.
fn by_product<'a>(root: &Node<'a>, members: &Members<'_, 'a>, draft: &mut Draft<'a>) {
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
        let by_code = match code.bytes().next() {
            Some(b's') => Some(Outcome::Success),
            Some(b'f') => Some(Outcome::Failure),
            _ => None,
        };
        if let Some(outcome) = status.or(by_code) {
            draft.outcome(outcome);
        }
    }
    // OneLogin: numbers.
    match members.at("eventtypeid").and_then(Node::int) {
        Some(5 | 8) => draft.outcome(Outcome::Success),
        Some(6 | 9) => draft.outcome(Outcome::Failure),
        _ => {}
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
        && let Ok(inner) = crate::json::parse(description)
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
        | "granted" | "passed" | "pass" | "approved" | "completed" | "complete" | "done" | "accept" | "permit"
        | "permitted" | "loginnoerror" | "credentialsok" | "partiallysucceeded" => Some(Outcome::Success),
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
        | "timeout"
        | "locked" => Some(Outcome::Failure),
        "pending" | "started" | "start" | "inprogress" | "accepted" | "requested" | "queued" | "challenge"
        | "running" | "waiting" => Some(Outcome::Pending),
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
    use whodid_model::taxonomy::{CADF_ACTIONS, cadf_action_of_operation, cadf_action_of_verb};
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
    cadf_action_of_verb(last)
        .or_else(|| lower.rsplit(['.', ':', '/', ' ', '_', '-']).find_map(cadf_action_of_verb))
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
