//! The OpenAPI 3.1 document, put together from [`crate::paths`] in a fixed order.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

use crate::{Code, PROBLEM_JSON, Problem, paths};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "whodid",
        description = "Who did what, to what, when, from where: audit events taken in, kept and found again.\n\nTimes are RFC 3339 in UTC; event time is the sender's claim, recorded time is whodid's own. Every error is `application/problem+json` with a stable `code`. Query parameters that a route under `/api/` or `/sign-in` does not know are refused.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        paths::send_events, paths::search_events, paths::count_events, paths::histogram, paths::top_values, paths::facets,
        paths::fields, paths::tail_events, paths::get_event, paths::around_event, paths::list_rejects,
        paths::summarize_rejects, paths::export_events, paths::run_sql, paths::check_query, paths::follow_sign_in_link,
        paths::status, paths::live, paths::ready, paths::metrics, paths::openapi,
        paths::people::list_users,
        paths::people::get_user,
        paths::people::update_user,
        paths::people::remove_user,
        paths::people::unlock_user,
        paths::people::create_password_reset,
        paths::people::remove_user_totp,
        paths::people::end_user_sessions,
        paths::people::list_invitations,
        paths::people::create_invitation,
        paths::people::delete_invitation,
        paths::people::list_groups,
        paths::people::create_group,
        paths::people::update_group,
        paths::people::delete_group,
        paths::people::list_roles,
        paths::people::create_role,
        paths::people::update_role,
        paths::people::delete_role,
        paths::people::list_bindings,
        paths::people::create_binding,
        paths::people::delete_binding,
        paths::people::review_access,
        paths::me::me,
        paths::me::reauthenticate,
        paths::me::change_password,
        paths::me::begin_totp,
        paths::me::confirm_totp,
        paths::me::remove_totp,
        paths::me::renew_recovery_codes,
        paths::me::list_own_sessions,
        paths::me::end_other_sessions,
        paths::me::end_own_session,
        paths::me::list_own_tokens,
        paths::me::create_own_token,
        paths::me::update_own_token,
        paths::me::rotate_own_token,
        paths::me::revoke_own_token,
        paths::me::own_activity,
        paths::me::export_own_activity,
        paths::me::report_not_me,
        paths::sessions::sign_in_methods,
        paths::sessions::sign_in,
        paths::sessions::sign_out,
        paths::sessions::list_sessions,
        paths::sessions::end_session,
        paths::sessions::look_at_link,
        paths::sessions::accept_invitation,
        paths::sessions::request_password_reset,
        paths::sessions::commit_password_reset,
        paths::sessions::start_oidc,
        paths::sessions::finish_oidc,
        paths::keys::list_keys,
        paths::keys::create_key,
        paths::keys::update_key,
        paths::keys::rotate_key,
        paths::keys::revoke_key,
        paths::accounts::list_accounts,
        paths::accounts::create_account,
        paths::accounts::get_settings,
        paths::accounts::update_settings,
        paths::keeping::list_days,
        paths::keeping::erase_events,
        paths::keeping::list_downloads,
        paths::keeping::create_download,
        paths::keeping::get_download,
        paths::keeping::delete_download,
        paths::keeping::download_events,
        paths::keeping::get_retention,
        paths::keeping::set_retention,
        paths::rules::list_rules,
        paths::rules::create_rule,
        paths::rules::get_rule,
        paths::rules::update_rule,
        paths::rules::delete_rule,
        paths::rules::check_rules,
        paths::rules::backtest_rule,
        paths::rules::list_packages,
        paths::rules::install_package,
        paths::rules::refresh_packages,
        paths::rules::check_package,
        paths::rules::download_package,
        paths::rules::package_files,
        paths::rules::update_package,
        paths::rules::delete_package,
        paths::rules::list_exceptions,
        paths::rules::create_exception,
        paths::rules::delete_exception,
        paths::advisor::list_channels,
        paths::advisor::create_channel,
        paths::advisor::delete_channels,
        paths::advisor::get_channel,
        paths::advisor::update_channel,
        paths::advisor::delete_channel,
        paths::advisor::test_channel,
        paths::advisor::get_public_key,
        paths::advisor::list_alert_channels,
        paths::advisor::create_alert_channel,
        paths::advisor::delete_alert_channels,
        paths::advisor::get_alert_channel,
        paths::advisor::update_alert_channel,
        paths::advisor::delete_alert_channel,
        paths::advisor::test_alert_channel,
        paths::advisor::download_public_key,
        paths::alerts::list_alerts,
        paths::alerts::get_alert,
        paths::alerts::act_on_alert,
        paths::alerts::list_silences,
        paths::alerts::create_silence,
        paths::alerts::delete_silence,
        paths::alerts::list_channels,
        paths::alerts::create_channel,
        paths::alerts::update_channel,
        paths::alerts::delete_channel,
        paths::alerts::test_channel,
        paths::alerts::list_deliveries,
        paths::alerts::get_notice_key,
        paths::alerts::list_search_alerts,
        paths::alerts::create_search_alert,
        paths::alerts::update_search_alert,
        paths::alerts::delete_search_alert,
        paths::alerts::list_presets,
        paths::alerts::create_preset,
        paths::alerts::update_preset,
        paths::alerts::delete_preset,
        paths::alerts::list_cards,
        paths::alerts::list_finding_days,
        paths::insights::list_insights,
        paths::insights::get_insight_status,
        paths::insights::set_insight_settings,
        paths::insights::list_insight_metric_data,
        paths::insights::replay_insights,
        paths::insights::list_expected_insights,
        paths::insights::create_expected_insight,
        paths::insights::preview_expected_insight,
        paths::insights::delete_expected_insight,
        paths::insights::get_insight,
        paths::insights::get_insight_series,
        paths::insights::give_insight_feedback,
        paths::findings::list_providers,
        paths::findings::list_notes,
        paths::findings::create_note,
        paths::findings::get_note,
        paths::findings::update_note,
        paths::findings::delete_note,
        paths::findings::list_note_occurrences,
        paths::findings::list_occurrences,
        paths::findings::create_occurrence,
        paths::findings::get_occurrence,
        paths::findings::update_occurrence,
        paths::findings::delete_occurrence,
        paths::findings::get_occurrence_note,
        paths::findings::query_findings,
    ),
    components(schemas(Problem, Code)),
    tags(
        (name = "ingest", description = "Taking events in"),
        (name = "search", description = "Finding them again"),
        (name = "rejects", description = "What could not be read"),
        (name = "keys", description = "Keys of programs"),
        (name = "sessions", description = "Signing in and out"),
        (name = "me", description = "What everybody can see and do of themselves"),
        (name = "people", description = "Users, groups, roles and who may see what"),
        (name = "accounts", description = "Accounts and their settings"),
        (name = "keeping", description = "Stored events by day: counting, downloading, keeping, removing"),
        (name = "rules", description = "What is looked for: rules, packages, and what is not to be told"),
        (name = "alerts", description = "What was found: whose it is, where it stands, whom it is told"),
        (name = "insights", description = "What departs from what is usual, and why"),
        (name = "findings", description = "The Findings API of Security Advisor: notes and occurrences"),
        (name = "server", description = "The server itself"),
    ),
    modifiers(&Schemes, &Errors),
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "key",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .description(Some(
                        "`wik_…` ingestion key (only sends), `wsk_…` service key (only reads and exports), `wat_…` personal token (what its user may)",
                    ))
                    .build(),
            ),
        );
        components.add_security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                "__Host-whodid_session",
                "Set by signing in; `whodid_session` where the server is reached by plain HTTP. Requests that change something must be JSON from the server's own origin",
            ))),
        );
    }
}

