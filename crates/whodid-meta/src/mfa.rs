//! Second factors: set up in two steps, asked for in a challenge, replaced by recovery codes.

use serde_json::json;
use whodid_audit::{Actor, Deed, Reason, Told};
use whodid_model::time::MICROS_A_SECOND;
use whodid_model::{AccountName, Timestamp};

use crate::secret::{self, Secret, TOKEN_BYTES};
use crate::sql::args;
use crate::users::{User, load_at_home, load_user};
use crate::write::Write;
use crate::{ChangeError, Lockout, Meta, MetaError, Method, totp};

/// How long a challenge can be answered, in microseconds.
pub const CHALLENGE_VALID_MICROS: i64 = 5 * 60 * MICROS_A_SECOND;
/// Open challenges of one user; the oldest go.
pub const CHALLENGES_MAX: i64 = 5;
/// Wrong answers that a challenge takes.
pub const CHALLENGE_TRIES_MAX: i64 = 5;
/// Recovery codes made at a time.
pub const RECOVERY_CODES: usize = 10;
const COUNT_RECOVERY_CODES: &str = "SELECT count(*) FROM recovery_codes WHERE user_id = $1";
/// Bytes of a recovery code: 120 bits.
const RECOVERY_BYTES: usize = 15;
/// Characters between two dashes of a recovery code.
const RECOVERY_GROUP: usize = 6;

/// A second factor that waits for its first code. Shown once.
#[derive(Debug, Clone)]
pub struct TotpSetup {
    /// The secret in base32, to type.
    pub secret: Secret,
    /// The same as an `otpauth://` address, to scan.
    pub uri: Secret,
}

/// What is given as a second factor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Six digits of an authenticator app.
    Code(&'a str),
    /// A recovery code, which is used up.
    Recovery(&'a str),
}

impl std::fmt::Debug for Answer<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Code(_) => "Code(…)",
            Self::Recovery(_) => "Recovery(…)",
        })
    }
}

/// A challenge that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Whose it was.
    pub user: String,
    /// How the session is opened: as the sign-in began, or by a recovery code.
    pub method: Method,
}

/// What came of asking somebody for their second factor again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum FactorCheck {
    /// The answer was right, and is used up.
    Passed,
    /// It is wrong, or was used before.
    Wrong,
    /// After too many failures nothing is looked at before this moment, not even a right answer.
    Locked(Timestamp),
}

/// Why a challenge was not passed.
#[derive(Debug, thiserror::Error)]
pub enum ChallengeError {
    /// Unknown, answered, too old, or answered wrongly too often. Sign in again.
    #[error("this sign-in has expired; begin again")]
    Expired,
    /// The code is wrong, or was used before.
    #[error("the code is wrong or was used before")]
    WrongCode {
        /// Tries that are left.
        left: i64,
    },
    /// After too many failures nothing is looked at, not even a right answer. The challenge stays open.
    #[error("signing in is suspended after too many failures")]
    Locked {
        /// Until when.
        until: Timestamp,
    },
    /// The metadata cannot be read or written.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

impl Write<'_> {
    /// Tells of sign-ins that were begun with the right password and to which nobody gave a code in time: the best
    /// sign that somebody else has the password.
    ///
    /// `of`: the user whose sign-ins end now, whether or not their time is over; without one everybody's whose is.
    pub(crate) async fn tell_unanswered(&mut self, of: Option<&str>) -> Result<(), MetaError> {
        let select =
            "SELECT c.user_id, c.method, c.created_at, u.name FROM challenges c JOIN users u ON u.id = c.user_id
            WHERE (c.expires_at < $1 OR c.user_id = $2) AND c.tries = 0 ORDER BY c.created_at";
        for row in self.tx.rows("reading what was not answered", select, args![self.now, of]).await? {
            let (user, text) = (row.text(0)?, "a sign-in was begun, and no code was given to it in time");
            let reason = Reason { status: 401, code: "unanswered".to_owned(), text: text.to_owned() };
            let mut told = Told::failure(Deed::MfaAuthenticate, user.as_str(), reason)
                .asked("method", row.text(1)?)
                .asked("begun", row.time(2)?.to_string());
            told.target_name = row.text(3)?;
            self.tell_user(&user, &told).await?;
        }
        Ok(())
    }
}

