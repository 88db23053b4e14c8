//! Packages: rules, filters and tests with a manifest, as a folder or an archive.
//!
//! `package.yaml` says what it is; every `.yml`, `.yaml` and `.json` file beside or below it holds rules. An archive is
//! a gzip-compressed tar of the same files, in which nothing but plain files and folders may stand.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use whodid_model::Timestamp;
use yaml_serde::Value;

use crate::document::{Document, Loaded, load};
use crate::problem::{Gravity, Problem};
use crate::ruleset::{Build, RuleSet};
use crate::run::{Outcome, run_tests};
use crate::sigma::Variables;
use crate::variables::Values;
use crate::version::Version;
use crate::yaml;

/// The file that says what a package is.
pub const MANIFEST: &str = "package.yaml";
/// Most files of a package.
pub const FILES_MAX: usize = 5_000;
/// Most bytes of a package, inflated.
pub const BYTES_MAX: usize = 32 << 20;
/// Most bytes of an archive.
pub const ARCHIVE_BYTES_MAX: usize = 8 << 20;
/// Longest path of a file.
const PATH_BYTES_MAX: usize = 200;

/// What kind of values a variable takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableType {
    /// Texts.
    Text,
    /// Network addresses or networks in CIDR form.
    Network,
    /// Numbers.
    Number,
}

impl VariableType {
    /// What is wrong with a value; `None` where nothing is.
    pub fn fault(self, value: &str) -> Option<String> {
        let (is_good, wanted) = match self {
            Self::Text => return None,
            Self::Network => {
                let is_good = value.parse::<IpAddr>().is_ok() || value.parse::<ipnet::IpNet>().is_ok();
                (is_good, "an address or a network such as 192.0.2.0/24")
            }
            Self::Number => (value.parse::<f64>().is_ok_and(f64::is_finite), "a number"),
        };
        (!is_good).then(|| format!("'{}' is not {wanted}", short(value)))
    }
}

/// Something that an account fills in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What kind of values.
    #[serde(rename = "type")]
    pub kind: VariableType,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The values until somebody gives others: in the file one, or a list; texts or numbers.
    #[serde(default)]
    pub default: Vec<String>,
}

/// What the findings of a package are about: one of the two numbers of Activity Insights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Who may do what, and who signs in.
    IdentityAndAccess,
    /// Keys, certificates, stored data and what runs in clusters.
    DataAndKubernetes,
}

/// What a package says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its id: small letters, digits, `-`.
    pub id: String,
    /// Its version.
    pub version: Version,
    /// What people call it.
    pub title: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The licence of its rules.
    #[serde(alias = "license")]
    pub licence: String,
    /// Who wrote it; shown wherever its rules are.
    pub author: String,
    /// The oldest whodid that it works with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_version: Option<Version>,
    /// The formats whose events its rules need.
    #[serde(default)]
    pub sources: Vec<String>,
    /// What its findings are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// Whether its rules must stay off until somebody has filled its variables in.
    #[serde(default)]
    pub needs_configuration: bool,
    /// What an account may fill in.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
}

/// A package: its manifest and its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// What it says about itself.
    pub manifest: Manifest,
    /// Every file by its path, the manifest included.
    pub files: BTreeMap<String, String>,
}

/// Why something is no package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// The archive cannot be read.
    #[error("the archive cannot be read as a gzip-compressed tar: {0}")]
    Archive(String),
    /// Something in it is not allowed.
    #[error("the archive holds {what}, which is not allowed in a package")]
    Hostile {
        /// What.
        what: String,
    },
    /// It is too large.
    #[error("the package has {what}, and at most {limit} are allowed")]
    TooLarge {
        /// What.
        what: String,
        /// The bound.
        limit: String,
    },
    /// The manifest is missing or wrong.
    #[error("{MANIFEST}: {0}")]
    Manifest(String),
}

/// What a package comes to.
#[derive(Debug, Serialize)]
pub struct Check {
    /// Documents that can be used.
    pub rules: usize,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What came of its tests.
    pub tests: Vec<Outcome>,
}

