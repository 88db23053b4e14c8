//! Signing in with an identity provider: to it, and back.
//!
//! What must come back is kept in a cookie of the browser that began, so that nobody can make another's browser finish
//! a sign-in that it did not begin (login CSRF). The cookie is `Lax`, because the provider's page leads back here.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Context;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use whodid_api::{Code, OidcCallbackParams, OidcStartParams};
use whodid_audit::{By, Credential, Reason, Told};
use whodid_meta::{Method, OidcUser, RoleGrant};
use whodid_model::AccountName;
use whodid_model::access::BuiltInRole;

use super::App;
use super::audit::Attempt;
use super::auth;
use super::failure::Failure;
pub use super::oidc::Provider;
use super::oidc::{Callback, KEPT_S, Kept, NO_ROLE, OidcConfig, OidcError, OidcValues};
use super::params::Params;
use super::sessions::{cookie_of, device, end_current, see_other};
use super::sign_in::{self, SignedInBy};
use crate::config::Config;

const COOKIE_HTTPS: &str = "__Host-whodid_oidc";
const COOKIE_HTTP: &str = "whodid_oidc";
/// Longest path to come back to, in bytes.
const NEXT_BYTES_MAX: usize = 1024;

/// The identity provider that is configured, if one is.
pub fn provider(config: &Config) -> anyhow::Result<Option<Provider>> {
    let keys = &config.oidc;
    if keys.issuer.is_empty() {
        return Ok(None);
    }
    let values = OidcValues {
        issuer: &keys.issuer,
        client_id: &keys.client_id,
        client_secret: &keys.client_secret,
        name: &keys.name,
        scopes: &keys.scopes,
        groups_claim: &keys.groups_claim,
        name_claim: &keys.name_claim,
        account: &keys.account,
        roles: &keys.roles,
        default_role: &keys.default_role,
    };
    let Some(config) = OidcConfig::parse(&values, &config.base_url())? else { return Ok(None) };
    AccountName::parse(&config.account).with_context(|| format!("`oidc.account` is {:?}", config.account))?;
    Ok(Some(Provider::new(config)?))
}

/// Warns of what the configuration names and the metadata do not have: people would be let in without their rights, or
/// not at all.
pub async fn warn_of_provider(app: &App) -> anyhow::Result<()> {
    let Some(config) = app.oidc.as_ref().map(Provider::config) else { return Ok(()) };
    let account = AccountName::parse(&config.account)?;
    if app.meta.account(&account).await?.is_none() {
        tracing::warn!(%account, "`oidc.account` is no account of this installation; make it before anybody signs in");
        return Ok(());
    }
    let own = app.meta.roles(&account).await?;
    for role in config.roles.values().chain(&config.default_role) {
        if BuiltInRole::named(role).is_none() && !own.iter().any(|known| known.name == *role) {
            tracing::warn!(%account, role, "`oidc.roles` names a role that the account does not have");
        }
    }
    Ok(())
}

fn configured(app: &App) -> Result<&Provider, Failure> {
    app.oidc.as_ref().ok_or_else(|| Failure::new(Code::NotFound, "no identity provider is configured"))
}

fn cookie_name(app: &App) -> &'static str {
    if app.config.is_https() { COOKIE_HTTPS } else { COOKIE_HTTP }
}

fn cookie(app: &App, value: &str, max_age_s: i64) -> HeaderValue {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}", cookie_name(app));
    let mut cookie = HeaderValue::from_str(&text).expect("what is kept is visible ASCII");
    cookie.set_sensitive(true);
    cookie
}

/// A path of this server; anything else is the front page. What browsers read as another host is none.
fn own_path(next: Option<&str>) -> &str {
    let is_own = |next: &&str| {
        next.len() <= NEXT_BYTES_MAX
            && next.starts_with('/')
            && !next.starts_with("//")
            && !next.contains(['\\', '\r', '\n', '\t'])
            && next.is_ascii()
    };
    next.filter(is_own).unwrap_or("/")
}

pub async fn start(
    State(app): State<Arc<App>>,
    Extension(attempt): Extension<Attempt>,
    Params(params): Params<OidcStartParams>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let provider = configured(&app)?;
    // Signing in is a person's deed: a link or picture on another site must not begin it (ASVS 5, 7.6.2).
    if headers.get("sec-fetch-site").is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none")) {
        return Ok(see_other("/sign-in", None));
    }
    let begun = match provider.begin(SystemTime::now()).await {
        Ok(begun) => begun,
        Err(error) => return Ok(failed(&error)),
    };
    // The provider's answer comes from another site, without the cookie: this is the last sight of the session that the
    // new one takes the place of.
    end_current(&app, &attempt, &headers).await?;
    let next = BASE64URL_NOPAD.encode(own_path(params.next.as_deref()).as_bytes());
    let kept = format!("{}~{next}", begun.kept.to_text().expose());
    Ok(see_other(begun.url.expose(), Some(cookie(&app, &kept, KEPT_S))))
}

/// To the sign-in page, which says why.
fn failed(error: &OidcError) -> Response {
    tracing::warn!(error = %whodid_model::chain(error), "a sign-in with the identity provider failed");
    to_page(if error.is_outage() { "provider_unavailable" } else { "provider_refused" })
}

fn to_page(code: &str) -> Response {
    see_other(&format!("/sign-in?error={code}"), None)
}

