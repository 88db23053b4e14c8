//! Locks, epochs, versions, positions, releases and recycling, and the format's golden file.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use whodid_journal::{FileJournal, Journal, OpenError, Options, Position, salvage};

const SMALL: Options = Options { segment_bytes: 8 << 10, bound_bytes: 1 << 20, first_position: Position::FIRST };

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn segment_count(folder: &Path) -> usize {
    names(folder).iter().filter(|name| name.starts_with("wal-")).count()
}

fn position(number: u64) -> Position {
    Position::new(number).unwrap()
}

#[test]
fn a_second_opener_is_refused_and_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = FileJournal::open(folder.path(), SMALL).unwrap();
    let error = FileJournal::open(folder.path(), SMALL).err().unwrap();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    let text = error.to_string();
    let process = format!("in use by process {}; stop that process", std::process::id());
    assert!(text.contains(&process) && text.contains(folder.path().to_str().unwrap()), "{text}");
    assert!(salvage(folder.path(), &mut |_, _| ()).is_err());
    drop(journal);
    FileJournal::open(folder.path(), SMALL).unwrap();
}

#[test]
fn every_opening_has_a_higher_epoch_even_if_it_appends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut epochs = Vec::new();
    for round in 0..6 {
        let (mut journal, recovered) = FileJournal::open(folder.path(), SMALL).unwrap();
        assert_eq!(recovered.report().epoch, journal.epoch());
        epochs.push(journal.epoch());
        if round % 2 == 1 {
            journal.append(&[b"x"]).unwrap();
        }
        if round == 3 {
            fs::remove_file(folder.path().join("journal.lock")).unwrap();
        }
    }
    assert!(epochs.windows(2).all(|pair| pair[0] < pair[1]), "{epochs:?}");
}

#[test]
fn positions_go_on_after_all_was_released_and_a_new_journal_begins_where_told() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { first_position: position(100), ..SMALL };
    let (mut journal, recovered) = FileJournal::open(folder.path(), options).unwrap();
    assert_eq!((recovered.report().first, recovered.report().last), (None, Some(position(99))));
    assert_eq!(journal.append(&[b"a"]).unwrap(), position(100));
    journal.release(position(100)).unwrap();
    drop(journal);
    for expected in 101..104 {
        let (mut journal, _) = FileJournal::open(folder.path(), SMALL).unwrap();
        assert_eq!(journal.append(&[b"b"]).unwrap(), position(expected));
        journal.release(position(expected)).unwrap();
    }
}

#[test]
fn released_segments_are_removed_or_recycled_and_the_folder_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, recovered) = FileJournal::open(folder.path(), SMALL).unwrap();
    drop(recovered);
    for number in 1..=300u64 {
        journal.append(&[&[number as u8; 700]]).unwrap();
        if number > 12 {
            journal.release(position(number - 12)).unwrap();
        }
        let count = segment_count(folder.path());
        assert!(count <= 5, "{count} segments for 12 frames: {:?}", names(folder.path()));
        assert!(journal.used_bytes() < 5 * 4096, "{}", journal.used_bytes());
    }
    drop(journal);
    let (_, recovered) = FileJournal::open(folder.path(), SMALL).unwrap();
    let frames: Vec<_> = recovered.map(Result::unwrap).collect();
    assert!((12..=17).contains(&frames.len()), "{}", frames.len());
    for (found, frame) in &frames {
        assert_eq!(frame, &[found.get() as u8; 700], "old frames of a recycled file never come back");
    }
    assert_eq!(frames.last().unwrap().0, position(300));
}

#[test]
fn recovery_can_be_read_while_the_journal_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = FileJournal::open(folder.path(), SMALL).unwrap();
    for number in 1..=50u8 {
        journal.append(&[&[number; 700]]).unwrap();
    }
    drop(journal);
    let (mut journal, mut recovered) = FileJournal::open(folder.path(), SMALL).unwrap();
    assert_eq!(recovered.report().frames, 50);
    assert!(recovered.report().segments > 5);
    for number in 1..=50u8 {
        let (found, frame) = recovered.next().unwrap().unwrap();
        assert_eq!((found.get(), frame), (u64::from(number), vec![number; 700]));
        journal.append(&[&[99; 900]]).unwrap();
        journal.release(found).unwrap();
    }
    assert!(recovered.next().is_none());
}

