//! Who asks: a key in the `Authorization` header, or else the session cookie.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use whodid_api::Code;
use whodid_audit::{By, Credential as Proof};
use whodid_meta::{KeyError, KeyKind, Need, Session, SessionError};
use whodid_model::access::{Act, Denied, Permission, Who, decide};
use whodid_model::{AccessScope, AccountName, Principal, StreamName};

use super::audit::Attempt;
use super::failure::Failure;
use super::{App, body};

/// Name of the session cookie where browsers come by HTTPS: bound to this host, never sent in the clear.
const COOKIE_HTTPS: &str = "__Host-whodid_session";
/// Name of the session cookie on plain HTTP, where browsers refuse the other.
const COOKIE_HTTP: &str = "whodid_session";
/// Longest user agent that is told, in characters.
const AGENT_CHARS_MAX: usize = 200;
/// How long after a full sign-in changes that matter are possible without the password once more (ASVS 5, 7.5.1).
pub const FRESH_MICROS: i64 = 10 * 60 * 1_000_000;

/// Streams that limits by spaces, sources or a query cannot cut.
const UNCUT: [&str; 3] = ["rejects", "findings", "insights"];

/// What works for who has still to finish signing in: exactly what finishing takes.
const FINISHING: [&str; 6] = [
    "/api/v1/me",
    "/api/v1/me/password",
    "/api/v1/me/reauthenticate",
    "/api/v1/me/totp",
    "/api/v1/me/totp/confirm",
    "/api/v1/sessions/current",
];

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
    session: Option<Session>,
    kind: Option<KeyKind>,
    key_id: Option<String>,
    is_narrowed: bool,
    credential: Credential,
    /// What the request is about, for the audit log.
    pub attempt: Attempt,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Caller").field("principal", &self.principal.label()).finish_non_exhaustive()
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let attempt = parts.extensions.get::<Attempt>().cloned();
        let attempt = attempt.ok_or_else(|| Failure::new(Code::Internal, "the request was not wrapped"))?;
        if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
            let key = value.to_str().ok().and_then(bearer).ok_or_else(|| {
                Failure::new(Code::InvalidKey, "the Authorization header must read `Bearer` and a key")
            })?;
            return by_key(app, key, client_address(app, parts), attempt)
                .await
                .inspect(|caller| caller.is_asking(parts));
        }
        let cookie = cookie(app, &parts.headers).ok_or_else(|| {
            Failure::new(Code::MissingCredential, "send a key as `Authorization: Bearer …`, or sign in")
        })?;
        let is_use = parts.method != Method::GET || !parts.headers.contains_key(BACKGROUND);
        let caller = by_cookie(app, cookie, is_use, attempt).await?;
        // After the session is known, so that the audit log can tell in whose name another site tried.
        refuse_cross_site(app, &parts.method, &parts.headers)?;
        caller.refuse_incomplete(parts.uri.path())?;
        caller.is_asking(parts);
        Ok(caller)
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

