//! Whatever the scope, every search gives the rows that a naive look at each record lets through.

use crate::world::*;
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use whodid_model::access::Rows;
use whodid_model::{Field, Offset, SpaceName, StreamName, Timestamp};
use whodid_search::{Filter, Searcher, SqlLimits, Visible};

/// Whether any of the rows lets the record through, read off the definition of `Rows`.
fn naive(rows: &[Rows], taken: &Taken, now: Timestamp) -> bool {
    rows.iter().any(|rows| {
        let in_spaces = match &taken.event.space {
            None => rows.account_events,
            Some(space) => {
                rows.space_events
                    && rows.spaces.as_ref().is_none_or(|spaces| spaces.iter().any(|name| name.as_str() == space))
            }
        };
        let of_sources = rows.sources.as_ref().is_none_or(|sources| sources.iter().any(|name| name == taken.source));
        let matches = rows.query.as_ref().is_none_or(|text| {
            let query = whodid_query::parse(text).unwrap().at(now);
            taken.with_view(|view| query.matches(view))
        });
        in_spaces && of_sources && matches
    })
}

/// Every call that takes what is visible and no filter.
async fn check_lookups(world: &World, searcher: &Searcher, visible: &Visible, shown: &[&Taken], told: &str) {
    let snapshot = &world.snapshot;
    let shown_offsets: Vec<u64> = shown.iter().map(|taken| taken.offset).collect();
    let offsets = |batches| {
        let mut offsets: Vec<u64> = keys(batches).iter().map(|(_, offset)| *offset).collect();
        offsets.sort_unstable();
        offsets
    };
    let every: Vec<Offset> = world.taken.iter().map(|taken| Offset(taken.offset)).collect();
    let found = searcher.get_by_offsets(snapshot, &every, visible).await.unwrap().value;
    assert_eq!(offsets(&found), shown_offsets, "by offset in {told}");

    let with = |field: Field, text: &str| -> Vec<u64> {
        let has = |taken: &&&Taken| taken.event.fields.get(field) == Some(text);
        shown.iter().filter(has).map(|taken| taken.offset).collect()
    };
    let found = searcher.get_by_id(snapshot, "twice", visible, usize::MAX).await.unwrap().value;
    assert_eq!(offsets(&found), with(Field::Id, "twice"), "by id in {told}");
    let ids = ["twice".to_owned()];
    let found = searcher.related(snapshot, &ids, Some("corr-1"), visible, usize::MAX).await.unwrap().value;
    let mut expected = [with(Field::Id, "twice"), with(Field::CorrelationId, "corr-1")].concat();
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(offsets(&found), expected, "related in {told}");

    let sql = async |text: &str| searcher.sql(snapshot, text, visible, SqlLimits::default()).await.unwrap().batches;
    let found = sql("SELECT \"offset\" FROM events ORDER BY 1").await;
    let of = |batch: &arrow::array::RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
    let found: Vec<u64> = found.iter().flat_map(of).map(|offset| offset as u64).collect();
    assert_eq!(found, shown_offsets, "sql in {told}");
    let found = sql("SELECT count(*) FROM events WHERE outcome = 'failure' OR source = 'json'").await;
    let wanted = shown
        .iter()
        .filter(|taken| taken.event.fields.get(Field::Outcome) == Some("failure") || taken.source == "json")
        .count();
    assert_eq!(found[0].column(0).as_primitive::<Int64Type>().value(0) as usize, wanted, "sql in {told}");

    let seen = searcher.fields_seen(snapshot, visible, usize::MAX / 2).await.unwrap().value;
    let actions = shown.iter().filter(|taken| taken.with_view(|view| view.any_at("action", &mut |_| true))).count();
    let told_rows = seen.iter().find(|field| field.path == "action").map_or(0, |field| field.rows);
    assert_eq!(told_rows as usize, actions, "fields in {told}");
}

#[tokio::test]
async fn every_search_shows_the_rows_of_the_scope_and_no_other() {
    let searcher = searcher();
    let seeds: u64 = std::env::var("WHODID_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(3);
    for seed in 0..seeds {
        let random = &mut StdRng::seed_from_u64(seed + 500);
        let world = world(seed + 40, if seed % 3 == 0 { 900 } else { 200 }).await;
        let now = Timestamp::from_micros(BEGIN);
        for _ in 0..25 {
            let rows = random_rows(random);
            let mut visible = Visible::of(&rows, StreamName::activity(), now).unwrap();
            let space =
                random.random_bool(0.2).then(|| SpaceName::parse(["dev", "prod"].choose(random).unwrap()).unwrap());
            if let Some(space) = &space {
                visible = visible.in_space(space);
            }
            let told = format!("{rows:?} in space {space:?}");
            let is_shown = |taken: &Taken| {
                let in_space = space.as_ref().is_none_or(|space| taken.event.space.as_deref() == Some(space.as_str()));
                in_space && naive(&rows, taken, now)
            };
            for taken in &world.taken {
                let shows = taken.with_view(|view| visible.shows(view));
                assert_eq!(shows, is_shown(taken), "record {} in {told}", taken.offset);
            }
            let shown: Vec<&Taken> = world.taken.iter().filter(|taken| is_shown(taken)).collect();
            check_lookups(&world, &searcher, &visible, &shown, &told).await;
            let Some((text, mut filter)) = random_filter(random, world.taken.len()) else { continue };
            filter.visible = visible.clone();
            check(&world, &searcher, &text, &filter, random).await;
            check(&world, &searcher, "", &Filter::everything(visible), random).await;
        }
    }
}

#[test]
fn no_rows_show_nothing_and_all_among_others_shows_everything() {
    let of = |rows: &[Rows]| Visible::of(rows, StreamName::activity(), Timestamp::default()).unwrap();
    assert!(!of(&[]).is_all());
    assert!(of(&[Rows { sources: Some(vec![]), ..Rows::ALL }, Rows::ALL]).is_all());
    assert!(!of(&[Rows::ALL]).in_space(&SpaceName::parse("dev").unwrap()).is_all());
    let broken = Rows { query: Some("a:(".into()), ..Rows::ALL };
    assert!(Visible::of(&[broken], StreamName::activity(), Timestamp::default()).is_err());
}
