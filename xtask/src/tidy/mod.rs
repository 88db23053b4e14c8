//! `cargo xtask tidy`: the repository's own rules, each a few lines of code.
//!
//! What fmt and clippy can check is not here. A rule that old code breaks holds the old code in a
//! ratchet list and everything new to the rule.

mod documents;
mod files;
mod manifests;
mod purity;

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// One broken rule: where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Complaint {
    place: String,
    text: String,
}

impl Complaint {
    fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.place, self.text)
    }
}

/// A file of the repository: its path from the root, and its text unless it is binary.
#[derive(Debug)]
pub struct File {
    pub path: String,
    pub text: Option<String>,
    pub bytes: usize,
}

pub fn run(_arguments: &[String]) -> Result<()> {
    let complaints = complaints()?;
    for complaint in &complaints {
        println!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("{} things are untidy", complaints.len());
    }
    println!("tidy: nothing to complain of");
    Ok(())
}

/// Everything that breaks a rule.
pub fn complaints() -> Result<Vec<Complaint>> {
    let workspace = Workspace::load()?;
    let files = list(&workspace)?;
    let mut found = Vec::new();
    found.extend(manifests::check(&workspace, &files)?);
    found.extend(purity::check(&files));
    found.extend(files::check(&files));
    found.extend(documents::check(&files));
    Ok(found)
}

/// The files that git knows or would add.
fn list(workspace: &Workspace) -> Result<Vec<File>> {
    let names = process::capture(
        std::process::Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&workspace.root),
    )?;
    let mut files = Vec::new();
    for path in names.split('\0').filter(|path| !path.is_empty()) {
        // A file may be deleted and not yet committed so.
        let Ok(content) = std::fs::read(workspace.root.join(path)) else { continue };
        let bytes = content.len();
        files.push(File { path: path.to_string(), text: String::from_utf8(content).ok(), bytes });
    }
    Ok(files)
}

#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File { path: path.into(), text: Some(text.into()), bytes: text.len() }
}
