//! What a request with a body asks for.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use whodid_api::{
    AccountCreate, AlertAct, BacktestRequest, BindingCreate, ChannelWrite, Code, DownloadCreate, ExpectedCreate,
    GroupCreate, GroupUpdate, InsightFeedback, InsightPattern, InsightSettings, InvitationCreate, KeyCreate, KeyRotate,
    KeyUpdate, NotMe, NoteWrite, OccurrenceWrite, PackageUpdate, PasswordChange, PresetWrite, Reauthenticate,
    RetentionUpdate, RoleCreate, RoleUpdate, RuleCheckRequest, RuleCreate, RuleExceptionCreate, RuleUpdate,
    SearchAlertWrite, SettingsUpdate, SilenceCreate, SqlRequest, TokenCreate, TotpCode, UserUpdate,
};

use super::auth::Caller;
use super::failure::Failure;
use super::{App, body};

/// A body that a caller may send.
pub trait Ask: DeserializeOwned + Send {
    /// What the audit log tells of it when it comes to nothing; `None` where it may hold a secret,
    /// or is told otherwise.
    fn told(&self) -> Option<Value>;

    /// Reads it: a small JSON document, where nothing else is said.
    fn read(headers: &HeaderMap, body: Body) -> impl Future<Output = Result<Self, Failure>> + Send {
        body::read_json(headers, body)
    }
}

macro_rules! asks {
    ($($told:ty),*; but not what is in $($secret:ty),*) => {
        $(impl Ask for $told {
            fn told(&self) -> Option<Value> {
                given(self)
            }
        })*
        $(impl Ask for $secret {
            fn told(&self) -> Option<Value> {
                None
            }
        })*
    };
}

asks!(
    AccountCreate, AlertAct, BindingCreate, DownloadCreate, ExpectedCreate, GroupCreate, GroupUpdate, InsightFeedback, InsightPattern, InsightSettings, InvitationCreate, KeyCreate, KeyRotate,
    KeyUpdate, NotMe, NoteWrite, OccurrenceWrite, PackageUpdate, PresetWrite, RetentionUpdate, RoleCreate, RoleUpdate, RuleCreate, RuleExceptionCreate, RuleUpdate,
    SearchAlertWrite, SettingsUpdate, SilenceCreate, TokenCreate, UserUpdate;
    but not what is in BacktestRequest, ChannelWrite, PasswordChange, Reauthenticate, RuleCheckRequest, SqlRequest, TotpCode
);

/// Most bytes that are told of a body.
const TOLD_BYTES_MAX: usize = 4 << 10;
/// Characters and members that are left of texts and lists in one that is longer.
const TOLD_CHARS: usize = 100;
const TOLD_MEMBERS: usize = 10;

/// Most bytes that are told of a text which says what was looked for.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// A text by its hash and size, to be told where the text itself may be too long.
pub fn measured(text: &str) -> Value {
    json!({"sha256": hash_of(text), "bytes": text.len()})
}

/// The SHA-256 of a text, in hexadecimal.
pub fn hash_of(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

/// As much of a text as is told.
pub fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// What is told of a body, whoever sent it: the audit log keeps it for ever.
fn shortened(mut told: Value) -> Value {
    fn cut(value: &mut Value) {
        match value {
            Value::String(text) => *text = text.chars().take(TOLD_CHARS).collect(),
            Value::Array(values) => {
                values.truncate(TOLD_MEMBERS);
                values.iter_mut().for_each(cut);
            }
            Value::Object(members) => members.values_mut().for_each(cut),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    if told.to_string().len() <= TOLD_BYTES_MAX {
        return told;
    }
    cut(&mut told);
    if told.to_string().len() > TOLD_BYTES_MAX {
        told = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(members) = &mut told {
        members.insert("shortened".to_owned(), true.into());
    }
    told
}

/// The members that were given.
fn given(asked: &impl Serialize) -> Option<Value> {
    let Ok(Value::Object(mut members)) = serde_json::to_value(asked) else { return None };
    members.retain(|_, value| !value.is_null());
    Some(Value::Object(members))
}

/// The body of a request, taken in whole before anything is decided: it may come slowly, and who lost their rights
/// meanwhile is refused. So a refusal tells what was asked for, too. Stands after the [`Caller`] among a handler's
/// arguments.
#[derive(Debug)]
pub struct Asked<T>(Result<T, Failure>);

impl<T> Asked<T> {
    /// What it says. Call it after the decision whether the caller may ask: what is wrong with a body is nobody
    /// else's business.
    pub fn read(self) -> Result<T, Failure> {
        self.0
    }

    /// The same before, for what is told of it.
    pub fn peek(&self) -> Option<&T> {
        self.0.as_ref().ok()
    }
}

impl<T: Ask> FromRequest<Arc<App>> for Asked<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let caller = parts.extensions.get::<Caller>();
        let caller =
            caller.ok_or_else(|| Failure::new(Code::Internal, "a body was read before its sender was known"))?;
        let asked = T::read(&parts.headers, body).await;
        let told = asked.as_ref().ok().and_then(T::told);
        let holds_secret = told.as_ref().is_some_and(|told| whodid_audit::holds_secret(&told.to_string()));
        if let Some(told) = told {
            caller.attempt.was_sent(shortened(told));
        }
        caller.still_valid(app).await?;
        if holds_secret {
            let detail = "the body holds what looks like a key or a one-time token; neither is a name or a part of one";
            return Ok(Self(Err(Failure::new(Code::BadJson, detail))));
        }
        Ok(Self(asked))
    }
}
