//! What whodid itself writes: the audit log and findings, which must find room when events of senders no longer do.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::oneshot;
use whodid_model::{AccountName, StreamName};

use crate::engine::{Engine, stopping};
use crate::error::{Error, ErrorKind};
use crate::ingest::{self, EVENTS_A_REQUEST_MAX};
use crate::jobs::LakeTrouble;
use crate::writer::{Command, GROUP_BYTES};

/// Events of more text than this are decoded on the blocking pool.
const DECODE_INLINE_BYTES: usize = 16 << 10;
/// Room that is taken for what one record needs.
const ROOM_BYTES: u64 = 64 << 10;

impl Engine {
    /// Writes events of whodid's own to the stream `audit`, `findings` or `insights` of an account: CADF, one JSON text each, with
    /// an id. Returns when they are on disk. What is there already, of the same id and content, is not written again.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] with code `audit_unavailable` when there is no room or no lake to write to: what was
    /// to be told of must not be done then. [`ErrorKind::Internal`] for a text that is no event.
    pub async fn record(&self, account: &AccountName, stream: &StreamName, events: Vec<String>) -> Result<(), Error> {
        let bytes: usize = events.iter().map(String::len).sum();
        if ![StreamName::audit(), StreamName::findings(), StreamName::insights()].contains(stream) {
            return Err(defect(account, stream, "whodid writes nothing of its own to this stream"));
        }
        if events.len() > EVENTS_A_REQUEST_MAX || bytes > GROUP_BYTES {
            let detail = format!("{} events of {bytes} bytes are too much at once", events.len());
            return Err(defect(account, stream, &detail));
        }
        if events.is_empty() {
            return Ok(());
        }
        self.can_record()?;
        let inner = &self.inner;
        if inner.trouble_of(account) == Some(LakeTrouble::Taken) {
            return Err(audit_unavailable(TAKEN));
        }
        let table = inner.table(account, stream).await.map_err(unavailable)?;
        let (received, secret) = ((inner.options.clock)(), inner.secret);
        let prepared = if bytes < DECODE_INLINE_BYTES {
            ingest::prepare_own(account, stream, &table, &events, received, secret)
        } else {
            let (account, stream, table) = (account.clone(), stream.clone(), Arc::clone(&table));
            tokio::task::spawn_blocking(move || {
                ingest::prepare_own(&account, &stream, &table, &events, received, secret)
            })
            .await
            .map_err(|error| Error::internal("writing to the audit log", error))?
        };
        let prepared = prepared.map_err(|detail| defect(account, stream, &detail))?;
        let (sender, reply) = oneshot::channel();
        // Waits where ingest is refused: requests before it in the queue are answered soon.
        let sent = inner.commands.send(Command::Append(Box::new(prepared), sender)).await;
        sent.map_err(|_| unavailable(stopping()))?;
        reply.await.map_err(|_| unavailable(stopping()))?.map_err(unavailable).map(|_| ())
    }

    /// Whether [`Engine::record`] would find room now; looks at numbers only. To be asked before something is done
    /// that must be told of.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] with code `audit_unavailable`; its text says what to do.
    pub fn can_record(&self) -> Result<(), Error> {
        let inner = &self.inner;
        if inner.commands.is_closed() {
            return Err(unavailable(stopping()));
        }
        if self.lake_trouble() == Some(LakeTrouble::Taken) {
            return Err(audit_unavailable(TAKEN));
        }
        let (used, bound) = (inner.gauges.used_bytes.load(Relaxed), inner.gauges.bound_bytes.load(Relaxed));
        let is_bounded = bound > 0 && used + ROOM_BYTES.min(bound / 16) > bound;
        if inner.gauges.is_refusing_own.load(Relaxed) || is_bounded {
            return Err(audit_unavailable(
                "the journal has no room: free disk space, or mend the lake's storage so that the journal drains",
            ));
        }
        if inner.tail_bytes() > inner.options.tail_bytes_max {
            return Err(audit_unavailable("the lake does not take what waits in memory: mend its storage"));
        }
        Ok(())
    }
}

const TAKEN: &str = "another server writes to the same storage: end one of the two";

fn audit_unavailable(why: &str) -> Error {
    let detail = format!("nothing was done, because it could not be written to the audit log; {why}");
    Error::new(ErrorKind::Unavailable, "audit_unavailable", detail)
}

/// Whatever kept an event out of the audit log, for who asked for what it tells of.
fn unavailable(error: Error) -> Error {
    match error.kind {
        ErrorKind::Internal => error,
        _ => audit_unavailable(&error.to_string()).caused_by(error),
    }
}

/// A defect of ours, told aloud: something was done or is to be done that cannot be told of.
fn defect(account: &AccountName, stream: &StreamName, detail: &str) -> Error {
    tracing::error!(account = %account, stream = %stream, detail, "an event of whodid's own cannot be written: {detail}");
    Error::internal("writing to the audit log", detail.to_owned())
}