async fn by_key(app: &App, key: &str, address: IpAddr, attempt: Attempt) -> Result<Caller, Failure> {
    match app.meta.authenticate(key, &address.to_string(), crate::clock::now()).await {
        Ok(known) => {
            let by = match &known.principal.who {
                Who::User { id, name, .. } => By::User { id: id.clone(), name: name.clone() },
                Who::Key { id, name } => By::Key { id: id.clone(), name: name.clone() },
            };
            attempt.is_by(by, Some(Proof::Key(known.masked)));
            if let Some(home) = known.principal.home_account() {
                attempt.is_in(home);
            }
            let credential = Credential::Key(key.to_owned());
            let (principal, kind, key_id) = (known.principal, Some(known.kind), Some(known.key));
            let is_narrowed = known.is_narrowed;
            Ok(Caller { principal, session: None, kind, key_id, is_narrowed, credential, attempt })
        }
        Err(KeyError::Meta(error)) => Err(error.into()),
        // A revoked key is no guess, and its sender may try for ever; it does not count.
        Err(KeyError::Revoked) => Err(Failure::new(Code::InvalidKey, "the key was revoked")),
        Err(KeyError::Expired) => Err(Failure::new(Code::InvalidKey, "the key has expired; ask for a new one")),
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

/// What our own pages say of requests that nobody asked for, such as refreshing a number: they are no use of the session,
/// which must be able to idle out before an open page (ASVS 5, 7.3.1).
const BACKGROUND: &str = "x-whodid-background";

async fn by_cookie(app: &App, cookie: &str, is_use: bool, attempt: Attempt) -> Result<Caller, Failure> {
    let now = crate::clock::now();
    let found = if is_use { app.meta.session(cookie, now).await } else { app.meta.running_session(cookie, now).await };
    match found {
        Ok(session) => {
            let principal = session.principal.clone();
            if let Who::User { id, name, .. } = &principal.who {
                let by = By::User { id: id.clone(), name: name.clone() };
                attempt.is_by(by, Some(Proof::Session(session.id.clone())));
            }
            if let Some(home) = principal.home_account() {
                attempt.is_in(home);
            }
            let credential = Credential::Cookie(cookie.to_owned());
            let session = Some(session);
            Ok(Caller { principal, session, kind: None, key_id: None, is_narrowed: false, credential, attempt })
        }
        Err(SessionError::Ended) => Err(Failure::new(Code::SessionEnded, "the session has ended; sign in again")),
        Err(SessionError::Meta(error)) => Err(error.into()),
    }
}

impl Caller {
    /// The account that is meant: the named one, or the caller's own when none is named. Another's account must
    /// look like one that does not exist.
    pub fn account(&self, name: Option<&str>) -> Result<AccountName, Failure> {
        let missing = || Failure::new(Code::NotFound, "there is no such account");
        let account = match name {
            Some(name) => {
                let account = AccountName::parse(name).ok().filter(|name| self.principal.grants.contains_key(name));
                if account.is_none() {
                    self.attempt.asks("account", name.chars().take(100).collect::<String>());
                }
                account
            }
            None => self.principal.home_account().cloned(),
        };
        let account = account.ok_or_else(missing)?;
        self.attempt.is_in(&account);
        Ok(account)
    }

    /// Decides whether the caller may do this in the named account, or its own when none is named.
    pub fn access(&self, act: Act<'_>, account: Option<&str>) -> Result<AccessScope, Failure> {
        let account = self.account(account)?;
        decide(&self.principal, act, &account).map_err(|denied| match denied {
            Denied::NotThere => Failure::new(Code::NotFound, "there is no such account"),
            Denied::Lacks(permission) => {
                let has_part = self.principal.permissions_somewhere_in(&account).has(permission);
                let detail = match act {
                    Act::Read(stream) | Act::Export(stream) if has_part && UNCUT.contains(&stream.as_str()) => {
                        let why = "leave this stream out: it is shown whole or not at all";
                        format!("`{permission}` is granted with limits, which {why}")
                    }
                    _ => self.forbidden(permission),
                };
                Failure::new(Code::Forbidden, detail)
            }
        })
    }

    /// Decides whether the caller may read a stream.
    pub fn reads(&self, stream: Option<&StreamName>, account: Option<&str>) -> Result<AccessScope, Failure> {
        match stream {
            Some(stream) => self.access(Act::Read(stream), account),
            None => self.access(Act::Read(&StreamName::activity()), account),
        }
    }

    /// Decides whether the caller has a permission in the whole account.
    pub fn needs(&self, permission: Permission, account: Option<&str>) -> Result<AccountName, Failure> {
        self.access(Act::Manage(permission), account).map(|scope| scope.account().clone())
    }

    /// The same where one of several permissions is enough; a refusal names the first.
    pub fn needs_one_of(
        &self,
        first: Permission,
        others: &[Permission],
        account: Option<&str>,
    ) -> Result<AccountName, Failure> {
        let refused = match self.needs(first, account) {
            Ok(account) => return Ok(account),
            Err(refused) => refused,
        };
        others.iter().find_map(|other| self.needs(*other, account).ok()).ok_or(refused)
    }

    /// The same for who changes what that permission is about: their full sign-in must be a moment ago.
    pub fn manages(&self, permission: Permission, account: Option<&str>) -> Result<AccountName, Failure> {
        let account = self.needs(permission, account)?;
        self.needs_fresh()?;
        Ok(account)
    }

    /// Refuses a session's cookie, which a browser also sends where nobody meant to, with what to do instead.
    pub fn refuse_session(&self, instead: &str) -> Result<(), Failure> {
        if self.session.is_none() { Ok(()) } else { Err(Failure::new(Code::CrossOrigin, instead)) }
    }

    /// Refuses who is no operator of the installation.
    pub fn needs_operator(&self) -> Result<(), Failure> {
        if self.principal.is_operator {
            return Ok(());
        }
        Err(Failure::new(Code::Forbidden, "only operators of this installation may do this"))
    }

    /// Who it is, as records name it.
    pub fn label(&self) -> String {
        self.principal.label()
    }

    /// Who it is and what was granted.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The id of the person behind a session or personal token.
    pub fn user(&self) -> Result<&str, Failure> {
        match &self.principal.who {
            Who::User { id, .. } => Ok(id),
            Who::Key { .. } => {
                Err(Failure::new(Code::Forbidden, "a key is nobody; sign in, or use a personal token (`wat_…`)"))
            }
        }
    }

    /// The id of the key or token.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The session; refused for keys and tokens.
    pub fn session(&self) -> Result<&Session, Failure> {
        self.session
            .as_ref()
            .ok_or_else(|| Failure::new(Code::SessionOnly, "this works only after signing in, not with a key or token"))
    }

    /// The session, if there is one.
    pub fn maybe_session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The session, if its full sign-in was a moment ago.
    pub fn fresh_session(&self) -> Result<&Session, Failure> {
        let session = self.session()?;
        let age = crate::clock::now().micros() - session.fresh_at.micros();
        if age > FRESH_MICROS {
            return Err(Failure::new(Code::StaleSession, "give your password once more, then try this again"));
        }
        Ok(session)
    }

    /// The same for what a personal token may do too; a token was made by a fresh session.
    pub fn needs_fresh(&self) -> Result<(), Failure> {
        if self.session.is_some() { self.fresh_session().map(drop) } else { Ok(()) }
    }

    /// Refuses a token that was narrowed: it does some of what its user may, and is not its user.
    pub fn needs_whole(&self) -> Result<(), Failure> {
        if self.is_narrowed {
            let detail = "a token that was limited does not see or end what is its user's; sign in";
            return Err(Failure::new(Code::Forbidden, detail));
        }
        Ok(())
    }

    /// Lets what reads the body know who sends it.
    fn is_asking(&self, parts: &mut Parts) {
        if parts.method != Method::GET {
            parts.extensions.insert(self.clone());
        }
    }

    /// Refuses who may no longer what they might when the request began: bodies may come slowly.
    pub async fn still_valid(&self, app: &App) -> Result<(), Failure> {
        if self.is_still_valid(app).await {
            return Ok(());
        }
        let detail = "the key, the session or the rights changed while the request was being sent; nothing was done";
        Err(Failure::new(Code::Conflict, detail))
    }

    /// Whether the key or session still counts, with the very rights that it had: what runs on for long ends when
    /// they change, and begins anew under the new ones.
    pub async fn is_still_valid(&self, app: &App) -> bool {
        let now = crate::clock::now();
        let principal = match &self.credential {
            Credential::Key(key) => app.meta.principal_of_key(key, now).await,
            Credential::Cookie(cookie) => {
                app.meta.running_session(cookie, now).await.ok().map(|session| session.principal)
            }
        };
        principal.is_some_and(|principal| principal == self.principal)
    }

    /// Refuses everything but finishing to who has not finished signing in.
    fn refuse_incomplete(&self, path: &str) -> Result<(), Failure> {
        // A first password can wait: who came by a link has proved enough for now.
        let is_due = |need: &Need| matches!(need, Need::ChangePassword | Need::SetUpMfa);
        let has_needs = self.session.as_ref().is_some_and(|session| session.needs.iter().any(is_due));
        if !has_needs || FINISHING.contains(&path) {
            return Ok(());
        }
        let detail = "finish signing in first: `needs` of /api/v1/me says what is missing";
        Err(Failure::new(Code::SignInIncomplete, detail))
    }

    fn forbidden(&self, permission: Permission) -> String {
        let who = match self.kind {
            Some(KeyKind::Ingestion) => "an ingestion key",
            Some(KeyKind::Service) => "a service key",
            Some(KeyKind::Personal) => "this token",
            None => "this user",
        };
        let with = match permission {
            Permission::EventsWrite => "; use an ingestion key (`wik_…`)",
            Permission::SpaceEventsRead | Permission::AccountEventsRead | Permission::EventsExport
                if self.kind == Some(KeyKind::Ingestion) =>
            {
                "; use a service key (`wsk_…`)"
            }
            _ if matches!(self.kind, Some(KeyKind::Ingestion | KeyKind::Service)) => {
                "; sign in, or use a personal token (`wat_…`)"
            }
            _ => "; ask an administrator of the account for a role that has it",
        };
        format!("{who} lacks `{permission}` in this account{with}")
    }
}

/// The user agent as told.
pub fn agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(agent.chars().filter(|shown| !shown.is_control()).take(AGENT_CHARS_MAX).collect())
}

/// The session cookie's value.
pub fn cookie<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    cookie_named(headers, cookie_name(app))
}

/// A cookie's value.
pub fn cookie_named<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
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
        // A form always says what it sends; without a body there is nothing to say.
        None => *method == Method::DELETE || !has_body(headers),
        // Kinds that no form can send, so that a browser asks before another site sends them.
        Some(kind) => matches!(kind, "application/json" | "application/x-ndjson" | "application/gzip"),
    };
    if fits { Ok(()) } else { Err(Failure::new(Code::UnsupportedMediaType, "send `Content-Type: application/json`")) }
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).map(axum::http::HeaderValue::as_bytes);
    headers.contains_key(header::TRANSFER_ENCODING) || !matches!(length, None | Some(b"0"))
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
