//! Verbs about accounts, people, rights and keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ClientFlags, ServerFlags, at_least_one};

/// `accounts …`
#[derive(Debug, Subcommand)]
pub enum AccountsVerb {
    /// List accounts: your own, and all of the installation for its operators
    #[command(after_help = "Examples:\n  whodid accounts list\n  whodid accounts list --output json")]
    List {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Make an account; you become its first administrator. Operators only
    #[command(
        after_help = "Examples:\n  whodid accounts create acme --title 'Acme Corporation'\n  whodid accounts create acme --storage s3://acme-audit/whodid"
    )]
    Create {
        #[command(flatten)]
        client: ClientFlags,
        /// Its name: 1 to 63 of a-z, 0-9, - and _
        name: String,
        /// What people call it
        #[arg(long, env = "WHODID_ACCOUNT_TITLE")]
        title: Option<String>,
        /// A folder or s3://bucket/prefix of its own for its records
        #[arg(long, env = "WHODID_ACCOUNT_STORAGE")]
        storage: Option<String>,
    },
    /// Show the settings of an account
    #[command(
        after_help = "Examples:\n  whodid accounts settings\n  whodid accounts settings --account acme --output json"
    )]
    Settings {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Change settings of an account
    #[command(
        after_help = "Examples:\n  whodid accounts set mfa_required=true\n  whodid accounts set password_length_min=16 session_idle_minutes=60"
    )]
    Set {
        #[command(flatten)]
        client: ClientFlags,
        /// Settings as name=value; `whodid accounts settings` lists the names
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = setting)]
        settings: Vec<(String, serde_json::Value)>,
    },
}

/// A setting with the type that its value looks like.
fn setting(text: &str) -> Result<(String, serde_json::Value), String> {
    const SWITCHES: [&str; 4] = ["mfa_required", "password_sign_in", "audit_reads", "own_activity_report"];
    const NUMBERS: [&str; 6] = [
        "password_length_min",
        "session_idle_minutes",
        "session_absolute_minutes",
        "keys_max",
        "alert_escalation_minutes",
        "alert_reopen_hours",
    ];
    let (name, value) = text.split_once('=').ok_or("write name=value")?;
    if SWITCHES.contains(&name) && !matches!(value, "true" | "false") {
        return Err(format!("{name} is {value:?}; it must be true or false"));
    }
    if NUMBERS.contains(&name) && value.parse::<u64>().is_err() {
        return Err(format!("{name} is {value:?}; it must be a whole number"));
    }
    let value = match value {
        "true" => true.into(),
        "false" => false.into(),
        number if number.parse::<u64>().is_ok() => number.parse::<u64>().unwrap_or_default().into(),
        text => text.into(),
    };
    Ok((name.to_owned(), value))
}

/// A role to be given, with its limits.
#[derive(Debug, Clone, Args)]
pub struct RoleFlags {
    /// The role; `whodid roles list` names them
    #[arg(long, env = "WHODID_ROLE")]
    pub role: Option<String>,
    /// Only events of these spaces, with commas between
    #[arg(long, value_delimiter = ',', env = "WHODID_SPACES")]
    pub spaces: Vec<String>,
    /// Only events that this query matches
    #[arg(long, value_name = "QUERY", env = "WHODID_ONLY")]
    pub only: Option<String>,
}

