//! `cargo xtask demo`: from a clone to a page with data.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::workspace::{self, Workspace};
use crate::{process, tools};

/// CPU minutes of a first build of the server in the development profile (docs/adr/0006).
const FIRST_BUILD_CPU_MINUTES: usize = 23;

pub fn run(arguments: &[String]) -> Result<()> {
    tools::check()?;
    let workspace = Workspace::load()?;
    let binary = workspace.binary("debug");
    announce(&binary);
    let started = Instant::now();
    // Cargo draws its own progress, and the build script of `whodid-ui` builds the web pages.
    process::run(workspace::cargo_command().args(["build", "--package", "whodid"]).current_dir(&workspace.root))
        .context("the build failed")?;
    println!("built in {} s; starting the demo (Ctrl-C ends it)", started.elapsed().as_secs());
    become_process(Command::new(&binary).arg("demo").args(arguments).env_remove("WHODID_CHROMIUM"))
}

fn announce(binary: &Path) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if binary.exists() {
        println!("building whodid: seconds when little changed");
    } else {
        let minutes = FIRST_BUILD_CPU_MINUTES.div_ceil(cores);
        println!("building whodid for the first time: about {minutes} minutes on {cores} idle cores, once");
    }
}

/// The demo takes this process's place, so that signals reach it and nothing else.
#[cfg(unix)]
fn become_process(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("the demo did not start")
}

#[cfg(not(unix))]
fn become_process(command: &mut Command) -> Result<()> {
    process::run(command)
}
