//! Tells the product that an event of no format of its own comes from, by members that only its log has.

use crate::json::Node;

/// A product, and members that together are its own.
const PRODUCTS: &[(&str, &[&str])] = &[
    ("1password", &["uuid", "session_uuid", "target_user"]),
    ("1password", &["uuid", "used_version", "vault_uuid", "item_uuid"]),
    ("asana", &["event_category", "event_type", "context.context_type"]),
    ("box", &["event_type", "created_by", "source"]),
    ("box", &["event_type", "created_by", "additional_details"]),
    ("box", &["event_type", "additional_details", "type"]),
    ("cloudflare", &["action.type", "action.result", "actor", "when"]),
    ("dropbox", &["event_type", "event_category", "involve_non_team_member"]),
    ("duo", &["access_device", "auth_device", "factor"]),
    ("duo", &["action", "isotimestamp", "username"]),
    ("gitlab", &["author_id", "entity_id", "entity_type", "details"]),
    ("mongodb-atlas", &["eventTypeName", "orgId"]),
    ("mongodb-atlas", &["eventTypeName", "groupId"]),
    ("mongodb-atlas", &["eventTypeName", "alertConfigId"]),
    ("mongodb-atlas", &["eventTypeName", "isGlobalAdmin"]),
    ("notion", &["event.workspace_id", "event.actor.object", "event.type"]),
    ("notion", &["workspace_id", "actor.object", "type"]),
    ("onelogin", &["event_type_id", "actor_user_name"]),
    ("onelogin", &["event_type_id", "user_name"]),
    ("onelogin", &["event_type_id", "account_id"]),
    ("salesforce", &["EVENT_TYPE", "ORGANIZATION_ID", "TIMESTAMP_DERIVED"]),
    ("slack", &["action", "actor.user", "context.location"]),
    ("slack", &["action", "actor.type", "context.location", "entity"]),
    ("slack", &["action", "actor", "context.ip_address", "date_create"]),
    ("slack", &["action", "actor", "context.ua", "entity"]),
    ("snowflake", &["EVENT_TYPE", "IS_SUCCESS", "REPORTED_CLIENT_TYPE"]),
    ("snowflake", &["QUERY_ID", "WAREHOUSE_NAME"]),
    ("tailscale", &["event.eventGroupID", "event.origin"]),
    ("tailscale", &["eventGroupID", "origin", "action"]),
    ("teleport", &["code", "event", "uid", "time"]),
    ("wiz", &["action", "actionParameters", "serviceAccount"]),
    ("wiz", &["action", "requestId", "serviceAccount", "sourceIP"]),
    ("zendesk", &["action_label", "source_label", "change_description"]),
    ("zoom", &["category_type", "operation_detail", "operator"]),
];

/// The product whose members `root` has.
pub(crate) fn service_of(root: &Node<'_>) -> Option<&'static str> {
    let has_all = |paths: &[&str]| paths.iter().all(|path| root.find(path).is_some());
    PRODUCTS.iter().find(|(_, paths)| has_all(paths)).map(|(product, _)| *product)
}