/// `users …`
#[derive(Debug, Subcommand)]
pub enum UsersVerb {
    /// List the users of an account
    #[command(after_help = "Examples:\n  whodid users list\n  whodid users list --output csv")]
    List {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Show one user with roles and groups
    #[command(
        after_help = "Examples:\n  whodid users show bob@example.com\n  whodid users show k3v9x0a1b2c3 --output json"
    )]
    Show {
        #[command(flatten)]
        client: ClientFlags,
        /// Name or id
        user: String,
    },
    /// Invite somebody; prints the link to hand over, once
    #[command(
        after_help = "Examples:\n  whodid users invite eve@example.com --role reader\n  whodid users invite eve@example.com --role reader --only _platform:==kms --group 'key officers'"
    )]
    Invite {
        #[command(flatten)]
        client: ClientFlags,
        /// The name to sign in with, often an address
        name: String,
        /// Readable name
        #[arg(long, env = "WHODID_DISPLAY_NAME")]
        display_name: Option<String>,
        #[command(flatten)]
        role: RoleFlags,
        /// A group to join; may be given several times
        #[arg(long, env = "WHODID_GROUP")]
        group: Vec<String>,
    },
    /// List open invitations
    #[command(after_help = "Examples:\n  whodid users invitations\n  whodid users invitations --output json")]
    Invitations {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Take an invitation back
    #[command(
        after_help = "Examples:\n  whodid users uninvite 5k2m9qtx1c8d\n  whodid users uninvite 5k2m9qtx1c8d --account acme"
    )]
    Uninvite {
        #[command(flatten)]
        client: ClientFlags,
        /// The invitation's id
        id: String,
    },
    /// Change a user's readable name or the names that sources know the user by
    #[command(
        after_help = "Examples:\n  whodid users update bob@example.com --display-name 'Bob B.'\n  whodid users update bob@example.com --also-known-as IBMid-1,u-77"
    )]
    Update {
        #[command(flatten)]
        client: ClientFlags,
        /// Name or id
        user: String,
        /// Readable name
        #[arg(long, env = "WHODID_DISPLAY_NAME")]
        display_name: Option<String>,
        /// Ids and names that sources know the user by, with commas between, as a whole
        #[arg(long, value_delimiter = ',', env = "WHODID_ALSO_KNOWN_AS")]
        also_known_as: Option<Vec<String>>,
        /// Whether the user may make accounts and look after the installation; for operators
        #[arg(long, value_name = "true|false", env = "WHODID_OPERATOR")]
        operator: Option<bool>,
    },
    /// Forbid signing in; ends sessions and stops tokens
    #[command(after_help = "Examples:\n  whodid users disable bob@example.com\n  whodid users disable k3v9x0a1b2c3")]
    Disable(UserFlags),
    /// Allow signing in again
    #[command(after_help = "Examples:\n  whodid users enable bob@example.com\n  whodid users enable k3v9x0a1b2c3")]
    Enable(UserFlags),
    /// Allow signing in again before the time after failures is over
    #[command(after_help = "Examples:\n  whodid users unlock bob@example.com\n  whodid users unlock k3v9x0a1b2c3")]
    Unlock(UserFlags),
    /// Make a link for a new password; prints it once
    #[command(
        after_help = "Examples:\n  whodid users reset-password bob@example.com\n  whodid users reset-password bob@example.com --output json"
    )]
    ResetPassword(UserFlags),
    /// Remove the second factor, such as when the phone is lost; ends sessions
    #[command(
        after_help = "Examples:\n  whodid users remove-mfa bob@example.com\n  whodid users remove-mfa k3v9x0a1b2c3"
    )]
    RemoveMfa(UserFlags),
    /// End all sessions of a user
    #[command(
        after_help = "Examples:\n  whodid users end-sessions bob@example.com\n  whodid users end-sessions k3v9x0a1b2c3"
    )]
    EndSessions(UserFlags),
    /// Remove a user from the account
    #[command(after_help = "Examples:\n  whodid users remove bob@example.com\n  whodid users remove k3v9x0a1b2c3")]
    Remove(UserFlags),
}

/// A server and one of its users.
#[derive(Debug, Clone, Args)]
pub struct UserFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Name or id
    pub user: String,
}

/// `groups …`
#[derive(Debug, Subcommand)]
pub enum GroupsVerb {
    /// List groups with members and roles
    #[command(after_help = "Examples:\n  whodid groups list\n  whodid groups list --output json")]
    List {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Make a group
    #[command(
        after_help = "Examples:\n  whodid groups create 'key officers'\n  whodid groups create auditors --member eve@example.com"
    )]
    Create {
        #[command(flatten)]
        client: ClientFlags,
        /// Its name
        name: String,
        /// What it is for
        #[arg(long, env = "WHODID_DESCRIPTION")]
        description: Option<String>,
        /// A user's name or id; may be given several times
        #[arg(long, env = "WHODID_MEMBER")]
        member: Vec<String>,
    },
    /// Change a group or its members
    #[command(
        after_help = "Examples:\n  whodid groups update 'key officers' --add bob@example.com\n  whodid groups update auditors --remove eve@example.com --name reviewers"
    )]
    Update {
        #[command(flatten)]
        client: ClientFlags,
        /// Name or id
        group: String,
        /// Another name
        #[arg(long, env = "WHODID_GROUP_NAME")]
        name: Option<String>,
        /// What it is for
        #[arg(long, env = "WHODID_DESCRIPTION")]
        description: Option<String>,
        /// A user's name or id that joins; may be given several times
        #[arg(long, env = "WHODID_ADD")]
        add: Vec<String>,
        /// A user's name or id that leaves; may be given several times
        #[arg(long, env = "WHODID_REMOVE")]
        remove: Vec<String>,
    },
    /// Delete a group; its members lose what they had through it
    #[command(after_help = "Examples:\n  whodid groups delete 'key officers'\n  whodid groups delete 5k2m9qtx1c8d")]
    Delete {
        #[command(flatten)]
        client: ClientFlags,
        /// Name or id
        group: String,
    },
}

