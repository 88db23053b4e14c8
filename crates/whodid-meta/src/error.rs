//! What can go wrong with the metadata.

use std::path::PathBuf;
use std::sync::Arc;

/// The metadata cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    /// The database cannot be made or opened.
    #[error("cannot open {place}")]
    Open {
        /// The file, or the server without its password.
        place: String,
        /// Why.
        source: sqlx::Error,
    },
    /// Another server serves from the store.
    #[error(
        "another whodid server runs on {place}; end it first, commands may run beside it. One that is gone with its \
             machine lets go within a minute"
    )]
    Served {
        /// The file, or the server without its password.
        place: String,
    },
    /// A file or its folder cannot be made.
    #[error("cannot create {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file with the key for second factors is not one, or is not the one that the metadata or a backup goes with,
    /// or is missing where they go with one.
    #[error("{} {why}", path.display())]
    SecretsKey {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: &'static str,
    },
    /// The tables were written by a newer whodid.
    #[error("{place} has schema version {found}, this whodid knows {known}; start a newer whodid")]
    Newer {
        /// The file or server.
        place: String,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// A statement failed: disk full, locked for too long, file damaged, server gone.
    #[error("{doing} failed in the metadata")]
    Statement {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// Something stands in the tables that whodid does not write.
    #[error("the metadata holds what whodid does not write: {what}")]
    Damaged {
        /// What it is.
        what: &'static str,
    },
    /// Too many audit events wait to be stored. What cannot be audited is refused; nothing was changed.
    #[error("{waiting} audit events wait to be stored; nothing is changed until they are")]
    AuditBehind {
        /// How many.
        waiting: i64,
    },
    /// What was sealed cannot be opened: the key is another.
    #[error("what was sealed does not open: the key file is another one")]
    Sealed,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random(#[from] getrandom::Error),
    /// The same look failed for others too.
    #[error(transparent)]
    Shared(Arc<MetaError>),
}

impl MetaError {
    /// For `map_err`: the statement that was being run.
    pub(crate) fn doing(doing: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Statement { doing, source }
    }

    /// True when another try may help: another process holds the file, the disk is full, the server is not
    /// there, or audit events wait.
    pub fn is_passing(&self) -> bool {
        let source = match self {
            Self::AuditBehind { .. } => return true,
            Self::Shared(error) => return error.is_passing(),
            Self::Statement { source, .. } => source,
            _ => return false,
        };
        match source {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) => true,
            sqlx::Error::Database(source) => source.code().is_some_and(|code| {
                // PostgreSQL's classes: connection, resources, rollback, a lock that was waited for too long, shutdown and
                // statements cut off (57014); and the code of a transaction that did nothing for too long. They have
                // five characters.
                if code.len() == 5 {
                    return ["08", "53", "40", "55", "57", "25P03"].iter().any(|class| code.starts_with(class));
                }
                // SQLite's primary result codes 5 (busy), 6 (locked) and 13 (full).
                matches!(code.parse::<i32>().map(|code| code & 0xff), Ok(5 | 6 | 13))
            }),
            _ => false,
        }
    }
}

/// Why a change was refused. Nothing was changed, and nothing recorded.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such thing, or it belongs to somebody else; the two must not be told apart.
    #[error("there is no such {what}")]
    NotThere {
        /// Kind of thing: `user`.
        what: &'static str,
    },
    /// Somebody changed it since it was read.
    #[error("this {what} was changed meanwhile; read it again")]
    Stale {
        /// Kind of thing.
        what: &'static str,
    },
    /// The name is in use.
    #[error("this {what} name is in use")]
    Taken {
        /// Kind of thing.
        what: &'static str,
    },
    /// A value does not fit.
    #[error("{member}: {why}")]
    Invalid {
        /// Which value: `display_name`.
        member: &'static str,
        /// What it must be.
        why: String,
    },
    /// The account would have no user left who is its administrator, enabled, and can sign in.
    #[error("account {account} would be left without an administrator who can sign in")]
    LastAdministrator {
        /// Which account.
        account: whodid_model::AccountName,
    },
    /// Nobody would be left who makes accounts and looks after the installation.
    #[error("the installation would be left without an operator")]
    LastOperator,
    /// Only administrators of the user's home account may do this.
    #[error("only the user's home account may do this")]
    NotHome,
    /// The role is bound.
    #[error("the role is bound {bindings} times; take these bindings away first")]
    RoleInUse {
        /// How often.
        bindings: i64,
    },
    /// As many active keys of this kind as the account allows.
    #[error("there are {max} active keys of this kind already; revoke one, or raise `keys_max`")]
    KeyLimit {
        /// How many are allowed.
        max: i64,
    },
    /// As many things of this kind as are kept.
    #[error("there are {max} of these already; delete one first")]
    TooMany {
        /// How many are allowed.
        max: i64,
    },
    /// It is larger than such a thing may be.
    #[error("this {what} has {bytes} bytes as JSON; at most {max} are kept")]
    TooLarge {
        /// Kind of thing.
        what: &'static str,
        /// How many it has.
        bytes: usize,
        /// How many are allowed.
        max: usize,
    },
    /// As many bytes of this kind as an account may keep.
    #[error("all of this kind ({what}) together would have more than {max} bytes; delete some first")]
    Full {
        /// Kind of thing.
        what: &'static str,
        /// How many are allowed.
        max: i64,
    },
    /// The user is a member of the account already.
    #[error("this user is a member already")]
    AlreadyMember,
    /// It is so already, such as a second factor that is set up.
    #[error("{what} already")]
    Already {
        /// What is so.
        what: &'static str,
    },
    /// The key was revoked or has expired.
    #[error("the key was revoked or has expired")]
    KeyEnded,
    /// The code is wrong, or was used before.
    #[error("the code is wrong or was used before")]
    WrongCode,
    /// The metadata cannot be read or written.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

impl ChangeError {
    pub(crate) fn invalid(member: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { member, why: why.into() }
    }
}

impl From<getrandom::Error> for ChangeError {
    fn from(source: getrandom::Error) -> Self {
        Self::Meta(source.into())
    }
}
