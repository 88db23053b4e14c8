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
use super::params::Params;
use super::{App, body, ui};

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 128;

pub async fn follow_link(
    State(app): State<Arc<App>>,
    Params(params): Params<SignInParams>,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let Some(token) = params.token else {
        return Ok(ui::page(&parts));
    };
    if is_only_a_look(&parts) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    match try_token(&app, &token, &parts).await {
        Ok(session) => Ok(see_other("/", Some(cookie_of(&app, &session)))),
        Err(failure) if failure.code() == Code::LinkUsed => Ok(see_other("/sign-in?error=used", None)),
        Err(failure) if failure.code() == Code::LinkExpired => Ok(see_other("/sign-in?error=expired", None)),
        Err(failure) => Err(failure),
    }
}

/// A link preview or prefetch must not use the link up.
fn is_only_a_look(parts: &Parts) -> bool {
    let says = |name: &str, words: &[&str]| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| words.iter().any(|word| value.to_ascii_lowercase().contains(word)))
    };
    parts.method == Method::HEAD
        || says("sec-purpose", &["prefetch", "prerender"])
        || says("purpose", &["prefetch", "preview"])
        || says("x-purpose", &["preview", "instant"])
        || says("x-moz", &["prefetch"])
}

pub async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
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
    if let Some(wait) = app.attempts.wait(address, Instant::now()) {
        let detail = "too many failed sign-ins from this address; wait, then ask for a new link";
        return Err(Failure::new(Code::TooManyTries, detail).retry_after(wait.as_secs().max(1)));
    }
    let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let device = Device { agent: agent.to_owned(), address: address.to_string() };
    let token = if token.len() <= TOKEN_BYTES_MAX { token } else { "" };
    match app.meta.sign_in(token, &device, crate::clock::now()).await {
        Ok(session) => {
            tracing::info!(user = session.user.id, session.id = session.id, %address, "signed in");
            Ok(session)
        }
        Err(SignInError::Expired) => Err(refused(app, address, Code::LinkExpired, "is unknown or has expired")),
        Err(SignInError::Used) => Err(refused(app, address, Code::LinkUsed, "was used before")),
        Err(SignInError::Meta(error)) => Err(error.into()),
    }
}

fn refused(app: &App, address: IpAddr, code: Code, why: &str) -> Failure {
    app.attempts.fail(address, Instant::now());
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

pub async fn sign_out(State(app): State<Arc<App>>, caller: Caller, headers: HeaderMap) -> Result<Response, Failure> {
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

pub async fn me(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Me>, Failure> {
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
