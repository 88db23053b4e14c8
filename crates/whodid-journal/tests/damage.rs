//! A file cut or a bit flipped at every byte: the journal either opens with every frame in place, or
//! without its last group, or says what is lost and gives the rest. It never invents a frame.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use whodid_journal::{Damage, FileJournal, Journal, OpenError, Options, Position, salvage};

const SMALL: Options = Options { segment_bytes: 8 << 10, bound_bytes: 1 << 20, first_position: Position::FIRST };

type Frames = Vec<(u64, Vec<u8>)>;

fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(made) = tempfile::tempdir_in(memory)
    {
        return made;
    }
    tempfile::tempdir().unwrap()
}

/// Groups of one to three frames; frame 7 fills its segment, so that there are two.
fn write_log(folder: &Path) -> Frames {
    let (mut journal, _) = FileJournal::open(folder, SMALL).unwrap();
    let mut frames: Frames = Vec::new();
    for group in [&[3usize, 40][..], &[0], &[17, 8, 60], &[3600], &[25], &[9, 30], &[12]] {
        let first = frames.len() as u64 + 1;
        let group: Frames =
            (first..).zip(group).map(|(position, bytes)| (position, payload(position, *bytes))).collect();
        let slices: Vec<&[u8]> = group.iter().map(|(_, payload)| payload.as_slice()).collect();
        journal.append(&slices).unwrap();
        frames.extend(group);
    }
    frames
}

fn payload(position: u64, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|place| (position * 31 + place as u64) as u8 | 1).collect()
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("wal-"))
        .collect();
    paths.sort();
    paths
}

fn open(folder: &Path) -> Result<(FileJournal, Frames), OpenError> {
    let (journal, recovered) = FileJournal::open(folder, SMALL)?;
    let frames = recovered.map(|frame| frame.map(|(position, payload)| (position.get(), payload)).unwrap()).collect();
    Ok((journal, frames))
}

fn salvaged(folder: &Path) -> (Frames, Vec<Damage>) {
    let mut frames = Vec::new();
    let report = salvage(folder, &mut |position, payload| frames.push((position.get(), payload.to_vec()))).unwrap();
    assert_eq!(report.frames, frames.len() as u64);
    (frames, report.damage)
}

/// Puts `bytes` in the place of the segment and checks what the journal makes of it.
/// `last_group`: the position at which the newest group begins.
fn check(folder: &Path, segment: &Path, bytes: &[u8], written: &Frames, last_group: u64, what: &str) -> Seen {
    fs::write(segment, bytes).unwrap();
    let opened = open(folder);
    let seen = match opened {
        Ok((journal, frames)) => {
            assert_eq!(journal.last().unwrap().get(), frames.len() as u64, "{what}");
            if frames == *written {
                Seen::Whole
            } else {
                assert_eq!(frames[..], written[..last_group as usize - 1], "{what}: only the last group may be cut");
                Seen::Cut
            }
        }
        Err(OpenError::Damaged { damage, .. }) => {
            let (frames, lost) = salvaged(folder);
            assert!(frames.iter().all(|frame| written.contains(frame)), "{what}: an invented frame");
            assert!(frames.windows(2).all(|pair| pair[0].0 < pair[1].0), "{what}");
            let missing: Vec<u64> =
                written.iter().filter(|frame| !frames.contains(frame)).map(|(position, _)| *position).collect();
            for position in &missing {
                let is_told = |damage: &Damage| {
                    damage.first_lost <= *position && damage.last_lost.is_none_or(|last| *position <= last)
                };
                // Where nothing follows, the end of the journal is not known any more.
                assert!(lost.iter().any(is_told) || *position > frames.last().map_or(0, |(last, _)| *last), "{what}");
            }
            assert!(missing.iter().all(|position| damage.first_lost <= *position), "{what}: {damage}");
            Seen::Refused
        }
        Err(error) => panic!("{what}: {error}"),
    };
    assert!(fs::read(segment).unwrap() == bytes, "{what}: opening changed the file");
    seen
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Whole,
    Cut,
    Refused,
}

#[test]
fn a_flipped_bit_at_any_byte_is_harmless_or_the_last_group_or_refused_and_salvaged() {
    let folder = folder();
    let written = write_log(folder.path());
    let paths = segments(folder.path());
    assert_eq!(paths.len(), 2);
    for (number, path) in paths.iter().enumerate() {
        let is_newest = number == 1;
        let bytes = fs::read(path).unwrap();
        let mut seen = [0; 3];
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (place % 8);
            let what = format!("segment {number}, bit flipped at {place}");
            let outcome = check(folder.path(), path, &flipped, &written, 11, &what);
            // Only the very last group cannot be told from one that was never acknowledged.
            assert!(outcome != Seen::Cut || is_newest, "{what}");
            assert!(place >= 4096 || outcome == Seen::Whole, "{what}: the header has two copies");
            seen[outcome as usize] += 1;
        }
        fs::write(path, &bytes).unwrap();
        assert!(seen[Seen::Whole as usize] > 4096 && seen[Seen::Refused as usize] > 100, "{seen:?}");
    }
    assert_eq!(open(folder.path()).unwrap().1, written);
}

