//! GraphQL over notes and occurrences, the last path of Security Advisor's Findings API.
//!
//! A request is read ([`syntax`]), planned, which bounds it ([`plan`], over [`schema`]), and answered ([`answering`]) by
//! the same code that the other paths of the API are answered by. *Invariants*: nobody sees here what those would not
//! show them; nothing is changed; what a request may cost is known before anything is read. ADR 18.

mod answering;
mod plan;
mod schema;
mod syntax;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::Value;
use whodid_api::{Code, GraphAnswer, GraphRequest};
use whodid_model::access::Permission;

use super::App;
use super::asked::{Ask, Asked};
use super::auth::Caller;
use super::body;
use super::failure::Failure;
use super::params::{NoParams, Params, Segments};
use super::search::refuse_secret;
use answering::Answering;

/// A body that is the query itself.
const GRAPHQL: &str = "application/graphql";

impl Ask for GraphRequest {
    fn told(&self) -> Option<Value> {
        // Told as what a read asked for, whatever comes of it.
        None
    }

    async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Failure> {
        let of = |query| Self { query, variables: None, operation_name: None };
        if body::media_type(headers).as_deref() == Some(GRAPHQL) {
            return body::read_text(headers, body).await.map(of);
        }
        match body::read_json::<Value>(headers, body).await? {
            // IBM's generated clients write the query as a JSON text.
            Value::String(query) => Ok(of(query)),
            whole => serde_json::from_value(whole).map_err(|_| {
                let detail = "the body is an object with `query`, a text, and perhaps with `variables`, an object, \
                              and `operationName`, a text";
                Failure::new(Code::BadJson, detail)
            }),
        }
    }
}

pub async fn query(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments(account): Segments<String>,
    Params(_): Params<NoParams>,
    asked: Asked<GraphRequest>,
) -> Result<Json<GraphAnswer>, Failure> {
    let variables = asked.peek().and_then(|request| request.variables.as_ref()).filter(|given| !given.is_empty());
    let variables = variables.and_then(|given| serde_json::to_string(given).ok()).unwrap_or_default();
    caller.attempt.is_about("findings", "");
    caller.attempt.asks_text("query", asked.peek().map(|request| request.query.as_str()));
    caller.attempt.asks_text("variables", Some(&variables));
    let account = caller.needs(Permission::AlertsRead, Some(&account))?;
    let request = asked.read()?;
    refuse_secret("`query`", &request.query)?;
    refuse_secret("`variables`", &variables)?;
    let plan = plan::plan(&request)
        .map_err(|refusal| Failure::new(Code::BadQuery, refusal.detail).at(refusal.at, refusal.length))?;
    let answered = Answering::new(&app, &caller, &account).answer(&plan);
    let Ok(answered) = tokio::time::timeout(app.config.query_timeout, answered).await else {
        let detail = "answering took longer than a search may; ask for less at once";
        return Err(Failure::new(Code::QueryTimeout, detail));
    };
    let (answer, rows) = answered?;
    caller.attempt.answers("rows", rows);
    Ok(Json(answer))
}
