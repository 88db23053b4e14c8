//! What a provider said, remembered for a while, and asked for by one at a time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::error::OidcError;

/// How long an answer counts.
const KEPT: Duration = Duration::from_secs(3600);
/// An answer younger than this is not asked for again, whatever it lacks.
const REFRESH_MIN: Duration = Duration::from_secs(60);
/// How long a failure answers for itself, from when the question was asked. Longer than a question takes, so that
/// whoever waited behind one that failed does not ask, and wait, in turn.
const FAILURE_KEPT: Duration = Duration::from_secs(15);
/// A clock may step back by this much; beyond, what is remembered from the future counts as old.
const STEP_BACK_MAX: Duration = Duration::from_secs(60);

/// An answer of a provider and when it was asked for.
#[derive(Debug)]
pub struct Remembered<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    answer: Option<(SystemTime, Arc<T>)>,
    failure: Option<(SystemTime, OidcError)>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { state: Mutex::new(State { answer: None, failure: None }) }
    }
}

impl<T> Remembered<T> {
    /// The answer, from memory while it is younger than an hour.
    pub async fn get(
        &self,
        now: SystemTime,
        ask: impl Future<Output = Result<T, OidcError>>,
    ) -> Result<Arc<T>, OidcError> {
        self.younger_than(KEPT, now, ask).await
    }

    /// The answer, asked for anew unless that was done in the last minute.
    pub async fn refreshed(
        &self,
        now: SystemTime,
        ask: impl Future<Output = Result<T, OidcError>>,
    ) -> Result<Arc<T>, OidcError> {
        self.younger_than(REFRESH_MIN, now, ask).await
    }

    async fn younger_than(
        &self,
        age_max: Duration,
        now: SystemTime,
        ask: impl Future<Output = Result<T, OidcError>>,
    ) -> Result<Arc<T>, OidcError> {
        // Held while asking: a provider that hangs has one question of ours open, not one for each person.
        let mut state = self.state.lock().await;
        if let Some((asked_at, answer)) = &state.answer
            && age(*asked_at, now) < age_max
        {
            return Ok(answer.clone());
        }
        if let Some((asked_at, failure)) = &state.failure
            && age(*asked_at, now) < FAILURE_KEPT
        {
            return Err(failure.clone());
        }
        match ask.await {
            Ok(answer) => {
                let answer = Arc::new(answer);
                *state = State { answer: Some((now, answer.clone())), failure: None };
                Ok(answer)
            }
            // An answer that is there stays: a refresh that fails takes nothing away.
            Err(failure) => {
                state.failure = Some((now, failure.clone()));
                Err(failure)
            }
        }
    }
}

fn age(at: SystemTime, now: SystemTime) -> Duration {
    match now.duration_since(at) {
        Ok(age) => age,
        Err(ahead) if ahead.duration() <= STEP_BACK_MAX => Duration::ZERO,
        Err(_) => Duration::MAX,
    }
}
