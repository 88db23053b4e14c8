//! What a rule says about itself, and what whodid reads beside it under `whodid:`.

use serde::{Deserialize, Serialize};
use yaml_serde::{Mapping, Value};

use crate::hours::StatedHours;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::yaml;

/// How grave what a rule finds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Worth a record, not a look.
    Informational,
    /// A look when there is time.
    Low,
    /// What a rule without a level finds.
    #[default]
    Medium,
    /// A look today.
    High,
    /// A look now.
    Critical,
}

impl Level {
    /// Reads a level as Sigma writes it.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "informational" | "info" => Self::Informational,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "critical" => Self::Critical,
            _ => return None,
        })
    }

    /// As Sigma writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStep {
    /// In words.
    pub title: String,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What a rule says about itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Meta {
    /// Its id; the name, or a slug of the title, where the rule states none.
    pub id: String,
    /// The name by which correlations refer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What people call it.
    pub title: String,
    /// What it looks for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Who wrote it; shown wherever the rule is, as its licence may ask.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// Its licence, where it states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// `stable`, `test`, `experimental`, `deprecated`, `unsupported`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// How grave.
    pub level: Level,
    /// `attack.t1098` and the like.
    pub tags: Vec<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// When it may be wrong.
    pub false_positives: Vec<String>,
    /// When it was written, and last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// What is read under `whodid:`.
    #[serde(flatten)]
    pub extension: Extension,
}

/// What stands under `whodid:` in a rule; other readers of Sigma pass over it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Extension {
    /// The finding type, as Security Advisor knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding_type: Option<String>,
    /// What to do about a finding.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next_steps: Vec<NextStep>,
    /// The hours at which the rule holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<StatedHours>,
    /// Whether it is switched off until somebody fills its package in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dormant: bool,
    /// When a match becomes a finding.
    pub policy: Policy,
}

impl Meta {
    /// Reads the members that all kinds of rules share. What cannot be read is told and left at its default.
    pub fn read(document: &Mapping, problems: &mut Vec<Problem>) -> Self {
        let title = yaml::text(document, "title").unwrap_or_default();
        let name = yaml::text(document, "name");
        let id = yaml::text(document, "id").or_else(|| name.clone()).unwrap_or_else(|| slug(&title));
        let level = match yaml::text(document, "level") {
            None => Level::default(),
            Some(text) => Level::parse(&text).unwrap_or_else(|| {
                problems.push(Problem::warning(
                    "level",
                    format!(
                        "the level '{text}' is not one of informational, low, medium, high, critical; medium is taken"
                    ),
                ));
                Level::default()
            }),
        };
        let extension = match document.get("whodid") {
            None => Extension::default(),
            Some(Value::Mapping(extension)) => Extension::read(extension, problems),
            Some(_) => {
                problems.push(Problem::error("extension", "'whodid' must be a mapping"));
                Extension::default()
            }
        };
        Self {
            id,
            name,
            title,
            description: yaml::text(document, "description").unwrap_or_default().trim().to_owned(),
            author: yaml::text(document, "author").unwrap_or_default(),
            license: yaml::text(document, "license"),
            status: yaml::text(document, "status"),
            level,
            tags: yaml::texts(document, "tags"),
            references: yaml::texts(document, "references"),
            false_positives: yaml::texts(document, "falsepositives"),
            date: yaml::text(document, "date"),
            modified: yaml::text(document, "modified"),
            extension,
        }
    }
}

impl Extension {
    fn read(mapping: &Mapping, problems: &mut Vec<Problem>) -> Self {
        let mut extension = Self::default();
        for (name, value) in mapping {
            let name = name.as_str().unwrap_or_default();
            match name {
                "finding_type" => extension.finding_type = yaml::scalar(value),
                "next_steps" => {
                    let steps = value.as_sequence().map(Vec::as_slice).unwrap_or_default();
                    extension.next_steps = steps
                        .iter()
                        .filter_map(|step| match step {
                            Value::Mapping(step) => {
                                Some(NextStep { title: yaml::text(step, "title")?, url: yaml::text(step, "url") })
                            }
                            other => Some(NextStep { title: yaml::scalar(other)?, url: None }),
                        })
                        .collect();
                }
                "hours" => match StatedHours::read(value) {
                    Ok(hours) => extension.hours = Some(hours),
                    Err(message) => problems.push(Problem::error("hours", message)),
                },
                "dormant" => match value.as_bool() {
                    Some(dormant) => extension.dormant = dormant,
                    None => problems.push(Problem::error("dormant", "'dormant' must be true or false")),
                },
                "policy" => match Policy::read(value) {
                    Ok(policy) => extension.policy = policy,
                    Err(message) => problems.push(Problem::error("policy", message)),
                },
                other => problems.push(Problem::error(
                    "extension",
                    format!("'whodid.{other}' is not one of finding_type, next_steps, hours, dormant, policy"),
                )),
            }
        }
        extension
    }
}

/// A title as an id: letters and digits, words joined by `-`.
pub(crate) fn slug(title: &str) -> String {
    let mut slug = String::with_capacity(title.len());
    for character in title.chars() {
        if character.is_alphanumeric() {
            slug.extend(character.to_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}
