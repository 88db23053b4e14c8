//! What everybody can see and do of themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use whodid_api::{
    Code, EventPage, LastSignIn, LookupParams, Me, Membership, NotMe, NotMeDone, OwnActivityParams, OwnSession,
    PasswordChange, Reauthenticate, RecoveryCodes, SessionList, SessionsEnded, TotpCode, TotpSetUp, User,
};
use whodid_audit::{Deed, Outcome, Told};
use whodid_engine::{OWN_STREAMS, ReadRequest};
use whodid_meta::{FactorCheck, Need, Session};
use whodid_model::access::{Act, BuiltInRole, PermissionSet, Who};
use whodid_model::{Permission, Principal, RecordId};

use super::App;
use super::asked::Asked;
use super::auth::{Caller, FRESH_MICROS};
use super::failure::Failure;
use super::params::{Id, NoParams, Params};
use super::passwords;
use super::search::{limit, raw, stats};
use super::sessions::{cookie_of, shown};
use super::sign_in::answer_of;

const ACTIVITY_LIMIT_DEFAULT: u32 = 50;
const ACTIVITY_LIMIT_MAX: u32 = 1000;
/// Longest note about an event, in characters.
const NOTE_CHARS_MAX: usize = 2000;

/// What must be done, as answers name it.
pub fn need(need: Need) -> whodid_api::Need {
    match need {
        Need::SetPassword => whodid_api::Need::SetPassword,
        Need::ChangePassword => whodid_api::Need::ChangePassword,
        Need::SetUpMfa => whodid_api::Need::SetUpMfa,
    }
}

/// The built-in role that says best what somebody may do at home: the one with most permissions, all of which they
/// have.
pub fn role_of(principal: &Principal) -> String {
    let Some(home) = principal.home_account() else { return String::new() };
    let permissions = principal.permissions_somewhere_in(home);
    let fits = BuiltInRole::ALL.into_iter().rev().filter(|role| permissions.has_all(role.permissions()));
    let best = fits.max_by_key(|role| role.permissions().iter().count());
    best.map_or_else(|| "none".to_owned(), |role| role.as_str().to_owned())
}

