//! A table of made-up events, what the plain evaluator says of them, and a check of every search against it.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use futures::StreamExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use whodid_decode::{Format, decode};
use whodid_lake::{BatchBuilder, Lake, Location, Snapshot, raw_of_row, sequence};
use whodid_model::access::Rows;
use whodid_model::{
    AccountName, Event, Field, Offset, Reject, RejectCode, SpaceName, StreamName, TimeSource, Timestamp,
};
use whodid_query::{EventText, EventView, Expr, Known, Query, RecordField, Target};
use whodid_search::{Filter, Options, Order, Searcher, Top, Visible};

/// Events of one user in segments, numbered from 0 on.
pub async fn numbered(rows: usize) -> Snapshot {
    let lake = Lake::open(Location::Memory).await.unwrap();
    let table = lake.table(&AccountName::default_account(), &StreamName::activity()).await.unwrap();
    let recorded_at = Timestamp::from_micros(1_770_000_000_000_000);
    let mut builder = BatchBuilder::new();
    for number in 0..rows {
        let raw = format!(r#"{{"when":"2026-02-01T00:00:00Z","user":"alice","n":{number}}}"#);
        let items = decode(Format::Json, raw.as_bytes(), recorded_at);
        builder.append("json", raw.as_bytes(), items[0].event.as_ref().unwrap());
    }
    table.append(sequence(&builder.finish(), Offset(0), recorded_at)).unwrap();
    table.flush().await.unwrap();
    table.snapshot()
}

pub(crate) const BEGIN: i64 = 1_770_000_000_000_000;

/// A record as it was taken in.
pub(crate) struct Taken {
    pub(crate) raw: Vec<u8>,
    pub(crate) event: Event<'static>,
    pub(crate) offset: u64,
    pub(crate) recorded_at: Timestamp,
    pub(crate) source: &'static str,
}

impl Taken {
    pub(crate) fn key(&self) -> (i64, u64) {
        (self.event.event_time.micros(), self.offset)
    }

    pub(crate) fn with_view<T>(&self, ask: impl FnOnce(&dyn EventView) -> T) -> T {
        let raw = std::str::from_utf8(&self.raw).unwrap_or_default();
        let known = Known {
            offset: Some(Offset(self.offset)),
            recorded_at: Some(self.recorded_at),
            source: Some(self.source),
            stream: Some("activity"),
            time_source: Some(whodid_lake::schema::time_source_text(self.event.time_source)),
        };
        ask(&EventText::new(raw, &self.event, known))
    }

    pub(crate) fn passes(&self, filter: &Filter) -> bool {
        let time = self.event.event_time;
        self.with_view(|view| filter.visible.shows(view))
            && filter.from.is_none_or(|from| time >= from)
            && filter.to.is_none_or(|to| time < to)
            && filter.recorded_from.is_none_or(|from| self.recorded_at >= from)
            && filter.recorded_to.is_none_or(|to| self.recorded_at < to)
            && filter.before_offset.is_none_or(|before| self.offset < before.0)
            && filter.region.as_deref().is_none_or(|region| self.event.fields.get(Field::Region) == Some(region))
            && self.with_view(|view| filter.query.matches(view))
    }

    pub(crate) fn values(&self, target: &Target) -> Vec<String> {
        let mut values = Vec::new();
        let mut note = |value: &str| {
            values.push(value.to_owned());
            false
        };
        self.with_view(|view| match target {
            Target::Field(field) => {
                if let Some(text) = view.field(*field) {
                    whodid_query::evaluate::any_of_field_text(*field, text, &mut note);
                }
            }
            Target::Record(field) => {
                view.any_record(*field, &mut note);
            }
            Target::Raw(path) => {
                view.any_at(path.as_str(), &mut note);
            }
            Target::Json { field, path } => {
                if let Some(text) = view.field(*field)
                    && let Some(node) = whodid_query::walk::encoded_tree(text)
                {
                    whodid_query::walk::Tree::new(text, &node).any_at(path.as_str(), &mut note);
                }
                view.any_at(&format!("{}.{path}", field.path()), &mut note);
            }
            Target::Any => {}
        });
        values.sort();
        values.dedup();
        values
    }
}

pub(crate) struct World {
    pub(crate) taken: Vec<Taken>,
    pub(crate) snapshot: Snapshot,
    _lake: Lake,
}

pub(crate) const WORDS: &[&str] = &[
    "alice",
    "Bob",
    "kms",
    "delete",
    "secret",
    "kms.secrets.delete",
    "über",
    "Straße",
    "naïve",
    "a\"b",
    "back\\slash",
    "tab\there",
    "10.1.2.3",
    "2001:db8::1",
    "192.0.2.77",
    "read",
    "x",
    "007",
    "success",
    "failure",
    "prod-eu",
    "CRN:v1:acme",
    "日本",
    "e",
    "[1,2]",
    "{\"deep\":\"down\",\"n\":7}",
    "2026-02-02T03:04:05Z",
    "Kelvin K",
    "long value of many words here",
    "true",
    " 5 ",
    "/api/v2/keys",
    "[2001:db8::1]:443",
    "at 1770007200, x",
    "1770007200 by",
    "{\"created\":\"2026-02-02T00:00:00Z\",\"by\":\"a/b\"}",
];

pub(crate) fn word(random: &mut StdRng) -> &'static str {
    WORDS.choose(random).unwrap()
}

