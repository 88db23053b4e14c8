//! How bad a finding is, in the words of the receivers.

use serde::{Deserialize, Serialize};

/// From routine to worst; ordered so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing, nothing to do.
    Informational,
    /// To be looked at some day.
    Low,
    /// To be looked at this week.
    Medium,
    /// To be looked at today.
    High,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// All, mildest first.
    pub const ALL: [Self; 5] = [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in configurations and bodies: `critical`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The word of the Findings API, which knows nothing milder than `LOW`.
    pub fn of_findings(self) -> &'static str {
        match self {
            Self::Informational | Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// The word of PagerDuty's Events API v2.
    pub fn of_pagerduty(self) -> &'static str {
        match self {
            Self::Informational | Self::Low => "info",
            Self::Medium => "warning",
            Self::High => "error",
            Self::Critical => "critical",
        }
    }

    /// The number of RFC 5424, table 2.
    pub fn of_syslog(self) -> u8 {
        match self {
            Self::Informational => 6,
            Self::Low => 5,
            Self::Medium => 4,
            Self::High => 3,
            Self::Critical => 2,
        }
    }

    /// A colour as `#rrggbb`, each at least 4.5 : 1 on white.
    pub fn color(self) -> &'static str {
        match self {
            Self::Informational => "#4b5563",
            Self::Low => "#1d4ed8",
            Self::Medium => "#92400e",
            Self::High => "#c2410c",
            Self::Critical => "#b91c1c",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}
