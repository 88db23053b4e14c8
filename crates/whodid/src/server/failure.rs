//! The one mapping from what went wrong to problem+json.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whodid_api::{Code, PROBLEM_JSON, Problem};
use whodid_engine::ErrorKind;
use whodid_model::chain;

/// Seconds after which a client may try again when nothing better is known.
const RETRY_AFTER_S: u64 = 1;

/// An answer that is an error.
#[derive(Debug)]
pub struct Failure {
    /// Boxed, because nearly every function of the server may return one.
    problem: Box<Problem>,
    retry_after_s: Option<u64>,
}

/// Put into the response, so that the log of requests can name the code and the audit log can tell why.
#[derive(Debug, Clone)]
pub struct FailedWith(Box<Problem>);

impl FailedWith {
    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// As the audit log tells it.
    pub fn reason(&self) -> whodid_audit::Reason {
        let code = self.0.code.as_str().to_owned();
        whodid_audit::Reason { status: self.0.code.status(), code, text: self.0.detail.clone() }
    }

    /// The body for clients of Security Advisor, which look for the words under another name.
    pub fn for_advisor(mut self) -> Body {
        self.0.message = Some(self.0.detail.clone());
        Body::from(bytes_of(&self.0))
    }
}

fn bytes_of(problem: &Problem) -> Vec<u8> {
    serde_json::to_vec(problem).expect("a problem holds only texts and numbers")
}

impl Failure {
    /// As the audit log tells it.
    pub fn reason(&self) -> whodid_audit::Reason {
        FailedWith(self.problem.clone()).reason()
    }

    /// What is wrong, for a log.
    pub fn detail(&self) -> &str {
        &self.problem.detail
    }

    /// A failure with a code and words for the caller.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry = matches!(code.status(), 429 | 503).then_some(RETRY_AFTER_S);
        Self { problem: Box::new(Problem::new(code, detail)), retry_after_s: retry }
    }

    /// Sets how long the caller shall wait.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Says where the text of a query is wrong, in bytes.
    #[must_use]
    pub fn at(mut self, position: usize, length: usize) -> Self {
        self.problem.position = Some(position as u64);
        self.problem.length = Some(length as u64);
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.problem.code
    }

    /// A defect of ours; the cause goes to the log.
    pub fn internal(doing: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(error), "{doing} failed");
        Self::new(Code::Internal, format!("{doing} failed; the server's log has the details under the request id"))
    }
}

impl From<whodid_engine::Error> for Failure {
    fn from(error: whodid_engine::Error) -> Self {
        let general = match error.kind {
            ErrorKind::Invalid => Code::InvalidRequest,
            ErrorKind::Denied => Code::Forbidden,
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::Conflict => Code::Conflict,
            ErrorKind::Overloaded => Code::Overloaded,
            ErrorKind::Unavailable => Code::Unavailable,
            ErrorKind::Timeout => Code::QueryTimeout,
            ErrorKind::Internal => Code::Internal,
        };
        let code = match error.code {
            "bad_space" => Code::BadParameter,
            named => Code::named(named).unwrap_or(general),
        };
        if matches!(error.kind, ErrorKind::Internal) {
            tracing::error!(error = %chain(&error), "a request failed");
        } else if matches!(error.kind, ErrorKind::Unavailable) {
            tracing::warn!(error = %chain(&error), "a request was refused");
        }
        let mut failure = Self::new(code, error.detail);
        if let Some((position, length)) = error.position {
            failure.problem.position = Some(position as u64);
            failure.problem.length = Some(length as u64);
            failure.problem.expected = Some(error.expected);
        }
        failure
    }
}

impl From<whodid_meta::ChangeError> for Failure {
    fn from(error: whodid_meta::ChangeError) -> Self {
        use whodid_meta::ChangeError as Error;
        let code = match &error {
            Error::Meta(_) => {
                let Error::Meta(error) = error else { return Self::new(Code::Internal, "") };
                return error.into();
            }
            Error::NotThere { what } => {
                return Self::new(Code::NotFound, format!("there is no such {what} in this account"));
            }
            Error::Taken { .. } | Error::AlreadyMember => Code::NameTaken,
            Error::Invalid { .. } => Code::BadJson,
            Error::LastAdministrator { .. } | Error::LastOperator => Code::LastAdministrator,
            Error::NotHome => Code::Forbidden,
            Error::RoleInUse { .. } => Code::InUse,
            Error::Stale { .. } => Code::Conflict,
            Error::KeyLimit { .. } | Error::TooMany { .. } | Error::Full { .. } => Code::LimitReached,
            Error::TooLarge { .. } => Code::BodyTooLarge,
            Error::Already { .. } | Error::KeyEnded => Code::Conflict,
            Error::WrongCode => Code::CodeWrong,
        };
        Self::new(code, error.to_string())
    }
}

impl From<whodid_meta::MetaError> for Failure {
    fn from(error: whodid_meta::MetaError) -> Self {
        if let whodid_meta::MetaError::AuditBehind { waiting } = error {
            tracing::error!(waiting, "audit events wait in the metadata; nothing is changed until they are recorded");
            let detail =
                format!("{waiting} audit events wait to be recorded, so nothing is changed; the server's log says why");
            return Self::new(Code::AuditUnavailable, detail);
        }
        if error.is_passing() {
            tracing::warn!(error = %chain(&error), "the metadata is busy");
            return Self::new(Code::Unavailable, "the metadata file is busy or the disk is full; try again");
        }
        Self::internal("reading or writing the metadata", &error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, bytes_of(&self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"whodid\""));
        }
        response.extensions_mut().insert(FailedWith(self.problem));
        response
    }
}
