//! `cargo xtask test`: exactly what CI checks, cheap steps first.
//!
//! A failed step does not stop the others, unless they need what it makes; the end is a summary.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::postgres::Postgres;
use crate::process::{self, Ended};
use crate::workspace::{self, Workspace};
use crate::{audit, contract, journeys, judges, openapi, tidy, tools};

/// Crates whose documentation is read by people who do not read the code.
const DOCUMENTED: [&str; 3] = ["whodid-model", "whodid-journal", "whodid-api"];

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&Workspace) -> Result<Verdict>,
    /// The step whose result this one uses.
    needs: Option<&'static str>,
}

const STEPS: [Step; 12] = [
    Step { name: "fmt", what: "format of the Rust code", run: fmt, needs: None },
    Step { name: "tidy", what: "the repository's own rules", run: tidy_step, needs: None },
    Step { name: "web", what: "web: lint, types, unit tests", run: web, needs: None },
    Step { name: "clippy", what: "lints of the Rust code", run: clippy, needs: None },
    Step { name: "build", what: "everything the tests need", run: build, needs: None },
    Step { name: "rust", what: "Rust tests", run: rust, needs: Some("build") },
    Step { name: "doc", what: "documentation builds without warnings", run: doc, needs: None },
    Step { name: "openapi", what: "the committed contract is the server's", run: openapi_step, needs: Some("build") },
    Step {
        name: "contract",
        what: "the server against its contract, with requests made from it",
        run: contract_step,
        needs: Some("build"),
    },
    Step { name: "judges", what: "rules as pySigma understands them", run: judges_step, needs: Some("build") },
    Step {
        name: "journeys",
        what: "a person's ways through the pages, in Chromium",
        run: journeys_step,
        needs: Some("build"),
    },
    Step { name: "audit", what: "known vulnerabilities in the lock file", run: audit_step, needs: None },
];

/// How a step ended, with the closing lines of the runners it called.
enum Verdict {
    Passed(Vec<String>),
    Failed(Vec<String>),
    Skipped(String),
}

impl From<Ended> for Verdict {
    fn from(ended: Ended) -> Self {
        if ended.is_success { Self::Passed(ended.closings) } else { Self::Failed(ended.closings) }
    }
}

struct Finished {
    name: &'static str,
    verdict: Verdict,
    took: Duration,
}

pub fn run(arguments: &[String]) -> Result<()> {
    let Some(chosen) = choose(arguments)? else {
        for step in &STEPS {
            println!("{:9} {}", step.name, step.what);
        }
        return Ok(());
    };
    tools::check()?;
    let workspace = Workspace::load()?;
    let mut finished: Vec<Finished> = Vec::new();
    for step in STEPS.iter().filter(|step| chosen.contains(&step.name)) {
        println!("\n=== {} ({})", step.name, step.what);
        let started = Instant::now();
        let lacks = step.needs.filter(|needed| {
            finished.iter().any(|done| done.name == *needed && matches!(done.verdict, Verdict::Failed(_)))
        });
        let verdict = match lacks {
            Some(needed) => Verdict::Failed(vec![format!("not run: {needed} failed")]),
            None => (step.run)(&workspace).unwrap_or_else(|error| {
                println!("error: {error:#}");
                Verdict::Failed(Vec::new())
            }),
        };
        if let Verdict::Skipped(reason) = &verdict {
            println!("skipped: {reason}");
        }
        finished.push(Finished { name: step.name, verdict, took: started.elapsed() });
    }
    sum_up(&finished)
}

/// The names of the steps to run; `None` to list them.
fn choose(arguments: &[String]) -> Result<Option<Vec<&'static str>>> {
    let mut chosen: Vec<&'static str> = STEPS.iter().map(|step| step.name).collect();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let (flag, inline) =
            argument.split_once('=').map_or((argument.as_str(), None), |(flag, value)| (flag, Some(value)));
        if flag == "--list" {
            return Ok(None);
        }
        if flag != "--only" && flag != "--skip" {
            bail!("unknown argument {flag:?}; there are --only, --skip and --list");
        }
        let names =
            inline.or_else(|| arguments.next().map(String::as_str)).context("name the steps: --only fmt,tidy")?;
        let named: Vec<&str> = names.split(',').map(str::trim).collect();
        if let Some(unknown) = named.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
            bail!("there is no step {unknown:?}; `cargo xtask test --list` names them");
        }
        chosen.retain(|name| named.contains(name) == (flag == "--only"));
    }
    Ok(Some(chosen))
}

