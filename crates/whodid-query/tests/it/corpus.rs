//! The cases of `corpus/query`: each search with its canonical text and the sample events it matches.

use std::path::Path;

use whodid_decode::{Format, decode};
use whodid_model::{Field, Offset, Timestamp};
use whodid_query::{EventText, Known, parse, render};

const NOW: &str = "2026-05-21T00:00:00Z";

#[test]
fn every_case_of_the_corpus_holds() {
    check(Path::new("../../corpus/query"));
    check(Path::new("../../corpus/query/own-actions"));
}

/// Checks the cases of a folder against its events.
fn check(folder: &Path) {
    let body = std::fs::read_to_string(folder.join("events.ndjson")).unwrap();
    let now = Timestamp::parse(NOW).unwrap().at;
    let items = decode(Format::Auto, body.as_bytes(), now);
    let events: Vec<EventText<'_>> = items
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let event = item.event.as_ref().unwrap_or_else(|reject| panic!("event {at}: {reject:?}"));
            let raw = std::str::from_utf8(item.raw).unwrap();
            let known = Known {
                offset: Some(Offset(at as u64)),
                recorded_at: Some(now),
                source: Some(item.format.as_str()),
                stream: Some("activity"),
                time_source: Some("stated"),
            };
            EventText::new(raw, event, known)
        })
        .collect();

    let mut wrong = Vec::new();
    let mut count = 0;
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "txt")) {
        for case in std::fs::read_to_string(file).unwrap().split("\n\n") {
            let case: Vec<&str> = case.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
            if case.is_empty() {
                continue;
            }
            count += 1;
            let text = case[0].strip_prefix("query:").unwrap_or_else(|| panic!("{file:?}: {case:?}")).trim();
            let told = told_of(text, &events, now);
            if case[1..].join("\n") != told {
                wrong.push(format!("{}\nquery:     {text}\n{told}\n", file.display()));
            }
        }
    }
    assert!(count > 0, "no cases in {}", folder.display());
    assert!(wrong.is_empty(), "these came out otherwise:\n{}", wrong.join("\n"));
}

/// The lines that follow the query in a case.
fn told_of(text: &str, events: &[EventText<'_>], now: Timestamp) -> String {
    let query = match parse(text) {
        Ok(query) => query,
        Err(error) => {
            let shown = render(text, &error);
            return shown.lines().map(|line| format!("error:     {line}")).collect::<Vec<_>>().join("\n");
        }
    };
    let canonical = format!("canonical: {query}");
    let query = query.at(now);
    let ids = events.iter().filter(|event| query.matches(*event)).map(id_of).collect::<Vec<_>>().join(", ");
    let matching = if ids.is_empty() { "nothing".to_owned() } else { ids };
    format!("{}\nmatches:   {matching}", canonical.trim_end())
}

fn id_of(event: &EventText<'_>) -> String {
    use whodid_query::EventView;
    event.field(Field::Id).unwrap_or("without id").to_owned()
}
