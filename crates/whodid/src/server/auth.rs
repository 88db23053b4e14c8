//! Who asks: a key in the `Authorization` header, or else the session cookie.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use whodid_api::Code;
use whodid_meta::{KeyError, SessionError, User};
use whodid_model::access::{Permission, decide};
use whodid_model::{AccessScope, AccountName, Principal};

use super::failure::Failure;
use super::{App, body};

/// Name of the session cookie where browsers come by HTTPS: bound to this host, never sent in the clear.
const COOKIE_HTTPS: &str = "__Host-whodid_session";
/// Name of the session cookie on plain HTTP, where browsers refuse the other.
const COOKIE_HTTP: &str = "whodid_session";

/// Where the connection comes from; put into every request by the listener.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// What the caller proved who it is with; shown again while a long answer runs.
#[derive(Clone)]
enum Credential {
    Key(String),
    Cookie(String),
}

/// Who asks.
#[derive(Clone)]
pub struct Caller {
    principal: Principal,
    /// The user of a session; administrator tokens are looked up when needed.
    user: Option<User>,
    credential: Credential,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Caller").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
            let key = value.to_str().ok().and_then(bearer).ok_or_else(|| {
                Failure::new(Code::InvalidKey, "the Authorization header must read `Bearer` and a key")
            })?;
            return by_key(app, key, client_address(app, parts)).await;
        }
        let cookie = cookie(app, &parts.headers).ok_or_else(|| {
            Failure::new(Code::MissingCredential, "send a key as `Authorization: Bearer …`, or sign in")
        })?;
        refuse_cross_site(app, &parts.method, &parts.headers)?;
        by_cookie(app, cookie).await
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

async fn by_key(app: &App, key: &str, address: IpAddr) -> Result<Caller, Failure> {
    match app.meta.authenticate(key, crate::clock::now()).await {
        Ok(principal) => Ok(Caller { principal, user: None, credential: Credential::Key(key.to_owned()) }),
        Err(KeyError::Meta(error)) => Err(error.into()),
        // A revoked key is no guess, and its sender may try for ever; it does not count.
        Err(KeyError::Revoked) => Err(Failure::new(Code::InvalidKey, "the key was revoked")),
        Err(KeyError::Unknown | KeyError::Malformed) => {
            let now = Instant::now();
            app.key_attempts.fail(address, now);
            if let Some(wait) = app.key_attempts.wait(address, now) {
                let detail = "too many keys from this address were not valid; a valid key still works";
                return Err(Failure::new(Code::TooManyTries, detail).retry_after(wait.as_secs().max(1)));
            }
            Err(Failure::new(Code::InvalidKey, "the key is not valid; check it for missing characters"))
        }
    }
}

async fn by_cookie(app: &App, cookie: &str) -> Result<Caller, Failure> {
    match app.meta.session(cookie, crate::clock::now()).await {
        Ok(session) => {
            let principal =
                Principal::Administrator { user: session.user.id.clone(), accounts: session.user.accounts.clone() };
            Ok(Caller { principal, user: Some(session.user), credential: Credential::Cookie(cookie.to_owned()) })
        }
        Err(SessionError::Ended) => {
            Err(Failure::new(Code::SessionEnded, "the session has ended; sign in with a new link"))
        }
        Err(SessionError::Meta(error)) => Err(error.into()),
    }
}

impl Caller {
    /// Decides whether the caller may do this in the named account, or its own when none is named.
    pub fn access(&self, permission: Permission, account: Option<&str>) -> Result<AccessScope, Failure> {
        let missing = || Failure::new(Code::NotFound, "there is no such account");
        let account = match account {
            Some(name) => AccountName::parse(name).map_err(|_| missing())?,
            None => self.principal.home_account().cloned().ok_or_else(missing)?,
        };
        let is_home = match &self.principal {
            Principal::Administrator { accounts, .. } => accounts.contains(&account),
            Principal::IngestionKey { account: own, .. } | Principal::ServiceKey { account: own, .. } => {
                *own == account
            }
        };
        // Another's account must look like one that does not exist.
        if !is_home {
            return Err(missing());
        }
        decide(&self.principal, permission, &account)
            .map_err(|_| Failure::new(Code::Forbidden, forbidden(&self.principal, permission)))
    }

    /// Who it is, as records name it.
    pub fn label(&self) -> String {
        self.principal.label()
    }

