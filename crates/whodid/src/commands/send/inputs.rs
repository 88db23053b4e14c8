//! What the paths on the command line name: files, folders with everything below them, standard input.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Something to read.
pub struct Input {
    /// `None` for standard input.
    pub path: Option<PathBuf>,
    /// For people.
    pub name: String,
    /// Why it cannot be read.
    pub trouble: Option<std::io::Error>,
}

/// Files in name order; folders with everything below them. What cannot be read in a folder is an input with its
/// trouble, so that it keeps nothing else from being sent.
pub fn inputs(paths: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(Input { path: None, name: "standard input".to_owned(), trouble: None });
            continue;
        }
        let shown = path.display();
        let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
        if !metadata.is_dir() {
            // Also a named pipe, which somebody writes to: it was asked for by its name.
            inputs.push(of_file(path.clone(), None));
            continue;
        }
        let before = inputs.len();
        let mut seen = BTreeSet::new();
        collect(path, &mut seen, &mut inputs).with_context(|| format!("cannot read {shown}"))?;
        if inputs.len() == before {
            bail!("{shown} holds no file");
        }
    }
    Ok(inputs)
}

fn of_file(path: PathBuf, trouble: Option<std::io::Error>) -> Input {
    Input { name: path.display().to_string(), path: Some(path), trouble }
}

/// `seen`: folders by where they are, because a link may lead back to one.
fn collect(folder: &Path, seen: &mut BTreeSet<PathBuf>, inputs: &mut Vec<Input>) -> std::io::Result<()> {
    if !seen.insert(folder.canonicalize()?) {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for entry in entries {
        let is_hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        match std::fs::metadata(&entry) {
            Ok(metadata) if metadata.is_dir() => {
                if let Err(error) = collect(&entry, seen, inputs) {
                    inputs.push(of_file(entry, Some(error)));
                }
            }
            Ok(metadata) if metadata.is_file() => inputs.push(of_file(entry, None)),
            // Pipes, sockets and devices have no end.
            Ok(_) => {}
            Err(error) => inputs.push(of_file(entry, Some(error))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_cannot_be_read_in_a_folder_keeps_nothing_else_back() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("b")).unwrap();
        for file in ["a.log", "b/c.log", ".hidden"] {
            std::fs::write(at(file), "{}").unwrap();
        }
        symlink("/nowhere/at/all", at("dangling")).unwrap();
        symlink(folder.path(), at("b/back")).unwrap();
        symlink("itself", at("itself")).unwrap();
        symlink(at("a.log"), at("z.log")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let found = inputs(&[folder.path().to_owned()]).unwrap();
        let name =
            |input: &Input| input.path.as_ref().unwrap().strip_prefix(folder.path()).unwrap().display().to_string();
        let told: Vec<_> = found.iter().map(|input| (name(input), input.trouble.is_some())).collect();
        let expected = [("a.log", false), ("b/c.log", false), ("dangling", true), ("itself", true), ("z.log", false)];
        assert_eq!(told, expected.map(|(name, has_trouble)| (name.to_owned(), has_trouble)));
        assert!(inputs(&[at("nothing")]).is_err_and(|error| format!("{error:#}").contains("nothing")));
    }
}
