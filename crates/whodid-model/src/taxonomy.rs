//! Closed sets of CADF and of the Activity Tracker profile: outcome, severity, access, actions.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

macro_rules! closed_set {
    ($(#[$doc:meta])* $type:ident { $( $(#[$vdoc:meta])* $variant:ident = $text:literal ),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $type { $( $(#[$vdoc])* #[serde(rename = $text)] $variant ),* }

        impl $type {
            /// Every member.
            pub const ALL: [Self; [$($text),*].len()] = [ $(Self::$variant),* ];

            /// The text form, as stored and as searched.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text ),* }
            }

            /// Reads the text form, whatever its case; `None` when it is no member.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|member| member.as_str().eq_ignore_ascii_case(text))
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.as_str())
            }
        }
    };
}

closed_set!(
    /// How it ended (CADF 1.0 outcome taxonomy).
    Outcome {
        /// It was done.
        Success = "success",
        /// It was refused or went wrong.
        Failure = "failure",
        /// It was asked for; another event tells the end.
        Pending = "pending",
        /// The source does not say.
        Unknown = "unknown",
    }
);

closed_set!(
    /// How much it matters (Activity Tracker profile).
    Severity {
        /// Routine.
        Normal = "normal",
        /// A failure, or a change of a resource.
        Warning = "warning",
        /// Affects security, or was not authorised.
        Critical = "critical",
    }
);

closed_set!(
    /// Whether anything could have changed.
    Access {
        /// Looked only.
        Read = "read",
        /// Could have changed something; also when it is not known.
        Write = "write",
    }
);

/// The CADF action taxonomy (DSP0262 1.0.0, as pycadf 4.1.0 lists it).
pub const CADF_ACTIONS: [&str; 29] = [
    "backup",
    "capture",
    "create",
    "configure",
    "read",
    "read/list",
    "update",
    "delete",
    "monitor",
    "start",
    "stop",
    "deploy",
    "undeploy",
    "enable",
    "disable",
    "send",
    "receive",
    "authenticate",
    "authenticate/login",
    "revoke",
    "renew",
    "restore",
    "evaluate",
    "allow",
    "deny",
    "notify",
    "unknown",
    "update/reboot",
    "authenticate/logout",
];

