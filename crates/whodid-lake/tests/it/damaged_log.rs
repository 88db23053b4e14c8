//! A log that is damaged is told, and never taken for a shorter or a new one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use whodid_lake::{DurableFolder, Lake, LogError, OpenError, Table};
use whodid_model::{Offset, StreamName};

use crate::events::{account, batch, table};

const LOG: &str = "acme/activity/_delta_log";

fn store(folder: &Path) -> Arc<dyn ObjectStore> {
    Arc::new(DurableFolder::open(folder).unwrap())
}

async fn flushes(folder: &Path, count: u64) -> Arc<Table> {
    let table = table(&store(folder)).await;
    for number in 0..count {
        table.append(batch(number * 2..number * 2 + 2)).unwrap();
        table.flush().await.unwrap();
    }
    table
}

async fn open(folder: &Path) -> Result<Arc<Table>, OpenError> {
    Lake::on(store(folder)).table(&account(), &StreamName::activity()).await
}

/// The entry of a version; version 0 makes the table.
fn entry(folder: &Path, version: u64) -> PathBuf {
    folder.join(LOG).join(format!("{version:020}.json"))
}

fn cut(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_entry_is_told_wherever_it_is() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 7] = [
        ("the last is cut", |folder| cut(&entry(folder, 3))),
        ("the last is empty", |folder| fs::write(entry(folder, 3), "").unwrap()),
        ("the last is something else", |folder| fs::write(entry(folder, 3), "<html>").unwrap()),
        ("one is something else", |folder| fs::write(entry(folder, 2), "{\"add\":7}\n\u{0}\u{0}").unwrap()),
        ("one is missing", |folder| fs::remove_file(entry(folder, 2)).unwrap()),
        ("the first is missing", |folder| fs::remove_file(entry(folder, 0)).unwrap()),
        ("the first is empty", |folder| fs::write(entry(folder, 0), "").unwrap()),
    ];
    let mut taken = Vec::new();
    for (what, damage) in damages {
        let folder = tempfile::tempdir().unwrap();
        flushes(folder.path(), 3).await;
        damage(folder.path());
        match open(folder.path()).await {
            Err(OpenError::Log(_)) => {}
            Err(error) => panic!("{what}: {error}"),
            Ok(table) => taken.push((what, table.flushed_to())),
        }
    }
    assert_eq!(taken, [], "taken for whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_checkpoint_is_told() {
    let folder = tempfile::tempdir().unwrap();
    flushes(folder.path(), 101).await;
    let checkpoint = fs::read_dir(folder.path().join(LOG)).unwrap().map(|entry| entry.unwrap().path());
    let checkpoint = checkpoint.into_iter().find(|path| path.to_string_lossy().contains(".checkpoint.")).unwrap();
    let whole = fs::read(&checkpoint).unwrap();
    cut(&checkpoint);
    assert!(matches!(open(folder.path()).await, Err(OpenError::Log(_))));
    fs::write(&checkpoint, whole).unwrap();
    assert_eq!(open(folder.path()).await.unwrap().flushed_to(), Some(Offset(201)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_does_not_begin_a_table_anew_whose_log_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let table = flushes(folder.path(), 1).await;
    assert!(!table.has_lost_log().await.unwrap());
    let log = folder.path().join(LOG);
    let aside = folder.path().join("aside");
    fs::rename(&log, &aside).unwrap();
    table.append(batch(2..4)).unwrap();
    let error = table.flush().await.unwrap_err();
    assert!(matches!(error, whodid_lake::FlushError::Log(LogError::Headless { .. })), "{error}");
    assert!(!entry(folder.path(), 0).exists());
    assert!(open(folder.path()).await.unwrap().has_lost_log().await.unwrap());

    let _ = fs::remove_dir_all(&log);
    fs::rename(&aside, &log).unwrap();
    table.flush().await.unwrap();
    assert_eq!(open(folder.path()).await.unwrap().flushed_to(), Some(Offset(3)));
}
