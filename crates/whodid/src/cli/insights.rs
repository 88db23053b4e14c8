//! Flags of `insights`: what departs from what is usual.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ClientFlags;

/// What to do with insights.
#[derive(Debug, Subcommand)]
pub enum InsightsVerb {
    /// List insights, the latest first
    #[command(
        after_help = "Examples:\n  whodid insights list --from 7d\n  whodid insights list --type IpInsight --state open\n  whodid insights list --event-name DeleteKey --form cloudtrail --output json"
    )]
    List(Box<ListFlags>),
    /// Show an insight: what it is made of, and why it is one
    #[command(after_help = "Examples:\n  whodid insights show 5b0c…\n  whodid insights show 5b0c… --output json")]
    Show(InsightFlags),
    /// The series behind an insight, or of an action: counted, expected, and the upper bound
    #[command(
        after_help = "Examples:\n  whodid insights series 5b0c… --period 60\n  whodid insights series --event-name kms.secrets.delete --region eu-de --from 7d --period 3600 --output csv\n  whodid insights series --event-name DeleteKey --event-source kms.amazonaws.com --form cloudtrail --output json"
    )]
    Series(Box<SeriesFlags>),
    /// How insights are made, and how far learning is
    #[command(after_help = "Examples:\n  whodid insights status")]
    Status(ClientFlags),
    /// Switch a kind on
    #[command(after_help = "Examples:\n  whodid insights enable IpInsight")]
    Enable(KindFlags),
    /// Switch a kind off
    #[command(after_help = "Examples:\n  whodid insights disable IpInsight")]
    Disable(KindFlags),
    /// Set how easily something is called unusual: low, normal or high
    #[command(after_help = "Examples:\n  whodid insights sensitivity low")]
    Sensitivity(SensitivityFlags),
    /// Say that an insight was expected or useful; or take that back
    #[command(
        after_help = "Examples:\n  whodid insights feedback 5b0c… expected --reason 'yearly key rotation'\n  whodid insights feedback 5b0c… expected --reason 'nightly backup' --from-now-on --expires 90d\n  whodid insights feedback 5b0c… useful\n  whodid insights feedback 5b0c… none"
    )]
    Feedback(FeedbackFlags),
    /// What is expected from now on: list, make, end
    #[command(subcommand)]
    Expected(ExpectedVerb),
    /// Compute the insights of all stored events once more, as NDJSON
    #[command(
        after_help = "Examples:\n  whodid insights replay > insights.ndjson\n  whodid insights replay --check\n\n--check compares them with what is recorded, byte for byte, and ends with 3 where they differ."
    )]
    Replay(ReplayFlags),
    /// Score how unusual each point of a series is, from 0 to 1: reads CSV, writes it with a column more; without a server
    #[command(
        after_help = "Examples:\n  whodid insights score requests.csv > scored.csv\n  whodid insights score --csv timestamp,value < requests.csv\n\nFrom 0.5 on a point would start an insight. A point's score rests on those before it only."
    )]
    Score(ScoreFlags),
}

/// Flags of `insights list`.
#[derive(Debug, Args)]
pub struct ListFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Of this kind: ApiCallRateInsight, ApiErrorRateInsight, IpInsight, AkInsight, PolicyChangeInsight,
    /// PasswordChangeInsight, TrailConcealmentInsight
    #[arg(long = "type", value_name = "KIND")]
    pub kind: Option<String>,
    /// open or ended
    #[arg(long)]
    pub state: Option<String>,
    /// About this object
    #[arg(long)]
    pub object: Option<String>,
    /// Of this action
    #[arg(long)]
    pub event_name: Option<String>,
    /// Of this service
    #[arg(long)]
    pub event_source: Option<String>,
    /// From this address
    #[arg(long)]
    pub address: Option<String>,
    /// By this access key
    #[arg(long)]
    pub access_key: Option<String>,
    /// In which this principal had a part
    #[arg(long)]
    pub principal: Option<String>,
    /// With this error code
    #[arg(long)]
    pub error_code: Option<String>,
    /// Of this region
    #[arg(long)]
    pub region: Option<String>,
    /// With this id
    #[arg(long)]
    pub id: Option<String>,
    /// Also those that are expected
    #[arg(long)]
    pub expected: bool,
    /// Started at this time or later: 7d, 2026-11-20
    #[arg(long, default_value = "30d")]
    pub from: String,
    /// Started before this time
    #[arg(long)]
    pub to: Option<String>,
    /// whodid, actiontrail or cloudtrail; the vendors' with --output json or ndjson
    #[arg(long, value_parser = ["whodid", "actiontrail", "cloudtrail"])]
    pub form: Option<String>,
    /// Most that are listed
    #[arg(long, default_value_t = 200)]
    pub limit: usize,
}

