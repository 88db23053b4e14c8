//! Writing down what was found.

use std::time::Duration;

use whodid_model::{AccountName, StreamName, chain};

use crate::engine::Engine;
use crate::error::ErrorKind;

/// Pause after findings could not be recorded.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Findings recorded together, and their bytes.
const FINDINGS_TOGETHER: usize = 500;
const FINDINGS_BYTES: usize = 4 << 20;

impl Engine {
    /// Records findings, however long it takes: until then the cursor stays. `false` when the engine ends before.
    pub(super) async fn record_findings(&self, account: &AccountName, events: Vec<String>) -> bool {
        let mut rest = events.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |event: &&String| {
                bytes += event.len();
                bytes <= FINDINGS_BYTES
            };
            let count = rest.iter().take(FINDINGS_TOGETHER).take_while(fits).count().max(1);
            let (together, later) = rest.split_at(count);
            if !self.record_some(account, together).await {
                return false;
            }
            rest = later;
        }
        true
    }

    async fn record_some(&self, account: &AccountName, events: &[String]) -> bool {
        while let Err(error) = self.record(account, &StreamName::findings(), events.to_vec()).await {
            if self.inner.shutdown.is_cancelled() {
                return false;
            }
            if error.kind == ErrorKind::Internal {
                // Trying again would end the same way. One of them must not take the others with it.
                if let [event] = events {
                    metrics::counter!("whodid_findings_lost_total").increment(1);
                    tracing::error!(account = %account, bytes = event.len(), error = %chain(&error), "a finding cannot be recorded and is lost: please report it");
                    return true;
                }
                for event in events {
                    if !Box::pin(self.record_some(account, std::slice::from_ref(event))).await {
                        return false;
                    }
                }
                return true;
            }
            tracing::error!(account = %account, error = %chain(&error), "findings cannot be recorded yet, and detection of this account waits");
            tokio::select! {
                () = tokio::time::sleep(RETRY_PAUSE) => {}
                () = self.inner.shutdown.cancelled() => return false,
            }
        }
        metrics::counter!("whodid_findings_total").increment(events.len() as u64);
        true
    }
}
