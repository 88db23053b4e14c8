//! The configuration of the identity provider, from plain values to one that cannot be wrong.

use std::collections::BTreeMap;
use std::net::IpAddr;

use reqwest::Url;

use super::secret::Secret;

/// Where the provider sends browsers back to, below the server's own address.
pub const CALLBACK_PATH: &str = "/sign-in/oidc/callback";

/// Longest text of any value, in bytes.
const VALUE_BYTES_MAX: usize = 2048;
/// Longest name of a role, in characters; as in the contract.
const ROLE_CHARS_MAX: usize = 40;

const NAME_DEFAULT: &str = "Single sign-on";
const SCOPES_DEFAULT: &str = "openid profile email";
const GROUPS_CLAIM_DEFAULT: &str = "groups";
const NAME_CLAIM_DEFAULT: &str = "preferred_username";

/// The values of the keys `oidc.…` as people wrote them; empty is "not set".
#[derive(Clone, Copy, Default)]
pub struct OidcValues<'a> {
    /// `oidc.issuer`: the provider's address, exactly as it writes it itself.
    pub issuer: &'a str,
    /// `oidc.client_id`: what the provider calls this server.
    pub client_id: &'a str,
    /// `oidc.client_secret`; empty for a public client, which PKCE alone protects.
    pub client_secret: &'a str,
    /// `oidc.name`: what the button says; empty: `Single sign-on`.
    pub name: &'a str,
    /// `oidc.scopes`, with blanks between; empty: `openid profile email`.
    pub scopes: &'a str,
    /// `oidc.groups_claim`; empty: `groups`.
    pub groups_claim: &'a str,
    /// `oidc.name_claim`; empty: `preferred_username`.
    pub name_claim: &'a str,
    /// `oidc.account`: the account that people get their roles in.
    pub account: &'a str,
    /// `oidc.roles`: `group=role`, with commas between.
    pub roles: &'a str,
    /// `oidc.default_role`: the role of who has no other; empty: none, and they may not sign in.
    pub default_role: &'a str,
}

impl std::fmt::Debug for OidcValues<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client's secret is among them.
        out.debug_struct("OidcValues").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// An identity provider and what this server is to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcConfig {
    /// What the button says.
    pub name: String,
    /// The provider.
    pub issuer: Issuer,
    /// What the provider calls this server.
    pub client_id: String,
    /// What this server shows the provider; `None` for a public client.
    pub client_secret: Option<Secret>,
    /// What is asked for, `openid` first.
    pub scopes: Vec<String>,
    /// The claim that lists a person's groups.
    pub groups_claim: String,
    /// The claim that names a person.
    pub name_claim: String,
    /// The account that people get their roles in.
    pub account: String,
    /// Role by group. That the roles exist is checked by whoever knows the account's.
    pub roles: BTreeMap<String, String>,
    /// The role of who has no other.
    pub default_role: Option<String>,
    /// Where the provider sends browsers back to.
    pub redirect_uri: String,
}

/// A provider's address: `https`, or `http` on this very machine.
///
/// Kept as written: it is compared byte by byte (Discovery 1.0, section 4.3), and a URL library adds a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    is_loopback: bool,
}

impl Issuer {
    /// `None` unless it is `https://host…`, or `http://` and a loopback address, without query, fragment or password.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_loopback = is_loopback(&url);
        let is_plain = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && text.is_ascii()
            // A URL library reads over line breaks; a comparison does not.
            && is_line(text);
        (is_plain && is_safe(&url, is_loopback)).then(|| Self { text: text.to_owned(), is_loopback })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is on this machine, where plain HTTP is safe enough.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// An address that the provider names, when it is as safe as the provider's own.
    pub(super) fn endpoint(&self, text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        is_safe(&url, self.is_loopback).then_some(url)
    }
}

