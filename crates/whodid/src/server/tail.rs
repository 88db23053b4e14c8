//! `GET /api/v1/events/tail`: events as they are recorded, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use whodid_api::{Code, TailParams};
use whodid_engine::{Live, LiveItem, ReadRequest};
use whodid_model::RecordId;

use super::App;
use super::auth::Caller;
use super::failure::Failure;
use super::params::Params;
use super::search::{read_request, reading};

/// A comment is sent after this long without an event, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A revoked key or ended session closes its tails within about this time.
const RECHECK: Duration = Duration::from_millis(500);

struct Follower {
    live: Live,
    app: Arc<App>,
    caller: Caller,
    recheck: tokio::time::Interval,
}

pub async fn follow(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<TailParams>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let request = read_request!(params);
    let scope = reading(&caller, &request, params.account.as_deref(), "tail")?;
    refuse_range(&params)?;
    // A browser that lost its connection says where it was.
    let after =
        headers.get("last-event-id").and_then(|id| RecordId::parse(id.to_str().ok()?)).map(|record| record.offset.0);
    let live = app.engine()?.live(&scope, &request, after).await?;
    let follower = Follower { live, app, caller, recheck: tokio::time::interval(RECHECK) };
    let events = futures::stream::unfold(follower, |mut follower| async move {
        let item = follower.next().await?;
        Some((Ok::<Event, Infallible>(event(item)), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

/// Ignored, a range would promise what a tail does not do.
fn refuse_range(params: &TailParams) -> Result<(), Failure> {
    for (name, given) in [("from", &params.from), ("to", &params.to)] {
        if given.is_some() {
            let detail = format!(
                "`{name}` does not go with the live tail, which shows what is recorded from now on: leave it out, write \
                 a condition on `eventTime` into `q`, or search `/api/v1/events` for what there is"
            );
            return Err(Failure::new(Code::BadParameter, detail));
        }
    }
    Ok(())
}

impl Follower {
    async fn next(&mut self) -> Option<LiveItem> {
        loop {
            tokio::select! {
                item = self.live.next() => return item,
                () = self.app.stopping.cancelled() => return None,
                _ = self.recheck.tick() => {
                    if !self.caller.is_still_valid(&self.app).await {
                        return None;
                    }
                }
            }
        }
    }
}

fn event(item: LiveItem) -> Event {
    match item {
        LiveItem::Event { id, json } => Event::default().event("event").id(id).data(json),
        LiveItem::Lagged { dropped } => Event::default().event("lagged").data(format!("{{\"dropped\":{dropped}}}")),
    }
}