/// `roles …`
#[derive(Debug, Subcommand)]
pub enum RolesVerb {
    /// List roles with their permissions
    #[command(after_help = "Examples:\n  whodid roles list\n  whodid roles list --output json")]
    List {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Make a role from permissions
    #[command(
        after_help = "Examples:\n  whodid roles create key-auditor --permissions keys.read,audit.read\n  whodid roles create looker --permissions space-events.read --description 'sees, takes nothing away'"
    )]
    Create {
        #[command(flatten)]
        client: ClientFlags,
        /// Its name: 1 to 40 of a-z, 0-9 and -
        name: String,
        /// Permissions with commas between
        #[arg(long, required = true, value_delimiter = ',', env = "WHODID_PERMISSIONS")]
        permissions: Vec<String>,
        /// What it is for
        #[arg(long, env = "WHODID_DESCRIPTION")]
        description: Option<String>,
    },
    /// Change a role, at once for everybody who has it
    #[command(
        after_help = "Examples:\n  whodid roles update key-auditor --permissions keys.read\n  whodid roles update looker --description 'sees only'"
    )]
    Update {
        #[command(flatten)]
        client: ClientFlags,
        /// Its name
        name: String,
        /// Permissions with commas between, as a whole
        #[arg(long, value_delimiter = ',', env = "WHODID_PERMISSIONS")]
        permissions: Option<Vec<String>>,
        /// What it is for
        #[arg(long, env = "WHODID_DESCRIPTION")]
        description: Option<String>,
    },
    /// Delete a role that nobody has
    #[command(after_help = "Examples:\n  whodid roles delete key-auditor\n  whodid roles delete looker --account acme")]
    Delete {
        #[command(flatten)]
        client: ClientFlags,
        /// Its name
        name: String,
    },
    /// List who has which role
    #[command(after_help = "Examples:\n  whodid roles bindings\n  whodid roles bindings --output csv")]
    Bindings {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Give a role to a user or a group
    #[command(
        after_help = "Examples:\n  whodid roles give --role reader --user bob@example.com --only _platform:==kms\n  whodid roles give --role auditor --group auditors"
    )]
    Give {
        #[command(flatten)]
        client: ClientFlags,
        #[command(flatten)]
        role: RoleFlags,
        /// A user's name or id
        #[arg(long, env = "WHODID_USER", conflicts_with = "group")]
        user: Option<String>,
        /// A group's name or id
        #[arg(long, env = "WHODID_GROUP")]
        group: Option<String>,
    },
    /// Take a role away by the id of its binding
    #[command(
        after_help = "Examples:\n  whodid roles take 5k2m9qtx1c8d\n  whodid roles take 5k2m9qtx1c8d --account acme"
    )]
    Take {
        #[command(flatten)]
        client: ClientFlags,
        /// The binding's id; `whodid roles bindings` lists them
        id: String,
    },
}

/// `sessions …`
#[derive(Debug, Subcommand)]
pub enum SessionsVerb {
    /// List running sessions
    #[command(after_help = "Examples:\n  whodid sessions list\n  whodid sessions list --own --output json")]
    List {
        #[command(flatten)]
        client: ClientFlags,
        /// Only your own
        #[arg(long, env = "WHODID_OWN")]
        own: bool,
    },
    /// End a session
    #[command(after_help = "Examples:\n  whodid sessions end 5k2m9qtx1c8d\n  whodid sessions end 5k2m9qtx1c8d --own")]
    End {
        #[command(flatten)]
        client: ClientFlags,
        /// The session's id
        id: String,
        /// One of your own
        #[arg(long, env = "WHODID_OWN")]
        own: bool,
    },
}

/// `activity`: what was done in one's own name.
#[derive(Debug, Clone, Args)]
pub struct ActivityFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Query; everything when not given
    #[arg(default_value = "")]
    pub query: String,
    /// Start of the range: RFC 3339, `now-24h`, `24h` (that long ago) or `2 days ago`
    #[arg(long, visible_alias = "since", env = "WHODID_FROM")]
    pub from: Option<String>,
    /// End of the range, exclusive
    #[arg(long, visible_alias = "until", env = "WHODID_TO")]
    pub to: Option<String>,
    /// Most events to print
    #[arg(long, default_value_t = 100, value_parser = at_least_one, env = "WHODID_LIMIT")]
    pub limit: usize,
}

/// `tokens …`
#[derive(Debug, Subcommand)]
pub enum TokensVerb {
    /// List your personal tokens
    #[command(after_help = "Examples:\n  whodid tokens list\n  whodid tokens list --output json")]
    List {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Give a token of yours a successor; the old one works on for the overlap
    #[command(
        after_help = "Examples:\n  whodid tokens rotate 5k2m9qtx1c8d\n  whodid tokens rotate 5k2m9qtx1c8d --overlap 1h"
    )]
    Rotate {
        #[command(flatten)]
        client: ClientFlags,
        /// The token's id
        id: String,
        /// How long the old one works on
        #[arg(long, default_value = "24h", env = "WHODID_OVERLAP")]
        overlap: String,
    },
    /// Revoke a token of yours
    #[command(
        after_help = "Examples:\n  whodid tokens revoke 5k2m9qtx1c8d\n  whodid tokens revoke 5k2m9qtx1c8d --output json"
    )]
    Revoke {
        #[command(flatten)]
        client: ClientFlags,
        /// The token's id
        id: String,
    },
}

/// Flags of `backup` and `restore`.
#[derive(Debug, Clone, Args)]
pub struct BackupFlags {
    #[command(flatten)]
    pub server: ServerFlags,
    /// The backup; standard output or input when not given
    #[arg(long, value_name = "FILE", env = "WHODID_BACKUP_FILE")]
    pub file: Option<PathBuf>,
}
