//! Child processes: run one, pass its output on as it comes, and remember its closing lines.

use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::output::Output;

/// How a child process ended.
#[derive(Debug)]
pub struct Ended {
    pub is_success: bool,
    pub took: Duration,
    /// The lines in which a test runner sums up and those that name a skipped test, in the order in which they came.
    pub closings: Vec<String>,
}

/// Runs `command`, passing its lines on to `output` as they come.
pub fn stream(command: &mut Command, output: &Output) -> Result<Ended> {
    let started = Instant::now();
    // A child behind a pipe thinks nobody looks; say otherwise when somebody does. A log stays plain.
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always").env("FORCE_COLOR", "1");
    } else {
        command.env("CARGO_TERM_COLOR", "never").env("NO_COLOR", "1").env_remove("FORCE_COLOR");
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} did not start", shown(command)))?;
    let closings = Mutex::new(Vec::new());
    let (printed, errors) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        scope.spawn(|| printed.map(|pipe| pass_on(pipe, &closings, output)));
        scope.spawn(|| errors.map(|pipe| pass_on(pipe, &closings, output)));
    });
    let status = child.wait().context("the child process was lost")?;
    let closings = closings.into_inner().unwrap_or_default();
    Ok(Ended { is_success: status.success(), took: started.elapsed(), closings })
}

/// Runs `command` on our own terminal; its failure is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{} did not start", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs `command` and returns what it printed; its failure is an error that quotes its complaint.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{} did not start", shown(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}\n{}", shown(command), output.status, String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no text", shown(command)))
}

fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(program).chain(arguments).take(6).collect::<Vec<_>>().join(" ")
}

/// Copies `pipe` to `output` line by line, and keeps the closing lines.
///
/// Both pipes of a child go there in whole lines, so that they cannot tear each other apart.
fn pass_on(pipe: impl Read, closings: &Mutex<Vec<String>>, output: &Output) {
    let mut lines = BufReader::new(pipe);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        output.write(&line);
        let text = without_colours(&String::from_utf8_lossy(&line));
        if is_closing(&text)
            && let Ok(mut closings) = closings.lock()
        {
            closings.push(text.trim().to_string());
        }
        line.clear();
    }
}

/// How a test says that it was skipped: `skipped: <test>: <reason>`.
pub const SKIPPED: &str = "skipped: ";

/// Whether a line names a skipped test, or is one in which cargo test, nextest, vitest, node's runner or the journeys sum up.
fn is_closing(line: &str) -> bool {
    let line = line.trim();
    let counts = |line: &str| line.contains(" passed") || line.contains(" failed");
    line.starts_with(SKIPPED)
        || line.starts_with("test result: ")
        || (line.starts_with("Summary [") && counts(line))
        || (line.starts_with("Test Files ") && counts(line))
        || (line.starts_with("Tests ") && counts(line))
        || line.starts_with("# pass ")
        || line.starts_with("# fail ")
        || (line.contains(" passed, ") && line.contains(" failed"))
        || (line.contains(" generated, ") && counts(line))
}

fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_every_runner_are_known_and_others_are_not() {
        for line in [
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "     Summary [   0.005s] 3 tests run: 3 passed, 0 skipped",
            "      Tests  58 passed (58)",
            " Test Files  1 failed | 6 passed (7)",
            "# pass 7",
            "9 passed, 0 failed",
            "  48 generated, 48 passed",
            "skipped: power::lost_power_loses_nothing: needs root",
        ] {
            assert!(is_closing(line), "{line}");
        }
        for line in ["test decode::passed ... ok", "Tests run on Linux", "running 3 tests"] {
            assert!(!is_closing(line), "{line}");
        }
    }

    #[test]
    fn colours_are_taken_out_of_a_line() {
        assert_eq!(without_colours("\u{1b}[32m12 passed\u{1b}[0m, 0 failed"), "12 passed, 0 failed");
    }

    #[test]
    fn output_is_passed_on_whole_and_its_closing_lines_are_kept() {
        let (closings, output) = (Mutex::new(Vec::new()), Output::kept());
        let printed = b"running\n\x1b[1m1 passed, 2 failed\x1b[0m\nno end of line".as_slice();
        pass_on(printed, &closings, &output);
        assert_eq!(output.into_kept(), printed);
        assert_eq!(closings.into_inner().unwrap(), ["1 passed, 2 failed"]);
    }

    #[test]
    fn a_child_that_fails_is_reported_so() {
        let ended = stream(Command::new("false").arg("whatever"), &Output::straight()).unwrap();
        assert!(!ended.is_success && ended.closings.is_empty());
    }

    #[test]
    fn what_a_child_prints_can_be_kept_for_later() {
        let output = Output::kept();
        let ended = stream(Command::new("echo").arg("journeys: 2 passed, 0 failed"), &output).unwrap();
        assert!(ended.is_success);
        assert_eq!(ended.closings, ["journeys: 2 passed, 0 failed"]);
        assert_eq!(output.into_kept(), b"journeys: 2 passed, 0 failed\n");
    }
}
