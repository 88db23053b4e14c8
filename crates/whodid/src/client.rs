//! The command line as a client of a server: requests, pages, problems.

use std::time::Duration;

use anyhow::{Context, anyhow};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde_json::Value;
use whodid_api::{Code, Problem};

use crate::Usage;
use crate::cli::{ClientFlags, FilterFlags};

/// A server that does not take a connection for this long is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What stays as it is in a query value or path segment.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Names and values of a query string.
pub type Pairs = Vec<(&'static str, String)>;

/// A server and the key for it.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
    account: Option<String>,
}

impl Client {
    pub fn new(flags: &ClientFlags) -> anyhow::Result<Self> {
        let url = flags.url.trim_end_matches('/').to_owned();
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err(Usage(format!("the server's URL {url:?} must begin with http:// or https://")).into());
        }
        let timeout = crate::config::parse_duration(&flags.timeout)
            .filter(|timeout| !timeout.is_zero())
            .ok_or_else(|| Usage(format!("--timeout {:?} is no duration such as 60s", flags.timeout)))?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // The live tail sends a comment more often.
            .read_timeout(timeout)
            // A redirect would turn a POST into a GET, or carry events to where nobody meant them to go.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("whodid/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot prepare requests")?;
        Ok(Self { http, url, key: flags.key.clone(), account: flags.account.clone() })
    }

    /// Where the server is, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key; without one nothing can be asked.
    pub fn key(&self) -> anyhow::Result<&str> {
        let none =
            || Usage("no key: set WHODID_KEY or give --key; `whodid keys create --data DIR` makes one".to_owned());
        Ok(self.key.as_deref().ok_or_else(none)?)
    }

    /// A request with key and account.
    pub fn request(&self, method: Method, path: &str, pairs: &Pairs) -> anyhow::Result<RequestBuilder> {
        let key = self.key()?;
        let mut url = format!("{}{path}", self.url);
        let account = self.account.iter().map(|account| ("account", account));
        let all = pairs.iter().map(|(name, value)| (*name, value)).chain(account);
        for (place, (name, value)) in all.enumerate() {
            url.push(if place == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.extend(utf8_percent_encode(value, &PLAIN));
        }
        Ok(self.http.request(method, url).bearer_auth(key))
    }

    /// Sends a request; an answer that is an error becomes one.
    pub async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        if response.status().is_success() { Ok(response) } else { Err(Refusal::read(response).await.into()) }
    }

    /// A JSON answer.
    pub async fn get(&self, path: &str, pairs: &Pairs) -> anyhow::Result<Value> {
        let response = self.send(self.request(Method::GET, path, pairs)?).await?;
        response.json().await.context("the server's answer is not JSON")
    }

    /// What to say of a request that got no answer.
    pub fn unreachable(&self, error: reqwest::Error) -> anyhow::Error {
        let hint = if is_other_protocol(&error) { "is it http there, without TLS?" } else { "is the server running?" };
        let why = whodid_model::chain(&error.without_url());
        anyhow!("cannot reach {}: {why}; {hint} WHODID_URL or --url says where", self.url)
    }
}

/// An answer that is an error.
#[derive(Debug)]
pub enum Refusal {
    /// The server says what is wrong.
    Problem(Box<Problem>),
    /// Something answers that is no whodid, or a proxy before it.
    Other(StatusCode),
    /// The server is elsewhere.
    Moved(StatusCode, String),
}

impl Refusal {
    /// Reads what an answer tells.
    pub async fn read(response: Response) -> Self {
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
            // Without its query, which may hold what was searched for.
            return Self::Moved(status, to.split(['?', '#']).next().unwrap_or_default().to_owned());
        }
        response.json::<Problem>().await.map_or(Self::Other(status), |problem| Self::Problem(Box::new(problem)))
    }

    /// The problem's code.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            _ => None,
        }
    }
}

impl std::error::Error for Refusal {}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Problem(problem) => {
                write!(out, "{}", problem.title.to_lowercase())?;
                if let Some(position) = problem.position {
                    write!(out, " at byte {position}")?;
                }
                write!(out, ": {}", problem.detail)?;
                if let Some(expected) = problem.expected.as_ref().filter(|expected| !expected.is_empty()) {
                    write!(out, "; expected {}", expected.join(", "))?;
                }
                write!(out, " ({})", problem.code.as_str())
            }
            Self::Other(status) => write!(out, "the server answered {status} and nothing that can be read"),
            Self::Moved(status, to) => write!(
                out,
                "the server answered {status} and names another address: {to:?}; give its beginning with --url or WHODID_URL"
            ),
        }
    }
}

/// Whether what listens there does not speak TLS: no second try helps.
pub fn is_other_protocol(error: &reqwest::Error) -> bool {
    use std::io;
    // An I/O error names what it wraps by `get_ref`, and as its source only what is below that.
    let inner = |io: &io::Error| io.get_ref().and_then(|inner| Some(inner.downcast_ref::<io::Error>()?.kind()));
    let is_wrong = |io: &io::Error| [Some(io.kind()), inner(io)].contains(&Some(io::ErrorKind::InvalidData));
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    causes.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_wrong))
}

/// Whether a request that got this answer may be sent again.
pub fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504)
}

/// A path segment, encoded.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, &PLAIN).to_string()
}

/// The common parameters of a filter.
pub fn filter(flags: &FilterFlags) -> Pairs {
    let mut pairs: Pairs = Vec::new();
    if !flags.query.is_empty() {
        pairs.push(("q", flags.query.clone()));
    }
    for (name, value) in [
        ("from", &flags.from),
        ("to", &flags.to),
        ("space", &flags.space),
        ("region", &flags.region),
        ("stream", &flags.stream),
    ] {
        pairs.extend(value.clone().map(|value| (name, value)));
    }
    pairs
}

/// Fetches pages of the array `member` until `limit` rows are there.
pub async fn pages(
    client: &Client,
    path: &str,
    pairs: &Pairs,
    member: &str,
    limit: usize,
) -> anyhow::Result<(Vec<Value>, Option<String>)> {
    const PAGE_MAX: usize = 1000;
    let mut rows: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut pairs = pairs.clone();
        pairs.push(("limit", (limit - rows.len()).clamp(1, PAGE_MAX).to_string()));
        pairs.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let mut page = client.get(path, &pairs).await?;
        if let Some(Value::Array(more)) = page.get_mut(member).map(Value::take) {
            rows.extend(more);
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() || rows.len() >= limit {
            rows.truncate(limit);
            return Ok((rows, cursor));
        }
    }
}
