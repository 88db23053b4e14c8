//! Signing in: by password and second factor, by a one-time link, by an invitation; signing out; sessions of others.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whodid_api::{
    Challenge, Code, IdentityProvider, InvitationAccept, LinkInfo, LinkKind, LinkLook, LookupParams,
    PasswordResetCommit, PasswordResetRequest, SessionList, SessionSummary, SignIn, SignInMethods, SignInParams,
    SignedIn, User,
};
use whodid_meta::{Accept, Device, LinkError, Secret, Session, SessionView};
use whodid_model::Timestamp;
use whodid_model::access::Permission;

use super::audit::Attempt;
use super::auth::{self, Caller};
use super::failure::Failure;
use super::params::{Id, NoParams, Params};
use super::passwords;
use super::sign_in::{self, SignedInBy};
use super::{App, body, ui};

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 128;

/// A link is opened by people in browsers, by programs, and by what looks at links before people do.
///
/// A browser gets the page, whose script takes the token out of the address and posts it to
/// [`sign_in`]: a preview, a scanner of mail or a prefetch does not run it and uses nothing up, and the
/// page signs nobody in over a session that runs, so that another's link cannot take its place. A program
/// that follows the printed link (curl, a test) is signed in by this very request, as it ever was.
pub async fn follow_link(
    State(app): State<Arc<App>>,
    Extension(attempt): Extension<Attempt>,
    Params(params): Params<SignInParams>,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let Some(token) = params.token.filter(|_| is_program(&parts)) else {
        return Ok(ui::page(&parts));
    };
    match by_token(&app, &attempt, &token, &parts).await {
        Ok(SignedInBy::Session(session)) => {
            Ok(see_other("/", Some(cookie_of(&app, &session.secret, session.session.expires_at))))
        }
        Ok(SignedInBy::Challenge { .. }) => Ok(see_other("/sign-in?error=second_factor", None)),
        Err(failure) if failure.code() == Code::LinkUsed => Ok(see_other("/sign-in?error=used", None)),
        Err(failure) if failure.code() == Code::LinkExpired => Ok(see_other("/sign-in?error=expired", None)),
        Err(failure) => Err(failure),
    }
}

/// Words in the user agents of what fetches links to show or to judge them.
const LOOKERS: [&str; 13] = [
    "bot",
    "crawl",
    "spider",
    "preview",
    "scan",
    "facebookexternalhit",
    "whatsapp",
    "skype",
    "slack",
    "embedly",
    "safelinks",
    "proofpoint",
    "mimecast",
];

/// Whether the request is a program's own and neither a browser's nor a look at the link. Browsers say what
/// they fetch for (`Sec-Fetch-…`) where the origin is safe, and else that they want HTML. `Sec-Fetch-Mode` alone
/// says nothing: some libraries for programs send it.
fn is_program(parts: &Parts) -> bool {
    let value = |name: &str| {
        parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase())
    };
    let has = |name: &str| parts.headers.contains_key(name);
    let wants_html = value("accept").is_some_and(|kinds| kinds.contains("text/html"));
    let is_looker = value("user-agent").is_some_and(|agent| LOOKERS.iter().any(|word| agent.contains(word)));
    let is_browser =
        ["sec-fetch-dest", "sec-fetch-site", "sec-fetch-user", "sec-purpose", "purpose", "x-purpose", "x-moz"]
            .into_iter()
            .any(has);
    parts.method == Method::GET && !wants_html && !is_looker && !is_browser
}

/// Nobody else's page may sign a person in, not even with the person's own link.
fn refuse_other_pages(app: &App, headers: &HeaderMap) -> Result<(), Failure> {
    if auth::is_same_origin(app, headers) == Some(false) {
        return Err(Failure::new(Code::CrossOrigin, "sign in from the server's own page"));
    }
    Ok(())
}

