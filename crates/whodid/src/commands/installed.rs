//! `whodid rules …` and `whodid packages …` of a server.

use std::path::Path;

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};

use super::alerts::change;
use crate::End;
use crate::cli::ClientFlags;
use crate::cli::rules::{BacktestFlags, InstallFlags, NamedFlags, RulesListFlags};
use crate::client::{Client, segment};
use crate::output::{self, Output};

/// Runs `whodid rules list`.
pub async fn list(flags: &RulesListFlags, output: Output) -> anyhow::Result<End> {
    let answer = Client::new(&flags.client)?.get("/api/v1/rules", &Vec::new()).await?;
    let all = answer["rules"].as_array().cloned().unwrap_or_default();
    let is_meant = |rule: &Value| {
        (!flags.enabled || rule["is_enabled"] == true)
            && flags.package.as_ref().is_none_or(|package| rule["package"] == package.as_str())
    };
    let rows: Vec<Value> = all.into_iter().filter(is_meant).collect();
    let columns = [
        ("id", "/id"),
        ("level", "/level"),
        ("enabled", "/is_enabled"),
        ("kind", "/kind"),
        ("package", "/package"),
        ("tuned", "/is_tuned"),
        ("tests", "/tests"),
        ("title", "/title"),
        ("problem", "/problem"),
    ];
    output::rows(output, &columns, &rows, &json!({"rules": rows, "problems": answer["problems"]}))?;
    for problem in answer["problems"].as_array().into_iter().flatten() {
        let text = |name: &str| problem[name].as_str().unwrap_or_default();
        output::note(format!("{} {}: {}", text("file"), text("rule"), text("message")).trim());
    }
    Ok(End::Done)
}

/// Runs `whodid rules show`.
pub async fn show(flags: &NamedFlags, output: Output) -> anyhow::Result<End> {
    let path = format!("/api/v1/rules/{}", segment(&flags.id));
    let detail = Client::new(&flags.client)?.get(&path, &Vec::new()).await?;
    if output != Output::Table {
        output::object(output, &detail)?;
        return Ok(End::Done);
    }
    output::object(output, &detail["rule"])?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members: Vec<(&str, String)> = ["version", "revision", "tuning", "stated"]
        .into_iter()
        .filter(|name| !detail[*name].is_null())
        .map(|name| (name, text(&detail[name])))
        .collect();
    output::members(&members)?;
    output::line("")?;
    for line in detail["text"].as_str().unwrap_or_default().lines() {
        // Whoever wrote the rule must not steer the terminal of who reads it.
        let shown = |character: char| if character.is_control() && character != '\t' { '\u{fffd}' } else { character };
        output::line(&line.chars().map(shown).collect::<String>())?;
    }
    Ok(End::Done)
}

/// Runs `whodid rules enable` and `disable`.
pub async fn switch(flags: &NamedFlags, is_enabled: bool, output: Output) -> anyhow::Result<End> {
    let path = format!("/api/v1/rules/{}", segment(&flags.id));
    change(&flags.client, &path, &json!({"is_enabled": is_enabled}), output).await
}

/// Runs `whodid packages enable` and `disable`.
pub async fn switch_package(flags: &NamedFlags, is_enabled: bool, output: Output) -> anyhow::Result<End> {
    let path = format!("/api/v1/packages/{}", segment(&flags.id));
    change(&flags.client, &path, &json!({"is_enabled": is_enabled}), output).await
}

/// Runs `whodid rules backtest`.
pub async fn backtest(flags: &BacktestFlags, output: Output) -> anyhow::Result<End> {
    let client = Client::new(&flags.client)?;
    let mut body = json!({"from": flags.from});
    let path = Path::new(&flags.rule);
    if path.is_file() {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        body["text"] = json!(text);
    } else {
        body["id"] = json!(flags.rule);
    }
    if let Some(to) = &flags.to {
        body["to"] = json!(to);
    }
    if let Some(threshold) = flags.threshold {
        body["threshold"] = json!(threshold);
    }
    let request = client.request(Method::POST, "/api/v1/rules/backtest", &Vec::new())?;
    let report: Value = client.send(request.json(&body)).await?.json().await?;
    if output != Output::Table {
        output::object(output, &report)?;
        return Ok(End::Done);
    }
    let number = |name: &str| report[name].as_u64().unwrap_or_default();
    output::line(&format!(
        "{}: {} matches, {} findings ({:.2} a day), {} silenced; {} events read in {} ms",
        report["title"].as_str().unwrap_or_default(),
        number("matches"),
        number("findings"),
        report["findings_per_day"].as_f64().unwrap_or_default(),
        number("silenced"),
        number("events_read"),
        number("took_ms"),
    ))?;
    if let Some(stopped) = report["stopped_at"].as_str() {
        output::note(&format!("the time ran out: nothing after {stopped} was looked at; give a shorter range"));
    }
    if let Some(difference) = report["difference"].as_object() {
        output::line(&format!(
            "compared with the rule that is there: {} the same, {} more, {} fewer",
            difference["both"], difference["added"], difference["removed"]
        ))?;
    }
    let days = report["days"].as_array().cloned().unwrap_or_default();
    output::rows(output, &[("day", "/day"), ("matches", "/matches"), ("findings", "/findings")], &days, &report)?;
    let actors = report["actors"].as_array().cloned().unwrap_or_default();
    output::rows(output, &[("who", "/name"), ("hits", "/count")], &actors, &report)?;
    let samples = report["samples"].as_array().cloned().unwrap_or_default();
    let columns = [("time", "/time"), ("sentence", "/sentence"), ("evidence", "/evidence")];
    output::rows(output, &columns, &samples, &report)?;
    Ok(End::Done)
}

