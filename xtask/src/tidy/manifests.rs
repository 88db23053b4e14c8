//! Crate order, dependencies with a reason, and one version of what must move in step.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::{Complaint, File};
use crate::workspace::{Package, Workspace};

/// Crates of these families exchange types, so a second version in the tree is a build that cannot link
/// or, worse, links and converts.
const IN_STEP: [&str; 5] = ["arrow", "parquet", "datafusion", "deltalake", "object_store"];

/// A crate for tests alone; any crate may use it in tests, wherever it stands.
const FOR_TESTS: &str = "whodid-testkit";

pub fn check(workspace: &Workspace, files: &[File]) -> Result<Vec<Complaint>> {
    let text = |path: &str| files.iter().find(|file| file.path == path).and_then(|file| file.text.as_deref());
    let root = text("Cargo.toml").context("no root manifest")?;
    let mut found = order(&members(root), &workspace.packages);
    found.extend(reasons(root));
    for manifest in files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        found.extend(member_manifest(&manifest.path, manifest.text.as_deref().unwrap_or_default()));
    }
    match text("Cargo.lock") {
        Some(lock) => {
            let denied = text("xtask/deny-list.txt").unwrap_or_default();
            found.extend(lock_file(lock, denied));
        }
        None => found.push(Complaint::new("Cargo.lock", "is missing; an application commits its lock file")),
    }
    Ok(found)
}

/// The members in the order in which the root manifest lists them, by the last part of their path.
fn members(root: &str) -> Vec<String> {
    let list = root.split_once("members = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    let quoted = list.split('"').skip(1).step_by(2);
    quoted.filter_map(|path| path.rsplit('/').next()).map(String::from).collect()
}

/// A crate may depend only on crates above it.
fn order(members: &[String], packages: &[Package]) -> Vec<Complaint> {
    let mut found = Vec::new();
    let place = |name: &str| {
        let package = packages.iter().find(|package| package.name == name)?;
        let folder = package.folder.file_name()?.to_str()?;
        members.iter().position(|member| member == folder)
    };
    for package in packages {
        let Some(own) = place(&package.name) else {
            found.push(Complaint::new(&package.name, "is not in the root manifest's list of members"));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(used) = place(&dependency.name) else { continue };
            let is_test_support = dependency.kind == "dev" && dependency.name == FOR_TESTS;
            if used >= own && !is_test_support {
                let text = format!("depends on {}, which stands below it in the root manifest", dependency.name);
                found.push(Complaint::new(&package.name, text));
            }
        }
    }
    found
}

/// Every third-party dependency says what it is for.
fn reasons(root: &str) -> Vec<Complaint> {
    let section = root.split_once("[workspace.dependencies]").map_or("", |(_, rest)| rest);
    let section = section.split_once("\n[").map_or(section, |(section, _)| section);
    let entries = section.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let unexplained = entries.filter(|line| !line.contains("path = ") && !line.contains('#'));
    let name = |line: &str| line.split([' ', '=']).next().unwrap_or_default().to_string();
    unexplained
        .map(|line| Complaint::new("Cargo.toml", format!("{} has no comment that says what it is for", name(line))))
        .collect()
}

/// A member takes its lints and the versions of its dependencies from the root.
fn member_manifest(path: &str, text: &str) -> Vec<Complaint> {
    let mut found = Vec::new();
    if !text.contains("[lints]\nworkspace = true") {
        found.push(Complaint::new(path, "has no `[lints] workspace = true`"));
    }
    let mut in_dependencies = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_dependencies = line.trim_end_matches(']').ends_with("dependencies");
        } else if in_dependencies && line.contains('=') && !line.starts_with('#') && !line.contains("workspace = true")
        {
            found.push(Complaint::new(path, format!("states its own version; write `workspace = true`: {line}")));
        }
    }
    found
}

