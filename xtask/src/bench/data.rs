//! The events to send, and what the right answers about them are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// A file of NDJSON events.
#[derive(Debug)]
pub struct Events {
    pub path: PathBuf,
    pub count: u64,
    pub bytes: u64,
    /// The expected answers, where the generator states them.
    pub expected: Option<Expected>,
}

/// Parameters and right answers of the queries.
#[derive(Debug)]
pub struct Expected {
    meta: Value,
    /// Users with the most distinct addresses, counted from the file: (number, name), most first.
    pub q9: Vec<(u64, String)>,
}

impl Expected {
    pub fn text(&self, name: &str) -> &str {
        self.meta[name].as_str().unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> u64 {
        self.meta[name].as_u64().unwrap_or_default()
    }

    /// `[["value", count], …]`
    pub fn pairs(&self, name: &str) -> Vec<(String, u64)> {
        let list = self.meta[name].as_array().cloned().unwrap_or_default();
        let pair = |pair: &Value| Some((pair[0].as_str()?.to_string(), pair[1].as_u64()?));
        list.iter().filter_map(pair).collect()
    }
}

/// Makes `count` events in `folder`, or takes those that an earlier run made there.
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
            let file = File::create(&partial)?;
            let mut command = Command::new(server);
            process::run(
                command.args(["generate", "--events", &count.to_string(), "--seed", &seed.to_string()]).stdout(file),
            )?;
        }
        std::fs::rename(&partial, &path)?;
    }
    let bytes = std::fs::metadata(&path)?.len();
    let expected = match std::fs::read_to_string(path.with_extension("meta.json")) {
        Ok(text) => Some(Expected {
            meta: serde_json::from_str(&text).context("the meta file is no JSON")?,
            q9: addresses_by_user(&path)?,
        }),
        Err(_) => None,
    };
    let count = expected.as_ref().map_or(count, |expected| expected.number("events"));
    Ok(Events { path, count, bytes, expected })
}

fn compiled(source: &Path, folder: &Path) -> Result<PathBuf> {
    let program = folder.join("gen_events");
    if !program.is_file() {
        process::run(Command::new("rustc").args(["-O", "--edition", "2021"]).arg(source).arg("-o").arg(&program))?;
    }
    Ok(program)
}

/// The twenty users with the most distinct addresses, counted by plain text search: a reference
/// that shares no code with what it checks.
fn addresses_by_user(path: &Path) -> Result<Vec<(u64, String)>> {
    let mut users: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut lines = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        if let Some((name, address)) = user_and_address(&line) {
            let addresses = match users.get_mut(name.as_bytes()) {
                Some(addresses) => addresses,
                None => users.entry(name.as_bytes().to_vec()).or_default(),
            };
            if !addresses.contains(address.as_bytes()) {
                addresses.insert(address.as_bytes().to_vec());
            }
        }
        line.clear();
    }
    let mut most: Vec<(u64, String)> = users
        .into_iter()
        .map(|(name, addresses)| (addresses.len() as u64, String::from_utf8_lossy(&name).into_owned()))
        .collect();
    most.sort_by(|one, two| two.0.cmp(&one.0).then_with(|| one.1.cmp(&two.1)));
    most.truncate(20);
    Ok(most)
}

fn user_and_address(line: &str) -> Option<(&str, &str)> {
    let (_, initiator) = line.split_once("\"initiator\":{")?;
    let (_, rest) = initiator.split_once("\"name\":\"")?;
    let (name, rest) = rest.split_once('"')?;
    let (_, rest) = rest.split_once("\"address\":\"")?;
    let (address, _) = rest.split_once('"')?;
    Some((name, address))
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
        let mut bytes = std::mem::take(&mut reader.carry);
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
        let mut events = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
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

    #[test]
    fn user_and_address_are_found_in_the_text_of_an_event() {
        let line =
            r#"{"id":"1","initiator":{"id":"u","name":"bob","host":{"address":"192.0.2.1"}},"target":{"name":"x"}}"#;
        assert_eq!(user_and_address(line), Some(("bob", "192.0.2.1")));
    }
}
