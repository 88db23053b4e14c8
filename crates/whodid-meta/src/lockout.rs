//! How often somebody may try a password.
//!
//! Counted by the name as typed, hashed under a key, whether anybody has it or not: so nobody learns from it who
//! exists, and a password typed in the wrong field is not kept, nor to be found by trying words. The window is a pure state machine; the table only keeps it.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use whodid_audit::{Actor, Deed, Told};
use whodid_model::time::{MICROS_A_DAY, MICROS_A_SECOND};
use whodid_model::{AccountName, Timestamp};

use crate::sql::{Row, Tx, args};
use crate::text::folded;
use crate::users::load_at_home;
use crate::write::Write;
use crate::{ChangeError, Meta, MetaError};

/// Failures further apart than this, in microseconds, are not counted together.
pub const WINDOW_MICROS: i64 = 15 * 60 * MICROS_A_SECOND;
/// This many failures suspend signing in.
pub const FAILURES_MAX: i64 = 10;
/// For so long, in microseconds.
pub const LOCKED_MICROS: i64 = 15 * 60 * MICROS_A_SECOND;
/// From this failure on each try must wait.
const DELAY_FROM: i64 = 3;
/// Longest wait between two tries.
const DELAY_SECONDS_MAX: i64 = 60;
/// A name is forgotten so long after its last failure, in microseconds: far longer than anything counts.
pub(crate) const NAME_KEPT_MICROS: i64 = MICROS_A_DAY;
const _: () = assert!(NAME_KEPT_MICROS > WINDOW_MICROS + LOCKED_MICROS);
/// Names counted at one time; the oldest go.
const NAMES_MAX: i64 = 100_000;

/// Whether a password may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lockout {
    /// Now.
    Ok,
    /// After so long.
    Wait(Duration),
    /// Not before this moment.
    Locked(Timestamp),
}

/// The failures of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures {
    count: i64,
    /// The first failure that counts.
    window_at: Timestamp,
    failed_at: Timestamp,
    locked_until: Option<Timestamp>,
}

impl Failures {
    /// Whether a password may be tried at a moment.
    pub fn check(&self, now: Timestamp) -> Lockout {
        if let Some(until) = self.locked_until {
            return if now < until { Lockout::Locked(until) } else { Lockout::Ok };
        }
        if self.is_over(now) || self.count < DELAY_FROM {
            return Lockout::Ok;
        }
        let doublings = u32::try_from(self.count - DELAY_FROM).unwrap_or(u32::MAX).min(6);
        let delay = (1_i64 << doublings).min(DELAY_SECONDS_MAX) * MICROS_A_SECOND;
        let left = self.failed_at.plus_micros(delay).micros() - now.micros();
        u64::try_from(left)
            .ok()
            .filter(|left| *left > 0)
            .map_or(Lockout::Ok, |left| Lockout::Wait(Duration::from_micros(left)))
    }

    /// Adds a failure; true when it is the one that suspends signing in.
    pub fn fail(&mut self, now: Timestamp) -> bool {
        if self.is_over(now) {
            *self = Self { window_at: now, ..Self::default() };
        }
        self.count += 1;
        self.failed_at = now;
        if self.count >= FAILURES_MAX && self.locked_until.is_none() {
            self.locked_until = Some(now.plus_micros(LOCKED_MICROS));
            return true;
        }
        false
    }

    /// Whether nothing counts any more.
    fn is_over(&self, now: Timestamp) -> bool {
        match self.locked_until {
            Some(until) => now >= until,
            None => now.micros().saturating_sub(self.window_at.micros()) >= WINDOW_MICROS,
        }
    }
}

impl Meta {
    /// Whether a password may be tried for a name, known or not.
    pub async fn check_lockout(&self, name: &str, now: Timestamp) -> Result<Lockout, MetaError> {
        let select = "SELECT failures, window_at, failed_at, locked_until FROM lockouts WHERE hash = $1";
        let row = self.db().row("looking for failures", select, args![self.vault().of_name(&folded(name))]).await?;
        Ok(row.as_ref().map(failures).transpose()?.unwrap_or_default().check(now))
    }

    /// Lets a user sign in again before the time is over. Only the home account may.
    pub async fn unlock_user(
        &self,
        by: &Actor,
        account: &AccountName,
        user: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let found = load_at_home(&mut write.tx, account, user).await?;
        let Some(earlier) = write.failures_of(&found.name).await? else { return Ok(()) };
        write.clear_failures(&found.name).await?;
        let locked_until = earlier.locked_until.map(|until| until.to_string());
        let told = Told::success(Deed::UserUnlock, user, found.name.as_str()).changed(
            Some(json!({"failures": earlier.count, "locked_until": locked_until})),
            Some(json!({"failures": 0, "locked_until": null})),
        );
        write.tell_user(user, &told).await?;
        write.commit().await?;
        Ok(())
    }
}

