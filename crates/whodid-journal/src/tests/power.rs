//! Loss of power after every step: whatever subset of the sectors written since the last sync reached
//! the disk, and whichever prefix of the changes of the folder, the journal opens and holds what was
//! acknowledged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{SMALL, folder, random_group, read_all, scripted, slices};
use crate::disk::script::{EIO, Fault, Script, Step};
use crate::{FileJournal, Journal, Position};

const SECTOR_BYTES: usize = 512;

#[derive(Debug, Clone)]
enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Cut { bytes: u64 },
}

#[derive(Debug, Clone, Default)]
struct Inode {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

/// What a disk holds and what it may still lose.
#[derive(Debug, Clone, Default)]
struct Model {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// The names after each change since the folder was synced.
    pending_names: Vec<BTreeMap<PathBuf, usize>>,
    acknowledged: u64,
    released: u64,
}

fn apply(bytes: &mut Vec<u8>, change: &Change, mut reaches: impl FnMut() -> bool) {
    match change {
        Change::Cut { bytes: length } => {
            if reaches() {
                bytes.resize(*length as usize, 0);
            }
        }
        Change::Write { at, bytes: written } => {
            let mut start = 0;
            while start < written.len() {
                let place = *at as usize + start;
                let end = written.len().min(start + SECTOR_BYTES - place % SECTOR_BYTES);
                if reaches() {
                    let to = place + (end - start);
                    if bytes.len() < to {
                        bytes.resize(to, 0);
                    }
                    bytes[place..to].copy_from_slice(&written[start..end]);
                }
                start = end;
            }
        }
    }
}

impl Model {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Create { path } => {
                assert!(!self.names.contains_key(path), "{} is made twice", path.display());
                self.names.insert(path.clone(), self.inodes.len());
                self.inodes.push(Inode::default());
                self.pending_names.push(self.names.clone());
            }
            Step::Write { path, at, bytes } => {
                let inode = self.names[path];
                self.inodes[inode].pending.push(Change::Write { at: *at, bytes: bytes.clone() });
            }
            Step::Cut { path, bytes } => {
                let inode = self.names[path];
                self.inodes[inode].pending.push(Change::Cut { bytes: *bytes });
            }
            Step::Sync { path } => {
                let inode = self.names[path];
                let Inode { durable, pending } = &mut self.inodes[inode];
                for change in pending.drain(..) {
                    apply(durable, &change, || true);
                }
            }
            Step::SyncFolder => {
                self.durable_names.clone_from(&self.names);
                self.pending_names.clear();
            }
            Step::Rename { from, to } => {
                let inode = self.names.remove(from).unwrap();
                self.names.insert(to.clone(), inode);
                self.pending_names.push(self.names.clone());
            }
            // A leftover of the life before that is not there is no step.
            Step::Remove { path } => {
                if self.names.remove(path).is_some() {
                    self.pending_names.push(self.names.clone());
                }
            }
            Step::Acknowledged { last } => self.acknowledged = *last,
            Step::Released { up_to } => self.released = self.released.max(*up_to),
        }
    }

    /// Writes what a loss of power now might leave.
    fn crash_into(&self, folder: &Path, random: &mut ChaCha8Rng) {
        let kept = random.random_range(0..=self.pending_names.len());
        let names = if kept == 0 { &self.durable_names } else { &self.pending_names[kept - 1] };
        let odds = [0.0, 0.1, 0.5, 0.9, 1.0][random.random_range(0..5)];
        for (path, inode) in names {
            let Inode { durable, pending } = &self.inodes[*inode];
            let mut bytes = durable.clone();
            for change in pending {
                apply(&mut bytes, change, || random.random_bool(odds));
            }
            std::fs::write(folder.join(path.file_name().unwrap()), bytes).unwrap();
        }
    }
}

/// All that was ever written as frame so and so; more than one thing where a process died in between.
type Written = BTreeMap<u64, Vec<Vec<u8>>>;

/// Appends, releases, reopens, and dies between a write and its sync. Returns every step.
fn run(seed: u64) -> (Vec<Step>, Written) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let script = Arc::new(Script::default());
    let folder = folder();
    let open = || FileJournal::open_on(scripted(&script), folder.path(), SMALL).unwrap();
    let mut written = Written::new();
    let mut serial = 0;
    let mut journal = open().0;
    for _ in 0..90 {
        let choice = random.random_range(0..20);
        if choice == 0 {
            drop(journal);
            journal = open().0;
            continue;
        }
        if choice <= 4 {
            let Some(last) = journal.last() else { continue };
            let up_to = random.random_range(last.get() / 2..=last.get()).max(1);
            // Noted before: the release may be on disk from its first step on.
            script.note(Step::Released { up_to });
            journal.release(Position::new(up_to).unwrap()).unwrap();
            continue;
        }
        let group = random_group(&mut random, &mut serial);
        let first = journal.last().map_or(1, |last| last.get() + 1);
        for (position, frame) in (first..).zip(&group) {
            written.entry(position).or_default().push(frame.clone());
        }
        if choice == 5 {
            // The system has the write, the disk may not; the next opening reads it all the same.
            script.fail_at(1, Fault::Error(EIO), true);
            let _ = journal.append(&slices(&group));
            drop(journal);
            script.heal();
            journal = open().0;
        } else {
            journal.append(&slices(&group)).unwrap();
        }
        if let Some(last) = journal.last() {
            script.note(Step::Acknowledged { last: last.get() });
        }
    }
    (script.steps(), written)
}

