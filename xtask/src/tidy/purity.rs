//! Pure crates do no I/O, read no clock and start no task; only the binary reads the environment.
//!
//! Textual, and meant so: the words are rare enough, and a false alarm costs one look.

use super::{Complaint, File};

/// No I/O, no clock, no runtime.
const PURE: [&str; 3] = ["whodid-model", "whodid-decode", "whodid-query"];

const IMPURE_WORDS: [(&str, &str); 7] = [
    ("SystemTime::now", "reads the clock; let the caller pass the time"),
    ("Instant::now", "reads the clock; let the caller pass the time"),
    ("Utc::now", "reads the clock; let the caller pass the time"),
    ("std::fs", "touches files; let the caller pass the bytes"),
    ("std::net::Tcp", "opens a socket"),
    ("std::thread::spawn", "starts a thread"),
    ("tokio::", "needs a runtime"),
];

/// Only the binary and the automation may look at these.
const ENVIRONMENT: &str = "std::env::var";

pub fn check(files: &[File]) -> Vec<Complaint> {
    let mut found = Vec::new();
    for file in files {
        let Some((krate, rest)) = file.path.strip_prefix("crates/").and_then(|path| path.split_once('/')) else {
            continue;
        };
        if !rest.starts_with("src/") || !rest.ends_with(".rs") || rest.ends_with("tests.rs") {
            continue;
        }
        let code = without_tests(file.text.as_deref().unwrap_or_default());
        for (number, line) in code.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            let place = || format!("{}:{}", file.path, number + 1);
            if PURE.contains(&krate)
                && let Some((word, why)) = IMPURE_WORDS.iter().find(|(word, _)| line.contains(word))
            {
                found.push(Complaint::new(place(), format!("`{word}` {why} ({krate} is pure)")));
            }
            if krate != "whodid" && line.contains(ENVIRONMENT) {
                found.push(Complaint::new(place(), "reads the environment; only the binary does, and passes it down"));
            }
        }
    }
    found
}

/// The code before the test module, which by custom ends a file.
fn without_tests(text: &str) -> &str {
    text.split_once("\n#[cfg(test)]\nmod ").map_or(text, |(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&[file(path, text)]).len()
    }

    #[test]
    fn a_pure_crate_may_not_read_the_clock_but_its_tests_may() {
        assert_eq!(count("crates/whodid-model/src/a.rs", "fn f() { SystemTime::now(); }"), 1);
        assert_eq!(
            count(
                "crates/whodid-model/src/a.rs",
                "fn f() {}\n#[cfg(test)]\nmod tests { fn g() { SystemTime::now(); } }"
            ),
            0
        );
        assert_eq!(count("crates/whodid-model/tests/it/main.rs", "SystemTime::now()"), 0);
        assert_eq!(count("crates/whodid-lake/src/a.rs", "fn f() { Instant::now(); }"), 0);
    }

    #[test]
    fn only_the_binary_reads_the_environment() {
        assert_eq!(count("crates/whodid-lake/src/a.rs", "let x = std::env::var(\"X\");"), 1);
        assert_eq!(count("crates/whodid/src/config.rs", "let x = std::env::var(\"X\");"), 0);
    }
}
