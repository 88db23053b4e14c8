//! A deed as an event: CADF members at the top, the custom data beside them, and what changed as a JSON Patch.

use serde::Serialize;
use serde_json::{Map, Value, json};
use whodid_model::{AccountName, Severity, Timestamp};

use crate::Deed;
use crate::mask::{mask, masked};

/// Longest event, in bytes of text. What stores events takes none that is longer, and must not be stopped by one.
pub const EVENT_BYTES_MAX: usize = 256 << 10;
/// Characters that are left of a text in an event that would be longer.
const SHORTENED_CHARS: usize = 1_000;

/// What acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A person.
    User {
        /// Stable id.
        id: String,
        /// The name to sign in with.
        name: String,
    },
    /// A program with a key.
    Key {
        /// Stable id.
        id: String,
        /// What it is for.
        name: String,
    },
    /// Somebody who has not proved who they are.
    Nobody,
    /// Somebody with a command line on the server's machine, under this account of the operating system.
    Operator {
        /// Name in the operating system.
        name: String,
    },
    /// whodid by itself, such as ending an idle session.
    System,
    /// A file in the account's storage, and so whoever may write there.
    Bucket {
        /// Its path.
        path: String,
    },
}

/// What an actor proved who it is with. Never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A session, with its id.
    Session(String),
    /// A key or token, in its masked form.
    Key(String),
    /// A one-time link.
    Link,
    /// A password.
    Password,
    /// An identity provider, by its name.
    IdentityProvider(String),
}

/// Who acted, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What acted.
    pub by: By,
    /// With what it proved that.
    pub credential: Option<Credential>,
    /// Network address.
    pub address: Option<String>,
    /// User agent as sent.
    pub agent: Option<String>,
    /// Id of the request, which joins what one request did.
    pub request: Option<String>,
}

impl Actor {
    /// whodid by itself.
    pub fn system() -> Self {
        Self { by: By::System, credential: None, address: None, agent: None, request: None }
    }

    /// A file in the account's storage.
    pub fn bucket(path: impl Into<String>) -> Self {
        Self { by: By::Bucket { path: path.into() }, ..Self::system() }
    }

    /// Somebody with a command line on the server's machine.
    pub fn operator(name: impl Into<String>) -> Self {
        Self {
            by: By::Operator { name: name.into() },
            credential: None,
            address: None,
            agent: Some(concat!("whodid/", env!("CARGO_PKG_VERSION")).to_owned()),
            request: None,
        }
    }
}

/// How a deed ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused or did not work; nothing changed.
    Failure,
    /// It has begun; a second event with the same correlation id tells its end.
    Pending,
}

/// Why it ended so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// HTTP status, or what would be it.
    pub status: u16,
    /// Stable code of a problem: `forbidden`; empty for a success.
    pub code: String,
    /// In words; without anything secret.
    pub text: String,
}

/// What is told of one deed.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// What was done.
    pub deed: Deed,
    /// How it ended.
    pub outcome: Outcome,
    /// Id of what it was done to.
    pub target_id: String,
    /// Readable name of that; empty when it has none.
    pub target_name: String,
    /// Members of `requestData`: what was asked for.
    pub request: Map<String, Value>,
    /// Members of `responseData`: what came of it.
    pub response: Map<String, Value>,
    /// What it was before and after; `None` on the side where it did not exist. Both `None`: nothing changed.
    pub change: Option<(Option<Value>, Option<Value>)>,
    /// Why it ended so.
    pub reason: Option<Reason>,
    /// Joins the events of one act that has several.
    pub correlation_id: Option<String>,
}

impl Told {
    /// A success, of which more can be told.
    pub fn success(deed: Deed, target_id: impl Into<String>, target_name: impl Into<String>) -> Self {
        Self {
            deed,
            outcome: Outcome::Success,
            target_id: target_id.into(),
            target_name: target_name.into(),
            request: Map::new(),
            response: Map::new(),
            change: None,
            reason: None,
            correlation_id: None,
        }
    }

    /// A failure and why.
    pub fn failure(deed: Deed, target_id: impl Into<String>, reason: Reason) -> Self {
        Self { outcome: Outcome::Failure, reason: Some(reason), ..Self::success(deed, target_id, "") }
    }

