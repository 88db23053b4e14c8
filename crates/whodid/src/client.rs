//! The command line as a client of a server: requests, pages, problems.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use whodid_api::Problem;

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
            bail!("the server's URL {url:?} must begin with http:// or https://");
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("whodid/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot prepare requests")?;
        Ok(Self { http, url, key: flags.key.clone(), account: flags.account.clone() })
    }

    /// A request with key and account.
    pub fn request(&self, method: Method, path: &str, pairs: &Pairs) -> anyhow::Result<RequestBuilder> {
        let Some(key) = &self.key else {
            bail!("no key: set WHODID_KEY or give --key; `whodid keys create` makes one");
        };
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
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }

    /// A JSON answer.
    pub async fn get(&self, path: &str, pairs: &Pairs) -> anyhow::Result<Value> {
        let response = self.send(self.request(Method::GET, path, pairs)?).await?;
        response.json().await.context("the server's answer is not JSON")
    }

    fn unreachable(&self, error: reqwest::Error) -> anyhow::Error {
        let why = crate::server::chain(&error.without_url());
        anyhow!("cannot reach {}: {why}; is the server running? WHODID_URL or --url says where", self.url)
    }
}

/// The problem an answer tells, as an error.
pub async fn refusal(response: Response) -> anyhow::Error {
    let status = response.status();
    match response.json::<Problem>().await {
        Ok(problem) => {
            let place = problem.position.map(|position| format!(" at byte {position}")).unwrap_or_default();
            let expected = problem.expected.filter(|expected| !expected.is_empty());
            let expected = expected.map(|expected| format!("; expected {}", expected.join(", "))).unwrap_or_default();
            anyhow!("{}{place}: {}{expected} ({})", problem.title.to_lowercase(), problem.detail, problem.code.as_str())
        }
        Err(_) => anyhow!("the server answered {status} and nothing that can be read"),
    }
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
