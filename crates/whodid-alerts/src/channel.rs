//! A channel: a receiver, and what of all alerts it gets.
//!
//! A channel reads from JSON in one form only; [`Channel::faults`] tells every member that cannot work before
//! anything is stored. Whether an address may be reached at all is the guard's to say, for it needs the operator's
//! settings and an answer of DNS.

#[cfg(test)]
mod configuration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::masking::MaskError;
use crate::receiver::{Email, PagerDuty, Receiver, Signing, Syslog, Webhook};
use crate::{Secret, Severity, masking, render};

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 100;
/// Longest description, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 1000;
/// Notices an hour unless set.
pub const RATE_LIMIT_DEFAULT: u32 = 60;
/// Notices an hour at most: one a second.
pub const RATE_LIMIT_MAX: u32 = 3600;
/// Sources of one channel.
pub const SOURCES_MAX: usize = 50;
/// Finding types of one source.
pub const FINDING_TYPES_MAX: usize = 100;
/// Addresses of one e-mail channel.
pub const ADDRESSES_MAX: usize = 50;
/// Headers of one webhook.
pub const HEADERS_MAX: usize = 20;
/// Longest value of a header, in bytes.
pub const HEADER_BYTES_MAX: usize = 4096;
/// Longest address, in bytes.
pub const URL_BYTES_MAX: usize = 2048;
/// Shortest key of an HMAC, in characters.
pub const HMAC_CHARS_MIN: usize = 16;
/// Longest key, in characters.
pub const KEY_CHARS_MAX: usize = 256;
/// What stands for every provider or finding type.
pub const ALL: &str = "ALL";
/// What stands for the rules of Security Advisor's Activity Insights: those that come with whodid, and those brought along.
pub const ACTIVITY_INSIGHTS: &str = "ATA";
/// The packages that carry the rules of Activity Insights on, each named by its family.
const ACTIVITY_PACKAGES: [&str; 7] = ["ibm-appid", "ibm-cert", "ibm-cos", "ibm-iam", "ibm-iks", "ibm-kms", "ibm-more"];
/// Who finds by rules that were brought along and name nobody.
const ADVISOR_RULES: &str = "security-advisor";

/// Headers that belong to the transport or to whodid itself.
const HEADERS_RESERVED: [&str; 12] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "content-encoding",
];

/// Names of a template that stand for events, or for what they are in.
const EVENT_TOKENS: [&str; 5] = ["line_object", "notice", "app", "host", "tag"];

/// A channel as configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its name, one line.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether it gets anything.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// What it gets, by severity.
    #[serde(default = "severities")]
    pub severities: Vec<Severity>,
    /// What it gets, by origin; everything when empty.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// Notices an hour; what is over it is merged into one, never lost.
    #[serde(default = "rate_limit")]
    pub rate_limit: u32,
    /// The zone in which people read times (IANA).
    #[serde(default = "time_zone")]
    pub time_zone: String,
    /// Where it goes.
    pub receiver: Receiver,
}

/// Findings of a provider; `ALL` stands for each provider, and for each type, `ATA` for those of Activity Insights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Who finds, such as a package of rules.
    pub provider: String,
    /// What is found, by the rule's id; of `ATA` also by its family, such as `iam`.
    #[serde(default = "all_types")]
    pub finding_types: Vec<String>,
}

impl Source {
    fn covers(&self, provider: &str, finding_type: &str) -> bool {
        if self.provider == ACTIVITY_INSIGHTS && provider != ACTIVITY_INSIGHTS {
            let name = without_prefix(finding_type);
            let Some(family) = activity_family(provider, name) else { return false };
            let of_type = |wanted: &String| wanted == ALL || wanted == family || without_prefix(wanted) == name;
            return self.finding_types.iter().any(of_type);
        }
        let of_type = |wanted: &String| wanted == ALL || without_prefix(wanted) == without_prefix(finding_type);
        (self.provider == ALL || self.provider == provider) && self.finding_types.iter().any(of_type)
    }
}

/// A finding type without what Security Advisor put before those of Activity Insights.
fn without_prefix(finding_type: &str) -> &str {
    finding_type.strip_prefix("ata-").unwrap_or(finding_type)
}

/// Which family of Activity Insights a finding belongs to: that of the package that carries its rules on, or, of a rule
/// that was brought along, the first word of its type (`kms` of `kms-delete`). `None`: to none.
fn activity_family<'a>(provider: &'a str, name: &'a str) -> Option<&'a str> {
    if provider == ADVISOR_RULES {
        return Some(name.split_once('-').map_or(name, |(family, _)| family));
    }
    ACTIVITY_PACKAGES.contains(&provider).then(|| provider.trim_start_matches("ibm-"))
}

