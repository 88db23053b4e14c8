//! `whodid doctor`: looks at everything a server needs and says what to do.
//!
//! It runs beside a server and changes nothing of it: metadata and lake are opened for looking only. It writes one
//! small file of its own name into the data folder and into the lake's, to see that it can, and removes it.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use serde_json::json;
use whodid_lake::Lake;
use whodid_meta::{Look, Meta};
use whodid_model::{AccountName, chain};

use crate::End;
use crate::config::{Config, LakeUrl};
use crate::output::{self, Output};

/// Free space below which a server soon refuses.
const FREE_BYTES_FAIL: u64 = 512 << 20;
/// A sync slower than this makes every acknowledgement slow.
const SYNC_SLOW: Duration = Duration::from_millis(100);
/// The bucket must answer within this time.
const LAKE_TIMEOUT: Duration = Duration::from_secs(20);
/// Connections, segments and journal files need about this many open files.
const OPEN_FILES_MIN: u64 = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    detail: String,
    /// What to do; empty when nothing is.
    mend: String,
}

#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, check: &'static str, verdict: Verdict, detail: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { check, verdict, detail: detail.into(), mend: mend.into() });
    }

    fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(check, Verdict::Ok, detail, "");
    }
}

pub async fn run(config: &Config, output: Output) -> anyhow::Result<End> {
    let mut findings = Findings::default();
    if folder(config, &mut findings) {
        disk(config, &mut findings);
        let is_running = lock(config, &mut findings);
        journal(config, is_running, &mut findings);
        metadata(config, &mut findings).await;
    }
    lake(config, &mut findings).await;
    clock(config, &mut findings);
    open_files(&mut findings);

    let rows: Vec<_> = findings.0.iter().map(|finding| json!(finding)).collect();
    let columns = [("check", "/check"), ("verdict", "/verdict"), ("detail", "/detail"), ("what to do", "/mend")];
    output::rows(output, &columns, &rows, &json!({ "checks": rows }))?;
    let has_failed = findings.0.iter().any(|finding| finding.verdict == Verdict::Fail);
    Ok(if has_failed { End::Found } else { End::Done })
}

/// False when there is no folder to look into.
fn folder(config: &Config, findings: &mut Findings) -> bool {
    let folder = &config.data;
    let shown = folder.display();
    let metadata = match std::fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            findings.add("folder", Verdict::Fail, format!("{shown} is a file"), "give a folder with --data");
            return false;
        }
        Err(error) => {
            let mend = format!("run `whodid init --data {shown}`, or give the right folder with --data");
            findings.add("folder", Verdict::Fail, format!("{shown}: {error}"), mend);
            return false;
        }
    };
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & 0o077 == 0 {
        findings.ok("folder", format!("{shown}, mode {mode:o}"));
    } else {
        let mend = format!("chmod 700 {shown}");
        findings.add("folder", Verdict::Warn, format!("others may enter {shown} (mode {mode:o})"), mend);
    }
    true
}

fn disk(config: &Config, findings: &mut Findings) {
    match free_bytes(&config.data) {
        Some(free) => {
            let detail = format!("{} MiB free", free >> 20);
            if free < FREE_BYTES_FAIL {
                findings.add(
                    "disk space",
                    Verdict::Fail,
                    detail,
                    "free space, or move the data folder to a larger disk",
                );
            } else if free < config.journal_bound_bytes {
                let mend = "free space, or set journal.bound lower: the journal alone may grow to its bound";
                findings.add("disk space", Verdict::Warn, detail, mend);
            } else {
                findings.ok("disk space", detail);
            }
        }
        None => findings.add("disk space", Verdict::Warn, "cannot be read", "look with `df`"),
    }
    match sync_time(&config.data) {
        Ok(time) if time > SYNC_SLOW => {
            let mend = "use a faster disk: every acknowledgement waits for a sync";
            findings.add("disk write", Verdict::Warn, format!("a write and sync took {} ms", time.as_millis()), mend);
        }
        Ok(time) => findings.ok("disk write", format!("a write and sync took {:.1} ms", time.as_secs_f64() * 1000.0)),
        Err(error) => {
            let mend = "make the folder writable for this user, or free space";
            findings.add("disk write", Verdict::Fail, error.to_string(), mend);
        }
    }
}

/// Free bytes for this user, as `df` tells.
fn free_bytes(folder: &Path) -> Option<u64> {
    let output = std::process::Command::new("df").arg("-Pk").arg("--").arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kilobytes: u64 = text.lines().last()?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kilobytes << 10)
}

fn sync_time(folder: &Path) -> std::io::Result<Duration> {
    // `#` and digits at the end: no reader of the lake takes it for an object.
    let path = folder.join(format!(".doctor#{}", std::process::id()));
    let started = Instant::now();
    let written = (|| {
        let mut file = std::fs::File::create(&path)?;
        file.write_all(&[0; 4096])?;
        file.sync_all()
    })();
    let time = started.elapsed();
    // Nothing is left behind, whatever happened; a file that was never made cannot be removed.
    let _ = std::fs::remove_file(&path);
    written.map(|()| time)
}

