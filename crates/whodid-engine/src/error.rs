//! One error for what the engine is asked to do; the binary maps its kind to HTTP.

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong; the same request will always fail.
    Invalid,
    /// The principal lacks the right.
    Denied,
    /// There is no such thing in this account.
    NotFound,
    /// The request contradicts an earlier one.
    Conflict,
    /// Too much at once; nothing was done, try again shortly.
    Overloaded,
    /// A part is out of service (disk full, store unreachable); nothing was done, try again later.
    Unavailable,
    /// It took longer than allowed.
    Timeout,
    /// A defect of ours.
    Internal,
}

/// What went wrong: for whom, where in the request, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// What the caller can do about it.
    pub kind: ErrorKind,
    /// Stable code, `snake_case`.
    pub code: &'static str,
    /// For people outside: what was being done, to what, what to do next. Holds no payload.
    pub detail: String,
    /// For query texts: where in the text, in bytes, and how long.
    pub position: Option<(usize, usize)>,
    /// For query texts: what could stand there.
    pub expected: Vec<String>,
    /// The inner cause, for the log only.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error without position or cause.
    pub fn new(kind: ErrorKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, code, detail: detail.into(), position: None, expected: Vec::new(), source: None }
    }

    /// Adds the inner cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The request is wrong.
    pub fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, code, detail)
    }

    /// A defect of ours, with its cause.
    pub fn internal(doing: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Internal, "internal", format!("{doing} failed; the log has the details")).caused_by(source)
    }
}