pub(crate) fn pick<T: Copy>(random: &mut StdRng, of: &[T]) -> T {
    *of.choose(random).unwrap()
}

pub(crate) fn json_value(random: &mut StdRng, depth: usize) -> serde_json::Value {
    use serde_json::{Value, json};
    match random.random_range(0..if depth == 0 { 7 } else { 10 }) {
        0 => json!(random.random_range(0..20)),
        1 => json!(f64::from(random.random_range(0..50)) / 4.0),
        2 => json!(random.random_bool(0.5)),
        3 => Value::Null,
        4..=6 => json!(word(random)),
        7 => Value::Array((0..random.random_range(0..3)).map(|_| json_value(random, depth - 1)).collect()),
        8 => Value::String(json_value(random, depth - 1).to_string()),
        _ => {
            let keys = ["a", "b", "name", "a.b", "id", "bucketName", "größe"];
            let members = (0..random.random_range(0..4))
                .map(|_| ((*keys.choose(random).unwrap()).to_owned(), json_value(random, depth - 1)));
            Value::Object(members.collect())
        }
    }
}

/// Sets the member in some of the events.
pub(crate) fn maybe(
    object: &mut serde_json::Value,
    random: &mut StdRng,
    chance: f64,
    key: &str,
    value: impl FnOnce(&mut StdRng) -> serde_json::Value,
) {
    if random.random_bool(chance) {
        object[key] = value(random);
    }
}

pub(crate) fn time_text(random: &mut StdRng) -> serde_json::Value {
    let at = BEGIN + random.random_range(0..40) * 7_200_000_000 + random.random_range(0..3) * 1_500;
    let stamp = Timestamp::from_micros(at);
    match random.random_range(0..6) {
        0 => serde_json::json!(at / 1_000_000),
        1 => serde_json::json!(at / 1_000),
        2 => serde_json::json!(stamp.to_string().replace('Z', "+0000")),
        _ => serde_json::json!(stamp.to_string()),
    }
}

