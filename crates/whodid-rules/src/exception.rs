//! Exceptions: what a rule is not to tell, kept apart from the rule, owned, reasoned, and with an end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;
use yaml_serde::{Mapping, Value};

use crate::meta::Meta;
use crate::problem::Problem;
use crate::sigma::{self, SigmaDetection};
use crate::variables::Values;

/// What an exception is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionScope {
    /// These rules, by id.
    Rules(Vec<String>),
    /// Every rule.
    All,
}

/// What a rule is not to tell. Matches that it silences are counted and stay visible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub scope: ExceptionScope,
    /// Which events: fields in our vocabulary, with Sigma's modifiers, and the values of each. All must hold, of the
    /// event that completes a match.
    pub events: BTreeMap<String, Vec<serde_json::Value>>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is right.
    pub reason: String,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Exception {
    /// Whether it holds at a time.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it is for a rule.
    pub fn is_for(&self, meta: &Meta) -> bool {
        match &self.scope {
            ExceptionScope::All => true,
            ExceptionScope::Rules(ids) => ids.contains(&meta.id),
        }
    }

    /// Whether its events can be asked for.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), Problem> {
        let detection = self.detection()?;
        let values = Values::default();
        let problems = sigma::Matcher::default().add(&[(0, &detection, values.of(None))]);
        problems.into_iter().next().map_or(Ok(()), |(_, problem)| Err(problem))
    }

    /// Its events as a detection.
    ///
    /// # Errors
    /// It names no field, or one with a modifier that is not known.
    pub(crate) fn detection(&self) -> Result<SigmaDetection, Problem> {
        if self.events.is_empty() {
            return Err(Problem::error("exception", "an exception names at least one field and its value").of(&self.id));
        }
        let document = serde_json::json!({
            "title": self.id,
            "logsource": {"category": crate::logsource::ACTIVITY},
            "detection": {"selection": self.events, "condition": "selection"},
        });
        let of = |problem: Problem| problem.of(&self.id);
        let document: Mapping = yaml_serde::to_value(&document)
            .ok()
            .and_then(|value| match value {
                Value::Mapping(mapping) => Some(mapping),
                _ => None,
            })
            .ok_or_else(|| of(Problem::error("exception", "the exception cannot be written as a rule")))?;
        match sigma::read(&document, &mut Vec::new()).map_err(of)? {
            sigma::Read::Rule(detection) => Ok(*detection),
            sigma::Read::Filter(_) => Err(of(Problem::error("exception", "an exception is no filter"))),
        }
    }
}
