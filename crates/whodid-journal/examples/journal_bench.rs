//! Appends a second into a folder: `cargo run --release -p whodid-journal --example journal_bench [FOLDER]`.

#![allow(clippy::print_stdout, reason = "prints its measurements")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use whodid_journal::{FileJournal, Journal, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    println!("{:>9} {:>10} {:>9} {:>9} {:>9} {:>9}", "frame", "appends/s", "MB/s", "p50 ms", "p99 ms", "max ms");
    for frame_bytes in [600, 64 << 10, 1 << 20] {
        let folder = tempfile::tempdir_in(&parent)?;
        let (mut journal, _) = FileJournal::open(folder.path(), Options::default())?;
        let frame = vec![0x5a; frame_bytes];
        journal.append(&[&frame])?;
        let mut times = Vec::new();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(5) {
            let one = Instant::now();
            let last = journal.append(&[&frame])?;
            times.push(one.elapsed());
            if journal.used_bytes() > journal.bound_bytes() / 4 {
                journal.release(last)?;
            }
        }
        let seconds = begin.elapsed().as_secs_f64();
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let rate = times.len() as f64 / seconds;
        println!(
            "{frame_bytes:>9} {rate:>10.0} {:>9.1} {:>9.2} {:>9.2} {:>9.2}",
            rate * frame_bytes as f64 / 1e6,
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
    Ok(())
}