pub(crate) fn raw_event(random: &mut StdRng, number: usize) -> (Format, String) {
    use serde_json::json;
    let actors = ["alice@example.com", "bob@example.org", "svc-1", "Zoë"];
    let regions = ["eu-de", "us-south", "eu-gb"];
    let outcomes = ["success", "failure", "pending"];
    match random.random_range(0..4) {
        0 | 1 => {
            let mut event = json!({
                "eventTime": time_text(random),
                "id": if random.random_bool(0.1) { "twice".to_owned() } else { format!("id-{number:06}-{}", random.random_range(0..1000)) },
                "action": pick(random, &["kms.secrets.delete", "kms.secrets.read", "iam.user.login", "delete"]),
                "outcome": pick(random, &outcomes),
                "severity": "normal",
                "initiator": {"id": format!("u{}", random.random_range(0..4)), "name": pick(random, &actors), "typeURI": "service/security/account/user",
                    "host": {"address": pick(random, &["10.1.2.3", "192.0.2.77", "2001:db8::1"])}},
                "target": {"id": word(random), "name": word(random), "typeURI": "kms/secrets"},
                "reason": {"reasonCode": pick(random, &[200, 403, 404]), "reasonType": "OK"},
            });
            let when = event["eventTime"].as_str().unwrap_or("").to_owned();
            maybe(&mut event, random, 0.6, "requestData", |random| json_value(random, 3));
            maybe(&mut event, random, 0.4, "responseData", |random| json_value(random, 2));
            maybe(&mut event, random, 0.5, "message", |random| {
                json!(format!("{} at {when} {}", word(random), word(random)))
            });
            maybe(&mut event, random, 0.4, "region", |random| json!(pick(random, &regions)));
            maybe(&mut event, random, 0.4, "extra", |random| json_value(random, 3));
            let reasons = ["permission denied", "no such key"];
            maybe(&mut event["reason"], random, 0.2, "reasonForFailure", |random| json!(pick(random, &reasons)));
            maybe(&mut event, random, 0.3, "dataEvent", |random| json!(random.random_bool(0.5)));
            maybe(&mut event, random, 0.3, "correlationId", |random| {
                json!(format!("corr-{}", random.random_range(0..5)))
            });
            (Format::IbmAt, event.to_string())
        }
        2 => {
            let mut event = json!({"eventVersion": "1.08", "eventTime": "2026-02-03T04:05:06Z", "eventSource": "s3.amazonaws.com",
                "eventName": pick(random, &["GetObject", "DeleteBucket"]), "awsRegion": pick(random, &regions),
                "sourceIPAddress": pick(random, &["203.0.113.9", "203.0.113.9:51", "[2001:db8::1]:443"]), "userAgent": word(random), "eventID": format!("ct-{number}"),
                "userIdentity": {"type": "IAMUser", "userName": pick(random, &actors), "sessionContext": {"attributes": {"mfa": word(random)}}},
                "requestParameters": json_value(random, 2), "responseElements": null});
            maybe(&mut event, random, 0.3, "errorCode", |_| json!("AccessDenied"));
            maybe(
                &mut event,
                random,
                0.4,
                "resources",
                |random| json!([{"ARN": word(random)}, {"ARN": word(random), "n": [1, {"k": word(random)}]}]),
            );
            (Format::CloudTrail, event.to_string())
        }
        _ => {
            let time = time_text(random);
            let mut event = json!({"note": format!("at {time} by"), "when": time, "user": word(random), "what": word(random), "free": json_value(random, 3)});
            let run = format!("run {}", event["when"].as_str().unwrap_or("1770007200"));
            maybe(&mut event, random, 0.1, &run, |random| json!(word(random)));
            maybe(&mut event, random, 0.1, "7", |random| json_value(random, 2));
            maybe(&mut event, random, 0.2, "src_ip", |_| json!("[2001:db8::1]:443"));
            maybe(&mut event, random, 0.5, "status", |random| json!(word(random)));
            maybe(&mut event, random, 0.5, "ts", time_text);
            // Blanks between values, and escapes where none are needed.
            let text = match random.random_range(0..3) {
                0 => serde_json::to_string_pretty(&event).unwrap(),
                1 => event.to_string().replace('o', "\\u006f"),
                _ => event.to_string().replace('/', "\\/"),
            };
            (Format::Json, text)
        }
    }
}

