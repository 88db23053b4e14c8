//! Errors as RFC 9457 problem details, with codes that never change their meaning.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

/// The body of every error answer (`application/problem+json`, RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:whodid:problem:bad_query",
    "title": "The query text cannot be read",
    "status": 400,
    "code": "bad_query",
    "detail": "a closing parenthesis is missing",
    "position": 9,
    "length": 1,
    "expected": ["')'", "AND", "OR"]
}))]
pub struct Problem {
    /// `urn:whodid:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the code means, in words; the same for every problem with this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable code for programs.
    pub code: Code,
    /// What went wrong this time and what to do about it. Never holds a payload or a secret.
    pub detail: String,
    /// Where in the query text the trouble begins, in bytes from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub position: Option<u64>,
    /// How many bytes of the query text it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub length: Option<u64>,
    /// What could stand there instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expected: Option<Vec<String>>,
    /// The same as `detail`, under the name by which clients of Security Advisor look for it: only in answers of its APIs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<String>,
}

macro_rules! codes {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $text:literal, $status:literal, $title:literal; )*) => {
        /// Why a request failed. New codes may come; a code never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code { $( $(#[doc = $doc])+ #[serde(rename = $text)] $variant, )* }

        impl Code {
            /// Every code.
            pub const ALL: [Self; [$($status),*].len()] = [ $(Self::$variant),* ];

            /// The text form.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $( Self::$variant => $status, )* }
            }

            /// What it means, in a few words.
            pub fn title(self) -> &'static str {
                match self { $( Self::$variant => $title, )* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$variant => concat!($($doc),+), )* }
            }

            /// Finds a code by its text form.
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|code| code.as_str() == text)
            }
        }
    };
}

