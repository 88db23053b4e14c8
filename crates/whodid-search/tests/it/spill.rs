//! Statements spill to disk within a bound, and the folder may be emptied under them.

use std::path::Path;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use whodid_lake::Snapshot;
use whodid_model::StreamName;
use whodid_search::{ErrorKind, Options, SearchError, Searcher, SqlLimits, Visible};

use crate::world::numbered;

/// What all searches may use; four times that may be spilled. Less is not enough to merge what was spilled.
const MEMORY_BYTES: usize = 40 << 20;

fn searcher(spill: Option<&Path>) -> Searcher {
    let spill_dir = spill.map(Path::to_owned);
    let options =
        Options { memory_bytes: MEMORY_BYTES, spill_dir, timeout: Duration::from_secs(100), target_partitions: 2 };
    Searcher::new(options).unwrap()
}

/// Sorts 2000 times `times` rows of some 70 bytes; how many they were.
async fn sort(searcher: &Searcher, snapshot: &Snapshot, times: usize) -> Result<u64, SearchError> {
    let text = format!(
        "SELECT max(place) FROM (SELECT row_number() OVER (ORDER BY a.raw, b.\"offset\" DESC) AS place \
         FROM events a, (SELECT * FROM events WHERE \"offset\" < {times}) b)"
    );
    let answer = searcher.sql(snapshot, &text, &everyone(), SqlLimits::default()).await?;
    Ok(answer.batches[0].column(0).as_primitive::<UInt64Type>().value(0))
}

fn spilled_files(folder: &Path) -> usize {
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    folders.map(|folder| std::fs::read_dir(folder).unwrap().count()).sum()
}

#[tokio::test]
async fn what_does_not_fit_in_memory_is_spilled_up_to_a_bound_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = numbered(2000).await;
    let error = sort(&searcher(None), &snapshot, 300).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded, "without a folder: {error:?}");

    let searcher = searcher(Some(folder.path()));
    assert_eq!(sort(&searcher, &snapshot, 300).await.unwrap(), 600_000);
    let error = sort(&searcher, &snapshot, 2000).await.unwrap_err();
    assert!(matches!(error, SearchError::Spill { .. }), "over the bound: {error:?}");
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(spilled_files(folder.path()), 0);
    assert_eq!(sort(&searcher, &snapshot, 300).await.unwrap(), 600_000, "others go on");
}

#[tokio::test]
async fn a_spill_folder_that_was_emptied_or_removed_is_made_again() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("spill");
    let snapshot = numbered(2000).await;
    let searcher = searcher(Some(&folder));
    for entry in std::fs::read_dir(&folder).unwrap() {
        std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
    assert_eq!(sort(&searcher, &snapshot, 300).await.unwrap(), 600_000, "emptied");
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(sort(&searcher, &snapshot, 300).await.unwrap(), 600_000, "removed");
}

#[tokio::test]
async fn what_a_killed_process_had_spilled_is_removed_at_the_start_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("datafusion-old")).unwrap();
    std::fs::write(folder.path().join("datafusion-old/spilled"), "rows").unwrap();
    std::fs::write(folder.path().join("note"), "of somebody").unwrap();
    let _searcher = searcher(Some(folder.path()));
    assert!(!folder.path().join("datafusion-old").exists());
    assert!(folder.path().join("note").exists());
}

fn everyone() -> Visible {
    Visible::all(StreamName::activity())
}