/// What cannot work, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{member}: {text}")]
pub struct Fault {
    /// The path of the member, such as `receiver.headers.Host`.
    pub member: String,
    /// What is wrong and what to write instead.
    pub text: String,
}

fn enabled() -> bool {
    true
}

fn severities() -> Vec<Severity> {
    vec![Severity::Medium, Severity::High, Severity::Critical]
}

fn rate_limit() -> u32 {
    RATE_LIMIT_DEFAULT
}

fn time_zone() -> String {
    "UTC".to_owned()
}

fn all_types() -> Vec<String> {
    vec![ALL.to_owned()]
}

impl Channel {
    /// Whether it is told the events themselves, not only what they say: where its template may name them.
    pub fn wants_events(&self) -> bool {
        let Receiver::Webhook(webhook) = &self.receiver else { return false };
        let names_one = |template: &String| EVENT_TOKENS.iter().any(|name| template.contains(name));
        // What is signed as findings has no template.
        !matches!(webhook.signing, Signing::Jwt {}) && webhook.body_template.as_ref().is_some_and(names_one)
    }

    /// Whether the channel gets a finding.
    pub fn wants(&self, severity: Severity, provider: &str, finding_type: &str) -> bool {
        let is_source = self.sources.is_empty() || self.sources.iter().any(|one| one.covers(provider, finding_type));
        self.enabled && self.severities.contains(&severity) && is_source
    }

    /// The zone of its people; UTC where the name is none.
    pub fn zone(&self) -> chrono_tz::Tz {
        self.time_zone.parse().unwrap_or_default()
    }

    /// Every secret with its member, such as `receiver.routing_key`.
    pub fn secrets(&self) -> Vec<(String, &Secret)> {
        self.receiver.secrets().into_iter().map(|(member, secret)| (format!("receiver.{member}"), secret)).collect()
    }