impl Write<'_> {
    /// Whether a secret may be tried for a name.
    pub(crate) async fn lockout(&mut self, name: &str) -> Result<Lockout, MetaError> {
        Ok(self.failures_of(name).await?.unwrap_or_default().check(self.now))
    }

    async fn failures_of(&mut self, name: &str) -> Result<Option<Failures>, MetaError> {
        let select = "SELECT failures, window_at, failed_at, locked_until FROM lockouts WHERE hash = $1";
        let row = self.tx.row("looking for failures", select, args![self.key(name)]).await?;
        row.as_ref().map(failures).transpose()
    }

    /// Counts a failure for a name, and records it when it suspends a user's signing in.
    pub(crate) async fn count_failure(&mut self, name: &str, user: Option<&str>) -> Result<(), MetaError> {
        let doing = "counting a failure";
        let hash = self.key(name);
        let known = self.failures_of(name).await?;
        let is_new = known.is_none();
        let mut counted = known.unwrap_or_default();
        let locks = counted.fail(self.now);
        let upsert = "INSERT INTO lockouts (hash, failures, window_at, failed_at, locked_until)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO UPDATE SET failures = excluded.failures,
            window_at = excluded.window_at, failed_at = excluded.failed_at, locked_until = excluded.locked_until";
        let Failures { count, window_at, failed_at, locked_until } = counted;
        self.tx.run(doing, upsert, args![hash, count, window_at, failed_at, locked_until]).await?;
        if is_new {
            self.bound_names().await?;
        }
        let Some(user) = user.filter(|_| locks) else { return Ok(()) };
        let until = locked_until.map(|until| until.to_string()).unwrap_or_default();
        let told = Told::success(Deed::UserLock, user, name.trim())
            .answered("failures", count)
            .changed(Some(json!({})), Some(json!({"locked_until": until})));
        self.tell_user(user, &told).await
    }

    async fn bound_names(&mut self) -> Result<(), MetaError> {
        let doing = "bounding the counted names";
        let row = self.tx.row(doing, "SELECT count(*) FROM lockouts", args![]).await?;
        if row.map_or(Ok(0), |row| row.int(0))? <= NAMES_MAX {
            return Ok(());
        }
        // A tenth at once, so that a flood of names does not pay for it each time.
        let delete = "DELETE FROM lockouts WHERE hash IN (SELECT hash FROM lockouts ORDER BY failed_at LIMIT $1)";
        self.tx.run(doing, delete, args![NAMES_MAX / 10]).await?;
        Ok(())
    }

    /// Forgets the failures of a name; whether there were any.
    pub(crate) async fn clear_failures(&mut self, name: &str) -> Result<bool, MetaError> {
        let delete = "DELETE FROM lockouts WHERE hash = $1";
        Ok(self.tx.run("forgetting failures", delete, args![self.key(name)]).await? > 0)
    }

    /// Forgets names without a failure for long.
    pub(crate) async fn forget_names(&mut self) -> Result<(), MetaError> {
        let old = self.now.plus_micros(-NAME_KEPT_MICROS);
        self.tx.run("forgetting failures", "DELETE FROM lockouts WHERE failed_at < $1", args![old]).await?;
        Ok(())
    }

    /// The row of a name.
    fn key(&self, name: &str) -> [u8; 32] {
        self.meta().vault().of_name(&folded(name))
    }
}

/// Until when names cannot be used, by their row's key.
pub(crate) async fn load_locked(tx: &mut Tx, now: Timestamp) -> Result<HashMap<[u8; 32], Timestamp>, MetaError> {
    let select = "SELECT hash, locked_until FROM lockouts WHERE locked_until > $1";
    let rows = tx.rows("looking for failures", select, args![now]).await?;
    rows.iter().map(|row| Ok((row.hash(0)?, row.time(1)?))).collect()
}

fn failures(row: &Row) -> Result<Failures, MetaError> {
    Ok(Failures {
        count: row.int(0)?,
        window_at: row.time(1)?,
        failed_at: row.time(2)?,
        locked_until: row.time_or_null(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_795_000_000 + seconds) * MICROS_A_SECOND)
    }

    fn after(failures: &[i64]) -> Failures {
        let mut counted = Failures::default();
        for second in failures {
            counted.fail(at(*second));
        }
        counted
    }

    fn check(failures: &[i64], now: i64, expected: Lockout) {
        assert_eq!(after(failures).check(at(now)), expected, "{failures:?} at {now}");
    }

    #[test]
    fn tries_slow_down_from_the_third_failure_and_stop_at_the_tenth() {
        let wait = |seconds| Lockout::Wait(Duration::from_secs(seconds));
        check(&[], 0, Lockout::Ok);
        check(&[0, 1], 1, Lockout::Ok);
        check(&[0, 1, 2], 2, wait(1));
        check(&[0, 1, 2], 3, Lockout::Ok);
        check(&[0, 1, 2, 3], 3, wait(2));
        check(&[0, 0, 0, 0, 0, 0, 0, 0, 0], 0, wait(60));
        check(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 5], 6, Lockout::Locked(at(905)));
        check(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 5], 905, Lockout::Ok);
    }

    #[test]
    fn failures_of_another_quarter_of_an_hour_do_not_count() {
        check(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 900], 901, Lockout::Ok);
        let mut counted = after(&[0; 10]);
        assert!(!counted.fail(at(901)), "the count began anew");
        let mut counted = after(&[0; 9]);
        assert!(counted.fail(at(899)));
    }
}
