//! What did not change since the last run is not built again, also in a fresh clone.
//!
//! Cargo goes by the times of files, and in a clone all of them are new. So a run writes down beside what it built which
//! content each file had, and the time that it had; in a later clone a file with the same content gets that time again.
//! Cargo decides as ever: what was not built since then is built.
//!
//! Only in a clone at the same path: tests and build scripts have the path of their crate within them, and would look at
//! the files of another clone, or find none.
//!
//! That holds only as long as nobody else built into the same output folder from other sources: what they built would
//! be newer than those times, and be taken for fresh. So the time of the newest of our artefacts is written down too,
//! when a run ends, and where one is newer than that, everything is as if it had been written just now. While a run
//! lasts, another one does without this; who calls cargo beside it, on the same folder and other sources, must not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
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
    /// Held as long as the run lasts.
    _lock: File,
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
        let lock = File::create(workspace.target.join(format!("{NAME}.lock")))?;
        if lock.try_lock().is_err() {
            bail!("another run builds into the same folder");
        }
        let file = workspace.target.join(NAME);
        let (mut known, stamp) =
            std::fs::read_to_string(&file).ok().and_then(|text| read(&text, &workspace.root)).unwrap_or_default();
        if newest_artefact(workspace)? > stamp {
            known.clear();
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let listed = git(&["ls-tree", "-r", "-t", "-z", "HEAD"])?;
        let sources = with_times(listed_in(&listed), &known, now);
        for (path, source) in sources.iter().rev() {
            let times = std::fs::FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + source.at);
            let path = workspace.root.join(path);
            File::open(&path).and_then(|file| file.set_times(times)).with_context(|| path.display().to_string())?;
        }
        let run = Self { workspace, _lock: lock, sources };
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
        let text = json!({"version": VERSION, "root": self.workspace.root, "stamp": nanos(stamp), "sources": sources})
            .to_string();
        std::fs::write(&file, text).with_context(|| file.display().to_string())
    }
}

/// Content that was there before gets its time of then. All other is as new as can be, whenever it was checked out: it may
/// have been before what is there was built from other content. So is this program, which every clone builds first.
fn with_times(
    listed: impl Iterator<Item = (String, String)>,
    known: &BTreeMap<String, Source>,
    now: Duration,
) -> BTreeMap<String, Source> {
    let with_time = |(path, content): (String, String)| {
        let before = known.get(&path).filter(|before| before.content == content && !is_own(&path));
        let at = before.map_or(now, |before| before.at);
        (path, Source { content, at })
    };
    listed.map(with_time).collect()
}

fn is_own(path: &str) -> bool {
    path.split('/').next() == Some(env!("CARGO_PKG_NAME"))
}

/// Of git's listing: paths with the names of their contents.
fn listed_in(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('\0').filter_map(|line| {
        let (about, path) = line.split_once('\t')?;
        let content = about.split(' ').nth(2)?;
        // A link is not followed, and has no content of its own to build from.
        (!about.starts_with("120000")).then(|| (path.to_owned(), content.to_owned()))
    })
}

/// What a run wrote down that built in a clone at `root`; `None` where it is none of those.
fn read(text: &str, root: &Path) -> Option<(BTreeMap<String, Source>, Duration)> {
    let whole: Value = serde_json::from_str(text).ok()?;
    if whole["version"] != VERSION || whole["root"].as_str().map(Path::new) != Some(root) {
        return None;
    }
    let source = |value: &Value| {
        Some(Source { content: value[0].as_str()?.to_owned(), at: Duration::from_nanos(value[1].as_u64()?) })
    };
    let sources = whole["sources"].as_object()?.iter();
    let sources = sources.map(|(path, value)| Some((path.clone(), source(value)?))).collect::<Option<_>>()?;
    Some((sources, Duration::from_nanos(whole["stamp"].as_u64()?)))
}

/// The time of the newest trace of a build of one of our packages in any profile, but of this program itself.
fn newest_artefact(workspace: &Workspace) -> Result<Duration> {
    let mut newest = Duration::ZERO;
    for profile in entries(&workspace.target)? {
        for entry in entries(&profile.join(".fingerprint"))? {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let package = name.rsplit_once('-').map_or(name.as_str(), |(package, _)| package);
            if !is_own(package) && workspace.packages.iter().any(|known| known.name == package) {
                for trace in entries(&entry)? {
                    newest = newest.max(time_of(&trace)?);
                }
            }
        }
    }
    Ok(newest)
}

/// What a folder holds; nothing where it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
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
    fn content_that_was_built_gets_its_time_back_and_all_other_is_new() {
        let known =
            sources(&[("a.rs", "1", 10), ("b.rs", "2", 10), ("gone.rs", "3", 10), ("xtask/src/main.rs", "5", 10)]);
        let listed = [("a.rs", "1"), ("b.rs", "other"), ("new.rs", "4"), ("xtask/src/main.rs", "5")];
        let listed = listed.map(|(path, content)| (path.to_owned(), content.to_owned()));
        let found = with_times(listed.into_iter(), &known, Duration::from_secs(90));
        let wanted = [("a.rs", "1", 10), ("b.rs", "other", 90), ("new.rs", "4", 90), ("xtask/src/main.rs", "5", 90)];
        assert_eq!(found, sources(&wanted));
    }

    #[test]
    fn a_listing_has_files_and_folders_and_no_links() {
        let text = "040000 tree aaa\tcrates\x00100644 blob bbb\tcrates/a b.rs\x00120000 blob ccc\tlink\0";
        let found: Vec<_> = listed_in(text).collect();
        let named = |path: &str, content: &str| (path.to_owned(), content.to_owned());
        assert_eq!(found, [named("crates", "aaa"), named("crates/a b.rs", "bbb")]);
    }

    #[test]
    fn what_is_no_record_of_a_clone_at_this_path_is_no_record() {
        let wrong = [
            "",
            "{}",
            "[]",
            r#"{"version":2,"root":"/clone","stamp":1,"sources":{}}"#,
            r#"{"version":1,"root":"/other","stamp":1,"sources":{}}"#,
            r#"{"version":1,"stamp":1,"sources":{}}"#,
            r#"{"version":1,"root":"/clone","stamp":1,"sources":{"a":[1]}}"#,
        ];
        for text in wrong {
            assert!(read(text, Path::new("/clone")).is_none(), "{text}");
        }
        let text = r#"{"version":1,"root":"/clone","stamp":7,"sources":{"a":["c",9]}}"#;
        let read = read(text, Path::new("/clone")).unwrap();
        assert_eq!(read.1, Duration::from_nanos(7));
        assert_eq!(read.0["a"], Source { content: "c".to_owned(), at: Duration::from_nanos(9) });
    }
}
