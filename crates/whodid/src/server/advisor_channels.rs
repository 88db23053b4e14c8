//! Channels as Security Advisor's clients make them. They are the account's channels, webhooks that sign with a JWT; what
//! this form does not have (headers, templates, limits) is left as it is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use whodid_alerts::channel::{ALL, RATE_LIMIT_DEFAULT};
use whodid_api::{
    AdvisorAlertSource, AdvisorChannel, AdvisorChannelDone, AdvisorChannelGone, AdvisorChannelList,
    AdvisorChannelParams, AdvisorChannelShown, AdvisorChannelTest, AdvisorChannelType, AdvisorChannelWrite,
    AdvisorChannelsGone, AdvisorPublicKey, AdvisorSeverities, AdvisorSeverity, Channel, ChannelSource, ChannelWrite,
    Code, Level, Receiver, WebhookMethod, WebhookSigning,
};
use whodid_model::AccountName;
use whodid_model::access::Permission;

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::channels;
use super::failure::Failure;
use super::params::{NoParams, Params, Segments};
use super::search::limit;

/// Providers of Security Advisor that looked at other things than events: a channel for them would stay silent.
const ELSEWHERE: [&str; 3] = ["VA", "NA", "CERT"];
/// Most channels that are deleted together.
const TOGETHER_MAX: usize = 200;

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments(account): Segments<String>,
    Params(params): Params<AdvisorChannelParams>,
) -> Result<Json<AdvisorChannelList>, Failure> {
    let (_, all) = channels::all(&app, &caller, Some(&account)).await?;
    let most = limit(params.limit, 1000, 1000, "limit")?;
    let skip = params.skip.unwrap_or_default() as usize;
    let channels = all.iter().filter_map(shown).skip(skip).take(most).collect();
    Ok(Json(AdvisorChannelList { channels }))
}

pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, id)): Segments<(String, String)>,
    Params(_): Params<NoParams>,
) -> Result<Json<AdvisorChannelShown>, Failure> {
    let (_, all) = channels::all(&app, &caller, Some(&account)).await?;
    let channel = all.iter().find(|channel| channel.id == id).and_then(shown).ok_or_else(|| none(&id))?;
    Ok(Json(AdvisorChannelShown { channel }))
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments(account): Segments<String>,
    Params(_): Params<NoParams>,
    asked: Asked<AdvisorChannelWrite>,
) -> Result<Json<AdvisorChannelDone>, Failure> {
    caller.attempt.is_about("", asked.peek().map_or("", |asked| asked.name.as_str()));
    let account = caller.manages(Permission::ChannelsManage, Some(&account))?;
    let asked = asked.read()?;
    let receiver = Receiver::Webhook {
        url: asked.endpoint.clone(),
        method: WebhookMethod::Post,
        headers: std::collections::BTreeMap::new(),
        body_template: None,
        signing: WebhookSigning::Jwt {},
    };
    let whole = ChannelWrite {
        name: String::new(),
        description: String::new(),
        is_enabled: false,
        severities: Vec::new(),
        sources: Vec::new(),
        rate_limit: RATE_LIMIT_DEFAULT,
        time_zone: "UTC".to_owned(),
        receiver,
    };
    let id = channels::make(&app, &caller, &account, &filled(whole, asked)?).await?;
    Ok(done(id))
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, id)): Segments<(String, String)>,
    Params(_): Params<NoParams>,
    asked: Asked<AdvisorChannelWrite>,
) -> Result<Json<AdvisorChannelDone>, Failure> {
    let account = caller.manages(Permission::ChannelsManage, Some(&account))?;
    let asked = asked.read()?;
    let edit = |whole: ChannelWrite| match &whole.receiver {
        Receiver::Webhook { .. } => filled(whole, asked),
        _ => Err(none(&id)),
    };
    channels::change(&app, &caller, &account, &id, edit).await?;
    Ok(done(id))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, id)): Segments<(String, String)>,
    Params(_): Params<NoParams>,
) -> Result<Json<AdvisorChannelGone>, Failure> {
    let account = caller.manages(Permission::ChannelsManage, Some(&account))?;
    refuse_unknown(&app, &caller, &account, std::slice::from_ref(&id)).await?;
    channels::remove(&app, &caller, &account, std::slice::from_ref(&id)).await?;
    Ok(Json(AdvisorChannelGone { channel_id: id, message: "the channel is deleted".to_owned() }))
}

pub async fn delete_all(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments(account): Segments<String>,
    Params(_): Params<NoParams>,
    asked: Asked<Vec<String>>,
) -> Result<Json<AdvisorChannelsGone>, Failure> {
    // Not about the last word of the path.
    caller.attempt.is_about("", "");
    let account = caller.manages(Permission::ChannelsManage, Some(&account))?;
    let mut ids = asked.read()?;
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > TOGETHER_MAX {
        return Err(Failure::new(Code::BadJson, format!("at most {TOGETHER_MAX} channels are deleted together")));
    }
    refuse_unknown(&app, &caller, &account, &ids).await?;
    channels::remove(&app, &caller, &account, &ids).await?;
    Ok(Json(AdvisorChannelsGone { message: format!("{} channels are deleted", ids.len()) }))
}

