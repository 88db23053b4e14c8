//! Channels: where alerts are told, tried before they are needed, and what became of each notice.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use whodid_alerts::{Attempt, Channel, Notice, Sender, SigningKey, SystemResolver};
use whodid_api::{
    ChannelList, ChannelWrite, Code, Delivery, DeliveryAttempt, DeliveryList, DeliveryParams, LookupParams, NoticeKey,
};
use whodid_audit::{Deed, Told};
use whodid_meta::{DeliveryRow, DeliveryState, Document, DocumentKind, Expected, Meta};
use whodid_model::access::Permission;
use whodid_model::{AccountName, Timestamp};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::documents;
use super::failure::Failure;
use super::params::{Id, NoParams, Params};
use super::search::limit;
use crate::config::Config;

/// What it is called.
const ONE: &str = "channel";
/// Most channels of an account: each finding looks at all of them.
const CHANNELS_MAX: usize = 200;
/// Who may look at channels, besides who may read alerts: what is secret of them is masked.
pub const ALSO_SEE: [Permission; 2] = [Permission::RulesRead, Permission::ChannelsManage];
/// Under which name the key of signed notices is kept.
const KEY_NAME: &str = "notices";

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<ChannelList>, Failure> {
    let (_, channels) = all(&app, &caller, params.account.as_deref()).await?;
    Ok(Json(ChannelList { channels, has_mail: app.config.receivers.mail.is_some() }))
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<ChannelWrite>,
) -> Result<(StatusCode, Json<whodid_api::Channel>), Failure> {
    let account = caller.manages(Permission::ChannelsManage, params.account.as_deref())?;
    let id = make(&app, &caller, &account, &asked.read()?).await?;
    Ok((StatusCode::CREATED, Json(found(&app, &account, &id).await?)))
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<ChannelWrite>,
) -> Result<Json<whodid_api::Channel>, Failure> {
    let account = caller.manages(Permission::ChannelsManage, params.account.as_deref())?;
    let request = asked.read()?;
    change(&app, &caller, &account, &id, |_| Ok(request)).await?;
    Ok(Json(found(&app, &account, &id).await?))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::ChannelsManage, params.account.as_deref())?;
    remove(&app, &caller, &account, &[id]).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn test(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Json<Delivery>, Failure> {
    let account = caller.manages(Permission::ChannelsManage, params.account.as_deref())?;
    let tried = try_once(&app, &caller, &account, &id).await?;
    Ok(Json(tried))
}

/// The channels of an account by name, as the caller sees them.
pub async fn all(
    app: &App,
    caller: &Caller,
    account: Option<&str>,
) -> Result<(AccountName, Vec<whodid_api::Channel>), Failure> {
    let account = caller.needs_one_of(Permission::AlertsRead, &ALSO_SEE, account)?;
    let sees = Sees::of(caller, &account);
    let mut channels = Vec::new();
    for document in app.meta.documents(&account, DocumentKind::Channel).await? {
        channels.push(shown(app, &account, &document, sees).await?);
    }
    channels.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    Ok((account, channels))
}

/// Makes a channel, and gives its id. The caller may.
pub async fn make(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    request: &ChannelWrite,
) -> Result<String, Failure> {
    caller.attempt.is_about("", &request.name);
    let channel = configured(request)?;
    refuse_unfit(app, &channel)?;
    refuse_events(caller, account, &channel)?;
    let known = app.meta.documents(account, DocumentKind::Channel).await?;
    if known.len() >= CHANNELS_MAX {
        let detail = format!("an account has at most {CHANNELS_MAX} channels; delete one that is not needed");
        return Err(Failure::new(Code::Conflict, detail));
    }
    documents::refuse_name(&known, &channel.name, "", ONE)?;
    let id = uuid::Uuid::now_v7().to_string();
    let after = json!(channel.masked());
    let told = Told::success(Deed::ChannelCreate, id.as_str(), channel.name.as_str()).changed(None, Some(after));
    store(app, caller, account, &id, &channel, Expected::Absent, told).await?;
    Ok(id)
}

/// A template that names events hands them out whole: only who may read all of them sends them somewhere.
fn refuse_events(caller: &Caller, account: &AccountName, channel: &Channel) -> Result<(), Failure> {
    let needed = [Permission::SpaceEventsRead, Permission::AccountEventsRead, Permission::AuditRead];
    let held = caller.principal().permissions_in(account);
    if !channel.wants_events() || needed.iter().all(|permission| held.has(*permission)) {
        return Ok(());
    }
    let detail = "a template that names events (`line_objects`, `first_line_object`, `notice`, `app`, `host`, `tag`) hands \
        them out as they are: that takes `space-events.read`, `account-events.read` and `audit.read`, each without a limit; \
        name `lines` instead";
    Err(Failure::new(Code::Forbidden, detail))
}

/// Makes a channel what `edit` makes of it; secrets that come back masked stay. The caller may.
pub async fn change(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    id: &str,
    edit: impl FnOnce(ChannelWrite) -> Result<ChannelWrite, Failure>,
) -> Result<(), Failure> {
    let document = documents::find(app, account, DocumentKind::Channel, id, ONE).await?;
    let request = edit(written(&document, Sees::ALL)?)?;
    caller.attempt.is_about(id, &request.name);
    let edited = configured(&request)?;
    let before = opened(&document);
    let channel = match &before {
        Some(before) => {
            edited.with_secrets_from(before).map_err(|error| Failure::new(Code::UnusableChannel, error.to_string()))?
        }
        // Its secrets cannot be read any more: given anew they work.
        None => edited,
    };
    let deed = deed_of(&document, before.as_ref(), &channel);
    caller.attempt.is_a(deed);
    refuse_unfit(app, &channel)?;
    // What goes where it went before needs nobody's leave.
    if before.as_ref().is_none_or(|before| before.receiver != channel.receiver) {
        refuse_events(caller, account, &channel)?;
    }
    documents::refuse_name(&app.meta.documents(account, DocumentKind::Channel).await?, &channel.name, id, ONE)?;
    if before.as_ref() == Some(&channel) {
        return Ok(());
    }
    let told = Told::success(deed, id, channel.name.as_str())
        .changed(Some(document.body.clone()), Some(json!(channel.masked())));
    store(app, caller, account, id, &channel, Expected::Revision(document.revision), told).await
}

/// Deletes channels that nothing else tells by, all or none. The caller may.
pub async fn remove(app: &App, caller: &Caller, account: &AccountName, ids: &[String]) -> Result<(), Failure> {
    let mut known = app.meta.documents(account, DocumentKind::Channel).await?;
    known.retain(|document| ids.contains(&document.id));
    if let Some(strange) = ids.iter().find(|id| known.iter().all(|document| document.id != **id)) {
        caller.attempt.is_about(strange, "");
        return Err(Failure::new(Code::NotFound, format!("there is no {ONE} `{strange}` in this account")));
    }
    let users = super::presets::users_of_channels(app, account, ids).await?;
    if !users.is_empty() {
        let detail = format!("{} would tell nobody any more; take the channel out there first", users.join(", "));
        return Err(Failure::new(Code::Conflict, detail));
    }
    let gone = |document: &Document| documents::change(DocumentKind::Channel, &document.id, None, Expected::Present);
    let changes: Vec<_> = known.iter().map(gone).collect();
    let told = known.into_iter().map(|document| {
        let name = document.body["name"].as_str().unwrap_or_default().to_owned();
        Told::success(Deed::ChannelDelete, document.id, name).changed(Some(document.body), None)
    });
    let told: Vec<Told> = told.collect();
    app.meta.change_documents(&caller.attempt.actor(), account, &changes, &told, crate::clock::now()).await?;
    Ok(())
}

/// Tries a channel once, and waits for the answer: whoever sets it up wants to see it. The caller may.
pub async fn try_once(app: &App, caller: &Caller, account: &AccountName, id: &str) -> Result<Delivery, Failure> {
    let document = documents::find(app, account, DocumentKind::Channel, id, ONE).await?;
    let name = document.body["name"].as_str().unwrap_or_default();
    caller.attempt.is_about(id, name);
    let channel = opened(&document).ok_or_else(|| {
        Failure::new(Code::Conflict, "the channel's secrets cannot be read; edit it and enter them again")
    })?;
    let now = crate::clock::now();
    let notice = Notice::test(account.clone(), format!("{}/alerts", app.config.base_url()), now);
    let mut row = super::alerting::queued(id, None, &notice, now);
    let sender = app.sender()?;
    let attempt = Attempt { delivery: row.id.clone(), number: 1, first_at: now, at: now };
    let tried = sender.deliver(&channel, &notice, &attempt).await;
    let went_well = tried.outcome == whodid_alerts::Outcome::Delivered;
    super::delivering::note(&mut row, now, &super::delivering::outcome_json(&tried));
    row.state = if went_well { DeliveryState::Delivered } else { DeliveryState::Failed };
    row.due_at = None;
    let now = crate::clock::now();
    app.meta.store_delivery(account, &row, now).await?;
    let mut told = Told::success(Deed::ChannelSend, id, name);
    told.outcome = if went_well { told.outcome } else { whodid_audit::Outcome::Failure };
    app.tell(account, &caller.attempt.actor(), &told).await?;
    caller.attempt.is_told();
    Ok(shown_delivery(&row))
}

pub async fn deliveries(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<DeliveryParams>,
) -> Result<Json<DeliveryList>, Failure> {
    let account = caller.needs_one_of(Permission::AlertsRead, &ALSO_SEE, params.account.as_deref())?;
    let sees = Sees::of(&caller, &account);
    let limit = limit(params.limit, 100, 1000, "limit")?;
    let after = params.cursor.as_deref().map(cursor).transpose()?;
    documents::find(&app, &account, DocumentKind::Channel, &id, ONE).await?;
    // One more than asked for tells whether there is another page.
    let asked = i64::try_from(limit).unwrap_or(1000) + 1;
    let mut rows = app.meta.deliveries_after(&account, &id, after, asked).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| format!("{}.{}", row.created_at.micros(), row.id));
    Ok(Json(DeliveryList { deliveries: rows.iter().map(|row| sees.of_delivery(row)).collect(), next_cursor }))
}

