//! An event as one plain sentence: “bob tried to delete secret k17 in kms and was refused (403)”.
//!
//! For people who skim. It is made from the fields alone, so every view says the same of an event;
//! nothing is searched in it and nothing is decided by it.

use std::borrow::Cow;

use crate::result::DENIED;
use crate::{Field, Fields, IMPERSONATION, Outcome};

/// Longest name in a sentence, in characters.
const NAME_CHARS_MAX: usize = 48;
/// Characters that are shown of an identifier that nobody reads.
const ID_CHARS: usize = 8;

/// Verbs of actions: CADF's, as infinitive and as past tense.
const VERBS: &[(&str, &str, &str)] = &[
    ("backup", "back up", "backed up"),
    ("capture", "capture", "captured"),
    ("create", "create", "created"),
    ("configure", "configure", "configured"),
    ("read", "read", "read"),
    ("read/list", "list", "listed"),
    ("update", "update", "updated"),
    ("update/reboot", "reboot", "rebooted"),
    ("delete", "delete", "deleted"),
    ("monitor", "monitor", "monitored"),
    ("start", "start", "started"),
    ("stop", "stop", "stopped"),
    ("deploy", "deploy", "deployed"),
    ("undeploy", "undeploy", "undeployed"),
    ("enable", "enable", "enabled"),
    ("disable", "disable", "disabled"),
    ("send", "send", "sent"),
    ("receive", "receive", "received"),
    ("revoke", "revoke", "revoked"),
    ("renew", "renew", "renewed"),
    ("restore", "restore", "restored"),
    ("evaluate", "check", "checked"),
    ("allow", "grant", "granted"),
    ("deny", "deny", "denied"),
];

/// Verbs that say more than the CADF action they stand for; looked up in the action's own words.
const TELLING_VERBS: &[(&str, &str)] = &[
    ("add", "added"),
    ("approve", "approved"),
    ("assume", "assumed"),
    ("attach", "attached"),
    ("copy", "copied"),
    ("decrypt", "decrypted"),
    ("detach", "detached"),
    ("download", "downloaded"),
    ("encrypt", "encrypted"),
    ("export", "exported"),
    ("import", "imported"),
    ("invite", "invited"),
    ("invoke", "invoked"),
    ("lock", "locked"),
    ("merge", "merged"),
    ("move", "moved"),
    ("patch", "patched"),
    ("purge", "purged"),
    ("remove", "removed"),
    ("rename", "renamed"),
    ("reset", "reset"),
    ("rewrap", "rewrapped"),
    ("rotate", "rotated"),
    ("run", "ran"),
    ("share", "shared"),
    ("suspend", "suspended"),
    ("terminate", "terminated"),
    ("transfer", "transferred"),
    ("unlock", "unlocked"),
    ("unwrap", "unwrapped"),
    ("upload", "uploaded"),
    ("watch", "watched"),
    ("wrap", "wrapped"),
];

/// The sentence. Never empty; holds no line break.
pub fn summary(fields: &Fields<'_>) -> String {
    // What was found is a sentence already; who records it is beside the point.
    let is_found = |action: &str| FOUND.iter().any(|of| action.starts_with(of));
    let is_finding = fields.get(Field::Action).is_some_and(is_found);
    if let Some(message) = fields.get(Field::Message).filter(|message| is_finding && !message.is_empty()) {
        return message.to_owned();
    }
    let who = initiator(fields);
    let outcome = fields.get(Field::Outcome).and_then(Outcome::parse).unwrap_or(Outcome::Unknown);
    let deed = Deed::of(fields);
    let text = match outcome {
        Outcome::Success => format!("{who} {} {}", deed.past, deed.rest),
        Outcome::Unknown => format!("{who} {} {}, outcome not stated", deed.past, deed.rest),
        Outcome::Pending => format!("{who} asked to {} {}", deed.infinitive, deed.rest),
        Outcome::Failure => {
            let end = if fields.result() == DENIED { "was refused" } else { "failed" };
            format!("{who} tried to {} {} and {end}{}", deed.infinitive, deed.rest, reason(fields))
        }
    };
    if is_tidy(&text) { text } else { text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",") }
}

