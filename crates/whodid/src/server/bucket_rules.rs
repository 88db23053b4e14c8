//! Rule packages of Security Advisor that lie as files in an account's storage, kept as packages of the account.
//!
//! Security Advisor took its rules from the bucket that held the events, one JSON file a package. So does whodid: each
//! file becomes a package, the same way as one that is uploaded. The file is the truth: the package is made, upgraded
//! and removed with it, and here people switch and tune it and do not change it. A file that cannot be used leaves in
//! force what it was before, and is told.
//!
//! *Invariants*: a package tells which file it is made of and holds its text, so that whoever looks again, after a
//! restart too, makes no version of what has not changed; nothing is removed unless the storage is seen to be the right
//! one; a storage that does not answer changes nothing and holds up no other account.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::time::MissedTickBehavior;
use whodid_api::Code;
use whodid_audit::{Actor, Deed, Told};
use whodid_engine::{Engine, LaidFile, LaidFiles};
use whodid_meta::{DocumentKind, DocumentVersion};
use whodid_model::{AccountName, chain};
use whodid_rules::{MANIFEST, Package, PackageError};

use super::App;
use super::catalog::{InForce, KnownPackage};
use super::failure::Failure;
use super::packages::{self, Candidate};

/// How often every account's storage is looked at. Rules change by the week, and a listing is a request that a bucket's
/// owner pays for; who does not want to wait has `POST /api/v1/packages/refresh`.
const EVERY: Duration = Duration::from_secs(60);
/// Accounts looked at at once, so that many do not take all turns of compiling from people.
const TOGETHER_MAX: usize = 8;
/// Longest wait for one answer of a storage.
const STORE_WAIT: Duration = Duration::from_secs(20);
/// Longest wait of who asks for a look while another goes on.
const LOOK_WAIT: Duration = Duration::from_secs(30);
/// Objects of a folder that are looked at: one page of a bucket's listing.
const LISTED_MAX: usize = 1_000;
/// Files of an account that are used.
const FILES_MAX: usize = 100;
/// Largest file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Names of files that are told one by one although they cannot be used.
const NAMES_TOLD_MAX: usize = 20;
/// Longest name of a file without its ending, in bytes.
const NAME_BYTES_MAX: usize = 100;
/// Characters that are told of a path that may hold anything.
const PATH_CHARS_TOLD: usize = 200;
/// Before the id of every package that is made of a file.
const ID_PREFIX: &str = "bucket-";
/// Characters of a file's name that are left in its package's id.
const SLUG_CHARS_MAX: usize = 40;

/// What is wrong with files of an account's storage, by path; under `None`, with the storage itself.
pub type Problems = BTreeMap<Option<String>, String>;

/// What is known of every account's storage.
#[derive(Debug)]
pub struct BucketRules {
    accounts: Mutex<HashMap<AccountName, Arc<Watched>>>,
    together: Semaphore,
}

/// What is known of one account's.
#[derive(Debug, Default)]
struct Watched {
    /// Held by who looks.
    seen: Arc<tokio::sync::Mutex<Seen>>,
    problems: Mutex<Problems>,
}

impl Default for BucketRules {
    fn default() -> Self {
        Self { accounts: Mutex::default(), together: Semaphore::new(TOGETHER_MAX) }
    }
}

impl BucketRules {
    /// What was wrong when the account's storage was last looked at.
    pub fn problems(&self, account: &AccountName) -> Problems {
        let watched = self.accounts.lock().get(account).cloned();
        watched.map(|watched| watched.problems.lock().clone()).unwrap_or_default()
    }

    fn of(&self, account: &AccountName) -> Arc<Watched> {
        Arc::clone(self.accounts.lock().entry(account.clone()).or_default())
    }
}

