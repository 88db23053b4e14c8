//! Records that were erased are gone, and nothing else is: on each store, through faults, merges and restarts.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use whodid_decode::{Format, decode};
use whodid_lake::schema::column;
use whodid_lake::{
    BatchBuilder, Domain, DurableFolder, EraseError, EraseReport, Erasure, Snapshot, Table, raw_of_row, sequence,
};
use whodid_model::{Offset, SpaceName, Timestamp};

use crate::events::{DAY, HOUR, at, batch, batch_recorded, event_time, line, read, recorded, table};
use crate::faulty_store::{Fault, FaultyStore, Kind};

fn during(range: Range<i64>) -> Erasure {
    Erasure { of: Domain::All, during: vec![at(range.start)..at(range.end)] }
}

/// Of an erasure and of no other.
fn name() -> String {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string()
}

async fn erase(table: &Table, erasure: &Erasure) -> EraseReport {
    let prepared = table.prepare_erasure(erasure, &name(), recorded(), &mut |_| ()).await.unwrap();
    prepared.commit(recorded()).await.unwrap()
}

/// The offsets of all records, each of which must be there once and with its raw text.
async fn offsets(snapshot: &Snapshot) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for batch in read(snapshot).await {
        let offsets = batch.column(column::OFFSET).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let offset = offsets.value(row) as u64;
            assert!(found.insert(offset), "record {offset} is there twice");
            assert_eq!(String::from_utf8_lossy(&raw_of_row(&batch, row)), line(offset, event_time(offset)));
        }
    }
    found
}

fn without(numbers: Range<u64>, erasure: &Erasure) -> BTreeSet<u64> {
    let goes = |number: &u64| erasure.during.iter().any(|range| range.contains(&event_time(*number)));
    numbers.filter(|number| !goes(number)).collect()
}