    /// Adds a member of `requestData`.
    #[must_use]
    pub fn asked(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.request.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a member of `responseData`.
    #[must_use]
    pub fn answered(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.response.insert(name.to_owned(), value.into());
        self
    }

    /// Tells what changed.
    #[must_use]
    pub fn changed(mut self, before: Option<Value>, after: Option<Value>) -> Self {
        self.change = Some((before, after));
        self
    }
}

/// The difference as a JSON Patch (RFC 6902). The old value of what is replaced or removed stands before it as a
/// `test`, so that a patch tells both sides and can be undone. What did not exist counts as the empty object.
pub fn patch(before: Option<&Value>, after: Option<&Value>) -> Value {
    let nothing = json!({});
    let (before, after) = (before.unwrap_or(&nothing), after.unwrap_or(&nothing));
    let mut steps = Vec::new();
    // Each step is about what the earlier ones left, also in lists, whose members move.
    let mut current = before.clone();
    for step in json_patch::diff(before, after).0 {
        use json_patch::PatchOperation as Step;
        if let Step::Remove(_) | Step::Replace(_) = &step {
            let path = step.path().to_string();
            if let Some(old) = current.pointer(&path) {
                steps.push(json!({"op": "test", "path": path, "value": old}));
            }
        }
        steps.push(serde_json::to_value(&step).unwrap_or(Value::Null));
        // A step of the library's own difference always fits.
        let _ = json_patch::patch(&mut current, std::slice::from_ref(&step));
    }
    Value::Array(steps)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(rename = "typeURI")]
    type_uri: &'static str,
    id: &'a str,
    event_type: &'static str,
    event_time: String,
    action: &'static str,
    outcome: &'static str,
    severity: &'static str,
    message: String,
    data_event: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    initiator: Value,
    target: Value,
    observer: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    request_data: Map<String, Value>,
    response_data: Map<String, Value>,
}

/// The event as one line of JSON, of at most [`EVENT_BYTES_MAX`] bytes. `id`: a fresh UUID. `installation`: the
/// installation's random id.
///
/// One that would be longer is told without its delta and with its texts cut; `requestData.shortened` says so.
pub fn event(installation: &str, account: &AccountName, at: Timestamp, id: &str, actor: &Actor, told: &Told) -> String {
    let text = whole(installation, account, at, id, actor, told);
    if text.len() <= EVENT_BYTES_MAX {
        return text;
    }
    let (actor, mut told) = shortened(actor, told);
    let text = whole(installation, account, at, id, &actor, &told);
    if text.len() <= EVENT_BYTES_MAX {
        return text;
    }
    // Long by its many members: what was done, by whom and to what comes before them.
    (told.request, told.response) = (Map::from_iter([was_shortened()]), Map::new());
    whole(installation, account, at, id, &actor, &told)
}

fn whole(installation: &str, account: &AccountName, at: Timestamp, id: &str, actor: &Actor, told: &Told) -> String {
    let (target_id, target_name) = (masked(&told.target_id), masked(&told.target_name));
    let deed = told.deed;
    let outcome = match told.outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Pending => "pending",
    };
    let mut request = told.request.clone();
    if let Some((before, after)) = &told.change {
        request.insert("delta".to_owned(), patch(before.as_ref(), after.as_ref()));
    }
    request.values_mut().for_each(mask);
    let mut response = told.response.clone();
    response.insert("logdnaId".to_owned(), format!("{installation}/{account}").into());
    let event = Event {
        type_uri: "http://schemas.dmtf.org/cloud/audit/1.0/event",
        id,
        event_type: "activity",
        event_time: cadf_time(at),
        action: deed.action(),
        outcome,
        severity: severity(told).as_str(),
        message: message(told, if target_name.is_empty() { &target_id } else { &target_name }),
        data_event: deed.kind() == crate::Kind::Data,
        correlation_id: told.correlation_id.as_deref().or(actor.request.as_deref()),
        initiator: initiator(installation, actor),
        target: target(account, told, &target_id, &target_name),
        observer: json!({"id": installation, "name": "whodid", "typeURI": "service/security/audit/filter"}),
        reason: told.reason.as_ref().map(|reason| {
            let mut members = json!({"reasonCode": reason.status.to_string(), "reasonType": "HTTP"});
            if !reason.code.is_empty() {
                members["policyType"] = "urn:whodid:problem".into();
                members["policyId"] = reason.code.clone().into();
            }
            if told.outcome == Outcome::Failure {
                members["reasonForFailure"] = masked(&reason.text).into();
            }
            members
        }),
        request_data: request,
        response_data: response,
    };
    serde_json::to_string(&event).unwrap_or_default()
}

