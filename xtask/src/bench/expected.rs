//! What the right answers about a file of events are.
//!
//! The workload's generator states them. For events of another make they are counted here, by
//! nothing but a JSON parser: a reference that shares no code with what it checks.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// A value and how many events have it.
pub type Counted = (String, u64);

/// Parameters of the queries, and their right answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Expected {
    pub events: u64,
    /// The period, end excluded, as RFC 3339.
    pub from: String,
    pub to: String,
    pub last_day_from: String,
    pub last_day: u64,
    /// Id of one event.
    pub id: String,
    /// A user, and how many events of the last day are theirs.
    pub user: Counted,
    /// An address, and how many events came from it.
    pub address: Counted,
    /// A beginning of actions, and how many failures have such an action.
    pub prefix: Counted,
    /// A phrase of the request data, and how many events hold it; none when nothing there has blanks.
    pub phrase: Option<Counted>,
    /// Hours in which something happened.
    pub hours: u64,
    pub outcomes: BTreeMap<String, u64>,
    /// Ten actions, most frequent first.
    pub top_actions: Vec<Counted>,
    /// Twenty users with the most failures.
    pub top_failing: Vec<Counted>,
    /// Twenty users with the most distinct addresses.
    pub top_addresses: Vec<Counted>,
}

const PREFIX: &str = "kms.";

impl Expected {
    /// From the generator's side file; what that leaves out is counted in `events`.
    pub fn of_meta(meta: &str, events: &Path) -> Result<Self> {
        let meta: Value = serde_json::from_str(meta).context("the meta file is no JSON")?;
        let text = |name: &str| meta[name].as_str().unwrap_or_default().to_string();
        let number = |name: &str| meta[name].as_u64().unwrap_or_default();
        let pairs = |name: &str| {
            let pair = |pair: &Value| Some((pair[0].as_str()?.to_string(), pair[1].as_u64()?));
            meta[name].as_array().into_iter().flatten().filter_map(pair).collect()
        };
        let outcomes = ["success", "failure", "pending"].map(|outcome| (outcome.to_string(), number(outcome)));
        Ok(Self {
            events: number("events"),
            from: text("from"),
            to: text("to"),
            last_day_from: text("q2_from"),
            last_day: number("last_day"),
            id: text("q1_id"),
            user: (text("q2_user"), number("q2_matches")),
            address: (text("q3_ip"), number("q3_matches")),
            prefix: (text("q4_prefix"), number("q4_matches")),
            phrase: Some((text("q5_phrase"), number("q5_matches"))),
            hours: number("q6_hours"),
            outcomes: outcomes.into(),
            top_actions: pairs("q7_top"),
            top_failing: pairs("q8_top"),
            top_addresses: Tally::of(events)?.top_addresses(),
        })
    }

    /// Counted in events whose times are RFC 3339 in UTC, of the period that ends at `to`.
    pub fn counted(events: &Path, to: &str, last_day_from: &str) -> Result<Self> {
        let tally = Tally::of(events)?;
        let last_day: Vec<&Brief> = tally.briefs.iter().filter(|brief| brief.time.as_str() >= last_day_from).collect();
        // A request and its answer may share an id; the one looked for must be the only one of its id.
        let mut ids: HashMap<&str, u64> = HashMap::new();
        tally.briefs.iter().for_each(|brief| *ids.entry(brief.id.as_str()).or_default() += 1);
        let mut later = tally.briefs.iter().skip(tally.briefs.len() * 37 / 100);
        let in_the_middle =
            later.find(|brief| ids[brief.id.as_str()] == 1).context("no event with an id of its own")?;
        let phrase = in_the_middle.phrase.clone().map(|phrase| {
            let matches = tally.briefs.iter().filter(|brief| brief.phrase.as_deref() == Some(&phrase)).count();
            (phrase, matches as u64)
        });
        let failures = || tally.briefs.iter().filter(|brief| brief.outcome == "failure");
        let first = |counts: Vec<Counted>| counts.into_iter().next().context("no events");
        Ok(Self {
            events: tally.briefs.len() as u64,
            from: tally.briefs.iter().map(|brief| brief.time.clone()).min().context("no events")?,
            to: to.to_string(),
            last_day_from: last_day_from.to_string(),
            last_day: last_day.len() as u64,
            id: in_the_middle.id.clone(),
            user: first(most(last_day.iter().map(|brief| brief.user.as_str()), 1))?,
            address: first(most(tally.briefs.iter().map(|brief| brief.address.as_str()), 1))?,
            prefix: (PREFIX.into(), failures().filter(|brief| brief.action.starts_with(PREFIX)).count() as u64),
            phrase,
            hours: tally.briefs.iter().map(|brief| brief.time.get(..13)).collect::<HashSet<_>>().len() as u64,
            outcomes: most(tally.briefs.iter().map(|brief| brief.outcome.as_str()), 10).into_iter().collect(),
            top_actions: most(tally.briefs.iter().map(|brief| brief.action.as_str()), 10),
            top_failing: most(failures().map(|brief| brief.user.as_str()), 20),
            top_addresses: tally.top_addresses(),
        })
    }
}

