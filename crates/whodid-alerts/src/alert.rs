//! The life of an alert: findings with one cause, from the first one until somebody says that it is over.
//!
//! Pure: time and who acts come in; what is to be told comes out. *Invariants*: the count never falls; an alert is
//! resolved exactly when somebody is named who resolved it; each change raises the revision by one, and a refused act
//! changes nothing.

mod finding;
#[cfg(test)]
mod life;

use serde::{Deserialize, Serialize};
use whodid_model::time::{MICROS_A_DAY, MICROS_A_SECOND};
use whodid_model::{AccountName, Timestamp};

pub use finding::{Added, Finding};

use crate::{GroupValue, Moment, Severity};

/// Records that an alert names; the newest, its search finds the others.
pub const FINDINGS_MAX: usize = 100;
/// Notes of an alert.
pub const NOTES_MAX: usize = 200;
/// Longest note, in characters.
pub const NOTE_CHARS_MAX: usize = 4000;
/// Longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 1000;
/// Longest name of somebody, in characters.
pub const PERSON_CHARS_MAX: usize = 200;
/// Acts that are kept: the first one, and the newest.
pub const HISTORY_MAX: usize = 500;
/// Longest silence of one alert, in microseconds.
pub const SILENCE_MICROS_MAX: i64 = 90 * MICROS_A_DAY;
/// A finding so long after the end reopens the alert, in microseconds, unless the rule says otherwise.
pub const REOPEN_MICROS: i64 = MICROS_A_DAY;

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody looks at it.
    Open,
    /// Somebody does.
    Acknowledged,
    /// It is over.
    Resolved,
}

/// What somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// 1 to [`NOTE_CHARS_MAX`] characters.
    pub text: String,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why; may be empty.
    pub reason: String,
}

/// One line of its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who; `None` for whodid itself.
    pub by: Option<String>,
    /// What.
    pub what: Act,
}

/// What was done with an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// By its first finding.
    Opened,
    /// By a finding after its end, or by somebody.
    Reopened,
    /// A finding made it worse, or nobody acknowledged it in time.
    Escalated {
        /// Its severity now.
        severity: Severity,
    },
    /// Somebody looks at it.
    Acknowledged,
    /// Somebody is to look at it; nobody any more without a name.
    Assigned {
        /// Who.
        to: Option<String>,
    },
    /// Somebody wrote something.
    Noted,
    /// It tells nobody for some time.
    Silenced {
        /// Until before when.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// It tells again.
    Unsilenced,
    /// It is over.
    Resolved {
        /// Why.
        reason: String,
    },
}

/// Why an act was refused; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What asks for an alert that is not over.
    #[error("the alert is resolved; reopen it first")]
    Resolved,
    /// Reopening what is not over.
    #[error("the alert is not resolved")]
    NotResolved,
    /// Again.
    #[error("the alert is acknowledged already")]
    AlreadyAcknowledged,
    /// As it is.
    #[error("nothing would change")]
    Unchanged,
    /// A text without anything in it.
    #[error("{what} is empty")]
    Empty {
        /// Which text.
        what: &'static str,
    },
    /// A text beyond its bound.
    #[error("{what} is too long; at most {chars_max} characters")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// The bound.
        chars_max: usize,
    },
    /// [`NOTES_MAX`] notes.
    #[error("the alert has {NOTES_MAX} notes, and cannot take more")]
    NotesFull,
    /// A silence that would be over before it begins.
    #[error("a silence must end in the future")]
    Past,
    /// A silence for longer than [`SILENCE_MICROS_MAX`].
    #[error("a silence lasts at most 90 days; silence the rule instead")]
    TooLate,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// Its name among alerts; receivers join notices by it.
    pub id: String,
    /// Whose.
    pub account: AccountName,
    /// What found it.
    pub rule_id: String,
    /// The rule's title when it opened.
    pub rule_title: String,
    /// What its findings have in common.
    pub group: Vec<GroupValue>,
    /// The worst of its findings.
    pub severity: Severity,
    /// Where it stands.
    pub status: Status,
    /// Until before when it tells nobody.
    pub silenced_until: Option<Timestamp>,
    /// Who is to look at it.
    pub assignee: Option<String>,
    /// First finding.
    pub opened_at: Timestamp,
    /// Newest finding.
    pub last_at: Timestamp,
    /// Findings so far.
    pub count: u64,
    /// Ids of their records, newest first, at most [`FINDINGS_MAX`].
    pub findings: Vec<String>,
    /// Oldest first, at most [`NOTES_MAX`].
    pub notes: Vec<Note>,
    /// Oldest first, at most [`HISTORY_MAX`].
    pub history: Vec<Entry>,
    /// Present exactly while it is resolved.
    pub resolution: Option<Resolution>,
    /// Since when somebody should acknowledge it.
    pub waiting_since: Timestamp,
    /// When it told that nobody did.
    pub escalated_at: Option<Timestamp>,
    /// It tells so long after `waiting_since`, in seconds; never without.
    pub escalate_after: Option<u32>,
    /// Grows by one with each change, from 1.
    pub revision: u64,
}