#[test]
fn a_file_cut_at_any_byte_is_refused_and_salvaged() {
    let folder = folder();
    let written = write_log(folder.path());
    for (number, path) in segments(folder.path()).iter().enumerate() {
        let bytes = fs::read(path).unwrap();
        for length in 0..bytes.len() {
            let what = format!("segment {number} cut at {length}");
            let outcome = check(folder.path(), path, &bytes[..length], &written, 11, &what);
            // The first segment's frames end before its file does.
            let is_slack = number == 0 && outcome == Seen::Whole;
            assert!(is_slack || outcome == Seen::Refused, "{what}: {outcome:?}");
        }
        fs::write(path, &bytes).unwrap();
    }
}

#[test]
fn zeros_from_any_byte_to_the_end_cut_the_last_group_or_are_refused() {
    let folder = folder();
    let written = write_log(folder.path());
    let path = segments(folder.path()).pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for from in 4096..end {
        let mut zeroed = bytes.clone();
        zeroed[from..].fill(0);
        fs::write(&path, &zeroed).unwrap();
        // What was never synced reads as zeros: whole groups before stay, the torn one goes.
        let (_, frames) = open(folder.path()).unwrap();
        assert_eq!(frames[..], written[..frames.len()], "zeros from {from}");
    }
    let mut zeroed = bytes.clone();
    zeroed[4096..4140].fill(0);
    fs::write(&path, &zeroed).unwrap();
    let error = open(folder.path()).err().unwrap();
    assert!(matches!(error, OpenError::Damaged { .. }), "whole frames follow the zeros: {error}");
}

#[test]
fn a_last_group_whose_later_frames_came_first_is_cut() {
    let folder = folder();
    let (mut journal, _) = FileJournal::open(folder.path(), SMALL).unwrap();
    journal.append(&[b"acknowledged"]).unwrap();
    journal.append(&[&[1; 600], &[2; 600], &[3; 600]]).unwrap();
    drop(journal);
    let path = segments(folder.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // The sectors of the second group's first frame never reached the disk.
    bytes[4096 + 48..4096 + 48 + 512].fill(0);
    fs::write(&path, &bytes).unwrap();
    let (journal, recovered) = FileJournal::open(folder.path(), SMALL).unwrap();
    assert_eq!(recovered.report().frames, 1);
    assert!(recovered.report().bytes_cut >= 1800, "{:?}", recovered.report());
    assert_eq!(journal.last().unwrap().get(), 1);
}

#[test]
fn a_missing_segment_is_told_by_its_frames() {
    let folder = folder();
    let options = Options { segment_bytes: 8 << 10, ..SMALL };
    let (mut journal, _) = FileJournal::open(folder.path(), options).unwrap();
    for _ in 0..12 {
        journal.append(&[&[7; 1200]]).unwrap();
    }
    drop(journal);
    let paths = segments(folder.path());
    assert!(paths.len() >= 3);
    fs::remove_file(&paths[1]).unwrap();
    let error = open(folder.path()).err().unwrap();
    let OpenError::Damaged { damage, .. } = &error else { panic!("{error}") };
    assert_eq!((damage.first_lost, damage.last_lost), (4, Some(6)), "{error}");
    let (frames, lost) = salvaged(folder.path());
    assert_eq!(frames.len(), 9);
    assert_eq!((lost[0].first_lost, lost[0].last_lost), (4, Some(6)));
}

#[test]
fn a_torn_tail_stays_cut_when_the_journal_goes_on() {
    let folder = folder();
    let written = write_log(folder.path());
    let path = segments(folder.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end] ^= 0x10;
    fs::write(&path, &bytes).unwrap();
    let mut expected = written[..written.len() - 1].to_vec();
    for round in 0..3 {
        // Opening again and again changes nothing …
        for _ in 0..2 {
            assert_eq!(open(folder.path()).unwrap().1, expected);
        }
        // … and what is appended takes the place of what was cut.
        let mut journal = open(folder.path()).unwrap().0;
        let position = journal.append(&[format!("round {round}").as_bytes()]).unwrap().get();
        assert_eq!(position, expected.len() as u64 + 1);
        expected.push((position, format!("round {round}").into_bytes()));
        drop(journal);
        assert_eq!(open(folder.path()).unwrap().1, expected);
    }
}
