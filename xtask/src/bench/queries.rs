//! The queries of the workload: how each is asked, and whether the answer is right.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::Value;

use super::expected::{Counted, Expected};
use super::figure::Figure;
use super::http::{Connection, encode};
use super::process_usage::Threads;
use crate::server::Keys;

/// Runs that count, after the first.
const COUNTED: usize = 7;

/// Two words of the descriptions, each common, together rare enough to be sought.
const TWO_WORDS: [&str; 2] = ["emergency", "pipeline"];

/// How a query is asked.
pub enum Ask {
    Get(String),
    Sql(&'static str),
    /// A download to a file.
    Export(String),
}

type Check = Box<dyn Fn(&[u8], &Expected) -> bool>;

/// A query of the bench: its figure's name, how it is asked, and what answer is right.
pub struct Query {
    name: &'static str,
    ask: Ask,
    is_right: Check,
}

/// Who is asked, and with what right.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub port: u16,
    pub pid: u32,
    pub key: &'a str,
}

/// Runs queries and reports a figure each.
pub fn run(
    target: Target<'_>,
    queries: Vec<Query>,
    expected: &Expected,
    folder: &Path,
    mut report: impl FnMut(Figure),
) -> Result<()> {
    let mut connection = Connection::open(target.port)?;
    for query in queries {
        let export = folder.join("export");
        let (first, body) = once(&mut connection, target.key, &query.ask, &export)?;
        let mut ok = (query.is_right)(&body, expected);
        let before = Threads::of(target.pid)?;
        let mut seconds = Vec::with_capacity(COUNTED);
        let mut bodies = Vec::with_capacity(COUNTED);
        for _ in 0..COUNTED {
            let (took, body) = once(&mut connection, target.key, &query.ask, &export)?;
            seconds.push(took);
            bodies.push(body);
        }
        let cpu = Threads::of(target.pid)?.seconds_since(&before) / COUNTED as f64;
        ok &= bodies.iter().all(|body| (query.is_right)(body, expected));
        seconds.sort_by(f64::total_cmp);
        report(Figure {
            name: query.name.into(),
            value: seconds[COUNTED / 2],
            unit: "s",
            first: Some(first),
            best: seconds.first().copied(),
            cpu: Some(cpu),
            ok: Some(ok),
            events: None,
        });
    }
    Ok(())
}