/// What the queries look at, of each event.
struct Tally {
    briefs: Vec<Brief>,
}

struct Brief {
    time: String,
    id: String,
    action: String,
    outcome: String,
    user: String,
    address: String,
    /// The longest text with blanks in the request data.
    phrase: Option<String>,
}

impl Tally {
    fn of(path: &Path) -> Result<Self> {
        let lines = BufReader::with_capacity(1 << 20, File::open(path)?).lines();
        let mut briefs = Vec::new();
        for line in lines {
            let event: Value = serde_json::from_str(&line?).context("a generated event is no JSON")?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
            briefs.push(Brief {
                time: text(&event["eventTime"]),
                id: text(&event["id"]),
                action: text(&event["action"]),
                outcome: text(&event["outcome"]),
                user: text(&event["initiator"]["name"]),
                address: text(&event["initiator"]["host"]["address"]),
                phrase: longest_phrase(&event["requestData"]).map(String::from),
            });
        }
        Ok(Self { briefs })
    }

    fn top_addresses(&self) -> Vec<Counted> {
        let pairs: HashSet<(&str, &str)> = self
            .briefs
            .iter()
            .map(|brief| (brief.user.as_str(), brief.address.as_str()))
            .filter(|(_, address)| !address.is_empty())
            .collect();
        most(pairs.into_iter().map(|(user, _)| user), 20)
    }
}

fn longest_phrase(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => text.contains(' ').then_some(text),
        Value::Array(items) => items.iter().filter_map(longest_phrase).max_by_key(|text| text.len()),
        Value::Object(members) => members.values().filter_map(longest_phrase).max_by_key(|text| text.len()),
        _ => None,
    }
}

/// The `limit` most frequent values that are not empty, most first, equals by name.
fn most<'a>(values: impl Iterator<Item = &'a str>, limit: usize) -> Vec<Counted> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for value in values.filter(|value| !value.is_empty()) {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<Counted> = counts.into_iter().map(|(value, count)| (value.to_string(), count)).collect();
    counts.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
    counts.truncate(limit);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Scratch;

    #[test]
    fn answers_are_counted_from_the_events_themselves() {
        let event = |time: &str, user: &str, address: &str, action: &str, outcome: &str| {
            format!(
                r#"{{"eventTime":"{time}","id":"{time}","action":"{action}","outcome":"{outcome}","initiator":{{"name":"{user}","host":{{"address":"{address}"}}}},"requestData":{{"note":"for {user}"}}}}"#
            )
        };
        let lines = [
            event("2026-01-01T08:00:00.000Z", "bob", "192.0.2.1", "kms.key.read", "failure"),
            event("2026-01-01T08:30:00.000Z", "bob", "192.0.2.2", "kms.key.read", "success"),
            event("2026-01-02T09:00:00.000Z", "eve", "192.0.2.1", "iam.user.list", "failure"),
        ];
        let folder = Scratch::new(&std::env::temp_dir(), "counted").unwrap();
        let path = folder.0.join("events.ndjson");
        std::fs::write(&path, lines.join("\n")).unwrap();
        let counted = Expected::counted(&path, "2026-01-03T00:00:00.000Z", "2026-01-02T00:00:00.000Z").unwrap();
        let pair = |name: &str, count: u64| (name.to_string(), count);
        assert_eq!((counted.events, counted.hours, counted.last_day), (3, 2, 1));
        assert_eq!(counted.prefix, pair("kms.", 1));
        assert_eq!(counted.user, pair("eve", 1));
        assert_eq!(counted.address, pair("192.0.2.1", 2));
        assert_eq!(counted.phrase, Some(pair("for bob", 2)));
        assert_eq!(counted.top_actions, [pair("kms.key.read", 2), pair("iam.user.list", 1)]);
        assert_eq!(counted.top_failing, [pair("bob", 1), pair("eve", 1)]);
        assert_eq!(counted.top_addresses, [pair("bob", 2), pair("eve", 1)]);
        assert_eq!(counted.outcomes["failure"], 2);
    }
}
