//! Slack, Teams, PagerDuty and webhooks.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use tokio::time::{Instant, timeout_at};
use url::Url;
use whodid_model::Timestamp;
use whodid_model::time::MICROS_A_SECOND;

use super::{Sender, TIME_MAX, Tried, answer, tls};
use crate::guard::Reach;
use crate::receiver::{Method, Receiver, Signing, Webhook};
use crate::retry::{Attempt, Failure, is_passing, retry_after};
use crate::sign::hmac_header;
use crate::{Channel, Notice, render};

/// Bytes of an answer that are read; the rest is not waited for.
const ANSWER_BYTES_MAX: usize = 4096;
const USER_AGENT: &str = concat!("whodid/", env!("CARGO_PKG_VERSION"));
/// The delivery's id, by which receivers know a notice that came twice.
const DELIVERY: HeaderName = HeaderName::from_static("x-whodid-delivery");
const SIGNATURE: HeaderName = HeaderName::from_static("x-whodid-signature");

/// A request before its address is checked.
struct Body {
    method: reqwest::Method,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Sender {
    pub(super) async fn post(&self, channel: &Channel, notice: &Notice, attempt: &Attempt) -> Tried {
        let deadline = Instant::now() + TIME_MAX;
        let body = match self.body(channel, notice, attempt) {
            Ok(body) => body,
            Err(why) => return Tried::refused(why),
        };
        let address = channel.receiver.url().unwrap_or_default();
        let no_answer = || Tried::failed(format!("no answer within {} s", TIME_MAX.as_secs()));
        let (url, reach) = match timeout_at(deadline, self.guard.reach(address)).await {
            Ok(Ok(reached)) => reached,
            Ok(Err(error)) => return Tried::unreachable(&error),
            Err(_) => return no_answer(),
        };
        let Ok(client) = self.client(&url, reach) else {
            return Tried::failed("no connection could be prepared");
        };
        let request = client.request(body.method, url).headers(body.headers).body(body.bytes);
        match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => told(response, deadline, attempt.at).await,
            Ok(Err(error)) => Tried::failed(why(&error)),
            Err(_) => no_answer(),
        }
    }

    /// A client for one request: it knows the checked addresses and no others.
    fn client(&self, url: &Url, reach: Reach) -> reqwest::Result<Client> {
        Client::builder()
            .tls_backend_preconfigured((*self.tls).clone())
            .dns_resolver(Arc::new(Checked(reach.addresses)))
            .https_only(url.scheme() == "https")
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .timeout(TIME_MAX)
            .user_agent(USER_AGENT)
            .build()
    }

    fn body(&self, channel: &Channel, notice: &Notice, attempt: &Attempt) -> Result<Body, String> {
        let json = |value: serde_json::Value| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
            Body { method: reqwest::Method::POST, headers, bytes: value.to_string().into_bytes() }
        };
        match &channel.receiver {
            Receiver::Slack(_) => Ok(json(render::slack(notice, channel.zone()))),
            Receiver::Teams(_) => Ok(json(render::teams(notice, channel.zone()))),
            Receiver::Pagerduty(pagerduty) => Ok(json(render::pagerduty(notice, &pagerduty.routing_key))),
            Receiver::Webhook(webhook) => self.webhook(webhook, notice, attempt),
            Receiver::Email(_) | Receiver::Syslog(_) => Err("this receiver does not speak HTTP".to_owned()),
        }
    }

    fn webhook(&self, webhook: &Webhook, notice: &Notice, attempt: &Attempt) -> Result<Body, String> {
        let (content_type, bytes) = match (&webhook.signing, &webhook.body_template) {
            (Signing::Jwt {}, _) => {
                let key = self.settings.key.as_ref().ok_or("there is no key to sign with")?;
                let claims = render::findings(notice, &self.settings.issuer, attempt);
                let jwt = key.jwt(&claims).map_err(|error| error.to_string())?;
                ("application/jwt", jwt.into_bytes())
            }
            (_, Some(template)) => {
                let rendered = render::render_template(template, webhook.content_type(), notice);
                let (form, bytes) = rendered.map_err(|error| format!("the body template {error}"))?;
                (form.content_type(), bytes)
            }
            (_, None) => {
                let bytes = render::notice_json(notice).map_err(|_| "the notice cannot be written as JSON")?;
                ("application/json", bytes)
            }
        };
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        for (name, secret) in &webhook.headers {
            let bad = |_| format!("the header {name} cannot be sent");
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| bad(()))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(()))?, value);
        }
        // After the channel's own, so that none of these can be set by it.
        let delivery = HeaderValue::from_str(&attempt.delivery).map_err(|_| "the delivery's id cannot be sent")?;
        headers.insert(DELIVERY, delivery);
        if let Signing::Hmac { secret } = &webhook.signing {
            let seconds = attempt.at.micros().div_euclid(MICROS_A_SECOND);
            let signature = hmac_header(secret, seconds, &bytes);
            headers.insert(SIGNATURE, HeaderValue::from_str(&signature).map_err(|_| "the signature cannot be sent")?);
        }
        let method = match webhook.method {
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Get => reqwest::Method::GET,
            Method::Delete => reqwest::Method::DELETE,
        };
        Ok(Body { method, headers, bytes })
    }
}

/// Gives the checked addresses for whatever name is asked: there is no second look at DNS.
struct Checked(Vec<SocketAddr>);

impl Resolve for Checked {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

async fn told(response: Response, deadline: Instant, now: Timestamp) -> Tried {
    let status = response.status();
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(|header| retry_after(header, now));
    let mut answer = beginning(response, deadline).await;
    let code = status.as_u16();
    if status.is_success() {
        return Tried::Delivered { status: Some(code), answer };
    }
    if status.is_redirection() {
        answer = "the receiver points elsewhere, and redirects are not followed; enter the new address".to_owned();
    }
    if is_passing(code) {
        return Tried::Failed { failure: Failure::Status { code, retry_after }, answer };
    }
    Tried::Refused { status: Some(code), answer }
}

/// The beginning of an answer's text, as far as it comes in time.
async fn beginning(mut response: Response, deadline: Instant) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => bytes.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX - bytes.len())]),
            // The status came; that the text did not changes nothing.
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    answer::of_bytes(&bytes)
}

/// Ours, and not the library's text, which may hold the address with its secret.
fn why(error: &reqwest::Error) -> String {
    let text = if error.is_timeout() {
        return format!("no answer within {} s", TIME_MAX.as_secs());
    } else if tls::is_untrusted(error) {
        "the receiver's certificate is not trusted"
    } else if error.is_connect() {
        "the connection failed"
    } else {
        "the connection ended before an answer"
    };
    text.to_owned()
}