/// Goes on until the server stops.
pub async fn run(app: Arc<App>, engine: Engine) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopped() => return,
            _ = ticks.tick() => {}
        }
        let accounts = match app.meta.accounts().await {
            Ok(accounts) => accounts,
            Err(error) => {
                tracing::error!(error = %chain(&error), "the accounts cannot be read, so rules in their storage wait");
                continue;
            }
        };
        for account in accounts {
            let watched = app.bucket_rules.of(&account.name);
            // One that is still looked at has a slow storage, and holds up itself alone.
            let Ok(seen) = Arc::clone(&watched.seen).try_lock_owned() else { continue };
            let (app, engine) = (Arc::clone(&app), engine.clone());
            tokio::spawn(async move {
                // The semaphore is never closed.
                let _place = app.bucket_rules.together.acquire().await;
                let of = Of { app: &app, engine: &engine, account: &account.name };
                tokio::select! {
                    () = app.stopped() => {}
                    () = look(of, &watched, seen) => {}
                }
            });
        }
    }
}

/// Looks at an account's storage now.
///
/// # Errors
/// Another look goes on for too long, or the server has just started. What is wrong with the storage is no failure: it
/// is shown among the problems.
pub async fn look_now(app: &App, account: &AccountName) -> Result<(), Failure> {
    let engine = app.engine()?;
    let watched = app.bucket_rules.of(account);
    let turn = tokio::time::timeout(LOOK_WAIT, Arc::clone(&watched.seen).lock_owned()).await;
    let seen = turn.map_err(|_| {
        let detail = "the account's storage is being looked at, which takes long; list the packages in a minute";
        Failure::new(Code::Unavailable, detail).retry_after(EVERY.as_secs())
    })?;
    look(Of { app, engine, account }, &watched, seen).await;
    Ok(())
}

/// Whose storage is looked at.
#[derive(Clone, Copy)]
struct Of<'a> {
    app: &'a App,
    engine: &'a Engine,
    account: &'a AccountName,
}

async fn look(of: Of<'_>, watched: &Watched, mut seen: OwnedMutexGuard<Seen>) {
    let (problems, cause) = match seen.look(of).await {
        Ok(problems) => (problems, String::new()),
        Err(trouble) => {
            seen.is_waiting = true;
            // What was wrong with files still is.
            let mut problems = watched.problems.lock().clone();
            problems.insert(None, trouble.text);
            (problems, trouble.cause)
        }
    };
    watched.show(of.account, problems, &cause);
}

impl Watched {
    /// Shows what is wrong now, and logs what of it is news.
    fn show(&self, account: &AccountName, now: Problems, cause: &str) {
        let mut shown = self.problems.lock();
        for (file, problem) in now.iter().filter(|(file, problem)| shown.get(*file) != Some(*problem)) {
            let file = file.as_deref().unwrap_or_default();
            tracing::warn!(%account, file, cause, "rules in the account's storage cannot be used: {problem}");
        }
        for file in shown.keys().filter(|file| !now.contains_key(*file)) {
            let file = file.as_deref().unwrap_or_default();
            tracing::info!(%account, file, "what was wrong with rules in the account's storage is over");
        }
        *shown = now;
    }
}

/// What cannot be done now and may be later.
#[derive(Debug)]
struct Trouble {
    /// For people, always the same of the same trouble.
    text: String,
    /// For the log.
    cause: String,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self { text: failure.detail().to_owned(), cause: String::new() }
    }
}

/// What an account's storage was seen to hold.
#[derive(Debug, Default)]
struct Seen {
    /// What the account's rules were made of then.
    versions: Vec<DocumentVersion>,
    /// The files that could be read, by path.
    files: BTreeMap<String, Known>,
    /// Whether something is to be tried again although nothing changes.
    is_waiting: bool,
}

