//! When a match becomes a finding: folding, thresholds, caps.

use serde::{Deserialize, Serialize};
use yaml_serde::Value;

use crate::duration;
use crate::yaml;

/// How long matches of one key are folded into one finding, where a rule states nothing: an hour.
pub const DEDUP_WINDOW_MICROS: i64 = 3_600 * duration::SECOND;
/// Longest window of a policy: 30 days.
const WINDOW_MICROS_MAX: i64 = 30 * 86_400 * duration::SECOND;

/// The firing policy of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The fields whose values together make one finding; by default who did it, and for a correlation its group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dedup_key: Vec<String>,
    /// For how long matches of one key are folded into one finding; 0 makes every match a finding of its own.
    pub dedup_window_micros: i64,
    /// Matches of one key within [`Self::threshold_window_micros`] before there is a finding.
    pub threshold: u32,
    /// See [`Self::threshold`].
    pub threshold_window_micros: i64,
    /// Most findings of the rule a day (UTC); further ones are counted and told once.
    pub daily_cap: Option<u32>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            dedup_key: Vec::new(),
            dedup_window_micros: DEDUP_WINDOW_MICROS,
            threshold: 1,
            threshold_window_micros: DEDUP_WINDOW_MICROS,
            daily_cap: None,
        }
    }
}

impl Policy {
    /// Reads `{dedup_key: […], dedup_window: 60m, threshold: 3, threshold_window: 10m, daily_cap: 20}`.
    ///
    /// # Errors
    /// Which member is wrong and what it should be.
    pub fn read(value: &Value) -> Result<Self, String> {
        let mapping = value.as_mapping().ok_or("'policy' must be a mapping such as {dedup_window: 60m}")?;
        let mut policy = Self::default();
        for (name, value) in mapping {
            let name = name.as_str().unwrap_or_default();
            let window = || {
                let text = yaml::scalar(value).unwrap_or_default();
                if text == "0" || text == "0s" || text == "0m" {
                    return Ok(0);
                }
                duration::micros(&text)
                    .filter(|micros| *micros <= WINDOW_MICROS_MAX)
                    .ok_or_else(|| format!("'policy.{name}: {text}' is no time such as 60m, at most 30d"))
            };
            let count = || {
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
                number.filter(|number| *number > 0).ok_or_else(|| format!("'policy.{name}' must be a number from 1"))
            };
            match name {
                "dedup_key" => policy.dedup_key = yaml::texts(mapping, "dedup_key"),
                "dedup_window" => policy.dedup_window_micros = window()?,
                "threshold" => policy.threshold = count()?,
                "threshold_window" => policy.threshold_window_micros = window()?,
                "daily_cap" => policy.daily_cap = Some(count()?),
                other => {
                    return Err(format!(
                        "'policy.{other}' is not one of dedup_key, dedup_window, threshold, threshold_window, daily_cap"
                    ));
                }
            }
        }
        Ok(policy)
    }
}
