//! What receives notices, as an account configures it: JSON tagged by `type`, unknown members refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Moment, Secret};

/// Where PagerDuty takes events.
pub const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// One of the kinds of receivers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Receiver {
    /// People, by mail through the operator's server.
    Email(Email),
    /// A Slack channel, by an incoming webhook.
    Slack(Slack),
    /// A Teams channel, by a Workflows webhook.
    Teams(Teams),
    /// A PagerDuty service, by the Events API v2.
    Pagerduty(PagerDuty),
    /// Any HTTP endpoint.
    Webhook(Webhook),
    /// A syslog collector, RFC 5424.
    Syslog(Syslog),
}

/// `{"type": "email", "to": ["alice@example.com"]}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// 1 to [`ADDRESSES_MAX`](crate::channel::ADDRESSES_MAX) addresses without display names.
    pub to: Vec<String>,
}

/// `{"type": "slack", "url": "https://hooks.slack.com/services/…"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// Whoever knows it can post.
    pub url: Secret,
}

/// `{"type": "teams", "url": "https://….logic.azure.com/workflows/…"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teams {
    /// Whoever knows it can post.
    pub url: Secret,
}

/// `{"type": "pagerduty", "routing_key": "…", "auto_resolve": true}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagerDuty {
    /// The integration key of the service.
    pub routing_key: Secret,
    /// Whether resolving here resolves there.
    #[serde(default = "yes")]
    pub auto_resolve: bool,
    /// Another region's address.
    #[serde(default = "pagerduty_url")]
    pub url: String,
}

/// `{"type": "webhook", "url": "https://…", "signing": {"type": "hmac", "secret": "…"}}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Shown in lists; what is secret belongs into a header.
    pub url: String,
    /// How it is sent.
    #[serde(default)]
    pub method: Method,
    /// Further headers, at most [`HEADERS_MAX`](crate::channel::HEADERS_MAX); their values are secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// A template for the body; the notice as JSON without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_template: Option<String>,
    /// How the receiver can tell that it was sent from here.
    #[serde(default)]
    pub signing: Signing,
}

/// The methods that send a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// GET, with the body all the same.
    Get,
    /// DELETE, with the body all the same.
    Delete,
}

/// How a webhook proves where it comes from. Variants without members have braces: serde would let such a one have any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Signing {
    /// Not at all.
    None {},
    /// A header `X-Whodid-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`.
    Hmac {
        /// The key, [`HMAC_CHARS_MIN`](crate::channel::HMAC_CHARS_MIN) characters or more.
        secret: Secret,
    },
    /// The body is a JWT (RS256) of `{"findings": […], "account", "jti", "iat", "exp"}`, under the installation's key.
    Jwt {},
}

impl Default for Signing {
    fn default() -> Self {
        Self::None {}
    }
}

/// `{"type": "syslog", "host": "siem.example.com", "port": 6514, "transport": "tls"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    /// A name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is sent.
    pub transport: Transport,
}

/// How syslog travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// One datagram a message (RFC 5426). Nobody tells when one is lost.
    Udp,
    /// Messages with their length in front (RFC 6587, 3.4.1).
    Tcp,
    /// The same in TLS (RFC 5425).
    Tls,
}

fn yes() -> bool {
    true
}

fn pagerduty_url() -> String {
    PAGERDUTY_URL.to_owned()
}

impl Webhook {
    /// Its own `Content-Type`, where a header sets one.
    pub fn content_type(&self) -> Option<&str> {
        let header = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        header.map(|(_, value)| value.expose())
    }
}

impl Receiver {
    /// The word of `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Slack(_) => "slack",
            Self::Teams(_) => "teams",
            Self::Pagerduty(_) => "pagerduty",
            Self::Webhook(_) => "webhook",
            Self::Syslog(_) => "syslog",
        }
    }

    /// Whether a moment is told at all.
    pub fn tells(&self, moment: Moment) -> bool {
        match self {
            Self::Pagerduty(pagerduty) => moment != Moment::Resolved || pagerduty.auto_resolve,
            _ => true,
        }
    }

    /// The address, where it is one of HTTP.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Slack(slack) => Some(slack.url.expose()),
            Self::Teams(teams) => Some(teams.url.expose()),
            Self::Pagerduty(pagerduty) => Some(&pagerduty.url),
            Self::Webhook(webhook) => Some(&webhook.url),
            Self::Email(_) | Self::Syslog(_) => None,
        }
    }

    /// Every secret with the path of its member below the receiver, such as `headers.Authorization`.
    pub fn secrets(&self) -> Vec<(String, &Secret)> {
        let mut found = Vec::new();
        match self {
            Self::Slack(slack) => found.push(("url".to_owned(), &slack.url)),
            Self::Teams(teams) => found.push(("url".to_owned(), &teams.url)),
            Self::Pagerduty(pagerduty) => found.push(("routing_key".to_owned(), &pagerduty.routing_key)),
            Self::Webhook(webhook) => {
                for (name, value) in &webhook.headers {
                    found.push((format!("headers.{name}"), value));
                }
                if let Signing::Hmac { secret } = &webhook.signing {
                    found.push(("signing.secret".to_owned(), secret));
                }
            }
            Self::Email(_) | Self::Syslog(_) => {}
        }
        found
    }

    /// The same, to be replaced: sealed, opened or masked.
    pub fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        let mut found = Vec::new();
        match self {
            Self::Slack(slack) => found.push(("url".to_owned(), &mut slack.url)),
            Self::Teams(teams) => found.push(("url".to_owned(), &mut teams.url)),
            Self::Pagerduty(pagerduty) => found.push(("routing_key".to_owned(), &mut pagerduty.routing_key)),
            Self::Webhook(webhook) => {
                for (name, value) in &mut webhook.headers {
                    found.push((format!("headers.{name}"), value));
                }
                if let Signing::Hmac { secret } = &mut webhook.signing {
                    found.push(("signing.secret".to_owned(), secret));
                }
            }
            Self::Email(_) | Self::Syslog(_) => {}
        }
        found
    }
}