pub async fn key(State(app): State<Arc<App>>, Params(_): Params<NoParams>) -> Result<Json<NoticeKey>, Failure> {
    let public = app.notice_key()?.public();
    let jwk = serde_json::to_value(&public.jwk).and_then(serde_json::from_value);
    let jwk = jwk.map_err(|error| Failure::internal("writing a public key", &error))?;
    Ok(Json(NoticeKey { pem: public.pem.clone(), jwk }))
}

/// The channel in a document, its secrets opened; `None` when it cannot be read.
pub fn opened(document: &Document) -> Option<Channel> {
    serde_json::from_str(document.secret.as_ref()?.expose()).ok()
}

/// What sends notices, with the installation's own key, made where there is none yet.
///
/// # Errors
/// The metadata does not answer, or the key or the system's certificates cannot be used.
pub async fn sender(config: &Config, meta: &Meta) -> anyhow::Result<(Arc<Sender>, Arc<SigningKey>)> {
    let key = match meta.installation_secret(KEY_NAME).await? {
        Some(kept) => SigningKey::from_pkcs8(&kept)?,
        None => {
            let made = tokio::task::spawn_blocking(|| SigningKey::generate().map(|(_, bytes)| bytes)).await??;
            SigningKey::from_pkcs8(&meta.keep_installation_secret(KEY_NAME, &made).await?)?
        }
    };
    let key = Arc::new(key);
    let sender = Sender::new(whodid_alerts::deliver::Settings {
        mail: config.receivers.mail.clone(),
        allow: config.receivers.allow.clone(),
        resolver: Arc::new(SystemResolver),
        roots_pem: Vec::new(),
        hostname: hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        issuer: whodid_alerts::Issuer {
            name: "whodid".to_owned(),
            findings_url: format!("{}/findings", config.base_url()),
        },
        key: Some(Arc::clone(&key)),
    })?;
    Ok((Arc::new(sender), key))
}