/// Runs `whodid packages list`.
pub async fn packages(client: &ClientFlags, output: Output) -> anyhow::Result<End> {
    let answer = Client::new(client)?.get("/api/v1/packages", &Vec::new()).await?;
    show_packages(&answer, output)?;
    Ok(End::Done)
}

/// Runs `whodid packages refresh`.
pub async fn refresh(client: &ClientFlags, output: Output) -> anyhow::Result<End> {
    let client = Client::new(client)?;
    let request = client.request(Method::POST, "/api/v1/packages/refresh", &Vec::new())?;
    let answer: Value = client.send(request).await?.json().await?;
    Ok(if show_packages(&answer, output)? { End::Done } else { End::Found })
}

/// Shows packages and what is wrong with files that are to be some; whether nothing is.
fn show_packages(answer: &Value, output: Output) -> anyhow::Result<bool> {
    let rows = answer["packages"].as_array().cloned().unwrap_or_default();
    let columns = [
        ("id", "/id"),
        ("version", "/version"),
        ("enabled", "/is_enabled"),
        ("rules", "/rules"),
        ("author", "/author"),
        ("licence", "/licence"),
        ("title", "/title"),
        ("file", "/file"),
        ("problem", "/problem"),
    ];
    output::rows(output, &columns, &rows, answer)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let of_packages = rows.iter().filter_map(|row| Some((text(&row["file"]), text(&row["problem"])?)));
    let others = answer["problems"].as_array().into_iter().flatten();
    let others = others.filter_map(|one| Some((text(&one["file"]), text(&one["message"])?)));
    let problems: Vec<(Option<String>, String)> = of_packages.chain(others).collect();
    for (file, problem) in &problems {
        output::note(&format!("{}: {problem}", file.as_deref().unwrap_or("the account's storage")));
    }
    Ok(problems.is_empty())
}

/// Runs `whodid packages install`.
pub async fn install(flags: &InstallFlags, output: Output) -> anyhow::Result<End> {
    let path = &flags.path;
    let archive = if path.is_dir() {
        super::rules::package(path)?.to_archive().context("making an archive")?
    } else {
        std::fs::read(path).with_context(|| format!("reading {}", path.display()))?
    };
    let client = Client::new(&flags.client)?;
    let mut pairs = Vec::new();
    if flags.dry_run {
        pairs.push(("dry_run", "true".to_owned()));
    }
    pairs.extend(flags.digest.clone().map(|digest| ("digest", digest)));
    let request = client.request(Method::POST, "/api/v1/packages", &pairs)?;
    let request = request.header("content-type", "application/gzip").body(archive);
    let mut installed: Value = client.send(request).await?.json().await?;
    let mut changes = Vec::new();
    // People read lines that differ; in JSON both texts stand whole.
    if output == Output::Table
        && let Some(members) = installed.as_object_mut()
    {
        changes = members.remove("files").and_then(|files| files.as_array().cloned()).unwrap_or_default();
    }
    output::object(output, &installed)?;
    for change in &changes {
        let text = |name: &str| change[name].as_str().unwrap_or_default();
        let difference = super::rules::line_difference(text("path"), text("before"), text("after"));
        output::line(difference.trim_end())?;
    }
    Ok(End::Done)
}

/// Runs `whodid packages download`.
pub async fn download(flags: &NamedFlags, file: &Path) -> anyhow::Result<End> {
    let client = Client::new(&flags.client)?;
    let path = format!("/api/v1/packages/{}/content", segment(&flags.id));
    let answer = client.send(client.request(Method::GET, &path, &Vec::new())?).await?;
    let bytes = answer.bytes().await.context("the archive broke off")?;
    std::fs::write(file, &bytes).with_context(|| format!("writing {}", file.display()))?;
    output::note(&format!("{} written, {} bytes", file.display(), bytes.len()));
    Ok(End::Done)
}

/// Runs `whodid packages remove`.
pub async fn remove(flags: &NamedFlags, output: Output) -> anyhow::Result<End> {
    let client = Client::new(&flags.client)?;
    let path = format!("/api/v1/packages/{}", segment(&flags.id));
    client.send(client.request(Method::DELETE, &path, &Vec::new())?).await?;
    output::object(output, &json!({"id": flags.id, "removed": true}))?;
    Ok(End::Done)
}
