//! The machine and the day, for whoever reads the figures later.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process;

pub fn describe(folder: &Path, events: u64, bytes: u64) -> Result<String> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = line_value(&read("/proc/cpuinfo"), "model name");
    let memory_kib: u64 = line_value(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    let kernel = read("/proc/sys/kernel/osrelease");
    let file_system = process::capture(Command::new("stat").args(["-f", "-c", "%T"]).arg(folder)).unwrap_or_default();
    let date = process::capture(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let load = read("/proc/loadavg");
    Ok(format!(
        "{}: {cores} cores ({model}), {:.0} GiB of memory, Linux {}, {} file system, load {} at the end. {events} events of {:.0} bytes; client on the same cores.",
        date.trim(),
        memory_kib as f64 / 1_048_576.0,
        kernel.trim(),
        file_system.trim(),
        load.split(' ').next().unwrap_or("?"),
        bytes as f64 / events as f64,
    ))
}

/// The value in a `name : value` line.
fn line_value(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or("unknown".into(), |(_, value)| value.trim().to_string())
}
