//! Reading, compiling and testing rules for whoever asks: work of seconds that a small request can ask for.
//!
//! *Invariants*: so much of it is done at once and no more, on threads of its own, so that neither other requests nor
//! detection wait for it. Who would wait too long, for a turn or for what comes of it, is told so. Work that has begun
//! keeps its turn until it ends, whether somebody still waits for it or not.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use whodid_api::Code;

use super::failure::Failure;

/// Works at once.
const TOGETHER_MAX: usize = 2;
/// Longest wait for a turn.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Longest wait for what comes of it.
const TIME_MAX: Duration = Duration::from_secs(30);
/// Seconds after which who got no turn may try again.
const RETRY_AFTER_S: u64 = 10;

/// The turns.
#[derive(Debug)]
pub struct Compiling {
    turns: Arc<Semaphore>,
    wait_max: Duration,
    time_max: Duration,
}

/// The right to one such work.
#[derive(Debug)]
pub struct Turn {
    permit: OwnedSemaphorePermit,
    time_max: Duration,
}

impl Default for Compiling {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(TOGETHER_MAX)), wait_max: WAIT_MAX, time_max: TIME_MAX }
    }
}

impl Compiling {
    /// Waits for a turn; 503 when none comes in time.
    pub async fn turn(&self) -> Result<Turn, Failure> {
        let turn = tokio::time::timeout(self.wait_max, Arc::clone(&self.turns).acquire_owned()).await;
        match turn {
            Ok(Ok(permit)) => Ok(Turn { permit, time_max: self.time_max }),
            // Too late. The semaphore itself is never closed.
            Ok(Err(_)) | Err(_) => {
                let detail = "too many rules are being compiled and tested at once; nothing was done, try again";
                Err(Failure::new(Code::Unavailable, detail).retry_after(RETRY_AFTER_S))
            }
        }
    }

    /// Does some work when it is its turn.
    pub async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        self.turn().await?.work(work).await
    }
}

impl Turn {
    /// Does it; 504 when it takes too long.
    pub async fn work<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let Self { permit, time_max } = self;
        let worked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match tokio::time::timeout(time_max, worked).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(Failure::internal("compiling or testing rules", &error)),
            Err(_) => {
                let detail = format!(
                    "compiling and testing the rules takes longer than {} s, so nothing was done; give fewer rules, \
                     tests or events at once",
                    time_max.as_secs()
                );
                Err(Failure::new(Code::QueryTimeout, detail))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn compiling() -> Compiling {
        let short = Duration::from_millis(1);
        Compiling { turns: Arc::new(Semaphore::new(1)), wait_max: short, time_max: short }
    }

    #[tokio::test]
    async fn who_gets_no_turn_in_time_is_told_to_come_back() {
        let compiling = compiling();
        let first = compiling.turn().await.unwrap();
        assert_eq!(compiling.work(|| ()).await.unwrap_err().code(), Code::Unavailable);
        drop(first);
        assert!(compiling.turn().await.is_ok());
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_given_up_and_keeps_its_turn_until_it_ends() {
        let compiling = compiling();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let late = compiling
            .work(move || {
                let _ = ended.recv();
            })
            .await;
        assert_eq!(late.unwrap_err().code(), Code::QueryTimeout);
        assert_eq!(compiling.turn().await.unwrap_err().code(), Code::Unavailable, "it still runs");
        drop(end);
        // Waits without a bound: only its end gives the turn back.
        assert!(compiling.turns.acquire().await.is_ok());
    }
}
