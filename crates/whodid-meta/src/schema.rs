//! The tables, as an ordered list of steps that is only ever added to.
//!
//! SQLite runs every step since the first release, each once, in a transaction of its own, counted in
//! `PRAGMA user_version`. PostgreSQL came with the second step: it begins with one text that makes the same shape,
//! counts in a table, and takes the later steps as SQLite does, each in its own words.

use crate::MetaError;
use crate::sql::{Db, args};

/// SQLite's steps. Never changed once released, for files in the field are at every one of them.
const STEPS: [&str; 5] = [
    FIRST,
    include_str!("schema/second.sql"),
    include_str!("schema/third.sql"),
    include_str!("schema/fourth.sql"),
    include_str!("schema/fifth.sql"),
];

/// The tables of the first release.
pub(crate) const FIRST: &str = include_str!("schema/first.sql");

/// PostgreSQL's beginning, which is [`POSTGRES_BEGINNING`] at once. Never changed once released.
const POSTGRES: &str = include_str!("schema/postgres.sql");
const POSTGRES_BEGINNING: i64 = 2;

/// PostgreSQL's steps from there: the same as SQLite's later ones, in its own types.
const POSTGRES_STEPS: [&str; 3] = [
    include_str!("schema/postgres-third.sql"),
    include_str!("schema/postgres-fourth.sql"),
    include_str!("schema/postgres-fifth.sql"),
];
const _: () = assert!(POSTGRES_BEGINNING + POSTGRES_STEPS.len() as i64 == VERSION, "a step for one database only");

/// The version that this whodid writes.
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// A number of our own, so that two processes do not make the same tables at once.
const ADVISORY_LOCK: i64 = 0x0077_686f_6469_6400;

/// Brings the tables to [`VERSION`]; several processes may do it at once. `place` is for errors.
pub(crate) async fn migrate(db: &Db, place: &str) -> Result<(), MetaError> {
    match db {
        Db::Sqlite(_) => migrate_sqlite(db, place).await,
        Db::Postgres(_) => migrate_postgres(db, place, &POSTGRES_STEPS).await,
    }
}

async fn migrate_sqlite(db: &Db, place: &str) -> Result<(), MetaError> {
    let doing = "bringing the tables up to date";
    loop {
        // The version is read under the write lock, so that a step is never run twice.
        let mut step = db.begin_write().await?;
        let found = step.row(doing, "PRAGMA user_version", args![]).await?.map_or(Ok(0), |row| row.int(0))?;
        if found > VERSION {
            return Err(MetaError::Newer { place: place.to_owned(), found, known: VERSION });
        }
        let Some(text) = usize::try_from(found).ok().and_then(|found| STEPS.get(found)) else {
            return Ok(());
        };
        step.script(doing, text).await?;
        let count = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {}", found + 1));
        step.run(doing, count, args![]).await?;
        step.commit().await?;
    }
}

async fn migrate_postgres(db: &Db, place: &str, steps: &[&'static str]) -> Result<(), MetaError> {
    let doing = "bringing the tables up to date";
    let known = POSTGRES_BEGINNING + steps.len() as i64;
    loop {
        // The version is read under the lock, so that a step is never run twice.
        let mut step = db.begin_write().await?;
        // A step over many rows takes its time, and so does the wait for another process that runs it.
        step.take_long().await?;
        step.run(doing, "SELECT pg_advisory_xact_lock($1)", args![ADVISORY_LOCK]).await?;
        step.script(doing, "CREATE TABLE IF NOT EXISTS schema_version (number BIGINT NOT NULL)").await?;
        let found = step.row(doing, "SELECT max(number) FROM schema_version", args![]).await?;
        let Some(found) = found.map_or(Ok(None), |row| row.int_or_null(0))? else {
            step.script(doing, POSTGRES).await?;
            let insert = "INSERT INTO schema_version (number) VALUES ($1)";
            step.run(doing, insert, args![POSTGRES_BEGINNING]).await?;
            step.commit().await?;
            continue;
        };
        if found > known {
            return Err(MetaError::Newer { place: place.to_owned(), found, known });
        }
        let next = usize::try_from(found - POSTGRES_BEGINNING)
            .map_err(|_| MetaError::Damaged { what: "a schema version before the first" })?;
        let Some(text) = steps.get(next) else { return Ok(()) };
        step.script(doing, text).await?;
        step.run(doing, "UPDATE schema_version SET number = $1", args![found + 1]).await?;
        step.commit().await?;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;
    use std::str::FromStr as _;

    use sqlx::ConnectOptions as _;
    use sqlx::postgres::{PgConnectOptions, PgPool};

    use super::*;

    /// Column lines by table, with both databases' type names made one.
    fn shape(text: &str) -> BTreeMap<String, Vec<String>> {
        let mut tables = BTreeMap::new();
        let mut table = String::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("CREATE TABLE ") {
                table = name.trim_end_matches(" (").to_owned();
                tables.insert(table.clone(), Vec::new());
            } else if let (true, Some(columns)) = (line.starts_with("    "), tables.get_mut(&table)) {
                columns.push(line.replace("INTEGER", "BIGINT").replace("BLOB", "BYTEA").replace('"', ""));
            } else if !line.starts_with("    ") {
                table.clear();
            }
        }
        tables
    }

    #[test]
    fn both_databases_have_the_same_tables() {
        let mut sqlite = shape(super::STEPS[1]);
        sqlite.extend(shape(super::FIRST).into_iter().filter(|(name, _)| name == "installation"));
        assert_eq!(sqlite, shape(super::POSTGRES));
        for (sqlite, postgres) in super::STEPS[2..].iter().zip(super::POSTGRES_STEPS) {
            assert_eq!(shape(sqlite), shape(postgres));
        }
    }

    #[tokio::test]
    async fn postgresql_takes_later_steps_each_once_also_by_two_processes() {
        // Without a server it is left out, which the other tests on PostgreSQL say aloud.
        let Ok(url) = std::env::var("WHODID_TEST_POSTGRES") else { return };
        let options = PgConnectOptions::from_str(&url).unwrap();
        let name = format!("whodid_test_{}", uuid::Uuid::now_v7().simple());
        let mut server = options.clone().connect().await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create).execute(&mut server).await.unwrap();
        let pool = PgPool::connect_with(options.database(&name)).await.unwrap();
        let db = Db::Postgres(pool);

        let later = ["CREATE TABLE later (id BIGINT)", "INSERT INTO later (id) VALUES (7)"];
        migrate_postgres(&db, "here", &later[..1]).await.unwrap();
        let (one, two) = tokio::join!(migrate_postgres(&db, "here", &later), migrate_postgres(&db, "here", &later));
        one.and(two).unwrap();
        let row = db.row("looking", "SELECT count(*), max(id) FROM later", args![]).await.unwrap().unwrap();
        assert_eq!((row.int(0).unwrap(), row.int(1).unwrap()), (1, 7));
        let refused = migrate_postgres(&db, "here", &[]).await.unwrap_err();
        assert!(matches!(refused, MetaError::Newer { found: 4, known: 2, .. }), "{refused:?}");
        // A step that fails leaves the version where it was.
        let broken = [later[0], later[1], "CREATE TABLE half (id BIGINT); SELECT no_such_thing"];
        assert!(migrate_postgres(&db, "here", &broken).await.is_err());
        migrate_postgres(&db, "here", &later).await.unwrap();

        db.close().await;
        let drop = sqlx::AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
        sqlx::raw_sql(drop).execute(&mut server).await.unwrap();
    }
}
