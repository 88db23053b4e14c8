//! Questions to the provider over HTTP, with a bound on everything that could take long.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::config::OidcConfig;
use super::error::OidcError;

/// Longest time for one question, from the name lookup to the last byte.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest answer. Real ones have a few KiB.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The provider's HTTP side.
#[derive(Debug)]
pub struct Http {
    client: Client,
    issuer: String,
}

/// An answer, whole.
pub struct Answer {
    pub status: StatusCode,
    body: Vec<u8>,
}

impl Http {
    /// Fails when the machine's trusted certificates cannot be read. `patience`: longest time for one question.
    pub fn new(config: &OidcConfig, patience: Duration) -> Result<Self, OidcError> {
        let mut client = Client::builder()
            .user_agent(concat!("whodid/", env!("CARGO_PKG_VERSION")))
            .timeout(patience)
            // An endpoint that redirects is not the one whose address was checked, and would get code and secret.
            .redirect(Policy::none());
        if config.issuer.is_loopback() {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| OidcError::Internal { detail: causes(&error) })?;
        Ok(Self { client, issuer: config.issuer.as_str().to_owned() })
    }

    /// Gets a JSON document. `bearer`: an access token to show.
    pub async fn get<T: DeserializeOwned>(
        &self,
        url: &Url,
        bearer: Option<&str>,
        doing: &'static str,
    ) -> Result<T, OidcError> {
        let mut request = self.client.get(url.clone());
        if let Some(token) = bearer {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| self.nonsense(doing, "the access token has characters that no token has"))?;
            value.set_sensitive(true);
            request = request.header(reqwest::header::AUTHORIZATION, value);
        }
        let answer = self.send(request, doing).await?;
        if answer.status != StatusCode::OK {
            return Err(self.nonsense(doing, format!("HTTP status {}", answer.status.as_u16())));
        }
        self.read(&answer, doing)
    }

    /// Posts a form; whatever status below 500 comes back is an answer. `authorization`: the whole header.
    pub async fn post(
        &self,
        url: &Url,
        form: String,
        authorization: Option<&str>,
        doing: &'static str,
    ) -> Result<Answer, OidcError> {
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let mut request = self.client.post(url.clone()).header(CONTENT_TYPE, form_type).body(form);
        if let Some(text) = authorization {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| OidcError::Internal { detail: "the client's secret fits into no header".to_owned() })?;
            value.set_sensitive(true);
            request = request.header(reqwest::header::AUTHORIZATION, value);
        }
        self.send(request, doing).await
    }

    /// Reads an answer's body as JSON.
    pub fn read<T: DeserializeOwned>(&self, answer: &Answer, doing: &'static str) -> Result<T, OidcError> {
        serde_json::from_slice(&answer.body).map_err(|error| {
            // The parser's own words may quote a token.
            let place = format!("line {} column {}", error.line(), error.column());
            self.nonsense(doing, format!("not the JSON that belongs there, at {place}"))
        })
    }

    /// An error about an answer that should not be.
    pub fn nonsense(&self, doing: &'static str, detail: impl Into<String>) -> OidcError {
        OidcError::Nonsense { issuer: self.issuer.clone(), doing, detail: detail.into() }
    }

    async fn send(&self, request: RequestBuilder, doing: &'static str) -> Result<Answer, OidcError> {
        let away = |detail: String| OidcError::Away { issuer: self.issuer.clone(), doing, detail };
        let mut response: Response = request
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .send()
            .await
            .map_err(|error| away(causes(&error.without_url())))?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(away(format!("HTTP status {}", status.as_u16())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| away(causes(&error.without_url())))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.nonsense(doing, format!("the answer is longer than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body })
    }
}

/// An error with its causes, the outermost first.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
