//! The golden cases of `corpus/decode`: one file a case, made to be read.
//!
//! `input` is one document, `lines` are the lines of a body; `expect` lists what each event becomes.
//! `WHODID_BLESS=1 cargo test -p whodid-decode --test it corpus` writes what the decoder makes of them now;
//! the difference is then to be read.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use whodid_decode::{Format, Item, decode};
use whodid_model::{TimeSource, Timestamp, sentence};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case<'a> {
    says: String,
    format: String,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    lines: Option<Vec<String>>,
    expect: Value,
}

/// The time of receipt in all cases.
const RECEIVED: &str = "2026-01-05T13:00:00Z";

#[test]
fn every_case_is_read_as_it_says() {
    let root = Path::new("../../corpus/decode");
    let bless = std::env::var_os("WHODID_BLESS").is_some();
    let (mut cases, mut wrong) = (0, 0);
    for path in files(root) {
        let text = std::fs::read_to_string(&path).unwrap();
        let case: Case<'_> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(case.says.ends_with('.'), "{}: says in a sentence what it is about", path.display());
        let body = match (case.input, case.lines) {
            (Some(input), None) => input.get().to_owned(),
            (None, Some(lines)) => lines.join("\n"),
            _ => panic!("{}: has not exactly one of input and lines", path.display()),
        };
        let format = Format::parse(&case.format).unwrap();
        let items = decode(format, body.as_bytes(), Timestamp::parse(RECEIVED).unwrap().at);
        let found = expectation(&items);
        cases += 1;
        if serde_json::from_str::<Value>(&found).unwrap() == case.expect {
            continue;
        }
        if bless {
            let kept = text.rfind("\"expect\":").unwrap();
            std::fs::write(&path, format!("{}\"expect\": {found}\n}}\n", &text[..kept])).unwrap();
        } else {
            wrong += 1;
            println!("{}\nexpected: {:#}\nfound: {found}", path.display(), case.expect);
        }
    }
    assert!(cases >= 60, "only {cases} cases were found in {}", root.display());
    assert_eq!(wrong, 0, "{wrong} of {cases} cases are read otherwise");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for source in std::fs::read_dir(folder).unwrap() {
        for file in std::fs::read_dir(source.unwrap().path()).unwrap() {
            files.push(file.unwrap().path());
        }
    }
    files.sort();
    files
}

/// The store cuts a text out of the raw copy only when it is a slice of it.
#[test]
fn texts_that_stand_verbatim_in_the_event_are_slices_of_it() {
    let root = Path::new("../../corpus/decode");
    let (mut slices, mut texts) = (0, 0);
    for path in files(root) {
        let text = std::fs::read_to_string(&path).unwrap();
        let case: Case<'_> = serde_json::from_str(&text).unwrap();
        let Some(input) = case.input else { continue };
        for item in decode(Format::Auto, input.get().as_bytes(), Timestamp::from_micros(0)) {
            let Ok(event) = &item.event else { continue };
            for (field, text) in event.fields.iter().filter(|(field, _)| field.mark().is_some()) {
                let start = (text.as_ptr() as usize).wrapping_sub(item.raw.as_ptr() as usize);
                let is_slice = start.checked_add(text.len()).is_some_and(|end| end <= item.raw.len());
                assert!(!is_slice || &item.raw[start..start + text.len()] == text.as_bytes(), "{field:?}");
                let stands_there = String::from_utf8_lossy(item.raw).contains(text.as_ref());
                texts += usize::from(stands_there);
                slices += usize::from(is_slice);
            }
        }
    }
    println!("{slices} of {texts} texts are slices");
    assert!(slices * 10 >= texts * 9, "only {slices} of {texts} texts are slices");
}

/// What the items are, as JSON for people: fields in the order of their columns.
fn expectation(items: &[Item<'_>]) -> String {
    let quote = |text: &str| serde_json::to_string(text).unwrap();
    let mut out = String::from("[");
    for (place, item) in items.iter().enumerate() {
        out.push_str(if place == 0 { "\n    {\n" } else { ",\n    {\n" });
        let mut members = vec![("format", quote(item.format.as_str()))];
        match &item.event {
            Err(reject) => {
                members.push(("reject", quote(reject.code.as_str())));
                members.push(("detail", quote(&reject.detail)));
            }
            Ok(event) => {
                let source = match event.time_source {
                    TimeSource::Stated => "stated",
                    TimeSource::ZoneAssumed => "zone assumed",
                    TimeSource::Received => "received",
                };
                members.push(("sentence", quote(&sentence::summary(&event.fields))));
                members.push(("event_time", quote(&event.event_time.to_string())));
                members.push(("time_source", quote(source)));
                members.extend(event.space.as_deref().map(|space| ("space", quote(space))));
                for (field, text) in event.fields.iter() {
                    members.push((field.column(), quote(text)));
                }
            }
        }
        for (place, (name, value)) in members.iter().enumerate() {
            let comma = if place + 1 < members.len() { "," } else { "" };
            writeln!(out, "      \"{name}\": {value}{comma}").unwrap();
        }
        out.push_str("    }");
    }
    out.push_str(if items.is_empty() { "]" } else { "\n  ]" });
    out
}