/// Verbs of the sources, in lower case, and the CADF action each stands for.
/// The first group is the union of the Activity Tracker's verb lists.
const VERBS: &[(&str, &str)] = &[
    ("activate", "enable"),
    ("add", "create"),
    ("allow", "allow"),
    ("apply", "update"),
    ("approve", "allow"),
    ("authenticate", "authenticate"),
    ("authorize", "allow"),
    ("backup", "backup"),
    ("build", "create"),
    ("bulkdelete", "delete"),
    ("capture", "capture"),
    ("clear", "delete"),
    ("commit", "update"),
    ("configure", "configure"),
    ("copy", "create"),
    ("create", "create"),
    ("delete", "delete"),
    ("deny", "deny"),
    ("deploy", "deploy"),
    ("disable", "disable"),
    ("edit", "update"),
    ("enable", "enable"),
    ("end", "stop"),
    ("evaluate", "evaluate"),
    ("expire", "disable"),
    ("export", "read"),
    ("failover", "update"),
    ("get", "read"),
    ("head", "read"),
    ("import", "create"),
    ("inspect", "read"),
    ("list", "read/list"),
    ("monitor", "monitor"),
    ("notify", "notify"),
    ("pause", "stop"),
    ("provision", "deploy"),
    ("publish", "send"),
    ("pull", "read"),
    ("push", "update"),
    ("read", "read"),
    ("reapprove", "allow"),
    ("receive", "receive"),
    ("refresh", "renew"),
    ("reimport", "update"),
    ("remove", "delete"),
    ("renew", "renew"),
    ("reset", "update"),
    ("restore", "restore"),
    ("resume", "start"),
    ("revoke", "revoke"),
    ("rewrap", "update"),
    ("rotate", "update"),
    ("send", "send"),
    ("set", "update"),
    ("split", "update"),
    ("start", "start"),
    ("stop", "stop"),
    ("undeploy", "undeploy"),
    ("unwrap", "read"),
    ("update", "update"),
    ("wrap", "read"),
    ("write", "update"),
    ("setkeyfordeletion", "update"),
    ("unsetkeyfordeletion", "update"),
    ("patch", "update"),
    ("purge", "delete"),
    ("request", "unknown"),
    ("default", "unknown"),
    ("ack", "update"),
    ("locate", "read/list"),
    ("destroy", "delete"),
    // Further verbs of the cloud and identity sources.
    ("accessed", "read"),
    ("ban", "deny"),
    ("command", "start"),
    ("connect", "start"),
    ("disconnect", "stop"),
    ("drop", "delete"),
    ("enroll", "create"),
    ("exec", "start"),
    ("execute", "start"),
    ("expand", "update"),
    ("link", "create"),
    ("mount", "enable"),
    ("preview", "read"),
    ("restrict", "deny"),
    ("trash", "delete"),
    ("unban", "allow"),
    ("undelete", "restore"),
    ("unenroll", "delete"),
    ("unlink", "delete"),
    ("unmount", "disable"),
    ("untrash", "restore"),
    ("accept", "allow"),
    ("assign", "create"),
    ("assume", "authenticate"),
    ("associate", "create"),
    ("attach", "create"),
    ("block", "deny"),
    ("cancel", "stop"),
    ("change", "update"),
    ("check", "read"),
    ("cordon", "update"),
    ("deactivate", "disable"),
    ("decrypt", "read"),
    ("deletecollection", "delete"),
    ("deregister", "delete"),
    ("describe", "read"),
    ("destroyed", "delete"),
    ("detach", "delete"),
    ("disassociate", "delete"),
    ("download", "read"),
    ("encrypt", "read"),
    ("generate", "create"),
    ("grant", "allow"),
    ("insert", "create"),
    ("install", "deploy"),
    ("invite", "create"),
    ("invoke", "start"),
    ("issue", "create"),
    ("join", "create"),
    ("leave", "delete"),
    ("lock", "disable"),
    ("login", "authenticate/login"),
    ("logout", "authenticate/logout"),
    ("logon", "authenticate/login"),
    ("logoff", "authenticate/logout"),
    ("lookup", "read/list"),
    ("merge", "update"),
    ("modify", "update"),
    ("move", "update"),
    ("new", "create"),
    ("post", "create"),
    ("put", "update"),
    ("query", "read/list"),
    ("reboot", "update/reboot"),
    ("register", "create"),
    ("reject", "deny"),
    ("release", "delete"),
    ("rename", "update"),
    ("replace", "update"),
    ("retire", "disable"),
    ("retrieve", "read"),
    ("run", "start"),
    ("scan", "read"),
    ("schedule", "update"),
    ("search", "read/list"),
    ("select", "read"),
    ("share", "allow"),
    ("sign", "update"),
    ("signin", "authenticate/login"),
    ("signout", "authenticate/logout"),
    ("suspend", "disable"),
    ("switch", "update"),
    ("tag", "update"),
    ("terminate", "delete"),
    ("test", "evaluate"),
    ("transfer", "update"),
    ("trigger", "start"),
    ("unassign", "delete"),
    ("unblock", "allow"),
    ("uninstall", "undeploy"),
    ("unlock", "enable"),
    ("unregister", "delete"),
    ("unshare", "deny"),
    ("unsuspend", "enable"),
    ("untag", "update"),
    ("upgrade", "update"),
    ("upload", "create"),
    ("use", "read"),
    ("validate", "evaluate"),
    ("verify", "evaluate"),
    ("view", "read"),
    ("watch", "read"),
];

/// The CADF action of a source's verb: `setKeyForDeletion` → `update`, `created` → `create`,
/// `set-on` → `update`, `ack-delete` → `update`. `None` when the verb is not known.
pub fn cadf_action_of_verb(verb: &str) -> Option<&'static str> {
    let lower: Cow<'_, str> =
        if verb.bytes().any(|byte| byte.is_ascii_uppercase()) { verb.to_ascii_lowercase().into() } else { verb.into() };
    exact_verb(&lower)
        .or_else(|| lower.split_once(['-', '_']).and_then(|(head, _)| exact_verb(head)))
        .or_else(|| past_tense(&lower))
}

fn exact_verb(verb: &str) -> Option<&'static str> {
    VERBS.iter().find(|(known, _)| *known == verb).map(|(_, action)| *action)
}

fn past_tense(verb: &str) -> Option<&'static str> {
    let stem = verb.strip_suffix("ed")?;
    exact_verb(stem).or_else(|| exact_verb(&verb[..verb.len() - 1])).or_else(|| {
        stem.len().checked_sub(1).filter(|end| stem.is_char_boundary(*end)).and_then(|end| exact_verb(&stem[..end]))
    })
}

/// True for verbs that are as often the thing that another verb is done to: `delete shared link`.
pub fn is_noun_too(verb: &str) -> bool {
    matches!(verb, "command" | "drop" | "link" | "mount" | "preview" | "trash")
}

