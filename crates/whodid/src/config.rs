//! The configuration: one list of keys, each from a flag, the environment, the file or its default.
//!
//! Flags win over the environment, the environment over the file. Every value is read as text and
//! parsed once, so that an error always names the key, the value and where it came from.

mod receivers;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

pub use receivers::Receivers;

/// Name of the file that is read from the data folder when `--config` is not given.
pub const FILE_NAME: &str = "whodid.toml";
/// What the environment variable of a key begins with.
const ENV_PREFIX: &str = "WHODID_";
/// Keys below this are handed to the object store by their own names.
const LAKE_OPTIONS: &str = "lake.options.";

/// The usual options of the object store, to be suggested; it knows more.
const STORE_OPTIONS: [&str; 6] =
    ["access_key_id", "allow_http", "endpoint", "region", "secret_access_key", "session_token"];

/// Keys whose values are not shown.
const SECRETS: [&str; 3] = ["meta.url", "oidc.client_secret", "mail.password"];

/// A key of the configuration.
struct Key {
    name: &'static str,
    default: &'static str,
    help: &'static str,
}

const KEYS: [Key; 40] = [
    Key {
        name: "data",
        default: "./whodid-data",
        help: "folder of journal, metadata and, unless lake.url says otherwise, tables",
    },
    Key { name: "listen", default: "127.0.0.1:7700", help: "address and port to listen on" },
    Key {
        name: "public_url",
        default: "",
        help: "how browsers reach the server, such as https://whodid.example.com; empty: http:// and the listen address",
    },
    Key {
        name: "trusted_proxies",
        default: "",
        help: "addresses or networks, with commas between, whose X-Forwarded-For is believed",
    },
    Key { name: "metrics.public", default: "false", help: "whether /metrics answers other machines without a key" },
    Key {
        name: "lake.url",
        default: "",
        help: "folder or s3://bucket/prefix of the tables; empty: lake in the data folder",
    },
    Key { name: "journal.bound", default: "2GiB", help: "size beyond which the journal refuses" },
    Key { name: "journal.segment", default: "64MiB", help: "size of one journal file" },
    Key { name: "ingest.memory", default: "256MiB", help: "bytes of request bodies in work at once" },
    Key { name: "tail.memory", default: "256MiB", help: "bytes of records that may wait in memory for their flush" },
    Key {
        name: "flush.interval",
        default: "60s",
        help: "longest time until records in memory are written to the lake; ten times that while fewer than 1,000 wait",
    },
    Key { name: "flush.size", default: "96MiB", help: "size at which records in memory are written at once" },
    Key {
        name: "query.memory",
        default: "256MiB",
        help: "memory of all running queries together before they spill to disk",
    },
    Key { name: "query.timeout", default: "30s", help: "longest time a query may run" },
    Key {
        name: "meta.url",
        default: "",
        help: "postgres://user:password@host/database for users, rights and keys; empty: meta.sqlite in the data folder",
    },
    Key {
        name: "secrets.key",
        default: "",
        help: "file with the key that seals second factors; empty: secrets.key in the data folder, made when missing",
    },
    Key {
        name: "oidc.issuer",
        default: "",
        help: "identity provider that people may sign in with, such as https://id.example.com; empty: none",
    },
    Key { name: "oidc.client_id", default: "", help: "what the identity provider calls this server" },
    Key { name: "oidc.client_secret", default: "", help: "its secret there; empty for a public client" },
    Key { name: "oidc.name", default: "single sign-on", help: "what the button on the sign-in page says" },
    Key { name: "oidc.scopes", default: "openid profile email", help: "what is asked of the identity provider" },
    Key { name: "oidc.groups_claim", default: "groups", help: "the claim that holds a person's groups" },
    Key {
        name: "oidc.name_claim",
        default: "preferred_username",
        help: "the claim that holds the name to sign in with",
    },
    Key {
        name: "oidc.account",
        default: "default",
        help: "the account that people of the identity provider belong to",
    },
    Key {
        name: "oidc.roles",
        default: "",
        help: "which group gives which role, such as admins=administrator, staff=reader",
    },
    Key {
        name: "oidc.default_role",
        default: "",
        help: "role of people none of whose groups gives one; empty: they cannot sign in",
    },
    Key { name: "mail.host", default: "", help: "the server that mail is sent by; empty: no mail is sent" },
    Key { name: "mail.port", default: "587", help: "its port" },
    Key { name: "mail.security", default: "starttls", help: "tls, starttls or plain" },
    Key { name: "mail.username", default: "", help: "the name to sign in there; empty: none" },
    Key { name: "mail.password", default: "", help: "the password for it" },
    Key { name: "mail.from", default: "", help: "whom mail comes from, such as whodid@example.com" },
    Key {
        name: "channels.allow",
        default: "",
        help: "addresses or networks, with commas between, that channels may reach although they are not public",
    },
    Key { name: "channels.allow_ports", default: "", help: "ports besides 443 and 8443, with commas between" },
    Key { name: "channels.allow_http", default: "false", help: "whether channels may speak HTTP without TLS" },
    Key {
        name: "locations.file",
        default: "",
        help: "a database in MaxMind's format (MMDB) that tells where addresses are; empty: the one that `whodid locations install` put into the data folder, and without it rules go by networks",
    },
    Key { name: "session.idle", default: "12h", help: "a session without requests ends after this" },
    Key { name: "session.absolute", default: "7d", help: "a session ends after this in any case" },
    Key { name: "log.format", default: "text", help: "text or json" },
    Key {
        name: "log.level",
        default: "info",
        help: "error, warn, info, debug or trace; or filters such as info,whodid_engine=debug",
    },
];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File(path) => write!(out, "file {}", path.display()),
            Self::Environment(name) => write!(out, "environment {name}"),
            Self::Flag(name) => write!(out, "flag {name}"),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs, one object a line.
    Json,
}