/// Whether a server runs on the folder.
fn lock(config: &Config, findings: &mut Findings) -> bool {
    let path = config.data.join("journal").join("journal.lock");
    let Ok(file) = std::fs::File::open(&path) else {
        findings.ok("lock", "no server has run on this folder yet");
        return false;
    };
    match file.try_lock() {
        Ok(()) => {
            findings.ok("lock", "no server runs on this folder");
            false
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            findings.ok("lock", "a server runs on this folder");
            true
        }
        Err(std::fs::TryLockError::Error(error)) => {
            let mend = "keep the data folder on a local file system";
            findings.add("lock", Verdict::Fail, format!("{}: {error}", path.display()), mend);
            false
        }
    }
}

fn journal(config: &Config, is_running: bool, findings: &mut Findings) {
    let folder = config.data.join("journal");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            findings.ok("journal", "empty");
            return;
        }
        Err(error) => {
            let mend = "run whodid as the user that owns the folder";
            findings.add("journal", Verdict::Fail, format!("{}: {error}", folder.display()), mend);
            return;
        }
    };
    let (mut files, mut bytes) = (0_u64, 0);
    for entry in entries.flatten() {
        let opened = std::fs::File::open(entry.path()).and_then(|file| file.metadata());
        match opened {
            Ok(metadata) => (files, bytes) = (files + 1, bytes + metadata.len()),
            Err(error) => {
                let mend = "run whodid as the user that owns the folder";
                findings.add("journal", Verdict::Fail, format!("{}: {error}", entry.path().display()), mend);
                return;
            }
        }
    }
    let detail = format!("{files} files, {} MiB of at most {} MiB", bytes >> 20, config.journal_bound_bytes >> 20);
    // A running server has read it, and goes on writing.
    if !is_running {
        let read = whodid_engine::salvage(&config.data, &AccountName::default_account(), &[], &mut |_| Ok(()));
        let damage = match read {
            Ok(salvaged) => salvaged.damage.join("; "),
            Err(error) => chain(&error),
        };
        if !damage.is_empty() {
            let mend =
                "`whodid salvage` writes what can still be read; see “A damaged journal” in the guide's operations";
            findings.add("journal", Verdict::Fail, damage, mend);
            return;
        }
    }
    if bytes > config.journal_bound_bytes / 10 * 9 {
        let mend = "see the lake check: the journal is emptied when the lake takes the records";
        findings.add("journal", Verdict::Warn, detail, mend);
    } else if is_running {
        findings.ok("journal", format!("{detail}, in use"));
    } else {
        findings.ok("journal", detail);
    }
}

async fn metadata(config: &Config, findings: &mut Findings) {
    if config.meta_url.is_some() {
        let mend = "start PostgreSQL, and check meta.url; `whodid config check` shows where it comes from";
        let opened = Meta::open(&config.meta_location(), &config.secrets_key, config.sessions).await;
        match opened {
            Ok(meta) => {
                let id = meta.installation().await.ok().flatten();
                let shown = id.map_or_else(|| "not initialised yet".to_owned(), |id| format!("installation {id}"));
                findings.ok("metadata", format!("{} answers, {shown}", config.meta_location()));
            }
            Err(error) => findings.add("metadata", Verdict::Fail, chain(&error), mend),
        }
        return;
    }
    let path = config.meta_path();
    if !path.is_file() {
        let mend = "run `whodid init` or `whodid serve`";
        findings.add("metadata", Verdict::Warn, format!("{} is not there yet", path.display()), mend);
        return;
    }
    let mend = "restore meta.sqlite from a backup; events are not in it and are safe";
    match Meta::look(&path).await {
        Err(error) => findings.add("metadata", Verdict::Fail, chain(&error), mend),
        Ok(Look { damage: Some(damage), .. }) => findings.add("metadata", Verdict::Fail, damage, mend),
        Ok(Look { installation: Some(id), is_older, .. }) => {
            let older = if is_older { "; the next start brings its tables up to date" } else { "" };
            findings.ok("metadata", format!("sound, installation {id}{older}"));
        }
        Ok(Look { installation: None, .. }) => {
            findings.add("metadata", Verdict::Warn, "not initialised", "run `whodid init` or `whodid serve`");
        }
    }
}

async fn lake(config: &Config, findings: &mut Findings) {
    match &config.lake {
        LakeUrl::Folder(folder) => lake_folder(config, folder, findings).await,
        LakeUrl::Bucket(url) => {
            let mend = "check lake.url, lake.options and the rights of the key or user; `whodid config check` shows where they come from";
            match look_at(config.lake_location()).await {
                // Writing is what the server tries at its start.
                Ok(told) => {
                    findings.ok("lake", format!("{url}, {told}; that it takes objects is seen when a server starts"))
                }
                Err(error) => findings.add("lake", Verdict::Fail, format!("{url}: {error}"), mend),
            }
        }
    }
}