    /// The user behind a session or administrator token.
    pub async fn user(&self, app: &App) -> Result<User, Failure> {
        if let Some(user) = &self.user {
            return Ok(user.clone());
        }
        let Principal::Administrator { user: id, .. } = &self.principal else {
            return Err(Failure::new(Code::Forbidden, "only users and administrator tokens have a name here"));
        };
        let users = app.meta.users().await?;
        users
            .into_iter()
            .find(|user| user.id == *id)
            .ok_or_else(|| Failure::new(Code::NotFound, "there is no such user any more"))
    }

    /// Whether the key or session still counts.
    pub async fn is_still_valid(&self, app: &App) -> bool {
        let now = crate::clock::now();
        match &self.credential {
            Credential::Key(key) => app.meta.authenticate(key, now).await.is_ok(),
            Credential::Cookie(cookie) => app.meta.running_session(cookie, now).await.is_ok(),
        }
    }
}

fn forbidden(principal: &Principal, permission: Permission) -> String {
    let who = match principal {
        Principal::Administrator { .. } => "this user",
        Principal::IngestionKey { .. } => "an ingestion key",
        Principal::ServiceKey { .. } => "a service key",
    };
    let (what, with) = match permission {
        Permission::WriteEvents => ("send events", "an ingestion key (`wik_…`)"),
        Permission::ReadEvents => ("read events", "a service key (`wsk_…`)"),
        Permission::ExportEvents => ("export events", "a service key (`wsk_…`)"),
        Permission::ManageKeys => ("manage keys", "an administrator token (`wat_…`) or sign in"),
    };
    format!("{who} may not {what}; use {with}")
}

/// The session cookie's value.
pub fn cookie<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    let wanted = cookie_name(app);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| value)
}

fn cookie_name(app: &App) -> &'static str {
    if app.config.is_https() { COOKIE_HTTPS } else { COOKIE_HTTP }
}

/// The `Set-Cookie` value of a session that lasts so many seconds; 0 takes the cookie away.
///
/// `Strict` does not get in the way of links from elsewhere: the page itself is served without a
/// session, and its own requests are same-site.
pub fn set_cookie(app: &App, value: &str, max_age_s: i64) -> String {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    format!("{}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}", cookie_name(app))
}

/// Refuses a request that changes something and does not come from our own pages.
///
/// Browsers say so in `Sec-Fetch-Site` or, older ones, in `Origin`; and the types a form can send are refused.
fn refuse_cross_site(app: &App, method: &Method, headers: &HeaderMap) -> Result<(), Failure> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    if !is_same_origin(app, headers).unwrap_or(false) {
        let detail = "a request with a session cookie must come from the server's own pages; programs use a key";
        return Err(Failure::new(Code::CrossOrigin, detail));
    }
    let kind = body::media_type(headers);
    let fits = match kind.as_deref() {
        None => *method == Method::DELETE,
        Some(kind) => matches!(kind, "application/json" | "application/x-ndjson"),
    };
    if fits { Ok(()) } else { Err(Failure::new(Code::UnsupportedMediaType, "send `Content-Type: application/json`")) }
}

/// Whether a browser says that the request comes from our own origin; `None` when it says nothing.
pub fn is_same_origin(app: &App, headers: &HeaderMap) -> Option<bool> {
    if let Some(site) = headers.get("sec-fetch-site") {
        return Some(site.as_bytes() == b"same-origin");
    }
    let origin = headers.get(header::ORIGIN)?.to_str().unwrap_or_default().to_ascii_lowercase();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let own = match &app.config.public_url {
        Some(url) => origin == *url,
        None => !host.is_empty() && origin == format!("http://{host}"),
    };
    Some(own)
}

/// The address of the client: the peer's, or what a trusted proxy says it forwarded for.
pub fn client_address(app: &App, parts: &Parts) -> IpAddr {
    let Some(Peer(peer)) = parts.extensions.get::<Peer>().copied() else {
        return IpAddr::from([0, 0, 0, 0]);
    };
    let is_trusted = |address: IpAddr| app.config.trusted_proxies.iter().any(|network| network.contains(&address));
    let mut address = peer.ip().to_canonical();
    let forwarded = parts.headers.get_all("x-forwarded-for");
    let mut hops: Vec<&str> =
        forwarded.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    // From the nearest hop outwards: what an untrusted one claims is not believed.
    while is_trusted(address) {
        let Some(Ok(next)) = hops.pop().map(|hop| hop.trim().parse::<IpAddr>()) else { break };
        address = next.to_canonical();
    }
    address
}