#[tokio::test]
async fn what_an_erasure_names_does_not_stay_in_memory_for_who_looks_at_all_in_order() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    table.append(batch(0..100)).unwrap();
    table.keep_from(Offset(0), usize::MAX);
    table.flush().await.unwrap();
    assert_eq!(table.first_in_memory(Offset(0), usize::MAX).len(), 1);
    erase(&table, &during(0..DAY)).await;
    assert!(table.first_in_memory(Offset(0), usize::MAX).is_empty());
    table.append(batch(100..110)).unwrap();
    table.flush().await.unwrap();
    assert_eq!(table.first_in_memory(Offset(0), usize::MAX).len(), 1, "what came after is kept as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_erasure_names_goes_and_everything_else_stays() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn ObjectStore>; 2] =
        [Arc::new(InMemory::new()), Arc::new(DurableFolder::open(folder.path()).unwrap())];
    for store in stores {
        let table = table(&store).await;
        // Three days of 1,000 records each, from one o'clock on, a second apart.
        table.append(batch(0..3000)).unwrap();
        table.flush().await.unwrap();
        // A whole day and a part of the next.
        let erasure = Erasure { of: Domain::All, during: vec![at(0)..at(DAY), at(DAY)..at(DAY + HOUR + 500_000_000)] };
        let expected = without(0..3000, &erasure);
        assert!(expected.len() > 1400 && expected.len() < 1600);
        let before: u64 = table.snapshot().segments.iter().map(|segment| segment.bytes).sum();
        let report = erase(&table, &erasure).await;
        let after: u64 = table.snapshot().segments.iter().map(|segment| segment.bytes).sum();
        assert_eq!((report.rows, report.segments), (3000 - expected.len() as u64, 2));
        assert_eq!(report.bytes_freed, before - after);
        assert_eq!(offsets(&table.snapshot()).await, expected);
        assert_eq!(erase(&table, &erasure).await, EraseReport::default(), "nothing is left to remove");

        // What comes later is merged with what stayed; places are never given again.
        assert_eq!(table.snapshot().next_offset(), Offset(3000));
        table.append(batch(3000..3010)).unwrap();
        table.flush().await.unwrap();
        while table.compact(recorded().plus_micros(DAY)).await.unwrap().is_some() {}
        let expected = without(0..3010, &erasure);
        assert_eq!(offsets(&table.snapshot()).await, expected);

        // The files are gone once nobody reads them, and a new process finds the same.
        table.vacuum(recorded().plus_micros(1000 * DAY)).await.unwrap();
        let again = self::table(&store).await;
        assert_eq!((offsets(&again.snapshot()).await, again.next_offset()), (expected, Offset(3010)));
        for segment in table.snapshot().segments {
            assert!(store.head(&segment.path).await.is_ok());
        }
        let first_day = object_store::path::Path::from("acme/activity/event_date=2026-01-31");
        assert_eq!(store.list_with_delimiter(Some(&first_day)).await.unwrap().objects, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_which_all_is_erased_goes_on_where_it_was() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    table.append(batch(0..500)).unwrap();
    table.flush().await.unwrap();
    assert_eq!(erase(&table, &during(0..DAY)).await.rows, 500);
    let again = self::table(&store).await;
    for table in [&table, &again] {
        assert_eq!((table.next_offset(), table.snapshot().next_offset()), (Offset(500), Offset(500)));
        assert_eq!(table.snapshot().segments.len(), 0);
        assert!(!table.has_lost_log().await.unwrap());
    }
    // What the journal still has of it does not come back.
    again.replay(batch(0..510)).unwrap();
    assert_eq!(again.tail_rows(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_records_of_the_domain_go() {
    let spaces = [Some("dev"), None, Some("prod"), Some("dev")];
    for (of, left) in [
        (Domain::Account, vec![0, 2, 3]),
        (Domain::Space(SpaceName::parse("dev").unwrap()), vec![1, 2]),
        (Domain::Space(SpaceName::parse("de").unwrap()), vec![0, 1, 2, 3]),
        (Domain::All, vec![]),
    ] {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let table = table(&store).await;
        let mut builder = BatchBuilder::new();
        for (number, space) in spaces.into_iter().enumerate() {
            let text = line(number as u64, event_time(number as u64));
            for item in decode(Format::IbmAt, text.as_bytes(), recorded()) {
                let mut event = item.event.unwrap();
                event.space = space.map(Into::into);
                builder.append("ibm-at", item.raw, &event);
            }
        }
        table.append(sequence(&builder.finish(), Offset(0), recorded())).unwrap();
        table.flush().await.unwrap();
        let erasure = Erasure { of: of.clone(), during: vec![at(0)..at(DAY)] };
        assert_eq!(erase(&table, &erasure).await.rows as usize, 4 - left.len(), "{of:?}");
        assert_eq!(offsets(&table.snapshot()).await, left.into_iter().collect(), "{of:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_committed_has_changed_nothing() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    table.append(batch(0..100)).unwrap();
    table.flush().await.unwrap();
    let prepared =
        table.prepare_erasure(&during(0..HOUR + 50_000_000), &name(), recorded(), &mut |_| ()).await.unwrap();
    assert!(prepared.rows() > 0);
    drop(prepared);
    assert_eq!(offsets(&table.snapshot()).await.len(), 100);
    assert_eq!(offsets(&self::table(&store).await.snapshot()).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_records_that_go_are_shown_if_they_are_recent() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = table(&store).await;
    table.append(batch_recorded(0..100, at(DAY))).unwrap();
    table.flush().await.unwrap();
    table.append(batch_recorded(100..200, at(5 * DAY))).unwrap();
    table.flush().await.unwrap();
    for (end, since, expected) in [(DAY, at(2 * DAY), 100..200), (DAY, at(6 * DAY), 0..0), (DAY, at(0), 0..200)] {
        let mut seen: Vec<u64> = Vec::new();
        let mut see = |batch: &RecordBatch| {
            let offsets = batch.column(column::OFFSET).as_primitive::<Int64Type>();
            seen.extend(offsets.values().iter().map(|offset| *offset as u64));
        };
        table.prepare_erasure(&during(0..end), &name(), since, &mut see).await.unwrap();
        seen.sort_unstable();
        assert_eq!(seen, expected.collect::<Vec<_>>());
    }
}

/// One life of a store that fails now and then: an erasure removes all that it names or nothing, and nothing that
/// was erased comes back.
async fn live(seed: u64) {
    let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (store, plan) = FaultyStore::over(memory.clone());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    plan.lock().random = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
    let mut table = table(&store).await;
    plan.lock().chance = 0.12;
    let (mut sent, mut expected, mut doubtful) = (0, BTreeSet::new(), Vec::new());
    for _ in 0..30 {
        match random.random_range(0..8) {
            0..3 => {
                let count = random.random_range(1..300);
                table.append(batch(sent..sent + count)).unwrap();
                expected.extend(sent..sent + count);
                sent += count;
                let _ = table.flush().await;
            }
            3 => {
                let _ = table.compact(recorded()).await;
            }
            4 => {
                let _ = table.vacuum(recorded().plus_micros(1000 * DAY)).await;
            }
            5..7 => {
                plan.lock().chance = 0.0;
                table.flush().await.unwrap();
                plan.lock().chance = 0.12;
                let first = random.random_range(0..=sent);
                let range = event_time(first)..event_time(first).plus_micros(random.random_range(0..200_000_000));
                let goes = |number: &u64| range.contains(&event_time(*number));
                let erasure = Erasure { of: Domain::All, during: vec![range.clone()] };
                let done =
                    match table.prepare_erasure(&erasure, &name(), Timestamp::from_micros(i64::MAX), &mut |_| ()).await
                    {
                        Ok(prepared) => prepared.commit(recorded()).await.is_ok(),
                        Err(_) => false,
                    };
                if done {
                    expected.retain(|number| !goes(number));
                } else {
                    doubtful.push(range);
                }
            }
            _ => {
                plan.lock().chance = 0.0;
                let next = self::table(&store).await;
                next.replay(batch(0..sent)).unwrap();
                table = next;
                plan.lock().chance = 0.12;
            }
        }
        plan.lock().chance = 0.0;
        assert_eq!(table.snapshot().next_offset(), Offset(sent));
        // One whose answer was lost may show now, whole or not at all; nothing else goes, and nothing comes back.
        let found = offsets(&table.snapshot()).await;
        let whole = |range: &&Range<Timestamp>| {
            expected.iter().filter(|number| range.contains(&event_time(**number))).all(|number| !found.contains(number))
        };
        let landed: Vec<Range<Timestamp>> = doubtful.iter().filter(whole).cloned().collect();
        expected.retain(|number| !landed.iter().any(|range| range.contains(&event_time(*number))));
        assert_eq!(found, expected, "seed {seed}");
        plan.lock().chance = 0.12;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_store_that_fails_an_erasure_is_whole_or_not_at_all() {
    let seeds = std::env::var("WHODID_LAKE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    for seed in 0..seeds {
        live(seed).await;
    }
}

/// A second process on the same store, which knows the segments of before.
async fn stale(store: &Arc<dyn ObjectStore>) -> (Arc<Table>, Arc<Table>) {
    let one = table(store).await;
    for number in 0..8 {
        one.append(batch(number * 10..number * 10 + 10)).unwrap();
        one.flush().await.unwrap();
    }
    (one, table(store).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_has_merged_meanwhile_is_not_taken_for_erased() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (table, other) = stale(&store).await;
    other.compact(recorded()).await.unwrap().unwrap();
    // Everything goes, so that no new file would tell.
    let erasure = during(0..DAY);
    let prepared = table.prepare_erasure(&erasure, &name(), recorded(), &mut |_| ()).await.unwrap();
    assert!(matches!(prepared.commit(recorded()).await, Err(EraseError::Changed { .. })));
    assert_eq!(offsets(&table.snapshot()).await.len(), 80, "nothing was removed");
    // The list is the other's now, and the next try removes.
    assert_eq!(erase(&table, &erasure).await.rows, 80);
    assert_eq!(offsets(&self::table(&store).await.snapshot()).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_whose_outcome_is_not_known_is_not_overwritten_by_the_next() {
    let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (store, plan) = FaultyStore::over(memory.clone());
    let table = table(&store).await;
    table.append(batch(0..100)).unwrap();
    table.flush().await.unwrap();
    let only =
        |number: u64| Erasure { of: Domain::All, during: vec![event_time(number)..event_time(number).plus_micros(1)] };
    // The first reaches the log; its answer and every look afterwards are lost.
    let prepared = table.prepare_erasure(&only(20), &name(), recorded(), &mut |_| ()).await.unwrap();
    plan.lock().planned = vec![(Kind::Commit, Fault::After)];
    plan.lock().is_cut_off_by_faults = true;
    prepared.commit(recorded()).await.unwrap_err();
    plan.lock().is_cut_off_by_faults = false;
    plan.lock().is_cut_off = false;
    // The second leaves as many rows.
    let prepared = table.prepare_erasure(&only(30), &name(), recorded(), &mut |_| ()).await.unwrap();
    assert!(matches!(prepared.commit(recorded()).await, Err(EraseError::Changed { .. })));
    assert_eq!(erase(&table, &only(30)).await.rows, 1);
    let expected: BTreeSet<u64> = (0..100).filter(|number| ![20, 30].contains(number)).collect();
    for table in [table, self::table(&memory).await] {
        assert_eq!(offsets(&table.snapshot()).await, expected);
    }
}
