//! Keys of programs, and people's own tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Only send events (`wik_…`).
    Ingestion,
    /// Only read and export (`wsk_…`).
    Service,
    /// What its user may, or a part of it (`wat_…`).
    Personal,
}

/// What a key is limited to. A member that is not there does not limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sources": ["cadf", "ibm-at"], "spaces": ["prod"]}))]
pub struct KeyScope {
    /// Only events of these sources, as `record.source` has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 50)]
    pub sources: Option<Vec<String>>,
    /// Only events of these spaces; not those of the account itself then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 50)]
    pub spaces: Option<Vec<String>>,
    /// Only these streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 50)]
    pub streams: Option<Vec<String>>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "ingestion", "name": "kms in eu-de"}))]
pub struct KeyCreate {
    /// `ingestion` or `service`; people make `personal` ones at `/api/v1/me/tokens`.
    pub kind: KeyKind,
    /// What it is for, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is limited to; nothing when not given.
    #[serde(default)]
    pub scope: KeyScope,
    /// When it stops working: RFC 3339, or a duration from now such as `90d`; never when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires: Option<String>,
}

/// A personal token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "my laptop", "permissions": ["space-events.read"], "expires": "90d"}))]
pub struct TokenCreate {
    /// What it is for, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Only these of its user's permissions; all of them when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub permissions: Option<Vec<String>>,
    /// What it is limited to; nothing when not given.
    #[serde(default)]
    pub scope: KeyScope,
    /// When it stops working: RFC 3339, or a duration from now such as `90d`; never when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires: Option<String>,
}

/// What to change of a key. Members that are not there stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "kms in eu-de, old cluster", "expires": "30d"}))]
pub struct KeyUpdate {
    /// What it is for, 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What it is limited to, as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub scope: Option<KeyScope>,
    /// When it stops working: RFC 3339, a duration from now, or `never`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires: Option<String>,
}

/// How a key gets its successor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap": "24h"}))]
pub struct KeyRotate {
    /// How long the old key works on: a duration such as `24h`, at most 90 days; 24 hours when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub overlap: Option<String>,
}

/// A key just made. The only answer that ever holds the key itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"id": "5k2m9qtx1c8d", "kind": "ingestion", "name": "kms in eu-de", "key": "wik_5k2m9qtx1c8d…", "created_at": "2026-11-20T08:58:41.400Z"}))]
pub struct KeyCreated {
    /// Stable id, not secret.
    pub id: String,
    /// What it may do.
    pub kind: KeyKind,
    /// What it is for.
    pub name: String,
    /// The key. Shown this once; whodid keeps only its hash.
    pub key: String,
    /// When it was made.
    pub created_at: String,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<String>,
}

impl std::fmt::Debug for KeyCreated {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("KeyCreated").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeySummary {
    /// Stable id, not secret.
    pub id: String,
    /// What it may do.
    pub kind: KeyKind,
    /// What it is for.
    pub name: String,
    /// Enough to recognise it: `wik_ab12…9f`.
    pub masked: String,
    /// What it is limited to.
    pub scope: KeyScope,
    /// Of a personal token: only these of its user's permissions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub permissions: Option<Vec<String>>,
    /// Of a personal token: the name of its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// Who made it, by name; not known of older keys.
    #[schema(required)]
    pub created_by: Option<String>,
    /// When it stops working.
    #[schema(required)]
    pub expires_at: Option<String>,
    /// When it was last used, to the minute.
    #[schema(required)]
    pub last_used_at: Option<String>,
    /// The network address that it was last used from.
    #[schema(required)]
    pub last_used_from: Option<String>,
    /// The key whose place it took.
    #[schema(required)]
    pub successor_of: Option<String>,
    /// When it was revoked.
    #[schema(required)]
    pub revoked_at: Option<String>,
}

/// The keys of an account, newest first, revoked ones too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyList {
    /// The keys.
    pub keys: Vec<KeySummary>,
}
