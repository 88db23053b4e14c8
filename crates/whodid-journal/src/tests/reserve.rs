//! Some room is kept for appends that may not be refused as early as others.

use std::sync::Arc;

use super::{SMALL, folder, read_all, scripted};
use crate::disk::script::Script;
use crate::{AppendError, FileJournal, Journal, MemoryJournal, Options};

const FRAME: [u8; 100] = [7; 100];
const RESERVE: u64 = 2048;

/// Appends until it is refused; how many were taken.
fn fill(journal: &mut dyn Journal, reserve_bytes: u64) -> (u64, AppendError) {
    let mut taken = 0;
    loop {
        match journal.append_leaving(&[&FRAME], reserve_bytes) {
            Ok(_) => taken += 1,
            Err(error) => return (taken, error),
        }
    }
}

fn reserve_below_the_bound(journal: &mut dyn Journal) {
    let (taken, error) = fill(journal, RESERVE);
    assert!(taken > 0 && matches!(error, AppendError::Bound { .. }), "{taken}: {error}");
    let before = journal.used_bytes();
    let (more, error) = fill(journal, 0);
    assert!(matches!(error, AppendError::Bound { .. }), "{error}");
    assert!(journal.used_bytes() - before > RESERVE - 300, "{more} more");
    journal.release(journal.last().unwrap()).unwrap();
    journal.append_leaving(&[&FRAME], RESERVE).unwrap();
}

#[test]
fn the_last_bytes_below_the_bound_are_for_those_who_may_use_them() {
    reserve_below_the_bound(&mut MemoryJournal::new(6000));
    let folder = folder();
    let options = Options { bound_bytes: 20_000, ..SMALL };
    reserve_below_the_bound(&mut FileJournal::open(folder.path(), options).unwrap().0);
}

#[test]
fn on_a_full_disk_the_last_room_that_is_there_is_for_those_who_may_use_it() {
    let script = Arc::new(Script::default());
    let folder = folder();
    let (mut journal, _) = FileJournal::open_on(scripted(&script), folder.path(), SMALL).unwrap();
    journal.append(&[&FRAME]).unwrap();
    let mut written = 1;
    for round in 0..3 {
        script.set_full(true);
        let (taken, error) = fill(&mut journal, u64::MAX / 4);
        assert!(matches!(error, AppendError::Bound { .. }), "no bound is so large: {error}");
        assert_eq!(taken, 0);
        let (taken, error) = fill(&mut journal, RESERVE);
        assert!(matches!(error, AppendError::Full { .. }), "round {round}: {error}");
        assert!(!journal.has_room(RESERVE));
        let before = journal.used_bytes();
        let (more, error) = fill(&mut journal, 0);
        assert!(matches!(error, AppendError::Full { .. }), "round {round}: {error}");
        assert!(journal.used_bytes() - before >= RESERVE - 300, "round {round}: {more} after {taken}");
        written += taken + more;
        script.set_full(false);
        assert!(journal.has_room(RESERVE), "round {round}");
    }
    drop(journal);
    let (_, recovered) = FileJournal::open(folder.path(), SMALL).unwrap();
    assert_eq!(read_all(recovered).len() as u64, written);
}