#[test]
fn a_loss_of_power_after_any_step_costs_nothing_acknowledged() {
    for seed in 0..3 {
        let (steps, written) = run(seed);
        lose_power_after_each(&steps, &written, seed);
    }
}

#[test]
fn a_loss_of_power_around_the_recycling_of_a_segment_costs_nothing_acknowledged() {
    let script = Arc::new(Script::default());
    let folder = folder();
    let mut written = Written::new();
    let (mut journal, recovered) = FileJournal::open_on(scripted(&script), folder.path(), SMALL).unwrap();
    drop(recovered);
    for round in 0..6u8 {
        // Fills a segment, begins another, and releases the full one while there is no spare.
        for bytes in [3800, 400] {
            let next = journal.last().map_or(1, |last| last.get() + 1);
            written.entry(next).or_default().push(vec![round; bytes]);
            let last = journal.append(&[&vec![round; bytes]]).unwrap();
            script.note(Step::Acknowledged { last: last.get() });
        }
        let up_to = journal.last().unwrap().get() - 1;
        script.note(Step::Released { up_to });
        journal.release(Position::new(up_to).unwrap()).unwrap();
    }
    let steps = script.steps();
    let is_recycling = |step: &&Step| matches!(step, Step::Rename { from, to } if to.ends_with("spare.seg") && !from.ends_with("spare.tmp"));
    let recycled = steps.iter().filter(is_recycling).count();
    assert!(recycled >= 4, "only {recycled} segments were recycled");
    for seed in 0..3 {
        lose_power_after_each(&steps, &written, seed);
    }
}

fn lose_power_after_each(steps: &[Step], written: &Written, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(1000 + seed);
    let mut model = Model::default();
    for (count, step) in steps.iter().enumerate() {
        model.take(step);
        let folder = folder();
        model.crash_into(folder.path(), &mut random);
        let place = format!("seed {seed} after step {count}: {step:.80?}");
        if count % 16 == 0 {
            lose_power_again(folder.path(), &model, written, &place, &mut random);
        }
        check(folder.path(), &model, written, &place);
    }
}

/// Opens what a loss of power left, goes on, and loses power again after every step of that.
fn lose_power_again(left: &Path, before: &Model, written: &Written, place: &str, random: &mut ChaCha8Rng) {
    let mut model = Model { acknowledged: before.acknowledged, released: before.released, ..Model::default() };
    for entry in std::fs::read_dir(left).unwrap() {
        let path = entry.unwrap().path();
        model.names.insert(path.clone(), model.inodes.len());
        model.inodes.push(Inode { durable: std::fs::read(&path).unwrap(), pending: Vec::new() });
    }
    model.durable_names.clone_from(&model.names);

    let script = Arc::new(Script::default());
    let copy = folder();
    for path in model.names.keys() {
        std::fs::copy(path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let mut written = written.clone();
    let (mut journal, _) = FileJournal::open_on(scripted(&script), copy.path(), SMALL).unwrap();
    for count in 0..4u8 {
        let next = journal.last().map_or(1, |last| last.get() + 1);
        // What comes next differs from what the first life wrote there.
        let frame = vec![count; 1500];
        written.entry(next).or_default().push(frame.clone());
        journal.append(&[&frame]).unwrap();
        script.note(Step::Acknowledged { last: next });
    }
    drop(journal);
    let in_copy = |path: &Path| copy.path().join(path.file_name().unwrap());
    model.names = model.names.iter().map(|(path, inode)| (in_copy(path), *inode)).collect();
    model.durable_names.clone_from(&model.names);
    for (count, step) in script.steps().iter().enumerate() {
        model.take(step);
        let folder = folder();
        model.crash_into(folder.path(), random);
        check(folder.path(), &model, &written, &format!("{place}, then step {count}: {step:.80?}"));
    }
}

fn check(folder: &Path, model: &Model, written: &Written, place: &str) {
    let opened = FileJournal::open(folder, SMALL);
    let (mut journal, recovered) = opened.unwrap_or_else(|error| panic!("{place}: {error}"));
    let last = journal.last().map_or(0, Position::get);
    assert!(last >= model.acknowledged, "{place}: {last} is before {}", model.acknowledged);
    let found = read_all(recovered);
    let first = found.first().map_or(last + 1, |(position, _)| *position);
    assert!(first <= model.released + 1, "{place}: {first} is behind {}", model.released);
    assert_eq!(found.len() as u64, last + 1 - first, "{place}");
    for (position, frame) in &found {
        assert!(written[position].contains(frame), "{place}: frame {position}");
    }

    // It goes on from there, and reading again gives the same.
    assert_eq!(journal.append(&[b"after"]).unwrap().get(), last + 1);
    drop(journal);
    let (_, recovered) = FileJournal::open(folder, SMALL).unwrap_or_else(|error| panic!("{place}, again: {error}"));
    let again = read_all(recovered);
    assert_eq!(again[..again.len() - 1], found, "{place}");
    assert_eq!(again.last().unwrap(), &(last + 1, b"after".to_vec()), "{place}");
}
