//! What a server process has used, read from /proc (Linux).

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// The kernel counts process time in hundredths of a second for every program that asks.
const TICKS_A_SECOND: f64 = 100.0;

/// CPU seconds of the process since its start, ended threads included, to 10 ms.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("the server is gone")?;
    parse_stat(&stat).context("/proc/PID/stat is not as expected")
}

/// CPU seconds of the living threads whose name begins with `prefix` (of at most 15 characters), since their start.
pub fn cpu_seconds_of_threads(pid: u32, prefix: &str) -> Result<f64> {
    let mut seconds = 0.0;
    for entry in std::fs::read_dir(format!("/proc/{pid}/task")).context("the server is gone")? {
        let folder = entry?.path();
        // A thread may end between listing and reading.
        let (Ok(name), Ok(stat)) =
            (std::fs::read_to_string(folder.join("comm")), std::fs::read_to_string(folder.join("stat")))
        else {
            continue;
        };
        if name.starts_with(prefix) {
            seconds += parse_stat(&stat).context("/proc/PID/task/TID/stat is not as expected")?;
        }
    }
    Ok(seconds)
}

/// User and system time from a line of /proc/PID/stat. The program's name, in parentheses, may hold anything.
fn parse_stat(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS_A_SECOND)
}

/// Run time of each living thread in nanoseconds: finer than [`cpu_seconds`], for short spans.
#[derive(Debug)]
pub struct Threads(BTreeMap<String, u64>);

impl Threads {
    pub fn of(pid: u32) -> Result<Self> {
        let mut times = BTreeMap::new();
        for entry in std::fs::read_dir(format!("/proc/{pid}/task")).context("the server is gone")? {
            let entry = entry?;
            // A thread may end between listing and reading.
            let Ok(text) = std::fs::read_to_string(entry.path().join("schedstat")) else { continue };
            let run = text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0);
            times.insert(entry.file_name().to_string_lossy().into_owned(), run);
        }
        Ok(Self(times))
    }

    /// CPU seconds since `earlier`, of the threads that live now.
    pub fn seconds_since(&self, earlier: &Self) -> f64 {
        let spent = self.0.iter().map(|(thread, run)| run.saturating_sub(earlier.0.get(thread).copied().unwrap_or(0)));
        spent.sum::<u64>() as f64 / 1e9
    }
}

/// Highest resident set in MiB.
pub fn peak_memory_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the server is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().context("VmHWM is no number")?;
    Ok(kib / 1024.0)
}

/// Bytes the process caused to be written to storage.
pub fn bytes_written(pid: u32) -> Result<u64> {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).context("the server's io cannot be read")?;
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:")).context("no write_bytes")?;
    line.trim().parse().context("write_bytes is no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_time_is_read_behind_a_name_with_blanks_and_parentheses() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 100 0 0";
        assert_eq!(parse_stat(stat), Some(3.0));
    }

    #[test]
    fn our_own_use_can_be_read() {
        let pid = std::process::id();
        let before = Threads::of(pid).unwrap();
        let mut sum = 0_u64;
        for number in 0..2_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_add(number * number));
        }
        assert!(Threads::of(pid).unwrap().seconds_since(&before) > 0.0);
        assert!(cpu_seconds_of_threads(pid, "").unwrap() > 0.0);
        assert_eq!(cpu_seconds_of_threads(pid, "no such name").unwrap(), 0.0);
        assert!(cpu_seconds(pid).is_ok() && peak_memory_mib(pid).unwrap() > 0.0 && bytes_written(pid).is_ok());
    }
}
