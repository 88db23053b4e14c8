//! Which events have been seen: the window in which a repeated event is told from a new one.
//!
//! A duplicate is the same account, source id and content. Events without an id of their own are
//! not in the window; repeated requests that carry an idempotency key are answered from it instead.
//! The window covers the last [`KEYS_MAX`] events, the last [`REPLAYS_MAX`] answers or
//! [`REPLAY_BYTES_MAX`] of them, and at most [`WINDOW_MICROS`]; it is rebuilt at start from its files (what
//! has been flushed) and the journal (what has not). Events and answers are forgotten each by their own bound.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use siphasher::sip128::{Hasher128, SipHasher13};
use whodid_model::{AccountName, StreamName, Timestamp};

use crate::frame::Replay;

/// Bytes of a key: 96 bits, so that among four million keys a chance match of a new event
/// has a probability below 10^-22.
pub const KEY_BYTES: usize = 12;
/// Most events the window remembers.
pub const KEYS_MAX: usize = 4_000_000;
/// Most answered requests the window remembers.
pub const REPLAYS_MAX: usize = 100_000;
/// Most bytes of answers the window remembers: one to a request of nothing but rejects can have a megabyte.
pub const REPLAY_BYTES_MAX: usize = 64 << 20;
/// How long it remembers, in microseconds of recorded time: a day.
pub const WINDOW_MICROS: i64 = 86_400_000_000;

const FILE_MAGIC: &[u8; 8] = b"WHODUP01";

/// Ending of the files that name erased events; as chunks without answers.
const ERASED_ENDING: &str = "erased";

fn damaged_erased(path: &Path) -> io::Error {
    let text = format!("{} is damaged; bring it back, or remove it and the `.keys` files beside it", path.display());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// What identifies an event's content.
pub type Key = [u8; KEY_BYTES];

/// The secret of one installation that makes keys unpredictable to senders.
#[derive(Clone, Copy)]
pub struct HashSecret(u64, u64);

impl std::fmt::Debug for HashSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("HashSecret")
    }
}

impl HashSecret {
    /// Reads the secret from `folder`, or makes it there.
    pub fn load(folder: &Path) -> io::Result<Self> {
        let path = folder.join("hash-secret");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut fresh = [0; 16];
                getrandom::fill(&mut fresh).map_err(io::Error::other)?;
                write_synced(&path, &fresh)?;
                fresh.to_vec()
            }
            Err(error) => return Err(error),
        };
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged: 16 bytes expected", path.display()))
        })?;
        let half = |range: std::ops::Range<usize>| {
            bytes[range].iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
        };
        Ok(Self(half(0..8), half(8..16)))
    }

    fn hash(self, parts: &[&[u8]]) -> Key {
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        for part in parts {
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part);
        }
        let bytes = hasher.finish128().as_bytes();
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(&bytes[..KEY_BYTES]);
        key
    }

    /// The key of an event that has an id.
    pub fn event(self, account: &AccountName, id: &str, raw: &[u8]) -> Key {
        self.hash(&[b"event", account.as_str().as_bytes(), id.as_bytes(), raw])
    }

    /// The key of an event that whodid itself writes to a stream: no sender can have sent it before.
    pub fn own_event(self, account: &AccountName, stream: &StreamName, id: &str, raw: &[u8]) -> Key {
        self.hash(&[b"own", account.as_str().as_bytes(), stream.as_str().as_bytes(), id.as_bytes(), raw])
    }

    /// The key of a request of one sender: two senders that both count `batch-1`, `batch-2` never meet.
    pub fn request(self, account: &AccountName, sender: &str, idempotency_key: &str) -> Key {
        self.hash(&[b"request", account.as_str().as_bytes(), sender.as_bytes(), idempotency_key.as_bytes()])
    }

    /// The hash of a request's body and format.
    pub fn body(self, format: &str, body: &[u8]) -> Key {
        self.hash(&[b"body", format.as_bytes(), body])
    }
}

/// Keys are already uniform: their own first bytes are the hash.
#[derive(Debug, Default, Clone, Copy)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

/// Keys, each with the number of the newest chunk that holds it.
type KeyMap = HashMap<Key, u32, BuildHasherDefault<KeyHasher>>;

/// The keys of one group of frames.
#[derive(Debug)]
struct Chunk {
    number: u32,
    newest: Timestamp,
    keys: Vec<Key>,
    replays: Vec<Key>,
    file: Option<PathBuf>,
}

