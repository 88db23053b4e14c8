//! `whodid alerts …`, `whodid channels …`, `whodid findings`.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};

use crate::End;
use crate::cli::ClientFlags;
use crate::cli::alerts::{AlertFlags, AlertsVerb, ChannelFlags, ChannelsVerb, FindingsFlags};
use crate::client::{Client, Pairs, pages, segment};
use crate::output::{self, Output};

/// Runs `whodid alerts`.
pub async fn run(verb: AlertsVerb, output: Output) -> anyhow::Result<End> {
    let (alert, act) = match verb {
        AlertsVerb::List(flags) => {
            let client = Client::new(&flags.client)?;
            let optional = [
                ("status", Some(flags.status).filter(|status| status != "all")),
                ("severity", flags.severity),
                ("assignee", flags.assignee),
                ("rule", flags.rule),
                ("from", flags.from),
                ("to", flags.to),
            ];
            let pairs: Pairs = optional.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            let (rows, next) = pages(&client, "/api/v1/alerts", &pairs, "alerts", flags.limit).await?;
            let columns = [
                ("id", "/id"),
                ("severity", "/severity"),
                ("status", "/status"),
                ("opened", "/opened_at"),
                ("last", "/last_at"),
                ("findings", "/findings"),
                ("assignee", "/assignee_name"),
                ("sentence", "/sentence"),
            ];
            output::rows(output, &columns, &rows, &json!({ "alerts": rows, "next_cursor": next }))?;
            if next.is_some() {
                output::note(&format!("{} alerts shown, there are more: --limit shows more", rows.len()));
            }
            return Ok(End::Done);
        }
        AlertsVerb::Show(alert) => {
            let path = format!("/api/v1/alerts/{}", segment(&alert.id));
            let detail = Client::new(&alert.client)?.get(&path, &Vec::new()).await?;
            show(output, &detail)?;
            return Ok(End::Done);
        }
        AlertsVerb::Ack(alert) => (alert, json!({"act": "acknowledge"})),
        AlertsVerb::Assign { alert, to } => (alert, json!({"act": "assign", "to": to})),
        AlertsVerb::Note { alert, text } => (alert, json!({"act": "note", "text": text})),
        AlertsVerb::Resolve { alert, reason } => (alert, json!({"act": "resolve", "reason": reason})),
        AlertsVerb::Reopen(alert) => (alert, json!({"act": "reopen"})),
        AlertsVerb::Silence { alert, until, reason } => {
            (alert, json!({"act": "silence", "until": until, "reason": reason}))
        }
    };
    let detail = act_on(&alert, &act).await?;
    show(output, &detail)?;
    Ok(End::Done)
}

async fn act_on(alert: &AlertFlags, act: &Value) -> anyhow::Result<Value> {
    let client = Client::new(&alert.client)?;
    let path = format!("/api/v1/alerts/{}/acts", segment(&alert.id));
    Ok(client.send(client.request(Method::POST, &path, &Vec::new())?.json(act)).await?.json().await?)
}

fn show(output: Output, detail: &Value) -> std::io::Result<()> {
    if output != Output::Table {
        return output::object(output, detail);
    }
    let mut shown = detail["alert"].clone();
    if detail["rule_version"].is_string() {
        shown["rule_version"] = detail["rule_version"].clone();
    }
    output::object(output, &shown)?;
    let empty = Vec::new();
    for entry in detail["history"].as_array().unwrap_or(&empty) {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let by = entry["by"].as_str().unwrap_or("whodid");
        output::line(format!("{}  {by} {} {}", text("at"), text("act"), text("detail")).trim_end())?;
    }
    for note in detail["notes"].as_array().unwrap_or(&empty) {
        let text = |name: &str| note[name].as_str().unwrap_or_default();
        output::line(&format!("{}  {} wrote: {}", text("at"), text("by"), text("text")))?;
    }
    let evidence = detail["evidence"].as_array().unwrap_or(&empty).iter().filter_map(Value::as_str);
    let evidence: Vec<&str> = evidence.collect();
    if evidence.is_empty() { Ok(()) } else { output::line(&format!("evidence: {}", evidence.join(", "))) }
}