async fn lake_folder(config: &Config, folder: &Path, findings: &mut Findings) {
    let place = folder.display().to_string();
    // The data folder that is missing has been told.
    if folder.starts_with(&config.data) && !config.data.is_dir() {
        return;
    }
    // A lake that does not exist yet is made in the nearest folder that does.
    let mut nearest = folder;
    while !nearest.exists() {
        match nearest.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => nearest = parent,
            None => nearest = Path::new("."),
        }
    }
    let within = nearest.display();
    if !nearest.is_dir() {
        let mend = "give a folder as lake.url";
        return findings.add("lake", Verdict::Fail, format!("{place}: {within} is a file"), mend);
    }
    if let Err(error) = sync_time(nearest) {
        let mend = "make it writable for the user that runs whodid, or free space";
        return findings.add("lake", Verdict::Fail, format!("{place}: cannot write into {within}: {error}"), mend);
    }
    if nearest == folder {
        match look_at(whodid_lake::Location::Folder(folder.to_owned())).await {
            Ok(told) => findings.ok("lake", format!("{place}, {told}")),
            Err(error) => {
                let mend = "bring these files back from a backup; docs/guide/operations.md tells how, and what works meanwhile";
                findings.add("lake", Verdict::Fail, format!("{place}: {error}"), mend);
            }
        }
    } else {
        findings.ok("lake", format!("{place} is made with the first start"));
    }
    match free_bytes(nearest) {
        Some(free) if free < FREE_BYTES_FAIL => {
            let mend = "free space, or move the lake: what it does not take stays in the journal until that is full";
            findings.add("lake space", Verdict::Fail, format!("{} MiB free", free >> 20), mend);
        }
        Some(free) => findings.ok("lake space", format!("{} MiB free", free >> 20)),
        None => findings.add("lake space", Verdict::Warn, "cannot be read", "look with `df`"),
    }
}

/// Reads the log of every table and looks for its files. The error names all that is wrong.
async fn look_at(location: whodid_lake::Location) -> Result<String, String> {
    let look = async {
        let lake = Lake::look(location).await.map_err(|error| chain(&error))?;
        let tables = lake.tables().await.map_err(|error| chain(&error))?;
        let (mut segments, mut wrong) = (0, Vec::new());
        for (account, stream) in &tables {
            let name = format!("the table {stream} of account {account}");
            let table = match lake.table(account, stream).await {
                Ok(table) => table,
                Err(error) => {
                    wrong.push(format!("{name} cannot be read: {}", chain(&error)));
                    continue;
                }
            };
            segments += table.snapshot().segments.len();
            if table.has_lost_log().await.map_err(|error| chain(&error))? {
                wrong.push(format!(
                    "{name} has segments but no log: either its `_delta_log` is lost, or its first flush was cut off \
                     and the next start repeats it"
                ));
            }
            let damaged = table.damaged_segments().await.map_err(|error| chain(&error))?;
            if let Some(first) = damaged.first() {
                wrong.push(format!("{name} has {} segments that are gone or cut, such as {first}", damaged.len()));
            }
        }
        if wrong.is_empty() {
            Ok(format!("{} tables of {segments} segments", tables.len()))
        } else {
            Err(wrong.join("; "))
        }
    };
    match tokio::time::timeout(LAKE_TIMEOUT, look).await {
        Ok(told) => told,
        Err(_) => Err("no answer in 20 s".to_owned()),
    }
}

fn clock(config: &Config, findings: &mut Findings) {
    let now = SystemTime::now();
    let newest = ["meta.sqlite", "meta.sqlite-wal", "journal/journal.lock"]
        .iter()
        .filter_map(|name| std::fs::metadata(config.data.join(name)).ok()?.modified().ok())
        .max();
    let ahead = newest.and_then(|newest| newest.duration_since(now).ok()).unwrap_or_default();
    let text = crate::clock::now().to_string();
    // The year in which this was written; an unset clock shows an earlier one.
    let is_unset = text.as_str() < "2026";
    if is_unset || ahead > Duration::from_secs(60) {
        let mend = "set the clock and keep it right with NTP: recorded times and sessions depend on it";
        findings.add("clock", Verdict::Fail, format!("{text} lies before the folder's last change"), mend);
    } else {
        findings.ok("clock", text);
    }
}

fn open_files(findings: &mut Findings) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let Some(soft) = line.and_then(|line| line.split_whitespace().nth(3)) else {
        return findings.ok("open files", "no limit is told");
    };
    match soft.parse::<u64>() {
        Ok(soft) if soft < OPEN_FILES_MIN => {
            let mend = format!("raise the limit to {OPEN_FILES_MIN} or more (`ulimit -n`, LimitNOFILE=)");
            findings.add("open files", Verdict::Warn, format!("at most {soft}"), mend);
        }
        _ => findings.ok("open files", format!("at most {soft}")),
    }
}
