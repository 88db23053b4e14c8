//! Signing in by a one-time link, signing out, and who is signed in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whodid_api::{Code, Me, Role, SignIn, SignInParams, SignedIn, User};
use whodid_meta::{Device, NewSession, SignInError};

use super::auth::{self, Caller};
use super::failure::Failure;
use super::params::{NoParams, Params};
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
    Params(params): Params<SignInParams>,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let Some(token) = params.token.filter(|_| is_program(&parts)) else {
        return Ok(ui::page(&parts));
    };
    match try_token(&app, &token, &parts).await {
        Ok(session) => Ok(see_other("/", Some(cookie_of(&app, &session)))),
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

pub async fn sign_in(
    State(app): State<Arc<App>>,
    Params(NoParams {}): Params<NoParams>,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    // Nobody else's page may sign a person in, not even with the person's own link.
    if auth::is_same_origin(&app, &parts.headers) == Some(false) {
        return Err(Failure::new(Code::CrossOrigin, "sign in from the server's own page"));
    }
    let sign_in: SignIn = body::read_json(&parts.headers, body).await?;
    let session = try_token(&app, &sign_in.token, &parts).await?;
    let signed_in = SignedIn { user: user(&session.user), expires_at: session.expires_at.to_string() };
    let cookie = cookie_of(&app, &session);
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(signed_in)).into_response())
}

async fn try_token(app: &App, token: &str, parts: &Parts) -> Result<NewSession, Failure> {
    let address = auth::client_address(app, parts);
    let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let device = Device { agent: agent.to_owned(), address: address.to_string() };
    let token = if token.len() <= TOKEN_BYTES_MAX { token } else { "" };
    match app.meta.sign_in(token, &device, crate::clock::now()).await {
        Ok(session) => {
            tracing::info!(user = session.user.id, session.id = session.id, %address, "signed in");
            Ok(session)
        }
        Err(SignInError::Expired) => {
            let now = Instant::now();
            if let Some(wait) = app.sign_in_attempts.wait(address, now) {
                let detail = "too many failed sign-ins from this address; a link that is valid still works";
                return Err(Failure::new(Code::TooManyTries, detail).retry_after(wait.as_secs().max(1)));
            }
            app.sign_in_attempts.fail(address, now);
            Err(refused(address, Code::LinkExpired, "is unknown or has expired"))
        }
        // Whoever has a used link had it once; it is no guess and does not count.
        Err(SignInError::Used) => Err(refused(address, Code::LinkUsed, "was used before")),
        Err(SignInError::Meta(error)) => Err(error.into()),
    }
}

fn refused(address: IpAddr, code: Code, why: &str) -> Failure {
    tracing::warn!(%address, code = code.as_str(), "a sign-in failed");
    Failure::new(code, format!("the sign-in link {why}; ask for a new one, or run `whodid sign-in-link` on the server"))
}

fn cookie_of(app: &App, session: &NewSession) -> HeaderValue {
    let seconds = (session.expires_at.micros() - crate::clock::now().micros()) / 1_000_000;
    cookie(app, session.secret.expose(), seconds.max(1))
}

fn cookie(app: &App, value: &str, max_age_s: i64) -> HeaderValue {
    let mut cookie = HeaderValue::from_str(&auth::set_cookie(app, value, max_age_s))
        .expect("session texts and attributes are visible ASCII");
    cookie.set_sensitive(true);
    cookie
}

fn see_other(to: &'static str, cookie: Option<HeaderValue>) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, HeaderValue::from_static(to))]).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

pub async fn sign_out(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some(value) = auth::cookie(&app, &headers).filter(|_| !headers.contains_key(header::AUTHORIZATION)) else {
        return Err(Failure::new(Code::NotFound, "a key has no session; revoke the key instead"));
    };
    app.meta.end_session(value, crate::clock::now()).await?;
    tracing::info!(by = caller.label(), "signed out");
    let gone = cookie(&app, "", 0);
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    let headers = [(header::SET_COOKIE, gone), (header::HeaderName::from_static("clear-site-data"), clear)];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

pub async fn me(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Me>, Failure> {
    let found = caller.user(&app).await?;
    let accounts: Vec<String> = found.accounts.iter().map(ToString::to_string).collect();
    Ok(Json(Me {
        user: user(&found),
        account: accounts.first().cloned().unwrap_or_default(),
        accounts,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

fn user(user: &whodid_meta::User) -> User {
    let role = match user.role {
        whodid_meta::Role::Administrator => Role::Administrator,
    };
    User { id: user.id.clone(), name: user.name.clone(), role }
}