#[derive(Debug)]
struct Known {
    file: LaidFile,
    became: Became,
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Became {
    /// A package with this digest.
    Package(String),
    /// Nothing, and why.
    Nothing(String),
}

impl Seen {
    /// Takes up what has changed. What is wrong with the files, whether or not they have changed.
    async fn look(&mut self, of: Of<'_>) -> Result<Problems, Trouble> {
        let Of { app, engine, account } = of;
        let laid = within(engine.laid_files(account, LISTED_MAX)).await?;
        let versions = app.rule_versions(account).await.map_err(Failure::from)?;
        let (files, mut problems) = sorted_out(&laid);
        let mut is_unchanged = versions == self.versions;
        if self.is_waiting || !is_unchanged || !self.has_seen(&files) {
            self.is_waiting = false;
            let is_of_file = |one: &DocumentVersion| one.kind == DocumentKind::Package && one.id.starts_with(ID_PREFIX);
            if files.is_empty() && !versions.iter().any(is_of_file) {
                // Nobody lays files for this account: its rules need not be read, however often they change.
                self.files.clear();
            } else {
                let mut rules = app.rules_of(account).await?;
                // First, because what is gone may have gone into another file.
                if self.remove_gone(of, &rules, &laid, &mut problems).await? {
                    rules = app.rules_of(account).await?;
                    is_unchanged = false;
                }
                self.take_all(of, rules, files, is_unchanged, &mut problems).await;
            }
            self.versions = versions;
        }
        for (path, known) in &self.files {
            if let Became::Nothing(problem) = &known.became {
                problems.insert(Some(path.clone()), problem.clone());
            }
        }
        Ok(problems)
    }

    fn has_seen(&self, files: &[LaidFile]) -> bool {
        let is_known = |file: &LaidFile| self.files.get(&file.path).is_some_and(|known| known.file == *file);
        self.files.len() == files.len() && files.iter().all(is_known)
    }

    /// Removes the packages whose file is gone; whether there were some.
    async fn remove_gone(
        &mut self,
        of: Of<'_>,
        rules: &InForce,
        laid: &LaidFiles,
        problems: &mut Problems,
    ) -> Result<bool, Trouble> {
        let is_there = |path: &String| laid.files.iter().any(|file| file.path == *path);
        let gone_file = |known: &KnownPackage| known.stored.laid_file.clone().filter(|path| !is_there(path));
        let packages = rules.catalog.packages.values();
        let gone: Vec<(String, &KnownPackage)> =
            packages.filter_map(|known| Some((gone_file(known)?, known))).collect();
        if gone.is_empty() {
            return Ok(false);
        }
        // A folder that is not mounted is empty, too.
        if !laid.is_whole || !within(of.engine.shows_claim(of.account)).await? {
            self.is_waiting = true;
            let why = if laid.is_whole {
                "the storage does not show that it is this server's: `_whodid/owner.json` is not there, or another's"
            } else {
                "the folder holds more than is looked at"
            };
            for (path, _) in gone {
                problems.insert(Some(path), format!("the file is not seen, and its rules stay in force: {why}"));
            }
            return Ok(false);
        }
        for (path, known) in gone {
            packages::remove(of.app, &Actor::bucket(path.as_str()), of.account, known, crate::clock::now()).await?;
            let package = known.package.manifest.id.as_str();
            tracing::info!(account = %of.account, file = path, package, "the rules of a file went with it");
        }
        Ok(true)
    }

