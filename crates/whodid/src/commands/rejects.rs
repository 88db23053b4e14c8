//! `whodid rejects …`

use serde_json::json;

use crate::End;
use crate::cli::RejectsVerb;
use crate::client::{Client, Pairs, pages};
use crate::output::{self, Output};

pub async fn run(verb: RejectsVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        RejectsVerb::List { client, code, limit } => {
            let client = Client::new(&client)?;
            let pairs: Pairs = code.into_iter().map(|code| ("code", code)).collect();
            let (rows, next) = pages(&client, "/api/v1/rejects", &pairs, "rejects", limit).await?;
            let columns = [
                ("id", "/record/id"),
                ("recorded", "/record/recorded_at"),
                ("code", "/code"),
                ("source", "/source"),
                ("detail", "/detail"),
            ];
            output::rows(output, &columns, &rows, &json!({ "rejects": rows, "next_cursor": next }))?;
            if next.is_some() {
                output::note(&format!("{} rejects shown, there are more: --limit shows more", rows.len()));
            }
        }
        RejectsVerb::Summary { client } => {
            let answer = Client::new(&client)?.get("/api/v1/rejects/summary", &Vec::new()).await?;
            let rows = answer["codes"].as_array().cloned().unwrap_or_default();
            output::rows(output, &[("code", "/code"), ("count", "/count")], &rows, &answer)?;
        }
    }
    Ok(End::Done)
}
