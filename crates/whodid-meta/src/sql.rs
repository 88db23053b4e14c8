//! The one place that knows two databases: statements with numbered parameters, rows of three types.
//!
//! Everything above writes portable SQL with `$1` and sees integers, texts and bytes. Writers stand in one line:
//! SQLite begins with the write lock, PostgreSQL with an update of the one row of `revision`, whose lock is held
//! until the end. So a check inside a write transaction holds when the transaction commits.

use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{Column as _, Postgres, Row as _, Sqlite, Transaction, TypeInfo as _, ValueRef as _};
use whodid_model::Timestamp;

use crate::MetaError;

/// A value in a statement or a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! into_value {
    ($($from:ty => $variant:ident($value:ident) $make:expr;)*) => { $(
        impl From<$from> for Value {
            fn from($value: $from) -> Self { Self::$variant($make) }
        }
    )* };
}

into_value! {
    i64 => Int(value) Some(value);
    Option<i64> => Int(value) value;
    bool => Int(value) Some(i64::from(value));
    Timestamp => Int(value) Some(value.micros());
    Option<Timestamp> => Int(value) value.map(Timestamp::micros);
    &str => Text(value) Some(value.to_owned());
    String => Text(value) Some(value);
    &String => Text(value) Some(value.clone());
    Option<String> => Text(value) value;
    Option<&str> => Text(value) value.map(str::to_owned);
    &whodid_model::AccountName => Text(value) Some(value.as_str().to_owned());
    Option<&whodid_model::AccountName> => Text(value) value.map(|name| name.as_str().to_owned());
    &[u8] => Bytes(value) Some(value.to_vec());
    [u8; 32] => Bytes(value) Some(value.to_vec());
    Vec<u8> => Bytes(value) Some(value);
}

/// The parameters of a statement, in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::sql::Value::from($value)),*] };
}
pub(crate) use args;

/// A row, read by position.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) names: Vec<String>,
    pub(crate) values: Vec<Value>,
}

impl Row {
    fn at(&self, column: usize) -> Result<&Value, MetaError> {
        self.values.get(column).ok_or(MetaError::Damaged { what: "a row with too few columns" })
    }

