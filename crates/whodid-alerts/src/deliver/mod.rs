//! Hands one notice to one channel, once. The caller keeps what is still to be delivered and asks again.
//!
//! *Invariants*: a try ends within its time, whatever the receiver does; what account administrators configure is
//! reached only where the [guard](crate::guard) lets it; what comes back holds the receiver's words or ours, never an
//! address of the network inside, never a secret. Time comes in with the attempt; only durations are measured.

mod answer;
mod collector;
mod http;
mod mail;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;

use crate::guard::{AllowList, Guard, ReachError};
use crate::receiver::Receiver;
use crate::retry::{self, Attempt, Failure};
use crate::{Channel, Issuer, Notice, Resolver, SigningKey};

pub use answer::ANSWER_CHARS_MAX;
pub use mail::{Mail, MailSecurity};
pub use tls::TlsError;

/// Longest try over HTTP or syslog, DNS and TLS with it.
pub const TIME_MAX: Duration = Duration::from_secs(5);
/// Longest try by mail.
pub const MAIL_TIME_MAX: Duration = Duration::from_secs(10);

/// What the operator sets.
#[derive(Debug)]
pub struct Settings {
    /// The server for mail; without, e-mail channels are refused.
    pub mail: Option<Mail>,
    /// What receivers may be reached besides public ones.
    pub allow: AllowList,
    /// Who resolves names.
    pub resolver: Arc<dyn Resolver>,
    /// Certificates that are trusted besides the system's, as PEM.
    pub roots_pem: Vec<u8>,
    /// This machine's name, for syslog and mail.
    pub hostname: String,
    /// Who is named in signed findings.
    pub issuer: Issuer,
    /// The key of signed findings; without, such channels are refused.
    pub key: Option<Arc<SigningKey>>,
}

/// Delivers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sender {
    settings: Arc<Settings>,
    guard: Guard,
    tls: Arc<tokio_rustls::rustls::ClientConfig>,
    transport: Option<mail::Transport>,
}

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The channel's name.
    pub channel: String,
    /// The delivery, of which this was one try.
    pub id: String,
    /// Which try.
    pub attempt: u32,
    /// When.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of HTTP or SMTP, where there was an answer.
    pub status: Option<u16>,
    /// The beginning of what the receiver said, or why nothing was sent; printable, at most [`ANSWER_CHARS_MAX`].
    pub answer: String,
    /// The wait before the next try; none after the last.
    pub retry: Option<Duration>,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It will not be taken, or may not be sent; another try changes nothing.
    Refused,
    /// It did not get through this time.
    Failed,
}

/// One try before it is told.
pub(crate) enum Tried {
    Delivered {
        status: Option<u16>,
        answer: String,
    },
    /// For good.
    Refused {
        status: Option<u16>,
        answer: String,
    },
    /// This time.
    Failed {
        failure: Failure,
        answer: String,
    },
}

impl Sender {
    /// A sender with the operator's settings. Reads the system's certificates. Fails when these, or the operator's,
    /// cannot be used.
    pub fn new(settings: Settings) -> Result<Self, TlsError> {
        let tls = Arc::new(tls::config(&settings.roots_pem)?);
        let guard = Guard::new(settings.allow.clone(), Arc::clone(&settings.resolver));
        let transport = settings.mail.as_ref().map(|mail| mail::transport(mail, &settings)).transpose()?;
        Ok(Self { settings: Arc::new(settings), guard, tls, transport })
    }

    /// What decides about addresses, for channels that are about to be stored.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Tries once. Ends within [`TIME_MAX`] or [`MAIL_TIME_MAX`].
    pub async fn deliver(&self, channel: &Channel, notice: &Notice, attempt: &Attempt) -> Delivery {
        let begun = Instant::now();
        let tried = self.try_once(channel, notice, attempt).await;
        let (outcome, status, answer, retry) = match tried {
            Tried::Delivered { status, answer } => (Outcome::Delivered, status, answer, None),
            Tried::Refused { status, answer } => (Outcome::Refused, status, answer, None),
            Tried::Failed { failure, answer } => {
                let status = match failure {
                    Failure::Status { code, .. } => Some(code),
                    Failure::Transport => None,
                };
                (Outcome::Failed, status, answer, retry::next(attempt, failure))
            }
        };
        Delivery {
            channel: channel.name.clone(),
            id: attempt.delivery.clone(),
            attempt: attempt.number,
            at: attempt.at,
            duration: begun.elapsed(),
            outcome,
            status,
            answer: answer::printable(&answer),
            retry,
        }
    }

    async fn try_once(&self, channel: &Channel, notice: &Notice, attempt: &Attempt) -> Tried {
        if !channel.receiver.tells(notice.event) {
            return Tried::Delivered { status: None, answer: "this channel is not told of it".to_owned() };
        }
        match &channel.receiver {
            Receiver::Email(email) => self.mail(email, channel.zone(), notice, attempt).await,
            Receiver::Syslog(syslog) => within(TIME_MAX, self.collect(syslog, notice)).await,
            Receiver::Slack(_) | Receiver::Teams(_) | Receiver::Pagerduty(_) | Receiver::Webhook(_) => {
                self.post(channel, notice, attempt).await
            }
        }
    }
}

impl Tried {
    fn refused(answer: impl Into<String>) -> Self {
        Self::Refused { status: None, answer: answer.into() }
    }

    /// No answer, which may be another time.
    fn failed(answer: impl Into<String>) -> Self {
        Self::Failed { failure: Failure::Transport, answer: answer.into() }
    }

    fn unreachable(error: &ReachError) -> Self {
        match error {
            ReachError::Blocked(blocked) => Self::refused(blocked.to_string()),
            ReachError::Unresolved { .. } => Self::failed(error.to_string()),
        }
    }
}

async fn within(time: Duration, tried: impl Future<Output = Tried>) -> Tried {
    match tokio::time::timeout(time, tried).await {
        Ok(tried) => tried,
        Err(_) => Tried::failed(format!("no answer within {} s", time.as_secs())),
    }
}
