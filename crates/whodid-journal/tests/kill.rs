//! The writer is killed at random moments; nothing acknowledged is lost and nothing comes twice.
//!
//! `WHODID_KILLS` sets how often (50), `WHODID_SEED` which moments.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests; the writer speaks by its output")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use whodid_journal::{FileJournal, Journal, Options, Position};

const FOLDER: &str = "WHODID_JOURNAL_WRITER_FOLDER";
const OPTIONS: Options = Options { segment_bytes: 256 << 10, bound_bytes: 64 << 20, first_position: Position::FIRST };

/// What frame number `position` holds: the same in every life of the writer.
fn payload(position: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(position);
    let bytes = if random.random_bool(0.05) { random.random_range(0..60_000) } else { random.random_range(0..2000) };
    let mut payload = position.to_le_bytes().to_vec();
    payload.resize(8 + bytes, position as u8);
    payload
}

/// Not a test of its own: the process that [`kill`] starts and kills. Appends until it dies, and
/// says after each group which frame is acknowledged, and before each release what it releases.
#[test]
fn writer() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut out = std::io::stdout();
    let mut say = |line: String| {
        out.write_all(line.as_bytes()).unwrap();
        out.flush().unwrap();
    };
    say("\nopening 0\n".into());
    let (mut journal, recovered) = FileJournal::open(Path::new(&folder), OPTIONS).unwrap();
    let epoch = recovered.report().epoch;
    drop(recovered);
    let mut random = ChaCha8Rng::seed_from_u64(epoch);
    loop {
        let next = journal.last().map_or(1, |last| last.get() + 1);
        let frames: Vec<Vec<u8>> = (next..next + random.random_range(1..=5)).map(payload).collect();
        let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let last = journal.append(&slices).unwrap().get();
        say(format!("acknowledged {last}\n"));
        if last > 400 && random.random_bool(0.05) {
            let up_to = last - random.random_range(100..400);
            say(format!("released {up_to}\n"));
            journal.release(Position::new(up_to).unwrap()).unwrap();
        }
    }
}

struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Debug, Default)]
struct Told {
    acknowledged: u64,
    released: u64,
}

/// Runs the writer until it has said `lines` lines, kills it, and takes note of all it said.
fn run_and_kill(folder: &Path, lines: usize, told: &mut Told) {
    let mut writer = Writer(
        Command::new(std::env::current_exe().unwrap())
            .args(["writer", "--exact", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut said = 0;
    for line in BufReader::new(writer.0.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((word, number)) = line.split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match word {
            "acknowledged" => told.acknowledged = told.acknowledged.max(number),
            "released" => told.released = told.released.max(number),
            "opening" => {}
            _ => continue,
        }
        said += 1;
        if said == lines {
            writer.0.kill().unwrap();
            // Reading goes on to the end: what it said before it died counts.
        }
    }
    assert!(said >= lines, "the writer stopped by itself after {said} lines");
}

#[test]
fn kill() {
    let kills: usize = std::env::var("WHODID_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(50);
    let seed: u64 = std::env::var("WHODID_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut told = Told::default();
    for round in 0..kills {
        // One line: killed while it opens.
        let lines = if random.random_bool(0.2) { 1 } else { random.random_range(2..60) };
        run_and_kill(folder.path(), lines, &mut told);

        let (journal, recovered) = FileJournal::open(folder.path(), OPTIONS).unwrap();
        let last = journal.last().map_or(0, Position::get);
        assert!(last >= told.acknowledged, "round {round}: {} acknowledged, {last} found", told.acknowledged);
        let mut previous = None;
        for frame in recovered {
            let (position, found) = frame.unwrap();
            let position = position.get();
            match previous {
                None => assert!(position <= told.released + 1, "round {round}: {position} after {}", told.released),
                Some(previous) => assert_eq!(position, previous + 1, "round {round}"),
            }
            assert_eq!(found, payload(position), "round {round}: frame {position}");
            previous = Some(position);
        }
        assert!(previous.is_none_or(|previous| previous == last), "round {round}");
        // What was found is as good as acknowledged from now on.
        told.acknowledged = last;
    }
    println!("{kills} kills, {} frames acknowledged, 0 lost, 0 twice", told.acknowledged);
}