/// One insight.
#[derive(Debug, Args)]
pub struct InsightFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Its id
    pub id: String,
}

/// Flags of `insights series`.
#[derive(Debug, Args)]
pub struct SeriesFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// The insight; or name an action
    #[arg(conflicts_with = "event_name", required_unless_present = "event_name")]
    pub id: Option<String>,
    /// The action
    #[arg(long)]
    pub event_name: Option<String>,
    /// Its service
    #[arg(long)]
    pub event_source: Option<String>,
    /// Its region
    #[arg(long)]
    pub region: Option<String>,
    /// Its failures with this code
    #[arg(long)]
    pub error_code: Option<String>,
    /// From this time on
    #[arg(long)]
    pub from: Option<String>,
    /// Before this time
    #[arg(long)]
    pub to: Option<String>,
    /// Seconds of a point: 60, 300 or 3600; 300 unless given
    #[arg(long)]
    pub period: Option<u32>,
    /// Only points with something
    #[arg(long)]
    pub non_zero: bool,
    /// Of an action: whodid, or cloudtrail for the answer of ListInsightsMetricData
    #[arg(long, value_parser = ["whodid", "cloudtrail"], conflicts_with = "id")]
    pub form: Option<String>,
}

/// A kind.
#[derive(Debug, Args)]
pub struct KindFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Its name
    pub kind: String,
}

/// Flags of `insights sensitivity`.
#[derive(Debug, Args)]
pub struct SensitivityFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// low: about one false start of call and error rates in ten weeks; normal: in two; high: two a week
    #[arg(value_parser = ["low", "normal", "high"])]
    pub sensitivity: String,
}

/// Flags of `insights feedback`.
#[derive(Debug, Args)]
pub struct FeedbackFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// The insight
    pub id: String,
    /// What is said of it; `none` takes it back
    #[arg(value_parser = ["expected", "useful", "none"])]
    pub verdict: String,
    /// Why; needed with `expected`
    #[arg(long, default_value = "", required_if_eq("verdict", "expected"))]
    pub reason: String,
    /// With `expected`: make an exception for those like it, of the same kind, region, action, code, address and principal
    #[arg(long)]
    pub from_now_on: bool,
    /// Until when the exception holds: 7d, PT24H, 2027-01-31; for good unless given
    #[arg(long, requires = "from_now_on")]
    pub expires: Option<String>,
}

/// What to do with what is expected.
#[derive(Debug, Subcommand)]
pub enum ExpectedVerb {
    /// List what is expected from now on, and how much it silenced
    #[command(after_help = "Examples:\n  whodid insights expected list")]
    List(ClientFlags),
    /// Say what is expected from now on, or only show what it would have silenced
    #[command(
        after_help = "Examples:\n  whodid insights expected create --type ApiCallRateInsight --event-name 'backup.*' --reason 'nightly backup' --preview\n  whodid insights expected create --principal load-test --expires 30d --reason 'load test of December'"
    )]
    Create(Box<PatternFlags>),
    /// Take an exception back
    #[command(visible_alias = "delete", after_help = "Examples:\n  whodid insights expected end 0198c0de-…")]
    End(InsightFlags),
}

/// Flags of `insights expected create`. `*` stands for any text.
#[derive(Debug, Args)]
pub struct PatternFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Of this kind
    #[arg(long = "type", value_name = "KIND")]
    pub kind: Option<String>,
    /// Of these regions
    #[arg(long)]
    pub region: Option<String>,
    /// Of these services
    #[arg(long)]
    pub event_source: Option<String>,
    /// Of these actions
    #[arg(long)]
    pub event_name: Option<String>,
    /// With these error codes
    #[arg(long)]
    pub error_code: Option<String>,
    /// From these addresses
    #[arg(long)]
    pub address: Option<String>,
    /// By these
    #[arg(long)]
    pub principal: Option<String>,
    /// Until then: 30d, PT24H, 2027-01-31; for good unless given
    #[arg(long)]
    pub expires: Option<String>,
    /// Why
    #[arg(long, required_unless_present = "preview")]
    pub reason: Option<String>,
    /// Make nothing: show what it would have silenced in the last 90 days
    #[arg(long)]
    pub preview: bool,
}

/// Flags of `insights replay`.
#[derive(Debug, Args)]
pub struct ReplayFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Compare with what is recorded
    #[arg(long)]
    pub check: bool,
    /// Write to this file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Flags of `insights score`.
#[derive(Debug, Args)]
pub struct ScoreFlags {
    /// The file; standard input unless given
    pub file: Option<PathBuf>,
    /// Names of the columns of time and value; or the file
    #[arg(long, value_name = "COLUMNS", default_value = "timestamp,value")]
    pub csv: String,
}