    /// Makes packages of the files that changed, one after the other.
    async fn take_all(
        &mut self,
        of: Of<'_>,
        mut rules: Arc<InForce>,
        files: Vec<LaidFile>,
        is_unchanged: bool,
        problems: &mut Problems,
    ) {
        let earlier = std::mem::take(&mut self.files);
        let mut is_stopped = false;
        for file in files {
            let known = rules.catalog.package_of_file(&file.path);
            let before = earlier.get(&file.path).filter(|before| before.file == file).map(|before| &before.became);
            let became = match before {
                Some(Became::Package(digest)) if known.is_some_and(|known| known.digest == *digest) => {
                    Became::Package(digest.clone())
                }
                // What kept it out may be another rule, so it is tried again when the account's rules change.
                Some(nothing @ Became::Nothing(_)) if is_unchanged => nothing.clone(),
                // The storage is away, or too much is compiled: the rest waits for the next look.
                _ if is_stopped => continue,
                _ => {
                    let is_upgrade = known.is_some();
                    let id = id_of(&file.path, |id| rules.catalog.packages.contains_key(id), known);
                    match take(of, &rules, &id, &file).await {
                        Ok(Taken { digest, is_news }) => {
                            if is_news {
                                let (account, path) = (of.account, &file.path);
                                tracing::info!(%account, file = path, package = id, "the rules of a file are in force");
                                match of.app.rules_of(of.account).await {
                                    Ok(now) => rules = now,
                                    Err(_) => is_stopped = true,
                                }
                            }
                            Became::Package(digest)
                        }
                        Err(Refusal::Useless(failure)) => {
                            let nothing = Became::Nothing(failure.detail().to_owned());
                            if before != Some(&nothing) {
                                tell(of, &file.path, &id, is_upgrade, &failure).await;
                            }
                            nothing
                        }
                        Err(Refusal::NotNow(trouble)) => {
                            is_stopped = true;
                            problems.insert(Some(file.path), trouble.text);
                            continue;
                        }
                    }
                }
            };
            self.files.insert(file.path.clone(), Known { file, became });
        }
        self.is_waiting |= is_stopped;
    }
}

/// A file that is a package now.
struct Taken {
    digest: String,
    /// Whether it was none, or another, before.
    is_news: bool,
}

/// Why a file is no package.
enum Refusal {
    /// The file is wrong, or what it says is there already.
    Useless(Failure),
    /// The file is not at fault.
    NotNow(Trouble),
}

async fn take(of: Of<'_>, rules: &Arc<InForce>, id: &str, file: &LaidFile) -> Result<Taken, Refusal> {
    let useless = |detail: String| Refusal::Useless(Failure::new(Code::BadJson, detail));
    let path = file.path.as_str();
    if file.bytes > FILE_BYTES_MAX {
        let detail = format!("the file has {} bytes, and {FILE_BYTES_MAX} are allowed; split it", file.bytes);
        return Err(useless(detail));
    }
    let read = within(of.engine.laid_file(of.account, path, FILE_BYTES_MAX)).await.map_err(Refusal::NotNow)?;
    let text = String::from_utf8(read.to_vec()).map_err(|_| useless("the file is no UTF-8 text".to_owned()))?;
    let known = rules.catalog.package_of_file(path);
    if let Some(known) = known.filter(|known| known.package.files.get(name_of(path)) == Some(&text)) {
        return Ok(Taken { digest: known.digest.clone(), is_news: false });
    }
    let package = package_of(id, next_version(known), path, text).map_err(|error| useless(error.to_string()))?;
    let (digest, now) = (package.digest(), crate::clock::now());
    let candidate = Candidate::of(of.app, rules, package, digest.clone(), Some(path), now).await;
    let candidate = candidate.map_err(|failure| match failure.code().status() {
        429 | 500 | 503 => Refusal::NotNow(failure.into()),
        _ => Refusal::Useless(failure),
    })?;
    let installed = candidate.install(of.app, &Actor::bucket(path), of.account, now).await;
    // It could be used, so what is in the way is a change by somebody at the same moment, or the metadata.
    installed.map_err(|failure| Refusal::NotNow(failure.into()))?;
    Ok(Taken { digest, is_news: true })
}

/// Tells the audit log that a file came to nothing, as it tells of an upload.
async fn tell(of: Of<'_>, path: &str, id: &str, is_upgrade: bool, failure: &Failure) {
    let deed = if is_upgrade { Deed::PackageUpdate } else { Deed::PackageCreate };
    let told = Told::failure(deed, id, failure.reason()).asked("file", path);
    if let Err(failure) = of.app.tell(of.account, &Actor::bucket(path), &told).await {
        tracing::error!(code = failure.code().as_str(), "a file of rules that cannot be used could not be told");
    }
}

async fn within<T>(asked: impl Future<Output = Result<T, whodid_engine::Error>>) -> Result<T, Trouble> {
    match tokio::time::timeout(STORE_WAIT, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Trouble { cause: chain(&error), text: error.detail }),
        Err(_) => {
            let text = format!("the account's storage did not answer in {} s; it is asked again", STORE_WAIT.as_secs());
            Err(Trouble { text, cause: String::new() })
        }
    }
}

