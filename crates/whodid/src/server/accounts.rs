//! Accounts and their settings.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use whodid_api::{Account, AccountCreate, AccountList, Code, LookupParams, Settings, SettingsUpdate};
use whodid_audit::{Deed, Told};
use whodid_meta::AccountChange;
use whodid_model::AccountName;
use whodid_model::access::Permission;

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::failure::Failure;
use super::params::{NoParams, Params};

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<AccountList>, Failure> {
    caller.user()?;
    let mut accounts = app.meta.accounts().await?;
    let principal = caller.principal();
    accounts.retain(|account| principal.is_operator || principal.grants.contains_key(&account.name));
    let shown = accounts.into_iter().map(|of| {
        let name = of.name.clone();
        let sees = principal.is_operator || principal.permissions_in(&name).has(Permission::SettingsRead);
        let shown = account(of);
        // Where records lie is the business of who looks after the account.
        Account { storage: shown.storage.filter(|_| sees), ..shown }
    });
    Ok(Json(AccountList { accounts: shown.collect() }))
}

fn account(account: whodid_meta::Account) -> Account {
    Account {
        name: account.name.to_string(),
        title: account.title,
        storage: account.storage,
        created_at: account.created_at.to_string(),
    }
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
    asked: Asked<AccountCreate>,
) -> Result<(StatusCode, Json<Account>), Failure> {
    if let Some(request) = asked.peek() {
        caller.attempt.is_about(&request.name, &request.title);
    }
    caller.needs_operator()?;
    caller.needs_fresh()?;
    let owner = caller.user()?.to_owned();
    let request = asked.read()?;
    let name =
        AccountName::parse(&request.name).map_err(|error| Failure::new(Code::BadJson, format!("`name`: {error}")))?;
    let title = if request.title.trim().is_empty() { name.to_string() } else { request.title };
    let storage = request.storage.filter(|storage| !storage.trim().is_empty());
    let made = make(&app, &caller, name, title, storage, owner).await?;
    if let Err(failure) = app.refresh_insights(&made.name).await {
        tracing::error!(account = %made.name, error = failure.detail(), "insights of the new account are not made yet");
    }
    if let Err(failure) = app.refresh_rules(&made.name).await {
        tracing::error!(account = %made.name, error = failure.detail(), "the rules of the new account do not run yet");
    }
    // So that the next upgrade is told by what this account began with.
    if let Err(failure) = app.tell_builtin_packages(&made.name).await {
        tracing::error!(account = %made.name, error = failure.detail(), "the packages that came with whodid are not noted yet; the next start notes them");
    }
    Ok((StatusCode::CREATED, Json(account(made))))
}

async fn make(
    app: &App,
    caller: &Caller,
    name: AccountName,
    title: String,
    storage: Option<String>,
    owner: String,
) -> Result<whodid_meta::Account, Failure> {
    let engine = app.engine()?;
    // One at a time: of two of one name the loser must not take the winner's storage away.
    let _turn = app.making_accounts.lock().await;
    if app.meta.account(&name).await?.is_some() {
        return Err(Failure::new(Code::NameTaken, "there is an account of this name already"));
    }
    if let Some(storage) = &storage {
        // Before the account is made: one whose storage cannot be used would refuse every event.
        engine.add_place(&name, app.config.place(storage)).await?;
    }
    let (by, now) = (caller.attempt.actor(), crate::clock::now());
    let made = match app.meta.create_account(&by, &name, &title, storage.as_deref(), &owner, now).await {
        Ok(made) => made,
        Err(error) => {
            // An answer may be lost when the account is made.
            if storage.is_some() && matches!(app.meta.account(&name).await, Ok(None)) {
                engine.remove_place(&name);
            }
            return Err(error.into());
        }
    };
    if let Err(error) = engine.prepare_account(&name).await {
        // The account is made; its tables are opened with its first event.
        tracing::warn!(account = %name, error = %whodid_model::chain(&error), "the tables of a new account cannot be opened yet");
    }
    tracing::info!(by = caller.label(), account = %name, "an account was made");
    // The new account has the record of it. Where its maker belongs, whoever looks after the installation looks.
    if let Some(home) = caller.principal().home_account().filter(|home| **home != name) {
        let told = Told::success(Deed::AccountCreate, name.as_str(), made.title.as_str())
            .asked("storage", made.storage.clone());
        if let Err(failure) = app.tell(home, &by, &told).await {
            tracing::error!(
                code = failure.code().as_str(),
                "that an account was made could not be told to its maker's own"
            );
        }
    }
    Ok(made)
}

pub async fn settings(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<Settings>, Failure> {
    let name = caller.needs(Permission::SettingsRead, params.account.as_deref())?;
    let account = app.meta.account(&name).await?;
    let account = account.ok_or_else(|| Failure::new(Code::NotFound, "there is no such account"))?;
    Ok(Json(shown(account)))
}

fn shown(account: whodid_meta::Account) -> Settings {
    let settings = account.settings;
    Settings {
        title: account.title,
        mfa_required: settings.mfa_required,
        password_sign_in: settings.password_sign_in,
        password_length_min: settings.password_length_min,
        session_idle_minutes: settings.session_idle_minutes,
        session_absolute_minutes: settings.session_absolute_minutes,
        keys_max: settings.keys_max,
        audit_reads: settings.audit_reads,
        own_activity_report: settings.own_activity_report,
        alert_escalation_minutes: settings.alert_escalation_minutes,
        alert_reopen_hours: settings.alert_reopen_hours,
    }
}

pub async fn update_settings(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<SettingsUpdate>,
) -> Result<Json<Settings>, Failure> {
    let name = caller.manages(Permission::SettingsManage, params.account.as_deref())?;
    caller.attempt.is_about(name.as_str(), "");
    let update = asked.read()?;
    if update.password_sign_in == Some(false) && app.oidc.is_none() {
        let detail = "`password_sign_in`: nobody could sign in any more, because no identity provider is configured";
        return Err(Failure::new(Code::BadJson, detail));
    }
    let change = AccountChange {
        title: update.title,
        mfa_required: update.mfa_required,
        password_length_min: update.password_length_min,
        session_idle_minutes: update.session_idle_minutes,
        session_absolute_minutes: update.session_absolute_minutes,
        password_sign_in: update.password_sign_in,
        keys_max: update.keys_max,
        own_activity_report: update.own_activity_report,
        audit_reads: update.audit_reads,
        alert_escalation_minutes: update.alert_escalation_minutes,
        alert_reopen_hours: update.alert_reopen_hours,
    };
    let account = app.meta.update_account(&caller.attempt.actor(), &name, &change, crate::clock::now()).await?;
    Ok(Json(shown(account)))
}