struct Errors;

/// An error's status, what it means, and which operations may answer it.
type Status = (&'static str, &'static str, fn(&Operation) -> bool);

const ERRORS: [Status; 12] = [
    ("400", "The request is wrong; the same request will always fail", |_| true),
    ("401", "No key or session, or one that does not work", |_| true),
    ("403", "The key or user may not do this, or the request comes from another site", |_| true),
    ("404", "There is no such thing in this account", is_secured),
    ("408", "The body came too slowly; nothing was done", takes_body),
    (
        "409",
        "The request contradicts what there is: a name that is taken, a bound that is reached, an `Idempotency-Key` used for another body",
        changes,
    ),
    ("413", "The body is too large, or holds too many events", takes_body),
    ("415", "The content type or encoding is not supported", takes_body),
    ("429", "Too much at once; try again as `Retry-After` says", |_| true),
    ("500", "A defect of the server; its log has the details under the request id", |_| true),
    ("503", "A part is out of service; try again as `Retry-After` says", |_| true),
    ("504", "It took longer than allowed", is_secured),
];

fn is_secured(operation: &Operation) -> bool {
    operation.security.is_some()
}

fn takes_body(operation: &Operation) -> bool {
    operation.request_body.is_some()
}

/// Requests that may contradict what there is: those with a body, and what takes something away.
fn changes(operation: &Operation) -> bool {
    let name = operation.operation_id.as_deref().unwrap_or_default();
    takes_body(operation) || ["delete", "remove", "begin"].iter().any(|verb| name.starts_with(verb))
}

