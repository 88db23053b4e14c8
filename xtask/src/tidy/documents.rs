//! Documents: links lead somewhere, the change log is open, decisions are numbered once.

use std::collections::BTreeSet;

use super::{Complaint, File};

pub fn check(files: &[File]) -> Vec<Complaint> {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md") && !file.path.starts_with("corpus/")) {
        let text = file.text.as_deref().unwrap_or_default();
        for link in links(text) {
            if let Some(problem) = broken(&file.path, link, files, &paths) {
                found.push(Complaint::new(&file.path, problem));
            }
        }
    }
    match files.iter().find(|file| file.path == "CHANGELOG.md").and_then(|file| file.text.as_deref()) {
        Some(text) if text.contains("## Unreleased") => {}
        _ => found.push(Complaint::new("CHANGELOG.md", "has no `## Unreleased` section")),
    }
    found.extend(decisions(&paths));
    found
}

/// The targets of inline links, outside of code.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_fence = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        // Odd pieces between back-quotes are code.
        for piece in line.split('`').step_by(2) {
            let targets = piece.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
            found.extend(targets);
        }
    }
    found
}

fn broken(from: &str, link: &str, files: &[File], paths: &BTreeSet<&str>) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() { from.to_string() } else { resolve(from, path) };
    let is_folder = paths.iter().any(|known| known.starts_with(&format!("{}/", target.trim_end_matches('/'))));
    if !paths.contains(target.as_str()) && !is_folder {
        return Some(format!("the link to {link} leads nowhere"));
    }
    let anchor = anchor?;
    let text = files.iter().find(|file| file.path == target)?.text.as_deref()?;
    let mut headings = text
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    // Rows of tables have anchors of their own.
    let is_there = headings.any(|heading| slug(heading) == anchor) || text.contains(&format!("<a id=\"{anchor}\">"));
    (!is_there).then(|| format!("{target} has no heading or anchor #{anchor}"))
}

/// `path` as seen from the folder of `from`.
fn resolve(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// A heading's anchor, as the usual web viewers make it.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
}

/// Decisions are `NNNN-name.md`, and no number is used twice.
fn decisions(paths: &BTreeSet<&str>) -> Vec<Complaint> {
    let mut found = Vec::new();
    let mut numbers = BTreeSet::new();
    for path in paths.iter().filter(|path| path.starts_with("docs/adr/") && path.ends_with(".md")) {
        let name = path.trim_start_matches("docs/adr/");
        if name == "README.md" {
            continue;
        }
        let number = name.split('-').next().unwrap_or_default();
        if number.len() != 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            found.push(Complaint::new(*path, "a decision is named NNNN-subject.md"));
        } else if !numbers.insert(number.to_string()) {
            found.push(Complaint::new(*path, "its number is taken"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn problems(files: &[File]) -> Vec<String> {
        let log = file("CHANGELOG.md", "## Unreleased\n");
        let mut all = vec![log];
        all.extend(files.iter().map(|one| file(&one.path, one.text.as_deref().unwrap_or_default())));
        check(&all).into_iter().map(|complaint| complaint.text).collect()
    }

    #[test]
    fn links_must_lead_to_a_file_a_folder_or_a_heading() {
        let guide = file(
            "docs/guide/index.md",
            "[a](../adr/0001-a.md) [b](#two-words) [c](../adr) [d](https://example.com) [e](#row)\n# Two words\n| <a id=\"row\"></a>x |\n",
        );
        assert_eq!(problems(&[guide, file("docs/adr/0001-a.md", "")]), Vec::<String>::new());
        let wrong = file("docs/guide/index.md", "[a](missing.md) [b](#nothing)");
        assert_eq!(problems(&[wrong]).len(), 2);
    }

    #[test]
    fn what_looks_like_a_link_in_code_is_none() {
        assert_eq!(problems(&[file("docs/a.md", "`x[0](y)`\n```\n[a](missing.md)\n```\n")]), Vec::<String>::new());
    }

    #[test]
    fn a_number_belongs_to_one_decision() {
        let two = [file("docs/adr/0001-a.md", ""), file("docs/adr/0001-b.md", "")];
        assert_eq!(problems(&two), ["its number is taken"]);
    }

    #[test]
    fn a_change_log_must_be_open() {
        assert_eq!(check(&[file("CHANGELOG.md", "## 0.1.0\n")]).len(), 1);
    }
}
