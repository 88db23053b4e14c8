//! One server at a time on one metadata store.
//!
//! What waits to be told goes into the lake of the server that finds it; two servers with lakes of their own would share
//! it out between them at random. A file belongs to its folder, which a server locks otherwise. On PostgreSQL the server
//! holds an advisory lock on a connection of its own for as long as it runs: it ends with the connection, whatever
//! happens to the server.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::{Meta, MetaError, MetaLocation};

/// A number of our own, beside the one under which tables are made.
const SERVER_LOCK: i64 = 0x0077_686f_6469_6401;
/// PostgreSQL finds out within a minute that a machine is gone, and lets go of its lock.
const KEEP_ALIVE: &[(&str, &str)] =
    &[("tcp_keepalives_idle", "30"), ("tcp_keepalives_interval", "10"), ("tcp_keepalives_count", "3")];
/// A look that takes longer has failed.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// The right to serve from a metadata store. Ends when dropped.
#[derive(Debug)]
pub struct ServerClaim {
    url: Option<String>,
    place: String,
    connection: Option<PgConnection>,
    /// The server process of PostgreSQL that held it for us, which outlives a connection that was lost on the way.
    backend: Option<i32>,
}

impl Meta {
    /// Takes the right to serve from this store.
    ///
    /// # Errors
    /// [`MetaError::Served`] when another server has it; [`MetaError::Open`] when the store does not answer.
    pub async fn claim_for_server(&self) -> Result<ServerClaim, MetaError> {
        let url = match self.location() {
            MetaLocation::File(_) => None,
            MetaLocation::Postgres(url) => Some(url.clone()),
        };
        let mut claim = ServerClaim { url, place: self.location().to_string(), connection: None, backend: None };
        claim.renew().await?;
        Ok(claim)
    }
}

impl ServerClaim {
    /// Looks whether it still holds, and takes it again where the connection was lost.
    ///
    /// # Errors
    /// [`MetaError::Served`] when another server has it now. Any other error may pass.
    pub async fn renew(&mut self) -> Result<(), MetaError> {
        let Some(url) = &self.url else { return Ok(()) };
        if let Some(connection) = &mut self.connection {
            let look = tokio::time::timeout(LOOK_TIMEOUT, connection.ping()).await;
            if look.is_ok_and(|answer| answer.is_ok()) {
                return Ok(());
            }
            self.connection = None;
        }
        let failed = |source| MetaError::Open { place: self.place.clone(), source };
        let options = PgConnectOptions::from_str(url).map_err(failed)?;
        let options = options.options(KEEP_ALIVE.iter().copied()).disable_statement_logging();
        let connecting = tokio::time::timeout(LOOK_TIMEOUT, options.connect()).await;
        let mut connection = connecting.map_err(|_| failed(sqlx::Error::PoolTimedOut))?.map_err(failed)?;
        let lock = || sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1)").bind(SERVER_LOCK);
        let mut is_ours = lock().fetch_one(&mut connection).await.map_err(failed)?;
        if let (false, Some(earlier)) = (is_ours, self.backend) {
            // Our own connection of before: nobody can end it but PostgreSQL.
            let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
                WHERE locktype = 'advisory' AND pid = $1 AND ((classid::bigint << 32) | objid::bigint) = $2";
            let end = sqlx::query(end).bind(earlier).bind(SERVER_LOCK);
            end.fetch_optional(&mut connection).await.map_err(failed)?;
            is_ours = lock().fetch_one(&mut connection).await.map_err(failed)?;
        }
        if !is_ours {
            return Err(MetaError::Served { place: self.place.clone() });
        }
        let backend = sqlx::query_scalar::<_, i32>("SELECT pg_backend_pid()");
        self.backend = Some(backend.fetch_one(&mut connection).await.map_err(failed)?);
        self.connection = Some(connection);
        Ok(())
    }
}
