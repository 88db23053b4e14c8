//! `cargo xtask openapi`: the HTTP contract as committed is the one the server has.
//!
//! openapi.json is printed by the server; the web client's types are made from it. Both are
//! committed, so a change of the contract is seen in review.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::output::Output;
use crate::process;
use crate::workspace::{self, Workspace};

const DOCUMENT: &str = "openapi.json";
const CLIENT_TYPES: &str = "web/src/api/schema.ts";

pub fn run(arguments: &[String]) -> Result<()> {
    let workspace = Workspace::load()?;
    process::run(
        workspace::cargo_command().args(["build", "--quiet", "--package", "whodid"]).current_dir(&workspace.root),
    )?;
    let output = Output::straight();
    if arguments.iter().any(|argument| argument == "--write") {
        write(&workspace, &output)
    } else {
        check(&workspace, &output)
    }
}

/// Compares; the server must have been built.
pub fn check(workspace: &Workspace, output: &Output) -> Result<()> {
    let document = printed(workspace)?;
    let committed = std::fs::read_to_string(workspace.root.join(DOCUMENT)).unwrap_or_default();
    if document != committed {
        bail!(
            "{DOCUMENT} is not what the server has ({}); run `cargo xtask openapi --write`",
            first_difference(&committed, &document)
        );
    }
    let made = workspace.target.join("tmp-schema.ts");
    make_types(workspace, &made, output)?;
    let types = std::fs::read_to_string(&made).context("the types were not made")?;
    let committed = std::fs::read_to_string(workspace.root.join(CLIENT_TYPES)).unwrap_or_default();
    if types != committed {
        bail!(
            "{CLIENT_TYPES} is not made from {DOCUMENT} ({}); run `cargo xtask openapi --write`",
            first_difference(&committed, &types)
        );
    }
    output.line(format_args!("{DOCUMENT} and {CLIENT_TYPES} agree with the server"));
    Ok(())
}

fn write(workspace: &Workspace, output: &Output) -> Result<()> {
    std::fs::write(workspace.root.join(DOCUMENT), printed(workspace)?)?;
    make_types(workspace, &workspace.root.join(CLIENT_TYPES), output)?;
    output.line(format_args!("wrote {DOCUMENT} and {CLIENT_TYPES}"));
    Ok(())
}

fn printed(workspace: &Workspace) -> Result<String> {
    let mut document = process::capture(Command::new(workspace.binary("debug")).arg("openapi"))?;
    if !document.ends_with('\n') {
        document.push('\n');
    }
    Ok(document)
}

fn make_types(workspace: &Workspace, to: &Path, output: &Output) -> Result<()> {
    let web = workspace.root.join("web");
    crate::test::install_web(&web, output)?;
    let made = process::capture(
        Command::new("npx")
            .args(["--no-install", "openapi-typescript", "../openapi.json", "-o"])
            .arg(to)
            .current_dir(&web),
    );
    made.map(drop)
}

fn first_difference(committed: &str, made: &str) -> String {
    let mut pairs = committed.lines().zip(made.lines()).enumerate();
    match pairs.find(|(_, (old, new))| old != new) {
        Some((number, (old, new))) => format!("line {}: {:?} became {:?}", number + 1, old.trim(), new.trim()),
        None => format!("{} lines became {}", committed.lines().count(), made.lines().count()),
    }
}
