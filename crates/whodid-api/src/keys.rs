//! Keys of programs.

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
    /// Everything its user may (`wat_…`); made by `whodid init` and on the command line.
    Administrator,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "ingestion", "name": "kms in eu-de"}))]
pub struct KeyCreate {
    /// `ingestion` or `service`.
    pub kind: KeyKind,
    /// What it is for, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
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
    /// When it was made.
    pub created_at: String,
    /// When it was last used, to the minute.
    #[schema(required)]
    pub last_used_at: Option<String>,
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
