//! GraphQL over notes and occurrences: what is asked, and what is answered.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Code;

/// A query in GraphQL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"query": "query Grave($of: ID!) { occurrences(provider_id: $of, severity: HIGH) { occurrences { id note { short_description } } next_page_token } }", "variables": {"of": "acme"}}))]
pub struct GraphRequest {
    /// The text: one query, or several, of which `operationName` names one.
    pub query: String,
    /// Values of its variables, by name without `$`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub variables: Option<Map<String, Value>>,
    /// Which query is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_name: Option<String>,
}

/// What a query in GraphQL found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"data": {"note": null}, "errors": [{"message": "the provider has no such note in this account", "locations": [{"line": 1, "column": 3}], "path": ["note"], "extensions": {"code": "not_found"}}]}))]
pub struct GraphAnswer {
    /// What was asked for, under the names that the query gives it; null where it was not found.
    #[schema(value_type = Object)]
    pub data: Value,
    /// What was not found or could not be read, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<GraphError>,
}

/// Why a part of an answer is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GraphError {
    /// In words.
    pub message: String,
    /// Where in the text of the query it was asked for.
    pub locations: Vec<GraphLocation>,
    /// Where in `data` it is missing: names, and places in lists from 0.
    pub path: Vec<serde_json::Value>,
    /// The same for programs.
    pub extensions: GraphErrorCode,
}

/// A place in the text of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GraphLocation {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// Why, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GraphErrorCode {
    /// As in a problem.
    pub code: Code,
}