/// What an alert is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// See [`Alert::id`].
    pub id: String,
    /// See [`Alert::account`].
    pub account: AccountName,
    /// See [`Alert::rule_id`].
    pub rule_id: String,
    /// See [`Alert::rule_title`].
    pub rule_title: String,
    /// See [`Alert::group`].
    pub group: Vec<GroupValue>,
    /// See [`Alert::escalate_after`].
    pub escalate_after: Option<u32>,
}

/// What is to be told of an act; nothing while the alert is silenced.
pub type Told = Option<Moment>;

impl Alert {
    /// Opens an alert with its first finding. [`Moment::Opened`] is to be told.
    pub fn open(opening: Opening, finding: Finding) -> Self {
        let Opening { id, account, rule_id, rule_title, group, escalate_after } = opening;
        Self {
            id,
            account,
            rule_id,
            rule_title,
            group,
            severity: finding.severity,
            status: Status::Open,
            silenced_until: None,
            assignee: None,
            opened_at: finding.at,
            last_at: finding.at,
            count: 1,
            findings: vec![finding.record],
            notes: Vec::new(),
            history: vec![Entry { at: finding.at, by: None, what: Act::Opened }],
            resolution: None,
            waiting_since: finding.at,
            escalated_at: None,
            escalate_after,
            revision: 1,
        }
    }

    /// Somebody looks at it.
    pub fn acknowledge(&mut self, by: &str, at: Timestamp) -> Result<Told, Refusal> {
        person(by)?;
        match self.status {
            Status::Resolved => return Err(Refusal::Resolved),
            Status::Acknowledged => return Err(Refusal::AlreadyAcknowledged),
            Status::Open => self.status = Status::Acknowledged,
        }
        self.enter(Some(by), at, Act::Acknowledged);
        Ok(self.told(Moment::Acknowledged, at))
    }

    /// Somebody is to look at it, or nobody in particular. Told to nobody else.
    pub fn assign(&mut self, by: &str, to: Option<&str>, at: Timestamp) -> Result<Told, Refusal> {
        person(by)?;
        to.map(person).transpose()?;
        if self.status == Status::Resolved {
            return Err(Refusal::Resolved);
        }
        if self.assignee.as_deref() == to {
            return Err(Refusal::Unchanged);
        }
        self.assignee = to.map(str::to_owned);
        self.enter(Some(by), at, Act::Assigned { to: self.assignee.clone() });
        Ok(None)
    }

    /// Writes something down, resolved or not.
    pub fn note(&mut self, by: &str, text: &str, at: Timestamp) -> Result<Told, Refusal> {
        person(by)?;
        let text = text.trim();
        bounded("the note", text, NOTE_CHARS_MAX)?;
        if self.notes.len() >= NOTES_MAX {
            return Err(Refusal::NotesFull);
        }
        self.notes.push(Note { by: by.to_owned(), at, text: text.to_owned() });
        self.enter(Some(by), at, Act::Noted);
        Ok(None)
    }

