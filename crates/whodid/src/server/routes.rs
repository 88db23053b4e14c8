//! Every route. The list is one: the router is built from it, who may use a route and what is told of it stands
//! beside it, and tests hold it against the OpenAPI document and against what the server really does.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::routing::{delete, get, patch, post, put};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use whodid_api::Code;
use whodid_audit::Deed;
use whodid_model::Permission;

use super::failure::Failure;
use super::{
    App, accounts, advisor_channels, alerts, audit, backtests, cards, channels, downloads, export, findings, graph,
    guard, ingest, insights, keeping, keys, me, oidc_routes, packages, people, presets, rejects, review, roles, rules,
    search, search_alerts, sessions, system, tail, tokens, ui,
};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Everybody; no credential is looked at.
    Open,
    /// Programs on this machine, and who may read every event of the account.
    Metrics,
    /// A person, by session or token, for themselves.
    Person,
    /// The same, but not by a token that may less than its user.
    Whole,
    /// A person by session only.
    Session,
    /// A person who may see what was done in their own name.
    Own,
    /// Who may send events.
    Write,
    /// Who may read the stream that is asked for, of whatever rows.
    Read,
    /// Who may read what is shown whole or not at all: not by a grant that is limited.
    ReadWhole,
    /// Who may read anything, be it only their own activity.
    ReadAnything,
    /// Who may take away events of the stream that is asked for.
    Export,
    /// Who has this permission in the whole account.
    Needs(Permission),
    /// Who has one of these in the whole account.
    NeedsOneOf(&'static [Permission]),
    /// Operators of the installation.
    Operator,
}

/// What is told of a request to a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// Nothing: it neither changes anything nor shows anybody's events.
    Nothing,
    /// That something was read, or that reading failed.
    Reads(Deed),
    /// That it failed; the change itself is told by what makes it.
    Does(Deed),
    /// Only that it failed: what it does shows by itself.
    Fails(Deed),
}

/// One route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `GET`, …
    pub method: &'static str,
    /// With its parameters: `/api/v1/keys/{id}`.
    pub path: &'static str,
    /// Who may use it.
    pub rule: Rule,
    /// What is told of it.
    pub tell: Tell,
}

macro_rules! routes {
    ($( $method:ident $path:literal $handler:path, $rule:expr, $tell:expr; )*) => {
        /// Every route.
        pub const ROUTES: &[Route] = &[ $( Route {
            method: method_name(stringify!($method)),
            path: $path,
            rule: { #[allow(unused_imports, reason = "not every route names a permission")] use Permission::*; use Rule::*; $rule },
            tell: { use Tell::*; $tell },
        } ),* ];

        fn api() -> Router<Arc<App>> {
            Router::new() $( .route($path, $method($handler)) )*
        }
    };
}

/// Of the macro's words; another one does not compile.
const fn method_name(word: &str) -> &'static str {
    match word.as_bytes() {
        b"get" => "GET",
        b"post" => "POST",
        b"put" => "PUT",
        b"patch" => "PATCH",
        b"delete" => "DELETE",
        _ => panic!("no such method"),
    }
}

