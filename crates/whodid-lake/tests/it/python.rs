//! A Python with packages that the tests talk to, in a folder of its own under the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of programs of a Python environment with `deltalake`, `duckdb` and `moto`; `None`, with the
/// reason printed, where it cannot be made.
pub fn programs() -> Option<&'static Path> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match MADE.get_or_init(make) {
        Ok(programs) => Some(programs),
        Err(reason) => {
            crate::skipped(&format!("no Python environment: {}", reason.trim()));
            None
        }
    }
}

fn make() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lake-python");
    let programs = folder.join("bin");
    let ready = folder.join("ready");
    if ready.exists() {
        return Ok(programs);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(programs.join("python")).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "deltalake>=1.1,<2",
        "duckdb>=1.3,<2",
        "moto[server]>=5.1,<6",
    ]))?;
    std::fs::write(&ready, "").map_err(|error| error.to_string())?;
    Ok(programs)
}

fn run(command: &mut Command) -> Result<(), String> {
    let done = command.output().map_err(|error| error.to_string())?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(said.lines().last().unwrap_or("it failed and said nothing").to_owned())
}