impl Check {
    /// Whether every document can be used and every test passes.
    pub fn is_good(&self) -> bool {
        self.problems.iter().all(|problem| problem.gravity != Gravity::Error)
            && self.tests.iter().all(|test| test.passed)
    }
}

/// What differs between two versions of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Ids of rules that only the new one has.
    pub added: Vec<String>,
    /// Ids of rules that only the old one has.
    pub removed: Vec<String>,
    /// Ids of rules whose text differs.
    pub changed: Vec<String>,
    /// Names of variables that only the new one has.
    pub variables_added: Vec<String>,
    /// Names of variables that only the old one has.
    pub variables_removed: Vec<String>,
}

impl Package {
    /// A package of files.
    ///
    /// # Errors
    /// The manifest is missing or wrong, a path is not allowed, a bound is passed.
    pub fn from_files(files: BTreeMap<String, String>) -> Result<Self, PackageError> {
        if files.len() > FILES_MAX {
            return Err(PackageError::TooLarge {
                what: format!("{} files", files.len()),
                limit: FILES_MAX.to_string(),
            });
        }
        let bytes: usize = files.values().map(String::len).sum();
        if bytes > BYTES_MAX {
            return Err(PackageError::TooLarge { what: format!("{bytes} bytes"), limit: BYTES_MAX.to_string() });
        }
        for path in files.keys() {
            if path.is_empty() || path == "." || path.starts_with("./") {
                return Err(PackageError::Hostile { what: format!("the path '{}'", short(path)) });
            }
            check_path(path)?;
        }
        let text = files.get(MANIFEST).ok_or_else(|| PackageError::Manifest("the file is missing".to_owned()))?;
        Ok(Self { manifest: read_manifest(text)?, files })
    }

    /// A package of an archive's bytes.
    ///
    /// # Errors
    /// It is no archive, holds what is not allowed, or no package.
    pub fn from_archive(bytes: &[u8]) -> Result<Self, PackageError> {
        if bytes.len() > ARCHIVE_BYTES_MAX {
            return Err(PackageError::TooLarge {
                what: format!("{} bytes", bytes.len()),
                limit: ARCHIVE_BYTES_MAX.to_string(),
            });
        }
        let inflated = flate2::read::GzDecoder::new(bytes).take(BYTES_MAX as u64 + 1_024 * FILES_MAX as u64);
        let mut archive = tar::Archive::new(inflated);
        let broken = |error: std::io::Error| PackageError::Archive(error.to_string());
        let hostile = |what: String| PackageError::Hostile { what };
        let mut files = BTreeMap::new();
        let mut total = 0;
        for entry in archive.entries().map_err(broken)? {
            let mut entry = entry.map_err(broken)?;
            let path = String::from_utf8(entry.path_bytes().into_owned())
                .map_err(|_| hostile("a name that is no UTF-8".to_owned()))?;
            let kind = entry.header().entry_type();
            if kind.is_dir() {
                check_path(path.trim_end_matches('/'))?;
                continue;
            }
            if !kind.is_file() {
                return Err(hostile(format!("'{}', which is no plain file (a link or a device)", short(&path))));
            }
            let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
            check_path(&path)?;
            let mut text = Vec::new();
            (&mut entry).take((BYTES_MAX - total + 1) as u64).read_to_end(&mut text).map_err(broken)?;
            total += text.len();
            if total > BYTES_MAX {
                return Err(PackageError::TooLarge {
                    what: format!("more than {BYTES_MAX} bytes"),
                    limit: BYTES_MAX.to_string(),
                });
            }
            let text = String::from_utf8(text).map_err(|_| hostile(format!("'{path}', which is no UTF-8 text")))?;
            if files.insert(path.clone(), text).is_some() {
                return Err(hostile(format!("'{path}' twice")));
            }
            if files.len() > FILES_MAX {
                return Err(PackageError::TooLarge {
                    what: format!("more than {FILES_MAX} files"),
                    limit: FILES_MAX.to_string(),
                });
            }
        }
        Self::from_files(without_folder(files))
    }