/// The CADF action at the front of a CamelCase operation: `DeleteTrail` → `delete`, `ConsoleLogin` →
/// `authenticate/login`, `GetObject` → `read`. `None` when no leading or closing word is a known verb.
pub fn cadf_action_of_operation(operation: &str) -> Option<&'static str> {
    let words = camel_words(operation);
    let first = words.first()?;
    let plural = operation.len() > first.len() && operation.ends_with('s');
    match exact_verb(&first.to_ascii_lowercase()) {
        Some("read") if plural && matches!(*first, "Describe" | "Get" | "describe" | "get") => Some("read/list"),
        Some(action) => Some(action),
        None => words.last().and_then(|word| cadf_action_of_verb(word)).or_else(|| cadf_action_of_verb(first)),
    }
}

fn camel_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    for (position, character) in text.char_indices().skip(1) {
        if character.is_ascii_uppercase() {
            words.push(&text[start..position]);
            start = position;
        }
    }
    words.push(&text[start..]);
    words
}

/// Whether a CADF action only looks. Unknown actions count as writes, so that nothing that could
/// have changed something hides among the reads.
pub fn access_of(cadf_action: &str) -> Access {
    match cadf_action {
        "read" | "read/list" | "monitor" | "evaluate" | "notify" | "receive" => Access::Read,
        _ => Access::Write,
    }
}

/// True when `action` is of the taxonomy or a child of a member (`update/reboot`).
pub fn is_cadf_action(action: &str) -> bool {
    CADF_ACTIONS
        .iter()
        .any(|known| action.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// The Activity Tracker's severity rules (severity is told by the status first, then by the action).
///
/// `status` is an HTTP status when the source gives one. Source: Activity Tracker event fields,
/// `severity`.
pub fn severity_of(outcome: Outcome, cadf_action: &str, status: Option<u16>) -> Severity {
    match status {
        Some(401 | 403 | 503 | 507) => return Severity::Critical,
        Some(400 | 409 | 424 | 500 | 502 | 504 | 505) => return Severity::Warning,
        _ => {}
    }
    if outcome == Outcome::Failure {
        return Severity::Warning;
    }
    match cadf_action.split('/').next().unwrap_or_default() {
        "delete" | "revoke" => Severity::Critical,
        "update" | "configure" | "enable" | "disable" | "deny" => Severity::Warning,
        _ => Severity::Normal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_of_all_sources_find_their_cadf_action() {
        for (verb, action) in [
            ("delete", "delete"),
            ("setKeyForDeletion", "update"),
            ("created", "create"),
            ("updated", "update"),
            ("disabled", "disable"),
            ("ack-delete", "update"),
            ("set-on", "update"),
            ("added", "create"),
            ("stopped", "stop"),
            ("remove_user", "delete"),
            ("PREVIEW", "read"),
            ("dropped", "delete"),
            ("undelete", "restore"),
            ("banned", "deny"),
        ] {
            assert_eq!(cadf_action_of_verb(verb), Some(action), "{verb}");
        }
        assert_eq!(cadf_action_of_verb("frobnicate"), None);
        assert_eq!(cadf_action_of_verb("ed"), None);
        assert_eq!(cadf_action_of_verb("éed"), None);
    }

    #[test]
    fn operations_are_told_by_their_first_word_or_their_last() {
        for (operation, action) in [
            ("DeleteTrail", "delete"),
            ("GetObject", "read"),
            ("DescribeInstances", "read/list"),
            ("ListBuckets", "read/list"),
            ("ConsoleLogin", "authenticate/login"),
            ("AssumeRole", "authenticate"),
            ("PutBucketPolicy", "update"),
            ("RunInstances", "start"),
            ("SharedSnapshotVolumeCreated", "create"),
            ("MailItemsAccessed", "read"),
            ("FileAccessed", "read"),
        ] {
            assert_eq!(cadf_action_of_operation(operation), Some(action), "{operation}");
        }
    }

    #[test]
    fn what_is_not_known_counts_as_a_write() {
        assert_eq!(access_of("unknown"), Access::Write);
        assert_eq!(access_of("read/list"), Access::Read);
    }

    #[test]
    fn the_status_outranks_the_action_in_severity() {
        assert_eq!(severity_of(Outcome::Failure, "read", Some(403)), Severity::Critical);
        assert_eq!(severity_of(Outcome::Failure, "delete", Some(409)), Severity::Warning);
        assert_eq!(severity_of(Outcome::Success, "delete", Some(204)), Severity::Critical);
        assert_eq!(severity_of(Outcome::Success, "read", Some(200)), Severity::Normal);
    }
}
