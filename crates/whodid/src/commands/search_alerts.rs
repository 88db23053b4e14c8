//! `whodid search-alerts …` and `whodid presets …`: what is handled as JSON, by name or id.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::ClientFlags;
use crate::cli::search_alerts::{NamedFlags, PresetsVerb, SearchAlertsVerb};
use crate::client::{Client, segment};
use crate::output::{self, Output};
use crate::{End, Usage};

/// A list of things that have names.
struct Kind {
    path: &'static str,
    member: &'static str,
    /// Where a thing's name is.
    name: &'static str,
    one: &'static str,
}

const SEARCHES: Kind = Kind {
    path: "/api/v1/search-alerts",
    member: "search_alerts",
    name: "/search_alert/name",
    one: "alert on a search",
};
const PRESETS: Kind = Kind { path: "/api/v1/presets", member: "presets", name: "/name", one: "preset" };

/// Runs `whodid search-alerts`.
pub async fn run(verb: SearchAlertsVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        SearchAlertsVerb::List(client) => {
            let answer = Client::new(&client)?.get(SEARCHES.path, &Vec::new()).await?;
            let rows = answer[SEARCHES.member].as_array().cloned().unwrap_or_default();
            let columns = [
                ("id", "/id"),
                ("name", "/search_alert/name"),
                ("search", "/search_alert/q"),
                ("severity", "/search_alert/severity"),
                ("enabled", "/search_alert/is_enabled"),
                ("last match", "/last_match_at"),
                ("last told", "/last_fired_at"),
            ];
            output::rows(output, &columns, &rows, &answer)?;
        }
        SearchAlertsVerb::Create { client, file } => create(&SEARCHES, &client, &file, output).await?,
        SearchAlertsVerb::Enable(named) => switch(&named, true, output).await?,
        SearchAlertsVerb::Disable(named) => switch(&named, false, output).await?,
        SearchAlertsVerb::Delete(named) => delete(&SEARCHES, &named, output).await?,
    }
    Ok(End::Done)
}

/// Runs `whodid presets`.
pub async fn presets(verb: PresetsVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        PresetsVerb::List(client) => {
            let answer = Client::new(&client)?.get(PRESETS.path, &Vec::new()).await?;
            let rows = answer[PRESETS.member].as_array().cloned().unwrap_or_default();
            let columns = [("id", "/id"), ("name", "/name"), ("channels", "/channels"), ("used by", "/used_by")];
            output::rows(output, &columns, &rows, &answer)?;
        }
        PresetsVerb::Create { client, file } => create(&PRESETS, &client, &file, output).await?,
        PresetsVerb::Delete(named) => delete(&PRESETS, &named, output).await?,
    }
    Ok(End::Done)
}

async fn create(kind: &Kind, client: &ClientFlags, file: &Path, output: Output) -> anyhow::Result<()> {
    let body = read_json(file)?;
    let client = Client::new(client)?;
    let request = client.request(Method::POST, kind.path, &Vec::new())?;
    let made: Value = client.send(request.json(&body)).await?.json().await?;
    output::object(output, &made)?;
    Ok(())
}

async fn switch(named: &NamedFlags, is_enabled: bool, output: Output) -> anyhow::Result<()> {
    let (client, found) = find(&SEARCHES, named).await?;
    let mut asked = found["search_alert"].clone();
    asked["is_enabled"] = json!(is_enabled);
    let request = client.request(Method::PATCH, &path(&SEARCHES, &found), &Vec::new())?;
    let changed: Value = client.send(request.json(&asked)).await?.json().await?;
    output::object(output, &changed)?;
    Ok(())
}

async fn delete(kind: &Kind, named: &NamedFlags, output: Output) -> anyhow::Result<()> {
    let (client, found) = find(kind, named).await?;
    client.send(client.request(Method::DELETE, &path(kind, &found), &Vec::new())?).await?;
    output::object(output, &json!({"id": found["id"], "deleted": true}))?;
    Ok(())
}

fn path(kind: &Kind, found: &Value) -> String {
    format!("{}/{}", kind.path, segment(found["id"].as_str().unwrap_or_default()))
}

/// What is given by its id or its name.
async fn find(kind: &Kind, named: &NamedFlags) -> anyhow::Result<(Client, Value)> {
    let client = Client::new(&named.client)?;
    let answer = client.get(kind.path, &Vec::new()).await?;
    let all = answer[kind.member].as_array().map(Vec::as_slice).unwrap_or_default();
    let name = named.name.as_str();
    let found = all.iter().find(|one| one["id"] == name || one.pointer(kind.name).is_some_and(|is| is == name));
    let found = found.with_context(|| format!("there is no {} {name:?}; `list` shows what there is", kind.one))?;
    Ok((client, found.clone()))
}

/// The JSON in a file; `-` is standard input.
pub fn read_json(file: &Path) -> anyhow::Result<Value> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).context("reading standard input")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    }
    Ok(serde_json::from_str(&text).map_err(|error| Usage(format!("{} is no JSON: {error}", file.display())))?)
}
