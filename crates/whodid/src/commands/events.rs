//! `whodid events …`

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use whodid_api::Code;
use whodid_model::{Field, Outcome};
use whodid_query::{Expr, QueryError, Target, Term, Test};

use super::send;
use crate::End;
use crate::cli::{EventsVerb, ExportFormat};
use crate::client::{Client, Pairs, Refusal, filter, pages, segment};
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
    let query = match &verb {
        EventsVerb::Search { filter, .. }
        | EventsVerb::Count { filter, .. }
        | EventsVerb::Top { filter, .. }
        | EventsVerb::Export { filter, .. } => filter.query.clone(),
        EventsVerb::Tail { filter, .. } => filter.query.clone(),
        EventsVerb::Get { .. } | EventsVerb::Send(_) => String::new(),
    };
    ask(verb, output).await.map_err(|error| shown_in(&query, error))
}

/// An error of the query with the query before it, and the place marked.
fn shown_in(query: &str, error: anyhow::Error) -> anyhow::Error {
    let Some(Refusal::Problem(problem)) = error.downcast_ref::<Refusal>() else { return error };
    let (Some(position), Code::BadQuery) = (problem.position, problem.code) else { return error };
    let place = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let told = QueryError {
        position: place(position),
        length: place(problem.length.unwrap_or_default()),
        message: problem.detail.clone(),
        expected: problem.expected.clone().unwrap_or_default(),
    };
    anyhow::anyhow!("the search cannot be read ({})\n\n{}", problem.code.as_str(), whodid_query::render(query, &told))
}

async fn ask(verb: EventsVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        EventsVerb::Search { client, filter: flags, limit, order } => {
            let client = Client::new(&client)?;
            let mut pairs = filter(&flags);
            pairs.push(("order", order.as_str().to_owned()));
            let (rows, next) = pages(&client, "/api/v1/events", &pairs, "events", limit).await?;
            output::rows(output, &EVENT_COLUMNS, &rows, &json!({ "events": rows, "next_cursor": next }))?;
            if rows.is_empty() && output == Output::Table {
                output::note("nothing matches");
                explain_nothing(&client, &flags.query).await;
            }
            if next.is_some() {
                let shown = rows.len();
                output::note(&format!("{shown} events shown, there are more: --limit shows more, `events export` all"));
            }
        }
        EventsVerb::Count { client, filter: flags } => {
            let client = Client::new(&client)?;
            let answer = client.get("/api/v1/events/count", &filter(&flags)).await?;
            output::object(output, &answer)?;
            if answer["count"] == 0 && output == Output::Table {
                explain_nothing(&client, &flags.query).await;
            }
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
            let by_name = || match file.as_deref().and_then(Path::extension) {
                Some(end) if end.eq_ignore_ascii_case("csv") => ExportFormat::Csv,
                _ => ExportFormat::Ndjson,
            };
            let format = match format.unwrap_or_else(by_name) {
                ExportFormat::Ndjson => "ndjson",
                ExportFormat::Csv => "csv",
                ExportFormat::Cadf => "cadf",
                ExportFormat::IbmAt => "ibm-at",
            };
            pairs.push(("format", format.to_owned()));
            pairs.push(("order", order.as_str().to_owned()));
            pairs.extend(columns.map(|columns| ("columns", columns)));
            save(&Client::new(&client)?, "/api/v1/export", &pairs, file.as_deref()).await?;
        }
    }
    Ok(End::Done)
}

/// Tells slips in names from values that do not occur; says nothing when the server does not answer.
async fn explain_nothing(client: &Client, query: &str) {
    const NAMES_MAX: usize = 5;
    let Ok(query) = whodid_query::parse(query) else { return };
    let mut terms = Vec::new();
    terms_of(&query.expr, &mut terms);
    let mut asked = BTreeSet::new();
    for Term { target, test } in terms {
        if *target == Target::Field(Field::Outcome)
            && !Outcome::ALL.iter().any(|outcome| test.matches(outcome.as_str()))
        {
            output::note("an outcome is success, failure, pending or unknown; refusals are found by result:denied");
        }
        if !matches!(target, Target::Raw(_) | Target::Json { .. }) {
            continue;
        }
        let exists = Expr::term(target.clone(), Test::Exists).to_string();
        if asked.len() == NAMES_MAX || !asked.insert(exists.clone()) {
            continue;
        }
        let answer = client.get("/api/v1/events/count", &vec![("q", exists.clone())]).await;
        if answer.is_ok_and(|answer| answer["count"] == 0) {
            let name = exists.trim_end_matches(":*");
            output::note(&format!("no event has a field called {name}; upper and lower case count"));
        }
    }
}

fn terms_of<'a>(expr: &'a Expr, into: &mut Vec<&'a Term>) {
    match expr {
        Expr::All => {}
        Expr::And(members) | Expr::Or(members) => members.iter().for_each(|member| terms_of(member, into)),
        Expr::Not(member) => terms_of(member, into),
        Expr::Term(term) => into.push(term),
    }
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

/// Writes what a route sends to a file, whole or not at all; to standard output without one.
pub async fn save(client: &Client, path: &str, pairs: &Pairs, file: Option<&Path>) -> anyhow::Result<()> {
    let response = client.send(client.request(Method::GET, path, pairs)?).await?;
    let Some(file) = file else {
        copy(response, &mut std::io::stdout()).await?;
        return Ok(());
    };
    let failed = || format!("cannot write {}", file.display());
    // A device or pipe is written to as it is.
    if std::fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        let mut out = std::fs::OpenOptions::new().write(true).open(file).with_context(failed)?;
        copy(response, &mut out).await?;
        return Ok(());
    }
    // Beside it until it is whole: an export that breaks off leaves what was there.
    let mut name = file.file_name().with_context(failed)?.to_owned();
    name.push(".part");
    let part = file.with_file_name(name);
    let mut out = std::fs::File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    let written = match copy(response, &mut out).await {
        Ok(written) => written,
        Err(error) => {
            // What is left of it tells nothing that the error does not.
            let _ = std::fs::remove_file(&part);
            return Err(error.context(format!("{} was not written", file.display())));
        }
    };
    out.sync_all().with_context(failed)?;
    std::fs::rename(&part, file).with_context(failed)?;
    output::note(&format!("{} written to {}", indicatif::HumanBytes(written), file.display()));
    Ok(())
}

/// Bytes written.
async fn copy(response: reqwest::Response, out: &mut (dyn Write + Send)) -> anyhow::Result<u64> {
    let mut chunks = response.bytes_stream();
    let mut written = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.context("the export broke off before its end; what was written is not complete")?;
        out.write_all(&chunk)?;
        written += chunk.len() as u64;
    }
    out.flush()?;
    Ok(written)
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
