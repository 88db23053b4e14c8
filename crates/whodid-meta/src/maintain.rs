//! What is done once a minute: uses written down, sessions ended by time, old rows dropped.

use whodid_audit::Actor;
use whodid_model::Timestamp;
use whodid_model::time::{MICROS_A_DAY, MICROS_A_SECOND};

use crate::cache::{Used, Uses};
use crate::sql::args;
use crate::{Meta, MetaError};

/// Ended sessions and used links are kept this long, so that their use can still be told.
const ENDED_KEPT_MICROS: i64 = 30 * MICROS_A_DAY;
/// Keys that were revoked or have expired are kept this long: more than a year, so that whoever looks through them once a
/// year sees each.
const ENDED_KEYS_KEPT_MICROS: i64 = 400 * MICROS_A_DAY;

/// Uses written down by one statement: on PostgreSQL each is a journey, and all other writers wait meanwhile.
const USES_AT_ONCE: usize = 200;

impl Meta {
    /// Writes down when keys, sessions and people were last seen, ends sessions whose time is over, and drops what
    /// ended long ago. Call it once a minute. Sessions end even while records wait: ending them is never refused.
    pub async fn maintain(&self, now: Timestamp) -> Result<(), MetaError> {
        let uses = self.cache().uses();
        self.write_down(&uses, now).await?;
        self.cache().written(uses);
        Ok(())
    }

    /// The same when nothing more will follow. What was used by nobody is left untouched.
    pub(crate) async fn maintain_last(&self, now: Timestamp) -> Result<(), MetaError> {
        if self.cache().uses().is_empty() { Ok(()) } else { self.maintain(now).await }
    }

    async fn write_down(&self, uses: &Uses, now: Timestamp) -> Result<(), MetaError> {
        let doing = "writing when keys and sessions were used";
        let by = Actor::system();
        let mut write = self.write_unaudited(&by, now).await?;
        // Whether something changed that processes hold in memory: an idle server must not make all of them read
        // everything anew each time.
        let mut is_seen = false;
        for kind in [Used::Key, Used::Session, Used::Reader] {
            let of_kind: Vec<_> = uses.iter().filter(|(what, ..)| *what == kind).collect();
            for chunk in of_kind.chunks(USES_AT_ONCE) {
                let mut args = Vec::with_capacity(3 * chunk.len());
                for (_, id, at, from) in chunk {
                    let minute = at - at.rem_euclid(60 * MICROS_A_SECOND);
                    let at = if kind == Used::Session { *at } else { minute };
                    args.extend(args![id, at, from]);
                }
                let count = write.tx.run(doing, sqlx::AssertSqlSafe(note_uses(kind, chunk.len())), args).await?;
                is_seen |= count > 0 && kind == Used::Session;
            }
        }
        is_seen |= write.expire_sessions().await? > 0;
        let old = now.plus_micros(-ENDED_KEPT_MICROS).micros();
        for statement in [
            "DELETE FROM sessions WHERE coalesce(ended_at, expires_at) < $1",
            "DELETE FROM links WHERE coalesce(used_at, expires_at) < $1",
            "DELETE FROM invitations WHERE expires_at < $1",
        ] {
            write.tx.run("dropping what ended", statement, args![old]).await?;
        }
        let old = now.plus_micros(-ENDED_KEYS_KEPT_MICROS).micros();
        let delete = "DELETE FROM keys WHERE revoked_at < $1 OR expires_at < $1";
        is_seen |= write.tx.run("dropping what ended", delete, args![old]).await? > 0;
        let unused = now.plus_micros(-crate::downloads::DOWNLOAD_SESSION_KEPT_MICROS).micros();
        let drop_unused = "DELETE FROM download_sessions WHERE accessed_at < $1";
        write.tx.run("dropping unused download sessions", drop_unused, args![unused]).await?;
        write.tell_unanswered(None).await?;
        let delete = "DELETE FROM challenges WHERE expires_at < $1";
        write.tx.run("dropping what ended", delete, args![now]).await?;
        write.forget_names().await?;
        if is_seen { write.commit().await } else { write.commit_unseen().await }
    }
}

/// Notes so many uses of a kind: of each its id, when, and from where.
fn note_uses(kind: Used, count: usize) -> String {
    let (update, if_older) = match kind {
        Used::Key => (
            "UPDATE keys SET last_used_at = used.column2, last_used_from = used.column3",
            "last_used_at IS NULL OR last_used_at <= used.column2",
        ),
        Used::Session => ("UPDATE sessions SET last_seen_at = used.column2", "last_seen_at < used.column2"),
        Used::Reader => (
            "UPDATE memberships SET last_read_at = used.column2",
            "last_read_at IS NULL OR last_read_at < used.column2",
        ),
    };
    let id = if kind == Used::Reader { "user_id || '/' || account" } else { "id" };
    let rows = (0..count).map(|row| format!("(${}, ${}, ${})", 3 * row + 1, 3 * row + 2, 3 * row + 3));
    let rows: Vec<String> = rows.collect();
    format!("{update} FROM (VALUES {}) AS used WHERE {id} = used.column1 AND ({if_older})", rows.join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use whodid_model::AccountName;

    use super::*;
    use crate::{Device, Limits, MetaLocation, Method};

    #[tokio::test]
    async fn upkeep_makes_nobody_read_everything_anew_unless_sessions_were_used_or_ended() {
        let folder = tempfile::tempdir().unwrap();
        let place = MetaLocation::File(folder.path().join("meta.sqlite"));
        let meta = Meta::open(&place, &folder.path().join("secrets.key"), Limits::default()).await.unwrap();
        let (by, at) = (Actor::system(), |minutes: i64| Timestamp::from_micros(minutes * 60 * MICROS_A_SECOND));
        let made = meta.initialize(&by, at(0)).await.unwrap();
        let user = made.user.id.as_str();
        let begun = meta.begin_session(&by, user, &Device::default(), Method::Link, false, at(0)).await.unwrap();
        meta.authenticate(made.admin_token.secret.expose(), "", at(1)).await.unwrap();
        meta.note_read(user, &AccountName::default_account(), at(1));
        let is_read_anew = async |now: i64| {
            let before = meta.current().await.unwrap();
            meta.maintain(at(now)).await.unwrap();
            !Arc::ptr_eq(&before, &meta.current().await.unwrap())
        };
        assert!(!is_read_anew(2).await, "a key and a reader");
        meta.session(begun.secret.expose(), at(3)).await.unwrap();
        assert!(is_read_anew(4).await, "a session must not seem idle elsewhere");
        assert!(!is_read_anew(5).await, "nothing at all");
        assert!(is_read_anew(5 + 12 * 60).await, "a session ended");
    }
}
