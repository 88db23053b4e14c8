//! The roles that every account has.

use super::{Permission, PermissionSet};
use Permission::{
    AccountEventsRead, AlertsManage, AlertsRead, AuditRead, EventsExport, EventsWrite, FindingsWrite, KeysManage,
    KeysRead, OwnActivityRead, RejectsRead, RulesManage, RulesRead, SettingsRead, SpaceEventsRead, UsersRead,
};

/// A role that every account has and nobody can change.
///
/// Manager, writer and reader are the service roles of Activity Tracker (seed 001): a reader sees the events of
/// spaces, a writer also sends and exports, a manager also handles keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BuiltInRole {
    /// Everything in the account.
    Administrator,
    /// Sees and exports all events and what could not be read; handles rules, exceptions and alerts.
    Analyst,
    /// Sees everything, the audit log and all settings included, and changes nothing.
    Auditor,
    /// Sees, sends and exports events; handles keys and alerts.
    Manager,
    /// Sees the events of spaces, sends and exports.
    Writer,
    /// Sees the events of spaces.
    Reader,
    /// Sees what was done in their own name.
    Member,
}

impl BuiltInRole {
    /// Every built-in role, from the one with most rights to the one with least.
    pub const ALL: [Self; 7] =
        [Self::Administrator, Self::Analyst, Self::Auditor, Self::Manager, Self::Writer, Self::Reader, Self::Member];

    /// The stable text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Analyst => "analyst",
            Self::Auditor => "auditor",
            Self::Manager => "manager",
            Self::Writer => "writer",
            Self::Reader => "reader",
            Self::Member => "member",
        }
    }

    /// The role with this text form.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// What it is for, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Administrator => "Everything in the account.",
            Self::Analyst => {
                "Sees and exports all events and what could not be read; handles rules, exceptions and alerts."
            }
            Self::Auditor => "Sees everything, the audit log and all settings included, and changes nothing.",
            Self::Manager => "Sees, sends and exports events; handles keys and alerts.",
            Self::Writer => "Sees the events of spaces, sends and exports.",
            Self::Reader => "Sees the events of spaces.",
            Self::Member => "Sees what was done in their own name.",
        }
    }

    /// What it permits.
    pub const fn permissions(self) -> PermissionSet {
        match self {
            Self::Administrator => PermissionSet::ALL,
            Self::Analyst => PermissionSet::of(&[
                OwnActivityRead,
                SpaceEventsRead,
                AccountEventsRead,
                EventsExport,
                RejectsRead,
                KeysRead,
                SettingsRead,
                RulesRead,
                RulesManage,
                AlertsRead,
                AlertsManage,
                FindingsWrite,
            ]),
            Self::Auditor => PermissionSet::of(&[
                OwnActivityRead,
                SpaceEventsRead,
                AccountEventsRead,
                EventsExport,
                RejectsRead,
                AuditRead,
                KeysRead,
                UsersRead,
                SettingsRead,
                RulesRead,
                AlertsRead,
            ]),
            Self::Manager => PermissionSet::of(&[
                OwnActivityRead,
                EventsWrite,
                SpaceEventsRead,
                AccountEventsRead,
                EventsExport,
                RejectsRead,
                KeysRead,
                KeysManage,
                SettingsRead,
                RulesRead,
                AlertsRead,
                AlertsManage,
                FindingsWrite,
            ]),
            Self::Writer => PermissionSet::of(&[OwnActivityRead, EventsWrite, SpaceEventsRead, EventsExport]),
            Self::Reader => PermissionSet::of(&[OwnActivityRead, SpaceEventsRead]),
            Self::Member => PermissionSet::of(&[OwnActivityRead]),
        }
    }
}

impl std::fmt::Display for BuiltInRole {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}