codes! {
    /// The request is wrong in a way no other code names.
    InvalidRequest = "invalid_request", 400, "The request is wrong";
    /// A query parameter has a value that cannot be read.
    BadParameter = "bad_parameter", 400, "A query parameter cannot be read";
    /// The route knows no parameter of this name; the detail lists those it knows.
    UnknownParameter = "unknown_parameter", 400, "Unknown query parameter";
    /// The request body is not the JSON this route takes.
    BadJson = "bad_json", 400, "The body cannot be read";
    /// The query text cannot be read; `position`, `length` and `expected` tell where and why.
    BadQuery = "bad_query", 400, "The query text cannot be read";
    /// `from` or `to` is no time, or the range runs backwards.
    BadTime = "bad_time", 400, "A time cannot be read";
    /// The cursor was not made by this server for this query.
    BadCursor = "bad_cursor", 400, "The cursor cannot be read";
    /// The interval is no duration, or would give too many buckets.
    BadInterval = "bad_interval", 400, "The interval cannot be used";
    /// No field can have this name.
    BadField = "bad_field", 400, "The field name cannot be used";
    /// The SQL statement is refused: not one `SELECT` over `events`, or it cannot be planned.
    BadSql = "bad_sql", 400, "The SQL statement cannot be run";
    /// `format` names no source format.
    UnknownFormat = "unknown_format", 400, "Unknown source format";
    /// The request holds no event.
    NoEvents = "no_events", 400, "The body holds no event";
    /// The compressed body is broken or cut short.
    BadEncoding = "bad_encoding", 400, "The compressed body is broken";
    /// The channel could not tell anybody so: an address that must not be reached, a template that cannot be read, a
    /// masked secret that belongs to another address; the detail names each member and how to mend it.
    UnusableChannel = "unusable_channel", 400, "The channel cannot work like this";
    /// The password is too short, too common or too easy to guess; the detail says what to do.
    WeakPassword = "weak_password", 400, "The password is too weak";
    /// No key or session was given.
    MissingCredential = "missing_credential", 401, "Sign in or send a key";
    /// The key is unknown, revoked or malformed.
    InvalidKey = "invalid_key", 401, "The key is not valid";
    /// The session has ended.
    SessionEnded = "session_ended", 401, "The session has ended";
    /// The name or the password is wrong; which of the two is not told.
    SignInFailed = "sign_in_failed", 401, "The name or the password is wrong";
    /// The code of the second factor is wrong, was used before, or its challenge is over.
    CodeWrong = "code_wrong", 401, "The code is wrong";
    /// The sign-in link is unknown or has expired.
    LinkExpired = "link_expired", 401, "The sign-in link is not valid any more";
    /// The sign-in link was used before.
    LinkUsed = "link_used", 401, "The sign-in link was used before";
    /// The key or user is known but may not do this.
    Forbidden = "forbidden", 403, "Not allowed";
    /// Something must be done first: set a password or a second factor; `/api/v1/me` names it under `needs`.
    SignInIncomplete = "sign_in_incomplete", 403, "Finish signing in first";
    /// The last full sign-in is too long ago for this change; give the password once more at
    /// `/api/v1/me/reauthenticate`.
    StaleSession = "stale_session", 403, "Give your password once more";
    /// Only with a session, not with a key or token.
    SessionOnly = "session_only", 403, "Only after signing in";
    /// A request with a session cookie that did not come from whodid's own pages.
    CrossOrigin = "cross_origin", 403, "The request comes from another site";
    /// There is no such thing in this account.
    NotFound = "not_found", 404, "Not found";
    /// The server has no such route.
    NoSuchRoute = "no_such_route", 404, "No such route";
    /// The route exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    /// The body came too slowly or stopped coming.
    SlowBody = "slow_body", 408, "The body came too slowly";
    /// The request contradicts an earlier one.
    Conflict = "conflict", 409, "The request contradicts an earlier one";
    /// Something of this name is there already.
    NameTaken = "name_taken", 409, "The name is taken";
    /// The account would be left without an administrator who can sign in.
    LastAdministrator = "last_administrator", 409, "The last administrator stays";
    /// Something else needs it; the detail says what.
    InUse = "in_use", 409, "It is in use";
    /// As many as are allowed are there; the detail says how to make room.
    LimitReached = "limit_reached", 409, "As many as are allowed";
    /// The same `Idempotency-Key` was used for another body.
    IdempotencyKeyReused = "idempotency_key_reused", 409, "The idempotency key was used for another body";
    /// The body is larger than allowed, as sent or inflated.
    BodyTooLarge = "body_too_large", 413, "The body is too large";
    /// The request holds more events than allowed.
    TooManyEvents = "too_many_events", 413, "Too many events in one request";
    /// The content encoding is none of identity, gzip and zstd, or several are stacked.
    UnsupportedEncoding = "unsupported_encoding", 415, "The content encoding is not supported";
    /// The route takes JSON.
    UnsupportedMediaType = "unsupported_media_type", 415, "The content type is not supported";
    /// Too many failed tries from this address; wait as `Retry-After` says.
    TooManyTries = "too_many_tries", 429, "Too many failed tries";
    /// Too much at once; nothing was done. Try again as `Retry-After` says.
    Overloaded = "overloaded", 429, "Too busy";
    /// A defect of the server; its log has the details under the request id.
    Internal = "internal", 500, "Internal error";
    /// A part is out of service; nothing was done. Try again as `Retry-After` says.
    Unavailable = "unavailable", 503, "Out of service";
    /// The server has just started and is still reading its journal back.
    Starting = "starting", 503, "Starting";
    /// The server is stopping; nothing was done.
    Stopping = "stopping", 503, "Stopping";
    /// What was asked for cannot be recorded in the audit log, so it was not done.
    AuditUnavailable = "audit_unavailable", 503, "It cannot be recorded, so it was not done";
    /// The identity provider does not answer, or not as it should.
    ProviderUnavailable = "provider_unavailable", 503, "The identity provider does not answer";
    /// The journal refuses writes: it is at its bound or the disk is full. Nothing was stored.
    JournalUnavailable = "journal_unavailable", 503, "The journal refuses writes";
    /// The lake's storage does not answer.
    LakeUnavailable = "lake_unavailable", 503, "The lake does not answer";
    /// The lake does not take what waits in memory; nothing was stored.
    LakeBehind = "lake_behind", 503, "The lake is behind";
    /// A table of the account cannot be read; nothing of it is shown and nothing was stored. Mend it as
    /// docs/guide/operations.md says; it is taken up again by itself.
    TableUnavailable = "table_unavailable", 503, "A table cannot be read";
    /// It took longer than allowed; narrow the time range or the query.
    QueryTimeout = "query_timeout", 504, "It took too long";
}

// By hand: the derive does not see names that stand in a macro.
impl utoipa::PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let mut description =
            "Why a request failed. New codes may come; a code never changes its meaning.\n".to_owned();
        for code in Self::ALL {
            description.push_str(&format!("\n- `{}` ({}):{}", code.as_str(), code.status(), code.meaning()));
        }
        let values = Self::ALL.map(Self::as_str);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).description(Some(description)).into()
    }
}

impl ToSchema for Code {
    fn name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }
}

impl Problem {
    /// A problem with this code and detail.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:whodid:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            position: None,
            length: None,
            expected: None,
            message: None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_problem_reads_back_and_leaves_out_what_it_does_not_have() {
        let problem = Problem::new(Code::NotFound, "no event has this id");
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(
            text,
            r#"{"type":"urn:whodid:problem:not_found","title":"Not found","status":404,"code":"not_found","detail":"no event has this id"}"#
        );
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }

    #[test]
    fn every_code_is_found_by_its_text() {
        for code in Code::ALL {
            assert_eq!(Code::named(code.as_str()), Some(code));
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
