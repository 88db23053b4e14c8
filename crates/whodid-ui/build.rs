//! Builds `web/` with npm into cargo's output folder and lists the files for embedding.
//!
//! `WHODID_UI=skip` leaves npm alone; the binary then serves a page that says so. Nothing is
//! written into `web/` but `node_modules`, which is installed again only when the lock file changed.

#![allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

/// What the pages are made of. A change to anything else in `web/` (tests, mock) builds nothing anew.
const SOURCES: [&str; 7] =
    ["src", "public", "index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"];
/// The oldest Node that the tools run on.
const NODE_MIN: (u32, u32) = (20, 19);

fn main() -> Result<()> {
    println!("cargo::rerun-if-env-changed=WHODID_UI");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    if std::env::var_os("WHODID_UI").is_some_and(|value| value == "skip") {
        return write_table(&out, &[]);
    }
    let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").context("cargo sets CARGO_MANIFEST_DIR")?);
    let web = manifest.join("../../web").canonicalize().context("the folder web/ beside crates/")?;
    for source in SOURCES {
        // Relative to this package: with the path of one clone, another clone that shares the output folder would
        // watch the first one's sources and embed its pages.
        println!("cargo::rerun-if-changed=../../web/{source}");
    }
    check_node()?;
    // Builds with different target folders share `web/`; the second waits for the first.
    let lock = File::create(web.join(".build.lock")).context("the lock of web/")?;
    lock.lock().context("the lock of web/")?;
    install(&web)?;
    let dist = out.join("dist");
    npm(&web, &["exec", "--", "vite", "build", "--logLevel", "warn", "--outDir", &dist.to_string_lossy()])?;
    let mut files = Vec::new();
    collect(&dist, "", &mut files)?;
    files.sort();
    write_table(&out, &files)
}

fn check_node() -> Result<()> {
    let asked = Command::new("node").arg("--version").output();
    let text = match &asked {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => bail!("the UI is built with Node, which is not here: install Node 20.19 or later, or set WHODID_UI=skip"),
    };
    let mut parts = text.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version < NODE_MIN {
        bail!("the UI needs Node 20.19 or later, and this is {text}; or set WHODID_UI=skip");
    }
    Ok(())
}

/// `npm ci`, unless what is installed came from this very lock file.
fn install(web: &Path) -> Result<()> {
    let wanted = fs::read(web.join("package-lock.json")).context("web/package-lock.json")?;
    let stamp = web.join("node_modules/.installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    npm(web, &["ci", "--no-audit", "--no-fund", "--loglevel=error"])?;
    fs::write(&stamp, wanted).context("web/node_modules/.installed-from")
}

fn npm(web: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new("npm")
        .args(arguments)
        .current_dir(web)
        .output()
        .with_context(|| format!("npm {} cannot be started", arguments.join(" ")))?;
    if !output.status.success() {
        bail!(
            "npm {} failed ({})\n{}\n{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("the built pages in {}", folder.display()))? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}

/// Writes `table.rs`: one entry a file, sorted by path, with a gzip variant where that is smaller.
fn write_table(out: &Path, files: &[(String, PathBuf)]) -> Result<()> {
    let packed = out.join("gzip");
    fs::create_dir_all(&packed)?;
    let mut table = String::from("&[\n");
    for (index, (name, path)) in files.iter().enumerate() {
        let bytes = fs::read(path)?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes)?;
        let gzip = encoder.finish()?;
        // Fonts are compressed already: a variant must save a tenth to be worth its place.
        let variant = if gzip.len() * 10 < bytes.len() * 9 {
            let at = packed.join(format!("{index}.gz"));
            fs::write(&at, &gzip)?;
            format!("Some(include_bytes!({at:?}))")
        } else {
            "None".to_owned()
        };
        writeln!(
            table,
            "    File {{ path: {name:?}, bytes: include_bytes!({path:?}), gzip: {variant}, etag: \"\\\"{:016x}\\\"\" }},",
            fnv1a(&bytes)
        )?;
    }
    table.push_str("]\n");
    fs::write(out.join("table.rs"), table).context("the table of embedded files")
}

/// FNV-1a, 64 bits: tells contents apart from one build to the next; no defence against forgery.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
