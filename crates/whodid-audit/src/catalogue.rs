//! Everything that whodid tells of itself.

use whodid_model::Severity;

/// Whether a deed concerns how whodid is run or what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Settings, people, rights, keys.
    Management,
    /// Events, views, boards, alerts.
    Data,
}

macro_rules! deeds {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $object:literal $verb:literal $kind:ident $severity:ident; )*) => {
        /// Something that is done in or on whodid.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Deed { $( $(#[doc = $doc])+ $variant, )* }

        impl Deed {
            /// Everything there is to tell.
            pub const ALL: [Self; [$($object),*].len()] = [ $(Self::$variant),* ];

            /// The event's action: `whodid.<object>.<verb>`.
            pub fn action(self) -> &'static str {
                match self { $( Self::$variant => concat!("whodid.", $object, ".", $verb), )* }
            }

            /// What it is done to: `ingestion-key`.
            pub fn object(self) -> &'static str {
                match self { $( Self::$variant => $object, )* }
            }

            /// What is done: `create`.
            pub fn verb(self) -> &'static str {
                match self { $( Self::$variant => $verb, )* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$variant => concat!($($doc),+).trim_ascii(), )* }
            }

            /// Management or data.
            pub fn kind(self) -> Kind {
                match self { $( Self::$variant => Kind::$kind, )* }
            }

            /// How grave it is when it succeeds.
            pub fn severity(self) -> Severity {
                match self { $( Self::$variant => Severity::$severity, )* }
            }
        }
    };
}

