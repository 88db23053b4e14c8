//! Names and sizes of files, and what may not stand in them.

use super::{Complaint, File};

/// Names that say where code was put and not what it is.
const BANNED_NAMES: [&str; 10] =
    ["util", "utils", "common", "helper", "helpers", "misc", "types", "manager", "stuff", "shared"];

/// Longest source file. A file near it usually holds two ideas.
const SOURCE_LINES_MAX: usize = 900;

/// Largest file of any kind but lock files and golden data.
const FILE_BYTES_MAX: usize = 512 * 1024;

/// Files that were over the line when it was drawn, with the size they may keep. Shrink, never grow.
const RATCHET: &[(&str, usize)] = &[];

/// Paths of one machine or one way of working; a clone has none of them.
const FOREIGN: [&str; 4] = ["/work/", "/root/", "/home/", ".library/"];

/// Where such a text is the subject itself, with the reason.
const FOREIGN_ALLOWED: [(&str, &str); 1] = [("xtask/src/tidy/files.rs", "this list")];

pub fn check(files: &[File]) -> Vec<Complaint> {
    files.iter().flat_map(|file| [name(file), size(file), foreign(file)].into_iter().flatten()).collect()
}

fn name(file: &File) -> Option<Complaint> {
    let path = file.path.as_str();
    if !path.is_ascii() || path.contains(' ') {
        return Some(Complaint::new(path, "file names are ASCII without blanks"));
    }
    if !is_source(path) {
        return None;
    }
    let folders_and_stem = path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    if let Some(banned) =
        folders_and_stem.clone().find(|part| BANNED_NAMES.contains(&part.to_ascii_lowercase().as_str()))
    {
        return Some(Complaint::new(path, format!("{banned:?} says nothing; name the idea the file is about")));
    }
    let stem = folders_and_stem.clone().next_back().unwrap_or_default();
    let is_snake = stem.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    (path.ends_with(".rs") && !is_snake).then(|| Complaint::new(path, "Rust files are named in snake_case"))
}

fn size(file: &File) -> Option<Complaint> {
    let path = file.path.as_str();
    if is_generated(path) {
        return None;
    }
    if file.bytes > FILE_BYTES_MAX {
        return Some(Complaint::new(path, format!("{} bytes; at most {FILE_BYTES_MAX}", file.bytes)));
    }
    let lines = file.text.as_deref()?.lines().count();
    let most = RATCHET.iter().find(|(name, _)| *name == path).map_or(SOURCE_LINES_MAX, |(_, lines)| *lines);
    (is_source(path) && lines > most)
        .then(|| Complaint::new(path, format!("{lines} lines; at most {most}: find the second idea in it")))
}

fn foreign(file: &File) -> Option<Complaint> {
    let text = file.text.as_deref()?;
    if FOREIGN_ALLOWED.iter().any(|(path, _)| *path == file.path) || is_generated(&file.path) {
        return None;
    }
    for (number, line) in text.lines().enumerate() {
        for foreign in FOREIGN {
            let Some(at) = line.find(foreign) else { continue };
            // `https://example.com/home/` and `../home/` are not paths of a machine.
            let before = line[..at].bytes().next_back();
            let starts_a_path = before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"._-}~".contains(&byte));
            if starts_a_path {
                return Some(Complaint::new(
                    format!("{}:{}", file.path, number + 1),
                    format!("{foreign:?} is a path of one machine"),
                ));
            }
        }
    }
    None
}

fn is_source(path: &str) -> bool {
    let in_code = ["crates/", "xtask/", "web/src/"].iter().any(|folder| path.starts_with(folder));
    in_code && [".rs", ".ts", ".tsx"].iter().any(|ending| path.ends_with(ending))
}

/// Written by a program, or data kept as it was.
fn is_generated(path: &str) -> bool {
    path.ends_with("Cargo.lock")
        || path.ends_with("package-lock.json")
        || path == "openapi.json"
        || path == "web/src/api/schema.ts"
        || path.starts_with("corpus/")
        || path.starts_with("docs/images/")
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn complains(path: &str, text: &str) -> bool {
        !check(&[file(path, text)]).is_empty()
    }

    #[test]
    fn names_that_say_nothing_are_refused_as_file_and_as_folder() {
        assert!(complains("crates/a/src/util.rs", ""));
        assert!(complains("crates/a/src/helpers/time.rs", ""));
        assert!(complains("web/src/query/types.ts", ""));
        assert!(!complains("crates/a/src/flush.rs", ""));
        assert!(!complains("docs/common.md", ""));
    }

    #[test]
    fn rust_files_are_snake_case_and_components_need_not_be() {
        assert!(complains("crates/a/src/TreeHead.rs", ""));
        assert!(!complains("web/src/ui/Drawer.tsx", ""));
        assert!(complains("docs/my file.md", ""));
    }

    #[test]
    fn long_source_files_are_refused_and_long_documents_are_not() {
        let long = "x\n".repeat(SOURCE_LINES_MAX + 1);
        assert!(complains("crates/a/src/flush.rs", &long));
        assert!(!complains("docs/guide/flush.md", &long));
    }

    #[test]
    fn paths_of_one_machine_are_refused_and_addresses_that_look_like_them_are_not() {
        assert!(complains("docs/a.md", "see /root/whodid"));
        assert!(complains("docs/a.md", "open \"/home/bob/x\""));
        assert!(!complains("docs/a.md", "https://example.com/home/bob"));
        assert!(!complains("docs/a.md", "${CI}/work/x"));
    }
}
