//! Measures the decoder on one file: `cargo run --release -p whodid-decode --example rate -- FILE [FORMAT]`.
//! Bodies of about 1000 lines, as a collector sends them; the best of five rounds is printed.

use std::io::Write;
use std::time::Instant;

use whodid_decode::{Format, decode};
use whodid_model::Timestamp;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let body = std::fs::read(arguments.next().unwrap_or_default())?;
    let format = arguments.next().as_deref().and_then(Format::parse).unwrap_or(Format::Auto);
    let lines: Vec<&[u8]> = body.split_inclusive(|byte| *byte == b'\n').collect();
    let bodies: Vec<Vec<u8>> = lines.chunks(1000).map(|lines| lines.concat()).collect();
    let mut best = f64::MAX;
    let mut events = 0;
    for _ in 0..5 {
        let start = Instant::now();
        events = bodies.iter().map(|body| decode(format, body, Timestamp::from_micros(0)).len()).sum();
        best = best.min(start.elapsed().as_secs_f64());
    }
    let micros = best * 1e6 / events as f64;
    let rate = body.len() as f64 / best / 1e6;
    writeln!(std::io::stdout(), "{events} events, {micros:.2} µs an event, {rate:.0} MB/s")
}