pub async fn me(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Me>, Failure> {
    let id = caller.user()?;
    let gone = || Failure::new(Code::NotFound, "there is no such user any more");
    let user = app.meta.user_by_id(id).await?.ok_or_else(gone)?;
    let principal = caller.principal();
    let accounts: Vec<String> = principal.grants.keys().map(ToString::to_string).collect();
    let titles = app.meta.accounts().await?;
    let mut memberships = Vec::new();
    for name in principal.grants.keys() {
        if let Some(account) = titles.iter().find(|known| known.name == *name) {
            memberships.push(membership(principal, account));
        }
    }
    let session = caller.maybe_session();
    let length = match session {
        Some(session) => session.settings.password_length_min,
        None => whodid_meta::Settings::default().password_length_min,
    };
    let last = app.meta.last_sign_in(id, session.map(|session| session.id.as_str())).await?;
    Ok(Json(Me {
        user: User { id: user.id.clone(), name: user.name, display_name: user.display_name, role: role_of(principal) },
        account: principal.home_account().map(ToString::to_string).unwrap_or_default(),
        accounts,
        memberships,
        session: session.map(own_session),
        needs: session.map(|session| session.needs.iter().copied().map(need).collect()).unwrap_or_default(),
        has_password: user.has_password,
        has_mfa: user.has_mfa,
        recovery_codes_left: u32::try_from(app.meta.recovery_codes_left(id).await?).unwrap_or(0),
        password_length_min: length,
        is_operator: user.is_operator,
        last_sign_in: last.map(|last| LastSignIn {
            at: last.created_at.to_string(),
            address: last.device.address,
            agent: last.device.agent,
        }),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

fn own_session(session: &Session) -> OwnSession {
    OwnSession {
        id: session.id.clone(),
        expires_at: session.expires_at.to_string(),
        idle_until: session.idle_until.to_string(),
        mfa: session.mfa,
        fresh_until: session.fresh_at.plus_micros(FRESH_MICROS).to_string(),
    }
}

/// Permissions about rows count wherever they are granted; the others only for the whole account.
const ABOUT_ROWS: PermissionSet = PermissionSet::of(&[
    Permission::EventsWrite,
    Permission::SpaceEventsRead,
    Permission::AccountEventsRead,
    Permission::EventsExport,
    Permission::OwnActivityRead,
]);

fn membership(principal: &Principal, of: &whodid_meta::Account) -> Membership {
    let account = &of.name;
    let somewhere = principal.permissions_somewhere_in(account).both(ABOUT_ROWS);
    let permissions = principal.permissions_in(account) | somewhere;
    let grants = principal.grants.get(account).map(Vec::as_slice).unwrap_or_default();
    let reading = grants.iter().filter(|grant| grant.permissions.has(Permission::SpaceEventsRead));
    let mut spaces = Some(Vec::new());
    let mut is_narrowed = true;
    for grant in reading {
        match (&grant.spaces, &mut spaces) {
            (Some(more), Some(spaces)) => spaces.extend(more.iter().map(ToString::to_string)),
            (None, _) => spaces = None,
            (Some(_), None) => {}
        }
        is_narrowed &= grant.query.is_some() || grant.sources.is_some();
    }
    let mut spaces = spaces.unwrap_or_default();
    spaces.sort();
    spaces.dedup();
    Membership {
        account: account.to_string(),
        title: of.title.clone(),
        takes_reports: of.settings.own_activity_report,
        permissions: super::roles::names(permissions),
        spaces,
        is_narrowed: is_narrowed && permissions.has(Permission::SpaceEventsRead),
    }
}

pub async fn reauthenticate(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
    asked: Asked<Reauthenticate>,
) -> Result<Response, Failure> {
    let session = caller.session()?;
    let asked = asked.read()?;
    caller.attempt.is_about(&session.user.id, &session.user.name);
    caller.attempt.asks("method", if session.user.has_password { "password" } else { "code" });
    caller.attempt.asks("mfa", session.user.has_mfa);
    caller.attempt.asks("again", true);
    prove_again(&app, &caller, session, asked.password, asked.code.as_deref()).await?;
    app.tell_attempt(&caller.attempt, Outcome::Success).await?;
    let fresh = Some(session.user.has_mfa);
    let secret = app.meta.renew_session(&caller.attempt.actor(), &session.id, fresh, crate::clock::now()).await?;
    let cookie = cookie_of(&app, &secret, session.expires_at);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// The password once more, and the code where there is a second factor. Counted and locked like signing in.
async fn prove_again(
    app: &App,
    caller: &Caller,
    session: &Session,
    password: Option<String>,
    code: Option<&str>,
) -> Result<(), Failure> {
    let (user, name) = (&session.user, session.user.name.as_str());
    if !user.has_password && !user.has_mfa {
        let detail = "you have neither a password nor a second factor; sign out and sign in again instead";
        return Err(Failure::new(Code::StaleSession, detail));
    }
    if user.has_password {
        let password = password.ok_or_else(|| Failure::new(Code::BadJson, "`password` is missing"))?;
        super::sign_in::prove_signed_in(app, &caller.attempt, name, password).await?;
    }
    if user.has_mfa {
        let code = code.ok_or_else(|| Failure::new(Code::CodeWrong, "`code` is missing: six digits of your app"))?;
        let by = caller.attempt.actor();
        let checked = app.meta.check_second_factor(&by, &user.id, answer_of(code), crate::clock::now()).await?;
        if checked != FactorCheck::Passed {
            caller.attempt.is_told();
        }
        match checked {
            FactorCheck::Passed => {}
            FactorCheck::Wrong => {
                return Err(Failure::new(Code::CodeWrong, "the code is wrong or was used before"));
            }
            FactorCheck::Locked(until) => return Err(super::sign_in::locked(until)),
        }
    }
    Ok(())
}

pub async fn change_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
    asked: Asked<PasswordChange>,
) -> Result<Response, Failure> {
    let session = caller.session()?;
    let asked = asked.read()?;
    caller.attempt.is_about(&session.user.id, &session.user.name);
    if session.user.source == whodid_meta::Source::Oidc {
        let detail = "your password is the identity provider's; change it there";
        return Err(Failure::new(Code::Conflict, detail));
    }
    let is_unchanged = asked.current.as_ref() == Some(&asked.new);
    if session.user.has_password {
        let current = asked.current.ok_or_else(|| Failure::new(Code::BadJson, "`current` is missing"))?;
        super::sign_in::prove_signed_in(&app, &caller.attempt, &session.user.name, current).await?;
    } else {
        caller.fresh_session()?;
    }
    if is_unchanged {
        return Err(Failure::new(Code::WeakPassword, "this is the password that you have; choose another one"));
    }
    let length = session.settings.password_length_min;
    let (name, display_name) = (&session.user.name, &session.user.display_name);
    let password = passwords::hash(&app, asked.new, length, name, display_name).await?;
    let (by, now) = (caller.attempt.actor(), crate::clock::now());
    app.meta.set_password(&by, &session.user.id, &password, Some(&session.id), now).await?;
    // Who has a second factor proved half of what a full sign-in takes: that makes nothing fresh.
    let fresh = (!session.user.has_mfa).then_some(false);
    let secret = app.meta.renew_session(&by, &session.id, fresh, now).await?;
    tracing::info!(by = caller.label(), "a password was changed");
    let cookie = cookie_of(&app, &secret, session.expires_at);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

pub async fn begin_totp(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<(StatusCode, Json<TotpSetUp>), Failure> {
    let session = caller.fresh_session()?;
    caller.attempt.is_about(&session.user.id, &session.user.name);
    caller.attempt.asks("factor", "totp");
    let begun = app.meta.begin_totp(&session.user.id, crate::clock::now()).await?;
    app.tell_attempt(&caller.attempt, Outcome::Pending).await?;
    let set_up = TotpSetUp { secret: begun.secret.expose().to_owned(), uri: begun.uri.expose().to_owned() };
    Ok((StatusCode::CREATED, Json(set_up)))
}

pub async fn confirm_totp(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
    asked: Asked<TotpCode>,
) -> Result<Response, Failure> {
    let session = caller.fresh_session()?;
    let asked = asked.read()?;
    caller.attempt.is_about(&session.user.id, &session.user.name);
    let (by, now) = (caller.attempt.actor(), crate::clock::now());
    let codes = app.meta.confirm_totp(&by, &session.user.id, &asked.code, now).await?;
    // Sessions that began without the second factor end; this one has just given it.
    let why = "a second factor was set up";
    app.meta.end_sessions_of(&by, &session.user.id, Some(&session.id), why, now).await?;
    let secret = app.meta.renew_session(&by, &session.id, Some(true), now).await?;
    tracing::info!(by = caller.label(), "a second factor was set up");
    let codes = RecoveryCodes { codes: codes.iter().map(|code| code.expose().to_owned()).collect() };
    let cookie = cookie_of(&app, &secret, session.expires_at);
    Ok(([(header::SET_COOKIE, cookie)], Json(codes)).into_response())
}

pub async fn remove_totp(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<StatusCode, Failure> {
    let session = caller.fresh_session()?;
    caller.attempt.is_about(&session.user.id, &session.user.name);
    if session.settings.mfa_required {
        let detail = "an account you belong to asks everybody for a second factor";
        return Err(Failure::new(Code::Conflict, detail));
    }
    app.meta.remove_totp(&caller.attempt.actor(), &session.user.id, crate::clock::now()).await?;
    tracing::info!(by = caller.label(), "a second factor was removed by its user");
    Ok(StatusCode::NO_CONTENT)
}

pub async fn renew_recovery_codes(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<(StatusCode, Json<RecoveryCodes>), Failure> {
    let session = caller.fresh_session()?;
    caller.attempt.is_about(&session.user.id, &session.user.name);
    let codes = app.meta.new_recovery_codes(&caller.attempt.actor(), &session.user.id, crate::clock::now()).await?;
    let codes = RecoveryCodes { codes: codes.iter().map(|code| code.expose().to_owned()).collect() };
    Ok((StatusCode::CREATED, Json(codes)))
}

pub async fn sessions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<SessionList>, Failure> {
    caller.needs_whole()?;
    let own = app.meta.sessions_of_user(caller.user()?, crate::clock::now()).await?;
    Ok(Json(shown(&caller, own)))
}

pub async fn end_sessions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<SessionsEnded>, Failure> {
    caller.needs_whole()?;
    let id = caller.user()?;
    // ASVS 5, 7.5.2. A personal token was made by a fresh session.
    caller.needs_fresh()?;
    let except = caller.maybe_session().map(|session| session.id.clone());
    let (by, now) = (caller.attempt.actor(), crate::clock::now());
    let ended = app.meta.end_sessions_of(&by, id, except.as_deref(), "its owner ended it", now).await?;
    Ok(Json(SessionsEnded { ended: ended as u64 }))
}

pub async fn end_session(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(NoParams {}): Params<NoParams>,
) -> Result<StatusCode, Failure> {
    caller.needs_whole()?;
    caller.attempt.is_about(&id, "");
    caller.needs_fresh()?;
    let now = crate::clock::now();
    let own = app.meta.sessions_of_user(caller.user()?, now).await?;
    if !own.iter().any(|session| session.id == id) {
        return Err(Failure::new(Code::NotFound, "you have no such session"));
    }
    app.meta.end_session(&caller.attempt.actor(), &id, "its owner ended it", now).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn own_request(params: &OwnActivityParams) -> ReadRequest {
    ReadRequest {
        q: params.q.clone().unwrap_or_default(),
        from: params.from.clone(),
        to: params.to.clone(),
        ..ReadRequest::default()
    }
}

pub async fn activity(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<OwnActivityParams>,
) -> Result<Json<EventPage>, Failure> {
    let scope = caller.access(Act::ReadOwn, params.account.as_deref())?;
    caller.attempt.is_about(caller.user()?, "");
    caller.attempt.asks("query", params.q.clone().unwrap_or_default());
    super::search::refuse_secret("`q`", params.q.as_deref().unwrap_or_default())?;
    let limit = limit(params.limit, ACTIVITY_LIMIT_DEFAULT, ACTIVITY_LIMIT_MAX, "limit")?;
    let page = app.engine()?.list_own(&scope, &own_request(&params), limit, params.cursor.as_deref()).await?;
    caller.attempt.answers("rows", page.events.len());
    Ok(Json(EventPage { events: raw(page.events)?, next_cursor: page.next_cursor, stats: stats(page.stats) }))
}

pub async fn export_activity(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<OwnActivityParams>,
) -> Result<Response, Failure> {
    let scope = caller.access(Act::ReadOwn, params.account.as_deref())?;
    caller.attempt.is_about(caller.user()?, "");
    caller.attempt.asks("query", params.q.clone().unwrap_or_default());
    caller.attempt.asks("format", "csv");
    super::search::refuse_secret("`q`", params.q.as_deref().unwrap_or_default())?;
    let stamp = crate::clock::now().to_string();
    let day = stamp.split('T').next().unwrap_or_default();
    let name = format!("attachment; filename=\"my-activity-{day}.csv\"");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    let body = super::export::own(&app, &caller, scope, own_request(&params)).await?;
    Ok((headers, body).into_response())
}

pub async fn report(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<NotMe>,
) -> Result<(StatusCode, Json<NotMeDone>), Failure> {
    let scope = caller.access(Act::ReadOwn, params.account.as_deref())?;
    let account = scope.account().clone();
    let asked = asked.read()?;
    caller.attempt.is_about(&asked.event, "");
    let settings = app.meta.account(&account).await?.map(|account| account.settings).unwrap_or_default();
    if !settings.own_activity_report {
        return Err(Failure::new(Code::Forbidden, "this account does not take such reports; tell an administrator"));
    }
    let note = asked.note.unwrap_or_default();
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(Failure::new(Code::BadJson, format!("`note` has more than {NOTE_CHARS_MAX} characters")));
    }
    let record = RecordId::parse(&asked.event)
        .filter(|record| OWN_STREAMS.contains(&record.stream.as_str()))
        .ok_or_else(|| Failure::new(Code::BadJson, "`event` is a record id such as activity:42"))?;
    // Only of what is shown to the person: nobody can raise a finding about what others did.
    let event = app.engine()?.get(&scope, &record.to_string()).await?.event;
    let sentence = serde_json::from_str::<serde_json::Value>(&event)
        .ok()
        .and_then(|event| Some(event.pointer("/record/summary")?.as_str()?.to_owned()))
        .unwrap_or_default();
    let Who::User { id, name, .. } = &caller.principal().who else { return Err(Failure::new(Code::Forbidden, "")) };
    let (by, now) = (caller.attempt.actor(), crate::clock::now());
    let told = Told::success(Deed::OwnActivityNotify, record.to_string(), sentence.clone())
        .asked("note", note.clone())
        .asked("revokeTokens", asked.revoke_tokens);
    let finding = Told::success(Deed::FindingCreate, record.to_string(), sentence)
        .asked("findingType", "not-me")
        .asked("severity", "high")
        .asked("user", name.as_str())
        .asked("userId", id.as_str())
        .asked("note", note)
        .asked("event", record.to_string());
    let except = caller.maybe_session().map(|session| session.id.clone());
    let done =
        app.meta.report_not_me(&by, &account, id, &told, &finding, except.as_deref(), asked.revoke_tokens, now).await?;
    tracing::warn!(by = caller.label(), event = %record, "somebody says that an event in their name was not them");
    let raised =
        Json(NotMeDone { sessions_ended: done.sessions_ended as u64, tokens_revoked: done.tokens_revoked as u64 });
    Ok((StatusCode::CREATED, raised))
}