    /// The archive: the same package gives the same bytes.
    ///
    /// # Errors
    /// Never for a package that was read; writing to memory does not fail.
    pub fn to_archive(&self) -> std::io::Result<Vec<u8>> {
        let encoder = flate2::GzBuilder::new().mtime(0).write(Vec::new(), flate2::Compression::default());
        let mut archive = tar::Builder::new(encoder);
        for (path, text) in &self.files {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(0);
            archive.append_data(&mut header, path, text.as_bytes())?;
        }
        archive.into_inner()?.finish()
    }

    /// The hash that pins the package: of its paths and texts, whatever way they came.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (path, text) in &self.files {
            for part in [path.as_bytes(), text.as_bytes()] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        format!("sha256:{}", data_encoding::HEXLOWER.encode(&hash.finalize()))
    }

    /// Its rule documents, with what is wrong.
    pub fn documents(&self) -> Loaded {
        let mut all = Loaded::default();
        for (path, text) in self.files.iter().filter(|(path, _)| is_rule_file(path)) {
            let loaded = load(&format!("{}/{path}", self.manifest.id), text);
            all.documents.extend(loaded.documents);
            all.problems.extend(loaded.problems);
        }
        all.documents.iter_mut().for_each(|document| document.package = Some(self.manifest.id.clone()));
        all
    }

    /// The values of its variables: those given, else the defaults.
    pub fn variables(&self, given: &Variables) -> Variables {
        let of = |(name, variable): (&String, &Variable)| {
            let values = given.get(name).filter(|values| !values.is_empty()).unwrap_or(&variable.default);
            (name.clone(), values.clone())
        };
        self.manifest.variables.iter().map(of).collect()
    }

    /// Reads and compiles all of it with these values, and tests it with its own, which its tests are written for.
    pub fn check(&self, given: &Variables, now: Timestamp) -> Check {
        let loaded = self.documents();
        let documents: Vec<&Document> = loaded.documents.iter().collect();
        let variables = Values::of_check(self, given);
        let (rules, problems) = compiled(&documents, &variables);
        let tests = documents.iter().flat_map(|document| run_tests(document, &documents, &variables, now)).collect();
        let problems = self.faults_of_defaults().chain(loaded.problems).chain(problems).collect();
        Check { rules: rules.rules().len(), problems, tests }
    }

    /// Defaults that are not of their variable's kind. A package that came in before they were looked at goes on.
    fn faults_of_defaults(&self) -> impl Iterator<Item = Problem> {
        self.manifest.variables.iter().filter_map(|(name, variable)| {
            let fault = variable.default.iter().find_map(|value| variable.kind.fault(value))?;
            let problem = Problem::error("variable", format!("the default of the variable '{name}': {fault}"));
            Some(Problem { file: Some(MANIFEST.to_owned()), ..problem })
        })
    }

    /// What is wrong with its rules with these values, as far as they can be read; what has none is no matter.
    pub fn problems(&self, given: &Variables) -> Vec<Problem> {
        let loaded = self.documents();
        compiled(&loaded.documents.iter().collect::<Vec<_>>(), &Values::of_check(self, given)).1
    }

    /// What differs in `newer`.
    pub fn difference(&self, newer: &Self) -> Difference {
        let versions = |package: &Self| -> BTreeMap<String, String> {
            package
                .documents()
                .documents
                .into_iter()
                .map(|document| (document.meta().id.clone(), document.version))
                .collect()
        };
        let (old, new) = (versions(self), versions(newer));
        let only = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| -> Vec<String> {
            one.keys().filter(|id| !other.contains_key(*id)).cloned().collect()
        };
        let changed = old.iter().filter(|(id, version)| new.get(*id).is_some_and(|other| other != *version));
        let names = |one: &Self, other: &Self| -> Vec<String> {
            one.manifest
                .variables
                .keys()
                .filter(|name| !other.manifest.variables.contains_key(*name))
                .cloned()
                .collect()
        };
        Difference {
            added: only(&new, &old),
            removed: only(&old, &new),
            changed: changed.map(|(id, _)| id.clone()).collect(),
            variables_added: names(newer, self),
            variables_removed: names(self, newer),
        }
    }

    /// Variables for tests: what is not filled in gets a value that no event has, so that the rules can be compiled.
    pub(crate) fn test_variables(&self, given: &Variables) -> Variables {
        let mut variables = self.variables(given);
        for values in variables.values_mut().filter(|values| values.is_empty()) {
            values.push("\u{2}not filled in".to_owned());
        }
        variables
    }
}