routes! {
    post "/api/v1/events" ingest::send, Write, Fails(Deed::EventSend);
    get "/api/v1/events" search::list, Read, Reads(Deed::EventSearch);
    get "/api/v1/events/count" search::count, Read, Reads(Deed::EventSearch);
    get "/api/v1/events/histogram" search::histogram, Read, Reads(Deed::EventSearch);
    get "/api/v1/events/top" search::top, Read, Reads(Deed::EventSearch);
    get "/api/v1/events/facets" search::facets, Read, Reads(Deed::EventSearch);
    get "/api/v1/events/fields" search::fields, Read, Nothing;
    get "/api/v1/events/tail" tail::follow, Read, Reads(Deed::EventMonitor);
    get "/api/v1/events/{id}" search::get, Read, Reads(Deed::EventRead);
    get "/api/v1/events/{id}/around" search::around, Read, Reads(Deed::EventRead);
    get "/api/v1/rejects" rejects::list, Needs(RejectsRead), Reads(Deed::RejectRead);
    get "/api/v1/rejects/summary" rejects::summary, Needs(RejectsRead), Nothing;
    delete "/api/v1/events" keeping::erase, Needs(EventsErase), Does(Deed::EventDelete);
    get "/api/v1/days" keeping::days, Read, Reads(Deed::EventSearch);
    get "/api/v1/retention" keeping::retention, Needs(SettingsRead), Nothing;
    patch "/api/v1/retention" keeping::set_retention, Needs(SettingsManage), Does(Deed::RetentionUpdate);
    get "/api/v1/export" export::stream, Export, Reads(Deed::EventExport);
    get "/api/v1/downloads" downloads::list, Export, Nothing;
    post "/api/v1/downloads" downloads::create, Export, Does(Deed::DownloadSessionCreate);
    get "/api/v1/downloads/{id}" downloads::get, Export, Nothing;
    delete "/api/v1/downloads/{id}" downloads::delete, Export, Does(Deed::DownloadSessionDelete);
    get "/api/v1/downloads/{id}/content" downloads::content, Export, Reads(Deed::EventExport);
    post "/api/v1/sql" search::sql, Read, Reads(Deed::EventQuery);
    get "/api/v1/query/check" search::check, ReadAnything, Nothing;
    get "/api/v1/status" system::status, Read, Nothing;

    get "/api/v1/keys" keys::list, Needs(KeysRead), Nothing;
    post "/api/v1/keys" keys::create, Needs(KeysManage), Does(Deed::IngestionKeyCreate);
    patch "/api/v1/keys/{id}" keys::update, Needs(KeysManage), Does(Deed::IngestionKeyUpdate);
    post "/api/v1/keys/{id}/rotate" keys::rotate, Needs(KeysManage), Does(Deed::IngestionKeyRotate);
    delete "/api/v1/keys/{id}" keys::revoke, Needs(KeysManage), Does(Deed::IngestionKeyDelete);

    get "/api/v1/users" people::list, Needs(UsersRead), Nothing;
    get "/api/v1/users/{id}" people::get, Needs(UsersRead), Nothing;
    patch "/api/v1/users/{id}" people::update, Needs(UsersManage), Does(Deed::UserUpdate);
    delete "/api/v1/users/{id}" people::remove, Needs(UsersManage), Does(Deed::UserDelete);
    post "/api/v1/users/{id}/unlock" people::unlock, Needs(UsersManage), Does(Deed::UserUnlock);
    post "/api/v1/users/{id}/password-reset" people::reset_password, Needs(UsersManage), Does(Deed::PasswordResetRequest);
    delete "/api/v1/users/{id}/totp" people::remove_totp, Needs(UsersManage), Does(Deed::MfaDisable);
    delete "/api/v1/users/{id}/sessions" people::end_sessions, Needs(SessionsManage), Does(Deed::SessionDelete);
    get "/api/v1/invitations" people::invitations, Needs(UsersRead), Nothing;
    post "/api/v1/invitations" people::invite, Needs(UsersManage), Does(Deed::InvitationCreate);
    delete "/api/v1/invitations/{id}" people::uninvite, Needs(UsersManage), Does(Deed::InvitationDelete);
    get "/api/v1/groups" roles::groups, Needs(UsersRead), Nothing;
    post "/api/v1/groups" roles::create_group, Needs(UsersManage), Does(Deed::GroupCreate);
    patch "/api/v1/groups/{id}" roles::update_group, Needs(UsersManage), Does(Deed::GroupUpdate);
    delete "/api/v1/groups/{id}" roles::delete_group, Needs(UsersManage), Does(Deed::GroupDelete);
    get "/api/v1/roles" roles::list, Needs(UsersRead), Nothing;
    post "/api/v1/roles" roles::create, Needs(RolesManage), Does(Deed::RoleCreate);
    patch "/api/v1/roles/{name}" roles::update, Needs(RolesManage), Does(Deed::RoleUpdate);
    delete "/api/v1/roles/{name}" roles::delete, Needs(RolesManage), Does(Deed::RoleDelete);
    get "/api/v1/bindings" roles::bindings, Needs(UsersRead), Nothing;
    post "/api/v1/bindings" roles::bind, Needs(RolesManage), Does(Deed::RoleBindingCreate);
    delete "/api/v1/bindings/{id}" roles::unbind, Needs(RolesManage), Does(Deed::RoleBindingDelete);
    get "/api/v1/access-review" review::review, Needs(UsersRead), Reads(Deed::AccessReviewExport);
    get "/api/v1/sessions" sessions::list, Needs(SessionsManage), Nothing;
    delete "/api/v1/sessions/{id}" sessions::end, Needs(SessionsManage), Does(Deed::SessionDelete);
    get "/api/v1/accounts" accounts::list, Person, Nothing;
    post "/api/v1/accounts" accounts::create, Operator, Does(Deed::AccountCreate);
    get "/api/v1/settings" accounts::settings, Needs(SettingsRead), Nothing;
    patch "/api/v1/settings" accounts::update_settings, Needs(SettingsManage), Does(Deed::AccountUpdate);

    get "/api/v1/rules" rules::list, Needs(RulesRead), Nothing;
    post "/api/v1/rules" rules::create, Needs(RulesManage), Does(Deed::RuleCreate);
    post "/api/v1/rules/check" rules::check, Needs(RulesRead), Nothing;
    post "/api/v1/rules/backtest" backtests::run, Needs(RulesRead), Reads(Deed::EventSearch);
    get "/api/v1/rules/{id}" rules::get, Needs(RulesRead), Nothing;
    patch "/api/v1/rules/{id}" rules::update, Needs(RulesManage), Does(Deed::RuleUpdate);
    delete "/api/v1/rules/{id}" rules::delete, Needs(RulesManage), Does(Deed::RuleDelete);
    get "/api/v1/packages" packages::list, Needs(RulesRead), Nothing;
    post "/api/v1/packages" packages::install, Needs(RulesManage), Does(Deed::PackageCreate);
    post "/api/v1/packages/check" packages::check, Needs(RulesRead), Nothing;
    post "/api/v1/packages/refresh" packages::refresh, Needs(RulesManage), Does(Deed::PackageUpdate);
    get "/api/v1/packages/{id}/content" packages::download, Needs(RulesRead), Nothing;
    get "/api/v1/packages/{id}/files" packages::files, Needs(RulesRead), Nothing;
    patch "/api/v1/packages/{id}" packages::update, Needs(RulesManage), Does(Deed::PackageUpdate);
    delete "/api/v1/packages/{id}" packages::delete, Needs(RulesManage), Does(Deed::PackageDelete);
    get "/api/v1/exceptions" rules::exceptions, Needs(RulesRead), Nothing;
    post "/api/v1/exceptions" rules::create_exception, Needs(RulesManage), Does(Deed::ExceptionCreate);
    delete "/api/v1/exceptions/{id}" rules::delete_exception, Needs(RulesManage), Does(Deed::ExceptionDelete);

    get "/api/v1/alerts" alerts::list, Needs(AlertsRead), Reads(Deed::AlertRead);
    get "/api/v1/alerts/{id}" alerts::get, Needs(AlertsRead), Reads(Deed::AlertRead);
    post "/api/v1/alerts/{id}/acts" alerts::act, Needs(AlertsManage), Does(Deed::AlertUpdate);
    get "/api/v1/silences" alerts::silences, Needs(AlertsRead), Nothing;
    post "/api/v1/silences" alerts::create_silence, Needs(AlertsManage), Does(Deed::SilenceCreate);
    delete "/api/v1/silences/{id}" alerts::delete_silence, Needs(AlertsManage), Does(Deed::SilenceDelete);
    get "/api/v1/channels" channels::list, NeedsOneOf(&[AlertsRead, RulesRead, ChannelsManage]), Nothing;
    post "/api/v1/channels" channels::create, Needs(ChannelsManage), Does(Deed::ChannelCreate);
    patch "/api/v1/channels/{id}" channels::update, Needs(ChannelsManage), Does(Deed::ChannelUpdate);
    delete "/api/v1/channels/{id}" channels::delete, Needs(ChannelsManage), Does(Deed::ChannelDelete);
    post "/api/v1/channels/{id}/test" channels::test, Needs(ChannelsManage), Does(Deed::ChannelSend);
    get "/api/v1/channels/{id}/deliveries" channels::deliveries, NeedsOneOf(&[AlertsRead, RulesRead, ChannelsManage]), Nothing;
    get "/api/v1/notices/key" channels::key, Open, Nothing;

    get "/api/v1/insights" insights::list, ReadWhole, Reads(Deed::InsightRead);
    get "/api/v1/insights/status" insights::status, ReadWhole, Nothing;
    put "/api/v1/insights/settings" insights::set, Needs(RulesManage), Does(Deed::InsightConfigure);
    get "/api/v1/insights/metric-data" insights::metric_data, Read, Reads(Deed::EventSearch);
    get "/api/v1/insights/replay" insights::replay, ReadWhole, Reads(Deed::InsightRead);
    get "/api/v1/insights/expected" insights::expected, Needs(RulesRead), Nothing;
    post "/api/v1/insights/expected" insights::create_expected, Needs(RulesManage), Does(Deed::InsightExceptionCreate);
    post "/api/v1/insights/expected/preview" insights::preview_expected, ReadWhole, Reads(Deed::InsightRead);
    delete "/api/v1/insights/expected/{id}" insights::delete_expected, Needs(RulesManage), Does(Deed::InsightExceptionDelete);
    get "/api/v1/insights/{id}" insights::get, ReadWhole, Reads(Deed::InsightRead);
    get "/api/v1/insights/{id}/series" insights::series, ReadWhole, Reads(Deed::EventSearch);
    put "/api/v1/insights/{id}/feedback" insights::feedback, Needs(AlertsManage), Does(Deed::InsightWrite);
    get "/api/v1/search-alerts" search_alerts::list, Needs(AlertsRead), Nothing;
    post "/api/v1/search-alerts" search_alerts::create, Needs(AlertsManage), Does(Deed::AlertCreate);
    patch "/api/v1/search-alerts/{id}" search_alerts::update, Needs(AlertsManage), Does(Deed::AlertUpdate);
    delete "/api/v1/search-alerts/{id}" search_alerts::delete, Needs(AlertsManage), Does(Deed::AlertDelete);
    get "/api/v1/presets" presets::list, Needs(AlertsRead), Nothing;
    post "/api/v1/presets" presets::create, Needs(AlertsManage), Does(Deed::AlertCreate);
    patch "/api/v1/presets/{id}" presets::update, Needs(AlertsManage), Does(Deed::AlertUpdate);
    delete "/api/v1/presets/{id}" presets::delete, Needs(AlertsManage), Does(Deed::AlertDelete);
    get "/api/v1/cards" cards::list, Needs(AlertsRead), Nothing;
    get "/api/v1/findings/days" cards::days, Needs(AlertsRead), Nothing;

    get "/findings/v1/{account}/providers" findings::providers, Needs(AlertsRead), Nothing;
    get "/findings/v1/{account}/providers/{provider}/notes" findings::notes, Needs(AlertsRead), Nothing;
    post "/findings/v1/{account}/providers/{provider}/notes" findings::create_note, Needs(FindingsWrite), Does(Deed::FindingNoteCreate);
    get "/findings/v1/{account}/providers/{provider}/notes/{id}" findings::note, Needs(AlertsRead), Nothing;
    put "/findings/v1/{account}/providers/{provider}/notes/{id}" findings::update_note, Needs(FindingsWrite), Does(Deed::FindingNoteUpdate);
    delete "/findings/v1/{account}/providers/{provider}/notes/{id}" findings::delete_note, Needs(FindingsWrite), Does(Deed::FindingNoteDelete);
    get "/findings/v1/{account}/providers/{provider}/notes/{id}/occurrences" findings::note_occurrences, Needs(AlertsRead), Reads(Deed::AlertRead);
    get "/findings/v1/{account}/providers/{provider}/occurrences" findings::occurrences, Needs(AlertsRead), Reads(Deed::AlertRead);
    post "/findings/v1/{account}/providers/{provider}/occurrences" findings::create_occurrence, Needs(FindingsWrite), Does(Deed::FindingCreate);
    get "/findings/v1/{account}/providers/{provider}/occurrences/{id}" findings::occurrence, Needs(AlertsRead), Reads(Deed::AlertRead);
    put "/findings/v1/{account}/providers/{provider}/occurrences/{id}" findings::update_occurrence, Needs(FindingsWrite), Does(Deed::FindingUpdate);
    delete "/findings/v1/{account}/providers/{provider}/occurrences/{id}" findings::delete_occurrence, Needs(FindingsWrite), Does(Deed::FindingDelete);
    get "/findings/v1/{account}/providers/{provider}/occurrences/{id}/note" findings::occurrence_note, Needs(AlertsRead), Nothing;
    post "/findings/v1/{account}/graph" graph::query, Needs(AlertsRead), Reads(Deed::AlertRead);

    get "/notifications/v1/{account}/notifications/channels" advisor_channels::list, NeedsOneOf(&[AlertsRead, RulesRead, ChannelsManage]), Nothing;
    post "/notifications/v1/{account}/notifications/channels" advisor_channels::create, Needs(ChannelsManage), Does(Deed::ChannelCreate);
    delete "/notifications/v1/{account}/notifications/channels" advisor_channels::delete_all, Needs(ChannelsManage), Does(Deed::ChannelDelete);
    get "/notifications/v1/{account}/notifications/channels/{id}" advisor_channels::get, NeedsOneOf(&[AlertsRead, RulesRead, ChannelsManage]), Nothing;
    put "/notifications/v1/{account}/notifications/channels/{id}" advisor_channels::update, Needs(ChannelsManage), Does(Deed::ChannelUpdate);
    delete "/notifications/v1/{account}/notifications/channels/{id}" advisor_channels::delete, Needs(ChannelsManage), Does(Deed::ChannelDelete);
    get "/notifications/v1/{account}/notifications/channels/{id}/test" advisor_channels::test, Needs(ChannelsManage), Does(Deed::ChannelSend);
    get "/notifications/v1/{account}/notifications/public_key" advisor_channels::public_key, NeedsOneOf(&[AlertsRead, RulesRead, ChannelsManage]), Nothing;
    get "/alerts/v1/{account}/alerts/channels" advisor_channels::list, NeedsOneOf(&[AlertsRead, RulesRead, ChannelsManage]), Nothing;
    post "/alerts/v1/{account}/alerts/channels" advisor_channels::create, Needs(ChannelsManage), Does(Deed::ChannelCreate);
    delete "/alerts/v1/{account}/alerts/channels" advisor_channels::delete_all, Needs(ChannelsManage), Does(Deed::ChannelDelete);
    get "/alerts/v1/{account}/alerts/channels/{id}" advisor_channels::get, NeedsOneOf(&[AlertsRead, RulesRead, ChannelsManage]), Nothing;
    put "/alerts/v1/{account}/alerts/channels/{id}" advisor_channels::update, Needs(ChannelsManage), Does(Deed::ChannelUpdate);
    delete "/alerts/v1/{account}/alerts/channels/{id}" advisor_channels::delete, Needs(ChannelsManage), Does(Deed::ChannelDelete);
    get "/alerts/v1/{account}/test/notification/channel/{id}" advisor_channels::test, Needs(ChannelsManage), Does(Deed::ChannelSend);
    get "/alerts/v1/{account}/download_public_key" advisor_channels::public_key, NeedsOneOf(&[AlertsRead, RulesRead, ChannelsManage]), Nothing;

    get "/api/v1/me" me::me, Person, Nothing;
    post "/api/v1/me/reauthenticate" me::reauthenticate, Session, Does(Deed::UserAuthenticate);
    post "/api/v1/me/password" me::change_password, Session, Does(Deed::PasswordUpdate);
    post "/api/v1/me/totp" me::begin_totp, Session, Does(Deed::MfaEnable);
    post "/api/v1/me/totp/confirm" me::confirm_totp, Session, Does(Deed::MfaEnable);
    delete "/api/v1/me/totp" me::remove_totp, Session, Does(Deed::MfaDisable);
    post "/api/v1/me/recovery-codes" me::renew_recovery_codes, Session, Does(Deed::MfaUpdate);
    get "/api/v1/me/sessions" me::sessions, Whole, Nothing;
    delete "/api/v1/me/sessions" me::end_sessions, Whole, Does(Deed::SessionDelete);
    delete "/api/v1/me/sessions/{id}" me::end_session, Whole, Does(Deed::SessionDelete);
    get "/api/v1/me/tokens" tokens::list, Person, Nothing;
    post "/api/v1/me/tokens" tokens::create, Session, Does(Deed::PersonalTokenCreate);
    patch "/api/v1/me/tokens/{id}" tokens::update, Person, Does(Deed::PersonalTokenUpdate);
    post "/api/v1/me/tokens/{id}/rotate" tokens::rotate, Person, Does(Deed::PersonalTokenRotate);
    delete "/api/v1/me/tokens/{id}" tokens::revoke, Person, Does(Deed::PersonalTokenDelete);
    get "/api/v1/me/activity" me::activity, Own, Reads(Deed::OwnActivityRead);
    get "/api/v1/me/activity/export" me::export_activity, Own, Reads(Deed::OwnActivityExport);
    post "/api/v1/me/reports" me::report, Own, Does(Deed::OwnActivityNotify);

    get "/sign-in" sessions::follow_link, Open, Does(Deed::UserAuthenticate);
    get "/sign-in/oidc" oidc_routes::start, Open, Nothing;
    get "/sign-in/oidc/callback" oidc_routes::finish, Open, Does(Deed::UserAuthenticate);
    get "/api/v1/sign-in/methods" sessions::methods, Open, Nothing;
    post "/api/v1/sessions" sessions::sign_in, Open, Does(Deed::UserAuthenticate);
    delete "/api/v1/sessions/current" sessions::sign_out, Session, Does(Deed::SessionDelete);
    post "/api/v1/links/look" sessions::look_at_link, Open, Nothing;
    post "/api/v1/invitations/accept" sessions::accept_invitation, Open, Does(Deed::InvitationAccept);
    post "/api/v1/password-resets" sessions::request_reset, Open, Does(Deed::PasswordResetRequest);
    post "/api/v1/password-resets/commit" sessions::commit_reset, Open, Does(Deed::PasswordResetCommit);

    get "/health/live" system::live, Open, Nothing;
    get "/health/ready" system::ready, Open, Nothing;
    get "/metrics" system::metrics, Metrics, Nothing;
    get "/openapi.json" system::openapi, Open, Nothing;
}

