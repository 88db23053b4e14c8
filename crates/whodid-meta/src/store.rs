//! The store itself: opening, the first content, closing.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use whodid_audit::Actor;
use whodid_model::access::BuiltInRole;
use whodid_model::time::MICROS_A_SECOND;
use whodid_model::{AccountName, Timestamp};

use crate::accounts::insert_account;
use crate::bindings::{NewBinding, Origin, Subject};
use crate::cache::Cache;
use crate::sql::{Db, Tx, args};
use crate::user_changes::NewUser;
use crate::users::{Source, load_user};
use crate::vault::Vault;
use crate::write::Write;
use crate::{ChangeError, KeyKind, KeyPlan, Link, MetaError, NewKey, User, schema, secret};

/// A statement waits this long for another process or a free connection.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections at once to SQLite; more would only wait for its one writer.
pub(crate) const SQLITE_CONNECTIONS_MAX: u32 = 4;
/// Connections at once to PostgreSQL, of each process.
const POSTGRES_CONNECTIONS_MAX: u32 = 8;
/// How long PostgreSQL lets a statement wait for a lock, a statement run, and a transaction do nothing: a process that
/// hangs or is cut off must not keep every other one from the one row that puts writers in line.
/// [`Tx::take_long`](crate::sql::Tx::take_long) lifts them for one transaction.
const POSTGRES_BOUNDS: [(&str, &str); 3] =
    [("lock_timeout", "5s"), ("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "60s")];

/// Where the metadata lies.
#[derive(Clone, PartialEq, Eq)]
pub enum MetaLocation {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database: `postgres://user:password@host/database`.
    Postgres(String),
}

impl MetaLocation {
    /// Whether people's data and password hashes may go over the network in clear: to a server on another machine,
    /// with an `sslmode` that does not insist on encryption, or none. For a warning at the start.
    pub fn is_unprotected(&self) -> bool {
        let Self::Postgres(url) = self else { return false };
        // What cannot be read is not connected to.
        let Ok(options) = PgConnectOptions::from_str(url) else { return false };
        let insists = match options.get_ssl_mode() {
            PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => false,
            PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => true,
        };
        !insists && options.get_socket().is_none() && !is_local(options.get_host())
    }
}

fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback())
}

impl std::fmt::Debug for MetaLocation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, out)
    }
}

/// Without the password.
impl std::fmt::Display for MetaLocation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(out, "{}", path.display()),
            Self::Postgres(url) => match PgConnectOptions::from_str(url) {
                Ok(options) => {
                    let database = options.get_database().unwrap_or_default();
                    write!(out, "postgres://{}:{}/{database}", options.get_host(), options.get_port())
                }
                Err(_) => out.write_str("the PostgreSQL address"),
            },
        }
    }
}

/// How long sessions last at most, whatever accounts allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Without a request, in microseconds.
    pub session_idle_micros: i64,
    /// In all, in microseconds.
    pub session_absolute_micros: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            session_idle_micros: 12 * 3600 * MICROS_A_SECOND,
            session_absolute_micros: 7 * 24 * 3600 * MICROS_A_SECOND,
        }
    }
}

/// The metadata of one installation.
#[derive(Debug)]
pub struct Meta {
    db: Db,
    writers: std::sync::Arc<tokio::sync::Mutex<()>>,
    cache: Cache,
    vault: Vault,
    limits: Limits,
    location: MetaLocation,
    has_told: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

/// What [`Meta::initialize`] made; the only place that ever holds these secrets.
#[derive(Debug)]
pub struct Initialized {
    /// The first account.
    pub account: AccountName,
    /// The first administrator, who is the operator too.
    pub user: User,
    /// The administrator's first sign-in.
    pub link: Link,
    /// May send events.
    pub ingestion_key: NewKey,
    /// May read and export.
    pub service_key: NewKey,
    /// May do what the administrator may.
    pub admin_token: NewKey,
}

/// What is found in a file without changing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// SQLite's own check of the file: `None` when it is sound, else what it found.
    pub damage: Option<String>,
    /// The installation's random id; `None` before it was initialised.
    pub installation: Option<String>,
    /// Whether the next start brings the tables up to date.
    pub is_older: bool,
}

