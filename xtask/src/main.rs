//! Everything that is done to whodid rather than by it: `cargo xtask <command>`.
//!
//! One program instead of scripts, so that a task runs the same on every machine with cargo.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod audit;
mod bench;
mod contract;
mod demo;
mod insights;
mod journeys;
mod judges;
mod openapi;
mod output;
mod postgres;
mod process;
mod server;
mod test;
mod tidy;
mod tools;
mod unchanged;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <command>

  demo [arguments of `whodid demo`]   build the UI and the server, then start the demo
  test [--only a,b] [--skip a,b] [--keep-times]
                                      everything that CI checks; `--list` names the steps
  tidy                                the repository's own rules: crate order, names, lock file, links
  openapi [--write]                   compare (or write) openapi.json and the web client's types
  bench [--events N] [--quick] [--write] [--rules [--rounds N]]
                                      load and queries on generated data, one JSON line per figure
  insights-eval [--seeds N] [--markdown] [--why]
                                      how good insights are, on made-up accounts (docs/insights.md)
  audit                               the lock file against a RustSec advisory database
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let result = match command.as_str() {
        "demo" => demo::run(&rest),
        "test" => test::run(&rest),
        "tidy" => tidy::run(&rest),
        "openapi" => openapi::run(&rest),
        "bench" => bench::run(&rest),
        "insights-eval" => insights::run(&rest),
        "audit" => audit::run(&rest),
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        unknown => {
            eprintln!("unknown command {unknown:?}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
