//! Programs that others wrote, as judges of ours: pySigma says which events rules match, aiosmtpd takes mail, and IBM's
//! client of Security Advisor reports findings.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::output::Output;
use crate::process::{self, Ended};
use crate::server::{self, Scratch, Server};
use crate::workspace::Workspace;

/// The judges, with the versions that their answers here are of.
const PACKAGES: [&str; 4] =
    ["pysigma==2.0.1", "pysigma-backend-sqlite==2.1.1", "aiosmtpd==1.4.6", "ibm_cloud_security_advisor==2.0.0"];

/// The Python that has them, made once.
pub fn python(target: &Path, output: &Output) -> Result<PathBuf> {
    let folder = target.join("tmp/judges-python");
    let (program, ready) = (folder.join("bin/python"), folder.join("ready"));
    let wanted = PACKAGES.join(" ");
    if std::fs::read_to_string(&ready).is_ok_and(|made| made == wanted) {
        return Ok(program);
    }
    output.line(format_args!("installing {wanted} with pip (once)"));
    process::capture(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    process::capture(Command::new(&program).args(pip).args(PACKAGES))?;
    std::fs::write(ready, wanted)?;
    Ok(program)
}

/// Asks pySigma anew what the rules of `corpus/rules` find, and whodid's own command line too; then has IBM's client do
/// all that it can. `None`, with the reason, where Python or the packages cannot be had.
pub fn run(workspace: &Workspace, output: &Output) -> Result<Result<Ended, String>> {
    let begun = Instant::now();
    let python = match python(&workspace.target, output) {
        Ok(python) => python,
        Err(error) => return Ok(Err(format!("no pySigma and no client of IBM's: {error:#}"))),
    };
    let corpus = workspace.root.join("corpus/rules");
    let mut closings = Vec::new();
    let mut is_success = true;
    for (rules, what) in [("single", "matches"), ("correlations", "correlations")] {
        let file = corpus.join(format!("sigma/{rules}.yml"));
        let events = corpus.join("events.ndjson");
        let mut judge = Command::new(&python);
        judge.arg(corpus.join("judge.py")).arg(&file).arg(&events).arg(what);
        let theirs = answers(&process::capture(&mut judge)?, what)?;
        let mut own = Command::new(workspace.binary("debug"));
        own.args(["rules", "match", "--rules"]).arg(&file).arg("--events").arg(&events).args(["--output", "ndjson"]);
        if what == "correlations" {
            own.arg("--correlations");
        }
        let ours = answers(&process::capture(&mut own)?, what)?;
        let missing: Vec<&String> = theirs.iter().filter(|one| !ours.contains(one)).collect();
        let further: Vec<&String> = ours.iter().filter(|one| !theirs.contains(one)).collect();
        for (word, lines) in [("only pySigma", &missing), ("only whodid", &further)] {
            lines.iter().take(20).for_each(|line| output.line(format_args!("{word}: {line}")));
        }
        is_success &= missing.is_empty() && further.is_empty() && !theirs.is_empty();
        closings.push(format!(
            "{rules}: {} {what} by pySigma, {} of them missed, {} more",
            theirs.len(),
            missing.len(),
            further.len()
        ));
    }
    let client = advisor_client(workspace, &python, output)?;
    is_success &= client.is_success;
    closings.extend(client.closings);
    Ok(Ok(Ended { is_success, closings, took: begun.elapsed() }))
}

/// IBM's client on a server of our own. It ends with what it said last.
fn advisor_client(workspace: &Workspace, python: &Path, output: &Output) -> Result<Ended> {
    let begun = Instant::now();
    let scratch = Scratch::new(&workspace.target, "judges")?;
    let (binary, data, log) = (workspace.binary("debug"), scratch.0.join("data"), scratch.0.join("server.log"));
    let keys = server::init(&binary, &data)?;
    let mut server = Server::start(&binary, &data, &log)?;
    server.wait_ready()?;
    let script = workspace.root.join("corpus/findings/client.py");
    let client = Command::new(python).arg(script).arg(server.url()).arg(&keys.admin_token).output();
    let client = client.context("IBM's client did not start")?;
    server.kill()?;
    let said = String::from_utf8_lossy(&client.stdout).trim().to_owned();
    if !client.status.success() {
        output.line(String::from_utf8_lossy(&client.stderr));
        output.line(std::fs::read_to_string(&log).unwrap_or_default());
    }
    let closing = if said.is_empty() { "findings and channels: IBM's client was refused".to_owned() } else { said };
    Ok(Ended { is_success: client.status.success(), closings: vec![closing], took: begun.elapsed() })
}

/// Answers in one form, each once: pySigma writes the groups of correlations in small letters.
fn answers(text: &str, what: &str) -> Result<Vec<String>> {
    let mut answers = Vec::new();
    for line in text.lines() {
        let answer: Value = serde_json::from_str(line).with_context(|| format!("no answer: {line}"))?;
        let id = answer["rule_id"].as_str().unwrap_or_default();
        match (what, answer["event_index"].as_u64()) {
            ("matches", Some(index)) => answers.push(format!("{id} {index}")),
            ("correlations", None) => {
                let group = answer["group"].as_object().into_iter().flatten();
                let values: Vec<String> =
                    group.filter_map(|(_, value)| value.as_str()).map(str::to_lowercase).collect();
                let time: String = answer["time"].as_str().unwrap_or_default().chars().take(19).collect();
                answers.push(format!("{id} {} {time}", values.join(",")));
            }
            _ => {}
        }
    }
    answers.sort();
    answers.dedup();
    Ok(answers)
}
