//! The threads that look at records: a fixed few, as many as there are cores, for all accounts.
//!
//! Not the runtime's threads for blocking work, of which there may be hundreds, each for a moment: what correlations
//! remember is made and let go of by whichever thread takes a step, and the allocator keeps a heap for each of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel};

use parking_lot::Mutex;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Ends its threads when it is dropped, each after the step that it is at.
#[derive(Debug)]
pub(crate) struct Workers {
    jobs: Sender<Job>,
    /// How many of the next pieces of work are let fall, as if their thread had gone.
    #[cfg(test)]
    pub lost: std::sync::atomic::AtomicUsize,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokenOff {
    /// The work panicked, and would again.
    #[error("it panicked: {0}")]
    Panicked(String),
    /// It was not done, or not to its end, through no fault of its own.
    #[error("no thread of detection did it")]
    NotRun,
}

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for number in 0..count {
            let waiting = Arc::clone(&waiting);
            let thread = std::thread::Builder::new().name(format!("whodid-detect-{number}"));
            thread.spawn(move || work_off(&waiting))?;
        }
        Ok(Self {
            jobs,
            #[cfg(test)]
            lost: std::sync::atomic::AtomicUsize::new(0),
        })
    }

    /// Runs work on one of the threads, when one is free, in the order in which it was asked for. It runs to its end also
    /// when the caller goes away.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BrokenOff> {
        let (answer, answered) = oneshot::channel();
        let job = move || {
            let done = catch_unwind(AssertUnwindSafe(work)).map_err(|panic| words(panic.as_ref()));
            drop(answer.send(done));
        };
        self.send(Box::new(job))?;
        answered.await.map_err(|_| BrokenOff::NotRun)?.map_err(BrokenOff::Panicked)
    }

    fn send(&self, job: Job) -> Result<(), BrokenOff> {
        #[cfg(test)]
        if self.lost.fetch_update(Relaxed, Relaxed, |lost| lost.checked_sub(1)).is_ok() {
            return Ok(());
        }
        self.jobs.send(job).map_err(|_| BrokenOff::NotRun)
    }
}

fn work_off(waiting: &Mutex<Receiver<Job>>) {
    loop {
        // Its own statement: the lock is let go of before the work begins.
        let next = waiting.lock().recv();
        let Ok(job) = next else { return };
        job();
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_says_why_and_takes_no_other_with_it() {
        let workers = Workers::start().unwrap();
        for _ in 0..20 {
            let broken = workers.run(|| -> u32 { panic!("at record 7") }).await;
            assert_eq!(broken.unwrap_err().to_string(), "it panicked: at record 7");
        }
        assert_eq!(workers.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn work_whose_caller_goes_away_is_done_all_the_same() {
        let workers = Workers::start().unwrap();
        let (done, told) = oneshot::channel();
        // Asked for, and waited for no longer.
        drop(tokio::time::timeout(std::time::Duration::ZERO, workers.run(move || done.send(()))).await);
        assert!(told.await.is_ok());
        assert_eq!(workers.run(|| 7).await.unwrap(), 7);
    }
}