pub(crate) fn owned(event: &Event<'_>) -> Event<'static> {
    let mut copy = Event::at(event.event_time, event.time_source);
    copy.space = event.space.as_ref().map(|space| space.to_string().into());
    for (field, text) in event.fields.iter() {
        copy.fields.set(field, text.to_string());
    }
    copy
}

pub(crate) fn append(random: &mut StdRng, builder: &mut BatchBuilder, taken: &mut Vec<Taken>, recorded_at: Timestamp) {
    let offset = taken.len() as u64;
    if random.random_bool(0.03) {
        let raw = if random.random_bool(0.5) { b"no json: alice {".to_vec() } else { vec![b'k', 0xff, b'm'] };
        let reject = Reject::new(RejectCode::NotJson, "not JSON at byte 3");
        builder.append_reject("json", &raw, &reject, recorded_at);
        let mut event = Event::at(recorded_at, TimeSource::Received);
        event.fields.set(Field::Outcome, "failure");
        event.fields.set(Field::ReasonCode, reject.code.as_str());
        event.fields.set(Field::ReasonText, reject.detail);
        taken.push(Taken { raw, event, offset, recorded_at, source: "json" });
        return;
    }
    let (format, raw) = raw_event(random, taken.len());
    let items = decode(format, raw.as_bytes(), recorded_at);
    let item = &items[0];
    let Ok(event) = &item.event else { panic!("{raw} is a reject: {:?}", item.event) };
    let mut event = event.clone();
    if random.random_bool(0.3) {
        event.space = Some(["dev", "prod"].choose(random).unwrap().to_string().into());
    }
    builder.append(item.format.as_str(), item.raw, &event);
    taken.push(Taken {
        raw: item.raw.to_vec(),
        event: owned(&event),
        offset,
        recorded_at,
        source: item.format.as_str(),
    });
}

pub(crate) async fn world(seed: u64, rows: usize) -> World {
    let random = &mut StdRng::seed_from_u64(seed);
    let lake = Lake::open(Location::Memory).await.unwrap();
    let table = lake.table(&AccountName::default_account(), &StreamName::activity()).await.unwrap();
    let mut taken = Vec::new();
    while taken.len() < rows {
        let first = taken.len();
        let recorded_at = Timestamp::from_micros(BEGIN + 1_000_000_000_000 + (first as i64 / 100) * 60_000_000);
        let mut builder = BatchBuilder::new();
        for _ in 0..random.random_range(1..60) {
            append(random, &mut builder, &mut taken, recorded_at);
        }
        table.append(sequence(&builder.finish(), Offset(first as u64), recorded_at)).unwrap();
        match random.random_range(0..8) {
            0 => drop(table.flush().await.unwrap()),
            1 if random.random_bool(0.2) => drop(table.compact(recorded_at).await.unwrap()),
            _ => {}
        }
    }
    World { taken, snapshot: table.snapshot(), _lake: lake }
}

pub(crate) fn searcher() -> Searcher {
    Searcher::new(Options {
        memory_bytes: 256 << 20,
        spill_dir: None,
        timeout: Duration::from_secs(60),
        target_partitions: 2,
    })
    .unwrap()
}

/// A random condition, as people write them.
pub(crate) fn query_text(random: &mut StdRng, depth: usize) -> String {
    if depth > 0 && random.random_bool(0.5) {
        let (a, b) = (query_text(random, depth - 1), query_text(random, depth - 1));
        return match random.random_range(0..4) {
            0 => format!("{a} {b}"),
            1 => format!("({a}) OR ({b})"),
            2 => format!("-({a})"),
            _ => format!("({a}) -({b})"),
        };
    }
    let names = [
        "action",
        "outcome",
        "initiator.name",
        "target.id",
        "target.name",
        "requestData",
        "responseData",
        "message",
        "id",
        "region",
        "reason.reasonCode",
        "initiator.host.address",
        "source",
        "space",
        "stream",
        "offset",
        "eventTime",
        "recorded_at",
        "time_source",
        "extra",
        "extra.a",
        "extra.name.b",
        "free",
        "free.a",
        "requestData.a",
        "requestData.a.b",
        "responseData.name",
        "requestParameters.name",
        "userIdentity.userName",
        "userIdentity.type",
        "resources.ARN",
        "resources.n.k",
        "resources.1.n.0",
        "raw.initiator.name",
        "raw.initiator",
        "raw.requestData.name",
        "raw.eventTime",
        "raw.id",
        "dataEvent",
        "user",
        "raw.what",
        "raw.ts",
        "correlationId",
        "cadf.action",
        "raw.message",
        "requestData.größe",
        "reason_type",
        "result",
        "nosuch",
        "nosuch.path",
        "0.free",
        "7",
        "7.a",
        "src_ip",
        "raw.run\\ 2026-02-02T02:40:00Z",
        "free.by",
    ];
    let values = [
        "alice",
        "bo",
        "kms",
        "K",
        "delete",
        "über",
        "ÜBER",
        "strasse",
        "Straße",
        "10.1",
        "success",
        "2",
        "403",
        "5",
        "0",
        "7",
        "true",
        "id-0000",
        "id-",
        "twice",
        "svc-1",
        "dev",
        "ibm-at",
        "json",
        "activity",
        "2026",
        "2026-02",
        "02T03",
        "05.0",
        "Z",
        "00Z",
        "e",
        "naïve",
        "back",
        "日本",
        "down",
        "sec*del",
        "*lete",
        "k*",
        "deep",
        "long*words",
        "stated",
        "null",
        "denied",
        "v2/k",
        "a/b",
        "T00",
        "00.001",
    ];
    let quoted = [
        "\"kms.secrets\"",
        "\"many words\"",
        "\"a\\\"b\"",
        "\"of many\"",
        "\"delete\"",
        "\"alice at\"",
        "\"at 2026\"",
        "\"not json\"",
        "\"json: alice\"",
        "\"[1,2]\"",
        "\"api/v2\"",
        "\"/api\"",
        "\"[2001:db8::1]:443\"",
        "\"[2001\"",
        "\"at 1770007200\"",
        "\"by\"",
        "\"k17 at 2026\"",
        "\"id\"",
    ];
    let name = names.choose(random).unwrap();
    let value = if random.random_bool(0.2) { quoted.choose(random).unwrap() } else { values.choose(random).unwrap() };
    match random.random_range(0..14) {
        0..=2 => (*value).to_owned(),
        3..=5 => format!("{name}:{value}"),
        6 => format!("{name}:={value}"),
        7 => format!("{name}:=={value}"),
        8 => format!("{name}:==={value}"),
        9 => format!("{name}:*"),
        10 => format!("{name}:[{},{}]", values.choose(random).unwrap(), values.choose(random).unwrap()),
        11 => format!(
            "{}:(>={} <{})",
            ["reason.reasonCode", "offset", "requestData.a", "extra.a", "free"].choose(random).unwrap(),
            random.random_range(0..9),
            random.random_range(5..500)
        ),
        12 => [
            "eventTime:>2026-02-02T10:00:00Z",
            "recorded_at:<2026-02-15",
            "eventTime:(>=2026-02-03 <2026-02-04)",
            "raw.ts:>2026-02-02",
        ]
        .choose(random)
        .unwrap()
        .to_string(),
        _ => [
            "initiator.host.address:10.0.0.0/8",
            "10.0.0.0/8",
            "2001:db8::/32",
            "raw.sourceIPAddress:203.0.113.0/24",
            "requestData:192.0.2.0/24",
        ]
        .choose(random)
        .unwrap()
        .to_string(),
    }
}

/// Every record.
pub(crate) fn everyone() -> Visible {
    Visible::all(StreamName::activity())
}

/// Rows as access scopes have them: some parts that are often narrow, sometimes none or all.
pub(crate) fn random_rows(random: &mut StdRng) -> Vec<Rows> {
    let spaces = |random: &mut StdRng| {
        let some = [vec![], vec!["dev"], vec!["dev", "prod"], vec!["elsewhere"]].choose(random).unwrap().clone();
        some.into_iter().map(|space| SpaceName::parse(space).unwrap()).collect()
    };
    let sources = |random: &mut StdRng| {
        let some = [vec![], vec!["json"], vec!["cloudtrail", "json"], vec!["ibm-at"], vec!["JSON", ""]]
            .choose(random)
            .unwrap()
            .clone();
        some.into_iter().map(str::to_owned).collect()
    };
    let query = |random: &mut StdRng| loop {
        let text = query_text(random, 1);
        if whodid_query::parse(&text).is_ok() {
            return text;
        }
    };
    let count = random.random_range(0..4);
    let one = |random: &mut StdRng| Rows {
        spaces: random.random_bool(0.5).then(|| spaces(random)),
        space_events: random.random_bool(0.8),
        account_events: random.random_bool(0.5),
        sources: random.random_bool(0.4).then(|| sources(random)),
        query: random.random_bool(0.4).then(|| query(random)),
    };
    (0..count).map(|_| one(random)).collect()
}

pub(crate) fn random_filter(random: &mut StdRng, rows: usize) -> Option<(String, Filter)> {
    let text = if random.random_bool(0.1) { String::new() } else { query_text(random, 2) };
    let query = whodid_query::parse(&text).ok()?;
    let mut filter = Filter::of(query, everyone());
    let mut at = |chance: f64| {
        random.random_bool(chance).then(|| Timestamp::from_micros(BEGIN + random.random_range(0..80) * 3_600_000_000))
    };
    filter.from = at(0.2);
    filter.to = at(0.2);
    if random.random_bool(0.2) {
        filter.before_offset = Some(Offset(random.random_range(0..rows as u64 + 10)));
    }
    if random.random_bool(0.1) {
        filter.region = Some("eu-de".to_owned());
    }
    if random.random_bool(0.1) {
        filter.recorded_from =
            Some(Timestamp::from_micros(BEGIN + 1_000_000_000_000 + random.random_range(0..6) * 60_000_000));
    }
    if random.random_bool(0.2) {
        filter.visible =
            Visible::of(&random_rows(random), StreamName::activity(), Timestamp::from_micros(BEGIN)).unwrap();
    }
    Some((text, filter))
}

pub(crate) fn keys(batches: &[RecordBatch]) -> Vec<(i64, u64)> {
    let of = |batch: &RecordBatch| -> Vec<(i64, u64)> {
        let times = batch.column_by_name("event_time").unwrap().as_primitive::<TimestampMicrosecondType>();
        let offsets = batch.column_by_name("offset").unwrap().as_primitive::<Int64Type>();
        times.values().iter().zip(offsets.values()).map(|(time, offset)| (*time, *offset as u64)).collect()
    };
    batches.iter().flat_map(of).collect()
}

pub(crate) fn raws(batches: &[RecordBatch]) -> Vec<Vec<u8>> {
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| raw_of_row(batch, row).into_owned())).collect()
}

