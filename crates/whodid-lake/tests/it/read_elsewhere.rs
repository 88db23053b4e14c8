//! The tables as Delta Lake's own Python library and DuckDB read them, with whodid off.

use std::process::Command;

use whodid_lake::{BatchBuilder, Lake, Location, raw_template, sequence};
use whodid_model::{Offset, Reject, RejectCode, StreamName};

use crate::events::{DAY, account, append, batch, event_time, line, recorded};
use crate::python;

#[tokio::test(flavor = "multi_thread")]
async fn delta_and_duckdb_count_the_records_and_rebuild_every_raw_text() {
    let Some(programs) = python::programs() else { return };
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(Location::Folder(folder.path().join("lake"))).await.unwrap();
    let table = lake.table(&account(), &StreamName::activity()).await.unwrap();
    let mut expected: Vec<String> = Vec::new();
    for number in 0..9 {
        let numbers = number * 150..number * 150 + 150;
        expected.extend(numbers.clone().map(|number| line(number, event_time(number))));
        table.append(batch(numbers)).unwrap();
        table.flush().await.unwrap();
    }
    table.compact(recorded().plus_micros(DAY)).await.unwrap().unwrap();

    // What has its own rules: other time forms, verbatim text, bytes that are no text.
    let mut builder = BatchBuilder::new();
    for time in [
        "2026-02-20T10:00:00.12+0000",
        "2026-02-20T10:00:00.123456Z",
        "2026-02-20T10:00:00.1Z",
        "2026-02-20T10:00:00Z",
        "2026-02-20 10:00:00.500",
        "2026-02-20 10:00:00",
    ] {
        let text = line(expected.len() as u64, event_time(0)).replace(&event_time(0).to_string(), time);
        append(&mut builder, &text);
        expected.push(text);
    }
    let verbatim = "{\"x\":\"\u{1}\u{1e}3\"}";
    builder.append_reject("json", verbatim.as_bytes(), &Reject::new(RejectCode::NotJson, "no"), recorded());
    expected.push(verbatim.to_owned());
    table.append(sequence(&builder.finish(), Offset(1350), recorded())).unwrap();
    table.flush().await.unwrap();

    let expected_file = folder.path().join("expected.json");
    std::fs::write(&expected_file, serde_json::to_string(&expected).unwrap()).unwrap();
    let done = Command::new(programs.join("python"))
        .arg("tests/read_elsewhere.py")
        .arg(folder.path().join("lake/acme/activity"))
        .arg(&expected_file)
        .arg(raw_template::rebuild_sql())
        .output()
        .unwrap();
    let (said, failed) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}\n{failed}");
}

/// The guide prints the expression for people to paste; it must be the one that is tested here.
#[test]
fn the_expression_in_the_guide_is_the_one_of_this_release() {
    let guide = "../../docs/guide/raw.sql";
    let Ok(text) = std::fs::read_to_string(guide) else {
        crate::skipped(&format!("no {guide}"));
        return;
    };
    if std::env::var_os("WHODID_WRITE_GOLDEN").is_some() {
        std::fs::write(guide, raw_template::rebuild_sql() + "\n").unwrap();
        return;
    }
    assert_eq!(text.trim_end(), raw_template::rebuild_sql(), "write it anew with WHODID_WRITE_GOLDEN=1");
}
