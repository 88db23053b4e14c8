//! The steps of signing in, whichever way they begin: prove who one is, give the second factor, begin a session.
//!
//! Whether there is such a user can be told neither from the answer nor from its time: a name that is not there is
//! counted, locked and hashed against like one that is.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};
use whodid_api::Code;
use whodid_audit::{By, Credential, Deed};
use whodid_meta::{
    Answer, CHALLENGE_VALID_MICROS, ChallengeError, Credentials, Device, LinkError, LinkKind, Lockout, Method,
    NewSession, Secret,
};
use whodid_model::Timestamp;

use super::App;
use super::attempts::bucket;
use super::audit::Attempt;
use super::failure::Failure;
use super::passwords;

/// Where a step led.
#[derive(Debug)]
pub enum SignedInBy {
    /// Signed in.
    Session(Box<NewSession>),
    /// A second factor is still to come.
    Challenge {
        /// What to give back with the code.
        token: Secret,
        /// Until when.
        expires_at: Timestamp,
    },
}

/// One try at a time for each name, and for each address: of many at once, all would be compared before the first of them was counted.
#[derive(Debug)]
pub struct Turns {
    by_name: [Mutex<()>; TURNS],
    hasher: RandomState,
}

/// Names that can be tried at once. Two names that meet wait for each other, which an attacker cannot aim at.
const TURNS: usize = 256;
/// How long a try waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(5);

