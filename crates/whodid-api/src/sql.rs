//! Read-only SQL.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A statement to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sql": "SELECT action, count(*) AS n FROM events WHERE outcome = 'failure' GROUP BY action ORDER BY n DESC LIMIT 10"}))]
pub struct SqlRequest {
    /// One `SELECT` over the table `events`.
    pub sql: String,
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SqlColumn {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The rows of a statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"columns": [{"name": "action", "type": "Utf8"}, {"name": "n", "type": "Int64"}], "rows": [["kms.secrets.read", 12]], "truncated": false, "took_ms": 8.2}))]
pub struct SqlAnswer {
    /// Columns in order.
    pub columns: Vec<SqlColumn>,
    /// Rows in order; each has one JSON value a column.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// True when the cap on rows cut the answer.
    pub truncated: bool,
    /// Milliseconds.
    pub took_ms: f64,
}