    /// The same, to be sealed or opened in place.
    pub fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        let found = self.receiver.secrets_mut().into_iter();
        found.map(|(member, secret)| (format!("receiver.{member}"), secret)).collect()
    }

    /// The channel as it may be shown.
    pub fn masked(&self) -> Self {
        let mut shown = self.clone();
        for (_, secret) in shown.secrets_mut() {
            *secret = secret.masked();
        }
        shown
    }

    /// An edit, with the secrets that it sent back masked taken from the channel as it was. Fails where a mask
    /// belongs to no secret of that channel, and where its address is another one now.
    pub fn with_secrets_from(self, previous: &Self) -> Result<Self, MaskError> {
        masking::with_secrets_from(self, previous)
    }

    /// All that cannot work; nothing when the channel can be stored.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Faults::default();
        faults.line("name", &self.name, 1, NAME_CHARS_MAX);
        if self.description.chars().count() > DESCRIPTION_CHARS_MAX {
            faults.add("description", format!("is too long; at most {DESCRIPTION_CHARS_MAX} characters"));
        }
        if self.severities.is_empty() {
            faults.add("severities", "is empty, so the channel would get nothing; name one, or disable the channel");
        }
        if !(1..=RATE_LIMIT_MAX).contains(&self.rate_limit) {
            faults.add("rate_limit", format!("is {}; write notices an hour, 1 to {RATE_LIMIT_MAX}", self.rate_limit));
        }
        if self.time_zone.parse::<chrono_tz::Tz>().is_err() {
            faults.add("time_zone", "is no time zone; write an IANA name such as Europe/Berlin or UTC");
        }
        faults.sources(&self.sources);
        match &self.receiver {
            Receiver::Email(email) => faults.email(email),
            Receiver::Slack(slack) => faults.url("receiver.url", slack.url.expose()),
            Receiver::Teams(teams) => faults.url("receiver.url", teams.url.expose()),
            Receiver::Pagerduty(pagerduty) => faults.pagerduty(pagerduty),
            Receiver::Webhook(webhook) => faults.webhook(webhook),
            Receiver::Syslog(syslog) => faults.syslog(syslog),
        }
        faults.0
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, member: impl Into<String>, text: impl Into<String>) {
        self.0.push(Fault { member: member.into(), text: text.into() });
    }

    /// One line of printable characters.
    fn line(&mut self, member: &str, text: &str, chars_min: usize, chars_max: usize) {
        let count = text.chars().count();
        if count < chars_min || count > chars_max || text.trim() != text {
            let bounds = format!("must have {chars_min} to {chars_max} characters, no blank first or last");
            self.add(member, bounds);
        } else if !text.chars().all(crate::clip::is_plain) {
            self.add(member, "holds a line break or a character that cannot be seen; remove it");
        }
    }

    fn sources(&mut self, sources: &[Source]) {
        if sources.len() > SOURCES_MAX {
            self.add("sources", format!("has {}; at most {SOURCES_MAX}", sources.len()));
        }
        for (place, source) in sources.iter().enumerate().take(SOURCES_MAX) {
            self.line(&format!("sources.{place}.provider"), &source.provider, 1, NAME_CHARS_MAX);
            let member = format!("sources.{place}.finding_types");
            if source.finding_types.is_empty() || source.finding_types.len() > FINDING_TYPES_MAX {
                self.add(member, format!("must name 1 to {FINDING_TYPES_MAX} types, or [\"{ALL}\"] for each"));
                continue;
            }
            for finding_type in &source.finding_types {
                self.line(&member, finding_type, 1, NAME_CHARS_MAX);
            }
        }
    }

    fn email(&mut self, email: &Email) {
        if email.to.is_empty() || email.to.len() > ADDRESSES_MAX {
            self.add("receiver.to", format!("must name 1 to {ADDRESSES_MAX} addresses"));
        }
        for (place, address) in email.to.iter().enumerate().take(ADDRESSES_MAX) {
            if address.parse::<lettre::Address>().is_err() {
                let text = "is no mail address; write it like alice@example.com, without a name or brackets";
                self.add(format!("receiver.to.{place}"), text);
            }
        }
    }

    /// What the guard refuses whatever the operator allows. The text never repeats the address: it may be a secret.
    fn url(&mut self, member: &str, text: &str) {
        if text.len() > URL_BYTES_MAX {
            return self.add(member, format!("is too long; at most {URL_BYTES_MAX} bytes"));
        }
        let Ok(url) = Url::parse(text) else {
            return self.add(member, "is no address; write it like https://hooks.example.com/path");
        };
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return self.add(member, "is no address of HTTP; write it like https://hooks.example.com/path");
        }
        if !url.username().is_empty() || url.password().is_some() {
            self.add(member, "holds a name or password; put them into a header `Authorization`");
        }
    }

    fn pagerduty(&mut self, pagerduty: &PagerDuty) {
        self.url("receiver.url", &pagerduty.url);
        let key = pagerduty.routing_key.expose();
        let is_key = key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_key {
            let text = "is no integration key of Events API v2; those have 32 letters and digits";
            self.add("receiver.routing_key", text);
        }
    }

    fn webhook(&mut self, webhook: &Webhook) {
        self.url("receiver.url", &webhook.url);
        if webhook.headers.len() > HEADERS_MAX {
            self.add("receiver.headers", format!("has {}; at most {HEADERS_MAX}", webhook.headers.len()));
        }
        for (name, value) in webhook.headers.iter().take(HEADERS_MAX) {
            let member = format!("receiver.headers.{name}");
            let lower = name.to_ascii_lowercase();
            if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
                self.add("receiver.headers", "has a name that no header can have; use letters, digits and `-`");
            } else if HEADERS_RESERVED.contains(&lower.as_str()) || lower.starts_with("x-whodid-") {
                self.add(member, "is set by whodid itself; remove it");
            } else if value.expose().len() > HEADER_BYTES_MAX || !value.expose().bytes().all(is_of_header) {
                let text = format!("must be at most {HEADER_BYTES_MAX} bytes of ASCII on one line");
                self.add(member, text);
            }
        }
        if let Some(template) = &webhook.body_template {
            if matches!(webhook.signing, Signing::Jwt {}) {
                self.add("receiver.body_template", "has no effect where the body is a JWT; remove one of the two");
            }
            if let Err(error) = render::template::check(template, webhook.content_type()) {
                self.add("receiver.body_template", error.to_string());
            }
        }
        if let Signing::Hmac { secret } = &webhook.signing {
            let count = secret.expose().chars().count();
            if !(HMAC_CHARS_MIN..=KEY_CHARS_MAX).contains(&count) {
                let text = format!("must have {HMAC_CHARS_MIN} to {KEY_CHARS_MAX} characters; use random ones");
                self.add("receiver.signing.secret", text);
            }
        }
    }

    fn syslog(&mut self, syslog: &Syslog) {
        if url::Host::parse(&syslog.host).is_err() {
            self.add("receiver.host", "is no host; write a name such as siem.example.com, or an address");
        }
        if syslog.port == 0 {
            self.add("receiver.port", "is 0; collectors listen on 514 (udp, tcp) or 6514 (tls)");
        }
    }
}

fn is_of_header(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}
