//! Logs and metrics.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Upper bounds of the buckets of everything measured in seconds.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Sends log lines to standard error, as configured.
pub fn start_log(config: &Config) {
    let filter = EnvFilter::new(filter(&config.log_level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Tests and `demo` may start a second time in one process; the first log stays.
    let _ = match config.log_format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
    };
}

/// A level alone is for our own crates: others only warn, and the Delta library, which reports a
/// table that does not exist yet as an error, says nothing.
fn filter(level: &str) -> String {
    if level.contains(['=', ',']) {
        level.to_owned()
    } else {
        format!("warn,buoyant_kernel=off,delta_kernel=off,whodid={level}")
    }
}

/// The numbers behind `/metrics`.
#[derive(Clone)]
pub struct Telemetry(PrometheusHandle);

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Telemetry")
    }
}

impl Telemetry {
    /// Starts counting. Once a process.
    pub fn start() -> anyhow::Result<Self> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| anyhow::anyhow!("metrics were started twice"))?;
        metrics::describe_counter!("whodid_http_requests_total", "Requests answered, by method, route and status");
        metrics::describe_histogram!("whodid_http_request_seconds", "Time until the head of an answer, in seconds");
        metrics::describe_counter!("whodid_ingest_bytes_total", "Inflated bytes of request bodies taken in");
        metrics::describe_gauge!("whodid_http_connections", "Open connections");
        metrics::describe_counter!(
            "whodid_http_connections_refused_total",
            "Connections refused because their peer had as many as one may have"
        );
        metrics::describe_counter!("whodid_deliveries_total", "Tries to tell a channel, by how they ended");
        metrics::describe_counter!(
            "whodid_deliveries_given_up_total",
            "Notices that a channel was not told, and will not be"
        );
        metrics::describe_gauge!("whodid_detect_behind", "Records that no rule has looked at yet");
        metrics::describe_gauge!("whodid_detect_dropped_groups", "Groups that rules let go because memory was full");
        metrics::describe_gauge!(
            "whodid_detect_dropped_matches",
            "Matches that rules let go because their group was full"
        );
        metrics::describe_gauge!("whodid_detect_state_bytes", "Bytes that rules remember, about");
        metrics::describe_gauge!(
            "whodid_detect_kept_bytes",
            "Bytes of records that are in the lake and stay in memory until rules have looked at them"
        );
        metrics::describe_gauge!("whodid_rules_problems", "Rules and exceptions that cannot be used as they stand");
        // From the start: a series that is not there alarms nobody.
        for name in
            ["whodid_flush_failures_total", "whodid_http_connections_refused_total", "whodid_deliveries_given_up_total"]
        {
            metrics::counter!(name).increment(0);
        }
        for outcome in ["delivered", "refused", "failed"] {
            metrics::counter!("whodid_deliveries_total", "outcome" => outcome).increment(0);
        }
        for name in [
            "whodid_detect_behind",
            "whodid_detect_dropped_groups",
            "whodid_detect_dropped_matches",
            "whodid_rules_problems",
        ] {
            metrics::gauge!(name).set(0.0);
        }
        metrics::counter!("whodid_ingest_refused_total", "reason" => "memory").increment(0);
        metrics::gauge!("whodid_tables_unavailable").set(0.0);
        metrics::gauge!("whodid_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Ok(Self(handle))
    }

    /// The numbers as Prometheus reads them.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Drops what is too old to keep. Call it every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}