/// Where the tables are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LakeUrl {
    /// A folder.
    Folder(PathBuf),
    /// A bucket, as `s3://bucket/prefix`.
    Bucket(String),
}

/// What is configured of an identity provider, not yet checked as a whole.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct OidcKeys {
    /// `oidc.issuer`
    pub issuer: String,
    /// `oidc.client_id`
    pub client_id: String,
    /// `oidc.client_secret`
    pub client_secret: String,
    /// `oidc.name`
    pub name: String,
    /// `oidc.scopes`
    pub scopes: String,
    /// `oidc.groups_claim`
    pub groups_claim: String,
    /// `oidc.name_claim`
    pub name_claim: String,
    /// `oidc.account`
    pub account: String,
    /// `oidc.roles`
    pub roles: String,
    /// `oidc.default_role`
    pub default_role: String,
}

/// The configuration, every value checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Data folder.
    pub data: PathBuf,
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Scheme and authority that browsers use, without a slash at the end.
    pub public_url: Option<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether `/metrics` answers other machines without a key.
    pub is_metrics_public: bool,
    /// Where the tables are.
    pub lake: LakeUrl,
    /// Options of the object store; some are secrets.
    pub lake_options: BTreeMap<String, String>,
    /// Bytes beyond which the journal refuses.
    pub journal_bound_bytes: u64,
    /// Bytes of one journal file.
    pub journal_segment_bytes: u64,
    /// Bytes of request bodies in work at once.
    pub ingest_bytes_max: usize,
    /// Bytes of records that may wait in memory.
    pub tail_bytes_max: usize,
    /// Longest time until a flush.
    pub flush_interval: Duration,
    /// Bytes at which a flush is made at once.
    pub flush_bytes: usize,
    /// Bytes of all running queries.
    pub query_memory_bytes: usize,
    /// Longest time a query may run.
    pub query_timeout: Duration,
    /// A PostgreSQL database for the metadata; a secret, because it may hold a password.
    pub meta_url: Option<String>,
    /// File with the key that seals second factors.
    pub secrets_key: PathBuf,
    /// The identity provider.
    pub oidc: OidcKeys,
    /// The mail server, and what channels may reach.
    pub receivers: Receivers,
    /// A database of where addresses are.
    pub locations: Option<PathBuf>,
    /// How long sessions last.
    pub sessions: whodid_meta::Limits,
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_level: String,
    origins: Vec<Origin>,
}

