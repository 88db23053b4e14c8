//! SQL reads the readable rows of table `events` and nothing else, whatever the statement.

use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use whodid_model::StreamName;
use whodid_search::{ErrorKind, Options, SearchError, Searcher, SqlLimits, Visible};

use crate::world::numbered;

const SECRET: &str = "the-secret-of-the-other-file";

fn searcher(memory_bytes: usize, timeout: Duration) -> Searcher {
    Searcher::new(Options { memory_bytes, spill_dir: None, timeout, target_partitions: 2 }).unwrap()
}

#[tokio::test]
async fn no_hostile_statement_gets_out() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("secret.csv");
    std::fs::write(&csv, format!("a\n{SECRET}\n")).unwrap();
    let file = csv.display();
    let target = folder.path().join("out.csv");
    let out = target.display();
    let corpus = [
        // Other statements.
        "DROP TABLE events".to_owned(),
        "DELETE FROM events".to_owned(),
        "UPDATE events SET action = 'x'".to_owned(),
        "INSERT INTO events SELECT * FROM events".to_owned(),
        "TRUNCATE TABLE events".to_owned(),
        "CREATE TABLE x AS SELECT * FROM events".to_owned(),
        "CREATE VIEW x AS SELECT * FROM events".to_owned(),
        "CREATE SCHEMA x".to_owned(),
        "CREATE DATABASE x".to_owned(),
        "CREATE FUNCTION f(INT) RETURNS INT RETURN $1".to_owned(),
        format!("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '{file}'"),
        format!("COPY events TO '{out}' STORED AS CSV"),
        format!("COPY (SELECT * FROM events) TO '{out}'"),
        "SET datafusion.execution.target_partitions = 1".to_owned(),
        "RESET datafusion.execution.target_partitions".to_owned(),
        "SHOW TABLES".to_owned(),
        "SHOW ALL".to_owned(),
        "SHOW COLUMNS FROM events".to_owned(),
        "DESCRIBE events".to_owned(),
        "EXPLAIN SELECT * FROM events".to_owned(),
        "EXPLAIN ANALYZE SELECT * FROM events".to_owned(),
        "PREPARE p AS SELECT * FROM events".to_owned(),
        "EXECUTE p".to_owned(),
        "BEGIN".to_owned(),
        "COMMIT".to_owned(),
        "USE x".to_owned(),
        "KILL 1".to_owned(),
        "MERGE INTO events USING events e ON true WHEN MATCHED THEN DELETE".to_owned(),
        "VACUUM".to_owned(),
        "ANALYZE TABLE events".to_owned(),
        "LOAD DATA INPATH 'x' INTO TABLE events".to_owned(),
        format!("ATTACH DATABASE '{file}' AS x"),
        "DECLARE c CURSOR FOR SELECT * FROM events".to_owned(),
        "TABLE events".to_owned(),
        "FROM events".to_owned(),
        "".to_owned(),
        ";".to_owned(),
        "-- nothing".to_owned(),
        // More than one.
        "SELECT 1; SELECT 2".to_owned(),
        "SELECT 1; DROP TABLE events".to_owned(),
        "SELECT 1 /* */ ; /* */ DROP TABLE events".to_owned(),
        // Writing inside a query.
        "SELECT * INTO x FROM events".to_owned(),
        "WITH x AS (DELETE FROM events RETURNING *) SELECT * FROM x".to_owned(),
        "WITH x AS (INSERT INTO events VALUES (1)) SELECT 1".to_owned(),
        "WITH x AS (UPDATE events SET action = '') SELECT 1".to_owned(),
        "SELECT * FROM events FOR UPDATE".to_owned(),
        "SELECT * FROM events SETTINGS max_threads = 1".to_owned(),
        "SELECT * FROM events FORMAT JSON".to_owned(),
        "SELECT * FROM events |> DROP action".to_owned(),
        // Other tables.
        "SELECT * FROM information_schema.tables".to_owned(),
        "SELECT * FROM information_schema.df_settings".to_owned(),
        "SELECT * FROM datafusion.information_schema.columns".to_owned(),
        "SELECT * FROM pg_catalog.pg_tables".to_owned(),
        "SELECT * FROM public.events".to_owned(),
        "SELECT * FROM datafusion.public.events".to_owned(),
        "SELECT * FROM other".to_owned(),
        "SELECT * FROM \"EVENTS\"".to_owned(),
        "SELECT * FROM events, other".to_owned(),
        "SELECT * FROM events JOIN other ON true".to_owned(),
        "SELECT * FROM events WHERE action IN (SELECT a FROM other)".to_owned(),
        "SELECT (SELECT max(a) FROM other)".to_owned(),
        "SELECT * FROM events UNION ALL SELECT * FROM other".to_owned(),
        "SELECT * FROM (SELECT * FROM other) AS events".to_owned(),
        "SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x), x".to_owned(),
        "SELECT * FROM events UNION TABLE other".to_owned(),
        "WITH x AS (SELECT * FROM other) SELECT 1 FROM x".to_owned(),
        // Files, addresses and table functions.
        format!("SELECT * FROM '{file}'"),
        format!("SELECT * FROM \"{file}\""),
        format!("SELECT * FROM 'file://{file}'"),
        "SELECT * FROM 'https://example.com/x.parquet'".to_owned(),
        "SELECT * FROM 's3://bucket/x.parquet'".to_owned(),
        format!("SELECT * FROM read_csv('{file}')"),
        format!("SELECT * FROM parquet_metadata('{file}')"),
        "SELECT * FROM generate_series(1, 1000000000)".to_owned(),
        "SELECT * FROM range(1, 1000000000)".to_owned(),
        "SELECT * FROM TABLE(f())".to_owned(),
        "SELECT * FROM LATERAL f(1)".to_owned(),
        "SELECT * FROM UNNEST(['a'])".to_owned(),
        "SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$'))".to_owned(),
        "SELECT * FROM events TABLESAMPLE SYSTEM (10)".to_owned(),
        "SELECT * FROM events FOR SYSTEM_TIME AS OF '2020-01-01'".to_owned(),
        "SELECT * FROM events PIVOT (count(1) FOR action IN ('a'))".to_owned(),
        "SELECT * FROM events WITH (NOLOCK)".to_owned(),
        // Beyond measure.
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r".to_owned(),
        "SELECT repeat('x', 1000000000)".to_owned(),
        "SELECT REPEAT('x', 1000000000)".to_owned(),
        "SELECT lpad('x', 1000000000, 'y')".to_owned(),
        "SELECT rpad('x', 1000000000)".to_owned(),
        "SELECT replace(replace('aaaa', 'a', 'aaaaaaaa'), 'a', 'aaaaaaaa')".to_owned(),
        "SELECT regexp_replace(raw, '.', 'xxxxxxxx', 'g') FROM events".to_owned(),
        format!("SELECT {}1", "1+".repeat(3000)),
        format!("SELECT {}1{}", "(".repeat(3000), ")".repeat(3000)),
        format!("SELECT {}1{}", "CAST(".repeat(600), " AS INT)".repeat(600)),
        format!("SELECT {}1 +{}", "CAST(".repeat(12), " AS INT)".repeat(12)),
        format!("SELECT {}1", "- ".repeat(3900)),
        format!("SELECT a{}", ".b".repeat(1900)),
        format!("SELECT 1 FROM events {}", "JOIN events ON true ".repeat(900)),
        format!("SELECT 1 FROM events {}", ", events".repeat(1900)),
        format!("SELECT {}1{}", "abs(".repeat(1000), ")".repeat(1000)),
        format!("SELECT {}1{}", "abs((".repeat(12), "))".repeat(12)),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(40), " END".repeat(40)),
        format!("SELECT {}true", "NOT ".repeat(3500)),
        format!("SELECT * FROM {}events{}", "(SELECT * FROM ".repeat(300), ")".repeat(300)),
        format!("SELECT CASE {} END", "WHEN true THEN CASE ".repeat(600)),
        format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(900)),
        format!("SELECT '{}'", "x".repeat(100_000)),
        "SELECT levenshtein(raw, raw) FROM events".to_owned(),
        "SELECT string_agg(raw, ',') OVER (ORDER BY \"offset\") FROM events".to_owned(),
        "SELECT array_agg(raw) OVER () FROM events".to_owned(),
        "SELECT first_value(raw) OVER () FROM events".to_owned(),
        "SELECT raw FROM events WHERE raw ~ action".to_owned(),
        "SELECT raw FROM events WHERE raw SIMILAR TO action".to_owned(),
        "SELECT raw FROM events WHERE raw LIKE concat(action, '%')".to_owned(),
        "SELECT raw FROM events WHERE raw NOT ILIKE action".to_owned(),
        "SELECT regexp_like(raw, action) FROM events".to_owned(),
        "SELECT encode(raw, 'hex') FROM events".to_owned(),
        "SELECT [1, 2]".to_owned(),
        "SELECT struct(1)".to_owned(),
        format!("SELECT 1{}", ", 1".repeat(200)),
        format!("SELECT '{}' FROM events", "x".repeat(5000)),
        format!("SELECT to_char(event_time, '{}') FROM events", "%c".repeat(100)),
        format!("WITH {} SELECT a || a FROM e9", {
            let steps = (1..10).map(|step| format!("e{step} AS (SELECT a||a||a||a||a||a AS a FROM e{})", step - 1));
            let first = "e0 AS (SELECT raw AS a FROM events)".to_owned();
            std::iter::once(first).chain(steps).collect::<Vec<_>>().join(", ")
        }),
        // No text at all.
        "\0".to_owned(),
        "SELECT \u{0} FROM events".to_owned(),
        "SELECT 'unterminated".to_owned(),
        "SELECT $1".to_owned(),
        "SELECT @@version".to_owned(),
        "SELECT current_setting('x')".to_owned(),
        "SELECT pg_read_file('/etc/passwd')".to_owned(),
        "SELECT load_extension('x')".to_owned(),
        "SELECT getenv('HOME')".to_owned(),
    ];
    let searcher = searcher(64 << 20, Duration::from_secs(20));
    let snapshot = numbered(10).await;
    for text in &corpus {
        let answer = searcher.sql(&snapshot, text, &everyone(), SqlLimits::default()).await;
        let shown: String = text.chars().take(100).collect();
        match answer {
            Ok(answer) => panic!("{shown:?} was answered: {:?}", answer.batches),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Invalid, "{shown:?}: {error:?}");
                assert!(!error.to_string().contains(SECRET), "{shown:?}: {error}");
            }
        }
    }
    assert!(!target.exists(), "a statement wrote a file");
}

