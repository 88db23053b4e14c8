//! `whodid events …`

use std::io::Write;

use anyhow::Context;
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};

use super::send;
use crate::End;
use crate::cli::{EventsVerb, ExportFormat};
use crate::client::{Client, filter, pages, segment};
use crate::output::{self, Column, Output};
use crate::sse::{Message, Messages};

const EVENT_COLUMNS: [Column; 6] = [
    ("time", "/eventTime"),
    ("who", "/initiator/name"),
    ("did", "/action"),
    ("on", "/target/name"),
    ("outcome", "/outcome"),
    ("record", "/record/id"),
];

pub async fn run(verb: EventsVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        EventsVerb::Search { client, filter: flags, limit, order } => {
            let client = Client::new(&client)?;
            let mut pairs = filter(&flags);
            pairs.push(("order", order.as_str().to_owned()));
            let (rows, next) = pages(&client, "/api/v1/events", &pairs, "events", limit.max(1)).await?;
            output::rows(output, &EVENT_COLUMNS, &rows, &json!({ "events": rows, "next_cursor": next }))?;
            if next.is_some() {
                let shown = rows.len();
                output::note(&format!("{shown} events shown, there are more: --limit shows more, `events export` all"));
            }
        }
        EventsVerb::Count { client, filter: flags } => {
            let answer = Client::new(&client)?.get("/api/v1/events/count", &filter(&flags)).await?;
            output::object(output, &answer)?;
        }
        EventsVerb::Top { client, field, filter: flags, limit } => {
            let mut pairs = filter(&flags);
            pairs.push(("field", field));
            pairs.push(("limit", limit.to_string()));
            let answer = Client::new(&client)?.get("/api/v1/events/top", &pairs).await?;
            let rows = answer["values"].as_array().cloned().unwrap_or_default();
            output::rows(output, &[("value", "/value"), ("count", "/count")], &rows, &answer)?;
        }
        EventsVerb::Get { client, id } => {
            let event = Client::new(&client)?.get(&format!("/api/v1/events/{}", segment(&id)), &Vec::new()).await?;
            match output {
                Output::Table => print_event(&event)?,
                other => output::rows(other, &EVENT_COLUMNS, std::slice::from_ref(&event), &event)?,
            }
        }
        EventsVerb::Tail { client, filter: flags } => {
            tail(&Client::new(&client)?, &filter(&flags.into()), output).await?
        }
        EventsVerb::Send(flags) => return send::run(&flags, output).await,
        EventsVerb::Export { client, filter: flags, format, columns, order, file } => {
            let mut pairs = filter(&flags);
            let format = match format {
                ExportFormat::Ndjson => "ndjson",
                ExportFormat::Csv => "csv",
                ExportFormat::Cadf => "cadf",
                ExportFormat::IbmAt => "ibm-at",
            };
            pairs.push(("format", format.to_owned()));
            pairs.push(("order", order.as_str().to_owned()));
            pairs.extend(columns.map(|columns| ("columns", columns)));
            export(&Client::new(&client)?, &pairs, file.as_deref()).await?;
        }
    }
    Ok(End::Done)
}

/// The sentence, then every named member on a line.
fn print_event(event: &Value) -> std::io::Result<()> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut shown: Vec<(&str, String)> = Vec::new();
    for (name, pointer) in [
        ("summary", "/record/summary"),
        ("record", "/record/id"),
        ("id", "/id"),
        ("time", "/eventTime"),
        ("recorded", "/record/recorded_at"),
        ("initiator", "/initiator/name"),
        ("initiator id", "/initiator/id"),
        ("address", "/initiator/host/address"),
        ("agent", "/initiator/host/agent"),
        ("action", "/action"),
        ("cadf action", "/cadf/action"),
        ("target", "/target/name"),
        ("target id", "/target/id"),
        ("target type", "/target/typeURI"),
        ("outcome", "/outcome"),
        ("reason", "/reason/reasonType"),
        ("severity", "/severity"),
        ("region", "/record/region"),
        ("source", "/record/source"),
    ] {
        let value = text(pointer);
        if !value.is_empty() {
            shown.push((name, value));
        }
    }
    let related = event["related"].as_array().map(Vec::len).unwrap_or_default();
    if related > 0 {
        shown.push(("related", related.to_string()));
    }
    output::members(&shown)
}

async fn export(client: &Client, pairs: &crate::client::Pairs, file: Option<&std::path::Path>) -> anyhow::Result<()> {
    let response = client.send(client.request(Method::GET, "/api/v1/export", pairs)?).await?;
    let mut chunks = response.bytes_stream();
    let mut out: Box<dyn Write + Send> = match file {
        Some(path) => {
            Box::new(std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => Box::new(std::io::stdout()),
    };
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.context("the export broke off before its end; what was written is not complete")?;
        out.write_all(&chunk)?;
    }
    out.flush()?;
    Ok(())
}

async fn tail(client: &Client, pairs: &crate::client::Pairs, output: Output) -> anyhow::Result<()> {
    let response = client.send(client.request(Method::GET, "/api/v1/events/tail", pairs)?).await?;
    let mut chunks = response.bytes_stream();
    let mut messages = Messages::default();
    while let Some(chunk) = chunks.next().await {
        for message in messages.push(&chunk.context("the connection to the server broke")?)? {
            show(&message, output)?;
        }
    }
    anyhow::bail!("the server ended the tail: it stops, or the key was revoked")
}

/// Prints one server-sent message.
fn show(message: &Message, output: Output) -> anyhow::Result<()> {
    if message.event == "lagged" {
        output::note("some events were left out: this reader is too slow");
        return Ok(());
    }
    if output != Output::Table {
        // A line break in JSON stands between its parts; a space means the same and keeps an event on its line.
        output::line(&message.data.replace('\n', " "))?;
        return Ok(());
    }
    let event: Value = serde_json::from_str(&message.data).context("the server sent an event that is not JSON")?;
    let time = event["eventTime"].as_str().unwrap_or_default();
    let summary = event.pointer("/record/summary").and_then(Value::as_str).unwrap_or_default();
    let clean: String = summary.chars().filter(|shown| !shown.is_control()).collect();
    output::line(&format!("{time}  {clean}"))?;
    Ok(())
}
