//! Tests that need to see or to spoil the single steps on the disk.

#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;
mod power;
mod reserve;

use std::path::Path;
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::disk::Disk;
use crate::disk::script::Script;
use crate::{FileJournal, MemoryJournal, Options, Position, contract};

const SMALL: Options = Options { segment_bytes: 8 << 10, bound_bytes: 1 << 20, first_position: Position::FIRST };

/// A folder in memory where there is one: these tests open thousands of journals.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(made) = tempfile::tempdir_in(memory)
    {
        return made;
    }
    tempfile::tempdir().unwrap()
}

fn read_all(recovered: crate::Recovered) -> contract::Frames {
    recovered.map(|frame| frame.map(|(position, payload)| (position.get(), payload)).unwrap()).collect()
}

fn scripted(script: &Arc<Script>) -> Disk {
    Disk { script: Some(Arc::clone(script)) }
}

/// A group of one to four frames, each of them unlike every other one ever made.
fn random_group(random: &mut ChaCha8Rng, serial: &mut u64) -> Vec<Vec<u8>> {
    let frames = random.random_range(1..=4);
    let mut frame = |random: &mut ChaCha8Rng| {
        *serial += 1;
        let mut payload = format!("frame {serial} ").into_bytes();
        // Long enough for several sectors at times.
        let bytes = if random.random_bool(0.2) { random.random_range(600..2500) } else { random.random_range(0..200) };
        payload.extend((0..bytes).map(|_| random.random::<u8>()));
        payload
    };
    (0..frames).map(|_| frame(random)).collect()
}

fn slices(group: &[Vec<u8>]) -> Vec<&[u8]> {
    group.iter().map(Vec::as_slice).collect()
}

#[test]
fn both_journals_keep_the_contract() {
    contract::suite(MemoryJournal::new, |journal| {
        let frames = journal.frames().map(|(position, frame)| (position.get(), frame.to_vec())).collect();
        (journal, frames)
    });

    let root = folder();
    let mut count = 0;
    let paths = std::cell::RefCell::new(std::collections::HashMap::new());
    contract::suite(
        |bound_bytes| {
            count += 1;
            let path = root.path().join(count.to_string());
            let options = Options { bound_bytes, ..SMALL };
            let journal = FileJournal::open(&path, options).unwrap().0;
            paths.borrow_mut().insert(bound_bytes, path);
            journal
        },
        |journal| {
            let bound_bytes = crate::Journal::bound_bytes(&journal);
            drop(journal);
            let options = Options { bound_bytes, ..SMALL };
            let (journal, recovered) = FileJournal::open(&paths.borrow()[&bound_bytes], options).unwrap();
            (journal, read_all(recovered))
        },
    );
}
