//! Append, flush, merge, delete, open again: on memory and on a folder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use whodid_lake::schema::column;
use whodid_lake::{BatchBuilder, DurableFolder, Lake, Location, Table, sequence};
use whodid_model::{AccountName, Offset, StreamName};

use crate::events::{
    DAY, HOUR, account, append, at, batch, batch_recorded, check_holds, event_time, line, read, recorded, table,
};

/// Runs a test on both kinds of store.
async fn on_each_store<F: Future<Output = ()>>(test: impl Fn(Arc<dyn ObjectStore>) -> F) {
    test(Arc::new(InMemory::new())).await;
    let folder = tempfile::tempdir().unwrap();
    test(Arc::new(DurableFolder::open(folder.path()).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_is_there_before_and_after_a_flush_and_an_open() {
    on_each_store(|store| async move {
        let table = table(&store).await;
        assert_eq!((table.next_offset(), table.flushed_to(), table.tail_rows()), (Offset(0), None, 0));
        table.append(batch(0..10)).unwrap();
        table.append(batch(10..1500)).unwrap();
        check_holds(&table.snapshot(), 1500).await;

        let report = table.flush().await.unwrap();
        assert_eq!((report.rows, report.segments, report.flushed_to), (1500, 2, Some(Offset(1499))));
        assert_eq!((table.tail_rows(), table.tail_bytes(), table.next_offset()), (0, 0, Offset(1500)));
        check_holds(&table.snapshot(), 1500).await;
        table.append(batch(1500..1502)).unwrap();
        check_holds(&table.snapshot(), 1502).await;

        let again = self::table(&store).await;
        assert_eq!(again.flushed_to(), Some(Offset(1499)));
        check_holds(&again.snapshot(), 1500).await;
        let (before, after) = (table.snapshot().segments, again.snapshot().segments);
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.path, after.path);
            assert_eq!(
                (before.bytes, before.rows, before.offsets, before.event_time, before.recorded_at, &before.date),
                (after.bytes, after.rows, after.offsets, after.event_time, after.recorded_at, &after.date)
            );
        }
    })
    .await;
}

/// The offsets in memory from one on.
fn in_memory(table: &Table, from: u64) -> Vec<u64> {
    let batches = table.first_in_memory(Offset(from), usize::MAX);
    let offsets = batches.iter().flat_map(|batch| {
        let offsets = batch.column(column::OFFSET).as_primitive::<Int64Type>();
        offsets.values().iter().map(|offset| *offset as u64).collect::<Vec<_>>()
    });
    offsets.collect()
}

#[tokio::test]
async fn what_is_flushed_before_its_turn_stays_in_memory_for_who_looks_at_all_in_order() {
    let lake = Lake::on(Arc::new(InMemory::new()));
    let table = lake.table(&account(), &StreamName::activity()).await.unwrap();
    table.append(batch(0..100)).unwrap();
    table.flush().await.unwrap();
    assert_eq!((in_memory(&table, 0), lake.kept_bytes()), (Vec::new(), 0), "nobody asked for it");

    for numbers in [100..200, 200..300, 300..400] {
        table.append(batch(numbers)).unwrap();
    }
    let each = table.tail_bytes() / 3;
    table.keep_from(Offset(250), usize::MAX);
    table.flush().await.unwrap();
    assert_eq!(in_memory(&table, 250), (250..400).collect::<Vec<_>>());
    assert_eq!(in_memory(&table, 0), (200..400).collect::<Vec<_>>(), "what had its turn is gone");
    assert_eq!(table.tail_rows(), 0);
    check_holds(&table.snapshot(), 400).await;

    table.append(batch(400..500)).unwrap();
    assert_eq!(in_memory(&table, 399), (399..500).collect::<Vec<_>>(), "with the tail behind it");
    table.keep_from(Offset(400), each * 3 / 2 + 2);
    assert_eq!(lake.kept_bytes(), 0);
    table.append(batch(500..600)).unwrap();
    table.flush().await.unwrap();
    table.append(batch(600..700)).unwrap();
    assert!((1..=each + 1).contains(&lake.kept_bytes()), "{} of {each}", lake.kept_bytes());
    let found = in_memory(&table, 400);
    assert!(found.len() < 300 && found.ends_with(&(600..700).collect::<Vec<_>>()), "no more than was allowed");

    table.keep_from(Offset(600), usize::MAX);
    table.flush().await.unwrap();
    assert_eq!(in_memory(&table, 600).len(), 100);
    table.keep_nothing();
    table.append(batch(700..710)).unwrap();
    table.flush().await.unwrap();
    assert_eq!((in_memory(&table, 600), lake.kept_bytes()), (Vec::new(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_journal_adds_only_what_the_lake_has_not() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let first = table(&store).await;
    first.append(batch(0..100)).unwrap();
    first.flush().await.unwrap();

    let table = table(&store).await;
    table.replay(batch(0..50)).unwrap();
    table.replay(batch(50..120)).unwrap();
    table.replay(batch(50..120)).unwrap();
    assert_eq!(table.tail_rows(), 20);
    check_holds(&table.snapshot(), 120).await;
    table.flush().await.unwrap();
    check_holds(&table.snapshot(), 120).await;
}

#[tokio::test]
async fn a_flush_of_nothing_makes_nothing() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    let report = table.flush().await.unwrap();
    assert_eq!((report.rows, report.flushed_to), (0, None));
    assert_eq!(store.list(None).try_collect::<Vec<_>>().await.unwrap(), []);
    assert_eq!(table.compact(recorded()).await.unwrap(), None);
    assert_eq!(table.vacuum(recorded()).await.unwrap().deleted, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_appends_become_few_batches() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    for number in 0..1000 {
        table.append(batch(number..number + 1)).unwrap();
    }
    let snapshot = table.snapshot();
    assert!(snapshot.tail.len() <= 48, "{} batches", snapshot.tail.len());
    assert_eq!(table.tail_rows(), 1000);
    check_holds(&snapshot, 1000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_each_record_once_while_flushes_and_merges_go_on() {
    on_each_store(|store| async move {
        let table = table(&store).await;
        let ended = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (table, ended) = (table.clone(), ended.clone());
                tokio::spawn(async move {
                    let mut looks = 0_u64;
                    while !ended.load(Ordering::Relaxed) {
                        let snapshot = table.snapshot();
                        let stored: u64 = snapshot.segments.iter().map(|segment| segment.rows).sum();
                        let tail: u64 = snapshot.tail.iter().map(|batch| batch.num_rows() as u64).sum();
                        assert_eq!(stored + tail, snapshot.next_offset().0);
                        if looks.is_multiple_of(500) {
                            check_holds(&snapshot, snapshot.next_offset().0).await;
                        }
                        looks += 1;
                        tokio::task::yield_now().await;
                    }
                    looks
                })
            })
            .collect();
        let mut next = 0;
        for round in 0..24 {
            for size in [1, 3, 17] {
                table.append(batch(next..next + size)).unwrap();
                next += size;
            }
            table.flush().await.unwrap();
            if round % 4 == 3 {
                while table.compact(recorded()).await.unwrap().is_some() {}
                table.vacuum(recorded().plus_micros(HOUR)).await.unwrap();
            }
        }
        ended.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.await.unwrap() > 1);
        }
        check_holds(&table.snapshot(), next).await;
    })
    .await;
}

async fn table_of_small_segments(store: &Arc<dyn ObjectStore>, segments: u64) -> Arc<Table> {
    let table = table(store).await;
    for number in 0..segments {
        table.append(batch(number * 10..number * 10 + 10)).unwrap();
        table.flush().await.unwrap();
    }
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_changes_files_and_no_record() {
    on_each_store(|store| async move {
        let table = table_of_small_segments(&store, 9).await;
        let before = table.snapshot();
        assert_eq!(before.segments.len(), 9);
        let report = table.compact(recorded()).await.unwrap().unwrap();
        assert_eq!((report.merged, report.rows), (9, 90));
        assert_eq!(table.compact(recorded()).await.unwrap(), None);

        check_holds(&before, 90).await;
        let after = table.snapshot();
        assert_eq!((after.segments.len(), after.segments[0].offsets), (1, (Offset(0), Offset(89))));
        check_holds(&after, 90).await;
        check_holds(&self::table(&store).await.snapshot(), 90).await;
        assert_eq!(table.flushed_to(), Some(Offset(89)));
    })
    .await;
}

async fn parquet_files(store: &Arc<dyn ObjectStore>) -> usize {
    let objects: Vec<_> = store.list(None).try_collect().await.unwrap();
    objects.iter().filter(|object| object.location.extension() == Some("parquet")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_files_go_when_nobody_reads_them_and_readers_outside_had_their_time() {
    on_each_store(|store| async move {
        let table = table_of_small_segments(&store, 8).await;
        let reading = table.snapshot();
        table.compact(recorded()).await.unwrap().unwrap();
        let soon = recorded().plus_micros(60_000_000);
        let later = recorded().plus_micros(HOUR);

        assert_eq!(table.vacuum(later).await.unwrap().deleted, 0, "a snapshot still holds them");
        check_holds(&reading, 80).await;
        drop(reading);
        assert_eq!(table.vacuum(soon).await.unwrap().waiting, 8);
        assert_eq!(parquet_files(&store).await, 9);
        assert_eq!(table.vacuum(later).await.unwrap().deleted, 8);
        assert_eq!(parquet_files(&store).await, 1);
        check_holds(&table.snapshot(), 80).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_replaced_before_a_restart_go_after_it() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    table_of_small_segments(&store, 8).await.compact(recorded()).await.unwrap().unwrap();
    let table = table(&store).await;
    assert_eq!(table.vacuum(recorded()).await.unwrap().waiting, 8);
    assert_eq!(table.vacuum(recorded().plus_micros(HOUR)).await.unwrap().deleted, 8);
    check_holds(&table.snapshot(), 80).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_go_when_they_are_old_and_never_what_the_log_lists() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table_of_small_segments(&store, 2).await;
    let leftover = object_store::path::Path::from("acme/activity/event_date=2026-01-31/left.parquet");
    store.put(&leftover, "half".into()).await.unwrap();
    let written = store.head(&leftover).await.unwrap().last_modified.timestamp_micros();
    let now = whodid_model::Timestamp::from_micros(written);
    assert_eq!(table.vacuum(now.plus_micros(HOUR)).await.unwrap().waiting, 1);
    assert_eq!(table.vacuum(now.plus_micros(2 * DAY)).await.unwrap().deleted, 1);
    assert!(store.head(&leftover).await.is_err());
    check_holds(&table.snapshot(), 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flush_of_a_history_touches_every_day_of_it() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    for start in (0..30_000).step_by(1000) {
        // A day every 1,000 numbers; the flush meets them all at once.
        table.append(batch(start..start + 1000)).unwrap();
    }
    let report = table.flush().await.unwrap();
    assert_eq!((report.rows, report.segments), (30_000, 30));
    let snapshot = table.snapshot();
    let dates: Vec<&str> = snapshot.segments.iter().map(|segment| segment.date.as_str()).collect();
    assert!(dates.is_sorted() && dates[0] == "2026-01-31" && dates[29] == "2026-03-01", "{dates:?}");
    for segment in &snapshot.segments {
        assert_eq!(
            (segment.event_time.0.date(), segment.event_time.1.date()),
            (segment.date.clone(), segment.date.clone())
        );
        assert!(
            segment.may_hold(Some(segment.event_time.1), None) && !segment.may_hold(None, Some(segment.event_time.0))
        );
    }
    assert_eq!(snapshot.segments[29].event_time.1, event_time(29_999));
    check_holds(&snapshot, 30_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_short_to_read_over_many_commits_and_says_the_same_after_a_checkpoint() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    for number in 0..120 {
        table.append(batch(number..number + 1)).unwrap();
        table.flush().await.unwrap();
        if number == 105 {
            table.compact(recorded()).await.unwrap().unwrap();
        }
    }
    let objects: Vec<_> = store.list(None).try_collect().await.unwrap();
    let has_checkpoint = objects.iter().any(|object| object.location.as_ref().contains(".checkpoint."));
    assert!(has_checkpoint, "no checkpoint after 120 commits");

    let again = self::table(&store).await;
    assert_eq!(again.flushed_to(), Some(Offset(119)));
    let facts = |table: &Table| -> Vec<_> {
        let segments = table.snapshot().segments;
        segments.iter().map(|one| (one.path.clone(), one.rows, one.offsets, one.event_time, one.recorded_at)).collect()
    };
    assert_eq!(facts(&again), facts(&table));
    check_holds(&again.snapshot(), 120).await;
    again.append(batch(120..130)).unwrap();
    again.flush().await.unwrap();
    check_holds(&again.snapshot(), 130).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_lists_its_tables_and_keeps_accounts_apart() {
    let folder = tempfile::tempdir().unwrap();
    let location = || Location::Folder(folder.path().join("new/lake"));
    let lake = Lake::open(location()).await.unwrap();
    assert_eq!(lake.tables().await.unwrap(), []);
    let other = AccountName::parse("other").unwrap();
    for (account, rows) in [(account(), 10), (other.clone(), 20)] {
        let table = lake.table(&account, &StreamName::activity()).await.unwrap();
        table.append(batch(0..rows)).unwrap();
        table.flush().await.unwrap();
    }
    lake.table(&other, &StreamName::rejects()).await.unwrap();
    let expected = [
        (account(), StreamName::activity()),
        (other.clone(), StreamName::activity()),
        (other.clone(), StreamName::rejects()),
    ];
    assert_eq!(lake.tables().await.unwrap(), expected);

    let again = Lake::open(location()).await.unwrap();
    assert_eq!(again.tables().await.unwrap(), expected[..2]);
    check_holds(&again.table(&account(), &StreamName::activity()).await.unwrap().snapshot(), 10).await;
    check_holds(&again.table(&other, &StreamName::activity()).await.unwrap().snapshot(), 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_footer_is_fetched_once_and_has_the_page_index_and_the_bloom_filters() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    table.append(batch(0..5000)).unwrap();
    table.flush().await.unwrap();
    let snapshot = table.snapshot();
    let segment = &snapshot.segments[0];
    let footer = segment.footer(&snapshot.store).await.unwrap();
    assert!(Arc::ptr_eq(&footer, &segment.footer(&snapshot.store).await.unwrap()));
    assert!(footer.column_index().is_some() && footer.offset_index().is_some());
    let id = whodid_lake::schema::column::of(whodid_model::Field::Id);
    assert!(footer.row_group(0).column(id).bloom_filter_offset().is_some());
    let version = footer.file_metadata().key_value_metadata().unwrap();
    assert!(version.iter().any(|pair| pair.key == "whodid.schema" && pair.value.as_deref() == Some("1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_written_by_another_process_is_told_and_not_written_twice() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (one, two) = (table(&store).await, table(&store).await);
    one.append(batch(0..10)).unwrap();
    two.append(batch_recorded(0..20, recorded().plus_micros(1))).unwrap();
    one.flush().await.unwrap();
    let error = two.flush().await.unwrap_err();
    assert!(matches!(error, whodid_lake::FlushError::Foreign { .. }), "{error}");
    check_holds(&table(&store).await.snapshot(), 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_the_process_before_that_arrives_late_is_taken_over() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (before, now) = (table(&store).await, table(&store).await);
    before.append(batch(0..1010)).unwrap();
    // The journal gave the same records back, and more came.
    now.append(batch(0..500)).unwrap();
    now.append(batch(500..1500)).unwrap();
    before.flush().await.unwrap();
    assert_eq!(now.flush().await.unwrap().flushed_to, Some(Offset(1499)));
    check_holds(&now.snapshot(), 1500).await;
    check_holds(&table(&store).await.snapshot(), 1500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_out_of_place_are_refused_and_a_replay_may_begin_earlier() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    table.append(batch(0..10)).unwrap();
    for wrong in [batch(11..12), batch(0..10), batch(5..20)] {
        table.append(wrong).unwrap_err();
    }
    let gap = table.replay(batch(12..15)).unwrap_err();
    assert_eq!((gap.next, gap.first), (Offset(10), Offset(12)));
    table.replay(batch(0..5)).unwrap();
    table.replay(batch(5..20)).unwrap();
    check_holds(&table.snapshot(), 20).await;

    table.skip_to(Offset(25));
    table.replay(batch(25..30)).unwrap();
    assert_eq!((table.next_offset(), table.tail_rows()), (Offset(30), 25));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_ten_thousand_days_do_not_make_ten_thousand_files() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    let mut builder = BatchBuilder::new();
    let day_of = |number: u64| if number < 5000 { (number % 20) as i64 } else { (number % 10_000) as i64 };
    for number in 0..15_000 {
        append(&mut builder, &line(number, at(day_of(number) * DAY + number as i64)));
    }
    table.append(sequence(&builder.finish(), Offset(0), recorded())).unwrap();
    let report = table.flush().await.unwrap();
    assert_eq!(report.segments, 65);
    let again = crate::events::table(&store).await;
    for table in [&table, &again] {
        let snapshot = table.snapshot();
        let rows: u64 = snapshot.segments.iter().map(|segment| segment.rows).sum();
        assert_eq!(rows, 15_000);
        let stray = snapshot.segments.iter().find(|segment| segment.date.is_empty()).unwrap();
        assert!(stray.path.as_ref().contains("event_date=__HIVE_DEFAULT_PARTITION__/"), "{}", stray.path);
        // The days with many records have their own files.
        assert!((0..20).all(|day| snapshot.segments.iter().any(|segment| segment.date == at(day * DAY).date())));
        read(&snapshot).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_files_go_by_name_when_their_time_has_come_and_nobody_reads_them() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    for number in 0..8 {
        table.append(batch(number * 10..number * 10 + 10)).unwrap();
        table.flush().await.unwrap();
    }
    let reader = table.snapshot();
    table.compact(recorded()).await.unwrap().unwrap();
    let later = recorded().plus_micros(HOUR);
    assert_eq!(table.delete_replaced(recorded()).await.unwrap(), 0, "readers elsewhere have their time");
    assert_eq!(table.delete_replaced(later).await.unwrap(), 0, "one of ours reads them still");
    check_holds(&reader, 80).await;
    drop(reader);
    assert_eq!(table.delete_replaced(later).await.unwrap(), 8);
    assert_eq!(table.delete_replaced(later).await.unwrap(), 0);
    check_holds(&table.snapshot(), 80).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_records_that_compress_well_are_merged_in_little_memory() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    let padding = "x".repeat(300_000);
    for number in 0..8 {
        let mut builder = BatchBuilder::new();
        for row in 0..40 {
            let raw = format!(r#"{{"eventTime":"{}","id":"e","action":"a.b.read","pad":"{padding}"}}"#, at(row));
            append(&mut builder, &raw);
        }
        table.append(sequence(&builder.finish(), Offset(number * 40), recorded())).unwrap();
        table.flush().await.unwrap();
    }
    let merged = table.compact(recorded()).await.unwrap().unwrap();
    assert_eq!(merged.rows, 320);
    let snapshot = table.snapshot();
    let footer = snapshot.segments[0].footer(&snapshot.store).await.unwrap();
    let template = footer.row_group(0).column(whodid_lake::schema::column::RAW_TEMPLATE);
    // What bounds a merge's memory is that the file tells how large its texts are when decoded.
    assert!(template.unencoded_byte_array_data_bytes().unwrap() > 320 * 300_000);
}
