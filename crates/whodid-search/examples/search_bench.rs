//! Times the queries of the benchmark workload (Q1–Q10) on a table made of generated events.
//!
//! `search_bench EVENTS.ndjson [--lake FOLDER] [--events N] [--rounds N] [--flush ROWS] [--tail ROWS]`. Beside
//! `EVENTS.ndjson` its `EVENTS.meta.json` holds the expected answers; they are checked when all events are loaded.
//! With `--lake` the folder is filled at the first run and used again later.
#![allow(clippy::print_stdout, reason = "an example talks to its terminal")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::StreamExt;
use serde_json::Value;
use whodid_decode::{Format, decode};
use whodid_lake::{BatchBuilder, Lake, Location, RawReader, Snapshot, Table, sequence};
use whodid_model::{AccountName, Field, StreamName, Timestamp};
use whodid_query::{RecordField, Target};
use whodid_search::{Filter, Options, Order, Searcher, SqlLimits, Stats, Visible};

struct Arguments {
    events: PathBuf,
    lake: Option<PathBuf>,
    count: usize,
    rounds: usize,
    flush_rows: usize,
    tail_rows: usize,
    only: Option<String>,
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut parsed = Arguments {
        events: PathBuf::new(),
        lake: None,
        count: usize::MAX,
        rounds: 7,
        flush_rows: 250_000,
        tail_rows: 0,
        only: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut value = || given.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--lake" => parsed.lake = Some(value()?.into()),
            "--events" => parsed.count = value()?.parse()?,
            "--rounds" => parsed.rounds = value()?.parse()?,
            "--flush" => parsed.flush_rows = value()?.parse()?,
            "--tail" => parsed.tail_rows = value()?.parse()?,
            "--only" => parsed.only = Some(value()?),
            path => parsed.events = path.into(),
        }
    }
    if parsed.events.as_os_str().is_empty() {
        bail!("which events? give the path of an NDJSON file");
    }
    Ok(parsed)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = arguments()?;
    let temporary = tempfile::tempdir()?;
    let folder = arguments.lake.clone().unwrap_or_else(|| temporary.path().to_owned());
    let lake = Lake::open(Location::Folder(folder)).await?;
    let table = lake.table(&AccountName::default_account(), &StreamName::activity()).await?;
    if table.snapshot().segments.is_empty() {
        load(&arguments, &table).await?;
    }
    let snapshot = table.snapshot();
    let rows: u64 = snapshot.segments.iter().map(|segment| segment.rows).sum::<u64>()
        + snapshot.tail.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
    let bytes: u64 = snapshot.segments.iter().map(|segment| segment.bytes).sum();
    println!("{rows} events in {} segments of {} bytes an event", snapshot.segments.len(), bytes / rows.max(1));

    let meta =
        std::fs::read_to_string(arguments.events.with_extension("meta.json")).unwrap_or_else(|_| "{}".to_owned());
    let meta: Value = serde_json::from_str(&meta)?;
    let complete = meta["events"].as_u64() == Some(rows);
    let partitions = std::thread::available_parallelism()?.get();
    let searcher = Searcher::new(Options {
        memory_bytes: 256 << 20,
        spill_dir: None,
        timeout: Duration::from_secs(30),
        target_partitions: partitions,
    })?;
    let bench = Bench { searcher, snapshot, meta, complete, rounds: arguments.rounds, only: arguments.only };
    bench.run().await
}