/// Whether nobody between can read along. Plain HTTP only on loopback, and only when the provider is there.
fn is_safe(url: &Url, may_be_plain: bool) -> bool {
    url.host().is_some() && (url.scheme() == "https" || (url.scheme() == "http" && may_be_plain && is_loopback(url)))
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {value:?}; it must be {expected}")]
pub struct OidcConfigError {
    /// The key.
    pub key: &'static str,
    /// The value as written; a secret is not shown.
    pub value: String,
    /// What would do.
    pub expected: &'static str,
}

impl OidcConfig {
    /// Reads the values; `None` when nothing is set, so that there is no identity provider.
    ///
    /// `base_url`: how browsers reach this server, without a slash at the end. Every error names the key, the value
    /// and what it must be.
    pub fn parse(values: &OidcValues<'_>, base_url: &str) -> Result<Option<Self>, OidcConfigError> {
        if values.all().iter().all(|value| value.trim().is_empty()) {
            return Ok(None);
        }
        let config = Self {
            name: text("oidc.name", values.name, NAME_DEFAULT)?,
            issuer: Issuer::parse(values.issuer.trim()).ok_or_else(|| {
                wrong(
                    "oidc.issuer",
                    values.issuer,
                    "the address of the identity provider as it writes it itself, such as https://login.example.com/realms/staff: https (http only on a loopback address) and without ? or #",
                )
            })?,
            client_id: needed("oidc.client_id", values.client_id, "what the identity provider calls this server")?,
            client_secret: client_secret(values.client_secret)?,
            scopes: scopes(values.scopes)?,
            groups_claim: text("oidc.groups_claim", values.groups_claim, GROUPS_CLAIM_DEFAULT)?,
            name_claim: text("oidc.name_claim", values.name_claim, NAME_CLAIM_DEFAULT)?,
            account: needed("oidc.account", values.account, "the name of the account that people get their roles in")?,
            roles: roles(values.roles)?,
            default_role: default_role(values.default_role)?,
            redirect_uri: format!("{base_url}{CALLBACK_PATH}"),
        };
        if config.roles.is_empty() && config.default_role.is_none() {
            let expected = "group=role with commas between, such as admins=administrator, staff=reader; or set `oidc.default_role`, else nobody may sign in";
            return Err(wrong("oidc.roles", values.roles, expected));
        }
        Ok(Some(config))
    }
}

impl<'a> OidcValues<'a> {
    fn all(&self) -> [&'a str; 10] {
        [
            self.issuer,
            self.client_id,
            self.client_secret,
            self.name,
            self.scopes,
            self.groups_claim,
            self.name_claim,
            self.account,
            self.roles,
            self.default_role,
        ]
    }
}

fn wrong(key: &'static str, value: &str, expected: &'static str) -> OidcConfigError {
    OidcConfigError { key, value: value.to_owned(), expected }
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && text.len() <= VALUE_BYTES_MAX && !text.chars().any(char::is_control)
}

fn text(key: &'static str, value: &str, default: &str) -> Result<String, OidcConfigError> {
    match value.trim() {
        "" => Ok(default.to_owned()),
        given if is_line(given) => Ok(given.to_owned()),
        _ => Err(wrong(key, value, "one line of text, at most 2,048 bytes")),
    }
}

fn needed(key: &'static str, value: &str, expected: &'static str) -> Result<String, OidcConfigError> {
    let given = value.trim();
    if is_line(given) { Ok(given.to_owned()) } else { Err(wrong(key, value, expected)) }
}

fn client_secret(value: &str) -> Result<Option<Secret>, OidcConfigError> {
    match value.trim() {
        "" => Ok(None),
        given if is_line(given) => Ok(Some(Secret::new(given))),
        _ => Err(wrong("oidc.client_secret", "(hidden)", "one line of text, at most 2,048 bytes")),
    }
}

fn scopes(value: &str) -> Result<Vec<String>, OidcConfigError> {
    let given = if value.trim().is_empty() { SCOPES_DEFAULT } else { value };
    // RFC 6749, section 3.3.
    let is_scope = |scope: &str| scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    let mut scopes = vec!["openid".to_owned()];
    for scope in given.split_whitespace().filter(|scope| *scope != "openid") {
        if !is_scope(scope) || given.len() > VALUE_BYTES_MAX {
            return Err(wrong("oidc.scopes", value, "scopes with blanks between, such as openid profile email groups"));
        }
        scopes.push(scope.to_owned());
    }
    Ok(scopes)
}

fn roles(value: &str) -> Result<BTreeMap<String, String>, OidcConfigError> {
    let expected = "group=role with commas between, each group once, such as admins=administrator, staff=reader";
    let mut roles = BTreeMap::new();
    for pair in value.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        // The last one: a group may have `=` in its name, a role may not.
        let (group, role) = pair.rsplit_once('=').ok_or_else(|| wrong("oidc.roles", value, expected))?;
        let (group, role) = (group.trim(), role.trim());
        if !is_line(group) || !is_role(role) || roles.insert(group.to_owned(), role.to_owned()).is_some() {
            return Err(wrong("oidc.roles", value, expected));
        }
    }
    Ok(roles)
}

fn default_role(value: &str) -> Result<Option<String>, OidcConfigError> {
    match value.trim() {
        "" => Ok(None),
        role if is_role(role) => Ok(Some(role.to_owned())),
        _ => Err(wrong("oidc.default_role", value, "the name of a role, such as reader, or empty")),
    }
}

/// Whether a role can have this name; whether one has it only the account knows.
fn is_role(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= ROLE_CHARS_MAX && !name.starts_with('-') && name.bytes().all(is_part)
}
