//! What a data folder takes up on disk (Unix).

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

const LOG_FOLDER: &str = "_delta_log";

/// Bytes that the disk below `folder` was given since the machine started, by whomever; `None` where the kernel does
/// not tell, as of a file system without a block device.
pub fn device_bytes_written(folder: &Path) -> Option<u64> {
    let device = std::fs::metadata(folder).ok()?.dev();
    // Linux' layout of a device number (makedev(3)).
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff_ff00));
    let counters = std::fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")).ok()?;
    // The seventh counts sectors of 512 bytes (Documentation/block/stat.rst).
    counters.split_ascii_whitespace().nth(6)?.parse::<u64>().ok().map(|sectors| sectors * 512)
}

/// Allocated bytes of all files in `folder`, but not below those of its folders that `skip` names.
pub fn allocated_bytes(folder: &Path, skip: &[&str]) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if skip.iter().any(|skipped| name == **skipped) {
            continue;
        }
        // Files come and go under compaction.
        let Ok(metadata) = entry.metadata() else { continue };
        sum +=
            if metadata.is_dir() { allocated_bytes(&entry.path(), skip).unwrap_or(0) } else { metadata.blocks() * 512 };
    }
    Ok(sum)
}

/// Allocated bytes of segments below `folder` that their table's log no longer lists: replaced by a
/// merge, and left for a while to readers who began before.
pub fn replaced_bytes(folder: &Path) -> Result<u64> {
    if folder.join(LOG_FOLDER).is_dir() {
        let Some(listed) = listed(&folder.join(LOG_FOLDER))? else { return Ok(0) };
        return unlisted_bytes(folder, folder, &listed);
    }
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sum += replaced_bytes(&path)?;
        }
    }
    Ok(sum)
}

/// The files that a Delta log lists; `None` when its beginning has been cleaned away.
fn listed(log: &Path) -> Result<Option<BTreeSet<String>>> {
    let mut commits = Vec::new();
    for entry in std::fs::read_dir(log)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            commits.push(path);
        }
    }
    commits.sort();
    if !commits.first().is_some_and(|first| first.ends_with("00000000000000000000.json")) {
        return Ok(None);
    }
    let mut files = BTreeSet::new();
    for commit in commits {
        for line in std::fs::read_to_string(commit)?.lines() {
            let action: Value = serde_json::from_str(line).unwrap_or_default();
            if let Some(path) = action["add"]["path"].as_str() {
                files.insert(path.to_string());
            }
            if let Some(path) = action["remove"]["path"].as_str() {
                files.remove(path);
            }
        }
    }
    Ok(Some(files))
}

fn unlisted_bytes(table: &Path, folder: &Path, listed: &BTreeSet<String>) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            sum += if entry.file_name() == LOG_FOLDER { 0 } else { unlisted_bytes(table, &path, listed)? };
        } else if let Ok(name) = path.strip_prefix(table) {
            let is_listed = listed.contains(name.to_string_lossy().as_ref());
            sum += if is_listed { 0 } else { metadata.blocks() * 512 };
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Scratch;

    #[test]
    fn segments_that_a_merge_replaced_are_told_from_those_that_count() {
        let folder = Scratch::new(&std::env::temp_dir(), "replaced").unwrap();
        let table = folder.0.join("lake/default/activity");
        std::fs::create_dir_all(table.join(LOG_FOLDER)).unwrap();
        std::fs::create_dir_all(table.join("event_date=2026-01-05")).unwrap();
        for name in ["a", "b"] {
            std::fs::write(table.join(format!("event_date=2026-01-05/{name}.parquet")), vec![1; 8192]).unwrap();
        }
        let log = |version: u32, line: &str| {
            std::fs::write(table.join(format!("{LOG_FOLDER}/{version:020}.json")), line).unwrap()
        };
        log(0, "{\"add\":{\"path\":\"event_date=2026-01-05/a.parquet\"}}");
        log(
            1,
            "{\"add\":{\"path\":\"event_date=2026-01-05/b.parquet\"}}\n{\"remove\":{\"path\":\"event_date=2026-01-05/a.parquet\"}}",
        );
        let replaced = replaced_bytes(&folder.0).unwrap();
        assert!(replaced >= 8192);
        assert!(allocated_bytes(&folder.0, &[]).unwrap() >= replaced * 2);
        assert_eq!(allocated_bytes(&folder.0, &["lake"]).unwrap(), 0);
    }
}