/// One version of what moves in step; nothing from the deny list.
fn lock_file(lock: &str, denied: &str) -> Vec<Complaint> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut name = "";
    for line in lock.lines() {
        if let Some(quoted) = line.strip_prefix("name = ") {
            name = quoted.trim_matches('"');
        } else if let Some(quoted) = line.strip_prefix("version = ")
            && !name.is_empty()
        {
            versions.entry(name).or_default().insert(quoted.trim_matches('"'));
            name = "";
        }
    }
    let mut found = Vec::new();
    for (name, versions) in &versions {
        let in_step = IN_STEP
            .iter()
            .any(|family| name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')));
        if in_step && versions.len() > 1 {
            let listed = versions.iter().copied().collect::<Vec<_>>().join(" and ");
            found.push(Complaint::new("Cargo.lock", format!("{name} is there as {listed}; it must be one version")));
        }
    }
    for line in denied.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (pattern, reason) = line.split_once(':').unwrap_or((line, "no reason given"));
        let matches = |name: &str| match pattern.trim().strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern.trim(),
        };
        for name in versions.keys().filter(|name| matches(name)) {
            found.push(Complaint::new("Cargo.lock", format!("{name} is on the deny list:{reason}")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, dependencies: &[(&str, &str)]) -> Package {
        let dependencies =
            dependencies.iter().map(|(name, kind)| Dependency { name: (*name).into(), kind: (*kind).into() }).collect();
        Package { name: name.into(), folder: format!("crates/{name}").into(), dependencies }
    }

    #[test]
    fn a_crate_may_use_what_stands_above_it_and_nothing_below() {
        let members = ["model", "lake", "engine"].map(String::from);
        let good =
            [package("model", &[]), package("lake", &[("model", "normal")]), package("engine", &[("lake", "normal")])];
        assert_eq!(order(&members, &good), []);
        let bad =
            [package("model", &[("lake", "normal")]), package("lake", &[("engine", "dev")]), package("engine", &[])];
        let places: Vec<_> = order(&members, &bad).into_iter().map(|complaint| complaint.place).collect();
        assert_eq!(places, ["model", "lake"]);
    }

    #[test]
    fn tests_may_use_the_test_kit_from_anywhere() {
        let members = ["lake", "whodid-testkit"].map(String::from);
        let packages = [package("lake", &[(FOR_TESTS, "dev")]), package(FOR_TESTS, &[])];
        assert_eq!(order(&members, &packages), []);
    }

    #[test]
    fn a_dependency_without_a_reason_is_named() {
        let root = "[workspace.dependencies]\nown = { path = \"own\" }\nbytes = \"1\" # bodies\nfoo = \"1\"\n\n[profile.dev]\ndebug = 1\n";
        assert_eq!(reasons(root), [Complaint::new("Cargo.toml", "foo has no comment that says what it is for")]);
    }

    #[test]
    fn a_member_takes_lints_and_versions_from_the_root() {
        let good = "[lints]\nworkspace = true\n[dependencies]\nbytes.workspace = true\n";
        assert_eq!(member_manifest("a", good), []);
        assert_eq!(member_manifest("a", "[dependencies]\nbytes = \"1\"\n").len(), 2);
    }

    #[test]
    fn two_versions_of_arrow_are_refused_and_two_of_others_are_not() {
        let lock = "[[package]]\nname = \"arrow-array\"\nversion = \"58.0.0\"\n[[package]]\nname = \"arrow-array\"\nversion = \"59.0.0\"\n\
                    [[package]]\nname = \"syn\"\nversion = \"1.0.0\"\n[[package]]\nname = \"syn\"\nversion = \"2.0.0\"\n";
        let found = lock_file(lock, "");
        assert_eq!(found.len(), 1);
        assert!(found[0].text.contains("58.0.0 and 59.0.0"), "{}", found[0]);
    }

    #[test]
    fn the_deny_list_knows_names_and_prefixes() {
        let lock = "name = \"aws-sdk-sts\"\nversion = \"1.0.0\"\nname = \"openssl-probe\"\nversion = \"0.2.0\"\n";
        let found = lock_file(lock, "# reasons\naws-sdk-*: too much to build\nopenssl: other TLS\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].text.contains("aws-sdk-sts is on the deny list: too much to build"));
    }
}
