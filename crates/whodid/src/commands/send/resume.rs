//! What was sent of an input, kept on this side, so that going on is exact however long ago it broke off.
//!
//! A *delivery* is one handing over of one input: a file as it is now, one run of standard input. Its id is part of
//! every batch's idempotency key. So two deliveries with equal bytes are two, and a batch that is sent again within a
//! delivery is one. A small file for each input remembers the delivery and how far it was acknowledged.
//!
//! A file that has not changed is the same delivery. So is one that has grown and still begins with the batches that
//! were sent full. Any other is a new delivery. What was remembered is believed only when the input's batches
//! hash to the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::output;

/// What was not looked at for this long is forgotten.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// The form of the files.
const VERSION: u32 = 1;

/// How far an input was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Batches from the start.
    pub batches: u64,
    /// Of those batches in their order, in hex; empty for none.
    pub hash: String,
    /// Events in them that the server has.
    pub events: u64,
    /// Events in them that could not be read.
    pub rejected: u64,
    /// Events in them that could not be sent.
    pub not_sent: u64,
}

impl Mark {
    /// The hash after one more batch.
    pub fn hash_with(&self, body: &[u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(self.hash.as_bytes());
        hash.update(body);
        data_encoding::HEXLOWER.encode(&hash.finalize())
    }

    fn advance(&mut self, body: &[u8], sent: &Sent) {
        self.hash = self.hash_with(body);
        self.batches += 1;
        self.events += sent.events;
        self.rejected += sent.rejected;
        self.not_sent += sent.not_sent;
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    pub events: u64,
    pub rejected: u64,
    pub not_sent: u64,
}

/// The input as it was when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub size: u64,
    pub modified_ns: u64,
}

impl Stamp {
    pub fn of(metadata: &fs::Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        Self { size: metadata.len(), modified_ns: u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX) }
    }
}

/// What is remembered of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    version: u32,
    /// For people who look into the file.
    input: String,
    stamp: Option<Stamp>,
    delivery: String,
    /// Everything acknowledged.
    all: Mark,
    /// The batches from the start that were cut because they were full: they stay when a file grows.
    full: Mark,
}

/// The folder of the files; without one nothing is remembered.
#[derive(Debug, Clone)]
pub struct Memory {
    folder: Option<PathBuf>,
    /// Where to and as what is sent: the same file sent elsewhere is another thing.
    target: String,
}

impl Memory {
    /// The user's own folder for such things. Files that are too old are removed.
    pub fn open(url: &str, key: &str, account: Option<&str>, format: &str) -> Self {
        let home = std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".local/state")));
        let folder = home.map(|home| home.join("whodid").join("sent"));
        // The id of a key is not secret; the rest is not looked at.
        let key: String = key.chars().take(16).collect();
        let target = [url, &key, account.unwrap_or_default(), format].join("\0");
        let memory = Self { folder, target };
        memory.forget_old();
        memory
    }

    /// One in a folder of a test's own.
    #[cfg(test)]
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()), target: "here".to_owned() }
    }

    fn file(&self, input: &str) -> Option<PathBuf> {
        let name = hex_of(&[&self.target, input]);
        Some(self.folder.as_ref()?.join(format!("{name}.json")))
    }

    fn forget_old(&self) {
        let Some(entries) = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok()) else { return };
        let now = SystemTime::now();
        for entry in entries.flatten() {
            let age = entry.metadata().and_then(|metadata| metadata.modified()).ok();
            let is_old = age.and_then(|at| now.duration_since(at).ok()).is_some_and(|age| age > KEPT);
            let is_ours = entry.file_name().to_string_lossy().ends_with(".json");
            if is_old && is_ours {
                // Another run may have removed it.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// One delivery, as far as it has got.
#[derive(Debug)]
pub struct Delivery {
    /// What tells it from others in its batches' keys.
    pub id: String,
    file: Option<PathBuf>,
    state: Mutex<Remembered>,
}

impl Delivery {
    /// A delivery of `input` with this id, from the start.
    fn new(memory: &Memory, input: &str, stamp: Option<Stamp>, id: String) -> Self {
        let state = Remembered {
            version: VERSION,
            input: input.to_owned(),
            stamp,
            delivery: id.clone(),
            all: Mark::default(),
            full: Mark::default(),
        };
        Self { id, file: memory.file(input), state: Mutex::new(state) }
    }

    /// A file as it is now. The same file unchanged has the same id even when nothing is remembered.
    pub fn of_file(memory: &Memory, path: &str, stamp: Stamp) -> Self {
        let id = hex_of(&[path, &stamp.size.to_string(), &stamp.modified_ns.to_string()]);
        Self::new(memory, path, Some(stamp), id)
    }

    /// A new one, whatever was sent before.
    pub fn again(memory: &Memory, path: &str, stamp: Stamp) -> Self {
        Self::new(memory, path, Some(stamp), random())
    }

    /// One run of standard input. With an id that the user gave, all runs with it are one delivery.
    pub fn of_pipe(memory: &Memory, resume_id: Option<&str>) -> Self {
        match resume_id {
            Some(id) => {
                let input = format!("standard input, {id}");
                Self::new(memory, &input, None, hex_of(&["standard input", id]))
            }
            None => Self { file: None, ..Self::new(memory, "standard input", None, random()) },
        }
    }

    /// What was remembered of the input and may be gone on with, and from where: to be checked against the
    /// hashes of the input's batches.
    pub fn remembered(&self) -> Option<(Self, Mark)> {
        let text = fs::read(self.file.as_ref()?).ok()?;
        // A file of another version or a damaged one is as good as none.
        let mut kept: Remembered = serde_json::from_slice(&text).ok()?;
        let now = self.state.lock().stamp;
        let mark = match (now, kept.stamp) {
            (Some(now), Some(then)) if now == then => kept.all.clone(),
            (Some(now), Some(then)) if now.size > then.size => kept.full.clone(),
            // A pipe cannot be read again to see whether the last batch has grown.
            (None, None) => kept.full.clone(),
            _ => return None,
        };
        if kept.version != VERSION {
            return None;
        }
        (kept.stamp, kept.all) = (now, mark.clone());
        let delivery = Self { id: kept.delivery.clone(), file: self.file.clone(), state: Mutex::new(kept) };
        Some((delivery, mark))
    }

    /// The next batch was acknowledged.
    pub fn acknowledge(&self, body: &[u8], is_full: bool, sent: &Sent) {
        let mut state = self.state.lock();
        if is_full && state.full.batches == state.all.batches {
            state.full.advance(body, sent);
        }
        state.all.advance(body, sent);
        let Some(file) = &self.file else { return };
        if let Err(error) = write(file, &state) {
            // Only going on later is less exact; sending is not the worse for it.
            output::note(&format!("{}: cannot remember what was sent: {error}", file.display()));
        }
    }
}

fn write(file: &Path, state: &Remembered) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    // In one step: a kill leaves the earlier state or this one.
    let staged = file.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&staged, serde_json::to_vec(state)?)?;
    fs::rename(&staged, file)
}

