//! `whodid exceptions …` and `whodid silences …`: what is found and not told.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use whodid_model::Timestamp;

use super::search_alerts::read_json;
use crate::cli::exceptions::{CreateFlags, ExceptionsListFlags, ExceptionsVerb, IdFlags, SilencesVerb};
use crate::client::{Client, segment};
use crate::output::{self, Output};
use crate::{End, Usage};

const EXCEPTIONS: &str = "/api/v1/exceptions";
const SILENCES: &str = "/api/v1/silences";

/// Runs `whodid exceptions`.
pub async fn run(verb: ExceptionsVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        ExceptionsVerb::List(flags) => list(&flags, output).await?,
        ExceptionsVerb::Show(flags) => {
            let answer = Client::new(&flags.client)?.get(EXCEPTIONS, &Vec::new()).await?;
            let all = answer["exceptions"].as_array().map(Vec::as_slice).unwrap_or_default();
            let found = all.iter().find(|exception| exception["id"] == flags.id.as_str());
            let found = found.with_context(|| {
                format!("there is no exception {:?}; `whodid exceptions list` shows what there is", flags.id)
            })?;
            output::object(output, found)?;
        }
        ExceptionsVerb::Create(flags) => create(EXCEPTIONS, &flags, output).await?,
        ExceptionsVerb::End(flags) => end(EXCEPTIONS, &flags, output).await?,
    }
    Ok(End::Done)
}

/// Runs `whodid silences`.
pub async fn silences(verb: SilencesVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        SilencesVerb::List(client) => {
            let answer = Client::new(&client)?.get(SILENCES, &Vec::new()).await?;
            let mut rows = answer["silences"].as_array().cloned().unwrap_or_default();
            if is_for_columns(output) {
                for row in &mut rows {
                    row["group"] = json!(pairs(&row["group"]));
                }
            }
            let columns = [
                ("id", "/id"),
                ("rules", "/rule_ids"),
                ("severities", "/severities"),
                ("group", "/group"),
                ("from", "/from"),
                ("until", "/until"),
                ("ended", "/is_ended"),
                ("by", "/by"),
                ("reason", "/reason"),
            ];
            output::rows(output, &columns, &rows, &answer)?;
        }
        SilencesVerb::Create(flags) => create(SILENCES, &flags, output).await?,
        SilencesVerb::End(flags) => end(SILENCES, &flags, output).await?,
    }
    Ok(End::Done)
}

async fn list(flags: &ExceptionsListFlags, output: Output) -> anyhow::Result<()> {
    let due = flags.due.as_deref().map(|text| due_before(text, crate::clock::now())).transpose()?;
    let answer = Client::new(&flags.client)?.get(EXCEPTIONS, &Vec::new()).await?;
    let mut rows = answer["exceptions"].as_array().cloned().unwrap_or_default();
    rows.retain(|exception| due.is_none_or(|before| is_due(exception, before)));
    let document = json!({ "exceptions": rows });
    if is_for_columns(output) {
        for row in &mut rows {
            if row["rules"].as_array().is_some_and(Vec::is_empty) {
                row["rules"] = json!("every rule");
            }
        }
    }
    let columns = [
        ("id", "/id"),
        ("rules", "/rules"),
        ("events", "/events"),
        ("owner", "/owner"),
        ("member", "/owner_is_member"),
        ("ends", "/expires_at"),
        ("ended", "/is_ended"),
        ("created", "/created_at"),
        ("created by", "/created_by"),
        ("reason", "/reason"),
    ];
    output::rows(output, &columns, &rows, &document)?;
    Ok(())
}

/// The end before which an exception is to be reviewed.
fn due_before(text: &str, now: Timestamp) -> Result<Timestamp, Usage> {
    let duration = crate::config::parse_duration(text)
        .ok_or_else(|| Usage(format!("--due is {text:?}; write how soon they end, such as 30d or 2w")))?;
    Ok(now.plus_micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)))
}

/// Whether somebody should look whether an exception is still right: it ends soon, has ended, or never will.
fn is_due(exception: &Value, before: Timestamp) -> bool {
    let end = exception["expires_at"].as_str().and_then(|text| Timestamp::parse(text).ok());
    exception["is_ended"] == true || end.is_none_or(|end| end.at <= before)
}

/// Whether rows are read as columns, where a list of objects says little.
fn is_for_columns(output: Output) -> bool {
    matches!(output, Output::Table | Output::Csv)
}

/// `initiator.name=bob` for each pair.
fn pairs(group: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    group
        .as_array()
        .into_iter()
        .flatten()
        .map(|pair| format!("{}={}", text(&pair["key"]), text(&pair["value"])))
        .collect()
}

async fn create(path: &str, flags: &CreateFlags, output: Output) -> anyhow::Result<()> {
    let body = read_json(&flags.file)?;
    let client = Client::new(&flags.client)?;
    let request = client.request(Method::POST, path, &Vec::new())?;
    let made: Value = client.send(request.json(&body)).await?.json().await?;
    output::object(output, &made)?;
    Ok(())
}

async fn end(path: &str, flags: &IdFlags, output: Output) -> anyhow::Result<()> {
    let client = Client::new(&flags.client)?;
    let path = format!("{path}/{}", segment(&flags.id));
    client.send(client.request(Method::DELETE, &path, &Vec::new())?).await?;
    output::object(output, &json!({"id": flags.id, "ended": true}))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_ends_soon_has_ended_or_never_ends_is_to_be_reviewed() {
        let now = Timestamp::parse("2026-06-01T00:00:00Z").unwrap().at;
        let before = due_before("30d", now).unwrap();
        for (exception, expected) in [
            (json!({"is_ended": false}), true),
            (json!({"is_ended": false, "expires_at": null}), true),
            (json!({"is_ended": false, "expires_at": "2026-06-30T00:00:00.000Z"}), true),
            (json!({"is_ended": true, "expires_at": "2026-05-01T00:00:00.000Z"}), true),
            (json!({"is_ended": false, "expires_at": "2026-07-02T00:00:00.000Z"}), false),
        ] {
            assert_eq!(is_due(&exception, before), expected, "{exception}");
        }
        assert!(due_before("soon", now).is_err());
    }
}
