//! Searches of any text and of rare paths, where nearly every event's raw text is one of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::data::{Events, MIXED_TO};
use super::expected::Expected;
use super::queries::{Query, counted, number, query};
use crate::process;

/// Events of several sources, as the demo has them.
const EVENTS: u64 = 300_000;

/// Makes the events in `folder`, or takes those that an earlier run made there.
pub fn make(server: &Path, folder: &Path, seed: u64) -> Result<Events> {
    let path = folder.join(format!("mixed-{EVENTS}-{seed}.ndjson"));
    if !path.is_file() {
        let partial = folder.join("mixed.partial.ndjson");
        let mut command = Command::new(server);
        command.args(["generate", "--events", &EVENTS.to_string(), "--seed", &seed.to_string()]);
        process::run(command.args(["--end", MIXED_TO, "--file"]).arg(&partial))?;
        std::fs::rename(&partial, &path)?;
    }
    let bytes = std::fs::metadata(&path)?.len();
    let count = BufReader::with_capacity(1 << 20, File::open(&path)?).lines().count() as u64;
    Ok(Events { path, count, bytes })
}

/// A search and the text by which a line of the file is known to match it.
const SEARCHES: [(&str, &str, Option<&str>); 4] = [
    ("mixed_phrase", "\"unwrap key\"", Some(": unwrap key ")),
    ("mixed_absent_word", "nowheretobefound", None),
    ("mixed_path", "annotations.cluster:==prod-tok", Some("\"cluster\":\"prod-tok\"")),
    ("mixed_absent_path", "nosuch.path:x", None),
];

/// The queries, with the right answers as a scan of the file tells them.
pub fn queries(events: &Events) -> Result<Vec<Query>> {
    let mut right = [0_u64; SEARCHES.len()];
    for line in BufReader::with_capacity(1 << 20, File::open(&events.path)?).lines() {
        let line = line?;
        for (count, (_, _, text)) in right.iter_mut().zip(SEARCHES) {
            *count += u64::from(text.is_some_and(|text| line.contains(text)));
        }
    }
    let asked = SEARCHES.into_iter().zip(right).map(|((name, search, text), right)| {
        // A text that the generator no longer writes would make the check one that cannot fail.
        let is_sound = text.is_some() == (right > 0);
        query(name, counted(search), move |body: &[u8], _: &Expected| is_sound && number(body, "count") == right)
    });
    Ok(asked.collect())
}
