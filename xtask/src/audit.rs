//! `cargo xtask audit`: known vulnerabilities in the lock file.
//!
//! The work is done by the crate in `xtask/audit`, which is built only here: the `rustsec` library
//! is more than all the rest of the automation.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::output::Output;
use crate::process::{self, Ended};
use crate::workspace;

/// The advisory database: `ADVISORY_DB` (a folder or .tar.gz), else the copy beside the repository.
pub fn database() -> Result<Option<PathBuf>> {
    if let Some(named) = std::env::var_os("ADVISORY_DB") {
        return Ok(Some(named.into()));
    }
    let beside = workspace::root()?.join("../shared/advisory-db.tar.gz");
    Ok(beside.is_file().then_some(beside))
}

pub fn run(_arguments: &[String]) -> Result<()> {
    let Some(database) = database()? else {
        bail!("no advisory database; name a copy of the RustSec one (folder or .tar.gz) in ADVISORY_DB");
    };
    if !check(&database, &Output::straight())?.is_success {
        bail!("the lock file has open advisories; mend them, or add a dated exception to xtask/audit/exceptions.txt");
    }
    Ok(())
}

/// Runs the check; its findings go to `output`.
pub fn check(database: &std::path::Path, output: &Output) -> Result<Ended> {
    let root = workspace::root()?;
    process::stream(
        workspace::cargo_command()
            .args(["run", "--quiet", "--package", "xtask-audit", "--"])
            .arg(database)
            .current_dir(root),
        output,
    )
}
