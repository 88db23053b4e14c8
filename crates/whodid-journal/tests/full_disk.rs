//! A disk that really is full.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use whodid_journal::{AppendError, FileJournal, Journal, Options, Position};

/// A small file system in memory, gone when dropped.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={bytes}");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "whodid-test"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { folder }),
            Ok(output) => {
                let reason = String::from_utf8_lossy(&output.stderr).into_owned();
                skipped(&format!("cannot mount a small disk (needs root): {}", reason.trim()));
                None
            }
            Err(error) => {
                skipped(&format!("no mount command: {error}"));
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).output();
    }
}

fn frame(number: u64) -> Vec<u8> {
    vec![number as u8; 20_000]
}

#[test]
fn a_full_disk_refuses_and_a_release_makes_room_also_after_a_restart() {
    let Some(disk) = SmallDisk::mount(1 << 20) else { return };
    let folder = disk.path().join("journal");
    let options = Options { segment_bytes: 128 << 10, ..Options::default() };
    let (mut journal, recovered) = FileJournal::open(&folder, options).unwrap();
    drop(recovered);
    let mut acknowledged = 0;
    for round in 1..=4 {
        let refusal = loop {
            match journal.append(&[&frame(acknowledged + 1)]) {
                Ok(position) => acknowledged = position.get(),
                Err(error) => break error,
            }
        };
        assert!(matches!(refusal, AppendError::Full { .. }), "{refusal}");
        assert!(acknowledged >= 30, "{acknowledged}");
        assert!(matches!(journal.append(&[b"still full", &frame(0)]), Err(AppendError::Full { .. })));

        if round % 2 == 0 {
            // A full disk must not keep the journal from being opened, read and released.
            drop(journal);
            let (reopened, recovered) = FileJournal::open(&folder, options).unwrap();
            let last = recovered.map(Result::unwrap).fold(0, |last, (position, payload)| {
                assert_eq!(payload, frame(position.get()));
                assert!(last == 0 || position.get() == last + 1);
                position.get()
            });
            assert_eq!(last, acknowledged);
            journal = reopened;
        }
        journal.release(Position::new(acknowledged - 5).unwrap()).unwrap();
        assert_eq!(journal.append(&[&frame(acknowledged + 1)]).unwrap().get(), acknowledged + 1, "round {round}");
        acknowledged += 1;
    }
}

/// Says that this test is skipped, and why. Past the capturing of the test runner, which hides what a test prints
/// that does not fail; `cargo xtask test` lists these lines at its end.
fn skipped(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("skipped: {test}: {reason}\n").as_bytes());
}