    /// It is over. The reason may be empty.
    pub fn resolve(&mut self, by: &str, at: Timestamp, reason: &str) -> Result<Told, Refusal> {
        person(by)?;
        let reason = reason.trim();
        short_enough("the reason", reason, REASON_CHARS_MAX)?;
        if self.status == Status::Resolved {
            return Err(Refusal::Resolved);
        }
        // Told under a silence too: whoever was told of the alert must learn its end.
        self.silenced_until = None;
        self.status = Status::Resolved;
        self.resolution = Some(Resolution { by: by.to_owned(), at, reason: reason.to_owned() });
        self.enter(Some(by), at, Act::Resolved { reason: reason.to_owned() });
        Ok(Some(Moment::Resolved))
    }

    /// It is not over after all.
    pub fn reopen(&mut self, by: &str, at: Timestamp) -> Result<Told, Refusal> {
        person(by)?;
        if self.status != Status::Resolved {
            return Err(Refusal::NotResolved);
        }
        self.open_again(at);
        self.enter(Some(by), at, Act::Reopened);
        Ok(self.told(Moment::Reopened, at))
    }

    /// Findings count and tell nobody until a moment; an earlier silence is replaced.
    pub fn silence(&mut self, by: &str, until: Timestamp, reason: &str, at: Timestamp) -> Result<Told, Refusal> {
        person(by)?;
        let reason = reason.trim();
        bounded("the reason", reason, REASON_CHARS_MAX)?;
        if self.status == Status::Resolved {
            return Err(Refusal::Resolved);
        }
        if until <= at {
            return Err(Refusal::Past);
        }
        if until > at.plus_micros(SILENCE_MICROS_MAX) {
            return Err(Refusal::TooLate);
        }
        self.silenced_until = Some(until);
        self.enter(Some(by), at, Act::Silenced { until, reason: reason.to_owned() });
        Ok(None)
    }

    /// Ends a silence early.
    pub fn unsilence(&mut self, by: &str, at: Timestamp) -> Result<Told, Refusal> {
        person(by)?;
        if !self.is_silenced(at) {
            return Err(Refusal::Unchanged);
        }
        self.silenced_until = None;
        self.enter(Some(by), at, Act::Unsilenced);
        Ok(None)
    }

    /// Escalates when nobody acknowledged it in time; once for each time that it opens.
    pub fn escalate_due(&mut self, at: Timestamp) -> Told {
        if self.is_silenced(at) || at < self.escalation_at()? {
            return None;
        }
        self.escalated_at = Some(at);
        self.enter(None, at, Act::Escalated { severity: self.severity });
        Some(Moment::Escalated)
    }

    /// When [`Alert::escalate_due`] has something to do; `None` while it has not.
    pub fn escalation_at(&self) -> Option<Timestamp> {
        let waits = self.status == Status::Open && self.escalated_at.is_none();
        let after = i64::from(self.escalate_after.filter(|_| waits)?) * MICROS_A_SECOND;
        let due = self.waiting_since.plus_micros(after);
        Some(self.silenced_until.map_or(due, |until| until.max(due)))
    }

    /// Whether it tells nobody at a moment.
    pub fn is_silenced(&self, at: Timestamp) -> bool {
        self.silenced_until.is_some_and(|until| at < until)
    }

    /// Whether a finding of a rule with a group belongs here.
    pub fn is_of(&self, account: &AccountName, rule_id: &str, group: &[GroupValue]) -> bool {
        self.account == *account && self.rule_id == rule_id && self.group == group
    }

    fn told(&self, moment: Moment, at: Timestamp) -> Told {
        (!self.is_silenced(at)).then_some(moment)
    }

    fn open_again(&mut self, at: Timestamp) {
        self.status = Status::Open;
        self.resolution = None;
        self.waiting_since = at;
        self.escalated_at = None;
    }

    /// Ends every change.
    fn enter(&mut self, by: Option<&str>, at: Timestamp, what: Act) {
        if self.history.len() >= HISTORY_MAX {
            // The first entry says how it began; behind it the oldest goes.
            self.history.remove(1);
        }
        self.history.push(Entry { at, by: by.map(str::to_owned), what });
        self.revision += 1;
    }
}

fn person(name: &str) -> Result<(), Refusal> {
    bounded("the name", name, PERSON_CHARS_MAX)
}

fn bounded(what: &'static str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Empty { what });
    }
    short_enough(what, text, chars_max)
}

fn short_enough(what: &'static str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    if text.chars().count() > chars_max { Err(Refusal::TooLong { what, chars_max }) } else { Ok(()) }
}
