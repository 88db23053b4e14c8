//! A store of a test's own on each database, and what was recorded in it.
#![allow(clippy::print_stderr)]

use std::io::Write as _;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Once;

use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use whodid_audit::{Actor, By, Credential};
use whodid_meta::{Initialized, Limits, Meta, MetaLocation};
use whodid_model::time::MICROS_A_SECOND;
use whodid_model::{AccountName, Timestamp};

pub const SECOND: i64 = MICROS_A_SECOND;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// A server on which databases can be made.
const SERVER: &str = "WHODID_TEST_POSTGRES";

pub fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_795_000_000 * MICROS_A_SECOND + micros)
}

pub fn account(name: &str) -> AccountName {
    AccountName::parse(name).unwrap()
}

pub fn home() -> AccountName {
    AccountName::default_account()
}

/// Somebody who acts, with a session.
pub fn actor(name: &str) -> Actor {
    Actor {
        by: By::User { id: format!("id-of-{name}"), name: name.to_owned() },
        credential: Some(Credential::Session("s1".to_owned())),
        address: Some("192.0.2.7".to_owned()),
        agent: None,
        request: Some("r1".to_owned()),
    }
}

pub fn nobody() -> Actor {
    Actor { by: By::Nobody, credential: None, ..actor("nobody") }
}

/// Where a test's store lies.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub location: MetaLocation,
}

impl Place {
    pub async fn open(&self) -> Meta {
        Meta::open(&self.location, &self.key(), Limits::default()).await.unwrap()
    }

    pub fn key(&self) -> PathBuf {
        self.folder.path().join("secrets.key")
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("meta.sqlite")
    }

    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = MetaLocation::File(folder.path().join("meta.sqlite"));
        Self { folder, location }
    }

    /// Changes the tables past the store.
    pub async fn run(&self, statement: &'static str) {
        match &self.location {
            MetaLocation::File(path) => {
                let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
                sqlx::query(statement).execute(&pool).await.unwrap();
                pool.close().await;
            }
            MetaLocation::Postgres(url) => {
                let pool = sqlx::PgPool::connect(url).await.unwrap();
                sqlx::query(statement).execute(&pool).await.unwrap();
                pool.close().await;
            }
        }
    }

    /// What tried names are kept under; of SQLite only.
    pub async fn counted(&self) -> Vec<Vec<u8>> {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", self.file().display())).await.unwrap();
        let hashes = sqlx::query_scalar("SELECT hash FROM lockouts").fetch_all(&pool).await.unwrap();
        pool.close().await;
        hashes
    }

    /// A store with its first content, and nothing waiting in the outbox.
    pub async fn shop(&self) -> Shop {
        let meta = self.open().await;
        let made = meta.initialize(&Actor::operator("root"), at(0)).await.unwrap();
        let shop = Shop { meta, made };
        shop.told().await;
        shop
    }
}

/// Runs a test on SQLite, and on PostgreSQL when there is a server.
pub async fn on_both(test: impl AsyncFn(&Place)) {
    test(&Place::sqlite()).await;
    on_postgres(test).await;
}

/// Runs a test on PostgreSQL when there is a server.
pub async fn on_postgres(test: impl AsyncFn(&Place)) {
    let Ok(url) = std::env::var(SERVER) else {
        static SAID: Once = Once::new();
        // Past the capture of the test runner: what was left out must be seen.
        SAID.call_once(|| {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: the tests of the metadata on PostgreSQL: {SERVER} names no server"
            );
        });
        return;
    };
    let options = PgConnectOptions::from_str(&url).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let name = format!("whodid_test_{}", uuid::Uuid::now_v7().simple());
    let mut server = options.connect().await.unwrap();
    run(&mut server, format!("CREATE DATABASE {name}")).await;
    let mut address = url::Url::parse(&url).unwrap();
    address.set_path(&name);
    let place = Place { folder, location: MetaLocation::Postgres(address.to_string()) };
    test(&place).await;
    // Of a test that failed the database stays, to be looked at.
    run(&mut server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    server.close().await.unwrap();
}

async fn run(server: &mut PgConnection, statement: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(server).await.unwrap();
}

/// A store in use.
pub struct Shop {
    pub meta: Meta,
    pub made: Initialized,
}

impl Shop {
    /// What was recorded since the last time, as whole events.
    pub async fn events(&self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let waiting = self.meta.outbox(0, 1000, &[]).await.unwrap();
            if waiting.is_empty() {
                return events;
            }
            for one in &waiting {
                assert_eq!(one.stream.as_str(), "audit");
                let mut event: Value = serde_json::from_str(&one.event).unwrap();
                event["account"] = one.account.as_str().into();
                events.push(event);
            }
            let ids: Vec<i64> = waiting.iter().map(|one| one.id).collect();
            self.meta.outbox_done(&ids).await.unwrap();
        }
    }

    /// The same in short: `role.create`, with `!` before a failure and `@other` for another account.
    pub async fn told(&self) -> String {
        self.events().await.iter().map(short).collect::<Vec<_>>().join(" ")
    }

    pub fn admin(&self) -> Actor {
        let mut actor = actor(&self.made.user.name);
        actor.by = By::User { id: self.made.user.id.clone(), name: self.made.user.name.clone() };
        actor
    }

    /// A user of the home account with these roles.
    pub async fn user(&self, name: &str, roles: &[&str]) -> String {
        let id = self.invited(&home(), name, roles).await;
        self.told().await;
        id
    }

    pub async fn invited(&self, account: &AccountName, name: &str, roles: &[&str]) -> String {
        use whodid_meta::{Accept, Invite, RoleGrant};
        let invite = Invite {
            name: name.to_owned(),
            display_name: String::new(),
            roles: roles.iter().map(|role| RoleGrant::whole(*role)).collect(),
            groups: Vec::new(),
        };
        let (_, token) = self.meta.invite(&self.admin(), account, &invite, at(0)).await.unwrap();
        let accept = match self.meta.user_named(name).await.unwrap() {
            Some(user) => Accept::Existing { user: user.id },
            None => Accept::New { password: None, display_name: None },
        };
        self.meta.accept_invitation(&nobody(), token.expose(), &accept, at(0)).await.unwrap()
    }

    /// Another account that the first administrator owns.
    pub async fn other(&self, name: &str) -> AccountName {
        let name = account(name);
        let owner = &self.made.user.id;
        self.meta.create_account(&self.admin(), &name, "Other", None, owner, at(0)).await.unwrap();
        self.told().await;
        name
    }
}

pub fn short(event: &Value) -> String {
    let action = event["action"].as_str().unwrap().trim_start_matches("whodid.");
    let failed = if event["outcome"] == "failure" { "!" } else { "" };
    match event["account"].as_str() {
        Some("default") | None => format!("{failed}{action}"),
        Some(other) => format!("{failed}{action}@{other}"),
    }
}
