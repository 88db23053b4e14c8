//! Browser journeys: servers of our own with known events, and a Chromium in front of each.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::bench::http::Connection;
use crate::output::Output;
use crate::process::{self, Ended};
use crate::server::{self, Scratch, Server};
use crate::tools;
use crate::workspace::Workspace;

/// Servers walked side by side. Alone, a browser and its server leave much of a second core idle; web/journeys/run.mjs
/// says which journeys go to which.
const LANES: usize = 2;
/// Enough that lists scroll and pages end.
const EVENTS: u64 = 1200;
const MINUTE_MS: u64 = 60_000;

/// A server that journeys are walked through, with nothing in it but the fixture events.
struct Lane {
    keys: server::Keys,
    log: PathBuf,
    server: Server,
}

/// Starts the servers, sends the events and runs `npm run journeys` against them.
pub fn run(workspace: &Workspace, output: &Output) -> Result<Ended> {
    let chromium = tools::chromium(output)?;
    let scratch = Scratch::new(&workspace.target, "journeys")?;
    let binary = workspace.binary("debug");
    let mut lanes = Vec::with_capacity(LANES);
    for number in 1..=LANES {
        lanes.push(Lane::start(&binary, &scratch.0, number)?);
    }
    let ended = fill(&mut lanes).and_then(|()| {
        let mut command = Command::new("npm");
        command.args(["run", "--silent", "journeys"]).current_dir(workspace.root.join("web"));
        command.env("WHODID_JOURNEY_BINARY", &binary).env("WHODID_CHROMIUM", &chromium);
        for (at, lane) in lanes.iter().enumerate() {
            let url = lane.server.url();
            command
                .env(variable("LINK", at), on_server(&lane.keys.admin_link, &url))
                .env(variable("KEY", at), &lane.keys.ingestion)
                .env(variable("URL", at), url);
        }
        process::stream(&mut command, output)
    });
    if !ended.as_ref().is_ok_and(|ended| ended.is_success) {
        for (at, lane) in lanes.iter().enumerate() {
            output.line(format_args!("--- last words of the server of lane {}\n{}", at + 1, lane.last_words()));
        }
    }
    ended
}

impl Lane {
    fn start(binary: &Path, folder: &Path, number: usize) -> Result<Self> {
        let (data, log) = (folder.join(format!("data-{number}")), folder.join(format!("server-{number}.log")));
        let keys = server::init(binary, &data)?;
        let server = Server::start(binary, &data, &log)?;
        Ok(Self { keys, log, server })
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

/// Waits for the servers and gives each the same events.
fn fill(lanes: &mut [Lane]) -> Result<()> {
    let events = events(now_ms()?);
    for lane in lanes {
        lane.server.wait_ready()?;
        send(lane.server.port, &lane.keys.ingestion, &events)?;
    }
    Ok(())
}

/// The variable by which the journeys know `part` of the server of the lane `at`: the first one's has no number.
fn variable(part: &str, at: usize) -> String {
    match at {
        0 => format!("WHODID_JOURNEY_{part}"),
        _ => format!("WHODID_JOURNEY_{part}_{}", at + 1),
    }
}

/// The one-time link, on the address where the server listens now.
fn on_server(link: &str, url: &str) -> String {
    match link.find("/sign-in") {
        Some(at) => format!("{url}{}", &link[at..]),
        None => link.to_string(),
    }
}

fn send(port: u16, key: &str, body: &str) -> Result<()> {
    let answer = Connection::open(port)?.post("/api/v1/events?format=auto", key, body.as_bytes())?;
    let reply: serde_json::Value = serde_json::from_slice(&answer.body).context("the reply is no JSON")?;
    // One line of the fixture is broken on purpose: it is the reject that the journey looks for.
    if answer.status != 200 || reply["accepted"] != EVENTS || reply["rejected"].as_array().map(Vec::len) != Some(1) {
        bail!("the server took the fixture events otherwise than expected: {} {reply}", answer.status);
    }
    Ok(())
}

fn now_ms() -> Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Ok(u64::try_from(since.as_millis())?)
}

/// Events of the last twenty hours, one a minute, and one line that is no event.
///
/// Four people and a service in two regions read, list, update and delete secrets, buckets and pods.
/// Every eleventh act fails, half of those refused with 403; a pending request and its answer share
/// an id now and then.
fn events(now_ms: u64) -> String {
    const PEOPLE: [(&str, &str); 5] = [
        ("alice", "192.0.2.10"),
        ("bob", "198.51.100.7"),
        ("carol", "192.0.2.44"),
        ("dave", "203.0.113.90"),
        ("ci-runner", "203.0.113.5"),
    ];
    const TARGETS: [(&str, &str, &str); 3] = [
        ("kms.secrets", "kms/secrets", "k"),
        ("objstore.bucket", "objstore/bucket", "backup-"),
        ("k8s.pods", "k8s/pods", "web-"),
    ];
    const VERBS: [&str; 5] = ["read", "list", "read", "update", "delete"];
    let mut lines = String::new();
    for number in 0..EVENTS {
        let at_ms = now_ms - (EVENTS - number) * MINUTE_MS;
        let (name, address) = PEOPLE[(number * 7 % 5) as usize];
        let (prefix, kind, stem) = TARGETS[(number * 5 % 3) as usize];
        let verb = VERBS[(number / 3 % 5) as usize];
        let (outcome, code, words) = match number % 22 {
            0 => ("failure", 403, "Forbidden"),
            11 => ("failure", 409, "Conflict"),
            7 => ("pending", 202, "Accepted"),
            _ => ("success", 200, "OK"),
        };
        let region = if number % 3 == 0 { "eu-de" } else { "us-south" };
        let _ = writeln!(
            lines,
            r#"{{"eventTime":{at_ms},"id":"journey-{number:05}","typeURI":"http://schemas.dmtf.org/cloud/audit/1.0/event","eventType":"activity","action":"{prefix}.{verb}","outcome":"{outcome}","severity":"{}","initiator":{{"id":"id-{name}","name":"{name}","typeURI":"service/security/account/user","credential":{{"type":"token"}},"host":{{"address":"{address}","agent":"journey/1.0"}}}},"target":{{"id":"crn:example:{kind}:{}","name":"{stem}{}","typeURI":"{kind}"}},"observer":{{"name":"journey"}},"reason":{{"reasonCode":{code},"reasonType":"{words}"}},"requestData":{{"note":"step {number} of a journey"}},"region":"{region}","correlationId":"pair-{:04}"}}"#,
            if outcome == "failure" { "critical" } else { "normal" },
            number % 40,
            number % 40,
            number / 2,
        );
    }
    lines.push_str("this line is no event\n");
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fixture_line_but_the_last_is_an_event_in_the_past() {
        let now = 1_800_000_000_000;
        let text = events(now);
        let lines: Vec<&str> = text.lines().collect();
        let (broken, good) = lines.split_last().unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(broken).is_err());
        assert_eq!(good.len() as u64, EVENTS);
        for line in good {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(event["eventTime"].as_u64().unwrap() < now, "{line}");
        }
    }

    #[test]
    fn the_variables_of_further_servers_are_numbered() {
        assert_eq!([variable("URL", 0), variable("URL", 1)], ["WHODID_JOURNEY_URL", "WHODID_JOURNEY_URL_2"]);
    }

    #[test]
    fn the_one_time_link_is_moved_to_where_the_server_listens() {
        assert_eq!(
            on_server("http://localhost:8080/sign-in?token=x", "http://127.0.0.1:1"),
            "http://127.0.0.1:1/sign-in?token=x"
        );
    }
}