/// An answer and the newest chunk that holds it.
#[derive(Debug)]
struct Kept {
    chunk: u32,
    bytes: usize,
    replay: Replay,
}

/// The window. Owned by the writer thread.
#[derive(Debug)]
pub struct Window {
    folder: PathBuf,
    keys: KeyMap,
    replays: HashMap<Key, Kept>,
    replay_bytes: usize,
    /// Oldest first; the last ones have no file yet.
    chunks: VecDeque<Chunk>,
    next_number: u32,
    /// What was erased: chunks and journal still hold its keys, and it counts as new when it is sent again. Only while
    /// the window is being rebuilt, so that what was sent again since is forgotten with it: it may get in once more.
    erased: HashSet<Key>,
}

impl Window {
    /// Reads the window's files in `folder`; a damaged one is left out and named in the second value,
    /// because a lost key can only let a repeated event in twice, never lose one.
    pub fn open(folder: &Path) -> io::Result<(Self, Vec<PathBuf>)> {
        whodid_lake::make_folder(folder)?;
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
        paths.sort();
        let mut window = Self {
            folder: folder.to_path_buf(),
            keys: KeyMap::default(),
            replays: HashMap::new(),
            replay_bytes: 0,
            chunks: VecDeque::new(),
            next_number: 0,
            erased: HashSet::new(),
        };
        let mut damaged = Vec::new();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == ERASED_ENDING)) {
            match parse_chunk(&fs::read(path)?) {
                Some((_, keys, _)) => window.erased.extend(keys),
                // What it names may count as sent before, which nobody would notice.
                None => return Err(damaged_erased(path)),
            }
        }
        for path in paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("keys") => {}
                Some("tmp") => {
                    fs::remove_file(&path)?;
                    continue;
                }
                _ => continue,
            }
            let Some((newest, keys, replays)) = parse_chunk(&fs::read(&path)?) else {
                damaged.push(path);
                continue;
            };
            let replays = replays.into_iter().filter_map(|replay| Some((key_of_hex(&replay.key)?, replay)));
            window.insert_chunk(newest, Some(path));
            window.add(newest, &keys, replays);
            window.forget_crowded();
        }
        Ok((window, damaged))
    }

    /// True when the event is in the window.
    pub fn holds(&self, key: &Key) -> bool {
        self.keys.contains_key(key)
    }

    /// The kept answer to a request.
    pub fn replay(&self, key: &Key) -> Option<&Replay> {
        self.replays.get(key).map(|kept| &kept.replay)
    }

    /// Remembers the events and the answer of one durable frame.
    pub fn remember(&mut self, recorded_at: Timestamp, keys: &[Key], replay: Option<(Key, Replay)>) {
        if keys.is_empty() && replay.is_none() {
            return;
        }
        if self.chunks.back().is_none_or(|chunk| chunk.file.is_some()) {
            self.insert_chunk(recorded_at, None);
        }
        self.add(recorded_at, keys, replay);
    }

    /// The window is rebuilt: keys that come now are of events that come now.
    pub fn recovered(&mut self, now: Timestamp) {
        self.erased = HashSet::new();
        self.forget_expired(now);
    }

    /// Forgets erased events, durably: whoever sends them again is not told that they are there already.
    pub fn forget(&mut self, mut keys: Vec<Key>, now: Timestamp) -> io::Result<()> {
        self.forget_expired(now);
        keys.retain(|key| self.keys.contains_key(key));
        if keys.is_empty() {
            return Ok(());
        }
        let name = format!("{:020}-{}.{ERASED_ENDING}", now.micros(), uuid::Uuid::now_v7().simple());
        write_synced(&self.folder.join(name), &format_chunk(now, &keys, &[])?)?;
        for key in &keys {
            self.keys.remove(key);
        }
        Ok(())
    }

    /// Removes the files that name erased events which no chunk and no frame can hold any more.
    fn remove_old_erased(&self, now: Timestamp) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let at = path.file_stem().and_then(|stem| stem.to_str()?.split('-').next()?.parse::<i64>().ok());
            let is_old = at.is_some_and(|at| now.micros().saturating_sub(at) > 2 * WINDOW_MICROS);
            let is_covered = self.chunks.front().is_none_or(|chunk| Some(chunk.newest.micros()) > at);
            if is_old && is_covered && path.extension().is_some_and(|end| end == ERASED_ENDING) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn insert_chunk(&mut self, newest: Timestamp, file: Option<PathBuf>) {
        let number = self.next_number;
        self.next_number += 1;
        self.chunks.push_back(Chunk { number, newest, keys: Vec::new(), replays: Vec::new(), file });
    }

    /// Adds to the last chunk.
    fn add(&mut self, at: Timestamp, keys: &[Key], replays: impl IntoIterator<Item = (Key, Replay)>) {
        let chunk = self.chunks.back_mut().expect("a chunk was inserted");
        chunk.newest = chunk.newest.max(at);
        let known = || keys.iter().filter(|key| !self.erased.contains(*key)).copied();
        chunk.keys.extend(known());
        self.keys.extend(known().map(|key| (key, chunk.number)));
        for (key, replay) in replays {
            let bytes = bytes_of(&replay);
            chunk.replays.push(key);
            self.replay_bytes += bytes;
            if let Some(before) = self.replays.insert(key, Kept { chunk: chunk.number, bytes, replay }) {
                self.replay_bytes -= before.bytes;
            }
        }
    }

    /// Writes what is not yet on disk, synced, and forgets what has left the window.
    /// Must be durable before the journal releases the frames the keys came from.
    pub fn persist(&mut self, now: Timestamp) -> io::Result<()> {
        let replays = &self.replays;
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.file.is_none()) {
            let kept: Vec<&Replay> =
                chunk.replays.iter().filter_map(|key| replays.get(key)).map(|kept| &kept.replay).collect();
            let bytes = format_chunk(chunk.newest, &chunk.keys, &kept)?;
            let path = self.folder.join(format!("{:020}.keys", chunk.newest.micros()));
            let path = if path.exists() {
                self.folder.join(format!("{:020}-{}.keys", chunk.newest.micros(), uuid::Uuid::now_v7().simple()))
            } else {
                path
            };
            write_synced(&path, &bytes)?;
            chunk.file = Some(path);
        }
        self.forget_expired(now);
        self.forget_crowded();
        self.remove_old_erased(now)?;
        // A chunk of which nothing is remembered needs its file no more.
        while let Some(oldest) = self.chunks.front()
            && oldest.keys.is_empty()
            && oldest.replays.is_empty()
            && let Some(path) = &oldest.file
        {
            fs::remove_file(path)?;
            self.chunks.pop_front();
        }
        Ok(())
    }

    fn forget_expired(&mut self, now: Timestamp) {
        for at in 0..self.chunks.len() {
            // A chunk without a file is still covered by the journal; it stays until it is written.
            let chunk = &self.chunks[at];
            if now.micros().saturating_sub(chunk.newest.micros()) <= WINDOW_MICROS || chunk.file.is_none() {
                break;
            }
            self.forget_keys(at);
            self.forget_replays(at);
        }
    }

    /// Forgets the oldest of what is too much; the newest chunk always stays.
    fn forget_crowded(&mut self) {
        let older = self.chunks.len().saturating_sub(1);
        for at in 0..older {
            if self.chunks[at].file.is_none() {
                break;
            }
            if self.keys.len() > KEYS_MAX {
                self.forget_keys(at);
            }
            if self.replays.len() > REPLAYS_MAX || self.replay_bytes > REPLAY_BYTES_MAX {
                self.forget_replays(at);
            }
        }
    }

    fn forget_keys(&mut self, at: usize) {
        let chunk = &mut self.chunks[at];
        for key in std::mem::take(&mut chunk.keys) {
            // A newer chunk that holds it too remembers it on.
            if self.keys.get(&key) == Some(&chunk.number) {
                self.keys.remove(&key);
            }
        }
    }

    fn forget_replays(&mut self, at: usize) {
        let chunk = &mut self.chunks[at];
        for key in std::mem::take(&mut chunk.replays) {
            if self.replays.get(&key).is_some_and(|kept| kept.chunk == chunk.number)
                && let Some(kept) = self.replays.remove(&key)
            {
                self.replay_bytes -= kept.bytes;
            }
        }
    }
}