#[test]
fn a_group_larger_than_a_segment_gets_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = FileJournal::open(folder.path(), SMALL).unwrap();
    journal.append(&[b"small"]).unwrap();
    journal.append(&[&[5; 30_000], &[6; 30_000]]).unwrap();
    journal.append(&[b"small again"]).unwrap();
    drop(journal);
    let (_, recovered) = FileJournal::open(folder.path(), SMALL).unwrap();
    let lengths: Vec<usize> = recovered.map(|frame| frame.unwrap().1.len()).collect();
    assert_eq!(lengths, [5, 30_000, 30_000, 11]);
}

#[test]
fn restarts_without_release_do_not_pile_up_whole_segment_files() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 1 << 20, ..SMALL };
    for number in 1..=10 {
        let (mut journal, _) = FileJournal::open(folder.path(), options).unwrap();
        assert_eq!(journal.append(&[b"a restart a minute"]).unwrap(), position(number));
    }
    let bytes: u64 = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 3 << 20, "{bytes} bytes for 10 small frames");
}

fn golden() -> PathBuf {
    PathBuf::from("../../corpus/journal/v1")
}

/// The frames of the golden journal: see `corpus/journal/README.md`.
fn golden_frames() -> Vec<Vec<u8>> {
    let large = (0..3000u32).map(|place| (place * 7 + place / 256) as u8).collect();
    vec![
        b"one".to_vec(),
        b"two".to_vec(),
        Vec::new(),
        large,
        "five: \u{e9}v\u{e9}nement".into(),
        vec![0; 64],
        b"last".to_vec(),
    ]
}

#[test]
fn the_golden_journal_of_version_1_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    for name in names(&golden()) {
        fs::copy(golden().join(&name), folder.path().join(&name)).unwrap();
    }
    let (mut journal, recovered) = FileJournal::open(folder.path(), SMALL).unwrap();
    assert_eq!((recovered.report().bytes_cut, recovered.report().epoch), (0, 3));
    let frames: Vec<Vec<u8>> = recovered.map(|frame| frame.unwrap().1).collect();
    assert_eq!(frames, golden_frames());
    assert_eq!(journal.append(&[b"and on"]).unwrap(), position(8));
}

/// Run with `WHODID_WRITE_GOLDEN=1` to make the golden journal of a new version, in a new folder.
#[test]
fn golden_journal_is_made_on_demand() {
    if std::env::var_os("WHODID_WRITE_GOLDEN").is_none() {
        return;
    }
    let made = golden();
    let frames = golden_frames();
    for groups in [&[0..1, 1..3, 3..4][..], &[4..6, 6..7]] {
        let (mut journal, _) = FileJournal::open(&made, SMALL).unwrap();
        for group in groups {
            let slices: Vec<&[u8]> = frames[group.clone()].iter().map(Vec::as_slice).collect();
            journal.append(&slices).unwrap();
        }
    }
    for name in names(&made).iter().filter(|name| !name.starts_with("wal-")) {
        fs::remove_file(made.join(name)).unwrap();
    }
}

#[test]
fn a_newer_format_version_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = FileJournal::open(folder.path(), SMALL).unwrap();
    journal.append(&[b"x"]).unwrap();
    drop(journal);
    let path = folder.path().join("wal-00000000000000000001.seg");
    let mut bytes = fs::read(&path).unwrap();
    for copy in [0, 2048] {
        bytes[copy + 8] = 2;
        let crc = crc32c::crc32c(&bytes[copy..copy + 76]);
        bytes[copy + 76..copy + 80].copy_from_slice(&crc.to_le_bytes());
    }
    fs::write(&path, bytes).unwrap();
    let error = FileJournal::open(folder.path(), SMALL).err().unwrap();
    assert!(matches!(error, OpenError::Version { found: 2, .. }), "{error}");
}
