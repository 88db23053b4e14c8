//! What can be permitted, one by one.

use std::ops::{BitOr, BitOrAssign};

macro_rules! permissions {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $text:literal; )*) => {
        /// One thing that may be done. Roles are sets of these.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Permission { $( $(#[doc = $doc])+ $variant, )* }

        impl Permission {
            /// Every permission.
            pub const ALL: [Self; [$($text),*].len()] = [ $(Self::$variant),* ];

            /// The stable text form.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }

            /// What it lets somebody do, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$variant => concat!($($doc),+).trim_ascii(), )* }
            }
        }
    };
}

permissions! {
    /// Send events.
    EventsWrite = "events.write";
    /// Search, count and follow the events of spaces.
    SpaceEventsRead = "space-events.read";
    /// Search, count and follow the events of the account itself.
    AccountEventsRead = "account-events.read";
    /// See what was done in one's own name.
    OwnActivityRead = "own-activity.read";
    /// Take the events that one may see away as a file.
    EventsExport = "events.export";
    /// Remove events for good.
    EventsErase = "events.erase";
    /// Look at what could not be read.
    RejectsRead = "rejects.read";
    /// Read the audit log: what was done in and on whodid.
    AuditRead = "audit.read";
    /// List keys.
    KeysRead = "keys.read";
    /// Make, change, rotate and revoke keys.
    KeysManage = "keys.manage";
    /// List users, groups, roles, bindings and invitations.
    UsersRead = "users.read";
    /// Invite, change, disable and remove users; manage groups.
    UsersManage = "users.manage";
    /// Make roles and bind them to users and groups.
    RolesManage = "roles.manage";
    /// List and end other people's sessions.
    SessionsManage = "sessions.manage";
    /// Look at the settings of the account.
    SettingsRead = "settings.read";
    /// Change the settings of the account.
    SettingsManage = "settings.manage";
    /// Look at rules, packages, exceptions and channels.
    RulesRead = "rules.read";
    /// Make, change, switch and tune rules, packages and exceptions.
    RulesManage = "rules.manage";
    /// Look at alerts and findings of the whole account, at channels and at what they were told.
    AlertsRead = "alerts.read";
    /// Take alerts on, note, resolve and silence them.
    AlertsManage = "alerts.manage";
    /// Make and change channels, and send tests to them.
    ChannelsManage = "channels.manage";
    /// Write findings, notes and cards of one's own.
    FindingsWrite = "findings.write";
}

impl Permission {
    /// The permission with this text form.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == text)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl std::fmt::Display for Permission {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Some permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct PermissionSet(u32);

impl PermissionSet {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self((1 << Permission::ALL.len()) - 1);

    /// Exactly these.
    pub const fn of(permissions: &[Permission]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < permissions.len() {
            bits |= permissions[at].bit();
            at += 1;
        }
        Self(bits)
    }

    /// Whether it is among these.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether all of `others` are among these.
    pub const fn has_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that both hold.
    #[must_use]
    pub const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Each, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.has(*permission))
    }
}

impl BitOr for PermissionSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for PermissionSet {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, |set, one| set | Self(one.bit()))
    }
}

impl std::fmt::Debug for PermissionSet {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.iter().map(Permission::as_str)).finish()
    }
}
