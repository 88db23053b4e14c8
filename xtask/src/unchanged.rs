//! What did not change since the last run is not built again, also in a fresh clone.
//!
//! Cargo goes by the times of files, and in a clone all of them are new. So a run writes down beside what it built which
//! content each file had, and the time that it had; in a later clone a file with the same content gets that time again.
//! Cargo decides as ever: what was not built since then is built.
//!
//! That holds only as long as nobody else builds into the same output folder from other sources: what they built would
//! be newer than those times, and be taken for fresh. So the time of the newest of our artefacts is written down too,
//! when a run ends, and where one is newer than that nothing gets an older time.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::process;
use crate::workspace::Workspace;

const NAME: &str = "whodid-sources.json";
/// The form of the file.
const VERSION: u64 = 1;

/// A run that writes down what it built.
#[derive(Debug)]
pub struct Run<'a> {
    workspace: &'a Workspace,
    /// By path from the root, files and folders.
    sources: BTreeMap<String, Source>,
}

/// The content of a file or folder, by git's name for it, and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    content: String,
    at: Duration,
}

impl<'a> Run<'a> {
    /// Gives sources the times back that they had when they were built.
    ///
    /// # Errors
    /// The checkout is not as it was committed, git does not answer, or times cannot be set; everything is built then.
    pub fn begin(workspace: &'a Workspace) -> Result<Self> {
        let git =
            |arguments: &[&str]| process::capture(Command::new("git").args(arguments).current_dir(&workspace.root));
        if !git(&["status", "--porcelain"])?.trim().is_empty() {
            bail!("the checkout is not as it was committed");
        }
        let mut sources = BTreeMap::new();
        for (path, content) in listed(&git(&["ls-tree", "-r", "-t", "-z", "HEAD"])?) {
            let at = time_of(&workspace.root.join(&path))?;
            sources.insert(path, Source { content, at });
        }
        let file = workspace.target.join(NAME);
        let (known, stamp) = std::fs::read_to_string(&file).ok().and_then(|text| read(&text)).unwrap_or_default();
        if newest_artefact(workspace)? > stamp {
            // Whoever built meanwhile did so with the times that files have now, or earlier ones.
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
            sources.values_mut().for_each(|source| source.at = now);
        } else {
            take_back(&mut sources, &known);
        }
        for (path, source) in sources.iter().rev() {
            let times = std::fs::FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + source.at);
            let path = workspace.root.join(path);
            File::open(&path).and_then(|file| file.set_times(times)).with_context(|| path.display().to_string())?;
        }
        let run = Self { workspace, sources };
        // Until this run has ended it is not known what was built.
        run.write(Duration::ZERO)?;
        Ok(run)
    }

    /// Writes down that what is there now was built from these sources.
    pub fn end(&self) -> Result<()> {
        self.write(newest_artefact(self.workspace)?)
    }

    fn write(&self, stamp: Duration) -> Result<()> {
        let file = self.workspace.target.join(NAME);
        let sources: BTreeMap<&String, Value> =
            self.sources.iter().map(|(path, one)| (path, json!([one.content, nanos(one.at)]))).collect();
        let text = json!({"version": VERSION, "stamp": nanos(stamp), "sources": sources}).to_string();
        std::fs::write(&file, text).with_context(|| file.display().to_string())
    }
}

/// Content that was there before gets its time of then.
fn take_back(sources: &mut BTreeMap<String, Source>, known: &BTreeMap<String, Source>) {
    for (path, source) in sources {
        if let Some(before) = known.get(path).filter(|before| before.content == source.content) {
            source.at = before.at;
        }
    }
}

/// Of git's listing: paths with the names of their contents.
fn listed(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('\0').filter_map(|line| {
        let (about, path) = line.split_once('\t')?;
        let content = about.split(' ').nth(2)?;
        // A link is not followed, and has no content of its own to build from.
        (!about.starts_with("120000")).then(|| (path.to_owned(), content.to_owned()))
    })
}

fn read(text: &str) -> Option<(BTreeMap<String, Source>, Duration)> {
    let whole: Value = serde_json::from_str(text).ok()?;
    if whole["version"] != VERSION {
        return None;
    }
    let source = |value: &Value| {
        Some(Source { content: value[0].as_str()?.to_owned(), at: Duration::from_nanos(value[1].as_u64()?) })
    };
    let sources = whole["sources"].as_object()?.iter();
    let sources = sources.map(|(path, value)| Some((path.clone(), source(value)?))).collect::<Option<_>>()?;
    Some((sources, Duration::from_nanos(whole["stamp"].as_u64()?)))
}

/// The time of the newest trace of a build of one of our packages, but of this program itself.
fn newest_artefact(workspace: &Workspace) -> Result<Duration> {
    let folder = workspace.target.join("debug/.fingerprint");
    let mut newest = Duration::ZERO;
    for entry in entries(&folder)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let package = name.rsplit_once('-').map_or(name.as_str(), |(package, _)| package);
        if package != env!("CARGO_PKG_NAME") && workspace.packages.iter().any(|known| known.name == package) {
            for trace in entries(&entry)? {
                newest = newest.max(time_of(&trace)?);
            }
        }
    }
    Ok(newest)
}

/// What a folder holds; nothing where it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| folder.display().to_string()),
    }
}

fn time_of(path: &Path) -> Result<Duration> {
    let modified = std::fs::metadata(path).and_then(|about| about.modified());
    let modified = modified.with_context(|| path.display().to_string())?;
    Ok(modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn sources(listed: &[(&str, &str, u64)]) -> BTreeMap<String, Source> {
        let source = |(path, content, at): &(&str, &str, u64)| {
            ((*path).to_owned(), Source { content: (*content).to_owned(), at: Duration::from_secs(*at) })
        };
        listed.iter().map(source).collect()
    }

    #[test]
    fn content_that_was_built_gets_its_time_back_and_other_content_keeps_the_clones() {
        let known = sources(&[("a.rs", "1", 10), ("b.rs", "2", 10), ("gone.rs", "3", 10)]);
        let mut now = sources(&[("a.rs", "1", 90), ("b.rs", "other", 90), ("new.rs", "4", 90)]);
        take_back(&mut now, &known);
        assert_eq!(now, sources(&[("a.rs", "1", 10), ("b.rs", "other", 90), ("new.rs", "4", 90)]));
    }

    #[test]
    fn a_listing_has_files_and_folders_and_no_links() {
        let text = "040000 tree aaa\tcrates\x00100644 blob bbb\tcrates/a b.rs\x00120000 blob ccc\tlink\0";
        let found: Vec<_> = listed(text).collect();
        let named = |path: &str, content: &str| (path.to_owned(), content.to_owned());
        assert_eq!(found, [named("crates", "aaa"), named("crates/a b.rs", "bbb")]);
    }

    #[test]
    fn what_is_no_record_of_ours_is_no_record() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"version":2,"stamp":1,"sources":{}}"#,
            r#"{"version":1,"stamp":1,"sources":{"a":[1]}}"#,
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        let read = read(r#"{"version":1,"stamp":7,"sources":{"a":["c",9]}}"#).unwrap();
        assert_eq!(read.1, Duration::from_nanos(7));
        assert_eq!(read.0["a"], Source { content: "c".to_owned(), at: Duration::from_nanos(9) });
    }
}