fn kept(app: &App, headers: &HeaderMap) -> Option<(Kept, String)> {
    let value = auth::cookie_named(headers, cookie_name(app))?;
    let (kept, next) = value.split_once('~')?;
    let next = String::from_utf8(BASE64URL_NOPAD.decode(next.as_bytes()).ok()?).ok()?;
    Some((Kept::parse(kept)?, next))
}

pub async fn finish(
    State(app): State<Arc<App>>,
    Extension(attempt): Extension<Attempt>,
    Params(params): Params<OidcCallbackParams>,
    request: Request,
) -> Result<Response, Failure> {
    let provider = configured(&app)?;
    let (parts, _) = request.into_parts();
    let mut response = finished(&app, provider, &attempt, &params, &parts).await?;
    // Whatever came of it, what was kept has done its work.
    response.headers_mut().append(header::SET_COOKIE, cookie(&app, "", 0));
    Ok(response)
}

async fn finished(
    app: &Arc<App>,
    provider: &Provider,
    attempt: &Attempt,
    params: &OidcCallbackParams,
    parts: &axum::http::request::Parts,
) -> Result<Response, Failure> {
    let account = AccountName::parse(&provider.config().account)
        .map_err(|error| Failure::new(Code::Internal, format!("`oidc.account`: {error}")))?;
    attempt.is_told();
    let tell = async |id: &str, code: &str, text: &str| {
        let reason = Reason { status: 401, code: code.to_owned(), text: text.to_owned() };
        let told = Told::failure(whodid_audit::Deed::UserAuthenticate, id, reason).asked("method", "oidc");
        app.tell(&account, &attempt.actor(), &told).await
    };
    let Some((kept, next)) = kept(app, &parts.headers) else {
        return Ok(to_page("provider_refused"));
    };
    // What was kept can be made up by anybody: of one address, few wrong answers are looked at and recorded.
    let (address, at) = (auth::client_address(app, parts), Instant::now());
    if app.provider_attempts.wait(address, at).is_some() {
        tracing::warn!(%address, "too many wrong answers of an identity provider came from this address");
        return Ok(to_page("provider_refused"));
    }
    let callback = Callback {
        code: params.code.as_deref(),
        state: params.state.as_deref(),
        iss: params.iss.as_deref(),
        error: params.error.as_deref(),
    };
    let person = match provider.finish(&kept, &callback, SystemTime::now()).await {
        Ok(person) => person,
        Err(error) => {
            app.provider_attempts.fail(address, at);
            // An answer that belongs to nothing is a wrong link, and no try of anybody.
            if !matches!(error, OidcError::Stray { .. }) {
                tell("unknown", "provider_refused", error.for_people()).await?;
            }
            return Ok(failed(&error));
        }
    };
    let by = By::User { id: person.subject.clone(), name: person.name.clone() };
    attempt.is_by(by, Some(Credential::IdentityProvider(person.issuer.clone())));
    let roles = person.roles(provider.config());
    if roles.is_empty() {
        // What it gave earlier goes with it: roles, personal tokens and sessions.
        let (by, now) = (attempt.actor(), crate::clock::now());
        match app.meta.forget_oidc(&by, &person.issuer, &person.subject, &account, now).await {
            Ok(_) => {}
            Err(error @ whodid_meta::ChangeError::Meta(_)) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "somebody whom the identity provider gives no role keeps what they had")
            }
        }
        tell(&person.subject, "no_role", NO_ROLE).await?;
        return Ok(to_page("no_role"));
    }
    let told = OidcUser {
        issuer: person.issuer.clone(),
        subject: person.subject.clone(),
        name: person.name.clone(),
        display_name: person.display_name.clone(),
        account: account.clone(),
        roles: roles.into_iter().map(RoleGrant::whole).collect(),
    };
    let now = crate::clock::now();
    let user = match app.meta.sign_in_oidc(&attempt.actor(), &told, now).await {
        Ok(user) => user,
        Err(error) => {
            let (code, failure) = match &error {
                whodid_meta::ChangeError::Taken { .. } => ("name_taken", None),
                whodid_meta::ChangeError::NotThere { what: "user" } => ("disabled", None),
                whodid_meta::ChangeError::Meta(_) => ("internal", Some(())),
                _ => ("provider_refused", None),
            };
            tell(&person.subject, code, &error.to_string()).await?;
            if failure.is_some() {
                return Err(error.into());
            }
            tracing::warn!(%error, "somebody whom the identity provider vouches for was not let in: {error}");
            return Ok(to_page(code));
        }
    };
    attempt.is_by(By::User { id: user.clone(), name: person.name }, Some(Credential::IdentityProvider(person.issuer)));
    // A second factor is the provider's to ask for, unless the person set one up here too.
    let has_mfa = app.meta.user_by_id(&user).await?.is_some_and(|user| user.has_mfa);
    match sign_in::begin(app, attempt, &user, has_mfa, Method::Oidc, &device(app, parts)).await? {
        SignedInBy::Session(begun) => {
            let cookie = cookie_of(app, &begun.secret, begun.session.expires_at);
            Ok(see_other(own_path(Some(&next)), Some(cookie)))
        }
        // The challenge is no secret of long life; it stands behind `#`, which never leaves the browser.
        SignedInBy::Challenge { token, .. } => {
            let next = utf8_percent_encode(own_path(Some(&next)), NON_ALPHANUMERIC);
            Ok(see_other(&format!("/sign-in?next={next}#challenge={}", token.expose()), None))
        }
    }
}