/// What the actions of findings begin with, and those of insights.
const FOUND: [&str; 4] = ["whodid.finding.", "whodid.insight.start", "whodid.insight.update", "whodid.insight.end"];

/// True when a sentence needs no blank taken out, as most need none; false where only a closer look tells.
fn is_tidy(text: &str) -> bool {
    let mut before = b' ';
    for byte in text.bytes() {
        let is_odd = !(b' '..=b'~').contains(&byte) || (before == b' ' && matches!(byte, b' ' | b','));
        if is_odd {
            return false;
        }
        before = byte;
    }
    before != b' '
}

fn initiator(fields: &Fields<'_>) -> String {
    let named = fields.get(Field::InitiatorName).map(short_name);
    let known = named.or_else(|| fields.get(Field::InitiatorId).map(short_id));
    let who = known.map_or_else(|| "someone (no initiator named)".to_owned(), Cow::into_owned);
    match taken_identity(fields) {
        Some(identity) => format!("{who} (as {})", shorten(identity, NAME_CHARS_MAX)),
        None => who,
    }
}

/// Whose rights were used where that is somebody else than who acted: the identity that was taken, or
/// the role of a session that is told by the person behind it.
fn taken_identity<'f>(fields: &'f Fields<'_>) -> Option<&'f str> {
    if fields.get(Field::CredentialType) == Some(IMPERSONATION) {
        return fields.get(Field::CredentialId);
    }
    let (_, session) = fields.get(Field::InitiatorId)?.split_once(":assumed-role/")?;
    let name = fields.get(Field::InitiatorName)?;
    (!session.ends_with(name)).then_some(session)
}

/// What was done to what, in which service.
struct Deed {
    infinitive: String,
    past: String,
    rest: String,
}

impl Deed {
    fn of(fields: &Fields<'_>) -> Self {
        let action = fields.get(Field::Action).unwrap_or("unknown");
        let cadf_action = fields.get(Field::CadfAction).unwrap_or("unknown");
        let service = fields.get(Field::Service).map(short_service);
        let target_name = fields.get(Field::TargetName);
        let place = |preposition: &str| service.map_or_else(String::new, |service| format!("{preposition} {service}"));
        match cadf_action {
            "authenticate/login" | "authenticate/logout" => {
                let is_in = cadf_action == "authenticate/login";
                let kind = fields.get(Field::TargetType).and_then(noun);
                // Nobody signs in to a user: there the account is the target, and the service is where.
                // Nor to the password or device that he signs in with.
                let is_place = !kind.as_deref().is_some_and(|kind| {
                    matches!(kind, "user" | "account" | "app user") || kind.starts_with("authenticator")
                });
                let to = target_name
                    .filter(|name| is_place && fields.get(Field::InitiatorName) != Some(name))
                    .map(short_name);
                let preposition = if is_in { "to" } else { "of" };
                let rest = to.map_or_else(|| place(preposition), |to| format!("{preposition} {to}"));
                let (infinitive, past) = if is_in { ("sign in", "signed in") } else { ("sign out", "signed out") };
                return Self { infinitive: infinitive.into(), past: past.into(), rest };
            }
            "notify" => {
                let about = target_name.map_or_else(String::new, |name| format!("about {}", short_name(name)));
                let rest = format!("of {} {about} {}", short_name(action), place("in"));
                return Self { infinitive: "notify".into(), past: "gave notice".into(), rest };
            }
            _ => {}
        }
        let noun = object_of_action(action).or_else(|| fields.get(Field::TargetType).and_then(noun));
        let object = object(fields, noun.as_deref(), cadf_action, service);
        if cadf_action == "authenticate" && telling_verb(action).is_none() {
            return Self { infinitive: "authenticate".into(), past: "authenticated".into(), rest: place("to") };
        }
        let Some(object) = object else {
            let rest = format!("{} {}", short_name(action), place("in"));
            return Self { infinitive: "call".into(), past: "called".into(), rest };
        };
        // `DeleteUserPolicy` deletes no user.
        let policy_of = match noun.as_deref() {
            Some("user" | "role" | "group") if action.ends_with("Policy") => match telling_verb(action) {
                Some((&"attach", _)) => "a policy to ",
                Some((&"detach", _)) => "a policy from ",
                _ => "a policy of ",
            },
            _ => "",
        };
        let rest = format!("{policy_of}{object} {}", place("in"));
        let known = VERBS.iter().find(|(known, ..)| *known == cadf_action);
        let general = matches!(
            cadf_action,
            "read"
                | "update"
                | "delete"
                | "create"
                | "start"
                | "allow"
                | "authenticate"
                | "enable"
                | "disable"
                | "unknown"
        );
        let telling = telling_verb(action).filter(|_| general);
        let (infinitive, past): (String, String) = match (telling, known) {
            (Some((infinitive, past)), _) | (None, Some((_, infinitive, past))) => {
                ((*infinitive).into(), (*past).into())
            }
            (None, None) => (format!("do “{}” on", short_name(action)), format!("did “{}” on", short_name(action))),
        };
        Self { infinitive, past, rest }
    }
}

