//! Every step on the disk fails once: an error, a full disk, a short write, the end of the process.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{SMALL, folder, random_group, read_all, scripted, slices};
use crate::disk::script::{EIO, ENOSPC, Fault, Script};
use crate::{AppendError, FileJournal, Journal, OpenError, Position};

const GROUPS: usize = 30;

/// Groups by first position: those acknowledged or found, and those of which nobody can know.
#[derive(Debug, Default)]
struct Ledger {
    acknowledged: BTreeMap<u64, Vec<Vec<u8>>>,
    unknown: BTreeMap<u64, Vec<Vec<u8>>>,
}

impl Ledger {
    fn check(&self, found: &[(u64, Vec<u8>)], released: u64, place: &str) {
        let found: BTreeMap<u64, Vec<u8>> = found.iter().cloned().collect();
        let mut accounted = 0;
        for (first, group) in &self.acknowledged {
            for (position, frame) in (*first..).zip(group) {
                let is_there = found.get(&position);
                if position > released || is_there.is_some() {
                    assert_eq!(is_there, Some(frame), "{place}: frame {position} was acknowledged");
                    accounted += 1;
                }
            }
        }
        for (first, group) in &self.unknown {
            let is_whole = (*first..).zip(group).all(|(position, frame)| found.get(&position) == Some(frame));
            if is_whole && !self.acknowledged.contains_key(first) {
                accounted += group.len();
            }
        }
        assert_eq!(accounted, found.len(), "{place}: a frame that nobody wrote");
    }
}

/// Appends, releases and reopens once, retrying what fails. Returns whether the fault came about.
fn run(step: usize, fault: Fault, is_deadly: bool) -> bool {
    let place = format!("{fault:?} at step {step}, deadly: {is_deadly}");
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let script = Arc::new(Script::default());
    let folder = folder();
    let open = || FileJournal::open_on(scripted(&script), folder.path(), SMALL);
    let mut ledger = Ledger::default();
    let (mut serial, mut released) = (0, 0);
    let mut journal = open().unwrap().0;
    script.fail_at(step, fault, is_deadly);
    for count in 0..GROUPS {
        let group = random_group(&mut random, &mut serial);
        if count == GROUPS / 2 {
            drop(journal);
            journal = match open() {
                Ok((journal, _)) => journal,
                Err(OpenError::Io { .. }) => {
                    script.heal();
                    open().unwrap_or_else(|error| panic!("{place}: {error}")).0
                }
                Err(error) => panic!("{place}: {error}"),
            };
        }
        if count % 10 == 9 {
            released = journal.last().unwrap().get() - 3;
            // A failed release loses nothing.
            let _ = journal.release(Position::new(released).unwrap());
        }
        // A producer tries again what was not acknowledged.
        for attempt in 0.. {
            let first = journal.last().map_or(1, |last| last.get() + 1);
            match journal.append(&slices(&group)) {
                Ok(_) => {
                    ledger.acknowledged.insert(first, group);
                    break;
                }
                Err(AppendError::Full { .. } | AppendError::Write { .. }) if attempt == 0 => {
                    // Unknown only if the disk is gone altogether; otherwise it was erased.
                    if is_deadly {
                        ledger.unknown.insert(first, group.clone());
                    }
                }
                Err(AppendError::SyncFailed { .. } | AppendError::Poisoned) => {
                    assert!(matches!(journal.append(&[b"more"]), Err(AppendError::Poisoned)), "{place}");
                    ledger.unknown.insert(first, group.clone());
                    drop(journal);
                    script.heal();
                    journal = open().unwrap_or_else(|error| panic!("{place}: {error}")).0;
                    // It came through after all: then it was as good as acknowledged, and is not sent again.
                    if journal.last().map_or(0, Position::get) >= first {
                        ledger.acknowledged.insert(first, group);
                        break;
                    }
                }
                Err(AppendError::Full { .. } | AppendError::Write { .. }) if is_deadly => {
                    ledger.unknown.insert(first, group.clone());
                    drop(journal);
                    script.heal();
                    journal = open().unwrap_or_else(|error| panic!("{place}: {error}")).0;
                    if journal.last().map_or(0, Position::get) >= first {
                        ledger.acknowledged.insert(first, group);
                        break;
                    }
                }
                Err(error) => panic!("{place}: {error}"),
            }
        }
    }
    drop(journal);
    script.heal();
    let (_, recovered) = open().unwrap_or_else(|error| panic!("{place}: {error}"));
    ledger.check(&read_all(recovered), released, &place);
    script.was_hit()
}

fn at_every_step(fault: Fault, is_deadly: bool) {
    let steps = (0..).take_while(|step| run(*step, fault, is_deadly)).count();
    assert!(steps > GROUPS * 2, "only {steps} steps were tried");
}

#[test]
fn an_error_at_any_step_loses_and_invents_nothing() {
    at_every_step(Fault::Error(EIO), false);
}

#[test]
fn a_full_disk_at_any_step_loses_and_invents_nothing() {
    at_every_step(Fault::Error(ENOSPC), false);
}

#[test]
fn a_short_write_at_any_step_loses_and_invents_nothing() {
    for bytes in [1, 40, 512] {
        at_every_step(Fault::Short(bytes, ENOSPC), false);
    }
}

#[test]
fn the_end_of_the_process_at_any_step_loses_and_invents_nothing() {
    for bytes in [0, 33, 300, usize::MAX] {
        at_every_step(Fault::Short(bytes, EIO), true);
    }
}

#[test]
fn a_failed_sync_poisons_the_journal() {
    let script = Arc::new(Script::default());
    let folder = folder();
    let (mut journal, _) = FileJournal::open_on(scripted(&script), folder.path(), SMALL).unwrap();
    journal.append(&[b"kept"]).unwrap();
    script.fail_at(1, Fault::Error(EIO), false);
    let error = journal.append(&[b"lost or not"]).unwrap_err();
    assert!(matches!(error, AppendError::SyncFailed { .. }), "{error}");
    assert!(matches!(journal.append(&[b"refused"]), Err(AppendError::Poisoned)));
    assert_eq!(journal.last().map(Position::get), Some(1));
}

#[test]
fn a_full_disk_is_told_from_a_broken_one_and_both_leave_the_journal_usable() {
    let script = Arc::new(Script::default());
    let folder = folder();
    let (mut journal, _) = FileJournal::open_on(scripted(&script), folder.path(), SMALL).unwrap();
    journal.append(&[b"one"]).unwrap();
    script.fail_at(0, Fault::Short(50, ENOSPC), false);
    assert!(matches!(journal.append(&[b"two, half written"]), Err(AppendError::Full { .. })));
    script.fail_at(0, Fault::Short(50, EIO), false);
    assert!(matches!(journal.append(&[b"two, half written"]), Err(AppendError::Write { .. })));
    assert_eq!(journal.append(&[b"2"]).unwrap().get(), 2);
    drop(journal);
    let (_, recovered) = FileJournal::open(folder.path(), SMALL).unwrap();
    assert_eq!(recovered.report().bytes_cut, 0, "the half groups were erased");
    assert_eq!(read_all(recovered), [(1, b"one".to_vec()), (2, b"2".to_vec())]);
}