fn sum_up(finished: &[Finished]) -> Result<()> {
    println!("\n=== summary");
    for step in finished {
        let (word, lines) = match &step.verdict {
            Verdict::Passed(lines) => ("ok", lines.clone()),
            Verdict::Failed(lines) => ("FAILED", lines.clone()),
            Verdict::Skipped(reason) => ("skipped", vec![reason.clone()]),
        };
        println!("{:9} {word:8} {:>6.1} s", step.name, step.took.as_secs_f64());
        // The runners' own closing lines, as they printed them, but those of programs without a test.
        let told = lines.iter().filter(|line| !is_skip(line) && !is_empty(line)).cloned();
        for line in told.chain(sum_of_programs(&lines)) {
            println!("          {line}");
        }
    }
    for line in skips(finished) {
        println!("{line}");
    }
    let failed: Vec<&str> =
        finished.iter().filter(|step| matches!(step.verdict, Verdict::Failed(_))).map(|step| step.name).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    let took: Duration = finished.iter().map(|step| step.took).sum();
    let (minutes, seconds) = (took.as_secs() / 60, took.as_secs() % 60);
    println!("all {} steps passed or were skipped with a reason, in {minutes} min {seconds} s", finished.len());
    Ok(())
}

/// The tests that were skipped, each once, with its reason.
fn skips(finished: &[Finished]) -> Vec<&str> {
    let mut skips = Vec::new();
    for step in finished {
        let (Verdict::Passed(lines) | Verdict::Failed(lines)) = &step.verdict else { continue };
        for line in lines.iter().filter(|line| is_skip(line)) {
            if !skips.contains(&line.as_str()) {
                skips.push(line);
            }
        }
    }
    skips
}

fn is_skip(line: &str) -> bool {
    line.starts_with(process::SKIPPED)
}

fn is_empty(line: &str) -> bool {
    line.starts_with("test result: ok. 0 passed; 0 failed; 0 ignored;")
}

/// What the many closing lines of `cargo test` come to, when there are several.
fn sum_of_programs(lines: &[String]) -> Option<String> {
    let programs: Vec<&String> = lines.iter().filter(|line| line.starts_with("test result: ")).collect();
    let sum = |word: &str| -> u64 {
        let counts = programs.iter().filter_map(|line| {
            let (before, _) = line.split_once(&format!(" {word}"))?;
            before.rsplit(' ').next()?.parse::<u64>().ok()
        });
        counts.sum()
    };
    (programs.len() > 1).then(|| {
        let (passed, failed, ignored) = (sum("passed"), sum("failed"), sum("ignored"));
        format!("sum of {} test programs: passed {passed}, failed {failed}, ignored {ignored}", programs.len())
    })
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = workspace::cargo_command();
    command.args(arguments).current_dir(&workspace.root);
    command
}

fn fmt(workspace: &Workspace) -> Result<Verdict> {
    process::stream(&mut cargo(workspace, &["fmt", "--all", "--check"])).map(Verdict::from)
}

fn tidy_step(_workspace: &Workspace) -> Result<Verdict> {
    let complaints = tidy::complaints()?;
    for complaint in &complaints {
        println!("{complaint}");
    }
    Ok(if complaints.is_empty() {
        Verdict::Passed(Vec::new())
    } else {
        Verdict::Failed(vec![format!("{} complaints", complaints.len())])
    })
}