impl Meta {
    /// First step of setting up a second factor. Nothing is asked for until [`Meta::confirm_totp`].
    pub async fn begin_totp(&self, user: &str, now: Timestamp) -> Result<TotpSetup, ChangeError> {
        let by = Actor::system();
        // Nothing changes for anybody yet, so there is nothing to record.
        let mut write = self.write_unaudited(&by, now).await?;
        let found = load_user(&mut write.tx, user).await?;
        if found.has_mfa {
            return Err(ChangeError::Already { what: "a second factor is set up" });
        }
        write.guard_key().await?;
        let mut random = [0; totp::SECRET_BYTES];
        getrandom::fill(&mut random)?;
        let sealed = self.vault().seal(user, &random)?;
        let upsert = "INSERT INTO second_factors (user_id, sealed, created_at, last_step) VALUES ($1, $2, $3, 0)
            ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at";
        write.tx.run("setting up a second factor", upsert, args![user, sealed, now]).await?;
        write.commit_unseen().await?;
        let uri = Secret::new(totp::uri(&random, &found.name, "whodid"));
        Ok(TotpSetup { secret: Secret::new(totp::base32(&random)), uri })
    }

    /// Second step: with a code of the app, the second factor counts. The recovery codes are shown once.
    pub async fn confirm_totp(
        &self,
        by: &Actor,
        user: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<Vec<Secret>, ChangeError> {
        let mut write = self.write(by, now).await?;
        let found = load_user(&mut write.tx, user).await?;
        if found.has_mfa {
            return Err(ChangeError::Already { what: "a second factor is set up" });
        }
        let select = "SELECT sealed FROM second_factors WHERE user_id = $1";
        let row = write.tx.row("setting up a second factor", select, args![user]).await?;
        let sealed = row.ok_or(ChangeError::NotThere { what: "second factor" })?.bytes(0)?;
        let secret = self.vault().unseal(user, &sealed)?;
        let step = totp::accept(&secret, code, 0, now).ok_or(ChangeError::WrongCode)?;
        let update = "UPDATE second_factors SET confirmed_at = $1, last_step = $2 WHERE user_id = $3";
        write.tx.run("setting up a second factor", update, args![now, step, user]).await?;
        let codes = write.make_recovery_codes(user).await?;
        write.tell_mfa(Deed::MfaEnable, &found, true).await?;
        write.commit().await?;
        Ok(codes)
    }

    /// Removes a user's second factor, as they asked and proved.
    pub async fn remove_totp(&self, by: &Actor, user: &str, now: Timestamp) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let found = load_user(&mut write.tx, user).await?;
        write.remove_second_factor(&found).await?;
        write.commit().await?;
        Ok(())
    }

    /// Removes a member's second factor, such as when the phone is lost, and ends their sessions. Only the home
    /// account may.
    pub async fn reset_totp(
        &self,
        by: &Actor,
        account: &AccountName,
        user: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let found = load_at_home(&mut write.tx, account, user).await?;
        write.remove_second_factor(&found).await?;
        write.end_sessions(user, None, "the second factor was removed").await?;
        write.commit().await?;
        Ok(())
    }

    /// Makes the recovery codes anew; the old ones are worth nothing.
    pub async fn new_recovery_codes(&self, by: &Actor, user: &str, now: Timestamp) -> Result<Vec<Secret>, ChangeError> {
        let mut write = self.write(by, now).await?;
        let found = load_user(&mut write.tx, user).await?;
        if !found.has_mfa {
            return Err(ChangeError::NotThere { what: "second factor" });
        }
        let left = write.recovery_codes_left(user).await?;
        let codes = write.make_recovery_codes(user).await?;
        let told = Told::success(Deed::MfaUpdate, user, found.name.as_str()).asked("factor", "recovery-codes").changed(
            Some(json!({"recovery_codes_left": left})),
            Some(json!({"recovery_codes_left": codes.len(), "recovery_codes_made_at": now.to_string()})),
        );
        write.tell_user(user, &told).await?;
        write.commit().await?;
        Ok(codes)
    }

