//! `whodid sql`

use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::End;
use crate::cli::SqlFlags;
use crate::client::Client;
use crate::output::{self, Output};

pub async fn run(flags: &SqlFlags, output: Output) -> anyhow::Result<End> {
    let client = Client::new(&flags.client)?;
    let request = client.request(reqwest::Method::POST, "/api/v1/sql", &Vec::new())?;
    let answer: Value = client.send(request.json(&json!({ "sql": flags.statement }))).await?.json().await?;
    let answer_columns = answer["columns"].as_array().context("the answer has no columns")?;
    let names: Vec<String> =
        answer_columns.iter().map(|column| column["name"].as_str().unwrap_or_default().to_owned()).collect();
    let rows: Vec<Value> = answer["rows"]
        .as_array()
        .context("the answer has no rows")?
        .iter()
        .map(|row| {
            let cells = row.as_array().cloned().unwrap_or_default();
            Value::Object(names.iter().cloned().zip(cells).collect::<Map<_, _>>())
        })
        .collect();
    output::named_rows(output, &names, &rows, &answer)?;
    if answer["truncated"] == true {
        output::note("the answer was cut at the cap on rows; add a LIMIT or narrow the statement");
    }
    Ok(End::Done)
}