/// The files to be used, and what is wrong with others that mean to be.
fn sorted_out(laid: &LaidFiles) -> (Vec<LaidFile>, Problems) {
    let (mut files, mut problems) = (Vec::new(), Problems::new());
    let (mut unnamed, mut left_over) = (0, 0);
    for file in &laid.files {
        let Some(stem) = name_of(&file.path).strip_suffix(".json") else { continue };
        if !is_name(stem) {
            unnamed += 1;
            if unnamed <= NAMES_TOLD_MAX {
                // It may hold anything: only its beginning is told, and nothing of it that would be acted upon.
                let shown: String = file.path.chars().take(PATH_CHARS_TOLD).flat_map(char::escape_default).collect();
                let problem = format!(
                    "the file is not read for its name; give it one of letters, digits, spaces and . _ - + ( ) , = @ \
                     that begins with a letter or digit and has at most {NAME_BYTES_MAX} bytes before .json"
                );
                problems.insert(Some(shown), problem);
            }
        } else if files.len() == FILES_MAX {
            left_over += 1;
        } else {
            files.push(file.clone());
        }
    }
    let mut of_all = Vec::new();
    if left_over > 0 {
        of_all.push(format!("{left_over} files are left aside, because the first {FILES_MAX} by name are used"));
    }
    if unnamed > NAMES_TOLD_MAX {
        of_all.push(format!("{unnamed} files are not read for their names"));
    }
    if !laid.is_whole {
        of_all.push(format!("the folder holds more than the {LISTED_MAX} objects that are looked at"));
    }
    if !of_all.is_empty() {
        problems.insert(None, of_all.join("; "));
    }
    (files, problems)
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The name without its ending.
fn stem_of(path: &str) -> &str {
    let name = name_of(path);
    name.strip_suffix(".json").unwrap_or(name)
}

/// Whether a file's name, which is shown to people and told, is a plain one.
fn is_name(stem: &str) -> bool {
    let is_plain = |character: char| character.is_alphanumeric() || " ._-+(),=@".contains(character);
    stem.starts_with(char::is_alphanumeric)
        && stem.len() <= NAME_BYTES_MAX
        && stem.chars().all(is_plain)
        && !whodid_audit::holds_secret(stem)
}

/// The id of a file's package: the one that it has, else one of its name that no other has. It then stays, because the
/// package tells its file.
fn id_of(path: &str, is_taken: impl Fn(&str) -> bool, known: Option<&KnownPackage>) -> String {
    if let Some(known) = known {
        return known.package.manifest.id.clone();
    }
    let mut slug = String::new();
    for character in stem_of(path).chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(SLUG_CHARS_MAX);
    let slug = slug.trim_end_matches('-');
    let id = format!("{ID_PREFIX}{slug}");
    if !slug.is_empty() && !is_taken(&id) {
        return id;
    }
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(path.as_bytes())[..4]);
    if slug.is_empty() { format!("{ID_PREFIX}{hash}") } else { format!("{id}-{hash}") }
}

/// Versions count the changes that the server saw.
fn next_version(known: Option<&KnownPackage>) -> u64 {
    let version = known.map(|known| known.package.manifest.version.to_string());
    let number = version.and_then(|version| version.split('.').next()?.parse::<u64>().ok());
    number.unwrap_or_default() + 1
}

