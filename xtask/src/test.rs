//! `cargo xtask test`: exactly what CI checks, in stages, cheap ones first.
//!
//! What keeps no core busy runs beside other steps, and its lines are printed when it has ended. A failed step does not stop
//! the others, unless they need what it makes; the end is a summary.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::output::Output;
use crate::postgres::Postgres;
use crate::process::{self, Ended};
use crate::workspace::{self, Workspace};
use crate::{audit, contract, journeys, judges, openapi, tidy, tools, unchanged};

use Lane::{Beside, Main};
use Stage::{Code, Rust, Servers};

/// Crates whose documentation is read by people who do not read the code.
const DOCUMENTED: [&str; 3] = ["whodid-model", "whodid-journal", "whodid-api"];

/// Of a clone that shares its output folder with earlier ones: build only what differs from theirs.
const KEEP_TIMES: &str = "--keep-times";

struct Step {
    name: &'static str,
    what: &'static str,
    /// When it runs, and beside what.
    at: (Stage, Lane),
    /// The step whose result this one uses. It has ended when this one begins.
    needs: Option<&'static str>,
    run: fn(&Workspace, &Output) -> Result<Verdict>,
}

/// Stages come one after another: the next begins when every step of the one before has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// What is written, and whether it builds.
    Code,
    /// Alone: these tests keep every core busy by themselves.
    Rust,
    /// The server as it was built, asked from outside. A browser, a server and a runner wait for each other in turn.
    Servers,
}

const STAGES: [Stage; 3] = [Code, Rust, Servers];

/// The two lanes of a stage run at the same time, the steps of a lane one after another.
///
/// Steps of a stage that call cargo belong in one lane: it locks its output folder, and they would only wait there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Its lines are seen as they come.
    Main,
    /// The lines of a step are seen when it has ended, unless nothing is in the other lane.
    Beside,
}

/// In the order in which they are listed and summed up; within a lane also that in which they run.
static STEPS: [Step; 12] = [
    Step { name: "fmt", what: "format of the Rust code", at: (Code, Main), needs: None, run: fmt },
    Step { name: "tidy", what: "the repository's own rules", at: (Code, Main), needs: None, run: tidy_step },
    Step { name: "web", what: "web: lint, types, unit tests", at: (Code, Beside), needs: None, run: web },
    Step { name: "clippy", what: "lints of the Rust code", at: (Code, Main), needs: None, run: clippy },
    Step { name: "build", what: "everything the tests need", at: (Code, Main), needs: None, run: build },
    Step { name: "rust", what: "Rust tests", at: (Rust, Main), needs: Some("build"), run: rust },
    Step { name: "doc", what: "documentation builds without warnings", at: (Servers, Beside), needs: None, run: doc },
    Step {
        name: "openapi",
        what: "the committed contract is the server's",
        at: (Servers, Beside),
        needs: Some("build"),
        run: openapi_step,
    },
    Step {
        name: "contract",
        what: "the server against its contract, with requests made from it",
        at: (Servers, Beside),
        needs: Some("build"),
        run: contract_step,
    },
    Step {
        name: "judges",
        what: "rules as pySigma understands them, findings as IBM's client reports them",
        at: (Servers, Beside),
        needs: Some("build"),
        run: judges_step,
    },
    Step {
        name: "journeys",
        what: "a person's ways through the pages, in Chromium",
        at: (Servers, Main),
        needs: Some("build"),
        run: journeys_step,
    },
    Step {
        name: "audit",
        what: "known vulnerabilities in the lock file",
        at: (Servers, Beside),
        needs: None,
        run: audit_step,
    },
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
    let keeps_times = arguments.iter().any(|argument| argument == KEEP_TIMES);
    let others: Vec<String> = arguments.iter().filter(|argument| *argument != KEEP_TIMES).cloned().collect();
    let Some(chosen) = choose(&others)? else {
        for step in &STEPS {
            println!("{:9} {}", step.name, step.what);
        }
        return Ok(());
    };
    tools::check()?;
    let workspace = Workspace::load()?;
    let begun = Instant::now();
    let built = keeps_times.then(|| unchanged::Run::begin(&workspace)).transpose().unwrap_or_else(|error| {
        println!("everything is built: {error:#}");
        None
    });
    let mut finished: Vec<Finished> = Vec::new();
    for stage in STAGES {
        let ended = run_lanes(&lanes(stage, &chosen), &workspace, &finished);
        finished.extend(ended);
    }
    if let Some(Err(error)) = built.map(|built| built.end()) {
        println!("the next run builds everything: {error:#}");
    }
    finished.sort_by_key(|done| STEPS.iter().position(|step| step.name == done.name));
    sum_up(&finished, begun.elapsed())
}