/// The route with this method and path.
pub fn route(method: &Method, path: &str) -> Option<&'static Route> {
    // HEAD is answered by what answers GET.
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    ROUTES.iter().find(|route| route.path == path && route.method == method)
}

/// All routes with what stands around them.
pub fn router(app: Arc<App>) -> Router {
    // Live events must not wait in a compressor's buffer.
    let compressed = DefaultPredicate::new()
        .and(NotForContentType::const_new("text/event-stream"))
        // What is compressed already.
        .and(NotForContentType::const_new("application/gzip"));
    api()
        .fallback(ui::asset)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), audit::around))
        .layer(axum::middleware::from_fn(guard::for_advisor))
        .layer(CompressionLayer::new().compress_when(compressed))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), guard::around))
        .with_state(app)
}

async fn method_not_allowed() -> Failure {
    Failure::new(
        Code::MethodNotAllowed,
        "the route exists, but not with this method; /openapi.json lists what there is",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn described() -> Vec<(String, String)> {
        let document: serde_json::Value = serde_json::from_str(&whodid_api::document_json()).unwrap();
        let mut described = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            described.extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
        }
        described.sort();
        described
    }

    #[test]
    fn the_document_describes_exactly_the_routes_there_are() {
        let mut served: Vec<_> = ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
        served.sort();
        assert_eq!(served, described());
    }

    /// The list that the matrix of routes, roles and accounts is made from. `WHODID_WRITE=1` writes it anew, and its
    /// diff is the review of who may use what.
    #[test]
    fn the_list_of_who_may_use_a_route_is_the_served_one() {
        let mut text = "# method\tpath\twho may use it\twhat is told of it\n".to_owned();
        for route in ROUTES {
            let rule = match route.rule {
                Rule::Open => "open".to_owned(),
                Rule::Metrics => "metrics".to_owned(),
                Rule::Person => "person".to_owned(),
                Rule::Whole => "whole person".to_owned(),
                Rule::Session => "session".to_owned(),
                Rule::Own => "own".to_owned(),
                Rule::Write => "write".to_owned(),
                Rule::Read => "read".to_owned(),
                Rule::ReadWhole => "read whole".to_owned(),
                Rule::ReadAnything => "read anything".to_owned(),
                Rule::Export => "export".to_owned(),
                Rule::Needs(permission) => permission.to_string(),
                Rule::NeedsOneOf(permissions) => {
                    permissions.iter().map(|permission| permission.as_str()).collect::<Vec<_>>().join(" or ")
                }
                Rule::Operator => "operator".to_owned(),
            };
            let tell = match route.tell {
                Tell::Nothing => "nothing".to_owned(),
                Tell::Reads(deed) => format!("reads {}", deed.action()),
                Tell::Does(deed) => format!("does {}", deed.action()),
                Tell::Fails(deed) => format!("fails {}", deed.action()),
            };
            text.push_str(&format!("{}\t{}\t{rule}\t{tell}\n", route.method, route.path));
        }
        let path = "../../corpus/access/routes.tsv";
        if std::env::var_os("WHODID_WRITE").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let listed = std::fs::read_to_string(path).unwrap();
        assert!(listed == text, "corpus/access/routes.tsv is stale: a route was added, or its rule changed");
    }

    #[test]
    fn whatever_may_change_something_is_told() {
        for route in ROUTES.iter().filter(|route| route.method != "GET") {
            let only_looks = [
                "/api/v1/sql",
                "/api/v1/insights/expected/preview",
                "/api/v1/links/look",
                "/api/v1/packages/check",
                "/api/v1/rules/check",
                "/api/v1/rules/backtest",
                "/findings/v1/{account}/graph",
            ]
            .contains(&route.path);
            assert!(
                only_looks || matches!(route.tell, Tell::Does(_) | Tell::Fails(_)),
                "{} {}",
                route.method,
                route.path
            );
        }
    }
}
