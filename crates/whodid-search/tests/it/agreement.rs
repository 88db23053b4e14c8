//! Every search gives what the search language's plain evaluator says of each row, whatever the data and the query.

use crate::world::*;
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::StreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use whodid_decode::{Format, decode};
use whodid_lake::{BatchBuilder, Lake, Location, Snapshot, sequence};
use whodid_model::{AccountName, Field, Offset, SpaceName, StreamName, Timestamp};
use whodid_search::{Filter, Order, Searcher, SqlLimits, Visible};

#[tokio::test]
async fn every_search_agrees_with_the_plain_evaluator() {
    let searcher = searcher();
    let seeds: u64 = std::env::var("WHODID_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(6);
    let first: u64 = std::env::var("WHODID_FIRST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + seeds {
        let random = &mut StdRng::seed_from_u64(seed + 1000);
        let world = world(seed, if seed % 3 == 0 { 1500 } else { 250 }).await;
        let mut checked = 0;
        while checked < 40 {
            let Some((text, filter)) = random_filter(random, world.taken.len()) else { continue };
            check(&world, &searcher, &text, &filter, random).await;
            checked += 1;
        }
    }
}

#[tokio::test]
async fn records_are_found_by_offset_id_and_relation() {
    let searcher = searcher();
    let world = world(77, 800).await;
    let offsets = [Offset(3), Offset(700), Offset(3), Offset(99_999), Offset(0)];
    let found = searcher.get_by_offsets(&world.snapshot, &offsets, &everyone()).await.unwrap().value;
    assert_eq!(keys(&found).iter().map(|(_, offset)| *offset).collect::<Vec<_>>(), [0, 3, 700]);

    let with = |field: Field, text: &str| -> Vec<u64> {
        let has = |taken: &&Taken| taken.event.fields.get(field) == Some(text);
        world.taken.iter().filter(has).map(|taken| taken.offset).collect()
    };
    let found = searcher.get_by_id(&world.snapshot, "twice", &everyone(), usize::MAX).await.unwrap().value;
    let mut latest_first = with(Field::Id, "twice");
    latest_first.reverse();
    assert_eq!(keys(&found).iter().map(|(_, offset)| *offset).collect::<Vec<_>>(), latest_first);
    let found = searcher.get_by_id(&world.snapshot, "twice", &everyone(), 1).await.unwrap().value;
    assert_eq!(keys(&found).iter().map(|(_, offset)| *offset).collect::<Vec<_>>(), latest_first[..1]);
    assert!(searcher.get_by_id(&world.snapshot, "TWICE", &everyone(), 1).await.unwrap().value.is_empty());
    assert!(searcher.get_by_id(&world.snapshot, "", &everyone(), 1).await.unwrap().value.is_empty());

    let found = searcher
        .related(&world.snapshot, &["twice".to_owned()], Some("corr-1"), &everyone(), 1000)
        .await
        .unwrap()
        .value;
    let mut related: Vec<u64> =
        with(Field::Id, "twice").into_iter().chain(with(Field::CorrelationId, "corr-1")).collect();
    related.sort_unstable();
    related.dedup();
    let mut offsets: Vec<u64> = keys(&found).iter().map(|(_, offset)| *offset).collect();
    assert!(keys(&found).is_sorted());
    offsets.sort_unstable();
    assert_eq!(offsets, related);

    let nobody = Visible::of(&[], StreamName::activity(), Timestamp::default()).unwrap();
    assert!(searcher.get_by_id(&world.snapshot, "twice", &nobody, 1).await.unwrap().value.is_empty());
    assert!(searcher.get_by_offsets(&world.snapshot, &[Offset(3)], &nobody).await.unwrap().value.is_empty());
}

#[tokio::test]
async fn sql_sees_the_same_rows() {
    let searcher = searcher();
    let world = world(5, 700).await;
    let dev = everyone().in_space(&SpaceName::parse("dev").unwrap());
    let of_dev = world.taken.iter().filter(|taken| taken.event.space.as_deref() == Some("dev")).count();
    let statements = [
        ("SELECT count(*) FROM events", everyone(), world.taken.len()),
        ("SELECT count(*) FROM events", dev, of_dev),
        (
            "SELECT count(*) FROM events WHERE outcome = 'failure' AND result <> 'denied'",
            everyone(),
            world.taken.iter().filter(|taken| taken.event.result() == "failure").count(),
        ),
        ("SELECT count(*) FROM events WHERE \"offset\" BETWEEN 10 AND 19 OR \"offset\" IN (5, 15)", everyone(), 11),
        (
            "SELECT count(*) FROM events WHERE event_time >= '2026-02-02T10:00:00Z'",
            everyone(),
            world
                .taken
                .iter()
                .filter(|taken| taken.event.event_time >= Timestamp::parse("2026-02-02T10:00:00Z").unwrap().at)
                .count(),
        ),
        (
            "SELECT count(*) FROM events WHERE json_text(raw, 'initiator.name') = 'svc-1' AND result > ''",
            everyone(),
            world
                .taken
                .iter()
                .filter(|taken| taken.with_view(|view| view.any_at("initiator.name", &mut |name| name == "svc-1")))
                .count(),
        ),
        (
            "SELECT count(*) FROM events WHERE in_network(initiator_address, '10.0.0.0/8')",
            everyone(),
            world.taken.iter().filter(|taken| taken.event.fields.get(Field::Address) == Some("10.1.2.3")).count(),
        ),
        (
            "WITH e AS (SELECT action FROM events WHERE region IS NULL) SELECT count(*) FROM (SELECT * FROM e)",
            everyone(),
            world.taken.iter().filter(|taken| taken.event.fields.get(Field::Region).is_none()).count(),
        ),
    ];
    for (text, visible, expected) in statements {
        let answer = searcher.sql(&world.snapshot, text, &visible, SqlLimits::default()).await.unwrap();
        let found = answer.batches[0].column(0).as_primitive::<Int64Type>().value(0);
        assert_eq!(found as usize, expected, "{text}");
    }
    let answer = searcher
        .sql(&world.snapshot, "SELECT raw FROM events ORDER BY \"offset\"", &everyone(), SqlLimits { rows: 20 })
        .await
        .unwrap();
    assert!(answer.truncated);
    let texts: Vec<Option<String>> = answer
        .batches
        .iter()
        .flat_map(|batch| batch.column(0).as_string_view().iter().map(|text| text.map(str::to_owned)))
        .collect();
    let expected: Vec<Option<String>> =
        world.taken.iter().take(20).map(|taken| String::from_utf8(taken.raw.clone()).ok()).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn large_segments_with_many_templates_and_row_groups_agree() {
    let lake = Lake::open(Location::Memory).await.unwrap();
    let table = lake.table(&AccountName::default_account(), &StreamName::activity()).await.unwrap();
    let mut times = Vec::new();
    let random = &mut StdRng::seed_from_u64(9);
    let rows = 140_000;
    let append = |first: i64, random: &mut StdRng, times: &mut Vec<(i64, u64)>| {
        let recorded_at = Timestamp::from_micros(BEGIN + 1_000_000_000_000 + first);
        let mut builder = BatchBuilder::new();
        for number in first..first + 10_000 {
            let at = Timestamp::from_micros(BEGIN + random.random_range(0..40_000) * 1_000_000);
            let unlike = format!("k{}", number % 20_011);
            let raw = format!(
                r#"{{"when":"{at}","user":"u{}","{unlike}":{{"n":{}}},"note":"word{} here"}}"#,
                number % 7,
                number % 100,
                number % 1000
            );
            let items = decode(Format::Json, raw.as_bytes(), recorded_at);
            builder.append("json", raw.as_bytes(), items[0].event.as_ref().unwrap());
            times.push((at.micros(), number as u64));
        }
        table.append(sequence(&builder.finish(), Offset(first as u64), recorded_at)).unwrap();
    };
    for first in (0..rows).step_by(10_000) {
        append(first, random, &mut times);
    }
    let searcher = searcher();
    lists_run_in_order(&searcher, &table.snapshot(), &times).await;
    table.flush().await.unwrap();
    let snapshot = table.snapshot();
    assert_eq!(snapshot.segments.len(), 1, "one day, one segment");
    lists_run_in_order(&searcher, &snapshot, &times).await;
    let filter = |text: &str| Filter::of(whodid_query::parse(text).unwrap(), everyone());
    for (text, expected) in [
        ("", rows as usize),
        ("\"word7 here\"", (0..rows).filter(|number| number % 1000 == 7).count()),
        ("k5.n:5", (0..rows).filter(|number| number % 20_011 == 5 && number % 100 == 5).count()),
        ("k5", 0),
        ("user:u3 note:\"word3 here\"", (0..rows).filter(|number| number % 7 == 3 && number % 1000 == 3).count()),
    ] {
        assert_eq!(searcher.count(&snapshot, &filter(text)).await.unwrap().value, expected as u64, "{text}");
    }
    append(rows, random, &mut times);
    append(rows + 10_000, random, &mut times);
    lists_run_in_order(&searcher, &table.snapshot(), &times).await;
}

/// Pages and exports of everything, from the beginning and from far inside, whatever is in memory and what in segments.
async fn lists_run_in_order(searcher: &Searcher, snapshot: &Snapshot, times: &[(i64, u64)]) {
    let filter = |text: &str| Filter::of(whodid_query::parse(text).unwrap(), everyone());
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let mut expected = times.to_vec();
        expected.sort_unstable();
        if order == Order::NewestFirst {
            expected.reverse();
        }
        let page = searcher.list(snapshot, &filter(""), order, None, 1000).await.unwrap();
        assert_eq!(keys(&page.rows), expected[..1000]);
        assert!(page.stats.rows_scanned < 50_000, "{:?}", page.stats);
        let rare = expected.iter().filter(|(_, number)| number % 1000 == 7).copied().collect::<Vec<_>>();
        for (text, expected) in [("word here", &expected), ("\"word7 here\"", &rare)] {
            let (mut after, mut found) = (None, Vec::new());
            while found.len() < 130 {
                let page = searcher.list(snapshot, &filter(text), order, after, 50).await.unwrap();
                found.extend(keys(&page.rows));
                after = found.last().map(|(time, offset)| (Timestamp::from_micros(*time), Offset(*offset)));
            }
            assert_eq!(found, expected[..found.len()], "{text}");
        }
        let after = expected[135_000];
        let page = searcher
            .list(snapshot, &filter(""), order, Some((Timestamp::from_micros(after.0), Offset(after.1))), 1000)
            .await
            .unwrap();
        assert_eq!(keys(&page.rows), expected[135_001..136_001]);
        let mut export = searcher.export(snapshot, &filter(""), order, Some(&["offset", "event_time"])).unwrap();
        let mut found = Vec::new();
        while let Some(batch) = export.next().await {
            found.extend(keys(&[batch.unwrap()]));
        }
        assert!(found == expected, "export {order:?}");
    }
}
