//! CPU of each step from decoded events to segments: `cargo run --release -p whodid-lake --example lake_bench [events.ndjson]`.
//!
//! Without a file it makes its own events of about 1 kB.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::time::{Duration, Instant};

use whodid_decode::{Format, decode};
use whodid_lake::{BatchBuilder, Lake, Location, decode_batch, encode_batch, raw_of_row, sequence};
use whodid_model::{AccountName, Offset, StreamName, Timestamp};

/// CPU time of all threads since a moment, and wall time; on a shared machine the first is the figure.
struct Clock {
    wall: Instant,
    cpu: Duration,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_time() }
    }

    fn micros(&self, count: usize) -> String {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count.max(1) as f64;
        format!("{:8.3} us CPU {:8.3} us", each(cpu_time() - self.cpu), each(self.wall.elapsed()))
    }
}

/// User and system time in ticks of 10 ms, by Linux; elsewhere nothing.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

const EVENTS_A_REQUEST: usize = 1000;

fn made_lines(count: u64) -> String {
    let mut text = String::new();
    let mut random = 7_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 11
    };
    for number in 0..count {
        let at = Timestamp::from_millis(1_769_817_600_000 + number as i64 * 173);
        let (user, key, request) = (next() % 5000, next(), next());
        let words = ["backup", "review", "tenant", "policy", "upgrade", "region", "listener", "pipeline"];
        let word = |shift: u64| words[(request >> shift) as usize % words.len()];
        text.push_str(&format!(
            r#"{{"eventTime":"{at}","id":"{:08x}-{:04x}-4000-8000-{:012x}","action":"kms.secrets.{verb}","outcome":"success","severity":"normal","dataEvent":true,"message":"Key Protect: {verb} secret {name:016x}","initiator":{{"id":"IBMid-{user:08}","name":"user{user}@example.com","typeURI":"service/security/account/user","credential":{{"type":"token"}},"host":{{"address":"192.0.2.{octet}","addressType":"IPv4","agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"}}}},"target":{{"id":"crn:v1:example:public:kms:us-south:a/{account:032x}:4df22cf9-08d3-4a66-9ea4-fa276794ce4f:secret:{name:016x}","typeURI":"kms/secrets","name":"secret-{name:010x}"}},"reason":{{"reasonCode":200,"reasonType":"OK"}},"requestData":{{"requestId":"{request:012x}","description":"{} {} {} {} {}"}},"responseData":{{"durationMs":{duration},"resource":{{"state":"active","version":{version}}}}},"correlationId":"{request:08x}-0000-4000-8000-{key:012x}","region":"us-south","logSourceCRN":"crn:v1:example:public:kms:us-south:a/{account:032x}:4df22cf9-08d3-4a66-9ea4-fa276794ce4f::"}}"#,
            key >> 24, key & 0xffff, next() & 0xffff_ffff_ffff,
            word(0), word(3), word(6), word(9), word(12),
            verb = ["read", "list", "create", "delete"][(key % 4) as usize],
            name = key, octet = user % 254, account = user % 50,
            duration = request % 300, version = request % 40,
        ));
        text.push('\n');
    }
    text
}

fn main() {
    let text = match std::env::args().nth(1) {
        Some(file) => std::fs::read_to_string(file).unwrap(),
        None => made_lines(300_000),
    };
    let count_max = std::env::args().nth(2).map_or(300_000, |count| count.parse().unwrap());
    let lines: Vec<&str> = text.lines().take(count_max).collect();
    let events = lines.len();
    let received = Timestamp::from_millis(1_800_000_000_000);
    let bytes: usize = lines.iter().map(|line| line.len()).sum();
    println!("{events} events of {} bytes", bytes / events);
    let per_event = |what: &str, since: Clock| println!("{what:<14} {} an event", since.micros(events));

    let since = Clock::start();
    let requests: Vec<String> = lines.chunks(EVENTS_A_REQUEST).map(|lines| lines.join("\n")).collect();
    let decoded: Vec<_> = requests.iter().map(|body| decode(Format::IbmAt, body.as_bytes(), received)).collect();
    per_event("decode", since);

    let since = Clock::start();
    let mut batches = Vec::new();
    for items in &decoded {
        let mut builder = BatchBuilder::with_capacity(items.len());
        for item in items {
            builder.append(item.format.as_str(), item.raw, item.event.as_ref().unwrap());
        }
        batches.push(builder.finish());
    }
    per_event("cut and build", since);
    let templates: usize = batches
        .iter()
        .map(|batch| batch.column_by_name("raw_template").unwrap().to_data().get_slice_memory_size().unwrap())
        .sum();
    println!("               {} bytes of template an event", templates / events);

    let since = Clock::start();
    let encoded: Vec<Vec<u8>> = batches.iter().map(encode_batch).collect();
    per_event("encode", since);
    println!("               {} bytes an event", encoded.iter().map(Vec::len).sum::<usize>() / events);
    let since = Clock::start();
    for encoded in &encoded {
        decode_batch(encoded).unwrap();
    }
    per_event("read back", since);

    let since = Clock::start();
    let singles: usize =
        (0..1000).map(|row| encode_batch(&batches[0].slice(row % batches[0].num_rows(), 1)).len()).sum();
    println!("single events  {}, {} bytes each", since.micros(1000), singles / 1000);

    let since = Clock::start();
    let mut raw = 0;
    for batch in &batches {
        for row in 0..batch.num_rows() {
            raw += raw_of_row(batch, row).len();
        }
    }
    assert_eq!(raw, bytes);
    per_event("rebuild", since);

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(Location::Folder(folder.path().to_owned())).await.unwrap();
        let table = lake.table(&AccountName::default_account(), &StreamName::activity()).await.unwrap();
        let since = Clock::start();
        let mut next = 0;
        for batch in &batches {
            table.append(sequence(batch, Offset(next), received)).unwrap();
            next += batch.num_rows() as u64;
        }
        per_event("append", since);
        println!("               {} bytes of tail an event", table.tail_bytes() / events);
        let since = Clock::start();
        let report = table.flush().await.unwrap();
        per_event("flush", since);
        println!("               {} segments, {} bytes an event", report.segments, report.bytes / events as u64);
        for segment in table.snapshot().segments {
            let footer = segment.footer(&lake.store()).await.unwrap();
            if segment.offsets.0 == Offset(0) {
                for column in 0..footer.file_metadata().schema_descr().num_columns() {
                    let bytes: i64 =
                        footer.row_groups().iter().map(|group| group.column(column).compressed_size()).sum();
                    println!(
                        "  {:<20} {:8.2}",
                        footer.file_metadata().schema_descr().column(column).name(),
                        bytes as f64 / segment.rows as f64
                    );
                }
            }
        }

        let lake = Lake::open(Location::Memory).await.unwrap();
        let table = lake.table(&AccountName::default_account(), &StreamName::activity()).await.unwrap();
        let mut next = 0;
        let parts = batches.len().div_ceil(8);
        for part in batches.chunks(parts) {
            for batch in part {
                table.append(sequence(batch, Offset(next), received)).unwrap();
                next += batch.num_rows() as u64;
            }
            table.flush().await.unwrap();
        }
        let since = Clock::start();
        let mut merged = 0;
        let quiet = received.plus_micros(86_400_000_000);
        while let Some(report) = table.compact(quiet).await.unwrap() {
            merged += report.rows;
        }
        println!("compact        {} a row of {merged}", since.micros(merged as usize));
    });
}