/// Why the first content was not made.
#[derive(Debug, thiserror::Error)]
pub enum InitializeError {
    /// It is there already; nothing was changed.
    #[error("this installation is already initialised")]
    Already,
    /// The metadata cannot be written.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

/// Connects, also when another process makes the same file at this moment: SQLite does not wait for a lock while it
/// changes how a file is journaled.
async fn connect_sqlite(options: SqliteConnectOptions) -> Result<sqlx::SqlitePool, sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(20);
    let until = std::time::Instant::now() + BUSY_TIMEOUT;
    loop {
        let pool = SqlitePoolOptions::new().max_connections(SQLITE_CONNECTIONS_MAX).acquire_timeout(BUSY_TIMEOUT);
        match pool.connect_with(options.clone()).await {
            Err(sqlx::Error::Database(error))
                if matches!(error.code().as_deref(), Some("5" | "261" | "517"))
                    && std::time::Instant::now() < until =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            connected => return connected,
        }
    }
}

impl Meta {
    /// Opens the store, or makes it, and brings its tables up to date. A file is readable by its owner only.
    /// `secrets_key`: the file with the key that seals second factors; made when it is missing and no installation goes
    /// with one yet. Another key than that of the installation is refused ([`MetaError::SecretsKey`]).
    pub async fn open(location: &MetaLocation, secrets_key: &Path, limits: Limits) -> Result<Self, MetaError> {
        let failed = |source| MetaError::Open { place: location.to_string(), source };
        let db = match location {
            MetaLocation::File(path) => {
                create_private(path).map_err(|source| MetaError::Create { path: path.clone(), source })?;
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(BUSY_TIMEOUT)
                    .disable_statement_logging();
                Db::Sqlite(connect_sqlite(options).await.map_err(failed)?)
            }
            MetaLocation::Postgres(url) => {
                let options = PgConnectOptions::from_str(url).map_err(failed)?;
                let options = options.options(POSTGRES_BOUNDS).disable_statement_logging();
                let pool = PgPoolOptions::new()
                    .max_connections(POSTGRES_CONNECTIONS_MAX)
                    .acquire_timeout(BUSY_TIMEOUT)
                    .connect_with(options);
                Db::Postgres(pool.await.map_err(failed)?)
            }
        };
        schema::migrate(&db, &location.to_string()).await?;
        let vault = Vault::open(&db, secrets_key).await?;
        Ok(Self {
            db,
            writers: std::sync::Arc::default(),
            cache: Cache::default(),
            vault,
            limits,
            has_told: std::sync::Arc::default(),
            location: location.clone(),
        })
    }

    /// Looks into a file, which may be in use, and changes nothing: no table is made or brought up to date.
    pub async fn look(path: &Path) -> Result<Look, MetaError> {
        let place = path.display().to_string();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .create_if_missing(false)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
        let db = Db::Sqlite(pool.map_err(|source| MetaError::Open { place: place.clone(), source })?);
        let looked = look_into(&db, place).await;
        db.close().await;
        looked
    }

    /// Makes the account `default`, an administrator with a one-time link, and one key of each kind.
    /// All or nothing; of two processes one succeeds.
    pub async fn initialize(&self, by: &Actor, now: Timestamp) -> Result<Initialized, InitializeError> {
        let mut write = self.write(by, now).await?;
        let First { account, user, link } = first(&mut write).await?;
        let mut make = async |plan: KeyPlan| write.create_key(&account, &plan).await.map_err(unexpected);
        let ingestion_key = make(KeyPlan::new(KeyKind::Ingestion, "first ingestion key")).await?;
        let service_key = make(KeyPlan::new(KeyKind::Service, "first service key")).await?;
        let admin_token = make(KeyPlan::personal(user.id.as_str(), "first administrator token")).await?;
        write.commit().await?;
        Ok(Initialized { account, user, link, ingestion_key, service_key, admin_token })
    }

    /// The same without keys, for when nobody would see them: only the administrator's one-time link.
    pub async fn initialize_without_keys(&self, by: &Actor, now: Timestamp) -> Result<Link, InitializeError> {
        let mut write = self.write(by, now).await?;
        let First { link, .. } = first(&mut write).await?;
        write.commit().await?;
        Ok(link)
    }

