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
            insight_shown(output, &Client::new(&flags.client)?.get(&path, &Vec::new()).await?)?;
        }
        InsightsVerb::Series(flags) => series(&flags, output).await?,
        InsightsVerb::Status(client) => {
            status_shown(output, &Client::new(&client)?.get(&format!("{INSIGHTS}/status"), &Vec::new()).await?)?;
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
    refuse_columns(flags.form.as_deref(), output)?;
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
    let mut is_cut = false;
    while found.len() < flags.limit {
        let mut asked = pairs.clone();
        asked.push(("limit", (flags.limit - found.len()).min(PAGE).to_string()));
        asked.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = client.get(INSIGHTS, &asked).await?;
        found.extend(page["insights"].as_array().cloned().unwrap_or_default());
        counts = page["counts"].clone();
        is_cut = page["is_cut"] == true;
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
    let document = json!({"insights": found, "next_cursor": cursor, "counts": counts, "is_cut": is_cut});
    output::rows(output, &columns, &found, &document)?;
    if is_cut {
        output::note(
            "more records tell of insights in this time than are read at once, and the oldest insights are missing; \
             ask for them with --to",
        );
    }
    Ok(())
}

/// Refuses a vendor's form as columns: its members are not those of whodid.
fn refuse_columns(form: Option<&str>, output: Output) -> anyhow::Result<()> {
    match form {
        Some(form) if form != "whodid" && matches!(output, Output::Table | Output::Csv) => {
            Err(Usage(format!("--form {form} has no columns; add --output json or --output ndjson")).into())
        }
        _ => Ok(()),
    }
}

/// An insight for people: what it says, how it was tested, who and what it is made of.
fn insight_shown(output: Output, insight: &Value) -> anyhow::Result<()> {
    if output != Output::Table {
        output::object(output, insight)?;
        return Ok(());
    }
    let text = |name: &str| output::plain(&insight[name]);
    let mut members = vec![("sentence", text("sentence"))];
    let named = [
        ("id", "id"),
        ("kind", "insight_type"),
        ("state", "state"),
        ("severity", "severity"),
        ("start", "start"),
        ("end", "end"),
        ("region", "region"),
        ("service", "event_source"),
        ("action", "event_name"),
        ("code", "error_code"),
        ("address", "source_ip_address"),
        ("key", "access_key_id"),
        ("principal", "principal_id"),
        ("verdict", "verdict"),
        ("reason", "verdict_reason"),
        ("expected by", "expected_by"),
    ];
    members.extend(named.into_iter().map(|(name, member)| (name, text(member))).filter(|(_, text)| !text.is_empty()));
    members.push(("test", tested(&insight["test"])));
    members.push(("events", output::plain(&insight["evidence"]["query"])));
    output::members(&members)?;
    let rows = contributors(insight);
    if !rows.is_empty() {
        output::line("")?;
        let columns =
            [("what", "/what"), ("value", "/value"), ("count", "/count"), ("share", "/share"), ("usually", "/usually")];
        output::rows(output, &columns, &rows, &Value::Null)?;
    }
    Ok(())
}

/// The test of an insight in a line.
fn tested(test: &Value) -> String {
    let number = |name: &str| output::plain(&test[name]);
    let mut line = match test["method"].as_str() {
        Some("fact") | None => return "a fact, which needs no test".to_owned(),
        Some(method) => method.to_owned(),
    };
    if let Some(terms) = test["terms"].as_array() {
        let term = |term: &Value| format!("{} {}", output::plain(&term["name"]), output::plain(&term["value"]));
        line.push_str(&format!(": {};", terms.iter().map(term).collect::<Vec<String>>().join(", ")));
    } else {
        line.push_str(&format!(
            ": {} in {} minutes, {} expected, up to {} usual;",
            number("count"),
            number("windowMinutes"),
            number("expected"),
            number("upper")
        ));
    }
    format!("{line} score {}, {} needed", number("score"), number("threshold"))
}

/// Who and what has a part, against what is usual.
fn contributors(insight: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let percent = |share: &Value| format!("{:.0} %", share.as_f64().unwrap_or_default() * 100.0);
    let mut rows = Vec::new();
    for attribution in list(&insight["attributions"]) {
        let baseline = list(&attribution["baseline"]);
        for part in list(&attribution["insight"]) {
            let usual = baseline.iter().find(|usual| usual["value"] == part["value"]);
            rows.push(json!({
                "what": attribution["attribute"],
                "value": part["value"],
                "count": part["count"],
                "share": percent(&part["share"]),
                "usually": usual.map_or_else(|| "0 %".to_owned(), |usual| percent(&usual["share"])),
            }));
        }
    }
    rows
}

/// How insights stand, for people: how far learning is, and each kind.
fn status_shown(output: Output, status: &Value) -> anyhow::Result<()> {
    if output != Output::Table {
        output::object(output, status)?;
        return Ok(());
    }
    let text = |name: &str| output::plain(&status[name]);
    let learning = match (status["is_ready"].as_bool(), status["learning_since"].as_str()) {
        (Some(true), Some(since)) => format!("since {since}; insights are told"),
        (_, Some(since)) => {
            format!(
                "since {since}, {} of 24 hours known; insights are told from {} on",
                text("learned_hours"),
                text("learning_until")
            )
        }
        (_, None) => "no event has come yet; insights are told after a day of events".to_owned(),
    };
    output::members(&[
        ("learning", learning),
        ("sensitivity", output::plain(&status["settings"]["sensitivity"])),
        (
            "series",
            format!("{}, {} of them live; {} forgotten", text("series"), text("live_series"), text("forgotten_series")),
        ),
        ("waiting", format!("{} records, {} held until a history is in order", text("behind"), text("held"))),
        (
            "left out",
            format!(
                "{} events came too late to be judged, {} insights beyond the most of a day",
                text("late"),
                text("untold")
            ),
        ),
    ])?;
    output::line("")?;
    let columns = [("kind", "/insight_type"), ("title", "/title"), ("on", "/is_on"), ("open", "/open")];
    output::rows(output, &columns, status["kinds"].as_array().map_or(&[], Vec::as_slice), status)?;
    Ok(())
}

async fn series(flags: &SeriesFlags, output: Output) -> anyhow::Result<()> {
    refuse_columns(flags.form.as_deref(), output)?;
    let client = Client::new(&flags.client)?;
    let mut pairs: Pairs = flags.period.map(|period| ("period", period.to_string())).into_iter().collect();
    let mut given = vec![("from", &flags.from), ("to", &flags.to), ("form", &flags.form)];
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
    if flags.form.as_deref() == Some("cloudtrail") {
        output::object(output, &answer)?;
        return Ok(());
    }
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
    let mut body = json!({"verdict": verdict, "reason": flags.reason});
    if flags.from_now_on {
        if flags.verdict != "expected" {
            return Err(Usage("--from-now-on goes with the verdict expected".to_owned()).into());
        }
        let ends = flags.expires.as_deref().map(|text| ends_at(text, crate::clock::now())).transpose()?;
        let insight = client.get(&format!("{INSIGHTS}/{}", segment(&flags.id)), &Vec::new()).await?;
        body["from_now_on"] = like(&insight, ends);
    }
    let path = format!("{INSIGHTS}/{}/feedback", segment(&flags.id));
    let request = client.request(Method::PUT, &path, &Vec::new())?.json(&body);
    let answer: Value = client.send(request).await?.json().await.context("the answer cannot be read")?;
    insight_shown(output, &answer)
}

/// The pattern of insights like one: of the same kind, region, action, code, address and principal; of the same service
/// where it has no action, which says as much.
fn like(insight: &Value, ends: Option<Timestamp>) -> Value {
    let mut pattern = json!({});
    let service = if insight["event_name"].is_string() { "event_name" } else { "event_source" };
    for name in ["insight_type", "region", service, "error_code", "source_ip_address", "principal_id"] {
        if let Some(text) = insight[name].as_str().filter(|text| !text.is_empty()) {
            pattern[name] = json!(text);
        }
    }
    if let Some(ends) = ends {
        pattern["expires_at"] = json!(ends.to_string());
    }
    pattern
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
            if flags.preview && output == Output::Table {
                let number = |name: &str| output::plain(&answer[name]);
                let newest = if answer["is_cut"] == true { "the newest " } else { "" };
                let (silenced, of) = (number("silenced"), number("of"));
                output::line(&format!("{silenced} of {newest}{of} insights of the last 90 days"))?;
                let examples = answer["examples"].as_array().map_or(&[][..], Vec::as_slice);
                output::rows(
                    output,
                    &[("start", "/start"), ("kind", "/insight_type"), ("sentence", "/sentence"), ("id", "/id")],
                    examples,
                    &answer,
                )?;
            } else {
                output::object(output, &answer)?;
            }
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
    if let Some(duration) = crate::config::parse_duration(text) {
        return Ok(now.plus_micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)));
    }
    let wrong = || {
        Usage(format!(
            "--expires {text}: write for how long, such as 7d or PT24H, or a day or time, such as 2027-01-31"
        ))
    };
    Ok(Timestamp::parse(text).map_err(|_| wrong())?.at)
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
    fn an_exception_ends_after_a_time_or_at_one_and_at_nothing_else() {
        let now = Timestamp::from_millis(1_767_571_200_000);
        let ends = |text: &str| ends_at(text, now).map(|at| at.to_string()).map_err(|error| error.to_string());
        for (text, expected) in [
            ("7d", "2026-01-12T00:00:00"),
            ("24h", "2026-01-06T00:00:00"),
            ("PT24H", "2026-01-06T00:00:00"),
            ("2027-01-31", "2027-01-31T00:00:00"),
            ("2027-01-31T12:00:00+02:00", "2027-01-31T10:00:00"),
        ] {
            assert!(ends(text).unwrap().starts_with(expected), "{text}: {:?}", ends(text));
        }
        for text in ["friday", "last friday", "tomorrow", "now-1d", "", "7"] {
            assert!(ends(text).unwrap_err().contains("such as 7d or PT24H"), "{text}: {:?}", ends(text));
        }
    }

    #[test]
    fn a_vendors_form_is_refused_as_columns_and_given_as_json() {
        for (form, output, is_given) in [
            (Some("cloudtrail"), Output::Table, false),
            (Some("actiontrail"), Output::Csv, false),
            (Some("cloudtrail"), Output::Json, true),
            (Some("actiontrail"), Output::Ndjson, true),
            (Some("whodid"), Output::Table, true),
            (None, Output::Table, true),
        ] {
            assert_eq!(refuse_columns(form, output).is_ok(), is_given, "{form:?} {output:?}");
        }
    }

    #[test]
    fn those_like_an_insight_have_its_action_or_else_its_service() {
        let insight = json!({"id": "i", "insight_type": "ApiCallRateInsight", "region": "eu-de", "event_source": "kms",
            "event_name": "kms.secrets.delete", "error_code": null, "principal_id": null, "count": 5});
        let now = Timestamp::from_millis(1_767_571_200_000);
        let pattern =
            json!({"insight_type": "ApiCallRateInsight", "region": "eu-de", "event_name": "kms.secrets.delete"});
        assert_eq!(like(&insight, None), pattern);
        let insight = json!({"insight_type": "PolicyChangeInsight", "event_source": "iam", "principal_id": "bob"});
        let pattern = like(&insight, Some(now));
        assert_eq!((&pattern["event_source"], &pattern["principal_id"]), (&json!("iam"), &json!("bob")));
        assert!(pattern["expires_at"].as_str().unwrap().starts_with("2026-01-05"), "{pattern}");
    }

    #[test]
    fn a_test_is_told_in_a_line() {
        let rate = json!({"method": "negative-binomial", "windowMinutes": 5, "count": 42, "expected": 3.1, "upper": 7.0,
            "score": 12.5, "threshold": 8.2});
        assert_eq!(
            tested(&rate),
            "negative-binomial: 42 in 5 minutes, 3.1 expected, up to 7.0 usual; score 12.5, 8.2 needed"
        );
        let sum = json!({"method": "likelihood-ratio", "terms": [{"name": "network", "value": 2.3}], "score": 6.1, "threshold": 4});
        assert_eq!(tested(&sum), "likelihood-ratio: network 2.3; score 6.1, 4 needed");
        assert_eq!(tested(&json!({"method": "fact", "score": 0})), "a fact, which needs no test");
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
