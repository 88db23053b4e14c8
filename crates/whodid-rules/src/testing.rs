//! Tests beside a rule: events, and what the rule must make of them.

use serde::Serialize;
use whodid_decode::Format;
use yaml_serde::{Mapping, Value};

use crate::duration;
use crate::problem::Problem;
use crate::yaml;

/// Most tests of one rule.
const TESTS_MAX: usize = 100;
/// Most events of one test.
const EVENTS_MAX: usize = 2_000;

/// What is expected of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// At least one match.
    Match,
    /// None.
    NoMatch,
    /// So many.
    Count(u64),
}

/// A test of a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleTest {
    /// What it shows.
    pub name: String,
    /// The format that its events are read as.
    pub format: String,
    /// The events as JSON texts, or lines of text.
    pub events: Vec<String>,
    /// For each event, microseconds after the first that it happens; `None` takes the event's own time.
    pub after_micros: Vec<Option<i64>>,
    /// What is expected.
    pub expect: Expect,
    /// Time at which the first event happens, in place of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Reads `tests: [{name, event|events, expect: match|no_match|{count: N}, at, format}]`. An event of a list may be
/// `{after: 5m, event: {…}}`, and may be repeated with `{repeat: 5, every: 1m, event: {…}}`.
pub(crate) fn read(document: &Mapping, problems: &mut Vec<Problem>) -> Vec<RuleTest> {
    let tests = match document.get("tests") {
        None => return Vec::new(),
        Some(Value::Sequence(tests)) => tests,
        Some(_) => {
            problems.push(Problem::error("tests", "'tests' must be a list of {name, event, expect}"));
            return Vec::new();
        }
    };
    if tests.len() > TESTS_MAX {
        problems.push(Problem::error("tests", format!("{} tests, and {TESTS_MAX} are allowed", tests.len())));
        return Vec::new();
    }
    let mut read = Vec::new();
    for (index, test) in tests.iter().enumerate() {
        match read_test(test) {
            Ok(test) => read.push(test),
            Err(message) => problems.push(Problem::error("tests", format!("test {}: {message}", index + 1))),
        }
    }
    read
}

fn read_test(test: &Value) -> Result<RuleTest, String> {
    let test = test.as_mapping().ok_or("a test is a mapping with 'name', 'event' or 'events', and 'expect'")?;
    for name in test.keys().filter_map(Value::as_str) {
        if !["name", "event", "events", "expect", "at", "format"].contains(&name) {
            return Err(format!("'{name}' is not one of name, event, events, expect, at, format"));
        }
    }
    let name = yaml::text(test, "name").ok_or("'name' is missing")?;
    let format = yaml::text(test, "format").unwrap_or_else(|| "auto".to_owned());
    if Format::parse(&format).is_none() {
        return Err(format!("the format '{format}' is not known"));
    }
    let expect = match test.get("expect") {
        Some(Value::String(text)) if text == "match" => Expect::Match,
        Some(Value::String(text)) if text == "no_match" => Expect::NoMatch,
        Some(Value::Number(number)) if number.as_u64().is_some() => Expect::Count(number.as_u64().unwrap_or_default()),
        Some(Value::Mapping(mapping)) if mapping.get("count").and_then(Value::as_u64).is_some() => {
            Expect::Count(mapping.get("count").and_then(Value::as_u64).unwrap_or_default())
        }
        _ => return Err("'expect' must be match, no_match or {count: N}".to_owned()),
    };
    let given: Vec<&Value> = match (test.get("event"), test.get("events")) {
        (Some(event), None) => vec![event],
        (None, Some(Value::Sequence(events))) => events.iter().collect(),
        _ => return Err("either 'event' or a list 'events' is needed".to_owned()),
    };
    let (mut events, mut after_micros) = (Vec::new(), Vec::new());
    for event in given {
        let wrapped = event.as_mapping().filter(|wrapped| {
            wrapped.contains_key("event") && (wrapped.contains_key("after") || wrapped.contains_key("repeat"))
        });
        let Some(wrapped) = wrapped else {
            events.push(event_text(event)?);
            after_micros.push(None);
            continue;
        };
        let span = |name: &str| match yaml::text(wrapped, name).as_deref() {
            None | Some("0" | "0s") => Ok(0),
            Some(text) => duration::micros(text).ok_or_else(|| format!("'{name}: {text}' is no time such as 5m")),
        };
        let (after, every) = (span("after")?, span("every")?);
        let repeat = wrapped.get("repeat").map_or(Some(1), Value::as_u64).ok_or("'repeat' must be a number")?;
        let text = event_text(wrapped.get("event").unwrap_or(&Value::Null))?;
        if repeat as usize + events.len() > EVENTS_MAX {
            return Err(format!("more than {EVENTS_MAX} events"));
        }
        for time in 0..repeat as i64 {
            events.push(text.clone());
            after_micros.push(Some(after + time * every));
        }
    }
    if events.is_empty() || events.len() > EVENTS_MAX {
        return Err(format!("a test needs from one to {EVENTS_MAX} events"));
    }
    Ok(RuleTest { name, format, events, after_micros, expect, at: yaml::text(test, "at") })
}

fn event_text(event: &Value) -> Result<String, String> {
    match event {
        Value::String(line) => Ok(line.clone()),
        Value::Mapping(_) => {
            serde_json::to_string(event).map_err(|error| format!("the event cannot be written as JSON: {error}"))
        }
        _ => Err("an event is a mapping, or a line of text".to_owned()),
    }
}
