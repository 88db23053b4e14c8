//! `whodid insights …`: what departs from what is usual.

use std::io::Write;

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use whodid_model::Timestamp;

use crate::cli::insights::{
    ExpectedVerb, FeedbackFlags, InsightsVerb, KindFlags, ListFlags, PatternFlags, ReplayFlags, ScoreFlags, SeriesFlags,
};
use crate::client::{Client, Pairs, segment};
use crate::output::{self, Output};
use crate::{End, Usage};

const INSIGHTS: &str = "/api/v1/insights";
const PAGE: usize = 200;

/// Runs `whodid insights`.
pub async fn run(verb: InsightsVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        InsightsVerb::List(flags) => list(&flags, output).await?,
        InsightsVerb::Show(flags) => {
            let path = format!("{INSIGHTS}/{}", segment(&flags.id));
            output::object(output, &Client::new(&flags.client)?.get(&path, &Vec::new()).await?)?;
        }
        InsightsVerb::Series(flags) => series(&flags, output).await?,
        InsightsVerb::Status(client) => {
            output::object(output, &Client::new(&client)?.get(&format!("{INSIGHTS}/status"), &Vec::new()).await?)?;
        }
        InsightsVerb::Enable(flags) => switch(&flags, true, output).await?,
        InsightsVerb::Disable(flags) => switch(&flags, false, output).await?,
        InsightsVerb::Sensitivity(flags) => {
            let client = Client::new(&flags.client)?;
            let mut settings = settings(&client).await?;
            settings["sensitivity"] = json!(flags.sensitivity);
            set(&client, &settings, output).await?;
        }
        InsightsVerb::Feedback(flags) => feedback(&flags, output).await?,
        InsightsVerb::Expected(verb) => expected(verb, output).await?,
        InsightsVerb::Replay(flags) => return replay(&flags).await,
        InsightsVerb::Score(flags) => score(&flags)?,
    }
    Ok(End::Done)
}

