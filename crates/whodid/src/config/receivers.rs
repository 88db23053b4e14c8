//! What is configured of receivers: the mail server, and which addresses inside the network channels may reach.

use whodid_alerts::deliver::{Mail, MailSecurity};
use whodid_alerts::{AllowList, Secret};

use super::{ConfigError, Taker, parse_networks};

/// Receivers, every value checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receivers {
    /// The mail server; without one no mail is sent.
    pub mail: Option<Mail>,
    /// What channels may reach besides public addresses by HTTPS.
    pub allow: AllowList,
}

pub(super) fn take(taker: &mut Taker) -> Result<Receivers, ConfigError> {
    let host = taker.take("mail.host", "the name of a mail server", |text| Some(text.trim().to_owned()))?;
    let port = taker.take("mail.port", "a port", |text| text.parse::<u16>().ok())?;
    let security = taker.take("mail.security", "tls, starttls or plain", |text| match text {
        "tls" => Some(MailSecurity::Tls),
        "starttls" => Some(MailSecurity::Starttls),
        "plain" => Some(MailSecurity::Plain),
        _ => None,
    })?;
    let username = taker.take("mail.username", "a text", |text| Some(text.to_owned()))?;
    let password = taker.take("mail.password", "a text", |text| Some(text.to_owned()))?;
    let from = taker.take("mail.from", "an address such as whodid@example.com", |text| Some(text.trim().to_owned()))?;
    let mail = Mail { host, port, security, username, password: Secret::new(password), from };
    let faults = if mail.host.is_empty() { Vec::new() } else { mail.faults() };
    if let Some(fault) = faults.first() {
        return Err(ConfigError::Unfit { key: format!("mail.{}", fault.member), text: fault.text.clone() });
    }
    let addresses = taker.take("channels.allow", "addresses or networks with commas between", parse_networks)?;
    let ports = taker.take("channels.allow_ports", "ports with commas between", |text| {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| part.parse::<u16>().ok()).collect()
    })?;
    let http = taker.take("channels.allow_http", "true or false", |text| text.parse().ok())?;
    let allow = AllowList { addresses, hosts: Vec::new(), ports, http };
    Ok(Receivers { mail: Some(mail).filter(|mail| !mail.host.is_empty()), allow })
}