    /// How many recovery codes a user has left.
    pub async fn recovery_codes_left(&self, user: &str) -> Result<i64, MetaError> {
        let row = self.db().row("counting recovery codes", COUNT_RECOVERY_CODES, args![user]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    /// Begins to ask for the second factor of somebody who gave the first. The token holds the place.
    pub async fn begin_challenge(&self, user: &str, method: Method, now: Timestamp) -> Result<Secret, ChangeError> {
        let by = Actor::system();
        let mut write = self.write_unaudited(&by, now).await?;
        // Whoever begins again and again gets no more tries by it, and no row for each.
        let delete = "DELETE FROM challenges WHERE user_id = $1 AND hash NOT IN
            (SELECT hash FROM challenges WHERE user_id = $1 ORDER BY created_at DESC LIMIT $2)";
        write.tx.run("beginning a challenge", delete, args![user, CHALLENGES_MAX - 1]).await?;
        let token = secret::random_text(TOKEN_BYTES)?;
        let insert = "INSERT INTO challenges (hash, user_id, method, tries, created_at, expires_at)
            VALUES ($1, $2, $3, 0, $4, $5)";
        let expires_at = now.plus_micros(CHALLENGE_VALID_MICROS);
        let args = args![secret::hash(&token), user, method.as_str(), now, expires_at];
        write.tx.run("beginning a challenge", insert, args).await?;
        write.commit_unseen().await?;
        Ok(Secret::new(token))
    }

    /// Answers a challenge. A right answer ends it; so do [`CHALLENGE_TRIES_MAX`] wrong ones, which count as
    /// failed sign-ins too. While the user's name is suspended, no answer is looked at.
    pub async fn answer_challenge(
        &self,
        by: &Actor,
        token: &str,
        answer: Answer<'_>,
        now: Timestamp,
    ) -> Result<Answered, ChallengeError> {
        let hash = secret::hash(token);
        let select = "SELECT user_id, method, tries FROM challenges WHERE hash = $1 AND expires_at > $2";
        // A guess is found out by reading: it must not take the one writer's place from others.
        self.db().row("reading a challenge", select, args![hash, now]).await?.ok_or(ChallengeError::Expired)?;
        let mut write = self.write(by, now).await?;
        let row = write.tx.row("reading a challenge", select, args![hash, now]).await?;
        let row = row.ok_or(ChallengeError::Expired)?;
        let (user, method, tries) = (row.text(0)?, Method::parse(&row.text(1)?), row.int(2)?);
        let passed = match write.check_second_factor(&user, answer).await? {
            FactorCheck::Passed => true,
            FactorCheck::Wrong => false,
            FactorCheck::Locked(until) => return Err(ChallengeError::Locked { until }),
        };
        let left = CHALLENGE_TRIES_MAX - tries - 1;
        if passed || left <= 0 {
            write.tx.run("ending a challenge", "DELETE FROM challenges WHERE hash = $1", args![hash]).await?;
        } else {
            let update = "UPDATE challenges SET tries = tries + 1 WHERE hash = $1";
            write.tx.run("counting an answer", update, args![hash]).await?;
        }
        write.commit_unseen().await?;
        if !passed {
            return Err(ChallengeError::WrongCode { left: left.max(0) });
        }
        let method = if matches!(answer, Answer::Recovery(_)) { Method::Recovery } else { method };
        Ok(Answered { user, method })
    }

    /// Asks somebody who is signed in for their second factor again, before a sensitive change.
    pub async fn check_second_factor(
        &self,
        by: &Actor,
        user: &str,
        answer: Answer<'_>,
        now: Timestamp,
    ) -> Result<FactorCheck, MetaError> {
        let mut write = self.write(by, now).await?;
        let checked = write.check_second_factor(user, answer).await?;
        write.commit_unseen().await?;
        Ok(checked)
    }
}

impl Write<'_> {
    /// Whether an answer is right, which uses it up. Recorded either way; a wrong one counts as a failure. While the
    /// name is suspended nothing is looked at, used up or recorded.
    async fn check_second_factor(&mut self, user: &str, answer: Answer<'_>) -> Result<FactorCheck, MetaError> {
        let doing = "checking a second factor";
        let select = "SELECT name FROM users WHERE id = $1";
        let name = self.tx.row(doing, select, args![user]).await?.map_or(Ok(String::new()), |row| row.text(0))?;
        if let Lockout::Locked(until) = self.lockout(&name).await? {
            return Ok(FactorCheck::Locked(until));
        }
        let passed = match answer {
            Answer::Code(code) => {
                let select = "SELECT sealed, last_step FROM second_factors
                    WHERE user_id = $1 AND confirmed_at IS NOT NULL";
                match self.tx.row(doing, select, args![user]).await? {
                    None => false,
                    Some(row) => {
                        let secret = self.meta().vault().unseal(user, &row.bytes(0)?)?;
                        match totp::accept(&secret, code, row.int(1)?, self.now) {
                            None => false,
                            Some(step) => {
                                let update = "UPDATE second_factors SET last_step = $1 WHERE user_id = $2";
                                self.tx.run(doing, update, args![step, user]).await?;
                                true
                            }
                        }
                    }
                }
            }
            Answer::Recovery(code) => {
                let delete = "DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2";
                self.tx.run(doing, delete, args![user, recovery_hash(code)]).await? > 0
            }
        };
        let factor = if matches!(answer, Answer::Code(_)) { "totp" } else { "recovery-code" };
        let mut told = if passed {
            Told::success(Deed::MfaAuthenticate, user, name.as_str())
        } else {
            let text = "the code is wrong or was used before".to_owned();
            Told::failure(Deed::MfaAuthenticate, user, Reason { status: 401, code: "code_wrong".to_owned(), text })
        };
        told.target_name.clone_from(&name);
        self.tell_user(user, &told.asked("factor", factor)).await?;
        if passed {
            return Ok(FactorCheck::Passed);
        }
        self.count_failure(&name, Some(user)).await?;
        Ok(FactorCheck::Wrong)
    }

    async fn make_recovery_codes(&mut self, user: &str) -> Result<Vec<Secret>, ChangeError> {
        let doing = "making recovery codes";
        self.tx.run(doing, "DELETE FROM recovery_codes WHERE user_id = $1", args![user]).await?;
        let mut codes = Vec::with_capacity(RECOVERY_CODES);
        for _ in 0..RECOVERY_CODES {
            let text = secret::random_text(RECOVERY_BYTES)?;
            let insert = "INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)";
            self.tx.run(doing, insert, args![user, recovery_hash(&text)]).await?;
            let characters: Vec<char> = text.chars().collect();
            let groups: Vec<String> = characters.chunks(RECOVERY_GROUP).map(|group| group.iter().collect()).collect();
            codes.push(Secret::new(groups.join("-")));
        }
        Ok(codes)
    }

    async fn remove_second_factor(&mut self, user: &User) -> Result<(), ChangeError> {
        let doing = "removing a second factor";
        if !user.has_mfa {
            return Err(ChangeError::NotThere { what: "second factor" });
        }
        self.tx.run(doing, "DELETE FROM second_factors WHERE user_id = $1", args![&user.id]).await?;
        self.tx.run(doing, "DELETE FROM recovery_codes WHERE user_id = $1", args![&user.id]).await?;
        self.tell_mfa(Deed::MfaDisable, user, false).await?;
        Ok(())
    }

    async fn recovery_codes_left(&mut self, user: &str) -> Result<i64, MetaError> {
        let row = self.tx.row("counting recovery codes", COUNT_RECOVERY_CODES, args![user]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    async fn tell_mfa(&mut self, deed: Deed, user: &User, enabled: bool) -> Result<(), MetaError> {
        let told = Told::success(deed, user.id.as_str(), user.name.as_str())
            .asked("factor", "totp")
            .changed(Some(json!({"mfa": !enabled})), Some(json!({"mfa": enabled})));
        self.tell_user(&user.id, &told).await
    }
}

/// The hash of a code as it may be typed: in capitals, with other dashes, with letters that read like digits.
fn recovery_hash(code: &str) -> [u8; 32] {
    let plain =
        code.chars().filter(char::is_ascii_alphanumeric).map(|character| match character.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        });
    secret::hash(&plain.collect::<String>())
}
