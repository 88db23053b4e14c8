//! What operators configure and who they are: accounts, users, rights, keys, sessions, second factors.
//!
//! One SQLite file, or a PostgreSQL database, shared by every process of the installation. Promises:
//!
//! - No secret is stored that need not be read again: of random texts SHA-256 hashes, of passwords argon2id hashes.
//!   What must be read again (second factors) is sealed under a key that lies elsewhere.
//! - A one-time link, code or invitation works once, whoever races.
//! - A key or session costs no query per request, and yet its end acts within [`STALE_MS_MAX`] milliseconds, also
//!   when another process ended it.
//! - Nothing changes without its record: each change writes its audit event to the outbox in the same transaction,
//!   and is refused when the outbox is full. Noting a use, and what is only under way (a challenge), is no
//!   change.
//! - An account keeps an administrator who can sign in.
//!
//! Who may do what is decided by the caller ([`whodid_model::access::decide`]); here is only kept what every caller
//! must keep, such as that only the home account looks after a user. Time comes in as an argument. A secret has no
//! `Display` and its `Debug` shows nothing. Decided in `docs/adr/0007-sqlite-meta.md`.

mod accounts;
mod alerts;
mod backup;
mod bindings;
mod cache;
mod claim;
mod deliveries;
mod documents;
mod downloads;
mod error;
mod groups;
mod installation;
mod invitations;
mod key_check;
mod keys;
mod links;
mod lockout;
mod maintain;
mod mfa;
mod oidc;
mod outbox;
mod own;
mod password;
mod people;
mod review;
mod roles;
mod schema;
mod secret;
mod sessions;
mod settings;
mod sign_in;
mod sql;
mod store;
mod text;
mod totp;
mod user_changes;
mod users;
mod vault;
mod write;

pub use accounts::Account;
pub use alerts::{AlertCounts, AlertFilter, AlertRow};
pub use backup::{BACKUP_FORMAT, BackupError};
pub use bindings::{BINDINGS_MAX, Binding, NewBinding, Origin, RoleGrant, Subject};
pub use cache::STALE_MS_MAX;
pub use claim::ServerClaim;
pub use deliveries::{DeliveryRow, DeliveryState};
pub use documents::{
    DOCUMENTS_MAX, Document, DocumentChange, DocumentKind, DocumentVersion, Expected, REPORTED_BYTES_MAX,
    REPORTED_BYTES_MAX_OF_ACCOUNT,
};
pub use downloads::{DOWNLOAD_SESSIONS_MAX, DownloadPlan, DownloadSession, RETENTION_DAYS_MAX, RETENTION_FOREVER};
pub use error::{ChangeError, MetaError};
pub use groups::{GROUPS_MAX, Group, GroupChange};
pub use invitations::{Accept, INVITATION_VALID_MICROS, INVITATIONS_MAX, Invitation, Invite};
pub use key_check::{Authenticated, KeyError};
pub use keys::{KEY_NAME_CHARS_MAX, Key, KeyChange, KeyKind, KeyPlan, KeyScope, NewKey, OVERLAP_MICROS_MAX};
pub use links::{LINK_VALID_MICROS, Link, LinkError, LinkInfo, LinkKind};
pub use lockout::{FAILURES_MAX, Failures, LOCKED_MICROS, Lockout, WINDOW_MICROS};
pub use mfa::{
    Answer, Answered, CHALLENGE_TRIES_MAX, CHALLENGE_VALID_MICROS, CHALLENGES_MAX, ChallengeError, FactorCheck,
    RECOVERY_CODES, TotpSetup,
};
pub use oidc::OidcUser;
pub use outbox::{OUTBOX_MAX, OUTBOX_MAX_OF_ACCOUNT, Outgoing};
pub use own::{LastSignIn, NotMe};
pub use password::{HashedPassword, PASSWORD_BYTES_MAX, PasswordError, check_password, hash_password, verify_password};
pub use review::{AccessReview, ReviewedRole, ReviewedUser};
pub use roles::{ROLES_MAX, Role, RoleChange};
pub use secret::Secret;
pub use sessions::{Device, Method, Need, NewSession, SESSIONS_MAX, Session, SessionError, SessionView, UserSummary};
pub use settings::{AccountChange, Settings};
pub use sign_in::Credentials;
pub use store::{InitializeError, Initialized, Limits, Look, Meta, MetaLocation};
pub use text::{LABEL_CHARS_MAX, USER_NAME_CHARS_MAX};
pub use user_changes::ALSO_KNOWN_AS_MAX;
pub use users::{Source, User, UserChange, UserRole, UserView};
