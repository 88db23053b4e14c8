//! Mail through the operator's server, which the guard does not check: the operator names it.

use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use super::{MAIL_TIME_MAX, Sender, Settings, TlsError, Tried};
use crate::receiver::Email;
use crate::retry::Attempt;
use crate::{Fault, Notice, Secret, render};

/// The server for mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Its name.
    pub host: String,
    /// Its port: 465 for TLS, 587 for STARTTLS, 25 for relays.
    pub port: u16,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// Who signs in; nobody when empty.
    #[serde(default)]
    pub username: String,
    /// With what.
    #[serde(default)]
    pub password: Secret,
    /// The sender, such as `whodid <whodid@example.com>`.
    pub from: String,
}

/// How a connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything is said; a server without is refused.
    Starttls,
    /// None; for relays on the same machine or network.
    Plain,
}

/// A way to the mail server; each mail takes a connection of its own.
pub(super) type Transport = AsyncSmtpTransport<Tokio1Executor>;

impl Mail {
    /// All that cannot work; nothing when it can be used.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut add =
            |member: &str, text: &str| faults.push(Fault { member: member.to_owned(), text: text.to_owned() });
        let host = url::Host::parse(&self.host).ok();
        if host.is_none() {
            add("host", "is no host; write a name such as smtp.example.com, or an address");
        }
        if self.port == 0 {
            add("port", "is 0; write 465 for tls, 587 for starttls, 25 for a relay");
        }
        if self.from.parse::<Mailbox>().is_err() {
            add("from", "is no mail address; write it like whodid@example.com or whodid <whodid@example.com>");
        }
        let is_here = match &host {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if self.security == MailSecurity::Plain && !self.username.is_empty() && !is_here {
            add("security", "is plain, so that the password would be sent for all to read; use tls or starttls");
        }
        faults
    }
}

impl Sender {
    pub(super) async fn mail(&self, email: &Email, zone: chrono_tz::Tz, notice: &Notice, attempt: &Attempt) -> Tried {
        let (Some(mail), Some(transport)) = (&self.settings.mail, &self.transport) else {
            return Tried::refused("no mail server is set up; the operator can set one");
        };
        let message = match self.message(mail, &email.to, zone, notice, attempt) {
            Ok(message) => message,
            Err(why) => return Tried::refused(why),
        };
        let deadline = Instant::now() + MAIL_TIME_MAX;
        let first = send(transport, message, deadline).await;
        match &first {
            // One address that does not exist must not keep the others from knowing.
            Tried::Refused { status: Some(_), .. } if email.to.len() > 1 => {}
            _ => return first,
        }
        let (mut sent, mut last) = (0, first);
        for address in &email.to {
            let message = self.message(mail, std::slice::from_ref(address), zone, notice, attempt);
            let Ok(message) = message else { continue };
            match send(transport, message, deadline).await {
                Tried::Delivered { .. } => sent += 1,
                other => last = other,
            }
        }
        match last {
            Tried::Refused { status, answer } | Tried::Delivered { status, answer } if sent > 0 => {
                let answer =
                    format!("{} of {} addresses did not take it: {answer}", email.to.len() - sent, email.to.len());
                Tried::Delivered { status, answer }
            }
            // Another try would send it again to those who have it.
            Tried::Failed { answer, .. } if sent > 0 => {
                let answer =
                    format!("{} of {} addresses did not take it: {answer}", email.to.len() - sent, email.to.len());
                Tried::Delivered { status: None, answer }
            }
            last => last,
        }
    }

    fn message(
        &self,
        mail: &Mail,
        to: &[String],
        zone: chrono_tz::Tz,
        notice: &Notice,
        attempt: &Attempt,
    ) -> Result<Message, &'static str> {
        let told = render::email(notice, zone);
        let host = word(&self.settings.hostname);
        // The mails of one alert are one conversation.
        let thread = format!("<{}@{host}>", word(&notice.alert_id));
        let micros = u64::try_from(attempt.at.micros()).unwrap_or_default();
        let mut builder = Message::builder()
            .from(mail.from.parse::<Mailbox>().map_err(|_| "the operator's sender address is none")?)
            .subject(told.subject)
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(format!("<{}@{host}>", word(&attempt.delivery))))
            .in_reply_to(thread.clone())
            .references(thread);
        // RFC 3834: keeps machines from answering.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        builder = builder.raw_header(HeaderValue::new(name, "auto-generated".to_owned()));
        for address in to {
            let address: Address = address.parse().map_err(|_| "an address of the channel is none")?;
            builder = builder.to(Mailbox::new(None, address));
        }
        let body = MultiPart::alternative_plain_html(told.text, told.html);
        builder.multipart(body).map_err(|_| "the mail cannot be written")
    }
}

/// The way to a mail server.
pub(super) fn transport(mail: &Mail, settings: &Settings) -> Result<Transport, TlsError> {
    let tls = || {
        let mut parameters = TlsParameters::builder(mail.host.clone());
        if !settings.roots_pem.is_empty() {
            parameters = parameters.add_root_certificate(Certificate::from_pem(&settings.roots_pem)?);
        }
        parameters.build()
    };
    let security = match mail.security {
        MailSecurity::Tls => tls().map(Tls::Wrapper),
        MailSecurity::Starttls => tls().map(Tls::Required),
        MailSecurity::Plain => Ok(Tls::None),
    };
    let mut builder = Transport::builder_dangerous(&mail.host)
        .port(mail.port)
        .tls(security.map_err(|source| TlsError::Mail { source })?)
        .timeout(Some(MAIL_TIME_MAX))
        .hello_name(ClientId::Domain(word(&settings.hostname)));
    if !mail.username.is_empty() {
        builder = builder.credentials(Credentials::new(mail.username.clone(), mail.password.expose().to_owned()));
    }
    Ok(builder.build())
}

async fn send(transport: &Transport, message: Message, deadline: Instant) -> Tried {
    let error = match timeout_at(deadline, transport.send(message)).await {
        Ok(Ok(response)) => {
            let answer = response.message().collect::<Vec<_>>().join(" ");
            return Tried::Delivered { status: Some(response.code().into()), answer };
        }
        Ok(Err(error)) => error,
        Err(_) => return Tried::failed(format!("no answer within {} s", MAIL_TIME_MAX.as_secs())),
    };
    let status = error.status().map(u16::from);
    let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    if error.is_permanent() {
        return Tried::Refused { status, answer: said };
    }
    if error.is_transient() {
        // SMTP's 4yz say: not now.
        return Tried::failed(said);
    }
    if error.is_client() {
        return Tried::refused("the mail server does not offer what is set up");
    }
    Tried::failed(if error.is_tls() {
        "TLS with the mail server failed"
    } else {
        "the connection to the mail server failed"
    })
}

/// A word for ids: what cannot stand in one becomes a dash.
fn word(text: &str) -> String {
    let word: String = text
        .chars()
        .take(100)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' })
        .collect();
    if word.is_empty() { "whodid".to_owned() } else { word }
}
