//! Stores that fail and processes that die: nothing lost, nothing twice, and the log is the truth.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use whodid_lake::Table;
use whodid_model::Offset;

use crate::events::{DAY, HOUR, batch, check_holds, recorded, table};
use crate::faulty_store::{Fault, FaultyStore, Kind};

const FAULTS: [Fault; 2] = [Fault::Before, Fault::After];

/// What a new process finds, and what it holds after its journal was replayed and flushed.
async fn check_restart(store: &Arc<dyn ObjectStore>, at_least: u64, sent: u64) {
    let table = table(store).await;
    let flushed = table.flushed_to().map_or(0, |last| last.0 + 1);
    assert!((at_least..=sent).contains(&flushed), "{flushed} in the lake, {at_least} were confirmed, {sent} sent");
    check_holds(&table.snapshot(), flushed).await;
    table.replay(batch(0..sent)).unwrap();
    table.flush().await.unwrap();
    check_holds(&table.snapshot(), sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_meets_a_fault_is_done_once_whether_it_is_repeated_or_the_process_dies() {
    for kind in [Kind::Data, Kind::Commit] {
        for fault in FAULTS {
            for is_first_commit in [true, false] {
                let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
                let (store, plan) = FaultyStore::over(memory.clone());
                let table = table(&store).await;
                let mut flushed = 0;
                if !is_first_commit {
                    table.append(batch(0..10)).unwrap();
                    table.flush().await.unwrap();
                    flushed = 10;
                }
                table.append(batch(flushed..1200)).unwrap();
                plan.lock().planned = vec![(kind, fault)];
                let done = table.flush().await.is_ok();
                assert_eq!(plan.lock().met, 1, "{kind:?} {fault:?}");
                // A lost answer of a commit is looked into at once; a data file waits for the next flush.
                assert_eq!(done, kind == Kind::Commit, "{kind:?} {fault:?} {is_first_commit}");
                check_holds(&table.snapshot(), 1200).await;
                check_restart(&copy(&memory).await, if done { 1200 } else { flushed }, 1200).await;

                table.append(batch(1200..1300)).unwrap();
                table.flush().await.unwrap();
                assert_eq!(table.flushed_to(), Some(Offset(1299)));
                check_holds(&table.snapshot(), 1300).await;
                check_restart(&memory, 1300, 1300).await;
            }
        }
    }
}

/// The bytes as they are now, for a process that starts now.
async fn copy(store: &Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
    use futures::TryStreamExt;
    use object_store::ObjectStoreExt;
    let copy = InMemory::new();
    let objects: Vec<_> = store.list(None).try_collect().await.unwrap();
    for object in objects {
        let bytes = store.get(&object.location).await.unwrap().bytes().await.unwrap();
        copy.put(&object.location, bytes.into()).await.unwrap();
    }
    Arc::new(copy)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_gets_an_answer_is_left_to_the_next_flush() {
    for fault in FAULTS {
        let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let (store, plan) = FaultyStore::over(memory.clone());
        let table = table(&store).await;
        table.append(batch(0..10)).unwrap();
        table.flush().await.unwrap();
        table.append(batch(10..20)).unwrap();
        plan.lock().planned = vec![(Kind::Commit, fault); 20];
        let first = table.flush().await;
        assert_eq!(first.is_ok(), fault == Fault::After, "{fault:?}");
        check_holds(&table.snapshot(), 20).await;
        table.append(batch(20..25)).unwrap();
        plan.lock().planned.clear();
        table.flush().await.unwrap();
        check_holds(&table.snapshot(), 25).await;
        check_restart(&memory, 25, 25).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_meets_a_fault_leaves_the_old_or_the_new() {
    for kind in [Kind::Data, Kind::Commit] {
        for fault in FAULTS {
            let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            let (store, plan) = FaultyStore::over(memory.clone());
            let table = table(&store).await;
            for number in 0..8 {
                table.append(batch(number * 10..number * 10 + 10)).unwrap();
                table.flush().await.unwrap();
            }
            plan.lock().planned = vec![(kind, fault)];
            let _ = table.compact(recorded()).await;
            assert_eq!(plan.lock().met, 1, "{kind:?} {fault:?}");
            check_holds(&table.snapshot(), 80).await;
            check_restart(&copy(&memory).await, 80, 80).await;
            // Segments whose merge failed rest for an hour.
            let later = recorded().plus_micros(2 * HOUR);
            while table.compact(later).await.unwrap().is_some() {}
            assert_eq!(table.snapshot().segments.len(), 1);
            table.vacuum(recorded().plus_micros(1000 * DAY)).await.unwrap();
            check_holds(&table.snapshot(), 80).await;
            check_restart(&memory, 80, 80).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_checkpoint_fails_nothing_else() {
    for fault in FAULTS {
        let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let (store, plan) = FaultyStore::over(memory.clone());
        let table = table(&store).await;
        plan.lock().planned = vec![(Kind::Checkpoint, fault)];
        for number in 0..103 {
            table.append(batch(number..number + 1)).unwrap();
            table.flush().await.unwrap();
        }
        assert_eq!(plan.lock().met, 1);
        check_restart(&memory, 103, 103).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_and_a_merge_whose_answers_are_both_lost_show_no_record_twice() {
    let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (store, plan) = FaultyStore::over(memory.clone());
    let table = table(&store).await;
    for number in 0..8 {
        table.append(batch(number * 10..number * 10 + 10)).unwrap();
        table.flush().await.unwrap();
    }
    table.append(batch(80..90)).unwrap();
    // The flush reaches the log; its answer and every look at the log afterwards fail.
    plan.lock().planned = vec![(Kind::Commit, Fault::After)];
    plan.lock().is_cut_off_by_faults = true;
    table.flush().await.unwrap_err();
    plan.lock().is_cut_off_by_faults = false;
    plan.lock().is_cut_off = false;
    check_holds(&table.snapshot(), 90).await;
    // The merge's answer is lost as well; it finds out by reading the log, which lists the flush too.
    plan.lock().planned = vec![(Kind::Commit, Fault::After)];
    table.compact(recorded()).await.unwrap();
    check_holds(&table.snapshot(), 90).await;
    table.append(batch(90..95)).unwrap();
    table.flush().await.unwrap();
    check_holds(&table.snapshot(), 95).await;
    check_restart(&memory, 95, 95).await;
}

/// One life of a store: appends, flushes, merges, vacuums and deaths, while a part of all requests fails.
async fn live(seed: u64) {
    let memory: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let (store, plan) = FaultyStore::over(memory.clone());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    plan.lock().random = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
    let mut table = table(&store).await;
    // What the journal holds is what was sent and not flushed; a new process replays all of it.
    let (mut sent, mut confirmed) = (0, 0);
    plan.lock().chance = 0.12;
    for _ in 0..40 {
        match random.random_range(0..10) {
            0..4 => {
                let count = random.random_range(1..400);
                table.append(batch(sent..sent + count)).unwrap();
                sent += count;
            }
            4..7 => {
                if let Ok(report) = table.flush().await {
                    confirmed = report.flushed_to.map_or(0, |last| last.0 + 1);
                    assert_eq!(confirmed, sent);
                }
            }
            7 => {
                let _ = table.compact(recorded()).await;
            }
            8 => {
                let _ = table.vacuum(recorded().plus_micros(1000 * DAY)).await;
            }
            _ => table = restart(&store, &plan, sent, confirmed).await,
        }
        // Not only at the end: a reader of every moment sees each record once.
        assert_eq!(table.snapshot().next_offset(), Offset(sent));
        let chance = std::mem::replace(&mut plan.lock().chance, 0.0);
        check_holds(&table.snapshot(), sent).await;
        plan.lock().chance = chance;
    }
    plan.lock().chance = 0.0;
    table.flush().await.unwrap();
    check_holds(&table.snapshot(), sent).await;
    while table.compact(recorded().plus_micros(2 * HOUR)).await.unwrap().is_some() {}
    table.vacuum(recorded().plus_micros(1000 * DAY)).await.unwrap();
    check_holds(&table.snapshot(), sent).await;
    check_restart(&memory, sent, sent).await;
}

async fn restart(
    store: &Arc<dyn ObjectStore>,
    plan: &parking_lot::Mutex<crate::faulty_store::Plan>,
    sent: u64,
    confirmed: u64,
) -> Arc<Table> {
    let chance = std::mem::replace(&mut plan.lock().chance, 0.0);
    let table = table(store).await;
    let flushed = table.flushed_to().map_or(0, |last| last.0 + 1);
    assert!((confirmed..=sent).contains(&flushed));
    check_holds(&table.snapshot(), flushed).await;
    table.replay(batch(confirmed.min(flushed)..sent)).unwrap();
    plan.lock().chance = chance;
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn over_many_seeded_lives_nothing_is_lost_and_nothing_is_twice() {
    let seeds = std::env::var("WHODID_LAKE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    for seed in 0..seeds {
        live(seed).await;
    }
}