pub async fn methods(
    State(app): State<Arc<App>>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<SignInMethods>, Failure> {
    let identity_provider = app
        .oidc
        .as_ref()
        .map(|provider| IdentityProvider { name: provider.config().name.clone(), start: "/sign-in/oidc".to_owned() });
    let password = app.meta.accounts().await?.iter().any(|account| account.settings.password_sign_in);
    Ok(Json(SignInMethods { password, identity_provider }))
}

pub async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(attempt): Extension<Attempt>,
    Params(NoParams {}): Params<NoParams>,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    refuse_other_pages(&app, &parts.headers)?;
    let asked: SignIn = body::read_json(&parts.headers, body).await?;
    let device = device(&app, &parts);
    let address = auth::client_address(&app, &parts);
    let done = match asked {
        SignIn { token: Some(token), user: None, password: None, challenge: None, code: None } => {
            by_token(&app, &attempt, &token, &parts).await?
        }
        SignIn { token: None, user: Some(user), password: Some(password), challenge: None, code: None } => {
            sign_in::by_password(&app, &attempt, &user, password, address, &device).await?
        }
        SignIn { token: None, user: None, password: None, challenge: Some(challenge), code: Some(code) } => {
            sign_in::by_code(&app, &attempt, &challenge, &code, address, &device).await?
        }
        _ => {
            let detail = "give `token`; or `user` and `password`; or `challenge` and `code`";
            return Err(Failure::new(Code::BadJson, detail));
        }
    };
    end_earlier(&app, &attempt, &parts.headers, &done).await?;
    Ok(answer(&app, done))
}

/// Ends the session whose cookie came along with a sign-in: its cookie is about to be written over, and it would run
/// on with nobody to end it (ASVS 5, 7.2.4).
async fn end_earlier(app: &App, attempt: &Attempt, headers: &HeaderMap, done: &SignedInBy) -> Result<(), Failure> {
    let (SignedInBy::Session(begun), Some(cookie)) = (done, auth::cookie(app, headers)) else { return Ok(()) };
    let now = crate::clock::now();
    if let Ok(earlier) = app.meta.running_session(cookie, now).await
        && earlier.id != begun.session.id
    {
        gone(app.meta.end_session(&attempt.actor(), &earlier.id, "signed in anew", now).await)?;
    }
    Ok(())
}

