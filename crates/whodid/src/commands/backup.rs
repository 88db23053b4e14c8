//! `whodid backup` and `whodid restore`: who people are and what they may do, as lines of JSON.
//!
//! The events are not in it: they lie in the lake, in files that any tool can copy. The key that seals second factors
//! is not in it either, because a backup travels; it is named, so that it is kept too.

use std::io::{BufReader, IsTerminal, Write};

use anyhow::{Context, bail};
use serde_json::json;

use super::init;
use crate::End;
use crate::cli::rights::BackupFlags;
use crate::config::Config;
use crate::output::{self, Output};

/// Writes a backup, whole or not at all; works while the server runs.
pub async fn backup(config: &Config, flags: &BackupFlags, output: Output) -> anyhow::Result<End> {
    let meta = init::open_existing(config).await?;
    let (by, now) = (init::operator(), crate::clock::now());
    let rows = match &flags.file {
        Some(file) => {
            let mut part = file.clone().into_os_string();
            part.push(".part");
            let part = std::path::PathBuf::from(part);
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut to = options.open(&part).with_context(|| format!("cannot write {}", part.display()))?;
            let written = meta.export(&by, &mut to, now).await;
            let rows = match written {
                Ok(rows) => rows,
                Err(error) => {
                    // Half a backup would be taken for one.
                    let _ = std::fs::remove_file(&part);
                    return Err(error.into());
                }
            };
            to.sync_all().with_context(|| format!("cannot write {}", part.display()))?;
            std::fs::rename(&part, file).with_context(|| format!("cannot make {}", file.display()))?;
            rows
        }
        None => {
            let mut out = std::io::stdout().lock();
            let rows = meta.export(&by, &mut out, now).await?;
            out.flush()?;
            rows
        }
    };
    meta.close(now).await?;
    let sealed = format!("second factors need {} too: keep it elsewhere", config.secrets_key.display());
    match &flags.file {
        Some(file) => output::object(output, &json!({"file": file, "rows": rows, "secrets_key": config.secrets_key}))?,
        None => output::note(&format!("{rows} rows written")),
    }
    output::note(&sealed);
    Ok(End::Done)
}

/// Brings a backup back into an empty store, all or nothing.
pub async fn restore(config: &Config, flags: &BackupFlags, output: Output) -> anyhow::Result<End> {
    if flags.file.is_none() && std::io::stdin().is_terminal() {
        bail!("which backup? give --file, or the backup on standard input");
    }
    let meta = init::open(config).await?;
    let (by, now) = (init::operator(), crate::clock::now());
    let restored = match &flags.file {
        Some(file) => {
            let from = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
            meta.import(&by, BufReader::new(from), now).await
        }
        None => meta.import(&by, BufReader::new(std::io::stdin()), now).await,
    };
    meta.close(now).await?;
    let rows = restored.with_context(|| format!("nothing was brought back into {}", config.meta_location()))?;
    output::object(output, &json!({"rows": rows, "into": config.meta_location().to_string()}))?;
    output::note("People sign in anew: sessions and links are not in a backup.");
    Ok(End::Done)
}