/// `secret k17`, `secrets` of a list, `a secret` where only the kind is known.
fn object(fields: &Fields<'_>, noun: Option<&str>, cadf_action: &str, service: Option<&str>) -> Option<String> {
    // Some sources give the service itself as the target; then only the kind says what it was about.
    let name = fields.get(Field::TargetName).filter(|name| Some(*name) != service);
    let id = fields.get(Field::TargetId).filter(|id| Some(*id) != service);
    let label = name.map(short_name).or_else(|| id.map(short_id));
    match (noun, label) {
        (Some(noun), _) if cadf_action == "read/list" && name.is_none() => Some(plural(noun)),
        (Some(noun), Some(label)) => Some(format!("{noun} {label}")),
        (Some(noun), None) => Some(format!("{} {noun}", article(noun))),
        (None, Some(label)) => Some(label.into_owned()),
        (None, None) => None,
    }
}

/// The verb among the action's own words: the last of `kms.secrets.rotate`, the first of `AssumeRole`.
fn telling_verb(action: &str) -> Option<(&'static &'static str, &'static &'static str)> {
    let last = action.rsplit(['.', ':', '/', ' ']).next()?;
    let first_word = last
        .char_indices()
        .skip(1)
        .find(|(_, character)| character.is_ascii_uppercase() || matches!(character, '_' | '-'));
    let word = first_word.map_or(last, |(end, _)| &last[..end]);
    TELLING_VERBS
        .iter()
        .find(|(infinitive, past)| infinitive.eq_ignore_ascii_case(word) || past.eq_ignore_ascii_case(word))
        .map(|(infinitive, past)| (infinitive, past))
}

/// Parts of a Kubernetes resource that have a path of their own.
const SUBRESOURCES: &[&str] = &[
    "approval",
    "attach",
    "binding",
    "ephemeralcontainers",
    "eviction",
    "exec",
    "log",
    "portforward",
    "proxy",
    "scale",
    "status",
    "token",
];

/// `created.role_assignment` → `role assignment`: such an action says better than the target's type
/// what it was about.
fn object_of_action(action: &str) -> Option<String> {
    let (verb, object) = action.split_once('.')?;
    (verb.ends_with("ed") && !object.is_empty() && !object.contains('.')).then(|| words(object))
}

/// The readable kind in a type: `kms/secrets` → `secret`, `AWS::S3::Object` → `object`,
/// `cloud-object-storage/bucket/acl` → `bucket acl`, `Microsoft.Compute/disks` → `disk`.
fn noun(kind: &str) -> Option<String> {
    let mut steps: Vec<&str> = kind.split(['/', ':']).filter(|step| !step.is_empty()).collect();
    let last = steps.pop()?;
    let of_taxonomy = matches!(steps.first(), Some(&("service" | "data" | "storage" | "compute" | "network")));
    let word = singular(&words(last));
    // `service/object/attribute`, and Kubernetes' `resource/subresource`.
    let has_owner = steps.len() >= 2 || SUBRESOURCES.contains(&last);
    let owner = steps.last().filter(|_| has_owner && !of_taxonomy && !kind.contains("::"));
    match owner {
        Some(owner) if !owner.contains('.') => Some(format!("{} {word}", singular(&words(owner)))),
        _ => Some(word),
    }
}