/// Runs `whodid channels`.
pub async fn channels(verb: ChannelsVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        ChannelsVerb::List(client) => {
            let answer = Client::new(&client)?.get("/api/v1/channels", &Vec::new()).await?;
            let rows = answer["channels"].as_array().cloned().unwrap_or_default();
            let columns = [
                ("id", "/id"),
                ("name", "/name"),
                ("receiver", "/receiver/type"),
                ("enabled", "/is_enabled"),
                ("severities", "/severities"),
                ("last told", "/last_delivery/created_at"),
                ("state", "/last_delivery/state"),
            ];
            output::rows(output, &columns, &rows, &answer)?;
        }
        ChannelsVerb::Create { client, file } => {
            let body = super::search_alerts::read_json(&file)?;
            let client = Client::new(&client)?;
            let request = client.request(Method::POST, "/api/v1/channels", &Vec::new())?;
            let made: Value = client.send(request.json(&body)).await?.json().await?;
            output::object(output, &made)?;
        }
        ChannelsVerb::Test(channel) => {
            let (client, path) = of(&channel).await?;
            let request = client.request(Method::POST, &format!("{path}/test"), &Vec::new())?;
            let tried: Value = client.send(request).await?.json().await?;
            let first = &tried["attempts"][0];
            if output == Output::Table {
                let status = first["status"].as_u64().map(|status| format!(" {status}")).unwrap_or_default();
                let (state, answer) = (tried["state"].as_str(), first["answer"].as_str());
                output::line(
                    format!("{}{status}: {}", state.unwrap_or_default(), answer.unwrap_or_default()).trim_end(),
                )?;
            } else {
                output::object(output, &tried)?;
            }
            return Ok(if tried["state"] == "delivered" { End::Done } else { End::Found });
        }
        ChannelsVerb::Deliveries(channel) => {
            let (client, path) = of(&channel).await?;
            let answer = client.get(&format!("{path}/deliveries"), &Vec::new()).await?;
            let rows = answer["deliveries"].as_array().cloned().unwrap_or_default();
            let columns = [
                ("created", "/created_at"),
                ("state", "/state"),
                ("moment", "/moment"),
                ("summary", "/summary"),
                ("due", "/due_at"),
                ("tries", "/attempts"),
            ];
            output::rows(output, &columns, &rows, &answer)?;
        }
        ChannelsVerb::Delete(channel) => {
            let (client, path) = of(&channel).await?;
            client.send(client.request(Method::DELETE, &path, &Vec::new())?).await?;
            output::object(output, &json!({"channel": channel.channel, "deleted": true}))?;
        }
    }
    Ok(End::Done)
}

/// The path of a channel that is given by its id or its name.
async fn of(channel: &ChannelFlags) -> anyhow::Result<(Client, String)> {
    let client = Client::new(&channel.client)?;
    let answer = client.get("/api/v1/channels", &Vec::new()).await?;
    let channels = answer["channels"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found =
        channels.iter().find(|one| one["id"] == channel.channel.as_str() || one["name"] == channel.channel.as_str());
    let id = found.and_then(|one| one["id"].as_str()).with_context(|| {
        format!("there is no channel {:?}; `whodid channels list` shows what there is", channel.channel)
    })?;
    let path = format!("/api/v1/channels/{}", segment(id));
    Ok((client, path))
}

/// Runs `whodid findings`.
pub async fn findings(flags: &FindingsFlags, output: Output) -> anyhow::Result<End> {
    let client = Client::new(&flags.client)?;
    let mut query = "action:===whodid.finding.create".to_owned();
    if let Some(rule) = &flags.rule {
        query.push_str(&format!(" requestData.ruleId:==={}", whodid_query::quoted(rule)));
    }
    let mut pairs: Pairs = vec![("stream", "findings".to_owned()), ("q", query), ("from", flags.from.clone())];
    pairs.extend(flags.to.clone().map(|to| ("to", to)));
    let (rows, next) = pages(&client, "/api/v1/events", &pairs, "events", flags.limit).await?;
    let columns = [
        ("time", "/eventTime"),
        ("level", "/requestData/level"),
        ("rule", "/requestData/ruleId"),
        // The exception that keeps it from being told.
        ("silenced", "/requestData/silencedBy"),
        ("sentence", "/message"),
        ("evidence", "/requestData/evidence"),
    ];
    output::rows(output, &columns, &rows, &json!({ "findings": rows, "next_cursor": next }))?;
    if next.is_some() {
        output::note(&format!("{} findings shown, there are more: --limit shows more", rows.len()));
    }
    Ok(End::Done)
}

/// Changes one rule or package through the server and shows it.
pub async fn change(client: &ClientFlags, path: &str, body: &Value, output: Output) -> anyhow::Result<End> {
    let client = Client::new(client)?;
    let changed: Value =
        client.send(client.request(Method::PATCH, path, &Vec::new())?.json(body)).await?.json().await?;
    output::object(output, changed.get("rule").unwrap_or(&changed))?;
    Ok(End::Done)
}
