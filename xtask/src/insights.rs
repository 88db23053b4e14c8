//! `cargo xtask insights-eval`: how good insights are, on made-up accounts.
//!
//! The work is done by the crate in `xtask/insights-eval`, which is built only here, as a release build: a debug build
//! would take hours. It says itself which arguments it takes.

use anyhow::{Result, bail};

use crate::output::Output;
use crate::process;
use crate::workspace;

pub fn run(arguments: &[String]) -> Result<()> {
    let ended = process::stream(
        workspace::cargo_command()
            .args(["run", "--release", "--quiet", "--package", "xtask-insights-eval", "--"])
            .args(arguments)
            .current_dir(workspace::root()?),
        &Output::straight(),
    )?;
    if !ended.is_success {
        bail!("the evaluation of insights did not come to an end");
    }
    Ok(())
}