    /// The installation's random id; `None` before [`Meta::initialize`].
    pub async fn installation(&self) -> Result<Option<String>, MetaError> {
        let row = self.db.row("reading the installation", "SELECT id FROM installation", args![]).await?;
        row.map(|row| row.text(0)).transpose()
    }

    /// SQLite's own check of the file: `None` when it is sound, else what it found. PostgreSQL checks itself.
    pub async fn damage(&self) -> Result<Option<String>, MetaError> {
        match self.db {
            Db::Sqlite(_) => damage(&self.db).await,
            Db::Postgres(_) => Ok(None),
        }
    }

    /// Where the metadata lies.
    pub fn location(&self) -> &MetaLocation {
        &self.location
    }

    /// Writes what is buffered and closes every connection.
    pub async fn close(self, now: Timestamp) -> Result<(), MetaError> {
        let written = self.maintain_last(now).await;
        self.db.close().await;
        written
    }

    pub(crate) async fn read(&self) -> Result<Tx, MetaError> {
        self.db.begin_read().await
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) fn has_told_flag(&self) -> &std::sync::atomic::AtomicBool {
        &self.has_told
    }

    /// After a commit: whether something was recorded with it.
    pub(crate) fn noted(&self, has_told: bool) {
        if has_told {
            self.has_told.store(true, std::sync::atomic::Ordering::Release);
        }
    }

    pub(crate) fn writers(&self) -> std::sync::Arc<tokio::sync::Mutex<()>> {
        self.writers.clone()
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }
}

async fn look_into(db: &Db, place: String) -> Result<Look, MetaError> {
    let version = db.row("looking into the file", "PRAGMA user_version", args![]).await?;
    let version = version.map_or(Ok(0), |row| row.int(0))?;
    if version > schema::VERSION {
        return Err(MetaError::Newer { place, found: version, known: schema::VERSION });
    }
    let damage = damage(db).await?;
    let installation = if version == 0 {
        None
    } else {
        let row = db.row("looking into the file", "SELECT id FROM installation", args![]).await?;
        row.map(|row| row.text(0)).transpose()?
    };
    Ok(Look { damage, installation, is_older: version < schema::VERSION })
}

async fn damage(db: &Db) -> Result<Option<String>, MetaError> {
    let row = db.row("checking the file", "PRAGMA quick_check(1)", args![]).await?;
    let text = row.map_or(Ok(String::new()), |row| row.text(0))?;
    Ok((text != "ok").then_some(text))
}

/// The first account and the first administrator with a link.
struct First {
    account: AccountName,
    user: User,
    link: Link,
}

async fn first(write: &mut Write<'_>) -> Result<First, InitializeError> {
    // Of two servers that have made a key each, one is the installation's.
    write.guard_key().await?;
    let account = AccountName::default_account();
    let installation = secret::random_id().map_err(MetaError::from)?;
    let insert = "INSERT INTO installation (\"only\", id, created_at) VALUES (1, $1, $2) ON CONFLICT DO NOTHING";
    let made = write.tx.run("initialising", insert, args![&installation, write.now]).await?;
    if made == 0 {
        return Err(InitializeError::Already);
    }
    write.set_installation(&installation);
    insert_account(write, &account, account.as_str(), None).await.map_err(unexpected)?;
    let name = BuiltInRole::Administrator.as_str();
    let new = NewUser {
        name,
        display_name: name,
        home: &account,
        is_operator: true,
        source: Source::Local,
        holds_link: false,
    };
    let user = write.insert_user(&new).await.map_err(unexpected)?;
    let binding = NewBinding::whole(Subject::User(user.clone()), name);
    write.bind(&account, &binding, Origin::Manual).await.map_err(unexpected)?;
    let link = write.create_link(&user).await.map_err(unexpected)?;
    let user = load_user(&mut write.tx, &user).await.map_err(unexpected)?;
    Ok(First { account, user, link })
}

/// In an empty store nothing is refused; what refuses is in the way already.
fn unexpected(error: ChangeError) -> InitializeError {
    match error {
        ChangeError::Meta(error) => InitializeError::Meta(error),
        _ => InitializeError::Already,
    }
}

/// Makes an empty file with mode 0600, so that SQLite's side files get the same; keeps one that is there.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
