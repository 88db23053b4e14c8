//! A further finding, and what becomes of the alert.

use whodid_model::Timestamp;

use super::{Act, Alert, FINDINGS_MAX, Told};
use crate::{Moment, Severity};

/// What a rule found, as far as its alert needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The id of its record.
    pub record: String,
    /// When it was found.
    pub at: Timestamp,
    /// How bad.
    pub severity: Severity,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It counts in the alert.
    Here(Told),
    /// The alert was over, and is open again.
    Reopened(Told),
    /// The alert has been over for too long: the caller opens another one. Nothing changed.
    OpensAnother,
    /// The alert names its record already: it was handed over twice. Nothing changed.
    Known,
}

impl Alert {
    /// Adds a finding of the same rule and group. `reopen_micros`: how long after its end a finding reopens it, such
    /// as [`REOPEN_MICROS`](super::REOPEN_MICROS).
    pub fn add(&mut self, finding: Finding, reopen_micros: i64) -> Added {
        if self.findings.contains(&finding.record) {
            return Added::Known;
        }
        let ended_at = self.resolution.as_ref().map(|resolution| resolution.at);
        if ended_at.is_some_and(|ended_at| finding.at > ended_at.plus_micros(reopen_micros)) {
            return Added::OpensAnother;
        }
        let is_worse = finding.severity > self.severity;
        let at = finding.at;
        self.count_in(finding);
        if ended_at.is_some() {
            self.open_again(at);
            self.enter(None, at, Act::Reopened);
            return Added::Reopened(self.told(Moment::Reopened, at));
        }
        if is_worse {
            self.enter(None, at, Act::Escalated { severity: self.severity });
            return Added::Here(self.told(Moment::Escalated, at));
        }
        // Findings stand in their own stream; as lines of the history they would push out what people did.
        self.revision += 1;
        Added::Here(self.told(Moment::Again, at))
    }

    fn count_in(&mut self, finding: Finding) {
        self.count = self.count.saturating_add(1);
        self.last_at = self.last_at.max(finding.at);
        self.severity = self.severity.max(finding.severity);
        self.findings.insert(0, finding.record);
        self.findings.truncate(FINDINGS_MAX);
    }
}
