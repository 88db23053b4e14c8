//! Kinds of insights, by the names their vendors gave them.

use serde::{Deserialize, Serialize};

/// What is unusual. The names are those of ActionTrail, which for the first two are CloudTrail's too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// An action is done more often than usual. Of writes.
    ApiCallRateInsight,
    /// An action fails more often than usual, with one code. Of reads and writes.
    ApiErrorRateInsight,
    /// Somebody acts from an address that does not fit.
    IpInsight,
    /// An access key does what it never did.
    AkInsight,
    /// Rights change more often than usual.
    PolicyChangeInsight,
    /// Passwords change more often than usual.
    PasswordChangeInsight,
    /// Records of what is done are stopped, or a source fell silent.
    TrailConcealmentInsight,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ApiCallRateInsight,
        Self::ApiErrorRateInsight,
        Self::IpInsight,
        Self::AkInsight,
        Self::PolicyChangeInsight,
        Self::PasswordChangeInsight,
        Self::TrailConcealmentInsight,
    ];

    /// The vendors' name: `ApiCallRateInsight`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiCallRateInsight => "ApiCallRateInsight",
            Self::ApiErrorRateInsight => "ApiErrorRateInsight",
            Self::IpInsight => "IpInsight",
            Self::AkInsight => "AkInsight",
            Self::PolicyChangeInsight => "PolicyChangeInsight",
            Self::PasswordChangeInsight => "PasswordChangeInsight",
            Self::TrailConcealmentInsight => "TrailConcealmentInsight",
        }
    }

    /// In two or three words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::ApiCallRateInsight => "Call rate",
            Self::ApiErrorRateInsight => "Error rate",
            Self::IpInsight => "New address",
            Self::AkInsight => "Access key",
            Self::PolicyChangeInsight => "Policy changes",
            Self::PasswordChangeInsight => "Password changes",
            Self::TrailConcealmentInsight => "Concealed trail",
        }
    }

    /// Of a name; exact, as the vendors ask for it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where an insight is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It began.
    Start,
    /// It goes on.
    Update,
    /// It is over.
    End,
}

impl Stage {
    /// `Start`, `Update` or `End`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Update => "Update",
            Self::End => "End",
        }
    }
}

/// How easily something is called unusual: how many false starts a week are accepted in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// One in ten weeks.
    Low,
    /// One in two weeks.
    #[default]
    Normal,
    /// Two a week.
    High,
}

impl Sensitivity {
    /// False starts that are accepted, a week and account.
    pub fn false_starts_a_week(self) -> f64 {
        match self {
            Self::Low => 0.1,
            Self::Normal => 0.5,
            Self::High => 2.0,
        }
    }
}
