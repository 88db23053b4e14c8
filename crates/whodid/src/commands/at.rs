//! `whodid at …`: the verbs of the old Activity Tracker's command line.

use std::io::{IsTerminal, Write};

use reqwest::Method;
use serde_json::{Value, json};

use super::events::save;
use super::rights::{ask, given};
use crate::cli::ClientFlags;
use crate::cli::at::{AtSessionVerb, AtVerb, DaysFlags, DomainFlags};
use crate::client::{Client, Pairs, segment};
use crate::output::{self, Column, Output};
use crate::{End, Usage};

const DAYS: [Column; 5] =
    [("date", "/date"), ("count", "/count"), ("size", "/bytes"), ("types", "/types"), ("searchable", "/searchable")];
const SESSIONS: [Column; 7] = [
    ("id", "/id"),
    ("space", "/space"),
    ("username", "/username"),
    ("create-time", "/create_time"),
    ("access-time", "/access_time"),
    ("date-range", "/date_range"),
    ("type-account", "/account_level"),
];
const RETENTION: [Column; 2] = [("spaceid", "/spaceid"), ("retention", "/retention")];

pub async fn run(verb: AtVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        AtVerb::Status { client, days } => status(&client, &days, output).await,
        AtVerb::Session(verb) => session(verb, output).await,
        AtVerb::Download { client, session, file } => {
            let file = Some(file.as_path()).filter(|file| file.as_os_str() != "-");
            if file.is_none() && std::io::stdout().is_terminal() {
                return Err(Usage("the file is gzip, which no terminal shows: give -o FILE".to_owned()).into());
            }
            let path = format!("/api/v1/downloads/{}/content", segment(&session));
            save(&Client::new(&client)?, &path, &Vec::new(), file).await?;
            Ok(End::Done)
        }
        AtVerb::Delete { client, start, end, hour, domain, yes } => {
            let client = Client::new(&client)?;
            let mut pairs: Pairs = vec![("from", start), ("to", end)];
            pairs.extend(hour.search_time.map(|hour| ("hour", hour.to_string())));
            pairs.extend(of(&domain));
            if !yes && std::io::stdin().is_terminal() && !agreed(&client, &pairs).await? {
                output::note("nothing was removed");
                return Ok(End::Done);
            }
            let response = client.send(client.request(Method::DELETE, "/api/v1/events", &pairs)?).await?;
            let answer: Value = serde_json::from_str(&response.text().await?)?;
            output::object(output, &answer)?;
            Ok(End::Done)
        }
        AtVerb::Option { client, retention, at_account_level: _, space } => {
            let client = Client::new(&client)?;
            let answer = match retention {
                Some(days) => {
                    let body = given(&[("space", space.clone().map(Value::from)), ("days", Some(days.into()))]);
                    let set = ask(&client, Method::PATCH, "/api/v1/retention", Some(&body)).await?;
                    json!({ "retention": [set] })
                }
                None => client.get("/api/v1/retention", &Vec::new()).await?,
            };
            let all = answer["retention"].as_array().into_iter().flatten();
            let shown = all.filter(|one| space.is_none() || one["space"] == json!(space));
            let mut rows: Vec<Value> = shown
                .map(|one| json!({"spaceid": one["space"].as_str().unwrap_or("(account)"), "retention": one["days"]}))
                .collect();
            if let (true, Some(space)) = (rows.is_empty(), &space) {
                // A space without its own is kept as the account says.
                let of_account = &answer["retention"][0]["days"];
                rows.push(json!({"spaceid": space, "retention": of_account}));
            }
            output::rows(output, &RETENTION, &rows, &answer)?;
            Ok(End::Done)
        }
    }
}

fn of(domain: &DomainFlags) -> Pairs {
    let mut pairs: Pairs = domain.space.iter().map(|space| ("space", space.clone())).collect();
    if domain.at_account_level {
        pairs.push(("account_level", "true".to_owned()));
    }
    pairs
}