#[tokio::test]
async fn honest_statements_are_answered() {
    let searcher = searcher(64 << 20, Duration::from_secs(20));
    let snapshot = numbered(10).await;
    let corpus = [
        ("SELECT 1", 1),
        ("SELECT * FROM events;", 10),
        ("select ACTION from EVENTS limit 3", 3),
        ("SELECT * FROM \"events\" AS e WHERE e.\"offset\" < 5 ORDER BY e.\"offset\" DESC", 5),
        ("WITH e AS (SELECT * FROM events), f AS (SELECT * FROM e) SELECT * FROM f LIMIT 4", 4),
        ("SELECT * FROM (VALUES (1), (2)) AS v(n)", 2),
        ("SELECT a.\"offset\" FROM events a JOIN events b ON a.\"offset\" = b.\"offset\"", 10),
        ("SELECT action, count(*) FROM events GROUP BY action HAVING count(*) > 1 UNION SELECT 'x', 1", 2),
        ("SELECT date_trunc('hour', event_time), count(*) FROM events GROUP BY 1", 1),
        ("SELECT \"offset\", row_number() OVER (ORDER BY \"offset\") FROM events", 10),
        ("SELECT json_text(raw, 'n') FROM events WHERE json_text(raw, 'user') = 'alice' AND raw LIKE '%alice%'", 10),
        ("SELECT 1 FROM events WHERE event_time BETWEEN '2026-01-31T00:00:00Z' AND '2026-02-02'", 10),
        ("SELECT * FROM events WHERE event_time > now()", 0),
        ("SELECT upper(action), substr(action, 1, 2), action ~ 'a' FROM events WHERE action IS NOT NULL", 10),
        ("SELECT concat(action, ':', NULL, 5), action || '!' FROM events", 10),
        ("SELECT sum(\"offset\") OVER (ORDER BY \"offset\"), lag(action) OVER (ORDER BY \"offset\") FROM events", 10),
        ("SELECT action, string_agg(outcome, ','), avg(\"offset\"), count(DISTINCT action) FROM events GROUP BY 1", 1),
        ("SELECT to_char(event_time, '%Y-%m'), extract(hour FROM event_time), position('a' IN action) FROM events", 10),
        (
            "SELECT CASE WHEN action IS NULL THEN 1 ELSE 2 END, CAST(\"offset\" AS VARCHAR), trim(action) FROM events",
            10,
        ),
        (
            "SELECT * FROM events WHERE regexp_like(raw, 'al.ce', 'i') AND raw ~* 'ALICE' AND raw SIMILAR TO '.*alice.*'",
            10,
        ),
        ("SELECT count(*) FROM events e WHERE EXISTS (SELECT 1 FROM events f WHERE f.action = e.action)", 1),
    ];
    for (text, rows) in corpus {
        let answer = searcher
            .sql(&snapshot, text, &everyone(), SqlLimits::default())
            .await
            .unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(answer.batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), rows, "{text}");
        assert!(!answer.truncated);
    }
}

