//! The examples of docs/guide/search.md are read as the guide says.

use whodid_model::Timestamp;
use whodid_query::{parse, parse_range, parse_time, render, resolve};

fn guide() -> String {
    std::fs::read_to_string("../../docs/guide/search.md").unwrap()
}

/// What stands between backticks in the first cell of each row of the table in a section.
fn first_cells(section: &str) -> Vec<String> {
    let guide = guide();
    let from = guide.find(&format!("## {section}\n")).unwrap();
    let body = &guide[from + 3..];
    let body = &body[..body.find("\n## ").unwrap_or(body.len())];
    let cells = body.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| row.split(" | ").next().unwrap());
    cells
        .flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .filter(|text| !text.is_empty())
        .collect()
}

#[test]
fn every_form_at_a_glance_is_read() {
    let forms = first_cells("The forms at a glance");
    assert!(forms.len() > 20, "{forms:?}");
    for text in forms {
        parse(&text).unwrap_or_else(|error| panic!("{}", render(&text, &error)));
    }
}

#[test]
fn every_name_in_the_guide_is_a_field() {
    let guide = guide();
    let from = guide.find("| Field | Other names |").unwrap();
    let table = &guide[from..from + guide[from..].find("\n\n").unwrap()];
    let mut count = 0;
    for name in table.lines().skip(2).flat_map(|row| row.split('`').skip(1).step_by(2)) {
        let is_field = matches!(resolve(name), Some(whodid_query::Target::Field(_)));
        assert!(is_field || matches!(name, "read" | "write"), "{name}");
        count += 1;
    }
    assert!(count > 40, "{count}");
}

#[test]
fn every_time_in_the_guide_is_read() {
    let now = Timestamp::parse("2026-05-21T15:30:45Z").unwrap().at;
    let times = first_cells("The time range");
    assert!(times.len() > 20, "{times:?}");
    for text in times {
        parse_time(&text, now).unwrap_or_else(|error| panic!("{error}"));
    }
    for text in [
        "yesterday 10am to yesterday 11am",
        "yesterday 10am to 11am",
        "2026-01-01 to 2026-01-31",
        "last 24 hours",
        "since monday",
        "today",
        "this week",
        "previous month",
    ] {
        assert!(guide().contains(text.split(" to 11am").next().unwrap()), "{text}");
        parse_range(text, now).unwrap_or_else(|error| panic!("{error}"));
    }
}
