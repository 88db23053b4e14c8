//! `whodid salvage`: what can still be read of a damaged journal.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use whodid_model::{AccountName, StreamName};

use crate::cli::SalvageFlags;
use crate::config::Config;
use crate::output::{self, Output};
use crate::{End, Usage};

pub fn run(config: &Config, flags: &SalvageFlags, output: Output) -> anyhow::Result<End> {
    let account = match &flags.account {
        Some(name) => AccountName::parse(name).map_err(|error| Usage(format!("--account {name:?}: {error}")))?,
        None => AccountName::default_account(),
    };
    // What whodid told of itself must never be sent again as if it were an event of somebody.
    let streams = match &flags.stream {
        Some(name) => vec![StreamName::parse(name).map_err(|error| Usage(format!("--stream {name:?}: {error}")))?],
        None => vec![StreamName::activity(), StreamName::rejects()],
    };
    if !config.data.join("journal").is_dir() {
        bail!("{} has no journal", config.data.display());
    }
    let salvaged = match &flags.file {
        Some(path) => {
            // What was salvaged before is not written over: it may be all there is.
            let file = std::fs::File::create_new(path).with_context(|| format!("cannot write {}", path.display()))?;
            let mut out = std::io::BufWriter::with_capacity(1 << 20, file);
            let salvaged = write(&config.data, &account, &streams, &mut out)?;
            let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.sync_all().with_context(|| format!("cannot write {}", path.display()))?;
            salvaged
        }
        None => write(&config.data, &account, &streams, &mut std::io::stdout().lock())?,
    };
    let whole = if salvaged.damage.is_empty() { "the journal is whole" } else { "the journal is damaged" };
    output::note(&format!("{} records read; {whole}", salvaged.records));
    for damage in &salvaged.damage {
        output::note(&format!("lost: {damage}"));
    }
    if salvaged.others > 0 {
        output::note(&format!("{} records of other accounts were left out; --account names one", salvaged.others));
    }
    if salvaged.other_streams > 0 {
        let count = salvaged.other_streams;
        output::note(&format!("{count} records of other streams were left out; --stream audit writes the audit log's"));
    }
    if flags.file.is_some() && output != Output::Table {
        let told = serde_json::json!({
            "records": salvaged.records, "others": salvaged.others, "damage": salvaged.damage,
        });
        output::object(output, &told)?;
    }
    Ok(if salvaged.damage.is_empty() { End::Done } else { End::Found })
}

fn write(
    data: &Path,
    account: &AccountName,
    streams: &[StreamName],
    out: &mut dyn Write,
) -> anyhow::Result<whodid_engine::Salvaged> {
    let salvaged = whodid_engine::salvage(data, account, streams, &mut |raw| {
        out.write_all(raw)?;
        out.write_all(b"\n")
    })?;
    out.flush()?;
    Ok(salvaged)
}
