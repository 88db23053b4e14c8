//! What an account's administrators may make the server connect to.
//!
//! A channel's address is chosen by people who need not be trusted with the network that the server stands in. So an
//! address is read once, resolved once, each answer is checked, and the connection goes to exactly the checked
//! addresses: an answer that changes in between (DNS rebinding) changes nothing. Redirects are not followed, proxies of
//! the environment are not used. Refusals do not tell what the name led to.
//! Source: OWASP Server Side Request Forgery Prevention Cheat Sheet; IANA special-purpose address registries.

mod address;
#[cfg(test)]
mod hostile;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use url::{Host, Url};

use crate::resolver::Resolver;
use address::Reachable;

/// Ports of webhooks that need no permission.
pub const PORTS: [u16; 2] = [443, 8443];
/// Ports of syslog that need no permission: RFC 5426, RFC 6587, RFC 5425.
pub const SYSLOG_PORTS: [u16; 3] = [514, 601, 6514];
/// Addresses of one host that are tried.
const ADDRESSES_MAX: usize = 8;

/// What the operator opens for receivers inside the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    /// Networks that may be reached although they are not public.
    pub addresses: Vec<IpNet>,
    /// Hosts whose private and loopback addresses may be reached, as written in addresses. Link-local networks, where
    /// clouds tell their secrets, stay closed.
    pub hosts: Vec<String>,
    /// Ports besides [`PORTS`] and [`SYSLOG_PORTS`].
    pub ports: Vec<u16>,
    /// Whether plain HTTP may be spoken.
    pub http: bool,
}

/// Why a receiver is not reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// It cannot be read as an address of HTTP with a host.
    #[error("the address cannot be read; write it like https://hooks.example.com/path")]
    Unreadable,
    /// Not HTTPS.
    #[error("the address must begin with https://; the operator can allow http")]
    Scheme,
    /// A name or password in it.
    #[error("the address holds a name or password; put them into a header")]
    Credentials,
    /// Another port.
    #[error("port {port} is not allowed; the operator can allow it")]
    Port {
        /// The port.
        port: u16,
    },
    /// The host is, or leads to, an address that is not public.
    #[error("the host leads to an address that is not public; the operator can allow it")]
    Address,
}

/// Why there is no address to connect to.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// Never; another try changes nothing.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// Not now.
    #[error("the host's name could not be resolved")]
    Unresolved {
        /// What DNS said; `None` when it named no address.
        source: Option<std::io::Error>,
    },
}

/// A receiver that may be reached, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The host for TLS and `Host`, as it was normalised.
    pub host: String,
    /// Where to connect; at least one, in the order in which DNS gave them.
    pub addresses: Vec<SocketAddr>,
}

/// Decides what may be reached.
#[derive(Debug, Clone)]
pub struct Guard {
    allow: Arc<AllowList>,
    resolver: Arc<dyn Resolver>,
}

impl Guard {
    /// A guard with the operator's settings.
    pub fn new(allow: AllowList, resolver: Arc<dyn Resolver>) -> Self {
        Self { allow: Arc::new(allow), resolver }
    }

    /// What can be said of an address without asking DNS; for the moment when it is stored.
    pub fn look_at(&self, text: &str) -> Result<Url, Blocked> {
        let url = Url::parse(text).map_err(|_| Blocked::Unreadable)?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow.http => {}
            "http" => return Err(Blocked::Scheme),
            _ => return Err(Blocked::Unreadable),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Blocked::Credentials);
        }
        let (host, port) = (url.host().ok_or(Blocked::Unreadable)?, url.port_or_known_default().unwrap_or_default());
        // Port 80 is what plain HTTP means; whoever allows the one allows the other.
        let is_open =
            PORTS.contains(&port) || (url.scheme() == "http" && port == 80) || self.allow.ports.contains(&port);
        if !is_open {
            return Err(Blocked::Port { port });
        }
        self.look_at_host(&host)?;
        Ok(url)
    }

    /// Resolves and checks an address of HTTP.
    pub async fn reach(&self, text: &str) -> Result<(Url, Reach), ReachError> {
        let url = self.look_at(text)?;
        let host = url.host().ok_or(Blocked::Unreadable)?.to_owned();
        let reach = self.resolve(host, url.port_or_known_default().unwrap_or_default()).await?;
        Ok((url, reach))
    }

    /// What can be said of a syslog collector without asking DNS.
    pub fn look_at_syslog(&self, host: &str, port: u16) -> Result<Host, Blocked> {
        let host = Host::parse(host).map_err(|_| Blocked::Unreadable)?;
        if !SYSLOG_PORTS.contains(&port) && !self.allow.ports.contains(&port) {
            return Err(Blocked::Port { port });
        }
        self.look_at_host(&host)?;
        Ok(host)
    }

    /// Resolves and checks a syslog collector.
    pub async fn reach_syslog(&self, host: &str, port: u16) -> Result<Reach, ReachError> {
        let host = self.look_at_syslog(host, port)?;
        self.resolve(host, port).await
    }

    fn look_at_host<S: AsRef<str>>(&self, host: &Host<S>) -> Result<(), Blocked> {
        let address = match host {
            Host::Ipv4(address) => IpAddr::V4(*address),
            Host::Ipv6(address) => IpAddr::V6(*address),
            Host::Domain(name) => return if name.as_ref().is_empty() { Err(Blocked::Unreadable) } else { Ok(()) },
        };
        self.check_address(address, &address.to_string())
    }

    async fn resolve(&self, host: Host<String>, port: u16) -> Result<Reach, ReachError> {
        let (name, answers) = match host {
            Host::Ipv4(address) => (address.to_string(), vec![IpAddr::V4(address)]),
            Host::Ipv6(address) => (address.to_string(), vec![IpAddr::V6(address)]),
            Host::Domain(name) => {
                let answers = self.resolver.resolve(&name).await;
                let answers = answers.map_err(|source| ReachError::Unresolved { source: Some(source) })?;
                (name, answers)
            }
        };
        if answers.is_empty() {
            return Err(ReachError::Unresolved { source: None });
        }
        // Each answer, used or not: one inner address among public ones is an attempt, not an accident.
        for answer in &answers {
            self.check_address(*answer, &name)?;
        }
        let addresses = answers.into_iter().take(ADDRESSES_MAX).map(|answer| SocketAddr::new(answer, port)).collect();
        Ok(Reach { host: name, addresses })
    }

    fn check_address(&self, address: IpAddr, host: &str) -> Result<(), Blocked> {
        let reachable = address::reachable(address);
        let meant = address::meant(address);
        let is_listed = |net: &IpNet| net.contains(&address) || net.contains(&meant);
        let plain = host.strip_suffix('.').unwrap_or(host);
        let is_host =
            || self.allow.hosts.iter().any(|allowed| allowed.trim_matches(['[', ']']).eq_ignore_ascii_case(plain));
        let is_allowed = match reachable {
            Reachable::Public => true,
            _ if self.allow.addresses.iter().any(is_listed) => true,
            Reachable::Inner => is_host(),
            Reachable::Never => false,
        };
        if is_allowed { Ok(()) } else { Err(Blocked::Address) }
    }
}
