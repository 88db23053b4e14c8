//! Who may see what, and when they last did.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use whodid_api::{AccessReview, AccessReviewParams, KeySummary, ReviewFormat, ReviewedUser};
use whodid_engine::defused;
use whodid_model::access::PermissionSet;
use whodid_model::{AccountName, Permission};

use super::App;
use super::auth::Caller;
use super::failure::Failure;
use super::params::Params;
use super::roles::{held, names};

pub async fn review(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<AccessReviewParams>,
) -> Result<Response, Failure> {
    let account = caller.needs(Permission::UsersRead, params.account.as_deref())?;
    let format = params.format.unwrap_or_default();
    caller.attempt.is_about(account.as_str(), "");
    caller.attempt.asks(
        "format",
        match format {
            ReviewFormat::Json => "json",
            ReviewFormat::Csv => "csv",
        },
    );
    let review = put_together(&app, &account).await?;
    caller.attempt.answers("rows", review.users.len());
    match format {
        ReviewFormat::Json => Ok(Json(review).into_response()),
        ReviewFormat::Csv => {
            let name = format!("attachment; filename=\"access-review-{account}-{}.csv\"", &review.at[..10]);
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
                (header::CONTENT_DISPOSITION, name),
            ];
            let text = csv(&review).map_err(|error| Failure::internal("writing the access review", &error))?;
            Ok((headers, text).into_response())
        }
    }
}

async fn put_together(app: &App, account: &AccountName) -> Result<AccessReview, Failure> {
    let now = crate::clock::now();
    let review = app.meta.access_review(account, now).await?;
    let user_names = super::keys::names(app).await?;
    let (mut users, mut keys) = (Vec::new(), Vec::new());
    for whodid_meta::ReviewedUser { view, roles, tokens } in review.users {
        let permissions = roles.iter().fold(PermissionSet::NONE, |all, role| all | role.permissions);
        // A token never may what its user may not.
        keys.extend(
            tokens.into_iter().map(|token| (permissions.both(token.permissions.unwrap_or(permissions)), token)),
        );
        users.push(ReviewedUser {
            roles: view.roles.iter().map(|role| held(&role.binding, role.group.clone())).collect(),
            permissions: names(permissions),
            is_enabled: view.user.disabled_at.is_none(),
            is_operator: view.user.is_operator,
            has_mfa: view.user.has_mfa,
            last_signed_in_at: view.user.last_signed_in_at.map(|at| at.to_string()),
            last_read_at: view.user.last_read_at.map(|at| at.to_string()),
            id: view.user.id,
            name: view.user.name,
            display_name: view.user.display_name,
        });
    }
    users.sort_by(|one, other| one.name.cmp(&other.name));
    keys.extend(review.keys.into_iter().map(|key| (key.kind.permissions(), key)));
    let keys = keys.into_iter().map(|(permissions, key)| {
        let summary = super::keys::summary(key, &user_names);
        KeySummary { permissions: Some(names(permissions)), ..summary }
    });
    Ok(AccessReview { account: account.to_string(), at: now.to_string(), users, keys: keys.collect() })
}

/// One line for each role of each user, one for a user without any, and one for each key.
fn csv(review: &AccessReview) -> Result<String, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record([
        "kind",
        "id",
        "name",
        "display_name",
        "enabled",
        "second_factor",
        "role",
        "through_group",
        "spaces",
        "query",
        "permissions",
        "last_signed_in_at",
        "last_read_at",
        "operator",
        "sources",
        "streams",
        "expires_at",
        "created_by",
    ])?;
    let flag = |is: bool| if is { "yes" } else { "no" };
    for user in &review.users {
        let roles: Vec<_> = if user.roles.is_empty() { vec![None] } else { user.roles.iter().map(Some).collect() };
        for role in roles {
            let spaces = role.and_then(|role| role.spaces.as_ref()).map(|spaces| spaces.join(" "));
            out.write_record([
                "user",
                &user.id,
                &defused(&user.name),
                &defused(&user.display_name),
                flag(user.is_enabled),
                flag(user.has_mfa),
                role.map_or("", |role| &role.role),
                &defused(role.and_then(|role| role.group.as_deref()).unwrap_or_default()),
                spaces.as_deref().unwrap_or_default(),
                &defused(role.and_then(|role| role.query.as_deref()).unwrap_or_default()),
                &user.permissions.join(" "),
                user.last_signed_in_at.as_deref().unwrap_or_default(),
                user.last_read_at.as_deref().unwrap_or_default(),
                flag(user.is_operator),
                "",
                "",
                "",
                "",
            ])?;
        }
    }
    for key in &review.keys {
        out.write_record([
            kind(key),
            &key.id,
            &defused(&key.name),
            &defused(key.user.as_deref().unwrap_or_default()),
            "yes",
            "",
            "",
            "",
            &key.scope.spaces.clone().unwrap_or_default().join(" "),
            "",
            &key.permissions.clone().unwrap_or_default().join(" "),
            "",
            key.last_used_at.as_deref().unwrap_or_default(),
            "",
            &key.scope.sources.clone().unwrap_or_default().join(" "),
            &key.scope.streams.clone().unwrap_or_default().join(" "),
            key.expires_at.as_deref().unwrap_or_default(),
            &defused(key.created_by.as_deref().unwrap_or_default()),
        ])?;
    }
    let bytes = out.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn kind(key: &KeySummary) -> &'static str {
    match key.kind {
        whodid_api::KeyKind::Ingestion => "ingestion key",
        whodid_api::KeyKind::Service => "service key",
        whodid_api::KeyKind::Personal => "personal token",
    }
}
