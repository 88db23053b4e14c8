//! What a request with a body asks for.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use whodid_api::{
    AccountCreate, BindingCreate, Code, DownloadCreate, GroupCreate, GroupUpdate, InvitationCreate, KeyCreate,
    KeyRotate, KeyUpdate, NotMe, PasswordChange, Reauthenticate, RetentionUpdate, RoleCreate, RoleUpdate,
    SettingsUpdate, SqlRequest, TokenCreate, TotpCode, UserUpdate,
};

use super::auth::Caller;
use super::failure::Failure;
use super::{App, body};

/// A body that a caller may send.
pub trait Ask: DeserializeOwned + Send {
    /// What the audit log tells of it when it comes to nothing; `None` where it may hold a secret,
    /// or is told otherwise.
    fn told(&self) -> Option<Value>;
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
    AccountCreate, BindingCreate, DownloadCreate, GroupCreate, GroupUpdate, InvitationCreate, KeyCreate, KeyRotate,
    KeyUpdate, NotMe, RetentionUpdate, RoleCreate, RoleUpdate, SettingsUpdate, TokenCreate, UserUpdate;
    but not what is in PasswordChange, Reauthenticate, SqlRequest, TotpCode
);

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
        let asked: Result<T, Failure> = body::read_json(&parts.headers, body).await;
        if let Some(told) = asked.as_ref().ok().and_then(T::told) {
            caller.attempt.was_sent(told);
        }
        caller.still_valid(app).await?;
        Ok(Self(asked))
    }
}