async fn status(client: &ClientFlags, days: &DaysFlags, output: Output) -> anyhow::Result<End> {
    let mut pairs: Pairs = days.start.iter().map(|day| ("from", day.clone())).collect();
    pairs.extend(days.end.iter().map(|day| ("to", day.clone())));
    pairs.extend(of(&days.domain));
    let answer = Client::new(client)?.get("/api/v1/days", &pairs).await?;
    let mut rows = answer["days"].as_array().cloned().unwrap_or_default();
    for row in &mut rows {
        let types: Vec<&str> = row["types"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        row["types"] = types.join(",").into();
        if row["searchable"] == "all" {
            row["searchable"] = "All".into();
        }
    }
    output::rows(output, &DAYS, &rows, &answer)?;
    if rows.is_empty() && output == Output::Table {
        output::note("no events are stored for these days");
    }
    Ok(End::Done)
}

/// Asks the person at the terminal.
async fn agreed(client: &Client, pairs: &Pairs) -> anyhow::Result<bool> {
    let mut pairs = pairs.clone();
    pairs.push(("dry_run", "true".to_owned()));
    let response = client.send(client.request(Method::DELETE, "/api/v1/events", &pairs)?).await?;
    let answer: Value = serde_json::from_str(&response.text().await?)?;
    let mut err = std::io::stderr().lock();
    write!(err, "{} events will be removed for good. Type yes to go on: ", answer["count"])?;
    err.flush()?;
    drop(err);
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}

async fn session(verb: AtSessionVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        AtSessionVerb::Create { client, days, hour } => {
            let body = given(&[
                ("from", days.start.map(Value::from)),
                ("to", days.end.map(Value::from)),
                ("hour", hour.search_time.map(Value::from)),
                ("space", days.domain.space.map(Value::from)),
                ("account_level", days.domain.at_account_level.then_some(Value::Bool(true))),
            ]);
            let made = ask(&Client::new(&client)?, Method::POST, "/api/v1/downloads", Some(&body)).await?;
            show(&made, output)
        }
        AtSessionVerb::List { client } => {
            let answer = Client::new(&client)?.get("/api/v1/downloads", &Vec::new()).await?;
            let sessions = answer["sessions"].as_array().into_iter().flatten();
            let rows: Vec<Value> = sessions.map(with_range).collect();
            output::rows(output, &SESSIONS, &rows, &answer)?;
            if rows.is_empty() && output == Output::Table {
                output::note("you have no download sessions; `whodid at session create` makes one");
            }
            Ok(End::Done)
        }
        AtSessionVerb::Show { client, id } => {
            let path = format!("/api/v1/downloads/{}", segment(&id));
            show(&Client::new(&client)?.get(&path, &Vec::new()).await?, output)
        }
        AtSessionVerb::Delete { client, id } => {
            let path = format!("/api/v1/downloads/{}", segment(&id));
            ask(&Client::new(&client)?, Method::DELETE, &path, None).await?;
            output::object(output, &json!({ "deleted": id }))?;
            Ok(End::Done)
        }
    }
}

/// The days in one member, with the hour where there is one.
fn with_range(session: &Value) -> Value {
    let mut session = session.clone();
    let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
    let hour = session["hour"].as_u64().map(|hour| format!(" {hour:02}:00")).unwrap_or_default();
    session["date_range"] = format!("{}..{}{hour}", text("from"), text("to")).into();
    session
}

fn show(session: &Value, output: Output) -> anyhow::Result<End> {
    if output == Output::Table {
        let row = with_range(session);
        let cell = |pointer: &str| match row.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        let mut members: Vec<(&str, String)> = SESSIONS.iter().map(|(name, pointer)| (*name, cell(pointer))).collect();
        members.push(("downloaded", cell("/downloaded_at")));
        output::members(&members)?;
    } else {
        output::object(output, session)?;
    }
    Ok(End::Done)
}
