//! What requests do, told to the audit log.
//!
//! Every request carries an [`Attempt`]: who asks, from where, and what for, filled in as it becomes known. A
//! change is told by the metadata store in the same transaction that makes it, and handed over to the engine before
//! the answer goes out ([`super::outbox`]); what is left for here is to tell of reads before what was read goes out,
//! and of what failed. What cannot be told is not done: a request that would change something is refused first, and
//! what was read is not given out.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::{Map, Value};
use whodid_api::Code;
use whodid_audit::{Actor, By, Deed, Outcome, Reason, Told};
use whodid_model::{AccountName, StreamName, chain};

use super::App;
use super::failure::{FailedWith, Failure};
use super::routes::{self, Route, Rule, Tell};

/// Longest text of a request that is told, in characters.
const TEXT_CHARS_MAX: usize = 4000;

/// What a request is about, as far as it is known.
#[derive(Debug, Clone)]
pub struct Attempt(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    actor: Actor,
    account: Option<AccountName>,
    deed: Option<Deed>,
    target_id: String,
    target_name: String,
    asked: Map<String, Value>,
    answered: Map<String, Value>,
    /// What a request sent that may have come to nothing.
    sent: Option<Value>,
    correlation_id: Option<String>,
    is_beginning: bool,
    is_told: bool,
}

impl Attempt {
    fn new(actor: Actor, deed: Option<Deed>) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            actor,
            account: None,
            deed,
            target_id: String::new(),
            target_name: String::new(),
            asked: Map::new(),
            answered: Map::new(),
            sent: None,
            correlation_id: None,
            is_beginning: false,
            is_told: false,
        })))
    }

    /// Who acts, as far as it is known.
    pub fn actor(&self) -> Actor {
        self.0.lock().actor.clone()
    }

    /// Says who acts.
    pub fn is_by(&self, by: By, credential: Option<whodid_audit::Credential>) {
        let mut inner = self.0.lock();
        inner.actor.by = by;
        inner.actor.credential = credential;
    }

    /// Says which account it is about.
    pub fn is_in(&self, account: &AccountName) {
        self.0.lock().account = Some(account.clone());
    }

    /// Says what is attempted, where the route alone does not tell.
    pub fn is_a(&self, deed: Deed) {
        self.0.lock().deed = Some(deed);
    }

    /// Says what it is done to.
    pub fn is_about(&self, id: &str, name: &str) {
        let mut inner = self.0.lock();
        inner.target_id = shown(id);
        inner.target_name = shown(name);
    }

    /// Tells what was asked for.
    pub fn asks(&self, name: &str, value: impl Into<Value>) {
        self.0.lock().asked.insert(name.to_owned(), value.into());
    }

    /// Tells a text that was asked for; nothing when there is none.
    pub fn asks_text(&self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.asks(name, shown(text));
        }
    }

    /// Tells what was sent, should it come to nothing: what it changes tells it otherwise.
    pub fn was_sent(&self, body: Value) {
        self.0.lock().sent = Some(body);
    }

    /// Tells what came of it.
    pub fn answers(&self, name: &str, value: impl Into<Value>) {
        self.0.lock().answered.insert(name.to_owned(), value.into());
    }

    /// Says that the answer is only the beginning: what is told with it has the outcome `pending`, and
    /// [`Ending::ends`] tells the rest. `None` when nothing is told of it.
    pub fn begins(&self, app: &Arc<App>) -> Option<Ending> {
        {
            let mut inner = self.0.lock();
            inner.correlation_id = Some(uuid::Uuid::now_v7().to_string());
            inner.is_beginning = true;
        }
        let (account, actor, told) = self.told(Outcome::Success, None)?;
        Some(Ending { app: Arc::clone(app), account, actor, told: Box::new(told) })
    }

    /// Says that it has been told already, so that nothing is told twice.
    pub fn is_told(&self) {
        self.0.lock().is_told = true;
    }

    /// What is to be told of it now.
    fn told(&self, outcome: Outcome, reason: Option<Reason>) -> Option<(AccountName, Actor, Told)> {
        let inner = self.0.lock();
        let (Some(deed), false) = (inner.deed, inner.is_told) else { return None };
        let account = inner.account.clone()?;
        let mut request = inner.asked.clone();
        if let (Outcome::Failure, Some(sent)) = (outcome, &inner.sent) {
            request.insert("asked".to_owned(), sent.clone());
        }
        let told = Told {
            deed,
            outcome,
            target_id: inner.target_id.clone(),
            target_name: inner.target_name.clone(),
            request,
            response: inner.answered.clone(),
            change: None,
            reason,
            correlation_id: inner.correlation_id.clone(),
        };
        Some((account, inner.actor.clone(), told))
    }
}