/// Takes the events in as the engine does, in batches of about a request.
async fn load(arguments: &Arguments, table: &Arc<Table>) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut lines = BufReader::with_capacity(1 << 20, std::fs::File::open(&arguments.events)?);
    let (mut body, mut loaded, mut unflushed) = (Vec::new(), 0, 0);
    loop {
        body.clear();
        let mut count = 0;
        while count < 1000 && loaded + count < arguments.count && lines.read_until(b'\n', &mut body)? > 0 {
            count += 1;
        }
        if count == 0 {
            break;
        }
        let received = Timestamp::from_micros(1_800_000_000_000_000 + loaded as i64);
        let mut builder = BatchBuilder::with_capacity(count);
        for item in decode(Format::IbmAt, &body, received) {
            match &item.event {
                Ok(event) => builder.append(item.format.as_str(), item.raw, event),
                Err(reject) => bail!("the event {} is a reject: {}", loaded + item.index, reject.detail),
            }
        }
        table.append(sequence(&builder.finish(), table.next_offset(), received))?;
        loaded += count;
        unflushed += count;
        if unflushed >= arguments.flush_rows && loaded + arguments.tail_rows < arguments.count {
            table.flush().await?;
            unflushed = 0;
        }
    }
    if arguments.tail_rows == 0 {
        table.flush().await?;
        while table.compact(Timestamp::from_micros(1_900_000_000_000_000)).await?.is_some() {}
    }
    println!("loaded {loaded} events in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

struct Bench {
    searcher: Searcher,
    snapshot: Snapshot,
    meta: Value,
    complete: bool,
    rounds: usize,
    only: Option<String>,
}

type Checked = anyhow::Result<Stats>;

impl Bench {
    async fn run(&self) -> anyhow::Result<()> {
        let meta = |name: &str| self.meta[name].as_str().unwrap_or_default().to_owned();
        let (id, user, address, phrase) = (meta("q1_id"), meta("q2_user"), meta("q3_ip"), meta("q5_phrase"));
        let from = Timestamp::parse(&meta("q2_from")).ok().map(|parsed| parsed.at);
        let last_day = Filter { from, ..self.filter("")? };

        self.measure("q1_id", || async {
            let found = self.searcher.get_by_id(&self.snapshot, &id, &everyone(), 1).await?;
            self.expect(found.value.iter().map(|batch| batch.num_rows() as u64).sum(), 1)?;
            Ok(found.stats)
        })
        .await?;
        self.list("q1_prefix", &format!("id:{id}"), None, 1).await?;
        self.list(
            "q2_user_last_day",
            &format!("initiator.name:==\"{user}\""),
            from,
            self.answer("q2_matches").min(100),
        )
        .await?;
        self.list("newest_100", "", None, 100).await?;
        let of_address = self.filter(&format!("initiator.host.address:==={address}"))?;
        self.measure("q3_address_rows", || async {
            let columns = ["event_time", "id", "action", "initiator_name", "outcome"];
            let mut export = self.searcher.export(&self.snapshot, &of_address, Order::OldestFirst, Some(&columns))?;
            let mut rows = 0;
            while let Some(batch) = export.next().await {
                rows += batch?.num_rows() as u64;
            }
            self.expect(rows, self.answer("q3_matches"))?;
            Ok(export.stats())
        })
        .await?;
        self.count("q3_count", &format!("initiator.host.address:==={address}"), self.answer("q3_matches")).await?;
        self.count("q4_prefix_failure", "action:kms. outcome:failure", self.answer("q4_matches")).await?;
        self.list("q5_phrase", &format!("requestData:\"{phrase}\""), None, self.answer("q5_matches")).await?;
        self.list("q5_any", &format!("\"{phrase}\""), None, self.answer("q5_matches")).await?;
        self.list("q5b_two_words", "breakglass commander", None, 0).await?;
        self.list("q5b_frequent_words", "emergency delete", None, 100).await?;
        self.count("raw_path", "dataEvent:true reason.reasonCode:>=400", 0).await?;
        self.count("json_path", "responseData.durationMs:>400", 0).await?;
        let everything = self.filter("")?;
        self.measure("count_all", || async {
            let count = self.searcher.count(&self.snapshot, &everything).await?;
            self.expect(count.value, self.answer("events"))?;
            Ok(count.stats)
        })
        .await?;
        for (name, by) in
            [("q6_histogram", Target::Field(Field::Outcome)), ("q6_result", Target::Record(RecordField::Result))]
        {
            self.measure(name, || async {
                let bars = self.searcher.histogram(&self.snapshot, &everything, 3_600_000_000, &by).await?;
                let mut hours: Vec<_> = bars.value.iter().map(|(start, ..)| *start).collect();
                hours.dedup();
                self.expect(hours.len() as u64, self.answer("q6_hours"))?;
                self.expect(bars.value.iter().map(|(.., count)| count).sum(), self.answer("events"))?;
                Ok(bars.stats)
            })
            .await?;
        }
        self.top("q7_actions", "", Field::Action, 10, "q7_top").await?;
        self.top("q8_failing_users", "outcome:failure", Field::InitiatorName, 20, "q8_top").await?;
        self.measure("facets_6", || async {
            let fields =
                [Field::Action, Field::Outcome, Field::InitiatorName, Field::Service, Field::Region, Field::Address];
            let facets = self.searcher.facets(&self.snapshot, &everything, &fields.map(Target::Field), 8).await?;
            self.expect(facets.value.len() as u64, 6)?;
            Ok(facets.stats)
        })
        .await?;
        self.sql(
            "q9_distinct_addresses",
            "SELECT initiator_name, count(DISTINCT initiator_address) AS addresses FROM events GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
            20,
        )
        .await?;
        self.sql("sql_count_by_action", "SELECT action, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC LIMIT 10", 10)
            .await?;
        self.sql(
            "sql_raw",
            "SELECT json_text(raw, 'responseData.durationMs') FROM events WHERE action = 'kms.key.delete' LIMIT 10",
            10,
        )
        .await?;
        for (name, columns) in [("q10_last_day_all", None), ("q10_last_day_csv", Some(CSV_COLUMNS))] {
            self.measure(name, || async {
                let mut export = self.searcher.export(&self.snapshot, &last_day, Order::OldestFirst, columns)?;
                let (mut rows, mut bytes) = (0, 0);
                while let Some(batch) = export.next().await {
                    let batch = batch?;
                    rows += batch.num_rows() as u64;
                    if columns.is_none() {
                        let raws = RawReader::new(&batch);
                        bytes += (0..batch.num_rows()).map(|row| raws.raw(row).len()).sum::<usize>();
                    }
                }
                self.expect(rows, self.answer("last_day"))?;
                std::hint::black_box(bytes);
                Ok(export.stats())
            })
            .await?;
        }
        Ok(())
    }

    fn filter(&self, text: &str) -> anyhow::Result<Filter> {
        Ok(Filter::of(whodid_query::parse(text)?, everyone()))
    }

    fn answer(&self, name: &str) -> u64 {
        self.meta[name].as_u64().unwrap_or_default()
    }

    fn expect(&self, found: u64, expected: u64) -> anyhow::Result<()> {
        if self.complete && expected > 0 && found != expected {
            bail!("found {found}, expected {expected}");
        }
        Ok(())
    }

    async fn list(&self, name: &str, text: &str, from: Option<Timestamp>, expected: u64) -> anyhow::Result<()> {
        let filter = Filter { from, ..self.filter(text)? };
        self.measure(name, || async {
            let page = self.searcher.list(&self.snapshot, &filter, Order::NewestFirst, None, 100).await?;
            self.expect(page.rows.iter().map(|batch| batch.num_rows() as u64).sum(), expected)?;
            Ok(page.stats)
        })
        .await
    }

    async fn count(&self, name: &str, text: &str, expected: u64) -> anyhow::Result<()> {
        let filter = self.filter(text)?;
        self.measure(name, || async {
            let count = self.searcher.count(&self.snapshot, &filter).await?;
            self.expect(count.value, expected)?;
            Ok(count.stats)
        })
        .await
    }

    async fn top(&self, name: &str, text: &str, field: Field, limit: usize, expected: &str) -> anyhow::Result<()> {
        let filter = self.filter(text)?;
        self.measure(name, || async {
            let top = self.searcher.top(&self.snapshot, &filter, &Target::Field(field), limit, None).await?;
            if self.complete {
                let found = serde_json::to_value(&top.value.values)?;
                let counts = |list: &Value| {
                    list.as_array().map(|list| list.iter().map(|pair| pair[1].clone()).collect::<Vec<_>>())
                };
                if counts(&found) != counts(&self.meta[expected]) {
                    bail!("{name}: found {found}, expected {}", self.meta[expected]);
                }
            }
            Ok(top.stats)
        })
        .await
    }

    async fn sql(&self, name: &str, text: &str, expected: u64) -> anyhow::Result<()> {
        self.measure(name, || async {
            let answer = self.searcher.sql(&self.snapshot, text, &everyone(), SqlLimits::default()).await?;
            self.expect(answer.batches.iter().map(|batch| batch.num_rows() as u64).sum(), expected)?;
            Ok(answer.stats)
        })
        .await
    }

    /// One run told apart as the first, then the counted ones.
    async fn measure<F>(&self, name: &str, query: impl Fn() -> F) -> anyhow::Result<()>
    where
        F: Future<Output = Checked>,
    {
        if self.only.as_ref().is_some_and(|only| !name.starts_with(only.as_str())) {
            return Ok(());
        }
        let timed = || async {
            let (started, cpu) = (Instant::now(), cpu_seconds());
            let stats = query().await.with_context(|| name.to_owned())?;
            anyhow::Ok((started.elapsed().as_secs_f64() * 1e3, (cpu_seconds() - cpu) * 1e3, stats))
        };
        let (first, ..) = timed().await?;
        let (mut walls, mut cpus, mut last) = (Vec::new(), Vec::new(), Stats::default());
        for _ in 0..self.rounds {
            let (wall, cpu, stats) = timed().await?;
            walls.push(wall);
            cpus.push(cpu);
            last = stats;
        }
        walls.sort_by(f64::total_cmp);
        cpus.sort_by(f64::total_cmp);
        println!(
            "{name:24} first {first:7.1} ms  median {:7.1}  best {:7.1}  cpu {:7.1}   {} rows, {} of {} segments",
            walls[walls.len() / 2],
            walls[0],
            cpus[cpus.len() / 2],
            last.rows_scanned,
            last.segments_read,
            last.segments
        );
        Ok(())
    }
}

const CSV_COLUMNS: &[&str] = &[
    "event_time",
    "id",
    "action",
    "outcome",
    "initiator_name",
    "initiator_address",
    "target_id",
    "reason_code",
    "message",
];

/// Processor time of this process so far.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let of_main: f64 = text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or_default();
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return of_main / 1e9 };
    let of_thread = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    threads.flatten().filter_map(of_thread).sum::<f64>() / 1e9
}

fn everyone() -> Visible {
    Visible::all(StreamName::activity())
}