pub(crate) fn top_of(taken: &[&Taken], target: &Target, limit: usize, prefix: Option<&str>) -> Top {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut missing = 0;
    for taken in taken {
        let values = taken.values(target);
        missing += u64::from(values.is_empty());
        for value in values {
            *counts.entry(value).or_default() += 1;
        }
    }
    let begins = |value: &str| {
        prefix.is_none_or(|prefix| whodid_query::text::folded(value).starts_with(&whodid_query::text::folded(prefix)))
    };
    let mut values: Vec<(String, u64)> = counts.into_iter().filter(|(value, _)| begins(value)).collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let other = values.iter().skip(limit).map(|(_, count)| count).sum();
    values.truncate(limit);
    Top { values, other, missing }
}

/// The tests that a condition is made of, to tell which one is wrong.
pub(crate) fn terms_of(expr: &Expr, terms: &mut Vec<Expr>) {
    match expr {
        Expr::All => {}
        Expr::And(members) | Expr::Or(members) => members.iter().for_each(|member| terms_of(member, terms)),
        Expr::Not(member) => terms_of(member, terms),
        Expr::Term(_) => terms.push(expr.clone()),
    }
}

pub(crate) async fn check(world: &World, searcher: &Searcher, text: &str, filter: &Filter, random: &mut StdRng) {
    let told = format!("{text:?} in {filter:?}");
    let expected: Vec<&Taken> = world.taken.iter().filter(|taken| taken.passes(filter)).collect();
    let snapshot = &world.snapshot;

    let count = searcher.count(snapshot, filter).await.unwrap();
    if count.value != expected.len() as u64 {
        let mut terms = Vec::new();
        terms_of(&filter.query.expr, &mut terms);
        for term in terms {
            let alone = Filter::of(Query { expr: term }, everyone());
            let right = world.taken.iter().filter(|taken| taken.passes(&alone)).collect::<Vec<_>>();
            let found = searcher.list(snapshot, &alone, Order::OldestFirst, None, 1_000_000).await.unwrap();
            let found: Vec<u64> = keys(&found.rows).iter().map(|(_, offset)| *offset).collect();
            for taken in
                world.taken.iter().filter(|taken| taken.passes(&alone) != found.contains(&taken.offset)).take(2)
            {
                eprintln!("{}: {} {}", alone.query, taken.passes(&alone), String::from_utf8_lossy(&taken.raw));
            }
            eprintln!("{}: {} right, {} found", alone.query, right.len(), found.len());
        }
    }
    assert_eq!(count.value, expected.len() as u64, "count of {told}");
    assert_eq!(count.stats.segments, snapshot.segments.len() as u64);

    for order in [Order::NewestFirst, Order::OldestFirst] {
        let mut ordered = expected.clone();
        ordered.sort_by_key(|taken| taken.key());
        if order == Order::NewestFirst {
            ordered.reverse();
        }
        let limit = random.random_range(1..expected.len() + 5).max(expected.len() / 4);
        let (mut found, mut texts, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let page = searcher.list(snapshot, filter, order, after, limit).await.unwrap();
            found.extend(keys(&page.rows));
            texts.extend(raws(&page.rows));
            assert!(found.len() <= expected.len(), "too many rows in {order:?} of {told}");
            after = found.last().map(|(time, offset)| (Timestamp::from_micros(*time), Offset(*offset)));
            if !page.more {
                break;
            }
        }
        assert_eq!(found, ordered.iter().map(|taken| taken.key()).collect::<Vec<_>>(), "{order:?} of {told}");
        assert_eq!(
            texts,
            ordered.iter().map(|taken| taken.raw.clone()).collect::<Vec<_>>(),
            "raw of {order:?} of {told}"
        );

        let mut export = searcher.export(snapshot, filter, order, None).unwrap();
        let mut batches = Vec::new();
        while let Some(batch) = export.next().await {
            batches.push(batch.unwrap());
        }
        assert_eq!(keys(&batches), found, "export {order:?} of {told}");
        assert_eq!(raws(&batches), texts, "export {order:?} of {told}");
    }

    let names = [
        "action",
        "initiator.name",
        "id",
        "requestData",
        "extra.a",
        "requestData.a",
        "space",
        "source",
        "offset",
        "resources.ARN",
        "raw.initiator.name",
        "dataEvent",
    ];
    let targets: Vec<Target> = (0..3).map(|_| whodid_query::resolve(names.choose(random).unwrap()).unwrap()).collect();
    let facets = searcher.facets(snapshot, filter, &targets, 5).await.unwrap();
    for (target, found) in targets.iter().zip(facets.value) {
        assert_eq!(found, top_of(&expected, target, 5, None), "top of {target:?} of {told}");
    }
    let prefix = ["a", "K", "id-0000", "ü"].choose(random).unwrap();
    let found = searcher.top(snapshot, filter, &targets[0], 3, Some(prefix)).await.unwrap();
    assert_eq!(
        found.value,
        top_of(&expected, &targets[0], 3, Some(prefix)),
        "top of {:?} with {prefix} of {told}",
        targets[0]
    );

    let interval = [3_600_000_000, 86_400_000_000, 1_000_000, 7][random.random_range(0..4)];
    for by in [Target::Record(RecordField::Result), Target::Field(Field::Region), targets[1].clone()] {
        let mut bars: BTreeMap<(Timestamp, String), u64> = BTreeMap::new();
        for taken in &expected {
            let start = Timestamp::from_micros(taken.event.event_time.micros().div_euclid(interval) * interval);
            let mut values = taken.values(&by);
            if values.is_empty() {
                values.push(String::new());
            }
            for value in values {
                *bars.entry((start, value)).or_default() += 1;
            }
        }
        let expected: Vec<(Timestamp, String, u64)> =
            bars.into_iter().map(|((start, value), count)| (start, value, count)).collect();
        let found = searcher.histogram(snapshot, filter, interval, &by).await.unwrap();
        assert_eq!(found.value, expected, "histogram by {by:?} of {told}");
    }
}