fn was_shortened() -> (String, Value) {
    ("shortened".to_owned(), true.into())
}

/// Every member that an actor and a deed have, with no text longer than [`SHORTENED_CHARS`], but for the delta: a
/// patch is worth nothing in part.
fn shortened(actor: &Actor, told: &Told) -> (Actor, Told) {
    let mut actor = actor.clone();
    let by = match &mut actor.by {
        By::User { id, name } | By::Key { id, name } => vec![id, name],
        By::Operator { name } => vec![name],
        By::Bucket { path } => vec![path],
        By::Nobody | By::System => Vec::new(),
    };
    let credential = match &mut actor.credential {
        Some(Credential::Session(text) | Credential::Key(text) | Credential::IdentityProvider(text)) => Some(text),
        Some(Credential::Link | Credential::Password) | None => None,
    };
    let optional = [&mut actor.address, &mut actor.agent, &mut actor.request];
    for text in by.into_iter().chain(credential).chain(optional.into_iter().flatten()) {
        cut(text);
    }
    let mut told = Told { change: None, ..told.clone() };
    for text in [&mut told.target_id, &mut told.target_name].into_iter().chain(&mut told.correlation_id) {
        cut(text);
    }
    if let Some(reason) = &mut told.reason {
        cut(&mut reason.code);
        cut(&mut reason.text);
    }
    for value in told.request.values_mut().chain(told.response.values_mut()) {
        cut_texts(value);
    }
    told.request.extend([was_shortened()]);
    (actor, told)
}

