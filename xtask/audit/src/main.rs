//! Checks Cargo.lock against a copy of the RustSec advisory database, offline.
//!
//! `xtask-audit <folder or .tar.gz>`, run from the repository's root. A vulnerability, an unsound or
//! a yanked crate fails; an unmaintained one is told. `xtask/audit/exceptions.txt` lists what is
//! accepted until when and why; an exception that has run out, or that nothing needs, fails too.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod exceptions;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use rustsec::advisory::Informational;
use rustsec::report::Settings;
use rustsec::{Database, Lockfile, Report};

use exceptions::Exception;

fn main() -> ExitCode {
    match std::env::args()
        .nth(1)
        .context("usage: xtask-audit <folder or .tar.gz>")
        .and_then(|database| run(Path::new(&database)))
    {
        Ok(0) => ExitCode::SUCCESS,
        Ok(open) => {
            println!("audit: {open} findings are open");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Returns the number of open findings.
fn run(database: &Path) -> Result<usize> {
    let unpacked = Unpacked::of(database)?;
    let database = Database::open(&unpacked.folder).context("the advisory database cannot be read")?;
    let lock = Lockfile::load("Cargo.lock").context("Cargo.lock cannot be read")?;
    let text = std::fs::read_to_string("xtask/audit/exceptions.txt").unwrap_or_default();
    let exceptions = exceptions::parse(&text)?;
    let settings = Settings {
        informational_warnings: vec![Informational::Unsound, Informational::Unmaintained, Informational::Notice],
        ..Settings::default()
    };
    let report = Report::generate(&database, &lock, &settings);
    let mut findings: Vec<Finding> = Vec::new();
    for vulnerability in &report.vulnerabilities.list {
        findings.push(Finding {
            id: vulnerability.advisory.id.to_string(),
            package: format!("{} {}", vulnerability.package.name, vulnerability.package.version),
            kind: "vulnerability".into(),
            title: vulnerability.advisory.title.clone(),
        });
    }
    for warning in report.warnings.values().flatten() {
        let Some(advisory) = &warning.advisory else { continue };
        findings.push(Finding {
            id: advisory.id.to_string(),
            package: format!("{} {}", warning.package.name, warning.package.version),
            kind: warning.kind.as_str().into(),
            title: advisory.title.clone(),
        });
    }
    let today = today()?;
    let open = judge(&findings, &exceptions, &today);
    println!(
        "audit: {} packages, {} advisories known, {} findings, {} exceptions",
        lock.packages.len(),
        database.iter().count(),
        findings.len(),
        exceptions.len()
    );
    Ok(open)
}

struct Finding {
    id: String,
    package: String,
    kind: String,
    title: String,
}

/// Prints each finding with what is thought of it and counts those that are open.
fn judge(findings: &[Finding], exceptions: &[Exception], today: &str) -> usize {
    let mut open = 0;
    for finding in findings {
        let exception = exceptions.iter().find(|exception| exception.id == finding.id);
        let verdict = match exception {
            Some(exception) if exception.until.as_str() >= today => {
                format!("accepted until {}: {}", exception.until, exception.reason)
            }
            Some(exception) => {
                open += 1;
                format!("OPEN, its exception ran out on {}", exception.until)
            }
            None if finding.kind == "unmaintained" || finding.kind == "notice" => "told, not counted".into(),
            None => {
                open += 1;
                "OPEN".into()
            }
        };
        println!("{} {} {}: {} [{verdict}]", finding.id, finding.kind, finding.package, finding.title);
    }
    for exception in exceptions.iter().filter(|exception| findings.iter().all(|finding| finding.id != exception.id)) {
        println!("{} is excepted and nothing needs it: take the line out", exception.id);
        open += 1;
    }
    open
}

/// The database as a folder; unpacked for as long as this lives when it came as an archive.
struct Unpacked {
    folder: PathBuf,
    temporary: Option<PathBuf>,
}

impl Unpacked {
    fn of(database: &Path) -> Result<Self> {
        if database.is_dir() {
            return Ok(Self { folder: database.to_path_buf(), temporary: None });
        }
        let folder = std::env::temp_dir().join(format!("whodid-advisories-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let status = Command::new("tar")
            .arg("-xzf")
            .arg(database)
            .arg("-C")
            .arg(&folder)
            .status()
            .context("tar did not start")?;
        if !status.success() {
            bail!("{} cannot be unpacked", database.display());
        }
        let inner = folder.join("advisory-db");
        Ok(Self { folder: if inner.is_dir() { inner } else { folder.clone() }, temporary: Some(folder) })
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        if let Some(folder) = &self.temporary {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Today in UTC as `2026-01-31`.
fn today() -> Result<String> {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs() / 86_400;
    Ok(exceptions::date_of_day(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(kind: &str, exception: Option<&str>) -> usize {
        let finding =
            Finding { id: "RUSTSEC-1".into(), package: "a 1.0.0".into(), kind: kind.into(), title: "t".into() };
        let exceptions =
            exception.map(|until| Exception { id: "RUSTSEC-1".into(), until: until.into(), reason: "r".into() });
        judge(&[finding], &exceptions.into_iter().collect::<Vec<_>>(), "2026-06-15")
    }

    #[test]
    fn a_vulnerability_is_open_until_a_dated_exception_says_otherwise() {
        assert_eq!(open("vulnerability", None), 1);
        assert_eq!(open("vulnerability", Some("2026-06-15")), 0);
        assert_eq!(open("vulnerability", Some("2026-06-14")), 1);
        assert_eq!(open("unsound", None), 1);
        assert_eq!(open("unmaintained", None), 0);
    }

    #[test]
    fn an_exception_that_nothing_needs_is_open_too() {
        let idle = Exception { id: "RUSTSEC-2".into(), until: "2099-01-01".into(), reason: "r".into() };
        assert_eq!(judge(&[], &[idle], "2026-06-15"), 1);
    }
}