/// The chosen steps of a stage, lane by lane. A lane without any is left out, so that the first one there is may write
/// to the terminal as it goes.
fn lanes(stage: Stage, chosen: &[&str]) -> Vec<Vec<&'static Step>> {
    let mut lanes = Vec::new();
    for lane in [Main, Beside] {
        let steps: Vec<&Step> =
            STEPS.iter().filter(|step| step.at == (stage, lane) && chosen.contains(&step.name)).collect();
        if !steps.is_empty() {
            lanes.push(steps);
        }
    }
    lanes
}

/// Runs the lanes at the same time. `earlier`: the steps of the stages before.
fn run_lanes(lanes: &[Vec<&'static Step>], workspace: &Workspace, earlier: &[Finished]) -> Vec<Finished> {
    std::thread::scope(|scope| {
        let running: Vec<_> = lanes
            .iter()
            .enumerate()
            .map(|(at, steps)| scope.spawn(move || run_lane(steps, at == 0, workspace, earlier)))
            .collect();
        let mut finished = Vec::new();
        for lane in running {
            match lane.join() {
                Ok(ended) => finished.extend(ended),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        finished
    })
}

/// Runs steps one after another. `is_seen`: their lines go to the terminal as they come.
fn run_lane(steps: &[&Step], is_seen: bool, workspace: &Workspace, earlier: &[Finished]) -> Vec<Finished> {
    let mut finished: Vec<Finished> = Vec::new();
    for step in steps {
        let output = if is_seen {
            Output::straight()
        } else {
            println!("--- {} begins beside this; its lines come when it has ended", step.name);
            Output::kept()
        };
        let done = run_step(step, workspace, &output, earlier.iter().chain(&finished));
        if !is_seen {
            output.line(format_args!("=== end of {} after {:.1} s", step.name, done.took.as_secs_f64()));
        }
        output.release();
        finished.push(done);
    }
    finished
}

/// Runs one step, or says why it cannot be. `before`: those that have ended.
fn run_step<'a>(
    step: &Step,
    workspace: &Workspace,
    output: &Output,
    mut before: impl Iterator<Item = &'a Finished>,
) -> Finished {
    output.line(format_args!("\n=== {} ({})", step.name, step.what));
    let started = Instant::now();
    let lacks = before.find(|done| Some(done.name) == step.needs && matches!(done.verdict, Verdict::Failed(_)));
    let verdict = match lacks {
        Some(needed) => Verdict::Failed(vec![format!("not run: {} failed", needed.name)]),
        None => (step.run)(workspace, output).unwrap_or_else(|error| {
            output.line(format_args!("error: {error:#}"));
            Verdict::Failed(Vec::new())
        }),
    };
    if let Verdict::Skipped(reason) = &verdict {
        output.line(format_args!("skipped: {reason}"));
    }
    Finished { name: step.name, verdict, took: started.elapsed() }
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
            bail!("unknown argument {flag:?}; there are --only, --skip, --list and {KEEP_TIMES}");
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

/// `took`: all of them together, by the clock.
fn sum_up(finished: &[Finished], took: Duration) -> Result<()> {
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
    let one_by_one: Duration = finished.iter().map(|step| step.took).sum();
    println!("{} by the clock; the steps by themselves come to {}", spoken(took), spoken(one_by_one));
    let failed: Vec<&str> =
        finished.iter().filter(|step| matches!(step.verdict, Verdict::Failed(_))).map(|step| step.name).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    println!("all {} steps passed or were skipped with a reason, in {}", finished.len(), spoken(took));
    Ok(())
}

fn spoken(took: Duration) -> String {
    format!("{} min {} s", took.as_secs() / 60, took.as_secs() % 60)
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

fn fmt(workspace: &Workspace, output: &Output) -> Result<Verdict> {
    process::stream(&mut cargo(workspace, &["fmt", "--all", "--check"]), output).map(Verdict::from)
}

fn tidy_step(_workspace: &Workspace, output: &Output) -> Result<Verdict> {
    let complaints = tidy::complaints()?;
    for complaint in &complaints {
        output.line(complaint);
    }
    Ok(if complaints.is_empty() {
        Verdict::Passed(Vec::new())
    } else {
        Verdict::Failed(vec![format!("{} complaints", complaints.len())])
    })
}

fn clippy(workspace: &Workspace, output: &Output) -> Result<Verdict> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    process::stream(&mut cargo(workspace, &arguments), output).map(Verdict::from)
}

/// Programs and tests in one go: what it selects decides which features the dependencies get, and a
/// second selection would build the heavy ones twice.
fn build(workspace: &Workspace, output: &Output) -> Result<Verdict> {
    let arguments = ["build", "--workspace", "--lib", "--bins", "--tests", "--examples"];
    process::stream(&mut cargo(workspace, &arguments), output).map(Verdict::from)
}

/// The plain runner, not a faster one: it is there wherever cargo is, and runs documentation tests.
///
/// With a PostgreSQL server beside it, so that the tests of the metadata run on both databases. Where there is none and
/// none may be installed, they run on SQLite and say what they left out.
fn rust(workspace: &Workspace, output: &Output) -> Result<Verdict> {
    let mut command = cargo(workspace, &["test", "--workspace", "--no-fail-fast"]);
    let postgres = Postgres::start(output);
    match &postgres {
        Ok(postgres) => {
            command.env("WHODID_TEST_POSTGRES", &postgres.url);
        }
        Err(error) => output.line(format_args!("{}PostgreSQL: {error:#}", process::SKIPPED)),
    }
    match judges::python(&workspace.target, output) {
        Ok(python) => {
            command.env("WHODID_TEST_SMTP_PYTHON", python);
        }
        Err(error) => output.line(format_args!("{}a mail server: {error:#}", process::SKIPPED)),
    }
    process::stream(&mut command, output).map(Verdict::from)
}

fn doc(workspace: &Workspace, output: &Output) -> Result<Verdict> {
    let mut command = cargo(workspace, &["doc", "--no-deps"]);
    for name in DOCUMENTED {
        command.args(["--package", name]);
    }
    process::stream(command.env("RUSTDOCFLAGS", "-D warnings"), output).map(Verdict::from)
}

fn openapi_step(workspace: &Workspace, output: &Output) -> Result<Verdict> {
    openapi::check(workspace, output).map(|()| Verdict::Passed(Vec::new()))
}

fn contract_step(workspace: &Workspace, output: &Output) -> Result<Verdict> {
    Ok(match contract::run(workspace, output)? {
        Ok(ended) => Verdict::from(ended),
        Err(reason) => Verdict::Skipped(reason),
    })
}

fn judges_step(workspace: &Workspace, output: &Output) -> Result<Verdict> {
    Ok(match judges::run(workspace, output)? {
        Ok(ended) => Verdict::from(ended),
        Err(reason) => Verdict::Skipped(reason),
    })
}

fn journeys_step(workspace: &Workspace, output: &Output) -> Result<Verdict> {
    if !workspace.root.join("web/journeys/run.mjs").is_file() {
        return Ok(Verdict::Skipped("web/journeys is empty".into()));
    }
    install_web(&workspace.root.join("web"), output)?;
    journeys::run(workspace, output).map(Verdict::from)
}

fn audit_step(_workspace: &Workspace, output: &Output) -> Result<Verdict> {
    match audit::database()? {
        Some(database) => audit::check(&database, output).map(Verdict::from),
        None => Ok(Verdict::Skipped("no advisory database here (see `cargo xtask audit`)".into())),
    }
}

fn web(workspace: &Workspace, output: &Output) -> Result<Verdict> {
    let web = workspace.root.join("web");
    install_web(&web, output)?;
    let (mut passed, mut closings) = (true, Vec::new());
    for script in ["lint", "types", "unit"] {
        output.line(format_args!("--- npm run {script}"));
        let ended = process::stream(Command::new("npm").args(["run", "--silent", script]).current_dir(&web), output)?;
        let word = if ended.is_success { "ok" } else { "FAILED" };
        output.line(format_args!("--- {script}: {word} in {:.1} s", ended.took.as_secs_f64()));
        passed &= ended.is_success;
        closings.extend(ended.closings);
    }
    Ok(if passed { Verdict::Passed(closings) } else { Verdict::Failed(closings) })
}

/// `npm ci`, unless what is installed came from this very lock file.
///
/// The build script of `whodid-ui` does the same with the same lock and the same stamp, perhaps at this moment.
pub fn install_web(web: &Path, output: &Output) -> Result<()> {
    let lock = File::create(web.join(".build.lock")).context("the lock of web/")?;
    lock.lock().context("the lock of web/")?;
    let wanted = std::fs::read(web.join("package-lock.json")).context("web/package-lock.json")?;
    let stamp = web.join("node_modules/.installed-from");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    output.line("--- npm ci");
    let ended = process::stream(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(web), output)?;
    if !ended.is_success {
        bail!("npm ci failed");
    }
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
    fn what_a_step_needs_has_ended_when_it_begins() {
        for (index, step) in STEPS.iter().enumerate() {
            let Some(needed) = step.needs else { continue };
            let before = STEPS.iter().position(|other| other.name == needed).unwrap();
            let is_in_an_earlier_stage = STEPS[before].at.0 < step.at.0;
            assert!(is_in_an_earlier_stage || (STEPS[before].at == step.at && before < index), "{}", step.name);
        }
    }

    #[test]
    fn every_step_has_its_place_in_a_stage_once() {
        let all = chosen(&[]);
        let placed: Vec<&str> = STAGES.iter().flat_map(|stage| lanes(*stage, &all)).flatten().map(|s| s.name).collect();
        assert_eq!(placed.len(), STEPS.len(), "{placed:?}");
        assert!(all.iter().all(|name| placed.contains(name)), "{placed:?}");
    }

    #[test]
    fn the_only_lane_with_chosen_steps_is_the_first() {
        let names = |stage, chosen: &[&str]| -> Vec<Vec<&str>> {
            lanes(stage, chosen).iter().map(|lane| lane.iter().map(|step| step.name).collect()).collect()
        };
        assert_eq!(names(Code, &["fmt", "build", "web"]), [vec!["fmt", "build"], vec!["web"]]);
        assert_eq!(names(Code, &["web"]), [vec!["web"]]);
        assert!(names(Rust, &["web"]).is_empty());
    }

    fn nowhere() -> Workspace {
        Workspace { root: "nowhere".into(), target: "nowhere".into(), packages: Vec::new() }
    }

    #[test]
    fn a_step_is_not_run_when_what_it_needs_failed() {
        let step =
            Step { name: "b", what: "the second", at: (Rust, Main), needs: Some("a"), run: |_, _| panic!("it ran") };
        let failed = Finished { name: "a", verdict: Verdict::Failed(Vec::new()), took: Duration::ZERO };
        let done = run_step(&step, &nowhere(), &Output::kept(), std::iter::once(&failed));
        assert!(matches!(done.verdict, Verdict::Failed(lines) if lines == ["not run: a failed"]));
    }

    #[test]
    fn what_a_step_says_stands_under_its_name() {
        let step = Step {
            name: "b",
            what: "the second",
            at: (Rust, Beside),
            needs: Some("a"),
            run: |_, output| {
                output.line("working");
                bail!("it broke")
            },
        };
        let output = Output::kept();
        let done = run_step(&step, &nowhere(), &output, std::iter::empty());
        assert!(matches!(done.verdict, Verdict::Failed(_)));
        let told = String::from_utf8(output.into_kept()).unwrap();
        assert_eq!(told, "\n=== b (the second)\nworking\nerror: it broke\n");
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