/// `gce_firewall_rule` → `gce firewall rule`, `AppInstance` → `app instance`.
fn words(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    let mut before_is_lower = false;
    for character in name.chars() {
        if matches!(character, '_' | '-') {
            text.push(' ');
            before_is_lower = false;
            continue;
        }
        if character.is_ascii_uppercase() && before_is_lower {
            text.push(' ');
        }
        before_is_lower = character.is_ascii_lowercase();
        text.push(character.to_ascii_lowercase());
    }
    text
}

fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for end in ["sses", "xes", "ches", "shes"] {
        if word.ends_with(end) {
            return word[..word.len() - 2].to_owned();
        }
    }
    let keeps = ["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    word.strip_suffix('s').filter(|_| !keeps).unwrap_or(word).to_owned()
}

fn plural(word: &str) -> String {
    let vowel_before_y =
        word.len() >= 2 && word.ends_with('y') && matches!(word.as_bytes()[word.len() - 2], b'a' | b'e' | b'o' | b'u');
    if word.ends_with('y') && !vowel_before_y {
        return format!("{}ies", &word[..word.len() - 1]);
    }
    if ["s", "x", "ch", "sh"].iter().any(|end| word.ends_with(end)) { format!("{word}es") } else { format!("{word}s") }
}

fn article(noun: &str) -> &'static str {
    let sounds_open = noun.starts_with(['a', 'e', 'i', 'o']) || noun.starts_with("un");
    if sounds_open { "an" } else { "a" }
}

/// `s3.amazonaws.com` → `s3`, `service/security` → `security`.
fn short_service(service: &str) -> &str {
    let bare = [".amazonaws.com", ".googleapis.com", ".aliyuncs.com"].iter().find_map(|end| service.strip_suffix(end));
    bare.unwrap_or_else(|| service.trim_end_matches('/').rsplit('/').next().unwrap_or(service))
}

fn short_name(name: &str) -> Cow<'_, str> {
    // A resource name is told by its end: `crn:…:key:k17`, `arn:aws:s3:::bucket/key`.
    let name = if name.starts_with("crn:") || name.starts_with("arn:") { last_step(name) } else { name };
    shorten(name, NAME_CHARS_MAX)
}

fn short_id(id: &str) -> Cow<'_, str> {
    let last = last_step(id);
    let unread = last.len() >= 32 && last.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    shorten(last, if unread { ID_CHARS } else { NAME_CHARS_MAX })
}

fn last_step(name: &str) -> &str {
    name.split('?').next().unwrap_or(name).rsplit([':', '/']).find(|step| !step.is_empty()).unwrap_or(name)
}