/// What of a channel somebody sees, who sees any of it.
#[derive(Debug, Clone, Copy)]
struct Sees {
    /// Addresses of webhooks whole, and templates: people put into them what is secret.
    whole: bool,
    /// What was told, and what receivers answered to it: words of alerts.
    words: bool,
}

impl Sees {
    const ALL: Self = Self { whole: true, words: true };

    fn of(caller: &Caller, account: &AccountName) -> Self {
        let has = caller.principal().permissions_in(account);
        let whole = has.has(Permission::ChannelsManage);
        Self { whole, words: whole || has.has(Permission::AlertsRead) }
    }

    /// The stored form, without what is not seen.
    fn of_receiver(self, receiver: &mut Value) {
        if self.whole || receiver["type"] != "webhook" {
            return;
        }
        let masked = receiver["url"].as_str().map(|url| whodid_alerts::Secret::new(url).masked());
        if let Some(masked) = masked {
            receiver["url"] = json!(masked);
        }
        if let Some(members) = receiver.as_object_mut() {
            members.remove("body_template");
        }
    }

    fn of_delivery(self, row: &DeliveryRow) -> Delivery {
        let mut delivery = shown_delivery(row);
        if !self.words {
            delivery.summary.clear();
            delivery.attempts.iter_mut().for_each(|attempt| attempt.answer.clear());
        }
        delivery
    }
}