fn hex_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}

fn random() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SENT: Sent = Sent { events: 2, rejected: 1, not_sent: 0 };

    #[test]
    fn equal_bytes_are_two_deliveries_unless_they_are_the_same_file_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::in_folder(&folder.path().join("sent"));
        let stamp = Stamp { size: 10, modified_ns: 1 };
        let id = |path: &str, stamp| Delivery::of_file(&memory, path, stamp).id;
        assert_eq!(id("/a", stamp), id("/a", stamp));
        assert_ne!(id("/a", stamp), id("/b", stamp));
        assert_ne!(id("/a", stamp), id("/a", Stamp { modified_ns: 2, ..stamp }));
        assert_ne!(Delivery::of_pipe(&memory, None).id, Delivery::of_pipe(&memory, None).id);
        assert_eq!(Delivery::of_pipe(&memory, Some("x")).id, Delivery::of_pipe(&memory, Some("x")).id);
    }

    #[test]
    fn an_unchanged_file_goes_on_after_its_last_batch_and_a_grown_one_after_its_last_full_one() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::in_folder(&folder.path().join("sent"));
        let stamp = Stamp { size: 10, modified_ns: 1 };
        let first = Delivery::of_file(&memory, "/a", stamp);
        assert!(first.remembered().is_none());
        first.acknowledge(b"one", true, &SENT);
        first.acknowledge(b"rest", false, &SENT);

        let (same, mark) = Delivery::of_file(&memory, "/a", stamp).remembered().unwrap();
        assert_eq!((&same.id, mark.batches, mark.events, mark.rejected), (&first.id, 2, 4, 2));
        let one = Mark::default().hash_with(b"one");
        assert_eq!(mark.hash, Mark { hash: one.clone(), ..Mark::default() }.hash_with(b"rest"));

        let grown = Delivery::of_file(&memory, "/a", Stamp { size: 20, modified_ns: 2 });
        let (grown, mark) = grown.remembered().unwrap();
        assert_eq!((&grown.id, mark.batches, mark.hash), (&first.id, 1, one));
        grown.acknowledge(b"rest and more", true, &SENT);
        let (_, mark) = Delivery::of_file(&memory, "/a", Stamp { size: 20, modified_ns: 2 }).remembered().unwrap();
        assert_eq!(mark.batches, 2);

        // Written anew: nothing of it was sent, whatever its content.
        assert!(Delivery::of_file(&memory, "/a", Stamp { size: 20, modified_ns: 3 }).remembered().is_none());
        assert!(Delivery::of_file(&memory, "/a", Stamp { size: 5, modified_ns: 3 }).remembered().is_none());
        assert!(
            Delivery::of_file(&Memory { target: "there".to_owned(), ..memory }, "/a", stamp).remembered().is_none()
        );
    }
}