deeds! {
    /// An account was made.
    AccountCreate = "account" "create" Management Warning;
    /// A setting of the account was changed, or a feature turned on or off.
    AccountUpdate = "account" "update" Management Warning;

    /// Somebody was invited.
    InvitationCreate = "invitation" "create" Management Warning;
    /// An invitation was accepted.
    InvitationAccept = "invitation" "accept" Management Warning;
    /// An invitation was taken back.
    InvitationDelete = "invitation" "delete" Management Normal;

    /// A user was made or joined the account.
    UserCreate = "user" "create" Management Warning;
    /// A user was changed.
    UserUpdate = "user" "update" Management Warning;
    /// A user was removed from the account.
    UserDelete = "user" "delete" Management Critical;
    /// A user may no longer sign in.
    UserDisable = "user" "disable" Management Warning;
    /// A user may sign in again.
    UserEnable = "user" "enable" Management Warning;
    /// Somebody tried to sign in.
    UserAuthenticate = "user" "authenticate" Management Normal;
    /// Signing in was suspended after too many failures.
    UserLock = "user" "lock" Management Critical;
    /// Signing in was allowed again before the time was over.
    UserUnlock = "user" "unlock" Management Warning;

    /// A one-time sign-in link was made.
    SignInLinkCreate = "sign-in-link" "create" Management Critical;
    /// A link for a new password was asked for or made.
    PasswordResetRequest = "password-reset" "request" Management Warning;
    /// A password was set by a reset link.
    PasswordResetCommit = "password-reset" "commit" Management Critical;
    /// A password was set or changed.
    PasswordUpdate = "password" "update" Management Warning;

    /// A second factor was set up.
    MfaEnable = "mfa" "enable" Management Warning;
    /// The recovery codes were made anew.
    MfaUpdate = "mfa" "update" Management Warning;
    /// A second factor was removed.
    MfaDisable = "mfa" "disable" Management Critical;
    /// A second factor was asked for and given or not given.
    MfaAuthenticate = "mfa" "authenticate" Management Normal;

    /// A session began.
    SessionCreate = "session" "create" Management Normal;
    /// A session was ended by its owner or an administrator.
    SessionDelete = "session" "delete" Management Normal;
    /// A session ended by itself: idle for too long, or too old.
    SessionExpire = "session" "expire" Management Normal;

    /// A group was made.
    GroupCreate = "group" "create" Management Warning;
    /// A group was changed, members included.
    GroupUpdate = "group" "update" Management Warning;
    /// A group was deleted.
    GroupDelete = "group" "delete" Management Warning;
    /// A role was made.
    RoleCreate = "role" "create" Management Warning;
    /// A role was changed.
    RoleUpdate = "role" "update" Management Critical;
    /// A role was deleted.
    RoleDelete = "role" "delete" Management Warning;
    /// A role was given to a user or a group.
    RoleBindingCreate = "role-binding" "create" Management Critical;
    /// A role was taken from a user or a group.
    RoleBindingDelete = "role-binding" "delete" Management Warning;

    /// An ingestion key was made.
    IngestionKeyCreate = "ingestion-key" "create" Management Critical;
    /// An ingestion key was renamed, or its scope or expiry changed.
    IngestionKeyUpdate = "ingestion-key" "update" Management Warning;
    /// An ingestion key got a successor, and works on for an overlap.
    IngestionKeyRotate = "ingestion-key" "rotate" Management Warning;
    /// An ingestion key was revoked.
    IngestionKeyDelete = "ingestion-key" "delete" Management Critical;
    /// A service key was made.
    ServiceKeyCreate = "service-key" "create" Management Critical;
    /// A service key was renamed, or its scope or expiry changed.
    ServiceKeyUpdate = "service-key" "update" Management Warning;
    /// A service key got a successor, and works on for an overlap.
    ServiceKeyRotate = "service-key" "rotate" Management Warning;
    /// A service key was revoked.
    ServiceKeyDelete = "service-key" "delete" Management Critical;
    /// A personal token was made.
    PersonalTokenCreate = "personal-token" "create" Management Critical;
    /// A personal token was renamed, or its scope or expiry changed.
    PersonalTokenUpdate = "personal-token" "update" Management Warning;
    /// A personal token got a successor, and works on for an overlap.
    PersonalTokenRotate = "personal-token" "rotate" Management Warning;
    /// A personal token was revoked.
    PersonalTokenDelete = "personal-token" "delete" Management Critical;

    /// Events were searched or counted.
    EventSearch = "event" "search" Data Normal;
    /// One event was looked at.
    EventRead = "event" "read" Data Normal;
    /// Events were followed as they came.
    EventMonitor = "event" "monitor" Data Normal;
    /// Events were taken away as a file.
    EventExport = "event" "export" Data Warning;
    /// Events were asked about by SQL.
    EventQuery = "event" "query" Data Normal;
    /// A request with events was refused as a whole.
    EventSend = "event" "send" Data Normal;
    /// What could not be read was looked at.
    RejectRead = "reject" "read" Data Normal;
    /// The audit log was opened.
    AuditLogRead = "audit-log" "read" Data Normal;
    /// Somebody looked at their own activity.
    OwnActivityRead = "own-activity" "read" Data Normal;
    /// Somebody took their own activity away as a file.
    OwnActivityExport = "own-activity" "export" Data Normal;
    /// Somebody said of an event in their name that it was not them.
    OwnActivityNotify = "own-activity" "notify" Management Critical;
    /// Who may see what was taken away as a file.
    AccessReviewExport = "access-review" "export" Management Normal;
    /// Something was found that people should look at.
    FindingCreate = "finding" "create" Data Warning;

    /// A rule was made.
    RuleCreate = "rule" "create" Management Warning;
    /// A rule, or its tuning, was changed.
    RuleUpdate = "rule" "update" Management Warning;
    /// A rule was deleted.
    RuleDelete = "rule" "delete" Management Critical;
    /// A rule was switched on.
    RuleEnable = "rule" "enable" Management Warning;
    /// A rule was switched off.
    RuleDisable = "rule" "disable" Management Critical;
    /// A rule that is on cannot be used as it stands, and finds nothing any more.
    RuleStop = "rule" "stop" Management Critical;
    /// A rule was tried on stored events.
    RuleEvaluate = "rule" "evaluate" Data Normal;
    /// A rule package was installed.
    PackageCreate = "package" "create" Management Warning;
    /// A rule package was upgraded, or its variables changed.
    PackageUpdate = "package" "update" Management Warning;
    /// A rule package was removed.
    PackageDelete = "package" "delete" Management Critical;
    /// A rule package was switched on.
    PackageEnable = "package" "enable" Management Warning;
    /// A rule package was switched off.
    PackageDisable = "package" "disable" Management Critical;
    /// An exception was made: what a rule no longer tells.
    ExceptionCreate = "exception" "create" Management Critical;
    /// An exception was changed.
    ExceptionUpdate = "exception" "update" Management Critical;
    /// An exception was deleted.
    ExceptionDelete = "exception" "delete" Management Warning;
    /// A channel was made.
    ChannelCreate = "channel" "create" Management Warning;
    /// A channel was changed.
    ChannelUpdate = "channel" "update" Management Warning;
    /// A channel was switched on.
    ChannelEnable = "channel" "enable" Management Warning;
    /// A channel was switched off.
    ChannelDisable = "channel" "disable" Management Critical;
    /// A channel was deleted.
    ChannelDelete = "channel" "delete" Management Critical;
    /// A test was sent to a channel.
    ChannelSend = "channel" "send" Management Normal;
    /// A channel was to be told of an alert; told only of what was given up.
    ChannelNotify = "channel" "notify" Management Normal;
    /// An alert on a view, or a preset, was made.
    AlertCreate = "alert" "create" Data Normal;
    /// An alert on a view, or a preset, was changed.
    AlertUpdate = "alert" "update" Data Normal;
    /// An alert on a view, or a preset, was deleted.
    AlertDelete = "alert" "delete" Data Warning;
    /// Alerts were looked at.
    AlertRead = "alert" "read" Data Normal;
    /// Somebody took an alert on.
    AlertAcknowledge = "alert" "ack" Data Normal;
    /// An alert was given to somebody.
    AlertAssign = "alert" "assign" Data Normal;
    /// Something was written to an alert.
    AlertNote = "alert" "write" Data Normal;
    /// An alert was resolved.
    AlertResolve = "alert" "end" Data Normal;
    /// A resolved alert was opened again.
    AlertReopen = "alert" "start" Data Normal;
    /// An alert was silenced for a time, or told again.
    AlertSilence = "alert" "pause" Data Warning;
    /// A silence was made: alerts that nobody is told of.
    SilenceCreate = "silence" "create" Management Critical;
    /// A silence was ended.
    SilenceDelete = "silence" "delete" Management Warning;
    /// Insights were looked at.
    InsightRead = "insight" "read" Data Normal;
    /// An insight was called expected or useful, or that was taken back.
    InsightWrite = "insight" "write" Data Normal;
    /// How insights are made was changed: kinds, sensitivity.
    InsightConfigure = "insight" "configure" Management Critical;
    /// It was said what insights are expected from now on: they are told to nobody.
    InsightExceptionCreate = "insight-exception" "create" Management Critical;
    /// Insights are no longer expected.
    InsightExceptionDelete = "insight-exception" "delete" Management Warning;
    /// A note or card of the findings was made.
    FindingNoteCreate = "finding-note" "create" Data Normal;
    /// A note or card of the findings was changed.
    FindingNoteUpdate = "finding-note" "update" Data Normal;
    /// A note or card of the findings was deleted.
    FindingNoteDelete = "finding-note" "delete" Data Warning;
    /// A finding was changed.
    FindingUpdate = "finding" "update" Data Normal;
    /// A finding was taken back.
    FindingDelete = "finding" "delete" Data Warning;

    /// Days of stored events were asked to be removed.
    EventDelete = "event" "delete" Data Critical;
    /// A session for downloading events was made.
    DownloadSessionCreate = "download-session" "create" Data Normal;
    /// A session for downloading events was deleted.
    DownloadSessionDelete = "download-session" "delete" Data Normal;
    /// How long events are kept was changed.
    RetentionUpdate = "retention" "update" Management Critical;
    /// The metadata was written to a backup.
    BackupCreate = "backup" "create" Management Warning;
    /// The metadata was brought back from a backup.
    BackupRestore = "backup" "restore" Management Critical;
}

impl Deed {
    /// The deed with this action.
    pub fn named(action: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.action() == action)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_unique_and_of_one_form() {
        let mut seen = std::collections::BTreeSet::new();
        for deed in Deed::ALL {
            assert!(seen.insert(deed.action()), "{} stands twice", deed.action());
            assert_eq!(Deed::named(deed.action()), Some(deed));
            let fits = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(fits(deed.object()) && fits(deed.verb()), "{}", deed.action());
        }
    }

    #[test]
    fn every_verb_is_one_that_the_action_taxonomy_knows() {
        for deed in Deed::ALL {
            assert!(
                whodid_model::taxonomy::cadf_action_of_verb(deed.verb()).is_some(),
                "{}: the strict CADF form would say `unknown`",
                deed.action()
            );
        }
    }
}