/// What a change is told as. Switching off is told as that, whatever else changed; switching on only where nothing
/// else did, for whoever watches for channels that are led elsewhere.
fn deed_of(document: &Document, before: Option<&Channel>, after: &Channel) -> Deed {
    let was_enabled = document.body["enabled"] != json!(false);
    let is_same = before.is_some_and(|before| Channel { enabled: after.enabled, ..before.clone() } == *after);
    match (was_enabled, after.enabled) {
        (true, false) => Deed::ChannelDisable,
        (false, true) if is_same => Deed::ChannelEnable,
        _ => Deed::ChannelUpdate,
    }
}

fn cursor(text: &str) -> Result<(Timestamp, &str), Failure> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id)));
    let (at, id) = parts.ok_or_else(|| Failure::new(Code::BadCursor, "the cursor was not made by this route"))?;
    Ok((Timestamp::from_micros(at), id))
}

/// The channel as who has just made or changed it sees it.
async fn found(app: &App, account: &AccountName, id: &str) -> Result<whodid_api::Channel, Failure> {
    let document = documents::find(app, account, DocumentKind::Channel, id, ONE).await?;
    shown(app, account, &document, Sees::ALL).await
}

async fn store(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    id: &str,
    channel: &Channel,
    expected: Expected,
    told: Told,
) -> Result<(), Failure> {
    // All of it is sealed; what may be shown stands beside it.
    let whole = serde_json::to_string(channel).map_err(|error| Failure::internal("writing a channel", &error))?;
    let change = documents::change(DocumentKind::Channel, id, Some(json!(channel.masked())), expected);
    documents::store(app, caller, account, documents::with_secret(change, whole), told).await
}

fn refuse_unfit(app: &App, channel: &Channel) -> Result<(), Failure> {
    let mut faults = super::delivering::faults(app.sender()?, channel);
    if matches!(channel.receiver, whodid_alerts::Receiver::Email(_)) && app.config.receivers.mail.is_none() {
        faults.push("whodid knows no mail server; the operator sets `mail.host` and `mail.from`".to_owned());
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::new(Code::UnusableChannel, faults.join("; "))) }
}

fn configured(asked: &ChannelWrite) -> Result<Channel, Failure> {
    let whole = json!({
        "name": asked.name,
        "description": asked.description,
        "enabled": asked.is_enabled,
        "severities": asked.severities,
        "sources": asked.sources,
        "rate_limit": asked.rate_limit,
        "time_zone": asked.time_zone,
        "receiver": asked.receiver,
    });
    serde_json::from_value(whole).map_err(|error| Failure::new(Code::BadJson, error.to_string()))
}

async fn shown(
    app: &App,
    account: &AccountName,
    document: &Document,
    sees: Sees,
) -> Result<whodid_api::Channel, Failure> {
    let last = app.meta.deliveries(account, Some(&document.id), None, 1).await?;
    let write = written(document, sees)?;
    Ok(whodid_api::Channel {
        id: document.id.clone(),
        name: write.name,
        description: write.description,
        is_enabled: write.is_enabled,
        severities: write.severities,
        sources: write.sources,
        rate_limit: write.rate_limit,
        time_zone: write.time_zone,
        receiver: write.receiver,
        revision: document.revision,
        created_at: document.created_at.to_string(),
        created_by: document.created_by.clone(),
        last_delivery: last.first().map(|row| sees.of_delivery(row)),
    })
}

