//! The events to send.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use super::expected::Expected;
use crate::process;

/// A file of NDJSON events.
#[derive(Debug)]
pub struct Events {
    pub path: PathBuf,
    pub count: u64,
    pub bytes: u64,
}

/// End of the period of events that the server's own generator makes: fixed, so that the same
/// arguments make the same events on any day.
const PERIOD_TO: &str = "2026-02-04T00:00:00.000Z";
/// The same for the events of several sources.
pub const MIXED_TO: &str = PERIOD_TO;
const LAST_DAY_FROM: &str = "2026-02-03T00:00:00.000Z";

/// Makes `count` events in `folder`, or takes those that an earlier run made there.
///
/// The workload's generator makes them where it lies beside the repository, the server's own elsewhere.
pub fn make(root: &Path, server: &Path, folder: &Path, count: u64, seed: u64) -> Result<Events> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("events-{count}-{seed}.ndjson"));
    let source = root.join("../shared/bench/gen_events.rs");
    if !path.is_file() {
        let partial = folder.join(format!("events-{count}-{seed}.partial.ndjson"));
        if source.is_file() {
            let generator = compiled(&source, folder)?;
            let mut command = Command::new(generator);
            command.args(["--events", &count.to_string(), "--seed", &seed.to_string(), "--out"]).arg(&partial);
            process::run(command.arg("--side").arg(path.with_extension("")))?;
        } else {
            let mut command = Command::new(server);
            command.args(["generate", "--events", &count.to_string(), "--seed", &seed.to_string()]);
            let all = folder.join("generated.ndjson");
            process::run(command.args(["--end", PERIOD_TO, "--file"]).arg(&all))?;
            keep_comparable(&all, &partial)?;
            std::fs::remove_file(&all)?;
        }
        std::fs::rename(&partial, &path)?;
    }
    let bytes = std::fs::metadata(&path)?.len();
    let is_from_generator = path.with_extension("meta.json").is_file();
    let count = if is_from_generator { count } else { lines(BufReader::with_capacity(1 << 20, File::open(&path)?))? };
    Ok(Events { path, count, bytes })
}

impl Events {
    /// The right answers about these events.
    pub fn expected(&self) -> Result<Expected> {
        match std::fs::read_to_string(self.path.with_extension("meta.json")) {
            Ok(meta) => Expected::of_meta(&meta, &self.path),
            Err(_) => Expected::counted(&self.path, PERIOD_TO, LAST_DAY_FROM),
        }
    }
}

/// Copies the events in CADF form. The server's generator also writes other sources' forms, whose
/// initiators and outcomes only a decoder could tell, and the decoder is what is measured.
fn keep_comparable(all: &Path, kept: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(kept)?);
    for line in BufReader::new(File::open(all)?).lines() {
        let line = line?;
        if line.contains("\"initiator\":{") && line.contains("\"eventTime\":\"") {
            writeln!(out, "{line}")?;
        }
    }
    out.flush().context("the events cannot be written")
}

/// Lines that are not empty. By whole steps of the library, which is optimised where we are not: the
/// sender shares its cores with the server it measures.
fn lines(mut bytes: impl BufRead) -> Result<u64> {
    let mut count = 0;
    loop {
        match bytes.skip_until(b'\n')? {
            0 => return Ok(count),
            1 => {}
            _ => count += 1,
        }
    }
}

fn compiled(source: &Path, folder: &Path) -> Result<PathBuf> {
    let program = folder.join("gen_events");
    if !program.is_file() {
        process::run(Command::new("rustc").args(["-O", "--edition", "2021"]).arg(source).arg("-o").arg(&program))?;
    }
    Ok(program)
}

/// Hands out a file in pieces of whole lines, to several threads.
#[derive(Debug)]
pub struct Pieces {
    inner: Mutex<Reader>,
    piece_bytes: usize,
}

#[derive(Debug)]
struct Reader {
    file: File,
    /// The beginning of a line whose end is in the next piece.
    carry: Vec<u8>,
    left_events: u64,
}

/// Whole lines, and how many.
#[derive(Debug)]
pub struct Piece {
    pub bytes: Vec<u8>,
    pub events: u64,
}

impl Pieces {
    /// Pieces of about `piece_bytes` bytes of the first `events` lines.
    pub fn of(path: &Path, piece_bytes: usize, events: u64) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Self { inner: Mutex::new(Reader { file, carry: Vec::new(), left_events: events }), piece_bytes })
    }

    /// The next piece; `None` at the end.
    pub fn next(&self) -> Result<Option<Piece>> {
        let Ok(mut reader) = self.inner.lock() else { bail!("another thread broke off") };
        if reader.left_events == 0 {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(self.piece_bytes + reader.carry.len());
        bytes.append(&mut reader.carry);
        let wanted = self.piece_bytes.saturating_sub(bytes.len()).max(1) as u64;
        let mut read = (&mut reader.file).take(wanted).read_to_end(&mut bytes)? as u64;
        // A line longer than a piece is sent alone, whole.
        while !bytes.contains(&b'\n') && read > 0 {
            read = (&mut reader.file).take(self.piece_bytes as u64).read_to_end(&mut bytes)? as u64;
        }
        if let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') {
            reader.carry = bytes.split_off(last + 1);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut events = lines(bytes.as_slice())?;
        if events > reader.left_events {
            let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
            let keep = ends.take(reader.left_events as usize).last().unwrap_or(bytes.len());
            bytes.truncate(keep);
            events = reader.left_events;
        }
        reader.left_events -= events;
        Ok(Some(Piece { bytes, events }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Scratch;

    fn pieces(name: &str, text: &str, piece_bytes: usize, events: u64) -> Vec<(String, u64)> {
        let folder = Scratch::new(&std::env::temp_dir(), name).unwrap();
        let path = folder.0.join("events.ndjson");
        std::fs::write(&path, text).unwrap();
        let pieces = Pieces::of(&path, piece_bytes, events).unwrap();
        std::iter::from_fn(|| pieces.next().unwrap())
            .map(|piece| (String::from_utf8(piece.bytes).unwrap(), piece.events))
            .collect()
    }

    #[test]
    fn a_file_is_handed_out_in_whole_lines_without_loss() {
        let text = "{\"a\":1}\n{\"a\":22}\n{\"a\":333}\n{\"a\":4444}\n";
        for piece_bytes in [1, 7, 8, 9, 20, 1000] {
            let all = pieces("whole-lines", text, piece_bytes, 100);
            assert_eq!(all.iter().map(|(piece, _)| piece.as_str()).collect::<String>(), text, "{piece_bytes}");
            assert!(all.iter().all(|(piece, _)| piece.ends_with('\n')));
            assert_eq!(all.iter().map(|(_, events)| events).sum::<u64>(), 4);
        }
    }

    #[test]
    fn no_more_events_are_handed_out_than_asked_for() {
        let all = pieces("as-asked", "1\n2\n3\n4\n5\n", 4, 3);
        assert_eq!(all.iter().map(|(piece, _)| piece.as_str()).collect::<String>(), "1\n2\n3\n");
    }
}