/// What another request has ended meanwhile is ended.
fn gone(ended: Result<(), whodid_meta::ChangeError>) -> Result<(), Failure> {
    match ended {
        Ok(()) | Err(whodid_meta::ChangeError::NotThere { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Ends the session that the browser has, because its user goes to sign in anew.
pub async fn end_current(app: &App, attempt: &Attempt, headers: &HeaderMap) -> Result<(), Failure> {
    let Some(cookie) = auth::cookie(app, headers) else { return Ok(()) };
    let now = crate::clock::now();
    let Ok(session) = app.meta.running_session(cookie, now).await else { return Ok(()) };
    let by = whodid_audit::By::User { id: session.user.id.clone(), name: session.user.name.clone() };
    attempt.is_by(by, Some(whodid_audit::Credential::Session(session.id.clone())));
    gone(app.meta.end_session(&attempt.actor(), &session.id, "signed in anew", now).await)
}

/// 201 with the cookie, or 202 with the challenge.
pub fn answer(app: &App, done: SignedInBy) -> Response {
    match done {
        SignedInBy::Session(begun) => {
            let signed_in = SignedIn {
                user: user(&begun.session),
                expires_at: begun.session.expires_at.to_string(),
                needs: begun.session.needs.iter().copied().map(super::me::need).collect(),
            };
            let cookie = cookie_of(app, &begun.secret, begun.session.expires_at);
            (StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(signed_in)).into_response()
        }
        SignedInBy::Challenge { token, expires_at } => {
            let challenge = Challenge { challenge: token.expose().to_owned(), expires_at: expires_at.to_string() };
            (StatusCode::ACCEPTED, Json(challenge)).into_response()
        }
    }
}

/// A user as answers name them.
pub fn user(session: &Session) -> User {
    User {
        id: session.user.id.clone(),
        name: session.user.name.clone(),
        display_name: session.user.display_name.clone(),
        role: super::me::role_of(&session.principal),
    }
}

/// From where a request comes.
pub fn device(app: &App, parts: &Parts) -> Device {
    Device {
        agent: auth::agent(&parts.headers).unwrap_or_default(),
        address: auth::client_address(app, parts).to_string(),
    }
}

async fn by_token(app: &App, attempt: &Attempt, token: &str, parts: &Parts) -> Result<SignedInBy, Failure> {
    let address = auth::client_address(app, parts);
    let token = if token.len() <= TOKEN_BYTES_MAX { token } else { "" };
    sign_in::by_link(app, attempt, token, &device(app, parts))
        .await
        .map_err(|error| link_failure(app, address, error, "sign-in link"))
}

/// What a link that does not work is answered with; guesses are counted.
fn link_failure(app: &App, address: IpAddr, error: LinkError, what: &str) -> Failure {
    match error {
        LinkError::Expired => {
            let now = Instant::now();
            if let Some(wait) = app.sign_in_attempts.wait(address, now) {
                let detail = "too many failed sign-ins from this address; a link that is valid still works";
                return Failure::new(Code::TooManyTries, detail).retry_after(wait.as_secs().max(1));
            }
            app.sign_in_attempts.fail(address, now);
            refused(address, Code::LinkExpired, what, "is unknown or has expired")
        }
        // Whoever has a used link had it once; it is no guess and does not count.
        LinkError::Used => refused(address, Code::LinkUsed, what, "was used before"),
        LinkError::Refused(error) => error.into(),
        LinkError::Meta(error) => error.into(),
    }
}

fn refused(address: IpAddr, code: Code, what: &str, why: &str) -> Failure {
    tracing::warn!(%address, code = code.as_str(), "a one-time link was refused");
    let whom = match what {
        "sign-in link" => "ask an administrator for a new one, or run `whodid sign-in-link` on the server",
        _ => "ask an administrator for a new one",
    };
    Failure::new(code, format!("the {what} {why}; {whom}"))
}

/// The cookie of a session.
pub fn cookie_of(app: &App, secret: &Secret, expires_at: Timestamp) -> HeaderValue {
    let seconds = (expires_at.micros() - crate::clock::now().micros()) / 1_000_000;
    cookie(app, secret.expose(), seconds.max(1))
}

fn cookie(app: &App, value: &str, max_age_s: i64) -> HeaderValue {
    let mut cookie = HeaderValue::from_str(&auth::set_cookie(app, value, max_age_s))
        .expect("session texts and attributes are visible ASCII");
    cookie.set_sensitive(true);
    cookie
}

/// To another page of the server.
pub fn see_other(to: &str, cookie: Option<HeaderValue>) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

pub async fn sign_out(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, Failure> {
    let session = caller
        .maybe_session()
        .ok_or_else(|| Failure::new(Code::NotFound, "a key has no session; revoke the key instead"))?;
    caller.attempt.is_about(&session.id, &session.user.name);
    gone(app.meta.end_session(&caller.attempt.actor(), &session.id, "signed out", crate::clock::now()).await)?;
    tracing::info!(by = caller.label(), "signed out");
    let gone = cookie(&app, "", 0);
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    let headers = [(header::SET_COOKIE, gone), (header::HeaderName::from_static("clear-site-data"), clear)];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<SessionList>, Failure> {
    let account = caller.needs(Permission::SessionsManage, params.account.as_deref())?;
    let sessions = app.meta.sessions_of_account(&account, crate::clock::now()).await?;
    Ok(Json(shown(&caller, sessions)))
}

/// Sessions as the API shows them.
pub fn shown(caller: &Caller, mut sessions: Vec<SessionView>) -> SessionList {
    sessions.sort_by_key(|session| std::cmp::Reverse(session.last_seen_at));
    let current = caller.maybe_session().map(|session| session.id.clone());
    let sessions = sessions.into_iter().map(|session| SessionSummary {
        is_current: current.as_deref() == Some(session.id.as_str()),
        id: session.id,
        user: session.user_name,
        created_at: session.created_at.to_string(),
        last_seen_at: session.last_seen_at.to_string(),
        expires_at: session.expires_at.to_string(),
        agent: session.device.agent,
        address: session.device.address,
        method: session.method.as_str().to_owned(),
        mfa: session.mfa,
    });
    SessionList { sessions: sessions.collect() }
}

pub async fn end(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.needs(Permission::SessionsManage, params.account.as_deref())?;
    caller.attempt.is_about(&id, "");
    let now = crate::clock::now();
    let running = app.meta.sessions_of_account(&account, now).await?;
    let session = running.into_iter().find(|session| session.id == id);
    let session = session.ok_or_else(|| Failure::new(Code::NotFound, "there is no such session in this account"))?;
    caller.attempt.is_about(&id, &session.user_name);
    app.meta.end_session(&caller.attempt.actor(), &id, "an administrator ended it", now).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn look_at_link(
    State(app): State<Arc<App>>,
    Params(NoParams {}): Params<NoParams>,
    request: Request,
) -> Result<Json<LinkInfo>, Failure> {
    let (parts, body) = request.into_parts();
    refuse_other_pages(&app, &parts.headers)?;
    let asked: LinkLook = body::read_json(&parts.headers, body).await?;
    let address = auth::client_address(&app, &parts);
    let found = app.meta.look_at_link(token(&asked.token), crate::clock::now()).await;
    let found = found.map_err(|error| link_failure(&app, address, error, "link"))?;
    let password_length_min = match &found.account {
        Some(account) => app.meta.account(account).await?.map(|account| account.settings.password_length_min),
        None => None,
    };
    Ok(Json(LinkInfo {
        kind: match found.kind {
            whodid_meta::LinkKind::Invitation => LinkKind::Invitation,
            whodid_meta::LinkKind::PasswordReset => LinkKind::PasswordReset,
            whodid_meta::LinkKind::SignIn => LinkKind::SignIn,
        },
        account: found.account.filter(|_| found.kind == whodid_meta::LinkKind::Invitation).map(|name| name.to_string()),
        user: found.user_name,
        display_name: found.display_name,
        has_identity: found.has_identity,
        password_length_min: password_length_min
            .unwrap_or_else(|| whodid_meta::Settings::default().password_length_min),
        expires_at: found.expires_at.to_string(),
    }))
}

fn token(text: &str) -> &str {
    if text.len() <= TOKEN_BYTES_MAX { text } else { "" }
}

pub async fn accept_invitation(
    State(app): State<Arc<App>>,
    Extension(attempt): Extension<Attempt>,
    Params(NoParams {}): Params<NoParams>,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    refuse_other_pages(&app, &parts.headers)?;
    let asked: InvitationAccept = body::read_json(&parts.headers, body).await?;
    let (address, device) = (auth::client_address(&app, &parts), device(&app, &parts));
    let now = crate::clock::now();
    let found = app.meta.look_at_link(token(&asked.token), now).await;
    let found = found.map_err(|error| link_failure(&app, address, error, "invitation"))?;
    let Some(account) = found.account.filter(|_| found.kind == whodid_meta::LinkKind::Invitation) else {
        return Err(Failure::new(Code::LinkExpired, "this link is no invitation; open it in a browser"));
    };
    attempt.is_in(&account);
    attempt.is_about("", &found.user_name);
    // Of the account that invites, whatever those say that somebody belongs to already.
    let settings = app.meta.account(&account).await?.map(|account| account.settings).unwrap_or_default();
    if !settings.password_sign_in {
        let detail = "this account lets people in with the identity provider only; sign in with it instead";
        return Err(Failure::new(Code::Forbidden, detail));
    }
    let (accept, has_mfa) = if found.has_identity {
        // Whoever holds the link must still be the person: the password proves it, with all its bounds.
        let known = sign_in::prove(&app, &attempt, &found.user_name, asked.password, address, true).await?;
        sign_in::refuse_passwords_off(&app, &attempt, &known).await?;
        (Accept::Existing { user: known.user }, known.has_mfa)
    } else {
        let display_name = asked.display_name.as_deref().unwrap_or(&found.display_name);
        let length = settings.password_length_min;
        let password = passwords::hash(&app, asked.password, length, &found.user_name, display_name).await?;
        (Accept::New { password: Some(password), display_name: asked.display_name }, false)
    };
    let accepted = app.meta.accept_invitation(&attempt.actor(), token(&asked.token), &accept, now).await;
    let user = accepted.map_err(|error| link_failure(&app, address, error, "invitation"))?;
    tracing::info!(user, account = %account, "an invitation was accepted");
    let by = whodid_audit::By::User { id: user.clone(), name: found.user_name };
    attempt.is_by(by, Some(whodid_audit::Credential::Password));
    let method = whodid_meta::Method::Password;
    let done = sign_in::begin(&app, &attempt, &user, has_mfa, method, &device).await?;
    end_earlier(&app, &attempt, &parts.headers, &done).await?;
    Ok(answer(&app, done))
}

pub async fn request_reset(
    State(app): State<Arc<App>>,
    Extension(attempt): Extension<Attempt>,
    Params(NoParams {}): Params<NoParams>,
    request: Request,
) -> Result<StatusCode, Failure> {
    let (parts, body) = request.into_parts();
    refuse_other_pages(&app, &parts.headers)?;
    let asked: PasswordResetRequest = body::read_json(&parts.headers, body).await?;
    let (address, now) = (auth::client_address(&app, &parts), Instant::now());
    if let Some(wait) = app.reset_attempts.wait(address, now) {
        let detail = "too many requests for a new password from this address";
        return Err(Failure::new(Code::TooManyTries, detail).retry_after(wait.as_secs().max(1)));
    }
    app.reset_attempts.fail(address, now);
    app.meta.request_password_reset(&attempt.actor(), &asked.user, crate::clock::now()).await?;
    attempt.is_told();
    Ok(StatusCode::ACCEPTED)
}

pub async fn commit_reset(
    State(app): State<Arc<App>>,
    Extension(attempt): Extension<Attempt>,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode, Failure> {
    let (parts, body): (Parts, Body) = request.into_parts();
    refuse_other_pages(&app, &headers)?;
    let asked: PasswordResetCommit = body::read_json(&parts.headers, body).await?;
    let (address, now) = (auth::client_address(&app, &parts), crate::clock::now());
    let found = app.meta.look_at_link(token(&asked.token), now).await;
    let found = found.map_err(|error| link_failure(&app, address, error, "password link"))?;
    if found.kind != whodid_meta::LinkKind::PasswordReset {
        return Err(Failure::new(Code::LinkExpired, "this link is not for a new password"));
    }
    if let Some(home) = &found.account {
        attempt.is_in(home);
    }
    attempt.is_about("", &found.user_name);
    // The strictest of all their accounts, as when they change it themselves.
    let known = app.meta.credentials(&found.user_name).await?;
    let length = known.map_or_else(whodid_meta::Settings::default, |known| known.settings).password_length_min;
    let password = passwords::hash(&app, asked.password, length, &found.user_name, &found.display_name).await?;
    let done = app.meta.commit_password_reset(&attempt.actor(), token(&asked.token), &password, now).await;
    let user = done.map_err(|error| link_failure(&app, address, error, "password link"))?;
    tracing::info!(user, "a password was set by a link");
    Ok(StatusCode::NO_CONTENT)
}
