//! Where things are: the repository, cargo's output folder, the workspace's packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The root of the repository.
///
/// Asked of cargo's environment when the program runs, not when it was compiled: one output folder
/// may serve several clones.
pub fn root() -> Result<PathBuf> {
    if let Some(own) = std::env::var_os("CARGO_MANIFEST_DIR")
        && let Some(root) = Path::new(&own).parent()
    {
        return Ok(root.to_path_buf());
    }
    let here = std::env::current_dir().context("no current folder")?;
    let root = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file());
    root.map(Path::to_path_buf).context("not inside the repository")
}

/// A package of the workspace, as cargo describes it.
#[derive(Debug)]
pub struct Package {
    pub name: String,
    pub folder: PathBuf,
    pub dependencies: Vec<Dependency>,
}

/// A dependency as the manifest states it.
#[derive(Debug)]
pub struct Dependency {
    pub name: String,
    /// `normal`, `dev` or `build`.
    pub kind: String,
}

/// The workspace without its dependencies.
#[derive(Debug)]
pub struct Workspace {
    pub root: PathBuf,
    pub target: PathBuf,
    pub packages: Vec<Package>,
}

impl Workspace {
    /// Asks cargo.
    pub fn load() -> Result<Self> {
        let root = root()?;
        let output = cargo_command()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(&root)
            .output()
            .context("cargo metadata did not start")?;
        if !output.status.success() {
            bail!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata is no JSON")?;
        let target = metadata["target_directory"].as_str().context("no target_directory")?.into();
        let packages =
            metadata["packages"].as_array().context("no packages")?.iter().map(package).collect::<Result<_>>()?;
        Ok(Self { root, target, packages })
    }

    /// Where the server's binary lies after a build in `profile` (`debug`, `release`).
    pub fn binary(&self, profile: &str) -> PathBuf {
        self.target.join(profile).join(format!("whodid{}", std::env::consts::EXE_SUFFIX))
    }
}

fn package(value: &Value) -> Result<Package> {
    let name = value["name"].as_str().context("package without name")?.to_string();
    let manifest = Path::new(value["manifest_path"].as_str().context("package without manifest")?);
    let folder = manifest.parent().context("manifest without folder")?.to_path_buf();
    let dependencies = value["dependencies"]
        .as_array()
        .context("package without dependencies")?
        .iter()
        .map(|dependency| Dependency {
            name: dependency["name"].as_str().unwrap_or_default().to_string(),
            kind: dependency["kind"].as_str().unwrap_or("normal").to_string(),
        })
        .collect();
    Ok(Package { name, folder, dependencies })
}

/// A command that runs cargo as from a shell.
///
/// `cargo xtask` hands the variables that describe the xtask package on to its children. Build scripts
/// that watch them (ring's does, and TLS and with it DataFusion stand on it) would run again whenever
/// cargo is called directly in between, or from another clone, and everything above them be built anew.
pub fn cargo_command() -> Command {
    let mut command = Command::new(cargo());
    for (name, _) in std::env::vars_os() {
        let describes_xtask = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|start| name.starts_with(start))
        });
        if describes_xtask {
            command.env_remove(name);
        }
    }
    command
}

/// The cargo that runs us, so that a chosen toolchain stays chosen.
fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}