    pub(crate) fn int_or_null(&self, column: usize) -> Result<Option<i64>, MetaError> {
        match self.at(column)? {
            Value::Int(value) => Ok(*value),
            Value::Text(None) | Value::Bytes(None) => Ok(None),
            _ => Err(MetaError::Damaged { what: "a column that is no number" }),
        }
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64, MetaError> {
        self.int_or_null(column)?.ok_or(MetaError::Damaged { what: "a number that is missing" })
    }

    pub(crate) fn flag(&self, column: usize) -> Result<bool, MetaError> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp, MetaError> {
        self.int(column).map(Timestamp::from_micros)
    }

    pub(crate) fn time_or_null(&self, column: usize) -> Result<Option<Timestamp>, MetaError> {
        Ok(self.int_or_null(column)?.map(Timestamp::from_micros))
    }

    pub(crate) fn text_or_null(&self, column: usize) -> Result<Option<String>, MetaError> {
        match self.at(column)? {
            Value::Text(value) => Ok(value.clone()),
            Value::Int(None) | Value::Bytes(None) => Ok(None),
            _ => Err(MetaError::Damaged { what: "a column that is no text" }),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<String, MetaError> {
        self.text_or_null(column)?.ok_or(MetaError::Damaged { what: "a text that is missing" })
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<Vec<u8>, MetaError> {
        match self.at(column)? {
            Value::Bytes(Some(value)) => Ok(value.clone()),
            _ => Err(MetaError::Damaged { what: "bytes that are missing" }),
        }
    }

    pub(crate) fn hash(&self, column: usize) -> Result<[u8; 32], MetaError> {
        let bytes = self.bytes(column)?;
        bytes.try_into().map_err(|_| MetaError::Damaged { what: "a hash of another length" })
    }

    pub(crate) fn account(&self, column: usize) -> Result<whodid_model::AccountName, MetaError> {
        let name = self.text(column)?;
        whodid_model::AccountName::parse(&name).map_err(|_| MetaError::Damaged { what: "the name of an account" })
    }

    /// A JSON text of our own making.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T, MetaError> {
        serde_json::from_str(&self.text(column)?).map_err(|_| MetaError::Damaged { what: "a JSON text" })
    }

    pub(crate) fn json_or_null<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<Option<T>, MetaError> {
        let Some(text) = self.text_or_null(column)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|_| MetaError::Damaged { what: "a JSON text" })
    }
}

/// A value as JSON text, for a column.
pub(crate) fn json_text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The connections to whichever database it is.
#[derive(Debug, Clone)]
pub(crate) enum Db {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction, undone unless committed.
#[derive(Debug)]
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// A transaction that sees one moment and writes nothing.
    pub(crate) async fn begin_read(&self) -> Result<Tx, MetaError> {
        let failed = MetaError::doing("beginning to read");
        match self {
            Self::Sqlite(pool) => pool.begin_with("BEGIN").await.map(Tx::Sqlite),
            Self::Postgres(pool) => {
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map(Tx::Postgres)
            }
        }
        .map_err(failed)
    }

    /// The only transaction that writes, at one time, in any process.
    pub(crate) async fn begin_write(&self) -> Result<Tx, MetaError> {
        let failed = MetaError::doing("beginning to write");
        match self {
            Self::Sqlite(pool) => pool.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite),
            Self::Postgres(pool) => pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await.map(Tx::Postgres),
        }
        .map_err(failed)
    }

    /// One row outside a transaction; for a single look.
    pub(crate) async fn row(&self, doing: &'static str, sql: &'static str, args: Vec<Value>) -> Read {
        let failed = MetaError::doing(doing);
        match self {
            Self::Sqlite(pool) => {
                let row = sqlite_query(sql, args).fetch_optional(pool).await.map_err(&failed)?;
                row.map(|row| sqlite_row(&row).map_err(&failed)).transpose()
            }
            Self::Postgres(pool) => {
                let row = postgres_query(sql, args).fetch_optional(pool).await.map_err(&failed)?;
                row.map(|row| postgres_row(&row).map_err(&failed)).transpose()
            }
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

type Read = Result<Option<Row>, MetaError>;

impl Tx {
    /// Every row. `doing` is for the error: what was being done.
    pub(crate) async fn rows(
        &mut self,
        doing: &'static str,
        sql: impl sqlx::SqlSafeStr,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, MetaError> {
        let failed = MetaError::doing(doing);
        match self {
            Self::Sqlite(tx) => {
                let rows = sqlite_query(sql, args).fetch_all(&mut **tx).await.map_err(&failed)?;
                rows.iter().map(sqlite_row).collect::<Result<_, _>>().map_err(&failed)
            }
            Self::Postgres(tx) => {
                let rows = postgres_query(sql, args).fetch_all(&mut **tx).await.map_err(&failed)?;
                rows.iter().map(postgres_row).collect::<Result<_, _>>().map_err(&failed)
            }
        }
    }

    /// The first row.
    pub(crate) async fn row(&mut self, doing: &'static str, sql: impl sqlx::SqlSafeStr, args: Vec<Value>) -> Read {
        Ok(self.rows(doing, sql, args).await?.into_iter().next())
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn run(
        &mut self,
        doing: &'static str,
        sql: impl sqlx::SqlSafeStr,
        args: Vec<Value>,
    ) -> Result<u64, MetaError> {
        let failed = MetaError::doing(doing);
        match self {
            Self::Sqlite(tx) => sqlite_query(sql, args).execute(&mut **tx).await.map(|done| done.rows_affected()),
            Self::Postgres(tx) => postgres_query(sql, args).execute(&mut **tx).await.map(|done| done.rows_affected()),
        }
        .map_err(failed)
    }

    /// Lifts the bounds on time that PostgreSQL's connections have, until the transaction ends: for what takes as long
    /// as it takes. SQLite has none but for the wait for its one writer.
    pub(crate) async fn take_long(&mut self) -> Result<(), MetaError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => {
                let lift = "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;
                    SET LOCAL idle_in_transaction_session_timeout = 0";
                self.script("lifting bounds on time", lift).await
            }
        }
    }

    /// Runs several statements without parameters.
    pub(crate) async fn script(&mut self, doing: &'static str, sql: &'static str) -> Result<(), MetaError> {
        let failed = MetaError::doing(doing);
        match self {
            Self::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
            Self::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
        }
        .map_err(failed)
    }

    pub(crate) async fn commit(self) -> Result<(), MetaError> {
        let failed = MetaError::doing("committing");
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
        .map_err(failed)
    }
}

fn sqlite_query(sql: impl sqlx::SqlSafeStr, args: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(sql);
    for arg in args {
        query = match arg {
            Value::Int(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        };
    }
    query
}

fn postgres_query(sql: impl sqlx::SqlSafeStr, args: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    let mut query = sqlx::query(sql);
    for arg in args {
        query = match arg {
            Value::Int(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        };
    }
    query
}

fn sqlite_row(row: &SqliteRow) -> Result<Row, sqlx::Error> {
    let mut values = Vec::with_capacity(row.len());
    for column in 0..row.len() {
        let raw = row.try_get_raw(column)?;
        values.push(if raw.is_null() {
            Value::Text(None)
        } else {
            match raw.type_info().name() {
                "BLOB" => Value::Bytes(row.try_get(column)?),
                "TEXT" => Value::Text(row.try_get(column)?),
                _ => Value::Int(row.try_get(column)?),
            }
        });
    }
    Ok(Row { names: row.columns().iter().map(|column| column.name().to_owned()).collect(), values })
}

fn postgres_row(row: &PgRow) -> Result<Row, sqlx::Error> {
    let mut values = Vec::with_capacity(row.len());
    for (column, described) in row.columns().iter().enumerate() {
        values.push(match described.type_info().name() {
            "BYTEA" => Value::Bytes(row.try_get(column)?),
            "INT8" => Value::Int(row.try_get(column)?),
            "INT4" => Value::Int(row.try_get::<Option<i32>, _>(column)?.map(i64::from)),
            _ => Value::Text(row.try_get(column)?),
        });
    }
    Ok(Row { names: row.columns().iter().map(|column| column.name().to_owned()).collect(), values })
}
