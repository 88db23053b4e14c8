//! Sending events: so many connections, each the next piece as soon as the last is acknowledged.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::data::Pieces;
use super::http::Connection;

/// Connections that stay open during a load.
pub const CONNECTIONS: usize = 8;
/// Pause of a connection whose request was refused for the moment.
const BUSY_PAUSE: Duration = Duration::from_millis(200);

/// What a load came to.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Events acknowledged as stored.
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: u64,
    /// Requests that the server was too busy to take; each was sent again.
    pub refused: u64,
    /// Events sent whose answer never came.
    pub unanswered: u64,
    pub took: Duration,
    /// Time of each request, shortest first.
    pub answer_seconds: Vec<f64>,
}

impl Loaded {
    pub fn events_per_second(&self) -> f64 {
        self.accepted as f64 / self.took.as_secs_f64()
    }

    /// The time within which this share of the requests was answered.
    pub fn within(&self, share: f64) -> f64 {
        let last = self.answer_seconds.len().saturating_sub(1);
        let place = (self.answer_seconds.len() as f64 * share).ceil() as usize;
        self.answer_seconds.get(place.saturating_sub(1).min(last)).copied().unwrap_or(0.0)
    }
}

/// How fast to send.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    AsFastAsAnswered,
    EventsPerSecond(f64),
}

/// Sends all `pieces`. `stop` ends it early; then, and only then, a broken connection is no error.
pub fn send(port: u16, key: &str, pieces: &Pieces, pace: Pace, stop: &AtomicBool) -> Result<Loaded> {
    let total = Mutex::new(Loaded::default());
    let sent = AtomicU64::new(0);
    let started = Instant::now();
    let results: Vec<Result<()>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| scope.spawn(|| one_connection(port, key, pieces, pace, stop, started, &sent, &total)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a sending thread broke off")))
            .collect()
    });
    results.into_iter().collect::<Result<Vec<()>>>()?;
    let mut loaded = total.into_inner().unwrap_or_default();
    loaded.took = started.elapsed();
    loaded.answer_seconds.sort_by(f64::total_cmp);
    Ok(loaded)
}

#[allow(clippy::too_many_arguments, reason = "the state of one load, shared by its threads")]
fn one_connection(
    port: u16,
    key: &str,
    pieces: &Pieces,
    pace: Pace,
    stop: &AtomicBool,
    started: Instant,
    sent: &AtomicU64,
    total: &Mutex<Loaded>,
) -> Result<()> {
    let mut connection = Connection::open(port)?;
    while !stop.load(Ordering::Relaxed) {
        let Some(piece) = pieces.next()? else { break };
        let before = sent.fetch_add(piece.events, Ordering::Relaxed);
        if let Pace::EventsPerSecond(rate) = pace {
            let due = Duration::from_secs_f64(before as f64 / rate);
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        }
        let asked = Instant::now();
        let answer = loop {
            match connection.post("/api/v1/events", key, &piece.bytes) {
                Ok(answer) if answer.status == 429 || answer.status == 503 => {
                    if let Ok(mut total) = total.lock() {
                        total.refused += 1;
                    }
                    std::thread::sleep(BUSY_PAUSE);
                }
                Ok(answer) => break answer,
                Err(_) if stop.load(Ordering::Relaxed) => {
                    if let Ok(mut total) = total.lock() {
                        total.unanswered += piece.events;
                    }
                    return Ok(());
                }
                Err(error) => return Err(error.context("a request was not answered")),
            }
        };
        let seconds = asked.elapsed().as_secs_f64();
        if answer.status != 200 {
            bail!("the server answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        let reply: Value = serde_json::from_slice(&answer.body).context("the reply is no JSON")?;
        if let Ok(mut total) = total.lock() {
            total.accepted += reply["accepted"].as_u64().unwrap_or(0);
            total.duplicates += reply["duplicates"].as_u64().unwrap_or(0);
            total.rejected += reply["rejected"].as_array().map_or(0, Vec::len) as u64;
            total.answer_seconds.push(seconds);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_answers_is_read_from_the_sorted_times() {
        let loaded = Loaded { answer_seconds: (1..=100).map(f64::from).collect(), ..Loaded::default() };
        assert_eq!((loaded.within(0.5), loaded.within(0.99), loaded.within(1.0)), (50.0, 99.0, 100.0));
        assert_eq!(Loaded::default().within(0.99), 0.0);
    }
}
