//! The start page: cards with what was found lately, in numbers.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct FindingDaysParams {
    /// The account to read; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
    /// How many days, today included.
    #[param(nullable = false, minimum = 1, maximum = 31, default = 5)]
    pub days: Option<u32>,
    /// The IANA time zone whose days these are.
    #[param(nullable = false, example = "Europe/Berlin")]
    pub time_zone: Option<String>,
}

/// What was found, by day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingDays {
    /// When each day begins, RFC 3339, the oldest first.
    pub days: Vec<String>,
    /// Findings of each day.
    pub total: Vec<u64>,
    /// Of each rule that found something, by id.
    pub rules: Vec<RuleDays>,
}

/// What a rule found, by day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleDays {
    /// The rule's id.
    pub rule_id: String,
    /// Findings of each day, those that were silenced among them.
    pub found: Vec<u64>,
    /// How many of all of them an exception silenced.
    pub silenced: u64,
}

/// The start page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CardList {
    /// When each day of a series begins, RFC 3339, the oldest first.
    pub days: Vec<String>,
    /// Whodid's own first, then by title.
    pub sections: Vec<CardSection>,
}

/// Cards that stand together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CardSection {
    /// Its title.
    pub title: String,
    /// Its picture, as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub image: Option<String>,
    /// In their order.
    pub cards: Vec<ShownCard>,
}

/// A card with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShownCard {
    /// Who made it; `whodid` of the one that is always there.
    pub provider: String,
    /// The id of its note.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What stands below.
    pub subtitle: String,
    /// A word in its corner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub badge_text: Option<String>,
    /// A picture there, as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub badge_image: Option<String>,
    /// Whether somebody must configure something first.
    pub requires_configuration: bool,
    /// What it shows.
    pub elements: Vec<ShownElement>,
    /// The query, in the stream `findings`, that shows what it is about.
    pub q: String,
}

/// What an element of a card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ElementKind {
    /// One number.
    Numeric,
    /// Several numbers beside each other.
    Breakdown,
    /// Numbers over time.
    TimeSeries,
}

/// An element of a card with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShownElement {
    /// What it is.
    pub kind: ElementKind,
    /// What it is called.
    pub text: String,
    /// Its numbers: one of a NUMERIC.
    pub values: Vec<ShownValue>,
    /// From when they are counted, RFC 3339; until now.
    pub from: String,
}

/// A number of a card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShownValue {
    /// What it is called.
    pub text: String,
    /// How many.
    pub value: f64,
    /// Of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total: Option<f64>,
    /// Of a TIME_SERIES: by day, as `days` of the list; nothing before the element's `from`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<u64>,
    /// The query, in the stream `findings`, that shows what is counted; not of what clients count themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub q: Option<String>,
}