async fn list(flags: &ListFlags, output: Output) -> anyhow::Result<()> {
    let client = Client::new(&flags.client)?;
    let mut pairs: Pairs = vec![("from", flags.from.clone())];
    let given = [
        ("to", &flags.to),
        ("insight_type", &flags.kind),
        ("state", &flags.state),
        ("insight_object", &flags.object),
        ("event_name", &flags.event_name),
        ("event_source", &flags.event_source),
        ("source_ip_address", &flags.address),
        ("access_key_id", &flags.access_key),
        ("principal_id", &flags.principal),
        ("error_code", &flags.error_code),
        ("region", &flags.region),
        ("event_id", &flags.id),
        ("form", &flags.form),
    ];
    pairs.extend(given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    if flags.expected {
        pairs.push(("expected", "true".to_owned()));
    }
    let mut found: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    let mut counts = Value::Null;
    while found.len() < flags.limit {
        let mut asked = pairs.clone();
        asked.push(("limit", (flags.limit - found.len()).min(PAGE).to_string()));
        asked.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = client.get(INSIGHTS, &asked).await?;
        found.extend(page["insights"].as_array().cloned().unwrap_or_default());
        counts = page["counts"].clone();
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let columns = [
        ("start", "/start"),
        ("state", "/state"),
        ("kind", "/insight_type"),
        ("sentence", "/sentence"),
        ("verdict", "/verdict"),
        ("id", "/id"),
    ];
    output::rows(output, &columns, &found, &json!({"insights": found, "next_cursor": cursor, "counts": counts}))?;
    Ok(())
}

async fn series(flags: &SeriesFlags, output: Output) -> anyhow::Result<()> {
    let client = Client::new(&flags.client)?;
    let mut pairs: Pairs = vec![("period", flags.period.to_string())];
    let mut given = vec![("from", &flags.from), ("to", &flags.to)];
    let path = match &flags.id {
        Some(id) => format!("{INSIGHTS}/{}/series", segment(id)),
        None => {
            given.extend([
                ("event_name", &flags.event_name),
                ("event_source", &flags.event_source),
                ("region", &flags.region),
                ("error_code", &flags.error_code),
            ]);
            if flags.error_code.is_some() {
                pairs.push(("insight_type", "ApiErrorRateInsight".to_owned()));
            }
            format!("{INSIGHTS}/metric-data")
        }
    };
    pairs.extend(given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    if flags.non_zero {
        pairs.push(("data_type", "NonZeroData".to_owned()));
    }
    let answer = client.get(&path, &pairs).await?;
    let points = answer["points"].as_array().cloned().unwrap_or_default();
    let columns = [("at", "/at"), ("count", "/count"), ("expected", "/expected"), ("upper", "/upper")];
    output::rows(output, &columns, &points, &answer)?;
    Ok(())
}

async fn settings(client: &Client) -> anyhow::Result<Value> {
    let status = client.get(&format!("{INSIGHTS}/status"), &Vec::new()).await?;
    Ok(status["settings"].clone())
}

async fn set(client: &Client, settings: &Value, output: Output) -> anyhow::Result<()> {
    let request = client.request(Method::PUT, &format!("{INSIGHTS}/settings"), &Vec::new())?.json(settings);
    let answer: Value = client.send(request).await?.json().await.context("the answer cannot be read")?;
    output::object(output, &answer["settings"])?;
    Ok(())
}

async fn switch(flags: &KindFlags, is_on: bool, output: Output) -> anyhow::Result<()> {
    let known = whodid_insights::Kind::named(&flags.kind);
    if known.is_none() {
        let names: Vec<&str> = whodid_insights::Kind::ALL.iter().map(|kind| kind.name()).collect();
        return Err(Usage(format!("there is no kind {:?}; kinds are {}", flags.kind, names.join(", "))).into());
    }
    let client = Client::new(&flags.client)?;
    let mut settings = settings(&client).await?;
    let mut on = settings["on"].as_array().cloned().unwrap_or_default();
    on.retain(|kind| kind != flags.kind.as_str());
    if is_on {
        on.push(json!(flags.kind));
    }
    settings["on"] = json!(on);
    set(&client, &settings, output).await
}

async fn feedback(flags: &FeedbackFlags, output: Output) -> anyhow::Result<()> {
    let client = Client::new(&flags.client)?;
    let verdict = (flags.verdict != "none").then_some(&flags.verdict);
    let path = format!("{INSIGHTS}/{}/feedback", segment(&flags.id));
    let body = json!({"verdict": verdict, "reason": flags.reason});
    let request = client.request(Method::PUT, &path, &Vec::new())?.json(&body);
    let answer: Value = client.send(request).await?.json().await.context("the answer cannot be read")?;
    output::object(output, &answer)?;
    Ok(())
}

async fn expected(verb: ExpectedVerb, output: Output) -> anyhow::Result<()> {
    let path = format!("{INSIGHTS}/expected");
    match verb {
        ExpectedVerb::List(client) => {
            let answer = Client::new(&client)?.get(&path, &Vec::new()).await?;
            let rows = answer["expected"].as_array().cloned().unwrap_or_default();
            let columns = [
                ("id", "/id"),
                ("kind", "/pattern/insight_type"),
                ("action", "/pattern/event_name"),
                ("principal", "/pattern/principal_id"),
                ("address", "/pattern/source_ip_address"),
                ("ends", "/pattern/expires_at"),
                ("silenced", "/silenced"),
                ("by", "/created_by"),
                ("reason", "/reason"),
            ];
            output::rows(output, &columns, &rows, &answer)?;
        }
        ExpectedVerb::Create(flags) => {
            let client = Client::new(&flags.client)?;
            let pattern = pattern(&flags, crate::clock::now())?;
            let (path, body) = match flags.preview {
                true => (format!("{path}/preview"), pattern),
                false => (path, json!({"pattern": pattern, "reason": flags.reason})),
            };
            let request = client.request(Method::POST, &path, &Vec::new())?.json(&body);
            let answer: Value = client.send(request).await?.json().await.context("the answer cannot be read")?;
            output::object(output, &answer)?;
        }
        ExpectedVerb::End(flags) => {
            let client = Client::new(&flags.client)?;
            let path = format!("{path}/{}", segment(&flags.id));
            client.send(client.request(Method::DELETE, &path, &Vec::new())?).await?;
            output::note("what it covered is told again");
        }
    }
    Ok(())
}

fn pattern(flags: &PatternFlags, now: Timestamp) -> anyhow::Result<Value> {
    let given = [
        ("insight_type", &flags.kind),
        ("region", &flags.region),
        ("event_source", &flags.event_source),
        ("event_name", &flags.event_name),
        ("error_code", &flags.error_code),
        ("source_ip_address", &flags.address),
        ("principal_id", &flags.principal),
    ];
    let mut pattern = json!({});
    for (name, value) in given {
        if let Some(value) = value {
            pattern[name] = json!(value);
        }
    }
    if let Some(text) = &flags.expires {
        pattern["expires_at"] = json!(ends_at(text, now)?.to_string());
    }
    Ok(pattern)
}

/// A time to come: `30d` from now, or the time itself.
fn ends_at(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    let wrong = |error: &dyn std::fmt::Display| Usage(format!("--expires {text}: {error}"));
    let before = whodid_query::parse_time(text, now).map_err(|error| wrong(&error))?;
    // A duration is read as so long ago.
    let is_duration = text.chars().last().is_some_and(char::is_alphabetic) && !text.contains('T');
    Ok(if is_duration { now.plus_micros(now.micros() - before.micros()) } else { before })
}

async fn replay(flags: &ReplayFlags) -> anyhow::Result<End> {
    let client = Client::new(&flags.client)?;
    let request = client.request(Method::GET, &format!("{INSIGHTS}/replay"), &Vec::new())?;
    let text = client.send(request).await?.text().await.context("the answer cannot be read")?;
    if let Some(file) = &flags.file {
        std::fs::write(file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    } else if !flags.check {
        std::io::stdout().write_all(text.as_bytes())?;
    }
    if !flags.check {
        return Ok(End::Done);
    }
    let mut recorded: Vec<String> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut pairs: Pairs =
            vec![("stream", "insights".to_owned()), ("order", "asc".to_owned()), ("limit", "1000".to_owned())];
        pairs.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = client.get("/api/v1/events", &pairs).await?;
        for event in page["events"].as_array().map(Vec::as_slice).unwrap_or_default() {
            recorded.push(event["raw"].as_str().unwrap_or_default().to_owned());
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let told: std::collections::HashSet<&str> = text.lines().collect();
    let kept: std::collections::HashSet<&str> = recorded.iter().map(String::as_str).collect();
    let (missing, more) = (told.difference(&kept).count(), kept.difference(&told).count());
    if missing == 0 && more == 0 {
        output::note(&format!("all {} records of insights are what the stored events come to", kept.len()));
        return Ok(End::Done);
    }
    output::note(&format!(
        "{} records agree; {more} are recorded that the stored events do not come to, and {missing} are not recorded that they do",
        kept.intersection(&told).count()
    ));
    Ok(End::Found)
}

fn score(flags: &ScoreFlags) -> anyhow::Result<()> {
    // Whoever gives the file here means no columns.
    let as_file = flags.file.is_none() && std::path::Path::new(&flags.csv).is_file();
    let file = if as_file { Some(std::path::PathBuf::from(&flags.csv)) } else { flags.file.clone() };
    let columns = if as_file { "timestamp,value" } else { flags.csv.as_str() };
    let output = std::io::BufWriter::new(std::io::stdout().lock());
    match file.filter(|file| file.as_os_str() != "-") {
        Some(file) => {
            let input = std::fs::File::open(&file).with_context(|| format!("cannot read {}", file.display()))?;
            score_csv(input, output, columns)
        }
        None => score_csv(std::io::stdin().lock(), output, columns),
    }
}

/// Reads points and writes them with their scores. `columns`: the names of time and value; where the first line names
/// neither, it is a point like the others, and these are its first two.
fn score_csv(input: impl std::io::Read, output: impl Write, columns: &str) -> anyhow::Result<()> {
    let wrong = || Usage(format!("--csv {columns}: give two names, such as timestamp,value"));
    let (time, value) = columns.split_once(',').ok_or_else(wrong)?;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(input);
    let mut writer = csv::Writer::from_writer(output);
    let mut scorer = whodid_insights::Scorer::new();
    let mut places = None;
    writer.write_record([time, value, "score"])?;
    for row in reader.records() {
        let row = row.context("the input is no CSV")?;
        let line = row.position().map_or(0, csv::Position::line);
        let (time_at, value_at) = match places {
            Some(places) => places,
            None => {
                let at = |name: &str| row.iter().position(|text| text.eq_ignore_ascii_case(name));
                let named = at(time).zip(at(value));
                places = Some(named.unwrap_or((0, 1)));
                if named.is_some() {
                    continue;
                }
                (0, 1)
            }
        };
        let cell = |at: usize| row.get(at).with_context(|| format!("line {line} has no column {}", at + 1));
        let (time_text, value_text) = (cell(time_at)?, cell(value_at)?);
        let number: f64 = value_text.parse().with_context(|| format!("line {line}: {value_text:?} is no number"))?;
        let score = scorer.next(point_time(time_text, line)?.micros(), number);
        writer.write_record([time_text, value_text, &format!("{score:.6}")])?;
    }
    writer.flush()?;
    Ok(())
}

/// A time as events may have it, or seconds, milliseconds or more since 1970.
fn point_time(text: &str, line: u64) -> anyhow::Result<Timestamp> {
    if let Some(time) = text.parse().ok().and_then(Timestamp::from_number) {
        return Ok(time);
    }
    Ok(Timestamp::parse(text).with_context(|| format!("line {line}: {text:?} is no time"))?.at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn scored(text: &str, columns: &str) -> Result<Vec<String>, String> {
        let mut output = Vec::new();
        score_csv(text.as_bytes(), &mut output, columns).map_err(|error| format!("{error:#}"))?;
        Ok(String::from_utf8(output).unwrap().lines().map(str::to_owned).collect())
    }

    #[test]
    fn each_point_keeps_its_time_and_value_and_a_spike_stands_out() {
        let mut text = "time,host,calls\n".to_owned();
        for at in 0..2000 {
            let calls = if at == 1900 { 400 } else { 20 + at * 7 % 5 };
            text.push_str(&format!("{},a,{calls}\n", 1_767_571_200 + at * 300));
        }
        let lines = scored(&text, "time,calls").unwrap();
        assert_eq!((lines.len(), lines[0].as_str()), (2001, "time,calls,score"));
        let score = |line: &String| line.rsplit(',').next().unwrap().parse::<f64>().unwrap();
        assert!(lines[1901].starts_with("1768141200,400,") && score(&lines[1901]) > 0.9, "{}", lines[1901]);
        assert!(lines[1..1901].iter().all(|line| score(line) < 0.5));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let first = "timestamp,value\n2026-01-05 00:00:00,1\n";
        assert_eq!(scored(first, "timestamp,value").unwrap().len(), 2);
        assert_eq!(scored("2026-01-05 00:00:00,1\n", "timestamp,value").unwrap().len(), 2);
        for (more, words) in [
            ("2026-01-05,many\n", "line 3: \"many\" is no number"),
            ("soon,1\n", "line 3: \"soon\" is no time"),
            ("7\n", "line 3 has no column 2"),
        ] {
            let error = scored(&format!("{first}{more}"), "timestamp,value").unwrap_err();
            assert!(error.starts_with(words), "{error}");
        }
        assert!(scored(first, "value").unwrap_err().contains("give two names"));
    }
}