pub async fn test(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, id)): Segments<(String, String)>,
    Params(_): Params<NoParams>,
) -> Result<Json<AdvisorChannelTest>, Failure> {
    caller.attempt.is_about(&id, "");
    let account = caller.manages(Permission::ChannelsManage, Some(&account))?;
    caller.refuse_session("a GET that sends something takes a key; pages use `POST /api/v1/channels/{id}/test`")?;
    refuse_unknown(&app, &caller, &account, std::slice::from_ref(&id)).await?;
    let tried = channels::try_once(&app, &caller, &account, &id).await?;
    let test = if tried.state == "delivered" { "success" } else { "failed" };
    let last = tried.attempts.last();
    let message = match last.and_then(|attempt| attempt.status) {
        Some(status) => format!("the receiver answered {status}"),
        None => last.map(|attempt| attempt.answer.clone()).unwrap_or_default(),
    };
    Ok(Json(AdvisorChannelTest { test: test.to_owned(), message }))
}

pub async fn public_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments(account): Segments<String>,
    Params(_): Params<NoParams>,
) -> Result<Json<AdvisorPublicKey>, Failure> {
    caller.needs_one_of(Permission::AlertsRead, &channels::ALSO_SEE, Some(&account))?;
    Ok(Json(AdvisorPublicKey { public_key: app.notice_key()?.public().pem.clone() }))
}

fn done(channel_id: String) -> Json<AdvisorChannelDone> {
    Json(AdvisorChannelDone { channel_id, status_code: 200, status_code_of_manual: 200 })
}

fn none(id: &str) -> Failure {
    Failure::new(Code::NotFound, format!("the account has no webhook channel `{id}`"))
}

async fn refuse_unknown(app: &App, caller: &Caller, account: &AccountName, ids: &[String]) -> Result<(), Failure> {
    let (_, all) = channels::all(app, caller, Some(account.as_str())).await?;
    let is_known = |id: &String| all.iter().any(|channel| channel.id == *id && shown(channel).is_some());
    let Some(strange) = ids.iter().find(|id| !is_known(id)) else { return Ok(()) };
    caller.attempt.is_about(strange, "");
    Err(none(strange))
}

/// A channel with what is asked for, the rest as it is.
fn filled(whole: ChannelWrite, asked: AdvisorChannelWrite) -> Result<ChannelWrite, Failure> {
    let names_all = asked.alert_source.iter().any(|source| source.provider_name == ALL);
    if names_all && asked.alert_source.len() > 1 {
        let detail = "`alert_source`: the provider `ALL` stands for every other; name it alone, or only the others";
        return Err(Failure::new(Code::BadJson, detail));
    }
    let types = |source: &AdvisorAlertSource| source.finding_types.iter().any(|one| one != ALL);
    if names_all && asked.alert_source.iter().any(types) {
        let detail = "`alert_source`: of the provider `ALL` there are no `finding_types` but `ALL`; leave them out";
        return Err(Failure::new(Code::BadJson, detail));
    }
    if let Some(source) = asked.alert_source.iter().find(|source| ELSEWHERE.contains(&source.provider_name.as_str())) {
        let detail = format!(
            "`alert_source`: nothing here finds what `{}` found (images, networks and certificates, not events); leave it out",
            source.provider_name
        );
        return Err(Failure::new(Code::BadJson, detail));
    }
    let mut receiver = whole.receiver;
    if let Receiver::Webhook { url, .. } = &mut receiver {
        *url = asked.endpoint;
    }
    let sources = asked.alert_source.into_iter();
    // Informational ones this form does not have; who has them keeps them.
    let others = whole.severities.into_iter().filter(|level| *level == Level::Informational);
    Ok(ChannelWrite {
        name: asked.name,
        description: asked.description,
        is_enabled: asked.enabled,
        severities: others.chain(asked.severity.into_iter().map(level)).collect(),
        sources: sources
            .map(|source| ChannelSource { provider: source.provider_name, finding_types: source.finding_types })
            .collect(),
        receiver,
        ..whole
    })
}

fn level(severity: AdvisorSeverity) -> Level {
    match severity {
        AdvisorSeverity::Low => Level::Low,
        AdvisorSeverity::Medium => Level::Medium,
        AdvisorSeverity::High => Level::High,
        AdvisorSeverity::Critical => Level::Critical,
    }
}

/// A channel in this form; `None` where it leads elsewhere.
fn shown(channel: &Channel) -> Option<AdvisorChannel> {
    let Receiver::Webhook { url, .. } = &channel.receiver else { return None };
    let has = |level: Level| channel.severities.contains(&level);
    let sources = channel.sources.iter();
    let alert_source: Vec<AdvisorAlertSource> = sources
        .map(|source| AdvisorAlertSource {
            provider_name: source.provider.clone(),
            finding_types: source.finding_types.clone(),
        })
        .collect();
    Some(AdvisorChannel {
        channel_id: channel.id.clone(),
        name: channel.name.clone(),
        description: channel.description.clone(),
        r#type: AdvisorChannelType::Webhook,
        severity: AdvisorSeverities {
            critical: has(Level::Critical),
            high: has(Level::High),
            medium: has(Level::Medium),
            low: has(Level::Low),
        },
        endpoint: url.clone(),
        enabled: channel.is_enabled,
        alert_source_of_manual: alert_source.clone(),
        alert_source,
    })
}

impl super::asked::Ask for AdvisorChannelWrite {
    // An address may hold a secret.
    fn told(&self) -> Option<Value> {
        None
    }
}

impl super::asked::Ask for Vec<String> {
    fn told(&self) -> Option<Value> {
        Some(serde_json::json!({ "ids": self }))
    }
}