/// What is stored of a channel, as it is written: secrets masked, without what is not seen.
fn written(document: &Document, sees: Sees) -> Result<ChannelWrite, Failure> {
    let mut whole = document.body.clone();
    if let Some(receiver) = whole.get_mut("receiver") {
        sees.of_receiver(receiver);
    }
    let damaged = || Failure::new(Code::Internal, "a stored channel cannot be read");
    let members = whole.as_object_mut().ok_or_else(damaged)?;
    let enabled = members.remove("enabled").unwrap_or(Value::Bool(true));
    members.insert("is_enabled".to_owned(), enabled);
    serde_json::from_value(whole).map_err(|_| damaged())
}

/// What a delivery tells, from its row.
pub fn moment(row: &DeliveryRow) -> String {
    row.body["notice"]["event"].as_str().unwrap_or_default().to_owned()
}

fn shown_delivery(row: &DeliveryRow) -> Delivery {
    let notice = serde_json::from_value::<Notice>(row.body["notice"].clone());
    let attempts = row.body["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Delivery {
        id: row.id.clone(),
        alert: row.alert.clone(),
        moment: moment(row),
        summary: notice.map(|notice| notice.headline()).unwrap_or_default(),
        state: row.state.as_str().to_owned(),
        created_at: row.created_at.to_string(),
        due_at: row.due_at.map(|at: Timestamp| at.to_string()),
        attempts: attempts
            .iter()
            .map(|attempt| DeliveryAttempt {
                at: text(&attempt["at"]),
                outcome: text(&attempt["outcome"]),
                status: attempt["status"].as_u64().and_then(|status| u16::try_from(status).ok()),
                answer: text(&attempt["answer"]),
                took_ms: attempt["took_ms"].as_u64().unwrap_or_default(),
            })
            .collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn document(body: Value) -> Document {
        Document {
            id: "c".to_owned(),
            body,
            secret: None,
            revision: 1,
            created_at: Timestamp::default(),
            created_by: String::new(),
            updated_at: Timestamp::default(),
            updated_by: String::new(),
        }
    }

    fn channel(is_enabled: bool, url: &str) -> Channel {
        let receiver = json!({"type": "webhook", "url": url});
        serde_json::from_value(json!({"name": "ops", "enabled": is_enabled, "receiver": receiver})).unwrap()
    }

    #[test]
    fn switching_off_is_told_as_that_whatever_else_changed_and_switching_on_only_where_nothing_did() {
        let (here, there) = ("https://a.example.com/", "https://b.example.com/");
        let deed = |before: Channel, after: Channel| deed_of(&document(json!(before)), Some(&before), &after);
        assert_eq!(deed(channel(true, here), channel(false, here)), Deed::ChannelDisable);
        assert_eq!(deed(channel(true, here), channel(false, there)), Deed::ChannelDisable);
        assert_eq!(deed(channel(false, here), channel(true, here)), Deed::ChannelEnable);
        assert_eq!(deed(channel(false, here), channel(true, there)), Deed::ChannelUpdate);
        assert_eq!(deed(channel(true, here), channel(true, there)), Deed::ChannelUpdate);
        // Its secrets cannot be read any more.
        let damaged = document(json!(channel(true, here)));
        assert_eq!(deed_of(&damaged, None, &channel(false, here)), Deed::ChannelDisable);
    }

    #[test]
    fn who_does_not_manage_channels_sees_of_a_webhook_the_host_alone() {
        let reader = Sees { whole: false, words: true };
        let shown = |mut receiver: Value, sees: Sees| {
            sees.of_receiver(&mut receiver);
            receiver
        };
        let url = "https://hooks.example.com/T0/very-secret?key=1";
        let webhook = json!({"type": "webhook", "url": url, "body_template": "a secret too"});
        assert_eq!(shown(webhook.clone(), Sees::ALL), webhook);
        assert_eq!(shown(webhook, reader), json!({"type": "webhook", "url": "https://hooks.example.com/…=1"}));
        let syslog = json!({"type": "syslog", "host": "siem.example.com", "port": 6514, "transport": "tls"});
        assert_eq!(shown(syslog.clone(), reader), syslog);
    }
}