fn package_of(id: &str, version: u64, path: &str, text: String) -> Result<Package, PackageError> {
    // What JSON writes as a text, YAML reads as the same text.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let title = quoted(stem_of(path));
    let description = quoted(&format!("Rules of Security Advisor from the file {path} in the account's storage."));
    let manifest = format!(
        "id: {id}\nversion: {version}.0.0\ntitle: {title}\ndescription: {description}\nlicence: not stated\n\
         author: not stated\n"
    );
    Package::from_files(BTreeMap::from([(MANIFEST.to_owned(), manifest), (name_of(path).to_owned(), text)]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use whodid_model::Timestamp;

    use super::*;

    fn file(path: &str) -> LaidFile {
        LaidFile { path: path.to_owned(), bytes: 2, changed_at: Timestamp::default(), e_tag: None }
    }

    fn laid(names: &[String]) -> LaidFiles {
        let files = names.iter().map(|name| file(&format!("IBM.rules/activities/{name}"))).collect();
        LaidFiles { files, is_whole: true }
    }

    #[test]
    fn the_id_of_a_package_is_of_its_files_name_and_its_own() {
        let id = |path: &str, taken: &[&str]| id_of(path, |id| taken.contains(&id), None);
        assert_eq!(id("IBM.rules/activities/kms-rules.json", &[]), "bucket-kms-rules");
        assert_eq!(id("acme/IBM.rules/activities/KMS rules (v2).json", &[]), "bucket-kms-rules-v2");
        assert_eq!(id("a/kms.json", &["bucket-kms"]), format!("bucket-kms-{}", hash("a/kms.json")));
        assert_ne!(id("a/kms.json", &["bucket-kms"]), id("b/kms.json", &["bucket-kms"]));
        assert_eq!(id("a/規則.json", &[]), format!("bucket-{}", hash("a/規則.json")));
        let (path, taken) = (format!("a/{}.json", "x".repeat(NAME_BYTES_MAX)), format!("bucket-{}", "x".repeat(40)));
        assert_eq!(id(&path, &[]), taken);
        assert_eq!(id(&path, &[taken.as_str()]).len(), taken.len() + 1 + 8, "well below the 63 of an id");
    }

    fn hash(path: &str) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(path.as_bytes())[..4])
    }

    #[test]
    fn a_name_that_could_steer_or_mislead_is_not_read_and_told_harmless() {
        for name in ["kms-rules", "KMS rules (v2)", "règles", "a.b", "1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".hidden", "..", "-rf", "a\nb", "a\u{202e}nosj", "<b>", "a\\b", "a\u{0}", "${HOME}", "a;b"] {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(!is_name(&"x".repeat(NAME_BYTES_MAX + 1)));
        let (files, problems) = sorted_out(&laid(&["a\u{202e}b.json".to_owned(), "kms.json".to_owned()]));
        assert_eq!(files, [file("IBM.rules/activities/kms.json")]);
        let told: Vec<Option<String>> = problems.into_keys().collect();
        assert_eq!(told, [Some("IBM.rules/activities/a\\u{202e}b.json".to_owned())]);
    }

    #[test]
    fn what_is_no_json_file_is_nobodys_business() {
        let (files, problems) = sorted_out(&laid(&["README.md".to_owned(), "<old>".to_owned()]));
        assert_eq!((files, problems), (Vec::new(), Problems::new()));
    }

    #[test]
    fn more_files_than_are_used_are_told_in_one_line() {
        let names: Vec<String> = (0..FILES_MAX + 2).map(|number| format!("{number:03}.json")).collect();
        let (files, problems) = sorted_out(&LaidFiles { is_whole: false, ..laid(&names) });
        assert_eq!(files.len(), FILES_MAX);
        assert!(problems[&None].starts_with("2 files are left aside"), "{problems:?}");
        assert!(problems[&None].contains("more than the 1000 objects"), "{problems:?}");
        let hostile: Vec<String> = (0..NAMES_TOLD_MAX + 5).map(|number| format!("<{number:02}>.json")).collect();
        let (_, problems) = sorted_out(&laid(&hostile));
        assert_eq!(problems.len(), NAMES_TOLD_MAX + 1);
        assert_eq!(problems[&None], format!("{} files are not read for their names", NAMES_TOLD_MAX + 5));
    }

    #[test]
    fn a_files_package_is_named_after_it_and_holds_its_text() {
        let text = r#"[{"conditions": {"any": [{"fact": "action", "operator": "equal", "value": "a"}]},
            "event": {"type": "t", "params": {"findingType": "f"}}},]"#;
        let package = package_of("bucket-kms", 3, "IBM.rules/activities/KMS, new.json", text.to_owned()).unwrap();
        let manifest = &package.manifest;
        assert_eq!((manifest.id.as_str(), manifest.title.as_str()), ("bucket-kms", "KMS, new"));
        assert_eq!(manifest.version.to_string(), "3.0.0");
        assert!(manifest.description.contains("IBM.rules/activities/KMS, new.json"), "{}", manifest.description);
        assert_eq!(package.files["KMS, new.json"], text);
        let rules: Vec<String> = package.documents().documents.iter().map(|one| one.meta().id.clone()).collect();
        assert_eq!(rules, ["t"], "the comma too many is mended");
    }
}
