//! `whodid generate`: made-up events as NDJSON.

use std::io::{BufWriter, Write};

use anyhow::Context;
use whodid_generate::Options;

use crate::cli::GenerateFlags;
use crate::{End, Usage};

pub fn run(flags: &GenerateFlags) -> anyhow::Result<End> {
    let now = crate::clock::now();
    let end = match &flags.end {
        Some(text) => whodid_query::parse_time(text, now).map_err(|error| Usage(format!("--end {text:?}: {error}")))?,
        None => now,
    };
    let mut out: Box<dyn Write> = match &flags.file {
        Some(path) => {
            Box::new(std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => Box::new(std::io::stdout().lock()),
    };
    let mut out = BufWriter::with_capacity(1 << 20, &mut out);
    let options = Options { seed: flags.seed, end, days: flags.days, events: flags.events };
    for event in whodid_generate::history(options) {
        out.write_all(event.json.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(End::Done)
}
