//! What is wrong with rules, told one by one; a broken rule never takes its neighbours with it.

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// The rule works, and something about it should be looked at.
    Warning,
    /// The document is left out.
    Error,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Which document of the file, counted from 1.
    pub document: usize,
    /// The line of the file, from 1: where the text cannot be read, else where the document begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The rule's id or title, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How bad it is.
    pub gravity: Gravity,
    /// Stable code: `yaml`, `unsupported_modifier`, `unknown_rule`.
    pub code: &'static str,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl Problem {
    /// Something that leaves the document out.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { file: None, document: 1, line: None, rule: None, gravity: Gravity::Error, code, message: message.into() }
    }

    /// Something to look at.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { gravity: Gravity::Warning, ..Self::error(code, message) }
    }

    /// Of which rule.
    #[must_use]
    pub fn of(mut self, rule: &str) -> Self {
        self.rule = Some(rule.to_owned());
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(file) = &self.file {
            write!(out, "{file}: ")?;
        }
        match self.line {
            Some(line) => write!(out, "line {line}: ")?,
            None if self.document > 1 => write!(out, "document {}: ", self.document)?,
            None => {}
        }
        if let Some(rule) = &self.rule {
            write!(out, "{rule}: ")?;
        }
        write!(out, "{}", self.message)
    }
}
