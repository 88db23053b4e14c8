//! A task for each account, so that what holds one up holds up no other; one that breaks off is started again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use whodid_model::AccountName;

/// Pause before a task that broke off is started again.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs a task for each of `all` that has none, looking anew when `changed` is told or a task ends; until `shutdown`, and
/// then until all have ended by themselves. `job` names it in the log.
pub(crate) async fn run<T, F>(
    job: &'static str,
    shutdown: &CancellationToken,
    changed: &Notify,
    all: impl Fn() -> Vec<(AccountName, Arc<T>)>,
    task: impl Fn(AccountName, Arc<T>) -> F,
) where
    T: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut running: HashMap<tokio::task::Id, Arc<T>> = HashMap::new();
    loop {
        for (name, account) in all() {
            if !running.values().any(|other| Arc::ptr_eq(other, &account)) {
                let started = tasks.spawn(task(name, Arc::clone(&account)));
                running.insert(started.id(), account);
            }
        }
        tokio::select! {
            () = changed.notified() => {}
            () = shutdown.cancelled() => {
                while tasks.join_next().await.is_some() {}
                return;
            }
            Some(ended) = tasks.join_next_with_id() => {
                let ended = match ended {
                    Ok((id, ())) => id,
                    Err(panic) => {
                        metrics::counter!("whodid_job_panics_total", "job" => job).increment(1);
                        tracing::error!(job, error = %panic, "the task of an account broke off and is started again: {panic}");
                        tokio::time::sleep(PAUSE).await;
                        panic.id()
                    }
                };
                running.remove(&ended);
            }
        }
    }
}
