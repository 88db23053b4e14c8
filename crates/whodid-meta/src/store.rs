//! The file itself: opening, the first content, closing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};
use whodid_model::time::MICROS_A_SECOND;
use whodid_model::{AccountName, Timestamp};

use crate::cache::Cache;
use crate::keys::insert_key;
use crate::sessions::insert_link;
use crate::{KeyKind, Link, MetaError, NewKey, Role, User, schema, secret};

/// A statement waits this long for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections at once; more would only wait for SQLite's one writer.
const CONNECTIONS_MAX: u32 = 4;

/// How long sessions last.
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

/// The metadata of one folder.
#[derive(Debug)]
pub struct Meta {
    pool: SqlitePool,
    cache: Cache,
    limits: Limits,
    path: PathBuf,
}

/// What [`Meta::initialize`] made; the only place that ever holds these secrets.
#[derive(Debug)]
pub struct Initialized {
    /// The first account.
    pub account: AccountName,
    /// The first administrator.
    pub user: User,
    /// The administrator's first sign-in.
    pub link: Link,
    /// May send events.
    pub ingestion_key: NewKey,
    /// May read and export.
    pub service_key: NewKey,
    /// May do everything.
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
    #[error("this folder is already initialised")]
    Already,
    /// The metadata cannot be written.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

impl Meta {
    /// Opens the file, or makes it, readable by its owner only, and brings its tables up to date.
    pub async fn open(path: &Path, limits: Limits) -> Result<Self, MetaError> {
        create_private(path).map_err(|source| MetaError::Create { path: path.to_owned(), source })?;
        let failed = |source| MetaError::Open { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let mut watch = options.connect().await.map_err(failed)?;
        schema::migrate(&mut watch, path).await?;
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(failed)?;
        Ok(Self { pool, cache: Cache::new(watch), limits, path: path.to_owned() })
    }

    /// Looks into the file, which may be in use, and changes nothing: no table is made or brought up to date.
    pub async fn look(path: &Path) -> Result<Look, MetaError> {
        let failed = |source| MetaError::Open { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .create_if_missing(false)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(failed)?;
        let failed = MetaError::doing("looking into the file");
        let version: i64 = sqlx::query("PRAGMA user_version")
            .fetch_one(&mut connection)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(&failed)?;
        if version > schema::VERSION {
            return Err(MetaError::Newer { path: path.to_owned(), found: version, known: schema::VERSION });
        }
        let check: String = sqlx::query("PRAGMA quick_check(1)")
            .fetch_one(&mut connection)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(&failed)?;
        let installation = if version == 0 {
            None
        } else {
            let row = sqlx::query("SELECT id FROM installation").fetch_optional(&mut connection).await;
            row.and_then(|row| row.map(|row| row.try_get("id")).transpose()).map_err(&failed)?
        };
        // A failed close of a connection that only reads loses nothing.
        let _ = connection.close().await;
        Ok(Look { damage: (check != "ok").then_some(check), installation, is_older: version < schema::VERSION })
    }

    /// Makes the account `default`, an administrator with a one-time link, and one key of each kind.
    /// All or nothing; of two processes one succeeds.
    pub async fn initialize(&self, now: Timestamp) -> Result<Initialized, InitializeError> {
        let failed = MetaError::doing("initialising");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let First { account, user, link } = first(&mut transaction, now).await?;
        let ingestion_key =
            insert_key(&mut transaction, KeyKind::Ingestion, &account, None, "first ingestion key", now).await?;
        let service_key =
            insert_key(&mut transaction, KeyKind::Service, &account, None, "first service key", now).await?;
        let admin_token = insert_key(
            &mut transaction,
            KeyKind::Administrator,
            &account,
            Some(&user.id),
            "first administrator token",
            now,
        )
        .await?;
        transaction.commit().await.map_err(&failed)?;
        self.cache.forget();
        Ok(Initialized { account, user, link, ingestion_key, service_key, admin_token })
    }

    /// The same without keys, for when nobody would see them: only the administrator's one-time link.
    pub async fn initialize_without_keys(&self, now: Timestamp) -> Result<Link, InitializeError> {
        let failed = MetaError::doing("initialising");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let First { link, .. } = first(&mut transaction, now).await?;
        transaction.commit().await.map_err(&failed)?;
        self.cache.forget();
        Ok(link)
    }

    /// The installation's random id; `None` before [`Meta::initialize`].
    pub async fn installation(&self) -> Result<Option<String>, MetaError> {
        let failed = MetaError::doing("reading the installation");
        let row = sqlx::query("SELECT id FROM installation").fetch_optional(&self.pool).await.map_err(&failed)?;
        row.map(|row| row.try_get("id").map_err(&failed)).transpose()
    }

    /// Every account, in name order.
    pub async fn accounts(&self) -> Result<Vec<AccountName>, MetaError> {
        let failed = MetaError::doing("listing accounts");
        let rows =
            sqlx::query("SELECT name FROM accounts ORDER BY name").fetch_all(&self.pool).await.map_err(&failed)?;
        let mut accounts = Vec::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get("name").map_err(&failed)?;
            accounts.extend(AccountName::parse(&name));
        }
        Ok(accounts)
    }

    /// SQLite's own check of the file: `None` when it is sound, else what it found.
    pub async fn damage(&self) -> Result<Option<String>, MetaError> {
        let failed = MetaError::doing("checking the file");
        let row = sqlx::query("PRAGMA quick_check(1)").fetch_one(&self.pool).await.map_err(&failed)?;
        let text: String = row.try_get(0).map_err(&failed)?;
        Ok((text != "ok").then_some(text))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is buffered and closes every connection.
    pub async fn close(self, now: Timestamp) -> Result<(), MetaError> {
        let written = self.maintain(now).await;
        self.pool.close().await;
        self.cache.close().await;
        written
    }

    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }
}

/// The first account and the first administrator with a link.
struct First {
    account: AccountName,
    user: User,
    link: Link,
}

async fn first(transaction: &mut sqlx::SqliteConnection, now: Timestamp) -> Result<First, InitializeError> {
    let failed = MetaError::doing("initialising");
    let account = AccountName::default_account();
    let user_id = secret::random_id().map_err(MetaError::from)?;
    let installation = secret::random_id().map_err(MetaError::from)?;
    let first = sqlx::query("INSERT OR IGNORE INTO installation (only, id, created_at) VALUES (1, ?, ?)")
        .bind(&installation)
        .bind(now.micros())
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
    if first.rows_affected() == 0 {
        return Err(InitializeError::Already);
    }
    sqlx::query("INSERT INTO accounts (name, created_at) VALUES (?, ?)")
        .bind(account.as_str())
        .bind(now.micros())
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
    let user = User {
        id: user_id,
        name: Role::Administrator.as_str().to_owned(),
        role: Role::Administrator,
        accounts: vec![account.clone()],
    };
    sqlx::query("INSERT INTO users (id, name, role, created_at) VALUES (?, ?, ?, ?)")
        .bind(&user.id)
        .bind(&user.name)
        .bind(user.role.as_str())
        .bind(now.micros())
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
    sqlx::query("INSERT INTO memberships (user, account) VALUES (?, ?)")
        .bind(&user.id)
        .bind(account.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
    let link = insert_link(transaction, &user.id, now).await?;
    Ok(First { account, user, link })
}

/// Makes an empty file with mode 0600, so that SQLite's side files get the same; keeps one that is there.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
