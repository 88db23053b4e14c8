//! GitHub audit log, of an organisation or an enterprise, by API, export or stream.

use std::borrow::Cow;

use whodid_model::{Field, Outcome, taxonomy};

use crate::Decoded;
use crate::draft::Draft;
use crate::json::Node;
use crate::respell::respelled;

/// Categories of actions that are about a repository, also where the event names a user.
const REPOSITORY_CATEGORIES: &[&str] = &[
    "repo",
    "git",
    "protected_branch",
    "workflows",
    "repository_ruleset",
    "repository_secret_scanning",
    "repository_vulnerability_alert",
    "repository_vulnerability_alerts",
    "repository_dependency_graph",
    "secret_scanning_alert",
    "secret_scanning_push_protection",
    "pull_request",
    "pull_request_review",
    "public_key",
    "environment",
];

/// Names of an event's members, for those that a pipeline has rewritten.
const NAMES: &[&str] = &[
    "_document_id",
    "@timestamp",
    "created_at",
    "action",
    "actor",
    "actor_id",
    "actor_ip",
    "actor_is_bot",
    "business",
    "business_id",
    "operation_type",
    "org",
    "org_id",
    "programmatic_access_type",
    "hashed_token",
    "token_id",
    "repo",
    "repo_id",
    "request_id",
    "team_id",
    "user",
    "user_agent",
    "user_id",
];

pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    if let Some(root) = respelled(root, &["action", "created_at", "actor_ip"], NAMES) {
        return spelled(&root, draft);
    }
    spelled(root, draft)
}

fn spelled<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    for name in ["@timestamp", "at_sign_timestamp", "created_at", "timestamp"] {
        draft.time(name, root.get(name))?;
    }
    draft.first(Field::Id, root, &["_document_id", "document_id"]);
    draft.text(Field::Action, root.get("action"));
    draft.put(Field::Service, "github");
    draft.first(Field::App, root, &["org", "business", "enterprise"]);
    draft.text(Field::InitiatorName, root.get("actor"));
    draft.first(Field::InitiatorId, root, &["actor_id"]);
    if root.get("actor_is_bot").and_then(Node::truth) == Some(true) {
        draft.put(Field::InitiatorType, "bot");
    }
    draft.address(root.get("actor_ip"));
    draft.first(Field::Agent, root, &["user_agent"]);
    draft.first(Field::CredentialType, root, &["programmatic_access_type"]);
    draft.first(Field::CredentialId, root, &["token_id", "hashed_token"]);
    draft.first(Field::CorrelationId, root, &["request_id", "external_identity_nameid"]);
    draft.json(Field::RequestData, root.get("data"));
    draft.json(Field::RequestData, root.get("config"));
    draft.first(Field::Message, root, &["message", "explanation"]);
    let action = root.get("action").and_then(Node::text).unwrap_or_default();
    let (category, operation) = action.split_once('.').unwrap_or(("", action));
    read_target(root, category, draft);
    let outcome = outcome_of(root, operation);
    if outcome != Outcome::Success || !action.is_empty() {
        draft.outcome(outcome);
    }
    draft.first(Field::ReasonText, root, &["reason", "failure_reason"]);
    Ok(cadf_action(root, operation).map(Cow::Borrowed))
}

/// What it was done to: the repository for repository actions, else the user, team or repository named.
fn read_target<'a>(root: &Node<'a>, category: &str, draft: &mut Draft<'a>) {
    let repository: [(&str, &str, &'static str); 1] = [("repo", "repo_id", "repository")];
    let others: [(&str, &str, &'static str); 8] = [
        ("user", "user_id", "user"),
        ("team", "team_id", "team"),
        ("invitee", "invitee_id", "user"),
        ("integration", "integration_id", "app"),
        ("repo", "repo_id", "repository"),
        ("repository", "repository_id", "repository"),
        ("org", "org_id", "organization"),
        ("business", "business_id", "enterprise"),
    ];
    let order: Vec<&(&str, &str, &'static str)> = if REPOSITORY_CATEGORIES.contains(&category) {
        repository.iter().chain(&others).collect()
    } else {
        others.iter().collect()
    };
    for (name, id, kind) in order {
        let named = root.get(name).filter(|node| node.text().is_some());
        if named.is_some() {
            draft.text(Field::TargetName, named);
            draft.text(Field::TargetId, root.get(id));
            draft.put(Field::TargetType, *kind);
            return;
        }
    }
    draft.text(Field::TargetName, root.at("data.team"));
}

/// The audit log records what was done, so an event is a success unless it says otherwise.
fn outcome_of(root: &Node<'_>, operation: &str) -> Outcome {
    let said =
        ["outcome", "status", "conclusion", "result"].iter().find_map(|name| root.get(name)).and_then(Node::text);
    match said.map(str::to_ascii_lowercase).as_deref() {
        Some("failure" | "failed" | "error" | "denied" | "timed_out" | "cancelled" | "startup_failure") => {
            return Outcome::Failure;
        }
        Some("queued" | "in_progress" | "pending" | "requested" | "waiting") => return Outcome::Pending,
        _ => {}
    }
    let words = ["failed", "failure", "rejected_ref_update", "denied", "blocked"];
    if words.iter().any(|word| operation.contains(word)) { Outcome::Failure } else { Outcome::Success }
}

fn cadf_action(root: &Node<'_>, operation: &str) -> Option<&'static str> {
    match operation {
        "clone" | "fetch" => return Some("read"),
        "failed_login" | "sso_response" => return Some("authenticate/login"),
        "push" | "rejected_ref_update" | "access" => return Some("update"),
        "destroy" => return Some("delete"),
        "archived" => return Some("disable"),
        "unarchived" => return Some("enable"),
        _ => {}
    }
    let by_type = match root.get("operation_type").and_then(Node::text) {
        Some("create") => Some("create"),
        Some("modify" | "transfer") => Some("update"),
        Some("remove") => Some("delete"),
        Some("access") => Some("read"),
        Some("authentication") => Some("authenticate"),
        Some("restore") => Some("restore"),
        _ => None,
    };
    let words = || operation.split('_');
    taxonomy::cadf_action_of_verb(operation).or(by_type).or_else(|| words().find_map(taxonomy::cadf_action_of_verb))
}
