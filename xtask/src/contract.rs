//! The server against its own contract: schemathesis makes requests from `openapi.json`, right and wrong ones, and
//! what answers must neither be a server error nor differ from what the document says.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::output::Output;
use crate::process::{self, Ended};
use crate::server::{self, Scratch, Server};
use crate::workspace::Workspace;

/// The version that the arguments below are for.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// What an answer is held against.
const CHECKS: &str = "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance";
/// Without what never ends, what fills disks or folders with invented names, and what would end the caller itself.
const LEFT_OUT: &str = "events/tail$|/sql$|/accounts$|/sessions/current$|/me/sessions|/me/tokens|/me/reports|/restore$";

/// What schemathesis does not know by itself: bodies that are bytes.
const HOOKS: &str = "import schemathesis\n\
                     schemathesis.serializer.alias(\"application/gzip\", \"application/octet-stream\")\n";

/// Who asks, and with what kinds of requests.
struct Round {
    name: &'static str,
    phases: &'static str,
    examples: &'static str,
    headers: Vec<String>,
}

/// Starts a server of our own and asks it by key and by session. `None`, with the reason, where Python or the package
/// cannot be had.
pub fn run(workspace: &Workspace, output: &Output) -> Result<Result<Ended, String>> {
    let programs = match python(&workspace.target, output) {
        Ok(programs) => programs,
        Err(error) => return Ok(Err(format!("no schemathesis: {error:#}"))),
    };
    let scratch = Scratch::new(&workspace.target, "contract")?;
    let (binary, data, log) = (workspace.binary("debug"), scratch.0.join("data"), scratch.0.join("server.log"));
    let keys = server::init(&binary, &data)?;
    let mut server = Server::start(&binary, &data, &log)?;
    server.wait_ready()?;
    let cookie = signed_in(&programs, &server.url(), &keys.admin_link)?;
    let key = format!("Authorization: Bearer {}", keys.admin_token);
    let session = vec![format!("Cookie: {cookie}"), "Sec-Fetch-Site: same-origin".to_owned()];
    let rounds = [
        Round { name: "by key", phases: "coverage,fuzzing", examples: "8", headers: vec![key.clone()] },
        Round { name: "by session", phases: "fuzzing", examples: "4", headers: session },
        Round { name: "by key, in sequences", phases: "stateful", examples: "8", headers: vec![key] },
    ];
    std::fs::write(scratch.0.join("whodid_hooks.py"), HOOKS)?;
    let mut closings = Vec::new();
    for round in rounds {
        output.line(format_args!("--- {}", round.name));
        let mut command = Command::new(programs.join("schemathesis"));
        command.arg("run").arg(workspace.root.join("openapi.json")).args(["--url", &server.url()]);
        command.args(["--checks", CHECKS, "--phases", round.phases, "--max-examples", round.examples]);
        command.args(["--exclude-path-regex", LEFT_OUT, "--seed", "11", "--no-color"]);
        for header in &round.headers {
            command.args(["--header", header]);
        }
        command.env("SCHEMATHESIS_HOOKS", "whodid_hooks").env("PYTHONPATH", &scratch.0);
        // It keeps a database of examples where it is started.
        let ended = process::stream(command.current_dir(&scratch.0), output)?;
        closings.extend(ended.closings.into_iter().map(|line| format!("{}: {line}", round.name)));
        if !ended.is_success {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let errors: Vec<&str> = said.lines().filter(|line| line.contains("ERROR")).take(20).collect();
            output.line(errors.join("\n"));
            return Ok(Ok(Ended { is_success: false, closings, took: ended.took }));
        }
    }
    let status = server.stop()?;
    if !status.success() {
        bail!("the server ended with {status} after that");
    }
    Ok(Ok(Ended { is_success: true, closings, took: std::time::Duration::ZERO }))
}

/// The programs of a Python environment with schemathesis, made once.
fn python(target: &Path, output: &Output) -> Result<PathBuf> {
    let folder = target.join("tmp/contract-python");
    let (programs, ready) = (folder.join("bin"), folder.join("ready"));
    if std::fs::read_to_string(&ready).is_ok_and(|made| made == SCHEMATHESIS) {
        return Ok(programs);
    }
    output.line(format_args!("installing {SCHEMATHESIS} with pip (once)"));
    process::capture(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", SCHEMATHESIS];
    process::capture(Command::new(programs.join("python")).args(pip))?;
    std::fs::write(ready, SCHEMATHESIS)?;
    Ok(programs)
}

/// The cookie of a session begun with the first link, as a program follows it.
fn signed_in(programs: &Path, url: &str, link: &str) -> Result<String> {
    let token = link.split_once("token=").context("the link has no token")?.1;
    let script = "import sys, requests\n\
                  answer = requests.get(sys.argv[1], allow_redirects=False)\n\
                  print(answer.headers['set-cookie'].split(';')[0])";
    let address = format!("{url}/sign-in?token={token}");
    let said = process::capture(Command::new(programs.join("python")).args(["-c", script, &address]))?;
    Ok(said.trim().to_owned())
}
