//! Events a second, and what a history is made of: `cargo run --release -p whodid-generate --example generate_bench`.
//! With a number as argument: prints so many events, spread over the history, instead.

#![allow(clippy::print_stdout, reason = "prints its measurements")]

use std::collections::BTreeMap;
use std::time::Instant;

use whodid_generate::{Options, history};
use whodid_model::Timestamp;

fn main() {
    let options = Options::until(Timestamp::from_millis(1_795_132_800_000));
    if let Some(count) = std::env::args().nth(1).and_then(|text| text.parse::<usize>().ok()) {
        let every = options.events as usize / count.max(1);
        history(options).step_by(every.max(1)).for_each(|event| println!("{}", event.json));
        return;
    }
    let begin = Instant::now();
    let mut formats: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    for event in history(options) {
        let (count, bytes) = formats.entry(event.format).or_default();
        *count += 1;
        *bytes += event.json.len();
    }
    let seconds = begin.elapsed().as_secs_f64();
    let count: u64 = formats.values().map(|(count, _)| count).sum();
    let bytes: usize = formats.values().map(|(_, bytes)| bytes).sum();
    println!(
        "{count} events, {} bytes each, in {seconds:.2} s: {:.0} events/s, {:.0} MB/s",
        bytes as u64 / count,
        count as f64 / seconds,
        bytes as f64 / seconds / 1e6
    );
    for (format, (count, bytes)) in formats {
        println!("{format:>12} {count:>8} events, {:>5} bytes each", bytes as u64 / count);
    }
}