impl fmt::Debug for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options of the object store hold secrets.
        out.debug_struct("Config").field("data", &self.data).field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// One value and where it came from, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// The key.
    pub key: String,
    /// The value; secrets hidden.
    pub value: String,
    /// Where it came from.
    pub source: String,
    /// What it is for.
    pub meaning: String,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{} is not TOML: {detail}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser says, with the line.
        detail: String,
    },
    /// A key that does not exist.
    #[error("unknown key `{key}` in {from}{}", hint(nearest))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// Where it stands.
        from: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A value that cannot be used.
    #[error("`{key}` from {from} is {value:?}; it must be {expected}")]
    Value {
        /// The key.
        key: String,
        /// Where it stands.
        from: String,
        /// The value as written.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// Values that do not go together.
    #[error("`{key}`: {text}")]
    Unfit {
        /// The key.
        key: String,
        /// What is wrong.
        text: String,
    },
    /// The lake cannot be where the values say.
    #[error("`lake.url` and `lake.options`")]
    Lake(#[from] whodid_lake::LocationError),
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}

/// Values by key, not yet parsed.
type Raw = BTreeMap<String, (String, Source)>;

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--public-url`
    pub public_url: Option<String>,
}

/// Reads the configuration from flags, `environment` and file.
pub fn load(flags: &Flags, environment: &[(String, String)]) -> Result<Config, ConfigError> {
    let mut upper = Raw::new();
    for (name, value) in environment {
        let Some(rest) = name.strip_prefix(ENV_PREFIX) else { continue };
        let key = rest.to_lowercase().replace("__", ".");
        if is_known(&key) {
            upper.insert(key, (value.clone(), Source::Environment(name.clone())));
        } else if !is_of_others(rest, name) {
            let nearest = nearest(&key).map(|key| env_name(&key));
            return Err(ConfigError::UnknownKey { key: name.clone(), from: "the environment".to_owned(), nearest });
        }
    }
    let mut flag = |key: &str, name: &'static str, value: Option<String>| {
        if let Some(value) = value {
            upper.insert(key.to_owned(), (value, Source::Flag(name)));
        }
    };
    flag("data", "--data", flags.data.as_ref().map(|path| path.to_string_lossy().into_owned()));
    flag("listen", "--listen", flags.listen.clone());
    flag("public_url", "--public-url", flags.public_url.clone());

    let data = upper.get("data").map_or(KEYS[0].default, |(value, _)| value.as_str());
    let in_folder = Path::new(data).join(FILE_NAME);
    let mut raw = match &flags.config {
        Some(path) => read_file(path)?,
        None if in_folder.is_file() => read_file(&in_folder)?,
        None => Raw::new(),
    };
    raw.extend(upper);
    resolve(raw)
}

/// The environment variable of a key.
fn env_name(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// Whether a variable is one of other verbs' flags, or one that Kubernetes sets in every container beside a
/// service called `whodid` (`WHODID_SERVICE_HOST`, `WHODID_PORT_7700_TCP`, …).
fn is_of_others(rest: &str, name: &str) -> bool {
    rest == "CONFIG"
        || rest == "PORT"
        || ["SERVICE_HOST", "SERVICE_PORT", "PORT_"].iter().any(|start| rest.starts_with(start))
        || crate::cli::variables().contains(name)
}

fn is_known(key: &str) -> bool {
    KEYS.iter().any(|known| known.name == key)
        || key.strip_prefix(LAKE_OPTIONS).is_some_and(whodid_lake::Location::is_option)
}

fn nearest(key: &str) -> Option<String> {
    let options = STORE_OPTIONS.iter().map(|option| format!("{LAKE_OPTIONS}{option}"));
    let names = KEYS.iter().map(|known| known.name.to_owned()).chain(options);
    let best = names.map(|name| (distance(&name, key), name)).min()?;
    (best.0 <= key.len() / 2 + 1).then_some(best.1)
}

/// Whether this says what to log: a level, or filters of the form `level` and `part=level` with commas between.
/// The log's own reader takes any word for the name of a part, so that a slip would turn the log off.
fn is_filter(text: &str) -> bool {
    let is_level = |text: &str| {
        ["off", "error", "warn", "info", "debug", "trace"].iter().any(|level| text.eq_ignore_ascii_case(level))
    };
    text.split(',').map(str::trim).all(|part| is_level(part.rsplit_once('=').map_or(part, |(_, level)| level)))
        && tracing_subscriber::EnvFilter::try_new(text).is_ok()
}

/// Levenshtein distance in bytes; the names are short.
fn distance(one: &str, two: &str) -> usize {
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in two.bytes().enumerate() {
            let change = corner + usize::from(a != b);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[two.len()]
}

fn read_file(path: &Path) -> Result<Raw, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        detail: error.to_string().trim_end().to_owned(),
    })?;
    let mut raw = Raw::new();
    flatten(&table, "", path, &mut raw)?;
    Ok(raw)
}

fn flatten(table: &toml::Table, prefix: &str, path: &Path, raw: &mut Raw) -> Result<(), ConfigError> {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        if let toml::Value::Table(inner) = value {
            flatten(inner, &format!("{key}."), path, raw)?;
            continue;
        }
        if !is_known(&key) {
            let from = path.display().to_string();
            return Err(ConfigError::UnknownKey { nearest: nearest(&key), key, from });
        }
        let text = match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Array(items) => {
                let texts: Vec<String> = items.iter().map(plain_text).collect();
                texts.join(",")
            }
            other => plain_text(other),
        };
        raw.insert(key, (text, Source::File(path.to_owned())));
    }
    Ok(())
}

fn plain_text(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Takes one value, noting where it came from.
struct Taker {
    raw: Raw,
    origins: Vec<Origin>,
}

impl Taker {
    fn take<T>(
        &mut self,
        name: &str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let key = KEYS.iter().find(|key| key.name == name).expect("every key taken is in the list");
        let (value, source) = self.raw.remove(name).unwrap_or_else(|| (key.default.to_owned(), Source::Default));
        let parsed = parse(value.trim());
        let value = if SECRETS.contains(&name) && !value.is_empty() { "(hidden)".to_owned() } else { value };
        let parsed = parsed.ok_or_else(|| ConfigError::Value {
            key: name.to_owned(),
            from: source.to_string(),
            value: value.clone(),
            expected,
        })?;
        self.origins.push(Origin {
            key: name.to_owned(),
            value,
            source: source.to_string(),
            meaning: key.help.to_owned(),
        });
        Ok(parsed)
    }

    fn bytes<T: TryFrom<u64>>(&mut self, name: &str) -> Result<T, ConfigError> {
        self.take(name, "a size such as 256MiB or 2GiB, at least 1MiB", |text| {
            let bytes = parse_bytes(text).filter(|bytes| *bytes >= 1 << 20)?;
            T::try_from(bytes).ok()
        })
    }

    fn duration(&mut self, name: &str) -> Result<Duration, ConfigError> {
        self.take(name, "a duration such as 30s, 10m, 12h or 7d, at least 1s", |text| {
            parse_duration(text).filter(|duration| *duration >= Duration::from_secs(1))
        })
    }
}

fn resolve(mut raw: Raw) -> Result<Config, ConfigError> {
    let mut lake_options = BTreeMap::new();
    let mut option_origins = Vec::new();
    let option_keys: Vec<String> = raw.keys().filter(|key| key.starts_with(LAKE_OPTIONS)).cloned().collect();
    for key in option_keys {
        let Some((value, source)) = raw.remove(&key) else { continue };
        let is_secret = ["secret", "token", "key", "password"].iter().any(|word| key.contains(word));
        option_origins.push(Origin {
            key: key.clone(),
            value: if is_secret { "(hidden)".to_owned() } else { value.clone() },
            source: source.to_string(),
            meaning: "option of the object store".to_owned(),
        });
        lake_options.insert(key[LAKE_OPTIONS.len()..].to_owned(), value);
    }
    let mut taker = Taker { raw, origins: Vec::new() };
    let data = taker.take("data", "the path of a folder", |text| (!text.is_empty()).then(|| PathBuf::from(text)))?;
    let lake = taker.take("lake.url", "a folder or s3://bucket/prefix", |text| parse_lake(text, &data))?;
    let session_idle = taker.duration("session.idle")?;
    let session_absolute = taker.duration("session.absolute")?;
    let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    let meta_url = taker.take("meta.url", "postgres://user:password@host/database", |text| {
        let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        (text.is_empty() || is_postgres).then(|| Some(text.to_owned()).filter(|text| !text.is_empty()))
    })?;
    let secrets_key = taker.take("secrets.key", "the path of a file", |text| {
        Some(if text.is_empty() { data.join("secrets.key") } else { PathBuf::from(text) })
    })?;
    let mut oidc = |name: &str| taker.take(name, "a text", |text| Some(text.trim().to_owned()));
    let oidc = OidcKeys {
        issuer: oidc("oidc.issuer")?,
        client_id: oidc("oidc.client_id")?,
        client_secret: oidc("oidc.client_secret")?,
        name: oidc("oidc.name")?,
        scopes: oidc("oidc.scopes")?,
        groups_claim: oidc("oidc.groups_claim")?,
        name_claim: oidc("oidc.name_claim")?,
        account: oidc("oidc.account")?,
        roles: oidc("oidc.roles")?,
        default_role: oidc("oidc.default_role")?,
    };
    let receivers = receivers::take(&mut taker)?;
    let locations = taker.take("locations.file", "a file", |text| Some(text.trim().to_owned()))?;
    let locations = Some(locations).filter(|path| !path.is_empty()).map(PathBuf::from);
    let mut config = Config {
        meta_url,
        secrets_key,
        oidc,
        receivers,
        locations,
        listen: taker.take("listen", "an address with a port, such as 127.0.0.1:7700", |text| text.parse().ok())?,
        public_url: taker.take("public_url", "http:// or https:// and a host, without a path", parse_public_url)?,
        trusted_proxies: taker.take("trusted_proxies", "addresses or networks with commas between", parse_networks)?,
        is_metrics_public: taker.take("metrics.public", "true or false", |text| text.parse().ok())?,
        journal_bound_bytes: taker.bytes("journal.bound")?,
        journal_segment_bytes: taker.bytes("journal.segment")?,
        ingest_bytes_max: taker.bytes("ingest.memory")?,
        tail_bytes_max: taker.bytes("tail.memory")?,
        flush_interval: taker.duration("flush.interval")?,
        flush_bytes: taker.bytes("flush.size")?,
        query_memory_bytes: taker.bytes("query.memory")?,
        query_timeout: taker.duration("query.timeout")?,
        sessions: whodid_meta::Limits {
            session_idle_micros: micros(session_idle),
            session_absolute_micros: micros(session_absolute),
        },
        log_format: taker.take("log.format", "text or json", |text| match text {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        })?,
        log_level: taker.take(
            "log.level",
            "a level such as info, or filters such as info,whodid_engine=debug",
            |text| is_filter(text).then(|| text.to_owned()),
        )?,
        data,
        lake,
        lake_options,
        origins: Vec::new(),
    };
    let place = |origin: &Origin| KEYS.iter().position(|key| key.name == origin.key);
    taker.origins.sort_by_key(place);
    config.origins = taker.origins;
    config.origins.extend(option_origins);
    config.lake_location().check()?;
    Ok(config)
}

impl Config {
    /// Every value with its origin, secrets hidden.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The scheme and authority for links.
    pub fn base_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| {
            let host = match self.listen.ip() {
                ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
                IpAddr::V6(ip) => format!("[{ip}]"),
                IpAddr::V4(ip) => ip.to_string(),
            };
            format!("http://{host}:{}", self.listen.port())
        })
    }

    /// A one-time link to a page: `reset`, `invitation`, `sign-in`.
    pub fn link(&self, page: &str, token: &str) -> String {
        format!("{}/{page}?token={token}", self.base_url())
    }

    /// Whether the configuration says where the server listens, or how browsers reach it.
    pub fn says_where(&self) -> bool {
        let is_said = |origin: &Origin| origin.key == "listen" && origin.source != Source::Default.to_string();
        self.public_url.is_some() || self.origins.iter().any(is_said)
    }

    /// Whether browsers come by HTTPS.
    pub fn is_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// The metadata file, when it is one.
    pub fn meta_path(&self) -> PathBuf {
        self.data.join("meta.sqlite")
    }

    /// Where the metadata is.
    pub fn meta_location(&self) -> whodid_meta::MetaLocation {
        match &self.meta_url {
            Some(url) => whodid_meta::MetaLocation::Postgres(url.clone()),
            None => whodid_meta::MetaLocation::File(self.meta_path()),
        }
    }

    /// Where the tables are.
    pub fn lake_location(&self) -> whodid_lake::Location {
        match &self.lake {
            LakeUrl::Folder(folder) => whodid_lake::Location::Folder(folder.clone()),
            LakeUrl::Bucket(url) => {
                whodid_lake::Location::Bucket { url: url.clone(), options: self.lake_options.clone() }
            }
        }
    }

    /// An account's own place: a bucket with the options of the server's own, or a folder.
    pub fn place(&self, storage: &str) -> whodid_lake::Location {
        if storage.starts_with("s3://") {
            return whodid_lake::Location::Bucket { url: storage.to_owned(), options: self.lake_options.clone() };
        }
        whodid_lake::Location::Folder(PathBuf::from(storage))
    }

    /// What the engine is opened with.
    pub fn engine_options(&self, clock: whodid_engine::Clock) -> whodid_engine::Options {
        whodid_engine::Options {
            lake: self.lake_location(),
            lake_wait: LAKE_WAIT,
            journal_segment_bytes: self.journal_segment_bytes.min(self.journal_bound_bytes / 2),
            journal_bound_bytes: self.journal_bound_bytes,
            ingest_bytes_max: self.ingest_bytes_max,
            tail_bytes_max: self.tail_bytes_max,
            flush_bytes: self.flush_bytes,
            flush_interval: self.flush_interval,
            query_memory_bytes: self.query_memory_bytes,
            query_timeout: self.query_timeout,
            ..whodid_engine::Options::for_folder(&self.data, clock)
        }
    }
}

/// How long a start asks a lake that does not answer again.
const LAKE_WAIT: Duration = Duration::from_secs(60);

fn parse_lake(text: &str, data: &Path) -> Option<LakeUrl> {
    if text.is_empty() {
        return Some(LakeUrl::Folder(data.join("lake")));
    }
    if let Some(bucket) = text.strip_prefix("s3://") {
        return (!bucket.is_empty()).then(|| LakeUrl::Bucket(text.to_owned()));
    }
    (!text.contains("://")).then(|| LakeUrl::Folder(PathBuf::from(text)))
}

fn parse_public_url(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    let url: axum::http::Uri = text.parse().ok()?;
    let plain = matches!(url.scheme_str(), Some("http" | "https"))
        && url.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && matches!(url.path(), "" | "/")
        && url.query().is_none();
    plain.then(|| Some(text.trim_end_matches('/').to_lowercase()))
}

fn parse_networks(text: &str) -> Option<Vec<IpNet>> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok().or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from)))
        .collect()
}

/// Reads `512`, `64KiB`, `256MiB`, `2GiB`, `1TiB`; `MB` and `M` mean the same as `MiB`.
fn parse_bytes(text: &str) -> Option<u64> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let shift = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

/// Reads `30s`, `10m`, `12h`, `7d`, `1w` and the ISO 8601 forms `PT30S`, `P7D`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let lower = text.trim().to_ascii_lowercase();
    let (body, mut is_time) = match lower.strip_prefix('p') {
        Some(rest) => (rest, false),
        None => (lower.as_str(), true),
    };
    let mut rest = body;
    let mut seconds: u64 = 0;
    let mut is_empty = true;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('t') {
            (rest, is_time) = (after, true);
            continue;
        }
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes()[digits] {
            b's' if is_time => 1,
            b'm' if is_time => 60,
            b'h' if is_time => 3600,
            b'd' => 86_400,
            b'w' => 7 * 86_400,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
        is_empty = false;
    }
    (!is_empty).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn with_file(text: &str, pairs: &[(&str, &str)], flags: Flags) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whodid.toml");
        std::fs::write(&path, text).unwrap();
        load(&Flags { config: Some(path), ..flags }, &environment(pairs)).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let file = "listen = '127.0.0.1:1'\n[query]\ntimeout = '5s'\n[session]\nidle = '1h'";
        let flags = Flags { listen: Some("127.0.0.1:3".to_owned()), ..Flags::default() };
        let config =
            with_file(file, &[("WHODID_LISTEN", "127.0.0.1:2"), ("WHODID_QUERY__TIMEOUT", "PT6S")], flags).unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.query_timeout, Duration::from_secs(6));
        assert_eq!(config.sessions.session_idle_micros, 3_600_000_000);
        let from = |key: &str| config.origins().iter().find(|origin| origin.key == key).unwrap().source.clone();
        assert_eq!(from("listen"), "flag --listen");
        assert_eq!(from("query.timeout"), "environment WHODID_QUERY__TIMEOUT");
        assert!(from("session.idle").starts_with("file "));
        assert_eq!(from("journal.bound"), "default");
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        let refused = with_file("[query]\ntimout = '5s'", &[], Flags::default()).unwrap_err();
        assert!(refused.contains("`query.timout`") && refused.contains("`query.timeout`"), "{refused}");
        let refused = with_file("", &[("WHODID_QUERY__TIMOUT", "1s")], Flags::default()).unwrap_err();
        assert!(refused.contains("WHODID_QUERY__TIMEOUT"), "{refused}");
        for name in
            ["WHODID_LISTN", "WHODID_LAKE__OPTIONS__SECRET_KEY", "WHODID_LAKE__OPTIONS__BUCKET", "WHODID_TRUSTED_PROXY"]
        {
            assert!(with_file("", &[(name, "x")], Flags::default()).unwrap_err().contains("did you mean"), "{name}");
        }
        let refused = with_file("[lake.options]\nacces_key_id = 'x'", &[], Flags::default()).unwrap_err();
        assert!(refused.contains("`lake.options.access_key_id`"), "{refused}");
        // Of other verbs, and of Kubernetes.
        for name in ["WHODID_KEY", "WHODID_URL", "WHODID_SEND_FORMAT", "WHODID_SERVICE_HOST", "WHODID_PORT_7700_TCP"] {
            assert!(with_file("", &[(name, "x")], Flags::default()).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_key_and_origin() {
        for (file, words) in [
            ("listen = 'nowhere'", "`listen`"),
            ("[journal]\nbound = '5'", "`journal.bound`"),
            ("[flush]\ninterval = 'often'", "`flush.interval`"),
            ("public_url = 'https://example.com/path'", "`public_url`"),
            ("[log]\nformat = 'xml'", "`log.format`"),
            ("[log]\nlevel = 'verbose'", "`log.level`"),
            ("[log]\nlevel = 'info,whodid=loud'", "`log.level`"),
            ("[lake]\nurl = 'ftp://x'", "`lake.url`"),
        ] {
            let refused = with_file(file, &[], Flags::default()).unwrap_err();
            assert!(refused.contains(words) && refused.contains("whodid.toml"), "{refused}");
        }
    }

    #[test]
    fn levels_and_filters_of_the_log_are_taken() {
        for level in ["info", "OFF", "info,whodid_engine=debug", "warn,datafusion::physical=trace"] {
            assert!(with_file(&format!("[log]\nlevel = '{level}'"), &[], Flags::default()).is_ok(), "{level}");
        }
    }

    #[test]
    fn secrets_of_the_object_store_are_hidden() {
        let file = "[lake]\nurl = 's3://bucket/x'\n[lake.options]\naccess_key_id = 'k'\nsecret_access_key = 'canary'\nregion = 'eu-de'";
        let config = with_file(file, &[], Flags::default()).unwrap();
        assert_eq!(config.lake_options["secret_access_key"], "canary");
        let shown = format!("{:?} {config:?}", config.origins());
        assert!(!shown.contains("canary") && shown.contains("eu-de"), "{shown}");
    }

    #[test]
    fn sizes_and_durations_are_read_as_people_write_them() {
        for (text, bytes) in [("512", 512), ("64KiB", 65_536), ("2 GiB", 2 << 30), ("1m", 1 << 20)] {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for (text, seconds) in
            [("30s", 30), ("1h30m", 5400), ("PT12H", 43_200), ("P7D", 604_800), ("P1DT1S", 86_401), ("2w", 1_209_600)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "P", "s", "5", "P5M", "-1s", "1y"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn links_use_the_public_url_or_an_address_that_can_be_opened() {
        let url = |file: &str| with_file(file, &[], Flags::default()).unwrap().base_url();
        assert_eq!(url("public_url = 'https://Who.example.com/'"), "https://who.example.com");
        assert_eq!(url("listen = '0.0.0.0:80'"), "http://127.0.0.1:80");
        assert_eq!(url("listen = '[::1]:80'"), "http://[::1]:80");
    }
}