fn shorten(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// ` (403)`, ` (409 Conflict)`, ` (NoSuchBucket)`, or nothing when no reason is given.
fn reason(fields: &Fields<'_>) -> String {
    let code = fields.get(Field::ReasonCode);
    let kind = fields.get(Field::ReasonType).filter(|kind| *kind != "HTTP");
    // A code of the source's own tells less than its words.
    let kind =
        kind.filter(|kind| fields.get(Field::ReasonText).is_none() || !kind.bytes().all(|byte| byte.is_ascii_digit()));
    let shown = match (code, kind, fields.get(Field::ReasonText)) {
        (Some(code @ ("401" | "403")), _, _) => code.to_owned(),
        (Some(code), Some(kind), _) => format!("{code} {kind}"),
        (Some(one), None, _) | (None, Some(one), _) | (None, None, Some(one)) => one.to_owned(),
        (None, None, None) => return String::new(),
    };
    format!(" ({})", shorten(&shown, NAME_CHARS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[(Field, &'static str)], expected: &str) {
        let mut fields = Fields::default();
        for (field, text) in given {
            fields.set(*field, *text);
        }
        assert_eq!(summary(&fields), expected);
    }

    use Field::{
        Action, CadfAction, InitiatorId, InitiatorName, Outcome, ReasonCode, ReasonText, ReasonType, Service, TargetId,
        TargetName, TargetType,
    };

    #[test]
    fn a_refusal_names_the_status() {
        check(
            &[
                (InitiatorName, "bob"),
                (Action, "kms.secrets.delete"),
                (CadfAction, "delete"),
                (TargetType, "kms/secrets"),
                (TargetName, "k17"),
                (Service, "kms"),
                (Outcome, "failure"),
                (ReasonCode, "403"),
                (ReasonType, "Forbidden"),
            ],
            "bob tried to delete secret k17 in kms and was refused (403)",
        );
    }

    #[test]
    fn a_failure_that_is_no_refusal_says_why() {
        check(
            &[
                (InitiatorName, "bob"),
                (Action, "kms.secrets.delete"),
                (CadfAction, "delete"),
                (TargetType, "kms/secrets"),
                (TargetId, "crn:v1:acme:public:kms:eu-de:a/1:2:key:k17"),
                (Service, "kms"),
                (Outcome, "failure"),
                (ReasonCode, "409"),
                (ReasonType, "Conflict"),
            ],
            "bob tried to delete secret k17 in kms and failed (409 Conflict)",
        );
        check(
            &[
                (InitiatorName, "bob"),
                (Action, "GetBucketPolicy"),
                (CadfAction, "read"),
                (TargetType, "s3/bucket"),
                (TargetName, "reports"),
                (Service, "s3.amazonaws.com"),
                (Outcome, "failure"),
                (ReasonType, "NoSuchBucketPolicy"),
            ],
            "bob tried to read bucket reports in s3 and failed (NoSuchBucketPolicy)",
        );
    }

    #[test]
    fn a_list_is_of_many_and_needs_no_name() {
        check(
            &[
                (InitiatorName, "alice"),
                (Action, "read/list"),
                (CadfAction, "read/list"),
                (TargetType, "service/security/keymanager/secrets"),
                (TargetName, "barbican"),
                (TargetId, "barbican"),
                (Service, "barbican"),
                (Outcome, "success"),
            ],
            "alice listed secrets in barbican",
        );
        check(
            &[
                (InitiatorName, "alice"),
                (Action, "ListPolicies"),
                (CadfAction, "read/list"),
                (TargetType, "iam/policies"),
                (Service, "iam"),
                (Outcome, "success"),
            ],
            "alice listed policies in iam",
        );
    }

    #[test]
    fn what_is_only_known_by_its_kind_gets_an_article() {
        check(
            &[
                (InitiatorName, "bob"),
                (Action, "read"),
                (CadfAction, "read"),
                (TargetType, "service/security/keymanager/secrets/"),
                (TargetName, "barbican"),
                (TargetId, "barbican"),
                (Service, "barbican"),
                (Outcome, "pending"),
            ],
            "bob asked to read a secret in barbican",
        );
    }

    #[test]
    fn the_actions_own_verb_is_kept_where_it_says_more() {
        check(
            &[
                (InitiatorName, "svc-backup"),
                (Action, "kms.secrets.rotate"),
                (CadfAction, "update"),
                (TargetType, "kms/secrets"),
                (TargetName, "k1"),
                (Service, "kms"),
                (Outcome, "success"),
            ],
            "svc-backup rotated secret k1 in kms",
        );
        check(
            &[
                (InitiatorName, "carol"),
                (Action, "AssumeRole"),
                (CadfAction, "authenticate"),
                (TargetType, "iam/role"),
                (TargetName, "arn:aws:iam::000000000000:role/auditor"),
                (Service, "sts.amazonaws.com"),
                (Outcome, "success"),
            ],
            "carol assumed role auditor in sts",
        );
    }

    #[test]
    fn signing_in_is_told_as_people_say_it() {
        check(
            &[
                (InitiatorName, "bob"),
                (Action, "ConsoleLogin"),
                (CadfAction, "authenticate/login"),
                (Service, "signin.amazonaws.com"),
                (Outcome, "failure"),
                (ReasonText, "Failed authentication"),
            ],
            "bob tried to sign in to signin and failed (Failed authentication)",
        );
        check(
            &[
                (InitiatorName, "bob"),
                (Action, "user.logout"),
                (CadfAction, "authenticate/logout"),
                (Outcome, "success"),
            ],
            "bob signed out",
        );
        check(
            &[
                (InitiatorName, "dave"),
                (Action, "authenticate"),
                (CadfAction, "authenticate"),
                (Service, "service/security"),
                (Outcome, "success"),
            ],
            "dave authenticated to security",
        );
    }

    #[test]
    fn nobody_and_nothing_are_told_too() {
        check(
            &[
                (Action, "created.role_assignment"),
                (CadfAction, "create"),
                (TargetType, "service/security/account/user"),
                (TargetId, "b220b415-1ddc-500c-a765-5df621ed4e4b"),
                (Outcome, "success"),
            ],
            "someone (no initiator named) created role assignment b220b415…",
        );
        check(
            &[
                (InitiatorId, "usr-7"),
                (Action, "GetCallerIdentity"),
                (CadfAction, "read"),
                (Service, "sts.amazonaws.com"),
                (Outcome, "success"),
            ],
            "usr-7 called GetCallerIdentity in sts",
        );
        check(&[], "someone (no initiator named) called unknown, outcome not stated");
    }

    #[test]
    fn a_policy_of_a_user_is_no_user() {
        for (action, cadf_action, expected) in [
            ("AttachUserPolicy", "create", "alice attached a policy to user bob"),
            ("DetachUserPolicy", "delete", "alice detached a policy from user bob"),
            ("DeleteUserPolicy", "delete", "alice deleted a policy of user bob"),
            ("DeleteUser", "delete", "alice deleted user bob"),
        ] {
            let fields = [(InitiatorName, "alice"), (Action, action), (CadfAction, cadf_action)];
            let target = [(TargetType, "iam/user"), (TargetName, "bob"), (Outcome, "success")];
            check(&[&fields[..], &target[..]].concat(), expected);
        }
    }

    #[test]
    fn whose_rights_were_used_is_told() {
        let deed = [(Action, "delete"), (CadfAction, "delete"), (TargetName, "k17"), (Outcome, "success")];
        let taken = [(InitiatorName, "alice"), (Field::CredentialType, IMPERSONATION), (Field::CredentialId, "admin")];
        check(&[&deed[..], &taken[..]].concat(), "alice (as admin) deleted k17");
        let role = "arn:aws:sts::000000000000:assumed-role/auditor/s1";
        check(
            &[&deed[..], &[(InitiatorName, "alice"), (InitiatorId, role)]].concat(),
            "alice (as auditor/s1) deleted k17",
        );
        check(&[&deed[..], &[(InitiatorName, "auditor/s1"), (InitiatorId, role)]].concat(), "auditor/s1 deleted k17");
    }

    #[test]
    fn an_action_of_no_known_verb_is_quoted() {
        check(
            &[
                (InitiatorName, "erin"),
                (Action, "hook.frobnicate"),
                (CadfAction, "unknown"),
                (TargetName, "build"),
                (Outcome, "success"),
            ],
            "erin did “hook.frobnicate” on build",
        );
    }

    #[test]
    fn kinds_of_all_sources_become_nouns() {
        for (kind, expected) in [
            ("kms/secrets", "secret"),
            ("cloud-object-storage/bucket/acl", "bucket acl"),
            ("Microsoft.Compute/disks", "disk"),
            ("AWS::S3::Object", "object"),
            ("AppInstance", "app instance"),
            ("gce_firewall_rule", "gce firewall rule"),
            ("pods/exec", "pod exec"),
            ("data/security/project", "project"),
            ("iam/policies", "policy"),
            ("network/addresses", "address"),
            ("status", "status"),
        ] {
            assert_eq!(noun(kind).as_deref(), Some(expected), "{kind}");
        }
        assert_eq!(noun("//"), None);
    }

    #[test]
    fn a_sentence_is_one_line_and_never_long_without_end() {
        let mut fields = Fields::default();
        fields.set(InitiatorName, "a\nb\u{2028}".to_owned() + &"x".repeat(10_000));
        fields.set(Action, "y".repeat(10_000));
        let text = summary(&fields);
        assert!(!text.contains('\n') && text.chars().count() < 200, "{text}");
    }
}
