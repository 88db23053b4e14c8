//! Matches and firings of rules over a file of events, and how fast: for the differential test and for profiles.
//!
//! `match_file RULES EVENTS [correlations|bench]`

use std::path::Path;
use std::time::Instant;

use whodid_decode::{Format, json};
use whodid_model::{Offset, StreamName, Timestamp};
use whodid_rules::{Build, Document, NoTexts, Place, RuleSet, Run, Texts, Unread};

fn read(path: &Path, documents: &mut Vec<Document>) {
    if path.is_dir() {
        let mut entries: Vec<_> =
            std::fs::read_dir(path).expect("a folder").flatten().map(|entry| entry.path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| read(entry, documents));
        return;
    }
    if path.extension().is_some_and(|ext| ["yml", "yaml", "json"].iter().any(|known| ext == *known)) {
        let text = std::fs::read_to_string(path).expect("a text");
        let loaded = whodid_rules::load(&path.display().to_string(), &text);
        #[allow(clippy::print_stderr, reason = "an example")]
        for problem in &loaded.problems {
            eprintln!("{problem}");
        }
        documents.extend(loaded.documents);
    }
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "an example")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut documents = Vec::new();
    read(Path::new(&arguments[0]), &mut documents);
    let build = Build {
        documents: documents.iter().collect(),
        with_dormant: true,
        routes: arguments.get(3).is_some(),
        ..Build::default()
    };
    let started = Instant::now();
    let (rules, problems) = RuleSet::compile(&build);
    problems.iter().for_each(|problem| eprintln!("{problem}"));
    eprintln!("{} rules compiled in {:?}", rules.rules().len(), started.elapsed());
    let body = std::fs::read(&arguments[1]).expect("events");
    let now = Timestamp::parse("2030-01-01T00:00:00Z").expect("a time").at;
    match arguments.get(2).map(String::as_str) {
        Some("bench") => bench(&rules, &body, now),
        Some("correlations") => {
            let mut hits = Vec::new();
            let mut run = Run::new(&rules);
            run.step(Format::Auto, &body, now, &mut hits);
            run.finish(&mut hits);
            for hit in hits.iter().filter(|hit| hit.start.is_some() || hit.why.is_some()) {
                println!(
                    "{}",
                    serde_json::json!({"rule_id": rules.rules()[hit.rule].meta.id, "group": hit.group, "time": hit.time.to_string(), "metric": hit.metric, "why": hit.why})
                );
            }
            eprintln!("{:?}", run.drops());
        }
        _ => {
            let mut run = Run::new(&rules);
            run.each(Format::Auto, &body, now, &mut |number, event, rules, _| {
                for rule in rules.matches(event) {
                    println!("{}", serde_json::json!({"rule_id": rules.rules()[rule].meta.id, "event_index": number}));
                }
            });
        }
    }
}

#[allow(clippy::print_stdout, reason = "an example")]
fn bench(rules: &RuleSet, body: &[u8], now: Timestamp) {
    let items = whodid_decode::decode(Format::Auto, body, now);
    let count = items.len();
    let places: Vec<Place> = items
        .iter()
        .enumerate()
        .map(|(index, item)| Place {
            event_time: item.event.as_ref().map_or(now, |event| event.event_time),
            offset: Offset(index as u64),
            stream: StreamName::activity(),
            recorded_at: now,
        })
        .collect();
    let none = NoTexts;
    for round in 0..5 {
        let mut state = rules.new_state();
        let mut hits = Vec::new();
        let started = Instant::now();
        for (index, item) in items.iter().enumerate() {
            let texts: &dyn Texts = match &item.event {
                Ok(event) => event,
                Err(_) => &none,
            };
            let raw = std::str::from_utf8(item.raw).unwrap_or_default();
            let event = Unread { place: &places[index], source: item.format.as_str(), texts, raw: &raw };
            rules.step(&mut state, &event, &mut hits);
        }
        let took = started.elapsed();
        let parse = Instant::now();
        for item in &items {
            std::hint::black_box(json::parse(std::str::from_utf8(item.raw).unwrap_or_default()).ok());
        }
        let parsed = parse.elapsed();
        println!(
            "round {round}: {count} events, {} hits, {:.0} events/s; parse {:.0} events/s",
            hits.len(),
            count as f64 / took.as_secs_f64(),
            count as f64 / parsed.as_secs_f64()
        );
    }
}