/// The end of an act that goes on after its answer began.
#[derive(Debug)]
pub struct Ending {
    app: Arc<App>,
    account: AccountName,
    actor: Actor,
    told: Box<Told>,
}

impl Ending {
    /// Tells how it ended: what came of it, and why it broke off if it did.
    pub async fn ends(mut self, answered: Map<String, Value>, broken: Option<String>) {
        self.told.response.extend(answered);
        if let Some(text) = broken {
            self.told.outcome = Outcome::Failure;
            self.told.reason = Some(Reason { status: 200, code: "broke_off".to_owned(), text });
        } else {
            self.told.outcome = Outcome::Success;
            self.told.reason = Some(Reason { status: 200, code: String::new(), text: String::new() });
        }
        self.tell().await;
    }

    /// Tells that it failed.
    pub async fn fails(mut self, failure: &Failure) {
        self.told.outcome = Outcome::Failure;
        self.told.reason = Some(failure.reason());
        self.tell().await;
    }

    async fn tell(&self) {
        if let Err(failure) = self.app.tell(&self.account, &self.actor, &self.told).await {
            tracing::error!(code = failure.code().as_str(), "the end of an act could not be told to the audit log");
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

/// Stands around every handler whose deeds are told.
pub async fn around(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = path.and_then(|path| routes::route(request.method(), &path));
    let tell = route.map_or(Tell::Nothing, |route| route.tell);
    let deed = match tell {
        Tell::Nothing => None,
        Tell::Reads(deed) | Tell::Does(deed) | Tell::Fails(deed) => Some(deed),
    };
    let (parts, body) = request.into_parts();
    let actor = Actor {
        by: By::Nobody,
        credential: None,
        address: Some(super::auth::client_address(&app, &parts).to_string()),
        agent: super::auth::agent(&parts.headers),
        request: parts.extensions.get::<super::guard::RequestId>().map(|id| id.0.clone()),
    };
    request = Request::from_parts(parts, body);
    let attempt = Attempt::new(actor, deed);
    request.extensions_mut().insert(attempt.clone());
    if let Tell::Does(_) = tell
        && let Err(failure) = app.can_tell().await
    {
        return failure.into_response();
    }
    // Who looks at what was done sees all of it, also what is still on its way.
    if matches!(tell, Tell::Reads(_)) && is_about_deeds(&request) {
        app.hand_over().await;
    }
    let work = answer(app, request, next, attempt, route);
    if !matches!(tell, Tell::Does(_)) {
        return work.await;
    }
    // A task of its own: who leaves must not leave a change half done, or done and not told.
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|error| Failure::internal("handling a request", &error).into_response())
}

/// Answers, and tells what is to be told of it.
async fn answer(
    app: Arc<App>,
    request: Request,
    next: Next,
    attempt: Attempt,
    route: Option<&'static Route>,
) -> Response {
    let tell = route.map_or(Tell::Nothing, |route| route.tell);
    let is_open = route.is_some_and(|route| matches!(route.rule, Rule::Open));
    let response = next.run(request).await;
    let failed = response.extensions().get::<FailedWith>().cloned();
    let needs_caller = route.is_some_and(|route| !matches!(route.rule, Rule::Open | Rule::Metrics));
    if needs_caller && failed.is_none() && attempt.0.lock().actor.by == By::Nobody {
        // A handler that forgot to ask must not answer.
        tracing::error!(route = route.map_or("", |route| route.path), "a route answered without asking who asks");
        return Failure::new(Code::Internal, "the server did not ask who you are; this is a defect").into_response();
    }
    match (tell, failed) {
        (Tell::Nothing, _) | (Tell::Fails(_), None) => response,
        (_, Some(failed)) => {
            if is_worth_telling(failed.code()) {
                let reason = failed.reason();
                if let Some((account, actor, told)) = attempt.told(Outcome::Failure, Some(reason))
                    && let Err(failure) = app.tell(&account, &actor, &told).await
                {
                    tracing::error!(code = failure.code().as_str(), "a failure could not be told to the audit log");
                }
            }
            // A failure may have been told by the metadata, such as a wrong password.
            app.hand_over_after(is_open).await;
            response
        }
        (Tell::Does(_), None) => {
            app.hand_over_after(is_open).await;
            response
        }
        (Tell::Reads(_), None) => {
            app.note_read(&attempt);
            let reason = Reason { status: response.status().as_u16(), code: String::new(), text: String::new() };
            let outcome = if attempt.0.lock().is_beginning { Outcome::Pending } else { Outcome::Success };
            let told = attempt.told(outcome, Some(reason));
            let Some((account, actor, told)) = told.filter(|(account, ..)| app.tells_reads(account, &attempt)) else {
                return response;
            };
            match app.tell(&account, &actor, &told).await {
                Ok(()) => response,
                Err(failure) => failure.into_response(),
            }
        }
    }
}

/// Whether a request reads the audit log, or what somebody did themselves.
fn is_about_deeds(request: &Request) -> bool {
    let uri = request.uri();
    uri.path().starts_with("/api/v1/me/activity") || uri.query().is_some_and(|query| query.contains("stream=audit"))
}

/// Whether a failure is an act of somebody: not what a busy server or a stranger without a credential is answered.
fn is_worth_telling(code: Code) -> bool {
    !matches!(code.status(), 429 | 503 | 504) && !matches!(code, Code::MissingCredential | Code::SessionEnded)
}

impl App {
    /// Whether a change could be told now; otherwise it is refused.
    pub async fn can_tell(&self) -> Result<(), Failure> {
        if let Ok(engine) = self.engine() {
            engine.can_record().map_err(|error| Failure::new(Code::AuditUnavailable, error.detail))?;
        }
        self.meta.can_tell().await.map_err(Failure::from)
    }

    /// Tells one event, durably.
    pub async fn tell(&self, account: &AccountName, actor: &Actor, told: &Told) -> Result<(), Failure> {
        let id = uuid::Uuid::now_v7().to_string();
        let text = whodid_audit::event(&self.installation, account, crate::clock::now(), &id, actor, told);
        let recorded = match self.engine() {
            Ok(engine) => engine.record(account, &StreamName::audit(), vec![text.clone()]).await,
            Err(failure) => return Err(failure),
        };
        recorded.map_err(|error| {
            tracing::error!(error = %chain(&error), deed = told.deed.action(), "an audit event could not be recorded");
            Failure::new(
                Code::AuditUnavailable,
                "this cannot be recorded in the audit log now, so it was not done; the server's log says why",
            )
        })
    }

    /// Tells what is known of an attempt now, and counts it as told.
    pub async fn tell_attempt(&self, attempt: &Attempt, outcome: Outcome) -> Result<(), Failure> {
        if let Some((account, actor, told)) = attempt.told(outcome, None) {
            self.tell(&account, &actor, &told).await?;
            attempt.is_told();
        }
        Ok(())
    }

    /// Notes that somebody looked at events of an account, whether that is told or not. What was done in their own name
    /// is nobody's events.
    fn note_read(&self, attempt: &Attempt) {
        const OWN: [Deed; 3] = [Deed::OwnActivityRead, Deed::OwnActivityExport, Deed::AccessReviewExport];
        let inner = attempt.0.lock();
        let is_own = inner.deed.is_none_or(|deed| OWN.contains(&deed));
        if let (By::User { id, .. }, Some(account), false) = (&inner.actor.by, &inner.account, is_own) {
            self.meta.note_read(id, account, crate::clock::now());
        }
    }

    /// Whether a read is told in this account. Opening the audit log and taking events away always is.
    fn tells_reads(&self, account: &AccountName, attempt: &Attempt) -> bool {
        const ALWAYS: [Deed; 4] =
            [Deed::AuditLogRead, Deed::EventExport, Deed::OwnActivityExport, Deed::AccessReviewExport];
        attempt.0.lock().deed.is_some_and(|deed| ALWAYS.contains(&deed)) || self.meta.tells_reads(account)
    }
}
