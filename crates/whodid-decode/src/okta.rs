//! Okta System Log (`/api/v1/logs`). Some pipelines write the names in lower case; both are read.

use std::borrow::Cow;

use whodid_model::{Field, Outcome, taxonomy};

use crate::Decoded;
use crate::draft::Draft;
use crate::json::Node;

pub(crate) fn decode<'a>(root: &Node<'a>, draft: &mut Draft<'a>) -> Decoded<'a> {
    draft.time("published", root.find("published"))?;
    draft.found(Field::Id, root, &["uuid"]);
    draft.found(Field::Action, root, &["eventType", "legacyEventType"]);
    draft.found(Field::Message, root, &["displayMessage"]);
    draft.found(Field::CorrelationId, root, &["transaction.id"]);
    draft.put(Field::Service, "okta");
    read_actor(root, draft);
    draft.address(root.find("client.ipAddress"));
    draft.address(root.find("request.ipChain.0.ip"));
    draft.found(Field::Agent, root, &["client.userAgent.rawUserAgent"]);
    draft.found(Field::CredentialType, root, &["authenticationContext.credentialType"]);
    draft.found(Field::CredentialId, root, &["authenticationContext.externalSessionId"]);
    let targets = root.find("target").map(Node::items).unwrap_or_default();
    let is_app = |target: &&Node<'a>| target.find("type").and_then(Node::text) == Some("AppInstance");
    // People sign in to an application, not to the password or the device that they do it with.
    let is_sign_in = draft
        .get(Field::Action)
        .is_some_and(|action| action.starts_with("user.session.") || action.starts_with("user.authentication."));
    let app = targets.iter().find(is_app).filter(|_| is_sign_in);
    if let Some(target) = app.or(targets.first()) {
        read_target(target, draft);
    }
    draft.json(Field::RequestData, root.find("debugContext.debugData"));
    draft.found(Field::ReasonText, root, &["outcome.reason"]);
    if let Some(result) = root.find("outcome.result").and_then(Node::text)
        && let Some(outcome) = outcome_of(result)
    {
        draft.outcome(outcome);
        // `DENY` tells more than the outcome does, `FAILURE` only repeats it.
        if outcome == Outcome::Failure && !result.eq_ignore_ascii_case("failure") {
            draft.found(Field::ReasonType, root, &["outcome.result"]);
        }
    }
    if draft.get(Field::Outcome) == Some("success") {
        draft.event.fields.clear(Field::ReasonText);
    }
    Ok(cadf_action(draft.get(Field::Action).unwrap_or_default()).map(Cow::Borrowed))
}

/// The sign-in name, unless Okta does not know it.
fn read_actor<'a>(root: &Node<'a>, draft: &mut Draft<'a>) {
    let Some(actor) = root.find("actor") else { return };
    draft.found(Field::InitiatorId, actor, &["id"]);
    draft.found(Field::InitiatorType, actor, &["type"]);
    let alternate = actor.find("alternateId").filter(|id| id.text() != Some("unknown"));
    draft.text(Field::InitiatorName, alternate);
    draft.found(Field::InitiatorName, actor, &["displayName"]);
}

fn read_target<'a>(target: &Node<'a>, draft: &mut Draft<'a>) {
    draft.found(Field::TargetId, target, &["id"]);
    draft.found(Field::TargetType, target, &["type"]);
    let person = matches!(draft.get(Field::TargetType), Some("User" | "AppUser"));
    let names = if person { ["alternateId", "displayName"] } else { ["displayName", "alternateId"] };
    draft.found(Field::TargetName, target, &names);
}

fn outcome_of(result: &str) -> Option<Outcome> {
    match result.to_ascii_uppercase().as_str() {
        "SUCCESS" | "ALLOW" | "ALLOWED" => Some(Outcome::Success),
        "FAILURE" | "DENY" | "DENIED" | "ABANDONED" | "RATE_LIMIT" | "REJECTED" => Some(Outcome::Failure),
        // A further factor is asked for, or it will be done later: another event tells the end.
        "CHALLENGE" | "DEFERRED" | "SCHEDULED" | "PENDING" => Some(Outcome::Pending),
        "UNKNOWN" | "SKIPPED" => Some(Outcome::Unknown),
        _ => None,
    }
}

/// Okta's event types are dotted paths whose verb is not always last.
fn cadf_action(action: &str) -> Option<&'static str> {
    if action == "user.session.start" || action.starts_with("user.authentication.sso") {
        return Some("authenticate/login");
    }
    if action == "user.session.end" {
        return Some("authenticate/logout");
    }
    if action.starts_with("user.authentication.") || action.starts_with("user.mfa.") && action.contains("verif") {
        return Some("authenticate");
    }
    if action.starts_with("policy.evaluate") {
        return Some("evaluate");
    }
    let mut segments = action.rsplit('.');
    segments
        .find_map(taxonomy::cadf_action_of_verb)
        .or_else(|| action.rsplit('.').find_map(|segment| segment.rsplit('_').find_map(taxonomy::cadf_action_of_verb)))
}