impl Modify for Errors {
    fn modify(&self, document: &mut OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let is_api = path.starts_with("/api/");
            let verbs = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in verbs.into_iter().flatten() {
                for (status, description, fits) in ERRORS {
                    if is_api && fits(operation) {
                        operation.responses.responses.insert(status.to_owned(), RefOr::T(problem(description)));
                    }
                }
                let any = problem("Any other failure; `code` tells which");
                operation.responses.responses.insert("default".to_owned(), RefOr::T(any));
            }
        }
    }
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build()
}

/// The document.
pub fn document() -> OpenApi {
    Document::openapi()
}

/// The document as text, the same bytes at every call; ends in a newline.
pub fn document_json() -> String {
    let mut text = document().to_pretty_json().expect("the document holds only strings and numbers");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_committed_document_is_the_generated_one() {
        let path = "../../openapi.json";
        if std::env::var_os("WHODID_WRITE").is_some() {
            std::fs::write(path, document_json()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(committed == document_json(), "openapi.json is stale; run `cargo xtask openapi`");
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let value: serde_json::Value = serde_json::from_str(&document_json()).unwrap();
        let text = value.to_string();
        for reference in text.split("\"$ref\":\"#/").skip(1) {
            let path = reference.split('"').next().unwrap();
            assert!(value.pointer(&format!("/{path}")).is_some(), "{path} is missing");
        }
        assert_eq!(value["openapi"], "3.1.0");
    }

    #[test]
    fn every_status_of_a_code_is_described_where_it_may_come() {
        let value: serde_json::Value = serde_json::from_str(&document_json()).unwrap();
        let described = &value["paths"]["/api/v1/events"]["post"]["responses"];
        for code in Code::ALL.into_iter().filter(|code| *code != Code::MethodNotAllowed) {
            assert!(described.get(code.status().to_string()).is_some(), "{}", code.as_str());
        }
        for path in ["/api/v1/sessions", "/api/v1/keys", "/api/v1/sql"] {
            assert!(value["paths"][path]["post"]["responses"].get("415").is_some(), "{path}");
        }
        assert!(value["paths"]["/metrics"]["get"]["responses"].get("default").is_some());
    }

    #[test]
    fn every_route_has_a_name_a_description_and_a_tag() {
        for (path, item) in &document().paths.paths {
            for operation in [&item.get, &item.post, &item.patch, &item.delete].into_iter().flatten() {
                assert!(operation.operation_id.is_some() && operation.summary.is_some(), "{path}");
                assert_eq!(operation.tags.as_ref().map(Vec::len), Some(1), "{path}");
            }
        }
    }
}