/// Asks once: seconds, and the answer (for an export: what was written to the file).
fn once(connection: &mut Connection, key: &str, ask: &Ask, export: &Path) -> Result<(f64, Vec<u8>)> {
    let started = Instant::now();
    let (status, body) = match ask {
        Ask::Get(path) => connection.get(path, key).map(|answer| (answer.status, answer.body))?,
        Ask::Sql(sql) => {
            let body = serde_json::json!({ "sql": sql }).to_string();
            connection.post_json("/api/v1/sql", key, body.as_bytes()).map(|answer| (answer.status, answer.body))?
        }
        Ask::Export(path) => {
            let mut file = std::io::BufWriter::with_capacity(256 * 1024, std::fs::File::create(export)?);
            let status = connection.download(path, key, &mut file)?;
            file.flush()?;
            (status, Vec::new())
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let body = if matches!(ask, Ask::Export(_)) { std::fs::read(export)? } else { body };
    if status != 200 {
        bail!("the server answered {status}: {}", String::from_utf8_lossy(&body[..body.len().min(500)]));
    }
    Ok((seconds, body))
}

/// Whether the event with the id of Q1 is found; the sign that a server is up and knows its data.
pub fn finds(connection: &mut Connection, key: &str, id: &str) -> Result<bool> {
    let answer = connection.get(&format!("/api/v1/events?q={}&limit=10", encode(&format!("id:==={id}"))), key)?;
    Ok(answer.status == 200 && is_event(&answer.body, id))
}

/// Number of events that match.
pub fn count(connection: &mut Connection, key: &str, query: &str) -> Result<u64> {
    let answer = connection.get(&format!("/api/v1/events/count?q={}", encode(query)), key)?;
    let reply: Value = serde_json::from_slice(&answer.body)?;
    match reply["count"].as_u64() {
        Some(count) => Ok(count),
        None => bail!("no count in {reply}"),
    }
}

/// Asks for a number of events.
pub fn counted(query: &str) -> Ask {
    Ask::Get(format!("/api/v1/events/count?q={}", encode(query)))
}

/// Asks for the last two weeks by day.
fn days_before(to: &str) -> String {
    format!("/api/v1/days?to={}", to.split('T').next().unwrap_or_default())
}

/// The queries of the workload.
pub fn workload(expected: &Expected) -> Vec<Query> {
    let events = |query: &str, more: &str| Ask::Get(format!("/api/v1/events?q={}{more}", encode(query)));
    let export = |format: &str, query: &str, more: &str| {
        Ask::Export(format!("/api/v1/export?format={format}&q={}{more}", encode(query)))
    };
    let by_address = format!("initiator.host.address:=={}", expected.address.0);
    let a_day = format!("&from={}&to={}", encode(&expected.last_day_from), encode(&expected.to));
    let period = format!("&from={}&to={}", encode(&expected.from), encode(&expected.to));
    let mut queries = vec![
        query("q1_by_id", events(&format!("id:==={}", expected.id), "&limit=10"), |body, expected| {
            is_event(body, &expected.id)
        }),
        query(
            "q2_user_last_day",
            events(&format!("initiator.name:=={}", expected.user.0), &format!("{a_day}&limit=100")),
            |body, expected| listed(body).len() as u64 == expected.user.1.min(100) && is_newest_first(body),
        ),
        query(
            "q3_address_rows",
            export("csv", &by_address, "&columns=eventTime,id,action,outcome,initiator.name"),
            |body, expected| rows(body) == expected.address.1 + 1,
        ),
        query("q3_address_count", counted(&by_address), |body, expected| number(body, "count") == expected.address.1),
        query(
            "q4_prefix_and_failure",
            counted(&format!("action:{}* outcome:failure", expected.prefix.0)),
            |body, expected| number(body, "count") == expected.prefix.1,
        ),
        query("q5b_two_words", events(&TWO_WORDS.join(" "), "&limit=100"), |body, _| {
            let has_both = |event: &Value| {
                // A search for words looks past their case.
                let raw = event["raw"].as_str().unwrap_or_default().to_ascii_lowercase();
                TWO_WORDS.iter().all(|word| raw.contains(word))
            };
            is_newest_first(body) && listed(body).iter().all(has_both)
        }),
        query(
            "q6_histogram",
            Ask::Get(format!("/api/v1/events/histogram?interval=1h&by=outcome{period}")),
            is_histogram,
        ),
        query("q7_top_actions", Ask::Get("/api/v1/events/top?field=action&limit=10".into()), |body, expected| {
            is_top(body, &expected.top_actions)
        }),
        query(
            "q8_top_failing_users",
            Ask::Get(format!("/api/v1/events/top?field=initiator.name&limit=20&q={}", encode("outcome:failure"))),
            |body, expected| is_top(body, &expected.top_failing),
        ),
        query(
            "q9_distinct_addresses",
            Ask::Sql(
                "SELECT initiator_name, count(DISTINCT initiator_address) AS addresses FROM events \
                 GROUP BY initiator_name ORDER BY addresses DESC, initiator_name LIMIT 20",
            ),
            |body, expected| is_distinct_addresses(body, &expected.top_addresses),
        ),
        query("q10_day_csv", export("csv", "", &format!("{a_day}&order=asc")), |body, expected| {
            rows(body) == expected.last_day + 1
        }),
        query("q10_day_ndjson", export("ndjson", "", &format!("{a_day}&order=asc")), |body, expected| {
            rows(body) == expected.last_day
        }),
        query("days_of_two_weeks", Ask::Get(days_before(&expected.to)), |body, _| {
            let days = json(body)["days"].as_array().cloned().unwrap_or_default();
            days.len() >= 14 && days.iter().all(|day| day["bytes"].as_u64() > day["count"].as_u64())
        }),
    ];
    if let Some((phrase, matches)) = expected.phrase.clone() {
        let ask = events(&format!("requestData:\"{phrase}\""), "&limit=1000");
        let q5 = query("q5_phrase", ask, move |body, _| {
            let found = listed(body);
            found.len() as u64 == matches.min(1000)
                && found.iter().all(|event| event["raw"].as_str().is_some_and(|raw| raw.contains(&phrase)))
        });
        queries.insert(5, q5);
    }
    queries
}

/// Queries of the workload once more, of somebody who may see a part only; all events are of that part.
pub fn limited(expected: &Expected) -> Vec<Query> {
    const ASKED: [(&str, &str); 3] = [
        ("q4_prefix_and_failure", "limited_q4_prefix_and_failure"),
        ("q6_histogram", "limited_q6_histogram"),
        ("q7_top_actions", "limited_q7_top_actions"),
    ];
    let named = |query: Query| {
        let (_, name) = ASKED.iter().find(|(of, _)| *of == query.name)?;
        Some(Query { name, ..query })
    };
    workload(expected).into_iter().filter_map(named).collect()
}

/// A service key that reads the source of the events only.
pub fn limited_key(port: u16, keys: &Keys) -> Result<String> {
    let mut connection = Connection::open(port)?;
    let page: Value = serde_json::from_slice(&connection.get("/api/v1/events?limit=1", &keys.service)?.body)?;
    let source = page["events"][0]["record"]["source"].as_str().unwrap_or_default();
    let body = serde_json::json!({"kind": "service", "name": "limited", "scope": {"sources": [source]}});
    let made = connection.post_json("/api/v1/keys", &keys.admin_token, body.to_string().as_bytes())?;
    let made: Value = serde_json::from_slice(&made.body)?;
    match made["key"].as_str() {
        Some(key) => Ok(key.to_owned()),
        None => bail!("no limited key was made: {made}"),
    }
}

pub fn query(name: &'static str, ask: Ask, is_right: impl Fn(&[u8], &Expected) -> bool + 'static) -> Query {
    Query { name, ask, is_right: Box::new(is_right) }
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn listed(body: &[u8]) -> Vec<Value> {
    json(body)["events"].as_array().cloned().unwrap_or_default()
}

fn is_event(body: &[u8], id: &str) -> bool {
    let found = listed(body);
    found.len() == 1 && found[0]["id"] == id
}

/// Event times are RFC 3339 in UTC of one width, so text order is time order.
fn is_newest_first(body: &[u8]) -> bool {
    let times: Vec<String> =
        listed(body).iter().map(|event| event["eventTime"].as_str().unwrap_or_default().to_string()).collect();
    times.is_sorted_by(|one, two| one >= two)
}

/// A number in an answer.
pub fn number(body: &[u8], name: &str) -> u64 {
    json(body)[name].as_u64().unwrap_or(u64::MAX)
}

/// Lines; a quoted line break would be counted as two, and the generator makes none.
fn rows(body: &[u8]) -> u64 {
    body.iter().filter(|byte| **byte == b'\n').count() as u64
}

fn is_histogram(body: &[u8], expected: &Expected) -> bool {
    let reply = json(body);
    let buckets = reply["buckets"].as_array().cloned().unwrap_or_default();
    let sum = |outcome: &str| buckets.iter().map(|bucket| bucket["counts"][outcome].as_u64().unwrap_or(0)).sum::<u64>();
    let is_filled =
        |bucket: &&Value| bucket["counts"].as_object().is_some_and(|counts| counts.values().any(|count| *count != 0));
    buckets.iter().filter(is_filled).count() as u64 == expected.hours
        && expected.outcomes.iter().all(|(outcome, count)| sum(outcome) == *count)
}

/// Values of one count may stand in any order, and at the end any of them may be left out.
fn is_top(body: &[u8], expected: &[Counted]) -> bool {
    let reply = json(body);
    let values = reply["values"].as_array().cloned().unwrap_or_default();
    let found: Vec<Counted> =
        values.iter().filter_map(|pair| Some((pair["value"].as_str()?.to_string(), pair["count"].as_u64()?))).collect();
    let least = expected.last().map_or(0, |(_, count)| *count);
    let counts = |list: &[Counted]| list.iter().map(|(_, count)| *count).collect::<Vec<_>>();
    !expected.is_empty()
        && counts(&found) == counts(expected)
        && found.iter().all(|pair| pair.1 == least || expected.contains(pair))
}

fn is_distinct_addresses(body: &[u8], expected: &[Counted]) -> bool {
    let reply = json(body);
    let rows = reply["rows"].as_array().cloned().unwrap_or_default();
    let found: Vec<Counted> =
        rows.iter().filter_map(|row| Some((row[0].as_str()?.to_string(), row[1].as_u64()?))).collect();
    !expected.is_empty() && found == expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_top_list_is_right_whatever_the_order_of_equals_and_wrong_with_another_count() {
        let expected = [("a".to_string(), 3), ("b".to_string(), 2), ("c".to_string(), 2)];
        let right = br#"{"values":[{"value":"a","count":3},{"value":"d","count":2},{"value":"b","count":2}]}"#;
        let wrong = br#"{"values":[{"value":"a","count":3},{"value":"b","count":2},{"value":"c","count":1}]}"#;
        let other = br#"{"values":[{"value":"x","count":3},{"value":"b","count":2},{"value":"c","count":2}]}"#;
        assert!(is_top(right, &expected));
        assert!(!is_top(wrong, &expected) && !is_top(other, &expected) && !is_top(b"{}", &expected));
    }

    #[test]
    fn a_list_is_newest_first_when_no_time_grows() {
        assert!(is_newest_first(
            br#"{"events":[{"eventTime":"2026-01-02T00:00:00.000Z"},{"eventTime":"2026-01-01T00:00:00.000Z"}]}"#
        ));
        assert!(!is_newest_first(
            br#"{"events":[{"eventTime":"2026-01-01T00:00:00.000Z"},{"eventTime":"2026-01-02T00:00:00.000Z"}]}"#
        ));
    }

    #[test]
    fn an_event_is_found_when_it_is_the_only_one_and_has_the_id() {
        assert!(is_event(br#"{"events":[{"id":"x"}]}"#, "x"));
        assert!(!is_event(br#"{"events":[]}"#, "x") && !is_event(br#"{"events":[{"id":"x"},{"id":"x"}]}"#, "x"));
    }
}