/// About how many bytes an answer takes in memory.
fn bytes_of(replay: &Replay) -> usize {
    let rejected = &replay.reply.rejected;
    256 + rejected.iter().map(|rejected| 64 + rejected.code.len() + rejected.detail.len()).sum::<usize>()
}

/// A key as hex text.
pub fn hex_of_key(key: &Key) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a key from hex text.
pub fn key_of_hex(text: &str) -> Option<Key> {
    let mut key = [0; KEY_BYTES];
    if text.len() != 2 * KEY_BYTES || !text.is_ascii() {
        return None;
    }
    for (place, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(key)
}

/// Layout: magic, newest time, number of keys, keys, length of the answers' JSON, the JSON, CRC32C of all before.
fn format_chunk(newest: Timestamp, keys: &[Key], replays: &[&Replay]) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(replays).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(36 + keys.len() * KEY_BYTES + json.len());
    bytes.extend_from_slice(FILE_MAGIC);
    bytes.extend_from_slice(&newest.micros().to_le_bytes());
    bytes.extend_from_slice(&(keys.len() as u64).to_le_bytes());
    for key in keys {
        bytes.extend_from_slice(key);
    }
    bytes.extend_from_slice(&(json.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&json);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    Ok(bytes)
}

fn parse_chunk(bytes: &[u8]) -> Option<(Timestamp, Vec<Key>, Vec<Replay>)> {
    let (body, sum) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let rest = body.strip_prefix(FILE_MAGIC.as_slice())?;
    let (newest, rest) = rest.split_first_chunk::<8>()?;
    let (count, rest) = rest.split_first_chunk::<8>()?;
    let key_bytes = usize::try_from(u64::from_le_bytes(*count)).ok()?.checked_mul(KEY_BYTES)?;
    let (keys, rest) = rest.split_at_checked(key_bytes)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let json = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let keys = keys.as_chunks::<KEY_BYTES>().0.to_vec();
    Some((Timestamp::from_micros(i64::from_le_bytes(*newest)), keys, serde_json::from_slice(json).ok()?))
}

/// Writes a file so that after return it is there whole, whatever happens to the machine.
fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    // The secret of the hashes is among these files; nobody else has business with any of them.
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    let folder = path.parent().ok_or_else(|| io::Error::other("a file path has no folder"))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::ingest::IngestReply;

    fn secret() -> HashSecret {
        HashSecret(1, 2)
    }

    fn key(id: &str) -> Key {
        secret().event(&AccountName::default_account(), id, b"{}")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_same_event_is_known_again_and_any_difference_makes_another() {
        let account = AccountName::default_account();
        let other = AccountName::parse("other").unwrap();
        let first = secret().event(&account, "a", b"{}");
        assert_eq!(first, secret().event(&account, "a", b"{}"));
        for different in [
            secret().event(&other, "a", b"{}"),
            secret().event(&account, "b", b"{}"),
            secret().event(&account, "a", b"{ }"),
            secret().event(&account, "a{", b"}"),
            HashSecret(1, 3).event(&account, "a", b"{}"),
        ] {
            assert_ne!(first, different);
        }
    }

    #[test]
    fn the_window_survives_a_restart_with_keys_and_answers() {
        let folder = tempfile::tempdir().unwrap();
        let (mut window, _) = Window::open(folder.path()).unwrap();
        let request = secret().request(&AccountName::default_account(), "key-1", "batch-1");
        let replay = Replay {
            key: hex_of_key(&request),
            body: "00".into(),
            reply: IngestReply { accepted: 1, ..IngestReply::default() },
        };
        window.remember(at(1), &[key("a")], Some((request, replay.clone())));
        window.persist(at(1)).unwrap();
        window.remember(at(2), &[key("b")], None);
        drop(window);

        let (window, damaged) = Window::open(folder.path()).unwrap();
        assert!(damaged.is_empty());
        assert!(window.holds(&key("a")));
        assert_eq!(window.replay(&request), Some(&replay));
        assert!(!window.holds(&key("b")), "what was not persisted comes from the journal");
    }

    #[test]
    fn a_damaged_file_is_named_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (mut window, _) = Window::open(folder.path()).unwrap();
        window.remember(at(1), &[key("a")], None);
        window.persist(at(1)).unwrap();
        window.remember(at(2), &[key("b")], None);
        window.persist(at(2)).unwrap();
        let first = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
        let mut bytes = fs::read(&first).unwrap();
        bytes[20] ^= 1;
        fs::write(&first, bytes).unwrap();

        let (window, damaged) = Window::open(folder.path()).unwrap();
        assert_eq!(damaged, [first]);
        assert!(!window.holds(&key("a")) && window.holds(&key("b")));
    }

    #[test]
    fn after_a_day_an_event_is_new_again() {
        let folder = tempfile::tempdir().unwrap();
        let (mut window, _) = Window::open(folder.path()).unwrap();
        window.remember(at(0), &[key("a")], None);
        window.persist(at(0)).unwrap();
        window.remember(at(86_000), &[key("b")], None);
        window.persist(at(86_000)).unwrap();
        assert!(window.holds(&key("a")));
        window.persist(at(86_401)).unwrap();
        assert!(!window.holds(&key("a")) && window.holds(&key("b")));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    fn replay_of(name: &str, rejects: usize) -> (Key, Replay) {
        let key = secret().request(&AccountName::default_account(), "key-1", name);
        let rejected = crate::ingest::Rejected { index: 0, code: "not_json".into(), detail: "x".repeat(1000) };
        let reply = IngestReply { rejected: vec![rejected; rejects], ..IngestReply::default() };
        (key, Replay { key: hex_of_key(&key), body: "00".into(), reply })
    }

    #[test]
    fn large_answers_push_out_older_answers_and_no_events() {
        let folder = tempfile::tempdir().unwrap();
        let (mut window, _) = Window::open(folder.path()).unwrap();
        for number in 0..10 {
            window.remember(at(number), &[key(&number.to_string())], Some(replay_of(&number.to_string(), 10_000)));
            window.persist(at(number)).unwrap();
        }
        let held = |window: &Window| {
            (0..10).filter(|number| window.replay(&replay_of(&number.to_string(), 0).0).is_some()).collect::<Vec<_>>()
        };
        assert!(window.replay_bytes <= REPLAY_BYTES_MAX);
        assert_eq!(held(&window), [4, 5, 6, 7, 8, 9]);
        assert!((0..10).all(|number| window.holds(&key(&number.to_string()))));
        drop(window);
        let (window, _) = Window::open(folder.path()).unwrap();
        assert_eq!(held(&window), [4, 5, 6, 7, 8, 9]);
        assert!((0..10).all(|number| window.holds(&key(&number.to_string()))));
    }

    #[test]
    fn an_event_that_two_chunks_hold_is_remembered_until_the_newer_one_goes() {
        let folder = tempfile::tempdir().unwrap();
        let (mut window, _) = Window::open(folder.path()).unwrap();
        window.remember(at(0), &[key("a")], None);
        window.persist(at(0)).unwrap();
        // The journal still had the frame at the next start.
        window.remember(at(10), &[key("a")], None);
        window.persist(at(10)).unwrap();
        window.persist(at(86_405)).unwrap();
        assert!(window.holds(&key("a")));
        window.persist(at(86_411)).unwrap();
        assert!(!window.holds(&key("a")));
    }

    #[test]
    fn what_was_erased_counts_as_new_also_after_a_restart_and_however_old_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (mut window, _) = Window::open(folder.path()).unwrap();
        window.remember(at(1), &[key("a"), key("b")], None);
        window.persist(at(1)).unwrap();
        window.remember(at(2), &[key("c")], None);
        window.forget(vec![key("a"), key("c"), key("nobody sent this")], at(3)).unwrap();
        assert!(!window.holds(&key("a")) && window.holds(&key("b")) && !window.holds(&key("c")));
        window.persist(at(3)).unwrap();
        drop(window);
        let (mut window, _) = Window::open(folder.path()).unwrap();
        // A journal that still has the frame tells its keys again.
        window.remember(at(2), &[key("c")], None);
        window.recovered(at(4));
        assert!(!window.holds(&key("a")) && window.holds(&key("b")) && !window.holds(&key("c")));
        window.remember(at(5), &[key("a")], None);
        assert!(window.holds(&key("a")), "what comes now is known from now on");
        window.persist(at(5)).unwrap();
        // A window that nothing came into for long has forgotten by the time it is asked to.
        window.forget(Vec::new(), at(90_000)).unwrap();
        assert!(!window.holds(&key("b")));
        // The files of what was erased go when nothing can hold it any more.
        let erased = || {
            fs::read_dir(folder.path())
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == ERASED_ENDING))
        };
        assert_eq!(erased().count(), 1);
        window.remember(at(200_000), &[key("d")], None);
        window.persist(at(200_000)).unwrap();
        window.persist(at(200_001)).unwrap();
        assert_eq!(erased().count(), 0);
    }
}