fn compiled(documents: &[&Document], variables: &Values) -> (RuleSet, Vec<Problem>) {
    let (documents, variables) = (documents.to_vec(), variables.clone());
    RuleSet::compile(&Build { documents, variables, with_dormant: true, ..Build::default() })
}

/// Whether a file of a package holds rules.
fn is_rule_file(path: &str) -> bool {
    path != MANIFEST && [".yml", ".yaml", ".json"].iter().any(|ending| path.ends_with(ending))
}

fn read_manifest(text: &str) -> Result<Manifest, PackageError> {
    let wrong = |message: String| PackageError::Manifest(message);
    let (documents, problems) = yaml::documents(text);
    if let Some(problem) = problems.first() {
        return Err(wrong(problem.message.clone()));
    }
    let [(_, document)] = documents.as_slice() else {
        return Err(wrong("the file must hold one document".to_owned()));
    };
    let manifest: Manifest =
        yaml_serde::from_value(with_texts(document.clone())).map_err(|error| wrong(error.to_string()))?;
    let is_id = |id: &str| {
        !id.is_empty()
            && id.len() <= 63
            && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if !is_id(&manifest.id) {
        return Err(wrong(format!(
            "the id '{}' must be of small letters, digits and '-', at most 63",
            short(&manifest.id)
        )));
    }
    if let Some(source) = manifest.sources.iter().find(|source| whodid_decode::Format::parse(source).is_none()) {
        return Err(wrong(format!("the source '{source}' is no format that whodid reads")));
    }
    Ok(manifest)
}

/// `version: 1.2` is a number to YAML, and so is `default: 5`, which may also stand without a list.
fn with_texts(mut document: Value) -> Value {
    for name in ["version", "min_version"] {
        if let Some(value) = document.get_mut(name)
            && let Some(text) = yaml::scalar(value)
        {
            *value = Value::String(text);
        }
    }
    let variables = document.get_mut("variables").and_then(Value::as_mapping_mut);
    for (_, variable) in variables.into_iter().flatten() {
        let Some(default) = variable.get_mut("default") else { continue };
        let text = |value: &Value| yaml::scalar(value).map_or_else(|| value.clone(), Value::String);
        *default = match &*default {
            Value::Sequence(values) => Value::Sequence(values.iter().map(text).collect()),
            one if yaml::scalar(one).is_some() => Value::Sequence(vec![text(one)]),
            other => other.clone(),
        };
    }
    document
}

/// An archive made of a folder has the folder's name before every path.
fn without_folder(files: BTreeMap<String, String>) -> BTreeMap<String, String> {
    if files.contains_key(MANIFEST) {
        return files;
    }
    let Some(folder) =
        files.keys().next().and_then(|path| path.split_once('/')).map(|(folder, _)| format!("{folder}/"))
    else {
        return files;
    };
    if !files.contains_key(&format!("{folder}{MANIFEST}")) || !files.keys().all(|path| path.starts_with(&folder)) {
        return files;
    }
    files.into_iter().map(|(path, text)| (path[folder.len()..].to_owned(), text)).collect()
}

fn check_path(path: &str) -> Result<(), PackageError> {
    let is_plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.contains(['\\', ':', '\0'])
            && !part.chars().any(char::is_control)
    };
    let path = path.strip_prefix("./").unwrap_or(path);
    // The folder itself, as tar writes it.
    if path == "." || path.is_empty() {
        return Ok(());
    }
    if path.len() > PATH_BYTES_MAX || !path.split('/').all(is_plain) {
        return Err(PackageError::Hostile { what: format!("the path '{}'", short(path)) });
    }
    Ok(())
}

fn short(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(80).collect()
}