#[tokio::test]
async fn rows_are_capped_and_the_cut_is_told() {
    let searcher = searcher(256 << 20, Duration::from_secs(20));
    let snapshot = numbered(11_000).await;
    for (limit, expected, truncated) in [(7, 7, true), (usize::MAX, 10_000, true), (10_000, 10_000, true)] {
        let limits = SqlLimits { rows: limit };
        let answer = searcher.sql(&snapshot, "SELECT \"offset\" FROM events", &everyone(), limits).await.unwrap();
        assert_eq!(answer.batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), expected);
        assert_eq!(answer.truncated, truncated);
    }
    let answer =
        searcher.sql(&snapshot, "SELECT count(*) FROM events", &everyone(), SqlLimits::default()).await.unwrap();
    assert_eq!(answer.batches[0].column(0).as_primitive::<Int64Type>().value(0), 11_000);
}

#[tokio::test]
async fn a_statement_without_end_is_stopped() {
    let searcher = searcher(1 << 30, Duration::from_millis(300));
    let snapshot = numbered(5_000).await;
    let text = "SELECT count(*) FROM events a, events b, events c WHERE a.\"offset\" * b.\"offset\" % 7 < c.\"offset\"";
    let started = std::time::Instant::now();
    let error = searcher.sql(&snapshot, text, &everyone(), SqlLimits::default()).await.unwrap_err();
    assert!(matches!(error, SearchError::Timeout { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_statement_that_needs_too_much_memory_is_refused() {
    let searcher = searcher(1 << 20, Duration::from_secs(20));
    let snapshot = numbered(11_000).await;
    for text in
        ["SELECT raw, count(*) FROM events GROUP BY raw ORDER BY 2", "SELECT * FROM events ORDER BY raw, event_time"]
    {
        let error = searcher.sql(&snapshot, text, &everyone(), SqlLimits::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overloaded, "{text}: {error:?}");
    }
}

fn everyone() -> Visible {
    Visible::all(StreamName::activity())
}