fn cut_texts(value: &mut Value) {
    match value {
        Value::String(text) => cut(text),
        Value::Array(values) => values.iter_mut().for_each(cut_texts),
        Value::Object(members) => members.values_mut().for_each(cut_texts),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cut(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(SHORTENED_CHARS) {
        text.truncate(end);
    }
}

/// CADF wants the offset written out and no `Z`.
fn cadf_time(at: Timestamp) -> String {
    let text = at.to_string();
    text.strip_suffix('Z').map_or_else(|| text.clone(), |text| format!("{text}+00:00"))
}

/// As Activity Tracker grades: refusals of access are critical, other failures warnings, else the deed's own.
fn severity(told: &Told) -> Severity {
    match (told.outcome, told.reason.as_ref().map(|reason| reason.status)) {
        (Outcome::Failure, Some(401 | 403 | 503 | 507)) => Severity::Critical,
        (Outcome::Failure, _) => told.deed.severity().max(Severity::Warning),
        _ => told.deed.severity(),
    }
}

fn message(told: &Told, name: &str) -> String {
    // What was found has a sentence of its own.
    if let Some(sentence) = told.request.get("sentence").and_then(Value::as_str)
        && told.deed == Deed::FindingCreate
    {
        return sentence.to_owned();
    }
    let object = told.deed.object().replace('-', " ");
    let failed = if told.outcome == Outcome::Failure { " -failure" } else { "" };
    format!("whodid: {} {object} {name}{failed}", told.deed.verb())
}

fn initiator(installation: &str, actor: &Actor) -> Value {
    let (id, name, kind) = match &actor.by {
        By::User { id, name } => (id.as_str(), name.as_str(), "service/security/account/user"),
        By::Key { id, name } => (id.as_str(), name.as_str(), "service/security/account/serviceid"),
        By::Nobody => ("unknown", "unknown", "unknown"),
        By::Operator { name } => (name.as_str(), name.as_str(), "service/security/account/user"),
        By::System => (installation, "whodid", "service/security"),
        By::Bucket { path } => (path.as_str(), "bucket", "service/storage/object"),
    };
    let mut members = json!({"id": id, "name": name, "typeURI": kind});
    let mut host = Map::new();
    if let Some(address) = &actor.address {
        host.insert("address".to_owned(), address.clone().into());
    }
    if let Some(agent) = &actor.agent {
        host.insert("agent".to_owned(), agent.clone().into());
    }
    if !host.is_empty() {
        members["host"] = host.into();
    }
    let credential = match &actor.credential {
        None => None,
        Some(Credential::Session(id)) => Some(("session", id.as_str())),
        Some(Credential::Key(masked)) => Some(("apikey", masked.as_str())),
        Some(Credential::Link) => Some(("link", "masked")),
        Some(Credential::Password) => Some(("user", "masked")),
        Some(Credential::IdentityProvider(name)) => Some(("token", name.as_str())),
    };
    if let Some((kind, token)) = credential {
        members["credential"] = json!({"type": kind, "token": token});
    }
    members
}

fn target(account: &AccountName, told: &Told, id: &str, name: &str) -> Value {
    let id = if id.is_empty() { account.as_str() } else { id };
    let mut members = json!({"id": id, "typeURI": format!("whodid/{}", told.deed.object())});
    if !name.is_empty() {
        members["name"] = name.into();
    }
    members
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_deed_is_an_event_with_what_changed() {
        let actor = Actor {
            by: By::User { id: "u1".to_owned(), name: "bob".to_owned() },
            credential: Some(Credential::Session("s1".to_owned())),
            address: Some("192.0.2.7".to_owned()),
            agent: None,
            request: Some("r1".to_owned()),
        };
        let told = Told::success(Deed::RoleUpdate, "kms-readers", "").changed(
            Some(json!({"permissions": ["a"], "note": "x"})),
            Some(json!({"permissions": ["a", "b"], "note": "y"})),
        );
        let at = Timestamp::parse("2026-11-27T10:00:00Z").unwrap().at;
        let text = event("inst", &AccountName::default_account(), at, "id-1", &actor, &told);
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["action"], "whodid.role.update");
        assert_eq!(event["eventTime"], "2026-11-27T10:00:00.000+00:00");
        assert_eq!(event["initiator"]["credential"], json!({"type": "session", "token": "s1"}));
        assert_eq!(event["responseData"]["logdnaId"], "inst/default");
        assert_eq!(
            event["requestData"]["delta"],
            json!([
                {"op": "test", "path": "/note", "value": "x"},
                {"op": "replace", "path": "/note", "value": "y"},
                {"op": "add", "path": "/permissions/1", "value": "b"}
            ])
        );
    }

    #[test]
    fn what_a_file_in_the_bucket_does_is_told_as_its_deed() {
        let path = "IBM.rules/activities/kms.json";
        let event = told_by(&Actor::bucket(path), &Told::success(Deed::PackageCreate, "p", ""));
        assert_eq!(event["initiator"], json!({"id": path, "name": "bucket", "typeURI": "service/storage/object"}));
    }

    #[test]
    fn a_patch_of_lists_tells_every_old_value_and_leads_from_one_side_to_the_other() {
        for (before, after) in [
            (json!(["IBMid-1", "u-77"]), json!([])),
            (json!(["a", "b", "c", "d"]), json!(["b", "d"])),
            (json!(["a1", "b2", "c3", "d4"]), json!(["b2", "e5"])),
            (json!([{"x": [1, 2]}, {"x": [3]}]), json!([{"x": [3]}])),
        ] {
            let (before, after) = (json!({"list": before}), json!({"list": after}));
            let steps = patch(Some(&before), Some(&after));
            let mut document = before.clone();
            let whole: json_patch::Patch = serde_json::from_value(steps.clone()).unwrap();
            // RFC 6902: a `test` that fails refuses the patch.
            json_patch::patch(&mut document, &whole).unwrap_or_else(|error| panic!("{steps}: {error}"));
            assert_eq!(document, after, "{steps}");
        }
    }

    #[test]
    fn a_secret_that_was_pasted_is_in_no_part_of_an_event() {
        let secret = "0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk";
        let key = format!("wsk_{secret}");
        let actor = Actor { by: By::Nobody, credential: None, address: None, agent: None, request: None };
        let reason = Reason { status: 404, code: "not_found".to_owned(), text: format!("there is no {key}") };
        let mut told = Told::failure(Deed::EventSearch, key.as_str(), reason)
            .asked("query", format!("initiator.name:{key}"))
            .asked("asked", json!({"names": [key.as_str(), secret]}))
            .changed(None, Some(json!({"name": key.as_str()})));
        told.target_name.clone_from(&key);
        let at = Timestamp::parse("2026-11-27T10:00:00Z").unwrap().at;
        let text = event("inst", &AccountName::default_account(), at, "id-1", &actor, &told);
        assert!(!text.contains(secret), "{text}");
        assert!(text.contains("initiator.name:wsk_…"), "{text}");
    }

    #[test]
    fn what_was_made_and_what_is_gone_are_patches_too() {
        let thing = json!({"name": "ci"});
        assert_eq!(patch(None, Some(&thing)), json!([{"op": "add", "path": "/name", "value": "ci"}]));
        assert_eq!(
            patch(Some(&thing), None),
            json!([{"op": "test", "path": "/name", "value": "ci"}, {"op": "remove", "path": "/name"}])
        );
        assert_eq!(patch(Some(&thing), Some(&thing)), json!([]));
    }

    fn told_by(actor: &Actor, told: &Told) -> Value {
        let text = event("inst", &AccountName::default_account(), Timestamp::default(), "id", actor, told);
        assert!(text.len() <= EVENT_BYTES_MAX, "{} bytes", text.len());
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn an_event_that_would_be_too_long_is_told_without_delta_and_with_texts_cut() {
        let long = "é\u{1}".repeat(EVENT_BYTES_MAX);
        let told = Told::success(Deed::RoleUpdate, "kms-readers", "KMS")
            .asked("query", json!({"text": [long], "hours": 3}))
            .answered("rows", 7)
            .changed(None, Some(json!({"query": "x"})));
        let event = told_by(&Actor::system(), &told);
        let asked = &event["requestData"];
        assert_eq!(
            (&asked["shortened"], &asked["query"]["hours"], &asked["delta"]),
            (&true.into(), &3.into(), &Value::Null)
        );
        assert_eq!(asked["query"]["text"][0].as_str().unwrap().chars().count(), 1_000);
        assert_eq!(event["target"]["name"], "KMS");
        assert_eq!(event["responseData"], json!({"rows": 7, "logdnaId": "inst/default"}));
        // A delta alone can be what is too long.
        let told = Told::success(Deed::RoleUpdate, "r", "").asked("a", 1).changed(None, Some(json!({"query": long})));
        assert_eq!(told_by(&Actor::system(), &told)["requestData"], json!({"a": 1, "shortened": true}));
    }

    #[test]
    fn no_event_is_too_long_whatever_makes_it_so() {
        let long = "\u{1}".repeat(EVENT_BYTES_MAX);
        let actor = Actor {
            by: By::User { id: long.clone(), name: long.clone() },
            credential: Some(Credential::Key(long.clone())),
            address: Some(long.clone()),
            agent: Some(long.clone()),
            request: Some(long.clone()),
        };
        let reason = Reason { status: 400, code: long.clone(), text: long.clone() };
        let mut told = Told::failure(Deed::RoleUpdate, long.as_str(), reason);
        told.target_name.clone_from(&long);
        told.correlation_id = Some(long.clone());
        let event = told_by(&actor, &told.clone().answered("text", long));
        assert_eq!(event["initiator"]["host"]["agent"].as_str().unwrap().len(), 1_000);
        assert_eq!(event["responseData"]["text"].as_str().unwrap().len(), 1_000);
        // By the number of its members, of any length.
        let many = json!(vec![0; EVENT_BYTES_MAX]);
        let event = told_by(&actor, &told.asked("many", many.clone()).answered("many", many));
        assert_eq!(event["requestData"], json!({"shortened": true}));
        assert_eq!(event["action"], "whodid.role.update");
    }

    #[test]
    fn an_event_that_fits_is_told_whole() {
        let long = "x".repeat(EVENT_BYTES_MAX / 2);
        let told = Told::success(Deed::RoleUpdate, "r", "").asked("query", long.as_str());
        assert_eq!(told_by(&Actor::system(), &told)["requestData"], json!({"query": long}));
    }

    #[test]
    fn a_refusal_is_critical_and_says_why() {
        let reason =
            Reason { status: 403, code: "forbidden".to_owned(), text: "`keys.manage` is not granted".to_owned() };
        let told = Told::failure(Deed::IngestionKeyCreate, "", reason);
        let text = event("inst", &AccountName::default_account(), Timestamp::default(), "id", &Actor::system(), &told);
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&event["outcome"], &event["severity"]), (&json!("failure"), &json!("critical")));
        assert_eq!(event["reason"]["policyId"], "forbidden");
        assert_eq!(event["target"]["id"], "default");
    }
}