impl Default for Turns {
    fn default() -> Self {
        Self { by_name: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl Turns {
    async fn take(&self, name: &str) -> Result<MutexGuard<'_, ()>, Failure> {
        let hash = self.hasher.hash_one(name.trim().to_lowercase());
        let place = usize::try_from(hash % TURNS as u64).unwrap_or(0);
        let waited = tokio::time::timeout(TURN_WAIT, self.by_name[place].lock()).await;
        waited.map_err(|_| Failure::new(Code::Overloaded, "too many sign-ins with this name at once; try again"))
    }
}

/// By name and password.
pub async fn by_password(
    app: &App,
    attempt: &Attempt,
    name: &str,
    password: String,
    address: IpAddr,
    device: &Device,
) -> Result<SignedInBy, Failure> {
    let known = prove(app, attempt, name, password, address, false).await?;
    refuse_passwords_off(app, attempt, &known).await?;
    begin(app, attempt, &known.user, known.has_mfa, Method::Password, device).await
}

/// Refuses a password, even the right one, where an account lets people in with the identity provider only.
pub async fn refuse_passwords_off(app: &App, attempt: &Attempt, known: &Credentials) -> Result<(), Failure> {
    if !known.settings.password_sign_in {
        let name = known.name.as_str();
        let (code, text) = ("password-sign-in-off", "the account lets people sign in with the identity provider only");
        let (by, now) = (attempt.actor(), crate::clock::now());
        app.meta.sign_in_failed(&by, name, Some(&known.user), code, text, now).await?;
        return Err(Failure::new(Code::Forbidden, "your account lets people sign in with the identity provider only"));
    }
    Ok(())
}

/// How long this address must wait before it may try again.
fn refuse_address(app: &App, address: IpAddr, at: Instant) -> Result<(), Failure> {
    let Some(wait) = app.password_attempts.wait(address, at) else { return Ok(()) };
    let detail = "too many failed sign-ins from this address; wait, or use a one-time link";
    Err(Failure::new(Code::TooManyTries, detail).retry_after(wait.as_secs().max(1)))
}

/// Proves by name and password who somebody is. Failures are told to the audit log by the store. `joins`: whether they
/// are about to join an account, and need not belong to one yet.
pub async fn prove(
    app: &App,
    attempt: &Attempt,
    name: &str,
    password: String,
    address: IpAddr,
    joins: bool,
) -> Result<Credentials, Failure> {
    attempt.is_told();
    // The address first, so that who tries one password on everybody is counted before the next try.
    let _turn_of_address = app.turns_of_addresses.take(&bucket(address).to_string()).await?;
    let _turn = app.turns_of_names.take(name).await?;
    let at = Instant::now();
    refuse_address(app, address, at)?;
    refuse_locked(app, name).await?;
    let known = match joins {
        true => app.meta.credentials_to_join(name).await?,
        false => app.meta.credentials(name).await?,
    };
    let stored = known.as_ref().and_then(|known| known.password.clone());
    let is_right = passwords::verify(app, password, stored).await?;
    let by = attempt.actor();
    let user = known.as_ref().map(|known| known.user.clone());
    if let Some(known) = known.filter(|_| is_right) {
        let by = By::User { id: known.user.clone(), name: known.name.clone() };
        attempt.is_by(by, Some(Credential::Password));
        return Ok(known);
    }
    app.password_attempts.fail(address, at);
    let text = "the name or the password is wrong";
    app.meta.sign_in_failed(&by, name, user.as_deref(), "sign_in_failed", text, crate::clock::now()).await?;
    tracing::warn!(%address, "a sign-in failed");
    Err(Failure::new(Code::SignInFailed, text))
}

/// Proves by the password that who is signed in is still the same person. Counted and locked like signing in.
pub async fn prove_signed_in(app: &App, attempt: &Attempt, name: &str, password: String) -> Result<(), Failure> {
    let _turn = app.turns_of_names.take(name).await?;
    refuse_locked(app, name).await?;
    let known = app.meta.credentials(name).await?;
    let (user, stored) = known.map_or((None, None), |known| (Some(known.user), known.password));
    if passwords::verify(app, password, stored).await? {
        return Ok(());
    }
    attempt.is_told();
    let (by, now) = (attempt.actor(), crate::clock::now());
    let text = "the password is wrong";
    app.meta.sign_in_failed(&by, name, user.as_deref(), "sign_in_failed", text, now).await?;
    Err(Failure::new(Code::SignInFailed, text))
}

/// Refuses a name with too many failures, whether or not there is such a user.
async fn refuse_locked(app: &App, name: &str) -> Result<(), Failure> {
    match app.meta.check_lockout(name, crate::clock::now()).await? {
        Lockout::Ok => Ok(()),
        Lockout::Wait(wait) => Err(suspended(wait.as_secs() + 1)),
        Lockout::Locked(until) => Err(locked(until)),
    }
}

/// What who signs in is told while nothing is looked at before a moment.
pub fn locked(until: Timestamp) -> Failure {
    suspended(u64::try_from((until.micros() - crate::clock::now().micros()) / 1_000_000 + 1).unwrap_or(1))
}

fn suspended(seconds: u64) -> Failure {
    let detail = "too many failed sign-ins with this name; wait, or ask an administrator to unlock it";
    Failure::new(Code::TooManyTries, detail).retry_after(seconds)
}

/// By a one-time link. Who has a second factor is asked for it too.
pub async fn by_link(app: &App, attempt: &Attempt, token: &str, device: &Device) -> Result<SignedInBy, LinkError> {
    let now = crate::clock::now();
    let link = app.meta.look_at_link(token, now).await?;
    if link.kind != LinkKind::SignIn {
        return Err(LinkError::Expired);
    }
    let known = app.meta.credentials(&link.user_name).await?.ok_or(LinkError::Expired)?;
    let by = By::User { id: known.user.clone(), name: known.name.clone() };
    attempt.is_by(by, Some(Credential::Link));
    attempt.is_told();
    if known.has_mfa {
        let user = app.meta.link_user(&attempt.actor(), token, now).await?;
        return Ok(challenge(app, &user, Method::Link).await?);
    }
    let begun = app.meta.use_link(&attempt.actor(), token, device, now).await?;
    tracing::info!(user = begun.session.user.id, session.id = begun.session.id, "signed in by a link");
    Ok(SignedInBy::Session(Box::new(begun)))
}

async fn challenge(app: &App, user: &str, method: Method) -> Result<SignedInBy, whodid_meta::ChangeError> {
    let now = crate::clock::now();
    let token = app.meta.begin_challenge(user, method, now).await?;
    Ok(SignedInBy::Challenge { token, expires_at: now.plus_micros(CHALLENGE_VALID_MICROS) })
}

/// Begins a session, or asks for the second factor first.
pub async fn begin(
    app: &App,
    attempt: &Attempt,
    user: &str,
    has_mfa: bool,
    method: Method,
    device: &Device,
) -> Result<SignedInBy, Failure> {
    if has_mfa {
        return Ok(challenge(app, user, method).await?);
    }
    let now = crate::clock::now();
    let begun = app.meta.sign_in_succeeded(&attempt.actor(), user, device, method, false, now).await?;
    tracing::info!(user, session.id = begun.session.id, method = method.as_str(), "signed in");
    Ok(SignedInBy::Session(Box::new(begun)))
}

/// Six digits of the app, or a recovery code.
pub fn answer_of(code: &str) -> Answer<'_> {
    let digits = code.chars().filter(char::is_ascii_digit).count();
    let is_code = digits == 6 && code.chars().all(|character| character.is_ascii_digit() || character == ' ');
    if is_code { Answer::Code(code) } else { Answer::Recovery(code) }
}

/// The second step: six digits or a recovery code.
pub async fn by_code(
    app: &App,
    attempt: &Attempt,
    challenge: &str,
    code: &str,
    address: IpAddr,
    device: &Device,
) -> Result<SignedInBy, Failure> {
    attempt.is_a(Deed::MfaAuthenticate);
    attempt.is_told();
    let at = Instant::now();
    refuse_address(app, address, at)?;
    let now = crate::clock::now();
    match app.meta.answer_challenge(&attempt.actor(), challenge, answer_of(code), now).await {
        Ok(answered) => {
            let user = answered.user;
            if let Some(found) = app.meta.user_by_id(&user).await? {
                attempt.is_by(By::User { id: found.id, name: found.name }, None);
            }
            let begun = app.meta.sign_in_succeeded(&attempt.actor(), &user, device, answered.method, true, now).await?;
            tracing::info!(user, session.id = begun.session.id, "signed in with a second factor");
            Ok(SignedInBy::Session(Box::new(begun)))
        }
        Err(error) => {
            // What was not looked at is no try.
            if matches!(error, ChallengeError::Expired | ChallengeError::WrongCode { .. }) {
                app.password_attempts.fail(address, at);
            }
            Err(match error {
                ChallengeError::Expired => {
                    Failure::new(Code::CodeWrong, "this sign-in has expired or had too many wrong codes; begin again")
                }
                ChallengeError::WrongCode { left: 0 } => {
                    Failure::new(Code::CodeWrong, "the code is wrong or was used before; begin again")
                }
                ChallengeError::WrongCode { left } => Failure::new(
                    Code::CodeWrong,
                    format!("the code is wrong or was used before; {left} tries are left"),
                ),
                ChallengeError::Locked { until } => locked(until),
                ChallengeError::Meta(error) => error.into(),
            })
        }
    }
}
