//! What must be on the machine, and how to get it when it is not.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::output::Output;
use crate::process;

const RUST_MINIMUM: Version = Version(1, 95);
const NODE_MINIMUM: Version = Version(20, 19);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// Checks everything that a build needs, and names all that is missing at once.
pub fn check() -> Result<()> {
    let mut missing = Vec::new();
    match version("rustc") {
        Some(found) if found >= RUST_MINIMUM => {}
        Some(Version(major, minor)) => {
            missing.push(format!("rustc is {major}.{minor}; 1.95 or newer is needed: rustup update stable"));
        }
        None => missing.push("rustc is missing; install Rust 1.95 or newer with rustup (rustup.rs)".into()),
    }
    match version("node") {
        Some(found) if found >= NODE_MINIMUM => {}
        Some(Version(major, minor)) => missing.push(format!(
            "node is {major}.{minor}; 20.19 or newer is needed (nodejs.org; Debian 12's own package is too old)"
        )),
        None => missing.push("node is missing; install Node.js 20.19 or newer (nodejs.org)".into()),
    }
    if version("npm").is_none() {
        missing.push("npm is missing; it comes with Node.js".into());
    }
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    if !answers(&compiler) {
        missing.push(format!("no C compiler answers as {compiler:?}; on Debian: apt-get install gcc libc6-dev"));
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("the machine lacks something:\n  - {}", missing.join("\n  - "));
}

/// Where the Chromium for the browser journeys lies; installed with apt-get when it is missing and we may.
pub fn chromium(output: &Output) -> Result<PathBuf> {
    if let Some(found) = find_chromium() {
        return Ok(found);
    }
    if !may_install() {
        bail!("no Chromium; on Debian: apt-get install chromium (or name one in WHODID_CHROMIUM)");
    }
    install("chromium", output)?;
    find_chromium().map_or_else(|| bail!("Chromium was installed but does not answer"), Ok)
}

/// The folder of PostgreSQL's programs; installed with apt-get when it is missing and we may.
pub fn postgres(output: &Output) -> Result<PathBuf> {
    if let Some(found) = find_postgres() {
        return Ok(found);
    }
    if !may_install() {
        bail!("no PostgreSQL; on Debian: apt-get install postgresql (or name a folder with initdb in WHODID_POSTGRES)");
    }
    install("postgresql", output)?;
    find_postgres().map_or_else(|| bail!("PostgreSQL was installed but is not found"), Ok)
}

fn find_postgres() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WHODID_POSTGRES") {
        return Some(named.into());
    }
    // Debian keeps each major version in a folder of its own; the newest one counts.
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    versions.sort();
    let in_path = || which("initdb", &std::env::var_os("PATH")?)?.parent().map(PathBuf::from);
    versions.pop().map(|(_, folder)| folder).or_else(in_path)
}

fn install(package: &str, output: &Output) -> Result<()> {
    output.line(format_args!("installing {package} with apt-get (once)"));
    let quiet = |arguments: &[&str]| {
        process::capture(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
    };
    quiet(&["update", "-qq"])?;
    quiet(&["install", "-y", "-qq", "--no-install-recommends", package])
}

fn find_chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WHODID_CHROMIUM") {
        return Some(named.into());
    }
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(|program| which(program, &std::env::var_os("PATH")?))
}

/// The first file of this name in the folders of `path`.
fn which(program: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn may_install() -> bool {
    is_root() && answers("apt-get")
}

/// Whether we are the machine's administrator.
pub fn is_root() -> bool {
    process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn answers(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn version(program: &str) -> Option<Version> {
    parse_version(&process::capture(Command::new(program).arg("--version")).ok()?)
}

/// The first `a.b` in a line such as `rustc 1.95.0 (…)` or `v20.19.2`.
fn parse_version(text: &str) -> Option<Version> {
    let start = text.find(|character: char| character.is_ascii_digit())?;
    let mut parts = text[start..].split(|character: char| !character.is_ascii_digit());
    Some(Version(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_tools_print_them_and_compared_as_numbers() {
        assert_eq!(parse_version("rustc 1.95.0 (59807616e 2026-04-14)"), Some(Version(1, 95)));
        assert_eq!(parse_version("v20.9.0\n"), Some(Version(20, 9)));
        assert!(Version(20, 9) < NODE_MINIMUM);
        assert!(Version(22, 0) > NODE_MINIMUM);
        assert_eq!(parse_version("unknown"), None);
    }

    #[test]
    fn a_program_is_found_in_the_first_folder_that_has_it() {
        let found = which("sh", OsStr::new("/nonexistent:/bin:/usr/bin")).unwrap();
        assert_eq!(found, PathBuf::from("/bin/sh"));
        assert_eq!(which("no-such-program", OsStr::new("/bin:/usr/bin")), None);
    }
}