fn clippy(workspace: &Workspace) -> Result<Verdict> {
    process::stream(&mut cargo(workspace, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
        .map(Verdict::from)
}

/// Programs and tests in one go: what it selects decides which features the dependencies get, and a
/// second selection would build the heavy ones twice.
fn build(workspace: &Workspace) -> Result<Verdict> {
    process::stream(&mut cargo(workspace, &["build", "--workspace", "--lib", "--bins", "--tests", "--examples"]))
        .map(Verdict::from)
}

/// The plain runner, not a faster one: it is there wherever cargo is, and runs documentation tests.
///
/// With a PostgreSQL server beside it, so that the tests of the metadata run on both databases. Where there is none and
/// none may be installed, they run on SQLite and say what they left out.
fn rust(workspace: &Workspace) -> Result<Verdict> {
    let mut command = cargo(workspace, &["test", "--workspace", "--no-fail-fast"]);
    let postgres = Postgres::start();
    match &postgres {
        Ok(postgres) => {
            command.env("WHODID_TEST_POSTGRES", &postgres.url);
        }
        Err(error) => println!("{}PostgreSQL: {error:#}", process::SKIPPED),
    }
    match judges::python(&workspace.target) {
        Ok(python) => {
            command.env("WHODID_TEST_SMTP_PYTHON", python);
        }
        Err(error) => println!("{}a mail server: {error:#}", process::SKIPPED),
    }
    process::stream(&mut command).map(Verdict::from)
}

fn doc(workspace: &Workspace) -> Result<Verdict> {
    let mut command = cargo(workspace, &["doc", "--no-deps"]);
    for name in DOCUMENTED {
        command.args(["--package", name]);
    }
    process::stream(command.env("RUSTDOCFLAGS", "-D warnings")).map(Verdict::from)
}

fn openapi_step(workspace: &Workspace) -> Result<Verdict> {
    openapi::check(workspace).map(|()| Verdict::Passed(Vec::new()))
}

fn contract_step(workspace: &Workspace) -> Result<Verdict> {
    Ok(match contract::run(workspace)? {
        Ok(ended) => Verdict::from(ended),
        Err(reason) => Verdict::Skipped(reason),
    })
}

fn judges_step(workspace: &Workspace) -> Result<Verdict> {
    Ok(match judges::run(workspace)? {
        Ok(ended) => Verdict::from(ended),
        Err(reason) => Verdict::Skipped(reason),
    })
}

fn journeys_step(workspace: &Workspace) -> Result<Verdict> {
    if !workspace.root.join("web/journeys/run.mjs").is_file() {
        return Ok(Verdict::Skipped("web/journeys is empty".into()));
    }
    install_web(&workspace.root.join("web"))?;
    journeys::run(workspace).map(Verdict::from)
}

fn audit_step(_workspace: &Workspace) -> Result<Verdict> {
    match audit::database()? {
        Some(database) => audit::check(&database).map(Verdict::from),
        None => Ok(Verdict::Skipped("no advisory database here (see `cargo xtask audit`)".into())),
    }
}

fn web(workspace: &Workspace) -> Result<Verdict> {
    let web = workspace.root.join("web");
    install_web(&web)?;
    let (mut passed, mut closings) = (true, Vec::new());
    for script in ["lint", "types", "unit"] {
        println!("--- npm run {script}");
        let ended = process::stream(Command::new("npm").args(["run", "--silent", script]).current_dir(&web))?;
        println!(
            "--- {script}: {} in {:.1} s",
            if ended.is_success { "ok" } else { "FAILED" },
            ended.took.as_secs_f64()
        );
        passed &= ended.is_success;
        closings.extend(ended.closings);
    }
    Ok(if passed { Verdict::Passed(closings) } else { Verdict::Failed(closings) })
}

/// `npm ci`, unless what is installed came from this very lock file.
///
/// The build script of `whodid-ui` does the same with the same lock and the same stamp.
pub fn install_web(web: &Path) -> Result<()> {
    let lock = File::create(web.join(".install.lock")).context("the lock of web/node_modules")?;
    lock.lock().context("the lock of web/node_modules")?;
    let wanted = std::fs::read(web.join("package-lock.json")).context("web/package-lock.json")?;
    let stamp = web.join("node_modules/.installed-from");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("--- npm ci");
    process::run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(web))?;
    std::fs::write(&stamp, wanted).context("web/node_modules/.installed-from")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(arguments: &[&str]) -> Vec<&'static str> {
        choose(&arguments.iter().map(|argument| (*argument).to_string()).collect::<Vec<_>>()).unwrap().unwrap()
    }

    #[test]
    fn steps_are_chosen_by_name_and_keep_their_order() {
        assert_eq!(chosen(&["--only", "tidy,fmt"]), ["fmt", "tidy"]);
        assert_eq!(chosen(&["--skip=audit,journeys"]).len(), STEPS.len() - 2);
        assert!(choose(&["--only".into(), "formt".into()]).is_err());
        assert!(choose(&["--list".into()]).unwrap().is_none());
    }

    #[test]
    fn skipped_tests_are_told_once_each() {
        let lines = ["skipped: a::b: needs root", "test result: ok. 1 passed; 0 failed", "skipped: a::b: needs root"];
        let step = |verdict| Finished { name: "rust", verdict, took: Duration::ZERO };
        let lines = || lines.map(String::from).to_vec();
        let finished = [
            step(Verdict::Passed(lines())),
            step(Verdict::Failed(lines())),
            step(Verdict::Skipped("nothing there".into())),
        ];
        assert_eq!(skips(&finished), ["skipped: a::b: needs root"]);
    }

    #[test]
    fn the_many_closing_lines_of_cargo_test_are_summed() {
        let lines = [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "9 passed, 0 failed",
        ]
        .map(String::from);
        assert_eq!(sum_of_programs(&lines).unwrap(), "sum of 2 test programs: passed 15, failed 2, ignored 1");
        assert_eq!(sum_of_programs(&lines[1..]), None);
    }
}
